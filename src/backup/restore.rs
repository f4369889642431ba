//! Restores a backup, wholly or not at all: into a new file that gets its name
//! at the end, or into an empty PostgreSQL database in one transaction.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::contents::Contents;
use super::tally;
use super::unfinished::{Unfinished, sync_folder};
use super::{Backup, BackupError, Result};
use crate::store::{Conn, Db, migrate, settings, tables};

/// How a file is told that may be replaced.
const OR_REPLACE: &str = ", or --replace, which keeps the old file beside the new one";

/// What was restored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// The backup.
    pub backup: Backup,
    /// Where the file is that was there before.
    pub set_aside: Option<PathBuf>,
}

/// Restores a backup into an empty database, and brings that to this program's
/// schema. With `replace` a file that is not empty is set aside.
///
/// # Errors
/// When the backup is damaged or newer than this program, the database is not
/// empty or in use, or anything fails. Then the database is as it was.
pub async fn restore(file: &Path, address: &str, replace: bool) -> Result<Restored> {
    let contents = Contents::open(file)?;
    match Db::file_of(address) {
        Some(path) => into_file(contents, path, replace).await,
        None => Ok(Restored { backup: into_server(contents, address).await?, set_aside: None }),
    }
}

/// Whether a backup is whole and can be restored: it is, into a file of its own
/// that goes away again.
///
/// # Errors
/// When it is not.
pub async fn check(file: &Path) -> Result<Backup> {
    let contents = Contents::open(file)?;
    // Beside the backup there is room for one; where nobody may write, elsewhere.
    let scratch = match Unfinished::beside(file) {
        Ok(scratch) => scratch,
        Err(_) => Unfinished::beside(&std::env::temp_dir().join("countertop-check"))?,
    };
    build(contents, &scratch).await
}

async fn into_file(contents: Contents, path: &Path, replace: bool) -> Result<Restored> {
    let there = path.exists();
    if there {
        may_replace(path, replace).await?;
    }
    let unfinished = Unfinished::beside(path)?;
    let backup = build(contents, &unfinished).await?;
    let set_aside = if there { set_aside(path).await? } else { None };
    unfinished.keep(there)?;
    Ok(Restored { backup, set_aside })
}

/// A file that is not empty is replaced only if that is said, and none that
/// somebody works with.
async fn may_replace(path: &Path, replace: bool) -> Result<()> {
    if !replace && let Some(table) = first_in_use(path).await? {
        return Err(BackupError::NotEmpty(table, OR_REPLACE));
    }
    match Db::make_one_file(path).await {
        Ok(false) => Err(BackupError::InUse(path.to_owned())),
        Ok(true) => Ok(()),
        Err(_) if replace => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A table in a file that holds something.
async fn first_in_use(path: &Path) -> Result<Option<String>> {
    let db = Db::open(&format!("sqlite://{}", path.display())).await?;
    let found = match db.read().await {
        Ok(mut conn) => tables::first_in_use(&mut conn).await,
        Err(error) => Err(error),
    };
    db.close().await;
    Ok(found?)
}

/// Fills a file and brings it to the disk.
async fn build(contents: Contents, unfinished: &Unfinished) -> Result<Backup> {
    let db = Db::open_unknown_file(&unfinished.path).await?;
    let filled = within(&db, contents).await;
    db.close().await;
    unfinished.sync()?;
    filled
}

/// Fills an empty database in one transaction.
async fn within(db: &Db, contents: Contents) -> Result<Backup> {
    let mut conn = db.write().await?;
    make_room(&mut conn).await?;
    let backup = fill(&mut conn, contents).await?;
    conn.commit().await?;
    Ok(backup)
}

async fn into_server(contents: Contents, address: &str) -> Result<Backup> {
    let db = Db::open_to_load(address).await?;
    let restored = within(&db, contents).await;
    if restored.is_ok() {
        // All is there, whatever comes of this.
        drop(db.take_stock().await);
    }
    db.close().await;
    restored
}

/// Takes empty tables away: the backup may be of an older schema than they are.
async fn make_room(conn: &mut Conn) -> Result<()> {
    migrate::lock(conn).await?;
    let Some(schema) = migrate::schema(conn).await? else { return Ok(()) };
    tables::lock_all(conn, schema).await?;
    if let Some(table) = tables::first_in_use(conn).await? {
        return Err(BackupError::NotEmpty(table, ""));
    }
    Ok(tables::drop_all(conn, schema).await?)
}

/// Fills a database that has no table yet, reads back what it wrote, and goes on
/// to this program's schema.
async fn fill(conn: &mut Conn, mut contents: Contents) -> Result<Backup> {
    let schema = contents.head.schema;
    migrate::bring_to(conn, schema).await?;
    let known = tables::of_schema(schema).await?;
    let mut expected = known.iter();
    while let Some(began) = contents.next_table()? {
        let same = |table: &&tables::Table| table.name == began.name && table.columns().eq(began.columns.iter().map(String::as_str));
        let Some(table) = expected.next().filter(same) else {
            return Err(contents.damaged(&format!("table {} is none of its schema", began.name)));
        };
        let mut lot = Vec::with_capacity(tables::LOT);
        while let Some(row) = contents.next_row(&table.name)? {
            lot.push(row);
            if lot.len() == tables::LOT {
                tables::add(conn, table, &lot).await?;
                lot.clear();
            }
        }
        tables::add(conn, table, &lot).await?;
        tables::count_on(conn, table).await?;
    }
    if expected.next().is_some() {
        return Err(contents.damaged("tables are missing"));
    }
    for (table, written) in known.iter().zip(&contents.sums) {
        if tally::read(conn, table, &mut |_| Ok(())).await? != *written {
            return Err(BackupError::Different(table.name.clone()));
        }
    }
    migrate::bring_to(conn, migrate::NEWEST).await?;
    settings::begin_lineage(conn).await?;
    contents.found()
}

/// Keeps the file that is there under another name, if it holds anything.
async fn set_aside(path: &Path) -> Result<Option<PathBuf>> {
    // Looking gives it a log again, so that comes first.
    let is_empty = matches!(first_in_use(path).await, Ok(None));
    let whole = match Db::make_one_file(path).await {
        Ok(false) => return Err(BackupError::InUse(path.to_owned())),
        Ok(true) => true,
        // A file that cannot be read is why somebody restores.
        Err(_) => false,
    };
    if whole && is_empty {
        return Ok(None);
    }
    let aside = with_ending(path, &format!(".before-{}", Timestamp::now().strftime("%Y%m%d-%H%M%S")));
    if !whole {
        // A log that stayed would be taken for the new file's.
        for log in ["-wal", "-shm"] {
            match std::fs::rename(with_ending(path, log), with_ending(&aside, log)) {
                Err(cause) if cause.kind() != ErrorKind::NotFound => return Err(BackupError::File { path: with_ending(path, log), cause }),
                _ => {}
            }
        }
    }
    // With two names for it there is no moment without a database.
    if std::fs::hard_link(path, &aside).is_err() {
        std::fs::rename(path, &aside).map_err(BackupError::file(path))?;
    }
    sync_folder(&aside)?;
    Ok(Some(aside))
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

//! Makes a backup: every row as it is at one moment, while others write.

use std::io::BufWriter;
use std::path::Path;

use jiff::Timestamp;

use super::contents::{Began, Contents, Mark, Total};
use super::packed::Packer;
use super::tally;
use super::unfinished::Unfinished;
use super::{Backup, BackupError, FORMAT, Head, Result};
use crate::store::{Db, DbKind, StoreError, migrate, settings, tables};

/// Writes a backup, reads it back, and only then gives it its name. A file that
/// is there stays unless `overwrite`.
///
/// # Errors
/// When the database or the disk fails, the database is newer than this program,
/// or there is such a file.
pub async fn make(db: &Db, path: &Path, overwrite: bool) -> Result<Backup> {
    // A device, a pipe or a link is nobody's backup to be replaced.
    if path.symlink_metadata().is_ok_and(|there| !there.is_file()) {
        return Err(BackupError::NoFile(path.to_owned()));
    }
    if !overwrite && path.exists() {
        return Err(BackupError::Exists(path.to_owned()));
    }
    let unfinished = Unfinished::beside(path)?;
    write(db, &unfinished).await?;
    unfinished.sync()?;
    let made = read_through(&unfinished.path)?;
    unfinished.keep(overwrite)?;
    Ok(Backup { path: path.to_owned(), ..made })
}

/// Reads a backup from its first byte to its last.
///
/// # Errors
/// When it is not what was written once, or this program does not know it.
pub fn read_through(path: &Path) -> Result<Backup> {
    let mut contents = Contents::open(path)?;
    contents.read_through()?;
    contents.found()
}

async fn write(db: &Db, to: &Unfinished) -> Result<()> {
    let mut conn = db.snapshot().await?;
    let made_at = Timestamp::now();
    let schema = migrate::schema(&mut conn).await?.ok_or(BackupError::NoSchema)?;
    let database = match db.kind() {
        DbKind::Sqlite => "sqlite",
        DbKind::Postgres => "postgresql",
    };
    let lineage = settings::lineage(&mut conn).await?;
    let head = Head { format: FORMAT, schema, made_at, database: database.to_owned(), program: env!("CARGO_PKG_VERSION").to_owned(), lineage };
    let path = to.path.as_path();
    let mut out = Packer::new(BufWriter::new(&to.file));
    let mut line = |line: &[u8]| out.line(line).map_err(BackupError::file(path));
    line(&text_of(&Mark::CountertopBackup(head))?)?;
    let mut sums = Vec::new();
    for table in tables::of_schema(schema).await? {
        let columns = table.columns().map(str::to_owned).collect();
        line(&text_of(&Mark::Table(Began { name: table.name.clone(), columns }))?)?;
        let sum = tally::read(&mut conn, &table, &mut line).await?;
        line(&text_of(&Mark::EndOfTable(sum.clone()))?)?;
        sums.push(sum);
    }
    line(&text_of(&Mark::End(Total::of(&sums)))?)?;
    out.finish().map_err(BackupError::file(path))
}

fn text_of(mark: &Mark) -> Result<Vec<u8>> {
    serde_json::to_vec(mark).map_err(|error| StoreError::Strange(error.to_string()).into())
}

//! The head of a database's log, read by the server itself: whoever asks SQLite
//! for its `data_version` waits for another thread, and each call asks.
//!
//! Every commit writes it, whoever makes it: a count of commits, how long the log
//! is, and sums over its frames. It begins the file that all who have the database
//! open share (`-shm`); its form is laid down in SQLite's "WAL-mode File Format".
//!
//! Whoever closes that file takes all locks of his process from it, SQLite's own
//! among them, and the next program to come would take the database for its alone.
//! So it is closed when this process has the database open no more, or never.

use std::collections::BTreeMap;
use std::fs::File;
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::super::{Db, Raw, Result};

/// It is there twice, so that a reader can tell a half-written one.
const LENGTH: usize = 2 * 48;
/// With this it begins, in the machine's own order of bytes.
const FORMAT: u32 = 3_007_000;
/// Not zero: it holds.
const IS_MADE: usize = 12;

type Head = [u8; LENGTH];

/// The files that are read, and by how many servers of this process. Whatever
/// else of this process has one of these databases open ends before its server.
static READ: Mutex<BTreeMap<PathBuf, usize>> = Mutex::new(BTreeMap::new());

/// Tells at once whether anything was committed since the last look.
#[derive(Debug)]
pub struct LogHead {
    file: ManuallyDrop<File>,
    path: PathBuf,
    seen: Mutex<Seen>,
    /// As long as one connection is open, the file is not taken away and made
    /// anew by the next who opens the database.
    held: Mutex<SqliteConnection>,
}

#[derive(Debug)]
struct Seen {
    head: Head,
    stand: u64,
}

impl LogHead {
    /// That of a database's log; none where there is no such file, or in a form
    /// that is not known here: then the database has to be asked.
    pub async fn of(db: &Db) -> Option<Self> {
        let Db::Sqlite { read, .. } = db else { return None };
        let options = read.connect_options();
        let mut held = options.connect().await.ok()?;
        // The first look at the database opens the file.
        held.ping().await.ok()?;
        sqlx::query("SELECT 1 FROM sqlite_schema LIMIT 1").fetch_optional(&mut held).await.ok()?;
        // Where the file itself stands: beside a link to it may be what another left.
        let mut beside = std::fs::canonicalize(options.get_filename()).ok()?.into_os_string();
        beside.push("-shm");
        let path = PathBuf::from(beside);
        let file = ManuallyDrop::new(File::open(&path).ok()?);
        let before = read_from(&file)?;
        commit_nothing(db).await.ok()?;
        let head = read_from(&file)?;
        // On some file systems what is read is not what others have mapped.
        let is_known = head.starts_with(&FORMAT.to_ne_bytes()) && head[IS_MADE] != 0 && head != before;
        if !is_known {
            return None;
        }
        *READ.lock().unwrap_or_else(PoisonError::into_inner).entry(path.clone()).or_default() += 1;
        Some(Self { file, path, seen: Mutex::new(Seen { head, stand: 0 }), held: Mutex::new(held) })
    }

    /// Closes the file, unless another server of this process reads it too. To be
    /// called when the database is closed; without it the file stays open.
    pub async fn let_go(self) {
        let Self { file, path, held, .. } = self;
        // Whatever the end of a connection that only reads is.
        let _ = held.into_inner().unwrap_or_else(PoisonError::into_inner).close().await;
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        let others = read.get(&path).map_or(0, |all| all - 1);
        if others == 0 {
            read.remove(&path);
            drop(ManuallyDrop::into_inner(file));
        } else {
            read.insert(path, others);
        }
    }

    /// A number that is another one if anything was committed since the last
    /// look; what was committed before this look began is seen. None when the
    /// file cannot be read.
    ///
    /// Somebody may be writing it: then it is like none that was seen before, and
    /// none that is seen later is like it.
    #[must_use]
    pub fn look(&self) -> Option<u64> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let head = read_from(&self.file)?;
        if head != seen.head {
            *seen = Seen { head, stand: seen.stand + 1 };
        }
        Some(seen.stand)
    }
}

/// Commits, and changes nothing: a value that is set to what it is, which SQLite
/// writes all the same.
async fn commit_nothing(db: &Db) -> Result<()> {
    let mut conn = db.write().await?;
    if let Raw::Sqlite(connection) = conn.raw().await? {
        let version: i64 = sqlx::query_scalar("PRAGMA user_version").fetch_one(&mut *connection).await?;
        sqlx::query(AssertSqlSafe(format!("PRAGMA user_version = {version}"))).execute(connection).await?;
    }
    conn.commit().await
}

#[cfg(any(target_os = "linux", target_os = "macos"))]
fn read_from(file: &File) -> Option<Head> {
    use std::os::unix::fs::FileExt as _;
    let mut head = [0; LENGTH];
    file.read_exact_at(&mut head, 0).ok()?;
    Some(head)
}

/// Elsewhere what one reads of a file and what others have mapped of it need not
/// be the same.
#[cfg(not(any(target_os = "linux", target_os = "macos")))]
const fn read_from(_file: &File) -> Option<Head> {
    None
}

#[cfg(test)]
mod tests {
    use super::super::beside;
    use super::*;

    async fn write(db: &Db, text: &'static str) {
        let Db::Sqlite { write, .. } = db else { panic!("a file") };
        sqlx::query(text).execute(write).await.unwrap();
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_another_left_beside_a_link_is_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str, file: &str| folder.path().join(name).join(file);
        for name in ["real", "link"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let there = Db::open(&format!("sqlite://{}", place("real", "counter.db").display())).await.unwrap();
        write(&there, "CREATE TABLE note (what TEXT)").await;
        std::os::unix::fs::symlink(place("real", "counter.db"), place("link", "counter.db")).unwrap();
        std::fs::copy(place("real", "counter.db-shm"), place("link", "counter.db-shm")).unwrap();
        let here = Db::open(&format!("sqlite://{}", place("link", "counter.db").display())).await.unwrap();
        let head = LogHead::of(&here).await.expect("a log");
        let before = head.look().unwrap();
        write(&there, "INSERT INTO note VALUES ('by another')").await;
        assert_eq!(head.look(), Some(before + 1));
        there.close().await;
        here.close().await;
        head.let_go().await;
    }

    #[tokio::test]
    async fn each_commit_is_seen_whoever_makes_it_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let address = format!("sqlite://{}", folder.path().join("counter.db").display());
        let here = Db::open(&address).await.unwrap();
        write(&here, "CREATE TABLE note (what TEXT)").await;
        let head = LogHead::of(&here).await.expect("a log");
        let first = head.look().unwrap();
        let elsewhere = Db::open(&address).await.unwrap();
        let mut reading = elsewhere.read().await.unwrap();
        assert!(beside(&mut reading).await.unwrap().is_some());
        assert_eq!(head.look(), Some(first), "who only looks changes nothing");

        write(&here, "INSERT INTO note VALUES ('by this one')").await;
        let second = head.look().unwrap();
        write(&elsewhere, "INSERT INTO note VALUES ('by another')").await;
        let third = head.look().unwrap();
        let mut undone = elsewhere.write().await.unwrap();
        let Raw::Sqlite(writing) = undone.raw().await.unwrap() else { panic!("a file") };
        sqlx::query("INSERT INTO note VALUES ('never')").execute(writing).await.unwrap();
        drop(undone);
        assert_eq!((second, third, head.look()), (first + 1, first + 2, Some(third)));

        // The log is put into the file and begins anew.
        for nth in 0..50_u64 {
            write(&elsewhere, "PRAGMA wal_checkpoint(RESTART)").await;
            let before = head.look().unwrap();
            write(&here, "INSERT INTO note VALUES ('after')").await;
            assert!(head.look().unwrap() > before, "the {nth}. time");
        }
        drop(reading);
        elsewhere.close().await;
        write(&here, "INSERT INTO note VALUES ('alone again')").await;
        assert!(head.look().unwrap() > third);
        here.close().await;
        let path = head.path.clone();
        head.let_go().await;
        assert!(!READ.lock().unwrap().contains_key(&path) && !path.exists(), "the last one tidies up");
    }
}

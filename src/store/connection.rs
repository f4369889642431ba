//! Pools, connections and transactions of both databases.

use std::fs::OpenOptions;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, Instant};

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection, Sqlite, SqliteConnection, SqlitePool, Transaction};
use tokio::time::sleep;

use super::lines::{Line, Lines};
use super::{Result, StoreError};

/// What makes an SQLite connection load many rows quickly. What is committed is
/// as safe as ever: it is in the log, on the disk.
const TO_LOAD: &[(&str, &str)] = &[
    // In KiB. Names and numbers come in no order: each row changes pages all over the indexes.
    ("cache_size", "-65536"),
    // What rows refer to was looked up in the same transaction, and none of it is
    // ever removed. Checked row by row, each statement would copy all it touches.
    ("foreign_keys", "OFF"),
    // Beside the transactions instead of within them: see Db::checkpoint.
    ("wal_autocheckpoint", "0"),
];

/// Which database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DbKind {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// A database with its pools. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Db {
    /// Many readers and exactly one writer: SQLite allows no second one, and
    /// waiting in our queue is fairer than its busy timeout.
    Sqlite {
        /// For reading.
        read: SqlitePool,
        /// For writing.
        write: SqlitePool,
    },
    /// The same lines for both.
    Postgres(Lines),
}

/// How long a connection to a file is waited for.
const FREE_WITHIN: Duration = Duration::from_secs(10);
/// How long whoever opens or migrates a file waits while others do it: on a slow
/// disk several of them take their time.
const FREE_AT_LEISURE: Duration = Duration::from_mins(1);
/// SQLite does not wait by itself where two could wait for each other.
const BETWEEN_TRIES: Duration = Duration::from_millis(20);
/// Texts that a connection keeps prepared: all that are asked often.
const STATEMENTS_KEPT: usize = 256;
/// Pages of the file that each connection keeps, in KiB behind a minus sign: the
/// upper parts of the indexes of some ten million assets.
const CACHE: &str = "-16384";

/// What is done with the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// Requests are answered.
    Serve,
    /// Many rows are loaded.
    Load,
}

/// A file that is made is for its owner only: hashes of passwords and customers
/// lie in it. Its log takes the same mode. Where it cannot be made, SQLite tells
/// why; one that is there keeps its mode.
fn make_private(path: &Path) {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    drop(options.open(path));
}

impl Db {
    /// Opens `sqlite:///path/file.db` or `postgres://…`; a missing SQLite file
    /// is made.
    ///
    /// # Errors
    /// When the address is neither, or the database does not answer.
    pub async fn open(address: &str) -> Result<Self> {
        Self::open_to(Use::Serve, address).await
    }

    /// As [`Db::open`], for a program that loads many rows and nothing else. Its
    /// log is put into the file by [`Db::checkpoint`] alone; PostgreSQL sets no
    /// time to what it does.
    ///
    /// # Errors
    /// As [`Db::open`].
    pub async fn open_to_load(address: &str) -> Result<Self> {
        Self::open_to(Use::Load, address).await
    }

    async fn open_to(what: Use, address: &str) -> Result<Self> {
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            let options =
                PgConnectOptions::from_str(address)?.application_name("countertop").statement_cache_capacity(STATEMENTS_KEPT).disable_statement_logging();
            let lines = match what {
                Use::Serve => Lines::in_a_hurry(options).await?,
                Use::Load => Lines::to_load(options).await?,
            };
            return Ok(Self::Postgres(lines));
        }
        let Some(path) = Self::file_of(address) else {
            return Err(StoreError::Address(format!("{address:?} is no database address: write sqlite:///path/file.db or postgres://user@host/database")));
        };
        make_private(path);
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What the screen says is saved survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .pragma("cache_size", CACHE)
            .statement_cache_capacity(STATEMENTS_KEPT)
            // A text of many rows would fill the log; requests are timed there anyway.
            .disable_statement_logging();
        // A file does not hang up: there is nothing to test before each query.
        let pool = |connections| SqlitePoolOptions::new().max_connections(connections).acquire_timeout(FREE_WITHIN).test_before_acquire(false);
        let pragmas = if what == Use::Load { TO_LOAD } else { &[] };
        let writing = pragmas.iter().fold(options.clone(), |options, (name, value)| options.pragma(*name, *value));
        // Where the disk was full or failed, SQLite has ended the transaction by
        // itself and the driver does not know: on that connection it would begin
        // none ever again.
        let for_writing = pool(1).before_acquire(|connection, _| Box::pin(async move { Ok(!connection.is_in_transaction()) }));
        let write = at_leisure(|| for_writing.clone().connect_with(writing.clone())).await?;
        let read = at_leisure(|| pool(8).connect_with(options.clone())).await?;
        Ok(Self::Sqlite { read, write })
    }

    /// A file that is filled in one go and that nobody else knows until then:
    /// it has no log and does not wait for the disk. Whoever fills it sees to it
    /// that it is on the disk before it is known, and throws it away when
    /// anything went wrong.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn open_unknown_file(path: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Memory)
            .synchronous(SqliteSynchronous::Off)
            .pragma("cache_size", "-65536")
            .pragma("temp_store", "memory")
            .statement_cache_capacity(STATEMENTS_KEPT)
            .disable_statement_logging();
        let only = SqlitePoolOptions::new().max_connections(1).acquire_timeout(FREE_WITHIN).test_before_acquire(false).connect_with(options).await?;
        Ok(Self::Sqlite { read: only.clone(), write: only })
    }

    /// The file of an SQLite address.
    #[must_use]
    pub fn file_of(address: &str) -> Option<&Path> {
        let path = address.strip_prefix("sqlite:")?;
        Some(Path::new(path.strip_prefix("//").unwrap_or(path)))
    }

    /// Puts the log of a database's file into the file and takes the log away.
    /// False: somebody else has the file open.
    ///
    /// # Errors
    /// When it is no database that can be read.
    pub async fn make_one_file(path: &Path) -> Result<bool> {
        let options = SqliteConnectOptions::new().filename(path).busy_timeout(Duration::from_secs(1)).disable_statement_logging();
        let mut connection = options.connect().await?;
        let mode = sqlx::query_scalar::<_, String>("PRAGMA journal_mode = DELETE").fetch_one(&mut connection).await;
        connection.close().await?;
        match mode {
            Ok(mode) => Ok(mode == "delete"),
            Err(error) if is_busy(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Which database it is.
    #[must_use]
    pub const fn kind(&self) -> DbKind {
        match self {
            Self::Sqlite { .. } => DbKind::Sqlite,
            Self::Postgres(_) => DbKind::Postgres,
        }
    }

    /// A connection to read with.
    ///
    /// # Errors
    /// When none is free in time or the database does not answer.
    pub async fn read(&self) -> Result<Conn> {
        Ok(Conn { lent: Some(self.lend().await?), db: self.clone() })
    }

    /// The same, taken from the pool with the first query: whoever finds all in
    /// memory takes none.
    #[must_use]
    pub fn read_at_need(&self) -> Conn {
        Conn { lent: None, db: self.clone() }
    }

    async fn lend(&self) -> sqlx::Result<Lent> {
        Ok(match self {
            Self::Sqlite { read, .. } => Lent::SqliteRead(read.acquire().await?),
            Self::Postgres(lines) => Lent::Postgres(lines.lend().await?),
        })
    }

    /// A transaction to write in; dropped without [`Conn::commit`] it leaves
    /// no trace. SQLite takes its write lock at once, so that reading first
    /// and writing then cannot fail half-way.
    ///
    /// # Errors
    /// When none is free in time or the database does not answer.
    pub async fn write(&self) -> Result<Conn> {
        let lent = match self {
            Self::Sqlite { write, .. } => Lent::SqliteWrite(write.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(lines) => Lent::Postgres(lines.lend_to_write().await?),
        };
        Ok(Conn { lent: Some(lent), db: self.clone() })
    }

    /// All rows as they are at one moment, to read at leisure. Others write
    /// meanwhile; the log of a file grows until this is given back.
    ///
    /// # Errors
    /// When none is free in time or the database does not answer.
    pub async fn snapshot(&self) -> Result<Conn> {
        let lent = match self {
            Self::Sqlite { read, .. } => Lent::SqliteWrite(read.begin().await?),
            Self::Postgres(lines) => Lent::Postgres(lines.lend_snapshot().await?),
        };
        Ok(Conn { lent: Some(lent), db: self.clone() })
    }

    /// A transaction for a chore of the server, which may wait and take longer
    /// than anybody waits for an answer.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub async fn write_at_leisure(&self) -> Result<Conn> {
        let lent = match self {
            Self::Sqlite { write, .. } => Lent::SqliteWrite(at_leisure(|| write.begin_with("BEGIN IMMEDIATE")).await?),
            Self::Postgres(lines) => {
                let mut line = lines.lend_to_write().await?;
                line.take_time().await?;
                Lent::Postgres(line)
            }
        };
        Ok(Conn { lent: Some(lent), db: self.clone() })
    }

    /// Puts what a file's log holds into the file itself. Others read and write
    /// meanwhile. PostgreSQL sees to that by itself.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub async fn checkpoint(&self) -> Result<()> {
        if let Self::Sqlite { read, .. } = self {
            sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(read).await?;
        }
        Ok(())
    }

    /// Lets PostgreSQL count what its tables hold now, after much was added: by
    /// that it chooses the way to a row, and by itself it counts within a minute
    /// or so. A file needs none: our texts lead the way there.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn take_stock(&self) -> Result<()> {
        if let Self::Postgres(lines) = self {
            sqlx::query("ANALYZE").execute(lines.pool()).await?;
        }
        Ok(())
    }

    /// Closes the pools after what runs has finished.
    pub async fn close(&self) {
        match self {
            Self::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Self::Postgres(lines) => lines.pool().close().await,
        }
    }
}

/// Tries again while others are at the file.
async fn at_leisure<T, F: Future<Output = sqlx::Result<T>>>(attempt: impl Fn() -> F) -> sqlx::Result<T> {
    let end = Instant::now() + FREE_AT_LEISURE;
    loop {
        match attempt().await {
            Err(error) if (is_busy(&error) || matches!(error, sqlx::Error::PoolTimedOut)) && Instant::now() < end => sleep(BETWEEN_TRIES).await,
            ended => return ended,
        }
    }
}

/// Whether SQLite says that somebody else is at it; the low byte is the code
/// itself.
fn is_busy(error: &sqlx::Error) -> bool {
    const BUSY: u32 = 5;
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| code & 0xff == BUSY)
}

/// A connection, perhaps in a transaction.
#[derive(Debug)]
pub struct Conn {
    /// None: nothing was asked yet.
    lent: Option<Lent>,
    db: Db,
}

/// What the pools lend; a snapshot is a transaction that writes nothing.
#[derive(Debug)]
enum Lent {
    SqliteRead(PoolConnection<Sqlite>),
    SqliteWrite(Transaction<'static, Sqlite>),
    Postgres(Line),
}

/// The driver's connection.
#[derive(Debug)]
pub enum Raw<'c> {
    /// Of a file.
    Sqlite(&'c mut SqliteConnection),
    /// Of a server.
    Postgres(&'c mut PgConnection),
}

impl Conn {
    /// Which database it leads to.
    #[must_use]
    pub const fn kind(&self) -> DbKind {
        self.db.kind()
    }

    /// The driver's connection, for [`super::query`] and what only one driver has.
    ///
    /// # Errors
    /// When it is taken only now, and none is free in time.
    pub async fn raw(&mut self) -> sqlx::Result<Raw<'_>> {
        let lent = match self.lent.take() {
            Some(lent) => lent,
            None => self.db.lend().await?,
        };
        Ok(match self.lent.insert(lent) {
            Lent::SqliteRead(connection) => Raw::Sqlite(connection),
            Lent::SqliteWrite(transaction) => Raw::Sqlite(transaction),
            Lent::Postgres(line) => Raw::Postgres(line.raw()?),
        })
    }

    /// How long an answer to one question is waited for; none: as long as it
    /// takes.
    pub(super) const fn patience(&self) -> Option<Duration> {
        match (&self.lent, &self.db) {
            (Some(Lent::Postgres(line)), _) => line.patience(),
            (None, Db::Postgres(lines)) => lines.patience(),
            _ => None,
        }
    }

    /// Makes what was written last; a reading connection is just given back.
    ///
    /// # Errors
    /// When the database could not keep it; then nothing was kept.
    pub async fn commit(self) -> Result<()> {
        match self.lent {
            Some(Lent::SqliteWrite(transaction)) => transaction.commit().await?,
            Some(Lent::Postgres(line)) => line.commit().await?,
            Some(Lent::SqliteRead(_)) | None => {}
        }
        Ok(())
    }
}

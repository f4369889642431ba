//! Whether anything was committed since the last look, by whomever: this server,
//! another, the command line or somebody with a tool of the database's own. One
//! tiny query that reads no table, on a connection kept for it.
//!
//! SQLite's `data_version` is another with each commit that another connection
//! makes. PostgreSQL's snapshot names every transaction that is visible: as long
//! as it is the same, everything that can be read is. What SQLite looks at itself
//! for its answer is read without asking it: [`LogHead`].

mod log_head;

pub use log_head::LogHead;
use sqlx::{ConnectOptions as _, PgConnection, SqliteConnection};

use super::{Conn, Db, Raw, Result};

/// Another number after each commit of another connection, never after one's own.
const VERSION: &str = "PRAGMA data_version";

/// Looks again and again.
#[derive(Debug)]
pub struct Watch {
    db: Db,
    line: Option<Line>,
    seen: String,
    stand: u64,
}

/// A connection that nothing else is asked on: `data_version` can be compared
/// with what the same connection told before, and with nothing else.
#[derive(Debug)]
enum Line {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Watch {
    /// A watch over a database. It connects with the first look.
    #[must_use]
    pub fn over(db: &Db) -> Self {
        Self { db: db.clone(), line: None, seen: String::new(), stand: 0 }
    }

    /// A number that is another one if anything was committed since the last
    /// look; what was committed before this look began is seen.
    ///
    /// # Errors
    /// When the database does not answer. The next look connects anew.
    pub async fn look(&mut self) -> Result<u64> {
        let (mut line, anew) = match self.line.take() {
            Some(line) => (line, false),
            None => (connect(&self.db).await?, true),
        };
        // Without an answer the connection is not put back: nobody knows what
        // it would tell next.
        let seen = ask(&mut line).await?;
        self.line = Some(line);
        // Nobody looked while there was no connection.
        if anew || seen != self.seen {
            self.stand += 1;
            self.seen = seen;
        }
        Ok(self.stand)
    }
}

async fn connect(db: &Db) -> sqlx::Result<Line> {
    Ok(match db {
        Db::Sqlite { read, .. } => Line::Sqlite(read.connect_options().connect().await?),
        Db::Postgres(lines) => Line::Postgres(lines.one_apart().await?),
    })
}

async fn ask(line: &mut Line) -> sqlx::Result<String> {
    Ok(match line {
        Line::Sqlite(connection) => sqlx::query_scalar::<_, i64>(VERSION).fetch_one(connection).await?.to_string(),
        Line::Postgres(connection) => sqlx::query_scalar::<_, String>("SELECT CAST(pg_current_snapshot() AS TEXT)").fetch_one(connection).await?,
    })
}

/// What tells somebody who writes to a file again and again whether others did
/// too: between two of its transactions the number stays the same if nobody
/// else has committed. None on PostgreSQL, where each writer keeps only those
/// waiting who want the same rows.
///
/// # Errors
/// When the database does not answer.
pub async fn beside(conn: &mut Conn) -> Result<Option<i64>> {
    Ok(match conn.raw().await? {
        Raw::Sqlite(connection) => Some(sqlx::query_scalar::<_, i64>(VERSION).fetch_one(connection).await?),
        Raw::Postgres(_) => None,
    })
}

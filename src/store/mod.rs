//! The only folder with SQL. Each query is one text that SQLite and PostgreSQL
//! both run; `tests/it/store.rs` prepares every one of them on both.
//! Texts that grow with their values (`bulk`), those that name whatever table
//! there is (`tables`), and what each database tells of commits (`watch`), are
//! the exceptions: stories run each of those on both.
//!
//! A [`Db`] lends a [`Conn`]: to read, or to write in one transaction. Every
//! query takes the `Conn`, so that a handler's reads and writes see one state.
//!
//! May call [`crate::api`], [`crate::rules`] and [`crate::text`].

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

mod connection;
mod lines;
mod query;
mod queue;
mod row;
mod scope;

pub mod assets;
pub mod audit;
pub mod backups;
pub mod bulk;
pub mod changes;
pub mod contacts;
pub mod customer_index;
pub mod customers;
pub mod device_sign_ins;
pub mod export;
pub mod house;
pub mod idempotency;
pub mod kiosks;
pub mod meters;
pub mod migrate;
pub mod password_links;
pub mod places;
pub mod repairs;
pub mod requests;
pub mod roles;
pub mod sessions;
pub mod settings;
pub mod tables;
pub mod users;
pub mod watch;

pub use connection::{Conn, Db, DbKind, Raw};
pub use lines::{Lines, in_time};
pub use query::{Row, Stored};
pub(crate) use queue::Queue;
pub use row::At;
pub use scope::{Own, Scope};

use sqlx::error::DatabaseError;
use sqlx::sqlite::SqliteError;

/// What went wrong in the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique number, code or name is taken.
    #[error("this value is taken already")]
    Taken,
    /// There is no room left to write in.
    #[error("the database has no room left: {0}")]
    Full(#[source] sqlx::Error),
    /// The disk under the database does not write, or not read.
    #[error("the disk of the database fails: {0}")]
    Disk(#[source] sqlx::Error),
    /// The database refused or could not be reached.
    #[error("the database failed: {0}")]
    Database(#[source] sqlx::Error),
    /// The schema could not be brought up to date.
    #[error("the database could not be brought to this version: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A newer program has migrated it.
    #[error("the database is newer (schema {database}) than this program (schema {program}): use the newer program on it")]
    Newer {
        /// What the database has.
        database: i64,
        /// What this program knows.
        program: i64,
    },
    /// Tables or rows are not what the migrations make.
    #[error("{0}")]
    Strange(String),
    /// The address is no database address.
    #[error("{0}")]
    Address(String),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let Some(refusal) = error.as_database_error() else { return Self::Database(error) };
        if refusal.is_unique_violation() {
            return Self::Taken;
        }
        match trouble(refusal) {
            Some(Trouble::Full) => Self::Full(error),
            Some(Trouble::Disk) => Self::Disk(error),
            None => Self::Database(error),
        }
    }
}

/// What the disk has to do with a refusal.
enum Trouble {
    Full,
    Disk,
}

/// By the numbers of SQLite (the lowest byte of its extended ones) and the states
/// of PostgreSQL.
fn trouble(refusal: &(dyn DatabaseError + 'static)) -> Option<Trouble> {
    const READ_ONLY: i32 = 8;
    const INPUT_OUTPUT: i32 = 10;
    const FULL: i32 = 13;
    const CANNOT_OPEN: i32 = 14;
    let code = refusal.code()?;
    if refusal.try_downcast_ref::<SqliteError>().is_some() {
        return match code.parse::<i32>().ok()? & 0xff {
            FULL => Some(Trouble::Full),
            READ_ONLY | INPUT_OUTPUT | CANNOT_OPEN => Some(Trouble::Disk),
            _ => None,
        };
    }
    match code.as_ref() {
        "53100" => Some(Trouble::Full),
        "58030" => Some(Trouble::Disk),
        _ => None,
    }
}

/// Why the database cannot serve just now, whatever was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outage {
    /// It lives, but others were there before.
    Busy,
    /// It is gone, does not answer or takes nothing.
    Unreachable,
}

impl StoreError {
    /// Whether the database is at fault and not what was asked.
    #[must_use]
    pub fn outage(&self) -> Option<Outage> {
        match self {
            Self::Database(sqlx::Error::PoolTimedOut) => Some(Outage::Busy),
            Self::Database(sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed) => {
                Some(Outage::Unreachable)
            }
            Self::Database(error) => outage_of_code(&error.as_database_error()?.code()?),
            _ => None,
        }
    }
}

/// PostgreSQL's codes by its appendix A.
fn outage_of_code(code: &str) -> Option<Outage> {
    match code {
        // Waited too long for somebody's row, took too long, stood in each
        // other's way; too many connections.
        "55P03" | "57014" | "40001" | "40P01" | "53300" => Some(Outage::Busy),
        // Read only: a standby, or one that became one.
        "25006" | "25P03" => Some(Outage::Unreachable),
        // Connections; out of disk or memory; stopped or starting; the disk failed.
        _ if code.len() == 5 && ["08", "53", "57", "58"].iter().any(|class| code.starts_with(class)) => Some(Outage::Unreachable),
        // SQLite's: somebody else writes.
        "5" | "261" | "517" => Some(Outage::Busy),
        _ => None,
    }
}

/// Result of a query.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Every SQL text with its name, for the test that prepares them all.
#[must_use]
pub fn statements() -> Vec<(&'static str, &'static str)> {
    [
        assets::STATEMENTS,
        audit::STATEMENTS,
        backups::STATEMENTS,
        bulk::STATEMENTS,
        changes::STATEMENTS,
        contacts::STATEMENTS,
        customer_index::STATEMENTS,
        customers::STATEMENTS,
        device_sign_ins::STATEMENTS,
        export::STATEMENTS,
        idempotency::STATEMENTS,
        kiosks::STATEMENTS,
        meters::STATEMENTS,
        password_links::STATEMENTS,
        places::STATEMENTS,
        repairs::STATEMENTS,
        requests::STATEMENTS,
        roles::STATEMENTS,
        sessions::STATEMENTS,
        settings::STATEMENTS,
        users::STATEMENTS,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_passes_is_told_apart_from_what_stays() {
        let told = |codes: &[&str]| codes.iter().map(|code| outage_of_code(code)).collect::<Vec<_>>();
        assert_eq!(told(&["55P03", "57014", "40P01", "5"]), [Some(Outage::Busy); 4]);
        assert_eq!(told(&["57P01", "57P03", "08006", "25006", "53100"]), [Some(Outage::Unreachable); 5]);
        assert_eq!(told(&["23505", "42601", "ü", "1"]), [None; 4]);
    }

    #[test]
    fn a_line_that_breaks_is_an_outage() {
        let broken = StoreError::from(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into()));
        assert_eq!((broken.outage(), StoreError::Taken.outage()), (Some(Outage::Unreachable), None));
    }
}

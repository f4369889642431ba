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

mod connection;
mod query;
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
pub use query::{Row, Stored};
pub use row::At;
pub use scope::{Own, Scope};

/// What went wrong in the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique number, code or name is taken.
    #[error("this value is taken already")]
    Taken,
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
        match error.as_database_error() {
            Some(refusal) if refusal.is_unique_violation() => Self::Taken,
            _ => Self::Database(error),
        }
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

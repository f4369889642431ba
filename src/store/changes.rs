//! The change feed: what was written, for servers to keep their index fresh.

use super::row::{row, statements};
use super::{At, Conn, Raw, Result, in_time};

/// Channel on which PostgreSQL tells of changes.
pub const CHANNEL: &str = "countertop_change";

/// Asked of who listens where nothing was heard for long: a line that broke
/// without a word says nothing either.
pub const STILL_THERE: &str = "SELECT 1";

row! {
    /// One change.
    pub struct Change {
        /// Counts up; numbers may be missing for a while, or for good.
        pub seq: i64,
        /// `customer` or `organization`.
        pub entity: String,
        /// The record's id.
        pub entity_id: String,
    }
}

statements! {
    ADD = "INSERT INTO change (entity, entity_id, changed_at) VALUES ($1, $2, $3)";
    AFTER = "SELECT seq, entity, entity_id FROM change WHERE seq > $1 ORDER BY seq LIMIT 5000";
    NEWEST = "SELECT COALESCE(MAX(seq), CAST(0 AS BIGINT)) FROM change";
    PRUNE = "DELETE FROM change WHERE seq IN (SELECT o.seq FROM (SELECT seq, changed_at FROM change ORDER BY seq LIMIT 1000) o WHERE o.changed_at < $1)";
}

/// Adds a change in the transaction that makes it.
///
/// # Errors
/// When the database fails.
pub async fn add(conn: &mut Conn, entity: &str, id: impl ToString) -> Result<()> {
    conn.query(ADD).bind(entity).bind(id.to_string()).bind(At::now()).run().await?;
    tell(conn).await
}

/// Wakes the servers once this transaction is committed. SQLite needs none:
/// its file is watched.
///
/// # Errors
/// When the database fails.
pub async fn tell(conn: &mut Conn) -> Result<()> {
    let patience = conn.patience();
    if let Raw::Postgres(connection) = conn.raw().await? {
        in_time(patience, sqlx::query("SELECT pg_notify('countertop_change', '')").execute(connection)).await?;
    }
    Ok(())
}

/// The most changes that are read at once.
pub const AT_ONCE: usize = 5_000;

/// Changes behind `seq`, at most [`AT_ONCE`].
///
/// # Errors
/// When the database fails.
pub async fn after(conn: &mut Conn, seq: i64) -> Result<Vec<Change>> {
    conn.query(AFTER).bind(seq).all().await
}

/// The newest change's number; 0 before the first.
///
/// # Errors
/// When the database fails.
pub async fn newest(conn: &mut Conn) -> Result<i64> {
    conn.query(NEWEST).one().await
}

/// Forgets a lot of changes older than `before`: every server has followed them.
/// Only the lot of the oldest is looked at.
///
/// # Errors
/// When the database fails.
pub async fn prune(conn: &mut Conn, before: At) -> Result<u64> {
    conn.query(PRUNE).bind(before).run().await
}

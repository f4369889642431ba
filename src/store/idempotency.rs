//! Answers kept under the client's key, so that a repeated write is one write.

use super::row::{row, statements};
use super::{At, Conn, Result};
use crate::api::ids::UserId;

row! {
    /// The answer given the first time.
    pub struct Kept {
        /// Hash of the first body.
        pub body_hash: String,
        /// What the sender might do then.
        pub policy: String,
        /// HTTP status.
        pub status: i64,
        /// The version in its `ETag`.
        pub version: Option<i64>,
        /// The body of the answer.
        pub answer: String,
    }
}

/// What an answer is kept under.
#[derive(Debug, Clone)]
pub struct Key<'a> {
    /// Two users' keys never meet.
    pub user: UserId,
    /// Method and path as called.
    pub route: &'a str,
    /// The client's key.
    pub key: &'a str,
}

statements! {
    GET = "SELECT body_hash, policy, status, version, answer FROM idempotency WHERE user_id = $1 AND route = $2 AND idempotency_key = $3";
    KEEP = "INSERT INTO idempotency (user_id, route, idempotency_key, body_hash, policy, status, version, answer, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    PRUNE = "DELETE FROM idempotency WHERE (user_id, route, idempotency_key) IN (
            SELECT user_id, route, idempotency_key FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT 1000)";
}

/// The answer kept under a key.
///
/// # Errors
/// When the database fails.
pub async fn get(conn: &mut Conn, key: &Key<'_>) -> Result<Option<Kept>> {
    conn.query(GET).bind(key.user).bind(key.route).bind(key.key).first().await
}

/// Keeps an answer in the transaction of what it answers.
///
/// # Errors
/// [`super::StoreError::Taken`] when another sending was faster.
pub async fn keep(conn: &mut Conn, key: &Key<'_>, kept: &Kept) -> Result<()> {
    conn.query(KEEP)
        .bind(key.user)
        .bind(key.route)
        .bind(key.key)
        .bind(&kept.body_hash)
        .bind(&kept.policy)
        .bind(kept.status)
        .bind(kept.version)
        .bind(&kept.answer)
        .bind(At::now())
        .run()
        .await?;
    Ok(())
}

/// Forgets a lot of answers older than `before` (90 days).
///
/// # Errors
/// When the database fails.
pub async fn prune(conn: &mut Conn, before: At) -> Result<u64> {
    conn.query(PRUNE).bind(before).run().await
}

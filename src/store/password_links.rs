//! One-time links to set a password; their codes are kept hashed.

use super::row::statements;
use super::{At, Conn, Result};
use crate::api::ids::UserId;

statements! {
    CLEAR = "DELETE FROM password_link WHERE user_id = $1 OR ends_at < $2";
    ADD = "INSERT INTO password_link (code_hash, user_id, ends_at, is_void) VALUES ($1, $2, $3, FALSE)";
    FIND = "SELECT user_id FROM password_link WHERE code_hash = $1 AND ends_at > $2 AND NOT is_void";
    TAKE = "DELETE FROM password_link WHERE code_hash = $1 AND user_id = $2 AND ends_at > $3 AND NOT is_void";
    FORGET = "UPDATE password_link SET is_void = TRUE WHERE user_id = $1";
    LAST = "SELECT ends_at FROM password_link WHERE user_id = $1 ORDER BY ends_at DESC LIMIT 1";
}

/// Adds a link; those that the user had before are good for nothing then.
///
/// # Errors
/// When the database fails.
pub async fn add(conn: &mut Conn, user: UserId, code_hash: &str, ends_at: At) -> Result<()> {
    conn.query(CLEAR).bind(user).bind(At::now()).run().await?;
    conn.query(ADD).bind(code_hash).bind(user).bind(ends_at).run().await?;
    Ok(())
}

/// Whose link it is, if it is still good.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, code_hash: &str) -> Result<Option<UserId>> {
    conn.query(FIND).bind(code_hash).bind(At::now()).first().await
}

/// Uses a link up; false if it was used or ended meanwhile. Of two at once the
/// second waits here for the first, and finds nothing.
///
/// # Errors
/// When the database fails.
pub async fn take(conn: &mut Conn, code_hash: &str, user: UserId) -> Result<bool> {
    Ok(conn.query(TAKE).bind(code_hash).bind(user).bind(At::now()).run().await? == 1)
}

/// Makes all links of a user good for nothing. They stay until the next one, to
/// tell when the last was sent.
///
/// # Errors
/// When the database fails.
pub async fn forget(conn: &mut Conn, user: UserId) -> Result<()> {
    conn.query(FORGET).bind(user).run().await?;
    Ok(())
}

/// When the last link that was sent and not used ends, or would have ended.
///
/// # Errors
/// When the database fails.
pub async fn last_end(conn: &mut Conn, user: UserId) -> Result<Option<At>> {
    Ok(conn.query(LAST).bind(user).first::<i64>().await?.map(At::from_micros))
}

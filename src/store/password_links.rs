//! One-time links to set a password; their codes are kept hashed.

use super::row::statements;
use super::{At, Conn, Result};
use crate::api::ids::UserId;

statements! {
    FORGET = "DELETE FROM password_link WHERE user_id = $1 OR ends_at < $2";
    ADD = "INSERT INTO password_link (code_hash, user_id, ends_at) VALUES ($1, $2, $3)";
    FIND = "SELECT user_id FROM password_link WHERE code_hash = $1 AND ends_at > $2";
}

/// Adds a link; those that the user had before are good for nothing then.
///
/// # Errors
/// When the database fails.
pub async fn add(conn: &mut Conn, user: UserId, code_hash: &str, ends_at: At) -> Result<()> {
    forget(conn, user).await?;
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

/// Forgets all links of a user.
///
/// # Errors
/// When the database fails.
pub async fn forget(conn: &mut Conn, user: UserId) -> Result<()> {
    conn.query(FORGET).bind(user).bind(At::now()).run().await?;
    Ok(())
}

//! Scheduled backups: when the next one is due, and which of several servers
//! makes it. Both stand in `setting`, so that all servers see the same.

use super::row::statements;
use super::settings::{self, BACKUP_CHECKED, BACKUP_DUE};
use super::{At, Conn, Result};

statements! {
    TAKE = "UPDATE setting SET value = $3 WHERE name = $1 AND value = $2";
}

/// When the next one is due; at once where none was ever made.
///
/// # Errors
/// When the database fails.
pub async fn due(conn: &mut Conn) -> Result<At> {
    at(conn, BACKUP_DUE).await.map(|at| at.unwrap_or(At::from_micros(0)))
}

/// When one was last found to restore.
///
/// # Errors
/// When the database fails.
pub async fn checked(conn: &mut Conn) -> Result<Option<At>> {
    at(conn, BACKUP_CHECKED).await
}

async fn at(conn: &mut Conn, name: &str) -> Result<Option<At>> {
    let text = settings::get(conn, name).await?;
    Ok(text.and_then(|text| text.parse().ok()).map(At::from_micros))
}

/// Takes the turn that is due at `due`: no other server does so before `until`.
/// False: another one was faster.
///
/// # Errors
/// When the database fails.
pub async fn take(conn: &mut Conn, due: At, until: At) -> Result<bool> {
    settings::set_first(conn, BACKUP_DUE, &At::from_micros(0).micros().to_string()).await?;
    let taken = conn.query(TAKE).bind(BACKUP_DUE).bind(due.micros().to_string()).bind(until.micros().to_string()).run().await?;
    Ok(taken == 1)
}

/// Says when the next one is due. For whoever has the turn.
///
/// # Errors
/// When the database fails.
pub async fn put_off(conn: &mut Conn, due: At) -> Result<()> {
    settings::set(conn, BACKUP_DUE, &due.micros().to_string()).await
}

/// Writes down that one was found to restore.
///
/// # Errors
/// When the database fails.
pub async fn note_checked(conn: &mut Conn, at: At) -> Result<()> {
    settings::set(conn, BACKUP_CHECKED, &at.micros().to_string()).await
}

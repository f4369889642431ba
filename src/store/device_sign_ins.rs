//! Sign-ins under way at the dealer's identity provider.

use super::row::{row, statements};
use super::{At, Conn, Result};
use crate::api::ids::DeviceSignInId;

row! {
    /// A sign-in under way.
    pub struct DeviceSignInRow {
        /// Its id.
        pub id: DeviceSignInId,
        /// The provider's device code, encrypted.
        pub sealed_code: String,
        /// The pause between two questions to the provider.
        pub interval_seconds: i64,
        /// When the provider may be asked next.
        pub next_poll_at: At,
        /// Until when it can be finished.
        pub expires_at: At,
    }
}

statements! {
    INSERT = "INSERT INTO device_sign_in (id, poll_hash, sealed_code, interval_seconds, next_poll_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)";
    FIND = "SELECT id, sealed_code, interval_seconds, next_poll_at, expires_at FROM device_sign_in WHERE id = $1 AND poll_hash = $2";
    TAKE_TURN = "UPDATE device_sign_in SET next_poll_at = $3 WHERE id = $1 AND next_poll_at <= $2";
    KEEP = "UPDATE device_sign_in SET interval_seconds = $2, next_poll_at = $3 WHERE id = $1";
    FORGET = "DELETE FROM device_sign_in WHERE id = $1";
    PRUNE = "DELETE FROM device_sign_in WHERE id IN (SELECT id FROM device_sign_in WHERE expires_at < $1 ORDER BY expires_at LIMIT 1000)";
}

/// Begins one; what is over is forgotten with it.
///
/// # Errors
/// When the database fails.
pub async fn insert(conn: &mut Conn, row: &DeviceSignInRow, poll_hash: &str) -> Result<()> {
    prune(conn, At::now()).await?;
    conn.query(INSERT).bind(row.id).bind(poll_hash).bind(&row.sealed_code).bind(row.interval_seconds).bind(row.next_poll_at).bind(row.expires_at).run().await?;
    Ok(())
}

/// The one of that id, for whoever has its code.
///
/// # Errors
/// When the database fails.
pub async fn find(conn: &mut Conn, id: DeviceSignInId, poll_hash: &str) -> Result<Option<DeviceSignInRow>> {
    conn.query(FIND).bind(id).bind(poll_hash).first().await
}

/// Takes the turn to ask the provider, if it is due and nobody else took it:
/// until `taken_until` it is nobody else's.
///
/// # Errors
/// When the database fails.
pub async fn take_turn(conn: &mut Conn, id: DeviceSignInId, taken_until: At) -> Result<bool> {
    Ok(conn.query(TAKE_TURN).bind(id).bind(At::now()).bind(taken_until).run().await? == 1)
}

/// Gives the turn back: when the next one is, and how far apart they are.
///
/// # Errors
/// When the database fails.
pub async fn keep(conn: &mut Conn, id: DeviceSignInId, interval_seconds: i64, next_poll_at: At) -> Result<()> {
    conn.query(KEEP).bind(id).bind(interval_seconds).bind(next_poll_at).run().await?;
    Ok(())
}

/// Forgets one that is finished.
///
/// # Errors
/// When the database fails.
pub async fn forget(conn: &mut Conn, id: DeviceSignInId) -> Result<()> {
    conn.query(FORGET).bind(id).run().await?;
    Ok(())
}

/// Forgets a lot of those that were not finished by then.
///
/// # Errors
/// When the database fails.
pub async fn prune(conn: &mut Conn, now: At) -> Result<u64> {
    conn.query(PRUNE).bind(now).run().await
}

//! Settings of the deployment that live in the database: the default country,
//! whether this is a demo, and which database it is.

use super::row::statements;
use super::{Conn, Result};
use crate::api::portal::PortalSettings;

/// Two letters: by it numbers without `+` and states are read.
pub const DEFAULT_COUNTRY: &str = "default_country";
/// `yes` on a database that the demo filled: its passwords are known to all.
pub const DEMO: &str = "demo";

/// Names this database, and no other: one that was restored has another name.
const LINEAGE: &str = "lineage";
/// When the next scheduled backup is due, in microseconds.
pub(super) const BACKUP_DUE: &str = "backup_due";
/// When a scheduled backup was last found to restore, in microseconds.
pub(super) const BACKUP_CHECKED: &str = "backup_checked";

/// What is said of this database and not of the deployment: no backup takes it
/// along.
pub(super) const OF_THIS_DATABASE: [&str; 3] = [LINEAGE, BACKUP_DUE, BACKUP_CHECKED];

/// The portal's settings, as JSON.
const PORTAL: &str = "portal";

statements! {
    GET = "SELECT value FROM setting WHERE name = $1";
    SET = "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    SET_FIRST = "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
}

/// A setting's value.
///
/// # Errors
/// When the database fails.
pub async fn get(conn: &mut Conn, name: &str) -> Result<Option<String>> {
    conn.query(GET).bind(name).first().await
}

/// Sets a setting.
///
/// # Errors
/// When the database fails.
pub async fn set(conn: &mut Conn, name: &str, value: &str) -> Result<()> {
    conn.query(SET).bind(name).bind(value).run().await?;
    Ok(())
}

/// Sets a setting that nobody has set.
pub(super) async fn set_first(conn: &mut Conn, name: &str, value: &str) -> Result<()> {
    conn.query(SET_FIRST).bind(name).bind(value).run().await?;
    Ok(())
}

/// Which database this is: another text after a restore, so that whoever keeps
/// something for later can tell. None before this version migrated it.
///
/// # Errors
/// When the database fails.
pub async fn lineage(conn: &mut Conn) -> Result<Option<String>> {
    get(conn, LINEAGE).await
}

/// Names a database that has no name.
///
/// # Errors
/// When the database fails.
pub async fn begin_lineage(conn: &mut Conn) -> Result<()> {
    set_first(conn, LINEAGE, &uuid::Uuid::now_v7().to_string()).await
}

/// The deployment's country: `US` unless set.
///
/// # Errors
/// When the database fails.
pub async fn default_country(conn: &mut Conn) -> Result<String> {
    Ok(get(conn, DEFAULT_COUNTRY).await?.unwrap_or_else(|| "US".to_owned()))
}

/// The portal's settings; those that ship unless somebody changed them.
///
/// # Errors
/// When the database fails.
pub async fn portal(conn: &mut Conn) -> Result<PortalSettings> {
    let stored = get(conn, PORTAL).await?;
    Ok(stored.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Sets the portal's settings.
///
/// # Errors
/// When the database fails.
pub async fn set_portal(conn: &mut Conn, settings: &PortalSettings) -> Result<()> {
    set(conn, PORTAL, &serde_json::json!(settings).to_string()).await
}

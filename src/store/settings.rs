//! Settings of the deployment that live in the database: the default country,
//! and whether this is a demo.

use super::row::statements;
use super::{Conn, Result};
use crate::api::portal::PortalSettings;

/// Two letters: by it numbers without `+` and states are read.
pub const DEFAULT_COUNTRY: &str = "default_country";
/// `yes` on a database that the demo filled: its passwords are known to all.
pub const DEMO: &str = "demo";

/// The portal's settings, as JSON.
const PORTAL: &str = "portal";

statements! {
    GET = "SELECT value FROM setting WHERE name = $1";
    SET = "INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
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

//! Settings of the deployment that live in the database: the default country,
//! and whether this is a demo.

use super::row::statements;
use super::{Conn, Result};

/// Two letters: by it numbers without `+` and states are read.
pub const DEFAULT_COUNTRY: &str = "default_country";
/// `yes` on a database that the demo filled: its passwords are known to all.
pub const DEMO: &str = "demo";

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

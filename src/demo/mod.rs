//! The demo: a dealer with three shops, its customers and their machines, all
//! of them invented (6.4), and as many generated customers as one asks for.
//! Its passwords are known to everybody, so a database that it filled is
//! marked, and is served on loopback only.
//!
//! May call [`crate::store`], [`crate::rules`], [`crate::api`],
//! [`crate::text`] and [`crate::server::password`].

mod data;
mod filler;
mod generated;
mod past;
mod people;
mod words;

use jiff::Timestamp;

use crate::server::password::PasswordError;
use crate::store::{Db, StoreError, places, settings, users};

/// The password of all demo accounts (8.4).
pub const PASSWORD: &str = "demo";

/// The demo accounts in the order of the contract; a test holds them against
/// the data.
const ACCOUNTS: [&str; 18] = [
    "admin",
    "gm",
    "manager",
    "counter",
    "tech",
    "kiosk",
    "executive",
    "accounts",
    "fleet",
    "portaladmin",
    "fleetadmin",
    "insight",
    "portaluser",
    "level_full",
    "level_limited",
    "level_carrier_view",
    "level_read_only",
    "level_none",
];

/// What to fill beside the shipped data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// This many generated customers, with about three assets each.
    pub customers: u32,
    /// Fixes what is generated.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { customers: 0, seed: 1 }
    }
}

/// Why the demo could not be filled.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The shipped data are no TOML of our shape.
    #[error("the demo's data cannot be read: {0}")]
    Data(#[from] toml::de::Error),
    /// The shipped data contradict themselves.
    #[error("the demo's data are wrong: {0}")]
    Wrong(String),
    /// The accounts' password could not be hashed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// Known passwords do not go into somebody's own data.
    #[error("this database holds data of its own; the demo needs an empty one")]
    NotEmpty,
}

/// Fills an up-to-date, empty database with the demo; one that holds the demo
/// already is left as it is.
///
/// The shipped data, the accounts and the mark come in one transaction, so
/// that no account with a known password is ever in an unmarked database. The
/// generated customers follow in transactions of a thousand.
///
/// # Errors
/// [`DemoError`].
pub async fn fill(db: &Db, options: &Options) -> Result<(), DemoError> {
    let mut conn = db.write().await?;
    if settings::get(&mut conn, settings::DEMO).await?.is_some() {
        return Ok(());
    }
    if places::count_shops(&mut conn).await? > 0 || users::count(&mut conn).await? > 0 {
        return Err(DemoError::NotEmpty);
    }
    settings::set(&mut conn, settings::DEMO, "yes").await?;
    filler::fill(&mut conn, Timestamp::now()).await?;
    conn.commit().await?;
    generated::fill(db, options).await
}

/// The names of the demo, staff first; `level_none` is there to be refused.
#[must_use]
pub fn accounts() -> Vec<&'static str> {
    ACCOUNTS.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accounts_are_those_of_the_data() {
        let demo = data::read().unwrap();
        let people = demo.contact.iter().filter_map(|contact| contact.username.as_deref());
        let mut named: Vec<&str> = demo.user.iter().map(|user| user.username.as_str()).chain(people).collect();
        let mut wanted = ACCOUNTS.to_vec();
        named.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(named, wanted);
    }
}

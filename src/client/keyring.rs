//! The operating system's keyring, where this program was built with one. It is
//! asked on a thread of its own and waited for no longer than a moment: a
//! locked one asks the person first, and perhaps where nobody sees it.
//!
//! Calls nobody of the house.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use keyring_core::{CredentialStore, Entry, Error};

/// What tokens are filed under, together with the server's address.
const SERVICE: &str = "countertop";

/// After so long without an answer the keyring counts as locked.
#[cfg(any(target_os = "macos", windows, all(target_os = "linux", feature = "secret-service")))]
const PATIENCE: Duration = Duration::from_secs(3);

/// The way to a keyring.
type Opened = keyring_core::Result<Arc<CredentialStore>>;

/// A keyring. Cheap to clone.
#[derive(Clone)]
pub struct Keyring {
    open: Arc<dyn Fn() -> Opened + Send + Sync>,
    patience: Duration,
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// Why a keyring was of no use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringFault {
    /// It may yet do what it was asked.
    #[error("the keyring of this machine did not answer within {} s (is it locked?)", .0.as_secs_f32())]
    Silent(Duration),
    /// What it said.
    #[error("the keyring of this machine refused: {0}")]
    Refused(String),
    /// Another build of the program knew one.
    #[error("it is in a keyring, and this program was built without one")]
    Unknown,
}

/// The Keychain.
#[cfg(target_os = "macos")]
fn open() -> Opened {
    let store: Arc<CredentialStore> = apple_native_keyring_store::keychain::Store::new()?;
    Ok(store)
}

/// The Credential Manager.
#[cfg(windows)]
fn open() -> Opened {
    let store: Arc<CredentialStore> = windows_native_keyring_store::Store::new()?;
    Ok(store)
}

/// Whoever offers the Secret Service on the session's bus.
#[cfg(all(target_os = "linux", feature = "secret-service"))]
fn open() -> Opened {
    let store: Arc<CredentialStore> = zbus_secret_service_keyring_store::Store::new()?;
    Ok(store)
}

impl Keyring {
    /// The one of this machine, if this program was built with one.
    #[cfg(any(target_os = "macos", windows, all(target_os = "linux", feature = "secret-service")))]
    #[must_use]
    pub fn of_machine() -> Option<Self> {
        Some(Self::new(open, PATIENCE))
    }

    /// The one of this machine: this program was built without one.
    #[cfg(not(any(target_os = "macos", windows, all(target_os = "linux", feature = "secret-service"))))]
    #[must_use]
    pub const fn of_machine() -> Option<Self> {
        None
    }

    /// One that is opened anew for each question and waited for so long.
    #[must_use]
    pub fn new(open: impl Fn() -> Opened + Send + Sync + 'static, patience: Duration) -> Self {
        Self { open: Arc::new(open), patience }
    }

    /// The token for a server, if it keeps one.
    ///
    /// # Errors
    /// [`KeyringFault`].
    pub fn token(&self, server: &str) -> Result<Option<String>, KeyringFault> {
        self.ask(server, |entry| match entry.get_password() {
            Ok(token) => Ok(Some(token)),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(error),
        })
    }

    /// Keeps the token for a server.
    ///
    /// # Errors
    /// [`KeyringFault`].
    pub fn keep(&self, server: &str, token: &str) -> Result<(), KeyringFault> {
        let token = token.to_owned();
        self.ask(server, move |entry| entry.set_password(&token))
    }

    /// Forgets the token for a server; none to forget is as good.
    ///
    /// # Errors
    /// [`KeyringFault`].
    pub fn forget(&self, server: &str) -> Result<(), KeyringFault> {
        self.ask(server, |entry| match entry.delete_credential() {
            Err(Error::NoEntry) => Ok(()),
            other => other,
        })
    }

    fn ask<T: Send + 'static>(&self, server: &str, work: impl FnOnce(&Entry) -> keyring_core::Result<T> + Send + 'static) -> Result<T, KeyringFault> {
        let refused = |error: &dyn fmt::Display| KeyringFault::Refused(error.to_string());
        let (answer, answered) = mpsc::channel();
        let (open, server) = (Arc::clone(&self.open), server.to_owned());
        let asking = std::thread::Builder::new().name("keyring".to_owned()).spawn(move || {
            let done = open().and_then(|store| store.build(SERVICE, &server, None)).and_then(|entry| work(&entry));
            // Whoever asked may have waited long enough.
            let _ = answer.send(done);
        });
        asking.map_err(|error| refused(&error))?;
        match answered.recv_timeout(self.patience) {
            Ok(done) => done.map_err(|error| refused(&error)),
            Err(RecvTimeoutError::Timeout) => Err(KeyringFault::Silent(self.patience)),
            Err(RecvTimeoutError::Disconnected) => Err(refused(&"it broke off")),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const HERE: &str = "https://counter.dealer.example:7420";

    /// A keyring in memory.
    pub(in crate::client) fn in_memory() -> Keyring {
        let store: Arc<CredentialStore> = keyring_core::mock::Store::new().unwrap();
        Keyring::new(move || Ok(Arc::clone(&store)), Duration::from_secs(10))
    }

    /// One that says no.
    pub(in crate::client) fn refusing() -> Keyring {
        Keyring::new(|| Err(Error::NotSupportedByStore("no bus here".to_owned())), Duration::from_secs(10))
    }

    /// One that asks somebody who is not there.
    pub(in crate::client) fn silent() -> Keyring {
        let asks = || {
            std::thread::sleep(Duration::from_mins(1));
            Err(Error::NoDefaultStore)
        };
        Keyring::new(asks, Duration::from_millis(50))
    }

    #[test]
    fn it_keeps_a_token_for_each_server() {
        let keyring = in_memory();
        assert_eq!(keyring.token(HERE), Ok(None));
        keyring.keep(HERE, "one").unwrap();
        keyring.keep("https://other.example", "other").unwrap();
        keyring.keep(HERE, "two").unwrap();
        assert_eq!(keyring.token(HERE), Ok(Some("two".to_owned())));
        assert_eq!((keyring.forget(HERE), keyring.forget(HERE)), (Ok(()), Ok(())));
        assert_eq!((keyring.token(HERE), keyring.token("https://other.example")), (Ok(None), Ok(Some("other".to_owned()))));
    }

    #[test]
    fn nobody_waits_long_for_one_that_is_locked() {
        let begun = std::time::Instant::now();
        let fault = silent().token(HERE).unwrap_err();
        assert!(begun.elapsed() < Duration::from_secs(10) && fault.to_string().contains("is it locked?"), "{fault}");
        assert_eq!(refusing().keep(HERE, "one").unwrap_err().to_string(), "the keyring of this machine refused: Unsupported: no bus here");
    }
}

//! What every verb starts from: the user's folders and the configuration.

use super::exit::Failure;
#[cfg(feature = "client")]
use crate::client::credentials::{Credentials, CredentialsError, Keeping};
#[cfg(feature = "client")]
use crate::client::keyring::Keyring;
#[cfg(feature = "client")]
use crate::config::TokenPlace;
use crate::config::{Config, Given, Paths};

/// Folders and configuration.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) paths: Paths,
    pub(super) config: Config,
}

impl Setup {
    /// Reads the configuration, with what the flags say over it.
    pub(super) fn read(given: &[Given<'_>]) -> Result<Self, Failure> {
        let paths = Paths::of_user();
        let config = Config::load(&paths, given)?;
        Ok(Self { paths, config })
    }

    /// Where sign-ins are kept.
    #[cfg(feature = "client")]
    pub(super) fn keeping(&self) -> Keeping {
        Keeping::new(Keyring::of_machine(), self.config.client.credentials == TokenPlace::Keyring)
    }

    /// The stored sign-ins.
    #[cfg(feature = "client")]
    pub(super) fn credentials(&self) -> Result<Credentials, CredentialsError> {
        Credentials::read(&self.paths.config, self.keeping())
    }
}

/// A flag as the configuration takes it, if it was given.
pub(super) fn given<'a>(by: &'a str, setting: &'a str, value: Option<&'a str>) -> Option<Given<'a>> {
    value.map(|value| Given { by, setting, value })
}

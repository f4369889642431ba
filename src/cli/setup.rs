//! What every verb starts from: the user's folders and the configuration.

use super::exit::Failure;
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
}

/// A flag as the configuration takes it, if it was given.
pub(super) fn given<'a>(by: &'a str, setting: &'a str, value: Option<&'a str>) -> Option<Given<'a>> {
    value.map(|value| Given { by, setting, value })
}

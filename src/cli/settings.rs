//! `countertop config`: whether the configuration is right, where it is, and
//! how it looks.

use super::exit::{Exit, Outcome};
use super::output;
use super::setup::Setup;
use crate::config::{Paths, example};

/// Verbs on the configuration.
#[derive(Debug, Clone, Copy, clap::Subcommand)]
pub(super) enum ConfigVerb {
    /// Tell every mistake by line and column
    Check,
    /// Where the configuration file is, or would be
    Path,
    /// A file with every setting explained, at its default
    Example,
}

/// Runs a verb on the configuration.
pub(super) fn run(verb: ConfigVerb) -> Outcome {
    match verb {
        ConfigVerb::Check => check(),
        ConfigVerb::Path => {
            output::say(&Paths::of_user().config_file().path.display().to_string())?;
            Ok(Exit::Done)
        }
        ConfigVerb::Example => {
            output::say(&example())?;
            Ok(Exit::Done)
        }
    }
}

fn check() -> Outcome {
    let setup = Setup::read(&[])?;
    #[cfg(feature = "client")]
    super::terminal::check_keys(&setup)?;
    let path = setup.paths.config_file().path;
    if path.exists() {
        output::say(&format!("{}: no mistakes", path.display()))?;
    } else {
        output::say(&format!("{}: no such file; the defaults count", path.display()))?;
    }
    Ok(Exit::Done)
}

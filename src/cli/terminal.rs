//! `countertop` without a verb: the terminal application, and how the demo
//! shows it.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use super::connection::{Connection, trust};
use super::exit::{Exit, Failure, Outcome, mistaken};
use super::logging;
use super::setup::Setup;
use crate::client::Client;
use crate::config::{Mistake, Switch};
use crate::tui;

/// Runs the terminal application against the configured server; with none it
/// offers the demo, or asks.
pub(super) fn run(connection: Connection) -> Outcome {
    need_terminal()?;
    let setup = connection.setup()?;
    let client = connection.client(&setup)?;
    let credentials = setup.paths.config.clone();
    // Held until the end, through a demo too: dropping it writes what is left.
    let _log = logging::to_file(setup.config.terminal.log, &setup.paths.logs);
    match show(&setup, client, Some(credentials))? {
        tui::End::Quit => Ok(Exit::Done),
        tui::End::Signal(number) => Ok(Exit::Signal(number)),
        tui::End::Demo => demo(),
    }
}

/// Shows the terminal application until the person leaves it. A sign-in is
/// kept in the folder for credentials, if there is one. The log is the
/// caller's.
pub(super) fn show(setup: &Setup, client: Option<Client>, credentials_dir: Option<PathBuf>) -> Result<tui::End, Failure> {
    need_terminal()?;
    check_keys(setup)?;
    let terminal = &setup.config.terminal;
    let settings = tui::Settings {
        colour: match terminal.colour {
            Switch::Auto => tui::Colour::Auto,
            Switch::On => tui::Colour::On,
            Switch::Off => tui::Colour::Off,
        },
        ascii: match terminal.ascii {
            Switch::Auto => None,
            Switch::On => Some(true),
            Switch::Off => Some(false),
        },
        keys: setup.config.key_pairs(),
        state_dir: setup.paths.state.clone(),
        credentials_dir,
        trust: trust(setup),
    };
    let start = tui::Start { client, settings, offers_demo: cfg!(feature = "server") };
    tui::run(start).map_err(|error| Failure::failed(format!("the terminal failed: {error}")))
}

/// Refuses a configuration whose `[keys]` are wrong.
pub(super) fn check_keys(setup: &Setup) -> Result<(), Failure> {
    let mistakes = key_mistakes(setup);
    if mistakes.is_empty() { Ok(()) } else { Err(mistaken(&mistakes)) }
}

/// What the terminal application says about `[keys]`.
pub(super) fn key_mistakes(setup: &Setup) -> Vec<Mistake> {
    let file = setup.paths.config_file().path.display().to_string();
    setup.config.check(&file, &tui::command_ids(), tui::check_keys)
}

/// The terminal application cannot be piped.
pub(super) fn need_terminal() -> Result<(), Failure> {
    if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Failure::usage("the terminal application needs a terminal; for scripts there are commands: see `countertop --help`"))
}

#[cfg(feature = "server")]
fn demo() -> Outcome {
    super::demo::run(&super::demo::DemoArgs::default())
}

/// This build offers no demo.
#[cfg(not(feature = "server"))]
fn demo() -> Outcome {
    Ok(Exit::Done)
}

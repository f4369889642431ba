//! `countertop` without a verb: the terminal application, and how the demo
//! shows it.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use super::connection::{Connection, trust};
use super::exit::{Exit, Failure, Outcome, mistaken};
use super::logging;
use super::output;
use super::setup::Setup;
use crate::client::Client;
use crate::client::credentials::CredentialsError;
use crate::config::{Mistake, Switch};
use crate::tui;

/// Runs the terminal application against the configured server; with none it
/// offers the demo, or asks.
pub(super) fn run(connection: Connection) -> Outcome {
    need_terminal()?;
    let setup = connection.setup()?;
    let client = Connection::server(&setup)?;
    let start = match device(&setup, client.as_ref())? {
        // Nobody's login is used there, and none is kept.
        Some(device) => Shown { client, credentials_dir: None, device: Some(device) },
        None => {
            let client = client.map(|client| signed_in(&connection, &setup, &client)).transpose()?;
            Shown { client, credentials_dir: Some(setup.paths.config.clone()), device: None }
        }
    };
    // Held until the end, through a demo too: dropping it writes what is left.
    let _log = logging::to_file(setup.config.terminal.log, &setup.paths.logs);
    match show(&setup, start)? {
        tui::End::Quit => Ok(Exit::Done),
        tui::End::Signal(number) => Ok(Exit::Signal(number)),
        tui::End::Demo => demo(),
    }
}

/// A server with the token given or stored. A keyring that keeps it back is no
/// reason not to start: one signs in then.
fn signed_in(connection: &Connection, setup: &Setup, client: &Client) -> Result<Client, Failure> {
    let token = match connection.token_for(setup, client) {
        Err(CredentialsError::Keyring(fault)) => {
            output::note(&format!("Sign in anew: {fault}."));
            None
        }
        other => other?,
    };
    Ok(client.with_token(token))
}

/// What makes this machine a workshop terminal of that server, if it is one.
fn device(setup: &Setup, client: Option<&Client>) -> Result<Option<tui::Device>, Failure> {
    let Some(client) = client else { return Ok(None) };
    let credentials = setup.credentials()?;
    let stored = credentials.device(client.server());
    Ok(stored.map(|stored| tui::Device { token: stored.token.clone(), idle: Duration::from_secs(stored.idle_seconds.max(1)) }))
}

/// Whom and what the terminal application is shown with.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// The server, with a session's token if there is one.
    pub(super) client: Option<Client>,
    /// Where a sign-in is kept; none keeps none.
    pub(super) credentials_dir: Option<PathBuf>,
    /// Makes it a workshop terminal.
    pub(super) device: Option<tui::Device>,
}

/// Shows the terminal application until the person leaves it. The log is the
/// caller's.
pub(super) fn show(setup: &Setup, shown: Shown) -> Result<tui::End, Failure> {
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
        credentials_dir: shown.credentials_dir,
        keeping: setup.keeping(),
        trust: trust(setup),
        lock_after: Some(terminal.lock_after_minutes.0).filter(|minutes| *minutes > 0).map(|minutes| Duration::from_secs(u64::from(minutes) * 60)),
    };
    let start = tui::Start { client: shown.client, settings, offers_demo: cfg!(feature = "server"), device: shown.device };
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

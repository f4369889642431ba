//! The terminal application.
//!
//! The shell ([`app`]) is a pure state machine: events in, effects out, no
//! clock, no I/O. [`event_loop`] is the only file that waits. What is on the
//! screen is a stack of [`layer`]s: screens and what lies over them. A record
//! shows panes from the table in [`panes`]; what can be done stands in the
//! table of [`command`], from which keys, hints, help, palette and greying all
//! come.
//!
//! May call [`crate::client`], [`crate::api`], [`crate::rules`] and
//! [`crate::text`]. Knows no server and no database.

mod administration;
mod app;
mod command;
mod draft;
mod event;
mod event_loop;
mod frame;
mod idle;
mod keyboard;
mod keymap;
mod last_good;
mod layer;
mod lock_note;
mod overlays;
mod panes;
mod posted;
mod record;
mod screens;
mod sending;
mod shared;
mod style;
mod terminal;
mod unsure;
mod widgets;

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

pub use administration::{SECTIONS, SectionSpec};
pub use command::{COMMANDS, Command};
pub use panes::{PANES, PaneSpec};
pub use screens::sign_in_needed;
pub use shared::command_access;
#[cfg(any(fuzzing, test))]
pub use terminal::fuzzed::typed;

use crate::client::credentials::Keeping;
use crate::client::{Client, Trust};

/// How to start.
#[derive(Debug)]
pub struct Start {
    /// The server; none shows the first-run screen.
    pub client: Option<Client>,
    /// From the configuration.
    pub settings: Settings,
    /// Whether the first-run screen offers the demo.
    pub offers_demo: bool,
    /// Makes it a workshop terminal, which needs no sign-in and keeps nothing.
    pub device: Option<Device>,
}

/// What makes this machine a workshop terminal.
#[derive(Clone, PartialEq, Eq)]
pub struct Device {
    /// For `POST /v1/kiosk-sessions`.
    pub token: String,
    /// After so long without a key it forgets, unless the server says sooner.
    pub idle: Duration,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device").field("idle", &self.idle).finish_non_exhaustive()
    }
}

/// What the configuration says about the terminal.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Whether to use colours.
    pub colour: Colour,
    /// Plain signs only; none means as the locale says.
    pub ascii: Option<bool>,
    /// Command ids with their own chords.
    pub keys: Vec<(String, Vec<String>)>,
    /// Where drafts are kept.
    pub state_dir: PathBuf,
    /// Where a sign-in is stored; none stores nothing.
    pub credentials_dir: Option<PathBuf>,
    /// In what: a keyring, or a file there.
    pub keeping: Keeping,
    /// What a server that is named on the first run is trusted by.
    pub trust: Trust,
    /// After so long without a key the terminal locks itself; none is never.
    pub lock_after: Option<Duration>,
}

/// Whether to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Colour {
    /// Unless `NO_COLOR` is set or the terminal has none.
    #[default]
    Auto,
    /// Always.
    On,
    /// Never; bold, underline and words remain.
    Off,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The person left.
    Quit,
    /// The person chose the demo on the first-run screen.
    Demo,
    /// A signal of this number.
    Signal(i32),
}

/// Runs the terminal application until it ends; the terminal is restored then,
/// however it ended.
///
/// # Errors
/// When this is no terminal, or it went away.
pub fn run(start: Start) -> std::io::Result<End> {
    event_loop::run(start)
}

/// Columns and rows of the terminal; none if there is none.
#[must_use]
pub fn terminal_size() -> Option<(u16, u16)> {
    terminal::size().ok()
}

/// The ids of all commands, for the configuration's `[keys]`.
#[must_use]
pub fn command_ids() -> Vec<&'static str> {
    COMMANDS.iter().map(|command| command.id).collect()
}

/// Checks the configuration's `[keys]`.
///
/// # Errors
/// One sentence: an unknown command, a chord that cannot be read, or one that
/// two commands of the same place want.
pub fn check_keys(keys: &[(String, Vec<String>)]) -> Result<(), String> {
    keymap::Keymap::new(keys).map(drop)
}

//! The configuration file.

use countertop::config::Config;
use countertop::tui::{check_keys, command_ids};

pub(crate) fn take(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::parse(text, "config.toml") {
        Ok(config) => drop(config.check("config.toml", &command_ids(), check_keys)),
        Err(mistakes) => drop(mistakes.to_string()),
    }
}

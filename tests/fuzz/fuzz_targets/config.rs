//! The configuration file.
#![no_main]

use countertop::config::Config;
use countertop::tui::{check_keys, command_ids};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Config::parse(text, "config.toml") {
        Ok(config) => drop(config.check("config.toml", &command_ids(), check_keys)),
        Err(mistakes) => drop(mistakes.to_string()),
    }
});

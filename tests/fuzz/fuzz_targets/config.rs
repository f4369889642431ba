//! The configuration file.
#![no_main]

#[path = "../inputs/config.rs"]
mod config;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| config::take(bytes));

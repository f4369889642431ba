//! The chords of the configuration.
#![no_main]

#[path = "../inputs/keys.rs"]
mod keys;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| keys::take(bytes));

//! Texts from outside.
#![no_main]

#[path = "../inputs/cleaner.rs"]
mod cleaner;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| cleaner::take(bytes));

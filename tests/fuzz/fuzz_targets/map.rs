//! What columns mean.
#![no_main]

#[path = "../inputs/map.rs"]
mod map;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| map::take(bytes));

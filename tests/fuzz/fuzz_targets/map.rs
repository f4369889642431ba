//! What a file's columns mean, in TOML.
#![no_main]

use countertop::import::map::ColumnMap;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(mistake) = ColumnMap::parse(text, "map.toml") {
        drop(mistake.to_string());
    }
});

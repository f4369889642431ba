//! What a file's columns mean, in TOML.

use countertop::import::map::ColumnMap;

pub(crate) fn take(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(mistake) = ColumnMap::parse(text, "map.toml") {
        drop(mistake.to_string());
    }
}

//! What the program is built of: only what the registry gave and its checksum
//! vouches for, nothing older than its last known hole, no `unsafe` of ours, and
//! nothing that panics on what others send.
//! Licences and sources are `cargo deny`'s (`tests/run`).

use std::path::Path;

use toml::{Table, Value};

/// The first versions without the holes that were known when they were chosen.
const FLOORS: &[(&str, [u64; 3])] = &[
    ("h2", [0, 4, 16]),
    // Before, a checkpoint beside a write could spoil the file (SQLite 3.51.3).
    ("libsqlite3-sys", [0, 37, 0]),
    // Before, a control character in a table reached the terminal.
    ("ratatui", [0, 30, 0]),
    ("ring", [0, 17, 12]),
    ("russh", [0, 60, 3]),
    ("rustls", [0, 23, 18]),
    ("sqlx", [0, 8, 1]),
    ("time", [0, 3, 47]),
    ("tokio", [1, 44, 2]),
    // Before, what was logged could drive the terminal that shows the log.
    ("tracing-subscriber", [0, 3, 20]),
    ("zip", [2, 3, 0]),
];

fn read(file: &str) -> Table {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap().parse().unwrap()
}

fn packages() -> Vec<Table> {
    let lock = read("Cargo.lock");
    lock["package"].as_array().unwrap().iter().map(|package| package.as_table().unwrap().clone()).collect()
}

fn text<'p>(package: &'p Table, name: &str) -> &'p str {
    package.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Those that are not the registry's, or nobody vouches for.
fn odd(packages: &[Table]) -> Vec<String> {
    let is_odd = |package: &&Table| {
        let is_ours = text(package, "name") == env!("CARGO_PKG_NAME");
        let is_known = text(package, "source") == "registry+https://github.com/rust-lang/crates.io-index" && text(package, "checksum").len() == 64;
        !is_ours && !is_known
    };
    packages.iter().filter(is_odd).map(|package| text(package, "name").to_owned()).collect()
}

/// Those that are older than their last known hole.
fn old(packages: &[Table]) -> Vec<String> {
    let version = |text: &str| -> Vec<u64> { text.split(['.', '-', '+']).take(3).map(|part| part.parse().unwrap_or_default()).collect() };
    let floor = |name: &str| FLOORS.iter().find(|(floored, _)| *floored == name).map(|(_, floor)| floor.to_vec());
    let is_old = |package: &&Table| floor(text(package, "name")).is_some_and(|floor| version(text(package, "version")) < floor);
    packages.iter().filter(is_old).map(|package| format!("{} {}", text(package, "name"), text(package, "version"))).collect()
}

#[test]
fn every_crate_is_the_registrys_and_has_its_checksum() {
    assert_eq!(odd(&packages()), Vec::<String>::new());
}

#[test]
fn no_crate_is_older_than_its_last_known_hole() {
    assert_eq!(old(&packages()), Vec::<String>::new());
}

#[test]
fn a_crate_from_elsewhere_without_a_checksum_or_too_old_would_be_found() {
    let mut packages = packages();
    let place = |name: &str, packages: &[Table]| packages.iter().position(|package| text(package, "name") == name).unwrap();
    let (moved, unsigned, aged) = (place("serde", &packages), place("toml", &packages), place("sqlx", &packages));
    packages[moved].insert("source".to_owned(), Value::from("git+https://github.com/serde-rs/serde"));
    packages[unsigned].remove("checksum");
    packages[aged].insert("version".to_owned(), Value::from("0.8.0"));
    let mut found = odd(&packages);
    found.sort();
    assert_eq!((found, old(&packages)), (vec!["serde".to_owned(), "toml".to_owned()], vec!["sqlx 0.8.0".to_owned()]));
}

#[test]
fn nothing_of_ours_is_unsafe() {
    assert_eq!(read("Cargo.toml")["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"), "no attribute undoes a forbid");
}

#[test]
fn what_panics_on_what_others_send_is_denied() {
    let package = read("Cargo.toml");
    for lint in ["unwrap_used", "expect_used", "panic", "todo"] {
        assert_eq!(package["lints"]["clippy"][lint].as_str(), Some("deny"), "{lint}");
    }
    for head in ["src/server/mod.rs", "src/client/mod.rs", "src/store/mod.rs"] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(head)).unwrap();
        assert!(text.contains("\n#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]\n"), "{head}");
    }
}

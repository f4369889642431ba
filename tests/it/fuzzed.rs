//! The targets of the fuzzer (T44) as plain tests: every file of their corpora, and
//! for some seconds the same files spoiled at random; see `hostile::spoiled`. That of
//! the keyboard stands beside it, in `src/tui/terminal/fuzzed.rs`.

#[path = "../fuzz/inputs/bodies.rs"]
mod bodies;
#[path = "../fuzz/inputs/cleaner.rs"]
mod cleaner;
#[path = "../fuzz/inputs/config.rs"]
mod config;
#[path = "../fuzz/inputs/csv.rs"]
mod csv;
#[path = "../fuzz/inputs/desk.rs"]
mod desk;
#[path = "../fuzz/inputs/keys.rs"]
mod keys;
#[path = "../fuzz/inputs/map.rs"]
mod map;

use crate::hostile::spoiled::feed;

#[test]
fn t44_any_text_is_cleaned() {
    feed("cleaner", cleaner::take);
}

#[test]
fn t44_any_chords_are_taken_or_told() {
    feed("keys", keys::take);
}

#[test]
fn t44_any_map_of_columns_is_taken_or_told() {
    feed("map", map::take);
}

#[test]
fn t44_any_configuration_is_taken_or_told() {
    feed("config", config::take);
}

#[test]
fn t44_any_file_is_imported_or_told() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk::Desk::in_folder(folder.path());
    feed("csv", |bytes| csv::take(&desk, bytes));
}

#[test]
fn t44_any_body_is_answered_and_never_with_a_5xx() {
    let folder = tempfile::tempdir().unwrap();
    let desk = desk::Desk::in_folder(folder.path());
    let counter = bodies::Counter::at(&desk);
    feed("bodies", |bytes| counter.take(bytes));
}

#[test]
fn a_body_over_which_a_server_falls_would_be_found() {
    bodies::judge("POST /v1/customers", 422, br#"{"code":"fields.invalid"}"#);
    for (status, answer) in [(500, "{}"), (503, "{}"), (200, ""), (400, "<html>")] {
        let judged = std::panic::catch_unwind(|| bodies::judge("POST /v1/customers", status, answer.as_bytes()));
        assert!(judged.is_err(), "{status} {answer}");
    }
}

#[test]
fn no_target_is_left_out() {
    let tests = [include_str!("fuzzed.rs"), include_str!("../../src/tui/terminal/fuzzed.rs")].concat();
    let targets = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fuzz/fuzz_targets")).unwrap();
    let names: Vec<String> = targets.filter_map(|entry| Some(entry.unwrap().file_name().to_str()?.strip_suffix(".rs")?.to_owned())).collect();
    assert!(names.len() >= 7, "{names:?}");
    let missing: Vec<&String> = names.iter().filter(|name| !tests.contains(&format!("feed(\"{name}\""))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

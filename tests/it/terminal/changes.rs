//! S4-16: who did what to a record, in two depths.

use std::process::Command;

use super::contacts::at_the_contacts;
use super::screen::{Terminal, demo, own_folders, token};

/// Something that the counter does.
pub(super) fn counter_runs(arguments: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_countertop"));
    command.args(arguments).env("COUNTERTOP_SERVER", &demo().address).env("COUNTERTOP_TOKEN", token("counter"));
    for (name, value) in own_folders(folder.path()) {
        command.env(name, value);
    }
    assert!(command.output().unwrap().status.success());
}

#[test]
fn s4_16_the_pane_shows_who_did_what_in_two_depths() {
    counter_runs(&["customer", "create", "--name", "Watched Haulage", "--number", "77990016", "--city", "Tracy", "--state", "CA"]);
    let mut manager = Terminal::signed_in("manager");
    manager.press("<F2>watched h").until("Watched Haulage");
    manager.press("<Enter>").until_all(&["1 Assets", "0 Changes"]);
    manager.press("0").until_all(&["Every act, the newest first", "Jo Ortiz", "create customer", "city: Tracy"]);
    manager.press("<Enter>").until_all(&["Who", "Jo Ortiz (staff)", "Watched Haulage", "77990016"]);
    manager.press("<Esc>").settle();
    manager.press("x").until_all(&["Who made it, and who saved it last", "create customer"]);
    manager.press("x").until("Every act, the newest first");
}

#[test]
fn s4_16_nobody_is_named_who_did_not_make_it() {
    let mut manager = Terminal::signed_in("manager");
    manager.press("<F2>keller bau g<Enter>").until_all(&["Keller Bau GmbH", "1 Assets"]);
    manager.press("0").until("Every act, the newest first");
    manager.press("x").until_all(&["Who made it, and who saved it last", "It was there before its history began."]);
}

#[test]
fn s1_14_the_pane_says_on_whom_it_was() {
    let mut manager = at_the_contacts("manager", "hullmark almond", "Hullmark Almond Growers");
    manager.press("n").until("New contact");
    manager.press("<Tab>Ada<Tab>Lind<F9>").until("Ada Lind was saved.");
    manager.press("0").until_all(&["Every act, the newest first", "create contact", "Ada Lind; "]);
    manager.press("<Enter>").until_all(&["Request", "contact Ada Lind"]);
}

#[test]
fn the_pane_of_an_asset_shows_a_reading_that_was_added() {
    counter_runs(&["request", "add", "1053", "--complaint", "seat belt frayed"]);
    let mut manager = Terminal::signed_in("manager");
    manager.press("<F3>1053<Enter>").until("1 Identification");
    manager.press("0").until_all(&["Jo Ortiz", "request service", "complaint: seat belt"]);
}

#[test]
fn who_may_not_see_it_is_told_why() {
    let mut counter = Terminal::signed_in("counter");
    counter.press("<F3>1051<Enter>").until("1 Identification");
    counter.press("0").until_all(&["0 Changes [locked]", "Needs \""]);
}

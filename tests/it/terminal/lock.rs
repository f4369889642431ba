//! The lock (T34): nothing of what is open is shown behind it, and it comes
//! back only for whose it is. `COUNTERTOP_SEQUENCES` (300) says how many keys are
//! drawn for the locked screen.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use countertop::client::outbox::FILE;

use super::left::holding;
use super::outbox::asked;
use super::screen::{Terminal, add_settled_account, demo, token_by};
use crate::dice::{self, Dice};

const PASSWORD: &str = "truck stop pie";

/// An account of its own, so that wrong passwords slow nobody else down; gives
/// its token.
fn account(name: &str) -> String {
    add_settled_account(name, "counter_staff", PASSWORD);
    token_by(name, PASSWORD)
}

fn person(name: &str, folder: &Path) -> Terminal {
    let token = account(name);
    let mut terminal = at(folder, &token);
    terminal.until("online");
    terminal
}

fn at(folder: &Path, token: &str) -> Terminal {
    Terminal::at(folder, &[], 80, 24, &[("COUNTERTOP_SERVER", &demo().address), ("COUNTERTOP_TOKEN", token)])
}

/// What of the customer was written from there on.
fn seen(terminal: &Terminal, from: usize) -> Vec<&'static str> {
    let since = String::from_utf8_lossy(&terminal.written[from..]).into_owned();
    ["Keller", "GmbH", "Waco", "10442", "GX4"].into_iter().filter(|of_customer| since.contains(of_customer)).collect()
}

#[track_caller]
fn assert_hidden(terminal: &Terminal, from: usize) {
    assert!(seen(terminal, from).is_empty(), "{:?} in {:?}", seen(terminal, from), String::from_utf8_lossy(&terminal.written[from..]));
}

/// With a customer's page open, locked; gives where the lock begins in what was
/// written.
fn locked(terminal: &mut Terminal) -> usize {
    terminal.press("<F2>keller").until("Keller Bau");
    terminal.press("<Enter>").until_all(&["1 Assets", "Keller Bau"]);
    terminal.settle();
    let from = terminal.written.len();
    terminal.press("<Ctrl-L>").until_all(&["Locked", "Password", "Another person"]);
    terminal.settle();
    from
}

#[test]
fn the_lock_hides_everything_and_wipes_the_scroll_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut jo = person("lock-one", folder.path());
    let from = locked(&mut jo);
    assert!(jo.text().contains("lock-one"));
    for (columns, rows) in [(120, 40), (30, 6), (1, 1), (80, 24)] {
        jo.resize(columns, rows);
        jo.settle();
    }
    jo.until("Locked");
    assert_hidden(&jo, from);
    let since = String::from_utf8_lossy(&jo.written[from..]).into_owned();
    assert!(since.contains("\u{1b}[2J") && since.contains("\u{1b}[3J"), "{since:?}");
    assert!(!jo.text().contains("San Leandro") && !jo.text().contains("online"), "{}", jo.text());
}

#[test]
fn a_wrong_password_stays_locked_and_the_right_one_brings_everything_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut jo = person("lock-two", folder.path());
    jo.press("<F3>1047<Enter>").until("1 Identification");
    jo.press("r").until("Request service for 1047");
    jo.press("<Tab>brakes squeal when cold").until("brakes squeal");
    jo.settle();
    let from = jo.written.len();
    jo.press("<Ctrl-L>").until("Locked");
    jo.press("wrong<Enter>").until("User name or password is wrong.");
    let shown = jo.settle();
    assert!(shown.contains("Locked") && !shown.contains("brakes squeal"), "{shown}");
    // Commands do not get through, not even one that leaves.
    jo.press("<F10>").until("Locked: enter the password.");
    jo.press("<F2>").settle();
    assert_hidden(&jo, from);
    jo.press(&format!("{PASSWORD}<Enter>")).until("brakes squeal when cold");
    jo.settle();
    // With the new session: what is typed is sent as ever.
    jo.press("<Esc>").until("Kept what you typed");
    jo.press("<F2>keller").until("Keller Bau GmbH");
    assert!(!String::from_utf8_lossy(&jo.written).contains("truck stop"), "no password is drawn");
}

#[test]
fn another_person_gets_a_fresh_screen() {
    let folder = tempfile::tempdir().unwrap();
    account("lock-four");
    let mut jo = person("lock-three", folder.path());
    jo.press("<F3>1047<Enter>").until("1 Identification");
    jo.press("r").until("Request service for 1047");
    jo.press("<Tab>brakes squeal when cold").until("brakes squeal");
    jo.settle();
    let from = jo.written.len();
    jo.press("<Ctrl-L>").until("Locked");
    jo.press(&format!("<Shift-Tab>lock-four<Tab>{PASSWORD}<Enter>")).until_all(&["online", "lock-four", "Find"]);
    jo.settle();
    let since = String::from_utf8_lossy(&jo.written[from..]).into_owned();
    assert!(!since.contains("brakes squeal") && !since.contains("Request service for 1047"), "{since:?}");
    jo.press("<F3>1047<Enter>").until("1 Identification");
    jo.press("r").until("Request service for 1047");
    assert!(!jo.settle().contains("brakes squeal"));
    jo.press("<Esc>").settle();
    jo.press("<F10>");
    assert_eq!(jo.ended(), 0);
    assert!(!folder.path().join("state/countertop/locked.json").exists());
    // It is filed for whose it is, and offered to nobody else.
    let file = Path::new("state/countertop").join(FILE);
    assert_eq!(holding(folder.path(), "brakes squeal"), std::slice::from_ref(&file));
    let drafts = rusqlite::Connection::open(folder.path().join(file)).unwrap();
    let mut owners = drafts.prepare("SELECT user FROM draft WHERE typed LIKE '%brakes squeal%'").unwrap();
    let owners: Vec<String> = owners.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let token = token_by("lock-three", PASSWORD);
    assert_eq!(owners, [asked(&token, "/v1/session")["user"]["id"].as_str().unwrap()]);
    let mut again = at(folder.path(), &token);
    again.until("online");
    again.press("<F3>1047<Enter>").until("1 Identification");
    again.press("r").until("brakes squeal when cold");
}

#[test]
fn killed_while_locked_it_starts_locked() {
    let folder = tempfile::tempdir().unwrap();
    let token = account("lock-five");
    let mut jo = at(folder.path(), &token);
    jo.until("online");
    locked(&mut jo);
    let process = jo.child.process_id().unwrap().to_string();
    assert!(Command::new("kill").args(["-KILL", &process]).status().unwrap().success());
    jo.ended();
    let note = folder.path().join("state/countertop/locked.json");
    assert_eq!(std::fs::metadata(&note).unwrap().permissions().mode() & 0o777, 0o600);
    let mut again = at(folder.path(), &token);
    again.until_all(&["Locked", "lock-five", "Password"]);
    again.press("<F2>keller<Enter>").until("User name or password is wrong.");
    assert_hidden(&again, 0);
    again.press(&format!("{PASSWORD}<Enter>")).until("online");
    assert!(!note.exists());
    again.press("<F2>keller").until("Keller Bau GmbH");
}

#[test]
fn t34_random_keys_on_the_locked_screen_reveal_nothing() {
    const KEYS: [&str; 23] = [
        "\u{1b}OP",
        "\u{1b}OQ",
        "\u{1b}OR",
        "\u{1b}OS",
        "\u{1b}[15~",
        "\u{1b}[21~",
        "\u{1b}[A",
        "\u{1b}[B",
        "\u{1b}[C",
        "\u{1b}[D",
        "\u{1b}[H",
        "\u{1b}[5~",
        "\u{1b}[6~",
        "\u{1b}[Z",
        "\t",
        "g",
        "?",
        ":",
        "/",
        "1",
        "\u{1b}[200~keller\ng c\u{1b}[201~",
        "\u{1b}k",
        "\u{7f}",
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut jo = person("lock-six", folder.path());
    let from = locked(&mut jo);
    let mut dice = Dice::new("keys on the locked screen");
    for nth in 0..dice::times("COUNTERTOP_SEQUENCES", 300) {
        if dice.one_in(3) {
            // Every control character but those that send: the server slows guessing down.
            let control = char::from(u8::try_from(1 + dice.below(26)).unwrap());
            jo.send(&if matches!(control, '\r' | '\u{13}') { "l".to_owned() } else { control.to_string() });
        } else {
            jo.send(dice.one_of(&KEYS));
        }
        if nth % 16 == 0 {
            jo.settle();
        }
    }
    jo.settle();
    assert!(jo.child.try_wait().unwrap().is_none(), "it was left");
    assert_hidden(&jo, from);
    for _ in 0..3 {
        jo.press("<Esc>").settle();
    }
    jo.until("Locked");
}

#[test]
fn t34_a_lock_that_lets_show_what_is_behind_it_would_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut jo = person("lock-seven", folder.path());
    let from = locked(&mut jo);
    assert_hidden(&jo, from);
    // As if any key opened it: what is behind it is drawn again.
    jo.press(&format!("{PASSWORD}<Enter>")).until_all(&["1 Assets", "Keller Bau"]);
    jo.settle();
    assert!(!seen(&jo, from).is_empty());
}

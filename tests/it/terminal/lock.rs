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
/// What stands on the customer's page alone, and what only where somebody works.
const OF_CUSTOMER: [&str; 5] = ["Keller", "GmbH", "Waco", "10442", "GX4"];
const AT_WORK: [&str; 2] = ["San Leandro", "online"];

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

/// What of the customer stands in what was written.
fn revealed(written: &[u8]) -> Vec<&'static str> {
    let written = String::from_utf8_lossy(written);
    OF_CUSTOMER.into_iter().filter(|text| written.contains(*text)).collect()
}

/// What stands on a screen still that was there before it was locked.
fn left_on(screen: &str) -> Vec<&'static str> {
    OF_CUSTOMER.into_iter().chain(AT_WORK).filter(|text| screen.contains(*text)).collect()
}

/// What a terminal was not told to wipe.
fn not_wiped(written: &[u8]) -> Vec<&'static str> {
    let written = String::from_utf8_lossy(written);
    [("\u{1b}[2J", "screen"), ("\u{1b}[3J", "scroll-back")].into_iter().filter(|(wipe, _)| !written.contains(*wipe)).map(|(_, what)| what).collect()
}

/// Nothing of the customer was written from there on.
#[track_caller]
fn assert_hidden(terminal: &Terminal, from: usize) {
    assert_eq!(revealed(&terminal.written[from..]), [""; 0], "{:?}", String::from_utf8_lossy(&terminal.written[from..]));
}

/// Opens a customer's page; gives where in what was written it stands.
fn at_a_customers_page(terminal: &mut Terminal) -> usize {
    terminal.press("<F2>keller").until("Keller Bau");
    terminal.press("<Enter>").until_all(&["1 Assets", "Keller Bau"]);
    terminal.settle();
    terminal.written.len()
}

/// With a customer's page open, locked; gives where the lock begins in what was
/// written.
fn locked(terminal: &mut Terminal) -> usize {
    let from = at_a_customers_page(terminal);
    terminal.press("<Ctrl-L>").until_all(&["Locked", "Password", "Another person"]);
    terminal.settle();
    from
}

/// Somebody makes the window larger, smaller, and as it was.
fn resized(terminal: &mut Terminal) {
    for (columns, rows) in [(120, 40), (30, 6), (1, 1), (80, 24)] {
        terminal.resize(columns, rows);
        terminal.settle();
    }
}

#[test]
fn the_lock_hides_everything_and_wipes_the_scroll_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut jo = person("lock-one", folder.path());
    let from = locked(&mut jo);
    assert!(jo.text().contains("lock-one"));
    resized(&mut jo);
    jo.until("Locked");
    assert_hidden(&jo, from);
    assert_eq!(not_wiped(&jo.written[from..]), [""; 0]);
    assert_eq!(left_on(&jo.text()), [""; 0], "{}", jo.text());
}

#[test]
fn a_terminal_that_only_seems_locked_would_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut jo = person("lock-seven", folder.path());
    let from = at_a_customers_page(&mut jo);
    resized(&mut jo);
    let since = &jo.written[from..];
    assert!(revealed(since).contains(&"Keller") && not_wiped(since).contains(&"scroll-back"), "{:?}", String::from_utf8_lossy(since));
}

#[test]
fn a_lock_that_wipes_nothing_would_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let mut jo = person("lock-eight", folder.path());
    let from = locked(&mut jo);
    let (before, since) = jo.written.split_at(from);
    let without = String::from_utf8_lossy(since).replace("\u{1b}[2J", "").replace("\u{1b}[3J", "");
    assert_eq!(not_wiped(without.as_bytes()), ["screen", "scroll-back"]);
    // What then stands on the screen, beside what the real one leaves.
    let shown = |since: &[u8]| {
        let mut screen = vt100::Parser::new(24_u16.try_into().unwrap(), 80_u16.try_into().unwrap(), 0);
        screen.process(before);
        screen.process(since);
        screen.screen().contents()
    };
    assert_eq!(left_on(&shown(since)), [""; 0]);
    assert!(!left_on(&shown(without.as_bytes())).is_empty(), "{}", shown(without.as_bytes()));
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
    again.press("<F2>keller").until("Keller Bau GmbH");
    again.settle();
    assert!(!note.exists(), "who is in again leaves no lock behind");
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

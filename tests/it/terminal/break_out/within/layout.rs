//! Whatever is in a field, no cell outside of it changes, as tmux has the screen (T31).
//!
//! - `COUNTERTOP_LAYOUTS` (60): so many texts of the long list, drawn.

use std::fs;
use std::process::Command;

use super::{Within, shipped, within_tmux};
use crate::dice::{self, Dice};
use crate::hostile::texts;

/// The row of the look-up's field, and the column that it begins in.
const FIELD: (usize, usize) = (2, 6);

/// What tmux says.
fn told(within: &Within, words: &[&str]) -> String {
    let told = Command::new(&within.words[0]).args(["-u", "-S", &within.at("tmux")]).args(words).output().unwrap();
    assert!(told.status.success(), "{told:?}");
    String::from_utf8_lossy(&told.stdout).into_owned()
}

/// The rows of the screen.
fn rows(within: &Within) -> Vec<String> {
    told(within, &["capture-pane", "-p"]).lines().map(str::to_owned).collect()
}

/// The rows that are another outside of the field.
fn elsewhere(before: &[String], after: &[String]) -> Vec<usize> {
    assert_eq!((before.len(), after.len()), (24, 24));
    let outside = |rows: &[String], row: usize| if row == FIELD.0 { rows[row].chars().take(FIELD.1).collect() } else { rows[row].clone() };
    (0..24).filter(|row| outside(before, *row).trim_end() != outside(after, *row).trim_end()).collect()
}

#[test]
fn t31_within_tmux_no_text_changes_a_cell_outside_its_field() {
    let Some(within) = within_tmux("Bay of texts in tmux", &shipped("tmux.conf"), &[]) else { return };
    let mut attacked = within.begun();
    let empty = rows(&within);
    attacked.bay.press("x").until("Enter looks it up.");
    let typed = rows(&within);
    let mut dice = Dice::new("texts in a field");
    let (list, mut all) = (texts::naughty(), texts::sharp());
    all.extend((0..dice::times("COUNTERTOP_LAYOUTS", 60)).map(|_| list[dice.place(list.len())].clone()));
    let mut hit = 0;
    for text in &all {
        attacked.go_home();
        attacked.bay.send(&format!("\u{1b}[200~{text}\u{1b}[201~")).quiet(within.pause);
        // Of some of them tmux hands on nothing at all.
        let as_either = |now: &[String]| elsewhere(&typed, now).is_empty() || elsewhere(&empty, now).is_empty();
        let mut now = rows(&within);
        if !as_either(&now) {
            // Half of a picture may have been there.
            attacked.bay.settle();
            now = rows(&within);
        }
        assert!(as_either(&now), "{text:?}: {now:#?}");
        hit += usize::from(now[FIELD.0] != empty[FIELD.0]);
    }
    assert!(hit * 2 > all.len(), "{hit} of {} were to be seen", all.len());
}

#[test]
fn t31_what_draws_outside_its_field_would_be_found() {
    let Some(within) = within_tmux("Bay drawn over in tmux", &shipped("tmux.conf"), &[]) else { return };
    let mut attacked = within.begun();
    let before = rows(&within);
    let line = told(&within, &["display-message", "-p", "#{pane_tty}"]);
    fs::write(line.trim(), "\u{1b}[10;5Hbeside").unwrap();
    attacked.bay.until("beside");
    assert_eq!(elsewhere(&before, &rows(&within)), [9]);
    fs::write(line.trim(), "\u{1b}[3;1HX").unwrap();
    attacked.bay.until("XFind");
    assert_eq!(elsewhere(&before, &rows(&within)), [2, 9]);
}

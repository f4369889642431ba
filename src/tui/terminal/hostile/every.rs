//! Nothing left to chance (T28): each line of the list and each character that
//! drives terminals, one after the other, in all texts of all answers that pages
//! are made of, and in each field that somebody types in.
//!
//! A line of the list takes its turn on one of the three pages and in one of the
//! forms, the characters in all; `COUNTERTOP_EVERYWHERE=1` has each everywhere.

use super::pasted::{FORMS, signed_in};
use super::*;

/// As many fields as a form has, or some of them twice.
const FIELDS_OF_A_FORM: usize = 6;
/// So many people try until a form is open: not everybody has what it needs.
const TRIES: u64 = 50;
/// Somebody who may do everything, at a terminal with colours and drawn signs.
const SOMEBODY: u64 = 8;
/// The form in which the terminal begins.
const FIND: (&str, &[&str]) = ("Find", &["f2"]);

/// Each of the 65, between letters.
fn characters() -> impl Iterator<Item = String> {
    texts::controls().map(|control| format!("a{control}b"))
}

/// Each text, and whether it has to be everywhere.
fn all() -> Vec<(String, bool)> {
    let everywhere = number("COUNTERTOP_EVERYWHERE").is_some();
    let lines = texts::sharp().into_iter().chain(texts::naughty().iter().cloned());
    characters().map(|text| (text, true)).chain(lines.map(|line| (line, everywhere))).collect()
}

/// Where the nth text has its turn, of so many places.
fn turns(nth: usize, everywhere: bool, places: usize) -> impl Iterator<Item = usize> {
    (0..places).filter(move |place| everywhere || nth % places == *place)
}

/// A page of which every text is this one, and all its panes.
fn page_of(page: usize, told: &Told) -> Walk {
    let _named = Named(format!("{told:?} on page {page}"));
    let mut walk = Walk::new(SOMEBODY);
    walk.draws = false;
    walk.told = Some(told.clone());
    walk.opens(u64::try_from(page).unwrap());
    walk.paint();
    for digit in DIGITS {
        walk.press(digit);
        walk.paint();
    }
    walk
}

/// The texts of an answer, by where they stand in it.
fn texts_of(schema: &Value, trail: &str, found: &mut BTreeSet<String>) {
    let schema = shapes().resolved(schema);
    if !schema["const"].is_null() || schema["enum"].is_array() {
        return;
    }
    if let Some(choices) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
        return texts_of(&choices[0], trail, found);
    }
    match schema["type"].as_str().or_else(|| schema["type"][0].as_str()) {
        Some("object") => {
            for (name, shape) in schema["properties"].as_object().into_iter().flatten() {
                texts_of(shape, &format!("{trail}.{name}"), found);
            }
        }
        Some("array") => texts_of(&schema["items"], trail, found),
        None | Some("string") if !matches!(schema["format"].as_str(), Some("uuid" | "date-time")) => {
            found.insert(trail.to_owned());
        }
        _ => {}
    }
}

#[test]
fn t28_every_text_in_every_field_that_is_shown() {
    let (mut asked, mut hit) = (BTreeSet::new(), BTreeSet::new());
    for (nth, (text, everywhere)) in all().into_iter().enumerate() {
        let told = Told { text, raw: None };
        for page in turns(nth, everywhere, 3) {
            let walk = page_of(page, &told);
            asked.extend(walk.asked);
            hit.extend(walk.hit);
        }
    }
    let mut fields = BTreeSet::new();
    for name in READ_BY_PANES {
        assert!(asked.contains(name), "{name} is never asked for");
        texts_of(&shapes().answers[name], name, &mut fields);
    }
    let missed: Vec<&String> = fields.difference(&hit).collect();
    assert!(missed.is_empty() && fields.len() > 50, "of {} fields never: {missed:?}", fields.len());
}

#[test]
fn t28_no_byte_that_is_none_of_a_text_reaches_the_terminal() {
    // As it stands in the answer, and not as JSON writes it.
    for raw in (0..0x20).chain(0x7f..=0xff) {
        let told = Told { text: format!("a{STAND_IN}b"), raw: Some(raw) };
        page_of(usize::from(raw) % 3, &told);
    }
}

/// A form that is open before somebody.
fn opened(nth: u64, title: &str, way: &[&str]) -> Walk {
    let mut tries = (nth * TRIES..).take(usize::try_from(TRIES).unwrap()).map(|nth| {
        let mut walk = signed_in(nth);
        walk.goes(way);
        walk
    });
    tries.find(|walk| walk.shows(title)).unwrap_or_else(|| panic!("{title} never opens"))
}

#[test]
fn t28_every_text_in_every_field_that_is_typed_in() {
    let places: Vec<(&str, &[&str])> = [FIND].into_iter().chain(FORMS).collect();
    for (nth, (text, everywhere)) in all().into_iter().enumerate() {
        for at in turns(nth, everywhere, places.len()) {
            let (title, way) = places[at];
            let _named = Named(format!("{text:?} in {title}"));
            let mut walk = opened(u64::try_from(nth).unwrap(), title, way);
            for _ in 0..FIELDS_OF_A_FORM {
                walk.happens(Event::Paste(text.clone()));
                walk.paint();
                walk.press("tab");
            }
        }
    }
}

#[test]
fn t31_a_letter_takes_its_own_cells_and_no_more() {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 7, 1));
    for (at, symbol) in ["\u{1b}", "\u{200b}", "\u{301}", "a\u{301}", "👩‍👩‍👧‍👦"].into_iter().enumerate() {
        buffer.content[at].set_symbol(symbol);
    }
    buffer.content[5].set_symbol(&format!("e{}", "\u{301}".repeat(1_000)));
    buffer.content[6].set_symbol("\u{ad}");
    crate::tui::frame::make_harmless(&mut buffer);
    let shown: Vec<&str> = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
    assert_eq!(shown, ["\u{fffd}", "\u{fffd}", "\u{fffd}", "a\u{301}", "👩‍👩‍👧‍👦", "\u{fffd}", "\u{fffd}"]);
}

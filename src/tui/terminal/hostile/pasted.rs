//! Key safety (T35): what is pasted is text and nothing else, wherever the
//! cursor stands; where a terminal pastes key by key, forms of several fields
//! send nothing; and a key that is held down takes nothing away.
//!
//! `COUNTERTOP_SCRIPTS=10000 cargo test --release --lib t35` tries more; a failure
//! names its script as its walk, and `COUNTERTOP_SCRIPT=17` is that one alone.

use super::*;

/// How many scripts without being told.
const SCRIPTS: u64 = 200;
/// What is pasted into each place.
const PASTES: usize = 5;
/// The most letters that are pasted key by key.
const TYPED: usize = 60;
/// Presses of a key that is held for a second.
const HELD: usize = 60;

/// Ways to forms, by what stands in them: keys, and typed text after a `=`.
pub(super) const FORMS: [(&str, &[&str]); 4] = [
    ("Reading of", &["f3", "=1042", "enter", "1", "m"]),
    ("Request service for", &["f3", "=1042", "enter", "1", "r"]),
    ("Request service by unit", &["alt-r"]),
    ("New customer", &["f2", "=kel", "ctrl-n"]),
];
/// Pieces that mean something, were they keys.
const PIECES: [&str; 19] = [
    "\n",
    "\n\n\n",
    "\r",
    "\r\n",
    "\t",
    "y",
    "y\n",
    "xx",
    "xy",
    "s",
    "m12\n",
    ":lock\n",
    "gq",
    "\u{11}",
    "\u{13}",
    "\u{1b}",
    "\u{1b}s",
    "\u{1b}[20~",
    "\u{1b}[21~",
];
/// What takes something away, or makes it good for nothing.
const DESTRUCTIVE: [&str; 14] = [
    "CancelRequest",
    "ChangeUser",
    "EndConsent",
    "EndGrant",
    "EndOtherSessions",
    "EndSession",
    "EndUserSession",
    "GenerateContactPassword",
    "GenerateUserPassword",
    "ReplaceMeter",
    "SignOut",
    "VoidReading",
    "discard",
    "leave",
];

/// What a wrong form would do with what is pasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slip {
    /// The end of a line is Enter.
    EndsAreEnter,
    /// What drives a terminal is the key with Ctrl that it stands for.
    ControlsAreKeys,
}

/// A walk of somebody who is signed in.
pub(super) fn signed_in(nth: u64) -> Walk {
    let mut walk = Walk::new(nth / 5 * 8 + nth % 5);
    walk.draws = false;
    walk.happens(Event::Resumed);
    walk
}

fn scripts() -> std::ops::Range<u64> {
    match number("COUNTERTOP_SCRIPT") {
        Some(only) => only..only + 1,
        None => 0..number("COUNTERTOP_SCRIPTS").unwrap_or(SCRIPTS),
    }
}

impl Walk {
    pub(super) fn goes(&mut self, way: &[&str]) {
        for step in way {
            match step.strip_prefix('=') {
                Some(text) => self.type_text(text),
                None => self.press(step),
            }
        }
    }

    /// Whether a terminal of the usual size shows it.
    pub(super) fn shows(&self, text: &str) -> bool {
        let area = Rect::new(0, 0, 80, 24);
        let mut buffer = Buffer::empty(area);
        self.app.view(area, &mut buffer);
        buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect::<String>().contains(text)
    }

    /// Opens anything that a letter opens, on any page.
    fn goes_anywhere(&mut self, nth: u64) {
        self.goes_to_a_pane(nth);
        let letters: Vec<&str> = COMMANDS.iter().flat_map(|command| command.keys.iter().copied()).filter(|key| key.chars().count() == 1).collect();
        let letter = self.luck.of(&letters);
        self.press(letter);
    }

    /// A text full of what would be keys.
    fn sharp_text(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..=self.luck.below(12) {
            let piece = if self.luck.one_in(8) { self.luck.text() } else { self.luck.of(&PIECES).to_owned() };
            text.push_str(&piece);
        }
        text
    }

    /// A text is pasted, and taken as it should be or not.
    fn is_pasted(&mut self, text: &str, slip: Option<Slip>) {
        match slip {
            None => self.happens(Event::Paste(text.to_owned())),
            Some(Slip::EndsAreEnter) => {
                for line in text.split_inclusive('\n') {
                    self.happens(Event::Paste(line.trim_end_matches('\n').to_owned()));
                    if line.ends_with('\n') {
                        self.press("enter");
                    }
                }
            }
            Some(Slip::ControlsAreKeys) => {
                for sign in text.chars().take(TYPED) {
                    let letter = u8::try_from(sign).ok().filter(|sign| (1..=26).contains(sign)).map(|sign| char::from(sign + b'a' - 1));
                    self.happens(match letter {
                        Some(letter) => Event::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)),
                        None => Event::Paste(sign.to_string()),
                    });
                }
            }
        }
    }

    /// Pastes, and goes to another field; gives what that did.
    fn pastes(&mut self, slip: Option<Slip>) -> Vec<(String, Vec<&'static str>)> {
        let mut done = Vec::new();
        for _ in 0..PASTES {
            let text = self.sharp_text();
            self.deeds.clear();
            self.is_pasted(&text, slip);
            done.push((text, std::mem::take(&mut self.deeds)));
            self.press("tab");
        }
        done.retain(|(_, deeds)| !deeds.is_empty());
        done
    }

    /// The same text from a terminal that pastes key by key: letters, Enter and
    /// Tab; gives what that did.
    fn is_typed_into(&mut self) -> Vec<(String, Vec<&'static str>)> {
        let text = self.sharp_text();
        self.deeds.clear();
        for sign in text.chars().take(TYPED) {
            match sign {
                '\n' | '\r' => self.press("enter"),
                '\t' => self.press("tab"),
                sign if sign.is_control() => {}
                sign => self.happens(Event::Key(KeyEvent::new(KeyCode::Char(sign), KeyModifiers::NONE))),
            }
        }
        let deeds = std::mem::take(&mut self.deeds);
        if deeds.is_empty() { Vec::new() } else { vec![(text, deeds)] }
    }

    /// To a pane of a page.
    fn goes_to_a_pane(&mut self, nth: u64) {
        self.go_somewhere(nth);
        let digit = self.luck.of(&["1", "2", "3", "4", "5", "6"]);
        self.press(digit);
    }

    /// Holds a key down, and presses another one meanwhile if any; gives what is
    /// taken away by it.
    fn holds(&mut self, held: &str, other: Option<&str>) -> Vec<&'static str> {
        self.deeds.clear();
        for _ in 0..HELD {
            self.press(held);
            if let Some(other) = other {
                self.press(other);
            }
        }
        self.deeds.retain(|deed| DESTRUCTIVE.contains(deed));
        std::mem::take(&mut self.deeds)
    }
}

#[test]
fn t35_what_is_pasted_is_text_in_every_form() {
    let mut seen = BTreeSet::new();
    for nth in scripts() {
        let _named = Named(nth);
        for (title, way) in FORMS {
            let mut walk = signed_in(nth);
            walk.goes(way);
            if !walk.shows(title) {
                continue;
            }
            seen.insert(title);
            assert_eq!(walk.pastes(None), []);
            // The reading line is one field: there Enter saves.
            if title != "Reading of" && walk.shows(title) {
                assert_eq!(walk.is_typed_into(), []);
            }
        }
    }
    assert!(number("COUNTERTOP_SCRIPT").is_some() || seen.len() == FORMS.len(), "only {seen:?} are ever open");
}

#[test]
fn t35_what_is_pasted_is_text_on_every_page() {
    for nth in scripts() {
        let _named = Named(nth);
        let mut walk = signed_in(nth);
        walk.goes_anywhere(nth);
        assert_eq!(walk.pastes(None), []);
    }
}

#[test]
fn t35_a_key_that_is_held_down_takes_nothing_away() {
    // What goes away by one key on purpose.
    let leads_away = |id: &str| matches!(id, "quit" | "suspend" | "sign_out" | "lock");
    let keys: Vec<&str> =
        COMMANDS.iter().filter(|command| !leads_away(command.id)).flat_map(|command| command.keys.iter().copied()).filter(|key| !key.contains(' ')).collect();
    for nth in scripts() {
        let _named = Named(nth);
        let mut walk = signed_in(nth);
        walk.goes_to_a_pane(nth);
        let held = walk.luck.of(&keys);
        assert_eq!(walk.holds(held, None), [""; 0], "{held}");
    }
}

/// Whether a deed is found somewhere where a form takes so what is pasted into it.
fn is_found(deed: &'static str, (title, way): (&str, &[&str]), slip: Slip) -> bool {
    (0..SCRIPTS).any(|nth| {
        let mut walk = signed_in(nth);
        walk.goes(way);
        walk.shows(title) && walk.pastes(Some(slip)).iter().any(|(_, deeds)| deeds.contains(&deed))
    })
}

#[test]
fn a_form_that_takes_the_end_of_a_pasted_line_for_enter_would_be_found() {
    assert!(is_found("AddReading", FORMS[0], Slip::EndsAreEnter));
}

#[test]
fn a_form_that_takes_what_is_pasted_for_keys_would_be_found() {
    for (form, deed) in FORMS.into_iter().zip(["AddReading", "RequestService"]) {
        assert!(is_found(deed, form, Slip::ControlsAreKeys), "{deed}");
    }
}

#[test]
fn a_question_that_is_answered_while_a_key_is_held_would_be_found() {
    // A consent is taken back, and a password is good for nothing any more.
    for (key, deed) in [("x", "EndConsent"), ("p", "GenerateContactPassword")] {
        let is_found = |nth: u64| {
            let mut walk = signed_in(nth);
            walk.goes_to_a_pane(nth);
            walk.holds(key, Some("y")).contains(&deed)
        };
        assert!((0..SCRIPTS).any(is_found), "{deed}");
    }
}

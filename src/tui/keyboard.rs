//! What the terminal sends, byte by byte, as keys and pastes.
//!
//! Not all of it was typed: terminals answer what some program asked before,
//! report what nobody wants to know, break off in the middle, and lie. What is no
//! key is passed over whole: on a page each letter of it would be a command.
//!
//! Without a clock and without a line: whoever reads says when a piece came. May
//! call [`super::event`].

mod keys;

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::event::Event;

/// What begins a sequence.
const ESCAPE: u8 = 0x1b;
/// Before and after a paste; the first as it stands after its Esc.
const PASTE_BEGINS: &[u8] = b"[200~";
const PASTE_ENDS: &[u8] = b"\x1b[201~";
/// A click of a mouse in the oldest form; its place follows.
const CLICK: &[u8] = b"[M";
const PLACE_OF_A_CLICK: u8 = 3;
/// Nobody types the next key sooner, and no key is longer.
const BREATH: Duration = Duration::from_millis(50);
const LONGEST_KEY: usize = 8;
/// What was begun and goes on no sooner has broken off, however it goes on.
const BROKEN_OFF: Duration = Duration::from_secs(1);
/// The same of a paste: its letters must not become keys because a line is slow.
const PASTE_BROKEN_OFF: Duration = Duration::from_secs(3);
/// The longest sequence that is looked at, and the longest paste.
const LONGEST_SEQUENCE: usize = 64;
const LONGEST_PASTE: usize = 1 << 20;

/// Tells keys and pastes from all else that comes.
#[derive(Debug, Default)]
pub(super) struct Keyboard {
    within: Within,
    /// What is not whole yet: a sequence after its Esc, a letter, a paste.
    part: Vec<u8>,
    /// When the last piece came, and whether more lay behind it.
    heard: Option<Instant>,
    more: bool,
    /// When the terminal said last what nobody typed.
    answered: Option<Instant>,
}

/// What the last byte stood in.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Nothing: the next one begins something.
    #[default]
    Nothing,
    /// After an Esc.
    Escape,
    /// After an Esc and what begins a string, or is a key with Alt.
    Opened(u8),
    /// `ESC [` or `ESC O` and numbers.
    Sequence,
    /// So many bytes of a click are to come.
    Click(u8),
    /// A letter of several bytes, with Alt or without.
    Letter {
        alt: bool,
    },
    /// A string of the terminal's: OSC, DCS, APC, PM, SOS; after this byte.
    Answer(u8),
    Paste,
}

impl Keyboard {
    /// Hears a piece that came at this time; `more`: the next one is there
    /// already.
    pub(super) fn hears(&mut self, piece: &[u8], more: bool, at: Instant, events: &mut VecDeque<Event>) {
        if self.has_broken_off(piece, at) {
            self.breaks_off(events);
        }
        for byte in piece {
            self.hear(*byte, at, events);
        }
        (self.heard, self.more) = (Some(at), more);
        if !more {
            self.rests(at, events);
        }
    }

    /// Whether what was begun has no end, so that this is something else: a person
    /// pauses before a key, and an answer comes in large pieces.
    fn has_broken_off(&self, piece: &[u8], at: Instant) -> bool {
        let Some(heard) = self.heard.filter(|_| !self.more) else { return false };
        let pause = at.saturating_duration_since(heard);
        match self.within {
            Within::Nothing => false,
            Within::Paste => pause >= PASTE_BROKEN_OFF || pause >= BREATH && self.is_key_instead(piece),
            _ => pause >= BROKEN_OFF || pause >= BREATH && piece.len() <= LONGEST_KEY,
        }
    }

    /// Whether a piece within a paste is a key that somebody pressed because its end
    /// was lost: multiplexers drop what a program does not read at once.
    fn is_key_instead(&self, piece: &[u8]) -> bool {
        let may_end_it = PASTE_ENDS.starts_with(piece) && !self.part.ends_with(&[ESCAPE]);
        piece.starts_with(&[ESCAPE]) && piece.len() <= LONGEST_KEY && !piece.starts_with(PASTE_ENDS) && !may_end_it
    }

    /// What was pasted so far was pasted; all else was never typed.
    fn breaks_off(&mut self, events: &mut VecDeque<Event>) {
        let part = std::mem::take(&mut self.part);
        if std::mem::take(&mut self.within) == Within::Paste {
            events.push_back(pasted(&part));
        }
    }

    /// Nothing more lies behind: what could have begun a sequence is a key,
    /// unless the terminal is talking just now.
    fn rests(&mut self, at: Instant, events: &mut VecDeque<Event>) {
        if self.answered.is_some_and(|answered| at.saturating_duration_since(answered) < BREATH) {
            return;
        }
        match self.within {
            Within::Escape => events.push_back(Event::Key(keys::ESCAPE)),
            Within::Opened(sign) => events.push_back(Event::Key(keys::of_sign(sign, true))),
            _ => return,
        }
        self.within = Within::Nothing;
    }

    fn hear(&mut self, byte: u8, at: Instant, events: &mut VecDeque<Event>) {
        match self.within {
            Within::Nothing => self.begins(byte, false, events),
            Within::Escape => self.after_escape(byte, events),
            Within::Opened(sign) => self.within = answer(sign, byte),
            Within::Sequence => self.sequence(byte, at, events),
            Within::Click(left) => self.within = if left > 1 { Within::Click(left - 1) } else { Within::Nothing },
            Within::Letter { alt } => self.letter(byte, alt, events),
            Within::Answer(ESCAPE) if opens(byte) => self.after_escape(byte, events),
            Within::Answer(before) => self.within = answer(before, byte),
            Within::Paste => self.paste(byte, events),
        }
        if matches!(self.within, Within::Answer(_) | Within::Click(_)) {
            self.answered = Some(at);
        }
    }

    fn begins(&mut self, byte: u8, alt: bool, events: &mut VecDeque<Event>) {
        self.within = match byte {
            ESCAPE => Within::Escape,
            // What stands for an Esc and a second byte where there are eight bits.
            0x9b => {
                self.part.push(b'[');
                Within::Sequence
            }
            0x90 | 0x98 | 0x9d..=0x9f => Within::Answer(byte),
            0xc2..=0xf4 => {
                self.part.push(byte);
                Within::Letter { alt }
            }
            // No sign of any key.
            0x80.. => Within::Nothing,
            sign => {
                events.push_back(Event::Key(keys::of_sign(sign, alt)));
                Within::Nothing
            }
        };
    }

    fn after_escape(&mut self, byte: u8, events: &mut VecDeque<Event>) {
        match byte {
            b'[' | b'O' => {
                self.part.push(byte);
                self.within = Within::Sequence;
            }
            _ if opens(byte) => self.within = Within::Opened(byte),
            // Pressed twice.
            ESCAPE => events.push_back(Event::Key(keys::ESCAPE)),
            _ => self.begins(byte, true, events),
        }
    }

    fn sequence(&mut self, byte: u8, at: Instant, events: &mut VecDeque<Event>) {
        if !(0x20..0x7f).contains(&byte) {
            self.part.clear();
            return self.begins(byte, false, events);
        }
        let is_last = match self.part.as_slice() {
            // The Linux console: `ESC [ [ A`.
            b"[" => byte >= b'@' && byte != b'[',
            [b'[', ..] => byte >= b'@',
            _ => !(byte.is_ascii_digit() || byte == b';'),
        };
        // Beyond, nobody looks at it: without its last byte it is no key.
        if self.part.len() < LONGEST_SEQUENCE {
            self.part.push(byte);
        }
        if !is_last {
            return;
        }
        let sequence = std::mem::take(&mut self.part);
        self.within = match sequence.as_slice() {
            PASTE_BEGINS => Within::Paste,
            CLICK => Within::Click(PLACE_OF_A_CLICK),
            other => {
                match keys::of_sequence(other) {
                    Some(key) => events.push_back(Event::Key(key)),
                    None => self.answered = Some(at),
                }
                Within::Nothing
            }
        };
    }

    fn letter(&mut self, byte: u8, alt: bool, events: &mut VecDeque<Event>) {
        if !(0x80..0xc0).contains(&byte) {
            self.part.clear();
            return self.begins(byte, false, events);
        }
        self.part.push(byte);
        let Ok(text) = std::str::from_utf8(&self.part) else {
            // Not whole yet, or never.
            if self.part.len() >= 4 {
                self.breaks_off(events);
            }
            return;
        };
        let letter = text.chars().next();
        self.part.clear();
        self.within = Within::Nothing;
        match letter {
            // The same as one byte of eight bits.
            Some(letter @ '\u{80}'..='\u{9f}') => self.begins(u8::try_from(letter).unwrap_or_default(), alt, events),
            Some(letter) => events.push_back(Event::Key(keys::of_letter(letter, alt))),
            None => {}
        }
    }

    fn paste(&mut self, byte: u8, events: &mut VecDeque<Event>) {
        self.part.push(byte);
        if let Some(text) = self.part.strip_suffix(PASTE_ENDS) {
            events.push_back(pasted(text));
            self.part.clear();
            self.within = Within::Nothing;
        } else if self.part.len() > LONGEST_PASTE {
            // Its end is still looked for.
            self.part.remove(LONGEST_PASTE - PASTE_ENDS.len());
        }
    }
}

/// Whether an Esc and this byte begin something of several bytes.
const fn opens(byte: u8) -> bool {
    matches!(byte, b'[' | b'O' | b']' | b'P' | b'_' | b'^' | b'X')
}

/// What a byte within a string of the terminal's leaves, after that one: the bell,
/// `ESC \`, its form of eight bits, or a new Esc ends it.
const fn answer(before: u8, byte: u8) -> Within {
    let ends = match byte {
        0x07 | 0x18 | 0x1a => true,
        // In a letter of several bytes it is no end.
        0x9c => before < 0x80 || before == 0xc2,
        ESCAPE => false,
        _ => before == ESCAPE,
    };
    if ends { Within::Nothing } else { Within::Answer(byte) }
}

fn pasted(text: &[u8]) -> Event {
    Event::Paste(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests;

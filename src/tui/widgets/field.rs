//! One line of text to type in.

use crossterm::event::{Event, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;
use unicode_width::UnicodeWidthStr;

use crate::text::{clean_line, for_screen};

/// A line of text with its cursor.
#[derive(Debug, Clone, Default)]
pub(in crate::tui) struct TextField {
    input: Input,
}

/// The most that is taken into one line.
const MOST: usize = 1_000;

impl TextField {
    /// With a text, the cursor behind it.
    pub(in crate::tui) fn with(text: &str) -> Self {
        Self { input: Input::new(clean_line(text)) }
    }

    /// The text.
    pub(in crate::tui) fn text(&self) -> &str {
        self.input.value()
    }

    /// Whether nothing stands in it.
    pub(in crate::tui) fn is_empty(&self) -> bool {
        self.text().is_empty()
    }

    /// Another text, the cursor behind it.
    pub(in crate::tui) fn set(&mut self, text: &str) {
        *self = Self::with(text);
    }

    /// A key. True if the text is another now.
    pub(in crate::tui) fn key(&mut self, key: KeyEvent) -> bool {
        self.input.handle_event(&Event::Key(key)).is_some_and(|changed| changed.value)
    }

    /// Puts a pasted text in at the cursor, as one line.
    pub(in crate::tui) fn paste(&mut self, text: &str) {
        let text: String = clean_line(text).chars().take(MOST).collect();
        let at = self.input.cursor();
        let mut value: String = self.text().chars().take(at).collect();
        value.push_str(&text);
        value.extend(self.text().chars().skip(at));
        self.input = Input::new(value).with_cursor(at + text.chars().count());
    }

    /// The part that fits into `room` cells around the cursor, and the cursor's
    /// cell in it.
    pub(in crate::tui) fn shown(&self, room: usize) -> (String, u16) {
        let room = room.max(1);
        let before: String = self.text().chars().take(self.input.cursor()).collect();
        let mut start = 0;
        // The cursor takes a cell of its own behind the text.
        while UnicodeWidthStr::width(before.chars().skip(start).collect::<String>().as_str()) >= room {
            start += 1;
        }
        let seen = UnicodeWidthStr::width(before.chars().skip(start).collect::<String>().as_str());
        let mut text = String::new();
        for letter in self.text().chars().skip(start) {
            text.push(letter);
            if UnicodeWidthStr::width(text.as_str()) > room {
                text.pop();
                break;
            }
        }
        (for_screen(&text), u16::try_from(seen).unwrap_or(0))
    }
}

//! One line of text to type in.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler;
use unicode_width::UnicodeWidthChar;

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
        let is_letter = matches!(key.code, KeyCode::Char(_)) && key.modifiers.difference(KeyModifiers::SHIFT).is_empty();
        if is_letter && self.room() == 0 {
            return false;
        }
        self.input.handle_event(&Event::Key(key)).is_some_and(|changed| changed.value)
    }

    /// Puts a pasted text in at the cursor, as one line.
    pub(in crate::tui) fn paste(&mut self, text: &str) {
        let text: String = clean_line(text).chars().take(self.room()).collect();
        let at = self.input.cursor();
        let mut value: String = self.text().chars().take(at).collect();
        value.push_str(&text);
        value.extend(self.text().chars().skip(at));
        self.input = Input::new(value).with_cursor(at + text.chars().count());
    }

    /// How many letters more are taken.
    fn room(&self) -> usize {
        MOST.saturating_sub(self.text().chars().count())
    }

    /// The part that fits into `room` cells around the cursor, and the cursor's
    /// cell in it.
    pub(in crate::tui) fn shown(&self, room: usize) -> (String, u16) {
        let letters: Vec<char> = self.text().chars().collect();
        let cells = |letter: &char| UnicodeWidthChar::width(*letter).unwrap_or(1);
        // Backwards from the cursor as far as fits; the cursor takes a cell of
        // its own behind the text.
        let mut seen = 0;
        let mut start = self.input.cursor().min(letters.len());
        while start > 0 && seen + cells(&letters[start - 1]) < room.max(1) {
            start -= 1;
            seen += cells(&letters[start]);
        }
        let mut used = 0;
        let fits = |letter: &&char| {
            used += cells(letter);
            used <= room
        };
        let text: String = letters[start..].iter().take_while(fits).collect();
        (for_screen(&text), u16::try_from(seen).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_takes_so_much_and_no_more_however_often_one_pastes() {
        let mut field = TextField::default();
        for _ in 0..3 {
            field.paste(&"x".repeat(MOST * 2));
        }
        assert_eq!(field.text().len(), MOST);
        assert!(!field.key(KeyEvent::new(KeyCode::Char('y'), KeyModifiers::NONE)));
        assert!(field.key(KeyEvent::new(KeyCode::Backspace, KeyModifiers::NONE)));
        assert!(field.key(KeyEvent::new(KeyCode::Char('y'), KeyModifiers::NONE)));
    }
}

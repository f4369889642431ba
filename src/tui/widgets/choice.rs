//! A field of fixed words: one of them, or any of them. What stands is kept as
//! text, so that forms read, keep and restore it like any other field.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::TextField;

/// The words to choose from.
#[derive(Debug)]
pub(super) struct Choice {
    words: Vec<&'static str>,
    /// Whether any of them may stand, not just one.
    several: bool,
    /// The word under the cursor.
    at: usize,
}

impl Choice {
    /// One of these.
    pub(super) fn one(words: impl IntoIterator<Item = &'static str>) -> Self {
        Self { words: words.into_iter().collect(), several: false, at: 0 }
    }

    /// Any of these.
    pub(super) fn several(words: impl IntoIterator<Item = &'static str>) -> Self {
        Self { several: true, ..Self::one(words) }
    }

    /// The first word.
    pub(super) fn first(&self) -> &'static str {
        self.words.first().copied().unwrap_or_default()
    }

    /// Whether a text is such a choice.
    pub(super) fn has(&self, text: &str) -> bool {
        if self.several { text.split_whitespace().all(|word| self.words.contains(&word)) } else { self.words.contains(&text) }
    }

    /// A key: left and right turn through the words, a letter jumps to the next
    /// that begins with it; space turns too, or ticks where several may stand.
    /// True if another choice stands now.
    pub(super) fn key(&mut self, key: KeyEvent, text: &mut TextField) -> bool {
        if !self.several {
            self.at = self.words.iter().position(|word| *word == text.text()).unwrap_or(0);
        }
        let count = self.words.len().max(1);
        let plain = key.modifiers.difference(KeyModifiers::SHIFT).is_empty();
        self.at = match key.code {
            KeyCode::Char(' ') if self.several => return self.tick(text),
            KeyCode::Right | KeyCode::Char(' ') => (self.at + 1) % count,
            KeyCode::Left => (self.at + count - 1) % count,
            KeyCode::Char(letter) if plain => self.next_with(letter.to_ascii_lowercase()),
            _ => return false,
        };
        match self.words.get(self.at) {
            Some(word) if !self.several && *word != text.text() => {
                text.set(word);
                true
            }
            _ => false,
        }
    }

    fn next_with(&self, letter: char) -> usize {
        let count = self.words.len();
        (1..=count).map(|step| (self.at + step) % count).find(|at| self.words[*at].starts_with(letter)).unwrap_or(self.at)
    }

    /// Ticks the word under the cursor, or no longer.
    fn tick(&self, text: &mut TextField) -> bool {
        let Some(turned) = self.words.get(self.at) else { return false };
        let kept: Vec<&str> = self.words.iter().copied().filter(|word| is_ticked(text.text(), word) != (word == turned)).collect();
        text.set(&kept.join(" "));
        true
    }

    /// What is drawn into `room` cells, and the cursor's cell in it. Where
    /// several may stand all words are shown under the cursor, those that stand
    /// in brackets; otherwise only those.
    pub(super) fn shown(&self, text: &str, focused: bool, room: usize) -> (String, u16) {
        if !(self.several && focused) {
            let stand: Vec<String> = text.split_whitespace().map(in_words).collect();
            return (stand.join(", "), 0);
        }
        let word = |word: &&str| if is_ticked(text, word) { format!("[{}]", in_words(word)) } else { format!(" {} ", in_words(word)) };
        let words: Vec<String> = self.words.iter().map(word).collect();
        // Backwards from the cursor as far as fits.
        let mut first = self.at;
        let mut used = words.get(first).map_or(0, String::len);
        while first > 0 && used + words[first - 1].len() <= room {
            first -= 1;
            used += words[first].len();
        }
        let before: usize = words[first..self.at].iter().map(String::len).sum();
        (words[first..].concat().chars().take(room).collect(), u16::try_from(before + 1).unwrap_or(0))
    }
}

fn is_ticked(text: &str, word: &str) -> bool {
    text.split_whitespace().any(|ticked| ticked == word)
}

fn in_words(word: &str) -> String {
    word.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(choice: &mut Choice, text: &mut TextField, codes: &[KeyCode]) -> String {
        for code in codes {
            choice.key(KeyEvent::new(*code, KeyModifiers::NONE), text);
        }
        text.text().to_owned()
    }

    #[test]
    fn one_word_turns_by_arrows_space_and_letters() {
        let mut choice = Choice::one(["none", "full", "limited", "carrier_view"]);
        let mut text = TextField::with("none");
        assert_eq!(press(&mut choice, &mut text, &[KeyCode::Left]), "carrier_view");
        assert_eq!(press(&mut choice, &mut text, &[KeyCode::Right, KeyCode::Char(' ')]), "full");
        assert_eq!(press(&mut choice, &mut text, &[KeyCode::Char('l')]), "limited");
        assert_eq!(press(&mut choice, &mut text, &[KeyCode::Char('x'), KeyCode::Backspace]), "limited");
        assert_eq!(choice.shown("carrier_view", true, 40), ("carrier view".to_owned(), 0));
        assert!(choice.has("full") && !choice.has("none full"));
    }

    #[test]
    fn several_words_are_ticked_and_the_cursor_is_always_seen() {
        let mut choice = Choice::several(["technical", "billing", "driver", "owner"]);
        let mut text = TextField::default();
        assert_eq!(press(&mut choice, &mut text, &[KeyCode::Char('o'), KeyCode::Char(' ')]), "owner");
        assert_eq!(press(&mut choice, &mut text, &[KeyCode::Right, KeyCode::Char(' ')]), "technical owner", "in the order of the words");
        assert_eq!(press(&mut choice, &mut text, &[KeyCode::Char(' ')]), "owner");
        assert_eq!(choice.shown("billing owner", false, 40), ("billing, owner".to_owned(), 0));
        assert_eq!(choice.shown("billing", true, 40), (" technical [billing] driver  owner ".to_owned(), 1));
        press(&mut choice, &mut text, &[KeyCode::Char('o')]);
        assert_eq!(choice.shown("owner", true, 16), (" driver [owner]".to_owned(), 9));
    }
}

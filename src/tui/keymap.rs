//! From keys to commands: the table's keys, or the configuration's instead.

use std::collections::HashMap;
use std::str::FromStr as _;

use crokey::KeyCombination;
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::command::{COMMANDS, Command, Place};
use crate::text::{did_you_mean, nearest};

/// One key after another: one or two.
type Chord = Vec<KeyCombination>;

/// Which keys do what, where.
#[derive(Debug)]
pub(super) struct Keymap {
    by_place: HashMap<Place, Vec<(Chord, &'static Command)>>,
    /// Keys of a command, the first is the one shown.
    by_command: HashMap<&'static str, Vec<Key>>,
}

/// A key of a command.
#[derive(Debug)]
struct Key {
    /// As people write it.
    shown: String,
    /// Where characters are text it is one.
    is_text: bool,
}

/// What a key means.
#[derive(Debug, Clone, Copy)]
pub(super) enum Meaning {
    /// It runs this.
    Run(&'static Command),
    /// More keys may follow.
    Prefix,
    /// Nothing.
    None,
}

impl Keymap {
    /// The table's keys with the configuration's instead where it has some;
    /// `none` takes a command's keys away.
    ///
    /// # Errors
    /// One sentence: an unknown command, a chord that cannot be read, or two
    /// commands that want the same chord in one place.
    pub(super) fn new(own: &[(String, Vec<String>)]) -> Result<Self, String> {
        for (id, _) in own {
            if !COMMANDS.iter().any(|command| command.id == id) {
                let meant = did_you_mean(nearest(id, COMMANDS.iter().map(|command| command.id)));
                return Err(format!("keys: there is no command {id:?}{meant}"));
            }
        }
        let mut keymap = Self { by_place: HashMap::new(), by_command: HashMap::new() };
        for command in COMMANDS {
            let chosen = own.iter().rev().find(|(id, _)| id == command.id);
            let keys: Vec<String> = match chosen {
                Some((_, keys)) => keys.iter().filter(|key| *key != "none").cloned().collect(),
                None => command.keys.iter().map(|key| (*key).to_owned()).collect(),
            };
            for key in &keys {
                keymap.bind(command, key)?;
            }
            keymap.by_command.insert(command.id, keys.iter().map(|key| Key::read(key)).collect());
        }
        Ok(keymap)
    }

    fn bind(&mut self, command: &'static Command, key: &str) -> Result<(), String> {
        let chord = read_chord(key).ok_or_else(|| format!("keys: {}: {key:?} is no key; write it like f9, ctrl-s or g c", command.id))?;
        let bound = self.by_place.entry(command.place).or_default();
        if let Some((_, other)) = bound.iter().find(|(taken, _)| *taken == chord) {
            return Err(format!("keys: {} and {} both want {key:?}", other.id, command.id));
        }
        bound.push((chord, command));
        Ok(())
    }

    /// What the keys pressed so far mean in these places, the nearest first.
    pub(super) fn meaning(&self, places: &[Place], pressed: &[KeyCombination]) -> Meaning {
        let mut prefix = false;
        for place in places.iter().chain(&[Place::Anywhere]) {
            for (chord, command) in self.by_place.get(place).into_iter().flatten() {
                if chord.as_slice() == pressed {
                    return Meaning::Run(command);
                }
                prefix |= chord.len() > pressed.len() && chord.starts_with(pressed);
            }
        }
        if prefix { Meaning::Prefix } else { Meaning::None }
    }

    /// The key shown for a command: `Ctrl-S`.
    pub(super) fn shown(&self, command: &Command) -> Option<String> {
        self.shown_where(command, false)
    }

    /// As [`Keymap::shown`], where typed characters may be text.
    pub(super) fn shown_where(&self, command: &Command, text: bool) -> Option<String> {
        self.of(command, text).next().map(str::to_owned)
    }

    /// All keys of a command, as people write them; where characters are text
    /// only those that are none.
    pub(super) fn all_shown(&self, command: &Command, text: bool) -> Vec<String> {
        self.of(command, text).map(str::to_owned).collect()
    }

    fn of(&self, command: &Command, text: bool) -> impl Iterator<Item = &str> {
        self.by_command.get(command.id).into_iter().flatten().filter(move |key| !(text && key.is_text)).map(|key| key.shown.as_str())
    }
}

impl Key {
    fn read(key: &str) -> Self {
        Self { shown: for_people(key), is_text: key.split(' ').next().is_some_and(|first| first.chars().count() == 1) }
    }
}

/// A key as the keymap knows it. A sign such as `:` is itself, whether or not
/// this keyboard needs Shift for it.
pub(super) fn pressed(mut key: KeyEvent) -> KeyCombination {
    if matches!(key.code, KeyCode::Char(sign) if !sign.is_alphabetic()) {
        key.modifiers.remove(KeyModifiers::SHIFT);
    }
    KeyCombination::from(key).normalized()
}

fn read_chord(key: &str) -> Option<Chord> {
    let chord: Option<Chord> = key.split(' ').map(|part| KeyCombination::from_str(&full_name(part)).ok().map(KeyCombination::normalized)).collect();
    chord.filter(|chord| (1..=2).contains(&chord.len()))
}

/// Characters that the parser knows only by name.
fn full_name(part: &str) -> String {
    match part {
        "?" | "/" | ":" => part.to_owned(),
        "backtab" => "shift-backtab".to_owned(),
        other => other.to_owned(),
    }
}

fn for_people(key: &str) -> String {
    let word = |part: &str| match part {
        "ctrl" => "Ctrl".to_owned(),
        "alt" => "Alt".to_owned(),
        "shift" => "Shift".to_owned(),
        "enter" => "Enter".to_owned(),
        "esc" => "Esc".to_owned(),
        "tab" => "Tab".to_owned(),
        "space" => "Space".to_owned(),
        "backtab" => "Shift-Tab".to_owned(),
        "up" => "↑".to_owned(),
        "down" => "↓".to_owned(),
        "left" => "←".to_owned(),
        "right" => "→".to_owned(),
        "pageup" => "PgUp".to_owned(),
        "pagedown" => "PgDn".to_owned(),
        "home" => "Home".to_owned(),
        "end" => "End".to_owned(),
        one if one.len() > 1 && one.starts_with('f') => one.to_uppercase(),
        other => other.to_owned(),
    };
    let parts: Vec<String> = key.split('-').map(word).collect();
    if parts.len() > 1 && parts.last().is_some_and(|last| last.len() == 1) {
        let (last, before) = parts.split_last().unwrap_or((&parts[0], &[]));
        return format!("{}-{}", before.join("-"), last.to_uppercase());
    }
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pressed(code: KeyCode, modifiers: KeyModifiers) -> KeyCombination {
        super::pressed(KeyEvent::new(code, modifiers))
    }

    fn runs(keymap: &Keymap, places: &[Place], keys: &[KeyCombination]) -> Option<&'static str> {
        match keymap.meaning(places, keys) {
            Meaning::Run(command) => Some(command.id),
            _ => None,
        }
    }

    #[test]
    fn the_tables_keys_can_be_pressed() {
        let keymap = Keymap::new(&[]).unwrap();
        let none = KeyModifiers::NONE;
        assert_eq!(runs(&keymap, &[Place::Asset], &[pressed(KeyCode::Char('m'), none)]), Some("asset.reading"));
        assert_eq!(runs(&keymap, &[Place::Form], &[pressed(KeyCode::Char('s'), KeyModifiers::CONTROL)]), Some("form.save"));
        assert_eq!(runs(&keymap, &[Place::Fields], &[pressed(KeyCode::BackTab, KeyModifiers::SHIFT)]), Some("form.previous"));
        assert_eq!(runs(&keymap, &[], &[pressed(KeyCode::Char('?'), none)]), Some("help"));
        assert_eq!(runs(&keymap, &[], &[pressed(KeyCode::Char(':'), KeyModifiers::SHIFT)]), Some("palette"));
        assert_eq!(runs(&keymap, &[], &[pressed(KeyCode::F(10), none)]), Some("quit"));
        let g = pressed(KeyCode::Char('g'), none);
        assert!(matches!(keymap.meaning(&[], &[g]), Meaning::Prefix));
        assert_eq!(runs(&keymap, &[], &[g, pressed(KeyCode::Char('c'), none)]), Some("find.customers"));
    }

    #[test]
    fn every_function_key_and_flow_control_key_has_a_second_binding() {
        for command in COMMANDS {
            let fragile = |key: &&str| key.starts_with('f') && key.len() > 1 || matches!(*key, "ctrl-s" | "ctrl-q");
            if command.keys.iter().any(fragile) {
                assert!(command.keys.iter().any(|key| !fragile(key)), "{}", command.id);
            }
        }
    }

    #[test]
    fn own_keys_stand_instead_and_mistakes_are_told() {
        let own = |id: &str, key: &str| vec![(id.to_owned(), vec![key.to_owned()])];
        let keymap = Keymap::new(&own("asset.reading", "ctrl-m")).unwrap();
        assert_eq!(runs(&keymap, &[Place::Asset], &[pressed(KeyCode::Char('m'), KeyModifiers::NONE)]), None);
        assert!(Keymap::new(&own("asset.redding", "x")).unwrap_err().contains("asset.reading"));
        assert!(Keymap::new(&own("asset.reading", "r")).unwrap_err().contains("both want"));
        assert!(Keymap::new(&own("asset.reading", "blah")).unwrap_err().contains("is no key"));
    }
}

//! Which key it is that bytes stand for. May call nobody.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// Esc.
pub(super) const ESCAPE: KeyEvent = KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE);

/// That of a byte of seven bits.
pub(super) fn of_sign(sign: u8, alt: bool) -> KeyEvent {
    let (code, modifiers) = match sign {
        0 => (KeyCode::Char(' '), KeyModifiers::CONTROL),
        b'\t' => (KeyCode::Tab, KeyModifiers::NONE),
        b'\r' => (KeyCode::Enter, KeyModifiers::NONE),
        0x7f => (KeyCode::Backspace, KeyModifiers::NONE),
        0x01..=0x1a => (KeyCode::Char(char::from(sign - 1 + b'a')), KeyModifiers::CONTROL),
        0x1c..=0x1f => (KeyCode::Char(char::from(sign - 0x1c + b'4')), KeyModifiers::CONTROL),
        _ => return of_letter(char::from(sign), alt),
    };
    KeyEvent::new(code, with_alt(modifiers, alt))
}

/// That of a letter.
pub(super) fn of_letter(letter: char, alt: bool) -> KeyEvent {
    let modifiers = if letter.is_uppercase() { KeyModifiers::SHIFT } else { KeyModifiers::NONE };
    KeyEvent::new(KeyCode::Char(letter), with_alt(modifiers, alt))
}

const fn with_alt(modifiers: KeyModifiers, alt: bool) -> KeyModifiers {
    if alt { modifiers.union(KeyModifiers::ALT) } else { modifiers }
}

/// That of a whole sequence after its Esc. None: it answers or reports something,
/// or says that a key was let go.
pub(super) fn of_sequence(sequence: &[u8]) -> Option<KeyEvent> {
    let text = std::str::from_utf8(sequence).ok()?;
    if let Some(console) = text.strip_prefix("[[") {
        let [nth @ b'A'..=b'E'] = console.as_bytes() else { return None };
        return Some(KeyEvent::new(KeyCode::F(1 + nth - b'A'), KeyModifiers::NONE));
    }
    let mut signs = text.chars();
    let (kind, last) = (signs.next()?, signs.next_back()?);
    let numbers = signs.as_str();
    // All others stand in answers alone.
    if !numbers.chars().all(|sign| sign.is_ascii_digit() || matches!(sign, ';' | ':')) {
        return None;
    }
    let (first, second) = numbers.split_once(';').unwrap_or((numbers, ""));
    match (kind, last) {
        ('[', '~') => Some(KeyEvent::new(by_number(first.parse().ok()?)?, held(second)?)),
        ('[', 'u') => by_code(first, held(second)?),
        ('[', 'Z') => Some(KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT)),
        ('O', 'R') => Some(KeyEvent::new(KeyCode::F(3), held(first)?)),
        // `ESC [ 1 ; 5 R` may be Ctrl-F3, but says where the cursor stands.
        _ if second.is_empty() => Some(KeyEvent::new(by_letter(last)?, held(first)?)),
        _ if first == "1" => Some(KeyEvent::new(by_letter(last)?, held(second)?)),
        _ => None,
    }
}

/// What is held with it, by its number; none where it was let go.
fn held(number: &str) -> Option<KeyModifiers> {
    const ALL: [KeyModifiers; 6] =
        [KeyModifiers::SHIFT, KeyModifiers::ALT, KeyModifiers::CONTROL, KeyModifiers::SUPER, KeyModifiers::HYPER, KeyModifiers::META];
    // A third number is the text that it brings.
    let number = number.split(';').next().unwrap_or_default();
    let (held, what) = number.split_once(':').unwrap_or((number, "1"));
    let held: u8 = if held.is_empty() { 1 } else { held.parse().ok()? };
    let bits = held.saturating_sub(1);
    (what != "3").then(|| ALL.into_iter().enumerate().filter(|(bit, _)| (bits >> bit) & 1 == 1).map(|(_, held)| held).collect())
}

fn by_letter(letter: char) -> Option<KeyCode> {
    Some(match letter {
        'A' => KeyCode::Up,
        'B' => KeyCode::Down,
        'C' => KeyCode::Right,
        'D' => KeyCode::Left,
        'F' => KeyCode::End,
        'H' => KeyCode::Home,
        'P' => KeyCode::F(1),
        'Q' => KeyCode::F(2),
        'S' => KeyCode::F(4),
        _ => return None,
    })
}

fn by_number(number: u8) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F(number - 10),
        17..=21 => KeyCode::F(number - 11),
        23..=26 => KeyCode::F(number - 12),
        28 | 29 => KeyCode::F(number - 15),
        31..=34 => KeyCode::F(number - 17),
        _ => return None,
    })
}

/// By the number of its letter, as some terminals name every key.
fn by_code(code: &str, mut held: KeyModifiers) -> Option<KeyEvent> {
    let (code, shifted) = code.split_once(':').unwrap_or((code, ""));
    let code: u32 = code.parse().ok()?;
    let code = match code {
        9 if held.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
        9 => KeyCode::Tab,
        13 | 57_414 => KeyCode::Enter,
        27 => KeyCode::Esc,
        127 => KeyCode::Backspace,
        // The block of digits and its other meanings.
        57_399..=57_413 => KeyCode::Char(char::from(*b"0123456789./*-+".get(usize::try_from(code - 57_399).ok()?)?)),
        57_415 => KeyCode::Char('='),
        57_416 => KeyCode::Char(','),
        57_417 => KeyCode::Left,
        57_418 => KeyCode::Right,
        57_419 => KeyCode::Up,
        57_420 => KeyCode::Down,
        57_421 => KeyCode::PageUp,
        57_422 => KeyCode::PageDown,
        57_423 => KeyCode::Home,
        57_424 => KeyCode::End,
        57_425 => KeyCode::Insert,
        57_426 => KeyCode::Delete,
        // Shift alone, the loudness and the like.
        0xe000..=0xf8ff => return None,
        letter => {
            let letter = char::from_u32(letter).filter(|letter| !letter.is_control())?;
            let shifted = shifted.split(':').next().and_then(|other| other.parse().ok()).and_then(char::from_u32);
            if held.contains(KeyModifiers::SHIFT) {
                // Without a letter of its own the large one, where there is one.
                let mut large = letter.to_uppercase();
                let large = large.next().filter(|_| large.next().is_none()).unwrap_or(letter);
                let shown = shifted.filter(|shifted| !shifted.is_control()).unwrap_or(large);
                held.set(KeyModifiers::SHIFT, shown.is_uppercase());
                KeyCode::Char(shown)
            } else {
                KeyCode::Char(letter)
            }
        }
    };
    Some(KeyEvent::new(code, held))
}

//! Text as it enters, is compared and is drawn: folding for search, keys for
//! numbers, and the removal of what could drive a terminal (trap 14).
//!
//! A leaf: calls nobody, may be called by everybody.

mod nearest;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

pub use nearest::{did_you_mean, nearest};

/// No sentence of ours is longer; what is would be drawn over and over.
pub const LONGEST_SENTENCE: usize = 1_000;
/// The most of somebody else's words that a sentence of ours quotes.
const LONGEST_QUOTE: usize = 80;

/// Folds text for comparison: NFKC, case- and accent-folded, trimmed, inner
/// runs of white space become one space (contract 8.2, "What a search hit is").
#[must_use]
pub fn fold(text: &str) -> String {
    // Most of what is imported: nothing is to be done but its case.
    if is_plain(text) {
        return text.to_ascii_lowercase();
    }
    // ASCII is decomposed as it stands; finding that out costs more than the rest.
    if text.is_ascii() { fold_decomposed(text.chars(), text.len()) } else { fold_decomposed(text.nfkd(), text.len()) }
}

/// Whether a text is seen as it stands: printable ASCII, with spaces between
/// words only and one at a time.
fn is_plain(text: &str) -> bool {
    let mut before = b' ';
    for &byte in text.as_bytes() {
        if !matches!(byte, b' '..=b'~') || (byte == b' ' && before == b' ') {
            return false;
        }
        before = byte;
    }
    text.is_empty() || before != b' '
}

fn fold_decomposed(chars: impl Iterator<Item = char>, length: usize) -> String {
    let mut folded = String::with_capacity(length);
    let mut gap = false;
    for c in chars {
        if !c.is_ascii() && (is_combining_mark(c) || is_unseen(c)) || is_control(c) && !c.is_whitespace() {
            continue;
        }
        if c.is_whitespace() {
            gap = !folded.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            folded.push(' ');
        }
        push_folded(&mut folded, c);
    }
    folded
}

/// Letters whose stroke or ligature is no combining mark, so that
/// decomposition leaves them as they are.
fn push_folded(out: &mut String, c: char) {
    if c.is_ascii() {
        out.push(c.to_ascii_lowercase());
        return;
    }
    for upper in c.to_uppercase() {
        for lower in upper.to_lowercase().filter(|c| !is_combining_mark(*c)) {
            match lower {
                'ø' => out.push('o'),
                'ł' => out.push('l'),
                'đ' | 'ð' => out.push('d'),
                'ħ' => out.push('h'),
                'ŧ' => out.push('t'),
                'æ' => out.push_str("ae"),
                'œ' => out.push_str("oe"),
                'þ' => out.push_str("th"),
                other => out.push(other),
            }
        }
    }
}

/// Only the ASCII digits of a text: how telephone numbers are searched.
#[must_use]
pub fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The key under which an asset number, plate, VIN or serial is looked up:
/// upper case, without white space and hyphens (S2-8). Leading zeros and
/// letter suffixes count: `76863` and `76863A` are two machines.
#[must_use]
pub fn number_key(number: &str) -> String {
    number.nfkc().filter(|c| !c.is_whitespace() && !is_control(*c) && !is_hyphen(*c)).flat_map(char::to_uppercase).collect()
}

/// The looser key for look-alikes: O as 0, I as 1 (trap 15). Used only when
/// [`number_key`] finds nothing, and what it finds is marked as similar.
#[must_use]
pub fn similar_key(number_key: &str) -> String {
    number_key
        .chars()
        .map(|c| match c {
            'O' => '0',
            'I' => '1',
            other => other,
        })
        .collect()
}

/// Makes one line of outside text harmless: control characters and what turns
/// or hides text go, line breaks and tabs become spaces, the ends are trimmed.
#[must_use]
pub fn clean_line(text: &str) -> String {
    let spaced: String =
        text.chars().map(|c| if matches!(c, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}') { ' ' } else { c }).filter(|c| !drives(*c)).collect();
    spaced.trim().to_owned()
}

/// As [`clean_line`], but keeps line breaks: for complaints and notes.
#[must_use]
pub fn clean_text(text: &str) -> String {
    let kept: String = text
        .replace("\r\n", "\n")
        .chars()
        .map(|c| if matches!(c, '\r' | '\u{2028}' | '\u{2029}') { '\n' } else { c })
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|c| *c == '\n' || !drives(*c))
        .collect();
    kept.trim().to_owned()
}

/// Whether nothing of a text would be seen: white space, zero-width and direction
/// marks, accents of no letter.
#[must_use]
pub fn is_blank(text: &str) -> bool {
    fold(text).is_empty()
}

/// For the screen: whatever could drive the terminal or turn the reading
/// direction becomes `\u{FFFD}`, so that two people can see the name is odd.
#[must_use]
pub fn for_screen(text: &str) -> String {
    // Nearly every text on a screen, and a screen is drawn with each key.
    if is_printable_ascii(text) {
        return text.to_owned();
    }
    text.chars().map(|c| if drives(c) { '\u{FFFD}' } else { c }).collect()
}

/// Whether a text is of letters, signs and spaces of ASCII alone: each takes one
/// cell and drives nothing.
#[must_use]
pub fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// JSON for the screen: there what [`for_screen`] replaces can be escaped, so
/// that whoever reads it has the text as it was.
#[must_use]
pub fn json_for_screen(json: &str) -> String {
    use std::fmt::Write as _;
    let mut harmless = String::with_capacity(json.len());
    for c in json.chars() {
        // Within a text a line break is escaped already.
        if c == '\n' || !drives(c) {
            harmless.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing into a String cannot fail.
            let _ = write!(harmless, "\\u{unit:04x}");
        }
    }
    harmless
}

/// Whether it could drive a terminal, turn the reading direction or hide.
fn drives(c: char) -> bool {
    is_control(c) || turns_or_hides(c)
}

fn is_control(c: char) -> bool {
    matches!(c, '\u{0}'..='\u{1F}' | '\u{7F}'..='\u{9F}')
}

/// Nobody sees it: two texts that differ in it are the same to people.
fn is_unseen(c: char) -> bool {
    turns_or_hides(c) || matches!(c, '\u{200C}' | '\u{200D}' | '\u{00AD}')
}

/// Turns the reading direction, or is not seen and joins nothing: it makes two
/// texts look alike that are not. Of what Unicode lets a screen leave out all but
/// joiners, soft hyphens and what chooses between forms of a letter, which people
/// write; and the blanks that are no white space.
fn turns_or_hides(c: char) -> bool {
    matches!(
        c,
        '\u{061C}'
            | '\u{115F}'..='\u{1160}'
            | '\u{17B4}'..='\u{17B5}'
            | '\u{180E}'
            | '\u{200B}'
            | '\u{200E}'..='\u{200F}'
            | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{FEFF}'
            | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}'
            | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D173}'..='\u{1D17A}'
            | '\u{E0000}'..='\u{E00FF}'
            | '\u{E01F0}'..='\u{E0FFF}'
    )
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{00AD}')
}

/// A sentence of ours about what somebody sent: what it quotes of that is cut, and
/// so is the whole, for the quotes may hold quotes.
#[must_use]
pub fn with_short_quotes(sentence: &str) -> String {
    let mut told = String::new();
    let mut quote: Option<char> = None;
    let (mut length, mut is_escaped) = (0, false);
    for c in sentence.chars() {
        match quote {
            None => {
                quote = Some(c).filter(|c| matches!(*c, '"' | '`'));
                length = 0;
                told.push(c);
            }
            Some(end) if c == end && !is_escaped => {
                quote = None;
                told.push(c);
            }
            Some(end) => {
                is_escaped = end == '"' && c == '\\' && !is_escaped;
                length += 1;
                if length <= LONGEST_QUOTE {
                    told.push(c);
                } else if length == LONGEST_QUOTE + 1 {
                    told.push('…');
                }
            }
        }
    }
    at_most(told, LONGEST_SENTENCE)
}

/// Somebody else's word for something, as it may be quoted.
#[must_use]
pub fn short_quote(word: &str) -> String {
    at_most(clean_line(word), LONGEST_QUOTE)
}

fn at_most(mut text: String, most: usize) -> String {
    let end = text.char_indices().nth(most).map(|(end, _)| end);
    if let Some(end) = end {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folding_makes_writers_habits_equal() {
        for (written, folded) in [
            ("  Keller   BAU ", "keller bau"),
            ("Müller", "muller"),
            ("Straße", "strasse"),
            ("ŁÓDŹ Ørsted", "lodz orsted"),
            ("Ｆｕｌｌｗｉｄｔｈ", "fullwidth"),
            ("İstanbul", "istanbul"),
            ("a\u{7}b", "ab"),
        ] {
            assert_eq!(fold(written), folded, "{written:?}");
        }
    }

    #[test]
    fn plain_text_is_folded_as_any_other() {
        for text in ["", " ", "Keller Bau", " A", "A ", "A  B", "A\tB", "A\u{7f}B", "A\u{1c}B", "~A|B}", "\0", "Ä B"] {
            let folded = if text.is_ascii() { fold_decomposed(text.chars(), text.len()) } else { fold_decomposed(text.nfkd(), text.len()) };
            assert_eq!(fold(text), folded, "{text:?}");
        }
    }

    #[test]
    fn s2_8_numbers_meet_on_their_key() {
        assert_eq!(number_key(" gx4-711 "), "GX4711");
        assert_eq!(number_key("GX4 711"), "GX4711");
        assert_ne!(number_key("76863"), number_key("76863A"));
        assert_ne!(number_key("0123"), number_key("123"));
        assert_eq!(number_key("+715879"), "+715879");
        assert_eq!(similar_key(&number_key("io-1")), "101");
    }

    #[test]
    fn trap_14_control_characters_never_pass() {
        assert_eq!(clean_line("Acme\u{1b}[2J\u{9b}31m\nLtd"), "Acme[2J31m Ltd");
        assert_eq!(clean_text("one\r\ntwo\u{1b}c"), "one\ntwoc");
        assert_eq!(for_screen("a\u{1b}b\u{202e}c"), "a\u{fffd}b\u{fffd}c");
        assert!(is_blank(" \u{200b}\u{202e}") && !is_blank("\u{200b}x"));
    }

    #[test]
    fn trap_14_what_nobody_sees_makes_no_other_name_and_none_by_itself() {
        for c in "\u{2063}\u{206a}\u{180e}\u{115f}\u{1160}\u{3164}\u{fff9}\u{1bca0}\u{1d173}\u{2800}\u{e01f0}".chars() {
            assert_eq!(clean_line(&format!("Kell{c}er")), "Keller", "{:x}", u32::from(c));
            assert_eq!(for_screen(&c.to_string()), "\u{fffd}");
            assert!(is_blank(&c.to_string()));
        }
        for c in "\u{200c}\u{200d}\u{00ad}\u{034f}\u{fe0f}\u{e0100}".chars() {
            let written = format!("Kell{c}er");
            assert_eq!((clean_line(&written), fold(&written).as_str(), is_blank(&c.to_string())), (written.clone(), "keller", true));
        }
    }

    #[test]
    fn what_is_quoted_comes_to_an_end() {
        let short = "unknown field `nmae`, expected `name` or \"a \\\" b\" at line 1";
        assert_eq!(with_short_quotes(short), short);
        let told = with_short_quotes(&format!("invalid type: string {:?}, expected a boolean", "\u{301}".repeat(9_000)));
        assert!(told.chars().count() < 130 && told.ends_with("…\", expected a boolean"), "{told}");
        let told = with_short_quotes(&format!("unknown field `{}`, expected `name`", "x".repeat(9_000)));
        assert_eq!(told, format!("unknown field `{}…`, expected `name`", "x".repeat(80)));
        for odd in ["`", "\"", "`\"", "\\\"", "`, expected `"] {
            let told = with_short_quotes(&format!("unknown field `{}`", odd.repeat(9_000)));
            assert!(told.chars().count() <= LONGEST_SENTENCE + 1, "{odd}: {told}");
        }
    }

    #[test]
    fn a_quote_ends_where_it_ends_and_not_at_a_sign_within_it() {
        let long = "x".repeat(LONGEST_QUOTE);
        let told = with_short_quotes(&format!(r#"invalid value: string "a\"{long}", expected a number"#));
        assert_eq!(
            told,
            format!(r#"invalid value: string "a\"{}…", expected a number"#, "x".repeat(LONGEST_QUOTE - 3)),
            "an escaped sign is one of the quote's own"
        );
        let told = with_short_quotes(&format!(r#"string "a\\", then {long}{long}"#));
        assert!(told.ends_with(&long), "a backslash that is escaped escapes nothing: {told}");
        let told = with_short_quotes(&format!(r"field `a\`, then {long}{long}"));
        assert!(told.ends_with(&long), "between these a backslash is a sign like others: {told}");
    }

    #[test]
    fn somebody_elses_word_is_quoted_cut_and_clean() {
        assert_eq!(short_quote("un\u{1b}[2Jit\n"), "un[2Jit");
        assert_eq!(short_quote(&"é".repeat(LONGEST_QUOTE + 1)), format!("{}…", "é".repeat(LONGEST_QUOTE)));
    }

    #[test]
    fn trap_14_json_for_the_screen_says_the_same() {
        let said = "a\u{1b}\u{7f}\u{9b}31m\u{202e}\u{e0041}\n\"\\é漢";
        let json = serde_json::to_string_pretty(&[said]).unwrap();
        let harmless = json_for_screen(&json);
        assert!(harmless.contains("\\u001b\\u007f\\u009b31m\\u202e\\udb40\\udc41\\n"), "{harmless}");
        assert!(!harmless.chars().any(|c| c != '\n' && drives(c)) && harmless.contains("é漢"), "{harmless}");
        assert_eq!(serde_json::from_str::<[String; 1]>(&harmless).unwrap(), [said]);
    }
}

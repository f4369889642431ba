//! Texts from outside: cleaning twice is cleaning once, and nothing that drives
//! a terminal is left.

use countertop::text::{clean_line, clean_text, digits, fold, for_screen, is_blank, json_for_screen, number_key, similar_key};

pub(crate) fn take(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for (clean, breaks) in [(clean_line as fn(&str) -> String, false), (clean_text, true), (for_screen, false)] {
        let once = clean(text);
        assert_eq!(clean(&once), once);
        assert!(once.chars().all(|c| !c.is_control() || breaks && c == '\n'), "{once:?}");
    }
    let json = json_for_screen(&serde_json::to_string(text).unwrap());
    assert!(!json.chars().any(char::is_control), "{json:?}");
    assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    assert!(!fold(text).chars().any(char::is_control));
    let key = number_key(text);
    assert!(!key.chars().any(char::is_whitespace), "{key:?}");
    let _ = (similar_key(&key), digits(text), is_blank(text));
}

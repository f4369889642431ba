//! Texts that broke somebody's program: the Big List of Naughty Strings
//! (MIT, its licence lies beside it), and those that are missing there.

use std::sync::OnceLock;

/// The Big List of Naughty Strings.
pub(crate) fn naughty() -> &'static [String] {
    static LIST: OnceLock<Vec<String>> = OnceLock::new();
    LIST.get_or_init(|| serde_json::from_str(include_str!("../../fixtures/hostile/blns.json")).expect("a list of texts"))
}

/// Every character that drives a terminal: C0, DEL, C1.
pub(crate) fn controls() -> impl Iterator<Item = char> {
    ('\0'..'\u{20}').chain('\u{7f}'..'\u{a0}')
}

/// What that list has too little of.
pub(crate) fn sharp() -> Vec<String> {
    let words = [
        "\u{1b}]52;c;eA==\u{7}a\u{1b}[2J\u{9b}31mb",
        "\u{202e}cod.exe",
        "a\u{2066}b\u{2069}\u{200f}c",
        "a\u{200b}b\u{2060}c\u{ad}d",
        "\u{200b}",
        "\u{feff}a",
        "\u{e0041}\u{e007f}a",
        "a\u{2028}b\u{2029}c\u{85}d\r\ne",
        "\u{ffff}\u{10ffff}\u{fdd0}",
        "👩‍👩‍👧‍👦👍🏽🏴\u{e0067}\u{e0062}\u{e007f}🇩🇪",
        "=cmd|' /C calc'!A0",
        "+715879",
        "'; DROP TABLE customers; --",
        "' OR '1'='1",
        "%' ESCAPE '!' --",
        "../../../../etc/passwd",
        "..\\..\\nul",
        "%00%1b%0d%0a",
        "9999-12-31T23:59:59.999999999Z",
        "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00Z",
        "-009999-01-01T00:00:00Z",
        "+010000-01-01T00:00:00Z",
        "2024-02-30T00:00:00Z",
        "2016-12-31T23:59:60Z",
        "-1",
        "1e999",
        "NaN",
        "-0",
        "١٢٣",
        "99999999999999999999999999999999999999",
    ];
    let each = ['\0', '\u{7}', '\u{1b}', '\u{7f}', '\u{80}', '\u{9b}'].map(|control| format!("a{control}b"));
    let flood = format!("e{}", "\u{301}".repeat(5_000));
    let all = controls().flat_map(|control| ['a', control]).collect();
    words.map(str::to_owned).into_iter().chain(each).chain([all, flood]).collect()
}

/// A megabyte of one letter.
pub(crate) fn endless() -> String {
    "x".repeat(1_000_000)
}

#[test]
fn the_lists_are_whole() {
    assert!(naughty().len() > 500 && naughty().iter().any(|text| text.contains("DROP TABLE")));
    assert_eq!(controls().count(), 65);
}

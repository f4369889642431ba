//! What a verb says: standard output for what was asked, standard error for
//! all else. A reader that closes its pipe early has read enough; that is no
//! failure.

use std::io::{ErrorKind, Write as _};

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use super::exit::Failure;
use crate::text::{for_screen, json_for_screen};

/// Says something on standard output, at once.
pub(super) fn say(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    read_enough(write!(out, "{text}{end}").and_then(|()| out.flush()))
}

/// Success, or a closed pipe.
pub(super) fn read_enough(written: std::io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::failed(format!("standard output cannot be written: {error}"))),
        _ => Ok(()),
    }
}

/// Says something on standard error; if nobody hears it, so be it.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// One JSON document on standard output.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    say(&json_for_screen(&serde_json::to_string_pretty(value).map_err(|error| Failure::failed(error.to_string()))?))
}

/// One line of text from outside.
pub(super) fn line(text: &str) -> String {
    for_screen(&text.replace(['\n', '\t'], " "))
}

/// A cell that may be empty.
#[cfg(feature = "client")]
pub(super) fn cell(text: Option<&str>) -> String {
    text.map(line).unwrap_or_default()
}

/// Aligned plain columns.
#[derive(Debug)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// With the names of its columns.
    pub(super) fn new(header: &[&str]) -> Self {
        Self { rows: vec![header.iter().map(|name| (*name).to_owned()).collect()] }
    }

    /// Adds a row; its texts are harmless already.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The lines, without spaces at their ends.
    pub(super) fn lines(&self) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let widest = |column: usize| self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..columns).map(widest).collect();
        let shown = |row: &Vec<String>| {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.push_str(&" ".repeat(width - cell.width() + 2));
            }
            line.trim_end().to_owned()
        };
        self.rows.iter().map(shown).collect()
    }

    /// The whole table.
    pub(super) fn text(&self) -> String {
        self.lines().join("\n")
    }
}

/// `name  value` lines, without those that have no value.
pub(super) fn pairs(pairs: &[(&str, String)]) -> String {
    let with_value = || pairs.iter().filter(|(_, value)| !value.is_empty());
    let width = with_value().map(|(name, _)| name.width()).max().unwrap_or(0);
    with_value().map(|(name, value)| format!("{name:width$}  {value}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_what_is_seen() {
        let mut table = Table::new(&["NUMBER", "NAME"]);
        table.row(["1".to_owned(), "Keller Bau".to_owned()]);
        table.row(["東京".to_owned(), line("a\u{1b}b")]);
        assert_eq!(table.lines(), ["NUMBER  NAME", "1       Keller Bau", "東京    a\u{fffd}b"]);
    }
}

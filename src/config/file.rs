//! The configuration file: TOML with the place of every key and value, so that
//! a mistake is told by line and column.

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::Mistake;
use super::settings::{Config, KeyBinding, SECTIONS, named, no_setting};
use crate::text::{did_you_mean, nearest};

/// The section with the terminal application's keys.
const KEYS: &str = "keys";

type Key<'t> = Spanned<DeString<'t>>;
type Written<'t> = Spanned<DeValue<'t>>;

/// Mistakes with where they begin in the text.
type Found = Vec<(usize, String)>;

/// Reads a file's text over the configuration. What is right is taken; every
/// mistake is given back in the order in which it stands.
pub(super) fn read(config: &mut Config, file: &str, text: &str) -> Vec<Mistake> {
    let mut found = Found::new();
    match DeTable::parse(text) {
        Ok(table) => {
            for (section, value) in table.get_ref() {
                read_section(config, text, section, value, &mut found);
            }
        }
        Err(error) => found.push((error.span().map_or(0, |span| span.start), error.message().trim().to_owned())),
    }
    found.sort_by_key(|(offset, _)| *offset);
    let told = found.into_iter().map(|(offset, what)| {
        let (line, column) = position(text, offset);
        Mistake { place: format!("{file}:{line}:{column}"), what }
    });
    told.collect()
}

fn read_section(config: &mut Config, text: &str, section: &Key<'_>, value: &Written<'_>, found: &mut Found) {
    let name: &str = section.get_ref();
    let Some(table) = value.get_ref().as_table() else {
        found.push((section.span().start, no_setting(name)));
        return;
    };
    if name == KEYS {
        read_keys(config, text, "", table, found);
        return;
    }
    let sections = || SECTIONS.iter().map(|(section, _)| *section);
    if !sections().any(|known| known == name) {
        let meant = did_you_mean(nearest(name, sections().chain([KEYS])));
        found.push((section.span().start, format!("{name} is no section{meant}")));
        return;
    }
    for (key, value) in table {
        read_setting(config, name, key, value, found);
    }
}

fn read_setting(config: &mut Config, section: &str, key: &Key<'_>, value: &Written<'_>, found: &mut Found) {
    let name = format!("{section}.{}", key.get_ref());
    let Some(setting) = named(&name) else {
        found.push((key.span().start, no_setting(&name)));
        return;
    };
    let text = if setting.list { lines(value.get_ref()) } else { plain(value.get_ref(), setting.quoted) };
    let fits = text.is_some_and(|plain| setting.put(config, &plain));
    if !fits {
        found.push((value.span().start, format!("{name}: expected {}", setting.expected)));
    }
}

/// The texts of a list, one a line.
fn lines(value: &DeValue<'_>) -> Option<String> {
    let DeValue::Array(list) = value else { return None };
    let lines = list.iter().map(|line| line.get_ref().as_str().filter(|line| !line.is_empty() && !line.contains(['\n', '\r'])));
    lines.collect::<Option<Vec<_>>>().map(|lines| lines.join("\n"))
}

/// The text of a value of the right sort.
fn plain(value: &DeValue<'_>, quoted: bool) -> Option<String> {
    match value {
        DeValue::String(text) if quoted => Some(text.clone().into_owned()),
        DeValue::Integer(number) if !quoted => i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string()),
        DeValue::Boolean(choice) if !quoted => Some(choice.to_string()),
        _ => None,
    }
}

/// Keys of commands. A command's dots make tables in TOML unless it is quoted;
/// both ways of writing mean the same.
fn read_keys(config: &mut Config, text: &str, before: &str, table: &DeTable<'_>, found: &mut Found) {
    for (key, value) in table {
        let name = if before.is_empty() { key.get_ref().clone().into_owned() } else { format!("{before}.{}", key.get_ref()) };
        if let Some(inner) = value.get_ref().as_table() {
            read_keys(config, text, &name, inner, found);
            continue;
        }
        match chords(value.get_ref()) {
            Some(chords) => {
                let (line, column) = position(text, key.span().start);
                config.keys.push(KeyBinding { name, chords, line, column });
            }
            None => found.push((value.span().start, format!("keys.{name}: expected a key like \"f2\" or \"ctrl-s\", a list of them, or \"none\""))),
        }
    }
}

fn chords(value: &DeValue<'_>) -> Option<Vec<String>> {
    match value {
        DeValue::String(chord) => Some(vec![chord.clone().into_owned()]),
        DeValue::Array(list) => list.iter().map(|chord| chord.get_ref().as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// Line and column of an offset, both from 1, in characters.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}

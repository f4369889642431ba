//! What several forms of the administration ask and say alike.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::tui::layer::{Cx, Intent, Tone};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField};

/// Field names with what to do about each.
pub(super) type Faults = Vec<(&'static str, String)>;

/// As it stands in a field or a row.
pub(super) const fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// A field that asks for yes or no; the first letter replaces what stands.
pub(super) fn asks_yes_no(name: &'static str, label: &'static str, hint: &'static str, yes: bool) -> FormField {
    FormField::new(name, label, hint).with(yes_no(yes)).replaced_by_typing()
}

/// What a yes-or-no field says.
pub(super) fn is_yes(form: &Form, name: &'static str) -> Result<bool, Faults> {
    match form.text(name).trim().to_lowercase().as_str() {
        "yes" | "y" => Ok(true),
        "no" | "n" => Ok(false),
        _ => Err(vec![(name, "Write yes or no.".to_owned())]),
    }
}

/// The start of a day; of the next one where the field says the last day.
pub(super) fn day(form: &Form, name: &'static str, is_last: bool, shared: &Shared) -> Result<Option<Timestamp>, Faults> {
    let Some(text) = form.some(name) else { return Ok(None) };
    let begins = |text: &str| {
        let date: Date = text.parse().ok()?;
        let date = if is_last { date.tomorrow().ok()? } else { date };
        Some(date.to_zoned(shared.zone()).ok()?.timestamp())
    };
    begins(&text).map(Some).ok_or_else(|| vec![(name, "Write a day such as 2026-12-31, or nothing.".to_owned())])
}

/// It was taken: says so, and everybody below loads again.
pub(super) fn saved(cx: &mut Cx<'_>, said: impl Into<String>) {
    cx.say(Tone::Fine, said);
    cx.want(Intent::Done);
    cx.want(Intent::Arranged);
}

/// The code of the shop one works in.
pub(super) fn here(shared: &Shared) -> &str {
    shared.session.as_ref().and_then(|session| session.shop.as_ref()).map_or("", |shop| &shop.shop.code)
}

/// A name that is written with underscores, as people say it.
pub(super) fn in_words(key: &str) -> String {
    key.replace('_', " ")
}

/// With a capital letter in front.
pub(super) fn capital(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

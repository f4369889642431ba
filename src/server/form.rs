//! Fields of forms: cleaned, measured, and refused each with its own word.

use crate::api::lengths;
use crate::api::problem::FieldFaults;
use crate::rules::{contact, place};
use crate::text::{clean_line, clean_text, is_blank};

/// Fields that keep their line breaks; all others are lines.
const WITH_LINE_BREAKS: [&str; 3] = ["complaint", "note", "notes"];

/// What is kept of a text that was sent for a field of that name.
pub(super) fn cleaned(field: &str, text: &str) -> String {
    if WITH_LINE_BREAKS.contains(&field) { clean_text(text) } else { clean_line(text) }
}

/// A text of at most `most` characters; empty becomes none.
pub(super) fn text(faults: &mut FieldFaults, field: &str, text: Option<&str>, most: usize) -> Option<String> {
    within(faults, field, text?, most)
}

/// Measured as it was sent, as the document says it; cleaning makes nothing longer.
fn within(faults: &mut FieldFaults, field: &str, sent: &str, most: usize) -> Option<String> {
    let length = sent.chars().count();
    if length > most {
        faults.add(field, format!("at most {most} characters ({length} here)"));
        return None;
    }
    Some(cleaned(field, sent)).filter(|cleaned| !is_blank(cleaned))
}

/// A text that has to be there.
pub(super) fn required(faults: &mut FieldFaults, field: &str, text: &str, most: usize) -> String {
    let kept = within(faults, field, text, most).unwrap_or_default();
    if kept.is_empty() {
        // Of one that is too long that is said already, and stays.
        faults.add(field, "is required");
    }
    kept
}

/// A reason: required.
pub(super) fn reason(faults: &mut FieldFaults, text: &str) -> String {
    required(faults, "reason", text, lengths::REMARK)
}

/// A telephone number in E.164 (S3-10).
pub(super) fn phone(faults: &mut FieldFaults, field: &str, text: Option<&str>, country: &str) -> Option<String> {
    let text = clean_line(text?);
    if text.is_empty() { None } else { faults.check(field, contact::phone(&text, country)) }
}

/// An extension (S3-9).
pub(super) fn extension(faults: &mut FieldFaults, field: &str, text: Option<&str>) -> Option<String> {
    let text = clean_line(text?);
    if text.is_empty() { None } else { faults.check(field, contact::extension(&text)) }
}

/// An e-mail address (S3-9).
pub(super) fn email(faults: &mut FieldFaults, field: &str, text: Option<&str>) -> Option<String> {
    let text = clean_line(text?);
    if text.is_empty() { None } else { faults.check(field, contact::email(&text)) }
}

/// Country and state, which belong together (C-9). A state without a country
/// is read as one of `home`, the shop's.
pub(super) fn country_and_state(faults: &mut FieldFaults, country: Option<&str>, state: Option<&str>, home: &str) -> (Option<String>, Option<String>) {
    let country = country.map(clean_line).filter(|country| !country.is_empty());
    let state = state.map(clean_line).filter(|state| !state.is_empty());
    let known = match &country {
        Some(written) => {
            let known = place::country(written);
            if known.is_none() {
                faults.add("country", "two letters such as US, or the country's name");
                return (None, None);
            }
            known
        }
        None if state.is_some() => place::country(home),
        None => None,
    };
    let Some(state) = state else { return (known.map(str::to_owned), None) };
    let found = known.and_then(|country| place::state(country, &state));
    if found.is_none() {
        faults.add("state", format!("{} has no state {state:?}", known.unwrap_or("no country")));
    }
    (known.map(str::to_owned), found.map(str::to_owned))
}

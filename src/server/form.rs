//! Fields of forms: cleaned, measured, and refused each with its own word.

use crate::api::problem::FieldFaults;
use crate::rules::{contact, place};
use crate::text::{clean_line, clean_text, is_blank};

/// A line of at most `most` characters; empty becomes none.
pub(super) fn line(faults: &mut FieldFaults, field: &str, text: Option<&str>, most: usize) -> Option<String> {
    within(faults, field, text.map(clean_line), most)
}

/// A text with line breaks of at most `most` characters; empty becomes none.
pub(super) fn text(faults: &mut FieldFaults, field: &str, text: Option<&str>, most: usize) -> Option<String> {
    within(faults, field, text.map(clean_text), most)
}

fn within(faults: &mut FieldFaults, field: &str, cleaned: Option<String>, most: usize) -> Option<String> {
    let cleaned = cleaned.filter(|cleaned| !is_blank(cleaned))?;
    let length = cleaned.chars().count();
    if length > most {
        faults.add(field, format!("at most {most} characters ({length} here)"));
        return None;
    }
    Some(cleaned)
}

/// A line that has to be there.
pub(super) fn required(faults: &mut FieldFaults, field: &str, text: &str, most: usize) -> String {
    let cleaned = clean_line(text);
    if is_blank(&cleaned) {
        faults.add(field, "is required");
        return String::new();
    }
    within(faults, field, Some(cleaned), most).unwrap_or_default()
}

/// A reason: required, at most 1,000 characters.
pub(super) fn reason(faults: &mut FieldFaults, text: &str) -> String {
    required(faults, "reason", text, 1_000)
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

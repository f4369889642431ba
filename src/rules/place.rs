//! Countries and states by ISO 3166 (S3-5, S3-9, S3-10, C-9).

use std::collections::HashMap;
use std::sync::LazyLock;

use rust_iso3166::iso3166_2;

use crate::text::fold;

/// Countries by their folded names: a file may say one in each of its rows.
static COUNTRIES: LazyLock<HashMap<String, &'static str>> =
    LazyLock::new(|| by_folded_name(rust_iso3166::ALL.iter().map(|country| (country.name, country.alpha2))));

/// The states of each country by their folded names.
static STATES: LazyLock<HashMap<&'static str, HashMap<String, &'static str>>> = LazyLock::new(|| {
    let states = |country| by_folded_name(subdivisions(country).filter_map(|state| Some((state.name, second_part(state.code)?))));
    rust_iso3166::ALL.iter().map(|country| (country.alpha2, states(country.alpha2))).collect()
});

/// Of two with one name the first is meant.
fn by_folded_name(named: impl Iterator<Item = (&'static str, &'static str)>) -> HashMap<String, &'static str> {
    let mut known = HashMap::new();
    for (name, code) in named {
        known.entry(fold(name)).or_insert(code);
    }
    known
}

/// A country's two letters from two letters, three letters or its name.
#[must_use]
pub fn country(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let upper = text.to_ascii_uppercase();
    match upper.len() {
        2 => rust_iso3166::from_alpha2(&upper).map(|country| country.alpha2),
        3 => rust_iso3166::from_alpha3(&upper).map(|country| country.alpha2),
        _ => COUNTRIES.get(&fold(text)).copied(),
    }
}

/// The second part of an ISO 3166-2 code from that part or from the state's
/// name, if the country has such a state (C-9).
#[must_use]
pub fn state(country: &str, text: &str) -> Option<&'static str> {
    let text = text.trim();
    let code = format!("{country}-{}", text.to_ascii_uppercase());
    if let Some(found) = iso3166_2::from_code(&code) {
        return second_part(found.code);
    }
    STATES.get(country)?.get(&fold(text)).copied()
}

/// The state's name: `("US", "TX")` is Texas.
#[must_use]
pub fn state_name(country: &str, state: &str) -> Option<&'static str> {
    iso3166_2::from_code(&format!("{country}-{state}")).map(|found| found.name)
}

/// What stands in the find box under State, as the full code where it is one:
/// "TX", "tx", "Texas" and "US-TX" all mean `US-TX` (S3-5). `country` is where
/// a bare code is looked for first.
#[must_use]
pub fn full_state_code(country: &str, text: &str) -> Option<String> {
    let text = text.trim();
    if let Some((country, rest)) = text.split_once('-') {
        let country = self::country(country)?;
        return state(country, rest).map(|state| format!("{country}-{state}"));
    }
    state(country, text).map(|state| format!("{country}-{state}"))
}

fn subdivisions(country: &str) -> std::slice::Iter<'static, iso3166_2::Subdivision> {
    let known: &'static [iso3166_2::Subdivision] = iso3166_2::SUBDIVISION_COUNTRY_MAP.get(country).copied().unwrap_or(&[]);
    known.iter()
}

fn second_part(code: &'static str) -> Option<&'static str> {
    code.split_once('-').map(|(_, state)| state)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_5_two_letters_and_names_mean_the_full_code() {
        for text in ["TX", "tx", "Texas", "US-TX", "us-tx"] {
            assert_eq!(full_state_code("US", text).as_deref(), Some("US-TX"), "{text}");
        }
        assert_eq!(full_state_code("US", "ZZ"), None);
        assert_eq!(full_state_code("US", "CA-QC").as_deref(), Some("CA-QC"));
    }

    #[test]
    fn c_9_a_state_belongs_to_its_country() {
        assert_eq!(state("US", "TX"), Some("TX"));
        assert_eq!(state("NL", "TX"), None);
        assert_eq!(state("NL", "Zuid-Holland"), Some("ZH"));
    }

    #[test]
    fn s3_9_countries_are_known_by_code_and_name() {
        assert_eq!(country("usa"), Some("US"));
        assert_eq!(country("Belgium"), Some("BE"));
        assert_eq!(country("Atlantis"), None);
    }
}

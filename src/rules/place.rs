//! Countries and states by ISO 3166 (S3-5, S3-9, S3-10, C-9).

use std::collections::HashMap;
use std::sync::{LazyLock, OnceLock};

use crate::text::fold;

/// Countries by two letters, three letters and name; under each its states by
/// the second part of their codes and name. As a text and not as constants of a
/// library: those are two megabytes of addresses to set right at each start.
const ISO_3166: &str = include_str!("../../assets/places/iso3166.txt");

/// A country as the standard has it.
#[derive(Debug)]
struct Country {
    two: &'static str,
    three: &'static str,
    name: &'static str,
    /// The lines of its states.
    lines: &'static str,
    /// Known as soon as one of them is asked for: those of all countries take a
    /// megabyte, and a dealer has customers in two or three.
    states: OnceLock<States>,
}

impl Country {
    fn states(&self) -> &States {
        let named = || self.lines.lines().filter_map(|line| line.strip_prefix(' ')?.split_once(' '));
        self.states.get_or_init(|| States {
            by_code: named().map(|state| (state.0, state)).collect(),
            by_name: by_folded_name(named().map(|(code, name)| (name, code))),
        })
    }
}

/// All countries in the order of the standard.
static COUNTRIES: LazyLock<Vec<Country>> = LazyLock::new(|| {
    let mut countries: Vec<Country> = Vec::new();
    let mut rest = ISO_3166;
    while let Some((line, behind)) = rest.split_once('\n') {
        let lines = &behind[..states_end(behind)];
        if let Some((two, (three, name))) = line.split_once(' ').and_then(|(two, rest)| Some((two, rest.split_once(' ')?))) {
            countries.push(Country { two, three, name, lines, states: OnceLock::new() });
        }
        rest = &behind[lines.len()..];
    }
    countries
});

/// Where the lines of states end that a text begins with.
fn states_end(text: &str) -> usize {
    text.split_inclusive('\n').take_while(|line| line.starts_with(' ')).map(str::len).sum()
}

/// Countries by two and by three letters.
static BY_LETTERS: LazyLock<HashMap<&'static str, &'static str>> =
    LazyLock::new(|| COUNTRIES.iter().flat_map(|country| [(country.two, country.two), (country.three, country.two)]).collect());

/// Countries by their folded names: a file may say one in each of its rows.
static BY_NAME: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| by_folded_name(COUNTRIES.iter().map(|country| (country.name, country.two))));

/// What is known of a country's states.
#[derive(Debug)]
struct States {
    /// Code and name by the code.
    by_code: HashMap<&'static str, (&'static str, &'static str)>,
    /// Codes by the folded name.
    by_name: HashMap<String, &'static str>,
}

/// Countries by two letters.
static BY_TWO: LazyLock<HashMap<&'static str, &'static Country>> = LazyLock::new(|| COUNTRIES.iter().map(|country| (country.two, country)).collect());

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
        2 | 3 => BY_LETTERS.get(upper.as_str()).copied(),
        _ => BY_NAME.get(&fold(text)).copied(),
    }
}

/// The second part of an ISO 3166-2 code from that part or from the state's
/// name, if the country has such a state (C-9).
#[must_use]
pub fn state(country: &str, text: &str) -> Option<&'static str> {
    let (states, text) = (BY_TWO.get(country)?.states(), text.trim());
    let by_code = states.by_code.get(text.to_ascii_uppercase().as_str()).map(|(code, _)| *code);
    by_code.or_else(|| states.by_name.get(&fold(text)).copied())
}

/// The state's name: `("US", "TX")` is Texas.
#[must_use]
pub fn state_name(country: &str, state: &str) -> Option<&'static str> {
    BY_TWO.get(country)?.states().by_code.get(state).map(|(_, name)| *name)
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
        assert_eq!((state_name("AD", "07"), state_name("ZW", "MI")), (Some("Andorra la Vella"), Some("Midlands")), "of the first country and the last");
        assert!(COUNTRIES.len() > 240 && COUNTRIES.iter().map(|country| country.states().by_code.len()).sum::<usize>() > 5_000);
    }

    /// The text is the library's; when the standard changes, so does it.
    #[test]
    fn what_is_known_of_the_standard_is_what_its_library_says() {
        use rust_iso3166::iso3166_2::SUBDIVISION_COUNTRY_MAP;
        let mut told = Vec::new();
        for country in rust_iso3166::ALL {
            told.push(format!("{} {} {}", country.alpha2, country.alpha3, country.name));
            for state in SUBDIVISION_COUNTRY_MAP.get(country.alpha2).copied().unwrap_or(&[]) {
                let code = state.code.strip_prefix(country.alpha2).and_then(|code| code.strip_prefix('-')).unwrap();
                told.push(format!(" {code} {}", state.name));
            }
        }
        let told = told.join("\n") + "\n";
        assert!(told == ISO_3166, "write this to assets/places/iso3166.txt:\n{told}");
    }

    #[test]
    fn s3_9_countries_are_known_by_code_and_name() {
        assert_eq!(country("usa"), Some("US"));
        assert_eq!(country("Belgium"), Some("BE"));
        assert_eq!(country("Atlantis"), None);
    }
}

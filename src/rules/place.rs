//! Countries and states by ISO 3166 (S3-5, S3-9, S3-10, C-9).

use rust_iso3166::iso3166_2;

use crate::text::fold;

/// A country's two letters from two letters, three letters or its name.
#[must_use]
pub fn country(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let upper = text.to_ascii_uppercase();
    let found = match upper.len() {
        2 => rust_iso3166::from_alpha2(&upper),
        3 => rust_iso3166::from_alpha3(&upper),
        _ => rust_iso3166::ALL.iter().find(|country| fold(country.name) == fold(text)).copied(),
    };
    found.map(|country| country.alpha2)
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
    let wanted = fold(text);
    subdivisions(country).find(|known| fold(known.name) == wanted).and_then(|known| second_part(known.code))
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

fn subdivisions(country: &str) -> impl Iterator<Item = &'static iso3166_2::Subdivision> {
    let known: &'static [iso3166_2::Subdivision] =
        rust_iso3166::from_alpha2(country).and_then(|_| iso3166_2::SUBDIVISION_COUNTRY_MAP.get(country)).copied().unwrap_or(&[]);
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

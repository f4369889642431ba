//! Telephone numbers and e-mail addresses (S3-9, S3-10).

/// Countries whose national numbers are normalised: code, calling code, and
/// the trunk prefix that is dropped. Others must be written with `+`.
const NATIONAL: &[(&str, &str, &str)] = &[
    ("US", "1", "1"),
    ("CA", "1", "1"),
    ("NL", "31", "0"),
    ("BE", "32", "0"),
    ("FR", "33", "0"),
    ("GB", "44", "0"),
    ("DE", "49", "0"),
    ("AT", "43", "0"),
    ("CH", "41", "0"),
    ("LU", "352", ""),
    ("AU", "61", "0"),
    ("NZ", "64", "0"),
    ("MX", "52", ""),
];

/// ITU-T E.164 country codes of one, two and three digits.
const ONE_DIGIT: &[&str] = &["1", "7"];
const TWO_DIGITS: &[&str] = &[
    "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46", "47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58",
    "60", "61", "62", "63", "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
];
const THREE_DIGIT_STARTS: &[&str] =
    &["21", "22", "23", "24", "25", "26", "29", "35", "37", "38", "42", "50", "59", "67", "68", "69", "80", "85", "87", "88", "96", "97", "99"];

/// What is wrong with a telephone number or an e-mail address, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContactFault {
    /// Letters or signs that no number has.
    #[error("a telephone number has digits, spaces and ( ) - . / only")]
    Characters,
    /// National format, and the country's habit is not known.
    #[error("write the number with + and the country code")]
    NeedsPlus,
    /// Starts with + and a code nobody was given.
    #[error("no country has this code after the +")]
    CountryCode,
    /// Fewer than 7 or more than 15 digits, or not what the country uses.
    #[error("a telephone number has 7 to 15 digits ({0} here)")]
    Length(usize),
    /// In the United States and Canada all numbers are of one length.
    #[error("a telephone number of the United States or Canada has 10 digits ({0} here)")]
    NorthAmerica(usize),
    /// An extension has 1 to 10 digits (S3-9).
    #[error("an extension has 1 to 10 digits")]
    Extension,
    /// Not `local@domain`.
    #[error("an e-mail address looks like name@company.com")]
    Email,
    /// Local part over 64, domain over 255 or all over 128 characters.
    #[error("this e-mail address is too long")]
    EmailLength,
}

/// A telephone number in E.164: `+`, then at most 15 digits (S3-10). National
/// formats are read by the habit of `country`, the shop's.
///
/// # Errors
/// [`ContactFault`] says what to write instead.
pub fn phone(text: &str, country: &str) -> Result<String, ContactFault> {
    let text = text.trim();
    let (plus, rest) = match text.strip_prefix('+').or_else(|| text.strip_prefix("00")) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    // "+44 (0)20 …": the trunk zero in brackets is not dialled from abroad.
    let rest = if plus { rest.replace("(0)", "") } else { rest.to_owned() };
    if !rest.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '(' | ')' | '-' | '.' | '/' | '\u{a0}')) {
        return Err(ContactFault::Characters);
    }
    let mut digits = crate::text::digits(&rest);
    let typed = digits.len();
    if !plus {
        let (_, code, trunk) = NATIONAL.iter().find(|(known, ..)| *known == country).ok_or(ContactFault::NeedsPlus)?;
        let national = if trunk.is_empty() { digits.as_str() } else { digits.strip_prefix(trunk).unwrap_or(&digits) };
        digits = format!("{code}{national}");
    }
    if digits.starts_with('1') && digits.len() != 11 {
        return Err(ContactFault::NorthAmerica(if plus { typed - 1 } else { typed }));
    }
    if !(7..=15).contains(&digits.len()) {
        return Err(ContactFault::Length(digits.len()));
    }
    if known_code(&digits) { Ok(format!("+{digits}")) } else { Err(ContactFault::CountryCode) }
}

fn known_code(digits: &str) -> bool {
    let starts = |codes: &[&str]| codes.iter().any(|code| digits.starts_with(code));
    starts(ONE_DIGIT) || starts(TWO_DIGITS) || starts(THREE_DIGIT_STARTS)
}

/// An E.164 number as people of its country read it; others stay as they are.
#[must_use]
pub fn phone_for_people(e164: &str) -> String {
    match e164.strip_prefix("+1") {
        Some(national) if national.len() == 10 && national.is_ascii() => {
            format!("{} {} {}", &national[..3], &national[3..6], &national[6..])
        }
        _ => e164.to_owned(),
    }
}

/// An extension of 1 to 10 digits (S3-9).
///
/// # Errors
/// [`ContactFault::Extension`].
pub fn extension(text: &str) -> Result<String, ContactFault> {
    let text = text.trim();
    let digits = !text.is_empty() && text.len() <= 10 && text.chars().all(|c| c.is_ascii_digit());
    if digits { Ok(text.to_owned()) } else { Err(ContactFault::Extension) }
}

/// An e-mail address: syntax, local part 64, domain 255, all 128 (S3-9, S3-10).
/// Whether the domain answers is not asked: the counter works off line.
///
/// # Errors
/// [`ContactFault::Email`] or [`ContactFault::EmailLength`].
pub fn email(text: &str) -> Result<String, ContactFault> {
    let text = text.trim();
    let (local, domain) = text.rsplit_once('@').ok_or(ContactFault::Email)?;
    let label = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_alphanumeric() || c == '-') && !label.starts_with('-') && !label.ends_with('-');
    let printable = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '@' | '<' | '>' | ',' | ';' | '(' | ')' | '"');
    let sound = !local.is_empty()
        && local.chars().all(printable)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.contains('.')
        && domain.split('.').all(label);
    if !sound {
        return Err(ContactFault::Email);
    }
    if local.len() > 64 || domain.len() > 255 || text.len() > 128 {
        return Err(ContactFault::EmailLength);
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_10_national_numbers_take_the_country_of_the_shop() {
        assert_eq!(phone("(718) 663-4612", "US").as_deref(), Ok("+17186634612"));
        assert_eq!(phone("1 718 663 4612", "US").as_deref(), Ok("+17186634612"));
        assert_eq!(phone("010-1234567", "NL").as_deref(), Ok("+31101234567"));
        assert_eq!(phone("+44 (0)20 7946 0000", "US").as_deref(), Ok("+442079460000"));
        assert_eq!(phone("0032 2 555 12 12", "US").as_deref(), Ok("+3225551212"));
    }

    #[test]
    fn s3_10_bad_numbers_are_told_apart() {
        assert_eq!(phone("call me", "US"), Err(ContactFault::Characters));
        assert_eq!(phone("555 1234", "ZZ"), Err(ContactFault::NeedsPlus));
        assert_eq!(phone("+999", "US"), Err(ContactFault::Length(3)));
        assert_eq!(phone("+2812345678", "US"), Err(ContactFault::CountryCode));
        assert_eq!(phone("555 0199", "US"), Err(ContactFault::NorthAmerica(7)));
        assert_eq!(phone("+1 718 663 461", "US"), Err(ContactFault::NorthAmerica(9)), "the digits behind the 1 are counted");
    }

    #[test]
    fn only_whole_numbers_of_north_america_are_read_in_threes() {
        assert_eq!(phone_for_people("+17186634612"), "718 663 4612");
        for other in ["+31101234567", "+171866346", "+1718663é461", "ext 4"] {
            assert_eq!(phone_for_people(other), other);
        }
    }

    #[test]
    fn s3_9_extension_and_e_mail_lengths() {
        assert!(extension("12345678901").is_err());
        assert_eq!(extension(" 42 ").as_deref(), Ok("42"));
        assert!(email("a@b.co").is_ok());
        for bad in ["", "a", "a@b", "@b.co", "a@b..co", "a b@c.co", "a@-b.co", ".a@b.co"] {
            assert_eq!(email(bad), Err(ContactFault::Email), "{bad}");
        }
        assert!(email("a@b-c.co").is_ok() && email("a@b_c.co").is_err());
        let of = |local: usize, domain: usize| email(&format!("{}@{}.co", "a".repeat(local), "b".repeat(domain - 3)));
        assert_eq!((of(64, 63).is_ok(), of(64, 64), of(65, 10)), (true, Err(ContactFault::EmailLength), Err(ContactFault::EmailLength)), "64 and 128 in all");
    }
}

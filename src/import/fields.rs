//! One row's cells as typed values: lengths, contacts, places, lists, times.
//! What is wrong with a row is a [`Fault`], told in one sentence (8.3).
//!
//! May call [`crate::rules`] and [`crate::text`].

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::Kind;
use crate::rules::contact::{self, ContactFault};
use crate::rules::meter::ValueFault;
use crate::rules::place;
use crate::rules::vin::{self, VinFault};
use crate::text::number_key;

/// Why a row is refused, in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// A required cell is empty.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// More characters than the column takes (S3-9).
    #[error("{column} has {length} characters; at most {most} are allowed")]
    TooLong {
        /// Our column.
        column: &'static str,
        /// How many there are.
        length: usize,
        /// How many there may be.
        most: usize,
    },
    /// A telephone number, extension or e-mail address (S3-10).
    #[error("{column} {value:?}: {source}")]
    Contact {
        /// Our column.
        column: &'static str,
        /// What stands there.
        value: String,
        /// What is wrong with it.
        source: ContactFault,
    },
    /// Not 17 characters, or characters that no VIN has (S3-33).
    #[error("vin: {0}")]
    Vin(VinFault),
    /// Not a country of ISO 3166-1.
    #[error("{column} {value:?} is no country: write two letters such as US, or its name")]
    Country {
        /// Our column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// Not a state of that country (C-9).
    #[error("{column} {value:?} is no state of {country}")]
    State {
        /// Our column.
        column: &'static str,
        /// What stands there.
        value: String,
        /// The country it should be in.
        country: String,
    },
    /// A state, no country, and not a state of the shop's country (C-9).
    #[error("{column} {value:?} stands without a country")]
    StateAlone {
        /// Our column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// Not one of a list.
    #[error("{column} {value:?} is none of {choices}")]
    Choice {
        /// Our column.
        column: &'static str,
        /// What stands there.
        value: String,
        /// What may stand there.
        choices: String,
    },
    /// Not a model year.
    #[error("year {value:?} is not between 1900 and {most}")]
    Year {
        /// What stands there.
        value: String,
        /// The latest that may be.
        most: i64,
    },
    /// Neither RFC 3339 nor one of the map's formats.
    #[error("{column} {value:?} is no time: write 2026-03-31T14:05:00Z or 2026-03-31, or name the format under dates in a map")]
    Time {
        /// Our column.
        column: &'static str,
        /// What stands there.
        value: String,
    },
    /// Not a meter value (M-10).
    #[error("value {value:?}: {source}")]
    Value {
        /// What stands there.
        value: String,
        /// What is wrong with it.
        source: ValueFault,
    },
    /// Nothing of that name or number is known.
    #[error("no {what} has the {by} {value:?}")]
    Unknown {
        /// Shop, organization, customer or asset.
        what: &'static str,
        /// Code or number.
        by: &'static str,
        /// What stands there.
        value: String,
    },
    /// A number that several customers have, each at another shop.
    #[error("customer_number {0:?} belongs to several customers at different shops")]
    Several(String),
    /// Which shop is not said, and there is not exactly one.
    #[error("shop is missing: there are {0}; name one in the file, in the map or with --set shop=CODE")]
    WhichShop(usize),
    /// Two rows of the file mean the same record (8.3).
    #[error("same key as line {0}")]
    SameKey(u64),
    /// Another writer was quicker.
    #[error("somebody else entered or changed the same just now; import this row again")]
    Taken,
    /// A rule that needs the record's present state to be told.
    #[error("{0}")]
    Rule(String),
    /// Several cells, each with what is wrong with it.
    #[error("{}", .0.iter().map(Fault::to_string).collect::<Vec<_>>().join("; "))]
    Cells(Vec<Fault>),
    /// Bytes that are no UTF-8.
    #[error("cell {0} is not UTF-8; if the file is in Windows-1252, say so in a map: encoding = \"windows-1252\"")]
    NotUtf8(usize),
    /// More filled cells than the header.
    #[error("{found} cells, but the header has {header}")]
    TooMany {
        /// Cells of the row.
        found: usize,
        /// Cells of the header.
        header: usize,
    },
    /// Fewer cells than the header.
    #[error("only {found} cells, but the header has {header}")]
    TooFew {
        /// Cells of the row.
        found: usize,
        /// Cells of the header.
        header: usize,
    },
    /// The file ends inside a quoted cell.
    #[error("a quote is opened here and never closed")]
    Unclosed,
}

impl Fault {
    /// One of several, or all.
    pub(super) fn of(mut faults: Vec<Self>) -> Self {
        match (faults.len(), faults.pop()) {
            (1, Some(only)) => only,
            (_, last) => Self::Cells(faults.into_iter().chain(last).collect()),
        }
    }

    /// Our column, where a single cell is wrong whatever else stands in the row.
    pub(super) fn column(&self) -> Option<&'static str> {
        match self {
            Self::Missing(column)
            | Self::TooLong { column, .. }
            | Self::Contact { column, .. }
            | Self::Country { column, .. }
            | Self::State { column, .. }
            | Self::Choice { column, .. }
            | Self::Time { column, .. } => Some(column),
            Self::Vin(_) => Some("vin"),
            Self::Year { .. } => Some("year"),
            Self::Value { .. } => Some("value"),
            _ => None,
        }
    }
}

/// What of a cell is repeated in a sentence.
pub(super) fn short(value: &str) -> String {
    const MOST: usize = 60;
    if value.chars().count() <= MOST { value.to_owned() } else { value.chars().take(MOST).chain(['…']).collect() }
}

/// The characters with which a spreadsheet takes a cell for a formula, also as
/// East Asian keyboards write them.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

fn looks_like_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(FORMULA)
}

/// A cell as it is exported: one that a spreadsheet would run gets a `'` in
/// front. One that starts with `'` before such a character gets another, so
/// that [`unguard`] gives back every text as it was.
pub(super) fn guard(cell: &str) -> String {
    if looks_like_formula(cell) { format!("'{cell}") } else { cell.to_owned() }
}

/// Takes back what [`guard`] put in front.
pub(super) fn unguard(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if looks_like_formula(rest) => rest,
        _ => cell,
    }
}

/// How the times of a file are read.
#[derive(Debug, Clone)]
pub(super) struct Times {
    /// Where times without a zone were written down.
    pub zone: TimeZone,
    /// `strptime` formats that are tried after RFC 3339.
    pub formats: Vec<String>,
}

impl Default for Times {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, formats: Vec::new() }
    }
}

impl Times {
    /// A moment to the microsecond from RFC 3339, one of the map's formats, or
    /// a plain `YYYY-MM-DD` or `YYYY-MM-DD HH:MM[:SS]`.
    pub(super) fn read(&self, text: &str) -> Option<Timestamp> {
        let exact = text.parse::<Timestamp>().ok().or_else(|| self.formats.iter().find_map(|format| self.by_format(format, text)));
        let moment = exact.or_else(|| self.in_zone(text.parse::<DateTime>().ok()?))?;
        Timestamp::from_microsecond(moment.as_microsecond()).ok()
    }

    fn by_format(&self, format: &str, text: &str) -> Option<Timestamp> {
        let parts = strtime::parse(format, text).ok()?;
        parts.to_timestamp().ok().or_else(|| self.in_zone(parts.to_datetime().ok()?))
    }

    fn in_zone(&self, written: DateTime) -> Option<Timestamp> {
        let zoned: Zoned = written.to_zoned(self.zone.clone()).ok()?;
        Some(zoned.timestamp())
    }
}

/// Country and state as a row says them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// Two letters; the shop's where the row says only a state that is there.
    pub country: Option<String>,
    /// The part of ISO 3166-2 after the hyphen.
    pub state: Option<String>,
    /// The state as written, where the row says no country.
    pub state_alone: Option<String>,
}

impl Place {
    /// Refuses a state whose country cannot be told (C-9).
    ///
    /// # Errors
    /// [`Fault::StateAlone`].
    pub(super) fn settled(&self, column: &'static str) -> Result<(), Fault> {
        match &self.state_alone {
            Some(value) if self.country.is_none() => Err(Fault::StateAlone { column, value: short(value) }),
            _ => Ok(()),
        }
    }

    /// Puts this place into a record that may have one; an empty cell changes
    /// nothing, and a state alone belongs to the record's country.
    ///
    /// # Errors
    /// [`Fault::State`] or [`Fault::StateAlone`].
    pub(super) fn merge(&self, column: &'static str, country: &mut Option<String>, state: &mut Option<String>) -> Result<(), Fault> {
        if let (Some(written), Some(present)) = (&self.state_alone, country.as_deref()) {
            let found = place::state(present, written).ok_or_else(|| Fault::State { column, value: short(written), country: present.to_owned() })?;
            *state = Some(found.to_owned());
            return Ok(());
        }
        self.settled(column)?;
        let Some(wanted) = &self.country else { return Ok(()) };
        if self.state.is_some() {
            state.clone_from(&self.state);
        } else if let Some(present) = state.as_deref().filter(|present| place::state(wanted, present).is_none()) {
            return Err(Fault::State { column, value: present.to_owned(), country: wanted.clone() });
        }
        country.clone_from(&self.country);
        Ok(())
    }
}

/// The cells of one row under our own column names, cleaned; an empty one
/// says nothing.
#[derive(Debug, Clone)]
pub(super) struct Cells {
    columns: &'static [&'static str],
    values: Vec<String>,
}

impl Cells {
    /// The values of a kind's columns, in their order.
    pub(super) fn new(kind: Kind, values: Vec<String>) -> Self {
        Self { columns: kind.columns(), values }
    }

    /// A cell; none where it is empty or the kind has no such column.
    pub(super) fn get(&self, column: &str) -> Option<&str> {
        let place = self.columns.iter().position(|known| *known == column)?;
        self.values.get(place).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Goes on as if a cell was not wrong: one that is missing says something, any
    /// other nothing; a state is of its country.
    pub(super) fn put_aside(&mut self, fault: &Fault) {
        let Some(column) = fault.column() else { return };
        let said = if matches!(fault, Fault::Missing(_)) { "x" } else { "" };
        let of_country = matches!(fault, Fault::Country { .. }).then(|| column.replace("country", "state"));
        for (known, value) in self.columns.iter().zip(&mut self.values) {
            if *known == column || of_country.as_deref() == Some(*known) {
                said.clone_into(value);
            }
        }
    }

    /// A text of at most `most` characters.
    ///
    /// # Errors
    /// [`Fault::TooLong`].
    pub(super) fn text(&self, column: &'static str, most: usize) -> Result<Option<String>, Fault> {
        let Some(value) = self.get(column) else { return Ok(None) };
        let length = value.chars().count();
        if length > most { Err(Fault::TooLong { column, length, most }) } else { Ok(Some(value.to_owned())) }
    }

    /// A text that has to be there.
    ///
    /// # Errors
    /// [`Fault::Missing`] or [`Fault::TooLong`].
    pub(super) fn required(&self, column: &'static str, most: usize) -> Result<String, Fault> {
        self.text(column, most)?.ok_or(Fault::Missing(column))
    }

    /// A telephone or fax number in E.164; `country` is where it was written.
    ///
    /// # Errors
    /// [`Fault::Contact`].
    pub(super) fn phone(&self, column: &'static str, country: &str) -> Result<Option<String>, Fault> {
        self.contact(column, |value| contact::phone(value, country))
    }

    /// An extension of 1 to 10 digits.
    ///
    /// # Errors
    /// [`Fault::Contact`].
    pub(super) fn extension(&self, column: &'static str) -> Result<Option<String>, Fault> {
        self.contact(column, contact::extension)
    }

    /// An e-mail address.
    ///
    /// # Errors
    /// [`Fault::Contact`].
    pub(super) fn email(&self, column: &'static str) -> Result<Option<String>, Fault> {
        self.contact(column, contact::email)
    }

    fn contact(&self, column: &'static str, read: impl Fn(&str) -> Result<String, ContactFault>) -> Result<Option<String>, Fault> {
        let Some(value) = self.get(column) else { return Ok(None) };
        read(value).map(Some).map_err(|source| Fault::Contact { column, value: short(value), source })
    }

    /// Country and state (C-9); a state without a country is looked for in
    /// `home`, the shop's country.
    ///
    /// # Errors
    /// [`Fault::Country`] or [`Fault::State`].
    pub(super) fn place(&self, country: &'static str, state: &'static str, home: &str) -> Result<Place, Fault> {
        let written = self.get(state);
        let Some(named) = self.get(country) else {
            let found = written.and_then(|written| place::state(home, written));
            return Ok(Place { country: found.map(|_| home.to_owned()), state: found.map(str::to_owned), state_alone: written.map(str::to_owned) });
        };
        let known = place::country(named).ok_or_else(|| Fault::Country { column: country, value: short(named) })?;
        let found = match written {
            Some(written) => {
                Some(place::state(known, written).ok_or_else(|| Fault::State { column: state, value: short(written), country: known.to_owned() })?.to_owned())
            }
            None => None,
        };
        Ok(Place { country: Some(known.to_owned()), state: found, state_alone: None })
    }

    /// A word of a list, by the names that `choices` gives.
    ///
    /// # Errors
    /// [`Fault::Choice`] with all names.
    pub(super) fn choice<T: Copy>(&self, column: &'static str, choices: &[T], name: impl Fn(T) -> &'static str) -> Result<Option<T>, Fault> {
        let Some(value) = self.get(column) else { return Ok(None) };
        let wanted = value.to_lowercase().replace([' ', '-'], "_");
        match choices.iter().copied().find(|choice| name(*choice) == wanted) {
            Some(found) => Ok(Some(found)),
            None => {
                let names: Vec<&str> = choices.iter().map(|choice| name(*choice)).collect();
                Err(Fault::Choice { column, value: short(value), choices: names.join(", ") })
            }
        }
    }

    /// yes, no, true, false, 1 or 0.
    ///
    /// # Errors
    /// [`Fault::Choice`].
    pub(super) fn yes_or_no(&self, column: &'static str) -> Result<Option<bool>, Fault> {
        let Some(value) = self.get(column) else { return Ok(None) };
        match value.to_lowercase().as_str() {
            "yes" | "true" | "1" => Ok(Some(true)),
            "no" | "false" | "0" => Ok(Some(false)),
            _ => Err(Fault::Choice { column, value: short(value), choices: "yes, no, true, false, 1, 0".to_owned() }),
        }
    }

    /// A model year from 1900; `now` tells which years are still to come.
    ///
    /// # Errors
    /// [`Fault::Year`].
    pub(super) fn year(&self, now: Timestamp) -> Result<Option<i64>, Fault> {
        let Some(value) = self.get("year") else { return Ok(None) };
        // Model years run ahead of the calendar.
        let most = i64::from(now.to_zoned(TimeZone::UTC).year()) + 2;
        match value.parse() {
            Ok(year) if (1900..=most).contains(&year) => Ok(Some(year)),
            _ => Err(Fault::Year { value: short(value), most }),
        }
    }

    /// A VIN under its key, 17 characters; a wrong check digit passes, for it
    /// binds in North America only (S3-33).
    ///
    /// # Errors
    /// [`Fault::Vin`].
    pub(super) fn vin(&self) -> Result<Option<String>, Fault> {
        let Some(value) = self.get("vin") else { return Ok(None) };
        let key = number_key(value);
        match vin::check(&key) {
            Ok(()) | Err(VinFault::CheckDigit { .. }) => Ok(Some(key)),
            Err(fault) => Err(Fault::Vin(fault)),
        }
    }

    /// A moment.
    ///
    /// # Errors
    /// [`Fault::Time`].
    pub(super) fn time(&self, column: &'static str, times: &Times) -> Result<Option<Timestamp>, Fault> {
        let Some(value) = self.get(column) else { return Ok(None) };
        times.read(value).map(Some).ok_or_else(|| Fault::Time { column, value: short(value) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(kind: Kind, pairs: &[(&str, &str)]) -> Cells {
        let written = |column: &&str| pairs.iter().find(|(name, _)| name == column).map_or_else(String::new, |(_, value)| (*value).to_owned());
        Cells::new(kind, kind.columns().iter().map(written).collect())
    }

    fn customer(pairs: &[(&str, &str)]) -> Cells {
        cells(Kind::Customers, pairs)
    }

    fn asset(pairs: &[(&str, &str)]) -> Cells {
        cells(Kind::Assets, pairs)
    }

    #[test]
    fn every_text_comes_back_from_a_spreadsheet_as_it_was() {
        for text in ["+715879", "=1+1", "-5", "@home", "plain", "'quoted'", "'=x", "''+y", "＝1＋1", "＋5", "－5", "＠home", "'＝x", "''＋y", "'", ""] {
            assert_eq!(unguard(&guard(text)), text, "{text:?}");
        }
        assert_eq!((guard("+715879"), guard("＝1")), ("'+715879".to_owned(), "'＝1".to_owned()));
        assert_eq!(unguard("'t Hooft"), "'t Hooft", "an apostrophe before anything else stays");
    }

    #[test]
    fn s3_9_lengths_are_counted_in_characters() {
        assert_eq!(customer(&[("name", &"ü".repeat(100))]).required("name", 100).unwrap().chars().count(), 100);
        assert_eq!(customer(&[("name", &"ü".repeat(101))]).required("name", 100), Err(Fault::TooLong { column: "name", length: 101, most: 100 }));
        assert_eq!(customer(&[]).required("name", 100), Err(Fault::Missing("name")));
    }

    #[test]
    fn c_9_a_state_belongs_to_its_country_or_the_shops() {
        let place = |pairs: &[(&str, &str)]| customer(pairs).place("country", "state", "US");
        let texas = place(&[("state", "Texas"), ("country", "USA")]).unwrap();
        assert_eq!((texas.country.as_deref(), texas.state.as_deref()), (Some("US"), Some("TX")));
        let at_home = place(&[("state", "TX")]).unwrap();
        assert_eq!((at_home.country.as_deref(), at_home.settled("state")), (Some("US"), Ok(())));
        assert!(place(&[("state", "ZH")]).unwrap().settled("state").is_err());
        assert!(matches!(place(&[("state", "TX"), ("country", "NL")]), Err(Fault::State { .. })));
        assert!(matches!(place(&[("country", "Atlantis")]), Err(Fault::Country { .. })));
    }

    #[test]
    fn c_9_a_state_alone_belongs_to_the_known_country() {
        let written = customer(&[("state", "QC")]).place("country", "state", "US").unwrap();
        let (mut country, mut state) = (Some("CA".to_owned()), Some("ON".to_owned()));
        written.merge("state", &mut country, &mut state).unwrap();
        assert_eq!((country.as_deref(), state.as_deref()), (Some("CA"), Some("QC")));
        let moved = customer(&[("country", "NL")]).place("country", "state", "US").unwrap();
        assert!(moved.merge("state", &mut country, &mut state).is_err(), "Quebec is not in the Netherlands");
    }

    #[test]
    fn s3_33_a_wrong_check_digit_passes_and_a_wrong_length_does_not() {
        assert_eq!(asset(&[("vin", "1g4ah59h55g118341")]).vin().unwrap().as_deref(), Some("1G4AH59H55G118341"));
        assert_eq!(asset(&[("vin", "1G4AH59H5")]).vin(), Err(Fault::Vin(VinFault::Length(9))));
    }

    #[test]
    fn years_lists_and_answers_are_checked() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(asset(&[("year", "1969")]).year(now), Ok(Some(1969)));
        for bad in ["0", "1899", "1973", "2,017", "new"] {
            assert!(asset(&[("year", bad)]).year(now).is_err(), "{bad}");
        }
        let kinds = ["local", "fleet"];
        assert_eq!(customer(&[("kind", "Fleet")]).choice("kind", &kinds, |kind| kind), Ok(Some("fleet")));
        assert!(customer(&[("kind", "neighbour")]).choice("kind", &kinds, |kind| kind).is_err());
    }

    #[test]
    fn times_take_the_maps_zone_only_where_they_have_none() {
        let times = Times { zone: TimeZone::fixed(jiff::tz::offset(2)), formats: vec!["%m/%d/%y".to_owned(), "%d-%b-%y %H:%M".to_owned()] };
        for (text, utc) in [
            ("2026-03-31T14:05:00Z", "2026-03-31T14:05:00Z"),
            ("2026-03-31T14:05:00-05:00", "2026-03-31T19:05:00Z"),
            ("2026-03-31", "2026-03-30T22:00:00Z"),
            ("2026-03-31 14:05", "2026-03-31T12:05:00Z"),
            ("2026-03-31 14:05:09", "2026-03-31T12:05:09Z"),
            ("9/30/24", "2024-09-29T22:00:00Z"),
            ("4-Aug-00 02:30", "2000-08-04T00:30:00Z"),
        ] {
            assert_eq!(times.read(text).map(|moment| moment.to_string()).as_deref(), Some(utc), "{text}");
        }
        assert_eq!(times.read("soon"), None);
    }
}

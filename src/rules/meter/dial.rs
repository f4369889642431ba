//! The dial: kinds, units, digits and values in tenths.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A meter value in tenths of its unit: `129035` is 12,903.5 h (2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Tenths(pub i64);

impl Tenths {
    /// The whole part, for comparison with digits on a dial.
    #[must_use]
    pub const fn whole(self) -> i64 {
        self.0.div_euclid(10)
    }

    /// Whether the tenth is not zero.
    #[must_use]
    pub const fn has_fraction(self) -> bool {
        self.0 % 10 != 0
    }

    /// As written in JSON and CSV: `"12903.5"`; without the tenth where the
    /// kind has none and it is zero.
    #[must_use]
    pub fn plain(self, kind: MeterKind) -> String {
        if kind.has_tenths() || self.has_fraction() { format!("{}.{}", self.whole(), self.0.rem_euclid(10)) } else { self.whole().to_string() }
    }

    /// As people read it: `12,903.5`, a zero tenth left out.
    #[must_use]
    pub fn for_people(self) -> String {
        let digits = self.whole().to_string();
        let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) && !grouped.ends_with('-') {
                grouped.push(',');
            }
            grouped.push(digit);
        }
        if self.has_fraction() { format!("{grouped}.{}", self.0.rem_euclid(10)) } else { grouped }
    }
}

/// More than any dial shows; in tenths it stays far below 2^52.
const MOST_DIGITS: usize = 12;

/// Why a text is no meter value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueFault {
    /// Not digits with at most one decimal.
    #[error("a meter value has digits, and at most one decimal")]
    NotANumber,
    /// More digits than any dial has.
    #[error("a meter value has at most {MOST_DIGITS} digits")]
    TooLarge,
    /// More than one decimal.
    #[error("a meter shows tenths at the finest")]
    TooFine,
}

impl FromStr for Tenths {
    type Err = ValueFault;

    /// Reads `12903`, `12903.5`, `12,903`, `12,903.5`, `12.903,5`, `12 903,5` and
    /// `1.234.567`. A point that stands alone is the decimal sign, so that `12.903`
    /// is too fine and never a thousandfold; a comma before exactly three digits
    /// parts thousands, as the screens write them.
    fn from_str(text: &str) -> Result<Self, ValueFault> {
        let text: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '\'' | '_')).collect();
        let (whole, tenth) = decimal_sign(&text).map_or((text.as_str(), ""), |at| (&text[..at], &text[at + 1..]));
        let groups: Vec<&str> = whole.split(['.', ',']).collect();
        let is_grouped = groups.len() > 1;
        if whole.contains('.') && whole.contains(',') {
            return Err(ValueFault::NotANumber);
        }
        if is_grouped && (groups[0].len() > 3 || groups[0].is_empty() || groups[1..].iter().any(|group| group.len() != 3)) {
            return Err(ValueFault::NotANumber);
        }
        if is_grouped && groups[0].starts_with('0') {
            return Err(ValueFault::TooFine);
        }
        let whole = groups.concat();
        let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
        if whole.is_empty() || !digits(&whole) || !digits(tenth) {
            return Err(ValueFault::NotANumber);
        }
        if whole.len() > MOST_DIGITS {
            return Err(ValueFault::TooLarge);
        }
        let tenth = tenth.trim_end_matches('0');
        if tenth.len() > 1 {
            return Err(ValueFault::TooFine);
        }
        let whole: i64 = whole.parse().map_err(|_| ValueFault::NotANumber)?;
        let tenth: i64 = if tenth.is_empty() { 0 } else { tenth.parse().map_err(|_| ValueFault::NotANumber)? };
        Ok(Self(whole * 10 + tenth))
    }
}

/// Where the decimal sign stands, if there is one: the last of different signs, a
/// point alone, or a sign that no three digits follow.
fn decimal_sign(text: &str) -> Option<usize> {
    let last = text.rfind(['.', ','])?;
    let (sign, before) = (&text[last..=last], &text[..last]);
    let is_other_before = before.contains(['.', ',']) && !before.contains(sign);
    let is_lone_point = sign == "." && !before.contains(['.', ',']);
    (is_other_before || is_lone_point || text.len() - last - 1 != 3).then_some(last)
}

/// What a meter counts (2.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MeterKind {
    /// Distance driven.
    Odometer,
    /// Hours the engine ran.
    EngineHours,
    /// Hours ready but not working.
    StandbyHours,
    /// Hours with the ignition on.
    SwitchOnHours,
    /// Hours of the power take-off.
    PtoHours,
    /// Fuel burnt.
    FuelUsed,
    /// Strokes, lifts, cycles.
    Cycles,
}

impl MeterKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [Self::Odometer, Self::EngineHours, Self::StandbyHours, Self::SwitchOnHours, Self::PtoHours, Self::FuelUsed, Self::Cycles];

    /// The name in JSON, CSV and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Odometer => "odometer",
            Self::EngineHours => "engine_hours",
            Self::StandbyHours => "standby_hours",
            Self::SwitchOnHours => "switch_on_hours",
            Self::PtoHours => "pto_hours",
            Self::FuelUsed => "fuel_used",
            Self::Cycles => "cycles",
        }
    }

    /// The words on the screen.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Odometer => "Odometer",
            Self::EngineHours => "Engine hours",
            Self::StandbyHours => "Stand-by hours",
            Self::SwitchOnHours => "Switch-on hours",
            Self::PtoHours => "PTO hours",
            Self::FuelUsed => "Fuel used",
            Self::Cycles => "Cycles",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it counts hours, which cannot outrun the clock (M-8).
    #[must_use]
    pub const fn is_hours(self) -> bool {
        matches!(self, Self::EngineHours | Self::StandbyHours | Self::SwitchOnHours | Self::PtoHours)
    }

    /// Tenths by default: one for hours and fuel, none for distance (M-10).
    #[must_use]
    pub const fn has_tenths(self) -> bool {
        self.is_hours() || matches!(self, Self::FuelUsed)
    }

    /// The units this kind may have; the first is the metric one.
    #[must_use]
    pub const fn units(self) -> &'static [Unit] {
        match self {
            Self::Odometer => &[Unit::Km, Unit::Mi],
            Self::FuelUsed => &[Unit::L, Unit::Gal],
            Self::Cycles => &[Unit::Count],
            _ => &[Unit::H],
        }
    }

    /// The unit of a new meter in an organization that measures as `metric` says.
    #[must_use]
    pub fn default_unit(self, metric: bool) -> Unit {
        let units = self.units();
        if metric { units[0] } else { units[units.len() - 1] }
    }
}

/// Units of meters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Miles.
    Mi,
    /// Kilometres.
    Km,
    /// Hours.
    H,
    /// US gallons.
    Gal,
    /// Litres.
    L,
    /// A plain count.
    Count,
}

impl Unit {
    /// Every unit.
    pub const ALL: [Self; 6] = [Self::Mi, Self::Km, Self::H, Self::Gal, Self::L, Self::Count];

    /// The sign in JSON, CSV, the database and on the screen.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mi => "mi",
            Self::Km => "km",
            Self::H => "h",
            Self::Gal => "gal",
            Self::L => "l",
            Self::Count => "count",
        }
    }

    /// The unit of that sign.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.name() == name)
    }

    /// The most a machine can do in a day, in whole units (M-7).
    #[must_use]
    pub const fn max_per_day(self) -> Option<i64> {
        match self {
            Self::H => Some(24),
            Self::Km => Some(1_600),
            Self::Mi => Some(1_000),
            Self::Gal | Self::L | Self::Count => None,
        }
    }
}

/// A meter's name within its asset: `kind` or `kind.component` (8.2, C11).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeterName {
    /// What it counts.
    pub kind: MeterKind,
    /// Which of several: `main` unless said.
    pub component: String,
}

impl MeterName {
    /// The component of a name that says none.
    pub const MAIN: &'static str = "main";
}

impl FromStr for MeterName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, component) = text.split_once('.').unwrap_or((text, Self::MAIN));
        let sound = (1..=40).contains(&component.len()) && component.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'));
        let kinds = || MeterKind::ALL.map(MeterKind::name).join(", ");
        let kind = MeterKind::named(kind).ok_or_else(|| format!("no meter is named {kind:?}; the kinds are {}", kinds()))?;
        if sound { Ok(Self { kind, component: component.to_owned() }) } else { Err(format!("{component:?} is no component name: letters, digits, _ and -")) }
    }
}

impl fmt::Display for MeterName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.name())?;
        if self.component == Self::MAIN { Ok(()) } else { write!(f, ".{}", self.component) }
    }
}

/// What is fixed about a meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dial {
    /// What it counts.
    pub kind: MeterKind,
    /// In what unit; fixed once a reading exists (M-1).
    pub unit: Unit,
    /// Positions before the decimal sign, 3 to 9.
    pub digits: u8,
    /// Whether tenths are read though the kind has none by default (M-10).
    pub tenths: bool,
    /// The most per day in tenths; none where nothing is known (M-7).
    pub max_per_day: Option<Tenths>,
}

impl Dial {
    /// A new dial: 7 digits and the limits of its unit.
    #[must_use]
    pub fn new(kind: MeterKind, unit: Unit) -> Self {
        Self { kind, unit, digits: 7, tenths: kind.has_tenths(), max_per_day: unit.max_per_day().map(|max| Tenths(max * 10)) }
    }

    /// Where the dial starts again at zero: ten to the power of its digits.
    #[must_use]
    pub fn rollover_at(&self) -> Tenths {
        Tenths(10_i64.pow(u32::from(self.digits.min(12)) + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m_10_values_are_read_as_people_write_them() {
        for (text, tenths) in [
            ("12903", 129_030),
            ("12903.5", 129_035),
            ("12,903", 129_030),
            ("12,903.5", 129_035),
            ("12.903,5", 129_035),
            ("12 903,5", 129_035),
            ("1.234.567", 12_345_670),
            ("1,234,567.8", 12_345_678),
            ("7.0", 70),
            ("7.000", 70),
            ("0", 0),
        ] {
            assert_eq!(text.parse(), Ok(Tenths(tenths)), "{text}");
        }
        for bad in ["", "-5", "abc", "1.2.x", "99999999999999x", "12.9.5", "1,2,9,5,1", "1234,567", "1,234.567,8"] {
            assert_eq!(bad.parse::<Tenths>(), Err(ValueFault::NotANumber), "{bad}");
        }
        assert_eq!("9999999999999".parse::<Tenths>(), Err(ValueFault::TooLarge));
        assert_eq!("999,999,999,999.9".parse(), Ok(Tenths(9_999_999_999_999)));
    }

    #[test]
    fn m_10_what_is_too_fine_is_told_and_never_a_thousandfold() {
        for fine in ["12.34", "1.234", "12.903", "12903.125", "1,234.567", "12.903,125", "0,125", "0.125"] {
            assert_eq!(fine.parse::<Tenths>(), Err(ValueFault::TooFine), "{fine}");
        }
    }

    #[test]
    fn m_10_hours_show_a_tenth_and_distance_none() {
        assert_eq!(Tenths(129_030).plain(MeterKind::EngineHours), "12903.0");
        assert_eq!(Tenths(129_030).plain(MeterKind::Odometer), "12903");
        assert_eq!(Tenths(129_035).plain(MeterKind::Odometer), "12903.5");
        assert_eq!(Tenths(12_345_678).for_people(), "1,234,567.8");
    }

    #[test]
    fn meters_are_named_by_kind_and_component() {
        let name: MeterName = "engine_hours.left".parse().unwrap();
        assert_eq!((name.kind, name.component.as_str()), (MeterKind::EngineHours, "left"));
        assert_eq!("odometer".parse::<MeterName>().unwrap().to_string(), "odometer");
        assert!("speed".parse::<MeterName>().is_err() && "odometer.".parse::<MeterName>().is_err());
    }
}

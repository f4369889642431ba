//! Column maps (8.1): how other people's columns become ours. A map is a TOML
//! file; `assets/import/` holds those that are shipped.
//!
//! ```toml
//! kind = "customers"                  # what is imported
//! encoding = "windows-1252"           # UTF-8 unless said
//! dates = ["%m/%d/%y"]                # strptime formats beside RFC 3339
//! time_zone = "America/Denver"        # of times without one; UTC unless said
//!
//! [organization]                      # owner of all assets, made if missing
//! code = "SEATTLE"
//! name = "City of Seattle"
//!
//! [constants]                         # where a cell is empty
//! country = "US"
//!
//! [columns]                           # our column = their column
//! name = { join = ["legal", "trade"], with = " dba " }
//! phone = { first = ["mobile", "phone"] }
//! city = { column = "place", split = ",", part = 1, default = "Austin" }
//! postal_code = { column = "zip", pad = 5, pattern = "#####-####" }
//!
//! [values.country]                    # their word = ours
//! USA = "US"
//! ```
//!
//! A cell goes through these steps in this order: column, join or first; trim;
//! split; default; pad; pattern; clean; values; then the constants.
//!
//! May call [`crate::text`] only.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Range;
use std::path::Path;

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error as _, MapAccess, Visitor};
use toml::Spanned;

use super::Kind;
use super::fields::Times;
use crate::text::{clean_line, nearest};

/// In which bytes a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark.
    #[default]
    Utf8,
    /// What old programs on Windows write.
    Windows1252,
}

/// Columns that no import of contacts takes.
const GIVING_ACCESS: [&str; 14] = [
    "right",
    "rights",
    "portal_right",
    "portal_rights",
    "platform_role",
    "platform_roles",
    "access",
    "access_level",
    "level",
    "user",
    "username",
    "user_name",
    "login",
    "password",
];

/// Why a map, or a file under its map, cannot be used. Nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// The map's file cannot be read.
    #[error("{file}: {source}")]
    Unreadable {
        /// The map.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// A mistake in the map, with its place.
    #[error("{file}:{line}:{column}: {message}")]
    Wrong {
        /// The map.
        file: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// The map is for something else.
    #[error("this map is for {map}, not for {kind}")]
    OtherKind {
        /// What the map is for.
        map: Kind,
        /// What is imported.
        kind: Kind,
    },
    /// `--set` names a column that we do not have.
    #[error("--set: {kind} have no column {wanted:?}; {instead}")]
    NoSuchColumn {
        /// What is imported.
        kind: Kind,
        /// What was asked for.
        wanted: String,
        /// What is there.
        instead: String,
    },
    /// The file's header has a column that we do not know.
    #[error("{kind} have no column {found:?}; {instead}. A map says which columns of a file mean what (--map)")]
    UnknownInFile {
        /// What is imported.
        kind: Kind,
        /// The file's column.
        found: String,
        /// Ours.
        instead: String,
    },
    /// A column of contacts that would give somebody access.
    #[error(
        "column {0:?}: an import gives nobody access; rights, platform roles, access levels, user names and passwords of contacts are given on the server only"
    )]
    GivesAccess(String),
    /// The map asks for a column that the file lacks.
    #[error("the file has no column {wanted:?}; {instead}")]
    NotInFile {
        /// What the map asks for.
        wanted: String,
        /// What is there.
        instead: String,
    },
    /// A name that stands twice in the file's header.
    #[error("the file has two columns {0:?}")]
    Twice(String),
    /// Nothing fills a column that every row needs.
    #[error("the file has no column {column:?}, which {kind} need")]
    Required {
        /// What is imported.
        kind: Kind,
        /// Our column.
        column: &'static str,
    },
}

/// The owner of all assets of a file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OrganizationConstant {
    /// Its code, unique.
    pub code: String,
    /// Its name, if it has to be made.
    pub name: String,
}

/// What fills our columns.
#[derive(Debug, Clone)]
pub struct ColumnMap {
    kind: Kind,
    encoding: Encoding,
    times: Times,
    organization: Option<OrganizationConstant>,
    pub(super) constants: HashMap<&'static str, String>,
    pub(super) columns: HashMap<&'static str, Source>,
    pub(super) values: HashMap<&'static str, BTreeMap<String, String>>,
    /// The header bears our own names: then every one of them must be known.
    pub(super) own_names: bool,
}

/// Where a column's text is taken from, and the steps it goes through.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// Their columns.
    pub from: Vec<String>,
    /// What is made of several.
    pub how: How,
    /// What is done with the text.
    pub steps: Steps,
}

/// What is made of several columns.
#[derive(Debug, Clone)]
pub(super) enum How {
    /// The first that is not empty; one column alone is the same.
    First,
    /// All that are not empty, with this between.
    Join(String),
}

/// What is done with a cell's text, in this order.
#[derive(Debug, Clone, Default)]
pub(super) struct Steps {
    /// Only the part of that number, from 1, between these signs.
    pub split: Option<(String, usize)>,
    /// What stands for an empty text.
    pub default: Option<String>,
    /// To so many digits, with zeros in front.
    pub pad: usize,
    /// Digits go where `#` stands.
    pub pattern: Option<String>,
}

impl ColumnMap {
    /// Our own column names, in UTF-8; times without a zone are UTC.
    #[must_use]
    pub fn identity(kind: Kind) -> Self {
        Self {
            kind,
            encoding: Encoding::Utf8,
            times: Times::default(),
            organization: None,
            constants: HashMap::new(),
            columns: kind.columns().iter().map(|column| (*column, Source::column(column))).collect(),
            values: HashMap::new(),
            own_names: true,
        }
    }

    /// Reads a map from a file.
    ///
    /// # Errors
    /// [`MapError::Unreadable`], or [`MapError::Wrong`] with line and column.
    pub fn read(path: &Path) -> Result<Self, MapError> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &file),
            Err(source) => Err(MapError::Unreadable { file, source }),
        }
    }

    /// Reads a map from its text; `file` is what mistakes are told with.
    ///
    /// # Errors
    /// [`MapError::Wrong`] with line and column.
    pub fn parse(text: &str, file: &str) -> Result<Self, MapError> {
        let told = |Mistake { span, message }: Mistake| {
            let (line, column) = line_and_column(text, span.start);
            MapError::Wrong { file: file.to_owned(), line, column, message }
        };
        let written: Written =
            toml::from_str(text).map_err(|error| told(Mistake { span: error.span().unwrap_or(0..0), message: error.message().to_owned() }))?;
        written.checked().map_err(told)
    }

    /// What it is for.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// In which bytes its files are written.
    #[must_use]
    pub const fn encoding(&self) -> Encoding {
        self.encoding
    }

    pub(super) const fn times(&self) -> &Times {
        &self.times
    }

    pub(super) const fn organization(&self) -> Option<&OrganizationConstant> {
        self.organization.as_ref()
    }
}

/// Our own spelling of a column's name, if the kind has it.
pub(super) fn our_column(kind: Kind, name: &str) -> Option<&'static str> {
    kind.columns().iter().copied().find(|column| *column == name)
}

/// Refuses a column that would give a contact access: a spelling of the server's
/// fields, or of what people call them.
///
/// # Errors
/// [`MapError::GivesAccess`].
pub(super) fn refuse_access(kind: Kind, name: &str) -> Result<(), MapError> {
    let plain = name.trim().to_lowercase().replace([' ', '-'], "_");
    let gives = kind == Kind::Contacts && GIVING_ACCESS.contains(&plain.as_str());
    if gives { Err(MapError::GivesAccess(name.to_owned())) } else { Ok(()) }
}

/// So many names are told of those that there are.
const MOST_TOLD: usize = 20;

/// The end of a sentence about a name that is none of these: the one that was meant,
/// or all.
pub(super) fn instead<S: AsRef<str>>(written: &str, known: &[S]) -> String {
    if let Some(meant) = nearest(written, known.iter().map(AsRef::as_ref)) {
        return format!("the nearest is {meant:?}");
    }
    let told: Vec<String> = known.iter().take(MOST_TOLD).map(|name| format!("{:?}", name.as_ref())).collect();
    format!("there are {}{}", told.join(", "), if known.len() > MOST_TOLD { ", …" } else { "" })
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

/// A mistake in a map's text.
struct Mistake {
    span: Range<usize>,
    message: String,
}

impl Mistake {
    fn at<T>(place: &Spanned<T>, message: String) -> Self {
        Self { span: place.span(), message }
    }
}

/// A map as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    kind: Spanned<String>,
    encoding: Option<Spanned<String>>,
    #[serde(default)]
    dates: Vec<Spanned<String>>,
    time_zone: Option<Spanned<String>>,
    organization: Option<Spanned<OrganizationConstant>>,
    #[serde(default)]
    constants: BTreeMap<Spanned<String>, String>,
    #[serde(default)]
    columns: BTreeMap<Spanned<String>, Source>,
    #[serde(default)]
    values: BTreeMap<Spanned<String>, BTreeMap<String, String>>,
}

impl Written {
    fn checked(self) -> Result<ColumnMap, Mistake> {
        let kind = Kind::named(self.kind.get_ref()).ok_or_else(|| {
            let written = self.kind.get_ref();
            let message = format!("nothing of the kind {written:?} can be imported; {}", instead(written, &Kind::ALL.map(Kind::name)));
            Mistake::at(&self.kind, message)
        })?;
        let encoding = self.encoding.as_ref().map_or(Ok(Encoding::Utf8), encoding)?;
        let times = times(&self.dates, self.time_zone.as_ref())?;
        let mut constants = HashMap::new();
        for (name, value) in self.constants {
            constants.insert(known(kind, &name)?, clean_line(&value));
        }
        let organization = match self.organization {
            Some(place) if our_column(kind, "organization").is_none() => {
                return Err(Mistake::at(&place, format!("{kind} belong to no organization")));
            }
            Some(place) => Some(organization(&place)?),
            None => None,
        };
        if let Some(organization) = &organization {
            constants.entry("organization").or_insert_with(|| organization.code.clone());
        }
        let mut columns = HashMap::new();
        for (name, source) in self.columns {
            columns.insert(known(kind, &name)?, source);
        }
        let mut values = HashMap::new();
        for (name, table) in self.values {
            values.insert(known(kind, &name)?, table);
        }
        Ok(ColumnMap { kind, encoding, times, organization, constants, columns, values, own_names: false })
    }
}

fn known(kind: Kind, name: &Spanned<String>) -> Result<&'static str, Mistake> {
    refuse_access(kind, name.get_ref()).map_err(|fault| Mistake::at(name, fault.to_string()))?;
    our_column(kind, name.get_ref())
        .ok_or_else(|| Mistake::at(name, format!("{kind} have no column {:?}; {}", name.get_ref(), instead(name.get_ref(), kind.columns()))))
}

fn encoding(name: &Spanned<String>) -> Result<Encoding, Mistake> {
    match name.get_ref().to_lowercase().as_str() {
        "utf-8" | "utf8" => Ok(Encoding::Utf8),
        "windows-1252" | "cp1252" => Ok(Encoding::Windows1252),
        other => Err(Mistake::at(name, format!("the encoding {other:?} is not read; write \"utf-8\" or \"windows-1252\""))),
    }
}

fn times(dates: &[Spanned<String>], time_zone: Option<&Spanned<String>>) -> Result<Times, Mistake> {
    let zone = match time_zone {
        Some(name) => TimeZone::get(name.get_ref()).map_err(|error| Mistake::at(name, format!("no time zone is named {:?}: {error}", name.get_ref())))?,
        None => TimeZone::UTC,
    };
    let mut formats = Vec::with_capacity(dates.len());
    for format in dates {
        // A format that cannot be written cannot be read: told now, not once per row.
        let sample = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
        strtime::format(format.get_ref(), &sample).map_err(|error| Mistake::at(format, format!("{:?} is no date format: {error}", format.get_ref())))?;
        formats.push(format.get_ref().clone());
    }
    Ok(Times { zone, formats })
}

fn organization(place: &Spanned<OrganizationConstant>) -> Result<OrganizationConstant, Mistake> {
    let written = place.get_ref();
    let cleaned = OrganizationConstant { code: clean_line(&written.code), name: clean_line(&written.name) };
    let sound = |text: &str, most: usize| (1..=most).contains(&text.chars().count());
    if !sound(&cleaned.code, super::MAX_CODE) || !sound(&cleaned.name, super::MAX_NAME) {
        let message = format!("an organization has a code of 1 to {} and a name of 1 to {} characters", super::MAX_CODE, super::MAX_NAME);
        return Err(Mistake::at(place, message));
    }
    Ok(cleaned)
}

impl Source {
    fn column(name: &str) -> Self {
        Self { from: vec![name.to_owned()], how: How::First, steps: Steps::default() }
    }
}

/// A source that is more than a column's name.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    column: Option<String>,
    join: Option<Vec<String>>,
    with: Option<String>,
    first: Option<Vec<String>>,
    split: Option<String>,
    part: Option<usize>,
    default: Option<String>,
    pad: Option<usize>,
    pattern: Option<String>,
}

impl Table {
    fn source(self) -> Result<Source, &'static str> {
        let (from, how) = match (self.column, self.join, self.first) {
            (Some(column), None, None) => (vec![column], How::First),
            (None, Some(columns), None) => (columns, How::Join(self.with.clone().unwrap_or_else(|| " ".to_owned()))),
            (None, None, Some(columns)) => (columns, How::First),
            _ => return Err("exactly one of column, join and first says where the text comes from"),
        };
        if from.is_empty() {
            return Err("name at least one column");
        }
        if self.with.is_some() && !matches!(how, How::Join(_)) {
            return Err("with stands between joined columns: it needs join");
        }
        let split = match (self.split, self.part) {
            (Some(sign), part) if !sign.is_empty() && part != Some(0) => Some((sign, part.unwrap_or(1))),
            (Some(_), _) => return Err("split needs a sign, and part counts from 1"),
            (None, Some(_)) => return Err("part needs split"),
            (None, None) => None,
        };
        if self.pattern.as_ref().is_some_and(|pattern| !pattern.contains('#')) {
            return Err("a pattern has a # for each digit");
        }
        let pad = self.pad.unwrap_or(0);
        if pad > 100 { Err("pad is at most 100") } else { Ok(Source { from, how, steps: Steps { split, default: self.default, pad, pattern: self.pattern } }) }
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = Source;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a column's name, or a table with column, join or first")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Source, E> {
        Ok(Source::column(name))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
        Table::deserialize(MapAccessDeserializer::new(map))?.source().map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(text: &str) -> String {
        ColumnMap::parse(text, "map.toml").unwrap_err().to_string()
    }

    #[test]
    fn every_shipped_map_can_be_read() {
        for (name, text) in [
            ("cincinnati_fleet", include_str!("../../assets/import/cincinnati_fleet.toml")),
            ("fmcsa_carriers", include_str!("../../assets/import/fmcsa_carriers.toml")),
            ("ppp_montana", include_str!("../../assets/import/ppp_montana.toml")),
            ("scottsdale_business_licences", include_str!("../../assets/import/scottsdale_business_licences.toml")),
            ("seattle_fleet", include_str!("../../assets/import/seattle_fleet.toml")),
            ("usda_establishments", include_str!("../../assets/import/usda_establishments.toml")),
            ("windows1252", include_str!("../../tests/fixtures/import/windows1252.toml")),
        ] {
            assert!(ColumnMap::parse(text, name).is_ok(), "{name}: {:?}", ColumnMap::parse(text, name).err());
        }
    }

    #[test]
    fn mistakes_are_told_with_line_and_column() {
        let misspelt = mistake("kind = \"customers\"\n[columns]\nnmae = \"x\"\n");
        assert_eq!(misspelt, "map.toml:3:1: customers have no column \"nmae\"; the nearest is \"name\"");
        assert!(mistake("kind = \"custmers\"\n").starts_with("map.toml:1:8: "));
        assert!(mistake("kind = \"customers\"\ncolums = 1\n").starts_with("map.toml:2:1: unknown field `colums`"));
        assert!(mistake("kind = \"customers\"\n[columns]\nname = { colum = \"x\" }\n").starts_with("map.toml:3:10: unknown field `colum`"));
        assert!(mistake("kind = \"customers\"\n[columns]\nname = { column = \"x\", part = 2 }\n").starts_with("map.toml:3:8: part needs split"));
        assert!(mistake("kind = \"customers\"\nencoding = \"utf-7\"\n").starts_with("map.toml:2:12: "));
        assert!(mistake("kind = \"customers\"\n[columns\n").starts_with("map.toml:2:"));
        assert!(mistake("kind = \"customers\"\ndates = [\"%d.%m.%Y\", \"%!\"]\n").starts_with("map.toml:2:22: "));
        assert!(mistake("kind = \"shops\"\n[organization]\ncode = \"A\"\nname = \"A\"\n").contains("shops belong to no organization"));
    }

    #[test]
    fn a_map_gives_no_contact_access() {
        for column in ["right", "platform_role", "access_level", "username", "password", "Access Level"] {
            let told = mistake(&format!("kind = \"contacts\"\n[columns]\nlast = \"x\"\n{column:?} = \"y\"\n"));
            assert!(told.starts_with("map.toml:4:") && told.contains("an import gives nobody access"), "{told}");
        }
        assert!(ColumnMap::parse("kind = \"contacts\"\n[columns]\nlast = \"password\"\n", "map.toml").is_ok(), "their names are theirs");
        assert!(mistake("kind = \"customers\"\n[columns]\nlevel = \"x\"\n").contains("customers have no column"));
    }

    #[test]
    fn the_organization_fills_its_column_unless_a_constant_does() {
        let map = "kind = \"assets\"\n[organization]\ncode = \"CITY\"\nname = \"The City\"\n";
        let alone = ColumnMap::parse(map, "map.toml").unwrap();
        assert_eq!(alone.constants.get("organization").map(String::as_str), Some("CITY"));
        let both = ColumnMap::parse(&format!("{map}[constants]\norganization = \"OTHER\"\n"), "map.toml").unwrap();
        assert_eq!(both.constants.get("organization").map(String::as_str), Some("OTHER"));
    }
}

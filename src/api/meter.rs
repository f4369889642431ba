//! Meters and readings as they travel: values are texts with their decimals.

use jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use super::ids::{MeterId, ReadingId};
use super::lengths;
use crate::rules::meter::{MeterKind, ReadingKind, Unit};

/// A meter and what it stands at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Meter {
    /// Its id.
    pub id: MeterId,
    /// `kind` or `kind.component`.
    pub meter: String,
    /// What it counts.
    pub kind: MeterKind,
    /// Which of several.
    pub component: String,
    /// Its unit.
    pub unit: Unit,
    /// Positions on the dial.
    pub digits: u8,
    /// Whether tenths are read.
    pub tenths: bool,
    /// The one that a reading without a meter's name goes to.
    pub primary: bool,
    /// What the dial shows; null before the first reading.
    pub value: Option<String>,
    /// What the machine has run in all.
    pub life_value: Option<String>,
    /// When that was read.
    pub read_at: Option<Timestamp>,
    /// Where that reading came from.
    pub source: Option<String>,
    /// Older than 30 days (M-13).
    pub stale: bool,
    /// No use since the reading before (M-9).
    pub no_use: bool,
    /// Usual increase per day, once three readings stand (M-7).
    pub usual_per_day: Option<f64>,
    /// Above this a person is asked (M-7).
    pub unusual_above: Option<f64>,
}

/// A reading of a meter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// Its id.
    pub id: ReadingId,
    /// `kind` or `kind.component`.
    pub meter: String,
    /// What the dial showed, with its decimals.
    pub value: String,
    /// The meter's unit.
    pub unit: Unit,
    /// What the machine had run in all.
    pub life_value: String,
    /// When the dial was read.
    pub read_at: Timestamp,
    /// When it was entered.
    pub entered_at: Timestamp,
    /// Who entered it.
    pub entered_by: Option<String>,
    /// By hand, from an import …
    pub source: String,
    /// Plain or rolled over.
    pub kind: ReadingKind,
    /// `valid`, `warning` or `void`.
    pub state: ReadingState,
    /// Why it is void.
    pub void_reason: Option<String>,
    /// Why it stands against the rules.
    pub override_reason: Option<String>,
    /// Free text.
    pub comment: Option<String>,
    /// Equal to the one before: no use since (M-9).
    pub no_use: bool,
}

/// Whether a reading counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadingState {
    /// It counts.
    Valid,
    /// It counts but looks odd (M-7).
    Warning,
    /// It is kept and shown, and never counts (M-11).
    Void,
}

impl ReadingState {
    /// The name in the database and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Warning => "warning",
            Self::Void => "void",
        }
    }

    /// The state of that name; what is unknown does not count.
    #[must_use]
    pub fn named(name: &str) -> Self {
        [Self::Valid, Self::Warning].into_iter().find(|state| state.name() == name).unwrap_or(Self::Void)
    }
}

/// `POST /v1/assets/{id}/readings`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReading {
    /// `kind` or `kind.component`; the primary meter unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meter: Option<String>,
    /// `"12903.5"`; a number is taken too.
    #[serde(deserialize_with = "text_or_number")]
    #[schemars(schema_with = "dial")]
    pub value: String,
    /// Never converted: one that differs from the meter's is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Now unless said.
    #[serde(default, deserialize_with = "super::moment::optional", skip_serializing_if = "Option::is_none")]
    pub read_at: Option<Timestamp>,
    /// Free text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::REMARK))]
    pub comment: Option<String>,
    /// Lets what is too high pass; needs `meter.override`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::REMARK))]
    pub override_reason: Option<String>,
    /// A rollover needs `meter.override`.
    #[serde(default)]
    pub kind: ReadingKind,
}

/// How [`text_or_number`] is described.
fn dial(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": ["string", "number"] })
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Text(String),
        Number(serde_json::Number),
    }
    let written = Written::deserialize(deserializer).map_err(|_| serde::de::Error::custom("a meter value is a text such as \"12903.5\""))?;
    Ok(match written {
        Written::Text(text) => text,
        Written::Number(number) => number.to_string(),
    })
}

/// The answer to a new reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReadingAdded {
    /// The reading as it stands.
    #[serde(flatten)]
    pub reading: Reading,
    /// Whether the asset had no such meter before.
    pub meter_created: bool,
    /// What a person should look at.
    pub warnings: Vec<String>,
}

/// Why a reading is taken out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Required, at most 1,000 characters.
    #[serde(default)]
    #[schemars(length(min = 1, max = lengths::REMARK))]
    pub reason: String,
}

/// `POST /v1/assets/{id}/meters/{meter}/replace` (M-6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// The last value of the old dial.
    #[serde(deserialize_with = "text_or_number")]
    #[schemars(schema_with = "dial")]
    pub old_last: String,
    /// The first value of the new dial.
    #[serde(deserialize_with = "text_or_number")]
    #[schemars(schema_with = "dial")]
    pub new_first: String,
    /// When; now unless said.
    #[serde(default, deserialize_with = "super::moment::optional", skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

//! Who did what, for whom, and what it changed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::named::words;
use super::page::MAX_LIMIT;

words! {
    /// How much of a record's history is shown (S4-16).
    #[derive(Default)]
    pub enum AuditDepth {
        /// Who made it and who saved it last, each where that is known. Which
        /// records an import changed is written down for none of them.
        Simple = "simple",
        /// Every act with what it changed.
        #[default]
        Extended = "extended",
    }
}

words! {
    /// What an act of the simple view did.
    pub enum AuditPart {
        /// It made the record; it is also the last save where there is no other.
        Made = "made",
        /// It saved the record last.
        Saved = "saved",
    }
}

/// One act.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Its id.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// Staff, customer, kiosk, program, the command line, or the dealer's
    /// identity provider.
    pub actor_kind: String,
    /// For which customer somebody of the dealer's acted.
    pub on_behalf_of: Option<String>,
    /// What, as the operation is called.
    pub act: String,
    /// On what sort of record.
    pub entity: String,
    /// On which.
    pub entity_id: Option<String>,
    /// What that record is called now.
    pub entity_name: Option<String>,
    /// Field to `[before, after]`; secrets are never in it.
    pub changes: BTreeMap<String, Value>,
    /// Why, where one was given.
    pub reason: Option<String>,
    /// To find it in the server's log.
    pub request_id: Option<String>,
    /// From where.
    pub came_from: Option<String>,
    /// In the simple view, which of the two it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<AuditPart>,
}

/// `?depth=` with `limit` and `cursor`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditQuery {
    /// `simple` or `extended`.
    #[serde(default)]
    pub depth: AuditDepth,
    /// Rows per page: 50 unless said, at most 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
    /// Where the last page ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(pattern("^[A-Za-z0-9_-]+$"))]
    pub cursor: Option<String>,
}

//! Refusals by RFC 9457 (`application/problem+json`).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::permission::Permission;
use crate::text::{short_quote, with_short_quotes};

/// What went wrong: for people in `detail`, for machines in `code`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{detail}")]
pub struct Problem {
    /// A URI of the kind of problem; made from the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for every problem of this code.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, to which record, and what to do.
    pub detail: String,
    /// The machine name.
    pub code: String,
    /// Form fields and what is wrong with each.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, String>,
    /// The permissions that a role lacks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Permission>,
    /// The record as it is now (412), or those in the way (409).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<serde_json::Value>,
    /// After how many seconds another try makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// To find it in the server's log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// The codes that more than one place knows: code, status, title. Codes of one
/// rule stand beside that rule.
const TITLES: &[(&str, u16, &str)] = &[
    ("session.required", 401, "Sign in first"),
    ("session.refused", 401, "User name or password is wrong"),
    ("password.must_change", 403, "The password has to be changed first"),
    ("portal.off", 403, "The customer portal is switched off"),
    ("kiosk.login_required", 403, "Somebody has to sign in here"),
    ("consent.missing", 403, "The customer has not given its consent"),
    ("view.read_only", 403, "Looking through somebody's eyes changes nothing"),
    ("permission.missing", 403, "Your role does not allow this"),
    ("device.denied", 400, "The sign-in was refused"),
    ("device.no_account", 403, "No account here is tied to you"),
    ("device.unknown", 404, "No such sign-in is under way"),
    ("device.expired", 410, "The code is no longer good"),
    ("provider.none", 404, "There is no identity provider"),
    ("provider.refused", 502, "The identity provider refused"),
    ("provider.unreachable", 503, "The identity provider does not answer"),
    ("not_found", 404, "No such record"),
    ("asset.not_yours", 404, "Not one of your units"),
    ("method.not_allowed", 405, "This path does not answer this method"),
    ("body.too_slow", 408, "What was sent did not arrive in time"),
    ("conflict", 409, "Something stands in the way"),
    ("idempotency.rights_changed", 409, "Sent before, by other rights"),
    ("idempotency.running", 409, "The first sending is still being worked on"),
    ("contact.inactive", 409, "This contact was taken out"),
    ("version.stale", 412, "Changed by somebody else meanwhile"),
    ("body.too_large", 413, "Too much was sent"),
    ("body.media_type", 415, "JSON is expected"),
    ("fields.invalid", 422, "Some fields need correction"),
    ("query.too_short", 422, "Three characters are needed"),
    ("query.too_long", 422, "At most 100 characters"),
    ("query.invalid", 422, "This query cannot be understood"),
    ("idempotency.reused", 422, "This key was used for something else"),
    ("customer.fleet", 422, "A fleet customer is kept elsewhere"),
    ("contact.no_username", 422, "This contact has no user name"),
    ("contact.no_email", 422, "There is no e-mail address"),
    ("password.own", 422, "Your own password has a form of its own"),
    ("password.none", 422, "Nobody signs in here with a password"),
    ("rights.no_portal_administrator", 422, "A portal administrator comes first"),
    ("rights.last_portal_administrator", 422, "The last portal administrator stays"),
    ("session.slow_down", 429, "Too many tries"),
    ("server.failed", 500, "The server failed"),
    ("server.busy", 503, "The server is busy"),
    ("storage.failed", 503, "The server's disk fails"),
    ("storage.full", 507, "The server's disk is full"),
    ("database.unreachable", 503, "The database does not answer"),
];

impl Problem {
    /// A problem with a known code, or with status 422 and its code as title.
    #[must_use]
    pub fn new(code: &str, detail: impl Into<String>) -> Self {
        let known = TITLES.iter().find(|(known, ..)| *known == code);
        let (status, title) = known.map_or((422, code), |(_, status, title)| (*status, *title));
        Self::with_status(status, code, title, detail)
    }

    /// A problem of its own status.
    #[must_use]
    pub fn with_status(status: u16, code: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("urn:countertop:problem:{code}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            code: code.to_owned(),
            fields: BTreeMap::new(),
            missing: Vec::new(),
            current: None,
            retry_after: None,
            request_id: None,
        }
    }

    /// 409 with what stands in the way.
    #[must_use]
    pub fn conflict(code: &str, detail: impl Into<String>) -> Self {
        Self::with_status(409, code, "Something stands in the way", detail)
    }

    /// 404: no such record, or none within one's scope; the two look the same.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new("not_found", "There is no such record within your reach.")
    }

    /// 403 with what is missing.
    #[must_use]
    pub fn missing(missing: Vec<Permission>) -> Self {
        let detail = super::access::Access::Denied(missing.clone()).reason().unwrap_or_default();
        Self { missing, ..Self::new("permission.missing", detail) }
    }

    /// 422 for one field.
    #[must_use]
    pub fn field(name: &str, fault: impl Into<String>) -> Self {
        let mut faults = FieldFaults::default();
        faults.add(name, fault);
        faults.into_problem()
    }

    /// Attaches the records that this is about.
    #[must_use]
    pub fn about(mut self, current: impl Serialize) -> Self {
        self.current = serde_json::to_value(current).ok();
        self
    }
}

/// No form has more fields; whoever sends names of his own hears of so many.
const MOST_FAULTS: usize = 100;

/// Collects what is wrong with a form, so that all of it is told at once.
#[derive(Debug, Default)]
pub struct FieldFaults(BTreeMap<String, String>);

impl FieldFaults {
    /// Adds what is wrong with a field; the first word on a field stays. Both may
    /// quote what was sent, which may be of any length.
    pub fn add(&mut self, field: &str, fault: impl Into<String>) {
        if self.0.len() < MOST_FAULTS {
            self.0.entry(short_quote(field)).or_insert_with(|| with_short_quotes(&fault.into()));
        }
    }

    /// Keeps the value of a check, or what was wrong.
    pub fn check<T, E: std::fmt::Display>(&mut self, field: &str, checked: Result<T, E>) -> Option<T> {
        checked.map_err(|fault| self.add(field, fault.to_string())).ok()
    }

    /// Fine, or the problem with all fields.
    ///
    /// # Errors
    /// `fields.invalid` if anything was added.
    pub fn settle(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(self.into_problem()) }
    }

    fn into_problem(self) -> Problem {
        let detail: Vec<String> = self.0.iter().map(|(field, fault)| format!("{}: {fault}", field.replace('_', " "))).collect();
        Problem { fields: self.0, ..Problem::new("fields.invalid", format!("{}.", detail.join("; "))) }
    }
}

//! What an act was, for the audit: handlers note on what and what changed, and
//! the way into every operation writes it down in the same transaction. What no
//! handler notes is written from the operation itself, so none is forgotten.

use std::fmt::Display;

use axum::http::HeaderMap;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::caller::Caller;
use super::form;
use super::powers::StandingIn;
use crate::api::REQUEST_ID;
use crate::api::ids::{AssetId, CustomerId, UserId};
use crate::api::operation::Endpoint;
use crate::store::audit::{self, AuditRow};
use crate::store::users::UserRow;
use crate::store::{Conn, Result, Scope, customers};
use crate::text::clean_line;

/// What is never written down.
const SECRETS: [&str; 5] = ["password", "new", "current", "device_token", "token"];

/// What a handler says of its act.
#[derive(Debug, Default)]
pub(crate) struct Noted {
    entity: Option<(&'static str, String)>,
    customer: Option<CustomerId>,
    asset: Option<AssetId>,
    user: Option<UserId>,
    changes: Option<Map<String, Value>>,
    reason: Option<String>,
    skipped: bool,
}

/// Where an act came from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origin {
    /// The request.
    pub(crate) request_id: Option<String>,
    /// The address.
    pub(crate) came_from: Option<String>,
}

impl Origin {
    /// Of a request's headers and its caller's address.
    pub(crate) fn of(headers: &HeaderMap, from: impl Display) -> Self {
        let request_id = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).map(str::to_owned);
        Self { request_id, came_from: Some(from.to_string()) }
    }
}

impl Noted {
    /// On which record it was.
    pub(crate) fn on(&mut self, entity: &'static str, id: impl Display) -> &mut Self {
        self.entity = Some((entity, id.to_string()));
        self
    }

    /// In the history of this customer.
    pub(crate) fn customer(&mut self, id: CustomerId) -> &mut Self {
        self.customer = Some(id);
        self
    }

    /// In the history of this asset.
    pub(crate) fn asset(&mut self, id: AssetId) -> &mut Self {
        self.asset = Some(id);
        self
    }

    /// In the history of this user.
    pub(crate) fn user(&mut self, id: UserId) -> &mut Self {
        self.user = Some(id);
        self
    }

    /// Why.
    pub(crate) fn reason(&mut self, reason: &str) -> &mut Self {
        self.reason = Some(reason.to_owned());
        self
    }

    /// What it was before and is now; only what differs is kept. Where nothing
    /// does, nothing happened.
    pub(crate) fn changed(&mut self, before: impl Serialize, after: impl Serialize) -> &mut Self {
        let changes = difference(&json!(before), &json!(after));
        self.skipped |= changes.is_empty();
        self.changes = Some(changes);
        self
    }

    /// Nothing happened that anybody asks about.
    pub(crate) fn skip(&mut self) {
        self.skipped = true;
    }
}

/// Field to `[before, after]`, where the two differ.
fn difference(before: &Value, after: &Value) -> Map<String, Value> {
    let empty = Map::new();
    let (before, after) = (before.as_object().unwrap_or(&empty), after.as_object().unwrap_or(&empty));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let told = |name: &&String| !SECRETS.contains(&name.as_str()) && *name != "version" && *name != "id";
    let pair = |name: &String| (before.get(name).unwrap_or(&Value::Null), after.get(name).unwrap_or(&Value::Null));
    names.into_iter().filter(told).filter(|name| pair(name).0 != pair(name).1).map(|name| (name.clone(), json!([pair(name).0, pair(name).1]))).collect()
}

/// Changes as they are written down. What is taken from a body says no more than
/// the record does: what drives a terminal or turns text is in neither (trap 14).
fn written(changes: Value) -> String {
    cleaned("", changes).to_string()
}

fn cleaned(field: &str, value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(form::cleaned(field, &text)),
        Value::Array(items) => Value::Array(items.into_iter().map(|item| cleaned(field, item)).collect()),
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| (clean_line(&name), cleaned(&name, value));
            Value::Object(members.into_iter().map(member).collect())
        }
        other => other,
    }
}

/// Writes an act of a caller down.
pub(crate) async fn write(conn: &mut Conn, caller: &Caller, endpoint: &Endpoint, asked: (&Value, &[u8]), noted: Noted, origin: &Origin) -> Result<()> {
    if noted.skipped {
        return Ok(());
    }
    let (path, body) = asked;
    let id = path.get("id").and_then(Value::as_str).map(str::to_owned);
    let noun = endpoint.path.split('/').nth(2).unwrap_or_default();
    let of_path = |wanted: &str| id.clone().filter(|_| noun == wanted);
    let (entity, entity_id) = match noted.entity {
        Some((entity, id)) => (entity.to_owned(), Some(id)),
        None => (singular(noun), id.clone()),
    };
    let changes = noted.changes.unwrap_or_else(|| difference(&Value::Null, &serde_json::from_slice(body).unwrap_or_default()));
    let (on_behalf_of, on_behalf_name) = on_behalf(conn, caller).await?;
    let row = AuditRow {
        actor_id: Some(caller.id().to_string()),
        entity_id,
        // What is done for a customer stands in its history, on whatever record.
        customer_id: noted.customer.map(|id| id.to_string()).or_else(|| of_path("customers")).or_else(|| on_behalf_of.clone()),
        on_behalf_of,
        on_behalf_name,
        asset_id: noted.asset.map(|id| id.to_string()).or_else(|| of_path("assets")),
        user_id: noted.user.map(|id| id.to_string()).or_else(|| of_path("users")),
        changes: written(Value::Object(changes)),
        reason: noted.reason,
        ..came(origin, AuditRow::new((&caller.name(), caller.user_kind().name()), &in_snake_case(endpoint.name), &entity))
    };
    audit::add(conn, &row).await
}

/// An act with where it came from.
fn came(origin: &Origin, row: AuditRow) -> AuditRow {
    AuditRow { request_id: origin.request_id.clone(), came_from: origin.came_from.clone(), ..row }
}

/// Writes down what the identity provider brought about for a user.
pub(crate) async fn write_by_provider(conn: &mut Conn, user: UserId, act: &str, changes: Value, origin: &Origin) -> Result<()> {
    let id = user.to_string();
    let row = AuditRow {
        entity_id: Some(id.clone()),
        user_id: Some(id),
        changes: written(changes),
        ..came(origin, AuditRow::new(("identity provider", "identity_provider"), act, "user"))
    };
    audit::add(conn, &row).await
}

/// Writes down that somebody signed in.
pub(crate) async fn write_sign_in(conn: &mut Conn, user: &UserRow, act: &str, origin: &Origin) -> Result<()> {
    let id = user.id.to_string();
    let name = format!("{} {}", user.first_name, user.last_name);
    let row =
        AuditRow { actor_id: Some(id.clone()), user_id: Some(id), ..came(origin, AuditRow::new((name.trim(), &user.kind), &in_snake_case(act), "session")) };
    audit::add(conn, &row).await
}

/// For whom: the name too where the consent has ended meanwhile.
async fn on_behalf(conn: &mut Conn, caller: &Caller) -> Result<(Option<String>, Option<String>)> {
    let Some(StandingIn::For(customer, _)) = &caller.powers.standing_in else { return Ok((None, None)) };
    let row = customers::get(conn, &Scope::deployment(), *customer).await?;
    Ok((Some(customer.to_string()), row.map(|row| row.name)))
}

/// `customers` to `customer`.
fn singular(noun: &str) -> String {
    noun.strip_suffix('s').unwrap_or(noun).replace('-', "_")
}

/// `AddReading` to `add_reading`.
fn in_snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    for (at, letter) in name.char_indices() {
        if letter.is_ascii_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_written_down_and_never_a_secret() {
        let before = json!({ "name": "Keller", "city": "Waco", "password": "old", "version": 1 });
        let after = json!({ "name": "Keller Bau", "city": "Waco", "password": "new", "version": 2, "phone": "+1" });
        assert_eq!(Value::Object(difference(&before, &after)), json!({ "name": ["Keller", "Keller Bau"], "phone": [null, "+1"] }));
    }

    #[test]
    fn where_nothing_differs_nothing_happened() {
        let same = json!({ "name": "Keller" });
        let mut noted = Noted::default();
        noted.changed(json!({ "name": "Keller", "version": 1 }), json!({ "name": "Keller", "version": 2 }));
        assert!(noted.skipped);
        let mut noted = Noted::default();
        noted.changed(&same, json!({ "name": "Keller Bau" }));
        assert!(!noted.skipped);
        // A new record's code is no secret.
        assert_eq!(Value::Object(difference(&Value::Null, &json!({ "code": "SLN" }))), json!({ "code": [null, "SLN"] }));
    }

    #[test]
    fn trap_14_a_change_says_no_more_than_the_record() {
        let line = |text: &str| json!([{ "other_text": text, "note": null, "at": 7 }]);
        let sent = json!({ "name": "Au\u{1b}[2J\u{202e}dit\r\n", "notes": "one\r\ntwo\u{9b}", "lines": line("\u{200b}Wash\u{7}") });
        let kept = json!({ "name": [null, "Au[2Jdit"], "notes": [null, "one\ntwo"], "lines": [null, line("Wash")] });
        let told: Value = serde_json::from_str(&written(Value::Object(difference(&Value::Null, &sent)))).unwrap();
        assert_eq!(told, kept);
    }

    #[test]
    fn acts_are_called_as_their_operations() {
        assert_eq!(in_snake_case("AddReading"), "add_reading");
        assert_eq!(singular("service-requests"), "service_request");
    }
}

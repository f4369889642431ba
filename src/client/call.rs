//! A call as it goes out: made from an operation and its parameters, then the
//! same for all.

use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use crate::api::operation::{ENDPOINTS, Endpoint, Method, Operation};

/// A prepared call.
#[derive(Debug, Clone)]
pub struct Call {
    pub(super) method: Method,
    /// Path and query.
    pub(super) target: String,
    pub(super) body: Option<Vec<u8>>,
    pub(super) key: Option<String>,
    pub(super) if_match: Option<i64>,
    /// How long ago it was typed.
    pub(super) kept_for: Option<Duration>,
    /// The operation's row.
    pub endpoint: Endpoint,
}

impl Call {
    /// Prepares an operation. A POST gets a new idempotency key, so that its
    /// repeats are one write; keep the call to send it again.
    #[must_use]
    pub fn of<O: Operation>(path: &O::Path, query: &O::Query, body: &O::Body) -> Self {
        let endpoint = O::ENDPOINT;
        let mut target = filled(endpoint.path, path);
        let query = as_query(query);
        if !query.is_empty() {
            target.push('?');
            target.push_str(&query);
        }
        let has_body = !matches!(endpoint.method, Method::Get | Method::Delete);
        Self {
            method: endpoint.method,
            target,
            body: has_body.then(|| serde_json::to_vec(body).unwrap_or_default()),
            key: (endpoint.method == Method::Post).then(|| uuid::Uuid::now_v7().to_string()),
            if_match: None,
            kept_for: None,
            endpoint,
        }
    }

    /// A call that was written down; none if there is no such operation.
    pub(super) fn of_parts(operation: &str, target: String, body: Option<Vec<u8>>, key: Option<String>) -> Option<Self> {
        let endpoint = ENDPOINTS.iter().find(|endpoint| endpoint.name == operation)?;
        Some(Self { method: endpoint.method, target, body, key, if_match: None, kept_for: None, endpoint: *endpoint })
    }

    /// It was typed so long ago: where it names no time, that is when it was.
    #[must_use]
    pub(super) const fn kept_for(mut self, kept_for: Duration) -> Self {
        self.kept_for = Some(kept_for);
        self
    }

    /// Only if the record is still of this version.
    #[must_use]
    pub const fn if_match(mut self, version: i64) -> Self {
        self.if_match = Some(version);
        self
    }

    /// Under a key of before: what was written under that is not written again.
    #[must_use]
    pub fn under(mut self, key: String) -> Self {
        self.key = self.key.is_some().then_some(key);
        self
    }

    /// The key it is sent under; empty for what is no POST.
    #[must_use]
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or_default()
    }

    /// Path and query: what is asked for.
    #[must_use]
    pub fn target(&self) -> &str {
        &self.target
    }

    /// Whether an answer is one of this operation: whoever else sits at that
    /// address has taken nothing.
    pub(super) fn is_answered_by(&self, answer: &[u8]) -> bool {
        (self.endpoint.shapes.is_answer)(answer)
    }

    /// Whether another call would do the same.
    #[must_use]
    pub fn says_the_same(&self, other: &Self) -> bool {
        self.method == other.method && self.target == other.target && self.body == other.body && self.if_match == other.if_match
    }

    /// Whether sending twice is the same as sending once.
    pub(super) fn may_be_repeated(&self) -> bool {
        self.method == Method::Get || self.key.is_some()
    }
}

/// The path with its `{parameters}` filled in.
fn filled(template: &str, path: &impl Serialize) -> String {
    let values = serde_json::to_value(path).unwrap_or_default();
    let mut filled = String::with_capacity(template.len() + 32);
    for part in template.split('/').skip(1) {
        filled.push('/');
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => filled.push_str(&escaped(values.get(name).and_then(Value::as_str).unwrap_or_default())),
            None => filled.push_str(part),
        }
    }
    filled
}

fn as_query(query: &impl Serialize) -> String {
    let values = serde_json::to_value(query).unwrap_or_default();
    let pairs = values.as_object().into_iter().flatten().filter_map(|(name, value)| {
        let text = match value {
            Value::Null => return None,
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        Some(format!("{name}={}", escaped(&text)))
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// Percent-encoding of all but the unreserved characters of RFC 3986.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::customer::{CustomerQuery, SearchBy};
    use crate::api::ids::AssetId;
    use crate::api::operation::{ListReadings, OfMeter, SearchCustomers, SignOut};
    use crate::api::page::{Nothing, PageQuery};

    #[test]
    fn parameters_go_where_the_table_says() {
        let query = CustomerQuery { q: "Müller & Söhne".to_owned(), by: SearchBy::Name, ..CustomerQuery::default() };
        let call = Call::of::<SearchCustomers>(&Nothing {}, &query, &Nothing {});
        assert_eq!(call.target, "/v1/customers?by=name&q=M%C3%BCller%20%26%20S%C3%B6hne");
        let id = AssetId::new();
        let path = OfMeter { id, meter: "engine_hours.left/../x".to_owned() };
        let call = Call::of::<ListReadings>(&path, &PageQuery::default(), &Nothing {});
        assert_eq!(call.target, format!("/v1/assets/{id}/meters/engine_hours.left%2F..%2Fx/readings"));
    }

    #[test]
    fn only_what_cannot_harm_is_repeated() {
        assert!(!Call::of::<SignOut>(&Nothing {}, &Nothing {}, &Nothing {}).may_be_repeated());
    }
}

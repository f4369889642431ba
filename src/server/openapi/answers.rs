//! With what an operation is answered: the status where it is done, and every
//! refusal by rules over the table. What no rule tells, the row says.

use std::collections::BTreeSet;

use schemars::Schema;
use serde_json::{Map, Value, json};

use crate::api::PROBLEM_JSON;
use crate::api::access::Needs;
use crate::api::operation::{Endpoint, Method};

/// Refusals that say when another try makes sense.
const LATER: [u16; 2] = [429, 503];
/// The version that was looked at is not the present one.
const STALE: u16 = 412;

/// All answers of an operation.
pub(super) fn of(endpoint: &Endpoint, answer: &Schema) -> Value {
    let done = match endpoint.method {
        Method::Delete => json!({ "description": "Done" }),
        _ => json!({ "description": "Done", "content": { "application/json": { "schema": answer } } }),
    };
    let mut answers = Map::from_iter([(endpoint.done.to_string(), done)]);
    for status in refused_with(endpoint) {
        let name = if LATER.contains(&status) { "Later" } else { "Problem" };
        answers.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
    }
    Value::Object(answers)
}

/// The two sorts of refusals.
pub(super) fn refusals(problem: &Schema) -> Value {
    let content = json!({ PROBLEM_JSON: { "schema": problem } });
    let after = json!({ "Retry-After": { "description": "Seconds", "required": true, "schema": { "type": "integer", "minimum": 0 } } });
    json!({
        "Problem": { "description": "Refused; `code` says why.", "content": content.clone() },
        "Later": { "description": "Refused for now; `code` says why.", "headers": after, "content": content },
    })
}

/// Whether the operation changes a record that has versions.
pub(super) fn may_be_stale(endpoint: &Endpoint) -> bool {
    let changes = matches!(endpoint.method, Method::Patch | Method::Put) && is_of_a_record(endpoint);
    changes || endpoint.also.contains(&STALE)
}

/// The statuses of all refusals.
fn refused_with(endpoint: &Endpoint) -> BTreeSet<u16> {
    // A query that nobody knows; a failure of ours; no place just now.
    let mut refusals = BTreeSet::from([422, 500, 503]);
    refusals.extend(endpoint.also);
    let (is_open, writes) = (endpoint.needs == Needs::Open, endpoint.method != Method::Get);
    if !is_open {
        refusals.extend([401, 403]);
    }
    if is_of_a_record(endpoint) {
        refusals.insert(404);
    }
    if writes {
        // A body that comes too slowly, and one that is too large.
        refusals.extend([408, 413]);
    }
    if writes && !is_open {
        refusals.insert(409);
    }
    if may_be_stale(endpoint) {
        refusals.insert(STALE);
    }
    refusals
}

fn is_of_a_record(endpoint: &Endpoint) -> bool {
    endpoint.path.contains('{')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::operation::{CancelRequest, ChangeCustomer, ListShops, Operation as _, SignIn};

    #[test]
    fn refusals_follow_from_the_table() {
        let of = |endpoint: Endpoint| refused_with(&endpoint).into_iter().collect::<Vec<_>>();
        assert_eq!(of(ListShops::ENDPOINT), [401, 403, 422, 500, 503]);
        assert_eq!(of(SignIn::ENDPOINT), [401, 403, 408, 413, 422, 429, 500, 503]);
        assert_eq!(of(ChangeCustomer::ENDPOINT), [401, 403, 404, 408, 409, 412, 413, 422, 500, 503]);
        assert!(may_be_stale(&CancelRequest::ENDPOINT), "a request is cancelled as it was seen");
    }
}

//! T22: nobody sets by writing what its form does not have. Every write gets
//! every name that any shape knows, and some that attackers try.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::contract::{Contract, Operation, Target, known_names};
use super::targets::{People, Targets, signed_in};
use crate::harness::Caller;

/// What attackers try, whether or not a shape knows it.
const TRIED: [&str; 22] = [
    "role",
    "roles",
    "org_id",
    "id",
    "price",
    "organization",
    "organization_id",
    "shop_id",
    "permissions",
    "kind",
    "state",
    "version",
    "row_version",
    "created_by",
    "requested_by",
    "owner_shop_id",
    "password_hash",
    "is_admin",
    "user_id",
    "__proto__",
    "granted_by",
    "designated_by",
];

/// Every record that a write could have changed, as the administrator sees it.
async fn records(admin: &Caller, targets: &Targets, people: &People) -> Vec<(String, Value)> {
    let own = |noun| targets.id(Target::Own, noun);
    let paths = [
        format!("/v1/customers/{}", own("customers")),
        format!("/v1/customers/{}/contacts", own("customers")),
        format!("/v1/customers/{}/consents", own("customers")),
        format!("/v1/contacts/{}", own("contacts")),
        format!("/v1/assets/{}", own("assets")),
        format!("/v1/assets/{}/meters/engine_hours/readings", own("assets")),
        format!("/v1/service-requests/{}", own("service-requests")),
        format!("/v1/users/{}", people.user(Target::Own)),
        "/v1/service-requests?limit=200".to_owned(),
        "/v1/organizations?limit=200".to_owned(),
        "/v1/shops?limit=200".to_owned(),
        "/v1/users?limit=200".to_owned(),
        "/v1/kiosks".to_owned(),
        "/v1/roles".to_owned(),
        "/v1/service-codes".to_owned(),
        "/v1/portal-settings".to_owned(),
        "/v1/session".to_owned(),
    ];
    let mut records = Vec::new();
    for path in paths {
        let (status, mut body) = admin.get(&path).await;
        assert_eq!(status, 200, "{path}: {body}");
        // It moves with every call.
        if let Some(members) = body.as_object_mut() {
            members.remove("expires_at");
        }
        records.push((path, body));
    }
    records
}

/// The smallest body with one more member.
fn with_member(operation: &Operation, name: &str) -> Option<Value> {
    let mut body = operation.body.clone()?;
    body.as_object_mut()?.insert(name.to_owned(), json!("canary"));
    Some(body)
}

/// Why a member was not refused; none if it was.
async fn taken(caller: &Caller, operation: &Operation, path: &str, name: &str) -> Option<String> {
    let body = with_member(operation, name)?.to_string().into_bytes();
    let answer = caller.send(&operation.method, path, &[("accept-encoding", "identity")], Some(body)).await;
    let refused = answer.status == 422 && answer.json()["detail"].as_str().is_some_and(|detail| detail.contains("unknown field"));
    (!refused).then(|| format!("{} takes {name:?}: {} {}", operation.id, answer.status, answer.text))
}

on_both_databases! {
    async fn t22_no_write_takes_a_member_that_its_form_does_not_have(w: World) {
        let targets = Targets::plant(&w).await;
        let people = People::hire(&w, &targets, "victim").await;
        let (_, document) = w.stranger().get("/openapi.json").await;
        let contract = Contract::read(&document, &Contract::matrix());
        let names: BTreeSet<String> = known_names(&document).into_iter().chain(TRIED.map(str::to_owned)).collect();
        assert!(names.len() > 100, "{}", names.len());
        let admin = signed_in(&w, "admin").await;
        let before = records(&admin, &targets, &people).await;
        let (mut tried, mut found) = (0, Vec::new());
        for operation in contract.operations.iter().filter(|operation| operation.body.is_some()) {
            let path = targets.address(&operation.path, Target::Own, &people, None).unwrap();
            for name in names.iter().filter(|name| !operation.fields.contains(*name)) {
                tried += 1;
                found.extend(taken(&admin, operation, &path, name).await);
            }
        }
        assert_eq!(found, Vec::<String>::new());
        assert!(tried > 3_000, "{tried}");
        let after = records(&admin, &targets, &people).await;
        assert_eq!(before, after, "nothing has changed");
        // The harness sees one that is taken, and that the record has changed.
        let change = contract.operation("ChangeCustomer");
        let path = targets.address(&change.path, Target::Own, &people, None).unwrap();
        assert!(taken(&admin, change, &path, "city").await.is_some_and(|found| found.contains("ChangeCustomer takes \"city\": 200")));
        assert_ne!(records(&admin, &targets, &people).await, after);
    }

    async fn t22_what_a_form_has_for_answers_only_changes_nothing(w: World) {
        let admin = signed_in(&w, "admin").await;
        // Inside the form: a scope's name is told, never taken.
        let body = json!({ "username": "nora", "kind": "staff", "last": "Lind", "shop": "SLN" });
        let (_, nora) = admin.post("/v1/users", body).await;
        let path = format!("/v1/users/{}/grants", nora["id"].as_str().unwrap());
        let scope = json!({ "kind": "shop", "id": "SLN", "name": "The whole deployment" });
        let (status, given) = admin.post(&path, json!({ "role": "technician", "scope": scope })).await;
        assert_eq!((status, &given["grants"][0]["scope"]["name"]), (201, &json!("San Leandro")), "{given}");
        // Members of members, and a member that stands twice.
        let counter = signed_in(&w, "counter").await;
        let requests = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        for body in [
            json!({ "complaint": "x", "requester": { "first": "A", "last": "B", "phone": "+15105550100", "user_id": "x" } }),
            json!({ "complaint": "x", "lines": [{ "service_code": "OIL", "price": "0.00" }] }),
            json!({ "complaint": "x", "driver": { "first": "A", "role": "administrator" } }),
        ] {
            assert_eq!(counter.post(&requests, body.clone()).await.0, 422, "{body}");
        }
        let twice = br#"{"complaint":"x","shop":"SLN","shop":"RNO"}"#.to_vec();
        assert_eq!(counter.send("POST", &requests, &[], Some(twice)).await.status, 422);
        assert_eq!(counter.get("/v1/service-requests").await.1["items"], json!([]));
    }
}

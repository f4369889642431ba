//! Every role at every operation: refused exactly where the matrix says so
//! (8.2, 3.1), and described so that anyone can check it.

use countertop::api::access::{Access, Needs, access};
use countertop::api::operation::{ENDPOINTS, Endpoint, Method};
use countertop::api::permission::Permission;
use countertop::api::role::{Limit, Role};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::harness::{Answer, Caller, grant, keys, refused_by_role};

/// The path with ids of records that do not exist.
fn dummy_path(endpoint: &Endpoint) -> String {
    endpoint.path.replace("{id}", &uuid::Uuid::now_v7().to_string()).replace("{meter}", "engine_hours")
}

async fn call(caller: &Caller, endpoint: &Endpoint, body: &str) -> Answer {
    let has_body = !matches!(endpoint.method, Method::Get | Method::Delete);
    caller.send(endpoint.method.name(), &dummy_path(endpoint), &[], has_body.then(|| body.as_bytes().to_vec())).await
}

fn names(permissions: &[Permission]) -> Vec<&'static str> {
    permissions.iter().map(|permission| permission.name()).collect()
}

/// One row of the contract: method, path, all needed, any needed, more.
type Row = (&'static str, &'static str, &'static [&'static str], &'static [&'static str], &'static [&'static str]);

/// The table of 8.2, typed from the contract and not from the code.
const CONTRACT: &[Row] = &[
    ("GET", "/v1/session", &[], &[], &[]),
    ("PATCH", "/v1/session", &[], &[], &[]),
    ("DELETE", "/v1/session", &[], &[], &[]),
    ("GET", "/v1/customers", &["customer.search"], &[], &[]),
    ("POST", "/v1/customers", &["customer.create"], &[], &[]),
    ("GET", "/v1/customers/{id}", &["customer.view"], &[], &[]),
    ("PATCH", "/v1/customers/{id}", &["customer.edit"], &[], &[]),
    ("PUT", "/v1/customers/{id}/number", &[], &["customer.dms_number.set_blank", "customer.dms_number.change"], &["customer.dms_number.change"]),
    ("GET", "/v1/customers/{id}/assets", &["asset.list.view"], &[], &[]),
    ("GET", "/v1/assets/lookup", &["asset.lookup"], &[], &[]),
    ("GET", "/v1/assets/{id}", &["asset.lookup"], &[], &[]),
    ("GET", "/v1/assets/{id}/identification", &["asset.identification.view"], &[], &[]),
    ("GET", "/v1/assets/{id}/meters", &["meter.view"], &[], &[]),
    ("GET", "/v1/assets/{id}/meters/{meter}/readings", &["meter.view"], &[], &[]),
    ("POST", "/v1/assets/{id}/readings", &["meter.reading.add_edit"], &[], &["meter.override"]),
    ("POST", "/v1/readings/{id}/void", &["meter.reading.void"], &[], &[]),
    ("POST", "/v1/assets/{id}/meters/{meter}/replace", &["meter.replace"], &[], &[]),
    ("GET", "/v1/assets/{id}/service-requests", &["service_request.view"], &[], &[]),
    ("POST", "/v1/assets/{id}/service-requests", &["service_request.add_edit"], &[], &[]),
    ("POST", "/v1/service-requests", &["service_request.add_edit"], &[], &[]),
    ("GET", "/v1/service-requests", &["service_request.view"], &[], &[]),
    ("GET", "/v1/service-requests/{id}", &["service_request.view"], &[], &[]),
    ("POST", "/v1/service-requests/{id}/cancel", &["service_request.cancel"], &[], &[]),
    ("GET", "/v1/assets/{id}/repairs", &["repair.pending.view"], &[], &[]),
    ("GET", "/v1/service-codes", &[], &[], &[]),
    ("GET", "/v1/shops", &[], &[], &[]),
    ("GET", "/v1/organizations", &[], &[], &[]),
];

on_both_databases! {
    async fn every_role_is_refused_exactly_what_its_template_lacks(w: World) {
        let (hour, end) = (SignedDuration::from_hours(1), Timestamp::now() + SignedDuration::from_hours(2));
        for role in Role::all() {
            let user = w.add_user(&format!("walker_{}", role.key), "staff", &[grant(&role.key, "deployment", None)]).await;
            let mut caller = w.open_session(user, hour, end).await;
            for endpoint in ENDPOINTS {
                let whom = format!("{} at {}", role.key, endpoint.name);
                match access(role.permissions(), endpoint.needs) {
                    Access::Denied(missing) => {
                        // Nonsense for a body: the refusal comes first.
                        let answer = call(&caller, endpoint, "{nonsense").await;
                        let body = answer.json();
                        assert_eq!((answer.status, &body["code"]), (403, &json!("permission.missing")), "{whom}: {body}");
                        assert_eq!(body["missing"], json!(names(&missing)), "{whom}");
                        assert_eq!(answer.header("content-type"), "application/problem+json", "{whom}");
                    }
                    Access::Allowed => {
                        let answer = call(&caller, endpoint, "{}").await;
                        assert!(!matches!(answer.status, 401 | 403) && answer.status < 500, "{whom}: {} {}", answer.status, answer.text);
                    }
                }
                if endpoint.name == "SignOut" {
                    caller = w.open_session(user, hour, end).await;
                }
            }
        }
    }

    async fn without_a_session_everything_but_the_sign_in_is_401(w: World) {
        for endpoint in ENDPOINTS {
            let answer = call(&w.stranger(), endpoint, "{nonsense").await;
            let wanted = if endpoint.needs == Needs::Open { 422 } else { 401 };
            assert_eq!(answer.status, wanted, "{}: {}", endpoint.name, answer.text);
        }
    }

    async fn an_account_without_any_grant_may_nothing(w: World) {
        w.add_user("bare", "staff", &[]).await;
        let bare = w.sign_in("bare").await;
        let (status, session) = bare.get("/v1/session").await;
        assert_eq!((status, &session["permissions"], &session["shop"]), (200, &json!([]), &Value::Null));
        for path in ["/v1/shops", "/v1/organizations"] {
            assert_eq!(bare.get(path).await.1["items"], json!([]), "{path}");
        }
        assert_eq!(bare.find("/v1/customers", &[("q", "keller")]).await.0, 403);
    }

    async fn the_session_lists_what_the_templates_grant(w: World) {
        let accounts = [
            ("admin", "administrator"), ("gm", "general_manager"), ("manager", "service_manager"), ("counter", "counter_staff"), ("tech", "technician"),
            ("kiosk", "kiosk"), ("executive", "executive"), ("accounts", "accounts"), ("fleet", "fleet"), ("portaluser", "portal_user"),
        ];
        for (username, role) in accounts {
            let role = Role::named(role).unwrap();
            let (_, session) = w.sign_in(username).await.get("/v1/session").await;
            let granted: Vec<&str> = role.permissions().iter().map(Permission::name).collect();
            assert_eq!(session["permissions"], json!(granted), "{username}");
            for permission in Permission::all() {
                let limit = session["limits"].get(permission.name()).and_then(Value::as_str);
                let wanted = match role.limit(permission) {
                    Some(Limit::Own) => Some("own"),
                    Some(Limit::Basic) => Some("basic"),
                    Some(Limit::Full) | None => None,
                };
                assert_eq!(limit, wanted, "{username}: {permission}");
            }
        }
    }

    async fn a_grant_at_one_shop_is_no_grant_at_another(w: World) {
        let grants = [grant("technician", "shop", Some(w.ids.sln.to_string())), grant("service_manager", "shop", Some(w.ids.stk.to_string()))];
        w.add_user("mixed", "staff", &grants).await;
        let mixed = w.sign_in("mixed").await;
        let (_, reading) = mixed.post(&format!("/v1/assets/{}/readings", w.ids.excavator), json!({ "value": "12904" })).await;
        let void = mixed.post(&format!("/v1/readings/{}/void", reading["id"].as_str().unwrap()), json!({ "reason": "x" })).await;
        assert_eq!(void.0, 404, "voiding reaches Stockton only, and this is San Leandro's: {}", void.1);
        let edit = mixed.patch(&format!("/v1/customers/{}", w.ids.keller), json!({ "city": "X" }), None).await;
        assert_eq!(edit.0, 404, "{}", edit.1);
        let (status, _) = mixed.put(&format!("/v1/customers/{}/number", w.ids.talus), json!({ "shop": "STK", "number": "20991" }), None).await;
        assert_eq!(status, 200);
    }

    async fn what_only_some_bodies_need_is_asked_of_the_grant_that_reaches_there(w: World) {
        let grants = [grant("counter_staff", "shop", Some(w.ids.sln.to_string())), grant("service_manager", "shop", Some(w.ids.stk.to_string()))];
        w.add_user("mixed", "staff", &grants).await;
        let mixed = w.sign_in("mixed").await;
        let number = mixed.put(&format!("/v1/customers/{}/number", w.ids.keller), json!({ "shop": "SLN", "number": "10443" }), None).await;
        refused_by_role(&number, &["customer.dms_number.change"]);
        let body = json!({ "value": "14000", "override_reason": "because" });
        let reading = mixed.post(&format!("/v1/assets/{}/readings", w.ids.excavator), body).await;
        refused_by_role(&reading, &["meter.override"]);
    }

    async fn a_basic_view_at_one_shop_stays_basic_beside_a_full_one_at_another(w: World) {
        let grants = [grant("technician", "shop", Some(w.ids.sln.to_string())), grant("counter_staff", "shop", Some(w.ids.stk.to_string()))];
        w.add_user("mixed", "staff", &grants).await;
        let mixed = w.sign_in("mixed").await;
        let (_, of_sln) = mixed.get(&format!("/v1/customers/{}", w.ids.keller)).await;
        assert_eq!(keys(&of_sln), keys(&json!({ "id": 0, "name": 0, "city": 0, "phone": 0 })));
        let (_, of_stk) = mixed.get(&format!("/v1/customers/{}", w.ids.talus)).await;
        assert_eq!(of_stk["state"], "OR", "seen in full through Stockton");
    }

    async fn the_document_says_what_each_operation_needs(w: World) {
        let (status, document) = w.stranger().get("/openapi.json").await;
        assert_eq!(status, 200);
        let texts = |value: &Value| value.as_array().map(|list| list.iter().map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>());
        for endpoint in ENDPOINTS {
            let described = &document["paths"][endpoint.path][endpoint.method.name().to_lowercase()];
            assert!(described.is_object(), "{} is described", endpoint.name);
            let (all, any) = match endpoint.needs {
                Needs::Open => (None, None),
                Needs::SignedIn => (Some(vec![]), None),
                Needs::All(all) => (Some(names(all)), None),
                Needs::Any(any) => (Some(vec![]), Some(names(any))),
            };
            let owned = |names: Option<Vec<&'static str>>| names.map(|names| names.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(texts(&described["x-permission"]), owned(all), "{}", endpoint.name);
            assert_eq!(texts(&described["x-permission-any"]), owned(any), "{}", endpoint.name);
            let more = (!endpoint.more.is_empty()).then(|| names(endpoint.more));
            assert_eq!(texts(&described["x-permission-more"]), owned(more), "{}", endpoint.name);
        }
        let described: usize = document["paths"].as_object().unwrap().values().map(|methods| keys(methods).len()).sum();
        assert_eq!(described, ENDPOINTS.len(), "and no other");
    }

    async fn the_document_is_the_contracts_table(w: World) {
        let (_, document) = w.stranger().get("/openapi.json").await;
        for (method, path, all, any, more) in CONTRACT {
            let described = &document["paths"][*path][method.to_lowercase()];
            assert_eq!(described["x-permission"], json!(all), "{method} {path}");
            let optional = |names: &[&str]| if names.is_empty() { Value::Null } else { json!(names) };
            assert_eq!(described["x-permission-any"], optional(any), "{method} {path}");
            assert_eq!(described["x-permission-more"], optional(more), "{method} {path}");
        }
        let sign_in = &document["paths"]["/v1/sessions"]["post"];
        assert!(sign_in.is_object() && sign_in.get("x-permission").is_none(), "open to all");
    }
}

//! What stands beside the operations: health, figures, the document and its
//! page, request ids, unknown paths, and stopping.

use std::net::SocketAddr;

use countertop::server::{Arrangements, ServeError, Transport, openapi_document, serve};
use serde_json::{Value, json};

use super::by_hand::change;
use crate::harness::{each, keys, refused, refused_fields};

on_both_databases! {
    async fn health_readiness_and_figures_need_no_sign_in(w: World) {
        let stranger = w.stranger();
        // It is ready when all customers are in the index; a search waits for that.
        w.sign_in("counter").await.find("/v1/customers", &[("q", "confidential")]).await;
        for (path, text) in [("/healthz", "ok"), ("/readyz", "ready")] {
            let answer = stranger.send("GET", path, &[], None).await;
            assert_eq!((answer.status, answer.text.trim()), (200, text), "{path}");
        }
        w.sign_in("counter").await.get(&format!("/v1/customers/{}", w.ids.keller)).await;
        let figures = stranger.send("GET", "/metrics", &[], None).await;
        assert_eq!(figures.status, 200);
        assert!(figures.header("content-type").starts_with("text/plain"));
        assert!(figures.text.contains("countertop_requests_total{"), "{}", figures.text);
        assert!(figures.text.contains("path=\"/v1/customers/{id}\""), "paths are templates: {}", figures.text);
        let id = w.ids.keller.to_string();
        for personal in ["confidential", id.as_str(), "Keller"] {
            assert!(!figures.text.contains(personal), "{personal}");
        }
    }

    async fn trap_14_a_nul_is_no_failure_wherever_it_stands(w: World) {
        let admin = w.sign_in("admin").await;
        let (status, role) = admin.post("/v1/roles", json!({ "copy_of": "technician\0", "key": "washer", "name": "Wa\0sher" })).await;
        assert_eq!((status, role["name"].as_str()), (201, Some("Washer")), "{role}");
        let (status, nora) = admin.post("/v1/users", json!({ "username": "nora", "kind": "staff", "last": "Null", "shop": "S\0LN" })).await;
        assert_eq!((status, nora["shop"]["code"].as_str()), (201, Some("SLN")), "{nora}");
        let (status, found) = admin.get("/v1/assets/lookup?tag=10%0042&organization=KEL%00LER").await;
        assert_eq!((status, found["items"].as_array().map(Vec::len)), (200, Some(1)), "{found}");
        refused(&admin.patch("/v1/roles/washer%00", json!({}), None).await, 404, "not_found");
        // A cursor of somebody's own making: the text of one NUL.
        refused_fields(&admin.get("/v1/shops?cursor=Ilx1MDAwMCI").await, &["cursor"]);
    }

    async fn the_document_is_openapi_3_1_and_made_from_the_code(w: World) {
        let answer = w.stranger().send("GET", "/openapi.json", &[], None).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
        let document = answer.json();
        assert_eq!(document, openapi_document());
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        for shape in ["Problem", "CustomerHit", "Customer", "Asset", "Reading", "ServiceRequest", "Session"] {
            assert!(document["components"]["schemas"][shape].is_object(), "{shape} is described");
        }
        let parameters = document["paths"]["/v1/customers"]["get"]["parameters"].as_array().unwrap();
        let names: Vec<&str> = parameters.iter().map(|parameter| parameter["name"].as_str().unwrap()).collect();
        for name in ["q", "by", "limit", "cursor"] {
            assert!(names.contains(&name), "{name} in {names:?}");
        }
        assert_eq!(dangling(&document, &document), Vec::<String>::new(), "every reference leads somewhere");
    }

    async fn the_page_loads_nothing_from_elsewhere(w: World) {
        let answer = w.stranger().send("GET", "/docs", &[], None).await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").starts_with("text/html"));
        let page = answer.text.to_lowercase();
        for loader in ["<script", "<link", "<iframe", "<img", "src=", "@import", "url(", "href='http", "href=\"http", "href=http", "href=//", "href='//"] {
            assert!(!page.contains(loader), "{loader}");
        }
        for path in ["/v1/customers/{id}/number", "/v1/assets/lookup"] {
            assert!(page.contains(path), "{path} is on it");
        }
        assert!(page.contains("customer.dms_number.change"));
    }

    async fn every_answer_bears_a_request_id(w: World) {
        let counter = w.sign_in("counter").await;
        let id = |answer: &crate::harness::Answer| answer.header("x-request-id").to_owned();
        let sent = counter.send("GET", "/v1/session", &[("x-request-id", "terminal-7.a_B")], None).await;
        assert_eq!(id(&sent), "terminal-7.a_B", "the caller's own, where it is harmless");
        let long = "x".repeat(65);
        for odd in ["two words", "semi;colon", long.as_str(), ""] {
            let answer = counter.send("GET", "/v1/session", &[("x-request-id", odd)], None).await;
            assert!(id(&answer) != odd && !id(&answer).is_empty(), "{odd:?}");
        }
        let (first, second) = (counter.send("GET", "/healthz", &[], None).await, counter.send("GET", "/nowhere", &[], None).await);
        assert!(!id(&first).is_empty() && !id(&second).is_empty() && id(&first) != id(&second));
    }

    async fn unknown_paths_and_wrong_methods_are_problems(w: World) {
        let counter = w.sign_in("counter").await;
        for path in ["/", "/v1", "/v1/nothing", "/v1/customers/a/b/c", "/v2/customers"] {
            let answer = counter.send("GET", path, &[], None).await;
            assert_eq!((answer.status, answer.header("content-type")), (404, "application/problem+json"), "{path}");
            assert_eq!(answer.json()["code"], "not_found");
        }
        for (method, path) in [("DELETE", "/v1/customers"), ("PUT", "/v1/session"), ("POST", "/healthz"), ("PATCH", "/v1/shops")] {
            let answer = counter.send(method, path, &[], None).await;
            assert_eq!((answer.status, answer.header("content-type")), (405, "application/problem+json"), "{method} {path}");
            assert_eq!(answer.json()["code"], "method.not_allowed");
        }
    }

    async fn a_problem_has_the_members_of_rfc_9457(w: World) {
        let answer = w.sign_in("counter").await.post("/v1/customers", json!({})).await;
        refused_fields(&answer, &["name", "number"]);
        assert_eq!(keys(&answer.1), keys(&json!({ "type": 0, "title": 0, "status": 0, "detail": 0, "code": 0, "fields": 0 })));
        assert_eq!(answer.1["status"], 422);
        assert!(answer.1["type"].as_str().unwrap().contains("fields.invalid") && !answer.1["title"].as_str().unwrap().is_empty());
    }

    async fn answers_with_personal_data_are_not_cached(w: World) {
        let counter = w.sign_in("counter").await;
        for path in ["/v1/session".to_owned(), format!("/v1/customers/{}", w.ids.keller), "/v1/customers?q=keller".to_owned()] {
            assert_eq!(counter.send("GET", &path, &[], None).await.header("cache-control"), "no-store", "{path}");
        }
    }

    async fn a_failure_of_ours_is_told_without_its_cause(w: World) {
        let counter = w.sign_in("counter").await;
        // Somebody took a table away: the database names it in its complaint.
        change(&w, "ALTER TABLE service_code RENAME TO service_code_of_before", &[]).await;
        let answer = counter.send("GET", "/v1/service-codes", &[], None).await;
        refused(&(answer.status, answer.json()), 500, "server.failed");
        assert_eq!(keys(&answer.json()), keys(&json!({ "type": 0, "title": 0, "status": 0, "detail": 0, "code": 0, "request_id": 0 })));
        let told = answer.text.to_lowercase();
        for cause in ["service_code", "table", "relation", "select", "sqlite", "postgres", ".rs"] {
            assert!(!told.contains(cause), "{cause} in {told}");
        }
        assert_eq!(answer.json()["request_id"], answer.header("x-request-id"), "by it the cause is found in the log");
    }

    async fn no_site_of_another_origin_is_let_in(w: World) {
        let counter = w.sign_in("counter").await;
        // What a browser says of another site's page, and what it asks before.
        let asks = [("origin", "https://elsewhere.example"), ("access-control-request-method", "POST"), ("access-control-request-headers", "authorization, content-type")];
        let calls =
            [("GET", "/v1/session", 200), ("GET", "/openapi.json", 200), ("GET", "/nowhere", 404), ("OPTIONS", "/v1/sessions", 405), ("OPTIONS", "/v1/customers", 405)];
        for (method, path, status) in calls {
            let headers = if method == "OPTIONS" { &asks[..] } else { &asks[..1] };
            let answer = counter.send(method, path, headers, None).await;
            assert_eq!(answer.status, status, "{method} {path}");
            let allows: Vec<_> = answer.headers.keys().filter(|name| name.as_str().starts_with("access-control-")).collect();
            assert!(allows.is_empty(), "{method} {path}: {allows:?}");
        }
    }

    async fn a_demo_is_served_on_loopback_only(w: World) {
        let everywhere = SocketAddr::from(([0, 0, 0, 0], 0));
        // Not even where plain HTTP was asked for twice.
        for transport in [Transport::Plain, Transport::PlainAnywhere] {
            let served = serve(w.app.db.clone(), everywhere, transport, Arrangements::default()).await;
            assert!(matches!(served, Err(ServeError::DemoInTheOpen(_))), "{served:?}");
        }
    }

    async fn lists_for_forms_keep_to_the_scope(w: World) {
        let codes = async |name: &str, path: &str| {
            let (status, body) = w.sign_in(name).await.get(path).await;
            assert_eq!(status, 200, "{body}");
            each(&body, "/code").join(" ")
        };
        assert_eq!(codes("counter", "/v1/shops").await, "SLN STK");
        assert_eq!(codes("gm", "/v1/shops").await, "RNO SLN STK");
        assert_eq!(codes("executive", "/v1/shops").await, "SLN");
        assert_eq!(codes("gm", "/v1/organizations").await, "DEALER KBB KELLER KELLER-RENT KST TALUS WACO-ST");
        assert_eq!(codes("counter", "/v1/organizations").await, "DEALER KBB KELLER KELLER-RENT TALUS WACO-ST");
        assert_eq!(codes("kiosk", "/v1/organizations").await, "KBB KELLER TALUS WACO-ST", "portal-enabled ones of its shop");
        assert_eq!(codes("executive", "/v1/organizations").await, "KELLER");
        assert_eq!(codes("accounts", "/v1/service-codes").await, "BRK OIL", "by name");
    }

    async fn lists_for_forms_come_in_pages_too(w: World) {
        let gm = w.sign_in("gm").await;
        for (path, all) in [("/v1/shops", "RNO SLN STK"), ("/v1/organizations", "DEALER KBB KELLER KELLER-RENT KST TALUS WACO-ST")] {
            let mut found: Vec<String> = Vec::new();
            let mut next = String::new();
            loop {
                let (status, page) = gm.get(&format!("{path}?limit=2{next}")).await;
                assert_eq!(status, 200, "{page}");
                found.extend(each(&page, "/code").into_iter().map(str::to_owned));
                let Some(cursor) = page["next"].as_str() else { break };
                next = format!("&cursor={cursor}");
            }
            assert_eq!(found.join(" "), all, "{path}");
            refused_fields(&gm.get(&format!("{path}?limit=0")).await, &["limit"]);
            refused(&gm.get(&format!("{path}?page=2")).await, 422, "query.invalid");
        }
        let (_, organizations) = gm.get("/v1/organizations?limit=4").await;
        let keller = organizations["items"].as_array().unwrap().iter().find(|organization| organization["code"] == "KELLER").unwrap();
        assert_eq!(keller["customer"], json!({ "id": w.ids.keller, "number": "10442", "name": "Keller Bau GmbH" }));
        assert_eq!(keller["portal_enabled"], true);
        assert_eq!(organizations["items"][0]["customer"], Value::Null);
    }

    async fn stopping_finishes_and_then_takes_no_more(w: World) {
        let counter = w.sign_in("counter").await;
        assert_eq!(counter.get("/v1/session").await.0, 200);
        w.stop().await;
        let address = w.server.trim_start_matches("http://").to_owned();
        let refused = tokio::net::TcpStream::connect(&address).await;
        assert!(refused.is_err(), "nobody listens at {address}");
        assert!(w.app.db.read().await.is_err(), "the database is closed");
    }
}

/// References within a document that lead nowhere.
fn dangling(document: &Value, part: &Value) -> Vec<String> {
    match part {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str).filter(|reference| {
                let pointer = reference.strip_prefix('#').unwrap_or("nowhere");
                document.pointer(pointer).is_none()
            });
            own.map(str::to_owned).into_iter().chain(members.values().flat_map(|member| dangling(document, member))).collect()
        }
        Value::Array(items) => items.iter().flat_map(|item| dangling(document, item)).collect(),
        _ => Vec::new(),
    }
}

//! Right after a start, while a server still reads its customers: a search waits and
//! is right, all else is answered meanwhile as it is later.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::program::{Program, Start};
use crate::dice::Dice;
use crate::harness::{Caller, World, each};

/// A server that does not begin to read its customers before it is told to.
struct Starting {
    program: Program,
    folder: TempDir,
}

impl Starting {
    fn over(w: &World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sign = folder.path().join("not yet");
        std::fs::write(&sign, "").unwrap();
        let mut program = Program::over(w.address(), &mut Dice::of(u64::from(std::process::id())));
        program.start(Start { environment: &[("COUNTERTOP_DWELLS_ON", sign.display().to_string())], ..Start::default() });
        Self { program, folder }
    }

    fn sign(&self) -> impl AsRef<Path> {
        self.folder.path().join("not yet")
    }

    /// Lets it read them.
    fn go_on(&self) {
        std::fs::remove_file(self.sign()).unwrap();
    }
}

/// What is shown with a customer's number, by whose path it is asked for.
async fn numbers_are_in(w: &World) -> Vec<String> {
    let ids = w.ids;
    let request = serde_json::json!({ "unit_number": "1052", "complaint": "Brakes squeal" });
    let (status, made) = w.sign_in("gm").await.post("/v1/service-requests", request).await;
    assert_eq!(status, 201, "{made}");
    vec![
        "/v1/session".to_owned(),
        "/v1/assets/lookup?tag=1042".to_owned(),
        format!("/v1/assets/{}", ids.truck),
        format!("/v1/assets/{}/identification", ids.tanker),
        format!("/v1/customers/{}/assets", ids.talus),
        "/v1/organizations".to_owned(),
        format!("/v1/service-requests/{}", made["id"].as_str().unwrap()),
    ]
}

/// An answer without the one thing that each call puts off.
async fn asked(caller: &Caller, path: &str) -> (u16, Value) {
    let (status, mut body) = caller.get(path).await;
    if let Some(fields) = body.as_object_mut() {
        fields.remove("expires_at");
    }
    (status, body)
}

/// Every customer's number of an answer.
fn numbers(body: &Value) -> usize {
    match body {
        Value::Object(fields) => {
            let own = usize::from(fields.contains_key("name") && fields.get("number").is_some_and(Value::is_string));
            own + fields.values().map(numbers).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(numbers).sum(),
        _ => 0,
    }
}

/// Waits as long as the slowest machine takes to read seven customers.
async fn until_ready(caller: &Caller) {
    for _ in 0..600 {
        if caller.get("/readyz").await.0 == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server never became ready");
}

on_both_databases! {
    async fn while_the_customers_are_read_all_but_a_search_is_answered_as_it_is_later(w: World) {
        let starting = Starting::over(&w);
        let paths = numbers_are_in(&w).await;
        let mut seen = 0;
        for name in ["admin", "gm", "counter", "fleet"] {
            let later = w.sign_in(name).await;
            let now = later.over_at(&starting.program.url());
            for path in &paths {
                let (soon, late) = (asked(&now, path).await, asked(&later, path).await);
                assert_eq!(soon, late, "{name} asks for {path}");
                seen += numbers(&late.1);
            }
        }
        assert!(seen > 20, "only {seen} numbers were compared");
        assert_eq!(w.stranger().over_at(&starting.program.url()).get("/readyz").await.0, 503);
    }

    async fn a_search_waits_until_all_customers_are_read_and_holds_up_nobody(w: World) {
        let starting = Starting::over(&w);
        let counter = w.sign_in("counter").await;
        let here = counter.over_at(&starting.program.url());
        // More than may be in work at once.
        let searches: Vec<_> = (0..200).map(|_| tokio::spawn({
            let here = here.clone();
            async move { here.find("/v1/customers", &[("q", "keller")]).await }
        })).collect();
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (status, session) = here.get("/v1/session").await;
        assert_eq!(status, 200, "{session}");
        assert!(searches.iter().all(|search| !search.is_finished()), "a search was answered out of nothing");

        starting.go_on();
        let answer = counter.find("/v1/customers", &[("q", "keller")]).await;
        assert_eq!(each(&answer.1, "/name").len(), 3, "{}", answer.1);
        let mut right = 0;
        for search in searches {
            let (status, body) = search.await.unwrap();
            // Where so many go on at once some are told to come again.
            assert!((status, &body) == (answer.0, &answer.1) || status == 429 || status == 503, "{status} {body}");
            right += usize::from(status == 200);
        }
        assert!(right > 0);
        until_ready(&here).await;
    }

    async fn what_is_written_meanwhile_is_found_afterwards(w: World) {
        let starting = Starting::over(&w);
        let counter = w.sign_in("counter").await.over_at(&starting.program.url());
        let (status, made) = counter.post("/v1/customers", serde_json::json!({ "name": "Early Bird Hauling", "number": "EB-1" })).await;
        assert_eq!(status, 201, "{made}");
        let (status, shown) = counter.get(&format!("/v1/customers/{}", made["id"].as_str().unwrap())).await;
        assert_eq!((status, &shown["name"]), (200, &made["name"]));
        starting.go_on();
        let (_, found) = counter.find("/v1/customers", &[("q", "early bird")]).await;
        assert_eq!(each(&found, "/name"), ["Early Bird Hauling"]);
    }
}

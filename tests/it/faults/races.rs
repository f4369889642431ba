//! Many write the same at once: one of them wins, and all others are told who it
//! was (T5).

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::dice;
use crate::harness::{Caller, refused};

/// Who wants the same number.
const WRITERS: usize = 64;

/// All want one number for customers of different names: the winner's id, and
/// what the others were told.
async fn one_number(counter: &Caller, number: &str) -> (Vec<String>, Vec<(u16, Value)>) {
    let together = Arc::new(Barrier::new(WRITERS));
    let mut writers = JoinSet::new();
    for nth in 0..WRITERS {
        let (counter, together) = (counter.clone(), Arc::clone(&together));
        let body = json!({ "name": format!("Race {number} {nth}"), "number": number });
        writers.spawn(async move {
            together.wait().await;
            counter.post_with_key("/v1/customers", &uuid::Uuid::now_v7().to_string(), body).await
        });
    }
    let (mut winners, mut losers) = (Vec::new(), Vec::new());
    for answer in writers.join_all().await {
        match answer.status {
            201 => winners.push(answer.json()["id"].as_str().unwrap().to_owned()),
            _ => losers.push((answer.status, answer.json())),
        }
    }
    (winners, losers)
}

/// All change one customer, naming this version if any.
async fn all_change(counter: &Caller, path: &str, round: i64, version: Option<i64>) -> Vec<(u16, Value)> {
    let mut writers = JoinSet::new();
    for nth in 0..WRITERS {
        let (counter, path) = (counter.clone(), path.to_owned());
        writers.spawn(async move { counter.patch(&path, json!({ "notes": format!("{round} {nth}") }), version).await });
    }
    writers.join_all().await
}

/// The one who changed it, and all the others, who were told of a stale version; or
/// what is wrong.
fn one_changed(answers: Vec<(u16, Value)>) -> Result<(Value, Vec<Value>), String> {
    let (mut won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.0 == 200);
    if let Some((status, answer)) = lost.iter().find(|answer| (answer.0, answer.1["code"].as_str()) != (412, Some("version.stale"))) {
        return Err(format!("one was told {status} {answer}"));
    }
    match (won.pop(), won.len()) {
        (Some((_, won)), 0) => Ok((won, lost.into_iter().map(|(_, told)| told).collect())),
        (None, _) => Err("nobody changed it".to_owned()),
        (Some(_), more) => Err(format!("{} changed it", more + 1)),
    }
}

on_both_databases! {
    async fn of_all_who_want_a_number_one_gets_it_and_the_others_hear_who(w: World) {
        let counter = w.sign_in("counter").await;
        for round in 0..dice::times("COUNTERTOP_ROUNDS", 5) {
            let number = format!("77{round:06}");
            let (winners, losers) = one_number(&counter, &number).await;
            assert_eq!((winners.len(), losers.len()), (1, WRITERS - 1), "round {round}: {winners:?}");
            for told in &losers {
                refused(told, 409, "customer.number_taken");
                assert_eq!(told.1["current"][0]["id"], winners[0].as_str(), "{}", told.1);
            }
            let (_, found) = counter.find("/v1/customers", &[("q", number.as_str()), ("by", "number")]).await;
            assert_eq!((&found["total"], found["items"][0]["id"].as_str()), (&json!(1), Some(winners[0].as_str())), "{found}");
        }
    }

    async fn of_all_who_change_one_customer_one_does_and_the_others_see_it(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/customers/{}", w.ids.smithfield);
        for round in 1..=i64::try_from(dice::times("COUNTERTOP_ROUNDS", 5)).unwrap() {
            let (won, lost) = one_changed(all_change(&counter, &path, round, Some(round)).await).unwrap();
            assert_eq!(won["version"], json!(round + 1));
            for told in &lost {
                assert_eq!(told["current"]["notes"], won["notes"]);
            }
        }
    }

    async fn many_who_change_one_customer_without_a_look_at_its_version_would_be_found(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/customers/{}", w.ids.smithfield);
        let found = one_changed(all_change(&counter, &path, 1, None).await).unwrap_err();
        assert!(found.contains("changed it") || found.contains("was told"), "{found}");
    }

    async fn of_all_who_void_one_reading_one_does_and_the_others_hear_that_it_is_void(w: World) {
        let manager = w.sign_in("gm").await;
        let readings = format!("/v1/assets/{}/readings", w.ids.loader);
        for round in 0..dice::times("COUNTERTOP_ROUNDS", 5) {
            let (status, made) = manager.post(&readings, json!({ "meter": "cycles", "value": "100", "comment": format!("round {round}") })).await;
            assert_eq!(status, 201, "{made}");
            let reading = format!("/v1/readings/{}", made["id"].as_str().unwrap());
            for (path, body, refusal) in [
                (format!("{reading}/void"), json!({ "reason": "typed wrong" }), "reading.void_already"),
                (format!("{reading}/restore"), json!({}), "reading.not_void"),
            ] {
                let mut writers = JoinSet::new();
                for _ in 0..WRITERS {
                    let (manager, path, body) = (manager.clone(), path.clone(), body.clone());
                    writers.spawn(async move { manager.post(&path, body).await });
                }
                let answers = writers.join_all().await;
                let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.0 == 200);
                assert_eq!(won.len(), 1, "round {round}: {lost:?}");
                for told in &lost {
                    refused(told, 409, refusal);
                }
            }
        }
    }

    async fn of_all_who_ask_for_one_service_one_does_and_the_others_hear_of_it(w: World) {
        let admin = w.sign_in("admin").await;
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        for round in 0..dice::times("COUNTERTOP_ROUNDS", 5) {
            let mut writers = JoinSet::new();
            for _ in 0..WRITERS {
                let (admin, path) = (admin.clone(), path.clone());
                writers.spawn(async move { admin.post(&path, json!({ "lines": [{ "service_code": "OIL" }] })).await });
            }
            let answers = writers.join_all().await;
            let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.0 == 201);
            assert_eq!(won.len(), 1, "round {round}: {lost:?}");
            for told in &lost {
                refused(told, 409, "service_request.duplicate");
            }
            let cancel = format!("/v1/service-requests/{}/cancel", won[0].1["id"].as_str().unwrap());
            assert_eq!(admin.post(&cancel, json!({ "reason": "next round" })).await.0, 200);
        }
    }
}

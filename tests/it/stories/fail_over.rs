//! The primary of a real pair of PostgreSQL servers falls over in the middle of
//! the work, and its standby takes its place (T4).

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::dice;
use crate::faults::model::{Act, Found, Kind, Told, not_once};
use crate::harness::cluster::{self, Cluster};
use crate::harness::exchange::Exchange;
use crate::harness::{Answer, Caller, World, rows};

/// So long nothing may be written after the standby was promoted.
const SOON: Duration = Duration::from_secs(15);
const WRITERS: usize = 4;

/// Whether an answer says no for now. Whoever says so says when to come again.
fn is_for_now(answer: &Answer) -> bool {
    if answer.status >= 500 {
        assert_eq!(answer.status, 503, "{}", answer.text);
        assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds <= 10), "{:?} {}", answer.headers, answer.text);
        return true;
    }
    answer.json()["code"] == "idempotency.running"
}

/// Writes one customer after the other, each under its key until it is
/// acknowledged.
async fn writes(counter: Caller, who: usize, is_over: Arc<AtomicBool>, acknowledged: Arc<Mutex<Vec<Act>>>) {
    for nth in 0.. {
        if is_over.load(Ordering::Relaxed) {
            return;
        }
        let name = format!("Kept {who}x{nth:05}");
        let body = json!({ "name": name, "number": format!("K-{who}-{nth}"), "confirm_duplicate": true });
        let answer = loop {
            let answer = counter.post_with_key("/v1/customers", &name, body.clone()).await;
            if !is_for_now(&answer) {
                break answer;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        };
        assert_eq!(answer.status, 201, "{}", answer.text);
        let id = answer.json()["id"].as_str().unwrap().to_owned();
        acknowledged.lock().unwrap().push(Act { kind: Kind::Customer, mark: name, told: Told::Saved(id) });
    }
}

fn how_many(acknowledged: &Mutex<Vec<Act>>) -> usize {
    acknowledged.lock().unwrap().len()
}

/// Waits until more was acknowledged than before.
async fn until_more(acknowledged: &Mutex<Vec<Act>>, than: usize, patience: Duration) {
    let end = Instant::now() + patience;
    while how_many(acknowledged) <= than {
        assert!(Instant::now() < end, "nothing more than {than} was written within {patience:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[expect(clippy::print_stderr, reason = "a story that is left out says so")]
fn is_left_out() -> bool {
    let is_left_out = !cluster::can_be_made();
    if is_left_out {
        eprintln!("left out: the programs of PostgreSQL are not on this machine");
    }
    is_left_out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "the figures are what T4 asks for")]
async fn the_primary_is_lost_and_its_standby_promoted_and_nothing_is_lost_or_doubled() {
    if is_left_out() {
        return;
    }
    // More by `COUNTERTOP_FAIL_OVERS=30`.
    for nth in 1..=dice::times("COUNTERTOP_FAIL_OVERS", 2) {
        let (kept, soon, faults) = it_happens(Cluster::standby).await;
        assert!(faults.is_empty(), "{faults:#?}");
        eprintln!("T4 fail-over {nth}: {kept} acknowledged and there once each, written again {soon:?} after the promotion");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_nobody_waits_for_would_be_found() {
    if is_left_out() {
        return;
    }
    let (_, _, faults) = it_happens(Cluster::standby_left_behind).await;
    assert!(faults.iter().any(|fault| fault.starts_with("lost")), "{faults:?}");
}

/// Once, with such a standby: how many writes were acknowledged, how soon it was
/// written again, and all that is wrong with what is there.
async fn it_happens(standby: impl AsyncFnOnce(&Cluster) -> Cluster) -> (usize, Duration, Vec<String>) {
    let primary = Cluster::new();
    let exchange = Exchange::to(vec![primary.target()]).await;
    let w = World::over(&format!("postgres://app@{}/postgres?sslmode=disable", exchange.address)).await;
    let counter = w.sign_in("counter").await;
    let standby = standby(&primary).await;
    let (is_over, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(Vec::new())));
    let writing: Vec<_> =
        (0..WRITERS).map(|who| tokio::spawn(writes(counter.moved_to(&w.server), who, Arc::clone(&is_over), Arc::clone(&acknowledged)))).collect();
    until_more(&acknowledged, 40, Duration::from_mins(1)).await;

    primary.kill();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let path = format!("/v1/customers/{}", w.ids.keller);
    assert!(is_for_now(&counter.send("GET", &path, &[], None).await), "without a database nobody knows");
    assert_eq!(counter.get("/healthz").await.0, 200, "the server itself lives");
    standby.promote();
    exchange.lead_to(vec![standby.target()]);
    let before = how_many(&acknowledged);
    let promoted = Instant::now();
    until_more(&acknowledged, before, SOON).await;
    let soon = promoted.elapsed();
    until_more(&acknowledged, before + 40, Duration::from_mins(1)).await;
    assert_eq!(counter.get(&path).await.0, 200, "and read");

    is_over.store(true, Ordering::Relaxed);
    let mut faults = Vec::new();
    for one in writing {
        faults.extend(one.await.err().map(|error| format!("somebody was given another answer: {error}")));
    }
    let acts = acknowledged.lock().unwrap().clone();
    faults.extend(not_once(&acts, &there(&w).await));
    w.stop().await;
    (acts.len(), soon, faults)
}

/// What the database has of it.
async fn there(w: &World) -> Vec<Found> {
    let rows: Vec<(String, String)> = rows::rows(&w.app.db, "SELECT name, id FROM customer WHERE name LIKE 'Kept %'").await;
    rows.into_iter().map(|(mark, id)| Found { kind: Kind::Customer, mark, id }).collect()
}

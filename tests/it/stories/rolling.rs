//! Several servers on one database, each the program itself: one after the other
//! is stopped and started anew, and nobody at a counter notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use countertop::store::Db;
use serde_json::json;
use sqlx::ConnectOptions as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinError;

use super::by_hand::texts;
use crate::harness::exchange::{Exchange, Target};
use crate::harness::serving::Serving;
use crate::harness::{Caller, Database, World, tell};

fn targets(serving: &[Serving]) -> Vec<Target> {
    serving.iter().map(|server| Target::Tcp(server.address.clone())).collect()
}

/// Writes and reads without a pause; what was acknowledged. No answer but the
/// right one is taken.
async fn works(counter: Caller, keller: String, who: usize, is_over: Arc<AtomicBool>) -> Vec<String> {
    let mut kept = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let name = format!("Rolling {who}x{:05}", kept.len());
        let body = json!({ "name": name, "number": format!("R-{who}-{}", kept.len()), "confirm_duplicate": true });
        let answer = counter.post_with_key("/v1/customers", &name, body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        kept.push(name);
        let (status, body) = counter.get(&format!("/v1/customers/{keller}")).await;
        assert_eq!(status, 200, "{body}");
    }
    kept
}

/// Ends servers one after the other, in this way, while people work; what became of
/// their work.
async fn rolled(w: &World, end: fn(Serving)) -> Vec<Result<Vec<String>, JoinError>> {
    let Db::Postgres(lines) = &w.app.db else { panic!("a file has one server") };
    let database = lines.pool().connect_options().to_url_lossy().to_string();
    let folder = tempfile::tempdir().unwrap();
    let start = |nth: usize| {
        let own = folder.path().join(nth.to_string());
        std::fs::create_dir(&own).unwrap();
        Serving::start(&own, &["--database", &database])
    };
    let mut serving: Vec<Serving> = (0..2).map(start).collect();
    let exchange = Exchange::to(targets(&serving)).await;
    let counter = w.sign_in("counter").await;
    let is_over = Arc::new(AtomicBool::new(false));
    let address = format!("http://{}", exchange.address);
    let working: Vec<_> = (0..4).map(|who| tokio::spawn(works(counter.moved_to(&address), w.ids.keller.to_string(), who, Arc::clone(&is_over)))).collect();
    for nth in 2..6 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        end(serving.remove(0));
        serving.push(start(nth));
        exchange.lead_to(targets(&serving));
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    is_over.store(true, Ordering::Relaxed);
    let mut all = Vec::new();
    for one in working {
        all.push(one.await);
    }
    all
}

async fn one_after_the_other(w: World) {
    let mut kept = Vec::new();
    for one in rolled(&w, |mut server| server.stop()).await {
        kept.extend(one.expect("nobody noticed anything"));
    }
    kept.sort();
    assert!(kept.len() > 20, "there was work: {}", kept.len());
    let mut there = texts(&w, "SELECT name FROM customer WHERE name LIKE 'Rolling %'").await;
    there.sort();
    assert_eq!(there, kept, "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_are_started_anew_one_by_one_and_nobody_notices() {
    tell(Database::Postgres, one_after_the_other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_end_without_a_farewell_would_be_noticed() {
    tell(Database::Postgres, |w| async move {
        assert!(rolled(&w, drop).await.iter().any(Result::is_err), "somebody heard no answer");
    })
    .await;
}

/// Asks whether the server lives, and hears the whole answer.
async fn asked(line: &mut TcpStream) -> String {
    line.write_all(b"GET /healthz HTTP/1.1\r\nhost: counter\r\n\r\n").await.unwrap();
    let (mut said, mut part) = (String::new(), [0_u8; 1_024]);
    while !said.ends_with("\r\n\r\nok\n") {
        let read = line.read(&mut part).await.unwrap();
        assert!(read > 0, "it hung up: {said:?}");
        said.push_str(&String::from_utf8_lossy(&part[..read]));
    }
    said
}

on_both_databases! {
    async fn a_server_that_stops_says_so_on_every_line_before_it_hangs_up(w: World) {
        let mut line = TcpStream::connect(w.server.trim_start_matches("http://")).await.unwrap();
        assert!(!asked(&mut line).await.contains("connection: close"));
        let stopping = tokio::spawn({
            let w = w.clone();
            async move { w.stop().await }
        });
        // Whoever hears nothing of it before the line is cut fails here.
        while !asked(&mut line).await.contains("connection: close") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(line.read(&mut [0_u8; 1]).await.unwrap(), 0, "and then it hangs up");
        stopping.await.unwrap();
    }
}

//! More is asked than can be done, and some dawdle on purpose: whoever cannot be
//! served is told so at once, and nobody else is harmed.
//!
//! What is looked at says what is wrong, if something is: where nothing holds
//! anybody up, or everything does, it has to.

use std::time::{Duration, Instant};

use countertop::server::{Arrangements, Limits};
use countertop::store::customers;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::by_hand::{change, texts};
use crate::harness::{Caller, World, keys, refused};

/// Long enough for a slow machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough to see that nothing comes.
const A_MOMENT: Duration = Duration::from_secs(1);
/// Longer than any test.
const FOR_EVER: Duration = Duration::from_hours(1);

fn arranged(limits: Limits) -> Arrangements {
    Arrangements { limits, ..Arrangements::default() }
}

/// A line to a server, without a client that knows its manners.
async fn line(caller: &Caller) -> TcpStream {
    TcpStream::connect(caller.server.trim_start_matches("http://")).await.unwrap()
}

/// All that is said until the server hangs up; none where it does not so soon.
async fn heard(line: &mut TcpStream, patience: Duration) -> Option<String> {
    let mut said = Vec::new();
    let ended = tokio::time::timeout(patience, line.read_to_end(&mut said)).await.ok()?;
    assert!(ended.is_ok() || !said.is_empty(), "{ended:?}");
    Some(String::from_utf8_lossy(&said).into_owned())
}

/// The same of one that does.
async fn said(line: &mut TcpStream) -> String {
    heard(line, PATIENCE).await.expect("the server hangs up")
}

/// All that is said to one request.
async fn said_after(mut line: TcpStream, request: &str) -> String {
    line.write_all(request.as_bytes()).await.unwrap();
    said(&mut line).await
}

/// Asks whether the server lives, and leaves the line open.
async fn asks(line: &mut TcpStream) -> String {
    let mut said = [0_u8; 12];
    let asking = async {
        line.write_all(b"GET /healthz HTTP/1.1\r\nhost: counter\r\n\r\n").await?;
        line.read_exact(&mut said).await
    };
    let _ = tokio::time::timeout(PATIENCE, asking).await.expect("somebody answers");
    String::from_utf8_lossy(&said).into_owned()
}

/// Three calls for which there is no place: whether each is told that, and nothing
/// from which one sees that anything was looked at.
async fn told_of_no_place(counter: &Caller, stranger: &Caller) -> Vec<Result<(), String>> {
    let mut told = Vec::new();
    for (caller, method, body) in [(counter, "GET", None), (stranger, "GET", None), (counter, "POST", Some(b"{".to_vec()))] {
        let path = if method == "GET" { "/v1/session" } else { "/v1/customers" };
        let answer = caller.send(method, path, &[], body).await;
        let body = answer.json();
        let is_busy = (answer.status, body["code"].as_str()) == (503, Some("server.busy"));
        let comes_again = (answer.header("retry-after"), answer.header("content-type")) == ("1", "application/problem+json");
        let members = json!({ "type": 0, "title": 0, "status": 0, "detail": 0, "code": 0, "retry_after": 0, "request_id": 0 });
        let is_right = is_busy && comes_again && keys(&body) == keys(&members);
        told.push(if is_right { Ok(()) } else { Err(format!("{method} {path}: {} {}", answer.status, answer.text)) });
    }
    told
}

/// A body trickles in where there are these limits, and somebody else writes; what
/// is wrong.
async fn trickles(w: &World, limits: Limits, patience: Duration) -> Result<(), String> {
    let narrow = w.beside(arranged(limits)).await;
    let counter = narrow.sign_in("counter").await;
    let token = counter.token.as_deref().unwrap();
    let mut trickling = line(&counter).await;
    let head = format!(
        "POST /v1/customers HTTP/1.1\r\nhost: counter\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{{"
    );
    trickling.write_all(head.as_bytes()).await.unwrap();
    let (status, made) = counter.post("/v1/customers", json!({ "name": "Meanwhile Inc", "number": "M-1" })).await;
    if status != 201 {
        return Err(format!("others do not write meanwhile: {made}"));
    }
    match heard(&mut trickling, patience).await {
        None => Err("it is waited for".to_owned()),
        Some(told) if told.starts_with("HTTP/1.1 408") && told.contains("body.too_slow") => Ok(()),
        Some(told) => Err(told),
    }
}

/// Somebody asks for six writes at once where there are these limits, and another
/// for one; what is wrong.
async fn asks_for_much(w: &World, limits: Limits, patience: Duration) -> Result<(), String> {
    let narrow = w.beside(arranged(limits)).await;
    let (counter, gm) = (narrow.sign_in("counter").await, narrow.sign_in("gm").await);
    let path = format!("/v1/customers/{}", w.ids.keller);
    let writes = |caller: &Caller, note: String| {
        let (caller, path) = (caller.clone(), path.clone());
        async move { caller.patch(&path, json!({ "notes": note }), None).await }
    };
    // Whoever changes this customer waits until it is let go.
    let mut held = w.app.db.write().await.unwrap();
    customers::lock(&mut held, w.ids.keller).await.unwrap();
    let mut rush = JoinSet::new();
    for nth in 0..6 {
        rush.spawn(writes(&counter, format!("rush {nth}")));
    }
    for _ in 0..2 {
        // One is worked on and three wait.
        let Ok(told) = tokio::time::timeout(patience, rush.join_next()).await else { return Err("nobody is told so".to_owned()) };
        let (status, told) = told.unwrap().unwrap();
        if (status, told["code"].as_str(), told["retry_after"].as_u64()) != (503, Some("server.busy"), Some(1)) {
            return Err(format!("he is told {status} {told}"));
        }
    }
    let calm = tokio::spawn(writes(&gm, "in peace".to_owned()));
    let (status, told) = counter.get(&path).await;
    if status != 200 {
        return Err(format!("he may not read: {told}"));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    // He has a place and waits for the customer only.
    if calm.is_finished() {
        return Err("the other one is turned away".to_owned());
    }
    drop(held);
    // All of them are served, though only one may have seen the latest version.
    let mut told = rush.join_all().await.into_iter().chain([calm.await.unwrap()]);
    told.try_for_each(|(status, told)| if matches!(status, 200 | 412) { Ok(()) } else { Err(told.to_string()) })
}

/// Begins to ask, and never ends, where a head has so long; whether the server
/// hangs up.
async fn never_ends(w: &World, head: Duration, patience: Duration) -> Result<(), String> {
    let brisk = w.beside(arranged(Limits { head, ..Limits::default() })).await;
    let mut dawdling = line(&brisk.stranger()).await;
    dawdling.write_all(b"GET /healthz HTTP/1.1\r\nhost: coun").await.unwrap();
    let told = heard(&mut dawdling, patience).await.ok_or("it is waited for")?;
    assert_eq!(brisk.stranger().get("/healthz").await.0, 200);
    if told.contains("200 OK") { Err(told) } else { Ok(()) }
}

/// Asks by this head; whether that is answered as it should be.
async fn asks_at_length(stranger: &Caller, head: &str, status: &str) -> Result<(), String> {
    let mut line = line(stranger).await;
    // He may be told before he has said all of it.
    let _ = line.write_all(head.as_bytes()).await;
    let mut told = [0_u8; 12];
    match line.read_exact(&mut told).await {
        Ok(_) if told.starts_with(status.as_bytes()) => Ok(()),
        Ok(_) => Err(String::from_utf8_lossy(&told).into_owned()),
        // What was said to him went with what he had not said yet.
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

on_both_databases! {
    async fn without_a_place_one_is_told_so_before_anything_is_looked_at(w: World) {
        let full = w.beside(arranged(Limits { reads: 0, writes: 0, ..Limits::default() })).await;
        let counter = full.sign_in("counter").await;
        for told in told_of_no_place(&counter, &full.stranger()).await {
            told.unwrap();
        }
        for path in ["/healthz", "/readyz", "/metrics"] {
            assert_eq!(full.stranger().send("GET", path, &[], None).await.status, 200, "{path} is answered all the same");
        }
    }

    async fn a_server_that_looks_at_what_it_has_no_place_for_would_be_found(w: World) {
        let told = told_of_no_place(&w.sign_in("counter").await, &w.stranger()).await;
        assert!(told.iter().all(Result::is_err), "{told:?}");
    }

    async fn strangers_are_told_too_and_whoever_is_signed_in_works_on(w: World) {
        let closed = w.beside(arranged(Limits { strangers: 0, ..Limits::default() })).await;
        let sign_in = json!({ "username": "counter", "password": "demo" });
        let answer = closed.stranger().send("POST", "/v1/sessions", &[], Some(sign_in.to_string().into_bytes())).await;
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
        let counter = closed.joined_by(&w.sign_in("counter").await);
        assert_eq!(counter.get("/v1/session").await.0, 200);
    }

    async fn a_body_that_trickles_in_is_given_up_and_takes_nobodys_place(w: World) {
        trickles(&w, Limits { writes: 1, body: Duration::from_secs(2), ..Limits::default() }, PATIENCE).await.unwrap();
    }

    async fn a_body_that_is_waited_for_or_takes_somebodys_place_would_be_found(w: World) {
        let found = trickles(&w, Limits { writes: 0, ..Limits::default() }, PATIENCE).await.unwrap_err();
        assert!(found.contains("others do not write") && found.contains("server.busy"), "{found}");
        let found = trickles(&w, Limits { body: FOR_EVER, ..Limits::default() }, A_MOMENT).await;
        assert_eq!(found, Err("it is waited for".to_owned()));
    }

    async fn whoever_asks_for_much_at_once_is_told_so_and_others_are_served(w: World) {
        asks_for_much(&w, Limits { writes: 4, of_one: 2, ..Limits::default() }, PATIENCE).await.unwrap();
    }

    async fn one_who_gets_all_he_asks_for_or_takes_all_places_would_be_found(w: World) {
        let found = asks_for_much(&w, Limits::default(), A_MOMENT).await;
        assert_eq!(found, Err("nobody is told so".to_owned()));
        let found = asks_for_much(&w, Limits { writes: 1, of_one: 1, ..Limits::default() }, PATIENCE).await.unwrap_err();
        assert!(found.contains("turned away") || found.contains("server.busy"), "{found}");
    }

    async fn strangers_send_little(w: World) {
        let body = json!({ "username": "counter", "password": "x".repeat(20_000) }).to_string().into_bytes();
        let answer = w.stranger().send("POST", "/v1/sessions", &[], Some(body)).await;
        refused(&(answer.status, answer.json()), 413, "body.too_large");
    }

    async fn whoever_never_finishes_asking_is_let_go(w: World) {
        never_ends(&w, Duration::from_secs(1), PATIENCE).await.unwrap();
    }

    async fn a_server_that_lets_nobody_go_would_be_found(w: World) {
        assert_eq!(never_ends(&w, FOR_EVER, A_MOMENT).await, Err("it is waited for".to_owned()));
    }

    async fn whoever_asks_at_great_length_is_told_so_and_let_go(w: World) {
        let long = "x".repeat(1_000_000);
        for (head, status) in [
            (format!("GET /healthz HTTP/1.1\r\nhost: counter\r\nx: {long}\r\n\r\n"), "HTTP/1.1 431"),
            (format!("GET /{long} HTTP/1.1\r\nhost: counter\r\n\r\n"), "HTTP/1.1 4"),
        ] {
            asks_at_length(&w.stranger(), &head, status).await.unwrap();
        }
        assert_eq!(w.stranger().get("/healthz").await.0, 200);
    }

    async fn a_server_that_takes_any_head_would_be_found(w: World) {
        // It takes this one.
        let head = format!("GET /healthz HTTP/1.1\r\nhost: counter\r\nx: {}\r\n\r\n", "x".repeat(1_000));
        assert_eq!(asks_at_length(&w.stranger(), &head, "HTTP/1.1 431").await, Err("HTTP/1.1 200".to_owned()));
    }

    async fn a_head_of_64_kib_and_100_lines_is_taken_and_no_more(w: World) {
        let (begin, end) = ("GET /healthz HTTP/1.1\r\nhost: counter\r\nconnection: close\r\n", "\r\n");
        let of_bytes = |bytes: usize| format!("{begin}x: {}\r\n{end}", "y".repeat(bytes - begin.len() - end.len() - "x: \r\n".len()));
        // Two lines stand in it already.
        let of_lines = |lines: usize| format!("{begin}{}{end}", "x: y\r\n".repeat(lines - 2));
        assert_eq!(of_bytes(65_536).len(), 65_536);
        let heads = [(of_bytes(65_536), true), (of_bytes(65_537), false), (of_bytes(90_000), false), (of_lines(100), true), (of_lines(101), false)];
        for (head, is_taken) in heads {
            let mut line = line(&w.stranger()).await;
            // He may be told before he has said all of it.
            let sent = line.write_all(head.as_bytes()).await;
            let mut told = [0_u8; 12];
            match line.read_exact(&mut told).await {
                Ok(_) => assert_eq!(&told, if is_taken { b"HTTP/1.1 200" } else { b"HTTP/1.1 431" }, "{} bytes, {sent:?}", head.len()),
                // What was said to him went with what he had not said yet.
                Err(error) => assert!(!is_taken && error.kind() == std::io::ErrorKind::ConnectionReset, "{} bytes: {error}", head.len()),
            }
        }
    }

    async fn a_server_forgets_what_nobody_needs_any_more(w: World) {
        let counter = w.sign_in("counter").await;
        for key in ["old", "young"] {
            assert_eq!(counter.post_with_key("/v1/customers", key, json!({ "name": key, "number": key })).await.status, 201);
        }
        let days = |days: i64| (days * 86_400_000_000).to_string();
        let aged = "UPDATE idempotency SET created_at = created_at - CAST($1 AS BIGINT) WHERE idempotency_key = 'old'";
        assert_eq!(change(&w, aged, &[&days(91)]).await, 1);
        assert!(change(&w, "UPDATE change SET changed_at = changed_at - CAST($1 AS BIGINT)", &[&days(2)]).await > 0);
        // Another server keeps house when it begins.
        let _beside = w.beside(Arrangements::default()).await;
        let end = Instant::now() + PATIENCE;
        while texts(&w, "SELECT idempotency_key FROM idempotency").await != ["young"] || !texts(&w, "SELECT entity_id FROM change").await.is_empty() {
            assert!(Instant::now() < end, "{:?}", texts(&w, "SELECT idempotency_key FROM idempotency").await);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn an_answer_is_packed_for_the_line_and_not_for_this_machine(w: World) {
        let gm = w.sign_in("gm").await;
        let gzip = ("accept-encoding", "gzip");
        let path = "/openapi.json";
        assert_eq!(gm.send("GET", path, &[gzip], None).await.header("content-encoding"), "");
        let packed = line(&gm).await;
        let told = said_after(packed, &format!("GET {path} HTTP/1.1\r\nhost: counter\r\naccept-encoding: gzip\r\nx-forwarded-for: 203.0.113.9\r\nconnection: close\r\n\r\n")).await;
        assert!(told.contains("content-encoding: gzip"), "behind a proxy");
        let small = line(&gm).await;
        let told = said_after(small, "GET /healthz HTTP/1.1\r\nhost: counter\r\naccept-encoding: gzip\r\nx-forwarded-for: 203.0.113.9\r\nconnection: close\r\n\r\n").await;
        assert!(told.starts_with("HTTP/1.1 200") && !told.contains("content-encoding"), "{told}");
    }

    async fn one_connection_too_many_is_told_so_and_the_next_is_served_when_one_went(w: World) {
        let small = w.beside(arranged(Limits { connections: Some(1), ..Limits::default() })).await;
        let mut first = line(&small.stranger()).await;
        assert_eq!(asks(&mut first).await, "HTTP/1.1 200");
        let told = said(&mut line(&small.stranger()).await).await;
        assert!(told.starts_with("HTTP/1.1 503") && told.contains("retry-after: 1\r\n") && told.contains("\"code\":\"server.busy\""), "{told}");
        drop(first);
        let end = Instant::now() + PATIENCE;
        while asks(&mut line(&small.stranger()).await).await != "HTTP/1.1 200" {
            assert!(Instant::now() < end, "the place is free again");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

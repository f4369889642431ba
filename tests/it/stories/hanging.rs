//! A PostgreSQL that hangs instead of failing, lines that break without a word,
//! and more slow writes than there are lines: everybody has an answer in time,
//! and all heals by itself.

use std::time::{Duration, Instant};

use countertop::server::Arrangements;
use countertop::store::Db;
use serde_json::json;
use sqlx::{Connection as _, Executor as _};
use tokio::task::JoinHandle;

use super::by_hand::texts;
use crate::harness::exchange::{Exchange, Target};
use crate::harness::{Answer, Beside, Caller, Database, World, tell};

/// Nobody waits longer for an answer, whatever the database does: not who was
/// in the middle of it, nor who comes then.
const IN_THE_MIDDLE: Duration = Duration::from_secs(35);
const THEN: Duration = Duration::from_secs(10);
/// By then all is as it was, on a slow machine too.
const HEALED: Duration = Duration::from_mins(1);

/// A server whose lines to the database go through an exchange.
struct Fragile {
    exchange: Exchange,
    db: Db,
    server: Beside,
}

impl Fragile {
    async fn over(w: &World) -> Self {
        let (exchange, address) = Exchange::before(&w.app.db).await;
        let db = Db::open(&address).await.unwrap();
        let server = w.beside_by(db.clone(), Arrangements::default()).await;
        Self { exchange, db, server }
    }

    /// Waits until no line is lent.
    async fn until_all_lines_are_back(&self) {
        let Db::Postgres(lines) = &self.db else { panic!("a file has no lines") };
        let (pool, end) = (lines.pool(), Instant::now() + HEALED);
        while pool.num_idle() < pool.size() as usize {
            assert!(Instant::now() < end, "{} of {} lines are back", pool.num_idle(), pool.size());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn read(w: &World, counter: &Caller) -> Answer {
    counter.send("GET", &format!("/v1/customers/{}", w.ids.keller), &[], None).await
}

async fn write(counter: &Caller, name: &str) -> Answer {
    counter.post_with_key("/v1/customers", name, json!({ "name": name, "number": name, "confirm_duplicate": true })).await
}

/// Told no for now, in words and with the time to come again.
#[track_caller]
fn put_off(answer: &Answer) {
    assert_eq!(not_put_off(answer), None);
}

/// What is wrong with how somebody was told no for now.
fn not_put_off(answer: &Answer) -> Option<String> {
    let code = answer.json()["code"].clone();
    let is_told = answer.status == 503 && !answer.header("retry-after").is_empty() && (code == "server.busy" || code == "database.unreachable");
    (!is_told).then(|| format!("somebody was told {} {} {:?}", answer.status, answer.text, answer.headers))
}

/// What is wrong where all of these have to be told no for now, by then.
async fn not_all_put_off(by: Instant, asking: Vec<JoinHandle<Answer>>) -> Option<String> {
    for one in asking {
        let fault = match tokio::time::timeout_at(by.into(), one).await {
            Ok(answer) => not_put_off(&answer.unwrap()),
            Err(_) => Some("somebody heard nothing in time".to_owned()),
        };
        if fault.is_some() {
            return fault;
        }
    }
    None
}

/// Forty at once, of whom every second one writes.
fn forty_ask(w: &World, counter: &Caller) -> Vec<JoinHandle<Answer>> {
    let asks = |nth: usize| {
        let (w, counter) = (w.clone(), counter.clone());
        tokio::spawn(async move { if nth.is_multiple_of(2) { read(&w, &counter).await } else { write(&counter, &format!("HUNG-{nth}")).await } })
    };
    (0..40).map(asks).collect()
}

/// Waits until it reads and writes again.
async fn until_healed(w: &World, counter: &Caller) {
    let end = Instant::now() + HEALED;
    for nth in 0.. {
        let name = format!("HEALED-{nth}");
        let (read, written) = tokio::join!(read(w, counter), write(counter, &name));
        if (read.status, written.status) == (200, 201) && counter.get("/readyz").await.0 == 200 {
            return;
        }
        assert!(Instant::now() < end, "{} {}", read.text, written.text);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn it_hangs(w: World) {
    let fragile = Fragile::over(&w).await;
    let counter = fragile.server.sign_in("counter").await;
    until_healed(&w, &counter).await;
    fragile.exchange.hold();
    let begun = Instant::now();
    let asking = forty_ask(&w, &counter);
    let health = Instant::now();
    assert_eq!(counter.get("/healthz").await.0, 200);
    assert_eq!(counter.get("/readyz").await.0, 503);
    assert!(health.elapsed() < Duration::from_secs(5), "{:?}", health.elapsed());
    assert_eq!(not_all_put_off(begun + IN_THE_MIDDLE, asking).await, None);
    let then = Instant::now();
    put_off(&read(&w, &counter).await);
    assert!(then.elapsed() < THEN, "{:?}", then.elapsed());
    fragile.exchange.go_on();
    until_healed(&w, &counter).await;
    fragile.until_all_lines_are_back().await;
    // In doubt: the answer was held back. Under its key each is there once.
    for nth in (1..40).step_by(2) {
        let name = format!("HUNG-{nth}");
        assert_eq!(write(&counter, &name).await.status, 201);
    }
    let there = texts(&w, "SELECT name FROM customer WHERE name LIKE 'HUNG-%'").await;
    assert_eq!(there.len(), 20, "{there:?}");
}

async fn lines_break_without_a_word(w: World) {
    let fragile = Fragile::over(&w).await;
    let counter = fragile.server.sign_in("counter").await;
    until_healed(&w, &counter).await;
    let at_once = |nth: usize| {
        let (w, counter) = (w.clone(), counter.clone());
        tokio::spawn(async move { if nth.is_multiple_of(2) { read(&w, &counter).await } else { write(&counter, &format!("LOST-{nth}")).await } })
    };
    // So that there are many.
    for one in (0..30).map(at_once).collect::<Vec<_>>() {
        assert!(matches!(one.await.unwrap().status, 200 | 201));
    }
    fragile.exchange.lose_all();
    let begun = Instant::now();
    for one in (30..60).map(at_once).collect::<Vec<_>>() {
        let answer = one.await.unwrap();
        assert!(matches!(answer.status, 200 | 201) || answer.status == 503, "{}", answer.text);
    }
    assert!(begun.elapsed() < IN_THE_MIDDLE, "{:?}", begun.elapsed());
    until_healed(&w, &counter).await;
    fragile.until_all_lines_are_back().await;
}

async fn slow_writes_take_no_line_from_the_readers(w: World) {
    let Db::Postgres(lines) = &w.app.db else { panic!("a file has no lines") };
    let counter = w.sign_in("counter").await;
    let mut elsewhere = sqlx::PgConnection::connect_with(&lines.pool().connect_options()).await.unwrap();
    elsewhere.execute("BEGIN; LOCK TABLE customer IN SHARE ROW EXCLUSIVE MODE").await.unwrap();
    let begun = Instant::now();
    let writing: Vec<_> = (0..60)
        .map(|nth| {
            let counter = counter.clone();
            tokio::spawn(async move { write(&counter, &format!("SLOW-{nth}")).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    for _ in 0..10 {
        let reading = Instant::now();
        assert_eq!(read(&w, &counter).await.status, 200, "whoever reads is served meanwhile");
        assert!(reading.elapsed() < Duration::from_secs(2), "{:?}", reading.elapsed());
    }
    let late = Instant::now();
    put_off(&write(&counter, "SLOW-LATE").await);
    assert!(late.elapsed() < Duration::from_secs(2), "told at once: {:?}", late.elapsed());
    for one in writing {
        put_off(&one.await.unwrap());
    }
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    elsewhere.execute("ROLLBACK").await.unwrap();
    elsewhere.close().await.unwrap();
    until_healed(&w, &counter).await;
    assert_eq!(texts(&w, "SELECT name FROM customer WHERE name LIKE 'SLOW-%'").await, Vec::<String>::new(), "nothing was kept by halves");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_hangs_holds_nobody_for_ever() {
    tell(Database::Postgres, it_hangs).await;
}

/// All is well where nobody should be served; and then whoever asks waits for
/// ever, as at a server without a clock of its own.
async fn it_waits_for_ever(w: World) {
    let exchange = Exchange::to(vec![Target::Tcp(w.server.trim_start_matches("http://").to_owned())]).await;
    let counter = w.sign_in("counter").await.moved_to(&format!("http://{}", exchange.address));
    let found = not_all_put_off(Instant::now() + IN_THE_MIDDLE, forty_ask(&w, &counter)).await.unwrap();
    assert!(found.starts_with("somebody was told 20"), "{found}");
    exchange.hold();
    let found = not_all_put_off(Instant::now() + Duration::from_secs(2), forty_ask(&w, &counter)).await.unwrap();
    assert_eq!(found, "somebody heard nothing in time");
    exchange.go_on();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_waits_for_ever_would_be_noticed() {
    tell(Database::Postgres, it_waits_for_ever).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_break_without_a_word_are_found_out() {
    tell(Database::Postgres, lines_break_without_a_word).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_slow_writes_than_lines_are_put_off_and_readers_are_served() {
    tell(Database::Postgres, slow_writes_take_no_line_from_the_readers).await;
}

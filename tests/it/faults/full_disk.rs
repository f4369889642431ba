//! The disk is full, or takes nothing more: whoever writes is told so and why,
//! what was saved stays and is read, and when there is room again all goes on
//! without a restart (T9).

use std::process::Command;
use std::time::Duration;

use countertop::store::Db;
use serde_json::{Value, json};

use super::evidence::{is_sound, pairs};
use super::program::{Program, Start};
use crate::dice::Dice;
use crate::harness::{Answer, Caller, Database, Ground, tell};

/// Files one request after the other until one is refused: those that were
/// saved, and the refusal with its mark.
async fn until_refused(counter: &Caller, path: &str) -> (Vec<String>, String, Answer) {
    let mut saved = Vec::new();
    for nth in 0..1_000 {
        let mark = format!("{nth} {}", "leaks ".repeat(150)).trim().to_owned();
        let answer = file(counter, path, &mark).await;
        if answer.status != 201 {
            return (saved, mark, answer);
        }
        saved.push(mark);
    }
    panic!("the disk is never full");
}

async fn file(counter: &Caller, path: &str, mark: &str) -> Answer {
    let key = mark.split(' ').next().unwrap_or_default();
    counter.post_with_key(path, key, json!({ "complaint": mark })).await
}

/// The refusal names the disk, and says that nothing was saved.
fn names_the_disk(refusal: &Answer, code: &str, status: u16) {
    let problem = refusal.json();
    assert_eq!((refusal.status, problem["code"].as_str()), (status, Some(code)), "{}", refusal.text);
    assert!(blames_the_disk(&problem), "{problem}");
}

/// It says that it is the disk, and that nothing was saved.
pub(super) fn blames_the_disk(problem: &Value) -> bool {
    let detail = problem["detail"].as_str().unwrap_or_default();
    detail.contains("disk") && detail.contains("nothing was saved")
}

async fn limit(write: &sqlx::SqlitePool, pages: &'static str) {
    sqlx::query(pages).execute(write).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_lived_through() {
    tell(Database::Sqlite, |w| async move {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        let Db::Sqlite { write, .. } = &w.app.db else { panic!("this is no file") };
        // Not one page more than there is.
        limit(write, "PRAGMA max_page_count = 1").await;
        let (saved, mark, refusal) = until_refused(&counter, &path).await;
        names_the_disk(&refusal, "storage.full", 507);
        let (status, list) = counter.get("/v1/service-requests?limit=200").await;
        assert_eq!((status, list["items"].as_array().map(Vec::len)), (200, Some(saved.len())), "what is there is read");
        assert_eq!(counter.find("/v1/customers", &[("q", "keller")]).await.0, 200);
        limit(write, "PRAGMA max_page_count = 1073741823").await;
        for mark in saved.iter().chain([&mark]) {
            assert_eq!(file(&counter, &path, mark).await.status, 201, "sent again");
        }
        let there = pairs(&w.app.db, "SELECT complaint, id FROM service_request").await;
        assert_eq!(there.len(), saved.len() + 1, "each is there once");
        is_sound(&w.app.db).await.unwrap();
    })
    .await;
}

/// Lets the files of a process grow; false where the system has no such thing.
fn lift_the_limit(process: u32) -> bool {
    let lifted = Command::new("prlimit").args(["--pid", &process.to_string(), "--fsize=unlimited:"]).output();
    lifted.is_ok_and(|lifted| lifted.status.success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_takes_no_more_is_told_and_lived_through() {
    let ground = Ground::new(Database::Sqlite).await;
    let now = std::fs::metadata(ground.address.trim_start_matches("sqlite://")).unwrap().len();
    let mut program = Program::over(&ground.address, &mut Dice::of(5));
    program.start(Start { largest_file: Some(now + (256 << 10)), ..Start::default() });
    let mut counter = Caller::at(&program.url(), Duration::from_secs(20));
    let (_, session) = counter.post("/v1/sessions", json!({ "username": "counter", "password": "demo" })).await;
    counter.token = session["token"].as_str().map(str::to_owned);
    let path = format!("/v1/assets/{}/service-requests", ground.ids.excavator);

    let (saved, mark, refusal) = until_refused(&counter, &path).await;
    names_the_disk(&refusal, "storage.failed", 503);
    for _ in 0..3 {
        names_the_disk(&file(&counter, &path, &mark).await, "storage.failed", 503);
        let (status, list) = counter.get("/v1/service-requests?limit=200").await;
        assert_eq!((status, list["items"].as_array().map(Vec::len)), (200, Some(saved.len())), "what is there is read");
    }
    if !lift_the_limit(program.id()) {
        program.kill();
        program.start(Start::default());
    }
    for mark in saved.iter().chain([&mark]) {
        assert_eq!(file(&counter, &path, mark).await.status, 201, "sent again");
    }
    program.kill();
    let db = Db::open(&ground.address).await.unwrap();
    let there = pairs(&db, "SELECT complaint, id FROM service_request").await;
    assert_eq!(there.len(), saved.len() + 1, "each is there once");
    is_sound(&db).await.unwrap();
    db.close().await;
}

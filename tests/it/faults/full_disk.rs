//! The disk is full, or takes nothing more: whoever writes is told so and why,
//! what was saved stays and is read, and when there is room again all goes on
//! without a restart (T9).

use std::process::Command;
use std::time::Duration;

use countertop::store::Db;
use serde_json::{Value, json};

use super::evidence::{is_sound, pairs};
use super::model::{Act, Found, Kind, Told, not_once};
use super::program::{Program, Start};
use crate::dice::Dice;
use crate::harness::{Answer, Caller, Database, Ground, tell};

/// Files one request after the other until one is refused: those that were
/// saved, and the refusal with its mark.
async fn until_refused(counter: &Caller, path: &str) -> (Vec<Act>, String, Answer) {
    let mut acts = Vec::new();
    for nth in 0..1_000 {
        let mark = format!("{nth} {}", "leaks ".repeat(150)).trim().to_owned();
        let answer = file(counter, path, &mark).await;
        if answer.status != 201 {
            return (acts, mark, answer);
        }
        acts.push(saved(&mark, &answer));
    }
    panic!("the disk is never full");
}

fn saved(mark: &str, answer: &Answer) -> Act {
    assert_eq!(answer.status, 201, "{}", answer.text);
    Act { kind: Kind::Request, mark: mark.to_owned(), told: Told::Saved(text(&answer.json(), "id")) }
}

fn text(record: &Value, field: &str) -> String {
    record[field].as_str().unwrap_or_else(|| panic!("no {field} in {record}")).to_owned()
}

/// What is read at the counter of all that was saved.
async fn read(counter: &Caller) -> Vec<Found> {
    let (status, list) = counter.get("/v1/service-requests?limit=200").await;
    assert_eq!(status, 200, "{list}");
    let found = |item: &Value| Found { kind: Kind::Request, mark: text(item, "complaint"), id: text(item, "id") };
    list["items"].as_array().into_iter().flatten().map(found).collect()
}

/// What the database has of it.
async fn kept(db: &Db) -> Vec<Found> {
    let found = |(mark, id)| Found { kind: Kind::Request, mark, id };
    pairs(db, "SELECT complaint, id FROM service_request").await.into_iter().map(found).collect()
}

/// Sends all that was saved again, which changes nothing, and then what was
/// refused.
async fn send_again(counter: &Caller, path: &str, acts: &mut Vec<Act>, refused: &str) {
    for act in acts.iter() {
        assert_eq!(saved(&act.mark, &file(counter, path, &act.mark).await).told, act.told, "sent again");
    }
    acts.push(saved(refused, &file(counter, path, refused).await));
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

const NO_MORE_THAN_THERE_IS: &str = "PRAGMA max_page_count = 1";
const AS_MUCH_AS_THERE_IS: &str = "PRAGMA max_page_count = 1073741823";

async fn limit(write: &sqlx::SqlitePool, pages: &'static str) {
    sqlx::query(pages).execute(write).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_told_and_lived_through() {
    tell(Database::Sqlite, |w| async move {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        let Db::Sqlite { write, .. } = &w.app.db else { panic!("this is no file") };
        limit(write, NO_MORE_THAN_THERE_IS).await;
        let (mut acts, mark, refusal) = until_refused(&counter, &path).await;
        names_the_disk(&refusal, "storage.full", 507);
        assert_eq!(not_once(&acts, &read(&counter).await), Vec::<String>::new(), "what is there is read");
        assert_eq!(counter.find("/v1/customers", &[("q", "keller")]).await.0, 200);
        limit(write, AS_MUCH_AS_THERE_IS).await;
        send_again(&counter, &path, &mut acts, &mark).await;
        assert_eq!(not_once(&acts, &kept(&w.app.db).await), Vec::<String>::new(), "each is there once");
        is_sound(&w.app.db).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_calls_it_saved_on_a_full_disk_would_be_found() {
    tell(Database::Sqlite, |w| async move {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        let Db::Sqlite { write, .. } = &w.app.db else { panic!("this is no file") };
        limit(write, NO_MORE_THAN_THERE_IS).await;
        let (mut acts, mark, _) = until_refused(&counter, &path).await;
        let told = Told::Saved("as some record".to_owned());
        acts.push(Act { kind: Kind::Request, mark: mark.clone(), told });
        let found = not_once(&acts, &read(&counter).await);
        assert!(matches!(found.as_slice(), [one] if one.starts_with("lost")), "{found:?}");
        // And one that forgets its keys until there is room.
        limit(write, AS_MUCH_AS_THERE_IS).await;
        acts.pop();
        send_again(&counter, &path, &mut acts, &mark).await;
        assert_eq!(counter.post_with_key(&path, "another key", json!({ "complaint": mark })).await.status, 201);
        let found = not_once(&acts, &kept(&w.app.db).await);
        assert!(matches!(found.as_slice(), [one] if one.starts_with("doubled")), "{found:?}");
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

    let (mut acts, mark, refusal) = until_refused(&counter, &path).await;
    names_the_disk(&refusal, "storage.failed", 503);
    for _ in 0..3 {
        names_the_disk(&file(&counter, &path, &mark).await, "storage.failed", 503);
        assert_eq!(not_once(&acts, &read(&counter).await), Vec::<String>::new(), "what is there is read");
    }
    if !lift_the_limit(program.id()) {
        program.kill();
        program.start(Start::default());
    }
    send_again(&counter, &path, &mut acts, &mark).await;
    program.kill();
    let db = Db::open(&ground.address).await.unwrap();
    assert_eq!(not_once(&acts, &kept(&db).await), Vec::<String>::new(), "each is there once");
    is_sound(&db).await.unwrap();
    db.close().await;
}

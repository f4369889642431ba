//! Calls that a program makes up from the document, whatever role it plays, on
//! both databases: nothing fails, and nothing is answered that the document does
//! not say. `tests/run` installs the program (`tests/schemathesis`) where Python
//! with its venv is.
//!
//! A few calls of each operation as some roles, unless `COUNTERTOP_SCHEMATHESIS`
//! says how many; then as all of them. `COUNTERTOP_SEED` fixes what is made up.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use crate::dice::number_from;
use crate::harness::{Database, World, grant, tell_within};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schemathesis");
/// So many calls of an operation in a short run, beside those that stand at the
/// edges of its schema.
const FEW: u32 = 2;
/// So many chains of calls, each led on by the answer before, to one call of an
/// operation by itself: of few of them nearly none finds a record.
const CHAINS: u32 = 50;
/// A long run takes hours.
const PATIENCE: Duration = Duration::from_hours(24);
/// Who calls in a long run.
const EVERYBODY: &[&str] = &["admin", "gm", "manager", "counter", "tech", "kiosk", "executive", "accounts", "fleet", "portaladmin", "portaluser"];
/// What ends the session that calls or others of its user, or makes somebody else of it: nothing else
/// would come through beside it, so it is called apart.
const APART: [&str; 6] = ["SignOut", "EndSession", "EndOtherSessions", "EndUserSession", "ActFor", "StopActing"];

/// How much is made up, and from which seed.
#[derive(Debug, Clone, Copy)]
struct Effort {
    calls: u32,
    seed: u32,
    is_long: bool,
}

impl Effort {
    fn asked() -> Self {
        let number = |name: &str| number_from(name).map(|told| u32::try_from(told).unwrap_or_else(|_| panic!("{name} is too large: {told}")));
        let calls = number("COUNTERTOP_SCHEMATHESIS");
        Self { calls: calls.unwrap_or(FEW), seed: number("COUNTERTOP_SEED").unwrap_or(1), is_long: calls.is_some() }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite_every_answer_is_one_of_the_document() {
    as_roles(Database::Sqlite, &["admin", "tech", "kiosk"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgresql_every_answer_is_one_of_the_document() {
    as_roles(Database::Postgres, &["counter", "portaladmin"]).await;
}

/// Each role in a world of its own, for some of what it does cannot be undone.
async fn as_roles(database: Database, some: &[&'static str]) {
    if !is_installed() {
        return;
    }
    let effort = Effort::asked();
    let roles = if effort.is_long { EVERYBODY } else { some };
    for role in roles.iter().copied() {
        tell_within(database, PATIENCE, |w| as_role(w, role, effort, database)).await;
    }
}

#[expect(clippy::print_stderr, reason = "how much was called stands in the log of the tests")]
async fn as_role(w: World, role: &'static str, effort: Effort, database: Database) {
    if role == "portaladmin" {
        w.add_user(role, "customer", &[grant("portal_administrator", "customer", Some(w.ids.keller.to_string()))]).await;
    }
    let document = format!("{}/openapi.json", w.server);
    // First, while nobody has tried so many passwords that all have to wait.
    let apart: Vec<String> = APART.iter().flat_map(|name| ["--include-operation-id".to_owned(), (*name).to_owned()]).collect();
    let rest: Vec<String> = APART.iter().flat_map(|name| ["--exclude-operation-id".to_owned(), (*name).to_owned()]).collect();
    let parts =
        [("coverage,fuzzing,stateful", effort.calls, apart), ("coverage,fuzzing", effort.calls, rest.clone()), ("stateful", effort.calls * CHAINS, rest)];
    let mut calls = 0;
    for (phases, most, operations) in parts {
        let made = made_up(role, &document, (phases, most, effort.seed), operations).await;
        assert!(made.is_fine, "as {role} on {database:?}, seed {}:\n{}", effort.seed, made.said);
        calls += made.calls;
    }
    assert!(calls > 300, "only {calls} calls were made up as {role}");
    eprintln!("schemathesis: {calls} calls as {role} on {database:?}, seed {}", effort.seed);
}

/// What came of a run.
struct Made {
    is_fine: bool,
    calls: u64,
    said: String,
}

/// Runs the program as somebody on a document, which may be a file.
async fn made_up(role: &'static str, document: &str, (phases, most, seed): (&str, u32, u32), more: Vec<String>) -> Made {
    let folder = tempfile::tempdir().unwrap();
    let mut run = Command::new(format!("{FOLDER}/venv/bin/schemathesis"));
    run.arg(format!("--config-file={FOLDER}/schemathesis.toml")).args(["run", document, "--checks=all", "--exclude-checks=positive_data_acceptance"]);
    run.args(["--max-response-time=20", "--request-timeout=40", "--report=json", "--report-json-path=report.json"]);
    run.args([format!("--phases={phases}"), format!("--max-examples={most}"), format!("--seed={seed}")]).args(more);
    // Where it leaves its caches, too.
    run.current_dir(folder.path()).env("COUNTERTOP_USER", role).env("NO_PROXY", "*");
    let output = tokio::task::spawn_blocking(move || run.output()).await.unwrap().expect("the program starts");
    let report = std::fs::read(folder.path().join("report.json")).unwrap_or_default();
    let report: Value = serde_json::from_slice(&report).unwrap_or_default();
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned()).concat();
    Made { is_fine: output.status.success(), calls: report["test_cases"]["generated"].as_u64().unwrap_or_default(), said }
}

/// Whether the program is there; where it is not, that is said.
#[expect(clippy::print_stderr, reason = "a story that is left out says so")]
fn is_installed() -> bool {
    let is_there = Path::new(FOLDER).join("venv/bin/schemathesis").is_file();
    if !is_there {
        eprintln!("left out: schemathesis is not installed here; tests/run does it where Python with its venv is");
    }
    is_there
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_document_does_not_say_is_noticed() {
    if !is_installed() {
        return;
    }
    tell_within(Database::Sqlite, PATIENCE, |w| async move {
        let (_, document) = w.stranger().get("/openapi.json").await;
        let answers = "/paths/~1v1~1customers/get/responses";
        let mut without_refusal = document.clone();
        without_refusal.pointer_mut(answers).unwrap().as_object_mut().unwrap().remove("422").unwrap();
        noticed(&w, &without_refusal, "Undocumented status code").await;
        let mut with_more = document.clone();
        with_more.pointer_mut(answers).unwrap()["200"]["content"]["application/json"]["schema"] = serde_json::json!({ "required": ["colour"] });
        noticed(&w, &with_more, "Response violates schema").await;
    })
    .await;
}

async fn noticed(w: &World, doctored: &Value, by: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("doctored.json");
    std::fs::write(&file, doctored.to_string()).unwrap();
    let more = vec![format!("--url={}", w.server), "--include-operation-id=SearchCustomers".to_owned()];
    let made = made_up("counter", &file.to_string_lossy(), ("fuzzing", 20, 1), more).await;
    assert!(!made.is_fine && made.said.contains(by), "{}", made.said);
}

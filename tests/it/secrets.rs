//! What is secret stays so: no password, no token and no code stands in a log or
//! readable in the database, whatever fails, and no process leaves a core file.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::serving::{Serving, add_administrator, configure};
use crate::harness::{Caller, refused};
use crate::terminal::screen::Terminal;

const PASSWORD: &str = "correct-horse-battery-1";
const NEXT_PASSWORD: &str = "another-horse-staple-2";
const MAIL_PASSWORD: &str = "hush-mail-server-3";
/// Sent where nothing or something else is expected; what is said of it must
/// not repeat it.
const STRAY: &str = "stray-secret-4";

/// Both sides tell all that they can; the mail server answers nobody.
const CONFIG: &str = r#"
[server]
log = "debug"
[terminal]
log = "debug"
[client]
credentials = "file"
[mail]
server = "smtps://127.0.0.1:9"
from = "Counter <counter@dealer.example>"
link_address = "https://counter.dealer.example"
user = "counter"
password_file = "mail-password"
"#;

/// Everything that the server needs.
fn furnish(folder: &Path) {
    let secret = folder.join("mail-password");
    std::fs::write(&secret, format!("{MAIL_PASSWORD}\n")).unwrap();
    configure(folder, &CONFIG.replace("mail-password", &secret.to_string_lossy()));
    add_administrator(folder, PASSWORD);
}

/// A member of an answer, as it came.
fn told(answer: &Value, name: &str) -> String {
    answer[name].as_str().unwrap_or_else(|| panic!("no {name} in {answer}")).to_owned()
}

/// Does all that a secret is part of, well and badly; gives the secrets that the
/// server made.
async fn a_day(server: &str) -> Vec<String> {
    let stranger = Caller::of(server);
    let sign_in = |password: &str| json!({ "username": "admin", "password": password });
    refused(&stranger.post("/v1/sessions", sign_in(STRAY)).await, 401, "session.refused");
    let (status, signed_in) = stranger.post("/v1/sessions", sign_in(PASSWORD)).await;
    assert_eq!(status, 201, "{signed_in}");
    let token = told(&signed_in, "token");
    let admin = stranger.with_token(&token);
    astray(&stranger, &admin).await;

    let change = |current: &str| json!({ "current": current, "new": NEXT_PASSWORD });
    assert_eq!(admin.put("/v1/session/password", change(STRAY), None).await.0, 422);
    assert_eq!(admin.put("/v1/session/password", change(PASSWORD), None).await.0, 200);

    let (status, shop) = admin.post("/v1/shops", json!({ "code": "SLN", "name": "San Leandro", "time_zone": "America/Los_Angeles", "country": "US" })).await;
    assert_eq!(status, 201, "{shop}");
    let enrolled = admin.post_with_key("/v1/kiosks", "kiosk-1", json!({ "label": "Bay 1", "shop": "SLN" })).await;
    assert_eq!(enrolled.status, 201, "{}", enrolled.text);
    let device_token = told(&enrolled.json(), "device_token");
    let (status, kiosk) = stranger.post("/v1/kiosk-sessions", json!({ "device_token": device_token })).await;
    assert_eq!(status, 201, "{kiosk}");

    let jo = json!({ "username": "jo.ortiz", "kind": "staff", "last": "Ortiz", "email": "jo@dealer.example", "shop": "SLN" });
    let (status, jo) = admin.post("/v1/users", jo).await;
    assert_eq!(status, 201, "{jo}");
    let jo = told(&jo, "id");
    let made = admin.post_with_key(&format!("/v1/users/{jo}/password"), "jo-1", json!({})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    refused(&admin.post(&format!("/v1/users/{jo}/password-link"), json!({})).await, 500, "mail.failed");
    vec![token, device_token, told(&kiosk, "token"), told(&made.json(), "password")]
}

/// Sends a secret wherever it does not belong.
async fn astray(stranger: &Caller, admin: &Caller) {
    let bodies = [
        format!(r#"{{"username":"admin","password":["{STRAY}"]}}"#),
        format!(r#"{{"username":"admin","password":"{STRAY}","#),
        format!(r#"{{"username":"admin","password":"{STRAY}","more":"{STRAY}"}}"#),
        format!(r#"{{"username":"{STRAY}","password":1}}"#),
    ];
    for body in bodies {
        assert_eq!(stranger.send("POST", "/v1/sessions", &[], Some(body.into_bytes())).await.status, 422);
    }
    assert_eq!(stranger.with_token(STRAY).get("/v1/session").await.0, 401);
    assert_eq!(admin.get(&format!("/v1/session?token={STRAY}")).await.0, 422);
    assert_eq!(admin.get(&format!("/v1/{STRAY}")).await.0, 404);
    assert_eq!(stranger.post("/v1/kiosk-sessions", json!({ "device_token": STRAY })).await.0, 401);
    assert_eq!(stranger.post("/v1/password-links", json!({ "code": STRAY, "new": NEXT_PASSWORD })).await.0, 422);
}

/// Signs in at the terminal, with a slip of the hand before.
fn an_evening(folder: &Path, server: &str) {
    let config = std::fs::read_to_string(folder.join("config/countertop/config.toml")).unwrap();
    let folder = folder.join("clerk");
    configure(&folder, &config);
    let mut terminal = Terminal::at(&folder, &[], 80, 24, &[("COUNTERTOP_SERVER", server)]);
    terminal.until("User name");
    has_no_core(terminal.child.process_id().unwrap());
    terminal.press(&format!("admin<Enter>{STRAY}<Enter>")).until("wrong");
    drop(terminal);
    let mut terminal = Terminal::at(&folder, &[], 80, 24, &[("COUNTERTOP_SERVER", server)]);
    terminal.until("User name");
    terminal.press(&format!("admin<Enter>{NEXT_PASSWORD}<Enter>")).until("online");
    terminal.press("<F10>");
    assert_eq!(terminal.ended(), 0);
}

/// The system was told to write no core file of a process.
fn has_no_core(process: u32) {
    let limits = std::fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"]);
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn holds(bytes: &[u8], secret: &str) -> bool {
    bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
}

/// The databases and logs below a folder.
fn databases_and_logs(folder: &Path) -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| path.to_string_lossy().contains(".db") || path.extension().is_some_and(|end| end == "log");
    files(folder).into_iter().filter(is_one).collect()
}

/// Which secrets can be read, and where.
fn readable(paths: &[PathBuf], secrets: &[String]) -> Vec<String> {
    let in_one = |path: &PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        let found = secrets.iter().filter(|secret| holds(&bytes, secret)).map(|secret| format!("{}: {secret}", path.display()));
        found.collect::<Vec<_>>()
    };
    paths.iter().flat_map(in_one).collect()
}

#[test]
fn a_token_in_a_log_and_a_password_in_a_database_would_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let secrets = ["a-token-of-theirs", PASSWORD, STRAY].map(str::to_owned);
    let logs = folder.path().join("clerk/state/countertop/logs");
    std::fs::create_dir_all(&logs).unwrap();
    std::fs::write(logs.join("countertop.log"), "DEBUG asked authorization=\"Bearer a-token-of-theirs\"\n").unwrap();
    let database = rusqlite::Connection::open(folder.path().join("counter.db")).unwrap();
    database.execute_batch("CREATE TABLE user_account (password TEXT)").unwrap();
    database.execute("INSERT INTO user_account VALUES (?)", [PASSWORD]).unwrap();
    drop(database);
    let mut found = readable(&databases_and_logs(folder.path()), &secrets);
    found.sort_unstable();
    assert!(found.len() == 2 && found[0].ends_with("countertop.log: a-token-of-theirs"), "{found:?}");
    assert!(found[1].ends_with(&format!("counter.db: {PASSWORD}")), "{found:?}");
}

#[test]
fn no_secret_is_in_a_log_or_readable_in_the_database_and_no_core_is_left() {
    let folder = tempfile::tempdir().unwrap();
    furnish(folder.path());
    let mut server = Serving::start(folder.path(), &[]);
    let address = format!("http://{}", server.address);
    has_no_core(server.id());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut secrets = runtime.block_on(a_day(&address));
    an_evening(folder.path(), &address);
    server.stop();
    secrets.extend([PASSWORD, NEXT_PASSWORD, MAIL_PASSWORD, STRAY].map(str::to_owned));

    let log = std::fs::read_to_string(folder.path().join("server.log")).unwrap();
    for said in ["DEBUG", "/v1/kiosks", "a sign-in was refused", "a mail was not sent"] {
        assert!(log.contains(said), "the log tells too little to be worth looking at: no {said}");
    }
    let looked_at = databases_and_logs(folder.path());
    let terminals = looked_at.iter().filter(|path| path.to_string_lossy().contains("/logs/")).count();
    assert!(terminals > 0 && looked_at.iter().any(|path| path.ends_with("counter.db")), "{looked_at:?}");
    assert_eq!(readable(&looked_at, &secrets), Vec::<String>::new());
}

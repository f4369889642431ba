//! T29: whatever is sent, the logs are lines that nobody could forge, and no
//! secret stands in them.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::harmless::is_plain;
use super::server::{Hostile, Step};
use crate::harness::serving::{Serving, add_administrator, configure};
use crate::terminal::screen::Terminal;

const PASSWORD: &str = "kept-secret-31415";
const WRONG: &str = "wrong-secret-27182";
const TOKEN: &str = "planted-token-16180";
/// A line of a log as somebody would like to have it there.
const FORGED: &str = "\u{1b}[2J\r\n{\"level\":\"INFO\",\"forged\":true}\u{9b}31m\u{202e}";

/// Adds an administrator, and begins to serve with this format of the log.
fn serve(folder: &Path, format: &str) -> Serving {
    configure(folder, &format!("[server]\nlog = \"debug\"\nlog_format = \"{format}\"\n"));
    add_administrator(folder, PASSWORD);
    Serving::start(folder, &[])
}

/// Sends bytes as they are, and gives what comes back.
fn say(address: &str, bytes: &[u8]) -> String {
    let mut line = TcpStream::connect(address).unwrap();
    line.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    line.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // Whom it does not understand it hangs up on.
    let _ = line.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn call(address: &str, method: &str, path: &str, headers: &str, body: &Value) -> String {
    let body = body.to_string();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: counter\r\nconnection: close\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    say(address, format!("{head}{body}").as_bytes())
}

/// Everything that could get into a log; gives the token of a session.
fn try_everything(address: &str) -> String {
    let signed_in = call(address, "POST", "/v1/sessions", "", &json!({ "username": "admin", "password": PASSWORD }));
    let token = signed_in.split("\"token\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("{signed_in}")).to_owned();
    for name in ["admin", FORGED] {
        call(address, "POST", "/v1/sessions", "user-agent: \u{9b}31m\u{202e}\r\n", &json!({ "username": name, "password": WRONG }));
    }
    call(
        address,
        "GET",
        "/v1/session",
        &format!("authorization: Bearer {TOKEN}\u{9b}\r\nx-request-id: \u{9b}2J\r\nx-forwarded-for: \u{9b}2J\r\n"),
        &Value::Null,
    );
    let ours = format!("authorization: Bearer {token}\r\nidempotency-key: \u{9b}31m\r\n");
    for path in ["/v1/customers", "/v1/%1B%5B2J%0D%0Aforged", "/v1/organizations", "/v1/roles"] {
        call(address, "POST", path, &ours, &json!({ "name": FORGED, "code": FORGED, "key": FORGED, "copy_of": FORGED, "shop": FORGED }));
    }
    call(address, "PUT", "/v1/session/password", &ours, &json!({ "current": WRONG, "new": FORGED }));
    call(address, "GET", &format!("/v1/customers?q={TOKEN}%1B%5B2J&{TOKEN}=%0D%0A"), &ours, &Value::Null);
    say(address, b"GET /\x1b[2J HTTP/1.1\r\nhost: x\r\n\r\n");
    say(address, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x1b[2J\r\n\r\n");
    token
}

#[test]
fn t29_a_servers_log_is_not_forged_and_keeps_secrets() {
    for format in ["json", "text"] {
        let folder = tempfile::tempdir().unwrap();
        let mut server = serve(folder.path(), format);
        let token = try_everything(&server.address);
        server.stop();
        let log = std::fs::read_to_string(folder.path().join("server.log")).expect("UTF-8");
        assert!(log.lines().count() > 8, "{format}: {log}");
        assert!(is_plain(&log), "{format}: {:?}", log.lines().find(|line| !is_plain(line)));
        for secret in [PASSWORD, WRONG, TOKEN, token.as_str()] {
            assert!(!log.contains(secret), "{format}: {secret} in {:?}", log.lines().find(|line| line.contains(secret)));
        }
        for line in log.lines() {
            let told: Result<Value, _> = serde_json::from_str(line);
            let forged = if format == "json" { !told.is_ok_and(|told| told["forged"].is_null()) } else { line.starts_with('{') };
            assert!(!forged, "{format}: {line:?}");
        }
    }
}

#[test]
fn t29_the_terminals_log_is_not_forged_and_keeps_secrets() {
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), "[terminal]\nlog = \"debug\"\n");
    let problem = json!({ "type": FORGED, "title": FORGED, "status": 500, "detail": FORGED, "code": FORGED }).to_string();
    let server = Hostile::doing(vec![Step::json("500 Internal Server Error", &problem)]);
    let mut counter = Terminal::at(folder.path(), &[], 80, 24, &[("COUNTERTOP_SERVER", server.address.as_str()), ("COUNTERTOP_TOKEN", TOKEN)]);
    counter.until("Find");
    counter.press("keller<Enter>").settle();
    counter.press("<F10>");
    assert_eq!(counter.ended(), 0);
    let mut folders = vec![folder.path().join("state")];
    while let Some(inside) = folders.pop() {
        for entry in std::fs::read_dir(inside).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let kept = std::fs::read_to_string(&path).expect("UTF-8");
            assert!(is_plain(&kept) && !kept.contains(TOKEN), "{}: {kept:?}", path.display());
        }
    }
}

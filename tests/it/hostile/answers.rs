//! A server that lies, floods, cuts, waits and points elsewhere: the client
//! says what is wrong, in words that cannot harm, and goes on.

use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use countertop::api::operation::GetSession;
use countertop::api::page::Nothing;
use countertop::api::session::Session;
use countertop::client::{Client, ClientError};
use serde_json::{Value, json};

use super::harmless::{foreign, is_plain};
use super::server::{Hostile, Step};
use crate::terminal::screen::{Terminal, own_folders};

const JSON: &str = "content-type: application/json";
/// What nobody should see done.
const DRIVES: &str = "\u{1b}]52;c;eA==\u{7}\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{0}";

/// What is to be said.
#[derive(Debug, Clone, Copy)]
enum Told {
    /// That it is no server of ours, and why.
    Strange(&'static str),
    /// That nothing came, or not all.
    Unreachable,
}

/// What such a server does, and what is said of it.
fn cases() -> Vec<(&'static str, Vec<Step>, Told)> {
    let head = |headers: &[&str]| Step::answer("200 OK", headers, "");
    let whole = |body: &str| vec![Step::json("200 OK", body)];
    let blanks = || Step::Flood(vec![b' '; 1 << 16]);
    let pointing = |status: &str, to: &str| vec![Step::answer(status, &[&format!("location: {to}"), "content-length: 0"], "")];
    vec![
        ("without an end", vec![head(&[JSON]), blanks()], Told::Strange("more than 16 MiB came")),
        ("ten gigabytes", vec![head(&[JSON, "content-length: 10737418240"]), blanks()], Told::Strange("more than 16 MiB came")),
        (
            "pieces without an end",
            vec![head(&[JSON, "transfer-encoding: chunked"]), Step::Flood(format!("1000\r\n{}\r\n", " ".repeat(4_096)).into_bytes())],
            Told::Strange("more than 16 MiB came"),
        ),
        ("packed", vec![head(&[JSON, "content-encoding: gzip"]), Step::Send(packed_blanks(64 << 20))], Told::Strange("more than 16 MiB came")),
        ("a refusal without an end", vec![Step::answer("403 Forbidden", &[], ""), blanks()], Told::Strange("more than 16 MiB came")),
        (
            "another page",
            vec![Step::answer("200 OK", &["content-type: text/html", "content-length: 2"], "{}")],
            Told::Strange("it sent \"text/html\" and not JSON"),
        ),
        ("no kind", vec![Step::answer("200 OK", &["content-length: 2"], "{}")], Told::Strange("it sent \"\" and not JSON")),
        ("elsewhere", pointing("302 Found", "https://192.0.2.1/login"), Told::Strange("it points to \"https://192.0.2.1/login\", and nobody is followed")),
        ("elsewhere with the body", pointing("307 Temporary Redirect", "//192.0.2.1/"), Told::Strange("it points to \"//192.0.2.1/\", and nobody is followed")),
        (
            "elsewhere and driving",
            pointing("308 Permanent Redirect", "/\u{9b}31m\u{202e}"),
            Told::Strange("it points to \"/\u{fffd}31m\u{fffd}\", and nobody is followed"),
        ),
        ("nothing new", vec![Step::answer("304 Not Modified", &["etag: \"1\"", "location: /login"], "")], Told::Strange("status 304 comes without an answer")),
        ("nowhere", vec![Step::answer("302 Found", &["content-length: 0"], "")], Told::Strange("status 302 comes without an answer")),
        ("too deep", whole(&"[".repeat(100_000)), Told::Strange("")),
        ("too deep where nobody looks", whole(&format!("{{\"other\":{}", "{\"a\":".repeat(100_000))), Told::Strange("")),
        ("a huge number", whole("{\"user\":1e999}"), Told::Strange("")),
        ("not all of it", vec![head(&[JSON, "content-length: 100"]), Step::Send(b"{}".to_vec())], Told::Unreachable),
        ("not all pieces", vec![head(&[JSON, "transfer-encoding: chunked"]), Step::Send(b"2\r\n{}\r\n".to_vec())], Told::Unreachable),
        ("nothing", vec![], Told::Unreachable),
        ("another language", vec![Step::Send(b"SSH-2.0-OpenSSH_9.6\r\n\x1b[2J".to_vec())], Told::Unreachable),
        ("a head without an end", vec![Step::Send(b"HTTP/1.1 200 OK\r\n".to_vec()), Step::Flood(b"x-more: \xc2\x9b31m\r\n".repeat(512))], Told::Unreachable),
    ]
}

/// So many blanks as gzip packs them: 258 of them in each 13 bits, in a block
/// with the fixed codes (RFC 1951, 3.2.6). Its end never comes.
fn packed_blanks(count: usize) -> Vec<u8> {
    let code = |value: u32, length: u32| (0..length).rev().map(move |bit| (value >> bit) & 1 == 1);
    let mut bits = vec![false, true, false];
    bits.extend(code(0x30 + u32::from(b' '), 8));
    for _ in 0..count / 258 {
        // The longest repetition, one step back.
        bits.extend(code(0b1100_0101, 8).chain(code(0, 5)));
    }
    let bytes = bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| (byte << 1) | u8::from(*bit)));
    [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff].into_iter().chain(bytes).collect()
}

async fn ask(server: &Hostile) -> Result<Session, ClientError> {
    let nothing = Nothing {};
    Client::new(&server.address, Some("secret".to_owned())).unwrap().call::<GetSession>(&nothing, &nothing, &nothing).await
}

/// A verb against such a server.
fn verb(server: &Hostile, arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_countertop"));
    command.args(arguments).env("COUNTERTOP_SERVER", &server.address).env("COUNTERTOP_TOKEN", "secret").stdin(Stdio::null());
    for (name, value) in own_folders(folder.path()) {
        command.env(name, value);
    }
    command.output().unwrap()
}

/// All that a verb said.
fn said(output: &Output) -> String {
    String::from_utf8([output.stdout.as_slice(), &output.stderr].concat()).expect("UTF-8")
}

#[tokio::test]
async fn what_is_no_answer_is_told_in_words() {
    for (name, steps, told) in cases() {
        let server = Hostile::doing(steps);
        let begun = Instant::now();
        let error = ask(&server).await.expect_err(name);
        assert!(begun.elapsed() < Duration::from_secs(20), "{name} took {:?}", begun.elapsed());
        assert!(is_plain(&error.to_string()), "{name}: {error:?}");
        match told {
            Told::Strange(why) => {
                assert!(matches!(error, ClientError::Strange { .. }) && error.to_string().contains(why), "{name}: {error}");
                assert_eq!(server.called(), 1, "{name}: another try brings the same");
            }
            Told::Unreachable => {
                assert!(matches!(error, ClientError::Unreachable { .. }), "{name}: {error}");
                assert_eq!(server.called(), 3, "{name}: a read is tried again");
            }
        }
    }
}

#[tokio::test]
async fn nobody_is_sent_to_another_server() {
    let other = Hostile::doing(vec![Step::json("200 OK", "{}")]);
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let server = Hostile::doing(vec![Step::answer(status, &[&format!("location: {}/v1/session", other.address), "content-length: 0"], "")]);
        let error = ask(&server).await.unwrap_err().to_string();
        assert!(error.contains(&other.address), "{status}: where it points is said: {error}");
    }
    assert_eq!(other.called(), 0);
}

#[tokio::test]
async fn what_comes_drop_by_drop_or_never_is_given_up_in_time() {
    let dripping = Hostile::doing(vec![Step::answer("200 OK", &[JSON], ""), Step::Drip(b' ')]);
    let silent = Hostile::doing(vec![Step::Hold]);
    let begun = Instant::now();
    let (drops, silence) = tokio::join!(ask(&dripping), ask(&silent));
    let took = begun.elapsed();
    for error in [drops.unwrap_err(), silence.unwrap_err()] {
        assert!(error.is_unreachable(), "{error}");
    }
    assert!(took < Duration::from_secs(40), "{took:?}");
    assert_eq!((dripping.called(), silent.called()), (1, 1), "who waited so long is told");
}

#[test]
fn no_answer_brings_a_verb_down_or_drives_the_terminal() {
    std::thread::scope(|all| {
        for (name, steps, told) in cases() {
            all.spawn(move || {
                let server = Hostile::doing(steps);
                for arguments in [["find", "keller"].as_slice(), &["find", "keller", "--json"]] {
                    let output = verb(&server, arguments);
                    let expected = if matches!(told, Told::Unreachable) { 5 } else { 1 };
                    assert_eq!(output.status.code(), Some(expected), "{name}: {}", said(&output));
                    assert!(is_plain(&said(&output)) && said(&output).len() < 2_000, "{name}: {:?}", said(&output));
                    assert!(output.stdout.is_empty(), "{name}");
                }
            });
        }
    });
}

#[test]
fn no_answer_brings_the_terminal_down_or_drives_it() {
    std::thread::scope(|all| {
        for (name, steps, _) in cases() {
            all.spawn(move || {
                let server = Hostile::doing(steps);
                let mut counter = Terminal::bare(&[], 80, 24, &[("COUNTERTOP_SERVER", server.address.as_str()), ("COUNTERTOP_TOKEN", "secret")]);
                counter.until("Find");
                counter.press("keller<Enter>").settle();
                let end = Instant::now() + Duration::from_secs(20);
                while counter.text().contains("connecting") {
                    assert!(Instant::now() < end, "{name}: it still waits:\n{}", counter.text());
                    counter.settle();
                }
                counter.press("<F10>");
                assert_eq!(counter.ended(), 0, "{name}");
                assert_eq!(foreign(&counter.written), Vec::<String>::new(), "{name}");
            });
        }
    });
}

/// A refusal full of what drives terminals.
fn refusal() -> String {
    let long = format!("{DRIVES}Keller {}", "x".repeat(1 << 20));
    json!({ "type": DRIVES, "title": long, "status": 422, "detail": long, "code": "fields.invalid", "fields": { DRIVES: long }, "request_id": long })
        .to_string()
}

#[test]
fn a_refusal_is_shown_short_and_harmless() {
    let server = Hostile::doing(vec![Step::json("422 Unprocessable Content", &refusal())]);
    let plain = verb(&server, &["customer", "create", "--name", "Keller", "--number", "1"]);
    assert_eq!(plain.status.code(), Some(6), "{}", said(&plain));
    assert!(is_plain(&said(&plain)) && said(&plain).contains("Keller xxx") && said(&plain).len() < 8_000, "{}", said(&plain));
    let scripted = verb(&server, &["customer", "create", "--name", "Keller", "--number", "1", "--json"]);
    assert!(is_plain(&said(&scripted)), "{}", said(&scripted));
    let problem: Value = serde_json::from_slice(&scripted.stderr).expect("one document");
    assert_eq!(problem["code"], "fields.invalid", "{problem}");
    let mut counter = Terminal::bare(&[], 80, 24, &[("COUNTERTOP_SERVER", server.address.as_str()), ("COUNTERTOP_TOKEN", "secret")]);
    counter.until_all(&["Keller", "xxxxx"]);
    counter.press("<F10>");
    assert_eq!((counter.ended(), foreign(&counter.written)), (0, vec![]));
}

#[test]
fn a_hit_full_of_control_characters_is_listed_and_comes_back_whole_as_json() {
    let name = format!("Keller{DRIVES}Bau\r\n\u{e0041}漢");
    let hit = json!({ "id": uuid::Uuid::now_v7(), "name": name, "city": DRIVES, "phone": null, "matched": [], "near_miss": false });
    let server = Hostile::doing(vec![Step::json("200 OK", &json!({ "items": [hit], "next": null, "total": 1 }).to_string())]);
    let listed = verb(&server, &["find", "keller"]);
    assert_eq!(listed.status.code(), Some(0), "{}", said(&listed));
    assert!(is_plain(&said(&listed)) && said(&listed).contains("漢"), "{:?}", said(&listed));
    let scripted = verb(&server, &["find", "keller", "--json"]);
    assert!(is_plain(&said(&scripted)), "{:?}", said(&scripted));
    let page: Value = serde_json::from_slice(&scripted.stdout).expect("one document");
    assert_eq!(page["items"][0]["name"], name.as_str(), "nothing of it is lost");
}

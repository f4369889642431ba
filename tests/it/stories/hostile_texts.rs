//! T30, T40: whatever stands in a body, a query or a path, the server answers in
//! time and in words; and what it takes it gives back as it was, but for what
//! drives terminals.

use std::time::{Duration, Instant};

use countertop::text::{clean_line, clean_text, is_blank};
use serde_json::{Map, Value, json};

use super::contract::{Contract, Operation, Target};
use super::targets::{People, Targets, made, signed_in};
use crate::harness::{Answer, Caller, World};
use crate::hostile::harmless::is_plain;
use crate::hostile::texts::{controls, endless, naughty, sharp};

/// No answer takes longer, on however busy a machine.
const LONGEST: Duration = Duration::from_secs(20);
/// Of the lists each operation, and each field, takes every so manyth text, and
/// each begins at another.
const SHARE: usize = 6;
const SHARE_OF_FIELD: usize = 3;

/// Values that no field of ours has.
fn odd_values() -> Vec<String> {
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep_objects = "{\"a\":".repeat(10_000);
    let plain = [
        "1e999",
        "-1e400",
        "1e308",
        "0.1e-999",
        "1.5",
        "-1",
        "0",
        "2147483648",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551616",
        "null",
        "true",
        "{}",
        "[null]",
        "[\"a\\u0000\"]",
        "\"\\ud800\"",
        "\"\\u0000\"",
    ];
    plain.map(str::to_owned).into_iter().chain([deep, deep_objects]).collect()
}

/// Bodies that are no form at all.
fn odd_bodies() -> Vec<Vec<u8>> {
    let long_name = format!("{{\"{}\":1}}", endless());
    vec![
        b"{\"name\":\"\xff\xfe\",\"reason\":\"\xc3\"}".to_vec(),
        b"\xef\xbb\xbf{}".to_vec(),
        b"\0".to_vec(),
        b"{".to_vec(),
        b"null".to_vec(),
        b"\"text\"".to_vec(),
        b"{}{}".to_vec(),
        b"{\"\\u0000\":\"\\".to_vec(),
        b"[".repeat(10_000),
        b"{\"a\":".repeat(10_000),
        long_name.into_bytes(),
        vec![b' '; (1 << 20) + 1],
    ]
}

/// A body that is otherwise as small as can be, with one field of another kind.
fn with(operation: &Operation, field: &str, raw: &str) -> Vec<u8> {
    let mut others: Map<String, Value> = operation.body.as_ref().and_then(Value::as_object).cloned().unwrap_or_default();
    others.remove(field);
    let others: Vec<String> = others.iter().map(|(name, value)| format!("{}:{value},", json!(name))).collect();
    format!("{{{}{}:{raw}}}", others.concat(), json!(field)).into_bytes()
}

/// Everything that one operation is sent.
fn bodies(operation: &Operation, turn: usize) -> Vec<Vec<u8>> {
    let mut all = odd_bodies();
    let every: String = controls().collect();
    let odd: Vec<String> = sharp().iter().map(|text| json!(text).to_string()).chain(odd_values()).collect();
    for (nth, field) in operation.fields.iter().enumerate() {
        let share = odd.iter().skip((nth + turn) % SHARE_OF_FIELD).step_by(SHARE_OF_FIELD);
        all.extend([json!(every).to_string(), "1e999".to_owned()].iter().chain(share).map(|raw| with(operation, field, raw)));
    }
    let fields: Vec<&String> = operation.fields.iter().collect();
    if !fields.is_empty() {
        let share = naughty().iter().enumerate().filter(|(nth, _)| (nth + turn).is_multiple_of(SHARE));
        all.extend(share.map(|(nth, text)| with(operation, fields[nth / SHARE % fields.len()], &json!(text).to_string())));
        all.push(with(operation, fields[turn % fields.len()], &json!(endless()).to_string()));
    }
    // Strangers may send little; of a connection that is closed on them in the
    // midst of it the answer may be lost.
    all.retain(|body| !operation.is_open || body.len() <= 1 << 14);
    all
}

/// An answer that anybody may get: in time, no failure of ours, and where
/// something is refused, harmless words that say what.
async fn answered(caller: &Caller, method: &str, path: &str, body: Option<&[u8]>) -> Answer {
    let begun = Instant::now();
    let answer = caller.send(method, path, &[], body.map(<[u8]>::to_vec)).await;
    let sent = String::from_utf8_lossy(body.unwrap_or_default()).chars().take(300).collect::<String>();
    let told = format!("{method} {path} {sent:?}: {} {}", answer.status, answer.text.chars().take(500).collect::<String>());
    assert!(begun.elapsed() < LONGEST, "{:?} for {told}", begun.elapsed());
    assert!(answer.status < 500, "{told}");
    if answer.status >= 400 {
        assert_eq!(answer.header("content-type"), "application/problem+json", "{told}");
        assert!(answer.json()["code"].is_string() && is_plain(&answer.text), "{told}");
    } else {
        assert!(!answer.json().is_null(), "{told}");
    }
    answer
}

/// Everything there is to ask for, and the contract.
async fn planted(w: &World) -> (Value, Contract, Targets, People) {
    let (status, document) = w.stranger().get("/openapi.json").await;
    assert_eq!(status, 200);
    let contract = Contract::read(&document, &Contract::matrix());
    let targets = Targets::plant(w).await;
    let people = People::hire(w, &targets, "scribe").await;
    (document, contract, targets, people)
}

/// What is to be kept of a text. Where nothing drives a terminal, turns the
/// text or hides in it, that is all of it but the blanks at its ends.
fn kept(text: &str, clean: fn(&str) -> String) -> String {
    let cleaned = clean(text);
    let odd = |c: char| {
        controls().any(|control| control == c)
            || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
            || matches!(c, '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}')
    };
    if !text.chars().any(odd) {
        assert_eq!(cleaned, text.trim(), "nothing else is cleaned");
    }
    assert!(is_plain(&cleaned) && clean(&cleaned) == cleaned, "{cleaned:?}");
    cleaned
}

on_both_databases! {
    async fn t40_no_body_brings_a_write_to_fall(w: World) {
        let (_, contract, targets, people) = planted(&w).await;
        let mut sent = 0;
        for (turn, operation) in contract.operations.iter().filter(|operation| operation.body.is_some()).enumerate() {
            // Some change the session that they are sent in.
            let admin = signed_in(&w, "admin").await;
            let path = targets.address(&operation.path, Target::Own, &people, None).unwrap();
            for body in bodies(operation, turn) {
                answered(&admin, &operation.method, &path, Some(&body)).await;
                sent += 1;
            }
        }
        assert!(sent > 3_000, "{sent}");
        let counter = signed_in(&w, "counter").await;
        assert_eq!(counter.get("/v1/customers?q=waco").await.0, 200, "it serves on");
    }

    async fn t40_no_query_and_no_path_brings_a_read_to_fall(w: World) {
        let (document, contract, targets, people) = planted(&w).await;
        let admin = signed_in(&w, "admin").await;
        let texts: Vec<String> = sharp().into_iter().chain(naughty().iter().step_by(SHARE).cloned()).filter(|text| text.len() < 4_000).collect();
        for operation in &contract.operations {
            let parameters = document["paths"][&operation.path][operation.method.to_lowercase()]["parameters"].as_array().cloned().unwrap_or_default();
            let path = targets.address(&operation.path, Target::Own, &people, None).unwrap();
            for name in parameters.iter().filter(|parameter| parameter["in"] == "query").filter_map(|parameter| parameter["name"].as_str()) {
                for text in &texts {
                    let url = reqwest::Url::parse_with_params(&format!("{}{path}", admin.server), [(name, text)]).unwrap();
                    answered(&admin, &operation.method, &format!("{path}?{}", url.query().unwrap_or_default()), None).await;
                }
            }
            if !operation.path.contains('{') {
                continue;
            }
            for segment in ["%00", "a%00b", "%1B%5B2J", "%FF%FE", "..%2F..%2Fetc%2Fpasswd", "'%20OR%20'1'='1", "%E2%80%AE", "x%0D%0Ax-evil:%201"] {
                let path: Vec<&str> = operation.path.split('/').map(|part| if part.starts_with('{') { segment } else { part }).collect();
                let body = operation.body.as_ref().map(|body| body.to_string().into_bytes());
                let answer = answered(&admin, &operation.method, &path.join("/"), body.as_deref()).await;
                assert!(answer.status >= 400, "{} {segment}: {}", operation.id, answer.text);
            }
        }
    }

    async fn t30_what_was_typed_comes_back_as_it_was(w: World) {
        let admin = signed_in(&w, "admin").await;
        let (customer, asset) = (format!("/v1/customers/{}", w.ids.keller), format!("/v1/assets/{}", w.ids.excavator));
        let mut taken = 0;
        for (nth, text) in naughty().iter().chain(&sharp()).enumerate() {
            let name = kept(text, clean_line);
            for (path, body, shown, field) in [
                ("/v1/customers".to_owned(), json!({ "name": text, "shop": "SLN", "number": format!("T30-{nth}"), "confirm_duplicate": true }), "/v1/customers", "name"),
                (format!("{customer}/contacts"), json!({ "last": text }), "/v1/contacts", "last"),
            ] {
                let answer = admin.post(&path, body).await;
                if answer.0 == 422 {
                    assert!(is_blank(&name) || text.chars().count() > 100, "{text:?}: {}", answer.1);
                    continue;
                }
                let (_, read) = admin.get(&format!("{shown}/{}", made(&answer))).await;
                assert_eq!(read[field].as_str(), Some(name.as_str()), "{text:?}");
                taken += 1;
            }
            let complaint = kept(text, clean_text);
            let answer = admin.post(&format!("{asset}/service-requests"), json!({ "complaint": text, "shop": "SLN" })).await;
            if answer.0 == 422 {
                assert!(is_blank(&complaint) || complaint.chars().count() > 6_000, "{text:?}: {}", answer.1);
                continue;
            }
            let (_, read) = admin.get(&format!("/v1/service-requests/{}", made(&answer))).await;
            assert_eq!(read["complaint"].as_str(), Some(complaint.as_str()), "{text:?}");
            taken += 1;
        }
        assert!(taken > 1_000, "{taken}");
    }
}

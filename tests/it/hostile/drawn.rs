//! T28 in a real pseudo-terminal: a server lists every line of the list, every
//! character that drives terminals and what else is sharp, and somebody pastes all
//! of it; another parser than the program's reads what comes.

use std::collections::BTreeSet;

use serde_json::json;

use super::harmless::foreign;
use super::server::{Hostile, Step};
use super::texts::{controls, naughty, sharp};
use crate::terminal::screen::Terminal;

const PAGE_DOWN: &str = "\u{1b}[6~";

fn all() -> Vec<String> {
    let characters = controls().map(|control| format!("a{control}b"));
    // What is empty nobody sees.
    characters.chain(sharp()).chain(naughty().iter().cloned()).filter(|text| !text.is_empty()).collect()
}

/// A server that says who is here and whom it found, whatever it is asked.
fn server_that_lists(texts: &[String]) -> Hostile {
    let hit = |(nth, text): (usize, &String)| {
        let name = format!("N{nth}. {text}");
        json!({ "id": uuid::Uuid::now_v7(), "name": name, "city": text, "phone": text, "matched": [], "near_miss": false })
    };
    let hits: Vec<_> = texts.iter().enumerate().map(hit).collect();
    let (id, nobody) = (uuid::Uuid::now_v7(), json!(null));
    let user = json!({
        "id": id, "username": "jo", "name": "Jo Ortiz", "first": "Jo", "last": "Ortiz", "email": nobody, "phone": nobody, "kind": "staff", "roles": [],
    });
    let answer = json!({
        "user": user, "shop": nobody, "customer": nobody, "scopes": [], "permissions": ["customer.search", "asset.lookup"], "limits": {},
        "policy_version": "1", "expires_at": "2099-01-01T00:00:00Z", "idle_seconds": 43_200,
        "items": hits, "next": nobody, "total": texts.len(),
    });
    Hostile::doing(vec![Step::json("200 OK", &answer.to_string())])
}

/// The numbers of the rows that are shown.
fn shown(screen: &str) -> impl Iterator<Item = usize> {
    screen.split('N').skip(1).filter_map(|rest| rest.split_once('.')?.0.parse().ok())
}

#[test]
fn t28_every_text_is_listed_and_pasted_and_none_drives_the_terminal() {
    let texts = all();
    let server = server_that_lists(&texts);
    let mut counter = Terminal::bare(&[], 80, 50, &[("COUNTERTOP_SERVER", server.address.as_str()), ("COUNTERTOP_TOKEN", "secret")]);
    counter.until("online");
    counter.press("<F2><Tab>").until("[Name]");
    counter.press("any").until("N0. ");
    let mut seen = BTreeSet::new();
    // Fewer rows a step than are seen at once, and more steps than are needed.
    for _ in 0..=texts.len() / 10 {
        seen.extend(shown(&counter.settle()));
        counter.send(&PAGE_DOWN.repeat(2));
    }
    let missing: Vec<&String> = texts.iter().enumerate().filter(|(nth, _)| !seen.contains(nth)).map(|(_, text)| text).collect();
    assert!(missing.is_empty(), "never listed: {missing:?}");
    for some in texts.chunks(50) {
        for text in some {
            counter.press("<F2>").send(&format!("\u{1b}[200~{text}\u{1b}[201~"));
        }
        counter.settle();
    }
    counter.press("<F2>done").until("Find done");
    counter.press("<F10>");
    assert_eq!((counter.ended(), foreign(&counter.written)), (0, Vec::<String>::new()));
}

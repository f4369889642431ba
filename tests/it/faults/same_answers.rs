//! The same thousand calls on a file and on PostgreSQL: the same answers, one by
//! one (T6). Ids count by the order in which they are first seen; times, tokens and
//! places in lists are left out.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::dice::{self, Dice};
use crate::harness::{Answer, Caller, Database, World, tell};

/// A call: method, path with `{}` for a record, that record, body.
#[derive(Debug, Clone)]
struct Call {
    method: &'static str,
    path: String,
    /// The record in the path: which of those made so far.
    record: Option<(Noun, usize)>,
    body: Option<Value>,
    key: Option<String>,
    if_match: Option<i64>,
}

/// What calls make, and later calls are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Noun {
    Customer,
    Contact,
    Reading,
    Request,
    Asset,
}

/// One of the two, with what was made in it.
struct Side {
    caller: Caller,
    made: HashMap<Noun, Vec<String>>,
    masks: Masks,
}

impl Side {
    async fn of(w: &World) -> Self {
        let caller = w.sign_in("gm").await;
        let mut assets = Vec::new();
        for number in ["SAME-1", "SAME-2", "SAME-3"] {
            assets.push(w.add_asset("KELLER", number).await.to_string());
        }
        let made = HashMap::from([(Noun::Asset, assets), (Noun::Customer, vec![w.ids.keller.to_string(), w.ids.northwind.to_string()])]);
        Self { caller, made, masks: Masks::default() }
    }

    async fn answer(&mut self, call: &Call) -> (u16, Value) {
        let record = call.record.map(|(noun, nth)| self.made.get(&noun).map_or("00000000-0000-7000-8000-000000000000", |made| made[nth % made.len()].as_str()));
        let path = call.path.replace("{}", record.unwrap_or_default());
        let tag = call.if_match.map(|version| format!("\"{version}\""));
        let mut headers: Vec<(&str, &str)> = Vec::new();
        headers.extend(tag.as_deref().map(|tag| ("if-match", tag)));
        headers.extend(call.key.as_deref().map(|key| ("idempotency-key", key)));
        let body = call.body.as_ref().map(|body| body.to_string().into_bytes());
        let answer = self.caller.send(call.method, &path, &headers, body).await;
        self.note(call, &answer);
        let seen = json!({ "body": answer.json(), "etag": answer.header("etag"), "type": answer.header("content-type") });
        (answer.status, self.masks.over(seen))
    }

    /// Keeps what was made.
    fn note(&mut self, call: &Call, answer: &Answer) {
        let noun = match call.path.rsplit('/').next() {
            Some("customers") => Noun::Customer,
            Some("contacts") => Noun::Contact,
            Some("readings") => Noun::Reading,
            Some("service-requests") => Noun::Request,
            _ => return,
        };
        if answer.status == 201
            && let Some(id) = answer.json()["id"].as_str()
        {
            self.made.entry(noun).or_default().push(id.to_owned());
        }
    }
}

/// What differs between any two databases.
#[derive(Debug, Default)]
struct Masks(HashMap<String, usize>);

impl Masks {
    fn over(&mut self, value: Value) -> Value {
        match value {
            Value::Object(members) => {
                let masked = members.into_iter().map(|(name, value)| match name.as_str() {
                    "next" if value.is_string() => (name, json!("(a place)")),
                    "request_id" | "token" => (name, json!("(a token)")),
                    _ => (name, self.over(value)),
                });
                Value::Object(masked.collect())
            }
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.over(item)).collect()),
            Value::String(text) if text.parse::<uuid::Uuid>().is_ok() => {
                let next = self.0.len();
                json!(format!("id {}", self.0.entry(text).or_insert(next)))
            }
            Value::String(text) if text.len() >= 20 && text.parse::<Timestamp>().is_ok() => json!("(a time)"),
            other => other,
        }
    }
}

const WORDS: [&str; 8] = ["Keller", "Quarry", "North", "Söhne", "O'Neil", "Straße", "Crane", "4472"];
const CITIES: [&str; 4] = ["Waco", "Tracy", "São Paulo", "Fremont"];
const METERS: [&str; 3] = ["engine_hours", "odometer", "cycles"];

/// Draws calls: most of them sensible, some stale, doubled, or nonsense.
struct Script {
    dice: Dice,
    /// Readings go on from here, so that both databases see the same times.
    clock: Timestamp,
}

impl Script {
    fn next(&mut self, nth: usize) -> Call {
        self.clock += SignedDuration::from_secs(600);
        let key = self.dice.one_in(2).then(|| format!("key-{}", if self.dice.one_in(5) { nth / 7 } else { nth }));
        let call = |method, path: &str, record, body| Call { method, path: path.to_owned(), record, body, key: None, if_match: None };
        let (customer, asset) = (Some(self.record(Noun::Customer)), Some(self.record(Noun::Asset)));
        let made = match self.dice.below(20) {
            0..=2 => call("POST", "/v1/customers", None, Some(self.customer(nth))),
            3 => call("POST", "/v1/customers/{}/contacts", customer, Some(json!({ "last": self.word(), "email": format!("p{nth}@x.example") }))),
            4..=6 => call("POST", "/v1/assets/{}/readings", asset, Some(self.reading(nth))),
            7 => call("POST", "/v1/assets/{}/service-requests", asset, Some(self.request())),
            8 => call("POST", "/v1/readings/{}/void", Some(self.record(Noun::Reading)), Some(json!({ "reason": self.reason() }))),
            9 => call("POST", "/v1/readings/{}/restore", Some(self.record(Noun::Reading)), Some(json!({}))),
            10 => call("POST", "/v1/service-requests/{}/cancel", Some(self.record(Noun::Request)), Some(json!({ "reason": self.reason() }))),
            11 => {
                let if_match = self.dice.one_in(2).then(|| 1 + i64::try_from(self.dice.below(3)).expect("few"));
                let body = json!({ "city": self.dice.one_of(&CITIES), "notes": self.word() });
                return Call { if_match, ..call("PATCH", "/v1/customers/{}", customer, Some(body)) };
            }
            12 => {
                let number = format!("N{}", self.dice.below(40));
                return call("PUT", "/v1/customers/{}/number", customer, Some(json!({ "number": number })));
            }
            _ => return self.look(),
        };
        Call { key, ..made }
    }

    /// A call that only looks.
    fn look(&mut self) -> Call {
        let (path, record) = match self.dice.below(8) {
            0 | 1 => (format!("/v1/customers?q={}&limit=20", self.dice.one_of(&["keller", "quarry", "tracy", "N1", "crane", "stra", "4472"])), None),
            2 => ("/v1/customers/{}".to_owned(), Some(self.record(Noun::Customer))),
            3 => ("/v1/customers/{}/contacts".to_owned(), Some(self.record(Noun::Customer))),
            4 => ("/v1/assets/{}/meters".to_owned(), Some(self.record(Noun::Asset))),
            5 => (format!("/v1/assets/{{}}/meters/{}/readings?limit=10", self.dice.one_of(&METERS)), Some(self.record(Noun::Asset))),
            6 => ("/v1/service-requests?limit=10".to_owned(), None),
            _ => ("/v1/customers/{}/history".to_owned(), Some(self.record(Noun::Customer))),
        };
        Call { method: "GET", path, record, body: None, key: None, if_match: None }
    }

    fn record(&mut self, noun: Noun) -> (Noun, usize) {
        (noun, self.dice.place(1_000))
    }

    fn word(&mut self) -> String {
        format!("{} {}", self.dice.one_of(&WORDS), self.dice.one_of(&WORDS))
    }

    fn reason(&mut self) -> &'static str {
        self.dice.one_of(&["typed wrong", "", "twice"])
    }

    fn customer(&mut self, nth: usize) -> Value {
        json!({
            "name": self.word(),
            "number": if self.dice.one_in(6) { format!("N{}", self.dice.below(40)) } else { format!("C{nth}") },
            "city": self.dice.one_of(&CITIES),
            "state": self.dice.one_of(&["TX", "Texas", "XX", ""]),
            "phone": format!("(254) 555-0{}", 100 + self.dice.below(30)),
            "confirm_duplicate": self.dice.one_in(2),
        })
    }

    fn reading(&mut self, nth: usize) -> Value {
        let back = SignedDuration::from_hours(i64::try_from(self.dice.below(3)).expect("few"));
        json!({
            "meter": self.dice.one_of(&METERS),
            "value": format!("{}.{}", 100 + nth / 12 + usize::from(self.dice.one_in(4)), self.dice.one_of(&[0, 0, 5])),
            "read_at": (self.clock - back).to_string(),
            "comment": self.word(),
        })
    }

    fn request(&mut self) -> Value {
        json!({ "complaint": self.word(), "urgency": self.dice.below(6), "lines": [{ "service_code": self.dice.one_of(&["OIL", "BRK", "NONE"]) }] })
    }
}

async fn compare(file: World, server: World, seed: u64) {
    let (mut file, mut server) = (Side::of(&file).await, Side::of(&server).await);
    let steps = dice::times("COUNTERTOP_STEPS", 1_000);
    let again = format!("COUNTERTOP_SEED={seed} COUNTERTOP_STEPS={steps} cargo test --test it faults::same_answers");
    dice::print(&again);
    // Behind all that the world has, and not in the future.
    let clock = Timestamp::now() - SignedDuration::from_secs(600 * i64::try_from(steps + 1).expect("few"));
    let mut script = Script { dice: Dice::of(seed), clock };
    let mut fine = 0;
    for nth in 0..steps {
        let call = script.next(nth);
        let (of_file, of_server) = (file.answer(&call).await, server.answer(&call).await);
        assert_eq!(of_file, of_server, "step {nth}, drawn again by {again}: {call:?}");
        assert!(of_file.0 < 500, "step {nth}, drawn again by {again}: {call:?} {of_file:?}");
        fine += usize::from(of_file.0 < 300);
    }
    assert!(fine * 3 > steps, "most of it is sensible: {fine} of {steps}");
}

#[test]
fn an_answer_with_another_field_record_status_or_order_would_be_found() {
    let said = |status: u16, ids: [uuid::Uuid; 2], owner: uuid::Uuid, name: &str| {
        let items = ids.map(|id| json!({ "id": id, "name": name, "at": Timestamp::now() }));
        (status, Masks::default().over(json!({ "items": items, "owner": owner, "next": owner.to_string(), "request_id": uuid::Uuid::now_v7() })))
    };
    let [one, two, other] = [(); 3].map(|()| uuid::Uuid::now_v7());
    let right = said(200, [one, two], two, "Keller");
    assert_eq!(right, said(200, [other, one], one, "Keller"), "ids and times are others in each database");
    assert_ne!(right, said(200, [one, two], two, "Kellner"));
    assert_ne!(right, said(200, [one, two], one, "Keller"), "it is said of another record");
    assert_ne!(right, said(200, [one, two], other, "Keller"), "or of one that is not in the list");
    assert_ne!(right, said(201, [one, two], two, "Keller"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_and_postgres_answer_the_same() {
    let seed = dice::seed();
    tell(Database::Sqlite, |file| async move {
        tell(Database::Postgres, |server| compare(file, server, seed)).await;
    })
    .await;
}

//! Property: whatever a server answers, whatever is typed and however large the
//! terminal is, nothing panics, and nothing reaches the terminal but letters and
//! what the pen paints with. Answers are made from the shapes in the table of
//! operations, keys from the table of commands.
//!
//! A failure names its walk. `COUNTERTOP_WALKS=5000 cargo test --release --lib
//! walk` walks longer, `COUNTERTOP_WALK=17` the seventeenth walk alone.

#[path = "../../../tests/it/hostile/harmless.rs"]
pub(super) mod harmless;
#[path = "../../../tests/it/hostile/texts.rs"]
mod texts;

mod every;
mod pasted;

use std::collections::{BTreeSet, HashMap};
use std::sync::OnceLock;
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::pen::Pen;
use crate::api::operation::{ENDPOINTS, Endpoint, Method};
use crate::api::problem::Problem;
use crate::client::ClientError;
use crate::client::outbox::courier::{News, Order};
use crate::tui::Device;
use crate::tui::app::{App, Beginning};
use crate::tui::command::COMMANDS;
use crate::tui::event::{Effect, Event, Reply, Ticket};
use crate::tui::keymap::Keymap;
use crate::tui::style::Look;

/// How many walks without being told, and how long each is.
const WALKS: u64 = 24;
const STEPS: usize = 40;
/// More answers than one key ever brings.
const MOST_ANSWERS: usize = 200;
/// Sizes at which something changes, and the largest.
const SIZES: [(u16, u16); 10] = [(1, 1), (2, 1), (1, 100), (3, 3), (59, 20), (60, 19), (60, 20), (80, 24), (132, 43), (300, 100)];
/// What reads what all panes and sections show.
const READ_BY_PANES: [&str; 19] = [
    "AssetHistory",
    "CustomerHistory",
    "GetCustomer",
    "GetIdentification",
    "GetPortalSettings",
    "ListAssetRequests",
    "ListContacts",
    "ListCustomerAssets",
    "ListKiosks",
    "ListMeters",
    "ListOrganizations",
    "ListRepairs",
    "ListRequests",
    "ListRoles",
    "ListServiceCodes",
    "ListShops",
    "ListUsers",
    "LookUpAsset",
    "SearchCustomers",
];
const MOMENTS: [&str; 7] = [
    "9999-12-30T22:00:00.999999999Z",
    "0001-01-01T00:00:00Z",
    "-009999-01-02T02:00:00Z",
    "1970-01-01T00:00:00Z",
    "2026-03-08T10:00:00Z",
    "2026-11-01T08:59:59.5Z",
    "2030-02-28T23:59:59Z",
];
const CODES: [&str; 10] = [
    "fields.invalid",
    "version.stale",
    "customer.duplicate",
    "service_request.duplicate",
    "reading.too_low",
    "reading.too_high",
    "reading.no_rollover",
    "reading.faster_than_clock",
    "portal.off",
    "provider.unreachable",
];
/// What leads from pane to pane.
const DIGITS: [&str; 10] = ["1", "2", "3", "4", "5", "6", "7", "8", "9", "0"];
const FIELDS: [&str; 8] = ["name", "last", "value", "complaint", "number", "username", "reason", "read_at"];

/// Luck that is the same each time.
struct Luck(StdRng);

impl Luck {
    fn draw(&mut self) -> u64 {
        self.0.random()
    }

    fn below(&mut self, many: usize) -> usize {
        self.0.random_range(0..many)
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A text of any sort.
    fn text(&mut self) -> String {
        match self.below(16) {
            0..=4 => texts::naughty()[self.below(texts::naughty().len())].clone(),
            5..=8 => {
                let sharp = texts::sharp();
                sharp[self.below(sharp.len())].clone()
            }
            9 => String::new(),
            10 => "漢".repeat(self.below(400)),
            11 => format!("{}.{}", self.below(99_999), self.below(10)),
            12 => "word ".repeat(self.below(300)),
            13 if self.one_in(2_000) => texts::endless(),
            _ => (0..self.below(40)).map(|_| self.letter()).collect(),
        }
    }

    /// Any sign, and those that drive terminals more often than others.
    fn letter(&mut self) -> char {
        if self.one_in(4) {
            let controls: Vec<char> = texts::controls().collect();
            return self.of(&controls);
        }
        let most = if self.one_in(2) { 0x3000 } else { 0x11_0000 };
        u32::try_from(self.below(most)).ok().and_then(char::from_u32).unwrap_or('\u{202e}')
    }
}

/// What each operation answers with.
struct Shapes {
    answers: HashMap<&'static str, Value>,
    named: Value,
}

fn shapes() -> &'static Shapes {
    static SHAPES: OnceLock<Shapes> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let mut generator = SchemaSettings::draft2020_12().into_generator();
        let answers = ENDPOINTS.iter().map(|endpoint| (endpoint.name, (endpoint.shapes.answer)(&mut generator).to_value())).collect();
        Shapes { answers, named: json!(generator.take_definitions(true)) }
    })
}

impl Shapes {
    fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        match schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) {
            Some(name) => self.resolved(&self.named[name]),
            None => schema,
        }
    }

    fn permissions(&self) -> &Value {
        let listed = &self.named["Permission"]["enum"];
        assert!(listed.is_array(), "the permissions are listed");
        listed
    }
}

/// Somebody who presses anything.
struct Walk {
    app: App,
    luck: Luck,
    begun: Timestamp,
    seconds: u64,
    /// Every answer is one, and nothing is missing in it.
    is_kind: bool,
    /// Whether what is shown is drawn, and what is written looked at.
    draws: bool,
    waits: Vec<Ticket>,
    pen: Pen,
    shown: Buffer,
    asked: BTreeSet<&'static str>,
    /// What was done that somebody must have meant.
    deeds: Vec<&'static str>,
    /// The one text of all answers, where it is not left to chance.
    told: Option<Told>,
    /// Where in an answer we are, and which texts of answers were that one.
    trail: Vec<String>,
    hit: BTreeSet<String>,
}

/// A text that is told, and what stands in the bytes of the answer in place of a
/// [`STAND_IN`] in it.
#[derive(Debug, Clone)]
struct Told {
    text: String,
    raw: Option<u8>,
}

/// Stands for a byte that no text may hold.
const STAND_IN: char = '\u{e000}';

/// What an effect does that somebody must have meant.
fn deed(effect: &Effect) -> Option<&'static str> {
    match effect {
        Effect::Call(_, call) => (call.endpoint.method != Method::Get).then_some(call.endpoint.name),
        Effect::Outbox(Order::Keep(_, _, post)) => Some(post.call.endpoint.name),
        Effect::Outbox(Order::Discard(_)) => Some("discard"),
        Effect::Quit(_) | Effect::Suspend => Some("leave"),
        Effect::NoteLock(_) => Some("lock"),
        Effect::UseToken(_) | Effect::UseServer(_) | Effect::Vouch(..) => Some("sign in or out"),
        Effect::Copy(_) => Some("copy"),
        Effect::Wake(..) | Effect::Deliver(..) | Effect::Outbox(_) => None,
    }
}

impl Walk {
    fn new(nth: u64) -> Self {
        let luck = Luck(StdRng::seed_from_u64(nth));
        let begin = match nth % 8 {
            5 => Beginning::default(),
            6 => Beginning { server: Some(texts::sharp()[0].clone()), ..Beginning::default() },
            7 => Beginning {
                server: Some("http://127.0.0.1:1".to_owned()),
                device: Some(Device { token: "device".to_owned(), idle: Duration::from_mins(1) }),
                ..Beginning::default()
            },
            _ => Beginning { server: Some("http://127.0.0.1:1".to_owned()), signed_in: true, ..Beginning::default() },
        };
        let mut app = App::new(Keymap::new(&[]).unwrap(), Look::new(nth.is_multiple_of(2), nth.is_multiple_of(3)), begin);
        app.start();
        let shown = Buffer::empty(Rect::new(0, 0, 80, 24));
        let (begun, pen, asked) = (Timestamp::now(), Pen::default(), BTreeSet::new());
        Self {
            app,
            luck,
            begun,
            seconds: 0,
            is_kind: true,
            draws: true,
            waits: Vec::new(),
            pen,
            shown,
            asked,
            deeds: Vec::new(),
            told: None,
            trail: Vec::new(),
            hit: BTreeSet::new(),
        }
    }

    fn now(&self) -> Timestamp {
        self.begun + Duration::from_secs(self.seconds)
    }

    /// Something happens, and everything that is asked because of it is answered.
    fn happens(&mut self, event: Event) {
        self.seconds += 1;
        self.app.apply(event, self.now());
        for _ in 0..MOST_ANSWERS {
            let Some(effect) = self.app.take_effect() else { break };
            self.deeds.extend(deed(&effect));
            match effect {
                Effect::Call(ticket, call) => self.answer(ticket, call.endpoint),
                Effect::Vouch(ticket, _) => self.answer(ticket, endpoint("GetSession")),
                Effect::Wake(ticket, _) => self.waits.push(ticket),
                // All is kept: whoever wanted to leave is gone.
                Effect::Outbox(Order::MakeSure(tag)) => self.app.apply(Event::Outbox(Box::new(News::Sure(tag, None))), self.now()),
                _ => {}
            }
        }
        self.draw();
    }

    fn answer(&mut self, ticket: Ticket, endpoint: Endpoint) {
        let outcome = self.outcome(endpoint);
        let at = self.now();
        let took = Duration::from_millis(self.luck.draw() % 3_000);
        self.app.apply(Event::Reply(Box::new(Reply { ticket, outcome, last_good: None, took, at, waits: false })), at);
        if self.luck.one_in(3) {
            self.draw();
        }
    }

    fn outcome(&mut self, endpoint: Endpoint) -> Result<Vec<u8>, ClientError> {
        self.asked.insert(endpoint.name);
        if !self.is_kind && endpoint.name != "GetSession" {
            match self.luck.below(40) {
                0..=3 => return Err(self.refusal().into()),
                4 => return Err(ClientError::Unreachable { server: self.luck.text(), cause: self.luck.text() }),
                5 => return Err(ClientError::strange(&self.luck.text(), &self.luck.text())),
                6 => return Ok(b"\xff{".to_vec()),
                7 => return Ok(self.luck.text().into_bytes()),
                _ => {}
            }
        }
        if endpoint.method == Method::Delete {
            return Ok(Vec::new());
        }
        self.trail = vec![endpoint.name.to_owned()];
        let mut answer = self.filled(&shapes().answers[endpoint.name], 0);
        if !answer["policy_version"].is_null() {
            self.sign(&mut answer);
        }
        let answer = answer.to_string();
        let raw = self.told.as_ref().and_then(|told| told.raw).filter(|_| endpoint.name != "GetSession");
        Ok(match raw {
            Some(raw) => answer.split(STAND_IN).map(str::as_bytes).collect::<Vec<_>>().join(&raw),
            None => answer.into_bytes(),
        })
    }

    /// A text of an answer.
    fn text(&mut self) -> String {
        let Some(told) = &self.told else { return self.luck.text() };
        self.hit.insert(self.trail.join("."));
        told.text.clone()
    }

    /// A session that may do everything, most of the time.
    fn sign(&mut self, session: &mut Value) {
        session["user"]["id"] = json!(Uuid::from_u128(1));
        session["permissions"] = shapes().permissions().clone();
        session["limits"] = json!({});
        session["must_change_password"] = json!(false);
        if self.is_kind || !self.luck.one_in(6) {
            session["user"]["kind"] = json!("staff");
            session["acting"] = Value::Null;
        }
    }

    fn refusal(&mut self) -> Problem {
        let status = self.luck.of(&[400, 403, 404, 409, 412, 422, 422, 422, 429, 500, 503]);
        let code = if self.luck.one_in(4) { self.luck.text() } else { self.luck.of(&CODES).to_owned() };
        let mut problem = Problem::with_status(status, &code, &self.luck.text(), self.luck.text());
        for _ in 0..self.luck.below(4) {
            let field = if self.luck.one_in(3) { self.luck.text() } else { self.luck.of(&FIELDS).to_owned() };
            problem.fields.insert(field, self.luck.text());
        }
        let about = self.luck.of(&["GetCustomer", "GetContact", "SearchCustomers", "ListAssetRequests"]);
        problem.current = self.luck.one_in(2).then(|| self.filled(&shapes().answers[about], 1));
        problem.retry_after = self.luck.one_in(3).then_some(u64::MAX);
        problem.request_id = self.luck.one_in(2).then(|| self.luck.text());
        problem
    }

    /// A value that a schema takes.
    fn filled(&mut self, schema: &Value, depth: usize) -> Value {
        let schema = shapes().resolved(schema);
        if let Some(only) = schema.get("const") {
            return only.clone();
        }
        if let Some(listed) = schema["enum"].as_array() {
            return listed[self.luck.below(listed.len())].clone();
        }
        if let Some(choices) = schema["oneOf"].as_array().or_else(|| schema["anyOf"].as_array()) {
            let nth = if self.is_kind { 0 } else { self.luck.below(choices.len()) };
            return self.filled(&choices[nth], depth);
        }
        let kinds: Vec<&str> =
            schema["type"].as_array().map_or_else(|| schema["type"].as_str().into_iter().collect(), |all| all.iter().filter_map(Value::as_str).collect());
        let kind = match kinds.as_slice() {
            [] => "string",
            [first, ..] if self.is_kind || !self.luck.one_in(3) => *first,
            all => self.luck.of(all),
        };
        match kind {
            "null" => Value::Null,
            "boolean" => json!(self.luck.one_in(2)),
            "integer" => self.whole(schema["format"].as_str().unwrap_or_default()),
            "number" => json!(self.luck.of(&[0.0, -1.5, 12.5, 1e308, 5e-324])),
            "array" => {
                let many = if self.is_kind { 2 } else { self.luck.of(&[0, 1, 2, 3, 40]) };
                let many = if depth > 2 { many.min(2) } else { many };
                (0..many).map(|_| self.filled(&schema["items"], depth + 1)).collect()
            }
            "object" => self.object(schema, depth),
            _ => json!(match schema["format"].as_str() {
                // Few, so that records meet again.
                Some("uuid") => Uuid::from_u128(u128::from(self.luck.draw() % 4)).to_string(),
                Some("date-time") => self.luck.of(&MOMENTS).to_owned(),
                _ => self.text(),
            }),
        }
    }

    fn whole(&mut self, format: &str) -> Value {
        match format {
            "uint8" => json!(self.luck.of(&[0_u8, 1, 6, u8::MAX])),
            "uint16" => json!(self.luck.of(&[0_u16, 1, u16::MAX])),
            "uint32" => json!(self.luck.of(&[0_u32, 1, u32::MAX])),
            "uint64" => json!(self.luck.of(&[0_u64, 1, 60, u64::MAX])),
            _ => json!(self.luck.of(&[0_i64, 1, 60, 2_024, -1, i64::MIN, i64::MAX])),
        }
    }

    fn object(&mut self, schema: &Value, depth: usize) -> Value {
        let is_required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|required| required == name));
        let mut object = Map::new();
        for (name, shape) in schema["properties"].as_object().into_iter().flatten() {
            if self.is_kind || is_required(name) || !self.luck.one_in(4) {
                self.trail.push(name.clone());
                object.insert(name.clone(), self.filled(shape, depth + 1));
                self.trail.pop();
            }
        }
        if schema["additionalProperties"].is_object() {
            for _ in 0..self.luck.below(4) {
                let known = shapes().permissions().as_array().unwrap();
                let name = if self.luck.one_in(2) { self.luck.text() } else { known[self.luck.below(known.len())].as_str().unwrap().to_owned() };
                object.insert(name, self.filled(&schema["additionalProperties"], depth + 1));
            }
        }
        Value::Object(object)
    }

    /// Draws what there is, often in another size, and looks at what is written.
    fn draw(&mut self) {
        if !self.draws {
            return;
        }
        if self.luck.one_in(3) {
            let any = (u16::try_from(1 + self.luck.below(300)).unwrap(), u16::try_from(1 + self.luck.below(100)).unwrap());
            let (wide, high) = if self.luck.one_in(4) { any } else { self.luck.of(&SIZES) };
            self.pen = Pen::default();
            self.shown = Buffer::empty(Rect::new(0, 0, wide, high));
        }
        self.paint();
    }

    fn paint(&mut self) {
        let area = self.shown.area;
        let mut next = Buffer::empty(area);
        self.app.view(area, &mut next);
        let caret = self.app.caret(area).filter(|caret| area.contains(*caret));
        let strokes = self.pen.strokes(&self.shown, &next, caret);
        assert_eq!(harmless::foreign(&strokes), Vec::<String>::new(), "at {}×{}", area.width, area.height);
        assert!(strokes.len() <= 1_000 + 200 * next.content.len(), "{} bytes for {}×{}", strokes.len(), area.width, area.height);
        self.shown = next;
    }

    fn press(&mut self, chord: &str) {
        for part in chord.split(' ') {
            self.happens(Event::Key(key(part)));
        }
    }

    fn type_text(&mut self, text: &str) {
        for letter in text.chars() {
            self.happens(Event::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE)));
        }
    }

    /// To a page, and through all that is on it.
    fn go_somewhere(&mut self, nth: u64) {
        self.opens(nth);
        for digit in DIGITS {
            self.press(digit);
        }
    }

    /// To one of three pages.
    fn opens(&mut self, nth: u64) {
        self.happens(Event::Resumed);
        match nth % 3 {
            0 => {
                // By name: else assets would be found as well.
                self.press("f2");
                self.press("tab");
                self.type_text("kel");
                self.press("enter");
            }
            1 => {
                self.press("f3");
                self.type_text("1042");
                self.press("enter");
            }
            _ => self.press("alt-x"),
        }
    }

    fn step(&mut self) {
        match self.luck.below(20) {
            0..=7 => {
                // What leads away leads to little else.
                let leads_away = |id: &str| matches!(id, "quit" | "suspend" | "sign_out" | "lock");
                let commands: Vec<&str> = COMMANDS.iter().filter(|command| !leads_away(command.id)).flat_map(|command| command.keys.iter().copied()).collect();
                let chord = self.luck.of(&commands);
                self.press(chord);
            }
            8..=11 => {
                let chord = self.luck.of(&["enter", "enter", "down", "up", "tab", "f9"]);
                self.press(chord);
            }
            12 => {
                let digit = self.luck.of(&["1", "2", "3", "0"]);
                self.press(digit);
            }
            13..=14 => {
                let text = self.luck.text();
                self.happens(Event::Paste(text));
            }
            15 => {
                let letter = self.luck.letter();
                self.happens(Event::Key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::NONE)));
            }
            16 => self.press("esc"),
            17 => {
                if !self.waits.is_empty() {
                    let nth = self.luck.below(self.waits.len());
                    let ticket = self.waits.swap_remove(nth);
                    self.happens(Event::Woken(ticket));
                }
            }
            18 => self.happens(Event::Busy(Duration::from_secs(u64::MAX))),
            _ => self.happens(Event::Resize),
        }
    }
}

fn endpoint(name: &str) -> Endpoint {
    *ENDPOINTS.iter().find(|endpoint| endpoint.name == name).unwrap()
}

/// A key by the name that the table of commands has for it.
fn key(part: &str) -> KeyEvent {
    let (modifiers, name) = match part.split_once('-') {
        Some(("ctrl", name)) => (KeyModifiers::CONTROL, name),
        Some(("alt", name)) => (KeyModifiers::ALT, name),
        _ => (KeyModifiers::NONE, part),
    };
    let code = match name {
        "enter" => KeyCode::Enter,
        "tab" => KeyCode::Tab,
        "backtab" => KeyCode::BackTab,
        "esc" => KeyCode::Esc,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        "space" => KeyCode::Char(' '),
        other => match other.strip_prefix('f').and_then(|nth| nth.parse().ok()) {
            Some(nth) => KeyCode::F(nth),
            None => KeyCode::Char(other.chars().next().unwrap()),
        },
    };
    KeyEvent::new(code, modifiers)
}

/// Names the walk that failed.
struct Named<T: std::fmt::Debug>(T);

impl<T: std::fmt::Debug> Drop for Named<T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("this was walk {:?}\n", self.0).as_bytes());
        }
    }
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

#[test]
fn t28_nothing_but_letters_reaches_the_terminal_wherever_one_walks() {
    let only = number("COUNTERTOP_WALK");
    let walks = only.map_or(0..number("COUNTERTOP_WALKS").unwrap_or(WALKS), |nth| nth..nth + 1);
    let mut asked = BTreeSet::new();
    for nth in walks {
        let _named = Named(nth);
        let mut walk = Walk::new(nth);
        walk.go_somewhere(nth);
        walk.is_kind = false;
        for _ in 0..STEPS {
            walk.step();
        }
        asked.extend(walk.asked);
    }
    let unread: Vec<&str> = READ_BY_PANES.into_iter().filter(|name| !asked.contains(name)).collect();
    assert!(only.is_some() || unread.is_empty(), "never asked for: {unread:?}");
}

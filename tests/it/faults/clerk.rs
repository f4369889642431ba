//! Somebody at a counter who writes, and sends the same again under the same key
//! until an answer comes, whatever happens to the line or to the server.

use std::time::{Duration, Instant};

use countertop::api::ids::AssetId;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::model::{Act, Kind, Told};
use crate::dice::Dice;
use crate::harness::{Answer, Caller};

/// After this somebody would ask what is wrong.
const PATIENCE: Duration = Duration::from_mins(1);
/// Before the same is sent again.
const PAUSE: Duration = Duration::from_millis(8);

/// How somebody goes about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    /// Sends again until there is an answer.
    Patient,
    /// Gives up now and then after hearing nothing.
    GivesUp,
    /// Takes a new key for each sending: the mistake that the model has to find.
    ForgetsTheKey,
}

/// A write as it is sent.
#[derive(Debug, Clone)]
pub(super) struct Letter {
    kind: Kind,
    mark: String,
    path: String,
    body: Value,
    key: String,
    if_match: Option<i64>,
}

/// The person.
#[derive(Debug)]
pub(super) struct Clerk {
    caller: Caller,
    name: String,
    habit: Habit,
    dice: Dice,
    asset: AssetId,
    /// A customer of his own, once he made one.
    customer: Option<String>,
    /// Readings of his that count.
    readings: Vec<String>,
    /// What he wrote and was told.
    pub(super) acts: Vec<Act>,
    /// What he gave up and can still send again.
    given_up: Vec<(usize, Letter)>,
}

impl Clerk {
    /// Signs in at a server that runs.
    pub(super) async fn at(server: &str, name: &str, asset: AssetId, habit: Habit, dice: Dice) -> Self {
        let mut caller = Caller::at(server, Duration::from_secs(20));
        let (status, session) = caller.post("/v1/sessions", json!({ "username": "gm", "password": "demo" })).await;
        assert_eq!(status, 201, "{session}");
        caller.token = session["token"].as_str().map(str::to_owned);
        Self { caller, name: name.to_owned(), habit, dice, asset, customer: None, readings: Vec::new(), acts: Vec::new(), given_up: Vec::new() }
    }

    /// Writes one thing after the other until it is told to stop, and comes to the
    /// end of what it began.
    pub(super) async fn work(mut self, stop: watch::Receiver<bool>) -> Self {
        while !*stop.borrow() {
            let kind = self.dice.one_of(&Kind::ALL);
            self.write(kind).await;
        }
        self
    }

    /// Writes one thing. What it needs first, such as a reading to void, it writes
    /// first.
    pub(super) async fn write(&mut self, kind: Kind) {
        let mut letter = self.letter(kind).await;
        let told = self.send(&mut letter).await;
        self.remember(&letter, &told);
        if !matches!(told, Told::Saved(_)) && letter.kind != Kind::Change {
            self.given_up.push((self.acts.len(), letter.clone()));
        }
        self.acts.push(Act { kind: letter.kind, mark: letter.mark, told });
    }

    /// Sends a letter once and gives what came back; until [`Clerk::insist`] he
    /// does not know what became of it, unless he was told that it is saved.
    #[cfg(target_os = "linux")]
    pub(super) async fn try_once(&mut self, letter: Letter) -> Answer {
        let answer = self.send_once(&letter).await.expect("the server answers, and the answer is whole");
        let told = Self::understood(&letter, &answer).filter(|told| matches!(told, Told::Saved(_))).unwrap_or(Told::Nothing);
        self.remember(&letter, &told);
        self.acts.push(Act { kind: letter.kind, mark: letter.mark.clone(), told: told.clone() });
        if told == Told::Nothing {
            self.given_up.push((self.acts.len() - 1, letter));
        }
        answer
    }

    /// Sends all that he was told nothing of again, until it is saved.
    #[cfg(target_os = "linux")]
    pub(super) async fn insist(&mut self) {
        for (place, mut letter) in std::mem::take(&mut self.given_up) {
            let told = self.send(&mut letter).await;
            self.remember(&letter, &told);
            self.acts[place].told = told;
        }
    }

    /// What he needs later of what is saved.
    fn remember(&mut self, letter: &Letter, told: &Told) {
        let Told::Saved(id) = told else { return };
        match letter.kind {
            Kind::Reading => self.readings.push(id.clone()),
            Kind::Customer => self.customer = Some(id.clone()),
            Kind::Request | Kind::Void | Kind::Change => {}
        }
    }

    /// A letter to be sent; another kind of one, where what it needs is not there.
    pub(super) async fn letter(&mut self, kind: Kind) -> Letter {
        let kind = match kind {
            Kind::Void if self.readings.is_empty() => Kind::Reading,
            Kind::Change if self.customer.is_none() => Kind::Customer,
            other => other,
        };
        let mark = format!("{} {}", self.name, self.acts.len());
        let (path, body) = match kind {
            Kind::Reading => (format!("/v1/assets/{}/readings", self.asset), json!({ "meter": "cycles", "value": "100", "comment": mark })),
            Kind::Request => (format!("/v1/assets/{}/service-requests", self.asset), json!({ "complaint": mark })),
            Kind::Customer => ("/v1/customers".to_owned(), json!({ "name": mark, "number": mark, "city": "Tracy" })),
            Kind::Void => {
                let reading = self.readings.pop().expect("a reading that counts");
                (format!("/v1/readings/{reading}/void"), json!({ "reason": mark }))
            }
            Kind::Change => (format!("/v1/customers/{}", self.customer.as_deref().expect("a customer")), json!({ "notes": mark })),
        };
        let if_match = if kind == Kind::Change { Some(self.version(&path).await) } else { None };
        Letter { kind, mark, path, body, key: self.key(), if_match }
    }

    fn key(&mut self) -> String {
        format!("{}-{:x}", self.name.replace(' ', "-"), self.dice.draw())
    }

    /// The version his customer is of now.
    async fn version(&self, path: &str) -> i64 {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Ok(answer) = self.caller.try_to_send("GET", path, &[], None).await
                && let Some(version) = answer.version()
            {
                return version;
            }
            assert!(Instant::now() < end, "{}: {path} cannot be read", self.name);
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Sends until there is an answer that says what became of it.
    async fn send(&mut self, letter: &mut Letter) -> Told {
        let end = Instant::now() + PATIENCE;
        loop {
            let heard = self.send_once(letter).await;
            match heard.as_ref().map(|answer| (answer.status, Self::understood(letter, answer))) {
                Ok((_, Some(told))) => return told,
                // Somebody else changed it before; this one is not there yet.
                Ok((412, None)) => letter.if_match = Some(self.version(&letter.path).await),
                Err(_) if self.habit == Habit::ForgetsTheKey => letter.key = self.key(),
                Err(_) if self.habit == Habit::GivesUp && self.dice.one_in(6) => return Told::Nothing,
                Ok((_, None)) | Err(_) => {}
            }
            assert!(Instant::now() < end, "{}: {letter:?} gets no answer, lately {heard:?}", self.name);
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn send_once(&self, letter: &Letter) -> reqwest::Result<Answer> {
        let (method, header, value) = match letter.if_match {
            Some(version) => ("PATCH", "if-match", format!("\"{version}\"")),
            None => ("POST", "idempotency-key", letter.key.clone()),
        };
        self.caller.try_to_send(method, &letter.path, &[(header, value.as_str())], Some(letter.body.to_string().into_bytes())).await
    }

    /// What an answer says of a write; none: ask again.
    fn understood(letter: &Letter, answer: &Answer) -> Option<Told> {
        let body = answer.json();
        let id = |body: &Value| Some(Told::Saved(body["id"].as_str()?.to_owned()));
        match (answer.status, body["code"].as_str()) {
            (200 | 201, _) => id(&body),
            // The change was made, and its answer was lost.
            (412, _) if body["current"]["notes"] == letter.mark.as_str() => id(&body["current"]),
            // It was not; or a server just came up, or still works on the first sending.
            (412 | 503, _) | (409, Some("idempotency.running")) => None,
            _ => Some(Told::Refused(format!("{} {}", answer.status, answer.text))),
        }
    }

    /// Sends what he gave up again, as somebody does the next morning: each other
    /// one of them.
    pub(super) async fn come_back(&mut self) {
        self.habit = Habit::Patient;
        for (place, mut letter) in std::mem::take(&mut self.given_up) {
            if self.dice.one_in(2) {
                self.acts[place].told = self.send(&mut letter).await;
            }
        }
    }
}

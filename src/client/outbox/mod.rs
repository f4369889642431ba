//! What was typed on this machine and is not at the server yet: drafts, and the
//! outbox of writes that must arrive once, whatever dies in between.
//!
//! A write is on the disk of this machine before it goes out, and goes out
//! under one key for ever. [`Outbox`] decides what is sent when, without a clock,
//! a line or a thread of its own; [`courier`] is what drives it.
//!
//! May call [`super`] and [`crate::api`].

pub mod courier;
mod entry;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod simulation;
mod store;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

pub use entry::{Entry, MOST, OutboxFault, Post, State, Summary, Typed, Whose};
use jiff::Timestamp;
use store::Store;

use super::{Call, ClientError};
use crate::api::LONGEST_KEPT;

/// The file in the state folder of a user.
pub const FILE: &str = "outbox.db";

/// The first pause after a line that broke, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(1));

/// The time, by the clock on the wall and by one that never jumps.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// What the machine's clock says.
    pub wall: Timestamp,
    /// Since something.
    pub steady: Duration,
}

/// What is to be done next.
#[derive(Debug)]
pub enum Next {
    /// Send this.
    Send(Box<Letter>),
    /// Ask again after so long.
    In(Duration),
    /// Ask again when something has happened.
    Nothing,
}

/// A write to be sent.
#[derive(Debug)]
pub struct Letter {
    /// The entry.
    pub id: i64,
    /// The call.
    pub call: Call,
}

/// What became of a try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is at the server.
    Sent,
    /// The server will not have it.
    Refused,
    /// It is tried again.
    Waits,
    /// It is tried again when somebody has signed in.
    SignIn,
}

/// A pause between tries.
#[derive(Debug, Clone, Copy, Default)]
struct Pause {
    failures: u32,
    until: Duration,
}

impl Pause {
    /// One more failure: each pause is twice as long, and none like another's.
    fn lengthen(&mut self, now: Duration, jitter: f64) {
        let pause = PAUSES.0.saturating_mul(1 << self.failures.min(10)).min(PAUSES.1);
        self.failures = self.failures.saturating_add(1);
        self.until = now + pause.mul_f64(0.5 + jitter / 2.0);
    }
}

/// Decides what is sent when.
#[derive(Debug)]
pub struct Outbox {
    store: Store,
    whose: Option<Whose>,
    /// The lineage of the server's database.
    lineage: Option<String>,
    /// Nobody is asked before: the line is broken.
    line: Pause,
    /// Entries that the server failed at, one by one.
    held: HashMap<i64, Pause>,
    /// When an entry was typed, by the clock that never jumps.
    typed: HashMap<i64, Duration>,
    /// The session ended.
    signed_out: bool,
}

impl Outbox {
    /// Opens the outbox of this folder, which is made if need be.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn open(folder: &Path) -> Result<Self, OutboxFault> {
        Store::open(folder).map(Self::over)
    }

    fn over(store: Store) -> Self {
        let (held, typed) = (HashMap::new(), HashMap::new());
        Self { store, whose: None, lineage: None, line: Pause::default(), held, typed, signed_out: true }
    }

    /// From now on what is this user's is sent. To a server that was restored
    /// from a backup what it may have lost is sent again; the number of those
    /// is returned.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn belong_to(&mut self, whose: Whose, lineage: Option<String>, now: Now) -> Result<usize, OutboxFault> {
        // What is older nobody would take any more without a look.
        let since = now.wall.saturating_sub(LONGEST_KEPT).unwrap_or(Timestamp::MIN);
        let again = match &lineage {
            Some(lineage) => self.store.send_again_to(&whose, lineage, since)?,
            None => 0,
        };
        (self.whose, self.lineage, self.signed_out, self.line) = (Some(whose), lineage, false, Pause::default());
        Ok(again)
    }

    /// From now on nothing is sent.
    pub fn belong_to_nobody(&mut self) {
        (self.whose, self.lineage, self.signed_out) = (None, None, true);
    }

    /// Keeps a write. When this returns it survives a power cut.
    ///
    /// # Errors
    /// [`OutboxFault`]; then nothing was kept.
    pub fn keep(&mut self, whose: &Whose, post: &Post, now: Now) -> Result<i64, OutboxFault> {
        let id = self.store.keep(whose, post, now.wall)?;
        self.typed.insert(id, now.steady);
        Ok(id)
    }

    /// What is to be done next.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn next(&mut self, now: Now) -> Result<Next, OutboxFault> {
        let Some(whose) = self.whose.clone().filter(|_| !self.signed_out) else { return Ok(Next::Nothing) };
        loop {
            let waiting = match self.first(&whose, now)? {
                First::Nothing => return Ok(Next::Nothing),
                First::Held(until) => return Ok(Next::In(until.saturating_sub(now.steady))),
                First::Due(_) if self.line.until > now.steady => return Ok(Next::In(self.line.until.saturating_sub(now.steady))),
                First::Due(waiting) => waiting,
            };
            let Some(kept_for) = self.age(&waiting, now) else {
                let told = "This machine's clock jumped since this was typed: open it and say when it was.";
                self.store.refuse(waiting.id, told, now.wall)?;
                continue;
            };
            match waiting.call {
                Some(call) => return Ok(Next::Send(Box::new(Letter { id: waiting.id, call: call.kept_for(kept_for) }))),
                None => self.store.refuse(waiting.id, "This version of countertop does not know what this is.", now.wall)?,
            }
        }
    }

    /// The first that may go: the oldest about its subject, unless it is held.
    fn first(&self, whose: &Whose, now: Now) -> Result<First, OutboxFault> {
        let (mut subjects, mut found) = (HashSet::new(), First::Nothing);
        self.store.look_through(whose, |waiting| {
            if !subjects.insert(waiting.subject.clone()) {
                return false;
            }
            let until = self.held.get(&waiting.id).map(|pause| pause.until).filter(|until| *until > now.steady);
            let due = until.is_none();
            found = match (until, &found) {
                (None, _) => First::Due(Box::new(waiting)),
                (Some(until), First::Held(before)) => First::Held(until.min(*before)),
                (Some(until), _) => First::Held(until),
            };
            due
        })?;
        Ok(found)
    }

    /// How long ago it was typed; none where the clock cannot be believed.
    fn age(&self, waiting: &store::Waiting, now: Now) -> Option<Duration> {
        let by_the_wall = || Duration::try_from(now.wall.duration_since(waiting.typed_at)).ok();
        let age = self.typed.get(&waiting.id).map(|typed| now.steady.saturating_sub(*typed)).or_else(by_the_wall);
        age.filter(|age| *age <= LONGEST_KEPT)
    }

    /// What came of a try. `jitter` lies between 0 and 1.
    ///
    /// # Errors
    /// [`OutboxFault`]: then it is as if it had not been tried.
    pub fn answered(&mut self, id: i64, outcome: &Result<Vec<u8>, ClientError>, now: Now, jitter: f64) -> Result<Fate, OutboxFault> {
        match outcome {
            Ok(body) => {
                let number = serde_json::from_slice::<serde_json::Value>(body).ok().and_then(|answer| answer["number"].as_str().map(str::to_owned));
                self.store.sent(id, number.as_deref(), self.lineage.as_deref(), now.wall)?;
                self.line = Pause::default();
                self.forget(id);
                Ok(Fate::Sent)
            }
            Err(error) => self.failed(id, error, now, jitter),
        }
    }

    fn failed(&mut self, id: i64, error: &ClientError, now: Now, jitter: f64) -> Result<Fate, OutboxFault> {
        let status = error.problem().map(|problem| problem.status);
        let is_running = error.problem().is_some_and(|problem| problem.code == "idempotency.running");
        match status {
            Some(401) => {
                self.store.put_off(id, "Sign in again, then it is sent.")?;
                self.signed_out = true;
                return Ok(Fate::SignIn);
            }
            // The server itself is in trouble, or what stands before it.
            None | Some(502..=504 | 507) => {
                self.store.put_off(id, &error.to_string())?;
                self.line.lengthen(now.steady, jitter);
            }
            // It fails at this one: the others need not wait for it.
            Some(408 | 429 | 500..) => self.hold(id, error, now, jitter)?,
            Some(_) if is_running => self.hold(id, error, now, jitter)?,
            Some(_) => {
                self.store.refuse(id, &error.to_string(), now.wall)?;
                self.line = Pause::default();
                self.forget(id);
                return Ok(Fate::Refused);
            }
        }
        Ok(Fate::Waits)
    }

    fn hold(&mut self, id: i64, error: &ClientError, now: Now, jitter: f64) -> Result<(), OutboxFault> {
        self.held.entry(id).or_default().lengthen(now.steady, jitter);
        self.store.put_off(id, &error.to_string())
    }

    fn forget(&mut self, id: i64) {
        self.held.remove(&id);
        self.typed.remove(&id);
    }

    /// The line is back, or somebody does not want to wait.
    pub fn hurry(&mut self) {
        self.line = Pause::default();
        self.held.clear();
    }

    /// Takes an entry out for good.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn discard(&mut self, id: i64) -> Result<bool, OutboxFault> {
        self.forget(id);
        self.whose.as_ref().map_or(Ok(false), |whose| self.store.discard(whose, id))
    }

    /// One entry.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn entry(&self, id: i64) -> Result<Option<Entry>, OutboxFault> {
        self.store.entry(id)
    }

    /// What is refused, waits or was sent; the newest `most` of each.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn entries(&self, most: usize) -> Result<Vec<Entry>, OutboxFault> {
        self.whose.as_ref().map_or(Ok(Vec::new()), |whose| self.store.entries(whose, most))
    }

    /// How many wait or are refused.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn summary(&self) -> Result<Summary, OutboxFault> {
        self.whose.as_ref().map_or(Ok(Summary::default()), |whose| self.store.summary(whose))
    }

    /// Keeps drafts, or forgets those without a text.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn keep_drafts(&mut self, whose: &Whose, drafts: &[(String, Typed)]) -> Result<(), OutboxFault> {
        self.store.keep_drafts(whose, drafts)
    }

    /// All drafts of whom it belongs to, the oldest first.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn drafts(&self) -> Result<Vec<(String, Typed)>, OutboxFault> {
        self.whose.as_ref().map_or(Ok(Vec::new()), |whose| self.store.drafts(whose))
    }
}

/// What may go first.
#[derive(Debug)]
enum First {
    Due(Box<store::Waiting>),
    /// Not before.
    Held(Duration),
    Nothing,
}

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
mod limits;
mod orders;
#[cfg(test)]
mod simulation;
mod store;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

pub use entry::{Entry, MOST, OutboxFault, Post, State, Summary, Typed, Whose, has_text};
use jiff::{SignedDuration, Timestamp};
use store::Store;

use super::{Call, ClientError};
use crate::api::LONGEST_KEPT;
use crate::api::operation::{AddReading, Operation as _};

/// The file in the state folder of a user.
pub const FILE: &str = "outbox.db";

/// The first pause after a line that broke, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(1));

/// The longest pause of one that something else than the server turned away:
/// the others get their turns meanwhile.
const LONGEST_AWAY: Duration = Duration::from_mins(5);

/// Nobody leaves a server alone for longer, whatever it asks for: one odd header
/// must not keep what was typed from it for hours.
const LONGEST_ASKED: Duration = Duration::from_mins(5);

/// A clock that was put right by no more than this did not jump.
const PUT_RIGHT: SignedDuration = SignedDuration::from_mins(5);

/// The most that is kept of what a server calls something.
const LONGEST_NUMBER: usize = 40;

/// The time, by the clock on the wall and by one that never jumps.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// What the machine's clock says.
    pub wall: Timestamp,
    /// Since something; it goes on while the machine sleeps.
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
    /// By which sign-in it is sent.
    sign_in: u64,
    /// The lineage of the database that it goes to.
    lineage: Option<String>,
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

/// Why something does not go by itself any more, by the time at which it was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Untimely {
    /// Nobody knows when that was: it is still to come.
    ToCome,
    /// It was so long ago that it may hold no more.
    TooOld,
}

impl Untimely {
    /// In words, with what is to be done. Only a reading says of when it is.
    fn in_words(self, call: Option<&Call>) -> String {
        let why = match self {
            Self::ToCome => "This machine's clock was set back since this was typed, and nobody knows how old it is".to_owned(),
            Self::TooOld => format!("By this machine's clock this was typed more than {} days ago", LONGEST_KEPT.as_secs() / 86_400),
        };
        let is_reading = call.is_some_and(|call| call.endpoint.name == AddReading::ENDPOINT.name);
        let then = if is_reading { "open it and say when it was" } else { "open it, look whether it still holds, and save it again" };
        format!("{why}: {then}.")
    }
}

/// A pause between tries.
#[derive(Debug, Clone, Copy, Default)]
struct Pause {
    failures: u32,
    until: Duration,
}

impl Pause {
    /// One more failure: each pause is twice as long, and none like another's.
    fn lengthen(&mut self, now: Duration, jitter: f64, longest: Duration) {
        let pause = PAUSES.0.saturating_mul(1 << self.failures.min(10)).min(longest);
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
    /// The server asked to be left alone until then: nothing goes by itself before,
    /// though the line is back.
    not_before: Duration,
    /// Entries that the server failed at, one by one.
    held: HashMap<i64, Pause>,
    /// When an entry was typed, by the clock that never jumps.
    typed: HashMap<i64, Duration>,
    /// The session ended.
    signed_out: bool,
    /// How often somebody came or went: what was sent before says nothing of
    /// whoever is here now.
    sign_in: u64,
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
        let (line, not_before) = (Pause::default(), Duration::ZERO);
        Self { store, whose: None, lineage: None, line, not_before, held, typed, signed_out: true, sign_in: 0 }
    }

    /// From now on what is this user's is sent. To a server that was restored
    /// from a backup what it may have lost is sent again; the number of those
    /// is returned. What is so old that it would not be sent by itself is in
    /// any backup that somebody restores.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn belong_to(&mut self, whose: Whose, lineage: Option<String>, now: Now) -> Result<usize, OutboxFault> {
        let since = now.wall.checked_sub(LONGEST_KEPT).unwrap_or(Timestamp::UNIX_EPOCH);
        let again = match &lineage {
            Some(lineage) => self.store.send_again_to(&whose, lineage, since)?,
            None => 0,
        };
        self.sign_in += 1;
        (self.whose, self.lineage, self.signed_out, self.line) = (Some(whose), lineage, false, Pause::default());
        Ok(again)
    }

    /// From now on nothing is sent.
    pub fn belong_to_nobody(&mut self) {
        (self.whose, self.lineage, self.signed_out) = (None, None, true);
        self.sign_in += 1;
    }

    /// Keeps a write. When this returns it survives a power cut.
    ///
    /// # Errors
    /// [`OutboxFault`]; then nothing was kept, and what the disk has of it all the
    /// same is not sent, and taken out as soon as the disk allows it.
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
        self.store.take_back_unkept();
        let Some(whose) = self.whose.clone().filter(|_| !self.signed_out) else { return Ok(Next::Nothing) };
        let pause_ends = self.line.until.max(self.not_before);
        loop {
            let waiting = match self.first(&whose, now)? {
                First::Nothing => return Ok(Next::Nothing),
                First::Held(until) => return Ok(Next::In(until.saturating_sub(now.steady))),
                First::Due(_) if pause_ends > now.steady => return Ok(Next::In(pause_ends.saturating_sub(now.steady))),
                First::Due(waiting) => waiting,
            };
            let kept_for = match self.age(&waiting, now) {
                Ok(kept_for) => kept_for,
                Err(untimely) => {
                    self.store.refuse(waiting.id, &untimely.in_words(waiting.call.as_ref()), now.wall)?;
                    continue;
                }
            };
            match waiting.call {
                Some(call) => {
                    let (call, lineage) = (call.kept_for(kept_for), self.lineage.clone());
                    return Ok(Next::Send(Box::new(Letter { id: waiting.id, call, sign_in: self.sign_in, lineage })));
                }
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

    /// How long ago it was typed, if it may still go by itself.
    fn age(&self, waiting: &store::Waiting, now: Now) -> Result<Duration, Untimely> {
        let by_the_wall = || {
            let age = now.wall.duration_since(waiting.typed_at);
            if age < -PUT_RIGHT { Err(Untimely::ToCome) } else { Ok(Duration::try_from(age).unwrap_or_default()) }
        };
        let age = self.typed.get(&waiting.id).map_or_else(by_the_wall, |typed| Ok(now.steady.saturating_sub(*typed)))?;
        if age > LONGEST_KEPT { Err(Untimely::TooOld) } else { Ok(age) }
    }

    /// What came of a try. `jitter` lies between 0 and 1.
    ///
    /// # Errors
    /// [`OutboxFault`]: then it is as if it had not been tried.
    pub fn answered(&mut self, letter: &Letter, outcome: &Result<Vec<u8>, ClientError>, now: Now, jitter: f64) -> Result<Fate, OutboxFault> {
        let noted = match outcome {
            Ok(body) => self.arrived(letter, body, now),
            Err(error) => self.failed(letter, error, now, jitter),
        };
        if noted.is_err() {
            // Its disk is full: whoever sends without noting what comes of it
            // sends the same without end.
            self.line.lengthen(now.steady, jitter, PAUSES.1);
        }
        noted
    }

    fn arrived(&mut self, letter: &Letter, body: &[u8], now: Now) -> Result<Fate, OutboxFault> {
        let answer = serde_json::from_slice::<serde_json::Value>(body).ok();
        let number = answer.and_then(|answer| Some(answer.get("number")?.as_str()?.chars().take(LONGEST_NUMBER).collect::<String>()));
        self.store.sent(letter.id, number.as_deref(), letter.lineage.as_deref(), now.wall)?;
        self.line = Pause::default();
        self.forget(letter.id);
        Ok(Fate::Sent)
    }

    fn failed(&mut self, letter: &Letter, error: &ClientError, now: Now, jitter: f64) -> Result<Fate, OutboxFault> {
        let id = letter.id;
        let status = error.problem().map(|problem| problem.status);
        let code = error.problem().map_or("", |problem| problem.code.as_str());
        self.heed(error, now);
        match status {
            Some(401) => return self.wait_for_sign_in(letter, "Sign in again, then it is sent."),
            Some(403) if code == "password.must_change" => return self.wait_for_sign_in(letter, "Change your password first, then it is sent."),
            // A page of somebody in between, such as that a proxy takes nothing so
            // large: no refusal of ours, and the next one may pass, after a breath.
            None if matches!(error, ClientError::Strange { .. }) => {
                self.hold(id, error, now, jitter, LONGEST_AWAY)?;
                self.line.until = self.line.until.max(now.steady + PAUSES.0);
            }
            // The server itself is in trouble, or what stands before it; or it has
            // enough of us.
            None | Some(429 | 502..=504 | 507) => {
                self.store.put_off(id, &error.to_string())?;
                self.line.lengthen(now.steady, jitter, PAUSES.1);
            }
            // It fails at this one: the others need not wait for it.
            Some(408 | 500..) => self.hold(id, error, now, jitter, PAUSES.1)?,
            Some(_) if code == "idempotency.running" => self.hold(id, error, now, jitter, PAUSES.1)?,
            Some(_) => {
                self.store.refuse(id, &error.to_string(), now.wall)?;
                self.line = Pause::default();
                self.forget(id);
                return Ok(Fate::Refused);
            }
        }
        Ok(Fate::Waits)
    }

    /// Whoever is asked to leave the server alone does, even if its disk is full.
    fn heed(&mut self, error: &ClientError, now: Now) {
        if let Some(asked) = error.asked_to_wait() {
            self.not_before = self.not_before.max(now.steady + asked.min(LONGEST_ASKED));
        }
    }

    /// Nothing is sent until somebody signs in; unless somebody did meanwhile.
    fn wait_for_sign_in(&mut self, letter: &Letter, reason: &str) -> Result<Fate, OutboxFault> {
        self.signed_out |= letter.sign_in == self.sign_in;
        self.store.put_off(letter.id, reason)?;
        Ok(Fate::SignIn)
    }

    fn hold(&mut self, id: i64, error: &ClientError, now: Now, jitter: f64, longest: Duration) -> Result<(), OutboxFault> {
        self.held.entry(id).or_default().lengthen(now.steady, jitter, longest);
        self.store.put_off(id, &error.to_string())
    }

    fn forget(&mut self, id: i64) {
        self.held.remove(&id);
        self.typed.remove(&id);
    }

    /// The line is back; a server that asked for a pause gets it all the same.
    pub fn hurry(&mut self) {
        self.line = Pause::default();
        self.held.clear();
    }

    /// Somebody does not want to wait: whatever pause runs is over, one that the
    /// server asked for too. What it says to this try counts as ever.
    pub fn try_now(&mut self) {
        self.hurry();
        self.not_before = Duration::ZERO;
        self.signed_out = self.whose.is_none();
    }

    /// When one that nothing about the same stands before is tried by itself;
    /// none where no pause runs, or where somebody has to sign in first.
    #[must_use]
    pub fn next_try(&self, id: i64, now: Now) -> Option<Timestamp> {
        let held = self.held.get(&id).map_or(Duration::ZERO, |pause| pause.until);
        let left = held.max(self.line.until).max(self.not_before).saturating_sub(now.steady);
        now.wall.checked_add(left).ok().filter(|_| !left.is_zero() && !self.signed_out)
    }

    /// Takes an entry out for good.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn discard(&mut self, id: i64) -> Result<bool, OutboxFault> {
        self.forget(id);
        self.whose.as_ref().map_or(Ok(false), |whose| self.store.discard(whose, id))
    }

    /// One entry of whom it belongs to.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn entry(&self, id: i64) -> Result<Option<Entry>, OutboxFault> {
        self.whose.as_ref().map_or(Ok(None), |whose| self.store.entry(whose, id))
    }

    /// What is refused or waits, the oldest first, and what was sent, the newest
    /// first; at most `most` of each.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn entries(&self, most: usize) -> Result<Vec<Entry>, OutboxFault> {
        self.whose.as_ref().map_or(Ok(Vec::new()), |whose| self.store.entries(whose, most))
    }

    /// The same, and of what waits when it is tried by itself.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn timed_entries(&self, most: usize, now: Now) -> Result<Vec<Entry>, OutboxFault> {
        let (mut entries, before) = (self.entries(most)?, self.stands_before()?);
        for entry in entries.iter_mut().filter(|entry| entry.state == State::Waiting) {
            entry.next_try = self.next_try(before.get(&entry.id).copied().unwrap_or(entry.id), now);
        }
        Ok(entries)
    }

    /// Behind which entry each of those waits that are about the same: itself, if
    /// it is the first. Nobody asks where none is held.
    fn stands_before(&self) -> Result<HashMap<i64, i64>, OutboxFault> {
        let (mut subjects, mut before) = (HashMap::new(), HashMap::new());
        if let Some(whose) = self.whose.as_ref().filter(|_| !self.held.is_empty()) {
            self.store.look_through(whose, |waiting| {
                before.insert(waiting.id, *subjects.entry(waiting.subject).or_insert(waiting.id));
                false
            })?;
        }
        Ok(before)
    }

    /// How many wait or are refused.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn summary(&self) -> Result<Summary, OutboxFault> {
        self.whose.as_ref().map_or(Ok(Summary::default()), |whose| self.store.summary(whose))
    }

    /// How many wait or are refused of everybody who typed for a server here.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn summary_of_all(&self, server: &str) -> Result<Summary, OutboxFault> {
        self.store.summary_of_all(server)
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

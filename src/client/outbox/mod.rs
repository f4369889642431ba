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
mod queue;
#[cfg(test)]
mod simulation;
mod store;

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

pub use entry::{Entry, MOST, OutboxFault, Post, State, Summary, Typed, Whose, has_text};
use jiff::{SignedDuration, Timestamp};
use queue::{First, Queue};
use store::{Note, Store};

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

/// So many are on their way at once at the most. A server works on sixteen of one
/// person with two processors: the other half is for what he does meanwhile.
const AT_ONCE: usize = 8;

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
    /// After how many troubles.
    troubles: u64,
    /// The lineage of the database that it goes to.
    lineage: Option<String>,
}

/// What the server said to a letter, or why it said nothing.
pub type Outcome = Result<Vec<u8>, ClientError>;

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
    /// So many may be on their way at once: one after each trouble, and one more
    /// with each that goes through.
    at_once: usize,
    /// How often something was amiss with the line. What went out before says
    /// nothing new of it.
    troubles: u64,
    queue: Queue,
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
        let (queue, typed) = (Queue::default(), HashMap::new());
        let (line, not_before) = (Pause::default(), Duration::ZERO);
        Self { store, whose: None, lineage: None, line, not_before, at_once: 1, troubles: 0, queue, typed, signed_out: true, sign_in: 0 }
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
        self.queue.outdate();
        (self.whose, self.lineage, self.signed_out, self.line) = (Some(whose), lineage, false, Pause::default());
        Ok(again)
    }

    /// From now on nothing is sent.
    pub fn belong_to_nobody(&mut self) {
        (self.whose, self.lineage, self.signed_out) = (None, None, true);
        self.sign_in += 1;
        self.queue.outdate();
    }

    /// Keeps a write. When this returns it survives a power cut.
    ///
    /// # Errors
    /// [`OutboxFault`]; then nothing was kept, and what the disk has of it all the
    /// same is not sent, and taken out as soon as the disk allows it.
    pub fn keep(&mut self, whose: &Whose, post: &Post, now: Now) -> Result<i64, OutboxFault> {
        self.queue.outdate();
        let id = self.store.keep(whose, post, now.wall)?;
        self.typed.insert(id, now.steady);
        Ok(id)
    }

    /// What is to be done next. What is to be sent stays so until
    /// [it goes out](Self::goes_out).
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn next(&mut self, now: Now) -> Result<Next, OutboxFault> {
        self.store.take_back_unkept();
        let Some(whose) = self.whose.clone().filter(|_| !self.signed_out) else { return Ok(Next::Nothing) };
        if self.queue.how_many_under_way() >= self.at_once {
            return Ok(Next::Nothing);
        }
        self.line_up(&whose)?;
        let pause_ends = self.line.until.max(self.not_before);
        loop {
            let id = match self.queue.first(now.steady) {
                First::Nothing => return Ok(Next::Nothing),
                First::Held(until) => return Ok(Next::In(until.saturating_sub(now.steady))),
                First::Due(_) if pause_ends > now.steady => return Ok(Next::In(pause_ends.saturating_sub(now.steady))),
                First::Due(id) => id,
            };
            // It may be gone by now.
            if let Some(waiting) = self.store.waiting(&whose, id)? {
                match self.letter(waiting, now) {
                    Ok(letter) => return Ok(Next::Send(Box::new(letter))),
                    Err(reason) => self.store.note(&[(id, Note::Refused(reason))], now.wall)?,
                }
            }
            self.queue.comes_back(id, true);
        }
    }

    /// Reads what waits, unless it is known: that takes as long as there is much
    /// of it.
    fn line_up(&mut self, whose: &Whose) -> Result<(), OutboxFault> {
        // What another terminal writes is not told here.
        if self.store.is_changed_by_others()? || !self.queue.is_read() {
            self.queue.read(self.store.waiting_by_subject(whose)?);
        }
        Ok(())
    }

    /// The letter for something that waits; or why none is written.
    fn letter(&self, waiting: store::Waiting, now: Now) -> Result<Letter, String> {
        let kept_for = self.age(&waiting, now).map_err(|untimely| untimely.in_words(waiting.call.as_ref()))?;
        let call = waiting.call.ok_or("This version of countertop does not know what this is.")?.kept_for(kept_for);
        Ok(Letter { id: waiting.id, call, sign_in: self.sign_in, troubles: self.troubles, lineage: self.lineage.clone() })
    }

    /// The letter is on its way: nothing about the same goes out before
    /// [the answer](Self::answered) to it, whoever is here by then.
    pub fn goes_out(&mut self, letter: &Letter) {
        self.queue.goes_out(letter.id);
    }

    /// The entries on their way to which no answer came yet.
    #[must_use]
    pub fn under_way(&self) -> Vec<i64> {
        self.queue.under_way()
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
    pub fn answered(&mut self, letter: &Letter, outcome: &Outcome, now: Now, jitter: f64) -> Result<Fate, OutboxFault> {
        let fates = self.all_answered(&[(letter, outcome)], now, jitter)?;
        Ok(fates.first().copied().unwrap_or(Fate::Waits))
    }

    /// What came of several tries, in their order. All of it is noted, or nothing.
    ///
    /// # Errors
    /// [`OutboxFault`]: then it is as if none had been tried.
    pub fn all_answered(&mut self, answers: &[(&Letter, &Outcome)], now: Now, jitter: f64) -> Result<Vec<Fate>, OutboxFault> {
        let (mut fates, mut notes) = (Vec::new(), Vec::new());
        for (letter, outcome) in answers {
            let (fate, note) = match outcome {
                Ok(body) => arrived(letter, body),
                Err(error) => self.failed(letter, error, now, jitter),
            };
            fates.push(fate);
            notes.push((letter.id, note));
        }
        let noted = self.store.note(&notes, now.wall);
        for ((letter, _), fate) in answers.iter().zip(&fates) {
            let is_gone = noted.is_ok() && matches!(fate, Fate::Sent | Fate::Refused);
            if is_gone {
                self.went_through(letter);
            }
            self.queue.comes_back(letter.id, is_gone);
        }
        if noted.is_err() {
            // Its disk is full: whoever sends without noting what comes of it
            // sends the same without end.
            self.line.lengthen(now.steady, jitter, PAUSES.1);
            self.at_once = 1;
            // A note may stand although it was told as an error.
            self.queue.outdate();
        }
        noted.map(|()| fates)
    }

    fn failed(&mut self, letter: &Letter, error: &ClientError, now: Now, jitter: f64) -> (Fate, Note) {
        let status = error.problem().map(|problem| problem.status);
        let code = error.problem().map_or("", |problem| problem.code.as_str());
        self.heed(error, now);
        match status {
            Some(401) => return self.wait_for_sign_in(letter, "Sign in again, then it is sent."),
            Some(403) if code == "password.must_change" => return self.wait_for_sign_in(letter, "Change your password first, then it is sent."),
            // A page of somebody in between, such as that a proxy takes nothing so
            // large: no refusal of ours, and the next one may pass, after a breath.
            None if matches!(error, ClientError::Strange { .. }) => {
                self.hold(letter, now, jitter, LONGEST_AWAY);
                if self.is_new_trouble(letter) {
                    self.line.until = self.line.until.max(now.steady + PAUSES.0);
                }
            }
            // The server itself is in trouble, or what stands before it; or it has
            // enough of us.
            None | Some(429 | 502..=504 | 507) => {
                if self.is_new_trouble(letter) {
                    self.line.lengthen(now.steady, jitter, PAUSES.1);
                }
            }
            // It fails at this one: the others need not wait for it.
            Some(408 | 500..) => self.hold(letter, now, jitter, PAUSES.1),
            Some(_) if code == "idempotency.running" => self.hold(letter, now, jitter, PAUSES.1),
            Some(_) => return (Fate::Refused, Note::Refused(error.to_string())),
        }
        (Fate::Waits, Note::PutOff(error.to_string()))
    }

    /// Whoever is asked to leave the server alone does, even if its disk is full.
    fn heed(&mut self, error: &ClientError, now: Now) {
        if let Some(asked) = error.asked_to_wait() {
            self.not_before = self.not_before.max(now.steady + asked.min(LONGEST_ASKED));
        }
    }

    /// Nothing is sent until somebody signs in; unless somebody did meanwhile.
    fn wait_for_sign_in(&mut self, letter: &Letter, reason: &str) -> (Fate, Note) {
        self.signed_out |= letter.sign_in == self.sign_in;
        (Fate::SignIn, Note::PutOff(reason.to_owned()))
    }

    fn hold(&mut self, letter: &Letter, now: Now, jitter: f64, longest: Duration) {
        self.at_once = 1;
        self.queue.hold(letter.id, now.steady, jitter, longest);
    }

    /// One at a time goes from here. When a line breaks under several it is one
    /// trouble, and not as many: the pause after it grows once.
    fn is_new_trouble(&mut self, letter: &Letter) -> bool {
        let is_new = letter.troubles == self.troubles;
        self.at_once = 1;
        self.troubles += u64::from(is_new);
        is_new
    }

    /// The server took it, or refused it for good: the line holds. Of one that went
    /// out before the last trouble nobody knows when that was.
    fn went_through(&mut self, letter: &Letter) {
        self.typed.remove(&letter.id);
        if letter.troubles == self.troubles {
            self.line = Pause::default();
            self.at_once = (self.at_once + 1).min(AT_ONCE);
        }
    }

    /// The line is back; a server that asked for a pause gets it all the same.
    pub fn hurry(&mut self) {
        self.line = Pause::default();
        self.queue.release();
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
        let left = self.queue.held_until(id).max(self.line.until).max(self.not_before).saturating_sub(now.steady);
        now.wall.checked_add(left).ok().filter(|_| !left.is_zero() && !self.signed_out)
    }

    /// Takes an entry out for good.
    ///
    /// # Errors
    /// [`OutboxFault`].
    pub fn discard(&mut self, id: i64) -> Result<bool, OutboxFault> {
        self.queue.forget(id);
        self.typed.remove(&id);
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
        if let Some(whose) = self.whose.as_ref().filter(|_| self.queue.is_holding()) {
            for (id, subject) in self.store.waiting_by_subject(whose)? {
                before.insert(id, *subjects.entry(subject).or_insert(id));
            }
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

/// It is at the server, which may call it something.
fn arrived(letter: &Letter, body: &[u8]) -> (Fate, Note) {
    let answer = serde_json::from_slice::<serde_json::Value>(body).ok();
    let number = answer.and_then(|answer| Some(answer.get("number")?.as_str()?.chars().take(LONGEST_NUMBER).collect::<String>()));
    (Fate::Sent, Note::Sent { number, lineage: letter.lineage.clone() })
}

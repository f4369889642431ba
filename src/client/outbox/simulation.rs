//! A person at two terminals that send several letters at a time, a line and a
//! server that go wrong at random, under a clock of their own: whatever happens,
//! what was kept arrives once, in its order, and nothing else does. A seed says
//! what went wrong; the same seed does it again.
//!
//! Two things are not promised. What was refused may be at the server all the
//! same, and late: an earlier sending of it may have come through, and no answer
//! of it back. And where a server was restored *and* a clock jumped, nobody knows
//! any more how old what was sent is: some of it may not be sent again, or behind
//! younger ones. Nothing arrives twice there either.

mod at_once;
mod clocks;
mod handed_over;
mod one_desk;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde::Serialize;

use super::*;
use crate::api::ids::{AssetId, UserId};
use crate::api::operation::{AddReading, OfAsset};
use crate::api::page::Nothing;
use crate::api::problem::Problem;

/// How long one seed goes on.
const STEPS: u32 = 200;
/// So long the terminal waits for an answer.
const PATIENCE: u64 = 30_000;

/// A server as far as the outbox knows one: writes under keys, answers that are
/// given again, and sessions that end when another takes its place.
#[derive(Debug, Default, Clone)]
struct Server {
    /// What was written, in its order: subject and number.
    written: Vec<(String, u64)>,
    answers: HashMap<String, Vec<u8>>,
    lineage: u64,
}

impl Server {
    /// Whoever may not is told nothing of what he did when he might.
    fn takes(&mut self, letter: &Call, forbids: bool) -> Outcome {
        if forbids {
            return refused(403, "permission.missing");
        }
        let (subject, number) = of_body(letter);
        let answer = self.answers.entry(letter.key().to_owned()).or_insert_with(|| {
            self.written.push((subject, number));
            format!("{{\"number\":\"SR-{number}\"}}").into_bytes()
        });
        Ok(answer.clone())
    }
}

/// What the bodies of the simulation hold.
fn of_body(call: &Call) -> (String, u64) {
    serde_json::from_slice(call.body.as_deref().unwrap_or_default()).unwrap()
}

/// A write with a body of the simulation's own.
fn post(subject: &str, number: u64, body: &impl Serialize) -> Post {
    let mut call = Call::of::<AddReading>(&OfAsset { id: AssetId::new() }, &Nothing {}, &crate::api::meter::NewReading::default());
    call.body = Some(serde_json::to_vec(body).unwrap());
    let (title, about) = (number.to_string(), format!("draft {number}"));
    Post { call, subject: subject.to_owned(), title, about, typed: Vec::new(), form: String::new() }
}

fn somebody() -> Whose {
    Whose { server: "https://here".to_owned(), user: UserId::new() }
}

fn monday() -> Now {
    Now { wall: Timestamp::from_second(1_800_000_000).unwrap(), steady: Duration::ZERO }
}

fn unreachable() -> Outcome {
    Err(ClientError::Unreachable { server: "https://here".to_owned(), cause: "no route".to_owned() })
}

fn refused(status: u16, code: &str) -> Outcome {
    Err(Problem::with_status(status, code, "Refused", "Not now.").into())
}

/// The server has enough for so many seconds.
fn busy(seconds: u64) -> Outcome {
    Err(Problem { retry_after: Some(seconds), ..Problem::with_status(429, "server.busy", "Busy", "Later.") }.into())
}

/// A proxy sends a page of its own.
fn turned_away() -> Outcome {
    Err(ClientError::strange("https://here", "status 413 without a problem"))
}

/// What the line does with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// It arrives; now and then a second time, later.
    Works,
    /// Nothing arrives.
    Down,
    /// It arrives, but the answer does not.
    LosesAnswers,
    /// The server has enough, and says for how long.
    Busy,
    /// Something in between turns some away with a page of its own.
    TurnsAway,
    /// It arrives some time, and its answer after that, if anybody waits still:
    /// whatever was sent later may be there before.
    Late,
}

const LINES: [Line; 8] = [Line::Works, Line::Works, Line::Works, Line::Down, Line::LosesAnswers, Line::Busy, Line::TurnsAway, Line::Late];

/// A call on its way to the server.
struct OnItsWay {
    arrives: Duration,
    entry: i64,
    call: Call,
    session: u64,
    /// The sending that hears the answer, if one does.
    heard_by: Option<u64>,
}

/// A letter that its terminal waits for, one of several.
struct Sending {
    /// No two have the same.
    number: u64,
    letter: Box<Letter>,
    /// When the answer is there, or nobody waits for it any more.
    ends: Duration,
    /// What is heard then.
    outcome: Outcome,
}

/// One of the person's terminals: a program, and its sign-in.
struct Terminal {
    /// None only while it is being started again.
    outbox: Option<Outbox>,
    /// The lineage of the server that it signed in to.
    session: u64,
    sending: Vec<Sending>,
    /// The server wants to hear nothing from it until then.
    not_before: Duration,
}

/// One person's machine and what has to become of what was typed there.
struct World {
    random: StdRng,
    /// Two programs over one file, each with what it alone remembers.
    terminals: [Terminal; 2],
    /// Which of them has the file in its hands.
    holder: usize,
    whose: Whose,
    server: Server,
    backup: Server,
    line: Line,
    on_its_way: Vec<OnItsWay>,
    /// How many letters went out.
    sendings: u64,
    forbids: bool,
    now: Now,
    /// Whether this clock ever jumps, and whether it did.
    jumps: bool,
    has_jumped: bool,
    /// Whether a terminal came back sooner than it was asked to.
    is_disturbed: bool,
    /// What the screen called kept: by number, its subject.
    kept: BTreeMap<u64, String>,
    discarded: HashSet<u64>,
    /// What arrived after it was refused.
    arrived_late: HashSet<u64>,
    /// The bug that is planted, to see that it is found.
    planted: Option<Planted>,
}

/// What a wrong outbox would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Planted {
    NewKeyWithEachTry,
    ForgottenWhenItCrashes,
    ComesBackTooSoon,
    DoesNotAskWhichServer,
    KnowsNoOrder,
    SendsTwoOfOneAtOnce,
}

impl World {
    fn new(seed: u64, planted: Option<Planted>) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let terminal = || Terminal { outbox: Some(Outbox::over(Store::in_memory().unwrap())), session: 0, sending: Vec::new(), not_before: Duration::ZERO };
        let (server, jumps) = (Server::default(), random.random_bool(0.5));
        let mut world = Self {
            random,
            terminals: [terminal(), terminal()],
            holder: 0,
            whose: somebody(),
            backup: server.clone(),
            server,
            line: Line::Works,
            on_its_way: Vec::new(),
            sendings: 0,
            forbids: false,
            now: monday(),
            jumps,
            has_jumped: false,
            is_disturbed: false,
            kept: BTreeMap::new(),
            discarded: HashSet::new(),
            arrived_late: HashSet::new(),
            planted,
        };
        world.signs_in(0);
        world.signs_in(1);
        world
    }

    /// The program of a terminal, with the file of them both: that the other one
    /// wrote to it meanwhile, the real one says.
    fn program(&mut self, nth: usize) -> &mut Outbox {
        let [one, other] = self.terminals.each_mut().map(|terminal| terminal.outbox.as_mut().unwrap());
        let is_changed = std::mem::replace(&mut self.holder, nth) != nth;
        if is_changed {
            std::mem::swap(&mut one.store, &mut other.store);
        }
        let program = if nth == 0 { one } else { other };
        if is_changed {
            program.queue.outdate();
        }
        program
    }

    fn signs_in(&mut self, nth: usize) {
        let (whose, lineage, now) = (self.whose.clone(), self.server.lineage, self.now);
        self.terminals[nth].session = lineage;
        let told = (self.planted != Some(Planted::DoesNotAskWhichServer)).then(|| lineage.to_string());
        self.program(nth).belong_to(whose, told, now).unwrap();
    }

    /// One thing happens.
    fn step(&mut self) {
        let pause = Duration::from_millis(self.random.random_range(0..5_000));
        self.now.steady += pause;
        self.now.wall += pause;
        self.what_is_late_arrives();
        let nth = self.random.random_range(0..self.terminals.len());
        match self.random.random_range(0..100) {
            0..20 => self.types(nth),
            20..75 => self.sends(nth),
            75..80 => self.line = LINES[self.random.random_range(0..LINES.len())],
            80..86 => self.crashes(nth),
            86..88 => self.forbids = self.random.random_bool(0.3),
            88..90 => self.program(nth).belong_to_nobody(),
            90..95 => self.signs_in(nth),
            95 if self.jumps => {
                self.now.wall = jumped(self.now.wall, self.random.random_range(-9_000_000..9_000_000));
                self.has_jumped = true;
            }
            96 => self.discards_a_refused_one(nth),
            97 => self.backup = self.server.clone(),
            98 if self.random.random_bool(0.3) => self.restores(),
            99 => {
                // Whoever presses the key wants it, whatever the server wants.
                self.program(nth).try_now();
                self.terminals[nth].not_before = Duration::ZERO;
            }
            _ => self.program(nth).hurry(),
        }
    }

    /// The server is stopped, and begun again from its backup: another lineage,
    /// and no session of before. No line to it holds.
    fn restores(&mut self) {
        let lineage = self.server.lineage + 1;
        self.server = Server { lineage, ..self.backup.clone() };
        self.on_its_way.clear();
        for nth in 0..self.terminals.len() {
            let broken = std::mem::take(&mut self.terminals[nth].sending);
            self.hears(nth, broken.into_iter().map(|sending| Sending { outcome: unreachable(), ..sending }).collect());
        }
    }

    fn types(&mut self, nth: usize) {
        let number = u64::try_from(self.kept.len()).unwrap();
        let subject = format!("asset {}", self.random.random_range(0..5));
        let known = if self.planted == Some(Planted::KnowsNoOrder) { number.to_string() } else { subject.clone() };
        let (whose, now) = (self.whose.clone(), self.now);
        self.program(nth).keep(&whose, &post(&known, number, &(&subject, number)), now).unwrap();
        self.kept.insert(number, subject);
    }

    /// All that may go out does, or a few.
    fn sends(&mut self, nth: usize) {
        for _ in 0..self.random.random_range(1..=AT_ONCE) {
            let (now, planted) = (self.now, self.planted);
            let program = self.program(nth);
            let Next::Send(mut letter) = program.next(now).unwrap() else { return };
            program.goes_out(&letter);
            match planted {
                Some(Planted::NewKeyWithEachTry) => letter.call.key = Some(uuid::Uuid::now_v7().to_string()),
                // As though it were at the server already.
                Some(Planted::SendsTwoOfOneAtOnce) => program.queue.comes_back(letter.id, true),
                _ => {}
            }
            self.is_disturbed |= now.steady < self.terminals[nth].not_before;
            self.goes_out(nth, letter);
        }
    }

    /// What becomes of a letter, by the line that there is now.
    fn goes_out(&mut self, nth: usize, letter: Box<Letter>) {
        let (now, longest) = (self.now.steady, if self.line == Line::Late { 60_000 } else { 3_000 });
        let arrives = now + self.up_to(longest);
        let ends = (arrives + self.up_to(longest)).min(now + Duration::from_millis(PATIENCE));
        self.sendings += 1;
        let (number, session) = (self.sendings, self.terminals[nth].session);
        let call = |arrives, heard_by| OnItsWay { arrives, entry: letter.id, call: letter.call.clone(), session, heard_by };
        let (comes, outcome) = match self.line {
            Line::Down => (None, unreachable()),
            Line::Busy => (None, busy(30)),
            Line::TurnsAway if of_body(&letter.call).1.is_multiple_of(7) => (None, turned_away()),
            Line::LosesAnswers => (Some(call(arrives, None)), unreachable()),
            Line::Works | Line::TurnsAway | Line::Late => (Some(call(arrives, Some(number))), unreachable()),
        };
        self.on_its_way.extend(comes);
        if self.line == Line::Works && self.random.random_bool(0.1) {
            let again = call(now + self.up_to(120_000), None);
            self.on_its_way.push(again);
        }
        self.terminals[nth].sending.push(Sending { number, letter, ends, outcome });
    }

    fn up_to(&mut self, millis: u64) -> Duration {
        Duration::from_millis(self.random.random_range(0..millis))
    }

    /// A call comes to the server that there is now.
    fn arrives(&mut self, call: &Call, session: u64) -> Outcome {
        if session != self.server.lineage {
            return refused(401, "session.required");
        }
        self.server.takes(call, self.forbids)
    }

    /// The same; noted is what comes after it was refused.
    fn comes_in(&mut self, entry: i64, call: &Call, session: u64) -> Outcome {
        let written = self.server.written.len();
        let outcome = self.arrives(call, session);
        if self.server.written.len() > written {
            let (whose, holder) = (self.whose.clone(), self.holder);
            let entry = self.program(holder).store.entry(&whose, entry).unwrap();
            if entry.is_none_or(|entry| entry.state != State::Waiting) {
                self.arrived_late.insert(of_body(call).1);
            }
        }
        outcome
    }

    /// Time went by: what is due comes to the server, and answers to whom they are
    /// for, in the order in which they come.
    fn what_is_late_arrives(&mut self) {
        let now = self.now.steady;
        let mut due: Vec<OnItsWay> = self.on_its_way.extract_if(.., |late| late.arrives <= now).collect();
        due.sort_by_key(|late| late.arrives);
        for late in due {
            let outcome = self.comes_in(late.entry, &late.call, late.session);
            let mut waiting = self.terminals.iter_mut().flat_map(|terminal| &mut terminal.sending);
            if let Some(sending) = waiting.find(|sending| late.heard_by == Some(sending.number)) {
                sending.outcome = outcome;
            }
        }
        for nth in 0..self.terminals.len() {
            let mut answers: Vec<Sending> = self.terminals[nth].sending.extract_if(.., |sending| sending.ends <= now).collect();
            answers.sort_by_key(|sending| sending.ends);
            // Some are noted together, and then the others.
            let others = answers.split_off(self.random.random_range(0..=answers.len()));
            if self.hears(nth, answers) {
                self.hears(nth, others);
            }
        }
    }

    /// Answers that come together; whether the program lives on.
    fn hears(&mut self, nth: usize, answers: Vec<Sending>) -> bool {
        if answers.is_empty() {
            return true;
        }
        // The machine may die before it has noted them.
        if self.random.random_bool(0.05) {
            self.crashes(nth);
            return false;
        }
        let (now, jitter) = (self.now, self.random.random());
        let comes_too_soon = self.planted == Some(Planted::ComesBackTooSoon);
        let told: Vec<(&Letter, &Outcome)> = answers.iter().map(|sending| (&*sending.letter, &sending.outcome)).collect();
        let program = self.program(nth);
        program.all_answered(&told, now, jitter).unwrap();
        if comes_too_soon {
            program.not_before = Duration::ZERO;
        }
        for asked in answers.iter().filter_map(|sending| sending.outcome.as_ref().err()?.asked_to_wait()) {
            self.terminals[nth].not_before = now.steady + asked;
        }
        true
    }

    /// All that is not on the disk is gone, but for what left already.
    fn crashes(&mut self, nth: usize) {
        self.terminals[nth].sending.clear();
        self.program(nth);
        let forgets = self.planted == Some(Planted::ForgottenWhenItCrashes);
        let terminal = &mut self.terminals[nth];
        let store = terminal.outbox.take().unwrap().store;
        terminal.outbox = Some(Outbox::over(if forgets { Store::in_memory().unwrap() } else { store }));
        // Nor does it know any more who wanted to be left alone.
        terminal.not_before = Duration::ZERO;
        self.signs_in(nth);
    }

    fn discards_a_refused_one(&mut self, nth: usize) {
        let program = self.program(nth);
        let refused = program.entries(1).unwrap().into_iter().find(|entry| entry.state == State::Refused);
        if let Some(entry) = refused {
            program.discard(entry.id).unwrap();
            self.discarded.insert(entry.title.parse().unwrap());
        }
    }

    /// The line holds, everybody may: what is on its way arrives, and what waits
    /// goes out.
    fn calms_down(&mut self) {
        (self.line, self.forbids) = (Line::Works, false);
        self.now.steady += Duration::from_mins(5);
        self.now.wall += Duration::from_mins(5);
        self.what_is_late_arrives();
        self.signs_in(0);
        for _ in 0..100_000 {
            self.now.steady += Duration::from_secs(61);
            let now = self.now;
            match self.program(0).next(now).unwrap() {
                Next::Send(letter) => {
                    let outcome = self.arrives(&letter.call, self.server.lineage);
                    self.program(0).answered(&letter, &outcome, now, 0.5).unwrap();
                }
                Next::In(_) => self.program(0).hurry(),
                Next::Nothing => return,
            }
        }
        panic!("the outbox is never empty");
    }

    /// What is wrong in the end, if something is.
    fn judge(&mut self) -> Result<(), String> {
        self.calms_down();
        if self.is_disturbed {
            return Err("it came back sooner than the server asked for".to_owned());
        }
        let mut times: HashMap<u64, u32> = HashMap::new();
        for (_, number) in &self.server.written {
            *times.entry(*number).or_default() += 1;
        }
        let entries = self.program(0).entries(1_000_000).unwrap();
        let refused: HashSet<u64> = entries.iter().filter(|entry| entry.state == State::Refused).map(|entry| entry.title.parse().unwrap()).collect();
        // Nobody knows how old anything is.
        let is_lenient = self.server.lineage > 0 && self.has_jumped;
        for number in self.kept.keys() {
            let arrived = times.get(number).copied().unwrap_or(0);
            let is_told = refused.contains(number) || self.discarded.contains(number);
            if arrived > 1 {
                return Err(format!("{number} arrived {arrived} times"));
            }
            if arrived == 0 && !is_told && !is_lenient {
                return Err(format!("{number} was lost"));
            }
        }
        if let Some((number, _)) = times.iter().find(|(number, _)| !self.kept.contains_key(*number)) {
            return Err(format!("{number} was never kept"));
        }
        if is_lenient { Ok(()) } else { self.judge_order() }
    }

    /// About one asset they arrived as they were typed, but for those that had been
    /// refused before.
    fn judge_order(&self) -> Result<(), String> {
        let mut last: HashMap<&str, u64> = HashMap::new();
        for (subject, number) in self.server.written.iter().filter(|(_, number)| !self.arrived_late.contains(number)) {
            if last.insert(subject, *number).is_some_and(|before| before > *number) {
                return Err(format!("{number} of {subject} arrived out of order"));
            }
        }
        Ok(())
    }
}

fn jumped(wall: Timestamp, seconds: i64) -> Timestamp {
    wall.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(wall)
}

fn run(seed: u64, steps: u32, planted: Option<Planted>) -> Result<(), String> {
    let mut world = World::new(seed, planted);
    for _ in 0..steps {
        world.step();
    }
    world.judge().map_err(|fault| format!("seed {seed}: {fault}"))
}

/// A number of the environment, or one that takes no long time.
fn told(variable: &str, few: u64) -> u64 {
    std::env::var(variable).ok().and_then(|told| told.parse().ok()).unwrap_or(few)
}

#[test]
fn t15_whatever_goes_wrong_what_was_kept_arrives_once_and_in_order() {
    let first = told("COUNTERTOP_SEED", 1);
    for seed in first..first + told("COUNTERTOP_SIMULATION", 5_000) {
        run(seed, STEPS, None).unwrap();
    }
}

/// What is found of a bug that is planted.
#[track_caller]
fn found(planted: Planted) -> String {
    (1..200).find_map(|seed| run(seed, 500, Some(planted)).err()).unwrap()
}

#[test]
fn a_new_key_with_each_try_would_be_found() {
    let found = found(Planted::NewKeyWithEachTry);
    assert!(found.contains("times"), "{found}");
}

#[test]
fn an_outbox_that_forgets_when_it_crashes_would_be_found() {
    let found = found(Planted::ForgottenWhenItCrashes);
    assert!(found.contains("lost"), "{found}");
}

#[test]
fn an_outbox_that_comes_back_too_soon_would_be_found() {
    let found = found(Planted::ComesBackTooSoon);
    assert!(found.contains("sooner"), "{found}");
}

#[test]
fn an_outbox_that_does_not_ask_which_server_it_is_would_be_found() {
    let found = found(Planted::DoesNotAskWhichServer);
    assert!(found.contains("lost"), "{found}");
}

#[test]
fn an_outbox_that_sends_two_of_one_subject_at_once_would_be_found() {
    let found = found(Planted::SendsTwoOfOneAtOnce);
    assert!(found.contains("out of order"), "{found}");
}

#[test]
fn an_outbox_that_keeps_no_order_would_be_found() {
    let found = found(Planted::KnowsNoOrder);
    assert!(found.contains("out of order"), "{found}");
}

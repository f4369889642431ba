//! A desk, a line and a server that go wrong at random, under a clock of their
//! own: whatever happens, what was kept arrives once, in its order, and nothing
//! else does. A seed says what went wrong; the same seed does it again.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::api::ids::{AssetId, UserId};
use crate::api::operation::{AddReading, OfAsset};
use crate::api::page::Nothing;
use crate::api::problem::Problem;

/// A server as far as the outbox knows one: writes under keys, answers that are
/// given again, and rights that come and go.
#[derive(Debug, Default, Clone)]
struct Server {
    /// What was written, in its order: subject and number.
    written: Vec<(String, u64)>,
    answers: HashMap<String, Result<Vec<u8>, u16>>,
    lineage: u64,
}

impl Server {
    fn takes(&mut self, letter: &Call, forbids: bool) -> Result<Vec<u8>, ClientError> {
        let (subject, number) = of_body(letter);
        let answer = self.answers.entry(letter.key().to_owned()).or_insert_with(|| {
            if forbids {
                return Err(403);
            }
            self.written.push((subject, number));
            Ok(format!("{{\"number\":\"SR-{number}\"}}").into_bytes())
        });
        answer.clone().map_err(|status| Problem::with_status(status, "permission.missing", "Forbidden", "Your role does not allow this.").into())
    }
}

/// What the bodies of the simulation hold.
fn of_body(call: &Call) -> (String, u64) {
    serde_json::from_slice(call.body.as_deref().unwrap_or_default()).unwrap()
}

/// What the line does with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Works,
    /// Nothing arrives.
    Down,
    /// It arrives, but the answer does not.
    LosesAnswers,
    /// The server has enough, and says for how long.
    Busy,
    /// Something in between turns some away with a page of its own.
    TurnsAway,
}

/// One machine and what has to become of what was typed there.
struct World {
    random: StdRng,
    outbox: Outbox,
    whose: Whose,
    server: Server,
    backup: Server,
    line: Line,
    forbids: bool,
    now: Now,
    /// The server wants to hear nothing until then, and whether it did.
    not_before: Duration,
    is_disturbed: bool,
    next: u64,
    /// What the screen called kept: by number, its subject.
    kept: BTreeMap<u64, String>,
    discarded: HashSet<u64>,
    /// The bug that is planted, to see that it is found.
    planted: Option<Planted>,
}

/// What a wrong outbox would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Planted {
    NewKeyWithEachTry,
    ForgottenWhenItCrashes,
    ComesBackTooSoon,
}

impl World {
    fn new(seed: u64, planted: Option<Planted>) -> Self {
        let whose = Whose { server: "https://here".to_owned(), user: UserId::new() };
        let outbox = Outbox::over(Store::in_memory().unwrap());
        let now = Now { wall: Timestamp::from_second(1_800_000_000).unwrap(), steady: Duration::ZERO };
        let (server, random) = (Server::default(), StdRng::seed_from_u64(seed));
        let backup = server.clone();
        let line = Line::Works;
        let (kept, discarded, not_before) = (BTreeMap::new(), HashSet::new(), Duration::ZERO);
        let mut world =
            Self { random, outbox, whose, server, backup, line, forbids: false, now, not_before, is_disturbed: false, next: 0, kept, discarded, planted };
        world.signs_in();
        world
    }

    fn signs_in(&mut self) {
        let lineage = self.server.lineage.to_string();
        self.outbox.belong_to(self.whose.clone(), Some(lineage), self.now).unwrap();
    }

    /// One thing happens.
    fn step(&mut self) {
        let pause = Duration::from_millis(self.random.random_range(0..5_000));
        self.now.steady += pause;
        self.now.wall += pause;
        match self.random.random_range(0..100) {
            0..20 => self.types(),
            20..75 => self.sends(),
            75..80 => {
                let lines = [Line::Works, Line::Works, Line::Down, Line::LosesAnswers, Line::Busy, Line::TurnsAway];
                self.line = lines[self.random.random_range(0..lines.len())];
            }
            80..86 => self.crashes(),
            86..88 => self.forbids = self.random.random_bool(0.3),
            88..90 => self.outbox.belong_to_nobody(),
            90..95 => self.signs_in(),
            95 => self.now.wall = jumped(self.now.wall, self.random.random_range(-9_000_000..9_000_000)),
            96 => self.discards_a_refused_one(),
            97 => self.backup = self.server.clone(),
            98 if self.random.random_bool(0.1) => {
                // Restored from the backup: another lineage.
                let lineage = self.server.lineage + 1;
                self.server = Server { lineage, ..self.backup.clone() };
                self.signs_in();
            }
            99 => {
                // Whoever presses the key wants it, whatever the server wants.
                self.outbox.try_now();
                self.not_before = Duration::ZERO;
            }
            _ => self.outbox.hurry(),
        }
    }

    fn types(&mut self) {
        let number = self.next;
        self.next += 1;
        let subject = format!("asset {}", self.random.random_range(0..5));
        let mut call = Call::of::<AddReading>(&OfAsset { id: AssetId::new() }, &Nothing {}, &crate::api::meter::NewReading::default());
        call.body = Some(serde_json::to_vec(&(&subject, number)).unwrap());
        let post = Post { call, subject: subject.clone(), title: number.to_string(), about: format!("draft {number}"), typed: Vec::new(), form: String::new() };
        self.outbox.keep(&self.whose, &post, self.now).unwrap();
        self.kept.insert(number, subject);
    }

    fn sends(&mut self) {
        let Next::Send(mut letter) = self.outbox.next(self.now).unwrap() else { return };
        if self.planted == Some(Planted::NewKeyWithEachTry) {
            letter.call.key = Some(uuid::Uuid::now_v7().to_string());
        }
        self.is_disturbed |= self.now.steady < self.not_before;
        let unreachable = || ClientError::Unreachable { server: "https://here".to_owned(), cause: "no route".to_owned() };
        let outcome = match self.line {
            Line::Down => Err(unreachable()),
            Line::Busy => busy(30),
            Line::TurnsAway if of_body(&letter.call).1.is_multiple_of(7) => turned_away(),
            Line::Works | Line::TurnsAway => self.server.takes(&letter.call, self.forbids),
            Line::LosesAnswers => {
                let _ = self.server.takes(&letter.call, self.forbids);
                Err(unreachable())
            }
        };
        // The machine may die before it has noted the answer.
        if self.random.random_bool(0.05) {
            return self.crashes();
        }
        let jitter = self.random.random();
        self.outbox.answered(&letter, &outcome, self.now, jitter).unwrap();
        if let Some(asked) = outcome.as_ref().err().and_then(ClientError::asked_to_wait) {
            self.not_before = self.now.steady + asked;
        }
        if self.planted == Some(Planted::ComesBackTooSoon) {
            self.outbox.not_before = Duration::ZERO;
        }
    }

    /// All that is not on the disk is gone.
    fn crashes(&mut self) {
        let lost = Outbox::over(Store::in_memory().unwrap());
        let store = std::mem::replace(&mut self.outbox, lost).store;
        if self.planted != Some(Planted::ForgottenWhenItCrashes) {
            self.outbox = Outbox::over(store);
        }
        // Nor does it know any more who wanted to be left alone.
        self.not_before = Duration::ZERO;
        self.signs_in();
    }

    fn discards_a_refused_one(&mut self) {
        let refused = self.outbox.entries(1).unwrap().into_iter().find(|entry| entry.state == State::Refused);
        if let Some(entry) = refused {
            self.discarded.insert(entry.title.parse().unwrap());
            self.outbox.discard(entry.id).unwrap();
        }
    }

    /// The line holds, everybody may: what waits goes out.
    fn calms_down(&mut self) {
        (self.line, self.forbids) = (Line::Works, false);
        self.signs_in();
        for _ in 0..100_000 {
            self.now.steady += Duration::from_secs(61);
            match self.outbox.next(self.now).unwrap() {
                Next::Send(letter) => {
                    let outcome = self.server.takes(&letter.call, false);
                    self.outbox.answered(&letter, &outcome, self.now, 0.5).unwrap();
                }
                Next::In(_) => self.outbox.hurry(),
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
        let refused: HashSet<u64> =
            self.outbox.entries(1_000_000).unwrap().iter().filter(|entry| entry.state == State::Refused).map(|entry| entry.title.parse().unwrap()).collect();
        // A restored server forgets what was sent so long ago that nobody keeps it.
        let restored = self.server.lineage > 0;
        for number in self.kept.keys() {
            let arrived = times.get(number).copied().unwrap_or(0);
            let is_told = refused.contains(number) || self.discarded.contains(number);
            if arrived > 1 {
                return Err(format!("{number} arrived {arrived} times"));
            }
            if arrived == 0 && !is_told && !restored {
                return Err(format!("{number} was lost"));
            }
        }
        if let Some((number, _)) = times.iter().find(|(number, _)| !self.kept.contains_key(*number)) {
            return Err(format!("{number} was never kept"));
        }
        self.judge_order()
    }

    /// About one asset they arrived as they were typed, unless the server was
    /// restored meanwhile.
    fn judge_order(&self) -> Result<(), String> {
        if self.server.lineage > 0 {
            return Ok(());
        }
        let mut last: HashMap<&str, u64> = HashMap::new();
        for (subject, number) in &self.server.written {
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

/// How many seeds and steps: a million steps, or as many as are asked for.
fn size() -> u64 {
    std::env::var("COUNTERTOP_SIMULATION").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(2_000)
}

#[test]
fn t15_whatever_goes_wrong_what_was_kept_arrives_once_and_in_order() {
    let first = std::env::var("COUNTERTOP_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    for seed in first..first + size() {
        run(seed, 500, None).unwrap();
    }
}

#[test]
fn a_new_key_with_each_try_would_be_found() {
    let found = (1..50).find_map(|seed| run(seed, 500, Some(Planted::NewKeyWithEachTry)).err()).unwrap();
    assert!(found.contains("times"), "{found}");
}

#[test]
fn an_outbox_that_forgets_when_it_crashes_would_be_found() {
    let found = (1..50).find_map(|seed| run(seed, 500, Some(Planted::ForgottenWhenItCrashes)).err()).unwrap();
    assert!(found.contains("lost"), "{found}");
}

#[test]
fn an_outbox_that_comes_back_too_soon_would_be_found() {
    let found = (1..50).find_map(|seed| run(seed, 500, Some(Planted::ComesBackTooSoon)).err()).unwrap();
    assert!(found.contains("sooner"), "{found}");
}

#[test]
fn on_the_disk_it_survives_its_program_and_only_its_owner_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::new(7, None);
    world.outbox = Outbox::open(folder.path()).unwrap();
    world.signs_in();
    world.types();
    world.outbox.keep_drafts(&world.whose, &[("request".to_owned(), vec![("note".to_owned(), "call first".to_owned())])]).unwrap();
    private(folder.path());
    world.outbox = Outbox::open(folder.path()).unwrap();
    world.signs_in();
    assert_eq!((world.outbox.summary().unwrap().waiting, world.outbox.drafts().unwrap().len()), (1, 1));
    let other = Whose { user: UserId::new(), ..world.whose.clone() };
    world.outbox.belong_to(other, None, world.now).unwrap();
    assert_eq!((world.outbox.summary().unwrap(), world.outbox.drafts().unwrap().len()), (Summary::default(), 0), "another's are not shown");
    assert!(matches!(world.outbox.next(world.now).unwrap(), Next::Nothing), "nor sent");
}

#[test]
fn what_a_restored_server_lost_is_sent_again_and_nothing_twice() {
    let mut world = World::new(3, None);
    world.types();
    world.calms_down();
    world.backup = world.server.clone();
    world.types();
    world.types();
    world.calms_down();
    assert_eq!(world.server.written.len(), 3);
    world.server = Server { lineage: 1, ..world.backup.clone() };
    assert_eq!(world.outbox.belong_to(world.whose.clone(), Some("1".to_owned()), world.now).unwrap(), 3, "what is in the backup too: its key says so");
    world.calms_down();
    let numbers: Vec<u64> = world.server.written.iter().map(|(_, number)| *number).collect();
    assert_eq!(numbers, [0, 1, 2]);
    assert_eq!(world.outbox.belong_to(world.whose.clone(), Some("1".to_owned()), world.now).unwrap(), 0, "once is enough");
}

/// What is to be sent now.
fn sent_now(world: &mut World) -> Box<Letter> {
    let Next::Send(letter) = world.outbox.next(world.now).unwrap() else { panic!("nothing is sent") };
    letter
}

fn refused(status: u16, code: &str) -> Result<Vec<u8>, ClientError> {
    Err(Problem::with_status(status, code, "Refused", "Not now.").into())
}

/// The server has enough for so many seconds.
fn busy(seconds: u64) -> Result<Vec<u8>, ClientError> {
    Err(Problem { retry_after: Some(seconds), ..Problem::with_status(429, "server.busy", "Busy", "Later.") }.into())
}

/// What stands before the server wants to be left alone for two minutes.
fn in_between() -> Result<Vec<u8>, ClientError> {
    Err(ClientError::Busy { server: "https://here".to_owned(), status: 429, after: Duration::from_mins(2) })
}

/// A proxy sends a page of its own.
fn turned_away() -> Result<Vec<u8>, ClientError> {
    Err(ClientError::strange("https://here", "status 413 without a problem"))
}

#[test]
fn what_a_proxy_turns_away_is_no_refusal_and_holds_up_no_other() {
    let mut world = World::new(5, None);
    for _ in 0..10 {
        world.types();
    }
    let (subject, large) = of_body(&sent_now(&mut world).call);
    for _ in 0..500 {
        world.now.steady += Duration::from_secs(2);
        let Next::Send(letter) = world.outbox.next(world.now).unwrap() else { continue };
        let outcome = if of_body(&letter.call).1 == large { turned_away() } else { world.server.takes(&letter.call, false) };
        world.outbox.answered(&letter, &outcome, world.now, 0.5).unwrap();
    }
    let behind = world.kept.values().filter(|other| **other == subject).count();
    assert_eq!((world.server.written.len(), world.outbox.summary().unwrap().refused), (10 - behind, 0), "what is about the same waits in its order");
    world.calms_down();
    assert_eq!(world.server.written.len(), 10, "and when nobody is in the way it arrives");
}

#[test]
fn a_server_that_wants_to_be_left_alone_is_though_the_line_is_back() {
    for outcome in [busy(120), in_between()] {
        let mut world = World::new(5, None);
        world.types();
        world.types();
        let letter = sent_now(&mut world);
        assert_eq!(world.outbox.answered(&letter, &outcome, world.now, 0.5).unwrap(), Fate::Waits);
        for _ in 0..119 {
            world.now.steady += Duration::from_secs(1);
            world.outbox.hurry();
            assert!(matches!(world.outbox.next(world.now).unwrap(), Next::In(_)));
        }
        world.now.steady += Duration::from_secs(2);
        sent_now(&mut world);
    }
    let mut world = World::new(5, None);
    world.types();
    let letter = sent_now(&mut world);
    world.outbox.answered(&letter, &busy(u64::MAX), world.now, 0.5).unwrap();
    world.now.steady += Duration::from_mins(5);
    sent_now(&mut world);
}

#[test]
fn whoever_asks_gets_one_try_at_once_whatever_pause_runs() {
    for outcome in [busy(120), busy(u64::MAX), in_between(), turned_away(), refused(500, "server.failed")] {
        let mut world = World::new(5, None);
        world.types();
        let letter = sent_now(&mut world);
        assert_eq!(world.outbox.answered(&letter, &outcome, world.now, 0.5).unwrap(), Fate::Waits);
        for _ in 0..3 {
            assert!(matches!(world.outbox.next(world.now).unwrap(), Next::In(_)), "one try for a press: {outcome:?}");
            world.outbox.try_now();
            let letter = sent_now(&mut world);
            world.outbox.answered(&letter, &outcome, world.now, 0.5).unwrap();
        }
        world.outbox.try_now();
        let letter = sent_now(&mut world);
        let outcome = world.server.takes(&letter.call, false);
        assert_eq!(world.outbox.answered(&letter, &outcome, world.now, 0.5).unwrap(), Fate::Sent);
        assert_eq!(world.server.written.len(), 1, "and then it is there once");
    }
}

#[test]
fn what_waits_says_when_it_is_tried_by_itself() {
    let told = |world: &World| world.outbox.timed_entries(10, world.now).unwrap().into_iter().map(|entry| entry.next_try).collect::<Vec<_>>();
    for (outcome, after) in [(busy(120), 120), (in_between(), 120), (busy(u64::MAX), 300)] {
        let mut world = World::new(5, None);
        world.types();
        world.types();
        assert_eq!(told(&world), [None, None], "at once");
        let letter = sent_now(&mut world);
        world.outbox.answered(&letter, &outcome, world.now, 0.5).unwrap();
        let then = world.now.wall + Duration::from_secs(after);
        assert_eq!(told(&world), [Some(then), Some(then)], "{outcome:?}");
        world.outbox.try_now();
        assert_eq!(told(&world), [None, None]);
    }
}

#[test]
fn what_is_about_the_same_waits_for_what_stands_before_it() {
    let mut world = World::new(5, None);
    // Six about five machines: two are about one.
    for _ in 0..6 {
        world.types();
    }
    let subjects: Vec<String> = world.kept.values().cloned().collect();
    let first = subjects.iter().position(|subject| subjects.iter().filter(|other| *other == subject).count() > 1).unwrap();
    let letter = loop {
        let letter = sent_now(&mut world);
        if of_body(&letter.call).0 == subjects[first] {
            break letter;
        }
        let outcome = world.server.takes(&letter.call, false);
        world.outbox.answered(&letter, &outcome, world.now, 0.5).unwrap();
    };
    world.outbox.answered(&letter, &refused(500, "server.failed"), world.now, 0.5).unwrap();
    for entry in world.outbox.timed_entries(10, world.now).unwrap().iter().filter(|entry| entry.state == State::Waiting) {
        let number: usize = entry.title.parse().unwrap();
        assert_eq!(entry.next_try.is_some(), subjects[number] == subjects[first], "{number}");
    }
}

#[test]
fn an_answer_that_cannot_be_noted_is_asked_for_again_but_not_without_a_breath() {
    let unreachable = || Err(ClientError::Unreachable { server: "https://here".to_owned(), cause: "no route".to_owned() });
    for is_up in [true, false] {
        let mut world = World::new(5, None);
        world.types();
        world.outbox.store.only_reads(true).unwrap();
        let letter = sent_now(&mut world);
        let outcome = if is_up { world.server.takes(&letter.call, false) } else { unreachable() };
        assert!(world.outbox.answered(&letter, &outcome, world.now, 0.5).is_err());
        assert!(matches!(world.outbox.next(world.now).unwrap(), Next::In(_)), "a full disk is no reason to ask a thousand times a second");
        world.outbox.store.only_reads(false).unwrap();
        world.calms_down();
        assert_eq!((world.server.written.len(), world.outbox.summary().unwrap()), (1, Summary::default()));
    }
}

#[test]
fn a_sign_in_that_ended_stops_nobody_who_signed_in_since() {
    let mut world = World::new(5, None);
    world.types();
    let letter = sent_now(&mut world);
    world.signs_in();
    assert_eq!(world.outbox.answered(&letter, &refused(401, "session.required"), world.now, 0.5).unwrap(), Fate::SignIn);
    let letter = sent_now(&mut world);
    world.outbox.answered(&letter, &refused(401, "session.required"), world.now, 0.5).unwrap();
    assert!(matches!(world.outbox.next(world.now).unwrap(), Next::Nothing), "now it is this one's");
}

#[test]
fn a_password_that_has_to_be_changed_refuses_nothing_for_good() {
    let mut world = World::new(5, None);
    world.types();
    let letter = sent_now(&mut world);
    assert_eq!(world.outbox.answered(&letter, &refused(403, "password.must_change"), world.now, 0.5).unwrap(), Fate::SignIn);
    assert_eq!(world.outbox.summary().unwrap().waiting, 1);
    world.signs_in();
    sent_now(&mut world);
}

#[test]
fn what_another_sent_is_told_to_nobody_else() {
    let mut world = World::new(5, None);
    world.types();
    let letter = sent_now(&mut world);
    let other = Whose { user: UserId::new(), ..world.whose.clone() };
    world.outbox.belong_to(other, None, world.now).unwrap();
    let outcome = world.server.takes(&letter.call, false);
    assert_eq!(world.outbox.answered(&letter, &outcome, world.now, 0.5).unwrap(), Fate::Sent);
    assert_eq!(world.outbox.entry(letter.id).unwrap(), None);
    // The server that it went to is noted with it all the same.
    assert_eq!(world.outbox.belong_to(world.whose.clone(), Some("1".to_owned()), world.now).unwrap(), 1);
}

#[test]
fn what_was_sent_long_before_the_backup_is_not_sent_again() {
    let mut world = World::new(5, None);
    world.types();
    world.calms_down();
    world.now.wall += LONGEST_KEPT + Duration::from_hours(1);
    assert_eq!(world.outbox.belong_to(world.whose.clone(), Some("1".to_owned()), world.now).unwrap(), 0);
    assert_eq!(world.outbox.summary().unwrap(), Summary::default(), "nor given back to be typed once more");
}

#[test]
fn a_clock_that_is_put_right_by_seconds_refuses_nothing() {
    let mut world = World::new(5, None);
    world.types();
    world.crashes();
    world.now.wall -= Duration::from_secs(2);
    sent_now(&mut world);
    world.now.wall -= Duration::from_hours(1);
    assert!(matches!(world.outbox.next(world.now).unwrap(), Next::Nothing));
    assert_eq!(world.outbox.summary().unwrap().refused, 1, "nobody knows when it was typed");
}

#[cfg(unix)]
fn private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(folder.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
}

#[cfg(not(unix))]
fn private(_: &Path) {}

#[test]
fn a_folder_that_cannot_be_written_a_file_that_is_none_and_one_of_tomorrow_are_told() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE), "no database at all, but long enough to be looked at").unwrap();
    assert!(matches!(Outbox::open(folder.path()), Err(OutboxFault::Damaged(_))));
    std::fs::remove_file(folder.path().join(FILE)).unwrap();
    let newer = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Outbox::open(folder.path()), Err(OutboxFault::Newer(_))));
    assert!(matches!(Outbox::open(Path::new("/proc/self/nowhere")), Err(OutboxFault::ReadOnly(_))));
}

//! Each call that changes the disk fails once, with each error that it may have,
//! at the server and at a terminal (T2). What fails is there wholly or not at
//! all, nobody is told that it is saved who does not find it, the disk is named,
//! and the same goes through when it is sent again.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use countertop::client::outbox::{Outbox, OutboxFault, State};
use countertop::store::Db;

use super::clerk::{Clerk, Habit};
use super::desk::{self, Became, Desk, draft, is_sound as is_sound_file, now, opened, places, post, say, send_one, whose};
use super::disk::{Calls, Control, Disk, FAULTS, Fault};
use super::evidence::{self, gather, is_sound};
use super::full_disk::blames_the_disk;
use super::model::{Kind, Told, faults};
use super::program::{Program, Start};
use crate::dice::{self, Dice};
use crate::harness::{Answer, Database, Ground};

/// The server is killed after one in so many failures.
const KILLED: u64 = 25;

/// A server on a disk that fails, and somebody who writes.
struct Scene {
    ground: Ground,
    disk: Disk,
    environment: Vec<(&'static str, String)>,
    program: Program,
    clerk: Clerk,
    known: HashSet<String>,
    dice: Dice,
}

impl Scene {
    /// None where no disk can stand before the server.
    async fn set(seed: u64) -> Option<Self> {
        let ground = Ground::new(Database::Sqlite).await;
        let disk = Disk::that_fails(Db::file_of(&ground.address).and_then(Path::parent).expect("a folder"))?;
        let db = Db::open(&ground.address).await.unwrap();
        let known = evidence::known_customers(&db).await;
        db.close().await;
        let (environment, mut dice) = (disk.environment(), Dice::of(seed));
        let mut program = Program::over(&ground.address, &mut dice);
        tokio::task::block_in_place(|| program.start(Start { environment: &environment, ..Start::default() }));
        let clerk = Clerk::at(&program.url(), "Ada", ground.ids.excavator, Habit::Patient, dice.another()).await;
        Some(Self { ground, disk, environment, program, clerk, known, dice })
    }

    fn start(&mut self) {
        let start = Start { environment: &self.environment, ..Start::default() };
        tokio::task::block_in_place(|| self.program.start(start));
    }

    /// Writes with that call failing; the answer, and how many calls there were.
    async fn write(&mut self, kind: Kind, fault: Fault, nth: u64) -> (Answer, Calls) {
        if kind == Kind::Void {
            self.clerk.write(Kind::Reading).await;
        }
        let letter = self.clerk.letter(kind).await;
        self.disk.control.fail(fault, nth);
        let answer = self.clerk.try_once(letter).await;
        (answer, self.disk.control.relieve())
    }

    /// That call fails, and then the same is sent again.
    async fn case(&mut self, kind: Kind, fault: Fault, nth: u64) {
        let (answer, calls) = self.write(kind, fault, nth).await;
        let told = format!("{kind:?} with {} at call {nth}: {} {}", fault.name, answer.status, answer.text);
        let problem = answer.json();
        match (answer.status, problem["code"].as_str()) {
            (200 | 201, _) => {}
            (503, Some("storage.failed")) | (507, Some("storage.full")) => {
                assert!(calls.failed > 0, "refused for nothing: {told}");
                assert!(blames_the_disk(&problem), "{told}");
            }
            _ => panic!("{told}"),
        }
        if calls.failed > 0 && self.dice.one_in(KILLED) {
            self.program.kill();
            self.start();
        }
        self.clerk.insist().await;
    }

    /// All that is wrong with what there is in the end.
    async fn judge(mut self) -> Vec<String> {
        self.program.kill();
        let db = Db::open(&self.ground.address).await.unwrap();
        let mut all = faults(&self.clerk.acts, &gather(&db, &self.known).await);
        all.extend(is_sound(&db).await.err());
        db.close().await;
        all
    }
}

/// Which of so many calls fail: all of them, or some of them with the first and
/// the last two, of which one syncs.
fn chosen(calls: u64, most: u64, dice: &mut Dice) -> BTreeSet<u64> {
    if calls <= most.max(3) {
        return (1..=calls).collect();
    }
    let mut chosen = BTreeSet::from([1, calls - 1, calls]);
    while u64::try_from(chosen.len()).unwrap() < most {
        chosen.insert(1 + dice.below(calls));
    }
    chosen
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t2_whichever_call_of_the_servers_disk_fails_nobody_is_told_a_lie() {
    let (seed, cases) = (dice::seed(), dice::times("COUNTERTOP_DISK_CASES", 500));
    dice::print(&format!("COUNTERTOP_SEED={seed} COUNTERTOP_DISK_CASES={cases} cargo test --test it the_servers_disk_fails"));
    let Some(mut scene) = Scene::set(seed).await else { return };
    let of_each = u64::try_from(cases.div_ceil(Kind::ALL.len() * FAULTS.len())).unwrap();
    // One to change.
    scene.clerk.write(Kind::Customer).await;
    for kind in Kind::ALL {
        for fault in FAULTS {
            // None is so late: it says how many there are.
            let (answer, calls) = scene.write(kind, fault, u64::MAX).await;
            assert!(answer.status < 300 && calls.seen > 2, "{kind:?}: {} after {calls:?}", answer.text);
            for nth in chosen(calls.seen, of_each, &mut scene.dice) {
                scene.case(kind, fault, nth).await;
            }
        }
    }
    let faults = scene.judge().await;
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t2_a_server_starts_and_ends_on_a_disk_that_fails() {
    let (seed, starts) = (dice::seed(), dice::times("COUNTERTOP_DISK_STARTS", 12));
    dice::print(&format!("COUNTERTOP_SEED={seed} COUNTERTOP_DISK_STARTS={starts} cargo test --test it starts_and_ends_on_a_disk"));
    let Some(mut scene) = Scene::set(seed).await else { return };
    for _ in 0..starts {
        for kind in Kind::ALL {
            scene.clerk.write(kind).await;
        }
        // Its end puts the log into the file; its start makes a new one. One that
        // does not come up is started once more, as a service's keeper does.
        let (ending, starting) = (scene.dice.one_of(&FAULTS), scene.dice.one_of(&FAULTS[..4]));
        scene.disk.control.fail(ending, 1 + scene.dice.below(60));
        tokio::task::block_in_place(|| scene.program.stop());
        scene.disk.control.fail(starting, 1 + scene.dice.below(16));
        scene.start();
        scene.disk.control.relieve();
    }
    let faults = scene.judge().await;
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_calls_it_saved_on_a_failing_disk_would_be_found() {
    let Some(mut scene) = Scene::set(1).await else { return };
    let lasting = FAULTS.into_iter().find(|fault| fault.name == "EIO from then on").expect("it is tried");
    let (answer, calls) = scene.write(Kind::Request, lasting, 1).await;
    assert!(answer.status == 503 && calls.failed > 0, "{}", answer.text);
    scene.clerk.acts.last_mut().expect("what he wrote").told = Told::Saved("as some record".to_owned());
    let faults = scene.judge().await;
    assert!(faults.iter().any(|fault| fault.starts_with("lost")), "{faults:?}");
}

/// What somebody does at a desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Type,
    Keep,
    Send,
    Discard,
}

impl Deed {
    const ALL: [Self; 4] = [Self::Type, Self::Keep, Self::Send, Self::Discard];

    /// Where what was typed is before and after: so many drafts, and so the entries.
    fn leads(self) -> [Place; 2] {
        let (nowhere, typed) = ((0, vec![]), (1, vec![]));
        let (kept, sent) = ((0, vec![State::Waiting]), (0, vec![State::Sent]));
        match self {
            Self::Type => [nowhere, typed],
            Self::Keep => [typed, kept],
            Self::Send => [kept, sent],
            Self::Discard => [kept, nowhere],
        }
    }
}

type Place = (usize, Vec<State>);

/// A desk on a disk that fails.
struct Sweep {
    outbox: Outbox,
    control: Control,
    /// What is typed next.
    number: u64,
    /// Calls done what failed: planted.
    is_careless: bool,
}

impl Sweep {
    fn does(&mut self, deed: Deed) -> Result<(), OutboxFault> {
        match deed {
            Deed::Type => self.outbox.keep_drafts(&whose(), &[draft(self.number)]),
            Deed::Keep => self.outbox.keep(&whose(), &post(self.number), now()).map(drop),
            Deed::Send => {
                self.outbox.hurry();
                send_one(&mut self.outbox).map(drop)
            }
            Deed::Discard => {
                for entry in self.outbox.entries(usize::MAX)? {
                    self.outbox.discard(entry.id)?;
                }
                Ok(())
            }
        }
    }

    /// Does what comes before it.
    fn comes_to(&mut self, deed: Deed) {
        let before: &[Deed] = match deed {
            Deed::Type => &[],
            Deed::Keep => &[Deed::Type],
            Deed::Send | Deed::Discard => &[Deed::Type, Deed::Keep],
        };
        for deed in before {
            self.does(*deed).unwrap();
        }
    }

    /// What could not be kept is taken out again, and its form is still open: the
    /// draft that was to give way to it is told anew.
    fn stays_open(&mut self) {
        self.outbox.next(now()).map(drop).unwrap();
        self.does(Deed::Type).unwrap();
    }

    fn place(&self) -> Place {
        places(&self.outbox).unwrap().remove(&self.number).unwrap_or_default()
    }

    /// Takes away what is there.
    fn tidy(&mut self) {
        let (about, _) = draft(self.number);
        self.outbox.keep_drafts(&whose(), &[(about, Vec::new())]).unwrap();
        self.does(Deed::Discard).unwrap();
        self.number += 1;
    }

    /// Each call of it fails, one after the other, until none is left; how many.
    fn of(&mut self, deed: Deed, fault: Fault) -> u64 {
        let ([before, after], mut unsaid, mut nth) = (deed.leads(), 0, 1);
        loop {
            self.comes_to(deed);
            assert_eq!(self.place(), before, "{deed:?}");
            self.control.fail(fault, nth);
            let done = self.does(deed).or_else(|fault| if self.is_careless { Ok(()) } else { Err(fault) });
            let calls = self.control.relieve();
            let told = format!("{deed:?} with {} at call {nth} is told {done:?}", fault.name);
            if let Err(cause) = done {
                if deed == Deed::Keep {
                    self.stays_open();
                }
                let there = self.place();
                let cause = cause.to_string();
                assert!(calls.failed > 0 && (cause.contains("disk") || cause.contains("cannot be written")), "{told}");
                assert!(there == before || there == after, "{told}, and is by half: {there:?}");
                if there == after {
                    unsaid += 1;
                } else {
                    self.does(deed).unwrap_or_else(|fault| panic!("{told}, and not done again: {fault}"));
                }
            }
            assert_eq!(self.place(), after, "{told}");
            self.tidy();
            if calls.failed == 0 {
                // The last sync is that of the folder: all is done by then.
                assert!(unsaid <= 1, "{deed:?} with {} was done {unsaid} times and told that it was not", fault.name);
                return nth;
            }
            nth += 1;
        }
    }
}

/// All that somebody does at a desk, with each of its calls failing.
pub(super) fn sweep_the_outbox(folder: &Path, is_careless: bool) {
    let control = Control::of_this_process().expect("a disk that can fail");
    let mut sweep = Sweep { outbox: opened(folder).unwrap(), control, number: 0, is_careless };
    let mut cases = 0;
    for deed in Deed::ALL {
        for fault in FAULTS {
            cases += sweep.of(deed, fault);
        }
    }
    is_sound_file(folder).unwrap();
    say(Became::Tried, cases, 0);
}

#[test]
fn t2_whichever_call_of_the_outboxs_disk_fails_nobody_is_told_a_lie() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::that_fails(folder.path()) else { return };
    let said = desk::runs(Desk::Sweep, folder.path(), &disk).unwrap_or_else(|words| panic!("{words}"));
    let tried: u64 = said.iter().filter(|said| said.became == Became::Tried).map(|said| said.number).sum();
    assert!(tried > 200, "each call fails once: {tried}");
}

#[test]
fn an_outbox_that_calls_it_kept_on_a_failing_disk_would_be_found() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::that_fails(folder.path()) else { return };
    let words = desk::runs(Desk::CarelessSweep, folder.path(), &disk).unwrap_err();
    assert!(words.contains("Type with EIO at call 1 is told Ok"), "{words}");
}

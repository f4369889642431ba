//! The power goes, at the server and at a terminal (T3): what was not synced by
//! then is gone, torn, or there before what was written earlier. What somebody
//! had been told is there, once and whole, and all else is there or not.
//!
//! A program works on a disk that remembers; then its power is cut at moments
//! drawn from the seed, and the program's own code opens what is left. What the
//! seed does not draw is how the work itself went.

use std::collections::HashSet;
use std::sync::Arc;

use countertop::store::Db;
use tokio::task::JoinSet;

use super::clerk::{Clerk, Habit};
use super::desk::{self, Desk};
use super::disk::Disk;
use super::evidence::{self, gather, is_sound};
use super::model::{Act, Kind, Told, faults};
use super::platter::{Syncs, Trace};
use super::program::{Program, Start};
use crate::dice::{self, Dice};
use crate::harness::{Database, Ground};

/// The server's file.
const FILE: &str = "world.db";
/// What each of three people writes until the server ends: killed, stopped, and
/// killed again.
const WRITES: usize = 16;
/// Power cuts before another day is begun.
const OF_A_DAY: usize = 250;
/// A server comes up over one in so many of what is left.
const SERVED: u64 = 10;

/// What was done to a server's disk, and what people were told and when.
struct Day {
    base: Vec<u8>,
    known: HashSet<String>,
    trace: Trace,
    /// With the length of the trace when it was told.
    acts: Vec<(Act, u64)>,
}

/// One person's share of the work, with the length of the trace behind each.
async fn works(mut clerk: Clerk, mut dice: Dice, disk: Arc<Disk>) -> (Clerk, Dice, Vec<u64>) {
    let mut told_at = Vec::new();
    for _ in 0..WRITES {
        clerk.write(dice.one_of(&Kind::ALL)).await;
        told_at.push(disk.traced());
    }
    (clerk, dice, told_at)
}

impl Day {
    /// Three people write, while the server is killed, started, stopped and
    /// started. None where no disk can stand before it.
    async fn spent(seed: u64) -> Option<Self> {
        let ground = Ground::new(Database::Sqlite).await;
        let path = Db::file_of(&ground.address).expect("a file").to_owned();
        let base = std::fs::read(&path).unwrap();
        let disk = Arc::new(Disk::that_remembers(path.parent().expect("a folder"))?);
        let environment = disk.environment();
        let mut dice = Dice::of(seed);
        let mut program = Program::over(&ground.address, &mut dice);
        let begin = |program: &mut Program| tokio::task::block_in_place(|| program.start(Start { environment: &environment, ..Start::default() }));
        begin(&mut program);
        let mut people: Vec<(Clerk, Dice, Vec<u64>)> = Vec::new();
        for (name, asset) in [("Ada", ground.ids.excavator), ("Ben", ground.ids.loader), ("Cleo", ground.ids.sweeper)] {
            let clerk = Clerk::at(&program.url(), name, asset, Habit::Patient, dice.another()).await;
            people.push((clerk, dice.another(), Vec::new()));
        }
        for end in [Program::kill, Program::stop, Program::kill] {
            let mut working = JoinSet::new();
            for (clerk, dice, told_at) in people.drain(..) {
                let disk = disk.clone();
                working.spawn(async move {
                    let (clerk, dice, more) = works(clerk, dice, disk).await;
                    (clerk, dice, [told_at, more].concat())
                });
            }
            people = working.join_all().await;
            tokio::task::block_in_place(|| end(&mut program));
            begin(&mut program);
        }
        program.kill();
        let acts = people.iter().flat_map(|(clerk, _, told_at)| clerk.acts.iter().cloned().zip(told_at.iter().copied())).collect();
        Some(Self { known: known(&base).await, base, trace: disk.trace(), acts })
    }

    /// Cuts the power after so many steps and looks at what is left.
    async fn cut(&self, after: usize, syncs: Syncs, dice: &mut Dice) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        self.trace.cut(&[(FILE, self.base.as_slice())], after, syncs, dice, folder.path());
        let address = format!("sqlite://{}", folder.path().join(FILE).display());
        if dice.one_in(SERVED) {
            let mut program = Program::over(&address, dice);
            tokio::task::block_in_place(|| program.start(Start::default()));
        }
        let db = match Db::open(&address).await {
            Ok(db) => db,
            Err(error) => return vec![format!("not opened: {error}")],
        };
        // Who was told later had heard nothing when the power went.
        let heard = |(act, at): &(Act, u64)| if self.trace.done_at(*at) <= after { act.clone() } else { Act { told: Told::Nothing, ..act.clone() } };
        let acts: Vec<Act> = self.acts.iter().map(heard).collect();
        let mut all = faults(&acts, &gather(&db, &self.known).await);
        all.extend(is_sound(&db).await.err());
        db.close().await;
        all
    }
}

/// The customers of a file.
async fn known(base: &[u8]) -> HashSet<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    std::fs::write(&path, base).unwrap();
    let db = Db::open(&format!("sqlite://{}", path.display())).await.unwrap();
    let known = evidence::known_customers(&db).await;
    db.close().await;
    known
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn t3_what_the_server_acknowledged_is_there_whenever_the_power_goes() {
    let (mut seed, mut left) = (dice::seed(), dice::times("COUNTERTOP_POWER_CUTS", 60));
    while left > 0 {
        let cuts = left.min(OF_A_DAY);
        let again = format!("COUNTERTOP_SEED={seed} COUNTERTOP_POWER_CUTS={cuts} cargo test --test it the_server_acknowledged");
        dice::print(&again);
        let Some(day) = Day::spent(seed).await else { return };
        assert!(day.trace.before_a_write_to(FILE).is_some(), "the log is put into the file too");
        let (mut dice, told_at) = (Dice::of(seed).another(), day.acts.iter().map(|(_, at)| *at).collect::<Vec<_>>());
        for nth in 0..cuts {
            let after = day.trace.moment(&told_at, &mut dice);
            let faults = day.cut(after, Syncs::Honest, &mut dice).await;
            assert!(faults.is_empty(), "cut {nth}, after {after} of {} steps, drawn again by {again}: {faults:#?}", day.trace.len());
        }
        left -= cuts;
        seed = Dice::of(seed).draw();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_server_that_does_not_wait_for_its_log_would_be_found() {
    let Some(day) = Day::spent(1).await else { return };
    // As synchronous=NORMAL has it: the log waits until it is put into the file.
    let after = day.trace.before_a_write_to(FILE).expect("the log is put into the file");
    let mut dice = Dice::of(1);
    for _ in 0..8 {
        if day.cut(after, Syncs::NotTheLog, &mut dice).await.iter().any(|fault| fault.starts_with("lost")) {
            return;
        }
    }
    panic!("nothing is lost after {after} of {} steps", day.trace.len());
}

/// Cuts the power of a terminal so often; the first fault.
fn cut_at_a_desk(seed: u64, cuts: usize, syncs: Syncs) -> Option<Result<(), String>> {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::that_remembers(folder.path())?;
    let said = desk::runs(Desk::Day, folder.path(), &disk).unwrap_or_else(|words| panic!("{words}"));
    let (trace, mut dice) = (disk.trace(), Dice::of(seed));
    let told_at: Vec<u64> = said.iter().map(|said| said.at).collect();
    Some((0..cuts).try_for_each(|nth| {
        let after = trace.moment(&told_at, &mut dice);
        let left = tempfile::tempdir().unwrap();
        trace.cut(&[], after, syncs, &mut dice, left.path());
        let heard: Vec<_> = said.iter().filter(|said| trace.done_at(said.at) <= after).copied().collect();
        let faults = desk::judged(left.path(), &heard).unwrap_or_else(|fault| vec![format!("not opened: {fault}")]);
        if faults.is_empty() { Ok(()) } else { Err(format!("cut {nth}, after {after} of {} steps: {faults:#?}", trace.len())) }
    }))
}

#[test]
fn t3_what_the_outbox_called_kept_is_there_whenever_the_power_goes() {
    let (mut seed, mut left) = (dice::seed(), dice::times("COUNTERTOP_POWER_CUTS", 60));
    while left > 0 {
        let cuts = left.min(OF_A_DAY);
        let again = format!("COUNTERTOP_SEED={seed} COUNTERTOP_POWER_CUTS={cuts} cargo test --test it the_outbox_called_kept");
        dice::print(&again);
        let Some(all_well) = cut_at_a_desk(seed, cuts, Syncs::Honest) else { return };
        all_well.unwrap_or_else(|fault| panic!("drawn again by {again}: {fault}"));
        left -= cuts;
        seed = Dice::of(seed).draw();
    }
}

#[test]
fn an_outbox_that_does_not_wait_for_its_folder_would_be_found() {
    // As synchronous=FULL has it: the journal that went may come back.
    let Some(found) = cut_at_a_desk(1, 200, Syncs::NotWhatWent) else { return };
    let fault = found.unwrap_err();
    assert!(fault.contains("lost"), "{fault}");
}

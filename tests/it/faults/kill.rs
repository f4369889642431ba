//! The server is killed at any moment, and at each step of a write that has to
//! be durable. Whoever was told that something is saved finds it, once; whoever
//! sends the same again makes no second one.
//!
//! The program is killed for good: SIGKILL at a moment drawn from the seed, or
//! an end without any tidying at a named step (`src/server/steps.rs`). What the
//! seed does not draw is how far the server is at that moment.

use std::collections::HashSet;
use std::time::Duration;

use countertop::store::Db;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::clerk::{Clerk, Habit};
use super::evidence::{self, gather, is_sound};
use super::model::{Kind, Told, faults};
use super::program::{Program, Start};
use crate::dice::{self, Dice};
use crate::harness::{Database, Ground, rows};

/// The steps of a write.
const STEPS: [&str; 4] = ["asked", "written", "kept", "committed"];
/// Kills before a new database is begun: whoever reads a meter reads all of its
/// past.
const OF_A_RUN: usize = 25;
/// Longer than a write takes here.
const SOON: Duration = Duration::from_secs(20);

/// A database, a server over it, and what was there before.
struct Scene {
    ground: Ground,
    program: Program,
    known: HashSet<String>,
    dice: Dice,
}

impl Scene {
    async fn set(database: Database, seed: u64) -> Self {
        let ground = Ground::new(database).await;
        let mut dice = Dice::of(seed);
        let program = Program::over(&ground.address, &mut dice);
        let db = Db::open(&ground.address).await.unwrap();
        let known = evidence::known_customers(&db).await;
        db.close().await;
        Self { ground, program, known, dice }
    }

    async fn clerk(&mut self, name: &str, habit: Habit) -> Clerk {
        let ids = self.ground.ids;
        let asset = self.dice.one_of(&[ids.excavator, ids.loader, ids.truck, ids.sweeper]);
        Clerk::at(&self.program.url(), name, asset, habit, self.dice.another()).await
    }

    /// Kills the server for the last time and looks at what it left.
    async fn judge(mut self, clerks: &[Clerk]) -> Vec<String> {
        self.program.kill();
        let db = Db::open(&self.ground.address).await.unwrap();
        let acts: Vec<_> = clerks.iter().flat_map(|clerk| clerk.acts.clone()).collect();
        let mut all = faults(&acts, &gather(&db, &self.known).await);
        all.extend(is_sound(&db).await.err());
        db.close().await;
        self.ground.end().await;
        all
    }
}

/// One server killed so many times while three people write.
async fn run(database: Database, seed: u64, kills: usize) -> (usize, Vec<String>) {
    let mut scene = Scene::set(database, seed).await;
    scene.program.start(Start::default());
    let (stop, stopped) = watch::channel(false);
    let mut working = JoinSet::new();
    for name in ["Ada", "Ben", "Cleo"] {
        let clerk = scene.clerk(name, Habit::GivesUp).await;
        working.spawn(clerk.work(stopped.clone()));
    }
    for _ in 0..kills {
        let moment = Duration::from_micros(scene.dice.below(300_000));
        // One that dies at a step is killed if it does not come there.
        if !scene.program.dies_within(moment).await {
            scene.program.kill();
        }
        let at_a_step = scene.dice.one_in(3).then(|| format!("{}:{}", scene.dice.one_of(&STEPS), 1 + scene.dice.below(8)));
        tokio::task::block_in_place(|| scene.program.start(Start { dies_at: at_a_step.as_deref(), ..Start::default() }));
    }
    scene.program.kill();
    tokio::task::block_in_place(|| scene.program.start(Start::default()));
    stop.send(true).expect("they listen");
    let mut clerks = working.join_all().await;
    for clerk in &mut clerks {
        clerk.come_back().await;
    }
    let acts = clerks.iter().map(|clerk| clerk.acts.len()).sum();
    (acts, scene.judge(&clerks).await)
}

async fn killed_at_any_moment(database: Database, test: &str) {
    let mut seed = dice::seed();
    let mut left = dice::times("COUNTERTOP_KILLS", 200).div_ceil(2);
    while left > 0 {
        let kills = left.min(OF_A_RUN);
        let again = format!("COUNTERTOP_SEED={seed} COUNTERTOP_KILLS={} cargo test --test it {test}", 2 * kills);
        dice::print(&again);
        let (acts, faults) = run(database, seed, kills).await;
        assert!(faults.is_empty(), "after {acts} writes and {kills} kills, drawn again by {again}: {faults:#?}");
        assert!(acts >= kills, "somebody wrote between the kills: {acts}");
        left -= kills;
        seed = Dice::of(seed).draw();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn killed_at_any_moment_over_a_file() {
    killed_at_any_moment(Database::Sqlite, "faults::kill::killed_at_any_moment_over_a_file").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn killed_at_any_moment_over_postgres() {
    killed_at_any_moment(Database::Postgres, "faults::kill::killed_at_any_moment_over_postgres").await;
}

/// Each kind of write, with the server dying at each step of it.
async fn killed_at_each_step(database: Database) {
    let mut scene = Scene::set(database, 1).await;
    tokio::task::block_in_place(|| scene.program.start(Start::default()));
    let mut clerk = scene.clerk("Ada", Habit::Patient).await;
    // A reading to void for each step, and a customer to change.
    for _ in STEPS {
        clerk.write(Kind::Reading).await;
    }
    clerk.write(Kind::Customer).await;
    for step in STEPS {
        for kind in Kind::ALL {
            scene.program.kill();
            let once = format!("{step}:1");
            tokio::task::block_in_place(|| scene.program.start(Start { dies_at: Some(&once), ..Start::default() }));
            let writing = tokio::spawn(async move {
                clerk.write(kind).await;
                clerk
            });
            assert!(scene.program.dies_within(SOON).await, "nobody passes {step} with {kind:?}");
            tokio::task::block_in_place(|| scene.program.start(Start::default()));
            clerk = writing.await.expect("the write came to its end");
            assert!(matches!(clerk.acts.last().unwrap().told, Told::Saved(_)), "{kind:?} at {step}: {:?}", clerk.acts.last());
        }
    }
    let faults = scene.judge(&[clerk]).await;
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_each_step_over_a_file() {
    killed_at_each_step(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_each_step_over_postgres() {
    killed_at_each_step(Database::Postgres).await;
}

/// The sealer of the audit dies over its work, and the next one does it.
async fn killed_while_the_audit_is_sealed(database: Database) {
    let mut scene = Scene::set(database, 2).await;
    tokio::task::block_in_place(|| scene.program.start(Start { dies_at: Some("sealed:1"), ..Start::default() }));
    let mut clerk = scene.clerk("Ada", Habit::Patient).await;
    clerk.write(Kind::Request).await;
    assert!(scene.program.dies_within(SOON).await, "what waits is sealed");
    let db = Db::open(&scene.ground.address).await.unwrap();
    assert_eq!(evidence::number(&db, "SELECT COUNT(*) FROM audit_seal").await, 0, "half of it does not count");
    tokio::task::block_in_place(|| scene.program.start(Start::default()));
    clerk.write(Kind::Customer).await;
    let end = std::time::Instant::now() + SOON;
    while evidence::number(&db, "SELECT COUNT(*) FROM audit_unsealed").await > 0 {
        assert!(std::time::Instant::now() < end, "the next one seals it");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    db.close().await;
    let faults = scene.judge(&[clerk]).await;
    assert!(faults.is_empty(), "{faults:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_the_audit_is_sealed_over_a_file() {
    killed_while_the_audit_is_sealed(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_the_audit_is_sealed_over_postgres() {
    killed_while_the_audit_is_sealed(Database::Postgres).await;
}

/// Something that must not be, done on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Planted {
    /// The client takes a new key for each sending.
    KeyForgotten,
    /// The server forgets the keys it has kept.
    KeysDropped,
    /// What is saved goes away again.
    SavedRowGone,
}

/// The same scene with a bug in it: the server dies between saving and telling,
/// and the request is sent again. Gives what the model says.
async fn planted(database: Database, bug: Planted) -> Vec<String> {
    let mut scene = Scene::set(database, 3).await;
    tokio::task::block_in_place(|| scene.program.start(Start { dies_at: Some("committed:1"), ..Start::default() }));
    let habit = if bug == Planted::KeyForgotten { Habit::ForgetsTheKey } else { Habit::Patient };
    let mut clerk = scene.clerk("Ada", habit).await;
    let writing = tokio::spawn(async move {
        clerk.write(Kind::Request).await;
        clerk
    });
    assert!(scene.program.dies_within(SOON).await, "it dies after the commit");
    let db = Db::open(&scene.ground.address).await.unwrap();
    if bug == Planted::KeysDropped {
        assert_eq!(rows::change(&db, "DELETE FROM idempotency", &[]).await, 1);
    }
    tokio::task::block_in_place(|| scene.program.start(Start::default()));
    let clerk = writing.await.expect("the write came to its end");
    if bug == Planted::SavedRowGone {
        assert_eq!(rows::change(&db, "DELETE FROM service_request", &[]).await, 1);
    }
    db.close().await;
    scene.judge(&[clerk]).await
}

async fn every_planted_bug_is_found(database: Database) {
    for (bug, told) in [(Planted::KeyForgotten, "doubled"), (Planted::KeysDropped, "doubled"), (Planted::SavedRowGone, "lost")] {
        let faults = planted(database, bug).await;
        assert!(faults.iter().any(|fault| fault.starts_with(told)), "{bug:?} is not found: {faults:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_bug_is_found_over_a_file() {
    every_planted_bug_is_found(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_planted_bug_is_found_over_postgres() {
    every_planted_bug_is_found(Database::Postgres).await;
}

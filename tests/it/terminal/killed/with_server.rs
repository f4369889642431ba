//! The server is killed at any moment, alone or with terminals, or they without
//! it; whoever is dead is started again over the same file, port and folders (T1).
//! In the end all goes out. Then what the screens said is held against what the
//! server has, and the server's file and the outboxes are looked at from beside.
//!
//! How often: `COUNTERTOP_TERMINAL_KILLS`, as in `killed.rs`.

use std::path::Path;
use std::time::{Duration, Instant};

use countertop::store::Db;

use super::{House, LAST_WORDS, LATEST, PATIENCE, Person, sends_all};
use crate::dice::{self, Dice};
use crate::faults::evidence::{by_half, is_sound};
use crate::faults::model::{Kind, Told};
use crate::faults::program::{Program, Start};
use crate::harness::{Database, Ground, rows};
use crate::terminal::line::ONE_WAY;
use crate::terminal::outbox::kill;
use crate::terminal::screen::{Terminal, token_at};

/// Kills before a new database is begun, so that a seed draws a short story.
const OF_A_RUN: usize = 25;
/// Within this after it comes to the server, a write is under way there.
const UNDER_WAY: u64 = 40_000;

/// Who is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Killed {
    Server,
    /// The terminal of that person, at that desk.
    Terminal(usize, usize),
}

/// Whose round it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Round {
    Server,
    Terminals,
    Both,
}

/// A server over a file, and people with their terminals.
struct Scene {
    people: Vec<Person>,
    program: Program,
    ground: Ground,
    dice: Dice,
    kills: usize,
}

impl Scene {
    /// With these people, and so many terminals of each.
    fn set(seed: u64, people: &[(&str, usize)]) -> Self {
        let mut dice = Dice::of(seed);
        let ground = wait(Ground::new(Database::Sqlite));
        // How many ports are tried is not for the seed to say.
        let mut program = Program::over(&ground.address, &mut dice.another());
        program.start(Start::default());
        let house = House { address: program.url(), database: ground.address.clone(), owner: "KELLER" };
        let mut all = Vec::new();
        for (name, desks) in people {
            let token = token_at(&house.address, "counter", "demo");
            all.push(Person::of(house.clone(), name, token, *desks, dice.another()));
        }
        Self { people: all, program, ground, dice, kills: 0 }
    }

    /// Everybody's terminals, with something typed in at each.
    fn are_typed_in(&mut self) -> Vec<Vec<Terminal>> {
        std::thread::scope(|scope| {
            let types = |person: &mut Person| {
                let mut terminals = person.start();
                person.type_in(&mut terminals);
                terminals
            };
            let typing: Vec<_> = self.people.iter_mut().map(|person| scope.spawn(move || types(person))).collect();
            typing.into_iter().map(|typed| typed.join().expect("this person typed")).collect()
        })
    }

    /// Who is killed in a round, and when after the keys that save; in this order.
    fn accidents(&mut self) -> Vec<(Duration, Killed)> {
        let round = self.dice.one_of(&[Round::Server, Round::Terminals, Round::Both]);
        let mut accidents = Vec::new();
        if round != Round::Terminals {
            // As often as not while a write is under way in it.
            let (from, within) = if self.dice.one_in(2) { (ONE_WAY, UNDER_WAY) } else { (Duration::ZERO, LATEST) };
            accidents.push((from + Duration::from_micros(self.dice.below(within)), Killed::Server));
        }
        let among: Vec<Killed> =
            self.people.iter().enumerate().flat_map(|(nth, person)| (0..person.desks.len()).map(move |desk| Killed::Terminal(nth, desk))).collect();
        for terminal in among {
            if round == Round::Terminals || round == Round::Both && self.dice.one_in(2) {
                accidents.push((Duration::from_micros(self.dice.below(LATEST)), terminal));
            }
        }
        accidents.sort_by_key(|(moment, _)| *moment);
        accidents
    }

    /// Everybody saves something, some are killed over it, and the server comes
    /// back before or after those who live said what became of theirs.
    fn goes_wrong(&mut self) {
        let mut terminals = self.are_typed_in();
        let accidents = self.accidents();
        let (is_back_first, is_waited_for) = (self.dice.one_in(2), self.dice.one_in(2));
        self.is_saved(&mut terminals);
        let begun = Instant::now();
        for (moment, whom) in &accidents {
            std::thread::sleep(moment.saturating_sub(begun.elapsed()));
            match *whom {
                Killed::Server => self.program.kill(),
                Killed::Terminal(person, desk) => kill(&mut terminals[person][desk]),
            }
        }
        self.kills += accidents.len();
        let killed: Vec<Killed> = accidents.into_iter().map(|(_, whom)| whom).collect();
        if is_back_first {
            self.is_up(&killed);
        }
        self.is_told(&mut terminals, &killed);
        if !is_back_first {
            self.is_up(&killed);
        }
        for (person, terminals) in terminals.iter_mut().enumerate() {
            for (desk, terminal) in terminals.iter_mut().enumerate().filter(|(desk, _)| !killed.contains(&Killed::Terminal(person, *desk))) {
                if is_waited_for {
                    sends_all(terminal);
                }
                assert!(matches!(terminal.child.try_wait(), Ok(None)), "{}: it ended by itself:\n{}", self.people[person].desks[desk].unit, terminal.text());
                kill(terminal);
            }
        }
    }

    /// The keys that save, at each terminal.
    fn is_saved(&self, terminals: &mut [Vec<Terminal>]) {
        for (person, terminals) in self.people.iter().zip(terminals) {
            for (desk, terminal) in person.desks.iter().zip(terminals) {
                desk.saves(terminal);
            }
        }
    }

    /// Notes what the screens say; those of terminals that live say something.
    fn is_told(&mut self, terminals: &mut [Vec<Terminal>], killed: &[Killed]) {
        for (nth, (person, terminals)) in self.people.iter_mut().zip(terminals).enumerate() {
            for (at, (desk, terminal)) in person.desks.iter_mut().zip(terminals).enumerate() {
                let lives = !killed.contains(&Killed::Terminal(nth, at));
                let is_told = *desk.hears(terminal, if lives { PATIENCE } else { LAST_WORDS }) != Told::Nothing;
                assert!(is_told || !lives, "{}: nothing is said of {:?}:\n{}", desk.unit, desk.acts[desk.now], terminal.text());
            }
        }
    }

    /// The server is there again, and it was not gone unless somebody killed it.
    fn is_up(&mut self, killed: &[Killed]) {
        assert_eq!(self.program.is_dead(), killed.contains(&Killed::Server), "the server dies when it is killed and not otherwise");
        if killed.contains(&Killed::Server) {
            self.program.start(Start::default());
        }
    }

    /// All goes out, and the server is killed for the last time. How often the
    /// screens said something, and what is not as it has to be.
    fn judged(mut self) -> (usize, Vec<String>) {
        let (mut told, mut all) = (0, Vec::new());
        for person in &self.people {
            person.comes_to_an_end();
            let (some, faults) = person.is_judged();
            told += some;
            all.extend(faults);
            all.extend(stuck(&person.outbox()));
        }
        self.program.kill();
        all.extend(wait(amiss(&self.ground.address)));
        wait(self.ground.end());
        (told, all)
    }
}

/// What waits or is refused in the file of an outbox, whatever its screen says.
fn stuck(outbox: &Path) -> Vec<String> {
    // Where nothing was ever kept there is none.
    if !outbox.exists() {
        return Vec::new();
    }
    let outbox = rusqlite::Connection::open(outbox).unwrap();
    let mut left = outbox.prepare("SELECT state || ': ' || title FROM entry WHERE state <> 'sent'").unwrap();
    let left = left.query_map([], |row| row.get::<_, String>(0)).unwrap();
    left.map(|entry| format!("stuck: {}", entry.unwrap())).collect()
}

/// What is not sound in the file of a server that is dead.
async fn amiss(database: &str) -> Vec<String> {
    let db = Db::open(database).await.unwrap();
    let mut all = by_half(&db).await;
    all.extend(is_sound(&db).await.err());
    db.close().await;
    all
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

#[test]
fn t1_a_server_and_its_terminals_killed_at_any_moment_lose_nothing_and_double_nothing() {
    let (mut seed, mut left) = (dice::seed(), dice::times("COUNTERTOP_TERMINAL_KILLS", 12));
    while left > 0 {
        let kills = left.min(OF_A_RUN);
        let again = format!("COUNTERTOP_SEED={seed} COUNTERTOP_TERMINAL_KILLS={kills} cargo test --test it its_terminals_killed");
        dice::print(&again);
        let mut scene = Scene::set(seed, &[("joint-ada", 1), ("joint-ben", 2)]);
        while scene.kills < kills {
            scene.goes_wrong();
        }
        let (told, faults) = scene.judged();
        assert!(faults.is_empty(), "drawn again by {again}: {faults:#?}");
        assert!(told > 0, "the screens said something of what was written");
        left -= kills;
        seed = Dice::of(seed).draw();
    }
}

/// Something that must not be, done on purpose while the server is dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Planted {
    /// What the server acknowledged goes away again.
    SavedRowGone,
    /// What a terminal called kept goes away.
    OutboxGone,
}

/// One terminal that asks for service, and a server that is killed after it filed
/// that, or before it hears of it. Gives what is told in the end.
fn planted(bug: Planted, seed: u64) -> Vec<String> {
    let mut scene = Scene::set(seed, &[("joint-ida", 1)]);
    let ida = &mut scene.people[0];
    let mut terminals = ida.start();
    ida.desks[0].types(&mut terminals[0], Kind::Request);
    if bug == Planted::OutboxGone {
        scene.program.kill();
    }
    ida.desks[0].saves(&mut terminals[0]);
    assert_ne!(*ida.desks[0].hears(&mut terminals[0], PATIENCE), Told::Nothing, "{}", terminals[0].text());
    if bug == Planted::SavedRowGone {
        sends_all(&mut terminals[0]);
    }
    kill(&mut terminals[0]);
    scene.program.kill();
    match bug {
        Planted::SavedRowGone => assert_eq!(wait(forget_requests(&scene.ground.address)), 1),
        Planted::OutboxGone => {
            assert_eq!(stuck(&ida.outbox()).len(), 1, "what waits is seen in the file");
            std::fs::remove_file(ida.outbox()).unwrap();
        }
    }
    scene.program.start(Start::default());
    scene.judged().1
}

async fn forget_requests(database: &str) -> u64 {
    let db = Db::open(database).await.unwrap();
    let gone = rows::change(&db, "DELETE FROM service_request", &[]).await;
    db.close().await;
    gone
}

#[test]
fn what_a_server_filed_and_lost_between_two_starts_is_found() {
    let faults = planted(Planted::SavedRowGone, 1);
    for told in ["lost", "half-written"] {
        assert!(faults.iter().any(|fault| fault.starts_with(told)), "{told}: {faults:?}");
    }
}

#[test]
fn an_outbox_that_is_thrown_away_while_the_server_is_dead_is_found() {
    let faults = planted(Planted::OutboxGone, 2);
    assert!(matches!(faults.as_slice(), [fault] if fault.starts_with("lost")), "{faults:?}");
}

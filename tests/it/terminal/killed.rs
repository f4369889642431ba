//! Terminals that are killed at any moment, over a line that is cut and held,
//! and started again over the same folder (T1); two of one person that start at
//! the same instant (T10). What the screen said is held against what the server
//! has in the end, by the model that also judges the killed server.
//!
//! Short as they stand; longer by the environment:
//!
//! - `COUNTERTOP_TERMINAL_KILLS` (30; 12 with the server): how often a terminal
//!   is killed.
//! - `COUNTERTOP_RACES` (20): how often two start at once over what waits.
//! - `COUNTERTOP_SEED`: what all of it is drawn from. What it does not draw is
//!   how far a terminal is at that moment.

mod with_server;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use countertop::api::ids::AssetId;
use countertop::client::outbox::FILE;
use countertop::store::assets::{self, NewAsset, PlateRow};
use countertop::store::{Db, Scope, places};
use serde_json::Value;

use super::line::Line;
use super::outbox::{account, asked_at, at, kill, listed_at};
use super::screen::{PATIENCE, Terminal, demo};
use crate::dice::{self, Dice};
use crate::faults::model::{Act, Found, Kind, Told, not_once};

/// What a killed terminal wrote before is read by then.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// The latest moment at which a terminal is killed after the key that saves.
const LATEST: u64 = 400_000;
/// What the first reading of a truck shows.
const FIRST: usize = 1_000;

/// What lies in the way of what is saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Weather {
    /// Nothing.
    Fine,
    /// The line is cut already.
    Cut,
    /// The line is cut a moment later.
    CutSoon,
    /// Whatever arrives, no answer comes back.
    Held,
}

impl Weather {
    const ALL: [Self; 4] = [Self::Fine, Self::Cut, Self::CutSoon, Self::Held];
}

/// What happens a moment after the key that saves.
#[derive(Debug, Clone, Copy)]
enum Accident {
    LineCut,
    /// The terminal of that desk.
    Killed(usize),
}

/// The server somebody works with, its database, and an owner of trucks there.
#[derive(Debug, Clone)]
struct House {
    address: String,
    database: String,
    owner: &'static str,
}

impl House {
    fn demo() -> Self {
        Self { address: demo().address.clone(), database: demo().database(), owner: "NORG" }
    }
}

/// Where one truck is written about, at a terminal of its own.
#[derive(Debug)]
struct Desk {
    unit: String,
    truck: AssetId,
    acts: Vec<Act>,
    /// The act that is typed in.
    now: usize,
}

impl Desk {
    fn at(house: &House, unit: String) -> Self {
        Self { truck: add_truck(house, &unit), unit, acts: Vec::new(), now: 0 }
    }

    /// Opens a form and types something that nobody wrote before; or finds there
    /// what a killed terminal had kept of its form.
    fn types(&mut self, terminal: &mut Terminal, kind: Kind) {
        terminal.press(&format!("<F3>{}<Enter>", self.unit)).until("1 Identification");
        terminal.settle();
        let (key, title, field) = if kind == Kind::Reading { ("m", "Reading of", "") } else { ("r", "Request service for", "<Tab>") };
        terminal.press(key).until(title);
        let shown = terminal.settle();
        if let Some(left) = self.left_typed(kind, &shown) {
            self.now = left;
            return;
        }
        let mark = self.mark(kind);
        // A draft may hold the beginning of a text.
        let emptied = format!("{field}<End>{}", "<Backspace>".repeat(30));
        terminal.press(&emptied).press(&mark).until(&mark);
        self.now = self.acts.len();
        self.acts.push(Act { kind, mark, told: Told::Nothing });
    }

    /// What no other of this desk says. Dials only rise.
    fn mark(&self, kind: Kind) -> String {
        let nth = self.acts.len();
        if kind == Kind::Reading { format!("{}", FIRST + nth) } else { format!("{} rattles {nth:05}", self.unit) }
    }

    /// Which act stands in the form already: none that was sent or kept.
    fn left_typed(&self, kind: Kind, shown: &str) -> Option<usize> {
        let stands = |mark: &str| match kind {
            Kind::Reading => shown.lines().any(|line| line.contains("Value") && line.contains(mark)),
            _ => shown.contains(mark),
        };
        let left = self.acts.iter().rposition(|act| act.kind == kind && stands(&act.mark))?;
        assert!(self.acts[left].told == Told::Nothing, "it is offered again: {:?}", self.acts[left]);
        Some(left)
    }

    fn saves(&self, terminal: &mut Terminal) {
        terminal.press(if self.acts[self.now].kind == Kind::Reading { "<Enter>" } else { "<Ctrl-S>" });
    }

    /// Notes what the screen says, or said, of what is typed in.
    fn hears(&mut self, terminal: &mut Terminal, patience: Duration) -> &Told {
        let mut told = Told::Nothing;
        terminal.watch(patience, |screen| {
            told = said(screen);
            told != Told::Nothing
        });
        let act = &mut self.acts[self.now];
        act.told = told;
        &act.told
    }
}

/// What a screen says of what was just saved.
fn said(screen: &str) -> Told {
    if let Some((before, _)) = screen.split_once(" was sent.") {
        return Told::Saved(before.split_whitespace().next_back().unwrap_or_default().to_owned());
    }
    // What waited before may go out in the same moment, and is told over it: a
    // form that is gone is sent or kept.
    let is_open = screen.contains("Request service for") || screen.contains("Reading of");
    let is_told = ["Kept on this machine", " saved.", " saved, a new meter."].iter().any(|told| screen.contains(told));
    let is_told = is_told || screen.contains("Sent now: ") && !is_open;
    if is_told { Told::Kept } else { Told::Nothing }
}

/// A truck that nobody read before: its first reading makes it an odometer.
fn add_truck(house: &House, unit: &str) -> AssetId {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let db = Db::open(&house.database).await.unwrap();
        let mut conn = db.write().await.unwrap();
        let owner = places::organization(&mut conn, &Scope::deployment(), house.owner).await.unwrap().expect("an owner that is there");
        let truck = NewAsset { asset_number: unit.to_owned(), ..NewAsset::default() };
        let id = assets::insert(&mut conn, owner.id, &truck).await.unwrap();
        let plate = PlateRow { number: format!("P {unit}"), state: Some("CA".to_owned()), country: Some("US".to_owned()), from_at: None, to_at: None };
        assets::insert_plate(&mut conn, id, &plate).await.unwrap();
        conn.commit().await.unwrap();
        db.close().await;
        id
    })
}

/// All that a server has of a truck.
fn found(server: &str, token: &str, truck: AssetId) -> Vec<Found> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let requests = listed_at(server, token, &format!("/v1/assets/{truck}/service-requests"));
    let mut found: Vec<Found> =
        requests.iter().map(|request| Found { kind: Kind::Request, mark: text(&request["complaint"]), id: text(&request["number"]) }).collect();
    let meters = asked_at(server, token, &format!("/v1/assets/{truck}/meters"));
    for meter in meters["items"].as_array().unwrap_or_else(|| panic!("no meters: {meters}")) {
        let readings = listed_at(server, token, &format!("/v1/assets/{truck}/meters/{}/readings", text(&meter["meter"])));
        found.extend(readings.iter().map(|reading| Found { kind: Kind::Reading, mark: text(&reading["value"]), id: text(&reading["id"]) }));
    }
    found
}

/// Somebody with one machine, and one or two terminals on it.
struct Person {
    house: House,
    folder: tempfile::TempDir,
    line: Line,
    token: String,
    desks: Vec<Desk>,
    dice: Dice,
}

impl Person {
    /// With an account of the demo's.
    fn new(name: &str, desks: usize, dice: Dice) -> Self {
        Self::of(House::demo(), name, account(name), desks, dice)
    }

    fn of(house: House, name: &str, token: String, desks: usize, dice: Dice) -> Self {
        let desks = (0..desks).map(|nth| Desk::at(&house, format!("{name}-{nth}").to_uppercase())).collect();
        Self { folder: tempfile::tempdir().unwrap(), line: Line::slow_to(&house.address), token, desks, dice, house }
    }

    fn outbox(&self) -> PathBuf {
        self.folder.path().join("state/countertop").join(FILE)
    }

    /// All terminals at the same instant, over the same folder.
    fn start(&self) -> Vec<Terminal> {
        self.line.mend();
        self.line.release();
        let mut terminals: Vec<Terminal> = self.desks.iter().map(|_| at(self.folder.path(), &self.line, &self.token)).collect();
        for terminal in &mut terminals {
            let is_there = terminal.watch(PATIENCE, |screen| screen.contains("online") || screen.contains(" slow "));
            assert!(is_there, "it never comes to the server:\n{}", terminal.text());
        }
        terminals
    }

    /// Types something at each desk.
    fn type_in(&mut self, terminals: &mut [Terminal]) {
        for (desk, terminal) in self.desks.iter_mut().zip(terminals) {
            desk.types(terminal, self.dice.one_of(&[Kind::Request, Kind::Reading]));
        }
    }

    fn moment(&mut self) -> Duration {
        Duration::from_micros(self.dice.below(LATEST))
    }

    /// Writes something at each desk, and each terminal is killed over it: now
    /// and then after it said what became of that.
    fn writes_and_dies(&mut self) {
        let mut terminals = self.start();
        self.type_in(&mut terminals);
        let weather = self.dice.one_of(&Weather::ALL);
        match weather {
            Weather::Cut => self.line.cut(),
            Weather::Held => self.line.hold(),
            Weather::Fine | Weather::CutSoon => {}
        }
        let waits = self.dice.one_in(3);
        let mut accidents: Vec<(Duration, Accident)> = Vec::new();
        for nth in (0..terminals.len()).filter(|_| !waits) {
            accidents.push((self.moment(), Accident::Killed(nth)));
        }
        if weather == Weather::CutSoon {
            accidents.push((self.moment(), Accident::LineCut));
        }
        accidents.sort_by_key(|(moment, _)| *moment);
        for (desk, terminal) in self.desks.iter().zip(&mut terminals) {
            desk.saves(terminal);
        }
        let begun = Instant::now();
        for (moment, accident) in accidents {
            std::thread::sleep(moment.saturating_sub(begun.elapsed()));
            match accident {
                Accident::LineCut => self.line.cut(),
                Accident::Killed(nth) => kill(&mut terminals[nth]),
            }
        }
        if waits {
            self.line.release();
            return self.are_told_and_die(&mut terminals);
        }
        for (desk, terminal) in self.desks.iter_mut().zip(&mut terminals) {
            desk.hears(terminal, LAST_WORDS);
        }
    }

    /// Waits for what the screens say; then the terminals are killed.
    fn are_told_and_die(&mut self, terminals: &mut [Terminal]) {
        for (desk, terminal) in self.desks.iter_mut().zip(terminals.iter_mut()) {
            let is_told = *desk.hears(terminal, PATIENCE) != Told::Nothing;
            assert!(is_told, "{}: nothing is said of {:?}:\n{}", desk.unit, desk.acts[desk.now], terminal.text());
        }
        terminals.iter_mut().for_each(kill);
    }

    /// Writes something at each desk while the line is cut; the terminals are
    /// killed after they said that it is kept.
    fn keeps_and_dies(&mut self) {
        let mut terminals = self.start();
        self.type_in(&mut terminals);
        self.line.cut();
        for (desk, terminal) in self.desks.iter().zip(&mut terminals) {
            desk.saves(terminal);
        }
        self.are_told_and_die(&mut terminals);
        assert!(self.desks.iter().all(|desk| desk.acts[desk.now].told == Told::Kept), "{:?}", self.desks);
    }

    /// The line holds, and the terminals are there until nothing waits any more.
    fn comes_to_an_end(&self) {
        self.start().iter_mut().for_each(sends_all);
    }

    /// What is not as the screens said; and how often they said something.
    fn is_judged(&self) -> (usize, Vec<String>) {
        let told = self.desks.iter().flat_map(|desk| &desk.acts).filter(|act| act.told != Told::Nothing).count();
        let mut all = Vec::new();
        for desk in &self.desks {
            let faults = not_once(&desk.acts, &found(&self.house.address, &self.token, desk.truck));
            all.extend(faults.into_iter().map(|fault| format!("{fault} ({})", desk.unit)));
        }
        (told, all)
    }
}

/// Looks at the outbox until nothing waits there any more.
fn sends_all(terminal: &mut Terminal) {
    terminal.press("<F2><Alt-U>").until("Outbox");
    let end = Instant::now() + 2 * PATIENCE;
    loop {
        let shown = terminal.settle();
        assert!(!shown.contains("refused"), "{shown}");
        if !shown.contains("to send") && !shown.contains("waiting") {
            return;
        }
        assert!(Instant::now() < end, "it is never sent:\n{shown}");
        terminal.press("s");
    }
}

/// All of them do their work at once, come to an end and are judged.
fn judged(people: Vec<Person>, work: impl Fn(&mut Person) + Sync) -> (usize, Vec<String>) {
    let work = &work;
    std::thread::scope(|scope| {
        let working: Vec<_> = people
            .into_iter()
            .map(|mut person| {
                scope.spawn(move || {
                    work(&mut person);
                    person.comes_to_an_end();
                    person.is_judged()
                })
            })
            .collect();
        let mut all = (0, Vec::new());
        for done in working {
            let (told, faults) = done.join().expect("this person came to an end");
            all.0 += told;
            all.1.extend(faults);
        }
        all
    })
}

#[test]
fn t1_terminals_killed_at_any_moment_lose_nothing_and_double_nothing() {
    let (seed, kills) = (dice::seed(), dice::times("COUNTERTOP_TERMINAL_KILLS", 30));
    let again = format!("COUNTERTOP_SEED={seed} COUNTERTOP_TERMINAL_KILLS={kills} cargo test --test it terminal::killed::t1");
    dice::print(&again);
    let mut dice = Dice::of(seed);
    let people = [("killed-ada", 1), ("killed-ben", 1), ("killed-cleo", 1), ("killed-dora", 2)];
    let terminals: usize = people.iter().map(|(_, desks)| desks).sum();
    let people = people.into_iter().map(|(name, desks)| Person::new(name, desks, dice.another())).collect();
    let rounds = kills.div_ceil(terminals);
    let (told, faults) = judged(people, |person| (0..rounds).for_each(|_| person.writes_and_dies()));
    assert!(faults.is_empty(), "drawn again by {again}: {faults:#?}");
    assert!(told > 0, "the screens said something of what was written");
}

#[test]
fn t10_two_that_start_at_the_same_instant_send_what_waits_once() {
    let (seed, races) = (dice::seed(), dice::times("COUNTERTOP_RACES", 20));
    let again = format!("COUNTERTOP_SEED={seed} COUNTERTOP_RACES={races} cargo test --test it terminal::killed::t10");
    dice::print(&again);
    let mut dice = Dice::of(seed);
    let names = ["racing-eva", "racing-finn", "racing-gus", "racing-hana"];
    let rounds = races.div_ceil(names.len());
    let people = names.into_iter().map(|name| Person::new(name, 2, dice.another())).collect();
    // Each next start is a race for what the one before left.
    let (told, faults) = judged(people, |person| (0..rounds).for_each(|_| person.keeps_and_dies()));
    assert!(faults.is_empty(), "drawn again by {again}: {faults:#?}");
    assert_eq!(told, 2 * rounds * names.len());
}

#[test]
fn an_outbox_that_is_thrown_away_is_found() {
    let mut ida = Person::new("losing-ida", 1, Dice::of(1));
    ida.keeps_and_dies();
    std::fs::remove_file(ida.outbox()).unwrap();
    ida.comes_to_an_end();
    let (_, faults) = ida.is_judged();
    assert!(matches!(faults.as_slice(), [fault] if fault.starts_with("lost")), "{faults:?}");
}

#[test]
fn an_outbox_that_sends_again_under_another_key_is_found() {
    let mut kim = Person::new("doubling-kim", 1, Dice::of(2));
    kim.keeps_and_dies();
    kim.comes_to_an_end();
    let (_, faults) = kim.is_judged();
    assert!(faults.is_empty(), "{faults:?}");
    let outbox = rusqlite::Connection::open(kim.outbox()).unwrap();
    assert_eq!(outbox.execute("UPDATE entry SET state = 'waiting', key = 'another'", []).unwrap(), 1);
    drop(outbox);
    kim.comes_to_an_end();
    let (_, faults) = kim.is_judged();
    assert!(matches!(faults.as_slice(), [fault] if fault.starts_with("doubled")), "{faults:?}");
}

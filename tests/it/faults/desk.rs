//! A desk with nothing but an outbox: this test binary, run once more on a disk
//! that stands before its folder. It says what it did when it was done, with the
//! length of the disk's trace at that moment.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use countertop::api::ids::AssetId;
use countertop::api::meter::NewReading;
use countertop::api::operation::{AddReading, OfAsset};
use countertop::api::page::Nothing;
use countertop::client::Call;
use countertop::client::outbox::{FILE, Next, Now, Outbox, OutboxFault, Post, State, Typed, Whose};
use jiff::Timestamp;

use super::disk::{Disk, traced_here};
use super::failing_disk::sweep_the_outbox;

/// The folder of the outbox; without one there is nothing to do.
const FOLDER: &str = "COUNTERTOP_DESK_KEEPS_IN";
/// What it does there.
const DOES: &str = "COUNTERTOP_DESK_DOES";
const PROGRAM: &str = "faults::desk::a_desk_on_a_disk";
/// Before each thing it says: the harness of the tests speaks too.
const SAYS: &str = "=says ";
/// So often the outbox is opened, and so many are kept until it is closed.
const MORNINGS: u64 = 6;
const A_MORNING: u64 = 10;

/// What a desk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Desk {
    /// Types, keeps and sends.
    Day,
    /// The same with each of its calls failing once.
    Sweep,
    /// The same, and what fails is called done: planted.
    CarelessSweep,
}

impl Desk {
    const fn name(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Sweep => "sweep",
            Self::CarelessSweep => "careless sweep",
        }
    }
}

/// What became of what was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Became {
    /// It is a draft.
    Typed,
    /// It waits in the outbox.
    Kept,
    /// It is at the server.
    Sent,
    /// It was tried so often: of a sweep.
    Tried,
}

impl Became {
    const ALL: [(Self, &'static str); 4] = [(Self::Typed, "typed"), (Self::Kept, "kept"), (Self::Sent, "sent"), (Self::Tried, "tried")];
}

/// Something that the desk said.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    /// What became of it.
    pub(super) became: Became,
    /// Of which; how often, of what was tried.
    pub(super) number: u64,
    /// How long the trace was then.
    pub(super) at: u64,
}

impl Said {
    fn read(line: &str) -> Option<Self> {
        let (_, said) = line.split_once(SAYS)?;
        let mut words = said.split(' ');
        let word = words.next()?;
        let (became, _) = Became::ALL.into_iter().find(|(_, name)| *name == word)?;
        Some(Self { became, number: words.next()?.parse().ok()?, at: words.next()?.trim().parse().ok()? })
    }
}

/// In one piece, and past the harness that would keep it back.
pub(super) fn say(became: Became, number: u64, at: u64) {
    let (_, name) = Became::ALL.into_iter().find(|(this, _)| *this == became).expect("all have a name");
    std::io::stdout().write_all(format!("{SAYS}{name} {number} {at}\n").as_bytes()).unwrap();
}

/// Whoever sits there.
pub(super) fn whose() -> Whose {
    Whose { server: "https://here".to_owned(), user: "00000000-0000-7000-8000-000000000001".parse().unwrap() }
}

/// This moment.
pub(super) fn now() -> Now {
    Now { wall: Timestamp::now(), steady: Duration::ZERO }
}

/// The outbox of that person.
pub(super) fn opened(folder: &Path) -> Result<Outbox, OutboxFault> {
    let mut outbox = Outbox::open(folder)?;
    outbox.belong_to(whose(), None, now())?;
    Ok(outbox)
}

/// The draft of a number.
pub(super) fn draft(number: u64) -> (String, Typed) {
    (format!("draft {number}"), vec![("note".to_owned(), "leaks ".repeat(60))])
}

/// The write of a number, each about something else.
pub(super) fn post(number: u64) -> Post {
    let call = Call::of::<AddReading>(&OfAsset { id: AssetId::new() }, &Nothing {}, &NewReading::default());
    let (about, typed) = draft(number);
    Post { call, subject: format!("asset {number}"), title: number.to_string(), about, typed, form: String::new() }
}

/// Sends the first that waits; its number.
pub(super) fn send_one(outbox: &mut Outbox) -> Result<Option<u64>, OutboxFault> {
    let Next::Send(letter) = outbox.next(now())? else { return Ok(None) };
    let entry = outbox.entry(letter.id)?.expect("what is sent is there");
    outbox.answered(&letter, &Ok(b"{}".to_vec()), now(), 0.5)?;
    Ok(Some(entry.title.parse().unwrap()))
}

fn a_day(folder: &Path) -> Result<(), OutboxFault> {
    for morning in 0..MORNINGS {
        let mut outbox = opened(folder)?;
        for number in morning * A_MORNING..(morning + 1) * A_MORNING {
            outbox.keep_drafts(&whose(), &[draft(number)])?;
            say(Became::Typed, number, traced_here());
            if number % 7 == 3 {
                continue;
            }
            outbox.keep(&whose(), &post(number), now())?;
            say(Became::Kept, number, traced_here());
            if number % 3 == 2
                && let Some(sent) = send_one(&mut outbox)?
            {
                say(Became::Sent, sent, traced_here());
            }
        }
    }
    Ok(())
}

#[test]
fn a_desk_on_a_disk() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = Path::new(&folder);
    match std::env::var(DOES).as_deref() {
        Ok("day") => a_day(folder).unwrap(),
        Ok("sweep") => sweep_the_outbox(folder, false),
        Ok("careless sweep") => sweep_the_outbox(folder, true),
        other => panic!("nobody does {other:?}"),
    }
}

/// Lets it do that in a folder, to its end: all that it said; or, where it
/// failed, in which words.
pub(super) fn runs(desk: Desk, folder: &Path, disk: &Disk) -> Result<Vec<Said>, String> {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", PROGRAM, "--nocapture"]).env(FOLDER, folder.canonicalize().unwrap()).env(DOES, desk.name());
    for (name, value) in disk.environment() {
        command.env(name, value);
    }
    let done = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    if !done.status.success() {
        return Err(format!("{said}\n{}", String::from_utf8_lossy(&done.stderr)));
    }
    let all: Vec<Said> = said.lines().filter_map(Said::read).collect();
    assert!(!all.is_empty(), "it did something: {said}");
    Ok(all)
}

/// Where each number is: how many drafts, and the states of its entries.
pub(super) fn places(outbox: &Outbox) -> Result<BTreeMap<u64, (usize, Vec<State>)>, OutboxFault> {
    let mut places: BTreeMap<u64, (usize, Vec<State>)> = BTreeMap::new();
    for (about, _) in outbox.drafts()? {
        let number = about.strip_prefix("draft ").expect("a draft of ours").parse().unwrap();
        places.entry(number).or_default().0 += 1;
    }
    for entry in outbox.entries(usize::MAX)? {
        places.entry(entry.title.parse().unwrap()).or_default().1.push(entry.state);
    }
    Ok(places)
}

/// What SQLite itself thinks of the file.
pub(super) fn is_sound(folder: &Path) -> Result<(), String> {
    let file = rusqlite::Connection::open(folder.join(FILE)).map_err(|error| error.to_string())?;
    let said: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).map_err(|error| error.to_string())?;
    if said == "ok" { Ok(()) } else { Err(said) }
}

/// All that is not as it has to be by what had been said.
pub(super) fn judged(folder: &Path, said: &[Said]) -> Result<Vec<String>, OutboxFault> {
    let mut outbox = opened(folder)?;
    let places = places(&outbox)?;
    let mut faults: Vec<String> = is_sound(folder).err().into_iter().collect();
    let that = |became: Became| said.iter().filter(|said| said.became == became).map(|said| said.number).collect::<BTreeSet<u64>>();
    let (typed, kept, sent) = (that(Became::Typed), that(Became::Kept), that(Became::Sent));
    let (gone, all) = ((0, Vec::new()), typed.iter().chain(&kept).chain(&sent).chain(places.keys()).copied().collect::<BTreeSet<u64>>());
    for number in &all {
        let (drafts, entries) = places.get(number).unwrap_or(&gone);
        match (drafts, entries.as_slice()) {
            (0, []) => faults.push(format!("{number} is lost")),
            (_, []) if kept.contains(number) => faults.push(format!("{number} is lost: it was kept and is a draft")),
            (0, [state]) if *state != State::Sent && sent.contains(number) => faults.push(format!("{number} is lost: it was sent and is {state:?}")),
            (1, []) | (0, [_]) => {}
            _ => faults.push(format!("{number} is doubled: {drafts} drafts and {entries:?}")),
        }
    }
    // It goes on from there.
    let next = MORNINGS * A_MORNING;
    outbox.keep(&whose(), &post(next), now())?;
    Ok(faults)
}

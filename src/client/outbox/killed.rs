//! The outbox's file under a program that is killed at any moment (T3), and
//! under one whose writes fail, at each size the file comes to (T2): what was
//! called kept is there, once, and what was not is not.
//!
//! That program is this test binary, run once more by itself. A kill takes no
//! page out of the system's cache: that the file is written through is asked of
//! the file itself, in `store`, and of power cuts in `tests/it/faults`.
//!
//! `COUNTERTOP_OUTBOX_KILLS` (100) says how often, `COUNTERTOP_SEED` when.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::api::ids::AssetId;
use crate::api::meter::NewReading;
use crate::api::operation::{AddReading, OfAsset};
use crate::api::page::Nothing;

/// The folder that the program keeps in; without one it has nothing to do.
const FOLDER: &str = "COUNTERTOP_KEEPS_IN";
/// The first number that it keeps.
const FROM: &str = "COUNTERTOP_KEEPS_FROM";
/// The bug that is planted: it says so before it keeps.
const EARLY: &str = "COUNTERTOP_SAYS_IT_EARLY";
const PROGRAM: &str = "client::outbox::killed::keeps_until_it_is_killed";
/// What it says of each.
const KEPT: &str = "=kept ";
const FAILED: &str = "=failed ";
/// Kills before another file is begun.
const OF_A_FILE: u64 = 10;
/// More than one program ever keeps.
const MANY: u64 = 1_000_000;
/// It is killed within this time, in microseconds.
const LATEST: u64 = 20_000;

fn whose() -> Whose {
    Whose { server: "https://here".to_owned(), user: "00000000-0000-7000-8000-000000000001".parse().unwrap() }
}

fn post(number: u64) -> Post {
    let call = Call::of::<AddReading>(&OfAsset { id: AssetId::new() }, &Nothing {}, &NewReading::default());
    let typed = vec![("note".to_owned(), "leaks ".repeat(40))];
    Post { call, subject: format!("asset {}", number % 5), title: number.to_string(), about: format!("draft {}", number % 3), typed, form: String::new() }
}

fn now() -> Now {
    Now { wall: Timestamp::now(), steady: Duration::ZERO }
}

/// In one piece, and past the harness that would keep it back.
fn say(word: &str, what: &str) {
    std::io::stdout().write_all(format!("{word}{what}\n").as_bytes()).unwrap();
}

/// Keeps drafts and writes, one after the other, and says what became of each.
fn keep_all(folder: &OsStr) -> Result<(), OutboxFault> {
    let mut outbox = Outbox::open(Path::new(folder))?;
    let from: u64 = std::env::var(FROM).unwrap().parse().unwrap();
    let is_early = std::env::var_os(EARLY).is_some();
    for number in from..from + MANY {
        let post = post(number);
        outbox.keep_drafts(&whose(), &[(post.about.clone(), post.typed.clone())])?;
        if is_early {
            say(KEPT, &number.to_string());
        }
        outbox.keep(&whose(), &post, now())?;
        if !is_early {
            say(KEPT, &number.to_string());
        }
    }
    Ok(())
}

#[test]
fn keeps_until_it_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    if let Err(fault) = keep_all(&folder) {
        say(FAILED, &fault.to_string());
    }
}

/// Begins the program.
fn begun(mut command: Command, folder: &Path, from: u64) -> Child {
    command.args(["--exact", PROGRAM, "--nocapture"]).env(FOLDER, folder).env(FROM, from.to_string());
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

fn this_program() -> Command {
    Command::new(std::env::current_exe().unwrap())
}

/// All that it said it kept.
fn kept(said: &str) -> BTreeSet<u64> {
    said.lines().filter_map(|line| line.split_once(KEPT)?.1.trim().parse().ok()).collect()
}

/// Begins it, and kills it a moment after it kept the first.
fn killed(command: Command, folder: &Path, from: u64, moment: Duration) -> BTreeSet<u64> {
    let mut child = begun(command, folder, from);
    let (mut lines, mut said) = (BufReader::new(child.stdout.take().unwrap()), String::new());
    while !said.contains(KEPT) {
        assert!(lines.read_line(&mut said).unwrap() > 0, "it ends by itself: {said}");
    }
    std::thread::sleep(moment);
    child.kill().unwrap();
    child.wait().unwrap();
    lines.read_to_string(&mut said).unwrap();
    assert!(!said.contains(FAILED), "{said}");
    kept(&said)
}

/// What is wrong with the file, if something is: so many may be in it that
/// nothing was said of.
fn judge(folder: &Path, told: &BTreeSet<u64>, unsaid: usize) -> Result<(), String> {
    let file = rusqlite::Connection::open(folder.join(FILE)).unwrap();
    let sound: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    if sound != "ok" {
        return Err(sound);
    }
    drop(file);
    let mut outbox = Outbox::open(folder).map_err(|fault| fault.to_string())?;
    outbox.belong_to(whose(), None, now()).map_err(|fault| fault.to_string())?;
    let mut times: BTreeMap<u64, u32> = BTreeMap::new();
    for entry in outbox.entries(usize::MAX).map_err(|fault| fault.to_string())? {
        *times.entry(entry.title.parse().unwrap()).or_default() += 1;
    }
    if let Some(lost) = told.iter().find(|number| !times.contains_key(*number)) {
        return Err(format!("{lost} is lost"));
    }
    if let Some((doubled, times)) = times.iter().find(|(_, times)| **times > 1) {
        return Err(format!("{doubled} is there {times} times"));
    }
    let more = times.keys().filter(|number| !told.contains(*number)).count();
    if more > unsaid { Err(format!("{more} are there of which nothing was said")) } else { Ok(()) }
}

fn number_from(variable: &str, few: u64) -> u64 {
    std::env::var(variable).ok().and_then(|told| told.parse().ok()).unwrap_or(few)
}

/// Kills the program so often over a few files, and judges each time.
fn killed_often(seed: u64, kills: u64, program: impl Fn() -> Command) -> Result<(), String> {
    let mut random = StdRng::seed_from_u64(seed);
    let (mut folder, mut told) = (tempfile::tempdir().unwrap(), BTreeSet::new());
    for nth in 0..kills {
        let of_this_file = nth % OF_A_FILE;
        if of_this_file == 0 {
            (folder, told) = (tempfile::tempdir().unwrap(), BTreeSet::new());
        }
        let moment = Duration::from_micros(random.random_range(0..LATEST));
        told.extend(killed(program(), folder.path(), nth * MANY, moment));
        // Each that was killed may have kept one that it did not come to say.
        let unsaid = usize::try_from(of_this_file).unwrap() + 1;
        judge(folder.path(), &told, unsaid).map_err(|fault| format!("kill {nth} of seed {seed}: {fault}"))?;
    }
    Ok(())
}

#[test]
fn t3_what_was_called_kept_is_in_the_file_whenever_the_program_is_killed() {
    killed_often(number_from("COUNTERTOP_SEED", 1), number_from("COUNTERTOP_OUTBOX_KILLS", 100), this_program).unwrap();
}

#[test]
fn a_program_that_calls_it_kept_too_early_would_be_found() {
    let early = || {
        let mut command = this_program();
        command.env(EARLY, "yes");
        command
    };
    let found = killed_often(1, 200, early).unwrap_err();
    assert!(found.contains("is lost"), "{found}");
}

/// No file may grow beyond so many half kilobytes: what goes over it is written
/// in part, and then fails.
#[cfg(target_os = "linux")]
fn with_room_for(blocks: u32) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"", &blocks.to_string()]).arg(std::env::current_exe().unwrap());
    command
}

#[cfg(target_os = "linux")]
#[test]
fn t2_whichever_write_fails_nothing_is_called_kept_that_is_not() {
    let mut most = 0;
    for blocks in 1..=160 {
        let folder = tempfile::tempdir().unwrap();
        let done = begun(with_room_for(blocks), folder.path(), 0).wait_with_output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        let (_, fault) = said.split_once(FAILED).unwrap_or_else(|| panic!("{blocks}: nothing fails: {said}"));
        assert!(fault.contains("disk"), "{blocks}: the cause is named: {fault}");
        let told = kept(&said);
        judge(folder.path(), &told, 0).unwrap_or_else(|fault| panic!("{blocks}: {fault}"));
        // There is room again.
        let mut outbox = Outbox::open(folder.path()).unwrap();
        outbox.keep(&whose(), &post(MANY), now()).unwrap();
        most = most.max(told.len());
    }
    assert!(most > 5, "it fails later too, not with the first alone: {most}");
}

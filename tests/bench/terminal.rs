//! How soon the program answers a key in a real pseudo-terminal, how much it
//! writes and what memory it takes, beside a raw echo and beside the least that a
//! program of the same terminal library costs, and how long a full outbox takes to
//! the server:
//! `cargo bench --bench terminal -- 20000`, the number being that of customers.
//! Judge by the ratios of a run, never by its absolute numbers.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "counts and shares of them are printed")]
#![allow(clippy::print_stdout, reason = "a benchmark")]

mod asked;
mod drained;
mod floor;
mod pty;
mod shop;
mod times;

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use portable_pty::CommandBuilder;
use tokio::runtime::Builder;

use asked::Asked;
use pty::{Answer, Pty};
use shop::Shop;
use times::{Times, micros};

const CUSTOMERS: u32 = 20_000;
const FIND: &str = "\u{1b}OQ";
const DOWN: &str = "\u{1b}[B";
const UP: &str = "\u{1b}[A";
const ENTER: &str = "\r";
/// What is typed letter by letter: names, a trade, cities, what nobody is called.
const TEXTS: [&str; 6] = ["keller bau", "concrete", "sacramento", "san jose", "anderson", "qzqzqz"];
/// How far the marker goes down before it comes up again: all of it on the screen.
const STEPS: usize = 8;
/// Nothing more comes of a key, an answer of the server included.
const SETTLED: Duration = Duration::from_millis(30);
/// The same where every byte is to be counted.
const SURELY_SETTLED: Duration = Duration::from_millis(300);
/// The same where all comes at once.
const AT_ONCE: Duration = Duration::from_millis(2);

/// How often everything is done.
struct Rounds {
    starts: usize,
    keys: usize,
    /// Keys of the whole day, for the memory.
    day: usize,
}

fn main() -> Result<()> {
    if std::env::args().any(|argument| argument == floor::ASKED) {
        return floor::run(&TEXTS);
    }
    let Some(asked) = Asked::read() else { return Ok(()) };
    let rounds = if asked.is_brief { Rounds { starts: 2, keys: 50, day: 200 } } else { Rounds { starts: 20, keys: 500, day: 10_000 } };
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let shop = runtime.block_on(Shop::open(asked.customers(CUSTOMERS)))?;
    let token = runtime.block_on(shop.sign_in("counter"))?;
    let folder = tempfile::tempdir()?;
    let start = || Pty::open(program(folder.path(), &shop.running.url(), &token));

    println!("80×24, {} customers", asked.customers(CUSTOMERS));
    println!("| what | p50 ms | p99 ms | p50, p99 of the floor |\n|---|--:|--:|--:|");
    starts(&rounds, start)?;
    // Where a server of the same program runs beside it, as at a small dealer's,
    // the two share their code.
    let _beside = start()?;
    let mut counter = Counter::at(start()?)?;
    let at_start = counter.pty.private_memory()?;
    keys(&rounds, &mut counter)?;

    println!("\n| what is written | bytes |\n|---|--:|");
    bytes(&mut counter)?;

    while counter.pressed < rounds.day {
        counter.find(TEXTS[1], AT_ONCE)?;
        counter.walk()?;
    }
    let in_the_end = counter.pty.private_memory()?;
    println!("\n| private memory | MiB |\n|---|--:|");
    println!("| after the start | {:.1} |", at_start as f64 / 1_024.0);
    println!("| after {} keys | {:.1} |", counter.pressed, in_the_end as f64 / 1_024.0);
    drop(counter);

    let admin = runtime.block_on(shop.sign_in("admin"))?;
    let count = if asked.is_brief { 200 } else { drained::MANY };
    runtime.block_on(drained::measure(&shop, program(folder.path(), &shop.running.url(), &admin), &admin, count))?;
    runtime.block_on(shop.close())
}

/// The program with a folder of its own and nothing of the person's around it.
fn program(folder: &Path, server: &str, token: &str) -> CommandBuilder {
    let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_countertop"));
    command.cwd(folder);
    command.env_clear();
    for (name, value) in [("TERM", "xterm-256color"), ("LANG", "C.UTF-8"), ("COUNTERTOP_SERVER", server), ("COUNTERTOP_TOKEN", token)] {
        command.env(name, value);
    }
    command.env("HOME", folder);
    command
}

/// What gives every byte back as it is: the least that a key can cost.
fn echo() -> Result<Pty> {
    let mut command = CommandBuilder::new("sh");
    command.args(["-c", "stty raw -echo; printf ready; exec cat"]);
    Pty::open(command)
}

/// The floor that does what this program does.
fn bare() -> Result<Pty> {
    let mut command = CommandBuilder::new(std::env::current_exe()?);
    command.arg(floor::ASKED);
    command.env("TERM", "xterm-256color");
    Pty::open(command)
}

/// From the start of a program to what it writes.
fn starts(rounds: &Rounds, start: impl Fn() -> Result<Pty>) -> Result<()> {
    let (mut floor, mut first, mut online) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds.starts {
        floor.push(micros(bare()?.until("online")?.0));
        let (to_first, to_online) = start()?.until("online")?;
        first.push(micros(to_first));
        online.push(micros(to_online));
    }
    let floor = row("floor: start to the first byte", floor, None);
    row("start to the first byte", first, Some(&floor));
    row("start to \"online\"", online, Some(&floor));
    Ok(())
}

/// From a key to the first byte of what it brings.
fn keys(rounds: &Rounds, counter: &mut Counter) -> Result<()> {
    let mut echo = echo()?;
    echo.until("ready")?;
    let mut echoed = Vec::new();
    for _ in 0..rounds.keys {
        echoed.extend(echo.press("x", AT_ONCE)?);
    }
    let mut floor = Counter::at(bare()?)?;
    let [(floor_typed, floor_moved), (typed, moved)] = [pressed(rounds, &mut floor)?, pressed(rounds, counter)?];
    row("a key and its raw echo", micros_of(echoed), None);
    let floor = row("floor: typing, a key to its first byte", floor_typed, None);
    row("typing, a key to its first byte", typed, Some(&floor));
    let floor = row("floor: moving in a list, a key to its first byte", floor_moved, None);
    row("moving in a list, a key to its first byte", moved, Some(&floor));
    Ok(())
}

/// What typing brought, and what moving did.
fn pressed(rounds: &Rounds, counter: &mut Counter) -> Result<(Vec<f64>, Vec<f64>)> {
    let (mut typed, mut moved) = (Vec::new(), Vec::new());
    while typed.len() < rounds.keys {
        for text in TEXTS {
            typed.extend(counter.find(text, SETTLED)?);
        }
    }
    counter.find(TEXTS[1], SETTLED)?;
    while moved.len() < rounds.keys {
        moved.extend(counter.walk()?);
    }
    Ok((micros_of(typed), micros_of(moved)))
}

fn micros_of(answers: Vec<Answer>) -> Vec<f64> {
    answers.into_iter().map(|answer| micros(answer.after)).collect()
}

/// What keys cost on a slow line, as `tests/it/terminal/bytes.rs` holds it.
fn bytes(counter: &mut Counter) -> Result<()> {
    counter.find("keller bau gm", SETTLED)?;
    println!("| a letter, the same hit | {} |", counter.cost("b")?);
    counter.find("qzqzqz", SETTLED)?;
    println!("| a letter, nobody found | {} |", counter.cost("q")?);
    counter.find("sa", SETTLED)?;
    println!("| a letter, new hits | {} |", counter.cost("c")?);
    counter.cost(DOWN)?;
    println!("| a step in the list | {} |", counter.cost(DOWN)?);
    println!("| a new screen | {} |", counter.cost(ENTER)?);
    Ok(())
}

/// Prints a row, and gives its times; takes those of its floor.
fn row(what: &str, times: Vec<f64>, floor: Option<&Times>) -> Times {
    let times = Times::of(times);
    let ratio = |part: f64| floor.map(|floor| format!("{:.1}", times.at(part) / floor.at(part)));
    let ratios = [0.5, 0.99].into_iter().filter_map(ratio).collect::<Vec<_>>().join(", ");
    println!("| {what} | {:.2} | {:.2} | {ratios} |", times.at(0.5) / 1e3, times.at(0.99) / 1e3);
    times
}

/// Somebody who finds customers, and counts the keys.
struct Counter {
    pty: Pty,
    pressed: usize,
}

impl Counter {
    /// Sits down at a program that has just been started.
    fn at(pty: Pty) -> Result<Self> {
        pty.until("online")?;
        let mut counter = Self { pty, pressed: 0 };
        counter.press(FIND, SURELY_SETTLED)?;
        Ok(counter)
    }

    fn press(&mut self, key: &str, quiet: Duration) -> Result<Option<Answer>> {
        self.pressed += 1;
        self.pty.press(key, quiet)
    }

    /// Types a text into the empty box, and tells what each letter brought.
    fn find(&mut self, text: &str, quiet: Duration) -> Result<Vec<Answer>> {
        self.press(FIND, quiet)?;
        let mut answers = Vec::new();
        for letter in text.chars() {
            answers.extend(self.press(letter.encode_utf8(&mut [0; 4]), quiet)?);
        }
        ensure!(!answers.is_empty(), "nothing came of typing {text:?}");
        Ok(answers)
    }

    /// Goes down the list and up again, and tells what each step brought.
    fn walk(&mut self) -> Result<Vec<Answer>> {
        let mut answers = Vec::new();
        for key in [DOWN; STEPS].into_iter().chain([UP; STEPS]) {
            answers.extend(self.press(key, AT_ONCE)?);
        }
        ensure!(!answers.is_empty(), "nothing came of walking through a list");
        Ok(answers)
    }

    /// How many bytes a key costs in all.
    fn cost(&mut self, key: &str) -> Result<usize> {
        let answer = self.press(key, SURELY_SETTLED)?;
        Ok(answer.context("nothing came of a key")?.bytes)
    }
}

//! A workshop terminal is attacked from its keyboard (T32): every key and chord,
//! what shells, pagers, editors and multiplexers are left by, pastes, what terminals
//! answer, windows of any size, signals that a keyboard can send, and odd
//! environments. Nothing gets out, no other program is started, the line is given
//! back as it was. On Linux the process is watched from beside meanwhile (T33), and
//! the same is tried in tmux, screen, over SSH and mosh: `within`.
//!
//! - `COUNTERTOP_BREAK_OUTS` (60): so many more tries, of several keys each.
//! - `COUNTERTOP_SEED`: what they are drawn from.
//! - `COUNTERTOP_STRACE=/usr/bin/strace`: all calls of the run are traced, too.

#[cfg(target_os = "linux")]
mod within;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::kiosk::{assert_wiped, enrolled};
use super::screen::{PATIENCE, Terminal, demo};
#[cfg(target_os = "linux")]
use super::watched;
use crate::dice::{self, Dice};

/// One try.
#[derive(Debug, Clone)]
enum Try {
    /// Typed in one go.
    Keys(String),
    /// Pasted.
    Paste(String),
    /// A window of so many columns and rows.
    Window(u16, u16),
    /// A signal, as `kill` calls it.
    Signal(&'static str),
}

/// What leads out of shells, pagers, editors, multiplexers, remote lines and
/// databases, and what makes programs open files and addresses.
const ESCAPES: [&str; 26] = [
    "!sh",
    ":!sh",
    ":shell",
    ":q!",
    ":e /etc/passwd",
    ":r !id",
    "|sh",
    ";sh",
    "&sh&",
    "`sh`",
    "$(sh)",
    "\\!sh",
    "\\! sh",
    ".shell sh",
    "!!",
    "v",
    "ZZ",
    "~.",
    "~C",
    "~\u{1a}",
    "\u{1}:quit",
    "\u{2}:kill-server",
    "\u{1e}.",
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "https://example.com",
];

/// What terminals answer or are told, behind an escape.
const SEQUENCES: [&str; 21] = [
    "]0;x\u{7}",
    "]52;c;?\u{7}",
    "]52;c;eA==\u{7}",
    "]8;;file:///etc/passwd\u{7}",
    "P+q544e\u{1b}\\",
    "P1$r0m\u{1b}\\",
    "_Gi=1;OK\u{1b}\\",
    "^x\u{1b}\\",
    "[24;80R",
    "[0n",
    "[?1;2c",
    "[?1049l",
    "[I",
    "[O",
    "[<0;10;10M",
    "[M !!",
    "[27;5;13~",
    "[57399u",
    "[200~unfinished\u{1b}[201~",
    "[200~without an end",
    "c",
];

/// Control characters, function keys with all that can be held, arrows and the
/// like, and letters with Alt.
fn keys() -> Vec<String> {
    let mut keys: Vec<String> = (1_u8..32).chain([127]).map(|control| char::from(control).to_string()).collect();
    let function = ["1P", "1Q", "1R", "1S", "15~", "17~", "18~", "19~", "20~", "21~", "23~", "24~", "25~", "26~", "28~", "29~", "31~", "32~", "33~", "34~"];
    let others = ["1A", "1B", "1C", "1D", "1F", "1H", "2~", "3~", "5~", "6~"];
    for key in function.into_iter().chain(others) {
        let (number, end) = key.split_at(key.len() - 1);
        // Alone; with Shift, with Ctrl, with Alt and Ctrl.
        let alone = if end == "~" { key } else { end };
        keys.push(format!("\u{1b}[{alone}"));
        keys.extend([2, 5, 7].map(|held| format!("\u{1b}[{number};{held}{end}")));
    }
    keys.extend(["OP", "OQ", "OR", "OS", "OA", "OM", "[Z"].map(|key| format!("\u{1b}{key}")));
    let with_alt = ('a'..='z').chain('0'..='9').chain("!|:;`$&<>\\/.,?-=+*#'\"".chars());
    keys.extend(with_alt.map(|letter| format!("\u{1b}{letter}")));
    keys.extend((1_u8..27).map(|control| format!("\u{1b}{}", char::from(control))));
    keys
}

/// All of them, with what leads to where each is tried.
fn tries() -> Vec<(&'static str, Try)> {
    let mut tries: Vec<(&str, Try)> = keys().into_iter().map(|key| ("", Try::Keys(key))).collect();
    tries.extend(SEQUENCES.map(|sequence| ("", Try::Keys(format!("\u{1b}{sequence}")))));
    // At the look-up, and on a machine's page, where letters are commands.
    for place in ["", "1051<Enter>"] {
        tries.extend(ESCAPES.map(|escape| (place, Try::Keys(format!("{escape}\r")))));
    }
    let bombs = ["!sh\n:q!\n\u{3}".repeat(4_000), "\u{3}\u{1a}\u{1c}".repeat(2_000), "a".repeat(1 << 16), "\u{0}".repeat(9), "\u{1b}[?1049l\u{1b}c".to_owned()];
    for place in ["", "<F10>"] {
        tries.extend(bombs.iter().map(|bomb| (place, Try::Paste(bomb.clone()))));
    }
    let windows = [(0, 0), (0, 24), (1, 1), (1, 1_000), (1_000, 1), (1_000, 1_000), (u16::MAX, u16::MAX), (2, 2), (300, 90), (20, 4), (80, 24)];
    tries.extend(windows.map(|(columns, rows)| ("", Try::Window(columns, rows))));
    tries.extend(["-INT", "-QUIT", "-TSTP", "-WINCH", "-CONT"].map(|name| ("", Try::Signal(name))));
    tries
}

/// More tries, of several keys of these each.
fn drawn(tries: &[(&'static str, Try)], few: usize) -> Vec<(&'static str, Try)> {
    let alone: Vec<&str> = tries.iter().filter_map(|(_, attempt)| if let Try::Keys(keys) = attempt { Some(keys.as_str()) } else { None }).collect();
    let alone: Vec<&str> = alone.into_iter().filter(|keys| !sends(keys)).collect();
    let mut dice = Dice::new("tries to break out");
    let draw = |_| ("", Try::Keys((0..=dice.below(7)).map(|_| dice.one_of(&alone)).collect()));
    (0..dice::times("COUNTERTOP_BREAK_OUTS", few)).map(draw).collect()
}

/// Whether it may send what stands in a form: names and passwords that are wrong
/// slow down everybody at this address.
fn sends(keys: &str) -> bool {
    ["\r", "\u{13}", "\u{1b}s", "[20"].iter().any(|part| keys.contains(part))
}

/// A workshop terminal under attack.
struct Attacked {
    bay: Terminal,
    process: u32,
    /// After so long without a sign of it, it has done what was asked.
    pause: Duration,
}

impl Attacked {
    /// Until it shows the look-up, with nothing over it.
    fn go_home(&mut self) {
        self.bay.resize(80, 24);
        let end = Instant::now() + PATIENCE;
        while Instant::now() < end {
            let before = self.bay.quiet(self.pause);
            self.bay.press("<Esc>");
            let after = self.bay.quiet(self.pause);
            if before == after && after.contains("[Asset or plate]") && !after.contains("Leave this terminal") {
                return;
            }
        }
        panic!("it is not to be brought back:\n{}", self.bay.text());
    }

    fn attack(&mut self, place: &str, attempt: &Try) {
        if !place.is_empty() || matches!(attempt, Try::Keys(keys) if sends(keys)) {
            self.go_home();
            self.bay.press(place).quiet(self.pause);
        }
        match attempt {
            Try::Keys(keys) => {
                self.bay.send(keys);
            }
            Try::Paste(text) => {
                self.bay.send(&format!("\u{1b}[200~{text}\u{1b}[201~"));
            }
            Try::Window(columns, rows) => self.bay.resize(*columns, *rows),
            Try::Signal(name) => assert!(Command::new("kill").args([*name, self.process.to_string().as_str()]).status().unwrap().success()),
        }
        self.bay.quiet(self.pause);
        assert!(self.bay.child.try_wait().unwrap().is_none(), "it was left by {place} {attempt:?}");
        assert!(self.bay.screen().alternate_screen(), "its screen was left by {place} {attempt:?}");
    }

    /// Machines are looked up as ever, and the dealer's people end it.
    fn still_works_and_ends(&mut self) {
        self.go_home();
        self.bay.press("<F3>1051<Enter>").until_all(&["1 Identification", "Kenworth"]);
        self.bay.press("<F10>").until("Leave this terminal");
        self.bay.press("counter<Enter>demo<Enter>");
        assert_eq!(self.bay.ended(), 0);
        assert!(!self.bay.screen().alternate_screen());
        assert!(self.bay.is_given_back(), "the line is set otherwise than before");
        assert!(!self.bay.text().contains("Kenworth"), "{}", self.bay.text());
        let written = String::from_utf8_lossy(&self.bay.written).into_owned();
        assert!(!written.contains("\u{1b}]52"), "the clipboard was written");
    }
}

/// Programs that write their name into a file, under all names by which others
/// are started; gives the folder.
fn bait(folder: &Path) -> String {
    let place = folder.join("bait");
    std::fs::create_dir(&place).unwrap();
    for name in ["sh", "bash", "tput", "stty", "tty", "reset", "clear", "less", "more", "man", "vi", "vim", "nano", "open", "xdg-open", "lpr", "ssh"] {
        let program = place.join(name);
        std::fs::write(&program, format!("#!/bin/sh\necho {name} >> {}\n", place.join("taken").display())).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    place.display().to_string()
}

/// What runs the program, and where it writes what it saw: `strace` where it is
/// named.
fn tracer(folder: &Path) -> Vec<String> {
    #[cfg(target_os = "linux")]
    if let Ok(strace) = std::env::var("COUNTERTOP_STRACE") {
        let trace = folder.join("trace").display().to_string();
        return [strace.as_str(), "-f", "-qq", "-o", trace.as_str(), "-e", watched::TRACED].map(str::to_owned).to_vec();
    }
    let _ = folder;
    Vec::new()
}

/// The process of the program itself.
fn process(bay: &Terminal, is_traced: bool) -> u32 {
    let started = bay.child.process_id().unwrap();
    #[cfg(target_os = "linux")]
    if is_traced {
        return watched::children(started)[0];
    }
    let _ = is_traced;
    started
}

#[test]
fn t32_t33_nothing_that_a_keyboard_sends_gets_out() {
    let folder = enrolled("Bay attacked", &["--idle", "3600"]);
    let bait = bait(folder.path());
    let shell = format!("{bait}/sh");
    let programs = ["SHELL", "EDITOR", "VISUAL", "PAGER", "BROWSER"].map(|name| (name, shell.as_str()));
    let environment = [&[("COUNTERTOP_SERVER", demo().address.as_str()), ("PATH", bait.as_str())], programs.as_slice()].concat();
    let tracer = tracer(folder.path());
    let mut bay = Terminal::run_by(&tracer, folder.path(), &environment);
    bay.until_all(&["online", "[Asset or plate]"]);
    let process = process(&bay, !tracer.is_empty());
    let mut attacked = Attacked { bay, process, pause: Duration::from_millis(20) };
    #[cfg(target_os = "linux")]
    let watch = watched::Watch::of(process, folder.path(), &demo().address);
    let tries = tries();
    assert!(tries.len() > 200, "{}", tries.len());
    for (place, attempt) in tries.iter().chain(&drawn(&tries, 60)) {
        attacked.attack(place, attempt);
    }
    #[cfg(target_os = "linux")]
    watch.end();
    attacked.still_works_and_ends();
    assert_wiped(&attacked.bay);
    let taken = std::fs::read_to_string(Path::new(&bait).join("taken")).unwrap_or_default();
    assert_eq!(taken, "", "started");
    #[cfg(target_os = "linux")]
    if let Ok(trace) = std::fs::read_to_string(folder.path().join("trace")) {
        assert!(trace.contains("connect("), "{trace}");
        assert_eq!(watched::wrong_in(&trace, folder.path(), &demo().address), Vec::<String>::new());
    }
}

#[test]
fn t32_whatever_the_environment_is_the_line_is_given_back() {
    let folder = enrolled("Bay odd", &["--idle", "3600"]);
    let huge = "x".repeat(100_000);
    let odd: [&[(&str, &str)]; 6] = [
        &[("TERM", ""), ("LANG", ""), ("PATH", "")],
        &[("TERM", "no-such-terminal")],
        &[("TERM", "dumb"), ("LINES", "-1"), ("COLUMNS", "99999999999999999999")],
        &[("TERM", &huge), ("LANG", &huge)],
        &[("HUGE_1", &huge), ("HUGE_2", &huge), ("HUGE_3", &huge), ("HUGE_4", &huge)],
        &[("LC_ALL", "../../../../etc/passwd"), ("TZ", "../../../../etc/passwd"), ("TERMINFO", "/etc/passwd")],
    ];
    for environment in odd {
        let told: Vec<String> = environment.iter().map(|(name, value)| format!("{name}={}", value.chars().take(20).collect::<String>())).collect();
        let all = [&[("COUNTERTOP_SERVER", demo().address.as_str())], environment].concat();
        let mut bay = Terminal::at(folder.path(), &[], 80, 24, &all);
        bay.until_all(&["online", "[Asset or plate]"]);
        bay.press("1051<Enter>").until_all(&["1 Identification", "Kenworth"]);
        let process = bay.child.process_id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &process]).status().unwrap().success());
        assert_eq!(bay.ended(), 128 + 15, "{told:?}");
        assert_wiped(&bay);
        assert!(bay.is_given_back(), "{told:?}");
    }
}

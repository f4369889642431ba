//! A workshop terminal (S2-4, trap 12, T32): enrolled once, it needs no
//! sign-in, forgets when nobody is there, and is left only by the dealer's
//! people.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use super::screen::{Terminal, demo, forward, own_folders, token};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countertop"));
    command.args(arguments).env("COUNTERTOP_SERVER", &demo().address).env("COUNTERTOP_TOKEN", token("admin"));
    for (name, value) in own_folders(folder) {
        command.env(name, value);
    }
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A machine that was enrolled, with the shortest idle time there is.
fn enrolled(label: &str, more: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [&["kiosk", "enrol", "--shop", "SLN", "--label", label, "--idle", "10"], more].concat();
    let output = run(folder.path(), &arguments);
    assert!(output.status.success(), "{}", said(&output));
    folder
}

fn started(folder: &Path) -> Terminal {
    let mut terminal = Terminal::at(folder, &[], 80, 24, &[("COUNTERTOP_SERVER", &demo().address)]);
    terminal.until_all(&["online", "[Asset or plate]"]);
    terminal
}

#[test]
fn a_machine_is_enrolled_once_listed_and_forgotten() {
    let folder = enrolled("Bay list", &["--allow", "asset.lookup", "--allow", "asset.identification.view"]);
    let credentials = folder.path().join("config/countertop/credentials.toml");
    assert_eq!(std::fs::metadata(&credentials).unwrap().permissions().mode() & 0o777, 0o600);
    let twice = run(folder.path(), &["kiosk", "enrol", "--shop", "SLN", "--label", "Bay list 2"]);
    assert!(!twice.status.success() && said(&twice).contains("already"), "{}", said(&twice));
    let listed = said(&run(folder.path(), &["kiosk", "list"]));
    assert!(listed.lines().any(|line| line.contains("Bay list") && line.contains("10 s") && line.contains("active")), "{listed}");
    let wrong = run(folder.path(), &["kiosk", "enrol", "--shop", "SLN", "--label", "X", "--allow", "asset.lookupp"]);
    assert!(said(&wrong).contains("did you mean asset.lookup?"), "{}", said(&wrong));
    assert!(run(folder.path(), &["kiosk", "remove"]).status.success());
    assert!(!std::fs::read_to_string(&credentials).unwrap().contains("Bay list"));
    let mut ordinary = Terminal::at(folder.path(), &[], 80, 24, &[("COUNTERTOP_SERVER", &demo().address)]);
    ordinary.until("User name");
}

#[test]
fn it_starts_without_a_sign_in_and_forgets_when_nobody_is_there() {
    let folder = enrolled("Bay forget", &[]);
    let mut bay = started(folder.path());
    bay.press("1051<Enter>").until_all(&["1 Identification", "Kenworth"]);
    bay.settle();
    let from = bay.written.len();
    // Nobody presses a key: after ten seconds nothing is left.
    bay.until("Press any key");
    bay.settle();
    let since = String::from_utf8_lossy(&bay.written[from..]).into_owned();
    assert!(since.contains("\u{1b}[2J") && since.contains("\u{1b}[3J"), "{since:?}");
    assert!(!bay.text().contains("Kenworth") && !bay.text().contains("Keller"), "{}", bay.text());
    // At rest nothing is asked and nothing is drawn.
    let from = bay.written.len();
    std::thread::sleep(Duration::from_secs(2));
    bay.settle();
    assert_eq!(bay.written.len(), from);
    // A scanner begins and types in one go.
    bay.press("1051<Enter>").until_all(&["1 Identification", "Kenworth"]);
    bay.press("<Esc>").until("[Asset or plate]");
    assert!(!bay.settle().contains("Opened before"));
}

#[test]
fn it_forgets_nothing_while_somebody_types() {
    let folder = enrolled("Bay typing", &[]);
    let mut bay = started(folder.path());
    bay.press("1051<Enter>").until("1 Identification");
    bay.press("r").until("Request service for 1051");
    bay.press("<Tab>");
    for _ in 0..7 {
        bay.press("z").settle();
        std::thread::sleep(Duration::from_secs(2));
    }
    // Longer than the session may stand idle, and it is still good.
    bay.until("zzzzzzz");
    bay.press("<Esc>").until("Kept what you typed");
    bay.press("<F5>").settle();
    bay.until("1 Identification");
}

#[test]
fn keys_and_signals_that_break_out_of_programs_do_nothing() {
    let folder = enrolled("Bay closed", &[]);
    let mut bay = started(folder.path());
    let process = bay.child.process_id().unwrap().to_string();
    for control in (1_u8..32).filter(|control| *control != b'\r') {
        bay.send(&char::from(control).to_string());
    }
    bay.settle();
    for key in [
        "OP",
        "OQ",
        "OR",
        "OS",
        "[15~",
        "[17~",
        "[18~",
        "[19~",
        "[20~",
        "[21~",
        "[23~",
        "[24~",
        "[1;5A",
        "[3~",
        "[2~",
        "]0;x\u{7}",
        "P+q\u{1b}\\",
        "[?1049l",
        "c",
    ] {
        bay.send(&format!("\u{1b}{key}"));
        bay.settle();
    }
    let bomb = "!sh\n:q!\n\u{3}".repeat(4_000);
    bay.send(&format!("\u{1b}[200~{bomb}\u{1b}[201~")).settle();
    for (columns, rows) in [(1, 1), (300, 90), (20, 4), (80, 24)] {
        bay.resize(columns, rows);
        bay.settle();
    }
    for name in ["-INT", "-QUIT", "-TSTP"] {
        assert!(Command::new("kill").args([name, &process]).status().unwrap().success());
        bay.settle();
    }
    assert!(bay.child.try_wait().unwrap().is_none(), "it was left");
    for _ in 0..4 {
        bay.press("<Esc>").settle();
    }
    bay.press("<F3>1051<Enter>").until_all(&["1 Identification", "Kenworth"]);
    bay.press("y").until("Not on a workshop terminal.");
    bay.press("<Ctrl-K>").until("Commands");
    let shown = bay.settle();
    for out in ["back to the shell", "change your password", "work in another shop", "lock this terminal"] {
        assert!(!shown.contains(out), "{shown}");
    }
    let written = String::from_utf8_lossy(&bay.written).into_owned();
    assert!(!written.contains("\u{1b}]52"), "the clipboard was written");
}

#[test]
fn only_the_dealers_people_end_it() {
    let folder = enrolled("Bay leave", &[]);
    let mut bay = started(folder.path());
    bay.press("<F10>").until("Leave this terminal");
    bay.press("nobody<Enter>demo<Enter>").until("User name or password is wrong.");
    bay.press("<Esc>").settle();
    bay.press("<Ctrl-C>").until("Leave this terminal");
    bay.press("fleet<Enter>demo<Enter>").until("Only the dealer's people");
    bay.press("<Esc>").settle();
    bay.press("1051<Enter>").until("1 Identification");
    bay.press("<F10>").until("Leave this terminal");
    bay.press("counter<Enter>demo<Enter>");
    assert_eq!(bay.ended(), 0);
    assert_wiped(&bay);
    let credentials = std::fs::read_to_string(folder.path().join("config/countertop/credentials.toml")).unwrap();
    assert!(credentials.contains("Bay leave") && credentials.starts_with("[kiosks"), "no session is kept: {credentials}");
    assert!(!folder.path().join("state/countertop/drafts.json").exists());
}

/// Wiped, and the terminal given back.
#[track_caller]
fn assert_wiped(terminal: &Terminal) {
    let written = String::from_utf8_lossy(&terminal.written).into_owned();
    let (wiped, left) = (written.rfind("\u{1b}[3J"), written.rfind("\u{1b}[?1049l"));
    assert!(wiped.is_some() && wiped < left, "{written:?}");
    assert!(!terminal.screen().alternate_screen());
}

#[test]
fn a_signal_of_the_system_ends_it_and_wipes_it() {
    let folder = enrolled("Bay signal", &[]);
    for (name, number) in [("-TERM", 15), ("-HUP", 1)] {
        let mut bay = started(folder.path());
        bay.press("1051<Enter>").until("1 Identification");
        let process = bay.child.process_id().unwrap().to_string();
        assert!(Command::new("kill").args([name, &process]).status().unwrap().success());
        assert_eq!(bay.ended(), 128 + number, "{name}");
        assert_wiped(&bay);
    }
}

#[test]
fn where_somebody_has_to_sign_in_it_asks_and_forgets_all_the_same() {
    let folder = enrolled("Bay login", &["--login-required"]);
    let mut bay = Terminal::at(folder.path(), &[], 80, 24, &[("COUNTERTOP_SERVER", &demo().address)]);
    bay.until("User name");
    bay.press("counter<Enter>demo<Enter>").until_all(&["online", "Jo Ortiz"]);
    bay.press("<F2>keller").until("Keller Bau");
    bay.until("Press any key");
    assert!(!bay.settle().contains("Keller"));
    bay.press(" ").until("User name");
    let credentials = std::fs::read_to_string(folder.path().join("config/countertop/credentials.toml")).unwrap();
    assert!(credentials.starts_with("[kiosks"), "no session is kept: {credentials}");
}

#[test]
fn a_server_that_is_gone_is_said_and_comes_back_with_a_key() {
    let folder = enrolled("Bay far", &[]);
    let line = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = line.local_addr().unwrap();
    drop(line);
    let server = format!("http://{address}");
    let credentials = folder.path().join("config/countertop/credentials.toml");
    let text = std::fs::read_to_string(&credentials).unwrap();
    std::fs::write(&credentials, text.replace(&demo().address, &server)).unwrap();
    let mut bay = Terminal::at(folder.path(), &[], 80, 24, &[("COUNTERTOP_SERVER", &server)]);
    bay.until("The server cannot be reached");
    forward(address, &demo().address);
    bay.press("x").until_all(&["online", "[Asset or plate]", "Find x"]);
}

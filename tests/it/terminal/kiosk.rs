//! A workshop terminal (S2-4, trap 12): enrolled once, it needs no sign-in,
//! forgets when nobody is there, and is left only by the dealer's people. How it
//! is attacked stands in `break_out`.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::left::assert_nothing_of;
use super::line::Line;
use super::outbox::{asked, kill, listed};
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

/// A machine that was enrolled, with the shortest idle time there is unless
/// another is named.
pub(super) fn enrolled(label: &str, more: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let idle: &[&str] = if more.contains(&"--idle") { &[] } else { &["--idle", "10"] };
    let arguments = [&["kiosk", "enrol", "--shop", "SLN", "--label", label], idle, more].concat();
    let output = run(folder.path(), &arguments);
    assert!(output.status.success(), "{}", said(&output));
    folder
}

/// Its server is found at another address from now on.
fn moved(folder: &Path, server: &str) {
    let credentials = folder.join("config/countertop/credentials.toml");
    let text = std::fs::read_to_string(&credentials).unwrap();
    std::fs::write(&credentials, text.replace(&demo().address, server)).unwrap();
}

fn started(folder: &Path) -> Terminal {
    started_at(folder, &demo().address)
}

fn started_at(folder: &Path, server: &str) -> Terminal {
    let mut terminal = Terminal::at(folder, &[], 80, 24, &[("COUNTERTOP_SERVER", server)]);
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
    // It was kept in memory alone, and goes with that.
    let truck = Machine::of("1051");
    keeps_nothing(folder.path(), &["zzzzzzz", &truck.customer]);
    kill(&mut bay);
    keeps_nothing(folder.path(), &["zzzzzzz", &truck.customer]);
}

/// Nothing that was typed or read lies in any file, and there is none to keep it in.
#[track_caller]
fn keeps_nothing(folder: &Path, texts: &[&str]) {
    assert_nothing_of(folder, texts);
    assert!(!folder.join("state/countertop").join(countertop::client::outbox::FILE).exists());
}

#[test]
fn what_leads_out_of_other_programs_is_not_offered() {
    let folder = enrolled("Bay closed", &[]);
    let mut bay = started(folder.path());
    bay.press("1051<Enter>").until_all(&["1 Identification", "Kenworth"]);
    bay.press("y").until("Not on a workshop terminal.");
    bay.press("<Ctrl-K>").until("Commands");
    let shown = bay.settle();
    for out in ["back to the shell", "change your password", "work in another shop", "lock this terminal"] {
        assert!(!shown.contains(out), "{shown}");
    }
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
    keeps_nothing(folder.path(), &[&Machine::of("1051").customer]);
}

/// Wiped, and the terminal given back.
#[track_caller]
pub(super) fn assert_wiped(terminal: &Terminal) {
    let written = String::from_utf8_lossy(&terminal.written).into_owned();
    let (wiped, left) = (written.rfind("\u{1b}[3J"), written.rfind("\u{1b}[?1049l"));
    assert!(wiped.is_some() && wiped < left, "{written:?}");
    assert!(!terminal.screen().alternate_screen());
}

#[test]
fn a_signal_of_the_system_ends_it_and_wipes_it() {
    let folder = enrolled("Bay signal", &[]);
    for (name, number) in [("-TERM", 15), ("-HUP", 1), ("-ABRT", 6)] {
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
    moved(folder.path(), &server);
    let mut bay = Terminal::at(folder.path(), &[], 80, 24, &[("COUNTERTOP_SERVER", &server)]);
    bay.until("The server cannot be reached");
    forward(address, &demo().address);
    bay.press("x").until_all(&["online", "[Asset or plate]", "Find x"]);
}

/// A machine of the demo, and who counts its readings at the server.
struct Machine {
    unit: &'static str,
    token: String,
    readings: String,
    /// Whose it is.
    customer: String,
}

impl Machine {
    fn of(unit: &'static str) -> Self {
        let token = token("admin");
        let found = asked(&token, &format!("/v1/assets/lookup?tag={unit}"));
        let asset = &found["items"][0]["asset"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (id, customer) = (text(&asset["id"]), text(&asset["customer"]["name"]));
        Self { unit, token, readings: format!("/v1/assets/{id}/meters/engine_hours/readings"), customer }
    }

    /// How many readings of this value it has.
    fn read(&self, value: &str) -> usize {
        listed(&self.token, &self.readings).iter().filter(|reading| reading["value"] == value).count()
    }

    /// A reading of it is saved which the server takes, and its answer is lost.
    fn loses_the_answer(&self, value: &str, bay: &mut Terminal, line: &Line) {
        bay.press(&format!("{}<Enter>", self.unit)).until("1 Identification");
        bay.settle();
        bay.press("m").until(&format!("Reading of {}", self.unit));
        bay.settle();
        bay.press(value).until(value);
        line.hold();
        bay.press("<Enter>").until("Saving");
        let end = Instant::now() + Duration::from_secs(8);
        while self.read(value) == 0 {
            assert!(Instant::now() < end, "the server never has it");
            std::thread::sleep(Duration::from_millis(50));
        }
        line.cut();
        let shown = bay.until_all(&["may have arrived", "sends it once"]);
        assert!(shown.contains("Reading of") && shown.contains(value), "the form stays with its text: {shown}");
        line.release();
    }
}

#[test]
fn p2_p3_what_was_sent_when_the_line_broke_stays_open_and_saved_again_counts_once() {
    let (folder, line, truck) = (enrolled("Bay broken", &["--idle", "60"]), Line::slow(), Machine::of("1048"));
    moved(folder.path(), &line.address);
    let mut bay = started_at(folder.path(), &line.address);
    truck.loses_the_answer("5121.5", &mut bay, &line);
    keeps_nothing(folder.path(), &["5121.5", "5,121.5", &truck.customer]);
    line.mend();
    bay.press("<Enter>").until("5,121.5 h saved");
    assert_eq!(truck.read("5121.5"), 1);
}

#[test]
fn p3_what_nobody_heard_of_is_told_at_rest_until_somebody_begins() {
    let (folder, line, truck) = (enrolled("Bay in doubt", &[]), Line::slow(), Machine::of("1046"));
    moved(folder.path(), &line.address);
    let mut bay = started_at(folder.path(), &line.address);
    truck.loses_the_answer("1834.1", &mut bay, &line);
    // Nobody comes back to it.
    let shown = bay.until_all(&["Press any key", "What was sent last may have arrived"]);
    assert!(!shown.contains("1834") && !shown.contains("1046"), "{shown}");
    keeps_nothing(folder.path(), &["1834.1", "1,834.1", &truck.customer]);
    bay.press(" ").until_all(&["The server cannot be reached", "What was sent last may have arrived"]);
    line.mend();
    bay.press(" ").until("[Asset or plate]");
    assert!(!bay.settle().contains("may have arrived"));
    assert_eq!(truck.read("1834.1"), 1);
    kill(&mut bay);
    keeps_nothing(folder.path(), &["1834.1", "1,834.1", &truck.customer]);
}

//! The same within what a workshop terminal may stand in: tmux, screen, SSH and mosh
//! (T32), set up by the files of `assets/kiosk` that the README names. No key is for
//! any of them, nothing is started beside the program, and nothing is left behind it.
//!
//! - `COUNTERTOP_WITHIN=all`: one that is not installed is a failure; otherwise it is
//!   left out, and said.

mod layout;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt as _, symlink};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::watched::{self, Watch};
use super::{Attacked, PATIENCE, Terminal, Try, assert_wiped, bait, demo, drawn, enrolled, tries};
use crate::terminal::screen::own_folders;

/// Where a program is.
fn installed(name: &str) -> Option<String> {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut places = path.split(':').chain(["/usr/local/sbin", "/usr/sbin", "/sbin"]).map(|place| Path::new(place).join(name));
    places.find(|program| program.is_file()).map(|program| program.display().to_string())
}

/// Says that something is left out, which may be wanted to be a failure.
#[allow(clippy::print_stderr, reason = "who reads that all is well needs to know what was left out")]
fn left_out(why: &str) {
    assert_ne!(std::env::var("COUNTERTOP_WITHIN").as_deref(), Ok("all"), "{why}");
    eprintln!("left out: {why}");
}

/// Where programs are, or nothing where one is missing.
fn all_installed<const COUNT: usize>(names: [&str; COUNT]) -> Option<[String; COUNT]> {
    let missing: Vec<&str> = names.into_iter().filter(|name| installed(name).is_none()).collect();
    if missing.is_empty() {
        return Some(names.map(|name| installed(name).unwrap()));
    }
    left_out(&format!("not installed: {missing:?}"));
    None
}

/// One of the files that the README names.
fn shipped(name: &str) -> String {
    format!("{}/assets/kiosk/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A workshop terminal within something.
struct Within {
    folder: tempfile::TempDir,
    /// What brings it before a person.
    words: Vec<String>,
    environment: Vec<(&'static str, String)>,
    /// As long as it may take to show what a key did.
    pause: Duration,
    /// Ends with its standard input.
    server: Option<Child>,
}

impl Within {
    /// Enrolled, with programs around it that nobody may start.
    fn enrolled(label: &str, pause: u64) -> Self {
        let folder = enrolled(label, &["--idle", "3600"]);
        let (bait, own) = (bait(folder.path()), folder.path().join("bin"));
        fs::create_dir(&own).unwrap();
        symlink(env!("CARGO_BIN_EXE_countertop"), own.join("countertop")).unwrap();
        let path = format!("{}:{bait}:/usr/local/bin:/usr/bin:/bin", own.display());
        let environment = vec![("COUNTERTOP_SERVER", demo().address.clone()), ("PATH", path), ("SHELL", format!("{bait}/sh"))];
        Self { folder, words: Vec::new(), environment, pause: Duration::from_millis(pause), server: None }
    }

    /// A file in its folder.
    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// What was started of that which nobody may start.
    fn taken(&self) -> String {
        fs::read_to_string(self.at("bait/taken")).unwrap_or_default()
    }

    /// It stands before a person.
    fn begun(&self) -> Attacked {
        let environment: Vec<(&str, &str)> = self.environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let mut bay = Terminal::within(&self.words, self.folder.path(), &environment);
        bay.until_all(&["online", "[Asset or plate]"]);
        bay.settle();
        let program = fs::canonicalize(env!("CARGO_BIN_EXE_countertop")).unwrap();
        let all = watched::come_of(self.folder.path());
        let (process, _) = all.into_iter().find(|(_, runs)| Path::new(runs) == program).unwrap();
        Attacked { bay, process, pause: self.pause }
    }

    /// Nothing gets out of it; gives the terminal it was on.
    fn withstands(&self) -> Terminal {
        let mut attacked = self.begun();
        let watch = Watch::of(attacked.process, self.folder.path(), &demo().address);
        let all = Watch::of_all(self.folder.path());
        let mut tries = tries();
        // Of a window without columns mosh's server ends, and one of 65,535 tmux draws
        // for minutes: nobody gets a shell by it, but it is theirs to mend.
        tries.retain(|(_, attempt)| !matches!(attempt, Try::Window(columns, rows) if !(1..=1_000).contains(columns) || !(1..=1_000).contains(rows)));
        assert!(tries.len() > 200, "{}", tries.len());
        for (place, attempt) in tries.iter().chain(&drawn(&tries, 60)) {
            attacked.attack(place, attempt);
        }
        watch.end();
        all.end();
        attacked.still_works_and_ends();
        assert_eq!(self.taken(), "", "started");
        self.is_over();
        attacked.bay
    }

    /// Nothing of it runs any more.
    #[track_caller]
    fn is_over(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let left = watched::come_of(self.folder.path());
            if left.is_empty() {
                return;
            }
            assert!(Instant::now() < end, "still there: {left:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Within {
    fn drop(&mut self) {
        for process in watched::come_of(self.folder.path()).into_keys() {
            let _ = Command::new("kill").args(["-KILL", &process.to_string()]).status();
        }
        if let Some(mut server) = self.server.take() {
            drop(server.stdin.take());
            let _ = server.wait();
        }
    }
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().copied().map(str::to_owned).collect()
}

fn within_tmux(label: &str, configuration: &str, command: &[&str]) -> Option<Within> {
    let [tmux] = all_installed(["tmux"])?;
    let mut within = Within::enrolled(label, 60);
    let begin = words(&[&tmux, "-S", &within.at("tmux"), "-f", configuration, "new-session"]);
    within.words = [begin, words(command)].concat();
    Some(within)
}

fn within_screen(label: &str) -> Option<Within> {
    let [screen] = all_installed(["screen"])?;
    let mut within = Within::enrolled(label, 60);
    let sockets = within.at("screens");
    fs::DirBuilder::new().mode(0o700).create(&sockets).unwrap();
    within.environment.push(("SCREENDIR", sockets));
    within.words = words(&[&screen, "-c", &shipped("screenrc")]);
    Some(within)
}

/// Who runs the tests.
fn user() -> String {
    let told = Command::new("id").arg("-un").output().unwrap();
    String::from_utf8(told.stdout).unwrap().trim().to_owned()
}

/// An SSH server of its own, set up as the file says for a user who is the one that
/// runs the tests; gives the rest of the words by which ssh comes to it, or nothing
/// where that user may start none.
fn served(within: &mut Within, programs: [&str; 2], configuration: &str) -> Option<Vec<String>> {
    let [sshd, keygen] = programs;
    let [host, id, keys, known, set_up, log] = ["host", "id", "id.pub", "known", "sshd_config", "sshd.log"].map(|name| within.at(name));
    for key in [&host, &id] {
        assert!(Command::new(keygen).args(["-q", "-t", "ed25519", "-N", "", "-f", key]).status().unwrap().success());
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut own: Vec<String> = own_folders(within.folder.path()).iter().map(|(name, value)| format!("{name}={value}")).collect();
    own.extend(within.environment.iter().filter(|(name, _)| *name != "SHELL").map(|(name, value)| format!("{name}={value}")));
    let first = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {host}\nAuthorizedKeysFile {keys}\nPidFile none\nUsePAM no\nStrictModes no\n\
         PasswordAuthentication no\nPermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\nSetEnv {}\n",
        own.join(" ")
    );
    let user = user();
    let its = |name: &str| format!("Match User {name}\n");
    let rest = configuration.replace(&its("kiosk"), &its(&user)).replace(&its("kiosk-mosh"), &its(&user));
    fs::write(&set_up, format!("{first}{rest}")).unwrap();
    if user == "root" {
        // What its service makes at each start of the machine.
        let _ = fs::create_dir_all("/run/sshd");
    }
    let checked = Command::new(sshd).args(["-t", "-f", &set_up]).output().unwrap();
    if !checked.status.success() {
        left_out(&format!("sshd does not start; run by root it needs a user sshd: {}", String::from_utf8_lossy(&checked.stderr)));
        return None;
    }
    let script = r#""$0" -D -e -f "$1" 2> "$2" & server=$!; read -r _; kill -TERM $server; wait $server"#;
    within.server = Some(Command::new("sh").args(["-c", script, sshd, &set_up, &log]).stdin(Stdio::piped()).spawn().unwrap());
    let end = Instant::now() + PATIENCE;
    while !fs::read_to_string(&log).unwrap_or_default().contains("Server listening") {
        assert!(Instant::now() < end, "sshd does not listen: {:?}", fs::read_to_string(&log));
        std::thread::sleep(Duration::from_millis(20));
    }
    let (port, known) = (port.to_string(), format!("UserKnownHostsFile={known}"));
    Some(words(&["-p", &port, "-i", &id, "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes", "-o", &known, "-o", "StrictHostKeyChecking=accept-new"]))
}

fn within_ssh(label: &str, configuration: &str) -> Option<Within> {
    let [ssh, sshd, keygen] = all_installed(["ssh", "sshd", "ssh-keygen"])?;
    let mut within = Within::enrolled(label, 60);
    let options = served(&mut within, [&sshd, &keygen], configuration)?;
    let user = format!("User={}", user());
    within.words = [words(&[&ssh, "-F", &shipped("ssh_config"), "-o", &user]), options, words(&["127.0.0.1"])].concat();
    Some(within)
}

fn within_mosh(label: &str) -> Option<Within> {
    let [mosh, client, _server, ssh, sshd, keygen] = all_installed(["mosh", "mosh-client", "mosh-server", "ssh", "sshd", "ssh-keygen"])?;
    let mut within = Within::enrolled(label, 100);
    let configuration = fs::read_to_string(shipped("sshd_config.mosh")).unwrap();
    let options = served(&mut within, [&sshd, &keygen], &configuration)?;
    let (client, ssh) = (format!("--client={client}"), format!("--ssh={ssh} -F none {}", options.join(" ")));
    let host = format!("{}@127.0.0.1", user());
    within.words = words(&["/usr/bin/env", "MOSH_ESCAPE_KEY=", &mosh, "--predict=never", "--experimental-remote-ip=local", &client, &ssh, &host]);
    Some(within)
}

fn for_ssh() -> String {
    fs::read_to_string(shipped("sshd_config")).unwrap()
}

#[test]
fn t32_within_tmux_nothing_that_a_keyboard_sends_gets_out() {
    let Some(within) = within_tmux("Bay in tmux", &shipped("tmux.conf"), &[]) else { return };
    within.withstands();
}

#[test]
fn t32_within_screen_nothing_that_a_keyboard_sends_gets_out() {
    let Some(within) = within_screen("Bay in screen") else { return };
    within.withstands();
}

#[test]
fn t32_over_ssh_nothing_that_a_keyboard_sends_gets_out() {
    let Some(within) = within_ssh("Bay over SSH", &for_ssh()) else { return };
    let bay = within.withstands();
    assert_wiped(&bay);
}

#[test]
fn t32_over_mosh_nothing_that_a_keyboard_sends_gets_out() {
    let Some(within) = within_mosh("Bay over mosh") else { return };
    within.withstands();
}

#[test]
fn t32_when_the_line_breaks_what_was_on_it_ends() {
    let on_lines = [within_tmux("Bay cut in tmux", &shipped("tmux.conf"), &[]), within_screen("Bay cut in screen"), within_ssh("Bay cut over SSH", &for_ssh())];
    for within in on_lines.into_iter().flatten() {
        drop(within.begun());
        within.is_over();
    }
}

/// Something else is asked for over its line.
fn asked(within: &Within, options: &[&str], command: &[&str]) -> Output {
    let mut ssh = Command::new(&within.words[0]);
    ssh.arg("-T").args(options).args(&within.words[1..]).args(command);
    ssh.stdin(Stdio::null()).output().unwrap()
}

#[test]
fn t32_whatever_is_asked_for_over_ssh_it_is_the_program_that_runs() {
    let Some(within) = within_ssh("Bay asked over SSH", &for_ssh()) else { return };
    let ways: [(&[&str], &[&str]); 4] = [(&[], &["id"]), (&["-s"], &["sftp"]), (&[], &["sh", "-i"]), (&[], &[])];
    for (options, command) in ways {
        let said = asked(&within, options, command);
        // As the program ends where it has no terminal.
        assert!(said.stdout.is_empty() && said.status.code() == Some(2), "{command:?}: {said:?}");
    }
    let forwarded = asked(&within, &["-W", demo().address.trim_start_matches("http://")], &[]);
    assert!(String::from_utf8_lossy(&forwarded.stderr).contains("prohibited"), "{forwarded:?}");
}

#[test]
fn t32_an_ssh_that_runs_what_is_asked_for_would_be_found() {
    let Some(within) = within_ssh("Bay open over SSH", "") else { return };
    let said = asked(&within, &[], &["id"]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("uid="), "{said:?}");
}

#[test]
fn t32_a_shell_that_tmux_opens_would_be_found() {
    // As it comes, a key opens a second window.
    let Some(within) = within_tmux("Bay in a tmux as it comes", "/dev/null", &["env", "countertop"]) else { return };
    let mut attacked = within.begun();
    let all = Watch::of_all(within.folder.path());
    let end = Instant::now() + PATIENCE;
    while within.taken().is_empty() && Instant::now() < end {
        attacked.attack("", &Try::Keys("\u{2}c".to_owned()));
    }
    assert!(within.taken().contains("sh"), "the shell is the one that nobody may start");
    // What the shell did is over at once; so is one of these that goes on.
    let mut other = Command::new("sleep").arg("60").env("OF", within.folder.path()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(1));
    other.kill().unwrap();
    other.wait().unwrap();
    let (_, seen) = all.seen();
    let sleep = fs::canonicalize(installed("sleep").unwrap()).unwrap();
    assert!(seen.contains(&sleep.display().to_string()), "{seen:?}");
}

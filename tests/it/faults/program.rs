//! `countertop serve` as a process of its own, to be killed and started again
//! on the same database and port.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::dice::Dice;
use crate::terminal::screen::own_folders;

/// How long a server may take to listen.
const STARTS_WITHIN: Duration = Duration::from_mins(1);

/// What is different about a start.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Start<'a> {
    /// The step it dies at, as `COUNTERTOP_DIES_AT` has it.
    pub(super) dies_at: Option<&'a str>,
    /// No file may grow beyond so many bytes.
    pub(super) largest_file: Option<u64>,
    /// What else it finds in its environment.
    pub(super) environment: &'a [(&'static str, String)],
}

/// The program, running or not.
#[derive(Debug)]
pub(crate) struct Program {
    database: String,
    port: u16,
    folder: TempDir,
    child: Option<Child>,
}

impl Program {
    /// Over a database; not started yet.
    pub(crate) fn over(database: &str, dice: &mut Dice) -> Self {
        // Below the ports that the system gives to those who call somebody:
        // nobody takes it while the server is down.
        let free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let port = std::iter::repeat_with(|| 20_000 + u16::try_from(dice.below(12_000)).expect("a port")).find(free).expect("a port is free");
        Self { database: database.to_owned(), port, folder: tempfile::tempdir().unwrap(), child: None }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Starts it and waits until it listens.
    pub(crate) fn start(&mut self, start: Start<'_>) {
        let end = Instant::now() + STARTS_WITHIN;
        while !self.has_started(start) {
            assert!(Instant::now() < end, "the server does not start: {}", std::fs::read_to_string(self.log()).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn has_started(&mut self, start: Start<'_>) -> bool {
        let mut child = self.command(start).spawn().expect("the program");
        let mut first = String::new();
        let read = BufReader::new(child.stdout.take().expect("its output")).read_line(&mut first);
        self.child = Some(child);
        let listens = read.is_ok() && first.starts_with("listening on ");
        if !listens {
            self.kill();
        }
        listens
    }

    fn command(&self, start: Start<'_>) -> Command {
        let program = env!("CARGO_BIN_EXE_countertop");
        let mut command = match start.largest_file {
            // Whoever ignores the signal is told by the write instead. 512 bytes
            // are a block to every shell.
            Some(bytes) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", "trap '' XFSZ; ulimit -S -f \"$1\"; shift; exec \"$@\"", "sh", &(bytes / 512).to_string(), program]);
                shell
            }
            None => Command::new(program),
        };
        command.args(["serve", "--listen", &format!("127.0.0.1:{}", self.port), "--database", &self.database]);
        for variable in ["COUNTERTOP_CONFIG", "COUNTERTOP_DATABASE", "COUNTERTOP_SERVER", "COUNTERTOP_TOKEN", "COUNTERTOP_DIES_AT"] {
            command.env_remove(variable);
        }
        for (name, value) in own_folders(self.folder.path()) {
            command.env(name, value);
        }
        if let Some(step) = start.dies_at {
            command.env("COUNTERTOP_DIES_AT", step);
        }
        for (name, value) in start.environment {
            command.env(name, value);
        }
        let log: File = OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        command
    }

    fn log(&self) -> std::path::PathBuf {
        self.folder.path().join("log")
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may be dead already.
            let _ = child.kill();
            child.wait().expect("it is gone");
        }
    }

    /// Asks it to end, as a service's keeper does, and waits until it has.
    #[cfg(target_os = "linux")]
    pub(super) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
            child.wait().expect("it is gone");
        }
    }

    /// Whether it came to its end by itself.
    pub(crate) fn is_dead(&mut self) -> bool {
        self.child.as_mut().is_none_or(|child| child.try_wait().expect("its state").is_some())
    }

    /// Waits until it is dead, for a time.
    pub(super) async fn dies_within(&mut self, patience: Duration) -> bool {
        let end = Instant::now() + patience;
        while !self.is_dead() {
            if Instant::now() > end {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        self.kill();
        true
    }

    /// Its process.
    pub(super) fn id(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

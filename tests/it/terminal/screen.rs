//! A person at a terminal: keys go in, the screen is read.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::num::NonZeroU16;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{OnceLock, mpsc};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Longer than anything takes beside all other tests.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// The demo's server, one for all tests of this process; it has its own folder
/// and ends with it.
pub(crate) struct Demo {
    pub(crate) address: String,
    folder: tempfile::TempDir,
    _child: EndsWithUs,
}

/// A process that is killed when its standard input closes would be nicer; the
/// server ends by signal, so a shell holds the pipe for it.
struct EndsWithUs(#[expect(dead_code, reason = "held for its standard input")] Child);

pub(crate) fn demo() -> &'static Demo {
    static DEMO: OnceLock<Demo> = OnceLock::new();
    DEMO.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let script = format!("{} demo --no-tui & server=$!; read -r _; kill -TERM $server; wait $server", env!("CARGO_BIN_EXE_countertop"));
        let mut command = Command::new("sh");
        command.args(["-c", &script]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        for (name, value) in own_folders(folder.path()) {
            command.env(name, value);
        }
        let mut child = command.spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let address = first.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{first:?}")).to_owned();
        Demo { address, folder, _child: EndsWithUs(child) }
    })
}

/// Folders of its own, so that no test touches the person's.
pub(crate) fn own_folders(folder: &Path) -> Vec<(&'static str, String)> {
    let at = |name: &str| folder.join(name).to_string_lossy().into_owned();
    vec![
        ("HOME", at("home")),
        ("XDG_CONFIG_HOME", at("config")),
        ("XDG_DATA_HOME", at("data")),
        ("XDG_STATE_HOME", at("state")),
        ("XDG_CACHE_HOME", at("cache")),
    ]
}

/// Adds an account to the demo, with a password that somebody else chose.
pub(crate) fn add_account(name: &str, role: &str, password: &str) {
    add(name, role, password, &["--must-change"]);
}

/// Adds an account to the demo that keeps its password.
pub(crate) fn add_settled_account(name: &str, role: &str, password: &str) {
    add(name, role, password, &[]);
}

/// Adds an account of a customer, by the customer's number at a shop.
pub(crate) fn add_customers_account(name: &str, role: &str, number: &str, password: &str) {
    add(name, role, password, &["--customer", number]);
}

impl Demo {
    /// The address of its database.
    pub(crate) fn database(&self) -> String {
        format!("sqlite://{}/data/countertop/demo.db", self.folder.path().display())
    }
}

fn add(name: &str, role: &str, password: &str, more: &[&str]) {
    let database = demo().database();
    let mut verb = Command::new(env!("CARGO_BIN_EXE_countertop"));
    verb.args(["user", "add", name, "--role", role, "--password-stdin", "--database", &database]).args(more).stdin(Stdio::piped());
    let mut child = verb.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// A token of a demo account.
pub(crate) fn token(account: &str) -> String {
    token_by(account, "demo")
}

/// A token of any account.
pub(crate) fn token_by(account: &str, password: &str) -> String {
    token_at(&demo().address, account, password)
}

/// A token of an account of another server.
pub(crate) fn token_at(server: &str, account: &str, password: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = countertop::client::Client::new(server, None).unwrap();
        let body = countertop::api::session::SignIn { username: account.to_owned(), password: password.to_owned() };
        let nothing = countertop::api::page::Nothing {};
        client.call::<countertop::api::operation::SignIn>(&nothing, &nothing, &body).await.unwrap().token
    })
}

/// Carries a line from here to a server, for as long as the tests run.
pub(crate) fn forward(from: SocketAddr, server: &str) {
    let listener = TcpListener::bind(from).unwrap();
    let server: SocketAddr = server.trim_start_matches("http://").parse().unwrap();
    std::thread::spawn(move || {
        for near in listener.incoming().flatten() {
            let Ok(far) = TcpStream::connect(server) else { continue };
            for (mut input, mut output) in [(near.try_clone().unwrap(), far.try_clone().unwrap()), (far, near)] {
                std::thread::spawn(move || std::io::copy(&mut input, &mut output));
            }
        }
    });
}

/// The program with folders of its own and nothing of the person's around it; run
/// by another one where that is named.
fn program(runner: &[String], folder: &Path, environment: &[(&str, &str)]) -> CommandBuilder {
    let itself = [env!("CARGO_BIN_EXE_countertop").to_owned()];
    command(&[runner, itself.as_slice()].concat(), folder, environment)
}

/// Any program, likewise. A variable without a value is not there.
fn command(words: &[String], folder: &Path, environment: &[(&str, &str)]) -> CommandBuilder {
    let mut command = CommandBuilder::new(&words[0]);
    command.args(&words[1..]);
    command.cwd(folder);
    command.env_clear();
    command.env("TERM", "xterm-256color");
    command.env("LANG", "C.UTF-8");
    command.env("PATH", std::env::var("PATH").unwrap_or_default());
    for (name, value) in own_folders(folder) {
        command.env(name, value);
    }
    for (name, value) in environment {
        if value.is_empty() {
            command.env_remove(name);
        } else {
            command.env(name, value);
        }
    }
    command
}

/// A terminal with the program in it.
pub(crate) struct Terminal {
    parser: vt100::Parser,
    bytes: mpsc::Receiver<Vec<u8>>,
    keyboard: Box<dyn Write + Send>,
    pub(crate) child: Box<dyn portable_pty::Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    /// Keys pressed since it was last asked.
    pressed: usize,
    /// Everything the program wrote.
    pub(crate) written: Vec<u8>,
    /// How the line was set before the program had it.
    untouched: String,
    folder: Option<tempfile::TempDir>,
}

impl Terminal {
    /// The program as a demo account sees it, 80×24.
    pub(crate) fn signed_in(account: &str) -> Self {
        Self::open(account, 80, 24, &[])
    }

    /// In another size, or with more environment.
    pub(crate) fn open(account: &str, columns: u16, rows: u16, environment: &[(&str, &str)]) -> Self {
        let token = token(account);
        let mut all = vec![("COUNTERTOP_SERVER", demo().address.as_str()), ("COUNTERTOP_TOKEN", token.as_str())];
        all.extend_from_slice(environment);
        let mut terminal = Self::bare(&[], columns, rows, &all);
        terminal.until("online");
        terminal
    }

    /// The program with these arguments and environment.
    pub(crate) fn bare(arguments: &[&str], columns: u16, rows: u16, environment: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut terminal = Self::at(folder.path(), arguments, columns, rows, environment);
        terminal.folder = Some(folder);
        terminal
    }

    /// The same with folders that stay.
    pub(crate) fn at(folder: &Path, arguments: &[&str], columns: u16, rows: u16, environment: &[(&str, &str)]) -> Self {
        let mut command = program(&[], folder, environment);
        command.args(arguments);
        Self::of(command, columns, rows)
    }

    /// The same, 80×24, run by another program.
    pub(crate) fn run_by(runner: &[String], folder: &Path, environment: &[(&str, &str)]) -> Self {
        Self::of(program(runner, folder, environment), 80, 24)
    }

    /// Another program, 80×24, that comes to ours in the end.
    #[cfg(target_os = "linux")]
    pub(crate) fn within(words: &[String], folder: &Path, environment: &[(&str, &str)]) -> Self {
        Self::of(command(words, folder, environment), 80, 24)
    }

    fn of(command: CommandBuilder, columns: u16, rows: u16) -> Self {
        let pair = native_pty_system().openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        let untouched = line_settings(pair.master.as_ref());
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let keyboard = pair.master.take_writer().unwrap();
        let (send, bytes) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(count) = reader.read(&mut buffer) {
                if count == 0 || send.send(buffer[..count].to_vec()).is_err() {
                    break;
                }
            }
        });
        let parser = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0);
        Self { parser, bytes, keyboard, child, master: pair.master, pressed: 0, written: Vec::new(), untouched, folder: None }
    }

    /// Closes the window: nobody holds the other end of the line any more.
    /// Gives what runs in it.
    pub(crate) fn close_window(account: &str) -> Box<dyn portable_pty::Child + Send + Sync> {
        let folder = tempfile::tempdir().unwrap();
        let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 }).unwrap();
        let command = program(&[], folder.path(), &[("COUNTERTOP_SERVER", &demo().address), ("COUNTERTOP_TOKEN", &token(account))]);
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (mut seen, mut buffer) = (Vec::new(), [0; 8192]);
        while !String::from_utf8_lossy(&seen).contains("online") {
            let count = reader.read(&mut buffer).unwrap();
            seen.extend_from_slice(&buffer[..count]);
        }
        child
    }

    /// Presses keys; `<F2>`, `<Enter>`, `<Tab>`, `<Esc>`, `<Ctrl-S>` and the
    /// like by name, all others as they are. A key with Ctrl counts as two.
    pub(crate) fn press(&mut self, keys: &str) -> &mut Self {
        let mut rest = keys;
        while !rest.is_empty() {
            // A paste comes in one piece, as a terminal sends it.
            if let Some((pasted, after)) = rest.strip_prefix("\u{1b}[200~").and_then(|inside| inside.split_once("\u{1b}[201~")) {
                self.keyboard.write_all(format!("\u{1b}[200~{pasted}\u{1b}[201~").as_bytes()).unwrap();
                self.keyboard.flush().unwrap();
                rest = after;
                continue;
            }
            let (bytes, count, used) = match rest.strip_prefix('<').and_then(|inside| inside.split_once('>')) {
                Some((name, _)) => {
                    let (bytes, count) = named_key(name);
                    (bytes, count, name.len() + 2)
                }
                None => {
                    let letter = rest.chars().next().unwrap();
                    (letter.to_string(), 1, letter.len_utf8())
                }
            };
            self.keyboard.write_all(bytes.as_bytes()).unwrap();
            self.keyboard.flush().unwrap();
            self.pressed += count;
            rest = &rest[used..];
        }
        self
    }

    /// Sends bytes in one piece, as a terminal sends a key of several.
    pub(crate) fn send(&mut self, bytes: &str) -> &mut Self {
        self.keyboard.write_all(bytes.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
        self
    }

    /// How many keys were pressed since last asked.
    pub(crate) fn keys_pressed(&mut self) -> usize {
        std::mem::take(&mut self.pressed)
    }

    /// Reads the screen until it shows a text, and gives it.
    #[track_caller]
    pub(crate) fn until(&mut self, text: &str) -> String {
        self.until_all(&[text])
    }

    /// Reads the screen until it shows all of these at once.
    #[track_caller]
    pub(crate) fn until_all(&mut self, texts: &[&str]) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let shown = self.text();
            if texts.iter().all(|text| shown.contains(text)) {
                return shown;
            }
            assert!(Instant::now() < end, "never saw {texts:?} in:\n{shown}");
            self.read(Duration::from_millis(50));
        }
    }

    /// Reads what a key brings, however long it takes to begin.
    pub(crate) fn answer(&mut self) -> String {
        self.read(Duration::from_secs(10));
        self.settle()
    }

    /// Reads until nothing more came for a while, the program has nothing to do
    /// and nothing is on its way.
    pub(crate) fn settle(&mut self) -> String {
        let end = Instant::now() + Duration::from_secs(20);
        while self.read(Duration::from_millis(150)) || (self.is_at_work() || self.text().contains("Loading")) && Instant::now() < end {}
        self.text()
    }

    /// Whether a thread of the program works, or would if others left it the
    /// processor or the disk. Known on Linux only.
    fn is_at_work(&self) -> bool {
        let Some(threads) = self.child.process_id().and_then(|process| std::fs::read_dir(format!("/proc/{process}/task")).ok()) else {
            return false;
        };
        let state = |stat: String| stat.rsplit_once(") ").and_then(|(_, state)| state.chars().next());
        threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("stat")).ok()).filter_map(state).any(|state| "RD".contains(state))
    }

    /// Reads what comes at once.
    pub(crate) fn glance(&mut self) -> String {
        self.quiet(Duration::from_millis(20))
    }

    /// Reads until nothing comes for so long.
    pub(crate) fn quiet(&mut self, pause: Duration) -> String {
        while self.read(pause) {}
        self.text()
    }

    /// Reads piece by piece until somebody sees what he waits for. False: it did
    /// not come in this time, or nothing can come any more.
    pub(crate) fn watch(&mut self, patience: Duration, mut sees: impl FnMut(&str) -> bool) -> bool {
        let end = Instant::now() + patience;
        while !sees(&self.text()) {
            if !self.read(end.saturating_duration_since(Instant::now())) {
                return false;
            }
        }
        true
    }

    fn read(&mut self, patience: Duration) -> bool {
        match self.bytes.recv_timeout(patience) {
            Ok(bytes) => {
                self.written.extend_from_slice(&bytes);
                self.parser.process(&bytes);
                true
            }
            Err(_) => false,
        }
    }

    /// What the screen shows.
    pub(crate) fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// The screen behind the text.
    pub(crate) fn screen(&self) -> &vt100::Screen {
        self.parser.screen()
    }

    /// Makes the window another size. What is read of it here is neither nothing
    /// nor endless.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.master.resize(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }).unwrap();
        let read = |size: u16| -> NonZeroU16 { size.clamp(1, 1_000).try_into().unwrap() };
        self.parser.screen_mut().set_size(read(rows), read(columns));
    }

    /// Whether the line is set as it was before the program had it (`stty -a`).
    pub(crate) fn is_given_back(&self) -> bool {
        line_settings(self.master.as_ref()) == self.untouched
    }

    /// Waits for the end and gives the exit code.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> u32 {
        let end = Instant::now() + PATIENCE;
        loop {
            self.read(Duration::from_millis(20));
            if let Some(status) = self.child.try_wait().unwrap() {
                while self.read(Duration::from_millis(50)) {}
                return status.exit_code();
            }
            assert!(Instant::now() < end, "it does not end:\n{}", self.text());
        }
    }
}

fn line_settings(master: &dyn MasterPty) -> String {
    format!("{:?}", master.get_termios())
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Of one that has ended the number may be another's by now.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn named_key(name: &str) -> (String, usize) {
    let one = |bytes: &str| (bytes.to_owned(), 1);
    match name {
        "Enter" => one("\r"),
        "Tab" => one("\t"),
        "Esc" => one("\u{1b}"),
        "Backspace" => one("\u{7f}"),
        "Up" => one("\u{1b}[A"),
        "Down" => one("\u{1b}[B"),
        "End" => one("\u{1b}[F"),
        "F1" => one("\u{1b}OP"),
        "F2" => one("\u{1b}OQ"),
        "F3" => one("\u{1b}OR"),
        "F5" => one("\u{1b}[15~"),
        "F9" => one("\u{1b}[20~"),
        "F10" => one("\u{1b}[21~"),
        "Shift-Tab" => ("\u{1b}[Z".to_owned(), 2),
        other => match other.strip_prefix("Ctrl-").or_else(|| other.strip_prefix("Alt-")) {
            Some(letter) if other.starts_with("Ctrl") => (char::from(letter.bytes().next().unwrap() & 31).to_string(), 2),
            Some(letter) => (format!("\u{1b}{}", letter.to_lowercase()), 2),
            None => panic!("no key is named {other}"),
        },
    }
}

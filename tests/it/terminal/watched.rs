//! What the process of a workshop terminal does while it is attacked (T33), by the
//! tables of the system: it starts nothing, has nothing open but its own, runs no
//! code that it did not begin with, and talks to nobody but its server. What is
//! over between two looks only a trace of its calls shows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What may be open beside its own folder: the terminal, what the program talks to
/// itself by, and what tells the time.
const MAY_BE_OPEN: [&str; 9] =
    ["/dev/pts/", "/dev/tty", "/dev/null", "/dev/urandom", "/etc/localtime", "/usr/share/zoneinfo", "anon_inode:", "pipe:", "socket:"];

/// Whether it may be open or opened.
fn may_be_open(name: &str, folder: &Path) -> bool {
    MAY_BE_OPEN.iter().any(|beginning| name.starts_with(beginning)) || Path::new(name).starts_with(folder)
}

fn address(server: &str) -> SocketAddrV4 {
    server.trim_start_matches("http://").parse().unwrap()
}

/// A process that is looked at.
#[derive(Debug)]
struct Watched {
    process: u32,
    place: PathBuf,
    folder: PathBuf,
    /// Its server, as the tables of the system have it.
    server: String,
    program: PathBuf,
    /// The files whose code it runs.
    code: BTreeSet<String>,
    /// Sockets that were looked at.
    fine: BTreeSet<String>,
}

impl Watched {
    fn new(process: u32, folder: &Path, server: &str) -> Self {
        let (place, server) = (PathBuf::from(format!("/proc/{process}")), address(server));
        Self {
            folder: fs::canonicalize(folder).unwrap(),
            server: format!("{:08X}:{:04X}", u32::from_ne_bytes(server.ip().octets()), server.port()),
            program: fs::read_link(place.join("exe")).unwrap(),
            code: code(&place),
            fine: BTreeSet::new(),
            process,
            place,
        }
    }

    /// Everything that may not be.
    fn look(&mut self) -> Vec<String> {
        let mut wrong: Vec<String> = children(self.process).iter().map(|child| format!("started process {child}")).collect();
        if stat(&self.place).is_some_and(|(state, _)| state == "T") {
            wrong.push("was stopped".to_owned());
        }
        if fs::read_link(self.place.join("exe")).is_ok_and(|program| program != self.program) {
            wrong.push("is another program now".to_owned());
        }
        wrong.extend(code(&self.place).difference(&self.code).map(|file| format!("runs code of {file}")));
        let mut sockets = Vec::new();
        for entry in fs::read_dir(self.place.join("fd")).into_iter().flatten().flatten() {
            // It may be closed by now.
            let Ok(open) = fs::read_link(entry.path()) else { continue };
            let name = open.to_string_lossy().into_owned();
            if !may_be_open(&name, &self.folder) {
                wrong.push(format!("has {name} open"));
            }
            sockets.extend(name.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')).map(str::to_owned));
        }
        wrong.extend(self.talks(&sockets));
        wrong
    }

    /// Whom its new sockets talk to.
    fn talks(&mut self, sockets: &[String]) -> Vec<String> {
        let new: Vec<&str> = sockets.iter().filter(|socket| !self.fine.contains(*socket)).map(String::as_str).collect();
        if new.is_empty() {
            return Vec::new();
        }
        let mut wrong = Vec::new();
        // Table, and where peer and number of a socket stand in it; the last are
        // those within the machine, of which it has some to talk to itself by.
        for (table, peer, number) in [("tcp", 2, 9), ("tcp6", 2, 9), ("udp", 2, 9), ("udp6", 2, 9), ("unix", 7, 6)] {
            for line in fs::read_to_string(self.place.join("net").join(table)).unwrap_or_default().lines().skip(1) {
                let fields: Vec<&str> = line.split_whitespace().collect();
                let Some(socket) = fields.get(number).filter(|socket| new.contains(socket)) else { continue };
                let peer = fields.get(peer).copied().unwrap_or_default();
                if (table == "tcp" && peer == self.server) || (table == "unix" && peer.is_empty()) {
                    self.fine.insert((*socket).to_owned());
                } else {
                    wrong.push(format!("has a socket of {table} to {peer:?}"));
                }
            }
        }
        wrong
    }
}

/// What the system says of a process: what it is doing, and whose child it is.
fn stat(place: &Path) -> Option<(String, u32)> {
    let told = fs::read_to_string(place.join("stat")).ok()?;
    // Its name stands in brackets and may have any sign in it.
    let mut fields = told.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}

/// The processes that a process started and that are still there.
pub(super) fn children(of: u32) -> Vec<u32> {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = all.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    processes.filter(|(_, place)| stat(place).is_some_and(|(_, parent)| parent == of)).map(|(process, _)| process).collect()
}

/// The processes in whose environment a folder stands, and what they run: also those
/// that let go of whoever started them, as servers of multiplexers do.
pub(super) fn come_of(folder: &Path) -> BTreeMap<u32, String> {
    let folder = folder.to_str().unwrap();
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = all.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let of_it = processes.filter(|(_, place)| fs::read(place.join("environ")).is_ok_and(|told| String::from_utf8_lossy(&told).contains(folder)));
    // One that has just ended runs nothing any more.
    of_it.filter_map(|(process, place)| Some((process, fs::read_link(place.join("exe")).ok()?.to_string_lossy().into_owned()))).collect()
}

/// The files whose code a process runs.
fn code(place: &Path) -> BTreeSet<String> {
    let maps = fs::read_to_string(place.join("maps")).unwrap_or_default();
    let lines = maps.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let of_files = lines.filter(|fields| fields.get(1).is_some_and(|rights| rights.contains('x')) && fields.get(5).is_some_and(|file| file.starts_with('/')));
    of_files.map(|fields| fields[5..].join(" ")).collect()
}

/// Looks at a process, over and over, from beside.
#[derive(Debug)]
pub(super) struct Watch {
    is_over: Arc<AtomicBool>,
    looking: JoinHandle<(usize, BTreeSet<String>)>,
}

impl Watch {
    /// From now on.
    pub(super) fn of(process: u32, folder: &Path, server: &str) -> Self {
        let mut watched = Watched::new(process, folder, server);
        Self::by(move || watched.look())
    }

    /// All that came of a folder, which nothing may join from now on.
    pub(super) fn of_all(folder: &Path) -> Self {
        let (folder, known) = (folder.to_owned(), come_of(folder));
        Self::by(move || come_of(&folder).into_iter().filter(|(process, _)| !known.contains_key(process)).map(|(_, program)| program).collect())
    }

    fn by(mut look: impl FnMut() -> Vec<String> + Send + 'static) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&is_over);
        let looking = std::thread::spawn(move || {
            let (mut looks, mut wrong) = (0, BTreeSet::new());
            while !over.load(Ordering::Relaxed) {
                wrong.extend(look());
                looks += 1;
                std::thread::sleep(Duration::from_millis(20));
            }
            (looks, wrong)
        });
        Self { is_over, looking }
    }

    /// It saw nothing that may not be.
    #[track_caller]
    pub(super) fn end(self) {
        let (looks, wrong) = self.seen();
        assert_eq!(wrong, BTreeSet::new());
        assert!(looks > 50, "looked {looks} times");
    }

    /// How often it looked, and what it saw.
    pub(super) fn seen(self) -> (usize, BTreeSet<String>) {
        self.is_over.store(true, Ordering::Relaxed);
        self.looking.join().unwrap()
    }
}

/// The calls that are traced.
pub(super) const TRACED: &str = "trace=execve,execveat,?open,openat,?openat2,?creat,connect";

/// What may not be in a trace of the whole run: another program after the first,
/// another peer than the server, and from the first call to it on another file.
pub(super) fn wrong_in(trace: &str, folder: &Path, server: &str) -> Vec<String> {
    let (folder, server) = (fs::canonicalize(folder).unwrap(), address(server));
    let peer = [format!("htons({})", server.port()), format!("inet_addr(\"{}\")", server.ip())];
    let calls = || trace.lines().filter_map(|line| line.split_once(' ').map(|(_, call)| call.trim_start()));
    let begun = calls().position(|call| call.starts_with("connect(")).unwrap_or(usize::MAX);
    let is_wrong = |nth: usize, call: &str| {
        let opened = || call.split('"').nth(1).unwrap_or_default();
        match call.split('(').next().unwrap_or_default() {
            "execve" | "execveat" => nth > 0,
            "connect" => !peer.iter().all(|part| call.contains(part.as_str())),
            "open" | "openat" | "openat2" | "creat" => nth > begun && !may_be_open(opened(), &folder),
            _ => false,
        }
    };
    calls().enumerate().filter(|(nth, call)| is_wrong(*nth, call)).map(|(_, call)| call.to_owned()).collect()
}

#[test]
fn t33_a_program_that_is_started_and_a_file_that_is_opened_would_be_seen() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec 3</etc/passwd; sleep 3; true"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut shell = shell.spawn().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut watched = Watched::new(shell.id(), folder.path(), "http://127.0.0.1:9");
    let (end, mut seen) = (Instant::now() + Duration::from_secs(3), BTreeSet::new());
    while Instant::now() < end && seen.len() < 2 {
        let wrong = watched.look().into_iter().filter(|one| one.starts_with("started process") || one == "has /etc/passwd open");
        seen.extend(wrong.map(|one| one.split(' ').next().unwrap().to_owned()));
        std::thread::sleep(Duration::from_millis(5));
    }
    shell.kill().unwrap();
    shell.wait().unwrap();
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), ["has", "started"]);
}

#[test]
fn t33_a_trace_tells_what_may_not_be() {
    let folder = tempfile::tempdir().unwrap();
    let own = fs::canonicalize(folder.path()).unwrap().join("state/log");
    let fine = format!(
        "7 execve(\"/bin/countertop\", [\"countertop\"], 0x7ffd /* 9 vars */) = 0\n\
         7 openat(AT_FDCWD, \"/etc/ld.so.cache\", O_RDONLY|O_CLOEXEC) = 3\n\
         8 connect(9, {{sa_family=AF_INET, sin_port=htons(7420), sin_addr=inet_addr(\"127.0.0.1\")}}, 16) = -1 EINPROGRESS\n\
         7 openat(AT_FDCWD, \"/dev/tty\", O_RDONLY|O_CLOEXEC) = 9\n\
         7 openat(AT_FDCWD, \"{}\", O_WRONLY|O_APPEND) = 9\n",
        own.display()
    );
    let wrong = |more: &str| wrong_in(&format!("{fine}{more}"), folder.path(), "http://127.0.0.1:7420").len();
    assert_eq!(wrong(""), 0);
    assert_eq!(wrong("9 execve(\"/usr/bin/tput\", [\"tput\", \"cols\"], 0x7ffd /* 9 vars */) = 0\n"), 1);
    assert_eq!(wrong("7 openat(AT_FDCWD, \"/etc/passwd\", O_RDONLY) = 9\n"), 1);
    assert_eq!(wrong("8 connect(9, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr(\"127.0.0.1\")}, 16) = 0\n"), 1);
    assert_eq!(wrong("8 connect(9, {sa_family=AF_UNIX, sun_path=\"/run/user/bus\"}, 16) = 0\n"), 1);
}

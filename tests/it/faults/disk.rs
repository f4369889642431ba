//! A disk that stands before the files of one folder, under a program that knows
//! nothing of it: it fails where it is told to, and it remembers what was
//! written in which order, for [`super::platter`] to cut its power.
//!
//! It is `disk.c`, compiled by the compiler that SQLite needs anyway, and loaded
//! before the C library.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use tempfile::TempDir;

use super::platter::Trace;

/// Says which folder it is.
const FOLDER: &str = "COUNTERTOP_DISK_FOLDER";
/// Says where the control file is.
const CONTROL: &str = "COUNTERTOP_DISK_CONTROL";
/// Says where the trace is.
const TRACE: &str = "COUNTERTOP_DISK_TRACE";

/// The sorts of calls that change a disk, as `disk.c` numbers them.
mod sort {
    pub(super) const WRITE: u64 = 1;
    pub(super) const TRUNCATE: u64 = 2;
    pub(super) const SYNC: u64 = 4;
    pub(super) const ALL: u64 = 63;
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fault {
    /// By which it is told.
    pub(super) name: &'static str,
    /// The number of the error; 0: a write that takes the half.
    error: u64,
    /// What it may happen to.
    sorts: u64,
    /// Whether all calls after it fail too.
    lasts: bool,
}

const INPUT_OUTPUT: u64 = 5;
const NO_SPACE: u64 = 28;
const INTERRUPTED: u64 = 4;

/// All that is tried.
pub(super) const FAULTS: [Fault; 6] = [
    Fault { name: "EIO", error: INPUT_OUTPUT, sorts: sort::ALL, lasts: false },
    Fault { name: "ENOSPC", error: NO_SPACE, sorts: sort::ALL, lasts: false },
    Fault { name: "EINTR", error: INTERRUPTED, sorts: sort::WRITE | sort::TRUNCATE | sort::SYNC, lasts: false },
    Fault { name: "half a write", error: 0, sorts: sort::WRITE, lasts: false },
    Fault { name: "EIO from then on", error: INPUT_OUTPUT, sorts: sort::ALL, lasts: true },
    Fault { name: "ENOSPC from then on", error: NO_SPACE, sorts: sort::ALL, lasts: true },
];

/// What came by since a fault was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Calls {
    /// That it could have happened to.
    pub(super) seen: u64,
    /// That it happened to.
    pub(super) failed: u64,
}

/// What says which call fails: both sides have the same file before them.
#[derive(Debug)]
pub(super) struct Control(File);

impl Control {
    fn made(path: &Path) -> Self {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path).unwrap();
        let control = Self(file);
        control.write([0; 6]);
        control
    }

    /// That of this process, where there is one.
    pub(super) fn of_this_process() -> Option<Self> {
        let path = std::env::var_os(CONTROL)?;
        Some(Self(OpenOptions::new().read(true).write(true).open(path).unwrap()))
    }

    fn write(&self, numbers: [u64; 6]) {
        self.0.write_all_at(&numbers.map(u64::to_ne_bytes).concat(), 0).unwrap();
    }

    /// The call of that number, counted from now and from 1, fails.
    pub(super) fn fail(&self, fault: Fault, nth: u64) {
        self.write([nth, fault.error, fault.sorts, u64::from(fault.lasts), 0, 0]);
    }

    /// From now on nothing fails; what came by.
    pub(super) fn relieve(&self) -> Calls {
        let mut numbers = [0; 48];
        self.0.read_exact_at(&mut numbers, 0).unwrap();
        self.write([0; 6]);
        let number = |place: usize| u64::from_ne_bytes(numbers[8 * place..8 * (place + 1)].try_into().unwrap());
        Calls { seen: number(4), failed: number(5) }
    }
}

/// The length of the trace of this process.
pub(super) fn traced_here() -> u64 {
    let path = std::env::var_os(TRACE).expect("a trace");
    std::fs::metadata(path).unwrap().len()
}

/// A disk before a folder, for any number of programs one after the other.
#[derive(Debug)]
pub(super) struct Disk {
    library: &'static Path,
    folder: PathBuf,
    files: TempDir,
    /// Which of its calls fails.
    pub(super) control: Control,
    remembers: bool,
}

impl Disk {
    /// One that fails when it is told to; none where there can be none, which is
    /// said.
    pub(super) fn that_fails(folder: &Path) -> Option<Self> {
        Self::before(folder, false)
    }

    /// One that remembers.
    pub(super) fn that_remembers(folder: &Path) -> Option<Self> {
        Self::before(folder, true)
    }

    fn before(folder: &Path, remembers: bool) -> Option<Self> {
        let library = library()?;
        let files = tempfile::tempdir().unwrap();
        let control = Control::made(&files.path().join("control"));
        // SQLite opens what a path leads to.
        let folder = folder.canonicalize().unwrap();
        Some(Self { library, folder, files, control, remembers })
    }

    /// What a program is started with.
    pub(super) fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |path: &Path| path.to_str().expect("a path of letters").to_owned();
        let control = text(&self.files.path().join("control"));
        let mut all = vec![("LD_PRELOAD", text(self.library)), (FOLDER, text(&self.folder)), (CONTROL, control)];
        if self.remembers {
            all.push((TRACE, text(&self.trace_file())));
        }
        all
    }

    fn trace_file(&self) -> PathBuf {
        self.files.path().join("trace")
    }

    /// How long the trace is: what stands in it was done before now.
    pub(super) fn traced(&self) -> u64 {
        std::fs::metadata(self.trace_file()).expect("the program writes to the disk that stands before it").len()
    }

    /// What it remembers, once nothing runs on it.
    pub(super) fn trace(&self) -> Trace {
        Trace::of(std::fs::read(self.trace_file()).expect("the program wrote to the disk that stood before it"))
    }
}

/// The library, compiled once; none where there is no such system or compiler.
fn library() -> Option<&'static Path> {
    static LIBRARY: OnceLock<Option<PathBuf>> = OnceLock::new();
    LIBRARY.get_or_init(compiled).as_deref()
}

#[expect(clippy::print_stderr, reason = "a test that is left out says so")]
fn compiled() -> Option<PathBuf> {
    if !cfg!(all(target_env = "gnu", target_pointer_width = "64")) {
        eprintln!("left out: a disk is only stood before a program on Linux with glibc and 64 bits");
        return None;
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    std::fs::create_dir_all(folder).unwrap();
    // Whoever else compiles it now puts the same in its place.
    let (made, library) = (folder.join(format!("disk.{}.so", std::process::id())), folder.join("disk.so"));
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/faults/disk.c");
    let Ok(done) = Command::new("cc").args(["-shared", "-fPIC", "-O1", "-pthread", "-o"]).arg(&made).arg(source).output() else {
        eprintln!("left out: there is no cc to compile the disk with");
        return None;
    };
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    std::fs::rename(&made, &library).unwrap();
    Some(library)
}

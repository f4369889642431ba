//! What is left on a disk whose power is cut: the trace that `disk.c` wrote is
//! played up to some moment, and of what was not synced until then each piece is
//! there, or not, or torn at a sector's edge.
//!
//! - A file has what was written to it before its last sync; of the rest any
//!   part, so that later writes may be there without those before.
//! - A folder has what was done in it before its last sync, and as much of the
//!   rest as came first, as file systems with a journal have it. A synced file in
//!   a folder that was not may have no name.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;

use crate::dice::Dice;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;
/// Nobody needs it after a power cut: SQLite makes it anew.
const SHARED_MEMORY: &str = "-shm";
const LOG: &str = "-wal";

/// Something that was done to the disk. A handle is of the program that opened
/// last.
#[derive(Debug)]
enum Step {
    /// None: the folder itself.
    Opened {
        handle: u64,
        name: Option<String>,
        is_emptied: bool,
    },
    Written {
        handle: u64,
        at: usize,
        bytes: Range<usize>,
    },
    Truncated {
        handle: u64,
        size: usize,
    },
    Synced {
        handle: u64,
    },
    Unlinked {
        name: String,
    },
    Renamed {
        from: String,
        to: String,
    },
}

/// All that was done, in its order.
#[derive(Debug)]
pub(super) struct Trace {
    bytes: Vec<u8>,
    /// With the length of the trace behind each.
    steps: Vec<(Step, u64)>,
}

/// What a disk does when it is asked to sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syncs {
    /// What it has to.
    Honest,
    /// Nothing for an SQLite log, as if nobody asked: planted.
    NotTheLog,
    /// Nothing for a folder that a file just went from: planted.
    NotWhatWent,
}

impl Trace {
    /// Reads it.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        let (mut steps, mut place) = (Vec::new(), 0);
        while place < bytes.len() {
            let head: Vec<u64> = bytes[place..place + 32].chunks_exact(8).map(|number| u64::from_ne_bytes(number.try_into().unwrap())).collect();
            let (from, length) = (place + 32, usize::try_from(head[3]).unwrap());
            place = from + length;
            let step = Self::step(&bytes, (head[0], head[1], head[2]), from..place);
            steps.push((step, u64::try_from(place).unwrap()));
        }
        assert!(!steps.is_empty(), "the disk was written to");
        Self { bytes, steps }
    }

    fn step(all: &[u8], (what, handle, at): (u64, u64, u64), bytes: Range<usize>) -> Step {
        let text = || String::from_utf8(all[bytes.clone()].to_vec()).expect("a name");
        let number = || usize::try_from(at).expect("a place in a file");
        match u8::try_from(what).expect("a letter") {
            b'O' => Step::Opened { handle, name: Some(text()).filter(|name| !name.is_empty()), is_emptied: at & 2 != 0 },
            b'W' => Step::Written { handle, at: number(), bytes },
            b'T' => Step::Truncated { handle, size: number() },
            b'S' => Step::Synced { handle },
            b'U' => Step::Unlinked { name: text() },
            b'R' => {
                let both = text();
                let (from, to) = both.split_once('\n').expect("two names");
                Step::Renamed { from: from.to_owned(), to: to.to_owned() }
            }
            other => panic!("no step is called {other}"),
        }
    }

    /// How many steps there are.
    pub(super) fn len(&self) -> usize {
        self.steps.len()
    }

    /// How many were done for sure when the trace was so long.
    pub(super) fn done_at(&self, length: u64) -> usize {
        self.steps.partition_point(|(_, end)| *end <= length)
    }

    /// How many were done before that file was written to for the first time.
    pub(super) fn before_a_write_to(&self, file: &str) -> Option<usize> {
        let mut of_file = Vec::new();
        self.steps.iter().position(|(step, _)| match step {
            Step::Opened { handle, name, .. } => {
                // A new program begins with the first handle again.
                of_file.retain(|known| known != handle);
                if name.as_deref() == Some(file) {
                    of_file.push(*handle);
                }
                false
            }
            Step::Written { handle, .. } => of_file.contains(handle),
            _ => false,
        })
    }

    /// A moment to cut the power at: any, or when somebody just heard something.
    pub(super) fn moment(&self, heard: &[u64], dice: &mut Dice) -> usize {
        if heard.is_empty() || dice.one_in(2) { 1 + dice.place(self.len()) } else { self.done_at(dice.one_of(heard)) }
    }

    /// Cuts the power after so many steps; what is left, in a folder. Before the
    /// first step these files were on the disk.
    pub(super) fn cut(&self, base: &[(&str, &[u8])], after: usize, syncs: Syncs, dice: &mut Dice, into: &Path) {
        let mut platter = Platter::with(base, &self.bytes, syncs);
        for (step, _) in &self.steps[..after] {
            platter.take(step);
        }
        platter.lose_power(dice, into);
    }
}

/// A file, whatever it is called.
#[derive(Debug, Default)]
struct Inode {
    /// What is on the disk.
    safe: Vec<u8>,
    /// What is on its way there.
    pending: Vec<Change>,
}

#[derive(Debug)]
enum Change {
    /// From this place on, these bytes of the trace.
    Bytes(usize, Range<usize>),
    Size(usize),
}

/// What happens in a folder.
#[derive(Debug)]
enum Move {
    Comes(String, usize),
    Goes(String),
    Renamed(String, String),
}

#[derive(Debug)]
struct Platter<'t> {
    trace: &'t [u8],
    syncs: Syncs,
    inodes: Vec<Inode>,
    /// As programs see them.
    names: BTreeMap<String, usize>,
    /// As they are on the disk.
    safe: BTreeMap<String, usize>,
    pending: Vec<Move>,
    /// None: the folder.
    handles: HashMap<u64, Option<usize>>,
}

impl<'t> Platter<'t> {
    fn with(base: &[(&str, &[u8])], trace: &'t [u8], syncs: Syncs) -> Self {
        let names: BTreeMap<String, usize> = base.iter().enumerate().map(|(inode, (name, _))| ((*name).to_owned(), inode)).collect();
        let inodes = base.iter().map(|(_, bytes)| Inode { safe: bytes.to_vec(), pending: Vec::new() }).collect();
        Self { trace, syncs, inodes, safe: names.clone(), names, pending: Vec::new(), handles: HashMap::new() }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Opened { handle, name, is_emptied } => self.open(*handle, name.as_deref(), *is_emptied),
            Step::Written { handle, at, bytes } => self.change(*handle, Change::Bytes(*at, bytes.clone())),
            Step::Truncated { handle, size } => self.change(*handle, Change::Size(*size)),
            Step::Synced { handle } => self.sync(*handle),
            Step::Unlinked { name } => {
                self.names.remove(name).expect("it was there");
                self.pending.push(Move::Goes(name.clone()));
            }
            Step::Renamed { from, to } => {
                let inode = self.names.remove(from).expect("it was there");
                self.names.insert(to.clone(), inode);
                self.pending.push(Move::Renamed(from.clone(), to.clone()));
            }
        }
    }

    fn open(&mut self, handle: u64, name: Option<&str>, is_emptied: bool) {
        let Some(name) = name else {
            self.handles.insert(handle, None);
            return;
        };
        let inode = self.names.get(name).copied().unwrap_or_else(|| {
            self.inodes.push(Inode::default());
            let inode = self.inodes.len() - 1;
            self.names.insert(name.to_owned(), inode);
            self.pending.push(Move::Comes(name.to_owned(), inode));
            inode
        });
        self.handles.insert(handle, Some(inode));
        if is_emptied {
            self.change(handle, Change::Size(0));
        }
    }

    fn change(&mut self, handle: u64, change: Change) {
        let inode = self.handles[&handle].expect("nobody writes to a folder");
        self.inodes[inode].pending.push(change);
    }

    fn sync(&mut self, handle: u64) {
        match self.handles[&handle] {
            Some(inode) if self.syncs == Syncs::NotTheLog && self.is_log(inode) => {}
            Some(inode) => {
                let inode = &mut self.inodes[inode];
                for change in inode.pending.drain(..) {
                    change.make(self.trace, &mut inode.safe);
                }
            }
            None if self.syncs == Syncs::NotWhatWent && matches!(self.pending.last(), Some(Move::Goes(_))) => {}
            None => {
                for done in self.pending.drain(..) {
                    done.make(&mut self.safe);
                }
            }
        }
    }

    fn is_log(&self, inode: usize) -> bool {
        self.names.iter().any(|(name, named)| *named == inode && name.ends_with(LOG))
    }

    /// What is on its way gets there or not.
    fn lose_power(mut self, dice: &mut Dice, into: &Path) {
        let arrive = dice.place(self.pending.len() + 1);
        for done in self.pending.drain(..).take(arrive) {
            done.make(&mut self.safe);
        }
        // Now and then all is lost, or nothing is.
        let mood = dice.below(4);
        for (name, inode) in self.safe.iter().filter(|(name, _)| !name.ends_with(SHARED_MEMORY)) {
            let inode = &mut self.inodes[*inode];
            for change in inode.pending.drain(..) {
                let fate = if mood < 2 { mood } else { dice.below(3) };
                match fate {
                    0 => {}
                    1 => change.make(self.trace, &mut inode.safe),
                    _ => change.tear(self.trace, &mut inode.safe, dice),
                }
            }
            std::fs::write(into.join(name), &inode.safe).unwrap();
        }
    }
}

impl Change {
    fn make(&self, trace: &[u8], file: &mut Vec<u8>) {
        match self {
            Self::Bytes(at, bytes) => put(file, *at, &trace[bytes.clone()]),
            Self::Size(size) => {
                grow(file, *size);
                file.truncate(*size);
            }
        }
    }

    /// Each sector of it or not.
    fn tear(&self, trace: &[u8], file: &mut Vec<u8>, dice: &mut Dice) {
        let Self::Bytes(at, bytes) = self else { return self.make(trace, file) };
        let (mut at, mut left) = (*at, &trace[bytes.clone()]);
        while !left.is_empty() {
            let (sector, rest) = left.split_at(left.len().min(SECTOR - at % SECTOR));
            if dice.one_in(2) {
                put(file, at, sector);
            }
            at += sector.len();
            left = rest;
        }
    }
}

impl Move {
    fn make(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Comes(name, inode) => {
                names.insert(name.clone(), *inode);
            }
            Self::Goes(name) => {
                names.remove(name);
            }
            Self::Renamed(from, to) => {
                let inode = names.remove(from).expect("it was there");
                names.insert(to.clone(), inode);
            }
        }
    }
}

fn grow(file: &mut Vec<u8>, size: usize) {
    if file.len() < size {
        // In one piece: byte by byte takes long in a build for tests.
        file.extend_from_slice(&vec![0; size - file.len()]);
    }
}

fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    grow(file, at + bytes.len());
    file[at..at + bytes.len()].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record as `disk.c` writes it.
    fn record(what: u8, handle: u64, at: u64, data: &[u8]) -> Vec<u8> {
        let head = [u64::from(what), handle, at, data.len() as u64];
        let mut all = head.map(u64::to_ne_bytes).concat();
        all.extend_from_slice(data);
        all
    }

    fn left(trace: &Trace, after: usize, seed: u64) -> BTreeMap<String, Vec<u8>> {
        let folder = tempfile::tempdir().unwrap();
        trace.cut(&[("old", b"was here".as_slice())], after, Syncs::Honest, &mut Dice::of(seed), folder.path());
        let files = std::fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().path());
        files.map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(&path).unwrap())).collect()
    }

    #[test]
    fn what_was_synced_is_there_and_all_else_may_be() {
        let steps = [
            record(b'O', 1, 1, b"new"),
            record(b'W', 1, 0, &[7; 1_024]),
            record(b'S', 1, 0, b""),
            record(b'O', 2, 0, b""),
            record(b'S', 2, 0, b""),
            record(b'W', 1, 512, &[8; 1_024]),
            record(b'U', 0, 0, b"old"),
        ];
        let trace = Trace::of(steps.concat());
        assert_eq!((trace.len(), trace.done_at(32 + 2), trace.done_at(32 + 3), trace.before_a_write_to("new")), (7, 0, 1, Some(1)));
        let all: Vec<_> = (0..200).map(|seed| left(&trace, 7, seed)).collect();
        assert!(all.iter().all(|files| files["new"][..512] == [7; 512]), "what was synced and not touched again");
        assert!(all.iter().any(|files| files.contains_key("old")) && all.iter().any(|files| !files.contains_key("old")));
        for (first, size) in [(7, 1_024), (8, 1_536), (7, 1_536), (8, 1_024)] {
            assert!(all.iter().any(|files| files["new"].len() == size && files["new"][512] == first), "{first}, {size}: lost, whole and torn in two ways");
        }
        // Synced, and without a name until its folder is.
        assert!((0..200).any(|seed| !left(&trace, 3, seed).contains_key("new")));
        assert!((0..200).all(|seed| left(&trace, 5, seed)["new"] == [7; 1_024]));
    }
}

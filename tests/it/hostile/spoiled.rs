//! What the fuzzer takes, where there is no nightly compiler for it: every file of
//! a target's corpus as it is, and for some seconds the same files spoiled at
//! random. It does not see which code a text comes to, as the fuzzer does.
//!
//! `COUNTERTOP_FUZZ_SECONDS` (5) says how long for each target, `COUNTERTOP_SEED`
//! which text comes first: a failure names the seed of its own.

use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// How long without being told.
const SECONDS: u64 = 5;
/// Nothing takes longer, however it is spoiled: the fuzzer's own limit.
const LONGEST: Duration = Duration::from_secs(20);
/// What takes so long never ends.
const FOR_EVER: Duration = Duration::from_mins(2);
/// No text grows beyond.
const LARGEST: usize = 16 * 1024;

/// What means something to one or another.
const SHARP: [&[u8]; 32] = [
    b"\0",
    b"\x1b",
    b"\x1b]11;",
    b"\x1b[200~",
    b"\x1b[201~",
    b"\x1b\\",
    b"\xff",
    b"\xc3",
    b"\xe2\x80\xae",
    b"\xcc\x81",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\n",
    b"\t",
    b",",
    b";",
    b"\"",
    b"'''",
    b"=",
    b"=cmd|' /C calc'!A0",
    b"[[",
    b"{",
    b"}",
    b"null",
    b"-1",
    b"0",
    b"1e999",
    b"99999999999999999999",
    b"\\u0000",
    b"9999-12-31T23:59:59.999999999Z",
    b"00000000-0000-7000-8000-000000000001",
    b"none",
];

/// How long something is fed, and how long it may take over one text.
#[derive(Debug, Clone, Copy)]
struct Time {
    feeding: Duration,
    longest: Duration,
    for_ever: Duration,
}

/// Nobody else can end what hangs.
fn hangs(what: &str) {
    say(&format!("this hangs: {what}"));
    std::process::abort();
}

/// Gives all of it to whatever takes it.
pub(crate) fn feed(target: &str, takes: impl FnMut(&[u8])) {
    let feeding = Duration::from_secs(number("COUNTERTOP_FUZZ_SECONDS").unwrap_or(SECONDS));
    feed_for(Time { feeding, longest: LONGEST, for_ever: FOR_EVER }, target, &corpus(target), hangs, takes);
}

fn feed_for(time: Time, target: &str, files: &[(String, Vec<u8>)], hangs: impl Fn(&str) + Send + 'static, mut takes: impl FnMut(&[u8])) {
    let onlooker = Onlooker::new(time.for_ever, hangs);
    for (name, bytes) in files {
        let _named = onlooker.sees(format!("corpus/{target}/{name}"));
        takes(bytes);
    }
    let first = number("COUNTERTOP_SEED").unwrap_or_else(any_seed);
    let end = Instant::now() + time.feeding;
    let mut seed = first;
    while seed == first || Instant::now() < end {
        let _named = onlooker.sees(format!("COUNTERTOP_SEED={seed} ({target})"));
        let begun = Instant::now();
        takes(&spoiled(files, seed));
        assert!(begun.elapsed() < time.longest, "it takes {:?}", begun.elapsed());
        seed += 1;
    }
    say(&format!("{target}: {} files, spoiled {} times from COUNTERTOP_SEED={first}", files.len(), seed - first));
}

/// Looks on from beside: while something hangs, nobody else does.
struct Onlooker {
    /// What is taken now, and since when.
    taken: Arc<Mutex<Option<(String, Instant)>>>,
}

impl Onlooker {
    /// One that says so once where something takes longer than that.
    fn new(patience: Duration, hangs: impl Fn(&str) + Send + 'static) -> Self {
        let taken = Arc::new(Mutex::new(None::<(String, Instant)>));
        let seen = Arc::downgrade(&taken);
        std::thread::spawn(move || {
            while let Some(taken) = seen.upgrade() {
                let hanging = taken.lock().unwrap_or_else(PoisonError::into_inner).take_if(|(_, begun)| begun.elapsed() > patience);
                if let Some((what, _)) = hanging {
                    hangs(&what);
                }
                drop(taken);
                std::thread::sleep(patience / 10);
            }
        });
        Self { taken }
    }

    fn sees(&self, what: String) -> Named {
        *self.taken.lock().unwrap_or_else(PoisonError::into_inner) = Some((what.clone(), Instant::now()));
        Named(what)
    }
}

/// Names what failed.
struct Named(String);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            say(&format!("this was {}", self.0));
        }
    }
}

fn say(what: &str) {
    // Who wants the same again needs it; where nobody reads it, nobody does.
    let _ = writeln!(std::io::stderr(), "{what}");
}

/// The files that lie there for the fuzzer, always in the same order.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).unwrap().map(Result::unwrap);
    let mut files: Vec<_> = entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path()).unwrap())).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

/// One of them, changed in a few places.
fn spoiled(files: &[(String, Vec<u8>)], seed: u64) -> Vec<u8> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut bytes = files[random.random_range(0..files.len())].1.clone();
    for _ in 0..random.random_range(1..8) {
        spoil(&mut bytes, files, &mut random);
    }
    bytes.truncate(LARGEST);
    bytes
}

fn spoil(bytes: &mut Vec<u8>, files: &[(String, Vec<u8>)], random: &mut StdRng) {
    let piece = |of: &[u8], random: &mut StdRng| {
        let from = random.random_range(0..=of.len());
        from..(from + random.random_range(0..40)).min(of.len())
    };
    let here = piece(bytes, random);
    let added: Vec<u8> = match random.random_range(0..8) {
        0 => return bytes.truncate(here.end),
        1 => Vec::new(),
        2 => bytes[here.clone()].iter().map(|byte| byte ^ (1_u8 << random.random_range(0..8_u32))).collect(),
        3 => (0..here.len()).map(|_| random.random()).collect(),
        4 | 5 => SHARP[random.random_range(0..SHARP.len())].to_vec(),
        6 => bytes[here.clone()].repeat(random.random_range(2..400)),
        _ => {
            let other = &files[random.random_range(0..files.len())].1;
            other[piece(other, random)].to_vec()
        }
    };
    drop(bytes.splice(here, added));
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn any_seed() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[test]
fn a_seed_spoils_the_same_again() {
    let files = corpus("cleaner");
    for seed in 0..50 {
        assert_eq!(spoiled(&files, seed), spoiled(&files, seed));
    }
    assert!((0..50).any(|seed| files.iter().all(|(_, bytes)| *bytes != spoiled(&files, seed))), "nothing is spoiled");
}

/// What is fed to see that it is noticed.
const PLANTED: &str = "a target with a planted bug";

/// Feeds it; whether its bug is noticed.
fn is_noticed(time: Time, takes: impl FnMut(&[u8])) -> bool {
    let files = [("day".to_owned(), b"2026-03-08".to_vec())];
    let feeding = std::panic::AssertUnwindSafe(|| feed_for(time, PLANTED, &files, |_| {}, takes));
    std::panic::catch_unwind(feeding).is_err()
}

#[test]
fn a_target_that_falls_over_one_text_or_dawdles_would_be_found() {
    let time = Time { feeding: Duration::from_millis(1), longest: LONGEST, for_ever: FOR_EVER };
    assert!(!is_noticed(time, |_| {}));
    let long = Time { feeding: Duration::from_mins(1), ..time };
    assert!(is_noticed(long, |bytes| assert!(!bytes.contains(&0x1b), "there is an Esc in it")));
    let brief = Time { longest: Duration::from_millis(1), ..time };
    assert!(is_noticed(brief, |_| std::thread::sleep(Duration::from_millis(2))));
}

#[test]
fn a_target_that_hangs_would_be_found() {
    let (tells, told) = std::sync::mpsc::channel();
    let hangs = move |what: &str| {
        let _ = tells.send(what.to_owned());
    };
    let time = Time { feeding: Duration::ZERO, longest: LONGEST, for_ever: Duration::from_millis(50) };
    let mut found = None;
    // It ends when somebody noticed, and not before.
    let takes = |_: &[u8]| found = found.take().or_else(|| told.recv_timeout(LONGEST).ok());
    feed_for(time, PLANTED, &[("day".to_owned(), b"2026-03-08".to_vec())], hangs, takes);
    assert_eq!(found.as_deref(), Some("corpus/a target with a planted bug/day"));
}

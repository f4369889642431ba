//! What the fuzzer takes, where there is no nightly compiler for it: every file of
//! a target's corpus as it is, and for some seconds the same files spoiled at
//! random. It does not see which code a text comes to, as the fuzzer does.
//!
//! `COUNTERTOP_FUZZ_SECONDS` (5) says how long for each target, `COUNTERTOP_SEED`
//! which text comes first: a failure names the seed of its own.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// How long without being told.
const SECONDS: u64 = 5;
/// Nothing takes longer, however it is spoiled: the fuzzer's own limit.
const LONGEST: Duration = Duration::from_secs(20);
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

/// Gives all of it to whatever takes it.
pub(crate) fn feed(target: &str, mut takes: impl FnMut(&[u8])) {
    let files = corpus(target);
    for (name, bytes) in &files {
        let _named = Named(format!("corpus/{target}/{name}"));
        takes(bytes);
    }
    let first = number("COUNTERTOP_SEED").unwrap_or_else(any_seed);
    let end = Instant::now() + Duration::from_secs(number("COUNTERTOP_FUZZ_SECONDS").unwrap_or(SECONDS));
    let mut seed = first;
    while seed == first || Instant::now() < end {
        let _named = Named(format!("COUNTERTOP_SEED={seed} ({target})"));
        let begun = Instant::now();
        takes(&spoiled(&files, seed));
        assert!(begun.elapsed() < LONGEST, "it takes {:?}", begun.elapsed());
        seed += 1;
    }
    say(&format!("{target}: {} files, spoiled {} times from COUNTERTOP_SEED={first}", files.len(), seed - first));
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

//! Chance that can be had again: what one seed draws, it always draws.

use std::time::{SystemTime, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// Draws from a seed.
#[derive(Debug)]
pub(crate) struct Dice(StdRng);

impl Dice {
    /// Those of a seed.
    pub(crate) fn of(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Those of `COUNTERTOP_SEED`, or new ones; the seed is told with what they
    /// are for.
    pub(crate) fn new(what: &str) -> Self {
        let seed = seed();
        print(&format!("COUNTERTOP_SEED={seed} ({what})"));
        Self::of(seed)
    }

    /// Any number.
    pub(crate) fn draw(&mut self) -> u64 {
        self.0.random()
    }

    /// A number below `most`.
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0.random_range(0..most)
    }

    /// A place among so many.
    pub(crate) fn place(&mut self, among: usize) -> usize {
        self.0.random_range(0..among)
    }

    /// Whether it is the one time in so many.
    pub(crate) fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        these[self.place(these.len())]
    }

    /// Dice of their own for somebody else.
    pub(crate) fn another(&mut self) -> Self {
        Self::of(self.draw())
    }
}

/// `COUNTERTOP_SEED`, or a new one.
pub(crate) fn seed() -> u64 {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() ^ u64::from(since.subsec_nanos()));
    number_from("COUNTERTOP_SEED").unwrap_or_else(now)
}

/// A number from the environment.
pub(crate) fn number_from(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|told| told.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

/// How often: as few as a quick run wants, or what the environment says.
pub(crate) fn times(variable: &str, few: usize) -> usize {
    number_from(variable).map_or(few, |told| usize::try_from(told).expect("a number that can be counted"))
}

/// Prints what draws a run again; a failure shows it.
#[allow(clippy::print_stderr, reason = "who wants the same again needs it")]
pub(crate) fn print(again: &str) {
    eprintln!("drawn again by: {again}");
}

#[test]
fn a_seed_draws_the_same_again() {
    let (mut one, mut other) = (Dice::of(7), Dice::of(7));
    assert_eq!((0..9).map(|_| one.draw()).collect::<Vec<_>>(), (0..9).map(|_| other.draw()).collect::<Vec<_>>());
    assert_ne!(one.draw(), Dice::of(8).draw());
}

//! Chance that can be had again: what one seed draws, it always draws.

use std::time::{SystemTime, UNIX_EPOCH};

/// Draws numbers from a seed (`SplitMix64`).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// Those of a seed.
    pub(crate) const fn of(seed: u64) -> Self {
        Self(seed)
    }

    /// Any number.
    pub(crate) const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `most`.
    pub(crate) const fn below(&mut self, most: u64) -> u64 {
        self.draw() % most
    }

    /// Whether it is the one time in so many.
    pub(crate) const fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// One of these.
    pub(crate) fn one_of<T: Copy>(&mut self, these: &[T]) -> T {
        let place = self.below(these.len() as u64);
        these[usize::try_from(place).expect("a place among them")]
    }

    /// Dice of their own for somebody else.
    pub(crate) const fn another(&mut self) -> Self {
        Self(self.draw())
    }
}

/// `COUNTERTOP_SEED`, or a new one.
pub(crate) fn seed() -> u64 {
    let told = std::env::var("COUNTERTOP_SEED").ok().map(|told| told.parse().expect("COUNTERTOP_SEED is a number"));
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() ^ u64::from(since.subsec_nanos()));
    told.unwrap_or_else(now)
}

/// Prints what draws a run again; a failure shows it.
#[allow(clippy::print_stderr, reason = "who wants the same again needs it")]
pub(crate) fn print(again: &str) {
    eprintln!("drawn again by: {again}");
}

/// How often: as few as a quick run wants, or what the environment says.
pub(crate) fn times(variable: &str, few: usize) -> usize {
    std::env::var(variable).map_or(few, |told| told.parse().unwrap_or_else(|_| panic!("{variable} is a number")))
}

#[test]
fn a_seed_draws_the_same_again() {
    let (mut one, mut other) = (Dice::of(7), Dice::of(7));
    assert_eq!((0..9).map(|_| one.draw()).collect::<Vec<_>>(), (0..9).map(|_| other.draw()).collect::<Vec<_>>());
    assert_ne!(one.draw(), Dice::of(8).draw());
}

//! Whether the time of an answer tells what its text does not (T18).
//!
//! Two questions are asked in turn, each first as often as the other, so that
//! whatever else the machine does falls on both. They are told apart where Student's
//! t of the differences within the pairs says that there is one beyond doubt, and
//! the medians differ by more than T18 allows. A run of few pairs, with all other
//! tests beside it, allows some microseconds more: a median of 500 moves by so much
//! there, and by less the more there are. So a slow machine fails nothing, and a
//! question to the database or a hash that is asked of one of them only does.

use std::fmt;
use std::time::Instant;

use crate::dice;

/// By how much of the shorter the medians may differ (T18).
const TOLERATED: f64 = 0.05;
/// From here on a difference is one (T18).
const CERTAIN: f64 = 4.5;
/// What is allowed beside, of 500 pairs; of four times as many it is half.
const NOISE_OF_500: f64 = 250.0;

/// How long answers took, pair by pair, in microseconds.
#[derive(Debug)]
pub(super) struct Times {
    of_something: Vec<f64>,
    of_nothing: Vec<f64>,
}

impl Times {
    /// Asks so many pairs of questions: true is of what is there.
    pub(super) async fn of(pairs: usize, ask: impl AsyncFn(bool, usize)) -> Self {
        let mut times = Self { of_something: Vec::new(), of_nothing: Vec::new() };
        for nth in 0..pairs {
            for is_there in [nth % 2 == 0, nth % 2 == 1] {
                let begun = Instant::now();
                ask(is_there, nth).await;
                let times = if is_there { &mut times.of_something } else { &mut times.of_nothing };
                times.push(begun.elapsed().as_secs_f64() * 1e6);
            }
        }
        times
    }

    fn pairs(&self) -> f64 {
        f64::from(u32::try_from(self.of_something.len()).unwrap())
    }

    /// Student's t of the differences within the pairs.
    fn t(&self) -> f64 {
        let differences: Vec<f64> = self.of_something.iter().zip(&self.of_nothing).map(|(one, other)| one - other).collect();
        let mean = differences.iter().sum::<f64>() / self.pairs();
        let variance = differences.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (self.pairs() - 1.0);
        mean / (variance / self.pairs()).sqrt()
    }

    /// The medians, of what is there and of what is not.
    fn medians(&self) -> (f64, f64) {
        let median = |times: &[f64]| {
            let mut times = times.to_vec();
            times.sort_unstable_by(f64::total_cmp);
            times[times.len() / 2]
        };
        (median(&self.of_something), median(&self.of_nothing))
    }

    /// Whether they say which was which.
    pub(super) fn tell_apart(&self) -> bool {
        let (something, nothing) = self.medians();
        let noise = NOISE_OF_500 * (500.0 / self.pairs()).sqrt();
        self.t().abs() >= CERTAIN && (something - nothing).abs() > something.min(nothing) * TOLERATED + noise
    }

    /// They do not.
    #[track_caller]
    #[expect(clippy::print_stderr, reason = "the figures are what T18 asks for")]
    pub(super) fn tell_nothing(&self, what: &str) {
        eprintln!("T18 {what}: {self}");
        assert!(!self.tell_apart(), "{what}: {self}");
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (something, nothing) = self.medians();
        write!(f, "{} pairs, medians {something:.0} µs of what is there and {nothing:.0} µs of what is not, t {:.1}", self.pairs(), self.t())
    }
}

/// Answers that take about so long, now and then much longer, and longer by
/// something where there is something.
fn drawn(dice: &mut dice::Dice, micros: u32, more: u32) -> Times {
    let mut one = |more: u32| {
        let slow = if dice.one_in(50) { 5_000 } else { 0 };
        f64::from(micros + more + slow) + f64::from(u32::try_from(dice.below(600)).unwrap())
    };
    let (of_something, of_nothing) = (0..500).map(|_| (one(more), one(0))).unzip();
    Times { of_something, of_nothing }
}

#[test]
fn t18_a_slow_machine_tells_nothing_and_a_question_more_does() {
    let mut dice = dice::Dice::of(18);
    for micros in [300, 2_000, 30_000] {
        assert!(!drawn(&mut dice, micros, 0).tell_apart(), "{micros}");
        assert!(!drawn(&mut dice, micros, micros / 50).tell_apart(), "{micros}, within what is tolerated");
        assert!(drawn(&mut dice, micros, 600 + micros / 5).tell_apart(), "{micros}");
    }
}

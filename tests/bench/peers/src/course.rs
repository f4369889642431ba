//! One run of all searches through one engine, and its times.
//!
//! May call [`crate::mix`] and [`crate::times`].

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;
use countertop::api::ids::CustomerId;
use countertop::rules::customer_search::Query;

use crate::mix::Asked;
use crate::times::{Times, micros};

/// How many hits a page has.
pub(crate) const PAGE: usize = 50;

/// What every engine is asked, and what the plain scan answers.
#[derive(Debug)]
pub(crate) struct Course<'a> {
    pub(crate) asked: &'a [Asked],
    /// Empty where answers are not compared.
    pub(crate) truth: &'a [Vec<CustomerId>],
    /// How long each engine runs; all searches once at least.
    pub(crate) time: Duration,
}

/// What came out.
#[derive(Debug)]
pub(crate) struct Ran {
    /// How many searches the engine could answer.
    pub(crate) answered: usize,
    /// How many of them exactly as the plain scan.
    pub(crate) identical: usize,
    /// Which search took how many microseconds.
    times: Vec<(usize, f64)>,
}

impl Course<'_> {
    /// Asks once to compare and to warm up, then asks and measures.
    pub(crate) fn run(&self, mut answer: impl FnMut(&Query) -> Result<Option<Vec<CustomerId>>>) -> Result<Ran> {
        let mut ran = Ran { answered: 0, identical: 0, times: Vec::new() };
        let mut answerable = Vec::new();
        for (nth, asked) in self.asked.iter().enumerate() {
            if let Some(ids) = answer(&asked.query)? {
                ran.identical += usize::from(self.truth.get(nth) == Some(&ids));
                answerable.push((nth, &asked.query));
            }
        }
        ran.answered = answerable.len();
        let start = Instant::now();
        while start.elapsed() < self.time || ran.times.is_empty() {
            for (nth, query) in &answerable {
                let start = Instant::now();
                black_box(answer(query)?);
                ran.times.push((*nth, micros(start.elapsed())));
            }
            if answerable.is_empty() {
                break;
            }
        }
        Ok(ran)
    }
}

impl Ran {
    /// All times.
    pub(crate) fn times(&self) -> Times {
        Times::of(self.times.iter().map(|(_, micros)| *micros))
    }

    /// The searches that take longest, by the median of each.
    pub(crate) fn slowest(&self, count: usize) -> Vec<(usize, f64)> {
        let mut sorted = self.times.clone();
        sorted.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let by_search = sorted.chunk_by(|a, b| a.0 == b.0);
        let mut medians: Vec<(usize, f64)> = by_search.map(|times| times[times.len() / 2]).collect();
        medians.sort_by(|a, b| b.1.total_cmp(&a.1));
        medians.truncate(count);
        medians
    }
}

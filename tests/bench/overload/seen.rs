//! What was seen: how soon callers were answered, and what; what those who attack
//! were told; what the server took of the machine meanwhile. Calls nobody.

use std::collections::{BTreeMap, HashSet};

/// So many steps each time that a time grows by the factor e: one is a percent.
const STEPS: f64 = 100.0;

/// How long millions of answers took, to a percent, in little memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spread {
    steps: Vec<u64>,
    /// How many there are.
    pub(crate) count: u64,
}

impl Spread {
    /// Notes a time in microseconds.
    pub(crate) fn add(&mut self, micros: f64) {
        let step = (micros.max(1.0).ln() * STEPS) as usize;
        if self.steps.len() <= step {
            self.steps.resize(step + 1, 0);
        }
        self.steps[step] += 1;
        self.count += 1;
    }

    /// What a share of them, 0 to 1, does not exceed; none where there are none.
    pub(crate) fn at(&self, share: f64) -> Option<f64> {
        let mut left = (self.count as f64 * share).ceil() as u64;
        for (step, many) in self.steps.iter().enumerate() {
            left = left.saturating_sub(*many);
            if left == 0 && self.count > 0 {
                return Some(((step + 1) as f64 / STEPS).exp());
            }
        }
        None
    }

    /// What 99 of 100 do not exceed. Where there are none it is no number, which
    /// is below no other: nobody who was served is not served quickly.
    pub(crate) fn p99(&self) -> f64 {
        self.at(0.99).unwrap_or(f64::NAN)
    }
}

/// All that was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Searches and look-ups that were answered.
    pub(crate) reads: Spread,
    /// Writes that were acknowledged.
    pub(crate) writes: Spread,
    /// Who was told to come again later.
    pub(crate) refusals: Spread,
    /// Connections that broke, and answers that did not come.
    pub(crate) broken: usize,
    /// Answers of any other status.
    pub(crate) others: BTreeMap<u16, usize>,
    /// The numbers of the customers whose making was acknowledged.
    pub(crate) acknowledged: Vec<String>,
}

impl Seen {
    /// Notes an answer: to a read, or to the making of a customer.
    pub(crate) fn note(&mut self, status: u16, micros: f64, number: Option<String>) {
        match (status, number) {
            (200, None) => self.reads.add(micros),
            (201, Some(number)) => {
                self.writes.add(micros);
                self.acknowledged.push(number);
            }
            (429 | 503, _) => self.refusals.add(micros),
            (other, _) => *self.others.entry(other).or_default() += 1,
        }
    }

    /// How many were served.
    pub(crate) const fn served(&self) -> u64 {
        self.reads.count + self.writes.count
    }

    /// What nobody should have seen.
    pub(crate) fn faults(&self) -> usize {
        self.broken + self.others.values().sum::<usize>()
    }
}

/// What those who attack were told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// How many lines there were.
    pub(crate) lines: usize,
    /// How often which status.
    pub(crate) statuses: BTreeMap<u16, usize>,
    /// Lines that were closed or could not be had, without an answer.
    pub(crate) closed: usize,
    /// Lines that were open still in the end.
    pub(crate) open: usize,
}

impl Told {
    /// Notes an answer, or that there was none.
    pub(crate) fn note(&mut self, heard: Option<u16>) {
        match heard {
            Some(status) => *self.statuses.entry(status).or_default() += 1,
            None => self.closed += 1,
        }
    }
}

/// What the server takes of the machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// Memory that is resident, in MiB.
    pub(crate) memory: f64,
    /// Files and connections that are open.
    pub(crate) files: usize,
    /// Seconds of the processors since its start.
    pub(crate) work: f64,
    /// The database's log, in MiB.
    pub(crate) log: f64,
}

/// The most of something.
pub(crate) fn most(figures: &[Figures], of: impl Fn(&Figures) -> f64) -> f64 {
    figures.iter().map(of).fold(0.0, f64::max)
}

/// How many of these numbers, each of a customer whose making was acknowledged,
/// are not among those that customers have.
pub(crate) fn lost(acknowledged: &[String], there: Vec<String>) -> usize {
    let there: HashSet<String> = there.into_iter().collect();
    acknowledged.iter().filter(|number| !there.contains(*number)).count()
}

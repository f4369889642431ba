//! What callers saw: how soon they were answered, and what. Calls nobody.

use std::collections::BTreeMap;

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

    /// What 99 of 100 do not exceed; nothing where there are none.
    pub(crate) fn p99(&self) -> f64 {
        self.at(0.99).unwrap_or_default()
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

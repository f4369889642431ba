//! An index that is searched while it changes: a big segment that stands
//! still, ever smaller ones with what changed since on top, and for each the
//! customers that a newer one holds. Searches take the layers as they are;
//! a change puts new layers in their place.
//!
//! May call its siblings below it.

use std::collections::HashSet;
use std::sync::Arc;

use super::build::Builder;
use super::entry::Entry;
use super::hit::Hit;
use super::segment::Segment;
use crate::api::ids::CustomerId;

/// All layers, the biggest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Layers {
    pub(super) all: Vec<Layer>,
}

/// A segment and what of it no longer counts.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) segment: Arc<Segment>,
    pub(super) hidden: Hidden,
}

/// Customers of a layer that a newer one holds. A change copies the few recent
/// ones, not all.
#[derive(Debug, Clone, Default)]
pub(super) struct Hidden {
    settled: Arc<HashSet<u32>>,
    recent: HashSet<u32>,
}

/// So many recent ones are settled with the others.
const RECENT: usize = 1_024;

impl Hidden {
    pub(super) fn contains(&self, customer: u32) -> bool {
        self.recent.contains(&customer) || self.settled.contains(&customer)
    }

    fn len(&self) -> usize {
        self.settled.len() + self.recent.len()
    }

    fn insert(&mut self, customer: u32) {
        self.recent.insert(customer);
        if self.recent.len() > RECENT {
            Arc::make_mut(&mut self.settled).extend(self.recent.drain());
        }
    }

    /// Those that are not hidden there.
    fn since<'a>(&'a self, then: &'a Self) -> impl Iterator<Item = u32> + 'a {
        self.settled.iter().chain(&self.recent).copied().filter(|customer| !then.contains(*customer))
    }
}

/// Up to so many customers the newest layer is made anew with each change.
const FRESH: usize = 256;
/// Up to so many customers layers are merged at once; more wait for
/// [`Layers::merged`] on a thread of its own.
const AT_ONCE: usize = 4_096;
/// A layer is merged with those on top of it when they grew to this part of it.
const PART: usize = 4;

impl Layer {
    fn of(segment: Segment) -> Self {
        Self { segment: Arc::new(segment), hidden: Hidden::default() }
    }

    fn len(&self) -> usize {
        (self.segment.len() as usize).saturating_sub(self.hidden.len())
    }

    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        (0..self.segment.len()).filter(|customer| !self.hidden.contains(*customer)).map(|customer| Hit::new(&self.segment, customer).entry())
    }

    fn find(&self, id: CustomerId) -> Option<u32> {
        self.segment.find(id).filter(|customer| !self.hidden.contains(*customer))
    }

    fn hide(&mut self, id: CustomerId) {
        if let Some(customer) = self.find(id) {
            self.hidden.insert(customer);
        }
    }
}

impl Layers {
    /// A single layer.
    pub(super) fn of(segment: Segment) -> Self {
        Self { all: vec![Layer::of(segment)] }
    }

    /// How many customers there are.
    pub(super) fn len(&self) -> usize {
        self.all.iter().map(Layer::len).sum()
    }

    /// Which customer of which layer has an id.
    pub(super) fn find(&self, id: CustomerId) -> Option<(usize, u32)> {
        self.all.iter().enumerate().rev().find_map(|(at, layer)| layer.find(id).map(|customer| (at, customer)))
    }

    /// Puts changed customers on top. The first `frozen` layers are being
    /// merged elsewhere and only hide what is new.
    pub(super) fn put(&mut self, entries: Vec<Entry>, frozen: usize) {
        if entries.is_empty() {
            return;
        }
        let mut builder = Builder::default();
        let mut seen = HashSet::new();
        // Told twice of one customer, the last word counts.
        for entry in entries.into_iter().rev() {
            if seen.insert(entry.id) {
                self.all.iter_mut().for_each(|layer| layer.hide(entry.id));
                builder.add(&entry);
            }
        }
        while self.all.len() > frozen && self.all.last().is_some_and(|top| top.len() + builder.len() <= FRESH || self.is_overgrown(builder.len())) {
            let Some(top) = self.all.pop() else { break };
            top.entries().for_each(|entry| builder.add(&entry));
        }
        self.all.push(Layer::of(builder.finish()));
    }

    /// Whether the top layer and what comes on it are small enough to be
    /// merged at once, and it is time.
    fn is_overgrown(&self, coming: usize) -> bool {
        self.all.last().is_some_and(|top| top.len() < PART * coming && top.len() + coming <= AT_ONCE)
    }

    /// How many layers from which one on are due to be merged.
    pub(super) fn due(&self) -> Option<usize> {
        (0..self.all.len()).find(|from| {
            let above: usize = self.all[from + 1..].iter().map(Layer::len).sum();
            let layer = &self.all[*from];
            above * PART > layer.len() || layer.hidden.len() * PART > layer.segment.len() as usize
        })
    }

    /// The layers from one on as one.
    pub(super) fn merged(&self, from: usize) -> Layer {
        let mut builder = Builder::default();
        self.all[from..].iter().flat_map(Layer::entries).for_each(|entry| builder.add(&entry));
        Layer::of(builder.finish())
    }

    /// Whether these are those of before, with perhaps more on top.
    pub(super) fn begin_as(&self, before: &Self) -> bool {
        let same = self.all.iter().zip(&before.all).all(|(now, then)| Arc::ptr_eq(&now.segment, &then.segment));
        self.all.len() >= before.all.len() && same
    }

    /// Puts a merged layer where it belongs. `before` is what was merged, from
    /// layer `from` on; what was hidden since is hidden in it too.
    pub(super) fn replace(&mut self, before: &Self, from: usize, mut merged: Layer) {
        for (then, now) in before.all[from..].iter().zip(&self.all[from..]) {
            for customer in now.hidden.since(&then.hidden) {
                merged.hide(now.segment.id(customer));
            }
        }
        self.all.splice(from..before.all.len(), [merged]);
    }

    /// The memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.all.iter().map(|layer| layer.segment.bytes() + layer.hidden.len() * 8).sum()
    }
}

//! The customer index in the server's memory, so that both databases rank
//! alike (8.2, "What a search hit is") and no search reads the database, which
//! stays the truth: the change feed keeps the index fresh.
//!
//! A query is split at spaces, so each part is a piece of one word: a
//! [`vocabulary`] of the distinct words says which, however many customers
//! there are, [`postings`] which customers have them, in the order of the
//! ranking, and a [`walk`] ends when enough are found.
//!
//! May call [`crate::store`], [`crate::api`], [`crate::rules`] and
//! [`crate::text`].

mod build;
mod bytes;
mod entry;
mod hit;
mod layers;
mod led;
mod marks;
mod near;
mod pieces;
#[cfg(test)]
mod plain_scan;
mod postings;
mod reach;
mod record;
mod segment;
mod vocabulary;
mod walk;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::{Deserialize, Serialize};

pub use hit::Hit;

use crate::api::ids::{CustomerId, ShopId};
use crate::rules::customer_search::{Matched, Query};
use crate::store::Scope;
use crate::store::customer_index::IndexRows;
use build::Builder;
use entry::Entry;
use layers::Layers;
use near::Extent;
use reach::Reach;
use walk::Walk;

/// All customers, sorted by folded name and id.
#[derive(Debug, Default)]
pub struct CustomerIndex {
    layers: RwLock<Arc<Layers>>,
    /// Held by whoever changes the layers: how many of them are being merged.
    changing: Mutex<Option<usize>>,
}

/// A hit's place in the ranking: what a cursor holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// How it matched.
    pub matched: Matched,
    /// Its folded name.
    pub name: String,
    /// Its id.
    pub id: CustomerId,
}

/// A page of hits, best first.
#[derive(Debug, Default)]
pub struct Hits {
    layers: Arc<Layers>,
    /// How it matched, in which layer, which customer of it.
    items: Vec<(Matched, usize, u32)>,
    /// Whether there are no more than these behind where the page began.
    pub is_complete: bool,
}

impl Hits {
    fn none() -> Self {
        Self { is_complete: true, ..Self::default() }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The hits, and how each matched.
    pub fn iter(&self) -> impl Iterator<Item = (Matched, Hit<'_>)> {
        self.items.iter().map(|(matched, layer, customer)| (*matched, Hit::new(&self.layers.all[*layer].segment, *customer)))
    }

    /// Where the page ends.
    #[must_use]
    pub fn last(&self) -> Option<Found> {
        let (matched, layer, customer) = self.items.last()?;
        let segment = &self.layers.all[*layer].segment;
        Some(Found { matched: *matched, name: segment.folded_name(*customer), id: segment.id(*customer) })
    }
}

/// Customers on their way into the index, in any order.
#[derive(Debug, Default)]
pub struct Loading(Builder);

impl Loading {
    /// Takes some in. No customer may come twice.
    pub fn add<T: AsRef<str>>(&mut self, rows: IndexRows<T>) {
        entry::from_rows(rows).for_each(|entry| self.0.add(&entry));
    }
}

impl CustomerIndex {
    /// Replaces everything.
    pub fn load(&self, rows: IndexRows) {
        let mut loading = Loading::default();
        loading.add(rows);
        self.finish(loading);
    }

    /// Replaces everything by what was loaded.
    pub fn finish(&self, loading: Loading) {
        let layers = Layers::of(loading.0.finish());
        let _changing = self.changing();
        self.set(layers);
    }

    /// Puts in what changed.
    pub fn put(&self, changed: IndexRows) {
        let entries: Vec<Entry> = entry::from_rows(changed).collect();
        let merging = self.changing();
        let mut layers = Layers::clone(&self.now());
        layers.put(entries, merging.unwrap_or(0));
        self.set(layers);
    }

    /// Whether [`CustomerIndex::tidy`] has work to do.
    #[must_use]
    pub fn is_untidy(&self) -> bool {
        self.now().due().is_some()
    }

    /// Merges what has piled up. Takes a while where there is much; searches
    /// and changes go on meanwhile. Only one at a time has an effect.
    pub fn tidy(&self) {
        let mut merging = self.changing();
        let before = self.now();
        let Some(from) = before.due().filter(|_| merging.is_none()) else { return };
        *merging = Some(before.all.len());
        drop(merging);
        let merging = Merging(self);
        let merged = before.merged(from);
        let changing = self.changing();
        let mut layers = Layers::clone(&self.now());
        // Not if everything was loaded anew meanwhile.
        if layers.begin_as(&before) {
            layers.replace(&before, from, merged);
            self.set(layers);
        }
        drop(changing);
        drop(merging);
    }

    /// The hits of a query within scope, best first: at most `limit` of them
    /// behind `after`. What is one edit away only where nothing else is.
    #[must_use]
    pub fn search(&self, query: &Query, scope: &Scope, after: Option<&Found>, limit: usize) -> Hits {
        let layers = self.now();
        let collected = |near| collect(&layers, query, scope, after, limit, near);
        match after.map(|after| after.matched.tier()) {
            Some((Matched::NEAR_MISS, 0)) => collected(Some(Extent::Word)),
            Some((Matched::NEAR_MISS, _)) => collected(Some(Extent::Beginning)),
            Some(_) => collected(None),
            // The code of a state is that one or none.
            None if query.is_state_code() => collected(None),
            None => {
                let looks = [None, Some(Extent::Word), Some(Extent::Beginning)];
                looks.into_iter().map(collected).find(|hits| !hits.is_empty()).unwrap_or_else(Hits::none)
            }
        }
    }

    /// A customer's number at a shop, else the first that the scope may see.
    #[must_use]
    pub fn number(&self, id: CustomerId, scope: &Scope, shop: Option<ShopId>) -> Option<String> {
        let layers = self.now();
        let (layer, customer) = layers.find(id)?;
        let hit = Hit::new(&layers.all[layer].segment, customer);
        if hit.is_within(scope) { hit.number(scope, shop).map(str::to_owned) } else { None }
    }

    /// How many customers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.now().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The memory held, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.now().bytes()
    }

    /// Whoever panicked with a lock left whole layers behind, so it is taken over.
    fn now(&self) -> Arc<Layers> {
        Arc::clone(&self.layers.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, layers: Layers) {
        *self.layers.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(layers);
    }

    fn changing(&self) -> MutexGuard<'_, Option<usize>> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Layers are being merged, until it is dropped.
struct Merging<'a>(&'a CustomerIndex);

impl Drop for Merging<'_> {
    fn drop(&mut self) {
        *self.0.changing() = None;
    }
}

/// Searches each layer and joins what was found.
fn collect(layers: &Arc<Layers>, query: &Query, scope: &Scope, after: Option<&Found>, limit: usize, near: Option<Extent>) -> Hits {
    let mut items = Vec::new();
    let mut is_complete = true;
    for (at, layer) in layers.all.iter().enumerate() {
        let mut walk = Walk::new(&layer.segment, &layer.hidden, query, Reach::new(&layer.segment, scope), after, limit + 1);
        match near {
            None => walk.exact(),
            Some(extent) => walk.near(extent),
        }
        is_complete &= walk.complete;
        items.extend(walk.found.into_iter().map(|(matched, customer)| (matched, at, customer)));
    }
    if items.iter().any(|(_, layer, _)| *layer != items[0].1) {
        items.sort_by_cached_key(|(matched, layer, customer)| {
            let segment = &layers.all[*layer].segment;
            (matched.tier(), segment.folded_name(*customer), segment.id(*customer))
        });
    }
    is_complete &= items.len() <= limit;
    items.truncate(limit);
    Hits { layers: Arc::clone(layers), items, is_complete }
}

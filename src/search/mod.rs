//! The customer index in the server's memory, so that both databases rank
//! alike (8.2, "What a search hit is"). It is a plain scan over folded text;
//! the database stays the truth and the change feed keeps the index fresh.
//!
//! May call [`crate::store`], [`crate::api`], [`crate::rules`] and
//! [`crate::text`].

mod entry;
mod rank;

use std::collections::HashMap;
use std::sync::{Arc, RwLock, RwLockReadGuard};

pub use entry::Entry;
pub use rank::{Found, Matched, Query, QueryFault};

use crate::api::ids::CustomerId;
use crate::store::Scope;
use crate::store::customers::IndexRows;

/// All customers, sorted by folded name and id.
#[derive(Debug, Default)]
pub struct CustomerIndex {
    rows: RwLock<Rows>,
}

#[derive(Debug, Default)]
struct Rows {
    sorted: Vec<Arc<Entry>>,
    by_id: HashMap<CustomerId, Arc<Entry>>,
}

/// Up to this many changed customers are put in one by one; more are sorted in.
const FEW: usize = 64;

impl CustomerIndex {
    /// Replaces everything.
    pub fn load(&self, rows: IndexRows) {
        let entries = entry::from_rows(rows);
        let by_id = entries.iter().map(|entry| (entry.id, Arc::clone(entry))).collect();
        let mut sorted = entries;
        sorted.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
        *self.write() = Rows { sorted, by_id };
    }

    /// Puts in what changed.
    pub fn put(&self, changed: IndexRows) {
        let entries = entry::from_rows(changed);
        let mut rows = self.write();
        if entries.len() > FEW {
            let new: HashMap<CustomerId, &Arc<Entry>> = entries.iter().map(|entry| (entry.id, entry)).collect();
            rows.sorted.retain(|entry| !new.contains_key(&entry.id));
            rows.sorted.extend(entries.iter().cloned());
            rows.sorted.sort_by(|a, b| a.order().cmp(&b.order()));
        } else {
            for entry in &entries {
                if let Some(old) = rows.by_id.get(&entry.id).cloned()
                    && let Ok(at) = rows.sorted.binary_search_by(|other| other.order().cmp(&old.order()))
                {
                    rows.sorted.remove(at);
                }
                let at = rows.sorted.partition_point(|other| other.order() < entry.order());
                rows.sorted.insert(at, Arc::clone(entry));
            }
        }
        rows.by_id.extend(entries.into_iter().map(|entry| (entry.id, entry)));
    }

    /// The hits of a query within scope, best first: `limit` of them behind
    /// `after`, and how many there are in all.
    #[must_use]
    pub fn search(&self, query: &Query, scope: &Scope, after: Option<&Found>, limit: usize) -> (Vec<(Found, Arc<Entry>)>, u64) {
        let rows = self.read();
        let mut ranks: Vec<(Matched, usize)> = Vec::new();
        for (at, entry) in rows.sorted.iter().enumerate() {
            if query.may_match(entry)
                && entry.is_within(scope)
                && let Some(matched) = query.matches(entry, scope)
            {
                ranks.push((matched, at));
            }
        }
        let total = ranks.len() as u64;
        // Rows stand in the order of name and id, so their place is that part
        // of the rank.
        ranks.sort_unstable_by_key(|(matched, at)| (matched.class, matched.field, *at));
        let found = ranks.into_iter().map(|(matched, at)| {
            let entry = &rows.sorted[at];
            (Found { matched, name: entry.folded_name().to_owned(), id: entry.id }, Arc::clone(entry))
        });
        let page = found.skip_while(|(found, _)| after.is_some_and(|after| found.order() <= after.order())).take(limit).collect();
        (page, total)
    }

    /// One customer as the index has it.
    #[must_use]
    pub fn get(&self, id: CustomerId) -> Option<Arc<Entry>> {
        self.read().by_id.get(&id).cloned()
    }

    /// How many customers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.read().sorted.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A writer that panicked left whole entries behind, so its lock is taken
    /// over.
    fn read(&self) -> RwLockReadGuard<'_, Rows> {
        self.rows.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Rows> {
        self.rows.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

//! What of a segment a scope reaches.
//!
//! May call [`super::segment`], [`crate::store`] (what a scope is).

use super::record::Record;
use super::segment::Segment;
use crate::store::Scope;

/// A scope in terms of one segment: the same rule as the database's queries.
#[derive(Debug)]
pub(super) struct Reach<'a> {
    pub(super) scope: &'a Scope,
    /// For each set of shops whether one of them is reached.
    shops: Vec<bool>,
    /// The customers reached by themselves or by an organization, ascending;
    /// those of shops too, where they are few.
    customers: Vec<u32>,
    /// About how many are reached.
    count: u64,
}

/// So many are looked at one by one rather than looked up.
const FEW: u64 = if cfg!(test) { 8 } else { 4_096 };

impl<'a> Reach<'a> {
    pub(super) fn new(segment: &Segment, scope: &'a Scope) -> Self {
        if scope.everything {
            return Self { scope, shops: Vec::new(), customers: Vec::new(), count: u64::from(segment.len()) };
        }
        let own = scope.customers.iter().filter_map(|id| segment.find(*id));
        let theirs = scope.organizations.iter().flat_map(|id| segment.of_organization(*id));
        let theirs = theirs.filter(|(_, portal_enabled)| *portal_enabled || !scope.portal_only).map(|(customer, _)| customer);
        let mut customers: Vec<u32> = own.chain(theirs).collect();
        let shops: Vec<bool> = segment.shops.iter().map(|shops| shops.iter().any(|shop| scope.shops.contains(shop))).collect();
        let lists = || (segment.lists.shops..).zip(&shops).filter(|(_, reached)| **reached).map(|(list, _)| list);
        let count = lists().map(|list| u64::from(segment.postings.count(list))).sum::<u64>() + customers.len() as u64;
        if count <= FEW {
            lists().for_each(|list| customers.extend(segment.postings.list(list)));
        }
        customers.sort_unstable();
        customers.dedup();
        Self { scope, shops, customers, count }
    }

    /// The customers reached, where they are few enough to look at each.
    pub(super) fn few(&self) -> Option<&[u32]> {
        (!self.scope.everything && (self.count <= FEW || self.scope.shops.is_empty())).then_some(self.customers.as_slice())
    }

    /// About how many are reached.
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn reaches(&self, customer: u32, record: &Record<'_>) -> bool {
        self.scope.everything || self.shops.get(record.shops as usize).is_some_and(|reached| *reached) || self.customers.binary_search(&customer).is_ok()
    }
}

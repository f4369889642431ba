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
    /// The customers reached by themselves or by an organization, ascending.
    customers: Vec<u32>,
}

impl<'a> Reach<'a> {
    pub(super) fn new(segment: &Segment, scope: &'a Scope) -> Self {
        if scope.everything {
            return Self { scope, shops: Vec::new(), customers: Vec::new() };
        }
        let own = scope.customers.iter().filter_map(|id| segment.find(*id));
        let theirs = scope.organizations.iter().flat_map(|id| segment.of_organization(*id));
        let theirs = theirs.filter(|(_, portal_enabled)| *portal_enabled || !scope.portal_only).map(|(customer, _)| customer);
        let mut customers: Vec<u32> = own.chain(theirs).collect();
        customers.sort_unstable();
        customers.dedup();
        let reached = |shops: &[_]| shops.iter().any(|shop| scope.shops.contains(shop));
        Self { scope, shops: if scope.shops.is_empty() { Vec::new() } else { segment.shops.iter().map(|shops| reached(shops)).collect() }, customers }
    }

    /// The customers reached, where they are few enough to look at each.
    pub(super) fn few(&self) -> Option<&[u32]> {
        (!self.scope.everything && self.scope.shops.is_empty()).then_some(self.customers.as_slice())
    }

    pub(super) fn reaches(&self, customer: u32, record: &Record<'_>) -> bool {
        self.scope.everything || self.shops.get(record.shops as usize).is_some_and(|reached| *reached) || self.customers.binary_search(&customer).is_ok()
    }
}

//! Every use of the program's own index, in this one place.
//!
//! May call [`crate::customers`].

use std::time::{Duration, Instant};

use countertop::api::ids::{CustomerId, ShopId};
use countertop::rules::customer_search::{Matched, Query};
use countertop::search::CustomerIndex;
use countertop::store::Scope;
use countertop::store::customer_index::{IndexLink, IndexRow, IndexRows};
use uuid::Uuid;

use crate::customers::{COUNTRY, Customer, Customers};

/// The index, filled.
#[derive(Debug)]
pub(crate) struct Ours {
    index: CustomerIndex,
    scope: Scope,
}

/// The first page of a search.
#[derive(Debug)]
pub(crate) struct Page {
    /// Hits of the rule.
    pub(crate) hits: Vec<CustomerId>,
    /// What is one edit away, where there is no hit.
    pub(crate) near: Vec<CustomerId>,
}

impl Ours {
    /// Loads all customers, and tells how long the index took for them.
    pub(crate) fn load(customers: &Customers) -> (Self, Duration) {
        let rows = rows(customers.all());
        let start = Instant::now();
        let index = CustomerIndex::default();
        index.load(rows);
        (Self { index, scope: Scope::deployment() }, start.elapsed())
    }

    /// Searches.
    pub(crate) fn search(&self, query: &Query, limit: usize) -> Page {
        let found = self.index.search(query, &self.scope, None, limit);
        let is_near = found.iter().next().is_some_and(|(matched, _)| matched.class == Matched::NEAR_MISS);
        let ids = found.iter().map(|(_, hit)| hit.id()).collect();
        if is_near { Page { hits: Vec::new(), near: ids } } else { Page { hits: ids, near: Vec::new() } }
    }

    /// Puts one changed customer in, and tells how long that took.
    pub(crate) fn put(&self, customer: Customer) -> Duration {
        let changed = rows([customer]);
        let start = Instant::now();
        self.index.put(changed);
        start.elapsed()
    }

    /// The memory it holds.
    pub(crate) fn bytes(&self) -> usize {
        self.index.bytes()
    }
}

/// As the store reads them.
fn rows(customers: impl IntoIterator<Item = Customer>) -> IndexRows {
    let mut rows = IndexRows::default();
    for customer in customers {
        for (shop, number) in (1..).zip(customer.numbers) {
            rows.links.push(IndexLink { customer_id: customer.id, shop_id: ShopId(Uuid::from_u128(shop)), number: Some(number) });
        }
        rows.customers.push(IndexRow {
            id: customer.id,
            kind: "local".to_owned(),
            name: customer.name,
            city: Some(customer.city.to_owned()),
            state: Some(customer.state.to_owned()),
            country: Some(COUNTRY.to_owned()),
            phone: Some(customer.phone),
            postal_code: Some(customer.postal_code),
        });
    }
    rows
}

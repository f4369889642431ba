//! A customer as the index keeps it: what is shown, and the same folded.

use std::collections::HashMap;
use std::sync::Arc;

use crate::api::customer::CustomerKind;
use crate::api::ids::{CustomerId, OrganizationId, ShopId};
use crate::rules::place;
use crate::store::Scope;
use crate::store::customers::{IndexRow, IndexRows};
use crate::text::{digits, fold};

/// One customer.
#[derive(Debug)]
pub struct Entry {
    /// Its id.
    pub id: CustomerId,
    /// Local or fleet.
    pub kind: CustomerKind,
    /// Its name.
    pub name: String,
    /// City.
    pub city: Option<String>,
    /// Second part of ISO 3166-2.
    pub state: Option<String>,
    /// ISO 3166-1 alpha-2.
    pub country: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    /// Postal code.
    pub postal_code: Option<String>,
    /// Its shops, with its number at each.
    links: Vec<(ShopId, Option<String>)>,
    organizations: Vec<(OrganizationId, bool)>,
    pub(super) folded: Folded,
}

/// The searchable fields.
#[derive(Debug)]
pub(super) struct Folded {
    pub(super) name: String,
    pub(super) city: String,
    /// Code, name and full code: `tx texas us-tx`.
    pub(super) state: String,
    /// As [`Entry::links`].
    pub(super) numbers: Vec<String>,
    pub(super) phone: String,
    pub(super) postal_code: String,
    /// All of them, a line each: what is not in here is in none of them, and
    /// most customers are passed over by this one look.
    pub(super) anywhere: Box<str>,
}

impl Folded {
    fn new(row: &IndexRow, links: &[(ShopId, Option<String>)]) -> Self {
        let mut folded = Self {
            name: fold(&row.name),
            city: fold(row.city.as_deref().unwrap_or_default()),
            state: folded_state(row.country.as_deref(), row.state.as_deref()),
            numbers: links.iter().map(|(_, number)| fold(number.as_deref().unwrap_or_default())).collect(),
            phone: digits(row.phone.as_deref().unwrap_or_default()),
            postal_code: fold(row.postal_code.as_deref().unwrap_or_default()),
            anywhere: Box::default(),
        };
        let fields = [&folded.name, &folded.city, &folded.state, &folded.phone, &folded.postal_code];
        let lines: Vec<&str> = fields.into_iter().chain(&folded.numbers).map(String::as_str).collect();
        folded.anywhere = lines.join("\n").into();
        folded
    }
}

impl Entry {
    /// What entries are sorted by.
    pub(super) fn order(&self) -> (&str, CustomerId) {
        (&self.folded.name, self.id)
    }

    /// The folded name.
    pub(super) fn folded_name(&self) -> &str {
        &self.folded.name
    }

    /// Whether the scope reaches this customer, by the same rule as the
    /// database's queries.
    #[must_use]
    pub fn is_within(&self, scope: &Scope) -> bool {
        scope.everything
            || scope.customers.contains(&self.id)
            || self.links.iter().any(|(shop, _)| scope.shops.contains(shop))
            || self.organizations.iter().any(|(id, portal)| scope.organizations.contains(id) && (*portal || !scope.portal_only))
    }

    /// Whether a shop's number may be seen: another shop's link is none of a
    /// shop's business.
    fn sees_link(scope: &Scope, shop: ShopId) -> bool {
        scope.everything || scope.shops.is_empty() || scope.shops.contains(&shop)
    }

    /// The folded numbers that the scope may see.
    pub(super) fn numbers(&self, scope: &Scope) -> impl Iterator<Item = &str> {
        self.links
            .iter()
            .zip(&self.folded.numbers)
            .filter(|((shop, _), number)| !number.is_empty() && Self::sees_link(scope, *shop))
            .map(|(_, number)| number.as_str())
    }

    /// The number at the session's shop, else the first one (8.2, "Shapes").
    #[must_use]
    pub fn number(&self, scope: &Scope, shop: Option<ShopId>) -> Option<&str> {
        let seen = || self.links.iter().filter(|(shop, number)| number.is_some() && Self::sees_link(scope, *shop));
        seen().find(|(at, _)| Some(*at) == shop).or_else(|| seen().next()).and_then(|(_, number)| number.as_deref())
    }
}

/// Entries from what was read.
pub(super) fn from_rows(rows: IndexRows) -> Vec<Arc<Entry>> {
    let mut links: HashMap<CustomerId, Vec<(ShopId, Option<String>)>> = HashMap::new();
    for link in rows.links {
        links.entry(link.customer_id).or_default().push((link.shop_id, link.number));
    }
    let mut organizations: HashMap<CustomerId, Vec<(OrganizationId, bool)>> = HashMap::new();
    for organization in rows.organizations {
        organizations.entry(organization.customer_id).or_default().push((organization.id, organization.portal_enabled));
    }
    rows.customers
        .into_iter()
        .map(|row| {
            let links = links.remove(&row.id).unwrap_or_default();
            let organizations = organizations.remove(&row.id).unwrap_or_default();
            Arc::new(entry(row, links, organizations))
        })
        .collect()
}

fn entry(row: IndexRow, links: Vec<(ShopId, Option<String>)>, organizations: Vec<(OrganizationId, bool)>) -> Entry {
    let folded = Folded::new(&row, &links);
    Entry {
        id: row.id,
        kind: CustomerKind::named(&row.kind).unwrap_or_default(),
        name: row.name,
        city: row.city,
        state: row.state,
        country: row.country,
        phone: row.phone,
        postal_code: row.postal_code,
        links,
        organizations,
        folded,
    }
}

fn folded_state(country: Option<&str>, state: Option<&str>) -> String {
    match (country, state) {
        (Some(country), Some(state)) => {
            let name = place::state_name(country, state).unwrap_or_default();
            fold(&format!("{state} {name} {country}-{state}"))
        }
        (None, Some(state)) => fold(state),
        _ => String::new(),
    }
}

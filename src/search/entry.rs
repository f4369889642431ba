//! A customer as the index takes it in and gives it out.

use crate::api::customer::CustomerKind;
use crate::api::ids::{CustomerId, OrganizationId, ShopId};
use crate::store::Scope;
use crate::store::customer_index::{IndexRow, IndexRows};

/// One customer; its texts are its own or somebody else's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry<T = String> {
    /// Its id.
    pub(super) id: CustomerId,
    /// Local or fleet.
    pub(super) kind: CustomerKind,
    /// Its name.
    pub(super) name: T,
    /// City.
    pub(super) city: Option<T>,
    /// Second part of ISO 3166-2.
    pub(super) state: Option<T>,
    /// ISO 3166-1 alpha-2.
    pub(super) country: Option<T>,
    /// E.164.
    pub(super) phone: Option<T>,
    /// Postal code.
    pub(super) postal_code: Option<T>,
    /// Its shops, with its number at each.
    pub(super) links: Vec<(ShopId, Option<T>)>,
    /// Its organizations, and whether each is enabled for the portal.
    pub(super) organizations: Vec<(OrganizationId, bool)>,
}

/// Whether a shop's number may be seen: another shop's link is none of a
/// shop's business.
pub(super) fn sees_link(scope: &Scope, shop: ShopId) -> bool {
    scope.everything || scope.shops.is_empty() || scope.shops.contains(&shop)
}

/// Entries from what was read: links and organizations stand in the order of
/// the customers.
pub(super) fn from_rows<T: AsRef<str>>(rows: IndexRows<T>) -> impl Iterator<Item = Entry<T>> {
    let mut links = rows.links.into_iter().peekable();
    let mut organizations = rows.organizations.into_iter().peekable();
    rows.customers.into_iter().map(move |row| {
        let linked = std::iter::from_fn(|| links.next_if(|link| link.customer_id == row.id));
        let linked = linked.map(|link| (link.shop_id, link.number)).collect();
        let owned = std::iter::from_fn(|| organizations.next_if(|organization| organization.customer_id == row.id));
        let owned = owned.map(|organization| (organization.id, organization.portal_enabled)).collect();
        entry(row, linked, owned)
    })
}

fn entry<T: AsRef<str>>(row: IndexRow<T>, links: Vec<(ShopId, Option<T>)>, organizations: Vec<(OrganizationId, bool)>) -> Entry<T> {
    Entry {
        id: row.id,
        kind: CustomerKind::named(row.kind.as_ref()).unwrap_or_default(),
        name: row.name,
        city: row.city,
        state: row.state,
        country: row.country,
        phone: row.phone,
        postal_code: row.postal_code,
        links,
        organizations,
    }
}

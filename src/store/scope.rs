//! The scope of a session as SQL (8.2, "Scope"), in this one place.
//!
//! Every scoped query keeps `$1` to `$5` for it: everything, shops,
//! organizations, customers, portal only. The lists are bound as one text of
//! ids, and `list LIKE '%' || id || '%'` asks for membership: the same text on
//! both databases, and exact, for an id holds no wildcard.

use std::fmt::Display;

use crate::api::ids::{CustomerId, OrganizationId, ShopId, UserId};

/// What a session may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The whole deployment.
    pub everything: bool,
    /// These shops with their customers and requests.
    pub shops: Vec<ShopId>,
    /// These organizations with their assets.
    pub organizations: Vec<OrganizationId>,
    /// These customers with their organizations and assets.
    pub customers: Vec<CustomerId>,
    /// Only organizations that are enabled for the portal, and of theirs no
    /// machine that was disposed of (S2-9).
    pub portal_only: bool,
}

impl Scope {
    /// The whole deployment: for the program's own work.
    #[must_use]
    pub fn deployment() -> Self {
        Self { everything: true, ..Self::default() }
    }

    /// Adds another scope's reach.
    pub fn extend(&mut self, other: &Self) {
        self.everything |= other.everything;
        self.shops.extend(other.shops.iter().filter(|id| !self.shops.contains(id)).copied().collect::<Vec<_>>());
        self.organizations.extend(other.organizations.iter().filter(|id| !self.organizations.contains(id)).copied().collect::<Vec<_>>());
        self.customers.extend(other.customers.iter().filter(|id| !self.customers.contains(id)).copied().collect::<Vec<_>>());
    }

    /// Whether all that another scope reaches is within this one.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let lists = within(&other.shops, &self.shops) && within(&other.organizations, &self.organizations) && within(&other.customers, &self.customers);
        (self.everything || (!other.everything && lists)) && (other.portal_only || !self.portal_only)
    }

    /// Whether a shop itself is within reach.
    #[must_use]
    pub fn reaches_shop(&self, shop: ShopId) -> bool {
        self.everything || self.shops.contains(&shop)
    }

    pub(super) fn shop_list(&self) -> String {
        list(&self.shops)
    }

    pub(super) fn organization_list(&self) -> String {
        list(&self.organizations)
    }

    pub(super) fn customer_list(&self) -> String {
        list(&self.customers)
    }
}

/// Whose records alone count, and where those of everybody do all the same: a
/// limit of one grant is not lifted by another that reaches elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// Whose records are its own.
    pub user: UserId,
    /// Where everybody's count.
    pub all_of: Scope,
}

fn within<T: PartialEq>(some: &[T], all: &[T]) -> bool {
    some.iter().all(|one| all.contains(one))
}

fn list(ids: &[impl Display]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// Customer `c`: itself, by a shop it is linked with, by its organization.
macro_rules! customer_in_scope {
    () => {
        "($1 OR $4 LIKE '%' || c.id || '%' \
          OR EXISTS (SELECT 1 FROM customer_shop_link sl WHERE sl.customer_id = c.id AND $2 LIKE '%' || sl.shop_id || '%') \
          OR EXISTS (SELECT 1 FROM organization so WHERE so.customer_id = c.id AND $3 LIKE '%' || so.id || '%' AND (NOT $5 OR so.portal_enabled)))"
    };
}

/// Organization `o`: itself, by its customer, by a shop of its customer; one
/// without a customer by any shop.
macro_rules! organization_in_scope {
    () => {
        "((NOT $5 OR o.portal_enabled) AND ($1 OR $3 LIKE '%' || o.id || '%' \
          OR (o.customer_id IS NOT NULL AND $4 LIKE '%' || o.customer_id || '%') \
          OR ($2 <> '' AND (o.customer_id IS NULL OR EXISTS (SELECT 1 FROM customer_shop_link sl WHERE sl.customer_id = o.customer_id AND $2 LIKE '%' || sl.shop_id || '%')))))"
    };
}

/// Asset `a` of organization `o`, as that one; its own customer, where it has
/// one, stands before its organization's.
macro_rules! asset_in_scope {
    () => {
        "((NOT $5 OR (o.portal_enabled AND a.status <> 'disposed')) AND ($1 OR $3 LIKE '%' || o.id || '%' \
          OR (COALESCE(a.customer_id, o.customer_id) IS NOT NULL AND $4 LIKE '%' || COALESCE(a.customer_id, o.customer_id) || '%') \
          OR ($2 <> '' AND (COALESCE(a.customer_id, o.customer_id) IS NULL OR EXISTS (SELECT 1 FROM customer_shop_link sl WHERE sl.customer_id = COALESCE(a.customer_id, o.customer_id) AND $2 LIKE '%' || sl.shop_id || '%')))))"
    };
}

/// Service request `r` of asset `a`: a shop sees those at itself, all others
/// those of their assets.
macro_rules! request_in_scope {
    () => {
        "((NOT $5 OR (o.portal_enabled AND a.status <> 'disposed')) AND ($1 OR $2 LIKE '%' || r.shop_id || '%' OR $3 LIKE '%' || o.id || '%' \
          OR (COALESCE(a.customer_id, o.customer_id) IS NOT NULL AND $4 LIKE '%' || COALESCE(a.customer_id, o.customer_id) || '%')))"
    };
}

/// The ids of a list that is bound, `$3` or `$4`, as rows: what lies within a few
/// of them is found by an index, however many others there are. Each takes 36
/// characters and a space.
macro_rules! ids {
    ($list:literal) => {
        concat!(
            "(WITH RECURSIVE one(place) AS (SELECT 1 UNION ALL SELECT place + 37 FROM one WHERE place + 36 < length(",
            $list,
            ")) SELECT substr(",
            $list,
            ", place, 36) FROM one)"
        )
    };
}

/// The machines of some customers, and of their organizations. Of these some may
/// have another customer, which is for whoever asks to look at: SQLite would go
/// through all that have none.
macro_rules! assets_of {
    ($customers:expr) => {
        concat!(
            "SELECT ca.id FROM asset ca WHERE ca.customer_id ",
            $customers,
            " UNION ALL SELECT ca.id FROM asset ca WHERE ca.organization_id IN (SELECT co.id FROM organization co WHERE co.customer_id ",
            $customers,
            ")"
        )
    };
}

/// Shop `s`: itself, or one that serves a customer or organization in reach.
macro_rules! shop_in_scope {
    () => {
        concat!(
            "($1 OR $2 LIKE '%' || s.id || '%' \
              OR s.id IN (SELECT sl.shop_id FROM customer_shop_link sl WHERE sl.customer_id IN ",
            ids!("$4"),
            ") OR s.id IN (SELECT sl.shop_id FROM organization so JOIN customer_shop_link sl ON sl.customer_id = so.customer_id \
                           WHERE (NOT $5 OR so.portal_enabled) AND so.id IN ",
            ids!("$3"),
            ") OR EXISTS (SELECT 1 FROM organization so WHERE so.customer_id IS NULL AND (NOT $5 OR so.portal_enabled) AND so.id IN ",
            ids!("$3"),
            "))"
        )
    };
}
pub(super) use {asset_in_scope, assets_of, customer_in_scope, ids, organization_in_scope, request_in_scope, shop_in_scope};

//! What the customer index reads: all customers in parts, and what changed.
//!
//! May call its siblings below it and [`crate::api::ids`].

use super::row::{row, statements};
use super::{Conn, Result};
use crate::api::ids::{CustomerId, OrganizationId, ShopId};

row! {
    /// What the search index keeps of a customer; its texts are its own, or stand
    /// in a packed one.
    pub struct IndexRow<T> {
        /// Its id.
        pub id: CustomerId,
        /// `local` or `fleet`.
        pub kind: T,
        /// Its name.
        pub name: T,
        /// City.
        pub city: Option<T>,
        /// Second part of ISO 3166-2.
        pub state: Option<T>,
        /// ISO 3166-1 alpha-2.
        pub country: Option<T>,
        /// E.164.
        pub phone: Option<T>,
        /// Postal code.
        pub postal_code: Option<T>,
    }
}

row! {
    /// A link as the index keeps it.
    pub struct IndexLink<T> {
        /// The customer.
        pub customer_id: CustomerId,
        /// The shop.
        pub shop_id: ShopId,
        /// The number there.
        pub number: Option<T>,
    }
}

row! {
    /// An organization as the index keeps it.
    pub struct IndexOrganization {
        /// The customer.
        pub customer_id: CustomerId,
        /// The organization.
        pub id: OrganizationId,
        /// Whether portals see it.
        pub portal_enabled: bool,
    }
}

row! {
    /// Customers in one text: a row of its own for each costs more than what
    /// stands in it.
    pub struct PackedCustomers {
        /// The last of them.
        pub last: Option<CustomerId>,
        /// None of no customers.
        pub text: Option<String>,
    }
}

row! {
    /// Their links in one text, or their organizations.
    pub struct Packed {
        /// None where there are none.
        pub text: Option<String>,
    }
}

/// What stands between the fields and behind the rows of a packed text. Both
/// are control characters, which no text keeps that comes in (trap 14).
const FIELD: char = '\u{1f}';
const ROW: char = '\u{1e}';

statements! {
    PACKED = "SELECT MAX(id) AS last, string_agg(packed, $4) AS text FROM (SELECT id, id || $3 || kind || $3 || name || $3 || COALESCE(city, '')
        || $3 || COALESCE(state, '') || $3 || COALESCE(country, '') || $3 || COALESCE(phone, '') || $3 || COALESCE(postal_code, '') AS packed
        FROM customer WHERE id > $1 ORDER BY id LIMIT $2) part";
    PACKED_LINKS = "SELECT string_agg(packed, $4) AS text FROM (SELECT customer_id || $3 || shop_id || $3 || COALESCE(number, '') AS packed FROM customer_shop_link WHERE customer_id > $1 AND customer_id <= $2 ORDER BY customer_id, shop_id) part";
    PACKED_ORGANIZATIONS = "SELECT string_agg(packed, $4) AS text FROM (SELECT customer_id || $3 || id || $3 || CASE WHEN portal_enabled THEN '1' ELSE '' END AS packed
        FROM organization WHERE customer_id > $1 AND customer_id <= $2 ORDER BY customer_id, id) part";
    PART = "SELECT id, kind, name, city, state, country, phone, postal_code FROM customer WHERE id > $1 AND id <= $2 ORDER BY id";
    PART_LINKS = "SELECT customer_id, shop_id, number FROM customer_shop_link WHERE customer_id > $1 AND customer_id <= $2 ORDER BY customer_id, shop_id";
    PART_ORGANIZATIONS = "SELECT customer_id, id, portal_enabled FROM organization WHERE customer_id > $1 AND customer_id <= $2 ORDER BY customer_id, id";
    OF = "SELECT id, kind, name, city, state, country, phone, postal_code FROM customer WHERE id = $1";
    OF_LINKS = "SELECT customer_id, shop_id, number FROM customer_shop_link WHERE customer_id = $1 ORDER BY shop_id";
    OF_ORGANIZATIONS = "SELECT customer_id, id, portal_enabled FROM organization WHERE customer_id = $1 ORDER BY id";
    CHANGED = "SELECT id, kind, name, city, state, country, phone, postal_code FROM customer
        WHERE id IN (SELECT entity_id FROM change WHERE seq > $1 AND seq <= $2 AND entity = 'customer') ORDER BY id";
    CHANGED_LINKS = "SELECT customer_id, shop_id, number FROM customer_shop_link
        WHERE customer_id IN (SELECT entity_id FROM change WHERE seq > $1 AND seq <= $2 AND entity = 'customer') ORDER BY customer_id, shop_id";
    CHANGED_ORGANIZATIONS = "SELECT customer_id, id, portal_enabled FROM organization
        WHERE customer_id IN (SELECT entity_id FROM change WHERE seq > $1 AND seq <= $2 AND entity = 'customer') ORDER BY customer_id, id";
}

/// What the index is made of, all in the order of the customers' ids.
#[derive(Debug, Default)]
pub struct IndexRows<T = String> {
    /// Customers.
    pub customers: Vec<IndexRow<T>>,
    /// Their links.
    pub links: Vec<IndexLink<T>>,
    /// Their organizations.
    pub organizations: Vec<IndexOrganization>,
}

/// Some customers that follow each other, as the database packed them.
#[derive(Debug)]
pub struct Part {
    /// They come behind this one.
    pub after: CustomerId,
    /// And this is the last of them.
    pub last: CustomerId,
    customers: PackedCustomers,
    links: Packed,
    organizations: Packed,
}

/// So many customers behind one, in the order of their ids; none behind the last.
///
/// # Errors
/// When the database fails.
pub async fn part(conn: &mut Conn, after: CustomerId, most: i64) -> Result<Option<Part>> {
    let customers: PackedCustomers = conn.query(PACKED).bind(after).bind(most).bind(FIELD.to_string()).bind(ROW.to_string()).one().await?;
    let Some(last) = customers.last else { return Ok(None) };
    let links = conn.query(PACKED_LINKS).bind(after).bind(last).bind(FIELD.to_string()).bind(ROW.to_string()).one().await?;
    let organizations = conn.query(PACKED_ORGANIZATIONS).bind(after).bind(last).bind(FIELD.to_string()).bind(ROW.to_string()).one().await?;
    Ok(Some(Part { after, last, customers, links, organizations }))
}

/// The customers behind one up to another, read row by row.
///
/// # Errors
/// When the database fails.
pub async fn between(conn: &mut Conn, after: CustomerId, last: CustomerId) -> Result<IndexRows> {
    Ok(IndexRows {
        customers: conn.query(PART).bind(after).bind(last).all().await?,
        links: conn.query(PART_LINKS).bind(after).bind(last).all().await?,
        organizations: conn.query(PART_ORGANIZATIONS).bind(after).bind(last).all().await?,
    })
}

impl Part {
    /// What is in it; none if something of it is odd, because somebody wrote around
    /// the program: then each row has to be read by itself ([`between`]).
    #[must_use]
    pub fn rows(&self) -> Option<IndexRows<&str>> {
        let customers = unpacked(self.customers.text.as_deref(), |[id, kind, name, city, state, country, phone, postal_code]| {
            let [city, state, country, phone, postal_code] = [city, state, country, phone, postal_code].map(some);
            Some(IndexRow { id: id.parse().ok()?, kind, name, city, state, country, phone, postal_code })
        })?;
        let links = unpacked(self.links.text.as_deref(), |[customer, shop, number]| {
            Some(IndexLink { customer_id: customer.parse().ok()?, shop_id: shop.parse().ok()?, number: some(number) })
        })?;
        let organizations = unpacked(self.organizations.text.as_deref(), |[customer, id, portal]| {
            Some(IndexOrganization { customer_id: customer.parse().ok()?, id: id.parse().ok()?, portal_enabled: some(portal).is_some() })
        })?;
        // PostgreSQL packs in the order of what it reads, and promises it nowhere.
        let is_in_order = customers.is_sorted_by_key(|row| row.id)
            && links.is_sorted_by_key(|link| link.customer_id)
            && organizations.is_sorted_by_key(|organization| organization.customer_id);
        is_in_order.then_some(IndexRows { customers, links, organizations })
    }
}

/// The rows of a text; none if one of them is odd.
fn unpacked<'a, T, const FIELDS: usize>(packed: Option<&'a str>, read: impl Fn([&'a str; FIELDS]) -> Option<T>) -> Option<Vec<T>> {
    let Some(text) = packed else { return Some(Vec::new()) };
    text.split(ROW)
        .map(|row| {
            let mut fields = [""; FIELDS];
            let mut found = 0;
            for (place, field) in row.split(FIELD).enumerate() {
                *fields.get_mut(place)? = field;
                found = place + 1;
            }
            if found == FIELDS { read(fields) } else { None }
        })
        .collect()
}

fn some(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}

/// What the changes in `(after, upto]` touched.
///
/// # Errors
/// When the database fails.
pub async fn changed(conn: &mut Conn, after: i64, upto: i64) -> Result<IndexRows> {
    Ok(IndexRows {
        customers: conn.query(CHANGED).bind(after).bind(upto).all().await?,
        links: conn.query(CHANGED_LINKS).bind(after).bind(upto).all().await?,
        organizations: conn.query(CHANGED_ORGANIZATIONS).bind(after).bind(upto).all().await?,
    })
}

/// What is kept of one customer.
///
/// # Errors
/// When the database fails.
pub async fn of(conn: &mut Conn, id: CustomerId) -> Result<IndexRows> {
    Ok(IndexRows {
        customers: conn.query(OF).bind(id).all().await?,
        links: conn.query(OF_LINKS).bind(id).all().await?,
        organizations: conn.query(OF_ORGANIZATIONS).bind(id).all().await?,
    })
}

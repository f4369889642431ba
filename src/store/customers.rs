//! Customers and their links to shops.

use super::row::{row, statements};
use super::scope::customer_in_scope;
use super::{Conn, Result, Scope, bulk, changes};
use crate::api::customer::CustomerKind;
use crate::api::ids::{CustomerId, ShopId, UserId};
use crate::text::fold;

row! {
    /// A customer as stored.
    pub struct CustomerRow {
        /// Its id.
        pub id: CustomerId,
        /// `local` or `fleet`.
        pub kind: String,
        /// Its name.
        pub name: String,
        /// Street and number.
        pub address1: Option<String>,
        /// Second line.
        pub address2: Option<String>,
        /// City.
        pub city: Option<String>,
        /// Second part of ISO 3166-2.
        pub state: Option<String>,
        /// Postal code.
        pub postal_code: Option<String>,
        /// ISO 3166-1 alpha-2.
        pub country: Option<String>,
        /// E.164.
        pub phone: Option<String>,
        /// Digits.
        pub extension: Option<String>,
        /// E.164.
        pub fax: Option<String>,
        /// E-mail.
        pub email: Option<String>,
        /// Free text.
        pub notes: Option<String>,
        /// `active`, `inactive`, `prospect` or `cash`.
        pub status: String,
        /// Owner of a local customer.
        pub owner_shop_id: Option<ShopId>,
        /// For optimistic locking.
        pub row_version: i64,
    }
}

row! {
    /// A customer at a shop.
    pub struct LinkRow {
        /// The shop.
        pub shop_id: ShopId,
        /// Its code.
        pub shop_code: String,
        /// Its name.
        pub shop_name: String,
        /// The number there.
        pub number: Option<String>,
        /// What is known about it.
        pub number_state: String,
        /// Where it is unique.
        pub business_system: String,
        /// Shown on top of jobs.
        pub alert_note: Option<String>,
        /// Whether orders need a purchase order number.
        pub po_required: bool,
    }
}

statements! {
    GET = concat!("SELECT c.* FROM customer c WHERE ", customer_in_scope!(), " AND c.id = $6");
    LINKS = "SELECT l.shop_id, s.code AS shop_code, s.name AS shop_name, l.number, l.number_state, l.business_system, l.alert_note, l.po_required
        FROM customer_shop_link l JOIN shop s ON s.id = l.shop_id WHERE l.customer_id = $1 ORDER BY s.code_key";
    LOCK = "UPDATE customer SET row_version = row_version WHERE id = $1";
    TOUCH = "UPDATE customer SET row_version = row_version + 1 WHERE id = $1 AND row_version = $2";
    COUNT_UNVERIFIED = "SELECT COUNT(*) FROM customer_shop_link WHERE number_state = 'unverified'";
    SET_LINK = "INSERT INTO customer_shop_link (customer_id, shop_id, number, number_key, number_state, business_system, alert_note, po_required, updated_by)
        VALUES ($1, $2, $3, $4, $5, $6, NULL, FALSE, $7)
        ON CONFLICT (customer_id, shop_id) DO UPDATE SET number = excluded.number, number_key = excluded.number_key,
        number_state = excluded.number_state, updated_by = excluded.updated_by";
    SET_ALERT_NOTE = "UPDATE customer_shop_link SET alert_note = $3 WHERE customer_id = $1 AND shop_id = $2";
    BY_NUMBER = "SELECT customer_id FROM customer_shop_link WHERE business_system = $1 AND number_key = $2";
    BY_NUMBER_AT_SHOP = "SELECT customer_id FROM customer_shop_link WHERE shop_id = $1 AND number_key = $2";
    LOOK_ALIKES = concat!("SELECT c.* FROM customer c WHERE ", customer_in_scope!(),
        " AND ((c.import_key >= $6 AND c.import_key < $7 AND c.name_city_key = $8) \
          OR (CAST($9 AS TEXT) IS NOT NULL AND c.phone = $9)) ORDER BY c.id LIMIT 10");
}

impl CustomerRow {
    /// A customer of whom nothing is said yet: a shop's own, or a fleet, which
    /// belongs to none (C-1).
    #[must_use]
    pub fn unnamed(owner: Option<ShopId>) -> Self {
        let kind = if owner.is_some() { CustomerKind::Local } else { CustomerKind::Fleet };
        Self {
            id: CustomerId::new(),
            kind: kind.name().to_owned(),
            name: String::new(),
            address1: None,
            address2: None,
            city: None,
            state: None,
            postal_code: None,
            country: None,
            phone: None,
            extension: None,
            fax: None,
            email: None,
            notes: None,
            status: "active".to_owned(),
            owner_shop_id: owner,
            row_version: 1,
        }
    }

    /// The key under which the duplicate check compares (S3-7).
    #[must_use]
    pub fn name_city_key(&self) -> String {
        name_city_key(&self.name, self.city.as_deref())
    }

    /// The key of a customer without a number (8.3).
    #[must_use]
    pub fn import_key(&self) -> String {
        import_key(&self.name, self.address1.as_deref(), self.city.as_deref(), self.postal_code.as_deref())
    }
}

/// What stands between the parts of both keys.
const BETWEEN: &str = "|";
/// The character that sorts next behind [`BETWEEN`].
const BEHIND: &str = "}";

/// Folded name and city.
#[must_use]
pub fn name_city_key(name: &str, city: Option<&str>) -> String {
    format!("{}{BETWEEN}{}", fold(name), fold(city.unwrap_or_default()))
}

/// Between which import keys all customers of a name and city stand. Both keys
/// begin with the folded name, so they are alike up to the first sign between
/// parts, even where a name holds such a sign itself.
fn import_keys_of(name_city_key: &str) -> (String, String) {
    let name = name_city_key.split(BETWEEN).next().unwrap_or_default();
    (format!("{name}{BETWEEN}"), format!("{name}{BEHIND}"))
}

/// Folded name, address, city and postal code.
#[must_use]
pub fn import_key(name: &str, address1: Option<&str>, city: Option<&str>, postal_code: Option<&str>) -> String {
    [Some(name), address1, city, postal_code].map(|part| fold(part.unwrap_or_default())).join(BETWEEN)
}

/// A customer within scope.
///
/// # Errors
/// When the database fails.
pub async fn get(conn: &mut Conn, scope: &Scope, id: CustomerId) -> Result<Option<CustomerRow>> {
    conn.query(GET).scope(scope).bind(id).first().await
}

/// The shops of a customer with its number at each, by shop code.
///
/// # Errors
/// When the database fails.
pub async fn links(conn: &mut Conn, id: CustomerId) -> Result<Vec<LinkRow>> {
    conn.query(LINKS).bind(id).all().await
}

/// How many customer numbers were never held against the business system.
///
/// # Errors
/// When the database fails.
pub async fn count_unverified(conn: &mut Conn) -> Result<i64> {
    conn.query(COUNT_UNVERIFIED).one().await
}

/// Adds a customer.
///
/// # Errors
/// When the database fails.
pub async fn insert(conn: &mut Conn, row: &CustomerRow) -> Result<()> {
    bulk::insert_customers(conn, &[row]).await?;
    changes::add(conn, "customer", row.id).await
}

/// Changes a customer if it is still of `row.row_version`; false if not.
///
/// # Errors
/// When the database fails.
pub async fn update(conn: &mut Conn, row: &CustomerRow) -> Result<bool> {
    let changed = bulk::update_customers(conn, &[row]).await?;
    changes::add(conn, "customer", row.id).await?;
    Ok(changed)
}

/// A number as it is set at a shop.
#[derive(Debug, Clone)]
pub struct SetNumber<'a> {
    /// The customer.
    pub customer: CustomerId,
    /// The shop.
    pub shop: ShopId,
    /// Where the number is unique.
    pub business_system: &'a str,
    /// None clears it.
    pub number: Option<&'a str>,
    /// `blank`, `unverified` …
    pub state: &'a str,
    /// Who set it.
    pub by: Option<UserId>,
}

/// Sets or clears a customer's number at a shop, making the link if there is
/// none (S3-23).
///
/// # Errors
/// [`super::StoreError::Taken`] when the number belongs to another customer.
pub async fn set_number(conn: &mut Conn, set: &SetNumber<'_>) -> Result<()> {
    conn.query(SET_LINK)
        .bind(set.customer)
        .bind(set.shop)
        .bind(set.number)
        .bind(set.number.map(number_key))
        .bind(set.state)
        .bind(set.business_system)
        .bind(set.by)
        .run()
        .await?;
    changes::add(conn, "customer", set.customer).await
}

/// Sets or clears the note that is shown on top of every job at a shop (S3-25).
///
/// # Errors
/// When the database fails.
pub async fn set_alert_note(conn: &mut Conn, customer: CustomerId, shop: ShopId, note: Option<&str>) -> Result<()> {
    conn.query(SET_ALERT_NOTE).bind(customer).bind(shop).bind(note).run().await?;
    Ok(())
}

/// Customer numbers compare without regard to case and outer spaces.
#[must_use]
pub fn number_key(number: &str) -> String {
    fold(number)
}

/// Keeps other writers from changing a customer until this transaction ends: its
/// version and its numbers are looked at before.
///
/// # Errors
/// When the database fails.
pub async fn lock(conn: &mut Conn, id: CustomerId) -> Result<()> {
    conn.query(LOCK).bind(id).run().await?;
    Ok(())
}

/// Counts a change to the customer's version; false if it is not of `version`.
///
/// # Errors
/// When the database fails.
pub async fn touch(conn: &mut Conn, id: CustomerId, version: i64) -> Result<bool> {
    Ok(conn.query(TOUCH).bind(id).bind(version).run().await? == 1)
}

/// Who has a number in a business system.
///
/// # Errors
/// When the database fails.
pub async fn by_number(conn: &mut Conn, business_system: &str, number: &str) -> Result<Option<CustomerId>> {
    conn.query(BY_NUMBER).bind(business_system).bind(number_key(number)).first().await
}

/// Who has a number at a shop: the key of an imported customer (8.3).
///
/// # Errors
/// When the database fails.
pub async fn by_number_at_shop(conn: &mut Conn, shop: ShopId, number: &str) -> Result<Option<CustomerId>> {
    conn.query(BY_NUMBER_AT_SHOP).bind(shop).bind(number_key(number)).first().await
}

/// Customers within scope with the same telephone or the same folded name and
/// city (S3-7).
///
/// # Errors
/// When the database fails.
pub async fn look_alikes(conn: &mut Conn, scope: &Scope, name_city_key: &str, phone: Option<&str>) -> Result<Vec<CustomerRow>> {
    let (from, before) = import_keys_of(name_city_key);
    conn.query(LOOK_ALIKES).scope(scope).bind(from).bind(before).bind(name_city_key).bind(phone).all().await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_7_who_has_the_same_name_and_city_stands_within_the_range() {
        for (name, city) in [("Keller Bau GmbH", Some("Waco")), ("A|B", Some("C")), ("A", Some("B|C")), ("|", None), ("Ädel ~ Söhne", None), ("", Some("Waco"))]
        {
            let (from, before) = import_keys_of(&name_city_key(name, city));
            for (address, postal_code) in [(None, None), (Some("1 Main St"), Some("76701")), (Some("}"), Some("~"))] {
                let key = import_key(name, address, city, postal_code);
                assert!(from <= key && key < before, "{key:?} is not within {from:?} and {before:?}");
            }
        }
        let (from, before) = import_keys_of("keller|waco");
        assert!(["keller bau||waco|", "kellers||waco|", "kelle||waco|"].iter().all(|other| *other < from.as_str() || *other >= before.as_str()));
    }
}

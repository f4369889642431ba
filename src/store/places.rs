//! Shops, organizations and pre-defined services.

use super::row::{row, statements};
use super::scope::{ids, organization_in_scope, shop_in_scope};
use super::{Conn, Result, Scope, bulk, changes};
use crate::api::ids::{CustomerId, OrganizationId, ShopId};
use crate::text::fold;

row! {
    /// A shop as stored.
    pub struct ShopRow {
        /// Its id.
        pub id: ShopId,
        /// Its code.
        pub code: String,
        /// Its name.
        pub name: String,
        /// IANA time zone.
        pub time_zone: String,
        /// ISO 3166-1 alpha-2.
        pub country: String,
        /// Whether it takes service requests.
        pub accepts_requests: bool,
        /// Where its customer numbers are unique.
        pub business_system: String,
        /// Who numbers customers: `user_enters` or `dms_assigns` (S3-12).
        pub numbering: String,
        /// Counts up.
        pub row_version: i64,
    }
}

row! {
    /// An organization as stored.
    pub struct OrganizationRow {
        /// Its id.
        pub id: OrganizationId,
        /// Its code.
        pub code: String,
        /// Its name.
        pub name: String,
        /// Its customer.
        pub customer_id: Option<CustomerId>,
        /// That customer's name.
        pub customer_name: Option<String>,
        /// Whether portals see it.
        pub portal_enabled: bool,
        /// Whether new meters count in kilometres and litres.
        pub metric: bool,
        /// Counts up.
        pub row_version: i64,
    }
}

row! {
    /// A pre-defined service.
    pub struct ServiceCodeRow {
        /// Its code.
        pub code: String,
        /// What it is.
        pub name: String,
    }
}

macro_rules! organization_columns {
    () => {
        "SELECT o.id, o.code, o.name, o.customer_id, c.name AS customer_name, o.portal_enabled, o.metric, o.row_version \
         FROM organization o LEFT JOIN customer c ON c.id = o.customer_id "
    };
}

statements! {
    SHOPS = concat!("SELECT s.* FROM shop s WHERE ", shop_in_scope!(), " AND s.code_key > $6 ORDER BY s.code_key LIMIT $7");
    SHOP = concat!("SELECT s.* FROM shop s WHERE ", shop_in_scope!(), " AND (s.id = $6 OR s.code_key = $7)");
    INSERT_SHOP = "INSERT INTO shop (id, code, code_key, name, time_zone, country, accepts_requests, business_system, numbering, row_version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)";
    UPDATE_SHOP = "UPDATE shop SET name = $2, time_zone = $3, country = $4, accepts_requests = $5, row_version = row_version + 1
        WHERE id = $1 AND row_version = $6";
    COUNT_SHOPS = "SELECT COUNT(*) FROM shop";
    ORGANIZATIONS = concat!(organization_columns!(), "WHERE ", organization_in_scope!(), " AND o.code_key > $6 ORDER BY o.code_key LIMIT $7");
    ORGANIZATIONS_IN_REACH = concat!(organization_columns!(), "WHERE o.id IN (SELECT ro.id FROM organization ro WHERE ro.id IN ", ids!("$3"),
        " UNION SELECT ro.id FROM organization ro WHERE ro.customer_id IN ", ids!("$4"), ") AND ", organization_in_scope!(),
        " AND o.code_key || '' > $6 ORDER BY o.code_key || '' LIMIT $7");
    ORGANIZATION = concat!(organization_columns!(), "WHERE ", organization_in_scope!(), " AND (o.id = $6 OR o.code_key = $7)");
    UPDATE_ORGANIZATION = "UPDATE organization SET name = $2, customer_id = $3, portal_enabled = $4, row_version = row_version + 1
        WHERE id = $1 AND row_version = $5";
    SERVICE_CODES = "SELECT code, name FROM service_code ORDER BY name, code";
    SERVICE_CODE = "SELECT code, name FROM service_code WHERE code = $1";
    INSERT_SERVICE_CODE = "INSERT INTO service_code (code, name) VALUES ($1, $2) ON CONFLICT (code) DO UPDATE SET name = excluded.name";
    NEXT_NUMBER = "INSERT INTO counter (name, value) VALUES ($1, 1) ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value";
}

/// Shops within scope behind a code, by code.
///
/// # Errors
/// When the database fails.
pub async fn shops(conn: &mut Conn, scope: &Scope, after: &str, limit: i64) -> Result<Vec<ShopRow>> {
    conn.query(SHOPS).scope(scope).bind(after).bind(limit).all().await
}

/// A shop within scope by id or code.
///
/// # Errors
/// When the database fails.
pub async fn shop(conn: &mut Conn, scope: &Scope, id_or_code: &str) -> Result<Option<ShopRow>> {
    conn.query(SHOP).scope(scope).bind(id_or_code).bind(fold(id_or_code)).first().await
}

/// How many shops there are.
///
/// # Errors
/// When the database fails.
pub async fn count_shops(conn: &mut Conn) -> Result<i64> {
    conn.query(COUNT_SHOPS).one().await
}

/// Adds a shop.
///
/// # Errors
/// [`super::StoreError::Taken`] when the code is in use.
pub async fn insert_shop(conn: &mut Conn, row: &ShopRow) -> Result<()> {
    conn.query(INSERT_SHOP)
        .bind(row.id)
        .bind(&row.code)
        .bind(fold(&row.code))
        .bind(&row.name)
        .bind(&row.time_zone)
        .bind(&row.country)
        .bind(row.accepts_requests)
        .bind(&row.business_system)
        .bind(&row.numbering)
        .run()
        .await?;
    Ok(())
}

/// Changes a shop's name, time zone, country and whether it takes requests;
/// false if somebody else was faster.
///
/// # Errors
/// When the database fails.
pub async fn update_shop(conn: &mut Conn, row: &ShopRow) -> Result<bool> {
    let query = conn.query(UPDATE_SHOP).bind(row.id).bind(&row.name).bind(&row.time_zone).bind(&row.country).bind(row.accepts_requests);
    Ok(query.bind(row.row_version).run().await? > 0)
}

/// Organizations within scope behind a code, by code.
///
/// # Errors
/// When the database fails.
pub async fn organizations(conn: &mut Conn, scope: &Scope, after: &str, limit: i64) -> Result<Vec<OrganizationRow>> {
    // A few among many are found by their ids, and not by the way to their places.
    let few = !scope.everything && scope.shops.is_empty();
    conn.query(if few { ORGANIZATIONS_IN_REACH } else { ORGANIZATIONS }).scope(scope).bind(after).bind(limit).all().await
}

/// An organization within scope by id or code.
///
/// # Errors
/// When the database fails.
pub async fn organization(conn: &mut Conn, scope: &Scope, id_or_code: &str) -> Result<Option<OrganizationRow>> {
    conn.query(ORGANIZATION).scope(scope).bind(id_or_code).bind(fold(id_or_code)).first().await
}

/// Adds an organization.
///
/// # Errors
/// [`super::StoreError::Taken`] when the code is in use.
pub async fn insert_organization(conn: &mut Conn, row: &OrganizationRow) -> Result<()> {
    bulk::insert_organizations(conn, std::slice::from_ref(row)).await?;
    match row.customer_id {
        Some(customer) => changes::add(conn, "customer", customer).await,
        None => Ok(()),
    }
}

/// Changes an organization, and tells of the customers it leaves and joins;
/// false if somebody else was faster.
///
/// # Errors
/// When the database fails.
pub async fn update_organization(conn: &mut Conn, before: &OrganizationRow, now: &OrganizationRow) -> Result<bool> {
    let query = conn.query(UPDATE_ORGANIZATION).bind(now.id).bind(&now.name).bind(now.customer_id).bind(now.portal_enabled);
    let updated = query.bind(now.row_version).run().await? > 0;
    for customer in [before.customer_id, now.customer_id].into_iter().flatten() {
        changes::add(conn, "customer", customer).await?;
    }
    Ok(updated)
}

/// The pre-defined services by name.
///
/// # Errors
/// When the database fails.
pub async fn service_codes(conn: &mut Conn) -> Result<Vec<ServiceCodeRow>> {
    conn.query(SERVICE_CODES).all().await
}

/// One pre-defined service.
///
/// # Errors
/// When the database fails.
pub async fn service_code(conn: &mut Conn, code: &str) -> Result<Option<ServiceCodeRow>> {
    conn.query(SERVICE_CODE).bind(code).first().await
}

/// Adds or renames a pre-defined service.
///
/// # Errors
/// When the database fails.
pub async fn set_service_code(conn: &mut Conn, code: &str, name: &str) -> Result<()> {
    conn.query(INSERT_SERVICE_CODE).bind(code).bind(name).run().await?;
    Ok(())
}

/// The next number of a series, from 1.
///
/// # Errors
/// When the database fails.
pub async fn next_number(conn: &mut Conn, series: &str) -> Result<i64> {
    conn.query(NEXT_NUMBER).bind(series).one().await
}

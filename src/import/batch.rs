//! The SQL of import and export: statements for many rows at once, and the
//! pages of an export. It is the one place outside of `store` that holds SQL,
//! because a list of values cannot be one text that is prepared beforehand.
//!
//! May call [`crate::store`] and [`crate::text`].

use sqlx::{Database, Encode, QueryBuilder, Type};

use super::Kind;
use crate::api::ids::{AssetId, CustomerId, OrganizationId, RepairId, RequestId, ShopId};
use crate::store::assets::vin_reversed;
use crate::store::customers::CustomerRow;
use crate::store::places::OrganizationRow;
use crate::store::{At, Conn, Raw, Result};
use crate::text::{number_key, similar_key};

/// Expands an expression once per database, with the connection bound to a
/// name and the driver to another; only the arm of the database in use runs.
macro_rules! on {
    ($conn:expr, $raw:ident => $run:expr) => {
        match $conn.raw() {
            Raw::Sqlite($raw) => $run,
            Raw::Postgres($raw) => $run,
        }
    };
    ($conn:expr, $raw:ident, $driver:ident => $run:expr) => {
        match $conn.raw() {
            Raw::Sqlite($raw) => {
                type $driver = sqlx::Sqlite;
                $run
            }
            Raw::Postgres($raw) => {
                type $driver = sqlx::Postgres;
                $run
            }
        }
    };
}

/// Defines a struct that is read from a row by the names of its fields.
macro_rules! row {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub(super) struct $name { $($(#[$field_doc])* pub $field: $kind,)* }

        row!(@from $name, sqlx::sqlite::SqliteRow, $($field),*);
        row!(@from $name, sqlx::postgres::PgRow, $($field),*);
    };
    (@from $name:ident, $row:ty, $($field:ident),*) => {
        impl sqlx::FromRow<'_, $row> for $name {
            fn from_row(row: &$row) -> sqlx::Result<Self> {
                use sqlx::Row as _;
                Ok(Self { $($field: row.try_get(stringify!($field))?,)* })
            }
        }
    };
}

/// Names SQL texts and gathers them for the test that prepares them all.
macro_rules! texts {
    ($($name:ident = $text:expr;)*) => {
        $(const $name: &str = $text;)*
        const TEXTS: &[(&str, &str)] = &[$((concat!(module_path!(), "::", stringify!($name)), $name)),*];
    };
}

row! {
    /// An asset's own columns.
    StoredAsset {
        /// Its id.
        id: AssetId,
        /// Its owner.
        organization_id: OrganizationId,
        /// Its own customer, where that is not its owner's.
        customer_id: Option<CustomerId>,
        /// Number within the owner.
        asset_number: String,
        /// Vehicle identification number.
        vin: Option<String>,
        /// Serial number or PIN.
        serial: Option<String>,
        /// Model year.
        year: Option<i64>,
        /// Maker.
        make: Option<String>,
        /// Model.
        model: Option<String>,
        /// Free text.
        description: Option<String>,
        /// Class of machine.
        class: Option<String>,
        /// Active, disposed …
        status: String,
        /// Colour.
        colour: Option<String>,
        /// Department at the owner's.
        department: Option<String>,
        /// When it was acquired.
        acquired_at: Option<At>,
        /// For optimistic locking.
        row_version: i64,
    }
}

row! {
    /// A plate with its id.
    StoredPlate {
        /// Its id.
        id: String,
        /// The asset that carries or carried it.
        asset_id: AssetId,
        /// As written.
        number: String,
        /// Second part of ISO 3166-2.
        state: Option<String>,
        /// ISO 3166-1 alpha-2.
        country: Option<String>,
        /// Since when.
        from_at: Option<At>,
        /// Until when; null for a plate it carries.
        to_at: Option<At>,
    }
}

row! {
    /// What an imported repair is compared with.
    StoredRepair {
        /// Its id.
        id: RepairId,
        /// `open` or `pending`.
        state: String,
        /// Why.
        reason: Option<String>,
        /// Free text.
        status: Option<String>,
        /// Who does it.
        shop_id: Option<ShopId>,
        /// When it was found.
        found_at: At,
    }
}

/// A line of an export: two cells to continue behind, then the columns of its
/// kind; times are microseconds, meter values tenths.
#[derive(Debug, Clone)]
pub(super) struct Line(pub Vec<Option<String>>);

macro_rules! line_from {
    ($row:ty) => {
        impl sqlx::FromRow<'_, $row> for Line {
            fn from_row(row: &$row) -> sqlx::Result<Self> {
                use sqlx::Row as _;
                let mut cells: Vec<Option<String>> = Vec::with_capacity(row.len());
                for place in 0..row.len() {
                    cells.push(row.try_get(place)?);
                }
                Ok(Self(cells))
            }
        }
    };
}
line_from!(sqlx::sqlite::SqliteRow);
line_from!(sqlx::postgres::PgRow);

/// The number of customer `$id` that people know: at the first shop by code.
macro_rules! first_number {
    ($id:literal) => {
        concat!(
            "(SELECT l.number FROM customer_shop_link l JOIN shop s ON s.id = l.shop_id WHERE l.customer_id = ",
            $id,
            " AND l.number IS NOT NULL ORDER BY s.code_key LIMIT 1)"
        )
    };
}

texts! {
    MAKE_FLEET = "UPDATE customer SET kind = 'fleet', owner_shop_id = NULL WHERE id = $1";
    UPDATE_ASSET = "UPDATE asset SET customer_id = $3, vin = $4, vin_key = $5, vin_reversed = $6, serial = $7, serial_key = $8, year = $9, make = $10,
        model = $11, description = $12, class = $13, status = $14, colour = $15, department = $16, row_version = row_version + 1
        WHERE id = $1 AND row_version = $2";
    TOUCH_ASSET = "UPDATE asset SET row_version = row_version + 1 WHERE id = $1";
    UPDATE_PLATE = "UPDATE plate SET state = $2, country = $3, from_at = $4, to_at = $5 WHERE id = $1";
    REQUEST_OF_COMPLAINT = "SELECT id FROM service_request WHERE asset_id = $1 AND COALESCE(complaint, '') = $2 ORDER BY requested_at DESC LIMIT 1";
    SET_REQUESTED_AT = "UPDATE service_request SET requested_at = $2 WHERE id = $1";
    REPAIRS = "SELECT id, state, reason, status, shop_id, found_at FROM repair WHERE asset_id = $1 AND description = $2
        ORDER BY found_at DESC, id LIMIT 1000";
    PAGE_ORGANIZATIONS = concat!("SELECT o.code_key, '', o.code, o.name, ", first_number!("o.customer_id"), ",
        CASE WHEN o.portal_enabled THEN 'yes' ELSE 'no' END
        FROM organization o WHERE o.code_key > $1 AND $2 = '' ORDER BY o.code_key LIMIT $3");
    PAGE_SHOPS = "SELECT s.code_key, '', s.code, s.name, s.time_zone, s.country FROM shop s WHERE s.code_key > $1 AND $2 = '' ORDER BY s.code_key LIMIT $3";
    PAGE_CUSTOMERS = "SELECT c.id, COALESCE(l.shop_id, ''), l.number, c.name, c.kind, c.address1, c.address2, c.city, c.state, c.postal_code, c.country,
        c.phone, c.extension, c.fax, c.email, s.code
        FROM customer c LEFT JOIN customer_shop_link l ON l.customer_id = c.id LEFT JOIN shop s ON s.id = l.shop_id
        WHERE c.id >= $1 AND (c.id, COALESCE(l.shop_id, '')) > ($1, $2) ORDER BY c.id, COALESCE(l.shop_id, '') LIMIT $3";
    PAGE_ASSETS = concat!("SELECT a.id, '', o.code, a.asset_number, ", first_number!("a.customer_id"), ", a.vin, a.serial, p.number, p.state, p.country,
        CAST(a.year AS TEXT), a.make, a.model, a.description, a.class, a.status, a.colour, a.department
        FROM asset a JOIN organization o ON o.id = a.organization_id
        LEFT JOIN plate p ON p.id = (SELECT MAX(pp.id) FROM plate pp WHERE pp.asset_id = a.id AND pp.to_at IS NULL)
        WHERE a.id > $1 AND $2 = '' ORDER BY a.id LIMIT $3");
    PAGE_PLATES = "SELECT p.id, '', o.code, a.asset_number, p.number, p.state, p.country, CAST(p.from_at AS TEXT), CAST(p.to_at AS TEXT)
        FROM plate p JOIN asset a ON a.id = p.asset_id JOIN organization o ON o.id = a.organization_id
        WHERE p.id > $1 AND $2 = '' ORDER BY p.id LIMIT $3";
    PAGE_READINGS = "SELECT r.id, '', o.code, a.asset_number, m.kind || CASE WHEN m.component = 'main' THEN '' ELSE '.' || m.component END,
        CAST(r.value AS TEXT), m.unit, CAST(r.read_at AS TEXT), r.source
        FROM reading r JOIN meter m ON m.id = r.meter_id JOIN asset a ON a.id = m.asset_id JOIN organization o ON o.id = a.organization_id
        WHERE r.id > $1 AND $2 = '' AND r.state <> 'void' ORDER BY r.id LIMIT $3";
    PAGE_REQUESTS = "SELECT r.id, '', r.number, o.code, a.asset_number, s.code, r.status, CAST(r.urgency AS TEXT), r.complaint, CAST(r.requested_at AS TEXT)
        FROM service_request r JOIN asset a ON a.id = r.asset_id JOIN organization o ON o.id = a.organization_id JOIN shop s ON s.id = r.shop_id
        WHERE r.id > $1 AND $2 = '' ORDER BY r.id LIMIT $3";
    PAGE_REPAIRS = "SELECT r.id, '', o.code, a.asset_number, r.state, r.description, r.reason, r.status, s.code, CAST(r.found_at AS TEXT)
        FROM repair r JOIN asset a ON a.id = r.asset_id JOIN organization o ON o.id = a.organization_id LEFT JOIN shop s ON s.id = r.shop_id
        WHERE r.id > $1 AND $2 = '' ORDER BY r.id LIMIT $3";
}

/// Every SQL text with its name, for the test that prepares them all.
#[must_use]
pub fn statements() -> Vec<(&'static str, &'static str)> {
    TEXTS.to_vec()
}

/// Adds values with commas between.
fn push_list<'t, DB, T>(query: &mut QueryBuilder<DB>, values: impl IntoIterator<Item = T>)
where
    DB: Database,
    T: Encode<'t, DB> + Type<DB>,
{
    let mut list = query.separated(", ");
    for value in values {
        list.push_bind(value);
    }
}

/// Who has which number: customer, shop, business system and number key.
pub(super) async fn holders(conn: &mut Conn, systems: &[&str], keys: &[&str]) -> Result<Vec<(CustomerId, ShopId, String, String)>> {
    if systems.is_empty() || keys.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on!(conn, c, Driver => {
        let mut query = QueryBuilder::<Driver>::new(
            "SELECT customer_id, shop_id, business_system, number_key FROM customer_shop_link WHERE business_system IN (",
        );
        push_list(&mut query, systems.iter().copied());
        query.push(") AND number_key IN (");
        push_list(&mut query, keys.iter().copied());
        query.push(")");
        query.build_query_as().persistent(false).fetch_all(c).await
    })?)
}

/// Customers by their import keys at all their shops: customer, shop, import
/// key and number key, the oldest customer first. Which shops matter is for the
/// caller to say: asked for here, SQLite would walk through all of a shop.
pub(super) async fn namesakes(conn: &mut Conn, keys: &[&str]) -> Result<Vec<(CustomerId, ShopId, String, Option<String>)>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on!(conn, c, Driver => {
        let mut query = QueryBuilder::<Driver>::new(
            "SELECT c.id, l.shop_id, c.import_key, l.number_key FROM customer c JOIN customer_shop_link l ON l.customer_id = c.id WHERE c.import_key IN (",
        );
        push_list(&mut query, keys.iter().copied());
        query.push(") ORDER BY c.id");
        query.build_query_as().persistent(false).fetch_all(c).await
    })?)
}

/// Customers by their ids.
pub(super) async fn customers(conn: &mut Conn, ids: &[CustomerId]) -> Result<Vec<CustomerRow>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on!(conn, c, Driver => {
        let mut query = QueryBuilder::<Driver>::new("SELECT * FROM customer WHERE id IN (");
        push_list(&mut query, ids.iter().copied());
        query.push(")");
        query.build_query_as().persistent(false).fetch_all(c).await
    })?)
}

/// Adds customers. The caller adds their changes.
pub(super) async fn insert_customers(conn: &mut Conn, rows: &[&CustomerRow]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    on!(conn, c, Driver => {
        let mut query = QueryBuilder::<Driver>::new(
            "INSERT INTO customer (id, kind, name, address1, address2, city, state, postal_code, country, phone, extension, fax, email, notes, status, \
             owner_shop_id, name_city_key, import_key, row_version) ",
        );
        query.push_values(rows.iter().copied(), |mut values, row| {
            values.push_bind(row.id).push_bind(&row.kind).push_bind(&row.name).push_bind(&row.address1).push_bind(&row.address2);
            values.push_bind(&row.city).push_bind(&row.state).push_bind(&row.postal_code).push_bind(&row.country).push_bind(&row.phone);
            values.push_bind(&row.extension).push_bind(&row.fax).push_bind(&row.email).push_bind(&row.notes).push_bind(&row.status);
            values.push_bind(row.owner_shop_id).push_bind(row.name_city_key()).push_bind(row.import_key()).push("1");
        });
        query.build().persistent(false).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// A customer's link to a shop, to be added.
#[derive(Debug, Clone)]
pub(super) struct NewLink {
    /// The customer.
    pub customer: CustomerId,
    /// The shop.
    pub shop: ShopId,
    /// The number there.
    pub number: Option<String>,
    /// Its key.
    pub number_key: Option<String>,
    /// `blank` or `unverified`.
    pub number_state: &'static str,
    /// Where it is unique.
    pub business_system: String,
}

/// Adds links of customers to shops.
pub(super) async fn insert_links(conn: &mut Conn, links: &[NewLink]) -> Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    on!(conn, c, Driver => {
        let mut query = QueryBuilder::<Driver>::new(
            "INSERT INTO customer_shop_link (customer_id, shop_id, number, number_key, number_state, business_system, alert_note, po_required, updated_by) ",
        );
        query.push_values(links, |mut values, link| {
            values.push_bind(link.customer).push_bind(link.shop).push_bind(&link.number).push_bind(&link.number_key);
            values.push_bind(link.number_state).push_bind(&link.business_system).push("NULL").push("FALSE").push("NULL");
        });
        query.build().persistent(false).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Adds the changes of customers. The caller tells of them once.
pub(super) async fn add_changes(conn: &mut Conn, customers: &[CustomerId]) -> Result<()> {
    if customers.is_empty() {
        return Ok(());
    }
    let now = At::now();
    on!(conn, c, Driver => {
        let mut query = QueryBuilder::<Driver>::new("INSERT INTO change (entity, entity_id, changed_at) ");
        query.push_values(customers, |mut values, id| {
            values.push_bind("customer").push_bind(*id).push_bind(now);
        });
        query.build().persistent(false).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Makes a local customer a fleet, which has no owner (S3-20).
pub(super) async fn make_fleet(conn: &mut Conn, id: CustomerId) -> Result<()> {
    on!(conn, c => sqlx::query(MAKE_FLEET).bind(id).execute(c).await.map(drop))?;
    Ok(())
}

/// Organizations by the keys of their codes.
pub(super) async fn organizations(conn: &mut Conn, code_keys: &[&str]) -> Result<Vec<OrganizationRow>> {
    if code_keys.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on!(conn, c, Driver => {
        let mut query = QueryBuilder::<Driver>::new(
            "SELECT o.id, o.code, o.name, o.customer_id, c.name AS customer_name, o.portal_enabled, o.metric \
             FROM organization o LEFT JOIN customer c ON c.id = o.customer_id WHERE o.code_key IN (",
        );
        push_list(&mut query, code_keys.iter().copied());
        query.push(")");
        query.build_query_as().persistent(false).fetch_all(c).await
    })?)
}

/// Assets of organizations by their number keys.
pub(super) async fn assets(conn: &mut Conn, organizations: &[OrganizationId], keys: &[&str]) -> Result<Vec<StoredAsset>> {
    if organizations.is_empty() || keys.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on!(conn, c, Driver => {
        let mut query = QueryBuilder::<Driver>::new(
            "SELECT id, organization_id, customer_id, asset_number, vin, serial, year, make, model, description, class, status, colour, department, \
             acquired_at, row_version FROM asset WHERE number_key IN (",
        );
        push_list(&mut query, keys.iter().copied());
        query.push(") AND organization_id IN (");
        push_list(&mut query, organizations.iter().copied());
        query.push(")");
        query.build_query_as().persistent(false).fetch_all(c).await
    })?)
}

/// Adds assets.
pub(super) async fn insert_assets(conn: &mut Conn, rows: &[StoredAsset]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    on!(conn, c, Driver => {
        let mut query = QueryBuilder::<Driver>::new(
            "INSERT INTO asset (id, organization_id, customer_id, asset_number, number_key, similar_key, vin, vin_key, vin_reversed, serial, serial_key, \
             year, make, model, description, class, status, colour, department, acquired_at, row_version) ",
        );
        query.push_values(rows, |mut values, row| {
            let key = number_key(&row.asset_number);
            let similar = similar_key(&key);
            values.push_bind(row.id).push_bind(row.organization_id).push_bind(row.customer_id).push_bind(&row.asset_number).push_bind(key).push_bind(similar);
            values.push_bind(&row.vin).push_bind(row.vin.as_deref().map(number_key)).push_bind(row.vin.as_deref().map(vin_reversed));
            values.push_bind(&row.serial).push_bind(row.serial.as_deref().map(number_key)).push_bind(row.year).push_bind(&row.make).push_bind(&row.model);
            values.push_bind(&row.description).push_bind(&row.class).push_bind(&row.status).push_bind(&row.colour).push_bind(&row.department);
            values.push_bind(row.acquired_at).push("1");
        });
        query.build().persistent(false).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Changes an asset if it is still of its version; false if not.
pub(super) async fn update_asset(conn: &mut Conn, row: &StoredAsset) -> Result<bool> {
    let changed = on!(conn, c => sqlx::query(UPDATE_ASSET).bind(row.id).bind(row.row_version).bind(row.customer_id).bind(&row.vin)
        .bind(row.vin.as_deref().map(number_key)).bind(row.vin.as_deref().map(vin_reversed)).bind(&row.serial)
        .bind(row.serial.as_deref().map(number_key)).bind(row.year).bind(&row.make).bind(&row.model).bind(&row.description).bind(&row.class)
        .bind(&row.status).bind(&row.colour).bind(&row.department).execute(c).await.map(|done| done.rows_affected()))?;
    Ok(changed == 1)
}

/// Counts a change to an asset's version: its plates are part of it.
pub(super) async fn touch_asset(conn: &mut Conn, id: AssetId) -> Result<()> {
    on!(conn, c => sqlx::query(TOUCH_ASSET).bind(id).execute(c).await.map(drop))?;
    Ok(())
}

/// All plates of assets, former ones too, the newest first.
pub(super) async fn plates(conn: &mut Conn, assets: &[AssetId]) -> Result<Vec<StoredPlate>> {
    if assets.is_empty() {
        return Ok(Vec::new());
    }
    Ok(on!(conn, c, Driver => {
        let mut query = QueryBuilder::<Driver>::new("SELECT id, asset_id, number, state, country, from_at, to_at FROM plate WHERE asset_id IN (");
        push_list(&mut query, assets.iter().copied());
        query.push(") ORDER BY id DESC");
        query.build_query_as().persistent(false).fetch_all(c).await
    })?)
}

/// Adds plates.
pub(super) async fn insert_plates(conn: &mut Conn, rows: &[StoredPlate]) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    on!(conn, c, Driver => {
        let mut query = QueryBuilder::<Driver>::new("INSERT INTO plate (id, asset_id, number, number_key, similar_key, state, country, from_at, to_at) ");
        query.push_values(rows, |mut values, row| {
            let key = number_key(&row.number);
            let similar = similar_key(&key);
            values.push_bind(&row.id).push_bind(row.asset_id).push_bind(&row.number).push_bind(key).push_bind(similar);
            values.push_bind(&row.state).push_bind(&row.country).push_bind(row.from_at).push_bind(row.to_at);
        });
        query.build().persistent(false).execute(c).await.map(drop)
    })?;
    Ok(())
}

/// Changes what is known of a plate beside its number.
pub(super) async fn update_plate(conn: &mut Conn, row: &StoredPlate) -> Result<()> {
    on!(conn, c => sqlx::query(UPDATE_PLATE).bind(&row.id).bind(&row.state).bind(&row.country).bind(row.from_at).bind(row.to_at)
        .execute(c).await.map(drop))?;
    Ok(())
}

/// The newest request of an asset with that complaint: what a row without
/// number and time means.
pub(super) async fn request_of_complaint(conn: &mut Conn, asset: AssetId, complaint: &str) -> Result<Option<RequestId>> {
    Ok(on!(conn, c => sqlx::query_scalar(REQUEST_OF_COMPLAINT).bind(asset).bind(complaint).fetch_optional(c).await)?)
}

/// Corrects when a request was asked for.
pub(super) async fn set_requested_at(conn: &mut Conn, id: RequestId, at: At) -> Result<()> {
    on!(conn, c => sqlx::query(SET_REQUESTED_AT).bind(id).bind(at).execute(c).await.map(drop))?;
    Ok(())
}

/// Repairs of an asset with that description, the newest first.
pub(super) async fn repairs(conn: &mut Conn, asset: AssetId, description: &str) -> Result<Vec<StoredRepair>> {
    Ok(on!(conn, c => sqlx::query_as(REPAIRS).bind(asset).bind(description).fetch_all(c).await)?)
}

/// At most `limit` lines of an export behind two cells of the line before.
pub(super) async fn page(conn: &mut Conn, kind: Kind, after: (&str, &str), limit: i64) -> Result<Vec<Line>> {
    let text = match kind {
        Kind::Organizations => PAGE_ORGANIZATIONS,
        Kind::Shops => PAGE_SHOPS,
        Kind::Customers => PAGE_CUSTOMERS,
        Kind::Assets => PAGE_ASSETS,
        Kind::Plates => PAGE_PLATES,
        Kind::Readings => PAGE_READINGS,
        Kind::ServiceRequests => PAGE_REQUESTS,
        Kind::Repairs => PAGE_REPAIRS,
    };
    Ok(on!(conn, c => sqlx::query_as(text).bind(after.0).bind(after.1).bind(limit).fetch_all(c).await)?)
}

//! One row or many at once: the only place that knows how customers, contacts,
//! assets, plates, organizations, meters and readings are added. A list of values cannot
//! be one text that is prepared beforehand, so these texts grow with their
//! values; the stories run each of them on both databases.

use futures_util::future::join;

use super::assets::vin_reversed;
use super::contacts::{ContactRow, contact_columns};
use super::customers::CustomerRow;
use super::meters::{MeterRow, ReadingRow};
use super::places::OrganizationRow;
use super::query::Query;
use super::requests::RequestRow;
use super::row::{row, statements};
use super::{At, Conn, DbKind, Result};
use crate::api::ids::{AssetId, CustomerId, OrganizationId, RepairId, RequestId, ShopId};
use crate::text::{fold, number_key, similar_key};

row! {
    /// An asset's own columns.
    pub struct StoredAsset {
        /// Its id.
        pub id: AssetId,
        /// Its owner.
        pub organization_id: OrganizationId,
        /// Its own customer, where that is not its owner's.
        pub customer_id: Option<CustomerId>,
        /// Number within the owner.
        pub asset_number: String,
        /// Vehicle identification number.
        pub vin: Option<String>,
        /// Serial number or PIN.
        pub serial: Option<String>,
        /// Model year.
        pub year: Option<i64>,
        /// Maker.
        pub make: Option<String>,
        /// Model.
        pub model: Option<String>,
        /// Free text.
        pub description: Option<String>,
        /// Class of machine.
        pub class: Option<String>,
        /// Active, disposed …
        pub status: String,
        /// Colour.
        pub colour: Option<String>,
        /// Department at the owner's.
        pub department: Option<String>,
        /// When it was acquired.
        pub acquired_at: Option<At>,
        /// For optimistic locking.
        pub row_version: i64,
    }
}

row! {
    /// A plate with its id.
    pub struct StoredPlate {
        /// Its id.
        pub id: String,
        /// The asset that carries or carried it.
        pub asset_id: AssetId,
        /// As written.
        pub number: String,
        /// Second part of ISO 3166-2.
        pub state: Option<String>,
        /// ISO 3166-1 alpha-2.
        pub country: Option<String>,
        /// Since when.
        pub from_at: Option<At>,
        /// Until when; null for a plate it carries.
        pub to_at: Option<At>,
    }
}

row! {
    /// What an imported repair is compared with.
    pub struct StoredRepair {
        /// Its id.
        pub id: RepairId,
        /// `open` or `pending`.
        pub state: String,
        /// Why.
        pub reason: Option<String>,
        /// Free text.
        pub status: Option<String>,
        /// Who does it.
        pub shop_id: Option<ShopId>,
        /// When it was found.
        pub found_at: At,
    }
}

statements! {
    BEGIN_PART = "SAVEPOINT part";
    END_PART = "RELEASE SAVEPOINT part";
    TAKE_BACK_PART = "ROLLBACK TO SAVEPOINT part";
    UPDATE_ASSET = "UPDATE asset SET customer_id = $3, vin = $4, vin_key = $5, vin_reversed = $6, serial = $7, serial_key = $8, year = $9, make = $10,
        model = $11, description = $12, class = $13, status = $14, colour = $15, department = $16, row_version = row_version + 1
        WHERE id = $1 AND row_version = $2";
    TOUCH_ASSET = "UPDATE asset SET row_version = row_version + 1 WHERE id = $1";
    UPDATE_PLATE = "UPDATE plate SET state = $2, country = $3, from_at = $4, to_at = $5 WHERE id = $1";
    REQUEST_OF_COMPLAINT = "SELECT id FROM service_request WHERE asset_id = $1 AND COALESCE(complaint, '') = $2 ORDER BY requested_at DESC LIMIT 1";
    SET_REQUESTED_AT = "UPDATE service_request SET requested_at = $2 WHERE id = $1";
    REPAIRS = "SELECT id, state, reason, status, shop_id, found_at FROM repair WHERE asset_id = $1 AND description = $2
        ORDER BY found_at DESC, id LIMIT 1000";
}

/// Rows that are added by one text. A full lot has the same text each time and
/// is kept prepared: PostgreSQL needs about as long to understand its values as
/// to store them.
const LOT: usize = 200;
/// The same where there are so many: fewer texts to hand over.
const LARGE_LOT: usize = 500;

/// How rows are added. A lot of which one row is refused leaves the others on
/// SQLite, for its copies of all pages that a lot touches cost as much as to write
/// them; who adds takes back the transaction then, or the part.
const fn insert_into(kind: DbKind) -> &'static str {
    match kind {
        DbKind::Sqlite => "INSERT OR FAIL INTO ",
        DbKind::Postgres => "INSERT INTO ",
    }
}

/// Adds rows to the table and columns that a text names, lot by lot. The next lot is bound
/// while the database writes this one.
async fn add<T: Sync>(conn: &mut Conn, text: &'static str, rows: &[T], bind: impl Fn(Query<()>, &T) -> Query<()> + Sync) -> Result<()> {
    let kind = conn.kind();
    let mut rest = rows;
    let mut bound = || {
        let full = [LARGE_LOT, LOT].into_iter().find(|full| *full <= rest.len());
        let (lot, behind) = rest.split_at(full.unwrap_or(rest.len()));
        rest = behind;
        let query = Query::apart(kind, insert_into(kind)).then(text).rows(lot, &bind);
        (!lot.is_empty()).then(|| if full.is_some() { query.again() } else { query })
    };
    let mut next = bound();
    while let Some(lot) = next {
        let (written, behind) = join(lot.on(conn).run(), async { bound() }).await;
        written?;
        next = behind;
    }
    Ok(())
}

/// Begins a part of a transaction that can be taken back alone.
///
/// # Errors
/// When the database fails.
pub async fn begin_part(conn: &mut Conn) -> Result<()> {
    conn.query(BEGIN_PART).run().await?;
    Ok(())
}

/// Ends a part; what it wrote is kept if the transaction is.
///
/// # Errors
/// When the database fails.
pub async fn end_part(conn: &mut Conn) -> Result<()> {
    conn.query(END_PART).run().await?;
    Ok(())
}

/// Ends a part and takes back what it wrote, after a refusal of the database too.
///
/// # Errors
/// When the database fails.
pub async fn take_back_part(conn: &mut Conn) -> Result<()> {
    conn.query(TAKE_BACK_PART).run().await?;
    end_part(conn).await
}

/// Who has which number: customer, shop, business system and number key.
///
/// # Errors
/// When the database fails.
pub async fn holders(conn: &mut Conn, systems: &[&str], keys: &[&str]) -> Result<Vec<(CustomerId, ShopId, String, String)>> {
    conn.query("SELECT customer_id, shop_id, business_system, number_key FROM customer_shop_link WHERE business_system IN ")
        .list(systems.iter().copied())
        .then(" AND number_key IN ")
        .list(keys.iter().copied())
        .all()
        .await
}

/// Customers by their import keys at all their shops: customer, shop, import
/// key and number key, the oldest customer first. Which shops matter is for the
/// caller to say: asked for here, SQLite would walk through all of a shop.
///
/// # Errors
/// When the database fails.
pub async fn namesakes(conn: &mut Conn, keys: &[&str]) -> Result<Vec<(CustomerId, ShopId, String, Option<String>)>> {
    conn.query("SELECT c.id, l.shop_id, c.import_key, l.number_key FROM customer c JOIN customer_shop_link l ON l.customer_id = c.id WHERE c.import_key IN ")
        .list(keys.iter().copied())
        .then(" ORDER BY c.id")
        .all()
        .await
}

/// Customers by their ids.
///
/// # Errors
/// When the database fails.
pub async fn customers(conn: &mut Conn, ids: &[CustomerId]) -> Result<Vec<CustomerRow>> {
    conn.query("SELECT * FROM customer WHERE id IN ").list(ids.iter().copied()).all().await
}

const CUSTOMERS: &str = "customer (id, kind, name, address1, address2, city, state, postal_code, country, phone, extension, fax, email, notes, \
     status, owner_shop_id, name_city_key, import_key, row_version) VALUES ";

/// Behind [`CUSTOMERS`]: those that are there already are changed instead.
const CHANGED_CUSTOMERS: &str = " ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, name = excluded.name, address1 = excluded.address1, \
     address2 = excluded.address2, city = excluded.city, state = excluded.state, postal_code = excluded.postal_code, country = excluded.country, \
     phone = excluded.phone, extension = excluded.extension, fax = excluded.fax, email = excluded.email, notes = excluded.notes, \
     owner_shop_id = excluded.owner_shop_id, name_city_key = excluded.name_city_key, import_key = excluded.import_key, \
     row_version = customer.row_version + 1 WHERE customer.row_version = excluded.row_version";

fn bind_customer<C>(values: Query<C>, row: &CustomerRow, version: i64) -> Query<C> {
    values
        .bind(row.id)
        .bind(&row.kind)
        .bind(&row.name)
        .bind(&row.address1)
        .bind(&row.address2)
        .bind(&row.city)
        .bind(&row.state)
        .bind(&row.postal_code)
        .bind(&row.country)
        .bind(&row.phone)
        .bind(&row.extension)
        .bind(&row.fax)
        .bind(&row.email)
        .bind(&row.notes)
        .bind(&row.status)
        .bind(row.owner_shop_id)
        .bind(row.name_city_key())
        .bind(row.import_key())
        .bind(version)
}

/// Adds customers. The caller adds their changes.
///
/// # Errors
/// When the database fails.
pub async fn insert_customers(conn: &mut Conn, rows: &[&CustomerRow]) -> Result<()> {
    add(conn, CUSTOMERS, rows, |values, row| bind_customer(values, row, 1)).await
}

/// Changes known customers, their kind and owner too, if each is still of its
/// version; false if one is not. The caller adds their changes.
///
/// # Errors
/// When the database fails.
pub async fn update_customers(conn: &mut Conn, rows: &[&CustomerRow]) -> Result<bool> {
    for lot in rows.chunks(LOT) {
        let query = conn.query("INSERT INTO ").then(CUSTOMERS).rows(lot, |values, row| bind_customer(values, row, row.row_version)).then(CHANGED_CUSTOMERS);
        if query.run().await? != lot.len() as u64 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A customer's link to a shop, to be added.
#[derive(Debug, Clone)]
pub struct NewLink {
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
///
/// # Errors
/// When the database fails.
pub async fn insert_links(conn: &mut Conn, links: &[NewLink]) -> Result<()> {
    add(
        conn,
        "customer_shop_link (customer_id, shop_id, number, number_key, number_state, business_system, alert_note, po_required, updated_by) VALUES ",
        links,
        |values, link| {
            values
                .bind(link.customer)
                .bind(link.shop)
                .bind(&link.number)
                .bind(&link.number_key)
                .bind(link.number_state)
                .bind(&link.business_system)
                .bind(None::<String>)
                .bind(false)
                .bind(None::<String>)
        },
    )
    .await
}

/// Adds the changes of customers. The caller tells of them once.
///
/// # Errors
/// When the database fails.
pub async fn add_changes(conn: &mut Conn, customers: &[CustomerId]) -> Result<()> {
    let now = At::now();
    add(conn, "change (entity, entity_id, changed_at) VALUES ", customers, |values, id| values.bind("customer").bind(*id).bind(now)).await
}

/// All contacts of customers, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn contacts(conn: &mut Conn, customers: &[CustomerId]) -> Result<Vec<ContactRow>> {
    conn.query(concat!(contact_columns!(), "WHERE ct.customer_id IN ")).list(customers.iter().copied()).then(" ORDER BY ct.id").all().await
}

/// Adds contacts with their persons.
///
/// # Errors
/// When the database fails.
pub async fn insert_contacts(conn: &mut Conn, rows: &[&ContactRow]) -> Result<()> {
    add(conn, "person (id, first_name, last_name, email, phone, mobile, salutation, job_title) VALUES ", rows, |values, row| {
        let values = values.bind(&row.person_id).bind(&row.first_name).bind(&row.last_name).bind(&row.email);
        values.bind(&row.phone).bind(&row.mobile).bind(&row.salutation).bind(&row.job_title)
    })
    .await?;
    add(
        conn,
        "contact (id, customer_id, person_id, kind, roles, access_level, portal_right, platform_role, receives_invoices, \
             receives_statements, user_id, designated_by, is_active, is_primary, row_version) VALUES ",
        rows,
        |values, row| {
            let values = values.bind(row.id).bind(row.customer_id).bind(&row.person_id).bind(&row.kind).bind(&row.roles).bind(&row.access_level);
            let values = values.bind(&row.portal_right).bind(&row.platform_role).bind(row.receives_invoices).bind(row.receives_statements);
            values.bind(row.user_id).bind(row.designated_by).bind(row.is_active).bind(row.is_primary).bind(1_i64)
        },
    )
    .await
}

/// Organizations by the keys of their codes.
///
/// # Errors
/// When the database fails.
pub async fn organizations(conn: &mut Conn, code_keys: &[&str]) -> Result<Vec<OrganizationRow>> {
    conn.query(
        "SELECT o.id, o.code, o.name, o.customer_id, c.name AS customer_name, o.portal_enabled, o.metric, o.row_version \
             FROM organization o LEFT JOIN customer c ON c.id = o.customer_id WHERE o.code_key IN ",
    )
    .list(code_keys.iter().copied())
    .all()
    .await
}

/// Assets of organizations by their number keys.
///
/// # Errors
/// When the database fails.
pub async fn assets(conn: &mut Conn, organizations: &[OrganizationId], keys: &[&str]) -> Result<Vec<StoredAsset>> {
    conn.query(
        "SELECT id, organization_id, customer_id, asset_number, vin, serial, year, make, model, description, class, status, colour, department, \
             acquired_at, row_version FROM asset WHERE number_key IN ",
    )
    .list(keys.iter().copied())
    .then(" AND organization_id IN ")
    .list(organizations.iter().copied())
    .all()
    .await
}

/// Adds assets.
///
/// # Errors
/// When the database fails.
pub async fn insert_assets(conn: &mut Conn, rows: &[StoredAsset]) -> Result<()> {
    add(
        conn,
        "asset (id, organization_id, customer_id, asset_number, number_key, similar_key, vin, vin_key, vin_reversed, serial, serial_key, \
             year, make, model, description, class, status, colour, department, acquired_at, row_version) VALUES ",
        rows,
        |values, row| {
            let key = number_key(&row.asset_number);
            let similar = similar_key(&key);
            values
                .bind(row.id)
                .bind(row.organization_id)
                .bind(row.customer_id)
                .bind(&row.asset_number)
                .bind(key)
                .bind(similar)
                .bind(&row.vin)
                .bind(row.vin.as_deref().map(number_key))
                .bind(row.vin.as_deref().map(vin_reversed))
                .bind(&row.serial)
                .bind(row.serial.as_deref().map(number_key))
                .bind(row.year)
                .bind(&row.make)
                .bind(&row.model)
                .bind(&row.description)
                .bind(&row.class)
                .bind(&row.status)
                .bind(&row.colour)
                .bind(&row.department)
                .bind(row.acquired_at)
                .bind(1_i64)
        },
    )
    .await
}

/// Changes an asset if it is still of its version; false if not.
///
/// # Errors
/// When the database fails.
pub async fn update_asset(conn: &mut Conn, row: &StoredAsset) -> Result<bool> {
    let changed = conn
        .query(UPDATE_ASSET)
        .bind(row.id)
        .bind(row.row_version)
        .bind(row.customer_id)
        .bind(&row.vin)
        .bind(row.vin.as_deref().map(number_key))
        .bind(row.vin.as_deref().map(vin_reversed))
        .bind(&row.serial)
        .bind(row.serial.as_deref().map(number_key))
        .bind(row.year)
        .bind(&row.make)
        .bind(&row.model)
        .bind(&row.description)
        .bind(&row.class)
        .bind(&row.status)
        .bind(&row.colour)
        .bind(&row.department)
        .run()
        .await?;
    Ok(changed == 1)
}

/// Counts a change to an asset's version: its plates are part of it.
///
/// # Errors
/// When the database fails.
pub async fn touch_asset(conn: &mut Conn, id: AssetId) -> Result<()> {
    conn.query(TOUCH_ASSET).bind(id).run().await?;
    Ok(())
}

/// All plates of assets, former ones too, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn plates(conn: &mut Conn, assets: &[AssetId]) -> Result<Vec<StoredPlate>> {
    conn.query("SELECT id, asset_id, number, state, country, from_at, to_at FROM plate WHERE asset_id IN ")
        .list(assets.iter().copied())
        .then(" ORDER BY id DESC")
        .all()
        .await
}

/// Adds plates.
///
/// # Errors
/// When the database fails.
pub async fn insert_plates(conn: &mut Conn, rows: &[StoredPlate]) -> Result<()> {
    add(conn, "plate (id, asset_id, number, number_key, similar_key, state, country, from_at, to_at) VALUES ", rows, |values, row| {
        let key = number_key(&row.number);
        let similar = similar_key(&key);
        values.bind(&row.id).bind(row.asset_id).bind(&row.number).bind(key).bind(similar).bind(&row.state).bind(&row.country).bind(row.from_at).bind(row.to_at)
    })
    .await
}

/// Adds organizations. The caller adds the changes of their customers.
///
/// # Errors
/// [`super::StoreError::Taken`] when a code is in use.
pub async fn insert_organizations(conn: &mut Conn, rows: &[OrganizationRow]) -> Result<()> {
    add(conn, "organization (id, code, code_key, name, customer_id, portal_enabled, metric, row_version) VALUES ", rows, |values, row| {
        let values = values.bind(row.id).bind(&row.code).bind(fold(&row.code)).bind(&row.name);
        values.bind(row.customer_id).bind(row.portal_enabled).bind(row.metric).bind(1_i64)
    })
    .await
}

/// Adds meters.
///
/// # Errors
/// When the database fails.
pub async fn insert_meters(conn: &mut Conn, rows: &[MeterRow]) -> Result<()> {
    add(conn, "meter (id, asset_id, kind, component, unit, digits, tenths, max_per_day, is_primary, row_version) VALUES ", rows, |values, row| {
        let values = values.bind(row.id).bind(row.asset_id).bind(&row.kind).bind(&row.component).bind(&row.unit);
        values.bind(row.digits).bind(row.tenths).bind(row.max_per_day).bind(row.is_primary).bind(1_i64)
    })
    .await
}

/// Adds readings that were checked.
///
/// # Errors
/// When the database fails.
pub async fn insert_readings(conn: &mut Conn, rows: &[ReadingRow]) -> Result<()> {
    add(conn, "reading (id, meter_id, read_at, value, source, kind, state, entered_by, entered_at, comment, override_reason) VALUES ", rows, |values, row| {
        let values = values.bind(row.id).bind(row.meter_id).bind(row.read_at).bind(row.value).bind(&row.source).bind(&row.kind);
        values.bind(&row.state).bind(row.entered_by).bind(row.entered_at).bind(&row.comment).bind(&row.override_reason)
    })
    .await
}

/// Adds requests for service without their lines.
///
/// # Errors
/// [`super::StoreError::Taken`] when a number is in use.
pub async fn insert_requests(conn: &mut Conn, rows: &[RequestRow]) -> Result<()> {
    add(
        conn,
        "service_request (id, number, number_key, asset_id, shop_id, status, urgency, complaint, requester_first, requester_last, requester_email, \
             requester_phone, requester_extension, driver_first, driver_last, driver_email, driver_phone, driver_extension, po_number, \
             authorization_number, note, requested_at, requested_by, source, cancel_reason, decline_reason, row_version) VALUES ",
        rows,
        |values, row| {
            let values = values.bind(row.id).bind(&row.number).bind(fold(&row.number)).bind(row.asset_id).bind(row.shop_id).bind(&row.status);
            let values = values.bind(row.urgency).bind(&row.complaint).bind(&row.requester_first).bind(&row.requester_last).bind(&row.requester_email);
            let values = values.bind(&row.requester_phone).bind(&row.requester_extension).bind(&row.driver_first).bind(&row.driver_last);
            let values = values.bind(&row.driver_email).bind(&row.driver_phone).bind(&row.driver_extension).bind(&row.po_number);
            let values = values.bind(&row.authorization_number).bind(&row.note).bind(row.requested_at).bind(row.requested_by).bind(&row.source);
            values.bind(&row.cancel_reason).bind(&row.decline_reason).bind(1_i64)
        },
    )
    .await
}

/// Changes what is known of a plate beside its number.
///
/// # Errors
/// When the database fails.
pub async fn update_plate(conn: &mut Conn, row: &StoredPlate) -> Result<()> {
    conn.query(UPDATE_PLATE).bind(&row.id).bind(&row.state).bind(&row.country).bind(row.from_at).bind(row.to_at).run().await?;
    Ok(())
}

/// The newest request of an asset with that complaint: what a row without
/// number and time means.
///
/// # Errors
/// When the database fails.
pub async fn request_of_complaint(conn: &mut Conn, asset: AssetId, complaint: &str) -> Result<Option<RequestId>> {
    conn.query(REQUEST_OF_COMPLAINT).bind(asset).bind(complaint).first().await
}

/// Corrects when a request was asked for.
///
/// # Errors
/// When the database fails.
pub async fn set_requested_at(conn: &mut Conn, id: RequestId, at: At) -> Result<()> {
    conn.query(SET_REQUESTED_AT).bind(id).bind(at).run().await?;
    Ok(())
}

/// Repairs of an asset with that description, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn repairs(conn: &mut Conn, asset: AssetId, description: &str) -> Result<Vec<StoredRepair>> {
    conn.query(REPAIRS).bind(asset).bind(description).all().await
}

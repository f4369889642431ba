//! Assets, their plates, and the look-up by any of their numbers.

use super::bulk::{StoredAsset, StoredPlate};
use super::row::{row, statements};
use super::scope::{asset_in_scope, assets_of};
use super::{At, Conn, Result, Row, Scope, Stored, bulk};
use crate::api::ids::{AssetId, CustomerId, OrganizationId};
use crate::text::{number_key, similar_key};

row! {
    /// An asset with its owner.
    pub struct AssetRow {
        /// Its id.
        pub id: AssetId,
        /// Its owner.
        pub organization_id: OrganizationId,
        /// The owner's code.
        pub organization_code: String,
        /// The owner's name.
        pub organization_name: String,
        /// Whether portals see the owner.
        pub portal_enabled: bool,
        /// Whether new meters count in kilometres and litres.
        pub metric: bool,
        /// Its customer: its own, else the owner's.
        pub customer_id: Option<CustomerId>,
        /// That customer's name.
        pub customer_name: Option<String>,
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
        /// A plate it carries now.
        pub plate: Option<String>,
        /// That plate's state.
        pub plate_state: Option<String>,
        /// That plate's country.
        pub plate_country: Option<String>,
        /// For optimistic locking.
        pub row_version: i64,
    }
}

/// A look-up's hit.
#[derive(Debug, Clone, PartialEq)]
pub struct FoundRow {
    /// The asset.
    pub asset: AssetRow,
    /// How it was found: 0 number, 1 plate, 2 VIN, 3 end of VIN, 4 former
    /// plate, 5 similar.
    pub rank: i64,
}

impl Stored for FoundRow {
    fn from_row(row: Row<'_>) -> sqlx::Result<Self> {
        Ok(Self { asset: AssetRow::from_row(row)?, rank: row.get("rank")? })
    }
}

row! {
    /// A plate.
    pub struct PlateRow {
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

/// Columns of [`AssetRow`].
macro_rules! asset_fields {
    () => {
        "a.id, a.organization_id, o.code AS organization_code, o.name AS organization_name, o.portal_enabled, o.metric, \
         COALESCE(a.customer_id, o.customer_id) AS customer_id, c.name AS customer_name, a.asset_number, a.vin, a.serial, a.year, a.make, a.model, \
         a.description, a.class, a.status, a.colour, a.department, a.acquired_at, p.number AS plate, p.state AS plate_state, p.country AS plate_country, a.row_version"
    };
}

/// What they are taken from beside asset `a`; of several plates the newest is
/// the one carried.
macro_rules! asset_joins {
    () => {
        " JOIN organization o ON o.id = a.organization_id \
         LEFT JOIN customer c ON c.id = COALESCE(a.customer_id, o.customer_id) \
         LEFT JOIN plate p ON p.id = (SELECT MAX(pp.id) FROM plate pp WHERE pp.asset_id = a.id AND pp.to_at IS NULL) "
    };
}

macro_rules! asset_columns {
    () => {
        concat!("SELECT ", asset_fields!(), " FROM asset a", asset_joins!())
    };
}

/// What a look-up found, with all that is told of it: one question and not one
/// more for each hit. Inside, `t` is chosen and cut to its best; only then is the
/// rest looked up.
macro_rules! found {
    ($($chosen:tt)*) => {
        concat!("SELECT ", asset_fields!(), ", t.rank FROM (", $($chosen)*, ") t JOIN asset a ON a.id = t.asset_id", asset_joins!(), "ORDER BY t.rank, t.asset_id")
    };
}

statements! {
    GET = concat!(asset_columns!(), "WHERE ", asset_in_scope!(), " AND a.id = $6");
    BY_NUMBER = concat!(asset_columns!(), "WHERE ", asset_in_scope!(), " AND a.organization_id = $6 AND a.number_key = $7");
    OF_CUSTOMER = concat!(asset_columns!(), "WHERE ", asset_in_scope!(),
        " AND COALESCE(a.customer_id, o.customer_id) = $6 AND a.id IN (", assets_of!("= $6"), ") \
         AND (a.number_key || '', a.id) > ($7, $8) ORDER BY a.number_key || '', a.id LIMIT $9");
    COUNT_OF_CUSTOMER = concat!("SELECT COUNT(*) FROM asset a JOIN organization o ON o.id = a.organization_id WHERE ", asset_in_scope!(),
        " AND COALESCE(a.customer_id, o.customer_id) = $6 AND a.id IN (", assets_of!("= $6"), ")");
    LOOK_UP = found!("SELECT f.asset_id, MIN(f.rank) AS rank FROM (
            SELECT id AS asset_id, CAST(0 AS BIGINT) AS rank FROM asset WHERE number_key = $6
            UNION ALL SELECT asset_id, CAST(CASE WHEN to_at IS NULL THEN 1 ELSE 4 END AS BIGINT) FROM plate WHERE number_key = $6
            UNION ALL SELECT id, CAST(2 AS BIGINT) FROM asset WHERE vin_key = $6
            UNION ALL SELECT id, CAST(2 AS BIGINT) FROM asset WHERE serial_key = $6
            UNION ALL SELECT id, CAST(3 AS BIGINT) FROM asset WHERE $7 <> '' AND vin_reversed >= $7 AND vin_reversed < $8
        ) f JOIN asset a ON a.id = f.asset_id JOIN organization o ON o.id = a.organization_id
        WHERE ", asset_in_scope!(), " AND (CAST($9 AS TEXT) IS NULL OR o.code_key = $9)
        GROUP BY f.asset_id ORDER BY 2, 1 LIMIT 100");
    LOOK_UP_SIMILAR = found!("SELECT DISTINCT f.asset_id, CAST(5 AS BIGINT) AS rank FROM (
            SELECT id AS asset_id FROM asset WHERE similar_key = $6
            UNION ALL SELECT asset_id FROM plate WHERE similar_key = $6
            UNION ALL SELECT id FROM asset WHERE vin_key = $6
        ) f JOIN asset a ON a.id = f.asset_id JOIN organization o ON o.id = a.organization_id
        WHERE ", asset_in_scope!(), " AND (CAST($7 AS TEXT) IS NULL OR o.code_key = $7)
        ORDER BY 1 LIMIT 100");
    LOCK = "UPDATE asset SET row_version = row_version WHERE id = $1";
    PLATES = "SELECT number, state, country, from_at, to_at FROM plate WHERE asset_id = $1 ORDER BY id DESC";
}

/// An asset to be added.
#[derive(Debug, Clone, Default)]
pub struct NewAsset {
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
    /// Active unless said.
    pub status: Option<String>,
    /// Colour.
    pub colour: Option<String>,
    /// Department at the owner's.
    pub department: Option<String>,
}

/// The key under which the end of a VIN is found: the VIN backwards.
#[must_use]
pub fn vin_reversed(vin: &str) -> String {
    number_key(vin).chars().rev().collect()
}

/// An asset within scope.
///
/// # Errors
/// When the database fails.
pub async fn get(conn: &mut Conn, scope: &Scope, id: AssetId) -> Result<Option<AssetRow>> {
    conn.query(GET).scope(scope).bind(id).first().await
}

/// Keeps other writers from adding to an asset until this transaction ends: what
/// it has is looked at before.
///
/// # Errors
/// When the database fails.
pub async fn lock(conn: &mut Conn, asset: AssetId) -> Result<()> {
    conn.query(LOCK).bind(asset).run().await?;
    Ok(())
}

/// An asset of an organization by its number.
///
/// # Errors
/// When the database fails.
pub async fn by_number(conn: &mut Conn, scope: &Scope, organization: OrganizationId, number: &str) -> Result<Option<AssetRow>> {
    conn.query(BY_NUMBER).scope(scope).bind(organization).bind(number_key(number)).first().await
}

/// Assets of a customer behind a number key and id, by these.
///
/// # Errors
/// When the database fails.
pub async fn of_customer(conn: &mut Conn, scope: &Scope, customer: CustomerId, after: (&str, &str), limit: i64) -> Result<Vec<AssetRow>> {
    conn.query(OF_CUSTOMER).scope(scope).bind(customer).bind(after.0).bind(after.1).bind(limit).all().await
}

/// How many assets of a customer are within scope.
///
/// # Errors
/// When the database fails.
pub async fn count_of_customer(conn: &mut Conn, scope: &Scope, customer: CustomerId) -> Result<i64> {
    conn.query(COUNT_OF_CUSTOMER).scope(scope).bind(customer).one().await
}

/// What a look-up asks for.
#[derive(Debug, Clone, Copy)]
pub struct Tag<'a> {
    /// The tag as typed.
    pub tag: &'a str,
    /// Only in this organization, by the key of its code.
    pub organization: Option<&'a str>,
}

/// Finds assets by number, plate, VIN, or the last 6 to 8 characters of the
/// VIN (S2-8, S3-30, trap 1), the best match first.
///
/// # Errors
/// When the database fails.
pub async fn look_up(conn: &mut Conn, scope: &Scope, tag: Tag<'_>) -> Result<Vec<FoundRow>> {
    let key = number_key(tag.tag);
    let length = key.chars().count();
    let tail: String = if (6..=8).contains(&length) { key.chars().rev().collect() } else { String::new() };
    let beyond = format!("{tail}\u{7f}");
    conn.query(LOOK_UP).scope(scope).bind(&key).bind(&tail).bind(&beyond).bind(tag.organization).all().await
}

/// Finds assets whose number, plate or VIN looks like the tag (trap 15).
///
/// # Errors
/// When the database fails.
pub async fn look_up_similar(conn: &mut Conn, scope: &Scope, tag: Tag<'_>) -> Result<Vec<FoundRow>> {
    let key = similar_key(&number_key(tag.tag));
    conn.query(LOOK_UP_SIMILAR).scope(scope).bind(&key).bind(tag.organization).all().await
}

/// All plates of an asset, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn plates(conn: &mut Conn, asset: AssetId) -> Result<Vec<PlateRow>> {
    conn.query(PLATES).bind(asset).all().await
}

/// Adds an asset.
///
/// # Errors
/// [`super::StoreError::Taken`] when the organization has this number already.
pub async fn insert(conn: &mut Conn, organization: OrganizationId, new: &NewAsset) -> Result<AssetId> {
    let row = StoredAsset {
        id: AssetId::new(),
        organization_id: organization,
        customer_id: new.customer_id,
        asset_number: new.asset_number.clone(),
        vin: new.vin.clone(),
        serial: new.serial.clone(),
        year: new.year,
        make: new.make.clone(),
        model: new.model.clone(),
        description: new.description.clone(),
        class: new.class.clone(),
        status: new.status.clone().unwrap_or_else(|| "active".to_owned()),
        colour: new.colour.clone(),
        department: new.department.clone(),
        acquired_at: None,
        row_version: 1,
    };
    bulk::insert_assets(conn, std::slice::from_ref(&row)).await?;
    Ok(row.id)
}

/// Adds a plate to an asset.
///
/// # Errors
/// When the database fails.
pub async fn insert_plate(conn: &mut Conn, asset: AssetId, plate: &PlateRow) -> Result<()> {
    let row = StoredPlate {
        id: uuid::Uuid::now_v7().to_string(),
        asset_id: asset,
        number: plate.number.clone(),
        state: plate.state.clone(),
        country: plate.country.clone(),
        from_at: plate.from_at,
        to_at: plate.to_at,
    };
    bulk::insert_plates(conn, std::slice::from_ref(&row)).await
}

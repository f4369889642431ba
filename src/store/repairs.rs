//! Repairs: known defects, on a work order or not yet.

use super::row::{row, statements};
use super::{At, Conn, Result};
use crate::api::ids::{AssetId, RepairId, ShopId};

row! {
    /// A repair as stored.
    pub struct RepairRow {
        /// Its id.
        pub id: RepairId,
        /// `open` or `pending`.
        pub state: String,
        /// What is to be done.
        pub description: String,
        /// Why.
        pub reason: Option<String>,
        /// Free text.
        pub status: Option<String>,
        /// Who does it.
        pub shop_id: Option<ShopId>,
        /// That shop's code.
        pub shop_code: Option<String>,
        /// That shop's name.
        pub shop_name: Option<String>,
        /// When it was found.
        pub found_at: At,
    }
}

statements! {
    OF_ASSET = "SELECT r.id, r.state, r.description, r.reason, r.status, r.shop_id, s.code AS shop_code, s.name AS shop_name, r.found_at
        FROM repair r LEFT JOIN shop s ON s.id = r.shop_id
        WHERE r.asset_id = $1 AND (CAST($2 AS TEXT) IS NULL OR r.state = $2) ORDER BY r.state, r.found_at DESC, r.id LIMIT 200";
    BY_KEY = "SELECT id FROM repair WHERE asset_id = $1 AND found_at = $2 AND description = $3";
    INSERT = "INSERT INTO repair (id, asset_id, state, description, reason, status, shop_id, found_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    UPDATE = "UPDATE repair SET state = $2, reason = COALESCE($3, reason), status = COALESCE($4, status), shop_id = COALESCE($5, shop_id) WHERE id = $1";
}

/// Repairs of an asset, open ones first; perhaps only of one state.
///
/// # Errors
/// When the database fails.
pub async fn of_asset(conn: &mut Conn, asset: AssetId, state: Option<&str>) -> Result<Vec<RepairRow>> {
    conn.query(OF_ASSET).bind(asset).bind(state).all().await
}

/// The repair of an asset found at that time with that description: the key
/// of an imported one (8.3).
///
/// # Errors
/// When the database fails.
pub async fn by_key(conn: &mut Conn, asset: AssetId, found_at: At, description: &str) -> Result<Option<RepairId>> {
    conn.query(BY_KEY).bind(asset).bind(found_at).bind(description).first().await
}

/// Adds a repair.
///
/// # Errors
/// When the database fails.
pub async fn insert(conn: &mut Conn, asset: AssetId, row: &RepairRow) -> Result<()> {
    conn.query(INSERT)
        .bind(row.id)
        .bind(asset)
        .bind(&row.state)
        .bind(&row.description)
        .bind(&row.reason)
        .bind(&row.status)
        .bind(row.shop_id)
        .bind(row.found_at)
        .run()
        .await?;
    Ok(())
}

/// Brings a known repair up to date; what is not said stays.
///
/// # Errors
/// When the database fails.
pub async fn update(conn: &mut Conn, id: RepairId, row: &RepairRow) -> Result<()> {
    conn.query(UPDATE).bind(id).bind(&row.state).bind(&row.reason).bind(&row.status).bind(row.shop_id).run().await?;
    Ok(())
}

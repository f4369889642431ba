//! Workshop terminals and their tokens, which are kept hashed.

use super::row::{row, statements};
use super::users::{self, NewGrant, UserRow};
use super::{Conn, Result};
use crate::api::ids::{KioskId, ShopId, UserId};
use crate::api::people::ScopeKind;
use crate::api::permission::Permission;
use crate::api::role::Role;
use crate::api::session::UserKind;

row! {
    /// A workshop terminal with its shop.
    pub struct KioskRow {
        /// Its id.
        pub id: KioskId,
        /// The shop it stands in.
        pub shop_id: ShopId,
        /// That shop's code.
        pub shop_code: String,
        /// That shop's name.
        pub shop_name: String,
        /// The account its sessions are of.
        pub user_id: UserId,
        /// What people call it.
        pub label: String,
        /// Whether somebody has to sign in at it.
        pub login_required: bool,
        /// After how many seconds it forgets.
        pub idle_seconds: i64,
        /// Names of permissions, separated by spaces.
        pub allowed_actions: String,
        /// Whether its token is good.
        pub is_active: bool,
        /// Counts up.
        pub row_version: i64,
    }
}

impl KioskRow {
    /// A new terminal of a shop, which may do all that its template grants.
    #[must_use]
    pub fn new(shop_id: ShopId, label: impl Into<String>, idle_seconds: i64) -> Self {
        let actions: Vec<&str> = Role::named(TEMPLATE).map(|role| role.permissions().iter().map(Permission::name).collect()).unwrap_or_default();
        Self {
            id: KioskId::new(),
            shop_id,
            shop_code: String::new(),
            shop_name: String::new(),
            user_id: UserId::new(),
            label: label.into(),
            login_required: false,
            idle_seconds,
            allowed_actions: actions.join(" "),
            is_active: true,
            row_version: 1,
        }
    }
}

/// The role that every terminal's account holds at its shop.
pub const TEMPLATE: &str = "kiosk";

macro_rules! kiosk_columns {
    () => {
        "SELECT k.id, k.shop_id, s.code AS shop_code, s.name AS shop_name, k.user_id, k.label, k.login_required, k.idle_seconds, k.allowed_actions, \
            k.is_active, k.row_version FROM kiosk_device k JOIN shop s ON s.id = k.shop_id "
    };
}

statements! {
    LIST = concat!(kiosk_columns!(), "ORDER BY s.code_key, k.label");
    ONE = concat!(kiosk_columns!(), "WHERE k.id = $1");
    OF_USER = concat!(kiosk_columns!(), "WHERE k.user_id = $1");
    OF_TOKEN = concat!(kiosk_columns!(), "WHERE k.token_hash = $1 AND k.is_active");
    INSERT = "INSERT INTO kiosk_device (id, shop_id, user_id, label, token_hash, login_required, idle_seconds, allowed_actions, is_active, row_version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, TRUE, 1)";
    UPDATE = "UPDATE kiosk_device SET login_required = $3, idle_seconds = $4, allowed_actions = $5, is_active = $6, row_version = row_version + 1
        WHERE id = $1 AND row_version = $2";
    SET_TOKEN = "UPDATE kiosk_device SET token_hash = $2, row_version = row_version + 1 WHERE id = $1";
}

/// All of them, by shop and label.
///
/// # Errors
/// When the database fails.
pub async fn list(conn: &mut Conn) -> Result<Vec<KioskRow>> {
    conn.query(LIST).all().await
}

/// One of them.
///
/// # Errors
/// When the database fails.
pub async fn get(conn: &mut Conn, id: KioskId) -> Result<Option<KioskRow>> {
    conn.query(ONE).bind(id).first().await
}

/// The terminal whose account this is.
///
/// # Errors
/// When the database fails.
pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Option<KioskRow>> {
    conn.query(OF_USER).bind(user).first().await
}

/// The terminal of a token that is good.
///
/// # Errors
/// When the database fails.
pub async fn of_token(conn: &mut Conn, token_hash: &str) -> Result<Option<KioskRow>> {
    conn.query(OF_TOKEN).bind(token_hash).first().await
}

/// Adds a terminal with the account that its sessions are of.
///
/// # Errors
/// [`super::StoreError::Taken`] when its shop has one of that label.
pub async fn insert(conn: &mut Conn, row: &KioskRow, token_hash: &str, granted_by: Option<UserId>) -> Result<()> {
    let account =
        UserRow { id: row.user_id, shop_id: Some(row.shop_id), first_name: row.label.clone(), ..UserRow::new(format!("kiosk-{}", row.id), UserKind::Kiosk) };
    let grant = NewGrant {
        role: TEMPLATE.to_owned(),
        scope_kind: ScopeKind::Shop.name().to_owned(),
        scope_id: Some(row.shop_id.to_string()),
        granted_by,
        ..NewGrant::default()
    };
    users::insert(conn, &account, &[grant]).await?;
    conn.query(INSERT)
        .bind(row.id)
        .bind(row.shop_id)
        .bind(row.user_id)
        .bind(&row.label)
        .bind(token_hash)
        .bind(row.login_required)
        .bind(row.idle_seconds)
        .bind(&row.allowed_actions)
        .run()
        .await?;
    Ok(())
}

/// Changes a terminal; false if somebody else was faster.
///
/// # Errors
/// When the database fails.
pub async fn update(conn: &mut Conn, row: &KioskRow) -> Result<bool> {
    let updated = conn
        .query(UPDATE)
        .bind(row.id)
        .bind(row.row_version)
        .bind(row.login_required)
        .bind(row.idle_seconds)
        .bind(&row.allowed_actions)
        .bind(row.is_active)
        .run()
        .await?;
    Ok(updated > 0)
}

/// Gives a terminal another token; the old one is good for nothing then.
///
/// # Errors
/// When the database fails.
pub async fn set_token(conn: &mut Conn, id: KioskId, token_hash: &str) -> Result<()> {
    conn.query(SET_TOKEN).bind(id).bind(token_hash).run().await?;
    Ok(())
}

//! Users, their grants and sessions.

use super::row::{row, statements};
use super::{At, Conn, Result};
use crate::api::ids::{CustomerId, SessionId, ShopId, UserId};
use crate::text::fold;

row! {
    /// A user with the person behind it.
    pub struct UserRow {
        /// Its id.
        pub id: UserId,
        /// The name to sign in with.
        pub username: String,
        /// argon2id.
        pub password_hash: String,
        /// Whether the password has to be changed.
        pub must_change: bool,
        /// `active`, `locked` or `disabled`.
        pub state: String,
        /// `staff`, `customer`, `service_account` or `kiosk`.
        pub kind: String,
        /// The shop a session starts in.
        pub shop_id: Option<ShopId>,
        /// Given name.
        pub first_name: String,
        /// Family name.
        pub last_name: String,
        /// E-mail.
        pub email: Option<String>,
        /// E.164.
        pub phone: Option<String>,
    }
}

row! {
    /// A role with one scope.
    pub struct GrantRow {
        /// The template's name.
        pub role: String,
        /// `deployment`, `shop`, `organization` or `customer`.
        pub scope_kind: String,
        /// The record it is limited to.
        pub scope_id: Option<String>,
        /// That record's name.
        pub scope_name: Option<String>,
    }
}

row! {
    /// A session with its user.
    pub struct SessionRow {
        /// The session.
        pub session_id: SessionId,
        /// The user.
        pub user_id: UserId,
        /// The current shop.
        pub session_shop_id: Option<ShopId>,
        /// The current customer.
        pub session_customer_id: Option<CustomerId>,
        /// When it was last used.
        pub used_at: At,
        /// How long it may stand idle.
        pub idle_micros: i64,
        /// When it ends at the latest.
        pub ends_at: At,
    }
}

/// A session to be opened.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// Hash of its token.
    pub token_hash: String,
    /// The shop it starts in.
    pub shop: Option<ShopId>,
    /// The customer it starts with.
    pub customer: Option<CustomerId>,
    /// How long it may stand idle, in microseconds.
    pub idle_micros: i64,
    /// When it ends at the latest.
    pub ends_at: At,
}

/// A grant to be given.
#[derive(Debug, Clone)]
pub struct NewGrant {
    /// The template's name.
    pub role: String,
    /// `deployment`, `shop`, `organization` or `customer`.
    pub scope_kind: String,
    /// The record it is limited to.
    pub scope_id: Option<String>,
}

macro_rules! user_columns {
    () => {
        "SELECT u.id, u.username, u.password_hash, u.must_change, u.state, u.kind, u.shop_id, p.first_name, p.last_name, p.email, p.phone \
         FROM user_account u JOIN person p ON p.id = u.person_id "
    };
}

statements! {
    BY_NAME = concat!(user_columns!(), "WHERE u.username_key = $1");
    BY_ID = concat!(user_columns!(), "WHERE u.id = $1");
    COUNT_USERS = "SELECT COUNT(*) FROM user_account";
    GRANTS = "SELECT g.role, g.scope_kind, g.scope_id, COALESCE(s.name, o.name, c.name) AS scope_name FROM role_grant g
        LEFT JOIN shop s ON s.id = g.scope_id LEFT JOIN organization o ON o.id = g.scope_id LEFT JOIN customer c ON c.id = g.scope_id
        WHERE g.user_id = $1 AND (g.valid_from IS NULL OR g.valid_from <= $2) AND (g.valid_to IS NULL OR g.valid_to > $2)
        ORDER BY g.role, g.scope_kind, g.id";
    INSERT_PERSON = "INSERT INTO person (id, first_name, last_name, email, phone) VALUES ($1, $2, $3, $4, $5)";
    INSERT_USER = "INSERT INTO user_account (id, person_id, username, username_key, password_hash, must_change, state, kind, shop_id, row_version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)";
    INSERT_GRANT = "INSERT INTO role_grant (id, user_id, role, scope_kind, scope_id) VALUES ($1, $2, $3, $4, $5)";
    SET_STATE = "UPDATE user_account SET state = $2, row_version = row_version + 1 WHERE id = $1";
    SET_PASSWORD = "UPDATE user_account SET password_hash = $2, must_change = FALSE, row_version = row_version + 1 WHERE id = $1";
    END_OTHER_SESSIONS = "DELETE FROM session WHERE user_id = $1 AND id <> $2";
    END_SESSIONS = "DELETE FROM session WHERE user_id = $1";
    OTHER_ADMINISTRATORS = "SELECT COUNT(DISTINCT u.id) FROM user_account u JOIN role_grant g ON g.user_id = u.id
        WHERE u.id <> $1 AND u.state = 'active' AND g.role = 'administrator' AND g.scope_kind = 'deployment'
        AND (g.valid_from IS NULL OR g.valid_from <= $2) AND (g.valid_to IS NULL OR g.valid_to > $2)";
    INSERT_SESSION = "INSERT INTO session (id, user_id, token_hash, shop_id, customer_id, created_at, used_at, idle_micros, ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8)";
    SESSION = "SELECT s.id AS session_id, s.user_id, s.shop_id AS session_shop_id, s.customer_id AS session_customer_id, s.used_at, s.idle_micros, s.ends_at
        FROM session s JOIN user_account u ON u.id = s.user_id
        WHERE s.token_hash = $1 AND s.ends_at > $2 AND s.used_at + s.idle_micros > $2 AND u.state = 'active'";
    USE_SESSION = "UPDATE session SET used_at = $2 WHERE id = $1";
    MOVE_SESSION = "UPDATE session SET shop_id = $2, customer_id = $3 WHERE id = $1";
    END_SESSION = "DELETE FROM session WHERE id = $1";
    PRUNE_SESSIONS = "DELETE FROM session WHERE ends_at < $1 OR used_at + idle_micros < $1";
}

/// The user of that name; upper and lower case are the same.
///
/// # Errors
/// When the database fails.
pub async fn by_name(conn: &mut Conn, username: &str) -> Result<Option<UserRow>> {
    conn.query(BY_NAME).bind(fold(username)).first().await
}

/// The user of that id.
///
/// # Errors
/// When the database fails.
pub async fn by_id(conn: &mut Conn, id: UserId) -> Result<Option<UserRow>> {
    conn.query(BY_ID).bind(id).first().await
}

/// How many users there are.
///
/// # Errors
/// When the database fails.
pub async fn count(conn: &mut Conn) -> Result<i64> {
    conn.query(COUNT_USERS).one().await
}

/// The grants of a user that are in force.
///
/// # Errors
/// When the database fails.
pub async fn grants(conn: &mut Conn, user: UserId) -> Result<Vec<GrantRow>> {
    conn.query(GRANTS).bind(user).bind(At::now()).all().await
}

/// Adds a user with the person behind it and its grants.
///
/// # Errors
/// [`super::StoreError::Taken`] when the name is in use.
pub async fn insert(conn: &mut Conn, user: &UserRow, grants: &[NewGrant]) -> Result<()> {
    let person = uuid::Uuid::now_v7().to_string();
    conn.query(INSERT_PERSON).bind(&person).bind(&user.first_name).bind(&user.last_name).bind(&user.email).bind(&user.phone).run().await?;
    conn.query(INSERT_USER)
        .bind(user.id)
        .bind(&person)
        .bind(&user.username)
        .bind(fold(&user.username))
        .bind(&user.password_hash)
        .bind(user.must_change)
        .bind(&user.state)
        .bind(&user.kind)
        .bind(user.shop_id)
        .run()
        .await?;
    for grant in grants {
        let id = uuid::Uuid::now_v7().to_string();
        conn.query(INSERT_GRANT).bind(id).bind(user.id).bind(&grant.role).bind(&grant.scope_kind).bind(&grant.scope_id).run().await?;
    }
    Ok(())
}

/// Makes a user `active`, `locked` or `disabled`. Whoever is not active has no
/// sessions any more, from the same commit on (I-4).
///
/// # Errors
/// When the database fails.
pub async fn set_state(conn: &mut Conn, user: UserId, state: &str) -> Result<()> {
    conn.query(SET_STATE).bind(user).bind(state).run().await?;
    if state != "active" {
        conn.query(END_SESSIONS).bind(user).run().await?;
    }
    Ok(())
}

/// Sets a user's own password; of its sessions only `but` lives on.
///
/// # Errors
/// When the database fails.
pub async fn set_password(conn: &mut Conn, user: UserId, password_hash: &str, but: SessionId) -> Result<()> {
    conn.query(SET_PASSWORD).bind(user).bind(password_hash).run().await?;
    conn.query(END_OTHER_SESSIONS).bind(user).bind(but).run().await?;
    Ok(())
}

/// How many others are active administrators of the whole deployment (I-3).
///
/// # Errors
/// When the database fails.
pub async fn other_administrators(conn: &mut Conn, than: UserId) -> Result<i64> {
    conn.query(OTHER_ADMINISTRATORS).bind(than).bind(At::now()).one().await
}

/// Opens a session.
///
/// # Errors
/// When the database fails.
pub async fn open_session(conn: &mut Conn, new: &NewSession) -> Result<()> {
    conn.query(INSERT_SESSION)
        .bind(new.id)
        .bind(new.user)
        .bind(&new.token_hash)
        .bind(new.shop)
        .bind(new.customer)
        .bind(At::now())
        .bind(new.idle_micros)
        .bind(new.ends_at)
        .run()
        .await?;
    Ok(())
}

/// The session of a token, if it and its user are still good.
///
/// # Errors
/// When the database fails.
pub async fn session(conn: &mut Conn, token_hash: &str) -> Result<Option<SessionRow>> {
    conn.query(SESSION).bind(token_hash).bind(At::now()).first().await
}

/// Notes that a session was used, which lets it live on.
///
/// # Errors
/// When the database fails.
pub async fn use_session(conn: &mut Conn, id: SessionId) -> Result<()> {
    conn.query(USE_SESSION).bind(id).bind(At::now()).run().await?;
    Ok(())
}

/// Changes a session's shop and customer.
///
/// # Errors
/// When the database fails.
pub async fn move_session(conn: &mut Conn, id: SessionId, shop: Option<ShopId>, customer: Option<CustomerId>) -> Result<()> {
    conn.query(MOVE_SESSION).bind(id).bind(shop).bind(customer).run().await?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// When the database fails.
pub async fn end_session(conn: &mut Conn, id: SessionId) -> Result<()> {
    conn.query(END_SESSION).bind(id).run().await?;
    Ok(())
}

/// Forgets sessions that ended.
///
/// # Errors
/// When the database fails.
pub async fn prune_sessions(conn: &mut Conn) -> Result<()> {
    conn.query(PRUNE_SESSIONS).bind(At::now()).run().await?;
    Ok(())
}

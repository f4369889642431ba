//! Users, their grants and sessions.

use super::row::{row, statements};
use super::scope::{customer_in_scope, organization_in_scope};
use super::{At, Conn, Result, Scope, password_links};
use crate::api::ids::{GrantId, SessionId, ShopId, UserId};
use crate::api::people::UserState;
use crate::api::session::UserKind;
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

impl UserRow {
    /// A new account that may sign in as soon as it has a password, and that
    /// nobody gets in with before: no password has an empty hash.
    #[must_use]
    pub fn new(username: impl Into<String>, kind: UserKind) -> Self {
        Self {
            id: UserId::new(),
            username: username.into(),
            password_hash: String::new(),
            must_change: false,
            state: UserState::Active.name().to_owned(),
            kind: kind.name().to_owned(),
            shop_id: None,
            first_name: String::new(),
            last_name: String::new(),
            email: None,
            phone: None,
        }
    }
}

row! {
    /// A role with one scope.
    pub struct GrantRow {
        /// Its id.
        pub id: GrantId,
        /// The role's key.
        pub role: String,
        /// What it grants, where it is a role of the dealer's own.
        pub cells: Option<String>,
        /// `deployment`, `shop`, `organization` or `customer`.
        pub scope_kind: String,
        /// The record it is limited to.
        pub scope_id: Option<String>,
        /// That record's name.
        pub scope_name: Option<String>,
        /// The domains it is limited to, separated by spaces; empty: all.
        pub domains: String,
        /// From when.
        pub valid_from: Option<At>,
        /// Until when.
        pub valid_to: Option<At>,
        /// Who gave it.
        pub granted_by: Option<String>,
    }
}

row! {
    /// A role that a group at the identity provider brought.
    pub struct GroupGrantRow {
        /// Its id.
        pub id: GrantId,
        /// The role's key.
        pub role: String,
        /// `deployment`, `shop` or `organization`.
        pub scope_kind: String,
        /// The record it is limited to.
        pub scope_id: Option<String>,
        /// The group.
        pub from_group: String,
    }
}

row! {
    /// A user as an administrator sees it.
    pub struct AccountRow {
        /// Its id.
        pub id: UserId,
        /// The name to sign in with.
        pub username: String,
        /// Given name.
        pub first_name: String,
        /// Family name.
        pub last_name: String,
        /// E-mail.
        pub email: Option<String>,
        /// E.164.
        pub phone: Option<String>,
        /// `staff`, `customer`, `service_account` or `kiosk`.
        pub kind: String,
        /// `active`, `locked` or `disabled`.
        pub state: String,
        /// Whether the password has to be changed.
        pub must_change: bool,
        /// The shop a session starts in.
        pub shop_id: Option<ShopId>,
        /// Its code.
        pub shop_code: Option<String>,
        /// Its name.
        pub shop_name: Option<String>,
        /// When it signed in last.
        pub last_sign_in: Option<At>,
        /// Counts up.
        pub row_version: i64,
    }
}

impl AccountRow {
    /// What an administrator would see of a user that is not stored yet.
    #[must_use]
    pub fn of(user: &UserRow) -> Self {
        Self {
            id: user.id,
            username: user.username.clone(),
            first_name: user.first_name.clone(),
            last_name: user.last_name.clone(),
            email: user.email.clone(),
            phone: user.phone.clone(),
            kind: user.kind.clone(),
            state: user.state.clone(),
            must_change: user.must_change,
            shop_id: user.shop_id,
            shop_code: None,
            shop_name: None,
            last_sign_in: None,
            row_version: 1,
        }
    }
}

/// A grant to be given.
#[derive(Debug, Clone, Default)]
pub struct NewGrant {
    /// The role's key.
    pub role: String,
    /// `deployment`, `shop`, `organization` or `customer`.
    pub scope_kind: String,
    /// The record it is limited to.
    pub scope_id: Option<String>,
    /// The domains it is limited to, separated by spaces; empty: all.
    pub domains: String,
    /// From when.
    pub valid_from: Option<At>,
    /// Until when.
    pub valid_to: Option<At>,
    /// Who gives it.
    pub granted_by: Option<UserId>,
}

macro_rules! user_columns {
    () => {
        "SELECT u.id, u.username, u.password_hash, u.must_change, u.state, u.kind, u.shop_id, p.first_name, p.last_name, p.email, p.phone \
         FROM user_account u JOIN person p ON p.id = u.person_id "
    };
}

macro_rules! grant_columns {
    () => {
        "SELECT g.id, g.role, r.cells, g.scope_kind, g.scope_id, COALESCE(s.name, o.name, c.name) AS scope_name, g.domains, g.valid_from, g.valid_to, \
            gu.username AS granted_by FROM role_grant g LEFT JOIN role r ON r.role_key = g.role LEFT JOIN user_account gu ON gu.id = g.granted_by \
         LEFT JOIN shop s ON s.id = g.scope_id LEFT JOIN organization o ON o.id = g.scope_id LEFT JOIN customer c ON c.id = g.scope_id "
    };
}

macro_rules! account_columns {
    () => {
        "SELECT u.id, u.username, p.first_name, p.last_name, p.email, p.phone, u.kind, u.state, u.must_change, u.shop_id, us.code AS shop_code, \
            us.name AS shop_name, u.last_sign_in, u.row_version \
         FROM user_account u JOIN person p ON p.id = u.person_id LEFT JOIN shop us ON us.id = u.shop_id "
    };
}

/// What grant `g` is limited to lies within reach.
macro_rules! grant_in_scope {
    () => {
        concat!(
            "((g.scope_kind = 'shop' AND $2 LIKE '%' || g.scope_id || '%') \
              OR (g.scope_kind = 'organization' AND EXISTS (SELECT 1 FROM organization o WHERE o.id = g.scope_id AND ",
            organization_in_scope!(),
            ")) OR (g.scope_kind = 'customer' AND EXISTS (SELECT 1 FROM customer c WHERE c.id = g.scope_id AND ",
            customer_in_scope!(),
            ")))"
        )
    };
}

/// Grant `g` is in force at `$6`, or will be.
macro_rules! grant_goes_on {
    () => {
        "(g.valid_to IS NULL OR g.valid_to > CAST($6 AS BIGINT))"
    };
}

/// User `u`: whoever belongs to a shop or customer in reach, and neither holds a
/// grant nor is somebody's contact beyond it, so that nobody manages those above
/// him or takes over what belongs to others too. By a grant that has ended
/// somebody belongs where it was, unless he has another shop now.
macro_rules! account_in_scope {
    () => {
        concat!(
            "($1 OR ((($2 <> '' AND u.shop_id IS NOT NULL AND $2 LIKE '%' || u.shop_id || '%') \
              OR EXISTS (SELECT 1 FROM contact ct JOIN customer c ON c.id = ct.customer_id WHERE ct.user_id = u.id AND ",
            customer_in_scope!(),
            ") OR EXISTS (SELECT 1 FROM role_grant g WHERE g.user_id = u.id AND (u.shop_id IS NULL OR ",
            grant_goes_on!(),
            ") AND ",
            grant_in_scope!(),
            ")) AND NOT EXISTS (SELECT 1 FROM role_grant g WHERE g.user_id = u.id AND ",
            grant_goes_on!(),
            " AND NOT ",
            grant_in_scope!(),
            ") AND NOT EXISTS (SELECT 1 FROM contact ct JOIN customer c ON c.id = ct.customer_id WHERE ct.user_id = u.id AND NOT ",
            customer_in_scope!(),
            ")))"
        )
    };
}

statements! {
    BY_NAME = concat!(user_columns!(), "WHERE u.username_key = $1");
    BY_ID = concat!(user_columns!(), "WHERE u.id = $1");
    BY_SUBJECT = concat!(user_columns!(), "WHERE u.idp_subject = $1");
    LOCK = "UPDATE user_account SET row_version = row_version WHERE id = $1";
    STAFF_BY_EMAIL = concat!(user_columns!(), "WHERE u.kind = 'staff' AND LOWER(p.email) = LOWER(CAST($1 AS TEXT))");
    LINK = "UPDATE user_account SET idp_subject = $2, password_hash = CASE WHEN must_change THEN '' ELSE password_hash END, must_change = FALSE,
        row_version = row_version + 1 WHERE id = $1 AND idp_subject IS NULL";
    GROUP_GRANTS = "SELECT id, role, scope_kind, scope_id, from_group FROM role_grant WHERE user_id = $1 AND from_group IS NOT NULL
        AND (valid_to IS NULL OR valid_to > $2) ORDER BY id";
    NOTE_GROUP = "UPDATE role_grant SET from_group = $2 WHERE id = $1";
    COUNT_USERS = "SELECT COUNT(*) FROM user_account";
    GRANTS = concat!(grant_columns!(), "WHERE g.user_id = $1 AND (g.valid_from IS NULL OR g.valid_from <= $2) AND (g.valid_to IS NULL OR g.valid_to > $2)
        ORDER BY g.role, g.scope_kind, g.id");
    GRANTS_TO_COME = concat!(grant_columns!(), "WHERE g.user_id = $1 AND (g.valid_to IS NULL OR g.valid_to > $2) ORDER BY g.role, g.scope_kind, g.id");
    LIST = concat!(account_columns!(), "WHERE ", account_in_scope!(), " AND u.username_key > $7 ORDER BY u.username_key LIMIT $8");
    ACCOUNT = concat!(account_columns!(), "WHERE ", account_in_scope!(), " AND u.id = $7");
    UPDATE_PERSON = "UPDATE person SET first_name = $2, last_name = $3, email = $4, phone = $5 WHERE id = (SELECT person_id FROM user_account WHERE id = $1)";
    UPDATE_ACCOUNT = "UPDATE user_account SET shop_id = $3, row_version = row_version + 1 WHERE id = $1 AND row_version = $2";
    NOTE_SIGN_IN = "UPDATE user_account SET last_sign_in = $2 WHERE id = $1";
    END_GRANT = "UPDATE role_grant SET valid_to = $3 WHERE id = $2 AND user_id = $1 AND (valid_to IS NULL OR valid_to > $3)";
    IS_ADMINISTRATOR = "SELECT COUNT(*) FROM role_grant g WHERE g.user_id = $1 AND g.role = 'administrator' AND g.scope_kind = 'deployment'
        AND (g.valid_from IS NULL OR g.valid_from <= $2) AND (g.valid_to IS NULL OR g.valid_to > $2)";
    INSERT_PERSON = "INSERT INTO person (id, first_name, last_name, email, phone) VALUES ($1, $2, $3, $4, $5)";
    INSERT_USER = "INSERT INTO user_account (id, person_id, username, username_key, password_hash, must_change, state, kind, shop_id, row_version)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1)";
    INSERT_GRANT = "INSERT INTO role_grant (id, user_id, role, scope_kind, scope_id, domains, valid_from, valid_to, granted_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    SET_STATE = "UPDATE user_account SET state = $2, row_version = row_version + 1 WHERE id = $1";
    SET_PASSWORD = "UPDATE user_account SET password_hash = $2, must_change = $3, row_version = row_version + 1 WHERE id = $1";
    END_OTHER_SESSIONS = "DELETE FROM session WHERE user_id = $1 AND id <> $2";
    END_SESSIONS = "DELETE FROM session WHERE user_id = $1";
    LOCK_ADMINISTRATORS = "UPDATE role_grant SET valid_to = valid_to WHERE role = 'administrator' AND scope_kind = 'deployment'";
    OTHER_ADMINISTRATORS = "SELECT COUNT(DISTINCT u.id) FROM user_account u JOIN role_grant g ON g.user_id = u.id
        WHERE u.id <> $1 AND u.state = 'active' AND u.kind = 'staff' AND (u.password_hash <> '' OR u.idp_subject IS NOT NULL)
        AND g.role = 'administrator' AND g.scope_kind = 'deployment' AND g.domains = ''
        AND (g.valid_from IS NULL OR g.valid_from <= $2) AND g.valid_to IS NULL";
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

/// The user of that id as it is now, and stays until this transaction ends:
/// whoever else changes it waits, or was waited for.
///
/// # Errors
/// When the database fails.
pub async fn locked(conn: &mut Conn, id: UserId) -> Result<Option<UserRow>> {
    conn.query(LOCK).bind(id).run().await?;
    by_id(conn, id).await
}

/// The user tied to a subject of the identity provider.
///
/// # Errors
/// When the database fails.
pub async fn by_subject(conn: &mut Conn, subject: &str) -> Result<Option<UserRow>> {
    conn.query(BY_SUBJECT).bind(subject).first().await
}

/// Every one of the dealer's people with an e-mail, whatever its state; upper
/// and lower case of `a` to `z` are the same.
///
/// # Errors
/// When the database fails.
pub async fn staff_by_email(conn: &mut Conn, email: &str) -> Result<Vec<UserRow>> {
    let mut found: Vec<UserRow> = conn.query(STAFF_BY_EMAIL).bind(email).all().await?;
    // One of the databases folds other letters too.
    found.retain(|user| user.email.as_deref().is_some_and(|stored| stored.eq_ignore_ascii_case(email)));
    Ok(found)
}

/// Ties a user to a subject of the identity provider; false if it is tied
/// already. A password that somebody else chose and that was never changed goes:
/// nobody needs it any more.
///
/// # Errors
/// [`super::StoreError::Taken`] when another user is tied to the subject.
pub async fn link(conn: &mut Conn, user: UserId, subject: &str) -> Result<bool> {
    Ok(conn.query(LINK).bind(user).bind(subject).run().await? == 1)
}

/// The grants that groups at the identity provider brought, in force or to come.
///
/// # Errors
/// When the database fails.
pub async fn group_grants(conn: &mut Conn, user: UserId) -> Result<Vec<GroupGrantRow>> {
    conn.query(GROUP_GRANTS).bind(user).bind(At::now()).all().await
}

/// Gives a user a role that a group at the identity provider brings.
///
/// # Errors
/// When the database fails.
pub async fn give_by_group(conn: &mut Conn, user: UserId, grant: &NewGrant, group: &str) -> Result<()> {
    let id = give(conn, user, grant).await?;
    conn.query(NOTE_GROUP).bind(id).bind(group).run().await?;
    Ok(())
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
        give(conn, user.id, grant).await?;
    }
    Ok(())
}

/// Gives a user a role.
///
/// # Errors
/// When the database fails.
pub async fn give(conn: &mut Conn, user: UserId, grant: &NewGrant) -> Result<GrantId> {
    let id = GrantId::new();
    conn.query(INSERT_GRANT)
        .bind(id)
        .bind(user)
        .bind(&grant.role)
        .bind(&grant.scope_kind)
        .bind(&grant.scope_id)
        .bind(&grant.domains)
        .bind(grant.valid_from)
        .bind(grant.valid_to)
        .bind(grant.granted_by)
        .run()
        .await?;
    Ok(id)
}

/// Ends a grant of a user now; false if there is none that goes on. It is kept.
///
/// # Errors
/// When the database fails.
pub async fn end_grant(conn: &mut Conn, user: UserId, grant: GrantId) -> Result<bool> {
    Ok(conn.query(END_GRANT).bind(user).bind(grant).bind(At::now()).run().await? > 0)
}

/// The grants of a user that are in force or will be.
///
/// # Errors
/// When the database fails.
pub async fn grants_to_come(conn: &mut Conn, user: UserId) -> Result<Vec<GrantRow>> {
    conn.query(GRANTS_TO_COME).bind(user).bind(At::now()).all().await
}

/// Users within scope behind a name, by name.
///
/// # Errors
/// When the database fails.
pub async fn list(conn: &mut Conn, scope: &Scope, after: &str, limit: i64) -> Result<Vec<AccountRow>> {
    conn.query(LIST).scope(scope).bind(At::now()).bind(after).bind(limit).all().await
}

/// A user within scope.
///
/// # Errors
/// When the database fails.
pub async fn account(conn: &mut Conn, scope: &Scope, id: UserId) -> Result<Option<AccountRow>> {
    conn.query(ACCOUNT).scope(scope).bind(At::now()).bind(id).first().await
}

/// Changes name, mail, telephone and shop; false if somebody else was faster.
///
/// # Errors
/// When the database fails.
pub async fn update(conn: &mut Conn, row: &AccountRow) -> Result<bool> {
    let updated = conn.query(UPDATE_ACCOUNT).bind(row.id).bind(row.row_version).bind(row.shop_id).run().await? > 0;
    conn.query(UPDATE_PERSON).bind(row.id).bind(&row.first_name).bind(&row.last_name).bind(&row.email).bind(&row.phone).run().await?;
    Ok(updated)
}

/// Notes a sign-in.
///
/// # Errors
/// When the database fails.
pub async fn note_sign_in(conn: &mut Conn, user: UserId) -> Result<()> {
    conn.query(NOTE_SIGN_IN).bind(user).bind(At::now()).run().await?;
    Ok(())
}

/// Makes a user `active`, `locked` or `disabled`. Whoever is not active has no
/// sessions any more, from the same commit on (I-4), and no link to set a
/// password either.
///
/// # Errors
/// When the database fails.
pub async fn set_state(conn: &mut Conn, user: UserId, state: &str) -> Result<()> {
    conn.query(SET_STATE).bind(user).bind(state).run().await?;
    if state == "active" {
        return Ok(());
    }
    password_links::forget(conn, user).await?;
    end_sessions(conn, user).await
}

/// Sets a user's own password; of its sessions only `but` lives on, and links
/// that were mailed before are good for nothing.
///
/// # Errors
/// When the database fails.
pub async fn set_password(conn: &mut Conn, user: UserId, password_hash: &str, but: SessionId) -> Result<()> {
    conn.query(SET_PASSWORD).bind(user).bind(password_hash).bind(false).run().await?;
    end_other_sessions(conn, user, but).await?;
    password_links::forget(conn, user).await
}

/// Gives a user a password from somebody else; all its sessions end, and links
/// that were mailed before are good for nothing.
///
/// # Errors
/// When the database fails.
pub async fn give_password(conn: &mut Conn, user: UserId, password_hash: &str, must_change: bool) -> Result<()> {
    conn.query(SET_PASSWORD).bind(user).bind(password_hash).bind(must_change).run().await?;
    password_links::forget(conn, user).await?;
    end_sessions(conn, user).await
}

/// Makes links that were mailed to a user before good for nothing, of which the
/// name or the address is another now, or the access gone. Whoever mails one at
/// the same time was waited for, or waits for this.
///
/// # Errors
/// When the database fails.
pub async fn forget_links(conn: &mut Conn, user: UserId) -> Result<()> {
    conn.query(LOCK).bind(user).run().await?;
    password_links::forget(conn, user).await
}

/// Ends all sessions of a user but one, and says how many.
///
/// # Errors
/// When the database fails.
pub async fn end_other_sessions(conn: &mut Conn, user: UserId, but: SessionId) -> Result<u64> {
    conn.query(END_OTHER_SESSIONS).bind(user).bind(but).run().await
}

/// Ends all sessions of a user.
///
/// # Errors
/// When the database fails.
pub async fn end_sessions(conn: &mut Conn, user: UserId) -> Result<()> {
    conn.query(END_SESSIONS).bind(user).run().await?;
    Ok(())
}

/// Whether a user is an administrator of the whole deployment.
///
/// # Errors
/// When the database fails.
pub async fn is_administrator(conn: &mut Conn, user: UserId) -> Result<bool> {
    Ok(conn.query(IS_ADMINISTRATOR).bind(user).bind(At::now()).one::<i64>().await? > 0)
}

/// How many others are administrators of the whole deployment who can sign in
/// and stay it: in all domains and without an end (I-3). Two who take the role
/// from each other at once wait for one another here.
///
/// # Errors
/// When the database fails.
pub async fn other_administrators(conn: &mut Conn, than: UserId) -> Result<i64> {
    conn.query(LOCK_ADMINISTRATORS).run().await?;
    conn.query(OTHER_ADMINISTRATORS).bind(than).bind(At::now()).one().await
}

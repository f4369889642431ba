//! Sessions: who is signed in, where, for how long, and in whose place.

use super::row::{row, statements};
use super::{At, Conn, Result};
use crate::api::ids::{ContactId, CustomerId, SessionId, ShopId, UserId};

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
        /// The customer somebody of the dealer's works for just now.
        pub acting_customer_id: Option<CustomerId>,
        /// The contact somebody of the dealer's looks through the eyes of.
        pub viewed_contact_id: Option<ContactId>,
    }
}

row! {
    /// A session as its user sees it in a list.
    pub struct OpenSessionRow {
        /// The session.
        pub id: SessionId,
        /// When it began.
        pub created_at: At,
        /// When it was last used.
        pub used_at: At,
        /// When it ends at the latest.
        pub ends_at: At,
        /// Where it began.
        pub came_from: Option<String>,
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
    /// The address it begins from.
    pub came_from: Option<String>,
}

statements! {
    INSERT_SESSION = "INSERT INTO session (id, user_id, token_hash, shop_id, customer_id, created_at, used_at, idle_micros, ends_at, came_from)
        VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $8, $9)";
    SESSION = "SELECT s.id AS session_id, s.user_id, s.shop_id AS session_shop_id, s.customer_id AS session_customer_id, s.used_at, s.idle_micros, s.ends_at,
            s.acting_customer_id, s.viewed_contact_id
        FROM session s JOIN user_account u ON u.id = s.user_id
        WHERE s.token_hash = $1 AND s.ends_at > $2 AND s.used_at + s.idle_micros > $2 AND u.state = 'active'";
    USE_SESSION = "UPDATE session SET used_at = $2 WHERE id = $1";
    MOVE_SESSION = "UPDATE session SET shop_id = $2, customer_id = $3 WHERE id = $1";
    END_SESSION = "DELETE FROM session WHERE id = $1";
    PRUNE_SESSIONS = "DELETE FROM session WHERE (ends_at < $1 OR used_at + idle_micros < $1)
        AND id IN (SELECT id FROM session WHERE ends_at < $1 OR used_at + idle_micros < $1 LIMIT 1000)";
    OF_USER = "SELECT id, created_at, used_at, ends_at, came_from FROM session WHERE user_id = $1 AND ends_at > $2 AND used_at + idle_micros > $2 ORDER BY created_at DESC, id";
    ACT = "UPDATE session SET acting_customer_id = $2, viewed_contact_id = $3 WHERE id = $1";
    END_OLDEST = "DELETE FROM session WHERE id IN (SELECT id FROM session WHERE user_id = $1 ORDER BY used_at DESC, id DESC LIMIT 1000 OFFSET $2)";
    END_OF_USER = "DELETE FROM session WHERE id = $1 AND user_id = $2";
}

/// The most sessions of one user.
pub const MOST_OF_ONE: i64 = 100;

/// Opens a session. Where its user has too many, those end that were unused for
/// the longest: a script that signs in and never out fills nothing.
///
/// # Errors
/// When the database fails.
pub async fn open(conn: &mut Conn, new: &NewSession) -> Result<()> {
    conn.query(INSERT_SESSION)
        .bind(new.id)
        .bind(new.user)
        .bind(&new.token_hash)
        .bind(new.shop)
        .bind(new.customer)
        .bind(At::now())
        .bind(new.idle_micros)
        .bind(new.ends_at)
        .bind(&new.came_from)
        .run()
        .await?;
    conn.query(END_OLDEST).bind(new.user).bind(MOST_OF_ONE).run().await?;
    Ok(())
}

/// The session of a token, if it and its user are still good.
///
/// # Errors
/// When the database fails.
pub async fn of_token(conn: &mut Conn, token_hash: &str) -> Result<Option<SessionRow>> {
    conn.query(SESSION).bind(token_hash).bind(At::now()).first().await
}

/// Notes that a session was used, which lets it live on.
///
/// # Errors
/// When the database fails.
pub async fn note_use(conn: &mut Conn, id: SessionId) -> Result<()> {
    conn.query(USE_SESSION).bind(id).bind(At::now()).run().await?;
    Ok(())
}

/// Changes a session's shop and customer.
///
/// # Errors
/// When the database fails.
pub async fn move_to(conn: &mut Conn, id: SessionId, shop: Option<ShopId>, customer: Option<CustomerId>) -> Result<()> {
    conn.query(MOVE_SESSION).bind(id).bind(shop).bind(customer).run().await?;
    Ok(())
}

/// Ends a session.
///
/// # Errors
/// When the database fails.
pub async fn end(conn: &mut Conn, id: SessionId) -> Result<()> {
    conn.query(END_SESSION).bind(id).run().await?;
    Ok(())
}

/// Forgets a lot of sessions that had ended by then.
///
/// # Errors
/// When the database fails.
pub async fn prune(conn: &mut Conn, now: At) -> Result<u64> {
    conn.query(PRUNE_SESSIONS).bind(now).run().await
}

/// The open sessions of a user, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn of_user(conn: &mut Conn, user: UserId) -> Result<Vec<OpenSessionRow>> {
    conn.query(OF_USER).bind(user).bind(At::now()).all().await
}

/// Works for a customer, looks through a contact's eyes, or neither.
///
/// # Errors
/// When the database fails.
pub async fn act(conn: &mut Conn, id: SessionId, customer: Option<CustomerId>, contact: Option<ContactId>) -> Result<()> {
    conn.query(ACT).bind(id).bind(customer).bind(contact).run().await?;
    Ok(())
}

/// Ends a session if it is this user's; false if it is not.
///
/// # Errors
/// When the database fails.
pub async fn end_of_user(conn: &mut Conn, id: SessionId, user: UserId) -> Result<bool> {
    Ok(conn.query(END_OF_USER).bind(id).bind(user).run().await? > 0)
}

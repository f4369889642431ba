//! Who did what: rows that are added and never changed, each with its own hash,
//! and the chain over them by which a change or a removal shows.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::row::{row, statements};
use super::scope::{asset_in_scope, customer_in_scope, request_in_scope};
use super::{At, Conn, Raw, Result, Scope, in_time};
use crate::api::ids::UserId;
use crate::text::hex;

/// What the first seal follows.
const BEFORE_THE_FIRST: &str = "countertop";
/// Rows sealed in one go.
const BATCH: i64 = 1_000;
/// By which servers on one PostgreSQL seal in turn.
const SEALING: i64 = 0x636f_756e_7465_7274;

row! {
    /// One act, as stored.
    pub struct AuditRow {
        /// Its id; later ones sort behind earlier ones.
        pub id: String,
        /// When.
        pub happened_at: At,
        /// Who; none for the command line and the identity provider.
        pub actor_id: Option<String>,
        /// His name at that time.
        pub actor_name: String,
        /// Staff, customer, kiosk, program, the command line, or the identity
        /// provider.
        pub actor_kind: String,
        /// For which customer.
        pub on_behalf_of: Option<String>,
        /// That customer's name at that time.
        pub on_behalf_name: Option<String>,
        /// What.
        pub act: String,
        /// On what sort of record.
        pub entity: String,
        /// On which.
        pub entity_id: Option<String>,
        /// The customer it concerns.
        pub customer_id: Option<String>,
        /// The asset it concerns.
        pub asset_id: Option<String>,
        /// The user it concerns.
        pub user_id: Option<String>,
        /// A JSON object: field to `[before, after]`.
        pub changes: String,
        /// Why.
        pub reason: Option<String>,
        /// The request.
        pub request_id: Option<String>,
        /// From where.
        pub came_from: Option<String>,
        /// Over all of the above.
        pub hash: String,
    }
}

row! {
    /// A row as the chain has it: the seal, and the row if it is still there.
    pub struct SealRow {
        /// Its place, from 1.
        pub place: i64,
        /// The row.
        pub audit_id: String,
        /// Over the row's hash and the seal before.
        pub hash: String,
    }
}

/// What is wrong with the chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A row does not have the hash of its own text.
    #[error("row {0} of the audit was changed after it was written")]
    Changed(String),
    /// A sealed row is not there.
    #[error("row {0} of the audit was removed")]
    Removed(String),
    /// A seal is not there, or does not follow the one before.
    #[error("the chain of the audit is broken at place {0}")]
    Chain(i64),
    /// A row was never sealed and does not wait for it.
    #[error("row {0} of the audit is not in the chain")]
    Unsealed(String),
}

macro_rules! audit_columns {
    () => {
        "SELECT id, happened_at, actor_id, actor_name, actor_kind, on_behalf_of, on_behalf_name, act, entity, entity_id, customer_id, asset_id, user_id, \
            changes, reason, request_id, came_from, hash FROM audit "
    };
}

/// A page of acts. For somebody who sees only his own, those and the ones of
/// whom he designated (S1-5). Those on requests for service are told where the
/// requests themselves are: what another shop is asked to do is its own business.
macro_rules! told {
    () => {
        concat!(
            "($8 = '' OR actor_id = $8 OR actor_id IN (SELECT user_id FROM contact WHERE designated_by = $8 AND user_id IS NOT NULL)) \
              AND ($1 OR entity <> 'service_request' OR EXISTS (SELECT 1 FROM service_request r JOIN asset a ON a.id = r.asset_id \
                  JOIN organization o ON o.id = a.organization_id WHERE r.id = audit.entity_id AND ",
            request_in_scope!(),
            ")) AND id < $7 "
        )
    };
}

/// Acts on user `$6`, and by it on customers and assets within scope: what it did
/// elsewhere is told there.
macro_rules! of_user {
    () => {
        concat!(
            "(user_id = $6 OR actor_id = $6) AND ($1 OR (user_id = $6 AND customer_id IS NULL AND asset_id IS NULL) \
              OR EXISTS (SELECT 1 FROM customer c WHERE c.id = audit.customer_id AND ",
            customer_in_scope!(),
            ") OR EXISTS (SELECT 1 FROM asset a JOIN organization o ON o.id = a.organization_id WHERE a.id = audit.asset_id AND ",
            asset_in_scope!(),
            "))"
        )
    };
}

/// Acts of a page, the newest first.
macro_rules! newest_first {
    ($limit:literal) => {
        concat!("ORDER BY id DESC LIMIT ", $limit)
    };
}

/// The last act that was no coming or going.
macro_rules! last {
    ($limit:literal) => {
        concat!("AND entity <> 'session' ORDER BY id DESC LIMIT ", $limit)
    };
}

/// The first one.
macro_rules! first {
    ($limit:literal) => {
        concat!("AND entity <> 'session' ORDER BY id LIMIT ", $limit)
    };
}

statements! {
    INSERT = "INSERT INTO audit (id, happened_at, actor_id, actor_name, actor_kind, on_behalf_of, on_behalf_name, act, entity, entity_id, customer_id, asset_id,
            user_id, changes, reason, request_id, came_from, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    WAIT = "INSERT INTO audit_unsealed (audit_id) VALUES ($1)";
    OF_CUSTOMER = concat!(audit_columns!(), "WHERE customer_id = $6 AND ", told!(), newest_first!("$9"));
    LAST_OF_CUSTOMER = concat!(audit_columns!(), "WHERE customer_id = $6 AND ", told!(), last!("$9"));
    FIRST_OF_CUSTOMER = concat!(audit_columns!(), "WHERE customer_id = $6 AND ", told!(), first!("$9"));
    OF_ASSET = concat!(audit_columns!(), "WHERE asset_id = $6 AND ", told!(), newest_first!("$9"));
    LAST_OF_ASSET = concat!(audit_columns!(), "WHERE asset_id = $6 AND ", told!(), last!("$9"));
    FIRST_OF_ASSET = concat!(audit_columns!(), "WHERE asset_id = $6 AND ", told!(), first!("$9"));
    OF_USER = concat!(audit_columns!(), "WHERE ", of_user!(), " AND ", told!(), newest_first!("$9"));
    LAST_OF_USER = concat!(audit_columns!(), "WHERE ", of_user!(), " AND ", told!(), last!("$9"));
    FIRST_OF_USER = concat!(audit_columns!(), "WHERE ", of_user!(), " AND ", told!(), first!("$9"));
    WAITING = "SELECT a.id, a.hash FROM audit_unsealed w JOIN audit a ON a.id = w.audit_id ORDER BY a.id LIMIT $1";
    SEALED = "DELETE FROM audit_unsealed WHERE audit_id = $1";
    LAST_SEAL = "SELECT place, audit_id, hash FROM audit_seal ORDER BY place DESC LIMIT 1";
    ADD_SEAL = "INSERT INTO audit_seal (place, audit_id, hash) VALUES ($1, $2, $3)";
    SEALS = "SELECT place, audit_id, hash FROM audit_seal WHERE place > $1 ORDER BY place LIMIT $2";
    SIGN_INS = "SELECT came_from FROM audit WHERE actor_id = $1 AND act IN ('sign_in', 'poll_device_sign_in') AND came_from IS NOT NULL
        ORDER BY id DESC LIMIT $2";
    ONE = concat!(audit_columns!(), "WHERE id = $1");
    NOT_IN_THE_CHAIN = "SELECT a.id FROM audit a WHERE NOT EXISTS (SELECT 1 FROM audit_seal s WHERE s.audit_id = a.id)
        AND NOT EXISTS (SELECT 1 FROM audit_unsealed w WHERE w.audit_id = a.id) ORDER BY a.id LIMIT 1";
    HOW_MANY_WAIT = "SELECT COUNT(*) FROM audit_unsealed";
    HOW_MANY_CAN_BE_SEALED = "SELECT COUNT(*) FROM audit_unsealed w JOIN audit a ON a.id = w.audit_id";
    LOST = "SELECT w.audit_id FROM audit_unsealed w WHERE NOT EXISTS (SELECT 1 FROM audit a WHERE a.id = w.audit_id) ORDER BY w.audit_id LIMIT 1";
}

impl AuditRow {
    /// An act of now by somebody of that name and kind, on no record yet.
    #[must_use]
    pub fn new((actor_name, actor_kind): (&str, &str), act: &str, entity: &str) -> Self {
        Self {
            id: uuid::Uuid::now_v7().to_string(),
            happened_at: At::now(),
            actor_id: None,
            actor_name: actor_name.to_owned(),
            actor_kind: actor_kind.to_owned(),
            on_behalf_of: None,
            on_behalf_name: None,
            act: act.to_owned(),
            entity: entity.to_owned(),
            entity_id: None,
            customer_id: None,
            asset_id: None,
            user_id: None,
            changes: "{}".to_owned(),
            reason: None,
            request_id: None,
            came_from: None,
            hash: String::new(),
        }
    }

    /// The hash of what it says: every field with its length before it, so that
    /// no two rows read alike.
    #[must_use]
    pub fn own_hash(&self) -> String {
        let at = self.happened_at.micros().to_string();
        let always = [&self.id, &at, &self.actor_name, &self.actor_kind, &self.act, &self.entity, &self.changes];
        let perhaps = [
            &self.actor_id,
            &self.on_behalf_of,
            &self.on_behalf_name,
            &self.entity_id,
            &self.customer_id,
            &self.asset_id,
            &self.user_id,
            &self.reason,
            &self.request_id,
            &self.came_from,
        ];
        let mut text = String::new();
        for field in always.into_iter().map(Some).chain(perhaps.into_iter().map(Option::as_ref)) {
            // Nothing is another thing than an empty text.
            let _ = match field {
                Some(field) => write!(text, "{}:{field}", field.len()),
                None => write!(text, "-"),
            };
        }
        hex(&Sha256::digest(text.as_bytes()))
    }
}

fn seal_after(before: &str, row_hash: &str) -> String {
    hex(&Sha256::digest(format!("{before} {row_hash}").as_bytes()))
}

/// Writes an act down in the transaction of the act itself.
///
/// # Errors
/// When the database fails.
pub async fn add(conn: &mut Conn, row: &AuditRow) -> Result<()> {
    conn.query(INSERT)
        .bind(&row.id)
        .bind(row.happened_at)
        .bind(&row.actor_id)
        .bind(&row.actor_name)
        .bind(&row.actor_kind)
        .bind(&row.on_behalf_of)
        .bind(&row.on_behalf_name)
        .bind(&row.act)
        .bind(&row.entity)
        .bind(&row.entity_id)
        .bind(&row.customer_id)
        .bind(&row.asset_id)
        .bind(&row.user_id)
        .bind(&row.changes)
        .bind(&row.reason)
        .bind(&row.request_id)
        .bind(&row.came_from)
        .bind(row.own_hash())
        .run()
        .await?;
    conn.query(WAIT).bind(&row.id).run().await?;
    Ok(())
}

/// An act of the command line on the server's own database.
///
/// # Errors
/// When the database fails.
pub async fn add_by_hand(conn: &mut Conn, act: &str, entity: &str, entity_id: Option<String>, changes: &serde_json::Value) -> Result<()> {
    let user_id = entity_id.clone().filter(|_| entity == "user");
    let actor = ("command line", "command_line");
    add(conn, &AuditRow { entity_id, user_id, changes: changes.to_string(), ..AuditRow::new(actor, act, entity) }).await
}

/// Where the last sign-ins of a user came from, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn last_sign_ins(conn: &mut Conn, user: UserId, limit: i64) -> Result<Vec<String>> {
    conn.query(SIGN_INS).bind(user).bind(limit).all().await
}

/// Whose acts are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// Those on a customer.
    Customer,
    /// Those on an asset.
    Asset,
    /// Those on a user, and by it on customers and assets within scope: what
    /// somebody did elsewhere is for those to see who reach that.
    User,
}

/// Which of the acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All, the newest first.
    All,
    /// The first; no coming or going.
    First,
    /// The last; no coming or going.
    Last,
}

/// Acts within scope before an id; for `seen_by` only those of his own and of
/// those he designated. Whether the record itself is within scope is asked
/// before.
///
/// # Errors
/// When the database fails.
pub async fn acts(
    conn: &mut Conn,
    (of, id): (Of, &str),
    which: Which,
    scope: &Scope,
    before: Option<&str>,
    seen_by: Option<UserId>,
    limit: i64,
) -> Result<Vec<AuditRow>> {
    let text = match (of, which) {
        (Of::Customer, Which::All) => OF_CUSTOMER,
        (Of::Customer, Which::First) => FIRST_OF_CUSTOMER,
        (Of::Customer, Which::Last) => LAST_OF_CUSTOMER,
        (Of::Asset, Which::All) => OF_ASSET,
        (Of::Asset, Which::First) => FIRST_OF_ASSET,
        (Of::Asset, Which::Last) => LAST_OF_ASSET,
        (Of::User, Which::All) => OF_USER,
        (Of::User, Which::First) => FIRST_OF_USER,
        (Of::User, Which::Last) => LAST_OF_USER,
    };
    let seen_by = seen_by.map(|user| user.to_string()).unwrap_or_default();
    // `g` sorts behind every id.
    conn.query(text).scope(scope).bind(id).bind(before.unwrap_or("g")).bind(seen_by).bind(limit).all().await
}

/// Seals what waits, in the order in which it was committed as far as that
/// shows. Returns how many; 0 also while another server seals.
///
/// # Errors
/// When the database fails.
pub async fn seal(conn: &mut Conn) -> Result<u64> {
    let patience = conn.patience();
    if let Raw::Postgres(connection) = conn.raw().await? {
        let mine: bool = in_time(patience, sqlx::query_scalar("SELECT pg_try_advisory_xact_lock($1)").bind(SEALING).fetch_one(connection)).await?;
        if !mine {
            return Ok(0);
        }
    }
    let waiting: Vec<(String, String)> = conn.query(WAITING).bind(BATCH).all().await?;
    let last = last_seal(conn).await?;
    let (mut place, mut hash) = last.map_or((0, BEFORE_THE_FIRST.to_owned()), |seal| (seal.place, seal.hash));
    for (id, row_hash) in &waiting {
        place += 1;
        hash = seal_after(&hash, row_hash);
        conn.query(ADD_SEAL).bind(place).bind(id).bind(&hash).run().await?;
        conn.query(SEALED).bind(id).run().await?;
    }
    Ok(waiting.len() as u64)
}

/// Whether anything waits that can be sealed: asked without taking a lock. A mark
/// whose row is gone is for [`verify`] to tell.
///
/// # Errors
/// When the database fails.
pub async fn waits(conn: &mut Conn) -> Result<bool> {
    Ok(conn.query(HOW_MANY_CAN_BE_SEALED).one::<i64>().await? > 0)
}

/// The last seal, if there is any.
///
/// # Errors
/// When the database fails.
pub async fn last_seal(conn: &mut Conn) -> Result<Option<SealRow>> {
    conn.query(LAST_SEAL).first().await
}

/// What a sound chain is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// How many rows are in it.
    pub rows: i64,
    /// How many wait for the sealer.
    pub waiting: i64,
    /// The last seal: noted elsewhere, it shows a chain that was cut short.
    pub head: String,
}

/// Follows the whole chain.
///
/// # Errors
/// When the database fails.
pub async fn verify(conn: &mut Conn) -> Result<std::result::Result<Chain, Broken>> {
    let (mut place, mut hash) = (0, BEFORE_THE_FIRST.to_owned());
    loop {
        let seals: Vec<SealRow> = conn.query(SEALS).bind(place).bind(BATCH).all().await?;
        if seals.is_empty() {
            break;
        }
        for seal in seals {
            place += 1;
            if seal.place != place {
                return Ok(Err(Broken::Chain(place)));
            }
            let Some(row): Option<AuditRow> = conn.query(ONE).bind(&seal.audit_id).first().await? else {
                return Ok(Err(Broken::Removed(seal.audit_id)));
            };
            if row.own_hash() != row.hash {
                return Ok(Err(Broken::Changed(row.id)));
            }
            hash = seal_after(&hash, &row.hash);
            if hash != seal.hash {
                return Ok(Err(Broken::Chain(place)));
            }
        }
    }
    if let Some(id) = conn.query(NOT_IN_THE_CHAIN).first::<String>().await? {
        return Ok(Err(Broken::Unsealed(id)));
    }
    if let Some(id) = conn.query(LOST).first::<String>().await? {
        return Ok(Err(Broken::Removed(id)));
    }
    let waiting = conn.query(HOW_MANY_WAIT).one().await?;
    Ok(Ok(Chain { rows: place, waiting, head: hash }))
}

//! Who did what: rows that are added and never changed, each with its own hash,
//! and the chain over them by which a change or a removal shows.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::query::{Row, Stored};
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
/// Name and kind of who works on the server's own database.
const BY_HAND: (&str, &str) = ("command line", "command_line");
/// No transaction of an import lasts so many milliseconds: an hour.
const LONGEST_IMPORT: i64 = 3_600_000;

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

/// An act as it is told.
#[derive(Debug, Clone, PartialEq)]
pub struct ToldRow {
    /// The act.
    pub act: AuditRow,
    /// The name that its record has now. It is looked up: no hash is over it.
    pub entity_name: Option<String>,
}

impl Stored for ToldRow {
    fn from_row(row: Row<'_>) -> sqlx::Result<Self> {
        Ok(Self { act: AuditRow::from_row(row)?, entity_name: row.get("entity_name")? })
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
            changes, reason, request_id, came_from, hash"
    };
}

/// The same with the name that the record has now. What has left the customer in
/// whose history it stands has none there: it may be called otherwise by another.
macro_rules! told_columns {
    () => {
        concat!(
            audit_columns!(),
            ", CASE entity \
              WHEN 'customer' THEN (SELECT c.name FROM customer c WHERE c.id = audit.entity_id AND c.id = audit.customer_id) \
              WHEN 'contact' THEN (SELECT TRIM(p.first_name || ' ' || p.last_name) FROM contact ct JOIN person p ON p.id = ct.person_id \
                  WHERE ct.id = audit.entity_id AND ct.customer_id = audit.customer_id) \
              WHEN 'user' THEN (SELECT TRIM(p.first_name || ' ' || p.last_name) FROM user_account u JOIN person p ON p.id = u.person_id \
                  WHERE u.id = audit.entity_id) \
              WHEN 'consent' THEN (SELECT k.given_by FROM consent k WHERE k.id = audit.entity_id AND k.customer_id = audit.customer_id) \
              WHEN 'organization' THEN (SELECT o.name FROM organization o \
                  WHERE o.id = audit.entity_id AND (audit.customer_id IS NULL OR o.customer_id = audit.customer_id)) \
              WHEN 'shop' THEN (SELECT s.name FROM shop s WHERE s.id = audit.entity_id) \
              WHEN 'kiosk' THEN (SELECT k.label FROM kiosk_device k WHERE k.id = audit.entity_id) \
              WHEN 'role' THEN (SELECT r.name FROM role r WHERE r.role_key = audit.entity_id) \
              WHEN 'service_request' THEN (SELECT r.number FROM service_request r WHERE r.id = audit.entity_id) \
            END AS entity_name FROM audit "
        )
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

/// The act that made the record itself. What is done beside it, with it or for it
/// neither makes nor saves it.
macro_rules! made {
    ($limit:literal) => {
        concat!("AND entity_id = $6 AND act = 'create_' || entity ORDER BY id LIMIT ", $limit)
    };
}

/// The last act by which it became what it is.
macro_rules! saved {
    ($limit:literal) => {
        concat!("AND entity_id = $6 AND act IN ('create_' || entity, 'change_' || entity, 'set_customer_number') ORDER BY id DESC LIMIT ", $limit)
    };
}

/// What made a user: an account comes also with a workshop terminal, and with the
/// user name that a contact is given.
macro_rules! made_user {
    ($limit:literal) => {
        concat!(
            "AND user_id = $6 AND (act IN ('create_user', 'enrol_kiosk') OR (act IN ('create_contact', 'change_contact') \
              AND changes LIKE '%\"username\":[null,%')) ORDER BY id LIMIT ",
            $limit
        )
    };
}

/// The last act that changed who it is, what it may do, or whether it gets in.
macro_rules! saved_user {
    ($limit:literal) => {
        concat!(
            "AND user_id = $6 AND act IN ('create_user', 'change_user', 'link_user', 'give_grant', 'end_grant', 'create_contact', 'change_contact', \
              'enrol_kiosk', 'change_kiosk') ORDER BY id DESC LIMIT ",
            $limit
        )
    };
}

statements! {
    INSERT = "INSERT INTO audit (id, happened_at, actor_id, actor_name, actor_kind, on_behalf_of, on_behalf_name, act, entity, entity_id, customer_id, asset_id,
            user_id, changes, reason, request_id, came_from, hash)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";
    WAIT = "INSERT INTO audit_unsealed (audit_id) VALUES ($1)";
    OF_CUSTOMER = concat!(told_columns!(), "WHERE customer_id = $6 AND ", told!(), newest_first!("$9"));
    SAVED_CUSTOMER = concat!(told_columns!(), "WHERE customer_id = $6 AND ", told!(), saved!("$9"));
    MADE_CUSTOMER = concat!(told_columns!(), "WHERE customer_id = $6 AND ", told!(), made!("$9"));
    OF_ASSET = concat!(told_columns!(), "WHERE asset_id = $6 AND ", told!(), newest_first!("$9"));
    SAVED_ASSET = concat!(told_columns!(), "WHERE asset_id = $6 AND ", told!(), saved!("$9"));
    MADE_ASSET = concat!(told_columns!(), "WHERE asset_id = $6 AND ", told!(), made!("$9"));
    OF_USER = concat!(told_columns!(), "WHERE ", of_user!(), " AND ", told!(), newest_first!("$9"));
    SAVED_USER = concat!(told_columns!(), "WHERE ", of_user!(), " AND ", told!(), saved_user!("$9"));
    MADE_USER = concat!(told_columns!(), "WHERE ", of_user!(), " AND ", told!(), made_user!("$9"));
    IMPORTED = concat!(told_columns!(), "WHERE act = 'import' AND entity = $1 AND entity_id IS NULL AND id > $2 AND id < $3 AND happened_at <= $4
        ORDER BY id LIMIT 1");
    WAITING = "SELECT a.id, a.hash FROM audit_unsealed w JOIN audit a ON a.id = w.audit_id ORDER BY w.audit_id LIMIT $1";
    SEALED = "DELETE FROM audit_unsealed WHERE audit_id = $1";
    LAST_SEAL = "SELECT place, audit_id, hash FROM audit_seal ORDER BY place DESC LIMIT 1";
    ADD_SEAL = "INSERT INTO audit_seal (place, audit_id, hash) VALUES ($1, $2, $3)";
    SEALS = "SELECT place, audit_id, hash FROM audit_seal WHERE place > $1 ORDER BY place LIMIT $2";
    SIGN_INS = "SELECT came_from FROM audit WHERE actor_id = $1 AND act IN ('sign_in', 'poll_device_sign_in') AND came_from IS NOT NULL
        ORDER BY id DESC LIMIT $2";
    ONE = concat!(audit_columns!(), " FROM audit WHERE id = $1");
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
    add(conn, &AuditRow { entity_id, user_id, changes: changes.to_string(), ..AuditRow::new(BY_HAND, act, entity) }).await
}

/// One row for all that an import writes in a transaction. It tells when that
/// began, and its id is behind those of all records that it brought: by the two
/// [`imported`] finds it again.
///
/// # Errors
/// When the database fails.
pub async fn add_import(conn: &mut Conn, kind: &str, began: At, changes: &serde_json::Value) -> Result<()> {
    add(conn, &AuditRow { happened_at: began, changes: changes.to_string(), ..AuditRow::new(BY_HAND, "import", kind) }).await
}

/// The import that was under way when a record got its id. None where there was
/// none, and for users, whom no import brings.
///
/// # Errors
/// When the database fails.
pub async fn imported(conn: &mut Conn, of: Of, id: &str) -> Result<Option<ToldRow>> {
    let kind = match of {
        Of::Customer => "customers",
        Of::Asset => "assets",
        Of::User => return Ok(None),
    };
    let Some(at) = id_given_at(id) else { return Ok(None) };
    // An id begins with its millisecond.
    let last = at.micros() / 1_000 + LONGEST_IMPORT;
    let behind = format!("{:08x}-{:04x}", last >> 16, last & 0xffff);
    conn.query(IMPORTED).bind(kind).bind(id).bind(behind).bind(at).first().await
}

/// When a record got its id: the end of that millisecond.
fn id_given_at(id: &str) -> Option<At> {
    let (seconds, nanos) = uuid::Uuid::parse_str(id).ok()?.get_timestamp()?.to_unix();
    let micros = i64::try_from(seconds).ok()?.checked_mul(1_000_000)?.checked_add(i64::from(nanos / 1_000))?;
    Some(At::from_micros(micros.checked_add(999)?))
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
    /// The one that made the record.
    Made,
    /// The last one that made or changed it.
    Saved,
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
) -> Result<Vec<ToldRow>> {
    let text = match (of, which) {
        (Of::Customer, Which::All) => OF_CUSTOMER,
        (Of::Customer, Which::Made) => MADE_CUSTOMER,
        (Of::Customer, Which::Saved) => SAVED_CUSTOMER,
        (Of::Asset, Which::All) => OF_ASSET,
        (Of::Asset, Which::Made) => MADE_ASSET,
        (Of::Asset, Which::Saved) => SAVED_ASSET,
        (Of::User, Which::All) => OF_USER,
        (Of::User, Which::Made) => MADE_USER,
        (Of::User, Which::Saved) => SAVED_USER,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_tells_when_it_was_given() {
        let (before, id, after) = (At::now(), uuid::Uuid::now_v7().to_string(), At::now());
        let told = id_given_at(&id).unwrap();
        assert!(before <= told && told.micros() <= after.micros() + 1_000, "{before:?} {told:?} {after:?}");
        assert_eq!((id_given_at("oil"), id_given_at(&uuid::Uuid::nil().to_string())), (None, None));
    }
}

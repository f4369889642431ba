//! Service requests and their lines.

use super::row::{row, statements};
use super::scope::{assets_of, ids, request_in_scope};
use super::{At, Conn, Own, Result, Scope, bulk};
use crate::api::ids::{AssetId, CustomerId, OrganizationId, RequestId, ShopId, UserId};
use crate::rules::request::RequestStatus;
use crate::text::fold;

row! {
    /// A service request with the names of what it refers to.
    pub struct RequestRow {
        /// Its id.
        pub id: RequestId,
        /// Its number.
        pub number: String,
        /// The machine.
        pub asset_id: AssetId,
        /// The machine's number.
        pub asset_number: String,
        /// The machine's maker.
        pub make: Option<String>,
        /// The machine's model.
        pub model: Option<String>,
        /// The machine's owner.
        pub organization_id: OrganizationId,
        /// The owner's code.
        pub organization_code: String,
        /// The owner's name.
        pub organization_name: String,
        /// Who pays.
        pub customer_id: Option<CustomerId>,
        /// That customer's name.
        pub customer_name: Option<String>,
        /// Who does it.
        pub shop_id: ShopId,
        /// The shop's code.
        pub shop_code: String,
        /// The shop's name.
        pub shop_name: String,
        /// Where it stands.
        pub status: String,
        /// 1 down … 4 when convenient.
        pub urgency: i64,
        /// What is wrong.
        pub complaint: Option<String>,
        /// Who asked: given name.
        pub requester_first: String,
        /// Family name.
        pub requester_last: String,
        /// E-mail.
        pub requester_email: Option<String>,
        /// E.164.
        pub requester_phone: Option<String>,
        /// Digits.
        pub requester_extension: Option<String>,
        /// Whom to call: given name.
        pub driver_first: Option<String>,
        /// Family name.
        pub driver_last: Option<String>,
        /// E-mail.
        pub driver_email: Option<String>,
        /// E.164.
        pub driver_phone: Option<String>,
        /// Digits.
        pub driver_extension: Option<String>,
        /// Purchase order number.
        pub po_number: Option<String>,
        /// Authorization number.
        pub authorization_number: Option<String>,
        /// Note for the shop.
        pub note: Option<String>,
        /// When it was asked for.
        pub requested_at: At,
        /// Who filed it.
        pub requested_by: Option<UserId>,
        /// Counter, portal …
        pub source: String,
        /// Why it was cancelled.
        pub cancel_reason: Option<String>,
        /// Why it was declined.
        pub decline_reason: Option<String>,
        /// For optimistic locking.
        pub row_version: i64,
    }
}

row! {
    /// One wanted service.
    pub struct LineRow {
        /// Its request.
        pub request_id: RequestId,
        /// A pre-defined service.
        pub service_code: Option<String>,
        /// Its name.
        pub service_name: Option<String>,
        /// Or free text.
        pub other_text: Option<String>,
    }
}

macro_rules! request_columns {
    () => {
        "SELECT r.id, r.number, r.asset_id, a.asset_number, a.make, a.model, o.id AS organization_id, o.code AS organization_code, o.name AS organization_name, \
         COALESCE(a.customer_id, o.customer_id) AS customer_id, c.name AS customer_name, r.shop_id, s.code AS shop_code, s.name AS shop_name, r.status, r.urgency, \
         r.complaint, r.requester_first, r.requester_last, r.requester_email, r.requester_phone, r.requester_extension, r.driver_first, r.driver_last, \
         r.driver_email, r.driver_phone, r.driver_extension, r.po_number, r.authorization_number, r.note, r.requested_at, r.requested_by, r.source, \
         r.cancel_reason, r.decline_reason, r.row_version \
         FROM service_request r JOIN asset a ON a.id = r.asset_id JOIN organization o ON o.id = a.organization_id \
         JOIN shop s ON s.id = r.shop_id LEFT JOIN customer c ON c.id = COALESCE(a.customer_id, o.customer_id) "
    };
}

/// Those filed by `$6` alone, where that is somebody; and all of the shops in
/// `$7`, the organizations in `$8` and the customers in `$9`.
macro_rules! own_or_all_of {
    () => {
        "(CAST($6 AS TEXT) IS NULL OR r.requested_by = $6 OR $7 LIKE '%' || r.shop_id || '%' OR $8 LIKE '%' || o.id || '%' \
          OR (COALESCE(a.customer_id, o.customer_id) IS NOT NULL AND $9 LIKE '%' || COALESCE(a.customer_id, o.customer_id) || '%'))"
    };
}

/// [`OUTSTANDING`] as the index of those alone has them: by its very words it is
/// found.
macro_rules! outstanding {
    () => {
        "('submitted', 'accepted', 'scheduled', 'in_progress')"
    };
}

/// [`SET_ASIDE`] in the same way.
macro_rules! set_aside {
    () => {
        "('draft', 'declined', 'cancelled')"
    };
}

/// A page of requests, the newest first. `$which` names an index that leads to
/// them: whatever is asked for, what is looked at does not grow with the requests
/// of others. Where they are found one by one, the time has a `+` before it, which
/// keeps both databases from walking through all of them in its order.
macro_rules! list {
    ($which:expr, $time:literal) => {
        concat!(
            request_columns!(),
            "WHERE ",
            $which,
            " AND ",
            request_in_scope!(),
            " AND ",
            own_or_all_of!(),
            " AND ($10 = '' OR $10 LIKE '%' || r.status || ' %') AND (",
            $time,
            ", r.id) < ($11, $12) ORDER BY ",
            $time,
            " DESC, r.id DESC LIMIT $13"
        )
    };
}

statements! {
    GET = concat!(request_columns!(), "WHERE ", request_in_scope!(), " AND ", own_or_all_of!(), " AND r.id = $10");
    ALL = list!("TRUE", "r.requested_at");
    OUTSTANDING_OF_ALL = list!(concat!("r.status IN ", outstanding!()), "r.requested_at");
    SET_ASIDE_OF_ALL = list!(concat!("r.status IN ", set_aside!()), "r.requested_at");
    AT_SHOP = list!("r.shop_id = $14", "r.requested_at");
    FILED_BY = list!("r.requested_by = $14", "r.requested_at");
    OF_ASSET = list!("r.asset_id = $14", "r.requested_at");
    OF_CUSTOMER = list!(concat!("COALESCE(a.customer_id, o.customer_id) = $14 AND r.asset_id IN (", assets_of!("= $14"), ")"), "+r.requested_at");
    IN_REACH = list!(concat!("r.asset_id IN (SELECT ra.id FROM asset ra WHERE ra.organization_id IN ", ids!("$3"), " UNION ALL ",
        assets_of!(concat!("IN ", ids!("$4"))), ")"), "+r.requested_at");
    OUTSTANDING_LINES = concat!("SELECT l.request_id, l.service_code, k.name AS service_name, l.other_text
        FROM service_request_line l JOIN service_request r ON r.id = l.request_id JOIN service_code k ON k.code = l.service_code
        WHERE r.asset_id = $1 AND r.status IN ", outstanding!(), " ORDER BY r.requested_at, l.place");
    INSERT_LINE = "INSERT INTO service_request_line (request_id, place, service_code, other_text) VALUES ($1, $2, $3, $4)";
    CANCEL = "UPDATE service_request SET status = 'cancelled', cancel_reason = $3, row_version = row_version + 1 WHERE id = $1 AND row_version = $2";
    BY_NUMBER = "SELECT id FROM service_request WHERE number_key = $1";
    BY_KEY = "SELECT id FROM service_request WHERE asset_id = $1 AND requested_at = $2 AND COALESCE(complaint, '') = $3";
    UPDATE_IMPORTED = "UPDATE service_request SET status = $2, urgency = $3, complaint = COALESCE($4, complaint), shop_id = $5, row_version = row_version + 1
        WHERE id = $1";
}

/// Whose requests a list shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Of {
    /// All that are in reach.
    #[default]
    All,
    /// One machine's.
    Asset(AssetId),
    /// One customer's.
    Customer(CustomerId),
}

/// Which requests a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter<'a> {
    /// Only one's own, where not all may be seen.
    pub own: Option<&'a Own>,
    /// Only of these.
    pub of: Of,
    /// Only in these states.
    pub states: &'a [&'a str],
}

/// The states of a request that is not done yet (S2-21).
pub const OUTSTANDING: [&str; 4] =
    [RequestStatus::Submitted.name(), RequestStatus::Accepted.name(), RequestStatus::Scheduled.name(), RequestStatus::InProgress.name()];

/// Those that nothing came of, or not yet.
const SET_ASIDE: [&str; 3] = [RequestStatus::Draft.name(), RequestStatus::Declined.name(), RequestStatus::Cancelled.name()];

impl Filter<'_> {
    /// The text that leads to these requests soonest, and what it asks for beside.
    fn way(&self, scope: &Scope) -> (&'static str, Option<String>) {
        let only = |states: &[&str]| !self.states.is_empty() && self.states.iter().all(|state| states.contains(state));
        let only_shop = match scope.shops.as_slice() {
            [shop] if !scope.everything && scope.organizations.is_empty() && scope.customers.is_empty() => Some(shop),
            _ => None,
        };
        match (self.of, self.own, only_shop) {
            (Of::Asset(id), ..) => (OF_ASSET, Some(id.to_string())),
            (Of::Customer(id), ..) => (OF_CUSTOMER, Some(id.to_string())),
            (Of::All, ..) if !scope.everything && scope.shops.is_empty() => (IN_REACH, None),
            (Of::All, Some(own), _) if own.all_of == Scope::default() => (FILED_BY, Some(own.user.to_string())),
            (Of::All, ..) if only(&OUTSTANDING) => (OUTSTANDING_OF_ALL, None),
            (Of::All, ..) if only(&SET_ASIDE) => (SET_ASIDE_OF_ALL, None),
            (Of::All, _, Some(shop)) => (AT_SHOP, Some(shop.to_string())),
            (Of::All, ..) => (ALL, None),
        }
    }
}

/// A request within scope, where not all may be seen only if filed by oneself.
///
/// # Errors
/// When the database fails.
pub async fn get(conn: &mut Conn, scope: &Scope, own: Option<&Own>, id: RequestId) -> Result<Option<RequestRow>> {
    conn.query(GET).scope(scope).own(own).bind(id).first().await
}

/// Requests before a time and id, the newest first.
///
/// # Errors
/// When the database fails.
pub async fn list(conn: &mut Conn, scope: &Scope, filter: Filter<'_>, before: (At, &str), limit: i64) -> Result<Vec<RequestRow>> {
    let (text, beside) = filter.way(scope);
    // Each followed by a space, so that no state is the start of another.
    let states = if filter.states.is_empty() { String::new() } else { format!("{} ", filter.states.join(" ")) };
    let query = conn.query(text).scope(scope).own(filter.own).bind(&states).bind(before.0).bind(before.1).bind(limit);
    match beside {
        Some(value) => query.bind(value).all().await,
        None => query.all().await,
    }
}

/// The services of requests, those of each in their order.
///
/// # Errors
/// When the database fails.
pub async fn lines(conn: &mut Conn, requests: &[RequestId]) -> Result<Vec<LineRow>> {
    conn.query(
        "SELECT l.request_id, l.service_code, k.name AS service_name, l.other_text \
             FROM service_request_line l LEFT JOIN service_code k ON k.code = l.service_code WHERE l.request_id IN ",
    )
    .list(requests.iter().copied())
    .then(" ORDER BY l.request_id, l.place")
    .all()
    .await
}

/// Pre-defined services that stand in outstanding requests of an asset (S2-45).
///
/// # Errors
/// When the database fails.
pub async fn outstanding(conn: &mut Conn, asset: AssetId) -> Result<Vec<LineRow>> {
    conn.query(OUTSTANDING_LINES).bind(asset).all().await
}

/// Adds a request with its lines.
///
/// # Errors
/// [`super::StoreError::Taken`] when the number is in use.
pub async fn insert(conn: &mut Conn, row: &RequestRow, lines: &[LineRow]) -> Result<()> {
    bulk::insert_requests(conn, std::slice::from_ref(row)).await?;
    for (place, line) in (1_i64..).zip(lines) {
        conn.query(INSERT_LINE).bind(row.id).bind(place).bind(&line.service_code).bind(&line.other_text).run().await?;
    }
    Ok(())
}

/// Cancels a request if it is still of `version`; false if not.
///
/// # Errors
/// When the database fails.
pub async fn cancel(conn: &mut Conn, id: RequestId, version: i64, reason: &str) -> Result<bool> {
    Ok(conn.query(CANCEL).bind(id).bind(version).bind(reason).run().await? == 1)
}

/// The request an imported row means: by number, else by asset, time and
/// complaint (8.3).
///
/// # Errors
/// When the database fails.
pub async fn by_key(conn: &mut Conn, number: Option<&str>, asset: AssetId, requested_at: At, complaint: &str) -> Result<Option<RequestId>> {
    Ok(match number {
        Some(number) => conn.query(BY_NUMBER).bind(fold(number)).first().await?,
        None => conn.query(BY_KEY).bind(asset).bind(requested_at).bind(complaint).first().await?,
    })
}

/// Brings a known request up to date from an import.
///
/// # Errors
/// When the database fails.
pub async fn update_imported(conn: &mut Conn, id: RequestId, row: &RequestRow) -> Result<()> {
    conn.query(UPDATE_IMPORTED).bind(id).bind(&row.status).bind(row.urgency).bind(&row.complaint).bind(row.shop_id).run().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_indexes_know_the_states() {
        let named: Vec<&str> = RequestStatus::ALL.into_iter().filter(|status| status.is_outstanding()).map(RequestStatus::name).collect();
        assert_eq!(named, OUTSTANDING);
        for (states, written) in [(&OUTSTANDING[..], outstanding!()), (&SET_ASIDE, set_aside!())] {
            assert_eq!(format!("('{}')", states.join("', '")), written);
            assert!(include_str!("../../assets/migrations/0006_at_any_size.sql").contains(&format!("WHERE status IN {written};")));
        }
    }
}

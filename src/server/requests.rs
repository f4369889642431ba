//! Service requests and repairs (S2-40 … S2-45, S3-40 … S3-43, S2-22).

mod create;
mod shape;

use jiff::Timestamp;

use super::call::{Answer, Ask, Cx, Reply, check_version, version_stale};
use super::fault::Fault;
use super::{assets, form, paging};
use crate::api::ids::AssetId;
use crate::api::operation::{CancelRequest, GetRequest, ListAssetRequests, ListRepairs, ListRequests};
use crate::api::page::{CodeRef, Page};
use crate::api::permission::Permission;
use crate::api::problem::{FieldFaults, Problem};
use crate::api::service::{Repair, RepairState, ServiceRequest};
use crate::rules::request::RequestStatus;
use crate::store::requests::{self, Filter, OUTSTANDING, Of, RequestRow};
use crate::store::{At, repairs as stored_repairs};

pub(super) use create::{create, create_by_unit};

pub(super) const VIEW: Permission = Permission::named("service_request.view");
pub(super) const REPAIRS: Permission = Permission::named("repair.pending.view");
const CANCEL: Permission = Permission::named("service_request.cancel");

/// `GET /v1/assets/{id}/service-requests`.
pub(super) async fn of_asset(cx: &mut Cx, ask: Ask<ListAssetRequests>) -> Answer<Page<ServiceRequest>> {
    let asset = assets::get(cx, VIEW, ask.path.id).await?;
    let filter = Filter { of: Of::Asset(asset.id), ..Filter::default() };
    page(cx, filter, ask.query.limit, ask.query.cursor.as_deref()).await
}

/// `GET /v1/service-requests`; with `own` those filed by oneself.
pub(super) async fn list(cx: &mut Cx, ask: Ask<ListRequests>) -> Answer<Page<ServiceRequest>> {
    let one: [&str; 1];
    let states: &[&str] = match ask.query.state.as_deref() {
        None => &[],
        Some("outstanding") => &OUTSTANDING,
        Some(state) => {
            let known = RequestStatus::named(state)
                .ok_or_else(|| Problem::field("state", format!("outstanding, {}", RequestStatus::ALL.map(RequestStatus::name).join(", "))))?;
            one = [known.name()];
            &one
        }
    };
    let filter = Filter { of: ask.query.customer.map_or(Of::All, Of::Customer), states, ..Filter::default() };
    page(cx, filter, ask.query.limit, ask.query.cursor.as_deref()).await
}

async fn page(cx: &mut Cx, filter: Filter<'_>, limit: Option<u32>, cursor: Option<&str>) -> Answer<Page<ServiceRequest>> {
    let limit = paging::limit(limit)?;
    let place: Option<(i64, String)> = paging::place(cursor)?;
    let newest = || (At(Timestamp::MAX), "");
    let before = place.as_ref().map_or_else(newest, |(at, id)| (At::from_micros(*at), id.as_str()));
    let scope = cx.caller.scope(VIEW);
    let own = cx.caller.own_only(VIEW);
    let filter = Filter { own: own.as_ref(), ..filter };
    let rows = requests::list(&mut cx.conn, &scope, filter, before, paging::one_more(limit)).await?;
    let place = |row: &RequestRow| paging::cursor(&(row.requested_at.micros(), row.id.to_string()));
    let rows = paging::page(rows, limit, None, place, |row| row);
    let items = shape::views(cx, &scope, rows.items).await?;
    Ok(Reply::ok(Page { items, next: rows.next, total: rows.total }))
}

/// The section of an asset: outstanding requests on top, the newest first.
pub(super) async fn outstanding_first(cx: &mut Cx, asset: AssetId) -> Result<Vec<ServiceRequest>, Fault> {
    let scope = cx.caller.scope(VIEW);
    let own = cx.caller.own_only(VIEW);
    let filter = Filter { of: Of::Asset(asset), own: own.as_ref(), ..Filter::default() };
    let mut rows = requests::list(&mut cx.conn, &scope, filter, (At(Timestamp::MAX), ""), 50).await?;
    rows.sort_by_key(|row| !RequestStatus::named(&row.status).is_some_and(RequestStatus::is_outstanding));
    shape::views(cx, &scope, rows).await
}

/// `GET /v1/service-requests/{id}`.
pub(super) async fn show(cx: &mut Cx, ask: Ask<GetRequest>) -> Answer<ServiceRequest> {
    let scope = cx.caller.scope(VIEW);
    let own = cx.caller.own_only(VIEW);
    let row = requests::get(&mut cx.conn, &scope, own.as_ref(), ask.path.id).await?.ok_or_else(Problem::not_found)?;
    let (version, asset, at) = (row.row_version, row.asset_id, row.requested_at);
    let mut shown = shape::view(cx, &scope, row).await?;
    shown.meter = shape::meter_at(cx, asset, at).await?;
    Ok(Reply::ok(shown).version(version))
}

/// `POST /v1/service-requests/{id}/cancel`.
pub(super) async fn cancel(cx: &mut Cx, ask: Ask<CancelRequest>) -> Answer<ServiceRequest> {
    let scope = cx.caller.scope(CANCEL);
    let own = cx.caller.own_only(CANCEL);
    let row = requests::get(&mut cx.conn, &scope, own.as_ref(), ask.path.id).await?.ok_or_else(Problem::not_found)?;
    let mut faults = FieldFaults::default();
    let reason = form::reason(&mut faults, &ask.body.reason);
    faults.settle()?;
    let present = shape::view(cx, &scope, row.clone()).await?;
    check_version(&ask.if_match, row.row_version, &present)?;
    let status = present.status;
    if !status.may_become(RequestStatus::Cancelled) {
        let detail = format!("{} is {}; it cannot be cancelled any more.", row.number, status.in_words());
        return Err(Problem::conflict("service_request.final", detail).about(present).into());
    }
    if !requests::cancel(&mut cx.conn, row.id, row.row_version, &reason).await? {
        let now = requests::get(&mut cx.conn, &scope, own.as_ref(), row.id).await?.ok_or_else(Problem::not_found)?;
        return Err(version_stale(shape::view(cx, &scope, now).await?).into());
    }
    let row = requests::get(&mut cx.conn, &scope, own.as_ref(), row.id).await?.ok_or_else(Problem::not_found)?;
    let (version, asset) = (row.row_version, row.asset_id);
    let now = shape::view(cx, &scope, row).await?;
    cx.noted.on("service_request", now.id).asset(asset).reason(&reason).changed(&present, &now);
    Ok(Reply::ok(now).version(version))
}

/// `GET /v1/assets/{id}/repairs`.
pub(super) async fn repairs_of_asset(cx: &mut Cx, ask: Ask<ListRepairs>) -> Answer<Page<Repair>> {
    let asset = assets::get(cx, REPAIRS, ask.path.id).await?;
    Ok(Reply::ok(Page::whole(repairs(cx, asset.id, ask.query.state).await?)))
}

/// Repairs of an asset, open ones first.
pub(super) async fn repairs(cx: &mut Cx, asset: AssetId, state: Option<RepairState>) -> Result<Vec<Repair>, Fault> {
    let rows = stored_repairs::of_asset(&mut cx.conn, asset, state.map(RepairState::name)).await?;
    let view = |row: stored_repairs::RepairRow| Repair {
        id: row.id,
        state: RepairState::named(&row.state).unwrap_or(RepairState::Pending),
        description: row.description,
        reason: row.reason,
        status: row.status,
        shop: row.shop_id.zip(row.shop_code).zip(row.shop_name).map(|((id, code), name)| CodeRef { id, code, name }),
        found_at: row.found_at.0,
    };
    Ok(rows.into_iter().map(view).collect())
}

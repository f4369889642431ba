//! A service request as the caller may see it.

use std::collections::HashMap;

use super::super::call::Cx;
use super::super::fault::Fault;
use super::super::lookup::LOOK_UP;
use super::super::{meters, references};
use crate::api::ids::{AssetId, CustomerId, RequestId};
use crate::api::page::CodeRef;
use crate::api::place::ServiceCode;
use crate::api::service::{AssetRef, Caller, MeterAt, RequestLine, ServiceRequest};
use crate::rules::request::RequestStatus;
use crate::store::assets as stored_assets;
use crate::store::meters as stored_meters;
use crate::store::requests::{self, LineRow, RequestRow};
use crate::store::{At, Scope};

/// A request with its lines.
pub(super) async fn view(cx: &mut Cx, scope: &Scope, row: RequestRow) -> Result<ServiceRequest, Fault> {
    let lines = requests::lines(&mut cx.conn, &[row.id]).await?;
    references::look_up(cx, &[row.customer_id]).await?;
    with_lines(cx, scope, row, lines).await
}

/// The requests of a page: what belongs to them is asked for once.
pub(super) async fn views(cx: &mut Cx, scope: &Scope, rows: Vec<RequestRow>) -> Result<Vec<ServiceRequest>, Fault> {
    let (ids, customers): (Vec<RequestId>, Vec<Option<CustomerId>>) = rows.iter().map(|row| (row.id, row.customer_id)).unzip();
    let mut lines: HashMap<RequestId, Vec<LineRow>> = HashMap::new();
    for line in requests::lines(&mut cx.conn, &ids).await? {
        lines.entry(line.request_id).or_default().push(line);
    }
    references::look_up(cx, &customers).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let lines = lines.remove(&row.id).unwrap_or_default();
        shown.push(with_lines(cx, scope, row, lines).await?);
    }
    Ok(shown)
}

/// Roles that may not look assets up there get nothing of the asset (G-10).
async fn with_lines(cx: &mut Cx, scope: &Scope, row: RequestRow, lines: Vec<LineRow>) -> Result<ServiceRequest, Fault> {
    let look_up = cx.caller.scope(LOOK_UP);
    let sees_asset = look_up == *scope || stored_assets::get(&mut cx.conn, &look_up, row.asset_id).await?.is_some();
    let customer = references::customer(cx, scope, row.customer_id, row.customer_name);
    let driver = Caller {
        first: row.driver_first.unwrap_or_default(),
        last: row.driver_last.unwrap_or_default(),
        email: row.driver_email,
        phone: row.driver_phone,
        extension: row.driver_extension,
    };
    Ok(ServiceRequest {
        id: row.id,
        number: row.number,
        asset: sees_asset.then_some(AssetRef { id: row.asset_id, asset_number: row.asset_number, make: row.make, model: row.model }),
        organization: sees_asset.then_some(CodeRef { id: row.organization_id, code: row.organization_code, name: row.organization_name }),
        customer: customer.filter(|_| sees_asset),
        shop: CodeRef { id: row.shop_id, code: row.shop_code, name: row.shop_name },
        status: RequestStatus::named(&row.status).unwrap_or(RequestStatus::Submitted),
        urgency: row.urgency,
        complaint: row.complaint,
        lines: lines.into_iter().map(line).collect(),
        requester: Caller {
            first: row.requester_first,
            last: row.requester_last,
            email: row.requester_email,
            phone: row.requester_phone,
            extension: row.requester_extension,
        },
        driver: Some(driver).filter(|driver| !driver.is_empty()),
        po_number: row.po_number,
        authorization_number: row.authorization_number,
        note: row.note,
        requested_at: row.requested_at.0,
        source: row.source,
        cancel_reason: row.cancel_reason,
        decline_reason: row.decline_reason,
        meter: None,
        version: row.row_version,
    })
}

fn line(row: LineRow) -> RequestLine {
    let service_code = row.service_code.map(|code| ServiceCode { name: row.service_name.unwrap_or_else(|| code.clone()), code });
    RequestLine { service_code, other_text: row.other_text }
}

/// The primary meter when the request was filed: the valid reading nearest in
/// time, estimated unless it was read within that hour (M-16).
pub(super) async fn meter_at(cx: &mut Cx, asset: AssetId, at: At) -> Result<Option<MeterAt>, Fault> {
    let reach = cx.caller.scope(meters::VIEW);
    if stored_assets::get(&mut cx.conn, &reach, asset).await?.is_none() {
        return Ok(None);
    }
    let Some(meter) = stored_meters::of_asset(&mut cx.conn, asset).await?.into_iter().next() else { return Ok(None) };
    let history = stored_meters::history(&mut cx.conn, meter.id).await?;
    Ok(history.nearest(at.0).map(|point| MeterAt {
        meter: meter.name().to_string(),
        value: point.value.plain(meter.kind()),
        unit: meter.unit(),
        estimated: point.at.duration_since(at.0).abs() > jiff::SignedDuration::from_hours(1),
    }))
}

//! Filing a service request.

use std::collections::HashSet;

use super::super::call::{Answer, Ask, Cx, Reply};
use super::super::fault::Fault;
use super::super::{assets, form, lookup};
use super::{VIEW, shape};
use crate::api::asset::AssetStatus;
use crate::api::ids::RequestId;
use crate::api::lengths;
use crate::api::operation::{RequestService, RequestServiceByUnit};
use crate::api::permission::Permission;
use crate::api::problem::{FieldFaults, Problem};
use crate::api::service::{Caller, MOST_LINES, NewRequest, RequestAccepted, ServiceRequest};
use crate::api::session::UserKind;
use crate::rules::request::{RequestStatus, already_outstanding};
use crate::store::assets::{self as stored_assets, AssetRow};
use crate::store::places::{self, ShopRow};
use crate::store::requests::{self, LineRow, RequestRow};
use crate::store::{At, Scope, settings};
use crate::text::number_key;

const ADD: Permission = Permission::named("service_request.add_edit");

/// `POST /v1/assets/{id}/service-requests`.
pub(in crate::server) async fn create(cx: &mut Cx, ask: Ask<RequestService>) -> Answer<ServiceRequest> {
    let asset = assets::get(cx, ADD, ask.path.id).await?;
    let scope = cx.caller.scope(ADD);
    let row = file(cx, &scope, &asset, ask.body).await?;
    cx.noted.on("service_request", row.id).asset(asset.id);
    let shown = shape::view(cx, &scope, row).await?;
    Ok(Reply::created(shown).version(1))
}

/// `POST /v1/service-requests` (G-10): accepted, or not one of your units.
pub(in crate::server) async fn create_by_unit(cx: &mut Cx, ask: Ask<RequestServiceByUnit>) -> Answer<RequestAccepted> {
    let not_yours = || Problem::new("asset.not_yours", "Not one of your units. Check the unit number.");
    let unit = lookup::checked_tag(&ask.body.unit_number).map_err(|_| Problem::field("unit_number", "is required"))?;
    let scope = cx.caller.scope(ADD);
    let found = lookup::find(cx, &scope, &unit, ask.body.organization.as_deref()).await?;
    // Only the unit number or a plate it carries: nothing that looks similar.
    let best = found.iter().map(|found| found.rank).min().filter(|rank| *rank <= 1).ok_or_else(not_yours)?;
    let mut units: Vec<AssetRow> = found.into_iter().filter(|found| found.rank == best).map(|found| found.asset).collect();
    let (Some(asset), true) = (units.pop(), units.is_empty()) else {
        return Err(Problem::field("organization", "this number stands in several of your organizations: say which").into());
    };
    // That it is closed would tell something of the asset.
    if !AssetStatus::named(&asset.status).is_some_and(AssetStatus::takes_requests) {
        return Err(not_yours().into());
    }
    let row = file(cx, &scope, &asset, ask.body.request).await?;
    cx.noted.on("service_request", row.id).asset(asset.id);
    Ok(Reply::created(RequestAccepted { id: row.id, number: row.number }))
}

async fn file(cx: &mut Cx, scope: &Scope, asset: &AssetRow, new: NewRequest) -> Result<RequestRow, Fault> {
    if !AssetStatus::named(&asset.status).is_some_and(AssetStatus::takes_requests) {
        let detail = format!("{} is {}: no requests or appointments.", asset.asset_number, asset.status);
        return Err(Problem::conflict("asset.closed", detail).into());
    }
    let shop = shop(cx, scope, asset, new.shop.as_deref()).await?;
    let mut faults = FieldFaults::default();
    let lines = lines(cx, &new, &mut faults).await?;
    let mut row = row(cx, asset, &shop, &new, &mut faults);
    if lines.is_empty() && row.complaint.is_none() {
        faults.add("complaint", "say what is wrong, or choose a service");
    }
    faults.settle()?;
    // What others asked for is told to those only who may see it.
    let seen = cx.caller.full_scope(VIEW);
    if !new.confirm_duplicate && stored_assets::get(&mut cx.conn, &seen, asset.id).await?.is_some() {
        refuse_duplicate(cx, asset, &lines).await?;
    }
    let year = row.requested_at.0.strftime("%y").to_string();
    let number = places::next_number(&mut cx.conn, &format!("service_request-{year}")).await?;
    row.number = format!("SR-{year}-{number:06}");
    requests::insert(&mut cx.conn, &row, &lines).await?;
    Ok(row)
}

/// The shop named, else the session's, else the first that serves the asset's
/// customer.
async fn shop(cx: &mut Cx, scope: &Scope, asset: &AssetRow, wanted: Option<&str>) -> Result<ShopRow, Fault> {
    let wanted = wanted.map(str::trim).filter(|wanted| !wanted.is_empty());
    let own = cx.caller.shop_id().map(|id| id.to_string());
    let found = match wanted.map(str::to_owned).or(own) {
        Some(wanted) => places::shop(&mut cx.conn, scope, &wanted).await?,
        None => {
            let of_customer = asset.customer_id.map(|id| Scope { customers: vec![id], ..Scope::default() });
            places::shops(&mut cx.conn, of_customer.as_ref().unwrap_or(scope), "", 1).await?.into_iter().next()
        }
    };
    let shop = found.ok_or_else(|| Problem::field("shop", "no such shop within your reach"))?;
    if shop.accepts_requests { Ok(shop) } else { Err(Problem::field("shop", format!("{} takes no requests", shop.name)).into()) }
}

/// The wanted services: known codes, texts of 1 to 200 characters, none twice
/// (S2-43, S2-44).
async fn lines(cx: &mut Cx, new: &NewRequest, faults: &mut FieldFaults) -> Result<Vec<LineRow>, Fault> {
    let mut lines = Vec::with_capacity(new.lines.len());
    let mut seen = HashSet::new();
    let asks_for_known = new.lines.iter().any(|line| line.service_code.is_some());
    let off = if asks_for_known { settings::portal(&mut cx.conn).await?.services_off } else { Vec::new() };
    for line in &new.lines {
        let mut row = LineRow { request_id: RequestId::new(), service_code: None, service_name: None, other_text: None };
        match (&line.service_code, &line.other_text) {
            (Some(code), None) => match places::service_code(&mut cx.conn, code.trim()).await? {
                Some(known) if off.contains(&known.code) => faults.add("lines", format!("{} cannot be asked for any more", known.name)),
                Some(known) => {
                    row.service_name = Some(known.name);
                    row.service_code = Some(known.code);
                }
                None => faults.add("lines", format!("there is no service {code:?}")),
            },
            (None, Some(text)) => row.other_text = Some(form::required(faults, "lines", text, lengths::OTHER_SERVICE)),
            _ => faults.add("lines", "each line has either service_code or other_text"),
        }
        let key = row.service_code.clone().or_else(|| row.other_text.as_deref().map(crate::text::fold)).unwrap_or_default();
        if !key.is_empty() && !seen.insert(key.clone()) {
            faults.add("lines", format!("{key:?} stands twice"));
        }
        lines.push(row);
    }
    if lines.len() > MOST_LINES {
        faults.add("lines", format!("at most {MOST_LINES} services in one request"));
    }
    Ok(lines)
}

fn row(cx: &Cx, asset: &AssetRow, shop: &ShopRow, new: &NewRequest, faults: &mut FieldFaults) -> RequestRow {
    let urgency = new.urgency.unwrap_or(3);
    if !(1..=4).contains(&urgency) {
        faults.add("urgency", "1 down, 2 high, 3 normal, 4 when convenient");
    }
    let requester = match &new.requester {
        Some(said) => named_caller(faults, said, &shop.country),
        // The signed-in person, with what is known of it.
        None => Caller {
            first: cx.caller.user.first_name.clone(),
            last: cx.caller.user.last_name.clone(),
            email: cx.caller.user.email.clone(),
            phone: cx.caller.user.phone.clone(),
            extension: None,
        },
    };
    let driver = new.driver.as_ref().filter(|driver| !driver.is_empty()).map(|driver| person(faults, "driver", driver, &shop.country));
    let driver = driver.unwrap_or_default();
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    RequestRow {
        id: RequestId::new(),
        number: String::new(),
        asset_id: asset.id,
        asset_number: asset.asset_number.clone(),
        make: asset.make.clone(),
        model: asset.model.clone(),
        organization_id: asset.organization_id,
        organization_code: asset.organization_code.clone(),
        organization_name: asset.organization_name.clone(),
        customer_id: asset.customer_id,
        customer_name: asset.customer_name.clone(),
        shop_id: shop.id,
        shop_code: shop.code.clone(),
        shop_name: shop.name.clone(),
        status: RequestStatus::Submitted.name().to_owned(),
        urgency,
        complaint: form::text(faults, "complaint", new.complaint.as_deref(), lengths::COMPLAINT),
        requester_first: requester.first,
        requester_last: requester.last,
        requester_email: requester.email,
        requester_phone: requester.phone,
        requester_extension: requester.extension,
        driver_first: some(driver.first),
        driver_last: some(driver.last),
        driver_email: driver.email,
        driver_phone: driver.phone,
        driver_extension: driver.extension,
        po_number: form::text(faults, "po_number", new.po_number.as_deref(), lengths::CODE),
        authorization_number: form::text(faults, "authorization_number", new.authorization_number.as_deref(), lengths::CODE),
        note: form::text(faults, "note", new.note.as_deref(), lengths::REMARK),
        requested_at: At::from_micros(cx.typed_at.as_microsecond()),
        requested_by: Some(cx.caller.id()),
        source: source(cx.caller.kind()).to_owned(),
        cancel_reason: None,
        decline_reason: None,
        row_version: 1,
    }
}

/// A caller who was filled in: first and last name, and an e-mail address or a
/// telephone number (S2-44).
fn named_caller(faults: &mut FieldFaults, said: &Caller, country: &str) -> Caller {
    let checked = person(faults, "requester", said, country);
    if checked.first.is_empty() || checked.last.is_empty() {
        faults.add("requester", "first and last name are required");
    } else if checked.email.is_none() && checked.phone.is_none() {
        faults.add("requester", "an e-mail address or a telephone number is required");
    }
    checked
}

fn person(faults: &mut FieldFaults, field: &str, said: &Caller, country: &str) -> Caller {
    Caller {
        first: form::text(faults, field, Some(&said.first), lengths::CALLER).unwrap_or_default(),
        last: form::text(faults, field, Some(&said.last), lengths::CALLER).unwrap_or_default(),
        email: form::email(faults, field, said.email.as_deref()),
        phone: form::phone(faults, field, said.phone.as_deref(), country),
        extension: form::extension(faults, field, said.extension.as_deref()),
    }
}

const fn source(kind: UserKind) -> &'static str {
    match kind {
        UserKind::Customer => "portal",
        UserKind::Kiosk => "kiosk",
        UserKind::Staff | UserKind::ServiceAccount => "counter",
    }
}

/// 409 with the outstanding services that are asked for again (S2-45). Sent
/// again with `confirm_duplicate` it is filed.
async fn refuse_duplicate(cx: &mut Cx, asset: &AssetRow, lines: &[LineRow]) -> Result<(), Fault> {
    let wanted: Vec<String> = lines.iter().filter_map(|line| line.service_code.clone()).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    // Of two who ask for the same at once, one hears of the other.
    stored_assets::lock(&mut cx.conn, asset.id).await?;
    let outstanding = requests::outstanding(&mut cx.conn, asset.id).await?;
    let codes: Vec<String> = outstanding.iter().filter_map(|line| line.service_code.clone()).collect();
    let doubled: Vec<&String> = already_outstanding(&wanted, &codes).collect();
    if doubled.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = outstanding
        .iter()
        .filter(|line| line.service_code.as_ref().is_some_and(|code| doubled.contains(&code)))
        .filter_map(|line| line.service_name.clone())
        .collect();
    let detail = format!("Already asked for on {} and not done yet: {}. Send it all the same?", number_key(&asset.asset_number), names.join(", "));
    Err(Problem::conflict("service_request.duplicate", detail).about(names).into())
}

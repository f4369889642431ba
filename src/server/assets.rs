//! Assets: the composite with its sections, identification, those of a
//! customer.

use super::call::{Answer, Ask, Cx, Reply};
use super::customers::VIEW as CUSTOMER_VIEW;
use super::fault::Fault;
use super::lookup::LOOK_UP;
use super::{meters, paging, references, requests};
use crate::api::asset::{Asset, AssetHeader, AssetStatus, Denied, HeaderMore, Identification, Section, Sections};
use crate::api::ids::AssetId;
use crate::api::operation::{GetAsset, GetIdentification, ListCustomerAssets};
use crate::api::page::{CodeRef, Page};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::role::Limit;
use crate::rules::vin;
use crate::store::assets::{self, AssetRow, PlateRow};
use crate::store::{Scope, customers};
use crate::text::number_key;

pub(super) const IDENTIFICATION: Permission = Permission::named("asset.identification.view");
const LIST: Permission = Permission::named("asset.list.view");

/// An asset within the scope of a permission.
pub(super) async fn get(cx: &mut Cx, permission: Permission, id: AssetId) -> Result<AssetRow, Fault> {
    let scope = cx.caller.scope(permission);
    Ok(assets::get(&mut cx.conn, &scope, id).await?.ok_or_else(Problem::not_found)?)
}

/// Which machine it is, as far as the caller may know (G-9): what identifies it
/// only where that may be seen as far as `scope`, by which it was found.
pub(super) fn header(cx: &Cx, scope: &Scope, row: AssetRow) -> AssetHeader {
    let more = cx.caller.scope(IDENTIFICATION).covers(scope).then(|| HeaderMore {
        customer: references::customer(cx, scope, row.customer_id, row.customer_name.clone()),
        plate: row.plate.clone(),
        plate_state: row.plate_state.clone(),
        description: row.description.clone(),
    });
    AssetHeader {
        id: row.id,
        asset_number: row.asset_number,
        organization: CodeRef { id: row.organization_id, code: row.organization_code, name: row.organization_name },
        year: row.year,
        make: row.make,
        model: row.model,
        status: AssetStatus::named(&row.status).unwrap_or(AssetStatus::Active),
        more,
    }
}

/// `GET /v1/assets/{id}`.
pub(super) async fn show(cx: &mut Cx, ask: Ask<GetAsset>) -> Answer<Asset> {
    let row = get(cx, LOOK_UP, ask.path.id).await?;
    references::look_up(cx, &[row.customer_id]).await?;
    let scope = cx.caller.scope(LOOK_UP);
    let version = row.row_version;
    let sections = Sections {
        identification: match section(cx, IDENTIFICATION, &scope, &row).await? {
            Some(denied) => denied,
            None => Section::Data(identification_of(cx, &scope, row.clone()).await?),
        },
        meters: match section(cx, meters::VIEW, &scope, &row).await? {
            Some(denied) => denied,
            None => Section::Data(meters::of(cx, row.id).await?),
        },
        service_requests: match section(cx, requests::VIEW, &scope, &row).await? {
            Some(denied) => denied,
            None => Section::Data(requests::outstanding_first(cx, row.id).await?),
        },
        repairs: match section(cx, requests::REPAIRS, &scope, &row).await? {
            Some(denied) => denied,
            None => Section::Data(requests::repairs(cx, row.id, None).await?),
        },
    };
    Ok(Reply::ok(Asset { header: header(cx, &scope, row), version, sections }).version(version))
}

/// Why a section is not shown, if it is not: its permission is missing, or
/// reaches less far than the look-up did.
async fn section<T>(cx: &mut Cx, permission: Permission, found_within: &Scope, row: &AssetRow) -> Result<Option<Section<T>>, Fault> {
    let scope = cx.caller.scope(permission);
    // Most often all of it is granted together, and reaches as far.
    let reached = scope == *found_within || assets::get(&mut cx.conn, &scope, row.id).await?.is_some();
    Ok((!reached).then(|| Section::Denied { access: Denied::Denied, missing: vec![permission] }))
}

/// `GET /v1/assets/{id}/identification`.
pub(super) async fn identification(cx: &mut Cx, ask: Ask<GetIdentification>) -> Answer<Identification> {
    let row = get(cx, IDENTIFICATION, ask.path.id).await?;
    let scope = cx.caller.scope(IDENTIFICATION);
    let version = row.row_version;
    Ok(Reply::ok(identification_of(cx, &scope, row).await?).version(version))
}

async fn identification_of(cx: &mut Cx, scope: &Scope, row: AssetRow) -> Result<Identification, Fault> {
    references::look_up(cx, &[row.customer_id]).await?;
    let plates = assets::plates(&mut cx.conn, row.id).await?;
    let former = plates.iter().filter(|plate| plate.to_at.is_some()).map(plate_in_words).collect();
    let vin_hint = row.vin.as_deref().and_then(|vin| vin::check(&number_key(vin)).err()).map(|fault| fault.to_string());
    Ok(Identification {
        asset_number: row.asset_number,
        organization: CodeRef { id: row.organization_id, code: row.organization_code, name: row.organization_name },
        customer: references::customer(cx, scope, row.customer_id, row.customer_name),
        vin: row.vin,
        vin_hint,
        serial: row.serial,
        plate: row.plate,
        plate_state: row.plate_state,
        plate_country: row.plate_country,
        former_plates: former,
        year: row.year,
        make: row.make,
        model: row.model,
        description: row.description,
        class: row.class,
        status: AssetStatus::named(&row.status).unwrap_or(AssetStatus::Active),
        colour: row.colour,
        department: row.department,
        version: row.row_version,
    })
}

fn plate_in_words(plate: &PlateRow) -> String {
    plate.state.as_ref().map_or_else(|| plate.number.clone(), |state| format!("{} ({state})", plate.number))
}

/// `GET /v1/customers/{id}/assets`.
pub(super) async fn of_customer(cx: &mut Cx, ask: Ask<ListCustomerAssets>) -> Answer<Page<AssetHeader>> {
    let limit = paging::limit(ask.query.limit)?;
    let (key, id): (String, String) = paging::place(ask.query.cursor.as_deref())?.unwrap_or_default();
    let scope = cx.caller.scope(LIST);
    let customer_scope = if cx.caller.limit(CUSTOMER_VIEW) >= Some(Limit::Basic) { cx.caller.scope(CUSTOMER_VIEW) } else { scope.clone() };
    customers::get(&mut cx.conn, &customer_scope, ask.path.id).await?.ok_or_else(Problem::not_found)?;
    let total = assets::count_of_customer(&mut cx.conn, &scope, ask.path.id).await?;
    let rows = assets::of_customer(&mut cx.conn, &scope, ask.path.id, (&key, &id), paging::one_more(limit)).await?;
    let place = |row: &AssetRow| paging::cursor(&(number_key(&row.asset_number), row.id.to_string()));
    references::look_up(cx, &[Some(ask.path.id)]).await?;
    Ok(Reply::ok(paging::page(rows, limit, u64::try_from(total).ok(), place, |row| header(cx, &scope, row))))
}

//! Shops, organizations and pre-defined services: what forms choose from.

use super::call::{Answer, Ask, Cx, Reply, check_version, version_stale};
use super::fault::Fault;
use super::portal::SETTINGS;
use super::{form, paging, references};
use crate::api::ids::{CustomerId, OrganizationId, ShopId};
use crate::api::lengths;
use crate::api::operation::{ChangeOrganization, ChangeShop, CreateOrganization, CreateShop, ListOrganizations, ListServiceCodes, ListShops, SetServiceCode};
use crate::api::page::Page;
use crate::api::permission::Permission;
use crate::api::place::{Organization, ServiceCode, Shop};
use crate::api::problem::{FieldFaults, Problem};
use crate::store::places::{self, OrganizationRow, ShopRow};
use crate::store::{Scope, StoreError, customers, settings};
use crate::text::{clean_line, fold};

const ORGANIZATIONS: Permission = Permission::named("org.manage");
const SHOPS: Permission = Permission::named("shop.manage");

/// `GET /v1/service-codes`.
pub(super) async fn service_codes(cx: &mut Cx, ask: Ask<ListServiceCodes>) -> Answer<Page<ServiceCode>> {
    let off = if ask.query.all { Vec::new() } else { settings::portal(&mut cx.conn).await?.services_off };
    let mut rows = places::service_codes(&mut cx.conn).await?;
    rows.retain(|row| !off.contains(&row.code));
    Ok(Reply::ok(Page::whole(rows.into_iter().map(|row| ServiceCode { code: row.code, name: row.name }).collect())))
}

/// `GET /v1/shops`.
pub(super) async fn shops(cx: &mut Cx, ask: Ask<ListShops>) -> Answer<Page<Shop>> {
    let limit = paging::limit(ask.query.limit)?;
    let after: String = paging::place(ask.query.cursor.as_deref())?.unwrap_or_default();
    let rows = places::shops(&mut cx.conn, &cx.caller.whole_scope(), &after, paging::one_more(limit)).await?;
    Ok(Reply::ok(paging::page(rows, limit, None, |row| paging::cursor(&fold(&row.code)), shop_view)))
}

fn shop_view(row: ShopRow) -> Shop {
    Shop {
        id: row.id,
        code: row.code,
        name: row.name,
        time_zone: row.time_zone,
        country: row.country,
        accepts_requests: row.accepts_requests,
        version: row.row_version,
    }
}

/// `GET /v1/organizations`.
pub(super) async fn organizations(cx: &mut Cx, ask: Ask<ListOrganizations>) -> Answer<Page<Organization>> {
    let limit = paging::limit(ask.query.limit)?;
    let after: String = paging::place(ask.query.cursor.as_deref())?.unwrap_or_default();
    let scope = cx.caller.whole_scope();
    let rows = places::organizations(&mut cx.conn, &scope, &after, paging::one_more(limit)).await?;
    references::look_up(cx, &rows.iter().map(|row| row.customer_id).collect::<Vec<_>>()).await?;
    let shape = |row| organization_view(cx, &scope, row);
    Ok(Reply::ok(paging::page(rows, limit, None, |row| paging::cursor(&fold(&row.code)), shape)))
}

fn organization_view(cx: &Cx, scope: &Scope, row: OrganizationRow) -> Organization {
    Organization {
        id: row.id,
        code: row.code,
        name: row.name,
        customer: references::customer(cx, scope, row.customer_id, row.customer_name),
        portal_enabled: row.portal_enabled,
        version: row.row_version,
    }
}

/// `POST /v1/organizations`.
pub(super) async fn create_organization(cx: &mut Cx, ask: Ask<CreateOrganization>) -> Answer<Organization> {
    let scope = cx.caller.scope(ORGANIZATIONS);
    let mut faults = FieldFaults::default();
    let row = OrganizationRow {
        id: OrganizationId::new(),
        code: form::required(&mut faults, "code", &ask.body.code, lengths::CODE),
        name: form::required(&mut faults, "name", &ask.body.name, lengths::NAME),
        customer_id: ask.body.customer,
        customer_name: customer_name(cx, &scope, ask.body.customer, &mut faults).await?,
        portal_enabled: ask.body.portal_enabled.unwrap_or(true),
        metric: false,
        row_version: 1,
    };
    faults.settle()?;
    places::insert_organization(&mut cx.conn, &row).await.map_err(code_taken)?;
    note_owner(cx, row.customer_id);
    references::look_up(cx, &[row.customer_id]).await?;
    cx.noted.on("organization", row.id);
    Ok(Reply::created(organization_view(cx, &scope, row)))
}

/// `PATCH /v1/organizations/{id}` (S2-3).
pub(super) async fn change_organization(cx: &mut Cx, ask: Ask<ChangeOrganization>) -> Answer<Organization> {
    let scope = cx.caller.scope(ORGANIZATIONS);
    let before = places::organization(&mut cx.conn, &scope, &ask.path.id.to_string()).await?.ok_or_else(Problem::not_found)?;
    references::look_up(cx, &[before.customer_id, ask.body.customer]).await?;
    let moves = ask.body.customer.is_some_and(|customer| before.customer_id != Some(customer));
    demand_alone(cx, &scope, &before, moves).await?;
    check_version(&ask.if_match, before.row_version, organization_view(cx, &scope, before.clone()))?;
    let mut row = before.clone();
    let mut faults = FieldFaults::default();
    if let Some(name) = &ask.body.name {
        row.name = form::required(&mut faults, "name", name, lengths::NAME);
    }
    if ask.body.customer.is_some() {
        row.customer_name = customer_name(cx, &scope, ask.body.customer, &mut faults).await?;
        row.customer_id = ask.body.customer;
    }
    row.portal_enabled = ask.body.portal_enabled.unwrap_or(row.portal_enabled);
    faults.settle()?;
    let was = organization_view(cx, &scope, before.clone());
    if row != before {
        if !places::update_organization(&mut cx.conn, &before, &row).await? {
            return Err(version_stale(was).into());
        }
        row.row_version += 1;
    }
    let version = row.row_version;
    note_owner(cx, before.customer_id.or(row.customer_id));
    let now = organization_view(cx, &scope, row);
    cx.noted.on("organization", now.id).changed(&was, &now);
    Ok(Reply::ok(now).version(version))
}

/// An organization that others reach too is changed by those only who reach
/// everything: its machines would be gone for other shops, or there for other
/// people than before. One without a customer is of all shops.
async fn demand_alone(cx: &mut Cx, scope: &Scope, row: &OrganizationRow, moves: bool) -> Result<(), Fault> {
    let alone = match row.customer_id {
        _ if !moves && scope.organizations.contains(&row.id) => true,
        Some(customer) if scope.customers.contains(&customer) => true,
        Some(customer) => customers::links(&mut cx.conn, customer).await?.iter().all(|link| scope.reaches_shop(link.shop_id)),
        None => false,
    };
    if alone { Ok(()) } else { Ok(cx.caller.demand_everywhere(ORGANIZATIONS)?) }
}

/// In the history of the customer whose it was, or else is.
fn note_owner(cx: &mut Cx, customer: Option<CustomerId>) {
    if let Some(customer) = customer {
        cx.noted.customer(customer);
    }
}

async fn customer_name(cx: &mut Cx, scope: &Scope, id: Option<CustomerId>, faults: &mut FieldFaults) -> Result<Option<String>, Fault> {
    let Some(id) = id else { return Ok(None) };
    let found = customers::get(&mut cx.conn, scope, id).await?;
    if found.is_none() {
        faults.add("customer", "there is no such customer within your reach");
    }
    Ok(found.map(|row| row.name))
}

fn code_taken(error: StoreError) -> Fault {
    match error {
        StoreError::Taken => Problem::field("code", "is taken: choose another").into(),
        other => other.into(),
    }
}

/// `POST /v1/shops`.
pub(super) async fn create_shop(cx: &mut Cx, ask: Ask<CreateShop>) -> Answer<Shop> {
    let mut faults = FieldFaults::default();
    let code = form::required(&mut faults, "code", &ask.body.code, lengths::CODE);
    let row = ShopRow {
        id: ShopId::new(),
        name: form::required(&mut faults, "name", &ask.body.name, lengths::NAME),
        time_zone: time_zone(&mut faults, &ask.body.time_zone),
        country: country(&mut faults, &ask.body.country),
        accepts_requests: true,
        business_system: code.clone(),
        numbering: "user_enters".to_owned(),
        row_version: 1,
        code,
    };
    if !cx.caller.scope(SHOPS).everything {
        faults.add("code", "shops are added by whoever administers the whole deployment");
    }
    faults.settle()?;
    places::insert_shop(&mut cx.conn, &row).await.map_err(code_taken)?;
    cx.noted.on("shop", row.id);
    Ok(Reply::created(shop_view(row)))
}

/// `PATCH /v1/shops/{id}`.
pub(super) async fn change_shop(cx: &mut Cx, ask: Ask<ChangeShop>) -> Answer<Shop> {
    let scope = cx.caller.scope(SHOPS);
    let found = places::shop(&mut cx.conn, &scope, &ask.path.id.to_string()).await?;
    let before = found.filter(|shop| scope.reaches_shop(shop.id)).ok_or_else(Problem::not_found)?;
    check_version(&ask.if_match, before.row_version, shop_view(before.clone()))?;
    let mut row = before.clone();
    let mut faults = FieldFaults::default();
    if let Some(name) = &ask.body.name {
        row.name = form::required(&mut faults, "name", name, lengths::NAME);
    }
    if let Some(zone) = &ask.body.time_zone {
        row.time_zone = time_zone(&mut faults, zone);
    }
    if let Some(written) = &ask.body.country {
        row.country = country(&mut faults, written);
    }
    row.accepts_requests = ask.body.accepts_requests.unwrap_or(row.accepts_requests);
    faults.settle()?;
    let was = shop_view(before.clone());
    if row != before {
        if !places::update_shop(&mut cx.conn, &row).await? {
            return Err(version_stale(was).into());
        }
        row.row_version += 1;
    }
    let version = row.row_version;
    let now = shop_view(row);
    cx.noted.on("shop", now.id).changed(&was, &now);
    Ok(Reply::ok(now).version(version))
}

fn time_zone(faults: &mut FieldFaults, written: &str) -> String {
    let zone = clean_line(written);
    if jiff::tz::TimeZone::get(&zone).is_err() {
        faults.add("time_zone", "a name such as America/Los_Angeles");
    }
    zone
}

fn country(faults: &mut FieldFaults, written: &str) -> String {
    let known = crate::rules::place::country(&clean_line(written));
    if known.is_none() {
        faults.add("country", "two letters such as US, or the country's name");
    }
    known.unwrap_or_default().to_owned()
}

/// `POST /v1/service-codes` (S2-5, S2-43): for all shops.
pub(super) async fn set_service_code(cx: &mut Cx, ask: Ask<SetServiceCode>) -> Answer<ServiceCode> {
    cx.caller.demand_everywhere(SETTINGS)?;
    let mut faults = FieldFaults::default();
    let code = form::required(&mut faults, "code", &ask.body.code, lengths::CODE);
    let name = form::required(&mut faults, "name", &ask.body.name, lengths::NAME);
    faults.settle()?;
    let before = places::service_code(&mut cx.conn, &code).await?.map(|row| ServiceCode { code: row.code, name: row.name });
    places::set_service_code(&mut cx.conn, &code, &name).await?;
    let now = ServiceCode { code, name };
    cx.noted.on("service_code", &now.code).changed(&before, &now);
    Ok(Reply::created(now))
}

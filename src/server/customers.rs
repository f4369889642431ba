//! Customers: search, one record, creating, changing.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::call::{Answer, Ask, Cx, Reply, check_version, version_stale};
use super::fault::Fault;
use super::{form, paging};
use crate::api::customer::{Customer, CustomerDetails, CustomerHit, CustomerKind, CustomerLink, CustomerMore, CustomerQuery, HitMore, MIN_QUERY, NumberState};
use crate::api::ids::{CustomerId, ShopId};
use crate::api::lengths;
use crate::api::operation::{ChangeCustomer, CreateCustomer, GetCustomer, SearchCustomers};
use crate::api::page::{CodeRef, Page};
use crate::api::permission::Permission;
use crate::api::problem::{FieldFaults, Problem};
use crate::rules::customer_search::{Matched, Query, QueryFault};
use crate::search::{Found, Hit, Hits};
use crate::store::Scope;
use crate::store::customers::{self, CustomerRow, LinkRow, SetNumber};
use crate::store::places::{self, ShopRow};

pub(super) const VIEW: Permission = Permission::named("customer.view");
const SEARCH: Permission = Permission::named("customer.search");
const CREATE: Permission = Permission::named("customer.create");
const EDIT: Permission = Permission::named("customer.edit");

/// `GET /v1/customers`.
pub(super) async fn search(cx: &mut Cx, ask: Ask<SearchCustomers>) -> Answer<FoundPage> {
    let query = searched(&ask.query)?;
    let limit = paging::limit(ask.query.limit)?;
    let after: Option<Found> = paging::place(ask.query.cursor.as_deref())?;
    let scope = cx.caller.scope(SEARCH);
    let hits = cx.app.index.search(&query, &scope, after.as_ref(), limit);
    let next = if hits.is_complete { None } else { hits.last().map(|last| paging::cursor(&last)) };
    let total = (hits.is_complete && after.is_none()).then_some(hits.len() as u64);
    Ok(Reply::ok(FoundPage { hits, scope, full: cx.caller.full_scope(VIEW), shop: cx.caller.shop_id(), next, total }))
}

/// A page of hits as the caller may see them, read from the index only when it
/// is written out: nothing is copied that is sent a moment later.
#[derive(Debug)]
pub(super) struct FoundPage {
    hits: Hits,
    scope: Scope,
    /// Where more than the basic fields may be seen.
    full: Scope,
    shop: Option<ShopId>,
    next: Option<String>,
    total: Option<u64>,
}

impl Serialize for FoundPage {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let items = self.hits.iter().map(|(matched, found)| self.shown(matched, &found)).collect();
        Page { items, next: self.next.clone(), total: self.total }.serialize(serializer)
    }
}

impl FoundPage {
    fn shown<'a>(&'a self, matched: Matched, found: &Hit<'a>) -> CustomerHit<Cow<'a, str>> {
        CustomerHit {
            id: found.id(),
            name: Cow::Borrowed(found.name()),
            city: found.city().map(Cow::Borrowed),
            phone: found.phone().map(Cow::Owned),
            more: found.is_within(&self.full).then(|| HitMore {
                number: found.number(&self.scope, self.shop).map(Cow::Borrowed),
                kind: found.kind(),
                state: found.state().map(Cow::Borrowed),
                country: found.country().map(Cow::Borrowed),
                postal_code: found.postal_code(),
            }),
            matched: matched.fields(),
            near_miss: matched.class == Matched::NEAR_MISS,
        }
    }
}

/// What is searched for. Three characters have to be there as it was sent, not
/// only as it is compared: some signs are folded to several.
fn searched(query: &CustomerQuery) -> Result<Query, Problem> {
    let sent = query.q.chars().count();
    let query = if sent < MIN_QUERY { Err(QueryFault::TooShort(sent)) } else { Query::new(&query.q, query.by) };
    query.map_err(|fault| match fault {
        QueryFault::TooShort(length) => Problem::new("query.too_short", format!("{length} of 3 characters: type {} more.", MIN_QUERY - length)),
        QueryFault::TooLong => Problem::new("query.too_long", "Search for at most 100 characters."),
    })
}

/// Whether more than the basic fields of a customer may be seen: a grant
/// without that limit reaches it.
async fn sees_all(cx: &mut Cx, id: CustomerId) -> Result<bool, Fault> {
    let full = cx.caller.full_scope(VIEW);
    Ok(customers::get(&mut cx.conn, &full, id).await?.is_some())
}

/// `GET /v1/customers/{id}`.
pub(super) async fn show(cx: &mut Cx, ask: Ask<GetCustomer>) -> Answer<Customer> {
    let scope = cx.caller.scope(VIEW);
    let row = customers::get(&mut cx.conn, &scope, ask.path.id).await?.ok_or_else(Problem::not_found)?;
    let version = row.row_version;
    Ok(Reply::ok(view(cx, &scope, row).await?).version(version))
}

/// A customer as the caller may see it.
pub(super) async fn view(cx: &mut Cx, scope: &Scope, row: CustomerRow) -> Result<Customer, Fault> {
    let more = if sees_all(cx, row.id).await? {
        let links = customers::links(&mut cx.conn, row.id).await?;
        Some(view_more(cx, scope, &row, links))
    } else {
        None
    };
    Ok(Customer { id: row.id, name: row.name, city: row.city, phone: row.phone, more })
}

fn view_more(cx: &Cx, scope: &Scope, row: &CustomerRow, links: Vec<LinkRow>) -> CustomerMore {
    // Another shop's link is none of a shop's business.
    let seen: Vec<LinkRow> = links.into_iter().filter(|link| scope.shops.is_empty() || scope.reaches_shop(link.shop_id)).collect();
    let numbered = || seen.iter().filter(|link| link.number.is_some());
    let number = numbered().find(|link| Some(link.shop_id) == cx.caller.shop_id()).or_else(|| numbered().next()).and_then(|link| link.number.clone());
    let owner = seen.iter().find(|link| Some(link.shop_id) == row.owner_shop_id);
    CustomerMore {
        number,
        kind: CustomerKind::named(&row.kind).unwrap_or_default(),
        address1: row.address1.clone(),
        address2: row.address2.clone(),
        state: row.state.clone(),
        postal_code: row.postal_code.clone(),
        country: row.country.clone(),
        extension: row.extension.clone(),
        fax: row.fax.clone(),
        email: row.email.clone(),
        status: row.status.clone(),
        notes: row.notes.clone(),
        shop: owner.map(|link| CodeRef { id: link.shop_id, code: link.shop_code.clone(), name: link.shop_name.clone() }),
        links: seen.into_iter().map(link_view).collect(),
        version: row.row_version,
    }
}

fn link_view(link: LinkRow) -> CustomerLink {
    CustomerLink {
        shop: CodeRef { id: link.shop_id, code: link.shop_code, name: link.shop_name },
        number: link.number,
        number_state: NumberState::named(&link.number_state),
        business_system: link.business_system,
        alert_note: link.alert_note,
        po_required: link.po_required,
    }
}

/// The shop a form names, or the session's.
pub(super) async fn shop(cx: &mut Cx, scope: &Scope, wanted: Option<&str>) -> Result<ShopRow, Fault> {
    let own = cx.caller.shop_id().map(|id| id.to_string());
    let wanted = wanted.map(str::to_owned).filter(|wanted| !wanted.trim().is_empty()).or(own);
    let wanted = wanted.ok_or_else(|| Problem::field("shop", "is required"))?;
    let found = places::shop(&mut cx.conn, scope, wanted.trim()).await?;
    Ok(found.ok_or_else(|| Problem::field("shop", "no such shop within your reach"))?)
}

/// `POST /v1/customers` (S3-7 … S3-12).
pub(super) async fn create(cx: &mut Cx, ask: Ask<CreateCustomer>) -> Answer<Customer> {
    let scope = cx.caller.scope(CREATE);
    let new = ask.body;
    let shop = shop(cx, &scope, new.shop.as_deref()).await?;
    let mut faults = FieldFaults::default();
    let name = form::required(&mut faults, "name", &new.name, lengths::NAME);
    let number = form::text(&mut faults, "number", new.number.as_deref(), lengths::CODE);
    // S3-12: required unless the business system numbers customers itself; a
    // fleet may be linked later (S3-23).
    if number.is_none() && shop.numbering == "user_enters" && new.kind == CustomerKind::Local {
        faults.add("number", "is required: the customer number as in the business system");
    }
    let mut row = CustomerRow::unnamed((new.kind == CustomerKind::Local).then_some(shop.id));
    row.name = name;
    fill(&mut row, &new.details, &shop.country, &mut faults);
    faults.settle()?;
    if let Some(number) = &number {
        refuse_taken_number(cx, &scope, &shop, number, row.id).await?;
    }
    if !new.confirm_duplicate {
        refuse_look_alikes(cx, &scope, &row).await?;
    }
    customers::insert(&mut cx.conn, &row).await?;
    let set = SetNumber {
        customer: row.id,
        shop: shop.id,
        business_system: &shop.business_system,
        number: number.as_deref(),
        state: if number.is_some() { NumberState::Unverified.name() } else { NumberState::Blank.name() },
        by: Some(cx.caller.id()),
    };
    customers::set_number(&mut cx.conn, &set).await?;
    cx.noted.on("customer", row.id).customer(row.id);
    let created = view(cx, &scope, row).await?;
    Ok(Reply::created(created).version(1))
}

/// Puts what was said into the row; what is absent stays, empty clears.
fn fill(row: &mut CustomerRow, details: &CustomerDetails, home: &str, faults: &mut FieldFaults) {
    let line = |faults: &mut FieldFaults, slot: &mut Option<String>, field: &str, said: &Option<String>, most: usize| {
        if said.is_some() {
            *slot = form::text(faults, field, said.as_deref(), most);
        }
    };
    line(faults, &mut row.address1, "address1", &details.address1, lengths::NAME);
    line(faults, &mut row.address2, "address2", &details.address2, lengths::NAME);
    line(faults, &mut row.city, "city", &details.city, lengths::NAME);
    line(faults, &mut row.postal_code, "postal_code", &details.postal_code, lengths::POSTAL_CODE);
    if details.country.is_some() || details.state.is_some() {
        let country = details.country.as_deref().or(row.country.as_deref());
        let state = details.state.as_deref().or(row.state.as_deref());
        let (country, state) = form::country_and_state(faults, country, state, home);
        row.country = country;
        row.state = state;
    }
    let country = row.country.clone().unwrap_or_else(|| home.to_owned());
    if details.phone.is_some() {
        row.phone = form::phone(faults, "phone", details.phone.as_deref(), &country);
    }
    if details.fax.is_some() {
        row.fax = form::phone(faults, "fax", details.fax.as_deref(), &country);
    }
    if details.extension.is_some() {
        row.extension = form::extension(faults, "extension", details.extension.as_deref());
    }
    if details.email.is_some() {
        row.email = form::email(faults, "email", details.email.as_deref());
    }
    if details.notes.is_some() {
        row.notes = form::text(faults, "notes", details.notes.as_deref(), lengths::REMARK);
    }
}

/// 409 if the number belongs to another customer; who it is stands in it only
/// if the caller may see that customer.
pub(super) async fn refuse_taken_number(cx: &mut Cx, scope: &Scope, shop: &ShopRow, number: &str, own: CustomerId) -> Result<(), Fault> {
    let Some(holder) = customers::by_number(&mut cx.conn, &shop.business_system, number).await?.filter(|holder| *holder != own) else { return Ok(()) };
    let Some(row) = customers::get(&mut cx.conn, scope, holder).await? else {
        return Err(Problem::conflict("customer.number_taken", format!("Number {number} is taken in this business system.")).into());
    };
    let city = row.city.as_deref().map(|city| format!(", {city}")).unwrap_or_default();
    let problem = Problem::conflict("customer.number_taken", format!("Number {number} belongs to {}{city}.", row.name));
    let holder = view(cx, scope, row).await?;
    Err(problem.about([holder]).into())
}

/// 409 with those that look the same (S3-7): same telephone, or same name and
/// city. Sent again with `confirm_duplicate` it is saved.
async fn refuse_look_alikes(cx: &mut Cx, scope: &Scope, row: &CustomerRow) -> Result<(), Fault> {
    let alike = customers::look_alikes(&mut cx.conn, scope, &row.name_city_key(), row.phone.as_deref()).await?;
    let Some(first) = alike.first() else { return Ok(()) };
    let city = first.city.as_deref().map(|city| format!(", {city}")).unwrap_or_default();
    let same = if first.name_city_key() == row.name_city_key() { "the same name and city" } else { "the same telephone number" };
    let problem = Problem::conflict("customer.duplicate", format!("{}{city} has {same}. Open it, or save all the same.", first.name));
    let mut views = Vec::with_capacity(alike.len());
    for row in alike {
        views.push(view(cx, scope, row).await?);
    }
    Err(problem.about(views).into())
}

/// Somebody else was faster between reading and writing: 412 with the customer
/// as it is now.
pub(super) async fn stale(cx: &mut Cx, scope: &Scope, id: CustomerId) -> Result<Fault, Fault> {
    let row = customers::get(&mut cx.conn, scope, id).await?.ok_or_else(Problem::not_found)?;
    let present = view(cx, scope, row).await?;
    Ok(version_stale(present).into())
}

/// `PATCH /v1/customers/{id}`.
pub(super) async fn change(cx: &mut Cx, ask: Ask<ChangeCustomer>) -> Answer<Customer> {
    let scope = cx.caller.scope(EDIT);
    let mut row = customers::get(&mut cx.conn, &scope, ask.path.id).await?.ok_or_else(Problem::not_found)?;
    let (before, present) = (row.clone(), view(cx, &scope, row.clone()).await?);
    check_version(&ask.if_match, row.row_version, &present)?;
    if row.kind == CustomerKind::Fleet.name() {
        // C-2, S3-25.
        return Err(Problem::new("customer.fleet", "A fleet keeps its own address; a shop sets only its number and note.").into());
    }
    let mut faults = FieldFaults::default();
    if let Some(name) = &ask.body.name {
        row.name = form::required(&mut faults, "name", name, lengths::NAME);
    }
    let home = cx.caller.country().to_owned();
    fill(&mut row, &ask.body.details, &home, &mut faults);
    faults.settle()?;
    // What stands already is no change: nobody else's form becomes stale by it.
    if row == before {
        cx.noted.skip();
        return Ok(Reply::ok(present).version(row.row_version));
    }
    if !customers::update(&mut cx.conn, &row).await? {
        return Err(stale(cx, &scope, row.id).await?);
    }
    row.row_version += 1;
    let version = row.row_version;
    let now = view(cx, &scope, row).await?;
    cx.noted.changed(&present, &now);
    Ok(Reply::ok(now).version(version))
}

//! The customer's number in the dealer's business system (S3-20 … S3-26, C-3).

use super::call::{Answer, Ask, Cx, Reply, check_version};
use super::customers::{refuse_taken_number, shop, stale, view};
use super::fault::Fault;
use super::form;
use crate::api::customer::{Customer, CustomerKind, NumberState};
use crate::api::ids::CustomerId;
use crate::api::lengths;
use crate::api::operation::SetCustomerNumber;
use crate::api::permission::Permission;
use crate::api::problem::{FieldFaults, Problem};
use crate::store::Scope;
use crate::store::customers::{self, SetNumber};

const SET_BLANK: Permission = Permission::named("customer.dms_number.set_blank");
const CHANGE: Permission = Permission::named("customer.dms_number.change");

/// `PUT /v1/customers/{id}/number`.
pub(super) async fn set(cx: &mut Cx, ask: Ask<SetCustomerNumber>) -> Answer<Customer> {
    let scope = reach(cx);
    // Version and number are read one after the other: nobody may change them
    // in between.
    customers::lock(&mut cx.conn, ask.path.id).await?;
    let row = customers::get(&mut cx.conn, &scope, ask.path.id).await?.ok_or_else(Problem::not_found)?;
    let shop = shop(cx, &scope, ask.body.shop.as_deref()).await?;
    let mut faults = FieldFaults::default();
    let number = form::text(&mut faults, "number", ask.body.number.as_deref(), lengths::CODE);
    let local = row.kind == CustomerKind::Local.name();
    // C-1: a local customer is linked with its owner only.
    if local && row.owner_shop_id != Some(shop.id) {
        faults.add("shop", "a local customer has a number at its own shop only");
    }
    faults.settle()?;
    let links = customers::links(&mut cx.conn, row.id).await?;
    let present = links.into_iter().find(|link| link.shop_id == shop.id).and_then(|link| link.number);
    // S3-22: any number of a local customer; S3-24: one of a fleet that stands.
    let needed = if local || present.is_some() { CHANGE } else { SET_BLANK };
    if !reaches(cx, needed, row.id).await? {
        return Err(Problem::missing(vec![needed]).into());
    }
    let current = view(cx, &scope, row.clone()).await?;
    check_version(&ask.if_match, row.row_version, &current)?;
    if number == present {
        cx.noted.skip();
        return Ok(Reply::ok(current).version(row.row_version));
    }
    if let Some(number) = &number {
        refuse_taken_number(cx, &scope, &shop, number, row.id).await?;
    }
    if !customers::touch(&mut cx.conn, row.id, row.row_version).await? {
        return Err(stale(cx, &scope, row.id).await?);
    }
    let state = if number.is_some() { NumberState::Unverified } else { NumberState::Blank };
    let change = SetNumber {
        customer: row.id,
        shop: shop.id,
        business_system: &shop.business_system,
        number: number.as_deref(),
        state: state.name(),
        by: Some(cx.caller.id()),
    };
    customers::set_number(&mut cx.conn, &change).await?;
    let row = customers::get(&mut cx.conn, &scope, row.id).await?.ok_or_else(Problem::not_found)?;
    let version = row.row_version;
    let now = view(cx, &scope, row).await?;
    cx.noted.on("customer", now.id).customer(now.id).changed(&current, &now);
    Ok(Reply::ok(now).version(version))
}

/// Whether a grant with this permission reaches the customer.
async fn reaches(cx: &mut Cx, permission: Permission, customer: CustomerId) -> Result<bool, Fault> {
    let scope = cx.caller.scope(permission);
    Ok(customers::get(&mut cx.conn, &scope, customer).await?.is_some())
}

/// Either permission opens the way; which one is needed shows later.
fn reach(cx: &Cx) -> Scope {
    let mut scope = cx.caller.scope(SET_BLANK);
    scope.extend(&cx.caller.scope(CHANGE));
    scope
}

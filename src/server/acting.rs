//! Standing in for a customer: working on its behalf with its consent (S1-14),
//! or looking through a contact's eyes, which changes nothing.

use std::sync::Arc;

use serde_json::json;

use super::call::{Answer, Ask, Cx, Reply};
use super::caller::Caller;
use super::powers::ACT;
use super::sessions::session_view;
use super::{contacts as people, form};
use crate::api::contact::Consent;
use crate::api::ids::ConsentId;
use crate::api::lengths;
use crate::api::operation::{ActFor, EndConsent, GiveConsent, ListConsents, StopActing};
use crate::api::page::{Nothing, Page};
use crate::api::permission::Permission;
use crate::api::problem::{FieldFaults, Problem};
use crate::api::role::Role;
use crate::api::session::{Session, UserKind};
use crate::store::contacts::{self, ConsentRow};
use crate::store::sessions::{self, SessionRow};
use crate::store::{At, Scope, customers};

const RIGHTS: Permission = Permission::named("contact.rights.manage");

/// `PUT /v1/session/acting`.
pub(super) async fn begin(cx: &mut Cx, ask: Ask<ActFor>) -> Answer<Session> {
    let scope = cx.caller.scope(ACT);
    let (customer, contact) = match (ask.body.customer, ask.body.contact) {
        (Some(customer), None) => {
            let row = customers::get(&mut cx.conn, &scope, customer).await?.ok_or_else(Problem::not_found)?;
            let now = At::now();
            if !contacts::consents(&mut cx.conn, row.id).await?.iter().any(|consent| consent.valid_from <= now) {
                let detail = format!("{} has not given its consent: record it first, under its contacts.", row.name);
                return Err(Problem::new("consent.missing", detail).into());
            }
            cx.noted.on("customer", row.id).customer(row.id).changed(Nothing {}, json!({ "customer": row.name }));
            (Some(row.id), None)
        }
        (None, Some(contact)) => {
            let row = people::get(cx, &[ACT], contact).await?;
            // Whose eyes they are is told by name, as it was then.
            let name = format!("{} {}", row.first_name, row.last_name);
            cx.noted.on("contact", row.id).customer(row.customer_id).changed(Nothing {}, json!({ "contact": name.trim() }));
            (None, Some(row.id))
        }
        _ => return Err(Problem::field("customer", "give a customer or a contact").into()),
    };
    sessions::act(&mut cx.conn, cx.caller.session_id(), customer, contact).await?;
    answer(cx, SessionRow { acting_customer_id: customer, viewed_contact_id: contact, ..cx.caller.session.clone() }).await
}

/// `DELETE /v1/session/acting`.
pub(super) async fn stop(cx: &mut Cx, _: Ask<StopActing>) -> Answer<Nothing> {
    sessions::act(&mut cx.conn, cx.caller.session_id(), None, None).await?;
    Ok(Reply::ok(Nothing {}))
}

/// The session as it is from now on. The audit says who began it: the caller
/// as it was.
async fn answer(cx: &mut Cx, session: SessionRow) -> Answer<Session> {
    let standing_in = Arc::new(Caller::of_session(&mut cx.conn, cx.caller.user.clone(), session).await?);
    let own = std::mem::replace(&mut cx.caller, standing_in);
    let view = session_view(cx).await?;
    cx.caller = own;
    Ok(Reply::ok(view))
}

/// `GET /v1/customers/{id}/consents`.
pub(super) async fn consents(cx: &mut Cx, ask: Ask<ListConsents>) -> Answer<Page<Consent>> {
    let mut scope = cx.caller.scope(ACT);
    scope.extend(&cx.caller.scope(RIGHTS));
    let customer = customers::get(&mut cx.conn, &scope, ask.path.id).await?.ok_or_else(Problem::not_found)?.id;
    let rows = contacts::consents(&mut cx.conn, customer).await?;
    Ok(Reply::ok(Page::whole(rows.into_iter().map(view).collect())))
}

fn view(row: ConsentRow) -> Consent {
    Consent {
        id: row.id,
        customer_id: row.customer_id,
        role: row.role,
        given_by: row.given_by,
        from: row.valid_from.0,
        to: row.valid_to.map(|at| at.0),
        recorded_by: row.recorded_by,
    }
}

/// `POST /v1/customers/{id}/consents`.
pub(super) async fn consent(cx: &mut Cx, ask: Ask<GiveConsent>) -> Answer<Consent> {
    let scope = cx.caller.scope(RIGHTS);
    let customer = customers::get(&mut cx.conn, &scope, ask.path.id).await?.ok_or_else(Problem::not_found)?.id;
    let mut faults = FieldFaults::default();
    let given_by = form::required(&mut faults, "given_by", &ask.body.given_by, lengths::NAME);
    let role = Role::named(ask.body.role.trim()).filter(|role| role.audience() == UserKind::Customer);
    if role.is_none() {
        faults.add("role", "a role of customers' people, such as executive");
    }
    let now = At::now();
    if ask.body.to.is_some_and(|to| At(to) <= now) {
        faults.add("to", "has to lie in the future");
    }
    faults.settle()?;
    let lent = role.cloned().into_iter().collect();
    people::refuse_roles_beyond(cx, customer, lent, "You can lend nobody more than you have yourself.").await?;
    let row = ConsentRow {
        id: ConsentId::new(),
        customer_id: customer,
        role: role.map(|role| role.key.to_string()).unwrap_or_default(),
        given_by,
        valid_from: now,
        valid_to: ask.body.to.map(At),
        recorded_by: cx.caller.id(),
    };
    contacts::give_consent(&mut cx.conn, &row).await?;
    cx.noted.on("consent", row.id).customer(customer);
    Ok(Reply::created(view(row)))
}

/// `DELETE /v1/consents/{id}`.
pub(super) async fn end_consent(cx: &mut Cx, ask: Ask<EndConsent>) -> Answer<Nothing> {
    let scope: Scope = cx.caller.scope(RIGHTS);
    let row = contacts::consent(&mut cx.conn, &scope, ask.path.id).await?.ok_or_else(Problem::not_found)?;
    contacts::end_consent(&mut cx.conn, row.id).await?;
    cx.noted.on("consent", row.id).customer(row.customer_id);
    Ok(Reply::ok(Nothing {}))
}

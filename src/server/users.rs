//! Users, as an administrator manages them: added, changed, let in no more.
//! Nobody manages somebody who may do more than he himself.

use super::call::{Answer, Ask, Cx, Reply, check_version, version_stale};
use super::contacts::{self, user_name};
use super::fault::Fault;
use super::sessions::open_session;
use super::{form, grants, paging};
use crate::api::ids::{SessionId, UserId};
use crate::api::lengths;
use crate::api::operation::{ChangeUser, CreateUser, EndUserSession, GetUser, ListUserSessions, ListUsers};
use crate::api::page::{CodeRef, Nothing, Page};
use crate::api::people::{Account, AccountDetails, OpenSession, UserState};
use crate::api::permission::Permission;
use crate::api::problem::{FieldFaults, Problem};
use crate::api::session::UserKind;
use crate::store::users::{self, AccountRow, UserRow};
use crate::store::{Scope, StoreError, places, sessions};
use crate::text::fold;

pub(super) const MANAGE: Permission = Permission::named("user.manage");

/// `GET /v1/users`.
pub(super) async fn list(cx: &mut Cx, ask: Ask<ListUsers>) -> Answer<Page<Account>> {
    let limit = paging::limit(ask.query.limit)?;
    let after: Option<String> = paging::place(ask.query.cursor.as_deref())?;
    let scope = cx.caller.scope(MANAGE);
    let rows = users::list(&mut cx.conn, &scope, after.as_deref().unwrap_or_default(), paging::one_more(limit)).await?;
    let place = |row: &AccountRow| paging::cursor(&fold(&row.username));
    let rows = paging::page(rows, limit, None, place, |row| row);
    let mut items = Vec::with_capacity(rows.items.len());
    for row in rows.items {
        items.push(view(cx, row).await?);
    }
    Ok(Reply::ok(Page { items, next: rows.next, total: rows.total }))
}

/// `GET /v1/users/{id}`.
pub(super) async fn show(cx: &mut Cx, ask: Ask<GetUser>) -> Answer<Account> {
    let row = get(cx, ask.path.id).await?;
    let version = row.row_version;
    Ok(Reply::ok(view(cx, row).await?).version(version))
}

/// A user within scope.
async fn get(cx: &mut Cx, id: UserId) -> Result<AccountRow, Fault> {
    let scope = cx.caller.scope(MANAGE);
    Ok(users::account(&mut cx.conn, &scope, id).await?.ok_or_else(Problem::not_found)?)
}

/// A user within scope who may do no more than the caller.
pub(super) async fn manageable(cx: &mut Cx, id: UserId) -> Result<AccountRow, Fault> {
    let row = get(cx, id).await?;
    for grant in users::grants_to_come(&mut cx.conn, id).await? {
        let role = grants::role(cx, &grant.role).await?;
        grants::refuse_beyond(cx, &role, &grants::view(grant).scope, |_| true).await?;
    }
    cx.noted.on("user", id).user(id);
    Ok(row)
}

/// A user with its grants, and as whose contact it gets in.
pub(super) async fn view(cx: &mut Cx, row: AccountRow) -> Result<Account, Fault> {
    let is_of_customer = row.kind == UserKind::Customer.name();
    let scope = cx.caller.scope(MANAGE);
    let contacts = if is_of_customer { contacts::of_account(cx, &scope, row.id).await? } else { Vec::new() };
    let grants = users::grants_to_come(&mut cx.conn, row.id).await?.into_iter().map(grants::view).collect();
    let shop = match (row.shop_id, row.shop_code, row.shop_name) {
        (Some(id), Some(code), Some(name)) => Some(CodeRef { id, code, name }),
        _ => None,
    };
    Ok(Account {
        id: row.id,
        username: row.username,
        first: row.first_name,
        last: row.last_name,
        email: row.email,
        phone: row.phone,
        kind: UserKind::named(&row.kind).unwrap_or(UserKind::Customer),
        state: UserState::named(&row.state).unwrap_or(UserState::Disabled),
        must_change_password: row.must_change,
        shop,
        last_sign_in: row.last_sign_in.map(|at| at.0),
        grants,
        contacts,
        version: row.row_version,
    })
}

/// `POST /v1/users`.
pub(super) async fn create(cx: &mut Cx, ask: Ask<CreateUser>) -> Answer<Account> {
    let username = user_name(&ask.body.username)?;
    if ask.body.kind == UserKind::Kiosk {
        return Err(Problem::field("kind", "a workshop terminal is enrolled, not added: POST /v1/kiosks").into());
    }
    let mut row = UserRow { must_change: true, ..UserRow::new(username, ask.body.kind) };
    if let Some(state) = ask.body.details.state {
        state.name().clone_into(&mut row.state);
    }
    let id = row.id;
    let mut faults = FieldFaults::default();
    let account = said(cx, AccountRow::of(&row), &ask.body.details, &mut faults).await?;
    if account.last_name.is_empty() {
        faults.add("last", "is required");
    }
    demand_shop(cx, &account, &mut faults);
    faults.settle()?;
    row.shop_id = account.shop_id;
    (row.first_name, row.last_name) = (account.first_name, account.last_name);
    (row.email, row.phone) = (account.email, account.phone);
    users::insert(&mut cx.conn, &row, &[]).await.map_err(|error| match error {
        StoreError::Taken => Problem::field("username", "is taken: choose another").into(),
        other => Fault::from(other),
    })?;
    cx.noted.on("user", id).user(id);
    let stored = users::account(&mut cx.conn, &Scope::deployment(), id).await?.ok_or_else(Problem::not_found)?;
    Ok(Reply::created(view(cx, stored).await?).version(1))
}

/// Puts what was said into the row; what is absent stays, empty clears.
async fn said(cx: &mut Cx, mut row: AccountRow, body: &AccountDetails, faults: &mut FieldFaults) -> Result<AccountRow, Fault> {
    if let Some(first) = &body.first {
        row.first_name = form::text(faults, "first", Some(first), lengths::NAME).unwrap_or_default();
    }
    if let Some(last) = &body.last {
        row.last_name = form::required(faults, "last", last, lengths::NAME);
    }
    if body.email.is_some() {
        row.email = form::email(faults, "email", body.email.as_deref());
    }
    if body.phone.is_some() {
        row.phone = form::phone(faults, "phone", body.phone.as_deref(), cx.caller.country());
    }
    match body.shop.as_deref().map(str::trim) {
        None => {}
        Some("") => row.shop_id = None,
        Some(code) => {
            let scope = cx.caller.scope(MANAGE);
            match places::shop(&mut cx.conn, &scope, code).await? {
                Some(shop) => row.shop_id = Some(shop.id),
                None => faults.add("shop", "no such shop within your reach"),
            }
        }
    }
    Ok(row)
}

/// Whoever manages some shops keeps people in those, of whatever kind: others he
/// would not find again.
fn demand_shop(cx: &Cx, row: &AccountRow, faults: &mut FieldFaults) {
    if row.shop_id.is_none() && !cx.caller.scope(MANAGE).everything {
        faults.add("shop", "is required: one of your shops");
    }
}

/// `PATCH /v1/users/{id}`.
pub(super) async fn change(cx: &mut Cx, ask: Ask<ChangeUser>) -> Answer<Account> {
    let before = manageable(cx, ask.path.id).await?;
    let present = view(cx, before.clone()).await?;
    check_version(&ask.if_match, before.row_version, &present)?;
    let details = ask.body.details;
    let mut faults = FieldFaults::default();
    let row = said(cx, before.clone(), &details, &mut faults).await?;
    if before.shop_id.is_some() {
        demand_shop(cx, &row, &mut faults);
    }
    faults.settle()?;
    if row.email != before.email && before.id != cx.caller.id() {
        contacts::refuse_account_that_decides(cx, before.id).await?;
    }
    if row != before && !users::update(&mut cx.conn, &row).await? {
        return Err(version_stale(present).into());
    }
    if row.email != before.email {
        users::forget_links(&mut cx.conn, row.id).await?;
        contacts::tell_of_address(cx, row.id, before.email.as_deref(), row.email.as_deref()).await?;
    }
    // Behind the rest: it counts the version up too.
    if let Some(state) = details.state.filter(|state| state.name() != before.state) {
        set_state(cx, before.id, state).await?;
    }
    let stored = get(cx, row.id).await?;
    let version = stored.row_version;
    let now = view(cx, stored).await?;
    cx.noted.changed(&present, &now);
    Ok(Reply::ok(now).version(version))
}

/// I-2, I-3, I-4, C-6.
async fn set_state(cx: &mut Cx, id: UserId, state: UserState) -> Result<(), Fault> {
    grants::refuse_own(cx, id)?;
    if state != UserState::Active {
        if users::is_administrator(&mut cx.conn, id).await? {
            grants::keep_an_administrator(cx, id).await?;
        }
        contacts::keep_administrators_without(cx, id).await?;
    }
    Ok(users::set_state(&mut cx.conn, id, state.name()).await?)
}

/// `GET /v1/users/{id}/sessions`.
pub(super) async fn sessions(cx: &mut Cx, ask: Ask<ListUserSessions>) -> Answer<Page<OpenSession>> {
    let user = get(cx, ask.path.id).await?;
    let current: SessionId = cx.caller.session_id();
    let rows = sessions::of_user(&mut cx.conn, user.id).await?;
    Ok(Reply::ok(Page::whole(rows.into_iter().map(|row| open_session(row, current)).collect())))
}

/// `DELETE /v1/users/{id}/sessions/{session}`.
pub(super) async fn end_session(cx: &mut Cx, ask: Ask<EndUserSession>) -> Answer<Nothing> {
    let user = manageable(cx, ask.path.id).await?;
    let ended = sessions::end_of_user(&mut cx.conn, ask.path.session, user.id).await?;
    if ended { Ok(Reply::ok(Nothing {})) } else { Err(Problem::not_found().into()) }
}

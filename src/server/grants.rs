//! Roles given to users, with a scope and for a time (I-1 … I-3).

use super::call::{Answer, Ask, Cx, Reply};
use super::fault::Fault;
use super::users::{MANAGE, manageable, view as account_view};
use crate::api::ids::UserId;
use crate::api::operation::{EndGrant, GiveGrant};
use crate::api::page::Nothing;
use crate::api::people::{Account, Domain, Grant, GrantScope, ScopeKind};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::role::Role;
use crate::api::session::UserKind;
use crate::store::users::{self, GrantRow, NewGrant};
use crate::store::{At, customers, places, roles};

/// A grant as an administrator sees it.
pub(super) fn view(row: GrantRow) -> Grant {
    Grant {
        id: row.id,
        role: row.role,
        scope: GrantScope { kind: ScopeKind::named(&row.scope_kind).unwrap_or(ScopeKind::Shop), id: row.scope_id, name: row.scope_name },
        domains: row.domains.split(' ').filter_map(Domain::named).collect(),
        from: row.valid_from.map(|at| at.0),
        to: row.valid_to.map(|at| at.0),
        granted_by: row.granted_by,
    }
}

/// `POST /v1/users/{id}/grants`.
pub(super) async fn give(cx: &mut Cx, ask: Ask<GiveGrant>) -> Answer<Account> {
    let account = manageable(cx, ask.path.id).await?;
    refuse_own(cx, account.id)?;
    let new = ask.body;
    let role = role(cx, &new.role).await?;
    refuse_beyond(cx, &role)?;
    refuse_wrong_audience(audience(cx, &role).await?, &account.kind)?;
    if let (Some(from), Some(to)) = (new.from, new.to)
        && from >= to
    {
        return Err(Problem::field("to", "has to lie behind `from`").into());
    }
    let scope_id = scope_id(cx, &new.scope).await?;
    let domains: Vec<&str> = new.domains.iter().map(|domain| domain.name()).collect();
    let grant = NewGrant {
        role: role.key.to_string(),
        scope_kind: new.scope.kind.name().to_owned(),
        scope_id,
        domains: domains.join(" "),
        valid_from: new.from.map(At),
        valid_to: new.to.map(At),
        granted_by: Some(cx.caller.id()),
    };
    users::give(&mut cx.conn, account.id, &grant).await?;
    Ok(Reply::created(account_view(cx, account).await?))
}

/// `DELETE /v1/users/{id}/grants/{grant}`.
pub(super) async fn end(cx: &mut Cx, ask: Ask<EndGrant>) -> Answer<Nothing> {
    let account = manageable(cx, ask.path.id).await?;
    refuse_own(cx, account.id)?;
    let before = users::grants_to_come(&mut cx.conn, account.id).await?;
    let ended = before.into_iter().find(|grant| grant.id == ask.path.grant).ok_or_else(Problem::not_found)?;
    if ended.role == "administrator" && ended.scope_kind == "deployment" {
        keep_an_administrator(cx, account.id).await?;
    }
    users::end_grant(&mut cx.conn, account.id, ended.id).await?;
    cx.noted.changed(view(ended), Nothing {});
    Ok(Reply::ok(Nothing {}))
}

/// The role of that key: a template, or one of the dealer's own.
pub(super) async fn role(cx: &mut Cx, key: &str) -> Result<Role, Fault> {
    if let Some(role) = Role::named(key) {
        return Ok(role.clone());
    }
    let row = roles::get(&mut cx.conn, key).await?;
    Ok(row.map(|row| Role::read(row.role_key, &row.cells)).ok_or_else(|| Problem::field("role", "there is no such role: see GET /v1/roles"))?)
}

/// Whose role it is: a copy is of those of what it was copied from.
async fn audience(cx: &mut Cx, role: &Role) -> Result<UserKind, Fault> {
    let copied = roles::get(&mut cx.conn, &role.key).await?.and_then(|row| Role::named(&row.copied_from).map(Role::audience));
    Ok(copied.unwrap_or_else(|| role.audience()))
}

fn refuse_wrong_audience(audience: UserKind, kind: &str) -> Result<(), Problem> {
    // A program does the work of the dealer's people.
    let kind = if kind == UserKind::ServiceAccount.name() { UserKind::Staff.name() } else { kind };
    if audience.name() == kind {
        return Ok(());
    }
    Err(Problem::field("role", format!("is for {} users, and this is a {kind} user", audience.name())))
}

/// Nobody changes his own grants (I-2).
pub(super) fn refuse_own(cx: &Cx, user: UserId) -> Result<(), Problem> {
    if user == cx.caller.id() {
        return Err(Problem::with_status(403, "grants.own", "Nobody changes his own access", "Nobody changes his own access: ask another administrator."));
    }
    Ok(())
}

/// Nobody gives, or rules over, more than he has himself. What ships for
/// customers' people is theirs, and no more than the dealer's people see.
pub(super) fn refuse_beyond(cx: &Cx, role: &Role) -> Result<(), Problem> {
    let of_customers = Role::named(&role.key).is_some() && role.audience() != UserKind::Staff;
    if of_customers || cx.caller.granted().includes(role.permissions()) {
        return Ok(());
    }
    let beyond: Vec<Permission> = role.permissions().without(cx.caller.granted()).iter().collect();
    let detail = format!("{} may do more than you: ask an administrator.", role.in_words());
    Err(Problem { missing: beyond, ..Problem::with_status(403, "rights.beyond_own", "More than you have yourself", detail) })
}

/// At least one active administrator stays (I-3).
pub(super) async fn keep_an_administrator(cx: &mut Cx, but: UserId) -> Result<(), Fault> {
    if users::other_administrators(&mut cx.conn, but).await? > 0 {
        return Ok(());
    }
    Err(Problem::conflict("user.last_administrator", "This is the last administrator who can sign in. Make another one first.").into())
}

/// The record that a grant is limited to, if it lies within the giver's own
/// reach (I-1).
async fn scope_id(cx: &mut Cx, scope: &GrantScope) -> Result<Option<String>, Fault> {
    let reach = cx.caller.scope(MANAGE);
    let wanted = scope.id.as_deref().map(str::trim).filter(|id| !id.is_empty());
    let beyond = || Problem::field("scope", "there is no such record within your reach");
    let Some(wanted) = wanted else {
        return match scope.kind {
            ScopeKind::Deployment if reach.everything => Ok(None),
            ScopeKind::Deployment => Err(Problem::field("scope", "the whole deployment is beyond your own reach").into()),
            _ => Err(Problem::field("scope", "say which one").into()),
        };
    };
    let found = match scope.kind {
        ScopeKind::Deployment => return Err(Problem::field("scope", "the deployment has no id").into()),
        ScopeKind::Shop => places::shop(&mut cx.conn, &reach, wanted).await?.filter(|shop| reach.reaches_shop(shop.id)).map(|shop| shop.id.to_string()),
        ScopeKind::Organization => places::organization(&mut cx.conn, &reach, wanted).await?.map(|organization| organization.id.to_string()),
        ScopeKind::Customer => match wanted.parse() {
            Ok(id) => customers::get(&mut cx.conn, &reach, id).await?.map(|customer| customer.id.to_string()),
            Err(_) => customer_of_number(cx, wanted).await?,
        },
    };
    Ok(Some(found.ok_or_else(beyond)?))
}

/// A customer by its number at the shop one works in.
async fn customer_of_number(cx: &mut Cx, number: &str) -> Result<Option<String>, Fault> {
    let reach = cx.caller.scope(MANAGE);
    let Some(shop) = cx.caller.shop_id() else { return Ok(None) };
    let Some(id) = customers::by_number_at_shop(&mut cx.conn, shop, number).await? else { return Ok(None) };
    Ok(customers::get(&mut cx.conn, &reach, id).await?.map(|customer| customer.id.to_string()))
}

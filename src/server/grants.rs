//! Roles given to users, with a scope and for a time (I-1 … I-3).

use super::call::{Answer, Ask, Cx, Reply};
use super::contacts as people;
use super::fault::Fault;
use super::powers::Held;
use super::users::{MANAGE, manageable, view as account_view};
use crate::api::contact::PortalRight;
use crate::api::ids::{CustomerId, UserId};
use crate::api::operation::{EndGrant, GiveGrant};
use crate::api::page::Nothing;
use crate::api::people::{Account, Domain, Grant, GrantScope, ScopeKind};
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::api::role::Role;
use crate::api::session::UserKind;
use crate::store::users::{self, GrantRow, NewGrant};
use crate::store::{At, Scope, customers, places, roles};

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
    let audience = audience(cx, &role).await?;
    if let (Some(from), Some(to)) = (new.from, new.to)
        && from >= to
    {
        return Err(Problem::field("to", "has to lie behind `from`").into());
    }
    let to = new.to.map(At);
    let scope = GrantScope { id: scope_id(cx, &new.scope).await?, ..new.scope };
    refuse_longer(cx, &scope, to).await?;
    refuse_beyond(cx, &role, &scope, |held| held.lasts(to)).await?;
    refuse_wrong_audience(audience, &account.kind)?;
    // At a shop it would reach every customer of that shop.
    if audience == UserKind::Customer && !matches!(scope.kind, ScopeKind::Customer | ScopeKind::Organization) {
        return Err(Problem::field("scope", "a role of customers' people is for a customer or an organization: say whose").into());
    }
    demand_portal_administrator(cx, &role, &scope).await?;
    let domains: Vec<&str> = new.domains.iter().map(|domain| domain.name()).collect();
    let grant = NewGrant {
        role: role.key.to_string(),
        scope_kind: scope.kind.name().to_owned(),
        scope_id: scope.id,
        domains: domains.join(" "),
        valid_from: new.from.map(At),
        valid_to: to,
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
    Ok(row.map(|row| Role::read(row.role_key, &row.cells)).ok_or_else(|| Problem::field("role", "there is no such role: choose one of the list of roles"))?)
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

/// Nobody gives, or rules over, more than he has himself in that place, by roles
/// that count. What ships for customers' people is theirs, and no more than the
/// dealer's people see.
pub(super) async fn refuse_beyond(cx: &mut Cx, role: &Role, scope: &GrantScope, counts: impl Fn(&Held) -> bool + Send) -> Result<(), Fault> {
    let of_customers = Role::named(&role.key).is_some() && role.audience() != UserKind::Staff;
    if of_customers && !cx.caller.kind().is_outside() {
        return Ok(());
    }
    let beyond = beyond(cx, std::slice::from_ref(role), scope, counts).await?;
    refuse(beyond, format!("{} may do more there than you: ask an administrator.", role.in_words()))
}

/// Refuses what goes beyond one's own rights, if anything does.
pub(super) fn refuse(beyond: Vec<Permission>, detail: impl Into<String>) -> Result<(), Fault> {
    if beyond.is_empty() {
        return Ok(());
    }
    Err(Problem { missing: beyond, ..Problem::with_status(403, "rights.beyond_own", "More than you have yourself", detail) }.into())
}

/// What roles grant, or grant further, than the caller's own that count and
/// reach over the whole of a scope. What he holds elsewhere is nothing there.
pub(super) async fn beyond(cx: &mut Cx, given: &[Role], scope: &GrantScope, counts: impl Fn(&Held) -> bool + Send) -> Result<Vec<Permission>, Fault> {
    let mut own = Vec::new();
    for held in cx.caller.powers.held.clone() {
        if counts(&held) && lies_within(cx, &held.scope(), scope).await? {
            own.push(held.role);
        }
    }
    let widest = |roles: &[Role], permission| roles.iter().filter_map(|role| role.limit(permission)).max();
    Ok(Permission::all().filter(|permission| widest(given, *permission) > widest(&own, *permission)).collect())
}

/// Whether a reach covers all of what a grant is limited to. A customer is more
/// than one of its organizations.
async fn lies_within(cx: &mut Cx, reach: &Scope, scope: &GrantScope) -> Result<bool, Fault> {
    let id = scope.id.as_deref().unwrap_or_default();
    Ok(reach.everything
        || match scope.kind {
            ScopeKind::Deployment => false,
            ScopeKind::Shop => id.parse().is_ok_and(|shop| reach.reaches_shop(shop)),
            ScopeKind::Organization => places::organization(&mut cx.conn, reach, id).await?.is_some(),
            ScopeKind::Customer => {
                let whole = Scope { organizations: Vec::new(), ..reach.clone() };
                match id.parse() {
                    Ok(customer) => customers::get(&mut cx.conn, &whole, customer).await?.is_some(),
                    Err(_) => false,
                }
            }
        })
}

/// Nobody gives for longer than he may give himself (I-1).
async fn refuse_longer(cx: &mut Cx, scope: &GrantScope, to: Option<At>) -> Result<(), Fault> {
    for held in cx.caller.powers.held.clone() {
        if held.role.limit(MANAGE).is_some() && held.lasts(to) && lies_within(cx, &held.scope(), scope).await? {
            return Ok(());
        }
    }
    Err(Problem::field("to", "your own role ends before that").into())
}

/// S1-8: the rights of a portal administrator's people, given as roles too,
/// need a portal administrator at the customer.
async fn demand_portal_administrator(cx: &mut Cx, role: &Role, scope: &GrantScope) -> Result<(), Fault> {
    let id = scope.id.as_deref().unwrap_or_default();
    let customer: Option<CustomerId> = match scope.kind {
        ScopeKind::Customer => id.parse().ok(),
        ScopeKind::Organization => places::organization(&mut cx.conn, &Scope::deployment(), id).await?.and_then(|row| row.customer_id),
        ScopeKind::Deployment | ScopeKind::Shop => None,
    };
    match customer.filter(|_| PortalRight::named(&role.key).is_some_and(PortalRight::is_below_an_administrator)) {
        Some(customer) => people::demand_administrator(cx, customer).await,
        None => Ok(()),
    }
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
        ScopeKind::Shop => places::shop(&mut cx.conn, &reach, wanted).await?.map(|shop| shop.id.to_string()),
        ScopeKind::Organization => places::organization(&mut cx.conn, &reach, wanted).await?.map(|organization| organization.id.to_string()),
        ScopeKind::Customer => match wanted.parse() {
            Ok(id) => customers::get(&mut cx.conn, &reach, id).await?.map(|customer| customer.id.to_string()),
            Err(_) => customer_of_number(cx, wanted).await?,
        },
    };
    let found = found.ok_or_else(beyond)?;
    let whole = GrantScope { id: Some(found.clone()), ..scope.clone() };
    if lies_within(cx, &reach, &whole).await? { Ok(Some(found)) } else { Err(beyond().into()) }
}

/// A customer by its number at the shop one works in. Whether it lies within reach
/// is asked of whatever is found.
async fn customer_of_number(cx: &mut Cx, number: &str) -> Result<Option<String>, Fault> {
    let Some(shop) = cx.caller.shop_id() else { return Ok(None) };
    Ok(customers::by_number_at_shop(&mut cx.conn, shop, number).await?.map(|id| id.to_string()))
}

//! Roles: the templates that ship, and copies of them that an administrator
//! edits. What ships cannot be edited.

use std::collections::BTreeMap;

use super::call::{Answer, Ask, Cx, Reply, check_version, version_stale};
use super::fault::Fault;
use super::{form, grants};
use crate::api::lengths;
use crate::api::operation::{ChangeRole, CopyRole, ListRoles};
use crate::api::page::Page;
use crate::api::people::{GrantScope, RoleView, ScopeKind};
use crate::api::permission::Permission;
use crate::api::problem::{FieldFaults, Problem};
use crate::api::role::{Cell, Role};
use crate::store::roles::{self, RoleRow};
use crate::store::{StoreError, users};

const MANAGE: Permission = Permission::named("role.manage");

/// `GET /v1/roles`.
pub(super) async fn list(cx: &mut Cx, _: Ask<ListRoles>) -> Answer<Page<RoleView>> {
    let own = roles::list(&mut cx.conn).await?;
    Ok(Reply::ok(Page::whole(Role::all().iter().map(shipped).chain(own.into_iter().map(view)).collect())))
}

fn permissions(role: &Role) -> BTreeMap<String, String> {
    let granted = Permission::all().map(|permission| (permission, role.cell(permission))).filter(|(_, cell)| *cell != Cell::No);
    granted.map(|(permission, cell)| (permission.name().to_owned(), cell.name().to_owned())).collect()
}

fn shipped(role: &Role) -> RoleView {
    RoleView {
        key: role.key.to_string(),
        name: role.in_words(),
        system: true,
        copied_from: None,
        audience: role.audience(),
        permissions: permissions(role),
        version: 0,
    }
}

fn view(row: RoleRow) -> RoleView {
    let role = Role::read(row.role_key, &row.cells);
    RoleView {
        audience: Role::named(&row.copied_from).unwrap_or(&role).audience(),
        key: role.key.to_string(),
        name: row.name,
        system: false,
        copied_from: Some(row.copied_from),
        permissions: permissions(&role),
        version: row.row_version,
    }
}

/// `POST /v1/roles`.
pub(super) async fn copy(cx: &mut Cx, ask: Ask<CopyRole>) -> Answer<RoleView> {
    cx.caller.demand_everywhere(MANAGE)?;
    let mut faults = FieldFaults::default();
    let name = form::required(&mut faults, "name", &ask.body.name, lengths::NAME);
    let key = ask.body.key.trim().to_owned();
    let letters = key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    let fits = |text: &str| (lengths::SHORTEST_USERNAME..=lengths::USERNAME).contains(&text.chars().count());
    if !fits(&ask.body.key) || !fits(&key) || !letters {
        faults.add("key", "3 to 60 small letters, digits and underscores");
    } else if Role::named(&key).is_some() {
        faults.add("key", "is taken by a role that ships");
    }
    let copied = source(cx, &ask.body.copy_of).await?;
    if copied.is_none() {
        faults.add("copy_of", "there is no such role");
    }
    faults.settle()?;
    let Some((origin, role)) = copied else { return Err(Problem::not_found().into()) };
    refuse_beyond(cx, &role).await?;
    let row = RoleRow { id: uuid::Uuid::now_v7().to_string(), role_key: key, name, copied_from: origin, cells: role.written(), row_version: 1 };
    roles::insert(&mut cx.conn, &row).await.map_err(|error| match error {
        StoreError::Taken => Problem::field("key", "is taken: choose another").into(),
        other => Fault::from(other),
    })?;
    cx.noted.on("role", &row.role_key);
    Ok(Reply::created(view(row)).version(1))
}

/// What is copied, and the template that it comes from at last.
async fn source(cx: &mut Cx, key: &str) -> Result<Option<(String, Role)>, Fault> {
    if let Some(role) = Role::named(key) {
        return Ok(Some((role.key.to_string(), role.clone())));
    }
    let row = roles::get(&mut cx.conn, key).await?;
    Ok(row.map(|row| (row.copied_from, Role::read(row.role_key, &row.cells))))
}

/// Nobody edits a role that he holds or will hold: it would be his own grant
/// (I-2).
async fn refuse_own(cx: &mut Cx, role: &Role) -> Result<(), Fault> {
    let own = users::grants_to_come(&mut cx.conn, cx.caller.id()).await?;
    if own.iter().any(|grant| grant.role == role.key) {
        return Err(Problem::with_status(
            403,
            "grants.own",
            "Nobody changes his own access",
            "You hold this role yourself: ask another administrator to edit it.",
        )
        .into());
    }
    Ok(())
}

/// A role counts wherever somebody holds it, now or later: only whoever has all
/// of it everywhere makes it or edits it.
async fn refuse_beyond(cx: &mut Cx, role: &Role) -> Result<(), Fault> {
    let everywhere = GrantScope { kind: ScopeKind::Deployment, id: None, name: None };
    grants::refuse_beyond(cx, role, &everywhere, |_| true).await
}

/// `PATCH /v1/roles/{key}`.
pub(super) async fn change(cx: &mut Cx, ask: Ask<ChangeRole>) -> Answer<RoleView> {
    if Role::named(&ask.path.key).is_some() {
        return Err(Problem::with_status(
            409,
            "role.system",
            "This role ships with the program",
            "Roles that ship cannot be edited: copy it and edit the copy.",
        )
        .into());
    }
    let before = roles::get(&mut cx.conn, &ask.path.key).await?.ok_or_else(Problem::not_found)?;
    cx.caller.demand_everywhere(MANAGE)?;
    let present = view(before.clone());
    check_version(&ask.if_match, before.row_version, &present)?;
    let mut faults = FieldFaults::default();
    let mut row = before.clone();
    if let Some(name) = &ask.body.name {
        row.name = form::required(&mut faults, "name", name, lengths::NAME);
    }
    let mut role = Role::read(row.role_key.clone(), &row.cells);
    refuse_own(cx, &role).await?;
    // What it is, and below what it becomes: nobody takes from those above him.
    refuse_beyond(cx, &role).await?;
    for (name, word) in &ask.body.permissions {
        match (Permission::from_name(name), Cell::named(word)) {
            (Some(permission), Some(cell)) => role = role.with(permission, cell),
            (None, _) => faults.add(name, "there is no such permission"),
            (_, None) => faults.add(name, "yes, no, own, basic or configurable"),
        }
    }
    faults.settle()?;
    refuse_beyond(cx, &role).await?;
    row.cells = role.written();
    if row != before {
        if !roles::update(&mut cx.conn, &row).await? {
            return Err(version_stale(present).into());
        }
        row.row_version += 1;
    }
    let version = row.row_version;
    let now = view(row);
    cx.noted.on("role", &now.key).changed(&present, &now);
    Ok(Reply::ok(now).version(version))
}

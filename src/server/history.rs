//! Who did what to a record, in two depths (S4-16).

use super::call::{Answer, Ask, Cx, Reply};
use super::fault::Fault;
use super::paging;
use crate::api::audit::{AuditDepth, AuditEntry, AuditQuery};
use crate::api::operation::{AssetHistory, CustomerHistory, UserHistory};
use crate::api::page::Page;
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::store::audit::{self, AuditRow, Of, Which};
use crate::store::{assets, customers, users};

const VIEW: Permission = Permission::named("audit.view");

/// `GET /v1/customers/{id}/history`.
pub(super) async fn of_customer(cx: &mut Cx, ask: Ask<CustomerHistory>) -> Answer<Page<AuditEntry>> {
    let scope = cx.caller.scope(VIEW);
    let row = customers::get(&mut cx.conn, &scope, ask.path.id).await?.ok_or_else(Problem::not_found)?;
    page(cx, Of::Customer, row.id.to_string(), ask.query).await
}

/// `GET /v1/assets/{id}/history`.
pub(super) async fn of_asset(cx: &mut Cx, ask: Ask<AssetHistory>) -> Answer<Page<AuditEntry>> {
    let scope = cx.caller.scope(VIEW);
    let row = assets::get(&mut cx.conn, &scope, ask.path.id).await?.ok_or_else(Problem::not_found)?;
    page(cx, Of::Asset, row.id.to_string(), ask.query).await
}

/// `GET /v1/users/{id}/history`.
pub(super) async fn of_user(cx: &mut Cx, ask: Ask<UserHistory>) -> Answer<Page<AuditEntry>> {
    let scope = cx.caller.scope(VIEW);
    let row = users::account(&mut cx.conn, &scope, ask.path.id).await?.ok_or_else(Problem::not_found)?;
    page(cx, Of::User, row.id.to_string(), ask.query).await
}

async fn page(cx: &mut Cx, of: Of, id: String, query: AuditQuery) -> Answer<Page<AuditEntry>> {
    let limit = paging::limit(query.limit)?;
    let before: Option<String> = paging::place(query.cursor.as_deref())?;
    let own = cx.caller.own_only(VIEW);
    if query.depth == AuditDepth::Simple {
        // Who saved it last, and who made it.
        let mut rows = audit::acts(&mut cx.conn, (of, &id), Which::Last, None, own, 1).await?;
        rows.extend(audit::acts(&mut cx.conn, (of, &id), Which::First, None, own, 1).await?);
        rows.dedup_by(|first, last| first.id == last.id);
        return Ok(Reply::ok(Page::whole(rows.into_iter().map(view).collect::<Result<_, _>>()?)));
    }
    let rows = audit::acts(&mut cx.conn, (of, &id), Which::All, before.as_deref(), own, paging::one_more(limit)).await?;
    let page = paging::page(rows, limit, None, |row| paging::cursor(&row.id), view);
    let items = page.items.into_iter().collect::<Result<_, _>>()?;
    Ok(Reply::ok(Page { items, next: page.next, total: None }))
}

fn view(row: AuditRow) -> Result<AuditEntry, Fault> {
    Ok(AuditEntry {
        id: row.id,
        at: row.happened_at.0,
        actor: row.actor_name,
        actor_kind: row.actor_kind,
        on_behalf_of: row.on_behalf_name,
        act: row.act,
        entity: row.entity,
        entity_id: row.entity_id,
        changes: serde_json::from_str(&row.changes).map_err(|error| Fault::Ours(error.to_string()))?,
        reason: row.reason,
        request_id: row.request_id,
        came_from: row.came_from,
    })
}

//! Who did what to a record, in two depths (S4-16).

use serde_json::Value;

use super::call::{Answer, Ask, Cx, Reply};
use super::fault::Fault;
use super::{assets as machines, paging};
use crate::api::audit::{AuditDepth, AuditEntry, AuditPart, AuditQuery};
use crate::api::customer::CustomerKind;
use crate::api::ids::{ShopId, UserId};
use crate::api::operation::{AssetHistory, CustomerHistory, UserHistory};
use crate::api::page::Page;
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::store::audit::{self, Of, ToldRow, Which};
use crate::store::{Scope, assets, customers, users};

const VIEW: Permission = Permission::named("audit.view");

/// `GET /v1/customers/{id}/history`.
pub(super) async fn of_customer(cx: &mut Cx, ask: Ask<CustomerHistory>) -> Answer<Page<AuditEntry>> {
    let scope = cx.caller.scope(VIEW);
    let row = customers::get(&mut cx.conn, &scope, ask.path.id).await?.ok_or_else(Problem::not_found)?;
    let own = match cx.caller.own_only(VIEW) {
        Some(own) => customers::get(&mut cx.conn, &own.all_of, row.id).await?.is_none().then_some(own.user),
        None => None,
    };
    let shared = row.kind == CustomerKind::Fleet.name();
    page(cx, Acts { of: Of::Customer, id: row.id.to_string(), scope, own, shared }, ask.query).await
}

/// `GET /v1/assets/{id}/history`.
pub(super) async fn of_asset(cx: &mut Cx, ask: Ask<AssetHistory>) -> Answer<Page<AuditEntry>> {
    let scope = cx.caller.scope(VIEW);
    let row = machines::get(cx, VIEW, ask.path.id).await?;
    let own = match cx.caller.own_only(VIEW) {
        Some(own) => assets::get(&mut cx.conn, &own.all_of, row.id).await?.is_none().then_some(own.user),
        None => None,
    };
    page(cx, Acts { of: Of::Asset, id: row.id.to_string(), scope, own, shared: false }, ask.query).await
}

/// `GET /v1/users/{id}/history`.
pub(super) async fn of_user(cx: &mut Cx, ask: Ask<UserHistory>) -> Answer<Page<AuditEntry>> {
    let scope = cx.caller.scope(VIEW);
    let row = users::account(&mut cx.conn, &scope, ask.path.id).await?.ok_or_else(Problem::not_found)?;
    let own = match cx.caller.own_only(VIEW) {
        Some(own) => users::account(&mut cx.conn, &own.all_of, row.id).await?.is_none().then_some(own.user),
        None => None,
    };
    page(cx, Acts { of: Of::User, id: row.id.to_string(), scope, own, shared: true }, ask.query).await
}

/// Which acts are asked for.
struct Acts {
    of: Of,
    id: String,
    /// How far the caller reaches.
    scope: Scope,
    /// Only those of his own and of whom he named.
    own: Option<UserId>,
    /// Other shops may have a part in the customers.
    shared: bool,
}

impl Acts {
    fn entry(&self, row: ToldRow) -> Result<AuditEntry, Fault> {
        let entry = view(row)?;
        Ok(if self.shared { without_other_shops(entry, &self.scope) } else { entry })
    }
}

async fn page(cx: &mut Cx, acts: Acts, query: AuditQuery) -> Answer<Page<AuditEntry>> {
    let limit = paging::limit(query.limit)?;
    let before: Option<String> = paging::place(query.cursor.as_deref())?;
    if query.depth == AuditDepth::Simple {
        return Ok(Reply::ok(Page::whole(saved_and_made(cx, &acts).await?)));
    }
    let rows = audit::acts(&mut cx.conn, (acts.of, &acts.id), Which::All, &acts.scope, before.as_deref(), acts.own, paging::one_more(limit)).await?;
    let page = paging::page(rows, limit, None, |row| paging::cursor(&row.act.id), |row| acts.entry(row));
    let items = page.items.into_iter().collect::<Result<_, _>>()?;
    Ok(Reply::ok(Page { items, next: page.next, total: None }))
}

/// Who saved it last, and who made it; one and the same act made it. What was
/// there before anything was written down was made by nobody that is known.
async fn saved_and_made(cx: &mut Cx, acts: &Acts) -> Result<Vec<AuditEntry>, Fault> {
    let of = (acts.of, acts.id.as_str());
    let saved = audit::acts(&mut cx.conn, of, Which::Saved, &acts.scope, None, acts.own, 1).await?.pop();
    let mut made = audit::acts(&mut cx.conn, of, Which::Made, &acts.scope, None, acts.own, 1).await?.pop();
    if made.is_none() && acts.own.is_none() {
        made = audit::imported(&mut cx.conn, acts.of, &acts.id).await?;
        // How many others it brought is none of this record's history.
        if let Some(row) = &mut made {
            row.act.changes = String::from("{}");
        }
    }
    let saved = saved.filter(|saved| made.as_ref().is_none_or(|made| made.act.id != saved.act.id));
    let parts = [(saved, AuditPart::Saved), (made, AuditPart::Made)];
    let told = |(row, part): (Option<ToldRow>, AuditPart)| row.map(|row| acts.entry(row).map(|entry| AuditEntry { part: Some(part), ..entry }));
    parts.into_iter().filter_map(told).collect()
}

/// Another shop's link with a customer, and its number there, are none of a
/// shop's business: not in the customer itself, nor in what was done to it.
fn without_other_shops(mut entry: AuditEntry, reach: &Scope) -> AuditEntry {
    if reach.everything || reach.shops.is_empty() || entry.entity != "customer" {
        return entry;
    }
    // It does not say of which shop; the links do.
    entry.changes.remove("number");
    let seen =
        |link: &Value| link.pointer("/shop/id").and_then(Value::as_str).and_then(|id| id.parse::<ShopId>().ok()).is_some_and(|shop| reach.reaches_shop(shop));
    if let Some(Value::Array(sides)) = entry.changes.get_mut("links") {
        for side in sides.iter_mut().filter_map(Value::as_array_mut) {
            side.retain(seen);
        }
        if sides.first() == sides.last() {
            entry.changes.remove("links");
        }
    }
    entry
}

fn view(ToldRow { act: row, entity_name }: ToldRow) -> Result<AuditEntry, Fault> {
    Ok(AuditEntry {
        id: row.id,
        at: row.happened_at.0,
        actor: row.actor_name,
        actor_kind: row.actor_kind,
        on_behalf_of: row.on_behalf_name,
        act: row.act,
        entity: row.entity,
        entity_id: row.entity_id,
        entity_name,
        changes: serde_json::from_str(&row.changes).map_err(|error| Fault::Ours(error.to_string()))?,
        reason: row.reason,
        request_id: row.request_id,
        came_from: row.came_from,
        part: None,
    })
}

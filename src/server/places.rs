//! Shops, organizations and pre-defined services: what forms choose from.

use super::call::{Answer, Ask, Cx, Reply};
use super::{paging, references};
use crate::api::operation::{ListOrganizations, ListServiceCodes, ListShops};
use crate::api::page::Page;
use crate::api::place::{Organization, ServiceCode, Shop};
use crate::store::places;
use crate::text::fold;

/// `GET /v1/service-codes`.
pub(super) async fn service_codes(cx: &mut Cx, _: Ask<ListServiceCodes>) -> Answer<Page<ServiceCode>> {
    let rows = places::service_codes(&mut cx.conn).await?;
    Ok(Reply::ok(Page::whole(rows.into_iter().map(|row| ServiceCode { code: row.code, name: row.name }).collect())))
}

/// `GET /v1/shops`.
pub(super) async fn shops(cx: &mut Cx, ask: Ask<ListShops>) -> Answer<Page<Shop>> {
    let limit = paging::limit(ask.query.limit)?;
    let after: String = paging::place(ask.query.cursor.as_deref())?.unwrap_or_default();
    let rows = places::shops(&mut cx.conn, &cx.caller.whole_scope(), &after, paging::one_more(limit)).await?;
    let shape = |row: places::ShopRow| Shop {
        id: row.id,
        code: row.code,
        name: row.name,
        time_zone: row.time_zone,
        country: row.country,
        accepts_requests: row.accepts_requests,
    };
    Ok(Reply::ok(paging::page(rows, limit, None, |row| paging::cursor(&fold(&row.code)), shape)))
}

/// `GET /v1/organizations`.
pub(super) async fn organizations(cx: &mut Cx, ask: Ask<ListOrganizations>) -> Answer<Page<Organization>> {
    let limit = paging::limit(ask.query.limit)?;
    let after: String = paging::place(ask.query.cursor.as_deref())?.unwrap_or_default();
    let scope = cx.caller.whole_scope();
    let rows = places::organizations(&mut cx.conn, &scope, &after, paging::one_more(limit)).await?;
    let shape = |row: places::OrganizationRow| Organization {
        id: row.id,
        code: row.code,
        name: row.name,
        customer: references::customer(&cx.app, &cx.caller, &scope, row.customer_id, row.customer_name),
        portal_enabled: row.portal_enabled,
    };
    Ok(Reply::ok(paging::page(rows, limit, None, |row| paging::cursor(&fold(&row.code)), shape)))
}

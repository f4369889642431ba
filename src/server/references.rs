//! References to records, as every shape carries them.

use super::call::Cx;
use super::fault::Fault;
use crate::api::ids::{CustomerId, ShopId};
use crate::api::page::CustomerRef;
use crate::api::permission::Permission;
use crate::search::CustomerIndex;
use crate::store::{Scope, customer_index};

const VIEW: Permission = Permission::named("customer.view");

/// To be called before [`customer`] and [`number`] with the customers that they
/// will be asked for. Their numbers stand in the index; only while it is being
/// filled, right after a start, they are read.
pub(super) async fn look_up(cx: &mut Cx, customers: &[Option<CustomerId>]) -> Result<(), Fault> {
    if cx.read_meanwhile.is_none() && cx.app.feed.is_loaded() {
        return Ok(());
    }
    for id in customers.iter().flatten() {
        let read = customer_index::of(&mut cx.conn, *id).await?;
        cx.read_meanwhile.get_or_insert_with(CustomerIndex::default).put(read);
    }
    Ok(())
}

/// A customer by id and name. Its number goes only to those who may see more
/// of it than the basic fields, where they may, and to its own people.
pub(super) fn customer(cx: &Cx, scope: &Scope, id: Option<CustomerId>, name: Option<String>) -> Option<CustomerRef> {
    let (id, name) = id.zip(name)?;
    let full = cx.caller.full_scope(VIEW);
    let within = if scope.customers.contains(&id) { scope } else { &full };
    Some(CustomerRef { id, number: number(cx, id, within, cx.caller.shop_id()), name })
}

/// A customer's number at a shop, else its first within the scope.
pub(super) fn number(cx: &Cx, id: CustomerId, within: &Scope, shop: Option<ShopId>) -> Option<String> {
    cx.read_meanwhile.as_ref().unwrap_or(&cx.app.index).number(id, within, shop)
}

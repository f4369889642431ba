//! References to records, as every shape carries them.

use super::App;
use super::caller::Caller;
use crate::api::ids::CustomerId;
use crate::api::page::CustomerRef;
use crate::api::permission::Permission;
use crate::store::Scope;

const VIEW: Permission = Permission::named("customer.view");

/// A customer by id and name. Its number goes only to those who may see more
/// of it than the basic fields, where they may, and to its own people.
pub(super) fn customer(app: &App, caller: &Caller, scope: &Scope, id: Option<CustomerId>, name: Option<String>) -> Option<CustomerRef> {
    let (id, name) = id.zip(name)?;
    let full = caller.full_scope(VIEW);
    let within = if scope.customers.contains(&id) { scope } else { &full };
    Some(CustomerRef { id, number: app.index.number(id, within, caller.shop_id()), name })
}

//! The portal's settings (S2-3 … S2-5): in force with the next call of anybody.

use super::call::{Answer, Ask, Cx, Reply};
use crate::api::operation::{ChangePortalSettings, GetPortalSettings};
use crate::api::permission::Permission;
use crate::api::portal::PortalSettings;
use crate::api::problem::Problem;
use crate::api::role::{Cell, Role};
use crate::store::{places, settings};

pub(super) const SETTINGS: Permission = Permission::named("portal_settings.manage");

/// `GET /v1/portal-settings`.
pub(super) async fn show(cx: &mut Cx, _: Ask<GetPortalSettings>) -> Answer<PortalSettings> {
    Ok(Reply::ok(settings::portal(&mut cx.conn).await?))
}

/// `PATCH /v1/portal-settings`: for the customers of all shops.
pub(super) async fn change(cx: &mut Cx, ask: Ask<ChangePortalSettings>) -> Answer<PortalSettings> {
    cx.caller.demand_everywhere(SETTINGS)?;
    let before = settings::portal(&mut cx.conn).await?;
    let body = ask.body;
    let configurable = |permission| Role::all().iter().any(|role| role.cell(permission) == Cell::Configurable);
    if let Some(fixed) = body.switched_off.iter().flatten().copied().find(|permission| !configurable(*permission)) {
        return Err(Problem::field("switched_off", format!("{} cannot be switched off", fixed.name())).into());
    }
    if let Some(codes) = &body.services_off {
        let known = places::service_codes(&mut cx.conn).await?;
        if let Some(unknown) = codes.iter().find(|code| !known.iter().any(|service| service.code == **code)) {
            return Err(Problem::field("services_off", format!("there is no service {unknown:?}")).into());
        }
    }
    let now = PortalSettings {
        enabled: body.enabled.unwrap_or(before.enabled),
        login_required: body.login_required.unwrap_or(before.login_required),
        offers_loaner: body.offers_loaner.unwrap_or(before.offers_loaner),
        allows_printing: body.allows_printing.unwrap_or(before.allows_printing),
        switched_off: body.switched_off.unwrap_or_else(|| before.switched_off.clone()),
        services_off: body.services_off.unwrap_or_else(|| before.services_off.clone()),
    };
    settings::set_portal(&mut cx.conn, &now).await?;
    cx.noted.changed(&before, &now);
    Ok(Reply::ok(now))
}

//! Workshop terminals: enrolled once with a token of their own, and signed in
//! by it without a person (S2-4).

use jiff::{SignedDuration, Timestamp};

use super::call::{Answer, Ask, Cx, Reply, check_version, version_stale};
use super::caller::token_hash;
use super::fault::Fault;
use super::portal::SETTINGS;
use super::powers::{Powers, no_session};
use super::sessions::{new_token, round};
use super::{App, form, noted};
use crate::api::ids::{KioskId, SessionId, UserId};
use crate::api::operation::{ChangeKiosk, EnrolKiosk, ListKiosks, Operation as _, ReplaceKioskToken, SignInKiosk};
use crate::api::page::{CodeRef, Page};
use crate::api::permission::Permission;
use crate::api::portal::{EnrolledKiosk, Kiosk, KioskChange};
use crate::api::problem::{FieldFaults, Problem};
use crate::api::role::Role;
use crate::api::session::{SignedIn, UserKind};
use crate::store::kiosks::{self, KioskRow};
use crate::store::sessions::NewSession;
use crate::store::users::{NewGrant, UserRow};
use crate::store::{At, StoreError, places, sessions, users};

/// `GET /v1/kiosks`.
pub(super) async fn list(cx: &mut Cx, _: Ask<ListKiosks>) -> Answer<Page<Kiosk>> {
    let reach = cx.caller.scope(SETTINGS);
    let rows = kiosks::list(&mut cx.conn).await?;
    Ok(Reply::ok(Page::whole(rows.into_iter().filter(|row| reach.reaches_shop(row.shop_id)).map(view).collect())))
}

fn view(row: KioskRow) -> Kiosk {
    Kiosk {
        id: row.id,
        label: row.label,
        shop: CodeRef { id: row.shop_id, code: row.shop_code, name: row.shop_name },
        login_required: row.login_required,
        idle_seconds: row.idle_seconds,
        allowed_actions: row.allowed_actions.split(' ').filter_map(Permission::from_name).collect(),
        active: row.is_active,
        version: row.row_version,
    }
}

/// What the template gives, which a device's list can only shorten.
fn template() -> Vec<Permission> {
    Role::named("kiosk").map(|role| role.permissions().iter().collect()).unwrap_or_default()
}

fn said(mut row: KioskRow, body: &KioskChange, faults: &mut FieldFaults) -> KioskRow {
    row.login_required = body.login_required.unwrap_or(row.login_required);
    row.is_active = body.active.unwrap_or(row.is_active);
    match body.idle_seconds {
        Some(seconds @ 10..=3_600) => row.idle_seconds = seconds,
        Some(_) => faults.add("idle_seconds", "10 to 3600"),
        None => {}
    }
    if let Some(actions) = &body.allowed_actions {
        if let Some(beyond) = actions.iter().find(|action| !template().contains(action)) {
            faults.add("allowed_actions", format!("a workshop terminal never has {}", beyond.name()));
        }
        row.allowed_actions = written(actions);
    }
    row
}

fn written(actions: &[Permission]) -> String {
    actions.iter().map(|action| action.name()).collect::<Vec<_>>().join(" ")
}

/// `POST /v1/kiosks`.
pub(super) async fn enrol(cx: &mut Cx, ask: Ask<EnrolKiosk>) -> Answer<EnrolledKiosk> {
    let mut faults = FieldFaults::default();
    let label = form::required(&mut faults, "label", &ask.body.label, 60);
    // The terminal gets a role at its shop, and that is given within reach (I-1).
    let reach = cx.caller.scope(SETTINGS);
    let shop = places::shop(&mut cx.conn, &reach, ask.body.shop.trim()).await?.filter(|shop| reach.reaches_shop(shop.id));
    if shop.is_none() {
        faults.add("shop", "no such shop within your reach");
    }
    let (id, user_id) = (KioskId::new(), UserId::new());
    let row = KioskRow {
        id,
        shop_id: shop.as_ref().map_or(crate::api::ids::ShopId(uuid::Uuid::nil()), |shop| shop.id),
        shop_code: shop.as_ref().map(|shop| shop.code.clone()).unwrap_or_default(),
        shop_name: shop.as_ref().map(|shop| shop.name.clone()).unwrap_or_default(),
        user_id,
        label,
        login_required: false,
        idle_seconds: cx.app.lifetimes.kiosk.idle_seconds.clamp(10, 3_600),
        allowed_actions: written(&template()),
        is_active: true,
        row_version: 1,
    };
    let row = said(row, &ask.body.settings, &mut faults);
    faults.settle()?;
    let user = UserRow {
        id: user_id,
        username: format!("kiosk-{id}"),
        password_hash: String::new(),
        must_change: false,
        state: "active".to_owned(),
        kind: UserKind::Kiosk.name().to_owned(),
        shop_id: Some(row.shop_id),
        first_name: row.label.clone(),
        last_name: String::new(),
        email: None,
        phone: None,
    };
    let grant = NewGrant {
        role: "kiosk".to_owned(),
        scope_kind: "shop".to_owned(),
        scope_id: Some(row.shop_id.to_string()),
        granted_by: Some(cx.caller.id()),
        ..NewGrant::default()
    };
    users::insert(&mut cx.conn, &user, &[grant]).await?;
    let device_token = new_token()?;
    kiosks::insert(&mut cx.conn, &row, &token_hash(&device_token)).await.map_err(|error| match error {
        StoreError::Taken => Problem::field("label", "this shop has a terminal of that label: choose another").into(),
        other => Fault::from(other),
    })?;
    cx.is_secret = true;
    cx.noted.on("kiosk", id);
    Ok(Reply::created(EnrolledKiosk { kiosk: view(row), device_token }).version(1))
}

/// `PATCH /v1/kiosks/{id}`.
pub(super) async fn change(cx: &mut Cx, ask: Ask<ChangeKiosk>) -> Answer<Kiosk> {
    let reach = cx.caller.scope(SETTINGS);
    let found = kiosks::get(&mut cx.conn, ask.path.id).await?;
    let before = found.filter(|row| reach.reaches_shop(row.shop_id)).ok_or_else(Problem::not_found)?;
    let present = view(before.clone());
    check_version(ask.if_match, before.row_version, &present)?;
    let mut faults = FieldFaults::default();
    let mut row = said(before.clone(), &ask.body, &mut faults);
    faults.settle()?;
    if row != before {
        if !kiosks::update(&mut cx.conn, &row).await? {
            return Err(version_stale(present).into());
        }
        row.row_version += 1;
        // The next session is of the new list and idle time.
        users::end_sessions(&mut cx.conn, row.user_id).await?;
    }
    let version = row.row_version;
    let now = view(row);
    cx.noted.on("kiosk", now.id).changed(&present, &now);
    Ok(Reply::ok(now).version(version))
}

/// `POST /v1/kiosks/{id}/token`.
pub(super) async fn replace_token(cx: &mut Cx, ask: Ask<ReplaceKioskToken>) -> Answer<EnrolledKiosk> {
    let reach = cx.caller.scope(SETTINGS);
    let found = kiosks::get(&mut cx.conn, ask.path.id).await?.filter(|row| reach.reaches_shop(row.shop_id));
    let mut row = found.ok_or_else(Problem::not_found)?;
    // Who begins with the old one just now is done before, or comes too late.
    users::locked(&mut cx.conn, row.user_id).await?;
    let device_token = new_token()?;
    kiosks::set_token(&mut cx.conn, row.id, &token_hash(&device_token)).await?;
    users::end_sessions(&mut cx.conn, row.user_id).await?;
    row.row_version += 1;
    cx.is_secret = true;
    cx.noted.on("kiosk", row.id);
    let version = row.row_version;
    Ok(Reply::created(EnrolledKiosk { kiosk: view(row), device_token }).version(version))
}

/// `POST /v1/kiosk-sessions`.
pub(super) async fn sign_in(app: App, ask: Ask<SignInKiosk>) -> Answer<SignedIn> {
    let hash = token_hash(ask.body.device_token.trim());
    // What is no token costs nobody a turn at the one writer.
    let known = kiosks::of_token(&mut app.db.read().await?, &hash).await?.ok_or_else(no_session)?;
    let mut conn = app.db.write().await?;
    let user = users::locked(&mut conn, known.user_id).await?.filter(|user| user.state == "active").ok_or_else(no_session)?;
    let device = kiosks::of_token(&mut conn, &hash).await?.ok_or_else(no_session)?;
    // The gates in their order: portal, login setting, device.
    Powers::of_user(&mut conn, &user).await?;
    let token = new_token()?;
    let expires_at = Timestamp::now() + SignedDuration::from_secs(app.lifetimes.kiosk.most_seconds);
    let session = NewSession {
        id: SessionId::new(),
        user: user.id,
        token_hash: token_hash(&token),
        shop: Some(device.shop_id),
        customer: None,
        idle_micros: device.idle_seconds * 1_000_000,
        ends_at: At(expires_at),
        came_from: ask.origin.came_from.clone(),
    };
    // A terminal is one place: its last session ends with the next.
    users::end_sessions(&mut conn, user.id).await?;
    sessions::open(&mut conn, &session).await?;
    noted::write_sign_in(&mut conn, &user, SignInKiosk::ENDPOINT.name, &ask.origin).await?;
    conn.commit().await?;
    Ok(Reply::created(SignedIn { token, expires_at: round(expires_at), must_change_password: false }))
}

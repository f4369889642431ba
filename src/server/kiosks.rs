//! Workshop terminals: enrolled once with a token of their own, and signed in
//! by it without a person (S2-4).

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};

use super::call::{Answer, Ask, Cx, Reply, check_version, version_stale};
use super::caller::token_hash;
use super::fault::Fault;
use super::portal::SETTINGS;
use super::powers::{Powers, no_session};
use super::sessions::{new_token, round};
use super::{App, form, noted};
use crate::api::ids::SessionId;
use crate::api::lengths;
use crate::api::operation::{ChangeKiosk, EnrolKiosk, ListKiosks, Operation as _, ReplaceKioskToken, SignInKiosk};
use crate::api::page::{CodeRef, Page};
use crate::api::permission::Permission;
use crate::api::portal::{EnrolledKiosk, Kiosk, KioskChange, LONGEST_IDLE, SHORTEST_IDLE};
use crate::api::problem::{FieldFaults, Problem};
use crate::api::role::Role;
use crate::api::session::SignedIn;
use crate::store::kiosks::{self, KioskRow};
use crate::store::sessions::NewSession;
use crate::store::{At, StoreError, places, sessions, users};

/// After how many seconds a terminal may forget.
const IDLE: RangeInclusive<i64> = SHORTEST_IDLE..=LONGEST_IDLE;

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
    Role::named(kiosks::TEMPLATE).map(|role| role.permissions().iter().collect()).unwrap_or_default()
}

fn check(body: &KioskChange, faults: &mut FieldFaults) {
    if body.idle_seconds.is_some_and(|seconds| !IDLE.contains(&seconds)) {
        faults.add("idle_seconds", format!("{} to {}", IDLE.start(), IDLE.end()));
    }
    if let Some(beyond) = body.allowed_actions.iter().flatten().find(|action| !template().contains(action)) {
        faults.add("allowed_actions", format!("a workshop terminal never has {}", beyond.name()));
    }
}

/// The terminal as the body wants it; what is absent stays.
fn set(mut row: KioskRow, body: &KioskChange) -> KioskRow {
    row.login_required = body.login_required.unwrap_or(row.login_required);
    row.is_active = body.active.unwrap_or(row.is_active);
    row.idle_seconds = body.idle_seconds.unwrap_or(row.idle_seconds);
    if let Some(actions) = &body.allowed_actions {
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
    let label = form::required(&mut faults, "label", &ask.body.label, lengths::LABEL);
    // The terminal gets a role at its shop, and that is given within reach (I-1).
    let reach = cx.caller.scope(SETTINGS);
    let shop = places::shop(&mut cx.conn, &reach, ask.body.shop.trim()).await?.filter(|shop| reach.reaches_shop(shop.id));
    if shop.is_none() {
        faults.add("shop", "no such shop within your reach");
    }
    check(&ask.body.settings, &mut faults);
    faults.settle()?;
    let shop = shop.ok_or_else(Problem::not_found)?;
    let idle = cx.app.lifetimes.kiosk.idle_seconds.clamp(*IDLE.start(), *IDLE.end());
    let row = set(KioskRow { shop_code: shop.code, shop_name: shop.name, ..KioskRow::new(shop.id, label, idle) }, &ask.body.settings);
    let device_token = new_token()?;
    kiosks::insert(&mut cx.conn, &row, &token_hash(&device_token), Some(cx.caller.id())).await.map_err(|error| match error {
        StoreError::Taken => Problem::field("label", "this shop has a terminal of that label: choose another").into(),
        other => Fault::from(other),
    })?;
    cx.is_secret = true;
    cx.noted.on("kiosk", row.id).user(row.user_id);
    Ok(Reply::created(EnrolledKiosk { kiosk: view(row), device_token }).version(1))
}

/// `PATCH /v1/kiosks/{id}`.
pub(super) async fn change(cx: &mut Cx, ask: Ask<ChangeKiosk>) -> Answer<Kiosk> {
    let reach = cx.caller.scope(SETTINGS);
    let found = kiosks::get(&mut cx.conn, ask.path.id).await?;
    let before = found.filter(|row| reach.reaches_shop(row.shop_id)).ok_or_else(Problem::not_found)?;
    let present = view(before.clone());
    check_version(&ask.if_match, before.row_version, &present)?;
    let mut faults = FieldFaults::default();
    check(&ask.body, &mut faults);
    faults.settle()?;
    let mut row = set(before.clone(), &ask.body);
    if row != before {
        if !kiosks::update(&mut cx.conn, &row).await? {
            return Err(version_stale(present).into());
        }
        row.row_version += 1;
        // The next session is of the new list and idle time.
        users::end_sessions(&mut cx.conn, row.user_id).await?;
    }
    let version = row.row_version;
    cx.noted.on("kiosk", row.id).user(row.user_id);
    let now = view(row);
    cx.noted.changed(&present, &now);
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
    cx.noted.on("kiosk", row.id).user(row.user_id);
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

//! Signing in and out, and what a session may do.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use rand::TryRng as _;
use rand::rngs::SysRng;

use super::call::{Answer, Ask, Cx, Reply};
use super::caller::token_hash;
use super::fault::Fault;
use super::{App, Lifetime, Lifetimes, password};
use crate::api::ids::SessionId;
use crate::api::operation::{ChangePassword, ChangeSession, GetSession, SignIn, SignOut};
use crate::api::page::{CodeRef, CustomerRef, Nothing};
use crate::api::problem::Problem;
use crate::api::role::Limit;
use crate::api::session::{CurrentShop, PasswordChange, ScopeView, Session, SignedIn, User, UserKind};
use crate::store::users::{self, NewSession, UserRow};
use crate::store::{At, customers, places};
use crate::text::fold;

/// `POST /v1/sessions`.
pub(super) async fn sign_in(app: App, ask: Ask<SignIn>) -> Answer<SignedIn> {
    let account = fold(&ask.body.username);
    app.brake.pass(&account, ask.from, Instant::now()).map_err(slow_down)?;
    let user = users::by_name(&mut app.db.read().await?, &ask.body.username).await?;
    let hash = user.as_ref().map(|user| user.password_hash.clone());
    let right = app.passwords.is_right(ask.body.password, hash).await;
    // A service account never signs in with a password (I-5).
    let user = user.filter(|user| right && user.state == "active" && user.kind != UserKind::ServiceAccount.name());
    let Some(user) = user else {
        tracing::info!("a sign-in was refused");
        return Err(Problem::new("session.refused", "User name or password is wrong.").into());
    };
    app.brake.was_right(&account, ask.from, Instant::now());
    let token = new_token()?;
    let lifetime = lifetime(&app.lifetimes, &user);
    let expires_at = Timestamp::now() + SignedDuration::from_secs(lifetime.most_seconds);
    let session = NewSession {
        id: SessionId::new(),
        user: user.id,
        token_hash: token_hash(&token),
        shop: user.shop_id,
        customer: None,
        idle_micros: lifetime.idle_seconds * 1_000_000,
        ends_at: At(expires_at),
    };
    let mut conn = app.db.write().await?;
    users::open_session(&mut conn, &session).await?;
    conn.commit().await?;
    Ok(Reply::created(SignedIn { token, expires_at: round(expires_at), must_change_password: user.must_change }))
}

/// The same for every name, known or not.
fn slow_down(wait: Duration) -> Problem {
    let seconds = wait.as_secs() + 1;
    Problem { retry_after: Some(seconds), ..Problem::new("session.slow_down", format!("Too many tries with a wrong password. Try again in {seconds} s.")) }
}

fn lifetime(lifetimes: &Lifetimes, user: &UserRow) -> Lifetime {
    match UserKind::named(&user.kind) {
        Some(UserKind::Staff | UserKind::ServiceAccount) => lifetimes.staff,
        Some(UserKind::Kiosk) => lifetimes.kiosk,
        _ => lifetimes.customer,
    }
}

/// 256 random bits from the operating system.
fn new_token() -> Result<String, Fault> {
    let mut bytes = [0_u8; 32];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| Fault::Ours(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn round(at: Timestamp) -> Timestamp {
    At::from_micros(at.as_microsecond()).0
}

/// `GET /v1/session`.
pub(super) async fn show(cx: &mut Cx, _: Ask<GetSession>) -> Answer<Session> {
    Ok(Reply::ok(session_view(cx).await?))
}

/// `DELETE /v1/session`.
pub(super) async fn sign_out(cx: &mut Cx, _: Ask<SignOut>) -> Answer<Nothing> {
    users::end_session(&mut cx.conn, cx.caller.session_id()).await?;
    Ok(Reply::ok(Nothing {}))
}

/// `PUT /v1/session/password`.
pub(super) async fn change_password(cx: &mut Cx, ask: Ask<ChangePassword>) -> Answer<Session> {
    let PasswordChange { current, new } = ask.body;
    let user = &cx.caller.user;
    if let Err(fault) = password::check_policy(&user.username, &new) {
        return Err(Problem::field("new", fault.to_string()).into());
    }
    let (account, now) = (fold(&user.username), Instant::now());
    cx.app.brake.pass(&account, ask.from, now).map_err(slow_down)?;
    if !cx.app.passwords.is_right(current, Some(user.password_hash.clone())).await {
        return Err(Problem::field("current", "this is not the present password").into());
    }
    cx.app.brake.was_right(&account, ask.from, now);
    let hash = cx.app.passwords.hash(new).await.map_err(|error| Fault::Ours(error.to_string()))?;
    users::set_password(&mut cx.conn, cx.caller.id(), &hash, cx.caller.session_id()).await?;
    cx.caller.user.must_change = false;
    Ok(Reply::ok(session_view(cx).await?))
}

/// `PATCH /v1/session`.
pub(super) async fn change(cx: &mut Cx, ask: Ask<ChangeSession>) -> Answer<Session> {
    let mut shop = cx.caller.session.session_shop_id;
    let mut customer = cx.caller.session.session_customer_id;
    match (ask.body.shop, ask.body.customer) {
        (Some(wanted), None) => {
            let reach = cx.caller.whole_scope();
            let found = places::shop(&mut cx.conn, &reach, &wanted).await?.filter(|shop| reach.reaches_shop(shop.id)).ok_or_else(Problem::not_found)?;
            shop = Some(found.id);
        }
        (None, Some(wanted)) => {
            // All of one's customers, not only the current one.
            cx.caller.session.session_customer_id = None;
            let reach = cx.caller.whole_scope();
            let own = cx.caller.kind() == UserKind::Customer && reach.customers.contains(&wanted);
            customers::get(&mut cx.conn, &reach, wanted).await?.filter(|_| own).ok_or_else(Problem::not_found)?;
            customer = Some(wanted);
        }
        _ => return Err(Problem::field("shop", "give a shop or a customer").into()),
    }
    users::move_session(&mut cx.conn, cx.caller.session_id(), shop, customer).await?;
    cx.caller.session.session_shop_id = shop;
    cx.caller.session.session_customer_id = customer;
    cx.caller.shop = match shop {
        Some(shop) => places::shop(&mut cx.conn, &cx.caller.whole_scope(), &shop.to_string()).await?,
        None => cx.caller.shop.clone(),
    };
    Ok(Reply::ok(session_view(cx).await?))
}

async fn session_view(cx: &mut Cx) -> Result<Session, Fault> {
    let caller = &cx.caller;
    let mut roles: Vec<String> = caller.grants.iter().map(|grant| grant.role.clone()).collect();
    roles.dedup();
    let limits: BTreeMap<String, Limit> = caller
        .granted()
        .iter()
        .filter_map(|permission| Some((permission.name().to_owned(), caller.limit(permission).filter(|limit| *limit != Limit::Full)?)))
        .collect();
    let now = At::now().micros();
    let expires = (now + caller.session.idle_micros).min(caller.session.ends_at.micros());
    let customer = current_customer(cx).await?;
    let caller = &cx.caller;
    Ok(Session {
        user: User {
            id: caller.id(),
            username: caller.user.username.clone(),
            name: caller.name(),
            first: caller.user.first_name.clone(),
            last: caller.user.last_name.clone(),
            email: caller.user.email.clone(),
            phone: caller.user.phone.clone(),
            kind: caller.kind(),
            roles,
        },
        shop: caller.shop.as_ref().map(|shop| CurrentShop {
            shop: CodeRef { id: shop.id, code: shop.code.clone(), name: shop.name.clone() },
            country: shop.country.clone(),
            time_zone: shop.time_zone.clone(),
        }),
        customer,
        scopes: caller
            .grants
            .iter()
            .map(|grant| ScopeView { role: grant.role.clone(), kind: grant.scope_kind.clone(), id: grant.scope_id.clone(), name: grant.scope_name.clone() })
            .collect(),
        permissions: caller.granted().iter().collect(),
        limits,
        policy_version: caller.policy_version(),
        expires_at: At::from_micros(expires).0,
        must_change_password: caller.user.must_change,
    })
}

/// The customer that a customer's person looks at: the chosen one, or the only
/// one.
async fn current_customer(cx: &mut Cx) -> Result<Option<CustomerRef>, Fault> {
    let reach = cx.caller.whole_scope();
    let [only] = reach.customers.as_slice() else { return Ok(None) };
    let row = customers::get(&mut cx.conn, &reach, *only).await?;
    let number = cx.app.index.get(*only).and_then(|entry| entry.number(&reach, None).map(str::to_owned));
    Ok(row.map(|row| CustomerRef { id: row.id, number, name: row.name }))
}

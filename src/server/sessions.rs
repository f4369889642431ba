//! Signing in and out, and what a session may do.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::TryRng as _;
use rand::rngs::SysRng;

use super::account_letter::{AccountLetter, Happened};
use super::brake::network;
use super::call::{Answer, Ask, Cx, Reply};
use super::caller::{Caller, token_hash};
use super::fault::Fault;
use super::noted::Origin;
use super::password::NewPassword;
use super::powers::{Held, Powers, StandingIn};
use super::{App, Lifetime, Lifetimes, noted, references};
use crate::api::ids::SessionId;
use crate::api::operation::{ChangePassword, ChangeSession, EndOtherSessions, EndSession, GetSession, ListSessions, Operation as _, SignIn, SignOut};
use crate::api::page::{CodeRef, CustomerRef, Nothing, Page};
use crate::api::people::OpenSession;
use crate::api::problem::Problem;
use crate::api::role::Limit;
use crate::api::session::{Acting, ActingWay, CurrentShop, PasswordChange, ScopeView, Session, SignedIn, User, UserKind};
use crate::store::sessions::{self, NewSession, OpenSessionRow};
use crate::store::users::{self, UserRow};
use crate::store::{At, Conn, Scope, audit, customers, places, settings};
use crate::text::fold;

/// The most letters that the brake keeps of a name: no account's is longer.
const LONGEST_NAME: usize = 120;
/// So many sign-ins back a place is a known one.
const LOOKED_BACK: i64 = 50;

/// What the brake knows an account by.
fn braked(username: &str) -> String {
    fold(username).chars().take(LONGEST_NAME).collect()
}

/// `POST /v1/sessions`.
pub(super) async fn sign_in(app: App, ask: Ask<SignIn>) -> Answer<SignedIn> {
    let_pass(&app, &ask.body.username, &ask.body.password, ask.from).await?;
    let user = account(&app, &ask.body.username).await.inspect_err(|_| {
        app.brake.was_not_looked_at(&braked(&ask.body.username), &ask.body.password, ask.from, Instant::now());
    })?;
    // An account without a password takes as long as one that nobody has.
    let hash = user.as_ref().map(|user| user.password_hash.clone()).filter(|hash| !hash.is_empty());
    let right = app.passwords.is_right(ask.body.password, hash).await;
    // A service account never signs in with a password (I-5).
    let user = user.filter(|user| right && user.state == "active" && user.kind != UserKind::ServiceAccount.name());
    let Some(user) = user else {
        tracing::info!("a sign-in was refused");
        return Err(refused().into());
    };
    app.brake.was_right(&braked(&ask.body.username), ask.from, Instant::now());
    admit(&app, &user).await?;
    let mut conn = app.db.write().await?;
    let told = told_of_new_place(&mut conn, &app, &user, &ask.origin).await?;
    let signed_in = open(&mut conn, &app, &user, (SignIn::ENDPOINT.name, &ask.origin)).await?;
    conn.commit().await?;
    app.mail.tell(told);
    Ok(Reply::created(signed_in))
}

async fn account(app: &App, username: &str) -> Result<Option<UserRow>, Fault> {
    Ok(users::by_name(&mut app.db.read().await?, username).await?)
}

/// Lets a try of a password pass, or says when to come again. Whoever would have
/// to wait may have signed in from there before, at another server or before
/// this one was started.
async fn let_pass(app: &App, username: &str, password: &str, from: IpAddr) -> Result<(), Fault> {
    let (account, now) = (braked(username), Instant::now());
    let Err(wait) = app.brake.pass(&account, password, from, now) else { return Ok(()) };
    if app.brake.asks(&account, now) {
        let homes = homes(app, username).await?;
        app.brake.at_home(&account, &homes, now);
        if homes.contains(&network(from)) {
            return app.brake.pass(&account, password, from, now).map_err(|wait| slow_down(wait).into());
        }
    }
    Err(slow_down(wait).into())
}

/// Where the last sign-ins of an account came from: nowhere if nobody has that
/// name.
async fn homes(app: &App, username: &str) -> Result<Vec<IpAddr>, Fault> {
    let mut conn = app.db.read().await?;
    let Some(user) = users::by_name(&mut conn, username).await? else { return Ok(Vec::new()) };
    let before = audit::last_sign_ins(&mut conn, user.id, LOOKED_BACK).await?;
    Ok(before.iter().filter_map(|address| place(address)).collect())
}

/// Somebody has shown in another way than by his password that an account is
/// his: he is at home where he did.
pub(super) fn at_home(app: &App, username: &str, from: IpAddr) {
    app.brake.at_home(&braked(username), &[network(from)], Instant::now());
}

/// The same for whatever was wrong.
fn refused() -> Problem {
    Problem::new("session.refused", "User name or password is wrong.")
}

/// Opens a session for somebody who has shown who it is, by its password or at
/// the identity provider, and writes down by which operation and from where.
pub(super) async fn open(conn: &mut Conn, app: &App, user: &UserRow, (act, origin): (&str, &Origin)) -> Result<SignedIn, Fault> {
    // Again, and from here on nobody else: a password that was given, or an
    // account that was closed, while this one was looked at counts.
    let same = |now: &UserRow| now.password_hash == user.password_hash && now.state == user.state;
    users::locked(conn, user.id).await?.filter(same).ok_or_else(refused)?;
    let token = new_token()?;
    let lifetime = lifetime(&app.lifetimes, user);
    let expires_at = Timestamp::now() + SignedDuration::from_secs(lifetime.most_seconds);
    let session = NewSession {
        id: SessionId::new(),
        user: user.id,
        token_hash: token_hash(&token),
        shop: user.shop_id,
        customer: None,
        idle_micros: lifetime.idle_seconds * 1_000_000,
        ends_at: At(expires_at),
        came_from: origin.came_from.clone(),
    };
    sessions::open(conn, &session).await?;
    users::note_sign_in(conn, user.id).await?;
    noted::write_sign_in(conn, user, act, origin).await?;
    Ok(SignedIn { token, expires_at: round(expires_at), must_change_password: user.must_change })
}

/// The letter about a sign-in that is under way; none where no mail goes out,
/// where one of the last sign-ins came from there too, and for the first.
pub(super) async fn told_of_new_place(conn: &mut Conn, app: &App, user: &UserRow, origin: &Origin) -> Result<Option<AccountLetter>, Fault> {
    let letter = AccountLetter::about(Happened::NewPlace, user, Some(origin), TimeZone::UTC).filter(|_| app.mail.ready().is_ok());
    let (Some(letter), Some(here)) = (letter, origin.came_from.as_deref().and_then(place)) else { return Ok(None) };
    let before = audit::last_sign_ins(conn, user.id, LOOKED_BACK).await?;
    let is_new = !before.is_empty() && !before.iter().any(|address| place(address) == Some(here));
    Ok(Some(letter).filter(|_| is_new))
}

/// The place that an address stands for.
fn place(address: &str) -> Option<IpAddr> {
    address.parse().ok().map(network)
}

/// Whether somebody with the right password is let in (C8, C-4): a kiosk signs
/// in by its device token, but on a demo database, whose passwords all know.
async fn admit(app: &App, user: &UserRow) -> Result<(), Fault> {
    let mut conn = app.db.read().await?;
    if user.kind == UserKind::Kiosk.name() && settings::get(&mut conn, settings::DEMO).await?.is_none() {
        return Err(refused().into());
    }
    match Powers::of_user(&mut conn, user).await {
        Ok(_) => Ok(()),
        // Nobody is told that the password was right.
        Err(Fault::Problem(problem)) if problem.status == 401 => Err(refused().into()),
        Err(other) => Err(other),
    }
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
pub(super) fn new_token() -> Result<String, Fault> {
    let mut bytes = [0_u8; 32];
    SysRng.try_fill_bytes(&mut bytes).map_err(|error| Fault::Ours(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

pub(super) fn round(at: Timestamp) -> Timestamp {
    At::from_micros(at.as_microsecond()).0
}

/// `GET /v1/session`.
pub(super) async fn show(cx: &mut Cx, _: Ask<GetSession>) -> Answer<Session> {
    Ok(Reply::ok(session_view(cx).await?))
}

/// `DELETE /v1/session`.
pub(super) async fn sign_out(cx: &mut Cx, _: Ask<SignOut>) -> Answer<Nothing> {
    sessions::end(&mut cx.conn, cx.caller.session_id()).await?;
    Ok(Reply::ok(Nothing {}))
}

/// Checks the present password and hashes the new one, before the transaction of
/// [`change_password`] begins.
pub(super) async fn new_password(app: &App, caller: &Caller, ask: Ask<ChangePassword>) -> Result<NewPassword, Fault> {
    let PasswordChange { current, new } = ask.body;
    let user = &caller.user;
    if let Err(fault) = app.password_policy.check(&user.username, &new) {
        return Err(Problem::field("new", fault.to_string()).into());
    }
    let_pass(app, &user.username, &current, ask.from).await?;
    if !app.passwords.is_right(current, Some(user.password_hash.clone())).await {
        return Err(Problem::field("current", "this is not the present password").into());
    }
    app.brake.was_right(&braked(&user.username), ask.from, Instant::now());
    // One that somebody else gave is known to somebody else.
    if app.passwords.is_right(new.clone(), Some(user.password_hash.clone())).await {
        return Err(Problem::field("new", "this is the present password: choose another").into());
    }
    let hash = app.passwords.hash(new.clone()).await.map_err(|error| Fault::Ours(error.to_string()))?;
    Ok(NewPassword { password: new, hash, in_place_of: Some(user.password_hash.clone()) })
}

/// `PUT /v1/session/password`.
pub(super) async fn change_password(cx: &mut Cx, ask: Ask<ChangePassword>) -> Answer<Session> {
    let NewPassword { hash, in_place_of, .. } = cx.new_password.take().ok_or_else(|| Fault::Ours("no password was made".to_owned()))?;
    // Somebody else was faster: what was checked is not the present one.
    if users::locked(&mut cx.conn, cx.caller.id()).await?.map(|user| user.password_hash) != in_place_of {
        return Err(Problem::field("current", "the password was changed a moment ago: try again").into());
    }
    cx.noted.user(cx.caller.id());
    users::set_password(&mut cx.conn, cx.caller.id(), &hash, cx.caller.session_id()).await?;
    Arc::make_mut(&mut cx.caller).user.must_change = false;
    cx.told = AccountLetter::about(Happened::Changed, &cx.caller.user, Some(&ask.origin), cx.caller.time_zone());
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
            cx.noted.skip();
        }
        (None, Some(wanted)) => {
            // All of one's customers, not only the current one.
            Arc::make_mut(&mut cx.caller).session.session_customer_id = None;
            let reach = cx.caller.whole_scope();
            let own = cx.caller.kind() == UserKind::Customer && reach.customers.contains(&wanted);
            customers::get(&mut cx.conn, &reach, wanted).await?.filter(|_| own).ok_or_else(Problem::not_found)?;
            customer = Some(wanted);
            cx.noted.skip();
        }
        _ => return Err(Problem::field("shop", "give a shop or a customer").into()),
    }
    sessions::move_to(&mut cx.conn, cx.caller.session_id(), shop, customer).await?;
    let caller = Arc::make_mut(&mut cx.caller);
    caller.session.session_shop_id = shop;
    caller.session.session_customer_id = customer;
    if let Some(shop) = shop {
        caller.shop = places::shop(&mut cx.conn, &caller.whole_scope(), &shop.to_string()).await?;
    }
    Ok(Reply::ok(session_view(cx).await?))
}

pub(super) async fn session_view(cx: &mut Cx) -> Result<Session, Fault> {
    let caller = &cx.caller;
    let mut roles: Vec<String> = caller.powers.held.iter().map(|held| held.role.key.to_string()).collect();
    roles.dedup();
    let limits: BTreeMap<String, Limit> = caller
        .granted()
        .iter()
        .filter_map(|permission| Some((permission.name().to_owned(), caller.limit(permission).filter(|limit| *limit != Limit::Full)?)))
        .collect();
    let now = At::now().micros();
    let expires = (now + caller.session.idle_micros).min(caller.session.ends_at.micros());
    let customer = current_customer(cx).await?;
    let acting = acting(cx).await?;
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
            kind: caller.user_kind(),
            roles,
        },
        shop: caller.shop.as_ref().map(|shop| CurrentShop {
            shop: CodeRef { id: shop.id, code: shop.code.clone(), name: shop.name.clone() },
            country: shop.country.clone(),
            time_zone: shop.time_zone.clone(),
        }),
        customer,
        acting,
        scopes: caller.powers.held.iter().map(scope_view).collect(),
        permissions: caller.granted().iter().collect(),
        limits,
        policy_version: caller.policy_version(),
        expires_at: At::from_micros(expires).0,
        idle_seconds: caller.session.idle_micros / 1_000_000,
        must_change_password: caller.user.must_change,
        lineage: cx.app.lineage.to_string(),
    })
}

/// The customer that a customer's person looks at: the chosen one, or the only
/// one.
async fn current_customer(cx: &mut Cx) -> Result<Option<CustomerRef>, Fault> {
    let reach = cx.caller.whole_scope();
    let [only] = reach.customers.as_slice() else { return Ok(None) };
    let row = customers::get(&mut cx.conn, &reach, *only).await?;
    references::look_up(cx, &[Some(*only)]).await?;
    let number = references::number(cx, *only, &reach, None);
    Ok(row.map(|row| CustomerRef { id: row.id, number, name: row.name }))
}

fn scope_view(held: &Held) -> ScopeView {
    ScopeView { role: held.role.key.to_string(), kind: held.scope_kind.clone(), id: held.scope_id.clone(), name: held.scope_name.clone() }
}

/// In whose place the caller stands.
async fn acting(cx: &mut Cx) -> Result<Option<Acting>, Fault> {
    let (way, id, contact, allowed) = match &cx.caller.powers.standing_in {
        None => return Ok(None),
        Some(StandingIn::For(customer, allowed)) => (ActingWay::OnBehalf, *customer, None, *allowed),
        Some(StandingIn::Eyes(contact, allowed)) => {
            let name = format!("{} {}", contact.first_name, contact.last_name).trim().to_owned();
            (ActingWay::ViewAs, contact.customer_id, Some(name), *allowed)
        }
    };
    let row = customers::get(&mut cx.conn, &Scope::deployment(), id).await?.ok_or_else(Problem::not_found)?;
    let reach = cx.caller.whole_scope();
    references::look_up(cx, &[Some(id)]).await?;
    let customer = references::customer(cx, &reach, Some(id), Some(row.name)).ok_or_else(Problem::not_found)?;
    Ok(Some(Acting { way, customer, contact, allowed }))
}

/// `GET /v1/sessions`.
pub(super) async fn list(cx: &mut Cx, _: Ask<ListSessions>) -> Answer<Page<OpenSession>> {
    let current = cx.caller.session_id();
    let rows = sessions::of_user(&mut cx.conn, cx.caller.id()).await?;
    Ok(Reply::ok(Page::whole(rows.into_iter().map(|row| open_session(row, current)).collect())))
}

/// A session as it is listed.
pub(super) fn open_session(row: OpenSessionRow, current: SessionId) -> OpenSession {
    OpenSession {
        id: row.id,
        created_at: row.created_at.0,
        used_at: row.used_at.0,
        ends_at: row.ends_at.0,
        came_from: row.came_from,
        current: row.id == current,
    }
}

/// `DELETE /v1/sessions/{id}`.
pub(super) async fn end(cx: &mut Cx, ask: Ask<EndSession>) -> Answer<Nothing> {
    let ended = sessions::end_of_user(&mut cx.conn, ask.path.id, cx.caller.id()).await?;
    cx.noted.user(cx.caller.id());
    if ended { Ok(Reply::ok(Nothing {})) } else { Err(Problem::not_found().into()) }
}

/// `DELETE /v1/sessions`.
pub(super) async fn end_others(cx: &mut Cx, _: Ask<EndOtherSessions>) -> Answer<Nothing> {
    let ended = users::end_other_sessions(&mut cx.conn, cx.caller.id(), cx.caller.session_id()).await?;
    cx.noted.user(cx.caller.id());
    if ended == 0 {
        cx.noted.skip();
    }
    Ok(Reply::ok(Nothing {}))
}

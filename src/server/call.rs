//! The one way into every operation: who calls, may they, what do they send,
//! was it sent before, and how it is answered.
//!
//! A refusal by role is decided before the body or the record is looked at.
//! A write runs in one transaction with the key it was sent under, and its
//! permission is checked again inside it (G-8).

mod asked;

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use asked::{IfMatch, read_body};
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::OwnedSemaphorePermit;

use super::App;
use super::account_letter::AccountLetter;
use super::caller::{Caller, token_hash};
use super::fault::{self, Fault};
use super::gate::{self, Lane};
use super::noted::{self, Noted, Origin};
use super::password::NewPassword;
use super::password_letter::PasswordLink;
use super::powers::StandingIn;
use super::shares::{Share, Turn};
use super::steps::{self, Step};
use super::{credentials, sessions};
use crate::api::operation::{
    ChangePassword, Endpoint, GenerateContactPassword, GenerateUserPassword, GetSession, Method, Operation, SearchCustomers, SignOut, StopActing,
};
use crate::api::problem::Problem;
use crate::api::{IDEMPOTENCY_KEY, PROBLEM_JSON, lengths};
use crate::search::CustomerIndex;
use crate::store::idempotency::{self, Kept};
use crate::store::{Conn, StoreError};
use crate::text::hex;

/// The most that a body may hold.
const MAX_BODY: usize = 1 << 20;
/// The same of somebody who is not signed in: a name, a password, a token.
const MAX_BODY_OF_STRANGERS: usize = 1 << 14;
/// Room for most answers; a whole page of hits grows twice.
const USUAL_ANSWER: usize = 4 << 10;
/// After this a call is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// A write that stands waits so long for this server's index to hear of it.
const HEARD_WITHIN: Duration = Duration::from_secs(5);
/// After a start all customers are read; who searches meanwhile waits so long.
const LOADED_WITHIN: Duration = Duration::from_secs(20);

/// What a handler works with.
#[derive(Debug)]
pub(crate) struct Cx {
    /// The app.
    pub(crate) app: App,
    /// Who calls.
    pub(crate) caller: Arc<Caller>,
    /// To read with, or the transaction to write in.
    pub(crate) conn: Conn,
    /// When a write was typed: now, or before it waited for the line.
    pub(crate) typed_at: Timestamp,
    /// Customers that were looked up while the index is being filled.
    pub(crate) read_meanwhile: Option<CustomerIndex>,
    /// What the audit is told of a write.
    pub(crate) noted: Noted,
    /// The answer holds a secret: it is not kept for a repeat under its key.
    pub(crate) is_secret: bool,
    /// For an operation that sets one: made before the transaction began.
    pub(crate) new_password: Option<NewPassword>,
    /// A mail to send once the write stands.
    pub(crate) letter: Option<PasswordLink>,
    /// What somebody is told of his account then.
    pub(crate) told: Option<AccountLetter>,
}

impl Cx {
    fn new(app: App, caller: Arc<Caller>, conn: Conn) -> Self {
        Self {
            app,
            caller,
            conn,
            typed_at: Timestamp::now(),
            read_meanwhile: None,
            noted: Noted::default(),
            is_secret: false,
            new_password: None,
            letter: None,
            told: None,
        }
    }
}

/// What was asked.
#[derive(Debug)]
pub(crate) struct Ask<O: Operation> {
    /// Path parameters.
    pub(crate) path: O::Path,
    /// Query parameters.
    pub(crate) query: O::Query,
    /// Body.
    pub(crate) body: O::Body,
    /// The versions that it may change, by `If-Match`.
    pub(crate) if_match: IfMatch,
    /// Where it comes from.
    pub(crate) from: IpAddr,
    /// The same for the audit.
    pub(crate) origin: Origin,
}

/// What is answered.
#[derive(Debug)]
pub(crate) struct Reply<T> {
    status: StatusCode,
    body: T,
    version: Option<i64>,
}

impl<T> Reply<T> {
    /// 200.
    pub(crate) const fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, body, version: None }
    }

    /// 201.
    pub(crate) const fn created(body: T) -> Self {
        Self { status: StatusCode::CREATED, body, version: None }
    }

    /// With the version as `ETag`.
    pub(crate) const fn version(mut self, version: i64) -> Self {
        self.version = Some(version);
        self
    }
}

/// The result of a handler.
pub(crate) type Answer<T> = Result<Reply<T>, Fault>;

/// What runs until it has answered.
type Running<'a> = Pin<Box<dyn Future<Output = Result<Done, Fault>> + Send + 'a>>;

/// An operation without its types, so that everything around it is compiled
/// once and not once for each: it reads what was asked, runs the handler and
/// writes the answer. `server::router` makes one of each row of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Work {
    /// For whoever is signed in and may.
    SignedIn(for<'a> fn(&'a mut Cx, &'a Asked) -> Running<'a>),
    /// For anybody.
    Open(for<'a> fn(App, &'a Asked) -> Running<'a>),
}

/// What was asked, as it came.
#[derive(Debug)]
pub(crate) struct Asked {
    path: Value,
    uri: Uri,
    if_match: IfMatch,
    kept_for: Duration,
    from: IpAddr,
    origin: Origin,
    body: Bytes,
}

/// A finished answer: what is sent, and what is kept under a key.
#[derive(Debug)]
pub(crate) struct Done {
    status: StatusCode,
    body: Vec<u8>,
    version: Option<i64>,
    retry_after: Option<u64>,
}

/// Runs an operation: the one way from a request to an answer.
pub(crate) async fn run(app: App, request: Request, endpoint: &'static Endpoint, work: Work) -> Response<Body> {
    let answering = async {
        let (parts, body) = request.into_parts();
        let lane = lane(endpoint, work);
        if endpoint.name == SearchCustomers::ENDPOINT.name && !app.feed.is_loaded() {
            // In nobody's place: all others are served meanwhile.
            let loaded = tokio::time::timeout(LOADED_WITHIN, app.feed.loaded());
            loaded.await.map_err(|_| gate::busy())?;
        }
        match work {
            Work::Open(work) => {
                app.gate.look_in(lane)?;
                let asked = Asked::read(parts, read_body(body, MAX_BODY_OF_STRANGERS, app.limits.body).await?).await?;
                let _place = app.gate.enter(lane)?;
                work(app, &asked).await
            }
            Work::SignedIn(work) => {
                // A reader is in work before he is looked up, whoever writes when
                // all of it is there; both are told now if there is no place.
                app.gate.look_in(lane)?;
                let token = token_hash(bearer(&parts.headers)?);
                let share = app.callers.share_of(&app.db, &token).await?;
                let _work = if lane == Lane::Read { Some(begun(&app, &share, lane).await?) } else { None };
                // In his own turn: what was taken from him while he waited is gone.
                let known = app.callers.of_hash(&app.db, &token).await?;
                let caller = Arc::clone(&known.caller);
                tracing::Span::current().record("user", caller.user.username.as_str());
                // Never two connections at once: callers who each hold one and
                // wait for another would wait for each other. Nor one while
                // somebody's body trickles in.
                if known.notes_use() {
                    Box::pin(note_use(&app, &caller)).await;
                }
                demand(&caller, endpoint)?;
                if endpoint.method == Method::Get {
                    let asked = Asked::read(parts, Bytes::new()).await?;
                    let conn = app.db.read_at_need();
                    return work(&mut Cx::new(app, caller, conn), &asked).await;
                }
                let body = read_body(body, MAX_BODY, app.limits.body).await?;
                let _work = begun(&app, &share, lane).await?;
                // Apart, since every reader would carry the room for it along.
                Box::pin(write(Write { app, caller, endpoint, work }, parts, body)).await
            }
        }
    };
    finish(tokio::time::timeout(PATIENCE, answering).await, endpoint.method)
}

/// A call in work: it has a place, and one of its caller's turns. The place is
/// let go first: whoever has the turn next needs one.
async fn begun(app: &App, share: &Share, lane: Lane) -> Result<(OwnedSemaphorePermit, Turn), Problem> {
    let turn = share.turn(lane).await?;
    Ok((app.gate.enter(lane)?, turn))
}

fn lane(endpoint: &Endpoint, work: Work) -> Lane {
    match (work, endpoint.method) {
        (Work::Open(_), _) => Lane::Stranger,
        (Work::SignedIn(_), Method::Get) => Lane::Read,
        (Work::SignedIn(_), _) => Lane::Write,
    }
}

/// Notes that the session is used. Where nothing can be written, on a full disk
/// for one, what is there is read all the same.
async fn note_use(app: &App, caller: &Caller) {
    let noting = async {
        let mut conn = app.db.write().await?;
        crate::store::sessions::note_use(&mut conn, caller.session_id()).await?;
        conn.commit().await
    };
    if let Err(error) = noting.await {
        tracing::warn!(cause = %error, "the use of a session could not be noted");
    }
}

/// What may be done before a password that has to be changed was changed.
const BEFORE_THE_CHANGE: [&str; 3] = [GetSession::ENDPOINT.name, ChangePassword::ENDPOINT.name, SignOut::ENDPOINT.name];

/// What may be done however one stands in for somebody.
const TO_BE_ONESELF_AGAIN: [&str; 3] = [GetSession::ENDPOINT.name, StopActing::ENDPOINT.name, SignOut::ENDPOINT.name];

fn demand(caller: &Caller, endpoint: &Endpoint) -> Result<(), Problem> {
    if caller.user.must_change && !BEFORE_THE_CHANGE.contains(&endpoint.name) {
        return Err(Problem::new("password.must_change", "Change your password first: it was given to you by somebody else."));
    }
    match &caller.powers.standing_in {
        Some(_) if TO_BE_ONESELF_AGAIN.contains(&endpoint.name) => {}
        Some(StandingIn::For(_, false)) => {
            return Err(Problem::new("consent.missing", "The customer took its consent back, or you may not act for it any more. Stop acting for it."));
        }
        Some(StandingIn::Eyes(..)) if endpoint.method != Method::Get => {
            return Err(Problem::new("view.read_only", "You look through somebody else's eyes: nothing can be changed. Stop looking first."));
        }
        _ => {}
    }
    caller.demand(endpoint.needs)
}

/// A write on its way.
struct Write {
    app: App,
    caller: Arc<Caller>,
    endpoint: &'static Endpoint,
    work: for<'a> fn(&'a mut Cx, &'a Asked) -> Running<'a>,
}

/// Runs a write: at most once per key, in one transaction with the key.
async fn write(write: Write, parts: Parts, body: Bytes) -> Result<Done, Fault> {
    let Write { app, caller, endpoint, .. } = &write;
    let (user, route) = (caller.id(), route(caller, endpoint, parts.uri.path()));
    let sent_key = if endpoint.method == Method::Post { key(&parts.headers)? } else { None };
    let token = bearer(&parts.headers)?.to_owned();
    let asked = Asked::read(parts, body).await?;
    let sent = Sent { body_hash: hex(&Sha256::digest(&asked.body)), policy: caller.policy_version() };
    let _guard = match &sent_key {
        Some(key) => {
            let running = || Problem::new("idempotency.running", "The first sending under this key is still being worked on. Ask again in a moment.");
            Some(app.keys.take(user, &route, key).ok_or_else(running)?)
        }
        None => None,
    };
    let under = sent_key.as_deref().map(|key| idempotency::Key { user, route: &route, key });
    let mut new_password = new_password(&write, &asked).await?;
    // A password was hashed for one try.
    let mut once_more = new_password.is_none();
    loop {
        steps::pass(Step::Asked);
        let mut conn = app.db.write().await?;
        if let Some(under) = &under
            && let Some(kept) = idempotency::get(&mut conn, under).await?
        {
            return replay(kept, &sent);
        }
        match run_write(&write, conn, (&token, &asked), new_password.take()).await {
            Ok((cx, done)) => return commit(app, cx, done, under.as_ref(), &sent).await,
            // Somebody else took the number or the name between looking and
            // writing. Who looks again can say who.
            Err(Fault::Store(StoreError::Taken)) if once_more => once_more = false,
            Err(fault) => return refuse(app, fault, under.as_ref(), &sent).await,
        }
    }
}

/// Keeps the answer under its key, and makes both last.
async fn commit(app: &App, mut cx: Cx, done: Done, under: Option<&idempotency::Key<'_>>, sent: &Sent) -> Result<Done, Fault> {
    steps::pass(Step::Written);
    if let Some(under) = under.filter(|_| !cx.is_secret) {
        let is_kept = idempotency::keep(&mut cx.conn, under, &kept(&done, sent)).await;
        if matches!(is_kept, Err(StoreError::Taken)) {
            // Another server was faster under the same key: its answer stands.
            drop(cx);
            return again(app, under, sent).await;
        }
        is_kept?;
    }
    steps::pass(Step::Kept);
    // Once begun it is carried to its end, though the caller hangs up: whose
    // account it is hears of what was done to it.
    let (conn, told, mail) = (cx.conn, cx.told, app.mail.clone());
    let committing = tokio::spawn(async move {
        conn.commit().await?;
        steps::pass(Step::Committed);
        mail.tell(told);
        Ok::<(), StoreError>(())
    });
    committing.await.map_err(|error| Fault::Ours(error.to_string()))??;
    // It is written, whatever the feed says.
    let heard = tokio::time::timeout(HEARD_WITHIN, app.feed.catch_up(&app.db, &app.index)).await;
    if let Some(cause) = heard.map_or_else(|late| Some(late.to_string()), |heard| heard.err().map(|error| error.to_string())) {
        tracing::warn!(%cause, "the index did not hear of a write; it will soon");
        app.feed.wake();
    }
    if let Some(letter) = cx.letter {
        app.mail.send_password_link(&letter).await?;
    }
    Ok(done)
}

/// Keeps a refusal that is final. What stands in the way may be the first sending
/// itself, which came to its end meanwhile through another server, or one that
/// was killed: then its answer is the answer.
async fn refuse(app: &App, fault: Fault, under: Option<&idempotency::Key<'_>>, sent: &Sent) -> Result<Done, Fault> {
    let problem = fault.into_problem();
    let Some(under) = under.filter(|_| (400..500).contains(&problem.status) && problem.status != 401) else { return Err(problem.into()) };
    let mut conn = app.db.write().await?;
    // Who may not any more is not told what he did when he might.
    let first = if problem.status == 403 { None } else { idempotency::get(&mut conn, under).await? };
    if let Some(first) = first {
        return replay(first, sent);
    }
    if is_final(problem.status) && idempotency::keep(&mut conn, under, &kept(&refused(&problem), sent)).await.is_ok() {
        conn.commit().await?;
    }
    Err(problem.into())
}

/// What a key counts for: the same call on behalf of another customer is another
/// write.
fn route(caller: &Caller, endpoint: &Endpoint, path: &str) -> String {
    let called = format!("{} {path}", endpoint.method.name());
    match &caller.powers.standing_in {
        Some(StandingIn::For(customer, _)) => format!("{called} for {customer}"),
        _ => called,
    }
}

/// The new password of an operation that sets one. Hashing takes long and its
/// queue longer: nobody holds the one writer meanwhile.
async fn new_password(write: &Write, asked: &Asked) -> Result<Option<NewPassword>, Fault> {
    let Write { app, caller, endpoint, .. } = write;
    let is = |name: &str| endpoint.name == name;
    // What cannot be understood costs no work.
    if is(ChangePassword::ENDPOINT.name) {
        return Ok(Some(sessions::new_password(app, caller, asked.understood()?).await?));
    }
    if is(GenerateContactPassword::ENDPOINT.name) {
        asked.understood::<GenerateContactPassword>()?;
    } else if is(GenerateUserPassword::ENDPOINT.name) {
        asked.understood::<GenerateUserPassword>()?;
    } else {
        return Ok(None);
    }
    Ok(Some(credentials::new_password(app).await?))
}

async fn run_write(write: &Write, mut conn: Conn, (token, asked): (&str, &Asked), new_password: Option<NewPassword>) -> Result<(Cx, Done), Fault> {
    // Again, in the transaction of the write: a right taken away a moment ago
    // must not write.
    let caller = Arc::new(Caller::of_token(&mut conn, token).await?);
    demand(&caller, write.endpoint)?;
    let typed_at = Timestamp::now() - asked.kept_for;
    let mut cx = Cx { typed_at, new_password, ..Cx::new(write.app.clone(), caller, conn) };
    let done = (write.work)(&mut cx, asked).await?;
    let noted = std::mem::take(&mut cx.noted);
    noted::write(&mut cx.conn, &cx.caller, write.endpoint, (&asked.path, &asked.body), noted, &asked.origin).await?;
    Ok((cx, done))
}

/// Only final answers are kept: 2xx, and 4xx other than 401, 409 and 429. Who
/// was signed out a moment ago signs in again and sends the same.
fn is_final(status: u16) -> bool {
    (400..500).contains(&status) && ![401, 409, 429].contains(&status)
}

/// What was sent under a key, and by whose rights.
struct Sent {
    body_hash: String,
    policy: String,
}

fn kept(done: &Done, sent: &Sent) -> Kept {
    Kept {
        body_hash: sent.body_hash.clone(),
        policy: sent.policy.clone(),
        status: i64::from(done.status.as_u16()),
        version: done.version,
        answer: String::from_utf8_lossy(&done.body).into_owned(),
    }
}

fn replay(kept: Kept, sent: &Sent) -> Result<Done, Fault> {
    if kept.body_hash != sent.body_hash {
        return Err(Problem::new("idempotency.reused", "Something else was sent under this key before. Take a new key for a new write.").into());
    }
    let status = u16::try_from(kept.status).ok().and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK);
    // It could hold what the caller may not see any more. Answers of before this
    // was kept say nothing of it.
    if !kept.policy.is_empty() && kept.policy != sent.policy {
        let detail = if status.is_client_error() {
            "This was sent before and was refused, so nothing was changed. What you may do has changed since: send it under a new key."
        } else {
            "This was sent before and is done, but what you may do has changed since: look the record up."
        };
        return Err(Problem::new("idempotency.rights_changed", detail).into());
    }
    Ok(Done { status, body: kept.answer.into_bytes(), version: kept.version, retry_after: None })
}

async fn again(app: &App, under: &idempotency::Key<'_>, sent: &Sent) -> Result<Done, Fault> {
    let mut conn = app.db.read().await?;
    let kept = idempotency::get(&mut conn, under).await?.ok_or_else(|| Fault::Ours("a key was taken and is gone".to_owned()))?;
    replay(kept, sent)
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let sent = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(|value| value.split_once(' '));
    match sent {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() => Ok(token.trim()),
        _ => Err(Problem::new("session.required", "Sign in first: send the token as Authorization: Bearer.")),
    }
}

fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    match value.to_str() {
        // A tab is a sign of a header, and none that is printed.
        Ok(key) if (1..=lengths::IDEMPOTENCY_KEY).contains(&key.len()) && !key.contains('\t') => Ok(Some(key.to_owned())),
        _ => Err(Problem::field("idempotency_key", format!("1 to {} printable characters", lengths::IDEMPOTENCY_KEY))),
    }
}

impl<T: Serialize> Reply<T> {
    /// Written out; a `DELETE` answers nothing.
    pub(crate) fn done(self, method: Method) -> Result<Done, Fault> {
        if method == Method::Delete {
            return Ok(Done { status: StatusCode::NO_CONTENT, body: Vec::new(), version: self.version, retry_after: None });
        }
        let mut body = Vec::with_capacity(USUAL_ANSWER);
        serde_json::to_writer(&mut body, &self.body).map_err(|error| Fault::Ours(error.to_string()))?;
        Ok(Done { status: self.status, body, version: self.version, retry_after: None })
    }
}

fn refused(problem: &Problem) -> Done {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Done { status, body: serde_json::to_vec(problem).unwrap_or_default(), version: None, retry_after: problem.retry_after }
}

fn finish(ran: Result<Result<Done, Fault>, tokio::time::error::Elapsed>, method: Method) -> Response<Body> {
    let done = match ran {
        Ok(Ok(done)) => done,
        Ok(Err(fault)) => refused(&fault.into_problem()),
        Err(_) if method == Method::Get => refused(&gate::busy()),
        Err(_) => refused(&fault::given_up()),
    };
    respond(done)
}

fn respond(done: Done) -> Response<Body> {
    let mut response = Response::new(Body::from(done.body));
    *response.status_mut() = done.status;
    let kind = if done.status.is_client_error() || done.status.is_server_error() { PROBLEM_JSON } else { "application/json" };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if done.status == StatusCode::UNAUTHORIZED {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(seconds) = done.retry_after {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(version) = done.version
        && let Ok(tag) = HeaderValue::from_str(&format!("\"{version}\""))
    {
        headers.insert(header::ETAG, tag);
    }
    response
}

/// A problem as a response, for what never reaches an operation.
pub(crate) fn problem_response(problem: &Problem) -> Response<Body> {
    respond(refused(problem))
}

/// 412 with the record as it is now.
pub(crate) fn version_stale(current: impl Serialize) -> Problem {
    Problem::new("version.stale", "Somebody else changed this meanwhile. Look at both and decide.").about(current)
}

/// 412 with the record as it is now, if `If-Match` names other versions only.
pub(crate) fn check_version(sent: &IfMatch, version: i64, current: impl Serialize) -> Result<(), Problem> {
    if sent.allows(version) { Ok(()) } else { Err(version_stale(current)) }
}

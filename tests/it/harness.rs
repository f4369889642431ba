//! The real server over a small fixed world, once per database.
//!
//! [`on_both_databases`] makes two tests of each story: one on a fresh SQLite
//! file, one on a fresh PostgreSQL database. Both are copies of one filled
//! beforehand, so that a story costs milliseconds.

pub(crate) mod cluster;
pub(crate) mod exchange;
mod fixture;
mod postgres;
pub(crate) mod provider;
pub(crate) mod rows;
pub(crate) mod serving;
mod smtp;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use countertop::api::ids::{AssetId, SessionId, UserId};
use countertop::config::OidcSettings;
use countertop::server::{App, Arrangements, IdentityProvider, Running, Transport, serve};
use countertop::store::assets::{self, NewAsset};
use countertop::store::sessions::{self, NewSession};
use countertop::store::users::{self, NewGrant};
use countertop::store::{At, Db, DbKind, Scope, places};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::dice;

pub(crate) use fixture::{Ids, TRUCK_VIN, grant, quick_hash, user_row};
pub(crate) use smtp::MailServer;

/// Makes the tests `story::sqlite` and `story::postgres` of each
/// `async fn story(w: World) { … }`.
macro_rules! on_both_databases {
    ($($(#[$note:meta])* async fn $story:ident($world:ident: World) $told:block)*) => {
        $(
            $(#[$note])*
            mod $story {
                #[allow(unused_imports, reason = "a story may need none of them")]
                use super::*;

                async fn story($world: $crate::harness::World) $told

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() {
                    $crate::harness::tell($crate::harness::Database::Sqlite, story).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() {
                    $crate::harness::tell($crate::harness::Database::Postgres, story).await;
                }
            }
        )*
    };
}

/// Which database a story runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// No story takes longer, unless `COUNTERTOP_MINUTES` lets one of a larger size.
fn longest() -> Duration {
    Duration::from_mins(dice::number_from("COUNTERTOP_MINUTES").unwrap_or(4))
}

/// Tells a story in a world of its own.
pub(crate) async fn tell<S, F>(database: Database, story: S)
where
    S: FnOnce(World) -> F,
    F: Future<Output = ()>,
{
    tell_within(database, longest(), story).await;
}

/// Tells a story that may take its time.
pub(crate) async fn tell_within<S, F>(database: Database, its_longest: Duration, story: S)
where
    S: FnOnce(World) -> F,
    F: Future<Output = ()>,
{
    let world = World::new(database).await;
    // A story that hangs fails and does not keep all others waiting.
    tokio::time::timeout(its_longest, story(world.clone())).await.expect("the story came to its end");
    tokio::time::timeout(longest(), world.end()).await.expect("the world came to its end");
}

/// The fixed world in a database that nobody serves yet.
#[derive(Debug)]
pub(crate) struct Ground {
    /// The database's address.
    pub(crate) address: String,
    /// The records.
    pub(crate) ids: Ids,
    /// The database to drop on a lent PostgreSQL.
    lent: Option<String>,
    /// Where the SQLite file is; it goes with the ground.
    _files: Option<TempDir>,
}

impl Ground {
    /// A copy of the one that was filled beforehand.
    pub(crate) async fn new(database: Database) -> Self {
        match database {
            Database::Sqlite => {
                let (bytes, ids) = sqlite_template().await;
                let files = tempfile::tempdir().unwrap();
                let path = files.path().join("world.db");
                std::fs::write(&path, bytes).unwrap();
                Self { address: format!("sqlite://{}", path.display()), ids: *ids, lent: None, _files: Some(files) }
            }
            Database::Postgres => {
                let (template, ids) = postgres_template().await;
                let server = postgres::server();
                let name = server.create(Some(template)).await;
                Self { address: server.address(&name), ids: *ids, lent: server.is_lent().then_some(name), _files: None }
            }
        }
    }

    /// On a lent server the database has to go; all else goes by itself.
    pub(crate) async fn end(&self) {
        if let Some(name) = &self.lent {
            postgres::server().remove(name).await;
        }
    }
}

/// A server over the fixed world. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct World(Arc<Parts>);

/// What a world is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    /// The records.
    pub(crate) ids: Ids,
    /// The server's app, for what the API cannot tell.
    pub(crate) app: App,
    /// `http://127.0.0.1:PORT`.
    pub(crate) server: String,
    http: reqwest::Client,
    running: Mutex<Option<Running>>,
    /// Further servers over the same database; they end when they are let go.
    others: Mutex<Vec<Running>>,
    ground: Ground,
}

impl Deref for World {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

/// A server that has read what it searches: whoever asks at once is told otherwise.
async fn started(db: Db, arrangements: Arrangements) -> Running {
    let running = serve(db, SocketAddr::from(([127, 0, 0, 1], 0)), Transport::Plain, arrangements).await.expect("the server starts");
    tokio::time::timeout(longest(), running.app.ready()).await.expect("the customers are read");
    running
}

impl World {
    async fn new(database: Database) -> Self {
        let ground = Ground::new(database).await;
        let db = Db::open(&ground.address).await.expect("the database opens");
        Self::served(db, ground).await
    }

    /// A world in an empty database of the story's own.
    pub(crate) async fn over(address: &str) -> Self {
        let db = Db::open(address).await.expect("the database opens");
        let ids = fixture::fill(&db).await;
        Self::served(db, Ground { address: address.to_owned(), ids, lent: None, _files: None }).await
    }

    async fn served(db: Db, ground: Ground) -> Self {
        let running = started(db, Arrangements::default()).await;
        let (app, server) = (running.app.clone(), format!("http://{}", running.address));
        let (running, others) = (Mutex::new(Some(running)), Mutex::default());
        Self(Arc::new(Parts { ids: ground.ids, app, server, http: http_client(), running, others, ground }))
    }

    /// The database's address.
    pub(crate) fn address(&self) -> &str {
        &self.ground.address
    }

    /// Another server over the same database, with an identity provider. It
    /// ends with the world.
    pub(crate) async fn with_provider(&self, settings: &OidcSettings) -> Caller {
        let provider = IdentityProvider::from_settings(settings).expect("settings that can be used").map(Arc::new);
        let arrangements = Arrangements { provider, ..Arrangements::default() };
        let second = started(self.app.db.clone(), arrangements).await;
        let server = format!("http://{}", second.address);
        self.others.lock().unwrap().push(second);
        Caller { server, ..self.stranger() }
    }

    /// Stops the server as SIGTERM does.
    pub(crate) async fn stop(&self) {
        self.others.lock().unwrap().clear();
        let running = self.running.lock().unwrap().take();
        if let Some(running) = running {
            running.stop().await.expect("the server had not ended by itself");
        }
    }

    async fn end(&self) {
        if self.ground.lent.is_some() {
            self.stop().await;
            self.ground.end().await;
        }
    }

    /// Somebody without a session.
    pub(crate) fn stranger(&self) -> Caller {
        Caller { http: self.http.clone(), server: self.server.clone(), token: None }
    }

    /// Another server over the same database, with arrangements of its own. It
    /// lives as long as what is given back.
    pub(crate) async fn beside(&self, arrangements: Arrangements) -> Beside {
        self.beside_by(self.app.db.clone(), arrangements).await
    }

    /// The same by another way to the database.
    pub(crate) async fn beside_by(&self, db: Db, arrangements: Arrangements) -> Beside {
        let running = started(db, arrangements).await;
        let caller = Caller { server: format!("http://{}", running.address), ..self.stranger() };
        Beside { caller, _running: running }
    }

    /// Signs somebody in; everybody's password is `demo`.
    pub(crate) async fn sign_in(&self, username: &str) -> Caller {
        let (status, body) = self.stranger().post("/v1/sessions", json!({ "username": username, "password": "demo" })).await;
        assert_eq!(status, 201, "{username} signs in: {body}");
        self.with_token(body["token"].as_str().expect("a token"))
    }

    /// Whoever holds that token.
    pub(crate) fn with_token(&self, token: &str) -> Caller {
        Caller { token: Some(token.to_owned()), ..self.stranger() }
    }

    /// Adds an account with the password `demo`.
    pub(crate) async fn add_user(&self, username: &str, kind: &str, grants: &[NewGrant]) -> UserId {
        let row = user_row(username, kind, ("Some", "Body"), (kind != "customer").then_some(self.ids.sln));
        let mut conn = self.app.db.write().await.unwrap();
        users::insert(&mut conn, &row, grants).await.unwrap();
        conn.commit().await.unwrap();
        row.id
    }

    /// Opens a session beside the sign-in: with an idle time and an end of the
    /// story's choice.
    pub(crate) async fn open_session(&self, user: UserId, idle: SignedDuration, ends_at: Timestamp) -> Caller {
        let token = uuid::Uuid::now_v7().to_string();
        let session = NewSession {
            id: SessionId::new(),
            user,
            token_hash: token_hash(&token),
            shop: None,
            customer: None,
            idle_micros: i64::try_from(idle.as_micros()).unwrap(),
            ends_at: At(ends_at),
            came_from: None,
        };
        let mut conn = self.app.db.write().await.unwrap();
        sessions::open(&mut conn, &session).await.unwrap();
        conn.commit().await.unwrap();
        self.with_token(&token)
    }

    /// Adds an active machine to an owner.
    pub(crate) async fn add_asset(&self, organization: &str, number: &str) -> AssetId {
        let mut conn = self.app.db.write().await.unwrap();
        let owner = places::organization(&mut conn, &Scope::deployment(), organization).await.unwrap().expect("a known owner");
        let new = NewAsset { asset_number: number.to_owned(), ..NewAsset::default() };
        let id = assets::insert(&mut conn, owner.id, &new).await.unwrap();
        conn.commit().await.unwrap();
        id
    }
}

/// A database without a table, of either kind.
#[derive(Debug)]
pub(crate) struct Empty {
    /// Where it is.
    pub(crate) address: String,
    /// Its name on a lent PostgreSQL, from where it has to go.
    lent: Option<String>,
    files: Option<TempDir>,
}

impl Empty {
    /// A new one.
    pub(crate) async fn of(kind: DbKind) -> Self {
        match kind {
            DbKind::Sqlite => {
                let files = tempfile::tempdir().unwrap();
                Self { address: format!("sqlite://{}", files.path().join("empty.db").display()), lent: None, files: Some(files) }
            }
            DbKind::Postgres => {
                let server = postgres::server();
                let name = server.create(None).await;
                Self { address: server.address(&name), lent: server.is_lent().then_some(name), files: None }
            }
        }
    }

    /// The file, where it is one.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        self.files.as_ref().map(|files| files.path().join("empty.db"))
    }

    /// Takes it away.
    pub(crate) async fn remove(self) {
        if let Some(name) = &self.lent {
            postgres::server().remove(name).await;
        }
    }
}

/// A second server over the same world.
#[derive(Debug)]
pub(crate) struct Beside {
    caller: Caller,
    _running: Running,
}

impl Beside {
    /// Somebody without a session there.
    pub(crate) fn stranger(&self) -> Caller {
        self.caller.clone()
    }

    /// Somebody who comes over from another server.
    pub(crate) fn joined_by(&self, caller: &Caller) -> Caller {
        Caller { token: caller.token.clone(), ..self.stranger() }
    }

    /// Signs somebody in there.
    pub(crate) async fn sign_in(&self, username: &str) -> Caller {
        let (status, body) = self.caller.post("/v1/sessions", json!({ "username": username, "password": "demo" })).await;
        assert_eq!(status, 201, "{username} signs in: {body}");
        Caller { token: body["token"].as_str().map(str::to_owned), ..self.caller.clone() }
    }
}

/// How the server keeps a token.
pub(crate) fn token_hash(token: &str) -> String {
    let hex: Vec<String> = Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    hex.concat()
}

/// So many days before now, as it is sent.
pub(crate) fn days_ago(days: f64) -> String {
    ago(SignedDuration::from_secs_f64(days * 86_400.0))
}

/// A time before now, as it is sent.
pub(crate) fn ago(back: SignedDuration) -> String {
    (Timestamp::now() - back).to_string()
}

fn http_client() -> reqwest::Client {
    http_builder(Duration::from_secs(90)).build().expect("an HTTP client")
}

/// HTTP only: no certificate is ever looked at, so none are loaded.
fn http_builder(patience: Duration) -> reqwest::ClientBuilder {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(patience).tls_danger_accept_invalid_certs(true)
}

/// The filled SQLite file.
async fn sqlite_template() -> &'static (Vec<u8>, Ids) {
    static TEMPLATE: OnceCell<(Vec<u8>, Ids)> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let files = tempfile::tempdir().unwrap();
            let path = files.path().join("template.db");
            let db = Db::open(&format!("sqlite://{}", path.display())).await.unwrap();
            let ids = fixture::fill(&db).await;
            if let Db::Sqlite { write, .. } = &db {
                // All of it into the one file that is copied.
                sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(write).await.unwrap();
            }
            db.close().await;
            (std::fs::read(&path).unwrap(), ids)
        })
        .await
}

/// The filled PostgreSQL database.
async fn postgres_template() -> &'static (String, Ids) {
    static TEMPLATE: OnceCell<(String, Ids)> = OnceCell::const_new();
    TEMPLATE
        .get_or_init(|| async {
            let server = postgres::server();
            let name = server.create(None).await;
            let db = Db::open(&server.address(&name)).await.unwrap();
            let ids = fixture::fill(&db).await;
            db.close().await;
            (name, ids)
        })
        .await
}

/// Somebody who calls the API.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    http: reqwest::Client,
    /// Whom it calls.
    pub(crate) server: String,
    /// The session's token.
    pub(crate) token: Option<String>,
}

/// An answer as it came.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// Its headers.
    pub(crate) headers: HeaderMap,
    /// Its body.
    pub(crate) text: String,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// A header, empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The version in the `ETag`.
    pub(crate) fn version(&self) -> Option<i64> {
        self.header("etag").trim_matches('"').parse().ok()
    }
}

impl Caller {
    /// Somebody without a session who waits no longer than that, and comes anew
    /// with each call.
    pub(crate) fn at(server: &str, patience: Duration) -> Self {
        let http = http_builder(patience).pool_max_idle_per_host(0).build().expect("an HTTP client");
        Self { http, server: server.to_owned(), token: None }
    }

    /// The same person with connections of his own, who calls another address.
    pub(crate) fn moved_to(&self, server: &str) -> Self {
        Self { http: http_client(), server: server.to_owned(), token: self.token.clone() }
    }

    /// Somebody without a session, at a server that is no world's.
    pub(crate) fn of(server: &str) -> Self {
        Self { http: http_client(), server: server.to_owned(), token: None }
    }

    /// The same with a token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same person at another server over the same database.
    pub(crate) fn over_at(&self, server: &str) -> Self {
        Self { server: server.to_owned(), ..self.clone() }
    }

    /// Sends anything: method, path, headers, body.
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Vec<u8>>) -> Answer {
        self.try_to_send(method, path, headers, body).await.expect("the server answers, and the answer is whole")
    }

    /// The same on a line or to a server that may break.
    pub(crate) async fn try_to_send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Vec<u8>>) -> reqwest::Result<Answer> {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.server));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Answer { status, headers, text: response.text().await? })
    }

    async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<Value>) -> (u16, Value) {
        let answer = self.send(method, path, headers, body.map(|body| body.to_string().into_bytes())).await;
        (answer.status, answer.json())
    }

    /// Reads.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, &[], None).await
    }

    /// Reads with query parameters.
    pub(crate) async fn find(&self, path: &str, parameters: &[(&str, &str)]) -> (u16, Value) {
        let url = reqwest::Url::parse_with_params(&format!("{}{path}", self.server), parameters).unwrap();
        let query = url.query().unwrap_or_default();
        self.get(&format!("{path}?{query}")).await
    }

    /// Creates or acts.
    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.ask("POST", path, &[], Some(body)).await
    }

    /// Creates or acts, at most once under a key.
    pub(crate) async fn post_with_key(&self, path: &str, key: &str, body: Value) -> Answer {
        self.send("POST", path, &[("idempotency-key", key)], Some(body.to_string().into_bytes())).await
    }

    /// Changes, perhaps only if the record is still of a version.
    pub(crate) async fn patch(&self, path: &str, body: Value, if_match: Option<i64>) -> (u16, Value) {
        self.change("PATCH", path, body, if_match).await
    }

    /// Sets, perhaps only if the record is still of a version.
    pub(crate) async fn put(&self, path: &str, body: Value, if_match: Option<i64>) -> (u16, Value) {
        self.change("PUT", path, body, if_match).await
    }

    async fn change(&self, method: &str, path: &str, body: Value, if_match: Option<i64>) -> (u16, Value) {
        let tag = if_match.map(|version| format!("\"{version}\""));
        let headers: Vec<(&str, &str)> = tag.iter().map(|tag| ("if-match", tag.as_str())).collect();
        self.ask(method, path, &headers, Some(body)).await
    }

    /// Ends.
    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.ask("DELETE", path, &[], None).await
    }
}

/// Asserts a refusal by status and code.
#[track_caller]
pub(crate) fn refused(answer: &(u16, Value), status: u16, code: &str) {
    assert_eq!((answer.0, answer.1["code"].as_str()), (status, Some(code)), "{}", answer.1);
}

/// Asserts that exactly these fields of a form were refused.
#[track_caller]
pub(crate) fn refused_fields(answer: &(u16, Value), fields: &[&str]) {
    refused(answer, 422, "fields.invalid");
    assert_eq!(keys(&answer.1["fields"]), fields.iter().map(|field| (*field).to_owned()).collect::<BTreeSet<String>>(), "{}", answer.1);
}

/// Asserts a refusal by role with exactly these permissions missing.
#[track_caller]
pub(crate) fn refused_by_role(answer: &(u16, Value), missing: &[&str]) {
    refused(answer, 403, "permission.missing");
    assert_eq!(answer.1["missing"], json!(missing), "{}", answer.1);
}

/// The names of an object's members.
pub(crate) fn keys(object: &Value) -> BTreeSet<String> {
    object.as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

/// One member of each item, as text.
pub(crate) fn each<'v>(body: &'v Value, pointer: &str) -> Vec<&'v str> {
    let items = body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(|item| item.pointer(pointer).and_then(Value::as_str).unwrap_or("(none)")).collect()
}

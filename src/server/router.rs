//! Mounts every operation of the table, and the few paths beside it.

use std::net::SocketAddr;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::header::ACCEPT_ENCODING;
use axum::http::{HeaderValue, Response};
use axum::middleware::{self, Next};
use axum::routing::{MethodFilter, MethodRouter, get, on};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _, SizeAbove};
use tower_http::compression::{CompressionLayer, CompressionLevel};
use tracing::Instrument;

use super::call::{Work, problem_response};
use super::{
    App, acting, assets, call, contacts, credentials, customer_numbers, customers, device_sign_ins, docs, grants, health, history, kiosks, lookup, meters,
    openapi, places, portal, requests, roles, sessions, set_password_page, users,
};
use crate::api::REQUEST_ID;
use crate::api::operation::{self, Endpoint, Method, Operation as _, for_each_operation};
use crate::api::problem::Problem;

macro_rules! work_of {
    (open, $name:ident, $module:ident::$handler:ident) => {
        Work::Open(|app, asked| {
            Box::pin(async move { $module::$handler(app, asked.understood::<operation::$name>()?).await?.done(operation::$name::ENDPOINT.method) })
        })
    };
    ($signed_in:ident, $name:ident, $module:ident::$handler:ident) => {
        Work::SignedIn(|cx, asked| {
            Box::pin(async move { $module::$handler(cx, asked.understood::<operation::$name>()?).await?.done(operation::$name::ENDPOINT.method) })
        })
    };
}

macro_rules! mount_operations {
    ($($name:ident = $method:ident $path:literal, $rule:ident $([$($need:literal),*])?, ($at:ty, $query:ty, $body:ty) -> $answer:ty, $module:ident::$handler:ident, $summary:literal $(, done $done:literal)? $(, more [$($more:literal),*])? $(, also [$($also:literal),*])?;)*) => {
        /// Every operation of the table at its path.
        fn operations() -> Router<App> {
            Router::new()$(.route($path, mounted(const { &operation::$name::ENDPOINT }, work_of!($rule, $name, $module::$handler))))*
        }
    };
}

fn mounted(endpoint: &'static Endpoint, work: Work) -> MethodRouter<App> {
    let method = match endpoint.method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Patch => MethodFilter::PATCH,
        Method::Put => MethodFilter::PUT,
        Method::Delete => MethodFilter::DELETE,
    };
    on(method, move |State(app): State<App>, request: Request| call::run(app, request, endpoint, work))
}

for_each_operation!(mount_operations);

/// The whole server as one service.
pub(crate) fn router(app: App) -> Router {
    operations()
        .route("/openapi.json", get(openapi::serve))
        .route("/docs", get(docs::serve))
        .route(set_password_page::PATH, get(set_password_page::serve))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(|| async { problem_response(&Problem::new("not_found", "There is no such path. See /docs.")) })
        .method_not_allowed_fallback(|| async { problem_response(&Problem::new("method.not_allowed", "This path does not answer this method. See /docs.")) })
        .layer(CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest).compress_when(DefaultPredicate::new().and(SizeAbove::new(ONE_PACKET))))
        .layer(middleware::from_fn(observe))
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            problem_response(&Problem::new("server.failed", "The server failed; nothing was changed. Try again."))
        }))
        .with_state(app)
}

/// What fits into one packet is not there sooner for being smaller.
const ONE_PACKET: u64 = 1_400;

/// On this machine nothing is gained by packing and unpacking; behind a proxy the
/// line begins only there.
fn stays_here(request: &Request) -> bool {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback()) && !request.headers().contains_key("x-forwarded-for")
}

/// Gives every request an id, a line in the log and a place in the metrics.
/// Only the path's template is noted: search terms are personal data.
async fn observe(mut request: Request, next: Next) -> Response<Body> {
    let id = request_id(&request);
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let path = matched.as_ref().map_or("unknown", MatchedPath::as_str);
    let method = known(request.method());
    if let Ok(value) = HeaderValue::from_str(&id) {
        request.headers_mut().insert(REQUEST_ID, value);
    }
    if stays_here(&request) {
        request.headers_mut().remove(ACCEPT_ENCODING);
    }
    let span = tracing::info_span!("request", id = %id, method = %method, path = %path, user = tracing::field::Empty);
    let begun = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let took = begun.elapsed();
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    // A counter reads many times a second, and all of it is in the metrics.
    let is_everyday = method == Method::Get.name() && status < 400;
    span.in_scope(|| if is_everyday { tracing::debug!(status, micros, "answered") } else { tracing::info!(status, micros, "answered") });
    health::count(method, path, status, took);
    with_request_id(response, &id).await
}

/// A method's name; those that somebody made up share one.
fn known(method: &axum::http::Method) -> &'static str {
    let table = [Method::Get, Method::Post, Method::Patch, Method::Put, Method::Delete];
    table.into_iter().map(Method::name).find(|name| method.as_str() == *name).unwrap_or("other")
}

/// The caller's own id if it is harmless, else a new one.
fn request_id(request: &Request) -> String {
    let sent = request.headers().get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let harmless = |id: &&str| (1..=64).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    sent.filter(harmless).map_or_else(|| uuid::Uuid::now_v7().to_string(), str::to_owned)
}

/// Puts the id into the header, and into a failure's body so that it can be
/// read out on the telephone.
async fn with_request_id(response: Response<Body>, id: &str) -> Response<Body> {
    let (mut parts, body) = response.into_parts();
    if let Ok(value) = HeaderValue::from_str(id) {
        parts.headers.insert(REQUEST_ID, value);
    }
    let encoded = parts.headers.contains_key(axum::http::header::CONTENT_ENCODING);
    if !parts.status.is_server_error() || encoded {
        return Response::from_parts(parts, body);
    }
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    let told = serde_json::from_slice::<Problem>(&bytes).ok().map(|problem| Problem { request_id: Some(id.to_owned()), ..problem });
    let bytes = told.and_then(|problem| serde_json::to_vec(&problem).ok()).map_or(bytes, Into::into);
    parts.headers.remove(axum::http::header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(bytes))
}

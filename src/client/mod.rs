//! Calls the API over HTTP: typed by the table of operations, with a deadline,
//! with retries where a repeat cannot harm, and with typed errors. A server may
//! be anybody's: what it answers is measured, and what it says made harmless.
//!
//! May call [`crate::api`] and [`crate::text`]. Used by the terminal application
//! and by the verbs of the command line.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

mod again;
mod call;
pub mod credentials;
pub mod folder;
pub mod keeper;
pub mod keyring;
pub mod outbox;
mod trust;

use std::sync::OnceLock;
use std::time::Duration;

use again::Again;
pub use call::Call;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Response, StatusCode};
pub use trust::Trust;

use crate::api::operation::{Method, Operation};
use crate::api::problem::Problem;
use crate::api::{IDEMPOTENCY_KEY, KEPT_FOR};
use crate::text::{LONGEST_SENTENCE, for_screen};

/// One call is given up after this.
const PATIENCE: Duration = Duration::from_secs(30);
/// A server that does not take the line within this is not reachable.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// The most that an answer may hold, counted as it is unpacked. The longest page
/// of ours is a tenth of it; whoever sends more wants to fill the memory.
const MOST: usize = 16 << 20;

/// Why a call brought nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ClientError {
    /// The server refused; what it says is meant for people.
    #[error(transparent)]
    Refused(#[from] Problem),
    /// No answer came.
    #[error("the server {server} cannot be reached: {cause}")]
    Unreachable {
        /// The address asked.
        server: String,
        /// What the network said.
        cause: String,
    },
    /// Whatever stands before the server answered in its place, and asked to be
    /// left alone for a while.
    #[error("the server {server} cannot be reached: status {status} comes in its place, and wants no other try for {} s", .after.as_secs())]
    Busy {
        /// The address asked.
        server: String,
        /// What came.
        status: u16,
        /// For how long.
        after: Duration,
    },
    /// Somebody answers who cannot be trusted, or nobody could be.
    #[error("no trusted connection to {server}: {cause}")]
    Untrusted {
        /// The address asked.
        server: String,
        /// What is wrong with the certificate or with what is configured.
        cause: String,
    },
    /// An answer came that is none of ours.
    #[error("the server {server} answered something else than countertop does: {cause}")]
    Strange {
        /// The address asked.
        server: String,
        /// What was odd.
        cause: String,
    },
    /// The address is no web address.
    #[error("{0:?} is no server address: write https://host:port")]
    Address(String),
    /// Passwords would travel for everybody to read.
    #[error(
        "{0} is plain HTTP to another machine, where passwords can be read on the way: write https://, \
         or name the same address a second time as client.plain_http in the configuration"
    )]
    PlainHttp(String),
}

impl ClientError {
    /// An answer that is none of ours. What was odd may quote it, so that it is
    /// made harmless here.
    #[must_use]
    pub fn strange(server: &str, cause: &str) -> Self {
        Self::Strange { server: server.to_owned(), cause: told(cause) }
    }

    /// The refusal, if it is one.
    #[must_use]
    pub const fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Refused(problem) => Some(problem),
            _ => None,
        }
    }

    /// Whether the line is at fault and not what was asked.
    #[must_use]
    pub const fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy { .. } | Self::Untrusted { .. })
    }

    /// In few words where the line is at fault: the screen says beside it that
    /// it is off line, and at which address.
    #[must_use]
    pub fn in_short(&self) -> String {
        match self {
            Self::Unreachable { .. } | Self::Busy { .. } => "the server cannot be reached".to_owned(),
            other => other.to_string(),
        }
    }

    /// For how long the server, or what stands before it, wants nothing more of
    /// us; none where it does not say.
    #[must_use]
    pub fn asked_to_wait(&self) -> Option<Duration> {
        match self {
            Self::Busy { after, .. } => Some(*after),
            _ => self.problem()?.retry_after.map(Duration::from_secs),
        }
    }

    /// Whether nothing was said of what was asked, and the same may go well
    /// later: the line is down, or the server is out of service for now.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        self.is_unreachable() || self.problem().is_some_and(|problem| matches!(problem.status, 502..=504))
    }
}

/// A connection to one server, with or without a session.
#[derive(Debug)]
pub struct Client {
    server: String,
    token: Option<String>,
    trust: Trust,
    encrypted: bool,
    /// Made at the first call: it reads certificates, which the first frame
    /// must not wait for.
    http: OnceLock<Result<reqwest::Client, ClientError>>,
}

impl Client {
    /// For a server's address such as `http://127.0.0.1:7420`.
    ///
    /// # Errors
    /// [`ClientError::Address`] and [`ClientError::PlainHttp`].
    pub fn new(server: &str, token: Option<String>) -> Result<Self, ClientError> {
        Self::trusting(server, token, Trust::default())
    }

    /// For a server that is trusted by something else than what this machine
    /// knows.
    ///
    /// # Errors
    /// [`ClientError::Address`] and [`ClientError::PlainHttp`].
    pub fn trusting(server: &str, token: Option<String>, trust: Trust) -> Result<Self, ClientError> {
        let server = server.trim().trim_end_matches('/');
        let url = reqwest::Url::parse(server).map_err(|_| ClientError::Address(server.to_owned()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(ClientError::Address(server.to_owned()));
        }
        let encrypted = url.scheme() == "https";
        if !encrypted && !trust.allows_plain(&url) {
            return Err(ClientError::PlainHttp(server.to_owned()));
        }
        Ok(Self { server: server.to_owned(), token, trust, encrypted, http: OnceLock::new() })
    }

    /// The server's address.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The same server with another session.
    #[must_use]
    pub fn with_token(&self, token: Option<String>) -> Self {
        Self { server: self.server.clone(), token, trust: self.trust.clone(), encrypted: self.encrypted, http: self.http.clone() }
    }

    /// Whether a session's token is at hand.
    #[must_use]
    pub const fn has_token(&self) -> bool {
        self.token.is_some()
    }

    /// Calls an operation.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn call<O: Operation>(&self, path: &O::Path, query: &O::Query, body: &O::Body) -> Result<O::Answer, ClientError> {
        let answer = self.send(&Call::of::<O>(path, query, body)).await?;
        self.read(&answer)
    }

    /// Reads an answer's shape.
    ///
    /// # Errors
    /// [`ClientError::Strange`].
    pub fn read<T: serde::de::DeserializeOwned>(&self, answer: &[u8]) -> Result<T, ClientError> {
        let answer = if answer.is_empty() { b"{}" } else { answer };
        serde_json::from_slice(answer).map_err(|error| self.strange(&error.to_string()))
    }

    /// Sends a prepared call and gives the answer's body.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn send(&self, call: &Call) -> Result<Vec<u8>, ClientError> {
        self.send_telling(call, |_| {}).await
    }

    /// The same, and tells for how long a busy server wants to be left alone
    /// before the call is tried again.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn send_telling(&self, call: &Call, is_busy: impl Fn(Duration)) -> Result<Vec<u8>, ClientError> {
        let mut tries = 0;
        loop {
            let (error, again) = match self.send_once(call).await {
                Ok(answer) => return Ok(answer),
                Err(fault) => fault,
            };
            let Some(pause) = again.pause(tries, call.method == Method::Get, call.may_be_repeated(), rand::random()) else { return Err(error) };
            if matches!(again, Again::After(_)) {
                is_busy(pause);
            }
            tokio::time::sleep(pause).await;
            tries += 1;
        }
    }

    /// Sends once; says with an error whether another try may help.
    async fn send_once(&self, call: &Call) -> Result<Vec<u8>, (ClientError, Again)> {
        let request = self.request(call).map_err(|error| (error, Again::No))?;
        let response = request.send().await.map_err(|error| self.broken(&error))?;
        let (status, headers) = (response.status(), response.headers());
        let (again, kind, asked) = (Again::told(status, headers), shown(headers, CONTENT_TYPE), again::asked(headers, Timestamp::now()));
        if status == StatusCode::NOT_MODIFIED || status.is_redirection() && !headers.contains_key(LOCATION) {
            // We never ask for what is newer than something: nothing new is no answer.
            return Err((self.strange(&format!("status {} comes without an answer", status.as_u16())), Again::No));
        }
        if status.is_redirection() {
            // Whoever stands in between could send passwords anywhere by it.
            return Err((self.strange(&format!("it points to {:?}, and nobody is followed", shown(headers, LOCATION))), Again::No));
        }
        let answer = self.whole(response).await?;
        if !status.is_success() {
            return Err((self.refusal(status, &answer, asked), again));
        }
        if !answer.is_empty() && !is_json(&kind) {
            return Err((self.strange(&format!("it sent {kind:?} and not JSON")), Again::No));
        }
        Ok(answer)
    }

    /// Reads an answer as it comes, and no more of it than we take.
    async fn whole(&self, mut response: Response) -> Result<Vec<u8>, (ClientError, Again)> {
        let mut whole = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(|error| self.broken(&error))? {
            if whole.len() + piece.len() > MOST {
                return Err((self.strange(&format!("more than {} MiB came", MOST >> 20)), Again::No));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }

    /// No answer, or only a part of one; and whether another try may help.
    fn broken(&self, error: &reqwest::Error) -> (ClientError, Again) {
        let told = self.no_answer(error);
        // Time-outs are not repeated: the person has waited enough. A
        // certificate is the same the next time.
        let may_help = !error.is_timeout() && matches!(told, ClientError::Unreachable { .. });
        (told, if may_help { Again::Soon } else { Again::No })
    }

    fn request(&self, call: &Call) -> Result<reqwest::RequestBuilder, ClientError> {
        let method = match call.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Patch => reqwest::Method::PATCH,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = self.http()?.request(method, format!("{}{}", self.server, call.target));
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        if let Some(key) = &call.key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(kept_for) = call.kept_for {
            request = request.header(KEPT_FOR, kept_for.as_secs());
        }
        if let Some(version) = call.if_match {
            request = request.header(IF_MATCH, format!("\"{version}\""));
        }
        Ok(request)
    }

    fn http(&self) -> Result<&reqwest::Client, ClientError> {
        self.http.get_or_init(|| self.connection()).as_ref().map_err(Clone::clone)
    }

    fn connection(&self) -> Result<reqwest::Client, ClientError> {
        // A second program part may have chosen already; that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let untrusted = |cause| ClientError::Untrusted { server: self.server.clone(), cause };
        let client = reqwest::Client::builder().timeout(PATIENCE).connect_timeout(CONNECT_PATIENCE).tcp_nodelay(true).redirect(Policy::none());
        // For plain HTTP nobody is trusted: no certificates need be read, and
        // none be there.
        let client = if self.encrypted { self.trust.over_tls(client).map_err(untrusted)? } else { client.tls_certs_only([]) };
        client.build().map_err(|error| untrusted(root_cause(&error)))
    }

    fn no_answer(&self, error: &reqwest::Error) -> ClientError {
        let server = self.server.clone();
        match trust::objection(error) {
            Some(cause) => ClientError::Untrusted { server, cause: told(&cause) },
            None => ClientError::Unreachable { server, cause: told(&root_cause(error)) },
        }
    }

    fn refusal(&self, status: StatusCode, body: &[u8], asked: Option<Duration>) -> ClientError {
        match (serde_json::from_slice::<Problem>(body), asked) {
            // Where both say a status, what came before the body counts.
            (Ok(problem), _) => {
                let retry_after = problem.retry_after.or(asked.as_ref().map(Duration::as_secs));
                ClientError::Refused(harmless(Problem { status: status.as_u16(), retry_after, ..problem }))
            }
            // What stands before the server cannot reach it either, or keeps us away.
            (Err(_), Some(after)) if matches!(status.as_u16(), 429 | 502..=504) => {
                ClientError::Busy { server: self.server.clone(), status: status.as_u16(), after }
            }
            (Err(_), None) if matches!(status.as_u16(), 502..=504) => {
                ClientError::Unreachable { server: self.server.clone(), cause: format!("status {} comes in its place", status.as_u16()) }
            }
            (Err(_), _) => self.strange(&format!("status {} without a problem", status.as_u16())),
        }
    }

    fn strange(&self, cause: &str) -> ClientError {
        ClientError::strange(&self.server, cause)
    }
}

/// Words from outside as they may be shown: nothing in them drives a terminal,
/// and they come to an end.
fn told(words: &str) -> String {
    let kept: String = words.chars().take(LONGEST_SENTENCE).collect();
    for_screen(&kept)
}

/// A problem whose texts may be shown.
fn harmless(problem: Problem) -> Problem {
    let fields = problem.fields.iter().map(|(field, fault)| (told(field), told(fault))).collect();
    let request_id = problem.request_id.as_deref().map(told);
    Problem { title: told(&problem.title), detail: told(&problem.detail), fields, request_id, ..problem }
}

/// What stands in a header, as it may be shown.
fn shown(headers: &HeaderMap, name: HeaderName) -> String {
    told(&String::from_utf8_lossy(headers.get(name).map(HeaderValue::as_bytes).unwrap_or_default()))
}

fn is_json(kind: &str) -> bool {
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

/// What lies at the bottom of an error.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

//! Calls the API over HTTP: typed by the table of operations, with a deadline,
//! with retries where a repeat cannot harm, and with typed errors.
//!
//! May call [`crate::api`]. Used by the terminal application and by the verbs
//! of the command line.

mod call;
pub mod credentials;

use std::sync::OnceLock;
use std::time::Duration;

pub use call::Call;
use reqwest::StatusCode;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, IF_MATCH, RETRY_AFTER};

use crate::api::IDEMPOTENCY_KEY;
use crate::api::operation::{Method, Operation};
use crate::api::problem::Problem;

/// One call is given up after this.
const PATIENCE: Duration = Duration::from_secs(30);
/// A server that does not take the line within this is not reachable.
const CONNECT_PATIENCE: Duration = Duration::from_secs(5);
/// Pauses before the second and third try.
const PAUSES: [Duration; 2] = [Duration::from_millis(150), Duration::from_millis(600)];

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
    /// An answer came that is none of ours.
    #[error("the server {server} answered something else than countertop does: {cause}")]
    Strange {
        /// The address asked.
        server: String,
        /// What was odd.
        cause: String,
    },
    /// The address is no web address.
    #[error("{0:?} is no server address: write http://host:port")]
    Address(String),
}

impl ClientError {
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
        matches!(self, Self::Unreachable { .. })
    }
}

/// A connection to one server, with or without a session.
#[derive(Debug)]
pub struct Client {
    server: String,
    token: Option<String>,
    /// Made at the first call: it reads certificates, which the first frame
    /// must not wait for.
    http: OnceLock<reqwest::Client>,
}

impl Client {
    /// For a server's address such as `http://127.0.0.1:7420`.
    ///
    /// # Errors
    /// [`ClientError::Address`].
    pub fn new(server: &str, token: Option<String>) -> Result<Self, ClientError> {
        let server = server.trim().trim_end_matches('/');
        let url = reqwest::Url::parse(server).map_err(|_| ClientError::Address(server.to_owned()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(ClientError::Address(server.to_owned()));
        }
        Ok(Self { server: server.to_owned(), token, http: OnceLock::new() })
    }

    /// The server's address.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The same server with another session.
    #[must_use]
    pub fn with_token(&self, token: Option<String>) -> Self {
        Self { server: self.server.clone(), token, http: self.http.clone() }
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
        serde_json::from_slice(answer).map_err(|error| self.strange(error.to_string()))
    }

    /// Sends a prepared call and gives the answer's body.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn send(&self, call: &Call) -> Result<Vec<u8>, ClientError> {
        let mut pauses = PAUSES.iter();
        loop {
            let (outcome, worth_repeating) = self.send_once(call).await;
            match (worth_repeating && call.may_be_repeated(), pauses.next()) {
                (true, Some(pause)) => tokio::time::sleep(*pause).await,
                _ => return outcome,
            }
        }
    }

    /// Sends once; says whether another try may help.
    async fn send_once(&self, call: &Call) -> (Result<Vec<u8>, ClientError>, bool) {
        let response = match self.request(call).send().await {
            Ok(response) => response,
            // Time-outs are not repeated: the person has waited enough.
            Err(error) => return (Err(self.unreachable(&error)), !error.is_timeout()),
        };
        let status = response.status();
        let busy = matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
            && !response.headers().contains_key(RETRY_AFTER);
        match response.bytes().await {
            Err(error) => (Err(self.unreachable(&error)), true),
            Ok(bytes) if status.is_success() => (Ok(bytes.to_vec()), false),
            Ok(bytes) => (Err(self.refusal(status, &bytes)), busy),
        }
    }

    fn request(&self, call: &Call) -> reqwest::RequestBuilder {
        let method = match call.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Patch => reqwest::Method::PATCH,
            Method::Put => reqwest::Method::PUT,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut request = self.http().request(method, format!("{}{}", self.server, call.target));
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        if let Some(key) = &call.key {
            request = request.header(IDEMPOTENCY_KEY, key);
        }
        if let Some(version) = call.if_match {
            request = request.header(IF_MATCH, format!("\"{version}\""));
        }
        request
    }

    fn http(&self) -> &reqwest::Client {
        self.http.get_or_init(|| {
            // A second program part may have chosen already; that is as good.
            let _ = rustls::crypto::ring::default_provider().install_default();
            reqwest::Client::builder().timeout(PATIENCE).connect_timeout(CONNECT_PATIENCE).tcp_nodelay(true).build().unwrap_or_default()
        })
    }

    fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        ClientError::Unreachable { server: self.server.clone(), cause: cause.to_string() }
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> ClientError {
        match serde_json::from_slice::<Problem>(body) {
            Ok(problem) => ClientError::Refused(problem),
            Err(_) => self.strange(format!("status {status} without a problem")),
        }
    }

    fn strange(&self, cause: String) -> ClientError {
        ClientError::Strange { server: self.server.clone(), cause }
    }
}

//! A real OpenID provider for a story (`tests/fixtures/oidc`), where Node.js
//! and what `tests/run` installs are there.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use countertop::config::{FilePath, GroupRoles, IssuerAddress, OidcSettings, OneLine, Value as _};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/oidc");
/// No start takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// What the script knows us by; of signs that an encoding must keep apart.
const SECRET: &str = "between:us & %2F\n";

/// A provider of a story's own.
#[derive(Debug)]
pub(crate) struct Provider {
    issuer: String,
    http: reqwest::Client,
    secret: NamedTempFile,
    /// Ends with its standard input.
    _keeper: Child,
    /// Kept open: it ends where it has nobody to talk to.
    _says: BufReader<ChildStdout>,
}

/// One that has said its first line in time.
fn begun() -> Option<(Child, BufReader<ChildStdout>, String)> {
    let mut node = Command::new("node");
    node.arg("provider.mjs").current_dir(FOLDER).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut keeper = node.spawn().expect("node starts");
    let mut says = BufReader::new(keeper.stdout.take().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut first = String::new();
        let read = says.read_line(&mut first);
        // Whoever has lost patience hears nothing any more.
        drop(tell.send((read.map(|_| first).unwrap(), says)));
    });
    let Ok((first, says)) = told.recv_timeout(PATIENCE) else {
        keeper.kill().and_then(|()| keeper.wait()).expect("it ends");
        return None;
    };
    Some((keeper, says, first))
}

impl Provider {
    /// Starts one; none, with a word, where it cannot be had.
    #[expect(clippy::print_stderr, reason = "a story that is left out says so")]
    pub(crate) fn start() -> Option<Self> {
        if !Path::new(FOLDER).join("node_modules/oidc-provider").is_dir() {
            eprintln!("left out: no identity provider is installed here; tests/run does it where Node.js is");
            return None;
        }
        // Node.js now and then stands still before it has read its script.
        let (keeper, says, first) = (0..3).find_map(|_| begun()).expect("node starts");
        let issuer = first.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{first:?}")).to_owned();
        let secret = NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), SECRET).unwrap();
        Some(Self { issuer, http: super::http_client(), secret, _keeper: keeper, _says: says })
    }

    /// The settings for it, with a secret and RS256.
    pub(crate) fn settings(&self) -> OidcSettings {
        OidcSettings {
            issuer: IssuerAddress::from_text(&self.issuer),
            client_id: OneLine::from_text("countertop"),
            client_secret_file: Some(FilePath(self.secret.path().to_owned())),
            groups: GroupRoles::from_text("counter-west=service_manager@shop:SLN").unwrap(),
            ..OidcSettings::default()
        }
    }

    /// The same without a secret and with ES256.
    pub(crate) fn public(&self) -> OidcSettings {
        OidcSettings { client_id: OneLine::from_text("countertop-public"), client_secret_file: None, ..self.settings() }
    }

    /// Changes how it answers.
    pub(crate) async fn mode(&self, mode: Value) {
        self.tell("mode", &mode).await;
    }

    /// Somebody enters the code and agrees.
    pub(crate) async fn approve(&self, user_code: &str, account: &str) {
        self.tell("approve", &json!({ "user_code": user_code, "account": account })).await;
    }

    /// Somebody enters the code and does not agree.
    pub(crate) async fn deny(&self, user_code: &str) {
        self.tell("deny", &json!({ "user_code": user_code })).await;
    }

    /// When it was asked for a token, in milliseconds.
    pub(crate) async fn polls(&self) -> Vec<i64> {
        let polls = self.http.get(format!("{}/test/polls", self.issuer)).send().await.unwrap();
        serde_json::from_slice(&polls.bytes().await.unwrap()).unwrap()
    }

    async fn tell(&self, what: &str, body: &Value) {
        let told = self.http.post(format!("{}/test/{what}", self.issuer)).body(body.to_string()).send().await.unwrap();
        let (status, text) = (told.status(), told.text().await.unwrap());
        assert!(status.is_success(), "{what}: {text}");
    }
}

/// Settings for a provider that nobody is.
pub(crate) fn nobody() -> OidcSettings {
    OidcSettings { issuer: IssuerAddress::from_text("http://127.0.0.1:9"), client_id: OneLine::from_text("countertop"), ..OidcSettings::default() }
}

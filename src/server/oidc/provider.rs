//! What is asked of the provider, and what it may answer. Its texts are
//! outside texts: they are cleaned here, and its long ones never shown.

use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use reqwest::{RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::IdentityProvider;
use super::id_token::{self, Claims, Expected, Key, TokenFault, word};
use crate::text::{clean_line, is_blank};

/// RFC 8628, 3.4.
const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// What we would like to know of a person.
const SCOPES: [&str; 4] = ["openid", "profile", "email", "groups"];
/// RFC 8628, 3.2: unless the provider says otherwise.
const DEFAULT_INTERVAL: u64 = 5;
/// No provider has a reason to let people wait longer between two questions.
const LONGEST_INTERVAL: u64 = 60;
/// What the provider publishes is asked for again after this.
const FRESH: Duration = Duration::from_hours(1);
/// The most that an answer may hold.
const MOST: usize = 256 * 1024;
/// More than any user code or group has.
const LONGEST_TEXT: usize = 200;
/// More than an address on a screen should have.
const LONGEST_ADDRESS: usize = 500;

/// Why the provider was of no use.
#[derive(Debug, thiserror::Error)]
pub(in crate::server) enum ProviderFault {
    /// No answer came, or only that it cannot answer now: later it may.
    #[error("the identity provider cannot be reached: {0}")]
    Unreachable(String),
    /// It does not want us.
    #[error("the identity provider refused: {0}")]
    Refused(String),
    /// It answered what it may not.
    #[error("the identity provider answered what cannot be used: {0}")]
    Strange(String),
}

impl From<TokenFault> for ProviderFault {
    fn from(fault: TokenFault) -> Self {
        Self::Strange(fault.to_string())
    }
}

/// What is remembered of the provider between two questions.
#[derive(Debug, Default)]
pub(super) struct Known {
    discovered: Option<(Instant, Arc<Discovered>)>,
    keys: Option<(Instant, Arc<Vec<Key>>)>,
}

/// Where the provider answers what (OpenID Connect Discovery 1.0).
#[derive(Debug, Deserialize)]
struct Discovered {
    issuer: String,
    token_endpoint: String,
    jwks_uri: String,
    device_authorization_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    scopes_supported: Option<Vec<String>>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Discovered {
    /// Ours, as far as the provider knows them: some refuse what they do not
    /// know.
    fn scopes(&self) -> String {
        let knows = |scope: &&str| *scope == "openid" || self.scopes_supported.as_ref().is_none_or(|known| known.iter().any(|known| known == scope));
        SCOPES.into_iter().filter(knows).collect::<Vec<_>>().join(" ")
    }

    /// Basic is what counts where nothing is said.
    fn takes_basic(&self) -> bool {
        self.token_endpoint_auth_methods_supported.as_ref().is_none_or(|methods| methods.iter().any(|method| method == "client_secret_basic"))
    }

    fn endpoints(&self) -> impl Iterator<Item = &String> {
        [&self.token_endpoint, &self.jwks_uri].into_iter().chain(&self.device_authorization_endpoint).chain(&self.userinfo_endpoint)
    }
}

/// A sign-in that the provider began; its texts are clean.
#[derive(Debug)]
pub(in crate::server) struct Begun {
    /// For us to ask on with.
    pub(in crate::server) device_code: String,
    /// For the person.
    pub(in crate::server) user_code: String,
    /// Where the person goes.
    pub(in crate::server) verification_uri: String,
    /// The same with the code in it.
    pub(in crate::server) verification_uri_complete: Option<String>,
    /// How long it lives.
    pub(in crate::server) expires_in: u64,
    /// The pause between two questions.
    pub(in crate::server) interval: u64,
}

/// The same as it comes.
#[derive(Debug, Deserialize)]
struct DeviceAnswer {
    device_code: String,
    user_code: String,
    #[serde(alias = "verification_url")]
    verification_uri: String,
    #[serde(default)]
    verification_uri_complete: Option<String>,
    expires_in: u64,
    #[serde(default)]
    interval: Option<u64>,
}

/// What asking on brought.
#[derive(Debug)]
pub(in crate::server) enum Polled {
    /// The person is not done.
    Pending,
    /// The same, and we ask too often.
    SlowDown,
    /// The person, or the provider, said no.
    Denied,
    /// It took too long, or somebody finished it already.
    Expired,
    /// The person is done.
    Done(Tokens),
}

/// What the provider gives when the person is done.
#[derive(Deserialize)]
pub(in crate::server) struct Tokens {
    id_token: Option<String>,
    access_token: Option<String>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

/// Whom the provider vouches for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) struct Person {
    /// Its id there, which never changes and is never given again.
    pub(in crate::server) subject: String,
    /// Its e-mail, if the provider verified it.
    pub(in crate::server) email: Option<String>,
    /// What it is called there; the person may choose it.
    pub(in crate::server) username: Option<String>,
    /// Its groups; none if the provider does not tell.
    pub(in crate::server) groups: Option<Vec<String>>,
}

impl IdentityProvider {
    /// Begins a sign-in (RFC 8628, 3.1).
    pub(in crate::server) async fn begin(&self) -> Result<Begun, ProviderFault> {
        let provider = self.discovered().await?;
        let no_device = || ProviderFault::Strange("it knows no device sign-in; switch the device authorization grant on there".to_owned());
        let address = provider.device_authorization_endpoint.as_ref().ok_or_else(no_device)?;
        let (status, body) = self.send(self.post(&provider, address, vec![("scope", provider.scopes())])).await?;
        if !status.is_success() {
            return Err(ProviderFault::Refused(error_word(status, &body)));
        }
        let answer: DeviceAnswer = from_json(&body)?;
        let verification_uri = self.web_address(&answer.verification_uri).ok_or_else(|| ProviderFault::Strange("its address for people is none".to_owned()))?;
        Ok(Begun {
            device_code: answer.device_code,
            user_code: short_text(&answer.user_code).ok_or_else(|| ProviderFault::Strange("its code for people is none".to_owned()))?,
            verification_uri,
            verification_uri_complete: answer.verification_uri_complete.and_then(|address| self.web_address(&address)),
            expires_in: answer.expires_in,
            interval: answer.interval.unwrap_or(DEFAULT_INTERVAL).clamp(1, LONGEST_INTERVAL),
        })
    }

    /// Asks whether the person is done (RFC 8628, 3.4 and 3.5).
    pub(in crate::server) async fn poll(&self, device_code: &str) -> Result<Polled, ProviderFault> {
        let provider = self.discovered().await?;
        let form = vec![("grant_type", DEVICE_GRANT.to_owned()), ("device_code", device_code.to_owned())];
        let (status, body) = self.send(self.post(&provider, &provider.token_endpoint, form)).await?;
        if status.is_success() {
            return from_json(&body).map(Polled::Done);
        }
        match error_word(status, &body).as_str() {
            "authorization_pending" => Ok(Polled::Pending),
            "slow_down" => Ok(Polled::SlowDown),
            "access_denied" => Ok(Polled::Denied),
            // Some forget a code when it expires and do not know it then.
            "expired_token" | "invalid_grant" => Ok(Polled::Expired),
            other => Err(ProviderFault::Refused(other.to_owned())),
        }
    }

    /// Whom the tokens are about: by the signed one, completed from the
    /// provider's page on its person where that says more.
    pub(in crate::server) async fn identify(&self, tokens: &Tokens) -> Result<Person, ProviderFault> {
        let id_token = tokens.id_token.as_deref().ok_or_else(|| ProviderFault::Strange("no ID token came; allow the scope openid there".to_owned()))?;
        let signed = self.verified(id_token).await?;
        let mut wanted = ["email", "preferred_username"].into_iter().chain((!self.groups.is_empty()).then_some(self.groups_claim.as_str()));
        let lacks = wanted.any(|name| claim(&signed, name).is_none());
        let more = match &tokens.access_token {
            Some(access_token) if lacks => self.userinfo(&signed, access_token).await?,
            _ => None,
        };
        Ok(person(&signed, more.as_ref(), &self.groups_claim))
    }

    async fn verified(&self, id_token: &str) -> Result<Claims, ProviderFault> {
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in it for ages")]
        let now = Timestamp::now().as_second() as f64;
        let expected = Expected { issuer: &self.issuer, client_id: &self.client_id, now };
        let keys = self.keys(FRESH).await?;
        match id_token::verified(id_token, &keys, &expected) {
            // The provider may have changed its keys since.
            Err(TokenFault::UnknownKey) => Ok(id_token::verified(id_token, &self.keys(Duration::ZERO).await?, &expected)?),
            other => Ok(other?),
        }
    }

    /// What the provider tells of the person beside the token. It counts only
    /// if it is about the same person.
    async fn userinfo(&self, signed: &Claims, access_token: &str) -> Result<Option<Claims>, ProviderFault> {
        let provider = self.discovered().await?;
        let Some(address) = &provider.userinfo_endpoint else { return Ok(None) };
        let (status, body) = self.send(self.http.get(address).bearer_auth(access_token)).await?;
        if !status.is_success() {
            return Err(ProviderFault::Refused(error_word(status, &body)));
        }
        let told: Claims = from_json(&body)?;
        if told.get("sub") != signed.get("sub") {
            return Err(ProviderFault::Strange("it tells of somebody else than it signed for".to_owned()));
        }
        Ok(Some(told))
    }

    async fn discovered(&self) -> Result<Arc<Discovered>, ProviderFault> {
        let kept = self.known.lock().unwrap_or_else(PoisonError::into_inner).discovered.clone();
        if let Some((_, discovered)) = kept.filter(|(at, _)| at.elapsed() < FRESH) {
            return Ok(discovered);
        }
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let discovered: Discovered = self.fetch(&address).await?;
        if discovered.issuer != self.issuer {
            let told = clean_line(&discovered.issuer).chars().take(LONGEST_TEXT).collect::<String>();
            return Err(ProviderFault::Strange(format!("it calls itself {told}; write that into oidc.issuer if it is the one that is meant")));
        }
        if !discovered.endpoints().all(|address| self.web_address(address).is_some()) {
            return Err(ProviderFault::Strange("it answers at addresses that are not encrypted".to_owned()));
        }
        let discovered = Arc::new(discovered);
        self.known.lock().unwrap_or_else(PoisonError::into_inner).discovered = Some((Instant::now(), Arc::clone(&discovered)));
        Ok(discovered)
    }

    /// The provider's keys, as they were at most so long ago.
    async fn keys(&self, at_most: Duration) -> Result<Arc<Vec<Key>>, ProviderFault> {
        #[derive(Deserialize)]
        struct Published {
            keys: Vec<Value>,
        }
        let kept = self.known.lock().unwrap_or_else(PoisonError::into_inner).keys.clone();
        if let Some((_, keys)) = kept.filter(|(at, _)| at.elapsed() < at_most) {
            return Ok(keys);
        }
        let provider = self.discovered().await?;
        let published: Published = self.fetch(&provider.jwks_uri).await?;
        let keys = Arc::new(id_token::keys(&published.keys));
        self.known.lock().unwrap_or_else(PoisonError::into_inner).keys = Some((Instant::now(), Arc::clone(&keys)));
        Ok(keys)
    }

    async fn fetch<T: DeserializeOwned>(&self, address: &str) -> Result<T, ProviderFault> {
        let (status, body) = self.send(self.http.get(address)).await?;
        if status.is_success() { from_json(&body) } else { Err(ProviderFault::Strange(format!("status {}", status.as_u16()))) }
    }

    /// A form, with who we are as the provider wants to be told it (RFC 6749,
    /// 2.3.1).
    fn post(&self, provider: &Discovered, address: &str, mut form: Vec<(&'static str, String)>) -> RequestBuilder {
        let request = self.http.post(address);
        match &self.client_secret {
            Some(secret) if provider.takes_basic() => request.basic_auth(escaped(&self.client_id), Some(escaped(secret))).form(&form),
            secret => {
                form.push(("client_id", self.client_id.clone()));
                form.extend(secret.clone().map(|secret| ("client_secret", secret)));
                request.form(&form)
            }
        }
    }

    async fn send(&self, request: RequestBuilder) -> Result<(StatusCode, Vec<u8>), ProviderFault> {
        let request = request.header(reqwest::header::ACCEPT, "application/json");
        let mut response = request.send().await.map_err(|error| no_answer(&error))?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return Err(ProviderFault::Unreachable(format!("status {}", status.as_u16())));
        }
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| no_answer(&error))? {
            if body.len() + part.len() > MOST {
                return Err(ProviderFault::Strange("more than 256 KiB".to_owned()));
            }
            body.extend_from_slice(&part);
        }
        Ok((status, body))
    }

    /// An address of the web, written in ASCII so that none looks like another:
    /// encrypted, unless the provider is on this machine.
    fn web_address(&self, text: &str) -> Option<String> {
        let url = Url::parse(&clean_line(text)).ok()?;
        let fine = url.scheme() == "https" || url.scheme() == "http" && self.issuer.starts_with("http://");
        let written = String::from(url);
        (fine && written.len() <= LONGEST_ADDRESS).then_some(written)
    }
}

/// The deepest cause, which says most, without the address that was asked.
fn no_answer(error: &reqwest::Error) -> ProviderFault {
    if error.is_timeout() {
        return ProviderFault::Unreachable("no answer in time".to_owned());
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    ProviderFault::Unreachable(clean_line(&cause.to_string()))
}

fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, ProviderFault> {
    serde_json::from_slice(body).map_err(|error| ProviderFault::Strange(clean_line(&error.to_string())))
}

/// The provider's word for what is wrong (RFC 6749, 5.2), or the status.
fn error_word(status: StatusCode, body: &[u8]) -> String {
    let said = serde_json::from_slice::<Value>(body).ok().and_then(|body| body.get("error").and_then(Value::as_str).map(word));
    said.filter(|word| !word.is_empty()).unwrap_or_else(|| format!("status {}", status.as_u16()))
}

/// A short text of the provider's, cleaned; none if nothing is left of it.
fn short_text(text: &str) -> Option<String> {
    let text = clean_line(text);
    (!is_blank(&text) && text.chars().count() <= LONGEST_TEXT).then_some(text)
}

/// Percent-encoding of all but the unreserved characters of RFC 3986.
fn escaped(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut escaped, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            escaped.push(char::from(byte));
        } else {
            // Writing into a String cannot fail.
            let _ = write!(escaped, "%{byte:02X}");
        }
        escaped
    })
}

/// A claim by its name, or by names with dots between them where it lies
/// deeper; some names have dots of their own.
fn claim<'c>(claims: &'c Claims, name: &str) -> Option<&'c Value> {
    if let Some(value) = claims.get(name) {
        return Some(value);
    }
    let (first, rest) = name.split_once('.')?;
    rest.split('.').try_fold(claims.get(first)?, |value, name| value.get(name))
}

fn person(signed: &Claims, more: Option<&Claims>, groups_claim: &str) -> Person {
    let text = |name: &str| [Some(signed), more].into_iter().flatten().find_map(|claims| short_text(claims.get(name)?.as_str()?));
    Person {
        // The token's own check saw to it.
        subject: signed.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned(),
        email: verified_email(signed).or_else(|| more.and_then(verified_email)),
        username: text("preferred_username"),
        groups: claim(signed, groups_claim).or_else(|| claim(more?, groups_claim)).map(groups),
    }
}

/// The e-mail, if the same place says that it was verified.
fn verified_email(claims: &Claims) -> Option<String> {
    let verified = claims.get("email_verified").is_some_and(|word| word.as_bool() == Some(true) || word.as_str() == Some("true"));
    short_text(claims.get("email")?.as_str()?).filter(|email| verified && email.contains('@'))
}

/// A list of texts, or one.
fn groups(value: &Value) -> Vec<String> {
    let one = std::slice::from_ref(value);
    value.as_array().map_or(one, Vec::as_slice).iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;
    use crate::config::{IssuerAddress, OidcSettings, OneLine, Value as _};

    /// What is said of a provider that answers one question: with a document of
    /// so many bytes, which is none too few for what is in it.
    async fn told_after_an_answer_of(bytes: usize) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let mut answer = json!({ "issuer": issuer, "token_endpoint": issuer, "jwks_uri": issuer }).to_string().into_bytes();
        answer.resize(bytes, b' ');
        tokio::spawn(async move {
            let (mut line, _) = listener.accept().await.unwrap();
            let _ = line.read(&mut [0; 4_096]).await;
            let _ = line.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n").await;
            // Whoever has read enough hangs up.
            let _ = line.write_all(&answer).await;
        });
        let settings = OidcSettings { issuer: IssuerAddress::from_text(&issuer), client_id: OneLine::from_text("countertop"), ..OidcSettings::default() };
        let provider = IdentityProvider::from_settings(&settings).unwrap().unwrap();
        provider.begin().await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn an_answer_of_more_than_256_kib_is_not_read_to_its_end() {
        let whole = told_after_an_answer_of(MOST).await;
        assert!(whole.contains("no device sign-in"), "it was read and understood: {whole}");
        for beyond in [MOST + 1, 64 * MOST] {
            let told = told_after_an_answer_of(beyond).await;
            assert!(told.contains("more than 256 KiB"), "{beyond}: {told}");
        }
    }

    fn claims(value: Value) -> Claims {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_the_token_lacks_comes_from_the_page_on_the_person() {
        let signed = claims(json!({ "sub": "1", "preferred_username": "jo\u{1b}[2J" }));
        let more = claims(json!({ "sub": "1", "preferred_username": "boss", "email": "jo@dealer.example", "email_verified": true, "groups": ["a", 7, "b"] }));
        let wanted = Person {
            subject: "1".to_owned(),
            email: Some("jo@dealer.example".to_owned()),
            username: Some("jo[2J".to_owned()),
            groups: Some(vec!["a".to_owned(), "b".to_owned()]),
        };
        assert_eq!(person(&signed, Some(&more), "groups"), wanted);
        assert_eq!(person(&signed, None, "groups"), Person { email: None, groups: None, ..wanted });
    }

    #[test]
    fn only_a_verified_email_is_one() {
        let email = |verified: Value| verified_email(&claims(json!({ "email": "jo@dealer.example", "email_verified": verified })));
        assert!(email(json!(true)).is_some() && email(json!("true")).is_some());
        for no in [json!(false), json!("false"), json!(1), Value::Null] {
            assert_eq!(email(no), None);
        }
        assert_eq!(verified_email(&claims(json!({ "email": "jo@dealer.example" }))), None);
    }

    #[test]
    fn groups_may_lie_deeper_or_have_dots() {
        let deep = claims(json!({ "realm_access": { "roles": ["a"] }, "https://dealer.example/groups": "b" }));
        assert_eq!(claim(&deep, "realm_access.roles").map(groups), Some(vec!["a".to_owned()]));
        assert_eq!(claim(&deep, "https://dealer.example/groups").map(groups), Some(vec!["b".to_owned()]));
        assert_eq!(claim(&deep, "realm_access.none"), None);
    }

    #[test]
    fn the_providers_word_is_harmless() {
        let told = |body: &str| error_word(StatusCode::BAD_REQUEST, body.as_bytes());
        assert_eq!(told(r#"{"error":"invalid_client"}"#), "invalid_client");
        assert_eq!(told("{\"error\":\"bad\\u001b[2J\"}"), "bad2J");
        assert_eq!(told("<html>"), "status 400");
        assert_eq!(told(r#"{"error":""}"#), "status 400");
    }

    #[test]
    fn secrets_are_escaped_for_basic() {
        assert_eq!(escaped("between:us & %2F"), "between%3Aus%20%26%20%252F");
    }
}

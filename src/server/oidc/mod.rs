//! The dealer's identity provider (OpenID Connect): found by discovery, asked
//! by the device grant of RFC 8628, and believed only as far as its signatures
//! and our settings go.
//!
//! `provider` asks it, `id_token` checks what it signed, `accounts` finds whom
//! that is here, `seal` keeps its device codes from whoever reads the database.

mod accounts;
mod id_token;
mod provider;
mod seal;

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

pub(super) use accounts::account;
pub(super) use provider::{Begun, Person, Polled, ProviderFault, Tokens};
pub(super) use seal::{open, seal};

use crate::config::{FirstSignIn, GroupRole, OidcSettings};

/// One request to the provider is given up after this: four of them, the most
/// that one call of ours makes, stay within our own patience.
const PATIENCE: Duration = Duration::from_secs(6);

/// The dealer's identity provider.
pub struct IdentityProvider {
    issuer: String,
    client_id: String,
    client_secret: Option<String>,
    groups_claim: String,
    groups: Vec<GroupRole>,
    first_sign_in: FirstSignIn,
    http: reqwest::Client,
    known: Mutex<provider::Known>,
}

impl std::fmt::Debug for IdentityProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IdentityProvider").field("issuer", &self.issuer).field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

/// Why `[oidc]` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SetupFault {
    /// The provider knows us by it.
    #[error("oidc.issuer is set but oidc.client_id is not: enter the id that the identity provider gave this application")]
    NoClientId,
    /// It cannot be read.
    #[error("the file {path} of oidc.client_secret_file cannot be read: {cause}")]
    Secret {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// There is nothing in it.
    #[error("the file {0} of oidc.client_secret_file is empty: write the secret into it, or take the setting out for an application without one")]
    EmptySecret(PathBuf),
    /// No encryption to be had.
    #[error("no connection to an identity provider can be made: {0}")]
    Http(#[source] reqwest::Error),
}

impl IdentityProvider {
    /// The provider of the settings; none without an issuer. It is not asked
    /// anything yet: a server starts whether or not its provider does.
    ///
    /// # Errors
    /// [`SetupFault`].
    pub fn from_settings(settings: &OidcSettings) -> Result<Option<Self>, SetupFault> {
        let Some(issuer) = &settings.issuer else { return Ok(None) };
        let client_id = settings.client_id.as_ref().ok_or(SetupFault::NoClientId)?.0.clone();
        let client_secret = settings.client_secret_file.as_ref().map(|file| secret(&file.0)).transpose()?;
        // A second program part may have chosen already; that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder()
            .timeout(PATIENCE)
            .connect_timeout(PATIENCE / 2)
            // A provider that sends us elsewhere is not the one of the settings.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false);
        let http = if issuer.is_local() { http.no_proxy() } else { http.https_only(true) };
        Ok(Some(Self {
            issuer: issuer.0.clone(),
            client_id,
            client_secret,
            groups_claim: settings.groups_claim.0.clone(),
            groups: settings.groups.0.clone(),
            first_sign_in: settings.first_sign_in,
            http: http.build().map_err(SetupFault::Http)?,
            known: Mutex::default(),
        }))
    }

    /// How a subject of this provider is kept with its account: subjects of
    /// another provider, were the settings to change, are other people.
    #[must_use]
    pub fn subject_key(&self, subject: &str) -> String {
        subject_key(&self.issuer, subject)
    }
}

/// As [`IdentityProvider::subject_key`], of the settings alone.
#[must_use]
pub fn subject_key(issuer: &str, subject: &str) -> String {
    format!("{issuer} {subject}")
}

fn secret(path: &std::path::Path) -> Result<String, SetupFault> {
    let text = std::fs::read_to_string(path).map_err(|cause| SetupFault::Secret { path: path.to_owned(), cause })?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() { Err(SetupFault::EmptySecret(path.to_owned())) } else { Ok(secret.to_owned()) }
}

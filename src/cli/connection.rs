//! How the verbs that talk to a server reach it: its address, a token, and
//! answers as they came.

use crate::api::operation::Operation;
use crate::api::page::Nothing;
use crate::client::credentials::CredentialsError;
use crate::client::{Call, Client, ClientError, Trust};
use crate::config::Given;

use super::exit::Failure;
use super::setup::{Setup, given};

/// `--server` and `--token`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Connection {
    #[arg(long, value_name = "URL", help = "The server, as https://host:port [env: COUNTERTOP_SERVER]")]
    server: Option<String>,
    /// A session's token, instead of the stored login
    #[arg(long, value_name = "T", env = "COUNTERTOP_TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// A server to call, and what it was found by.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) setup: Setup,
    /// Whether the token came by flag or environment.
    pub(super) token_given: bool,
}

impl Connection {
    /// What stands before the verb counts where nothing stands behind it.
    pub(super) fn or(self, before: Self) -> Self {
        Self { server: self.server.or(before.server), token: self.token.or(before.token) }
    }

    /// `--server`, for the configuration.
    pub(super) fn flag(&self) -> Option<Given<'_>> {
        given("--server", "client.server", self.server.as_deref())
    }

    /// The folders and the configuration with `--server` over it.
    pub(super) fn setup(&self) -> Result<Setup, Failure> {
        Setup::read(self.flag().as_slice())
    }

    /// The server that is configured, if any; no token is looked for.
    pub(super) fn server(setup: &Setup) -> Result<Option<Client>, Failure> {
        let Some(address) = &setup.config.client.server else { return Ok(None) };
        Ok(Some(Client::trusting(&address.0, None, trust(setup))?))
    }

    /// The server that is configured, if any, with the token given or stored.
    pub(super) fn client(&self, setup: &Setup) -> Result<Option<Client>, Failure> {
        let Some(client) = Self::server(setup)? else { return Ok(None) };
        let token = self.token_for(setup, &client)?;
        Ok(Some(client.with_token(token)))
    }

    /// The token given or stored for a server.
    pub(super) fn token_for(&self, setup: &Setup, client: &Client) -> Result<Option<String>, CredentialsError> {
        match self.token() {
            Some(token) => Ok(Some(token)),
            None => setup.credentials()?.token(client.server()),
        }
    }

    /// The server that is configured; having none is wrong usage.
    pub(super) fn connect(&self) -> Result<Connected, Failure> {
        let setup = self.setup()?;
        let client = self.client(&setup)?.ok_or_else(no_server)?;
        Ok(Connected { client, setup, token_given: self.token().is_some() })
    }

    /// The server that is configured, to sign in at: no token is looked for.
    pub(super) fn connect_anew(&self) -> Result<Connected, Failure> {
        let setup = self.setup()?;
        let client = Self::server(&setup)?.ok_or_else(no_server)?;
        Ok(Connected { client, setup, token_given: false })
    }

    /// The token given; an empty variable is how scripts unset one.
    fn token(&self) -> Option<String> {
        self.token.as_deref().map(str::trim).filter(|token| !token.is_empty()).map(str::to_owned)
    }
}

/// What the configuration says about whom to trust.
pub(super) fn trust(setup: &Setup) -> Trust {
    let client = &setup.config.client;
    Trust {
        ca_file: client.ca_file.as_ref().map(|path| path.0.clone()),
        pinned: client.pinned_certificate.map(|fingerprint| fingerprint.0),
        plain_http: client.plain_http.as_ref().map(|address| address.0.clone()),
    }
}

/// There is nobody to talk to.
pub(super) fn no_server() -> Failure {
    Failure::usage("no server is named: say --server https://host:port, or set client.server in the configuration")
}

/// An answer, and the JSON it came as.
#[derive(Debug)]
pub(super) struct Answered<T> {
    pub(super) answer: T,
    pub(super) json: serde_json::Value,
}

/// Calls an operation and keeps its JSON as it came, for `--json`.
pub(super) async fn ask<O: Operation>(client: &Client, path: &O::Path, query: &O::Query, body: &O::Body) -> Result<Answered<O::Answer>, Failure> {
    Ok(answered::<O>(client, &Call::of::<O>(path, query, body)).await?)
}

async fn answered<O: Operation>(client: &Client, call: &Call) -> Result<Answered<O::Answer>, ClientError> {
    let bytes = client.send(call).await?;
    Ok(Answered { answer: client.read(&bytes)?, json: client.read(&bytes)? })
}

/// How often a write is written, however often a verb is run.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Once {
    /// Write it once: the key that was told when no answer came
    #[arg(long = "key", value_name = "KEY")]
    key: Option<String>,
}

impl Once {
    /// As [`ask`], for what writes: where no answer came it says how to run it once
    /// more without writing twice (P2).
    pub(super) async fn write<O: Operation>(self, client: &Client, path: &O::Path, query: &O::Query, body: &O::Body) -> Result<Answered<O::Answer>, Failure> {
        let call = Call::of::<O>(path, query, body);
        let call = match self.key {
            Some(key) => call.under(key),
            None => call,
        };
        answered::<O>(client, &call).await.map_err(|error| {
            let is_told = error.problem().is_some_and(|problem| problem.status < 500);
            let again = format!("In case it arrived all the same run it again with --key {}: then it is written once.", call.key());
            Failure::from(error).with(if is_told { Vec::new() } else { vec![again] })
        })
    }
}

/// No parameters.
pub(super) const NOTHING: Nothing = Nothing {};

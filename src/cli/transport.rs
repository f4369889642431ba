//! TLS or plain HTTP, by the flags of `countertop serve` and the
//! configuration.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use super::database::private_folder;
use super::exit::Failure;
use super::output;
use super::setup::{Setup, given};
use crate::config::Given;
use crate::server::{CertificateSource, Tls, Transport};

/// The flags about TLS.
#[derive(Debug, clap::Args)]
pub(super) struct TransportArgs {
    /// The certificate for TLS in PEM form, with those that lead to its authority
    #[arg(long, value_name = "FILE")]
    tls_certificate: Option<String>,
    /// The certificate's private key in PEM form
    #[arg(long, value_name = "FILE")]
    tls_key: Option<String>,
    /// For trials: TLS with a certificate of the server's own making
    #[arg(long)]
    tls_self_made: bool,
    /// Listen without TLS beyond loopback; the configuration must say `plain_http = true` too
    #[arg(long)]
    plain_http: bool,
}

impl TransportArgs {
    /// For the configuration. `--plain-http` is not among them: it is the second
    /// of two words, and the configuration has the first.
    pub(super) fn flags(&self) -> impl Iterator<Item = Given<'_>> {
        let flags = [
            given("--tls-certificate", "server.tls_certificate", self.tls_certificate.as_deref()),
            given("--tls-key", "server.tls_key", self.tls_key.as_deref()),
            given("--tls-self-made", "server.tls_self_made", self.tls_self_made.then_some("true")),
        ];
        flags.into_iter().flatten()
    }

    /// How the server is to listen; refused where passwords would travel for
    /// everybody to read.
    pub(super) fn choose(&self, setup: &Setup) -> Result<Transport, Failure> {
        let config = &setup.config.server;
        let transport = match (&config.tls_certificate, &config.tls_key, config.tls_self_made) {
            (Some(certificate), Some(key), false) => {
                Transport::Tls(Tls::open(CertificateSource::Files { certificate: certificate.0.clone(), key: key.0.clone() })?)
            }
            (None, None, true) => Transport::Tls(self_made(setup)?),
            (None, None, false) if self.plain_http && config.plain_http => Transport::PlainAnywhere,
            (None, None, false) => Transport::Plain,
            (_, _, true) => return Err(Failure::usage("a certificate is named and a self-made one is asked for: take either of them")),
            (Some(_), None, false) => return Err(Failure::usage("a certificate is named without its key: set server.tls_key, or say --tls-key FILE")),
            (None, Some(_), false) => {
                return Err(Failure::usage("a key is named without its certificate: set server.tls_certificate, or say --tls-certificate FILE"));
            }
        };
        transport.may_listen(config.listen)?;
        Ok(transport)
    }
}

/// Clients cannot know a self-made certificate but by its fingerprint, so that
/// is told whatever the log leaves out.
fn self_made(setup: &Setup) -> Result<Tls, Failure> {
    let folder = setup.paths.data.clone();
    private_folder(&folder).map_err(|error| Failure::failed(format!("the folder {} cannot be made: {error}", folder.display())))?;
    let tls = Tls::open(CertificateSource::SelfMade { folder, names: names(setup.config.server.listen) })?;
    output::note(&format!("The certificate is self-made. Clients need under [client]: pinned_certificate = \"{}\"", tls.fingerprint()));
    Ok(tls)
}

/// Whom a self-made certificate is for: this machine, and where it listens.
fn names(listen: SocketAddr) -> Vec<String> {
    let mut names = vec!["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string(), Ipv6Addr::LOCALHOST.to_string()];
    let address = listen.ip();
    if !address.is_loopback() && !address.is_unspecified() {
        names.push(address.to_string());
    }
    names
}

//! Whom a client trusts: the authorities that this machine knows, a private
//! one, or one pinned certificate; and what is said when it trusts nobody.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::{Certificate, ClientBuilder, Url};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, OtherError, SignatureScheme};
use sha2::{Digest as _, Sha256};

/// What a server is trusted by. As it stands by default: an authority that this
/// machine knows has signed for its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    /// Certificates in PEM form of authorities that count beside the machine's.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the one certificate that is accepted. Its name and who
    /// signed it do not matter then, and `ca_file` does not count.
    pub pinned: Option<[u8; 32]>,
    /// The one server on another machine that may be spoken to in plain HTTP.
    pub plain_http: Option<String>,
}

impl Trust {
    /// Whether passwords may go to that server unencrypted.
    pub(super) fn allows_plain(&self, server: &Url) -> bool {
        let named_again = self.plain_http.as_deref().is_some_and(|named| Url::parse(named).is_ok_and(|named| named == *server));
        is_this_machine(server) || named_again
    }

    /// A client that speaks TLS with those who are trusted and nothing else,
    /// or why there can be none.
    pub(super) fn over_tls(&self, client: ClientBuilder) -> Result<ClientBuilder, String> {
        // Whatever else is configured: never in plain HTTP.
        let client = client.https_only(true);
        Ok(match (self.pinned, &self.ca_file) {
            (Some(pinned), _) => client.tls_backend_preconfigured(only(pinned).map_err(|error| error.to_string())?),
            (None, Some(path)) => client.tls_certs_merge(authorities(path)?),
            (None, None) => client,
        })
    }
}

fn is_this_machine(server: &Url) -> bool {
    let host = server.host_str().unwrap_or_default();
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, String> {
    let unusable = |cause: String| format!("client.ca_file {} cannot be used: {cause}", path.display());
    let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let found = Certificate::from_pem_bundle(&pem).map_err(|error| unusable(super::root_cause(&error)))?;
    if found.is_empty() { Err(unusable("it holds no certificate in PEM form".to_owned())) } else { Ok(found) }
}

fn only(pinned: [u8; 32]) -> Result<ClientConfig, rustls::Error> {
    let provider = ring::default_provider();
    let verifier = Pinned { fingerprint: pinned, algorithms: provider.signature_verification_algorithms };
    let mut config = ClientConfig::builder_with_provider(Arc::new(provider))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Accepts one certificate. That the server has its key is still to be proven:
/// everybody can show a certificate that they have seen.
#[derive(Debug)]
struct Pinned {
    fingerprint: [u8; 32],
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let shown: [u8; 32] = Sha256::digest(shown).into();
        if shown == self.fingerprint {
            return Ok(ServerCertVerified::assertion());
        }
        Err(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(AnotherCertificate(shown))))))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, shown, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, shown, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The server was changed, or somebody else answers in its place.
#[derive(Debug)]
struct AnotherCertificate([u8; 32]);

impl fmt::Display for AnotherCertificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the server showed another certificate than the pinned one, sha256:")?;
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl Error for AnotherCertificate {}

/// Why no trusted connection came about, if that is what an error is about.
pub(super) fn objection(error: &(dyn Error + 'static)) -> Option<String> {
    Some(match of_tls(error)? {
        rustls::Error::InvalidCertificate(objection) => in_words(objection),
        rustls::Error::InvalidMessage(_) => "what came back was no TLS: perhaps the server speaks plain HTTP there".to_owned(),
        other => format!("the TLS handshake failed: {other}"),
    })
}

/// The error of TLS within another. One of I/O does not give what it wraps as
/// its source, and here one wraps another.
fn of_tls<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    if let Some(found) = error.downcast_ref::<rustls::Error>() {
        return Some(found);
    }
    match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
        Some(wrapped) => of_tls(wrapped),
        None => error.source().and_then(of_tls),
    }
}

fn in_words(objection: &CertificateError) -> String {
    let told = match objection {
        CertificateError::UnknownIssuer => {
            "nobody whom this machine knows has signed the server's certificate: name its authority as client.ca_file, \
             or pin the certificate itself as client.pinned_certificate"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is made for another name than the one in its address"
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "the server's certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => "the server's certificate is not valid yet: compare both clocks",
        CertificateError::Other(other) => return other.to_string(),
        other => return format!("the server's certificate is refused: {other}"),
    };
    told.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(server: &str, named_again: Option<&str>) -> bool {
        let trust = Trust { plain_http: named_again.map(str::to_owned), ..Trust::default() };
        trust.allows_plain(&Url::parse(server).unwrap())
    }

    #[test]
    fn plain_http_stays_on_this_machine_unless_said_twice() {
        for here in ["http://127.0.0.1:7420", "http://127.1.2.3", "http://[::1]:7420", "http://localhost:7420", "http://LOCALHOST"] {
            assert!(allowed(here, None), "{here}");
        }
        for elsewhere in ["http://10.0.0.1", "http://counter.example", "http://127.0.0.1@counter.example", "http://localhost.example", "http://[2001:db8::1]"] {
            assert!(!allowed(elsewhere, None), "{elsewhere}");
            assert!(allowed(elsewhere, Some(elsewhere)), "{elsewhere}");
        }
        assert!(allowed("http://counter.example:80/", Some("http://Counter.example")), "the same server");
        assert!(!allowed("http://counter.example:81", Some("http://counter.example")), "another port");
    }

    #[test]
    fn an_objection_is_found_however_deep_it_lies() {
        let tls = rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(AnotherCertificate([7; 32])))));
        let wrapped = std::io::Error::other(std::io::Error::new(std::io::ErrorKind::InvalidData, tls));
        let told = objection(&wrapped).unwrap();
        assert!(told.starts_with("the server showed another certificate than the pinned one, sha256:0707"), "{told}");
        assert_eq!(objection(&std::io::Error::from(std::io::ErrorKind::ConnectionRefused)), None);
    }
}

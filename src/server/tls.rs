//! TLS: where the server's certificate comes from, and how it is read again
//! without a connection being dropped.

mod listener;
mod self_made;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{Error as PemError, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::{TLS12, TLS13};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::config::Fingerprint;
use listener::TlsListener;

/// Where a server's certificate comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateSource {
    /// Files in PEM form.
    Files {
        /// The certificate, and after it those that lead to its authority.
        certificate: PathBuf,
        /// Its private key.
        key: PathBuf,
    },
    /// A certificate of the server's own making, for trials.
    SelfMade {
        /// The folder it is kept in; it exists.
        folder: PathBuf,
        /// The names and addresses it is made for.
        names: Vec<String>,
    },
}

/// Why a certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file is not there, or not ours to read.
    #[error("{path} cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// The file is no PEM.
    #[error("{path} is not in PEM form: {cause}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What was odd.
        #[source]
        cause: PemError,
    },
    /// Nothing to show to clients.
    #[error("{0} holds no certificate in PEM form")]
    NoCertificate(PathBuf),
    /// Nothing to sign with.
    #[error("{0} holds no private key in PEM form; one under a pass phrase cannot be used")]
    NoKey(PathBuf),
    /// One of them was renewed without the other.
    #[error("the key in {key} does not belong to the certificate in {certificate}")]
    Mismatch {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
    },
    /// Certificate or key are of no use for TLS.
    #[error("the certificate in {certificate} with the key in {key} cannot be used: {cause}")]
    Unusable {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What is wrong with them.
        #[source]
        cause: rustls::Error,
    },
    /// Others may read the self-made key.
    #[error("the self-made key in {0} may be read by others: run `chmod 600` on it, or remove it and start anew with another one")]
    Open(PathBuf),
    /// No certificate came about.
    #[error("no certificate could be made: {0}")]
    Unmade(#[from] rcgen::Error),
    /// The self-made certificate cannot be kept.
    #[error("the self-made certificate cannot be kept in {path}: {cause}")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
}

/// A server's certificate, as it is shown to those who connect from now on.
#[derive(Debug)]
pub struct Tls {
    source: CertificateSource,
    current: watch::Sender<Loaded>,
}

/// A certificate with its key, ready for handshakes.
#[derive(Debug, Clone)]
struct Loaded {
    config: Arc<ServerConfig>,
    fingerprint: Fingerprint,
}

impl Tls {
    /// Reads the certificate, or makes it where it is to be self-made and there
    /// is none yet.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn open(source: CertificateSource) -> Result<Self, TlsError> {
        let current = watch::Sender::new(source.load()?);
        Ok(Self { source, current })
    }

    /// What clients pin the certificate by.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.current.borrow().fingerprint
    }

    /// Reads the certificate again. Connections stay as they are; where it
    /// cannot be used, the old one goes on being shown.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn reload(&self) -> Result<Fingerprint, TlsError> {
        let loaded = self.source.load()?;
        let fingerprint = loaded.fingerprint;
        self.current.send_replace(loaded);
        Ok(fingerprint)
    }

    /// Accepts connections with the certificate of the moment.
    pub(super) fn listen(&self, tcp: TcpListener) -> TlsListener {
        TlsListener::new(tcp, self.current.subscribe())
    }
}

impl CertificateSource {
    fn load(&self) -> Result<Loaded, TlsError> {
        match self {
            Self::Files { certificate, key } => load(certificate, key),
            Self::SelfMade { folder, names } => {
                let file = self_made::file(folder, names)?;
                load(&file, &file)
            }
        }
    }
}

fn load(certificate: &Path, key: &Path) -> Result<Loaded, TlsError> {
    let chain = chain(certificate)?;
    let leaf = chain.first().ok_or_else(|| TlsError::NoCertificate(certificate.to_owned()))?;
    let fingerprint = Fingerprint(Sha256::digest(leaf).into());
    let config = config(chain, private_key(key)?).map_err(|cause| match cause {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() },
        cause => TlsError::Unusable { certificate: certificate.to_owned(), key: key.to_owned(), cause },
    })?;
    Ok(Loaded { config: Arc::new(config), fingerprint })
}

/// A whole new configuration for each certificate and not only another
/// certificate in the old one: sessions from before the renewal cannot be
/// resumed then, so that nobody goes on trusting what was replaced.
fn config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    // All that this build of axum speaks.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let pem = read(path)?;
    CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, PemError>>().map_err(|cause| TlsError::Malformed { path: path.to_owned(), cause })
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let pem = read(path)?;
    PrivateKeyDer::from_pem_slice(&pem).map_err(|cause| match cause {
        PemError::NoItemsFound => TlsError::NoKey(path.to_owned()),
        cause => TlsError::Malformed { path: path.to_owned(), cause },
    })
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|cause| TlsError::Unreadable { path: path.to_owned(), cause })
}

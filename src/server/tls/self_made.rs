//! A certificate that the server makes for itself, for trials: nobody has
//! signed it, so clients know it by its fingerprint.

use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair};

use super::TlsError;

/// Certificate and key in one file, so that no crash parts them.
const NAME: &str = "self-made-certificate.pem";

/// The file with the certificate and its key; made unless it is there, for
/// with every new one clients would have to pin anew.
pub(super) fn file(folder: &Path, names: &[String]) -> Result<PathBuf, TlsError> {
    let path = folder.join(NAME);
    match is_open(&path) {
        Ok(false) => Ok(path),
        Ok(true) => Err(TlsError::Open(path)),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let pem = made(names)?;
            write(&path, &pem).map_err(|cause| TlsError::Unwritable { path: path.clone(), cause })?;
            Ok(path)
        }
        Err(cause) => Err(TlsError::Unreadable { path, cause }),
    }
}

/// Certificate and key in PEM form. It never expires: what is trusted is this
/// very certificate, and only for as long as it is pinned.
fn made(names: &[String]) -> Result<String, rcgen::Error> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, "countertop, self-made");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let certificate = params.self_signed(&key)?;
    Ok(format!("{}{}", certificate.pem(), key.serialize_pem()))
}

/// Writes a new file and puts it in its place, so that a crash leaves all or
/// nothing; only its owner may read the key.
fn write(path: &Path, pem: &str) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(pem.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)
}

/// Whether others may read it.
#[cfg(unix)]
fn is_open(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

/// Whether it is there; who may read it is the system's affair.
#[cfg(not(unix))]
fn is_open(path: &Path) -> std::io::Result<bool> {
    std::fs::metadata(path).map(|_| false)
}

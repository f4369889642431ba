//! The stored login: one token per server, and one more where this machine is
//! a workshop terminal of it, in a file of mode 600 beside no configuration,
//! for tokens never stand in one.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Tokens by server address.
#[derive(Debug, Clone)]
pub struct Credentials {
    path: PathBuf,
    stored: Stored,
}

/// The file: a line per login, and a table per workshop terminal.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    tokens: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    kiosks: BTreeMap<String, DeviceLogin>,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("logins", &self.tokens.len()).field("kiosks", &self.kiosks).finish()
    }
}

/// What makes this machine a workshop terminal of a server.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceLogin {
    /// What people call it.
    pub label: String,
    /// For `POST /v1/kiosk-sessions`.
    pub token: String,
    /// After how many seconds it forgets, as it was enrolled.
    pub idle_seconds: u64,
}

impl fmt::Debug for DeviceLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceLogin").field("label", &self.label).field("idle_seconds", &self.idle_seconds).finish_non_exhaustive()
    }
}

/// Why the stored login cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    /// Reading or writing failed.
    #[error("the stored login {path} cannot be used: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// Others may read it.
    #[error("the stored login {0} may be read by others: run `chmod 600` on it, or sign in anew")]
    Open(PathBuf),
}

impl Credentials {
    /// The stored logins in a folder; none if there is no file yet.
    ///
    /// # Errors
    /// When the file cannot be read, or may be read by others.
    pub fn read(folder: &Path) -> Result<Self, CredentialsError> {
        let path = folder.join("credentials.toml");
        let failed = |cause| CredentialsError::File { path: path.clone(), cause };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self { path, stored: Stored::default() }),
            Err(error) => return Err(failed(error)),
        };
        if is_open(&path).map_err(failed)? {
            return Err(CredentialsError::Open(path));
        }
        let stored = toml::from_str(&text).map_err(|error| failed(std::io::Error::other(error.message().to_owned())))?;
        Ok(Self { path, stored })
    }

    /// The token for a server.
    #[must_use]
    pub fn token(&self, server: &str) -> Option<&str> {
        self.stored.tokens.get(server).map(String::as_str)
    }

    /// What makes this machine a workshop terminal of a server.
    #[must_use]
    pub fn device(&self, server: &str) -> Option<&DeviceLogin> {
        self.stored.kiosks.get(server)
    }

    /// Keeps a token, or forgets it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set(&mut self, server: &str, token: Option<String>) -> Result<(), CredentialsError> {
        match token {
            Some(token) => self.stored.tokens.insert(server.to_owned(), token),
            None => self.stored.tokens.remove(server),
        };
        self.write().map_err(|cause| CredentialsError::File { path: self.path.clone(), cause })
    }

    /// Makes this machine a workshop terminal of a server, or an ordinary one
    /// again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set_device(&mut self, server: &str, device: Option<DeviceLogin>) -> Result<(), CredentialsError> {
        match device {
            Some(device) => {
                self.stored.kiosks.insert(server.to_owned(), device);
            }
            None => {
                self.stored.kiosks.remove(server);
            }
        }
        self.write().map_err(|cause| CredentialsError::File { path: self.path.clone(), cause })
    }

    /// Writes a new file and puts it in the old one's place, so that a crash
    /// leaves one or the other.
    fn write(&self) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let text = toml::to_string(&self.stored).map_err(std::io::Error::other)?;
        let new = self.path.with_extension("new");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, &self.path)
    }
}

#[cfg(unix)]
fn is_open(path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Path) -> std::io::Result<bool> {
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "https://counter.dealer.example:7420";

    #[test]
    fn a_login_and_a_device_stand_beside_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut credentials = Credentials::read(folder.path()).unwrap();
        credentials.set(HERE, Some("person".to_owned())).unwrap();
        let device = DeviceLogin { label: "Bay 3".to_owned(), token: "device".to_owned(), idle_seconds: 60 };
        credentials.set_device(HERE, Some(device.clone())).unwrap();
        let mut read = Credentials::read(folder.path()).unwrap();
        assert_eq!((read.token(HERE), read.device(HERE)), (Some("person"), Some(&device)));
        read.set(HERE, None).unwrap();
        let mut read = Credentials::read(folder.path()).unwrap();
        assert_eq!((read.token(HERE), read.device(HERE)), (None, Some(&device)));
        read.set_device(HERE, None).unwrap();
        assert_eq!(Credentials::read(folder.path()).unwrap().device(HERE), None);
        assert!(!format!("{device:?} {credentials:?}").contains("\"device\""), "no token is printed");
    }

    #[test]
    fn a_file_of_before_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut credentials = Credentials::read(folder.path()).unwrap();
        credentials.set(HERE, Some("person".to_owned())).unwrap();
        std::fs::write(folder.path().join("credentials.toml"), format!("\"{HERE}\" = \"older\"\n")).unwrap();
        assert_eq!(Credentials::read(folder.path()).unwrap().token(HERE), Some("older"));
    }
}

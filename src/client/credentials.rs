//! The stored login: one token per server, in a file of mode 600 beside no
//! configuration, for tokens never stand in one.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// Tokens by server address.
#[derive(Debug, Clone)]
pub struct Credentials {
    path: PathBuf,
    tokens: BTreeMap<String, String>,
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
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self { path, tokens: BTreeMap::new() }),
            Err(error) => return Err(failed(error)),
        };
        if is_open(&path).map_err(failed)? {
            return Err(CredentialsError::Open(path));
        }
        let tokens = toml::from_str(&text).map_err(|error| failed(std::io::Error::other(error.to_string())))?;
        Ok(Self { path, tokens })
    }

    /// The token for a server.
    #[must_use]
    pub fn token(&self, server: &str) -> Option<&str> {
        self.tokens.get(server).map(String::as_str)
    }

    /// Keeps a token, or forgets it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn set(&mut self, server: &str, token: Option<String>) -> Result<(), CredentialsError> {
        match token {
            Some(token) => self.tokens.insert(server.to_owned(), token),
            None => self.tokens.remove(server),
        };
        self.write().map_err(|cause| CredentialsError::File { path: self.path.clone(), cause })
    }

    /// Writes a new file and puts it in the old one's place, so that a crash
    /// leaves one or the other.
    fn write(&self) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)?;
        let text = toml::to_string(&self.tokens).map_err(std::io::Error::other)?;
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

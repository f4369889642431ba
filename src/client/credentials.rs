//! The stored login: one token per server, in the machine's keyring where the
//! configuration wants it and there is one, else in a file of mode 600. What
//! makes this machine a workshop terminal of a server is always in the file: no
//! person is signed in there whose keyring it could be.
//!
//! Calls nobody of the house.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::keyring::{Keyring, KeyringFault};

/// Tokens by server address.
#[derive(Debug, Clone)]
pub struct Credentials {
    path: PathBuf,
    stored: Stored,
    keeping: Keeping,
}

/// Where new tokens go. Without a keyring, or where none is wanted, to the file.
#[derive(Debug, Clone, Default)]
pub struct Keeping {
    keyring: Option<Keyring>,
    wants_keyring: bool,
}

impl Keeping {
    /// To this keyring, if it is wanted. What is in it already is found there
    /// either way.
    #[must_use]
    pub const fn new(keyring: Option<Keyring>, wants_keyring: bool) -> Self {
        Self { keyring, wants_keyring }
    }

    /// Whether there is a keyring to be waited for.
    #[must_use]
    pub const fn has_keyring(&self) -> bool {
        self.keyring.is_some()
    }
}

/// Where a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The keyring of this machine.
    Keyring,
    /// The file.
    File,
}

/// Where a token was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kept {
    /// Into the keyring.
    Keyring,
    /// Into the file: as it was wanted, or because the keyring was of no use.
    File(Option<KeyringFault>),
}

/// The file: a line per login, and a table per workshop terminal.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    tokens: BTreeMap<String, String>,
    /// Servers whose token may be in the keyring: no other makes it ask the
    /// person to unlock it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    in_keyring: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    kiosks: BTreeMap<String, DeviceLogin>,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored").field("logins", &self.tokens.len()).field("in_keyring", &self.in_keyring).field("kiosks", &self.kiosks).finish()
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
    /// It is in the keyring, and that was of no use.
    #[error("the stored login cannot be reached: {0}; sign in anew if it stays so")]
    Keyring(#[from] KeyringFault),
}

impl Credentials {
    /// The stored logins in a folder; none if there is no file yet.
    ///
    /// # Errors
    /// When the file cannot be read, or may be read by others.
    pub fn read(folder: &Path, keeping: Keeping) -> Result<Self, CredentialsError> {
        let path = folder.join("credentials.toml");
        let failed = |cause| CredentialsError::File { path: path.clone(), cause };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self { path, stored: Stored::default(), keeping }),
            Err(error) => return Err(failed(error)),
        };
        if is_open(&path).map_err(failed)? {
            return Err(CredentialsError::Open(path));
        }
        let stored = toml::from_str(&text).map_err(|error| failed(std::io::Error::other(error.message().to_owned())))?;
        Ok(Self { path, stored, keeping })
    }

    /// The token for a server. Waits a moment for a keyring that keeps it.
    ///
    /// # Errors
    /// When it is in the keyring, and that is of no use.
    pub fn token(&self, server: &str) -> Result<Option<String>, CredentialsError> {
        // The file first: what stands there was put there because the keyring
        // was of no use, and is the later one.
        match (self.stored.tokens.get(server), self.place(server), &self.keeping.keyring) {
            (Some(token), ..) => Ok(Some(token.clone())),
            (None, None, _) => Ok(None),
            (None, Some(_), Some(keyring)) => Ok(keyring.token(server)?),
            (None, Some(_), None) => Err(KeyringFault::Unknown.into()),
        }
    }

    /// Where the token for a server is.
    #[must_use]
    pub fn place(&self, server: &str) -> Option<Place> {
        match () {
            () if self.stored.tokens.contains_key(server) => Some(Place::File),
            () if self.stored.in_keyring.contains(server) => Some(Place::Keyring),
            () => None,
        }
    }

    /// Where the next token goes.
    #[must_use]
    pub const fn next_place(&self) -> Place {
        if self.keeping.wants_keyring && self.keeping.has_keyring() { Place::Keyring } else { Place::File }
    }

    /// A place as people are told of it.
    #[must_use]
    pub fn in_words(&self, place: Place) -> String {
        match place {
            Place::Keyring => "the keyring of this machine".to_owned(),
            Place::File => format!("the file {}, which nobody else may read", self.path.display()),
        }
    }

    /// What makes this machine a workshop terminal of a server.
    #[must_use]
    pub fn device(&self, server: &str) -> Option<&DeviceLogin> {
        self.stored.kiosks.get(server)
    }

    /// Keeps a token: in the keyring where that is wanted and works, else in the
    /// file. Waits a moment for the keyring.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn keep(&mut self, server: &str, token: &str) -> Result<Kept, CredentialsError> {
        let kept = self.put(server, token);
        if kept == Kept::Keyring {
            self.stored.tokens.remove(server);
            self.stored.in_keyring.insert(server.to_owned());
        } else {
            self.stored.tokens.insert(server.to_owned(), token.to_owned());
            if matches!(kept, Kept::File(Some(KeyringFault::Silent(_)))) {
                // It may take it yet.
                self.stored.in_keyring.insert(server.to_owned());
            }
        }
        self.save()?;
        Ok(kept)
    }

    /// Puts a token where it belongs; an older one that is elsewhere goes.
    fn put(&mut self, server: &str, token: &str) -> Kept {
        match &self.keeping.keyring {
            Some(keyring) if self.keeping.wants_keyring => keyring.keep(server, token).map_or_else(|fault| Kept::File(Some(fault)), |()| Kept::Keyring),
            Some(keyring) if self.stored.in_keyring.contains(server) => {
                if keyring.forget(server).is_ok() {
                    self.stored.in_keyring.remove(server);
                }
                Kept::File(None)
            }
            _ => Kept::File(None),
        }
    }

    /// Forgets a token, wherever it is. Waits a moment for a keyring that keeps
    /// it.
    ///
    /// # Errors
    /// When the file cannot be written, or the keyring keeps it.
    pub fn forget(&mut self, server: &str) -> Result<(), CredentialsError> {
        self.stored.tokens.remove(server);
        let forgotten = match &self.keeping.keyring {
            Some(keyring) if self.stored.in_keyring.contains(server) => keyring.forget(server),
            _ => Ok(()),
        };
        // Where there is no keyring any more, nobody finds it either.
        if forgotten.is_ok() {
            self.stored.in_keyring.remove(server);
        }
        self.save()?;
        Ok(forgotten?)
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
        self.save()
    }

    fn save(&self) -> Result<(), CredentialsError> {
        self.write().map_err(|cause| CredentialsError::File { path: self.path.clone(), cause })
    }

    /// Writes a new file and puts it in the old one's place, so that a crash
    /// leaves one or the other.
    fn write(&self) -> std::io::Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        super::folder::make(folder)?;
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
    use crate::client::keyring::tests::{in_memory, refusing, silent};

    const HERE: &str = "https://counter.dealer.example:7420";

    fn read(folder: &tempfile::TempDir, keyring: Option<&Keyring>) -> Credentials {
        Credentials::read(folder.path(), Keeping::new(keyring.cloned(), true)).unwrap()
    }

    fn token(folder: &tempfile::TempDir, keyring: Option<&Keyring>) -> Option<String> {
        read(folder, keyring).token(HERE).unwrap()
    }

    fn file(folder: &tempfile::TempDir) -> String {
        std::fs::read_to_string(folder.path().join("credentials.toml")).unwrap()
    }

    #[test]
    fn a_login_and_a_device_stand_beside_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let mut credentials = read(&folder, None);
        assert_eq!(credentials.keep(HERE, "person").unwrap(), Kept::File(None));
        let device = DeviceLogin { label: "Bay 3".to_owned(), token: "device".to_owned(), idle_seconds: 60 };
        credentials.set_device(HERE, Some(device.clone())).unwrap();
        let mut again = read(&folder, None);
        assert_eq!((again.token(HERE).unwrap().as_deref(), again.device(HERE)), (Some("person"), Some(&device)));
        again.forget(HERE).unwrap();
        let mut again = read(&folder, None);
        assert_eq!((again.token(HERE).unwrap(), again.device(HERE)), (None, Some(&device)));
        again.set_device(HERE, None).unwrap();
        assert_eq!(read(&folder, None).device(HERE), None);
        assert!(!format!("{device:?} {credentials:?}").contains("\"device\""), "no token is printed");
    }

    #[test]
    fn a_file_of_before_is_read_and_the_next_token_goes_to_the_keyring() {
        let (folder, keyring) = (tempfile::tempdir().unwrap(), in_memory());
        read(&folder, None).keep(HERE, "person").unwrap();
        std::fs::write(folder.path().join("credentials.toml"), format!("\"{HERE}\" = \"older\"\n")).unwrap();
        assert_eq!((token(&folder, None).as_deref(), token(&folder, Some(&keyring)).as_deref()), (Some("older"), Some("older")));
        let mut credentials = read(&folder, Some(&keyring));
        assert_eq!((credentials.place(HERE), credentials.next_place()), (Some(Place::File), Place::Keyring));
        assert_eq!(credentials.keep(HERE, "newer").unwrap(), Kept::Keyring);
        assert_eq!((token(&folder, Some(&keyring)).as_deref(), read(&folder, Some(&keyring)).place(HERE)), (Some("newer"), Some(Place::Keyring)));
        assert!(!file(&folder).contains("older") && !file(&folder).contains("newer"), "{}", file(&folder));
    }

    #[test]
    fn what_is_in_the_keyring_is_forgotten_there() {
        let (folder, keyring) = (tempfile::tempdir().unwrap(), in_memory());
        let device = DeviceLogin { label: "Bay 3".to_owned(), token: "device".to_owned(), idle_seconds: 60 };
        let mut credentials = read(&folder, Some(&keyring));
        credentials.set_device(HERE, Some(device.clone())).unwrap();
        credentials.keep(HERE, "person").unwrap();
        let mut credentials = read(&folder, Some(&keyring));
        assert_eq!(credentials.device(HERE), Some(&device), "a workshop terminal's token stays in the file: {}", file(&folder));
        credentials.forget(HERE).unwrap();
        assert_eq!((keyring.token(HERE), token(&folder, Some(&keyring)), read(&folder, None).place(HERE)), (Ok(None), None, None));
    }

    #[test]
    fn a_keyring_that_is_of_no_use_is_made_up_for_by_the_file() {
        for keyring in [refusing(), silent()] {
            let folder = tempfile::tempdir().unwrap();
            assert_eq!(token(&folder, Some(&keyring)), None, "nobody signed in yet, so it is not asked");
            let kept = read(&folder, Some(&keyring)).keep(HERE, "person").unwrap();
            assert!(matches!(kept, Kept::File(Some(_))), "{kept:?}");
            assert_eq!(token(&folder, Some(&keyring)).as_deref(), Some("person"));
        }
    }

    #[test]
    fn without_its_keyring_a_token_is_missed_in_words() {
        let (folder, keyring) = (tempfile::tempdir().unwrap(), in_memory());
        read(&folder, Some(&keyring)).keep(HERE, "person").unwrap();
        for (now, told) in [(None, "built without one"), (Some(refusing()), "refused: Unsupported"), (Some(silent()), "is it locked?")] {
            let missed = read(&folder, now.as_ref()).token(HERE).unwrap_err().to_string();
            assert!(missed.contains(told) && missed.starts_with("the stored login cannot be reached"), "{missed}");
        }
        read(&folder, None).forget(HERE).unwrap();
        assert_eq!(token(&folder, None), None);
    }

    #[test]
    fn with_the_file_wanted_the_next_token_leaves_the_keyring() {
        let (folder, keyring) = (tempfile::tempdir().unwrap(), in_memory());
        read(&folder, Some(&keyring)).keep(HERE, "one").unwrap();
        let mut credentials = Credentials::read(folder.path(), Keeping::new(Some(keyring.clone()), false)).unwrap();
        assert_eq!((credentials.token(HERE).unwrap().as_deref(), credentials.next_place()), (Some("one"), Place::File));
        assert_eq!(credentials.keep(HERE, "two").unwrap(), Kept::File(None));
        assert_eq!((keyring.token(HERE), token(&folder, None).as_deref()), (Ok(None), Some("two")));
    }
}

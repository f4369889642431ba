//! Who locked the terminal, in a file, so that a program that was killed while
//! it was locked starts locked. It holds names and no secret.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::api::ids::UserId;
use crate::api::session::User;

const FILE: &str = "locked.json";

/// Who has to come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LockNote {
    /// The user.
    pub(super) user: UserId,
    /// The name to sign in with.
    pub(super) username: String,
    /// The person's name.
    pub(super) name: String,
}

impl LockNote {
    /// Of somebody who is signed in.
    pub(super) fn of(user: &User) -> Self {
        Self { user: user.id, username: user.username.clone(), name: user.name.clone() }
    }
}

/// Who locked a terminal of this server; none if nobody did.
pub(super) fn read(folder: &Path, server: &str) -> Option<LockNote> {
    all(folder).remove(server)
}

/// Keeps who locked it, or that nobody did.
///
/// # Errors
/// When the file cannot be written.
pub(super) fn write(folder: &Path, server: &str, note: Option<&LockNote>) -> std::io::Result<()> {
    let mut notes = all(folder);
    match note {
        Some(note) => {
            notes.insert(server.to_owned(), note.clone());
        }
        None if notes.remove(server).is_none() => return Ok(()),
        None => {}
    }
    let path = folder.join(FILE);
    if notes.is_empty() {
        return std::fs::remove_file(path);
    }
    crate::client::folder::make(folder)?;
    // A new file in the old one's place: a crash leaves one or the other.
    let new = folder.join(format!("{FILE}.new"));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&new)?;
    file.write_all(&serde_json::to_vec(&notes).map_err(std::io::Error::other)?)?;
    file.sync_all()?;
    std::fs::rename(new, path)
}

fn all(folder: &Path) -> BTreeMap<String, LockNote> {
    let text = std::fs::read_to_string(folder.join(FILE)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_counts_for_its_server_until_it_is_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let (state, here) = (folder.path().join("state"), "https://here");
        assert_eq!(read(&state, here), None);
        write(&state, here, None).unwrap();
        let note = LockNote { user: UserId::new(), username: "counter".to_owned(), name: "Jo Ortiz".to_owned() };
        write(&state, here, Some(&note)).unwrap();
        assert_eq!((read(&state, here), read(&state, "https://there")), (Some(note), None));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(state.join(FILE)).unwrap().permissions().mode() & 0o777, 0o600);
        }
        write(&state, here, None).unwrap();
        assert!(!state.join(FILE).exists());
    }
}

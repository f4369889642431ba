//! Typed text that was not sent: kept when a form is left, when the program
//! ends, and when it is ended.

use std::collections::BTreeMap;
use std::path::Path;

/// Drafts by what they were for; each a list of field and text.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Drafts(BTreeMap<String, Draft>);

/// Fields and their texts.
pub(super) type Draft = Vec<(String, String)>;

impl Drafts {
    /// The drafts of the last time; none if there is no file or it cannot be
    /// read.
    pub(super) fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("drafts.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// Keeps the drafts for the next time.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(super) fn write(&self, folder: &Path) -> std::io::Result<()> {
        let path = folder.join("drafts.json");
        if self.0.is_empty() {
            return match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        std::fs::create_dir_all(folder)?;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path)?;
        serde_json::to_writer(file, self).map_err(std::io::Error::other)
    }

    /// Keeps a draft, or forgets it when it is empty.
    pub(super) fn set(&mut self, about: &str, draft: Draft) {
        if draft.iter().all(|(_, text)| text.is_empty()) {
            self.0.remove(about);
        } else {
            self.0.insert(about.to_owned(), draft);
        }
    }

    /// Takes a draft out.
    pub(super) fn take(&mut self, about: &str) -> Option<Draft> {
        self.0.remove(about)
    }
}

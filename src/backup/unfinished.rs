//! A file that is wholly there or not at all: written under another name,
//! brought to the disk, then renamed.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{BackupError, Result};

/// How the name of an unfinished file ends; it begins with a dot.
const ENDING: &str = ".part";

/// Whether a file of that name was never finished, or is being written.
#[must_use]
pub fn is_unfinished(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(ENDING)
}

/// A file that goes away unless it is kept.
#[derive(Debug)]
pub(super) struct Unfinished {
    /// Where it is meanwhile.
    pub(super) path: PathBuf,
    /// What is written there, for its owner only.
    pub(super) file: File,
    target: PathBuf,
    kept: bool,
}

impl Unfinished {
    /// Begins a file beside where it will be.
    pub(super) fn beside(target: &Path) -> Result<Self> {
        let Some(name) = target.file_name() else {
            return Err(BackupError::File { path: target.to_owned(), cause: std::io::Error::new(ErrorKind::InvalidInput, "this is no name for a file") });
        };
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}{ENDING}", uuid::Uuid::now_v7().simple()));
        let path = target.with_file_name(hidden);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        // Customers' data, and the hashes of passwords.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(BackupError::file(&path))?;
        Ok(Self { path, file, target: target.to_owned(), kept: false })
    }

    /// Brings what was written to the disk.
    pub(super) fn sync(&self) -> Result<()> {
        self.file.sync_all().map_err(BackupError::file(&self.path))
    }

    /// Gives it its name, in the place of a file of that name if `over`.
    pub(super) fn keep(mut self, over: bool) -> Result<()> {
        self.sync()?;
        if over {
            self.rename()?;
        } else {
            match std::fs::hard_link(&self.path, &self.target) {
                // The other name goes when this is dropped.
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(BackupError::Exists(self.target.clone())),
                // Not every file system has two names for one file.
                Err(_) if self.target.exists() => return Err(BackupError::Exists(self.target.clone())),
                Err(_) => self.rename()?,
            }
        }
        sync_folder(&self.target)
    }

    fn rename(&mut self) -> Result<()> {
        std::fs::rename(&self.path, &self.target).map_err(BackupError::file(&self.target))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.kept {
            // What cannot be removed stays, under a name that nobody reads.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Brings the name of a file to the disk: it is part of its folder.
pub(super) fn sync_folder(file: &Path) -> Result<()> {
    if cfg!(unix) {
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(BackupError::file(folder))?;
    }
    Ok(())
}

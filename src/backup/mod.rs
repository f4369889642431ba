//! Backups: one file of our own making, the same for both databases, so that
//! what was on one can be restored into the other.
//!
//! The file is a gzip of lines of JSON (`gunzip -c` shows it without this
//! program): what it is, then for each table its columns, its rows and what they
//! come to. Each part of the gzip bears the hash of itself and of all before
//! it, so that no byte of the file can change unseen, and the last line says
//! that nothing is missing.
//!
//! May call [`crate::store`] and [`crate::text`].

mod contents;
mod make;
mod packed;
mod restore;
mod tally;
mod unfinished;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use make::{make, read_through};
pub use restore::{Restored, check, restore};
pub use tally::Sum;
pub use unfinished::is_unfinished;

use crate::store::StoreError;

/// How the lines are written. A program reads every older form.
const FORMAT: u32 = 1;

/// What a backup says of itself, in its first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// How the lines are written.
    pub format: u32,
    /// The schema that the rows are of.
    pub schema: i64,
    /// When it was begun: everything committed before is in it.
    pub made_at: Timestamp,
    /// `sqlite` or `postgresql`.
    pub database: String,
    /// The program that made it.
    pub program: String,
    /// The database it was made of.
    pub lineage: Option<String>,
}

/// A backup that was read through and found whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backup {
    /// Where it is.
    pub path: PathBuf,
    /// How large the file is.
    pub bytes: u64,
    /// What it says of itself.
    pub head: Head,
    /// Its tables.
    pub sums: Vec<Sum>,
    /// The last hash, which is over the whole file: noted elsewhere, it shows
    /// that a file is this one.
    pub seal: String,
}

impl Backup {
    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.sums.iter().map(|sum| sum.rows).sum()
    }
}

/// Why there is no backup, or nothing was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file cannot be read or written.
    #[error("{}: {cause}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// No file at all.
    #[error("{} is no ordinary file: name one", .0.display())]
    NoFile(PathBuf),
    /// Something else than a backup.
    #[error("{} was not made by `countertop backup`", .0.display())]
    Foreign(PathBuf),
    /// Not what was written once.
    #[error("{} is damaged: {what}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// Made by a newer program.
    #[error("{} was made by countertop {program}, which is newer than this one: use that program", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Who made it.
        program: String,
    },
    /// There is a file of that name.
    #[error("{} is there already and stays as it is: give another name, or --overwrite", .0.display())]
    Exists(PathBuf),
    /// There is nothing to back up.
    #[error("this database holds nothing of countertop's: `countertop migrate` would make it one")]
    NoSchema,
    /// A backup is restored into an empty database only.
    #[error("the database is not empty (table {0} has rows), and nothing was changed: name an empty one{1}")]
    NotEmpty(String, &'static str),
    /// Somebody works with the file that would be replaced.
    #[error("{} is in use: stop the server and whatever else has it open", .0.display())]
    InUse(PathBuf),
    /// What was written did not come back.
    #[error("table {0} did not come back as the backup has it, and nothing was kept")]
    Different(String),
}

impl BackupError {
    /// For what a system call says of a file.
    fn file(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        |cause| Self::File { path, cause }
    }

    fn damaged(path: &Path, what: impl Into<String>) -> Self {
        Self::Damaged { path: path.to_owned(), what: what.into() }
    }
}

/// Result of a backup or a restore.
type Result<T> = std::result::Result<T, BackupError>;

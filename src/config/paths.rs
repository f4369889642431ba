//! The user's folders, as the system lays them out (on Linux: the XDG
//! variables).

use std::path::PathBuf;

/// Where files are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The configuration and the stored login.
    pub config: PathBuf,
    /// Databases.
    pub data: PathBuf,
    /// Drafts, and what tells of a running demo.
    pub state: PathBuf,
    /// Log files of the terminal application.
    pub logs: PathBuf,
}

/// The configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigFile {
    /// Where it is, or would be.
    pub path: PathBuf,
    /// Whether `COUNTERTOP_CONFIG` names it; then it must be there.
    pub named: bool,
}

impl Paths {
    /// The folders of this user. A user without a home, as services in a
    /// container may be, gets them under the working folder: such a one names
    /// its database and needs none of them.
    #[must_use]
    pub fn of_user() -> Self {
        let Some(folders) = directories::ProjectDirs::from("", "", "countertop") else {
            return Self::under(PathBuf::from(".countertop"));
        };
        let state = folders.state_dir().unwrap_or_else(|| folders.data_local_dir()).to_owned();
        Self { config: folders.config_dir().to_owned(), data: folders.data_dir().to_owned(), logs: state.join("logs"), state }
    }

    /// All folders in one.
    #[must_use]
    pub fn under(folder: PathBuf) -> Self {
        Self { config: folder.clone(), data: folder.clone(), logs: folder.join("logs"), state: folder }
    }

    /// The configuration file: the one named by `COUNTERTOP_CONFIG`, else
    /// `config.toml` in the configuration folder.
    #[must_use]
    pub fn config_file(&self) -> ConfigFile {
        match std::env::var_os("COUNTERTOP_CONFIG").filter(|path| !path.is_empty()) {
            Some(path) => ConfigFile { path: PathBuf::from(path), named: true },
            None => ConfigFile { path: self.config.join("config.toml"), named: false },
        }
    }
}

//! The configuration, read in layers: defaults, then the file, then the
//! environment, then the flags. All settings stand in one table
//! ([`SETTINGS`]), from which come reading, suggestions and the example file.
//!
//! A leaf: may call [`crate::text`] only.

mod example;
mod file;
mod paths;
mod provider;
mod settings;
mod value;

use std::path::PathBuf;

use crate::text::{did_you_mean, nearest};

pub use example::example;
pub use paths::{ConfigFile, Paths};
pub use provider::{GroupRole, GroupRoles, GroupScope, IssuerAddress, OneLine};
pub use settings::{ClientSettings, Config, KeyBinding, MailSettings, OidcSettings, SECTIONS, SETTINGS, ServerSettings, Setting, TerminalSettings};
pub use value::{
    AccountName, CountryCode, DatabaseAddress, FilePath, Fingerprint, FirstSignIn, IdleMinutes, LogFormat, LogLevel, MailServer, SenderAddress, ServerAddress,
    Switch, TerminalLog, TokenPlace, Value,
};

/// Environment variables and the settings they give.
const ENVIRONMENT: &[(&str, &str)] = &[("COUNTERTOP_SERVER", "client.server"), ("COUNTERTOP_DATABASE", "server.database")];

/// Something in the configuration that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Mistake {
    /// Where it stands: `config.toml:2:10`, `COUNTERTOP_SERVER` or `--listen`.
    pub place: String,
    /// What is wrong, and what would be right.
    pub what: String,
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("the configuration {path} cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// Everything that is wrong with it, in the order in which it stands.
    #[error("{}", one_a_line(.0))]
    Mistakes(Vec<Mistake>),
}

fn one_a_line(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// A setting as a flag gives it.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The flag: `--listen`.
    pub by: &'a str,
    /// The setting's name: `server.listen`.
    pub setting: &'a str,
    /// What was written.
    pub value: &'a str,
}

/// A variable of the environment; an empty one is how scripts unset it.
fn environment(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|value| !value.trim().is_empty())
}

impl Config {
    /// Reads all layers.
    ///
    /// # Errors
    /// When the file cannot be read (a missing one is an error only where it
    /// was named), or with every mistake of all layers.
    pub fn load(paths: &Paths, given: &[Given<'_>]) -> Result<Self, ConfigError> {
        let ConfigFile { path, named } = paths.config_file();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !named => None,
            Err(cause) => return Err(ConfigError::Unreadable { path, cause }),
        };
        let name = path.display().to_string();
        Self::layered(text.as_deref().map(|text| (name.as_str(), text)), &environment, given)
    }

    /// The settings of the environment and of what was given alone: for who has
    /// to go on beside a file with mistakes.
    ///
    /// # Errors
    /// Every mistake in these.
    pub fn without_file(given: &[Given<'_>]) -> Result<Self, ConfigError> {
        Self::layered(None, &environment, given)
    }

    /// The settings of a file's text alone; `file` is what mistakes are told
    /// with.
    ///
    /// # Errors
    /// Every mistake in it.
    pub fn parse(text: &str, file: &str) -> Result<Self, ConfigError> {
        Self::layered(Some((file, text)), &|_| None, &[])
    }

    fn layered(written: Option<(&str, &str)>, environment: &dyn Fn(&str) -> Option<String>, given: &[Given<'_>]) -> Result<Self, ConfigError> {
        let mut config = Self::default();
        let mut mistakes = match written {
            Some((name, text)) => file::read(&mut config, name, text),
            None => Vec::new(),
        };
        for (variable, setting) in ENVIRONMENT {
            if let Some(value) = environment(variable) {
                mistakes.extend(config.put(variable, setting, value.trim()));
            }
        }
        for flag in given {
            mistakes.extend(config.put(flag.by, flag.setting, flag.value));
        }
        if mistakes.is_empty() { Ok(config) } else { Err(ConfigError::Mistakes(mistakes)) }
    }

    fn put(&mut self, by: &str, name: &str, value: &str) -> Option<Mistake> {
        let setting = settings::named(name)?;
        let what = format!("expected {}", setting.expected);
        if setting.put(self, value) { None } else { Some(Mistake { place: by.to_owned(), what }) }
    }

    /// The database's address; a file in the data folder unless set.
    #[must_use]
    pub fn database(&self, paths: &Paths) -> String {
        match &self.server.database {
            Some(address) => address.0.clone(),
            None => format!("sqlite://{}", paths.data.join("countertop.db").display()),
        }
    }

    /// `[keys]` as the terminal application takes them.
    #[must_use]
    pub fn key_pairs(&self) -> Vec<(String, Vec<String>)> {
        self.keys.iter().map(|binding| (binding.name.clone(), binding.chords.clone())).collect()
    }

    /// Checks `[keys]`, which only the terminal application understands:
    /// `known_commands` are its commands, and `check_chords` says in a
    /// sentence what is wrong with the chords.
    #[must_use]
    pub fn check(&self, file: &str, known_commands: &[&str], check_chords: impl Fn(&[(String, Vec<String>)]) -> Result<(), String>) -> Vec<Mistake> {
        let place = |binding: &KeyBinding| format!("{file}:{}:{}", binding.line, binding.column);
        let unknown: Vec<Mistake> = self
            .keys
            .iter()
            .filter(|binding| !known_commands.contains(&binding.name.as_str()))
            .map(|binding| {
                let meant = did_you_mean(nearest(&binding.name, known_commands.iter().copied()));
                Mistake { place: place(binding), what: format!("keys.{} is no command{meant}", binding.name) }
            })
            .collect();
        if !unknown.is_empty() || self.keys.is_empty() {
            return unknown;
        }
        let Err(what) = check_chords(&self.key_pairs()) else { return Vec::new() };
        // The sentence names the command it is about.
        let about = self.keys.iter().find(|binding| what.contains(&binding.name)).or_else(|| self.keys.first());
        vec![Mistake { place: about.map_or_else(|| file.to_owned(), place), what }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(text: &str) -> Result<Config, ConfigError> {
        Config::parse(text, "config.toml")
    }

    fn told(text: &str) -> String {
        from(text).unwrap_err().to_string()
    }

    #[test]
    fn later_layers_win() {
        let text = "[server]\nlisten = \"127.0.0.1:1\"\ndatabase = \"sqlite://a.db\"\n[client]\nserver = \"http://one\"\n";
        let environment = |name: &str| (name == "COUNTERTOP_DATABASE").then(|| "sqlite://b.db".to_owned());
        let flag = Given { by: "--listen", setting: "server.listen", value: "127.0.0.1:2" };
        let config = Config::layered(Some(("config.toml", text)), &environment, &[flag]).unwrap();
        assert_eq!(config.server.listen.to_string(), "127.0.0.1:2");
        assert_eq!(config.server.database, Some(DatabaseAddress("sqlite://b.db".to_owned())));
        assert_eq!(config.client.server, Some(ServerAddress("http://one".to_owned())));
        assert_eq!(config.server.staff_idle_hours, 12);
    }

    #[test]
    fn mistakes_are_told_by_line_and_column_with_the_right_name() {
        assert_eq!(told("[server]\nlisen = \"127.0.0.1:1\"\n"), "config.toml:2:1: server.lisen is no setting; did you mean server.listen?");
        assert_eq!(told("[server]\nlisten = \"here\"\n"), "config.toml:2:10: server.listen: expected an address like 127.0.0.1:7420");
        assert_eq!(told("[sever]\nlog = \"off\"\n"), "config.toml:1:2: sever is no section; did you mean server?");
        assert_eq!(told("listen = \"127.0.0.1:1\"\n"), "config.toml:1:1: listen is no setting; did you mean server.listen?");
        assert_eq!(told("[server]\nstaff_idle_hours = \"12\"\n"), "config.toml:2:20: server.staff_idle_hours: expected a whole number from 1 to 100000");
        assert_eq!(told("[terminal]\ncolour = true\nascii = \"yes\"\n").lines().count(), 2, "all mistakes at once");
        assert!(told("[server\n").starts_with("config.toml:1:"));
    }

    #[test]
    fn a_choice_is_true_or_false_and_nothing_else() {
        assert!(from("[server]\ntls_self_made = true\n").unwrap().server.tls_self_made);
        for other in ["\"true\"", "1", "yes"] {
            assert!(from(&format!("[server]\nplain_http = {other}\n")).is_err(), "{other}");
        }
        assert_eq!(told("[server]\nstaff_idle_hours = true\n"), "config.toml:2:20: server.staff_idle_hours: expected a whole number from 1 to 100000");
    }

    #[test]
    fn a_fingerprint_is_taken_as_it_is_printed_here_and_elsewhere() {
        let digits = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let fingerprint = Fingerprint::from_text(&format!("sha256:{digits}")).unwrap();
        assert_eq!(fingerprint.to_string(), format!("sha256:{digits}"));
        let pairs: Vec<String> = fingerprint.0.iter().map(|byte| format!("{byte:02X}")).collect();
        assert_eq!(Fingerprint::from_text(&format!("sha256:{}", pairs.join(":"))), Some(fingerprint));
        for wrong in [digits.to_owned(), format!("sha256:{}", &digits[1..]), format!("sha256:{digits}0"), format!("sha256:g{}", &digits[1..])] {
            assert_eq!(Fingerprint::from_text(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn lists_are_lists_of_texts() {
        let config = from("[oidc]\ngroups = [\"counter-west=counter_staff@shop:SLN\", \"it=administrator@deployment\"]\n").unwrap();
        assert_eq!(config.oidc.groups.0.len(), 2);
        assert!(from("[oidc]\ngroups = []\n").unwrap().oidc.groups.0.is_empty());
        for wrong in ["\"counter-west=counter_staff@shop:SLN\"", "[\"counter-west\"]", "[3]", "[\"a=b@deployment\\nc=d@deployment\"]"] {
            let told = told(&format!("[oidc]\ngroups = {wrong}\n"));
            assert!(told.starts_with("config.toml:2:10: oidc.groups: expected a list of group=role@scope"), "{told}");
        }
    }

    #[test]
    fn a_flag_is_told_by_its_name() {
        let flag = Given { by: "--listen", setting: "server.listen", value: "7420" };
        let told = Config::layered(None, &|_| None, &[flag]).unwrap_err().to_string();
        assert_eq!(told, "--listen: expected an address like 127.0.0.1:7420");
    }

    #[test]
    fn keys_are_kept_as_written_and_checked_by_the_terminal() {
        let config = from("[keys]\n\"find.customers\" = [\"f2\", \"/\"]\nquit = \"none\"\nasset.reading = \"m\"\n").unwrap();
        let pairs = config.key_pairs();
        assert!(pairs.contains(&("find.customers".to_owned(), vec!["f2".to_owned(), "/".to_owned()])));
        assert!(pairs.contains(&("asset.reading".to_owned(), vec!["m".to_owned()])), "{pairs:?}");
        let unknown = config.check("config.toml", &["find.customers", "asset.readings", "quit"], |_| Ok(()));
        assert_eq!(
            unknown.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["config.toml:4:7: keys.asset.reading is no command; did you mean asset.readings?"]
        );
        let wrong = config.check("config.toml", &["find.customers", "asset.reading", "quit"], |_| Err("keys: quit: no".to_owned()));
        assert_eq!(wrong[0].to_string(), "config.toml:3:1: keys: quit: no");
        assert!(told("[keys]\nquit = 3\n").starts_with("config.toml:2:8: keys.quit: expected a key"));
    }

    #[test]
    fn the_example_is_the_default() {
        let read = from(&example()).unwrap();
        assert_eq!(read, Config::default());
        let active: String =
            example().lines().map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line)).collect::<Vec<_>>().join("\n");
        let read = from(&active).unwrap();
        assert_eq!(ServerSettings { database: None, tls_certificate: None, tls_key: None, backup_folder: None, ..read.server }, ServerSettings::default());
        assert_eq!(read.terminal, TerminalSettings::default());
    }
}

//! The program as a process of its own, with its database, its configuration and
//! its log in a folder that no other test knows.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::terminal::screen::own_folders;

/// The program, told nothing by the environment of whoever runs the tests.
pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countertop"));
    command.args(arguments).env_remove("COUNTERTOP_SERVER").env_remove("COUNTERTOP_TOKEN").env_remove("COUNTERTOP_CONFIG");
    command.env("COUNTERTOP_DATABASE", format!("sqlite://{}", folder.join("counter.db").display()));
    for (name, value) in own_folders(folder) {
        command.env(name, value);
    }
    command
}

/// Writes its configuration.
pub(crate) fn configure(folder: &Path, text: &str) {
    let home = folder.join("config/countertop");
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join("config.toml"), text).unwrap();
}

/// Adds the administrator `admin` with a password.
pub(crate) fn add_administrator(folder: &Path, password: &str) {
    let mut add = program(folder, &["user", "add", "admin", "--role", "administrator", "--password-stdin"]);
    let mut child = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{password}\n").as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// `countertop serve`, killed at the end unless it was stopped.
#[derive(Debug)]
pub(crate) struct Serving {
    child: Child,
    /// `127.0.0.1:41234`.
    pub(crate) address: String,
}

impl Serving {
    /// Serves from a folder, with more arguments. The log is `server.log` there.
    pub(crate) fn start(folder: &Path, more: &[&str]) -> Self {
        let log = folder.join("server.log");
        let mut serve = program(folder, &["serve", "--listen", "127.0.0.1:0"]);
        serve.args(more).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut serving = Self { child: serve.spawn().unwrap(), address: String::new() };
        let mut first = String::new();
        BufReader::new(serving.child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let told = || std::fs::read_to_string(&log).unwrap();
        let address = first.trim().strip_prefix("listening on http://").unwrap_or_else(|| panic!("{first:?} {}", told()));
        address.clone_into(&mut serving.address);
        serving
    }

    /// Its process.
    #[cfg(target_os = "linux")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Stops it as a service's keeper does; all of its log is written then.
    pub(crate) fn stop(&mut self) {
        assert!(Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap().success());
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "{ended}");
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

//! Asks for passwords: on the terminal without showing them, or from the first
//! line of standard input where a script says so.

use std::io::{BufRead as _, IsTerminal as _};

use super::exit::Failure;

/// A password that is known already.
#[cfg(feature = "client")]
pub(super) fn known(prompt: &str, from_stdin: bool) -> Result<String, Failure> {
    if from_stdin { first_line() } else { asked(prompt) }
}

/// A new password; on a terminal it is asked for twice.
pub(super) fn new(prompt: &str, from_stdin: bool) -> Result<String, Failure> {
    if from_stdin {
        return first_line();
    }
    let password = asked(prompt)?;
    if asked("The same again: ")? == password { Ok(password) } else { Err(Failure::usage("the two passwords differ")) }
}

fn asked(prompt: &str) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage("there is no terminal to ask for the password on: give it as the first line of standard input with --password-stdin"));
    }
    rpassword::prompt_password(prompt).map_err(|error| Failure::failed(format!("the password could not be read: {error}")))
}

fn first_line() -> Result<String, Failure> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() { Err(Failure::usage("standard input holds no password")) } else { Ok(password.to_owned()) }
}

//! `countertop password`: sets a password with the code of a mailed link.

use std::io::BufRead as _;

use super::connection::{Connection, NOTHING};
use super::exit::{Exit, Failure, Outcome};
use super::output;
use super::runtime::wait;
use super::secret;
use crate::api::operation::UsePasswordLink;
use crate::api::session::LinkedPassword;

/// `countertop password`.
#[derive(Debug, clap::Args)]
pub(super) struct PasswordArgs {
    /// Take the code and the new password from the first two lines of standard input
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Sets the password; nobody has to be signed in for it.
pub(super) fn run(args: PasswordArgs, before: Connection) -> Outcome {
    let connected = args.connection.or(before).connect_anew()?;
    let body = if args.password_stdin { two_lines()? } else { asked()? };
    wait(async { connected.client.call::<UsePasswordLink>(&NOTHING, &NOTHING, &body).await.map_err(Failure::from) })?;
    output::note("The password is set: sign in with it.");
    Ok(Exit::Done)
}

fn asked() -> Result<LinkedPassword, Failure> {
    let code = secret::known("Code from the link, behind its # sign: ", false)?;
    Ok(LinkedPassword { code: bare(&code), new: secret::new("New password: ", false)? })
}

fn two_lines() -> Result<LinkedPassword, Failure> {
    let mut lines = std::io::stdin().lock().lines();
    let mut line = || lines.next().transpose().map(Option::unwrap_or_default);
    let (code, new) = (line()?, line()?);
    Ok(LinkedPassword { code: bare(&code), new })
}

/// Whoever pastes the whole link means its end.
fn bare(pasted: &str) -> String {
    pasted.rsplit('#').next().unwrap_or_default().trim().to_owned()
}

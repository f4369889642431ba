//! `countertop login` and `countertop logout`: a token for this user, kept in
//! the machine's keyring or beside the configuration, and never in it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::time::Duration;

use jiff::Timestamp;

use super::connection::{Connected, Connection, NOTHING};
use super::exit::{Exit, Failure, Outcome};
use super::output;
use super::runtime::wait;
use super::secret;
use super::setup::Setup;
use crate::api::device_sign_in::{DevicePoll, DeviceState};
use crate::api::operation::{BeginDeviceSignIn, OfDeviceSignIn, PollDeviceSignIn, SignIn, SignOut};
use crate::api::session;
use crate::client::credentials::{Credentials, CredentialsError, Kept, Place};
use crate::client::{Client, ClientError};

/// `countertop login [USERNAME]`.
#[derive(Debug, clap::Args)]
pub(super) struct LoginArgs {
    /// The name to sign in with; asked for unless given
    #[arg(value_name = "USERNAME")]
    username: Option<String>,
    /// Take the password from the first line of standard input
    #[arg(long)]
    password_stdin: bool,
    /// Sign in with the dealer's account: shows an address to open elsewhere
    #[arg(long, conflicts_with_all = ["username", "password_stdin"])]
    device: bool,
    #[command(flatten)]
    connection: Connection,
}

/// `countertop logout`.
#[derive(Debug, clap::Args)]
pub(super) struct LogoutArgs {
    #[command(flatten)]
    connection: Connection,
}

/// Signs in and stores the token.
pub(super) fn login(args: LoginArgs, before: Connection) -> Outcome {
    let connected = args.connection.or(before).connect_anew()?;
    if args.device {
        return with_device(&connected);
    }
    let username = match args.username {
        Some(username) => username,
        None => asked_username(args.password_stdin)?,
    };
    let password = secret::known("Password: ", args.password_stdin)?;
    let body = session::SignIn { username, password };
    let signed_in = wait(async { connected.client.call::<SignIn>(&NOTHING, &NOTHING, &body).await.map_err(Failure::from) })?;
    let server = connected.client.server();
    let kept = keep(&connected, &signed_in.token)?;
    output::note(&format!("Signed in at {server} until {} at the latest.", signed_in.expires_at));
    output::note(&kept);
    if signed_in.must_change_password {
        output::note("The password has to be changed.");
    }
    Ok(Exit::Done)
}

/// Signs in at the identity provider: the person goes there, we wait.
fn with_device(connected: &Connected) -> Outcome {
    let server = connected.client.server();
    let (token, expires_at) = wait(until_agreed(&connected.client))?;
    let kept = keep(connected, &token)?;
    output::note(&format!("Signed in at {server} until {expires_at} at the latest."));
    output::note(&kept);
    Ok(Exit::Done)
}

/// Keeps a new token; what is told of it says where.
fn keep(connected: &Connected, token: &str) -> Result<String, Failure> {
    let mut credentials = readable(&connected.setup)?;
    let place = match credentials.keep(connected.client.server(), token)? {
        Kept::Keyring => credentials.in_words(Place::Keyring),
        Kept::File(None) => credentials.in_words(Place::File),
        Kept::File(Some(fault)) => format!("{}: {fault}", credentials.in_words(Place::File)),
    };
    Ok(format!("The sign-in is kept in {place}."))
}

/// Says where to go, and asks as often as the server says until it is done.
async fn until_agreed(client: &Client) -> Result<(String, Timestamp), Failure> {
    let begun = client.call::<BeginDeviceSignIn>(&NOTHING, &NOTHING, &NOTHING).await?;
    output::note(&format!("Open {} on your telephone or another computer", output::line(&begun.verification_uri)));
    output::note(&format!("and enter {}. It is good until {}.", output::line(&begun.user_code), begun.expires_at));
    let (path, body) = (OfDeviceSignIn { id: begun.id }, DevicePoll { poll_code: begun.poll_code.clone() });
    let mut pause = begun.interval;
    loop {
        tokio::time::sleep(Duration::from_secs(pause.max(1))).await;
        pause = match client.call::<PollDeviceSignIn>(&path, &NOTHING, &body).await {
            Ok(DeviceState::SignedIn { token, expires_at }) => return Ok((token, expires_at)),
            Ok(DeviceState::Waiting { interval }) => interval,
            Err(error) if Timestamp::now() < begun.expires_at && is_passing(&error) => {
                error.problem().and_then(|problem| problem.retry_after).unwrap_or(begun.interval).max(begun.interval)
            }
            Err(error) => return Err(error.into()),
        };
    }
}

/// Whether asking again later may help.
fn is_passing(error: &ClientError) -> bool {
    error.is_unreachable() || error.problem().is_some_and(|problem| matches!(problem.code.as_str(), "provider.unreachable" | "server.busy"))
}

/// Ends the session and forgets the token.
pub(super) fn logout(args: LogoutArgs, before: Connection) -> Outcome {
    let connected = args.connection.or(before).connect()?;
    let server = connected.client.server();
    if !connected.client.has_token() {
        output::note(&format!("Nobody is signed in at {server}."));
        return Ok(Exit::Done);
    }
    let ended = wait(async { Ok::<_, Failure>(connected.client.call::<SignOut>(&NOTHING, &NOTHING, &NOTHING).await) })?;
    if !connected.token_given {
        readable(&connected.setup)?.forget(server)?;
    }
    match ended {
        Err(error) if error.problem().is_none_or(|problem| problem.status != 401) => {
            if !connected.token_given {
                output::note("The token is forgotten here; on the server the session ends by itself.");
            }
            Err(error.into())
        }
        // A session that has ended already is what was wanted.
        _ => {
            output::note(&format!("Signed out at {server}."));
            Ok(Exit::Done)
        }
    }
}

/// The stored logins. A file that others could read is thrown away: its tokens
/// are no secrets any more, and a new sign-in starts a new one.
pub(super) fn readable(setup: &Setup) -> Result<Credentials, Failure> {
    match setup.credentials() {
        Err(CredentialsError::Open(path)) => {
            std::fs::remove_file(path)?;
            Ok(setup.credentials()?)
        }
        other => Ok(other?),
    }
}

fn asked_username(password_stdin: bool) -> Result<String, Failure> {
    let stdin = std::io::stdin();
    if password_stdin || !stdin.is_terminal() {
        return Err(Failure::usage("there is no terminal to ask for the user name on: say `countertop login USERNAME`"));
    }
    let mut error = std::io::stderr().lock();
    write!(error, "User name: ").and_then(|()| error.flush())?;
    let mut line = String::new();
    stdin.lock().read_line(&mut line)?;
    let username = line.trim();
    if username.is_empty() { Err(Failure::usage("a sign-in needs a user name")) } else { Ok(username.to_owned()) }
}

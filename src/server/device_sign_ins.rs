//! Signing in with the dealer's account (RFC 8628): this server asks the
//! identity provider, the terminal asks this server.
//!
//! What is under way stands in the database, so that any server can go on with
//! it. The turn to ask the provider is taken there too: however many terminals
//! and servers ask, and however fast, the provider is asked no faster than it
//! allows. Nobody holds a connection while the provider thinks.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::call::{Answer, Ask, Reply};
use super::caller::token_hash;
use super::fault::Fault;
use super::noted::Origin;
use super::oidc::{self, Begun, IdentityProvider, Polled, ProviderFault};
use super::{App, sessions};
use crate::api::device_sign_in::{DeviceSignIn, DeviceState};
use crate::api::ids::DeviceSignInId;
use crate::api::operation::{BeginDeviceSignIn, Operation as _, PollDeviceSignIn};
use crate::api::problem::Problem;
use crate::store::At;
use crate::store::device_sign_ins::{self as stored, DeviceSignInRow};

/// None lives longer, whatever the provider says.
const LONGEST: u64 = 15 * 60;
/// What `slow_down` adds, for good (RFC 8628, 3.5).
const SLOWER: i64 = 5;
/// The longest pause that we make of our own accord.
const LONGEST_PAUSE: i64 = 60;
/// When it makes sense to begin again with a provider that did not answer.
const AGAIN: i64 = 5;
/// A turn that is never given back, for its server died, is over after this:
/// longer than any question takes.
const TURN: i64 = 20;

/// Nobody guesses here: who waited has no turn before others at his address.
const NO_PASSWORD: &str = "";

/// `POST /v1/device-sign-ins`.
pub(super) async fn begin(app: App, ask: Ask<BeginDeviceSignIn>) -> Answer<DeviceSignIn> {
    let provider = provider(&app)?;
    app.brake.pass(&braked(ask.from), NO_PASSWORD, ask.from, Instant::now()).map_err(slow_down)?;
    let Begun { device_code, user_code, verification_uri, verification_uri_complete, expires_in, interval } =
        provider.begin().await.map_err(|fault| refusal(&fault, AGAIN))?;
    let (id, poll_code) = (DeviceSignInId::new(), sessions::new_token()?);
    let expires_at = after(i64::try_from(expires_in.min(LONGEST)).unwrap_or_default());
    let row = DeviceSignInRow {
        id,
        sealed_code: oidc::seal(id, &poll_code, &device_code).ok_or_else(|| Fault::Ours("a device code could not be encrypted".to_owned()))?,
        interval_seconds: i64::try_from(interval).unwrap_or(LONGEST_PAUSE),
        next_poll_at: after(i64::try_from(interval).unwrap_or(LONGEST_PAUSE)),
        expires_at,
    };
    let mut conn = app.db.write().await?;
    stored::insert(&mut conn, &row, &token_hash(&poll_code)).await?;
    conn.commit().await?;
    Ok(Reply::created(DeviceSignIn { id, user_code, verification_uri, verification_uri_complete, interval, expires_at: expires_at.0, poll_code }))
}

/// `POST /v1/device-sign-ins/{id}`.
pub(super) async fn poll(app: App, ask: Ask<PollDeviceSignIn>) -> Answer<DeviceState> {
    let provider = provider(&app)?;
    let poll_code = &ask.body.poll_code;
    let row = match turn(&app, ask.path.id, poll_code).await? {
        Turn::Ours(row) => row,
        Turn::Later(interval) => return Ok(Reply::ok(DeviceState::Waiting { interval })),
    };
    let device_code = oidc::open(row.id, poll_code, &row.sealed_code).ok_or_else(|| Fault::Ours("a device code could not be read".to_owned()))?;
    match provider.poll(&device_code).await {
        Ok(Polled::Pending) => wait(&app, row.id, row.interval_seconds).await,
        Ok(Polled::SlowDown) => wait(&app, row.id, row.interval_seconds + SLOWER).await,
        Ok(Polled::Denied) => {
            forget(&app, row.id).await?;
            Err(Problem::new("device.denied", "The sign-in was refused at the identity provider. Begin again if that was a mistake.").into())
        }
        Ok(Polled::Expired) => {
            forget(&app, row.id).await?;
            Err(expired().into())
        }
        Ok(Polled::Done(tokens)) => {
            // The provider gives tokens once; so does the sign-in.
            forget(&app, row.id).await?;
            finish(&app, &provider, &tokens, (ask.from, &ask.origin)).await
        }
        Err(fault @ ProviderFault::Unreachable(_)) => {
            // RFC 8628, 3.5: who gets no answer asks less often.
            let interval = (row.interval_seconds * 2).min(LONGEST_PAUSE.max(row.interval_seconds));
            wait(&app, row.id, interval).await?;
            Err(refusal(&fault, interval).into())
        }
        Err(fault) => {
            forget(&app, row.id).await?;
            Err(refusal(&fault, AGAIN).into())
        }
    }
}

fn provider(app: &App) -> Result<Arc<IdentityProvider>, Problem> {
    app.provider.clone().ok_or_else(|| Problem::new("provider.none", "This server has no identity provider. Sign in with your user name and password."))
}

/// What the brake counts: sign-ins begun from one address and not finished.
/// No user's name has a line break.
fn braked(from: IpAddr) -> String {
    format!("device sign-in\n{from}")
}

fn slow_down(wait: Duration) -> Problem {
    let seconds = wait.as_secs() + 1;
    let told = format!("Too many sign-ins were begun here and not finished. Try again in {seconds} s.");
    Problem { retry_after: Some(seconds), ..Problem::new("session.slow_down", told) }
}

/// What the terminal is told of the provider's trouble; the log is told why.
fn refusal(fault: &ProviderFault, again_in: i64) -> Problem {
    tracing::warn!(cause = %fault, "the identity provider was of no use");
    match fault {
        ProviderFault::Unreachable(_) => Problem {
            retry_after: u64::try_from(again_in).ok(),
            ..Problem::new("provider.unreachable", "The identity provider does not answer. Wait a little, or sign in with your user name and password.")
        },
        // No retry makes it better; and none is made of an answer that says when.
        ProviderFault::Refused(_) | ProviderFault::Strange(_) => Problem {
            retry_after: u64::try_from(LONGEST_PAUSE).ok(),
            ..Problem::new("provider.refused", format!("{}. Tell your administrator.", capitalised(&fault.to_string())))
        },
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn expired() -> Problem {
    Problem::new("device.expired", "The code is no longer good. Begin again for a new one.")
}

/// Whether the provider may be asked.
#[derive(Debug)]
enum Turn {
    /// By us, now.
    Ours(DeviceSignInRow),
    /// Ask again in so many seconds.
    Later(u64),
}

/// Takes the turn, if it is due.
async fn turn(app: &App, id: DeviceSignInId, poll_code: &str) -> Result<Turn, Fault> {
    let found = stored::find(&mut app.db.read().await?, id, &token_hash(poll_code)).await?;
    let unknown = || Problem::new("device.unknown", "There is no such sign-in under way. Begin again.");
    let row = found.ok_or_else(unknown)?;
    if row.expires_at <= At::now() {
        forget(app, id).await?;
        return Err(expired().into());
    }
    let early = row.next_poll_at.micros() - At::now().micros();
    if early > 0 {
        return Ok(Turn::Later(u64::try_from(early).unwrap_or_default().div_ceil(1_000_000)));
    }
    let mut conn = app.db.write().await?;
    let ours = stored::take_turn(&mut conn, id, after(TURN)).await?;
    conn.commit().await?;
    // Somebody else with the same code was faster.
    Ok(if ours { Turn::Ours(row) } else { Turn::Later(u64::try_from(row.interval_seconds).unwrap_or(1)) })
}

/// Counts the pause from the answer on, so that two questions never reach the
/// provider closer together than that.
async fn wait(app: &App, id: DeviceSignInId, interval: i64) -> Answer<DeviceState> {
    let mut conn = app.db.write().await?;
    stored::keep(&mut conn, id, interval, after(interval)).await?;
    conn.commit().await?;
    Ok(Reply::ok(DeviceState::Waiting { interval: u64::try_from(interval).unwrap_or(1) }))
}

async fn forget(app: &App, id: DeviceSignInId) -> Result<(), Fault> {
    let mut conn = app.db.write().await?;
    stored::forget(&mut conn, id).await?;
    Ok(conn.commit().await?)
}

/// The person is done: who is it, and a session.
async fn finish(app: &App, provider: &IdentityProvider, tokens: &oidc::Tokens, (from, origin): (IpAddr, &Origin)) -> Answer<DeviceState> {
    let person = provider.identify(tokens).await.map_err(|fault| refusal(&fault, AGAIN))?;
    let mut conn = app.db.write().await?;
    let user = oidc::account(&mut conn, provider, &person, origin).await?;
    let told = sessions::told_of_new_place(&mut conn, app, &user, origin).await?;
    let signed_in = sessions::open(&mut conn, app, &user, (PollDeviceSignIn::ENDPOINT.name, origin)).await?;
    conn.commit().await?;
    app.mail.tell(told);
    app.brake.was_right(&braked(from), from, Instant::now());
    sessions::at_home(app, &user.username, from);
    Ok(Reply::ok(DeviceState::SignedIn { token: signed_in.token, expires_at: signed_in.expires_at }))
}

/// So many seconds from now.
fn after(seconds: i64) -> At {
    At::from_micros((Timestamp::now() + SignedDuration::from_secs(seconds)).as_microsecond())
}

//! Passwords that somebody else gives: generated and shown once (S4-12), or set
//! by whoever holds the link that was mailed (S4-13).

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::TryRng as _;
use rand::rngs::SysRng;

use super::account_letter::{AccountLetter, Happened};
use super::call::{Answer, Ask, Cx, Reply};
use super::caller::token_hash;
use super::contacts::{self, CREDENTIALS, refuse_own, refuse_stronger};
use super::fault::Fault;
use super::password::NewPassword;
use super::password_letter::{LINK_HOURS, PasswordLink};
use super::sessions::{at_home, new_token, round};
use super::{App, noted, users as accounts};
use crate::api::contact::{GeneratedPassword, LinkSent};
use crate::api::ids::UserId;
use crate::api::operation::{GenerateContactPassword, GenerateUserPassword, Operation as _, SendContactLink, SendUserLink, UsePasswordLink};
use crate::api::page::Nothing;
use crate::api::problem::Problem;
use crate::api::session::UserKind;
use crate::store::contacts::ContactRow;
use crate::store::{At, password_links, users};

/// Letters and digits that nobody takes for one another: no `i l o 0 1`, and
/// small letters only, so that they can be read out.
const LETTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
/// 79 bits.
const LENGTH: usize = 16;
/// Between two links for one account: nobody's mailbox is filled by them.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// `POST /v1/contacts/{id}/password`.
pub(super) async fn generate_for_contact(cx: &mut Cx, ask: Ask<GenerateContactPassword>) -> Answer<GeneratedPassword> {
    let contact = contacts::get(cx, &[CREDENTIALS], ask.path.id).await?;
    refuse_own(cx, &contact)?;
    refuse_stronger(cx, &contact).await?;
    let (user, username) = account_of(&contact)?;
    cx.noted.on("contact", contact.id).customer(contact.customer_id).user(user);
    generate(cx, user, username).await
}

/// `POST /v1/users/{id}/password`.
pub(super) async fn generate_for_user(cx: &mut Cx, ask: Ask<GenerateUserPassword>) -> Answer<GeneratedPassword> {
    let account = accounts::manageable(cx, ask.path.id).await?;
    refuse_own_account(cx, account.id)?;
    refuse_without_password(&account.kind)?;
    contacts::refuse_account_that_decides(cx, account.id).await?;
    generate(cx, account.id, account.username).await
}

/// A password that nobody guesses, with its hash: made before the transaction of
/// [`generate`] begins.
pub(super) async fn new_password(app: &App) -> Result<NewPassword, Fault> {
    let password = random_password()?;
    let hash = app.passwords.hash(password.clone()).await.map_err(|error| Fault::Ours(error.to_string()))?;
    Ok(NewPassword { password, hash, in_place_of: None })
}

async fn generate(cx: &mut Cx, user: UserId, username: String) -> Answer<GeneratedPassword> {
    let NewPassword { password, hash, .. } = cx.new_password.take().ok_or_else(|| Fault::Ours("no password was made".to_owned()))?;
    users::give_password(&mut cx.conn, user, &hash, true).await?;
    let account = users::by_id(&mut cx.conn, user).await?;
    // Where somebody in charge sits is nobody's business.
    cx.told = account.and_then(|account| AccountLetter::about(Happened::Given, &account, None, cx.caller.time_zone()));
    cx.is_secret = true;
    Ok(Reply::created(GeneratedPassword { username, password }))
}

/// Sixteen letters, each as likely as any other.
fn random_password() -> Result<String, Fault> {
    let mut password = String::with_capacity(LENGTH);
    while password.len() < LENGTH {
        let mut bytes = [0_u8; 32];
        SysRng.try_fill_bytes(&mut bytes).map_err(|error| Fault::Ours(error.to_string()))?;
        // 248 is the last multiple of 31 in a byte; what is above would make
        // the first letters likelier.
        let letters = bytes.iter().filter(|byte| **byte < 248).filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()));
        password.extend(letters.map(|letter| char::from(*letter)).take(LENGTH - password.len()));
    }
    Ok(password)
}

/// The account of a contact whom a password lets in.
fn account_of(contact: &ContactRow) -> Result<(UserId, String), Problem> {
    if !contact.is_active {
        return Err(Problem::new("contact.inactive", "This contact was taken out, and a password opens nothing for it: take it in again first."));
    }
    match (contact.user_id, &contact.username) {
        (Some(user), Some(username)) => Ok((user, username.clone())),
        _ => Err(Problem::new("contact.no_username", "This contact has no user name yet: give it one and save, then a password.")),
    }
}

fn refuse_own_account(cx: &Cx, user: UserId) -> Result<(), Problem> {
    if user == cx.caller.id() { Err(Problem::new("password.own", "Change your own password by its own form.")) } else { Ok(()) }
}

/// Who never signs in with a password gets none (I-5, S2-4).
fn refuse_without_password(kind: &str) -> Result<(), Problem> {
    let detail = match UserKind::named(kind) {
        Some(UserKind::ServiceAccount) => "This is a service account: it never signs in with a password, so it gets none.",
        Some(UserKind::Kiosk) => "This is a workshop terminal: it begins by its device token. Give it a new one, among the terminals.",
        _ => return Ok(()),
    };
    Err(Problem::new("password.none", detail))
}

/// `POST /v1/contacts/{id}/password-link`.
pub(super) async fn send_to_contact(cx: &mut Cx, ask: Ask<SendContactLink>) -> Answer<LinkSent> {
    let contact = contacts::get(cx, &[CREDENTIALS], ask.path.id).await?;
    refuse_own(cx, &contact)?;
    refuse_stronger(cx, &contact).await?;
    let (user, _) = account_of(&contact)?;
    // Whoever changes its name or address at the same time is waited for.
    users::locked(&mut cx.conn, user).await?;
    let contact = contacts::get(cx, &[CREDENTIALS], contact.id).await?;
    let (user, username) = account_of(&contact)?;
    cx.noted.on("contact", contact.id).customer(contact.customer_id).user(user);
    send(cx, user, username, contact.email).await
}

/// `POST /v1/users/{id}/password-link`.
pub(super) async fn send_to_user(cx: &mut Cx, ask: Ask<SendUserLink>) -> Answer<LinkSent> {
    let account = accounts::manageable(cx, ask.path.id).await?;
    refuse_own_account(cx, account.id)?;
    refuse_without_password(&account.kind)?;
    contacts::refuse_account_that_decides(cx, account.id).await?;
    let now = users::locked(&mut cx.conn, account.id).await?.ok_or_else(Problem::not_found)?;
    send(cx, now.id, now.username, now.email).await
}

/// Keeps the link's hash; the letter goes out once that is written.
async fn send(cx: &mut Cx, user: UserId, username: String, email: Option<String>) -> Answer<LinkSent> {
    let to = email.ok_or_else(|| Problem::new("contact.no_email", "There is no e-mail address to send it to: add one and save, or generate a password."))?;
    cx.app.mail.ready()?;
    refuse_too_soon(cx, user).await?;
    let code = new_token()?;
    let ends_at = round(Timestamp::now() + SignedDuration::from_hours(LINK_HOURS));
    password_links::add(&mut cx.conn, user, &token_hash(&code), At(ends_at)).await?;
    cx.letter = Some(PasswordLink { to: to.clone(), username, code, ends_at: ends_at.to_zoned(cx.caller.time_zone()) });
    cx.is_secret = true;
    Ok(Reply::created(LinkSent { email: to, ends_at }))
}

/// One link a minute for an account.
async fn refuse_too_soon(cx: &mut Cx, user: UserId) -> Result<(), Fault> {
    // Two at once wait for one another here.
    users::locked(&mut cx.conn, user).await?;
    let Some(end) = password_links::last_end(&mut cx.conn, user).await? else { return Ok(()) };
    let sent_at = end.0 - SignedDuration::from_hours(LINK_HOURS);
    let wait = PAUSE - Timestamp::now().duration_since(sent_at);
    if !wait.is_positive() {
        return Ok(());
    }
    let seconds = u64::try_from(wait.as_secs()).unwrap_or_default() + 1;
    let detail = format!("A link was made for this account a moment ago. Try again in {seconds} s.");
    Err(Problem { retry_after: Some(seconds), ..Problem::new("session.slow_down", detail) }.into())
}

/// `POST /v1/password-links`.
pub(super) async fn use_link(app: App, ask: Ask<UsePasswordLink>) -> Answer<Nothing> {
    let bad = || Problem::with_status(422, "link.bad", "This link is good for nothing", "This link was used already or has ended: ask for a new one.");
    let code_hash = token_hash(ask.body.code.trim());
    let user = password_links::find(&mut app.db.read().await?, &code_hash).await?.ok_or_else(bad)?;
    let account = users::by_id(&mut app.db.read().await?, user).await?.filter(|account| account.state == "active").ok_or_else(bad)?;
    app.password_policy.check(&account.username, &ask.body.new).map_err(|fault| Problem::field("new", fault.to_string()))?;
    let hash = app.passwords.hash(ask.body.new).await.map_err(|error| Fault::Ours(error.to_string()))?;
    let mut conn = app.db.write().await?;
    // Again, in the transaction: of two at once only one sets it, and nobody
    // whose account was closed meanwhile.
    let active = users::locked(&mut conn, user).await?.is_some_and(|now| now.state == "active");
    if !active || !password_links::take(&mut conn, &code_hash, user).await? {
        return Err(bad().into());
    }
    users::give_password(&mut conn, user, &hash, false).await?;
    noted::write_sign_in(&mut conn, &account, UsePasswordLink::ENDPOINT.name, &ask.origin).await?;
    conn.commit().await?;
    at_home(&app, &account.username, ask.from);
    app.mail.tell(AccountLetter::about(Happened::SetByLink, &account, Some(&ask.origin), TimeZone::UTC));
    Ok(Reply::ok(Nothing {}))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::server::password::PasswordPolicy;

    #[test]
    fn s4_12_a_generated_password_has_no_look_alikes_and_never_comes_twice() {
        let passwords: Vec<String> = (0..200).map(|_| random_password().unwrap()).collect();
        assert!(passwords.iter().all(|password| password.len() == 16 && !password.contains(['i', 'l', 'o', '0', '1'])));
        assert_eq!(passwords.iter().collect::<HashSet<_>>().len(), 200);
        let letters: HashSet<char> = passwords.iter().flat_map(|password| password.chars()).collect();
        assert_eq!(letters.len(), LETTERS.len(), "every letter comes up");
        assert!(passwords.iter().all(|password| PasswordPolicy::default().check("somebody", password).is_ok()));
    }
}

//! Mail that goes out, over the mail server that the settings name.
//!
//! A mail of ours may hold a one-time link. Neither it nor the address it goes
//! to may reach the log: what a mail server answers is noted without them, and
//! lettre's `tracing` feature, which would note whole mails, stays off.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lettre::address::AddressError;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use super::account_letter::AccountLetter;
use super::fault::Fault;
use super::password_letter::{self, PasswordLink};
use super::set_password_page;
use crate::api::problem::Problem;
use crate::config::{MailSettings, ServerAddress};
use crate::text::clean_line;

/// After this a mail is given up: connecting, signing in and handing it over.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most of a mail server's answer that is noted, in characters.
const MOST_NOTED: usize = 300;

/// The way mails go out; by default there is none. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct OutgoingMail(Option<Arc<Route>>);

/// A way that was set up.
#[derive(Debug)]
struct Route {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// Where links lead. Never the `Host` of a request: whoever sends one could
    /// have the link lead to himself.
    links: ServerAddress,
}

/// Why mail cannot be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum MailSettingsError {
    /// Needed together with a server.
    #[error("mail.server is set but {0} is not: set it too, or leave mail.server out to send no mail")]
    Missing(&'static str),
    /// The address of the server.
    #[error("mail.server: {0}")]
    Server(String),
    /// The address of the sender.
    #[error("mail.from: expected an address like Counter <counter@dealer.example>: {0}")]
    Sender(AddressError),
    /// A link is this address and more behind it.
    #[error("mail.link_address: expected an address without ? and #, like https://counter.dealer.example")]
    LinkAddress,
    /// One without the other.
    #[error("mail.user and mail.password_file belong together: set both or none")]
    HalfASignIn,
    /// The file with the password.
    #[error("mail.password_file: {path} cannot be read: {cause}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// Nothing in it.
    #[error("mail.password_file: {0} holds no password")]
    Empty(PathBuf),
    /// Anybody on the way could read it.
    #[error("the password for the mail server would travel unencrypted: begin mail.server with smtps://, or end it with ?tls=required")]
    PasswordInTheOpen,
}

/// Why a mail was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MailError {
    /// There is no way out.
    #[error("This server sends no mail. Ask whoever runs it to set [mail] in its configuration.")]
    NotConfigured,
    /// No mail can go to such an address.
    #[error("this is no address that mail can be sent to")]
    Address,
    /// It was tried; the log says what happened.
    #[error("The mail was not sent: the mail server did not take it. Try again in a moment, and tell your administrator the request id if it stays.")]
    Failed,
}

impl From<MailError> for Fault {
    fn from(error: MailError) -> Self {
        let told = error.to_string();
        Self::Problem(match error {
            // 409, so that the refusal is not kept under the caller's key.
            MailError::NotConfigured => Problem::with_status(409, "mail.not_configured", "This server sends no mail", told),
            MailError::Address => Problem::field("email", told),
            // Not 502: the client would take it for a busy server and send
            // mail after mail.
            MailError::Failed => Problem::with_status(500, "mail.failed", "The mail was not sent", told),
        })
    }
}

impl OutgoingMail {
    /// The way that the settings describe; none where they name no server.
    ///
    /// # Errors
    /// [`MailSettingsError`].
    pub fn from_settings(settings: &MailSettings) -> Result<Self, MailSettingsError> {
        let Some(server) = &settings.server else { return Ok(Self::default()) };
        let from = settings.from.as_ref().ok_or(MailSettingsError::Missing("mail.from"))?;
        let from: Mailbox = from.0.parse().map_err(MailSettingsError::Sender)?;
        let links = settings.link_address.clone().ok_or(MailSettingsError::Missing("mail.link_address"))?;
        if links.0.contains(['?', '#']) {
            return Err(MailSettingsError::LinkAddress);
        }
        let credentials = credentials(settings)?;
        if !server.is_encrypted() && (credentials.is_some() || server.holds_password()) {
            return Err(MailSettingsError::PasswordInTheOpen);
        }
        let mut route =
            AsyncSmtpTransport::<Tokio1Executor>::from_url(&server.0).map_err(|error| MailSettingsError::Server(error.to_string()))?.timeout(Some(PATIENCE));
        if let Some(credentials) = credentials {
            route = route.credentials(credentials);
        }
        Ok(Self(Some(Arc::new(Route { server: route.build(), from, links }))))
    }

    /// Whether there is a way at all: to be asked before a code is made.
    ///
    /// # Errors
    /// [`MailError::NotConfigured`].
    pub(crate) fn ready(&self) -> Result<(), MailError> {
        self.route().map(|_| ())
    }

    /// Sends somebody the link to set a password with. Takes up to ten seconds:
    /// not to be awaited with a database connection in hand.
    ///
    /// # Errors
    /// [`MailError`]; the cause is in the log.
    pub(crate) async fn send_password_link(&self, link: &PasswordLink) -> Result<(), MailError> {
        let route = self.route()?;
        let address = format!("{}{}#{}", route.links.0, set_password_page::PATH, link.code);
        let mail = written(&route.from, &link.to, password_letter::SUBJECT, password_letter::text(link, &address))?;
        route.hand_over(mail, Some(&link.code)).await
    }

    /// Tells somebody of what happened to his account, beside whatever goes on:
    /// nobody waits for the mail server, and a failure is in the log only.
    pub(crate) fn tell(&self, letter: Option<AccountLetter>) {
        let (Some(route), Some(letter)) = (self.0.clone(), letter) else { return };
        tokio::spawn(async move {
            let sent = match written(&route.from, &letter.to, letter.subject(), letter.text()) {
                Ok(mail) => route.hand_over(mail, None).await,
                Err(error) => Err(error),
            };
            if sent.is_err() {
                tracing::warn!(user = letter.username.as_str(), "nobody was told of what happened to an account");
            }
        });
    }

    fn route(&self) -> Result<&Route, MailError> {
        self.0.as_deref().ok_or(MailError::NotConfigured)
    }
}

impl Route {
    /// Hands a mail over; the cause of a failure goes to the log, without the
    /// one-time code that the mail may hold.
    async fn hand_over(&self, mail: Message, code: Option<&str>) -> Result<(), MailError> {
        // Around all of it: lettre's own patience is for connecting only.
        let cause = match tokio::time::timeout(PATIENCE, self.server.send(mail)).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => for_log(&error.to_string(), code),
            Err(_) => format!("no answer within {} s", PATIENCE.as_secs()),
        };
        tracing::warn!(%cause, "a mail was not sent");
        Err(MailError::Failed)
    }
}

/// User name and password, if they stand outside the server's address.
fn credentials(settings: &MailSettings) -> Result<Option<Credentials>, MailSettingsError> {
    let (user, path) = match (&settings.user, &settings.password_file) {
        (None, None) => return Ok(None),
        (Some(user), Some(path)) => (user.0.clone(), &path.0),
        _ => return Err(MailSettingsError::HalfASignIn),
    };
    let held = std::fs::read_to_string(path).map_err(|cause| MailSettingsError::Unreadable { path: path.clone(), cause })?;
    // Editors end a file with a line break; a password has none.
    let password = held.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(MailSettingsError::Empty(path.clone()));
    }
    Ok(Some(Credentials::new(user, password.to_owned())))
}

/// A text mail. lettre encodes whatever could break out of a header, and parses
/// the address by its grammar, which has no control characters.
fn written(from: &Mailbox, to: &str, subject: &str, text: String) -> Result<Message, MailError> {
    let to: Address = to.trim().parse().map_err(|_| MailError::Address)?;
    let id = format!("<{}@{}>", uuid::Uuid::now_v7(), from.email.domain());
    // So that nobody's absence is answered to us (RFC 3834).
    let by_a_program = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
    let mail = Message::builder().from(from.clone()).to(to.into()).subject(subject).message_id(Some(id)).raw_header(by_a_program);
    mail.singlepart(SinglePart::plain(text)).map_err(|error| {
        tracing::error!(cause = %error, "a mail could not be written");
        MailError::Failed
    })
}

/// A cause as it may stand in the log. Mail servers quote what they refuse:
/// addresses, and the links that they think are bad.
fn for_log(cause: &str, code: Option<&str>) -> String {
    let secret = |word: &str| code.is_some_and(|code| word.contains(code)) || word.contains("://") || word.contains(['@', '#']);
    let words: Vec<&str> = cause.split_whitespace().map(|word| if secret(word) { "(left out)" } else { word }).collect();
    clean_line(&words.join(" ")).chars().take(MOST_NOTED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AccountName, FilePath, MailServer, SenderAddress};

    fn settings(server: &str) -> MailSettings {
        MailSettings {
            server: Some(MailServer(server.to_owned())),
            from: Some(SenderAddress("Counter <counter@dealer.example>".to_owned())),
            link_address: Some(ServerAddress("https://counter.dealer.example".to_owned())),
            user: None,
            password_file: None,
        }
    }

    fn formatted(to: &str, subject: &str, text: &str) -> Result<String, MailError> {
        let from: Mailbox = "Counter <counter@dealer.example>".parse().unwrap();
        written(&from, to, subject, text.to_owned()).map(|mail| String::from_utf8(mail.formatted()).unwrap())
    }

    fn head(mail: &str) -> Vec<&str> {
        mail.split("\r\n\r\n").next().unwrap().split("\r\n").collect()
    }

    #[test]
    fn a_mail_says_that_a_program_wrote_it_and_is_plain_text() {
        let mail = formatted("jo@customer.example", "Set your password", "Hello").unwrap();
        for line in [
            "From: Counter <counter@dealer.example>",
            "To: jo@customer.example",
            "Subject: Set your password",
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
        ] {
            assert!(head(&mail).contains(&line), "{line} in {mail}");
        }
        assert!(mail.contains("\r\n\r\nHello"), "{mail}");
    }

    #[test]
    fn nothing_breaks_out_of_a_header() {
        for to in ["jo@x.example\r\nBcc: eve@x.example", "jo@x.example, eve@x.example", "\"jo\r\nBcc: eve\"@x.example", "jo@x.example>\r\nDATA", "jo", ""] {
            assert_eq!(formatted(to, "Hello", "Hello").unwrap_err(), MailError::Address, "{to:?}");
        }
        let mail = formatted("jo@x.example", "Hello\r\nBcc: eve@x.example", "Hello").unwrap();
        assert!(!head(&mail).iter().any(|line| line.starts_with("Bcc")), "{mail}");
    }

    #[test]
    fn the_log_never_gets_a_link_or_an_address() {
        let cause = "permanent error (550): 5.7.1 <jo@x.example> https://c.example/set-password#C0de blocked; C0de is spam\u{1b}[2J";
        assert_eq!(for_log(cause, Some("C0de")), "permanent error (550): 5.7.1 (left out) (left out) blocked; (left out) is spam[2J");
        assert_eq!(for_log("no mailbox of jo@x.example", None), "no mailbox of (left out)");
        assert_eq!(for_log(&"x ".repeat(400), Some("C0de")).chars().count(), MOST_NOTED);
    }

    #[test]
    fn what_is_missing_in_the_settings_is_told_by_name() {
        assert!(OutgoingMail::from_settings(&MailSettings::default()).unwrap().ready().is_err(), "no server, no mail");
        assert!(OutgoingMail::from_settings(&settings("smtp://127.0.0.1:2525")).unwrap().ready().is_ok());
        assert!(OutgoingMail::from_settings(&settings("smtp://mail.dealer.example:587?tls=required")).unwrap().ready().is_ok());
        let told = |settings: MailSettings| OutgoingMail::from_settings(&settings).unwrap_err().to_string();
        assert!(told(MailSettings { from: None, ..settings("smtp://h") }).contains("mail.from is not"));
        assert!(told(MailSettings { link_address: None, ..settings("smtp://h") }).contains("mail.link_address is not"));
        assert!(told(MailSettings { user: Some(AccountName("jo".to_owned())), ..settings("smtps://h") }).contains("belong together"));
        let sign_in = |path: &str, server: &str| MailSettings {
            user: Some(AccountName("jo".to_owned())),
            password_file: Some(FilePath(PathBuf::from(path))),
            ..settings(server)
        };
        assert!(told(sign_in("/there/is/none", "smtps://h")).starts_with("mail.password_file: /there/is/none cannot be read"));
        assert!(told(sign_in("/dev/null", "smtps://h")).ends_with("holds no password"));
    }

    #[test]
    fn a_password_never_travels_in_the_open() {
        for server in ["smtp://jo:secret@h", "smtp://jo:secret@h?tls=opportunistic"] {
            assert!(matches!(OutgoingMail::from_settings(&settings(server)), Err(MailSettingsError::PasswordInTheOpen)), "{server}");
        }
        let mail = OutgoingMail::from_settings(&settings("smtps://jo:secret@h")).unwrap();
        assert!(!format!("{mail:?} {:?}", settings("smtps://jo:secret@h")).contains("secret"));
    }
}

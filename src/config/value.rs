//! What a setting's value may be.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A type of settings.
pub trait Value: Sized {
    /// What is expected, as in `expected an address like 127.0.0.1:7420`.
    const EXPECTED: &'static str;
    /// Whether it is written as a text in the file, and not as a number.
    const QUOTED: bool = true;
    /// Whether it is a list of texts in the file; the text of the whole has one
    /// a line.
    const LIST: bool = false;

    /// The value of a text, if it is one.
    fn from_text(text: &str) -> Option<Self>;

    /// The text of a value; empty where there is none.
    fn to_text(&self) -> String;
}

impl<T: Value> Value for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const QUOTED: bool = T::QUOTED;
    const LIST: bool = T::LIST;

    fn from_text(text: &str) -> Option<Self> {
        T::from_text(text).map(Some)
    }

    fn to_text(&self) -> String {
        self.as_ref().map_or_else(String::new, T::to_text)
    }
}

impl Value for SocketAddr {
    const EXPECTED: &'static str = "an address like 127.0.0.1:7420";

    fn from_text(text: &str) -> Option<Self> {
        text.trim().parse().ok()
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

/// Hours, days and seconds: bounded, so that no sum of them overflows.
impl Value for u32 {
    const EXPECTED: &'static str = "a whole number from 1 to 100000";
    const QUOTED: bool = false;

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().filter(|number| (1..=100_000).contains(number))
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

/// Minutes without a key; 0 is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdleMinutes(pub u32);

impl Value for IdleMinutes {
    const EXPECTED: &'static str = "a whole number from 0 to 1440";
    const QUOTED: bool = false;

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().filter(|minutes| *minutes <= 1_440).map(Self)
    }

    fn to_text(&self) -> String {
        self.0.to_string()
    }
}

/// The fewest characters of a new password: 8 at least (NIST SP 800-63B-4), and
/// no more than anybody would type twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordLength(pub u8);

impl Value for PasswordLength {
    const EXPECTED: &'static str = "a whole number from 8 to 64";
    const QUOTED: bool = false;

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok().filter(|length| (8..=64).contains(length)).map(Self)
    }

    fn to_text(&self) -> String {
        self.0.to_string()
    }
}

impl Value for bool {
    const EXPECTED: &'static str = "true or false";
    const QUOTED: bool = false;

    fn from_text(text: &str) -> Option<Self> {
        text.parse().ok()
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

/// SHA-256 of one certificate, by which it is known: `sha256:` and 64
/// hexadecimal digits. Colons between them, as other programs print them, may
/// stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "sha256:{}", crate::text::hex(&self.0))
    }
}

impl Value for Fingerprint {
    const EXPECTED: &'static str = "sha256: and 64 hexadecimal digits, as the server prints it";

    fn from_text(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix("sha256:")?;
        let mut digits = digits.chars().filter(|digit| *digit != ':').map(|digit| digit.to_digit(16));
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            *byte = u8::try_from(digits.next()?? * 16 + digits.next()??).ok()?;
        }
        digits.next().is_none().then_some(Self(bytes))
    }

    fn to_text(&self) -> String {
        self.to_string()
    }
}

/// Address of a server: `http://127.0.0.1:7420`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress(pub String);

impl Value for ServerAddress {
    const EXPECTED: &'static str = "an address like http://127.0.0.1:7420";

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim().trim_end_matches('/');
        let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"))?;
        let fine = !host.is_empty() && !host.contains(char::is_whitespace);
        fine.then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// Address of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseAddress(pub String);

impl Value for DatabaseAddress {
    const EXPECTED: &'static str = "a database like sqlite:///path/file.db or postgres://user@host/database";

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let known =
            ["sqlite:", "postgres://", "postgresql://"].iter().any(|start| text.strip_prefix(*start).is_some_and(|rest| !rest.trim_matches('/').is_empty()));
        known.then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// Address of a mail server: `smtps://mail.dealer.example:465`. It may hold a
/// password, which is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct MailServer(pub String);

impl MailServer {
    /// Whether nobody on the way can read along.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.starts_with("smtps://") || self.0.ends_with("?tls=required")
    }

    /// Whether a password stands in it: `smtps://user:password@host`.
    #[must_use]
    pub fn holds_password(&self) -> bool {
        self.0.contains('@')
    }
}

impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.0.rsplit_once('@').map_or_else(|| self.0.clone(), |(_, place)| format!("***@{place}"));
        f.debug_tuple("MailServer").field(&place).finish()
    }
}

impl Value for MailServer {
    const EXPECTED: &'static str = "a mail server like smtps://host:465, smtp://host:587?tls=required or smtp://host:25";

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let (scheme, rest) = text.split_once("://")?;
        let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
        // A name without a password would sign nobody in, and not say so.
        let (account, host) = place.rsplit_once('@').map_or((None, place), |(account, host)| (Some(account), host));
        let account = account.is_none_or(|account| account.contains(':'));
        let known = matches!((scheme, query), ("smtps", None) | ("smtp", None | Some("tls=required" | "tls=opportunistic")));
        let fine = known && account && !host.is_empty() && !host.starts_with([':', '/']) && !text.contains(|c: char| c.is_whitespace() || c.is_control());
        fine.then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// Who a mail comes from. The mail library reads it by its whole grammar when
/// the server starts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SenderAddress(pub String);

impl Value for SenderAddress {
    const EXPECTED: &'static str = "an address like Counter <counter@dealer.example>";

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let fine = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty()) && !text.contains(char::is_control);
        fine.then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// Name of an account at another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountName(pub String);

impl Value for AccountName {
    const EXPECTED: &'static str = "the name of an account";

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        let fine = !text.is_empty() && !text.contains(char::is_control);
        fine.then(|| Self(text.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

/// Path of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePath(pub PathBuf);

impl Value for FilePath {
    const EXPECTED: &'static str = "the path of a file";

    fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(PathBuf::from(text)))
    }

    fn to_text(&self) -> String {
        self.0.display().to_string()
    }
}

/// Two letters of a country.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountryCode(pub String);

impl Default for CountryCode {
    fn default() -> Self {
        Self("US".to_owned())
    }
}

impl Value for CountryCode {
    const EXPECTED: &'static str = "two letters of a country, like US";

    fn from_text(text: &str) -> Option<Self> {
        let known = if text.len() == 2 { crate::rules::place::country(text) } else { None };
        known.map(|known| Self(known.to_owned()))
    }

    fn to_text(&self) -> String {
        self.0.clone()
    }
}

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident, $expected:literal { $($(#[$word_doc:meta])* $variant:ident = $word:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub enum $name {
                $($(#[$word_doc])* $variant,)*
            }

            impl $name {
                /// Every choice.
                pub const ALL: &'static [Self] = &[$(Self::$variant),*];

                /// The word in the file.
                #[must_use]
                pub const fn name(self) -> &'static str {
                    match self {
                        $(Self::$variant => $word,)*
                    }
                }
            }

            impl Value for $name {
                const EXPECTED: &'static str = $expected;

                fn from_text(text: &str) -> Option<Self> {
                    Self::ALL.iter().copied().find(|choice| choice.name() == text)
                }

                fn to_text(&self) -> String {
                    self.name().to_owned()
                }
            }
        )*
    };
}

words! {
    /// How much the server tells.
    LogLevel, "off, error, warn, info or debug" {
        /// Nothing.
        Off = "off",
        /// What failed.
        Error = "error",
        /// And what is odd.
        Warn = "warn",
        /// And every request.
        Info = "info",
        /// And more.
        Debug = "debug",
    }

    /// How much the terminal application tells its log file.
    TerminalLog, "off, info or debug" {
        /// Nothing.
        Off = "off",
        /// What happened.
        Info = "info",
        /// And more.
        Debug = "debug",
    }

    /// How the server tells it.
    LogFormat, "json or text" {
        /// One JSON document a line.
        Json = "json",
        /// For people.
        Text = "text",
    }

    /// How the account of somebody whom the identity provider knows is found
    /// the first time.
    FirstSignIn, "subject, email or name" {
        /// By what `countertop user link` noted.
        Subject = "subject",
        /// And by the e-mail that the provider verified.
        Email = "email",
        /// And by the user's name.
        Name = "name",
    }

    /// Where a sign-in is kept.
    TokenPlace, "keyring or file" {
        /// In the keyring of this machine where there is one, else in the file.
        Keyring = "keyring",
        /// In the file.
        File = "file",
    }

    /// A switch that may be left to the program.
    Switch, "auto, on or off" {
        /// As the surroundings say.
        Auto = "auto",
        /// Always.
        On = "on",
        /// Never.
        Off = "off",
    }
}

//! The one table of settings: name, type, default, explanation. Adding a
//! setting is one row here.

use std::net::SocketAddr;

use super::provider::{GroupRoles, IssuerAddress, OneLine};
use super::value::{
    AccountName, CountryCode, DatabaseAddress, FilePath, Fingerprint, FirstSignIn, IdleMinutes, LogFormat, LogLevel, MailServer, PasswordLength, SenderAddress,
    ServerAddress, Switch, TerminalLog, TokenPlace, Value,
};
use crate::text::{did_you_mean, nearest};

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// `server.listen`.
    pub name: &'static str,
    /// One sentence or two for the example file.
    pub explanation: &'static str,
    /// What a value must be: `an address like 127.0.0.1:7420`.
    pub expected: &'static str,
    /// What the example file shows where the default is none.
    such_as: &'static str,
    /// Whether it is written as a text in the file, and not as a number.
    pub(super) quoted: bool,
    /// Whether it is a list of texts there.
    pub(super) list: bool,
    set: fn(&mut Config, &str) -> bool,
    get: fn(&Config) -> String,
}

/// Chords for one command, as they were written: only the terminal application
/// knows its commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBinding {
    /// The command.
    pub name: String,
    /// The chords; `none` takes the command's keys away.
    pub chords: Vec<String>,
    /// Line in the file, from 1.
    pub line: usize,
    /// Column in that line, from 1.
    pub column: usize,
}

macro_rules! settings {
    ($($section:ident: $shape:ident, $about:literal {
        $($name:ident: $kind:ty = $default:expr, $explanation:literal $(, such as $such_as:literal)?;)*
    })*) => {
        $(
            #[doc = $about]
            #[derive(Debug, Clone, PartialEq, Eq)]
            pub struct $shape {
                $(
                    #[doc = $explanation]
                    pub $name: $kind,
                )*
            }

            impl Default for $shape {
                fn default() -> Self {
                    Self { $($name: $default,)* }
                }
            }
        )*

        /// The whole configuration.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Config {
            $(
                #[doc = $about]
                pub $section: $shape,
            )*
            /// The terminal application's keys, not yet checked.
            pub keys: Vec<KeyBinding>,
        }

        /// Every section of the table with what it is about.
        pub static SECTIONS: &[(&str, &str)] = &[$((stringify!($section), $about),)*];

        /// Every setting, section by section.
        pub static SETTINGS: &[Setting] = &[$($(
            Setting {
                name: concat!(stringify!($section), ".", stringify!($name)),
                explanation: $explanation,
                expected: <$kind as Value>::EXPECTED,
                such_as: concat!("" $(, $such_as)?),
                quoted: <$kind as Value>::QUOTED,
                list: <$kind as Value>::LIST,
                set: |config, text| match <$kind as Value>::from_text(text) {
                    Some(value) => {
                        config.$section.$name = value;
                        true
                    }
                    None => false,
                },
                get: |config| Value::to_text(&config.$section.$name),
            },
        )*)*];
    };
}

settings! {
    client: ClientSettings, "Where the terminal application and the verbs find the server." {
        server: Option<ServerAddress> = None,
            "The server. With none the terminal application offers the demo or asks for one.", such as "http://127.0.0.1:7420";
        ca_file: Option<FilePath> = None,
            "Certificates (PEM) of a private authority that signs the server's; they count beside those of this machine.", such as "/etc/countertop/ca.pem";
        pinned_certificate: Option<Fingerprint> = None,
            "The one certificate that is accepted, whatever name it bears and whoever signed it: its SHA-256, as the server prints it.",
            such as "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        plain_http: Option<ServerAddress> = None,
            "A server on another machine is spoken to in plain HTTP only if its address stands here a second time.",
            such as "http://counter.dealer.example:7420";
        credentials: TokenPlace = TokenPlace::Keyring,
            "Where a sign-in is kept: keyring (this machine's; the file where none works) or file (of mode 600). `countertop doctor` tells where it is.";
    }
    server: ServerSettings, "What `countertop serve` and the verbs on the database use." {
        listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 7420)), "Where the server listens; port 0 picks a free one.";
        tls_certificate: Option<FilePath> = None,
            "The certificate for TLS (PEM), and after it those that lead to its authority; read again on SIGHUP.", such as "/etc/countertop/server.pem";
        tls_key: Option<FilePath> = None, "The private key of that certificate (PEM).", such as "/etc/countertop/server.key";
        tls_self_made: bool = false,
            "For trials: TLS with a certificate that the server makes itself and keeps in the data folder. Clients pin it.";
        plain_http: bool = false,
            "Without TLS the server listens on loopback only, unless this is true and `countertop serve` is also given `--plain-http`; a proxy then has TLS.";
        database: Option<DatabaseAddress> = None,
            "`sqlite:///path/file.db` or `postgres://…`; with none `countertop.db` in the data folder.", such as "sqlite:///var/lib/countertop/countertop.db";
        log: LogLevel = LogLevel::Info, "How much the server tells on standard error: off, error, warn, info or debug.";
        log_format: LogFormat = LogFormat::Json, "How it tells it: json or text.";
        staff_idle_hours: u32 = 12, "A session of the dealer's people ends when it stood idle for so many hours.";
        staff_session_days: u32 = 7, "A session of the dealer's people lives at most so many days.";
        customer_idle_hours: u32 = 1, "A session of a customer's people ends when it stood idle for so many hours.";
        customer_session_hours: u32 = 24, "A session of a customer's people lives at most so many hours.";
        kiosk_idle_seconds: u32 = 60, "A session at a shop workstation ends when it stood idle for so many seconds.";
        password_length: PasswordLength = PasswordLength(8),
            "A new password has at least so many characters; 15 where nothing else guards the door (NIST SP 800-63B-4).";
        backup_folder: Option<FilePath> = None,
            "A folder for scheduled backups, best on another disk; it must be there. With none there are none. Servers on one database take turns.",
            such as "/var/backups/countertop";
        backup_every: u32 = 24, "A backup is made every so many hours, and checked that it restores.";
        backup_keep: u32 = 14, "So many scheduled backups are kept; the oldest beyond are removed.";
        default_country: CountryCode = CountryCode::default(), "Telephone numbers and states of a new database are read by this country (ISO 3166-1).";
    }
    mail: MailSettings, "How `countertop serve` sends mail, such as the link to set a password with. With no server it sends none." {
        server: Option<MailServer> = None,
            "The mail server: `smtps://host`, `smtp://host:587?tls=required`, or `smtp://host:25` without encryption.", such as "smtps://mail.dealer.example:465";
        from: Option<SenderAddress> = None, "Who the mails come from.", such as "Counter <counter@dealer.example>";
        link_address: Option<ServerAddress> = None,
            "Where the links in mails lead: the address under which people reach this server.", such as "https://counter.dealer.example";
        user: Option<AccountName> = None, "The account at the mail server, if it wants one.", such as "counter@dealer.example";
        password_file: Option<FilePath> = None, "A file that holds that account's password and nothing else.", such as "/etc/countertop/mail-password";
    }
    oidc: OidcSettings, "The dealer's identity provider (OpenID Connect): with one, the dealer's people may sign in with their account there." {
        issuer: Option<IssuerAddress> = None, "The provider, letter by letter as it calls itself.", such as "https://login.dealer.example";
        client_id: Option<OneLine> = None, "How the provider calls this application; its device authorization grant has to be on.", such as "countertop";
        client_secret_file: Option<FilePath> = None,
            "A file with the secret that goes with it; none for a public application.", such as "/etc/countertop/client-secret";
        groups_claim: OneLine = OneLine("groups".to_owned()), "The claim that lists a person's groups; dots lead deeper, as in `realm_access.roles`.";
        groups: GroupRoles = GroupRoles::default(),
            "What groups bring, as group=role@scope; a scope is deployment, shop:CODE or organization:CODE.", such as "counter-west=counter_staff@shop:SLN";
        first_sign_in: FirstSignIn = FirstSignIn::Email,
            "How an account is found the first time: by subject (only `countertop user link`), email (verified) or name. Never one that manages people.";
    }
    terminal: TerminalSettings, "The terminal application." {
        colour: Switch = Switch::Auto, "Colours: auto, on or off. auto heeds `NO_COLOR` and what the terminal can do.";
        ascii: Switch = Switch::Auto, "Plain signs only, for borders and marks: auto, on or off. auto goes by the locale.";
        log: TerminalLog = TerminalLog::Info, "How much goes to the log file in the state folder: off, info or debug.";
        lock_after_minutes: IdleMinutes = IdleMinutes(15), "The terminal locks itself when no key was pressed for so many minutes; 0 is never.";
    }
}

impl Setting {
    /// `server` of `server.listen`.
    #[must_use]
    pub fn section(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(section, _)| section)
    }

    /// `listen` of `server.listen`.
    #[must_use]
    pub fn key(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(_, key)| key)
    }

    /// Puts a value; false if it is not what is expected.
    pub(super) fn put(&self, config: &mut Config, text: &str) -> bool {
        (self.set)(config, text)
    }

    /// The value as it stands in a file; where there is none, one such as it
    /// could be.
    #[must_use]
    pub fn shown(&self, config: &Config) -> String {
        let set = (self.get)(config);
        let text = if set.is_empty() { self.such_as } else { set.as_str() };
        if self.list {
            let texts: Vec<String> = text.lines().map(|line| format!("\"{line}\"")).collect();
            return format!("[{}]", texts.join(", "));
        }
        if self.quoted { format!("\"{text}\"") } else { text.to_owned() }
    }
}

/// The setting of that name.
pub(super) fn named(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// That there is no such setting, with the one that was meant.
pub(super) fn no_setting(name: &str) -> String {
    let bare = name.rsplit('.').next().unwrap_or(name);
    // The right name under the wrong section, or under none.
    let elsewhere = || nearest(bare, SETTINGS.iter().map(Setting::key)).and_then(|key| SETTINGS.iter().find(|setting| setting.key() == key));
    let meant = nearest(name, SETTINGS.iter().map(|setting| setting.name)).or_else(|| elsewhere().map(|setting| setting.name));
    format!("{name} is no setting{}", did_you_mean(meant))
}

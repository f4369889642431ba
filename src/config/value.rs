//! What a setting's value may be.

use std::net::SocketAddr;

/// A type of settings.
pub trait Value: Sized {
    /// What is expected, as in `expected an address like 127.0.0.1:7420`.
    const EXPECTED: &'static str;
    /// Whether it is written as a text in the file, and not as a number.
    const QUOTED: bool = true;

    /// The value of a text, if it is one.
    fn from_text(text: &str) -> Option<Self>;

    /// The text of a value; empty where there is none.
    fn to_text(&self) -> String;
}

impl<T: Value> Value for Option<T> {
    const EXPECTED: &'static str = T::EXPECTED;
    const QUOTED: bool = T::QUOTED;

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

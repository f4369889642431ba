//! What lies in the outbox, as others see it.

use jiff::Timestamp;

use crate::api::ids::UserId;
use crate::client::Call;

/// Fields and their texts, as a form held them.
pub type Typed = Vec<(String, String)>;

/// Whether any text stands in it.
#[must_use]
pub fn has_text(typed: &Typed) -> bool {
    typed.iter().any(|(_, text)| !text.is_empty())
}

/// Whose it is: nobody else is ever shown it, and nobody else's sign-in sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whose {
    /// The server's address.
    pub server: String,
    /// The user there.
    pub user: UserId,
}

/// A write that must arrive, with what opens its form again.
#[derive(Debug, Clone)]
pub struct Post {
    /// What is sent, under its key.
    pub call: Call,
    /// What it is about: writes about the same asset are sent in their order.
    pub subject: String,
    /// What it is, for people: `Reading 12,903.5 of KB-114`.
    pub title: String,
    /// The draft whose place it takes.
    pub about: String,
    /// What was typed.
    pub typed: Typed,
    /// Which form opens it again, in the terminal's own words.
    pub form: String,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is sent as soon as it can be.
    Waiting,
    /// The server will not have it: somebody has to correct or discard it.
    Refused,
    /// It is at the server.
    Sent,
}

impl State {
    /// As the file names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Refused => "refused",
            Self::Sent => "sent",
        }
    }
}

/// One entry of the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number on this machine; a later one is larger.
    pub id: i64,
    /// Where it stands.
    pub state: State,
    /// What it is.
    pub title: String,
    /// When it was typed, by this machine's clock.
    pub typed_at: Timestamp,
    /// When the server had said what became of it.
    pub settled_at: Option<Timestamp>,
    /// How often it was tried.
    pub tries: i64,
    /// Why it waits or was refused.
    pub reason: Option<String>,
    /// When the next try comes by itself; none where it need not wait for that,
    /// or where nobody knows.
    pub next_try: Option<Timestamp>,
    /// What the server calls it, where it does: the number of a service request.
    pub number: Option<String>,
    /// The draft whose place it took.
    pub about: String,
    /// What was typed.
    pub typed: Typed,
    /// Which form opens it again.
    pub form: String,
}

/// How many there are of each kind that somebody has to know of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Kept here and not at the server yet.
    pub waiting: i64,
    /// Refused, and still here.
    pub refused: i64,
}

/// Why nothing can be kept on this machine.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OutboxFault {
    /// No room.
    #[error("the disk of this machine is full")]
    Full,
    /// Not writable.
    #[error("the folder {0} cannot be written")]
    ReadOnly(String),
    /// It is no outbox, or no longer one.
    #[error("the file {0} is damaged: move it away and start again")]
    Damaged(String),
    /// Made by a later version.
    #[error("the file {0} is of a newer countertop: start that one")]
    Newer(String),
    /// More than anybody could have typed.
    #[error("{MOST} entries lie in the outbox already")]
    Many,
    /// Something else.
    #[error("{0}")]
    Other(String),
}

/// The most that wait or were refused of one user.
pub const MOST: i64 = 10_000;

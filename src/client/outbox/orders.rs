//! What the courier is told, and what it tells.
//!
//! May call [`super`] and [`crate::client`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Entry, OutboxFault, Post, Summary, Typed, Whose};
use crate::client::{Client, ClientError};

/// What the courier is told.
#[derive(Debug)]
pub enum Order {
    /// Somebody is signed in: what is his is sent through this client.
    Begin(Arc<Client>, Whose, Option<String>),
    /// Nobody knows who sits here: say how much waits for this server, of whomever.
    Look(String),
    /// Nobody is signed in any more.
    Rest,
    /// Send nothing while the session stands in for somebody: what was typed as
    /// oneself would be another's write. Or go on.
    Hold(bool),
    /// Keep a write and send it; the tag comes back with what became of it.
    Keep(u64, Whose, Box<Post>),
    /// Keep drafts, or forget those without a text.
    Drafts(Whose, Vec<(String, Typed)>),
    /// The line is back: send what waits, unless the server asked for a pause.
    Hurry,
    /// Somebody wants what waits to be sent now, whatever pause runs.
    TryNow,
    /// Take an entry out.
    Discard(i64),
    /// Say what became of an entry whose form is gone.
    Tell(i64),
    /// List what there is; the tag comes back with it.
    List(u64),
    /// Say when everything of before is kept, or why it is not.
    MakeSure(u64),
    /// Say when everything of before is done.
    Finish(oneshot::Sender<()>),
}

/// What the courier tells.
#[derive(Debug)]
pub enum News {
    /// These are the drafts of the user.
    Drafts(Whose, Vec<(String, Typed)>),
    /// A write is kept: it survives whatever comes.
    Kept(u64),
    /// A write could not be kept, and was not sent either: here it is again.
    NotKept(u64, Box<Post>, OutboxFault),
    /// What became of a write that somebody waits for.
    Answer(Box<Answer>),
    /// What became of one that nobody waits for any more.
    Settled(Box<Entry>),
    /// A try brought nothing, and it waits on; and whether somebody asked for
    /// that try.
    PutOff(Box<Entry>, bool),
    /// These entries are on their way to the server just now.
    UnderWay(Vec<i64>),
    /// There are so many now.
    Changed(Summary),
    /// So many are sent once more: the server was restored from a backup.
    SentAgain(usize),
    /// What there is.
    List(u64, Result<Vec<Entry>, OutboxFault>),
    /// All of before is kept, or this is why some draft is not.
    Sure(u64, Option<OutboxFault>),
    /// Something could not be read or written.
    Failed(OutboxFault),
}

/// What became of a write that somebody waits for.
#[derive(Debug)]
pub struct Answer {
    /// Its tag.
    pub tag: u64,
    /// The entry.
    pub entry: i64,
    /// What the server said.
    pub outcome: Result<Vec<u8>, ClientError>,
    /// Whether it stays in the outbox and is tried again.
    pub waits: bool,
    /// How long it took.
    pub took: Duration,
}

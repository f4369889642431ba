//! What comes into the shell and what goes out of it.

use std::time::Duration;

use crossterm::event::KeyEvent;
use jiff::Timestamp;

use super::End;
use super::last_good::LastGood;
use super::lock_note::LockNote;
use crate::api::session::SignIn;
use crate::client::outbox::Whose;
use crate::client::outbox::courier::{News, Order};
use crate::client::{Call, ClientError};

/// What happened.
#[derive(Debug)]
pub(super) enum Event {
    /// A key was pressed.
    Key(KeyEvent),
    /// A text was pasted, or scanned with bracketed paste.
    Paste(String),
    /// The terminal has another size; it is drawn anew.
    Resize,
    /// A call came back.
    Reply(Box<Reply>),
    /// The server is busy: a call is tried again after so long.
    Busy(Duration),
    /// The time that a layer asked to be woken after is over.
    Woken(Ticket),
    /// The outbox has something to tell.
    Outbox(Box<News>),
    /// The system asks to end.
    Signal(i32),
    /// Back from the shell.
    Resumed,
}

/// A call that came back.
#[derive(Debug)]
pub(super) struct Reply {
    /// Which call.
    pub(super) ticket: Ticket,
    /// The answer's body, or why there is none.
    pub(super) outcome: Result<Vec<u8>, ClientError>,
    /// What the server said the last time, where the line is at fault that
    /// there is no answer: to be shown with its age only.
    pub(super) last_good: Option<LastGood>,
    /// How long it took.
    pub(super) took: Duration,
    /// When it came.
    pub(super) at: Timestamp,
    /// Whether the outbox goes on with it.
    pub(super) waits: bool,
}

/// Numbers a call or a time to wait; what nobody waits for is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Ticket(pub(super) u64);

/// What the loop is to do.
#[derive(Debug)]
pub(super) enum Effect {
    /// Call the server.
    Call(Ticket, Call),
    /// Say when so much time is over.
    Wake(Ticket, Duration),
    /// Ask who somebody is by name and password, without working as him: the
    /// answer is his session, which is ended already.
    Vouch(Ticket, SignIn),
    /// From now on call with this session, or with none; store it.
    UseToken(Option<String>),
    /// From now on call this server.
    UseServer(String),
    /// Put a text on the clipboard (OSC 52).
    Copy(String),
    /// Go to the shell and come back.
    Suspend,
    /// Keep in a file who locked the terminal, or that nobody did.
    NoteLock(Option<LockNote>),
    /// From now on send what waits for this user, to a database of this lineage.
    Deliver(Whose, Option<String>),
    /// Tell the outbox something.
    Outbox(Order),
    /// End.
    Quit(End),
}

//! A layer is what can be on the screen: a screen, or something over one.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crossterm::event::KeyEvent;
use jiff::Timestamp;

use super::command::{Command, Place};
use super::draft::Draft;
use super::event::{Reply, Ticket};
use super::shared::Shared;
use super::unsure::Unsure;
use crate::api::asset::AssetHeader;
use crate::api::contact::GeneratedPassword;
use crate::api::ids::{AssetId, CustomerId};
use crate::api::session::NewActing;
use crate::api::session::SignIn;
use crate::client::Call;
use crate::client::outbox::courier::Order;
use crate::client::outbox::{Entry, OutboxFault, Post};

/// What a layer can do. Drawing sees it unchanged; what it wants done goes
/// out as [`Intent`]s.
pub(super) trait Layer: std::fmt::Debug {
    /// Where its keys count, the nearest first.
    fn places(&self) -> Vec<Place>;

    /// What help and palette call it.
    fn title(&self) -> String;

    /// Whether typed characters are text here.
    fn wants_text(&self) -> bool {
        false
    }

    /// Whether what lies under it is drawn too.
    fn is_over(&self) -> bool {
        false
    }

    /// It is on top now, for the first time.
    fn opened(&mut self, _cx: &mut Cx<'_>) {}

    /// A command of its places, allowed by the role.
    fn on_command(&mut self, _command: &'static Command, _cx: &mut Cx<'_>) {}

    /// A key that no command took.
    fn on_key(&mut self, _key: KeyEvent, _cx: &mut Cx<'_>) {}

    /// A pasted text.
    fn on_paste(&mut self, _text: &str, _cx: &mut Cx<'_>) {}

    /// An answer to one of its calls.
    fn on_reply(&mut self, _reply: &Reply, _cx: &mut Cx<'_>) {}

    /// A write that it posted lies in the outbox; or could not be kept, and goes
    /// out all the same.
    fn on_kept(&mut self, _ticket: Ticket, _is_kept: bool) {}

    /// What there is in the outbox, as it asked for.
    fn on_entries(&mut self, _ticket: Ticket, _entries: Result<Vec<Entry>, OutboxFault>) {}

    /// There is more or less in the outbox than before.
    fn on_outbox(&mut self, _cx: &mut Cx<'_>) {}

    /// The time is over that it asked to be woken after.
    fn on_wake(&mut self, _ticket: Ticket, _cx: &mut Cx<'_>) {}

    /// A record changed, by something above it.
    fn on_changed(&mut self, _subject: Subject, _cx: &mut Cx<'_>) {}

    /// Users, roles, shops or settings changed, by something above it.
    fn on_arranged(&mut self, _cx: &mut Cx<'_>) {}

    /// Esc. True if it stepped back inside itself and stays.
    fn on_back(&mut self, _cx: &mut Cx<'_>) -> bool {
        false
    }

    /// Why a command cannot run now, though the role allows it.
    fn hindrance(&self, _command: &Command) -> Option<String> {
        None
    }

    /// What was typed and not sent, and what it was for.
    fn draft(&self) -> Option<(String, Draft)> {
        None
    }

    /// When the server said the oldest of what it shows, if that may be another
    /// by now: the frame tells the age.
    fn as_of(&self, _shared: &Shared) -> Option<Timestamp> {
        None
    }

    /// The record that it is the page of.
    fn page_of(&self) -> Option<Opened> {
        None
    }

    /// The page of a record was opened somewhere above it.
    fn on_page(&mut self, _opened: Opened, _shared: &Shared) {}

    /// Draws it.
    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared);

    /// Where the cursor stands, for input methods and screen readers.
    fn caret(&self, _area: Rect, _shared: &Shared) -> Option<Position> {
        None
    }
}

/// What changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// A customer.
    Customer(CustomerId),
    /// An asset or something on it.
    Asset(AssetId),
}

/// A record whose page was opened, as it was known then.
#[derive(Debug, Clone)]
pub(super) enum Opened {
    /// A customer by its name.
    Customer(CustomerId, String),
    /// An asset, and when the server said so.
    Asset(Box<AssetHeader>, Timestamp),
}

/// How a message looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// It went well.
    Fine,
    /// To be looked at.
    Warning,
    /// It went wrong.
    Error,
}

/// How somebody leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// The program ends.
    Quit,
    /// Somebody else may sign in.
    SignOut,
}

/// What a layer wants of the shell.
#[derive(Debug)]
pub(super) enum Intent {
    /// Call the server; the answer comes to this layer.
    Call(Ticket, Call),
    /// Keep a write in the outbox and send it; the answer comes to this layer.
    Post(Ticket, Box<Post>),
    /// The form of a draft was opened again from this entry of the outbox, whose
    /// place the next write of it takes.
    Reopened(String, i64),
    /// Tell the outbox something; what it lists comes to this layer.
    Outbox(Ticket, Order),
    /// Wake this layer after so much time.
    Wake(Ticket, Duration),
    /// Ask who somebody is, without working as him; the answer is his session.
    Vouch(Ticket, SignIn),
    /// Put a layer on top.
    Open(Box<dyn Layer>),
    /// Take this layer away.
    Close,
    /// Take this layer away without keeping its text: it was sent.
    Done,
    /// Say something in the message line.
    Say(Tone, String),
    /// Put a text on the clipboard.
    Copy(String),
    /// Put a password on the clipboard; nothing else says it again.
    CopySecret(GeneratedPassword),
    /// Tell all layers that a record changed.
    Changed(Subject),
    /// Tell all layers that users, roles, shops or settings changed.
    Arranged,
    /// Run a command as if its key was pressed, after this layer is gone.
    Run(&'static Command),
    /// Use this session.
    SignedIn(String),
    /// Use this server.
    Server(String),
    /// Work for a customer from now on, or look through a contact's eyes.
    StandIn(NewActing),
    /// The session as the server says.
    Session(Box<crate::api::session::Session>),
    /// End with the demo.
    Demo,
    /// Go this way, whatever is not kept: somebody of the dealer's agreed, or said
    /// that it may be lost.
    Leave(Exit),
}

/// What a layer works with.
#[derive(Debug)]
pub(super) struct Cx<'a> {
    /// What all layers see.
    pub(super) shared: &'a Shared,
    /// Drafts that were kept.
    pub(super) drafts: &'a mut super::draft::Drafts,
    /// Writes that may have arrived: the same again goes under the same key.
    pub(super) unsure: &'a mut Unsure,
    pub(super) next_ticket: &'a mut u64,
    pub(super) intents: Vec<Intent>,
}

impl Cx<'_> {
    /// Calls the server; remember the ticket to know the answer.
    pub(super) fn call(&mut self, call: Call) -> Ticket {
        let ticket = self.ticket();
        self.intents.push(Intent::Call(ticket, call));
        ticket
    }

    /// Keeps a write in the outbox and sends it; remember the ticket to know the
    /// answer.
    pub(super) fn post(&mut self, post: Post) -> Ticket {
        let ticket = self.ticket();
        self.intents.push(Intent::Post(ticket, Box::new(post)));
        ticket
    }

    /// Tells the outbox something; remember the ticket of a list.
    pub(super) fn outbox(&mut self, order: impl FnOnce(Ticket) -> Order) -> Ticket {
        let ticket = self.ticket();
        self.intents.push(Intent::Outbox(ticket, order(ticket)));
        ticket
    }

    /// Wakes this layer once, after so much time; remember the ticket. A layer
    /// that is gone by then is not missed.
    pub(super) fn wake(&mut self, after: Duration) -> Ticket {
        let ticket = self.ticket();
        self.intents.push(Intent::Wake(ticket, after));
        ticket
    }

    /// Asks who somebody is by name and password; remember the ticket.
    pub(super) fn vouch(&mut self, who: SignIn) -> Ticket {
        let ticket = self.ticket();
        self.intents.push(Intent::Vouch(ticket, who));
        ticket
    }

    fn ticket(&mut self) -> Ticket {
        *self.next_ticket += 1;
        Ticket(*self.next_ticket)
    }

    /// Puts a layer on top.
    pub(super) fn open(&mut self, layer: impl Layer + 'static) {
        self.intents.push(Intent::Open(Box::new(layer)));
    }

    /// Wants something done.
    pub(super) fn want(&mut self, intent: Intent) {
        self.intents.push(intent);
    }

    /// Says something in the message line.
    pub(super) fn say(&mut self, tone: Tone, text: impl Into<String>) {
        self.intents.push(Intent::Say(tone, text.into()));
    }
}

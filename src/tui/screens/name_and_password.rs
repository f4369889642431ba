//! User name and password, and what their keys do: what signing in, the lock
//! and leaving a workshop terminal have in common. Each of them says what is
//! done with the two.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::super::command::Command;
use super::super::event::{Reply, Ticket};
use super::super::layer::{Cx, Intent, Tone};
use super::super::shared::Shared;
use super::super::widgets::{Form, FormField};
use crate::api::operation;
use crate::api::page::Nothing;
use crate::api::session::{SignIn, SignedIn};
use crate::client::Call;

/// Where the cursor stands for a password.
const PASSWORD: usize = 1;

/// The two fields, and the question that is on its way.
#[derive(Debug)]
pub(in crate::tui) struct NameAndPassword {
    form: Form,
    waiting: Option<Ticket>,
}

impl NameAndPassword {
    /// Rows that it takes.
    pub(in crate::tui) const HEIGHT: u16 = 2;

    /// With the field for the name, and what Enter does behind the password.
    pub(in crate::tui) fn new(name: FormField, enter: &'static str) -> Self {
        Self { form: Form::new(vec![name, FormField::new("password", "Password", enter).secret()]), waiting: None }
    }

    /// The name is known: the cursor stands in the password.
    pub(in crate::tui) const fn at_password(mut self) -> Self {
        self.form.at = PASSWORD;
        self
    }

    /// The name as it stands there.
    pub(in crate::tui) fn username(&self) -> &str {
        self.form.text("username").trim()
    }

    /// Whether the server was asked and has not answered.
    pub(in crate::tui) const fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// A command of the form. What is to be sent, where it says so and both are
    /// there; else the cursor goes to what is missing.
    pub(in crate::tui) fn command(&mut self, command: &Command) -> Option<SignIn> {
        match command.id {
            "sign_in.send" => return self.filled(),
            "form.next" | "list.down" => self.form.next(),
            "form.previous" | "list.up" => self.form.previous(),
            _ => {}
        }
        None
    }

    fn filled(&mut self) -> Option<SignIn> {
        if self.waiting.is_some() {
            return None;
        }
        let given = SignIn { username: self.username().to_owned(), password: self.form.text("password").to_owned() };
        let at_name = self.form.at != PASSWORD;
        self.form.at = if given.username.is_empty() { 0 } else { PASSWORD };
        (!at_name && !given.username.is_empty() && !given.password.is_empty()).then_some(given)
    }

    /// Signs in with what was given.
    pub(in crate::tui) fn sign_in(&mut self, given: &SignIn, cx: &mut Cx<'_>) {
        self.asked(cx.call(Call::of::<operation::SignIn>(&Nothing {}, &Nothing {}, given)));
    }

    /// The server was asked.
    pub(in crate::tui) const fn asked(&mut self, ticket: Ticket) {
        self.waiting = Some(ticket);
    }

    /// Whether this is the answer. Nobody finds the password standing there
    /// afterwards, whatever the answer was.
    pub(in crate::tui) fn take(&mut self, reply: &Reply) -> bool {
        let own = self.waiting == Some(reply.ticket);
        if own {
            self.waiting = None;
            if let Some(password) = self.form.fields.get_mut(PASSWORD) {
                password.text.set("");
            }
        }
        own
    }

    /// The answer to [`Self::sign_in`], followed.
    pub(in crate::tui) fn follow(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        if !self.take(reply) {
            return;
        }
        match &reply.outcome {
            Ok(body) => match serde_json::from_slice::<SignedIn>(body) {
                Ok(signed_in) => cx.want(Intent::SignedIn(signed_in.token)),
                Err(error) => cx.say(Tone::Error, format!("The server speaks another version: {error}")),
            },
            Err(error) => cx.say(Tone::Error, error.to_string()),
        }
    }

    /// A key that no command took.
    pub(in crate::tui) fn key(&mut self, key: KeyEvent) {
        self.form.key(key);
    }

    /// A pasted text, where the cursor stands.
    pub(in crate::tui) fn paste(&mut self, text: &str) {
        self.form.paste(text);
    }

    /// A pasted password.
    pub(in crate::tui) fn paste_password(&mut self, text: &str) {
        self.form.at = PASSWORD;
        self.form.paste(text);
    }

    /// Draws both.
    pub(in crate::tui) fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        self.form.view(area, buffer, shared);
    }

    /// Where the cursor stands.
    pub(in crate::tui) fn caret(&self, area: Rect) -> Option<Position> {
        self.form.caret(area)
    }
}

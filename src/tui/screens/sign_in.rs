//! Signing in, at the start or when the session ended; then over what is
//! there, which stays.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::super::command::{Command, Place};
use super::super::event::{Reply, Ticket};
use super::super::layer::{Cx, Intent, Layer, Tone};
use super::super::shared::Shared;
use super::super::widgets::{Form, FormField, line};
use super::device_sign_in::DeviceSignIn;
use crate::api::operation;
use crate::api::page::Nothing;
use crate::api::session::{SignIn as Credentials, SignedIn};
use crate::client::Call;

pub(super) const TITLE: &str = "Sign in";

/// User name and password.
#[derive(Debug)]
pub(in crate::tui) struct SignIn {
    form: Form,
    again: bool,
    waiting: Option<Ticket>,
}

impl SignIn {
    /// With the name of who was signed in, if the session ended.
    pub(in crate::tui) fn new(name: Option<String>) -> Self {
        let again = name.is_some();
        let mut form = Form::new(vec![
            FormField::new("username", "User name", "").with(&name.unwrap_or_default()),
            FormField::new("password", "Password", "Enter signs in").secret(),
        ]);
        form.at = usize::from(again);
        Self { form, again, waiting: None }
    }

    fn go(&mut self, cx: &mut Cx<'_>) {
        if self.form.at == 0 {
            return self.form.next();
        }
        let body = Credentials { username: self.form.text("username").trim().to_owned(), password: self.form.text("password").to_owned() };
        if body.username.is_empty() {
            self.form.at = 0;
            return;
        }
        if self.waiting.is_none() {
            self.waiting = Some(cx.call(Call::of::<operation::SignIn>(&Nothing {}, &Nothing {}, &body)));
        }
    }

    fn form_area(area: Rect) -> Rect {
        Rect { x: area.x + 1, y: area.y + 4.min(area.height), width: area.width.saturating_sub(2), height: 2.min(area.height.saturating_sub(4)) }
    }
}

impl Layer for SignIn {
    fn places(&self) -> Vec<Place> {
        vec![Place::SignIn, Place::List, Place::Form, Place::Rows]
    }

    fn title(&self) -> String {
        TITLE.to_owned()
    }

    fn wants_text(&self) -> bool {
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        match command.id {
            "sign_in.device" => {
                // In this one's place: one sign-in at a time.
                cx.open(DeviceSignIn::new(self.again.then(|| self.form.text("username").to_owned())));
                cx.want(Intent::Close);
            }
            "list.open" | "form.save" => self.go(cx),
            "form.next" | "list.down" => self.form.next(),
            "form.previous" | "list.up" => self.form.previous(),
            _ => {}
        }
    }

    fn on_key(&mut self, key: KeyEvent, _cx: &mut Cx<'_>) {
        self.form.key(key);
    }

    fn on_paste(&mut self, text: &str, _cx: &mut Cx<'_>) {
        self.form.paste(text);
    }

    fn on_back(&mut self, cx: &mut Cx<'_>) -> bool {
        if self.again {
            cx.say(Tone::Warning, "Your session has ended. Sign in to go on, or leave with F10; what you typed is kept.");
        }
        true
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        if self.waiting != Some(reply.ticket) {
            return;
        }
        self.waiting = None;
        match &reply.outcome {
            Ok(body) => match serde_json::from_slice::<SignedIn>(body) {
                Ok(signed_in) => cx.want(Intent::SignedIn(signed_in.token)),
                Err(error) => cx.say(Tone::Error, format!("The server speaks another version: {error}")),
            },
            Err(error) => {
                if error.problem().is_some()
                    && let Some(password) = self.form.fields.last_mut()
                {
                    password.text.set("");
                }
                cx.say(Tone::Error, error.to_string());
            }
        }
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        ratatui::widgets::Widget::render(ratatui::widgets::Clear, area, buffer);
        let what = if self.again { "Your session has ended. Sign in again; everything is as you left it." } else { "Sign in" };
        line(buffer, area, 1, Line::from(Span::styled(format!(" {what}"), shared.look.title())));
        self.form.view(Self::form_area(area), buffer, shared);
        if self.waiting.is_some() {
            line(buffer, area, 7, Line::from(Span::styled(" Signing in", shared.look.quiet())));
        }
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        self.form.caret(Self::form_area(area))
    }
}

//! The locked terminal: who may come back, and a password. It takes the whole
//! window and works in one of any size.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget as _};

use super::super::command::{Command, Place};
use super::super::event::{Reply, Ticket};
use super::super::layer::{Cx, Intent, Layer, Tone};
use super::super::lock_note::LockNote;
use super::super::shared::Shared;
use super::super::widgets::{Form, FormField, cut, line, lines, wrap};
use super::device_sign_in::DeviceSignIn;
use crate::api::operation;
use crate::api::page::Nothing;
use crate::api::session::{SignIn, SignedIn};
use crate::client::Call;

pub(super) const TITLE: &str = "Locked";
const ANOTHER: &str = "Another person: Shift-Tab, your own user name, Tab, your password. Nothing of what was open here stays then.";

/// User name and password; the cursor stands in the password.
#[derive(Debug)]
pub(in crate::tui) struct Lock {
    name: String,
    username: String,
    form: Form,
    waiting: Option<Ticket>,
}

impl Lock {
    /// For whoever locked it.
    pub(in crate::tui) fn new(note: &LockNote) -> Self {
        let mut form = Form::new(vec![
            FormField::new("username", "User name", "").with(&note.username).replaced_by_typing(),
            FormField::new("password", "Password", "Enter unlocks").secret(),
        ]);
        form.at = 1;
        Self { name: note.name.clone(), username: note.username.clone(), form, waiting: None }
    }

    fn go(&mut self, cx: &mut Cx<'_>) {
        if self.form.at == 0 {
            return self.form.next();
        }
        let body = SignIn { username: self.form.text("username").trim().to_owned(), password: self.form.text("password").to_owned() };
        if body.username.is_empty() {
            self.form.at = 0;
            return;
        }
        if self.waiting.is_none() && !body.password.is_empty() {
            self.waiting = Some(cx.call(Call::of::<operation::SignIn>(&Nothing {}, &Nothing {}, &body)));
        }
    }

    /// The first row that is used: a small window has none to spare.
    const fn top(area: Rect) -> u16 {
        if area.height >= 12 { 1 } else { 0 }
    }

    fn form_area(area: Rect) -> Rect {
        let above = (Self::top(area) + 2).min(area.height);
        Rect { x: area.x, y: area.y + above, width: area.width, height: 2.min(area.height - above) }
    }
}

impl Layer for Lock {
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
            "sign_in.device" => cx.open(DeviceSignIn::new(Some(self.username.clone())).over()),
            "list.open" | "form.save" => self.go(cx),
            "form.next" | "list.down" => self.form.next(),
            "form.previous" | "list.up" => self.form.previous(),
            _ => {}
        }
    }

    fn on_key(&mut self, key: KeyEvent, _: &mut Cx<'_>) {
        self.form.key(key);
    }

    /// What is pasted is a password, wherever somebody left the cursor: in the
    /// name it could be read.
    fn on_paste(&mut self, text: &str, _: &mut Cx<'_>) {
        self.form.at = 1;
        self.form.paste(text);
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        if self.waiting != Some(reply.ticket) {
            return;
        }
        self.waiting = None;
        if let Some(password) = self.form.fields.last_mut() {
            password.text.set("");
        }
        match &reply.outcome {
            Ok(body) => match serde_json::from_slice::<SignedIn>(body) {
                Ok(signed_in) => cx.want(Intent::SignedIn(signed_in.token)),
                Err(error) => cx.say(Tone::Error, format!("The server speaks another version: {error}")),
            },
            Err(error) => cx.say(Tone::Error, error.to_string()),
        }
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        Clear.render(area, buffer);
        let look = shared.look;
        let (top, room) = (Self::top(area), usize::from(area.width));
        line(buffer, area, top, Line::from(Span::styled(format!(" {TITLE}"), look.title())));
        line(buffer, area, top + 1, Line::from(Span::raw(format!(" {}", cut(&self.name, room.saturating_sub(1), look)))));
        self.form.view(Self::form_area(area), buffer, shared);
        let said = if self.waiting.is_some() { "Signing in" } else { ANOTHER };
        let texts = wrap(said, room.saturating_sub(4).max(20));
        lines(buffer, area, top + 5, texts.into_iter().map(|text| Line::from(Span::styled(format!("  {text}"), look.quiet()))));
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        self.form.caret(Self::form_area(area))
    }
}

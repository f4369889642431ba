//! The locked terminal: who may come back, and a password. It takes the whole
//! window and works in one of any size.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Widget as _};

use super::super::command::{Command, Place};
use super::super::event::Reply;
use super::super::layer::{Cx, Layer};
use super::super::lock_note::LockNote;
use super::super::shared::Shared;
use super::super::widgets::{FormField, cut, line, lines, wrap};
use super::device_sign_in::DeviceSignIn;
use super::name_and_password::NameAndPassword;

pub(super) const TITLE: &str = "Locked";
const ANOTHER: &str = "Another person: Shift-Tab, your own user name, Tab, your password. Nothing of what was open here stays then.";

/// User name and password; the cursor stands in the password.
#[derive(Debug)]
pub(in crate::tui) struct Lock {
    name: String,
    username: String,
    given: NameAndPassword,
}

impl Lock {
    /// For whoever locked it.
    pub(in crate::tui) fn new(note: &LockNote) -> Self {
        let field = FormField::new("username", "User name", "").with(&note.username).replaced_by_typing();
        let given = NameAndPassword::new(field, "Enter unlocks").at_password();
        Self { name: note.name.clone(), username: note.username.clone(), given }
    }

    /// The first row that is used: a small window has none to spare.
    const fn top(area: Rect) -> u16 {
        if area.height >= 12 { 1 } else { 0 }
    }

    fn form_area(area: Rect) -> Rect {
        let above = (Self::top(area) + 2).min(area.height);
        Rect { x: area.x, y: area.y + above, width: area.width, height: NameAndPassword::HEIGHT.min(area.height - above) }
    }
}

impl Layer for Lock {
    fn places(&self) -> Vec<Place> {
        vec![Place::SignIn, Place::Credentials, Place::Fields, Place::Rows]
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
            _ => {
                if let Some(given) = self.given.command(command) {
                    self.given.sign_in(&given, cx);
                }
            }
        }
    }

    fn on_key(&mut self, key: KeyEvent, _: &mut Cx<'_>) {
        self.given.key(key);
    }

    /// What is pasted is a password, wherever somebody left the cursor: in the
    /// name it could be read.
    fn on_paste(&mut self, text: &str, _: &mut Cx<'_>) {
        self.given.paste_password(text);
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        self.given.follow(reply, cx);
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        Clear.render(area, buffer);
        let look = shared.look;
        let (top, room) = (Self::top(area), usize::from(area.width));
        line(buffer, area, top, Line::from(Span::styled(format!(" {TITLE}"), look.title())));
        line(buffer, area, top + 1, Line::from(Span::raw(format!(" {}", cut(&self.name, room.saturating_sub(1), look)))));
        self.given.view(Self::form_area(area), buffer, shared);
        let said = if self.given.is_waiting() { "Signing in" } else { ANOTHER };
        let texts = wrap(said, room.saturating_sub(4).max(20));
        lines(buffer, area, top + 5, texts.into_iter().map(|text| Line::from(Span::styled(format!("  {text}"), look.quiet()))));
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        self.given.caret(Self::form_area(area))
    }
}

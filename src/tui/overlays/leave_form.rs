//! Leaving a workshop terminal: somebody of the dealer's says with name and
//! password that it may end. He is not signed in by it.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::api::session::{Session, UserKind};
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Exit, Intent, Layer, Tone};
use crate::tui::screens::NameAndPassword;
use crate::tui::shared::Shared;
use crate::tui::widgets::{FormField, boxed, line};

/// What the form is called.
pub(in crate::tui) const TITLE: &str = "Leave this terminal";
const SIZE: (u16, u16) = (60, 7);

/// Name and password of somebody of the dealer's.
#[derive(Debug)]
pub(in crate::tui) struct LeaveForm {
    given: NameAndPassword,
}

impl LeaveForm {
    /// Empty.
    pub(in crate::tui) fn new() -> Self {
        Self { given: NameAndPassword::new(FormField::new("username", "User name", "of the dealer's people"), "Enter ends the program") }
    }

    fn fields_area(area: Rect) -> Rect {
        let (wide, high) = (SIZE.0.min(area.width), SIZE.1.min(area.height));
        let (x, y) = (area.x + (area.width - wide) / 2, area.y + (area.height - high) / 2);
        Rect { x: x + 1, y: y + 2, width: wide.saturating_sub(2), height: NameAndPassword::HEIGHT.min(high.saturating_sub(3)) }
    }
}

impl Layer for LeaveForm {
    fn places(&self) -> Vec<Place> {
        vec![Place::Credentials, Place::Fields, Place::Rows]
    }

    fn title(&self) -> String {
        TITLE.to_owned()
    }

    fn wants_text(&self) -> bool {
        true
    }

    fn is_over(&self) -> bool {
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if let Some(who) = self.given.command(command) {
            self.given.asked(cx.vouch(who));
        }
    }

    fn on_key(&mut self, key: KeyEvent, _: &mut Cx<'_>) {
        self.given.key(key);
    }

    fn on_paste(&mut self, text: &str, _: &mut Cx<'_>) {
        self.given.paste(text);
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        if !self.given.take(reply) {
            return;
        }
        match &reply.outcome {
            Ok(body) => match serde_json::from_slice::<Session>(body) {
                Ok(session) if session.user.kind == UserKind::Staff => cx.want(Intent::Leave(Exit::Quit)),
                Ok(_) => cx.say(Tone::Warning, "Only the dealer's people can leave a workshop terminal."),
                Err(error) => cx.say(Tone::Error, format!("The server speaks another version: {error}")),
            },
            Err(error) => cx.say(Tone::Error, error.to_string()),
        }
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let inside = boxed(buffer, area, SIZE, TITLE, look);
        self.given.view(Self::fields_area(area), buffer, shared);
        let note = if self.given.is_waiting() { " Asking the server" } else { " Esc goes back." };
        line(buffer, inside, inside.height.saturating_sub(1), Line::from(Span::styled(note, look.quiet())));
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        self.given.caret(Self::fields_area(area))
    }
}

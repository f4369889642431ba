//! A reason, and then a reading is taken out or a request withdrawn.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::api::ids::AssetId;
use crate::api::meter::{Reading, Reason};
use crate::api::operation::{CancelRequest, OfReading, OfRequest, VoidReading};
use crate::api::page::Nothing;
use crate::api::service::ServiceRequest;
use crate::client::Call;
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Intent, Layer, Subject, Tone};
use crate::tui::panes::for_people;
use crate::tui::sending::Sending;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField, boxed, cut, line};

/// What the reason is for.
#[derive(Debug)]
enum Act {
    Void(OfReading),
    Cancel(OfRequest, i64),
}

/// Asks for the reason.
#[derive(Debug)]
pub(in crate::tui) struct ReasonForm {
    asset: AssetId,
    act: Act,
    heading: String,
    form: Form,
    sending: Sending,
}

const SIZE: (u16, u16) = (70, 6);

impl ReasonForm {
    /// To take a reading out (M-11).
    pub(in crate::tui) fn void(asset: AssetId, reading: &Reading) -> Self {
        let heading = format!("Void {} {}", for_people(&reading.value), reading.unit.name());
        Self::new(asset, Act::Void(OfReading { id: reading.id }), heading)
    }

    /// To withdraw a request.
    pub(in crate::tui) fn cancel(asset: AssetId, request: &ServiceRequest) -> Self {
        let heading = format!("Cancel {}", request.number);
        Self::new(asset, Act::Cancel(OfRequest { id: request.id }, request.version), heading)
    }

    fn new(asset: AssetId, act: Act, heading: String) -> Self {
        let form = Form::new(vec![FormField::new("reason", "Reason", "required; Enter sends")]);
        Self { asset, act, heading, form, sending: Sending::default() }
    }

    fn send(&mut self, cx: &mut Cx<'_>) {
        let Some(reason) = self.form.some("reason") else { return cx.say(Tone::Warning, "Say why: others will read it.") };
        let body = Reason { reason };
        let call = match &self.act {
            Act::Void(path) => Call::of::<VoidReading>(path, &Nothing {}, &body),
            Act::Cancel(path, version) => Call::of::<CancelRequest>(path, &Nothing {}, &body).if_match(*version),
        };
        self.sending.send(call, cx);
    }

    fn inside(area: Rect) -> Rect {
        let (wide, high) = (SIZE.0.min(area.width), SIZE.1.min(area.height));
        Rect { x: area.x + (area.width - wide) / 2 + 1, y: area.y + (area.height - high) / 2 + 2, width: wide.saturating_sub(2), height: 1 }
    }
}

impl Layer for ReasonForm {
    fn places(&self) -> Vec<Place> {
        vec![Place::Form, Place::List]
    }

    fn title(&self) -> String {
        self.heading.clone()
    }

    fn wants_text(&self) -> bool {
        true
    }

    fn is_over(&self) -> bool {
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if matches!(command.id, "form.save" | "list.open") {
            self.send(cx);
        }
    }

    fn on_key(&mut self, key: KeyEvent, _: &mut Cx<'_>) {
        self.form.key(key);
    }

    fn on_paste(&mut self, text: &str, _: &mut Cx<'_>) {
        self.form.paste(text);
    }

    fn on_back(&mut self, cx: &mut Cx<'_>) -> bool {
        self.sending.holds_back(cx)
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        match self.sending.take(reply, cx) {
            Some(Ok(_)) => {
                cx.say(Tone::Fine, format!("{}: done.", self.heading));
                cx.want(Intent::Changed(Subject::Asset(self.asset)));
                cx.want(Intent::Done);
            }
            Some(Err(error)) => cx.say(Tone::Error, error.to_string()),
            None => {}
        }
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let inside = boxed(buffer, area, SIZE, &self.heading, shared.look);
        self.form.view(Self::inside(area), buffer, shared);
        let note = if self.sending.is_waiting() { "Sending" } else { "It stays in the history with your name and this reason." };
        line(buffer, inside, 3, Line::from(Span::styled(format!(" {}", cut(note, usize::from(inside.width), shared.look)), shared.look.quiet())));
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        self.form.caret(Self::inside(area))
    }
}

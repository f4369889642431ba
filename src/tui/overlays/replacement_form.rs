//! A meter was replaced (M-6): the old dial's last value, the new one's first.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::api::ids::AssetId;
use crate::api::meter::{Meter, Replacement};
use crate::api::operation::{OfMeter, ReplaceMeter};
use crate::api::page::Nothing;
use crate::client::Call;
use crate::tui::command::{Command, Place};
use crate::tui::draft::Draft;
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Intent, Layer, Subject, Tone};
use crate::tui::sending::Sending;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField, boxed};

/// Asks for both values and the time.
#[derive(Debug)]
pub(in crate::tui) struct ReplacementForm {
    path: OfMeter,
    heading: String,
    form: Form,
    sending: Sending,
}

const SIZE: (u16, u16) = (76, 7);

impl ReplacementForm {
    /// For a meter of an asset.
    pub(in crate::tui) fn new(asset: AssetId, meter: &Meter) -> Self {
        let form = Form::new(vec![
            FormField::new("old_last", "Old dial's last", "what it showed at the end").with(meter.value.as_deref().unwrap_or_default()),
            FormField::new("new_first", "New dial's first", "what the new one shows").with("0"),
            FormField::new("at", "When", "empty for now; or -1d, 20 9:30"),
        ]);
        let heading = format!("{} replaced", meter.kind.in_words());
        Self { path: OfMeter { id: asset, meter: meter.meter.clone() }, heading, form, sending: Sending::default() }
    }

    fn send(&mut self, cx: &mut Cx<'_>) {
        let at = match super::reading_line::short_time(self.form.text("at"), cx.shared) {
            Ok(at) => at,
            Err(fault) => return self.form.refuse([("at".to_owned(), fault)].into()),
        };
        let body = Replacement { old_last: self.form.text("old_last").to_owned(), new_first: self.form.text("new_first").to_owned(), at };
        self.sending.send(Call::of::<ReplaceMeter>(&self.path, &Nothing {}, &body), cx);
    }

    fn inside(area: Rect) -> Rect {
        let (wide, high) = (SIZE.0.min(area.width), SIZE.1.min(area.height));
        Rect {
            x: area.x + (area.width - wide) / 2 + 1,
            y: area.y + (area.height - high) / 2 + 2,
            width: wide.saturating_sub(2),
            height: high.saturating_sub(3),
        }
    }
}

impl Layer for ReplacementForm {
    fn places(&self) -> Vec<Place> {
        vec![Place::Form]
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

    fn opened(&mut self, cx: &mut Cx<'_>) {
        if let Some((about, _)) = self.draft()
            && let Some(draft) = cx.drafts.take(&about)
        {
            self.form.restore(&draft);
        }
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        match command.id {
            "form.save" => self.send(cx),
            "form.next" => self.form.next(),
            "form.previous" => self.form.previous(),
            _ => {}
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
                cx.say(Tone::Fine, "The new dial counts on from here.");
                cx.want(Intent::Changed(Subject::Asset(self.path.id)));
                cx.want(Intent::Done);
            }
            Some(Err(error)) => {
                if let Some(problem) = error.problem() {
                    self.form.refuse(problem.fields.clone());
                }
                cx.say(Tone::Error, error.to_string());
            }
            None => {}
        }
    }

    fn draft(&self) -> Option<(String, Draft)> {
        Some((format!("replacement {} {}", self.path.id, self.path.meter), self.form.draft()))
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        boxed(buffer, area, SIZE, &self.heading, shared.look);
        self.form.view(Self::inside(area), buffer, shared);
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        self.form.caret(Self::inside(area))
    }
}

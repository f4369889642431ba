//! The one layer of every form that lies over a screen: keys, paste, draft,
//! sending, refusals and the cursor. A form of its own says only what it asks
//! for, which call that makes and what follows: its [`Purpose`].

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use serde_json::Value;

use super::conflict::Conflict;
use crate::api::problem::Problem;
use crate::client::{Call, ClientError};
use crate::tui::command::{Command, Place};
use crate::tui::draft::Draft;
use crate::tui::event::{Reply, Ticket};
use crate::tui::layer::{Cx, Intent, Layer, Subject, Tone};
use crate::tui::posted::Posted;
use crate::tui::sending::Sending;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, Said, boxed, cut, line};

/// Cells of a form that does not take the whole area.
const WIDE: u16 = 76;
/// Rows around the fields: border, a row of air, the note, border.
const AROUND: u16 = 5;

/// What a form is for.
pub(in crate::tui) trait Purpose: std::fmt::Debug {
    /// What stands in the border, and what help calls it.
    fn title(&self) -> String;

    /// What a draft of it belongs to; none keeps no draft.
    fn about(&self) -> Option<String> {
        None
    }

    /// Whether it takes the whole area, not a box of its own height.
    fn is_whole(&self) -> bool {
        false
    }

    /// What is asked before it is sent: then only a `y` sends.
    fn question(&self, _form: &Form, _shared: &Shared) -> Option<String> {
        None
    }

    /// Said below the fields.
    fn note(&self) -> &'static str {
        ""
    }

    /// Somebody typed in a field in which this stood: another that was left alone
    /// may follow it.
    fn typed(&mut self, _field: &'static str, _before: &str, _form: &mut Form) {}

    /// The call that sends it, or the fields that keep it from being sent.
    ///
    /// # Errors
    /// Field names with what to do about each.
    fn call(&self, form: &Form, shared: &Shared) -> Result<Call, Vec<(&'static str, String)>>;

    /// How it goes through the outbox, and what it is called there; none is just
    /// sent.
    fn posted(&self, _form: &Form) -> Option<(Posted, String)> {
        None
    }

    /// It was taken: says so and tells who else has to know.
    fn taken(&mut self, answer: &[u8], cx: &mut Cx<'_>);

    /// Somebody else changed the record meanwhile (412): what its fields begin
    /// with as it is now, over which it is sent from here on. All a form needs
    /// so that both versions are merged, or shown where they clash.
    fn renewed(&mut self, _current: Value) -> Option<Said> {
        None
    }

    /// Whose page shows the record; none where no page does.
    fn subject(&self) -> Option<Subject> {
        None
    }

    /// Where it is told who changed the record, and its id there.
    fn history(&self) -> Option<(Call, String)> {
        None
    }

    /// It was refused; refused fields are marked already. What to say, where
    /// the problem's own words are not the best.
    fn refused(&mut self, _problem: &Problem, _form: &mut Form) -> Option<(Tone, String)> {
        None
    }
}

/// A form over a screen.
#[derive(Debug)]
pub(in crate::tui) struct FormLayer<P> {
    purpose: P,
    form: Form,
    /// Whether it changes a record that others may change too.
    is_of_record: bool,
    asking: bool,
    /// What is to be decided before anything is sent again.
    conflict: Option<Conflict>,
    sending: Sending,
}

impl<P: Purpose> FormLayer<P> {
    /// With its fields.
    pub(in crate::tui) fn new(purpose: P, form: Form) -> Self {
        Self { purpose, form, is_of_record: false, asking: false, conflict: None, sending: Sending::default() }
    }

    /// For a record that stands: a draft of it that is put back after somebody
    /// else changed the record is merged like a save that came too late.
    pub(in crate::tui) fn of_record(mut self, is: bool) -> Self {
        self.is_of_record = is;
        self
    }

    /// Enter in a single field sends; in a form of several it goes on to the
    /// next, and a key of its own sends.
    fn is_single(&self) -> bool {
        self.form.fields.len() == 1
    }

    /// Something is typed; what follows from it is filled in.
    fn type_in(&mut self, typing: impl FnOnce(&mut Form)) {
        let before = self.form.here();
        typing(&mut self.form);
        if let Some((field, before)) = before {
            self.purpose.typed(field, &before, &mut self.form);
        }
    }

    fn save(&mut self, cx: &mut Cx<'_>) {
        if self.purpose.question(&self.form, cx.shared).is_some() {
            self.asking = true;
        } else {
            self.send(cx);
        }
    }

    fn send(&mut self, cx: &mut Cx<'_>) {
        match self.purpose.call(&self.form, cx.shared) {
            Ok(call) => match self.purpose.posted(&self.form) {
                Some((posted, title)) => self.sending.post(posted.post(title, self.form.typed(), call), cx),
                None => self.sending.send(call, cx),
            },
            Err(faults) => {
                if let [(_, fault)] = faults.as_slice() {
                    cx.say(Tone::Warning, fault.clone());
                }
                self.form.refuse(faults.into_iter().map(|(field, fault)| (field.to_owned(), fault)).collect());
            }
        }
    }

    fn refuse(&mut self, error: &ClientError, cx: &mut Cx<'_>) {
        let Some(problem) = error.problem() else {
            // Sent again it goes under the same key: one write, whatever became of this one.
            return cx.say(Tone::Error, "The server does not answer. Save again when the line is back: it is written once.");
        };
        if problem.code == "version.stale"
            && let Some(now) = problem.current.clone().and_then(|current| self.purpose.renewed(current))
        {
            if let Some(subject) = self.purpose.subject() {
                // What lies under the form is of before, too.
                cx.want(Intent::Changed(subject));
            }
            return self.go_on_from(now, cx);
        }
        self.form.refuse(problem.fields.clone());
        let (tone, text) = self.purpose.refused(problem, &mut self.form).unwrap_or_else(|| (Tone::Error, error.to_string()));
        cx.say(tone, text);
    }

    /// Somebody else was faster: what does not clash is merged, and where two
    /// wrote two things a person decides.
    fn go_on_from(&mut self, now: Said, cx: &mut Cx<'_>) {
        let contested = self.form.contested(&now);
        if contested.is_empty() {
            self.form.rebase(&now, &[]);
            // Such as one's own save whose answer never came.
            let said = if self.form.draft().is_empty() {
                "It was changed meanwhile, and what you typed stands there already."
            } else {
                "Changed by somebody else meanwhile, though not what you typed; what is new is filled in. Save again."
            };
            return cx.say(Tone::Warning, said);
        }
        cx.say(Tone::Warning, "Changed by somebody else meanwhile: see both.");
        self.conflict = Some(Conflict::new(now, contested, self.purpose.history(), cx));
    }

    /// Puts a draft back. What it was typed over may be another text by now.
    fn restore(&mut self, draft: &Draft, cx: &mut Cx<'_>) {
        let now = self.form.began();
        self.form.restore(draft);
        if self.form.contested(&now).is_empty() {
            self.form.rebase(&now, &[]);
        } else {
            self.go_on_from(now, cx);
        }
    }

    fn size(&self, area: Rect) -> (u16, u16) {
        if self.purpose.is_whole() { (area.width, area.height) } else { (WIDE.min(area.width), (self.form.height() + AROUND).min(area.height)) }
    }

    /// Where the fields stand.
    fn fields_area(&self, area: Rect) -> Rect {
        let (wide, high) = self.size(area);
        let (x, y) = (area.x + (area.width - wide) / 2, area.y + (area.height - high) / 2);
        if self.purpose.is_whole() {
            return Rect { x: x + 2, y: y + 1, width: wide.saturating_sub(4), height: high.saturating_sub(2) };
        }
        Rect { x: x + 1, y: y + 2, width: wide.saturating_sub(2), height: high.saturating_sub(AROUND) }
    }

    fn said_below(&self, shared: &Shared, room: usize) -> Span<'static> {
        let look = shared.look;
        let question = if self.asking { self.purpose.question(&self.form, shared) } else { None };
        match question {
            Some(question) => Span::styled(format!(" {}", cut(&question, room, look)), look.warning()),
            None if self.sending.is_waiting() => Span::styled(" Sending", look.quiet()),
            None => Span::styled(format!(" {}", cut(self.purpose.note(), room, look)), look.quiet()),
        }
    }
}

impl<P: Purpose> Layer for FormLayer<P> {
    fn places(&self) -> Vec<Place> {
        match (self.asking, self.is_single()) {
            _ if self.conflict.is_some() => vec![Place::Conflict, Place::Rows],
            (true, _) => vec![Place::Question],
            (false, true) => vec![Place::Line, Place::Form],
            (false, false) => vec![Place::Form, Place::Fields],
        }
    }

    fn title(&self) -> String {
        self.purpose.title()
    }

    fn wants_text(&self) -> bool {
        !self.asking && self.conflict.is_none()
    }

    fn is_over(&self) -> bool {
        !self.purpose.is_whole()
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        if let Some(draft) = self.purpose.about().and_then(|about| cx.drafts.take(&about)) {
            self.restore(&draft, cx);
        }
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if let Some(conflict) = &mut self.conflict {
            if let Some(decided) = conflict.command(command, cx) {
                self.form.rebase(&decided.now, &decided.given_up);
                self.conflict = None;
                cx.say(Tone::Fine, "Both versions are one now: look it over and save.");
            }
            return;
        }
        match command.id {
            "form.save" | "form.send" => self.save(cx),
            "form.next" => self.form.next(),
            "form.previous" => self.form.previous(),
            "question.yes" => {
                self.asking = false;
                self.send(cx);
            }
            "question.no" => self.asking = false,
            _ => {}
        }
    }

    /// Whoever goes on typing at the question corrects the text.
    fn on_key(&mut self, key: KeyEvent, _: &mut Cx<'_>) {
        self.asking = false;
        if self.conflict.is_none() {
            self.type_in(|form| form.key(key));
        }
    }

    fn on_paste(&mut self, text: &str, _: &mut Cx<'_>) {
        self.asking = false;
        if self.conflict.is_none() {
            self.type_in(|form| form.paste(text));
        }
    }

    /// With both versions shown nothing is merged yet: the draft is kept as it
    /// was typed.
    fn on_back(&mut self, cx: &mut Cx<'_>) -> bool {
        std::mem::take(&mut self.asking) || self.sending.holds_back(cx)
    }

    fn on_kept(&mut self, ticket: Ticket, is_kept: bool) {
        self.sending.kept(ticket, is_kept);
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        let is_told_of_change = self.conflict.as_mut().is_some_and(|conflict| conflict.take(reply));
        if is_told_of_change || self.sending.goes_on_without(reply, cx) {
            return;
        }
        match self.sending.take(reply) {
            Some(Ok(answer)) => self.purpose.taken(answer, cx),
            Some(Err(error)) => self.refuse(error, cx),
            None => {}
        }
    }

    fn draft(&self) -> Option<(String, Draft)> {
        let draft = match (self.sending.needs_no_draft(), self.is_of_record) {
            (true, _) => Draft::new(),
            (false, true) => self.form.draft_over_record(),
            (false, false) => self.form.draft(),
        };
        Some((self.purpose.about()?, draft))
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let title = self.purpose.title();
        let whole = self.purpose.is_whole();
        let title = if whole && self.sending.is_waiting() { format!("{title}: sending") } else { title };
        let inside = boxed(buffer, area, self.size(area), &title, shared.look);
        let fields = self.fields_area(area);
        self.form.view(fields, buffer, shared);
        // A form that takes everything says it where its fields leave a row.
        if !whole || self.form.height() < fields.height {
            let below = self.said_below(shared, usize::from(inside.width).saturating_sub(2));
            line(buffer, inside, inside.height.saturating_sub(1), Line::from(below));
        }
        if let Some(conflict) = &self.conflict {
            conflict.view(area, buffer, shared);
        }
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        if self.asking || self.conflict.is_some() { None } else { self.form.caret(self.fields_area(area)) }
    }
}

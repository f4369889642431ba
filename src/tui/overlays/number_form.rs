//! The customer's number in the dealer's business system (S3-23, S3-24):
//! number, Enter, and a `y` that it is really meant.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use crate::api::customer::{Customer, NumberChange};
use crate::api::ids::CustomerId;
use crate::api::operation::{OfCustomer, SetCustomerNumber};
use crate::api::page::Nothing;
use crate::client::Call;
use crate::tui::command::{Command, Place};
use crate::tui::draft::Draft;
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Intent, Layer, Subject, Tone};
use crate::tui::sending::Sending;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField, boxed, cut, line};

/// Asks for the number, then whether it is meant.
#[derive(Debug)]
pub(in crate::tui) struct NumberForm {
    customer: CustomerId,
    name: String,
    version: Option<i64>,
    form: Form,
    asking: bool,
    sending: Sending,
}

const SIZE: (u16, u16) = (74, 6);

impl NumberForm {
    /// For a customer, with the number it has here.
    pub(in crate::tui) fn new(customer: CustomerId, name: &str, known: Option<&Customer>, here: Option<String>) -> Self {
        let more = known.and_then(|known| known.more.as_ref());
        let form = Form::new(vec![FormField::new("number", "Customer #", "as in the business system; Enter").with(here.as_deref().unwrap_or_default())]);
        Self { customer, name: name.to_owned(), version: more.map(|more| more.version), form, asking: false, sending: Sending::default() }
    }

    fn send(&mut self, cx: &mut Cx<'_>) {
        let body = NumberChange { shop: None, number: self.form.some("number") };
        let mut call = Call::of::<SetCustomerNumber>(&OfCustomer { id: self.customer }, &Nothing {}, &body);
        if let Some(version) = self.version {
            call = call.if_match(version);
        }
        self.sending.send(call, cx);
    }

    fn question(&self, shared: &Shared) -> String {
        let shop = shared.session.as_ref().and_then(|session| session.shop.as_ref()).map_or("this shop", |shop| shop.shop.name.as_str());
        match self.form.some("number") {
            Some(number) => format!("Set #{number} for {} at {shop}? y", self.name),
            None => format!("Clear the number of {} at {shop}? y", self.name),
        }
    }

    fn inside(area: Rect) -> Rect {
        let (wide, high) = (SIZE.0.min(area.width), SIZE.1.min(area.height));
        Rect { x: area.x + (area.width - wide) / 2 + 1, y: area.y + (area.height - high) / 2 + 2, width: wide.saturating_sub(2), height: 1 }
    }
}

impl Layer for NumberForm {
    fn places(&self) -> Vec<Place> {
        if self.asking { vec![Place::Question] } else { vec![Place::Form, Place::List] }
    }

    fn title(&self) -> String {
        "Customer number".to_owned()
    }

    fn wants_text(&self) -> bool {
        !self.asking
    }

    fn is_over(&self) -> bool {
        true
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        if let Some(draft) = cx.drafts.take(&format!("number {}", self.customer)) {
            self.form.restore(&draft);
        }
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        match command.id {
            "form.save" | "list.open" => self.asking = true,
            "question.yes" => {
                self.asking = false;
                self.send(cx);
            }
            "question.no" => self.asking = false,
            _ => {}
        }
    }

    fn on_key(&mut self, key: KeyEvent, _: &mut Cx<'_>) {
        if !self.asking {
            self.form.key(key);
        }
    }

    fn on_paste(&mut self, text: &str, _: &mut Cx<'_>) {
        self.form.paste(text);
    }

    fn on_back(&mut self, cx: &mut Cx<'_>) -> bool {
        std::mem::take(&mut self.asking) || self.sending.holds_back(cx)
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        match self.sending.take(reply, cx) {
            Some(Ok(_)) => {
                cx.say(Tone::Fine, format!("{}: number set.", self.name));
                cx.want(Intent::Changed(Subject::Customer(self.customer)));
                cx.want(Intent::Done);
            }
            Some(Err(error)) => {
                if let Some(problem) = error.problem() {
                    self.form.refuse(problem.fields.clone());
                    self.version = problem.current.as_ref().and_then(|current| current["version"].as_i64()).or(self.version);
                }
                cx.say(Tone::Error, error.to_string());
            }
            None => {}
        }
    }

    fn draft(&self) -> Option<(String, Draft)> {
        Some((format!("number {}", self.customer), self.form.draft()))
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let inside = boxed(buffer, area, SIZE, &format!("Number of {}", cut(&self.name, 50, look)), look);
        self.form.view(Self::inside(area), buffer, shared);
        let note = match (self.asking, self.sending.is_waiting()) {
            (true, _) => Span::styled(format!(" {}", cut(&self.question(shared), usize::from(inside.width), look)), look.warning()),
            (_, true) => Span::styled(" Sending", look.quiet()),
            _ => Span::raw(""),
        };
        line(buffer, inside, 3, Line::from(note));
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        if self.asking { None } else { self.form.caret(Self::inside(area)) }
    }
}

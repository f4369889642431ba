//! A new customer (S3-7 … S3-12): the searched text is carried over; what
//! looks the same is shown before a second one is made.

use crossterm::event::KeyEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use crate::api::customer::{Customer, CustomerDetails, CustomerKind, NewCustomer};
use crate::api::operation::CreateCustomer;
use crate::api::page::Nothing;
use crate::client::Call;
use crate::tui::command::{Command, Place};
use crate::tui::draft::Draft;
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Intent, Layer, Subject, Tone};
use crate::tui::record::Record;
use crate::tui::sending::Sending;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField, boxed};

/// The form.
#[derive(Debug)]
pub(in crate::tui) struct CustomerForm {
    form: Form,
    /// The server showed a look-alike; saving the same again means it.
    confirmed: Option<Draft>,
    /// The text that was searched for: a draft belongs to it.
    searched: String,
    sending: Sending,
}

impl CustomerForm {
    /// With the name that was searched for.
    pub(in crate::tui) fn new(name: &str) -> Self {
        let form = Form::new(vec![
            FormField::new("name", "Company name", "required").with(name),
            FormField::new("number", "Customer #", "required: as in the business system"),
            FormField::new("address1", "Address", "street and number"),
            FormField::new("address2", "", "second line"),
            FormField::new("city", "City", ""),
            FormField::new("state", "State", "TX or Texas"),
            FormField::new("postal_code", "Postal code", ""),
            FormField::new("country", "Country", "US; empty for the shop's"),
            FormField::new("phone", "Telephone", "as you write it here, or with +"),
            FormField::new("extension", "Extension", "digits"),
            FormField::new("email", "E-mail", ""),
            FormField::new("fax", "Fax", ""),
            FormField::new("notes", "Notes", ""),
        ]);
        Self { form, confirmed: None, searched: name.to_owned(), sending: Sending::default() }
    }

    fn about(&self) -> String {
        format!("new customer {}", self.searched)
    }

    fn typed(&self) -> Draft {
        self.form.fields.iter().map(|field| (field.name.to_owned(), field.text.text().to_owned())).collect()
    }

    fn send(&mut self, cx: &mut Cx<'_>) {
        let some = |name: &str| self.form.some(name);
        let body = NewCustomer {
            name: self.form.text("name").to_owned(),
            number: some("number"),
            kind: CustomerKind::Local,
            shop: None,
            details: CustomerDetails {
                address1: some("address1"),
                address2: some("address2"),
                city: some("city"),
                state: some("state"),
                postal_code: some("postal_code"),
                country: some("country"),
                phone: some("phone"),
                extension: some("extension"),
                fax: some("fax"),
                email: some("email"),
                notes: some("notes"),
            },
            confirm_duplicate: self.confirmed.as_ref() == Some(&self.typed()),
        };
        self.sending.send(Call::of::<CreateCustomer>(&Nothing {}, &Nothing {}, &body), cx);
    }

    fn created(body: &[u8], cx: &mut Cx<'_>) {
        match serde_json::from_slice::<Customer>(body) {
            Ok(customer) => {
                cx.say(Tone::Fine, format!("{} was created.", customer.name));
                cx.want(Intent::Changed(Subject::Customer(customer.id)));
                cx.want(Intent::Done);
                cx.open(Record::customer(customer.id, customer.name));
            }
            Err(error) => cx.say(Tone::Error, format!("Saved, but the answer cannot be read: {error}")),
        }
    }

    fn inside(area: Rect) -> Rect {
        Rect { x: area.x + 2, y: area.y + 1, width: area.width.saturating_sub(4), height: area.height.saturating_sub(2) }
    }
}

impl Layer for CustomerForm {
    fn places(&self) -> Vec<Place> {
        vec![Place::Form]
    }

    fn title(&self) -> String {
        "New customer".to_owned()
    }

    fn wants_text(&self) -> bool {
        true
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        if let Some(draft) = cx.drafts.take(&self.about()) {
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
            Some(Ok(body)) => Self::created(body, cx),
            Some(Err(error)) => {
                if let Some(problem) = error.problem() {
                    self.form.refuse(problem.fields.clone());
                    if problem.code == "customer.duplicate" {
                        self.confirmed = Some(self.typed());
                        return cx.say(
                            Tone::Warning,
                            format!("{} Save again to save it all the same.", problem.detail.replace(" Open it, or save all the same.", "")),
                        );
                    }
                }
                cx.say(Tone::Error, error.to_string());
            }
            None => {}
        }
    }

    fn draft(&self) -> Option<(String, Draft)> {
        Some((self.about(), self.form.draft()))
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let title = if self.sending.is_waiting() { "New customer: sending" } else { "New customer" };
        boxed(buffer, area, (area.width, area.height), title, shared.look);
        self.form.view(Self::inside(area), buffer, shared);
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        self.form.caret(Self::inside(area))
    }
}

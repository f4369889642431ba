//! A customer: a new one (S3-7 … S3-12), with the searched text carried over and
//! what looks the same shown before a second one is made; or one that stands,
//! of which only what was changed is sent.

use serde_json::Value;

use super::conflict::in_history_of;
use super::form_layer::{FormLayer, Purpose};
use crate::api::customer::{Customer, CustomerChange, CustomerDetails, CustomerKind, CustomerMore, NewCustomer};
use crate::api::ids::CustomerId;
use crate::api::operation::{ChangeCustomer, CreateCustomer, OfCustomer};
use crate::api::page::Nothing;
use crate::api::problem::Problem;
use crate::client::Call;
use crate::tui::draft::Draft;
use crate::tui::layer::{Cx, Intent, Subject, Tone};
use crate::tui::posted::Posted;
use crate::tui::record::Record;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField, Said};

/// The form of a new customer.
#[derive(Debug)]
pub(in crate::tui) struct CustomerForm {
    /// The server showed a look-alike; saving the same again means it.
    confirmed: Option<Draft>,
    /// The text that was searched for: a draft belongs to it.
    searched: String,
}

impl CustomerForm {
    /// With the name that was searched for.
    pub(in crate::tui) fn layer(name: &str) -> FormLayer<Self> {
        let number = FormField::new("number", "Customer #", "required: as in the business system");
        let mut fields = vec![FormField::new("name", "Company name", "required").with(name), number];
        fields.extend(detail_fields());
        FormLayer::new(Self { confirmed: None, searched: name.to_owned() }, Form::new(fields))
    }

    fn posted_as(&self) -> Posted {
        Posted::Customer { searched: self.searched.clone() }
    }
}

/// What is asked of a customer beside name and number.
fn detail_fields() -> [FormField; 11] {
    [
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
    ]
}

/// The details that the fields say.
fn details(some: impl Fn(&str) -> Option<String>) -> CustomerDetails {
    CustomerDetails {
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
    }
}

impl Purpose for CustomerForm {
    fn title(&self) -> String {
        "New customer".to_owned()
    }

    fn about(&self) -> Option<String> {
        Some(self.posted_as().about())
    }

    fn is_whole(&self) -> bool {
        true
    }

    fn call(&self, form: &Form, shared: &Shared) -> Result<Call, Vec<(&'static str, String)>> {
        let body = NewCustomer {
            name: form.text("name").to_owned(),
            number: form.some("number"),
            kind: CustomerKind::Local,
            // Sent later one may be at work in another shop.
            shop: shared.session.as_ref().and_then(|session| session.shop.as_ref()).map(|shop| shop.shop.code.clone()),
            details: details(|name| form.some(name)),
            confirm_duplicate: self.confirmed.as_ref() == Some(&form.typed()),
        };
        Ok(Call::of::<CreateCustomer>(&Nothing {}, &Nothing {}, &body))
    }

    fn posted(&self, form: &Form) -> Option<(Posted, String)> {
        Some((self.posted_as(), format!("New customer {}", form.text("name"))))
    }

    fn taken(&mut self, answer: &[u8], cx: &mut Cx<'_>) {
        match serde_json::from_slice::<Customer>(answer) {
            Ok(customer) => {
                cx.say(Tone::Fine, format!("{} was created.", customer.name));
                cx.want(Intent::Changed(Subject::Customer(customer.id)));
                cx.want(Intent::Done);
                cx.open(Record::customer(customer.id, customer.name));
            }
            Err(error) => cx.say(Tone::Error, format!("Saved, but the answer cannot be read: {error}")),
        }
    }

    fn refused(&mut self, problem: &Problem, form: &mut Form) -> Option<(Tone, String)> {
        if problem.code != "customer.duplicate" {
            return None;
        }
        self.confirmed = Some(form.typed());
        let shown = problem.detail.replace(" Open it, or save all the same.", "");
        Some((Tone::Warning, format!("{shown} Save again to save it all the same.")))
    }
}

/// The form of a customer that stands.
#[derive(Debug)]
pub(in crate::tui) struct CustomerChangeForm {
    id: CustomerId,
    name: String,
    version: i64,
}

impl CustomerChangeForm {
    /// For a customer that is shown in full.
    pub(in crate::tui) fn layer(customer: &Customer, more: &CustomerMore) -> FormLayer<Self> {
        let said = said(customer, more);
        let mut fields = vec![FormField::new("name", "Company name", "required")];
        fields.extend(detail_fields());
        let filled = fields.into_iter().map(|field| match said.iter().find(|(name, _)| *name == field.name) {
            Some((_, text)) => field.with(text),
            None => field,
        });
        let form = Form::new(filled.collect());
        FormLayer::new(Self { id: customer.id, name: customer.name.clone(), version: more.version }, form).of_record(true)
    }
}

/// A customer as the fields say it.
fn said(customer: &Customer, more: &CustomerMore) -> Said {
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        ("name", customer.name.clone()),
        ("address1", some(&more.address1)),
        ("address2", some(&more.address2)),
        ("city", some(&customer.city)),
        ("state", some(&more.state)),
        ("postal_code", some(&more.postal_code)),
        ("country", some(&more.country)),
        ("phone", some(&customer.phone)),
        ("extension", some(&more.extension)),
        ("email", some(&more.email)),
        ("fax", some(&more.fax)),
        ("notes", some(&more.notes)),
    ]
}

impl Purpose for CustomerChangeForm {
    fn title(&self) -> String {
        format!("Customer {}", self.name)
    }

    fn about(&self) -> Option<String> {
        Some(format!("customer {}", self.id))
    }

    fn is_whole(&self) -> bool {
        true
    }

    fn note(&self) -> &'static str {
        "Only what you change is sent. The number has a key of its own."
    }

    fn call(&self, form: &Form, _: &Shared) -> Result<Call, Vec<(&'static str, String)>> {
        let changed = |name: &str| form.changed(name).map(str::to_owned);
        let body = CustomerChange { name: changed("name"), details: details(changed) };
        Ok(Call::of::<ChangeCustomer>(&OfCustomer { id: self.id }, &Nothing {}, &body).if_match(self.version))
    }

    fn taken(&mut self, answer: &[u8], cx: &mut Cx<'_>) {
        match serde_json::from_slice::<Customer>(answer) {
            Ok(customer) => cx.say(Tone::Fine, format!("{} was saved.", customer.name)),
            Err(error) => cx.say(Tone::Error, format!("Saved, but the answer cannot be read: {error}")),
        }
        cx.want(Intent::Changed(Subject::Customer(self.id)));
        cx.want(Intent::Done);
    }

    fn renewed(&mut self, current: Value) -> Option<Said> {
        let now: Customer = serde_json::from_value(current).ok()?;
        let more = now.more.as_ref()?;
        self.version = more.version;
        Some(said(&now, more))
    }

    fn subject(&self) -> Option<Subject> {
        Some(Subject::Customer(self.id))
    }

    fn history(&self) -> Option<(Call, String)> {
        Some(in_history_of(self.id, self.id))
    }
}

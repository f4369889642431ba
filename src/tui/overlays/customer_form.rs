//! A new customer (S3-7 … S3-12): the searched text is carried over; what
//! looks the same is shown before a second one is made.

use super::form_layer::{FormLayer, Purpose};
use crate::api::customer::{Customer, CustomerDetails, CustomerKind, NewCustomer};
use crate::api::operation::CreateCustomer;
use crate::api::page::Nothing;
use crate::api::problem::Problem;
use crate::client::Call;
use crate::tui::draft::Draft;
use crate::tui::layer::{Cx, Intent, Subject, Tone};
use crate::tui::posted::Posted;
use crate::tui::record::Record;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField};

/// The form.
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
        FormLayer::new(Self { confirmed: None, searched: name.to_owned() }, form)
    }

    fn posted_as(&self) -> Posted {
        Posted::Customer { searched: self.searched.clone() }
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
        let some = |name: &str| form.some(name);
        let body = NewCustomer {
            name: form.text("name").to_owned(),
            number: some("number"),
            kind: CustomerKind::Local,
            // Sent later one may be at work in another shop.
            shop: shared.session.as_ref().and_then(|session| session.shop.as_ref()).map(|shop| shop.shop.code.clone()),
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

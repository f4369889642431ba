//! The customer's number in the dealer's business system (S3-23, S3-24):
//! number, Enter, and a `y` that it is really meant.

use super::form_layer::{FormLayer, Purpose};
use crate::api::customer::{Customer, NumberChange};
use crate::api::ids::CustomerId;
use crate::api::operation::{OfCustomer, SetCustomerNumber};
use crate::api::page::Nothing;
use crate::api::problem::Problem;
use crate::client::Call;
use crate::tui::layer::{Cx, Intent, Subject, Tone};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField};

/// Asks for the number, then whether it is meant.
#[derive(Debug)]
pub(in crate::tui) struct NumberForm {
    customer: CustomerId,
    name: String,
    version: Option<i64>,
}

impl NumberForm {
    /// For a customer, with the number it has here.
    pub(in crate::tui) fn layer(customer: CustomerId, name: &str, known: Option<&Customer>, here: Option<String>) -> FormLayer<Self> {
        let version = known.and_then(|known| known.more.as_ref()).map(|more| more.version);
        let field = FormField::new("number", "Customer #", "as in the business system").with(here.as_deref().unwrap_or_default()).replaced_by_typing();
        FormLayer::new(Self { customer, name: name.to_owned(), version }, Form::new(vec![field]))
    }
}

impl Purpose for NumberForm {
    fn title(&self) -> String {
        format!("Number of {}", self.name)
    }

    fn about(&self) -> Option<String> {
        Some(format!("number {}", self.customer))
    }

    fn question(&self, form: &Form, shared: &Shared) -> Option<String> {
        let shop = shared.session.as_ref().and_then(|session| session.shop.as_ref()).map_or("this shop", |shop| shop.shop.name.as_str());
        Some(match form.some("number") {
            Some(number) => format!("Set #{number} for {} at {shop}? Press y.", self.name),
            None => format!("Clear the number of {} at {shop}? Press y.", self.name),
        })
    }

    fn call(&self, form: &Form, _: &Shared) -> Result<Call, Vec<(&'static str, String)>> {
        let body = NumberChange { shop: None, number: form.some("number") };
        let call = Call::of::<SetCustomerNumber>(&OfCustomer { id: self.customer }, &Nothing {}, &body);
        Ok(match self.version {
            Some(version) => call.if_match(version),
            None => call,
        })
    }

    fn taken(&mut self, _: &[u8], cx: &mut Cx<'_>) {
        cx.say(Tone::Fine, format!("{}: number set.", self.name));
        cx.want(Intent::Changed(Subject::Customer(self.customer)));
        cx.want(Intent::Done);
    }

    fn refused(&mut self, problem: &Problem, _: &mut Form) -> Option<(Tone, String)> {
        self.version = problem.current.as_ref().and_then(|current| current["version"].as_i64()).or(self.version);
        None
    }
}

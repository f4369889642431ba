//! The customer's number in the dealer's business system (S3-23, S3-24):
//! number, Enter, and a `y` that it is really meant.

use serde_json::Value;

use super::conflict::in_history_of;
use super::form_layer::{FormLayer, Purpose};
use crate::api::customer::{Customer, NumberChange};
use crate::api::ids::{CustomerId, ShopId};
use crate::api::operation::{OfCustomer, SetCustomerNumber};
use crate::api::page::Nothing;
use crate::client::Call;
use crate::tui::layer::{Cx, Intent, Subject, Tone};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField, Said};

/// Asks for the number, then whether it is meant.
#[derive(Debug)]
pub(in crate::tui) struct NumberForm {
    customer: CustomerId,
    name: String,
    /// Where the number counts.
    shop: Option<ShopId>,
    version: Option<i64>,
}

impl NumberForm {
    /// For a customer, with the number it has at this shop.
    pub(in crate::tui) fn layer(customer: CustomerId, name: &str, known: Option<&Customer>, shop: Option<ShopId>) -> FormLayer<Self> {
        let more = known.and_then(|known| known.more.as_ref());
        let here = more.and_then(|more| more.number_at(shop)).unwrap_or_default();
        let field = FormField::new("number", "Customer #", "as in the business system").with(here).replaced_by_typing();
        let form = Self { customer, name: name.to_owned(), shop, version: more.map(|more| more.version) };
        FormLayer::new(form, Form::new(vec![field])).of_record(true)
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

    fn renewed(&mut self, current: Value) -> Option<Said> {
        let now = serde_json::from_value::<Customer>(current).ok()?.more?;
        self.version = Some(now.version);
        Some(vec![("number", now.number_at(self.shop).unwrap_or_default().to_owned())])
    }

    fn subject(&self) -> Option<Subject> {
        Some(Subject::Customer(self.customer))
    }

    fn history(&self) -> Option<(Call, String)> {
        Some(in_history_of(self.customer, self.customer))
    }
}

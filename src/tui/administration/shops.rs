//! Section 4: the shops.

use serde_json::Value;

use super::fields::{Faults, asks_yes_no, is_yes, saved, yes_no};
use super::records::{Columns, Listed};
use crate::api::operation::{ChangeShop, CreateShop, ListShops, OfShop};
use crate::api::page::{Nothing, PageQuery};
use crate::api::place::{NewShop, Shop, ShopChange};
use crate::client::Call;
use crate::tui::command::{Command, Office, Place};
use crate::tui::layer::Cx;
use crate::tui::overlays::{FormLayer, Purpose};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField, Said};

impl Listed for Shop {
    const PLACES: &'static [Place] = &[Place::Office(Office::Shops), Place::List, Place::Rows];
    const COLUMNS: Columns = &[("Code", 8), ("Name", 26), ("Time zone", 22), ("Country", 7), ("Takes requests", 0)];
    const EMPTY: &'static str = "No shops yet.";

    fn list(page: PageQuery) -> Call {
        Call::of::<ListShops>(&Nothing {}, &page, &Nothing {})
    }

    fn texts(&self) -> Vec<String> {
        vec![self.code.clone(), self.name.clone(), self.time_zone.clone(), self.country.clone(), yes_no(self.accepts_requests).to_owned()]
    }

    fn copied(&self) -> String {
        self.code.clone()
    }

    fn open(&self, cx: &mut Cx<'_>) {
        cx.open(ShopForm::layer(Some(self), cx.shared));
    }

    fn command(_: Option<&Self>, command: &'static Command, cx: &mut Cx<'_>) -> bool {
        let is_new = command.id == "shop.new";
        if is_new {
            cx.open(ShopForm::layer(None, cx.shared));
        }
        is_new
    }
}

/// A new shop, or the one to change.
#[derive(Debug)]
struct ShopForm {
    present: Option<Shop>,
}

impl ShopForm {
    /// A new shop most often stands in the same zone and country as this one.
    fn layer(present: Option<&Shop>, shared: &Shared) -> FormLayer<Self> {
        let here = shared.session.as_ref().and_then(|session| session.shop.as_ref());
        let (zone, country) = match (present, here) {
            (Some(present), _) => (present.time_zone.as_str(), present.country.as_str()),
            (None, Some(here)) => (here.time_zone.as_str(), here.country.as_str()),
            (None, None) => ("", ""),
        };
        let mut fields = vec![
            FormField::new("name", "Name", "required").with(present.map_or("", |present| &present.name)),
            FormField::new("time_zone", "Time zone", "a name such as America/Los_Angeles").with(zone),
            FormField::new("country", "Country", "US, or its name").with(country),
        ];
        match present {
            None => fields.insert(0, FormField::new("code", "Code", "required, and not to be changed later")),
            Some(present) => fields.push(asks_yes_no("accepts_requests", "Takes requests", "yes or no: for service", present.accepts_requests)),
        }
        FormLayer::new(Self { present: present.cloned() }, Form::new(fields)).of_record(present.is_some())
    }
}

/// A shop as the fields say it.
fn said(shop: &Shop) -> Said {
    vec![
        ("name", shop.name.clone()),
        ("time_zone", shop.time_zone.clone()),
        ("country", shop.country.clone()),
        ("accepts_requests", yes_no(shop.accepts_requests).to_owned()),
    ]
}

impl Purpose for ShopForm {
    fn title(&self) -> String {
        self.present.as_ref().map_or_else(|| "New shop".to_owned(), |present| format!("Shop {}", present.code))
    }

    fn about(&self) -> Option<String> {
        Some(self.present.as_ref().map_or_else(|| "new shop".to_owned(), |present| format!("shop {}", present.id)))
    }

    fn call(&self, form: &Form, _: &Shared) -> Result<Call, Faults> {
        let text = |name: &str| form.text(name).to_owned();
        Ok(match &self.present {
            None => {
                let body = NewShop { code: text("code"), name: text("name"), time_zone: text("time_zone"), country: text("country") };
                Call::of::<CreateShop>(&Nothing {}, &Nothing {}, &body)
            }
            Some(present) => {
                let body = ShopChange {
                    name: Some(text("name")),
                    time_zone: Some(text("time_zone")),
                    country: Some(text("country")),
                    accepts_requests: Some(is_yes(form, "accepts_requests")?),
                };
                Call::of::<ChangeShop>(&OfShop { id: present.id }, &Nothing {}, &body).if_match(present.version)
            }
        })
    }

    fn taken(&mut self, _: &[u8], cx: &mut Cx<'_>) {
        saved(cx, format!("{}: saved.", self.title()));
    }

    fn renewed(&mut self, current: Value) -> Option<Said> {
        let now = self.present.as_mut()?;
        *now = serde_json::from_value(current).ok()?;
        Some(said(now))
    }
}

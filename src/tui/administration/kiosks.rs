//! Section 6: the workshop terminals. A new one is not made here: its token
//! has to get to the workstation, so that is where it is enrolled.

use serde_json::Value;

use super::fields::{Faults, asks_yes_no, is_yes, saved, yes_no};
use super::records::{Columns, Listed};
use crate::api::operation::{ChangeKiosk, ListKiosks, OfKiosk};
use crate::api::page::{Nothing, PageQuery};
use crate::api::portal::{Kiosk, KioskChange};
use crate::client::Call;
use crate::tui::command::Place;
use crate::tui::layer::Cx;
use crate::tui::overlays::{FormLayer, Purpose};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField, Said};

impl Listed for Kiosk {
    const PLACES: &'static [Place] = &[Place::List, Place::Rows];
    const COLUMNS: Columns = &[("Terminal", 24), ("Shop", 20), ("Forgets after", 13), ("Sign-in", 7), ("Active", 6), ("May", 0)];
    const EMPTY: &'static str = "No workshop terminals yet. A new one is enrolled at the workstation itself, by countertop kiosk enrol.";
    const NOTE: &'static str = "A new one is enrolled at the workstation itself, by countertop kiosk enrol.";

    fn list(_: PageQuery) -> Call {
        Call::of::<ListKiosks>(&Nothing {}, &Nothing {}, &Nothing {})
    }

    fn texts(&self) -> Vec<String> {
        vec![
            self.label.clone(),
            self.shop.name.clone(),
            format!("{} s", self.idle_seconds),
            yes_no(self.login_required).to_owned(),
            yes_no(self.active).to_owned(),
            self.allowed_actions.len().to_string(),
        ]
    }

    fn copied(&self) -> String {
        self.label.clone()
    }

    fn is_quiet(&self) -> bool {
        !self.active
    }

    fn open(&self, cx: &mut Cx<'_>) {
        cx.open(KioskForm::layer(self));
    }
}

/// The terminal to change.
#[derive(Debug)]
struct KioskForm {
    kiosk: Kiosk,
}

impl KioskForm {
    fn layer(kiosk: &Kiosk) -> FormLayer<Self> {
        let form = Form::new(vec![
            asks_yes_no("login_required", "Sign-in", "yes or no: somebody has to sign in at it", kiosk.login_required),
            FormField::new("idle_seconds", "Forgets after", "10 to 3600 seconds").with(&kiosk.idle_seconds.to_string()).replaced_by_typing(),
            asks_yes_no("active", "Active", "yes or no: no shuts it out at once", kiosk.active),
        ]);
        FormLayer::new(Self { kiosk: kiosk.clone() }, form).of_record(true)
    }
}

/// A terminal as the fields say it.
fn said(kiosk: &Kiosk) -> Said {
    vec![
        ("login_required", yes_no(kiosk.login_required).to_owned()),
        ("idle_seconds", kiosk.idle_seconds.to_string()),
        ("active", yes_no(kiosk.active).to_owned()),
    ]
}

impl Purpose for KioskForm {
    fn title(&self) -> String {
        self.kiosk.label.clone()
    }

    fn about(&self) -> Option<String> {
        Some(format!("workshop terminal {}", self.kiosk.id))
    }

    fn note(&self) -> &'static str {
        "Whatever is changed here begins its session anew."
    }

    fn call(&self, form: &Form, _: &Shared) -> Result<Call, Faults> {
        let seconds = form.text("idle_seconds").trim().parse::<i64>();
        let body = KioskChange {
            login_required: Some(is_yes(form, "login_required")?),
            idle_seconds: Some(seconds.map_err(|_| vec![("idle_seconds", "Write whole seconds, 10 to 3600.".to_owned())])?),
            allowed_actions: None,
            active: Some(is_yes(form, "active")?),
        };
        Ok(Call::of::<ChangeKiosk>(&OfKiosk { id: self.kiosk.id }, &Nothing {}, &body).if_match(self.kiosk.version))
    }

    fn taken(&mut self, _: &[u8], cx: &mut Cx<'_>) {
        saved(cx, format!("{}: saved.", self.kiosk.label));
    }

    fn renewed(&mut self, current: Value) -> Option<Said> {
        self.kiosk = serde_json::from_value(current).ok()?;
        Some(said(&self.kiosk))
    }
}

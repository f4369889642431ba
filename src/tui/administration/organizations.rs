//! Section 3: the owners of machines, and whether portals see them (S2-3).

use serde_json::Value;

use super::fields::{Faults, asks_yes_no, is_yes, saved, yes_no};
use super::records::{Columns, Listed};
use crate::api::operation::{ChangeOrganization, CreateOrganization, ListOrganizations, OfOrganization};
use crate::api::page::{Nothing, PageQuery};
use crate::api::place::{NewOrganization, Organization, OrganizationChange};
use crate::client::Call;
use crate::tui::command::{Command, Office, Place};
use crate::tui::layer::Cx;
use crate::tui::overlays::{FormLayer, Purpose};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField, Said};

impl Listed for Organization {
    const PLACES: &'static [Place] = &[Place::Office(Office::Organizations), Place::List, Place::Rows];
    const COLUMNS: Columns = &[("Code", 14), ("Name", 28), ("Customer", 26), ("Portal", 0)];
    const EMPTY: &'static str = "No organizations yet.";

    fn list(page: PageQuery) -> Call {
        Call::of::<ListOrganizations>(&Nothing {}, &page, &Nothing {})
    }

    fn texts(&self) -> Vec<String> {
        let customer = self.customer.as_ref().map(|customer| customer.name.clone()).unwrap_or_default();
        vec![self.code.clone(), self.name.clone(), customer, yes_no(self.portal_enabled).to_owned()]
    }

    fn copied(&self) -> String {
        self.code.clone()
    }

    fn open(&self, cx: &mut Cx<'_>) {
        cx.open(OrganizationForm::layer(Some(self)));
    }

    fn command(_: Option<&Self>, command: &'static Command, cx: &mut Cx<'_>) -> bool {
        let is_new = command.id == "organization.new";
        if is_new {
            cx.open(OrganizationForm::layer(None));
        }
        is_new
    }
}

/// A new organization, or the one to change.
#[derive(Debug)]
struct OrganizationForm {
    present: Option<Organization>,
}

impl OrganizationForm {
    fn layer(present: Option<&Organization>) -> FormLayer<Self> {
        let name = FormField::new("name", "Name", "required").with(present.map_or("", |present| &present.name));
        let portal = asks_yes_no("portal_enabled", "Portal", "yes or no: its people see its machines", present.is_none_or(|present| present.portal_enabled));
        let mut fields = vec![name, portal];
        if present.is_none() {
            fields.insert(0, FormField::new("code", "Code", "required, and not to be changed later"));
        }
        FormLayer::new(Self { present: present.cloned() }, Form::new(fields)).of_record(present.is_some())
    }
}

/// An organization as the fields say it.
fn said(organization: &Organization) -> Said {
    vec![("name", organization.name.clone()), ("portal_enabled", yes_no(organization.portal_enabled).to_owned())]
}

impl Purpose for OrganizationForm {
    fn title(&self) -> String {
        self.present.as_ref().map_or_else(|| "New organization".to_owned(), |present| format!("Organization {}", present.code))
    }

    fn about(&self) -> Option<String> {
        Some(self.present.as_ref().map_or_else(|| "new organization".to_owned(), |present| format!("organization {}", present.id)))
    }

    fn call(&self, form: &Form, _: &Shared) -> Result<Call, Faults> {
        let (name, portal) = (form.text("name").to_owned(), is_yes(form, "portal_enabled")?);
        Ok(match &self.present {
            None => {
                let body = NewOrganization { code: form.text("code").to_owned(), name, customer: None, portal_enabled: Some(portal) };
                Call::of::<CreateOrganization>(&Nothing {}, &Nothing {}, &body)
            }
            Some(present) => {
                let body = OrganizationChange { name: Some(name), customer: None, portal_enabled: Some(portal) };
                Call::of::<ChangeOrganization>(&OfOrganization { id: present.id }, &Nothing {}, &body).if_match(present.version)
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

//! Section 2: the roles, those that ship and the dealer's own copies.

use super::fields::{Faults, in_words, saved};
use super::records::{Columns, Listed};
use super::role_page::RolePage;
use crate::api::operation::{CopyRole, ListRoles};
use crate::api::page::{Nothing, PageQuery};
use crate::api::people::{NewRole, RoleView};
use crate::client::Call;
use crate::tui::command::{Command, Office, Place};
use crate::tui::layer::{Cx, Tone};
use crate::tui::overlays::{FormLayer, Purpose};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField};

impl Listed for RoleView {
    const PLACES: &'static [Place] = &[Place::Office(Office::Roles), Place::List, Place::Rows];
    const COLUMNS: Columns = &[("Role", 24), ("Key", 21), ("Origin", 22), ("Grants", 0)];
    const EMPTY: &'static str = "No roles.";

    fn list(_: PageQuery) -> Call {
        Call::of::<ListRoles>(&Nothing {}, &Nothing {}, &Nothing {})
    }

    fn texts(&self) -> Vec<String> {
        vec![self.name.clone(), self.key.clone(), origin(self), self.permissions.len().to_string()]
    }

    fn copied(&self) -> String {
        self.key.clone()
    }

    fn open(&self, cx: &mut Cx<'_>) {
        cx.open(RolePage::new(self.clone()));
    }

    fn command(marked: Option<&Self>, command: &'static Command, cx: &mut Cx<'_>) -> bool {
        match (command.id, marked) {
            ("role.copy", Some(role)) => cx.open(CopyForm::layer(role)),
            ("role.copy", None) => {}
            _ => return false,
        }
        true
    }
}

/// Whether it ships, or what it was copied from.
pub(super) fn origin(role: &RoleView) -> String {
    match &role.copied_from {
        Some(from) => format!("copy of {}", in_words(from)),
        None => "ships".to_owned(),
    }
}

/// Asks what a copy is called.
#[derive(Debug)]
pub(super) struct CopyForm {
    copy_of: String,
    name: String,
}

impl CopyForm {
    /// Of a role.
    pub(super) fn layer(role: &RoleView) -> FormLayer<Self> {
        let form = Form::new(vec![
            FormField::new("key", "Key", "required: small letters, digits and underscores"),
            FormField::new("name", "Name", "required: as people say it"),
        ]);
        FormLayer::new(Self { copy_of: role.key.clone(), name: role.name.clone() }, form)
    }
}

impl Purpose for CopyForm {
    fn title(&self) -> String {
        format!("A copy of {}", self.name)
    }

    fn about(&self) -> Option<String> {
        Some(format!("copy of {}", self.copy_of))
    }

    fn note(&self) -> &'static str {
        "It grants the same until you edit it."
    }

    fn call(&self, form: &Form, _: &Shared) -> Result<Call, Faults> {
        let body = NewRole { copy_of: self.copy_of.clone(), key: form.text("key").trim().to_owned(), name: form.text("name").to_owned() };
        Ok(Call::of::<CopyRole>(&Nothing {}, &Nothing {}, &body))
    }

    fn taken(&mut self, answer: &[u8], cx: &mut Cx<'_>) {
        match serde_json::from_slice::<RoleView>(answer) {
            Ok(role) => {
                saved(cx, format!("{} was made.", role.name));
                cx.open(RolePage::new(role));
            }
            Err(error) => cx.say(Tone::Error, format!("Saved, but the answer cannot be read: {error}")),
        }
    }
}

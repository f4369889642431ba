//! A role for a user: where, and from when to when (I-1).

use super::fields::{Faults, day, here, saved};
use crate::api::ids::UserId;
use crate::api::operation::{GiveGrant, OfUser};
use crate::api::page::Nothing;
use crate::api::people::{Domain, GrantScope, NewGrant, ScopeKind};
use crate::api::session::UserKind;
use crate::client::Call;
use crate::tui::layer::Cx;
use crate::tui::overlays::{FormLayer, Purpose};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField};

/// Asks for role, scope and time.
#[derive(Debug)]
pub(super) struct GrantForm {
    user: UserId,
    username: String,
}

impl GrantForm {
    /// For a user; most roles are given at the shop one works in, those of a
    /// customer's people at their customer.
    pub(super) fn layer(user: UserId, username: &str, kind: UserKind, shared: &Shared) -> FormLayer<Self> {
        let (place, which) = if kind == UserKind::Customer { ("customer", "") } else { ("shop", here(shared)) };
        let form = Form::new(vec![
            FormField::new("role", "Role", "required: such as counter staff, or a copy's key"),
            FormField::new("kind", "Where", "shop, organization, customer or everywhere").with(place).replaced_by_typing(),
            FormField::new("scope", "Which one", "its code, or the customer's number").with(which).replaced_by_typing(),
            FormField::new("domains", "Only", "empty for all, or such as assets, setup"),
            FormField::new("from", "First day", "empty for at once, or 2026-12-01"),
            FormField::new("to", "Last day", "empty for until it is taken, or 2026-12-31"),
        ]);
        FormLayer::new(Self { user, username: username.to_owned() }, form)
    }
}

/// `everywhere` has no record that it is limited to.
fn scope(form: &Form) -> Result<GrantScope, Faults> {
    let kind = match form.text("kind").trim().to_lowercase().as_str() {
        "everywhere" => ScopeKind::Deployment,
        word => ScopeKind::named(word).ok_or_else(|| vec![("kind", "Write shop, organization, customer or everywhere.".to_owned())])?,
    };
    Ok(GrantScope { kind, id: form.some("scope").filter(|_| kind != ScopeKind::Deployment), name: None })
}

fn domains(form: &Form) -> Result<Vec<Domain>, Faults> {
    let known = || Domain::ALL.iter().map(|domain| domain.name()).collect::<Vec<_>>().join(", ");
    let text = form.text("domains").to_lowercase();
    let words = text.split([' ', ',']).filter(|word| !word.is_empty());
    words.map(|word| Domain::named(word).ok_or_else(|| vec![("domains", format!("{word} is none of: {}.", known()))])).collect()
}

impl Purpose for GrantForm {
    fn title(&self) -> String {
        format!("A role for {}", self.username)
    }

    fn about(&self) -> Option<String> {
        Some(format!("grant {}", self.user))
    }

    fn note(&self) -> &'static str {
        "It counts from the next thing this user does."
    }

    fn call(&self, form: &Form, shared: &Shared) -> Result<Call, Faults> {
        let role = form.some("role").ok_or_else(|| vec![("role", "Say which role.".to_owned())])?;
        let body = NewGrant {
            // Counter staff, as people say it, is counter_staff.
            role: role.to_lowercase().replace(' ', "_"),
            scope: scope(form)?,
            domains: domains(form)?,
            from: day(form, "from", false, shared)?,
            to: day(form, "to", true, shared)?,
        };
        Ok(Call::of::<GiveGrant>(&OfUser { id: self.user }, &Nothing {}, &body))
    }

    fn taken(&mut self, _: &[u8], cx: &mut Cx<'_>) {
        saved(cx, format!("{} has this role now.", self.username));
    }
}

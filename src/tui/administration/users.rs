//! Section 1: the users, and the form for a new one.

use super::account::AccountPage;
use super::account_form::person_fields;
use super::fields::{Faults, here, in_words, saved};
use super::records::{Columns, Listed};
use crate::api::access_level::AccessLevel;
use crate::api::contact::{PlatformRole, PortalRight};
use crate::api::operation::{CreateUser, ListUsers};
use crate::api::page::{Nothing, PageQuery};
use crate::api::people::{Account, AccountContact, AccountDetails, NewAccount, UserState};
use crate::api::session::UserKind;
use crate::client::Call;
use crate::tui::command::{Command, Office, Place};
use crate::tui::layer::{Cx, Tone};
use crate::tui::overlays::{FormLayer, Purpose};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField};

impl Listed for Account {
    const PLACES: &'static [Place] = &[Place::Office(Office::Users), Place::List, Place::Rows];
    const COLUMNS: Columns = &[("User name", 14), ("Name", 17), ("Kind", 8), ("State", 8), ("Shop", 6), ("Roles", 0)];
    const EMPTY: &'static str = "No users within your reach.";

    fn list(page: PageQuery) -> Call {
        Call::of::<ListUsers>(&Nothing {}, &page, &Nothing {})
    }

    fn texts(&self) -> Vec<String> {
        let mut roles: Vec<String> = self.grants.iter().map(|grant| in_words(&grant.role)).collect();
        roles.dedup();
        roles.extend(self.contacts.iter().map(powers));
        vec![
            self.username.clone(),
            person(self),
            kind_in_words(self.kind).to_owned(),
            self.state.in_words(),
            self.shop.as_ref().map(|shop| shop.code.clone()).unwrap_or_default(),
            roles.join(", "),
        ]
    }

    fn copied(&self) -> String {
        self.username.clone()
    }

    fn is_quiet(&self) -> bool {
        self.state != UserState::Active
    }

    fn open(&self, cx: &mut Cx<'_>) {
        cx.open(AccountPage::new(self.id, &self.username));
    }

    fn command(_: Option<&Self>, command: &'static Command, cx: &mut Cx<'_>) -> bool {
        let is_new = command.id == "user.new";
        if is_new {
            cx.open(UserForm::layer(cx.shared));
        }
        is_new
    }
}

/// First and last name.
pub(super) fn person(account: &Account) -> String {
    format!("{} {}", account.first, account.last).trim().to_owned()
}

/// Whether a contact lets anybody in (C-4).
fn gets_in(contact: &AccountContact) -> bool {
    contact.active && contact.access_level != AccessLevel::None
}

/// Whether somebody is a contact only where nobody gets in: no password helps.
pub(super) fn is_shut_out(account: &Account) -> bool {
    !account.contacts.is_empty() && !account.contacts.iter().any(gets_in)
}

/// What a contact has by itself: its right and role under its level, or what the
/// level gives alone (3.1).
pub(super) fn powers(contact: &AccountContact) -> String {
    if !contact.active {
        return "taken out".to_owned();
    }
    if !gets_in(contact) {
        return "no access".to_owned();
    }
    let right = (contact.right != PortalRight::None).then(|| contact.right.in_words());
    let platform = (contact.platform_role != PlatformRole::None).then(|| contact.platform_role.in_words());
    let all: Vec<String> = right.into_iter().chain(platform).chain([contact.access_level.in_words()]).collect();
    all.join(", ")
}

/// What sort of user it is.
pub(super) const fn kind_in_words(kind: UserKind) -> &'static str {
    match kind {
        UserKind::Staff => "staff",
        UserKind::Customer => "customer",
        UserKind::ServiceAccount => "program",
        UserKind::Kiosk => "terminal",
    }
}

/// Asks who it is. What it may do is given afterwards.
#[derive(Debug)]
struct UserForm;

impl UserForm {
    fn layer(shared: &Shared) -> FormLayer<Self> {
        let mut fields = vec![
            FormField::new("username", "User name", "required: 3 to 60 characters without spaces"),
            FormField::new("kind", "Kind", "staff, customer or program").with("staff").replaced_by_typing(),
        ];
        // Most are hired where one works oneself.
        let person = person_fields().into_iter().map(|field| if field.name == "shop" { field.with(here(shared)).replaced_by_typing() } else { field });
        fields.extend(person);
        FormLayer::new(Self, Form::new(fields))
    }
}

impl Purpose for UserForm {
    fn title(&self) -> String {
        "New user".to_owned()
    }

    fn about(&self) -> Option<String> {
        Some("new user".to_owned())
    }

    fn note(&self) -> &'static str {
        "Nobody gets in before a role and a password are given."
    }

    fn call(&self, form: &Form, _: &Shared) -> Result<Call, Faults> {
        let kind = match form.text("kind").trim().to_lowercase().as_str() {
            "staff" => UserKind::Staff,
            "customer" => UserKind::Customer,
            "program" => UserKind::ServiceAccount,
            _ => return Err(vec![("kind", "Write staff, customer or program.".to_owned())]),
        };
        let details = AccountDetails {
            first: form.some("first"),
            // Sent though it is empty: then the refusal stands beside it.
            last: Some(form.text("last").to_owned()),
            email: form.some("email"),
            phone: form.some("phone"),
            shop: form.some("shop"),
            state: None,
        };
        let body = NewAccount { username: form.text("username").trim().to_owned(), kind, details };
        Ok(Call::of::<CreateUser>(&Nothing {}, &Nothing {}, &body))
    }

    fn taken(&mut self, answer: &[u8], cx: &mut Cx<'_>) {
        match serde_json::from_slice::<Account>(answer) {
            Ok(account) => {
                saved(cx, format!("{} was added. Now a role and a password.", account.username));
                cx.open(AccountPage::new(account.id, &account.username));
            }
            Err(error) => cx.say(Tone::Error, format!("Saved, but the answer cannot be read: {error}")),
        }
    }
}

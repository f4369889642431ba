//! The form of a user that stands: name, mail, telephone and shop are put right
//! here, and only what was changed is sent. A new user is asked the same.

use serde_json::Value;

use super::fields::{Faults, saved};
use crate::api::ids::UserId;
use crate::api::operation::{ChangeUser, OfUser};
use crate::api::page::Nothing;
use crate::api::people::{Account, AccountChange, AccountDetails};
use crate::client::Call;
use crate::tui::layer::Cx;
use crate::tui::overlays::{FormLayer, Purpose, in_history_of_user};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField, Said};

/// What is asked of every user beside its name and kind.
pub(super) fn person_fields() -> [FormField; 5] {
    [
        FormField::new("first", "First name", ""),
        FormField::new("last", "Last name", "required"),
        FormField::new("email", "E-mail", ""),
        FormField::new("phone", "Telephone", "as you write it here, or with +"),
        FormField::new("shop", "Shop", "the code of the shop they belong to"),
    ]
}

/// Changes a user.
#[derive(Debug)]
pub(super) struct AccountForm {
    id: UserId,
    username: String,
    version: i64,
}

impl AccountForm {
    /// For a user as the server told of it last.
    pub(super) fn layer(account: &Account) -> FormLayer<Self> {
        let said = said(account);
        let filled = person_fields().into_iter().map(|field| match said.iter().find(|(name, _)| *name == field.name) {
            Some((_, text)) => field.with(text),
            None => field,
        });
        let form = Form::new(filled.collect());
        FormLayer::new(Self { id: account.id, username: account.username.clone(), version: account.version }, form).of_record(true)
    }
}

/// A user as the fields say it.
fn said(account: &Account) -> Said {
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        ("first", account.first.clone()),
        ("last", account.last.clone()),
        ("email", some(&account.email)),
        ("phone", some(&account.phone)),
        ("shop", account.shop.as_ref().map(|shop| shop.code.clone()).unwrap_or_default()),
    ]
}

impl Purpose for AccountForm {
    fn title(&self) -> String {
        format!("User {}", self.username)
    }

    fn about(&self) -> Option<String> {
        Some(format!("user {}", self.id))
    }

    fn note(&self) -> &'static str {
        "Only what you change is sent. The user name stays."
    }

    fn call(&self, form: &Form, _: &Shared) -> Result<Call, Faults> {
        let changed = |name: &str| form.changed(name).map(str::to_owned);
        let details = AccountDetails {
            first: changed("first"),
            last: changed("last"),
            email: changed("email"),
            phone: changed("phone"),
            shop: changed("shop"),
            state: None,
        };
        Ok(Call::of::<ChangeUser>(&OfUser { id: self.id }, &Nothing {}, &AccountChange { details }).if_match(self.version))
    }

    fn taken(&mut self, _: &[u8], cx: &mut Cx<'_>) {
        saved(cx, format!("{} was saved.", self.username));
    }

    fn renewed(&mut self, current: Value) -> Option<Said> {
        let now: Account = serde_json::from_value(current).ok()?;
        self.version = now.version;
        Some(said(&now))
    }

    fn history(&self) -> Option<(Call, String)> {
        Some(in_history_of_user(self.id))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tui::draft::Drafts;
    use crate::tui::layer::Layer as _;
    use crate::tui::shared::tried;
    use crate::tui::unsure::Unsure;

    /// What the server says of Nora.
    fn nora(version: i64, last: &str) -> Value {
        json!({
            "id": "01890000-0000-7000-8000-000000000001", "username": "nora", "first": "Nora", "last": last, "email": null, "phone": null, "kind": "staff",
            "state": "active", "must_change_password": false, "shop": null, "last_sign_in": null, "grants": [], "version": version,
        })
    }

    #[test]
    fn what_was_put_right_is_sent_over_the_version_that_was_seen_and_nothing_else() {
        let account: Account = serde_json::from_value(nora(4, "Lind")).unwrap();
        let (shared, form) = (tried::terminal(), Form::new(person_fields().into_iter().map(|field| field.with("")).collect()));
        let mut purpose = AccountForm { id: account.id, username: account.username.clone(), version: account.version };
        let nothing = purpose.call(&form, &shared).unwrap();
        let said = |version| Call::of::<ChangeUser>(&OfUser { id: account.id }, &Nothing {}, &AccountChange::default()).if_match(version);
        assert!(nothing.says_the_same(&said(4)));
        // Somebody else was faster: from here on it goes over what he saved.
        let now = purpose.renewed(nora(5, "Lund")).unwrap();
        assert!(now.contains(&("last", "Lund".to_owned())), "{now:?}");
        assert!(purpose.call(&form, &shared).unwrap().says_the_same(&said(5)));
    }

    #[test]
    fn a_name_half_put_right_is_there_again() {
        let account: Account = serde_json::from_value(nora(1, "Lind")).unwrap();
        let (shared, mut drafts, mut unsure, mut next_ticket) = (tried::terminal(), Drafts::default(), Unsure::default(), 0);
        let mut cx = Cx { shared: &shared, drafts: &mut drafts, unsure: &mut unsure, next_ticket: &mut next_ticket, intents: Vec::new() };
        let mut form = AccountForm::layer(&account);
        form.on_paste("-Lou", &mut cx);
        let (about, draft) = form.draft().unwrap();
        assert!(draft.contains(&("first".to_owned(), "Nora-Lou".to_owned())), "{draft:?}");
        cx.drafts.set(&about, draft.clone());
        let mut again = AccountForm::layer(&account);
        again.opened(&mut cx);
        assert_eq!(again.draft(), Some((about, draft)));
    }
}

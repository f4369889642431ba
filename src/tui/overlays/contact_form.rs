//! A contact (S1-1 … S1-13, S4-3 … S4-11): who it is, what it plays in the
//! company, what it manages and how far its access goes. Fields that the role
//! may not change are shown with the reason and are not sent.

use serde_json::Value;

use super::conflict::in_history_of;
use super::form_layer::{FormLayer, Purpose};
use crate::api::access::Needs;
use crate::api::access_level::AccessLevel;
use crate::api::contact::{Contact, ContactDetails, ContactKind, ContactRole, PlatformRole, PortalRight};
use crate::api::ids::{ContactId, CustomerId};
use crate::api::operation::{ChangeContact, CreateContact, OfContact, OfCustomer};
use crate::api::page::Nothing;
use crate::api::permission::Permission;
use crate::api::problem::Problem;
use crate::client::Call;
use crate::tui::layer::{Cx, Intent, Subject, Tone};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Form, FormField, Said};

/// Yes or no, as one of two words.
const NO_YES: [&str; 2] = ["no", "yes"];

/// The form.
#[derive(Debug)]
pub(in crate::tui) struct ContactForm {
    customer: CustomerId,
    known: Option<Known>,
    /// Whether the level that stands is the one that came with the user name.
    is_level_filled_in: bool,
}

/// The contact that is changed.
#[derive(Debug)]
struct Known {
    id: ContactId,
    name: String,
    version: Option<i64>,
    /// Whether it has a user name already.
    has_account: bool,
}

impl ContactForm {
    /// For a new contact of a customer.
    pub(in crate::tui) fn new_one(customer: CustomerId, shared: &Shared) -> FormLayer<Self> {
        FormLayer::new(Self { customer, known: None, is_level_filled_in: false }, Form::new(fields(None, shared)))
    }

    /// For one that is there.
    pub(in crate::tui) fn change(contact: &Contact, shared: &Shared) -> FormLayer<Self> {
        let version = contact.more.as_ref().map(|more| more.version);
        let has_account = contact.more.as_ref().is_some_and(|more| more.username.is_some());
        let known = Known { id: contact.id, name: contact.name(), version, has_account };
        let purpose = Self { customer: contact.customer_id, known: Some(known), is_level_filled_in: false };
        FormLayer::new(purpose, Form::new(fields(Some(contact), shared))).of_record(true)
    }

    /// Whether a user name that is given here is the contact's first.
    fn is_without_account(&self) -> bool {
        self.known.as_ref().is_none_or(|known| !known.has_account)
    }
}

/// What stands last is reached first: up from the first field goes there, and
/// giving access is what the form is opened for most.
fn fields(known: Option<&Contact>, shared: &Shared) -> Vec<FormField> {
    let said = known.map(said).unwrap_or_default();
    let prepared = |field: FormField| {
        let fixed = known.filter(|_| field.name == "kind").map(|_| "A person stays a person, a department a department.".to_owned());
        let locked = fixed.or_else(|| shared.access(needs(field.name)).err());
        let field = match said.iter().find(|(name, _)| *name == field.name) {
            Some((_, text)) => field.with(text),
            None => field,
        };
        field.locked(locked)
    };
    let all = [
        FormField::new("kind", "Kind", "").one_of(ContactKind::ALL.iter().map(|kind| kind.name())),
        FormField::new("first", "First name", "none for a department"),
        FormField::new("last", "Last name", "required; or the department's name"),
        FormField::new("job_title", "Job title", ""),
        FormField::new("salutation", "Salutation", "how letters begin, such as Ms or Dr."),
        FormField::new("email", "E-mail", "where a link to set a password goes"),
        FormField::new("phone", "Telephone", "as you write it here, or with +"),
        FormField::new("mobile", "Mobile", ""),
        FormField::new("primary", "Call first", "the first one to call").one_of(NO_YES),
        FormField::new("active", "Active", "no takes the contact out; it is kept").one_of(["yes", "no"]),
        FormField::new("receives_invoices", "Invoices", "mailed to this contact").one_of(NO_YES),
        FormField::new("receives_statements", "Statements", "mailed to this contact").one_of(NO_YES),
        FormField::new("roles", "Plays", "space ticks, left and right move; gives no access").several_of(ContactRole::ALL.iter().map(|role| role.name())),
        FormField::new("right", "Manages", "its part of the portal").one_of(PortalRight::ALL.iter().map(|right| right.name())),
        FormField::new("platform_role", "Platform role", "what it sees").one_of(PlatformRole::ALL.iter().map(|role| role.name())),
        FormField::new("access_level", "Access level", "how far access goes at most").one_of(AccessLevel::ALL.iter().map(|level| level.name())),
        FormField::new("username", "User name", "3 to 60 characters without spaces"),
    ];
    // A new one is active.
    all.into_iter().filter(|field| known.is_some() || field.name != "active").map(prepared).collect()
}

/// What a field needs: the `more` of both operations.
fn needs(field: &str) -> Needs {
    const MANAGE: Needs = Needs::All(const { &[Permission::named("contact.manage")] });
    const ROLES: Needs = Needs::All(const { &[Permission::named("contact.role.manage")] });
    const RIGHTS: Needs = Needs::All(const { &[Permission::named("contact.rights.manage")] });
    const CREDENTIALS: Needs = Needs::All(const { &[Permission::named("contact.credential.manage")] });
    match field {
        "roles" => ROLES,
        "right" | "platform_role" => RIGHTS,
        "access_level" | "username" => CREDENTIALS,
        _ => MANAGE,
    }
}

/// A contact as the fields say it.
fn said(contact: &Contact) -> Said {
    let some = |text: &Option<String>| text.clone().unwrap_or_default();
    let yes = |is: bool| NO_YES[usize::from(is)].to_owned();
    let mut said = vec![("first", contact.first.clone()), ("last", contact.last.clone()), ("phone", some(&contact.phone))];
    if let Some(more) = &contact.more {
        let roles: Vec<&str> = ContactRole::ALL.iter().filter(|role| more.roles.contains(role)).map(|role| role.name()).collect();
        said.extend([
            ("kind", more.kind.name().to_owned()),
            ("job_title", some(&more.job_title)),
            ("salutation", some(&more.salutation)),
            ("email", some(&more.email)),
            ("mobile", some(&more.mobile)),
            ("primary", yes(more.primary)),
            ("active", yes(more.active)),
            ("receives_invoices", yes(more.receives_invoices)),
            ("receives_statements", yes(more.receives_statements)),
            ("roles", roles.join(" ")),
            ("right", more.right.name().to_owned()),
            ("platform_role", more.platform_role.name().to_owned()),
            ("access_level", more.access_level.name().to_owned()),
            ("username", some(&more.username)),
        ]);
    }
    said
}

/// Only what was changed, so that nobody needs a right for what he left alone.
fn details(form: &Form) -> ContactDetails {
    let text = |name: &str| form.changed(name).map(str::to_owned);
    let yes = |name: &str| form.changed(name).map(|word| word == "yes");
    ContactDetails {
        kind: form.changed("kind").and_then(ContactKind::named),
        first: text("first"),
        last: text("last"),
        salutation: text("salutation"),
        job_title: text("job_title"),
        email: text("email"),
        phone: text("phone"),
        mobile: text("mobile"),
        primary: yes("primary"),
        receives_invoices: yes("receives_invoices"),
        receives_statements: yes("receives_statements"),
        active: yes("active"),
        roles: form.changed("roles").map(|words| words.split_whitespace().filter_map(ContactRole::named).collect()),
        right: form.changed("right").and_then(PortalRight::named),
        platform_role: form.changed("platform_role").and_then(PlatformRole::named),
        access_level: form.changed("access_level").and_then(AccessLevel::named),
        username: text("username"),
    }
}

impl Purpose for ContactForm {
    fn title(&self) -> String {
        self.known.as_ref().map_or_else(|| "New contact".to_owned(), |known| format!("Contact {}", known.name))
    }

    fn about(&self) -> Option<String> {
        Some(match &self.known {
            Some(known) => format!("contact {}", known.id),
            None => format!("new contact {}", self.customer),
        })
    }

    fn is_whole(&self) -> bool {
        true
    }

    fn note(&self) -> &'static str {
        "Space, left and right turn a word; a letter jumps to it."
    }

    /// With the first user name comes the level of new accounts, seen and to be
    /// changed; with the name it goes again.
    fn typed(&mut self, field: &'static str, before: &str, form: &mut Form) {
        let (none, filled_in) = (AccessLevel::None.name(), AccessLevel::OF_NEW_ACCOUNTS.name());
        if field == "access_level" && form.text(field) != before {
            self.is_level_filled_in = false;
        }
        if field != "username" || !self.is_without_account() {
            return;
        }
        match (before.trim().is_empty(), form.some("username").is_some()) {
            (true, true) if form.text("access_level") == none => {
                form.fill("access_level", filled_in);
                self.is_level_filled_in = true;
            }
            (false, false) if std::mem::take(&mut self.is_level_filled_in) => form.fill("access_level", none),
            _ => {}
        }
    }

    fn call(&self, form: &Form, _: &Shared) -> Result<Call, Vec<(&'static str, String)>> {
        let mut body = details(form);
        if body.username.is_some() && self.is_without_account() {
            // None is meant too where it stands beside a name.
            body.access_level = AccessLevel::named(form.text("access_level"));
        }
        let Some(known) = &self.known else {
            return Ok(Call::of::<CreateContact>(&OfCustomer { id: self.customer }, &Nothing {}, &body));
        };
        let call = Call::of::<ChangeContact>(&OfContact { id: known.id }, &Nothing {}, &body);
        Ok(match known.version {
            Some(version) => call.if_match(version),
            None => call,
        })
    }

    fn taken(&mut self, answer: &[u8], cx: &mut Cx<'_>) {
        match serde_json::from_slice::<Contact>(answer) {
            Ok(contact) => cx.say(Tone::Fine, format!("{} was saved.", contact.name())),
            Err(error) => cx.say(Tone::Error, format!("Saved, but the answer cannot be read: {error}")),
        }
        cx.want(Intent::Changed(Subject::Customer(self.customer)));
        cx.want(Intent::Done);
    }

    fn renewed(&mut self, current: Value) -> Option<Said> {
        let now: Contact = serde_json::from_value(current).ok()?;
        let known = self.known.as_mut()?;
        known.version = now.more.as_ref().map(|more| more.version);
        known.has_account = now.more.as_ref().is_some_and(|more| more.username.is_some());
        Some(said(&now))
    }

    fn subject(&self) -> Option<Subject> {
        Some(Subject::Customer(self.customer))
    }

    fn history(&self) -> Option<(Call, String)> {
        self.known.as_ref().map(|known| in_history_of(self.customer, known.id))
    }

    fn refused(&mut self, problem: &Problem, form: &mut Form) -> Option<(Tone, String)> {
        if problem.code.starts_with("rights.") {
            // A rule about several fields: it lands on the one that was turned.
            let turned = ["right", "platform_role", "access_level", "active"].into_iter().find(|field| form.changed(field).is_some());
            form.refuse(turned.map(|field| (field.to_owned(), problem.detail.clone())).into_iter().collect());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;
    use crate::tui::draft::{Draft, Drafts};
    use crate::tui::layer::Layer as _;
    use crate::tui::shared::tried;
    use crate::tui::unsure::Unsure;

    fn manager() -> Shared {
        tried::signed_in("staff", &["contact.manage", "contact.role.manage", "contact.rights.manage", "contact.credential.manage"])
    }

    /// What stands in the form of a new contact after these keys, the first of
    /// them in the last field: the user name.
    fn typed(keys: &[KeyCode]) -> Draft {
        let (shared, mut drafts, mut unsure, mut next_ticket) = (manager(), Drafts::default(), Unsure::default(), 0);
        let mut cx = Cx { shared: &shared, drafts: &mut drafts, unsure: &mut unsure, next_ticket: &mut next_ticket, intents: Vec::new() };
        let mut form = ContactForm::new_one(CustomerId::new(), &shared);
        for code in [KeyCode::Up].iter().chain(keys) {
            form.on_key(KeyEvent::new(*code, KeyModifiers::NONE), &mut cx);
        }
        form.draft().unwrap().1
    }

    fn pair(name: &str, text: &str) -> (String, String) {
        (name.to_owned(), text.to_owned())
    }

    #[test]
    fn with_the_first_user_name_comes_full_access_for_all_to_see_and_change() {
        let (a, d) = (KeyCode::Char('a'), KeyCode::Char('d'));
        assert_eq!(typed(&[a, d]), [pair("access_level", "full"), pair("username", "ad")]);
        assert_eq!(typed(&[a, KeyCode::Backspace]), [], "without a name nobody gets in");
        assert_eq!(typed(&[a, KeyCode::Up, KeyCode::Char('l'), KeyCode::Down, d]), [pair("access_level", "limited"), pair("username", "ad")]);
        assert_eq!(typed(&[a, KeyCode::Up, KeyCode::Char('n'), KeyCode::Down, d]), [pair("username", "ad")], "none was meant");
        assert_eq!(typed(&[KeyCode::Up, KeyCode::Char('r'), KeyCode::Down, a]), [pair("access_level", "read_only"), pair("username", "a")]);
    }

    #[test]
    fn no_access_that_was_meant_is_said() {
        let (shared, customer) = (manager(), CustomerId::new());
        let mut form = Form::new(fields(None, &shared));
        form.fill("username", "ada");
        let body = ContactDetails { access_level: Some(AccessLevel::None), username: Some("ada".to_owned()), ..ContactDetails::default() };
        let said = Call::of::<CreateContact>(&OfCustomer { id: customer }, &Nothing {}, &body);
        let new = ContactForm { customer, known: None, is_level_filled_in: false };
        assert!(new.call(&form, &shared).unwrap().says_the_same(&said));
    }
}

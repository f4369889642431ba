//! A user's page: the roles it was given, its open sessions, and what an
//! administrator does with it.

use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::account_form::AccountForm;
use super::account_history::AccountHistory;
use super::fields::in_words;
use super::grant_form::GrantForm;
use super::question::{Asked, Then};
use super::records::{Columns, cells, heading, scrolled};
use super::users::{is_shut_out, kind_in_words, person, powers};
use crate::api::ids::UserId;
use crate::api::operation::{
    ChangeUser, EndGrant, EndUserSession, GenerateUserPassword, GetUser, ListUserSessions, OfGrant, OfUser, OfUserSession, SendUserLink,
};
use crate::api::page::{Nothing, Page};
use crate::api::people::{Account, AccountChange, AccountDetails, Grant, OpenSession, ScopeKind, UserState};
use crate::api::session::UserKind;
use crate::client::Call;
use crate::rules::contact::phone_for_people;
use crate::tui::command::{Command, Office, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Layer};
use crate::tui::overlays::{Question, no_sign_in};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, Loaded, cut, lines, rule, spread, width, wrap};

const GRANTS: Columns = &[("Role", 20), ("Where", 22), ("When", 18), ("Given by", 0)];
const SESSIONS: Columns = &[("Signed in", 20), ("Used", 22), ("From", 18), ("", 0)];

/// One user.
#[derive(Debug)]
pub(super) struct AccountPage {
    id: UserId,
    username: String,
    account: Loaded<Account>,
    sessions: Loaded<Page<OpenSession>>,
    /// Over the roles, then over the sessions.
    cursor: Cursor,
}

/// The row under the cursor.
enum Marked<'a> {
    Grant(&'a Grant),
    Session(&'a OpenSession),
}

impl AccountPage {
    /// For a user.
    pub(super) fn new(id: UserId, username: &str) -> Self {
        Self { id, username: username.to_owned(), account: Loaded::default(), sessions: Loaded::default(), cursor: Cursor::default() }
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        let path = OfUser { id: self.id };
        self.account.load(Call::of::<GetUser>(&path, &Nothing {}, &Nothing {}), cx);
        self.sessions.load(Call::of::<ListUserSessions>(&path, &Nothing {}, &Nothing {}), cx);
    }

    fn grants(&self) -> &[Grant] {
        self.account.data().map_or(&[][..], |account| &account.grants)
    }

    fn open_sessions(&self) -> &[OpenSession] {
        self.sessions.data().map_or(&[][..], |page| &page.items)
    }

    fn count(&self) -> usize {
        self.grants().len() + self.open_sessions().len()
    }

    fn marked(&self) -> Option<Marked<'_>> {
        match self.cursor.at.checked_sub(self.grants().len()) {
            None => self.grants().get(self.cursor.at).map(Marked::Grant),
            Some(at) => self.open_sessions().get(at).map(Marked::Session),
        }
    }

    /// What a `y` is asked for, by the command.
    fn question(&self, command: &Command, shared: &Shared) -> Option<Question<Asked>> {
        let account = self.account.data()?;
        let (name, path) = (&self.username, OfUser { id: self.id });
        Some(match (command.id, self.marked()) {
            ("user.take", Some(Marked::Grant(grant))) => {
                let call = Call::of::<EndGrant>(&OfGrant { id: self.id, grant: grant.id }, &Nothing {}, &Nothing {});
                let (role, place) = (in_words(&grant.role), scope_in_words(grant));
                Asked::layer("Take a role away", format!("Take \"{role}\" ({place}) from {name}, at once?"), call, Then::Say(format!("{role} was taken away.")))
            }
            ("user.end_session", Some(Marked::Session(session))) => {
                let call = Call::of::<EndUserSession>(&OfUserSession { id: self.id, session: session.id }, &Nothing {}, &Nothing {});
                let text = format!("End the session of {name} that began {}?", shared.moment(session.created_at));
                Asked::layer("End a session", text, call, Then::Say("The session has ended.".to_owned()))
            }
            ("user.password", _) => {
                let call = Call::of::<GenerateUserPassword>(&path, &Nothing {}, &Nothing {});
                let asked = format!("Make a new password for {name}? The old one is good for nothing then, and all sessions of {name} end.");
                let text = if is_shut_out(account) { format!("{} {asked}", no_sign_in(name)) } else { asked };
                Asked::layer("New password", text, call, Then::ShowPassword)
            }
            ("user.link", _) => {
                let call = Call::of::<SendUserLink>(&path, &Nothing {}, &Nothing {});
                let to = account.email.as_deref().unwrap_or_default();
                let text = format!("Mail {name} ({to}) a link to set a password with, once?");
                Asked::layer("Mail a link", text, call, Then::Say(format!("A link was mailed to {to}.")))
            }
            ("user.disable", _) => {
                let text = format!("Let {name} in no more? All sessions of {name} end at once.");
                Asked::layer("Disable a user", text, self.put_into(account, UserState::Disabled), Then::Say(format!("{name} is let in no more.")))
            }
            ("user.enable", _) => {
                let text = format!("Let {name} in again, with the roles below?");
                Asked::layer("Enable a user", text, self.put_into(account, UserState::Active), Then::Say(format!("{name} is let in again.")))
            }
            _ => return None,
        })
    }

    fn put_into(&self, account: &Account, state: UserState) -> Call {
        let body = AccountChange { details: AccountDetails { state: Some(state), ..AccountDetails::default() } };
        Call::of::<ChangeUser>(&OfUser { id: self.id }, &Nothing {}, &body).if_match(account.version)
    }

    /// Roles and sessions as lines, and which of them is marked.
    fn rows(&self, shared: &Shared, wide: u16) -> (Vec<Line<'static>>, usize) {
        let look = shared.look;
        let mut rows = vec![heading(GRANTS, wide, look)];
        let mut marked = 0;
        for (at, grant) in self.grants().iter().enumerate() {
            if at == self.cursor.at {
                marked = rows.len();
            }
            let by = grant.granted_by.clone().unwrap_or_else(|| "from the start".to_owned());
            let texts = [in_words(&grant.role), scope_in_words(grant), when(grant, shared), by];
            rows.push(cells(GRANTS, &texts, (at == self.cursor.at, false), wide, look));
        }
        rows.extend(self.account.data().into_iter().flat_map(|account| beside_grants(account, usize::from(wide))));
        rows.push(Line::default());
        rows.push(heading(SESSIONS, wide, look));
        if let Some(notice) = self.sessions.notice(shared) {
            rows.push(notice);
        }
        for (at, session) in (self.grants().len()..).zip(self.open_sessions()) {
            if at == self.cursor.at {
                marked = rows.len();
            }
            let this = if session.current { "this one" } else { "" };
            let from = session.came_from.clone().unwrap_or_default();
            let texts = [shared.moment(session.created_at), shared.moment(session.used_at), from, this.to_owned()];
            rows.push(cells(SESSIONS, &texts, (at == self.cursor.at, false), wide, look));
        }
        if self.sessions.data().is_some_and(|page| page.items.is_empty()) {
            rows.push(Line::from(Span::raw("  Not signed in.")));
        }
        (rows, marked)
    }

    /// The marked role in full, where its row is too short for it.
    fn details(&self, shared: &Shared, room: usize) -> Vec<String> {
        let Some(Marked::Grant(grant)) = self.marked() else { return Vec::new() };
        let domains: Vec<String> = grant.domains.iter().map(|domain| domain.in_words()).collect();
        let only = if domains.is_empty() { String::new() } else { format!(", only {}", domains.join(", ")) };
        let by = grant.granted_by.as_deref().map(|by| format!(", given by {by}")).unwrap_or_default();
        wrap(&format!("{}: {}{only}, {}{by}", in_words(&grant.role), scope_in_words(grant), when(grant, shared)), room)
    }
}

/// What a user has without any grant: a customer's person what its contact has.
fn beside_grants(account: &Account, wide: usize) -> Vec<Line<'static>> {
    let mut told: Vec<String> = account.contacts.iter().map(|contact| format!("Contact of {}: {}", contact.customer.name, powers(contact))).collect();
    if told.is_empty() && account.grants.is_empty() {
        told.push("No role: this user may do nothing yet.".to_owned());
    }
    told.iter().flat_map(|told| wrap(told, wide.saturating_sub(2))).map(|row| Line::from(Span::raw(format!("  {row}")))).collect()
}

/// What a grant is limited to.
fn scope_in_words(grant: &Grant) -> String {
    if grant.scope.kind == ScopeKind::Deployment {
        return "everywhere".to_owned();
    }
    let which = grant.scope.name.as_ref().or(grant.scope.id.as_ref()).cloned().unwrap_or_default();
    format!("{} {which}", grant.scope.kind.in_words())
}

/// From the first day to the last one.
fn when(grant: &Grant, shared: &Shared) -> String {
    // It ends where a day begins: the last day is the one before.
    let last = |end: Timestamp| shared.day(end.checked_sub(SignedDuration::from_secs(1)).unwrap_or(end));
    match (grant.from, grant.to) {
        (None, None) => "always".to_owned(),
        (Some(from), None) => format!("from {}", shared.day(from)),
        (None, Some(to)) => format!("to {}", last(to)),
        (Some(from), Some(to)) => format!("{} to {}", shared.day(from), last(to)),
    }
}

fn head(account: &Account, shared: &Shared, room: usize) -> Vec<Line<'static>> {
    let look = shared.look;
    let dot = format!(" {} ", look.dot());
    let shop = account.shop.as_ref().map(|shop| shop.name.clone());
    let facts = [Some(kind_in_words(account.kind).to_owned()), Some(account.state.in_words()), shop].into_iter().flatten();
    let facts = format!("{} ", facts.collect::<Vec<_>>().join(&dot));
    let style = if account.state == UserState::Active { ratatui::style::Style::new() } else { look.warning() };
    let name = cut(&format!(" {}  {}", account.username, person(account)), room.saturating_sub(width(&facts) + 1), look);
    let signed_in = account.last_sign_in.map_or_else(|| "never signed in".to_owned(), |at| format!("signed in {}", shared.moment(at)));
    let must_change = account.must_change_password.then(|| "has to change the password".to_owned());
    let more = [account.email.clone(), account.phone.as_deref().map(phone_for_people), Some(signed_in), must_change];
    let more = more.into_iter().flatten().collect::<Vec<_>>().join(&dot);
    vec![
        spread(vec![Span::styled(name, look.title())], vec![Span::styled(facts, style)], room),
        Line::from(Span::styled(cut(&format!(" {more}"), room, look), look.quiet())),
    ]
}

impl Layer for AccountPage {
    fn places(&self) -> Vec<Place> {
        vec![Place::Office(Office::Account), Place::Rows]
    }

    fn title(&self) -> String {
        self.username.clone()
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn hindrance(&self, command: &Command) -> Option<String> {
        let state = self.account.data().map(|account| account.state);
        let told = match (command.id, self.marked()) {
            (id, _) if state.is_none() && id.starts_with("user.") => "This user is not loaded yet.",
            ("user.take", marked) if !matches!(marked, Some(Marked::Grant(_))) => "Mark a role first: that is the one to take away.",
            ("user.end_session", marked) if !matches!(marked, Some(Marked::Session(_))) => "Mark a session first: that is the one to end.",
            ("user.disable", _) if state == Some(UserState::Disabled) => "This user is let in no more already.",
            ("user.enable", _) if state == Some(UserState::Active) => "This user is let in already.",
            _ => return None,
        };
        Some(told.to_owned())
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if self.cursor.command(command, self.count()) {
            return;
        }
        match command.id {
            "reload" => self.load(cx),
            "user.changes" => cx.open(AccountHistory::new(self.id, &self.username)),
            "user.change" => {
                if let Some(account) = self.account.data() {
                    cx.open(AccountForm::layer(account));
                }
            }
            "user.grant" => cx.open(GrantForm::layer(self.id, &self.username, self.account.data().map_or(UserKind::Staff, |account| account.kind), cx.shared)),
            _ => {
                if let Some(question) = self.question(command, cx.shared) {
                    cx.open(question);
                }
            }
        }
    }

    fn on_reply(&mut self, reply: &Reply, _: &mut Cx<'_>) {
        if !self.account.take(reply) {
            self.sessions.take(reply);
        }
        self.cursor.keep_within(self.count());
    }

    fn on_arranged(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        [self.account.as_of(shared), self.sessions.as_of(shared)].into_iter().flatten().min()
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let room = usize::from(area.width);
        let mut from = 0;
        if let Some(account) = self.account.data() {
            from = lines(buffer, area, 0, head(account, shared, room));
        }
        from = self.account.say_notice(area, from, buffer, shared);
        if self.account.data().is_none() {
            return;
        }
        rule(buffer, area, from, look);
        from += 1;
        let details = self.details(shared, room.saturating_sub(2));
        let below = u16::try_from(details.len()).unwrap_or(0).min(3);
        let body = Rect { y: area.y + from, height: area.height.saturating_sub(from + below), ..area };
        let (rows, marked) = self.rows(shared, area.width);
        scrolled(buffer, body, rows, marked);
        let details = details.into_iter().map(|text| Line::from(Span::styled(format!("  {text}"), look.quiet())));
        lines(buffer, area, area.height.saturating_sub(below), details);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// What the page says of somebody who is the contact of Keller Bau, or of
    /// nobody.
    fn told(contacts: &Value) -> String {
        let account = json!({
            "id": UserId::new(), "username": "anke", "first": "Anke", "last": "Vogel", "email": null, "phone": null, "kind": "customer", "state": "active",
            "must_change_password": false, "shop": null, "last_sign_in": null, "grants": [], "contacts": contacts, "version": 1,
        });
        beside_grants(&serde_json::from_value(account).unwrap(), 78).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    }

    fn contact(right: &str, role: &str, level: &str, active: bool) -> Value {
        let customer = json!({ "id": "01890000-0000-7000-8000-000000000001", "number": null, "name": "Keller Bau GmbH" });
        json!([{
            "id": "01890000-0000-7000-8000-000000000002", "customer": customer, "right": right, "platform_role": role, "access_level": level, "active": active,
        }])
    }

    #[test]
    fn a_contact_is_told_by_what_it_has_and_not_as_somebody_without_a_role() {
        assert_eq!(told(&json!([])).trim(), "No role: this user may do nothing yet.");
        let told = |right, role, level, active| told(&contact(right, role, level, active)).trim().to_owned();
        assert_eq!(told("none", "accounts", "carrier_view", true), "Contact of Keller Bau GmbH: accounts, carrier view");
        assert_eq!(told("portal_administrator", "fleet", "full", true), "Contact of Keller Bau GmbH: portal administrator, fleet, full");
        assert_eq!(told("none", "none", "limited", true), "Contact of Keller Bau GmbH: limited");
        assert_eq!(told("none", "accounts", "none", true), "Contact of Keller Bau GmbH: no access");
        assert_eq!(told("none", "accounts", "full", false), "Contact of Keller Bau GmbH: taken out");
    }
}

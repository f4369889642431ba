//! Customer 3: its people, what they play, what they manage and how far their
//! access goes; and whether the dealer may act for it.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Pane;
use crate::api::access_level::AccessLevel;
use crate::api::contact::{Consent, Contact, ContactMore, LinkSent, PlatformRole, PortalRight};
use crate::api::ids::CustomerId;
use crate::api::operation::{ListConsents, ListContacts, OfContact, OfCustomer, Operation, SendContactLink};
use crate::api::page::{MAX_LIMIT, Nothing, Page, PageQuery};
use crate::api::session::NewActing;
use crate::client::Call;
use crate::rules::contact::phone_for_people;
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Intent, Subject, Tone};
use crate::tui::overlays::{ConsentForm, ContactForm, EndOfConsent, NewPassword};
use crate::tui::sending::Sending;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, Loaded, Row, cut, line, lines};

#[derive(Debug)]
struct Contacts {
    customer: CustomerId,
    contacts: Loaded<Page<Contact>>,
    /// Only asked for where the role may see them.
    consents: Loaded<Page<Consent>>,
    cursor: Cursor,
    link: Sending,
}

pub(super) fn make(subject: Subject) -> Box<dyn Pane> {
    let Subject::Customer(customer) = subject else { return super::identification::make(subject) };
    Box::new(Contacts { customer, contacts: Loaded::default(), consents: Loaded::default(), cursor: Cursor::default(), link: Sending::default() })
}

impl Contacts {
    /// Whom one calls first on top, who left at the bottom, otherwise as they
    /// were entered.
    fn sorted(&self) -> Vec<&Contact> {
        let mut all: Vec<&Contact> = self.contacts.data().map_or_else(Vec::new, |page| page.items.iter().collect());
        all.sort_by_key(|contact| contact.more.as_ref().map(|more| (!more.active, !more.primary)));
        all
    }

    fn contact(&self) -> Option<&Contact> {
        self.sorted().get(self.cursor.at).copied()
    }

    fn consent(&self) -> Option<&Consent> {
        self.consents.data()?.items.first()
    }

    fn sent(&mut self, reply: &Reply, cx: &mut Cx<'_>) -> bool {
        match self.link.take(reply) {
            Some(Ok(answer)) => match serde_json::from_slice::<LinkSent>(answer) {
                Ok(link) => cx.say(Tone::Fine, format!("A link was mailed to {}; it works once, until {}.", link.email, cx.shared.moment(link.ends_at))),
                Err(error) => cx.say(Tone::Error, format!("The link was mailed, but the answer cannot be read: {error}")),
            },
            Some(Err(error)) => cx.say(Tone::Error, error.to_string()),
            None => return false,
        }
        true
    }

    fn details(&self, area: Rect, shared: &Shared) -> Vec<Line<'static>> {
        let look = shared.look;
        let room = usize::from(area.width).saturating_sub(3);
        let rule = Line::from(Span::styled(look.rule().repeat(usize::from(area.width)), look.quiet()));
        let known = self.contact().map(|contact| facts(contact, shared)).unwrap_or_default();
        let known = known.into_iter().map(|fact| Line::from(Span::styled(format!("  {}", cut(&fact, room, look)), look.quiet())));
        std::iter::once(rule).chain(known).chain(self.consent_line(room, shared)).collect()
    }

    /// Whether anybody may act for the customer, for those whom it concerns.
    fn consent_line(&self, room: usize, shared: &Shared) -> Option<Line<'static>> {
        shared.access(ListConsents::ENDPOINT.needs).ok()?;
        let Some(page) = self.consents.data() else { return self.consents.notice(shared) };
        let all = &page.items;
        let told: Vec<String> = all
            .iter()
            .map(|consent| {
                let until = consent.to.map(|to| format!(", until {}", shared.moment(to))).unwrap_or_default();
                format!("{}, said by {}{until}", consent.role.replace('_', " "), consent.given_by)
            })
            .collect();
        let told = if told.is_empty() { "none: nobody may act for this customer".to_owned() } else { told.join("; ") };
        let as_of = self.consents.as_of_in_words(shared);
        Some(Line::from(format!("  {}", cut(&format!("Consent to act{as_of}: {told}"), room, shared.look))))
    }
}

impl Pane for Contacts {
    fn load(&mut self, cx: &mut Cx<'_>) {
        let path = OfCustomer { id: self.customer };
        let query = PageQuery { limit: Some(MAX_LIMIT), cursor: None };
        self.contacts.load(Call::of::<ListContacts>(&path, &query, &Nothing {}), cx);
        if cx.shared.access(ListConsents::ENDPOINT.needs).is_ok() {
            self.consents.load(Call::of::<ListConsents>(&path, &Nothing {}, &Nothing {}), cx);
        }
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) -> bool {
        let before = self.contacts.data().map(|page| page.items.len());
        let taken = self.contacts.take(reply) || self.consents.take(reply) || self.sent(reply, cx);
        // Whoever was just added is the one that is meant next.
        let newest = self.contacts.data().filter(|page| before.is_some_and(|before| page.items.len() == before + 1)).and_then(|page| page.items.last());
        if let Some(at) = newest.and_then(|newest| self.sorted().iter().position(|contact| contact.id == newest.id)) {
            self.cursor.at = at;
        }
        self.cursor.keep_within(self.sorted().len());
        taken
    }

    fn places(&self) -> &'static [Place] {
        &[Place::Contacts, Place::Rows]
    }

    fn hindrance(&self, command: &Command) -> Option<String> {
        let more = self.contact().map(|contact| contact.more.as_ref());
        match (command.id, more) {
            ("contact.change" | "contact.password" | "contact.send_link" | "contact.view_as", None) => Some("There is no contact yet.".to_owned()),
            ("contact.change", Some(None)) => Some("You see name and telephone only.".to_owned()),
            ("contact.password" | "contact.send_link", Some(Some(more))) if more.username.is_none() => {
                Some("This contact has no user name yet: give it one and save, then a password.".to_owned())
            }
            ("contact.end_consent", _) if self.consent().is_none() => Some("There is no consent to take back.".to_owned()),
            _ => None,
        }
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) -> bool {
        let count = self.sorted().len();
        if self.cursor.command(command, count) {
            return true;
        }
        match (command.id, self.contact()) {
            ("contact.new", _) => cx.open(ContactForm::new_one(self.customer, cx.shared)),
            ("contact.change", Some(contact)) => cx.open(ContactForm::change(contact, cx.shared)),
            ("contact.password", Some(contact)) => cx.open(NewPassword::layer(contact)),
            ("contact.send_link", Some(contact)) => {
                let call = Call::of::<SendContactLink>(&OfContact { id: contact.id }, &Nothing {}, &Nothing {});
                self.link.send(call, cx);
            }
            ("contact.view_as", Some(contact)) => cx.want(Intent::StandIn(NewActing { customer: None, contact: Some(contact.id) })),
            ("contact.consent", said_by) => cx.open(ConsentForm::layer(self.customer, &said_by.map(Contact::name).unwrap_or_default())),
            ("contact.end_consent", _) => {
                if let Some(consent) = self.consent() {
                    cx.open(EndOfConsent::layer(consent));
                }
            }
            _ => return false,
        }
        true
    }

    fn badge(&self) -> Option<String> {
        let is_active = |contact: &&Contact| contact.more.as_ref().is_none_or(|more| more.active);
        let active = self.contacts.data()?.items.iter().filter(is_active).count();
        (active > 0).then(|| active.to_string())
    }

    fn copied(&self) -> Option<String> {
        let contact = self.contact()?;
        contact.phone.clone().or_else(|| contact.more.as_ref()?.email.clone())
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        [self.contacts.as_of(shared), self.consents.as_of(shared)].into_iter().flatten().min()
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let mut from = self.contacts.say_notice(area, 0, buffer, shared);
        let Some(page) = self.contacts.data() else { return };
        let all = self.sorted();
        let details = self.details(area, shared);
        let below = u16::try_from(details.len()).unwrap_or(u16::MAX).min(area.height / 2);
        lines(buffer, Rect { y: area.y + area.height - below, height: below, ..area }, 0, details);
        if all.is_empty() {
            return line(buffer, area, from, Line::from(Span::raw("No contacts yet.")));
        }
        let widths = Widths::of(area);
        let basic = all.iter().all(|contact| contact.more.is_none());
        let head = if basic { widths.row(false, ["Name", "Telephone", "", "", ""], look.quiet(), shared) } else { widths.head(shared) };
        line(buffer, area, from, head);
        from += 1;
        let more = page.next.is_some();
        let room = usize::from(area.height.saturating_sub(below + from + u16::from(more)));
        let first = self.cursor.first_seen(room);
        let rows = all.iter().enumerate().skip(first).take(room).map(|(at, contact)| contact_row(contact, at == self.cursor.at, widths, shared));
        from = lines(buffer, area, from, rows.collect::<Vec<_>>());
        if more {
            let said = format!("  The first {} are shown; there are more.", page.items.len());
            line(buffer, area, from, Line::from(Span::styled(said, look.quiet())));
        }
    }
}

/// How wide each column is: what is left over goes to those that are cut first.
#[derive(Debug, Clone, Copy)]
struct Widths([usize; 5]);

impl Widths {
    fn of(area: Rect) -> Self {
        let spare = usize::from(area.width).saturating_sub(80);
        Self([19 + spare / 4, 13 + spare / 4, 20, 12, 9 + spare / 2])
    }

    fn head(self, shared: &Shared) -> Line<'static> {
        self.row(false, ["Name", "Plays", "Manages, platform", "Access", "User name"], shared.look.quiet(), shared)
    }

    fn row(self, marked: bool, cells: [&str; 5], style: Style, shared: &Shared) -> Line<'static> {
        cells.iter().zip(self.0).fold(Row::new(shared.look, marked), |row, (cell, wide)| row.cell(cell, wide, style)).done()
    }
}

fn contact_row(contact: &Contact, marked: bool, widths: Widths, shared: &Shared) -> Line<'static> {
    let look = shared.look;
    let name = contact.name();
    let Some(more) = &contact.more else {
        let phone = contact.phone.as_deref().map(phone_for_people).unwrap_or_default();
        let [name_room, phone_room, ..] = widths.0;
        return Row::new(look, marked).cell(&name, name_room, Style::new()).cell(&phone, phone_room + 3, Style::new()).done();
    };
    let (plays, manages) = (plays(more), manages(more));
    let level = if more.active { more.access_level.in_words() } else { "inactive".to_owned() };
    let username = more.username.as_deref().unwrap_or_default();
    let style = if more.active { Style::new() } else { look.quiet() };
    widths.row(marked, [&name, &plays, &manages, &level, username], style, shared)
}

fn plays(more: &ContactMore) -> String {
    more.roles.iter().map(|role| role.in_words()).collect::<Vec<_>>().join(", ")
}

/// The right and the role on the platform; nothing where there is neither.
fn manages(more: &ContactMore) -> String {
    let right = (more.right != PortalRight::None).then(|| more.right.in_words());
    let platform = (more.platform_role != PlatformRole::None).then(|| more.platform_role.in_words());
    right.into_iter().chain(platform).collect::<Vec<_>>().join(", ")
}

/// The one under the cursor, whole.
fn facts(contact: &Contact, shared: &Shared) -> Vec<String> {
    let dot = format!(" {} ", shared.look.dot());
    let joined = |parts: Vec<Option<String>>| parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(&dot);
    let phone = contact.phone.as_deref().map(phone_for_people);
    let Some(more) = &contact.more else { return vec![joined(vec![Some(contact.name()), phone])] };
    let is = |is: bool, words: &str| is.then(|| words.to_owned());
    let mobile = more.mobile.as_deref().map(|mobile| format!("mobile {}", phone_for_people(mobile)));
    let name = match &more.salutation {
        Some(salutation) => format!("{salutation} {}", contact.name()),
        None => contact.name(),
    };
    let who = [Some(name), more.job_title.clone(), Some(more.kind.in_words()), is(more.primary, "call first"), is(!more.active, "inactive")];
    let tasks = [Some(plays(more)), Some(manages(more)), is(more.receives_invoices, "gets invoices"), is(more.receives_statements, "gets statements")];
    let given_by = more.designated_by.as_ref().map(|name| format!("given by {name}"));
    vec![joined(who.into()), joined(vec![phone, mobile, more.email.clone()]), joined(tasks.into()), joined(vec![Some(access(more)), given_by])]
}

/// How far access goes, and what is still missing for a sign-in.
fn access(more: &ContactMore) -> String {
    let name = match (&more.username, more.has_password) {
        (None, _) => "no user name".to_owned(),
        (Some(name), false) => format!("user name {name}, no password yet"),
        (Some(name), true) => format!("user name {name}"),
    };
    let level = if more.access_level == AccessLevel::None { "No access".to_owned() } else { format!("Access {}", more.access_level.in_words()) };
    format!("{level}, {name}")
}

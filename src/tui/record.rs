//! The page of one customer or one asset: a header, its panes by digit, and
//! the acts of the record from any of them.

use crossterm::event::KeyEvent;
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::command::{Command, Place};
use super::event::Reply;
use super::layer::{Cx, Intent, Layer, Opened, Subject, Tone};
use super::overlays::{CustomerChangeForm, NumberForm, ReadingLine, RequestForm};
use super::panes::{Content, PANES, Page, Pane, PaneSpec};
use super::screens::machine;
use super::shared::Shared;
use super::widgets::{Loaded, cut, line, lines, rule, spread, width, wrap};
use crate::api::access::Needs;
use crate::api::asset::AssetHeader;
use crate::api::customer::{Customer, CustomerKind};
use crate::api::ids::CustomerId;
use crate::api::operation::{GetCustomer, GetIdentification, ListCustomerAssets, LookUpAsset, OfCustomer, Operation, SearchCustomers};
use crate::api::page::Nothing;
use crate::api::permission::Permission;
use crate::api::session::NewActing;
use crate::client::Call;
use crate::rules::contact::phone_for_people;

/// What a number that stands needs.
const CHANGE_NUMBER: Needs = Needs::All(const { &[Permission::named("customer.dms_number.change")] });

/// A record's page.
#[derive(Debug)]
pub(super) struct Record {
    subject: Subject,
    head: Head,
    panes: Vec<Slot>,
    at: usize,
    /// Something of it came since it was loaded last.
    is_reached: bool,
    /// The server knows no such record for whoever sits here; nothing came of it.
    is_gone: bool,
}

/// In the place of what is out of reach.
const GONE: &str = "This record is out of your reach now.";

/// What is known of the record itself.
#[derive(Debug)]
enum Head {
    Customer {
        name: String,
        customer: Box<Loaded<Customer>>,
    },
    /// As it was found at that time.
    Asset(Box<AssetHeader>, Timestamp),
}

#[derive(Debug)]
struct Slot {
    spec: &'static PaneSpec,
    /// None where it comes later.
    pane: Option<Box<dyn Pane>>,
}

impl Record {
    /// A customer's page.
    pub(super) fn customer(id: CustomerId, name: String) -> Self {
        Self::new(Subject::Customer(id), Page::Customer, Head::Customer { name, customer: Box::default() })
    }

    /// An asset's page, with what the server said of it before.
    pub(super) fn asset(header: AssetHeader, said_at: Timestamp) -> Self {
        Self::new(Subject::Asset(header.id), Page::Asset, Head::Asset(Box::new(header), said_at))
    }

    fn new(subject: Subject, page: Page, head: Head) -> Self {
        let slot = |spec: &'static PaneSpec| Slot {
            spec,
            pane: match spec.content {
                Content::Here(make) => Some(make(subject)),
                Content::Later(_) => None,
            },
        };
        let panes = PANES.iter().filter(|spec| spec.page == page).map(slot).collect();
        Self { subject, head, panes, at: 0, is_reached: false, is_gone: false }
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        self.is_reached = false;
        if let (Head::Customer { customer, .. }, Subject::Customer(id)) = (&mut self.head, self.subject)
            && cx.shared.access(GetCustomer::ENDPOINT.needs).is_ok()
        {
            customer.load(Call::of::<GetCustomer>(&OfCustomer { id }, &Nothing {}, &Nothing {}), cx);
        }
        for slot in &mut self.panes {
            // No data is asked for that the role may not see.
            if let Some(pane) = slot.pane.as_mut().filter(|_| cx.shared.access(slot.spec.needs).is_ok()) {
                pane.load(cx);
            }
        }
    }

    /// Whether nothing of it may be shown any more, not even what it is: it is out of
    /// reach, or the role neither finds such records nor sees anything of them.
    /// One's own company is known from the session.
    fn is_hidden_whole(&self, shared: &Shared) -> bool {
        let found_by = match self.subject {
            Subject::Customer(_) => [SearchCustomers::ENDPOINT.needs, GetCustomer::ENDPOINT.needs],
            Subject::Asset(_) => [LookUpAsset::ENDPOINT.needs, ListCustomerAssets::ENDPOINT.needs],
        };
        let is_own = || shared.companies().iter().any(|company| self.subject == Subject::Customer(company.id));
        let mut all_needs = found_by.into_iter().chain(self.panes.iter().map(|slot| slot.spec.needs));
        self.is_gone || shared.session.is_some() && all_needs.all(|needs| shared.access(needs).is_err()) && !is_own()
    }

    /// Gives an answer to whose it is. True if it was one of the page.
    fn hand_out(&mut self, reply: &Reply, cx: &mut Cx<'_>) -> bool {
        if let Head::Customer { name, customer } = &mut self.head
            && customer.take(reply)
        {
            // It may be called otherwise by now.
            if let Some(now) = customer.data() {
                name.clone_from(&now.name);
            }
            return true;
        }
        self.panes.iter_mut().any(|slot| slot.pane.as_mut().is_some_and(|pane| pane.on_reply(reply, cx)))
    }

    fn shown(&self) -> Option<&Slot> {
        self.panes.get(self.at)
    }

    /// The pane that is shown, if the role may see it.
    fn pane_mut(&mut self, shared: &Shared) -> Option<&mut Box<dyn Pane>> {
        let slot = self.panes.get_mut(self.at)?;
        slot.pane.as_mut().filter(|_| shared.access(slot.spec.needs).is_ok())
    }

    /// Whether a pane is not there at all, neither in the line of tabs nor by its
    /// digit.
    fn is_hidden(slot: &Slot, shared: &Shared) -> bool {
        shared.hides_what_needs(slot.spec.needs)
    }

    /// Tab skips what is greyed and what comes later (G-4); a digit goes there.
    fn turn(&mut self, forward: bool, shared: &Shared) {
        let count = self.panes.len();
        for step in 1..=count {
            let at = if forward { (self.at + step) % count } else { (self.at + count - step) % count };
            let slot = &self.panes[at];
            if slot.pane.is_some() && shared.access(slot.spec.needs).is_ok() {
                self.at = at;
                return;
            }
        }
    }

    fn summary(&self, shared: &Shared) -> Option<String> {
        let mut readable = self.panes.iter().filter(|slot| shared.access(slot.spec.needs).is_ok());
        readable.find_map(|slot| slot.pane.as_ref()?.summary(shared))
    }

    fn head_lines(&self, shared: &Shared, room: usize) -> Vec<Line<'static>> {
        if self.is_hidden_whole(shared) {
            return vec![Line::from(Span::styled(format!(" {GONE}"), shared.look.warning())), Line::default()];
        }
        match &self.head {
            Head::Asset(header, _) => asset_head(header, self.summary(shared), shared, room),
            Head::Customer { name, customer } => customer_head(name, customer, shared, room),
        }
    }

    fn tabs(&self, shared: &Shared, room: usize) -> Vec<Line<'static>> {
        let look = shared.look;
        let mut rows: Vec<Vec<Span<'static>>> = vec![vec![Span::raw(" ")]];
        let mut used = 1;
        for (at, slot) in self.panes.iter().enumerate().filter(|(_, slot)| !Self::is_hidden(slot, shared)) {
            let allowed = shared.access(slot.spec.needs).is_ok();
            let badge = slot.pane.as_ref().filter(|_| allowed).and_then(|pane| pane.badge()).map(|badge| format!(" {badge}")).unwrap_or_default();
            let lock = if allowed { "" } else { " [locked]" };
            let text = format!("{} {}{badge}{lock}", slot.spec.digit, slot.spec.title);
            let style = match (at == self.at, allowed, slot.pane.is_some()) {
                (true, ..) => look.chosen(),
                (_, true, true) => Style::new(),
                _ => look.locked(),
            };
            if used + width(&text) + 2 > room {
                rows.push(vec![Span::raw(" ")]);
                used = 1;
            }
            used += width(&text) + 2;
            if let Some(row) = rows.last_mut() {
                row.push(Span::styled(text, style));
                row.push(Span::raw("  "));
            }
        }
        rows.into_iter().map(Line::from).collect()
    }
}

fn asset_head(header: &AssetHeader, summary: Option<String>, shared: &Shared, room: usize) -> Vec<Line<'static>> {
    let look = shared.look;
    let more = header.more.as_ref().filter(|_| shared.access(GetIdentification::ENDPOINT.needs).is_ok());
    let plate = more.and_then(|more| more.plate.as_ref()).map(|plate| match more.and_then(|more| more.plate_state.as_ref()) {
        Some(state) => format!("plate {plate} ({state}) "),
        None => format!("plate {plate} "),
    });
    let left = format!(" {}  {}", header.asset_number, machine(header));
    let plate = plate.unwrap_or_default();
    let owner_room = room.saturating_sub(width(&plate) + 2);
    let first = spread(vec![Span::styled(cut(&left, owner_room, look), look.title())], vec![Span::raw(cut(&plate, room / 2, look))], room);
    let customer = more.and_then(|more| more.customer.as_ref()).map(|customer| customer.name.clone()).filter(|name| *name != header.organization.name);
    let owner = match customer {
        Some(customer) => format!(" {} {} {customer}", header.organization.name, look.dot()),
        None => format!(" {}", header.organization.name),
    };
    let summary = summary.map(|summary| format!("{summary} ")).unwrap_or_default();
    let second = spread(vec![Span::raw(cut(&owner, room.saturating_sub(width(&summary) + 1), look))], vec![Span::raw(summary)], room);
    let mut rows = vec![first, second];
    if !header.status.takes_requests() {
        rows.push(Line::from(Span::styled(format!(" ! {}: no requests or appointments", header.status.name()), look.warning())));
    }
    rows
}

fn customer_head(name: &str, customer: &Loaded<Customer>, shared: &Shared, room: usize) -> Vec<Line<'static>> {
    let look = shared.look;
    let name = customer.data().map_or(name, |customer| &customer.name);
    let title = |most: usize| Span::styled(format!(" {}", cut(name, most, look)), look.title());
    let Some(customer) = customer.data() else {
        return vec![Line::from(title(room)), customer.notice(shared).unwrap_or_default()];
    };
    let more = customer.more.as_ref();
    let phone = customer.phone.as_deref().map(|phone| format!("{} {}", look.phone(), phone_for_people(phone)));
    let place = [customer.city.clone(), more.and_then(|more| more.state.clone())].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let number = more.and_then(|more| more.number.as_ref()).map(|number| format!("#{number}"));
    let kind = more.map(|more| more.kind.name().to_owned());
    let mut facts = [kind, number, Some(place).filter(|place| !place.is_empty()), phone];
    let joined = |facts: &[Option<String>]| format!("{} ", facts.iter().flatten().cloned().collect::<Vec<_>>().join(&format!(" {} ", look.dot())));
    // On a narrow screen the name stays whole as long as it can: first the kind
    // goes, then the place, and then the telephone; all of them stand on a page.
    for left_out in [0, 2, 3] {
        if width(name) + 2 + width(&joined(&facts)) <= room {
            break;
        }
        facts[left_out] = None;
    }
    let facts = joined(&facts);
    let first = spread(vec![title(room.saturating_sub(width(&facts) + 2))], vec![Span::raw(facts)], room);
    vec![first, Line::from(customer_note(customer, shared, room))]
}

/// Opens the form for the number at this shop, unless changing it needs more
/// than setting a blank one does (S3-22, S3-24).
fn set_number(id: CustomerId, name: &str, known: Option<&Customer>, cx: &mut Cx<'_>) {
    let shop = cx.shared.session.as_ref().and_then(|session| session.shop.as_ref()).map(|shop| shop.shop.id);
    let more = known.and_then(|known| known.more.as_ref());
    let changes = more.is_some_and(|more| more.kind == CustomerKind::Local || more.number_at(shop).is_some());
    match cx.shared.access(CHANGE_NUMBER) {
        Err(reason) if changes => cx.say(Tone::Warning, reason),
        _ => cx.open(NumberForm::layer(id, name, known, shop)),
    }
}

/// Why a customer cannot be changed here, though the role may change others
/// (C-2, S3-25).
fn kept_from_change(known: Option<&Customer>) -> Option<String> {
    let told = match known.map(|known| known.more.as_ref()) {
        None => "This customer is not loaded yet.",
        Some(None) => "You are shown only a part of this customer.",
        Some(Some(more)) if more.kind == CustomerKind::Fleet => "A fleet keeps its own address; a shop sets only its number and note.",
        Some(Some(_)) => return None,
    };
    Some(told.to_owned())
}

/// The alert note, or that there is no number here (S3-26).
fn customer_note(customer: &Customer, shared: &Shared, room: usize) -> Span<'static> {
    let look = shared.look;
    let Some(more) = &customer.more else { return Span::raw("") };
    let shop = shared.session.as_ref().and_then(|session| session.shop.as_ref()).map(|shop| shop.shop.id);
    let here = more.links.iter().find(|link| Some(link.shop.id) == shop);
    let mut notes = Vec::new();
    if here.is_none_or(|link| link.number.is_none()) {
        notes.push("No DMS number here: no account prices, credit or export".to_owned());
    }
    notes.extend(more.links.iter().filter_map(|link| link.alert_note.clone()));
    if more.status != "active" {
        notes.push(format!("{} customer", more.status));
    }
    if notes.is_empty() { Span::raw("") } else { Span::styled(cut(&format!(" ! {}", notes.join("; ")), room, look), look.warning()) }
}

impl Layer for Record {
    fn places(&self) -> Vec<Place> {
        let page = match self.subject {
            Subject::Customer(_) => Place::Customer,
            Subject::Asset(_) => Place::Asset,
        };
        let own = self.shown().and_then(|slot| slot.pane.as_ref()).map_or(&[][..], |pane| pane.places());
        own.iter().copied().chain([page, Place::Record]).collect()
    }

    fn title(&self) -> String {
        match &self.head {
            _ if self.is_gone => "Out of reach".to_owned(),
            Head::Customer { name, .. } => name.clone(),
            Head::Asset(header, _) => header.asset_number.clone(),
        }
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        if let Some(at) = self.panes.iter().position(|slot| slot.pane.is_some() && cx.shared.access(slot.spec.needs).is_ok())
            && (self.at == 0 || self.shown().is_some_and(|slot| Self::is_hidden(slot, cx.shared)))
        {
            self.at = at;
        }
        self.load(cx);
    }

    fn hindrance(&self, command: &Command) -> Option<String> {
        if self.is_gone && matches!(command.place, Place::Customer | Place::Asset) {
            return Some(GONE.to_owned());
        }
        if let (Head::Asset(header, _), "asset.request") = (&self.head, command.id)
            && !header.status.takes_requests()
        {
            return Some(format!("{} is {}: no requests or appointments.", header.asset_number, header.status.name()));
        }
        if let (Head::Customer { customer, .. }, "customer.change") = (&self.head, command.id) {
            return kept_from_change(customer.data());
        }
        self.shown().and_then(|slot| slot.pane.as_ref()).and_then(|pane| pane.hindrance(command))
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if self.pane_mut(cx.shared).is_some_and(|pane| pane.on_command(command, cx)) {
            return;
        }
        if let Some(digit) = command.id.strip_prefix("record.pane_").and_then(|digit| digit.parse::<u8>().ok()) {
            let wanted = |slot: &Slot| slot.spec.digit == digit && !Self::is_hidden(slot, cx.shared);
            self.at = self.panes.iter().position(wanted).unwrap_or(self.at);
            return;
        }
        match (command.id, &self.head) {
            ("record.next_pane", _) => self.turn(true, cx.shared),
            ("record.previous_pane", _) => self.turn(false, cx.shared),
            ("record.copy", _) => {
                if let Some(text) = self.pane_mut(cx.shared).and_then(|pane| pane.copied()) {
                    cx.want(Intent::Copy(text));
                }
            }
            ("reload", _) => self.load(cx),
            ("asset.reading", Head::Asset(header, _)) => cx.open(ReadingLine::new(header)),
            ("asset.request", Head::Asset(header, _)) => cx.open(RequestForm::for_asset(header)),
            ("customer.number", Head::Customer { name, customer }) => {
                if let Subject::Customer(id) = self.subject {
                    set_number(id, name, customer.data(), cx);
                }
            }
            ("customer.change", Head::Customer { customer, .. }) => {
                if let Some((customer, more)) = customer.data().and_then(|customer| Some((customer, customer.more.as_ref()?))) {
                    cx.open(CustomerChangeForm::layer(customer, more));
                }
            }
            ("customer.act_for", Head::Customer { .. }) => {
                if let Subject::Customer(id) = self.subject {
                    cx.want(Intent::StandIn(NewActing { customer: Some(id), contact: None }));
                }
            }
            _ => {}
        }
    }

    fn on_key(&mut self, _: KeyEvent, _: &mut Cx<'_>) {}

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        if !self.hand_out(reply, cx) {
            return;
        }
        // Of some the role may see less far: only where all of it is not found it is
        // out of reach.
        match &reply.outcome {
            Ok(_) => (self.is_reached, self.is_gone) = (true, false),
            Err(error) if error.problem().is_some_and(|problem| problem.status == 404) => self.is_gone = !self.is_reached,
            Err(_) => {}
        }
    }

    fn on_changed(&mut self, subject: Subject, cx: &mut Cx<'_>) {
        if subject == self.subject {
            return self.load(cx);
        }
        for slot in &mut self.panes {
            if let Some(pane) = slot.pane.as_mut().filter(|_| cx.shared.access(slot.spec.needs).is_ok()) {
                pane.on_changed(subject, cx);
            }
        }
    }

    /// Of all panes: their badges and the summary of one stand above the one
    /// that is shown.
    fn page_of(&self) -> Option<Opened> {
        match (&self.head, self.subject) {
            (Head::Asset(header, said_at), _) => Some(Opened::Asset(header.clone(), *said_at)),
            (Head::Customer { name, .. }, Subject::Customer(id)) => Some(Opened::Customer(id, name.clone())),
            (Head::Customer { .. }, Subject::Asset(_)) => None,
        }
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        let seen = self.panes.iter().filter(|slot| shared.access(slot.spec.needs).is_ok());
        let panes = seen.filter_map(|slot| slot.pane.as_ref()?.as_of(shared)).min();
        let head = match &self.head {
            Head::Customer { customer, .. } => customer.as_of(shared),
            Head::Asset(_, said_at) => Some(*said_at).filter(|_| panes.is_some() || shared.is_off_line()),
        };
        [panes, head].into_iter().flatten().min()
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let room = usize::from(area.width);
        let mut row = lines(buffer, area, 0, self.head_lines(shared, room));
        row = lines(buffer, area, row, self.tabs(shared, room));
        rule(buffer, area, row, shared.look);
        row += 1;
        let body = Rect { y: area.y + row.min(area.height), height: area.height.saturating_sub(row), ..area };
        let Some(slot) = self.shown() else { return };
        if Self::is_hidden(slot, shared) {
            return line(buffer, body, 0, Line::from(Span::styled(" Nothing more of it is shown at this terminal.", shared.look.quiet())));
        }
        match (shared.access(slot.spec.needs), &slot.pane, slot.spec.content) {
            (Err(reason), ..) => line(buffer, body, 0, Line::from(Span::styled(format!(" [locked] {reason}"), shared.look.locked()))),
            (Ok(()), Some(pane), _) => pane.view(body, buffer, shared),
            (Ok(()), None, Content::Later(holds)) => {
                let told = wrap(&format!("Not in this version yet. It will hold {holds}."), usize::from(body.width).saturating_sub(2));
                lines(buffer, body, 0, told.into_iter().map(|told| Line::from(Span::styled(format!(" {told}"), shared.look.quiet()))));
            }
            (Ok(()), None, Content::Here(_)) => {}
        }
    }
}

#[cfg(test)]
mod out_of_reach;
#[cfg(test)]
mod own_company;

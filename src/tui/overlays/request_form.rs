//! Request service (S2-40 … S2-45): service by its first letters, urgency by a
//! digit, and it can be sent; caller, driver, complaint and the rest are there
//! for those who need them.

use std::collections::BTreeMap;

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use ratatui_textarea::{CursorMove, TextArea, WrapMode};

use super::service_choice::ServiceChoice;
use crate::api::asset::AssetHeader;
use crate::api::ids::AssetId;
use crate::api::operation::{ListServiceCodes, OfAsset, RequestService, RequestServiceByUnit};
use crate::api::page::{Nothing, Page};
use crate::api::place::{ServiceCode, ServiceCodeQuery};
use crate::api::service::{Caller, NewRequest, NewRequestByUnit, RequestAccepted};
use crate::client::Call;
use crate::rules::request::urgency_in_words;
use crate::text::clean_text;
use crate::tui::command::{Command, Place};
use crate::tui::draft::Draft;
use crate::tui::event::{Reply, Ticket};
use crate::tui::layer::{Cx, Intent, Layer, Subject, Tone};
use crate::tui::posted::Posted;
use crate::tui::sending::Sending;
use crate::tui::shared::Shared;
use crate::tui::style::Look;
use crate::tui::widgets::{Form, FormField, boxed, cut, line};

/// What has the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    Unit,
    Service,
    Complaint,
    Fields,
}

/// The form.
#[derive(Debug)]
pub(in crate::tui) struct RequestForm {
    /// None: by unit number (G-10).
    asset: Option<AssetId>,
    heading: String,
    /// The asset's number.
    name: String,
    /// The unit number, where the asset may not be looked at.
    unit: Form,
    services: ServiceChoice,
    complaint: TextArea<'static>,
    urgency: i64,
    form: Form,
    focus: Focus,
    codes: Option<Ticket>,
    confirmed: Option<Draft>,
    sending: Sending,
    /// Saved before the list of services came: sent when it is here.
    saved_early: bool,
    filled_in: bool,
}

/// Most calls are of this urgency.
const USUAL: i64 = 3;
/// Rows for the complaint.
const COMPLAINT: u16 = 3;
/// Rows above the complaint.
const ABOVE: u16 = 5;

impl RequestForm {
    /// For an asset.
    pub(in crate::tui) fn for_asset(header: &AssetHeader) -> Self {
        Self::again(header.id, &header.asset_number)
    }

    /// For an asset of that number, perhaps from the outbox.
    pub(in crate::tui) fn again(asset: AssetId, name: &str) -> Self {
        Self { name: name.to_owned(), ..Self::new(Some(asset), format!("Request service for {name}")) }
    }

    /// By unit number, for those who may ask but not look.
    pub(in crate::tui) fn by_unit() -> Self {
        let mut form = Self::new(None, "Request service by unit number".to_owned());
        form.unit = Form::new(vec![FormField::new("unit_number", "Unit number", "asset number or plate")]);
        form.form.fields.insert(0, FormField::new("organization", "Organization", "code; only where the number stands in several"));
        form.focus = Focus::Unit;
        form
    }

    fn new(asset: Option<AssetId>, heading: String) -> Self {
        let mut form = Form::new(vec![
            FormField::new("first", "Caller first", "filled in from who signed in"),
            FormField::new("last", "Caller last", ""),
            FormField::new("phone", "Telephone", "this or an e-mail"),
            FormField::new("extension", "Extension", ""),
            FormField::new("email", "E-mail", "gets the notifications"),
            FormField::new("driver_first", "Driver first", "whom the shop can call"),
            FormField::new("driver_last", "Driver last", ""),
            FormField::new("driver_phone", "Driver tel.", ""),
            FormField::new("shop", "Shop", "code; empty for this shop"),
            FormField::new("po_number", "PO number", ""),
            FormField::new("note", "Note", "for the shop"),
        ]);
        form.active = false;
        Self {
            asset,
            heading,
            name: String::new(),
            unit: Form::new(Vec::new()),
            services: ServiceChoice::default(),
            complaint: complaint_saying(""),
            urgency: USUAL,
            form,
            focus: Focus::Service,
            codes: None,
            confirmed: None,
            sending: Sending::default(),
            saved_early: false,
            filled_in: false,
        }
    }

    fn posted(&self) -> Posted {
        Posted::Request { asset: self.asset, name: self.name.clone() }
    }

    /// The caller is whoever signed in, until another is typed.
    fn fill_in(&mut self, shared: &Shared) {
        let Some(user) = shared.session.as_ref().map(|session| &session.user).filter(|_| !self.filled_in) else { return };
        self.filled_in = true;
        let some = |text: &Option<String>| text.clone().unwrap_or_default();
        let known = [("first", user.first.clone()), ("last", user.last.clone()), ("phone", some(&user.phone)), ("email", some(&user.email))];
        // What it begins with: whatever else stands there somebody typed.
        self.form.rebase(&known, &[]);
    }

    fn caller(&self, shared: &Shared) -> Option<Caller> {
        let some = |name: &str| self.form.some(name);
        let typed = Caller {
            first: some("first").unwrap_or_default(),
            last: some("last").unwrap_or_default(),
            email: some("email"),
            phone: some("phone"),
            extension: some("extension"),
        };
        let user = shared.session.as_ref().map(|session| &session.user)?;
        let own = Caller { first: user.first.clone(), last: user.last.clone(), email: user.email.clone(), phone: user.phone.clone(), extension: None };
        (typed != own && !typed.is_empty()).then_some(typed)
    }

    fn complaint_text(&self) -> String {
        self.complaint.lines().join("\n").trim().to_owned()
    }

    fn body(&mut self, shared: &Shared) -> NewRequest {
        let lines = self.services.lines();
        let confirm_duplicate = self.confirmed.as_ref() == Some(&self.typed());
        let some = |name: &str| self.form.some(name);
        let driver = Caller {
            first: some("driver_first").unwrap_or_default(),
            last: some("driver_last").unwrap_or_default(),
            phone: some("driver_phone"),
            ..Caller::default()
        };
        NewRequest {
            // Sent later one may be at work in another shop.
            shop: some("shop").or_else(|| Some(shared.session.as_ref()?.shop.as_ref()?.shop.code.clone())),
            urgency: Some(self.urgency),
            complaint: Some(self.complaint_text()).filter(|text| !text.is_empty()),
            lines,
            requester: self.caller(shared),
            driver: Some(driver).filter(|driver| !driver.is_empty()),
            po_number: some("po_number"),
            authorization_number: None,
            note: some("note"),
            confirm_duplicate,
        }
    }

    fn send(&mut self, cx: &mut Cx<'_>) {
        self.saved_early = !self.services.is_settled();
        if self.saved_early {
            return;
        }
        let request = self.body(cx.shared);
        if request.lines.is_empty() && request.complaint.is_none() {
            // Kept off line, it would be refused when nobody remembers it.
            self.refuse(&[("complaint".to_owned(), String::new())].into());
            return cx.say(Tone::Warning, "Say what is wrong, or choose a service.");
        }
        let call = match self.asset {
            Some(id) => Call::of::<RequestService>(&OfAsset { id }, &Nothing {}, &request),
            None => {
                let body = NewRequestByUnit { unit_number: self.unit.text("unit_number").to_owned(), organization: self.form.some("organization"), request };
                Call::of::<RequestServiceByUnit>(&Nothing {}, &Nothing {}, &body)
            }
        };
        let unit = if self.asset.is_some() { self.name.as_str() } else { self.unit.text("unit_number") };
        let title = format!("Service request for {unit}");
        self.sending.post(self.posted().post(title, self.typed(), call), cx);
    }

    /// All that it says.
    fn typed(&self) -> Draft {
        [self.unit.typed(), self.form.typed(), self.beside_the_fields(), vec![self.urgency_typed()]].concat()
    }

    /// All that somebody changed in it, for the next time; nothing where nobody
    /// did. What is filled in by itself may be another by then.
    fn changed(&self) -> Draft {
        let mut changed = [self.unit.draft(), self.form.draft(), self.beside_the_fields()].concat();
        if !changed.is_empty() || self.urgency != USUAL {
            changed.push(self.urgency_typed());
        }
        changed
    }

    /// Complaint and services: those chosen, and what is typed for one and was not
    /// entered yet, which counts when it is sent.
    fn beside_the_fields(&self) -> Draft {
        let texts = [("complaint", self.complaint_text()), ("services", self.services.in_lines()), ("service", self.services.field.text().to_owned())];
        texts.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name.to_owned(), text)).collect()
    }

    fn urgency_typed(&self) -> (String, String) {
        ("urgency".to_owned(), self.urgency.to_string())
    }

    fn restore(&mut self, draft: &Draft) {
        self.form.restore(draft);
        self.unit.restore(draft);
        let text = |name: &str| draft.iter().find(|(field, _)| field == name).map_or("", |(_, text)| text.as_str());
        self.complaint = complaint_saying(text("complaint"));
        self.urgency = text("urgency").parse().unwrap_or(self.urgency);
        self.services.other = text("services").lines().map(str::to_owned).collect();
        self.services.field.set(text("service"));
    }

    /// The forms' fields, service and complaint are one ring.
    fn next(&mut self, forward: bool) {
        let stops = self.stops();
        let now = stops.iter().position(|stop| *stop == (self.focus, self.field_at())).unwrap_or(0);
        let step = if forward { 1 } else { stops.len() - 1 };
        let (focus, at) = stops[(now + step) % stops.len()];
        self.focus = focus;
        match focus {
            Focus::Unit => self.unit.at = at,
            Focus::Fields => self.form.at = at,
            Focus::Service | Focus::Complaint => {}
        }
        self.mark_active();
    }

    /// Everything that can have the cursor, from top to bottom.
    fn stops(&self) -> Vec<(Focus, usize)> {
        let unit = (0..self.unit.fields.len()).map(|at| (Focus::Unit, at));
        let fields = (0..self.form.fields.len()).map(|at| (Focus::Fields, at));
        unit.chain([(Focus::Service, 0), (Focus::Complaint, 0)]).chain(fields).collect()
    }

    fn field_at(&self) -> usize {
        match self.focus {
            Focus::Unit => self.unit.at,
            Focus::Fields => self.form.at,
            Focus::Service | Focus::Complaint => 0,
        }
    }

    fn mark_active(&mut self) {
        self.unit.active = self.focus == Focus::Unit;
        self.form.active = self.focus == Focus::Fields;
    }

    /// Marks what the server refused, and puts the cursor there.
    fn refuse(&mut self, faults: &BTreeMap<String, String>) {
        self.unit.refuse(faults.clone());
        self.form.refuse(faults.clone());
        let refused = |form: &Form| form.fields.iter().any(|field| faults.contains_key(field.name));
        if refused(&self.unit) {
            self.focus = Focus::Unit;
        } else if faults.contains_key("lines") {
            self.focus = Focus::Service;
        } else if faults.contains_key("complaint") {
            self.focus = Focus::Complaint;
        } else if refused(&self.form) {
            self.focus = Focus::Fields;
        }
        self.mark_active();
    }

    fn service_key(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Enter => self.services.add(),
            KeyCode::Char(digit @ '1'..='4') if self.services.field.is_empty() && key.modifiers.is_empty() => {
                self.urgency = i64::from(u32::from(digit) - u32::from('0'));
            }
            KeyCode::Backspace if self.services.field.is_empty() => self.services.take_back(),
            KeyCode::Down => self.next(true),
            KeyCode::Up => self.next(false),
            _ => {
                self.services.field.key(key);
            }
        }
    }

    fn filed(&self, body: &[u8], cx: &mut Cx<'_>) {
        match serde_json::from_slice::<RequestAccepted>(body) {
            Ok(filed) => cx.say(Tone::Fine, format!("{} was sent.", filed.number)),
            Err(error) => cx.say(Tone::Error, format!("Sent, but the answer cannot be read: {error}")),
        }
        if let Some(asset) = self.asset {
            cx.want(Intent::Changed(Subject::Asset(asset)));
        }
        cx.want(Intent::Done);
    }

    fn inside(area: Rect) -> Rect {
        Rect { x: area.x + 1, y: area.y + 1, width: area.width.saturating_sub(2), height: area.height.saturating_sub(2) }
    }

    /// Below the unit number, where that is asked for.
    fn below_unit(&self, inside: Rect) -> Rect {
        let above = self.unit.height().min(inside.height);
        Rect { y: inside.y + above, height: inside.height - above, ..inside }
    }

    fn complaint_area(below: Rect) -> Rect {
        Rect {
            x: below.x + 2,
            y: below.y + ABOVE.min(below.height),
            width: below.width.saturating_sub(4),
            height: COMPLAINT.min(below.height.saturating_sub(ABOVE)),
        }
    }

    fn fields_area(inside: Rect) -> Rect {
        let above = ABOVE + COMPLAINT + 1;
        Rect { y: inside.y + above.min(inside.height), height: inside.height.saturating_sub(above), ..inside }
    }

    /// All four, the chosen one in brackets.
    fn urgency_line(&self, look: Look) -> Line<'static> {
        let mut spans = vec![Span::styled("  Urgency    ", look.quiet())];
        for urgency in 1..=4 {
            let words = format!("{urgency} {}", urgency_in_words(urgency));
            spans.push(if urgency == self.urgency {
                Span::styled(format!("[{words}]"), look.title())
            } else {
                Span::styled(format!(" {words} "), look.quiet())
            });
        }
        Line::from(spans)
    }

    fn head_lines(&self, shared: &Shared, room: usize) -> Vec<Line<'static>> {
        let look = shared.look;
        let here = |focus: Focus| if self.focus == focus { look.marker() } else { " " };
        let label = |focus: Focus| if self.focus == focus { look.here() } else { look.quiet() };
        let (typed, _) = self.services.field.shown(room.saturating_sub(14));
        let fitting = self.services.fitting();
        let offered = match (fitting.first(), self.services.field.is_empty(), &self.services.known) {
            (Some(first), ..) => {
                let more: Vec<&str> = fitting.iter().skip(1).take(3).map(|service| service.name.as_str()).collect();
                format!("Enter adds {}{}", first.name, if more.is_empty() { String::new() } else { format!("; also {}", more.join(", ")) })
            }
            (None, true, _) => "type its first letters; 1-4 sets the urgency".to_owned(),
            (None, false, None) => "Loading".to_owned(),
            (None, false, Some(_)) => "Enter adds it as typed".to_owned(),
        };
        let chosen = self.services.in_words();
        vec![
            Line::from(vec![
                Span::styled(format!("{} ", here(Focus::Service)), look.here()),
                Span::styled("Service     ", label(Focus::Service)),
                Span::raw(typed),
            ]),
            Line::from(Span::styled(format!("              {}", cut(&offered, room.saturating_sub(15), look)), look.quiet())),
            Line::from(vec![Span::styled("  Asked for   ", look.quiet()), Span::styled(cut(&chosen, room.saturating_sub(15), look), look.title())]),
            self.urgency_line(look),
            Line::from(vec![
                Span::styled(format!("{} ", here(Focus::Complaint)), look.here()),
                Span::styled("Complaint: what is wrong, in the customer's words", label(Focus::Complaint)),
            ]),
        ]
    }
}

/// The complaint with this in it, the cursor behind.
fn complaint_saying(text: &str) -> TextArea<'static> {
    let mut complaint = TextArea::from(text.split('\n'));
    complaint.set_wrap_mode(WrapMode::Word);
    complaint.set_cursor_line_style(ratatui::style::Style::new());
    complaint.move_cursor(CursorMove::Bottom);
    complaint.move_cursor(CursorMove::End);
    complaint
}

impl Layer for RequestForm {
    fn places(&self) -> Vec<Place> {
        vec![Place::Form, Place::Fields]
    }

    fn title(&self) -> String {
        self.heading.clone()
    }

    fn wants_text(&self) -> bool {
        true
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.fill_in(cx.shared);
        if let Some(draft) = cx.drafts.take(&self.posted().about()) {
            self.restore(&draft);
        }
        self.codes = Some(cx.call(Call::of::<ListServiceCodes>(&Nothing {}, &ServiceCodeQuery::default(), &Nothing {})));
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        match command.id {
            "form.save" => self.send(cx),
            "form.next" => self.next(true),
            "form.previous" => self.next(false),
            _ => {}
        }
    }

    fn on_key(&mut self, key: KeyEvent, _: &mut Cx<'_>) {
        match self.focus {
            Focus::Service => self.service_key(key),
            Focus::Complaint => {
                self.complaint.input(key);
            }
            Focus::Unit | Focus::Fields => match key.code {
                KeyCode::Up => self.next(false),
                KeyCode::Down | KeyCode::Enter => self.next(true),
                _ if self.focus == Focus::Unit => self.unit.key(key),
                _ => self.form.key(key),
            },
        }
    }

    fn on_paste(&mut self, text: &str, _: &mut Cx<'_>) {
        match self.focus {
            Focus::Service => self.services.field.paste(text),
            Focus::Complaint => {
                self.complaint.insert_str(clean_text(text));
            }
            Focus::Unit => self.unit.paste(text),
            Focus::Fields => self.form.paste(text),
        }
    }

    fn on_back(&mut self, cx: &mut Cx<'_>) -> bool {
        self.sending.holds_back(cx)
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        if self.codes == Some(reply.ticket) {
            let known = reply.outcome.as_ref().ok().and_then(|body| serde_json::from_slice::<Page<ServiceCode>>(body).ok());
            let known = known.map(|page| page.items).unwrap_or_default();
            // A draft keeps services in words; those that are known are codes again.
            let words = std::mem::take(&mut self.services.other);
            for word in words {
                match known.iter().find(|service| service.name == word) {
                    Some(service) => self.services.chosen.push(service.clone()),
                    None => self.services.other.push(word),
                }
            }
            self.services.loaded(known);
            if self.saved_early {
                self.send(cx);
            }
            return;
        }
        if self.sending.goes_on_without(reply, cx) {
            return;
        }
        match self.sending.take(reply) {
            Some(Ok(body)) => self.filed(body, cx),
            Some(Err(error)) => match error.problem() {
                Some(problem) if problem.code == "service_request.duplicate" => {
                    self.confirmed = Some(self.typed());
                    cx.say(Tone::Warning, format!("{} Save again sends it.", problem.detail.replace(" Send it all the same?", "")));
                }
                Some(problem) => {
                    self.refuse(&problem.fields);
                    cx.say(Tone::Error, problem.detail.clone());
                }
                None => cx.say(Tone::Error, format!("{error}. Save sends it again; it is filed once.")),
            },
            None => {}
        }
    }

    fn on_kept(&mut self, ticket: Ticket, is_kept: bool) {
        self.sending.kept(ticket, is_kept);
    }

    fn draft(&self) -> Option<(String, Draft)> {
        let typed = if self.sending.needs_no_draft() { Draft::new() } else { self.changed() };
        Some((self.posted().about(), typed))
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let title = if self.sending.is_waiting() { format!("{}: sending", self.heading) } else { self.heading.clone() };
        boxed(buffer, area, (area.width, area.height), &title, shared.look);
        self.unit.view(Self::inside(area), buffer, shared);
        let inside = self.below_unit(Self::inside(area));
        for (row, text) in (0..ABOVE).zip(self.head_lines(shared, usize::from(inside.width))) {
            line(buffer, inside, row, text);
        }
        let at = Self::complaint_area(inside);
        if at.height > 0 && at.width > 0 {
            (&self.complaint).render(at, buffer);
        }
        self.form.view(Self::fields_area(inside), buffer, shared);
    }

    fn caret(&self, area: Rect, _: &Shared) -> Option<Position> {
        let inside = self.below_unit(Self::inside(area));
        match self.focus {
            Focus::Unit => self.unit.caret(Self::inside(area)),
            Focus::Service => {
                let (_, cell) = self.services.field.shown(usize::from(inside.width).saturating_sub(14));
                Some(Position { x: inside.x + 14 + cell, y: inside.y })
            }
            Focus::Complaint => None,
            Focus::Fields => self.form.caret(Self::fields_area(inside)),
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::KeyModifiers;

    use super::*;
    use crate::tui::draft::Drafts;
    use crate::tui::shared::tried;
    use crate::tui::unsure::Unsure;

    /// Presses keys in a form that Jo opens, with what he left in it before: what
    /// he leaves now.
    fn leaves(drafts: &mut Drafts, keys: &[KeyCode]) -> Draft {
        let (shared, mut unsure, mut next_ticket) = (tried::signed_in("staff", &[]), Unsure::default(), 0);
        let mut cx = Cx { shared: &shared, drafts, unsure: &mut unsure, next_ticket: &mut next_ticket, intents: Vec::new() };
        let mut form = RequestForm::again(AssetId(uuid::Uuid::nil()), "1043");
        form.opened(&mut cx);
        for code in keys {
            match code {
                KeyCode::Tab => form.next(true),
                _ => form.on_key(KeyEvent::new(*code, KeyModifiers::NONE), &mut cx),
            }
        }
        let (about, draft) = form.draft().unwrap();
        cx.drafts.set(&about, draft.clone());
        draft
    }

    #[test]
    fn whatever_was_changed_is_there_again_and_nothing_else_is_a_draft() {
        assert_eq!(leaves(&mut Drafts::default(), &[]), [], "who only looks leaves nothing");
        let stops = RequestForm::again(AssetId(uuid::Uuid::nil()), "1043").stops().len();
        for at in 0..stops {
            let mut drafts = Drafts::default();
            let keys = [vec![KeyCode::Tab; at], vec![KeyCode::Char('7'), KeyCode::Char('x')]].concat();
            let left = leaves(&mut drafts, &keys);
            assert!(left.iter().any(|(_, text)| text.ends_with("7x")), "at {at}: {left:?}");
            assert_eq!(left.len(), 2, "that and the urgency: {left:?}");
            assert_eq!(leaves(&mut drafts, &[]), left, "and once more");
        }
    }

    #[test]
    fn services_come_back_as_they_were_entered_one_by_one() {
        let mut drafts = Drafts::default();
        let words = |text: &str| text.chars().map(KeyCode::Char).collect::<Vec<_>>();
        let keys = [words("grease, and wash"), vec![KeyCode::Enter], words("horn"), vec![KeyCode::Enter], words("bra")].concat();
        let left = leaves(&mut drafts, &keys);
        let of = |name: &str| left.iter().find(|(field, _)| field == name).map(|(_, text)| text.as_str());
        assert_eq!((of("services"), of("service")), (Some("grease, and wash\nhorn"), Some("bra")));
        assert_eq!(leaves(&mut drafts, &[]), left);
    }

    #[test]
    fn an_urgency_and_a_caller_that_was_emptied_are_kept_too() {
        let mut drafts = Drafts::default();
        let urgent = leaves(&mut drafts, &[KeyCode::Char('1')]);
        assert_eq!(urgent, [("urgency".to_owned(), "1".to_owned())]);
        let keys = [KeyCode::Tab, KeyCode::Tab, KeyCode::Backspace, KeyCode::Backspace];
        let left = leaves(&mut drafts, &keys);
        assert_eq!(left[0], ("first".to_owned(), String::new()));
        assert_eq!(leaves(&mut drafts, &[]), left);
    }
}

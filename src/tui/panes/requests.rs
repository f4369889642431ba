//! Asset 3 and customer 4: service requests, the outstanding ones on top.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Pane;
use crate::api::operation::{ListAssetRequests, ListRequests, OfAsset};
use crate::api::page::{Nothing, Page, PageQuery};
use crate::api::permission::Permission;
use crate::api::role::Limit;
use crate::api::service::{AssetRef, RequestQuery, ServiceRequest};
use crate::client::Call;
use crate::rules::request::{RequestStatus, urgency_in_words};
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Subject};
use crate::tui::overlays::ReasonForm;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, Loaded, Row, cut, line, lines, wrap};

const VIEW: Permission = Permission::named("service_request.view");
/// As many as are asked for at once.
const MOST: u32 = 50;

#[derive(Debug)]
struct Requests {
    /// The machine, or the customer with all its machines.
    subject: Subject,
    requests: Loaded<Page<ServiceRequest>>,
    cursor: Cursor,
}

pub(super) fn make(subject: Subject) -> Box<dyn Pane> {
    Box::new(Requests { subject, requests: Loaded::default(), cursor: Cursor::default() })
}

impl Requests {
    /// Outstanding ones first, otherwise as they came: the newest first.
    fn sorted(&self) -> Vec<&ServiceRequest> {
        let mut all: Vec<&ServiceRequest> = self.requests.data().map_or_else(Vec::new, |page| page.items.iter().collect());
        all.sort_by_key(|request| !request.status.is_outstanding());
        all
    }

    fn request(&self) -> Option<&ServiceRequest> {
        self.sorted().get(self.cursor.at).copied()
    }
}

impl Pane for Requests {
    fn load(&mut self, cx: &mut Cx<'_>) {
        let call = match self.subject {
            Subject::Asset(id) => Call::of::<ListAssetRequests>(&OfAsset { id }, &PageQuery { limit: Some(MOST), cursor: None }, &Nothing {}),
            Subject::Customer(id) => {
                let query = RequestQuery { customer: Some(id), limit: Some(MOST), ..RequestQuery::default() };
                Call::of::<ListRequests>(&Nothing {}, &query, &Nothing {})
            }
        };
        self.requests.load(call, cx);
    }

    fn on_reply(&mut self, reply: &Reply, _: &mut Cx<'_>) -> bool {
        let taken = self.requests.take(reply);
        self.cursor.keep_within(self.sorted().len());
        taken
    }

    /// What is asked for or cancelled on a machine's page is on its customer's too.
    fn on_changed(&mut self, changed: Subject, cx: &mut Cx<'_>) {
        if matches!((self.subject, changed), (Subject::Customer(_), Subject::Asset(_))) {
            self.load(cx);
        }
    }

    fn places(&self) -> &'static [Place] {
        &[Place::Requests, Place::Rows]
    }

    fn hindrance(&self, command: &Command) -> Option<String> {
        if command.id != "request.cancel" {
            return None;
        }
        match self.request() {
            None => Some("There is no request to cancel.".to_owned()),
            Some(request) if !request.status.may_become(RequestStatus::Cancelled) => {
                Some(format!("{} is {}; it cannot be cancelled any more.", request.number, request.status.in_words()))
            }
            Some(_) => None,
        }
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) -> bool {
        let count = self.sorted().len();
        if self.cursor.command(command, count) {
            return true;
        }
        match (command.id, self.request()) {
            ("request.cancel", Some(request)) => {
                cx.open(ReasonForm::cancel(self.subject, request));
                true
            }
            _ => false,
        }
    }

    fn badge(&self) -> Option<String> {
        let page = self.requests.data()?;
        let outstanding = page.items.iter().filter(|request| request.status.is_outstanding()).count();
        // Of those that were not asked for nobody knows.
        let more = if page.next.is_some() { "+" } else { "" };
        (outstanding > 0).then(|| format!("{outstanding}{more}"))
    }

    fn copied(&self) -> Option<String> {
        self.request().map(|request| request.number.clone())
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        self.requests.as_of(shared)
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let area = self.requests.below_notice(area, buffer, shared);
        let Some(page) = self.requests.data() else { return };
        let area = below_limit(area, buffer, shared);
        let all = self.sorted();
        if all.is_empty() {
            return line(buffer, area, 0, Line::from(Span::raw("No service requests.")));
        }
        // The one under the cursor is shown whole below the list.
        let details = 7.min(area.height / 2);
        let more = page.next.is_some();
        let room = usize::from(area.height.saturating_sub(details + u16::from(more)));
        let first = self.cursor.first_seen(room);
        let machine = machine_room(self.subject, &all);
        let text_room = usize::from(area.width).saturating_sub(49 + machine.map_or(0, |wide| wide + 1));
        let seen = all.iter().enumerate().skip(first).take(room);
        let rows = seen.map(|(at, request)| request_row(request, at == self.cursor.at, machine, text_room, shared));
        let after = lines(buffer, area, 0, rows.collect::<Vec<_>>());
        if more {
            line(buffer, area, after, Line::from(Span::styled(" More exist, older than these.", look.quiet())));
        }
        if let Some(request) = self.request() {
            let below = Rect { y: area.y + area.height - details, height: details, ..area };
            let details = request_details(request, machine.is_some(), below, shared);
            lines(buffer, below, 0, details.into_iter().map(|text| Line::from(Span::styled(text, look.quiet()))));
        }
    }
}

/// What is left below the line that says that one's role shows one's own alone.
fn below_limit(area: Rect, buffer: &mut Buffer, shared: &Shared) -> Rect {
    let limit = shared.session.as_ref().and_then(|session| session.limits.get(VIEW.name()));
    if limit != Some(&Limit::Own) {
        return area;
    }
    line(buffer, area, 0, Line::from(Span::styled(" Your role shows only those that you asked for yourself.", shared.look.quiet())));
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

/// How wide the machines' numbers are, where there are several machines and the
/// role is told of them (G-10).
fn machine_room(subject: Subject, all: &[&ServiceRequest]) -> Option<usize> {
    (matches!(subject, Subject::Customer(_)) && all.iter().any(|request| request.asset.is_some())).then_some(9)
}

fn request_row(request: &ServiceRequest, marked: bool, machine: Option<usize>, text_room: usize, shared: &Shared) -> Line<'static> {
    let look = shared.look;
    let style = if request.status.is_outstanding() { Style::new() } else { look.quiet() };
    let row = Row::new(look, marked).cell(&request.number, 13, style);
    let number = request.asset.as_ref().map_or("", |asset| &asset.asset_number);
    let row = match machine {
        Some(wide) => row.cell(number, wide, style),
        None => row,
    };
    row.cell(&request.status.in_words(), 12, style)
        .cell(&shared.day(request.requested_at), 11, look.quiet())
        .cell(if request.urgency == 1 { "DOWN" } else { "" }, 4, look.warning())
        .cell(&what(request), text_room, style)
        .done()
}

/// Maker and model, where they are known; the number stands in the row.
fn machine_in_words(machine: &AssetRef) -> Option<String> {
    let known: Vec<&str> = [machine.make.as_deref(), machine.model.as_deref()].into_iter().flatten().collect();
    (!known.is_empty()).then(|| known.join(" "))
}

fn what(request: &ServiceRequest) -> String {
    let services: Vec<&str> = request.lines.iter().map(crate::api::service::RequestLine::in_words).collect();
    let complaint = request.complaint.as_deref().unwrap_or_default().replace('\n', " ");
    if services.is_empty() { complaint } else { services.join(", ") }
}

fn request_details(request: &ServiceRequest, names_machine: bool, area: Rect, shared: &Shared) -> Vec<String> {
    let look = shared.look;
    let room = usize::from(area.width).saturating_sub(2);
    let caller = &request.requester;
    let person = format!("{} {}", caller.first, caller.last);
    let reach =
        [caller.phone.as_deref().map(crate::rules::contact::phone_for_people), caller.email.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let dot = look.dot();
    let machine = request.asset.as_ref().filter(|_| names_machine).and_then(machine_in_words).map(|machine| format!("{machine} {dot} ")).unwrap_or_default();
    let (urgency, at) = (urgency_in_words(request.urgency), shared.moment(request.requested_at));
    let mut texts = vec![
        look.rule().repeat(usize::from(area.width)),
        cut(&format!("  {machine}{} {dot} {urgency} {dot} {at}", request.shop.name), room, look),
        cut(&format!("  Asked by {} {dot} {reach}", person.trim()), room, look),
    ];
    if let Some(reason) = request.cancel_reason.as_ref().or(request.decline_reason.as_ref()) {
        texts.push(cut(&format!("  Because: {reason}"), room, look));
    }
    if let Some(complaint) = &request.complaint {
        texts.extend(wrap(complaint, room).into_iter().map(|text| format!("  {text}")));
    }
    texts
}

//! Asset 3: its service requests, the outstanding ones on top.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Pane;
use super::identification::asset_of;
use crate::api::ids::AssetId;
use crate::api::operation::{ListAssetRequests, OfAsset};
use crate::api::page::{Nothing, Page, PageQuery};
use crate::api::service::ServiceRequest;
use crate::client::Call;
use crate::rules::request::{RequestStatus, urgency_in_words};
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Subject};
use crate::tui::overlays::ReasonForm;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, Loaded, Row, cut, line, lines, wrap};

#[derive(Debug)]
struct Requests {
    asset: AssetId,
    requests: Loaded<Page<ServiceRequest>>,
    cursor: Cursor,
}

pub(super) fn make(subject: Subject) -> Box<dyn Pane> {
    Box::new(Requests { asset: asset_of(subject), requests: Loaded::default(), cursor: Cursor::default() })
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
        let query = PageQuery { limit: Some(50), cursor: None };
        self.requests.load(Call::of::<ListAssetRequests>(&OfAsset { id: self.asset }, &query, &Nothing {}), cx);
    }

    fn on_reply(&mut self, reply: &Reply, _: &mut Cx<'_>) -> bool {
        let taken = self.requests.take(reply);
        self.cursor.keep_within(self.sorted().len());
        taken
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
                cx.open(ReasonForm::cancel(self.asset, request));
                true
            }
            _ => false,
        }
    }

    fn badge(&self) -> Option<String> {
        let outstanding = self.requests.data()?.items.iter().filter(|request| request.status.is_outstanding()).count();
        (outstanding > 0).then(|| outstanding.to_string())
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
        let all = self.sorted();
        if all.is_empty() && self.requests.data().is_some() {
            return line(buffer, area, 0, Line::from(Span::raw("No service requests.")));
        }
        // The one under the cursor is shown whole below the list.
        let details = 7.min(area.height / 2);
        let room = usize::from(area.height.saturating_sub(details));
        let first = self.cursor.first_seen(room);
        let text_room = usize::from(area.width).saturating_sub(49);
        let rows = all.iter().enumerate().skip(first).take(room).map(|(at, request)| request_row(request, at == self.cursor.at, text_room, shared));
        lines(buffer, area, 0, rows.collect::<Vec<_>>());
        if let Some(request) = self.request() {
            let below = Rect { y: area.y + area.height - details, height: details, ..area };
            lines(buffer, below, 0, request_details(request, below, shared).into_iter().map(|text| Line::from(Span::styled(text, look.quiet()))));
        }
    }
}

fn request_row(request: &ServiceRequest, marked: bool, text_room: usize, shared: &Shared) -> Line<'static> {
    let look = shared.look;
    let style = if request.status.is_outstanding() { Style::new() } else { look.quiet() };
    Row::new(look, marked)
        .cell(&request.number, 13, style)
        .cell(&request.status.in_words(), 12, style)
        .cell(&shared.day(request.requested_at), 11, look.quiet())
        .cell(if request.urgency == 1 { "DOWN" } else { "" }, 4, look.warning())
        .cell(&what(request), text_room, style)
        .done()
}

fn what(request: &ServiceRequest) -> String {
    let services: Vec<&str> = request.lines.iter().map(crate::api::service::RequestLine::in_words).collect();
    let complaint = request.complaint.as_deref().unwrap_or_default().replace('\n', " ");
    if services.is_empty() { complaint } else { services.join(", ") }
}

fn request_details(request: &ServiceRequest, area: Rect, shared: &Shared) -> Vec<String> {
    let look = shared.look;
    let room = usize::from(area.width).saturating_sub(2);
    let caller = &request.requester;
    let person = format!("{} {}", caller.first, caller.last);
    let reach =
        [caller.phone.as_deref().map(crate::rules::contact::phone_for_people), caller.email.clone()].into_iter().flatten().collect::<Vec<_>>().join(", ");
    let dot = look.dot();
    let mut texts = vec![
        look.rule().repeat(usize::from(area.width)),
        cut(&format!("  {} {dot} {} {dot} {}", request.shop.name, urgency_in_words(request.urgency), shared.moment(request.requested_at)), room, look),
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

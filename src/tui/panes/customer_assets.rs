//! Customer 1: its assets. Enter opens one.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Pane;
use crate::api::asset::AssetHeader;
use crate::api::ids::CustomerId;
use crate::api::operation::{ListCustomerAssets, OfCustomer};
use crate::api::page::{MAX_LIMIT, Nothing, Page, PageQuery};
use crate::client::Call;
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Subject};
use crate::tui::record::Record;
use crate::tui::screens::machine;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, Loaded, Row, counted, line, lines};

#[derive(Debug)]
struct CustomerAssets {
    customer: CustomerId,
    assets: Loaded<Page<AssetHeader>>,
    cursor: Cursor,
}

pub(super) fn make(subject: Subject) -> Box<dyn Pane> {
    let Subject::Customer(customer) = subject else { return super::identification::make(subject) };
    Box::new(CustomerAssets { customer, assets: Loaded::default(), cursor: Cursor::default() })
}

impl Pane for CustomerAssets {
    fn load(&mut self, cx: &mut Cx<'_>) {
        let query = PageQuery { limit: Some(MAX_LIMIT), cursor: None };
        self.assets.load(Call::of::<ListCustomerAssets>(&OfCustomer { id: self.customer }, &query, &Nothing {}), cx);
    }

    fn on_reply(&mut self, reply: &Reply, _: &mut Cx<'_>) -> bool {
        self.assets.take(reply)
    }

    fn places(&self) -> &'static [Place] {
        &[Place::List, Place::Rows]
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) -> bool {
        let items = self.assets.data().map_or(&[][..], |page| &page.items);
        if self.cursor.command(command, items.len()) {
            return true;
        }
        match (command.id, items.get(self.cursor.at)) {
            ("list.open", Some(header)) => {
                cx.open(Record::asset(header.clone(), self.assets.said_at(cx.shared)));
                true
            }
            _ => false,
        }
    }

    fn badge(&self) -> Option<String> {
        self.assets.data().map(counted)
    }

    fn copied(&self) -> Option<String> {
        self.assets.data()?.items.get(self.cursor.at).map(|header| header.asset_number.clone())
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        self.assets.as_of(shared)
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let area = self.assets.below_notice(area, buffer, shared);
        let Some(page) = self.assets.data() else { return };
        if page.items.is_empty() {
            return line(buffer, area, 0, Line::from(Span::raw("No assets.")));
        }
        let height = usize::from(area.height);
        let all_fit = page.next.is_none() && page.items.len() <= height;
        let room = if all_fit { height } else { height.saturating_sub(1) };
        let first = self.cursor.first_seen(room);
        let machine_room = usize::from(area.width).saturating_sub(50);
        let rows = page.items.iter().enumerate().skip(first).take(room).map(|(at, header)| {
            let marked = at == self.cursor.at;
            let plate = header.more.as_ref().and_then(|more| more.plate.as_deref()).unwrap_or_default();
            Row::new(look, marked)
                .cell(&header.asset_number, 10, Style::new())
                .cell(plate, 10, Style::new())
                .cell(&machine(header), machine_room, Style::new())
                .cell(&header.organization.code, 12, look.quiet())
                .cell(if header.status.takes_requests() { "" } else { header.status.name() }, 9, look.warning())
                .done()
        });
        lines(buffer, area, 0, rows);
        if !all_fit {
            let last = (first + room).min(page.items.len());
            let said = match page.next {
                Some(_) => format!("  {} to {last} of the first {}; find others by their number.", first + 1, page.items.len()),
                None => format!("  {} to {last} of {}", first + 1, page.items.len()),
            };
            line(buffer, area, area.height.saturating_sub(1), Line::from(Span::styled(said, look.quiet())));
        }
    }
}

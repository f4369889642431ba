//! Asset 4: repairs, open (on a work order) and pending (S2-22).

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::Pane;
use super::identification::asset_of;
use crate::api::ids::AssetId;
use crate::api::operation::{ListRepairs, OfAsset};
use crate::api::page::{Nothing, Page};
use crate::api::service::{Repair, RepairQuery, RepairState};
use crate::client::Call;
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Subject};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, Loaded, Row, line, lines};

#[derive(Debug)]
struct Repairs {
    asset: AssetId,
    repairs: Loaded<Page<Repair>>,
    cursor: Cursor,
}

pub(super) fn make(subject: Subject) -> Box<dyn Pane> {
    Box::new(Repairs { asset: asset_of(subject), repairs: Loaded::default(), cursor: Cursor::default() })
}

impl Pane for Repairs {
    fn load(&mut self, cx: &mut Cx<'_>) {
        self.repairs.load(Call::of::<ListRepairs>(&OfAsset { id: self.asset }, &RepairQuery::default(), &Nothing {}), cx);
    }

    fn on_reply(&mut self, reply: &Reply, _: &mut Cx<'_>) -> bool {
        self.repairs.take(reply)
    }

    fn places(&self) -> &'static [Place] {
        &[Place::Rows]
    }

    fn on_command(&mut self, command: &'static Command, _: &mut Cx<'_>) -> bool {
        let count = self.repairs.data().map_or(0, |page| page.items.len());
        self.cursor.command(command, count)
    }

    fn badge(&self) -> Option<String> {
        self.repairs.data().map(|page| page.items.len()).filter(|count| *count > 0).map(|count| count.to_string())
    }

    fn copied(&self) -> Option<String> {
        self.repairs.data()?.items.get(self.cursor.at).map(|repair| repair.description.clone())
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        self.repairs.as_of(shared)
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let area = self.repairs.below_notice(area, buffer, shared);
        let Some(page) = self.repairs.data() else { return };
        if page.items.is_empty() {
            return line(buffer, area, 0, Line::from(Span::raw("No open or pending repairs.")));
        }
        let room = usize::from(area.height);
        let first = self.cursor.first_seen(room);
        let text_room = usize::from(area.width).saturating_sub(44);
        let rows = page.items.iter().enumerate().skip(first).take(room).map(|(at, repair)| {
            let marked = at == self.cursor.at;
            let about = match (&repair.reason, &repair.status) {
                (Some(reason), _) => format!("{} ({reason})", repair.description),
                _ => repair.description.clone(),
            };
            Row::new(look, marked)
                .cell(repair.state.name(), 7, if repair.state == RepairState::Open { Style::new() } else { look.quiet() })
                .cell(&about, text_room, Style::new())
                .cell(repair.status.as_deref().unwrap_or_default(), 20, look.quiet())
                .cell(&shared.day(repair.found_at), 11, look.quiet())
                .done()
        });
        lines(buffer, area, 0, rows.collect::<Vec<_>>());
    }
}

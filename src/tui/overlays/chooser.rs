//! Several machines bear the number: choose by digit or Enter (S2-8). Nothing
//! is chosen for the person.

use crossterm::event::{KeyCode, KeyEvent};
use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::api::asset::LookupHit;
use crate::tui::command::{Command, Place};
use crate::tui::layer::{Cx, Intent, Layer};
use crate::tui::record::Record;
use crate::tui::screens::machine;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, Row, boxed, line, lines};

/// The hits to choose from.
#[derive(Debug)]
pub(in crate::tui) struct AssetChooser {
    tag: String,
    hits: Vec<LookupHit>,
    /// When the server said so.
    said_at: Timestamp,
    cursor: Cursor,
}

impl AssetChooser {
    /// For a tag and its hits, as the server said them.
    pub(in crate::tui) fn new(tag: &str, hits: Vec<LookupHit>, said_at: Timestamp) -> Self {
        Self { tag: tag.to_owned(), hits, said_at, cursor: Cursor::default() }
    }

    fn choose(&self, at: usize, cx: &mut Cx<'_>) {
        if let Some(hit) = self.hits.get(at) {
            cx.want(Intent::Close);
            cx.open(Record::asset(hit.asset.clone(), self.said_at));
        }
    }

    fn heading(&self) -> String {
        let mut owners: Vec<&str> = self.hits.iter().map(|hit| hit.asset.organization.code.as_str()).collect();
        owners.sort_unstable();
        owners.dedup();
        match owners.len() {
            1 => format!("\"{}\" means {} machines: choose", self.tag, self.hits.len()),
            several => format!("\"{}\" is in {several} organizations: choose", self.tag),
        }
    }
}

impl Layer for AssetChooser {
    fn places(&self) -> Vec<Place> {
        vec![Place::List, Place::Rows]
    }

    fn title(&self) -> String {
        "Choose".to_owned()
    }

    fn is_over(&self) -> bool {
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if !self.cursor.command(command, self.hits.len()) && command.id == "list.open" {
            self.choose(self.cursor.at, cx);
        }
    }

    fn on_key(&mut self, key: KeyEvent, cx: &mut Cx<'_>) {
        if let KeyCode::Char(digit @ '1'..='9') = key.code {
            self.choose(usize::try_from(u32::from(digit) - u32::from('1')).unwrap_or(0), cx);
        }
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let height = u16::try_from(self.hits.len()).unwrap_or(10).min(12) + 4;
        let inside = boxed(buffer, area, (area.width.saturating_sub(4), height), &self.heading(), look);
        let room = usize::from(inside.height.saturating_sub(2));
        let first = self.cursor.first_seen(room);
        let owner_room = usize::from(inside.width).saturating_sub(59);
        let rows = self.hits.iter().enumerate().skip(first).take(room).map(|(at, hit)| {
            let digit = if at < 9 { (at + 1).to_string() } else { String::new() };
            let plate = hit.asset.more.as_ref().and_then(|more| more.plate.as_deref()).unwrap_or_default();
            Row::new(look, at == self.cursor.at)
                .cell(&digit, 1, look.key())
                .cell(&hit.asset.organization.name, owner_room, Style::new())
                .cell(&hit.asset.asset_number, 9, Style::new())
                .cell(plate, 9, Style::new())
                .cell(&machine(&hit.asset), 20, Style::new())
                .cell(hit.matched_by.in_words(), 12, look.quiet())
                .done()
        });
        lines(buffer, inside, 0, rows.collect::<Vec<_>>());
        line(buffer, inside, inside.height.saturating_sub(1), Line::from(Span::styled(" A digit or Enter chooses.", look.quiet())));
    }
}

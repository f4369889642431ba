//! One act of a record's history, whole.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::api::audit::AuditEntry;
use crate::tui::command::{Command, Place};
use crate::tui::layer::{Cx, Intent, Layer};
use crate::tui::panes::{act_in_words, change_in_words, on_what};
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, boxed, lines, wrap};

/// Cells of the names on the left.
const NAMES: usize = 16;
/// Cells of a line, to know how far can be scrolled.
const ROOM: usize = 74;

/// An act with everything it changed.
#[derive(Debug)]
pub(in crate::tui) struct EntryView {
    entry: AuditEntry,
    /// Where it is scrolled to.
    cursor: Cursor,
}

impl EntryView {
    /// Of one act.
    pub(in crate::tui) fn new(entry: AuditEntry) -> Self {
        Self { entry, cursor: Cursor::default() }
    }

    /// Names and what stands beside them.
    fn pairs(&self, shared: &Shared) -> Vec<(String, String)> {
        let entry = &self.entry;
        let named = |name: &str, value: Option<&String>| value.map(|value| (name.to_owned(), value.clone()));
        let facts = [
            Some(("When".to_owned(), shared.moment(entry.at))),
            Some(("Who".to_owned(), format!("{} ({})", entry.actor, entry.actor_kind.replace('_', " ")))),
            named("For", entry.on_behalf_of.as_ref()),
            Some(("What".to_owned(), act_in_words(entry))),
            Some(("On".to_owned(), on_what(entry))),
            named("Because", entry.reason.as_ref()),
            named("From", entry.came_from.as_ref()),
            named("Request", entry.request_id.as_ref()),
        ];
        let changes = entry.changes.iter().map(|(field, change)| (field.replace('_', " "), change_in_words(change, shared.look)));
        facts.into_iter().flatten().chain(changes).collect()
    }

    fn texts(&self, shared: &Shared, room: usize) -> Vec<Line<'static>> {
        let mut shown = Vec::new();
        for (name, value) in self.pairs(shared) {
            let mut names = wrap(&name, NAMES).into_iter();
            let mut values = wrap(&value, room.saturating_sub(NAMES + 3)).into_iter();
            loop {
                let (name, value) = (names.next(), values.next());
                if name.is_none() && value.is_none() {
                    break;
                }
                let name = Span::styled(format!(" {:<NAMES$}  ", name.unwrap_or_default()), shared.look.quiet());
                shown.push(Line::from(vec![name, Span::styled(value.unwrap_or_default(), Style::new())]));
            }
        }
        shown
    }
}

impl Layer for EntryView {
    fn places(&self) -> Vec<Place> {
        vec![Place::List, Place::Rows]
    }

    fn title(&self) -> String {
        "One act".to_owned()
    }

    fn is_over(&self) -> bool {
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if command.id == "list.open" {
            return cx.want(Intent::Close);
        }
        let count = self.texts(cx.shared, ROOM).len();
        self.cursor.command(command, count);
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let wide = area.width.saturating_sub(4).min(100);
        let texts = self.texts(shared, usize::from(wide).saturating_sub(2));
        let high = u16::try_from(texts.len()).unwrap_or(u16::MAX).saturating_add(2).min(area.height);
        let inside = boxed(buffer, area, (wide, high), &act_in_words(&self.entry), shared.look);
        // The cursor scrolls; nothing is chosen here.
        let first = self.cursor.at.min(texts.len().saturating_sub(usize::from(inside.height)));
        lines(buffer, inside, 0, texts.into_iter().skip(first).take(usize::from(inside.height)));
    }
}

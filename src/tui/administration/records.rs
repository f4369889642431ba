//! A list of records, as most sections show one: loading, empty, failed, rows
//! in columns, the cursor, and that more exist. A section says only what stands
//! in a row and what its keys do.

use std::fmt::Debug;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde::de::DeserializeOwned;

use crate::api::page::{MAX_LIMIT, Page, PageQuery};
use crate::client::Call;
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::Cx;
use crate::tui::panes::Pane;
use crate::tui::shared::Shared;
use crate::tui::style::Look;
use crate::tui::widgets::{Cursor, Loaded, Row, line, lines, wrap};

/// What each column is called and how wide it is; 0 takes what is left.
pub(super) type Columns = &'static [(&'static str, usize)];

/// A record that stands in a list.
pub(super) trait Listed: Clone + Debug + DeserializeOwned + 'static {
    /// Where its own keys count.
    const PLACES: &'static [Place];
    /// Its columns.
    const COLUMNS: Columns;
    /// Said where there is none.
    const EMPTY: &'static str;
    /// Said below the list.
    const NOTE: &'static str = "";

    /// The call that gives a page of them.
    fn list(page: PageQuery) -> Call;

    /// What stands in its columns.
    fn texts(&self) -> Vec<String>;

    /// What `copy` takes.
    fn copied(&self) -> String;

    /// Whether it stands back: disabled, or out of use.
    fn is_quiet(&self) -> bool {
        false
    }

    /// Enter.
    fn open(&self, cx: &mut Cx<'_>);

    /// A key of its own places. True if it was one.
    fn command(_marked: Option<&Self>, _command: &'static Command, _cx: &mut Cx<'_>) -> bool {
        false
    }
}

/// The records of a section.
#[derive(Debug)]
struct Records<T> {
    page: Loaded<Page<T>>,
    /// Those of all pages so far.
    items: Vec<T>,
    /// The cursor of the next page.
    more: Option<String>,
    /// Whether the page on its way is a further one.
    appends: bool,
    cursor: Cursor,
}

/// A section that is a list.
pub(super) fn make<T: Listed>() -> Box<dyn Pane> {
    Box::new(Records::<T> { page: Loaded::default(), items: Vec::new(), more: None, appends: false, cursor: Cursor::default() })
}

impl<T: Listed> Records<T> {
    fn marked(&self) -> Option<&T> {
        self.items.get(self.cursor.at)
    }

    /// Whoever goes on at the last row gets the next page.
    fn go_on(&mut self, command: &Command, cx: &mut Cx<'_>) {
        let at_the_end = self.cursor.at + 1 >= self.items.len() && matches!(command.id, "list.down" | "list.page_down" | "list.last");
        if at_the_end
            && !self.appends
            && let Some(next) = &self.more
        {
            let query = PageQuery { limit: Some(MAX_LIMIT), cursor: Some(next.clone()) };
            self.page.load(T::list(query), cx);
            self.appends = true;
        }
    }

    fn notes(&self, room: usize) -> Vec<String> {
        let mut notes = Vec::new();
        if self.more.is_some() {
            notes.push(format!("The first {} are shown, more exist: go on down for them.", self.items.len()));
        }
        if !T::NOTE.is_empty() && !self.items.is_empty() {
            notes.extend(wrap(T::NOTE, room));
        }
        notes
    }
}

impl<T: Listed> Pane for Records<T> {
    fn load(&mut self, cx: &mut Cx<'_>) {
        self.appends = false;
        self.page.load(T::list(PageQuery { limit: Some(MAX_LIMIT), cursor: None }), cx);
    }

    fn on_reply(&mut self, reply: &Reply, _: &mut Cx<'_>) -> bool {
        if !self.page.take(reply) {
            return false;
        }
        let appends = std::mem::take(&mut self.appends);
        match (self.page.data(), self.page.failure()) {
            (Some(page), None) => {
                if !appends {
                    self.items.clear();
                }
                self.items.extend(page.items.iter().cloned());
                self.more = page.next.clone();
            }
            (None, _) => {
                self.items.clear();
                self.more = None;
            }
            // What was there stays, under the line that says so.
            (Some(_), Some(_)) => {}
        }
        self.cursor.keep_within(self.items.len());
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) -> bool {
        self.go_on(command, cx);
        if self.cursor.command(command, self.items.len()) {
            return true;
        }
        if command.id == "list.open" {
            if let Some(item) = self.marked() {
                item.open(cx);
            }
            return true;
        }
        T::command(self.marked(), command, cx)
    }

    fn places(&self) -> &'static [Place] {
        T::PLACES
    }

    fn copied(&self) -> Option<String> {
        self.marked().map(T::copied)
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        self.page.as_of(shared)
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let room = usize::from(area.width).saturating_sub(2);
        let mut from = self.page.say_notice(area, 0, buffer, shared);
        if self.items.is_empty() {
            if self.page.data().is_some() {
                lines(buffer, area, from, wrap(T::EMPTY, room).into_iter().map(|text| Line::from(Span::raw(format!("  {text}")))));
            }
            return;
        }
        let notes = self.notes(room);
        let below = u16::try_from(notes.len()).unwrap_or(0);
        line(buffer, area, from, heading(T::COLUMNS, area.width, look));
        from += 1;
        let high = usize::from(area.height.saturating_sub(from + below));
        let rows = self.items.iter().enumerate().skip(self.cursor.first_seen(high)).take(high);
        let rows = rows.map(|(at, item)| cells(T::COLUMNS, &item.texts(), (at == self.cursor.at, item.is_quiet()), area.width, look));
        lines(buffer, area, from, rows.collect::<Vec<_>>());
        let notes = notes.into_iter().map(|text| Line::from(Span::styled(format!("  {text}"), look.quiet())));
        lines(buffer, area, area.height.saturating_sub(below), notes);
    }
}

/// The line above the rows.
pub(super) fn heading(columns: Columns, wide: u16, look: Look) -> Line<'static> {
    let titles: Vec<String> = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    cells(columns, &titles, (false, true), wide, look)
}

/// A row of columns: whether it is marked, and whether it stands back.
pub(super) fn cells(columns: Columns, texts: &[String], (marked, quiet): (bool, bool), wide: u16, look: Look) -> Line<'static> {
    let used: usize = 2 + columns.iter().map(|(_, wide)| wide + 1).sum::<usize>();
    let left = usize::from(wide).saturating_sub(used);
    let mut row = Row::new(look, marked);
    let style = if quiet { look.quiet() } else { Style::new() };
    for ((_, wide), text) in columns.iter().zip(texts) {
        row = row.cell(text, if *wide == 0 { left } else { *wide }, style);
    }
    row.done()
}

/// Draws the page of lines on which the marked one stands.
pub(super) fn scrolled(buffer: &mut Buffer, area: Rect, texts: Vec<Line<'static>>, marked: usize) {
    let high = usize::from(area.height);
    let first = Cursor { at: marked, moved: true }.first_seen(high);
    lines(buffer, area, 0, texts.into_iter().skip(first).take(high));
}

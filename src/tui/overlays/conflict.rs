//! Two people changed one record (412): what stands there now beside what was
//! typed, field by field, and whoever came second decides. The form layer holds
//! one while something is to be decided; nobody else opens it.

use std::fmt::Display;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::api::audit::{AuditDepth, AuditEntry, AuditQuery};
use crate::api::ids::{CustomerId, UserId};
use crate::api::operation::{CustomerHistory, OfCustomer, OfUser, UserHistory};
use crate::api::page::{Nothing, Page};
use crate::client::Call;
use crate::tui::command::{Command, named};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Tone};
use crate::tui::shared::Shared;
use crate::tui::style::Look;
use crate::tui::widgets::{Contested, Cursor, Loaded, Row, Said, boxed, cut, line, lines, rule, wrap};

/// Cells at most.
const WIDE: u16 = 110;
/// Rows beside those of fields and whole texts: border, two headings, rule,
/// keys, border.
const AROUND: usize = 6;
/// Cells of a field's name.
const NAME: usize = 14;
/// Rows at most of one whole text.
const WHOLE: usize = 3;
/// Of so many acts the last ones are looked through for who it was.
const RECENT: u32 = 20;

/// Both versions of a record.
#[derive(Debug)]
pub(super) struct Conflict {
    /// The record as it is now.
    now: Said,
    fields: Vec<Asked>,
    cursor: Cursor,
    history: Loaded<Page<AuditEntry>>,
    /// The record's id in the history.
    record: String,
}

/// A field and whose text is to stand.
#[derive(Debug)]
struct Asked {
    field: Contested,
    choice: Option<Side>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Theirs,
    Mine,
}

/// What was decided.
#[derive(Debug)]
pub(super) struct Decided {
    /// The record that the form goes on from.
    pub(super) now: Said,
    /// The fields in which the other's text stands.
    pub(super) given_up: Vec<&'static str>,
}

/// The history of a customer, where it is told who changed a record of it.
pub(super) fn in_history_of(customer: CustomerId, record: impl Display) -> (Call, String) {
    (Call::of::<CustomerHistory>(&OfCustomer { id: customer }, &recent(), &Nothing {}), record.to_string())
}

/// The same of a user, which is the record.
pub(in crate::tui) fn in_history_of_user(user: UserId) -> (Call, String) {
    (Call::of::<UserHistory>(&OfUser { id: user }, &recent(), &Nothing {}), user.to_string())
}

const fn recent() -> AuditQuery {
    AuditQuery { depth: AuditDepth::Extended, limit: Some(RECENT), cursor: None }
}

impl Conflict {
    /// To decide about these fields of the record as it is now. Where its
    /// history is told and may be seen, it says who changed them.
    pub(super) fn new(now: Said, contested: Vec<Contested>, history: Option<(Call, String)>, cx: &mut Cx<'_>) -> Self {
        let fields = contested.into_iter().map(|field| Asked { field, choice: None }).collect();
        let mut conflict = Self { now, fields, cursor: Cursor::default(), history: Loaded::default(), record: String::new() };
        if let Some((call, record)) = history
            && cx.shared.access(call.endpoint.needs).is_ok()
        {
            conflict.record = record;
            conflict.history.load(call, cx);
        }
        conflict
    }

    /// A command of its place; when all is decided, what was.
    pub(super) fn command(&mut self, command: &Command, cx: &mut Cx<'_>) -> Option<Decided> {
        if self.cursor.command(command, self.fields.len()) {
            return None;
        }
        let (from, to) = (self.cursor.at, self.cursor.at + 1);
        match command.id {
            "conflict.theirs" => self.choose(Side::Theirs, from, to),
            "conflict.mine" => self.choose(Side::Mine, from, to),
            "conflict.all_theirs" => self.choose(Side::Theirs, 0, usize::MAX),
            "conflict.all_mine" => self.choose(Side::Mine, 0, usize::MAX),
            "conflict.merge" => return self.decided(cx),
            _ => {}
        }
        None
    }

    /// Takes the answer that tells who it was.
    pub(super) fn take(&mut self, reply: &Reply) -> bool {
        self.history.take(reply)
    }

    fn choose(&mut self, side: Side, from: usize, to: usize) {
        for (at, asked) in self.fields.iter_mut().enumerate() {
            if at >= from && at < to {
                asked.choice = Some(side);
            }
        }
    }

    /// Nothing stands that nobody chose.
    fn decided(&mut self, cx: &mut Cx<'_>) -> Option<Decided> {
        if let Some(open) = self.fields.iter().position(|asked| asked.choice.is_none()) {
            self.cursor.at = open;
            cx.say(Tone::Warning, "Choose for every field first: theirs or yours.");
            return None;
        }
        let given_up = self.fields.iter().filter(|asked| asked.choice == Some(Side::Theirs)).map(|asked| asked.field.name).collect();
        Some(Decided { now: std::mem::take(&mut self.now), given_up })
    }

    /// The last act that changed a field of the record; with no field, any.
    fn changed_by(&self, field: Option<&str>) -> Option<&AuditEntry> {
        let page = self.history.data()?;
        let is_of = |entry: &&AuditEntry| entry.entity_id.as_deref() == Some(self.record.as_str());
        page.items.iter().filter(is_of).find(|entry| field.is_none_or(|field| entry.changes.contains_key(field)))
    }

    /// Who it was, and how much is left to decide.
    fn told(&self, shared: &Shared) -> String {
        let who = self.changed_by(None).map_or_else(|| "somebody else meanwhile".to_owned(), |entry| by(entry, shared));
        let left = match self.fields.iter().filter(|asked| asked.choice.is_none()).count() {
            0 => "Everything is decided.".to_owned(),
            1 => "1 field to decide.".to_owned(),
            count => format!("{count} fields to decide."),
        };
        format!("Changed by {who}. {left}")
    }

    /// Both texts of a field, whole where they fit.
    fn whole(&self, asked: &Asked, room: usize, shared: &Shared) -> Vec<String> {
        let who = self.changed_by(Some(asked.field.name)).map(|entry| format!(" (by {})", by(entry, shared))).unwrap_or_default();
        let theirs = format!("Now{who}: {}", or_empty(&asked.field.theirs));
        let mine = format!("Yours: {}", or_empty(&asked.field.mine));
        [in_rows(&theirs, room, shared.look), in_rows(&mine, room, shared.look)].concat()
    }

    fn row(&self, at: usize, asked: &Asked, room: usize, look: Look) -> Line<'static> {
        let style = |side: Side| match asked.choice {
            None => Style::new(),
            Some(chosen) if chosen == side => look.here(),
            Some(_) => look.quiet(),
        };
        let text = |side: Side, text: &str| format!("{} {}", if asked.choice == Some(side) { "[x]" } else { "[ ]" }, or_empty(text));
        Row::new(look, at == self.cursor.at)
            .cell(asked.field.label, NAME, look.quiet())
            .cell(&text(Side::Theirs, &asked.field.theirs), room, style(Side::Theirs))
            .cell(&text(Side::Mine, &asked.field.mine), room, style(Side::Mine))
            .done()
    }

    /// Draws it over the form.
    pub(super) fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let wide = area.width.min(WIDE);
        let room = usize::from(wide).saturating_sub(4);
        // The same height for every field, so that nothing jumps.
        let below = self.fields.iter().map(|asked| self.whole(asked, room, shared).len()).max().unwrap_or(0);
        let high = u16::try_from(self.fields.len() + below + AROUND).unwrap_or(u16::MAX).min(area.height);
        let inside = boxed(buffer, area, (wide, high), "Both versions", look);
        line(buffer, inside, 0, Span::styled(format!(" {}", cut(&self.told(shared), room, look)), look.warning()));
        let side = usize::from(inside.width).saturating_sub(NAME + 5) / 2;
        let heading = Row::new(look, false).cell("", NAME, look.quiet()).cell("    It is now", side, look.quiet()).cell("    You typed", side, look.quiet());
        line(buffer, inside, 1, heading.done());
        let seen = usize::from(inside.height).saturating_sub(below + 4);
        let rows = self.fields.iter().enumerate().skip(self.cursor.first_seen(seen)).take(seen).map(|(at, asked)| self.row(at, asked, side, look));
        lines(buffer, inside, 2, rows.collect::<Vec<_>>());
        let from = u16::try_from(seen + 2).unwrap_or(u16::MAX);
        rule(buffer, inside, from, look);
        let whole = self.fields.get(self.cursor.at).map(|asked| self.whole(asked, room, shared)).unwrap_or_default();
        lines(buffer, inside, from.saturating_add(1), whole.into_iter().map(|text| Line::from(Span::raw(format!(" {text}")))));
        line(buffer, inside, inside.height.saturating_sub(1), keys(shared));
    }
}

/// Who, and when.
fn by(entry: &AuditEntry, shared: &Shared) -> String {
    format!("{}, {}", entry.actor, shared.moment(entry.at))
}

/// No text is told by a word.
fn or_empty(text: &str) -> &str {
    if text.trim().is_empty() { "(empty)" } else { text }
}

/// A text in a few rows, with a sign where it goes on.
fn in_rows(text: &str, room: usize, look: Look) -> Vec<String> {
    let mut rows = wrap(text, room);
    let goes_on = rows.len() > WHOLE;
    rows.truncate(WHOLE);
    if let Some(last) = rows.last_mut().filter(|_| goes_on) {
        last.push_str(look.more());
    }
    rows.iter().map(|row| cut(row, room, look)).collect()
}

/// The keys that the hint bar has no room for.
fn keys(shared: &Shared) -> Line<'static> {
    let mut spans = vec![Span::raw(" ")];
    for command in ["conflict.all_theirs", "conflict.all_mine"].into_iter().filter_map(named) {
        if let Some(key) = shared.keymap.shown(command) {
            spans.push(Span::styled(shared.look.key_text(&key), shared.look.key()));
            spans.push(Span::raw(format!(" {}   ", command.title)));
        }
    }
    Line::from(spans)
}

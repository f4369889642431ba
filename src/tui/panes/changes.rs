//! Digit 0 of both pages: who did what to the record, in two depths (S4-16). The
//! administration shows a user's by it too.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use serde_json::Value;

use super::Pane;
use crate::api::audit::{AuditDepth, AuditEntry, AuditPart, AuditQuery};
use crate::api::ids::UserId;
use crate::api::operation::{AssetHistory, CustomerHistory, OfAsset, OfCustomer, OfUser, UserHistory};
use crate::api::page::{Nothing, Page};
use crate::client::Call;
use crate::tui::command::{Command, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Subject};
use crate::tui::overlays::EntryView;
use crate::tui::shared::Shared;
use crate::tui::style::Look;
use crate::tui::widgets::{Cursor, Loaded, Row, line, lines, width};

/// As many as one page may hold.
const MOST: u32 = 200;

/// Whose history it is.
#[derive(Debug, Clone, Copy)]
enum Whose {
    Record(Subject),
    /// What was done to a user, and by it.
    User(UserId),
}

impl Whose {
    fn call(self, query: &AuditQuery) -> Call {
        match self {
            Self::Record(Subject::Customer(id)) => Call::of::<CustomerHistory>(&OfCustomer { id }, query, &Nothing {}),
            Self::Record(Subject::Asset(id)) => Call::of::<AssetHistory>(&OfAsset { id }, query, &Nothing {}),
            Self::User(id) => Call::of::<UserHistory>(&OfUser { id }, query, &Nothing {}),
        }
    }

    /// The id by which acts name it.
    fn id(self) -> String {
        match self {
            Self::Record(Subject::Customer(id)) => id.to_string(),
            Self::Record(Subject::Asset(id)) => id.to_string(),
            Self::User(id) => id.to_string(),
        }
    }
}

#[derive(Debug)]
struct Changes {
    whose: Whose,
    depth: AuditDepth,
    entries: Loaded<Page<AuditEntry>>,
    cursor: Cursor,
}

pub(super) fn make(subject: Subject) -> Box<dyn Pane> {
    Changes::of(Whose::Record(subject))
}

/// The same of a user.
pub(in crate::tui) fn changes_of_user(id: UserId) -> Box<dyn Pane> {
    Changes::of(Whose::User(id))
}

impl Changes {
    fn of(whose: Whose) -> Box<dyn Pane> {
        Box::new(Self { whose, depth: AuditDepth::Extended, entries: Loaded::default(), cursor: Cursor::default() })
    }

    fn items(&self) -> &[AuditEntry] {
        self.entries.data().map_or(&[], |page| &page.items)
    }

    /// Which depth is shown, and the key for the other.
    fn heading(&self, shared: &Shared) -> Line<'static> {
        let key = crate::tui::command::named("changes.depth").and_then(|command| shared.keymap.shown(command)).unwrap_or_default();
        let (now, other) = match self.depth {
            AuditDepth::Simple => ("Who made it, and who saved it last", "shows every act"),
            AuditDepth::Extended => ("Every act, the newest first", "shows who made it and saved it"),
        };
        Line::from(vec![
            Span::styled(format!(" {now}  "), shared.look.quiet()),
            Span::styled(shared.look.key_text(&key), shared.look.key()),
            Span::styled(format!(" {other}"), shared.look.quiet()),
        ])
    }

    /// Said where the simple view names nobody who made it.
    fn unmade(&self, shared: &Shared) -> Option<&'static str> {
        if self.depth == AuditDepth::Extended || self.items().iter().any(|entry| entry.part == Some(AuditPart::Made)) {
            return None;
        }
        let only_own = shared.session.as_ref().is_some_and(|session| session.limits.contains_key("audit.view"));
        Some(if only_own { " Who made it is not yours to see." } else { " It was there before its history began." })
    }
}

impl Pane for Changes {
    fn load(&mut self, cx: &mut Cx<'_>) {
        let limit = (self.depth == AuditDepth::Extended).then_some(MOST);
        let query = AuditQuery { depth: self.depth, limit, cursor: None };
        self.entries.load(self.whose.call(&query), cx);
    }

    fn on_reply(&mut self, reply: &Reply, _: &mut Cx<'_>) -> bool {
        let taken = self.entries.take(reply);
        self.cursor.keep_within(self.items().len());
        taken
    }

    fn places(&self) -> &'static [Place] {
        &[Place::Changes, Place::List, Place::Rows]
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) -> bool {
        let count = self.items().len();
        if self.cursor.command(command, count) {
            return true;
        }
        match command.id {
            "changes.depth" => {
                self.depth = if self.depth == AuditDepth::Simple { AuditDepth::Extended } else { AuditDepth::Simple };
                self.cursor = Cursor::default();
                self.entries.clear();
                self.load(cx);
                true
            }
            "list.open" => {
                if let Some(entry) = self.items().get(self.cursor.at) {
                    cx.open(EntryView::new(entry.clone()));
                }
                true
            }
            _ => false,
        }
    }

    fn copied(&self) -> Option<String> {
        self.items().get(self.cursor.at).map(|entry| format!("{} {} {}", entry.at, entry.actor, act_in_words(entry)))
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        self.entries.as_of(shared)
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        let area = self.entries.below_notice(area, buffer, shared);
        let Some(page) = self.entries.data() else { return };
        line(buffer, area, 0, self.heading(shared));
        if page.items.is_empty() && self.depth == AuditDepth::Extended {
            return line(buffer, area, 1, Line::from(Span::raw(" Nothing was written down yet.")));
        }
        let room = usize::from(area.height.saturating_sub(2));
        let first = self.cursor.first_seen(room);
        let seen: Vec<(usize, &AuditEntry)> = page.items.iter().enumerate().skip(first).take(room).collect();
        let when = seen.iter().map(|(_, entry)| width(&shared.moment(entry.at))).max().unwrap_or(0);
        let own = self.whose.id();
        let rows = seen.into_iter().map(|(at, entry)| row((entry, own.as_str()), at == self.cursor.at, when, usize::from(area.width), shared));
        let below = lines(buffer, area, 1, rows.collect::<Vec<_>>());
        if let Some(unmade) = self.unmade(shared) {
            line(buffer, area, below, Line::from(Span::styled(unmade, look.quiet())));
        }
        if page.next.is_some() && first + room >= page.items.len() {
            line(buffer, area, below, Line::from(Span::styled(" More exist, older than these.", look.quiet())));
        }
    }
}

/// An act in the history of the record with that id.
fn row((entry, own): (&AuditEntry, &str), marked: bool, when: usize, wide: usize, shared: &Shared) -> Line<'static> {
    const WHO: usize = 20;
    const WHAT: usize = 19;
    let look = shared.look;
    let room = wide.saturating_sub(2 + when + 1 + WHO + 1 + WHAT + 1 + 1);
    Row::new(look, marked)
        .cell(&shared.moment(entry.at), when, Style::new())
        .cell(&who(entry), WHO, Style::new())
        .cell(&act_in_words(entry), WHAT, Style::new())
        .cell(&changes_in_words(entry, own, look), room, look.quiet())
        .done()
}

/// Who, and for whom.
fn who(entry: &AuditEntry) -> String {
    match &entry.on_behalf_of {
        Some(customer) => format!("{} for {customer}", entry.actor),
        None => entry.actor.clone(),
    }
}

/// `add_reading` as `add reading`.
pub(in crate::tui) fn act_in_words(entry: &AuditEntry) -> String {
    entry.act.replace('_', " ")
}

/// On what: by its name, else by its id.
pub(in crate::tui) fn on_what(entry: &AuditEntry) -> String {
    let sort = entry.entity.replace('_', " ");
    match entry.entity_name.as_ref().or(entry.entity_id.as_ref()) {
        Some(which) => format!("{sort} {which}"),
        None => sort,
    }
}

/// On whom, if that is somebody else than the history is of, why, and every
/// changed field in one line.
fn changes_in_words(entry: &AuditEntry, own: &str, look: Look) -> String {
    let is_another = matches!(entry.entity.as_str(), "contact" | "user") && entry.entity_id.as_deref() != Some(own);
    let on_whom = entry.entity_name.clone().filter(|_| is_another);
    // Some acts change nothing but say the name themselves.
    let is_said = |name: &String| entry.changes.values().any(|change| change_in_words(change, look) == *name);
    let why = entry.reason.as_ref().map(|reason| format!("because {reason}"));
    let changes = entry.changes.iter().map(|(field, change)| format!("{}: {}", field.replace('_', " "), change_in_words(change, look)));
    on_whom.filter(|name| !is_said(name)).into_iter().chain(why).chain(changes).collect::<Vec<_>>().join("; ")
}

/// `Keller → Keller Bau`; what was not there before is told alone.
pub(in crate::tui) fn change_in_words(change: &Value, look: Look) -> String {
    match change.as_array().map(Vec::as_slice) {
        Some([Value::Null, after]) => in_words(after),
        Some([before, after]) => format!("{} {} {}", in_words(before), look.arrow(), in_words(after)),
        _ => in_words(change),
    }
}

fn in_words(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.replace('\n', " "),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => items.iter().map(in_words).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let set = fields.iter().filter(|(_, value)| !value.is_null());
            set.map(|(field, value)| format!("{} {}", field.replace('_', " "), in_words(value))).collect::<Vec<_>>().join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn changes_are_told_in_words() {
        let look = Look::new(false, false);
        assert_eq!(change_in_words(&json!(["Keller", "Keller Bau"]), look), "Keller → Keller Bau");
        assert_eq!(change_in_words(&json!([null, "12904"]), look), "12904");
        assert_eq!(change_in_words(&json!([true, null]), Look::new(false, true)), "yes -> nothing");
        assert_eq!(change_in_words(&json!([null, [{ "service_code": "OIL", "other_text": null }]]), look), "service code OIL");
    }

    #[test]
    fn an_act_says_once_on_whom_it_was() {
        let look = Look::new(false, false);
        let entry = |entity: &str, name: Option<&str>, changes: Value| -> AuditEntry {
            let told = json!({
                "id": "1", "at": "2026-01-02T03:04:05Z", "actor": "Jo Ortiz", "actor_kind": "staff", "on_behalf_of": null, "act": "change_contact",
                "entity": entity, "entity_id": "01a2", "entity_name": name, "changes": changes, "reason": null, "request_id": null, "came_from": null,
            });
            serde_json::from_value(told).unwrap()
        };
        let changed = entry("contact", Some("Ada Brandt"), json!({ "access_level": ["read_only", "none"] }));
        assert_eq!(on_what(&changed), "contact Ada Brandt");
        assert_eq!(changes_in_words(&changed, "9", look), "Ada Brandt; access level: read_only → none");
        assert_eq!(changes_in_words(&changed, "01a2", look), "access level: read_only → none", "whose history it is stands above it");
        let looked = entry("contact", Some("Ada Brandt"), json!({ "contact": [null, "Ada Brandt"] }));
        assert_eq!(changes_in_words(&looked, "9", look), "contact: Ada Brandt");
        assert_eq!(on_what(&entry("reading", None, json!({}))), "reading 01a2");
    }
}

//! The outbox: what was refused, what waits to be sent or is on its way just now,
//! and what was sent last.
//! Enter opens what was refused with all that was typed.

use std::ops::Range;

use crossterm::event::KeyEvent;
use jiff::{SignedDuration, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::client::outbox::courier::Order;
use crate::client::outbox::{Entry, OutboxFault, State};
use crate::tui::command::{Command, Place};
use crate::tui::event::Ticket;
use crate::tui::layer::{Cx, Intent, Layer, Tone};
use crate::tui::posted::Posted;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, Row, line, lines, wrap};

pub(in crate::tui) const TITLE: &str = "Outbox";

/// A list comes within this time.
const SOON: Range<SignedDuration> = SignedDuration::ZERO..SignedDuration::from_secs(1);

/// Cells of the state and of the time.
const STATE: usize = 8;
const TIME: usize = 13;

/// The list.
#[derive(Debug, Default)]
pub(in crate::tui) struct Outbox {
    entries: Option<Vec<Entry>>,
    /// Why there is no list.
    fault: Option<OutboxFault>,
    /// The refused entry whose form was opened last.
    reopened: Option<i64>,
    /// What was asked for, and when.
    asked: Option<(Ticket, Timestamp)>,
    cursor: Cursor,
    /// The entry that is discarded if somebody says yes.
    doubted: Option<i64>,
}

impl Outbox {
    fn marked(&self) -> Option<&Entry> {
        self.entries.as_ref()?.get(self.cursor.at)
    }

    fn load(&mut self, cx: &mut Cx<'_>) {
        self.asked = Some((cx.outbox(|ticket| Order::List(ticket.0)), cx.shared.now));
    }

    /// What was refused is opened again; it stays until the form is saved.
    fn open(&mut self, cx: &mut Cx<'_>) {
        let Some(entry) = self.marked().cloned() else { return };
        match (entry.state, Posted::of(&entry)) {
            // Two texts do not fit into one form, and neither may be lost.
            (State::Refused, Some(posted)) if cx.drafts.holds(&posted.about()) && self.reopened != Some(entry.id) => {
                cx.say(Tone::Warning, "Something else that you typed is kept for this form: open it where it belongs and send or empty it first.");
            }
            (State::Refused, Some(posted)) => {
                let about = posted.about();
                let typed = cx.drafts.take(&about).unwrap_or(entry.typed);
                posted.open(typed, cx);
                cx.say(Tone::Warning, format!("Refused: {} Correct it and save.", entry.reason.unwrap_or_default()));
                cx.want(Intent::Reopened(about, entry.id));
                self.reopened = Some(entry.id);
            }
            (State::Refused, None) => cx.say(Tone::Warning, "A newer countertop put this here: open it with that one."),
            (State::Waiting, _) if is_under_way(&entry, cx.shared) => cx.say(Tone::Warning, "It is on its way to the server: it cannot be changed here."),
            (State::Waiting, _) => cx.say(Tone::Warning, "It waits to be sent, and may be at the server already: it cannot be changed here."),
            (State::Sent, _) => cx.say(Tone::Fine, "It is at the server."),
        }
    }

    /// Asks first, and another key answers: one that is held down throws nothing
    /// away.
    fn doubt(&mut self, cx: &mut Cx<'_>) {
        let Some(entry) = self.marked() else { return };
        if entry.state == State::Sent {
            return cx.say(Tone::Fine, "It is at the server; here it goes by itself.");
        }
        let was_sent = entry.state == State::Waiting && entry.tries > 0 || is_under_way(entry, cx.shared);
        let may_be_there = if was_sent { " It may be at the server already." } else { "" };
        cx.say(Tone::Warning, format!("Discard \"{}\" for good?{may_be_there} y or n", entry.title));
        self.doubted = Some(entry.id);
    }

    fn discard(&mut self, cx: &mut Cx<'_>) {
        let doubted = self.doubted.take();
        let Some(entry) = self.entries.iter().flatten().find(|entry| Some(entry.id) == doubted && entry.state != State::Sent) else {
            return cx.say(Tone::Fine, "It is at the server by now.");
        };
        let (id, title) = (entry.id, entry.title.clone());
        cx.outbox(|_| Order::Discard(id));
        cx.say(Tone::Fine, format!("Discarded: {title}."));
        self.load(cx);
    }
}

impl Layer for Outbox {
    fn places(&self) -> Vec<Place> {
        let asks = self.doubted.map(|_| Place::Question);
        asks.into_iter().chain([Place::Outbox, Place::List, Place::Rows]).collect()
    }

    fn title(&self) -> String {
        TITLE.to_owned()
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        let count = self.entries.as_ref().map_or(0, Vec::len);
        match command.id {
            "outbox.discard" => return self.doubt(cx),
            "question.yes" => return self.discard(cx),
            "question.no" => cx.say(Tone::Fine, "It stays."),
            "outbox.send" if cx.shared.acting().is_some() => {
                cx.say(Tone::Warning, "It is sent when you are yourself again: now it would be done in another's name.");
            }
            "outbox.send" if cx.shared.session.is_none() => cx.say(Tone::Warning, "It is sent when the server has said who you are."),
            "outbox.send" => {
                cx.outbox(|_| Order::TryNow);
                cx.say(Tone::Fine, "Sending what waits.");
            }
            "list.open" => self.open(cx),
            "reload" => self.load(cx),
            _ => {
                self.cursor.command(command, count);
            }
        }
        self.doubted = None;
    }

    /// What was asked stands there no more.
    fn on_key(&mut self, _: KeyEvent, _: &mut Cx<'_>) {
        self.doubted = None;
    }

    fn on_entries(&mut self, ticket: Ticket, entries: Result<Vec<Entry>, OutboxFault>) {
        if self.asked.is_some_and(|(asked, _)| asked == ticket) {
            self.asked = None;
            self.fault = entries.as_ref().err().cloned();
            let entries = entries.unwrap_or_default();
            self.cursor.keep_within(entries.len());
            self.entries = Some(entries);
        }
    }

    /// A list that is on its way has it: where thousands go out nobody asks for a
    /// list with each. One that does not come, as behind a lock, is asked for anew.
    fn on_outbox(&mut self, cx: &mut Cx<'_>) {
        let now = cx.shared.now;
        if self.asked.is_none_or(|(_, asked)| !SOON.contains(&now.duration_since(asked))) {
            self.load(cx);
        }
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        line(buffer, area, 0, Line::from(Span::styled(format!(" {TITLE}"), look.title())));
        let Some(entries) = &self.entries else { return line(buffer, area, 2, Line::from(Span::styled("  Loading", look.quiet()))) };
        let room = usize::from(area.width).saturating_sub(4);
        if entries.is_empty() {
            let told = match (&self.fault, shared.session.is_some()) {
                (Some(fault), _) => format!("Nothing can be kept on this machine: {fault}."),
                (None, true) => "Nothing waits. Readings, service requests and new customers are kept here until the server has them.".to_owned(),
                (None, false) => "Who you are is not known before the server answers. What waits here is shown and sent then.".to_owned(),
            };
            lines(buffer, area, 2, wrap(&told, room).into_iter().map(|text| Line::from(format!("  {text}"))));
            return;
        }
        let below = self.marked().map_or_else(Vec::new, |entry| reason_lines(entry, room, shared));
        let high = area.height.saturating_sub(3 + u16::try_from(below.len()).unwrap_or(0));
        let first = self.cursor.first_seen(usize::from(high));
        let rows = entries.iter().enumerate().skip(first).take(usize::from(high));
        lines(buffer, area, 2, rows.map(|(at, entry)| row(entry, at == self.cursor.at, room, shared)));
        lines(buffer, area, 3 + high, below);
    }
}

/// Whether it is being sent, and no answer came yet.
fn is_under_way(entry: &Entry, shared: &Shared) -> bool {
    entry.state == State::Waiting && shared.sending.contains(&entry.id)
}

fn row(entry: &Entry, marked: bool, room: usize, shared: &Shared) -> Line<'static> {
    let look = shared.look;
    let style = match entry.state {
        State::Refused => look.error(),
        State::Waiting => look.warning(),
        State::Sent => look.quiet(),
    };
    let at = entry.settled_at.filter(|_| entry.state == State::Sent).unwrap_or(entry.typed_at);
    let title = entry.number.as_ref().map_or_else(|| entry.title.clone(), |number| format!("{} {} {number}", entry.title, look.arrow()));
    let plain = ratatui::style::Style::new();
    let state = if is_under_way(entry, shared) { "sending" } else { entry.state.name() };
    Row::new(look, marked)
        .cell(state, STATE, style)
        .cell(&shared.moment(at), TIME, look.quiet())
        .cell(&title, room.saturating_sub(STATE + TIME + 3), plain)
        .done()
}

/// Why the marked one waits or was refused.
fn reason_lines(entry: &Entry, room: usize, shared: &Shared) -> Vec<Line<'static>> {
    let look = shared.look;
    if is_under_way(entry, shared) {
        return vec![Line::from(Span::styled("  On its way to the server: no answer came yet.", look.quiet()))];
    }
    let said = match (&entry.reason, entry.state) {
        (Some(reason), State::Refused) => format!("Refused: {reason}"),
        (Some(reason), _) => format!("Tried {}: {reason}", if entry.tries == 1 { "once".to_owned() } else { format!("{} times", entry.tries) }),
        (None, State::Waiting) => "Not tried yet.".to_owned(),
        (None, _) => return Vec::new(),
    };
    let style = if entry.state == State::Refused { look.error() } else { look.quiet() };
    let next = entry.next_try.filter(|_| entry.state == State::Waiting);
    let next = next.map(|at| shared.with_key("outbox.send", &format!("Next try by itself at {}; send it now", shared.clock(at))));
    let said = wrap(&crate::text::for_screen(&said), room).into_iter().take(3);
    said.chain(next).map(|text| Line::from(Span::styled(format!("  {text}"), style))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::shared::tried;

    /// One that waits because of a pause.
    fn entry() -> Entry {
        let at = Timestamp::UNIX_EPOCH;
        Entry {
            id: 7,
            state: State::Waiting,
            title: "Service request for 1043".to_owned(),
            typed_at: at,
            settled_at: None,
            tries: 1,
            reason: Some("The server is busy.".to_owned()),
            next_try: Some(at),
            number: None,
            about: "request".to_owned(),
            typed: Vec::new(),
            form: String::new(),
        }
    }

    fn text(lines: &[Line<'_>]) -> String {
        lines.iter().flat_map(|line| line.spans.iter()).map(|span| &*span.content).collect()
    }

    #[test]
    fn what_waits_because_of_a_pause_says_when_it_is_tried_by_itself() {
        let (shared, mut entry) = (tried::signed_in("staff", &[]), entry());
        let shown = |entry: &Entry| text(&reason_lines(entry, 76, &shared));
        let told = format!("Next try by itself at {}; send it now", shared.clock(Timestamp::UNIX_EPOCH));
        assert!(shown(&entry).contains("Tried once: The server is busy.") && shown(&entry).contains(&told), "{}", shown(&entry));
        entry.next_try = None;
        assert!(!shown(&entry).contains("Next try"), "nothing holds it up: {}", shown(&entry));
    }

    #[test]
    fn what_is_on_its_way_reads_so_and_names_no_next_try() {
        let entry = entry();
        for (sending, state) in [(vec![7], "sending"), (vec![6, 7], "sending"), (vec![6, 8], "waiting"), (Vec::new(), "waiting")] {
            let is_sent = sending.contains(&7);
            let shared = Shared { sending, ..tried::signed_in("staff", &[]) };
            let (row, reason) = (text(&[row(&entry, true, 76, &shared)]), text(&reason_lines(&entry, 76, &shared)));
            assert!(row.contains(state), "{:?}: {row}", shared.sending);
            assert_eq!(reason.contains("On its way"), is_sent, "{reason}");
            assert_eq!(reason.contains("Next try"), !is_sent, "{reason}");
        }
    }
}

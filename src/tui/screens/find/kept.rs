//! New customers that wait in the outbox: the server finds none of them yet, and
//! somebody would type them once more.

use crate::api::customer::MIN_QUERY;
use crate::client::outbox::courier::Order;
use crate::client::outbox::{Entry, OutboxFault, State};
use crate::text::fold;
use crate::tui::event::Ticket;
use crate::tui::layer::Cx;
use crate::tui::posted::Posted;
use crate::tui::shared::Shared;
use crate::tui::widgets::cut;

/// Cells for the key that opens the outbox.
const KEY: usize = 16;

/// What is known of them.
#[derive(Debug, Default)]
pub(super) struct Kept {
    names: Vec<String>,
    asked: Option<Ticket>,
    /// Asked for since the outbox was another.
    is_known: bool,
}

impl Kept {
    /// There is more or less in the outbox than before.
    pub(super) const fn forget(&mut self) {
        self.is_known = false;
    }

    /// Asks for them, once until something changes, where a text may be the name
    /// of one.
    pub(super) fn ask(&mut self, text: &str, cx: &mut Cx<'_>) {
        if !self.is_known && cx.shared.outbox.waiting > 0 && is_long_enough(&fold(text)) {
            self.asked = Some(cx.outbox(|ticket| Order::List(ticket.0)));
            self.is_known = true;
        }
    }

    /// What the outbox lists, if it was asked for last.
    pub(super) fn take(&mut self, ticket: Ticket, entries: Result<Vec<Entry>, OutboxFault>) {
        if self.asked.take_if(|asked| *asked == ticket).is_some() {
            self.names = entries.unwrap_or_default().into_iter().filter_map(name).collect();
        }
    }

    /// Those whose names the text is part of, in one line.
    pub(super) fn told(&self, text: &str, room: usize, shared: &Shared) -> Option<String> {
        let sought = fold(text);
        if shared.outbox.waiting == 0 || !is_long_enough(&sought) {
            return None;
        }
        let found: Vec<&str> = self.names.iter().map(String::as_str).filter(|name| fold(name).contains(&sought)).collect();
        let told = match found.as_slice() {
            [] => return None,
            [name] => format!("1 new customer waits in the outbox: {name}"),
            names => format!("{} new customers wait in the outbox: {}", names.len(), names.join(", ")),
        };
        Some(shared.with_key("outbox", &cut(&told, room.saturating_sub(KEY), shared.look)))
    }
}

fn is_long_enough(folded: &str) -> bool {
    folded.chars().count() >= MIN_QUERY
}

/// The name of a new customer that is kept and not sent.
fn name(entry: Entry) -> Option<String> {
    let is_one = entry.state == State::Waiting && matches!(Posted::of(&entry), Some(Posted::Customer { .. }));
    entry.typed.into_iter().find(|(field, _)| is_one && field == "name").map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::client::outbox::Summary;
    use crate::tui::shared::tried;

    fn shared(waiting: i64) -> Shared {
        Shared { outbox: Summary { waiting, refused: 0 }, ..tried::terminal() }
    }

    fn entry(state: State, form: &Posted, name: &str) -> Entry {
        Entry {
            id: 1,
            state,
            title: format!("New customer {name}"),
            typed_at: Timestamp::UNIX_EPOCH,
            settled_at: None,
            tries: 0,
            reason: None,
            next_try: None,
            number: None,
            about: form.about(),
            typed: vec![("name".to_owned(), name.to_owned())],
            form: serde_json::to_string(form).unwrap(),
        }
    }

    fn kept(entries: Vec<Entry>) -> Kept {
        let mut kept = Kept { asked: Some(Ticket(1)), ..Kept::default() };
        kept.take(Ticket(1), Ok(entries));
        kept
    }

    #[test]
    fn whoever_looks_for_a_new_customer_that_waits_reads_that_it_does() {
        let form = Posted::Customer { searched: "lind".to_owned() };
        let one = kept(vec![entry(State::Waiting, &form, "Lindqvist Bau"), entry(State::Sent, &form, "Lindner")]);
        let told = |kept: &Kept, text: &str, waiting| kept.told(text, 80, &shared(waiting));
        assert_eq!(told(&one, "QVIST", 1).as_deref(), Some("1 new customer waits in the outbox: Lindqvist Bau (Alt-U)."));
        assert_eq!((told(&one, "li", 1), told(&one, "lindner", 1), told(&one, "lind", 0)), (None, None, None), "too short, sent, none waits any more");
        let request = entry(State::Waiting, &Posted::Request { asset: None, name: String::new() }, "Lindqvist Bau");
        assert_eq!(told(&kept(vec![request]), "lind", 1), None, "that is none");
        let two = kept(vec![entry(State::Waiting, &form, "Lindqvist Bau"), entry(State::Waiting, &form, &"Lind ".repeat(40))]);
        let shown = told(&two, "lind", 2).unwrap();
        assert!(shown.starts_with("2 new customers wait in the outbox: Lindqvist Bau, Lind") && shown.ends_with("(Alt-U)."), "{shown}");
        assert!(shown.chars().count() < 80, "{shown}");
    }
}

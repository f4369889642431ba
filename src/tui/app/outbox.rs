//! The shell and the outbox: what is posted, what becomes of it, and the drafts
//! that are kept a moment after the last key.

use std::time::Duration;

use super::App;
use crate::client::outbox::courier::{Answer, News, Order};
use crate::client::outbox::{Entry, OutboxFault, Post, State, Summary, Whose};
use crate::client::{Call, ClientError};
use crate::tui::draft::{Draft, is_empty};
use crate::tui::event::{Effect, Reply, Ticket};
use crate::tui::layer::{Cx, Intent, Layer, Tone};
use crate::tui::posted::Posted;

/// So long after a key what was typed is on the disk.
const SOON: Duration = Duration::from_secs(1);

/// What the shell remembers of the outbox.
#[derive(Debug, Default)]
pub(super) struct Desk {
    /// What waits to be written of the drafts.
    saving: Option<Ticket>,
    /// The drafts of open forms, as they were written last.
    saved: Vec<(String, Draft)>,
    /// Writes that could not be kept, and why: they are sent at once instead.
    unkept: Vec<(Ticket, OutboxFault)>,
}

impl App {
    /// Whose drafts and writes are kept; none at a workshop terminal, which
    /// keeps nothing.
    fn whose(&self) -> Option<Whose> {
        let session = self.shared.session.as_ref().filter(|_| !self.shared.is_kiosk())?;
        Some(Whose { server: self.shared.server.clone()?, user: session.user.id })
    }

    /// Somebody is signed in: what waits for him is sent, his drafts come back.
    pub(super) fn begin_outbox(&mut self) {
        if let Some(whose) = self.whose() {
            let lineage = self.shared.session.as_ref().map(|session| session.lineage.clone()).filter(|lineage| !lineage.is_empty());
            self.effects.push_back(Effect::Deliver(whose, lineage));
        }
    }

    /// Keeps a write and sends it. Where nothing is kept it is just sent; so is
    /// what is done in somebody's name: later one may be oneself again.
    pub(super) fn post(&mut self, ticket: Ticket, post: Post) {
        match self.whose().filter(|_| self.shared.acting().is_none()) {
            Some(whose) => self.effects.push_back(Effect::Outbox(Order::Keep(ticket.0, whose, Box::new(post)))),
            None => self.effects.push_back(Effect::Call(ticket, post.call)),
        }
    }

    /// Tells the outbox something.
    pub(super) fn tell_outbox(&mut self, order: Order) {
        self.effects.push_back(Effect::Outbox(order));
    }

    /// What the outbox tells.
    pub(super) fn hear(&mut self, news: News) {
        match news {
            News::Drafts(whose, drafts) => {
                if self.whose() == Some(whose) {
                    self.drafts.remember(drafts);
                }
            }
            News::Kept(tag) => self.with_asker(Ticket(tag), |layer, _| layer.on_kept(Ticket(tag), true)),
            News::NotKept(tag, call, fault) => self.send_unkept(Ticket(tag), *call, fault),
            News::Answer(answer) => self.answered(*answer),
            News::Settled(entry) => self.settled(&entry),
            News::Changed(summary) => self.count(summary),
            News::SentAgain(count) => {
                let told = format!("The server was restored from a backup: {count} of what you sent since are sent once more. None is written twice.");
                self.say(Tone::Warning, told);
            }
            News::List(tag, entries) => {
                self.with_asker(Ticket(tag), |layer, _| layer.on_entries(Ticket(tag), entries));
                self.waiting.remove(&Ticket(tag));
            }
            News::Failed(fault) => self.say(Tone::Error, format!("What you typed is not kept on this machine: {fault}.")),
        }
    }

    /// A message, unless the terminal is locked.
    fn say(&mut self, tone: Tone, text: String) {
        if self.locked.is_none() {
            self.message = Some((tone, text));
        }
    }

    fn count(&mut self, summary: Summary) {
        self.shared.outbox = summary;
        self.tell_layers_of_outbox();
    }

    fn tell_layers_of_outbox(&mut self) {
        for at in 0..self.layers.len() {
            self.with(at, |layer, cx| layer.on_outbox(cx));
        }
    }

    /// Sent without being kept: better than not at all.
    fn send_unkept(&mut self, ticket: Ticket, call: Call, fault: OutboxFault) {
        self.desk.unkept.push((ticket, fault));
        self.with_asker(ticket, |layer, _| layer.on_kept(ticket, false));
        self.effects.push_back(Effect::Call(ticket, call));
    }

    /// Why something that now failed was not kept either.
    pub(super) fn tell_if_unkept(&mut self, reply: &Reply) {
        let Some(at) = self.desk.unkept.iter().position(|(ticket, _)| *ticket == reply.ticket) else { return };
        let (_, fault) = self.desk.unkept.swap_remove(at);
        if reply.outcome.as_ref().is_err_and(ClientError::is_unreachable) {
            let told = format!("The server does not answer, and nothing can be kept here: {fault}. Leave this open and save again when the line is back.");
            self.message = Some((Tone::Error, told));
        }
    }

    fn answered(&mut self, answer: Answer) {
        let Answer { tag, entry, outcome, waits, took } = answer;
        let ticket = Ticket(tag);
        let is_refused = !waits && outcome.is_err();
        let is_heard = self.is_awaited(ticket) || self.locked.is_some() && self.waiting.contains_key(&ticket);
        self.shared.writes += u64::from(self.writing.remove(&ticket));
        let reply = Box::new(Reply { ticket, outcome, last_good: None, took, at: self.shared.now, waits });
        if let Some(reply) = self.not_held_back(reply) {
            self.reply(*reply);
        }
        if is_refused && is_heard {
            // The form has it, with all its text.
            self.keep_open_drafts();
            self.tell_outbox(Order::Discard(entry));
        }
        if is_refused && !is_heard {
            let refused = self.shared.with_key("outbox", "Something that you sent was refused. The outbox shows it");
            self.say(Tone::Error, refused);
        }
    }

    /// What nobody waited for any more arrived, or was refused.
    fn settled(&mut self, entry: &Entry) {
        if let Some(subject) = Posted::of(entry).and_then(|posted| posted.subject()).filter(|_| self.locked.is_none()) {
            self.intent(0, Intent::Changed(subject));
        }
        self.tell_layers_of_outbox();
        match entry.state {
            State::Sent => self.say(Tone::Fine, format!("Sent now: {}.", entry.title)),
            State::Refused => {
                let reason = entry.reason.as_deref().unwrap_or_default();
                let told = self.shared.with_key("outbox", &format!("Refused: {}: {reason} It is in the outbox", entry.title));
                self.say(Tone::Error, told);
            }
            State::Waiting => {}
        }
    }

    /// Lets the layer work that asked for something.
    fn with_asker(&mut self, ticket: Ticket, run: impl FnOnce(&mut dyn Layer, &mut Cx<'_>)) {
        let Some(id) = self.waiting.get(&ticket).copied() else { return };
        if let Some(at) = self.layers.iter().position(|held| held.id == id) {
            self.with(at, run);
        }
    }

    /// A key was pressed where something can be typed: soon it is on the disk.
    pub(super) fn save_soon(&mut self) {
        let types = self.layers.len() > 1 && self.top().is_some_and(Layer::wants_text);
        if types && self.desk.saving.is_none() && self.whose().is_some() {
            let ticket = self.new_ticket();
            self.desk.saving = Some(ticket);
            self.effects.push_back(Effect::Wake(ticket, SOON));
        }
    }

    /// Whether the time is over after which what was typed is written.
    pub(super) fn is_time_to_save(&mut self, ticket: Ticket) -> bool {
        let due = self.desk.saving.take_if(|saving| *saving == ticket).is_some();
        if due {
            self.keep_open_drafts();
        }
        due
    }

    /// Writes what is typed in open forms, behind a lock too.
    pub(super) fn keep_open_drafts(&mut self) {
        let Some(whose) = self.whose() else { return };
        let open: Vec<(String, Draft)> = self.layers.iter().chain(self.behind_the_lock()).filter_map(|held| held.layer.draft()).collect();
        let mut drafts = self.drafts.take_changes();
        drafts.retain(|(about, _)| open.iter().all(|(other, _)| other != about));
        // A form that is still as it was is not told of again, nor one that was
        // never begun.
        let was = |about: &str| self.desk.saved.iter().find(|(before, _)| before == about).map(|(_, draft)| draft);
        let news = open.iter().filter(|(about, draft)| match was(about) {
            Some(before) => before != draft,
            None => !is_empty(draft),
        });
        drafts.extend(news.cloned());
        self.desk.saved = open;
        if !drafts.is_empty() {
            self.tell_outbox(Order::Drafts(whose, drafts));
        }
    }

    /// Forgets the outbox of whoever was here; on the disk it stays for him.
    pub(super) fn end_outbox(&mut self) {
        self.desk = Desk::default();
        self.shared.outbox = Summary::default();
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};
    use jiff::Timestamp;

    use super::super::Beginning;
    use super::super::locking::tests::{Desk as Counter, key, session};
    use super::*;
    use crate::api::ids::UserId;
    use crate::tui::event::Event;

    /// A counter with the outbox open, in which one entry waits.
    fn counter() -> Counter {
        let mut counter = Counter::new(Beginning { signed_in: true, ..Beginning::default() });
        let asked = counter.call("GetSession");
        counter.answer(0, asked, Ok(session(UserId::new(), "staff", 43_200)));
        counter.at(1, key(KeyCode::Char('u'), KeyModifiers::ALT));
        let of = |effect: &Effect| match effect {
            Effect::Outbox(Order::List(tag)) => Some(*tag),
            _ => None,
        };
        let tag = counter.asked.iter().find_map(of).unwrap();
        let entry = Entry {
            id: 7,
            state: State::Waiting,
            title: "Reading 12,903.5 of 1042".to_owned(),
            typed_at: Timestamp::UNIX_EPOCH,
            settled_at: None,
            tries: 0,
            reason: None,
            number: None,
            about: "reading".to_owned(),
            typed: Vec::new(),
            form: String::new(),
        };
        counter.at(2, Event::Outbox(Box::new(News::List(tag, vec![entry]))));
        counter
    }

    fn presses(counter: &mut Counter, letter: char) -> bool {
        counter.at(3, key(KeyCode::Char(letter), KeyModifiers::NONE));
        counter.asked.iter().any(|effect| matches!(effect, Effect::Outbox(Order::Discard(7))))
    }

    #[test]
    fn t35_a_key_that_is_held_down_discards_nothing() {
        let mut counter = counter();
        for _ in 0..60 {
            assert!(!presses(&mut counter, 'x'));
        }
        assert!(counter.shown().contains("for good?"), "{}", counter.shown());
        assert!(presses(&mut counter, 'y'));
        assert!(!presses(&mut counter, 'y'), "once");
    }

    #[test]
    fn t35_whoever_went_on_after_the_question_is_asked_again() {
        for other in ['n', 'z', 'j'] {
            let mut counter = counter();
            assert!(!presses(&mut counter, 'x') && !presses(&mut counter, other) && !presses(&mut counter, 'y'), "{other}");
        }
    }
}

//! The shell and what could not be kept: it goes out all the same, under one key
//! until the server says what became of it, and nobody leaves unasked while its
//! text may be lost or written twice.

use super::App;
use crate::client::outbox::{OutboxFault, Post, has_text};
use crate::client::{Call, ClientError};
use crate::tui::event::{Effect, Reply, Ticket};
use crate::tui::layer::Tone;

impl App {
    /// Sent without being kept: better than not at all. Where its form is gone
    /// nobody would hear what becomes of it: its text is a draft again.
    pub(super) fn send_unkept(&mut self, ticket: Ticket, post: Post, fault: OutboxFault) {
        // Somebody else may sit here by now: nothing goes out in his name.
        if !self.unsure.is_on_its_way(ticket) {
            return;
        }
        if self.is_open(ticket) {
            self.desk.unkept.push((ticket, fault));
            self.goes_out_unkept(ticket, post.call);
            // A draft of it may have given way, and is one again.
            return self.keep_open_drafts();
        }
        self.unsure.stays_here(ticket);
        self.shared.writes += u64::from(self.writing.remove(&ticket));
        self.drafts.set(&post.about, post.typed);
        self.say(Tone::Error, format!("{} was neither kept nor sent: {fault}. Open it again to go on.", post.title));
    }

    pub(super) fn goes_out_unkept(&mut self, ticket: Ticket, call: Call) {
        self.unsure.is_not_kept(ticket);
        self.with_asker(ticket, |layer, _| layer.on_kept(ticket, false));
        self.effects.push_back(Effect::Call(ticket, call));
    }

    /// Whether the layer that asked is there still, behind a lock too.
    fn is_open(&self, ticket: Ticket) -> bool {
        let asker = self.waiting.get(&ticket);
        self.layers.iter().chain(self.behind_the_lock()).any(|held| Some(&held.id) == asker)
    }

    /// Whether a text is still here that may have arrived under a key that nobody
    /// knows once whoever typed it is gone.
    pub(super) fn may_be_doubled(&self) -> bool {
        let open = self.open_drafts();
        let is_here = |about: &str| self.drafts.holds(about) || open.iter().any(|(other, draft)| other == about && has_text(draft));
        self.unsure.lost().any(is_here)
    }

    /// Why what is being sent just now is not kept here, if something is not.
    pub(super) fn sends_unkept(&self) -> Option<&OutboxFault> {
        self.desk.unkept.iter().find(|(ticket, _)| self.writing.contains(ticket)).map(|(_, fault)| fault)
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
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::super::Beginning;
    use super::super::locking::tests::{Desk as Counter, key, session};
    use super::*;
    use crate::api::ids::{AssetId, UserId};
    use crate::api::problem::Problem;
    use crate::client::outbox::courier::{News, Order};
    use crate::tui::event::Event;
    use crate::tui::overlays::ReadingLine;

    /// Jo, who enters readings on a machine whose disk is full.
    struct Jo {
        counter: Counter,
        asset: AssetId,
        second: u64,
    }

    impl Jo {
        fn new() -> Self {
            let mut counter = Counter::new(Beginning { signed_in: true, ..Beginning::default() });
            let asked = counter.call("GetSession");
            counter.answer(0, asked, Ok(session(UserId::new(), "staff", 43_200)));
            let mut jo = Self { counter, asset: AssetId::new(), second: 0 };
            jo.opens();
            jo
        }

        fn opens(&mut self) {
            self.counter.app.open(Box::new(ReadingLine::again(self.asset, "KB-114".to_owned())));
        }

        /// Takes his time over everything.
        fn does(&mut self, event: Event) {
            self.second += 100;
            self.counter.at(self.second, event);
        }

        fn presses(&mut self, code: KeyCode) {
            self.does(key(code, KeyModifiers::NONE));
        }

        fn types(&mut self, text: &str) {
            for letter in text.chars() {
                self.presses(KeyCode::Char(letter));
            }
        }

        /// Saves it: what the outbox is to keep; nothing where something is said
        /// first.
        fn saves(&mut self) -> Option<(Ticket, Box<Post>)> {
            self.presses(KeyCode::Enter);
            let at = self.counter.asked.iter().position(|effect| matches!(effect, Effect::Outbox(Order::Keep(..))))?;
            let Effect::Outbox(Order::Keep(tag, _, post)) = self.counter.asked.remove(at) else { panic!("it is not to be kept") };
            Some((Ticket(tag), post))
        }

        fn is_not_kept(&mut self, (ticket, post): (Ticket, Box<Post>)) {
            self.does(Event::Outbox(Box::new(News::NotKept(ticket.0, post, OutboxFault::Full))));
        }

        /// Saves what cannot be kept: under which ticket and key it goes out.
        fn sends(&mut self) -> (Ticket, String) {
            let saved = self.saves().unwrap();
            let ticket = saved.0;
            self.is_not_kept(saved);
            let of = |effect: &Effect| match effect {
                Effect::Call(sent, call) if *sent == ticket => Some(call.key().to_owned()),
                _ => None,
            };
            let sent = (ticket, self.counter.asked.iter().find_map(of).unwrap());
            let is_draft = |effect: &Effect| matches!(effect, Effect::Outbox(Order::Drafts(_, drafts)) if has_text(&drafts[0].1));
            assert!(self.counter.asked.iter().any(is_draft), "it is a draft until it has arrived: {:?}", self.counter.asked);
            sent
        }

        /// The same, and no answer comes: the key.
        fn sends_and_hears_nothing(&mut self) -> String {
            let (ticket, key) = self.sends();
            self.hears(ticket, Err(ClientError::Unreachable { server: "s".to_owned(), cause: "c".to_owned() }));
            key
        }

        fn hears(&mut self, ticket: Ticket, outcome: Result<Vec<u8>, ClientError>) {
            self.second += 100;
            self.counter.answer(self.second, ticket, outcome);
        }

        fn shown(&self) -> String {
            self.counter.shown()
        }
    }

    #[test]
    fn t9_saved_again_unchanged_it_goes_under_the_key_of_before() {
        let mut jo = Jo::new();
        jo.types("42");
        let first = jo.sends_and_hears_nothing();
        // The first is worked on still, or nobody is signed in any more.
        for code in ["idempotency.running", "permission.missing"] {
            let (ticket, key) = jo.sends();
            jo.hears(ticket, Err(Problem::new(code, "Not now.").into()));
            assert_eq!(key, first, "{code}");
        }
        jo.presses(KeyCode::Esc);
        jo.opens();
        assert_eq!(jo.sends_and_hears_nothing(), first, "the form was closed meanwhile");
        assert!(jo.shown().contains("nothing can be kept here"), "{}", jo.shown());
    }

    #[test]
    fn t9_a_day_ago_is_the_same_moment_when_it_is_saved_again() {
        let mut jo = Jo::new();
        jo.types("42");
        jo.presses(KeyCode::Tab);
        jo.types("-1d");
        let first = jo.sends_and_hears_nothing();
        assert_eq!(jo.sends_and_hears_nothing(), first);
    }

    #[test]
    fn t9_before_another_text_goes_out_it_is_said_that_the_first_may_have_arrived() {
        let mut jo = Jo::new();
        jo.types("42");
        let first = jo.sends_and_hears_nothing();
        jo.types("7");
        assert!(jo.saves().is_none() && jo.shown().contains("may have arrived"), "{}", jo.shown());
        jo.presses(KeyCode::Backspace);
        assert_eq!(jo.sends_and_hears_nothing(), first, "put back as it was it is one write");
        jo.types("7");
        assert!(jo.saves().is_none());
        let second = jo.sends_and_hears_nothing();
        assert_ne!(second, first, "he was told");
        assert_eq!(jo.sends_and_hears_nothing(), second);
    }

    #[test]
    fn nobody_walks_away_from_what_is_on_its_way_and_kept_nowhere() {
        let mut jo = Jo::new();
        jo.types("42");
        let (ticket, _) = jo.sends();
        jo.presses(KeyCode::F(2));
        assert!(jo.counter.app.layers.len() == 2 && jo.shown().contains("wait for the answer"), "{}", jo.shown());
        jo.hears(ticket, Err(ClientError::Unreachable { server: "s".to_owned(), cause: "c".to_owned() }));
        jo.presses(KeyCode::F(2));
        assert_eq!(jo.counter.app.layers.len(), 1, "its text is a draft");
    }

    #[test]
    fn what_was_left_before_it_could_not_be_kept_is_not_sent_and_there_again() {
        let mut jo = Jo::new();
        jo.types("42");
        let saved = jo.saves().unwrap();
        jo.presses(KeyCode::F(2));
        assert_eq!(jo.counter.app.layers.len(), 1);
        jo.is_not_kept(saved);
        assert!(!jo.counter.asked.iter().any(|effect| matches!(effect, Effect::Call(..))), "{:?}", jo.counter.asked);
        assert!(jo.shown().contains("neither kept nor sent"), "{}", jo.shown());
        jo.opens();
        assert!(jo.shown().contains("42"), "{}", jo.shown());
    }
}

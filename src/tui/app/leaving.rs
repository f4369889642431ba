//! Quitting and signing out: nobody is gone before what was typed is kept, or
//! before somebody who was told why it cannot be said that it may be lost.

use super::App;
use crate::client::outbox::OutboxFault;
use crate::client::outbox::courier::Order;
use crate::tui::End;
use crate::tui::event::Ticket;
use crate::tui::layer::{Exit, Tone};
use crate::tui::overlays::LoseTyped;

/// What somebody who wants to leave waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaving {
    /// The outbox says whether all is kept.
    Asked(Ticket),
    /// What could not be kept is on its way to the server.
    Sending,
}

impl App {
    /// Somebody leaves: first what was typed is kept. Whoever wants the same once
    /// more meanwhile need not wait for a disk or a line that does not answer.
    pub(super) fn leave(&mut self, exit: Exit) {
        let before = self.leaving.take().filter(|(before, _)| *before == exit).map(|(_, leaving)| leaving);
        match (before, self.sends_unkept().map(OutboxFault::to_string)) {
            (Some(Leaving::Asked(_)), _) => self.ask_to_lose(exit, "its disk does not answer"),
            (Some(Leaving::Sending), Some(why)) => self.ask_to_lose(exit, &why),
            _ if self.has_typed() => self.make_sure(exit),
            _ => self.go(exit),
        }
    }

    /// Leaves, whatever is not kept.
    pub(super) fn go(&mut self, exit: Exit) {
        match exit {
            Exit::Quit => self.end(End::Quit),
            Exit::SignOut => self.sign_out(),
        }
    }

    fn make_sure(&mut self, exit: Exit) {
        self.keep_open_drafts();
        let ticket = self.new_ticket();
        self.leaving = Some((exit, Leaving::Asked(ticket)));
        self.message = Some((Tone::Fine, "Keeping what you typed.".to_owned()));
        self.tell_outbox(Order::MakeSure(ticket.0));
    }

    /// The outbox did all that it was told before: what was typed is on the
    /// disk, or this is why not. Nothing is asked over a lock.
    pub(super) fn is_sure(&mut self, ticket: Ticket, fault: Option<OutboxFault>) {
        let Some((exit, _)) = self.leaving.take_if(|(_, leaving)| *leaving == Leaving::Asked(ticket)) else { return };
        if self.locked.is_some() {
            return;
        }
        if let Some(why) = self.sends_unkept().map(OutboxFault::to_string) {
            let then = match exit {
                Exit::Quit => "countertop ends",
                Exit::SignOut => "you are signed out",
            };
            self.message = Some((Tone::Warning, format!("It cannot be kept on this machine: {why}. It is sent first, then {then}.")));
            self.leaving = Some((exit, Leaving::Sending));
            return;
        }
        match fault {
            Some(fault) => self.ask_to_lose(exit, &fault.to_string()),
            None if self.may_be_doubled() => self.ask_over(LoseTyped::in_doubt(exit)),
            None => self.go(exit),
        }
    }

    /// An answer came. Was it that to what could not be kept, then whoever waits
    /// for it may go; but not where the server has not got it.
    pub(super) fn leave_if_sent(&mut self, arrived: bool) {
        if self.sends_unkept().is_none()
            && let Some((exit, _)) = self.leaving.take_if(|(_, leaving)| *leaving == Leaving::Sending)
            && arrived
            && self.locked.is_none()
        {
            self.leave(exit);
        }
    }

    fn ask_to_lose(&mut self, exit: Exit, why: &str) {
        self.ask_over(LoseTyped::because(exit, why));
    }

    fn ask_over(&mut self, question: LoseTyped) {
        self.message = None;
        self.open_once(Box::new(question));
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};

    use super::super::Beginning;
    use super::super::locking::tests::{Desk as Counter, key, session};
    use super::*;
    use crate::api::ids::{AssetId, UserId};
    use crate::client::ClientError;
    use crate::client::outbox::courier::News;
    use crate::tui::event::{Effect, Event};
    use crate::tui::overlays::ReadingLine;

    /// Jo, who typed a reading.
    struct Jo(Counter);

    impl Jo {
        fn new() -> Self {
            let mut counter = Counter::new(Beginning { signed_in: true, ..Beginning::default() });
            let asked = counter.call("GetSession");
            counter.answer(0, asked, Ok(session(UserId::new(), "staff", 43_200)));
            counter.app.open(Box::new(ReadingLine::again(AssetId::new(), "KB-114".to_owned())));
            counter.types(1, "42");
            Self(counter)
        }

        /// Quits: under which tag the outbox is asked.
        fn quits(&mut self) -> Option<u64> {
            self.0.at(2, key(KeyCode::F(10), KeyModifiers::NONE));
            self.is_made_sure()
        }

        /// Signs out by the list of commands: the same.
        fn signs_out(&mut self) -> Option<u64> {
            self.0.app.leave(Exit::SignOut);
            self.0.at(2, Event::Resize);
            self.is_made_sure()
        }

        fn is_made_sure(&self) -> Option<u64> {
            let of = |effect: &Effect| match effect {
                Effect::Outbox(Order::MakeSure(tag)) => Some(*tag),
                _ => None,
            };
            self.0.asked.iter().find_map(of)
        }

        fn hears(&mut self, news: News) {
            self.0.at(3, Event::Outbox(Box::new(news)));
        }

        fn says(&mut self, letter: char) {
            self.0.at(4, key(KeyCode::Char(letter), KeyModifiers::NONE));
        }

        fn is_gone(&self) -> bool {
            self.0.asked.iter().any(|effect| matches!(effect, Effect::Quit(End::Quit)))
        }

        fn is_signed_out(&self) -> bool {
            self.0.asked.iter().any(|effect| matches!(effect, Effect::UseToken(None)))
        }

        fn is_asked(&self) -> bool {
            self.0.shown().contains("Quit and lose it?")
        }

        /// Presses Enter over a disk that is full: the ticket under which it is
        /// sent all the same.
        fn sends_what_is_not_kept(&mut self) -> Ticket {
            self.0.at(2, key(KeyCode::Enter, KeyModifiers::NONE));
            let at = self.0.asked.iter().position(|effect| matches!(effect, Effect::Outbox(Order::Keep(..)))).unwrap();
            let Effect::Outbox(Order::Keep(tag, _, post)) = self.0.asked.remove(at) else { panic!("it is not kept") };
            let asked = self.quits().unwrap();
            assert!(!self.is_gone());
            self.hears(News::NotKept(tag, post, OutboxFault::Full));
            self.hears(News::Sure(asked, None));
            assert!(!self.is_gone() && self.0.shown().contains("cannot be kept on this machine"), "{}", self.0.shown());
            Ticket(tag)
        }
    }

    #[test]
    fn whoever_typed_nothing_goes_at_once() {
        let mut jo = Jo::new();
        jo.0.at(2, key(KeyCode::Backspace, KeyModifiers::NONE)).at(2, key(KeyCode::Backspace, KeyModifiers::NONE));
        assert!(jo.quits().is_none() && jo.is_gone());
    }

    #[test]
    fn what_is_typed_is_on_the_disk_before_the_program_ends() {
        let mut jo = Jo::new();
        let asked = jo.quits().unwrap();
        assert!(matches!(jo.0.asked.first(), Some(Effect::Outbox(Order::Drafts(..)))), "{:?}", jo.0.asked);
        assert!(!jo.is_gone());
        jo.hears(News::Sure(asked, None));
        assert!(jo.is_gone());
    }

    #[test]
    fn t9_what_cannot_be_kept_is_lost_only_by_somebody_who_says_so() {
        let mut jo = Jo::new();
        let asked = jo.quits().unwrap();
        jo.hears(News::Sure(asked, Some(OutboxFault::Full)));
        assert!(!jo.is_gone() && jo.is_asked() && jo.0.shown().contains("this machine is full"), "{}", jo.0.shown());
        jo.says('n');
        assert!(!jo.is_gone() && !jo.is_asked() && jo.0.shown().contains("42"), "{}", jo.0.shown());
        let asked = jo.quits().unwrap();
        jo.hears(News::Sure(asked, Some(OutboxFault::Full)));
        jo.says('y');
        assert!(jo.is_gone());
    }

    #[test]
    fn a_disk_that_does_not_answer_holds_nobody_and_a_held_key_loses_nothing() {
        let mut jo = Jo::new();
        assert!(jo.quits().is_some());
        for _ in 0..61 {
            jo.quits();
            assert!(!jo.is_gone());
        }
        assert!(jo.is_asked() && jo.0.app.layers.len() == 3, "{}", jo.0.shown());
        jo.says('y');
        assert!(jo.is_gone());
    }

    #[test]
    fn t9_enter_and_quit_over_a_full_disk_ends_when_the_server_has_it() {
        let mut jo = Jo::new();
        let sent = jo.sends_what_is_not_kept();
        jo.0.answer(4, sent, Ok(b"{}".to_vec()));
        assert!(jo.is_gone(), "{:?}", jo.0.asked);
    }

    #[test]
    fn t9_enter_and_quit_over_a_full_disk_and_a_broken_line_stays_and_says_why() {
        let mut jo = Jo::new();
        let sent = jo.sends_what_is_not_kept();
        jo.0.answer(4, sent, Err(ClientError::Unreachable { server: "s".to_owned(), cause: "c".to_owned() }));
        assert!(!jo.is_gone() && jo.0.shown().contains("nothing can be kept here"), "{}", jo.0.shown());
        let asked = jo.quits().unwrap();
        jo.hears(News::Sure(asked, Some(OutboxFault::Full)));
        assert!(jo.is_asked());
    }
    #[test]
    fn t9_signing_out_over_a_full_disk_loses_only_what_somebody_says() {
        let mut jo = Jo::new();
        let asked = jo.signs_out().unwrap();
        assert!(!jo.is_signed_out());
        jo.hears(News::Sure(asked, Some(OutboxFault::Full)));
        assert!(!jo.is_signed_out() && jo.0.shown().contains("Sign out and lose it?"), "{}", jo.0.shown());
        jo.says('n');
        assert!(!jo.is_signed_out() && jo.0.shown().contains("42"), "{}", jo.0.shown());
        let asked = jo.signs_out().unwrap();
        jo.hears(News::Sure(asked, Some(OutboxFault::Full)));
        jo.says('y');
        assert!(jo.is_signed_out() && !jo.is_gone());
    }

    #[test]
    fn whoever_signs_out_is_gone_when_what_was_typed_is_on_the_disk_or_at_the_server() {
        let mut jo = Jo::new();
        let asked = jo.signs_out().unwrap();
        jo.hears(News::Sure(asked, None));
        assert!(jo.is_signed_out());
        let mut jo = Jo::new();
        let sent = jo.sends_what_is_not_kept();
        let asked = jo.signs_out().unwrap();
        jo.hears(News::Sure(asked, None));
        assert!(!jo.is_signed_out() && jo.0.shown().contains("then you are signed out"), "{}", jo.0.shown());
        jo.0.answer(4, sent, Ok(b"{}".to_vec()));
        assert!(jo.is_signed_out());
    }

    #[test]
    fn whoever_quits_is_told_that_what_may_have_arrived_may_be_written_twice_by_then() {
        let mut jo = Jo::new();
        let sent = jo.sends_what_is_not_kept();
        jo.0.answer(4, sent, Err(ClientError::Unreachable { server: "s".to_owned(), cause: "c".to_owned() }));
        // There is room again: the text is kept, but not that it was sent.
        let asked = jo.quits().unwrap();
        jo.hears(News::Sure(asked, None));
        assert!(!jo.is_gone() && jo.0.shown().contains("Quit all the same?"), "{}", jo.0.shown());
        jo.says('y');
        assert!(jo.is_gone());
    }

    #[test]
    fn whoever_quits_where_another_ones_text_is_not_kept_is_asked_too() {
        let mut jo = Jo::new();
        jo.hears(News::Failed(OutboxFault::Full));
        let asked = jo.signs_out().unwrap();
        jo.hears(News::Sure(asked, Some(OutboxFault::Full)));
        jo.says('y');
        assert!(jo.is_signed_out());
        let asked = jo.quits().unwrap();
        jo.hears(News::Sure(asked, Some(OutboxFault::Full)));
        assert!(!jo.is_gone() && jo.is_asked());
    }
}

//! A server that was restored from a backup: that what was sent since goes out once
//! more stays on the screen until somebody has read it, whatever arrives meanwhile.

use super::App;
use crate::tui::layer::Tone;

impl App {
    /// So many are sent once more.
    pub(super) fn tell_of_restored(&mut self, count: usize) {
        let are = if count == 1 { "is" } else { "are" };
        let told = format!("The server was restored from a backup: {count} of what you sent since {are} sent once more. None is written twice.");
        self.desk.restored = Some(told.clone());
        self.say(Tone::Warning, told);
    }

    /// What became of a write, behind those words where they stand.
    pub(super) fn say_beside_restored(&mut self, tone: Tone, text: String) {
        match &self.desk.restored {
            Some(first) => {
                let both = format!("{first} {text}");
                self.say(if tone == Tone::Fine { Tone::Warning } else { tone }, both);
            }
            None => self.say(tone, text),
        }
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};
    use jiff::Timestamp;

    use super::super::Beginning;
    use super::super::locking::tests::{Desk as Counter, key, session};
    use crate::api::ids::UserId;
    use crate::client::outbox::courier::News;
    use crate::client::outbox::{Entry, State};
    use crate::tui::event::Event;

    /// One that the server said something of.
    fn settled(state: State, title: &str) -> News {
        News::Settled(Box::new(Entry {
            id: 7,
            state,
            title: title.to_owned(),
            typed_at: Timestamp::UNIX_EPOCH,
            settled_at: Some(Timestamp::UNIX_EPOCH),
            tries: 1,
            reason: Some("Lower than before.".to_owned()),
            next_try: None,
            number: None,
            about: String::new(),
            typed: Vec::new(),
            form: String::new(),
        }))
    }

    #[test]
    fn that_a_server_was_restored_is_told_until_somebody_has_read_it() {
        let mut jo = Counter::new(Beginning { signed_in: true, ..Beginning::default() });
        let asked = jo.call("GetSession");
        jo.answer(0, asked, Ok(session(UserId::new(), "staff", 43_200)));
        jo.at(1, Event::Outbox(Box::new(News::SentAgain(2))));
        for (state, told) in [(State::Sent, "Sent now: Reading 42."), (State::Refused, "Refused: Reading 42: Lower")] {
            jo.at(2, Event::Outbox(Box::new(settled(state, "Reading 42"))));
            let shown = jo.shown();
            assert!(shown.contains("restored from a backup: 2 of what you sent since") && shown.contains(told), "{shown}");
        }
        jo.at(3, key(KeyCode::Char('k'), KeyModifiers::NONE));
        assert!(!jo.shown().contains("restored"), "{}", jo.shown());
        jo.at(4, Event::Outbox(Box::new(settled(State::Sent, "Reading 43"))));
        let shown = jo.shown();
        assert!(shown.contains("Sent now: Reading 43.") && !shown.contains("restored"), "{shown}");
    }
}

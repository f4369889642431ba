//! Reading while the server cannot be reached: answers are kept as they come,
//! stand in for calls that fail, and the screen says how old they are. So it does of
//! what has stood there for minutes, for who knows whether the server is there.

use std::time::Duration;

use jiff::Timestamp;

use super::{App, Held};
use crate::client::{Call, ClientError};
use crate::tui::event::{Effect, Reply, Ticket};
use crate::tui::shared::{FRESH, Link};

/// From here on a line counts as slow.
const SLOW: Duration = Duration::from_secs(1);

impl App {
    /// A call came back: to be handed out, with what was said the last time if
    /// the line broke.
    pub(super) fn reply(&mut self, mut reply: Reply) {
        self.note_line(&reply);
        // A right was taken away, or the session: who knows what may be shown.
        if reply.outcome.as_ref().err().and_then(ClientError::problem).is_some_and(|problem| matches!(problem.status, 401 | 403)) {
            self.last_goods.empty();
        }
        self.last_goods.stand_in(&mut reply);
        self.hand_out(&reply);
        self.last_goods.keep(reply);
    }

    /// A call goes out. A workshop terminal keeps nothing of what it reads.
    pub(super) fn note_asked(&mut self, ticket: Ticket, call: &Call) {
        if !self.shared.is_kiosk() {
            self.last_goods.ask(ticket, call);
        }
    }

    /// The layers that are drawn, the lowest first.
    pub(super) fn in_sight(&self) -> &[Held] {
        let lowest = self.layers.iter().rposition(|held| !held.layer.is_over()).unwrap_or(0);
        &self.layers[lowest..]
    }

    /// When the server said the oldest of what is on the screen, if that may be
    /// another by now.
    pub(super) fn as_of(&self) -> Option<Timestamp> {
        self.in_sight().iter().filter_map(|held| held.layer.as_of(&self.shared)).min()
    }

    /// What is shown grows old, also where nobody touches a key: it says so then.
    /// One sleep at a time, and none once it is said.
    pub(super) fn watch_age(&mut self) {
        if self.locked.is_some() || self.as_of().is_some() {
            return;
        }
        let now = self.shared.now;
        self.shared.now = now.checked_add(FRESH).unwrap_or(now);
        let oldest = self.as_of();
        self.shared.now = now;
        let Some(oldest) = oldest else { return };
        // What stands above panes may be older than they are, and says so with them.
        let left = Duration::try_from(FRESH.saturating_sub(now.duration_since(oldest))).ok().filter(|left| !left.is_zero());
        let left = left.unwrap_or(FRESH.unsigned_abs());
        if let Ok(until) = now.checked_add(left)
            && self.aging.is_wanted(until)
        {
            let ticket = self.new_ticket();
            self.aging.begins(ticket, until);
            self.effects.push_back(Effect::Wake(ticket, left));
        }
    }

    fn note_line(&mut self, reply: &Reply) {
        // The outbox did not even try: that says nothing of the line.
        if reply.waits && reply.took.is_zero() {
            return;
        }
        self.shared.link = match (&reply.outcome, self.shared.link) {
            (Err(error), Link::Offline(since)) if error.is_unreachable() => Link::Offline(since),
            (Err(error), _) if error.is_unreachable() => Link::Offline(reply.at),
            (_, Link::Offline(_)) => {
                self.send_again();
                Link::Online
            }
            _ if reply.took > SLOW => Link::Slow(reply.took),
            _ => Link::Online,
        };
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::{KeyCode, KeyModifiers};
    use serde_json::json;

    use super::super::Beginning;
    use super::super::locking::tests::{Desk, key, session};
    use super::*;
    use crate::api::ids::{CustomerId, UserId};
    use crate::api::problem::Problem;
    use crate::tui::event::Event;

    const OFF_LINE: &str = "Off line: this is what the server said at";

    fn desk(kind: &str) -> Desk {
        let mut desk = Desk::new(Beginning { signed_in: true, ..Beginning::default() });
        let asked = desk.call("GetSession");
        desk.answer(0, asked, Ok(session(UserId::new(), kind, 43_200)));
        desk
    }

    fn keller() -> Vec<u8> {
        let hit = json!({ "id": CustomerId::new(), "name": "Keller Bau GmbH", "city": "Waco", "phone": null, "matched": ["name"], "near_miss": false });
        json!({ "items": [hit], "next": null, "total": 1 }).to_string().into_bytes()
    }

    fn unreachable() -> ClientError {
        ClientError::Unreachable { server: "s".to_owned(), cause: "c".to_owned() }
    }

    /// The answers to what the find box asks.
    fn hears(desk: &mut Desk, second: u64, customers: Result<Vec<u8>, ClientError>) {
        let assets = customers.as_ref().map(|_| br#"{"items":[]}"#.to_vec()).map_err(Clone::clone);
        let (search, lookup) = (desk.call("SearchCustomers"), desk.call("LookUpAsset"));
        desk.answer(second, search, customers).answer(second, lookup, assets);
    }

    fn reload() -> Event {
        key(KeyCode::F(5), KeyModifiers::NONE)
    }

    #[test]
    fn off_line_the_last_answer_is_shown_with_its_age_until_the_line_is_back() {
        let mut desk = desk("staff");
        desk.types(1, "kel");
        hears(&mut desk, 2, Ok(keller()));
        assert!(desk.shown().contains("Keller Bau GmbH") && !desk.shown().contains("the server said"));
        desk.at(720, reload());
        hears(&mut desk, 722, Err(unreachable()));
        let shown = desk.shown();
        assert!(shown.contains("Keller Bau GmbH") && shown.contains(OFF_LINE) && shown.contains("12 minutes ago"), "{shown}");
        assert!(shown.contains("Customers, as of "), "{shown}");
        desk.at(780, reload());
        hears(&mut desk, 781, Ok(keller()));
        let shown = desk.shown();
        assert!(shown.contains("Keller Bau GmbH") && !shown.contains("the server said") && !shown.contains("as of"), "{shown}");
    }

    #[test]
    fn what_nobody_touches_tells_its_age_after_minutes_and_wakes_the_machine_once() {
        let mut desk = desk("staff");
        desk.types(1, "kel");
        let (search, lookup) = (desk.call("SearchCustomers"), desk.call("LookUpAsset"));
        let (old, after) = desk.answer(2, search, Ok(keller())).wakes()[0];
        assert_eq!(after, Duration::from_mins(5));
        assert!(desk.answer(2, lookup, Ok(br#"{"items":[]}"#.to_vec())).wakes().is_empty(), "one sleep for all of it");
        for second in 3..300 {
            assert!(desk.at(second, key(KeyCode::Down, KeyModifiers::NONE)).wakes().is_empty(), "a key begins none");
        }
        assert!(!desk.shown().contains("the server said"), "{}", desk.shown());
        desk.app.take_dirty();
        // The server is gone, and nobody has asked it anything.
        desk.at(302, Event::Woken(old));
        let shown = desk.shown();
        assert!(desk.app.take_dirty() && shown.contains("Keller Bau GmbH") && shown.contains("The oldest of this is what the server said at"), "{shown}");
        assert!(desk.wakes().is_empty(), "it is said, and nothing is waited for any more");
        desk.at(400, reload());
        hears(&mut desk, 401, Ok(keller()));
        assert!(!desk.shown().contains("the server said"), "{}", desk.shown());
    }

    #[test]
    fn off_line_a_text_that_was_never_answered_fails_and_one_that_was_is_shown() {
        let mut desk = desk("staff");
        desk.types(1, "kel");
        hears(&mut desk, 2, Ok(keller()));
        desk.types(300, "x");
        hears(&mut desk, 301, Err(unreachable()));
        let shown = desk.shown();
        assert!(shown.contains("Could not search") && !shown.contains("Keller Bau"), "another text was never answered: {shown}");
        desk.at(302, key(KeyCode::Backspace, KeyModifiers::NONE));
        hears(&mut desk, 303, Err(unreachable()));
        assert!(desk.shown().contains(OFF_LINE) && desk.shown().contains("Keller Bau GmbH"), "{}", desk.shown());
    }

    #[test]
    fn a_refusal_and_another_session_leave_nothing_to_be_shown() {
        for ends in [true, false] {
            let mut desk = desk("staff");
            desk.types(1, "kel");
            hears(&mut desk, 2, Ok(keller()));
            desk.at(3, reload());
            let (search, lookup) = (desk.call("SearchCustomers"), desk.call("LookUpAsset"));
            if ends {
                desk.answer(4, lookup, Err(Problem::missing(Vec::new()).into()));
            } else {
                desk.app.use_token("another".to_owned());
            }
            desk.answer(5, search, Err(unreachable()));
            assert!(!desk.shown().contains("Keller Bau"), "{}", desk.shown());
        }
    }

    #[test]
    fn a_workshop_terminal_keeps_nothing_to_be_shown() {
        let mut bay = desk("kiosk");
        bay.types(1, "kel");
        hears(&mut bay, 2, Ok(keller()));
        assert!(bay.shown().contains("Keller Bau GmbH"));
        bay.at(3, reload());
        hears(&mut bay, 4, Err(unreachable()));
        assert!(bay.shown().contains("Could not search") && !bay.shown().contains("Keller Bau"), "{}", bay.shown());
    }
}

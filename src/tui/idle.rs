//! How long nobody has touched the keyboard. One sleep at a time is under way;
//! a key does not move it, it is looked at when it is over.

use std::time::Duration;

use jiff::Timestamp;

use super::event::Ticket;

/// When a key was pressed last, and the sleep under way.
#[derive(Debug)]
pub(super) struct Idle {
    since: Timestamp,
    asleep: Option<(Ticket, Timestamp)>,
}

impl Idle {
    /// From now on.
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { since: now, asleep: None }
    }

    /// Somebody is there.
    pub(super) fn touched(&mut self, now: Timestamp) {
        self.since = now;
    }

    /// What is left of the time that may pass without a key. A clock that was
    /// set back counts as a key now.
    pub(super) fn left(&self, limit: Duration, now: Timestamp) -> Duration {
        let gone = Duration::try_from(now.duration_since(self.since)).unwrap_or_default();
        limit.saturating_sub(gone)
    }

    /// Whether a sleep until then has to be begun: none is under way, or only
    /// one that is over later.
    pub(super) fn wants_sleep(&self, until: Timestamp) -> bool {
        self.asleep.is_none_or(|(_, due)| due > until)
    }

    /// A sleep was begun.
    pub(super) fn sleeps(&mut self, ticket: Ticket, until: Timestamp) {
        self.asleep = Some((ticket, until));
    }

    /// Whether it is the sleep under way that is over now.
    pub(super) fn woke(&mut self, ticket: Ticket) -> bool {
        self.asleep.take_if(|(own, _)| *own == ticket).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    #[test]
    fn keys_move_the_end_and_begin_no_second_sleep() {
        let limit = Duration::from_mins(1);
        let mut idle = Idle::new(at(0));
        assert!(idle.wants_sleep(at(60)));
        idle.sleeps(Ticket(1), at(60));
        idle.touched(at(50));
        assert!(!idle.wants_sleep(at(110)), "one sleep at a time");
        assert!(idle.wants_sleep(at(20)), "but a shorter one where less time is left");
        assert!(!idle.woke(Ticket(7)));
        assert!(idle.woke(Ticket(1)) && !idle.woke(Ticket(1)));
        assert_eq!(idle.left(limit, at(60)), Duration::from_secs(50));
        assert_eq!(idle.left(limit, at(110)), Duration::ZERO);
        assert_eq!(idle.left(limit, at(20)), limit, "the clock was set back");
    }
}

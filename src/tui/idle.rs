//! How long nobody has touched the keyboard, and sleeps: one of a sort is under way
//! at a time; a key does not move it, it is looked at when it is over.

use std::time::Duration;

use jiff::Timestamp;

use super::event::Ticket;

/// When a key was pressed last, and the sleep under way.
#[derive(Debug)]
pub(super) struct Idle {
    since: Timestamp,
    pub(super) sleep: Sleep,
}

/// A sleep under way, if one is: by which ticket it ends, and when.
#[derive(Debug, Default)]
pub(super) struct Sleep(Option<(Ticket, Timestamp)>);

impl Sleep {
    /// Whether one until then has to be begun: none is under way, or only one that
    /// is over later.
    pub(super) fn is_wanted(&self, until: Timestamp) -> bool {
        self.0.is_none_or(|(_, due)| due > until)
    }

    /// One was begun.
    pub(super) fn begins(&mut self, ticket: Ticket, until: Timestamp) {
        self.0 = Some((ticket, until));
    }

    /// Whether it is the one under way that is over now.
    pub(super) fn ends(&mut self, ticket: Ticket) -> bool {
        self.0.take_if(|(own, _)| *own == ticket).is_some()
    }
}

impl Idle {
    /// From now on.
    pub(super) const fn new(now: Timestamp) -> Self {
        Self { since: now, sleep: Sleep(None) }
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
        assert!(idle.sleep.is_wanted(at(60)));
        idle.sleep.begins(Ticket(1), at(60));
        idle.touched(at(50));
        assert!(!idle.sleep.is_wanted(at(110)), "one sleep at a time");
        assert!(idle.sleep.is_wanted(at(20)), "but a shorter one where less time is left");
        assert!(!idle.sleep.ends(Ticket(7)));
        assert!(idle.sleep.ends(Ticket(1)) && !idle.sleep.ends(Ticket(1)));
        assert_eq!(idle.left(limit, at(60)), Duration::from_secs(50));
        assert_eq!(idle.left(limit, at(110)), Duration::ZERO);
        assert_eq!(idle.left(limit, at(20)), limit, "the clock was set back");
    }
}

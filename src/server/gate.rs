//! How many calls are in work at once. Whoever comes when there is no place is
//! told so at once, before anything is done for him: who waits in a long queue
//! gets his answer when he has given up.
//!
//! Reading, writing and signing in have places of their own, so that a rush of
//! one leaves the others their way.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;
use crate::api::problem::Problem;

/// After so many seconds another try makes sense.
const COME_AGAIN: u64 = 1;

/// Which places a call takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// It changes nothing.
    Read,
    /// It may change something.
    Write,
    /// Nobody is signed in yet.
    Stranger,
}

/// The places.
#[derive(Debug)]
pub(crate) struct Gate {
    reads: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

impl Gate {
    /// With as many places as are allowed.
    pub(crate) fn new(limits: &Limits) -> Self {
        let places = |most: usize| Arc::new(Semaphore::new(most));
        Self { reads: places(limits.reads), writes: places(limits.writes), strangers: places(limits.strangers) }
    }

    fn places(&self, sort: Sort) -> &Arc<Semaphore> {
        match sort {
            Sort::Read => &self.reads,
            Sort::Write => &self.writes,
            Sort::Stranger => &self.strangers,
        }
    }

    /// A place, free again when it is let go.
    ///
    /// # Errors
    /// [`busy`].
    pub(crate) fn enter(&self, sort: Sort) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(self.places(sort)).try_acquire_owned().map_err(|_| busy())
    }

    /// Whether there is a place. It is not kept: whoever sends a body byte by
    /// byte would take it from those who are ready.
    ///
    /// # Errors
    /// [`busy`].
    pub(crate) fn look_in(&self, sort: Sort) -> Result<(), Problem> {
        if self.places(sort).available_permits() > 0 { Ok(()) } else { Err(busy()) }
    }
}

/// There is no place just now.
pub(crate) fn busy() -> Problem {
    Problem { retry_after: Some(COME_AGAIN), ..Problem::new("server.busy", "The server is busy. Try again in a moment.") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rush_of_writes_leaves_the_readers_their_way() {
        let gate = Gate::new(&Limits { writes: 2, ..Limits::default() });
        let first = gate.enter(Sort::Write).unwrap();
        let _second = gate.enter(Sort::Write).unwrap();
        let refused = gate.enter(Sort::Write).unwrap_err();
        assert_eq!((refused.status, refused.retry_after), (503, Some(1)));
        assert!(gate.look_in(Sort::Write).is_err());
        assert!(gate.enter(Sort::Read).is_ok() && gate.enter(Sort::Stranger).is_ok());
        drop(first);
        assert!(gate.look_in(Sort::Write).is_ok() && gate.enter(Sort::Write).is_ok());
    }
}

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
pub(crate) enum Lane {
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

    fn places(&self, lane: Lane) -> &Arc<Semaphore> {
        match lane {
            Lane::Read => &self.reads,
            Lane::Write => &self.writes,
            Lane::Stranger => &self.strangers,
        }
    }

    /// A place, free again when it is let go.
    ///
    /// # Errors
    /// [`busy`].
    pub(crate) fn enter(&self, lane: Lane) -> Result<OwnedSemaphorePermit, Problem> {
        Arc::clone(self.places(lane)).try_acquire_owned().map_err(|_| busy())
    }

    /// Whether there is a place. It is not kept: whoever sends a body byte by
    /// byte would take it from those who are ready.
    ///
    /// # Errors
    /// [`busy`].
    pub(crate) fn look_in(&self, lane: Lane) -> Result<(), Problem> {
        if self.places(lane).available_permits() > 0 { Ok(()) } else { Err(busy()) }
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
        let first = gate.enter(Lane::Write).unwrap();
        let _second = gate.enter(Lane::Write).unwrap();
        let refused = gate.enter(Lane::Write).unwrap_err();
        assert_eq!((refused.status, refused.retry_after), (503, Some(1)));
        assert!(gate.look_in(Lane::Write).is_err());
        assert!(gate.enter(Lane::Read).is_ok() && gate.enter(Lane::Stranger).is_ok());
        drop(first);
        assert!(gate.look_in(Lane::Write).is_ok() && gate.enter(Lane::Write).is_ok());
    }
}

//! How much of the server one person may take: of what somebody asks at once a
//! few calls are worked on, a quarter of the places at most. The others wait for these and take no place of
//! [`super::gate`] from anybody else meanwhile.
//!
//! Knows who somebody is, and not what is asked. [`super::callers`] keeps a share
//! with everybody who called before.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;
use super::gate::{Lane, busy};
use crate::api::ids::UserId;
use crate::api::problem::Problem;
use crate::store::Queue;

/// Those who are gone are forgotten when so many are known.
const MANY: usize = 4_096;

/// The shares of those who call.
#[derive(Debug)]
pub(crate) struct Shares {
    limits: Limits,
    all: Mutex<HashMap<UserId, Weak<Share>>>,
}

/// One person's share, of however many sessions.
#[derive(Debug)]
pub(crate) struct Share {
    reads: Part,
    writes: Part,
}

/// Of one lane.
#[derive(Debug)]
struct Part {
    /// All calls: those worked on and those that wait for them.
    calls: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    queue: Queue,
}

/// A turn, the next one's when it is let go.
#[derive(Debug)]
pub(crate) struct Turn {
    _turn: OwnedSemaphorePermit,
    _call: OwnedSemaphorePermit,
}

impl Shares {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, all: Mutex::default() }
    }

    /// Somebody's share, the same as long as one of his calls or of his sessions
    /// is known.
    pub(crate) fn of(&self, user: UserId) -> Arc<Share> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(share) = all.get(&user).and_then(Weak::upgrade) {
            return share;
        }
        if all.len() >= MANY {
            all.retain(|_, share| share.strong_count() > 0);
        }
        let part = |places: usize| Part {
            calls: Arc::new(Semaphore::new(places.max(1))),
            turns: Arc::new(Semaphore::new(self.limits.of_one.min(places / 4).max(1))),
            queue: Queue::default(),
        };
        let share = Arc::new(Share { reads: part(self.limits.reads), writes: part(self.limits.writes) });
        all.insert(user, Arc::downgrade(&share));
        share
    }
}

impl Share {
    /// Waits for a turn.
    ///
    /// # Errors
    /// `server.busy` for whoever asks for too much at once.
    pub(crate) async fn turn(&self, lane: Lane) -> Result<Turn, Problem> {
        let part = if lane == Lane::Write { &self.writes } else { &self.reads };
        let call = Arc::clone(&part.calls).try_acquire_owned().map_err(|_| too_much())?;
        if let Ok(turn) = Arc::clone(&part.turns).try_acquire_owned() {
            return Ok(Turn { _turn: turn, _call: call });
        }
        let turns = Arc::clone(&part.turns);
        let turn = part.queue.wait(async { turns.acquire_owned().await.map_err(|_| busy()) }, too_much).await?;
        Ok(Turn { _turn: turn, _call: call })
    }
}

/// Others have places still.
fn too_much() -> Problem {
    Problem { detail: "You ask for too much at once. Try again in a moment.".to_owned(), ..busy() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn what_one_person_asks_beyond_its_turns_waits_and_takes_nobodys_place() {
        let shares = Shares::new(Limits { reads: 3, writes: 1, of_one: 1, ..Limits::default() });
        let (busy, calm) = (UserId::new(), UserId::new());
        let share = shares.of(busy);
        let worked_on = share.turn(Lane::Read).await.unwrap();
        let wait = || {
            // Of another session of the same person.
            let share = shares.of(busy);
            tokio::spawn(async move { share.turn(Lane::Read).await.map(drop) })
        };
        let waiting = [wait(), wait()];
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(waiting.iter().all(|one| !one.is_finished()), "they wait for the first");
        let refused = share.turn(Lane::Read).await.unwrap_err();
        assert_eq!((refused.code.as_str(), refused.retry_after), ("server.busy", Some(1)), "nor do ever more of them wait");
        assert!(shares.of(calm).turn(Lane::Read).await.is_ok() && share.turn(Lane::Write).await.is_ok());
        drop(worked_on);
        for one in waiting {
            assert!(one.await.unwrap().is_ok(), "one after the other");
        }
        let hung_up = {
            let _worked_on = share.turn(Lane::Read).await.unwrap();
            tokio::time::timeout(Duration::from_millis(20), share.turn(Lane::Read)).await
        };
        assert!(hung_up.is_err() && share.turn(Lane::Read).await.is_ok(), "who hangs up leaves nothing behind");
    }
}

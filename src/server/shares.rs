//! How much of the server one person may take: of what somebody asks at once a
//! few calls are worked on, a quarter of the places at most, and the fewer the more
//! people call. The others wait for these and take no place of [`super::gate`]
//! from anybody else meanwhile.
//!
//! Knows who somebody is, and not what is asked. [`super::callers`] keeps a share
//! with everybody who called before.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Limits;
use super::gate::{Lane, busy};
use crate::api::ids::UserId;
use crate::api::problem::Problem;
use crate::store::Queue;

/// Those who are gone are forgotten when so many are known.
const MANY: usize = 4_096;

/// Whoever called within so long is there: people at a counter pause for longer
/// than programs do, and are there again when they type.
const SPAN: Duration = Duration::from_millis(250);

/// However many people are there, so many calls of one of them are worked on.
const FEWEST: usize = 2;

/// The shares of those who call.
#[derive(Debug)]
pub(crate) struct Shares {
    limits: Limits,
    there: Arc<There>,
    all: Mutex<HashMap<UserId, Weak<Share>>>,
}

/// One person's share, of however many sessions.
#[derive(Debug)]
pub(crate) struct Share {
    there: Arc<There>,
    /// In which span he was last counted.
    counted: AtomicU64,
    reads: Part,
    writes: Part,
}

/// How many people call about now, counted span by span.
#[derive(Debug)]
struct There {
    begun: Instant,
    spans: Mutex<Spans>,
    people: AtomicU32,
}

#[derive(Debug, Default)]
struct Spans {
    now: u64,
    people: u32,
    before: u32,
}

/// Of one lane.
#[derive(Debug)]
struct Part {
    /// All calls: those worked on and those that wait for them.
    calls: Arc<Semaphore>,
    /// A turn takes as many of these as there are people: alone one has them all.
    turns: Arc<Semaphore>,
    /// More of them no turn takes.
    most: u32,
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
        let there = Arc::new(There { begun: Instant::now(), spans: Mutex::default(), people: AtomicU32::new(1) });
        Self { limits, there, all: Mutex::default() }
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
        let part = |places: usize| {
            let turns = self.limits.of_one.min(places / 4).max(1);
            let most = u32::try_from(turns / FEWEST).unwrap_or(u32::MAX).max(1);
            Part { calls: Arc::new(Semaphore::new(places.max(1))), turns: Arc::new(Semaphore::new(turns)), most, queue: Queue::default() }
        };
        let (reads, writes) = (part(self.limits.reads), part(self.limits.writes));
        let share = Arc::new(Share { there: Arc::clone(&self.there), counted: AtomicU64::new(0), reads, writes });
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
        let taken = self.there.people(&self.counted).min(part.most);
        if let Ok(turn) = Arc::clone(&part.turns).try_acquire_many_owned(taken) {
            return Ok(Turn { _turn: turn, _call: call });
        }
        let turns = Arc::clone(&part.turns);
        let turn = part.queue.wait(async { turns.acquire_many_owned(taken).await.map_err(|_| busy()) }, too_much).await?;
        Ok(Turn { _turn: turn, _call: call })
    }
}

impl There {
    /// How many people there are, whoever asks among them; he was last counted in
    /// the span that he says.
    fn people(&self, counted: &AtomicU64) -> u32 {
        let now = 1 + u64::try_from(self.begun.elapsed().as_nanos() / SPAN.as_nanos()).unwrap_or(u64::MAX - 1);
        if counted.swap(now, Ordering::Relaxed) == now {
            return self.people.load(Ordering::Relaxed);
        }
        let mut spans = self.spans.lock().unwrap_or_else(PoisonError::into_inner);
        if spans.now < now {
            let before = if spans.now + 1 == now { spans.people } else { 0 };
            *spans = Spans { now, people: 0, before };
        }
        spans.people += 1;
        let people = spans.people.max(spans.before);
        self.people.store(people, Ordering::Relaxed);
        people
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

    #[tokio::test]
    async fn alone_one_has_all_turns_and_among_others_a_part_of_them() {
        let shares = Shares::new(Limits { reads: 32, writes: 32, of_one: 8, ..Limits::default() });
        let busy = shares.of(UserId::new());
        // Spans go by while this is told.
        let turns = async |people: usize| {
            for _ in 0..100 {
                let others: Vec<_> = (1..people).map(|_| shares.of(UserId::new())).collect();
                for other in &others {
                    drop(other.turn(Lane::Write).await.unwrap());
                }
                let taken: Vec<_> = std::iter::from_fn(|| at_once(busy.turn(Lane::Read))).take(9).collect();
                if busy.there.people.load(Ordering::Relaxed) as usize == people {
                    return taken.len();
                }
                tokio::time::sleep(SPAN).await;
            }
            panic!("there were never {people}")
        };
        assert_eq!((turns(1).await, turns(2).await, turns(4).await, turns(9).await), (8, 4, 2, 2));
    }

    /// What comes without waiting.
    fn at_once<T>(turn: impl Future<Output = Result<T, Problem>>) -> Option<T> {
        let mut waits = std::task::Context::from_waker(std::task::Waker::noop());
        match std::pin::pin!(turn).poll(&mut waits) {
            std::task::Poll::Ready(turn) => turn.ok(),
            std::task::Poll::Pending => None,
        }
    }
}

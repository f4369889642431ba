//! A queue that knows whether it moves: who comes to one that stands still is
//! told so at once, instead of waiting as long in vain as those before.
//!
//! Calls nobody here.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::timeout;

/// How long anybody waits.
pub(crate) const FREE_WITHIN: Duration = Duration::from_secs(5);
/// Where nothing came free for so long although somebody waits, whoever comes
/// next is told at once.
const STANDS_STILL: Duration = Duration::from_secs(1);

/// Those who wait for the same.
#[derive(Debug)]
pub(crate) struct Queue(Mutex<Waiting>);

#[derive(Debug)]
struct Waiting {
    how_many: usize,
    /// When it last moved, or began.
    moved: Instant,
}

impl Default for Queue {
    fn default() -> Self {
        Self(Mutex::new(Waiting { how_many: 0, moved: Instant::now() }))
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for what is wanted; not at all where others wait in vain already.
    /// When the last of them has given up, the next one tries anew.
    ///
    /// # Errors
    /// Those of what is wanted, or what is said to whoever waits in vain.
    pub(crate) async fn wait<T, E>(&self, wanted: impl Future<Output = Result<T, E>>, in_vain: impl Fn() -> E) -> Result<T, E> {
        let Some(_place) = self.join() else { return Err(in_vain()) };
        let got = timeout(FREE_WITHIN, wanted).await.unwrap_or_else(|_| Err(in_vain()))?;
        self.waiting().moved = Instant::now();
        Ok(got)
    }

    fn join(&self) -> Option<InQueue<'_>> {
        let mut waiting = self.waiting();
        if waiting.how_many == 0 {
            waiting.moved = Instant::now();
        } else if waiting.moved.elapsed() > STANDS_STILL {
            return None;
        }
        waiting.how_many += 1;
        Some(InQueue(self))
    }
}

/// Somebody who waits.
struct InQueue<'q>(&'q Queue);

impl Drop for InQueue<'_> {
    fn drop(&mut self) {
        self.0.waiting().how_many -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// What is said of waiting in vain.
    #[derive(Debug, PartialEq, Eq)]
    struct InVain;

    async fn wait(queue: &Queue, wanted: impl Future<Output = Result<(), InVain>>) -> Result<(), InVain> {
        queue.wait(wanted, || InVain).await
    }

    #[tokio::test]
    async fn whoever_comes_to_a_queue_that_stands_still_is_told_at_once() {
        let queue = Arc::new(Queue::default());
        let here = Arc::clone(&queue);
        let first = tokio::spawn(async move { wait(&here, std::future::pending()).await });
        tokio::time::sleep(STANDS_STILL + Duration::from_millis(200)).await;
        let begun = Instant::now();
        assert_eq!(wait(&queue, std::future::pending()).await, Err(InVain));
        assert!(begun.elapsed() < STANDS_STILL, "{:?}", begun.elapsed());
        assert_eq!(first.await.unwrap(), Err(InVain), "the first waits its time");
        assert_eq!(wait(&queue, async { Ok(()) }).await, Ok(()), "and the next one tries anew");
    }

    #[tokio::test]
    async fn a_queue_that_moves_takes_in_whoever_comes() {
        let queue = Arc::new(Queue::default());
        let here = Arc::clone(&queue);
        let slow = tokio::spawn(async move { wait(&here, std::future::pending()).await });
        for _ in 0..4 {
            tokio::time::sleep(STANDS_STILL / 2).await;
            assert_eq!(wait(&queue, async { Ok(()) }).await, Ok(()));
        }
        slow.abort();
    }
}

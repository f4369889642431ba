//! What goes out and what comes back: all that may go is sent, and answers that
//! came meanwhile are noted together. Nothing is waited for that is not there.
//!
//! May call [`super`] and [`crate::client`].

use std::fs::File;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinError;

use super::super::{Fate, Letter, Next, Outbox, Outcome, State};
use super::{Answer, News, Round, at_disk, now};
use crate::client::ClientError;

/// So often, and so long, another terminal that sends is waited for before
/// somebody is told that it is kept.
const TURNS: (Duration, u32) = (Duration::from_millis(50), 40);
/// So often from then on: nobody waits at a form any more.
const LATER: Duration = Duration::from_secs(2);
/// How long a file that cannot be read is left alone.
const TROUBLE: Duration = Duration::from_secs(30);

/// A letter with what came back, and how long that took.
#[derive(Debug)]
pub(super) struct Arrival {
    letter: Box<Letter>,
    outcome: Outcome,
    took: Duration,
}

impl Round {
    /// Sends all that may go now; after how long to ask again, if not only when
    /// something has happened.
    pub(super) fn send_what_may_go(&mut self) -> Option<Duration> {
        loop {
            match self.next() {
                Next::Send(letter) => self.send(letter)?,
                Next::In(wait) => return Some(wait),
                Next::Nothing => return None,
            }
        }
    }

    /// What is to be done next, by the outbox and by whose turn it is.
    fn next(&mut self) -> Next {
        if self.holds {
            self.asked &= !self.on_their_way.is_empty();
            self.pause("you act in somebody's name");
            return Next::Nothing;
        }
        let Some(outbox) = &mut self.outbox else { return Next::Nothing };
        let next = at_disk(|| outbox.next(now()));
        match next {
            Ok(Next::Send(letter)) => {
                if self.takes_turn() {
                    return Next::Send(letter);
                }
                self.turns = self.turns.saturating_add(1);
                if self.turns < TURNS.1 {
                    return Next::In(TURNS.0);
                }
                self.tell_those_who_wait("another terminal of yours is sending");
                Next::In(LATER)
            }
            Ok(Next::In(wait)) => {
                self.pause("the server cannot be reached");
                Next::In(wait)
            }
            Ok(Next::Nothing) => {
                // Nobody is signed in to send it, or another terminal did.
                self.asked &= !self.on_their_way.is_empty();
                self.pause("nobody is signed in");
                Next::Nothing
            }
            Err(fault) => {
                self.tell_those_who_wait("what is kept here cannot be read");
                self.complain(fault);
                Next::In(TROUBLE)
            }
        }
    }

    /// Nothing is sent just now: another terminal may try, and what it sent
    /// meanwhile counts here too. But not before all answers are there.
    fn pause(&mut self, cause: &str) {
        if self.on_their_way.is_empty() {
            self.turn = None;
            self.tell_those_who_wait(cause);
            self.count();
        }
    }

    /// Whether this terminal is the one that sends. Where the folder knows no
    /// locks, each is.
    fn takes_turn(&mut self) -> bool {
        if self.turn.is_none() {
            let Ok(file) = File::options().write(true).create(true).truncate(false).open(self.folder.join("outbox.turn")) else { return true };
            match file.try_lock() {
                Err(std::fs::TryLockError::WouldBlock) => return false,
                Ok(()) | Err(std::fs::TryLockError::Error(_)) => self.turn = Some(file),
            }
        }
        self.turns = 0;
        true
    }

    /// Lets it go out; none: there is nobody to send it for.
    fn send(&mut self, letter: Box<Letter>) -> Option<()> {
        let ((client, ..), outbox) = (self.client.as_ref()?, self.outbox.as_mut()?);
        outbox.goes_out(&letter);
        let client = Arc::clone(client);
        self.on_their_way.spawn(async move {
            let begun = Instant::now();
            let receipt = |answer: Vec<u8>| {
                let is_one = letter.call.is_answered_by(&answer);
                if is_one { Ok(answer) } else { Err(ClientError::strange(client.server(), "that is no receipt")) }
            };
            let outcome = client.send(&letter.call).await.and_then(receipt);
            Arrival { letter, outcome, took: begun.elapsed() }
        });
        Some(())
    }

    /// Says which entries are on their way, if these are others than before.
    pub(super) fn tell_under_way(&mut self) {
        let under_way = self.outbox.as_ref().map(Outbox::under_way).unwrap_or_default();
        if self.told_under_way != under_way {
            self.told_under_way.clone_from(&under_way);
            (self.news)(News::UnderWay(under_way));
        }
    }

    /// One came back; those that did by now are noted with it.
    pub(super) fn settle(&mut self, first: Result<Arrival, JoinError>) {
        let others = std::iter::from_fn(|| self.on_their_way.try_join_next());
        let arrivals: Vec<Arrival> = std::iter::once(first).chain(others).filter_map(whole).collect();
        let mut is_asked = std::mem::take(&mut self.asked);
        let waits = self.answered(&arrivals);
        self.tell_under_way();
        for (Arrival { letter, outcome, took }, waits) in arrivals.into_iter().zip(waits) {
            match self.awaited.remove(&letter.id) {
                Some(tag) => (self.news)(News::Answer(Box::new(Answer { tag, entry: letter.id, outcome, waits, took }))),
                None => self.tell_what_became_of(letter.id),
            }
            if waits {
                self.tell_put_off(letter.id, std::mem::take(&mut is_asked));
            }
        }
        self.is_uncounted = true;
    }

    /// Notes what came back; of each whether it waits on.
    fn answered(&mut self, arrivals: &[Arrival]) -> Vec<bool> {
        let Some(outbox) = &mut self.outbox else { return Vec::new() };
        let answers: Vec<(&Letter, &Outcome)> = arrivals.iter().map(|arrival| (&*arrival.letter, &arrival.outcome)).collect();
        let fates = at_disk(|| outbox.all_answered(&answers, now(), rand::random()));
        self.note_writing(&fates);
        match fates {
            Ok(fates) => {
                self.complained = None;
                fates.into_iter().map(|fate| matches!(fate, Fate::Waits | Fate::SignIn)).collect()
            }
            // They will be sent again, under the same keys.
            Err(fault) => {
                self.complain(fault);
                arrivals.iter().map(|arrival| arrival.outcome.is_err()).collect()
            }
        }
    }

    /// Says of an entry of whoever is here that it waits on, and until when.
    fn tell_put_off(&self, id: i64, is_asked: bool) {
        if let Some(outbox) = &self.outbox
            && let Ok(Some(mut entry)) = at_disk(|| outbox.entry(id))
        {
            entry.next_try = outbox.next_try(id, now());
            (self.news)(News::PutOff(Box::new(entry), is_asked));
        }
    }

    /// Somebody does not want to wait. That is one try: while it is not over, the
    /// key that is pressed again asks for nothing more.
    pub(super) fn try_now(&mut self) {
        if let Some(outbox) = &mut self.outbox
            && !std::mem::replace(&mut self.asked, true)
        {
            outbox.try_now();
        }
    }

    /// Says of an entry of whoever is here that it was sent or refused.
    pub(super) fn tell_what_became_of(&self, id: i64) {
        if let Some(outbox) = &self.outbox
            && let Ok(Some(entry)) = at_disk(|| outbox.entry(id))
            && entry.state != State::Waiting
        {
            (self.news)(News::Settled(Box::new(entry)));
        }
    }

    /// Nobody need wait at a form for what is kept.
    fn tell_those_who_wait(&mut self, cause: &str) {
        // What is on its way gets an answer of its own.
        if !self.on_their_way.is_empty() {
            return;
        }
        let server = self.client.as_ref().map(|(client, ..)| client.server().to_owned()).unwrap_or_default();
        for (entry, tag) in std::mem::take(&mut self.awaited) {
            let outcome = Err(ClientError::Unreachable { server: server.clone(), cause: cause.to_owned() });
            (self.news)(News::Answer(Box::new(Answer { tag, entry, outcome, waits: true, took: Duration::ZERO })));
            // Another terminal may have sent it already.
            self.tell_what_became_of(entry);
        }
    }
}

/// What came back. Whoever fails in sending fails here.
fn whole(joined: Result<Arrival, JoinError>) -> Option<Arrival> {
    let failed = match joined {
        Ok(arrival) => return Some(arrival),
        Err(failed) => failed,
    };
    match failed.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        // The program ends.
        Err(_) => None,
    }
}

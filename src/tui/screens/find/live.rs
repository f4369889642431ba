//! A source that is asked while one types: one request in flight, answers to
//! what is no longer wanted never shown as if they were.

use super::super::super::event::{Reply, Ticket};
use crate::client::ClientError;

/// What was asked last and what came back.
#[derive(Debug)]
pub(super) struct Live<Q, A> {
    in_flight: Option<(Ticket, Q)>,
    answered: Option<(Q, A)>,
    failed: Option<(Q, ClientError)>,
}

impl<Q, A> Default for Live<Q, A> {
    fn default() -> Self {
        Self { in_flight: None, answered: None, failed: None }
    }
}

impl<Q: PartialEq + Clone, A: serde::de::DeserializeOwned> Live<Q, A> {
    /// Wants an answer; asks unless it is there, failed, or another one is on
    /// its way: then the newest is asked when that came back.
    pub(super) fn want(&mut self, wanted: Option<Q>, ask: impl FnOnce(&Q) -> Ticket) {
        let Some(wanted) = wanted else {
            self.answered = None;
            self.failed = None;
            return;
        };
        if self.in_flight.is_none() && !self.is_settled(Some(&wanted)) {
            self.in_flight = Some((ask(&wanted), wanted));
        }
    }

    /// Whether nothing more will come for what is wanted.
    pub(super) fn is_settled(&self, wanted: Option<&Q>) -> bool {
        let Some(wanted) = wanted else { return true };
        self.answered.as_ref().is_some_and(|(asked, _)| asked == wanted) || self.failed.as_ref().is_some_and(|(asked, _)| asked == wanted)
    }

    /// Takes an answer. True if it was the one in flight.
    pub(super) fn take(&mut self, reply: &Reply) -> bool {
        if self.in_flight.as_ref().is_none_or(|(ticket, _)| *ticket != reply.ticket) {
            return false;
        }
        let Some((_, asked)) = self.in_flight.take() else { return false };
        let read = reply
            .outcome
            .clone()
            .and_then(|body| serde_json::from_slice(&body).map_err(|error| ClientError::Strange { server: "the server".to_owned(), cause: error.to_string() }));
        match read {
            Ok(answer) => {
                self.answered = Some((asked, answer));
                self.failed = None;
            }
            Err(error) => {
                self.answered = None;
                self.failed = Some((asked, error));
            }
        }
        true
    }

    /// An answer that needed no asking.
    pub(super) fn know(&mut self, asked: Q, answer: A) {
        self.answered = Some((asked, answer));
        self.failed = None;
    }

    /// What was answered last, and the answer.
    pub(super) fn answered(&self) -> Option<(&Q, &A)> {
        self.answered.as_ref().map(|(asked, answer)| (asked, answer))
    }

    /// The last answer; it stays until a newer one comes.
    pub(super) fn answer(&self) -> Option<&A> {
        self.answered.as_ref().map(|(_, answer)| answer)
    }

    /// Whether the answer shown is not yet that of the newest text.
    pub(super) const fn is_waiting(&self) -> bool {
        self.in_flight.is_some()
    }

    /// Why there is no answer.
    pub(super) fn failure(&self) -> Option<&ClientError> {
        self.failed.as_ref().map(|(_, error)| error)
    }

    /// Asks anew next time.
    pub(super) fn forget(&mut self) {
        self.answered = None;
        self.failed = None;
    }
}

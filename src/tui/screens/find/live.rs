//! A source that is asked while one types: one request in flight, answers to
//! what is no longer wanted never shown as if they were.

use jiff::Timestamp;

use super::super::super::event::{Reply, Ticket};
use super::super::super::shared::Shared;
use crate::client::ClientError;

/// What was asked last and what came back.
#[derive(Debug)]
pub(super) struct Live<Q, A> {
    in_flight: Option<(Ticket, Q)>,
    answered: Option<(Q, A)>,
    said: Said,
    failed: Option<(Q, ClientError)>,
}

/// When the server said what is shown.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    at: Timestamp,
    /// It was asked again in vain since.
    is_old: bool,
}

impl<Q, A> Default for Live<Q, A> {
    fn default() -> Self {
        Self { in_flight: None, answered: None, said: Said::default(), failed: None }
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
        let (body, said) = match (&reply.outcome, &reply.last_good) {
            (Ok(body), _) => (Ok(body), Said { at: reply.at, is_old: false }),
            (Err(_), Some(last)) => (Ok(&last.body), Said { at: last.at, is_old: true }),
            (Err(error), None) => (Err(error.clone()), Said::default()),
        };
        let strange = |error: serde_json::Error| ClientError::strange("that was asked", &error.to_string());
        match body.and_then(|body| serde_json::from_slice(body).map_err(strange)) {
            Ok(answer) => {
                self.answered = Some((asked, answer));
                self.said = said;
                self.failed = None;
            }
            Err(error) => {
                self.answered = None;
                self.failed = Some((asked, error));
            }
        }
        true
    }

    /// An answer that needed no asking: the server said it then.
    pub(super) fn know(&mut self, asked: Q, answer: A, at: Timestamp) {
        self.answered = Some((asked, answer));
        self.said = Said { at, is_old: false };
        self.failed = None;
    }

    /// An answer in the place of one that did not come.
    pub(super) fn recall(&mut self, asked: Q, answer: A, at: Timestamp) {
        self.know(asked, answer, at);
        self.said.is_old = true;
    }

    /// When the server said what is shown, if that may be another by now.
    pub(super) fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        (self.answered.is_some() && (self.said.is_old || shared.may_be_old(self.said.at))).then_some(self.said.at)
    }

    /// When the server said what is shown, however new that is.
    pub(super) const fn said_at(&self) -> Timestamp {
        self.said.at
    }

    /// Whether the last answer came from the server, and just now.
    pub(super) const fn is_new(&self) -> bool {
        self.answered.is_some() && !self.said.is_old
    }

    /// What was asked in vain because of the line.
    pub(super) fn missed(&self) -> Option<&Q> {
        self.failed.as_ref().filter(|(_, error)| error.is_passing()).map(|(asked, _)| asked)
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

    /// What failed is asked anew next time; an answer stays.
    pub(super) fn forget_failure(&mut self) {
        self.failed = None;
    }

    /// Asks anew next time.
    pub(super) fn forget(&mut self) {
        self.answered = None;
        self.failed = None;
    }
}

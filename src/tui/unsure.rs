//! Writes of which nobody knows whether they arrived: those on their way, and
//! those whose answer was lost. What the outbox has kept is none of them: it
//! settles that itself. The same sent again goes under the key of before, so that
//! it is one write. Another text in its place would be a second one, and whoever
//! sends that is told so first.
//!
//! [`super::sending`] asks it before anything goes out; the shell tells it what
//! came back, also where the form is gone by then.

use super::event::Ticket;
use crate::client::{Call, ClientError};

/// The most that are remembered, the newest.
const MOST: usize = 32;

/// The writes, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Unsure {
    sent: Vec<Sent>,
}

/// A write that may have arrived.
#[derive(Debug)]
struct Sent {
    call: Call,
    /// What the text of its form belongs to.
    about: String,
    /// Under which it is on its way; none where its answer was lost.
    ticket: Option<Ticket>,
    /// The outbox may keep it yet.
    may_be_kept: bool,
    /// Once at least no answer came.
    is_lost: bool,
    /// Whoever sends another in its place was told of it.
    is_told: bool,
}

impl Sent {
    /// Whether the server knows it again by its key: what has none does the
    /// same when it is sent twice, and nobody need be asked about it.
    fn has_key(&self) -> bool {
        !self.call.key().is_empty()
    }
}

/// What an answer says of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// What became of it, under its key for good or to be tried under another.
    All,
    /// That this try was turned away, and nothing of one before.
    Nothing,
    /// Nothing at all: it may be done.
    Lost,
}

impl Said {
    fn of(outcome: &Result<Vec<u8>, ClientError>) -> Self {
        let Err(error) = outcome else { return Self::All };
        let Some(problem) = error.problem() else { return Self::Lost };
        match problem.status {
            _ if problem.code == "idempotency.running" => Self::Lost,
            // Looked at before the key is, or nothing could be written.
            401 | 403 | 408 | 429 | 507 => Self::Nothing,
            500.. => Self::Lost,
            _ => Self::All,
        }
    }
}

impl Unsure {
    /// The call to be sent: what says the same as one before goes under its key.
    pub(super) fn once(&self, call: Call) -> Call {
        self.sent.iter().find(|sent| sent.call.says_the_same(&call)).map_or(call, |sent| sent.call.clone())
    }

    /// Whether this would be a second write beside one that may have arrived, and
    /// nobody was told so yet. From now on somebody was.
    pub(super) fn doubts(&mut self, about: &str, call: &Call) -> bool {
        let mut is_doubted = false;
        if self.sent.iter().all(|sent| !sent.call.says_the_same(call)) {
            for sent in self.sent.iter_mut().filter(|sent| sent.has_key() && sent.about == about && sent.is_lost) {
                is_doubted |= !std::mem::replace(&mut sent.is_told, true);
            }
        }
        is_doubted
    }

    /// It goes out, or to the outbox first. What has no key needs none: sent twice
    /// it does the same, so that one of a form stands for all of them.
    pub(super) fn goes_out(&mut self, ticket: Ticket, call: Call, about: String, may_be_kept: bool) {
        match self.sent.iter_mut().find(|sent| sent.call.key() == call.key() && (sent.has_key() || sent.about == about)) {
            Some(sent) => (sent.ticket, sent.may_be_kept) = (Some(ticket), may_be_kept),
            None => self.sent.push(Sent { call, about, ticket: Some(ticket), may_be_kept, is_lost: false, is_told: false }),
        }
        let older = self.sent.len().saturating_sub(MOST);
        self.sent.drain(..older);
    }

    /// The outbox has it, whatever became of a try before: it goes on under the
    /// same key.
    pub(super) fn is_kept(&mut self, ticket: Ticket) {
        self.sent.retain(|sent| sent.ticket != Some(ticket));
    }

    /// The outbox has it not: it goes out all the same, and is nowhere else.
    pub(super) fn is_not_kept(&mut self, ticket: Ticket) {
        if let Some(sent) = self.sent.iter_mut().find(|sent| sent.ticket == Some(ticket)) {
            sent.may_be_kept = false;
        }
    }

    /// It was not sent after all.
    pub(super) fn stays_here(&mut self, ticket: Ticket) {
        self.came_back(ticket, Said::Nothing);
    }

    /// An answer came, or none. Whether it is one of these writes, and what came
    /// says nothing of it: it may be done.
    pub(super) fn answered(&mut self, ticket: Ticket, outcome: &Result<Vec<u8>, ClientError>) -> bool {
        let (is_known, said) = (self.is_on_its_way(ticket), Said::of(outcome));
        self.came_back(ticket, said);
        is_known && said == Said::Lost
    }

    fn came_back(&mut self, ticket: Ticket, said: Said) {
        let Some(at) = self.sent.iter().position(|sent| sent.ticket == Some(ticket)) else { return };
        let sent = &mut self.sent[at];
        sent.ticket = None;
        match said {
            Said::Lost => (sent.is_lost, sent.is_told) = (true, false),
            Said::Nothing if sent.is_lost => {}
            Said::All | Said::Nothing => drop(self.sent.remove(at)),
        }
    }

    /// Whether it is on its way, to the outbox or to the server.
    pub(super) fn is_on_its_way(&self, ticket: Ticket) -> bool {
        self.sent.iter().any(|sent| sent.ticket == Some(ticket))
    }

    /// What is on its way to the server and lies nowhere here.
    pub(super) fn on_their_way(&self) -> impl Iterator<Item = Ticket> {
        self.sent.iter().filter(|sent| sent.has_key() && !sent.may_be_kept).filter_map(|sent| sent.ticket)
    }

    /// Whether anything is on its way, or may have arrived.
    pub(super) fn has_any(&self) -> bool {
        !self.sent.is_empty()
    }

    /// What the texts belong to that may have arrived.
    pub(super) fn lost(&self) -> impl Iterator<Item = &str> {
        self.sent.iter().filter(|sent| sent.has_key() && sent.is_lost).map(|sent| sent.about.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ids::AssetId;
    use crate::api::meter::NewReading;
    use crate::api::operation::{AddReading, ChangeSession, OfAsset};
    use crate::api::page::Nothing;
    use crate::api::problem::Problem;
    use crate::api::session::SessionChange;

    /// A desk at which readings of one truck are entered.
    #[derive(Default)]
    struct Desk {
        truck: Option<AssetId>,
        unsure: Unsure,
        sent: u64,
    }

    impl Desk {
        fn reading(&mut self, value: &str) -> Call {
            let id = *self.truck.get_or_insert_with(AssetId::new);
            Call::of::<AddReading>(&OfAsset { id }, &Nothing {}, &NewReading { value: value.to_owned(), ..NewReading::default() })
        }

        /// Saves it, and this comes back: the key it went under; none where
        /// something is asked first.
        fn saves(&mut self, value: &str, outcome: &Result<Vec<u8>, ClientError>) -> Option<String> {
            let call = self.reading(value);
            if self.unsure.doubts("reading", &call) {
                return None;
            }
            let call = self.unsure.once(call);
            let (key, ticket) = (call.key().to_owned(), Ticket(self.sent));
            self.sent += 1;
            self.unsure.goes_out(ticket, call, "reading".to_owned(), true);
            self.unsure.is_not_kept(ticket);
            assert!(self.unsure.on_their_way().eq([ticket]));
            self.unsure.answered(ticket, outcome);
            Some(key)
        }
    }

    fn lost() -> Result<Vec<u8>, ClientError> {
        Err(ClientError::Unreachable { server: "s".to_owned(), cause: "c".to_owned() })
    }

    fn refused(code: &str) -> Result<Vec<u8>, ClientError> {
        Err(Problem::new(code, "Not now.").into())
    }

    #[test]
    fn what_is_saved_again_unchanged_goes_under_the_same_key_until_the_server_says_what_became_of_it() {
        let mut jo = Desk::default();
        let first = jo.saves("42", &lost()).unwrap();
        // None of these says anything of the first.
        for code in ["session.required", "permission.missing", "idempotency.running", "server.busy", "storage.full", "session.slow_down"] {
            assert_eq!(jo.saves("42", &refused(code)).unwrap(), first, "{code}");
        }
        assert_eq!(jo.saves("42", &Ok(b"{}".to_vec())).unwrap(), first);
        assert_ne!(jo.saves("42", &Ok(b"{}".to_vec())).unwrap(), first, "the next one is another write");
    }

    #[test]
    fn a_refusal_settles_it() {
        for code in ["fields.invalid", "permission.missing", "conflict"] {
            let mut jo = Desk::default();
            let first = jo.saves("42", &refused(code)).unwrap();
            assert_ne!(jo.saves("42", &Ok(Vec::new())).unwrap(), first, "{code}: kept under its key it would be refused for ever");
        }
    }

    #[test]
    fn another_text_is_a_second_write_and_that_is_asked_once() {
        let mut jo = Desk::default();
        let first = jo.saves("42", &lost()).unwrap();
        assert_eq!(jo.saves("43", &lost()), None, "42 may be there");
        assert_eq!(jo.saves("42", &lost()).unwrap(), first, "put back as it was it counts once");
        assert_eq!(jo.saves("43", &lost()), None, "it was lost again");
        let second = jo.saves("43", &lost()).unwrap();
        assert_ne!(second, first);
        assert_eq!(jo.saves("44", &lost()), None, "43 may be there too");
        assert_eq!((jo.saves("43", &Ok(Vec::new())).unwrap(), jo.saves("42", &Ok(Vec::new())).unwrap()), (second, first));
        assert!(jo.unsure.lost().next().is_none());
        assert!(jo.saves("44", &lost()).is_some());
    }

    #[test]
    fn what_the_outbox_keeps_is_its_own_and_what_is_not_sent_is_as_before() {
        let mut jo = Desk::default();
        let first = jo.saves("42", &lost()).unwrap();
        let again = jo.reading("42");
        let again = jo.unsure.once(again);
        assert_eq!(again.key(), first);
        jo.unsure.goes_out(Ticket(7), again.clone(), "reading".to_owned(), true);
        assert!(jo.unsure.is_on_its_way(Ticket(7)) && jo.unsure.on_their_way().next().is_none());
        jo.unsure.stays_here(Ticket(7));
        assert!(jo.unsure.lost().eq(["reading"]));
        jo.unsure.goes_out(Ticket(8), again, "reading".to_owned(), true);
        jo.unsure.is_kept(Ticket(8));
        assert!(jo.unsure.sent.is_empty());
    }

    #[test]
    fn what_has_no_key_is_in_doubt_until_it_is_answered_and_nothing_is_asked_of_it() {
        let mut jo = Desk::default();
        let change = |shop: &str| Call::of::<ChangeSession>(&Nothing {}, &Nothing {}, &SessionChange { shop: Some(shop.to_owned()), customer: None });
        jo.unsure.goes_out(Ticket(1), change("SLN"), "shop".to_owned(), false);
        assert!(jo.unsure.on_their_way().next().is_none() && jo.unsure.has_any());
        assert!(jo.unsure.answered(Ticket(1), &lost()) && jo.unsure.has_any());
        assert!(!jo.unsure.doubts("shop", &change("OAK")) && jo.unsure.lost().next().is_none());
        jo.unsure.goes_out(Ticket(2), change("OAK"), "shop".to_owned(), false);
        assert!(!jo.unsure.answered(Ticket(2), &Ok(Vec::new())) && !jo.unsure.has_any(), "the second was written over the first");
    }

    #[test]
    fn of_very_many_the_oldest_goes() {
        let mut jo = Desk::default();
        for value in 0..MOST + 5 {
            let call = jo.reading(&value.to_string());
            jo.unsure.goes_out(Ticket(0), call, String::new(), false);
        }
        assert_eq!(jo.unsure.sent.len(), MOST);
    }
}

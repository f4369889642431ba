//! The last good answers of this session, for reading while the server cannot
//! be reached. They stand in for the very same call only, and never without
//! the time at which the server gave them.
//!
//! In memory only: what a record said is worth nothing to a later session,
//! whose rights may be others; a file of customers' names and telephones would
//! have to be kept from whoever takes the machine, and no promise needs it.
//! Bounded in number and bytes, the oldest go first. Answers move in and are
//! copied only when the line is down.
//!
//! Calls the table of operations in [`crate::api`] and the calls of
//! [`crate::client`].

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use serde::de::IgnoredAny;

use super::event::{Reply, Ticket};
use crate::api::operation::{
    GetCustomer, GetIdentification, ListAssetRequests, ListConsents, ListContacts, ListCustomerAssets, ListMeters, ListReadings, ListRepairs, LookUpAsset,
    Operation, SearchCustomers,
};
use crate::client::{Call, ClientError};

/// What is kept: what the pages of records and the find box show. No session,
/// no audit, no secret, no administration.
const KEPT: [&str; 11] = [
    SearchCustomers::ENDPOINT.name,
    GetCustomer::ENDPOINT.name,
    ListCustomerAssets::ENDPOINT.name,
    ListContacts::ENDPOINT.name,
    ListConsents::ENDPOINT.name,
    LookUpAsset::ENDPOINT.name,
    GetIdentification::ENDPOINT.name,
    ListMeters::ENDPOINT.name,
    ListReadings::ENDPOINT.name,
    ListAssetRequests::ENDPOINT.name,
    ListRepairs::ENDPOINT.name,
];

/// The most answers that are kept.
const MOST: usize = 256;
/// The most bytes that all of them take.
const MOST_BYTES: usize = 256 * 1024;
/// A larger answer is not kept: it would push out all others.
const LARGEST: usize = 64 * 1024;
/// What an answer takes beside its body and its target.
const BESIDE: usize = 96;

/// What the server said the last time that it answered a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LastGood {
    /// The answer's body.
    pub(super) body: Vec<u8>,
    /// When it came.
    pub(super) at: Timestamp,
}

/// The answers, the oldest first.
#[derive(Debug, Default)]
pub(super) struct LastGoods {
    kept: VecDeque<Kept>,
    bytes: usize,
    /// What is on its way, asked since it was emptied last: no answer to an
    /// older call is of this session.
    asked: HashMap<Ticket, String>,
}

#[derive(Debug)]
struct Kept {
    target: String,
    answer: LastGood,
}

impl Kept {
    fn bytes(&self) -> usize {
        self.target.len() + self.answer.body.len() + BESIDE
    }
}

impl LastGoods {
    /// A call goes out.
    pub(super) fn ask(&mut self, ticket: Ticket, call: &Call) {
        if KEPT.contains(&call.endpoint.name) {
            self.asked.insert(ticket, call.target().to_owned());
        }
    }

    /// Gives a call that failed on the line what it was answered last.
    pub(super) fn stand_in(&self, reply: &mut Reply) {
        if reply.outcome.as_ref().err().is_some_and(ClientError::is_passing)
            && let Some(target) = self.asked.get(&reply.ticket)
        {
            reply.last_good = self.kept.iter().find(|kept| kept.target == *target).map(|kept| kept.answer.clone());
        }
    }

    /// Takes what came back, once nobody needs it any more. A refusal to show a
    /// record counts as much as an answer: what was there before is gone.
    pub(super) fn keep(&mut self, reply: Reply) {
        let Some(target) = self.asked.remove(&reply.ticket) else { return };
        match reply.outcome {
            Ok(body) if serde_json::from_slice::<IgnoredAny>(&body).is_ok() => self.put(target, LastGood { body, at: reply.at }),
            Err(error) if error.problem().is_some_and(|problem| matches!(problem.status, 401 | 403 | 404 | 410)) => self.take_out(&target),
            _ => {}
        }
    }

    /// Forgets everything: whoever asks from now on may be another, or may see
    /// something else.
    pub(super) fn empty(&mut self) {
        *self = Self::default();
    }

    fn put(&mut self, target: String, answer: LastGood) {
        self.take_out(&target);
        if answer.body.len() > LARGEST {
            return;
        }
        let new = Kept { target, answer };
        self.bytes += new.bytes();
        self.kept.push_back(new);
        while self.kept.len() > MOST || self.bytes > MOST_BYTES {
            let Some(oldest) = self.kept.pop_front() else { return };
            self.bytes -= oldest.bytes();
        }
    }

    fn take_out(&mut self, target: &str) {
        if let Some(old) = self.kept.iter().position(|kept| kept.target == target).and_then(|at| self.kept.remove(at)) {
            self.bytes -= old.bytes();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::api::customer::CustomerQuery;
    use crate::api::ids::AssetId;
    use crate::api::operation::{AssetHistory, GetSession, ListUsers, OfAsset};
    use crate::api::page::{Nothing, PageQuery};
    use crate::api::problem::Problem;

    fn search(text: &str) -> Call {
        let query = CustomerQuery { q: text.to_owned(), ..CustomerQuery::default() };
        Call::of::<SearchCustomers>(&Nothing {}, &query, &Nothing {})
    }

    fn reply(ticket: u64, outcome: Result<Vec<u8>, ClientError>, second: i64) -> Reply {
        let at = Timestamp::from_second(second).unwrap();
        Reply { ticket: Ticket(ticket), outcome, last_good: None, took: Duration::ZERO, at, waits: false }
    }

    fn unreachable() -> ClientError {
        ClientError::Unreachable { server: "s".to_owned(), cause: "c".to_owned() }
    }

    /// Somebody who asks, and hears something or nothing.
    #[derive(Default)]
    struct Counter {
        goods: LastGoods,
        next: u64,
    }

    impl Counter {
        fn asks(&mut self, call: &Call) -> u64 {
            self.next += 1;
            self.goods.ask(Ticket(self.next), call);
            self.next
        }

        fn hears(&mut self, call: &Call, outcome: Result<Vec<u8>, ClientError>, second: i64) -> Option<LastGood> {
            let ticket = self.asks(call);
            self.hears_of(ticket, outcome, second)
        }

        fn hears_of(&mut self, ticket: u64, outcome: Result<Vec<u8>, ClientError>, second: i64) -> Option<LastGood> {
            let mut reply = reply(ticket, outcome, second);
            self.goods.stand_in(&mut reply);
            let stood_in = reply.last_good.clone();
            self.goods.keep(reply);
            stood_in
        }

        fn recalls(&mut self, call: &Call) -> Option<LastGood> {
            self.hears(call, Err(unreachable()), 99)
        }
    }

    fn said(body: &[u8], second: i64) -> LastGood {
        LastGood { body: body.to_vec(), at: Timestamp::from_second(second).unwrap() }
    }

    #[test]
    fn the_very_same_call_gets_what_was_said_last_and_when() {
        let mut jo = Counter::default();
        assert_eq!(jo.hears(&search("kel"), Ok(b"1".to_vec()), 10), None, "the server itself answers");
        jo.hears(&search("kel"), Ok(b"2".to_vec()), 20);
        assert_eq!(jo.recalls(&search("kel")), Some(said(b"2", 20)));
        assert_eq!(jo.recalls(&search("kel")), Some(said(b"2", 20)), "as often as it is asked");
        assert_eq!(jo.recalls(&search("kell")), None);
        let busy = Problem::new("server.busy", "Later.");
        assert_eq!(jo.hears(&search("kel"), Err(busy.into()), 30), Some(said(b"2", 20)));
        let failed = Problem::new("server.failed", "It failed.");
        assert_eq!(jo.hears(&search("kel"), Err(failed.into()), 30), None, "a fault is no broken line");
    }

    #[test]
    fn a_record_that_is_gone_or_refused_is_not_recalled() {
        let mut jo = Counter::default();
        jo.hears(&search("kel"), Ok(b"1".to_vec()), 10);
        jo.hears(&search("kel"), Err(Problem::not_found().into()), 20);
        assert_eq!(jo.recalls(&search("kel")), None);
    }

    #[test]
    fn what_a_stranger_on_the_line_says_pushes_nothing_out() {
        let mut jo = Counter::default();
        jo.hears(&search("kel"), Ok(b"1".to_vec()), 10);
        jo.hears(&search("kel"), Ok(b"<html>Pay for the network".to_vec()), 20);
        assert_eq!(jo.recalls(&search("kel")), Some(said(b"1", 10)));
    }

    #[test]
    fn sessions_changes_users_and_large_answers_are_not_kept() {
        let mut jo = Counter::default();
        let calls = [
            Call::of::<GetSession>(&Nothing {}, &Nothing {}, &Nothing {}),
            Call::of::<AssetHistory>(&OfAsset { id: AssetId::new() }, &crate::api::audit::AuditQuery::default(), &Nothing {}),
            Call::of::<ListUsers>(&Nothing {}, &PageQuery::default(), &Nothing {}),
        ];
        for call in calls {
            jo.hears(&call, Ok(b"1".to_vec()), 10);
            assert_eq!(jo.recalls(&call), None, "{}", call.endpoint.name);
        }
        jo.hears(&search("kel"), Ok(b"1".to_vec()), 10);
        jo.hears(&search("kel"), Ok(vec![b'7'; LARGEST + 1]), 20);
        assert_eq!(jo.recalls(&search("kel")), None, "nor the one before, which is not the last any more");
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// Asks for this of nine things, and is answered so many bytes.
        Hears(u8, usize),
        /// Asks, and is answered only after the session changed.
        HearsLate(u8),
        Recalls(u8),
        /// Another session begins.
        Changes,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..9_u8, prop_oneof![1..200_usize, 30_000..70_000_usize]).prop_map(|(what, size)| Step::Hears(what, size)),
            1 => (0..9_u8).prop_map(Step::HearsLate),
            2 => (0..9_u8).prop_map(Step::Recalls),
            1 => Just(Step::Changes),
        ]
    }

    /// A body of that size that says of which session it is.
    fn body(session: u8, size: usize) -> Vec<u8> {
        format!("\"{}\"", char::from(b'a' + session % 26).to_string().repeat(size)).into_bytes()
    }

    proptest! {
        #[test]
        fn it_never_outgrows_its_limits_and_never_says_what_another_session_heard(steps in vec(step(), 0..80)) {
            let (mut jo, mut session, mut second) = (Counter::default(), 0_u8, 0);
            for step in steps {
                second += 1;
                let call = |what: u8| search(&format!("customer {what}"));
                match step {
                    Step::Hears(what, size) => drop(jo.hears(&call(what), Ok(body(session, size)), second)),
                    Step::HearsLate(what) => {
                        let ticket = jo.asks(&call(what));
                        jo.goods.empty();
                        drop(jo.hears_of(ticket, Ok(body(session, 9)), second));
                        session += 1;
                    }
                    Step::Recalls(what) => {
                        if let Some(recalled) = jo.recalls(&call(what)) {
                            prop_assert_eq!(recalled.body[1], b'a' + session % 26);
                            prop_assert!(recalled.at.as_second() < second, "it has its age");
                        }
                    }
                    Step::Changes => {
                        jo.goods.empty();
                        session += 1;
                    }
                }
                let bytes: usize = jo.goods.kept.iter().map(Kept::bytes).sum();
                prop_assert_eq!(bytes, jo.goods.bytes);
                prop_assert!(bytes <= MOST_BYTES && jo.goods.kept.len() <= MOST && jo.goods.asked.is_empty());
            }
        }
    }

    #[test]
    fn a_day_of_searches_leaves_the_newest_256() {
        let mut jo = Counter::default();
        for at in 0..1_000 {
            jo.hears(&search(&format!("customer {at}")), Ok(b"1".to_vec()), at);
        }
        assert_eq!(jo.goods.kept.len(), MOST);
        assert_eq!(jo.recalls(&search("customer 999")), Some(said(b"1", 999)));
        assert_eq!(jo.recalls(&search("customer 0")), None);
    }
}

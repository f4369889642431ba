//! What stays of a record that is out of reach now: nothing.

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::api::ids::{AssetId, OrganizationId};
use crate::api::problem::Problem;
use crate::client::ClientError;
use crate::tui::draft::Drafts;
use crate::tui::event::Ticket;
use crate::tui::shared::tried;
use crate::tui::unsure::Unsure;

/// Somebody with a machine's page before him.
struct Jo {
    page: Record,
    shared: Shared,
    next_ticket: u64,
    asked: Vec<Ticket>,
}

impl Jo {
    fn new() -> Self {
        let header = json!({
            "id": AssetId::new(), "asset_number": "1042", "organization": { "id": OrganizationId::new(), "code": "KELLER", "name": "Keller Bau GmbH" },
            "year": 2021, "make": "Caterpillar", "model": "320", "status": "active",
            "customer": null, "plate": "GX4-711", "plate_state": "TX", "description": null,
        });
        let page = Record::asset(serde_json::from_value(header).unwrap(), Timestamp::UNIX_EPOCH);
        let shared = tried::signed_in("staff", &["asset.lookup", "asset.identification.view", "meter.view"]);
        let mut jo = Self { page, shared, next_ticket: 0, asked: Vec::new() };
        jo.does(Layer::opened);
        jo
    }

    fn does(&mut self, act: impl FnOnce(&mut Record, &mut Cx<'_>)) {
        let (mut drafts, mut unsure) = (Drafts::default(), Unsure::default());
        let mut cx = Cx { shared: &self.shared, drafts: &mut drafts, unsure: &mut unsure, next_ticket: &mut self.next_ticket, intents: Vec::new() };
        act(&mut self.page, &mut cx);
        let calls = cx.intents.into_iter().filter_map(|intent| if let Intent::Call(ticket, _) = intent { Some(ticket) } else { None });
        self.asked.extend(calls);
    }

    /// The server says this to all that is asked, in turn.
    fn hears(&mut self, said: &[&Result<Vec<u8>, ClientError>]) {
        self.asked.clear();
        self.does(Record::load);
        assert_eq!(self.asked.len(), said.len());
        for (ticket, outcome) in self.asked.clone().into_iter().zip(said) {
            let outcome = (*outcome).clone();
            let reply = Reply { ticket, outcome, last_good: None, took: Duration::ZERO, at: self.shared.now, waits: false };
            self.does(|page, cx| page.on_reply(&reply, cx));
        }
    }

    fn sees(&self) -> String {
        let area = Rect::new(0, 0, 80, 20);
        let mut buffer = Buffer::empty(area);
        self.page.view(area, &mut buffer, &self.shared);
        let cells: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).collect();
        format!("{} {cells}", self.page.title())
    }

    #[track_caller]
    fn sees_of_it(&self, shown: bool) {
        let sees = self.sees();
        for fact in ["1042", "Caterpillar", "GX4-711", "Keller"] {
            assert_eq!(sees.contains(fact), shown, "{fact}: {sees}");
        }
    }
}

fn gone() -> Result<Vec<u8>, ClientError> {
    Err(Problem::not_found().into())
}

#[expect(clippy::unnecessary_wraps, reason = "as it is heard")]
fn none() -> Result<Vec<u8>, ClientError> {
    Ok(br#"{"items":[],"next":null,"total":0}"#.to_vec())
}

#[test]
fn t21_of_a_machine_out_of_reach_nothing_stays_on_the_page_not_even_what_it_is() {
    let mut jo = Jo::new();
    jo.sees_of_it(true);
    jo.hears(&[&gone(), &gone()]);
    jo.sees_of_it(false);
    assert!(jo.sees().contains(GONE), "{}", jo.sees());
    jo.hears(&[&gone(), &none()]);
    jo.sees_of_it(true);
    jo.hears(&[&gone(), &none()]);
    jo.sees_of_it(true);
}

#[test]
fn t21_whoever_lost_all_rights_sees_no_more_of_it_at_the_next_draw() {
    let mut jo = Jo::new();
    jo.shared = tried::signed_in("staff", &[]);
    let sees = jo.sees();
    assert!(!sees.contains("GX4-711") && !sees.contains("Caterpillar") && sees.contains(GONE), "{sees}");
}

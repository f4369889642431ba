//! What stands under the empty box: one's own company, and what was opened
//! before.

use jiff::Timestamp;

use super::Find;
use crate::api::asset::AssetHeader;
use crate::api::ids::CustomerId;
use crate::tui::layer::{Cx, Tone};
use crate::tui::record::Record;
use crate::tui::shared::Shared;

/// How many records are remembered.
const RECENT: usize = 9;

/// What was opened before.
#[derive(Debug, Clone)]
pub(super) enum Recent {
    Customer(CustomerId, String),
    /// As it was found at that time.
    Asset(Box<AssetHeader>, Timestamp),
}

impl Find {
    /// How many rows there are.
    pub(super) fn listed(&self, shared: &Shared) -> usize {
        shared.companies().len() + self.recent.len()
    }

    /// Opens the row under the cursor.
    pub(super) fn open_listed(&mut self, cx: &mut Cx<'_>) {
        let companies = cx.shared.companies();
        let before = companies.len();
        // One's own stands there in any case and is not remembered.
        if let Some(company) = companies.into_iter().nth(self.cursor.at) {
            return cx.open(Record::customer(company.id, company.name));
        }
        match self.recent.get(self.cursor.at - before).cloned() {
            Some(Recent::Asset(header, said_at)) => self.open_asset(*header, said_at, cx),
            Some(Recent::Customer(id, name)) => self.open_customer(id, name, cx),
            None => {}
        }
    }

    /// Opens one's own company; of several none is chosen for the person.
    pub(super) fn open_company(&mut self, cx: &mut Cx<'_>) {
        let look_in = self.look_in;
        self.begin(look_in, cx);
        if cx.shared.companies().len() == 1 {
            self.open_listed(cx);
        } else {
            cx.say(Tone::Fine, "You are of several: choose one.");
        }
    }

    pub(super) fn open_asset(&mut self, header: AssetHeader, said_at: Timestamp, cx: &mut Cx<'_>) {
        self.remember(Recent::Asset(Box::new(header.clone()), said_at), cx.shared);
        cx.open(Record::asset(header, said_at));
    }

    pub(super) fn open_customer(&mut self, id: CustomerId, name: String, cx: &mut Cx<'_>) {
        self.remember(Recent::Customer(id, name.clone()), cx.shared);
        cx.open(Record::customer(id, name));
    }

    fn remember(&mut self, opened: Recent, shared: &Shared) {
        let same = |other: &Recent| match (&opened, other) {
            (Recent::Customer(a, _), Recent::Customer(b, _)) => a == b,
            (Recent::Asset(a, _), Recent::Asset(b, _)) => a.id == b.id,
            _ => false,
        };
        self.recent.retain(|other| !same(other));
        if !shared.is_kiosk() {
            self.recent.insert(0, opened);
            self.recent.truncate(RECENT);
        }
    }
}

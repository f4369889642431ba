//! What stands under the empty box: one's own company, and what was opened
//! before.

use super::Find;
use crate::tui::layer::{Cx, Opened, Tone};
use crate::tui::record::Record;
use crate::tui::shared::Shared;

/// How many records are remembered.
const RECENT: usize = 9;

impl Find {
    /// How many rows there are.
    pub(super) fn listed(&self, shared: &Shared) -> usize {
        shared.companies().len() + self.recent.len()
    }

    /// Opens the row under the cursor.
    pub(super) fn open_listed(&mut self, cx: &mut Cx<'_>) {
        let companies = cx.shared.companies();
        let before = companies.len();
        if let Some(company) = companies.into_iter().nth(self.cursor.at) {
            return cx.open(Record::customer(company.id, company.name));
        }
        match self.recent.get(self.cursor.at - before).cloned() {
            Some(Opened::Asset(header, said_at)) => cx.open(Record::asset(*header, said_at)),
            Some(Opened::Customer(id, name)) => cx.open(Record::customer(id, name)),
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

    /// Puts first what was opened last. One's own company stands there in any case,
    /// and a workshop terminal remembers nothing.
    pub(super) fn remember(&mut self, opened: Opened, shared: &Shared) {
        let is_own = matches!(&opened, Opened::Customer(id, _) if shared.companies().iter().any(|company| company.id == *id));
        if is_own || shared.is_kiosk() {
            return;
        }
        let same = |other: &Opened| match (&opened, other) {
            (Opened::Customer(a, _), Opened::Customer(b, _)) => a == b,
            (Opened::Asset(a, _), Opened::Asset(b, _)) => a.id == b.id,
            _ => false,
        };
        self.recent.retain(|other| !same(other));
        self.recent.insert(0, opened);
        self.recent.truncate(RECENT);
    }
}

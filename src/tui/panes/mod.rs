//! The panes of a record, each defined once. **Adding a pane** is one file
//! here and one row in [`PANES`]: its tab, its digit, its greying with the
//! reason, loading, failure, help and the walk over all roles come with it.

mod changes;
mod contacts;
mod customer_assets;
mod identification;
mod meters;
mod profile;
mod repairs;
mod requests;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

pub(super) use changes::{act_in_words, change_in_words, changes_of_user, on_what};
pub(super) use meters::{for_people, meter_in_words};

use super::command::{Command, Place};
use super::event::Reply;
use super::layer::{Cx, Subject};
use super::shared::Shared;
use crate::api::access::Needs;
use crate::api::permission::Permission;

/// Whose page it is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// A customer's.
    Customer,
    /// An asset's.
    Asset,
}

/// One row of the table.
#[derive(Debug)]
pub struct PaneSpec {
    /// Its page.
    pub page: Page,
    /// Its digit, the same for every role.
    pub digit: u8,
    /// Its title.
    pub title: &'static str,
    /// What it needs: that of the operation it reads.
    pub needs: Needs,
    pub(super) content: Content,
}

/// What a pane shows.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content {
    /// It is here.
    Here(fn(Subject) -> Box<dyn Pane>),
    /// It keeps its place and says what it will hold.
    Later(&'static str),
}

/// What a pane can do; each is given only its own messages.
pub(super) trait Pane: std::fmt::Debug {
    /// Asks for its data, again if need be.
    fn load(&mut self, cx: &mut Cx<'_>);

    /// An answer to one of its calls. True if it was its own.
    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) -> bool;

    /// Another record changed, by something above it.
    fn on_changed(&mut self, _changed: Subject, _cx: &mut Cx<'_>) {}

    /// A command while it is shown. True if it did something with it.
    fn on_command(&mut self, _command: &'static Command, _cx: &mut Cx<'_>) -> bool {
        false
    }

    /// Where its own keys count.
    fn places(&self) -> &'static [Place] {
        &[]
    }

    /// Why a command cannot run now.
    fn hindrance(&self, _command: &Command) -> Option<String> {
        None
    }

    /// Behind its title: how many there are.
    fn badge(&self) -> Option<String> {
        None
    }

    /// For the record's header: the most important of it.
    fn summary(&self, _shared: &Shared) -> Option<String> {
        None
    }

    /// What `copy` takes.
    fn copied(&self) -> Option<String> {
        None
    }

    /// When the server said the oldest of its data, if that may be another by
    /// now.
    fn as_of(&self, shared: &Shared) -> Option<Timestamp>;

    /// Draws it.
    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared);
}

macro_rules! needs {
    ($($name:literal),+) => { Needs::All(const { &[$(Permission::named($name)),+] }) };
    (any $($name:literal),+) => { Needs::Any(const { &[$(Permission::named($name)),+] }) };
}

const fn here(page: Page, digit: u8, title: &'static str, needs: Needs, make: fn(Subject) -> Box<dyn Pane>) -> PaneSpec {
    PaneSpec { page, digit, title, needs, content: Content::Here(make) }
}

const fn later(page: Page, digit: u8, title: &'static str, needs: Needs, holds: &'static str) -> PaneSpec {
    PaneSpec { page, digit, title, needs, content: Content::Later(holds) }
}

/// Every pane by page and digit.
pub static PANES: &[PaneSpec] = &[
    here(Page::Customer, 1, "Assets", needs!("asset.list.view"), customer_assets::make),
    here(Page::Customer, 2, "Profile", needs!("customer.view"), profile::make),
    here(Page::Customer, 3, "Contacts", needs!("contact.view"), contacts::make),
    here(Page::Customer, 4, "Requests", needs!("service_request.view"), requests::make),
    later(Page::Customer, 5, "Appointments", needs!("appointment.view"), "when its machines come to a shop"),
    later(Page::Customer, 6, "Finance", needs!(any "finance.invoice.list", "finance.credit.view"), "invoices, statements and credit"),
    later(Page::Customer, 7, "Parts", needs!("parts.order.list"), "its parts orders"),
    later(Page::Customer, 8, "Cores", needs!("core.outstanding.view"), "cores that are owed"),
    later(Page::Customer, 9, "Documents", needs!("document.view"), "contracts, reports and certificates"),
    here(Page::Customer, 0, "Changes", needs!("audit.view"), changes::make),
    here(Page::Asset, 1, "Identification", needs!("asset.identification.view"), identification::make),
    here(Page::Asset, 2, "Meters", needs!("meter.view"), meters::make),
    here(Page::Asset, 3, "Requests", needs!("service_request.view"), requests::make),
    here(Page::Asset, 4, "Repairs", needs!("repair.pending.view"), repairs::make),
    later(Page::Asset, 5, "Schedule", needs!(any "pm.view", "sa.view"), "when maintenance is due, by meter and by date"),
    later(Page::Asset, 6, "Warranty", needs!("asset.warranty.view"), "warranties and campaigns"),
    later(Page::Asset, 7, "Faults", needs!("asset.fault.view"), "fault codes with their severity"),
    later(Page::Asset, 8, "History", needs!("asset.history.view"), "the work done on this machine"),
    later(Page::Asset, 9, "Files", needs!("asset.attachment.view"), "photographs and papers"),
    here(Page::Asset, 0, "Changes", needs!("audit.view"), changes::make),
];

//! Administration: users, roles, organizations, shops, the portal and the
//! workshop terminals. **Adding a section** is one file here and one row in
//! [`SECTIONS`]: its tab, its digit, its greying with the reason and the walk
//! over all roles come with it. A section that is a list says only what stands
//! in its rows ([`records::Listed`]).

mod account;
mod account_form;
mod account_history;
mod fields;
mod grant_form;
mod kiosks;
mod organizations;
mod portal;
mod question;
mod records;
mod role_page;
mod roles;
mod service_form;
mod shops;
mod users;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::command::{Command, Place};
use super::event::Reply;
use super::layer::{Cx, Intent, Layer};
use super::panes::Pane;
use super::shared::Shared;
use super::widgets::{line, lines, rule, width};
use crate::api::access::Needs;
use crate::api::operation::{CreateOrganization, CreateShop, GetPortalSettings, ListKiosks, ListRoles, ListUsers, Operation as _};
use crate::api::people::{Account, RoleView};
use crate::api::place::{Organization, Shop};
use crate::api::portal::Kiosk;

/// What the screen is called.
pub(super) const TITLE: &str = "Administration";

/// One row of the table.
#[derive(Debug)]
pub struct SectionSpec {
    /// Its title.
    pub title: &'static str,
    /// What it needs: that of the operation it reads, or where anybody may read
    /// that, of the one it changes.
    pub needs: Needs,
    make: fn() -> Box<dyn Pane>,
}

const fn section(title: &'static str, needs: Needs, make: fn() -> Box<dyn Pane>) -> SectionSpec {
    SectionSpec { title, needs, make }
}

/// Every section, in the order of their digits.
pub static SECTIONS: &[SectionSpec] = &[
    section("Users", ListUsers::ENDPOINT.needs, records::make::<Account>),
    section("Roles", ListRoles::ENDPOINT.needs, records::make::<RoleView>),
    section("Organizations", CreateOrganization::ENDPOINT.needs, records::make::<Organization>),
    section("Shops", CreateShop::ENDPOINT.needs, records::make::<Shop>),
    section("Portal", GetPortalSettings::ENDPOINT.needs, portal::make),
    section("Workshop terminals", ListKiosks::ENDPOINT.needs, records::make::<Kiosk>),
];

/// The screen with its sections.
#[derive(Debug)]
pub(super) struct Administration {
    /// As in [`SECTIONS`].
    sections: Vec<Box<dyn Pane>>,
    at: usize,
}

impl Default for Administration {
    fn default() -> Self {
        Self { sections: SECTIONS.iter().map(|spec| (spec.make)()).collect(), at: 0 }
    }
}

fn is_allowed(at: usize, shared: &Shared) -> bool {
    SECTIONS.get(at).is_some_and(|spec| shared.access(spec.needs).is_ok())
}

impl Administration {
    /// The section that is shown, if the role may see it.
    fn shown_mut(&mut self, shared: &Shared) -> Option<&mut Box<dyn Pane>> {
        let allowed = is_allowed(self.at, shared);
        self.sections.get_mut(self.at).filter(|_| allowed)
    }

    /// What others did meanwhile is seen whenever a section is turned to.
    fn load(&mut self, cx: &mut Cx<'_>) {
        if let Some(section) = self.shown_mut(cx.shared) {
            section.load(cx);
        }
    }

    fn show(&mut self, at: usize, cx: &mut Cx<'_>) {
        if at < self.sections.len() {
            self.at = at;
            self.load(cx);
        }
    }

    /// Tab skips what is greyed (G-4); a digit goes there.
    fn turn(&mut self, forward: bool, cx: &mut Cx<'_>) {
        let (count, from) = (self.sections.len(), self.at);
        let steps = (1..=count).map(|step| if forward { from + step } else { from + count - step });
        let next = steps.map(|at| at % count).find(|at| is_allowed(*at, cx.shared));
        if let Some(at) = next {
            self.show(at, cx);
        }
    }

    fn tabs(&self, shared: &Shared, room: usize) -> Vec<Line<'static>> {
        let look = shared.look;
        let mut rows: Vec<Vec<Span<'static>>> = vec![vec![Span::raw(" ")]];
        let mut used = 1;
        for (at, spec) in SECTIONS.iter().enumerate() {
            let allowed = is_allowed(at, shared);
            let text = format!("{} {}{}", at + 1, spec.title, if allowed { "" } else { " [locked]" });
            let style = match (at == self.at, allowed) {
                (true, _) => look.chosen(),
                (false, true) => Style::new(),
                (false, false) => look.locked(),
            };
            if used + width(&text) > room {
                rows.push(vec![Span::raw(" ")]);
                used = 1;
            }
            used += width(&text) + 2;
            if let Some(row) = rows.last_mut() {
                row.extend([Span::styled(text, style), Span::raw("  ")]);
            }
        }
        rows.into_iter().map(Line::from).collect()
    }
}

impl Layer for Administration {
    fn places(&self) -> Vec<Place> {
        let own = self.sections.get(self.at).map_or(&[][..], |section| section.places());
        own.iter().copied().chain([Place::Record]).collect()
    }

    fn title(&self) -> String {
        TITLE.to_owned()
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        if !is_allowed(self.at, cx.shared) {
            self.at = (0..self.sections.len()).find(|at| is_allowed(*at, cx.shared)).unwrap_or(0);
        }
        self.load(cx);
    }

    fn hindrance(&self, command: &Command) -> Option<String> {
        self.sections.get(self.at).and_then(|section| section.hindrance(command))
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        let shared = cx.shared;
        if self.shown_mut(shared).is_some_and(|section| section.on_command(command, cx)) {
            return;
        }
        match command.id {
            "record.next_pane" => self.turn(true, cx),
            "record.previous_pane" => self.turn(false, cx),
            "record.copy" => {
                if let Some(text) = self.shown_mut(shared).and_then(|section| section.copied()) {
                    cx.want(Intent::Copy(text));
                }
            }
            "reload" => self.load(cx),
            other => {
                if let Some(digit) = other.strip_prefix("record.pane_").and_then(|digit| digit.parse::<usize>().ok()) {
                    self.show(digit.saturating_sub(1), cx);
                }
            }
        }
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        for section in &mut self.sections {
            if section.on_reply(reply, cx) {
                return;
            }
        }
    }

    fn on_arranged(&mut self, cx: &mut Cx<'_>) {
        self.load(cx);
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        self.sections.get(self.at).filter(|_| is_allowed(self.at, shared)).and_then(|section| section.as_of(shared))
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let mut row = lines(buffer, area, 0, self.tabs(shared, usize::from(area.width)));
        rule(buffer, area, row, shared.look);
        row += 1;
        let body = Rect { y: area.y + row.min(area.height), height: area.height.saturating_sub(row), ..area };
        let (Some(spec), Some(section)) = (SECTIONS.get(self.at), self.sections.get(self.at)) else { return };
        match shared.access(spec.needs) {
            Err(reason) => line(buffer, body, 0, Line::from(Span::styled(format!(" [locked] {reason}"), shared.look.locked()))),
            Ok(()) => section.view(body, buffer, shared),
        }
    }
}

//! Section 5: what customers and workshop terminals may do here (S2-3 … S2-5),
//! and the services that can be asked for. Each row is switched at once; shutting
//! everybody out is asked first.

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::fields::yes_no;
use super::question::{Asked, Then};
use super::records::{Columns, cells, scrolled};
use super::service_form::ServiceForm;
use crate::api::operation::{ChangePortalSettings, GetPortalSettings, ListServiceCodes};
use crate::api::page::{Nothing, Page};
use crate::api::permission::Permission;
use crate::api::place::{ServiceCode, ServiceCodeQuery};
use crate::api::portal::{PortalChange, PortalSettings};
use crate::api::role::{Cell, Role};
use crate::client::Call;
use crate::tui::command::{Command, Office, Place};
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Intent, Tone};
use crate::tui::panes::Pane;
use crate::tui::sending::Sending;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, Loaded};

const COLUMNS: Columns = &[("", 60), ("", 0)];

/// The settings of the portal.
#[derive(Debug, Default)]
struct Portal {
    settings: Loaded<PortalSettings>,
    /// Those that are switched off too.
    services: Loaded<Page<ServiceCode>>,
    /// Over the switches, then over the services.
    cursor: Cursor,
    sending: Sending,
}

/// Section 5.
pub(super) fn make() -> Box<dyn Pane> {
    Box::new(Portal::default())
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Switch {
    Enabled,
    LoginRequired,
    OffersLoaner,
    AllowsPrinting,
    /// A configurable permission of the portal user.
    May(Permission),
}

impl Switch {
    /// Those that are no permission.
    const SETTINGS: [Self; 4] = [Self::Enabled, Self::LoginRequired, Self::OffersLoaner, Self::AllowsPrinting];

    fn all() -> Vec<Self> {
        let portal_user = Role::named("portal_user");
        let configurable = Permission::all().filter(|permission| portal_user.is_some_and(|role| role.cell(*permission) == Cell::Configurable));
        Self::SETTINGS.into_iter().chain(configurable.map(Self::May)).collect()
    }

    fn title(self) -> &'static str {
        match self {
            Self::Enabled => "Customers and workshop terminals get in",
            Self::LoginRequired => "Somebody has to sign in at a workshop terminal",
            Self::OffersLoaner => "Loaner vehicles are offered",
            Self::AllowsPrinting => "Work orders may be printed",
            Self::May(permission) => permission.in_words(),
        }
    }

    fn is_on(self, settings: &PortalSettings) -> bool {
        match self {
            Self::Enabled => settings.enabled,
            Self::LoginRequired => settings.login_required,
            Self::OffersLoaner => settings.offers_loaner,
            Self::AllowsPrinting => settings.allows_printing,
            Self::May(permission) => !settings.switched_off.contains(&permission),
        }
    }

    /// The change that turns it over.
    fn turned(self, settings: &PortalSettings) -> PortalChange {
        let turned = Some(!self.is_on(settings));
        let mut change = PortalChange::default();
        match self {
            Self::Enabled => change.enabled = turned,
            Self::LoginRequired => change.login_required = turned,
            Self::OffersLoaner => change.offers_loaner = turned,
            Self::AllowsPrinting => change.allows_printing = turned,
            Self::May(permission) => {
                let mut off: Vec<Permission> = settings.switched_off.iter().copied().filter(|off| *off != permission).collect();
                if self.is_on(settings) {
                    off.push(permission);
                }
                change.switched_off = Some(off);
            }
        }
        change
    }
}

/// The change that turns a service over.
fn service_turned(service: &ServiceCode, settings: &PortalSettings) -> PortalChange {
    let mut off: Vec<String> = settings.services_off.iter().filter(|off| **off != service.code).cloned().collect();
    if off.len() == settings.services_off.len() {
        off.push(service.code.clone());
    }
    PortalChange { services_off: Some(off), ..PortalChange::default() }
}

impl Portal {
    fn services(&self) -> &[ServiceCode] {
        self.services.data().map_or(&[][..], |page| &page.items)
    }

    fn count(&self) -> usize {
        Switch::all().len() + self.services().len()
    }

    /// The service under the cursor.
    fn service(&self) -> Option<&ServiceCode> {
        self.services().get(self.cursor.at.checked_sub(Switch::all().len())?)
    }

    fn turn(&mut self, cx: &mut Cx<'_>) {
        let Some(settings) = self.settings.data() else { return };
        if let Some(service) = self.service() {
            let call = Call::of::<ChangePortalSettings>(&Nothing {}, &Nothing {}, &service_turned(service, settings));
            return self.sending.send(call, cx);
        }
        let Some(switch) = Switch::all().get(self.cursor.at).copied() else { return };
        let call = Call::of::<ChangePortalSettings>(&Nothing {}, &Nothing {}, &switch.turned(settings));
        if switch == Switch::Enabled && settings.enabled {
            let text = "Switch the portal off? No customer and no workshop terminal gets in any more, and whoever is in can do nothing from now on.";
            return cx.open(Asked::layer("Portal", text, call, Then::Say("The portal is switched off.".to_owned())));
        }
        self.sending.send(call, cx);
    }

    fn rows(&self, settings: &PortalSettings, shared: &Shared, wide: u16) -> (Vec<Line<'static>>, usize) {
        let look = shared.look;
        let mut rows = vec![Line::from(Span::styled(" Settings", look.title()))];
        let mut marked = 0;
        for (at, switch) in Switch::all().into_iter().enumerate() {
            if at == Switch::SETTINGS.len() {
                rows.push(Line::default());
                rows.push(Line::from(Span::styled(" What portal users may do here", look.title())));
            }
            if at == self.cursor.at {
                marked = rows.len();
            }
            let on = switch.is_on(settings);
            let texts = [switch.title().to_owned(), yes_no(on).to_owned()];
            rows.push(cells(COLUMNS, &texts, (at == self.cursor.at, !on), wide, look));
        }
        rows.push(Line::default());
        rows.push(Line::from(Span::styled(" Services that can be asked for", look.title())));
        for (at, service) in (Switch::all().len()..).zip(self.services()) {
            if at == self.cursor.at {
                marked = rows.len();
            }
            let on = !settings.services_off.contains(&service.code);
            let texts = [format!("{} ({})", service.name, service.code), yes_no(on).to_owned()];
            rows.push(cells(COLUMNS, &texts, (at == self.cursor.at, !on), wide, look));
        }
        (rows, marked)
    }
}

impl Pane for Portal {
    fn load(&mut self, cx: &mut Cx<'_>) {
        self.settings.load(Call::of::<GetPortalSettings>(&Nothing {}, &Nothing {}, &Nothing {}), cx);
        self.services.load(Call::of::<ListServiceCodes>(&Nothing {}, &ServiceCodeQuery { all: true }, &Nothing {}), cx);
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) -> bool {
        if self.settings.take(reply) || self.services.take(reply) {
            self.cursor.keep_within(self.count());
            return true;
        }
        match self.sending.take(reply) {
            Some(Ok(_)) => cx.want(Intent::Arranged),
            Some(Err(error)) => cx.say(Tone::Error, error.to_string()),
            None => return false,
        }
        true
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) -> bool {
        if self.cursor.command(command, self.count()) {
            return true;
        }
        match (command.id, self.service()) {
            ("portal.turn", _) => self.turn(cx),
            ("service.new", _) => cx.open(ServiceForm::layer(None, self.services())),
            ("service.rename", Some(service)) => cx.open(ServiceForm::layer(Some(service), self.services())),
            _ => return false,
        }
        true
    }

    fn hindrance(&self, command: &Command) -> Option<String> {
        let told = match (command.id, self.service()) {
            ("service.new" | "service.rename", _) if self.services.data().is_none() => "The services are not loaded yet.",
            ("service.rename", None) => "Mark a service first: they stand at the end.",
            _ => return None,
        };
        Some(told.to_owned())
    }

    fn places(&self) -> &'static [Place] {
        &[Place::Office(Office::Portal), Place::Rows]
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        [self.settings.as_of(shared), self.services.as_of(shared)].into_iter().flatten().min()
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let from = self.settings.say_notice(area, 0, buffer, shared);
        let from = if from == 0 { self.services.say_notice(area, from, buffer, shared) } else { from };
        let Some(settings) = self.settings.data() else { return };
        let body = Rect { y: area.y + from, height: area.height.saturating_sub(from), ..area };
        let (rows, marked) = self.rows(settings, shared, area.width);
        scrolled(buffer, body, rows, marked);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_switched_off_and_on_again_beside_others_that_are_off() {
        let oil = ServiceCode { code: "OIL".to_owned(), name: "Oil and filter change".to_owned() };
        let with = |off: &[&str]| PortalSettings { services_off: off.iter().map(|code| (*code).to_owned()).collect(), ..PortalSettings::default() };
        let turned = |off: &[&str]| service_turned(&oil, &with(off));
        assert_eq!(turned(&["BRK"]).services_off, Some(vec!["BRK".to_owned(), "OIL".to_owned()]));
        assert_eq!(turned(&["BRK", "OIL"]), PortalChange { services_off: Some(vec!["BRK".to_owned()]), ..PortalChange::default() });
    }
}

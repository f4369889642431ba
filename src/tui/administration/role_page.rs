//! What a role grants, by domain. A copy is edited here: changes are collected
//! and saved at once, over the version that is shown.

use std::collections::BTreeMap;

use jiff::Timestamp;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::fields::capital;
use super::records::{Columns, cells, scrolled};
use super::roles::{CopyForm, origin};
use super::users::kind_in_words;
use crate::api::operation::{ChangeRole, ListRoles, OfRole};
use crate::api::page::{Nothing, Page};
use crate::api::people::{Domain, RoleChange, RoleView};
use crate::api::permission::Permission;
use crate::api::role::Cell;
use crate::client::{Call, ClientError};
use crate::tui::command::{Command, Office, Place};
use crate::tui::draft::Draft;
use crate::tui::event::Reply;
use crate::tui::layer::{Cx, Intent, Layer, Tone};
use crate::tui::sending::Sending;
use crate::tui::shared::Shared;
use crate::tui::widgets::{Cursor, Loaded, cut, line, rule, spread, width};

const COLUMNS: Columns = &[("Permission", 42), ("Granted", 13), ("", 0)];

/// One role.
#[derive(Debug)]
pub(super) struct RolePage {
    role: RoleView,
    /// Permission to word, where it is not as saved.
    changes: BTreeMap<String, String>,
    /// For loading again: a role has no path of its own.
    roles: Loaded<Page<RoleView>>,
    cursor: Cursor,
    saving: Sending,
}

/// The catalogue, one domain after the other.
fn catalogue() -> Vec<Permission> {
    Domain::ALL.iter().flat_map(|domain| Permission::all().filter(move |permission| permission.domain() == domain.name())).collect()
}

impl RolePage {
    /// For a role as it was listed.
    pub(super) fn new(role: RoleView) -> Self {
        Self { role, changes: BTreeMap::new(), roles: Loaded::default(), cursor: Cursor::default(), saving: Sending::default() }
    }

    fn about(&self) -> String {
        format!("role {}", self.role.key)
    }

    fn saved(&self, permission: Permission) -> Cell {
        self.role.permissions.get(permission.name()).and_then(|word| Cell::named(word)).unwrap_or(Cell::No)
    }

    fn cell(&self, permission: Permission) -> Cell {
        let changed = self.changes.get(permission.name()).and_then(|word| Cell::named(word));
        changed.unwrap_or_else(|| self.saved(permission))
    }

    /// Yes, own, basic, no, and round again.
    fn turn(&mut self) {
        let Some(permission) = catalogue().get(self.cursor.at).copied() else { return };
        let saved = self.saved(permission);
        let next = match self.cell(permission) {
            Cell::Yes | Cell::Configurable => Cell::Own,
            Cell::Own => Cell::Basic,
            Cell::Basic => Cell::No,
            // What was to be switched per site is so again after one round.
            Cell::No if saved == Cell::Configurable => Cell::Configurable,
            Cell::No => Cell::Yes,
        };
        if next == saved {
            self.changes.remove(permission.name());
        } else {
            self.changes.insert(permission.name().to_owned(), next.name().to_owned());
        }
    }

    fn save(&mut self, cx: &mut Cx<'_>) {
        let body = RoleChange { name: None, permissions: self.changes.clone() };
        let call = Call::of::<ChangeRole>(&OfRole { key: self.role.key.clone() }, &Nothing {}, &body);
        self.saving.send(call.if_match(self.role.version), cx);
    }

    fn taken(&mut self, answer: &[u8], cx: &mut Cx<'_>) {
        match serde_json::from_slice::<RoleView>(answer) {
            Ok(role) => {
                self.role = role;
                self.changes.clear();
                cx.say(Tone::Fine, format!("{} was saved; it counts at once.", self.role.name));
                cx.want(Intent::Arranged);
            }
            Err(error) => cx.say(Tone::Error, format!("Saved, but the answer cannot be read: {error}")),
        }
    }

    fn refused(&mut self, error: &ClientError, cx: &mut Cx<'_>) {
        let Some(problem) = error.problem() else {
            return cx.say(Tone::Error, "The server does not answer. Save again when the line is back.");
        };
        let now = problem.current.clone().and_then(|current| serde_json::from_value::<RoleView>(current).ok());
        match now.filter(|_| problem.status == 412) {
            Some(role) => {
                self.role = role;
                cx.say(Tone::Warning, "Somebody changed this role meanwhile: it is shown as it is now, with your changes. Look, and save again.");
            }
            None => cx.say(Tone::Error, error.to_string()),
        }
    }

    fn head(&self, shared: &Shared, room: usize) -> Line<'static> {
        let look = shared.look;
        let dot = format!(" {} ", look.dot());
        let granted = Permission::all().filter(|permission| self.cell(*permission) != Cell::No).count();
        let changes = match self.changes.len() {
            0 => None,
            1 => Some("1 change not saved".to_owned()),
            count => Some(format!("{count} changes not saved")),
        };
        let facts = [Some(origin(&self.role)), Some(kind_in_words(self.role.audience).to_owned()), Some(format!("{granted} granted")), changes];
        let facts = format!("{} ", facts.into_iter().flatten().collect::<Vec<_>>().join(&dot));
        let name = cut(&format!(" {}  {}", self.role.name, self.role.key), room.saturating_sub(width(&facts) + 1), look);
        let style = if self.changes.is_empty() { ratatui::style::Style::new() } else { look.warning() };
        spread(vec![Span::styled(name, look.title())], vec![Span::styled(facts, style)], room)
    }

    /// Domains with their permissions as lines, and which of them is marked.
    fn rows(&self, shared: &Shared, wide: u16) -> (Vec<Line<'static>>, usize) {
        let look = shared.look;
        let mut rows = Vec::new();
        let mut marked = 0;
        let mut domain = "";
        for (at, permission) in catalogue().into_iter().enumerate() {
            if permission.domain() != domain {
                domain = permission.domain();
                rows.push(Line::from(Span::styled(format!(" {}", capital(domain)), look.title())));
            }
            if at == self.cursor.at {
                marked = rows.len();
            }
            let cell = self.cell(permission);
            let was = if self.changes.contains_key(permission.name()) { format!("was {}", self.saved(permission).name()) } else { String::new() };
            let texts = [permission.in_words().to_owned(), cell.name().to_owned(), was];
            rows.push(cells(COLUMNS, &texts, (at == self.cursor.at, cell == Cell::No), wide, look));
        }
        (rows, marked)
    }
}

impl Layer for RolePage {
    fn places(&self) -> Vec<Place> {
        vec![Place::Office(Office::Permissions), Place::Office(Office::Roles), Place::Rows]
    }

    fn title(&self) -> String {
        self.role.name.clone()
    }

    fn opened(&mut self, cx: &mut Cx<'_>) {
        if let Some(draft) = cx.drafts.take(&self.about()) {
            self.changes.extend(draft);
        }
    }

    fn hindrance(&self, command: &Command) -> Option<String> {
        match command.id {
            "role.turn" | "role.save" if self.role.system => Some("Roles that ship cannot be edited: copy it and edit the copy.".to_owned()),
            "role.save" if self.changes.is_empty() => Some("Nothing is changed.".to_owned()),
            _ => None,
        }
    }

    fn on_command(&mut self, command: &'static Command, cx: &mut Cx<'_>) {
        if self.cursor.command(command, Permission::all().count()) {
            return;
        }
        match command.id {
            "role.turn" => self.turn(),
            "role.save" => self.save(cx),
            "role.copy" => cx.open(CopyForm::layer(&self.role)),
            "reload" => self.roles.load(Call::of::<ListRoles>(&Nothing {}, &Nothing {}, &Nothing {}), cx),
            _ => {}
        }
    }

    fn on_back(&mut self, cx: &mut Cx<'_>) -> bool {
        self.saving.holds_back(cx)
    }

    fn on_reply(&mut self, reply: &Reply, cx: &mut Cx<'_>) {
        if self.roles.take(reply) {
            let now = self.roles.data().and_then(|page| page.items.iter().find(|role| role.key == self.role.key)).cloned();
            if let Some(role) = now {
                self.role = role;
            }
            return;
        }
        match self.saving.take(reply) {
            Some(Ok(answer)) => self.taken(answer, cx),
            Some(Err(error)) => self.refused(error, cx),
            None => {}
        }
    }

    /// What was turned and not saved is kept as typed text is.
    fn draft(&self) -> Option<(String, Draft)> {
        Some((self.about(), self.changes.clone().into_iter().collect()))
    }

    fn as_of(&self, shared: &Shared) -> Option<Timestamp> {
        self.roles.as_of(shared)
    }

    fn view(&self, area: Rect, buffer: &mut Buffer, shared: &Shared) {
        let look = shared.look;
        line(buffer, area, 0, self.head(shared, usize::from(area.width)));
        rule(buffer, area, 1, look);
        let from = self.roles.say_notice(area, 2, buffer, shared);
        let body = Rect { y: area.y + from.min(area.height), height: area.height.saturating_sub(from), ..area };
        let (rows, marked) = self.rows(shared, area.width);
        scrolled(buffer, body, rows, marked);
    }
}

//! Role templates: the columns of `assets/roles/role-matrix.csv`.

use std::borrow::Cow;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::permission::{MATRIX, Permission, PermissionSet};
use super::session::UserKind;

/// How far a permission reaches where it is granted (3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Basic fields only: id, name, city, phone.
    Basic,
    /// Only one's own records.
    Own,
    /// Without limit.
    Full,
}

/// A cell of the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// Granted.
    Yes,
    /// Not granted.
    No,
    /// Granted for own records.
    Own,
    /// Granted for basic fields.
    Basic,
    /// Part of the template, to be switched per site; ships on.
    Configurable,
}

impl Cell {
    /// The word in the matrix.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Own => "own",
            Self::Basic => "basic",
            Self::Configurable => "configurable",
        }
    }

    /// The cell of that word.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Yes, Self::No, Self::Own, Self::Basic, Self::Configurable].into_iter().find(|cell| cell.name() == name)
    }

    /// The plain cell that grants so far.
    const fn of(limit: Limit) -> Self {
        match limit {
            Limit::Full => Self::Yes,
            Limit::Own => Self::Own,
            Limit::Basic => Self::Basic,
        }
    }

    /// How far it grants.
    #[must_use]
    pub const fn limit(self) -> Option<Limit> {
        match self {
            Self::Yes | Self::Configurable => Some(Limit::Full),
            Self::Own => Some(Limit::Own),
            Self::Basic => Some(Limit::Basic),
            Self::No => None,
        }
    }
}

/// A role: a template of the matrix, or an administrator's copy of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// The column's name, such as `counter_staff`, or the copy's own.
    pub key: Cow<'static, str>,
    cells: Vec<Cell>,
}

impl Role {
    /// The template of that name.
    #[must_use]
    pub fn named(key: &str) -> Option<&'static Self> {
        templates().iter().find(|role| role.key == key)
    }

    /// All templates in the order of the matrix.
    #[must_use]
    pub fn all() -> &'static [Self] {
        templates()
    }

    /// A role of the dealer's own, from what [`Role::written`] made of it.
    /// Names that this version does not know grant nothing.
    #[must_use]
    pub fn read(key: String, written: &str) -> Self {
        let mut cells = vec![Cell::No; Permission::all().count()];
        for (name, word) in written.lines().filter_map(|line| line.split_once('=')) {
            let row = Permission::all().position(|permission| permission.name() == name);
            if let (Some(row), Some(cell)) = (row, Cell::named(word)) {
                cells[row] = cell;
            }
        }
        Self { key: Cow::Owned(key), cells }
    }

    /// What it grants, a line for each permission: `meter.view=yes`.
    #[must_use]
    pub fn written(&self) -> String {
        let granted = Permission::all().zip(&self.cells).filter(|(_, cell)| **cell != Cell::No);
        granted.map(|(permission, cell)| [permission.name(), "=", cell.name(), "\n"].concat()).collect()
    }

    /// The same role with one cell changed.
    #[must_use]
    pub fn with(mut self, permission: Permission, cell: Cell) -> Self {
        if let Some(row) = Permission::all().position(|other| other == permission) {
            self.cells[row] = cell;
        }
        self
    }

    /// The same role without what is not in `kept`: what a ceiling, a domain
    /// or a consent leaves of it. It never grants more.
    #[must_use]
    pub fn narrowed(mut self, kept: PermissionSet) -> Self {
        for (permission, cell) in Permission::all().zip(&mut self.cells) {
            if !kept.holds(permission) {
                *cell = Cell::No;
            }
        }
        self
    }

    /// The same role, with nothing granted further than a limit says: what is
    /// left of it where somebody lends another role.
    #[must_use]
    pub fn at_most(mut self, limit: impl Fn(Permission) -> Option<Limit>) -> Self {
        for (permission, cell) in Permission::all().zip(&mut self.cells) {
            let most = limit(permission);
            if cell.limit() > most {
                *cell = most.map_or(Cell::No, Cell::of);
            }
        }
        self
    }

    /// Whose template it is: only such a user may hold it.
    #[must_use]
    pub fn audience(&self) -> UserKind {
        match self.key.as_ref() {
            "administrator" | "general_manager" | "service_manager" | "counter_staff" | "technician" => UserKind::Staff,
            "kiosk" => UserKind::Kiosk,
            _ => UserKind::Customer,
        }
    }

    /// The cell of a permission.
    #[must_use]
    pub fn cell(&self, permission: Permission) -> Cell {
        Permission::all().position(|other| other == permission).map_or(Cell::No, |row| self.cells[row])
    }

    /// How far the role grants a permission; none if it does not.
    #[must_use]
    pub fn limit(&self, permission: Permission) -> Option<Limit> {
        self.cell(permission).limit()
    }

    /// Everything the role grants, limited or not.
    #[must_use]
    pub fn permissions(&self) -> PermissionSet {
        Permission::all().filter(|permission| self.limit(*permission).is_some()).collect()
    }

    /// The name as people say it: `Counter staff`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut words = self.key.replace('_', " ");
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        words
    }
}

/// Which templates grant a permission without limit, weakest first as far as
/// the matrix tells: whom to ask for it (G-3).
#[must_use]
pub fn whom_to_ask(permission: Permission) -> String {
    let staff = ["counter_staff", "service_manager", "general_manager", "administrator"];
    let found = staff.iter().filter_map(|key| Role::named(key)).find(|role| role.limit(permission) == Some(Limit::Full));
    match found.map(|role| role.key.as_ref()) {
        Some("counter_staff") => "the counter".to_owned(),
        Some("administrator") | None => "an administrator".to_owned(),
        Some(other) => format!("a {}", other.replace('_', " ")),
    }
}

fn templates() -> &'static [Role] {
    static TEMPLATES: OnceLock<Vec<Role>> = OnceLock::new();
    TEMPLATES.get_or_init(|| read(MATRIX))
}

/// Reads the matrix. Its first two columns are permission and source, its last
/// says what is greyed and is the only one with quotes and commas.
fn read(matrix: &'static str) -> Vec<Role> {
    let mut lines = matrix.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
    let keys = header.get(2..header.len().saturating_sub(1)).unwrap_or_default();
    let mut roles: Vec<Role> = keys.iter().map(|key| Role { key: Cow::Borrowed(*key), cells: Vec::new() }).collect();
    for line in lines {
        for (role, cell) in roles.iter_mut().zip(line.split(',').skip(2)) {
            role.cells.push(Cell::named(cell).unwrap_or(Cell::No));
        }
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cell_of_the_matrix_has_a_known_word() {
        assert_eq!(Role::all().len(), 18);
        for line in MATRIX.lines().skip(1) {
            assert!(line.split(',').skip(2).take(18).all(|cell| Cell::named(cell).is_some()), "{line}");
        }
        assert!(Role::all().iter().all(|role| role.cells.len() == Permission::all().count()));
    }

    #[test]
    fn s0_2_executive_is_accounts_and_fleet_together() {
        let grants = |key: &str| Role::named(key).unwrap().permissions();
        assert_eq!(grants("executive"), grants("accounts").union(grants("fleet")));
    }

    /// Each template grants all that the one before it grants, and more.
    fn grow(keys: &[&str]) -> bool {
        let grants = |key: &str| Role::named(key).unwrap().permissions();
        keys.windows(2).all(|pair| grants(pair[1]).includes(grants(pair[0])) && grants(pair[1]) != grants(pair[0]))
    }

    #[test]
    fn s1_the_portals_own_roles_grow_from_insight_to_administrator() {
        assert!(grow(&["insight_user", "fleet_administrator", "portal_administrator"]));
    }

    #[test]
    fn s4_access_levels_grow_from_read_only_to_carrier_view() {
        assert!(grow(&["level_none", "level_read_only", "level_limited", "level_full", "level_carrier_view"]));
        assert!(Role::named("level_none").unwrap().permissions().iter().next().is_none(), "no access is none at all");
    }

    #[test]
    fn every_role_has_its_sort_of_user() {
        let of = |kind: UserKind| Role::all().iter().filter(|role| role.audience() == kind).count();
        assert_eq!((of(UserKind::Staff), of(UserKind::Customer), of(UserKind::Kiosk)), (5, 12, 1));
    }

    #[test]
    fn s3_27_the_service_manager_changes_numbers_and_counter_staff_do_not() {
        let change = Permission::named("customer.dms_number.change");
        assert_eq!(Role::named("service_manager").unwrap().limit(change), Some(Limit::Full));
        assert_eq!(Role::named("counter_staff").unwrap().limit(change), None);
        assert_eq!(whom_to_ask(change), "a service manager");
    }
}

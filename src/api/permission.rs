//! The catalogue of permissions. Its one source is the first column of
//! `assets/roles/role-matrix.csv`; names in the code are held against it while
//! compiling, so that a misspelt permission does not build.

use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// The role matrix as shipped: permissions down, roles across.
pub(super) const MATRIX: &str = include_str!("../../assets/roles/role-matrix.csv");

/// To which domain each permission belongs and what a dealer's people call it,
/// in the order of the matrix.
const NAMES: &str = include_str!("../../assets/roles/permission-names.csv");

/// One permission, by its row in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(u8);

impl Permission {
    /// The permission of that name, found while compiling.
    ///
    /// # Panics
    /// (At compile time, when used in a constant) if the catalogue has no such
    /// name.
    #[must_use]
    pub const fn named(name: &str) -> Self {
        match Self::find(name.as_bytes()) {
            Some(found) => found,
            #[expect(clippy::panic, reason = "while compiling, in constants only")]
            None => panic!("no such permission in assets/roles/role-matrix.csv"),
        }
    }

    const fn find(name: &[u8]) -> Option<Self> {
        let text = MATRIX.as_bytes();
        let mut at = 0;
        let mut row = 0;
        while at < text.len() {
            let mut matched = 0;
            while matched < name.len() && at + matched < text.len() && text[at + matched] == name[matched] {
                matched += 1;
            }
            if row > 0 && matched == name.len() && at + matched < text.len() && text[at + matched] == b',' {
                return Some(Self(row - 1));
            }
            while at < text.len() && text[at] != b'\n' {
                at += 1;
            }
            at += 1;
            row += 1;
        }
        None
    }

    /// The name, such as `meter.reading.add_edit`.
    #[must_use]
    pub fn name(self) -> &'static str {
        names()[usize::from(self.0)]
    }

    /// The permission of a name that came from outside.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::find(name.as_bytes())
    }

    /// The whole catalogue in its order.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..u8::try_from(names().len()).unwrap_or(u8::MAX)).map(Self)
    }

    /// The name as a dealer's people know it: `Meter Reading Add/Edit`.
    #[must_use]
    pub fn in_words(self) -> &'static str {
        self.described().map_or(self.name(), |(_, words)| words)
    }

    /// The domain it belongs to: a grant may be limited to some (S2-2, S2-4).
    #[must_use]
    pub fn domain(self) -> &'static str {
        self.described().map_or("", |(domain, _)| domain)
    }

    fn described(self) -> Option<(&'static str, &'static str)> {
        static DESCRIBED: OnceLock<Vec<(&'static str, &'static str)>> = OnceLock::new();
        let read = || NAMES.lines().skip(1).filter_map(|line| line.split_once(',')?.1.split_once(',')).collect();
        DESCRIBED.get_or_init(read).get(usize::from(self.0)).copied()
    }

    const fn bit(self) -> u128 {
        1 << self.0
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Serialize for Permission {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Permission {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::from_name(&name).ok_or_else(|| serde::de::Error::custom(format!("unknown permission {name:?}")))
    }
}

impl schemars::JsonSchema for Permission {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Permission".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "enum": names() })
    }
}

fn names() -> &'static [&'static str] {
    static NAMES: OnceLock<Vec<&'static str>> = OnceLock::new();
    NAMES.get_or_init(|| MATRIX.lines().skip(1).filter_map(|line| line.split(',').next()).collect())
}

/// A set of permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u128);

impl PermissionSet {
    /// Whether the permission is in the set.
    #[must_use]
    pub const fn holds(self, permission: Permission) -> bool {
        self.0 & permission.bit() != 0
    }

    /// Whether every permission of `other` is in this set.
    #[must_use]
    pub const fn includes(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// All permissions of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The permissions of this set that `other` has not.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The permissions of both sets.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether no permission is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The permissions in the order of the catalogue.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::all().filter(move |permission| self.holds(*permission))
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        Self(permissions.into_iter().fold(0, |set, permission| set | permission.bit()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_has_a_name_of_its_own_and_in_the_same_place() {
        let named: Vec<&str> = NAMES.lines().skip(1).filter_map(|line| line.split_once(',').map(|(permission, _)| permission)).collect();
        assert_eq!(named, Permission::all().map(Permission::name).collect::<Vec<_>>());
        let words: std::collections::BTreeSet<&str> = Permission::all().map(Permission::in_words).collect();
        assert_eq!(words.len(), named.len(), "no two of them are called the same");
        assert!(words.iter().all(|words| !words.contains([',', '"'])), "read without a CSV reader");
    }

    #[test]
    fn the_catalogue_is_the_matrix() {
        assert_eq!(Permission::all().count(), 103);
        for permission in Permission::all() {
            assert_eq!(Permission::from_name(permission.name()), Some(permission));
        }
        assert_eq!(Permission::from_name("permission"), None, "the header is no permission");
        assert_eq!(Permission::from_name("customer"), None, "the start of a name is no name");
        assert_eq!(const { Permission::named("pm.view") }.name(), "pm.view");
    }

    #[test]
    fn sets_grow_by_union_only() {
        let some: PermissionSet = Permission::all().take(3).collect();
        let more = some.union(Permission::all().skip(90).collect());
        assert!(more.includes(some) && !some.includes(more));
        assert_eq!(more.iter().count(), 16);
    }
}

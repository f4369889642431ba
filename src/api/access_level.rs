//! Access levels of contacts (S4-7): ceilings that only take away (C9). The one
//! place that says what each takes; the server applies it to every grant.

use super::named::words;
use super::permission::{Permission, PermissionSet};
use super::role::Role;

words! {
    /// How far a contact's access goes at most.
    pub enum AccessLevel {
        /// None at all, whatever else is given; no sign-in (C-4).
        None = "none",
        /// Everything but the executing carrier.
        Full = "full",
        /// No prices, invoices or exports.
        Limited = "limited",
        /// Everything, the executing carrier too.
        CarrierView = "carrier_view",
        /// As limited, and nothing can be changed.
        ReadOnly = "read_only",
    }
}

/// What shows amounts, or takes lists away (S4-7, S4-8, S4-10).
const MONEY_AND_EXPORT: [&str; 10] = [
    "price.view",
    "export.run",
    "asset.history.export",
    "finance.invoice.list",
    "finance.invoice.request",
    "finance.invoice.manage",
    "parts.order.invoice.view",
    "finance.history.view",
    "finance.statement.request",
    "finance.credit.view",
];

/// How names of writing permissions end (3.1).
const WRITING: [&str; 6] = [".add_edit", ".create", ".request", ".cancel", ".manage", ".activate"];
/// Writing permissions whose names end otherwise.
const WRITING_TOO: [&str; 3] = ["home.invite.send", "ticket.log", "estimate.respond"];

impl AccessLevel {
    /// That of a contact who gets a user name and of whom nothing else was said
    /// (3.1).
    pub const OF_NEW_ACCOUNTS: Self = Self::Full;

    /// What it takes away from everything else that the contact holds.
    #[must_use]
    pub fn takes_away(self) -> PermissionSet {
        Permission::all().filter(|permission| self.takes(permission.name())).collect()
    }

    fn takes(self, name: &str) -> bool {
        let carrier = name == "carrier.view";
        let money = MONEY_AND_EXPORT.contains(&name);
        let writing = WRITING.iter().any(|end| name.ends_with(end)) || WRITING_TOO.contains(&name);
        match self {
            Self::None => true,
            Self::Full => carrier,
            Self::Limited => carrier || money,
            Self::CarrierView => false,
            Self::ReadOnly => carrier || money || writing,
        }
    }

    /// The template that the level gives by itself.
    #[must_use]
    pub fn template(self) -> Option<&'static Role> {
        Role::named(&format!("level_{}", self.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_that_is_taken_away_is_in_the_catalogue() {
        for name in MONEY_AND_EXPORT.iter().chain(&WRITING_TOO).chain(&["carrier.view"]) {
            assert!(Permission::from_name(name).is_some(), "{name}");
        }
    }

    #[test]
    fn s4_7_a_stricter_level_takes_all_that_a_wider_one_takes() {
        use AccessLevel::{CarrierView, Full, Limited, None, ReadOnly};
        for pair in [CarrierView, Full, Limited, ReadOnly, None].windows(2) {
            assert!(pair[1].takes_away().includes(pair[0].takes_away()), "{pair:?}");
            assert_ne!(pair[1].takes_away(), pair[0].takes_away(), "{pair:?}");
        }
        assert!(CarrierView.takes_away().is_empty(), "8.4: takes nothing away");
    }

    #[test]
    fn a_level_never_takes_what_its_own_template_gives() {
        for level in AccessLevel::ALL {
            let template = level.template().unwrap();
            assert_eq!(template.clone().narrowed(all().without(level.takes_away())).permissions(), template.permissions(), "{level:?}");
        }
    }

    fn all() -> PermissionSet {
        Permission::all().collect()
    }

    proptest::proptest! {
        #[test]
        fn c9_a_ceiling_never_adds(role in 0_usize..18, level in 0_usize..5) {
            let (role, level) = (&Role::all()[role], AccessLevel::ALL[level]);
            let under = role.clone().narrowed(all().without(level.takes_away()));
            proptest::prop_assert!(role.permissions().includes(under.permissions()));
            proptest::prop_assert!(under.permissions().intersection(level.takes_away()).is_empty());
        }

        #[test]
        fn what_a_role_of_ones_own_grants_is_kept_as_written(role in 0_usize..18) {
            let role = &Role::all()[role];
            let again = Role::read(role.key.to_string(), &role.written());
            proptest::prop_assert_eq!(&again, role);
        }
    }
}

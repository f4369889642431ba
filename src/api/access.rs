//! The one place where a session and what an operation needs become an answer:
//! the server refuses by it and the terminal greys by it (G-1 … G-4).

use super::permission::{Permission, PermissionSet};
use super::role::whom_to_ask;

/// What an operation needs, as `x-permission` and `x-permission-any` say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Nothing, not even a sign-in.
    Open,
    /// A sign-in is enough.
    SignedIn,
    /// Each of these.
    All(&'static [Permission]),
    /// One of these.
    Any(&'static [Permission]),
}

/// May it be done, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// It may.
    Allowed,
    /// It may not: these permissions are missing.
    Denied(Vec<Permission>),
}

impl Access {
    /// Whether it may be done.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed)
    }

    /// The sentence under a greyed pane or key (G-3): what it needs first and
    /// whom to ask, short enough for one line. None where it is allowed.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        let Self::Denied(missing) = self else { return None };
        let first = missing.first()?;
        Some(format!("Needs \"{}\". Ask {}.", first.in_words(), whom_to_ask(*first)))
    }
}

/// Holds what is granted against what is needed.
#[must_use]
pub fn access(granted: PermissionSet, needs: Needs) -> Access {
    let missing: Vec<Permission> = match needs {
        Needs::Open | Needs::SignedIn => Vec::new(),
        Needs::All(all) => all.iter().copied().filter(|permission| !granted.holds(*permission)).collect(),
        Needs::Any(any) if any.iter().any(|permission| granted.holds(*permission)) => Vec::new(),
        Needs::Any(any) => any.to_vec(),
    };
    if missing.is_empty() { Access::Allowed } else { Access::Denied(missing) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIEW: Permission = Permission::named("meter.view");
    const VOID: Permission = Permission::named("meter.reading.void");

    #[test]
    fn g_3_what_is_denied_says_what_it_needs_and_whom_to_ask() {
        let granted: PermissionSet = [VIEW].into_iter().collect();
        assert!(access(granted, Needs::SignedIn).is_allowed());
        assert!(access(granted, Needs::Any(&[VIEW, VOID])).is_allowed());
        let denied = access(granted, Needs::All(&[VIEW, VOID]));
        assert_eq!(denied, Access::Denied(vec![VOID]));
        assert_eq!(denied.reason().unwrap(), "Needs \"Meter readings: void\". Ask a service manager.");
    }
}

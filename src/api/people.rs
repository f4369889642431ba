//! Users, their grants and sessions, and the dealer's own roles: what an
//! administrator manages.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access_level::AccessLevel;
use super::contact::{PlatformRole, PortalRight};
use super::ids::{ContactId, GrantId, SessionId, ShopId, UserId};
use super::lengths;
use super::named::words;
use super::page::{CodeRef, CustomerRef};
use super::session::UserKind;

words! {
    /// What a grant is limited to.
    pub enum ScopeKind {
        /// Nothing: the whole deployment.
        Deployment = "deployment",
        /// A shop with its customers.
        Shop = "shop",
        /// An organization with its assets.
        Organization = "organization",
        /// A customer with its organizations.
        Customer = "customer",
    }
}

words! {
    /// Part of the work: a grant may be limited to some of them (S2-2).
    pub enum Domain {
        /// Machines and meters.
        Assets = "assets",
        /// Requests, repairs, appointments, work orders.
        Maintenance = "maintenance",
        /// Cores.
        Inventory = "inventory",
        /// Users, roles, settings.
        Setup = "setup",
        /// Other systems.
        Integrations = "integrations",
        /// What one sees first.
        Dashboard = "dashboard",
        /// Customers and their people.
        Customers = "customers",
        /// Money.
        Finance = "finance",
        /// Parts orders.
        Parts = "parts",
        /// Connected services, deliveries, installations.
        Services = "services",
    }
}

words! {
    /// Whether a user may sign in.
    pub enum UserState {
        /// It may.
        Active = "active",
        /// It may not, for now.
        Locked = "locked",
        /// It may not any more; nothing is ever deleted.
        Disabled = "disabled",
    }
}

/// A user as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Account {
    /// Its id.
    pub id: UserId,
    /// The name to sign in with.
    pub username: String,
    /// Given name.
    pub first: String,
    /// Family name.
    pub last: String,
    /// Where mail goes.
    pub email: Option<String>,
    /// In E.164.
    pub phone: Option<String>,
    /// Staff, customer, kiosk or program.
    pub kind: UserKind,
    /// Whether it may sign in.
    pub state: UserState,
    /// Whether the password has to be changed at the next sign-in.
    pub must_change_password: bool,
    /// The shop a session starts in.
    pub shop: Option<CodeRef<ShopId>>,
    /// When it signed in last.
    pub last_sign_in: Option<Timestamp>,
    /// What it may do, and where.
    pub grants: Vec<Grant>,
    /// As whose contact it gets in: that gives a customer's person what it may
    /// do, beside any grants.
    #[serde(default)]
    pub contacts: Vec<AccountContact>,
    /// Counts up with every change.
    pub version: i64,
}

/// A contact that a user is, and what that gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountContact {
    /// The contact.
    pub id: ContactId,
    /// Whose.
    pub customer: CustomerRef,
    /// What it manages.
    pub right: PortalRight,
    /// Its role on the platform.
    pub platform_role: PlatformRole,
    /// How far access goes at most.
    pub access_level: AccessLevel,
    /// Whether it still is a contact.
    pub active: bool,
}

/// A role with a scope, for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Grant {
    /// Its id.
    pub id: GrantId,
    /// A template, or a role of the dealer's own.
    pub role: String,
    /// What it is limited to.
    pub scope: GrantScope,
    /// Limited to these; empty: all.
    pub domains: Vec<Domain>,
    /// From when; null: from ever.
    pub from: Option<Timestamp>,
    /// Until when; null: until it is taken.
    pub to: Option<Timestamp>,
    /// Who gave it; null for the first ones.
    pub granted_by: Option<String>,
}

/// What a grant is limited to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantScope {
    /// What sort of record, or the deployment.
    pub kind: ScopeKind,
    /// That record: its id, or a shop's or organization's code, or a customer's
    /// number. Null for the deployment.
    #[serde(default)]
    pub id: Option<String>,
    /// Its name; only in answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `POST /v1/users`. It cannot sign in before it has a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// 3 to 60 characters, unique; upper and lower case are the same.
    #[schemars(length(min = lengths::SHORTEST_USERNAME, max = lengths::USERNAME))]
    pub username: String,
    /// Staff, customer or program.
    pub kind: UserKind,
    /// The rest.
    #[serde(flatten)]
    pub details: AccountDetails,
}

/// What can be said of a user. What is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountDetails {
    /// Given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::NAME))]
    pub first: Option<String>,
    /// Family name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = lengths::NAME))]
    pub last: Option<String>,
    /// Where mail goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// As written here, or with +.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// The code of the shop a session starts in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<String>,
    /// Anything but active ends its sessions at once (I-4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<UserState>,
}

/// `PATCH /v1/users/{id}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountChange {
    /// What is to be changed.
    #[serde(flatten)]
    pub details: AccountDetails,
}

/// `POST /v1/users/{id}/grants`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGrant {
    /// A template, or a role of the dealer's own.
    pub role: String,
    /// What it is limited to.
    pub scope: GrantScope,
    /// Limited to these; empty: all.
    #[serde(default)]
    pub domains: Vec<Domain>,
    /// From when.
    #[serde(default, deserialize_with = "super::moment::optional", skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Until when.
    #[serde(default, deserialize_with = "super::moment::optional", skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

/// A sign-in that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpenSession {
    /// Its id; not its token.
    pub id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to within a few minutes.
    pub used_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
    /// The address it began from.
    pub came_from: Option<String>,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// A role as an administrator sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleView {
    /// What grants name it by.
    pub key: String,
    /// As people say it.
    pub name: String,
    /// Whether it ships with the program: then it can be copied, not edited.
    pub system: bool,
    /// What it was copied from.
    pub copied_from: Option<String>,
    /// Who may hold it.
    pub audience: UserKind,
    /// Each permission that it grants: `yes`, `own`, `basic` or `configurable`.
    pub permissions: BTreeMap<String, String>,
    /// Counts up with every change; 0 for those that ship.
    pub version: i64,
}

/// `POST /v1/roles`: a copy to be edited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// The role to copy.
    pub copy_of: String,
    /// 3 to 60 small letters, digits and underscores, unique.
    #[schemars(length(min = lengths::SHORTEST_USERNAME, max = lengths::USERNAME))]
    pub key: String,
    /// As people say it.
    #[schemars(length(min = 1, max = lengths::NAME))]
    pub name: String,
}

/// `PATCH /v1/roles/{key}`: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleChange {
    /// As people say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = lengths::NAME))]
    pub name: Option<String>,
    /// Permissions to change: `yes`, `no`, `own` or `basic`.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::permission::Permission;

    #[test]
    fn s2_2_every_permission_belongs_to_a_domain() {
        for permission in Permission::all() {
            assert!(Domain::named(permission.domain()).is_some(), "{permission} is of {:?}", permission.domain());
        }
        assert_eq!(Permission::named("person.manage").domain(), "setup", "3.2");
    }
}

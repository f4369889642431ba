//! Customers' people: contacts, what they play in the company, what they may
//! manage, and how far their access goes (S1, S4).

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access_level::AccessLevel;
use super::ids::{ConsentId, ContactId, CustomerId, UserId};
use super::lengths;
use super::named::words;

words! {
    /// A person, or a department without a personal name (S4-3).
    pub enum ContactKind {
        /// Somebody.
        Person = "person",
        /// Such as accounts payable.
        Department = "department",
    }
}

words! {
    /// What a contact plays in the company: routes messages, gives no access
    /// (S1-2, S1-10, C-7).
    pub enum ContactRole {
        /// Planned works, faults, upgrades.
        Technical = "technical",
        /// Prices and news; not the invoices themselves (C-8).
        Billing = "billing",
        /// Events and products.
        Commercial = "commercial",
        /// Drives the machines.
        Driver = "driver",
        /// Operates them.
        Operator = "operator",
        /// Owns the company.
        Owner = "owner",
    }
}

words! {
    /// Which parts of the portal a contact manages (S1-3).
    pub enum PortalRight {
        /// None.
        None = "none",
        /// Everything, and the contacts (S1-4).
        PortalAdministrator = "portal_administrator",
        /// Connected services, deliveries and installations (S1-7).
        FleetAdministrator = "fleet_administrator",
        /// Deliveries, installations, open processes (S1-8).
        InsightUser = "insight_user",
    }
}

impl PortalRight {
    /// Whether it wants a portal administrator above it (C-5).
    #[must_use]
    pub const fn is_below_an_administrator(self) -> bool {
        matches!(self, Self::FleetAdministrator | Self::InsightUser)
    }
}

words! {
    /// The role of a contact on the platform (S0).
    pub enum PlatformRole {
        /// None.
        None = "none",
        /// Accounts and fleet together.
        Executive = "executive",
        /// Money.
        Accounts = "accounts",
        /// Machines.
        Fleet = "fleet",
    }
}

/// A contact of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// Its customer.
    pub customer_id: CustomerId,
    /// Given name; empty for a department.
    pub first: String,
    /// Family name, or the department's.
    pub last: String,
    /// In E.164.
    pub phone: Option<String>,
    /// What only those see who may see contacts in full.
    #[serde(flatten)]
    pub more: Option<ContactMore>,
}

impl Contact {
    /// The person's whole name, or the department's.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.first, self.last).trim().to_owned()
    }
}

/// The rest of a contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContactMore {
    /// Person or department.
    pub kind: ContactKind,
    /// How to address them.
    pub salutation: Option<String>,
    /// What they do.
    pub job_title: Option<String>,
    /// Where mail goes.
    pub email: Option<String>,
    /// In E.164.
    pub mobile: Option<String>,
    /// What they play in the company.
    pub roles: Vec<ContactRole>,
    /// How far access goes at most.
    pub access_level: AccessLevel,
    /// What they manage.
    pub right: PortalRight,
    /// Their role on the platform.
    pub platform_role: PlatformRole,
    /// Whether invoices are mailed to them.
    pub receives_invoices: bool,
    /// Whether statements are mailed to them.
    pub receives_statements: bool,
    /// The first one to call.
    pub primary: bool,
    /// Whether they still are a contact: none is ever deleted.
    pub active: bool,
    /// The name to sign in with.
    pub username: Option<String>,
    /// Whether a password was ever given; without one nobody signs in.
    pub has_password: bool,
    /// Who named them: gave the right or the role, or let them in first (S1-5).
    pub designated_by: Option<String>,
    /// Counts up with every change.
    pub version: i64,
}

/// What can be said of a contact: `POST /v1/customers/{id}/contacts` and
/// `PATCH /v1/contacts/{id}`. What is absent stays; an empty text clears.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContactDetails {
    /// Person unless said; fixed once it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<ContactKind>,
    /// Given name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::NAME))]
    pub first: Option<String>,
    /// Family name, or the department's; required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = lengths::NAME))]
    pub last: Option<String>,
    /// How to address them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::NAME))]
    pub salutation: Option<String>,
    /// What they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::NAME))]
    pub job_title: Option<String>,
    /// Where mail goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// As written here, or with +.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// As written here, or with +.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile: Option<String>,
    /// The first one to call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub primary: Option<bool>,
    /// Whether invoices are mailed to them (S1-12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receives_invoices: Option<bool>,
    /// Whether statements are mailed to them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receives_statements: Option<bool>,
    /// False takes them out; they are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Needs `contact.role.manage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<ContactRole>>,
    /// Needs `contact.rights.manage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub right: Option<PortalRight>,
    /// Needs `contact.rights.manage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_role: Option<PlatformRole>,
    /// Needs `contact.credential.manage`. Whoever has none gets `full` with the
    /// first user name unless something else is said here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_level: Option<AccessLevel>,
    /// Needs `contact.credential.manage`; 3 to 60 characters, unique (S4-11).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::USERNAME))]
    pub username: Option<String>,
}

/// A generated password, shown this once (S4-12).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratedPassword {
    /// The name to sign in with.
    pub username: String,
    /// To be changed at the first sign-in.
    pub password: String,
}

impl fmt::Debug for GeneratedPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GeneratedPassword").field("username", &self.username).finish_non_exhaustive()
    }
}

/// A link that was mailed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinkSent {
    /// Where it went.
    pub email: String,
    /// Until when it works, once.
    pub ends_at: Timestamp,
}

/// A customer lets the dealer's people act for it (S1-14).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Consent {
    /// Its id.
    pub id: ConsentId,
    /// The customer.
    pub customer_id: CustomerId,
    /// The template whose rights the customer grants.
    pub role: String,
    /// Who of the customer said so.
    pub given_by: String,
    /// From when.
    pub from: Timestamp,
    /// Until when; null: until it is taken back.
    pub to: Option<Timestamp>,
    /// Who wrote it down.
    pub recorded_by: UserId,
}

/// `POST /v1/customers/{id}/consents`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewConsent {
    /// A template of customers' people, such as `executive`.
    pub role: String,
    /// Who of the customer said so.
    #[schemars(length(min = 1, max = lengths::NAME))]
    pub given_by: String,
    /// Until when; absent: until it is taken back.
    #[serde(default, deserialize_with = "super::moment::optional", skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
}

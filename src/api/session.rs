//! Signing in, and what a session may do.

use std::collections::BTreeMap;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{ContactId, CustomerId, ShopId, UserId};
use super::lengths;
use super::named::words;
use super::page::{CodeRef, CustomerRef};
use super::permission::{Permission, PermissionSet};
use super::role::Limit;

/// `POST /v1/sessions`.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// Upper and lower case are the same.
    pub username: String,
    /// As it was set.
    pub password: String,
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").field("username", &self.username).finish_non_exhaustive()
    }
}

/// The answer: the token is shown this once and kept hashed.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
pub struct SignedIn {
    /// For `Authorization: Bearer`.
    pub token: String,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
    /// Whether the password has to be changed first.
    pub must_change_password: bool,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignedIn").field("expires_at", &self.expires_at).finish_non_exhaustive()
    }
}

/// `PUT /v1/session/password`.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The present one.
    pub current: String,
    /// The new one: 8 to 256 characters, none of the first that anybody tries.
    #[schemars(length(min = lengths::SHORTEST_PASSWORD, max = lengths::PASSWORD))]
    pub new: String,
}

impl std::fmt::Debug for PasswordChange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordChange").finish_non_exhaustive()
    }
}

/// What sort of user it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserKind {
    /// The dealer's people.
    Staff,
    /// A customer's people.
    Customer,
    /// A program.
    ServiceAccount,
    /// A shop workstation.
    Kiosk,
}

impl UserKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Staff, Self::Customer, Self::ServiceAccount, Self::Kiosk];

    /// The name in the database and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Customer => "customer",
            Self::ServiceAccount => "service_account",
            Self::Kiosk => "kiosk",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Customers and kiosks see portal-enabled organizations only (8.2), get
    /// no override (M-14), and are never told why an asset is not found (S2-9).
    #[must_use]
    pub const fn is_outside(self) -> bool {
        matches!(self, Self::Customer | Self::Kiosk)
    }
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The name to sign in with.
    pub username: String,
    /// The person's name.
    pub name: String,
    /// Given name, for forms.
    pub first: String,
    /// Family name, for forms.
    pub last: String,
    /// For forms and answers.
    pub email: Option<String>,
    /// In E.164.
    pub phone: Option<String>,
    /// Staff, customer, kiosk or program.
    pub kind: UserKind,
    /// The role templates held.
    pub roles: Vec<String>,
}

/// The shop one works in at the moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CurrentShop {
    /// The shop.
    #[serde(flatten)]
    pub shop: CodeRef<ShopId>,
    /// Its country, by which numbers and states are read.
    pub country: String,
    /// Its time zone, in which times are shown.
    pub time_zone: String,
}

/// How far a grant reaches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ScopeView {
    /// The role this scope belongs to.
    pub role: String,
    /// `deployment`, `shop`, `organization` or `customer`.
    pub kind: String,
    /// The record's id; null for the deployment.
    pub id: Option<String>,
    /// The record's name; null for the deployment.
    pub name: Option<String>,
}

/// `GET /v1/session`: all that a terminal needs to grey by (G-2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Session {
    /// Who is signed in.
    pub user: User,
    /// The current shop; customers' people have none.
    pub shop: Option<CurrentShop>,
    /// The current customer of a customer's person, or the one acted for.
    pub customer: Option<CustomerRef>,
    /// How somebody of the dealer's stands in for a customer just now.
    #[serde(default)]
    pub acting: Option<Acting>,
    /// The grants with their scopes.
    pub scopes: Vec<ScopeView>,
    /// Every permission granted, limited or not.
    pub permissions: Vec<Permission>,
    /// Those granted with a limit: `own` or `basic`.
    pub limits: BTreeMap<String, Limit>,
    /// Changes when roles or grants do.
    pub policy_version: String,
    /// When the session ends if nothing is done.
    pub expires_at: Timestamp,
    /// How long it may stand idle, in seconds: then a workshop terminal forgets.
    #[serde(default)]
    pub idle_seconds: i64,
    /// Whether nothing else is allowed before the password was changed.
    #[serde(default)]
    pub must_change_password: bool,
    /// Names the database behind the server; another one after a backup was
    /// restored. What was sent before may not be there then.
    #[serde(default)]
    pub lineage: String,
}

impl Session {
    /// The permissions as a set.
    #[must_use]
    pub fn granted(&self) -> PermissionSet {
        self.permissions.iter().copied().collect()
    }
}

/// Somebody of the dealer's in the place of a customer's person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Acting {
    /// Acting, or only looking.
    pub way: ActingWay,
    /// The customer.
    pub customer: CustomerRef,
    /// The contact through whose eyes one looks.
    pub contact: Option<String>,
    /// False once the customer took its word back, or one may not act for it
    /// any more: nothing is allowed then but to stop.
    pub allowed: bool,
}

words! {
    /// How somebody stands in for a customer.
    pub enum ActingWay {
        /// Working on its behalf, within the rights that it grants (S1-14).
        OnBehalf = "on_behalf",
        /// Looking through a contact's eyes; nothing can be changed.
        ViewAs = "view_as",
    }
}

/// `PUT /v1/session/acting`: one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewActing {
    /// The customer to work for; it must have given its consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// The contact to look through the eyes of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<ContactId>,
}

/// `POST /v1/password-links`: what a mailed link lets its holder do, once.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkedPassword {
    /// From the link.
    pub code: String,
    /// 8 to 256 characters, none of the first that anybody tries.
    #[schemars(length(min = lengths::SHORTEST_PASSWORD, max = lengths::PASSWORD))]
    pub new: String,
}

impl std::fmt::Debug for LinkedPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkedPassword").finish_non_exhaustive()
    }
}

/// `PATCH /v1/session`: work in another shop, or look at another of one's
/// customers. One of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionChange {
    /// A shop's id or code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<String>,
    /// A customer's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
}

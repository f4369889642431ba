//! Customers: search, one record, creating, changing, the dealer-system number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{CustomerId, ShopId};
use super::lengths;
use super::page::{CodeRef, MAX_LIMIT};
pub use crate::rules::customer_search::{Field, MAX_QUERY, MIN_QUERY, SearchBy};

/// Local customers belong to one shop; fleets are shared by many (S3-20).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CustomerKind {
    /// Owned by one shop.
    #[default]
    Local,
    /// A company of its own, linked to shops.
    Fleet,
}

impl CustomerKind {
    /// The name in the database, in JSON and in CSV.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Fleet => "fleet",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Local, Self::Fleet].into_iter().find(|kind| kind.name() == name)
    }
}

/// `GET /v1/customers`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerQuery {
    /// 3 to 100 characters.
    #[serde(default)]
    #[schemars(length(min = MIN_QUERY))]
    pub q: String,
    /// Where to look.
    #[serde(default)]
    pub by: SearchBy,
    /// Rows per page: 50 unless said, at most 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
    /// Where the last page ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(pattern("^[A-Za-z0-9_-]+$"))]
    pub cursor: Option<String>,
}

/// A search hit (S3-6). A role with basic fields gets id, name, city, phone.
/// Whoever answers borrows the texts (`S`) from where they stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CustomerHit")]
pub struct CustomerHit<S = String> {
    /// The customer's id.
    pub id: CustomerId,
    /// Its name.
    pub name: S,
    /// Its city.
    pub city: Option<S>,
    /// In E.164.
    pub phone: Option<S>,
    /// What basic roles do not get.
    #[serde(flatten)]
    pub more: Option<HitMore<S>>,
    /// The fields in which the text was found.
    pub matched: Vec<Field>,
    /// One edit away from what was typed.
    pub near_miss: bool,
}

/// The rest of a hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "HitMore")]
pub struct HitMore<S = String> {
    /// At the session's shop, else the first.
    pub number: Option<S>,
    /// Local or fleet.
    pub kind: CustomerKind,
    /// The part after the hyphen: `TX`.
    pub state: Option<S>,
    /// Two letters.
    pub country: Option<S>,
    /// As written.
    pub postal_code: Option<S>,
}

/// The state of a dealer-system number (2.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberState {
    /// None yet.
    Blank,
    /// Entered, not compared with the dealer's system.
    Unverified,
    /// Compared and right.
    Verified,
    /// Compared and wrong.
    Rejected,
}

impl NumberState {
    /// The name in the database and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Unverified => "unverified",
            Self::Verified => "verified",
            Self::Rejected => "rejected",
        }
    }

    /// The state of that name; what is unknown counts as unverified.
    #[must_use]
    pub fn named(name: &str) -> Self {
        [Self::Blank, Self::Verified, Self::Rejected].into_iter().find(|state| state.name() == name).unwrap_or(Self::Unverified)
    }
}

/// A customer at a shop (S3-25).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerLink {
    /// The shop.
    pub shop: CodeRef<ShopId>,
    /// The number in the dealer's business system.
    pub number: Option<String>,
    /// What is known about that number.
    pub number_state: NumberState,
    /// The business system it belongs to.
    pub business_system: String,
    /// Shown on top of every job.
    pub alert_note: Option<String>,
    /// Whether orders need a purchase order number.
    pub po_required: bool,
}

/// One customer. A role with basic fields gets id, name, city, phone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Customer {
    /// The customer's id.
    pub id: CustomerId,
    /// Its name, at most 100 characters.
    pub name: String,
    /// Its city.
    pub city: Option<String>,
    /// In E.164.
    pub phone: Option<String>,
    /// What basic roles do not get.
    #[serde(flatten)]
    pub more: Option<CustomerMore>,
}

/// The rest of a customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerMore {
    /// At the session's shop, else the first.
    pub number: Option<String>,
    /// Local or fleet.
    pub kind: CustomerKind,
    /// Street and number.
    pub address1: Option<String>,
    /// Second line.
    pub address2: Option<String>,
    /// The part after the hyphen: `TX`.
    pub state: Option<String>,
    /// As written.
    pub postal_code: Option<String>,
    /// Two letters.
    pub country: Option<String>,
    /// 1 to 10 digits.
    pub extension: Option<String>,
    /// In E.164.
    pub fax: Option<String>,
    /// At most 128 characters.
    pub email: Option<String>,
    /// Active, inactive, prospect or cash.
    pub status: String,
    /// Free text.
    pub notes: Option<String>,
    /// The owner of a local customer.
    pub shop: Option<CodeRef<ShopId>>,
    /// Its shops with its number at each.
    pub links: Vec<CustomerLink>,
    /// For `If-Match`.
    pub version: i64,
}

impl CustomerMore {
    /// Its number at a shop.
    #[must_use]
    pub fn number_at(&self, shop: Option<ShopId>) -> Option<&str> {
        self.links.iter().find(|link| Some(link.shop.id) == shop)?.number.as_deref()
    }
}

/// `POST /v1/customers`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCustomer {
    /// Required, at most 100 characters.
    #[serde(default)]
    #[schemars(length(min = 1, max = lengths::NAME))]
    pub name: String,
    /// Required unless the shop's business system numbers customers (S3-12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::CODE))]
    pub number: Option<String>,
    /// Local unless said.
    #[serde(default)]
    pub kind: CustomerKind,
    /// Id or code; the session's shop unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<String>,
    /// Address, telephone and the like.
    #[serde(flatten)]
    pub details: CustomerDetails,
    /// Save although others look the same (S3-7).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirm_duplicate: bool,
}

/// `PATCH /v1/customers/{id}`: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerChange {
    /// The new name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = lengths::NAME))]
    pub name: Option<String>,
    /// Address, telephone and the like.
    #[serde(flatten)]
    pub details: CustomerDetails,
}

/// What may be said about a customer beside name and number; an empty text
/// or null clears a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CustomerDetails {
    /// Street and number, at most 100 characters.
    #[serde(default, deserialize_with = "null_clears", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::NAME))]
    pub address1: Option<String>,
    /// Second line, at most 100 characters.
    #[serde(default, deserialize_with = "null_clears", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::NAME))]
    pub address2: Option<String>,
    /// At most 100 characters.
    #[serde(default, deserialize_with = "null_clears", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::NAME))]
    pub city: Option<String>,
    /// `TX` or the state's name.
    #[serde(default, deserialize_with = "null_clears", skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// At most 20 characters.
    #[serde(default, deserialize_with = "null_clears", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::POSTAL_CODE))]
    pub postal_code: Option<String>,
    /// Two letters or the country's name.
    #[serde(default, deserialize_with = "null_clears", skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// With `+`, or as the shop's country writes it.
    #[serde(default, deserialize_with = "null_clears", skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// 1 to 10 digits.
    #[serde(default, deserialize_with = "null_clears", skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// As `phone`.
    #[serde(default, deserialize_with = "null_clears", skip_serializing_if = "Option::is_none")]
    pub fax: Option<String>,
    /// At most 128 characters.
    #[serde(default, deserialize_with = "null_clears", skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Free text, at most 1,000 characters.
    #[serde(default, deserialize_with = "null_clears", skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::REMARK))]
    pub notes: Option<String>,
}

/// A null means the same as an empty text: clear the field.
fn null_clears<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Some(Option::deserialize(deserializer)?.unwrap_or_default()))
}

/// `PUT /v1/customers/{id}/number`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberChange {
    /// Id or code; the session's shop unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<String>,
    /// 1 to 40 characters; empty or null clears it.
    #[serde(default)]
    #[schemars(length(max = lengths::CODE))]
    pub number: Option<String>,
}

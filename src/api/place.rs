//! Shops, organizations and the services that can be asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{CustomerId, OrganizationId, ShopId};
use super::lengths;
use super::page::CustomerRef;

/// A dealer location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shop {
    /// Its id.
    pub id: ShopId,
    /// Its code, unique.
    pub code: String,
    /// Its name.
    pub name: String,
    /// IANA time zone.
    pub time_zone: String,
    /// Two letters (ISO 3166-1).
    pub country: String,
    /// Whether it takes service requests.
    pub accepts_requests: bool,
    /// Counts up with every change.
    pub version: i64,
}

/// `POST /v1/shops`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShop {
    /// 1 to 40 characters, unique.
    #[schemars(length(min = 1, max = lengths::CODE))]
    pub code: String,
    /// Its name.
    #[schemars(length(min = 1, max = lengths::NAME))]
    pub name: String,
    /// IANA time zone.
    pub time_zone: String,
    /// Two letters (ISO 3166-1).
    pub country: String,
}

/// `PATCH /v1/shops/{id}`: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShopChange {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = lengths::NAME))]
    pub name: Option<String>,
    /// IANA time zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Two letters (ISO 3166-1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Whether it takes service requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepts_requests: Option<bool>,
}

/// An owner of assets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// Its code, unique.
    pub code: String,
    /// Its name.
    pub name: String,
    /// The customer it belongs to.
    pub customer: Option<CustomerRef>,
    /// Whether customers' people and kiosks may see its assets (S2-3).
    pub portal_enabled: bool,
    /// Counts up with every change.
    pub version: i64,
}

/// `POST /v1/organizations`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrganization {
    /// 1 to 40 characters, unique.
    #[schemars(length(min = 1, max = lengths::CODE))]
    pub code: String,
    /// Its name.
    #[schemars(length(min = 1, max = lengths::NAME))]
    pub name: String,
    /// The customer it belongs to; the dealer's own stock has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// Whether customers' people and kiosks may see its assets (S2-3); yes
    /// unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portal_enabled: Option<bool>,
}

/// `PATCH /v1/organizations/{id}`: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationChange {
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = lengths::NAME))]
    pub name: Option<String>,
    /// The customer it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// Whether customers' people and kiosks may see its assets (S2-3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub portal_enabled: Option<bool>,
}

/// `?all=`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceCodeQuery {
    /// Those that are switched off too (S2-5); otherwise only those that can be
    /// asked for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub all: bool,
}

/// A pre-defined service (S2-43); sent, it adds or renames one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ServiceCode {
    /// Its code, unique.
    #[schemars(length(min = 1, max = lengths::CODE))]
    pub code: String,
    /// What it is.
    #[schemars(length(min = 1, max = lengths::NAME))]
    pub name: String,
}

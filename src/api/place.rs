//! Shops, organizations and the services that can be asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{OrganizationId, ShopId};
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
}

/// A pre-defined service (S2-43).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceCode {
    /// Its code, unique.
    pub code: String,
    /// What it is.
    pub name: String,
}

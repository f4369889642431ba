//! Assets: look-up, the asset with its sections, identification.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{AssetId, OrganizationId};
use super::lengths;
use super::page::{CodeRef, CustomerRef};
use super::permission::Permission;

/// How a look-up found an asset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MatchedBy {
    /// Its asset (unit) number.
    AssetNumber,
    /// A plate it carries now.
    Plate,
    /// Its whole VIN or serial.
    Vin,
    /// The last 6 to 8 characters of its VIN (S3-30, trap 1).
    VinTail,
    /// A plate it once carried.
    FormerPlate,
    /// A look-alike: O for 0, I for 1 (trap 15).
    Similar,
}

impl MatchedBy {
    /// How a person at the counter says it.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::AssetNumber => "number",
            Self::Plate => "plate",
            Self::Vin => "VIN",
            Self::VinTail => "end of VIN",
            Self::FormerPlate => "former plate",
            Self::Similar => "similar",
        }
    }
}

/// Whether an asset can be worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssetStatus {
    /// In use.
    Active,
    /// At the dealer's.
    InShop,
    /// Standing.
    OutOfService,
    /// No longer served.
    Closed,
    /// Sold or scrapped.
    Disposed,
}

impl AssetStatus {
    /// Every status.
    pub const ALL: [Self; 5] = [Self::Active, Self::InShop, Self::OutOfService, Self::Closed, Self::Disposed];

    /// The name in the database, in JSON and in CSV.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::InShop => "in_shop",
            Self::OutOfService => "out_of_service",
            Self::Closed => "closed",
            Self::Disposed => "disposed",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Closed and disposed assets take no requests (S2-32).
    #[must_use]
    pub const fn takes_requests(self) -> bool {
        !matches!(self, Self::Closed | Self::Disposed)
    }
}

/// `GET /v1/assets/lookup`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LookupQuery {
    /// Asset number, plate, VIN, or the last 6 to 8 characters of the VIN.
    #[serde(default)]
    #[schemars(length(min = 1, max = lengths::TAG))]
    pub tag: String,
    /// Only in this organization (its code).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
}

/// What every role that may look assets up gets (G-9): enough to know which
/// machine it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AssetHeader {
    /// The asset's id.
    pub id: AssetId,
    /// Its number within the organization.
    pub asset_number: String,
    /// Its owner.
    pub organization: CodeRef<OrganizationId>,
    /// Model year.
    pub year: Option<i64>,
    /// Maker.
    pub make: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Active, in shop, disposed …
    pub status: AssetStatus,
    /// What only roles that may see the identification get.
    #[serde(flatten)]
    pub more: Option<HeaderMore>,
}

/// The part of a header that identifies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HeaderMore {
    /// The customer it belongs to.
    pub customer: Option<CustomerRef>,
    /// The plate it carries.
    pub plate: Option<String>,
    /// That plate's state.
    pub plate_state: Option<String>,
    /// Free text: `PICKUP 4X4`.
    pub description: Option<String>,
}

/// One hit of a look-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LookupHit {
    /// The asset.
    pub asset: AssetHeader,
    /// How it was found.
    pub matched_by: MatchedBy,
}

/// All hits of a look-up; nothing is chosen for the person (S2-8).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LookupAnswer {
    /// Exact hits; only when there are none, similar ones.
    pub items: Vec<LookupHit>,
}

/// The identification section (S2-20).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Identification {
    /// Its number within the organization.
    pub asset_number: String,
    /// Its owner.
    pub organization: CodeRef<OrganizationId>,
    /// The customer it belongs to.
    pub customer: Option<CustomerRef>,
    /// Vehicle identification number.
    pub vin: Option<String>,
    /// What is odd about the VIN; a hint, for the check digit binds in North
    /// America only.
    pub vin_hint: Option<String>,
    /// Serial number or PIN.
    pub serial: Option<String>,
    /// The plate it carries.
    pub plate: Option<String>,
    /// That plate's state.
    pub plate_state: Option<String>,
    /// That plate's country.
    pub plate_country: Option<String>,
    /// Plates it once carried.
    pub former_plates: Vec<String>,
    /// Model year.
    pub year: Option<i64>,
    /// Maker.
    pub make: Option<String>,
    /// Model.
    pub model: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Class of machine.
    pub class: Option<String>,
    /// Active, in shop, disposed …
    pub status: AssetStatus,
    /// Colour.
    pub colour: Option<String>,
    /// Department at the owner's.
    pub department: Option<String>,
    /// For `If-Match`.
    pub version: i64,
}

/// A section of a composite answer: its data, or why not (G-1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Section<T> {
    /// What the role may not see never leaves the server.
    Denied {
        /// Always `denied`.
        access: Denied,
        /// The permissions that are missing.
        missing: Vec<Permission>,
    },
    /// The section's data.
    Data(T),
}

/// The word `denied`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Denied {
    /// The only word.
    Denied,
}

/// `GET /v1/assets/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Asset {
    /// Which machine it is.
    #[serde(flatten)]
    pub header: AssetHeader,
    /// For `If-Match`.
    pub version: i64,
    /// Its sections.
    pub sections: Sections,
}

/// The sections of an asset, each behind its own permission.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sections {
    /// Needs `asset.identification.view`.
    pub identification: Section<Identification>,
    /// Needs `meter.view`.
    pub meters: Section<Vec<super::meter::Meter>>,
    /// Needs `service_request.view`.
    pub service_requests: Section<Vec<super::service::ServiceRequest>>,
    /// Needs `repair.pending.view`.
    pub repairs: Section<Vec<super::service::Repair>>,
}

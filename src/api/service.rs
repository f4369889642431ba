//! Service requests and repairs.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{AssetId, CustomerId, OrganizationId, RepairId, RequestId, ShopId};
use super::lengths;
use super::page::{CodeRef, CustomerRef, MAX_LIMIT};
use super::place::ServiceCode;
use crate::rules::meter::Unit;
use crate::rules::request::RequestStatus;

/// The most services of one request.
pub const MOST_LINES: usize = 50;

/// Who asks, or whom to call (S2-41).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Caller {
    /// Given name.
    #[serde(default)]
    #[schemars(length(max = lengths::CALLER))]
    pub first: String,
    /// Family name.
    #[serde(default)]
    #[schemars(length(max = lengths::CALLER))]
    pub last: String,
    /// Gets the notifications.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// In E.164, or as the shop's country writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// 1 to 10 digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
}

impl Caller {
    /// Whether nothing was filled in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// One wanted service as it comes in: a code or free text (S2-43).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewLine {
    /// A pre-defined service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_code: Option<String>,
    /// Any other service, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = lengths::OTHER_SERVICE))]
    pub other_text: Option<String>,
}

/// `POST /v1/assets/{id}/service-requests`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRequest {
    /// Id or code; the session's shop unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shop: Option<String>,
    /// 1 down … 4 when convenient; 3 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 4))]
    pub urgency: Option<i64>,
    /// What is wrong, at most 6,000 characters. This or a service is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::COMPLAINT))]
    pub complaint: Option<String>,
    /// The wanted services.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = MOST_LINES))]
    pub lines: Vec<NewLine>,
    /// Who asks; the signed-in person unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requester: Option<Caller>,
    /// Whom the shop can call about the machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driver: Option<Caller>,
    /// Purchase order number, at most 40 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::CODE))]
    pub po_number: Option<String>,
    /// Authorization number, at most 40 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::CODE))]
    pub authorization_number: Option<String>,
    /// Note for the shop, at most 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = lengths::REMARK))]
    pub note: Option<String>,
    /// Ask although a service is outstanding already (S2-45).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confirm_duplicate: bool,
}

/// `POST /v1/service-requests`: for roles that may ask but not look (G-10).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRequestByUnit {
    /// Asset number or plate.
    #[schemars(length(min = 1, max = lengths::TAG))]
    pub unit_number: String,
    /// The organization's code, where the number alone is not enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// The rest of the request.
    #[serde(flatten)]
    pub request: NewRequest,
}

/// The answer to a request by unit number: nothing of the asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestAccepted {
    /// The request's id.
    pub id: RequestId,
    /// Its number.
    pub number: String,
}

/// The asset a request is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AssetRef {
    /// Its id.
    pub id: AssetId,
    /// Its number.
    pub asset_number: String,
    /// Its maker.
    pub make: Option<String>,
    /// Its model.
    pub model: Option<String>,
}

/// One wanted service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestLine {
    /// The pre-defined service.
    pub service_code: Option<ServiceCode>,
    /// Or free text.
    pub other_text: Option<String>,
}

impl RequestLine {
    /// The service as people say it.
    #[must_use]
    pub fn in_words(&self) -> &str {
        self.service_code.as_ref().map_or_else(|| self.other_text.as_deref().unwrap_or_default(), |code| &code.name)
    }
}

/// The meter at the time of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeterAt {
    /// `kind` or `kind.component`.
    pub meter: String,
    /// What it showed, with decimals.
    pub value: String,
    /// Its unit.
    pub unit: Unit,
    /// Not read at that time but the nearest valid reading (M-16).
    pub estimated: bool,
}

/// A service request (2.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceRequest {
    /// Its id.
    pub id: RequestId,
    /// Its number: `SR-26-000123`.
    pub number: String,
    /// The machine; absent for roles that may not look assets up (G-10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asset: Option<AssetRef>,
    /// The machine's owner; absent as `asset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization: Option<CodeRef<OrganizationId>>,
    /// Who pays; absent as `asset`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerRef>,
    /// Who does it.
    pub shop: CodeRef<ShopId>,
    /// Where it stands.
    pub status: RequestStatus,
    /// 1 down … 4 when convenient.
    pub urgency: i64,
    /// What is wrong.
    pub complaint: Option<String>,
    /// The wanted services.
    pub lines: Vec<RequestLine>,
    /// Who asked.
    pub requester: Caller,
    /// Whom to call about the machine.
    pub driver: Option<Caller>,
    /// Purchase order number.
    pub po_number: Option<String>,
    /// Authorization number.
    pub authorization_number: Option<String>,
    /// Note for the shop.
    pub note: Option<String>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// Counter, portal, kiosk, import …
    pub source: String,
    /// Why it was cancelled.
    pub cancel_reason: Option<String>,
    /// Why the shop declined.
    pub decline_reason: Option<String>,
    /// The primary meter at that time; absent for roles without `meter.view`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meter: Option<MeterAt>,
    /// For `If-Match`.
    pub version: i64,
}

/// `GET /v1/service-requests`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequestQuery {
    /// Only in this state; `outstanding` for the four of S2-21.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Only of this customer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<CustomerId>,
    /// Rows per page: 50 unless said, at most 200.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = MAX_LIMIT))]
    pub limit: Option<u32>,
    /// Where the last page ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(pattern("^[A-Za-z0-9_-]+$"))]
    pub cursor: Option<String>,
}

/// A known defect: open = on an active work order, pending = not yet (S2-22).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Repair {
    /// Its id.
    pub id: RepairId,
    /// `open` or `pending`.
    pub state: RepairState,
    /// What is to be done.
    pub description: String,
    /// Why.
    pub reason: Option<String>,
    /// Free text: `waiting for parts`.
    pub status: Option<String>,
    /// Who does it.
    pub shop: Option<CodeRef<ShopId>>,
    /// When it was found.
    pub found_at: Timestamp,
}

/// Whether a repair is on a work order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RepairState {
    /// On an active work order.
    Open,
    /// Known, on none.
    Pending,
}

impl RepairState {
    /// The name in the database, in JSON and in CSV.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Pending => "pending",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Open, Self::Pending].into_iter().find(|state| state.name() == name)
    }
}

/// `GET /v1/assets/{id}/repairs`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RepairQuery {
    /// Only open, or only pending ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<RepairState>,
}

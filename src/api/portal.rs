//! What the dealer sets for customers and workshop terminals: the portal's
//! settings, and the devices that work without a sign-in (S2-3 … S2-5).

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ids::{KioskId, ShopId};
use super::lengths;
use super::page::CodeRef;
use super::permission::Permission;

/// The shortest time after which a workshop terminal forgets, in seconds.
pub const SHORTEST_IDLE: i64 = 10;
/// The longest.
pub const LONGEST_IDLE: i64 = 3_600;

/// The portal's settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PortalSettings {
    /// Whether customers and workshop terminals get in at all (S4-1).
    pub enabled: bool,
    /// Whether a workshop terminal needs somebody to sign in (S2-4).
    pub login_required: bool,
    /// Whether loaner vehicles are offered (S2-5).
    pub offers_loaner: bool,
    /// Whether work orders may be printed (S2-5).
    pub allows_printing: bool,
    /// Configurable permissions of the portal user that are switched off here.
    pub switched_off: Vec<Permission>,
    /// Codes of pre-defined services that nobody can ask for any more (S2-5).
    /// Requests that have them keep them.
    #[serde(default)]
    pub services_off: Vec<String>,
}

impl Default for PortalSettings {
    fn default() -> Self {
        Self { enabled: true, login_required: false, offers_loaner: false, allows_printing: true, switched_off: Vec::new(), services_off: Vec::new() }
    }
}

/// `PATCH /v1/portal-settings`: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PortalChange {
    /// Whether customers and workshop terminals get in at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Whether a workshop terminal needs somebody to sign in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_required: Option<bool>,
    /// Whether loaner vehicles are offered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offers_loaner: Option<bool>,
    /// Whether work orders may be printed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allows_printing: Option<bool>,
    /// Configurable permissions of the portal user to switch off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switched_off: Option<Vec<Permission>>,
    /// Codes of pre-defined services to switch off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services_off: Option<Vec<String>>,
}

/// A workshop terminal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Kiosk {
    /// Its id.
    pub id: KioskId,
    /// What people call it.
    pub label: String,
    /// The shop it stands in.
    pub shop: CodeRef<ShopId>,
    /// Whether somebody has to sign in at it.
    pub login_required: bool,
    /// After how many seconds it forgets.
    pub idle_seconds: i64,
    /// What it may do, of what the kiosk template grants.
    pub allowed_actions: Vec<Permission>,
    /// Whether its token is still good.
    pub active: bool,
    /// Counts up with every change.
    pub version: i64,
}

/// `POST /v1/kiosks`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKiosk {
    /// What people call it; unique in its shop.
    #[schemars(length(min = 1, max = lengths::LABEL))]
    pub label: String,
    /// The shop's id or code.
    pub shop: String,
    /// The rest.
    #[serde(default)]
    pub settings: KioskChange,
}

/// `PATCH /v1/kiosks/{id}`: what is absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KioskChange {
    /// Whether somebody has to sign in at it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_required: Option<bool>,
    /// 10 to 3,600; 60 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = SHORTEST_IDLE, max = LONGEST_IDLE))]
    pub idle_seconds: Option<i64>,
    /// What it may do; everything of the kiosk template unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allowed_actions: Option<Vec<Permission>>,
    /// False ends its sessions at once; its token is good for nothing while it
    /// is. Where a token may be in wrong hands, `POST /v1/kiosks/{id}/token`
    /// gives it another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
}

/// A workshop terminal with its token, which is shown this once and kept hashed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EnrolledKiosk {
    /// The terminal.
    #[serde(flatten)]
    pub kiosk: Kiosk,
    /// For `POST /v1/kiosk-sessions`.
    pub device_token: String,
}

impl fmt::Debug for EnrolledKiosk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnrolledKiosk").field("kiosk", &self.kiosk).finish_non_exhaustive()
    }
}

/// `POST /v1/kiosk-sessions`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KioskSignIn {
    /// As `POST /v1/kiosks` gave it.
    pub device_token: String,
}

impl fmt::Debug for KioskSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KioskSignIn").finish_non_exhaustive()
    }
}

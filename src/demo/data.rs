//! The shapes of `assets/demo/demo.toml`. What is not named here is refused,
//! so that a misspelt field cannot be lost.

use serde::Deserialize;

const DATA: &str = include_str!("../../assets/demo/demo.toml");

/// Reads the shipped data.
pub(super) fn read() -> Result<Demo, toml::de::Error> {
    // By way of a table: these many shapes are then compiled once each, not
    // once for every way in which TOML may write a value.
    toml::from_str::<toml::Table>(DATA)?.try_into()
}

/// Everything in the file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Demo {
    pub(super) shop: Vec<Shop>,
    pub(super) service_code: Vec<ServiceCode>,
    pub(super) customer: Vec<Customer>,
    pub(super) organization: Vec<Organization>,
    pub(super) asset: Vec<Asset>,
    pub(super) user: Vec<User>,
    pub(super) contact: Vec<Contact>,
    pub(super) consent: Vec<Consent>,
    pub(super) kiosk: Vec<Kiosk>,
}

/// A dealer location.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Shop {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) time_zone: String,
    pub(super) country: String,
}

/// A pre-defined service.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServiceCode {
    pub(super) code: String,
    pub(super) name: String,
}

/// A customer with its shops.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Customer {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) address1: Option<String>,
    pub(super) address2: Option<String>,
    pub(super) city: Option<String>,
    pub(super) state: Option<String>,
    pub(super) postal_code: Option<String>,
    pub(super) country: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) extension: Option<String>,
    pub(super) fax: Option<String>,
    pub(super) email: Option<String>,
    pub(super) notes: Option<String>,
    pub(super) links: Vec<Link>,
}

/// A customer at a shop.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    pub(super) shop: String,
    pub(super) number: Option<String>,
    pub(super) number_state: Option<String>,
    pub(super) alert_note: Option<String>,
}

/// An owner of assets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Organization {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) customer: Option<String>,
    pub(super) portal_enabled: bool,
}

/// A machine with all that hangs on it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asset {
    pub(super) organization: String,
    pub(super) asset_number: String,
    pub(super) vin: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) year: Option<i64>,
    pub(super) make: Option<String>,
    pub(super) model: Option<String>,
    pub(super) description: Option<String>,
    pub(super) class: Option<String>,
    pub(super) status: Option<String>,
    pub(super) colour: Option<String>,
    pub(super) department: Option<String>,
    #[serde(default)]
    pub(super) plates: Vec<Plate>,
    #[serde(default)]
    pub(super) meter: Vec<Meter>,
    #[serde(default)]
    pub(super) request: Vec<Request>,
    #[serde(default)]
    pub(super) repair: Vec<Repair>,
}

/// A plate; with an end it is a former one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plate {
    pub(super) plate: String,
    pub(super) state: Option<String>,
    pub(super) country: Option<String>,
    pub(super) to_days_ago: Option<f64>,
}

/// A meter with its readings, the oldest first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Meter {
    pub(super) meter: String,
    pub(super) unit: String,
    pub(super) digits: u8,
    #[serde(default)]
    pub(super) primary: bool,
    pub(super) readings: Vec<Reading>,
    pub(super) replaced: Option<Replaced>,
}

/// What a dial showed.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reading {
    pub(super) days_ago: f64,
    pub(super) value: String,
    pub(super) source: Option<String>,
    /// Why it does not count.
    pub(super) void: Option<String>,
    pub(super) comment: Option<String>,
}

/// A new dial (M-6).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Replaced {
    pub(super) days_ago: f64,
    pub(super) old_last: String,
    pub(super) new_first: String,
}

/// A service request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Request {
    pub(super) shop: String,
    pub(super) status: String,
    pub(super) urgency: i64,
    pub(super) complaint: Option<String>,
    /// Codes of pre-defined services.
    #[serde(default)]
    pub(super) services: Vec<String>,
    /// Services in words.
    #[serde(default)]
    pub(super) other: Vec<String>,
    pub(super) requester: Requester,
    pub(super) requested_days_ago: f64,
    /// Why it was declined or cancelled.
    pub(super) reason: Option<String>,
}

/// Who asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Requester {
    pub(super) first: String,
    pub(super) last: String,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
}

/// A known defect.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Repair {
    pub(super) state: String,
    pub(super) description: String,
    pub(super) reason: Option<String>,
    pub(super) status: Option<String>,
    pub(super) shop: Option<String>,
    pub(super) found_days_ago: f64,
}

/// An account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct User {
    pub(super) username: String,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    pub(super) kind: String,
    /// The shop a session starts in.
    pub(super) shop: Option<String>,
    pub(super) grants: Vec<Grant>,
}

/// A role with its scope: a shop or organization by code, a customer by name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grant {
    pub(super) role: String,
    pub(super) scope: String,
    pub(super) code: Option<String>,
    pub(super) name: Option<String>,
}

/// A customer's person or department, perhaps with an account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contact {
    /// The customer's name.
    pub(super) customer: String,
    pub(super) kind: Option<String>,
    pub(super) first: Option<String>,
    pub(super) last: String,
    pub(super) username: Option<String>,
    pub(super) email: Option<String>,
    pub(super) phone: Option<String>,
    #[serde(default)]
    pub(super) roles: Vec<String>,
    pub(super) right: Option<String>,
    pub(super) platform_role: Option<String>,
    pub(super) access_level: Option<String>,
    #[serde(default)]
    pub(super) receives_invoices: bool,
    #[serde(default)]
    pub(super) receives_statements: bool,
    #[serde(default)]
    pub(super) primary: bool,
}

/// A customer lets the dealer's people act for it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Consent {
    /// The customer's name.
    pub(super) customer: String,
    pub(super) role: String,
    pub(super) given_by: String,
    /// The account of who wrote it down.
    pub(super) recorded_by: String,
}

/// A workshop terminal. Its token is known to nobody: enrol it anew to use one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kiosk {
    pub(super) shop: String,
    pub(super) label: String,
    #[serde(default)]
    pub(super) login_required: bool,
}

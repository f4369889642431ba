//! Points in time as bodies name them. Calls nobody.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de::Error as _};

/// A moment, or none; what is no moment is told by an example of one.
///
/// # Errors
/// It is no moment (RFC 3339), or none that a calendar of four digits holds.
pub(super) fn optional<'de, D: Deserializer<'de>>(said: D) -> Result<Option<Timestamp>, D::Error> {
    Option::deserialize(said).map_err(|_| D::Error::custom("this is no moment; one looks like 2026-11-23T09:30:00Z"))
}

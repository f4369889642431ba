//! The contract between server and clients: who may do what, which operations
//! there are, and the shapes that travel. No I/O of any kind lives here.
//!
//! May call [`crate::rules`] and [`crate::text`]. Adding an operation is one
//! row in [`operation`] and one function in `server`.

pub mod access;
pub mod access_level;
pub mod asset;
pub mod audit;
pub mod contact;
pub mod customer;
pub mod device_sign_in;
pub mod ids;
pub mod lengths;
pub mod meter;
mod moment;
mod named;
pub mod operation;
pub mod page;
pub mod people;
pub mod permission;
pub mod place;
pub mod portal;
pub mod problem;
pub mod role;
pub mod service;
pub mod session;

/// Header with the client-made key of a write (at most 128 characters).
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Header with the seconds since a write was typed, where it waited on the
/// machine of whoever typed it: what names no time is of then, not of now.
pub const KEPT_FOR: &str = "kept-for";
/// What waited longer is not sent without somebody who looks at it: the clock of
/// that machine is likelier wrong.
pub const LONGEST_KEPT: std::time::Duration = std::time::Duration::from_hours(35 * 24);
/// Header with the id of a request, given back with every answer.
pub const REQUEST_ID: &str = "x-request-id";
/// Media type of every refusal (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";

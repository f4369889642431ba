//! The integration tests, one binary: stories over the real server on both
//! databases, every SQL text on both, and properties of the meter rules.
//!
//! Test names cite the rule they hold: `s3_5_…`, `m_4_…`, `c_2_…`, `g_10_…`.

#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::missing_panics_doc, missing_docs, reason = "tests")]

#[macro_use]
mod harness;

mod architecture;
mod cli;
mod client;
mod dice;
mod faults;
mod fuzzed;
mod hostile;
mod import;
mod meter_properties;
mod migrating;
mod readme;
mod schemathesis;
#[cfg(target_os = "linux")]
mod secrets;
mod store;
mod stories;
mod supply;
mod terminal;
mod tls;
mod verdicts;
mod walk;

//! The trade's rules without any I/O: pure functions that the server decides
//! with and that the terminal repeats for instant feedback.
//!
//! May call [`crate::text`] only. Every function names the rule it keeps.

pub mod contact;
pub mod customer_search;
pub mod merging;
pub mod meter;
pub mod place;
pub mod request;
pub mod vin;

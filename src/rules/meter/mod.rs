//! Meters and their readings (M-1 … M-16): what a dial shows, what the machine
//! has run in its life, and which new reading may stand.
//!
//! A meter's history is a line of dated points. Rollover (M-5) and replacement
//! (M-6) are dated events on it; a life value is computed from the events up to
//! its own time and never from one running offset, so back-dated readings stay
//! right.

mod check;
mod dial;
mod history;

pub use check::{Accepted, NewReading, ReadingKind, Refusal, Warning, check, replacement};
pub use dial::{Dial, MeterKind, MeterName, Tenths, Unit, ValueFault};
pub use history::{DialEvent, History, Point, Usage, is_stale};

//! Nothing lost, nothing doubled: the server is killed, the line breaks, the disk
//! is full or fails at any of its calls, the power goes, many come at once, and a
//! model says whether all is there once.
//!
//! Short as they stand; longer by the environment:
//!
//! - `COUNTERTOP_KILLS` (200): how often `kill` ends the server, over both databases.
//! - `COUNTERTOP_TRIALS` (1,056): how many writes `retries` sends over a bad line.
//! - `COUNTERTOP_POWER_CUTS` (60): how often `power_cut` cuts the power of a server,
//!   and of a terminal.
//! - `COUNTERTOP_DISK_CASES` (500): how many calls of a server's disk fail in
//!   `failing_disk`; a terminal's all do.
//! - `COUNTERTOP_DRAINED` (1,000): how many entries of an outbox go out in `drain`.
//! - `COUNTERTOP_DISK_STARTS` (12): how often a server starts and ends on one that fails.
//! - `COUNTERTOP_SEED`: what all of it is drawn from. Each run prints its own, and
//!   a failure shows the one that draws the same writes and the same accidents.

mod clerk;
#[cfg(target_os = "linux")]
mod desk;
#[cfg(target_os = "linux")]
mod disk;
mod drain;
pub(crate) mod evidence;
#[cfg(target_os = "linux")]
mod failing_disk;
mod full_disk;
mod kill;
pub(crate) mod model;
#[cfg(target_os = "linux")]
mod platter;
#[cfg(target_os = "linux")]
mod power_cut;
pub(crate) mod program;
mod proxy;
mod races;
mod retries;
mod same_answers;
mod starting;

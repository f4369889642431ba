//! Nothing lost, nothing doubled: the server is killed, the line breaks, the disk
//! is full, many come at once, and a model says whether all is there once.
//!
//! Short as they stand; longer by the environment:
//!
//! - `COUNTERTOP_KILLS` (200): how often `kill` ends the server, over both databases.
//! - `COUNTERTOP_TRIALS` (1,056): how many writes `retries` sends over a bad line.
//! - `COUNTERTOP_SEED`: what all of it is drawn from. Each run prints its own, and
//!   a failure shows the one that draws the same writes and the same accidents.

mod clerk;
mod evidence;
mod full_disk;
mod kill;
pub(crate) mod model;
mod program;
mod proxy;
mod races;
mod retries;
mod same_answers;

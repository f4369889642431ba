//! The customer search beside other engines, on one machine and in one run: see
//! `README.md` beside this package. Judge by the ratios of a run, never by its
//! absolute numbers.
//!
//! An arrow reads "may be used by":
//!
//! ```text
//! random ← words ← customers ← folded ← tiers ← fts5, trigrams, pg ←┐
//!                      ↑ └ ours ←───────────────────────────────────┤
//!                     mix ← course ←──────────────────── search, chart
//!              load ← http
//! times: beside them; used by course, search, load and http
//! ```
//!
//! `line`, `load` and `times` stand one folder up: `cargo bench --bench server` uses
//! them too, and the benchmark of the import the customers.

mod chart;
mod course;
mod customers;
mod drawn;
mod files;
mod floor;
mod folded;
mod fts5;
mod http;
#[path = "../../line.rs"]
#[allow(dead_code, reason = "nobody is turned away here")]
mod line;
#[path = "../../load.rs"]
mod load;
mod mix;
mod ours;
mod pg;
#[path = "../../../it/harness/postgres.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod postgres;
mod random;
mod search;
mod tiers;
#[path = "../../times.rs"]
mod times;
mod trigrams;
mod words;

use anyhow::Result;
use clap::Parser;

/// Measures the customer search beside other engines.
#[derive(Debug, Parser)]
enum Command {
    /// Prints a table of our index and its peers.
    Search(search::Options),
    /// Draws how our search grows with the number of customers.
    Chart(chart::Options),
    /// Writes customers to import and paths to ask for.
    Files(files::Options),
    /// Asks a server as fast as it answers.
    Http(http::Options),
    /// Serves one page of hits from memory.
    Floor(floor::Options),
}

fn main() -> Result<()> {
    match Command::parse() {
        Command::Search(options) => search::run(&options),
        Command::Chart(options) => chart::run(&options),
        Command::Files(options) => files::run(&options),
        Command::Http(options) => http::run(&options),
        Command::Floor(options) => floor::run(&options),
    }
}

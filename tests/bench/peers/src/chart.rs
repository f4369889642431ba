//! `chart`: how our search grows with the number of customers, drawn in
//! characters.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use crate::course::{Course, PAGE, Ran};
use crate::customers::Customers;
use crate::folded::Folded;
use crate::mix;
use crate::ours::Ours;

/// What to draw.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Other customers and other searches for another number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long each size is measured.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Ten million customers too; takes some minutes and 12 GB.
    #[arg(long)]
    big: bool,
}

/// How much longer a bar gets for ten times as long.
const CELLS: f64 = 10.0;

/// Measures and draws.
pub(crate) fn run(options: &Options) -> Result<()> {
    println!("Ten cells more: ten times as long. memmem reads all text once: the limit of any scan.\n");
    let sizes = [10_000, 100_000, 1_000_000].into_iter().chain(options.big.then_some(10_000_000));
    for size in sizes {
        let customers = Customers::new(options.seed, size);
        let asked = mix::searches(&customers, options.seed);
        let course = Course { asked: &asked, truth: &[], time: Duration::from_secs(options.seconds) };
        let scan = {
            let folded = Folded::of(&customers);
            course.run(|query| {
                black_box(folded.count(query));
                Ok(Some(Vec::new()))
            })?
        };
        let (ours, _) = Ours::load(&customers);
        let search = course.run(|query| Ok(Some(ours.search(query, PAGE).hits)))?;
        println!("{} customers", with_commas(size));
        draw("search p50", &search, 0.5);
        draw("search p99", &search, 0.99);
        draw("memmem p50", &scan, 0.5);
        draw("memmem p99", &scan, 0.99);
    }
    Ok(())
}

fn draw(what: &str, ran: &Ran, share: f64) {
    let micros = ran.times().at(share);
    let cells = (micros.max(1.0).log10() * CELLS).round() as usize + 1;
    println!("  {what} {} {micros:.0} µs", "█".repeat(cells));
}

fn with_commas(number: usize) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

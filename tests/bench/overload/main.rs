//! How the real server, a process of its own over SQLite, bears more than it can
//! do: ten times as many callers (T39), those who dawdle and send what is
//! senseless (T40), one who asks for much (T41), and long days (T42):
//! `cargo bench --bench overload -- rush siege neighbour soak --minutes 60 --customers 20000`.
//!
//! Without names all four are run, and without minutes each for a short while.
//! Judge by the ratios of a run, never by its absolute numbers: the callers share
//! the machine with the server.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "counts and shares of them are printed")]
#![allow(clippy::print_stdout, reason = "a benchmark")]

mod attack;
mod crowd;
mod dealer;
#[path = "../line.rs"]
mod line;
mod neighbour;
mod plan;
mod rush;
mod seen;
mod siege;
mod soak;
mod table;
mod verdict;

use anyhow::Result;

use dealer::Dealer;
use plan::Plan;

fn main() -> Result<()> {
    let Some(plan) = Plan::read()? else { return Ok(()) };
    let mut dealer = Dealer::open(plan.customers)?;
    println!("{} customers, {} people signed in", plan.customers, dealer.tokens.len());
    if plan.takes("rush") {
        rush::run(&dealer, &plan)?;
    }
    if plan.takes("siege") {
        siege::run(&dealer, &plan)?;
    }
    if plan.takes("neighbour") {
        neighbour::run(&dealer, &plan)?;
    }
    if plan.takes("soak") {
        soak::run(&mut dealer, &plan)?;
    }
    Ok(())
}

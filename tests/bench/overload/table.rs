//! What was found, beside what is wanted; and what the server takes of the
//! machine while something is done to it.
//!
//! May call [`crate::dealer`], [`crate::seen`] and [`crate::verdict`].

use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::dealer::Dealer;
use crate::seen::Figures;
use crate::verdict::Row;

/// How often the server is looked at.
const LOOKED_AT_EVERY: Duration = Duration::from_millis(250);

/// Begins a table.
pub(crate) fn begin(title: &str) {
    println!("\n{title}\n\n| what | found | wanted | |\n|---|--:|--:|---|");
}

/// Its rows.
pub(crate) fn print(rows: Vec<Row>) {
    for Row { what, found, wanted } in rows {
        let (wanted, told) = match wanted {
            None => (String::new(), ""),
            Some((wanted, true)) => (wanted, "reached"),
            Some((wanted, false)) => (wanted, "**not reached**"),
        };
        println!("| {what} | {found} | {wanted} | {told} |");
    }
}

/// Does something on a thread of its own and looks at the server meanwhile: at
/// least at the beginning and at the end.
pub(crate) fn looked_at<T: Send>(dealer: &Dealer, work: impl FnOnce() -> Result<T> + Send) -> Result<(T, Vec<Figures>)> {
    thread::scope(|scope| {
        let working = scope.spawn(work);
        let mut figures = vec![dealer.figures()?];
        while !working.is_finished() {
            thread::sleep(LOOKED_AT_EVERY);
            figures.push(dealer.figures()?);
        }
        let done = working.join().map_err(|_| anyhow!("a thread fell"))??;
        Ok((done, figures))
    })
}

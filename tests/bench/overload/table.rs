//! What was found, beside what is wanted; and what the server takes of the
//! machine while something is done to it.
//!
//! May call [`crate::dealer`].

use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::dealer::{Dealer, Figures};

/// How often the server is looked at.
const LOOKED_AT_EVERY: Duration = Duration::from_millis(250);

/// Begins a table.
pub(crate) fn begin(title: &str) {
    println!("\n{title}\n\n| what | found | wanted | |\n|---|--:|--:|---|");
}

/// A row that tells only.
pub(crate) fn tell(what: &str, found: String) {
    println!("| {what} | {found} | | |");
}

/// A row that is judged.
pub(crate) fn judge(what: &str, found: String, wanted: &str, is_reached: bool) {
    println!("| {what} | {found} | {wanted} | {} |", if is_reached { "reached" } else { "**not reached**" });
}

/// A row of a ratio that must not be above another.
pub(crate) fn judge_ratio(what: &str, ratio: f64, most: f64) {
    judge(what, format!("{ratio:.2} ×"), &format!("≤ {most} ×"), ratio <= most);
}

/// Microseconds as people read them.
pub(crate) fn millis(micros: f64) -> String {
    format!("{:.2} ms", micros / 1e3)
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

/// The most of something.
pub(crate) fn most(figures: &[Figures], of: impl Fn(&Figures) -> f64) -> f64 {
    figures.iter().map(of).fold(0.0, f64::max)
}

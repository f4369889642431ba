//! T42: long days under a mixed load. Now and then the server is started anew,
//! between two stretches of it; what it takes of the machine must not grow.
//!
//! May call [`crate::crowd`], [`crate::dealer`], [`crate::plan`],
//! [`crate::seen`] and [`crate::table`].

use std::time::Duration;

use anyhow::Result;

use crate::crowd::{Crowd, Pace};
use crate::dealer::{Dealer, Figures};
use crate::plan::Plan;
use crate::seen::Seen;
use crate::table::{begin, judge, judge_ratio, looked_at, millis, most, tell};

/// The longest without a start.
const STARTED_EVERY: Duration = Duration::from_mins(20);
/// At least so many stretches between two starts.
const STRETCHES: u32 = 4;
/// Who is at work, and how often each of them asks.
const CALLERS: usize = 32;
const EVERY: Duration = Duration::from_millis(80);
/// The database's log is put into the file long before it is as large.
const LARGEST_LOG: f64 = 64.0;
/// One of so many calls makes a customer: all customers are in the server's
/// memory, and with more of them it has to grow.
const SELDOM: usize = 2_000;

/// From one start to the next.
struct Stretch {
    seen: Seen,
    figures: Vec<Figures>,
}

impl Stretch {
    /// By how much of itself the memory grows in an hour: the line that lies
    /// best through its latter half, when all is warm.
    fn growth(&self, lasted: Duration) -> f64 {
        let warm = &self.figures[self.figures.len() / 2..];
        let many = warm.len() as f64;
        let hours = lasted.as_secs_f64() / 3_600.0 / self.figures.len() as f64;
        let (mean_at, mean) = ((many - 1.0) / 2.0, warm.iter().map(|one| one.memory).sum::<f64>() / many);
        let (mut along, mut square) = (0.0, 0.0);
        for (nth, one) in warm.iter().enumerate() {
            let away = nth as f64 - mean_at;
            along += away * (one.memory - mean);
            square += away * away;
        }
        if square > 0.0 { along / square / hours / mean } else { 0.0 }
    }

    fn files(&self) -> f64 {
        most(&self.figures[self.figures.len() / 2..], |one| one.files as f64)
    }
}

/// Runs it.
pub(crate) fn run(dealer: &mut Dealer, plan: &Plan) -> Result<()> {
    let time = plan.time(40);
    let many = STRETCHES.max(time.div_duration_f64(STARTED_EVERY).ceil() as u32);
    let lasted = time / many;
    let mut stretches = Vec::new();
    let mut lost = 0;
    for _ in 0..many {
        dealer.start_anew()?;
        let crowd = Crowd::of(dealer, 0..CALLERS);
        let pace = Pace { connections: CALLERS, time: lasted, every: Some(EVERY), write_every: SELDOM, is_pushy: false };
        let (mut seen, figures) = looked_at(dealer, || crowd.asks(pace))?;
        lost += dealer.lost(&seen.acknowledged)?;
        seen.acknowledged = Vec::new();
        stretches.push(Stretch { seen, figures });
    }
    report(&stretches, time, lasted, lost);
    Ok(())
}

fn report(stretches: &[Stretch], time: Duration, lasted: Duration, lost: usize) {
    let (Some(first), Some(last)) = (stretches.first(), stretches.last()) else { return };
    begin(&format!("T42: {:.1} minutes of {CALLERS} callers, the server started anew {} times", time.as_secs_f64() / 60.0, stretches.len()));
    let served: u64 = stretches.iter().map(|one| one.seen.served()).sum();
    let faults: u64 = stretches.iter().map(|one| one.seen.refusals.count + one.seen.faults() as u64).sum();
    tell("served", served.to_string());
    judge("not served", faults.to_string(), "0", faults == 0);
    judge("acknowledged writes that are lost", lost.to_string(), "0", lost == 0);
    let growth = stretches.iter().map(|one| 100.0 * one.growth(lasted)).fold(f64::MIN, f64::max);
    let note = if lasted < STARTED_EVERY { " (drawn out from less than 20 minutes: says little)" } else { "" };
    judge(&format!("growth of memory in an hour, the worst stretch{note}"), format!("{growth:.2} %"), "< 1 %", growth < 1.0);
    judge("open files, first and last stretch", format!("{} → {}", first.files(), last.files()), "no more", last.files() <= first.files());
    let log = stretches.iter().map(|one| most(&one.figures, |one| one.log)).fold(0.0, f64::max);
    judge("the database's log at its largest", format!("{log:.1} MiB"), &format!("≤ {LARGEST_LOG} MiB"), log <= LARGEST_LOG);
    tell("p99 of reads, first stretch", millis(first.seen.reads.p99()));
    judge_ratio("p99 of reads, last stretch, of the first", last.seen.reads.p99() / first.seen.reads.p99(), 1.3);
}

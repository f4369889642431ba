//! T41: one person asks for fifty times what each of the others asks for.
//!
//! May call [`crate::crowd`], [`crate::dealer`], [`crate::plan`],
//! [`crate::seen`], [`crate::table`] and [`crate::verdict`].

use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};

use crate::crowd::{Crowd, NOW_AND_THEN, Pace};
use crate::dealer::Dealer;
use crate::plan::Plan;
use crate::seen::Seen;
use crate::table::{begin, print};
use crate::verdict::{self, millis, tell};

/// The others.
const OTHERS: usize = 10;
/// How often each of them asks: a program, or somebody who types fast.
const EVERY: Duration = Duration::from_millis(50);
/// So many times as much.
const TIMES: usize = 50;

/// Runs it: without him, with him at their pace on fifty lines, and with him on
/// as many without a pause.
pub(crate) fn run(dealer: &Dealer, plan: &Plan) -> Result<()> {
    let time = plan.time(15);
    let calm = Crowd::of(dealer, 1..OTHERS + 1);
    let noisy = Crowd::of(dealer, 0..1);
    let (alone, _) = beside(&calm, &noisy, time, None)?;
    let calls = OTHERS as f64 / EVERY.as_secs_f64();
    begin(&format!("T41: {OTHERS} people ask {calls:.0} times a second in all for {} s, and one beside them asks on {TIMES} lines", time.as_secs()));
    print(vec![tell("without him: p99 of reads, of writes", format!("{}, {}", millis(alone.reads.p99()), millis(alone.writes.p99())))]);
    for (how, every) in [("at their pace", Some(EVERY)), ("without a pause", None)] {
        let noise = Pace { connections: TIMES, time, every, write_every: NOW_AND_THEN, is_pushy: false };
        let (seen, made) = beside(&calm, &noisy, time, Some(noise))?;
        print(verdict::neighbour(how, &made, &alone, &seen));
    }
    Ok(())
}

/// What the others see, and he who makes noise.
fn beside(calm: &Crowd, noisy: &Crowd, time: Duration, noise: Option<Pace>) -> Result<(Seen, Seen)> {
    thread::scope(|scope| {
        let making = scope.spawn(move || noise.map_or_else(|| Ok(Seen::default()), |noise| noisy.asks(noise)));
        let seen = calm.asks(Pace { connections: OTHERS, time, every: Some(EVERY), write_every: NOW_AND_THEN, is_pushy: false })?;
        let made = making.join().map_err(|_| anyhow!("a thread fell"))??;
        Ok((seen, made))
    })
}

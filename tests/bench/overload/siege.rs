//! T40: people who dawdle, stay on the line or send what is senseless, beside a
//! counter that works on at its pace.
//!
//! May call [`crate::attack`], [`crate::crowd`], [`crate::dealer`],
//! [`crate::plan`], [`crate::seen`], [`crate::table`] and [`crate::verdict`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};

use crate::attack::{ATTACKS, Attack};
use crate::crowd::{Crowd, NOW_AND_THEN, Pace};
use crate::dealer::Dealer;
use crate::plan::Plan;
use crate::seen::{Seen, Told};
use crate::table::{begin, looked_at, print};
use crate::verdict::{self, Siege, millis, tell};

/// Who works on, and how often each of them asks.
const COUNTERS: usize = 4;
const EVERY: Duration = Duration::from_millis(20);

/// Runs it, one attack after the other.
pub(crate) fn run(dealer: &Dealer, plan: &Plan) -> Result<()> {
    let time = plan.time(45) / (ATTACKS.len() as u32 + 1);
    // The last one signed in is the one who attacks.
    let crowd = Crowd::of(dealer, 0..COUNTERS);
    let pace = Pace { connections: COUNTERS, time, every: Some(EVERY), write_every: NOW_AND_THEN, is_pushy: false };
    crowd.asks(Pace { time: Duration::from_secs(1), ..pace })?;
    let alone = crowd.asks(pace)?;
    begin(&format!("T40: a counter asks {:.0} times a second; each of these beside it for {:.1} s", COUNTERS as f64 / EVERY.as_secs_f64(), time.as_secs_f64()));
    print(vec![tell("nobody: p99 of the counter's reads", millis(alone.reads.p99()))]);
    for attack in ATTACKS {
        let before = dealer.figures()?;
        let begun = Instant::now();
        let ((seen, told), figures) = looked_at(dealer, || beside(dealer, &crowd, pace, attack))?;
        let Attack { name, right, .. } = attack;
        let lasted = begun.elapsed();
        print(verdict::siege(&Siege { name, right, told: &told, alone: &alone, seen: &seen, before, figures: &figures, lasted }));
    }
    Ok(())
}

/// What the counter sees, and what those who attack it meanwhile are told.
fn beside(dealer: &Dealer, crowd: &Crowd, pace: Pace, attack: Attack) -> Result<(Seen, Told)> {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let attacking = scope.spawn(|| attack.runs(dealer, &is_over));
        let seen = crowd.asks(pace);
        is_over.store(true, Ordering::Relaxed);
        let told = attacking.join().map_err(|_| anyhow!("a thread fell"))??;
        Ok((seen?, told))
    })
}

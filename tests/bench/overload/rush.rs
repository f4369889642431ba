//! T39: ten times as many callers as the server serves best, none of them with a
//! pause. Whoever is told to come again later does so after the time he was told,
//! or at once where that is asked for.
//!
//! May call [`crate::crowd`], [`crate::dealer`], [`crate::plan`],
//! [`crate::table`] and [`crate::verdict`].

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::crowd::{Crowd, NOW_AND_THEN, Pace};
use crate::dealer::Dealer;
use crate::plan::Plan;
use crate::table::{begin, looked_at, print};
use crate::verdict::{self, Knee, Rush};

/// How many callers are tried, to find with how many the server does the most.
const TRIED: [usize; 6] = [2, 4, 8, 16, 32, 64];
/// As good as the most.
const NEARLY: f64 = 0.95;
/// So many times the callers of the knee.
const TIMES: usize = 10;
/// How long it is waited for that all is as before.
const HEALS_WITHIN: usize = 30;
/// What is looked at then, each time.
const WINDOW: Duration = Duration::from_secs(1);

/// The fewest callers with whom the server does nearly the most.
fn knee(crowd: &Crowd, time: Duration) -> Result<Knee> {
    let each = (time / 10).max(WINDOW);
    let mut tried = Vec::new();
    for connections in TRIED {
        let seen = crowd.asks(Pace { connections, time: each, every: None, write_every: NOW_AND_THEN, is_pushy: false })?;
        ensure!(seen.faults() == 0, "{connections} callers had no answer, or another than they wanted: {:?}", seen.others);
        tried.push(Knee { connections, rate: seen.served() as f64 / each.as_secs_f64(), seen });
    }
    let most = tried.iter().map(|knee| knee.rate).fold(0.0, f64::max);
    let found = tried.into_iter().find(|knee| knee.rate >= NEARLY * most);
    found.ok_or_else(|| anyhow::anyhow!("nobody was served"))
}

/// Runs it.
pub(crate) fn run(dealer: &Dealer, plan: &Plan) -> Result<()> {
    let time = plan.time(20);
    let crowd = Crowd::of(dealer, 0..dealer.tokens.len());
    // Fills what the server keeps in mind.
    crowd.asks(Pace { connections: 8, time: WINDOW, every: None, write_every: NOW_AND_THEN, is_pushy: false })?;
    let knee = knee(&crowd, time)?;
    let connections = TIMES * knee.connections;
    let pace = Pace { connections, time, every: None, write_every: NOW_AND_THEN, is_pushy: plan.is_pushy };
    let (seen, figures) = looked_at(dealer, || crowd.asks(pace))?;
    let healed = healed(&crowd, &knee)?;
    let lost = dealer.lost(&knee.seen.acknowledged)? + dealer.lost(&seen.acknowledged)?;

    let comes = if plan.is_pushy { "comes at once" } else { "comes when he was told to" };
    begin(&format!("T39: {connections} callers without a pause for {} s, {TIMES} times those of the knee; who is refused {comes}", time.as_secs()));
    print(verdict::rush(&Rush { knee, time, seen, figures, lost, healed }));
    Ok(())
}

/// After how long the callers of the knee are served as before.
fn healed(crowd: &Crowd, knee: &Knee) -> Result<Option<Duration>> {
    let begun = Instant::now();
    for _ in 0..HEALS_WITHIN {
        let seen = crowd.asks(Pace { connections: knee.connections, time: WINDOW, every: None, write_every: NOW_AND_THEN, is_pushy: false })?;
        if knee.is_as_before(&seen) {
            return Ok(Some(begun.elapsed()));
        }
    }
    Ok(None)
}

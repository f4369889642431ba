//! T39: ten times as many callers as the server serves best, none of them with a
//! pause. Whoever is told to come again later does so after the time he was told,
//! or at once where that is asked for.
//!
//! May call [`crate::crowd`], [`crate::dealer`], [`crate::plan`],
//! [`crate::seen`] and [`crate::table`].

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::crowd::{Crowd, NOW_AND_THEN, Pace};
use crate::dealer::Dealer;
use crate::plan::Plan;
use crate::seen::Seen;
use crate::table::{begin, judge, judge_ratio, looked_at, millis, tell};

/// How many callers are tried, to find with how many the server does the most.
const TRIED: [usize; 6] = [2, 4, 8, 16, 32, 64];
/// As good as the most.
const NEARLY: f64 = 0.95;
/// So many times the callers of the knee.
const TIMES: usize = 10;
/// As good as before.
const AS_BEFORE: f64 = 1.3;
/// How long it is waited for that all is as before.
const HEALS_WITHIN: usize = 30;
/// What is looked at then, each time.
const WINDOW: Duration = Duration::from_secs(1);

/// The fewest callers with whom the server does nearly the most.
struct Knee {
    connections: usize,
    /// Answers a second.
    rate: f64,
    /// What these callers saw.
    seen: Seen,
}

impl Knee {
    fn of(crowd: &Crowd, time: Duration) -> Result<Self> {
        let each = (time / 10).max(WINDOW);
        let mut tried = Vec::new();
        for connections in TRIED {
            let seen = crowd.asks(Pace { connections, time: each, every: None, write_every: NOW_AND_THEN, is_pushy: false })?;
            ensure!(seen.faults() == 0, "{connections} callers had no answer, or another than they wanted: {:?}", seen.others);
            tried.push(Self { connections, rate: seen.served() as f64 / each.as_secs_f64(), seen });
        }
        let most = tried.iter().map(|knee| knee.rate).fold(0.0, f64::max);
        let found = tried.into_iter().find(|knee| knee.rate >= NEARLY * most);
        found.ok_or_else(|| anyhow::anyhow!("nobody was served"))
    }
}

/// Runs it.
pub(crate) fn run(dealer: &Dealer, plan: &Plan) -> Result<()> {
    let time = plan.time(20);
    let crowd = Crowd::of(dealer, 0..dealer.tokens.len());
    // Fills what the server keeps in mind.
    crowd.asks(Pace { connections: 8, time: WINDOW, every: None, write_every: NOW_AND_THEN, is_pushy: false })?;
    let mut knee = Knee::of(&crowd, time)?;
    let connections = TIMES * knee.connections;
    let pace = Pace { connections, time, every: None, write_every: NOW_AND_THEN, is_pushy: plan.is_pushy };
    let (mut seen, figures) = looked_at(dealer, || crowd.asks(pace))?;
    let heals = healed(&crowd, &knee)?;

    let comes = if plan.is_pushy { "comes at once" } else { "comes when he was told to" };
    begin(&format!("T39: {connections} callers without a pause for {} s, {TIMES} times those of the knee; who is refused {comes}", time.as_secs()));
    tell("knee: answers a second", format!("{:.0} with {} callers", knee.rate, knee.connections));
    tell("knee: p99 of reads, of writes", format!("{}, {}", millis(knee.seen.reads.p99()), millis(knee.seen.writes.p99())));
    tell("rush: served, refused", format!("{}, {}", seen.served(), seen.refusals.count));
    let share = seen.served() as f64 / time.as_secs_f64() / knee.rate;
    judge("goodput, of the knee's", format!("{:.0} %", 100.0 * share), "≥ 90 %", share >= 0.9);
    judge_ratio("p99 of reads that were served, of the knee's", seen.reads.p99() / knee.seen.reads.p99(), 3.0);
    judge_ratio("p99 of writes that were served, of the knee's", seen.writes.p99() / knee.seen.writes.p99(), 3.0);
    let refusals = seen.refusals.p99();
    judge("p99 of refusals", millis(refusals), "< 50 ms", refusals < 50_000.0);
    // At first there are more connections than before.
    let flat = &figures[figures.len() / 5..];
    let (before, after) = (flat.first().map_or(0.0, |one| one.memory), flat.last().map_or(0.0, |one| one.memory));
    judge("memory, from a fifth of the time to the end", format!("{before:.0} → {after:.0} MiB"), "± 10 %", (after / before - 1.0).abs() <= 0.1);
    judge("broken lines and other answers", format!("{} {:?}", seen.broken, seen.others), "0", seen.faults() == 0);
    knee.seen.acknowledged.append(&mut seen.acknowledged);
    let (acknowledged, lost) = (&knee.seen.acknowledged, dealer.lost(&knee.seen.acknowledged)?);
    judge("acknowledged writes that are lost", format!("{lost} of {}", acknowledged.len()), "0", lost == 0);
    let told = heals.map_or_else(|| "not at all".to_owned(), |after| format!("{:.0} s", after.as_secs_f64()));
    judge("until p99 is as before", told, "< 10 s", heals.is_some_and(|after| after.as_secs() < 10));
    Ok(())
}

/// After how long the callers of the knee are served as before.
fn healed(crowd: &Crowd, knee: &Knee) -> Result<Option<Duration>> {
    let begun = Instant::now();
    for _ in 0..HEALS_WITHIN {
        let seen = crowd.asks(Pace { connections: knee.connections, time: WINDOW, every: None, write_every: NOW_AND_THEN, is_pushy: false })?;
        if seen.refusals.count == 0 && seen.reads.p99() <= AS_BEFORE * knee.seen.reads.p99() {
            return Ok(Some(begun.elapsed()));
        }
    }
    Ok(None)
}

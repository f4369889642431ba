//! What is wanted of each part, and whether it was found. Prints nothing, so that
//! a test can hold a server that does worse against it: `tests/it/verdicts.rs`.
//!
//! May call [`super::seen`].

use std::time::Duration;

use super::seen::{Figures, Seen, Told, most};

/// As good as before.
const AS_BEFORE: f64 = 1.3;
/// No attack makes the server larger by more than this, in MiB.
const MOST_MEMORY: f64 = 256.0;
/// The longest without a start; of less, an hour says little.
pub(crate) const STARTED_EVERY: Duration = Duration::from_mins(20);
/// The database's log is put into the file long before it is as large.
const LARGEST_LOG: f64 = 64.0;

/// A row of a table.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    pub(crate) found: String,
    /// What is wanted, and whether that is reached; none where it is only told.
    pub(crate) wanted: Option<(String, bool)>,
}

/// A row that tells only.
pub(crate) fn tell(what: &str, found: String) -> Row {
    Row { what: what.to_owned(), found, wanted: None }
}

/// A row that is judged.
fn judge(what: &str, found: String, wanted: &str, is_reached: bool) -> Row {
    Row { what: what.to_owned(), found, wanted: Some((wanted.to_owned(), is_reached)) }
}

/// A row of a ratio that must not be above another.
fn judge_ratio(what: &str, ratio: f64, most: f64) -> Row {
    judge(what, format!("{ratio:.2} ×"), &format!("≤ {most} ×"), ratio <= most)
}

/// A row of what must not be at all.
fn judge_none(what: &str, many: u64) -> Row {
    judge(what, many.to_string(), "0", many == 0)
}

/// Microseconds as people read them.
pub(crate) fn millis(micros: f64) -> String {
    format!("{:.2} ms", micros / 1e3)
}

/// Calls of those who were to be served, and were not.
fn harmed(seen: &Seen) -> u64 {
    seen.refusals.count + seen.faults() as u64
}

/// The fewest callers with whom the server does nearly the most.
#[derive(Debug)]
pub(crate) struct Knee {
    pub(crate) connections: usize,
    /// Answers a second.
    pub(crate) rate: f64,
    /// What these callers saw.
    pub(crate) seen: Seen,
}

impl Knee {
    /// Whether the same callers are served as they were.
    pub(crate) fn is_as_before(&self, seen: &Seen) -> bool {
        harmed(seen) == 0 && seen.reads.p99() <= AS_BEFORE * self.seen.reads.p99()
    }
}

/// Many more callers than at the knee (T39).
#[derive(Debug)]
pub(crate) struct Rush {
    pub(crate) knee: Knee,
    /// How long it lasted.
    pub(crate) time: Duration,
    pub(crate) seen: Seen,
    pub(crate) figures: Vec<Figures>,
    /// Writes that were acknowledged, at the knee too, and are not there.
    pub(crate) lost: usize,
    /// After how long all was as before; none: it never was.
    pub(crate) healed: Option<Duration>,
}

/// What is found of a rush.
pub(crate) fn rush(rush: &Rush) -> Vec<Row> {
    let Rush { knee, time, seen, figures, lost, healed } = rush;
    let share = seen.served() as f64 / time.as_secs_f64() / knee.rate;
    let refusals = seen.refusals.at(0.99);
    // At first there are more connections than before.
    let flat = &figures[figures.len() / 5..];
    let (before, after) = (flat.first().map_or(0.0, |one| one.memory), flat.last().map_or(0.0, |one| one.memory));
    let acknowledged = knee.seen.acknowledged.len() + seen.acknowledged.len();
    let told = healed.map_or_else(|| "not at all".to_owned(), |after| format!("{:.0} s", after.as_secs_f64()));
    vec![
        tell("knee: answers a second", format!("{:.0} with {} callers", knee.rate, knee.connections)),
        tell("knee: p99 of reads, of writes", format!("{}, {}", millis(knee.seen.reads.p99()), millis(knee.seen.writes.p99()))),
        tell("rush: served, refused", format!("{}, {}", seen.served(), seen.refusals.count)),
        judge("goodput, of the knee's", format!("{:.0} %", 100.0 * share), "≥ 90 %", share >= 0.9),
        judge_ratio("p99 of reads that were served, of the knee's", seen.reads.p99() / knee.seen.reads.p99(), 3.0),
        judge_ratio("p99 of writes that were served, of the knee's", seen.writes.p99() / knee.seen.writes.p99(), 3.0),
        judge("p99 of refusals", refusals.map_or_else(|| "none".to_owned(), millis), "< 50 ms", refusals.is_none_or(|micros| micros < 50_000.0)),
        judge("memory, from a fifth of the time to the end", format!("{before:.0} → {after:.0} MiB"), "± 10 %", (after / before - 1.0).abs() <= 0.1),
        judge("broken lines and other answers", format!("{} {:?}", seen.broken, seen.others), "0", seen.faults() == 0),
        judge("acknowledged writes that are lost", format!("{lost} of {acknowledged}"), "0", *lost == 0),
        judge("until p99 is as before", told, "< 10 s", healed.is_some_and(|after| after.as_secs() < 10)),
    ]
}

/// One attack beside a counter that works on (T40).
#[derive(Debug)]
pub(crate) struct Siege<'a> {
    /// What the attack is called.
    pub(crate) name: &'a str,
    /// What those who attack may be told.
    pub(crate) right: &'a [u16],
    pub(crate) told: &'a Told,
    /// What the counter saw without it.
    pub(crate) alone: &'a Seen,
    pub(crate) seen: &'a Seen,
    /// What the server took before.
    pub(crate) before: Figures,
    pub(crate) figures: &'a [Figures],
    pub(crate) lasted: Duration,
}

/// What is found of an attack.
pub(crate) fn siege(siege: &Siege<'_>) -> Vec<Row> {
    let Siege { name, right, told, alone, seen, before, figures, lasted } = siege;
    let is_right = told.statuses.keys().all(|status| right.contains(status));
    let grown = most(figures, |one| one.memory) - before.memory;
    let worked = figures.last().map_or(0.0, |last| last.work - before.work) / lasted.as_secs_f64();
    vec![
        judge_ratio(&format!("{name}: p99 of the counter's reads, of that alone"), seen.reads.p99() / alone.reads.p99(), 2.0),
        judge_none(&format!("{name}: calls of the counter that were not served"), harmed(seen)),
        judge(
            &format!("{name}: answers of {} lines; closed; open", told.lines),
            format!("{:?}; {}; {}", told.statuses, told.closed, told.open),
            &format!("{right:?}"),
            is_right,
        ),
        judge(&format!("{name}: more memory"), format!("{grown:.0} MiB"), &format!("≤ {MOST_MEMORY} MiB"), grown <= MOST_MEMORY),
        tell(&format!("{name}: processors at work, most files open"), format!("{worked:.2}, {:.0}", most(figures, |one| one.files as f64))),
    ]
}

/// What is found of one who asks for much beside others (T41): what he saw, and
/// what they saw without him and with him.
pub(crate) fn neighbour(how: &str, made: &Seen, alone: &Seen, seen: &Seen) -> Vec<Row> {
    vec![
        tell(&format!("{how}: he is served, refused"), format!("{}, {}", made.served(), made.refusals.count)),
        judge_ratio(&format!("{how}: p99 of the others' reads, of that without him"), seen.reads.p99() / alone.reads.p99(), 1.3),
        tell(&format!("{how}: p99 of the others' writes, of that without him"), format!("{:.2} ×", seen.writes.p99() / alone.writes.p99())),
        judge_none(&format!("{how}: others who were not served"), harmed(seen)),
    ]
}

/// From one start to the next (T42).
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) seen: Seen,
    pub(crate) figures: Vec<Figures>,
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

/// What is found of long days: of stretches that lasted so long each, and so many
/// acknowledged writes that are not there.
pub(crate) fn soak(stretches: &[Stretch], lasted: Duration, lost: usize) -> Vec<Row> {
    let (Some(first), Some(last)) = (stretches.first(), stretches.last()) else { return Vec::new() };
    let served: u64 = stretches.iter().map(|one| one.seen.served()).sum();
    let growth = stretches.iter().map(|one| 100.0 * one.growth(lasted)).fold(f64::MIN, f64::max);
    let note = if lasted < STARTED_EVERY { " (drawn out from less than 20 minutes: says little)" } else { "" };
    let log = stretches.iter().map(|one| most(&one.figures, |one| one.log)).fold(0.0, f64::max);
    vec![
        tell("served", served.to_string()),
        judge_none("not served", stretches.iter().map(|one| harmed(&one.seen)).sum()),
        judge_none("acknowledged writes that are lost", lost as u64),
        judge(&format!("growth of memory in an hour, the worst stretch{note}"), format!("{growth:.2} %"), "< 1 %", growth < 1.0),
        judge("open files, first and last stretch", format!("{} → {}", first.files(), last.files()), "no more", last.files() <= first.files()),
        judge("the database's log at its largest", format!("{log:.1} MiB"), &format!("≤ {LARGEST_LOG} MiB"), log <= LARGEST_LOG),
        tell("p99 of reads, first stretch", millis(first.seen.reads.p99())),
        judge_ratio("p99 of reads, last stretch, of the first", last.seen.reads.p99() / first.seen.reads.p99(), 1.3),
    ]
}

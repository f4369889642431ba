//! The benchmark of overload (T39 to T42) judges what it saw: of a server that does
//! worse it says so. Here it is told of such servers, without any of them.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "as in the benchmark")]

#[path = "../bench/overload/seen.rs"]
mod seen;
#[path = "../bench/overload/verdict.rs"]
mod verdict;

use std::time::Duration;

use seen::{Figures, Seen, Told, lost};
use verdict::{Knee, Row, Rush, STARTED_EVERY, Siege, Stretch};

/// A thousand reads and twenty writes that each took so many milliseconds.
fn served(read: f64, write: f64) -> Seen {
    let mut seen = Seen::default();
    for _ in 0..1_000 {
        seen.note(200, read * 1e3, None);
    }
    for nth in 0..20 {
        seen.note(201, write * 1e3, Some(format!("B-{nth}")));
    }
    seen
}

/// A hundred looks at a server whose memory is this, from 0 at the beginning to 1.
fn figures(memory: impl Fn(f64) -> f64) -> Vec<Figures> {
    (0..100).map(|nth| Figures { memory: memory(f64::from(nth) / 100.0), files: 40, work: f64::from(nth), log: 4.0 }).collect()
}

/// What is not reached.
fn missed(rows: Vec<Row>) -> Vec<String> {
    assert!(rows.iter().all(|row| !row.found.is_empty()), "{rows:?}");
    let missed = rows.into_iter().filter(|row| row.wanted.as_ref().is_some_and(|(_, is_reached)| !is_reached));
    missed.map(|row| row.what).collect()
}

/// What is missed by a server that bears a rush but for this.
fn rush(but: impl FnOnce(&mut Rush)) -> Vec<String> {
    let knee = Knee { connections: 8, rate: 100.0, seen: served(2.0, 5.0) };
    let (seen, figures) = (served(4.0, 10.0), figures(|_| 90.0));
    let mut rush = Rush { knee, time: Duration::from_secs(10), seen, figures, lost: 0, healed: Some(Duration::from_secs(1)) };
    but(&mut rush);
    missed(verdict::rush(&rush))
}

#[test]
fn t39_a_server_that_does_not_bear_a_rush_would_be_found() {
    assert_eq!(rush(|_| {}), [""; 0]);
    assert_eq!(rush(|rush| rush.time *= 2), ["goodput, of the knee's"]);
    assert_eq!(rush(|rush| rush.seen = served(9.0, 10.0)), ["p99 of reads that were served, of the knee's"]);
    assert_eq!(rush(|rush| rush.seen = served(4.0, 19.0)), ["p99 of writes that were served, of the knee's"]);
    assert_eq!(rush(|rush| rush.seen.note(503, 60_000.0, None)), ["p99 of refusals"]);
    assert_eq!(rush(|rush| rush.seen.note(503, 40_000.0, None)), [""; 0], "whoever is told so at once is told well");
    assert_eq!(rush(|rush| rush.figures = figures(|at| 90.0 + 30.0 * at)), ["memory, from a fifth of the time to the end"]);
    assert_eq!(rush(|rush| rush.seen.broken = 1), ["broken lines and other answers"]);
    assert_eq!(rush(|rush| rush.seen.note(500, 4_000.0, None)), ["broken lines and other answers"]);
    for healed in [None, Some(Duration::from_secs(11))] {
        assert_eq!(rush(|rush| rush.healed = healed), ["until p99 is as before"]);
    }
    let quick = ["p99 of reads that were served, of the knee's", "p99 of writes that were served, of the knee's"];
    let nobody = rush(|rush| rush.seen = Seen::default());
    assert!(nobody[0] == "goodput, of the knee's" && nobody[1..] == quick, "who serves nobody serves nobody quickly: {nobody:?}");
}

#[test]
fn t39_an_acknowledged_write_that_is_lost_would_be_found() {
    let mut there = served(2.0, 5.0).acknowledged;
    assert_eq!(lost(&served(2.0, 5.0).acknowledged, there.clone()), 0);
    there.retain(|number| number != "B-7");
    assert_eq!(rush(|rush| rush.lost = lost(&rush.seen.acknowledged, there)), ["acknowledged writes that are lost"]);
}

#[test]
fn t39_a_server_that_is_not_soon_as_before_would_be_found() {
    let knee = Knee { connections: 8, rate: 100.0, seen: served(2.0, 5.0) };
    let (mut refuses, mut breaks) = (served(2.0, 5.0), served(2.0, 5.0));
    refuses.note(503, 1_000.0, None);
    breaks.broken += 1;
    assert!(knee.is_as_before(&served(2.2, 5.0)));
    for worse in [served(3.0, 5.0), refuses, breaks, Seen::default()] {
        assert!(!knee.is_as_before(&worse), "{} served", worse.served());
    }
}

/// What is missed where a counter sees this beside an attack, those who attack are
/// told this, and the server takes this.
fn siege(seen: &Seen, statuses: &[u16], memory: impl Fn(f64) -> f64) -> Vec<String> {
    let (mut told, figures) = (Told { lines: 4, open: 2, ..Told::default() }, figures(memory));
    told.note(None);
    for status in statuses {
        told.note(Some(*status));
    }
    let (alone, lasted) = (served(2.0, 5.0), Duration::from_secs(4));
    missed(verdict::siege(&Siege { name: "it", right: &[408, 503], told: &told, alone: &alone, seen, before: figures[0], figures: &figures, lasted }))
}

#[test]
fn t40_a_counter_that_is_harmed_by_an_attack_would_be_found() {
    let (right, mut refused) = (served(3.0, 5.0), served(3.0, 5.0));
    refused.note(503, 1_000.0, None);
    assert_eq!(siege(&right, &[408, 408, 503], |_| 90.0), [""; 0]);
    assert_eq!(siege(&served(5.0, 5.0), &[408], |_| 90.0), ["it: p99 of the counter's reads, of that alone"]);
    assert_eq!(siege(&Seen::default(), &[408], |_| 90.0), ["it: p99 of the counter's reads, of that alone"], "who is not served is not served well");
    assert_eq!(siege(&refused, &[408], |_| 90.0), ["it: calls of the counter that were not served"]);
    assert_eq!(siege(&right, &[408, 200], |_| 90.0), ["it: answers of 4 lines; closed; open"]);
    assert_eq!(siege(&right, &[408], |at| 90.0 + 400.0 * at), ["it: more memory"]);
}

#[test]
fn t41_a_neighbour_who_harms_others_would_be_found() {
    let (alone, made, mut refused) = (served(2.0, 5.0), served(50.0, 50.0), served(2.0, 5.0));
    refused.note(503, 1_000.0, None);
    let found = |seen: &Seen| missed(verdict::neighbour("so", &made, &alone, seen));
    assert_eq!(found(&served(2.2, 5.0)), [""; 0]);
    assert_eq!(found(&served(3.0, 5.0)), ["so: p99 of the others' reads, of that without him"]);
    assert_eq!(found(&refused), ["so: others who were not served"]);
}

/// What is missed of four stretches, the last of which is like this.
fn soak(lost: usize, but: impl FnOnce(&mut Stretch)) -> Vec<String> {
    let mut stretches: Vec<Stretch> = (0..4).map(|_| Stretch { seen: served(2.0, 5.0), figures: figures(|_| 100.0) }).collect();
    but(&mut stretches[3]);
    missed(verdict::soak(&stretches, STARTED_EVERY, lost))
}

#[test]
fn t42_a_server_that_grows_day_by_day_would_be_found() {
    assert_eq!(soak(0, |_| {}), [""; 0]);
    assert_eq!(soak(0, |last| last.figures = figures(|at| 100.0 + at)), ["growth of memory in an hour, the worst stretch"], "a MiB in twenty minutes");
    assert_eq!(soak(0, |last| last.figures[99].files += 1), ["open files, first and last stretch"]);
    assert_eq!(soak(0, |last| last.figures[99].log = 65.0), ["the database's log at its largest"]);
    assert_eq!(soak(0, |last| last.seen = served(3.0, 5.0)), ["p99 of reads, last stretch, of the first"]);
    assert_eq!(soak(0, |last| last.seen.note(503, 1_000.0, None)), ["not served"]);
    assert_eq!(soak(1, |_| {}), ["acknowledged writes that are lost"]);
}

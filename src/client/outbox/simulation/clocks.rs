//! Clocks that are wrong, jump or count oddly (T16): what was typed is never lost or
//! doubled by it, goes in the order in which it was typed, and is as old as it is.

use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};

use super::one_desk::Desk;
use super::*;

/// Nights in which the clock goes back from 2:00 to 1:00, and forth from 2:00 to
/// 3:00; those around a leap day, and the last of a leap year.
const NIGHTS: [&str; 5] = [
    "2026-11-01T01:59:59-07:00[America/Los_Angeles]",
    "2027-03-14T01:59:59-08:00[America/Los_Angeles]",
    "2028-02-28T23:59:59-08:00[America/Los_Angeles]",
    "2028-02-29T23:59:59-08:00[America/Los_Angeles]",
    "2028-12-31T23:59:59+00:00[UTC]",
];

/// What is wrong, so that it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slip {
    /// The clock is put right while the program is off: nobody knows any more how
    /// old anything is.
    PutRightMeanwhile,
    /// The outbox goes by the clock on the wall, though it saw what was typed.
    GoesByTheWall,
    /// What it knows no age of it takes for typed just now.
    TakesItForNew,
    /// It takes the hands of the clock for the time, whatever the season.
    TakesHandsForTime,
    /// After the 28th of February it takes a day for the 1st of March.
    KnowsNoLeapDay,
}

/// A machine whose clock says this.
fn at(wall: Timestamp) -> Desk {
    let mut desk = Desk::new();
    desk.now.wall = wall;
    desk.signs_in();
    desk
}

/// So many years from then; less to go back.
fn years(wall: Timestamp, years: i32) -> Timestamp {
    wall.to_zoned(TimeZone::UTC).checked_add(years.years()).unwrap().timestamp()
}

/// Whether so many arrived, once each and in the order of typing, or else what did.
fn arrived(desk: &Desk, many: u64) -> Result<(), String> {
    let written: Vec<u64> = desk.server.written.iter().map(|(_, number)| *number).collect();
    if written.iter().copied().eq(0..many) { Ok(()) } else { Err(format!("{written:?} arrived of {many}")) }
}

/// What is sent now is so old, or else what it is.
fn sent_as_old_as(desk: &mut Desk, age: Duration) -> Result<(), String> {
    match desk.outbox.next(desk.now).unwrap() {
        Next::Send(letter) if letter.call.kept_for == Some(age) => Ok(()),
        Next::Send(letter) => Err(format!("it is {:?} old", letter.call.kept_for)),
        Next::In(_) | Next::Nothing => Err("nothing is sent".to_owned()),
    }
}

fn is_off_by(off: i32, slip: Option<Slip>) -> Result<(), String> {
    let right = Desk::new().now.wall;
    let mut desk = at(years(right, off));
    for _ in 0..5 {
        desk.types();
    }
    if slip == Some(Slip::PutRightMeanwhile) {
        desk.now.wall = right;
    }
    desk.crashes();
    desk.calms_down();
    arrived(&desk, 5)?;
    // Somebody puts it right, and signs in again: nothing goes twice.
    desk.now.wall = right;
    desk.signs_in();
    desk.calms_down();
    arrived(&desk, 5)?;
    let left = desk.outbox.summary().unwrap();
    if left == Summary::default() { Ok(()) } else { Err(format!("{left:?} is left")) }
}

#[test]
fn t16_a_clock_that_is_ten_years_off_sends_all_of_it_once() {
    for off in [-10, 10] {
        is_off_by(off, None).unwrap();
    }
}

fn jumps_while_something_waits(jump: i32, slip: Option<Slip>) -> Result<(), String> {
    let mut desk = Desk::new();
    desk.types();
    desk.now.wall = years(desk.now.wall, jump);
    desk.types();
    if slip == Some(Slip::GoesByTheWall) {
        desk.outbox.typed.clear();
    }
    // As old as by the clock that never jumps.
    sent_as_old_as(&mut desk, Duration::ZERO)?;
    desk.calms_down();
    // In the order of typing, whatever the clock said.
    arrived(&desk, 2)
}

#[test]
fn t16_a_clock_that_jumps_ten_years_while_something_waits_changes_nothing() {
    for jump in [-10, 10] {
        jumps_while_something_waits(jump, None).unwrap();
    }
}

/// A program ends, the clock jumps, and it begins again: whether what it kept comes
/// back with this reason.
fn jumps_while_it_is_off(jump: i32, told: &str, slip: Option<Slip>) -> Result<(), String> {
    let mut desk = Desk::new();
    desk.types();
    desk.now.wall = years(desk.now.wall, jump);
    desk.crashes();
    if slip == Some(Slip::TakesItForNew) {
        let entries = desk.outbox.entries(10).unwrap();
        desk.outbox.typed.extend(entries.into_iter().map(|entry| (entry.id, desk.now.steady)));
    }
    if !matches!(desk.outbox.next(desk.now).unwrap(), Next::Nothing) {
        return Err("it is sent".to_owned());
    }
    let entries = desk.outbox.entries(10).unwrap();
    match entries[0].reason.as_deref() {
        Some(reason) if entries[0].state == State::Refused && reason.contains(told) => Ok(()),
        reason => Err(format!("{reason:?}")),
    }
}

#[test]
fn t16_what_nobody_knows_the_age_of_comes_back_with_its_text() {
    jumps_while_it_is_off(-10, "clock was set back", None).unwrap();
    jumps_while_it_is_off(10, "more than 35 days ago", None).unwrap();
}

/// Something is typed two seconds before it is sent.
fn goes_through(night: &str, slip: Option<Slip>) -> Result<(), String> {
    let reads = |shown: &Zoned| match slip {
        Some(Slip::TakesHandsForTime) => shown.datetime().to_zoned(TimeZone::UTC).unwrap().timestamp(),
        Some(Slip::KnowsNoLeapDay) if (shown.month(), shown.day()) == (2, 29) => shown.timestamp() + Duration::from_hours(24),
        _ => shown.timestamp(),
    };
    let typed: Zoned = night.parse().unwrap();
    let mut desk = at(reads(&typed));
    desk.types();
    // The program ends in between: only the clock on the wall says how long.
    desk.crashes();
    desk.now.wall = reads(&typed.checked_add(2.seconds()).unwrap());
    sent_as_old_as(&mut desk, Duration::from_secs(2)).map_err(|fault| format!("{night}: {fault}"))?;
    desk.calms_down();
    arrived(&desk, 1)
}

#[test]
fn t16_a_leap_day_and_the_hours_that_come_twice_or_never_make_nothing_older() {
    for night in NIGHTS {
        goes_through(night, None).unwrap();
    }
}

#[test]
fn what_is_lost_doubled_or_out_of_order_would_be_found() {
    for off in [-10, 10] {
        let found = is_off_by(off, Some(Slip::PutRightMeanwhile)).unwrap_err();
        assert_eq!(found, "[] arrived of 5");
    }
    let mut desk = Desk::new();
    for wrong in [&[0, 1][..], &[0, 1, 1, 2], &[1, 0, 2]] {
        desk.server.written = wrong.iter().map(|number| ("asset 0".to_owned(), *number)).collect();
        arrived(&desk, 3).unwrap_err();
    }
}

#[test]
fn an_outbox_that_goes_by_the_clock_on_the_wall_would_be_found() {
    for jump in [-10, 10] {
        let found = jumps_while_something_waits(jump, Some(Slip::GoesByTheWall)).unwrap_err();
        assert_eq!(found, "[1] arrived of 2");
    }
}

#[test]
fn an_outbox_that_takes_for_new_what_it_knows_no_age_of_would_be_found() {
    for jump in [-10, 10] {
        let found = jumps_while_it_is_off(jump, "", Some(Slip::TakesItForNew)).unwrap_err();
        assert_eq!(found, "it is sent");
    }
}

#[test]
fn a_clock_that_is_read_wrongly_would_be_found() {
    let [back, forth, leap_day_comes, leap_day_goes, _] = NIGHTS;
    for (night, slip) in
        [(back, Slip::TakesHandsForTime), (forth, Slip::TakesHandsForTime), (leap_day_comes, Slip::KnowsNoLeapDay), (leap_day_goes, Slip::KnowsNoLeapDay)]
    {
        let found = goes_through(night, Some(slip)).unwrap_err();
        assert!(found.contains("old") || found.contains("nothing is sent"), "{found}");
    }
}

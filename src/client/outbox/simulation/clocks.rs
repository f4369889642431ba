//! Clocks that are wrong, jump or count oddly (T16): what was typed is never lost or
//! doubled by it, goes in the order in which it was typed, and is as old as it is.

use jiff::{ToSpan as _, Zoned};

use super::one_desk::{Desk, sent_now};
use super::*;

/// A machine whose clock says this.
fn at(wall: Timestamp) -> Desk {
    let mut desk = Desk::new();
    desk.now.wall = wall;
    desk.signs_in();
    desk
}

/// So many years from then; less to go back.
fn years(wall: Timestamp, years: i32) -> Timestamp {
    wall.to_zoned(jiff::tz::TimeZone::UTC).checked_add(years.years()).unwrap().timestamp()
}

fn written(desk: &Desk) -> Vec<u64> {
    desk.server.written.iter().map(|(_, number)| *number).collect()
}

#[test]
fn t16_a_clock_that_is_ten_years_off_sends_all_of_it_once() {
    for off in [-10, 10] {
        let right = Desk::new().now.wall;
        let mut desk = at(years(right, off));
        for _ in 0..5 {
            desk.types();
        }
        desk.crashes();
        desk.calms_down();
        assert_eq!(written(&desk), [0, 1, 2, 3, 4], "{off} years off");
        // Somebody puts it right, and signs in again: nothing goes twice.
        desk.now.wall = right;
        desk.signs_in();
        desk.calms_down();
        assert_eq!((written(&desk).len(), desk.outbox.summary().unwrap()), (5, Summary::default()), "{off} years off");
    }
}

#[test]
fn t16_a_clock_that_jumps_ten_years_while_something_waits_changes_nothing() {
    for jump in [-10, 10] {
        let mut desk = Desk::new();
        desk.types();
        desk.now.wall = years(desk.now.wall, jump);
        desk.types();
        let letter = sent_now(&mut desk);
        assert_eq!(letter.call.kept_for, Some(Duration::ZERO), "it is as old as by the clock that never jumps");
        desk.calms_down();
        assert_eq!(written(&desk), [0, 1], "in the order of typing, whatever the clock said");
    }
}

#[test]
fn t16_what_nobody_knows_the_age_of_comes_back_with_its_text() {
    for (jump, told) in [(-10, "clock was set back"), (10, "more than 35 days ago")] {
        let mut desk = Desk::new();
        desk.types();
        desk.now.wall = years(desk.now.wall, jump);
        desk.crashes();
        assert!(matches!(desk.outbox.next(desk.now).unwrap(), Next::Nothing), "{jump} years");
        let entries = desk.outbox.entries(10).unwrap();
        let reason = entries[0].reason.as_deref().unwrap();
        assert!(entries[0].state == State::Refused && reason.contains(told), "{jump} years: {reason}");
    }
}

#[test]
fn t16_a_leap_day_and_the_hours_that_come_twice_or_never_make_nothing_older() {
    let nights = [
        // The clock goes back from 2:00 to 1:00, and forth from 2:00 to 3:00.
        "2026-11-01T01:59:59-07:00[America/Los_Angeles]",
        "2027-03-14T01:59:59-08:00[America/Los_Angeles]",
        "2028-02-28T23:59:59-08:00[America/Los_Angeles]",
        "2028-02-29T23:59:59-08:00[America/Los_Angeles]",
        "2028-12-31T23:59:59+00:00[UTC]",
    ];
    for night in nights {
        let typed: Zoned = night.parse().unwrap();
        let mut desk = at(typed.timestamp());
        desk.types();
        // The program ends in between: only the clock on the wall says how long.
        desk.crashes();
        desk.now.wall = typed.checked_add(2.seconds()).unwrap().timestamp();
        let letter = sent_now(&mut desk);
        assert_eq!(letter.call.kept_for, Some(Duration::from_secs(2)), "{night}");
        desk.calms_down();
        assert_eq!(written(&desk), [0], "{night}");
    }
}

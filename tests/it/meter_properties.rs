//! What holds for the meter rules whatever is entered, in whatever order
//! (M-2 … M-11), on pure functions.

use countertop::rules::meter::{Accepted, Dial, DialEvent, History, MeterKind, NewReading, Point, ReadingKind, Refusal, Tenths, Unit, check, replacement};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

/// A moment counted from the machine's first day.
fn at(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + minutes * 60).unwrap()
}

/// Later than all that is entered here.
fn now() -> Timestamp {
    at(5_000_000)
}

fn hours() -> Dial {
    Dial::new(MeterKind::EngineHours, Unit::H)
}

fn normal(at: Timestamp, value: i64) -> NewReading {
    NewReading { at, value: Tenths(value), kind: ReadingKind::Normal }
}

/// A meter as it is kept: what was entered, void or not, and the events.
#[derive(Debug, Clone, Default)]
struct Meter {
    readings: Vec<Entered>,
    /// With the place of the reading a rollover came with.
    events: Vec<(Option<usize>, DialEvent)>,
}

#[derive(Debug, Clone, Copy)]
struct Entered {
    at: Timestamp,
    value: Tenths,
    void: bool,
}

impl Meter {
    fn history(&self) -> History {
        let valid = self.readings.iter().filter(|reading| !reading.void).map(|reading| (reading.at, reading.value));
        History::new(valid, self.events.iter().map(|(_, event)| *event).collect())
    }

    fn enter(&mut self, dial: &Dial, new: NewReading, overridden: bool) -> Result<Accepted, Refusal> {
        let accepted = check(dial, &self.history(), None, new, now(), overridden)?;
        self.events.extend(accepted.event.map(|event| (Some(self.readings.len()), event)));
        self.readings.push(Entered { at: new.at, value: new.value, void: false });
        Ok(accepted)
    }

    fn replace(&mut self, dial: &Dial, old_last: Tenths, new_first: Tenths, at: Timestamp) -> Result<(), Refusal> {
        let event = replacement(dial, &self.history(), old_last, new_first, at, now())?;
        self.events.push((None, event));
        Ok(())
    }

    /// As the server voids: a rollover that nothing later counts on goes too.
    fn void(&mut self, which: usize) {
        let Some(reading) = self.readings.get(which).copied().filter(|reading| !reading.void) else { return };
        let last = self.history().after(reading.at).is_none();
        self.readings[which].void = true;
        if last {
            self.events.retain(|(with, _)| *with != Some(which));
        }
    }

    /// Readings and events by time: what the machine had run at each moment.
    fn line(&self) -> Vec<(Timestamp, i64)> {
        let history = self.history();
        let read = history.points().iter().map(|point| (point.at, point.life.0));
        let mut line: Vec<(Timestamp, i64)> = read.chain(history.events().iter().map(|event| (event.at, event.life.0))).collect();
        line.sort_unstable();
        line
    }
}

/// Readings of a machine that ran at most around the clock: minutes and
/// tenths, by time.
fn series() -> impl Strategy<Value = Vec<(i64, i64)>> {
    prop::collection::vec((1_i64..20_000, 0_i64..=100), 1..25).prop_map(|steps| {
        let (mut minutes, mut value) = (0, 50);
        let stand = steps.into_iter().map(|(passed, percent)| {
            minutes += passed;
            value += passed / 6 * percent / 100;
            (minutes, value)
        });
        stand.collect()
    })
}

/// Something a counter may do, sensible or not.
#[derive(Debug, Clone, Copy)]
enum Act {
    Read { value: i64, overridden: bool },
    Roll { value: i64 },
    Replace { old_last: i64, new_first: i64 },
    Void { which: usize },
}

/// An act at some minute; values lie around what a dial of four positions
/// would show of a machine that runs around the clock.
fn acts() -> impl Strategy<Value = Vec<(i64, Act)>> {
    let shown = |minute: i64, off: i64| (minute / 6 + off).rem_euclid(100_000);
    let drawn = (0_i64..700_000, -3_000_i64..3_000, 0_i64..12_000, any::<bool>(), 0_usize..40, 0_u8..20);
    let act = drawn.prop_map(move |(minute, off, low, overridden, which, kind)| {
        let act = match kind {
            0..=11 => Act::Read { value: shown(minute, off), overridden },
            12..=14 => Act::Roll { value: low },
            15..=16 => Act::Replace { old_last: shown(minute, off), new_first: low },
            _ => Act::Void { which },
        };
        (minute, act)
    });
    prop::collection::vec(act, 1..40)
}

fn config() -> ProptestConfig {
    ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn m_3_any_entry_order_gives_the_same_life(
        (sorted, shuffled) in series().prop_flat_map(|series| (Just(series.clone()), Just(series).prop_shuffle()))
    ) {
        let mut in_order = Meter::default();
        let mut out_of_order = Meter::default();
        for (minutes, value) in sorted {
            prop_assert!(in_order.enter(&hours(), normal(at(minutes), value), false).is_ok());
        }
        for (minutes, value) in shuffled {
            let entered = out_of_order.enter(&hours(), normal(at(minutes), value), false);
            prop_assert!(entered.is_ok(), "{minutes} {value}: {entered:?}");
        }
        prop_assert_eq!(in_order.history(), out_of_order.history());
        prop_assert_eq!(in_order.history().current(), out_of_order.history().current());
    }

    #[test]
    fn m_3_distance_in_any_entry_order_gives_the_same_life(
        (sorted, shuffled) in series().prop_flat_map(|series| (Just(series.clone()), Just(series).prop_shuffle()))
    ) {
        let dial = Dial::new(MeterKind::Odometer, Unit::Mi);
        // A tenth of an hour per six minutes becomes four miles.
        let miles = |value: i64| value * 40;
        let mut in_order = Meter::default();
        let mut out_of_order = Meter::default();
        for (minutes, value) in sorted {
            prop_assert!(in_order.enter(&dial, normal(at(minutes), miles(value)), false).is_ok());
        }
        for (minutes, value) in shuffled {
            prop_assert!(out_of_order.enter(&dial, normal(at(minutes), miles(value)), false).is_ok());
        }
        prop_assert_eq!(in_order.history(), out_of_order.history());
    }

    #[test]
    fn life_never_falls_and_no_refusal_changes_anything(doings in acts()) {
        let dial = Dial { digits: 4, ..hours() };
        let mut meter = Meter::default();
        for (nth, (minute, act)) in doings.into_iter().enumerate() {
            // Each at a second of its own.
            let moment = at(minute) + SignedDuration::from_secs(i64::try_from(nth).unwrap());
            let before = meter.history();
            let outcome = match act {
                Act::Read { value, overridden } => meter.enter(&dial, normal(moment, value), overridden).map(drop),
                Act::Roll { value } => meter.enter(&dial, NewReading { at: moment, value: Tenths(value), kind: ReadingKind::Rollover }, true).map(drop),
                Act::Replace { old_last, new_first } => meter.replace(&dial, Tenths(old_last), Tenths(new_first), moment),
                Act::Void { which } => {
                    meter.void(which);
                    Ok(())
                }
            };
            if let Err(refusal) = &outcome {
                prop_assert!(meter.history() == before, "{refusal:?} changed it");
            }
            let line = meter.line();
            prop_assert!(line.is_sorted_by_key(|(_, life)| *life), "{act:?} at {moment} gave {line:?}");
            let history = meter.history();
            prop_assert_eq!(history.points().len(), meter.readings.iter().filter(|reading| !reading.void).count(), "void ones are no points");
            let highest = line.iter().map(|(_, life)| *life).max();
            prop_assert_eq!(history.current().map(|current| current.life.0), highest, "what a meter stands at is the most it ever stood at");
        }
    }

    #[test]
    fn m_11_a_void_reading_never_counts(readings in series(), place in any::<prop::sample::Index>(), typo in 10_000_i64..900_000) {
        let mut meter = Meter::default();
        let mut clean = Meter::default();
        let place = place.index(readings.len());
        for (nth, (minutes, value)) in readings.iter().copied().enumerate() {
            let reading = normal(at(minutes), value);
            prop_assert!(clean.enter(&hours(), reading, false).is_ok());
            prop_assert!(meter.enter(&hours(), reading, false).is_ok(), "after the typo was voided, all goes on");
            if nth == place {
                let wrong = normal(at(minutes) + SignedDuration::from_secs(30), value + typo);
                let entered = meter.enter(&hours(), wrong, true);
                prop_assert!(entered.is_ok_and(|accepted| accepted.overridden));
                let right = normal(at(minutes) + SignedDuration::from_secs(40), value);
                prop_assert!(matches!(meter.enter(&hours(), right, true), Err(Refusal::BelowEarlier(_))), "no override lets life fall");
                meter.void(meter.readings.len() - 1);
            }
            prop_assert_eq!(meter.history(), clean.history());
            prop_assert_eq!(meter.history().usage(), clean.history().usage());
        }
    }

    #[test]
    fn m_9_the_highest_of_a_moment_counts_in_any_order(values in prop::collection::vec(0_i64..100, 1..8)) {
        let mut meter = Meter::default();
        prop_assert!(meter.enter(&hours(), normal(at(0), 1_000), false).is_ok());
        for value in &values {
            prop_assert!(meter.enter(&hours(), normal(at(6_000), 1_000 + value), false).is_ok(), "readings of one moment do not stand in each other's way");
        }
        let highest = values.iter().max().copied();
        prop_assert_eq!(meter.history().current().map(|current| current.value.0 - 1_000), highest);
    }

    #[test]
    fn m_10_values_are_written_and_read_alike(tenths in 0_i64..99_999_999) {
        for kind in MeterKind::ALL {
            prop_assert_eq!(Tenths(tenths).plain(kind).parse::<Tenths>(), Ok(Tenths(tenths)));
        }
        prop_assert_eq!(Tenths(tenths).for_people().parse::<Tenths>(), Ok(Tenths(tenths)));
    }
}

#[test]
fn m_2_neither_to_come_nor_before_the_machine_was_there() {
    let (now, nothing) = (now(), History::default());
    let ask = |at, acquired| check(&hours(), &nothing, acquired, normal(at, 10), now, true);
    assert!(ask(now + SignedDuration::from_mins(5), None).is_ok());
    assert_eq!(ask(now + SignedDuration::from_secs(301), None), Err(Refusal::InFuture));
    assert!(ask(at(100), Some(at(100))).is_ok());
    assert_eq!(ask(at(99), Some(at(100))), Err(Refusal::BeforeAcquired(at(100))));
}

#[test]
fn m_4_what_is_too_low_is_told_with_what_stands() {
    let mut meter = Meter::default();
    meter.enter(&hours(), normal(at(0), 1_000), false).unwrap();
    let stands = Point { at: at(0), value: Tenths(1_000), life: Tenths(1_000) };
    let refusal = meter.enter(&hours(), normal(at(600), 999), true).unwrap_err();
    assert_eq!(refusal, Refusal::BelowEarlier(stands));
    assert!(!refusal.may_be_overridden());
}

#[test]
fn m_5_a_back_dated_reading_is_on_the_dial_of_its_time() {
    let dial = Dial { digits: 4, ..hours() };
    let mut meter = Meter::default();
    meter.enter(&dial, normal(at(0), 99_900), false).unwrap();
    meter.enter(&dial, NewReading { at: at(1_200), value: Tenths(40), kind: ReadingKind::Rollover }, false).unwrap();
    let late = meter.enter(&dial, normal(at(300), 99_940), false).unwrap();
    assert_eq!(late.life, Tenths(99_940));
    let next = meter.enter(&dial, normal(at(1_800), 100), false).unwrap();
    assert_eq!(next.life, Tenths(100_100));
}

#[test]
fn m_5_an_old_reading_of_the_very_moment_stays_on_the_old_round() {
    let dial = Dial { digits: 4, ..hours() };
    let mut meter = Meter::default();
    meter.enter(&dial, normal(at(0), 99_900), false).unwrap();
    meter.enter(&dial, normal(at(600), 99_950), false).unwrap();
    meter.enter(&dial, NewReading { at: at(600), value: Tenths(10), kind: ReadingKind::Rollover }, false).unwrap();
    assert_eq!(meter.line().iter().map(|(_, life)| *life).max(), Some(100_010), "{:?}", meter.line());
}

#[test]
fn m_6_the_old_dials_last_reading_may_be_of_the_very_moment() {
    let mut meter = Meter::default();
    meter.enter(&hours(), normal(at(0), 1_000), false).unwrap();
    meter.enter(&hours(), normal(at(600), 1_050), false).unwrap();
    meter.replace(&hours(), Tenths(1_050), Tenths(0), at(600)).unwrap();
    let current = meter.history().current().unwrap();
    assert_eq!((current.value, current.life), (Tenths(0), Tenths(1_050)), "{:?}", meter.line());
    assert_eq!(meter.enter(&hours(), normal(at(1_200), 20), false).unwrap().life, Tenths(1_070));
}

#[test]
fn m_6_nothing_back_dated_goes_above_what_the_old_dial_ended_with() {
    let mut meter = Meter::default();
    meter.enter(&hours(), normal(at(0), 1_000), false).unwrap();
    meter.replace(&hours(), Tenths(1_050), Tenths(0), at(1_200)).unwrap();
    assert!(meter.enter(&hours(), normal(at(900), 1_060), false).is_err());
    assert!(meter.enter(&hours(), normal(at(900), 1_050), false).is_ok());
    assert!(meter.replace(&hours(), Tenths(1_040), Tenths(0), at(600)).is_err(), "nor is a dial replaced before one that was");
    assert_eq!(meter.enter(&hours(), normal(at(1_800), 10), false).unwrap().life, Tenths(1_060));
}

//! What a meter has shown so far: its valid readings and dated events.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::dial::Tenths;

/// One valid reading on the line of a meter's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Point {
    /// When the dial was read, not when it was typed (M-3).
    pub at: Timestamp,
    /// What the dial showed.
    pub value: Tenths,
    /// What the machine has run in all.
    pub life: Tenths,
}

/// A rollover (M-5) or a replacement (M-6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DialEvent {
    /// From when on the dial counts anew.
    pub at: Timestamp,
    /// What is added to the dial from then on; negative where the new dial
    /// stands higher than the old one.
    pub offset: Tenths,
    /// The life value that stood at that moment: later ones are not below it.
    pub life: Tenths,
    /// What the dial showed right after.
    pub shows: Tenths,
}

/// Valid readings and events of one meter, in the order of their time. Void
/// readings are never among them (M-11).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    points: Vec<Point>,
    events: Vec<DialEvent>,
    /// When readings were read that stand only by an override.
    overridden: BTreeSet<Timestamp>,
}

/// How much a machine usually runs per day (M-7).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Mean increase per day, in whole units.
    pub mean: f64,
    /// Standard deviation of it.
    pub deviation: f64,
}

impl Usage {
    /// Above this increase per day a person is asked.
    #[must_use]
    pub fn unusual_above(&self) -> f64 {
        self.mean + 3.0 * self.deviation
    }
}

impl History {
    /// A history from dial values as they were read and the events between.
    #[must_use]
    pub fn new(readings: impl IntoIterator<Item = (Timestamp, Tenths)>, mut events: Vec<DialEvent>) -> Self {
        events.sort_by_key(|event| event.at);
        let mut history = Self { points: Vec::new(), events, overridden: BTreeSet::new() };
        history.points = readings.into_iter().map(|(at, value)| Point { at, value, life: history.life_of(at, value) }).collect();
        history.points.sort_by_key(|point| (point.at, point.life));
        history
    }

    /// With the times of readings that stand only by an override: they count,
    /// but say nothing of what is usual (M-7).
    #[must_use]
    pub fn with_overridden(mut self, times: impl IntoIterator<Item = Timestamp>) -> Self {
        self.overridden = times.into_iter().collect();
        self
    }

    /// The life value of a dial value read at that time (M-5, M-6). At the very
    /// moment of an event the value is the old dial's, if it can be: its last
    /// reading often is.
    #[must_use]
    pub fn life_of(&self, at: Timestamp, value: Tenths) -> Tenths {
        let mut life = value.0;
        for event in self.events.iter().filter(|event| event.at <= at) {
            let of_old_dial = event.at == at && value != event.shows && life <= event.life.0;
            if !of_old_dial {
                life += event.offset.0;
            }
        }
        Tenths(life)
    }

    /// The valid readings by time.
    #[must_use]
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The events by time.
    #[must_use]
    pub fn events(&self) -> &[DialEvent] {
        &self.events
    }

    /// What the meter stands at: the highest of the last readings (M-9), or
    /// what a newer replacement began with.
    #[must_use]
    pub fn current(&self) -> Option<Point> {
        let read = self.points.last().copied();
        let begun = self.events.last().map(|event| Point { at: event.at, value: event.shows, life: event.life });
        match (read, begun) {
            (Some(read), Some(begun)) if begun.at >= read.at && begun.life >= read.life => Some(begun),
            (None, begun) => begun,
            (read, _) => read,
        }
    }

    /// What a reading at that time with that life must not fall below: the
    /// nearest valid reading before it, or a rollover or replacement.
    #[must_use]
    pub fn before(&self, at: Timestamp, life: Tenths) -> Option<Point> {
        let read = self.points.iter().rev().find(|point| point.at < at).copied();
        let passed = |event: &&DialEvent| event.at < at || event.at == at && event.life <= life;
        let event = self.events.iter().rev().find(passed).map(|event| Point { at: event.at, value: event.shows, life: event.life });
        match (read, event) {
            (Some(read), Some(event)) if event.at >= read.at && event.life >= read.life => Some(event),
            (None, event) => event,
            (read, _) => read,
        }
    }

    /// What a reading at that time must not rise above: the nearest valid
    /// reading after it, or the old dial's last value.
    #[must_use]
    pub fn after(&self, at: Timestamp) -> Option<Point> {
        let read = self.points.iter().find(|point| point.at > at).copied();
        let event = self.events.iter().find(|event| event.at > at).map(|event| Point { at: event.at, value: self.old_dial(event), life: event.life });
        match (read, event) {
            (Some(read), Some(event)) if event.at < read.at => Some(event),
            (None, event) => event,
            (read, _) => read,
        }
    }

    /// What the old dial showed last at an event.
    fn old_dial(&self, event: &DialEvent) -> Tenths {
        let offset: i64 = self.events.iter().filter(|before| before.at < event.at).map(|before| before.offset.0).sum();
        Tenths(event.life.0 - offset)
    }

    /// Where a job's own reading is void: the valid one nearest in time (M-16).
    #[must_use]
    pub fn nearest(&self, at: Timestamp) -> Option<Point> {
        self.points.iter().min_by_key(|point| point.at.duration_since(at).abs()).copied()
    }

    /// Usage per day from the last reading of each day, once there are three
    /// valid readings (M-7).
    #[must_use]
    pub fn usage(&self) -> Option<Usage> {
        if self.points.len() < 3 {
            return None;
        }
        let mut days: Vec<Point> = Vec::new();
        for point in &self.points {
            match days.last_mut() {
                Some(last) if same_day(last.at, point.at) => *last = *point,
                _ => days.push(*point),
            }
        }
        let usual = days.windows(2).filter(|pair| !self.overridden.contains(&pair[1].at));
        let rates: Vec<f64> = usual.map(|pair| per_day(pair[0], pair[1])).collect();
        if rates.is_empty() {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a count of readings")]
        let count = rates.len() as f64;
        let mean = rates.iter().sum::<f64>() / count;
        let variance = rates.iter().map(|rate| (rate - mean).powi(2)).sum::<f64>() / count;
        Some(Usage { mean, deviation: variance.sqrt() })
    }
}

/// Increase per day in whole units; less than a day counts as one.
#[must_use]
pub(super) fn per_day(from: Point, to: Point) -> f64 {
    let days = (to.at.duration_since(from.at).as_secs_f64() / 86_400.0).max(1.0);
    #[expect(clippy::cast_precision_loss, reason = "tenths stay far below 2^52")]
    let rise = (to.life.0 - from.life.0) as f64 / 10.0;
    rise / days
}

fn same_day(a: Timestamp, b: Timestamp) -> bool {
    a.as_second().div_euclid(86_400) == b.as_second().div_euclid(86_400)
}

/// A reading older than 30 days is shown stale (M-13).
#[must_use]
pub fn is_stale(read_at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(read_at) > SignedDuration::from_hours(30 * 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + day * 86_400).unwrap()
    }

    #[test]
    fn m_9_the_highest_reading_of_a_day_is_current() {
        let history = History::new([(day(1), Tenths(100)), (day(2), Tenths(300)), (day(2), Tenths(200))], Vec::new());
        assert_eq!(history.current().unwrap().value, Tenths(300));
    }

    #[test]
    fn m_7_an_overridden_reading_is_not_what_is_usual() {
        let readings = [(day(1), Tenths(100)), (day(2), Tenths(200)), (day(3), Tenths(9_000)), (day(4), Tenths(9_100))];
        let history = History::new(readings, Vec::new()).with_overridden([day(3)]);
        assert_eq!(history.usage(), Some(Usage { mean: 10.0, deviation: 0.0 }));
        assert_eq!(history.current().unwrap().value, Tenths(9_100), "it counts all the same");
    }

    #[test]
    fn m_13_thirty_days_are_fresh_and_one_more_is_stale() {
        assert!(!is_stale(day(0), day(30)));
        assert!(is_stale(day(0), day(31)));
    }

    #[test]
    fn m_16_a_void_reading_is_estimated_by_the_nearest() {
        let history = History::new([(day(1), Tenths(100)), (day(9), Tenths(900))], Vec::new());
        assert_eq!(history.nearest(day(7)).unwrap().value, Tenths(900));
        assert_eq!(history.nearest(day(4)).unwrap().value, Tenths(100));
    }

    #[test]
    fn m_6_life_goes_on_when_a_dial_is_replaced() {
        let replaced = DialEvent { at: day(5), offset: Tenths(1_000 - 50), life: Tenths(1_000), shows: Tenths(50) };
        let history = History::new([(day(1), Tenths(900)), (day(8), Tenths(60))], vec![replaced]);
        assert_eq!(history.points().iter().map(|point| point.life.0).collect::<Vec<_>>(), [900, 1_010]);
        assert_eq!(history.life_of(day(4), Tenths(950)), Tenths(950), "a back-dated reading is on the old dial");
    }
}

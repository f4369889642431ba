//! Whether a new reading may stand, and why not.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::dial::{Dial, Tenths};
use super::history::{DialEvent, History, Point, per_day};

/// How far a clock may be ahead (M-2).
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

/// What sort of reading is entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadingKind {
    /// What the dial shows.
    #[default]
    Normal,
    /// The dial passed its last number and began again (M-5).
    Rollover,
}

/// A reading as it comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewReading {
    /// When the dial was read.
    pub at: Timestamp,
    /// What it showed.
    pub value: Tenths,
    /// Plain or rolled over.
    pub kind: ReadingKind,
}

/// A reading that may stand.
#[derive(Debug, Clone, PartialEq)]
pub struct Accepted {
    /// The machine's life at that time.
    pub life: Tenths,
    /// The dial event it brings along (M-5).
    pub event: Option<DialEvent>,
    /// Something a person should look at.
    pub warning: Option<Warning>,
    /// Equal to the last one: no use since (M-9).
    pub no_use: bool,
    /// It stands only because of an override (M-7, M-8).
    pub overridden: bool,
}

/// A reading that stands but looks odd (M-7).
#[derive(Debug, Clone, PartialEq)]
pub struct Warning {
    /// Its increase per day, in whole units.
    pub per_day: f64,
    /// What is usual.
    pub usual: f64,
}

/// Why a reading may not stand. None of them changes anything.
#[derive(Debug, Clone, PartialEq)]
pub enum Refusal {
    /// More than five minutes ahead (M-2).
    InFuture,
    /// Before there were such machines: a slip of the hand.
    TooLongAgo,
    /// Before the machine was acquired (M-2).
    BeforeAcquired(Timestamp),
    /// More positions than the dial has.
    TooManyDigits(u8),
    /// Tenths on a dial without (M-10).
    NoTenths,
    /// Below the nearest earlier reading (M-3, M-4).
    BelowEarlier(Point),
    /// Above the nearest later reading (M-3).
    AboveLater(Point),
    /// More per day than a machine can do (M-7).
    TooMuchPerDay {
        /// Its increase per day.
        per_day: f64,
        /// The limit of the meter.
        limit: Tenths,
    },
    /// Hours that outran the clock (M-8).
    FasterThanClock {
        /// Hours added.
        rise: Tenths,
        /// Hours that passed.
        elapsed: f64,
    },
    /// Not from the top tenth of the dial to the lowest (M-5).
    NoRollover,
    /// A rollover or replacement before readings that already stand.
    NotLast(Point),
}

impl Refusal {
    /// Whether an override with a reason lets it pass (M-7, M-8); a falling
    /// value never does, for the life value never falls.
    #[must_use]
    pub const fn may_be_overridden(&self) -> bool {
        matches!(self, Self::TooMuchPerDay { .. } | Self::FasterThanClock { .. })
    }

    /// The machine name of the problem.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InFuture => "reading.in_future",
            Self::TooLongAgo => "reading.too_long_ago",
            Self::BeforeAcquired(_) => "reading.before_acquired",
            Self::TooManyDigits(_) => "reading.digits",
            Self::NoTenths => "reading.decimals",
            Self::BelowEarlier(_) => "reading.too_low",
            Self::AboveLater(_) => "reading.above_later",
            Self::TooMuchPerDay { .. } => "reading.too_high",
            Self::FasterThanClock { .. } => "reading.faster_than_clock",
            Self::NoRollover => "reading.no_rollover",
            Self::NotLast(_) => "reading.not_last",
        }
    }

    /// One clear sentence that says what is wrong and what to do, with days as
    /// they are in `zone`. Of an override those only are told who may (M-14).
    #[must_use]
    pub fn sentence(&self, dial: &Dial, value: Tenths, zone: &TimeZone) -> String {
        let unit = dial.unit.name();
        let value = value.for_people();
        let day = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%-d %b %Y").to_string();
        let stands = |point: &Point| format!("{} of {}", point.value.for_people(), day(point.at));
        match self {
            Self::InFuture => "This time is still to come. Enter when the dial was read.".to_owned(),
            Self::TooLongAgo => "This time is before 1970. Enter when the dial was read.".to_owned(),
            Self::BeforeAcquired(at) => format!("The machine was acquired on {}. Enter a later time.", day(*at)),
            Self::TooManyDigits(digits) => format!("{value} has more positions than this dial ({digits}). Read it again."),
            Self::NoTenths => format!("This meter shows whole {unit}. Leave out the decimal."),
            Self::BelowEarlier(point) => {
                format!("{value} is below {}. Correct it, void the earlier one, or say that the meter rolled over or was replaced.", stands(point))
            }
            Self::AboveLater(point) => format!("{value} is above {}, which came later. Correct the value or the time.", stands(point)),
            Self::TooMuchPerDay { per_day, limit } => {
                format!("That is {per_day:.0} {unit} a day; more than {} cannot be. Read it again.", limit.for_people())
            }
            Self::FasterThanClock { rise, elapsed } => {
                format!("{} hours were added in {elapsed:.1} hours on the clock. Read it again.", rise.for_people())
            }
            Self::NoRollover => "A dial rolls over from its last tenth to its first. Enter what it shows, or say that the meter was replaced.".to_owned(),
            Self::NotLast(point) => format!("{} stands after this time. Void it first.", stands(point)),
        }
    }
}

impl Warning {
    /// What a person is asked, in the message table's words (6.2).
    #[must_use]
    pub fn sentence(&self, dial: &Dial) -> String {
        let unit = dial.unit.name();
        format!("That is {:.0} {unit} in one day; this machine's usual is {:.0}.", self.per_day, self.usual)
    }
}

/// Checks a new reading against all that stands (M-2 … M-10, M-15: nothing is
/// refused for coming early).
///
/// # Errors
/// The first [`Refusal`] that no override covers, or one that an override would
/// cover when `overridden` is false.
pub fn check(dial: &Dial, history: &History, acquired: Option<Timestamp>, new: NewReading, now: Timestamp, overridden: bool) -> Result<Accepted, Refusal> {
    check_alone(dial, acquired, new, now)?;
    let event = if new.kind == ReadingKind::Rollover { Some(rollover(dial, history, new)?) } else { None };
    let life = match event {
        Some(event) => event.life,
        None => history.life_of(new.at, new.value),
    };
    let point = Point { at: new.at, value: new.value, life };
    let (earlier, later) = (history.before(new.at, life), history.after(new.at));
    if let Some(earlier) = earlier.filter(|earlier| life < earlier.life) {
        return Err(Refusal::BelowEarlier(earlier));
    }
    if let Some(later) = later.filter(|later| life > later.life) {
        return Err(Refusal::AboveLater(later));
    }
    let pace = earlier.map_or(Ok(()), |earlier| check_pace(dial, earlier, point)).and_then(|()| later.map_or(Ok(()), |later| check_pace(dial, point, later)));
    let needs_override = match pace {
        Err(refusal) if !overridden => return Err(refusal),
        other => other.is_err(),
    };
    Ok(Accepted {
        life,
        event,
        warning: earlier.and_then(|earlier| warning(history, earlier, point)),
        no_use: earlier.is_some_and(|earlier| earlier.life == life),
        overridden: needs_override,
    })
}

/// What can be said without the history.
fn check_alone(dial: &Dial, acquired: Option<Timestamp>, new: NewReading, now: Timestamp) -> Result<(), Refusal> {
    if new.at > now + TOLERANCE {
        return Err(Refusal::InFuture);
    }
    if new.at < Timestamp::UNIX_EPOCH {
        return Err(Refusal::TooLongAgo);
    }
    if let Some(acquired) = acquired.filter(|acquired| new.at < *acquired) {
        return Err(Refusal::BeforeAcquired(acquired));
    }
    if new.value >= dial.rollover_at() {
        return Err(Refusal::TooManyDigits(dial.digits));
    }
    if !dial.tenths && new.value.has_fraction() {
        return Err(Refusal::NoTenths);
    }
    Ok(())
}

fn rollover(dial: &Dial, history: &History, new: NewReading) -> Result<DialEvent, Refusal> {
    if let Some(later) = history.after(new.at) {
        return Err(Refusal::NotLast(later));
    }
    let top = dial.rollover_at().0;
    let last = history.points().last().copied().into_iter().chain(history.before(new.at, Tenths(i64::MAX))).max_by_key(|point| point.life);
    let from_the_top = last.is_some_and(|last| last.value.0 >= top / 10 * 9);
    if !from_the_top || new.value.0 > top / 10 {
        return Err(Refusal::NoRollover);
    }
    let offset: i64 = history.events().iter().map(|event| event.offset.0).sum();
    Ok(DialEvent { at: new.at, offset: Tenths(top), life: Tenths(new.value.0 + offset + top), shows: new.value })
}

fn check_pace(dial: &Dial, from: Point, to: Point) -> Result<(), Refusal> {
    if dial.kind.is_hours() && to.at > from.at {
        let rise = Tenths(to.life.0 - from.life.0);
        let elapsed = to.at.duration_since(from.at).as_secs_f64() / 3_600.0;
        #[expect(clippy::cast_precision_loss, reason = "tenths stay far below 2^52")]
        if rise.0 as f64 / 10.0 > elapsed + 1.0 {
            return Err(Refusal::FasterThanClock { rise, elapsed });
        }
    }
    let Some(limit) = dial.max_per_day else { return Ok(()) };
    let pace = per_day(from, to);
    #[expect(clippy::cast_precision_loss, reason = "tenths stay far below 2^52")]
    let most = limit.0 as f64 / 10.0;
    // Hours have the clock itself as their limit, with its one hour of grace.
    if pace > most && !dial.kind.is_hours() { Err(Refusal::TooMuchPerDay { per_day: pace, limit }) } else { Ok(()) }
}

fn warning(history: &History, earlier: Point, new: Point) -> Option<Warning> {
    let usage = history.usage()?;
    let pace = per_day(earlier, new);
    (pace > usage.unusual_above() + 1e-9).then_some(Warning { per_day: pace, usual: usage.mean })
}

/// The event of a replaced meter: the old dial's last value, the new one's
/// first, and from when (M-6). Life goes on where it stood.
///
/// # Errors
/// [`Refusal`] when the old value is below what stands, either value does not
/// fit the dial, the time is to come, or readings stand after it.
pub fn replacement(dial: &Dial, history: &History, old_last: Tenths, new_first: Tenths, at: Timestamp, now: Timestamp) -> Result<DialEvent, Refusal> {
    for value in [old_last, new_first] {
        check_alone(dial, None, NewReading { at, value, kind: ReadingKind::Normal }, now)?;
    }
    if let Some(later) = history.after(at) {
        return Err(Refusal::NotLast(later));
    }
    let life = history.life_of(at, old_last);
    // A reading at the very same moment was the old dial's last one too.
    let standing = history.points().last().copied().into_iter().chain(history.before(at, life)).max_by_key(|point| point.life);
    if let Some(standing) = standing.filter(|standing| life < standing.life) {
        return Err(Refusal::BelowEarlier(standing));
    }
    Ok(DialEvent { at, offset: Tenths(old_last.0 - new_first.0), life, shows: new_first })
}

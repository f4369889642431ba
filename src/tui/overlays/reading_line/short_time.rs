//! Times as people type them: `-1d`, `9:30`, `20 9:30`, `2026-11-20 9:30`.

use jiff::civil::{Date, Time};
use jiff::{Span, Timestamp, ToSpan as _, Zoned};

use crate::tui::shared::Shared;

/// The moment a text means, none where nothing was typed.
///
/// # Errors
/// How to write it.
pub(in crate::tui::overlays) fn short_time(text: &str, shared: &Shared) -> Result<Option<Timestamp>, String> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let now = shared.now.to_zoned(shared.zone());
    read(text, &now).map(Some).ok_or_else(|| "write -1d, 9:30, 20 9:30 or 2026-11-20 9:30".to_owned())
}

/// The same moment, to the minute, as a text that means it whenever it is read.
pub(in crate::tui::overlays) fn lasting(at: Timestamp, shared: &Shared) -> String {
    in_full(&at.to_zoned(shared.zone()))
}

fn in_full(at: &Zoned) -> String {
    at.strftime("%Y-%m-%d %H:%M").to_string()
}

fn read(text: &str, now: &Zoned) -> Option<Timestamp> {
    if let Some(back) = text.strip_prefix('-') {
        return ago(back, now);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let (day, time) = match text.split_once(' ') {
        Some((day, time)) => (Some(day), Some(clock(time)?)),
        None if text.contains(':') => (None, Some(clock(text)?)),
        None => (Some(text), None),
    };
    let date = match day {
        Some(day) => date(day, now)?,
        None => now.date(),
    };
    let time = time.unwrap_or_else(|| now.time());
    Some(date.to_datetime(time).to_zoned(now.time_zone().clone()).ok()?.timestamp())
}

fn ago(back: &str, now: &Zoned) -> Option<Timestamp> {
    let (count, unit) = back.split_at_checked(back.len().checked_sub(1)?)?;
    let count: i64 = count.parse().ok()?;
    let span = match unit {
        "w" => Span::new().try_weeks(count),
        "d" => Span::new().try_days(count),
        "h" => Span::new().try_hours(count),
        "m" => Span::new().try_minutes(count),
        _ => return None,
    };
    Some(now.checked_sub(span.ok()?).ok()?.timestamp())
}

fn clock(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
}

/// `2026-11-20`, or the last day with that number.
fn date(text: &str, now: &Zoned) -> Option<Date> {
    if let Ok(date) = text.parse::<Date>() {
        return Some(date);
    }
    let day: i8 = text.parse().ok()?;
    let today = now.date();
    let mut month = today.first_of_month();
    for _ in 0..12 {
        if let Ok(found) = Date::new(month.year(), month.month(), day)
            && found <= today
        {
            return Some(found);
        }
        month = month.checked_sub(1.month()).ok()?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_times_in_few_keys() {
        let now: Zoned = "2026-11-21T14:00:00-08:00[America/Los_Angeles]".parse().unwrap();
        let at = |text: &str| read(text, &now).map(|at| at.to_zoned(now.time_zone().clone()).strftime("%Y-%m-%d %H:%M").to_string());
        assert_eq!(at("-1d").as_deref(), Some("2026-11-20 14:00"));
        assert_eq!(at("-90m").as_deref(), Some("2026-11-21 12:30"));
        assert_eq!(at("9:30").as_deref(), Some("2026-11-21 09:30"));
        assert_eq!(at("20 9:30").as_deref(), Some("2026-11-20 09:30"));
        assert_eq!(at("25 9:30").as_deref(), Some("2026-10-25 09:30"), "the 25th is still to come, so the last one is meant");
        assert_eq!(at("2026-11-19").as_deref(), Some("2026-11-19 14:00"));
        let yesterday = read("-1d", &now).unwrap().to_zoned(now.time_zone().clone());
        assert_eq!(at(&in_full(&yesterday)).as_deref(), Some("2026-11-20 14:00"), "whenever it is read");
        for bad in ["-1x", "-1ä", "-", "x", "25:00", "9:75", "40 9:30"] {
            assert_eq!(at(bad), None, "{bad}");
        }
    }
}

//! When a call is tried again, and after what pause: soon where the line broke,
//! and not before the server wants it where that is busy.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

/// Pauses before the second and third try.
const PAUSES: [Duration; 2] = [Duration::from_millis(150), Duration::from_millis(600)];
/// Whoever is to wait longer is told so instead.
const LONGEST: Duration = Duration::from_secs(10);

/// Whether another try may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    /// It will not.
    No,
    /// It may, soon.
    Soon,
    /// The server is busy and says when it may help.
    After(Duration),
}

impl Again {
    /// What an answer says of another try. What cannot be read in the header is
    /// no leave to come soon.
    pub(super) fn told(status: StatusCode, headers: &HeaderMap) -> Self {
        let passes = matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT);
        match headers.get(RETRY_AFTER) {
            None if passes => Self::Soon,
            Some(asked) if status == StatusCode::SERVICE_UNAVAILABLE => {
                let seconds = asked.to_str().ok().and_then(|asked| asked.trim().parse().ok());
                seconds.map_or(Self::No, |seconds| Self::After(Duration::from_secs(seconds)))
            }
            _ => Self::No,
        }
    }

    /// The pause before the try after so many; none where it was the last.
    /// `jitter` lies between 0 and 1: those who were refused together must not
    /// come back together.
    pub(super) fn pause(self, tries: usize, is_read: bool, may_be_repeated: bool, jitter: f64) -> Option<Duration> {
        let shortest = *PAUSES.get(tries)?;
        let pause = match self {
            Self::Soon if may_be_repeated => shortest,
            Self::After(asked) if is_read && asked <= LONGEST => asked.max(shortest),
            _ => return None,
        };
        Some(pause.mul_f64(1.0 + jitter / 2.0))
    }
}

/// For how long an answer asks to be left alone: so many seconds, or until then.
pub(super) fn asked(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let asked = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let until = || Duration::try_from(rfc2822::parse(asked).ok()?.timestamp().duration_since(now)).ok();
    asked.parse().ok().map(Duration::from_secs).or_else(until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_asked_for_seconds_or_for_a_date() {
        let now: Timestamp = "2026-10-21T07:26:00Z".parse().unwrap();
        let told = |words: &'static str| asked(&[(RETRY_AFTER, reqwest::header::HeaderValue::from_static(words))].into_iter().collect(), now);
        assert_eq!((told("120"), told("Wed, 21 Oct 2026 07:28:00 GMT")), (Some(Duration::from_mins(2)), Some(Duration::from_mins(2))));
        assert_eq!((told("Wed, 21 Oct 2026 07:25:00 GMT"), told("soon")), (None, None), "that is over, and that is nothing");
    }

    fn told(status: StatusCode, asked: Option<&'static str>) -> Again {
        let headers = asked.map(|asked| (RETRY_AFTER, reqwest::header::HeaderValue::from_static(asked))).into_iter().collect();
        Again::told(status, &headers)
    }

    #[test]
    fn a_busy_server_says_when_to_come_back() {
        let busy = StatusCode::SERVICE_UNAVAILABLE;
        assert_eq!(told(busy, Some("3")), Again::After(Duration::from_secs(3)));
        assert_eq!(told(busy, Some("Wed, 21 Oct 2026 07:28:00 GMT")), Again::No);
        assert_eq!(told(busy, None), Again::Soon);
        assert_eq!(told(StatusCode::TOO_MANY_REQUESTS, Some("3")), Again::No, "who guesses passwords waits himself");
        assert_eq!(told(StatusCode::NOT_FOUND, None), Again::No);
    }

    #[test]
    fn nobody_comes_back_too_early_too_often_or_all_at_once() {
        let asked = Again::After(Duration::from_secs(4));
        assert_eq!(asked.pause(0, true, true, 0.0), Some(Duration::from_secs(4)));
        assert_eq!(asked.pause(1, true, true, 1.0), Some(Duration::from_secs(6)));
        assert_eq!(asked.pause(2, true, true, 0.0), None, "two tries more at the most");
        assert_eq!(asked.pause(0, false, true, 0.0), None, "a write is told of it");
        assert_eq!(Again::After(Duration::ZERO).pause(1, true, true, 0.0), Some(PAUSES[1]), "never at once");
        assert_eq!(Again::After(Duration::from_hours(1)).pause(0, true, true, 0.0), None);
        assert_eq!(Again::Soon.pause(0, false, true, 0.0), Some(PAUSES[0]));
        assert_eq!(Again::Soon.pause(0, false, false, 0.0), None);
        assert_eq!(Again::No.pause(0, true, true, 0.0), None);
    }
}

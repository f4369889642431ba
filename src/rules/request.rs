//! The life of a service request (2.6): which state may follow which, what
//! "outstanding" means, and when a pre-defined service stands twice (S2-45).

use serde::{Deserialize, Serialize};

/// States of a service request, in the order of its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RequestStatus {
    /// Begun, not yet sent.
    Draft,
    /// Sent; the shop has not answered.
    Submitted,
    /// The shop will do it.
    Accepted,
    /// The shop will not do it.
    Declined,
    /// Has an appointment.
    Scheduled,
    /// The machine is being worked on.
    InProgress,
    /// The work is done.
    Completed,
    /// Everything is settled.
    Closed,
    /// Cancelled, with a reason.
    Cancelled,
}

impl RequestStatus {
    /// Every state, in order.
    pub const ALL: [Self; 9] =
        [Self::Draft, Self::Submitted, Self::Accepted, Self::Declined, Self::Scheduled, Self::InProgress, Self::Completed, Self::Closed, Self::Cancelled];

    /// The name in the database, in JSON and in CSV.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Scheduled => "scheduled",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Closed => "closed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }

    /// The states that may follow this one. `closed → in_progress` is the
    /// reopening, within 30 days and with its own permission.
    #[must_use]
    pub const fn next(self) -> &'static [Self] {
        match self {
            Self::Draft => &[Self::Submitted],
            Self::Submitted => &[Self::Accepted, Self::Declined, Self::Cancelled],
            Self::Accepted => &[Self::Scheduled, Self::Cancelled],
            Self::Scheduled => &[Self::InProgress, Self::Cancelled],
            Self::InProgress => &[Self::Completed],
            Self::Completed => &[Self::Closed],
            Self::Closed => &[Self::InProgress],
            Self::Declined | Self::Cancelled => &[],
        }
    }

    /// Whether `next` may follow this state.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        self.next().contains(&next)
    }

    /// Outstanding = submitted, accepted, scheduled or in progress (S2-21).
    #[must_use]
    pub const fn is_outstanding(self) -> bool {
        matches!(self, Self::Submitted | Self::Accepted | Self::Scheduled | Self::InProgress)
    }

    /// Only a submitted request may be accepted or declined (S3-41).
    #[must_use]
    pub const fn may_be_answered(self) -> bool {
        matches!(self, Self::Submitted)
    }

    /// How a person at the counter says it.
    #[must_use]
    pub fn in_words(self) -> String {
        self.name().replace('_', " ")
    }
}

/// The words for an urgency of 1 to 4 (2.6).
#[must_use]
pub const fn urgency_in_words(urgency: i64) -> &'static str {
    match urgency {
        1 => "down, emergency",
        2 => "high",
        3 => "normal",
        _ => "when convenient",
    }
}

/// Which of the wanted services stand already in an outstanding request (S2-45).
pub fn already_outstanding<'a>(wanted: &'a [String], outstanding: &'a [String]) -> impl Iterator<Item = &'a String> {
    wanted.iter().filter(|code| outstanding.contains(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use RequestStatus::{Accepted, Cancelled, Closed, Declined, InProgress, Submitted};

    #[test]
    fn s3_41_only_what_was_submitted_is_answered() {
        let answerable: Vec<_> = RequestStatus::ALL.into_iter().filter(|status| status.may_be_answered()).collect();
        assert_eq!(answerable, [Submitted]);
        assert!(Submitted.may_become(Accepted) && Submitted.may_become(Declined));
    }

    #[test]
    fn final_states_stay_final_but_for_reopening() {
        assert!(Declined.next().is_empty() && Cancelled.next().is_empty());
        assert_eq!(Closed.next(), [InProgress]);
        for status in RequestStatus::ALL {
            assert!(!status.may_become(status));
            assert!(!status.may_become(RequestStatus::Draft));
        }
    }

    #[test]
    fn s2_21_outstanding_has_four_states() {
        let outstanding = RequestStatus::ALL.into_iter().filter(|status| status.is_outstanding()).count();
        assert_eq!(outstanding, 4);
        for status in RequestStatus::ALL {
            assert_eq!(RequestStatus::named(status.name()), Some(status));
        }
    }
}

//! How long a search may take before the screen says that it searches. Most
//! answers are quicker than an eye: a word that flashes up would say nothing and
//! is bytes on a slow line.

use std::time::Duration;

use super::super::super::event::Ticket;
use super::super::super::layer::Cx;

/// From here on somebody wonders whether anything happens.
const PATIENCE: Duration = Duration::from_millis(100);

/// Where the waiting for the first answer stands.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Patience {
    /// Nothing is waited for.
    #[default]
    AtEase,
    /// It is too early to say so.
    Until(Ticket),
    Over,
}

impl Patience {
    /// Begins and ends with the waiting.
    pub(super) fn keep(&mut self, is_waiting: bool, cx: &mut Cx<'_>) {
        if !is_waiting {
            *self = Self::AtEase;
        } else if *self == Self::AtEase {
            *self = Self::Until(cx.wake(PATIENCE));
        }
    }

    /// The time is over that it asked to be woken after.
    pub(super) fn wake(&mut self, ticket: Ticket) {
        if *self == Self::Until(ticket) {
            *self = Self::Over;
        }
    }
}

//! What a handler may fail with, and how that is answered: a problem is sent
//! as it is; a failure of ours is logged with its cause and told without it.

use super::gate;
use crate::api::problem::Problem;
use crate::store::{Outage, StoreError};

/// Why an operation was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// The caller is told so.
    #[error(transparent)]
    Problem(#[from] Problem),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Something else of ours failed.
    #[error("{0}")]
    Ours(String),
}

impl Fault {
    /// The problem that is answered; what is ours goes to the log.
    pub(crate) fn into_problem(self) -> Problem {
        match self {
            Self::Problem(problem) => problem,
            Self::Store(StoreError::Taken) => Problem::new("conflict", "Somebody else entered the same just now. Load it again."),
            Self::Store(error) if error.outage().is_some() => {
                tracing::warn!(cause = %error, "the database cannot serve just now");
                if error.outage() == Some(Outage::Busy) { gate::busy() } else { unreachable() }
            }
            Self::Store(StoreError::Full(cause)) => {
                tracing::error!(%cause, "the database has no room left");
                Problem::new(
                    "storage.full",
                    "The server's disk is full: nothing was saved. What is there can be read. Tell your administrator, and send it again then.",
                )
            }
            Self::Store(StoreError::Disk(cause)) => {
                tracing::error!(%cause, "the disk of the database fails");
                Problem::new("storage.failed", "The server's disk fails: nothing was saved. Try again, and tell your administrator if it stays.")
            }
            other => {
                tracing::error!(cause = %other, "an operation failed");
                Problem::new("server.failed", "The server failed; nothing was changed. Try again, and tell your administrator the request id if it stays.")
            }
        }
    }
}

/// After so many seconds another try makes sense: a database that is started
/// anew, or another in its place, is not there at once.
const COME_AGAIN: u64 = 2;

/// Whether a write was kept nobody knows when the line breaks in its last
/// moment: its key does.
fn unreachable() -> Problem {
    let detail = "The database does not answer just now. Send it again in a moment: what is sent under the same key counts once.";
    Problem { retry_after: Some(COME_AGAIN), ..Problem::new("database.unreachable", detail) }
}

/// A write that took too long may stand all the same.
pub(crate) fn given_up() -> Problem {
    let detail = "This took too long, and nobody knows whether it was done. Send it again in a moment: what is sent under the same key counts once.";
    Problem { detail: detail.to_owned(), ..gate::busy() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_that_took_too_long_is_not_said_to_be_undone() {
        let told = given_up();
        assert_eq!((told.status, told.code.as_str(), told.retry_after), (503, "server.busy", Some(1)));
        assert!(told.detail.contains("nobody knows") && told.detail.contains("the same key"), "{}", told.detail);
    }

    #[test]
    fn an_outage_says_when_to_come_again() {
        let told = |error: sqlx::Error| Fault::Store(error.into()).into_problem();
        let (busy, gone) = (told(sqlx::Error::PoolTimedOut), told(sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into())));
        assert_eq!((busy.status, busy.code.as_str(), busy.retry_after), (503, "server.busy", Some(1)));
        assert_eq!((gone.status, gone.code.as_str(), gone.retry_after), (503, "database.unreachable", Some(2)));
        let ours = told(sqlx::Error::RowNotFound);
        assert_eq!((ours.status, ours.code.as_str()), (500, "server.failed"));
    }
}

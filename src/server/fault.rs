//! What a handler may fail with, and how that is answered: a problem is sent
//! as it is; a failure of ours is logged with its cause and told without it.

use super::gate;
use crate::api::problem::Problem;
use crate::store::StoreError;

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
            Self::Store(StoreError::Database(sqlx::Error::PoolTimedOut)) => {
                tracing::warn!("no database connection was free in time");
                gate::busy()
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

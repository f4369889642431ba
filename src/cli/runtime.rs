//! Runtimes: one thread for a few calls, several for a server.

use std::pin::Pin;

use super::exit::Failure;

/// Runs a few calls to their end.
pub(super) fn wait<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| no_threads(&error))?;
    // Boxed, so that one runtime is compiled for all verbs.
    let work: Pin<Box<dyn Future<Output = Result<T, Failure>> + '_>> = Box::pin(work);
    runtime.block_on(work)
}

/// For a server.
#[cfg(feature = "server")]
pub(super) fn threads() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| no_threads(&error))
}

fn no_threads(error: &std::io::Error) -> Failure {
    Failure::failed(format!("no threads to work with: {error}"))
}

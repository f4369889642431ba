//! Runtimes: one thread for a few calls, several for a server.

use super::exit::Failure;

/// Runs a few calls to their end.
pub(super) fn wait<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|error| no_threads(&error))?;
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

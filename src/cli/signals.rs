//! Waits for the signal to stop, and for the one that a certificate was renewed.

/// SIGTERM and SIGINT.
#[derive(Debug)]
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    /// From now on a signal no longer kills the program but is waited for.
    #[cfg(unix)]
    pub(super) fn listen() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// There is only Ctrl-C here.
    #[cfg(not(unix))]
    pub(super) fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Comes back when the program is to stop.
    #[cfg(unix)]
    pub(super) async fn stop(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }

    /// Comes back when the program is to stop.
    #[cfg(not(unix))]
    pub(super) async fn stop(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// SIGHUP, by which a server is told that its certificate was renewed.
#[derive(Debug)]
pub(super) struct Renewals {
    #[cfg(unix)]
    hang_up: Option<tokio::signal::unix::Signal>,
}

impl Renewals {
    /// Where they are wanted, SIGHUP no longer kills the program; a server
    /// without a certificate ends by it as ever.
    #[cfg(unix)]
    pub(super) fn listen(wanted: bool) -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { hang_up: if wanted { Some(signal(SignalKind::hangup())?) } else { None } })
    }

    /// There is no such signal here.
    #[cfg(not(unix))]
    pub(super) fn listen(_: bool) -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Comes back when the certificate is to be read again.
    #[cfg(unix)]
    pub(super) async fn next(&mut self) {
        match &mut self.hang_up {
            Some(hang_up) => {
                hang_up.recv().await;
            }
            None => std::future::pending().await,
        }
    }

    /// Never comes back.
    #[cfg(not(unix))]
    pub(super) async fn next(&mut self) {
        std::future::pending().await
    }
}

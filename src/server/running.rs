//! Listening, keeping house, and stopping without dropping what runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{App, Arrangements, router};
use crate::store::{At, Db, StoreError, audit, changes, idempotency, migrate, sessions, settings};

/// A server that listens.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The app, for those in the same process.
    pub app: App,
    stop: watch::Sender<bool>,
    server: JoinHandle<std::io::Result<()>>,
    chores: Vec<JoinHandle<()>>,
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The address is in use or not ours.
    #[error("cannot listen on {address}: {cause}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        cause: std::io::Error,
    },
    /// Everybody knows the demo's passwords.
    #[error("this is a demo database, whose passwords everybody knows: it is served on loopback only, not on {0}")]
    DemoInTheOpen(SocketAddr),
    /// The server ended by itself.
    #[error("the server ended: {0}")]
    Ended(#[source] std::io::Error),
}

/// Brings the database up to date and listens.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(db: Db, address: SocketAddr, arrangements: Arrangements) -> Result<Running, ServeError> {
    migrate::migrate(&db).await?;
    let demo = settings::get(&mut db.read().await?, settings::DEMO).await?.is_some();
    if demo && !address.ip().is_loopback() {
        return Err(ServeError::DemoInTheOpen(address));
    }
    super::health::recorder();
    let app = App::start(db, arrangements).await?;
    let listen = |cause| ServeError::Listen { address, cause };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let (stop, mut stopped) = watch::channel(false);
    let service = router::router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move {
        axum::serve(listener, service)
            .with_graceful_shutdown(async move {
                let _ = stopped.wait_for(|stop| *stop).await;
            })
            .await
    });
    let feed = tokio::spawn(Arc::clone(&app.feed).follow(app.db.clone(), Arc::clone(&app.index)));
    let house = tokio::spawn(keep_house(app.db.clone()));
    let sealer = tokio::spawn(seal(app.db.clone()));
    Ok(Running { address, app, stop, server, chores: vec![feed, house, sealer] })
}

impl Running {
    /// Stops accepting, lets what runs finish (at most ten seconds), closes
    /// the database.
    ///
    /// # Errors
    /// When the server had ended with an error.
    pub async fn stop(self) -> Result<(), ServeError> {
        let _ = self.stop.send(true);
        let ended = tokio::time::timeout(Duration::from_secs(10), self.server).await;
        for chore in &self.chores {
            chore.abort();
        }
        self.app.db.close().await;
        match ended {
            Ok(Ok(Err(error))) => Err(ServeError::Ended(error)),
            _ => Ok(()),
        }
    }
}

/// Forgets what is no longer needed, once an hour.
async fn keep_house(db: Db) {
    const DAY: i64 = 24 * 3_600 * 1_000_000;
    loop {
        let tidied = async {
            let mut conn = db.write().await?;
            sessions::prune(&mut conn).await?;
            idempotency::prune(&mut conn, At::from_micros(At::now().micros() - 90 * DAY)).await?;
            changes::prune(&mut conn, At::from_micros(At::now().micros() - DAY)).await?;
            conn.commit().await
        };
        if let Err(error) = tidied.await {
            tracing::warn!(cause = %error, "keeping house failed; trying again in an hour");
        }
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
}

/// How long an act may stand outside the chain.
const SEALED_WITHIN: Duration = Duration::from_secs(10);

/// Chains the audit, within ten seconds of each act. It looks without a lock
/// and takes one only where something waits.
async fn seal(db: Db) {
    loop {
        tokio::time::sleep(SEALED_WITHIN / 2).await;
        let sealed = async {
            let waits = audit::waits(&mut db.read().await?).await?;
            if waits {
                let mut conn = db.write().await?;
                audit::seal(&mut conn).await?;
                conn.commit().await?;
            }
            Ok::<(), StoreError>(())
        };
        if let Err(error) = sealed.await {
            tracing::warn!(cause = %error, "sealing the audit failed; trying again in five seconds");
        }
    }
}

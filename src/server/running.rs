//! Listening, keeping house, and stopping without dropping what runs.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::serve::ListenerExt as _;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::steps::{self, Step};
use super::tls::Tls;
use super::{App, Arrangements, backups, connections, router};
use crate::store::{At, Db, StoreError, audit, house, migrate, settings};

/// A server that listens.
#[derive(Debug)]
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// The app, for those in the same process.
    pub app: App,
    tls: Option<Tls>,
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
    chores: Vec<JoinHandle<()>>,
}

/// How what is said on the line is kept from others.
#[derive(Debug)]
pub enum Transport {
    /// Plain HTTP: on loopback only.
    Plain,
    /// Plain HTTP anywhere: somebody has said so twice.
    PlainAnywhere,
    /// TLS.
    Tls(Tls),
}

impl Transport {
    /// Whether a server may listen there in this way.
    ///
    /// # Errors
    /// [`ServeError::PlainInTheOpen`].
    pub fn may_listen(&self, address: SocketAddr) -> Result<(), ServeError> {
        match self {
            Self::Plain if !address.ip().is_loopback() => Err(ServeError::PlainInTheOpen(address)),
            _ => Ok(()),
        }
    }
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
    /// Passwords would travel for everybody to read.
    #[error(
        "{0} is not on loopback, and without TLS passwords can be read on the way: set server.tls_certificate and server.tls_key, \
         or, where a reverse proxy has TLS, say so twice: `plain_http = true` under [server] in the configuration, and --plain-http"
    )]
    PlainInTheOpen(SocketAddr),
    /// The server ended by itself.
    #[error("the server ended: {0}")]
    Ended(#[source] tokio::task::JoinError),
}

/// Brings the database up to date and listens.
///
/// # Errors
/// [`ServeError`].
pub async fn serve(db: Db, address: SocketAddr, transport: Transport, arrangements: Arrangements) -> Result<Running, ServeError> {
    migrate::migrate(&db).await?;
    let demo = settings::get(&mut db.read().await?, settings::DEMO).await?.is_some();
    if demo && !address.ip().is_loopback() {
        return Err(ServeError::DemoInTheOpen(address));
    }
    transport.may_listen(address)?;
    super::health::recorder();
    let limits = arrangements.limits;
    let plan = arrangements.backups.clone();
    let app = App::start(db, arrangements).await?;
    let listen = |cause| ServeError::Listen { address, cause };
    let listener = TcpListener::bind(address).await.map_err(listen)?;
    let address = listener.local_addr().map_err(listen)?;
    let (stop, stopped) = watch::channel(false);
    let router = router::router(app.clone());
    let (server, tls) = match transport {
        // An answer goes out at once.
        Transport::Plain | Transport::PlainAnywhere => {
            let listener = listener.tap_io(|stream| {
                let _ = stream.set_nodelay(true);
            });
            (tokio::spawn(connections::serve(listener, router, limits, stopped)), None)
        }
        Transport::Tls(tls) => {
            tracing::info!(fingerprint = %tls.fingerprint(), "the certificate was read");
            let listener = tls.listen(listener).tap_io(|stream| {
                let _ = stream.get_ref().0.set_nodelay(true);
            });
            (tokio::spawn(connections::serve(listener, router, limits, stopped)), Some(tls))
        }
    };
    let loading = tokio::spawn(Arc::clone(&app.feed).load(app.db.clone(), Arc::clone(&app.index)));
    let feed = tokio::spawn(Arc::clone(&app.feed).follow(app.db.clone(), Arc::clone(&app.index)));
    let house = tokio::spawn(keep_house(app.db.clone()));
    let sealer = tokio::spawn(seal(app.db.clone()));
    let figures = tokio::spawn(super::health::sum_up());
    let mut chores = vec![loading, feed, house, sealer, figures];
    chores.extend(plan.map(|plan| tokio::spawn(backups::keep_backed_up(app.db.clone(), plan, stop.subscribe()))));
    Ok(Running { address, app, tls, stop, server, chores })
}

impl Running {
    /// The address as clients write it.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Reads the certificate again, if there is one. Who is connected stays
    /// so; a certificate that cannot be used is logged, and the old one stays.
    pub fn reload_certificate(&self) {
        let Some(tls) = &self.tls else { return };
        match tls.reload() {
            Ok(fingerprint) => tracing::info!(%fingerprint, "the certificate was read again"),
            Err(error) => tracing::error!(cause = %error, "the certificate could not be read again; the old one stays in use"),
        }
    }

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
        let head = self.app.callers.end();
        // A database that hangs does not keep the server from ending.
        let closing = async {
            self.app.db.close().await;
            if let Some(head) = head {
                head.let_go().await;
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(5), closing).await;
        match ended {
            Ok(Err(error)) => Err(ServeError::Ended(error)),
            _ => Ok(()),
        }
    }
}

/// Forgets what is no longer needed, once an hour.
async fn keep_house(db: Db) {
    loop {
        if let Err(error) = house::keep(&db, At::now()).await {
            tracing::warn!(cause = %error, "keeping house failed; trying again in an hour");
        }
        tokio::time::sleep(Duration::from_hours(1)).await;
    }
}

/// How long an act may stand outside the chain.
const SEALED_WITHIN: Duration = Duration::from_secs(10);

/// How often the log is told the last seal.
const TOLD_EVERY: Duration = Duration::from_hours(24);

/// Chains the audit, within ten seconds of each act. It looks without a lock
/// and takes one only where something waits. The log is told the last seal at
/// the start and once a day: kept elsewhere, it shows a chain made anew.
async fn seal(db: Db) {
    let mut told: Option<Instant> = None;
    loop {
        tokio::time::sleep(SEALED_WITHIN / 2).await;
        let sealed = async {
            let waits = audit::waits(&mut db.read().await?).await?;
            if waits {
                let mut conn = db.write().await?;
                audit::seal(&mut conn).await?;
                steps::pass(Step::Sealed);
                conn.commit().await?;
            }
            if told.is_none_or(|at| at.elapsed() >= TOLD_EVERY)
                && let Some(last) = audit::last_seal(&mut db.read().await?).await?
            {
                tracing::info!(place = last.place, seal = %last.hash, "the last seal of the audit");
                told = Some(Instant::now());
            }
            Ok::<(), StoreError>(())
        };
        if let Err(error) = sealed.await {
            tracing::warn!(cause = %error, "sealing the audit failed; trying again in five seconds");
        }
    }
}

//! Accepts TLS connections. Handshakes run beside each other and beside the
//! accepting, so that a peer that dawdles holds nobody up.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Loaded;

/// A handshake is given up after this.
const PATIENCE: Duration = Duration::from_secs(10);
/// So many handshakes run at once, for each holds a file open; whoever comes
/// then waits in the system's queue.
const MOST: usize = 512;

/// A connection that is ready, and whose it is.
type Ready = (TlsStream<TcpStream>, SocketAddr);

/// Listens with the certificate of the moment. Dropping it ends the handshakes
/// that run; what is connected is not its concern.
#[derive(Debug)]
pub(in crate::server) struct TlsListener {
    tcp: TcpListener,
    current: watch::Receiver<Loaded>,
    handshakes: JoinSet<Option<Ready>>,
}

impl TlsListener {
    pub(super) fn new(tcp: TcpListener, current: watch::Receiver<Loaded>) -> Self {
        Self { tcp, current, handshakes: JoinSet::new() }
    }

    fn begin(&mut self, stream: TcpStream, peer: SocketAddr) {
        let acceptor = TlsAcceptor::from(Arc::clone(&self.current.borrow().config));
        self.handshakes.spawn(async move {
            match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => return Some((stream, peer)),
                // Scanners and clients with another pin come by at all times.
                Ok(Err(error)) => tracing::debug!(%peer, cause = %error, "a handshake failed"),
                Err(_) => tracing::debug!(%peer, "a handshake took too long"),
            }
            None
        });
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Ready {
        loop {
            // Never are both branches off: where no more may begin, some run.
            tokio::select! {
                (stream, peer) = Listener::accept(&mut self.tcp), if self.handshakes.len() < MOST => self.begin(stream, peer),
                Some(ended) = self.handshakes.join_next() => {
                    if let Ok(Some(ready)) = ended {
                        return ready;
                    }
                }
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

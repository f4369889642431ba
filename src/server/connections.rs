//! Accepts connections and serves each of them: no more than there is room for,
//! and nobody who dawdles, be it with asking or with taking the answer.
//!
//! May call [`super::gate`]. Knows no operation.

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Request, header};
use axum::serve::Listener;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, Sleep, timeout_at};
use tower::ServiceExt as _;

use super::{Limits, gate};
use crate::api::PROBLEM_JSON;

/// So many who come when there is no room are told so at once; beyond them the
/// line is just closed.
const TOLD_AT_ONCE: usize = 64;
/// How long somebody may take to hear that there is no room.
const TOLD_WITHIN: Duration = Duration::from_secs(1);
/// When the server stops, those are served still who called until then: they
/// stand in the system's queue, which goes with the listener.
const LAST_CALLS: Duration = Duration::from_millis(250);
/// The longest head of a request, to the byte. What is kept of a connection while it
/// is read may be twice as much, as it comes.
const HEAD: usize = 1 << 16;
/// Files for other things than connections: the database, its log, the program.
const OTHER_FILES: u32 = 128;
/// Files a process may open where the system does not say.
const FILES: u32 = 256;

/// Serves whoever connects, until it is told to stop and all who were connected
/// have their answers.
pub(super) async fn serve<L: Listener<Addr = SocketAddr>>(mut listener: L, router: Router, limits: Limits, stopped: watch::Receiver<bool>) {
    let most = limits.connections.unwrap_or_else(room);
    let places = Arc::new(Semaphore::new(most as usize));
    let mut stop = pin!(told_to_stop(stopped.clone()));
    let house = House { router, limits, places, to_be_told: Arc::new(Semaphore::new(TOLD_AT_ONCE)), refusal: refusal().into(), stopped };
    loop {
        let (io, peer) = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.as_mut() => break,
        };
        house.let_in(io, peer);
    }
    let last = Instant::now() + LAST_CALLS;
    while let Ok((io, peer)) = timeout_at(last, listener.accept()).await {
        house.let_in(io, peer);
    }
    drop(listener);
    // Whoever is still connected holds a place.
    let _all = house.places.acquire_many(most).await;
}

/// What every connection gets a part of.
struct House {
    router: Router,
    limits: Limits,
    places: Arc<Semaphore>,
    to_be_told: Arc<Semaphore>,
    refusal: Arc<[u8]>,
    stopped: watch::Receiver<bool>,
}

impl House {
    /// Talks to somebody if there is room, beside all others.
    fn let_in<Io>(&self, io: Io, peer: SocketAddr)
    where
        Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            let talk = converse(Patient::new(io, self.limits.answer), peer, self.router.clone(), self.limits, self.stopped.clone());
            tokio::spawn(async move {
                talk.await;
                drop(place);
            });
        } else if let Ok(place) = Arc::clone(&self.to_be_told).try_acquire_owned() {
            let refusal = Arc::clone(&self.refusal);
            tokio::spawn(async move {
                turn_away(io, &refusal).await;
                drop(place);
            });
        }
    }
}

pub(super) async fn told_to_stop(mut stopped: watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}

/// A while after that: a connection that is closed while its peer is asking
/// looks to him like a server that died.
async fn told_to_go(stopped: watch::Receiver<bool>, farewell: Duration) {
    told_to_stop(stopped).await;
    tokio::time::sleep(farewell).await;
}

/// How many connections there is room for: each is a file to the system, and
/// without one left for the database everybody would be harmed.
fn room() -> u32 {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next()?.parse().ok());
    files.unwrap_or(FILES).clamp(2 * OTHER_FILES, 1 << 16) - OTHER_FILES
}

/// One connection from its first request to its last.
async fn converse<Io>(io: Patient<Io>, peer: SocketAddr, router: Router, limits: Limits, stopped: watch::Receiver<bool>)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stopping = stopped.clone();
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let (answering, stopping) = (router.clone().oneshot(request), stopping.clone());
        async move {
            answering.await.map(|mut response| {
                if *stopping.borrow() {
                    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
                }
                response
            })
        }
    });
    let mut protocol = http1::Builder::new();
    protocol.timer(TokioTimer::new()).header_read_timeout(limits.head).max_header_size(HEAD).max_buf_size(HEAD);
    let mut conversation = pin!(protocol.serve_connection(TokioIo::new(io), service));
    let ended = tokio::select! {
        ended = conversation.as_mut() => ended,
        () = told_to_go(stopped, limits.farewell) => {
            conversation.as_mut().graceful_shutdown();
            conversation.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, cause = %error, "a connection ended early");
    }
}

/// What is said where there is no room, without looking at what is asked.
fn refusal() -> Vec<u8> {
    let problem = gate::busy();
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    let seconds = problem.retry_after.unwrap_or(1);
    let head = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: {PROBLEM_JSON}\r\nretry-after: {seconds}\r\ncache-control: no-store\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.into_bytes(), body].concat()
}

async fn turn_away<Io: AsyncRead + AsyncWrite + Unpin>(mut io: Io, refusal: &[u8]) {
    let telling = async {
        io.write_all(refusal).await?;
        io.shutdown().await?;
        // What was asked is read all the same: with it unread the system would
        // take back what was said.
        tokio::io::copy(&mut io, &mut tokio::io::sink()).await
    };
    let _ = tokio::time::timeout(TOLD_WITHIN, telling).await;
}

/// A connection that waits for its peer to take an answer, but not for ever.
#[derive(Debug)]
struct Patient<Io> {
    io: Io,
    patience: Duration,
    /// Runs from when the peer did not take something until it has taken all:
    /// a byte now and then is not enough.
    waiting: Option<Pin<Box<Sleep>>>,
}

impl<Io> Patient<Io> {
    const fn new(io: Io, patience: Duration) -> Self {
        Self { io, patience, waiting: None }
    }

    /// What came of a try to send; too late if it took too long.
    fn in_time<T>(&mut self, cx: &mut Context<'_>, tried: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if tried.is_ready() {
            return tried;
        }
        let patience = self.patience;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(patience)));
        waiting.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<Io: AsyncRead + Unpin> AsyncRead for Patient<Io> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_read(cx, buffer)
    }
}

impl<Io: AsyncWrite + Unpin> AsyncWrite for Patient<Io> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let tried = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.in_time(cx, tried)
    }

    fn poll_write_vectored(self: Pin<&mut Self>, cx: &mut Context<'_>, slices: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let tried = Pin::new(&mut this.io).poll_write_vectored(cx, slices);
        this.in_time(cx, tried)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let tried = Pin::new(&mut this.io).poll_flush(cx);
        if tried.is_ready() {
            this.waiting = None;
        }
        this.in_time(cx, tried)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let tried = Pin::new(&mut this.io).poll_shutdown(cx);
        this.in_time(cx, tried)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn whoever_takes_an_answer_byte_by_byte_is_let_go() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let taking = tokio::spawn(async move {
            while theirs.read_u8().await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let mut patient = Patient::new(ours, Duration::from_millis(200));
        let sent = patient.write_all(&[b'x'; 4_096]).await;
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::TimedOut);
        drop(patient);
        taking.await.unwrap();
    }

    #[tokio::test]
    async fn whoever_takes_it_in_time_gets_the_next_one_too() {
        let (ours, mut theirs) = tokio::io::duplex(16);
        let mut patient = Patient::new(ours, Duration::from_millis(500));
        let taking = tokio::spawn(async move {
            let mut taken = Vec::new();
            theirs.read_to_end(&mut taken).await.map(|_| taken.len())
        });
        for _ in 0..4 {
            patient.write_all(&[b'x'; 64]).await.unwrap();
            patient.flush().await.unwrap();
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        drop(patient);
        assert_eq!(taking.await.unwrap().unwrap(), 256);
    }
}

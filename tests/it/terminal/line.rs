//! A line to a server, the demo's as a rule, that is slow and loses pieces now
//! and then, and that can be held and cut.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

use super::screen::demo;
use crate::dice::Dice;

/// What a piece takes in either direction.
pub(super) const ONE_WAY: Duration = Duration::from_millis(150);
/// One that was lost comes again after so long; all behind it wait.
const SENT_AGAIN: Duration = Duration::from_millis(400);

/// The line, and what was read over it.
pub(crate) struct Line {
    /// Where the terminal finds the server.
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<String>>>,
    held: watch::Sender<bool>,
    wire: Arc<Mutex<Wire>>,
    runtime: Option<Runtime>,
}

/// What is carried just now.
#[derive(Default)]
struct Wire {
    is_cut: bool,
    carried: Vec<AbortHandle>,
}

impl Line {
    /// A line of its own.
    pub(crate) fn slow() -> Self {
        Self::slow_to(&demo().address)
    }

    /// The same to another server.
    pub(super) fn slow_to(server: &str) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (held, is_held) = watch::channel(false);
        let asked = Arc::new(Mutex::new(Vec::new()));
        let wire = Arc::default();
        let server = server.trim_start_matches("http://").to_owned();
        runtime.spawn(carry(listener, server, Arc::clone(&asked), is_held, Arc::clone(&wire)));
        Self { address, asked, held, wire, runtime: Some(runtime) }
    }

    /// From now on no answer comes.
    pub(crate) fn hold(&self) {
        self.held.send(true).unwrap();
    }

    /// All answers come that were held.
    pub(crate) fn release(&self) {
        self.held.send(false).unwrap();
    }

    /// From now on there is nobody at the other end, as if the server stood
    /// still.
    pub(crate) fn cut(&self) {
        let mut wire = self.wire.lock().unwrap();
        wire.is_cut = true;
        wire.carried.drain(..).for_each(|carried| carried.abort());
    }

    /// The server is there again.
    pub(crate) fn mend(&self) {
        self.wire.lock().unwrap().is_cut = false;
    }

    /// What was read so far, in order, of all that begins so.
    pub(crate) fn asked(&self, beginning: &str) -> Vec<String> {
        self.asked.lock().unwrap().iter().filter(|target| target.starts_with(beginning)).cloned().collect()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn carry(listener: TcpListener, server: String, asked: Arc<Mutex<Vec<String>>>, is_held: watch::Receiver<bool>, wire: Arc<Mutex<Wire>>) {
    let mut luck = Dice::of(1);
    while let Ok((near, _)) = listener.accept().await {
        let Ok(far) = TcpStream::connect(&server).await else { continue };
        near.set_nodelay(true).unwrap();
        far.set_nodelay(true).unwrap();
        let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
        let mut heard = Heard { rest: Vec::new(), asked: Arc::clone(&asked) };
        let there = pass(near_in, far_out, luck.another(), move |piece| heard.hear(piece), None);
        let back = pass(far_in, near_out, luck.another(), |_| {}, Some(is_held.clone()));
        let mut wire = wire.lock().unwrap();
        // What is not carried is closed.
        if !wire.is_cut {
            wire.carried.extend([tokio::spawn(there).abort_handle(), tokio::spawn(back).abort_handle()]);
        }
    }
}

/// Carries pieces in their order, each after its time. Which are lost is chance,
/// but the same each time.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut luck: Dice, mut hear: impl FnMut(&[u8]), mut gate: Option<watch::Receiver<bool>>) {
    let (send, mut pieces) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    let reading = async move {
        let mut buffer = vec![0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            hear(&buffer[..count]);
            let due = Instant::now() + ONE_WAY + if luck.one_in(8) { SENT_AGAIN } else { Duration::ZERO };
            if send.send((due, buffer[..count].to_vec())).is_err() {
                break;
            }
        }
    };
    let writing = async move {
        while let Some((due, piece)) = pieces.recv().await {
            sleep_until(due).await;
            if let Some(gate) = &mut gate {
                let is_open = gate.wait_for(|held| !*held).await.is_ok();
                if !is_open {
                    break;
                }
            }
            if to.write_all(&piece).await.is_err() {
                break;
            }
        }
        // The other end may be gone already.
        let _ = to.shutdown().await;
    };
    tokio::join!(reading, writing);
}

/// Finds in what a terminal sends what it reads.
struct Heard {
    rest: Vec<u8>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Heard {
    fn hear(&mut self, piece: &[u8]) {
        self.rest.extend_from_slice(piece);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            // The body of a call before may stand in the same line.
            if let Some((_, target)) = line.trim_end().strip_suffix(" HTTP/1.1").and_then(|line| line.rsplit_once("GET ")) {
                self.asked.lock().unwrap().push(target.to_owned());
            }
        }
    }
}

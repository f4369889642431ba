//! A server that answers what it likes.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What it does, one after the other.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Sends bytes.
    Send(Vec<u8>),
    /// Sends the same over and over, until nobody takes it any more.
    Flood(Vec<u8>),
    /// The same, a byte at a time.
    Drip(u8),
    /// Says nothing, until the other one goes.
    Hold,
}

impl Step {
    /// A head, and what follows it.
    pub(super) fn answer(status: &str, headers: &[&str], body: &str) -> Self {
        let headers: String = headers.iter().flat_map(|header| [*header, "\r\n"]).collect();
        Self::Send(format!("HTTP/1.1 {status}\r\nconnection: close\r\n{headers}\r\n{body}").into_bytes())
    }

    /// A whole answer in JSON.
    pub(super) fn json(status: &str, body: &str) -> Self {
        let kind = if status.starts_with('2') { "application/json" } else { "application/problem+json" };
        Self::answer(status, &[&format!("content-type: {kind}"), &format!("content-length: {}", body.len())], body)
    }
}

/// Does the same to everybody who calls.
pub(super) struct Hostile {
    /// `http://127.0.0.1:PORT`.
    pub(super) address: String,
    called: Arc<AtomicUsize>,
}

impl Hostile {
    /// One that does this; it lives as long as the tests run.
    pub(super) fn doing(steps: Vec<Step>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let called = Arc::new(AtomicUsize::new(0));
        let (count, steps) = (Arc::clone(&called), Arc::new(steps));
        std::thread::spawn(move || {
            for line in listener.incoming().flatten() {
                let (count, steps) = (Arc::clone(&count), Arc::clone(&steps));
                std::thread::spawn(move || {
                    // Whoever calls may go at any time.
                    let _ = serve(line, &steps, &count);
                });
            }
        });
        Self { address, called }
    }

    /// How often it was called.
    pub(super) fn called(&self) -> usize {
        self.called.load(Ordering::SeqCst)
    }
}

fn serve(mut line: TcpStream, steps: &[Step], called: &AtomicUsize) -> io::Result<()> {
    hear(&mut line)?;
    called.fetch_add(1, Ordering::SeqCst);
    for step in steps {
        match step {
            Step::Send(bytes) => line.write_all(bytes)?,
            Step::Flood(bytes) => loop {
                line.write_all(bytes)?;
            },
            Step::Drip(byte) => loop {
                line.write_all(&[*byte])?;
                std::thread::sleep(Duration::from_millis(300));
            },
            Step::Hold => {
                line.read_exact(&mut [0; 1])?;
            }
        }
    }
    line.shutdown(Shutdown::Write)?;
    // What is not read would cut off what was sent.
    io::copy(&mut line, &mut io::sink())?;
    Ok(())
}

/// Hears a whole call.
fn hear(line: &mut TcpStream) -> io::Result<()> {
    let (mut heard, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&heard).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Ok(());
            }
        }
        match line.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => heard.extend_from_slice(&piece[..count]),
        }
    }
}

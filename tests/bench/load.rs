//! Asks a server over kept connections, each the next thing as soon as it has
//! the last, and notes how many answers came and how soon.
//!
//! May call [`crate::line`] and [`crate::times`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use crate::line::Line;
use crate::times::micros;

/// Who is asked, by how many, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load<'a> {
    /// `127.0.0.1:PORT`.
    pub(crate) host: &'a str,
    /// Sent as the bearer's token.
    pub(crate) token: Option<&'a str>,
    /// How many ask at the same time.
    pub(crate) connections: usize,
    /// For how long.
    pub(crate) time: Duration,
}

/// What was seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// How long each answer took, in microseconds.
    pub(crate) times: Vec<f64>,
    /// Answers other than 200, and connections that broke.
    pub(crate) errors: usize,
}

impl Load<'_> {
    /// Gets these paths with their queries, round and round.
    pub(crate) fn run<P: AsRef<str>>(&self, paths: impl IntoIterator<Item = P>) -> Result<Seen> {
        let bearer = self.token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: {}\r\nAccept: application/json\r\n{bearer}\r\n", self.host).into_bytes();
        let requests: Vec<Vec<u8>> = paths.into_iter().map(|path| request(path.as_ref())).collect();
        ensure!(!requests.is_empty(), "There is nothing to ask for.");
        let requests = Arc::new(requests);
        // One thread, so that the server keeps the other processors.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let until = Instant::now() + self.time;
            let start = |nth: usize| {
                let first = nth * requests.len() / self.connections;
                tokio::spawn(connection(self.host.to_owned(), Arc::clone(&requests), first, until))
            };
            let connections: Vec<_> = (0..self.connections).map(start).collect();
            let mut seen = Seen::default();
            for connection in connections {
                let one = connection.await?;
                seen.times.extend(one.times);
                seen.errors += one.errors;
            }
            Ok(seen)
        })
    }

    /// How many answers a second these are.
    pub(crate) fn rate(&self, seen: &Seen) -> f64 {
        seen.times.len() as f64 / self.time.as_secs_f64()
    }
}

/// Asks one thing after the other until the time is over; a connection that
/// broke is made anew.
async fn connection(host: String, requests: Arc<Vec<Vec<u8>>>, mut next: usize, until: Instant) -> Seen {
    let mut seen = Seen::default();
    while Instant::now() < until {
        if ask_all(&host, &requests, &mut next, until, &mut seen).await.is_err() {
            seen.errors += 1;
            // A server that is gone is not asked a million times.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    seen
}

async fn ask_all(host: &str, requests: &[Vec<u8>], next: &mut usize, until: Instant, seen: &mut Seen) -> Result<()> {
    let mut line = Line::to(host).await?;
    loop {
        let start = Instant::now();
        if start >= until {
            return Ok(());
        }
        let asking = line.ask(&requests[*next % requests.len()]);
        *next += 1;
        if asking.await?.status == 200 {
            seen.times.push(micros(start.elapsed()));
        } else {
            seen.errors += 1;
        }
    }
}

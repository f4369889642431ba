//! Many people who ask at the same time: searches and look-ups in turn, and a
//! new customer now and then.
//!
//! May call [`crate::dealer`], [`crate::line`] and [`crate::seen`].

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::dealer::Dealer;
use crate::line::{Answer, Line};
use crate::seen::Seen;

/// One of so many calls is a write, where there are many.
pub(crate) const NOW_AND_THEN: usize = 50;
/// Whoever waits longer for an answer hangs up.
const PATIENCE: Duration = Duration::from_secs(40);
/// A server that is gone is not asked a million times.
const PAUSE: Duration = Duration::from_millis(10);

/// The people.
#[derive(Debug, Clone)]
pub(crate) struct Crowd {
    host: String,
    tokens: Vec<String>,
    paths: Vec<String>,
}

/// How they ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// How many ask at the same time.
    pub(crate) connections: usize,
    /// For how long.
    pub(crate) time: Duration,
    /// How often each of them asks; none: as soon as he has his answer.
    pub(crate) every: Option<Duration>,
    /// One of so many calls is a write.
    pub(crate) write_every: usize,
    /// Who is told to come again later comes at once.
    pub(crate) is_pushy: bool,
}

/// No two crowds make the same customer.
static CROWDS: AtomicUsize = AtomicUsize::new(0);

impl Crowd {
    /// Some of those who are signed in, from one to before another.
    pub(crate) fn of(dealer: &Dealer, people: std::ops::Range<usize>) -> Self {
        Self { host: dealer.address.clone(), tokens: dealer.tokens[people].to_vec(), paths: dealer.paths.clone() }
    }

    /// Asks, on this thread alone, so that the server keeps the other processors.
    pub(crate) fn asks(&self, pace: Pace) -> Result<Seen> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let seen = Rc::new(RefCell::new(Seen::default()));
        let (crowd, which) = (Rc::new(self.clone()), CROWDS.fetch_add(1, Ordering::Relaxed));
        let everybody = LocalSet::new();
        for nth in 0..pace.connections {
            let one = One { crowd: Rc::clone(&crowd), which, pace, nth, line: None };
            everybody.spawn_local(one.asks(Rc::clone(&seen)));
        }
        runtime.block_on(everybody);
        Ok(seen.take())
    }
}

/// One of them.
struct One {
    crowd: Rc<Crowd>,
    /// Which crowd it is.
    which: usize,
    pace: Pace,
    nth: usize,
    line: Option<Line>,
}

impl One {
    async fn asks(mut self, seen: Rc<RefCell<Seen>>) {
        let Pace { time, every, connections, is_pushy, .. } = self.pace;
        let begun = Instant::now();
        // They do not all ask in the same moment.
        let mut due = begun + every.unwrap_or_default().mul_f64(self.nth as f64 / connections as f64);
        for turn in 0.. {
            sleep_until(due).await;
            let asked = Instant::now();
            if asked >= begun + time {
                return;
            }
            due = every.map_or(due, |every| (due + every).max(asked));
            let (request, number) = self.request(turn);
            match timeout(PATIENCE, self.ask(request.as_bytes())).await {
                Ok(Ok(answer)) => {
                    seen.borrow_mut().note(answer.status, asked.elapsed().as_secs_f64() * 1e6, number);
                    if answer.retry_after > 0 && !is_pushy {
                        sleep(Duration::from_secs(answer.retry_after)).await;
                    }
                }
                _ => {
                    seen.borrow_mut().broken += 1;
                    sleep(PAUSE).await;
                }
            }
        }
    }

    /// A request; of one that makes a customer, its number too.
    fn request(&self, turn: usize) -> (String, Option<String>) {
        let (Crowd { host, tokens, paths }, nth, every) = (&*self.crowd, self.nth, self.pace.write_every);
        let token = &tokens[nth % tokens.len()];
        let head = format!("Host: {host}\r\nAuthorization: Bearer {token}\r\n");
        if (nth + turn) % every != every - 1 {
            // Nobody asks what the one beside him asks.
            let path = &paths[(nth * 97 + turn) % paths.len()];
            return (format!("GET {path} HTTP/1.1\r\n{head}\r\n"), None);
        }
        let number = format!("B{}-{nth}-{turn}", self.which);
        let body = format!(r#"{{"name":"Busy {number}","number":"{number}","confirm_duplicate":true}}"#);
        let length = body.len();
        let head = format!("{head}Idempotency-Key: {number}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n");
        (format!("POST /v1/customers HTTP/1.1\r\n{head}\r\n{body}"), Some(number))
    }

    /// Asks on the line there is, or on a new one. One that broke is let go.
    async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        let mut line = match self.line.take() {
            Some(line) => line,
            None => Line::to(&self.crowd.host).await?,
        };
        let answer = line.ask(request).await?;
        self.line = (!answer.is_last).then_some(line);
        Ok(answer)
    }
}

//! What is done to a server on purpose. One table has all of it; who attacks is
//! signed in, so that he gets as far as anybody can.
//!
//! May call [`crate::dealer`] and [`crate::seen`].

use std::cell::RefCell;
use std::io::Write as _;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::dealer::Dealer;
use crate::seen::Told;

/// One way to attack.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attack {
    /// What it is called.
    pub(crate) name: &'static str,
    /// How many do it at the same time.
    lines: usize,
    /// What they may be told, those who are told anything in this time.
    pub(crate) right: &'static [u16],
    how: How,
}

/// What is said, to a server, by somebody who is signed in.
type Words = fn(&str) -> Vec<u8>;

/// How it is done.
#[derive(Debug, Clone, Copy)]
enum How {
    /// This much is said at once, then a byte a second.
    Drip(Words),
    /// This much is said, then nothing more.
    Stay(Words),
    /// All is said, so many bytes more of its body in pieces, and again on
    /// another line as soon as it was answered.
    Again(Words, usize),
}

/// Some more than all that one machine opens by accident.
const IDLE: usize = 10_000;

/// All of them. A body of 408 needs 15 seconds, a head two minutes.
pub(crate) const ATTACKS: [Attack; 10] = [
    Attack { name: "heads of a byte a second", lines: 200, right: &[408], how: How::Drip(half_a_head) },
    Attack { name: "half a line, then nothing", lines: 500, right: &[408], how: How::Stay(half_a_line) },
    Attack { name: "10,000 idle lines", lines: IDLE, right: &[503], how: How::Stay(nothing) },
    Attack { name: "bodies of a byte a second", lines: 200, right: &[408], how: How::Drip(half_a_body) },
    Attack { name: "bodies of 100 MiB", lines: 4, right: &[413], how: How::Again(endless, 100 << 20) },
    Attack { name: "JSON 10,000 deep", lines: 4, right: &[422, 503], how: How::Again(deep, 0) },
    Attack { name: "pages of a million rows", lines: 4, right: &[422, 503], how: How::Again(page, 0) },
    Attack { name: "a gzip bomb", lines: 4, right: &[413, 415, 422, 503], how: How::Again(bomb, 0) },
    Attack { name: "1,000 percent signs searched", lines: 4, right: &[422, 503], how: How::Again(percents, 0) },
    Attack { name: "signs of patterns searched", lines: 4, right: &[200, 422, 503], how: How::Again(patterns, 0) },
];

impl Attack {
    /// Attacks until it is over.
    pub(crate) fn runs(self, dealer: &Dealer, is_over: &AtomicBool) -> Result<Told> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let told = Rc::new(RefCell::new(Told { lines: self.lines, ..Told::default() }));
        let request: Rc<[u8]> = match self.how {
            How::Drip(words) | How::Stay(words) | How::Again(words, _) => words(&bearer(dealer)).into(),
        };
        let everybody = LocalSet::new();
        for _ in 0..self.lines {
            let (host, request, told) = (dealer.address.clone(), Rc::clone(&request), Rc::clone(&told));
            everybody.spawn_local(async move {
                match self.how {
                    How::Drip(_) => dawdle(&host, &request, b"x", &told).await,
                    How::Stay(_) => dawdle(&host, &request, b"", &told).await,
                    How::Again(_, rest) => again(&host, &request, rest, &told).await,
                }
            });
        }
        // Whoever drips does so for ever.
        runtime.block_on(everybody.run_until(async {
            while !is_over.load(Ordering::Relaxed) {
                sleep(Duration::from_millis(20)).await;
            }
        }));
        drop(everybody);
        Ok(told.take())
    }
}

/// Host and token, of the one who attacks.
fn bearer(dealer: &Dealer) -> String {
    let token = dealer.tokens.last().map(String::as_str).unwrap_or_default();
    format!("Host: {}\r\nAuthorization: Bearer {token}\r\n", dealer.address)
}

/// Says something and then the same sign each second, if any; hears what is
/// answered.
async fn dawdle(host: &str, words: &[u8], sign: &[u8], told: &RefCell<Told>) {
    let Ok(mut line) = TcpStream::connect(host).await else {
        told.borrow_mut().closed += 1;
        return;
    };
    told.borrow_mut().open += 1;
    let (mut hears, mut says) = line.split();
    let saying = async {
        let _closed = drip(&mut says, words, sign).await;
        // Whoever cannot say more may be told something all the same.
        std::future::pending::<()>().await;
    };
    let heard = tokio::select! {
        () = saying => None,
        heard = status(&mut hears) => heard,
    };
    let mut told = told.borrow_mut();
    told.open -= 1;
    told.note(heard);
}

/// Says it until nobody takes it any more.
async fn drip(says: &mut (impl AsyncWrite + Unpin), words: &[u8], sign: &[u8]) -> std::io::Result<()> {
    says.write_all(words).await?;
    loop {
        sleep(Duration::from_secs(1)).await;
        says.write_all(sign).await?;
    }
}

/// Sends all of it as often as there is time for, each on a line of its own.
async fn again(host: &str, words: &[u8], rest: usize, told: &RefCell<Told>) {
    let piece = vec![b' '; 1 << 16];
    loop {
        let Ok(mut line) = TcpStream::connect(host).await else {
            told.borrow_mut().closed += 1;
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        let (mut hears, mut says) = line.split();
        let saying = async {
            let mut is_heard = says.write_all(words).await.is_ok();
            let mut left = rest;
            while is_heard && left > 0 {
                is_heard = says.write_all(&piece[..left.min(piece.len())]).await.is_ok();
                left = left.saturating_sub(piece.len());
            }
            std::future::pending::<()>().await;
        };
        let heard = tokio::select! {
            () = saying => None,
            heard = status(&mut hears) => heard,
        };
        told.borrow_mut().note(heard);
    }
}

/// The status of an answer, if there is one.
async fn status(hears: &mut (impl AsyncRead + Unpin)) -> Option<u16> {
    let mut head = [0; 12];
    hears.read_exact(&mut head).await.ok()?;
    std::str::from_utf8(&head).ok()?.split(' ').nth(1)?.parse().ok()
}

fn half_a_head(_: &str) -> Vec<u8> {
    b"GET /v1/customers?q=inc HTTP/1.1\r\nHost: counter\r\nX: ".to_vec()
}

fn half_a_line(_: &str) -> Vec<u8> {
    b"GET /v1/custo".to_vec()
}

const fn nothing(_: &str) -> Vec<u8> {
    Vec::new()
}

/// A write with a body of so many bytes.
fn write_of(bearer: &str, more: &str, length: usize) -> Vec<u8> {
    format!("POST /v1/customers HTTP/1.1\r\n{bearer}Connection: close\r\nContent-Type: application/json\r\n{more}Content-Length: {length}\r\n\r\n").into_bytes()
}

fn half_a_body(bearer: &str) -> Vec<u8> {
    [write_of(bearer, "", 1_000), b"{".to_vec()].concat()
}

fn endless(bearer: &str) -> Vec<u8> {
    [write_of(bearer, "", (100 << 20) + 1), b"{".to_vec()].concat()
}

fn deep(bearer: &str) -> Vec<u8> {
    let body = format!(r#"{{"name":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    [write_of(bearer, "", body.len()), body.into_bytes()].concat()
}

/// A hundred megabytes of spaces that take a hundred kilobytes.
fn bomb(bearer: &str) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    let piece = vec![b' '; 1 << 20];
    let is_packed = (0..100).all(|_| packed.write_all(&piece).is_ok());
    let body = packed.finish().unwrap_or_default();
    assert!(is_packed && body.len() < 1 << 20, "the bomb fits into a body");
    [write_of(bearer, "Content-Encoding: gzip\r\n", body.len()), body].concat()
}

fn read_of(bearer: &str, query: &str) -> Vec<u8> {
    format!("GET /v1/customers?{query} HTTP/1.1\r\n{bearer}Connection: close\r\n\r\n").into_bytes()
}

fn page(bearer: &str) -> Vec<u8> {
    read_of(bearer, "q=inc&limit=1000000")
}

fn percents(bearer: &str) -> Vec<u8> {
    read_of(bearer, &format!("q={}", "%25".repeat(1_000)))
}

/// `(a+)+$`, `.*`, `_` and `%` as often as a text may have them.
fn patterns(bearer: &str) -> Vec<u8> {
    read_of(bearer, &format!("q={}", "%28a%2B%29%2B%24.%2A_%25".repeat(9)))
}

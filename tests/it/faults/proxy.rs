//! A line to a server that does harm: each call that comes over it meets the next
//! accident of a list, and after the last one nothing happens to anybody.
//!
//! It knows as much of HTTP as accidents need: where a head ends and how long the
//! body is. A caller comes anew with each call ([`crate::harness::Caller::at`]).

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accident {
    /// It takes its time, there and back.
    Delay,
    /// Cut when the head has arrived.
    CutBeforeBody,
    /// Cut when half of the body has arrived.
    CutInBody,
    /// Cut when all has arrived.
    CutAfterBody,
    /// Cut when the answer is on its way.
    CutBeforeAnswer,
    /// Cut when half of the answer was heard.
    CutInAnswer,
    /// Cut when all of the answer was heard.
    CutAfterAnswer,
    /// Taken by the other end, which never says a word, until the caller gives up.
    NobodyThere,
    /// It arrives, and the answer never comes, until the caller gives up.
    NobodyAnswers,
    /// It arrives twice at once, on two connections.
    Twice,
    /// The caller hears that the line is cut, and it arrives later: perhaps after
    /// what he sends next.
    Late,
}

impl Accident {
    /// All of them.
    pub(super) const ALL: [Self; 11] = [
        Self::Delay,
        Self::CutBeforeBody,
        Self::CutInBody,
        Self::CutAfterBody,
        Self::CutBeforeAnswer,
        Self::CutInAnswer,
        Self::CutAfterAnswer,
        Self::NobodyThere,
        Self::NobodyAnswers,
        Self::Twice,
        Self::Late,
    ];
}

/// What takes long takes so long.
const LONG: Duration = Duration::from_millis(25);
/// When a caller gives up who hears nothing.
const GIVES_UP: Duration = Duration::from_millis(60);

/// The line.
#[derive(Debug)]
pub(super) struct Proxy {
    /// Where callers find it.
    pub(super) url: String,
    accidents: Arc<Mutex<VecDeque<Accident>>>,
    /// How many calls are on their way.
    under_way: watch::Sender<usize>,
}

impl Proxy {
    /// A line to a server, for as long as the test runs.
    pub(super) async fn to(server: &str) -> Self {
        let far: SocketAddr = server.trim_start_matches("http://").parse().expect("a server's address");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let accidents = Arc::new(Mutex::new(VecDeque::new()));
        let under_way = watch::Sender::new(0);
        tokio::spawn(carry_all(listener, far, Arc::clone(&accidents), under_way.clone()));
        Self { url, accidents, under_way }
    }

    /// What happens to the next calls, in the order in which they come.
    pub(super) fn will(&self, accidents: impl IntoIterator<Item = Accident>) {
        *self.accidents.lock().unwrap() = accidents.into_iter().collect();
    }

    /// Waits until nothing is on its way any more, not even what comes late.
    pub(super) async fn is_quiet(&self) {
        self.under_way.subscribe().wait_for(|calls| *calls == 0).await.expect("the line is there");
    }
}

async fn carry_all(listener: TcpListener, far: SocketAddr, accidents: Arc<Mutex<VecDeque<Accident>>>, under_way: watch::Sender<usize>) {
    while let Ok((near, _)) = listener.accept().await {
        let accident = accidents.lock().unwrap().pop_front();
        under_way.send_modify(|calls| *calls += 1);
        let under_way = under_way.clone();
        tokio::spawn(async move {
            // A line that breaks is what it is for.
            let _ = carry(near, far, accident).await;
            under_way.send_modify(|calls| *calls -= 1);
        });
    }
}

/// Carries one call. Whatever it leaves open is cut when it comes back.
async fn carry(mut near: TcpStream, far: SocketAddr, accident: Option<Accident>) -> io::Result<()> {
    near.set_nodelay(true)?;
    let call = Message::read(&mut near).await?;
    let Some(accident) = accident else {
        let answer = call.ask(far).await?;
        return answer.send(&mut near).await;
    };
    match accident {
        Accident::Delay => {
            tokio::time::sleep(LONG).await;
            let answer = call.ask(far).await?;
            tokio::time::sleep(LONG).await;
            answer.send(&mut near).await
        }
        Accident::CutBeforeBody => call.leave(far, 0).await,
        Accident::CutInBody => call.leave(far, call.body.len() / 2).await,
        Accident::CutAfterBody => call.leave(far, call.body.len()).await,
        Accident::CutBeforeAnswer => call.ask(far).await.map(|_| ()),
        Accident::CutInAnswer => {
            let answer = call.ask(far).await?;
            let whole = [answer.head, answer.body].concat();
            near.write_all(&whole[..whole.len() / 2]).await
        }
        Accident::CutAfterAnswer => {
            let answer = call.ask(far).await?;
            answer.send(&mut near).await?;
            near.shutdown().await
        }
        Accident::NobodyThere => {
            tokio::time::sleep(GIVES_UP).await;
            Ok(())
        }
        Accident::NobodyAnswers => {
            call.ask(far).await?;
            tokio::time::sleep(GIVES_UP).await;
            Ok(())
        }
        Accident::Twice => {
            let (first, second) = tokio::join!(call.ask(far), call.ask(far));
            let _ = second;
            first?.send(&mut near).await
        }
        Accident::Late => {
            drop(near);
            tokio::time::sleep(LONG).await;
            call.ask(far).await.map(|_| ())
        }
    }
}

/// A call or an answer, whole.
struct Message {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Message {
    async fn read(line: &mut TcpStream) -> io::Result<Self> {
        let mut head = Vec::new();
        let end = loop {
            if let Some(end) = head.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if line.read_buf(&mut head).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        };
        let mut body = head.split_off(end);
        let length = length(&head);
        while body.len() < length {
            if line.read_buf(&mut body).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(Self { head, body })
    }

    async fn send(&self, line: &mut TcpStream) -> io::Result<()> {
        line.write_all(&self.head).await?;
        line.write_all(&self.body).await?;
        line.flush().await
    }

    /// Sends it and hears the answer.
    async fn ask(&self, far: SocketAddr) -> io::Result<Self> {
        let mut line = TcpStream::connect(far).await?;
        line.set_nodelay(true)?;
        self.send(&mut line).await?;
        Self::read(&mut line).await
    }

    /// Sends so much of the body, and is gone when that has arrived.
    async fn leave(&self, far: SocketAddr, much: usize) -> io::Result<()> {
        let mut line = TcpStream::connect(far).await?;
        line.set_nodelay(true)?;
        line.write_all(&self.head).await?;
        line.write_all(&self.body[..much]).await?;
        // Long enough for the server to begin with it.
        tokio::time::sleep(Duration::from_millis(2)).await;
        Ok(())
    }
}

/// What the head says of the body.
fn length(head: &[u8]) -> usize {
    let head = String::from_utf8_lossy(head).to_ascii_lowercase();
    let told = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    told.and_then(|told| told.trim().parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn a_line_without_accidents_carries_what_it_is_given() {
    let (near, far) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nyes");
    let proxy = Proxy::to(&format!("http://{}", near.local_addr().unwrap())).await;
    let answering = tokio::spawn(async move {
        let (mut line, _) = near.accept().await.unwrap();
        let asked = Message::read(&mut line).await.unwrap();
        line.write_all(far).await.unwrap();
        asked.body
    });
    let caller = crate::harness::Caller::at(&proxy.url, Duration::from_secs(10));
    let answer = caller.send("POST", "/", &[], Some(b"well?".to_vec())).await;
    assert_eq!((answer.status, answer.text.as_str(), answering.await.unwrap().as_slice()), (200, "yes", b"well?".as_slice()));
    proxy.is_quiet().await;
}

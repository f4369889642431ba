//! How the client behaves towards a server that has too much to do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use countertop::api::customer::NewCustomer;
use countertop::api::operation::{CreateCustomer, GetSession};
use countertop::api::page::Nothing;
use countertop::client::{Call, Client};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

/// A refusal that names a time to come back.
fn busy(seconds: u64) -> String {
    format!("HTTP/1.1 503 Service Unavailable\r\nretry-after: {seconds}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

/// A server that gives these answers, one to each call, then the last one for
/// ever; and how often it was called.
async fn server(answers: Vec<String>) -> (Client, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap()), None).unwrap();
    let called = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&called);
    tokio::spawn(async move {
        while let Ok((mut line, _)) = listener.accept().await {
            let (mut asked, mut piece) = (Vec::new(), [0; 4096]);
            while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                match line.read(&mut piece).await {
                    Ok(read @ 1..) => asked.extend_from_slice(&piece[..read]),
                    _ => break,
                }
            }
            let at = count.fetch_add(1, Ordering::SeqCst).min(answers.len() - 1);
            line.write_all(answers[at].as_bytes()).await.unwrap();
            let _ = line.shutdown().await;
        }
    });
    (client, called)
}

fn read() -> Call {
    Call::of::<GetSession>(&Nothing {}, &Nothing {}, &Nothing {})
}

#[tokio::test]
async fn a_busy_server_is_left_alone_for_as_long_as_it_says() {
    let (client, called) = server(vec![busy(1), FINE.to_owned()]).await;
    let told = Mutex::new(Vec::new());
    let begun = Instant::now();
    let answer = client.send_telling(&read(), |pause| told.lock().unwrap().push(pause)).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1), "it came back too early");
    assert_eq!((answer.as_slice(), called.load(Ordering::SeqCst)), (b"{}".as_slice(), 2));
    let told = told.into_inner().unwrap();
    assert!(told.len() == 1 && told[0] >= Duration::from_secs(1), "the person is told for how long: {told:?}");
}

#[tokio::test]
async fn a_server_that_stays_busy_is_asked_three_times_and_no_more() {
    let (client, called) = server(vec![busy(0)]).await;
    assert!(client.send(&read()).await.is_err());
    assert_eq!(called.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn who_would_wait_too_long_and_who_writes_is_told_at_once() {
    let (client, called) = server(vec![busy(3_600)]).await;
    assert!(client.send(&read()).await.is_err());
    assert_eq!(called.load(Ordering::SeqCst), 1);
    let (client, called) = server(vec![busy(1)]).await;
    let write = Call::of::<CreateCustomer>(&Nothing {}, &Nothing {}, &NewCustomer::default());
    assert!(client.send(&write).await.is_err());
    assert_eq!(called.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_stands_before_the_server_says_for_how_long_it_wants_nothing() {
    let page = "HTTP/1.1 429 Too Many Requests\r\nretry-after: 90\r\ncontent-type: text/html\r\ncontent-length: 2\r\nconnection: close\r\n\r\nno";
    let (client, called) = server(vec![page.to_owned()]).await;
    let error = client.send(&read()).await.unwrap_err();
    assert_eq!((error.asked_to_wait(), called.load(Ordering::SeqCst)), (Some(Duration::from_secs(90)), 1), "{error}");
    let (client, _) = server(vec![page.replace("429 Too Many Requests", "413 Content Too Large")]).await;
    assert!(client.send(&read()).await.unwrap_err().problem().is_none(), "a page is no refusal of ours");
}

#[tokio::test]
async fn what_answers_in_the_servers_place_says_that_it_is_out_of_reach() {
    let gateway = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    let (client, called) = server(vec![gateway.to_owned()]).await;
    let error = client.send(&read()).await.unwrap_err();
    assert!(error.is_unreachable() && error.is_passing(), "{error}");
    assert_eq!(called.load(Ordering::SeqCst), 3, "it was tried again before");
}

//! The running demo, by the file that tells of it: where it listens, a token,
//! and whose process it is.
//!
//! Talks to it in plain HTTP over loopback, so that a build without the client
//! can sign in too.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::config::Paths;

/// A demo on this machine says within this that it lives.
const PATIENCE: Duration = Duration::from_secs(2);
/// A sign-in is made to cost time.
#[cfg(feature = "server")]
const SIGN_IN_PATIENCE: Duration = Duration::from_secs(20);
/// An answer is a few hundred bytes.
const MOST: u64 = 64 * 1024;

/// A running demo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Living {
    /// `http://127.0.0.1:41234`.
    pub(super) address: String,
    /// A session's token.
    pub(super) token: String,
    /// Its process.
    pub(super) pid: u32,
}

impl Living {
    /// The demo that runs, if one does: it left its file and answers.
    pub(super) async fn find(paths: &Paths) -> Option<Self> {
        let text = std::fs::read_to_string(file(paths)).ok()?;
        let told: Self = serde_json::from_str(&text).ok()?;
        told.answers().await.then_some(told)
    }

    /// Whether it answers.
    pub(super) async fn answers(&self) -> bool {
        let Some(address) = self.socket() else { return false };
        matches!(ask(address, "GET", "/healthz", "", PATIENCE).await, Ok((200, _)))
    }

    /// Where it listens.
    pub(super) fn socket(&self) -> Option<SocketAddr> {
        self.address.strip_prefix("http://")?.parse().ok()
    }
}

fn file(paths: &Paths) -> PathBuf {
    paths.state.join("demo.json")
}

#[cfg(feature = "server")]
impl Living {
    /// Leaves the file for a second demo and for `doctor`; only its owner may
    /// read the token.
    pub(super) fn leave(&self, paths: &Paths) -> std::io::Result<()> {
        use std::io::Write as _;
        super::database::private_folder(&paths.state)?;
        let path = file(paths);
        let new = path.with_extension("new");
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut out = options.open(&new)?;
        out.write_all(&serde_json::to_vec_pretty(self).map_err(std::io::Error::other)?)?;
        std::fs::rename(&new, &path)
    }

    /// Takes the file away, unless another demo has left its own meanwhile.
    pub(super) fn forget(&self, paths: &Paths) {
        let path = file(paths);
        let ours = std::fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str::<Self>(&text).ok()).is_some_and(|told| told.pid == self.pid);
        if ours {
            // What cannot be removed stays; a stale file is found by its silence.
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Signs in to a demo: the token, or none if the account may not.
#[cfg(feature = "server")]
pub(super) async fn sign_in(address: SocketAddr, account: &str) -> std::io::Result<Option<String>> {
    let body = serde_json::json!({ "username": account, "password": crate::demo::PASSWORD }).to_string();
    let (status, answer) = ask(address, "POST", "/v1/sessions", &body, SIGN_IN_PATIENCE).await?;
    match status {
        200 | 201 => {
            let signed_in: crate::api::session::SignedIn = serde_json::from_str(&answer).map_err(std::io::Error::other)?;
            Ok(Some(signed_in.token))
        }
        401 => Ok(None),
        other => Err(std::io::Error::other(format!("the demo's server answered a sign-in with status {other}"))),
    }
}

/// One exchange over loopback: status and body. HTTP/1.0, so that the answer
/// ends with the connection.
async fn ask(address: SocketAddr, method: &str, path: &str, body: &str, patience: Duration) -> std::io::Result<(u16, String)> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}");
        let request = format!("{head}\r\nConnection: close\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(MOST).read_to_end(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = tokio::time::timeout(patience, exchange).await.map_err(|_| std::io::Error::from(std::io::ErrorKind::TimedOut))??;
    read(&String::from_utf8_lossy(&answer)).ok_or_else(|| std::io::Error::other("no answer in HTTP"))
}

fn read(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        assert_eq!(read("HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nok\n"), Some((200, "ok\n".to_owned())));
        assert_eq!(read("SSH-2.0-OpenSSH\r\n"), None);
    }

    #[test]
    fn a_demo_listens_where_it_says() {
        let living = Living { address: "http://127.0.0.1:4123".to_owned(), token: String::new(), pid: 1 };
        assert_eq!(living.socket().map(|address| address.port()), Some(4123));
    }
}

//! An exchange: one number to call, and lines from there to whoever stands
//! behind it just now. It can hold what is said, and lose lines without a word.

use std::net::SocketAddr;
use std::path::PathBuf;

use countertop::store::Db;
use sqlx::ConnectOptions as _;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// Whom a line can lead to.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    /// A socket in a folder.
    Unix(PathBuf),
    /// `host:port`.
    Tcp(String),
}

/// Both directions of a line.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Target {
    async fn call(&self) -> std::io::Result<Box<dyn Stream>> {
        let far: Box<dyn Stream> = match self {
            Self::Unix(path) => Box::new(UnixStream::connect(path).await?),
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address.as_str()).await?;
                stream.set_nodelay(true)?;
                Box::new(stream)
            }
        };
        Ok(far)
    }
}

/// What stands behind the number.
#[derive(Debug, Clone)]
struct Behind {
    /// New calls go to them in turn; who does not take the line is passed over.
    targets: Vec<Target>,
    is_held: bool,
    /// Lines of another era carry nothing any more.
    era: u64,
}

/// The exchange. Calls end with it.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// The number.
    pub(crate) address: SocketAddr,
    behind: watch::Sender<Behind>,
    accepting: AbortHandle,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Exchange {
    /// With these behind it.
    pub(crate) async fn to(targets: Vec<Target>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let behind = watch::Sender::new(Behind { targets, is_held: false, era: 0 });
        let accepting = tokio::spawn(accept(listener, behind.clone())).abort_handle();
        Self { address, behind, accepting }
    }

    /// Before the PostgreSQL of a database; with the address of that database by
    /// way of it.
    pub(crate) async fn before(db: &Db) -> (Self, String) {
        let Db::Postgres(lines) = db else { panic!("nobody calls a file") };
        let options = lines.pool().connect_options();
        let target = match options.get_socket() {
            Some(folder) => Target::Unix(folder.join(format!(".s.PGSQL.{}", options.get_port()))),
            None => Target::Tcp(format!("{}:{}", options.get_host(), options.get_port())),
        };
        let exchange = Self::to(vec![target]).await;
        let mut address = options.to_url_lossy();
        address.set_host(Some("127.0.0.1")).unwrap();
        address.set_port(Some(exchange.address.port())).unwrap();
        (exchange, address.into())
    }

    /// New calls go there.
    pub(crate) fn lead_to(&self, targets: Vec<Target>) {
        self.behind.send_modify(|behind| behind.targets = targets);
    }

    /// Holds back whatever is said, and new calls too: nobody hears anything,
    /// and nobody hangs up.
    pub(crate) fn hold(&self) {
        self.behind.send_modify(|behind| behind.is_held = true);
    }

    /// Lets it all go on.
    pub(crate) fn go_on(&self) {
        self.behind.send_modify(|behind| behind.is_held = false);
    }

    /// Loses all lines there are, without a word to either side. New calls pass.
    pub(crate) fn lose_all(&self) {
        self.behind.send_modify(|behind| behind.era += 1);
    }
}

async fn accept(listener: TcpListener, behind: watch::Sender<Behind>) {
    let mut turn = 0_usize;
    while let Ok((near, _)) = listener.accept().await {
        let _ = near.set_nodelay(true);
        turn += 1;
        tokio::spawn(put_through(near, turn, behind.subscribe()));
    }
}

async fn put_through(near: TcpStream, turn: usize, mut behind: watch::Receiver<Behind>) {
    let Ok(now) = behind.wait_for(|behind| !behind.is_held).await.map(|behind| behind.clone()) else { return };
    for nth in 0..now.targets.len() {
        let target = &now.targets[(turn + nth) % now.targets.len()];
        let Ok(far) = target.call().await else { continue };
        let ((near_in, near_out), (far_in, far_out)) = (split(near), split(far));
        tokio::join!(carry(near_in, far_out, behind.clone(), now.era), carry(far_in, near_out, behind, now.era));
        return;
    }
}

async fn carry(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut behind: watch::Receiver<Behind>, era: u64) {
    let mut bytes = vec![0_u8; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        let Ok(now) = behind.wait_for(|behind| !behind.is_held).await.map(|behind| behind.era) else { break };
        if now != era {
            std::future::pending::<()>().await;
        }
        if to.write_all(&bytes[..read]).await.is_err() {
            break;
        }
    }
    let _ = to.shutdown().await;
}

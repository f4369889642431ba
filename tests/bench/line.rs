//! A connection to a server on which one thing is asked after the other, by the
//! bytes of HTTP itself: what asks takes little of the machine that it measures.
//! Calls nobody.

use anyhow::{Context as _, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// The connection.
#[derive(Debug)]
pub(crate) struct Line {
    stream: BufReader<TcpStream>,
    /// What was read last of a head.
    text: Vec<u8>,
}

/// What matters of an answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer {
    /// Its status.
    pub(crate) status: u16,
    /// After how many seconds another try makes sense; 0 unless it says so.
    pub(crate) retry_after: u64,
    /// It was the last on this connection.
    pub(crate) is_last: bool,
}

impl Line {
    /// Connects.
    pub(crate) async fn to(host: &str) -> Result<Self> {
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(1 << 16, stream), text: Vec::new() })
    }

    /// Asks, and reads the answer to its end.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> Result<Answer> {
        self.stream.get_mut().write_all(request).await?;
        self.read_answer().await
    }

    async fn read_answer(&mut self) -> Result<Answer> {
        let status = self.read_line().await?.split(' ').nth(1).context("no status")?.parse::<u16>()?;
        let mut answer = Answer { status, retry_after: 0, is_last: false };
        let (mut length, mut chunked) = (0_usize, false);
        loop {
            let header = self.read_line().await?;
            let Some((name, value)) = header.split_once(':') else { break };
            let (is, value) = (|known: &str| name.eq_ignore_ascii_case(known), value.trim());
            if is("content-length") {
                length = value.parse()?;
            } else if is("retry-after") {
                answer.retry_after = value.parse()?;
            }
            answer.is_last |= is("connection") && value.eq_ignore_ascii_case("close");
            chunked |= is("transfer-encoding") && value.eq_ignore_ascii_case("chunked");
        }
        if !chunked {
            self.skip(length).await?;
            return Ok(answer);
        }
        loop {
            let head = self.read_line().await?;
            let length = usize::from_str_radix(head.split(';').next().unwrap_or_default().trim(), 16)?;
            self.skip(length).await?;
            // Behind the last chunk, trailers aside, as behind each: an empty line.
            self.read_line().await?;
            if length == 0 {
                return Ok(answer);
            }
        }
    }

    async fn read_line(&mut self) -> Result<&str> {
        self.text.clear();
        if self.stream.read_until(b'\n', &mut self.text).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(std::str::from_utf8(&self.text)?.trim_end())
    }

    async fn skip(&mut self, mut bytes: usize) -> Result<()> {
        while bytes > 0 {
            let here = self.stream.fill_buf().await?.len().min(bytes);
            ensure!(here > 0, "the server closed the connection");
            self.stream.consume(here);
            bytes -= here;
        }
        Ok(())
    }
}

//! A mail server on this machine: it takes mails over SMTP and keeps them for
//! the tests to read, or refuses whomever they are for.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use countertop::config::{MailServer as MailAddress, MailSettings, SenderAddress, ServerAddress};
use countertop::server::{Arrangements, OutgoingMail};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How long a test waits for a mail.
const PATIENCE: Duration = Duration::from_secs(10);

/// What it does with recipients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// Takes everything.
    Takes,
    /// Knows nobody: 550.
    Refuses,
}

/// A mail server that listens until it is dropped.
#[derive(Debug)]
pub(crate) struct MailServer {
    /// `smtp://127.0.0.1:PORT`.
    url: String,
    mails: watch::Receiver<Vec<ReceivedMail>>,
    listening: JoinHandle<()>,
}

impl Drop for MailServer {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

impl MailServer {
    /// One that takes every mail.
    pub(crate) async fn start() -> Self {
        Self::with(Manner::Takes).await
    }

    /// One that refuses every recipient.
    pub(crate) async fn refusing() -> Self {
        Self::with(Manner::Refuses).await
    }

    async fn with(manner: Manner) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let url = format!("smtp://{}", listener.local_addr().expect("an address"));
        let (keep, mails) = watch::channel(Vec::new());
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(Conversation::of(stream, manner, keep.clone()).run());
            }
        });
        Self { url, mails, listening }
    }

    /// What tells a server to send its mails here.
    pub(crate) fn arrangements(&self) -> Arrangements {
        let settings = MailSettings {
            server: Some(MailAddress(self.url.clone())),
            from: Some(SenderAddress("Counter <counter@dealer.example>".to_owned())),
            link_address: Some(ServerAddress("https://counter.dealer.example".to_owned())),
            ..MailSettings::default()
        };
        Arrangements { mail: OutgoingMail::from_settings(&settings).expect("settings that can be used"), ..Arrangements::default() }
    }

    /// The mails so far.
    pub(crate) fn mails(&self) -> Vec<ReceivedMail> {
        self.mails.borrow().to_vec()
    }

    /// Waits until there are so many mails.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<ReceivedMail> {
        let mut mails = self.mails.clone();
        let waited = tokio::time::timeout(PATIENCE, mails.wait_for(|mails| mails.len() >= count)).await;
        waited.expect("so many mails in time").expect("the mail server listens").to_vec()
    }
}

/// A mail as it came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ReceivedMail {
    /// Who the envelope says it is from.
    pub(crate) from: String,
    /// Who the envelope says it is for.
    pub(crate) to: Vec<String>,
    /// Head and body, without the dots that the way adds.
    pub(crate) data: Vec<u8>,
}

impl ReceivedMail {
    fn halves(&self) -> (String, String) {
        let data = String::from_utf8(self.data.clone()).expect("a mail of ours is text");
        let (head, body) = data.split_once("\r\n\r\n").expect("a mail has head and body");
        (head.replace("\r\n ", " ").replace("\r\n\t", " "), body.to_owned())
    }

    /// A header, unfolded; nothing where there is none.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.halves();
        let found = head.lines().filter_map(|line| line.split_once(':')).find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned())
    }

    /// The text, as a reader sees it.
    pub(crate) fn text(&self) -> String {
        let (_, body) = self.halves();
        let bytes = match self.header("content-transfer-encoding").as_deref() {
            Some("quoted-printable") => unquoted(&body),
            Some("base64") => STANDARD.decode(body.split_whitespace().collect::<String>()).expect("base64"),
            _ => body.into_bytes(),
        };
        String::from_utf8(bytes).expect("a mail of ours is UTF-8").replace("\r\n", "\n")
    }

    /// The first link in it.
    pub(crate) fn link(&self) -> String {
        let text = self.text();
        let found = text.split_whitespace().find(|word| word.starts_with("http://") || word.starts_with("https://"));
        found.unwrap_or_else(|| panic!("no link in {text}")).to_owned()
    }

    /// The one-time code at the end of that link.
    pub(crate) fn code(&self) -> String {
        self.link().split_once('#').expect("a link with a code").1.to_owned()
    }
}

/// Quoted-printable undone.
fn unquoted(body: &str) -> Vec<u8> {
    let joined = body.replace("=\r\n", "");
    let mut parts = joined.split('=');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).expect("two digits behind ="));
        bytes.extend_from_slice(rest.as_bytes());
    }
    bytes
}

/// What to say, and whether to go on.
enum Answer {
    Say(&'static str),
    TakeData,
    Leave,
}

/// One connection.
struct Conversation {
    reading: BufReader<OwnedReadHalf>,
    writing: OwnedWriteHalf,
    manner: Manner,
    keep: watch::Sender<Vec<ReceivedMail>>,
    sender: Option<String>,
    recipients: Vec<String>,
}

impl Conversation {
    fn of(stream: TcpStream, manner: Manner, keep: watch::Sender<Vec<ReceivedMail>>) -> Self {
        let (reading, writing) = stream.into_split();
        Self { reading: BufReader::new(reading), writing, manner, keep, sender: None, recipients: Vec::new() }
    }

    /// Talks until the other side has had enough.
    async fn run(mut self) {
        // A client that hangs up ends the conversation; that is no failure.
        let _ = self.talk().await;
    }

    async fn talk(&mut self) -> std::io::Result<()> {
        self.say("220 localhost ready").await?;
        while let Some(line) = self.line().await? {
            match self.answer(String::from_utf8_lossy(&line).trim_end()) {
                Answer::Say(text) => self.say(text).await?,
                Answer::TakeData => {
                    self.say("354 go on, a dot ends it").await?;
                    let Some(data) = self.data().await? else { return Ok(()) };
                    let mail = ReceivedMail { from: self.sender.take().unwrap_or_default(), to: std::mem::take(&mut self.recipients), data };
                    self.keep.send_modify(|mails| mails.push(mail));
                    self.say("250 kept").await?;
                }
                Answer::Leave => return self.say("221 bye").await,
            }
        }
        Ok(())
    }

    fn answer(&mut self, line: &str) -> Answer {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let refuses = self.manner == Manner::Refuses;
        match verb.as_str() {
            "EHLO" => Answer::Say("250-localhost\r\n250-8BITMIME\r\n250 SMTPUTF8"),
            "HELO" | "NOOP" => Answer::Say("250 fine"),
            "MAIL" => {
                self.sender = Some(in_angles(line));
                self.recipients.clear();
                Answer::Say("250 fine")
            }
            "RCPT" if self.sender.is_none() => Answer::Say("503 MAIL comes first"),
            "RCPT" if refuses => Answer::Say("550 5.1.1 no such mailbox"),
            "RCPT" => {
                self.recipients.push(in_angles(line));
                Answer::Say("250 fine")
            }
            "DATA" if self.recipients.is_empty() => Answer::Say("503 RCPT comes first"),
            "DATA" => Answer::TakeData,
            "RSET" => {
                self.sender = None;
                self.recipients.clear();
                Answer::Say("250 fine")
            }
            "QUIT" => Answer::Leave,
            _ => Answer::Say("502 not known here"),
        }
    }

    /// Everything up to the line with the lone dot.
    async fn data(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut data = Vec::new();
        while let Some(line) = self.line().await? {
            if line == b".\r\n" {
                return Ok(Some(data));
            }
            data.extend_from_slice(line.strip_prefix(b".").unwrap_or(&line));
        }
        Ok(None)
    }

    async fn line(&mut self) -> std::io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        let read = self.reading.read_until(b'\n', &mut line).await?;
        Ok((read > 0).then_some(line))
    }

    async fn say(&mut self, text: &str) -> std::io::Result<()> {
        self.writing.write_all(format!("{text}\r\n").as_bytes()).await
    }
}

/// `a@b` of `MAIL FROM:<a@b> BODY=8BITMIME`.
fn in_angles(line: &str) -> String {
    let inside = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inside.map(|(address, _)| address.to_owned()).unwrap_or_default()
}

#[test]
fn quoted_printable_is_undone() {
    assert_eq!(unquoted("Tom=C3=A1s https://c.example/set-=\r\npassword#C0de\r\n"), "Tomás https://c.example/set-password#C0de\r\n".as_bytes());
}

#[tokio::test]
async fn the_mail_server_keeps_what_it_is_told() {
    let server = MailServer::start().await;
    let mut stream = TcpStream::connect(server.url.trim_start_matches("smtp://")).await.unwrap();
    let said = "EHLO me\r\nDATA\r\nMAIL FROM:<a@x.example> BODY=8BITMIME\r\nRCPT TO:<b@x.example>\r\nDATA\r\nSubject: t\r\n\tu\r\n\r\n..hi\r\n.\r\nQUIT\r\n";
    stream.write_all(said.as_bytes()).await.unwrap();
    let mail = server.wait_for(1).await.remove(0);
    assert_eq!((mail.from.as_str(), mail.to.as_slice()), ("a@x.example", &["b@x.example".to_owned()][..]));
    assert_eq!((mail.header("subject").as_deref(), mail.text().as_str()), (Some("t u"), ".hi\n"));
    assert_eq!(mail.header("bcc"), None);
}

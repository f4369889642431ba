//! Drives the outbox: keeps what it is told to, sends one write after the other
//! over the line, and tells what became of each. One terminal of a user sends at
//! a time; the keys make a second one harmless all the same.

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;

use super::{Entry, Fate, Letter, Next, Now, Outbox, OutboxFault, Post, State, Summary, Typed, Whose};
use crate::client::{Call, Client, ClientError};

/// How long the end waits for what is to be kept.
const PATIENCE: Duration = Duration::from_secs(3);
/// So often, and so long, another terminal that sends is waited for before
/// somebody is told that it is kept.
const TURNS: (Duration, u32) = (Duration::from_millis(50), 40);
/// So often from then on: nobody waits at a form any more.
const LATER: Duration = Duration::from_secs(2);
/// How long a file that cannot be read is left alone.
const TROUBLE: Duration = Duration::from_secs(30);
/// The most entries of each kind that are shown.
const SHOWN: usize = 500;

/// What the courier is told.
#[derive(Debug)]
pub enum Order {
    /// Somebody is signed in: what is his is sent through this client.
    Begin(Arc<Client>, Whose, Option<String>),
    /// Nobody is signed in any more.
    Rest,
    /// Send nothing while the session stands in for somebody: what was typed as
    /// oneself would be another's write. Or go on.
    Hold(bool),
    /// Keep a write and send it; the tag comes back with what became of it.
    Keep(u64, Whose, Box<Post>),
    /// Keep drafts, or forget those without a text.
    Drafts(Whose, Vec<(String, Typed)>),
    /// Send now what waits.
    Hurry,
    /// Take an entry out.
    Discard(i64),
    /// Say what became of an entry whose form is gone.
    Tell(i64),
    /// List what there is; the tag comes back with it.
    List(u64),
    /// Say when everything of before is done.
    Finish(oneshot::Sender<()>),
}

/// What the courier tells.
#[derive(Debug)]
pub enum News {
    /// These are the drafts of the user.
    Drafts(Whose, Vec<(String, Typed)>),
    /// A write is kept: it survives whatever comes.
    Kept(u64),
    /// A write could not be kept, and was not sent either.
    NotKept(u64, Box<Call>, OutboxFault),
    /// What became of a write that somebody waits for.
    Answer(Box<Answer>),
    /// What became of one that nobody waits for any more.
    Settled(Box<Entry>),
    /// There are so many now.
    Changed(Summary),
    /// So many are sent once more: the server was restored from a backup.
    SentAgain(usize),
    /// What there is.
    List(u64, Result<Vec<Entry>, OutboxFault>),
    /// Something could not be read or written.
    Failed(OutboxFault),
}

/// What became of a write that somebody waits for.
#[derive(Debug)]
pub struct Answer {
    /// Its tag.
    pub tag: u64,
    /// The entry.
    pub entry: i64,
    /// What the server said.
    pub outcome: Result<Vec<u8>, ClientError>,
    /// Whether it stays in the outbox and is tried again.
    pub waits: bool,
    /// How long it took.
    pub took: Duration,
}

/// The way to the courier.
#[derive(Debug)]
pub struct Courier {
    orders: UnboundedSender<Order>,
}

impl Courier {
    /// Begins to work for the outbox in a folder, on the runtime around.
    pub fn begin(folder: PathBuf, news: impl Fn(News) + Send + 'static) -> Self {
        let (orders, ordered) = unbounded_channel();
        let round = Round {
            folder,
            outbox: None,
            client: None,
            turn: None,
            turns: 0,
            awaited: HashMap::new(),
            news: Box::new(news),
            holds: false,
            counted: None,
            complained: None,
        };
        tokio::spawn(round.run(ordered));
        Self { orders }
    }

    /// Tells it something.
    pub fn tell(&self, order: Order) {
        // Its end is the end of the program.
        let _ = self.orders.send(order);
    }

    /// Waits until all that it was told to keep is kept, but not for ever.
    pub async fn finish(self) {
        let (done, finished) = oneshot::channel();
        self.tell(Order::Finish(done));
        // Whatever hinders it, the program ends.
        let _ = tokio::time::timeout(PATIENCE, finished).await;
    }
}

/// A write on its way: what came back, and how long it took.
type Sending = Pin<Box<dyn Future<Output = (Box<Letter>, Result<Vec<u8>, ClientError>, Duration)> + Send>>;

struct Round {
    folder: PathBuf,
    /// Opened when there is something in it, or something is to be kept.
    outbox: Option<Outbox>,
    client: Option<(Arc<Client>, Whose, Option<String>)>,
    /// Nothing is sent for now.
    holds: bool,
    /// Held while this terminal is the one that sends.
    turn: Option<File>,
    turns: u32,
    /// Tags of writes that somebody waits for, by entry.
    awaited: HashMap<i64, u64>,
    news: Box<dyn Fn(News) + Send>,
    /// What was told of how many there are; none to whoever just came.
    counted: Option<Summary>,
    /// What was told of a file that fails.
    complained: Option<String>,
}

impl Round {
    async fn run(mut self, mut orders: UnboundedReceiver<Order>) {
        let mut sending: Option<Sending> = None;
        loop {
            let mut pause = None;
            if sending.is_none() {
                match self.next() {
                    Next::Send(letter) => sending = self.send(letter),
                    Next::In(wait) => pause = Some(wait),
                    Next::Nothing => {}
                }
            }
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => return,
                },
                (letter, outcome, took) = arrival(&mut sending) => {
                    sending = None;
                    self.answered(&letter, outcome, took);
                }
                () = waiting(pause) => {}
            }
        }
    }

    /// What is to be done next, by the outbox and by whose turn it is.
    fn next(&mut self) -> Next {
        if self.holds {
            self.pause("you act in somebody's name");
            return Next::Nothing;
        }
        let Some(outbox) = &mut self.outbox else { return Next::Nothing };
        let next = at_disk(|| outbox.next(now()));
        match next {
            Ok(Next::Send(letter)) => {
                if self.takes_turn() {
                    return Next::Send(letter);
                }
                self.turns = self.turns.saturating_add(1);
                if self.turns < TURNS.1 {
                    return Next::In(TURNS.0);
                }
                self.tell_those_who_wait("another terminal of yours is sending");
                Next::In(LATER)
            }
            Ok(Next::In(wait)) => {
                self.pause("the server cannot be reached");
                Next::In(wait)
            }
            Ok(Next::Nothing) => {
                // Nobody is signed in to send it, or another terminal did.
                self.pause("nobody is signed in");
                Next::Nothing
            }
            Err(fault) => {
                self.tell_those_who_wait("what is kept here cannot be read");
                self.complain(fault);
                Next::In(TROUBLE)
            }
        }
    }

    /// Nothing is sent just now: another terminal may try, and what it sent
    /// meanwhile counts here too.
    fn pause(&mut self, cause: &str) {
        self.turn = None;
        self.tell_those_who_wait(cause);
        self.count();
    }

    /// Whether this terminal is the one that sends. Where the folder knows no
    /// locks, each is.
    fn takes_turn(&mut self) -> bool {
        if self.turn.is_none() {
            let Ok(file) = File::options().write(true).create(true).truncate(false).open(self.folder.join("outbox.turn")) else { return true };
            match file.try_lock() {
                Err(std::fs::TryLockError::WouldBlock) => return false,
                Ok(()) | Err(std::fs::TryLockError::Error(_)) => self.turn = Some(file),
            }
        }
        self.turns = 0;
        true
    }

    fn send(&self, letter: Box<Letter>) -> Option<Sending> {
        let (client, ..) = self.client.as_ref()?;
        let client = Arc::clone(client);
        Some(Box::pin(async move {
            let begun = Instant::now();
            let receipt = |answer: Vec<u8>| {
                let is_one = letter.call.is_answered_by(&answer);
                if is_one { Ok(answer) } else { Err(ClientError::strange(client.server(), "that is no receipt")) }
            };
            let outcome = client.send(&letter.call).await.and_then(receipt);
            (letter, outcome, begun.elapsed())
        }))
    }

    fn answered(&mut self, letter: &Letter, outcome: Result<Vec<u8>, ClientError>, took: Duration) {
        let Some(outbox) = &mut self.outbox else { return };
        let fate = at_disk(|| outbox.answered(letter, &outcome, now(), rand::random()));
        let waits = match fate {
            Ok(fate) => {
                self.complained = None;
                matches!(fate, Fate::Waits | Fate::SignIn)
            }
            // It will be sent again, under the same key.
            Err(fault) => {
                self.complain(fault);
                outcome.is_err()
            }
        };
        match self.awaited.remove(&letter.id) {
            Some(tag) => (self.news)(News::Answer(Box::new(Answer { tag, entry: letter.id, outcome, waits, took }))),
            None => self.tell_what_became_of(letter.id),
        }
        self.count();
    }

    /// Says of an entry of whoever is here that it was sent or refused.
    fn tell_what_became_of(&self, id: i64) {
        if let Some(outbox) = &self.outbox
            && let Ok(Some(entry)) = at_disk(|| outbox.entry(id))
            && entry.state != State::Waiting
        {
            (self.news)(News::Settled(Box::new(entry)));
        }
    }

    /// Nobody need wait at a form for what is kept.
    fn tell_those_who_wait(&mut self, cause: &str) {
        let server = self.client.as_ref().map(|(client, ..)| client.server().to_owned()).unwrap_or_default();
        for (entry, tag) in std::mem::take(&mut self.awaited) {
            let outcome = Err(ClientError::Unreachable { server: server.clone(), cause: cause.to_owned() });
            (self.news)(News::Answer(Box::new(Answer { tag, entry, outcome, waits: true, took: Duration::ZERO })));
            // Another terminal may have sent it already.
            self.tell_what_became_of(entry);
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Begin(client, whose, lineage) => self.begin_for(client, whose, lineage),
            Order::Rest => {
                self.client = None;
                (self.turn, self.counted, self.holds) = (None, None, false);
                if let Some(outbox) = &mut self.outbox {
                    outbox.belong_to_nobody();
                }
            }
            Order::Hold(holds) => self.holds = holds,
            Order::Keep(tag, whose, post) => self.keep(tag, &whose, *post),
            Order::Drafts(whose, drafts) => {
                let has_text = drafts.iter().any(|(_, typed)| typed.iter().any(|(_, text)| !text.is_empty()));
                // Nothing need be forgotten of a file that is not there.
                if has_text || self.is_there() {
                    self.at_outbox(|outbox| outbox.keep_drafts(&whose, &drafts));
                }
            }
            Order::Hurry => {
                if let Some(outbox) = &mut self.outbox {
                    outbox.hurry();
                }
            }
            Order::Discard(id) => {
                self.at_outbox(|outbox| outbox.discard(id));
                self.count();
            }
            Order::Tell(id) => self.tell_what_became_of(id),
            Order::List(tag) => {
                let listed = if self.is_there() { self.opened().and_then(|outbox| at_disk(|| outbox.entries(SHOWN))) } else { Ok(Vec::new()) };
                (self.news)(News::List(tag, listed));
            }
            // All of before is done: it was done one after the other.
            Order::Finish(done) => drop(done.send(())),
        }
    }

    fn begin_for(&mut self, client: Arc<Client>, whose: Whose, lineage: Option<String>) {
        self.client = Some((client, whose.clone(), lineage.clone()));
        self.counted = None;
        if !self.is_there() {
            return;
        }
        // Opening it begins for whoever is signed in.
        let is_open = self.outbox.is_some();
        let again = self.at_outbox(|outbox| if is_open { outbox.belong_to(whose.clone(), lineage, now()) } else { Ok(0) });
        if let Some(again) = again.filter(|again| *again > 0) {
            (self.news)(News::SentAgain(again));
        }
        if let Some(drafts) = self.at_outbox(|outbox| outbox.drafts()) {
            (self.news)(News::Drafts(whose, drafts));
        }
        self.count();
    }

    fn keep(&mut self, tag: u64, whose: &Whose, post: Post) {
        let kept = self.opened().and_then(|outbox| at_disk(|| outbox.keep(whose, &post, now())));
        match kept {
            Ok(id) => {
                self.complained = None;
                self.awaited.insert(id, tag);
                (self.news)(News::Kept(tag));
                self.count();
            }
            Err(fault) => (self.news)(News::NotKept(tag, Box::new(post.call), fault)),
        }
    }

    fn is_there(&self) -> bool {
        self.outbox.is_some() || self.folder.join(super::FILE).exists()
    }

    /// Works with the outbox; tells what fails.
    fn at_outbox<T>(&mut self, work: impl FnOnce(&mut Outbox) -> Result<T, OutboxFault>) -> Option<T> {
        match self.opened().and_then(|outbox| at_disk(|| work(outbox))) {
            Ok(done) => {
                self.complained = None;
                Some(done)
            }
            Err(fault) => {
                self.complain(fault);
                None
            }
        }
    }

    /// Tells what fails, once as long as it does: a draft is tried every second.
    fn complain(&mut self, fault: OutboxFault) {
        let told = fault.to_string();
        if self.complained.as_ref() != Some(&told) {
            self.complained = Some(told);
            (self.news)(News::Failed(fault));
        }
    }

    /// The outbox, opened with its first use.
    fn opened(&mut self) -> Result<&mut Outbox, OutboxFault> {
        let outbox = match self.outbox.take() {
            Some(outbox) => outbox,
            None => open(&self.folder, self.client.as_ref().map(|(_, whose, lineage)| (whose.clone(), lineage.clone())), &self.news)?,
        };
        Ok(self.outbox.insert(outbox))
    }

    fn count(&mut self) {
        if let Some(outbox) = &self.outbox
            && let Ok(summary) = at_disk(|| outbox.summary())
            && self.counted != Some(summary)
        {
            self.counted = Some(summary);
            (self.news)(News::Changed(summary));
        }
    }
}

fn open(folder: &Path, whose: Option<(Whose, Option<String>)>, news: &dyn Fn(News)) -> Result<Outbox, OutboxFault> {
    at_disk(|| {
        let mut outbox = Outbox::open(folder)?;
        if let Some((whose, lineage)) = whose {
            let again = outbox.belong_to(whose, lineage, now())?;
            if again > 0 {
                news(News::SentAgain(again));
            }
        }
        Ok(outbox)
    })
}

fn now() -> Now {
    Now { wall: Timestamp::now(), steady: steady() }
}

/// A clock that never jumps and goes on while the machine sleeps: a reading
/// that waited in a closed laptop is as old as the night was long.
#[cfg(target_os = "linux")]
fn steady() -> Duration {
    let since = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::new(u64::try_from(since.tv_sec).unwrap_or_default(), u32::try_from(since.tv_nsec).unwrap_or_default())
}

/// As far as the system knows such a clock.
#[cfg(not(target_os = "linux"))]
fn steady() -> Duration {
    static BEGUN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    BEGUN.elapsed()
}

/// Waits for the disk without holding up who else works on this thread.
fn at_disk<T>(work: impl FnOnce() -> T) -> T {
    tokio::task::block_in_place(work)
}

async fn arrival(sending: &mut Option<Sending>) -> (Box<Letter>, Result<Vec<u8>, ClientError>, Duration) {
    match sending {
        Some(sending) => sending.await,
        None => std::future::pending().await,
    }
}

async fn waiting(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::sync::mpsc;

    use super::*;
    use crate::api::ids::{AssetId, UserId};
    use crate::api::meter::NewReading;
    use crate::api::operation::{AddReading, OfAsset};
    use crate::api::page::Nothing;

    /// Somebody at a desk, by default one whose server nobody reaches.
    struct Desk {
        courier: Courier,
        told: mpsc::Receiver<News>,
        client: Arc<Client>,
        whose: Whose,
        // The runtime goes before its folder does.
        _runtime: tokio::runtime::Runtime,
        _folder: tempfile::TempDir,
    }

    impl Desk {
        fn new() -> Self {
            Self::before("http://127.0.0.1:1")
        }

        fn before(server: &str) -> Self {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let folder = tempfile::tempdir().unwrap();
            let (tell, told) = mpsc::channel();
            let courier = {
                let _inside = runtime.enter();
                Courier::begin(folder.path().to_path_buf(), move |news| drop(tell.send(news)))
            };
            let client = Arc::new(Client::new(server, None).unwrap());
            let whose = Whose { server: client.server().to_owned(), user: UserId::new() };
            Self { courier, told, client, whose, _runtime: runtime, _folder: folder }
        }

        fn signs_in(&self) {
            self.courier.tell(Order::Begin(Arc::clone(&self.client), self.whose.clone(), None));
        }

        fn types(&self) {
            let call = Call::of::<AddReading>(&OfAsset { id: AssetId::new() }, &Nothing {}, &NewReading::default());
            let text = || "reading".to_owned();
            let post = Post { call, subject: text(), title: text(), about: text(), typed: Vec::new(), form: String::new() };
            self.courier.tell(Order::Keep(1, self.whose.clone(), Box::new(post)));
        }

        /// The next news of this kind.
        fn hears<T>(&self, of: impl Fn(News) -> Option<T>) -> T {
            loop {
                if let Some(news) = of(self.told.recv_timeout(Duration::from_secs(20)).unwrap()) {
                    return news;
                }
            }
        }

        fn hears_how_many_wait(&self) -> i64 {
            self.hears(|news| match news {
                News::Changed(summary) => Some(summary.waiting),
                _ => None,
            })
        }
    }

    #[test]
    fn whoever_signs_in_again_is_told_of_what_waits() {
        let jo = Desk::new();
        jo.signs_in();
        jo.types();
        assert_eq!(jo.hears_how_many_wait(), 1);
        jo.courier.tell(Order::Rest);
        assert_eq!(jo.hears_how_many_wait(), 0);
        jo.signs_in();
        assert_eq!(jo.hears_how_many_wait(), 1);
    }

    /// Whoever sits at the address of the server and says this to all.
    fn somebody_who_says(body: &'static str) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for mut line in listener.incoming().flatten() {
                let _ = line.read(&mut [0; 4_096]);
                let length = body.len();
                let _ = write!(line, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
            }
        });
        address
    }

    #[test]
    fn an_answer_that_is_none_to_what_was_sent_is_no_receipt() {
        for nonsense in ["{}", "{\"a\":[1}", "[]", "{\"number\":\"SR-1\"}", "{\"id\":\"1\"}"] {
            let jo = Desk::before(&somebody_who_says(nonsense));
            jo.signs_in();
            jo.types();
            let answer = jo.hears(|news| match news {
                News::Answer(answer) => Some(answer),
                _ => None,
            });
            assert!(answer.waits && answer.outcome.is_err(), "{nonsense}: {answer:?}");
        }
    }

    #[test]
    fn what_is_held_is_kept_and_not_even_tried() {
        let jo = Desk::new();
        jo.courier.tell(Order::Hold(true));
        jo.signs_in();
        jo.types();
        let answer = jo.hears(|news| match news {
            News::Answer(answer) => Some(answer),
            _ => None,
        });
        assert!(answer.waits && answer.took.is_zero(), "{answer:?}");
    }
}

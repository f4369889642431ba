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

pub use super::orders::{Answer, News, Order};
use super::{Entry, Fate, Letter, Next, Now, Outbox, OutboxFault, Post, State, Summary, Typed, Whose, has_text};
use crate::client::{Client, ClientError};

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
            unkept: Vec::new(),
            news: Box::new(news),
            holds: false,
            asked: false,
            counted: None,
            complained: None,
            fault: None,
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
    /// Somebody wants a try, and it is not over yet.
    asked: bool,
    /// Held while this terminal is the one that sends.
    turn: Option<File>,
    turns: u32,
    /// Tags of writes that somebody waits for, by entry.
    awaited: HashMap<i64, u64>,
    /// Drafts that the disk did not take yet.
    unkept: Vec<(Whose, Vec<(String, Typed)>)>,
    news: Box<dyn Fn(News) + Send>,
    /// What was told of how many there are; none to whoever just came.
    counted: Option<Summary>,
    /// What was told of a file that fails.
    complained: Option<String>,
    /// Why what was to be kept last is not, if it is not.
    fault: Option<OutboxFault>,
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
                    (self.news)(News::UnderWay(None));
                    self.answered(&letter, outcome, took);
                }
                () = waiting(pause) => {}
            }
        }
    }

    /// What is to be done next, by the outbox and by whose turn it is.
    fn next(&mut self) -> Next {
        if self.holds {
            self.asked = false;
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
                self.asked = false;
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
        (self.news)(News::UnderWay(Some(letter.id)));
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
        let is_asked = std::mem::take(&mut self.asked);
        let Some(outbox) = &mut self.outbox else { return };
        let fate = at_disk(|| outbox.answered(letter, &outcome, now(), rand::random()));
        self.note_writing(&fate);
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
        if waits {
            self.tell_put_off(letter.id, is_asked);
        }
        self.count();
    }

    /// Says of an entry of whoever is here that it waits on, and until when.
    fn tell_put_off(&self, id: i64, is_asked: bool) {
        if let Some(outbox) = &self.outbox
            && let Ok(Some(mut entry)) = at_disk(|| outbox.entry(id))
        {
            entry.next_try = outbox.next_try(id, now());
            (self.news)(News::PutOff(Box::new(entry), is_asked));
        }
    }

    /// Somebody does not want to wait. That is one try: while it is not over, the
    /// key that is pressed again asks for nothing more.
    fn try_now(&mut self) {
        if let Some(outbox) = &mut self.outbox
            && !std::mem::replace(&mut self.asked, true)
        {
            outbox.try_now();
        }
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
            Order::Look(server) => self.look(&server),
            Order::Rest => {
                self.client = None;
                (self.turn, self.counted, self.holds, self.asked) = (None, None, false, false);
                if let Some(outbox) = &mut self.outbox {
                    outbox.belong_to_nobody();
                }
            }
            Order::Hold(holds) => self.holds = holds,
            Order::Keep(tag, whose, post) => self.keep(tag, &whose, *post),
            Order::Drafts(whose, drafts) => {
                self.note_drafts(whose, drafts);
                self.keep_drafts();
            }
            Order::Hurry => {
                if let Some(outbox) = &mut self.outbox {
                    outbox.hurry();
                }
            }
            Order::TryNow => self.try_now(),
            Order::Discard(id) => {
                self.at_outbox(|outbox| outbox.discard(id));
                self.count();
            }
            Order::Tell(id) => self.tell_what_became_of(id),
            Order::List(tag) => {
                let listed = self.listed();
                (self.news)(News::List(tag, listed));
            }
            // All of before is done: it was done one after the other.
            Order::MakeSure(tag) => {
                let fault = self.keep_drafts();
                (self.news)(News::Sure(tag, fault));
            }
            Order::Finish(done) => {
                self.keep_drafts();
                let _ = done.send(());
            }
        }
    }

    /// What there is. Whoever reads that nothing waits relies on it that something
    /// could be kept: whether it can is tried, and why it could not the last time
    /// is told.
    fn listed(&mut self) -> Result<Vec<Entry>, OutboxFault> {
        let entries = self.opened().and_then(|outbox| at_disk(|| outbox.timed_entries(SHOWN, now())))?;
        match &self.fault {
            Some(fault) if entries.is_empty() => Err(fault.clone()),
            _ => Ok(entries),
        }
    }

    fn begin_for(&mut self, client: Arc<Client>, whose: Whose, lineage: Option<String>) {
        self.client = Some((client, whose.clone(), lineage.clone()));
        self.counted = None;
        if !self.is_there() {
            return self.give_back_drafts(whose, Vec::new());
        }
        // Opening it begins for whoever is signed in.
        let is_open = self.outbox.is_some();
        let again = self.at_outbox(|outbox| if is_open { outbox.belong_to(whose.clone(), lineage, now()) } else { Ok(0) });
        if let Some(again) = again.filter(|again| *again > 0) {
            (self.news)(News::SentAgain(again));
        }
        let drafts = self.at_outbox(|outbox| outbox.drafts()).unwrap_or_default();
        self.give_back_drafts(whose, drafts);
        self.count();
    }

    /// What somebody typed, of the disk and what that did not take yet, which is
    /// newer: a full disk takes no text from whoever comes back.
    fn give_back_drafts(&self, whose: Whose, mut drafts: Vec<(String, Typed)>) {
        if let Some((_, unkept)) = self.unkept.iter().find(|(other, _)| *other == whose) {
            drafts.retain(|(about, _)| unkept.iter().all(|(newer, _)| newer != about));
            drafts.extend(unkept.iter().filter(|(_, typed)| has_text(typed)).cloned());
        }
        if !drafts.is_empty() {
            (self.news)(News::Drafts(whose, drafts));
        }
    }

    /// A number and nothing else: what it is, only its owner sees.
    fn look(&mut self, server: &str) {
        if self.client.is_some() || !self.is_there() {
            return;
        }
        if let Some(summary) = self.at_outbox(|outbox| outbox.summary_of_all(server)) {
            // That nobody's are none need not be told over it.
            self.counted = Some(Summary::default());
            (self.news)(News::Changed(summary));
        }
    }

    fn keep(&mut self, tag: u64, whose: &Whose, post: Post) {
        let kept = self.opened().and_then(|outbox| at_disk(|| outbox.keep(whose, &post, now())));
        self.note_writing(&kept);
        match kept {
            Ok(id) => {
                self.complained = None;
                self.forget_unkept(whose, &post.about);
                self.awaited.insert(id, tag);
                (self.news)(News::Kept(tag));
                self.count();
            }
            Err(fault) => (self.news)(News::NotKept(tag, Box::new(post), fault)),
        }
    }

    /// What is to be kept of drafts: the newest of each.
    fn note_drafts(&mut self, whose: Whose, drafts: Vec<(String, Typed)>) {
        match self.unkept.iter_mut().find(|(other, _)| *other == whose) {
            Some((_, unkept)) => {
                unkept.retain(|(about, _)| drafts.iter().all(|(newer, _)| newer != about));
                unkept.extend(drafts);
            }
            None => self.unkept.push((whose, drafts)),
        }
    }

    /// A write that is kept takes the place of its draft.
    fn forget_unkept(&mut self, whose: &Whose, about: &str) {
        for (_, drafts) in self.unkept.iter_mut().filter(|(other, _)| other == whose) {
            drafts.retain(|(other, _)| other != about);
        }
        self.unkept.retain(|(_, drafts)| !drafts.is_empty());
    }

    /// Keeps drafts, those too that the disk did not take before. Why a text is
    /// still not kept, if one is not.
    fn keep_drafts(&mut self) -> Option<OutboxFault> {
        let mut why = None;
        for (whose, drafts) in std::mem::take(&mut self.unkept) {
            let holds_text = drafts.iter().any(|(_, typed)| has_text(typed));
            // Nothing need be forgotten of a file that is not there.
            if !holds_text && !self.is_there() {
                continue;
            }
            let kept = self.opened().and_then(|outbox| at_disk(|| outbox.keep_drafts(&whose, &drafts)));
            self.note_writing(&kept);
            match kept {
                Ok(()) => self.complained = None,
                Err(fault) => {
                    why = holds_text.then(|| fault.clone()).or(why);
                    self.complain(fault);
                    self.unkept.push((whose, drafts));
                }
            }
        }
        why
    }

    /// Whether something can be kept is known from the last try.
    fn note_writing<T>(&mut self, written: &Result<T, OutboxFault>) {
        self.fault = written.as_ref().err().cloned();
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
mod tests;

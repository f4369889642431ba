//! Drives the outbox: keeps what it is told to, sends a few writes at a time over
//! the line, and tells what became of each. One terminal of a user sends at
//! a time; the keys make a second one harmless all the same.

mod carrying;
mod drafts;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use carrying::Arrival;
use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

pub use super::orders::{Answer, News, Order};
use super::{Entry, Now, Outbox, OutboxFault, Post, Summary, Typed, Whose};
use crate::client::Client;

/// How long the end waits for what is to be kept.
const PATIENCE: Duration = Duration::from_secs(3);
/// While many go out it is told so often how many there are: the more that is, the
/// longer it takes to count them.
const COUNTED: Duration = Duration::from_millis(200);
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
            on_their_way: JoinSet::new(),
            told_under_way: Vec::new(),
            holds: false,
            asked: false,
            counted: None,
            is_uncounted: false,
            counted_at: Instant::now(),
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

struct Round {
    folder: PathBuf,
    /// Opened when there is something in it, or something is to be kept.
    outbox: Option<Outbox>,
    client: Option<(Arc<Client>, Whose, Option<String>)>,
    /// Writes on their way to the server.
    on_their_way: JoinSet<Arrival>,
    /// What was told of which those are.
    told_under_way: Vec<i64>,
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
    /// Whether there may be more or fewer by now.
    is_uncounted: bool,
    counted_at: Instant,
    /// What was told of a file that fails.
    complained: Option<String>,
    /// Why what was to be kept last is not, if it is not.
    fault: Option<OutboxFault>,
}

impl Round {
    async fn run(mut self, mut orders: UnboundedReceiver<Order>) {
        loop {
            let again = self.send_what_may_go();
            self.tell_under_way();
            let pause = again.into_iter().chain(self.count_in_time()).min();
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(order) => self.obey(order),
                    None => return,
                },
                Some(arrival) = self.on_their_way.join_next() => self.settle(arrival),
                () = waiting(pause) => {}
            }
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Begin(client, whose, lineage) => self.begin_for(client, whose, lineage),
            Order::Look(server) => self.look(&server),
            Order::Rest => {
                self.client = None;
                (self.counted, self.holds, self.asked) = (None, false, false);
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

    /// Counts those that came to an end, if it is time to; or when it is.
    fn count_in_time(&mut self) -> Option<Duration> {
        let left = COUNTED.saturating_sub(self.counted_at.elapsed());
        if !self.is_uncounted || (!left.is_zero() && !self.on_their_way.is_empty()) {
            return self.is_uncounted.then_some(left);
        }
        self.count();
        None
    }

    fn count(&mut self) {
        (self.is_uncounted, self.counted_at) = (false, Instant::now());
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

async fn waiting(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}

//! Follows the change feed, so that the index never answers stale for long: a
//! server's own writes show at once, others' as soon as the database tells of
//! them (a file notification, or LISTEN).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher};
use sqlx::Executor as _;
use sqlx::postgres::PgListener;
use tokio::sync::{Mutex, Notify, mpsc, watch};
use uuid::Uuid;

use super::steps;
use crate::api::ids::CustomerId;
use crate::search::{CustomerIndex, Loading};
use crate::store::customer_index::{self, Part};
use crate::store::{Db, Lines, Result, changes, in_time};

/// What a sign told of is committed by then.
const SOON: Duration = Duration::from_millis(1_500);
/// A line that broke without a word tells of nothing any more.
const WITHOUT_A_WORD: Duration = Duration::from_secs(30);
/// What PostgreSQL is asked on the line that it tells of changes on is answered
/// within this, or the line is broken.
const ANSWERED_WITHIN: Duration = Duration::from_secs(5);
/// So many of the newest changes are looked through for missing numbers at the
/// start.
const LATEST: i64 = 5_000;
/// A missing number is waited for this long: its writer may still commit. A
/// number that never comes was rolled back.
const GAP_PATIENCE: Duration = Duration::from_mins(1);

/// Customers are read in parts of this many for a new index.
const PART: i64 = 10_000;
/// So many parts may be read before they are taken in.
const PARTS_AHEAD: usize = 4;

/// How far the feed was followed.
#[derive(Debug)]
pub struct Feed {
    followed: Mutex<Followed>,
    wake: Arc<Notify>,
    /// Whether all customers are in the index: until then it is not asked.
    loaded: watch::Sender<bool>,
}

/// Numbers are given when written and seen when committed, so a lower one may
/// come after a higher one.
#[derive(Debug)]
struct Followed {
    /// All up to here were followed.
    all_to: i64,
    /// Of those behind it, these were.
    beyond: BTreeSet<i64>,
    /// Since when numbers are missing, and up to where they were then.
    gap: Option<(Instant, i64)>,
}

impl Feed {
    /// A feed that is followed from where it stands.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(db: &Db) -> Result<Self> {
        let mut conn = db.read().await?;
        let newest = changes::newest(&mut conn).await?;
        // A number that is missing among the last may still be committed.
        let last = changes::after(&mut conn, (newest - LATEST).max(0)).await?;
        let mut followed = Followed { all_to: last.first().map_or(newest, |first| first.seq - 1), beyond: BTreeSet::new(), gap: None };
        followed.note(last.into_iter().map(|change| change.seq).collect());
        Ok(Self { followed: Mutex::new(followed), wake: Arc::default(), loaded: watch::Sender::new(false) })
    }

    /// Fills the index, however often the database fails meanwhile.
    pub(crate) async fn load(self: Arc<Self>, db: Db, index: Arc<CustomerIndex>) {
        steps::dwell().await;
        while let Err(error) = self.fill(&db, &index).await {
            tracing::warn!(cause = %error, "the customers could not be read; trying again");
            tokio::time::sleep(SOON).await;
        }
        while let Err(error) = self.catch_up_at_first(&db, &index).await {
            tracing::warn!(cause = %error, "the change feed could not be read; trying again");
            tokio::time::sleep(SOON).await;
        }
    }

    /// Reading waits for the database and taking in for the processor, so each
    /// has its own thread.
    async fn fill(&self, db: &Db, index: &Arc<CustomerIndex>) -> Result<()> {
        let (send, mut parts) = mpsc::channel::<Part>(PARTS_AHEAD);
        let taking_in = tokio::task::spawn_blocking(move || {
            let (mut loading, mut odd) = (Loading::default(), Vec::new());
            while let Some(part) = parts.blocking_recv() {
                let between = (part.after, part.last);
                match part.rows() {
                    Some(rows) => loading.add(rows),
                    None => odd.push(between),
                }
            }
            (loading, odd)
        });
        let mut conn = db.read().await?;
        let mut after = CustomerId(Uuid::nil());
        while let Some(part) = customer_index::part(&mut conn, after, PART).await? {
            after = part.last;
            if send.send(part).await.is_err() {
                break;
            }
        }
        drop(send);
        let (mut loading, odd) = taking_in.await.map_err(|_| sqlx::Error::WorkerCrashed)?;
        for (after, last) in odd {
            loading.add(customer_index::between(&mut conn, after, last).await?);
        }
        drop(conn);
        let index = Arc::clone(index);
        tokio::task::spawn_blocking(move || index.finish(loading)).await.map_err(|_| sqlx::Error::WorkerCrashed)?;
        Ok(())
    }

    /// Follows what was committed while all was read. Whoever commits from here
    /// on waits and then catches up himself.
    async fn catch_up_at_first(&self, db: &Db, index: &Arc<CustomerIndex>) -> Result<()> {
        let mut followed = self.followed.lock().await;
        followed.catch_up(db, index).await?;
        self.loaded.send_replace(true);
        Ok(())
    }

    /// Looks for changes soon.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits until all customers are in the index.
    pub(crate) async fn loaded(&self) {
        if !*self.loaded.borrow() {
            // It cannot fail: the sender is here.
            let _ = self.loaded.subscribe().wait_for(|loaded| *loaded).await;
        }
    }

    /// Whether all customers are in the index.
    pub(crate) fn is_loaded(&self) -> bool {
        *self.loaded.borrow()
    }

    /// Brings the index up to what is committed. While it is being filled that
    /// comes at the end.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn catch_up(&self, db: &Db, index: &Arc<CustomerIndex>) -> Result<()> {
        let mut followed = self.followed.lock().await;
        if self.is_loaded() { followed.catch_up(db, index).await } else { Ok(()) }
    }

    /// Follows the feed until the server stops. Next to nothing is asked while
    /// nothing happens: only soon after a sign, for a file tells of what is
    /// written and not yet committed, and while a number is missing.
    pub(crate) async fn follow(self: Arc<Self>, db: Db, index: Arc<CustomerIndex>) {
        // Kept alive here: dropping the watcher ends the watching.
        let watcher = self.watch(&db).await;
        let is_told = watcher.is_some() || matches!(db, Db::Postgres(_));
        let mut is_quiet = false;
        loop {
            let patience = if is_quiet && is_told { WITHOUT_A_WORD } else { SOON };
            is_quiet = tokio::time::timeout(patience, self.wake.notified()).await.is_err();
            match self.catch_up(&db, &index).await {
                Ok(()) => is_quiet &= self.followed.lock().await.beyond.is_empty(),
                Err(error) => {
                    tracing::warn!(cause = %error, "the change feed could not be read; trying again");
                    is_quiet = false;
                    tokio::time::sleep(SOON).await;
                }
            }
        }
    }

    async fn watch(&self, db: &Db) -> Option<notify::RecommendedWatcher> {
        match db {
            Db::Sqlite { read, .. } => {
                let path = read.connect_options().get_filename().to_path_buf();
                let watcher = watch_file(&path, Arc::clone(&self.wake));
                if let Err(error) = &watcher {
                    tracing::warn!(cause = %error, "the database file cannot be watched; polling instead");
                }
                watcher.ok()
            }
            Db::Postgres(lines) => {
                let (lines, wake) = (lines.clone(), Arc::clone(&self.wake));
                tokio::spawn(Box::pin(listen(lines, wake)));
                None
            }
        }
    }
}

impl Followed {
    async fn catch_up(&mut self, db: &Db, index: &Arc<CustomerIndex>) -> Result<()> {
        loop {
            let mut conn = db.read().await?;
            let seen = changes::after(&mut conn, self.last()).await?;
            let is_all = seen.len() < changes::AT_ONCE;
            let late = if self.beyond.is_empty() { Vec::new() } else { changes::after(&mut conn, self.all_to).await? };
            let new: Vec<i64> = seen.iter().chain(&late).map(|change| change.seq).filter(|seq| !self.beyond.contains(seq)).collect();
            let Some(upto) = new.iter().max().copied() else {
                self.give_up_gaps();
                return Ok(());
            };
            let from = new.iter().min().map_or(self.all_to, |least| least - 1);
            let changed = customer_index::changed(&mut conn, from, upto).await?;
            drop(conn);
            let here = Arc::clone(index);
            tokio::task::spawn_blocking(move || here.put(changed)).await.map_err(|_| sqlx::Error::WorkerCrashed)?;
            self.note(new);
            tidy(index);
            // What came meanwhile is followed the next time: somebody may write
            // without end.
            if is_all {
                return Ok(());
            }
        }
    }

    fn last(&self) -> i64 {
        self.beyond.last().copied().unwrap_or(self.all_to)
    }

    fn note(&mut self, seqs: Vec<i64>) {
        self.beyond.extend(seqs);
        self.close_up();
    }

    /// Moves `all_to` over all that follow without a gap.
    fn close_up(&mut self) {
        while self.beyond.remove(&(self.all_to + 1)) {
            self.all_to += 1;
        }
        let now = self.beyond.last().map(|last| (Instant::now(), *last));
        self.gap = now.map(|now| self.gap.unwrap_or(now));
    }

    fn give_up_gaps(&mut self) {
        if let Some((_, upto)) = self.gap.filter(|(since, _)| since.elapsed() > GAP_PATIENCE) {
            self.all_to = self.all_to.max(upto);
            self.beyond = self.beyond.split_off(&(upto + 1));
            self.gap = None;
            self.close_up();
        }
    }
}

/// Merges what has piled up, while searches and changes go on.
fn tidy(index: &Arc<CustomerIndex>) {
    if index.is_untidy() {
        let index = Arc::clone(index);
        tokio::task::spawn_blocking(move || index.tidy());
    }
}

/// Wakes when the database's file or its write-ahead log changes.
fn watch_file(path: &Path, wake: Arc<Notify>) -> notify::Result<notify::RecommendedWatcher> {
    let full: PathBuf = std::fs::canonicalize(path)?;
    let name = full.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let ours = event.is_ok_and(|event| {
            let written = event.kind.is_modify() || event.kind.is_create();
            written && event.paths.iter().any(|path| path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&name)))
        });
        if ours {
            wake.notify_one();
        }
    })?;
    watcher.watch(full.parent().unwrap_or(&full), RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// Listens until the database is closed here.
async fn listen(lines: Lines, wake: Arc<Notify>) {
    let mut closing = lines.pool().close_event();
    while let Ok(ended) = Box::pin(closing.do_until(hear(&lines, &wake))).await {
        tracing::warn!(cause = ?ended.err(), "PostgreSQL hung up on who listens for changes; calling again");
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Hears of changes until the line breaks.
async fn hear(lines: &Lines, wake: &Notify) -> sqlx::Result<()> {
    let calling = lines.to_listen();
    let mut listener = in_time(Some(ANSWERED_WITHIN), PgListener::connect_with(&calling)).await?;
    in_time(Some(ANSWERED_WITHIN), listener.listen(changes::CHANNEL)).await?;
    // Of what was committed while nobody listened nobody told.
    wake.notify_one();
    loop {
        match tokio::time::timeout(WITHOUT_A_WORD, listener.try_recv()).await {
            Ok(told) => match told? {
                Some(_) => wake.notify_one(),
                None => return Ok(()),
            },
            Err(_) => {
                in_time(Some(ANSWERED_WITHIN), listener.execute(changes::STILL_THERE)).await?;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn followed(all_to: i64) -> Followed {
        Followed { all_to, beyond: BTreeSet::new(), gap: None }
    }

    #[test]
    fn a_number_that_comes_late_is_still_followed() {
        let mut followed = followed(7);
        followed.note(vec![8, 10]);
        assert_eq!((followed.all_to, followed.last()), (8, 10));
        assert!(followed.gap.is_some());
        followed.note(vec![9]);
        assert_eq!((followed.all_to, followed.last()), (10, 10));
        assert!(followed.gap.is_none());
    }

    #[test]
    fn numbers_that_never_come_are_given_up_together_and_later_ones_waited_for() {
        let mut followed = followed(1);
        followed.note(vec![3, 4, 6]);
        followed.gap = followed.gap.map(|(_, upto)| (Instant::now().checked_sub(GAP_PATIENCE * 2).unwrap(), upto));
        followed.note(vec![8]);
        followed.give_up_gaps();
        assert_eq!((followed.all_to, followed.last()), (6, 8));
        assert!(followed.gap.is_some(), "7 is waited for anew");
    }
}

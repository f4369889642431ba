//! Follows the change feed, so that the index never answers stale for long: a
//! server's own writes show at once, others' as soon as the database tells of
//! them (a file notification, or LISTEN), with a slow poll as the fall-back.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::{RecursiveMode, Watcher};
use sqlx::postgres::PgListener;
use tokio::sync::{Mutex, Notify};

use crate::search::CustomerIndex;
use crate::store::{Db, Result, changes, customers};

/// The poll behind the notifications.
const POLL: Duration = Duration::from_millis(1_500);
/// A missing number is waited for this long: its writer may still commit. A
/// number that never comes was rolled back.
const GAP_PATIENCE: Duration = Duration::from_mins(1);

/// How far the feed was followed.
#[derive(Debug)]
pub struct Feed {
    followed: Mutex<Followed>,
    wake: Arc<Notify>,
}

/// Numbers are given when written and seen when committed, so a lower one may
/// come after a higher one.
#[derive(Debug)]
struct Followed {
    /// All up to here were followed.
    all_to: i64,
    /// Of those behind it, these were.
    beyond: BTreeSet<i64>,
    /// Since when the number behind `all_to` is missing.
    gap_since: Option<Instant>,
}

impl Feed {
    /// Fills the index and remembers where the feed stood.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn start(db: &Db, index: &CustomerIndex) -> Result<Self> {
        let mut conn = db.read().await?;
        let newest = changes::newest(&mut conn).await?;
        index.load(customers::index_all(&mut conn).await?);
        let followed = Followed { all_to: newest, beyond: BTreeSet::new(), gap_since: None };
        Ok(Self { followed: Mutex::new(followed), wake: Arc::default() })
    }

    /// Brings the index up to what is committed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn catch_up(&self, db: &Db, index: &CustomerIndex) -> Result<()> {
        let mut followed = self.followed.lock().await;
        loop {
            let mut conn = db.read().await?;
            let seen = changes::after(&mut conn, followed.last()).await?;
            let late = if followed.beyond.is_empty() { Vec::new() } else { changes::after(&mut conn, followed.all_to).await? };
            let new: Vec<i64> = seen.iter().chain(&late).map(|change| change.seq).filter(|seq| !followed.beyond.contains(seq)).collect();
            let Some(upto) = new.iter().max().copied() else {
                followed.give_up_gaps();
                return Ok(());
            };
            let from = new.iter().min().map_or(followed.all_to, |least| least - 1);
            index.put(customers::index_changed(&mut conn, from, upto).await?);
            followed.note(new);
        }
    }

    /// Follows the feed until the server stops.
    pub(crate) async fn follow(self: Arc<Self>, db: Db, index: Arc<CustomerIndex>) {
        // Kept alive here: dropping the watcher ends the watching.
        let _watcher = self.watch(&db).await;
        loop {
            let _ = tokio::time::timeout(POLL, self.wake.notified()).await;
            if let Err(error) = self.catch_up(&db, &index).await {
                tracing::warn!(cause = %error, "the change feed could not be read; trying again");
                tokio::time::sleep(POLL).await;
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
            Db::Postgres(pool) => {
                let (pool, wake) = (pool.clone(), Arc::clone(&self.wake));
                tokio::spawn(async move { listen(pool, wake).await });
                None
            }
        }
    }
}

impl Followed {
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
        self.gap_since = if self.beyond.is_empty() { None } else { self.gap_since.or_else(|| Some(Instant::now())) };
    }

    fn give_up_gaps(&mut self) {
        if self.gap_since.is_some_and(|since| since.elapsed() > GAP_PATIENCE)
            && let Some(next) = self.beyond.first().copied()
        {
            self.all_to = next - 1;
            self.gap_since = None;
            self.close_up();
        }
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

async fn listen(pool: sqlx::PgPool, wake: Arc<Notify>) {
    loop {
        let told = async {
            let mut listener = PgListener::connect_with(&pool).await?;
            listener.listen(changes::CHANNEL).await?;
            loop {
                listener.recv().await?;
                wake.notify_one();
            }
        };
        let ended: sqlx::Result<()> = told.await;
        if pool.is_closed() {
            return;
        }
        if let Err(error) = ended {
            tracing::warn!(cause = %error, "PostgreSQL tells of no changes; polling until it does again");
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_comes_late_is_still_followed() {
        let mut followed = Followed { all_to: 7, beyond: BTreeSet::new(), gap_since: None };
        followed.note(vec![8, 10]);
        assert_eq!((followed.all_to, followed.last()), (8, 10));
        assert!(followed.gap_since.is_some());
        followed.note(vec![9]);
        assert_eq!((followed.all_to, followed.last()), (10, 10));
        assert!(followed.gap_since.is_none());
    }

    #[test]
    fn a_number_that_never_comes_is_given_up() {
        let mut followed = Followed { all_to: 1, beyond: BTreeSet::from([3, 4, 6]), gap_since: Instant::now().checked_sub(GAP_PATIENCE * 2) };
        followed.give_up_gaps();
        assert_eq!(followed.all_to, 4);
        assert!(followed.gap_since.is_some(), "5 is waited for anew");
    }
}

//! Who called before, kept in memory for exactly as long as nothing that decides
//! about him can have changed. What is taken from somebody is gone with his very
//! next call, whoever took it (S4-15, I-4):
//!
//! - With each call the database is asked whether anything at all was committed
//!   since a caller was read ([`crate::store::watch`]); if so, he is read anew.
//!   Nobody has to think of what decides about a caller and what does not. Of a
//!   file the head of its log tells; where it has to be asked, calls that come
//!   meanwhile share the next asking, never the running one: that one may have
//!   looked before they came.
//! - What begins or ends with the clock bounds how long he is kept.
//! - A write asks once more, in its own transaction, and not here.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::Limits;
use super::caller::Caller;
use super::fault::Fault;
use super::shares::{Share, Shares};
use crate::store::watch::{LogHead, Watch};
use crate::store::{At, Db};

/// The most that are kept.
const MOST_KEPT: usize = 4_096;
/// The most that share an asking.
const TOGETHER: usize = 1_024;
/// The database is waited for no longer; whoever asked reads all from it then.
const ANSWERED_WITHIN: Duration = Duration::from_secs(2);

/// Waits for what the database stands at.
type Asking = oneshot::Sender<u64>;

/// The head of the database's log.
#[derive(Debug, Default)]
enum Head {
    /// Not found yet, or there is none.
    #[default]
    Unknown,
    /// Looked at with each call.
    There(LogHead),
    /// The database was let go.
    Gone,
}

/// Those who called before.
#[derive(Debug)]
pub(crate) struct Callers {
    head: Arc<RwLock<Head>>,
    asking: mpsc::UnboundedSender<Asking>,
    watching: AbortHandle,
    /// By the hash of their token.
    known: RwLock<HashMap<String, Arc<Known>>>,
    shares: Shares,
}

/// Somebody who called.
#[derive(Debug)]
pub(crate) struct Known {
    /// Who it is, and what he may do.
    pub(crate) caller: Arc<Caller>,
    /// How much he may ask at once.
    share: Arc<Share>,
    /// What the database stood at before he was read; none: he is read anew with
    /// each call.
    stand: Option<u64>,
    /// From then on something else holds, whatever the database says.
    until: At,
    /// When one of his calls went to note that he is still there; 0: none did.
    noting: AtomicI64,
}

impl Known {
    fn new(caller: Caller, share: Arc<Share>, stand: Option<u64>) -> Self {
        let until = caller.holds_until();
        Self { caller: Arc::new(caller), share, stand, until, noting: AtomicI64::new(0) }
    }

    /// Whether this call notes that the session is used. Of those that come at
    /// once one does; if it fails, another some time later.
    pub(crate) fn notes_use(&self) -> bool {
        let (now, last) = (At::now().micros(), self.noting.load(Ordering::Relaxed));
        self.caller.wants_noting(now)
            && now - last > self.caller.session.idle_micros / 12
            && self.noting.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Callers {
    /// Begins to watch a database.
    pub(crate) fn over(db: &Db, limits: Limits) -> Self {
        let (asking, asked) = mpsc::unbounded_channel();
        let head = Arc::default();
        let watching = tokio::spawn(watch(db.clone(), Arc::clone(&head), asked)).abort_handle();
        Self { head, asking, watching, known: RwLock::default(), shares: Shares::new(limits) }
    }

    /// Lets the database go. Whoever calls still is read anew. What is given back
    /// is let go when the database is closed.
    pub(crate) fn end(&self) -> Option<LogHead> {
        self.watching.abort();
        match std::mem::replace(&mut *self.head.write().unwrap_or_else(PoisonError::into_inner), Head::Gone) {
            Head::There(head) => Some(head),
            Head::Unknown | Head::Gone => None,
        }
    }

    /// The share of whoever holds the token of that hash. It stays his whatever
    /// becomes of his rights: who called before is not looked up for it.
    pub(crate) async fn share_of(&self, db: &Db, token_hash: &str) -> Result<Arc<Share>, Fault> {
        let kept = self.all().get(token_hash).map(|known| Arc::clone(&known.share));
        match kept {
            Some(share) => Ok(share),
            None => Ok(Arc::clone(&self.of_hash(db, token_hash).await?.share)),
        }
    }

    /// Who holds the token of that hash, if its session is still good.
    pub(crate) async fn of_hash(&self, db: &Db, token_hash: &str) -> Result<Arc<Known>, Fault> {
        let stand = self.stand().await;
        if let Some(known) = stand.and_then(|stand| self.kept(token_hash, stand)) {
            return Ok(known);
        }
        // Asked first and read then: what is committed in between counts as
        // not yet read, never the other way round. In a box, since everybody
        // who is known would carry the room for it along.
        let caller = Box::pin(async { Caller::of_hash(&mut db.read().await?, token_hash).await }).await?;
        let share = self.shares.of(caller.id());
        // Whoever stands in for a customer depends on more times than these.
        let stand = stand.filter(|_| caller.powers.standing_in.is_none());
        let known = Arc::new(Known::new(caller, share, stand));
        self.keep(token_hash.to_owned(), Arc::clone(&known));
        Ok(known)
    }

    /// What the database stands at, as of after this was asked; none if it does
    /// not say.
    async fn stand(&self) -> Option<u64> {
        if let Head::There(head) = &*self.head.read().unwrap_or_else(PoisonError::into_inner) {
            return head.look();
        }
        let (asking, told) = oneshot::channel();
        self.asking.send(asking).ok()?;
        told.await.ok()
    }

    fn all(&self) -> RwLockReadGuard<'_, HashMap<String, Arc<Known>>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept(&self, hash: &str, stand: u64) -> Option<Arc<Known>> {
        self.all().get(hash).filter(|known| known.stand == Some(stand) && At::now() < known.until).cloned()
    }

    fn keep(&self, hash: String, known: Arc<Known>) {
        let mut all = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_KEPT && !all.contains_key(&hash) {
            all.retain(|_, other| other.stand == known.stand);
            if all.len() >= MOST_KEPT {
                all.clear();
            }
        }
        all.insert(hash, known);
    }
}

/// Lets the head of the log be looked at if there is one, else answers for the
/// database.
async fn watch(db: Db, head: Arc<RwLock<Head>>, asked: mpsc::UnboundedReceiver<Asking>) {
    let Some(found) = LogHead::of(&db).await else { return answer(Watch::over(&db), asked).await };
    // Whoever asked before this reads for himself.
    let mut head = head.write().unwrap_or_else(PoisonError::into_inner);
    if matches!(*head, Head::Unknown) {
        *head = Head::There(found);
    }
}

/// Looks once for all who ask meanwhile, until nobody can ask any more.
async fn answer(mut watch: Watch, mut asked: mpsc::UnboundedReceiver<Asking>) {
    let mut waiting = Vec::new();
    let mut is_blind = false;
    while asked.recv_many(&mut waiting, TOGETHER).await > 0 {
        // All of these asked before this look begins.
        let fault = match tokio::time::timeout(ANSWERED_WITHIN, watch.look()).await {
            Ok(Ok(stand)) => {
                for asking in waiting.drain(..) {
                    // Who does not wait any more has hung up.
                    let _ = asking.send(stand);
                }
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(late) => Some(late.to_string()),
        };
        // Without an answer each of them reads for himself.
        waiting.clear();
        if let Some(cause) = fault.as_ref().filter(|_| !is_blind) {
            tracing::warn!(%cause, "the database does not tell of commits: callers are read with each call");
        }
        is_blind = fault.is_some();
    }
}

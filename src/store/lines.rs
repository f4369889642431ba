//! The lines to PostgreSQL: so many and no more, each to a server that may
//! write, none held for ever. A database that hangs instead of failing costs
//! whoever asks a bounded time, and those who come after him next to none.
//!
//! Two clocks run with each question: PostgreSQL's own, which ends what takes
//! too long and leaves the line in use, and ours a little later, for a server
//! that does not answer at all.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, PgPool, Postgres};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::queue::{FREE_WITHIN, Queue};

/// Lines of one program, beside one to listen on and one to watch with.
const MOST: u32 = 16;
/// Of these so many may be in a write: whoever reads finds one, however many
/// writes wait for one another.
const TO_WRITE: usize = 12;
/// Our clock for a question of a request: PostgreSQL's rings before it.
const ANSWERED_WITHIN: Duration = Duration::from_secs(12);
/// The same for a chore of the server that may take its time.
const CHORE_DONE_WITHIN: Duration = Duration::from_hours(1);
/// A line is given back within this, or it is cut.
const GIVEN_BACK_WITHIN: Duration = Duration::from_secs(5);
/// A line that nobody used for so long is tried before it is lent: the server
/// may have gone and come back.
const TRIED_AFTER: Duration = Duration::from_secs(1);
/// Who answers later is called anew.
const TRIED_FOR: Duration = Duration::from_secs(1);

/// The first words on every line. Ours are short queries of a few rows:
/// compiling them takes longer than any of them may. And PostgreSQL finds out
/// within a minute when we are gone without a word.
macro_rules! first_words {
    () => {
        "SET jit = off; SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3"
    };
}
/// To bring up to date takes as long as it takes.
const AT_LEISURE: &str = first_words!();
/// To load too. A few thousand keys are looked up at once in tables that grow
/// with each part, of which PostgreSQL does not know yet how large they are: left
/// to itself it walks through all of a table for each part.
const TO_LOAD: &str = concat!(first_words!(), "; SET enable_seqscan = off; SET enable_bitmapscan = off");
/// On a line for requests: no statement, no wait for somebody else's row and no
/// forgotten transaction lasts longer.
const IN_A_HURRY: &str = concat!(first_words!(), "; SET statement_timeout = '10s'; SET lock_timeout = '5s'; SET idle_in_transaction_session_timeout = '1min'");

/// All lines of one program to one PostgreSQL. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lines {
    pool: PgPool,
    /// Waits for any line.
    queue: Arc<Queue>,
    writers: Arc<Semaphore>,
    /// Waits for leave to write.
    writing: Arc<Queue>,
    /// None: at leisure.
    patience: Option<Duration>,
}

impl Lines {
    /// Lines for requests.
    pub(super) async fn in_a_hurry(options: PgConnectOptions) -> sqlx::Result<Self> {
        Self::open(options, Some(ANSWERED_WITHIN)).await
    }

    /// Lines for who loads many rows, which may take long.
    pub(super) async fn to_load(options: PgConnectOptions) -> sqlx::Result<Self> {
        Self::open(options, None).await
    }

    async fn open(options: PgConnectOptions, patience: Option<Duration>) -> sqlx::Result<Self> {
        let pool = of_so_many(MOST, patience).connect_with(options).await?;
        Ok(Self { pool, queue: Arc::default(), writers: Arc::new(Semaphore::new(TO_WRITE)), writing: Arc::default(), patience })
    }

    /// The lines that are lent.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// One beside them to listen on: one that broke without a word is no line
    /// less for the others.
    #[must_use]
    pub fn to_listen(&self) -> PgPool {
        let options = (*self.pool.connect_options()).clone();
        of_so_many(1, self.patience).max_lifetime(None).idle_timeout(None).connect_lazy_with(options)
    }

    /// One beside them that nobody else gets.
    pub(super) async fn one_apart(&self) -> sqlx::Result<PgConnection> {
        let mut connection = self.pool.connect_options().connect().await?;
        greet(&mut connection, AT_LEISURE).await?;
        Ok(connection)
    }

    pub(super) const fn patience(&self) -> Option<Duration> {
        self.patience
    }

    /// A line to read with.
    pub(super) async fn lend(&self) -> sqlx::Result<Line> {
        let connection = self.queue.wait(self.pool.acquire(), || sqlx::Error::PoolTimedOut).await?;
        Ok(Line { connection: Some(connection), in_transaction: false, patience: self.patience, place: None })
    }

    /// A line in a transaction.
    pub(super) async fn lend_to_write(&self) -> sqlx::Result<Line> {
        let writers = Arc::clone(&self.writers);
        let leave = async { writers.acquire_owned().await.map_err(|_| sqlx::Error::PoolClosed) };
        let place = self.writing.wait(leave, || sqlx::Error::PoolTimedOut).await?;
        let mut line = self.lend().await?;
        line.place = Some(place);
        line.begin("BEGIN").await?;
        Ok(line)
    }

    /// A line on which all rows stay as they are now, to read at leisure.
    pub(super) async fn lend_snapshot(&self) -> sqlx::Result<Line> {
        let mut line = self.lend().await?;
        line.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        line.take_time().await?;
        Ok(line)
    }
}

fn of_so_many(most: u32, patience: Option<Duration>) -> PgPoolOptions {
    let words = if patience.is_some() { IN_A_HURRY } else { TO_LOAD };
    PgPoolOptions::new()
        .max_connections(most)
        .acquire_timeout(FREE_WITHIN)
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                if meta.idle_for > TRIED_AFTER {
                    in_time(Some(TRIED_FOR), connection.ping()).await?;
                }
                Ok(true)
            })
        })
        .after_connect(move |connection, _| Box::pin(greet(connection, words)))
}

/// The first words, and whether it is the right one at the other end: what a
/// standby knows is a little old, and it keeps nothing.
async fn greet(connection: &mut PgConnection, words: &'static str) -> sqlx::Result<()> {
    tell(connection, words).await?;
    if sqlx::query_scalar::<_, bool>("SELECT pg_is_in_recovery()").fetch_one(connection).await? {
        return Err(sqlx::Error::Configuration("this PostgreSQL is a standby: nothing can be written there before it is promoted".into()));
    }
    Ok(())
}

async fn tell(connection: &mut PgConnection, words: &'static str) -> sqlx::Result<()> {
    connection.execute(words).await?;
    Ok(())
}

/// What comes of a question, unless it takes too long.
///
/// # Errors
/// Those of the question, or that nobody answered.
pub async fn in_time<T>(patience: Option<Duration>, asking: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    let Some(patience) = patience else { return asking.await };
    match timeout(patience, asking).await {
        Ok(answered) => answered,
        Err(_) => Err(sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "PostgreSQL did not answer in time"))),
    }
}

/// A line that is lent. Let go, it goes back to the others; what was not
/// committed is taken back.
#[derive(Debug)]
pub(super) struct Line {
    /// None only while it is let go.
    connection: Option<PoolConnection<Postgres>>,
    in_transaction: bool,
    patience: Option<Duration>,
    /// The leave to write.
    place: Option<OwnedSemaphorePermit>,
}

impl Line {
    /// The driver's connection.
    pub(super) fn raw(&mut self) -> sqlx::Result<&mut PgConnection> {
        self.connection.as_deref_mut().ok_or(sqlx::Error::PoolClosed)
    }

    pub(super) const fn patience(&self) -> Option<Duration> {
        self.patience
    }

    async fn begin(&mut self, words: &'static str) -> sqlx::Result<()> {
        // Before it is said: whatever becomes of it is taken back.
        self.in_transaction = true;
        in_time(self.patience, tell(self.raw()?, words)).await
    }

    /// Lets what follows in this transaction take its time.
    pub(super) async fn take_time(&mut self) -> sqlx::Result<()> {
        in_time(self.patience, tell(self.raw()?, "SET LOCAL statement_timeout = 0")).await?;
        self.patience = self.patience.map(|patience| patience.max(CHORE_DONE_WITHIN));
        Ok(())
    }

    /// Makes what was written last.
    pub(super) async fn commit(mut self) -> sqlx::Result<()> {
        if self.in_transaction {
            in_time(self.patience, tell(self.raw()?, "COMMIT")).await?;
            self.in_transaction = false;
        }
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => {
                runtime.spawn(give_back(connection, self.in_transaction, self.place.take()));
            }
            // The program ends, and nobody is there to wait for an answer.
            Err(_) => drop(connection.leak()),
        }
    }
}

/// Gives a line back. The driver's own way waits for ever for an answer that is
/// still to come.
async fn give_back(mut connection: PoolConnection<Postgres>, in_transaction: bool, place: Option<OwnedSemaphorePermit>) {
    let giving_back = async {
        if in_transaction {
            // If it fails, the driver's test that follows finds that out.
            let _ = tell(&mut connection, "ROLLBACK").await;
        }
        connection.return_to_pool().await;
    };
    if timeout(GIVEN_BACK_WITHIN, giving_back).await.is_err() {
        tracing::warn!("PostgreSQL does not answer on a line that was let go; it is cut");
        connection.close_on_drop();
    }
    drop(place);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never() -> impl Future<Output = sqlx::Result<()>> {
        std::future::pending()
    }

    #[tokio::test]
    async fn a_question_without_an_answer_is_given_up() {
        let asked = in_time(Some(Duration::from_millis(20)), never()).await;
        assert!(matches!(asked, Err(sqlx::Error::Io(error)) if error.kind() == io::ErrorKind::TimedOut));
    }
}

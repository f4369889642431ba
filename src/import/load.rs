//! The way of every import: rows come in part by part, are written in short
//! transactions of some parts each, counted, and the refused ones put aside.
//!
//! A part has one look into each table for all its rows. Where another writer
//! may come into its way, it has a mark in its transaction and is taken back
//! alone.
//!
//! May call [`crate::store`] and [`crate::text`].

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::time::{sleep, timeout};

use super::bind::Bound;
use super::fields::{Cells, Fault, Times, short};
use super::incoming::{Incoming, Part};
use super::map::{ColumnMap, OrganizationConstant};
use super::reader::{Reader, Row};
use super::rejects::Rejects;
use super::{ImportError, KEPT, Kind, Refused, Report};
use crate::store::places::{self, ShopRow};
use crate::store::{self, At, Conn, Db, DbKind, Scope, StoreError, audit, bulk, settings, watch};
use crate::text::fold;

/// After this a transaction on SQLite takes no further part: so long others
/// wait to write. The longer it lasts, the more rows share a page that is
/// written: this is most of what a large import costs.
const LONGEST: Duration = Duration::from_secs(1);
/// The same while nobody else writes to the file: whoever begins to waits so
/// long once, well within the ten seconds after which SQLite gives up.
const LONGEST_ALONE: Duration = Duration::from_secs(4);
/// Who has not written for so long is not there: a running server looks every
/// five seconds for rows of the audit to seal, and the import adds one with each
/// transaction.
const NOTICED_WITHIN: Duration = Duration::from_secs(8);
/// SQLite lets those who wait to write ask again after this at the latest.
const ASKED_AGAIN: Duration = Duration::from_millis(100);
/// After so many rows that were written the database takes stock.
const MANY: u64 = 1_000;
/// The most shops that are known at once.
const MOST_SHOPS: i64 = 1_000_000;

/// What an import knows before it reads a row.
pub(super) struct Known {
    /// Every shop, by code. Records name one by its place here.
    pub shops: Vec<ShopRow>,
    by_code: HashMap<String, usize>,
    /// Where numbers and states are read that say no country.
    pub default_country: String,
    /// The map's organization.
    pub organization: Option<OrganizationConstant>,
    /// How times are read.
    pub times: Times,
    /// When the import began.
    pub now: At,
}

impl Known {
    /// Asks the database.
    ///
    /// # Errors
    /// When it fails.
    pub(super) async fn load(db: &Db, map: &ColumnMap) -> store::Result<Self> {
        let mut conn = db.read().await?;
        let shops = places::shops(&mut conn, &Scope::deployment(), "", MOST_SHOPS).await?;
        Ok(Self {
            by_code: shops.iter().enumerate().map(|(place, shop)| (fold(&shop.code), place)).collect(),
            shops,
            default_country: settings::default_country(&mut conn).await?,
            organization: map.organization().cloned(),
            times: map.times().clone(),
            now: At::now(),
        })
    }

    /// The place of the shop that a row names; none where it names none.
    ///
    /// # Errors
    /// [`Fault::Unknown`].
    pub(super) fn named_shop(&self, cells: &Cells) -> Result<Option<usize>, Fault> {
        let Some(code) = cells.get("shop") else { return Ok(None) };
        let found = self.by_code.get(&fold(code)).copied();
        found.map(Some).ok_or_else(|| Fault::Unknown { what: "shop", by: "code", value: short(code) })
    }

    /// The place of the shop that a row means which names none: the only one
    /// there is.
    ///
    /// # Errors
    /// [`Fault::WhichShop`].
    pub(super) fn only_shop(&self) -> Result<usize, Fault> {
        if self.shops.len() == 1 { Ok(0) } else { Err(Fault::WhichShop(self.shops.len())) }
    }

    /// The business systems of all shops, each once.
    pub(super) fn systems(&self) -> Vec<&str> {
        let mut systems: Vec<&str> = self.shops.iter().map(|shop| shop.business_system.as_str()).collect();
        systems.sort_unstable();
        systems.dedup();
        systems
    }
}

/// What became of a row.
#[derive(Debug)]
pub(super) enum Verdict {
    /// It made a new record.
    Added,
    /// It changed a known one.
    Changed,
    /// It said nothing new.
    Unchanged,
    /// It broke a rule.
    Refused(Fault),
}

/// A row whose cells are in order.
pub(super) struct Checked<T> {
    /// The hash of its key (8.3), see [`key_of`].
    pub key: u64,
    /// What it says.
    pub record: T,
}

/// A checked row on its way into the database.
pub(super) struct Entry<T> {
    /// Where it stands in the file.
    pub line: u64,
    /// The hash of its key.
    pub key: u64,
    /// What it says.
    pub record: T,
    /// As it stands in the file.
    pub row: Row,
}

/// A row's key as one number. 64 bits keep a file's keys in little memory;
/// two of a million rows meet by chance once in 30 million files.
pub(super) fn key_of(parts: &[&str]) -> u64 {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    hasher.finish()
}

/// The keys of all rows that were accepted, with their lines: of two rows with
/// one key the second is refused (8.3).
#[derive(Default)]
pub(super) struct Seen {
    lines: HashMap<u64, u64>,
    /// Taken by the part that is being written.
    fresh: Vec<u64>,
}

impl Seen {
    /// Refuses a row whose key stands in an earlier one.
    ///
    /// # Errors
    /// [`Fault::SameKey`].
    pub(super) fn admit<T>(&self, entry: &Entry<T>) -> Result<(), Fault> {
        self.lines.get(&entry.key).map_or(Ok(()), |line| Err(Fault::SameKey(*line)))
    }

    /// Keeps the key of an accepted row.
    pub(super) fn accept<T>(&mut self, entry: &Entry<T>) {
        self.note(entry.key, entry.line);
    }

    /// Keeps what else an accepted row was about, under a key of its own.
    pub(super) fn note(&mut self, key: u64, line: u64) {
        self.lines.insert(key, line);
        self.fresh.push(key);
    }

    /// The line of the row that a key was kept for.
    pub(super) fn line(&self, key: u64) -> Option<u64> {
        self.lines.get(&key).copied()
    }

    /// The part stands.
    fn keep(&mut self) {
        self.fresh.clear();
    }

    /// The part left no trace.
    fn forget(&mut self) {
        for key in self.fresh.drain(..) {
            self.lines.remove(&key);
        }
    }
}

/// A kind of rows that is written many at once.
pub(super) trait Rows: 'static {
    /// What a row says.
    type Record: Send + 'static;
    /// Rows of a part.
    const AT_ONCE: usize;
    /// Whether [`Rows::write`] finds out all that the database could refuse
    /// before it writes, as long as nobody else does.
    const FORESEES: bool = false;

    /// Reads a row's cells, without the database.
    fn check(cells: &Cells, known: &Known) -> Result<Checked<Self::Record>, Fault>;

    /// Writes rows in the transaction of `conn`; one verdict per row. Keys of
    /// accepted rows go to `seen`.
    async fn write(conn: &mut Conn, known: &Known, entries: &[Entry<Self::Record>], seen: &mut Seen) -> store::Result<Vec<Verdict>>;
}

/// Why a row is not written.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    /// It is refused; the others go in.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The database failed: the part is not kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A kind of rows that is written one by one, after one look for all.
pub(super) trait Single: 'static {
    /// What a row says.
    type Record: Send + 'static;
    /// What is looked up for a part.
    type Found;

    /// Reads a row's cells, without the database.
    fn check(cells: &Cells, known: &Known) -> Result<Checked<Self::Record>, Fault>;

    /// Looks up what the rows of a part need.
    async fn find(conn: &mut Conn, known: &Known, records: &[&Self::Record]) -> store::Result<Self::Found>;

    /// Writes one row. A refused one must not have written anything.
    async fn write(conn: &mut Conn, known: &Known, found: &Self::Found, record: &Self::Record) -> Result<Verdict, Stop>;
}

/// Makes parts of single rows.
pub(super) struct OneByOne<S>(PhantomData<S>);

impl<S: Single> Rows for OneByOne<S> {
    type Record = S::Record;
    const AT_ONCE: usize = 100;

    fn check(cells: &Cells, known: &Known) -> Result<Checked<S::Record>, Fault> {
        S::check(cells, known)
    }

    async fn write(conn: &mut Conn, known: &Known, entries: &[Entry<S::Record>], seen: &mut Seen) -> store::Result<Vec<Verdict>> {
        let records: Vec<&S::Record> = entries.iter().map(|entry| &entry.record).collect();
        let found = S::find(conn, known, &records).await?;
        let mut verdicts = Vec::with_capacity(entries.len());
        for entry in entries {
            if let Err(fault) = seen.admit(entry) {
                verdicts.push(Verdict::Refused(fault));
                continue;
            }
            match S::write(conn, known, &found, &entry.record).await {
                Ok(verdict) => {
                    seen.accept(entry);
                    verdicts.push(verdict);
                }
                Err(Stop::Fault(fault)) => verdicts.push(Verdict::Refused(fault)),
                Err(Stop::Store(error)) => return Err(error),
            }
        }
        Ok(verdicts)
    }
}

/// Whether others write to the same file, as far as the import has noticed.
struct Others {
    /// Since when nobody did; none as soon as somebody has.
    none_since: Option<Instant>,
    /// What [`watch::beside`] told last.
    version: Option<i64>,
}

impl Others {
    /// Nothing is known of them yet.
    fn unknown() -> Self {
        Self { none_since: Some(Instant::now()), version: None }
    }

    /// How long the transaction may last that has just begun at `version`. Who
    /// has written once may do so again.
    fn longest(&mut self, version: i64) -> Duration {
        if self.version.replace(version).is_some_and(|before| before != version) {
            self.none_since = None;
        }
        let alone = self.none_since.is_some_and(|since| since.elapsed() >= NOTICED_WITHIN);
        if alone { LONGEST_ALONE } else { LONGEST }
    }
}

/// An import at work.
pub(super) struct Load<'a> {
    db: &'a Db,
    kind: Kind,
    known: Arc<Known>,
    rejects: Option<Rejects>,
    dry_run: bool,
    progress: &'a mut dyn FnMut(u64, u64),
    seen: Seen,
    others: Others,
    report: Report,
}

impl<'a> Load<'a> {
    pub(super) fn new(db: &'a Db, kind: Kind, known: Known, rejects: Option<Rejects>, dry_run: bool, progress: &'a mut dyn FnMut(u64, u64)) -> Self {
        let (seen, others, report) = (Seen::default(), Others::unknown(), Report::default());
        Self { db, kind, known: Arc::new(known), rejects, dry_run, progress, seen, others, report }
    }

    /// Imports all rows.
    ///
    /// # Errors
    /// When the file, the database or the rejects file fails.
    pub(super) async fn run<R: Rows>(mut self, reader: Reader, bound: Bound) -> Result<Report, ImportError> {
        let mut incoming = Incoming::start::<R>(reader, bound, Arc::clone(&self.known));
        while let Some(part) = incoming.next().await? {
            self.transaction::<R>(part, &mut incoming).await?;
        }
        if let Some(rejects) = &mut self.rejects {
            rejects.finish()?;
        }
        if !self.dry_run && self.report.added + self.report.changed >= MANY {
            // The rows are there, whatever comes of this.
            drop(self.db.take_stock().await);
        }
        Ok(self.report)
    }

    /// Writes a part, and those that come while the transaction is short.
    async fn transaction<R: Rows>(&mut self, first: Part<R::Record>, incoming: &mut Incoming<R::Record>) -> Result<(), ImportError> {
        let began = At::now();
        let mut conn = self.db.write().await?;
        let longest = match watch::beside(&mut conn).await? {
            Some(version) => self.others.longest(version),
            // PostgreSQL's writers wait for rows only. A part takes its rows in their
            // order; a second part could wait crosswise with another import.
            None => Duration::ZERO,
        };
        let (begun, before) = (Instant::now(), (self.report.added, self.report.changed));
        let mut part = first;
        let ended = loop {
            let verdicts = self.write::<R>(&mut conn, &part.entries).await?;
            self.count(part, verdicts)?;
            let left = longest.saturating_sub(begun.elapsed());
            if left.is_zero() {
                break Ok(());
            }
            match timeout(left, incoming.next()).await {
                Ok(Ok(Some(next))) => part = next,
                // What stands before the mistake is kept.
                Ok(Err(mistake)) => break Err(mistake),
                // The file has ended, or is slow to come.
                Ok(Ok(None)) | Err(_) => break Ok(()),
            }
        };
        if self.dry_run {
            drop(conn);
        } else {
            self.keep(conn, before, began).await?;
        }
        self.give_way(begun.elapsed()).await?;
        ended
    }

    /// Writes the rows of a part; if another writer was in the way, halves of
    /// them, down to the row that it was.
    async fn write<R: Rows>(&mut self, conn: &mut Conn, entries: &[Entry<R::Record>]) -> store::Result<Vec<Verdict>> {
        let mut verdicts = Vec::with_capacity(entries.len());
        let marked = self.marks::<R>();
        let mut waiting = if entries.is_empty() { Vec::new() } else { vec![entries] };
        while let Some(rows) = waiting.pop() {
            match self.attempt::<R>(conn, rows).await {
                Err(StoreError::Taken) if marked && rows.len() > 1 => {
                    let (first, second) = rows.split_at(rows.len() / 2);
                    waiting.extend([second, first]);
                }
                Err(StoreError::Taken) if marked => verdicts.push(Verdict::Refused(Fault::Taken)),
                other => verdicts.extend(other?),
            }
        }
        Ok(verdicts)
    }

    /// Whether a part may have to be taken back alone. A mark for that costs a
    /// copy of every page of an SQLite file that the part touches, and there
    /// nobody else can write while a transaction lasts.
    fn marks<R: Rows>(&self) -> bool {
        !R::FORESEES || self.db.kind() != DbKind::Sqlite
    }

    async fn attempt<R: Rows>(&mut self, conn: &mut Conn, rows: &[Entry<R::Record>]) -> store::Result<Vec<Verdict>> {
        if !self.marks::<R>() {
            let written = R::write(conn, &self.known, rows, &mut self.seen).await?;
            self.seen.keep();
            return Ok(written);
        }
        bulk::begin_part(conn).await?;
        let written = R::write(conn, &self.known, rows, &mut self.seen).await;
        match &written {
            Ok(_) => {
                self.seen.keep();
                bulk::end_part(conn).await?;
            }
            Err(StoreError::Taken) => {
                self.seen.forget();
                bulk::take_back_part(conn).await?;
            }
            // The transaction goes, and the import with it.
            Err(_) => {}
        }
        written
    }

    /// Commits a transaction that began then, with one row of the audit for all of
    /// it.
    async fn keep(&self, mut conn: Conn, before: (u64, u64), began: At) -> store::Result<()> {
        let (added, changed) = (self.report.added - before.0, self.report.changed - before.1);
        if added + changed > 0 {
            audit::add_import(&mut conn, self.kind.name(), began, &json!({ "added": [null, added], "changed": [null, changed] })).await?;
        }
        conn.commit().await
    }

    /// Lets others write after a transaction that took so long. SQLite does not
    /// queue them, it lets them ask again and again: they need a gap to get in.
    /// In it the log is put into the file, which keeps nobody waiting.
    async fn give_way(&self, time: Duration) -> store::Result<()> {
        if self.db.kind() == DbKind::Sqlite {
            let begun = Instant::now();
            self.db.checkpoint().await?;
            sleep((time / 4).min(ASKED_AGAIN).saturating_sub(begun.elapsed())).await;
        }
        Ok(())
    }

    fn count<T>(&mut self, part: Part<T>, verdicts: Vec<Verdict>) -> Result<(), ImportError> {
        self.report.read += part.rows() as u64;
        let (taken, total) = part.progress;
        let mut refused = part.refused;
        for (entry, verdict) in part.entries.into_iter().zip(verdicts) {
            match verdict {
                Verdict::Added => self.report.added += 1,
                Verdict::Changed => self.report.changed += 1,
                Verdict::Unchanged => self.report.unchanged += 1,
                Verdict::Refused(fault) => refused.push((entry.row, fault)),
            }
        }
        refused.sort_by_key(|(row, _)| row.line);
        self.report.refused_count += refused.len() as u64;
        for (row, fault) in refused {
            let reason = fault.to_string();
            if let Some(rejects) = &mut self.rejects {
                rejects.write(&row.cells, &reason)?;
            }
            if self.report.refused.len() < KEPT {
                self.report.refused.push(Refused { line: row.line, reason, row: row.for_people() });
            }
        }
        (self.progress)(taken, total);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_other_parts_differ() {
        assert_eq!(key_of(&["a", "b"]), key_of(&["a", "b"]));
        assert_ne!(key_of(&["a", "b"]), key_of(&["ab", ""]));
    }

    #[test]
    fn a_transaction_lasts_longer_only_while_nobody_else_writes() {
        assert_eq!(Others::unknown().longest(7), LONGEST);
        let mut others = Others { none_since: Instant::now().checked_sub(NOTICED_WITHIN), version: None };
        assert_eq!((others.longest(7), others.longest(7)), (LONGEST_ALONE, LONGEST_ALONE));
        assert_eq!((others.longest(8), others.longest(8)), (LONGEST, LONGEST), "somebody wrote, and may again");
    }

    #[test]
    fn a_part_that_left_no_trace_leaves_no_keys() {
        let entry = |line, key| Entry { line, key, record: (), row: Row::of(&[]) };
        let mut seen = Seen::default();
        seen.accept(&entry(2, 7));
        seen.keep();
        seen.accept(&entry(3, 8));
        seen.forget();
        assert_eq!(seen.admit(&entry(4, 7)), Err(Fault::SameKey(2)));
        assert_eq!(seen.admit(&entry(4, 8)), Ok(()));
    }
}

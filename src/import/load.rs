//! The way of every import: rows are read and checked, written in chunks of
//! one short transaction each, counted, and the refused ones put aside.
//!
//! May call [`crate::store`] and [`crate::text`].

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;
use std::time::{Duration, Instant};

use serde_json::json;

use super::bind::Bound;
use super::fields::{Cells, Fault, Times, short};
use super::map::{ColumnMap, OrganizationConstant};
use super::reader::{Reader, Row};
use super::rejects::Rejects;
use super::{ImportError, KEPT, Kind, Refused, Report};
use crate::store::places::{self, ShopRow};
use crate::store::{self, At, Conn, Db, DbKind, Scope, StoreError, audit, settings};
use crate::text::fold;

/// A transaction that took longer is followed by one half as large.
const LONGEST: Duration = Duration::from_millis(100);
/// The fewest rows of a chunk.
const FEWEST: usize = 10;
/// A chunk ends early when its rows take more memory than this.
const MOST_BYTES: usize = 8 << 20;
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
    row: Row,
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
    /// Taken since the last commit.
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

    /// The transaction stands.
    fn keep(&mut self) {
        self.fresh.clear();
    }

    /// The transaction left no trace.
    fn forget(&mut self) {
        for key in self.fresh.drain(..) {
            self.lines.remove(&key);
        }
    }
}

/// A kind of rows that is written many at once.
pub(super) trait Rows {
    /// What a row says.
    type Record;
    /// Rows of the first chunk.
    const FIRST: usize;
    /// Rows of the largest chunk.
    const MOST: usize;

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
    /// The database failed: the chunk is not kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A kind of rows that is written one by one, after one look for all.
pub(super) trait Single {
    /// What a row says.
    type Record;
    /// What is looked up for a chunk.
    type Found;

    /// Reads a row's cells, without the database.
    fn check(cells: &Cells, known: &Known) -> Result<Checked<Self::Record>, Fault>;

    /// Looks up what the rows of a chunk need.
    async fn find(conn: &mut Conn, known: &Known, records: &[&Self::Record]) -> store::Result<Self::Found>;

    /// Writes one row. A refused one must not have written anything.
    async fn write(conn: &mut Conn, known: &Known, found: &Self::Found, record: &Self::Record) -> Result<Verdict, Stop>;
}

/// Commits a chunk, with one row of the audit for all of it.
async fn keep(mut conn: Conn, kind: Kind, verdicts: &[Verdict]) -> store::Result<()> {
    let how_many = |wanted: fn(&Verdict) -> bool| verdicts.iter().filter(|verdict| wanted(verdict)).count();
    let (added, changed) = (how_many(|verdict| matches!(verdict, Verdict::Added)), how_many(|verdict| matches!(verdict, Verdict::Changed)));
    if added + changed > 0 {
        audit::add_by_hand(&mut conn, "import", kind.name(), None, &json!({ "added": [null, added], "changed": [null, changed] })).await?;
    }
    conn.commit().await
}

/// Makes chunks of single rows.
pub(super) struct OneByOne<S>(PhantomData<S>);

impl<S: Single> Rows for OneByOne<S> {
    type Record = S::Record;
    const FIRST: usize = 50;
    const MOST: usize = 200;

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

/// How many rows go into one transaction.
struct Pace {
    rows: usize,
    most: usize,
}

impl Pace {
    fn took(&mut self, time: Duration) {
        if time > LONGEST {
            self.rows = (self.rows / 2).max(FEWEST);
        } else if time < LONGEST / 3 {
            self.rows = (self.rows * 2).min(self.most);
        }
    }
}

struct Chunk<T> {
    entries: Vec<Entry<T>>,
    refused: Vec<(Row, Fault)>,
}

/// An import at work.
pub(super) struct Load<'a> {
    db: &'a Db,
    kind: Kind,
    reader: Reader,
    bound: Bound,
    known: Known,
    rejects: Option<Rejects>,
    dry_run: bool,
    progress: &'a mut dyn FnMut(u64, u64),
    seen: Seen,
    report: Report,
}

impl<'a> Load<'a> {
    #[expect(clippy::too_many_arguments, reason = "the parts of one import, put together in one place")]
    pub(super) fn new(
        db: &'a Db,
        kind: Kind,
        reader: Reader,
        bound: Bound,
        known: Known,
        rejects: Option<Rejects>,
        dry_run: bool,
        progress: &'a mut dyn FnMut(u64, u64),
    ) -> Self {
        Self { db, kind, reader, bound, known, rejects, dry_run, progress, seen: Seen::default(), report: Report::default() }
    }

    /// Imports all rows.
    ///
    /// # Errors
    /// When the file, the database or the rejects file fails.
    pub(super) async fn run<R: Rows>(mut self) -> Result<Report, ImportError> {
        let mut pace = Pace { rows: R::FIRST, most: R::MOST };
        while let Some(chunk) = self.next_chunk::<R>(pace.rows)? {
            let verdicts = self.write::<R>(&chunk.entries, &mut pace).await?;
            self.count(chunk, verdicts)?;
            let (taken, total) = self.reader.progress();
            (self.progress)(taken, total);
        }
        if let Some(rejects) = &mut self.rejects {
            rejects.finish()?;
        }
        Ok(self.report)
    }

    fn next_chunk<R: Rows>(&mut self, rows: usize) -> Result<Option<Chunk<R::Record>>, ImportError> {
        let mut chunk = Chunk { entries: Vec::with_capacity(rows), refused: Vec::new() };
        let (mut read, mut bytes) = (0_usize, 0);
        while read < rows && bytes < MOST_BYTES {
            let Some(row) = self.reader.row()? else { break };
            read += 1;
            bytes += row.bytes();
            match self.check::<R>(&row) {
                Ok(checked) => chunk.entries.push(Entry { line: row.line, key: checked.key, record: checked.record, row }),
                Err(fault) => chunk.refused.push((row, fault)),
            }
        }
        self.report.read += read as u64;
        Ok((read > 0).then_some(chunk))
    }

    fn check<R: Rows>(&self, row: &Row) -> Result<Checked<R::Record>, Fault> {
        match &row.fault {
            Some(fault) => Err(fault.clone()),
            None => R::check(&self.bound.apply(row), &self.known),
        }
    }

    /// Writes a chunk; if another writer was in the way, its rows one by one.
    async fn write<R: Rows>(&mut self, entries: &[Entry<R::Record>], pace: &mut Pace) -> Result<Vec<Verdict>, ImportError> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        match self.attempt::<R>(entries, pace).await {
            Err(StoreError::Taken) => {}
            other => return Ok(other?),
        }
        let mut verdicts = Vec::with_capacity(entries.len());
        // These transactions tell nothing about how long the next chunk takes.
        let mut alone = Pace { rows: 1, most: 1 };
        for entry in entries {
            match self.attempt::<R>(std::slice::from_ref(entry), &mut alone).await {
                Err(StoreError::Taken) => verdicts.push(Verdict::Refused(Fault::Taken)),
                other => verdicts.extend(other?),
            }
        }
        Ok(verdicts)
    }

    async fn attempt<R: Rows>(&mut self, entries: &[Entry<R::Record>], pace: &mut Pace) -> store::Result<Vec<Verdict>> {
        let mut conn = self.db.write().await?;
        let started = Instant::now();
        let written = R::write(&mut conn, &self.known, entries, &mut self.seen).await;
        let kept = match written {
            Ok(verdicts) if !self.dry_run => keep(conn, self.kind, &verdicts).await.map(|()| verdicts),
            other => {
                drop(conn);
                other
            }
        };
        if kept.is_ok() {
            self.seen.keep();
        } else {
            self.seen.forget();
        }
        let time = started.elapsed();
        pace.took(time);
        // SQLite lets waiting writers ask again and again instead of queueing
        // them: they need a gap to get in.
        if self.db.kind() == DbKind::Sqlite {
            tokio::time::sleep(time / 4).await;
        }
        kept
    }

    fn count<T>(&mut self, chunk: Chunk<T>, verdicts: Vec<Verdict>) -> Result<(), ImportError> {
        let mut refused = chunk.refused;
        for (entry, verdict) in chunk.entries.into_iter().zip(verdicts) {
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
    fn a_transaction_that_left_no_trace_leaves_no_keys() {
        let entry = |line, key| Entry { line, key, record: (), row: Row::of(&[]) };
        let mut seen = Seen::default();
        seen.accept(&entry(2, 7));
        seen.keep();
        seen.accept(&entry(3, 8));
        seen.forget();
        assert_eq!(seen.admit(&entry(4, 7)), Err(Fault::SameKey(2)));
        assert_eq!(seen.admit(&entry(4, 8)), Ok(()));
    }

    #[test]
    fn chunks_shrink_when_slow_and_grow_again() {
        let mut pace = Pace { rows: 500, most: 1_000 };
        pace.took(Duration::from_millis(150));
        assert_eq!(pace.rows, 250);
        pace.took(Duration::from_millis(50));
        assert_eq!(pace.rows, 250);
        for _ in 0..5 {
            pace.took(Duration::from_millis(5));
        }
        assert_eq!(pace.rows, 1_000);
    }
}

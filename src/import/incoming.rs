//! The rows of a file on their way to the database: read, brought under our
//! names and checked on a thread of their own, while the rows before them are
//! written.
//!
//! Called by [`super::load`] alone; asks no database.

use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::sync::mpsc::{self, Receiver};

use super::ImportError;
use super::bind::Bound;
use super::fields::{Cells, Fault};
use super::load::{Checked, Entry, Known, Rows};
use super::reader::{Reader, Row};

/// Parts that are read ahead.
const AHEAD: usize = 4;
/// A part ends early when its rows take more memory than this.
const MOST_BYTES: usize = 2 << 20;

/// Rows that stand one behind the other in the file and are written together.
pub(super) struct Part<T> {
    /// Those whose cells are in order.
    pub entries: Vec<Entry<T>>,
    /// The others.
    pub refused: Vec<(Row, Fault)>,
    /// Bytes of the file that were read, and all of them.
    pub progress: (u64, u64),
}

impl<T> Part<T> {
    /// How many rows it has.
    pub(super) fn rows(&self) -> usize {
        self.entries.len() + self.refused.len()
    }
}

/// The parts of a file, in their order.
pub(super) struct Incoming<T> {
    parts: Receiver<Result<Part<T>, ImportError>>,
    reading: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> Incoming<T> {
    /// Begins to read. The thread ends with the file, at the first mistake that
    /// is not a row's own, or when nobody asks for more.
    pub(super) fn start<R: Rows<Record = T>>(mut reader: Reader, bound: Bound, known: Arc<Known>) -> Self {
        let (sender, parts) = mpsc::channel(AHEAD);
        let reading = thread::spawn(move || {
            while let Some(part) = read_part::<R>(&mut reader, &bound, &known).transpose() {
                let failed = part.is_err();
                if sender.blocking_send(part).is_err() || failed {
                    break;
                }
            }
        });
        Self { parts, reading: Some(reading) }
    }

    /// The next part; none at the end. A call that is given up loses nothing.
    ///
    /// # Errors
    /// When the file cannot be read on.
    pub(super) async fn next(&mut self) -> Result<Option<Part<T>>, ImportError> {
        let part = self.parts.recv().await.transpose();
        // A thread that broke off must not look like the end of the file.
        if matches!(part, Ok(None))
            && let Some(Err(cause)) = self.reading.take().map(JoinHandle::join)
        {
            resume_unwind(cause);
        }
        part
    }
}

fn read_part<R: Rows>(reader: &mut Reader, bound: &Bound, known: &Known) -> Result<Option<Part<R::Record>>, ImportError> {
    let mut part = Part { entries: Vec::with_capacity(R::AT_ONCE), refused: Vec::new(), progress: (0, 0) };
    let mut bytes = 0;
    while part.rows() < R::AT_ONCE && bytes < MOST_BYTES {
        let Some(row) = reader.row()? else { break };
        bytes += row.bytes();
        match check::<R>(bound, known, &row) {
            Ok(checked) => part.entries.push(Entry { line: row.line, key: checked.key, record: checked.record, row }),
            Err(fault) => part.refused.push((row, fault)),
        }
    }
    part.progress = reader.progress();
    Ok((part.rows() > 0).then_some(part))
}

fn check<R: Rows>(bound: &Bound, known: &Known, row: &Row) -> Result<Checked<R::Record>, Fault> {
    match &row.fault {
        Some(fault) => Err(fault.clone()),
        None => R::check(&bound.apply(row), known).map_err(|first| all_wrong::<R>(bound.apply(row), known, first)),
    }
}

/// All that is wrong with the cells of a row: what is wrong with one is put aside,
/// and the others are looked at again.
fn all_wrong<R: Rows>(mut cells: Cells, known: &Known, first: Fault) -> Fault {
    let mut columns: Vec<&str> = first.column().into_iter().collect();
    let mut faults = vec![first];
    while let Some(fault) = faults.last().filter(|fault| fault.column().is_some()) {
        cells.put_aside(fault);
        let Err(next) = R::check(&cells, known) else { break };
        // What a cell put aside leads to is no fault of the row.
        let Some(column) = next.column().filter(|column| !columns.contains(column)) else { break };
        columns.push(column);
        faults.push(next);
    }
    Fault::of(faults)
}

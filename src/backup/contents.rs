//! What the lines of a backup say, in which order, and whether all of them are
//! there.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::packed::Unpacker;
use super::tally::Tally;
use super::{Backup, BackupError, FORMAT, Head, Result, Sum};
use crate::store::migrate;

/// A line that is no row.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mark {
    /// The first line.
    CountertopBackup(Head),
    /// Rows of a table follow.
    Table(Began),
    /// No more of them.
    EndOfTable(Sum),
    /// The last line.
    End(Total),
}

/// A table, before its rows.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Began {
    /// Its name.
    pub(super) name: String,
    /// What each value of a row is of.
    pub(super) columns: Vec<String>,
}

/// What there should be.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Total {
    /// Tables.
    pub(super) tables: usize,
    /// Rows of all of them.
    pub(super) rows: u64,
}

impl Total {
    /// Of what was read or written.
    pub(super) fn of(sums: &[Sum]) -> Self {
        Self { tables: sums.len(), rows: sums.iter().map(|sum| sum.rows).sum() }
    }
}

/// A backup that is being read.
#[derive(Debug)]
pub(super) struct Contents {
    lines: Unpacker,
    /// What it says of itself.
    pub(super) head: Head,
    /// The tables that were read to their end.
    pub(super) sums: Vec<Sum>,
    tally: Tally,
}

impl Contents {
    /// Opens a backup that this program understands.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut lines = Unpacker::open(path)?;
        let Mark::CountertopBackup(head) = mark(&mut lines)? else { return Err(BackupError::Foreign(path.to_owned())) };
        if head.format > FORMAT || head.schema > migrate::NEWEST {
            return Err(BackupError::Newer { path: path.to_owned(), program: head.program });
        }
        Ok(Self { lines, head, sums: Vec::new(), tally: Tally::default() })
    }

    /// The next table; none when all of the file was read and nothing is missing.
    pub(super) fn next_table(&mut self) -> Result<Option<Began>> {
        match mark(&mut self.lines)? {
            Mark::Table(began) => {
                self.tally = Tally::default();
                Ok(Some(began))
            }
            Mark::End(total) => {
                let found = Total::of(&self.sums);
                if (total.tables, total.rows) != (found.tables, found.rows) {
                    return Err(self.damaged("tables are missing"));
                }
                if self.lines.line()?.is_some() {
                    return Err(self.damaged("something follows behind its end"));
                }
                Ok(None)
            }
            Mark::CountertopBackup(_) | Mark::EndOfTable(_) => Err(self.damaged("its lines are in no order")),
        }
    }

    /// The next row of a table; none when all of them were read and come to what
    /// the file says.
    pub(super) fn next_row(&mut self, table: &str) -> Result<Option<Vec<Value>>> {
        let Some(line) = self.lines.line()? else { return Err(self.damaged("it ends too early")) };
        if line.first() == Some(&b'[') {
            self.tally.add(line);
            let row = serde_json::from_slice(line).ok();
            return row.map(Some).ok_or_else(|| self.damaged("a row cannot be read"));
        }
        let Some(Mark::EndOfTable(sum)) = serde_json::from_slice(line).ok() else { return Err(self.damaged("its lines are in no order")) };
        if sum != self.tally.of(table) {
            return Err(self.damaged(&format!("the rows of table {table} are not those that were written")));
        }
        self.sums.push(sum);
        Ok(None)
    }

    /// Reads all that is left.
    pub(super) fn read_through(&mut self) -> Result<()> {
        while let Some(table) = self.next_table()? {
            while self.next_row(&table.name)?.is_some() {}
        }
        Ok(())
    }

    /// What was found, after all was read.
    pub(super) fn found(self) -> Result<Backup> {
        let path = self.lines.path().to_owned();
        let bytes = std::fs::metadata(&path).map_err(BackupError::file(&path))?.len();
        Ok(Backup { path, bytes, head: self.head, sums: self.sums, seal: self.lines.seal() })
    }

    pub(super) fn damaged(&self, what: &str) -> BackupError {
        BackupError::damaged(self.lines.path(), what)
    }
}

fn mark(lines: &mut Unpacker) -> Result<Mark> {
    let parsed = match lines.line()? {
        Some(line) => serde_json::from_slice(line).ok(),
        None => return Err(BackupError::damaged(lines.path(), "it ends too early")),
    };
    parsed.ok_or_else(|| BackupError::damaged(lines.path(), "a line cannot be read"))
}

#[cfg(test)]
mod tests {
    use super::super::packed::Packer;
    use super::*;

    fn head(format: u32, schema: i64) -> Mark {
        let made_at = jiff::Timestamp::UNIX_EPOCH;
        Mark::CountertopBackup(Head { format, schema, made_at, database: "sqlite".to_owned(), program: "9.9.9".to_owned(), lineage: None })
    }

    fn written(marks: &[Mark]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("backup.gz");
        let mut out = Packer::new(std::fs::File::create(&path).unwrap());
        for mark in marks {
            out.line(&serde_json::to_vec(mark).unwrap()).unwrap();
        }
        out.finish().unwrap();
        (folder, path)
    }

    #[test]
    fn a_newer_backup_names_the_program_that_can_read_it() {
        for newer in [head(FORMAT + 1, 1), head(FORMAT, migrate::NEWEST + 1)] {
            let (_folder, path) = written(&[newer]);
            let told = Contents::open(&path).unwrap_err().to_string();
            assert!(told.contains("countertop 9.9.9") && told.contains("newer"), "{told}");
        }
    }

    #[test]
    fn what_says_of_itself_that_it_is_whole_must_be() {
        let nothing = Mark::End(Total { tables: 0, rows: 0 });
        let (_folder, path) = written(&[head(FORMAT, 1), nothing]);
        Contents::open(&path).unwrap().read_through().unwrap();
        let missing = Mark::End(Total { tables: 1, rows: 0 });
        for wrong in [vec![head(FORMAT, 1)], vec![head(FORMAT, 1), missing], vec![head(FORMAT, 1), Mark::End(Total::of(&[])), head(FORMAT, 1)]] {
            let (_folder, path) = written(&wrong);
            let told = Contents::open(&path).and_then(|mut contents| contents.read_through()).unwrap_err();
            assert!(matches!(told, BackupError::Damaged { .. }), "{told}");
        }
    }

    #[test]
    fn another_file_is_no_backup() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("other.gz");
        for text in ["", "x", "SQLite format 3, and a lot of it behind that, longer than any head of a part"] {
            std::fs::write(&path, text).unwrap();
            assert!(matches!(Contents::open(&path), Err(BackupError::Foreign(_))), "{text:?}");
        }
    }
}

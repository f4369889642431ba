//! What the rows of a table come to, in whatever order they are read: two
//! databases that hold the same rows have the same sums.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{BackupError, Result};
use crate::store::tables::{self, Table};
use crate::store::{Conn, StoreError};
use crate::text::hex;

/// How many rows a table has, and what they come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// The table.
    pub table: String,
    /// How many rows.
    pub rows: u64,
    /// The hashes of all rows, added up.
    pub hash: String,
}

/// A sum that grows.
#[derive(Debug, Default)]
pub(super) struct Tally {
    rows: u64,
    sum: [u8; 32],
}

impl Tally {
    /// Adds a row, as it stands in its line.
    pub(super) fn add(&mut self, line: &[u8]) {
        let hash: [u8; 32] = Sha256::digest(line).into();
        let mut carried = 0;
        for (byte, more) in self.sum.iter_mut().zip(hash) {
            let [low, high] = (u16::from(*byte) + u16::from(more) + carried).to_le_bytes();
            *byte = low;
            carried = u16::from(high);
        }
        self.rows += 1;
    }

    /// What was added.
    pub(super) fn of(&self, table: &str) -> Sum {
        Sum { table: table.to_owned(), rows: self.rows, hash: hex(&self.sum) }
    }
}

/// Reads a table, hands each row over as the line that it is in a backup, and
/// tells what they come to.
pub(super) async fn read(conn: &mut Conn, table: &Table, take: &mut (dyn FnMut(&[u8]) -> Result<()> + Send)) -> Result<Sum> {
    let mut tally = Tally::default();
    let mut line = Vec::new();
    tables::each_row::<BackupError>(conn, table, &mut |row| {
        line.clear();
        serde_json::to_writer(&mut line, row).map_err(|error| StoreError::Strange(error.to_string()))?;
        tally.add(&line);
        take(&line)
    })
    .await?;
    Ok(tally.of(&table.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(lines: &[&str]) -> Sum {
        let mut tally = Tally::default();
        for line in lines {
            tally.add(line.as_bytes());
        }
        tally.of("shop")
    }

    #[test]
    fn the_order_of_the_rows_does_not_count_and_all_else_does() {
        assert_eq!(sum(&["[1]", "[2]", "[3]"]), sum(&["[3]", "[1]", "[2]"]));
        assert_ne!(sum(&["[1]", "[2]"]), sum(&["[1]", "[3]"]));
        assert_ne!(sum(&["[1]", "[1]"]).hash, sum(&["[1]"]).hash);
        assert_ne!(sum(&["[1]", "[1]"]).hash, sum(&[]).hash);
    }
}

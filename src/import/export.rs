//! CSV out of the database, in pages, as the import takes it back (8.1, 8.3).
//!
//! May call [`crate::rules`] and [`crate::store`].

use std::io::Write;

use jiff::Timestamp;

use super::contacts::in_order;
use super::fields::guard;
use super::{ImportError, Kind, io_error};
use crate::rules::meter::{MeterKind, MeterName, Tenths};
use crate::store::Db;
use crate::store::export::{self, Export, Line};

/// Lines that are held at once.
const PAGE: i64 = 1_000;

/// Writes all records of a kind as CSV in UTF-8 and returns how many. Cells
/// that a spreadsheet would run as a formula get a `'` in front, which the
/// import takes away again. A customer stands there once per shop, a contact
/// once, at the first shop that has a number for its customer; without one it
/// stays out, for nothing would tell whose it is. Void readings stay out: they
/// never count, and CSV has no column to say so.
///
/// # Errors
/// When the database fails or `out` cannot be written.
pub async fn export(db: &Db, kind: Kind, out: &mut (dyn Write + Send)) -> Result<u64, ImportError> {
    let mut csv = csv::Writer::from_writer(out);
    csv.write_record(kind.columns()).map_err(|error| ImportError::Write(io_error(error)))?;
    let mut conn = db.read().await?;
    let mut after = (String::new(), String::new());
    let mut written = 0;
    loop {
        let page = export::page(&mut conn, lines_of(kind), (&after.0, &after.1), PAGE).await?;
        let Some(last) = page.last() else { break };
        after = (said(last, 0).to_owned(), said(last, 1).to_owned());
        for line in &page {
            let cells = kind.columns().iter().enumerate().map(|(place, column)| cell(kind, column, line, place + 2));
            csv.write_record(cells).map_err(|error| ImportError::Write(io_error(error)))?;
            written += 1;
        }
    }
    csv.flush().map_err(ImportError::Write)?;
    Ok(written)
}

const fn lines_of(kind: Kind) -> Export {
    match kind {
        Kind::Organizations => Export::ORGANIZATIONS,
        Kind::Shops => Export::SHOPS,
        Kind::Customers => Export::CUSTOMERS,
        Kind::Contacts => Export::CONTACTS,
        Kind::Assets => Export::ASSETS,
        Kind::Plates => Export::PLATES,
        Kind::Readings => Export::READINGS,
        Kind::ServiceRequests => Export::REQUESTS,
        Kind::Repairs => Export::REPAIRS,
    }
}

fn said(line: &Line, place: usize) -> &str {
    line.0.get(place).and_then(Option::as_deref).unwrap_or_default()
}

/// A cell as it stands in the CSV.
fn cell(kind: Kind, column: &str, line: &Line, place: usize) -> String {
    let stored = said(line, place);
    match (kind, column) {
        (Kind::Plates, "from" | "to") | (Kind::Readings, "read_at") | (Kind::ServiceRequests, "requested_at") | (Kind::Repairs, "found_at") => moment(stored),
        (Kind::Contacts, "roles") => in_order(stored),
        // The name of the meter stands before its value.
        (Kind::Readings, "value") => value(said(line, place - 1), stored),
        _ => guard(stored),
    }
}

fn moment(micros: &str) -> String {
    let moment = micros.parse::<i64>().ok().and_then(|micros| Timestamp::from_microsecond(micros).ok());
    moment.map_or_else(String::new, |moment| moment.to_string())
}

fn value(meter: &str, tenths: &str) -> String {
    let kind = meter.parse::<MeterName>().map_or(MeterKind::Cycles, |name| name.kind);
    tenths.parse::<i64>().map_or_else(|_| String::new(), |tenths| Tenths(tenths).plain(kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_written_as_the_import_reads_them() {
        let line = Line(["id", "", "CITY", "'=1", "odometer", "129030", "mi", "1774965900000000", "+hand"].map(|cell| Some(cell.to_owned())).to_vec());
        let cells: Vec<String> = Kind::Readings.columns().iter().enumerate().map(|(place, column)| cell(Kind::Readings, column, &line, place + 2)).collect();
        assert_eq!(cells, ["CITY", "''=1", "odometer", "12903", "mi", "2026-03-31T14:05:00Z", "'+hand"]);
    }
}

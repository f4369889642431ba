//! How fast customers are imported, beside reading the same file and doing
//! nothing with it: `cargo bench --bench import -- 100000`, the number being
//! that of customers. Judge by the ratios of a run, never by its absolute
//! numbers. The tests' PostgreSQL does not wait for its disk; SQLite does.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "counts are printed, and drawn by chance")]
#![allow(clippy::print_stdout, reason = "a benchmark")]

mod asked;
#[path = "peers/src/customers.rs"]
#[allow(dead_code, reason = "the peers use more of it")]
mod customers;
#[path = "../it/harness/postgres.rs"]
#[allow(dead_code, clippy::expect_used, clippy::panic, reason = "the tests' own, and they use more of it")]
mod postgres;
#[path = "peers/src/random.rs"]
mod random;
#[path = "peers/src/words.rs"]
mod words;

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use countertop::import::{Kind, Options, import};
use countertop::store::{Db, migrate};
use tempfile::TempDir;
use tokio::runtime::Builder;

use asked::Asked;
use customers::Customers;

const CUSTOMERS: u32 = 100_000;
const SEED: u64 = 1;
/// The shop of all of them.
const SHOP: &str = "WACO";

fn main() -> Result<()> {
    let Some(asked) = Asked::read() else { return Ok(()) };
    let files = Files::write(asked.customers(CUSTOMERS))?;
    println!("{} customers", files.count);
    println!("| what | rows a second | seconds a million | peak memory MiB | of its floor |\n|---|--:|--:|--:|--:|");
    let least = files.measured("floor: the file is read", None, || files.read())?;
    // One thread beside those of the import, as the program has it.
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let sqlite = format!("sqlite://{}", files.folder.path().join("import.db").display());
    files.measured("SQLite", Some(least), || runtime.block_on(files.import_into(&sqlite)))?;
    match postgres::server_if_there() {
        Ok(server) => {
            let name = runtime.block_on(server.create(None));
            files.measured("PostgreSQL", Some(least), || runtime.block_on(files.import_into(&server.address(&name))))?;
            if server.is_lent() {
                runtime.block_on(server.remove(&name));
            }
        }
        Err(sentence) => println!("\n{sentence}"),
    }
    Ok(())
}

/// What is imported.
struct Files {
    folder: TempDir,
    count: u32,
}

impl Files {
    fn write(count: u32) -> Result<Self> {
        let files = Self { folder: tempfile::tempdir()?, count };
        fs::write(files.shops(), format!("code,name,time_zone,country\n{SHOP},Waco,America/Chicago,US\n"))?;
        let mut file = BufWriter::new(File::create(files.customers())?);
        Customers::new(SEED, usize::try_from(count)?).write(&mut file, SHOP)?;
        file.flush()?;
        Ok(files)
    }

    fn shops(&self) -> PathBuf {
        self.folder.path().join("shops.csv")
    }

    fn customers(&self) -> PathBuf {
        self.folder.path().join("customers.csv")
    }

    /// Prints a row, and gives the seconds; takes those of its floor.
    fn measured(&self, what: &str, floor: Option<f64>, work: impl FnOnce() -> Result<Duration>) -> Result<f64> {
        forget_peak();
        let seconds = work()?.as_secs_f64();
        let rate = f64::from(self.count) / seconds;
        let ratio = floor.map(|floor| format!("{:.1}", seconds / floor)).unwrap_or_default();
        println!("| {what} | {rate:.0} | {:.2} | {:.0} | {ratio} |", 1e6 / rate, peak()?);
        Ok(seconds)
    }

    /// Looks at every cell once.
    fn read(&self) -> Result<Duration> {
        let begun = Instant::now();
        let mut reader = csv::Reader::from_path(self.customers())?;
        let (mut record, mut rows) = (csv::ByteRecord::new(), 0);
        while reader.read_byte_record(&mut record)? {
            rows += 1;
        }
        ensure!(rows == self.count, "{rows} rows were read");
        Ok(begun.elapsed())
    }

    /// Imports as `countertop import` does. The shop is there before.
    async fn import_into(&self, address: &str) -> Result<Duration> {
        let db = Db::open_to_load(address).await?;
        migrate::migrate(&db).await?;
        take(&db, Kind::Shops, &self.shops(), 1).await?;
        let begun = Instant::now();
        take(&db, Kind::Customers, &self.customers(), self.count).await?;
        db.close().await;
        Ok(begun.elapsed())
    }
}

async fn take(db: &Db, kind: Kind, file: &Path, count: u32) -> Result<()> {
    let report = import(db, kind, file, &Options::default(), &mut |_, _| {}).await?;
    let why = report.refused.first().map_or("", |refused| refused.reason.as_str());
    ensure!(report.added == u64::from(count), "{} of {count} {kind} were added. {why}", report.added);
    Ok(())
}

/// From here on [`peak`] is counted. A kernel that does not allow it counts from
/// the start of the run.
fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that this process had at once, in MiB.
fn peak() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the system does not tell the peak")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0)
}

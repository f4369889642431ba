//! `countertop import` and `countertop export`: CSV into the database and out
//! again.

use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::database::{self, DatabaseArgs};
use super::exit::{Exit, Failure, Outcome};
use super::output::{self, line, read_enough};
use super::runtime::wait;
use super::serve::watched;
use super::whole_file::WholeFile;
use crate::import::map::ColumnMap;
use crate::import::{self, ImportError, Kind, Options, Report};
use crate::store::{Db, contacts, customers};

/// How many refused rows are told on standard error.
const TOLD: usize = 20;

/// `countertop import KIND FILE`.
#[derive(Debug, clap::Args)]
pub(super) struct ImportArgs {
    /// What the rows are
    #[arg(value_name = "KIND", value_parser = kind())]
    kind: Kind,
    /// The CSV file
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What the file's columns mean
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// A value for a column where the file has none; may be given several times
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = column_and_value)]
    set: Vec<(String, String)>,
    /// Check everything and keep nothing
    #[arg(long)]
    dry_run: bool,
    /// Where to write the refused rows with their reasons
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Print the summary as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// `countertop export KIND`.
#[derive(Debug, clap::Args)]
pub(super) struct ExportArgs {
    /// What to write
    #[arg(value_name = "KIND", value_parser = kind())]
    kind: Kind,
    /// Where to write it; standard output unless said
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseArgs,
}

fn kind() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(Kind::ALL.map(Kind::name)).try_map(|name| Kind::named(&name).ok_or("no such kind"))
}

fn column_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((column, value)) if !column.trim().is_empty() => Ok((column.trim().to_owned(), value.to_owned())),
        _ => Err("write it as COLUMN=VALUE".to_owned()),
    }
}

/// Reads a file into the database.
pub(super) fn import(args: ImportArgs) -> Outcome {
    let (_, address) = args.database.setup(None)?;
    if let Some(rejects) = &args.rejects {
        database::refuse_own_file(&address, rejects)?;
        if args.map.as_deref().is_some_and(|map| import::is_same_file(map, rejects)) {
            return Err(Failure::new(Exit::Value, format!("{} is the map of this import: name another file", rejects.display())));
        }
    }
    let map = args.map.as_deref().map(ColumnMap::read).transpose().map_err(|error| Failure::from(ImportError::from(error)))?;
    let options = Options { map, set: args.set, dry_run: args.dry_run, rejects: args.rejects };
    let bar = bar(watched() && !args.json);
    let mut progress = |done: u64, of: u64| {
        bar.set_length(of);
        bar.set_position(done);
    };
    let imported = wait(read_in(&address, args.kind, &args.file, &options, &mut progress));
    bar.finish_and_clear();
    let report = imported?;
    if args.json {
        output::json(&document(&report))?;
    } else {
        output::say(&summary(&report, args.dry_run))?;
    }
    tell_refused(&report, options.rejects.as_deref());
    Ok(if report.refused_count == 0 { Exit::Done } else { Exit::Value })
}

async fn read_in(address: &str, kind: Kind, file: &Path, options: &Options, progress: &mut dyn FnMut(u64, u64)) -> Result<Report, Failure> {
    let db = database::open_to_load(address).await?;
    let report = import::import(&db, kind, file, options, progress).await;
    db.close().await;
    Ok(report?)
}

/// Shown to people only.
fn bar(shown: bool) -> ProgressBar {
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target);
    match ProgressStyle::with_template("{bar:40} {percent:>3} %  {bytes} of {total_bytes}  {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

fn document(report: &Report) -> serde_json::Value {
    let refusals: Vec<serde_json::Value> = report.refused.iter().map(|refused| json!({ "line": refused.line, "reason": refused.reason })).collect();
    json!({
        "read": report.read,
        "added": report.added,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "refused": report.refused_count,
        "refusals": refusals,
    })
}

fn summary(report: &Report, dry_run: bool) -> String {
    let kept = if dry_run { " (nothing was kept)" } else { "" };
    let Report { read, added, changed, unchanged, refused_count, .. } = report;
    format!("{read} rows read: {added} added, {changed} changed, {unchanged} unchanged, {refused_count} refused{kept}")
}

fn tell_refused(report: &Report, rejects: Option<&Path>) {
    for refused in report.refused.iter().take(TOLD) {
        output::note(&format!("line {}: {}", refused.line, line(&refused.reason)));
    }
    let more = report.refused_count.saturating_sub(TOLD as u64);
    match rejects {
        Some(file) if report.refused_count > 0 => output::note(&format!("The refused rows stand in {} with their reasons.", file.display())),
        None if more > 0 => output::note(&format!("{more} more were refused: --rejects FILE writes them all.")),
        _ => {}
    }
}

/// Writes records as CSV.
pub(super) fn export(args: &ExportArgs) -> Outcome {
    let (_, address) = args.database.setup(None)?;
    match args.out.as_deref().filter(|path| !is_standard_output(path)) {
        Some(path) => {
            let failed = |error: std::io::Error| Failure::failed(format!("{}: {error}", path.display()));
            database::refuse_own_file(&address, path)?;
            let mut out = WholeFile::create(path).map_err(failed)?;
            wait(write_out(&address, args.kind, &mut out))?;
            out.finish().map_err(failed)?;
        }
        None => {
            let mut out = BufWriter::new(std::io::stdout());
            wait(write_out(&address, args.kind, &mut out))?;
            read_enough(out.flush())?;
        }
    }
    Ok(Exit::Done)
}

/// Whether it is another name of standard output: where that goes into a file,
/// what stands in it before stays.
fn is_standard_output(path: &Path) -> bool {
    cfg!(unix) && ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
}

/// A business system may take an unknown number for a new customer, again and
/// again (S3-13).
async fn warn_of_unverified(db: &Db) -> Result<(), Failure> {
    let count = customers::count_unverified(&mut db.read().await?).await?;
    if count > 0 {
        let numbers = if count == 1 { "1 customer number was".to_owned() } else { format!("{count} customer numbers were") };
        output::note(&format!(
            "{numbers} never compared with the business system. Compare before it takes this file: of a number that it does not know it may make a second customer."
        ));
    }
    Ok(())
}

/// Nothing in a file would tell whose they are.
async fn warn_of_left_out(db: &Db) -> Result<(), Failure> {
    let count = contacts::count_without_number(&mut db.read().await?).await?;
    if count > 0 {
        output::note(&format!("{count} contacts are left out: their customers have no number at any shop."));
    }
    Ok(())
}

async fn write_out(address: &str, kind: Kind, out: &mut (dyn Write + Send)) -> Result<(), Failure> {
    let db = database::open_present_current(address).await?;
    match kind {
        Kind::Customers => warn_of_unverified(&db).await?,
        Kind::Contacts => warn_of_left_out(&db).await?,
        _ => {}
    }
    let written = import::export(&db, kind, out).await;
    db.close().await;
    match written {
        // Who closed the pipe has read enough.
        Err(ImportError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error.into()),
        Ok(_) => Ok(()),
    }
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Store(error) => error.into(),
            other => Self::failed(other.to_string()),
        }
    }
}

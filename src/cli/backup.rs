//! `countertop backup` and `countertop restore`: all of a database in one file,
//! and back again.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::database::{self, DatabaseArgs};
use super::doctor::masked;
use super::exit::{Exit, Failure, Outcome};
use super::output;
use super::runtime::wait;
use crate::backup::{self, Backup, BackupError, Restored};

/// `countertop backup FILE`.
#[derive(Debug, clap::Args)]
pub(super) struct BackupArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Make none: look whether this one is whole, and restore it into a database that goes away again
    #[arg(long, conflicts_with_all = ["overwrite", "database"])]
    check: bool,
    /// Write over a file of that name
    #[arg(long)]
    overwrite: bool,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// `countertop restore FILE`.
#[derive(Debug, clap::Args)]
pub(super) struct RestoreArgs {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace a database in a file, and keep the old file beside it
    #[arg(long)]
    replace: bool,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Makes a backup, or checks one.
pub(super) fn backup(args: &BackupArgs) -> Outcome {
    let (backup, done) = if args.check {
        (wait(async { Ok::<_, Failure>(backup::check(&args.file).await?) })?, "is whole and restores")
    } else {
        let (_, address) = args.database.setup(None)?;
        (wait(make(&address, &args.file, args.overwrite))?, "was written and read back")
    };
    if args.json {
        output::json(&document(&backup))?;
    } else {
        output::say(&format!("{}\n{} {done}.", in_words(&backup), backup.path.display()))?;
    }
    Ok(Exit::Done)
}

async fn make(address: &str, file: &Path, overwrite: bool) -> Result<Backup, Failure> {
    database::refuse_own_file(address, file)?;
    let db = database::open_present(address).await?;
    let made = backup::make(&db, file, overwrite).await;
    db.close().await;
    Ok(made?)
}

/// Makes a database of a backup; where, is said before anything is done there.
pub(super) fn restore(args: &RestoreArgs) -> Outcome {
    let (setup, address) = args.database.setup(None)?;
    if !args.json {
        let unnamed = if setup.config.server.database.is_none() { ", the usual place, for no other is named" } else { "" };
        output::note(&format!("Restoring {} into {}{unnamed}.", args.file.display(), masked(&address)));
    }
    database::make_folder(&address)?;
    let Restored { backup, set_aside } = wait(async { Ok::<_, Failure>(backup::restore(&args.file, &address, args.replace).await?) })?;
    let set_aside = set_aside.map(|path| path.display().to_string());
    if args.json {
        let mut told = document(&backup);
        told["set_aside"] = json!(set_aside);
        told["restored_into"] = json!(masked(&address));
        output::json(&told)?;
        return Ok(Exit::Done);
    }
    output::say(&format!("{}\nAll of it is in {} now.", in_words(&backup), masked(&address)))?;
    if let Some(path) = set_aside {
        output::say(&format!("The database that was there before is {path}."))?;
    }
    Ok(Exit::Done)
}

fn in_words(backup: &Backup) -> String {
    let (rows, tables, bytes) = (backup.rows(), backup.sums.len(), backup.bytes);
    let made_at = backup.head.made_at.strftime("%Y-%m-%d %H:%M:%S");
    format!("Made {made_at} UTC: {rows} rows of {tables} tables in {bytes} bytes, seal {}", backup.seal)
}

fn document(backup: &Backup) -> Value {
    let rows: serde_json::Map<String, Value> = backup.sums.iter().map(|sum| (sum.table.clone(), json!(sum.rows))).collect();
    let hashes: serde_json::Map<String, Value> = backup.sums.iter().map(|sum| (sum.table.clone(), json!(sum.hash))).collect();
    json!({
        "file": backup.path.display().to_string(),
        "bytes": backup.bytes,
        "seal": backup.seal,
        "made_at": backup.head.made_at,
        "schema": backup.head.schema,
        "database": backup.head.database,
        "program": backup.head.program,
        "lineage": backup.head.lineage,
        "rows": rows,
        "hashes": hashes,
    })
}

impl From<BackupError> for Failure {
    fn from(error: BackupError) -> Self {
        match error {
            BackupError::Store(error) => error.into(),
            other => Self::failed(other.to_string()),
        }
    }
}

//! Scheduled backups: one when it is due, checked that it restores, and the
//! oldest beyond the wanted number removed. One of all servers on a database
//! makes it. The work is done on a thread of its own, so that no request waits.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::connections::told_to_stop;
use super::health;
use crate::backup::{self, Backup, BackupError};
use crate::config::ServerSettings;
use crate::store::{At, Db, StoreError, backups};

/// A server that makes a backup has the turn for so long; it asks for more while
/// it works. One that died is followed by another then.
const TURN: Duration = Duration::from_hours(1);
/// After one that failed.
const AGAIN: Duration = Duration::from_mins(15);
/// The clock may have been set, and another server may have failed.
const LOOKED_AT_LEAST: Duration = Duration::from_hours(1);

/// What is ours in the folder begins and ends so.
const BEGINNING: &str = "countertop-";
const ENDING: &str = ".gz";
/// The last one that did not restore. One is enough to look into: with one each
/// quarter of an hour the disk would soon be full.
const USELESS: &str = "countertop.useless";
/// What a killed server left half-written is removed after so long.
const LEFT: Duration = Duration::from_hours(24);

/// Where backups go, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backups {
    /// The folder. It is not made: where a disk is missing, nothing is written in
    /// its place.
    pub folder: PathBuf,
    /// How often.
    pub every: Duration,
    /// How many stay.
    pub keep: usize,
}

impl Backups {
    /// As configured; none without a folder.
    #[must_use]
    pub fn from_settings(settings: &ServerSettings) -> Option<Self> {
        let folder = settings.backup_folder.as_ref()?.0.clone();
        Some(Self { folder, every: Duration::from_hours(u64::from(settings.backup_every)), keep: settings.backup_keep as usize })
    }
}

/// Makes backups until the server stops.
pub(super) async fn keep_backed_up(db: Db, plan: Backups, stopped: watch::Receiver<bool>) {
    health::count_failed_backups(0);
    loop {
        let rest = match when_due(&db, &plan, &stopped).await {
            Ok(rest) => rest,
            Err(error) => {
                tracing::warn!(cause = %error, "the database could not say whether a backup is due");
                AGAIN
            }
        };
        tokio::time::sleep(rest.min(LOOKED_AT_LEAST)).await;
    }
}

/// Makes one if it is due and no other server does. Tells how long there is
/// nothing to do.
async fn when_due(db: &Db, plan: &Backups, stopped: &watch::Receiver<bool>) -> Result<Duration, StoreError> {
    let mut conn = db.read().await?;
    let (due, checked) = (backups::due(&mut conn).await?, backups::checked(&mut conn).await?);
    drop(conn);
    if let Some(at) = checked {
        health::note_checked_backup(at);
    }
    let now = At::now();
    // Beyond what anybody sets it to, a clock was wrong.
    if due > now && due <= later(later(now, plan.every), TURN) {
        return Ok(Duration::from_micros(u64::try_from(due.micros() - now.micros()).unwrap_or(0)));
    }
    let mut conn = db.write().await?;
    let ours = backups::take(&mut conn, due, later(now, TURN)).await?;
    conn.commit().await?;
    if !ours {
        return Ok(Duration::from_secs(1));
    }
    let made = work(db, plan, stopped).await;
    let mut conn = db.write().await?;
    let rest = match made {
        Ok(backup) => {
            tracing::info!(file = %backup.path.display(), rows = backup.rows(), bytes = backup.bytes, seal = %backup.seal, "a backup was made, and it restores");
            backups::note_checked(&mut conn, At(backup.head.made_at)).await?;
            health::note_checked_backup(At(backup.head.made_at));
            backups::put_off(&mut conn, later(now, plan.every)).await?;
            Duration::from_secs(1)
        }
        Err(cause) => {
            tracing::error!(%cause, "no backup was made; trying again in a quarter of an hour");
            health::count_failed_backups(1);
            backups::put_off(&mut conn, later(At::now(), AGAIN)).await?;
            AGAIN
        }
    };
    conn.commit().await?;
    Ok(rest)
}

fn later(at: At, by: Duration) -> At {
    At::from_micros(at.micros().saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX)))
}

/// Does the work on a thread of its own and keeps the turn meanwhile.
async fn work(db: &Db, plan: &Backups, stopped: &watch::Receiver<bool>) -> Result<Backup, String> {
    let (handle, to_back_up, to_plan, told) = (Handle::current(), db.clone(), plan.clone(), stopped.clone());
    let mut working = tokio::task::spawn_blocking(move || {
        handle.block_on(async {
            tokio::select! {
                made = one(&to_back_up, &to_plan) => made.map_err(|error| error.to_string()),
                () = told_to_stop(told) => Err("the server stops".to_owned()),
            }
        })
    });
    loop {
        tokio::select! {
            made = &mut working => return made.unwrap_or_else(|error| Err(error.to_string())),
            () = tokio::time::sleep(TURN / 4) => {
                if let Err(error) = keep_turn(db).await {
                    tracing::warn!(cause = %error, "a backup takes long, and another server may begin one too");
                }
            }
        }
    }
}

async fn keep_turn(db: &Db) -> Result<(), StoreError> {
    let mut conn = db.write().await?;
    backups::put_off(&mut conn, later(At::now(), TURN)).await?;
    conn.commit().await
}

/// Makes one, restores it to see whether that can be done, and tidies up.
async fn one(db: &Db, plan: &Backups) -> Result<Backup, BackupError> {
    // Before: what was left may be why there is no room for another.
    tidied(plan, remove_left(&plan.folder));
    let path = plan.folder.join(format!("{BEGINNING}{}{ENDING}", Timestamp::now().strftime("%Y%m%d-%H%M%S")));
    backup::make(db, &path, false).await?;
    let checked = backup::check(&path).await;
    if checked.is_err() {
        // Not under a name that somebody would trust.
        let _ = std::fs::rename(&path, plan.folder.join(USELESS));
        return checked;
    }
    tidied(plan, remove_oldest(plan));
    checked
}

fn tidied(plan: &Backups, tidied: std::io::Result<()>) {
    if let Err(error) = tidied {
        tracing::warn!(cause = %error, folder = %plan.folder.display(), "old backups could not be removed");
    }
}

/// Removes the oldest beyond the wanted number. The time is in the names: they
/// sort by it.
fn remove_oldest(plan: &Backups) -> std::io::Result<()> {
    let mut ours = named(&plan.folder, |name| name.starts_with(BEGINNING) && name.ends_with(ENDING))?;
    ours.sort();
    ours.truncate(ours.len().saturating_sub(plan.keep));
    ours.iter().try_for_each(std::fs::remove_file)
}

/// Removes what was never finished.
fn remove_left(folder: &Path) -> std::io::Result<()> {
    let unfinished = named(folder, |name| backup::is_unfinished(name) && name.contains(BEGINNING))?;
    unfinished.iter().filter(|path| is_left(path)).try_for_each(std::fs::remove_file)
}

/// The files in a folder of such names.
fn named(folder: &Path, is_wanted: impl Fn(&str) -> bool) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().and_then(|name| name.to_str()).is_some_and(&is_wanted) {
            found.push(path);
        }
    }
    Ok(found)
}

fn is_left(path: &Path) -> bool {
    let changed = std::fs::metadata(path).and_then(|file| file.modified());
    changed.is_ok_and(|at| SystemTime::now().duration_since(at).is_ok_and(|age| age > LEFT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::migrate;

    #[test]
    fn the_oldest_go_and_what_is_not_ours_stays() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["countertop-20260101-000000.gz", "countertop-20260102-000000.gz", "countertop-20260103-000000.gz", "accounts.gz"];
        for name in names {
            std::fs::write(folder.path().join(name), "x").unwrap();
        }
        remove_oldest(&Backups { folder: folder.path().to_owned(), every: TURN, keep: 2 }).unwrap();
        let left = names.map(|name| folder.path().join(name).exists());
        assert_eq!(left, [false, true, true, true]);
    }

    #[tokio::test]
    async fn where_the_folder_is_gone_none_is_made_in_its_place() {
        let home = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}", home.path().join("counter.db").display())).await.unwrap();
        migrate::migrate(&db).await.unwrap();
        let plan = Backups { folder: home.path().join("gone"), every: TURN, keep: 2 };
        assert!(matches!(one(&db, &plan).await, Err(BackupError::File { .. })));
        assert!(!plan.folder.exists());
        db.close().await;
    }

    /// The files in a folder beside the database.
    fn beside(folder: &Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.filter(|name| !name.starts_with("counter.db")).collect();
        names.sort();
        names
    }

    #[tokio::test]
    async fn of_those_that_do_not_restore_one_stays_and_what_was_left_goes_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}", folder.path().join("counter.db").display())).await.unwrap();
        migrate::migrate(&db).await.unwrap();
        let Db::Sqlite { write, .. } = &db else { panic!("it is a file") };
        // Of an asset that is not there: no restore takes it.
        let repair = "PRAGMA foreign_keys = OFF; INSERT INTO repair (id, asset_id, state, description, found_at) VALUES ('1', 'none', 'open', 'Leaks', 0)";
        sqlx::raw_sql(repair).execute(write).await.unwrap();
        let left = folder.path().join(".countertop-20260101-000000.gz.0.part");
        let long_ago = SystemTime::now() - 2 * LEFT;
        std::fs::File::create(&left).unwrap().set_modified(long_ago).unwrap();
        let plan = Backups { folder: folder.path().to_owned(), every: TURN, keep: 2 };
        for _ in 0..2 {
            one(&db, &plan).await.unwrap_err();
            assert_eq!(beside(folder.path()), [USELESS]);
        }
        db.close().await;
    }
}

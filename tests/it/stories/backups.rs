//! Backups: made while others write, restored on either database, whole or not
//! at all. `COUNTERTOP_TRIES` makes the dice roll more often (1,000 flipped
//! bytes: `COUNTERTOP_TRIES=1000 cargo test --test it backups::`), and
//! `COUNTERTOP_SEED` makes them fall as they did.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use countertop::backup::{self, Backup, BackupError};
use countertop::server::{Arrangements, Backups};
use countertop::store::{Db, DbKind, StoreError, audit, backups, migrate, settings};
use serde_json::json;
use tempfile::TempDir;

use crate::dice::{self, Dice};
use crate::harness::rows::change;
use crate::harness::{Caller, Empty};
use crate::terminal::screen::own_folders;

/// How often something is tried by chance.
fn tries(unless_said: usize) -> usize {
    dice::times("COUNTERTOP_TRIES", unless_said)
}

fn folder_and_file() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("dealer.gz");
    (folder, file)
}

/// What a database holds, as a backup of it says.
async fn held(address: &str) -> Backup {
    let (_folder, file) = folder_and_file();
    let db = Db::open(address).await.unwrap();
    let made = backup::make(&db, &file, false).await.unwrap();
    db.close().await;
    made
}

/// Creates customers until told to stop, and tells how many were acknowledged.
async fn create_until(counter: Caller, stop: Arc<AtomicBool>) -> usize {
    let mut created = 0;
    while !stop.load(Ordering::Relaxed) {
        let sent = json!({ "name": format!("Busy {created}"), "number": format!("BUSY-{created}"), "confirm_duplicate": true });
        let (status, answer) = counter.post("/v1/customers", sent).await;
        assert_eq!(status, 201, "{answer}");
        created += 1;
    }
    created
}

fn other(kind: DbKind) -> DbKind {
    match kind {
        DbKind::Sqlite => DbKind::Postgres,
        DbKind::Postgres => DbKind::Sqlite,
    }
}

on_both_databases! {
    async fn t8_a_backup_made_while_others_write_comes_back_as_it_was(w: World) {
        let counter = w.sign_in("counter").await;
        let (status, before) = counter.post("/v1/customers", json!({ "name": "Acknowledged Before", "number": "BEFORE-1" })).await;
        assert_eq!(status, 201, "{before}");
        let stop = Arc::new(AtomicBool::new(false));
        let busy = tokio::spawn(create_until(counter.clone(), Arc::clone(&stop)));
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (_folder, file) = folder_and_file();
        let made = backup::make(&w.app.db, &file, false).await.unwrap();
        stop.store(true, Ordering::Relaxed);
        assert!(busy.await.unwrap() > 0, "somebody wrote");
        assert_eq!(backup::check(&file).await.unwrap(), made, "it is whole and restores");
        for kind in [w.app.db.kind(), other(w.app.db.kind())] {
            let empty = Empty::of(kind).await;
            let restored = backup::restore(&file, &empty.address, false).await.unwrap();
            assert_eq!(restored.backup, made);
            assert_eq!(held(&empty.address).await.sums, made.sums, "row for row");
            let db = Db::open(&empty.address).await.unwrap();
            audit::verify(&mut db.read().await.unwrap()).await.unwrap().expect("the audit is whole");
            let there = w.beside_by(db.clone(), Arrangements::default()).await;
            let again = there.sign_in("counter").await;
            let found = again.find("/v1/customers", &[("q", "acknowledged before")]).await.1;
            assert_eq!(found["items"][0]["name"], "Acknowledged Before");
            // What counts up goes on behind what was restored.
            let (status, answer) = again.post("/v1/customers", json!({ "name": "Written Afterwards", "number": "AFTER-1" })).await;
            assert_eq!(status, 201, "{answer}");
            assert_eq!(again.find("/v1/customers", &[("q", "written afterwards")]).await.1["total"], 1);
            let session = counter.get("/v1/session").await.1;
            assert_ne!(session["lineage"], again.get("/v1/session").await.1["lineage"], "one can tell that it is another database");
            assert_eq!(session["lineage"], json!(made.head.lineage));
            assert_eq!(there.joined_by(&counter).get("/v1/session").await.0, 401, "no session comes alive again");
            drop(there);
            empty.remove().await;
        }
    }

    async fn a_restore_that_loses_a_row_or_changes_a_field_would_be_found(w: World) {
        let (_folder, file) = folder_and_file();
        let made = backup::make(&w.app.db, &file, false).await.unwrap();
        for slip in ["DELETE FROM plate WHERE id = (SELECT min(id) FROM plate)", "UPDATE customer SET city = 'Wako' WHERE name = 'Keller Bau GmbH'"] {
            let target = Empty::of(w.app.db.kind()).await;
            backup::restore(&file, &target.address, false).await.unwrap();
            assert_eq!(held(&target.address).await.sums, made.sums);
            let db = Db::open(&target.address).await.unwrap();
            assert_eq!(change(&db, slip, &[]).await, 1);
            db.close().await;
            assert_ne!(held(&target.address).await.sums, made.sums, "{slip}");
            target.remove().await;
        }
    }

    async fn t8_every_changed_byte_is_found(w: World) {
        let (_folder, file) = folder_and_file();
        backup::make(&w.app.db, &file, false).await.unwrap();
        let whole = std::fs::read(&file).unwrap();
        let mut dice = Dice::new("every changed byte is found");
        let found = |bytes: &[u8], what: String| {
            std::fs::write(&file, bytes).unwrap();
            match backup::read_through(&file) {
                Err(BackupError::Damaged { .. } | BackupError::Foreign(_)) => {}
                other => panic!("{what} was not found: {other:?}"),
            }
        };
        // The whole head of the first part, then anywhere.
        let anywhere: Vec<usize> = (0..tries(300)).map(|_| dice.place(whole.len())).collect();
        for at in (0..64).chain(anywhere) {
            let mut bytes = whole.clone();
            let change = u8::try_from(dice.place(255) + 1).unwrap();
            bytes[at] ^= change;
            found(&bytes, format!("byte {at} changed by {change:#x}"));
        }
        for _ in 0..tries(300) / 10 {
            let end = dice.place(whole.len());
            found(&whole[..end], format!("an end at {end} of {}", whole.len()));
        }
        found(&[whole.as_slice(), b"x"].concat(), "a byte more".to_owned());
        found(&[whole.as_slice(), &whole].concat(), "the same once more".to_owned());
        std::fs::write(&file, &whole).unwrap();
        backup::read_through(&file).unwrap();
    }

    async fn a_database_that_is_not_empty_is_left_as_it_is(w: World) {
        let (_folder, file) = folder_and_file();
        let made = backup::make(&w.app.db, &file, false).await.unwrap();
        assert!(matches!(backup::make(&w.app.db, &file, false).await, Err(BackupError::Exists(_))), "no backup is written over by mistake");
        backup::make(&w.app.db, &file, true).await.unwrap();
        let target = Empty::of(w.app.db.kind()).await;
        backup::restore(&file, &target.address, false).await.unwrap();
        let before = held(&target.address).await;
        assert!(matches!(backup::restore(&file, &target.address, false).await, Err(BackupError::NotEmpty(..))));
        assert_eq!(held(&target.address).await.sums, before.sums);
        match target.file() {
            Some(path) => {
                let open = Db::open(&target.address).await.unwrap();
                settings::get(&mut open.read().await.unwrap(), settings::DEMO).await.unwrap();
                assert!(matches!(backup::restore(&file, &target.address, true).await, Err(BackupError::InUse(_))), "a server would go on with the old file");
                open.close().await;
                let restored = backup::restore(&file, &target.address, true).await.unwrap();
                let aside = restored.set_aside.expect("the old one is kept");
                assert_eq!(held(&format!("sqlite://{}", aside.display())).await.head.lineage, before.head.lineage);
                assert_ne!(held(&target.address).await.head.lineage, before.head.lineage);
                assert_eq!(mode(&path), 0o600);
            }
            None => assert!(matches!(backup::restore(&file, &target.address, true).await, Err(BackupError::NotEmpty(..))), "a server's database is not replaced"),
        }
        assert_eq!(mode(&file), 0o600);
        assert_eq!(backup::read_through(&file).unwrap().sums, made.sums);
        target.remove().await;
    }

    async fn an_older_backup_is_brought_to_this_version_and_an_empty_database_too(w: World) {
        let old = Empty::of(w.app.db.kind()).await;
        let db = Db::open(&old.address).await.unwrap();
        let mut conn = db.write().await.unwrap();
        migrate::bring_to(&mut conn, 1).await.unwrap();
        settings::set(&mut conn, settings::DEFAULT_COUNTRY, "DE").await.unwrap();
        conn.commit().await.unwrap();
        let (_folder, file) = folder_and_file();
        let made = backup::make(&db, &file, false).await.unwrap();
        db.close().await;
        assert_eq!(made.head.schema, 1);
        // Migrated already, and further than the backup.
        let target = Empty::of(w.app.db.kind()).await;
        let db = Db::open(&target.address).await.unwrap();
        migrate::migrate(&db).await.unwrap();
        db.close().await;
        backup::restore(&file, &target.address, false).await.unwrap();
        let now = held(&target.address).await;
        assert_eq!(now.head.schema, migrate::NEWEST);
        let db = Db::open(&target.address).await.unwrap();
        assert_eq!(settings::default_country(&mut db.read().await.unwrap()).await.unwrap(), "DE");
        assert_eq!(migrate::migrate(&db).await.unwrap(), 0);
        db.close().await;
        old.remove().await;
        target.remove().await;
    }

    async fn a_restore_that_is_killed_leaves_nothing_half_done(w: World) {
        let (_folder, file) = folder_and_file();
        let made = backup::make(&w.app.db, &file, false).await.unwrap();
        let mut dice = Dice::new("a restore that is killed");
        for _ in 0..tries(8) {
            let target = Empty::of(w.app.db.kind()).await;
            let mut restoring = Command::new(env!("CARGO_BIN_EXE_countertop"))
                .args(["restore", file.to_str().unwrap(), "--database", &target.address])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            std::thread::sleep(Duration::from_millis(dice.place(400) as u64));
            let _ = restoring.kill();
            restoring.wait().unwrap();
            // The server of a connection that died may be about to commit.
            match backup::restore(&file, &target.address, false).await {
                Ok(_) => {}
                Err(BackupError::NotEmpty(..)) => assert_eq!(held(&target.address).await.sums, made.sums, "it was done before it was killed"),
                Err(error) => panic!("{error}"),
            }
            assert_eq!(held(&target.address).await.sums, made.sums);
            target.remove().await;
        }
    }

    async fn whoever_names_no_database_reads_into_which_one_it_goes_and_none_is_written_over(w: World) {
        let (folder, file) = folder_and_file();
        backup::make(&w.app.db, &file, false).await.unwrap();
        let restore = |more: &[&str]| {
            let mut verb = Command::new(env!("CARGO_BIN_EXE_countertop"));
            verb.arg("restore").arg(&file).args(more).env_remove("COUNTERTOP_DATABASE").envs(own_folders(folder.path()));
            let done = verb.output().unwrap();
            (done.status.success(), String::from_utf8_lossy(&done.stderr).into_owned(), String::from_utf8_lossy(&done.stdout).into_owned())
        };
        let (done, told, _) = restore(&[]);
        let usual = format!("into sqlite://{}", folder.path().join("data").display());
        assert!(done && told.starts_with("Restoring ") && told.contains(&usual) && told.contains("the usual place"), "{told}");
        let (done, told, _) = restore(&[]);
        let said = [usual.as_str(), "not empty", "--replace"].map(|part| told.find(part).unwrap_or_else(|| panic!("no {part:?} in {told}")));
        assert!(!done && said.is_sorted(), "where, and then why not: {told}");
        let (done, _, told) = restore(&["--replace", "--json"]);
        let told: serde_json::Value = serde_json::from_str(&told).unwrap();
        assert!(done && told["restored_into"].as_str().unwrap().contains("countertop.db") && told["set_aside"].is_string(), "{told}");
    }

    async fn servers_take_turns_with_scheduled_backups(w: World) {
        let folder = tempfile::tempdir().unwrap();
        let plan = Backups { folder: folder.path().to_owned(), every: Duration::from_hours(1), keep: 2 };
        let arranged = || Arrangements { backups: Some(plan.clone()), ..Arrangements::default() };
        let (one, _another) = (w.beside(arranged()).await, w.beside(arranged()).await);
        let patience = Instant::now() + Duration::from_mins(2);
        while backups::checked(&mut w.app.db.read().await.unwrap()).await.unwrap().is_none() {
            assert!(Instant::now() < patience, "no backup was made");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
        let files = files_in(folder.path());
        assert_eq!(files.len(), 1, "one of them made it: {files:?}");
        backup::read_through(&files[0]).unwrap();
        let figures = one.stranger().send("GET", "/metrics", &[], None).await.text;
        assert!(figures.contains("countertop_backup_checked_timestamp_seconds ") && figures.contains("countertop_backup_failures_total "), "{figures}");
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn mode(file: &Path) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(file).unwrap().permissions()) & 0o777
}

#[tokio::test]
async fn a_file_that_is_no_database_of_ours_is_left_alone_and_a_broken_one_can_be_replaced() {
    let w = Empty::of(DbKind::Sqlite).await;
    let db = Db::open(&w.address).await.unwrap();
    migrate::migrate(&db).await.unwrap();
    let (_folder, kept) = folder_and_file();
    backup::make(&db, &kept, false).await.unwrap();
    db.close().await;
    let target = Empty::of(DbKind::Sqlite).await;
    let path = target.file().unwrap();
    let foreign = Db::open(&target.address).await.unwrap();
    let Db::Sqlite { write, .. } = &foreign else { panic!("it is a file") };
    sqlx::query("CREATE TABLE somebody_elses (name TEXT)").execute(write).await.unwrap();
    assert!(matches!(backup::make(&foreign, &path.with_extension("gz"), false).await, Err(BackupError::NoSchema)));
    foreign.close().await;
    assert!(matches!(backup::restore(&kept, &target.address, false).await, Err(BackupError::NotEmpty(..))));
    std::fs::write(&path, "not a database, and long enough to be taken for the beginning of one".repeat(100)).unwrap();
    std::fs::write(path.with_extension("db-wal"), "an old log").unwrap();
    backup::restore(&kept, &target.address, false).await.unwrap_err();
    let restored = backup::restore(&kept, &target.address, true).await.unwrap();
    assert!(std::fs::read_to_string(restored.set_aside.unwrap()).unwrap().starts_with("not a database"));
    assert_eq!(held(&target.address).await.sums, backup::read_through(&kept).unwrap().sums);
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_in_words() {
    let target = Empty::of(DbKind::Sqlite).await;
    let db = Db::open(&target.address).await.unwrap();
    migrate::migrate(&db).await.unwrap();
    let Db::Sqlite { write, .. } = &db else { panic!("it is a file") };
    sqlx::query("INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (999, 'later', TRUE, x'00', 0)")
        .execute(write)
        .await
        .unwrap();
    let refused = migrate::migrate(&db).await.unwrap_err();
    assert!(matches!(refused, StoreError::Newer { database: 999, .. }) && refused.to_string().contains("newer (schema 999)"), "{refused}");
    let (_folder, file) = folder_and_file();
    assert!(matches!(backup::make(&db, &file, false).await, Err(BackupError::Store(StoreError::Newer { .. }))));
    assert!(files_in(file.parent().unwrap()).is_empty(), "nothing half-written stays");
    db.close().await;
    for verb in ["migrate", "serve"] {
        let output = Command::new(env!("CARGO_BIN_EXE_countertop")).args([verb, "--database", &target.address]).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains("use the newer program"), "{verb}: {told}");
    }
}

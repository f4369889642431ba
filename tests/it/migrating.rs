//! Migrations: one program at a time, and whoever is killed on the way leaves
//! nothing behind (T7); and a new database has no account that anybody knows.
//! `COUNTERTOP_TRIES` and `COUNTERTOP_SEED` as in `stories/backups.rs`.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countertop::server::{Arrangements, Transport, serve};
use countertop::store::{Db, DbKind, migrate, settings};
use serde_json::json;

use crate::dice::{self, Dice};
use crate::harness::rows::rows;
use crate::harness::{Caller, Empty, refused};

fn migrating(address: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_countertop"));
    command.args(["migrate", "--database", address]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// How a migration ended that was left alone: what it told if it failed.
fn told(child: Child) -> Result<(), String> {
    let output = child.wait_with_output().unwrap();
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
}

async fn several_at_once(kind: DbKind) {
    for _ in 0..3 {
        let target = Empty::of(kind).await;
        let children: Vec<Child> = (0..6).map(|_| migrating(&target.address)).collect();
        for child in children {
            assert_eq!(told(child), Ok(()));
        }
        target.remove().await;
    }
}

async fn killed_on_the_way(kind: DbKind) {
    let mut dice = Dice::new("a migration that is killed");
    for _ in 0..dice::times("COUNTERTOP_TRIES", 10) {
        let target = Empty::of(kind).await;
        for _ in 0..3 {
            let mut child = migrating(&target.address);
            std::thread::sleep(Duration::from_millis(dice.place(150) as u64));
            let _ = child.kill();
            child.wait().unwrap();
        }
        assert_eq!(told(migrating(&target.address)), Ok(()));
        let db = Db::open(&target.address).await.unwrap();
        let mut conn = db.read().await.unwrap();
        assert_eq!(migrate::schema(&mut conn).await.unwrap(), Some(migrate::NEWEST));
        assert!(settings::lineage(&mut conn).await.unwrap().is_some());
        drop(conn);
        db.close().await;
        target.remove().await;
    }
}

#[tokio::test]
async fn t7_several_programs_migrate_a_file_at_once() {
    several_at_once(DbKind::Sqlite).await;
}

#[tokio::test]
async fn t7_several_programs_migrate_a_servers_database_at_once() {
    several_at_once(DbKind::Postgres).await;
}

#[tokio::test]
async fn t7_a_killed_migration_of_a_file_is_done_again() {
    killed_on_the_way(DbKind::Sqlite).await;
}

#[tokio::test]
async fn t7_a_killed_migration_of_a_servers_database_is_done_again() {
    killed_on_the_way(DbKind::Postgres).await;
}

#[tokio::test]
async fn a_new_database_has_no_account() {
    for kind in [DbKind::Sqlite, DbKind::Postgres] {
        let target = Empty::of(kind).await;
        let db = Db::open(&target.address).await.unwrap();
        let running = serve(db.clone(), SocketAddr::from(([127, 0, 0, 1], 0)), Transport::Plain, Arrangements::default()).await.unwrap();
        let accounts: Vec<(i64,)> = rows(&db, "SELECT COUNT(*) FROM user_account").await;
        assert_eq!(accounts, [(0,)]);
        let stranger = Caller::of(&running.url());
        for (username, password) in [("admin", "admin"), ("admin", "demo"), ("counter", "demo"), ("root", ""), ("countertop", "countertop")] {
            refused(&stranger.post("/v1/sessions", json!({ "username": username, "password": password })).await, 401, "session.refused");
        }
        running.stop().await.unwrap();
        target.remove().await;
    }
}

#[tokio::test]
async fn t7_every_step_can_be_the_last_one_that_was_done() {
    for kind in [DbKind::Sqlite, DbKind::Postgres] {
        for last in 0..=migrate::NEWEST {
            let target = Empty::of(kind).await;
            let db = Db::open(&target.address).await.unwrap();
            let mut conn = db.write().await.unwrap();
            migrate::bring_to(&mut conn, last).await.unwrap();
            conn.commit().await.unwrap();
            // The next step, taken back as a kill would.
            let mut conn = db.write().await.unwrap();
            migrate::bring_to(&mut conn, last + 1).await.unwrap();
            drop(conn);
            assert_eq!(migrate::migrate(&db).await.unwrap(), usize::try_from(migrate::NEWEST - last).unwrap());
            db.close().await;
            target.remove().await;
        }
    }
}

#[tokio::test]
async fn t7_whoever_comes_second_waits_however_long_the_first_takes() {
    let target = Empty::of(DbKind::Postgres).await;
    let (first, second) = (Db::open(&target.address).await.unwrap(), Db::open(&target.address).await.unwrap());
    let mut conn = first.write().await.unwrap();
    migrate::lock(&mut conn).await.unwrap();
    let waiting = tokio::spawn({
        let second = second.clone();
        async move { migrate::migrate(&second).await }
    });
    // Longer than a request waits for somebody else.
    tokio::time::sleep(Duration::from_secs(7)).await;
    assert!(!waiting.is_finished(), "it waits");
    migrate::bring_to(&mut conn, migrate::NEWEST).await.unwrap();
    conn.commit().await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap(), 0, "the first one did it");
    first.close().await;
    second.close().await;
    target.remove().await;
}

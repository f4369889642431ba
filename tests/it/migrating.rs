//! Migrations: one program at a time, and whoever is killed on the way leaves
//! nothing behind (T7); and a new database has no account that anybody knows.
//! `COUNTERTOP_TRIES` and `COUNTERTOP_SEED` as in `stories/backups.rs`.

use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use countertop::server::{Arrangements, Transport, serve};
use countertop::store::{Db, DbKind, migrate, settings};
use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::dice::{self, Dice};
use crate::harness::rows::{change, rows};
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

/// Six migrate a database at once: what those tell who did not come through.
fn at_once(address: &str) -> Vec<String> {
    let children: Vec<Child> = (0..6).map(|_| migrating(address)).collect();
    children.into_iter().filter_map(|child| told(child).err()).collect()
}

async fn several_at_once(kind: DbKind) {
    for _ in 0..3 {
        let target = Empty::of(kind).await;
        assert_eq!(at_once(&target.address), Vec::<String>::new());
        target.remove().await;
    }
}

/// All that a database is made of, but its rows.
async fn made_of(db: &Db) -> Vec<String> {
    let sql = match db.kind() {
        DbKind::Sqlite => "SELECT type || ' ' || name || ' ' || COALESCE(sql, '') FROM sqlite_schema ORDER BY 1",
        DbKind::Postgres => {
            "SELECT 'column ' || table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns WHERE table_schema = 'public' \
                UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public' \
                UNION ALL SELECT 'trigger ' || tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
        }
    };
    rows::<(String,)>(db, sql).await.into_iter().map(|(text,)| text).collect()
}

/// What a database is made of where nobody was killed.
async fn undisturbed(kind: DbKind) -> Vec<String> {
    let target = Empty::of(kind).await;
    assert_eq!(told(migrating(&target.address)), Ok(()));
    let db = Db::open(&target.address).await.unwrap();
    let made = made_of(&db).await;
    db.close().await;
    target.remove().await;
    made
}

/// Whether the next program does what others left, and all of it is there then.
async fn comes_right(address: &str, undisturbed: &[String]) -> Result<(), String> {
    told(migrating(address))?;
    let db = Db::open(address).await.unwrap();
    let mut conn = db.read().await.unwrap();
    let (schema, lineage) = (migrate::schema(&mut conn).await.unwrap(), settings::lineage(&mut conn).await.unwrap());
    drop(conn);
    let made = made_of(&db).await;
    db.close().await;
    if schema != Some(migrate::NEWEST) || lineage.is_none() {
        return Err(format!("it is of schema {schema:?} and named {lineage:?}"));
    }
    let (missing, more): (Vec<_>, Vec<_>) =
        (undisturbed.iter().filter(|part| !made.contains(part)).collect(), made.iter().filter(|part| !undisturbed.contains(part)).collect());
    if missing.is_empty() && more.is_empty() { Ok(()) } else { Err(format!("missing: {missing:?}; more: {more:?}")) }
}

async fn killed_on_the_way(kind: DbKind) {
    let mut dice = Dice::new("a migration that is killed");
    let undisturbed = undisturbed(kind).await;
    for _ in 0..dice::times("COUNTERTOP_TRIES", 10) {
        let target = Empty::of(kind).await;
        for _ in 0..3 {
            let mut child = migrating(&target.address);
            std::thread::sleep(Duration::from_millis(dice.place(150) as u64));
            let _ = child.kill();
            child.wait().unwrap();
        }
        assert_eq!(comes_right(&target.address, &undisturbed).await, Ok(()));
        target.remove().await;
    }
}

/// What a program leaves that migrates without a transaction and is killed after
/// so many statements.
async fn leaves_by_half(db: &Db, statements: usize) {
    let first = include_str!("../../assets/migrations/0001_core.sql").replace("{{text}}", "TEXT");
    for statement in first.split(";\n").take(statements) {
        let statement = sqlx::raw_sql(AssertSqlSafe(statement.to_owned()));
        match db {
            Db::Sqlite { write, .. } => statement.execute(write).await.map(drop).unwrap(),
            Db::Postgres(lines) => statement.execute(lines.pool()).await.map(drop).unwrap(),
        }
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
async fn programs_that_do_not_wait_for_one_another_would_be_found() {
    let target = Empty::of(DbKind::Postgres).await;
    let db = Db::open(&target.address).await.unwrap();
    // A lock that holds nobody: all are there before the first one is done.
    for words in [
        "CREATE FUNCTION public.pg_advisory_xact_lock(bigint) RETURNS void LANGUAGE sql AS 'SELECT pg_sleep(1)'",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = public, pg_catalog', current_database()); END $$",
    ] {
        change(&db, words, &[]).await;
    }
    db.close().await;
    assert!(!at_once(&target.address).is_empty(), "all came through");
    target.remove().await;
}

#[tokio::test]
async fn a_migration_that_is_left_half_done_would_be_found() {
    for kind in [DbKind::Sqlite, DbKind::Postgres] {
        let undisturbed = undisturbed(kind).await;
        // Done in part and noted nowhere; noted, and not all of it done.
        for (statements, words) in [(1, "already exists"), (7, "already exists"), (0, "customer_phone")] {
            let target = Empty::of(kind).await;
            let db = Db::open(&target.address).await.unwrap();
            leaves_by_half(&db, statements).await;
            if statements == 0 {
                migrate::migrate(&db).await.unwrap();
                change(&db, "DROP INDEX customer_phone", &[]).await;
            }
            db.close().await;
            let found = comes_right(&target.address, &undisturbed).await.unwrap_err();
            assert!(found.contains(words), "{found}");
            target.remove().await;
        }
    }
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

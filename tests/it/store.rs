//! Every SQL text of `store`, on both databases: each is understood, takes as
//! many values as it says, and says nothing that only one of them knows.

use std::collections::BTreeSet;

use countertop::store::{At, Db, DbKind, changes, house, migrate, statements, watch};
use sqlx::{AssertSqlSafe, Either, Executor as _, PgConnection, SqlSafeStr as _, SqliteConnection, Statement as _};

use crate::harness::Empty;
use crate::harness::rows::rows;

/// How many values a driver wants.
fn wanted<T>(parameters: Option<Either<&[T], usize>>) -> usize {
    match parameters {
        Some(Either::Left(kinds)) => kinds.len(),
        Some(Either::Right(count)) => count,
        None => 0,
    }
}

/// Prepares a text and tells how many values it takes.
async fn prepared(db: &Db, sql: &'static str) -> sqlx::Result<usize> {
    match db {
        Db::Sqlite { read, .. } => {
            let mut lent = read.acquire().await?;
            let connection: &mut SqliteConnection = &mut lent;
            let statement = connection.prepare(sql.into_sql_str()).await?;
            Ok(wanted(statement.parameters()))
        }
        Db::Postgres(lines) => {
            let mut lent = lines.pool().acquire().await?;
            let connection: &mut PgConnection = &mut lent;
            let statement = connection.prepare(sql.into_sql_str()).await?;
            Ok(wanted(statement.parameters()))
        }
    }
}

/// The `$n` of a text.
fn places(sql: &str) -> BTreeSet<usize> {
    let after = sql.split('$').skip(1);
    after.map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().expect("a number follows each $")).collect()
}

/// A text without what stands between single quotes.
fn without_literals(sql: &str) -> String {
    sql.split('\'').step_by(2).collect::<Vec<_>>().join("''")
}

on_both_databases! {
    async fn every_text_is_understood_and_takes_the_values_it_says(w: World) {
        let all = statements();
        assert!(all.len() > 50, "they are all gathered: {}", all.len());
        for (name, sql) in all {
            let most = places(sql).last().copied().unwrap_or(0);
            match prepared(&w.app.db, sql).await {
                // SQLite would take a missing value for NULL and say nothing.
                Ok(wanted) => assert_eq!(wanted, most, "{name} takes as many values as its highest $n"),
                Err(error) => panic!("{name}: {error}\n{sql}"),
            }
        }
    }

    async fn house_is_kept_in_lots_and_only_of_what_nobody_needs(w: World) {
        let counter = w.sign_in("counter").await;
        let made = counter.post_with_key("/v1/customers", "house", serde_json::json!({ "name": "Kept House", "number": "HOUSE-1" })).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let db = &w.app.db;
        let count = async |sql: &'static str| rows::<(i64,)>(db, sql).await[0].0;
        let (answers, sessions) = ("SELECT COUNT(*) FROM idempotency", "SELECT COUNT(*) FROM session");
        house::keep(db, At::now()).await.unwrap();
        assert!(count(answers).await > 0 && count(sessions).await > 0, "today's are needed");
        let mut conn = db.write().await.unwrap();
        for _ in 0..2 * house::LOT {
            changes::add(&mut conn, "customer", "somebody").await.unwrap();
        }
        conn.commit().await.unwrap();
        let later = At::from_micros(At::now().micros() + 91 * 24 * 3_600 * 1_000_000);
        let mut conn = db.write().await.unwrap();
        assert_eq!(changes::prune(&mut conn, later).await.unwrap(), house::LOT, "no transaction takes more");
        conn.commit().await.unwrap();
        assert!(house::keep(db, later).await.unwrap() > house::LOT, "but in the end all of it is gone");
        assert_eq!((count(answers).await, count(sessions).await, count("SELECT COUNT(*) FROM change").await), (0, 0, 0));
    }

    async fn a_database_that_is_up_to_date_is_left_alone(w: World) {
        assert_eq!(migrate::migrate(&w.app.db).await.unwrap(), 0);
        let counter = w.sign_in("counter").await;
        assert_eq!(counter.find("/v1/customers", &[("q", "keller")]).await.1["total"], 3);
    }
}

/// What a writer is told of others, and then it writes itself.
async fn told_while_writing(db: &Db) -> Option<i64> {
    let mut conn = db.write().await.unwrap();
    let told = watch::beside(&mut conn).await.unwrap();
    changes::add(&mut conn, "customer", "somebody").await.unwrap();
    conn.commit().await.unwrap();
    db.checkpoint().await.unwrap();
    told
}

#[tokio::test]
async fn who_writes_to_a_file_is_told_of_others_and_not_of_itself() {
    let target = Empty::of(DbKind::Sqlite).await;
    let (mine, theirs) = (Db::open(&target.address).await.unwrap(), Db::open(&target.address).await.unwrap());
    migrate::migrate(&mine).await.unwrap();
    let first = told_while_writing(&mine).await;
    assert!(first.is_some());
    assert_eq!((told_while_writing(&mine).await, told_while_writing(&mine).await), (first, first));
    told_while_writing(&theirs).await;
    let after = told_while_writing(&mine).await;
    assert_ne!(after, first, "somebody else wrote");
    assert_eq!(told_while_writing(&mine).await, after);
    mine.close().await;
    theirs.close().await;
    target.remove().await;
}

/// What SQLite does for a text, step by step.
async fn plan(db: &Db, sql: &str) -> Vec<String> {
    let Db::Sqlite { read, .. } = db else { panic!("a file is asked for its plans") };
    let rows = sqlx::query_as::<_, (i64, i64, i64, String)>(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"))).fetch_all(read).await.unwrap();
    rows.into_iter().map(|(.., step)| step).collect()
}

/// A page of requests is led to by an index of those alone: a dealer has millions
/// of others.
#[tokio::test]
async fn every_way_to_requests_has_its_index() {
    const WAYS: [(&str, &str); 8] = [
        ("ALL", "service_request_time"),
        ("OUTSTANDING_OF_ALL", "service_request_outstanding"),
        ("SET_ASIDE_OF_ALL", "service_request_set_aside"),
        ("AT_SHOP", "service_request_shop"),
        ("FILED_BY", "service_request_filed_by"),
        ("OF_ASSET", "service_request_asset"),
        ("OF_CUSTOMER", "service_request_asset"),
        ("IN_REACH", "service_request_asset"),
    ];
    let empty = Empty::of(DbKind::Sqlite).await;
    let db = Db::open(&empty.address).await.unwrap();
    migrate::migrate(&db).await.unwrap();
    for (way, index) in WAYS {
        let (_, sql) = statements().into_iter().find(|(name, _)| name.ends_with(&format!("::requests::{way}"))).unwrap();
        let steps = plan(&db, sql).await;
        assert!(steps.iter().any(|step| step.starts_with(&format!("SEARCH r USING INDEX {index} ("))), "{way}: {steps:#?}");
    }
}

/// Nothing that is asked while somebody waits, nor every few seconds, walks through
/// a table that grows with the years.
#[tokio::test]
async fn what_grows_is_walked_through_by_few() {
    /// Texts that do, and why they may.
    const MAY: [(&str, &str); 15] = [
        ("audit::NOT_IN_THE_CHAIN", "all of it is verified"),
        ("audit::LAST_SEAL", "one step from the end"),
        ("audit::WAITING", "a lot of what waits for its seal"),
        ("audit::HOW_MANY_WAIT", "of what waits for its seal"),
        ("audit::HOW_MANY_CAN_BE_SEALED", "of what waits for its seal"),
        ("audit::LOST", "of what waits for its seal"),
        ("changes::PRUNE", "a lot of the oldest"),
        ("contacts::COUNT_WITHOUT_NUMBER", "told after an export"),
        ("customers::COUNT_UNVERIFIED", "told after an export"),
        ("password_links::CLEAR", "links end within hours"),
        ("sessions::PRUNE_SESSIONS", "a chore"),
        ("users::COUNT_USERS", "told by doctor, and at a start"),
        ("users::LOCK_ADMINISTRATORS", "when an administrator goes"),
        ("users::STAFF_BY_EMAIL", "once for each user: then he is tied to the provider"),
        ("users::OTHER_ADMINISTRATORS", "when an administrator goes"),
    ];
    /// What stays small, or is made by the text itself.
    const SMALL: [&str; 9] = ["CONSTANT ROW", "one", "part", "f", "t", "s", "shop", "service_code", "role"];
    let empty = Empty::of(DbKind::Sqlite).await;
    let db = Db::open(&empty.address).await.unwrap();
    migrate::migrate(&db).await.unwrap();
    for (name, sql) in statements() {
        for step in plan(&db, sql).await {
            let Some(walked) = step.strip_prefix("SCAN ") else { continue };
            let table = walked.split(" USING").next().unwrap();
            let may = MAY.iter().any(|(text, _)| name.ends_with(&format!("::{text}")));
            assert!(may || SMALL.contains(&table), "{name} walks through {walked}");
        }
    }
}

/// A statement that SQLite could have to take back keeps all pages that it
/// touches: here some 30 MB, as where millions of rows are brought to a new schema.
#[tokio::test]
async fn a_statement_over_many_rows_finds_room() {
    let empty = Empty::of(DbKind::Sqlite).await;
    let Db::Sqlite { write, .. } = Db::open(&empty.address).await.unwrap() else { panic!("a file") };
    for sql in [
        "CREATE TABLE long (place INTEGER PRIMARY KEY, said TEXT NOT NULL CHECK (said <> ''))",
        "WITH RECURSIVE one(place) AS (SELECT 1 UNION ALL SELECT place + 1 FROM one WHERE place < 8000) INSERT INTO long SELECT place, hex(zeroblob(1900)) FROM one",
        "UPDATE long SET said = said || 'more'",
    ] {
        sqlx::query(sql).execute(&write).await.unwrap();
    }
}

#[test]
fn no_value_is_skipped() {
    for (name, sql) in statements() {
        let places = places(sql);
        assert!(places.iter().copied().eq(1..=places.len()), "{name}: {places:?}");
    }
}

#[test]
fn names_of_texts_are_unique() {
    let names: BTreeSet<&str> = statements().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), statements().len());
}

#[test]
fn no_text_says_what_only_one_database_knows() {
    const UNPORTABLE: [&str; 18] = [
        "NOW()",
        "CURRENT_TIMESTAMP",
        "DATETIME(",
        "STRFTIME(",
        "EXTRACT(",
        "::",
        "ILIKE",
        "SIMILAR TO",
        "GLOB ",
        "REGEXP",
        "FOR UPDATE",
        "INSERT OR ",
        "REPLACE INTO",
        "DISTINCT ON",
        "ANY(",
        "IFNULL(",
        "IIF(",
        "GREATEST(",
    ];
    for (name, sql) in statements() {
        let said = without_literals(sql).to_uppercase();
        for unportable in UNPORTABLE {
            assert!(!said.contains(unportable), "{name} says {unportable}");
        }
        assert!(!said.contains(['"', '`', '?', '[']), "{name}: names go without quotes, values are $1, $2 …");
        assert!(!sql.trim_end().ends_with(';'), "{name} is one statement");
    }
}

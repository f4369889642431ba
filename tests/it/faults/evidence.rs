//! Reads from a database what the model asks for, past the server.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use countertop::store::{Db, audit};
use serde_json::Value;

use super::model::{Evidence, Found, Kind, half_written};
use crate::harness::rows;

/// Pairs of texts: a mark, and a record's id.
pub(super) async fn pairs(db: &Db, sql: &'static str) -> Vec<(String, String)> {
    rows::rows(db, sql).await
}

/// One number.
pub(super) async fn number(db: &Db, sql: &'static str) -> i64 {
    rows::rows::<(i64,)>(db, sql).await[0].0
}

const CUSTOMERS: &str = "SELECT name, id FROM customer";
const ACTS: &str = "SELECT act, entity_id FROM audit WHERE act IN ('add_reading', 'request_service', 'create_customer', 'void_reading', 'change_customer')";

/// The customers that were there before.
pub(super) async fn known_customers(db: &Db) -> HashSet<String> {
    pairs(db, CUSTOMERS).await.into_iter().map(|(_, id)| id).collect()
}

/// All that was written since, once nobody writes any more.
pub(super) async fn gather(db: &Db, known: &HashSet<String>) -> Evidence {
    until_nobody_writes(db).await;
    let marked = |kind: Kind, rows: Vec<(String, String)>| rows.into_iter().map(move |(mark, id)| Found { kind, mark, id });
    let mut found: Vec<Found> = Vec::new();
    found.extend(marked(Kind::Reading, pairs(db, "SELECT comment, id FROM reading WHERE comment IS NOT NULL").await));
    found.extend(marked(Kind::Request, pairs(db, "SELECT complaint, id FROM service_request").await));
    found.extend(marked(Kind::Void, pairs(db, "SELECT void_reason, id FROM reading WHERE void_reason IS NOT NULL").await));
    let customers = pairs(db, CUSTOMERS).await.into_iter().filter(|(_, id)| !known.contains(id)).collect();
    found.extend(marked(Kind::Customer, customers));
    // A change is overwritten by the next one: the audit has them all.
    let changes = pairs(db, "SELECT changes, customer_id FROM audit WHERE act = 'change_customer'").await;
    found.extend(marked(Kind::Change, changes.into_iter().map(|(changes, id)| (noted(&changes), id)).collect()));
    let versions = pairs(db, "SELECT id, CAST(row_version AS TEXT) FROM customer").await;
    let versions: HashMap<String, i64> =
        versions.into_iter().filter(|(id, _)| !known.contains(id)).map(|(id, version)| (id, version.parse().expect("a version"))).collect();
    Evidence { found, audited: pairs(db, ACTS).await, versions }
}

/// Requests, and readings that somebody entered, without their act in the audit;
/// and acts without them.
pub(crate) async fn by_half(db: &Db) -> Vec<String> {
    let requests = pairs(db, "SELECT complaint, id FROM service_request").await.into_iter().map(|pair| (Kind::Request, pair));
    let readings = pairs(db, "SELECT meter_id, id FROM reading WHERE entered_by IS NOT NULL").await.into_iter().map(|pair| (Kind::Reading, pair));
    let found = requests.chain(readings).map(|(kind, (mark, id))| Found { kind, mark, id }).collect();
    half_written(&Evidence { found, audited: pairs(db, ACTS).await, versions: HashMap::new() })
}

/// What a change made of the notes.
fn noted(changes: &str) -> String {
    let changes: Value = serde_json::from_str(changes).expect("changes are JSON");
    changes["notes"][1].as_str().unwrap_or("(no notes)").to_owned()
}

/// PostgreSQL may still be busy with what a killed server sent.
async fn until_nobody_writes(db: &Db) {
    const OTHERS: &str = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL";
    let end = Instant::now() + Duration::from_secs(20);
    while matches!(db, Db::Postgres(_)) && number(db, OTHERS).await > 0 {
        assert!(Instant::now() < end, "somebody still writes");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The file is sound, and the audit with its chain is as it was written, before
/// and after what waits is sealed.
pub(crate) async fn is_sound(db: &Db) -> Result<(), String> {
    if let Db::Sqlite { read, .. } = db {
        let said: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(read).await.expect("the file can be read");
        if said != "ok" {
            return Err(format!("integrity_check: {said}"));
        }
    }
    for _ in 0..2 {
        let verified = audit::verify(&mut db.read().await.unwrap()).await.expect("the audit can be read");
        verified.map_err(|broken| broken.to_string())?;
        let mut conn = db.write().await.unwrap();
        while audit::seal(&mut conn).await.expect("the audit is sealed") > 0 {}
        conn.commit().await.unwrap();
    }
    Ok(())
}

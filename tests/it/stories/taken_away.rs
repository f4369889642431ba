//! What is taken from somebody is gone with his very next call, whoever took it
//! and whatever the server keeps in mind of him (S4-15, I-4); what ends with the
//! clock ends without anybody writing anything.

use std::time::Duration;

use countertop::api::ids::UserId;
use countertop::server::Arrangements;
use countertop::store::users::{self, NewGrant};
use countertop::store::{At, Conn, Db};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::{AssertSqlSafe, ConnectOptions as _};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::{Caller, Database, World, grant, refused, refused_by_role, tell};

const SEARCH: &str = "/v1/customers?q=keller";

/// The same database, as another program has it open.
async fn elsewhere(w: &World) -> Db {
    match &w.app.db {
        Db::Sqlite { read, .. } => Db::open(&format!("sqlite://{}", read.connect_options().get_filename().display())).await.unwrap(),
        Db::Postgres(lines) => Db::open(lines.pool().connect_options().to_url_lossy().as_str()).await.unwrap(),
    }
}

/// Calls often enough that the server knows him by heart.
async fn is_known(caller: &Caller) {
    for _ in 0..5 {
        assert_eq!(caller.get(SEARCH).await.0, 200);
    }
}

/// Takes from somebody all that he may, from the commit on.
async fn take_all(conn: &mut Conn, username: &str) -> UserId {
    let user = users::by_name(conn, username).await.unwrap().unwrap().id;
    for held in users::grants(conn, user).await.unwrap() {
        assert!(users::end_grant(conn, user, held.id).await.unwrap());
    }
    user
}

/// The servers that still serve somebody whom they knew, after it was taken from
/// him.
async fn still_serving(callers: &[&Caller], taken: impl Future<Output = ()>) -> Vec<String> {
    for caller in callers {
        is_known(caller).await;
    }
    taken.await;
    let mut serving = Vec::new();
    for caller in callers {
        if caller.get(SEARCH).await.0 == 200 {
            serving.push(caller.server.clone());
        }
    }
    serving
}

async fn until(moment: Timestamp) {
    let left = moment.duration_since(Timestamp::now()) + SignedDuration::from_millis(50);
    tokio::time::sleep(Duration::try_from(left).unwrap_or_default()).await;
}

on_both_databases! {
    async fn i_4_a_role_that_another_program_takes_is_gone_with_the_next_call(w: World) {
        let counter = w.sign_in("counter").await;
        is_known(&counter).await;
        let other = elsewhere(&w).await;
        let mut conn = other.write().await.unwrap();
        let user = take_all(&mut conn, "counter").await;
        assert_eq!(counter.get(SEARCH).await.0, 200, "not before it is committed");
        conn.commit().await.unwrap();
        refused_by_role(&counter.get(SEARCH).await, &["customer.search"]);
        let mut conn = other.write().await.unwrap();
        users::give(&mut conn, user, &grant("counter_staff", "deployment", None)).await.unwrap();
        conn.commit().await.unwrap();
        is_known(&counter).await;
        let mut conn = other.write().await.unwrap();
        users::set_state(&mut conn, user, "locked").await.unwrap();
        conn.commit().await.unwrap();
        refused(&counter.get(SEARCH).await, 401, "session.required");
        other.close().await;
    }

    async fn g_8_a_role_that_is_taken_while_somebody_sends_writes_nothing(w: World) {
        let counter = w.sign_in("counter").await;
        let (body, path) = (json!({ "notes": "too late" }).to_string(), format!("/v1/customers/{}", w.ids.keller));
        let head = format!(
            "PATCH {path} HTTP/1.1\r\nHost: counter\r\nAuthorization: Bearer {}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            counter.token.as_deref().unwrap_or_default(),
            body.len()
        );
        let (begun, rest) = body.as_bytes().split_at(1);
        let mut line = TcpStream::connect(counter.server.trim_start_matches("http://")).await.unwrap();
        line.write_all(&[head.as_bytes(), begun].concat()).await.unwrap();
        // He is known and may by now; what he sends is awaited.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let other = elsewhere(&w).await;
        let mut conn = other.write().await.unwrap();
        take_all(&mut conn, "counter").await;
        conn.commit().await.unwrap();
        line.write_all(rest).await.unwrap();
        let mut told = String::new();
        tokio::time::timeout(Duration::from_secs(20), line.read_to_string(&mut told)).await.expect("an answer").unwrap();
        assert!(told.starts_with("HTTP/1.1 403") && told.contains("permission"), "{told}");
        let (_, keller) = w.sign_in("admin").await.get(&path).await;
        assert_ne!(keller["notes"], "too late");
        other.close().await;
    }

    async fn i_4_what_one_server_takes_is_gone_at_all_of_them(w: World) {
        let here = w.sign_in("counter").await;
        let second = w.beside(Arrangements::default()).await;
        let there = second.joined_by(&here);
        let signed_out = async { assert_eq!(there.delete("/v1/session").await.0, 204) };
        assert_eq!(still_serving(&[&here, &there], signed_out).await, Vec::<String>::new());
        for caller in [&here, &there] {
            refused(&caller.get(SEARCH).await, 401, "session.required");
        }
    }

    async fn a_grant_ends_and_begins_by_the_clock_while_nobody_writes(w: World) {
        let (now, hour) = (Timestamp::now(), SignedDuration::from_hours(1));
        let change = now + SignedDuration::from_secs(5);
        let staff = || grant("counter_staff", "deployment", None);
        let leaves = w.add_user("leaves", "staff", &[NewGrant { valid_to: Some(At(change)), ..staff() }]).await;
        let comes = w.add_user("comes", "staff", &[NewGrant { valid_from: Some(At(change)), ..staff() }]).await;
        let (leaves, comes) = (w.open_session(leaves, hour, now + hour).await, w.open_session(comes, hour, now + hour).await);
        is_known(&leaves).await;
        for _ in 0..3 {
            refused_by_role(&comes.get(SEARCH).await, &["customer.search"]);
        }
        until(change).await;
        refused_by_role(&leaves.get(SEARCH).await, &["customer.search"]);
        is_known(&comes).await;
    }

    async fn a_session_ends_by_the_clock_though_it_is_known(w: World) {
        let now = Timestamp::now();
        let user = w.add_user("brief", "staff", &[grant("counter_staff", "deployment", None)]).await;
        let (hour, soon) = (SignedDuration::from_hours(1), SignedDuration::from_secs(4));
        let (short, idle) = (w.open_session(user, hour, now + soon).await, w.open_session(user, soon, now + hour).await);
        for caller in [&short, &idle] {
            is_known(caller).await;
        }
        until(Timestamp::now() + soon).await;
        for caller in [&short, &idle] {
            refused(&caller.get(SEARCH).await, 401, "session.required");
        }
    }
}

/// What a server has in mind that never looks again: a copy of the database.
pub(super) async fn copied(w: &World) -> (TempDir, Db) {
    let Db::Sqlite { write, .. } = &w.app.db else { panic!("it is no file") };
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db").display().to_string();
    sqlx::query(AssertSqlSafe(format!("VACUUM INTO '{copy}'"))).execute(write).await.unwrap();
    (folder, Db::open(&format!("sqlite://{copy}")).await.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_goes_by_what_it_had_in_mind_would_be_found() {
    tell(Database::Sqlite, |w| async move {
        let (signed_out, role_taken) = (w.sign_in("counter").await, w.sign_in("counter").await);
        let (_folder, copy) = copied(&w).await;
        let stubborn = w.beside_by(copy, Arrangements::default()).await;
        let there = stubborn.joined_by(&signed_out);
        let ends = async { assert_eq!(signed_out.delete("/v1/session").await.0, 204) };
        assert_eq!(still_serving(&[&signed_out, &there], ends).await, *std::slice::from_ref(&there.server));
        let there = stubborn.joined_by(&role_taken);
        let takes = async {
            let mut conn = w.app.db.write().await.unwrap();
            take_all(&mut conn, "counter").await;
            conn.commit().await.unwrap();
        };
        assert_eq!(Box::pin(still_serving(&[&role_taken, &there], takes)).await, *std::slice::from_ref(&there.server));
    })
    .await;
}

//! What one server or the command line writes is found at all others soon, and
//! a feed that was cut finds its way back.

use std::time::{Duration, Instant};

use countertop::server::Arrangements;
use countertop::store::Db;
use serde_json::json;

use super::by_hand::change;
use crate::harness::{Caller, each};

/// Waits until a search finds one customer. Far longer than it may take, for a
/// test is no benchmark.
async fn until_found(caller: &Caller, name: &str) {
    let begun = Instant::now();
    loop {
        let (_, body) = caller.find("/v1/customers", &[("q", name)]).await;
        if each(&body, "/name") == [name] {
            return;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{name} was never found: {body}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn add(caller: &Caller, name: &str, number: &str) {
    let (status, body) = caller.post("/v1/customers", json!({ "name": name, "number": number })).await;
    assert_eq!(status, 201, "{body}");
}

on_both_databases! {
    async fn what_one_server_writes_is_found_at_another(w: World) {
        let beside = w.beside(Arrangements::default()).await;
        let (here, there) = (w.sign_in("counter").await, beside.sign_in("counter").await);
        for nth in 0..3 {
            let name = format!("Fresh Gravel {nth}");
            add(&there, &name, &format!("FG-{nth}")).await;
            until_found(&here, &name).await;
        }
    }

    async fn a_feed_that_was_cut_heals(w: World) {
        let beside = w.beside(Arrangements::default()).await;
        let (here, there) = (w.sign_in("counter").await, beside.sign_in("counter").await);
        add(&there, "Before The Cut", "C-1").await;
        until_found(&here, "Before The Cut").await;
        if let Db::Postgres(lines) = &w.app.db {
            let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
            let listeners: i64 = sqlx::query_scalar(cut).fetch_one(lines.pool()).await.unwrap();
            assert!(listeners > 0, "somebody listened");
        }
        add(&there, "While It Was Cut", "C-2").await;
        until_found(&here, "While It Was Cut").await;
        add(&there, "After The Cut", "C-3").await;
        until_found(&here, "After The Cut").await;
    }

    // What separates the fields of customers that are read together, and them.
    async fn whoever_was_written_around_the_program_with_signs_of_its_own_is_found_too(w: World) {
        let numbers = async |caller: &Caller| {
            let mut numbers = Vec::new();
            for (text, number) in [("bau", "10442"), ("talus", "P-7741"), ("10442", "10442")] {
                let (status, body) = caller.find("/v1/customers", &[("q", text)]).await;
                assert_eq!(status, 200, "{body}");
                numbers.push((text, each(&body, "/number").contains(&number)));
            }
            numbers
        };
        let counter = w.sign_in("counter").await;
        assert_eq!(numbers(&counter).await, [("bau", true), ("talus", true), ("10442", true)]);
        for sign in ["\u{1f}", "\u{1e}"] {
            let name = format!("Keller{sign} Bau");
            assert_eq!(change(&w, "UPDATE customer SET name = $1 WHERE name LIKE 'Keller%Bau%'", &[&name]).await, 1);
            let beside = w.beside(Arrangements::default()).await;
            assert_eq!(numbers(&beside.joined_by(&counter)).await, [("bau", true), ("talus", true), ("10442", true)], "{sign:?}");
        }
    }
}

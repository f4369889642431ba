//! T25: guessing passwords gets nowhere and locks nobody out. T26: a session is
//! over with the next call, however it ended.
//!
//! `COUNTERTOP_TRIES` (400) says how often an attacker of T25 tries.

use std::collections::BTreeSet;
use std::time::Duration;

use countertop::server::Arrangements;
use countertop::store::{At, password_links, users};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::by_hand::{bring_the_end_nearer, let_stand};
use super::taken_away::copied;
use super::targets::{made, session, signed_in};
use crate::dice;
use crate::harness::{Answer, Caller, Database, World, grant, keys, refused, tell, token_hash};

/// Tries of an attacker.
fn tries() -> usize {
    dice::times("COUNTERTOP_TRIES", 400)
}

/// How many of them may be evaluated: the free ones, and one a while as long as
/// the attack takes.
const EVALUATED: usize = 100;

/// Tries a password from somewhere: a proxy on this machine says from where.
async fn guess(w: &World, username: &str, password: &str, from: &str) -> Answer {
    guess_at(&w.stranger(), username, password, from).await
}

/// The same at a server of the story's choice.
async fn guess_at(server: &Caller, username: &str, password: &str, from: &str) -> Answer {
    let body = json!({ "username": username, "password": password }).to_string().into_bytes();
    server.send("POST", "/v1/sessions", &[("x-forwarded-for", from)], Some(body)).await
}

/// One guess after the other at an account, each from another of 250 addresses.
async fn guess_on(server: &Caller, username: &str, until: impl Fn(&Answer) -> bool) {
    for nth in 0..100_000 {
        let answer = guess_at(server, username, &format!("guess {nth}"), &format!("203.0.113.{}", nth % 250)).await;
        if until(&answer) {
            return;
        }
    }
    panic!("it goes on and on");
}

/// When whoever is put off may come again.
fn pause(answer: &Answer) -> Option<u64> {
    answer.header("retry-after").parse().ok().filter(|_| answer.status == 429)
}

/// Guesses at an account until everybody is put off for some seconds.
async fn attack(server: &Caller, username: &str) {
    guess_on(server, username, |answer| pause(answer).is_some_and(|seconds| seconds >= 4)).await;
}

/// What is wrong with the answers of an attack: too many were evaluated, or
/// none was put off.
fn faults(answers: &[Answer]) -> Option<String> {
    let how_many = |status: u16| answers.iter().filter(|answer| answer.status == status).count();
    let (evaluated, put_off) = (how_many(401), how_many(429));
    if evaluated + put_off != answers.len() {
        return Some(format!("something else than 401 and 429: {:?}", answers.iter().map(|answer| answer.status).collect::<BTreeSet<_>>()));
    }
    let told = |answer: &&Answer| answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| (1..=61).contains(&seconds));
    if answers.iter().filter(|answer| answer.status == 429).filter(told).count() != put_off {
        return Some("not all are told when to come again".to_owned());
    }
    (evaluated > EVALUATED || put_off == 0).then(|| format!("{evaluated} of {} tries were evaluated", answers.len()))
}

/// Guesses on until the pause at an address is long enough to ask questions in.
async fn until_put_off(w: &World, from: &str) {
    for nth in 0..20_000 {
        let answer = guess(w, &format!("another-{nth}"), "x", from).await;
        if answer.status == 429 && answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| seconds >= 2) {
            return;
        }
    }
    panic!("nobody is ever put off for two seconds");
}

/// The body without the seconds to wait, which count down.
fn without_time(answer: &Answer) -> (u16, BTreeSet<String>, String) {
    let body = answer.json();
    let detail: String = body["detail"].as_str().unwrap_or_default().chars().filter(|letter| !letter.is_ascii_digit()).collect();
    (answer.status, keys(&body), detail)
}

async fn id_of(w: &World, username: &str) -> countertop::api::ids::UserId {
    let mut conn = w.app.db.read().await.unwrap();
    users::by_name(&mut conn, username).await.unwrap().unwrap().id
}

/// A session is good for reading and for writing; then something happens; then
/// it is good for neither.
async fn good_until<F: Future<Output = ()>>(why: &str, caller: &Caller, end: F) {
    assert_eq!(good_after(why, caller, end).await, Vec::<String>::new());
}

/// What such a session is good for then.
async fn good_after<F: Future<Output = ()>>(why: &str, caller: &Caller, end: F) -> Vec<String> {
    let write = || caller.patch("/v1/session", json!({}), None);
    assert_eq!((caller.get("/v1/session").await.0, write().await.0), (200, 422), "{why}: good before");
    end.await;
    let answers = [caller.get("/v1/session").await, write().await, caller.get("/v1/shops").await];
    let good = answers.iter().filter(|(status, answer)| *status != 401 || answer["code"] != "session.required");
    good.map(|(status, answer)| format!("{why}: {status} {answer}")).collect()
}

on_both_databases! {
    async fn t25_one_account_from_many_addresses_comes_to_few_tries_and_its_owner_still_gets_in(w: World) {
        w.sign_in("counter").await;
        let mut answers = Vec::new();
        for nth in 0..tries() {
            answers.push(guess(&w, "counter", &format!("guess {nth}"), &format!("203.0.{}.{}", 113 + nth / 250 % 4, nth % 250)).await);
        }
        assert_eq!(faults(&answers), None);
        // At home, whatever others do.
        w.sign_in("counter").await;
        let right = guess(&w, "counter", "demo", "203.0.113.7").await;
        assert_eq!(right.status, 201, "the sign-in at home took the pause away: {}", right.text);
        // The same for a name that nobody has.
        let mut unknown = Vec::new();
        for nth in 0..30 {
            unknown.push(guess(&w, "nobody-at-all", &format!("guess {nth}"), &format!("198.51.100.{nth}")).await);
        }
        assert_eq!(without_time(&answers[0]), without_time(&unknown[0]), "refused alike");
        let last = |answers: &[Answer]| without_time(answers.iter().rfind(|answer| answer.status == 429).expect("one is put off"));
        assert_eq!(last(&answers), last(&unknown), "put off alike");
        // A server without a brake would be seen, and one that locks up.
        let all_evaluated: Vec<Answer> = answers.iter().map(|_| Answer { status: 401, headers: answers[0].headers.clone(), text: String::new() }).collect();
        assert!(faults(&all_evaluated).is_some_and(|fault| fault.starts_with(&format!("{0} of {0}", tries()))));
        let silent = Answer { status: 429, headers: answers[0].headers.clone(), text: String::new() };
        assert!(faults(&[silent]).is_some());
    }

    async fn t25_one_password_at_many_accounts_from_one_address_comes_to_few_tries(w: World) {
        w.sign_in("counter").await;
        let mut answers = Vec::new();
        for nth in 0..tries() {
            // Known names among them: they are not told apart.
            let name = match nth % 40 {
                7 => "manager".to_owned(),
                19 => "gm".to_owned(),
                _ => format!("user-{nth}"),
            };
            answers.push(guess(&w, &name, "Summer 2026!", "203.0.113.9").await);
        }
        assert_eq!(faults(&answers), None);
        let told: BTreeSet<_> = answers.iter().map(without_time).collect();
        assert_eq!(told.len(), 2, "one refusal and one pause for all: {told:?}");
        // Whoever has an account at that address and was there before gets in.
        assert_eq!(guess(&w, "tech", "demo", "203.0.113.200").await.status, 201);
        until_put_off(&w, "203.0.113.9").await;
        let home = guess(&w, "fleet", "demo", "203.0.113.9").await;
        assert_eq!(home.status, 429, "a newcomer behind the attacker's address waits, too: {}", home.text);
        w.sign_in("counter").await;
    }

    async fn t25_behind_the_same_address_as_an_attacker_one_still_gets_in(w: World) {
        let shared = "203.0.113.50";
        assert_eq!(guess(&w, "counter", "demo", shared).await.status, 201);
        until_put_off(&w, shared).await;
        assert_eq!(guess(&w, "manager", "demo", shared).await.status, 429);
        assert_eq!(guess(&w, "counter", "demo", shared).await.status, 201, "it was here before");
        // What somebody says of himself far away is not believed twice over.
        let chained = guess(&w, "manager", "demo", &format!("192.0.2.1, {shared}")).await;
        assert_eq!(chained.status, 429, "only the last proxy's word counts: {}", chained.text);
    }

    async fn t25_who_signed_in_before_is_at_home_at_a_server_that_was_just_started(w: World) {
        w.sign_in("counter").await;
        let started = w.beside(Arrangements::default()).await;
        attack(&started.stranger(), "counter").await;
        let elsewhere = guess_at(&started.stranger(), "counter", "demo", "198.51.100.4").await;
        assert_eq!(elsewhere.status, 429, "nobody of that name was ever there: {}", elsewhere.text);
        started.sign_in("counter").await;
    }

    async fn t25_who_keeps_the_pause_gets_in_from_a_new_place_while_others_guess(w: World) {
        let (stranger, here) = (w.stranger(), "198.51.100.4");
        attack(&stranger, "gm").await;
        let told = pause(&guess(&w, "gm", "demo", here).await).expect("he is put off like all others");
        let early = pause(&guess(&w, "gm", "demo", here).await).expect("it is too early");
        assert!(early <= told, "and nothing is lost by it: {early}");
        let owner = async {
            tokio::time::sleep(Duration::from_secs(told)).await;
            loop {
                let answer = guess(&w, "gm", "demo", here).await;
                // A server on a machine as busy as this one is not his fault.
                if answer.status != 503 {
                    return answer;
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let right = tokio::select! {
            right = owner => right,
            () = guess_on(&stranger, "gm", |_| false) => panic!("they went on"),
        };
        assert_eq!(right.status, 201, "{}", right.text);
    }

    async fn t25_who_sets_a_password_by_a_mailed_link_is_at_home_there(w: World) {
        let mut conn = w.app.db.write().await.unwrap();
        let gm = users::by_name(&mut conn, "gm").await.unwrap().unwrap().id;
        password_links::add(&mut conn, gm, &token_hash("code"), At(Timestamp::now() + SignedDuration::from_hours(1))).await.unwrap();
        conn.commit().await.unwrap();
        let (stranger, here) = (w.stranger(), [("x-forwarded-for", "198.51.100.4")]);
        let set = json!({ "code": "code", "new": "words of my own" }).to_string().into_bytes();
        assert_eq!(stranger.send("POST", "/v1/password-links", &here, Some(set)).await.status, 200);
        attack(&stranger, "gm").await;
        assert_eq!(guess(&w, "gm", "words of my own", "198.51.100.5").await.status, 429);
        assert_eq!(guess(&w, "gm", "words of my own", "198.51.100.4").await.status, 201);
    }

    async fn t26_a_session_is_over_with_the_next_call_however_it_ended(w: World) {
        let admin = signed_in(&w, "admin").await;
        let counter = id_of(&w, "counter").await;
        let fresh = async || w.sign_in("counter").await;
        let caller = fresh().await;
        good_until("12 hours idle", &caller, let_stand(&w, counter, 12 * 3_600 + 1)).await;
        let caller = fresh().await;
        let_stand(&w, counter, 11 * 3_600).await;
        assert_eq!(caller.get("/v1/session").await.0, 200, "eleven are not twelve, and this counts as use");
        let_stand(&w, counter, 2 * 3_600).await;
        good_until("7 days at most", &caller, bring_the_end_nearer(&w, counter, 7 * 24 * 3_600)).await;
        let caller = fresh().await;
        good_until("signed out", &caller, async { assert_eq!(caller.delete("/v1/session").await.0, 204) }).await;
        let (caller, elsewhere) = (fresh().await, fresh().await);
        let mine = caller.get("/v1/sessions").await.1;
        let own = mine["items"].as_array().unwrap().iter().find(|one| one["current"] == true).unwrap()["id"].as_str().unwrap().to_owned();
        good_until("ended from elsewhere", &caller, async { assert_eq!(elsewhere.delete(&format!("/v1/sessions/{own}")).await.0, 204) }).await;
        let caller = fresh().await;
        let (_, open) = admin.get(&format!("/v1/users/{counter}/sessions")).await;
        let sessions: Vec<String> = open["items"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect();
        good_until("ended by an administrator", &caller, async {
            for id in sessions {
                assert_eq!(admin.delete(&format!("/v1/users/{counter}/sessions/{id}")).await.0, 204);
            }
        })
        .await;
        let (caller, elsewhere) = (fresh().await, fresh().await);
        let own = json!({ "current": "demo", "new": "truck stop pie" });
        good_until("password changed elsewhere", &caller, async { assert_eq!(elsewhere.put("/v1/session/password", own, None).await.0, 200) }).await;
        let again = w.stranger().post("/v1/sessions", json!({ "username": "counter", "password": "truck stop pie" })).await;
        let caller = w.with_token(again.1["token"].as_str().unwrap());
        good_until("password generated", &caller, async { assert_eq!(admin.post(&format!("/v1/users/{counter}/password"), json!({})).await.0, 201) }).await;
        refused(&w.stranger().post("/v1/sessions", json!({ "username": "counter", "password": "truck stop pie" })).await, 401, "session.refused");
        let tech = id_of(&w, "tech").await;
        for state in ["locked", "disabled"] {
            let caller = w.sign_in("tech").await;
            let path = format!("/v1/users/{tech}");
            good_until(state, &caller, async { assert_eq!(admin.patch(&path, json!({ "state": state }), None).await.0, 200) }).await;
            assert_eq!(admin.patch(&path, json!({ "state": "active" }), None).await.0, 200);
            refused(&caller.get("/v1/session").await, 401, "session.required");
        }
    }

    async fn t26_customers_and_workshop_terminals_live_shorter(w: World) {
        let executive = id_of(&w, "executive").await;
        let caller = w.sign_in("executive").await;
        good_until("an hour idle", &caller, let_stand(&w, executive, 3_601)).await;
        let caller = w.sign_in("executive").await;
        good_until("a day at most", &caller, bring_the_end_nearer(&w, executive, 24 * 3_600)).await;
        let admin = signed_in(&w, "admin").await;
        let (status, kiosk) = admin.post("/v1/kiosks", json!({ "label": "Bay 4", "shop": "SLN", "settings": { "idle_seconds": 30 } })).await;
        assert_eq!(status, 201, "{kiosk}");
        let token = json!({ "device_token": kiosk["device_token"] });
        let (_, opened) = w.stranger().post("/v1/kiosk-sessions", token).await;
        let terminal = w.with_token(opened["token"].as_str().unwrap());
        let user = terminal.get("/v1/session").await.1["user"]["id"].as_str().unwrap().to_owned();
        let_stand(&w, &user, 25).await;
        good_until("half a minute idle at a terminal", &terminal, let_stand(&w, &user, 31)).await;
    }

    async fn t26_a_token_that_is_over_stays_over_and_nobody_elses_is_touched(w: World) {
        let user = w.add_user("twice", "staff", &[grant("counter_staff", "deployment", None)]).await;
        let (one, other) = (session(&w, user).await, session(&w, user).await);
        assert_eq!(one.delete("/v1/session").await.0, 204);
        for _ in 0..3 {
            refused(&one.get("/v1/session").await, 401, "session.required");
            refused(&one.delete("/v1/session").await, 401, "session.required");
        }
        assert_eq!(other.get("/v1/session").await.0, 200);
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        // Nor does a kept answer speak to a session that is over.
        let first = other.post_with_key(&path, "k", json!({ "complaint": "x" })).await;
        made(&(first.status, first.json()));
        assert_eq!(other.delete("/v1/session").await.0, 204);
        let again = other.post_with_key(&path, "k", json!({ "complaint": "x" })).await;
        assert_eq!((again.status, &again.json()["id"]), (401, &Value::Null));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t26_a_session_that_goes_on_would_be_found() {
    tell(Database::Sqlite, |w| async move {
        let (signed_out, idle) = (w.sign_in("counter").await, w.sign_in("counter").await);
        // A server that never hears of an end.
        let (_folder, copy) = copied(&w).await;
        let stubborn = w.beside_by(copy, Arrangements::default()).await;
        let ends = async { assert_eq!(signed_out.delete("/v1/session").await.0, 204) };
        let found = good_after("signed out", &stubborn.joined_by(&signed_out), ends).await;
        assert_eq!(found.len(), 3, "{found:#?}");
        let stands = let_stand(&w, id_of(&w, "counter").await, 12 * 3_600 + 1);
        let found = good_after("12 hours idle", &stubborn.joined_by(&idle), stands).await;
        assert_eq!(found.len(), 3, "{found:#?}");
    })
    .await;
}

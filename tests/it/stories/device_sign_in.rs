//! Signing in with the dealer's account, at a real provider: the five ends that
//! it can have, whose account it is, and what the groups bring (T27).
//!
//! `COUNTERTOP_POLLED_SECONDS` (12) says for how long it is held against the
//! provider's own clock that nobody asks faster than allowed.

use std::time::Duration;

use countertop::config::{FirstSignIn, GroupRoles, OidcSettings, Value as _};
use countertop::server::subject_key;
use countertop::store::At;
use countertop::store::users::{self, NewGrant};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::dice;
use crate::harness::provider::{Provider, nobody};
use crate::harness::{Caller, World, grant, keys, refused, user_row};

async fn begin(server: &Caller) -> Value {
    let (status, begun) = server.post("/v1/device-sign-ins", json!({})).await;
    assert_eq!(status, 201, "{begun}");
    begun
}

fn code(begun: &Value) -> &str {
    begun["user_code"].as_str().unwrap()
}

async fn poll(server: &Caller, begun: &Value) -> (u16, Value) {
    let path = format!("/v1/device-sign-ins/{}", begun["id"].as_str().unwrap());
    server.post(&path, json!({ "poll_code": begun["poll_code"] })).await
}

/// Asks on as the answers say, until there is another.
async fn until_over(server: &Caller, begun: &Value) -> (u16, Value) {
    loop {
        let answer = poll(server, begun).await;
        if answer.1["state"] != "waiting" {
            return answer;
        }
        tokio::time::sleep(Duration::from_secs(answer.1["interval"].as_u64().unwrap())).await;
    }
}

/// Signs somebody in, all the way.
async fn sign_in(w: &World, server: &Caller, provider: &Provider, account: &str) -> (u16, Value) {
    let begun = begin(server).await;
    provider.approve(code(&begun), account).await;
    let answer = until_over(server, &begun).await;
    let Some(token) = answer.1["token"].as_str() else { return answer };
    w.with_token(token).get("/v1/session").await
}

/// Asks as fast as two terminals can, at two servers, for some time.
async fn polled(servers: &[Caller; 2], begun: &Value, time: Duration) {
    let end = tokio::time::Instant::now() + time;
    let asking = servers.clone().map(|server| {
        let begun = begun.clone();
        tokio::spawn(async move {
            while tokio::time::Instant::now() < end {
                assert_eq!(poll(&server, &begun).await.1["state"], "waiting");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    });
    for asked in asking {
        asked.await.unwrap();
    }
}

/// What is wrong with when the provider was asked, in milliseconds of its clock:
/// after a second, and every six from then on, for `slow_down` adds five for good.
fn pace_fault(polls: &[i64], seconds: usize) -> Option<String> {
    let most = 1 + seconds.saturating_sub(1) / 6;
    let is_kept = (most - most / 10..=most + 1).contains(&polls.len()) && polls.windows(2).all(|two| two[1] - two[0] >= 6_000);
    (!is_kept).then(|| format!("in {seconds} s it was asked at {polls:?}"))
}

#[test]
fn t27_whoever_asks_faster_than_the_provider_allows_would_be_found() {
    assert_eq!(pace_fault(&[1_000, 7_010], 12), None);
    let deaf: Vec<i64> = (1..=12).map(|second| second * 1_000).collect();
    for polls in [deaf.as_slice(), &[1_000, 6_990], &[1_000, 7_000, 8_000], &[]] {
        assert!(pace_fault(polls, 12).is_some(), "{polls:?}");
    }
}

/// A code of the provider is good for ten minutes.
const LONGEST_POLLED: usize = 540;

/// Asked every second, for the tests' sake.
const QUICK: &str = r#"{ "interval": 1 }"#;

async fn quick() -> Option<Provider> {
    let provider = Provider::start()?;
    provider.mode(serde_json::from_str(QUICK).unwrap()).await;
    Some(provider)
}

on_both_databases! {
    async fn who_agrees_at_the_provider_is_signed_in_with_what_the_groups_bring(w: World) {
        let Some(provider) = quick().await else { return };
        let server = w.with_provider(&provider.settings()).await;
        let begun = begin(&server).await;
        let members = json!({ "id": 0, "user_code": 0, "verification_uri": 0, "verification_uri_complete": 0, "interval": 0, "expires_at": 0, "poll_code": 0 });
        assert_eq!((keys(&begun), &begun["interval"]), (keys(&members), &json!(1)));
        assert_eq!(poll(&server, &begun).await, (200, json!({ "state": "waiting", "interval": 1 })));
        provider.approve(code(&begun), "s-counter").await;
        let (status, done) = until_over(&server, &begun).await;
        assert_eq!((status, &done["state"], keys(&done)), (200, &json!("signed_in"), keys(&json!({ "state": 0, "token": 0, "expires_at": 0 }))));
        let (_, session) = w.with_token(done["token"].as_str().unwrap()).get("/v1/session").await;
        assert_eq!(session["user"]["username"], "counter");
        assert_eq!(session["user"]["roles"], json!(["counter_staff", "service_manager"]), "its own and the group's");
        refused(&poll(&server, &begun).await, 404, "device.unknown");
        // From now on it is known by its subject, whatever it is called here.
        let mut conn = w.app.db.write().await.unwrap();
        let user = users::by_name(&mut conn, "counter").await.unwrap().unwrap();
        assert!(!users::link(&mut conn, user.id, "somebody else").await.unwrap());
        conn.commit().await.unwrap();
        let (_, session) = sign_in(&w, &server, &provider, "s-counter").await;
        assert_eq!(session["user"]["id"], json!(user.id));
    }

    async fn a_public_application_and_the_other_signature_do_too(w: World) {
        let Some(provider) = quick().await else { return };
        let server = w.with_provider(&OidcSettings { groups: GroupRoles::default(), ..provider.public() }).await;
        let (status, session) = sign_in(&w, &server, &provider, "s-manager").await;
        assert_eq!((status, &session["user"]["username"]), (200, &json!("manager")), "{session}");
    }

    async fn a_group_that_is_left_takes_its_role_with_it(w: World) {
        let Some(provider) = quick().await else { return };
        let server = w.with_provider(&provider.settings()).await;
        let roles = async |server: &Caller| sign_in(&w, server, &provider, "s-counter").await.1["user"]["roles"].clone();
        assert_eq!(roles(&server).await, json!(["counter_staff", "service_manager"]));
        let other = OidcSettings { groups: GroupRoles::from_text("counter-east=service_manager@shop:SLN").unwrap(), ..provider.settings() };
        assert_eq!(roles(&w.with_provider(&other).await).await, json!(["counter_staff"]), "what was given here stays");
        assert_eq!(roles(&server).await, json!(["counter_staff", "service_manager"]));
    }

    async fn any_server_goes_on_and_nobody_without_the_code(w: World) {
        let Some(provider) = quick().await else { return };
        let (first, second) = (w.with_provider(&provider.settings()).await, w.with_provider(&provider.settings()).await);
        let begun = begin(&first).await;
        let mut thief = begun.clone();
        thief["poll_code"] = json!("guess");
        refused(&poll(&second, &thief).await, 404, "device.unknown");
        provider.approve(code(&begun), "s-counter").await;
        assert_eq!(until_over(&second, &begun).await.1["state"], "signed_in");
    }

    async fn the_provider_is_never_asked_faster_than_it_allows(w: World) {
        let Some(provider) = quick().await else { return };
        let servers = [w.with_provider(&provider.settings()).await, w.with_provider(&provider.settings()).await];
        // An hour is as many sign-ins one after the other as it takes.
        let mut left = dice::times("COUNTERTOP_POLLED_SECONDS", 12);
        while left > 0 {
            let seconds = left.min(LONGEST_POLLED);
            left -= seconds;
            provider.mode(json!({ "interval": 1, "slowDowns": 1 })).await;
            let begun = begin(&servers[0]).await;
            polled(&servers, &begun, Duration::from_secs(seconds.try_into().unwrap())).await;
            assert_eq!(pace_fault(&provider.polls().await, seconds), None);
        }
    }

    async fn without_a_word_of_the_provider_it_is_five_seconds(w: World) {
        let Some(provider) = Provider::start() else { return };
        let server = w.with_provider(&provider.settings()).await;
        assert_eq!(begin(&server).await["interval"], 5);
    }

    async fn who_does_not_agree_is_not_signed_in(w: World) {
        let Some(provider) = quick().await else { return };
        let server = w.with_provider(&provider.settings()).await;
        let begun = begin(&server).await;
        provider.deny(code(&begun)).await;
        refused(&until_over(&server, &begun).await, 400, "device.denied");
        refused(&poll(&server, &begun).await, 404, "device.unknown");
    }

    async fn a_code_expires(w: World) {
        let Some(provider) = quick().await else { return };
        provider.mode(json!({ "interval": 1, "lifetime": 2 })).await;
        let server = w.with_provider(&provider.settings()).await;
        let begun = begin(&server).await;
        refused(&until_over(&server, &begun).await, 410, "device.expired");
    }

    async fn a_provider_that_is_down_is_told_apart_and_may_come_back(w: World) {
        let down = w.with_provider(&nobody()).await;
        let answer = down.post("/v1/device-sign-ins", json!({})).await;
        refused(&answer, 503, "provider.unreachable");
        assert!(answer.1["retry_after"].is_u64());
        let Some(provider) = quick().await else { return };
        let server = w.with_provider(&provider.settings()).await;
        let begun = begin(&server).await;
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        provider.mode(json!({ "interval": 1, "fails": true })).await;
        let answer = poll(&server, &begun).await;
        refused(&answer, 503, "provider.unreachable");
        assert_eq!(answer.1["retry_after"], 2, "who gets no answer asks less often");
        provider.mode(json!({ "interval": 1 })).await;
        provider.approve(code(&begun), "s-counter").await;
        assert_eq!(until_over(&server, &begun).await.1["state"], "signed_in");
    }

    async fn a_provider_that_is_slow_does_not_hold_us(w: World) {
        let Some(provider) = quick().await else { return };
        let server = w.with_provider(&provider.settings()).await;
        let begun = begin(&server).await;
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        provider.mode(json!({ "interval": 1, "hangs": true })).await;
        let since = tokio::time::Instant::now();
        let (hanging, beside) = tokio::join!(poll(&server, &begun), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            poll(&server, &begun).await
        });
        refused(&hanging, 503, "provider.unreachable");
        assert_eq!(beside.1["state"], "waiting", "nobody else asks meanwhile");
        assert!(since.elapsed() < Duration::from_secs(10), "{:?}", since.elapsed());
        assert_eq!(provider.polls().await.len(), 1);
    }

    async fn escape_sequences_never_come_through(w: World) {
        let Some(provider) = quick().await else { return };
        provider.mode(json!({ "interval": 1, "escapes": true })).await;
        let server = w.with_provider(&provider.settings()).await;
        let begun = begin(&server).await;
        for name in ["user_code", "verification_uri", "verification_uri_complete"] {
            let text = begun[name].as_str().unwrap();
            assert!(!text.chars().any(|sign| sign.is_control() || sign == '\u{202e}'), "{name}: {text:?}");
        }
    }

    async fn a_name_or_address_never_opens_what_reaches_far(w: World) {
        let Some(provider) = quick().await else { return };
        // The provider's Mallory calls itself admin; its boss has the
        // administrator's own verified e-mail.
        for rule in [FirstSignIn::Subject, FirstSignIn::Email, FirstSignIn::Name] {
            let server = w.with_provider(&OidcSettings { first_sign_in: rule, ..provider.settings() }).await;
            for account in ["s-mallory", "s-boss", "s-unproven"] {
                refused(&sign_in(&w, &server, &provider, account).await, 403, "device.no_account");
            }
        }
        // Somebody who may has to tie such an account by hand.
        let settings = provider.settings();
        let mut conn = w.app.db.write().await.unwrap();
        let admin = users::by_name(&mut conn, "admin").await.unwrap().unwrap();
        assert!(users::link(&mut conn, admin.id, &subject_key(&settings.issuer.as_ref().unwrap().0, "s-boss")).await.unwrap());
        conn.commit().await.unwrap();
        let server = w.with_provider(&settings).await;
        let (status, session) = sign_in(&w, &server, &provider, "s-boss").await;
        assert_eq!((status, &session["user"]["username"]), (200, &json!("admin")));
    }

    async fn a_name_counts_only_where_the_settings_say_so(w: World) {
        let Some(provider) = quick().await else { return };
        let by = async |rule: FirstSignIn| {
            let server = w.with_provider(&OidcSettings { first_sign_in: rule, ..provider.settings() }).await;
            sign_in(&w, &server, &provider, "s-tech").await
        };
        refused(&by(FirstSignIn::Email).await, 403, "device.no_account");
        let (status, session) = by(FirstSignIn::Name).await;
        assert_eq!((status, &session["user"]["username"]), (200, &json!("tech")));
        assert_eq!(session["user"]["roles"], json!(["technician"]), "groups that nobody maps bring nothing");
    }

    async fn who_is_disabled_here_stays_out_and_two_with_one_address_too(w: World) {
        let Some(provider) = quick().await else { return };
        let server = w.with_provider(&provider.settings()).await;
        let mut twin = user_row("twin", "staff", ("Twin", "Ortiz"), Some(w.ids.sln));
        twin.email = Some("Manager@Dealer.example".to_owned());
        let mut conn = w.app.db.write().await.unwrap();
        users::insert(&mut conn, &twin, &[grant("counter_staff", "shop", Some(w.ids.sln.to_string()))]).await.unwrap();
        let counter = users::by_name(&mut conn, "counter").await.unwrap().unwrap();
        users::set_state(&mut conn, counter.id, "disabled").await.unwrap();
        conn.commit().await.unwrap();
        for account in ["s-counter", "s-manager"] {
            refused(&sign_in(&w, &server, &provider, account).await, 403, "device.no_account");
        }
    }

    async fn a_customer_with_an_employees_address_keeps_nobody_out(w: World) {
        let Some(provider) = quick().await else { return };
        let server = w.with_provider(&provider.settings()).await;
        let mut conn = w.app.db.write().await.unwrap();
        let borrowed = users::UserRow { email: Some("counter@dealer.example".to_owned()), ..user_row("borrower", "customer", ("Bo", "Rrower"), None) };
        users::insert(&mut conn, &borrowed, &[]).await.unwrap();
        conn.commit().await.unwrap();
        let (status, session) = sign_in(&w, &server, &provider, "s-counter").await;
        assert_eq!((status, &session["user"]["username"]), (200, &json!("counter")), "{session}");
    }

    async fn who_will_be_an_administrator_is_not_found_by_what_people_choose_either(w: World) {
        let Some(provider) = quick().await else { return };
        let server = w.with_provider(&provider.settings()).await;
        let mut conn = w.app.db.write().await.unwrap();
        let counter = users::by_name(&mut conn, "counter").await.unwrap().unwrap();
        let tomorrow = At(Timestamp::now() + SignedDuration::from_hours(24));
        let to_come = NewGrant { valid_from: Some(tomorrow), ..grant("administrator", "deployment", None) };
        users::give(&mut conn, counter.id, &to_come).await.unwrap();
        conn.commit().await.unwrap();
        refused(&sign_in(&w, &server, &provider, "s-counter").await, 403, "device.no_account");
    }

    async fn what_groups_bring_and_take_stands_in_the_history_and_the_last_administrator_stays(w: World) {
        let Some(provider) = quick().await else { return };
        let brings = |groups: &str| OidcSettings { groups: GroupRoles::from_text(groups).unwrap(), ..provider.settings() };
        let west = w.with_provider(&brings("counter-west=administrator@deployment\ncounter-west=technician@shop:STK")).await;
        let (_, session) = sign_in(&w, &west, &provider, "s-counter").await;
        let roles = json!(["administrator", "counter_staff", "technician"]);
        assert_eq!(session["user"]["roles"], roles);
        let mut conn = w.app.db.write().await.unwrap();
        let admin = users::by_name(&mut conn, "admin").await.unwrap().unwrap();
        users::set_state(&mut conn, admin.id, "disabled").await.unwrap();
        conn.commit().await.unwrap();
        // Of nobody's group now: one role goes, the last administrator stays one.
        let east = w.with_provider(&brings("counter-east=technician@shop:STK")).await;
        let begun = begin(&east).await;
        provider.approve(code(&begun), "s-counter").await;
        let caller = w.with_token(until_over(&east, &begun).await.1["token"].as_str().unwrap());
        assert_eq!(caller.get("/v1/session").await.1["user"]["roles"], json!(["administrator", "counter_staff"]));
        let path = format!("/v1/users/{}/history", session["user"]["id"].as_str().unwrap());
        let (_, history) = caller.get(&path).await;
        let told: Vec<&Value> = history["items"].as_array().unwrap().iter().filter(|act| act["actor_kind"] == "identity_provider").collect();
        let acts: Vec<&str> = told.iter().map(|act| act["act"].as_str().unwrap()).collect();
        assert_eq!(acts, ["end_grant", "give_grant", "give_grant", "link_user"], "{history}");
        assert_eq!((&told[0]["changes"]["role"], &told[0]["changes"]["from_group"]), (&json!(["technician", null]), &json!(["counter-west", null])));
        assert_eq!(told[3]["changes"]["found_by"], json!([null, "e-mail"]));
    }

    async fn a_password_that_somebody_else_chose_goes_when_the_account_is_tied(w: World) {
        let mut conn = w.app.db.write().await.unwrap();
        let counter = users::by_name(&mut conn, "counter").await.unwrap().unwrap();
        let hire = users::UserRow { must_change: true, ..user_row("nobody", "staff", ("New", "Hire"), Some(w.ids.sln)) };
        users::insert(&mut conn, &hire, &[]).await.unwrap();
        assert!(users::link(&mut conn, hire.id, "x").await.unwrap() && users::link(&mut conn, counter.id, "y").await.unwrap());
        conn.commit().await.unwrap();
        let given = w.stranger().post("/v1/sessions", json!({ "username": "nobody", "password": "demo" })).await;
        refused(&given, 401, "session.refused");
        w.sign_in("counter").await;
    }

    async fn without_a_provider_the_server_says_so(w: World) {
        refused(&w.stranger().post("/v1/device-sign-ins", json!({})).await, 404, "provider.none");
        let path = format!("/v1/device-sign-ins/{}", uuid::Uuid::now_v7());
        refused(&w.stranger().post(&path, json!({ "poll_code": "x" })).await, 404, "provider.none");
    }

    async fn sign_ins_that_are_begun_and_left_are_slowed_down(w: World) {
        let Some(provider) = quick().await else { return };
        let server = w.with_provider(&provider.settings()).await;
        for _ in 0..10 {
            begin(&server).await;
        }
        refused(&server.post("/v1/device-sign-ins", json!({})).await, 429, "session.slow_down");
    }
}

//! Signing in, what a session may do, and how it ends.

use countertop::server::Arrangements;
use countertop::server::password::PasswordPolicy;
use countertop::store::{At, password_links, sessions, users};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::by_hand::{change, texts};
use super::targets::signed_in;
use crate::harness::{Answer, MailServer, each, grant, keys, refused, refused_fields, token_hash, user_row};

/// A hash that no password has.
const NOBODYS: &str = "$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// How long until a time in an answer.
fn hours_until(time: &Value) -> f64 {
    let time: Timestamp = time.as_str().expect("a time").parse().expect("RFC 3339");
    time.duration_since(Timestamp::now()).as_secs_f64() / 3_600.0
}

fn about(hours: f64, wanted: f64) -> bool {
    (hours - wanted).abs() < 0.2
}

on_both_databases! {
    async fn nobody_has_more_than_a_hundred_sessions(w: World) {
        let (first, bystander) = (w.sign_in("counter").await, w.sign_in("gm").await);
        for _ in 1..sessions::MOST_OF_ONE {
            signed_in(&w, "counter").await;
        }
        assert_eq!(first.get("/v1/session").await.0, 200, "so many he may have");
        let newest = w.sign_in("counter").await;
        refused(&first.get("/v1/session").await, 401, "session.required");
        assert_eq!((newest.get("/v1/session").await.0, bystander.get("/v1/session").await.0), (200, 200));
        let his = "SELECT s.id FROM session s JOIN user_account u ON u.id = s.user_id WHERE u.username = 'counter'";
        assert_eq!(i64::try_from(texts(&w, his).await.len()).unwrap(), sessions::MOST_OF_ONE);
    }

    async fn a_sign_in_gives_a_token_and_the_session_tells_what_it_may(w: World) {
        let (status, body) = w.stranger().post("/v1/sessions", json!({ "username": "counter", "password": "demo" })).await;
        assert_eq!(status, 201);
        assert_eq!(keys(&body), keys(&json!({ "token": 0, "expires_at": 0, "must_change_password": 0 })));
        assert_eq!(body["must_change_password"], false);
        assert!(about(hours_until(&body["expires_at"]), 7.0 * 24.0), "staff live 7 days at most: {body}");
        let (status, session) = w.with_token(body["token"].as_str().unwrap()).get("/v1/session").await;
        assert_eq!(status, 200);
        assert_eq!(session["user"]["username"], "counter");
        assert_eq!(session["user"]["name"], "Jo Ortiz");
        assert_eq!(session["user"]["kind"], "staff");
        assert_eq!(session["user"]["roles"], json!(["counter_staff"]));
        assert_eq!(session["shop"]["code"], "SLN");
        assert_eq!(session["shop"]["time_zone"], "America/Los_Angeles");
        assert_eq!(session["customer"], Value::Null);
        let scopes: Vec<&str> = session["scopes"].as_array().unwrap().iter().filter_map(|scope| scope["name"].as_str()).collect();
        assert_eq!((scopes.contains(&"San Leandro"), scopes.contains(&"Stockton"), scopes.len()), (true, true, 2), "{session}");
        let permissions = session["permissions"].as_array().unwrap();
        assert!(permissions.contains(&json!("customer.search")) && !permissions.contains(&json!("customer.dms_number.change")));
        assert!(about(hours_until(&session["expires_at"]), 12.0), "staff may stand idle 12 hours: {session}");
        assert!(session["policy_version"].as_str().is_some_and(|version| !version.is_empty()));
    }

    async fn limits_tell_what_is_granted_for_own_or_basic_only(w: World) {
        let (_, tech) = w.sign_in("tech").await.get("/v1/session").await;
        assert_eq!(tech["limits"]["customer.view"], "basic");
        assert_eq!(tech["limits"]["work_order.edit"], "own");
        assert_eq!(tech["limits"].get("meter.view"), None, "what is granted in full has no limit");
        assert!(tech["permissions"].as_array().unwrap().contains(&json!("customer.view")), "limited ones are listed as granted");
        let (_, portal) = w.sign_in("portaluser").await.get("/v1/session").await;
        assert!(portal["permissions"].as_array().unwrap().contains(&json!("meter.view")), "configurable ones ship switched on");
        assert_eq!(portal["limits"].get("meter.view"), None);
    }

    async fn sessions_live_by_the_kind_of_user(w: World) {
        for (name, most, idle) in [("counter", 168.0, 12.0), ("executive", 24.0, 1.0), ("kiosk", 24.0, 1.0 / 60.0)] {
            let (_, signed_in) = w.stranger().post("/v1/sessions", json!({ "username": name, "password": "demo" })).await;
            assert!(about(hours_until(&signed_in["expires_at"]), most), "{name}: {signed_in}");
            let (_, session) = w.with_token(signed_in["token"].as_str().unwrap()).get("/v1/session").await;
            let left = hours_until(&session["expires_at"]);
            assert!((left - idle).abs() < idle * 0.2, "{name} has {left} hours");
        }
    }

    async fn s4_11_user_names_are_the_same_in_either_case(w: World) {
        let (status, body) = w.stranger().post("/v1/sessions", json!({ "username": " Counter ", "password": "demo" })).await;
        assert_eq!(status, 201, "{body}");
        let (status, _) = w.stranger().post("/v1/sessions", json!({ "username": "counter", "password": "Demo" })).await;
        assert_eq!(status, 401, "passwords are not");
    }

    async fn a_wrong_password_an_unknown_name_and_a_locked_account_look_the_same(w: World) {
        let locked = users::UserRow { state: "locked".to_owned(), ..user_row("locked", "staff", ("Lo", "Cked"), None) };
        let mut conn = w.app.db.write().await.unwrap();
        users::insert(&mut conn, &locked, &[grant("counter_staff", "deployment", None)]).await.unwrap();
        conn.commit().await.unwrap();
        let stranger = w.stranger();
        let wrong = stranger.post("/v1/sessions", json!({ "username": "counter", "password": "guess" })).await;
        refused(&wrong, 401, "session.refused");
        for (username, password) in [("nobody", "demo"), ("locked", "demo"), ("counter", "")] {
            let answer = stranger.post("/v1/sessions", json!({ "username": username, "password": password })).await;
            assert_eq!(answer, wrong, "{username}");
        }
    }

    async fn guessing_is_slowed_down_alike_for_known_and_unknown_names(w: World) {
        let guess = async |username: &str| {
            let body = json!({ "username": username, "password": "guess" }).to_string().into_bytes();
            // A proxy on this machine asks for somebody far away.
            w.stranger().send("POST", "/v1/sessions", &[("x-forwarded-for", "203.0.113.9")], Some(body)).await
        };
        for username in ["counter", "nobody"] {
            for _ in 0..10 {
                assert_eq!(guess(username).await.status, 401, "{username}");
            }
        }
        let (known, unknown) = (guess("counter").await, guess("nobody").await);
        for braked in [&known, &unknown] {
            refused(&(braked.status, braked.json()), 429, "session.slow_down");
            assert!((1..=3).contains(&braked.header("retry-after").parse::<u64>().unwrap()), "{}", braked.text);
        }
        let members = |answer: &Answer| keys(&answer.json());
        assert_eq!(members(&known), members(&unknown));
        // The counter itself signs in at its own place, and others everywhere.
        w.sign_in("manager").await;
        tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
        w.sign_in("counter").await;
        for _ in 0..12 {
            guess("counter").await;
        }
        w.sign_in("counter").await;
    }

    async fn s2_6_a_password_from_somebody_else_is_changed_before_anything_else(w: World) {
        let row = users::UserRow { must_change: true, ..user_row("new-hire", "staff", ("New", "Hire"), Some(w.ids.sln)) };
        let mut conn = w.app.db.write().await.unwrap();
        users::insert(&mut conn, &row, &[grant("counter_staff", "shop", Some(w.ids.sln.to_string()))]).await.unwrap();
        conn.commit().await.unwrap();
        let (hire, elsewhere) = (w.sign_in("new-hire").await, w.sign_in("new-hire").await);
        assert_eq!(hire.get("/v1/session").await.1["must_change_password"], true);
        for refusal in [hire.find("/v1/customers", &[("q", "keller")]).await, hire.post("/v1/customers", json!({ "name": "X", "number": "1" })).await] {
            refused(&refusal, 403, "password.must_change");
        }
        let change = async |current: &str, new: &str| hire.put("/v1/session/password", json!({ "current": current, "new": new }), None).await;
        refused_fields(&change("wrong", "truck stop pie").await, &["current"]);
        for bad in ["short", "Password123", "new-hire"] {
            refused_fields(&change("demo", bad).await, &["new"]);
        }
        let (status, session) = change("demo", "truck stop pie").await;
        assert_eq!((status, &session["must_change_password"]), (200, &json!(false)));
        assert_eq!(hire.find("/v1/customers", &[("q", "keller")]).await.0, 200, "and goes on where it is");
        refused(&elsewhere.get("/v1/session").await, 401, "session.required");
        let old = w.stranger().post("/v1/sessions", json!({ "username": "new-hire", "password": "demo" })).await;
        refused(&old, 401, "session.refused");
        let new = w.stranger().post("/v1/sessions", json!({ "username": "new-hire", "password": "truck stop pie" })).await;
        assert_eq!((new.0, &new.1["must_change_password"]), (201, &json!(false)));
    }

    async fn a_dealer_may_ask_for_longer_passwords(w: World) {
        let strict = w.beside(Arrangements { password_policy: PasswordPolicy { shortest: 15 }, ..Arrangements::default() }).await;
        let counter = strict.joined_by(&w.sign_in("counter").await);
        let change = async |new: &str| counter.put("/v1/session/password", json!({ "current": "demo", "new": new }), None).await;
        let refusal = change("truck stop pie").await;
        refused_fields(&refusal, &["new"]);
        assert_eq!(refusal.1["fields"]["new"], "a password has at least 15 characters");
        let page = strict.stranger().send("GET", "/set-password", &[], None).await;
        assert!(page.text.contains("New password, at least 15 characters"), "{}", page.text);
        assert_eq!(change("truck stop pies").await.0, 200);
    }

    async fn a_sign_in_under_way_outlives_neither_a_new_password_nor_a_closed_account(w: World) {
        let demo = json!({ "username": "counter", "password": "demo" });
        for closes in [false, true] {
            let mut conn = w.app.db.write().await.unwrap();
            let counter = users::by_name(&mut conn, "counter").await.unwrap().unwrap();
            if closes {
                users::set_state(&mut conn, counter.id, "disabled").await.unwrap();
            } else {
                users::give_password(&mut conn, counter.id, NOBODYS, false).await.unwrap();
            }
            // The old password is looked at while this is not committed yet.
            let under_way = tokio::spawn({
                let (stranger, demo) = (w.stranger(), demo.clone());
                async move { stranger.post("/v1/sessions", demo).await }
            });
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
            conn.commit().await.unwrap();
            refused(&under_way.await.unwrap(), 401, "session.refused");
            let mut conn = w.app.db.write().await.unwrap();
            assert!(sessions::of_user(&mut conn, counter.id).await.unwrap().is_empty());
            users::give_password(&mut conn, counter.id, &counter.password_hash, false).await.unwrap();
            conn.commit().await.unwrap();
        }
    }

    async fn a_password_is_looked_at_and_hashed_while_others_write(w: World) {
        let counter = w.sign_in("counter").await;
        let change = async |current: &str| counter.put("/v1/session/password", json!({ "current": current, "new": "four words of mine" }), None).await;
        let mut conn = w.app.db.write().await.unwrap();
        let user = users::by_name(&mut conn, "counter").await.unwrap().unwrap();
        let wrong = tokio::time::timeout(std::time::Duration::from_secs(5), change("wrong")).await;
        refused_fields(&wrong.expect("told without a turn at the writer"), &["current"]);
        // One that was looked at before another was given sets nothing.
        users::give_password(&mut conn, user.id, NOBODYS, false).await.unwrap();
        let under_way = tokio::spawn({
            let counter = counter.clone();
            async move { counter.put("/v1/session/password", json!({ "current": "demo", "new": "words of a thief" }), None).await }
        });
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        conn.commit().await.unwrap();
        assert!(matches!(under_way.await.unwrap().0, 401 | 422));
        let thief = w.stranger().post("/v1/sessions", json!({ "username": "counter", "password": "words of a thief" })).await;
        refused(&thief, 401, "session.refused");
    }

    async fn a_mailed_link_is_good_once_and_only_while_nothing_else_happened(w: World) {
        let link = async |code: &str, username: &str| {
            let mut conn = w.app.db.write().await.unwrap();
            let user = users::by_name(&mut conn, username).await.unwrap().unwrap().id;
            let ends_at = At(Timestamp::now() + SignedDuration::from_hours(1));
            password_links::add(&mut conn, user, &token_hash(code), ends_at).await.unwrap();
            conn.commit().await.unwrap();
            user
        };
        let set = async |code: &str| w.stranger().post("/v1/password-links", json!({ "code": code, "new": "words of my own" })).await;
        link("a", "counter").await;
        let (one, two) = tokio::join!(set("a"), set("a"));
        let (good, bad) = if one.0 == 200 { (one, two) } else { (two, one) };
        assert_eq!(good.0, 200, "{}", good.1);
        refused(&bad, 422, "link.bad");
        // Whoever found a password of his own has no use for one that lies in a mailbox.
        link("b", "manager").await;
        let own = json!({ "current": "demo", "new": "four words of mine" });
        assert_eq!(w.sign_in("manager").await.put("/v1/session/password", own, None).await.0, 200);
        refused(&set("b").await, 422, "link.bad");
        // Nor does it wait for an account to be opened again.
        let tech = link("c", "tech").await;
        for state in ["disabled", "active"] {
            let mut conn = w.app.db.write().await.unwrap();
            users::set_state(&mut conn, tech, state).await.unwrap();
            conn.commit().await.unwrap();
            refused(&set("c").await, 422, "link.bad");
        }
    }

    async fn a_mailed_link_is_good_for_24_hours(w: World) {
        let post = MailServer::start().await;
        let mailing = w.beside(post.arrangements()).await;
        let mut conn = w.app.db.read().await.unwrap();
        let counter = users::by_name(&mut conn, "counter").await.unwrap().unwrap().id;
        drop(conn);
        let (status, sent) = mailing.sign_in("admin").await.post(&format!("/v1/users/{counter}/password-link"), json!({})).await;
        assert_eq!(status, 201, "{sent}");
        assert!(about(hours_until(&sent["ends_at"]), 24.0), "{sent}");
        let code = post.wait_for(1).await[0].code();
        let set = async |new: &str| w.stranger().post("/v1/password-links", json!({ "code": code, "new": new })).await;
        let wait = async |minutes: i64| {
            let micros = (minutes * 60_000_000).to_string();
            assert_eq!(change(&w, "UPDATE password_link SET ends_at = ends_at - CAST($1 AS BIGINT)", &[&micros]).await, 1);
        };
        wait(24 * 60 - 1).await;
        refused_fields(&set("short").await, &["new"]);
        wait(2).await;
        for new in ["short", "words of my own"] {
            refused(&set(new).await, 422, "link.bad");
        }
        w.sign_in("counter").await;
    }

    async fn behind_a_proxy_only_the_proxys_own_word_counts(w: World) {
        let body = json!({ "username": "counter", "password": "demo" }).to_string().into_bytes();
        let told = [("x-forwarded-for", "192.0.2.1"), ("x-forwarded-for", "198.51.100.2, 203.0.113.9")];
        let answer = w.stranger().send("POST", "/v1/sessions", &told, Some(body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let counter = w.with_token(answer.json()["token"].as_str().unwrap());
        assert_eq!(each(&counter.get("/v1/sessions").await.1, "/came_from"), ["203.0.113.9"]);
    }

    async fn without_a_good_token_everything_is_401(w: World) {
        let path = "/v1/session";
        refused(&w.stranger().get(path).await, 401, "session.required");
        refused(&w.with_token("0123456789abcdef").get(path).await, 401, "session.required");
        for header in ["Basic Y291bnRlcjpkZW1v", "Bearer", "Bearer  ", "bogus"] {
            let answer = w.stranger().send("GET", path, &[("authorization", header)], None).await;
            assert_eq!(answer.status, 401, "{header:?}");
            assert_eq!(answer.header("content-type"), "application/problem+json");
        }
    }

    async fn signing_out_ends_the_session_and_no_other(w: World) {
        let (first, second) = (w.sign_in("counter").await, w.sign_in("counter").await);
        let (status, body) = first.delete("/v1/session").await;
        assert_eq!((status, body), (204, Value::Null));
        refused(&first.get("/v1/session").await, 401, "session.required");
        assert_eq!(second.get("/v1/session").await.0, 200);
    }

    async fn a_token_is_kept_as_its_hash_only(w: World) {
        let counter = w.sign_in("counter").await;
        let token = counter.token.as_deref().unwrap();
        let mut conn = w.app.db.read().await.unwrap();
        assert!(sessions::of_token(&mut conn, token).await.unwrap().is_none());
        let session = sessions::of_token(&mut conn, &token_hash(token)).await.unwrap().expect("found by the hash");
        let user = users::by_id(&mut conn, session.user_id).await.unwrap().unwrap();
        assert_eq!(user.username, "counter");
        drop(conn);
        let thief = w.with_token(&token_hash(token));
        refused(&thief.get("/v1/session").await, 401, "session.required");
    }

    async fn a_session_ends_with_its_time_and_with_its_idle_time(w: World) {
        let user = w.add_user("short", "staff", &[grant("counter_staff", "deployment", None)]).await;
        let (hour, now) = (SignedDuration::from_hours(1), Timestamp::now());
        let good = w.open_session(user, hour, now + hour).await;
        assert_eq!(good.get("/v1/session").await.0, 200);
        let over = w.open_session(user, hour, now - SignedDuration::from_secs(1)).await;
        refused(&over.get("/v1/session").await, 401, "session.required");
        let idle = w.open_session(user, SignedDuration::from_micros(1), now + hour).await;
        refused(&idle.get("/v1/session").await, 401, "session.required");
    }

    async fn use_keeps_a_session_alive_beyond_its_idle_time(w: World) {
        let user = w.add_user("busy", "staff", &[grant("counter_staff", "deployment", None)]).await;
        let busy = w.open_session(user, SignedDuration::from_secs(4), Timestamp::now() + SignedDuration::from_hours(1)).await;
        for _ in 0..8 {
            tokio::time::sleep(std::time::Duration::from_millis(700)).await;
            assert_eq!(busy.get("/v1/session").await.0, 200, "used every 0.7 s of 4");
        }
    }

    async fn many_who_come_back_at_once_do_not_wait_for_each_other(w: World) {
        let mut conn = w.app.db.read().await.unwrap();
        let counter = users::by_name(&mut conn, "counter").await.unwrap().unwrap().id;
        drop(conn);
        let mut back = Vec::new();
        for _ in 0..40 {
            // So short an idle time that every call is worth noting.
            back.push(w.open_session(counter, SignedDuration::from_secs(10), Timestamp::now() + SignedDuration::from_hours(1)).await);
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let calls: Vec<_> = back.into_iter().map(|session| tokio::spawn(async move { session.get("/v1/session").await.0 })).collect();
        for call in calls {
            assert_eq!(call.await.unwrap(), 200, "nobody waited until the pool gave up");
        }
    }

    async fn s3_1_one_works_in_one_shop_at_a_time_and_changes_it(w: World) {
        let counter = w.sign_in("counter").await;
        let number = async || {
            let (_, found) = counter.find("/v1/customers", &[("q", "talus")]).await;
            found["items"][0]["number"].as_str().unwrap_or("(none)").to_owned()
        };
        assert_eq!(number().await, "P-7741");
        let (status, session) = counter.patch("/v1/session", json!({ "shop": "STK" }), None).await;
        assert_eq!((status, session["shop"]["code"].as_str()), (200, Some("STK")));
        assert_eq!(counter.get("/v1/session").await.1["shop"]["code"], "STK", "it stays so");
        assert_eq!(number().await, "20990", "the number of the session's shop");
        assert_eq!(w.sign_in("counter").await.get("/v1/session").await.1["shop"]["code"], "SLN", "a new session starts at home");
        let (status, session) = counter.patch("/v1/session", json!({ "shop": w.ids.sln.to_string() }), None).await;
        assert_eq!((status, session["shop"]["code"].as_str()), (200, Some("SLN")), "by id too");
    }

    async fn a_shop_beyond_ones_scope_looks_like_none(w: World) {
        let counter = w.sign_in("counter").await;
        let unknown = counter.patch("/v1/session", json!({ "shop": "XYZ" }), None).await;
        refused(&unknown, 404, "not_found");
        assert_eq!(counter.patch("/v1/session", json!({ "shop": "RNO" }), None).await, unknown);
        assert_eq!(w.sign_in("executive").await.patch("/v1/session", json!({ "shop": "SLN" }), None).await, unknown, "a customer's person works in no shop");
        refused_fields(&counter.patch("/v1/session", json!({}), None).await, &["shop"]);
        assert_eq!(counter.get("/v1/session").await.1["shop"]["code"], "SLN");
    }

    async fn s0_8_somebody_of_two_customers_looks_at_one_at_a_time(w: World) {
        let grants = [w.ids.keller, w.ids.waco].map(|customer| grant("executive", "customer", Some(customer.to_string())));
        w.add_user("both", "customer", &grants).await;
        let both = w.sign_in("both").await;
        assert_eq!(both.get("/v1/session").await.1["customer"], Value::Null, "nothing is chosen for them");
        let codes = async || {
            let (_, owners) = both.get("/v1/organizations").await;
            crate::harness::each(&owners, "/code").join(" ")
        };
        assert_eq!(codes().await, "KELLER WACO-ST");
        let (status, session) = both.patch("/v1/session", json!({ "customer": w.ids.waco }), None).await;
        assert_eq!((status, session["customer"]["name"].as_str()), (200, Some("City of Waco")));
        assert_eq!(session["customer"]["number"], "10880");
        assert_eq!(codes().await, "WACO-ST");
        assert_eq!(both.get(&format!("/v1/assets/{}", w.ids.excavator)).await.0, 404, "the other customer's machine is out of sight");
        let (status, _) = both.patch("/v1/session", json!({ "customer": w.ids.keller }), None).await;
        assert_eq!((status, codes().await.as_str()), (200, "KELLER"));
        refused(&both.patch("/v1/session", json!({ "customer": w.ids.talus }), None).await, 404, "not_found");
    }

    async fn a_customers_person_sees_its_customer_in_the_session(w: World) {
        let (_, session) = w.sign_in("executive").await.get("/v1/session").await;
        assert_eq!(session["customer"]["name"], "Keller Bau GmbH");
        assert_eq!(session["customer"]["number"], "10442");
        assert_eq!(session["shop"], Value::Null);
        assert_eq!(session["scopes"][0]["kind"], "customer");
    }

    async fn a_record_beyond_ones_scope_looks_like_one_that_does_not_exist(w: World) {
        let counter = w.sign_in("counter").await;
        let nowhere = counter.get(&format!("/v1/customers/{}", uuid::Uuid::now_v7())).await;
        refused(&nowhere, 404, "not_found");
        assert_eq!(keys(&nowhere.1), keys(&json!({ "type": 0, "title": 0, "status": 0, "detail": 0, "code": 0 })));
        assert_eq!(nowhere.1["status"], 404);
        for id in [w.ids.sagebrush.to_string(), "not-an-id".to_owned()] {
            assert_eq!(counter.get(&format!("/v1/customers/{id}")).await, nowhere, "{id}");
        }
        for path in ["", "/identification", "/meters", "/service-requests", "/repairs"] {
            assert_eq!(counter.get(&format!("/v1/assets/{}{path}", w.ids.sagebrush_88)).await, nowhere, "{path}");
        }
        assert_eq!(w.sign_in("gm").await.get(&format!("/v1/customers/{}", w.ids.sagebrush)).await.0, 200);
    }
}

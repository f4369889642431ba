//! Workshop terminals: enrolled with a token of their own, working without a
//! person within a short list, and the dealer's settings for all of them (S2-3
//! … S2-5, S4-1).

use std::collections::BTreeSet;

use countertop::api::ids::KioskId;
use countertop::store::{kiosks, settings};
use serde_json::{Value, json};

use super::by_hand;
use super::targets::signed_in;
use crate::harness::{Answer, Caller, World, each, refused, refused_by_role, refused_fields, token_hash};

/// A terminal with its token.
struct Enrolled {
    path: String,
    id: KioskId,
    token: String,
}

async fn enrol(admin: &Caller, label: &str, more: Value) -> Enrolled {
    let (status, made) = admin.post("/v1/kiosks", json!({ "label": label, "shop": "SLN", "settings": more })).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap();
    Enrolled { path: format!("/v1/kiosks/{id}"), id: id.parse().unwrap(), token: made["device_token"].as_str().unwrap().to_owned() }
}

async fn begin(w: &World, token: &str) -> (u16, Value) {
    w.stranger().post("/v1/kiosk-sessions", json!({ "device_token": token })).await
}

async fn at(w: &World, terminal: &Enrolled) -> Caller {
    let (status, session) = begin(w, &terminal.token).await;
    assert_eq!(status, 201, "{session}");
    w.with_token(session["token"].as_str().unwrap())
}

async fn permissions(caller: &Caller) -> BTreeSet<String> {
    let (status, session) = caller.get("/v1/session").await;
    assert_eq!(status, 200, "{session}");
    serde_json::from_value(session["permissions"].clone()).unwrap()
}

async fn set_portal(admin: &Caller, change: Value) {
    let (status, now) = admin.patch("/v1/portal-settings", change, None).await;
    assert_eq!(status, 200, "{now}");
}

on_both_databases! {
    async fn s2_4_a_terminal_is_enrolled_once_and_works_without_a_person(w: World) {
        let admin = signed_in(&w, "admin").await;
        let bay = enrol(&admin, "Bay 4", json!({})).await;
        let terminal = at(&w, &bay).await;
        let (_, session) = terminal.get("/v1/session").await;
        assert_eq!((&session["user"]["kind"], &session["user"]["name"], &session["shop"]["code"]), (&json!("kiosk"), &json!("Bay 4"), &json!("SLN")));
        assert_eq!(terminal.post(&format!("/v1/assets/{}/readings", w.ids.excavator), json!({ "value": "12904" })).await.0, 201);
        let (_, list) = admin.get("/v1/kiosks").await;
        assert_eq!((each(&list, "/label"), each(&list, "/shop/code")), (vec!["Bay 4"], vec!["SLN"]));
        refused_fields(&admin.post("/v1/kiosks", json!({ "label": "Bay 4", "shop": "SLN" })).await, &["label"]);
        refused_fields(&admin.post("/v1/kiosks", json!({ "label": "", "shop": "XYZ", "settings": { "idle_seconds": 9 } })).await, &["label", "shop", "idle_seconds"]);
        for other in ["gm", "manager", "counter"] {
            refused_by_role(&signed_in(&w, other).await.get("/v1/kiosks").await, &["portal_settings.manage"]);
        }
    }

    async fn s2_4_its_token_is_shown_once_and_kept_hashed(w: World) {
        let admin = signed_in(&w, "admin").await;
        let body = json!({ "label": "Bay 4", "shop": "SLN" });
        let first = admin.post_with_key("/v1/kiosks", "enrol", body.clone()).await;
        let token = first.json()["device_token"].as_str().unwrap().to_owned();
        let again = admin.post_with_key("/v1/kiosks", "enrol", body).await;
        assert!(!again.text.contains(&token) && again.status == 422, "a kept answer would be a token in the database: {}", again.text);
        assert!(!admin.get("/v1/kiosks").await.1.to_string().contains(&token));
        let mut conn = w.app.db.read().await.unwrap();
        assert!(kiosks::of_token(&mut conn, &token).await.unwrap().is_none());
        assert!(kiosks::of_token(&mut conn, &token_hash(&token)).await.unwrap().is_some());
        drop(conn);
        let kept = by_hand::texts(&w, "SELECT token_hash || label || allowed_actions FROM kiosk_device").await;
        assert!(kept.iter().chain(&by_hand::audit(&w).await).all(|row| !row.contains(&token)));
        // Neither the hash nor a guess is a token, and all are answered alike.
        let answers = [begin(&w, &token_hash(&token)).await, begin(&w, "guess").await, begin(&w, "").await];
        for answer in &answers {
            refused(answer, 401, "session.required");
            assert_eq!(answer.1, answers[0].1);
        }
        assert_eq!(begin(&w, &format!(" {token} ")).await.0, 201);
        assert_eq!(w.with_token(&token).get("/v1/session").await.0, 401, "it opens sessions and is none");
    }

    async fn s2_4_its_own_short_list_is_all_that_it_may(w: World) {
        let admin = signed_in(&w, "admin").await;
        let bay = enrol(&admin, "Bay 4", json!({ "allowed_actions": ["asset.lookup", "meter.reading.add_edit"] })).await;
        let terminal = at(&w, &bay).await;
        assert_eq!(permissions(&terminal).await, BTreeSet::from(["asset.lookup".to_owned(), "meter.reading.add_edit".to_owned()]));
        assert_eq!(terminal.get("/v1/assets/lookup?tag=1042").await.0, 200);
        refused_by_role(&terminal.get(&format!("/v1/assets/{}/meters", w.ids.excavator)).await, &["meter.view"]);
        refused_by_role(&terminal.post("/v1/service-requests", json!({ "unit_number": "1043", "complaint": "x" })).await, &["service_request.add_edit"]);
        // A list shortens the template and never widens it.
        for beyond in ["customer.search", "price.view", "service_request.view"] {
            refused_fields(&admin.patch(&bay.path, json!({ "allowed_actions": [beyond] }), None).await, &["allowed_actions"]);
        }
        assert_eq!(admin.patch(&bay.path, json!({ "allowed_actions": [] }), None).await.0, 200);
        assert_eq!(permissions(&at(&w, &bay).await).await, BTreeSet::new());
    }

    async fn s2_4_another_shop_is_out_of_its_reach(w: World) {
        let admin = signed_in(&w, "admin").await;
        let terminal = at(&w, &enrol(&admin, "Bay 4", json!({})).await).await;
        for beyond in [w.ids.sagebrush_88, w.ids.rental, w.ids.stock] {
            refused(&terminal.get(&format!("/v1/assets/{beyond}")).await, 404, "not_found");
            refused(&terminal.post(&format!("/v1/assets/{beyond}/readings"), json!({ "value": "1" })).await, 404, "not_found");
        }
        assert_eq!(terminal.get("/v1/assets/lookup?tag=NVK-118").await.1["items"], json!([]));
        refused(&terminal.patch("/v1/session", json!({ "shop": "RNO" }), None).await, 404, "not_found");
        refused(&terminal.patch("/v1/session", json!({ "shop": "STK" }), None).await, 404, "not_found");
    }

    async fn s2_4_what_is_changed_on_a_terminal_ends_what_runs_on_it(w: World) {
        let admin = signed_in(&w, "admin").await;
        let bay = enrol(&admin, "Bay 4", json!({})).await;
        let (before, one) = (at(&w, &bay).await, at(&w, &bay).await);
        refused(&before.get("/v1/session").await, 401, "session.required");
        refused(&admin.patch(&bay.path, json!({ "idle_seconds": 30 }), Some(7)).await, 412, "version.stale");
        assert_eq!(one.get("/v1/session").await.0, 200);
        assert_eq!(admin.patch(&bay.path, json!({}), Some(1)).await.0, 200);
        assert_eq!(one.get("/v1/session").await.0, 200, "nothing was changed");
        assert_eq!(admin.patch(&bay.path, json!({ "idle_seconds": 30 }), Some(1)).await.0, 200);
        refused(&one.get("/v1/session").await, 401, "session.required");
        let now = at(&w, &bay).await;
        assert_eq!(now.get("/v1/session").await.1["idle_seconds"], 30);
        // Its token taken away, it is a stranger.
        assert_eq!(admin.patch(&bay.path, json!({ "active": false }), None).await.0, 200);
        refused(&now.get("/v1/session").await, 401, "session.required");
        refused(&begin(&w, &bay.token).await, 401, "session.required");
        let mut conn = w.app.db.read().await.unwrap();
        assert!(kiosks::get(&mut conn, bay.id).await.unwrap().is_some_and(|row| !row.is_active), "kept, for the history");
        drop(conn);
        assert_eq!(admin.patch(&bay.path, json!({ "active": true }), None).await.0, 200);
        assert_eq!(begin(&w, &bay.token).await.0, 201);
    }

    async fn s2_4_a_token_in_wrong_hands_is_replaced(w: World) {
        let admin = signed_in(&w, "admin").await;
        let bay = enrol(&admin, "Bay 4", json!({})).await;
        let terminal = at(&w, &bay).await;
        let replace = async || admin.post_with_key(&format!("{}/token", bay.path), "k", json!({})).await;
        let (one, two) = (replace().await, replace().await);
        assert_eq!((one.status, two.status, &two.json()["label"], two.version()), (201, 201, &json!("Bay 4"), Some(3)), "{}", two.text);
        refused(&terminal.get("/v1/session").await, 401, "session.required");
        let token = |answer: &Answer| answer.json()["device_token"].as_str().unwrap().to_owned();
        for gone in [&bay.token, &token(&one)] {
            refused(&begin(&w, gone).await, 401, "session.required");
        }
        assert_eq!(begin(&w, &token(&two)).await.0, 201, "no answer with a token is kept for a repeat");
        refused_by_role(&signed_in(&w, "gm").await.post(&format!("{}/token", bay.path), json!({})).await, &["portal_settings.manage"]);
        refused(&admin.post(&format!("/v1/kiosks/{}/token", KioskId::new()), json!({})).await, 404, "not_found");
        let rows = by_hand::audit(&w).await;
        assert!(rows.iter().any(|row| row.contains(" replace_kiosk_token ")) && rows.iter().all(|row| !row.contains(&token(&two))));
    }

    async fn what_is_no_token_waits_for_nobody_who_writes(w: World) {
        let conn = w.app.db.write().await.unwrap();
        let answer = tokio::time::timeout(std::time::Duration::from_secs(5), begin(&w, "guess")).await.expect("told without a turn at the writer");
        refused(&answer, 401, "session.required");
        drop(conn);
    }

    async fn s2_4_where_somebody_has_to_sign_in_a_terminal_alone_gets_nowhere(w: World) {
        let admin = signed_in(&w, "admin").await;
        let (bay, hall) = (enrol(&admin, "Bay 4", json!({})).await, enrol(&admin, "Hall", json!({ "login_required": true })).await);
        refused(&begin(&w, &hall.token).await, 403, "kiosk.login_required");
        let terminal = at(&w, &bay).await;
        set_portal(&admin, json!({ "login_required": true })).await;
        refused(&terminal.get("/v1/assets/lookup?tag=1042").await, 403, "kiosk.login_required");
        refused(&begin(&w, &bay.token).await, 403, "kiosk.login_required");
        let customer = signed_in(&w, "executive").await;
        assert_eq!(customer.get("/v1/session").await.0, 200, "whoever signs in gets in");
        set_portal(&admin, json!({ "login_required": false })).await;
        assert_eq!(terminal.get("/v1/assets/lookup?tag=1042").await.0, 200, "with the next call");
        refused(&begin(&w, &hall.token).await, 403, "kiosk.login_required");
    }

    async fn s4_1_a_portal_that_is_off_is_off_for_customers_and_terminals_at_once(w: World) {
        let admin = signed_in(&w, "admin").await;
        let bay = enrol(&admin, "Bay 4", json!({})).await;
        let (terminal, customer, counter) = (at(&w, &bay).await, signed_in(&w, "executive").await, signed_in(&w, "counter").await);
        set_portal(&admin, json!({ "enabled": false })).await;
        for caller in [&terminal, &customer] {
            refused(&caller.get("/v1/session").await, 403, "portal.off");
            refused(&caller.get("/v1/assets/lookup?tag=1042").await, 403, "portal.off");
        }
        refused(&begin(&w, &bay.token).await, 403, "portal.off");
        let again = w.stranger().post("/v1/sessions", json!({ "username": "executive", "password": "demo" })).await;
        refused(&again, 403, "portal.off");
        refused(&w.stranger().post("/v1/sessions", json!({ "username": "executive", "password": "guess" })).await, 401, "session.refused");
        assert_eq!(counter.get("/v1/assets/lookup?tag=1042").await.0, 200, "the dealer's people go on");
        set_portal(&admin, json!({ "enabled": true })).await;
        assert_eq!(customer.get("/v1/session").await.0, 200);
    }

    async fn s2_5_printing_and_what_is_configurable_is_switched_off_for_portals_only(w: World) {
        let admin = signed_in(&w, "admin").await;
        let (portal, executive, manager) = (signed_in(&w, "portaluser").await, signed_in(&w, "executive").await, signed_in(&w, "manager").await);
        let holds = async |caller: &Caller, name: &str| permissions(caller).await.contains(name);
        let before = portal.get("/v1/session").await.1["policy_version"].clone();
        assert!(holds(&portal, "work_order.print").await && holds(&portal, "meter.view").await);
        set_portal(&admin, json!({ "allows_printing": false, "switched_off": ["meter.view", "pm.view"] })).await;
        for (caller, prints, reads) in [(&portal, false, false), (&executive, false, true), (&manager, true, true)] {
            assert_eq!((holds(caller, "work_order.print").await, holds(caller, "meter.view").await), (prints, reads));
        }
        refused_by_role(&portal.get(&format!("/v1/assets/{}/meters", w.ids.excavator)).await, &["meter.view"]);
        assert_ne!(portal.get("/v1/session").await.1["policy_version"], before, "G-2: the terminal learns of it");
        refused_fields(&admin.patch("/v1/portal-settings", json!({ "switched_off": ["price.view"] }), None).await, &["switched_off"]);
        let (_, settings) = admin.get("/v1/portal-settings").await;
        assert_eq!(settings["switched_off"], json!(["meter.view", "pm.view"]));
        set_portal(&admin, json!({ "allows_printing": true, "switched_off": [] })).await;
        assert!(holds(&portal, "work_order.print").await && holds(&portal, "meter.view").await);
    }

    async fn rule_8_4_a_terminals_password_is_good_in_demo_data_only(w: World) {
        w.sign_in("kiosk").await;
        let gone = by_hand::change(&w, "DELETE FROM setting WHERE name = $1", &[settings::DEMO]).await;
        assert_eq!(gone, 1);
        let sign_in = |username: &str, password: &str| json!({ "username": username, "password": password });
        let right = w.stranger().post("/v1/sessions", sign_in("kiosk", "demo")).await;
        refused(&right, 401, "session.refused");
        assert_eq!(right, w.stranger().post("/v1/sessions", sign_in("kiosk", "guess")).await, "nobody learns that it was right");
        w.sign_in("counter").await;
        // A terminal that is enrolled needs no password, and has none.
        let admin = signed_in(&w, "admin").await;
        let terminal = at(&w, &enrol(&admin, "Bay 4", json!({})).await).await;
        let username = terminal.get("/v1/session").await.1["user"]["username"].as_str().unwrap().to_owned();
        refused(&w.stranger().post("/v1/sessions", sign_in(&username, "")).await, 401, "session.refused");
    }
}

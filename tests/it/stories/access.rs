//! Who gets in and how far: grants, accounts that may not sign in, sections
//! that are denied (S2-2, S2-4, S2-10, S2-50, I-4, I-5, G-5, G-8, G-9).

use std::time::Duration;

use countertop::store::{Db, users};
use serde_json::json;

use crate::harness::{grant, refused, refused_by_role};

/// The sections of an asset and whether each is denied.
fn denied(asset: &serde_json::Value) -> Vec<(&str, bool)> {
    asset["sections"].as_object().unwrap().iter().map(|(name, section)| (name.as_str(), section["access"] == "denied")).collect()
}

on_both_databases! {
    async fn s2_2_a_grant_is_a_user_a_role_and_a_scope(w: World) {
        let grants = [grant("portal_user", "customer", Some(w.ids.keller.to_string())), grant("executive", "customer", Some(w.ids.talus.to_string()))];
        w.add_user("two-customers", "customer", &grants).await;
        let both = w.sign_in("two-customers").await;
        let fleet = |customer| format!("/v1/customers/{customer}/assets");
        let path = format!("/v1/assets/{}", w.ids.excavator);
        assert_eq!(both.get(&path).await.0, 200, "a portal user finds the machines of Keller");
        assert_eq!(both.get(&fleet(w.ids.talus)).await.0, 200, "the executive of Talus lists its fleet");
        refused(&both.get(&fleet(w.ids.keller)).await, 404, "not_found");
        w.add_user("no-grant", "customer", &[]).await;
        refused_by_role(&w.sign_in("no-grant").await.get(&path).await, &["asset.lookup"]);
    }

    async fn s2_4_without_a_sign_in_a_kiosk_reaches_the_portals_owners_of_its_shop(w: World) {
        let kiosk = w.sign_in("kiosk").await;
        assert_eq!(kiosk.get(&format!("/v1/assets/{}", w.ids.excavator)).await.0, 200);
        for beyond in [w.ids.rental, w.ids.sagebrush_88] {
            refused(&kiosk.get(&format!("/v1/assets/{beyond}")).await, 404, "not_found");
        }
        refused_by_role(&kiosk.find("/v1/customers", &[("q", "keller")]).await, &["customer.search"]);
    }

    async fn s2_10_g_9_an_asset_opens_without_the_sections_that_are_denied(w: World) {
        let kiosk = w.sign_in("kiosk").await;
        let (status, asset) = kiosk.get(&format!("/v1/assets/{}", w.ids.excavator)).await;
        assert_eq!((status, &asset["asset_number"], &asset["make"]), (200, &json!("1042"), &json!("Caterpillar")));
        assert_eq!(denied(&asset), [("identification", false), ("meters", false), ("repairs", true), ("service_requests", true)], "{asset}");
        let acts = json!({ "complaint": "left mirror broken" });
        assert_eq!(kiosk.post(&format!("/v1/assets/{}/service-requests", w.ids.excavator), acts).await.0, 201, "what it may do is still offered");
        // Who may not look it up does not learn that much.
        refused_by_role(&w.sign_in("accounts").await.get(&format!("/v1/assets/{}", w.ids.excavator)).await, &["asset.lookup"]);
    }

    async fn g_9_whose_machine_it_is_and_its_plate_are_shown_as_far_as_that_may_be_seen(w: World) {
        let admin = w.sign_in("admin").await;
        assert_eq!(admin.post("/v1/roles", json!({ "copy_of": "counter_staff", "key": "porter", "name": "Porter" })).await.0, 201);
        let hidden = json!({ "permissions": { "asset.identification.view": "no" } });
        assert_eq!(admin.patch("/v1/roles/porter", hidden, None).await.0, 200);
        let everywhere = grant("porter", "deployment", None);
        w.add_user("porter", "staff", std::slice::from_ref(&everywhere)).await;
        w.add_user("porter-sln", "staff", &[everywhere, grant("counter_staff", "shop", Some(w.ids.sln.to_string()))]).await;
        let shown = |header: &serde_json::Value| (header["asset_number"].clone(), header.get("customer").is_some(), header.get("plate").is_some());
        for (name, sees) in [("counter", true), ("porter", false), ("porter-sln", false)] {
            let caller = w.sign_in(name).await;
            let (_, asset) = caller.get(&format!("/v1/assets/{}", w.ids.excavator)).await;
            assert_eq!(shown(&asset), (json!("1042"), sees, sees), "{name}: {asset}");
            let (_, found) = caller.find("/v1/assets/lookup", &[("tag", "1042")]).await;
            assert_eq!(shown(&found["items"][0]["asset"]), (json!("1042"), sees, sees), "{name}: {found}");
            let (_, fleet) = caller.get(&format!("/v1/customers/{}/assets", w.ids.keller)).await;
            assert!(fleet["items"].as_array().unwrap().iter().all(|asset| shown(asset).1 == sees), "{name}: {fleet}");
        }
        // What was seen in full at one shop is seen in part at another.
        let grants = [grant("technician", "shop", Some(w.ids.rno.to_string())), grant("counter_staff", "shop", Some(w.ids.sln.to_string()))];
        w.add_user("of-two-shops", "staff", &grants).await;
        w.add_user("of-reno", "staff", &[grant("counter_staff", "shop", Some(w.ids.rno.to_string()))]).await;
        for (name, number) in [("of-two-shops", json!(null)), ("of-reno", json!("30112"))] {
            let (caller, asset) = (w.sign_in(name).await, format!("/v1/assets/{}", w.ids.sagebrush_88));
            let ((_, page), (_, alone)) = (caller.get(&asset).await, caller.get(&format!("{asset}/identification")).await);
            assert_eq!((&page["customer"]["number"], &page["sections"]["identification"]["customer"]["number"]), (&number, &number), "{name}: {page}");
            assert_eq!((alone["customer"].is_object(), &alone["customer"]["number"]), (true, &number), "{name}: {alone}");
        }
        // Page by page it is known how far that reaches: the second grant is for San Leandro, and this one is of Reno.
        let porter = w.sign_in("porter-sln").await;
        for (asset, is_denied) in [(w.ids.excavator, false), (w.ids.sagebrush_88, true)] {
            let (_, page) = porter.get(&format!("/v1/assets/{asset}")).await;
            assert_eq!(denied(&page)[0], ("identification", is_denied), "{page}");
        }
    }

    async fn s2_50_s2_51_who_may_adds_several_readings_in_a_row_and_who_may_not_adds_none(w: World) {
        let path = format!("/v1/assets/{}/readings", w.ids.excavator);
        refused_by_role(&w.sign_in("accounts").await.post(&path, json!({ "value": "12904" })).await, &["meter.reading.add_edit"]);
        let counter = w.sign_in("counter").await;
        for (value, days) in [("12904", 5.0), ("12905", 4.0), ("12906", 3.0)] {
            let body = json!({ "value": value, "read_at": crate::harness::days_ago(days) });
            assert_eq!(counter.post(&path, body).await.0, 201, "{value}");
        }
        // One that cannot stand says so and leaves the others as they are.
        refused(&counter.post(&path, json!({ "value": "12000" })).await, 422, "reading.too_low");
        let (_, meters) = counter.get(&format!("/v1/assets/{}/meters", w.ids.excavator)).await;
        assert_eq!(meters["items"][0]["value"], "12906.0");
    }

    async fn s2_53_an_assets_meters_are_each_of_another_type(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/readings", w.ids.excavator);
        for (meter, value, made) in [("engine_hours", "12904", false), ("odometer", "310", true), ("odometer", "311", false)] {
            let (status, added) = counter.post(&path, json!({ "meter": meter, "value": value })).await;
            assert_eq!((status, &added["meter_created"]), (201, &json!(made)), "{meter} {value}: {added}");
        }
        let (_, meters) = counter.get(&format!("/v1/assets/{}/meters", w.ids.excavator)).await;
        let mut kinds: Vec<&str> = meters["items"].as_array().unwrap().iter().map(|meter| meter["meter"].as_str().unwrap()).collect();
        kinds.sort_unstable();
        assert_eq!(kinds, ["engine_hours", "odometer"]);
    }

    async fn i_4_disabling_a_user_ends_his_sessions_with_the_same_commit(w: World) {
        let (here, there) = (w.sign_in("counter").await, w.sign_in("counter").await);
        let other = w.sign_in("manager").await;
        let mut conn = w.app.db.write().await.unwrap();
        let counter = users::by_name(&mut conn, "counter").await.unwrap().unwrap();
        users::set_state(&mut conn, counter.id, "disabled").await.unwrap();
        assert_eq!(here.get("/v1/session").await.0, 200, "not before it is committed");
        conn.commit().await.unwrap();
        for session in [here, there] {
            refused(&session.get("/v1/session").await, 401, "session.required");
        }
        assert_eq!(other.get("/v1/session").await.0, 200);
        let again = w.stranger().post("/v1/sessions", json!({ "username": "counter", "password": "demo" })).await;
        refused(&again, 401, "session.refused");
        // Nor does a session come back to life with the account.
        let mut conn = w.app.db.write().await.unwrap();
        users::set_state(&mut conn, counter.id, "active").await.unwrap();
        conn.commit().await.unwrap();
        assert_eq!(w.sign_in("counter").await.get("/v1/session").await.0, 200, "a new sign-in is needed, and is enough");
    }

    async fn i_5_a_service_account_cannot_sign_in_with_a_password(w: World) {
        w.add_user("nightly-export", "service_account", &[grant("counter_staff", "shop", Some(w.ids.sln.to_string()))]).await;
        let answer = w.stranger().post("/v1/sessions", json!({ "username": "nightly-export", "password": "demo" })).await;
        refused(&answer, 401, "session.refused");
        assert_eq!(answer.1, w.stranger().post("/v1/sessions", json!({ "username": "nobody", "password": "demo" })).await.1, "like a name that nobody has");
    }

    async fn g_5_what_a_role_must_not_know_of_is_hidden_not_greyed(w: World) {
        // Other customers' records, and what is not for the portal.
        let executive = w.sign_in("executive").await;
        for hidden in [format!("/v1/customers/{}/assets", w.ids.waco), format!("/v1/assets/{}", w.ids.sweeper), format!("/v1/assets/{}", w.ids.rental)] {
            refused(&executive.get(&hidden).await, 404, "not_found");
        }
        let (_, found) = executive.find("/v1/assets/lookup", &[("tag", "1042")]).await;
        assert_eq!(found["items"].as_array().map(Vec::len), Some(1), "Waco owns a 1042 too: {found}");
    }

    async fn g_8_a_right_taken_away_meanwhile_does_not_write(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/readings", w.ids.excavator);
        assert_eq!(counter.post(&path, json!({ "value": "12904" })).await.0, 201);
        let mut conn = w.app.db.write().await.unwrap();
        let user = users::by_name(&mut conn, "counter").await.unwrap().unwrap();
        let writing = tokio::spawn({
            let (counter, path) = (counter.clone(), path.clone());
            async move { counter.post(&path, json!({ "value": "12905" })).await }
        });
        // On SQLite the write was let in meanwhile, and waits for this one.
        tokio::time::sleep(Duration::from_millis(100)).await;
        users::set_state(&mut conn, user.id, "disabled").await.unwrap();
        conn.commit().await.unwrap();
        let answer = writing.await.unwrap();
        if matches!(w.app.db, Db::Sqlite { .. }) {
            refused(&answer, 401, "session.required");
        }
        refused(&counter.post(&path, json!({ "value": "12906" })).await, 401, "session.required");
    }
}

//! Organizations, shops and the portal's settings, as the dealer's
//! administrator keeps them (S2-3 … S2-5).

use serde_json::json;

use crate::harness::{each, refused, refused_by_role, refused_fields};

on_both_databases! {
    async fn s2_3_an_owner_that_is_taken_off_the_portal_is_gone_for_customers_with_the_next_call(w: World) {
        let (admin, executive) = (w.sign_in("admin").await, w.sign_in("executive").await);
        let (_, owners) = admin.get("/v1/organizations").await;
        let keller = owners["items"].as_array().unwrap().iter().find(|one| one["code"] == "KELLER").cloned().unwrap();
        let path = format!("/v1/organizations/{}", keller["id"].as_str().unwrap());
        assert_eq!(executive.get(&format!("/v1/assets/{}", w.ids.excavator)).await.0, 200);
        refused(&admin.patch(&path, json!({ "portal_enabled": false }), Some(9)).await, 412, "version.stale");
        let (status, now) = admin.patch(&path, json!({ "portal_enabled": false }), keller["version"].as_i64()).await;
        assert_eq!((status, &now["portal_enabled"], now["version"].as_i64()), (200, &json!(false), Some(2)));
        refused(&executive.get(&format!("/v1/assets/{}", w.ids.excavator)).await, 404, "not_found");
        assert_eq!(w.sign_in("counter").await.get(&format!("/v1/assets/{}", w.ids.excavator)).await.0, 200, "the dealer's people still see it");
        refused_by_role(&w.sign_in("gm").await.patch(&path, json!({ "portal_enabled": true }), None).await, &["org.manage"]);
    }

    async fn a_new_shop_and_a_new_owner_are_there_at_once(w: World) {
        let admin = w.sign_in("admin").await;
        let shop = json!({ "code": "FRE", "name": "Fresno", "time_zone": "America/Los_Angeles", "country": "US" });
        assert_eq!(admin.post("/v1/shops", shop.clone()).await.0, 201);
        refused_fields(&admin.post("/v1/shops", shop).await, &["code"]);
        let wrong = json!({ "code": "X", "name": "", "time_zone": "Nowhere/At_All", "country": "XX" });
        refused_fields(&admin.post("/v1/shops", wrong).await, &["country", "name", "time_zone"]);
        let (_, shops) = admin.get("/v1/shops").await;
        assert!(each(&shops, "/code").contains(&"FRE"), "{shops}");
        let owner = json!({ "code": "WACO-PARKS", "name": "Parks", "customer": w.ids.waco });
        let (status, made) = admin.post("/v1/organizations", owner).await;
        assert_eq!((status, &made["customer"]["name"], &made["portal_enabled"]), (201, &json!("City of Waco"), &json!(true)), "{made}");
        assert_eq!(admin.post("/v1/service-codes", json!({ "code": "TIRES", "name": "Tires" })).await.0, 201);
        assert_eq!(admin.post("/v1/service-codes", json!({ "code": "TIRES", "name": "Tires and rims" })).await.0, 201);
        let (_, codes) = w.sign_in("tech").await.get("/v1/service-codes").await;
        assert_eq!(each(&codes, "/name").iter().filter(|name| name.starts_with("Tires")).count(), 1, "renamed, not doubled: {codes}");
    }

    async fn s2_5_a_service_that_is_switched_off_is_asked_for_by_nobody_and_stays_where_it_was(w: World) {
        let (admin, counter) = (w.sign_in("admin").await, w.sign_in("counter").await);
        let requests = format!("/v1/assets/{}/service-requests", w.ids.loader);
        let (status, before) = counter.post(&requests, json!({ "lines": [{ "service_code": "OIL" }], "shop": "SLN" })).await;
        assert_eq!(status, 201, "{before}");
        refused_fields(&admin.patch("/v1/portal-settings", json!({ "services_off": ["NONE"] }), None).await, &["services_off"]);
        let (status, settings) = admin.patch("/v1/portal-settings", json!({ "services_off": ["OIL"] }), None).await;
        assert_eq!((status, &settings["services_off"], &settings["enabled"]), (200, &json!(["OIL"]), &json!(true)));
        let (_, offered) = counter.get("/v1/service-codes").await;
        assert_eq!(each(&offered, "/code"), ["BRK"]);
        let (_, all) = admin.get("/v1/service-codes?all=true").await;
        assert_eq!(each(&all, "/code"), ["BRK", "OIL"]);
        let again = json!({ "lines": [{ "service_code": "OIL" }], "complaint": "drips", "shop": "SLN" });
        refused_fields(&counter.post(&requests, again).await, &["lines"]);
        let (_, kept) = counter.get(&format!("/v1/service-requests/{}", before["id"].as_str().unwrap())).await;
        assert_eq!(kept["lines"][0]["service_code"]["code"], "OIL", "{kept}");
        assert_eq!(admin.patch("/v1/portal-settings", json!({ "services_off": [] }), None).await.0, 200);
        assert_eq!(each(&counter.get("/v1/service-codes").await.1, "/code"), ["BRK", "OIL"]);
    }

    async fn a_shop_that_takes_no_requests_any_more_takes_none(w: World) {
        let admin = w.sign_in("admin").await;
        let path = format!("/v1/shops/{}", w.ids.sln);
        assert_eq!(admin.patch(&path, json!({ "accepts_requests": false }), Some(1)).await.0, 200);
        let request = json!({ "complaint": "horn", "shop": "SLN" });
        let answer = w.sign_in("counter").await.post(&format!("/v1/assets/{}/service-requests", w.ids.loader), request).await;
        assert_eq!(answer.0, 422, "{}", answer.1);
    }

    async fn s4_1_a_portal_that_is_switched_off_lets_no_customer_in_and_says_so(w: World) {
        let (admin, executive, kiosk) = (w.sign_in("admin").await, w.sign_in("executive").await, w.sign_in("kiosk").await);
        assert_eq!(admin.patch("/v1/portal-settings", json!({ "enabled": false }), None).await.0, 200);
        for outside in [&executive, &kiosk] {
            refused(&outside.get("/v1/session").await, 403, "portal.off");
        }
        let again = w.stranger().post("/v1/sessions", json!({ "username": "executive", "password": "demo" })).await;
        refused(&again, 403, "portal.off");
        let wrong = w.stranger().post("/v1/sessions", json!({ "username": "executive", "password": "wrong" })).await;
        refused(&wrong, 401, "session.refused");
        assert_eq!(w.sign_in("counter").await.get("/v1/session").await.0, 200);
        assert_eq!(admin.patch("/v1/portal-settings", json!({ "enabled": true }), None).await.0, 200);
        assert_eq!(executive.get("/v1/session").await.0, 200, "nobody was signed out by it");
    }

    async fn s2_5_what_is_configurable_is_switched_off_for_the_portal_user_and_for_nobody_else(w: World) {
        let (admin, portal_user) = (w.sign_in("admin").await, w.sign_in("portaluser").await);
        let meters = format!("/v1/assets/{}/meters", w.ids.excavator);
        assert_eq!(portal_user.get(&meters).await.0, 200, "configurable ones ship on");
        assert_eq!(admin.patch("/v1/portal-settings", json!({ "switched_off": ["meter.view"] }), None).await.0, 200);
        refused_by_role(&portal_user.get(&meters).await, &["meter.view"]);
        assert_eq!(w.sign_in("executive").await.get(&meters).await.0, 200);
        refused_fields(&admin.patch("/v1/portal-settings", json!({ "switched_off": ["price.view"] }), None).await, &["switched_off"]);
        refused_by_role(&w.sign_in("manager").await.get("/v1/portal-settings").await, &["portal_settings.manage"]);
    }
}

//! What one grant, shop or customer limits, no other one widens: several grants
//! of one person stay apart, and nobody reaches around his scope.

use serde_json::{Value, json};

use super::by_hand;
use super::targets::{Access, contact, let_in, made, session, signed_in};
use crate::harness::{each, grant, refused, refused_fields};

on_both_databases! {
    async fn own_at_one_customer_stays_own_beside_all_at_another(w: World) {
        let grants = [grant("accounts", "customer", Some(w.ids.keller.to_string())), grant("executive", "customer", Some(w.ids.waco.to_string()))];
        let user = w.add_user("two-hats", "customer", &grants).await;
        let both = session(&w, user).await;
        let counter = signed_in(&w, "counter").await;
        let of = |asset| format!("/v1/assets/{asset}/service-requests");
        let of_keller = made(&counter.post(&of(w.ids.excavator), json!({ "complaint": "of Keller, not mine" })).await);
        made(&counter.post(&of(w.ids.sweeper), json!({ "complaint": "of Waco, not mine" })).await);
        made(&both.post(&of(w.ids.truck), json!({ "complaint": "of Keller, mine" })).await);
        assert_eq!(each(&both.get("/v1/service-requests").await.1, "/complaint"), ["of Keller, mine", "of Waco, not mine"]);
        refused(&both.get(&format!("/v1/service-requests/{of_keller}")).await, 404, "not_found");
        // Nor does Waco's look-up show the machines of Keller in one's requests.
        let (_, list) = both.get("/v1/service-requests").await;
        assert_eq!((list["items"][0].get("asset"), list["items"][1]["asset"]["asset_number"].as_str()), (None, Some("1042")), "{list}");
    }

    async fn whoever_sees_own_requests_alone_sees_no_others_on_a_machines_page_either(w: World) {
        let (admin, counter) = (signed_in(&w, "admin").await, signed_in(&w, "counter").await);
        assert_eq!(admin.post("/v1/roles", json!({ "copy_of": "fleet", "key": "driver", "name": "Driver" })).await.0, 201);
        let own = json!({ "permissions": { "service_request.view": "own" } });
        assert_eq!(admin.patch("/v1/roles/driver", own, None).await.0, 200);
        let driver = w.add_user("driver", "customer", &[grant("driver", "customer", Some(w.ids.keller.to_string()))]).await;
        let driver = session(&w, driver).await;
        let asset = format!("/v1/assets/{}", w.ids.excavator);
        made(&counter.post(&format!("{asset}/service-requests"), json!({ "complaint": "not mine" })).await);
        let mine = json!({ "complaint": "mine", "confirm_duplicate": true });
        made(&driver.post(&format!("{asset}/service-requests"), mine).await);
        let (_, page) = driver.get(&asset).await;
        let seen = json!({ "items": page["sections"]["service_requests"] });
        assert_eq!(each(&seen, "/complaint"), ["mine"], "{page}");
    }

    async fn s1_5_of_an_account_a_portal_administrator_sees_what_he_did_himself_alone(w: World) {
        let of = async |name: &str, right: &'static str| contact(&w, w.ids.keller, name, Access { role: "none", right, level: "full" }).await;
        let ((id, user), (_, greta)) = (of("insight", "insight_user").await, of("greta", "portal_administrator").await);
        let (admin, greta) = (signed_in(&w, "admin").await, session(&w, greta).await);
        let history = format!("/v1/users/{user}/history");
        let before = each(&admin.get(&history).await.1, "/actor").len();
        assert_eq!(admin.patch(&format!("/v1/contacts/{id}"), json!({ "job_title": "driver" }), None).await.0, 200);
        assert_eq!(greta.patch(&format!("/v1/contacts/{id}"), json!({ "salutation": "Ms." }), None).await.0, 200);
        assert_eq!(each(&admin.get(&history).await.1, "/actor").len(), before + 2);
        let (_, seen) = greta.get(&history).await;
        assert_eq!(each(&seen, "/actor_kind"), ["customer"], "{seen}");
    }

    async fn own_contacts_at_one_customer_stay_own_beside_all_at_another(w: World) {
        contact(&w, w.ids.keller, "stranger", Access { role: "none", right: "none", level: "full" }).await;
        let (_, user) = contact(&w, w.ids.keller, "insight", Access { role: "none", right: "insight_user", level: "carrier_view" }).await;
        let mut conn = w.app.db.write().await.unwrap();
        countertop::store::users::give(&mut conn, user, &grant("executive", "customer", Some(w.ids.waco.to_string()))).await.unwrap();
        conn.commit().await.unwrap();
        let both = session(&w, user).await;
        assert_eq!(each(&both.get(&format!("/v1/customers/{}/contacts", w.ids.keller)).await.1, "/last"), ["insight"]);
    }

    async fn the_history_shows_a_shop_nothing_of_another_shops_business(w: World) {
        let admin = signed_in(&w, "admin").await;
        let number = json!({ "shop": "STK", "number": "STK-SECRET-1" });
        assert_eq!(admin.put(&format!("/v1/customers/{}/number", w.ids.talus), number, None).await.0, 200);
        let at_stockton = json!({ "complaint": "STK-SECRET-2", "shop": "STK" });
        made(&admin.post(&format!("/v1/assets/{}/service-requests", w.ids.tanker), at_stockton).await);
        let user = w.add_user("manager-sln", "staff", &[grant("service_manager", "shop", Some(w.ids.sln.to_string()))]).await;
        let manager = session(&w, user).await;
        // Its requests and numbers are hidden from San Leandro everywhere else.
        let asset = format!("/v1/assets/{}", w.ids.tanker);
        for path in [format!("/v1/customers/{}", w.ids.talus), format!("{asset}/service-requests"), format!("/v1/customers/{}/history", w.ids.talus), format!("{asset}/history")] {
            let (status, body) = manager.get(&path).await;
            assert_eq!((status, body.to_string().contains("STK-SECRET")), (200, false), "{path}: {body}");
        }
    }

    async fn an_administrator_of_one_shop_enrols_and_changes_terminals_of_that_shop_only(w: World) {
        let admin = signed_in(&w, "admin").await;
        let reno = made(&admin.post("/v1/kiosks", json!({ "label": "Reno bay", "shop": "RNO" })).await);
        let user = w.add_user("admin-sln", "staff", &[grant("administrator", "shop", Some(w.ids.sln.to_string()))]).await;
        let of_sln = session(&w, user).await;
        refused_fields(&of_sln.post("/v1/kiosks", json!({ "label": "Mine", "shop": "RNO" })).await, &["shop"]);
        refused(&of_sln.patch(&format!("/v1/kiosks/{reno}"), json!({ "active": false }), None).await, 404, "not_found");
        assert_eq!(of_sln.get("/v1/kiosks").await.1["items"], json!([]));
        assert_eq!(of_sln.post("/v1/kiosks", json!({ "label": "Mine", "shop": "SLN" })).await.0, 201);
    }

    async fn a_manager_of_one_shop_does_not_meet_people_of_another_whose_grants_ended(w: World) {
        let row = crate::harness::user_row("reno-gone", "staff", ("Ren", "Gone"), Some(w.ids.rno));
        let mut conn = w.app.db.write().await.unwrap();
        countertop::store::users::insert(&mut conn, &row, &[grant("technician", "shop", Some(w.ids.rno.to_string()))]).await.unwrap();
        conn.commit().await.unwrap();
        assert_eq!(by_hand::change(&w, "UPDATE role_grant SET valid_to = 1 WHERE user_id = $1", &[&row.id.to_string()]).await, 1);
        let user = w.add_user("gm-sln", "staff", &[grant("general_manager", "shop", Some(w.ids.sln.to_string()))]).await;
        let gm = session(&w, user).await;
        let (_, users) = gm.get("/v1/users?limit=200").await;
        assert!(!each(&users, "/username").contains(&"reno-gone"), "{users}");
        refused(&gm.get(&format!("/v1/users/{}", row.id)).await, 404, "not_found");
        refused(&gm.post(&format!("/v1/users/{}/password", row.id), json!({})).await, 404, "not_found");
    }

    async fn nobody_widens_the_role_that_he_holds(w: World) {
        let admin = signed_in(&w, "admin").await;
        let copy = json!({ "copy_of": "technician", "key": "role_keeper", "name": "Role keeper" });
        assert_eq!(admin.post("/v1/roles", copy).await.0, 201);
        assert_eq!(admin.patch("/v1/roles/role_keeper", json!({ "permissions": { "role.manage": "yes" } }), None).await.0, 200);
        let user = w.add_user("keeper", "staff", &[grant("role_keeper", "deployment", None)]).await;
        let keeper = session(&w, user).await;
        let widen = json!({ "permissions": { "user.manage": "yes", "price.view": "yes" } });
        let (status, answer) = keeper.patch("/v1/roles/role_keeper", widen, None).await;
        assert_eq!(status, 403, "{answer}");
        let (_, session) = keeper.get("/v1/session").await;
        assert!(!session["permissions"].as_array().unwrap().contains(&json!("user.manage")), "{session}");
    }

    async fn a_customers_administrator_takes_over_nobody_who_may_do_more(w: World) {
        let manager = signed_in(&w, "manager").await;
        let contacts = format!("/v1/customers/{}/contacts", w.ids.keller);
        let boss = json!({ "last": "Keller", "right": "portal_administrator", "access_level": "limited", "username": "boss" });
        made(&manager.post(&contacts, boss).await);
        let above = json!({ "last": "Brandt", "platform_role": "executive", "access_level": "carrier_view", "username": "above", "email": "above@kellerbau.example" });
        let above = made(&manager.post(&contacts, above).await);
        let boss = let_in(&w, "boss").await;
        let (status, answer) = boss.post(&format!("/v1/contacts/{above}/password"), json!({})).await;
        assert_eq!((status, &answer["password"]), (403, &Value::Null), "prices are beyond the boss, and so is who sees them");
        // Nor somebody whom the dealer lets into another customer, too.
        let (id, user) = contact(&w, w.ids.keller, "of-two", Access { role: "none", right: "none", level: "limited" }).await;
        let mut conn = w.app.db.write().await.unwrap();
        countertop::store::users::give(&mut conn, user, &grant("fleet", "customer", Some(w.ids.waco.to_string()))).await.unwrap();
        conn.commit().await.unwrap();
        let (status, answer) = boss.post(&format!("/v1/contacts/{id}/password"), json!({})).await;
        assert_eq!((status, &answer["password"]), (403, &Value::Null), "Waco's machines are beyond Keller's administrator");
    }

    async fn t12_a_kept_answer_is_shown_only_to_whom_it_could_be_given_now(w: World) {
        let user = w.add_user("moving", "staff", &[grant("counter_staff", "shop", Some(w.ids.sln.to_string()))]).await;
        let caller = session(&w, user).await;
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        let body = json!({ "complaint": "kept" });
        assert_eq!(caller.post_with_key(&path, "k", body.clone()).await.status, 201);
        let sql = "UPDATE role_grant SET scope_id = $2 WHERE user_id = $1";
        assert_eq!(by_hand::change(&w, sql, &[&user.to_string(), &w.ids.rno.to_string()]).await, 1);
        assert_eq!(caller.get(&format!("/v1/assets/{}", w.ids.excavator)).await.0, 404);
        let again = caller.post_with_key(&path, "k", body).await;
        assert!(!again.text.contains("kept") && again.status >= 400, "{} {}", again.status, again.text);
    }

    async fn s1_14_acting_within_accounts_one_sees_own_requests_as_accounts_do(w: World) {
        let (manager, counter) = (signed_in(&w, "manager").await, signed_in(&w, "counter").await);
        made(&manager.post(&format!("/v1/customers/{}/consents", w.ids.keller), json!({ "role": "accounts", "given_by": "Maria Keller" })).await);
        made(&manager.post(&format!("/v1/assets/{}/service-requests", w.ids.excavator), json!({ "complaint": "the manager's" })).await);
        assert_eq!(counter.put("/v1/session/acting", json!({ "customer": w.ids.keller }), None).await.0, 200);
        assert_eq!(counter.get("/v1/session").await.1["limits"]["service_request.view"], "own");
        assert_eq!(counter.get("/v1/service-requests").await.1["items"], json!([]));
    }

    async fn s2_9_a_disposed_machine_has_no_history_for_a_customers_administrator(w: World) {
        let (_, user) = contact(&w, w.ids.keller, "boss", Access { role: "none", right: "portal_administrator", level: "carrier_view" }).await;
        let boss = session(&w, user).await;
        refused(&boss.get(&format!("/v1/assets/{}", w.ids.disposed)).await, 404, "not_found");
        refused(&boss.get(&format!("/v1/assets/{}/history", w.ids.disposed)).await, 404, "not_found");
        assert_eq!(boss.get(&format!("/v1/assets/{}/history", w.ids.excavator)).await.0, 200);
    }
}

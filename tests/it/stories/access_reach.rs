//! Nobody reaches, rules or gives beyond what he has in that place: what holds
//! at one shop is nothing at another (I-1, I-2, 2.4, 8.2 "Scope").

use countertop::api::ids::{ShopId, UserId};
use countertop::store::users::{self, NewGrant};
use countertop::store::{At, Scope, contacts};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::harness::{Caller, World, each, grant, refused, refused_fields, user_row};

fn id(record: &Value) -> String {
    record["id"].as_str().expect("an id").to_owned()
}

/// The item of a list with that word in a field; null where there is none.
async fn listed(caller: &Caller, path: &str, field: &str, wanted: &str) -> Value {
    let (_, list) = caller.get(path).await;
    list["items"].as_array().unwrap().iter().find(|item| item[field] == wanted).cloned().unwrap_or(Value::Null)
}

fn at_shop(role: &str, shop: ShopId) -> NewGrant {
    grant(role, "shop", Some(shop.to_string()))
}

fn ended(grant: NewGrant) -> NewGrant {
    NewGrant { valid_to: Some(At(Timestamp::now() - SignedDuration::from_hours(1))), ..grant }
}

fn in_hours(hours: i64) -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(hours)
}

/// Adds an account that belongs to a shop of the story's choice, or to none.
async fn add_at(w: &World, username: &str, kind: &str, shop: Option<ShopId>, grants: &[NewGrant]) -> UserId {
    let row = user_row(username, kind, ("Some", "Body"), shop);
    let mut conn = w.app.db.write().await.unwrap();
    users::insert(&mut conn, &row, grants).await.unwrap();
    conn.commit().await.unwrap();
    row.id
}

async fn administrator_of_sln(w: &World) -> Caller {
    w.add_user("boss-sln", "staff", &[at_shop("administrator", w.ids.sln)]).await;
    w.sign_in("boss-sln").await
}

on_both_databases! {
    async fn s2_4_an_administrator_of_one_shop_keeps_its_terminals_and_no_other_shops(w: World) {
        let (admin, boss) = (w.sign_in("admin").await, administrator_of_sln(&w).await);
        let terminal = |shop: &str| json!({ "label": "Bay 9", "shop": shop });
        refused_fields(&boss.post("/v1/kiosks", terminal("RNO")).await, &["shop"]);
        let (status, there) = admin.post("/v1/kiosks", terminal("RNO")).await;
        assert_eq!(status, 201, "{there}");
        let (status, here) = boss.post("/v1/kiosks", terminal("SLN")).await;
        assert_eq!(status, 201, "{here}");
        let (_, seen) = boss.get("/v1/kiosks").await;
        assert_eq!(each(&seen, "/id"), [id(&here)], "{seen}");
        refused(&boss.patch(&format!("/v1/kiosks/{}", id(&there)), json!({ "active": false }), None).await, 404, "not_found");
        refused(&boss.post(&format!("/v1/kiosks/{}/token", id(&there)), json!({})).await, 404, "not_found");
        assert_eq!(boss.patch(&format!("/v1/kiosks/{}", id(&here)), json!({ "active": false }), None).await.0, 200);
        assert_eq!(admin.get("/v1/kiosks").await.1["items"].as_array().map(Vec::len), Some(2));
        // Whoever administers a customer sees its shop, and has no terminals there.
        w.add_user("boss-keller", "staff", &[grant("administrator", "customer", Some(w.ids.keller.to_string()))]).await;
        refused_fields(&w.sign_in("boss-keller").await.post("/v1/kiosks", terminal("SLN")).await, &["shop"]);
    }

    async fn what_counts_for_all_shops_is_for_administrators_of_all(w: World) {
        let boss = administrator_of_sln(&w).await;
        let settings = boss.patch("/v1/portal-settings", json!({ "enabled": false }), None).await;
        refused(&settings, 403, "scope.beyond_own");
        assert_eq!(settings.1["missing"], json!(["portal_settings.manage"]));
        assert_eq!(boss.get("/v1/portal-settings").await.1["enabled"], true, "to be read by whoever has a part in it");
        refused(&boss.post("/v1/service-codes", json!({ "code": "OIL", "name": "Nothing" })).await, 403, "scope.beyond_own");
        refused(&boss.post("/v1/roles", json!({ "copy_of": "technician", "key": "helper", "name": "Helper" })).await, 403, "scope.beyond_own");
        refused_fields(&boss.post("/v1/shops", json!({ "code": "FRE", "name": "Fresno", "country": "US", "time_zone": "America/Los_Angeles" })).await, &["code"]);
        let of_another_shops = json!({ "code": "RENO1", "name": "Reno One", "customer": w.ids.sagebrush });
        refused_fields(&boss.post("/v1/organizations", of_another_shops).await, &["customer"]);
        let admin = w.sign_in("admin").await;
        assert_eq!(admin.post("/v1/roles", json!({ "copy_of": "technician", "key": "helper", "name": "Helper" })).await.0, 201);
        refused(&boss.patch("/v1/roles/helper", json!({ "permissions": { "audit.view": "yes" } }), None).await, 403, "scope.beyond_own");
    }

    async fn i_2_a_role_is_made_and_edited_by_whoever_has_all_of_it(w: World) {
        let admin = w.sign_in("admin").await;
        for (origin, key) in [("technician", "keeper"), ("technician", "second_technician"), ("service_manager", "chief")] {
            assert_eq!(admin.post("/v1/roles", json!({ "copy_of": origin, "key": key, "name": key })).await.0, 201);
        }
        assert_eq!(admin.patch("/v1/roles/keeper", json!({ "permissions": { "role.manage": "yes" } }), None).await.0, 200);
        w.add_user("keeper", "staff", &[grant("keeper", "deployment", None)]).await;
        let keeper = w.sign_in("keeper").await;
        let edit = |permission: &str, word: &str| json!({ "permissions": { permission: word } });
        assert_eq!(keeper.patch("/v1/roles/second_technician", edit("meter.replace", "no"), None).await.0, 200);
        let wider = keeper.patch("/v1/roles/second_technician", edit("customer.view", "yes"), None).await;
        refused(&wider, 403, "rights.beyond_own");
        assert_eq!(wider.1["missing"], json!(["customer.view"]), "he has the basic fields only");
        refused(&keeper.patch("/v1/roles/chief", edit("meter.override", "no"), None).await, 403, "rights.beyond_own");
        let copy = |origin: &str| json!({ "copy_of": origin, "key": format!("my_{origin}"), "name": "Mine" });
        refused(&keeper.post("/v1/roles", copy("administrator")).await, 403, "rights.beyond_own");
        assert_eq!(keeper.post("/v1/roles", copy("technician")).await.0, 201);
        // What he will hold tomorrow is his own too.
        let later = NewGrant { valid_from: Some(At(in_hours(24))), ..grant("second_technician", "deployment", None) };
        w.add_user("heir", "staff", &[grant("keeper", "deployment", None), later]).await;
        refused(&w.sign_in("heir").await.patch("/v1/roles/second_technician", edit("meter.replace", "yes"), None).await, 403, "grants.own");
    }

    async fn i_1_what_one_has_at_one_shop_one_neither_gives_nor_rules_at_another(w: World) {
        let boss = w.add_user("boss-sln", "staff", &[at_shop("administrator", w.ids.sln)]).await;
        let friend = w.add_user("friend", "staff", &[]).await;
        w.add_user("mixed", "staff", &[at_shop("general_manager", w.ids.sln), at_shop("administrator", w.ids.rno)]).await;
        let mixed = w.sign_in("mixed").await;
        let path = format!("/v1/users/{friend}/grants");
        let give = |role: &str, shop: &str| json!({ "role": role, "scope": { "kind": "shop", "id": shop } });
        let above = mixed.post(&path, give("administrator", "SLN")).await;
        refused(&above, 403, "rights.beyond_own");
        assert!(above.1["missing"].as_array().unwrap().contains(&json!("role.manage")), "{}", above.1);
        refused(&mixed.post(&format!("/v1/users/{boss}/password"), json!({})).await, 403, "rights.beyond_own");
        assert_eq!(mixed.post(&path, give("general_manager", "SLN")).await.0, 201);
        assert_eq!(mixed.post(&path, give("administrator", "RNO")).await.0, 201);
    }

    async fn nobody_gives_in_full_what_he_has_in_part(w: World) {
        let admin = w.sign_in("admin").await;
        assert_eq!(admin.post("/v1/roles", json!({ "copy_of": "counter_staff", "key": "recruiter", "name": "Recruiter" })).await.0, 201);
        let cells = json!({ "permissions": { "user.manage": "yes", "customer.view": "basic" } });
        assert_eq!(admin.patch("/v1/roles/recruiter", cells, None).await.0, 200);
        let friend = w.add_user("friend", "staff", &[]).await;
        w.add_user("recruiter", "staff", &[at_shop("recruiter", w.ids.sln)]).await;
        let recruiter = w.sign_in("recruiter").await;
        let give = |role: &str| json!({ "role": role, "scope": { "kind": "shop", "id": "SLN" } });
        let more = recruiter.post(&format!("/v1/users/{friend}/grants"), give("counter_staff")).await;
        refused(&more, 403, "rights.beyond_own");
        assert_eq!(more.1["missing"], json!(["customer.view"]));
        assert_eq!(recruiter.post(&format!("/v1/users/{friend}/grants"), give("recruiter")).await.0, 201);
    }

    async fn i_1_nobody_gives_for_longer_than_he_has_himself(w: World) {
        let passing = NewGrant { valid_to: Some(At(in_hours(24))), ..at_shop("general_manager", w.ids.sln) };
        w.add_user("stand-in", "staff", &[passing]).await;
        let friend = w.add_user("friend", "staff", &[]).await;
        let stand_in = w.sign_in("stand-in").await;
        let path = format!("/v1/users/{friend}/grants");
        let scope = json!({ "kind": "shop", "id": "SLN" });
        refused_fields(&stand_in.post(&path, json!({ "role": "technician", "scope": scope })).await, &["to"]);
        refused_fields(&stand_in.post(&path, json!({ "role": "technician", "scope": scope, "to": in_hours(48) })).await, &["to"]);
        assert_eq!(stand_in.post(&path, json!({ "role": "technician", "scope": scope, "to": in_hours(12) })).await.0, 201);
    }

    async fn i_1_whoever_has_left_another_shop_is_not_there_to_be_taken_over(w: World) {
        w.add_user("gm-sln", "staff", &[at_shop("general_manager", w.ids.sln)]).await;
        let (gm, admin) = (w.sign_in("gm-sln").await, w.sign_in("admin").await);
        let of_sagebrush = grant("portal_user", "customer", Some(w.ids.sagebrush.to_string()));
        let strangers = [
            add_at(&w, "tech-rno", "staff", Some(w.ids.rno), &[ended(at_shop("technician", w.ids.rno))]).await,
            add_at(&w, "once-here", "staff", Some(w.ids.rno), &[ended(at_shop("technician", w.ids.sln))]).await,
            add_at(&w, "rancher", "customer", None, &[ended(of_sagebrush)]).await,
        ];
        for user in strangers {
            let path = format!("/v1/users/{user}");
            for hidden in [&path, &format!("{path}/sessions"), &format!("{path}/history")] {
                refused(&gm.get(hidden).await, 404, "not_found");
            }
            refused(&gm.post(&format!("{path}/password"), json!({})).await, 404, "not_found");
            assert_eq!(admin.get(&path).await.0, 200);
        }
        for name in ["tech-rno", "once-here", "rancher"] {
            assert_eq!(listed(&gm, "/v1/users?limit=200", "username", name).await, Value::Null, "{name}");
        }
        // Those of one's own shop stay.
        let own = add_at(&w, "left", "staff", Some(w.ids.sln), &[ended(at_shop("technician", w.ids.sln))]).await;
        assert_eq!(gm.get(&format!("/v1/users/{own}")).await.0, 200);
    }

    async fn whoever_is_a_contact_of_another_shops_customer_too_is_managed_by_neither(w: World) {
        let admin = w.sign_in("admin").await;
        let body = json!({ "last": "Brandt", "access_level": "full", "username": "ada" });
        let (_, here) = admin.post(&format!("/v1/customers/{}/contacts", w.ids.keller), body).await;
        let (_, there) = admin.post(&format!("/v1/customers/{}/contacts", w.ids.sagebrush), json!({ "last": "Brandt", "access_level": "full" })).await;
        let ada = listed(&admin, "/v1/users?limit=200", "username", "ada").await;
        w.add_user("gm-sln", "staff", &[at_shop("general_manager", w.ids.sln)]).await;
        let gm = w.sign_in("gm-sln").await;
        assert_eq!(gm.get(&format!("/v1/users/{}", id(&ada))).await.0, 200, "so far she is Keller's alone");
        let mut conn = w.app.db.write().await.unwrap();
        let user_id: UserId = id(&ada).parse().unwrap();
        let row = contacts::get(&mut conn, &Scope::deployment(), id(&there).parse().unwrap()).await.unwrap().unwrap();
        assert!(contacts::update(&mut conn, &contacts::ContactRow { user_id: Some(user_id), ..row }).await.unwrap());
        conn.commit().await.unwrap();
        refused(&gm.get(&format!("/v1/users/{}", id(&ada))).await, 404, "not_found");
        let path = format!("/v1/contacts/{}", id(&here));
        refused(&gm.post(&format!("{path}/password"), json!({})).await, 403, "rights.beyond_own");
        refused(&gm.patch(&path, json!({ "username": "someone" }), None).await, 403, "rights.beyond_own");
        assert_eq!(gm.patch(&path, json!({ "job_title": "Foreman" }), None).await.0, 200, "the contact itself is still the shop's");
        assert_eq!(admin.post(&format!("{path}/password"), json!({})).await.0, 201);
    }

    async fn what_somebody_did_at_another_shop_is_told_there_only(w: World) {
        let admin = w.sign_in("admin").await;
        let mover = w.add_user("mover", "staff", &[at_shop("service_manager", w.ids.sln), at_shop("service_manager", w.ids.rno)]).await;
        let caller = w.sign_in("mover").await;
        for customer in [w.ids.sagebrush, w.ids.keller] {
            assert_eq!(caller.patch(&format!("/v1/customers/{customer}"), json!({ "notes": "moved" }), None).await.0, 200);
        }
        let (_, user) = admin.get(&format!("/v1/users/{mover}")).await;
        let there = user["grants"].as_array().unwrap().iter().find(|held| held["scope"]["id"] == w.ids.rno.to_string()).unwrap().clone();
        assert_eq!(admin.delete(&format!("/v1/users/{mover}/grants/{}", id(&there))).await.0, 204);
        let path = format!("/v1/users/{mover}/history");
        let (sagebrush, keller) = (w.ids.sagebrush.to_string(), w.ids.keller.to_string());
        let (status, seen) = w.sign_in("manager").await.get(&path).await;
        assert_eq!(status, 200, "{seen}");
        let records = each(&seen, "/entity_id");
        assert!(records.contains(&keller.as_str()) && !records.contains(&sagebrush.as_str()), "{seen}");
        assert!(each(&seen, "/act").contains(&"sign_in"), "what is his own alone: {seen}");
        let (_, all) = admin.get(&path).await;
        assert!(each(&all, "/entity_id").contains(&sagebrush.as_str()), "{all}");
    }

    async fn a_fleets_history_tells_a_shop_nothing_of_its_number_at_another(w: World) {
        w.add_user("manager-rno", "staff", &[at_shop("service_manager", w.ids.rno)]).await;
        let (reno, stockton) = (w.sign_in("manager-rno").await, w.sign_in("manager").await);
        let path = format!("/v1/customers/{}", w.ids.heron);
        for (caller, shop, number) in [(&reno, "RNO", "30078"), (&stockton, "STK", "20656")] {
            assert_eq!(caller.put(&format!("{path}/number"), json!({ "shop": shop, "number": number }), None).await.0, 200);
        }
        let mut told = Vec::new();
        for caller in [&reno, &stockton, &w.sign_in("admin").await] {
            let (status, history) = caller.get(&format!("{path}/history")).await;
            assert_eq!((status, history["items"].as_array().map(Vec::len)), (200, Some(2)), "that something was done is told: {history}");
            let text: String = history["items"].as_array().unwrap().iter().map(|act| act["changes"].to_string()).collect();
            told.push((text.contains("30078") || text.contains("30077"), text.contains("20656") || text.contains("20655")));
        }
        assert_eq!(told, [(true, false), (false, true), (true, true)]);
    }

    async fn a_shops_manager_adds_nobody_whom_he_would_not_find_again(w: World) {
        w.add_user("gm-sln", "staff", &[at_shop("general_manager", w.ids.sln)]).await;
        let gm = w.sign_in("gm-sln").await;
        for kind in ["staff", "customer", "service_account"] {
            let body = json!({ "username": format!("new-{kind}"), "kind": kind, "last": "Lind" });
            refused_fields(&gm.post("/v1/users", body.clone()).await, &["shop"]);
            let mut body = body;
            body["shop"] = json!("SLN");
            let (status, made) = gm.post("/v1/users", body).await;
            assert_eq!(status, 201, "{made}");
            assert_eq!(gm.get(&format!("/v1/users/{}", id(&made))).await.0, 200);
        }
        let asleep = json!({ "username": "asleep", "kind": "staff", "last": "Lind", "state": "disabled" });
        let (status, made) = w.sign_in("admin").await.post("/v1/users", asleep).await;
        assert_eq!((status, &made["state"]), (201, &json!("disabled")), "as it was asked for: {made}");
    }

    async fn an_owner_that_other_shops_see_is_changed_by_administrators_of_all(w: World) {
        let (admin, boss) = (w.sign_in("admin").await, administrator_of_sln(&w).await);
        let mut paths = Vec::new();
        for code in ["DEALER", "TALUS", "KELLER"] {
            paths.push(format!("/v1/organizations/{}", id(&listed(&boss, "/v1/organizations?limit=200", "code", code).await)));
        }
        for path in &paths[..2] {
            for change in [json!({ "customer": w.ids.waco }), json!({ "name": "Mine" }), json!({ "portal_enabled": true })] {
                refused(&boss.patch(path, change, None).await, 403, "scope.beyond_own");
            }
            assert_eq!(admin.patch(path, json!({ "name": "Everybody's" }), None).await.0, 200);
        }
        assert_eq!(boss.patch(&paths[2], json!({ "name": "Keller's own" }), None).await.0, 200);
        assert_eq!(boss.patch(&paths[2], json!({ "customer": w.ids.waco }), None).await.0, 200, "both are his shop's alone");
        let (_, history) = admin.get(&format!("/v1/customers/{}/history", w.ids.keller)).await;
        assert_eq!(each(&history, "/act"), ["change_organization", "change_organization"], "{history}");
    }
}

//! Administrators manage users, their grants and the dealer's own roles
//! (I-1 … I-5, S2-2, 2.3), and nobody reaches above himself.

use countertop::api::role::Role;
use countertop::store::At;
use countertop::store::users::{self, NewGrant};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::harness::{Caller, World, each, grant, refused, refused_by_role, refused_fields, user_row};

/// The id of an account, as the administrator finds it.
async fn account(admin: &Caller, username: &str) -> Value {
    let (_, users) = admin.get("/v1/users?limit=200").await;
    users["items"].as_array().unwrap().iter().find(|user| user["username"] == username).cloned().unwrap_or(Value::Null)
}

fn id(record: &Value) -> String {
    record["id"].as_str().expect("an id").to_owned()
}

async fn hire(w: &World, username: &str) -> String {
    let admin = w.sign_in("admin").await;
    let body = json!({ "username": username, "kind": "staff", "first": "Nora", "last": "Lind", "shop": "SLN" });
    let (status, user) = admin.post("/v1/users", body).await;
    assert_eq!(status, 201, "{user}");
    id(&user)
}

async fn permissions(caller: &Caller) -> Vec<String> {
    let (_, session) = caller.get("/v1/session").await;
    serde_json::from_value(session["permissions"].clone()).unwrap()
}

on_both_databases! {
    async fn somebody_is_hired_given_a_role_and_a_password_and_changes_it_at_the_first_sign_in(w: World) {
        let admin = w.sign_in("admin").await;
        let nora = hire(&w, "nora").await;
        let stranger = w.stranger();
        let sign_in = |password: &str| json!({ "username": "Nora", "password": password });
        refused(&stranger.post("/v1/sessions", sign_in("")).await, 401, "session.refused");
        let given = json!({ "role": "counter_staff", "scope": { "kind": "shop", "id": "SLN" } });
        let (status, user) = admin.post(&format!("/v1/users/{nora}/grants"), given).await;
        assert_eq!((status, &user["grants"][0]["granted_by"]), (201, &json!("admin")), "{user}");
        let (status, made) = admin.post(&format!("/v1/users/{nora}/password"), json!({})).await;
        let password = made["password"].as_str().unwrap();
        assert_eq!((status, password.len(), &made["username"]), (201, 16, &json!("nora")));
        let (status, session) = stranger.post("/v1/sessions", sign_in(password)).await;
        assert_eq!((status, &session["must_change_password"]), (201, &json!(true)));
        let caller = w.with_token(session["token"].as_str().unwrap());
        refused(&caller.find("/v1/customers", &[("q", "keller")]).await, 403, "password.must_change");
        let own = json!({ "current": password, "new": "four words of mine" });
        assert_eq!(caller.put("/v1/session/password", own, None).await.0, 200);
        assert_eq!(caller.find("/v1/customers", &[("q", "keller")]).await.0, 200);
        let role = Role::named("counter_staff").unwrap();
        assert_eq!(permissions(&caller).await, role.permissions().iter().map(|one| one.name().to_owned()).collect::<Vec<_>>());
    }

    async fn a_generated_password_is_kept_nowhere_and_not_repeated_under_its_key(w: World) {
        let admin = w.sign_in("admin").await;
        let nora = hire(&w, "nora").await;
        let path = format!("/v1/users/{nora}/password");
        let (one, two) = (admin.post_with_key(&path, "once", json!({})).await, admin.post_with_key(&path, "once", json!({})).await);
        assert_eq!((one.status, two.status), (201, 201));
        assert_ne!(one.json()["password"], two.json()["password"], "a kept answer would be a password in the database");
    }

    async fn i_1_a_grant_lies_within_the_givers_own_scope(w: World) {
        w.add_user("gm-sln", "staff", &[grant("general_manager", "shop", Some(w.ids.sln.to_string()))]).await;
        let gm = w.sign_in("gm-sln").await;
        let body = json!({ "username": "nora", "kind": "staff", "last": "Lind", "shop": "SLN" });
        let (status, nora) = gm.post("/v1/users", body.clone()).await;
        assert_eq!(status, 201, "{nora}");
        let grants = format!("/v1/users/{}/grants", id(&nora));
        let give = |role: &str, kind: &str, of: Value| json!({ "role": role, "scope": { "kind": kind, "id": of } });
        assert_eq!(gm.post(&grants, give("technician", "shop", json!("SLN"))).await.0, 201);
        refused_fields(&gm.post(&grants, give("technician", "shop", json!("RNO"))).await, &["scope"]);
        refused_fields(&gm.post(&grants, give("technician", "deployment", Value::Null)).await, &["scope"]);
        refused_fields(&gm.post(&grants, give("technician", "shop", Value::Null)).await, &["scope"]);
        let above = gm.post(&grants, give("administrator", "shop", json!("SLN"))).await;
        refused(&above, 403, "rights.beyond_own");
        assert!(above.1["missing"].as_array().unwrap().contains(&json!("role.manage")));
        // Nor does he add people to shops of others, or see them.
        refused_fields(&gm.post("/v1/users", json!({ "username": "olaf", "kind": "staff", "last": "Ek", "shop": "RNO" })).await, &["shop"]);
        assert_eq!(account(&gm, "admin").await, Value::Null, "the administrator reaches beyond his shop");
        let admin = id(&account(&w.sign_in("admin").await, "admin").await);
        refused(&gm.post(&format!("/v1/users/{admin}/password"), json!({})).await, 404, "not_found");
    }

    async fn nobody_rules_over_somebody_who_may_do_more(w: World) {
        let (gm, admin) = (w.sign_in("gm").await, w.sign_in("admin").await);
        let boss = id(&account(&admin, "admin").await);
        for (path, body) in [("password", json!({})), ("grants", json!({ "role": "technician", "scope": { "kind": "deployment" } }))] {
            refused(&gm.post(&format!("/v1/users/{boss}/{path}"), body).await, 403, "rights.beyond_own");
        }
        refused(&gm.patch(&format!("/v1/users/{boss}"), json!({ "state": "disabled" }), None).await, 403, "rights.beyond_own");
        assert_eq!(admin.get("/v1/session").await.0, 200);
    }

    async fn i_2_nobody_changes_his_own_grants(w: World) {
        w.add_user("second", "staff", &[grant("administrator", "deployment", None)]).await;
        let admin = w.sign_in("admin").await;
        let own = account(&admin, "admin").await;
        let (path, first) = (format!("/v1/users/{}", id(&own)), id(&own["grants"][0]));
        refused(&admin.post(&format!("{path}/grants"), json!({ "role": "technician", "scope": { "kind": "deployment" } })).await, 403, "grants.own");
        refused(&admin.delete(&format!("{path}/grants/{first}")).await, 403, "grants.own");
        refused(&admin.patch(&path, json!({ "state": "disabled" }), None).await, 403, "grants.own");
        refused(&admin.post(&format!("{path}/password"), json!({})).await, 422, "password.own");
    }

    async fn i_3_the_last_administrator_stays_one(w: World) {
        w.add_user("second", "staff", &[grant("administrator", "deployment", None)]).await;
        let (admin, second) = (w.sign_in("admin").await, w.sign_in("second").await);
        let first = account(&second, "admin").await;
        let (path, held) = (format!("/v1/users/{}", id(&first)), id(&first["grants"][0]));
        assert_eq!(second.delete(&format!("{path}/grants/{held}")).await.0, 204);
        refused_by_role(&admin.get("/v1/users").await, &["user.manage"]);
        // Somebody without that role may still not take it from the last one.
        let last = account(&second, "second").await;
        w.add_user("third", "staff", &[grant("administrator", "shop", Some(w.ids.sln.to_string()))]).await;
        let third = w.sign_in("third").await;
        refused(&third.patch(&format!("/v1/users/{}", id(&last)), json!({ "state": "disabled" }), None).await, 404, "not_found");
        refused(&second.patch(&format!("/v1/users/{}", id(&last)), json!({ "state": "locked" }), None).await, 403, "grants.own");
    }

    async fn i_3_two_who_take_the_role_from_each_other_leave_one(w: World) {
        w.add_user("second", "staff", &[grant("administrator", "deployment", None)]).await;
        let (admin, second) = (w.sign_in("admin").await, w.sign_in("second").await);
        let held = async |username: &str| {
            let user = account(&admin, username).await;
            format!("/v1/users/{}/grants/{}", id(&user), id(&user["grants"][0]))
        };
        let (first_held, second_held) = (held("admin").await, held("second").await);
        let (one, two) = tokio::join!(admin.delete(&second_held), second.delete(&first_held));
        let taken = [&one, &two].into_iter().filter(|answer| answer.0 == 204).count();
        assert_eq!(taken, 1, "{one:?} {two:?}");
        let still = if one.0 == 204 { &admin } else { &second };
        assert_eq!(still.get("/v1/users").await.0, 200);
    }

    async fn i_3_who_cannot_sign_in_or_is_none_tomorrow_is_no_other_administrator(w: World) {
        let whole = || grant("administrator", "deployment", None);
        let tomorrow = At(Timestamp::now() + SignedDuration::from_hours(24));
        w.add_user("for-today", "staff", &[NewGrant { valid_to: Some(tomorrow), ..whole() }]).await;
        w.add_user("of-assets", "staff", &[NewGrant { domains: "assets".to_owned(), ..whole() }]).await;
        w.add_user("program", "service_account", &[whole()]).await;
        let mut conn = w.app.db.write().await.unwrap();
        let bare = users::UserRow { password_hash: String::new(), ..user_row("bare", "staff", ("Ba", "Re"), None) };
        users::insert(&mut conn, &bare, &[whole()]).await.unwrap();
        conn.commit().await.unwrap();
        let for_today = w.sign_in("for-today").await;
        let last = account(&for_today, "admin").await;
        let path = format!("/v1/users/{}", id(&last));
        refused(&for_today.delete(&format!("{path}/grants/{}", id(&last["grants"][0]))).await, 409, "user.last_administrator");
        refused(&for_today.patch(&path, json!({ "state": "disabled" }), None).await, 409, "user.last_administrator");
        w.add_user("second", "staff", &[whole()]).await;
        assert_eq!(for_today.patch(&path, json!({ "state": "disabled" }), None).await.0, 200);
    }

    async fn a_state_and_the_rest_are_changed_in_one_go(w: World) {
        let (admin, tech) = (w.sign_in("admin").await, w.sign_in("tech").await);
        let user = account(&admin, "tech").await;
        let path = format!("/v1/users/{}", id(&user));
        let (status, now) = admin.patch(&path, json!({ "state": "disabled", "last": "Gone" }), user["version"].as_i64()).await;
        assert_eq!((status, &now["state"], &now["last"]), (200, &json!("disabled"), &json!("Gone")), "{now}");
        refused(&tech.get("/v1/session").await, 401, "session.required");
        refused(&admin.patch(&path, json!({ "state": "active" }), user["version"].as_i64()).await, 412, "version.stale");
        let (_, history) = admin.get(&format!("{path}/history")).await;
        let change = history["items"].as_array().unwrap().iter().find(|act| act["act"] == "change_user").unwrap();
        assert_eq!(change["changes"], json!({ "state": ["active", "disabled"], "last": ["Nakamura", "Gone"] }));
    }

    async fn a_user_is_put_right_and_who_manages_a_shop_keeps_his_people_in_it(w: World) {
        let admin = w.sign_in("admin").await;
        let path = format!("/v1/users/{}", hire(&w, "nora").await);
        let right = json!({ "first": "Eleonora", "email": "nora@dealer.example", "phone": "(254) 555-0142", "shop": "STK" });
        let (status, now) = admin.patch(&path, right, Some(1)).await;
        assert_eq!((status, &now["first"], &now["last"], &now["email"]), (200, &json!("Eleonora"), &json!("Lind"), &json!("nora@dealer.example")), "{now}");
        assert_eq!((&now["phone"], &now["shop"]["code"]), (&json!("+12545550142"), &json!("STK")));
        let stale = admin.patch(&path, json!({ "last": "Lund" }), Some(1)).await;
        refused(&stale, 412, "version.stale");
        assert_eq!(stale.1["current"]["first"], "Eleonora");
        let (status, now) = admin.patch(&path, json!({ "email": "", "shop": "" }), None).await;
        assert_eq!((status, &now["email"], &now["shop"]), (200, &Value::Null, &Value::Null), "what is emptied is gone: {now}");
        assert_eq!(admin.patch(&path, json!({ "shop": "SLN" }), None).await.0, 200);
        w.add_user("gm-sln", "staff", &[grant("general_manager", "shop", Some(w.ids.sln.to_string()))]).await;
        let gm = w.sign_in("gm-sln").await;
        refused_fields(&gm.patch(&path, json!({ "shop": "" }), None).await, &["shop"]);
        assert_eq!(gm.patch(&path, json!({ "last": "Lund" }), None).await.0, 200);
    }

    async fn a_contacts_account_tells_whose_contact_it_is_and_what_that_gives(w: World) {
        let (admin, manager) = (w.sign_in("admin").await, w.sign_in("manager").await);
        let ada = json!({ "last": "Brandt", "platform_role": "accounts", "access_level": "carrier_view", "username": "ada" });
        assert_eq!(manager.post(&format!("/v1/customers/{}/contacts", w.ids.keller), ada).await.0, 201);
        let ada = account(&admin, "ada").await;
        assert_eq!((&ada["grants"], ada["contacts"].as_array().map(Vec::len)), (&json!([]), Some(1)), "{ada}");
        let contact = &ada["contacts"][0];
        assert_eq!((&contact["customer"]["name"], &contact["active"]), (&json!("Keller Bau GmbH"), &json!(true)));
        let given = (&contact["platform_role"], &contact["right"], &contact["access_level"]);
        assert_eq!(given, (&json!("accounts"), &json!("none"), &json!("carrier_view")));
        assert_eq!(account(&admin, "counter").await["contacts"], json!([]), "the dealer's people are nobody's contacts");
    }

    async fn a_simple_history_is_who_made_it_and_who_saved_it_last_and_what_changes_nothing_is_none(w: World) {
        let admin = w.sign_in("admin").await;
        let path = format!("/v1/users/{}", hire(&w, "nora").await);
        let acts = async |query: &str| each(&admin.get(&format!("{path}/history{query}")).await.1, "/act").join(" ");
        assert_eq!(acts("?depth=simple").await, "create_user", "one and the same is told once");
        for last in ["Lind", "Lund", "Lund"] {
            assert_eq!(admin.patch(&path, json!({ "last": last }), None).await.0, 200);
        }
        assert_eq!(acts("").await, "change_user create_user");
        assert_eq!(admin.post(&format!("{path}/password"), json!({})).await.0, 201);
        assert_eq!(acts("").await, "generate_user_password change_user create_user");
        assert_eq!(acts("?depth=simple").await, "change_user create_user", "a password is none of the record");
    }

    async fn a_new_shops_code_stands_in_the_history(w: World) {
        let admin = w.sign_in("admin").await;
        let shop = json!({ "code": "FRE", "name": "Fresno", "time_zone": "America/Los_Angeles", "country": "US" });
        assert_eq!(admin.post("/v1/shops", shop).await.0, 201);
        let own = id(&account(&admin, "admin").await);
        let (_, history) = admin.get(&format!("/v1/users/{own}/history")).await;
        assert_eq!((&history["items"][0]["act"], &history["items"][0]["changes"]["code"]), (&json!("create_shop"), &json!([null, "FRE"])), "{history}");
    }

    async fn i_5_a_service_account_gets_neither_a_password_nor_a_link(w: World) {
        let admin = w.sign_in("admin").await;
        let program = w.add_user("nightly-export", "service_account", &[grant("counter_staff", "shop", Some(w.ids.sln.to_string()))]).await;
        for path in ["password", "password-link"] {
            let answer = admin.post(&format!("/v1/users/{program}/{path}"), json!({})).await;
            refused(&answer, 422, "password.none");
            assert_ne!(answer.1["title"], answer.1["code"], "told in words: {}", answer.1);
        }
    }

    async fn i_4_t21_what_is_taken_is_gone_with_the_next_call(w: World) {
        let admin = w.sign_in("admin").await;
        let tech = w.sign_in("tech").await;
        let user = account(&admin, "tech").await;
        assert_eq!(tech.get("/v1/assets/lookup?tag=1042").await.0, 200);
        for held in user["grants"].as_array().unwrap() {
            assert_eq!(admin.delete(&format!("/v1/users/{}/grants/{}", id(&user), id(held))).await.0, 204);
        }
        refused_by_role(&tech.get("/v1/assets/lookup?tag=1042").await, &["asset.lookup"]);
        assert_eq!(admin.patch(&format!("/v1/users/{}", id(&user)), json!({ "state": "disabled" }), None).await.0, 200);
        refused(&tech.get("/v1/session").await, 401, "session.required");
        assert_eq!(account(&admin, "tech").await["state"], "disabled", "never deleted");
    }

    async fn a_grant_counts_from_its_first_day_to_its_last_and_in_its_domains(w: World) {
        let admin = w.sign_in("admin").await;
        let nora = hire(&w, "nora").await;
        let path = format!("/v1/users/{nora}/grants");
        let scope = json!({ "kind": "shop", "id": "SLN" });
        let soon = "2100-01-01T00:00:00Z";
        assert_eq!(admin.post(&path, json!({ "role": "service_manager", "scope": scope, "from": soon })).await.0, 201);
        refused_fields(&admin.post(&path, json!({ "role": "technician", "scope": scope, "from": soon, "to": "2099-01-01T00:00:00Z" })).await, &["to"]);
        assert_eq!(admin.post(&path, json!({ "role": "counter_staff", "scope": scope, "domains": ["assets", "setup"] })).await.0, 201);
        let (_, made) = admin.post(&format!("/v1/users/{nora}/password"), json!({})).await;
        let (_, session) = w.stranger().post("/v1/sessions", json!({ "username": "nora", "password": made["password"] })).await;
        let caller = w.with_token(session["token"].as_str().unwrap());
        let held = permissions(&caller).await;
        assert!(held.contains(&"asset.lookup".to_owned()) && held.contains(&"person.manage".to_owned()), "{held:?}");
        assert!(!held.iter().any(|name| name.starts_with("customer.") || name == "meter.override"), "other domains and other times: {held:?}");
        let (_, user) = admin.get(&format!("/v1/users/{nora}")).await;
        assert_eq!(user["grants"].as_array().unwrap().len(), 2, "what is to come is shown");
    }

    async fn a_role_is_of_its_own_sort_of_user(w: World) {
        let admin = w.sign_in("admin").await;
        let fleet = account(&admin, "fleet").await;
        let body = json!({ "role": "counter_staff", "scope": { "kind": "shop", "id": "SLN" } });
        refused_fields(&admin.post(&format!("/v1/users/{}/grants", id(&fleet)), body).await, &["role"]);
    }

    async fn a_template_is_copied_and_the_copy_is_edited_and_no_template_is(w: World) {
        let admin = w.sign_in("admin").await;
        let edit = json!({ "permissions": { "meter.override": "yes" } });
        refused(&admin.patch("/v1/roles/counter_staff", edit.clone(), None).await, 409, "role.system");
        refused_fields(&admin.post("/v1/roles", json!({ "copy_of": "counter_staff", "key": "technician", "name": "x" })).await, &["key"]);
        refused_fields(&admin.post("/v1/roles", json!({ "copy_of": "nobody", "key": "no one", "name": "" })).await, &["copy_of", "key", "name"]);
        let (status, role) = admin.post("/v1/roles", json!({ "copy_of": "counter_staff", "key": "lead_counter", "name": "Lead counter" })).await;
        assert_eq!((status, &role["system"], &role["audience"]), (201, &json!(false), &json!("staff")), "{role}");
        w.add_user("lead", "staff", &[grant("lead_counter", "shop", Some(w.ids.sln.to_string()))]).await;
        let lead = w.sign_in("lead").await;
        let counter: Vec<String> = Role::named("counter_staff").unwrap().permissions().iter().map(|one| one.name().to_owned()).collect();
        assert_eq!(permissions(&lead).await, counter);
        let (_, before) = lead.get("/v1/session").await;
        let edit = json!({ "permissions": { "meter.override": "yes", "customer.create": "no", "customer.view": "basic" } });
        refused(&admin.patch("/v1/roles/lead_counter", edit.clone(), Some(7)).await, 412, "version.stale");
        assert_eq!(admin.patch("/v1/roles/lead_counter", edit, Some(1)).await.0, 200);
        let (_, after) = lead.get("/v1/session").await;
        assert_ne!(before["policy_version"], after["policy_version"], "G-2: the terminal learns of it");
        assert_eq!(after["limits"]["customer.view"], "basic");
        refused_by_role(&lead.post("/v1/customers", json!({ "name": "X" })).await, &["customer.create"]);
        refused_fields(&admin.patch("/v1/roles/lead_counter", json!({ "permissions": { "fly": "yes", "pm.view": "often" } }), None).await, &["fly", "pm.view"]);
        // Whoever gives roles gives no more than he has: the copy may do more now.
        let nora = hire(&w, "nora").await;
        let give = json!({ "role": "lead_counter", "scope": { "kind": "shop", "id": "SLN" } });
        assert_eq!(w.sign_in("gm").await.post(&format!("/v1/users/{nora}/grants"), give).await.0, 201, "a general manager has all of it");
    }

    async fn a_role_of_customers_people_is_given_at_a_customer_and_nowhere_wider(w: World) {
        let (admin, gm) = (w.sign_in("admin").await, w.sign_in("gm").await);
        let fleet = id(&account(&admin, "fleet").await);
        let path = format!("/v1/users/{fleet}/grants");
        let give = |kind: &str, of: Value| json!({ "role": "executive", "scope": { "kind": kind, "id": of } });
        for giver in [&admin, &gm] {
            refused_fields(&giver.post(&path, give("shop", json!("SLN"))).await, &["scope"]);
            refused_fields(&giver.post(&path, give("deployment", Value::Null)).await, &["scope"]);
        }
        assert_eq!(gm.post(&path, give("organization", json!("KELLER"))).await.0, 201);
        assert_eq!(gm.post(&path, give("customer", json!(w.ids.keller))).await.0, 201);
    }

    async fn nobody_edits_the_role_he_holds_or_puts_more_into_one_than_he_has(w: World) {
        let admin = w.sign_in("admin").await;
        for (key, name) in [("role_keeper", "Role keeper"), ("lead_counter", "Lead counter")] {
            assert_eq!(admin.post("/v1/roles", json!({ "copy_of": "counter_staff", "key": key, "name": name })).await.0, 201);
        }
        assert_eq!(admin.patch("/v1/roles/role_keeper", json!({ "permissions": { "role.manage": "yes" } }), None).await.0, 200);
        w.add_user("keeper", "staff", &[grant("role_keeper", "deployment", None)]).await;
        let keeper = w.sign_in("keeper").await;
        refused(&keeper.patch("/v1/roles/role_keeper", json!({ "permissions": { "user.manage": "yes" } }), None).await, 403, "grants.own");
        let more = keeper.patch("/v1/roles/lead_counter", json!({ "permissions": { "meter.override": "yes" } }), None).await;
        refused(&more, 403, "rights.beyond_own");
        assert_eq!(more.1["missing"], json!(["meter.override"]));
        assert_eq!(keeper.patch("/v1/roles/lead_counter", json!({ "permissions": { "customer.create": "no" } }), None).await.0, 200);
    }

    async fn a_given_password_is_not_kept_as_ones_own(w: World) {
        let admin = w.sign_in("admin").await;
        let nora = hire(&w, "nora").await;
        let (_, made) = admin.post(&format!("/v1/users/{nora}/password"), json!({})).await;
        let (_, session) = w.stranger().post("/v1/sessions", json!({ "username": "nora", "password": made["password"] })).await;
        let caller = w.with_token(session["token"].as_str().unwrap());
        let same = json!({ "current": made["password"], "new": made["password"] });
        refused_fields(&caller.put("/v1/session/password", same, None).await, &["new"]);
    }

    async fn sessions_are_listed_and_closed_by_oneself_and_by_an_administrator(w: World) {
        let (here, there, other) = (w.sign_in("counter").await, w.sign_in("counter").await, w.sign_in("manager").await);
        let (_, mine) = here.get("/v1/sessions").await;
        let items = mine["items"].as_array().unwrap();
        assert_eq!((items.len(), items.iter().filter(|one| one["current"] == true).count()), (2, 1), "{mine}");
        assert!(!mine.to_string().contains(here.token.as_deref().unwrap()), "no token is ever listed");
        let elsewhere = id(items.iter().find(|one| one["current"] == false).unwrap());
        refused(&other.delete(&format!("/v1/sessions/{elsewhere}")).await, 404, "not_found");
        assert_eq!(here.delete(&format!("/v1/sessions/{elsewhere}")).await.0, 204);
        refused(&there.get("/v1/session").await, 401, "session.required");
        // All others at once, and nobody else's.
        let (phone, desk) = (w.sign_in("counter").await, w.sign_in("counter").await);
        assert_eq!(here.delete("/v1/sessions").await.0, 204);
        for ended in [phone, desk] {
            refused(&ended.get("/v1/session").await, 401, "session.required");
        }
        assert_eq!((here.get("/v1/session").await.0, other.get("/v1/session").await.0), (200, 200));
        assert_eq!(here.delete("/v1/sessions").await.0, 204, "there are none: that is what was wanted");
        let admin = w.sign_in("admin").await;
        let counter = id(&account(&admin, "counter").await);
        let (_, history) = admin.get(&format!("/v1/users/{counter}/history")).await;
        assert_eq!(each(&history, "/act").iter().filter(|act| **act == "end_other_sessions").count(), 1, "{history}");
        let (_, open) = admin.get(&format!("/v1/users/{counter}/sessions")).await;
        let last = id(&open["items"][0]);
        assert_eq!(admin.delete(&format!("/v1/users/{counter}/sessions/{last}")).await.0, 204);
        refused(&here.get("/v1/session").await, 401, "session.required");
    }

    async fn a_user_name_is_unique_whatever_its_case(w: World) {
        let admin = w.sign_in("admin").await;
        for (name, last) in [("Counter", "Lind"), ("ab", "Lind"), ("two words", "Lind")] {
            refused_fields(&admin.post("/v1/users", json!({ "username": name, "kind": "staff", "last": last })).await, &["username"]);
        }
    }
}

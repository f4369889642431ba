//! Customers' people and those who stand in for them get no further than they
//! should by way of another account, another customer or another's eyes
//! (C-4 … C-6, C9, S0-8, S1-8, S1-14, 2.4).

use countertop::api::ids::{CustomerId, UserId};
use countertop::api::permission::{Permission, PermissionSet};
use countertop::api::role::Role;
use countertop::store::{Scope, contacts};
use serde_json::{Value, json};

use crate::harness::{Caller, World, each, grant, refused, refused_by_role};

fn id(record: &Value) -> String {
    record["id"].as_str().expect("an id").to_owned()
}

/// Adds a contact to a customer and gives back its path and id.
async fn contact(caller: &Caller, customer: impl std::fmt::Display, body: Value) -> (String, String) {
    let (status, made) = caller.post(&format!("/v1/customers/{customer}/contacts"), body).await;
    assert_eq!(status, 201, "{made}");
    (format!("/v1/contacts/{}", id(&made)), id(&made))
}

const WORDS: &str = "a few words of my own";

/// Gives the contact a password and signs it in past the forced change.
async fn let_in(w: &World, giver: &Caller, path: &str) -> Caller {
    let (status, made) = giver.post(&format!("{path}/password"), json!({})).await;
    assert_eq!(status, 201, "{made}");
    let caller = sign_in(w, &made["username"], &made["password"]).await;
    assert_eq!(caller.put("/v1/session/password", json!({ "current": made["password"], "new": WORDS }), None).await.0, 200);
    caller
}

async fn sign_in(w: &World, username: &Value, password: &Value) -> Caller {
    let (status, session) = w.stranger().post("/v1/sessions", json!({ "username": username, "password": password })).await;
    assert_eq!(status, 201, "{session}");
    w.with_token(session["token"].as_str().unwrap())
}

#[track_caller]
fn refused_over_who_decides(answer: &(u16, Value)) {
    refused(answer, 403, "rights.beyond_own");
    assert_eq!(answer.1["missing"], json!(["contact.rights.manage"]), "{}", answer.1);
    assert_eq!(answer.1["detail"], "This person decides what others may do: ask somebody who may give rights.");
}

async fn account(w: &World, username: &str) -> String {
    let (_, users) = w.sign_in("admin").await.get("/v1/users?limit=200").await;
    id(users["items"].as_array().unwrap().iter().find(|user| user["username"] == username).expect("a known account"))
}

/// Makes a contact somebody's who has an account already.
async fn give_account(w: &World, contact: &str, user: &str) {
    let mut conn = w.app.db.write().await.unwrap();
    let user_id: UserId = user.parse().unwrap();
    let row = contacts::get(&mut conn, &Scope::deployment(), contact.parse().unwrap()).await.unwrap().unwrap();
    assert!(contacts::update(&mut conn, &contacts::ContactRow { user_id: Some(user_id), ..row }).await.unwrap());
    conn.commit().await.unwrap();
}

async fn held(caller: &Caller) -> PermissionSet {
    let (_, session) = caller.get("/v1/session").await;
    let names: Vec<Permission> = serde_json::from_value(session["permissions"].clone()).unwrap();
    names.into_iter().collect()
}

on_both_databases! {
    async fn c9_nobody_takes_over_an_account_that_may_do_more_than_his_own(w: World) {
        let (admin, manager) = (w.sign_in("admin").await, w.sign_in("manager").await);
        let limited = json!({ "last": "Keller", "right": "portal_administrator", "access_level": "limited", "username": "boss" });
        let (path, _) = contact(&manager, w.ids.keller, limited).await;
        let boss = let_in(&w, &manager, &path).await;
        let wider = json!({ "last": "Vogel", "right": "portal_administrator", "access_level": "carrier_view", "username": "chief" });
        let (chief, _) = contact(&manager, w.ids.keller, wider).await;
        let refused_all = async || {
            refused(&boss.post(&format!("{chief}/password"), json!({})).await, 403, "rights.beyond_own");
            refused(&boss.post(&format!("{chief}/password-link"), json!({})).await, 403, "rights.beyond_own");
            refused(&boss.patch(&chief, json!({ "username": "chief2" }), None).await, 403, "rights.beyond_own");
        };
        refused_all().await;
        // Nor while the other has no access for a while.
        assert_eq!(manager.patch(&chief, json!({ "access_level": "none" }), None).await.0, 200);
        refused_all().await;
        assert_eq!(boss.patch(&chief, json!({ "job_title": "Chief" }), None).await.0, 200);

        let (ada, _) = contact(&boss, w.ids.keller, json!({ "last": "Brandt", "access_level": "limited", "username": "ada" })).await;
        assert_eq!(boss.post(&format!("{ada}/password"), json!({})).await.0, 201);
        // S0-8: since she belongs to another customer too, she is not his any more.
        let there = json!({ "role": "executive", "scope": { "kind": "customer", "id": w.ids.talus } });
        assert_eq!(admin.post(&format!("/v1/users/{}/grants", account(&w, "ada").await), there).await.0, 201);
        refused(&boss.post(&format!("{ada}/password"), json!({})).await, 403, "rights.beyond_own");
        assert_eq!(manager.post(&format!("{ada}/password"), json!({})).await.0, 201, "the shop serves both");
    }

    async fn nobody_who_gives_no_rights_lays_hands_on_a_contact_who_does(w: World) {
        let (manager, counter) = (w.sign_in("manager").await, w.sign_in("counter").await);
        let boss = json!({ "last": "Keller", "right": "portal_administrator", "access_level": "full", "username": "boss", "email": "boss@kellerbau.example" });
        let (boss, _) = contact(&manager, w.ids.keller, boss).await;
        let refused_all = async |path: &str| {
            for way in ["password", "password-link"] {
                refused_over_who_decides(&counter.post(&format!("{path}/{way}"), json!({})).await);
            }
            for (field, value) in [("username", "other"), ("email", "counter@dealer.example"), ("access_level", "limited"), ("access_level", "carrier_view")] {
                refused_over_who_decides(&counter.patch(path, json!({ field: value }), None).await);
            }
        };
        refused_all(&boss).await;
        // Nor while his level lets him only look, or not in: he may be given another.
        for level in ["read_only", "none", "full"] {
            assert_eq!(manager.patch(&boss, json!({ "access_level": level }), None).await.0, 200);
            refused_all(&boss).await;
        }
        // The first access counts too.
        let (named, _) = contact(&manager, w.ids.keller, json!({ "last": "Vogel", "right": "portal_administrator" })).await;
        for first in [json!({ "username": "chief" }), json!({ "access_level": "full" })] {
            refused_over_who_decides(&counter.patch(&named, first, None).await);
        }
        // So does what the account has beside the contact.
        let greta = w.add_user("greta", "customer", &[grant("portal_administrator", "customer", Some(w.ids.keller.to_string()))]).await;
        let (plain, id) = contact(&manager, w.ids.keller, json!({ "last": "Lindahl", "access_level": "full" })).await;
        give_account(&w, &id, &greta.to_string()).await;
        refused_all(&plain).await;
        // The rest of a contact is no access, and whoever gives rights there has it all.
        assert_eq!(counter.patch(&boss, json!({ "first": "Maria", "phone": "(254) 555-0142" }), None).await.0, 200);
        assert_eq!(manager.patch(&boss, json!({ "username": "maria", "email": "maria@kellerbau.example" }), None).await.0, 200);
        let_in(&w, &manager, &boss).await;
        let stahl = json!({ "last": "Stahl", "platform_role": "executive", "access_level": "none" });
        let (stahl, _) = contact(&manager, w.ids.keller, stahl).await;
        assert_eq!(counter.patch(&stahl, json!({ "username": "stahl", "access_level": "carrier_view" }), None).await.0, 200);
        let_in(&w, &counter, &stahl).await;
    }

    async fn nor_does_he_by_the_list_of_users(w: World) {
        let (admin, manager) = (w.sign_in("admin").await, w.sign_in("manager").await);
        assert_eq!(admin.post("/v1/roles", json!({ "copy_of": "counter_staff", "key": "recruiter", "name": "Recruiter" })).await.0, 201);
        assert_eq!(admin.patch("/v1/roles/recruiter", json!({ "permissions": { "user.manage": "yes" } }), None).await.0, 200);
        w.add_user("recruiter", "staff", &[grant("recruiter", "shop", Some(w.ids.sln.to_string()))]).await;
        let recruiter = w.sign_in("recruiter").await;
        let boss = json!({ "last": "Keller", "right": "portal_administrator", "access_level": "full", "username": "boss" });
        contact(&manager, w.ids.keller, boss).await;
        let greta = w.add_user("greta", "customer", &[grant("portal_administrator", "customer", Some(w.ids.keller.to_string()))]).await;
        for user in [account(&w, "boss").await, greta.to_string()] {
            let path = format!("/v1/users/{user}");
            for way in ["password", "password-link"] {
                refused_over_who_decides(&recruiter.post(&format!("{path}/{way}"), json!({})).await);
            }
            refused_over_who_decides(&recruiter.patch(&path, json!({ "email": "recruiter@dealer.example" }), None).await);
            assert_eq!(recruiter.patch(&path, json!({ "phone": "(254) 555-0142" }), None).await.0, 200);
            assert_eq!(admin.post(&format!("{path}/password"), json!({})).await.0, 201);
        }
        let plain = account(&w, "executive").await;
        assert_eq!(recruiter.post(&format!("/v1/users/{plain}/password"), json!({})).await.0, 201);
    }

    async fn s1_14_a_customers_administrator_lends_the_dealer_no_more_than_he_has(w: World) {
        let manager = w.sign_in("manager").await;
        let boss = json!({ "last": "Keller", "right": "portal_administrator", "access_level": "limited", "username": "boss" });
        let (path, _) = contact(&manager, w.ids.keller, boss).await;
        let boss = let_in(&w, &manager, &path).await;
        let consents = format!("/v1/customers/{}/consents", w.ids.keller);
        let lend = |role: &str| json!({ "role": role, "given_by": "Maria Keller" });
        for role in ["portal_administrator", "executive"] {
            let beyond = boss.post(&consents, lend(role)).await;
            refused(&beyond, 403, "rights.beyond_own");
            assert!(beyond.1["missing"].as_array().unwrap().contains(&json!("price.view")), "{role}: {}", beyond.1);
        }
        assert_eq!(boss.get(&consents).await.1["items"], json!([]), "and nothing was written down");
        assert_eq!(boss.post(&consents, lend("insight_user")).await.0, 201);
        assert_eq!(manager.post(&consents, lend("portal_administrator")).await.0, 201, "what the dealer's people write down is the customer's word");
        // With a level that takes nothing of it away he lends it.
        assert_eq!(manager.patch(&path, json!({ "access_level": "carrier_view" }), None).await.0, 200);
        for role in ["portal_administrator", "executive"] {
            assert_eq!(boss.post(&consents, lend(role)).await.0, 201, "{role}");
        }
    }

    async fn s2_5_what_is_switched_off_for_the_portal_keeps_nobody_from_giving_the_rest(w: World) {
        let (admin, manager) = (w.sign_in("admin").await, w.sign_in("manager").await);
        let boss = json!({ "last": "Keller", "right": "portal_administrator", "access_level": "full", "username": "boss" });
        let (path, _) = contact(&manager, w.ids.keller, boss).await;
        let boss = let_in(&w, &manager, &path).await;
        assert_eq!(admin.patch("/v1/portal-settings", json!({ "allows_printing": false }), None).await.0, 200);
        contact(&boss, w.ids.keller, json!({ "last": "Brandt", "platform_role": "executive", "access_level": "full" })).await;
    }

    async fn own_contacts_and_own_acts_stay_own_beside_all_of_another_customer(w: World) {
        let (admin, manager) = (w.sign_in("admin").await, w.sign_in("manager").await);
        for customer in [w.ids.keller, w.ids.talus] {
            contact(&manager, customer, json!({ "last": "Known" })).await;
        }
        let of = |role: &str, customer: CustomerId| grant(role, "customer", Some(customer.to_string()));
        w.add_user("both", "customer", &[of("insight_user", w.ids.keller), of("executive", w.ids.talus)]).await;
        let both = w.sign_in("both").await;
        for (customer, shown) in [(w.ids.keller, 0), (w.ids.talus, 1)] {
            let (status, list) = both.get(&format!("/v1/customers/{customer}/contacts")).await;
            assert_eq!((status, list["items"].as_array().map(Vec::len)), (200, Some(shown)), "{list}");
        }
        assert_eq!(admin.post("/v1/roles", json!({ "copy_of": "executive", "key": "auditor", "name": "Auditor" })).await.0, 201);
        assert_eq!(admin.patch("/v1/roles/auditor", json!({ "permissions": { "audit.view": "yes" } }), None).await.0, 200);
        w.add_user("auditor", "customer", &[of("portal_administrator", w.ids.keller), of("auditor", w.ids.talus)]).await;
        let auditor = w.sign_in("auditor").await;
        for (customer, shown) in [(w.ids.keller, 0), (w.ids.talus, 1)] {
            let (status, history) = auditor.get(&format!("/v1/customers/{customer}/history")).await;
            assert_eq!((status, history["items"].as_array().map(Vec::len)), (200, Some(shown)), "{history}");
        }
    }

    async fn c_4_no_access_at_one_customer_reaches_nothing_of_it(w: World) {
        let manager = w.sign_in("manager").await;
        let (here, _) = contact(&manager, w.ids.keller, json!({ "last": "Brandt", "access_level": "full", "username": "ada" })).await;
        let_in(&w, &manager, &here).await;
        let (_, there) = contact(&manager, w.ids.talus, json!({ "last": "Brandt", "access_level": "full" })).await;
        give_account(&w, &there, &account(&w, "ada").await).await;
        assert_eq!(manager.patch(&here, json!({ "access_level": "none" }), None).await.0, 200);
        let ada = sign_in(&w, &json!("ada"), &json!(WORDS)).await;
        assert_eq!(each(&ada.get("/v1/organizations").await.1, "/code"), ["TALUS"]);
        refused(&ada.patch("/v1/session", json!({ "customer": w.ids.keller }), None).await, 404, "not_found");
    }

    async fn through_a_portal_administrators_eyes_nobody_reads_who_did_what_unless_he_may(w: World) {
        let (counter, manager) = (w.sign_in("counter").await, w.sign_in("manager").await);
        let boss = json!({ "last": "Keller", "right": "portal_administrator", "access_level": "carrier_view", "username": "boss" });
        let (_, boss) = contact(&manager, w.ids.keller, boss).await;
        let exactly = Role::named("portal_administrator").unwrap().permissions();
        let audit: PermissionSet = Permission::from_name("audit.view").into_iter().collect();
        for (looker, seen) in [(&counter, exactly.without(audit)), (&manager, exactly)] {
            let (status, session) = looker.put("/v1/session/acting", json!({ "contact": boss }), None).await;
            assert_eq!((status, &session["acting"]["allowed"]), (200, &json!(true)), "{session}");
            assert_eq!(held(looker).await, seen, "greyed as it is for the contact");
        }
        let history = format!("/v1/customers/{}/history", w.ids.keller);
        refused_by_role(&counter.get(&history).await, &["audit.view"]);
        assert_eq!(manager.get(&history).await.0, 200);
    }

    async fn whoever_may_not_look_any_more_can_still_stop(w: World) {
        let admin = w.sign_in("admin").await;
        let (_, ada) = contact(&admin, w.ids.keller, json!({ "last": "Brandt", "access_level": "full" })).await;
        let looker = w.add_user("looker", "staff", &[grant("counter_staff", "shop", Some(w.ids.sln.to_string()))]).await;
        let caller = w.sign_in("looker").await;
        assert_eq!(caller.put("/v1/session/acting", json!({ "contact": ada }), None).await.0, 200);
        let (_, user) = admin.get(&format!("/v1/users/{looker}")).await;
        assert_eq!(admin.delete(&format!("/v1/users/{looker}/grants/{}", id(&user["grants"][0]))).await.0, 204);
        let (status, session) = caller.get("/v1/session").await;
        assert_eq!((status, &session["acting"]["allowed"], &session["permissions"]), (200, &json!(false), &json!([])), "{session}");
        refused_by_role(&caller.get(&format!("/v1/customers/{}/contacts", w.ids.keller)).await, &["contact.view"]);
        assert_eq!(caller.delete("/v1/session/acting").await.0, 204);
        assert_eq!(caller.get("/v1/session").await.1["acting"], Value::Null);
    }

    async fn c_6_the_last_portal_administrators_account_is_not_closed_while_others_have_rights(w: World) {
        let (admin, manager) = (w.sign_in("admin").await, w.sign_in("manager").await);
        let named = |name: &str| json!({ "last": name, "right": "portal_administrator", "access_level": "carrier_view", "username": name });
        contact(&manager, w.ids.keller, named("boss")).await;
        contact(&manager, w.ids.keller, json!({ "last": "Brandt", "right": "insight_user", "access_level": "full", "username": "ada" })).await;
        let (boss, ada) = (account(&w, "boss").await, account(&w, "ada").await);
        for state in ["disabled", "locked"] {
            refused(&admin.patch(&format!("/v1/users/{boss}"), json!({ "state": state }), None).await, 422, "rights.last_portal_administrator");
        }
        assert_eq!(admin.patch(&format!("/v1/users/{ada}"), json!({ "state": "disabled" }), None).await.0, 200, "who is below is shut out as ever");
        // With a second one the first may go, and counts for none then.
        let (path, _) = contact(&manager, w.ids.keller, named("second")).await;
        assert_eq!(admin.patch(&format!("/v1/users/{boss}"), json!({ "state": "disabled" }), None).await.0, 200);
        let second = account(&w, "second").await;
        refused(&admin.patch(&format!("/v1/users/{second}"), json!({ "state": "disabled" }), None).await, 422, "rights.last_portal_administrator");
        refused(&manager.patch(&path, json!({ "right": "none" }), None).await, 422, "rights.last_portal_administrator");
        assert_eq!(admin.patch(&format!("/v1/users/{boss}"), json!({ "state": "active" }), None).await.0, 200);
        assert_eq!(manager.patch(&path, json!({ "right": "none" }), None).await.0, 200);
    }

    async fn s1_8_what_is_below_a_portal_administrator_is_given_by_no_role_before_him(w: World) {
        let admin = w.sign_in("admin").await;
        let user = w.add_user("ada", "customer", &[]).await;
        let path = format!("/v1/users/{user}/grants");
        for role in ["insight_user", "fleet_administrator"] {
            let at = |kind: &str, id: Value| json!({ "role": role, "scope": { "kind": kind, "id": id } });
            refused(&admin.post(&path, at("customer", json!(w.ids.keller))).await, 422, "rights.no_portal_administrator");
            refused(&admin.post(&path, at("organization", json!("KELLER"))).await, 422, "rights.no_portal_administrator");
        }
        contact(&admin, w.ids.keller, json!({ "last": "Keller", "right": "portal_administrator", "access_level": "carrier_view" })).await;
        let at = json!({ "role": "insight_user", "scope": { "kind": "customer", "id": w.ids.keller } });
        assert_eq!(admin.post(&path, at).await.0, 201);
    }
}

//! Customers' people: what they play, what they manage, how far they get
//! (S1-1 … S1-13, S4-3 … S4-15, C-4 … C-8, C9).

use countertop::api::access_level::AccessLevel;
use countertop::api::permission::{Permission, PermissionSet};
use countertop::api::role::Role;
use countertop::store::{At, password_links, users};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::by_hand::change;
use crate::harness::{Caller, MailServer, World, refused, refused_by_role, refused_fields, token_hash};

/// Adds a contact to Keller and gives back its path and id.
async fn contact(caller: &Caller, w: &World, body: Value) -> (String, Value) {
    let (status, made) = caller.post(&format!("/v1/customers/{}/contacts", w.ids.keller), body).await;
    assert_eq!(status, 201, "{made}");
    (format!("/v1/contacts/{}", made["id"].as_str().unwrap()), made)
}

/// Gives the contact a password and signs it in past the forced change.
async fn let_in(w: &World, giver: &Caller, path: &str) -> Caller {
    let (status, made) = giver.post(&format!("{path}/password"), json!({})).await;
    assert_eq!(status, 201, "{made}");
    let (status, session) = w.stranger().post("/v1/sessions", json!({ "username": made["username"], "password": made["password"] })).await;
    assert_eq!(status, 201, "{session}");
    let caller = w.with_token(session["token"].as_str().unwrap());
    let own = json!({ "current": made["password"], "new": "a few words of my own" });
    assert_eq!(caller.put("/v1/session/password", own, None).await.0, 200);
    caller
}

async fn held(caller: &Caller) -> PermissionSet {
    let (_, session) = caller.get("/v1/session").await;
    let names: Vec<Permission> = serde_json::from_value(session["permissions"].clone()).unwrap();
    names.into_iter().collect()
}

fn template(key: &str) -> PermissionSet {
    Role::named(key).unwrap().permissions()
}

on_both_databases! {
    async fn s4_3_s4_6_a_contact_gets_access_and_nothing_is_live_before_it_is_saved(w: World) {
        let manager = w.sign_in("manager").await;
        let (path, made) = contact(&manager, &w, json!({ "first": "Ada", "last": "Brandt", "email": "ada@kellerbau.example" })).await;
        assert_eq!((&made["access_level"], &made["username"], &made["has_password"]), (&json!("none"), &Value::Null, &json!(false)), "no access unless given");
        refused(&manager.post(&format!("{path}/password"), json!({})).await, 422, "contact.no_username");
        let (status, changed) = manager.patch(&path, json!({ "access_level": "limited", "username": "ada.brandt" }), Some(1)).await;
        assert_eq!((status, &changed["designated_by"]), (200, &json!("manager")), "S1-5: {changed}");
        let ada = let_in(&w, &manager, &path).await;
        assert_eq!(held(&ada).await, template("level_limited"), "the level alone gives its template");
        refused_by_role(&ada.get("/v1/assets/lookup?tag=1042").await, &["asset.lookup"]);
        assert_eq!(ada.post("/v1/service-requests", json!({ "unit_number": "1043", "complaint": "horn" })).await.0, 201, "G-10");
        assert_eq!(manager.patch(&path, json!({ "active": false }), None).await.0, 200);
        for given in ["password", "password-link"] {
            refused(&manager.post(&format!("{path}/{given}"), json!({})).await, 409, "contact.inactive");
        }
        // A department has a name of one part.
        let (_, department) = contact(&manager, &w, json!({ "kind": "department", "last": "Accounts payable", "receives_invoices": true })).await;
        assert_eq!((&department["kind"], &department["receives_invoices"]), (&json!("department"), &json!(true)));
    }

    async fn c9_an_access_level_is_a_ceiling_on_everything_else(w: World) {
        let manager = w.sign_in("manager").await;
        let (path, _) = contact(&manager, &w, json!({ "last": "Brandt", "platform_role": "executive", "access_level": "carrier_view", "username": "ada" })).await;
        let ada = let_in(&w, &manager, &path).await;
        assert_eq!(held(&ada).await, template("executive"), "8.4: carrier view takes nothing away");
        for level in [AccessLevel::Full, AccessLevel::Limited, AccessLevel::ReadOnly, AccessLevel::CarrierView] {
            assert_eq!(manager.patch(&path, json!({ "access_level": level }), None).await.0, 200);
            assert_eq!(held(&ada).await, template("executive").without(level.takes_away()), "{level:?}");
        }
        assert_eq!(manager.patch(&path, json!({ "access_level": "read_only" }), None).await.0, 200);
        let reading = format!("/v1/assets/{}/readings", w.ids.excavator);
        refused_by_role(&ada.post(&reading, json!({ "value": "13000" })).await, &["meter.reading.add_edit"]);
        assert_eq!(ada.get(&format!("/v1/assets/{}/meters", w.ids.excavator)).await.0, 200);
    }

    async fn a_user_name_without_a_level_gives_full_access_and_another_name_gives_none_back(w: World) {
        let (manager, gm) = (w.sign_in("manager").await, w.sign_in("gm").await);
        let (path, made) = contact(&manager, &w, json!({ "last": "Brandt", "username": "ada" })).await;
        assert_eq!((&made["access_level"], &made["designated_by"]), (&json!("full"), &json!("manager")), "3.1: {made}");
        assert_eq!(held(&let_in(&w, &manager, &path).await).await, template("level_full"));
        let (_, history) = gm.get(&format!("/v1/customers/{}/history", w.ids.keller)).await;
        let act = history["items"].as_array().unwrap().iter().find(|act| act["act"] == "create_contact").expect("it was written down");
        assert_eq!(act["changes"], json!({ "last": [null, "Brandt"], "username": [null, "ada"], "access_level": [null, "full"] }));
        // What was taken away stays away, whatever the name.
        assert_eq!(manager.patch(&path, json!({ "access_level": "none" }), None).await.0, 200);
        let (status, renamed) = manager.patch(&path, json!({ "username": "ada.brandt" }), None).await;
        assert_eq!((status, &renamed["username"], &renamed["access_level"]), (200, &json!("ada.brandt"), &json!("none")), "{renamed}");
        // Who was a contact before gets in with the first name too, unless that is said otherwise.
        let (later, made) = contact(&manager, &w, json!({ "last": "Vogel" })).await;
        assert_eq!(made["access_level"], "none", "without a name nobody signs in");
        assert_eq!(manager.patch(&later, json!({ "username": "anke" }), None).await.1["access_level"], "full");
        let (_, asleep) = contact(&manager, &w, json!({ "last": "Stahl", "username": "stahl", "access_level": "none" })).await;
        assert_eq!(asleep["access_level"], "none");
    }

    async fn c_4_s4_15_no_access_ends_the_session_at_once_and_refuses_the_next(w: World) {
        let manager = w.sign_in("manager").await;
        let (path, _) = contact(&manager, &w, json!({ "last": "Brandt", "access_level": "full", "username": "ada" })).await;
        let ada = let_in(&w, &manager, &path).await;
        assert_eq!(manager.patch(&path, json!({ "access_level": "none" }), None).await.0, 200);
        refused(&ada.get("/v1/session").await, 401, "session.required");
        let again = w.stranger().post("/v1/sessions", json!({ "username": "ada", "password": "a few words of my own" })).await;
        refused(&again, 401, "session.refused");
        assert_eq!(again.1, w.stranger().post("/v1/sessions", json!({ "username": "nobody", "password": "x" })).await.1, "like a name that nobody has");
        // Given back, the password is as it was; taken out as a contact, it is gone.
        assert_eq!(manager.patch(&path, json!({ "access_level": "full" }), None).await.0, 200);
        let back = w.stranger().post("/v1/sessions", json!({ "username": "ada", "password": "a few words of my own" })).await;
        assert_eq!(back.0, 201);
        assert_eq!(manager.patch(&path, json!({ "active": false }), None).await.0, 200);
        refused(&w.with_token(back.1["token"].as_str().unwrap()).get("/v1/session").await, 401, "session.required");
        refused(&w.stranger().post("/v1/sessions", json!({ "username": "ada", "password": "a few words of my own" })).await, 401, "session.refused");
        let (_, kept) = manager.get(&path).await;
        assert_eq!((&kept["active"], &kept["username"]), (&json!(false), &json!("ada")), "S1-13: never deleted");
    }

    async fn whom_an_administrator_disabled_nobody_lets_in_by_the_contact(w: World) {
        let (manager, admin) = (w.sign_in("manager").await, w.sign_in("admin").await);
        let (path, _) = contact(&manager, &w, json!({ "last": "Brandt", "access_level": "full", "username": "ada" })).await;
        let_in(&w, &manager, &path).await;
        let (_, users) = admin.get("/v1/users?limit=200").await;
        let ada = users["items"].as_array().unwrap().iter().find(|user| user["username"] == "ada").unwrap()["id"].as_str().unwrap().to_owned();
        assert_eq!(admin.patch(&format!("/v1/users/{ada}"), json!({ "state": "disabled" }), None).await.0, 200);
        for active in [false, true] {
            assert_eq!(manager.patch(&path, json!({ "active": active }), None).await.0, 200);
        }
        refused(&w.stranger().post("/v1/sessions", json!({ "username": "ada", "password": "a few words of my own" })).await, 401, "session.refused");
    }

    async fn s1_8_c_5_nobody_below_before_there_is_a_portal_administrator(w: World) {
        let manager = w.sign_in("manager").await;
        let path = format!("/v1/customers/{}/contacts", w.ids.keller);
        for right in ["insight_user", "fleet_administrator"] {
            let answer = manager.post(&path, json!({ "last": "Brandt", "right": right, "access_level": "carrier_view" })).await;
            refused(&answer, 422, "rights.no_portal_administrator");
            assert_eq!(answer.1["detail"], "Name a portal administrator first.");
        }
        // Without access he administers nothing.
        contact(&manager, &w, json!({ "last": "Asleep", "right": "portal_administrator", "access_level": "none" })).await;
        refused(&manager.post(&path, json!({ "last": "Brandt", "right": "insight_user" })).await, 422, "rights.no_portal_administrator");
        contact(&manager, &w, json!({ "last": "Keller", "right": "portal_administrator", "access_level": "carrier_view" })).await;
        contact(&manager, &w, json!({ "last": "Brandt", "right": "insight_user", "access_level": "carrier_view" })).await;
    }

    async fn s1_6_c_6_the_last_portal_administrator_stays_while_others_have_rights(w: World) {
        let manager = w.sign_in("manager").await;
        let (boss, _) = contact(&manager, &w, json!({ "last": "Keller", "right": "portal_administrator", "access_level": "carrier_view" })).await;
        let (below, _) = contact(&manager, &w, json!({ "last": "Brandt", "right": "insight_user", "access_level": "carrier_view" })).await;
        for change in [json!({ "right": "none" }), json!({ "right": "insight_user" }), json!({ "active": false }), json!({ "access_level": "none" })] {
            refused(&manager.patch(&boss, change, None).await, 422, "rights.last_portal_administrator");
        }
        // S1-6: there may be several; then one of them may go.
        let (second, _) = contact(&manager, &w, json!({ "last": "Vogel", "right": "portal_administrator", "access_level": "full" })).await;
        assert_eq!(manager.patch(&boss, json!({ "active": false }), None).await.0, 200);
        assert_eq!(manager.patch(&below, json!({ "right": "none" }), None).await.0, 200);
        assert_eq!(manager.patch(&second, json!({ "right": "none" }), None).await.0, 200, "and the last one, once nobody is below");
    }

    async fn s1_6_c_6_the_last_portal_administrator_keeps_a_level_to_administer_under(w: World) {
        let manager = w.sign_in("manager").await;
        let (boss, _) = contact(&manager, &w, json!({ "last": "Keller", "right": "portal_administrator", "access_level": "carrier_view" })).await;
        let (below, _) = contact(&manager, &w, json!({ "last": "Brandt", "right": "insight_user", "access_level": "carrier_view" })).await;
        let (second, _) = contact(&manager, &w, json!({ "last": "Vogel", "right": "portal_administrator", "access_level": "read_only" })).await;
        let rights = Permission::named("contact.rights.manage");
        for level in AccessLevel::ALL.iter().filter(|level| level.takes_away().holds(rights)) {
            refused(&manager.patch(&boss, json!({ "access_level": level }), None).await, 422, "rights.last_portal_administrator");
        }
        for level in AccessLevel::ALL.iter().filter(|level| !level.takes_away().holds(rights)) {
            assert_eq!(manager.patch(&boss, json!({ "access_level": level }), None).await.0, 200, "{level:?} leaves him to administer");
        }
        // Whose level lets him only look is no other one.
        refused(&manager.patch(&boss, json!({ "right": "none" }), None).await, 422, "rights.last_portal_administrator");
        assert_eq!(manager.patch(&second, json!({ "access_level": "limited" }), None).await.0, 200);
        assert_eq!(manager.patch(&boss, json!({ "access_level": "read_only" }), None).await.0, 200);
        refused(&manager.patch(&second, json!({ "access_level": "read_only" }), None).await, 422, "rights.last_portal_administrator");
        assert_eq!(manager.patch(&below, json!({ "right": "fleet_administrator" }), None).await.0, 200);
    }

    async fn c_5_where_nobody_administers_any_more_it_is_put_right_and_nobody_gets_more_before(w: World) {
        let manager = w.sign_in("manager").await;
        let (boss, _) = contact(&manager, &w, json!({ "last": "Keller", "right": "portal_administrator", "access_level": "full" })).await;
        let (below, _) = contact(&manager, &w, json!({ "last": "Brandt", "right": "insight_user", "access_level": "full" })).await;
        // As it could be before the level counted.
        let reads_only = "UPDATE contact SET access_level = 'read_only' WHERE id = $1";
        assert_eq!(change(&w, reads_only, &[boss.rsplit('/').next().unwrap()]).await, 1);
        let path = format!("/v1/customers/{}/contacts", w.ids.keller);
        let another = json!({ "last": "Stahl", "right": "insight_user", "access_level": "full" });
        refused(&manager.post(&path, another.clone()).await, 422, "rights.no_portal_administrator");
        for more in [json!({ "right": "fleet_administrator" }), json!({ "access_level": "carrier_view" })] {
            refused(&manager.patch(&below, more, None).await, 422, "rights.no_portal_administrator");
        }
        for less in [json!({ "access_level": "limited" }), json!({ "access_level": "none" }), json!({ "right": "none" })] {
            assert_eq!(manager.patch(&below, less.clone(), None).await.0, 200, "{less}");
        }
        assert_eq!(manager.patch(&boss, json!({ "access_level": "limited" }), None).await.0, 200);
        assert_eq!(manager.post(&path, another).await.0, 201);
    }

    async fn c_6_two_who_demote_each_other_leave_one(w: World) {
        let manager = w.sign_in("manager").await;
        let boss = |last: &str| json!({ "last": last, "right": "portal_administrator", "access_level": "full" });
        let ((one, _), (two, _)) = (contact(&manager, &w, boss("Keller")).await, contact(&manager, &w, boss("Vogel")).await);
        contact(&manager, &w, json!({ "last": "Brandt", "right": "insight_user", "access_level": "full" })).await;
        let none = json!({ "right": "none" });
        let answers = tokio::join!(manager.patch(&one, none.clone(), None), manager.patch(&two, none.clone(), None));
        let (gone, stays) = if answers.0.0 == 200 { answers } else { (answers.1, answers.0) };
        assert_eq!(gone.0, 200, "{}", gone.1);
        refused(&stays, 422, "rights.last_portal_administrator");
    }

    async fn s1_14_what_is_done_for_a_customer_stands_in_its_history_with_both_names(w: World) {
        let (manager, gm) = (w.sign_in("manager").await, w.sign_in("gm").await);
        let customer = format!("/v1/customers/{}", w.ids.keller);
        let (status, consent) = manager.post(&format!("{customer}/consents"), json!({ "role": "executive", "given_by": "Maria Keller" })).await;
        assert_eq!(status, 201, "{consent}");
        assert_eq!(manager.put("/v1/session/acting", json!({ "customer": w.ids.keller }), None).await.0, 200);
        let reading = manager.post(&format!("/v1/assets/{}/readings", w.ids.excavator), json!({ "value": "12904" })).await;
        assert_eq!(reading.0, 201, "{}", reading.1);
        // The consent ends, and he stops: whom it was for is still told.
        assert_eq!(gm.delete(&format!("/v1/consents/{}", consent["id"].as_str().unwrap())).await.0, 204);
        assert_eq!(manager.delete("/v1/session/acting").await.0, 204);
        let (_, history) = gm.get(&format!("{customer}/history")).await;
        for act in ["add_reading", "stop_acting"] {
            let entry = history["items"].as_array().unwrap().iter().find(|entry| entry["act"] == act).unwrap_or_else(|| panic!("{act}: {history}"));
            assert_eq!((&entry["actor"], &entry["on_behalf_of"]), (&json!("Marco Silva"), &json!("Keller Bau GmbH")), "{act}");
        }
    }

    async fn s1_10_c_7_c_8_what_a_contact_plays_gives_no_access_and_sends_no_invoice(w: World) {
        let manager = w.sign_in("manager").await;
        let (path, _) = contact(&manager, &w, json!({ "last": "Brandt", "access_level": "read_only", "username": "ada" })).await;
        let ada = let_in(&w, &manager, &path).await;
        let before = held(&ada).await;
        let (status, now) = manager.patch(&path, json!({ "roles": ["billing", "owner", "technical"] }), None).await;
        assert_eq!((status, &now["roles"], &now["receives_invoices"]), (200, &json!(["technical", "billing", "owner"]), &json!(false)));
        assert_eq!(held(&ada).await, before);
        refused_by_role(&w.sign_in("counter").await.patch(&path, json!({ "right": "portal_administrator" }), None).await, &["contact.rights.manage"]);
    }

    async fn a_customers_administrator_gives_no_more_than_he_has_and_nobody_himself(w: World) {
        let manager = w.sign_in("manager").await;
        let (own, _) = contact(&manager, &w, json!({ "last": "Keller", "right": "portal_administrator", "access_level": "limited", "username": "boss" })).await;
        let boss = let_in(&w, &manager, &own).await;
        let path = format!("/v1/customers/{}/contacts", w.ids.keller);
        let beyond = boss.post(&path, json!({ "last": "Brandt", "platform_role": "executive", "access_level": "carrier_view" })).await;
        refused(&beyond, 403, "rights.beyond_own");
        assert!(beyond.1["missing"].as_array().unwrap().contains(&json!("price.view")));
        let (_, made) = contact(&boss, &w, json!({ "last": "Brandt", "platform_role": "executive", "access_level": "limited" })).await;
        assert_eq!(made["designated_by"], "boss");
        refused(&boss.patch(&own, json!({ "access_level": "carrier_view" }), None).await, 403, "grants.own");
        refused(&boss.post(&format!("{own}/password"), json!({})).await, 403, "grants.own");
        refused(&boss.post(&format!("/v1/customers/{}/contacts", w.ids.waco), json!({ "last": "Elsewhere" })).await, 404, "not_found");
    }

    async fn s1_5_whoever_named_somebody_stays_it_whatever_the_dealer_sets_later(w: World) {
        let manager = w.sign_in("manager").await;
        let (own, _) = contact(&manager, &w, json!({ "last": "Keller", "right": "portal_administrator", "access_level": "carrier_view", "username": "boss" })).await;
        let boss = let_in(&w, &manager, &own).await;
        let (ada, made) = contact(&boss, &w, json!({ "last": "Brandt", "right": "insight_user", "access_level": "carrier_view", "username": "ada" })).await;
        assert_eq!(made["designated_by"], "boss");
        let named_by = async |giver: &Caller, change: Value| {
            let (status, now) = giver.patch(&ada, change.clone(), None).await;
            assert_eq!(status, 200, "{change}: {now}");
            now["designated_by"].as_str().map(str::to_owned)
        };
        for change in [
            json!({ "access_level": "limited" }),
            json!({ "access_level": "none" }),
            json!({ "access_level": "full", "right": "insight_user" }),
            json!({ "active": false }),
            json!({ "active": true }),
            json!({ "right": "none" }),
        ] {
            assert_eq!(named_by(&manager, change.clone()).await.as_deref(), Some("boss"), "{change}");
        }
        // Given anew, or another one, it is whoever gives it.
        assert_eq!(named_by(&manager, json!({ "right": "insight_user" })).await.as_deref(), Some("manager"));
        assert_eq!(named_by(&boss, json!({ "right": "fleet_administrator" })).await.as_deref(), Some("boss"));
        assert_eq!(named_by(&manager, json!({ "platform_role": "fleet" })).await.as_deref(), Some("manager"));
        assert_eq!(named_by(&boss, json!({ "platform_role": "none" })).await.as_deref(), Some("manager"));
    }

    async fn what_only_belongs_to_oneself_or_is_basic_is_all_that_is_shown(w: World) {
        let manager = w.sign_in("manager").await;
        contact(&manager, &w, json!({ "last": "Keller", "right": "portal_administrator", "access_level": "full", "email": "secret@kellerbau.example" })).await;
        let (path, _) = contact(&manager, &w, json!({ "last": "Brandt", "access_level": "full", "username": "ada" })).await;
        let ada = let_in(&w, &manager, &path).await;
        let list = format!("/v1/customers/{}/contacts", w.ids.keller);
        let (_, own) = ada.get(&list).await;
        assert_eq!(own["items"].as_array().map(Vec::len), Some(1), "own: {own}");
        let (_, basic) = w.sign_in("tech").await.get(&list).await;
        assert_eq!(basic["items"].as_array().map(Vec::len), Some(2));
        assert!(!basic.to_string().contains("secret@") && !basic.to_string().contains("access_level"), "{basic}");
        refused_by_role(&w.sign_in("portaluser").await.get(&list).await, &["contact.view"]);
    }

    async fn a_stale_save_shows_what_is_there_now_and_a_name_that_is_taken_says_so(w: World) {
        let manager = w.sign_in("manager").await;
        let (path, _) = contact(&manager, &w, json!({ "last": "Brandt", "access_level": "full" })).await;
        assert_eq!(manager.patch(&path, json!({ "job_title": "Foreman" }), Some(1)).await.0, 200);
        let stale = manager.patch(&path, json!({ "job_title": "Driver" }), Some(1)).await;
        refused(&stale, 412, "version.stale");
        assert_eq!(stale.1["current"]["job_title"], "Foreman");
        refused_fields(&manager.patch(&path, json!({ "username": "COUNTER" }), None).await, &["username"]);
        refused_fields(&manager.patch(&path, json!({ "email": "no address", "last": "" }), None).await, &["email", "last"]);
    }

    async fn s4_12_s4_13_a_link_is_mailed_and_sets_a_password_once(w: World) {
        let post = MailServer::start().await;
        let mailing = w.beside(post.arrangements()).await;
        let manager = mailing.sign_in("manager").await;
        let (path, _) = contact(&manager, &w, json!({ "last": "Brandt", "access_level": "full", "username": "ada" })).await;
        let send = format!("{path}/password-link");
        refused(&manager.post(&send, json!({})).await, 422, "contact.no_email");
        assert_eq!(manager.patch(&path, json!({ "email": "ada@kellerbau.example" }), None).await.0, 200);
        refused(&w.sign_in("manager").await.post(&send, json!({})).await, 409, "mail.not_configured");
        let (status, sent) = manager.post(&send, json!({})).await;
        assert_eq!((status, &sent["email"]), (201, &json!("ada@kellerbau.example")), "{sent}");
        let mails = post.wait_for(1).await;
        let (code, text) = (mails[0].code(), mails[0].text());
        assert!(mails[0].to == ["ada@kellerbau.example"] && text.contains("User name: ada"), "{text}");
        assert!(!sent.to_string().contains(&code), "the code is in the letter only");
        let set = |code: &str, new: &str| json!({ "code": code, "new": new });
        let stranger = w.stranger();
        refused_fields(&stranger.post("/v1/password-links", set(&code, "short")).await, &["new"]);
        assert_eq!(stranger.post("/v1/password-links", set(&code, "words of my own")).await.0, 200);
        refused(&stranger.post("/v1/password-links", set(&code, "words of a thief")).await, 422, "link.bad");
        refused(&stranger.post("/v1/password-links", set("guessed", "words of a thief")).await, 422, "link.bad");
        let (status, session) = stranger.post("/v1/sessions", json!({ "username": "ada", "password": "words of my own" })).await;
        assert_eq!((status, &session["must_change_password"]), (201, &json!(false)), "her own password needs no change");
        // A password given meanwhile makes the link good for nothing.
        assert_eq!(manager.post(&send, json!({})).await.0, 201);
        let code = post.wait_for(2).await[1].code();
        assert_eq!(manager.post(&format!("{path}/password"), json!({})).await.0, 201);
        refused(&stranger.post("/v1/password-links", set(&code, "words of a thief")).await, 422, "link.bad");
        // Nor is a mailbox filled by it: the last link is less than a minute old.
        let soon = manager.post(&send, json!({})).await;
        refused(&soon, 429, "session.slow_down");
        assert!((1..=60).contains(&soon.1["retry_after"].as_u64().unwrap()), "{}", soon.1);
        // That she was given a password is told beside them, whenever that arrives.
        let links = post.wait_for(3).await.iter().filter(|mail| mail.text().contains("set-password")).count();
        assert_eq!((links, post.mails().len()), (2, 3));
    }

    async fn s4_13_a_link_that_was_mailed_ends_with_the_name_the_address_and_the_access(w: World) {
        let (manager, admin) = (w.sign_in("manager").await, w.sign_in("admin").await);
        let ada = json!({ "last": "Brandt", "access_level": "full", "username": "ada", "email": "ada@kellerbau.example" });
        let (path, _) = contact(&manager, &w, ada).await;
        let mut conn = w.app.db.read().await.unwrap();
        let user = users::by_name(&mut conn, "ada").await.unwrap().unwrap().id;
        drop(conn);
        let link = async |code: &str| {
            let mut conn = w.app.db.write().await.unwrap();
            let ends_at = At(Timestamp::now() + SignedDuration::from_hours(1));
            password_links::add(&mut conn, user, &token_hash(code), ends_at).await.unwrap();
            conn.commit().await.unwrap();
        };
        let set = async |code: &str| w.stranger().post("/v1/password-links", json!({ "code": code, "new": "words of a thief" })).await;
        let ends = [
            json!({ "email": "other@kellerbau.example" }),
            json!({ "email": "" }),
            json!({ "username": "ada.brandt" }),
            json!({ "access_level": "none" }),
            json!({ "active": false }),
        ];
        for (nth, change) in ends.into_iter().enumerate() {
            let code = format!("code-{nth}");
            link(&code).await;
            assert_eq!(manager.patch(&path, change.clone(), None).await.0, 200, "{change}");
            refused(&set(&code).await, 422, "link.bad");
            assert_eq!(manager.patch(&path, json!({ "access_level": "full", "active": true }), None).await.0, 200);
            refused(&set(&code).await, 422, "link.bad");
        }
        let account = format!("/v1/users/{user}");
        for (code, change) in [("moved", json!({ "email": "third@kellerbau.example" })), ("closed", json!({ "state": "disabled" }))] {
            link(code).await;
            assert_eq!(admin.patch(&account, change, None).await.0, 200);
            refused(&set(code).await, 422, "link.bad");
            assert_eq!(admin.patch(&account, json!({ "state": "active" }), None).await.0, 200);
            refused(&set(code).await, 422, "link.bad");
        }
        // Whatever else is changed leaves it good.
        link("kept").await;
        assert_eq!(manager.patch(&path, json!({ "job_title": "Foreman", "access_level": "limited" }), None).await.0, 200);
        assert_eq!(set("kept").await.0, 200);
    }

    async fn a_mail_that_is_not_taken_says_so(w: World) {
        let post = MailServer::refusing().await;
        let mailing = w.beside(post.arrangements()).await;
        let manager = mailing.sign_in("manager").await;
        let body = json!({ "last": "Brandt", "access_level": "full", "username": "ada", "email": "ada@kellerbau.example" });
        let (path, _) = contact(&manager, &w, body).await;
        refused(&manager.post(&format!("{path}/password-link"), json!({})).await, 500, "mail.failed");
        assert!(post.mails().is_empty());
    }
}

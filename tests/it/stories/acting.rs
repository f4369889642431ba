//! Standing in for a customer: with its consent, within it, and never beyond
//! oneself (S1-14); and looking through a contact's eyes, which changes nothing.

use std::collections::BTreeSet;

use countertop::api::ids::ContactId;
use serde_json::{Value, json};

use super::by_hand;
use super::contract::{Contract, Target};
use super::targets::{Access, People, Targets, contact, made, session, signed_in};
use crate::harness::{Caller, World, each, grant, refused, refused_by_role};

const ACTING: &str = "/v1/session/acting";

async fn consent(w: &World, role: &str) -> String {
    let manager = signed_in(w, "manager").await;
    made(&manager.post(&format!("/v1/customers/{}/consents", w.ids.keller), json!({ "role": role, "given_by": "Maria Keller" })).await)
}

async fn act_for(caller: &Caller, customer: impl std::fmt::Display) -> (u16, Value) {
    caller.put(ACTING, json!({ "customer": customer.to_string() }), None).await
}

async fn look_through(caller: &Caller, eyes: ContactId) -> (u16, Value) {
    caller.put(ACTING, json!({ "contact": eyes }), None).await
}

async fn permissions(caller: &Caller) -> BTreeSet<String> {
    let (status, session) = caller.get("/v1/session").await;
    assert_eq!(status, 200, "{session}");
    serde_json::from_value(session["permissions"].clone()).unwrap()
}

async fn contract(w: &World) -> Contract {
    let (_, document) = w.stranger().get("/openapi.json").await;
    Contract::read(&document, &Contract::matrix())
}

on_both_databases! {
    async fn s1_14_nobody_acts_for_a_customer_without_its_consent(w: World) {
        let counter = signed_in(&w, "counter").await;
        refused(&act_for(&counter, w.ids.keller).await, 403, "consent.missing");
        let body = json!({ "role": "executive", "given_by": "Maria Keller" });
        refused_by_role(&counter.post(&format!("/v1/customers/{}/consents", w.ids.keller), body).await, &["contact.rights.manage"]);
        refused_by_role(&act_for(&signed_in(&w, "tech").await, w.ids.keller).await, &["customer.act_on_behalf"]);
        consent(&w, "executive").await;
        let (status, session) = act_for(&counter, w.ids.keller).await;
        assert_eq!(status, 200, "{session}");
        assert_eq!((&session["acting"]["way"], &session["acting"]["customer"]["name"]), (&json!("on_behalf"), &json!("Keller Bau GmbH")), "{session}");
        assert_eq!(session["acting"]["customer"]["number"], "10442", "{session}");
        assert_eq!(session["user"]["username"], "counter", "one stays oneself");
        // One customer's word is no other's; one beyond reach looks like none.
        let manager = signed_in(&w, "manager").await;
        refused(&act_for(&manager, w.ids.waco).await, 403, "consent.missing");
        let missing = act_for(&manager, uuid::Uuid::now_v7()).await;
        refused(&missing, 404, "not_found");
        assert_eq!(act_for(&manager, w.ids.sagebrush).await, missing);
        for odd in [json!({}), json!({ "customer": w.ids.keller, "contact": ContactId::new() })] {
            assert_eq!(manager.put(ACTING, odd, None).await.0, 422);
        }
    }

    async fn s1_14_one_has_what_the_consent_grants_and_one_has_oneself_at_that_customer_only(w: World) {
        let contract = contract(&w).await;
        for (username, own) in [("counter", "counter_staff"), ("manager", "service_manager"), ("gm", "general_manager")] {
            for role in ["executive", "accounts", "portal_administrator"] {
                let id = consent(&w, role).await;
                let caller = signed_in(&w, username).await;
                assert_eq!(act_for(&caller, w.ids.keller).await.0, 200);
                let both: BTreeSet<String> = contract.template(own).granted().intersection(&contract.template(role).granted()).cloned().collect();
                assert_eq!(permissions(&caller).await, both, "{username} for {role}");
                assert_eq!(signed_in(&w, "manager").await.delete(&format!("/v1/consents/{id}")).await.0, 204);
            }
        }
        consent(&w, "executive").await;
        let counter = signed_in(&w, "counter").await;
        let elsewhere = signed_in(&w, "counter").await;
        assert_eq!(act_for(&counter, w.ids.keller).await.0, 200);
        assert_eq!(counter.get(&format!("/v1/assets/{}", w.ids.excavator)).await.0, 200);
        refused(&counter.get(&format!("/v1/assets/{}", w.ids.sweeper)).await, 404, "not_found");
        assert_eq!(each(&counter.get("/v1/assets/lookup?tag=1042").await.1, "/asset/organization/code"), ["KELLER"]);
        refused_by_role(&counter.find("/v1/customers", &[("q", "keller")]).await, &["customer.search"]);
        assert_eq!(elsewhere.get(&format!("/v1/assets/{}", w.ids.sweeper)).await.0, 200, "another session of the same person is as it was");
    }

    async fn s1_14_it_ends_with_the_consent_and_by_oneself(w: World) {
        let id = consent(&w, "executive").await;
        let counter = signed_in(&w, "counter").await;
        assert_eq!(act_for(&counter, w.ids.keller).await.0, 200);
        assert_eq!(signed_in(&w, "manager").await.delete(&format!("/v1/consents/{id}")).await.0, 204);
        for (method, path) in [("GET", "/v1/assets/lookup?tag=1042"), ("GET", "/v1/shops"), ("POST", "/v1/service-requests")] {
            let answer = counter.send(method, path, &[], (method == "POST").then(|| b"{}".to_vec())).await;
            refused(&(answer.status, answer.json()), 403, "consent.missing");
        }
        let (status, session) = counter.get("/v1/session").await;
        assert_eq!((status, &session["acting"]["allowed"], &session["permissions"]), (200, &json!(false), &json!([])), "{session}");
        assert_eq!(session["acting"]["customer"]["number"], Value::Null, "nor is it told any more what the dealer knows it by");
        assert_eq!(counter.delete(ACTING).await.0, 204);
        assert_eq!((counter.get("/v1/session").await.1["acting"].clone(), counter.get("/v1/shops").await.0), (Value::Null, 200));
        // One that ran out is none, and one for the past is not taken.
        consent(&w, "executive").await;
        assert_eq!(act_for(&counter, w.ids.keller).await.0, 200);
        assert!(by_hand::change(&w, "UPDATE consent SET valid_to = valid_from WHERE given_by = $1", &["Maria Keller"]).await > 0);
        refused(&counter.get("/v1/shops").await, 403, "consent.missing");
        let past = json!({ "role": "executive", "given_by": "Maria Keller", "to": "2020-01-01T00:00:00Z" });
        let manager = signed_in(&w, "manager").await;
        assert_eq!(manager.post(&format!("/v1/customers/{}/consents", w.ids.keller), past).await.0, 422);
        assert_eq!(counter.delete("/v1/session").await.0, 204, "and one can always sign out");
    }

    async fn s1_14_ones_own_right_taken_away_ends_it_too(w: World) {
        consent(&w, "executive").await;
        let user = w.add_user("second", "staff", &[grant("counter_staff", "shop", Some(w.ids.sln.to_string()))]).await;
        let second = session(&w, user).await;
        assert_eq!(act_for(&second, w.ids.keller).await.0, 200);
        assert!(by_hand::change(&w, "UPDATE role_grant SET valid_to = 1 WHERE user_id = $1", &[&user.to_string()]).await > 0);
        refused(&second.get("/v1/shops").await, 403, "consent.missing");
        assert_eq!(second.delete(ACTING).await.0, 204);
        assert_eq!(permissions(&second).await, BTreeSet::new());
    }

    async fn s1_14_the_history_names_both(w: World) {
        consent(&w, "executive").await;
        let counter = signed_in(&w, "counter").await;
        assert_eq!(act_for(&counter, w.ids.keller).await.0, 200);
        made(&counter.post(&format!("/v1/assets/{}/service-requests", w.ids.excavator), json!({ "complaint": "for Keller" })).await);
        assert_eq!(counter.delete(ACTING).await.0, 204);
        made(&counter.post(&format!("/v1/assets/{}/service-requests", w.ids.excavator), json!({ "complaint": "by ourselves" })).await);
        let manager = signed_in(&w, "manager").await;
        let (_, acts) = manager.get(&format!("/v1/assets/{}/history", w.ids.excavator)).await;
        assert_eq!(each(&acts, "/actor"), ["Jo Ortiz", "Jo Ortiz"], "{acts}");
        assert_eq!((&acts["items"][0]["on_behalf_of"], &acts["items"][1]["on_behalf_of"]), (&Value::Null, &json!("Keller Bau GmbH")), "{acts}");
        let (_, acts) = manager.get(&format!("/v1/customers/{}/history", w.ids.keller)).await;
        assert!(each(&acts, "/act").contains(&"act_for") && each(&acts, "/act").contains(&"give_consent"), "{acts}");
    }

    async fn through_a_contacts_eyes_one_may_exactly_what_the_contact_may(w: World) {
        let manager = signed_in(&w, "manager").await;
        let all = [
            Access { role: "executive", right: "none", level: "limited" },
            Access { role: "accounts", right: "insight_user", level: "carrier_view" },
            Access { role: "none", right: "portal_administrator", level: "read_only" },
            Access { role: "none", right: "none", level: "full" },
        ];
        for (nth, access) in all.into_iter().enumerate() {
            let (id, user) = contact(&w, w.ids.keller, &format!("eyes-{nth}"), access).await;
            let (own, there) = (session(&w, user).await, look_through(&manager, id).await);
            assert_eq!((there.0, &there.1["acting"]["way"]), (200, &json!("view_as")), "{}", there.1);
            let (of_contact, of_viewer) = (own.get("/v1/session").await.1, manager.get("/v1/session").await.1);
            for what in ["permissions", "limits", "customer"] {
                assert_eq!(of_viewer[what], of_contact[what], "{access:?}: {what}");
            }
            let reads = ["/v1/organizations".to_owned(), "/v1/shops".to_owned(), "/v1/service-requests".to_owned(), "/v1/assets/lookup?tag=1042".to_owned(),
                format!("/v1/assets/{}", w.ids.excavator), format!("/v1/assets/{}", w.ids.rental), format!("/v1/assets/{}", w.ids.sweeper),
                format!("/v1/customers/{}/assets", w.ids.keller), format!("/v1/customers/{}/contacts", w.ids.keller), format!("/v1/contacts/{id}")];
            for path in reads {
                assert_eq!(manager.get(&path).await, own.get(&path).await, "{access:?}: {path}");
            }
            assert_eq!(manager.delete(ACTING).await.0, 204);
        }
        // Somebody without access sees nothing.
        let (id, _) = contact(&w, w.ids.keller, "shut-out", Access { role: "executive", right: "none", level: "none" }).await;
        assert_eq!(look_through(&manager, id).await.0, 200);
        assert_eq!(permissions(&manager).await, BTreeSet::new());
    }

    async fn through_a_contacts_eyes_nothing_is_changed(w: World) {
        let targets = Targets::plant(&w).await;
        let people = People::hire(&w, &targets, "viewer").await;
        let contract = contract(&w).await;
        let manager = signed_in(&w, "manager").await;
        let (id, _) = contact(&w, w.ids.keller, "eyes", Access { role: "executive", right: "portal_administrator", level: "carrier_view" }).await;
        assert_eq!(look_through(&manager, id).await.0, 200);
        let before = by_hand::audit(&w).await;
        for operation in contract.operations.iter().filter(|operation| !operation.is_get() && !operation.is_open) {
            if ["StopActing", "SignOut"].contains(&operation.id.as_str()) {
                continue;
            }
            let path = targets.address(&operation.path, Target::Own, &people, None).unwrap();
            let body = operation.body.as_ref().map(|body| body.to_string().into_bytes());
            let answer = manager.send(&operation.method, &path, &[], body).await;
            assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("view.read_only")), "{}: {}", operation.id, answer.text);
        }
        assert_eq!(by_hand::audit(&w).await, before, "and nothing was written down");
        assert_eq!(manager.get("/v1/session").await.0, 200);
        assert_eq!(manager.delete(ACTING).await.0, 204);
        // Oneself again.
        made(&manager.post(&format!("/v1/assets/{}/service-requests", w.ids.excavator), json!({ "complaint": "as myself" })).await);
        assert_eq!(look_through(&manager, id).await.0, 200);
        assert_eq!(manager.delete("/v1/session").await.0, 204);
        assert_eq!(manager.get("/v1/session").await.0, 401);
    }

    async fn a_contact_beyond_ones_reach_looks_like_none(w: World) {
        let (id, _) = contact(&w, w.ids.sagebrush, "reno-eyes", Access { role: "executive", right: "none", level: "full" }).await;
        let manager = signed_in(&w, "manager").await;
        let missing = look_through(&manager, ContactId::new()).await;
        refused(&missing, 404, "not_found");
        assert_eq!(look_through(&manager, id).await, missing);
        refused_by_role(&look_through(&signed_in(&w, "executive").await, id).await, &["customer.act_on_behalf"]);
        assert_eq!(manager.get("/v1/session").await.1["acting"], Value::Null);
        assert_eq!(look_through(&signed_in(&w, "gm").await, id).await.0, 200);
    }
}

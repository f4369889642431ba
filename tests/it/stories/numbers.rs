//! The customer's number in the dealer's business system (S3-20 … S3-26, C-3).

use serde_json::{Value, json};

use crate::harness::{Ids, refused, refused_by_role, refused_fields};

const CHANGE: &str = "customer.dms_number.change";

fn keller(ids: &Ids) -> String {
    format!("/v1/customers/{}/number", ids.keller)
}

fn northwind(ids: &Ids) -> String {
    format!("/v1/customers/{}/number", ids.northwind)
}

on_both_databases! {
    async fn s3_24_an_empty_number_of_a_fleet_is_set_by_the_counter(w: World) {
        let counter = w.sign_in("counter").await;
        let (status, linked) = counter.put(&northwind(&w.ids), json!({ "shop": "SLN", "number": " 10777 " }), None).await;
        assert_eq!(status, 200, "{linked}");
        assert_eq!((&linked["number"], &linked["version"]), (&json!("10777"), &json!(2)));
        assert_eq!(linked["links"][0]["number_state"], "unverified");
        let (_, found) = counter.find("/v1/customers", &[("q", "10777"), ("by", "number")]).await;
        assert_eq!(found["items"][0]["name"], "Northwind Fleet");
    }

    async fn c_3_s3_24_a_number_that_stands_is_changed_by_the_service_manager(w: World) {
        let (counter, manager) = (w.sign_in("counter").await, w.sign_in("manager").await);
        let path = northwind(&w.ids);
        assert_eq!(counter.put(&path, json!({ "number": "10777" }), None).await.0, 200);
        refused_by_role(&counter.put(&path, json!({ "number": "10778" }), None).await, &[CHANGE]);
        refused_by_role(&counter.put(&path, json!({ "number": null }), None).await, &[CHANGE]);
        let (_, stays) = counter.get(&format!("/v1/customers/{}", w.ids.northwind)).await;
        assert_eq!(stays["number"], "10777");
        let (status, changed) = manager.put(&path, json!({ "number": "10778" }), None).await;
        assert_eq!((status, &changed["number"]), (200, &json!("10778")));
        let (status, cleared) = manager.put(&path, json!({ "number": "" }), None).await;
        assert_eq!((status, &cleared["number"], &cleared["links"][0]["number_state"]), (200, &Value::Null, &json!("blank")));
        assert_eq!(counter.put(&path, json!({ "number": "10779" }), None).await.0, 200, "now it is empty again");
    }

    async fn s3_22_a_local_number_is_the_service_managers_even_if_empty(w: World) {
        let (counter, manager) = (w.sign_in("counter").await, w.sign_in("manager").await);
        refused_by_role(&counter.put(&keller(&w.ids), json!({ "number": "10443" }), None).await, &[CHANGE]);
        let blank = format!("/v1/customers/{}/number", w.ids.smithfield);
        refused_by_role(&counter.put(&blank, json!({ "number": "10390" }), None).await, &[CHANGE]);
        let (status, set) = manager.put(&blank, json!({ "number": "10390" }), None).await;
        assert_eq!((status, &set["number"]), (200, &json!("10390")));
        let (status, changed) = manager.put(&keller(&w.ids), json!({ "number": "10443" }), None).await;
        assert_eq!((status, &changed["number"]), (200, &json!("10443")));
        let (_, found) = counter.find("/v1/customers", &[("q", "10442"), ("by", "number")]).await;
        assert!(found["items"].as_array().unwrap().iter().all(|hit| hit["near_miss"] == true), "the old number is gone: {found}");
    }

    async fn s3_27_managers_and_nobody_below_change_numbers(w: World) {
        for (name, may) in [("admin", true), ("gm", true), ("manager", true), ("counter", false)] {
            let answer = w.sign_in(name).await.put(&keller(&w.ids), json!({ "shop": "SLN", "number": format!("K-{name}") }), None).await;
            assert_eq!(answer.0, if may { 200 } else { 403 }, "{name}: {}", answer.1);
        }
        for name in ["tech", "kiosk", "executive"] {
            let answer = w.sign_in(name).await.put(&northwind(&w.ids), json!({ "number": "1" }), None).await;
            refused_by_role(&answer, &["customer.dms_number.set_blank", CHANGE]);
        }
    }

    async fn s3_23_a_fleet_gets_a_link_at_another_shop(w: World) {
        let counter = w.sign_in("counter").await;
        let (status, linked) = counter.put(&northwind(&w.ids), json!({ "shop": "STK", "number": "20777" }), None).await;
        assert_eq!(status, 200, "{linked}");
        let numbers: Vec<_> = linked["links"].as_array().unwrap().iter().map(|link| (link["shop"]["code"].as_str(), link["number"].as_str())).collect();
        assert_eq!(numbers, [(Some("SLN"), None), (Some("STK"), Some("20777"))]);
        refused_fields(&counter.put(&northwind(&w.ids), json!({ "shop": "RNO", "number": "30777" }), None).await, &["shop"]);
        assert_eq!(counter.get("/v1/session").await.1["shop"]["code"], "SLN");
        let (status, here) = counter.put(&northwind(&w.ids), json!({ "number": "10777" }), None).await;
        assert_eq!((status, &here["number"]), (200, &json!("10777")), "the session's shop unless said");
    }

    async fn a_number_belongs_to_one_customer_of_a_business_system(w: World) {
        let counter = w.sign_in("counter").await;
        let taken = counter.put(&northwind(&w.ids), json!({ "number": "p-7741" }), None).await;
        refused(&taken, 409, "customer.number_taken");
        assert!(taken.1["detail"].as_str().unwrap().contains("Pacific Talus Logistics"), "{}", taken.1);
        let (_, stays) = counter.get(&format!("/v1/customers/{}", w.ids.northwind)).await;
        assert_eq!((&stays["number"], &stays["version"]), (&Value::Null, &json!(1)));
        refused_fields(&counter.put(&northwind(&w.ids), json!({ "number": "9".repeat(41) }), None).await, &["number"]);
    }

    async fn setting_what_stands_already_changes_nothing(w: World) {
        let manager = w.sign_in("manager").await;
        let (status, same) = manager.put(&keller(&w.ids), json!({ "number": "10442" }), None).await;
        assert_eq!((status, &same["number"], &same["version"]), (200, &json!("10442"), &json!(1)));
        let (status, blank) = w.sign_in("counter").await.put(&northwind(&w.ids), json!({ "number": "" }), None).await;
        assert_eq!((status, &blank["version"]), (200, &json!(1)));
    }

    async fn a_stale_number_is_412(w: World) {
        let manager = w.sign_in("manager").await;
        assert_eq!(manager.put(&keller(&w.ids), json!({ "number": "10443" }), Some(1)).await.0, 200);
        let stale = manager.put(&keller(&w.ids), json!({ "number": "10444" }), Some(1)).await;
        refused(&stale, 412, "version.stale");
        assert_eq!((&stale.1["current"]["number"], &stale.1["current"]["version"]), (&json!("10443"), &json!(2)));
    }

    async fn s3_26_a_missing_number_shows_as_blank(w: World) {
        let (_, northwind) = w.sign_in("counter").await.get(&format!("/v1/customers/{}", w.ids.northwind)).await;
        assert_eq!((&northwind["number"], &northwind["links"][0]["number_state"]), (&Value::Null, &json!("blank")));
        let (_, keller) = w.sign_in("counter").await.get(&format!("/v1/customers/{}", w.ids.keller)).await;
        assert_eq!((&keller["number"], &keller["links"][0]["number_state"]), (&json!("10442"), &json!("verified")));
    }

    async fn two_who_claim_one_number_at_the_same_time_do_not_both_get_it(w: World) {
        let counter = w.sign_in("counter").await;
        let mut writers = tokio::task::JoinSet::new();
        for nth in 0..6 {
            let caller = counter.clone();
            writers.spawn(async move { caller.post("/v1/customers", json!({ "name": format!("Claimant {nth}"), "number": "C-1" })).await });
        }
        let answers = writers.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.0 == 201).count(), 1, "{answers:?}");
        assert!(answers.iter().all(|answer| matches!(answer.0, 201 | 409)), "{answers:?}");
        let (_, found) = counter.find("/v1/customers", &[("q", "claimant")]).await;
        assert_eq!(found["total"], 1, "the others left no trace");
    }
}

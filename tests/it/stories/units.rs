//! Requests by unit number, for roles that may ask but not look (G-10).

use serde_json::{Value, json};

use crate::harness::{Caller, each, keys, refused, refused_by_role, refused_fields};

const PATH: &str = "/v1/service-requests";

async fn ask(caller: &Caller, unit: &str) -> (u16, Value) {
    caller.post(PATH, json!({ "unit_number": unit, "complaint": format!("for {unit}") })).await
}

on_both_databases! {
    async fn g_10_one_of_ones_units_is_accepted_and_nothing_of_it_is_told(w: World) {
        let accounts = w.sign_in("accounts").await;
        for unit in ["1042", "gx4 711", "1052", "kbt4472"] {
            let (status, accepted) = ask(&accounts, unit).await;
            assert_eq!((status, keys(&accepted)), (201, keys(&json!({ "id": 0, "number": 0 }))), "{unit}: {accepted}");
        }
        let (_, seen) = w.sign_in("counter").await.get(PATH).await;
        assert_eq!(each(&seen, "/asset/asset_number"), ["1052", "1052", "1042", "1042"], "the shop sees which machines");
        assert_eq!(each(&seen, "/source"), ["portal"; 4]);
    }

    async fn g_10_whatever_is_not_ones_own_is_answered_alike(w: World) {
        let accounts = w.sign_in("accounts").await;
        let nothing = ask(&accounts, "no such unit").await;
        refused(&nothing, 404, "asset.not_yours");
        assert_eq!(keys(&nothing.1), keys(&json!({ "type": 0, "title": 0, "status": 0, "detail": 0, "code": 0 })));
        // Another's, one of Reno, not portal-enabled, disposed, a former plate, a look-alike, the end of a VIN.
        for unit in ["IO-100", "88", "R-7", "1099", "EQ7 0R2", "1O42", "716741", "T-500"] {
            assert_eq!(ask(&accounts, unit).await, nothing, "{unit}");
        }
        assert_eq!(accounts.get(PATH).await.1["items"], json!([]), "none was filed");
    }

    async fn g_10_a_closed_unit_is_answered_like_one_that_is_not_ones_own(w: World) {
        let accounts = w.sign_in("accounts").await;
        assert_eq!(ask(&accounts, "1098").await, ask(&accounts, "no such unit").await, "nothing of the asset, not even that it is closed");
    }

    async fn g_10_those_who_may_not_look_see_their_requests_without_the_asset(w: World) {
        let (accounts, executive) = (w.sign_in("accounts").await, w.sign_in("executive").await);
        let (_, mine) = ask(&accounts, "1042").await;
        let (_, theirs) = ask(&executive, "1052").await;
        let (_, list) = accounts.get(PATH).await;
        assert_eq!(each(&list, "/complaint"), ["for 1042"], "their own only");
        let (status, shown) = accounts.get(&format!("{PATH}/{}", mine["id"].as_str().unwrap())).await;
        assert_eq!(status, 200);
        for hidden in ["asset", "organization", "customer", "meter"] {
            assert_eq!((shown.get(hidden), list["items"][0].get(hidden)), (None, None), "{hidden}");
        }
        refused(&accounts.get(&format!("{PATH}/{}", theirs["id"].as_str().unwrap())).await, 404, "not_found");
        refused_by_role(&accounts.get(&format!("/v1/assets/{}", w.ids.excavator)).await, &["asset.lookup"]);
        refused_by_role(&accounts.find("/v1/assets/lookup", &[("tag", "1042")]).await, &["asset.lookup"]);
        let (_, all) = executive.get(PATH).await;
        assert_eq!(each(&all, "/complaint"), ["for 1052", "for 1042"]);
        assert_eq!(each(&all, "/asset/asset_number"), ["1052", "1042"]);
    }

    async fn a_unit_in_several_of_ones_organizations_needs_the_organization(w: World) {
        let kiosk = w.sign_in("kiosk").await;
        refused_fields(&ask(&kiosk, "1042").await, &["organization"]);
        let (status, accepted) = kiosk.post(PATH, json!({ "unit_number": "1042", "organization": "waco-st", "complaint": "x" })).await;
        assert_eq!(status, 201, "{accepted}");
        refused_by_role(&kiosk.get(PATH).await, &["service_request.view"]);
        let (_, seen) = w.sign_in("counter").await.get(PATH).await;
        assert_eq!((each(&seen, "/organization/code"), each(&seen, "/source")), (vec!["WACO-ST"], vec!["kiosk"]));
    }

    async fn a_request_by_unit_keeps_the_same_rules(w: World) {
        let accounts = w.sign_in("accounts").await;
        refused_fields(&accounts.post(PATH, json!({ "unit_number": " ", "complaint": "x" })).await, &["unit_number"]);
        refused_fields(&accounts.post(PATH, json!({ "unit_number": "1042" })).await, &["complaint"]);
        refused_fields(&accounts.post(PATH, json!({ "unit_number": "1042", "complaint": "x", "urgency": 9 })).await, &["urgency"]);
        refused(&accounts.post(PATH, json!({ "complaint": "x" })).await, 422, "body.invalid");
        let oil = json!({ "unit_number": "1042", "lines": [{ "service_code": "OIL" }] });
        assert_eq!(accounts.post(PATH, oil.clone()).await.0, 201);
        assert_eq!(accounts.post(PATH, oil).await.0, 201, "who may not see others' requests is not told that one is outstanding");
    }

    async fn an_own_request_by_unit_can_be_cancelled(w: World) {
        let accounts = w.sign_in("accounts").await;
        let (_, accepted) = ask(&accounts, "1042").await;
        let cancel = format!("{PATH}/{}/cancel", accepted["id"].as_str().unwrap());
        let (status, cancelled) = accounts.post(&cancel, json!({ "reason": "not needed" })).await;
        assert_eq!((status, &cancelled["status"], cancelled.get("asset")), (200, &json!("cancelled"), None));
    }
}

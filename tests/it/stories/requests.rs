//! Service requests (S2-40 … S2-45, S3-40 … S3-42).

use countertop::api::ids::AssetId;
use serde_json::{Value, json};

use super::by_hand;
use crate::harness::{Caller, each, refused, refused_by_role, refused_fields};

fn path(asset: AssetId) -> String {
    format!("/v1/assets/{asset}/service-requests")
}

/// Files a request, which has to be taken.
async fn file(caller: &Caller, asset: AssetId, body: Value) -> Value {
    let (status, request) = caller.post(&path(asset), body).await;
    assert_eq!(status, 201, "{request}");
    request
}

fn id(request: &Value) -> &str {
    request["id"].as_str().expect("an id")
}

/// The running part of `SR-26-000123`.
fn running(request: &Value) -> i64 {
    let number = request["number"].as_str().unwrap();
    let parts: Vec<&str> = number.split('-').collect();
    assert_eq!((parts.len(), parts[0], parts[1].len(), parts[2].len()), (3, "SR", 2, 6), "{number}");
    parts[2].parse().unwrap()
}

on_both_databases! {
    async fn s2_40_a_request_is_filed_and_given_back(w: World) {
        let counter = w.sign_in("counter").await;
        let body = json!({ "urgency": 2, "complaint": "Boom drifts down\nwhen it stands", "lines": [{ "service_code": "OIL" }, { "other_text": "Wash" }],
            "po_number": "PO-7", "authorization_number": "A-1", "note": "Call first" });
        let answer = counter.send("POST", &path(w.ids.excavator), &[], Some(body.to_string().into_bytes())).await;
        assert_eq!((answer.status, answer.version()), (201, Some(1)), "{}", answer.text);
        let made = answer.json();
        assert_eq!((&made["status"], &made["urgency"], &made["source"]), (&json!("submitted"), &json!(2), &json!("counter")));
        assert_eq!(made["complaint"], "Boom drifts down\nwhen it stands");
        let oil = json!({ "service_code": { "code": "OIL", "name": "Oil and filter change" }, "other_text": null });
        assert_eq!(made["lines"], json!([oil, { "service_code": null, "other_text": "Wash" }]));
        assert_eq!((&made["po_number"], &made["authorization_number"], &made["note"]), (&json!("PO-7"), &json!("A-1"), &json!("Call first")));
        assert_eq!((&made["asset"]["asset_number"], &made["organization"]["code"]), (&json!("1042"), &json!("KELLER")));
        assert_eq!(made["customer"]["number"], "10442");
        assert_eq!(made["shop"]["code"], "SLN", "the session's shop unless said");
        assert_eq!((&made["requester"]["first"], &made["requester"]["last"]), (&json!("Jo"), &json!("Ortiz")), "the signed-in person unless said");
        let (status, shown) = counter.get(&format!("/v1/service-requests/{}", id(&made))).await;
        assert_eq!((status, &shown["number"], &shown["lines"]), (200, &made["number"], &made["lines"]));
        let (_, asset) = counter.get(&format!("/v1/assets/{}", w.ids.excavator)).await;
        assert_eq!(asset["sections"]["service_requests"][0]["number"], made["number"]);
    }

    async fn numbers_count_up_and_a_refusal_uses_none(w: World) {
        let counter = w.sign_in("counter").await;
        let first = running(&file(&counter, w.ids.excavator, json!({ "complaint": "one" })).await);
        refused_fields(&counter.post(&path(w.ids.excavator), json!({})).await, &["complaint"]);
        assert_eq!(running(&file(&counter, w.ids.truck, json!({ "complaint": "two" })).await), first + 1);
        let by_unit = w.sign_in("accounts").await.post("/v1/service-requests", json!({ "unit_number": "1052", "complaint": "three" })).await;
        assert_eq!(running(&by_unit.1), first + 2);
    }

    async fn s2_41_who_asks_has_a_name_and_an_address_or_telephone(w: World) {
        let counter = w.sign_in("counter").await;
        let with = |requester: Value| json!({ "complaint": "x", "requester": requester });
        for wrong in [
            json!({}),
            json!({ "first": "Maria" }),
            json!({ "first": "Maria", "last": "Keller" }),
            json!({ "first": "Maria", "last": "Keller", "email": "nobody" }),
            json!({ "last": "Keller", "phone": "+12545550199" }),
            json!({ "first": "Maria", "last": "Keller", "phone": "call me" }),
        ] {
            refused_fields(&counter.post(&path(w.ids.excavator), with(wrong)).await, &["requester"]);
        }
        let made = file(&counter, w.ids.excavator, with(json!({ "first": "Maria", "last": "Keller", "phone": "254 555 0199", "extension": "7" }))).await;
        assert_eq!((&made["requester"]["phone"], &made["requester"]["extension"]), (&json!("+12545550199"), &json!("7")));
        let driver = json!({ "complaint": "x", "driver": { "first": "Dee", "last": "River", "phone": "(510) 555-0150" } });
        let made = file(&counter, w.ids.excavator, driver).await;
        assert_eq!((&made["driver"]["first"], &made["driver"]["phone"]), (&json!("Dee"), &json!("+15105550150")));
        refused_fields(&counter.post(&path(w.ids.excavator), json!({ "complaint": "x", "driver": { "email": "nobody" } })).await, &["driver"]);
    }

    async fn s2_42_the_shop_takes_requests_and_urgency_is_one_to_four(w: World) {
        let (counter, gm) = (w.sign_in("counter").await, w.sign_in("gm").await);
        let made = file(&counter, w.ids.excavator, json!({ "complaint": "x", "shop": "stk" })).await;
        assert_eq!((&made["shop"]["code"], &made["urgency"]), (&json!("STK"), &json!(3)), "normal unless said");
        for shop in ["XYZ", "RNO"] {
            let refused = counter.post(&path(w.ids.excavator), json!({ "complaint": "x", "shop": shop })).await;
            refused_fields(&refused, &["shop"]);
            assert_eq!(refused.1["fields"]["shop"], "no such shop within your reach", "{shop}: that there is one is not told");
        }
        let closed = gm.post(&path(w.ids.excavator), json!({ "complaint": "x", "shop": "RNO" })).await;
        refused_fields(&closed, &["shop"]);
        assert!(closed.1["fields"]["shop"].as_str().unwrap().contains("Reno"), "{}", closed.1);
        for urgency in [0, 5, -1] {
            refused_fields(&counter.post(&path(w.ids.excavator), json!({ "complaint": "x", "urgency": urgency })).await, &["urgency"]);
        }
        let of_customer = file(&w.sign_in("executive").await, w.ids.excavator, json!({ "complaint": "x" })).await;
        assert_eq!((&of_customer["shop"]["code"], &of_customer["source"]), (&json!("SLN"), &json!("portal")), "the shop that serves the customer");
    }

    async fn s2_43_services_are_codes_or_words_and_none_stands_twice(w: World) {
        let counter = w.sign_in("counter").await;
        let lines = |lines: Value| json!({ "lines": lines });
        for wrong in [
            json!([{ "service_code": "NO-SUCH-SERVICE" }]),
            json!([{ "other_text": "x".repeat(201) }]),
            json!([{ "other_text": "  " }]),
            json!([{}]),
            json!([{ "service_code": "OIL", "other_text": "Oil" }]),
            json!([{ "service_code": "OIL" }, { "service_code": "OIL" }]),
            json!([{ "other_text": "Wash" }, { "other_text": " wash" }]),
            json!((0..51).map(|nth| json!({ "other_text": format!("Service {nth}") })).collect::<Vec<_>>()),
        ] {
            refused_fields(&counter.post(&path(w.ids.excavator), lines(wrong)).await, &["lines"]);
        }
        let made = file(&counter, w.ids.excavator, lines(json!([{ "other_text": "é".repeat(200) }, { "service_code": "BRK" }]))).await;
        assert_eq!(made["lines"].as_array().map(Vec::len), Some(2));
    }

    async fn s2_44_a_complaint_or_a_service_is_needed(w: World) {
        let counter = w.sign_in("counter").await;
        for wrong in [json!({}), json!({ "complaint": " \n " }), json!({ "lines": [] })] {
            refused_fields(&counter.post(&path(w.ids.excavator), wrong).await, &["complaint"]);
        }
        assert_eq!(counter.get(&path(w.ids.excavator)).await.1["items"], json!([]));
    }

    async fn s3_40_lengths_are_kept(w: World) {
        let counter = w.sign_in("counter").await;
        for (field, most) in [("complaint", 6_000), ("po_number", 40), ("authorization_number", 40), ("note", 1_000)] {
            let mut body = json!({ "complaint": "x" });
            body[field] = json!("é".repeat(most + 1));
            let refusal = counter.post(&path(w.ids.excavator), body.clone()).await;
            refused(&refusal, 422, "fields.invalid");
            assert!(refusal.1["fields"][field].is_string(), "{field}: {}", refusal.1);
            body[field] = json!("é".repeat(most));
            let made = file(&counter, w.ids.excavator, body).await;
            assert_eq!(made[field].as_str().map(|text| text.chars().count()), Some(most), "{field}");
        }
    }

    async fn s2_45_a_service_that_is_outstanding_asks_again(w: World) {
        let counter = w.sign_in("counter").await;
        let oil = json!({ "lines": [{ "service_code": "OIL" }] });
        let first = file(&counter, w.ids.excavator, oil.clone()).await;
        let doubled = counter.post(&path(w.ids.excavator), oil.clone()).await;
        refused(&doubled, 409, "service_request.duplicate");
        assert_eq!(doubled.1["current"], json!(["Oil and filter change"]), "it shows which");
        refused(&w.sign_in("executive").await.post(&path(w.ids.excavator), oil.clone()).await, 409, "service_request.duplicate");
        file(&counter, w.ids.truck, oil.clone()).await;
        file(&counter, w.ids.excavator, json!({ "lines": [{ "service_code": "BRK" }] })).await;
        let second = file(&counter, w.ids.excavator, json!({ "lines": [{ "service_code": "OIL" }], "confirm_duplicate": true })).await;
        for request in [&first, &second] {
            let cancel = format!("/v1/service-requests/{}/cancel", id(request));
            assert_eq!(counter.post(&cancel, json!({ "reason": "done elsewhere" })).await.0, 200);
        }
        file(&counter, w.ids.excavator, oil).await;
    }

    async fn s2_32_closed_and_disposed_machines_take_no_requests(w: World) {
        let counter = w.sign_in("counter").await;
        for asset in [w.ids.closed, w.ids.disposed] {
            refused(&counter.post(&path(asset), json!({ "complaint": "x" })).await, 409, "asset.closed");
        }
        let executive = w.sign_in("executive").await;
        refused(&executive.post(&path(w.ids.closed), json!({ "complaint": "x" })).await, 409, "asset.closed");
        refused(&executive.post(&path(w.ids.disposed), json!({ "complaint": "x" })).await, 404, "not_found");
        refused(&executive.post(&path(w.ids.rental), json!({ "complaint": "x" })).await, 404, "not_found");
        refused(&counter.post(&path(w.ids.sagebrush_88), json!({ "complaint": "x" })).await, 404, "not_found");
    }

    async fn s3_41_a_cancelled_request_keeps_its_reason_and_stays_so(w: World) {
        let counter = w.sign_in("counter").await;
        let made = file(&counter, w.ids.excavator, json!({ "complaint": "x" })).await;
        let cancel = format!("/v1/service-requests/{}/cancel", id(&made));
        refused_fields(&counter.post(&cancel, json!({})).await, &["reason"]);
        refused_by_role(&w.sign_in("tech").await.post(&cancel, json!({ "reason": "x" })).await, &["service_request.cancel"]);
        let stale = counter.send("POST", &cancel, &[("if-match", "\"7\"")], Some(b"{\"reason\":\"x\"}".to_vec())).await;
        assert_eq!((stale.status, &stale.json()["code"], &stale.json()["current"]["status"]), (412, &json!("version.stale"), &json!("submitted")));
        let (status, cancelled) = counter.post(&cancel, json!({ "reason": "sold" })).await;
        assert_eq!((status, &cancelled["status"], &cancelled["cancel_reason"], &cancelled["version"]), (200, &json!("cancelled"), &json!("sold"), &json!(2)));
        let again = counter.post(&cancel, json!({ "reason": "again" })).await;
        refused(&again, 409, "service_request.final");
        assert_eq!(again.1["current"]["cancel_reason"], "sold");
        refused(&counter.post(&format!("/v1/service-requests/{}/cancel", uuid::Uuid::now_v7()), json!({ "reason": "x" })).await, 404, "not_found");
    }

    async fn customers_people_cancel_their_own_only(w: World) {
        let (counter, executive) = (w.sign_in("counter").await, w.sign_in("executive").await);
        let of_counter = file(&counter, w.ids.excavator, json!({ "complaint": "x" })).await;
        let own = file(&executive, w.ids.excavator, json!({ "complaint": "y" })).await;
        let cancel = |request: &Value| format!("/v1/service-requests/{}/cancel", id(request));
        refused(&executive.post(&cancel(&of_counter), json!({ "reason": "x" })).await, 404, "not_found");
        refused(&w.sign_in("fleet").await.post(&cancel(&own), json!({ "reason": "x" })).await, 404, "not_found");
        assert_eq!(executive.post(&cancel(&own), json!({ "reason": "x" })).await.1["status"], "cancelled");
        assert_eq!(executive.get(&format!("/v1/service-requests/{}", id(&of_counter))).await.0, 200, "it may see all of its own machines'");
    }

    async fn lists_come_newest_first_by_state_and_in_pages(w: World) {
        let counter = w.sign_in("counter").await;
        let mut numbers = Vec::new();
        for nth in 0..5 {
            let made = file(&counter, w.ids.excavator, json!({ "complaint": format!("no. {nth}") })).await;
            numbers.insert(0, made["number"].as_str().unwrap().to_owned());
            if nth == 1 {
                assert_eq!(counter.post(&format!("/v1/service-requests/{}/cancel", id(&made)), json!({ "reason": "x" })).await.0, 200);
            }
        }
        let (_, all) = counter.get("/v1/service-requests").await;
        assert_eq!(each(&all, "/number"), numbers);
        let (_, cancelled) = counter.get("/v1/service-requests?state=cancelled").await;
        assert_eq!(each(&cancelled, "/complaint"), ["no. 1"]);
        let (_, outstanding) = counter.get("/v1/service-requests?state=outstanding").await;
        assert_eq!(each(&outstanding, "/complaint"), ["no. 4", "no. 3", "no. 2", "no. 0"]);
        assert_eq!(counter.get("/v1/service-requests?state=closed").await.1["items"], json!([]));
        refused_fields(&counter.get("/v1/service-requests?state=odd").await, &["state"]);
        let mut paged: Vec<String> = Vec::new();
        let mut next = String::new();
        loop {
            let (_, page) = counter.get(&format!("/v1/service-requests?limit=2{next}")).await;
            paged.extend(each(&page, "/number").into_iter().map(str::to_owned));
            let Some(cursor) = page["next"].as_str() else { break };
            next = format!("&cursor={cursor}");
        }
        assert_eq!(paged, numbers);
        let (_, of_asset) = counter.get(&path(w.ids.truck)).await;
        assert_eq!(of_asset["items"], json!([]));
        let (_, asset) = counter.get(&format!("/v1/assets/{}", w.ids.excavator)).await;
        let last = asset["sections"]["service_requests"].as_array().unwrap().last().cloned().unwrap();
        assert_eq!(last["status"], "cancelled", "outstanding ones on top");
    }

    async fn s2_9_what_was_asked_for_a_machine_goes_with_it_for_its_customer(w: World) {
        let (counter, executive, accounts) = (w.sign_in("counter").await, w.sign_in("executive").await, w.sign_in("accounts").await);
        let of_counter = file(&counter, w.ids.excavator, json!({ "complaint": "Leaks" })).await;
        let own = file(&executive, w.ids.excavator, json!({ "complaint": "Smokes" })).await;
        let stays = file(&counter, w.ids.truck, json!({ "complaint": "Pulls left" })).await;
        let (status, by_unit) = accounts.post("/v1/service-requests", json!({ "unit_number": "1042", "complaint": "Squeaks" })).await;
        assert_eq!(status, 201, "{by_unit}");
        let seen = async |caller: &Caller| each(&caller.get("/v1/service-requests").await.1, "/complaint").join(", ");
        assert_eq!(seen(&executive).await, "Squeaks, Pulls left, Smokes, Leaks");
        assert_eq!(seen(&accounts).await, "Squeaks");
        let disposed = by_hand::change(&w, "UPDATE asset SET status = 'disposed' WHERE id = $1", &[&w.ids.excavator.to_string()]).await;
        assert_eq!((disposed, seen(&executive).await, seen(&accounts).await), (1, "Pulls left".to_owned(), String::new()));
        let nowhere = executive.get(&format!("/v1/service-requests/{}", uuid::Uuid::now_v7())).await;
        refused(&nowhere, 404, "not_found");
        for request in [&of_counter, &own, &by_unit] {
            let path = format!("/v1/service-requests/{}", id(request));
            assert_eq!(executive.get(&path).await, nowhere);
            refused(&accounts.get(&path).await, 404, "not_found");
            refused(&executive.post(&format!("{path}/cancel"), json!({ "reason": "x" })).await, 404, "not_found");
            assert_eq!(counter.get(&path).await.1["asset"]["asset_number"], "1042", "staff see it as before");
        }
        assert_eq!(executive.get(&format!("/v1/service-requests/{}", id(&stays))).await.0, 200);
        assert_eq!(seen(&counter).await, "Squeaks, Pulls left, Smokes, Leaks");
    }

    async fn requests_keep_to_the_scope(w: World) {
        let (gm, counter) = (w.sign_in("gm").await, w.sign_in("counter").await);
        let at_stk = file(&gm, w.ids.excavator, json!({ "complaint": "stk", "shop": "STK" })).await;
        let of_rental = file(&gm, w.ids.rental, json!({ "complaint": "rental", "shop": "SLN" })).await;
        let of_sweeper = file(&gm, w.ids.sweeper, json!({ "complaint": "sweeper", "shop": "SLN" })).await;
        w.add_user("reno", "staff", &[crate::harness::grant("counter_staff", "shop", Some(w.ids.rno.to_string()))]).await;
        let seen = async |caller: &Caller| {
            let (_, list) = caller.get("/v1/service-requests").await;
            let mut seen: Vec<String> = each(&list, "/complaint").into_iter().map(str::to_owned).collect();
            seen.sort();
            seen.join(" ")
        };
        assert_eq!(seen(&counter).await, "rental stk sweeper");
        assert_eq!(seen(&w.sign_in("reno").await).await, "", "a shop sees the requests at itself");
        assert_eq!(seen(&w.sign_in("executive").await).await, "stk", "not the rental pool's, nor another customer's");
        refused(&w.sign_in("executive").await.get(&format!("/v1/service-requests/{}", id(&of_rental))).await, 404, "not_found");
        refused(&w.sign_in("executive").await.get(&format!("/v1/service-requests/{}", id(&of_sweeper))).await, 404, "not_found");
        assert_eq!(w.sign_in("fleet").await.get(&format!("/v1/service-requests/{}", id(&at_stk))).await.0, 200);
        let (_, of_waco) = counter.find("/v1/service-requests", &[("customer", w.ids.waco.to_string().as_str())]).await;
        assert_eq!(each(&of_waco, "/complaint"), ["sweeper"]);
    }

    async fn every_way_to_requests_leads_to_the_same(w: World) {
        let (gm, executive) = (w.sign_in("gm").await, w.sign_in("executive").await);
        for (place, machine) in [w.ids.excavator, w.ids.rental, w.ids.sweeper, w.ids.excavator, w.ids.sweeper].into_iter().enumerate() {
            let shop = if place % 2 == 0 { "STK" } else { "SLN" };
            let made = file(&gm, machine, json!({ "complaint": format!("{place}"), "shop": shop })).await;
            if place < 2 {
                assert_eq!(gm.post(&format!("/v1/service-requests/{}/cancel", id(&made)), json!({ "reason": "x" })).await.0, 200);
            }
        }
        file(&executive, w.ids.excavator, json!({ "complaint": "ours" })).await;
        w.add_user("stock", "staff", &[crate::harness::grant("counter_staff", "shop", Some(w.ids.stk.to_string()))]).await;
        for name in ["gm", "counter", "stock", "executive", "fleet", "tech"] {
            let caller = w.sign_in(name).await;
            let (status, whole) = caller.get("/v1/service-requests?limit=200").await;
            assert_eq!(status, 200, "{name}");
            let those = |of: &dyn Fn(&serde_json::Value) -> bool| whole["items"].as_array().unwrap().iter().filter(|one| of(one)).cloned().collect::<Vec<_>>();
            let page = async |asked: &[(&str, &str)]| caller.find("/v1/service-requests", asked).await.1["items"].as_array().unwrap().clone();
            for state in ["submitted", "cancelled", "closed", "draft"] {
                assert_eq!(page(&[("state", state)]).await, those(&|one| one["status"] == state), "{name}, {state}");
            }
            assert_eq!(page(&[("state", "outstanding")]).await, those(&|one| one["status"] == "submitted"), "{name}");
            let waco = w.ids.waco.to_string();
            assert_eq!(page(&[("customer", &waco)]).await, those(&|one| one["customer"]["id"] == waco.as_str()), "{name}");
        }
    }
}

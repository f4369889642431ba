//! Looking assets up by any of their numbers (S2-7 … S2-10, S3-30, trap 15),
//! and what an asset shows to whom.

use serde_json::{Value, json};

use crate::harness::{Caller, TRUCK_VIN, each, keys, refused, refused_by_role, refused_fields};

/// Looks a tag up, which has to succeed.
async fn look(caller: &Caller, tag: &str) -> Value {
    look_in(caller, tag, None).await
}

async fn look_in(caller: &Caller, tag: &str, organization: Option<&str>) -> Value {
    let mut asked = vec![("tag", tag)];
    asked.extend(organization.map(|code| ("organization", code)));
    let (status, body) = caller.find("/v1/assets/lookup", &asked).await;
    assert_eq!(status, 200, "{tag}: {body}");
    body
}

/// What was found, as `OWNER number matched_by`, in order.
fn found(body: &Value) -> Vec<String> {
    let parts = [each(body, "/asset/organization/code"), each(body, "/asset/asset_number"), each(body, "/matched_by")];
    (0..parts[0].len()).map(|at| parts.each_ref().map(|part| part[at]).join(" ")).collect()
}

/// The same in no order.
fn found_sorted(body: &Value) -> Vec<String> {
    let mut found = found(body);
    found.sort();
    found
}

on_both_databases! {
    async fn s2_7_one_box_takes_asset_number_and_plate(w: World) {
        let counter = w.sign_in("counter").await;
        assert_eq!(found(&look(&counter, "1052").await), ["KELLER 1052 asset_number"]);
        assert_eq!(found(&look(&counter, "1043").await), ["KELLER 1043 asset_number"]);
        assert_eq!(found(&look(&counter, "nothing").await), Vec::<String>::new());
    }

    async fn s2_8_numbers_compare_without_case_spaces_and_hyphens(w: World) {
        let counter = w.sign_in("counter").await;
        for tag in ["GX4-711", "GX4 711", "gx4711", " gx4 - 711 ", "GX4\u{2013}711", "ＧＸ４７１１"] {
            assert_eq!(found_sorted(&look(&counter, tag).await), ["KELLER 1042 plate", "WACO-ST 1042 plate"], "{tag}");
        }
    }

    async fn s2_8_of_several_organizations_a_person_chooses(w: World) {
        let counter = w.sign_in("counter").await;
        assert_eq!(found_sorted(&look(&counter, "1042").await), ["KELLER 1042 asset_number", "WACO-ST 1042 asset_number"]);
        for code in ["WACO-ST", "waco-st"] {
            assert_eq!(found(&look_in(&counter, "1042", Some(code)).await), ["WACO-ST 1042 asset_number"]);
        }
        assert_eq!(found(&look_in(&counter, "GX4711", Some("KELLER")).await), ["KELLER 1042 plate"]);
        assert_eq!(found(&look_in(&counter, "1042", Some("KBB")).await), Vec::<String>::new());
        assert_eq!(found_sorted(&look_in(&counter, "1042", Some("")).await).len(), 2, "an empty choice is none");
    }

    async fn s2_8_a_number_that_is_anothers_plate_shows_both(w: World) {
        let counter = w.sign_in("counter").await;
        assert_eq!(found(&look(&counter, "KBT4472").await), ["KBB KBT-4472 asset_number", "KELLER 1052 plate"]);
    }

    async fn s2_8_zeros_and_suffixes_make_other_machines(w: World) {
        let counter = w.sign_in("counter").await;
        for number in ["0417", "0417A"] {
            w.add_asset("KBB", number).await;
        }
        assert_eq!(found(&look(&counter, "0417").await), ["KBB 0417 asset_number"]);
        assert_eq!(found(&look(&counter, "0417a").await), ["KBB 0417A asset_number"]);
        assert_eq!(found(&look(&counter, "417").await), Vec::<String>::new());
    }

    async fn s3_30_the_vin_and_its_last_six_to_eight(w: World) {
        let counter = w.sign_in("counter").await;
        for tag in [TRUCK_VIN, "1xp5db9x87t716741", "1XP5D B9X87-T716741"] {
            assert_eq!(found(&look(&counter, tag).await), ["KELLER 1052 vin"], "{tag}");
        }
        for tag in ["716741", "T716741", "7t716741"] {
            assert_eq!(found(&look(&counter, tag).await), ["KELLER 1052 vin_tail"], "{tag}");
        }
        for tag in ["16741", "87T716741", "716742", "1XP5DB9X"] {
            assert_eq!(found(&look(&counter, tag).await), Vec::<String>::new(), "{tag}");
        }
        assert_eq!(found(&look(&counter, "hex-20318").await), ["KELLER 1043 vin"], "a serial is found whole");
    }

    async fn a_plate_it_once_carried_is_told_from_one_it_carries(w: World) {
        let counter = w.sign_in("counter").await;
        assert_eq!(found(&look(&counter, "EQ70R2").await), ["KELLER 1042 former_plate"]);
        let (_, asset) = counter.get(&format!("/v1/assets/{}", w.ids.excavator)).await;
        assert_eq!(asset["plate"], "GX4-711");
        assert_eq!(asset["sections"]["identification"]["former_plates"], json!(["EQ7 0R2 (TX)"]));
    }

    async fn trap_15_look_alikes_are_marked_and_only_found_where_nothing_else_is(w: World) {
        let counter = w.sign_in("counter").await;
        assert_eq!(found(&look(&counter, "IO100").await), ["KBB IO-100 asset_number"]);
        for tag in ["10100", "1O1OO", "io-1o0"] {
            assert_eq!(found(&look(&counter, tag).await), ["KBB IO-100 similar"], "{tag}");
        }
        assert_eq!(found(&look(&counter, "EQ7OR2").await), ["KELLER 1042 similar"], "plates too");
        w.add_asset("KBB", "10-100").await;
        assert_eq!(found(&look(&counter, "10100").await), ["KBB 10-100 asset_number"], "an exact hit leaves no room for look-alikes");
    }

    async fn s2_9_not_found_not_allowed_and_disposed_look_the_same_to_customers(w: World) {
        for name in ["executive", "fleet", "portaluser", "kiosk"] {
            let caller = w.sign_in(name).await;
            let nothing = caller.find("/v1/assets/lookup", &[("tag", "no such tag")]).await;
            assert_eq!(nothing, (200, json!({ "items": [] })));
            for tag in ["1099", "R-7", "88", "NVK-118", "S-1"] {
                assert_eq!(caller.find("/v1/assets/lookup", &[("tag", tag)]).await, nothing, "{name} {tag}");
            }
            let nowhere = caller.get(&format!("/v1/assets/{}", uuid::Uuid::now_v7())).await;
            refused(&nowhere, 404, "not_found");
            for id in [w.ids.disposed, w.ids.rental, w.ids.sagebrush_88, w.ids.stock] {
                for part in ["", "/identification", "/meters"] {
                    assert_eq!(caller.get(&format!("/v1/assets/{id}{part}")).await, nowhere, "{name} {part}");
                }
            }
        }
    }

    async fn s2_9_staff_see_that_it_is_disposed(w: World) {
        let counter = w.sign_in("counter").await;
        let body = look(&counter, "1099").await;
        assert_eq!(found(&body), ["KELLER 1099 asset_number"]);
        assert_eq!(body["items"][0]["asset"]["status"], "disposed");
        assert_eq!(counter.get(&format!("/v1/assets/{}", w.ids.disposed)).await.0, 200);
    }

    async fn s2_9_a_customers_list_neither_shows_nor_counts_disposed_machines(w: World) {
        let path = format!("/v1/customers/{}/assets", w.ids.keller);
        let (status, list) = w.sign_in("executive").await.get(&path).await;
        assert_eq!(status, 200, "{list}");
        assert_eq!(each(&list, "/asset_number"), ["1042", "1043", "1052", "1098"]);
        assert_eq!(list["total"], 4);
    }

    async fn s2_3_a_look_up_keeps_to_the_scope(w: World) {
        let (counter, gm, executive, kiosk) = (w.sign_in("counter").await, w.sign_in("gm").await, w.sign_in("executive").await, w.sign_in("kiosk").await);
        assert_eq!(found(&look(&counter, "NVK-118").await), Vec::<String>::new(), "Reno's");
        assert_eq!(found(&look(&gm, "NVK-118").await), ["KST 88 plate"]);
        assert_eq!(found(&look(&counter, "R-7").await), ["KELLER-RENT R-7 asset_number"], "the portal's switch is not for staff");
        assert_eq!(found(&look(&counter, "S-1").await), ["DEALER S-1 asset_number"], "what has no customer belongs to every shop");
        assert_eq!(found(&look(&executive, "1042").await), ["KELLER 1042 asset_number"], "another customer's is not there");
        assert_eq!(found(&look(&executive, "GX4711").await), ["KELLER 1042 plate"]);
        assert_eq!(found(&look(&executive, "KBT4472").await), ["KELLER 1052 plate"]);
        assert_eq!(found_sorted(&look(&kiosk, "1042").await), ["KELLER 1042 asset_number", "WACO-ST 1042 asset_number"]);
    }

    async fn a_tag_needs_a_letter_or_a_digit(w: World) {
        let counter = w.sign_in("counter").await;
        for tag in ["", "   ", " - - "] {
            refused_fields(&counter.find("/v1/assets/lookup", &[("tag", tag)]).await, &["tag"]);
        }
        refused_fields(&counter.get("/v1/assets/lookup").await, &["tag"]);
        refused_fields(&counter.find("/v1/assets/lookup", &[("tag", "x".repeat(61).as_str())]).await, &["tag"]);
        refused(&counter.find("/v1/assets/lookup", &[("tag", "1042"), ("vin", "1")]).await, 422, "query.invalid");
    }

    async fn a_hit_says_which_machine_it_is(w: World) {
        let body = look(&w.sign_in("counter").await, "1052").await;
        let asset = &body["items"][0]["asset"];
        assert_eq!(asset["id"], json!(w.ids.truck));
        assert_eq!(keys(&asset["organization"]), keys(&json!({ "id": 0, "code": 0, "name": 0 })));
        assert_eq!(asset["customer"], json!({ "id": w.ids.keller, "number": "10442", "name": "Keller Bau GmbH" }));
        assert_eq!((&asset["plate"], &asset["plate_state"], &asset["year"]), (&json!("KBT-4472"), &json!("TX"), &json!(2021)));
        let tech = look(&w.sign_in("tech").await, "1052").await;
        assert_eq!(tech["items"][0]["asset"]["customer"]["number"], Value::Null, "a number is more than the basic fields");
        assert_eq!(tech["items"][0]["asset"]["customer"]["name"], "Keller Bau GmbH");
    }

    async fn g_1_an_asset_comes_with_the_sections_that_the_role_may_see(w: World) {
        let path = format!("/v1/assets/{}", w.ids.excavator);
        let (status, whole) = w.sign_in("counter").await.get(&path).await;
        assert_eq!(status, 200);
        assert_eq!(whole["asset_number"], "1042");
        let sections = &whole["sections"];
        assert_eq!(keys(sections), keys(&json!({ "identification": 0, "meters": 0, "service_requests": 0, "repairs": 0 })));
        assert_eq!(sections["identification"]["description"], "Machine 1042");
        assert_eq!(sections["meters"][0]["value"], "12903.0");
        assert_eq!(sections["service_requests"], json!([]));
        assert_eq!(sections["repairs"].as_array().map(Vec::len), Some(2));
        let (_, kiosk) = w.sign_in("kiosk").await.get(&path).await;
        assert_eq!(kiosk["sections"]["repairs"], json!({ "access": "denied", "missing": ["repair.pending.view"] }));
        assert_eq!(kiosk["sections"]["service_requests"], json!({ "access": "denied", "missing": ["service_request.view"] }));
        assert_eq!(kiosk["sections"]["meters"][0]["value"], "12903.0");
        assert_eq!(kiosk["asset_number"], "1042");
    }

    async fn s2_22_repairs_are_open_or_pending(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/repairs", w.ids.excavator);
        let (_, all) = counter.get(&path).await;
        assert_eq!(each(&all, "/state"), ["open", "pending"], "open ones first");
        assert_eq!(all["total"], 2);
        let (_, open) = counter.get(&format!("{path}?state=open")).await;
        assert_eq!(each(&open, "/description"), ["Lift cylinder, left: reseal"]);
        let (_, pending) = counter.get(&format!("{path}?state=pending")).await;
        assert_eq!(each(&pending, "/description"), ["Cab door strut weak"]);
        refused(&counter.get(&format!("{path}?state=done")).await, 422, "query.invalid");
        refused_by_role(&w.sign_in("kiosk").await.get(&path).await, &["repair.pending.view"]);
    }

    async fn s2_20_identification_has_its_own_path_and_hints_at_an_odd_vin(w: World) {
        let counter = w.sign_in("counter").await;
        let (status, truck) = counter.get(&format!("/v1/assets/{}/identification", w.ids.truck)).await;
        assert_eq!(status, 200);
        assert_eq!((&truck["vin"], &truck["vin_hint"]), (&json!(TRUCK_VIN), &Value::Null));
        assert_eq!((&truck["plate"], &truck["plate_country"], &truck["version"]), (&json!("KBT-4472"), &json!("US"), &json!(1)));
        refused_by_role(&w.sign_in("accounts").await.get(&format!("/v1/assets/{}/identification", w.ids.truck)).await, &["asset.identification.view"]);
    }

    async fn the_assets_of_a_customer_come_in_pages(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/customers/{}/assets", w.ids.keller);
        let (_, whole) = counter.get(&path).await;
        assert_eq!(each(&whole, "/asset_number"), ["1042", "1043", "1052", "1098", "1099", "R-7"]);
        assert_eq!((&whole["total"], &whole["next"]), (&json!(6), &Value::Null));
        let (_, first) = counter.get(&format!("{path}?limit=4")).await;
        assert_eq!(first["total"], 6);
        let (_, rest) = counter.get(&format!("{path}?limit=4&cursor={}", first["next"].as_str().unwrap())).await;
        assert_eq!(each(&rest, "/asset_number"), ["1099", "R-7"]);
        assert_eq!(rest["next"], Value::Null);
        refused(&counter.get(&format!("/v1/customers/{}/assets", w.ids.sagebrush)).await, 404, "not_found");
        let (_, own) = w.sign_in("executive").await.get(&path).await;
        assert!(!each(&own, "/asset_number").contains(&"R-7"), "its owner is not portal-enabled: {own}");
        refused(&w.sign_in("executive").await.get(&format!("/v1/customers/{}/assets", w.ids.waco)).await, 404, "not_found");
    }
}

//! Meters: units, dials, rollover, replacement (M-1, M-5, M-6, M-10, M-13,
//! M-14, M-16).

use countertop::api::ids::AssetId;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::harness::{Caller, ago, days_ago, each, grant, refused, refused_by_role, refused_fields};

/// Sends a reading.
async fn add(caller: &Caller, asset: AssetId, body: Value) -> (u16, Value) {
    caller.post(&format!("/v1/assets/{asset}/readings"), body).await
}

/// Sends a reading, which has to stand.
async fn added(caller: &Caller, asset: AssetId, body: Value) -> Value {
    let (status, reading) = add(caller, asset, body).await;
    assert_eq!(status, 201, "{reading}");
    reading
}

/// A meter of an asset by its name.
async fn meter(caller: &Caller, asset: AssetId, name: &str) -> Value {
    let (_, body) = caller.get(&format!("/v1/assets/{asset}/meters")).await;
    body["items"].as_array().unwrap().iter().find(|meter| meter["meter"] == name).cloned().unwrap_or_default()
}

/// Value and life of a meter.
async fn stands(caller: &Caller, asset: AssetId, name: &str) -> (String, String) {
    let meter = meter(caller, asset, name).await;
    (meter["value"].as_str().unwrap_or("(none)").to_owned(), meter["life_value"].as_str().unwrap_or("(none)").to_owned())
}

fn pair(value: &str, life: &str) -> (String, String) {
    (value.to_owned(), life.to_owned())
}

fn replace_path(asset: AssetId) -> String {
    format!("/v1/assets/{asset}/meters/engine_hours/replace")
}

on_both_databases! {
    async fn m_1_a_unit_is_never_converted(w: World) {
        let counter = w.sign_in("counter").await;
        refused(&add(&counter, w.ids.truck, json!({ "value": "998600", "unit": "km" })).await, 422, "reading.unit");
        refused(&add(&counter, w.ids.excavator, json!({ "value": "12904", "unit": "mi" })).await, 422, "reading.unit");
        refused_fields(&add(&counter, w.ids.truck, json!({ "value": "998600", "unit": "parsec" })).await, &["unit"]);
        assert_eq!(stands(&counter, w.ids.truck, "odometer").await, pair("998500", "998500"));
        let reading = added(&counter, w.ids.truck, json!({ "value": "998600", "unit": "mi" })).await;
        assert_eq!((&reading["unit"], &reading["value"], &reading["meter"]), (&json!("mi"), &json!("998600"), &json!("odometer")));
    }

    async fn a_reading_for_a_kind_that_is_missing_makes_the_meter_and_says_so(w: World) {
        let counter = w.sign_in("counter").await;
        refused_fields(&add(&counter, w.ids.loader, json!({ "value": "10" })).await, &["meter"]);
        refused_fields(&add(&counter, w.ids.loader, json!({ "value": "10", "meter": "speed" })).await, &["meter"]);
        refused(&add(&counter, w.ids.loader, json!({ "value": "10", "meter": "odometer", "unit": "h" })).await, 422, "reading.unit");
        assert_eq!(counter.get(&format!("/v1/assets/{}/meters", w.ids.loader)).await.1["total"], 0);
        let first = added(&counter, w.ids.loader, json!({ "value": "100", "meter": "odometer" })).await;
        assert_eq!((&first["meter_created"], &first["unit"]), (&json!(true), &json!("mi")), "the owner measures in miles");
        let again = added(&counter, w.ids.loader, json!({ "value": "100", "meter": "odometer" })).await;
        assert_eq!(again["meter_created"], false);
        let left = added(&counter, w.ids.loader, json!({ "value": "7.5", "meter": "engine_hours.left" })).await;
        assert_eq!((&left["meter_created"], &left["meter"], &left["unit"]), (&json!(true), &json!("engine_hours.left"), &json!("h")));
        let fuel = added(&counter, w.ids.loader, json!({ "value": "3", "meter": "fuel_used", "unit": "l" })).await;
        assert_eq!(fuel["unit"], "l", "the unit that was sent");
        let odometer = meter(&counter, w.ids.loader, "odometer").await;
        assert_eq!((&odometer["primary"], &odometer["digits"], &odometer["tenths"]), (&json!(true), &json!(7), &json!(false)));
        let left = meter(&counter, w.ids.loader, "engine_hours.left").await;
        assert_eq!((&left["primary"], &left["component"], &left["kind"]), (&json!(false), &json!("left"), &json!("engine_hours")));
        assert_eq!(counter.get(&format!("/v1/assets/{}/meters/engine_hours.left/readings", w.ids.loader)).await.1["total"], 1);
        let metric = added(&counter, w.ids.tanker, json!({ "value": "100", "meter": "odometer" })).await;
        assert_eq!(metric["unit"], "km", "this owner measures in kilometres");
        let unnamed = added(&counter, w.ids.loader, json!({ "value": "101" })).await;
        assert_eq!(unnamed["meter"], "odometer", "without a name it goes to the primary meter");
    }

    async fn two_who_make_the_same_meter_at_once_make_one(w: World) {
        let counter = w.sign_in("counter").await;
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let (caller, asset) = (counter.clone(), w.ids.loader);
            writers.spawn(async move { add(&caller, asset, json!({ "value": "100", "meter": "odometer" })).await });
        }
        let answers = writers.join_all().await;
        assert!(answers.iter().all(|answer| answer.0 == 201), "{answers:?}");
        assert_eq!(answers.iter().filter(|answer| answer.1["meter_created"] == true).count(), 1);
        let (_, meters) = counter.get(&format!("/v1/assets/{}/meters", w.ids.loader)).await;
        assert_eq!(each(&meters, "/meter"), ["odometer"]);
    }

    async fn m_5_a_dial_rolls_over_from_its_last_tenth_to_its_first(w: World) {
        let manager = w.sign_in("manager").await;
        let rolled = |value: &str, days: f64| json!({ "value": value, "kind": "rollover", "read_at": days_ago(days) });
        refused(&add(&manager, w.ids.truck, rolled("100001", 2.0)).await, 422, "reading.no_rollover");
        refused(&add(&manager, w.ids.excavator, rolled("5", 2.0)).await, 422, "reading.no_rollover");
        refused(&add(&manager, w.ids.truck, rolled("300", 10.0)).await, 422, "reading.not_last");
        assert_eq!(stands(&manager, w.ids.truck, "odometer").await, pair("998500", "998500"), "no refusal changed anything");
        let reading = added(&manager, w.ids.truck, rolled("300", 2.0)).await;
        assert_eq!((&reading["kind"], &reading["value"], &reading["life_value"]), (&json!("rollover"), &json!("300"), &json!("1000300")));
        let next = added(&manager, w.ids.truck, json!({ "value": "700" })).await;
        assert_eq!((&next["kind"], &next["life_value"]), (&json!("normal"), &json!("1000700")));
        assert_eq!(stands(&manager, w.ids.truck, "odometer").await, pair("700", "1000700"));
        let late = added(&manager, w.ids.truck, json!({ "value": "998900", "read_at": days_ago(4.0) })).await;
        assert_eq!(late["life_value"], "998900", "a back-dated reading is on the dial of its time");
    }

    async fn m_5_a_rollover_needs_the_override(w: World) {
        let body = json!({ "value": "300", "kind": "rollover" });
        for name in ["counter", "tech", "kiosk", "executive"] {
            refused_by_role(&add(&w.sign_in(name).await, w.ids.truck, body.clone()).await, &["meter.override"]);
        }
        assert_eq!(add(&w.sign_in("gm").await, w.ids.truck, body).await.0, 201);
    }

    async fn m_5_voiding_a_rollover_takes_it_back_and_restoring_brings_it_again(w: World) {
        let manager = w.sign_in("manager").await;
        let reading = added(&manager, w.ids.truck, json!({ "value": "300", "kind": "rollover", "read_at": days_ago(2.0) })).await;
        let path = format!("/v1/readings/{}", reading["id"].as_str().unwrap());
        assert_eq!(manager.post(&format!("{path}/void"), json!({ "reason": "misread" })).await.0, 200);
        assert_eq!(stands(&manager, w.ids.truck, "odometer").await, pair("998500", "998500"));
        let (status, restored) = manager.post(&format!("{path}/restore"), json!({})).await;
        assert_eq!((status, &restored["life_value"], &restored["kind"]), (200, &json!("1000300"), &json!("rollover")));
        assert_eq!(stands(&manager, w.ids.truck, "odometer").await, pair("300", "1000300"));
    }

    async fn m_5_a_reading_of_the_old_round_at_the_same_moment_keeps_its_life(w: World) {
        let manager = w.sign_in("manager").await;
        let at = days_ago(2.0);
        added(&manager, w.ids.truck, json!({ "value": "999500", "read_at": at })).await;
        added(&manager, w.ids.truck, json!({ "value": "300", "kind": "rollover", "read_at": at })).await;
        let (_, list) = manager.get(&format!("/v1/assets/{}/meters/odometer/readings", w.ids.truck)).await;
        let mut lives = each(&list, "/life_value");
        lives.sort_by_key(|life| life.parse::<i64>().unwrap());
        assert_eq!(lives, ["995920", "997000", "998500", "999500", "1000300"], "{list}");
    }

    async fn m_6_a_replaced_meters_life_goes_on(w: World) {
        let tech = w.sign_in("tech").await;
        let (status, replaced) = tech.post(&replace_path(w.ids.excavator), json!({ "old_last": "12950", "new_first": "0", "at": days_ago(1.0) })).await;
        assert_eq!((status, &replaced["value"], &replaced["life_value"]), (201, &json!("0.0"), &json!("12950.0")), "{replaced}");
        let next = added(&tech, w.ids.excavator, json!({ "value": "5" })).await;
        assert_eq!((&next["value"], &next["life_value"]), (&json!("5.0"), &json!("12955.0")));
        let late = added(&tech, w.ids.excavator, json!({ "value": "12920", "read_at": days_ago(3.0) })).await;
        assert_eq!(late["life_value"], "12920.0", "a back-dated reading is on the old dial");
        let (_, list) = tech.get(&format!("/v1/assets/{}/meters/engine_hours/readings", w.ids.excavator)).await;
        assert_eq!(each(&list, "/life_value"), ["12955.0", "12920.0", "12903.0", "12674.5", "12480.0"], "nothing old was lost");
        assert_eq!(stands(&tech, w.ids.excavator, "engine_hours").await, pair("5.0", "12955.0"));
    }

    async fn m_6_a_new_dial_may_stand_higher_than_the_old(w: World) {
        let manager = w.sign_in("manager").await;
        let (_, replaced) = manager.post(&replace_path(w.ids.excavator), json!({ "old_last": 12_950, "new_first": 20_000, "at": days_ago(1.0) })).await;
        assert_eq!((&replaced["value"], &replaced["life_value"]), (&json!("20000.0"), &json!("12950.0")));
        assert_eq!(added(&manager, w.ids.excavator, json!({ "value": "20004" })).await["life_value"], "12954.0");
    }

    async fn m_6_a_replacement_keeps_the_rules(w: World) {
        let manager = w.sign_in("manager").await;
        let path = replace_path(w.ids.excavator);
        let send = async |old: &str, new: &str, at: String| manager.post(&path, json!({ "old_last": old, "new_first": new, "at": at })).await;
        refused(&send("12902", "0", days_ago(1.0)).await, 422, "reading.too_low");
        refused(&send("12950", "0", days_ago(10.0)).await, 422, "reading.not_last");
        refused(&send("12950", "0", ago(SignedDuration::from_mins(-10))).await, 422, "reading.in_future");
        refused(&send("10000000", "0", days_ago(1.0)).await, 422, "reading.digits");
        refused_fields(&send("many", "none", days_ago(1.0)).await, &["new_first", "old_last"]);
        refused_by_role(&w.sign_in("counter").await.post(&path, json!({ "old_last": "12950", "new_first": "0" })).await, &["meter.replace"]);
        for name in ["odometer", "speed"] {
            let answer = manager.post(&format!("/v1/assets/{}/meters/{name}/replace", w.ids.excavator), json!({ "old_last": "1", "new_first": "0" })).await;
            refused(&answer, 404, "not_found");
        }
        assert_eq!(stands(&manager, w.ids.excavator, "engine_hours").await, pair("12903.0", "12903.0"));
    }

    async fn m_6_the_old_dials_last_reading_may_be_of_the_very_moment(w: World) {
        let manager = w.sign_in("manager").await;
        let at = days_ago(1.0);
        added(&manager, w.ids.excavator, json!({ "value": "12940", "read_at": at })).await;
        let (status, replaced) = manager.post(&replace_path(w.ids.excavator), json!({ "old_last": "12940", "new_first": "0", "at": at })).await;
        assert_eq!(status, 201, "{replaced}");
        assert_eq!(stands(&manager, w.ids.excavator, "engine_hours").await, pair("0.0", "12940.0"));
        assert_eq!(added(&manager, w.ids.excavator, json!({ "value": "4" })).await["life_value"], "12944.0");
    }

    async fn m_6_no_back_dated_reading_goes_above_the_old_dials_last_value(w: World) {
        let manager = w.sign_in("manager").await;
        let (status, _) = manager.post(&replace_path(w.ids.excavator), json!({ "old_last": "12950", "new_first": "0", "at": days_ago(1.0) })).await;
        assert_eq!(status, 201);
        let (status, late) = add(&manager, w.ids.excavator, json!({ "value": "12990", "read_at": days_ago(3.0) })).await;
        assert_eq!(status, 422, "life would fall to 12950 two days later: {late}");
        assert_eq!(add(&manager, w.ids.excavator, json!({ "value": "5" })).await.0, 201, "and the new dial goes on");
    }

    async fn m_10_hours_have_a_tenth_and_distance_has_none(w: World) {
        let counter = w.sign_in("counter").await;
        refused(&add(&counter, w.ids.truck, json!({ "value": "998500.5" })).await, 422, "reading.decimals");
        assert_eq!(added(&counter, w.ids.truck, json!({ "value": "998501.0" })).await["value"], "998501");
        assert_eq!(added(&counter, w.ids.excavator, json!({ "value": "12,903.5" })).await["value"], "12903.5");
        assert_eq!(added(&counter, w.ids.excavator, json!({ "value": 12_903.6 })).await["value"], "12903.6", "a number is taken too");
        for wrong in ["12903.65", "abc", "-5", "", "1e5"] {
            refused_fields(&add(&counter, w.ids.excavator, json!({ "value": wrong })).await, &["value"]);
        }
        refused(&add(&counter, w.ids.excavator, json!({})).await, 422, "body.invalid");
        let digits = add(&counter, w.ids.truck, json!({ "value": "1000000" })).await;
        refused(&digits, 422, "reading.digits");
        assert!(digits.1["fields"]["value"].is_string(), "the form's field is named: {}", digits.1);
    }

    async fn m_13_a_value_older_than_thirty_days_is_stale(w: World) {
        let counter = w.sign_in("counter").await;
        added(&counter, w.ids.loader, json!({ "value": "100", "meter": "odometer", "read_at": days_ago(30.1) })).await;
        assert_eq!(meter(&counter, w.ids.loader, "odometer").await["stale"], true);
        added(&counter, w.ids.loader, json!({ "value": "101", "meter": "odometer", "read_at": days_ago(29.9) })).await;
        assert_eq!(meter(&counter, w.ids.loader, "odometer").await["stale"], false);
    }

    async fn m_14_s2_52_outsiders_get_no_override_whatever_their_role_says(w: World) {
        w.add_user("promoted", "customer", &[grant("service_manager", "customer", Some(w.ids.keller.to_string()))]).await;
        w.add_user("clever_kiosk", "kiosk", &[grant("service_manager", "shop", Some(w.ids.sln.to_string()))]).await;
        for name in ["executive", "fleet", "portaluser", "kiosk", "promoted", "clever_kiosk"] {
            let caller = w.sign_in(name).await;
            for body in [json!({ "value": "998600", "override_reason": "because" }), json!({ "value": "300", "kind": "rollover" })] {
                refused_by_role(&add(&caller, w.ids.truck, body).await, &["meter.override"]);
            }
            assert_eq!(add(&caller, w.ids.truck, json!({ "value": "998500" })).await.0, 201, "{name} may read a dial");
        }
    }

    async fn m_16_a_requests_meter_is_the_nearest_valid_reading_marked_estimated(w: World) {
        let manager = w.sign_in("manager").await;
        let (_, made) = manager.post(&format!("/v1/assets/{}/service-requests", w.ids.excavator), json!({ "complaint": "Leaks" })).await;
        let path = format!("/v1/service-requests/{}", made["id"].as_str().unwrap());
        let nearest = json!({ "meter": "engine_hours", "value": "12903.0", "unit": "h", "estimated": true });
        assert_eq!(manager.get(&path).await.1["meter"], nearest);
        let (_, list) = manager.get(&format!("/v1/assets/{}/meters/engine_hours/readings", w.ids.excavator)).await;
        let void = format!("/v1/readings/{}/void", list["items"][0]["id"].as_str().unwrap());
        assert_eq!(manager.post(&void, json!({ "reason": "misread" })).await.0, 200);
        assert_eq!(manager.get(&path).await.1["meter"]["value"], "12674.5", "a void reading never counts");
        added(&manager, w.ids.excavator, json!({ "value": "12700", "read_at": Timestamp::now().to_string() })).await;
        assert_eq!(manager.get(&path).await.1["meter"], json!({ "meter": "engine_hours", "value": "12700.0", "unit": "h", "estimated": false }));
    }
}

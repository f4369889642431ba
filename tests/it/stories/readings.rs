//! Readings: their order, their pace, void and restored ones (M-2 … M-4,
//! M-7 … M-9, M-11, M-15).

use countertop::api::ids::AssetId;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::harness::{Caller, ago, days_ago, each, refused, refused_by_role, refused_fields};

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

/// The readings of a meter, the newest first.
async fn readings(caller: &Caller, asset: AssetId, meter: &str) -> Value {
    let (status, body) = caller.get(&format!("/v1/assets/{asset}/meters/{meter}/readings")).await;
    assert_eq!(status, 200, "{body}");
    body
}

/// What the primary meter shows.
async fn shows(caller: &Caller, asset: AssetId) -> String {
    let (_, body) = caller.get(&format!("/v1/assets/{asset}/meters")).await;
    body["items"][0]["value"].as_str().unwrap_or("(none)").to_owned()
}

/// Everything about the meters of an asset.
async fn everything(caller: &Caller, asset: AssetId) -> Vec<Value> {
    let (_, meters) = caller.get(&format!("/v1/assets/{asset}/meters")).await;
    let mut all = vec![meters.clone()];
    for meter in each(&meters, "/meter") {
        all.push(readings(caller, asset, meter).await);
    }
    all
}

on_both_databases! {
    async fn the_readings_of_a_meter_come_newest_first_in_pages(w: World) {
        let counter = w.sign_in("counter").await;
        let list = readings(&counter, w.ids.excavator, "engine_hours").await;
        assert_eq!(each(&list, "/value"), ["12903.0", "12674.5", "12480.0"]);
        assert_eq!((&list["total"], &list["next"], &list["items"][0]["state"]), (&json!(3), &Value::Null, &json!("valid")));
        let path = format!("/v1/assets/{}/meters/engine_hours/readings?limit=2", w.ids.excavator);
        let (_, first) = counter.get(&path).await;
        assert_eq!((each(&first, "/value"), &first["total"]), (vec!["12903.0", "12674.5"], &json!(3)));
        let (_, rest) = counter.get(&format!("{path}&cursor={}", first["next"].as_str().unwrap())).await;
        assert_eq!((each(&rest, "/value"), &rest["next"]), (vec!["12480.0"], &Value::Null));
        let meters = counter.get(&format!("/v1/assets/{}/meters/odometer/readings", w.ids.excavator)).await;
        refused(&meters, 404, "not_found");
    }

    async fn a_reading_tells_who_entered_it_and_when(w: World) {
        let body = json!({ "value": "12910.5", "meter": "engine_hours", "read_at": days_ago(1.0), "comment": "at the gate" });
        let reading = added(&w.sign_in("tech").await, w.ids.excavator, body).await;
        assert_eq!((&reading["entered_by"], &reading["comment"]), (&json!("Terry Nakamura"), &json!("at the gate")));
        assert_eq!((&reading["value"], &reading["life_value"], &reading["source"]), (&json!("12910.5"), &json!("12910.5"), &json!("manual")));
        assert_eq!((&reading["meter_created"], &reading["warnings"], &reading["no_use"]), (&json!(false), &json!([]), &json!(false)));
        let moment = |field: &str| reading[field].as_str().unwrap().parse::<Timestamp>().unwrap();
        assert!(moment("entered_at").duration_since(moment("read_at")) > SignedDuration::from_hours(23));
    }

    async fn m_2_a_time_to_come_is_refused_beyond_five_minutes(w: World) {
        let counter = w.sign_in("counter").await;
        let ahead = |minutes: i64| json!({ "value": "12903.1", "read_at": ago(SignedDuration::from_mins(-minutes)) });
        let refusal = add(&counter, w.ids.excavator, ahead(6)).await;
        refused(&refusal, 422, "reading.in_future");
        assert!(refusal.1["fields"]["read_at"].is_string(), "{}", refusal.1);
        assert_eq!(add(&counter, w.ids.excavator, ahead(4)).await.0, 201);
    }

    async fn m_3_the_order_is_by_reading_time_and_not_by_entry(w: World) {
        let counter = w.sign_in("counter").await;
        let at_50 = |value: &str| json!({ "value": value, "read_at": days_ago(50.0) });
        let above = add(&counter, w.ids.excavator, at_50("12674.6")).await;
        refused(&above, 422, "reading.above_later");
        assert_eq!(above.1["current"]["value"], "12674.5", "the one in the way is named");
        refused(&add(&counter, w.ids.excavator, at_50("12479.9")).await, 422, "reading.too_low");
        added(&counter, w.ids.excavator, at_50("12500")).await;
        assert_eq!(shows(&counter, w.ids.excavator).await, "12903.0", "what was entered last is not what the meter shows");
        let below = add(&counter, w.ids.excavator, json!({ "value": "12490", "read_at": days_ago(45.0) })).await;
        refused(&below, 422, "reading.too_low");
        assert_eq!(below.1["current"]["value"], "12500.0", "the back-dated one counts from now on");
        let before_all = json!({ "value": "12400", "read_at": days_ago(90.0) });
        added(&counter, w.ids.excavator, before_all).await;
    }

    async fn m_4_too_low_is_refused_with_its_ways_out_and_no_override(w: World) {
        let counter = w.sign_in("counter").await;
        let refusal = add(&counter, w.ids.excavator, json!({ "value": "12480" })).await;
        refused(&refusal, 422, "reading.too_low");
        let told = refusal.1["detail"].as_str().unwrap();
        for part in ["12,480 is below 12,903", "Correct", "void", "rolled over", "replaced"] {
            assert!(told.contains(part), "{part:?} in {told:?}");
        }
        assert_eq!(refusal.1["fields"]["value"], json!(told));
        let forced = add(&w.sign_in("manager").await, w.ids.excavator, json!({ "value": "12480", "override_reason": "I am sure" })).await;
        refused(&forced, 422, "reading.too_low");
        assert_eq!(shows(&counter, w.ids.excavator).await, "12903.0");
    }

    async fn m_7_unusual_pace_warns_and_impossible_pace_needs_an_override(w: World) {
        let (counter, manager) = (w.sign_in("counter").await, w.sign_in("manager").await);
        let base = Timestamp::now();
        let on_day = |day: i64, value: i64| {
            let read_at = base - SignedDuration::from_hours(24 * day);
            json!({ "value": value.to_string(), "meter": "odometer", "read_at": read_at.to_string() })
        };
        for (day, value) in [(10, 1_000), (9, 1_100), (8, 1_200), (7, 1_300), (6, 1_400)] {
            let reading = added(&counter, w.ids.loader, on_day(day, value)).await;
            assert_eq!((&reading["state"], &reading["warnings"]), (&json!("valid"), &json!([])), "day {day}");
        }
        let odd = added(&counter, w.ids.loader, on_day(5, 1_520)).await;
        assert_eq!(odd["state"], "warning");
        assert_eq!(odd["warnings"], json!(["That is 120 mi in one day; this machine's usual is 100."]));
        assert_eq!(shows(&counter, w.ids.loader).await, "1520", "it stands all the same");
        let mut impossible = on_day(4, 2_521);
        refused(&add(&counter, w.ids.loader, impossible.clone()).await, 422, "reading.too_high");
        impossible["override_reason"] = json!("Moved by train, odometer ran");
        refused_by_role(&add(&counter, w.ids.loader, impossible.clone()).await, &["meter.override"]);
        let forced = added(&manager, w.ids.loader, impossible).await;
        assert_eq!((&forced["value"], &forced["override_reason"]), (&json!("2521"), &json!("Moved by train, odometer ran")));
        let most = added(&counter, w.ids.loader, on_day(3, 3_521)).await;
        assert_eq!(most["override_reason"], Value::Null, "exactly 1,000 miles a day can be");
    }

    async fn m_7_fewer_than_three_readings_make_no_habit(w: World) {
        let counter = w.sign_in("counter").await;
        for (day, value) in [(9.0, "1000"), (8.0, "1010"), (7.0, "1500")] {
            let reading = added(&counter, w.ids.loader, json!({ "value": value, "meter": "odometer", "read_at": days_ago(day) })).await;
            assert_eq!(reading["state"], "valid", "{value}");
        }
    }

    async fn m_8_hours_do_not_outrun_the_clock(w: World) {
        let (counter, manager) = (w.sign_in("counter").await, w.sign_in("manager").await);
        let base = Timestamp::now();
        let hours_ago = |hours: i64, value: &str| {
            let read_at = base - SignedDuration::from_hours(hours);
            json!({ "value": value, "meter": "engine_hours", "read_at": read_at.to_string() })
        };
        added(&counter, w.ids.loader, hours_ago(48, "100")).await;
        refused(&add(&counter, w.ids.loader, hours_ago(38, "111.1")).await, 422, "reading.faster_than_clock");
        added(&counter, w.ids.loader, hours_ago(38, "111")).await;
        // Between two that stand: 9.1 hours up from the first in six hours.
        refused(&add(&counter, w.ids.loader, hours_ago(42, "109.1")).await, 422, "reading.faster_than_clock");
        let mut far = hours_ago(37, "120");
        refused(&add(&counter, w.ids.loader, far.clone()).await, 422, "reading.faster_than_clock");
        far["override_reason"] = json!("Hour meter wired to the key");
        let forced = added(&manager, w.ids.loader, far).await;
        assert_eq!((&forced["life_value"], &forced["override_reason"]), (&json!("120.0"), &json!("Hour meter wired to the key")));
        let mut fine = hours_ago(36, "121");
        fine["override_reason"] = json!("Not needed");
        assert_eq!(added(&manager, w.ids.loader, fine).await["override_reason"], Value::Null, "kept only where it was needed");
    }

    async fn m_9_an_equal_reading_is_no_use_and_the_highest_of_a_moment_counts(w: World) {
        let counter = w.sign_in("counter").await;
        let equal = added(&counter, w.ids.excavator, json!({ "value": "12903", "read_at": days_ago(3.0) })).await;
        assert_eq!((&equal["no_use"], &equal["state"]), (&json!(true), &json!("valid")));
        let (_, meters) = counter.get(&format!("/v1/assets/{}/meters", w.ids.excavator)).await;
        assert_eq!(meters["items"][0]["no_use"], true);
        let at = days_ago(1.0);
        for value in ["12904", "12906", "12905"] {
            added(&counter, w.ids.excavator, json!({ "value": value, "read_at": at })).await;
        }
        assert_eq!(shows(&counter, w.ids.excavator).await, "12906.0");
    }

    async fn m_11_a_void_reading_is_kept_and_shown_and_never_counts(w: World) {
        let (counter, manager) = (w.sign_in("counter").await, w.sign_in("manager").await);
        let list = readings(&counter, w.ids.excavator, "engine_hours").await;
        let path = format!("/v1/readings/{}/void", list["items"][0]["id"].as_str().unwrap());
        refused_by_role(&counter.post(&path, json!({ "reason": "typo" })).await, &["meter.reading.void"]);
        refused_fields(&manager.post(&path, json!({})).await, &["reason"]);
        refused_fields(&manager.post(&path, json!({ "reason": "x".repeat(1_001) })).await, &["reason"]);
        let (status, void) = manager.post(&path, json!({ "reason": "typed wrong" })).await;
        assert_eq!((status, &void["state"], &void["void_reason"]), (200, &json!("void"), &json!("typed wrong")));
        assert_eq!(shows(&counter, w.ids.excavator).await, "12674.5");
        let list = readings(&counter, w.ids.excavator, "engine_hours").await;
        assert_eq!((&list["total"], each(&list, "/state")), (&json!(3), vec!["void", "valid", "valid"]));
        assert_eq!(list["items"][0]["void_reason"], "typed wrong");
        refused(&manager.post(&path, json!({ "reason": "again" })).await, 409, "reading.void_already");
        added(&counter, w.ids.excavator, json!({ "value": "12700" })).await;
        refused(&manager.post(&format!("/v1/readings/{}/void", uuid::Uuid::now_v7()), json!({ "reason": "x" })).await, 404, "not_found");
    }

    async fn m_11_a_restored_reading_is_checked_anew(w: World) {
        let (counter, manager) = (w.sign_in("counter").await, w.sign_in("manager").await);
        let list = readings(&counter, w.ids.excavator, "engine_hours").await;
        let path = format!("/v1/readings/{}", list["items"][0]["id"].as_str().unwrap());
        refused(&manager.post(&format!("{path}/restore"), json!({})).await, 409, "reading.not_void");
        assert_eq!(manager.post(&format!("{path}/void"), json!({ "reason": "typo" })).await.0, 200);
        let lower = added(&counter, w.ids.excavator, json!({ "value": "12700" })).await;
        refused(&manager.post(&format!("{path}/restore"), json!({})).await, 422, "reading.above_later");
        assert_eq!(shows(&counter, w.ids.excavator).await, "12700.0", "it stayed void");
        let lower = format!("/v1/readings/{}/void", lower["id"].as_str().unwrap());
        assert_eq!(manager.post(&lower, json!({ "reason": "the other was right" })).await.0, 200);
        refused_by_role(&counter.post(&format!("{path}/restore"), json!({})).await, &["meter.reading.void"]);
        let (status, restored) = manager.post(&format!("{path}/restore"), json!({})).await;
        assert_eq!((status, &restored["state"], &restored["void_reason"]), (200, &json!("valid"), &Value::Null));
        assert_eq!(shows(&counter, w.ids.excavator).await, "12903.0");
    }

    async fn m_14_of_an_override_those_are_told_who_may(w: World) {
        let counter = w.sign_in("counter").await;
        added(&counter, w.ids.loader, json!({ "value": "1000", "meter": "odometer", "read_at": days_ago(10.0) })).await;
        added(&counter, w.ids.loader, json!({ "value": "100", "meter": "engine_hours", "read_at": days_ago(10.0) })).await;
        for (meter, code) in [("odometer", "reading.too_high"), ("engine_hours", "reading.faster_than_clock")] {
            let far = json!({ "value": "9000", "meter": meter, "read_at": days_ago(9.0) });
            for (name, may) in [("manager", true), ("counter", false), ("tech", false), ("executive", false), ("kiosk", false)] {
                let refusal = add(&w.sign_in(name).await, w.ids.loader, far.clone()).await;
                refused(&refusal, 422, code);
                let told = refusal.1["detail"].as_str().unwrap();
                assert!(told.contains("Read it again."), "{told}");
                assert_eq!(told.contains("override it with a reason"), may, "{name}: {told}");
                assert_eq!(refusal.1["fields"]["value"], json!(told));
            }
        }
    }

    async fn m_15_no_reading_comes_too_early(w: World) {
        let counter = w.sign_in("counter").await;
        for value in ["12903.1", "12903.2", "12903.3"] {
            added(&counter, w.ids.excavator, json!({ "value": value })).await;
        }
        assert_eq!(shows(&counter, w.ids.excavator).await, "12903.3");
    }

    async fn no_refusal_changes_anything(w: World) {
        let manager = w.sign_in("manager").await;
        let before = (everything(&manager, w.ids.excavator).await, everything(&manager, w.ids.loader).await);
        let future = ago(SignedDuration::from_hours(-1));
        for body in [
            json!({ "value": "1" }),
            json!({ "value": "99999" }),
            json!({ "value": "12903.55" }),
            json!({ "value": "12904", "read_at": future }),
            json!({ "value": "12904", "unit": "mi" }),
            json!({ "value": "5", "kind": "rollover" }),
            json!({ "value": "12904", "comment": "x".repeat(1_001) }),
            json!({ "value": "5.5", "meter": "odometer", "unit": "mi" }),
            json!({ "value": "5", "meter": "pto_hours", "read_at": future }),
            json!({ "value": "5", "meter": "pto_hours", "nonsense": 1 }),
        ] {
            let (status, refusal) = add(&manager, w.ids.excavator, body.clone()).await;
            assert_eq!(status, 422, "{body}: {refusal}");
        }
        assert_eq!(add(&manager, w.ids.loader, json!({ "value": "5", "meter": "engine_hours", "kind": "rollover" })).await.0, 422);
        assert_eq!((everything(&manager, w.ids.excavator).await, everything(&manager, w.ids.loader).await), before, "not even a meter was made");
    }

    async fn readings_entered_at_the_same_time_still_keep_the_order(w: World) {
        let counter = w.sign_in("counter").await;
        let base = Timestamp::now();
        let mut writers = tokio::task::JoinSet::new();
        for nth in 0_i64..8 {
            let (caller, asset) = (counter.clone(), w.ids.excavator);
            // Later readings have lower values here and there, so that not all can stand.
            let value = format!("12904.{}", nth * 5 % 8);
            let read_at = (base - SignedDuration::from_mins(10 * (8 - nth))).to_string();
            writers.spawn(async move { add(&caller, asset, json!({ "value": value, "read_at": read_at })).await });
        }
        let answers = writers.join_all().await;
        assert!(answers.iter().all(|answer| matches!(answer.0, 201 | 422)), "{answers:?}");
        assert!(answers.iter().any(|answer| answer.0 == 201) && answers.iter().any(|answer| answer.0 == 422), "{answers:?}");
        let list = readings(&counter, w.ids.excavator, "engine_hours").await;
        let lives: Vec<f64> = each(&list, "/life_value").iter().map(|life| life.parse().unwrap()).collect();
        assert!(lives.is_sorted_by(|newer, older| newer >= older), "{lives:?}");
    }

    async fn roles_that_may_not_read_dials_add_none(w: World) {
        refused_by_role(&add(&w.sign_in("accounts").await, w.ids.excavator, json!({ "value": "12904" })).await, &["meter.reading.add_edit"]);
        let far = add(&w.sign_in("executive").await, w.ids.sweeper, json!({ "value": "1", "meter": "odometer" })).await;
        refused(&far, 404, "not_found");
        for name in ["kiosk", "fleet", "portaluser", "tech"] {
            assert_eq!(add(&w.sign_in(name).await, w.ids.excavator, json!({ "value": "12903.5" })).await.0, 201, "{name}");
        }
    }
}

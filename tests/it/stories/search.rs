//! Searching customers: every sentence of "What a search hit is" (8.2), and
//! S3-2 … S3-6.

use serde_json::{Value, json};

use crate::harness::{Caller, each, keys, refused, refused_fields};

/// Searches, which has to succeed.
async fn search(caller: &Caller, parameters: &[(&str, &str)]) -> Value {
    let (status, body) = caller.find("/v1/customers", parameters).await;
    assert_eq!(status, 200, "{parameters:?}: {body}");
    body
}

/// The names found by all fields, in order.
async fn names(caller: &Caller, text: &str) -> Vec<String> {
    let body = search(caller, &[("q", text)]).await;
    assert_eq!(body["total"], each(&body, "/name").len(), "one page holds them all");
    each(&body, "/name").into_iter().map(str::to_owned).collect()
}

/// The names found by one field.
async fn names_by(caller: &Caller, by: &str, text: &str) -> Vec<String> {
    let body = search(caller, &[("q", text), ("by", by)]).await;
    each(&body, "/name").into_iter().map(str::to_owned).collect()
}

/// Adds a local customer at the session's shop.
async fn add(caller: &Caller, name: &str, number: &str, city: &str) {
    let (status, body) = caller.post("/v1/customers", json!({ "name": name, "number": number, "city": city })).await;
    assert_eq!(status, 201, "{name}: {body}");
}

on_both_databases! {
    async fn s3_3_below_three_characters_is_refused_without_exception(w: World) {
        let counter = w.sign_in("counter").await;
        for text in ["", "k", "ke", "  ke  ", "ke\u{301}", "ke\u{1b}"] {
            refused(&counter.find("/v1/customers", &[("q", text)]).await, 422, "query.too_short");
        }
        refused(&counter.get("/v1/customers").await, 422, "query.too_short");
        for by in ["all", "name", "city", "state", "number"] {
            refused(&counter.find("/v1/customers", &[("q", "TX"), ("by", by)]).await, 422, "query.too_short");
        }
        let (_, body) = counter.find("/v1/customers", &[("q", "ke")]).await;
        assert!(body["detail"].as_str().unwrap().contains("1 more"), "it says how many are missing: {body}");
        assert_eq!(names(&counter, "kel").await.len(), 3);
    }

    async fn s3_3_a_hundred_characters_are_the_most(w: World) {
        let counter = w.sign_in("counter").await;
        assert_eq!(names(&counter, &"x".repeat(100)).await, Vec::<String>::new());
        assert_eq!(names(&counter, &format!("  {}  ", "x".repeat(100))).await, Vec::<String>::new(), "the ends are trimmed first");
        refused(&counter.find("/v1/customers", &[("q", "x".repeat(101).as_str())]).await, 422, "query.too_long");
    }

    async fn s3_2_each_choice_looks_into_its_own_field(w: World) {
        let counter = w.sign_in("counter").await;
        assert_eq!(names_by(&counter, "name", "waco").await, ["City of Waco"]);
        assert_eq!(names_by(&counter, "city", "waco").await, ["City of Waco", "Keller Bau GmbH"]);
        assert_eq!(names_by(&counter, "number", "waco").await, Vec::<String>::new());
        assert_eq!(names_by(&counter, "number", "10442").await, ["Keller Bau GmbH"]);
        assert_eq!(names_by(&counter, "name", "10442").await, Vec::<String>::new());
        assert_eq!(names_by(&counter, "city", "texas").await, Vec::<String>::new());
        assert_eq!(names(&counter, "waco").await.len(), 2);
        refused(&counter.find("/v1/customers", &[("q", "waco"), ("by", "zip")]).await, 422, "query.invalid");
        refused(&counter.find("/v1/customers", &[("q", "waco"), ("town", "x")]).await, 422, "query.invalid");
    }

    async fn s3_2_all_includes_telephone_digits_and_postal_code(w: World) {
        let counter = w.sign_in("counter").await;
        for text in ["2545550199", "(254) 555-0199", "254-555-0199", "+1 254 555 0199", "555.0199"] {
            let body = search(&counter, &[("q", text)]).await;
            assert_eq!(each(&body, "/name"), ["Keller Bau GmbH"], "{text}");
            assert_eq!(body["items"][0]["matched"], json!(["phone"]), "{text}");
        }
        let body = search(&counter, &[("q", "76705")]).await;
        assert_eq!((each(&body, "/name"), &body["items"][0]["matched"]), (vec!["Keller Bau GmbH"], &json!(["postal_code"])));
        assert_eq!(names_by(&counter, "name", "2545550199").await, Vec::<String>::new());
        assert_eq!(names_by(&counter, "number", "76705").await, Vec::<String>::new());
    }

    async fn text_is_folded_by_case_accent_and_width(w: World) {
        let counter = w.sign_in("counter").await;
        for text in ["Peña", "PENA", "pen\u{303}a", "  peña ", "ＰＥＮＡ", "peña   orchards"] {
            assert_eq!(names(&counter, text).await, ["Peña Orchards"], "{text}");
        }
        add(&counter, "Großmann Straßenbau", "S-1", "Łódź").await;
        assert_eq!(names(&counter, "strassenbau").await, ["Großmann Straßenbau"]);
        assert_eq!(names(&counter, "LODZ").await, ["Großmann Straßenbau"]);
    }

    async fn every_part_must_occur_in_some_field(w: World) {
        let counter = w.sign_in("counter").await;
        for text in ["keller waco", "waco keller", "10442 bau", "kell 76705"] {
            assert_eq!(names(&counter, text).await, ["Keller Bau GmbH"], "{text}");
        }
        assert_eq!(names(&counter, "keller nowhere").await, Vec::<String>::new());
        assert_eq!(names_by(&counter, "name", "keller waco").await, Vec::<String>::new(), "the city is none of the name's");
    }

    async fn signs_in_a_query_are_letters_and_no_wildcards(w: World) {
        let counter = w.sign_in("counter").await;
        for text in ["%%%", "___", "kel%", "k_l", "'; --", "\\\\\\", "*ell*", "kel?"] {
            let body = search(&counter, &[("q", text)]).await;
            let hits = body["items"].as_array().unwrap();
            assert!(hits.iter().all(|hit| hit["near_miss"] == true), "{text}: {body}");
        }
        add(&counter, "50%_Off Parts", "W-1", "Lodi").await;
        assert_eq!(names(&counter, "50%_").await, ["50%_Off Parts"]);
    }

    async fn hits_rank_by_class_then_folded_name(w: World) {
        let counter = w.sign_in("counter").await;
        add(&counter, "Inside Azorn", "Z-6", "Lodi").await;
        add(&counter, "Aaa Works", "Z-5", "Zorn").await;
        add(&counter, "Mill Zorn", "Z-4", "Lodi").await;
        add(&counter, "Zornik", "Z-3", "Lodi").await;
        add(&counter, "ZORN Alpha", "Z-2", "Lodi").await;
        add(&counter, "Zzz Last", "ZORN", "Lodi").await;
        let body = search(&counter, &[("q", "zorn")]).await;
        let wanted = [
            ("Zzz Last", json!(["number"])),     // 0: the whole number
            ("ZORN Alpha", json!(["name"])),     // 1: the name starts with it
            ("Zornik", json!(["name"])),
            ("Mill Zorn", json!(["name"])),      // 2: a word of the name starts with it
            ("Aaa Works", json!(["city"])),      // 2: the city does, a lesser field
            ("Inside Azorn", json!(["name"])),   // 3: inside
        ];
        let found: Vec<(&str, Value)> = body["items"].as_array().unwrap().iter().map(|hit| (hit["name"].as_str().unwrap(), hit["matched"].clone())).collect();
        assert_eq!(found, wanted);
        assert_eq!(body["total"], 6);
        assert!(body["items"].as_array().unwrap().iter().all(|hit| hit["near_miss"] == false));
    }

    async fn class_1_asks_for_the_whole_text_and_class_2_for_all_word_starts(w: World) {
        let counter = w.sign_in("counter").await;
        add(&counter, "Quill River Bend Hauling", "Q-1", "Lodi").await;
        add(&counter, "River Quill", "Q-2", "Lodi").await;
        add(&counter, "Aquill Rivers", "Q-3", "Lodi").await;
        // "quill riv" starts the first name, stands at word starts of the
        // second, and is partly inside the third.
        assert_eq!(names(&counter, "quill riv").await, ["Quill River Bend Hauling", "River Quill", "Aquill Rivers"]);
        assert_eq!(names(&counter, "riv quill").await, ["Quill River Bend Hauling", "River Quill", "Aquill Rivers"], "now both are class 2, by name");
        assert_eq!(names(&counter, "river q").await[0], "River Quill", "now the second's name starts with the text");
    }

    async fn class_0_is_the_whole_number_of_any_length(w: World) {
        let counter = w.sign_in("counter").await;
        add(&counter, "777 Trucking", "12", "Lodi").await;
        add(&counter, "Aardvark Tow", "777", "Lodi").await;
        assert_eq!(names(&counter, "777").await, ["Aardvark Tow", "777 Trucking"]);
        assert_eq!(names_by(&counter, "name", "777").await, ["777 Trucking"], "where the number is not looked into, it does not rank");
    }

    async fn s3_5_a_state_is_its_full_code_or_its_name(w: World) {
        let counter = w.sign_in("counter").await;
        let texans = ["City of Waco", "Keller Bau GmbH"];
        for text in ["US-TX", "us-tx", "Texas", "texas", "tex"] {
            assert_eq!(names_by(&counter, "state", text).await, texans, "{text}");
        }
        assert_eq!(names_by(&counter, "state", "US-OR").await, ["Pacific Talus Logistics"]);
        assert_eq!(names_by(&counter, "state", "oreg").await, ["Pacific Talus Logistics"]);
        assert_eq!(names_by(&counter, "state", "US-NV").await, Vec::<String>::new(), "Reno's customer is out of scope");
        assert_eq!(names_by(&counter, "state", "US-ZZ").await, Vec::<String>::new(), "a code is exact");
        assert_eq!(names_by(&counter, "state", "waco").await, Vec::<String>::new());
        refused(&counter.find("/v1/customers", &[("q", "TX"), ("by", "state")]).await, 422, "query.too_short");
    }

    async fn s3_6_a_hit_carries_the_row_of_the_screen(w: World) {
        let (_, body) = w.sign_in("counter").await.find("/v1/customers", &[("q", "10442")]).await;
        let hit = &body["items"][0];
        let wanted = json!({
            "id": w.ids.keller, "name": "Keller Bau GmbH", "city": "Waco", "state": "TX", "country": "US", "postal_code": "76705", "phone": "+12545550199",
            "number": "10442", "kind": "local", "matched": ["number"], "near_miss": false,
        });
        assert_eq!(hit, &wanted);
        assert_eq!(body["next"], Value::Null);
        let (_, fleet) = w.sign_in("counter").await.find("/v1/customers", &[("q", "northwind")]).await;
        assert_eq!((&fleet["items"][0]["kind"], &fleet["items"][0]["number"]), (&json!("fleet"), &Value::Null));
    }

    async fn a_basic_view_is_id_name_city_and_telephone(w: World) {
        let body = search(&w.sign_in("tech").await, &[("q", "keller bau")]).await;
        let wanted = json!({ "id": 0, "name": 0, "city": 0, "phone": 0, "matched": 0, "near_miss": 0 });
        assert_eq!(keys(&body["items"][0]), keys(&wanted));
        assert_eq!(body["items"][0]["phone"], "+12545550199");
    }

    async fn the_number_is_the_one_of_the_sessions_shop_else_the_first(w: World) {
        let counter = w.sign_in("counter").await;
        assert_eq!(search(&counter, &[("q", "talus")]).await["items"][0]["number"], "P-7741");
        assert_eq!(search(&counter, &[("q", "heron")]).await["items"][0]["number"], "20655", "none at San Leandro: the first that may be seen");
        counter.patch("/v1/session", json!({ "shop": "STK" }), None).await;
        assert_eq!(search(&counter, &[("q", "talus")]).await["items"][0]["number"], "20990");
    }

    async fn hits_and_totals_keep_to_the_scope(w: World) {
        let (counter, gm) = (w.sign_in("counter").await, w.sign_in("gm").await);
        assert_eq!(search(&counter, &[("q", "sagebrush")]).await, json!({ "items": [], "next": null, "total": 0 }));
        assert_eq!(names(&gm, "sagebrush").await, ["Keller Sagebrush Transport LLC"]);
        let (of_counter, of_gm) = (search(&counter, &[("q", "keller")]).await, search(&gm, &[("q", "keller")]).await);
        assert_eq!((&of_counter["total"], &of_gm["total"]), (&json!(3), &json!(4)));
        assert_eq!(search(&counter, &[("q", "keller"), ("limit", "1")]).await["total"], Value::Null, "there are more, and nobody counted them");
        assert_eq!(names_by(&gm, "number", "30077").await, ["Blue Heron Rentals"]);
        assert_eq!(names_by(&counter, "number", "30077").await, Vec::<String>::new(), "another shop's number tells nothing");
    }

    async fn pages_follow_each_other_without_gap_or_repeat(w: World) {
        let counter = w.sign_in("counter").await;
        for nth in 0..7 {
            add(&counter, &format!("Pager {nth}"), &format!("PG-{nth}"), "Lodi").await;
        }
        let whole = search(&counter, &[("q", "pager")]).await;
        assert_eq!((each(&whole, "/name").len(), &whole["next"], &whole["total"]), (7, &Value::Null, &json!(7)));
        let mut paged: Vec<String> = Vec::new();
        let mut cursor = String::new();
        for page in 0..3 {
            let mut asked = vec![("q", "pager"), ("limit", "3")];
            if page > 0 {
                asked.push(("cursor", cursor.as_str()));
            }
            let body = search(&counter, &asked).await;
            paged.extend(each(&body, "/name").into_iter().map(str::to_owned));
            let next = body["next"].as_str().map(str::to_owned);
            assert_eq!(next.is_some(), page < 2, "{body}");
            cursor = next.unwrap_or_default();
            // Somebody adds one that sorts before the next page.
            add(&counter, &format!("Pager 0 again {page}"), &format!("PN-{page}"), "Lodi").await;
        }
        assert_eq!(paged, each(&whole, "/name"));
    }

    async fn s3_4_filters_limits_and_cursors_that_are_none_are_refused(w: World) {
        let counter = w.sign_in("counter").await;
        for limit in ["0", "201"] {
            refused_fields(&counter.find("/v1/customers", &[("q", "keller"), ("limit", limit)]).await, &["limit"]);
        }
        let unknown = counter.find("/v1/customers", &[("q", "keller"), ("by", "colour")]).await;
        refused(&unknown, 422, "query.invalid");
        assert!(unknown.1["detail"].as_str().unwrap().contains("`number`"), "it names the valid ones: {}", unknown.1);
        refused(&counter.find("/v1/customers", &[("q", "keller"), ("name:like", "keller")]).await, 422, "query.invalid");
        refused(&counter.find("/v1/customers", &[("q", "keller"), ("limit", "many")]).await, 422, "query.invalid");
        refused_fields(&counter.find("/v1/customers", &[("q", "keller"), ("cursor", "somewhere")]).await, &["cursor"]);
        assert_eq!(counter.find("/v1/customers", &[("q", "keller"), ("limit", "200")]).await.0, 200);
    }

    async fn fifty_rows_are_a_page_unless_said(w: World) {
        let counter = w.sign_in("counter").await;
        for nth in 0..51 {
            add(&counter, &format!("Fifty {nth:02}"), &format!("F-{nth}"), "Lodi").await;
        }
        let body = search(&counter, &[("q", "fifty")]).await;
        assert_eq!((each(&body, "/name").len(), &body["total"]), (50, &Value::Null));
        assert!(body["next"].is_string());
    }

    async fn trap_14_control_characters_are_stripped_at_the_edge(w: World) {
        let counter = w.sign_in("counter").await;
        add(&counter, "Trap\u{1b}[2J\u{9b}31m\u{7} Fourteen\r\nInc.", "T-14", "Lo\u{0}di").await;
        let body = search(&counter, &[("q", "trap[2J")]).await;
        assert_eq!(body["items"][0]["name"], "Trap[2J31m Fourteen  Inc.");
        assert_eq!(body["items"][0]["city"], "Lodi");
        assert_eq!(names(&counter, "tr\u{1b}ap[").await.len(), 1, "in a query they are nothing");
    }

    async fn what_is_written_is_found_at_once(w: World) {
        let counter = w.sign_in("counter").await;
        let (_, made) = counter.post("/v1/customers", json!({ "name": "Before Name", "number": "B-1" })).await;
        assert_eq!(names(&counter, "before name").await, ["Before Name"]);
        let (status, _) = counter.patch(&format!("/v1/customers/{}", made["id"].as_str().unwrap()), json!({ "name": "After Name" }), None).await;
        assert_eq!(status, 200);
        assert_eq!(names(&counter, "before name").await, Vec::<String>::new());
        assert_eq!(names(&counter, "after name").await, ["After Name"]);
    }
}

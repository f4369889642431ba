//! Creating and changing customers (S3-7 … S3-12, C-1, C-2, C-9).

use serde_json::{Value, json};

use crate::harness::{Caller, World, each, keys, refused, refused_by_role, refused_fields};

/// Creates a customer, which has to succeed.
async fn create(caller: &Caller, body: Value) -> Value {
    let (status, made) = caller.post("/v1/customers", body).await;
    assert_eq!(status, 201, "{made}");
    made
}

/// How many customers of that name there are, for somebody who sees all.
async fn how_many(w: &World, name: &str) -> Value {
    let (_, body) = w.sign_in("gm").await.find("/v1/customers", &[("q", name), ("by", "name")]).await;
    body["total"].clone()
}

on_both_databases! {
    async fn s3_11_create_stores_it_and_gives_it_back(w: World) {
        let counter = w.sign_in("counter").await;
        let sent = json!({
            "name": "Almond Hauling", "number": "10900", "address1": "12 Mill Lane", "address2": "Yard 3", "city": "Lodi", "state": "CA",
            "postal_code": "95240", "country": "US",
            "phone": "+12095550101", "extension": "42", "fax": "+12095550102", "email": "yard@almond.example", "notes": "Gate code 7",
        });
        let answer = counter.send("POST", "/v1/customers", &[], Some(sent.to_string().into_bytes())).await;
        assert_eq!((answer.status, answer.version()), (201, Some(1)), "{}", answer.text);
        let made = answer.json();
        for (field, value) in sent.as_object().unwrap() {
            assert_eq!(&made[field], value, "{field}");
        }
        assert_eq!((&made["kind"], &made["status"], &made["version"]), (&json!("local"), &json!("active"), &json!(1)));
        assert_eq!(made["shop"]["code"], "SLN", "the session's shop unless said");
        assert_eq!(made["links"][0]["number_state"], "unverified");
        let (status, again) = counter.get(&format!("/v1/customers/{}", made["id"].as_str().unwrap())).await;
        assert_eq!((status, again), (200, made));
    }

    async fn s3_8_name_and_number_are_required(w: World) {
        let counter = w.sign_in("counter").await;
        refused_fields(&counter.post("/v1/customers", json!({})).await, &["name", "number"]);
        refused_fields(&counter.post("/v1/customers", json!({ "name": "  ", "number": "" })).await, &["name", "number"]);
        refused_fields(&counter.post("/v1/customers", json!({ "name": "\u{1b}\u{7}", "number": "N-1" })).await, &["name"]);
        refused(&counter.post("/v1/customers", json!({ "name": "Misspelt", "number": "N-1", "nmae": "x" })).await, 422, "body.invalid");
        assert_eq!(how_many(&w, "misspelt").await, 0);
    }

    async fn s3_9_lengths_are_kept_field_by_field(w: World) {
        let counter = w.sign_in("counter").await;
        let lengths = [("name", 100), ("address1", 100), ("address2", 100), ("city", 100), ("postal_code", 20), ("number", 40), ("notes", 1_000)];
        for (nth, (field, most)) in lengths.into_iter().enumerate() {
            let mut body = json!({ "name": format!("Length {nth}"), "number": format!("L-{nth}") });
            body[field] = json!("é".repeat(most + 1));
            refused_fields(&counter.post("/v1/customers", body.clone()).await, &[field]);
            body[field] = json!("é".repeat(most));
            let (status, made) = counter.post("/v1/customers", body).await;
            assert_eq!((status, made[field].as_str().map(|text| text.chars().count())), (201, Some(most)), "{field}: {made}");
        }
        let base = json!({ "name": "Length last", "number": "L-9" });
        for (field, wrong) in [("extension", "12345678901".to_owned()), ("extension", "4a".to_owned()), ("email", format!("a@{}.example", "b".repeat(125)))] {
            let mut body = base.clone();
            body[field] = json!(wrong);
            refused_fields(&counter.post("/v1/customers", body).await, &[field]);
        }
    }

    async fn s3_10_all_faults_are_told_at_once(w: World) {
        let body = json!({ "phone": "call me", "fax": "+999", "email": "nobody", "extension": "x", "country": "Atlantis", "number": "A-1" });
        let answer = w.sign_in("counter").await.post("/v1/customers", body).await;
        refused_fields(&answer, &["country", "email", "extension", "fax", "name", "phone"]);
        assert!(answer.1["fields"]["email"].as_str().unwrap().contains('@'), "each says what to write: {}", answer.1);
    }

    async fn s3_10_national_telephone_numbers_take_the_customers_country(w: World) {
        let counter = w.sign_in("counter").await;
        let us = create(&counter, json!({ "name": "Phone One", "number": "P-1", "phone": "(718) 663-4612", "fax": "1 718 663 4613" })).await;
        assert_eq!((&us["phone"], &us["fax"]), (&json!("+17186634612"), &json!("+17186634613")));
        let dutch = create(&counter, json!({ "name": "Phone Two", "number": "P-2", "country": "NL", "phone": "010-1234567" })).await;
        assert_eq!(dutch["phone"], "+31101234567");
        for wrong in ["555 0199", "+2812345678", "+12345678901234567"] {
            refused_fields(&counter.post("/v1/customers", json!({ "name": "Phone Three", "number": "P-3", "phone": wrong })).await, &["phone"]);
        }
    }

    async fn c_9_a_state_needs_a_country_and_belongs_to_it(w: World) {
        let counter = w.sign_in("counter").await;
        let made = create(&counter, json!({ "name": "State One", "number": "S-1", "state": "Texas" })).await;
        assert_eq!((&made["state"], &made["country"]), (&json!("TX"), &json!("US")), "a state alone is one of the shop's country");
        let made = create(&counter, json!({ "name": "State Two", "number": "S-2", "country": "USA", "state": "nv" })).await;
        assert_eq!((&made["state"], &made["country"]), (&json!("NV"), &json!("US")));
        let made = create(&counter, json!({ "name": "State Three", "number": "S-3", "country": "Belgium" })).await;
        assert_eq!((&made["state"], &made["country"]), (&Value::Null, &json!("BE")));
        for (country, state) in [("NL", "TX"), ("US", "ZZ"), ("CA", "CA")] {
            let body = json!({ "name": "State Four", "number": "S-4", "country": country, "state": state });
            refused_fields(&counter.post("/v1/customers", body).await, &["state"]);
        }
        let id = made["id"].as_str().unwrap();
        refused_fields(&counter.patch(&format!("/v1/customers/{id}"), json!({ "state": "TX" }), None).await, &["state"]);
    }

    async fn s3_7_a_number_that_is_taken_names_its_holder(w: World) {
        let counter = w.sign_in("counter").await;
        let answer = counter.post("/v1/customers", json!({ "name": "Another Keller", "number": "10442", "confirm_duplicate": true })).await;
        refused(&answer, 409, "customer.number_taken");
        assert!(answer.1["detail"].as_str().unwrap().contains("10442 belongs to Keller Bau GmbH, Waco"), "{}", answer.1);
        assert_eq!(answer.1["current"][0]["id"], json!(w.ids.keller));
        refused(&counter.post("/v1/customers", json!({ "name": "Another Talus", "number": " p-7741 " })).await, 409, "customer.number_taken");
        assert_eq!(how_many(&w, "another").await, 0);
        let other = create(&counter, json!({ "name": "Another Shop", "number": "10442", "shop": "STK" })).await;
        assert_eq!(other["shop"]["code"], "STK", "each business system numbers for itself");
    }

    async fn s3_7_look_alikes_are_shown_and_may_be_confirmed(w: World) {
        let counter = w.sign_in("counter").await;
        let same_name = json!({ "name": "keller  BAU gmbh", "number": "D-1", "city": "wacó" });
        let answer = counter.post("/v1/customers", same_name.clone()).await;
        refused(&answer, 409, "customer.duplicate");
        assert_eq!(answer.1["current"][0]["id"], json!(w.ids.keller));
        let same_phone = json!({ "name": "Somebody Else", "number": "D-2", "phone": "(254) 555-0199" });
        refused(&counter.post("/v1/customers", same_phone).await, 409, "customer.duplicate");
        assert_eq!((how_many(&w, "keller bau").await, how_many(&w, "somebody").await), (json!(1), json!(0)));
        create(&counter, json!({ "name": "Keller Bau GmbH", "number": "D-3", "city": "Hayward" })).await;
        let mut confirmed = same_name;
        confirmed["confirm_duplicate"] = json!(true);
        create(&counter, confirmed).await;
        assert_eq!(how_many(&w, "keller bau").await, 3);
        create(&counter, json!({ "name": "Keller Sagebrush Transport LLC", "number": "D-4", "city": "Sparks" })).await;
    }

    async fn s3_12_a_system_that_numbers_itself_asks_for_no_number(w: World) {
        let gm = w.sign_in("gm").await;
        let made = create(&gm, json!({ "name": "Numbered Later", "shop": "RNO" })).await;
        assert_eq!((&made["number"], &made["links"][0]["number_state"]), (&Value::Null, &json!("blank")));
        refused_fields(&gm.post("/v1/customers", json!({ "name": "Numbered Now", "shop": "SLN" })).await, &["number"]);
    }

    async fn c_1_a_local_customer_has_one_link_to_its_owner(w: World) {
        let counter = w.sign_in("counter").await;
        let made = create(&counter, json!({ "name": "One Link", "number": "O-1", "shop": "STK" })).await;
        assert_eq!((made["shop"]["code"].as_str(), made["links"].as_array().map(Vec::len)), (Some("STK"), Some(1)));
        refused_fields(&counter.post("/v1/customers", json!({ "name": "Far Link", "number": "O-2", "shop": "RNO" })).await, &["shop"]);
        let number = format!("/v1/customers/{}/number", made["id"].as_str().unwrap());
        refused_fields(&w.sign_in("manager").await.put(&number, json!({ "shop": "SLN", "number": "O-3" }), None).await, &["shop"]);
    }

    async fn s3_20_a_fleet_may_be_linked_without_a_number(w: World) {
        let made = create(&w.sign_in("counter").await, json!({ "name": "Fresh Fleet", "kind": "fleet" })).await;
        assert_eq!((&made["kind"], &made["number"], &made["shop"]), (&json!("fleet"), &Value::Null, &Value::Null));
        assert_eq!((each(&json!({ "items": made["links"] }), "/shop/code"), &made["links"][0]["number_state"]), (vec!["SLN"], &json!("blank")));
        refused(&w.sign_in("counter").await.post("/v1/customers", json!({ "name": "X", "number": "1", "kind": "cash" })).await, 422, "body.invalid");
    }

    async fn c_2_a_shop_does_not_edit_a_fleets_address(w: World) {
        let manager = w.sign_in("manager").await;
        let path = format!("/v1/customers/{}", w.ids.northwind);
        let before = manager.get(&path).await;
        refused(&manager.patch(&path, json!({ "phone": "+19165550100" }), None).await, 422, "customer.fleet");
        assert_eq!(manager.get(&path).await, before);
    }

    async fn a_change_keeps_what_is_absent_and_clears_what_is_empty(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/customers/{}", w.ids.keller);
        let (status, changed) = counter.patch(&path, json!({ "email": "new@kellerbau.example", "address1": null, "phone": "" }), None).await;
        assert_eq!(status, 200, "{changed}");
        assert_eq!((&changed["email"], &changed["address1"], &changed["phone"]), (&json!("new@kellerbau.example"), &Value::Null, &Value::Null));
        assert_eq!((&changed["name"], &changed["city"], &changed["number"]), (&json!("Keller Bau GmbH"), &json!("Waco"), &json!("10442")));
        assert_eq!(counter.get(&path).await.1, changed);
        refused_fields(&counter.patch(&path, json!({ "name": "" }), None).await, &["name"]);
        refused(&counter.patch(&path, json!({ "number": "1" }), None).await, 422, "body.invalid");
        let (status, changed) = counter.patch(&path, json!({ "state": "" }), None).await;
        assert_eq!((status, &changed["state"], &changed["country"]), (200, &Value::Null, &json!("US")));
    }

    async fn a_change_to_what_stands_already_is_none(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/customers/{}", w.ids.keller);
        let before = counter.get(&path).await.1;
        for same in [json!({}), json!({ "city": before["city"] }), json!({ "name": " Keller Bau GmbH " })] {
            let (status, after) = counter.patch(&path, same, None).await;
            assert_eq!((status, &after["version"]), (200, &before["version"]), "nobody else's form becomes stale");
        }
    }

    async fn a_stale_change_is_412_with_the_present_record(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/customers/{}", w.ids.keller);
        let read = counter.send("GET", &path, &[], None).await;
        assert_eq!(read.version(), Some(1));
        let (status, first) = counter.patch(&path, json!({ "city": "Dallas" }), Some(1)).await;
        assert_eq!((status, &first["version"]), (200, &json!(2)));
        let stale = w.sign_in("manager").await.patch(&path, json!({ "city": "Austin" }), Some(1)).await;
        refused(&stale, 412, "version.stale");
        assert_eq!((&stale.1["current"]["city"], &stale.1["current"]["version"]), (&json!("Dallas"), &json!(2)));
        assert_eq!(counter.get(&path).await.1["city"], "Dallas", "nothing was changed");
        let odd = counter.send("PATCH", &path, &[("if-match", "\"yesterday\"")], Some(b"{\"city\":\"Austin\"}".to_vec())).await;
        assert_eq!(odd.status, 412, "what is no version of ours matches none");
        let any = counter.send("PATCH", &path, &[("if-match", "*")], Some(b"{\"city\":\"Austin\"}".to_vec())).await;
        assert_eq!((any.status, any.version()), (200, Some(3)));
    }

    async fn a_condition_that_is_not_understood_makes_no_change_unconditional(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/customers/{}", w.ids.keller);
        assert_eq!(counter.patch(&path, json!({ "city": "Dallas" }), Some(1)).await.0, 200);
        let change = async |tags: &[&str], city: &str| {
            let headers: Vec<(&str, &str)> = tags.iter().map(|tag| ("if-match", *tag)).collect();
            counter.send("PATCH", &path, &headers, Some(json!({ "city": city }).to_string().into_bytes())).await
        };
        let odd: [&[&str]; 8] = [&["\"é\""], &["é"], &["\"2é\""], &[""], &["2, 3"], &["\"77\"", "*"], &["\"1\", \"3\""], &["\"1\"", "\"3\""]];
        for tags in odd {
            let answer = change(tags, "Austin").await;
            assert_eq!((answer.status, &answer.json()["current"]["version"]), (412, &json!(2)), "{tags:?}: {}", answer.text);
        }
        assert_eq!(counter.get(&path).await.1["city"], "Dallas");
        let several = change(&["\"1\", \"2\""], "Austin").await;
        assert_eq!((several.status, several.version()), (200, Some(3)), "one of them is the present one: {}", several.text);
        let on_two_lines = change(&["\"9\"", "\"3\""], "Houston").await;
        assert_eq!((on_two_lines.status, on_two_lines.version()), (200, Some(4)), "{}", on_two_lines.text);
    }

    async fn of_writers_at_the_same_time_one_wins_and_the_others_are_stale(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/customers/{}", w.ids.keller);
        let mut writers = tokio::task::JoinSet::new();
        for nth in 0..6 {
            let (caller, path) = (counter.clone(), path.clone());
            writers.spawn(async move { caller.patch(&path, json!({ "city": format!("City {nth}") }), Some(1)).await });
        }
        let answers = writers.join_all().await;
        let won: Vec<_> = answers.iter().filter(|answer| answer.0 == 200).collect();
        assert_eq!(won.len(), 1, "{answers:?}");
        for lost in answers.iter().filter(|answer| answer.0 != 200) {
            refused(lost, 412, "version.stale");
            assert_eq!(lost.1["current"]["version"], 2);
        }
        assert_eq!(counter.get(&path).await.1["city"], won[0].1["city"]);
    }

    async fn a_technician_reads_the_basic_fields_and_writes_none(w: World) {
        let tech = w.sign_in("tech").await;
        let path = format!("/v1/customers/{}", w.ids.keller);
        let (status, basic) = tech.get(&path).await;
        assert_eq!((status, keys(&basic)), (200, keys(&json!({ "id": 0, "name": 0, "city": 0, "phone": 0 }))));
        refused_by_role(&tech.patch(&path, json!({ "city": "X" }), None).await, &["customer.edit"]);
        refused_by_role(&tech.post("/v1/customers", json!({ "name": "X", "number": "1" })).await, &["customer.create"]);
        let (_, full) = w.sign_in("counter").await.get(&path).await;
        assert_eq!((&full["address1"], &full["postal_code"]), (&json!("1 Depot Court"), &json!("76705")));
    }

    async fn s3_25_a_shop_sees_no_other_shops_link(w: World) {
        let path = format!("/v1/customers/{}", w.ids.heron);
        let (_, of_counter) = w.sign_in("counter").await.get(&path).await;
        assert_eq!(each(&json!({ "items": of_counter["links"] }), "/shop/code"), ["STK"]);
        assert_eq!(of_counter["number"], "20655");
        let (_, of_gm) = w.sign_in("gm").await.get(&path).await;
        assert_eq!(each(&json!({ "items": of_gm["links"] }), "/shop/code"), ["RNO", "STK"]);
    }
}

//! One edit away (8.2, class 4): only where nothing else is found, marked, and
//! never beyond the scope.

use serde_json::{Value, json};

use crate::harness::{Caller, each};

async fn search(caller: &Caller, by: &str, text: &str) -> Value {
    let (status, body) = caller.find("/v1/customers", &[("q", text), ("by", by)]).await;
    assert_eq!(status, 200, "{text}: {body}");
    body
}

async fn add(caller: &Caller, name: &str, number: &str, city: &str) {
    let (status, body) = caller.post("/v1/customers", json!({ "name": name, "number": number, "city": city })).await;
    assert_eq!(status, 201, "{name}: {body}");
}

fn near(body: &Value) -> Vec<&str> {
    assert!(body["items"].as_array().unwrap().iter().all(|hit| hit["near_miss"] == true), "{body}");
    each(body, "/name")
}

on_both_databases! {
    async fn s3_4_a_city_that_was_typed_wrong_is_found_and_marked(w: World) {
        let counter = w.sign_in("counter").await;
        add(&counter, "Beacon Hill Plowing", "N-1", "Boston").await;
        add(&counter, "Granite Yard", "N-2", "Quincy").await;
        add(&counter, "Fog City Cranes", "N-3", "San Francisco").await;
        add(&counter, "Salt Flats Haulage", "N-4", "Salt Lake City").await;
        for (typed, meant) in [("BOTON", "Beacon Hill Plowing"), ("bostno", "Beacon Hill Plowing"), ("QUNICY", "Granite Yard"), ("San Fransisco", "Fog City Cranes"), ("sanfrancisco", "Fog City Cranes"), ("salt lake cty", "Salt Flats Haulage")] {
            for by in ["all", "city"] {
                let body = search(&counter, by, typed).await;
                assert_eq!(near(&body), [meant], "{typed} by {by}");
                assert!(each(&body, "/matched/0").contains(&"city"), "{body}");
            }
        }
    }

    async fn s3_4_a_near_miss_is_told_only_where_nothing_else_is_found(w: World) {
        let counter = w.sign_in("counter").await;
        add(&counter, "Boston Sand", "N-1", "Salem").await;
        add(&counter, "Bolton Gravel", "N-2", "Salem").await;
        let body = search(&counter, "all", "boston").await;
        assert_eq!(each(&body, "/name"), ["Boston Sand"], "Bolton is near, but Boston is there");
        assert_eq!(body["items"][0]["near_miss"], false);
        assert_eq!(near(&search(&counter, "all", "bosston").await), ["Boston Sand"]);
        assert_eq!(near(&search(&counter, "all", "bo5ton sand").await), ["Boston Sand"], "the other part is there as typed");
        assert_eq!(near(&search(&counter, "all", "boton").await), ["Bolton Gravel", "Boston Sand"], "by name");
    }

    async fn s3_4_neither_numbers_nor_short_pieces_have_near_misses(w: World) {
        let counter = w.sign_in("counter").await;
        add(&counter, "Ab Cde", "987654", "Salem").await;
        for typed in ["987655", "98765", "cdf", "xqzzy", "nosuchcustomer"] {
            let body = search(&counter, if typed == "98765" { "name" } else { "all" }, typed).await;
            assert_eq!((each(&body, "/name"), &body["total"]), (Vec::new(), &json!(0)), "{typed}");
        }
    }

    async fn s3_5_the_code_of_a_state_is_that_one_or_none(w: World) {
        let counter = w.sign_in("counter").await;
        assert!(!each(&search(&counter, "state", "US-TX").await, "/name").is_empty());
        assert_eq!(each(&search(&counter, "state", "US-TN").await, "/name"), Vec::<&str>::new(), "Tennessee is not nearly Texas");
    }

    async fn near_misses_keep_to_the_scope_and_page_on(w: World) {
        let (counter, gm) = (w.sign_in("counter").await, w.sign_in("gm").await);
        assert_eq!(near(&search(&gm, "all", "sagebrsuh").await), ["Keller Sagebrush Transport LLC"]);
        assert_eq!(near(&search(&counter, "all", "sagebrsuh").await), Vec::<&str>::new(), "another shop's");
        add(&counter, "Sagebrushes United", "S-1", "Lodi").await;
        assert_eq!(near(&search(&counter, "all", "sagebrsuh").await), ["Sagebrushes United"], "what one may not see keeps nothing away");
        for nth in 0..5 {
            add(&counter, &format!("Wrigley {nth}"), &format!("W-{nth}"), "Lodi").await;
        }
        let (_, first) = counter.find("/v1/customers", &[("q", "wrigely"), ("limit", "3")]).await;
        assert_eq!((near(&first), &first["total"]), (vec!["Wrigley 0", "Wrigley 1", "Wrigley 2"], &Value::Null));
        let (_, rest) = counter.find("/v1/customers", &[("q", "wrigely"), ("limit", "3"), ("cursor", first["next"].as_str().unwrap())]).await;
        assert_eq!((near(&rest), &rest["next"]), (vec!["Wrigley 3", "Wrigley 4"], &Value::Null));
    }
}

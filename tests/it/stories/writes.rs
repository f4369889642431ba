//! Writes: keys against double sending (S3-43, 2.8), bodies that are none, and
//! transactions that leave no trace.

use countertop::store::users;
use serde_json::{Map, Value, json};

use super::by_hand;
use crate::harness::{Answer, Caller, refused, refused_by_role};

/// How many requests the caller sees.
async fn how_many(caller: &Caller) -> usize {
    let (_, list) = caller.get("/v1/service-requests?limit=200").await;
    list["items"].as_array().map_or(0, Vec::len)
}

on_both_databases! {
    async fn s3_43_a_repeat_gives_the_first_answer_and_writes_once(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        let body = json!({ "complaint": "Leaks", "lines": [{ "service_code": "OIL" }] });
        let first = counter.post_with_key(&path, "key-1", body.clone()).await;
        assert_eq!(first.status, 201, "{}", first.text);
        for _ in 0..2 {
            let again = counter.post_with_key(&path, "key-1", body.clone()).await;
            assert_eq!((again.status, again.version(), &again.text), (201, Some(1), &first.text));
            assert_eq!(again.header("content-type"), "application/json");
        }
        assert_eq!(how_many(&counter).await, 1);
        let other = counter.post_with_key(&path, "key-2", json!({ "complaint": "Leaks" })).await;
        assert_ne!(other.json()["id"], first.json()["id"], "another key is another write");
    }

    async fn another_body_under_the_same_key_is_refused(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/readings", w.ids.excavator);
        assert_eq!(counter.post_with_key(&path, "key-1", json!({ "value": "12904" })).await.status, 201);
        let reused = counter.post_with_key(&path, "key-1", json!({ "value": "12905" })).await;
        refused(&(reused.status, reused.json()), 422, "idempotency.reused");
        let (_, meters) = counter.get(&format!("/v1/assets/{}/meters", w.ids.excavator)).await;
        assert_eq!(meters["items"][0]["value"], "12904.0");
        let again = counter.post_with_key(&path, "key-1", json!({ "value": "12904" })).await;
        assert_eq!(again.status, 201, "the first body is still answered");
    }

    async fn parallel_sendings_under_one_key_make_one(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        let mut sendings = tokio::task::JoinSet::new();
        for _ in 0..10 {
            let (caller, path) = (counter.clone(), path.clone());
            sendings.spawn(async move {
                let answer = caller.post_with_key(&path, "one", json!({ "complaint": "Leaks" })).await;
                (answer.status, answer.json())
            });
        }
        let answers = sendings.join_all().await;
        let made: Vec<_> = answers.iter().filter(|answer| answer.0 == 201).collect();
        assert!(!made.is_empty() && made.iter().all(|answer| answer.1["id"] == made[0].1["id"]), "{answers:?}");
        for waiting in answers.iter().filter(|answer| answer.0 != 201) {
            refused(waiting, 409, "idempotency.running");
        }
        assert_eq!(how_many(&counter).await, 1);
        let later = counter.post_with_key(&path, "one", json!({ "complaint": "Leaks" })).await;
        assert_eq!((later.status, &later.json()["id"]), (201, &made[0].1["id"]), "nobody is told to wait for ever");
    }

    async fn keys_are_per_user_and_per_path(w: World) {
        let (counter, manager) = (w.sign_in("counter").await, w.sign_in("manager").await);
        let path = |asset| format!("/v1/assets/{asset}/service-requests");
        let body = json!({ "complaint": "Leaks" });
        let mut ids = std::collections::HashSet::new();
        for (caller, path) in [(&counter, path(w.ids.excavator)), (&manager, path(w.ids.excavator)), (&counter, path(w.ids.truck))] {
            let made = caller.post_with_key(&path, "same", body.clone()).await;
            assert_eq!(made.status, 201, "{}", made.text);
            ids.insert(made.json()["id"].as_str().unwrap().to_owned());
        }
        assert_eq!(ids.len(), 3);
    }

    async fn a_key_counts_for_the_customer_one_acts_for(w: World) {
        let manager = w.sign_in("manager").await;
        let mut numbers = Vec::new();
        for customer in [w.ids.keller, w.ids.waco] {
            let consent = json!({ "role": "executive", "given_by": "the owner" });
            assert_eq!(manager.post(&format!("/v1/customers/{customer}/consents"), consent).await.0, 201);
            assert_eq!(manager.put("/v1/session/acting", json!({ "customer": customer }), None).await.0, 200);
            // Both own a 1042.
            let file = async || manager.post_with_key("/v1/service-requests", "k", json!({ "unit_number": "1042", "complaint": "Leaks" })).await;
            let (first, again) = (file().await, file().await);
            assert_eq!((first.status, &again.text), (201, &first.text), "{}", first.text);
            numbers.push(first.json()["number"].as_str().unwrap().to_owned());
            assert_eq!(manager.delete("/v1/session/acting").await.0, 204);
        }
        assert_ne!(numbers[0], numbers[1]);
    }

    async fn who_was_signed_out_meanwhile_sends_the_same_again(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        let mut conn = w.app.db.write().await.unwrap();
        let user = users::by_name(&mut conn, "counter").await.unwrap().unwrap().id;
        let under_way = tokio::spawn({
            let (counter, path) = (counter.clone(), path.clone());
            async move { counter.post_with_key(&path, "k", json!({ "complaint": "Leaks" })).await }
        });
        // On SQLite it was let in meanwhile, and waits for this one.
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        users::end_sessions(&mut conn, user).await.unwrap();
        conn.commit().await.unwrap();
        assert!(matches!(under_way.await.unwrap().status, 401 | 201));
        let counter = w.sign_in("counter").await;
        assert_eq!(counter.post_with_key(&path, "k", json!({ "complaint": "Leaks" })).await.status, 201, "what was refused was not kept");
        assert_eq!(how_many(&counter).await, 1);
    }

    async fn a_key_outlives_the_session_it_was_sent_in(w: World) {
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        let first = w.sign_in("counter").await.post_with_key(&path, "k", json!({ "complaint": "Leaks" })).await;
        let again = w.sign_in("counter").await.post_with_key(&path, "k", json!({ "complaint": "Leaks" })).await;
        assert_eq!((again.status, again.text), (201, first.text));
    }

    async fn a_replay_is_authorized_again(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        assert_eq!(counter.post_with_key(&path, "k", json!({ "complaint": "Leaks" })).await.status, 201);
        assert_eq!(counter.delete("/v1/session").await.0, 204);
        assert_eq!(counter.post_with_key(&path, "k", json!({ "complaint": "Leaks" })).await.status, 401);
    }

    async fn a_final_refusal_is_kept_and_a_conflict_is_not(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        let refusal = counter.post_with_key(&path, "bad", json!({})).await;
        let again = counter.post_with_key(&path, "bad", json!({})).await;
        assert_eq!((again.status, &again.text), (422, &refusal.text));
        assert_eq!(again.header("content-type"), "application/problem+json");
        let reused = counter.post_with_key(&path, "bad", json!({ "complaint": "now right" })).await;
        assert_eq!(reused.json()["code"], "idempotency.reused", "a corrected form takes a new key");
        let oil = json!({ "lines": [{ "service_code": "OIL" }] });
        let (_, first) = counter.post(&path, oil.clone()).await;
        assert_eq!(counter.post_with_key(&path, "oil", oil.clone()).await.json()["code"], "service_request.duplicate");
        let cancel = format!("/v1/service-requests/{}/cancel", first["id"].as_str().unwrap());
        assert_eq!(counter.post(&cancel, json!({ "reason": "x" })).await.0, 200);
        assert_eq!(counter.post_with_key(&path, "oil", oil).await.status, 201, "what stood in the way is gone");
    }

    async fn whoever_was_refused_by_other_rights_is_not_told_that_it_is_done(w: World) {
        let (admin, counter) = (w.sign_in("admin").await, w.sign_in("counter").await);
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        assert_eq!(counter.post_with_key(&path, "done", json!({ "complaint": "Leaks" })).await.status, 201);
        assert_eq!(counter.post_with_key(&path, "bad", json!({})).await.status, 422);
        let user = users::by_name(&mut w.app.db.read().await.unwrap(), "counter").await.unwrap().unwrap().id;
        let (status, grant) = admin.post(&format!("/v1/users/{user}/grants"), json!({ "role": "technician", "scope": { "kind": "shop", "id": "SLN" } })).await;
        assert_eq!(status, 201, "{grant}");
        for (key, body, told) in [("done", json!({ "complaint": "Leaks" }), "is done"), ("bad", json!({}), "was refused")] {
            let answer = counter.post_with_key(&path, key, body).await;
            refused(&(answer.status, answer.json()), 409, "idempotency.rights_changed");
            assert!(answer.json()["detail"].as_str().unwrap().contains(told), "{}", answer.text);
        }
    }

    async fn a_key_has_one_to_128_characters(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        assert_eq!(counter.post_with_key(&path, &"k".repeat(128), json!({ "complaint": "x" })).await.status, 201);
        for key in ["k".repeat(129), String::new()] {
            let refusal = counter.post_with_key(&path, &key, json!({ "complaint": "x" })).await;
            assert_eq!((refusal.status, refusal.json()["fields"]["idempotency_key"].is_string()), (422, true), "{}", refusal.text);
        }
        assert_eq!(how_many(&counter).await, 1);
    }

    async fn a_body_of_more_than_a_mebibyte_is_413(w: World) {
        let counter = w.sign_in("counter").await;
        let (start, end) = ("{\"name\":\"Big\",\"number\":\"B-1\",\"notes\":\"", "\"}");
        let filled = |size: usize| format!("{start}{}{end}", "x".repeat(size - start.len() - end.len())).into_bytes();
        let too_large = counter.send("POST", "/v1/customers", &[], Some(filled((1 << 20) + 1))).await;
        refused(&(too_large.status, too_large.json()), 413, "body.too_large");
        let just = counter.send("POST", "/v1/customers", &[], Some(filled(1 << 20))).await;
        assert_eq!((just.status, just.json()["fields"]["notes"].is_string()), (422, true), "read, and refused for its length: {}", just.text);
    }

    async fn a_body_that_is_no_json_of_the_shape_is_refused(w: World) {
        let counter = w.sign_in("counter").await;
        let bodies: [&[u8]; 9] = [
            b"{", b"[]", b"null", b"\"text\"", b"{\"name\": 7, \"number\": \"1\"}", b"{\"name\": \"X\", \"number\": \"1\"} trailing",
            b"{\"name\": \"X\", \"number\": \"1\", \"unknown\": 1}", b"{\"name\": \"X\", \"name\": \"Y\", \"number\": \"1\"}",
            b"{\"name\": \"\xff\xfe\", \"number\": \"1\"}",
        ];
        for body in bodies {
            let answer = counter.send("POST", "/v1/customers", &[], Some(body.to_vec())).await;
            assert_eq!((answer.status, answer.header("content-type")), (422, "application/problem+json"), "{}: {}", String::from_utf8_lossy(body), answer.text);
            assert_eq!(answer.json()["code"], "body.invalid", "{}", String::from_utf8_lossy(body));
        }
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(counter.send("POST", "/v1/customers", &[], Some(deep.into_bytes())).await.status, 422, "deeply nested");
        assert_eq!(counter.get("/v1/session").await.0, 200, "the server lives");
    }

    async fn a_field_that_cannot_be_understood_is_named_in_words_of_a_counter(w: World) {
        let counter = w.sign_in("counter").await;
        let readings = format!("/v1/assets/{}/readings", w.ids.excavator);
        let moment = "this is no moment; one looks like 2026-11-23T09:30:00Z";
        for (path, body, field, told) in [
            (readings.as_str(), json!({ "value": "1", "read_at": "9999-12-31T23:59:59Z" }), "read_at", moment),
            (readings.as_str(), json!({ "value": "1", "read_at": "2026-02-30" }), "read_at", moment),
            (readings.as_str(), json!({ "value": "1", "read_at": 5 }), "read_at", moment),
            (readings.as_str(), json!({}), "value", "it is missing"),
            ("/v1/customers", json!({ "name": "X", "kind": "cash" }), "kind", "unknown value `cash`, expected `local` or `fleet`"),
        ] {
            let (status, problem) = counter.post(path, body).await;
            assert_eq!((status, problem["fields"][field].as_str()), (422, Some(told)), "{problem}");
            assert_eq!(problem["detail"], format!("The body cannot be understood: {field}: {told}."));
        }
        let (_, problem) = counter.put("/v1/session/acting", json!({ "customer": "x" }), None).await;
        assert_eq!(problem["fields"]["customer"], "this is no id", "{problem}");
    }

    async fn what_was_sent_wrongly_is_told_back_in_short(w: World) {
        let (counter, admin) = (w.sign_in("counter").await, w.sign_in("admin").await);
        let is_short = |answer: &Answer, told: &str| {
            assert!(answer.status == 422 && answer.text.chars().count() < 3_000, "{} with {} bytes", answer.status, answer.text.len());
            assert!(answer.text.contains('…') && answer.text.contains(told), "{}", answer.text);
        };
        let marks = "\u{301}".repeat(100_000);
        let body = json!({ "unit_number": "1042", "complaint": "x", "confirm_duplicate": marks });
        is_short(&counter.post_with_key("/v1/service-requests", "long", body).await, "expected a boolean");
        let kept = by_hand::texts(&w, "SELECT answer FROM idempotency WHERE idempotency_key = 'long'").await;
        assert!(kept.len() == 1 && kept[0].chars().count() < 3_000, "{}", kept.len());
        let long = "x".repeat(14_000);
        let unknown = format!("{{\"{long}\":1}}").into_bytes();
        is_short(&w.stranger().send("POST", "/v1/sessions", &[], Some(unknown)).await, "unknown field");
        is_short(&counter.send("GET", &format!("/v1/assets/lookup?tag=1042&{}=1", &long[..2_000]), &[], None).await, "unknown field");
        let asset = format!("/v1/assets/{}", w.ids.excavator);
        for (path, body) in [("readings", json!({ "value": "1", "meter": long })), ("service-requests", json!({ "lines": [{ "service_code": long }] }))] {
            is_short(&counter.send("POST", &format!("{asset}/{path}"), &[], Some(body.to_string().into_bytes())).await, "xxx");
        }
        assert_eq!(admin.post("/v1/roles", json!({ "copy_of": "technician", "key": "short_words", "name": "Short words" })).await.0, 201);
        let cells: Map<String, Value> = (0..60).map(|nth| (format!("{nth}{long}"), json!("yes"))).collect();
        let many: Map<String, Value> = (0..5_000).map(|nth| (format!("p{nth}"), json!("yes"))).collect();
        for cells in [cells, many] {
            let answer = admin.send("PATCH", "/v1/roles/short_words", &[], Some(json!({ "permissions": cells }).to_string().into_bytes())).await;
            assert!(answer.status == 422 && answer.text.len() < 30_000, "{} with {} bytes", answer.status, answer.text.len());
        }
    }

    async fn a_refusal_by_role_comes_before_the_body_and_the_record(w: World) {
        let tech = w.sign_in("tech").await;
        let answer = tech.send("POST", "/v1/customers", &[], Some(b"{broken".to_vec())).await;
        refused_by_role(&(answer.status, answer.json()), &["customer.create"]);
        let answer = tech.send("PATCH", &format!("/v1/customers/{}", uuid::Uuid::now_v7()), &[], Some(b"{broken".to_vec())).await;
        refused_by_role(&(answer.status, answer.json()), &["customer.edit"]);
    }

    async fn a_refused_write_leaves_no_trace(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        let (first, _) = counter.post(&path, json!({ "complaint": "counts", "lines": [{ "service_code": "OIL" }] })).await;
        assert_eq!(first, 201);
        let (status, _) = counter.post(&path, json!({ "lines": [{ "service_code": "OIL" }] })).await;
        assert_eq!((status, how_many(&counter).await), (409, 1));
        let before = counter.find("/v1/customers", &[("q", "keller")]).await;
        let taken = counter.post("/v1/customers", json!({ "name": "Keller Late", "number": "10442" })).await;
        refused(&taken, 409, "customer.number_taken");
        assert_eq!(counter.find("/v1/customers", &[("q", "keller")]).await, before);
    }

    async fn hostile_text_is_only_text(w: World) {
        let counter = w.sign_in("counter").await;
        let path = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        for text in ["'); DROP TABLE customer; --", "\" OR 1=1 --", "%00 \\ $1 {} ?", "=HYPERLINK(\"x\")", "👩\u{200d}🔧", "🚜 מכונית"] {
            let (status, made) = counter.post(&path, json!({ "complaint": text })).await;
            assert_eq!((status, made["complaint"].as_str()), (201, Some(text)));
        }
        assert_eq!(how_many(&counter).await, 6);
        let (_, body) = counter.post(&path, json!({ "complaint": "a\u{1b}[31m\u{0}b\r\nc" })).await;
        assert_eq!(body["complaint"], "a[31mb\nc", "control characters go, line breaks stay");
        let (_, body) = counter.post(&path, json!({ "complaint": "\u{202e}gnp.exe T\u{200b}win" })).await;
        assert_eq!(body["complaint"], "gnp.exe Twin", "what turns or hides text goes too");
        let (status, found): (u16, Value) = counter.find("/v1/customers", &[("q", "' OR '1'='1")]).await;
        assert_eq!((status, &found["total"]), (200, &json!(0)));
    }
}

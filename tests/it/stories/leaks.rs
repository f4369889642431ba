//! T18, T20: what is not there and what is not one's own are the same answer,
//! to the byte and in time, and nobody finds by guessing what he may not see.
//!
//! `COUNTERTOP_PAIRS` (500) says how many pairs of each sort are timed,
//! `COUNTERTOP_GUESSES` (1,000) how many ids are guessed.

use countertop::store::users;
use serde_json::{Value, json};
use uuid::Uuid;

use super::contract::Target;
use super::targets::{People, Targets, session, signed_in};
use super::timing::Times;
use crate::dice;
use crate::harness::{Answer, Caller, World, grant, quick_hash, user_row};

/// Asks without compression, so that the length says something.
async fn plain(caller: &Caller, method: &str, path: &str, body: Option<&Value>) -> Answer {
    caller.send(method, path, &[("accept-encoding", "identity")], body.map(|body| body.to_string().into_bytes())).await
}

/// What tells two answers apart, but date and request id.
fn difference(one: &Answer, other: &Answer) -> Option<String> {
    let headers = |answer: &Answer| {
        let told = answer.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"));
        let mut told: Vec<String> = told.map(|(name, value)| format!("{name}: {value:?}")).collect();
        told.sort();
        told
    };
    if one.status != other.status {
        return Some(format!("{} and {}", one.status, other.status));
    }
    if headers(one) != headers(other) {
        return Some(format!("{:?} and {:?}", headers(one), headers(other)));
    }
    if one.text.len() != other.text.len() || one.text != other.text {
        return Some(format!("{} and {}", one.text, other.text));
    }
    None
}

/// A question about what is somebody else's, and the same about nothing.
struct Pair {
    what: &'static str,
    method: &'static str,
    foreign: String,
    missing: String,
    body: Option<Value>,
}

fn pair(what: &'static str, method: &'static str, foreign: impl Into<String>, missing: impl Into<String>, body: Option<Value>) -> Pair {
    Pair { what, method, foreign: foreign.into(), missing: missing.into(), body }
}

/// A pair by id: the path without the id, and what follows it.
fn by_id(what: &'static str, method: &'static str, before: &str, id: &str, behind: &str, body: Option<Value>) -> Pair {
    pair(what, method, format!("{before}/{id}{behind}"), format!("{before}/{}{behind}", Uuid::now_v7()), body)
}

/// Questions of somebody at San Leandro about Reno's.
fn pairs(targets: &Targets, people: &People) -> Vec<Pair> {
    let reno = |noun| targets.id(Target::OtherShop, noun);
    let user = people.user(Target::OtherShop).to_string();
    let reason = || Some(json!({ "reason": "mine now" }));
    vec![
        by_id("an asset's id", "GET", "/v1/assets", reno("assets"), "", None),
        by_id("an asset's meters", "GET", "/v1/assets", reno("assets"), "/meters", None),
        by_id("an asset's readings", "GET", "/v1/assets", reno("assets"), "/meters/engine_hours/readings", None),
        by_id("an asset's history", "GET", "/v1/assets", reno("assets"), "/history", None),
        by_id("a reading for an asset", "POST", "/v1/assets", reno("assets"), "/readings", Some(json!({ "value": "1" }))),
        by_id("a customer's id", "GET", "/v1/customers", reno("customers"), "", None),
        by_id("a customer to change", "PATCH", "/v1/customers", reno("customers"), "", Some(json!({ "name": "Mine" }))),
        by_id("a customer's contacts", "GET", "/v1/customers", reno("customers"), "/contacts", None),
        by_id("a contact's id", "GET", "/v1/contacts", reno("contacts"), "", None),
        by_id("a contact's password", "POST", "/v1/contacts", reno("contacts"), "/password", Some(json!({}))),
        by_id("a consent", "DELETE", "/v1/consents", reno("consents"), "", None),
        by_id("a user's id", "GET", "/v1/users", &user, "", None),
        by_id("a user's sessions", "GET", "/v1/users", &user, "/sessions", None),
        by_id("a user to change", "PATCH", "/v1/users", &user, "", Some(json!({ "last": "Mine" }))),
        by_id("a request's id", "GET", "/v1/service-requests", reno("service-requests"), "", None),
        by_id("a request to cancel", "POST", "/v1/service-requests", reno("service-requests"), "/cancel", reason()),
        by_id("a reading's id", "POST", "/v1/readings", reno("readings"), "/void", reason()),
        by_id("a reading to restore", "POST", "/v1/readings", reno("readings"), "/restore", Some(json!({}))),
        pair("a plate", "GET", "/v1/assets/lookup?tag=NVK-118", "/v1/assets/lookup?tag=QXZ-550", None),
        pair("a unit number", "GET", "/v1/assets/lookup?tag=88", "/v1/assets/lookup?tag=77", None),
        pair("an owner's code", "GET", "/v1/assets/lookup?tag=88&organization=KST", "/v1/assets/lookup?tag=88&organization=QXZ", None),
        pair("a customer's number", "GET", "/v1/customers?by=number&q=30112", "/v1/customers?by=number&q=55587", None),
        pair("a customer's name", "GET", "/v1/customers?q=sagebrush", "/v1/customers?q=qxzqxzqxz", None),
        pair("a customer's telephone", "GET", "/v1/customers?q=7755550141", "/v1/customers?q=9985550141", None),
        by_id("a customer's requests", "GET", "/v1/service-requests?customer=", reno("customers"), "", None).queried(),
    ]
}

impl Pair {
    /// The id stands in the query and not in the path.
    fn queried(mut self) -> Self {
        for path in [&mut self.foreign, &mut self.missing] {
            *path = path.replace("=/", "=");
        }
        self
    }
}

/// Names that somebody has, and names of the same sort that nobody has: a pair
/// for every four tries, so that the brake never waits.
async fn names(w: &World, pairs: usize, hash: &str) -> Vec<(String, String)> {
    let mut conn = w.app.db.write().await.unwrap();
    let mut names = Vec::new();
    for nth in 0..pairs.div_ceil(4) {
        let (known, unknown) = (format!("known-{nth}@dealer.example"), format!("never-{nth}@dealer.example"));
        let user = user_row(&known, "staff", ("Kno", "Wn"), None);
        users::insert(&mut conn, &users::UserRow { password_hash: hash.to_owned(), ..user }, &[]).await.unwrap();
        names.push((known, unknown));
    }
    conn.commit().await.unwrap();
    names
}

/// How long a wrong password takes of a name that somebody has, whose password
/// is kept as this hash, and of one that nobody has.
async fn sign_ins(w: &World, pairs: usize, hash: &str) -> Times {
    let (names, stranger) = (names(w, pairs, hash).await, w.stranger());
    Times::of(pairs, async |is_known, nth| {
        let (known, unknown) = &names[nth / 4];
        let body = json!({ "username": if is_known { known } else { unknown }, "password": "not this one" }).to_string().into_bytes();
        let from = format!("203.0.{}.{}", 113 + nth / 250, nth % 250);
        let answer = stranger.send("POST", "/v1/sessions", &[("x-forwarded-for", &from)], Some(body)).await;
        assert_eq!(answer.status, 401, "{}", answer.text);
    })
    .await
}

/// Ids close to a real one: the next ones of the same millisecond, those of the
/// milliseconds around it, and single changed bits.
fn near(real: Uuid, nth: usize) -> Uuid {
    let (bits, nth) = (real.as_u128(), nth as u128);
    let guess = match nth % 4 {
        0 => bits + 1 + nth,
        1 => bits - 1 - nth,
        2 => bits ^ (1 << (nth / 4 % 62)),
        _ => bits.wrapping_add((1 + nth / 4) << 80),
    };
    Uuid::from_u128(guess)
}

/// What is guessed at: the path before a real id, the id, and what follows it.
type Around<'t> = [(&'static str, &'t str, &'static str); 8];

fn around(targets: &Targets) -> Around<'_> {
    [
        ("/v1/assets", targets.id(Target::OtherShop, "assets"), ""),
        ("/v1/assets", targets.id(Target::OtherCustomer, "assets"), "/identification"),
        ("/v1/assets", targets.id(Target::OtherCustomer, "assets"), "/meters"),
        ("/v1/customers", targets.id(Target::OtherShop, "customers"), "/assets"),
        ("/v1/customers", targets.id(Target::OtherCustomer, "customers"), "/contacts"),
        ("/v1/contacts", targets.id(Target::OtherCustomer, "contacts"), ""),
        ("/v1/service-requests", targets.id(Target::OtherCustomer, "service-requests"), ""),
        ("/v1/assets", targets.id(Target::OtherShop, "assets"), "/service-requests"),
    ]
}

/// What somebody finds by so many guesses.
async fn found_by_guessing(caller: &Caller, around: &Around<'_>, guesses: usize) -> Vec<String> {
    let mut found = Vec::new();
    for nth in 0..guesses {
        let (before, real, behind) = around[nth % around.len()];
        let real: Uuid = real.parse().unwrap();
        // The real one is among the guesses: that it exists helps nobody.
        let guess = if nth < around.len() { real } else { near(real, nth) };
        let (status, body) = caller.get(&format!("{before}/{guess}{behind}")).await;
        if status != 404 {
            found.push(format!("{before}/{guess}{behind}: {status} {body}"));
        }
    }
    found
}

/// What somebody is told under another's key, where nothing is there for him.
fn opened_by_key(told: &Answer) -> Option<String> {
    (told.status != 404 || told.text.contains("kept for")).then(|| format!("{} {}", told.status, told.text))
}

/// What somebody is told of a record that is not his, whose version he knows.
fn opened_by_version(told: &(u16, Value)) -> Option<String> {
    (told.0 != 404 || !told.1["current"].is_null()).then(|| format!("{} {}", told.0, told.1))
}

/// What is behind a cursor, and not in the whole list of whoever follows it.
fn opened_by_cursor(whole: &(u16, Value), behind: &(u16, Value)) -> Option<String> {
    let ids = |answer: &(u16, Value)| -> Vec<Value> { answer.1["items"].as_array().into_iter().flatten().map(|item| item["id"].clone()).collect() };
    let his_own = ids(whole);
    let is_his = behind.0 == whole.0 && ids(behind).iter().all(|id| his_own.contains(id));
    let is_counted_so = behind.1["total"].is_null() || behind.1["total"] == whole.1["total"];
    (!is_his || !is_counted_so).then(|| format!("{} {}", behind.0, behind.1))
}

on_both_databases! {
    async fn t18_what_is_not_there_and_what_is_not_ones_own_are_the_same_answer(w: World) {
        let targets = Targets::plant(&w).await;
        let people = People::hire(&w, &targets, "asker").await;
        let gm = w.add_user("gm-sln", "staff", &[grant("general_manager", "shop", Some(w.ids.sln.to_string()))]).await;
        let asker = session(&w, gm).await;
        for Pair { what, method, foreign, missing, body } in pairs(&targets, &people) {
            let (one, other) = (plain(&asker, method, &foreign, body.as_ref()).await, plain(&asker, method, &missing, body.as_ref()).await);
            assert_eq!(difference(&one, &other), None, "{what}: {foreign}");
            assert!(matches!(one.status, 200 | 404), "{what}: {} {}", one.status, one.text);
        }
        // The harness sees one that is there, and one letter.
        let (own, none) = (format!("/v1/assets/{}", w.ids.excavator), format!("/v1/assets/{}", Uuid::now_v7()));
        let (own, none) = (plain(&asker, "GET", &own, None).await, plain(&asker, "GET", &none, None).await);
        assert!(difference(&own, &none).is_some());
        let other_letter = Answer { status: none.status, headers: none.headers.clone(), text: none.text.replace("reach", "roach") };
        assert!(difference(&other_letter, &none).is_some());
        let mut headers = none.headers.clone();
        headers.insert("etag", "\"7\"".parse().unwrap());
        assert!(difference(&Answer { status: none.status, headers, text: none.text.clone() }, &none).is_some());
    }

    async fn t18_it_takes_as_long_to_find_what_is_not_ones_own_as_to_find_nothing(w: World) {
        let targets = Targets::plant(&w).await;
        let people = People::hire(&w, &targets, "asker").await;
        let gm = w.add_user("gm-sln", "staff", &[grant("general_manager", "shop", Some(w.ids.sln.to_string()))]).await;
        let asker = session(&w, gm).await;
        let measured = ["an asset's id", "a plate", "a customer's number", "a customer's telephone", "a request's id", "a contact's id", "a user's id"];
        for Pair { what, method, foreign, missing, .. } in pairs(&targets, &people).into_iter().filter(|pair| measured.contains(&pair.what)) {
            let times = Times::of(dice::times("COUNTERTOP_PAIRS", 500), async |is_there, _| {
                plain(&asker, method, if is_there { &foreign } else { &missing }, None).await;
            });
            times.await.tell_nothing(what);
        }
    }

    async fn t18_a_refusal_takes_as_long_where_there_is_a_record_as_where_there_is_none(w: World) {
        let targets = Targets::plant(&w).await;
        // A technician changes no customer and voids no reading: 403 of one's own,
        // of others' and of none, where who may is told 200 or 404.
        let tech = signed_in(&w, "tech").await;
        let pairs = [
            by_id("a customer to change", "PATCH", "/v1/customers", targets.id(Target::Own, "customers"), "", Some(json!({ "name": "Mine" }))),
            by_id("another shop's customer to change", "PATCH", "/v1/customers", targets.id(Target::OtherShop, "customers"), "", Some(json!({ "name": "Mine" }))),
            by_id("a reading to void", "POST", "/v1/readings", targets.id(Target::Own, "readings"), "/void", Some(json!({ "reason": "mine now" }))),
        ];
        for Pair { what, method, foreign, missing, body } in pairs {
            let (one, other) = (plain(&tech, method, &foreign, body.as_ref()).await, plain(&tech, method, &missing, body.as_ref()).await);
            assert_eq!((one.status, difference(&one, &other)), (403, None), "{what}");
            let times = Times::of(dice::times("COUNTERTOP_PAIRS", 500), async |is_there, _| {
                plain(&tech, method, if is_there { &foreign } else { &missing }, body.as_ref()).await;
            });
            times.await.tell_nothing(&format!("{what}, refused"));
        }
    }

    async fn t18_a_wrong_password_takes_as_long_for_a_name_as_for_none(w: World) {
        // As the server itself hashes, which the accounts of this world are not.
        let hash = countertop::server::password::hash("some pass phrase").unwrap();
        // Each try is made to cost: a fifth of them says as much.
        sign_ins(&w, dice::times("COUNTERTOP_PAIRS", 500).div_ceil(5), &hash).await.tell_nothing("a user name or e-mail to sign in with");
    }

    async fn t18_a_password_that_is_cheaper_to_check_would_be_noticed(w: World) {
        let times = sign_ins(&w, 40, quick_hash()).await;
        assert!(times.tell_apart(), "{times}");
    }

    async fn t20_a_thousand_ids_near_real_ones_find_nothing_of_others(w: World) {
        let targets = Targets::plant(&w).await;
        let mut conn = w.app.db.read().await.unwrap();
        let executive = users::by_name(&mut conn, "executive").await.unwrap().unwrap().id;
        drop(conn);
        let executive = session(&w, executive).await;
        let guesses = dice::times("COUNTERTOP_GUESSES", 1_000);
        assert_eq!(found_by_guessing(&executive, &around(&targets), guesses).await, Vec::<String>::new());
    }

    async fn t20_keys_cursors_and_versions_of_others_open_nothing(w: World) {
        let targets = Targets::plant(&w).await;
        let (admin, executive) = (signed_in(&w, "admin").await, signed_in(&w, "executive").await);
        // The same key, path and body as somebody else's write.
        let path = format!("/v1/assets/{}/service-requests", targets.id(Target::OtherShop, "assets"));
        let body = json!({ "complaint": "kept for the administrator", "shop": "RNO" });
        let kept = admin.post_with_key(&path, "one-key", body.clone()).await;
        assert_eq!(kept.status, 201, "{}", kept.text);
        assert_eq!(admin.post_with_key(&path, "one-key", body.clone()).await.text, kept.text, "it is kept");
        assert_eq!(opened_by_key(&executive.post_with_key(&path, "one-key", body).await), None);
        // A version that is right, of a record that is not one's own.
        let (_, customer) = admin.get(&format!("/v1/customers/{}", w.ids.sagebrush)).await;
        let counter = signed_in(&w, "counter").await;
        for version in [customer["version"].as_i64().unwrap(), 99] {
            let told = counter.patch(&format!("/v1/customers/{}", w.ids.sagebrush), json!({ "city": "Mine" }), Some(version)).await;
            assert_eq!(opened_by_version(&told), None);
        }
        // Where somebody else's page ended.
        for list in ["/v1/organizations", "/v1/service-requests", "/v1/shops", "/v1/customers?q=keller", "/v1/customers?q=ler"] {
            let sign = if list.contains('?') { '&' } else { '?' };
            let (_, page) = admin.get(&format!("{list}{sign}limit=1")).await;
            let Some(cursor) = page["next"].as_str() else { continue };
            for caller in [&executive, &counter] {
                let whole = caller.get(&format!("{list}{sign}limit=200")).await;
                let behind = caller.get(&format!("{list}{sign}limit=200&cursor={cursor}")).await;
                assert_eq!(opened_by_cursor(&whole, &behind), None, "{list}");
            }
        }
        // A session's id is no token, and nobody ends one of somebody else's.
        let (_, sessions) = admin.get("/v1/sessions").await;
        let id = sessions["items"][0]["id"].as_str().unwrap();
        assert_eq!(w.with_token(id).get("/v1/session").await.0, 401);
        assert_eq!(executive.delete(&format!("/v1/sessions/{id}")).await.0, 404);
        assert_eq!(admin.get("/v1/session").await.0, 200);
    }

    async fn t20_a_server_that_does_not_ask_whose_it_is_would_be_found(w: World) {
        let targets = Targets::plant(&w).await;
        // Nothing is kept from an administrator.
        let (admin, executive) = (signed_in(&w, "admin").await, signed_in(&w, "executive").await);
        let around = around(&targets);
        let found = found_by_guessing(&admin, &around, around.len()).await;
        assert!(found.len() == around.len() && found.iter().all(|one| one.contains(": 200 ")), "{found:#?}");
        let path = format!("/v1/assets/{}/service-requests", targets.id(Target::OtherShop, "assets"));
        let body = json!({ "complaint": "kept for the administrator", "shop": "RNO" });
        for told in ["it is made", "it is told again"] {
            let answer = admin.post_with_key(&path, "one-key", body.clone()).await;
            assert!(opened_by_key(&answer).is_some_and(|found| found.starts_with("201 ")), "{told}: {}", answer.text);
        }
        let customer = format!("/v1/customers/{}", w.ids.sagebrush);
        let version = admin.get(&customer).await.1["version"].as_i64().unwrap();
        for (version, status) in [(version, "200 "), (99, "412 ")] {
            let found = opened_by_version(&admin.patch(&customer, json!({ "notes": "mine" }), Some(version)).await).unwrap();
            assert!(found.starts_with(status), "{found}");
        }
        // A page of all that there is, given to somebody of one customer.
        let whole = executive.get("/v1/service-requests?limit=200").await;
        let all = admin.get("/v1/service-requests?limit=200").await;
        assert_eq!((whole.0, all.0), (200, 200));
        assert!(opened_by_cursor(&whole, &all).is_some());
    }
}

//! Who did what: told whole to those who may see it, without secrets, and in a
//! chain in which every change and every removal shows (S4-16, I-6).

use std::collections::BTreeSet;

use countertop::api::ids::CustomerId;
use countertop::import::{Kind, Options, import};
use countertop::store::audit::{self, Broken, Chain, Of, Which};
use countertop::store::{DbKind, Scope};
use countertop::text::clean_text;
use serde_json::{Value, json};

use super::by_hand;
use super::contract::{Contract, Target};
use super::targets::{People, Targets, let_in, made, signed_in};
use crate::harness::{World, each, refused, refused_by_role, token_hash};

/// Seals all that waits.
async fn seal(w: &World) {
    loop {
        let mut conn = w.app.db.write().await.unwrap();
        audit::seal(&mut conn).await.unwrap();
        conn.commit().await.unwrap();
        if !audit::waits(&mut w.app.db.read().await.unwrap()).await.unwrap() {
            return;
        }
    }
}

async fn verify(w: &World) -> Result<Chain, Broken> {
    audit::verify(&mut w.app.db.read().await.unwrap()).await.unwrap()
}

/// Some acts, sealed: the ids of their rows in the order of the chain.
async fn some_acts(w: &World) -> Vec<String> {
    let counter = signed_in(w, "counter").await;
    for city in ["Temple", "Killeen", "Belton", "Salado", "Lorena"] {
        assert_eq!(counter.patch(&format!("/v1/customers/{}", w.ids.keller), json!({ "city": city }), None).await.0, 200);
    }
    seal(w).await;
    by_hand::texts(w, "SELECT audit_id FROM audit_seal ORDER BY place").await
}

/// All acts in their order, each with what it changed.
async fn changes(w: &World) -> Vec<(String, Value)> {
    let read = |row: String| {
        let (act, changes) = row.split_once(' ').expect("an act and what it changed");
        (act.to_owned(), serde_json::from_str::<Value>(changes).expect("JSON"))
    };
    by_hand::texts(w, "SELECT act || ' ' || changes FROM audit ORDER BY id").await.into_iter().map(read).collect()
}

/// The simple view: what each act did, what it was, and whose it was.
fn told(acts: &Value) -> Vec<String> {
    let items = acts["items"].as_array().unwrap_or_else(|| panic!("no page: {acts}"));
    items.iter().map(|act| ["part", "act", "actor"].map(|field| act[field].as_str().unwrap()).join(" ")).collect()
}

/// A word with what drives a terminal, turns text or hides in it.
fn odd(word: &str) -> String {
    format!("{word}\u{1b}[2Jx\u{202e}\u{200b}\r\ny")
}

/// Every text in it, the names of members too.
fn gather(value: &Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| gather(item, texts)),
        Value::Object(members) => {
            for (name, member) in members {
                texts.push(name.clone());
                gather(member, texts);
            }
        }
        _ => {}
    }
}

on_both_databases! {
    async fn s4_16_it_says_who_did_what_before_after_why_and_in_which_request(w: World) {
        let counter = signed_in(&w, "counter").await;
        let body = json!({ "city": "Temple", "phone": "+12545550177" }).to_string().into_bytes();
        let keller = format!("/v1/customers/{}", w.ids.keller);
        let answer = counter.send("PATCH", &keller, &[("x-request-id", "terminal-7")], Some(body)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let manager = signed_in(&w, "manager").await;
        let (status, acts) = manager.get(&format!("{keller}/history")).await;
        assert_eq!(status, 200, "{acts}");
        let act = &acts["items"][0];
        assert_eq!((&act["actor"], &act["actor_kind"], &act["act"]), (&json!("Jo Ortiz"), &json!("staff"), &json!("change_customer")), "{act}");
        assert_eq!(act["changes"], json!({ "city": ["Waco", "Temple"], "phone": ["+12545550199", "+12545550177"] }), "only what differs");
        assert_eq!((&act["request_id"], &act["came_from"], &act["entity_id"]), (&json!("terminal-7"), &json!("127.0.0.1"), &json!(w.ids.keller)));
        let reading = made(&counter.post(&format!("/v1/assets/{}/readings", w.ids.excavator), json!({ "value": "12904" })).await);
        assert_eq!(manager.post(&format!("/v1/readings/{reading}/void"), json!({ "reason": "wrong machine" })).await.0, 200);
        let (_, acts) = manager.get(&format!("/v1/assets/{}/history", w.ids.excavator)).await;
        assert_eq!(each(&acts, "/act"), ["void_reading", "add_reading"]);
        assert_eq!((&acts["items"][0]["reason"], &acts["items"][0]["changes"]["state"]), (&json!("wrong machine"), &json!(["valid", "void"])), "{acts}");
        // What was refused, and what changed nothing, did not happen.
        assert_eq!(counter.patch(&keller, json!({ "city": "Temple" }), None).await.0, 200);
        assert_eq!(counter.patch(&keller, json!({ "name": "" }), None).await.0, 422);
        assert_eq!(manager.get(&format!("{keller}/history")).await.1["items"].as_array().map(Vec::len), Some(1));
    }

    async fn s4_16_simple_is_who_made_it_and_who_saved_it_last_and_extended_is_all(w: World) {
        some_acts(&w).await;
        let manager = signed_in(&w, "manager").await;
        let history = format!("/v1/customers/{}/history", w.ids.keller);
        let cities = |acts: &Value| -> Vec<String> { acts["items"].as_array().unwrap().iter().map(|act| act["changes"]["city"][1].as_str().unwrap().to_owned()).collect() };
        // It was there before anything was written down: its first editor did not make it.
        let (_, simple) = manager.get(&format!("{history}?depth=simple")).await;
        assert_eq!((cities(&simple), told(&simple)), (vec!["Lorena".to_owned()], vec!["saved change_customer Jo Ortiz".to_owned()]));
        assert_eq!(cities(&manager.get(&history).await.1), ["Lorena", "Salado", "Belton", "Killeen", "Temple"]);
        let (mut paged, mut next) = (Vec::new(), String::new());
        loop {
            let (_, page) = manager.get(&format!("{history}?limit=2{next}")).await;
            paged.extend(cities(&page));
            let Some(cursor) = page["next"].as_str() else { break };
            next = format!("&cursor={cursor}");
        }
        assert_eq!(paged, ["Lorena", "Salado", "Belton", "Killeen", "Temple"]);
        assert_eq!(manager.get(&format!("{history}?depth=deep")).await.0, 422);
        for role in ["counter", "tech", "executive"] {
            refused_by_role(&signed_in(&w, role).await.get(&history).await, &["audit.view"]);
        }
        refused(&manager.get(&format!("/v1/customers/{}/history", w.ids.sagebrush)).await, 404, "not_found");
    }

    async fn s4_16_nobody_makes_or_saves_a_record_by_what_he_does_beside_it(w: World) {
        let (manager, counter) = (signed_in(&w, "manager").await, signed_in(&w, "counter").await);
        let id = made(&counter.post("/v1/customers", json!({ "shop": "SLN", "name": "Watched Haulage", "number": "77990016" })).await);
        let path = format!("/v1/customers/{id}");
        let simple = async || told(&manager.get(&format!("{path}/history?depth=simple")).await.1);
        assert_eq!(simple().await, ["made create_customer Jo Ortiz"]);
        let contact = json!({ "last": "Brandt", "access_level": "full", "username": "ada" });
        let ada = made(&manager.post(&format!("{path}/contacts"), contact).await);
        assert_eq!(manager.post(&format!("/v1/contacts/{ada}/password"), json!({})).await.0, 201);
        made(&manager.post(&format!("{path}/consents"), json!({ "role": "executive", "given_by": "Ada Brandt" })).await);
        assert_eq!(manager.put("/v1/session/acting", json!({ "customer": id }), None).await.0, 200);
        assert_eq!(manager.delete("/v1/session/acting").await.0, 204);
        assert_eq!(simple().await, ["made create_customer Jo Ortiz"]);
        assert_eq!(manager.patch(&path, json!({ "city": "Tracy" }), None).await.0, 200);
        assert_eq!(simple().await, ["saved change_customer Marco Silva", "made create_customer Jo Ortiz"]);
        // Her account came with the contact, and is changed with it.
        let admin = signed_in(&w, "admin").await;
        let account = by_hand::texts(&w, "SELECT id FROM user_account WHERE username = 'ada'").await.remove(0);
        let of_account = async || told(&admin.get(&format!("/v1/users/{account}/history?depth=simple")).await.1);
        assert_eq!(of_account().await, ["made create_contact Marco Silva"]);
        assert_eq!(manager.patch(&format!("/v1/contacts/{ada}"), json!({ "access_level": "limited" }), None).await.0, 200);
        assert_eq!(of_account().await, ["saved change_contact Marco Silva", "made create_contact Marco Silva"]);
    }

    async fn s1_14_each_act_tells_on_whom_it_was(w: World) {
        let manager = signed_in(&w, "manager").await;
        let keller = format!("/v1/customers/{}", w.ids.keller);
        let contact = json!({ "first": "Ada", "last": "Brandt", "access_level": "read_only", "username": "ada" });
        let ada = made(&manager.post(&format!("{keller}/contacts"), contact).await);
        let path = format!("/v1/contacts/{ada}");
        assert_eq!(manager.post(&format!("{path}/password"), json!({})).await.0, 201);
        assert_eq!(manager.put("/v1/session/acting", json!({ "contact": ada }), None).await.0, 200);
        assert_eq!(manager.delete("/v1/session/acting").await.0, 204);
        assert_eq!(manager.patch(&path, json!({ "access_level": "none", "last": "Lind" }), None).await.0, 200);
        made(&manager.post(&format!("{keller}/consents"), json!({ "role": "executive", "given_by": "Maria Keller" })).await);
        assert_eq!(manager.put("/v1/session/acting", json!({ "customer": w.ids.keller }), None).await.0, 200);
        assert_eq!(manager.delete("/v1/session/acting").await.0, 204);
        let (_, acts) = manager.get(&format!("{keller}/history")).await;
        let on: Vec<(&str, &str, &Value)> = acts["items"].as_array().unwrap().iter().rev()
            .map(|act| (act["act"].as_str().unwrap(), act["entity"].as_str().unwrap(), &act["entity_name"])).collect();
        let (ada, maria, keller) = (json!("Ada Lind"), json!("Maria Keller"), json!("Keller Bau GmbH"));
        assert_eq!(on, [
            ("create_contact", "contact", &ada),
            ("generate_contact_password", "contact", &ada),
            ("act_for", "contact", &ada),
            ("change_contact", "contact", &ada),
            ("give_consent", "consent", &maria),
            ("act_for", "customer", &keller),
            ("stop_acting", "session", &Value::Null),
        ]);
        // As it was then, it is written down, and no id in its place.
        assert_eq!(acts["items"][4]["changes"], json!({ "contact": [null, "Ada Brandt"] }), "{acts}");
        assert_eq!(acts["items"][1]["changes"], json!({ "customer": [null, "Keller Bau GmbH"] }), "{acts}");
        assert!(verify(&w).await.is_ok(), "no hash is over a name that is looked up");
    }

    async fn what_has_left_a_customer_is_not_called_there_as_it_is_elsewhere(w: World) {
        let admin = signed_in(&w, "admin").await;
        let (_, owners) = admin.get("/v1/organizations?limit=200").await;
        let yard = owners["items"].as_array().unwrap().iter().find(|owner| owner["code"] == "KELLER").unwrap();
        let path = format!("/v1/organizations/{}", yard["id"].as_str().unwrap());
        let called = async |customer: CustomerId| {
            let (_, acts) = admin.get(&format!("/v1/customers/{customer}/history")).await;
            acts["items"][0]["entity_name"].clone()
        };
        assert_eq!(admin.patch(&path, json!({ "name": "First yard" }), None).await.0, 200);
        assert_eq!(called(w.ids.keller).await, "First yard");
        assert_eq!(admin.patch(&path, json!({ "customer": w.ids.waco }), None).await.0, 200);
        assert_eq!(admin.patch(&path, json!({ "name": "Waco, third yard" }), None).await.0, 200);
        assert_eq!((called(w.ids.keller).await, called(w.ids.waco).await), (Value::Null, json!("Waco, third yard")));
    }

    async fn s4_16_an_imported_record_was_made_by_its_import_and_what_was_there_before_by_nobody_known(w: World) {
        let files = tempfile::tempdir().unwrap();
        let load = async |kind: Kind, text: &str| {
            let path = files.path().join(format!("{}.csv", kind.name()));
            std::fs::write(&path, text).unwrap();
            import(&w.app.db, kind, &path, &Options::default(), &mut |_, _| {}).await.unwrap().added
        };
        assert_eq!(load(Kind::Customers, "number,name,shop\n77990017,Brought Haulage,SLN\n77990018,Brought Too,SLN\n").await, 2);
        assert_eq!(load(Kind::Assets, "organization,asset_number\nKELLER,77990019\n").await, 1);
        let manager = signed_in(&w, "manager").await;
        let simple = async |path: &str| manager.get(&format!("{path}/history?depth=simple")).await.1;
        let customer = by_hand::texts(&w, "SELECT id FROM customer WHERE name = 'Brought Haulage'").await.remove(0);
        let asset = by_hand::texts(&w, "SELECT id FROM asset WHERE asset_number = '77990019'").await.remove(0);
        let path = format!("/v1/customers/{customer}");
        for path in [&path, &format!("/v1/assets/{asset}")] {
            let acts = simple(path).await;
            assert_eq!(told(&acts), ["made import command line"], "{path}");
            assert_eq!(acts["items"][0]["changes"], json!({}), "how many came with it is not told: {acts}");
        }
        assert_eq!(manager.patch(&path, json!({ "city": "Tracy" }), None).await.0, 200);
        assert_eq!(told(&simple(&path).await), ["saved change_customer Marco Silva", "made import command line"]);
        // A moment older than the import, they are none of it.
        for path in [format!("/v1/customers/{}", w.ids.keller), format!("/v1/assets/{}", w.ids.excavator)] {
            assert_eq!(told(&simple(&path).await), Vec::<String>::new(), "{path}");
        }
        // Nor is it told to those who see their own acts only.
        let contacts = format!("/v1/customers/{customer}/contacts");
        made(&manager.post(&contacts, json!({ "last": "Boss", "right": "portal_administrator", "access_level": "carrier_view", "username": "boss" })).await);
        let (_, acts) = let_in(&w, "boss").await.get(&format!("{path}/history?depth=simple")).await;
        assert_eq!(told(&acts), Vec::<String>::new());
    }

    async fn no_secret_is_in_any_row(w: World) {
        let admin = w.sign_in("admin").await;
        let mut secrets = vec![admin.token.clone().unwrap(), "demo".to_owned()];
        let body = json!({ "username": "nora", "kind": "staff", "last": "Lind", "shop": "SLN" });
        let nora = made(&admin.post("/v1/users", body).await);
        let (_, generated) = admin.post(&format!("/v1/users/{nora}/password"), json!({})).await;
        secrets.push(generated["password"].as_str().unwrap().to_owned());
        let (_, opened) = w.stranger().post("/v1/sessions", json!({ "username": "nora", "password": generated["password"] })).await;
        let caller = w.with_token(opened["token"].as_str().unwrap());
        secrets.extend([caller.token.clone().unwrap(), "a few words of my own".to_owned()]);
        let own = json!({ "current": generated["password"], "new": "a few words of my own" });
        assert_eq!(caller.put("/v1/session/password", own, None).await.0, 200);
        let (_, kiosk) = admin.post("/v1/kiosks", json!({ "label": "Bay 4", "shop": "SLN" })).await;
        secrets.push(kiosk["device_token"].as_str().unwrap().to_owned());
        let (_, terminal) = w.stranger().post("/v1/kiosk-sessions", json!({ "device_token": kiosk["device_token"] })).await;
        secrets.push(terminal["token"].as_str().unwrap().to_owned());
        let contact = json!({ "last": "Brandt", "access_level": "full", "username": "ada" });
        let ada = made(&admin.post(&format!("/v1/customers/{}/contacts", w.ids.keller), contact).await);
        let (_, generated) = admin.post(&format!("/v1/contacts/{ada}/password"), json!({})).await;
        secrets.push(generated["password"].as_str().unwrap().to_owned());
        let hashes: Vec<String> = secrets.iter().map(|secret| token_hash(secret)).collect();
        secrets.extend(hashes);
        secrets.extend(by_hand::texts(&w, "SELECT password_hash FROM user_account WHERE password_hash <> ''").await);
        secrets.extend(by_hand::texts(&w, "SELECT token_hash FROM session UNION SELECT token_hash FROM kiosk_device").await);
        let rows = by_hand::audit(&w).await;
        for act in ["create_user", "generate_user_password", "change_password", "enrol_kiosk", "sign_in_kiosk", "generate_contact_password", "sign_in"] {
            assert!(rows.iter().any(|row| row.contains(&format!(" {act} "))), "{act} is written down");
        }
        let kept = by_hand::texts(&w, "SELECT answer FROM idempotency").await;
        for secret in &secrets {
            let seen: Vec<&String> = rows.iter().chain(&kept).filter(|row| row.contains(secret.as_str())).collect();
            assert!(seen.is_empty(), "{secret:?} is in {seen:?}");
        }
        // The look would find one: what is no secret is there.
        assert!(rows.iter().any(|row| row.contains("nora")));
    }

    async fn trap_14_every_act_says_what_the_record_says(w: World) {
        let admin = signed_in(&w, "admin").await;
        let (customer, asset) = (format!("/v1/customers/{}", w.ids.keller), format!("/v1/assets/{}", w.ids.excavator));
        let contact = json!({ "first": odd("Fi"), "last": odd("La"), "job_title": odd("Jo"), "salutation": odd("Sa") });
        let request = json!({ "shop": "SLN", "complaint": odd("Co"), "note": odd("No"), "po_number": odd("Po"), "lines": [{ "other_text": odd("Li") }] });
        for (path, body) in [
            ("/v1/customers".to_owned(), json!({ "shop": "SLN", "name": odd("Na"), "number": odd("Nu"), "city": odd("Ci"), "notes": odd("No") })),
            ("/v1/shops".to_owned(), json!({ "code": odd("Co"), "name": odd("Na"), "time_zone": "UTC", "country": "US" })),
            ("/v1/organizations".to_owned(), json!({ "code": odd("Co"), "name": odd("Na") })),
            ("/v1/users".to_owned(), json!({ "username": "nora", "kind": "staff", "first": odd("Fi"), "last": odd("La"), "shop": "SLN" })),
            ("/v1/kiosks".to_owned(), json!({ "label": odd("La"), "shop": "SLN" })),
            ("/v1/service-codes".to_owned(), json!({ "code": odd("Co"), "name": odd("Na") })),
            (format!("{customer}/consents"), json!({ "role": "executive", "given_by": odd("Gi") })),
            (format!("{customer}/contacts"), contact),
            (format!("{asset}/readings"), json!({ "value": "12904", "comment": odd("Co") })),
            (format!("{asset}/service-requests"), request),
        ] {
            let (status, record) = admin.post(&path, body.clone()).await;
            assert_eq!(status, 201, "{path}: {record}");
            let noted = changes(&w).await.pop().expect("it was noted").1;
            let fields = body.as_object().unwrap().iter().filter(|(_, sent)| sent.as_str().is_some_and(|sent| sent.contains('\u{1b}')));
            for (field, _) in fields {
                assert_eq!(noted[field][1], record[field], "{path} {field}: {noted}");
                assert!(record[field].as_str().is_some_and(|kept| kept.contains("[2Jx")), "{path} {field}: {record}");
            }
        }
    }

    async fn trap_14_no_operation_notes_what_drives_a_terminal(w: World) {
        let (_, document) = w.stranger().get("/openapi.json").await;
        let contract = Contract::read(&document, &Contract::matrix());
        let targets = Targets::plant(&w).await;
        let people = People::hire(&w, &targets, "scribe").await;
        for operation in contract.operations.iter().filter(|operation| !operation.is_open && !operation.is_get()) {
            let path = targets.address(&operation.path, Target::Own, &people, None).unwrap();
            for field in &operation.fields {
                // Some change the session that they are sent in.
                let admin = signed_in(&w, "admin").await;
                let mut body = operation.body.clone().unwrap_or_else(|| json!({}));
                body[field.as_str()] = json!(odd("x"));
                admin.send(&operation.method, &path, &[], Some(body.to_string().into_bytes())).await;
            }
        }
        let (mut noted, mut acts) = (Vec::new(), BTreeSet::new());
        for (act, changes) in changes(&w).await {
            let before = noted.len();
            gather(&changes, &mut noted);
            if noted[before..].iter().any(|text| text.contains("[2Jx")) {
                acts.insert(act);
            }
        }
        for text in &noted {
            assert_eq!(&clean_text(text), text);
        }
        // The walk got through wherever the smallest body is enough.
        for act in ["change_customer", "create_contact", "create_organization", "request_service", "set_service_code", "void_reading"] {
            assert!(acts.contains(act), "{act} is not among {acts:?}");
        }
    }

    async fn s1_5_a_customers_administrator_sees_what_he_and_those_he_named_did(w: World) {
        let manager = signed_in(&w, "manager").await;
        let contacts = format!("/v1/customers/{}/contacts", w.ids.keller);
        let boss = json!({ "last": "Keller", "right": "portal_administrator", "access_level": "carrier_view", "username": "boss" });
        made(&manager.post(&contacts, boss).await);
        let by_the_dealer = json!({ "last": "Vogel", "platform_role": "fleet", "access_level": "carrier_view", "username": "vogel" });
        made(&manager.post(&contacts, by_the_dealer).await);
        let boss = let_in(&w, "boss").await;
        let brandt = json!({ "first": "Ada", "last": "Brandt", "platform_role": "fleet", "access_level": "carrier_view", "username": "brandt" });
        let named_by_him = made(&boss.post(&contacts, brandt).await);
        let (brandt, vogel, counter) = (let_in(&w, "brandt").await, let_in(&w, "vogel").await, signed_in(&w, "counter").await);
        let requests = format!("/v1/assets/{}/service-requests", w.ids.excavator);
        for (caller, complaint) in [(&boss, "boss"), (&brandt, "brandt"), (&vogel, "vogel"), (&counter, "counter")] {
            made(&caller.post(&requests, json!({ "complaint": complaint })).await);
        }
        let history = format!("/v1/assets/{}/history", w.ids.excavator);
        let complaints = |acts: &Value| -> Vec<String> { acts["items"].as_array().unwrap().iter().map(|act| act["changes"]["complaint"][1].as_str().unwrap().to_owned()).collect() };
        assert_eq!(complaints(&boss.get(&history).await.1), ["brandt", "boss"]);
        assert!(complaints(&boss.get(&format!("{history}?depth=simple")).await.1).is_empty(), "a request neither makes nor saves the machine");
        assert_eq!(complaints(&manager.get(&history).await.1), ["counter", "vogel", "brandt", "boss"]);
        let (_, acts) = boss.get(&format!("/v1/customers/{}/history", w.ids.keller)).await;
        assert_eq!(each(&acts, "/actor"), ["Keller"], "not what the dealer did to it: {acts}");
        // The dealer's people set her level since: that names her no other.
        assert_eq!(manager.patch(&format!("/v1/contacts/{named_by_him}"), json!({ "access_level": "full" }), None).await.0, 200);
        made(&brandt.post(&requests, json!({ "complaint": "brandt again" })).await);
        assert_eq!(complaints(&boss.get(&history).await.1), ["brandt again", "brandt", "boss"]);
        refused(&boss.get(&format!("/v1/assets/{}/history", w.ids.sweeper)).await, 404, "not_found");
        refused(&boss.get(&format!("/v1/customers/{}/history", w.ids.waco)).await, 404, "not_found");
    }

    async fn every_act_is_sealed_into_one_chain(w: World) {
        let acts = some_acts(&w).await;
        let chain = verify(&w).await.unwrap();
        assert_eq!((usize::try_from(chain.rows).unwrap(), chain.waiting), (acts.len(), 0));
        assert!(acts.len() >= 5, "{acts:?}");
        let counter = signed_in(&w, "counter").await;
        assert_eq!(counter.patch(&format!("/v1/customers/{}", w.ids.keller), json!({ "city": "Hewitt" }), None).await.0, 200);
        assert!(verify(&w).await.is_ok(), "what waits is no fault");
        seal(&w).await;
        let grown = verify(&w).await.unwrap();
        assert_eq!(grown.rows, chain.rows + 1);
        assert_ne!(grown.head, chain.head);
    }

    async fn i_6_rows_of_the_audit_and_its_seals_are_neither_changed_nor_removed(w: World) {
        let acts = some_acts(&w).await;
        let (rows, head) = (by_hand::audit(&w).await, verify(&w).await.unwrap().head);
        for deed in [
            "UPDATE audit SET actor_name = 'Somebody Else'",
            "UPDATE audit SET changes = '{}', hash = ''",
            "DELETE FROM audit",
            "UPDATE audit_seal SET place = place + 1000",
            "DELETE FROM audit_seal",
        ] {
            let told = by_hand::refused(&w, deed).await;
            assert!(told.contains("are added, never changed or removed"), "{deed}: {told}");
        }
        if w.app.db.kind() == DbKind::Postgres {
            for deed in ["TRUNCATE audit", "TRUNCATE audit_seal"] {
                assert!(by_hand::refused(&w, deed).await.contains("are added, never changed or removed"), "{deed}");
            }
        }
        assert_eq!((by_hand::audit(&w).await, verify(&w).await.unwrap().head), (rows, head));
        // What happens meanwhile is added and sealed as ever.
        let counter = signed_in(&w, "counter").await;
        assert_eq!(counter.patch(&format!("/v1/customers/{}", w.ids.keller), json!({ "city": "Hewitt" }), None).await.0, 200);
        seal(&w).await;
        assert_eq!(usize::try_from(verify(&w).await.unwrap().rows).unwrap(), acts.len() + 1);
    }

    async fn a_row_that_was_changed_is_found(w: World) {
        let acts = some_acts(&w).await;
        by_hand::open_the_audit(&w).await;
        assert_eq!(by_hand::change(&w, "UPDATE audit SET actor_name = 'Somebody Else' WHERE id = $1", &[&acts[2]]).await, 1);
        assert_eq!(verify(&w).await, Err(Broken::Changed(acts[2].clone())));
        // Whoever knows how rows are hashed only moves the break to the chain.
        let forged = json!({ "city": ["Waco", "Nowhere"] }).to_string();
        let mut conn = w.app.db.read().await.unwrap();
        let rows = audit::acts(&mut conn, (Of::Customer, &w.ids.keller.to_string()), Which::All, &Scope::deployment(), None, None, 100).await.unwrap();
        drop(conn);
        let mut row = rows.into_iter().map(|told| told.act).find(|row| row.id == acts[2]).unwrap();
        row.changes = forged;
        let hash = row.own_hash();
        assert_eq!(by_hand::change(&w, "UPDATE audit SET changes = $2, hash = $3 WHERE id = $1", &[&acts[2], &row.changes, &hash]).await, 1);
        assert!(matches!(verify(&w).await, Err(Broken::Chain(place)) if place > 0));
    }

    async fn a_row_that_was_removed_is_found(w: World) {
        let acts = some_acts(&w).await;
        by_hand::open_the_audit(&w).await;
        assert_eq!(by_hand::change(&w, "DELETE FROM audit WHERE id = $1", &[&acts[1]]).await, 1);
        assert_eq!(verify(&w).await, Err(Broken::Removed(acts[1].clone())));
    }

    async fn a_seal_that_was_removed_is_found(w: World) {
        let acts = some_acts(&w).await;
        by_hand::open_the_audit(&w).await;
        let head = verify(&w).await.unwrap().head;
        let last = acts.last().unwrap().clone();
        assert_eq!(by_hand::change(&w, "DELETE FROM audit_seal WHERE audit_id = $1", &[&last]).await, 1);
        assert_eq!(verify(&w).await, Err(Broken::Unsealed(last.clone())));
        // Cut short together with its row, the chain is sound and another one.
        assert_eq!(by_hand::change(&w, "DELETE FROM audit WHERE id = $1", &[&last]).await, 1);
        assert_ne!(verify(&w).await.unwrap().head, head, "that is what `doctor` shows the last seal for");
        assert_eq!(by_hand::change(&w, "DELETE FROM audit_seal WHERE audit_id = $1", &[&acts[1]]).await, 1);
        assert_eq!(verify(&w).await, Err(Broken::Chain(2)));
    }

    async fn a_row_put_in_or_taken_out_before_it_was_sealed_is_found(w: World) {
        let acts = some_acts(&w).await;
        by_hand::open_the_audit(&w).await;
        let copied = "INSERT INTO audit (id, happened_at, actor_id, actor_name, actor_kind, act, entity, changes, hash) \
            SELECT 'ffffffff', happened_at, actor_id, 'Nobody', actor_kind, act, entity, changes, hash FROM audit WHERE id = $1";
        assert_eq!(by_hand::change(&w, copied, &[&acts[0]]).await, 1);
        assert_eq!(verify(&w).await, Err(Broken::Unsealed("ffffffff".to_owned())));
        assert_eq!(by_hand::change(&w, "DELETE FROM audit WHERE id = $1", &["ffffffff"]).await, 1);
        assert!(verify(&w).await.is_ok());
        let waits = by_hand::change(&w, "INSERT INTO audit_unsealed (audit_id) VALUES ($1)", &["gone before it was sealed"]).await;
        assert_eq!((waits, verify(&w).await), (1, Err(Broken::Removed("gone before it was sealed".to_owned()))));
        // It is told, and nobody takes the writer for it again and again.
        seal(&w).await;
        let mut conn = w.app.db.read().await.unwrap();
        assert!(!audit::waits(&mut conn).await.unwrap());
        assert_eq!(audit::last_seal(&mut conn).await.unwrap().map(|last| last.audit_id).as_ref(), acts.last());
    }

    async fn an_import_writes_one_row_for_each_batch(w: World) {
        let files = tempfile::tempdir().unwrap();
        let path = files.path().join("organizations.csv");
        std::fs::write(&path, "code,name\nONE,First yard\nTWO,Second yard\nTHREE,Third yard\n").unwrap();
        let load = async || import(&w.app.db, Kind::Organizations, &path, &Options::default(), &mut |_, _| {}).await.unwrap();
        assert_eq!(load().await.added, 3);
        let rows = async || by_hand::texts(&w, "SELECT actor_kind || ' ' || entity || ' ' || changes FROM audit WHERE act = 'import'").await;
        assert_eq!(rows().await, [r#"command_line organizations {"added":[null,3],"changed":[null,0]}"#]);
        assert_eq!(load().await.added, 0);
        assert_eq!(rows().await.len(), 1, "a file that says nothing new did nothing");
        seal(&w).await;
        assert!(verify(&w).await.is_ok());
    }
}

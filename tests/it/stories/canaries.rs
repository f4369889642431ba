//! T19: texts that stand out are planted in every record of three places, every
//! role walks everything it can read from a fourth one, and not one of them is
//! in what it receives; and who sees basic fields or own records only receives
//! no other member than those.

use std::collections::{BTreeMap, BTreeSet};

use countertop::api::ids::{AssetId, CustomerId, RepairId, ShopId};
use countertop::store::assets::{self, NewAsset};
use countertop::store::repairs::{self, RepairRow};
use countertop::store::{At, Conn, customers, places, users};
use serde_json::{Value, json};

use super::contract::{Contract, Place, Target};
use super::targets::{People, Targets, made, session, signed_in};
use crate::harness::{Caller, World, grant, user_row};

/// Where canaries sit: whatever is planted there has `zqx` and this word in it.
const PLACES: [&str; 4] = ["keller", "waco", "sagebrush", "stockton"];

/// What is planted in one place.
struct Nest {
    word: &'static str,
    customer: CustomerId,
    organization: &'static str,
    shop: (ShopId, &'static str),
}

impl Nest {
    fn say(&self, what: &str) -> String {
        format!("zqx{} {what} 4711.08 USD", self.word)
    }

    fn mail(&self, what: &str) -> String {
        format!("zqx{}-{what}@canary.example", self.word)
    }

    /// Fills every field that somebody can fill, in every record of the place.
    async fn fill(&self, w: &World, admin: &Caller) {
        let customer = format!("/v1/customers/{}", self.customer);
        let card = json!({ "notes": self.say("note"), "email": self.mail("office"), "address1": self.say("street"), "address2": self.say("gate") });
        assert_eq!(admin.patch(&customer, card, None).await.0, 200, "{}", self.word);
        let asset = self.by_hand(w).await;
        let person = json!({ "first": self.say("first"), "last": self.say("last"), "email": self.mail("contact"), "job_title": self.say("job"),
            "salutation": self.say("dear"), "username": format!("zqx{}-contact", self.word), "access_level": "full" });
        made(&admin.post(&format!("{customer}/contacts"), person).await);
        made(&admin.post(&format!("{customer}/consents"), json!({ "role": "executive", "given_by": self.say("owner") })).await);
        let reading = json!({ "meter": "engine_hours", "value": "100", "comment": self.say("comment") });
        let reading = made(&admin.post(&format!("/v1/assets/{asset}/readings"), reading).await);
        assert_eq!(admin.post(&format!("/v1/readings/{reading}/void"), json!({ "reason": self.say("void") })).await.0, 200);
        let caller = json!({ "first": self.say("who"), "last": self.say("asks"), "email": self.mail("asks") });
        let request = json!({ "shop": self.shop.1, "complaint": self.say("complaint"), "note": self.say("price"), "po_number": format!("zqx{}-po", self.word),
            "authorization_number": format!("zqx{}-an", self.word), "requester": caller, "driver": caller, "lines": [{ "other_text": self.say("line") }] });
        let request = made(&admin.post(&format!("/v1/assets/{asset}/service-requests"), request).await);
        assert_eq!(admin.post(&format!("/v1/service-requests/{request}/cancel"), json!({ "reason": self.say("cancelled") })).await.0, 200);
        made(&admin.post("/v1/kiosks", json!({ "label": format!("zqx{} terminal", self.word), "shop": self.shop.1 })).await);
    }

    /// What no form reaches.
    async fn by_hand(&self, w: &World) -> AssetId {
        let mut conn: Conn = w.app.db.write().await.unwrap();
        let scope = countertop::store::Scope::deployment();
        let owner = places::organization(&mut conn, &scope, self.organization).await.unwrap().unwrap();
        let number = format!("ZQX{}-1", self.word.to_uppercase());
        let asset = NewAsset {
            asset_number: number,
            vin: Some(format!("ZQX{}VIN", self.word.to_uppercase())),
            description: Some(self.say("machine")),
            department: Some(self.say("department")),
            class: Some(self.say("class")),
            ..NewAsset::default()
        };
        let asset = assets::insert(&mut conn, owner.id, &asset).await.unwrap();
        let repair = RepairRow {
            id: RepairId::new(),
            state: "open".to_owned(),
            description: self.say("repair"),
            reason: Some(self.say("why")),
            status: Some(self.say("waits")),
            shop_id: Some(self.shop.0),
            shop_code: None,
            shop_name: None,
            found_at: At::now(),
        };
        repairs::insert(&mut conn, asset, &repair).await.unwrap();
        customers::set_alert_note(&mut conn, self.customer, self.shop.0, Some(&self.say("alert"))).await.unwrap();
        let mut person = user_row(&format!("zqx{}-user", self.word), "customer", ("Zqx", "User"), None);
        (person.first_name, person.email) = (self.say("user"), Some(self.mail("user")));
        users::insert(&mut conn, &person, &[grant("executive", "customer", Some(self.customer.to_string()))]).await.unwrap();
        conn.commit().await.unwrap();
        asset
    }
}

/// Plants them all.
async fn plant(w: &World) {
    let admin = signed_in(w, "admin").await;
    let nests = [
        Nest { word: "keller", customer: w.ids.keller, organization: "KELLER", shop: (w.ids.sln, "SLN") },
        Nest { word: "waco", customer: w.ids.waco, organization: "WACO-ST", shop: (w.ids.sln, "SLN") },
        Nest { word: "sagebrush", customer: w.ids.sagebrush, organization: "KST", shop: (w.ids.rno, "RNO") },
    ];
    for nest in &nests {
        nest.fill(w, &admin).await;
    }
    // At another shop, of a fleet that San Leandro serves too.
    let mut conn = w.app.db.write().await.unwrap();
    customers::set_alert_note(&mut conn, w.ids.talus, w.ids.stk, Some("zqxstockton alert 4711.08 USD")).await.unwrap();
    conn.commit().await.unwrap();
    let number = json!({ "shop": "STK", "number": "zqxstockton-20990" });
    assert_eq!(admin.put(&format!("/v1/customers/{}/number", w.ids.talus), number, None).await.0, 200);
}

/// Everything that one caller received, with the question before each answer.
type Captured = Vec<(String, String)>;

/// The canaries of a place in what was received.
fn sightings(captured: &[(String, String)], word: &str) -> Vec<String> {
    let canary = format!("zqx{word}");
    let seen = captured.iter().filter(|(_, text)| text.to_lowercase().contains(&canary));
    seen.map(|(path, text)| format!("{path}: {}", text.chars().take(300).collect::<String>())).collect()
}

/// Reads everything there is to read: each record of each place by its id, all
/// lists, searches and look-ups by the planted words themselves.
async fn read_everything(caller: &Caller, contract: &Contract, targets: &Targets, people: &People, w: &World) -> Captured {
    let mut paths: Vec<String> =
        vec!["/openapi.json".into(), "/docs".into(), "/metrics".into(), format!("/v1/customers/{}", w.ids.talus), "/v1/nowhere".into()];
    paths.push(format!("/v1/customers/{}/contacts", w.ids.talus));
    for operation in contract.operations.iter().filter(|operation| operation.is_get()) {
        match operation.noun() {
            None => paths.push(operation.path.clone()),
            Some(_) => {
                paths.extend(
                    [Target::Own, Target::OtherCustomer, Target::OtherShop].map(|target| targets.address(&operation.path, target, people, None).unwrap()),
                );
            }
        }
    }
    for word in PLACES {
        paths.extend(["all", "name", "city", "number"].map(|by| format!("/v1/customers?q=zqx{word}&by={by}")));
        paths.extend([format!("/v1/assets/lookup?tag=ZQX{word}-1"), format!("/v1/assets/lookup?tag=ZQX{word}VIN"), "/v1/assets/lookup?tag=1042".to_owned()]);
    }
    paths.extend(["/v1/customers?q=keller", "/v1/customers?q=talus", "/v1/customers?q=waco", "/v1/service-requests?state=cancelled"].map(str::to_owned));
    paths.extend(["/v1/customers?q=keller&by=colour", "/v1/users?cursor=odd", "/v1/service-requests?state=odd"].map(str::to_owned));
    let mut captured = Captured::new();
    for path in paths {
        let answer = caller.send("GET", &path, &[("accept-encoding", "identity")], None).await;
        let headers = answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect::<Vec<_>>().join("\n");
        captured.push((path, headers + &answer.text));
    }
    captured
}

/// The names of all members, at any depth.
fn all_keys(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                keys.insert(name.clone());
                all_keys(member, keys);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| all_keys(item, keys)),
        _ => {}
    }
}

async fn keys_of(caller: &Caller, path: &str) -> BTreeSet<String> {
    let (status, body) = caller.get(path).await;
    assert_eq!(status, 200, "{path}: {body}");
    let mut keys = BTreeSet::new();
    all_keys(&body, &mut keys);
    keys
}

fn set(names: &str) -> BTreeSet<String> {
    names.split_whitespace().map(str::to_owned).collect()
}

on_both_databases! {
    async fn t19_no_role_sees_a_canary_of_another_shop_customer_or_organization(w: World) {
        let targets = Targets::plant(&w).await;
        let people = People::hire(&w, &targets, "nobody").await;
        plant(&w).await;
        let (_, document) = w.stranger().get("/openapi.json").await;
        let contract = Contract::read(&document, &Contract::matrix());
        let mut bytes = 0;
        let mut seen_of_their_own = BTreeMap::new();
        for template in &contract.templates {
            for (place, foreign) in [(Place::OwnShop, &["sagebrush", "stockton"][..]), (Place::OwnCustomer, &["waco", "sagebrush", "stockton"][..])] {
                let held = targets.grant(&w, &template.key, place);
                let user = w.add_user(&format!("{}-at-{place:?}", template.key), template.kind(), &[held]).await;
                let captured = read_everything(&session(&w, user).await, &contract, &targets, &people, &w).await;
                for word in foreign {
                    assert_eq!(sightings(&captured, word), Vec::<String>::new(), "{} at {place:?} sees what is {word}'s", template.key);
                }
                bytes += captured.iter().map(|(_, text)| text.len()).sum::<usize>();
                *seen_of_their_own.entry(template.key.as_str()).or_insert(0) += sightings(&captured, "keller").len();
            }
        }
        // The walk reads enough, and finds what is there for those who may.
        assert!(bytes > 1_000_000, "{bytes}");
        for role in ["administrator", "service_manager", "counter_staff", "technician", "executive", "portal_administrator"] {
            assert!(seen_of_their_own[role] > 3, "{role} saw {} answers with a canary of its own", seen_of_their_own[role]);
        }
        assert_eq!(seen_of_their_own["level_none"], 0);
        // And with a filter missing it would see the others': as the administrator does.
        let admin = signed_in(&w, "admin").await;
        let captured = read_everything(&admin, &contract, &targets, &people, &w).await;
        for word in PLACES {
            assert!(!sightings(&captured, word).is_empty(), "the harness is blind for {word}");
        }
    }

    async fn t19_basic_fields_and_own_records_are_all_that_such_a_role_receives(w: World) {
        let targets = Targets::plant(&w).await;
        plant(&w).await;
        let page = "items next total";
        let exactly = |keys: BTreeSet<String>, wanted: &str| assert_eq!(keys, set(wanted));
        let tech = signed_in(&w, "tech").await;
        let keller = format!("/v1/customers/{}", w.ids.keller);
        exactly(keys_of(&tech, &keller).await, "id name city phone");
        exactly(keys_of(&tech, "/v1/customers?q=keller").await, &format!("{page} id name city phone matched near_miss"));
        exactly(keys_of(&tech, &format!("{keller}/contacts")).await, &format!("{page} id customer_id first last phone"));
        exactly(keys_of(&tech, &format!("/v1/contacts/{}", targets.id(Target::Own, "contacts"))).await, "id customer_id first last phone");
        // Their own requests, without anything of the machine (G-10).
        let request = "id number shop code name status urgency complaint lines service_code other_text requester first last email phone extension driver \
            po_number authorization_number note requested_at source cancel_reason decline_reason version";
        let most = set(&format!("{page} {request}"));
        for role in ["accounts", "level_full", "level_limited", "level_carrier_view"] {
            let user = w.add_user(&format!("own-{role}"), "customer", &[grant(role, "customer", Some(w.ids.keller.to_string()))]).await;
            let caller = session(&w, user).await;
            let asked = json!({ "unit_number": "1043", "complaint": "mine", "lines": [{ "service_code": "OIL" }], "driver": { "first": "Dee", "last": "River", "phone": "+15105550177" } });
            let accepted = caller.post("/v1/service-requests", asked).await;
            assert_eq!(crate::harness::keys(&accepted.1), set("id number"), "{role}: {}", accepted.1);
            for path in ["/v1/service-requests".to_owned(), format!("/v1/service-requests/{}", made(&accepted))] {
                let keys = keys_of(&caller, &path).await;
                assert!(keys.is_subset(&most), "{role} at {path}: {:?}", keys.difference(&most).collect::<Vec<_>>());
            }
            let (_, list) = caller.get("/v1/service-requests").await;
            assert_eq!(list["items"].as_array().map(Vec::len), Some(1), "{role}: {list}");
        }
        // The checker sees a member too many.
        let counter = signed_in(&w, "counter").await;
        assert!(!keys_of(&counter, "/v1/service-requests").await.is_subset(&most));
        assert_ne!(keys_of(&counter, &keller).await, set("id name city phone"));
    }
}

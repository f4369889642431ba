//! T17: every endpoint × every template × every scope × every record, held
//! against the matrix by a checker that knows the document, the matrix and the
//! sentences of the contract, and nothing of our code; the same for contacts
//! under every access level (3.1, C9), and for sessions that are none.
//!
//! Which record is asked for cannot matter where the role is refused, so there
//! each call asks for another one in turn; all of them are asked for where the
//! role may. Who has a platform role and a right together asks for another one in
//! turn everywhere: each of the two alone asks for all.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use countertop::api::ids::UserId;
use countertop::store::users;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::contract::{Contract, Operation, Place, Seen, Target, Template, Wanted, reaches};
use super::targets::{Access, People, Targets, contact, made, session, signed_in};
use crate::harness::{Caller, World, grant};

/// How many templates walk at once.
const LANES: usize = 4;

/// What everybody who walks needs.
#[derive(Debug)]
struct Walk {
    w: World,
    document: Value,
    contract: Contract,
    targets: Targets,
}

impl Walk {
    async fn new(w: World) -> Arc<Self> {
        let (status, document) = w.stranger().get("/openapi.json").await;
        assert_eq!(status, 200);
        let contract = Contract::read(&document, &Contract::matrix());
        assert_eq!((contract.templates.len(), contract.operations.len() > 50), (18, true), "the whole of it was read");
        assert_eq!(contract.unknown_permissions(), Vec::<String>::new(), "permissions that the matrix does not have");
        let targets = Targets::plant(&w).await;
        Arc::new(Self { w, document, contract, targets })
    }

    /// Operations that nobody here knows how to call.
    fn unaddressed(&self, contract: &Contract, people: &People) -> Vec<String> {
        let address = |operation: &Operation| self.targets.address(&operation.path, Target::Own, people, None).err();
        contract.operations.iter().filter_map(|operation| address(operation).map(|why| format!("{}: {why}", operation.id))).collect()
    }

    async fn everything(self: &Arc<Self>) -> Vec<Seen> {
        let mut lanes = JoinSet::new();
        for lane in 0..LANES {
            let walk = Arc::clone(self);
            lanes.spawn(async move {
                let mut seen = Vec::new();
                for template in (lane..walk.contract.templates.len()).step_by(LANES) {
                    seen.extend(walk.template(template).await);
                }
                seen
            });
        }
        lanes.join_all().await.concat()
    }

    async fn template(&self, nth: usize) -> Vec<Seen> {
        let template = &self.contract.templates[nth];
        let mut people = People::hire(&self.w, &self.targets, &template.key).await;
        let mut seen = Vec::new();
        for place in Place::ALL {
            let walker = Walker::new(self, template, place).await;
            seen.extend(walker.walk(self, nth, template, &mut people).await);
        }
        seen
    }

    /// Contacts with every access, as the contract has it under its ceiling.
    async fn every_level(self: &Arc<Self>, ceilings: &Arc<Contract>) -> Vec<Seen> {
        let mut lanes = JoinSet::new();
        for lane in 0..LANES {
            let (walk, ceilings) = (Arc::clone(self), Arc::clone(ceilings));
            lanes.spawn(async move {
                let mut people = People::hire(&walk.w, &walk.targets, &format!("lane-{lane}")).await;
                let mut seen = Vec::new();
                for (nth, access) in every_access().into_iter().enumerate().skip(lane).step_by(LANES) {
                    seen.extend(walk.contact(nth, access, &ceilings.templates[nth], &mut people).await);
                }
                seen
            });
        }
        lanes.join_all().await.concat()
    }

    async fn contact(&self, nth: usize, access: Access, wanted: &Template, people: &mut People) -> Vec<Seen> {
        let (_, user) = contact(&self.w, self.w.ids.keller, &format!("contact-{nth}"), access).await;
        let caller = session(&self.w, user).await;
        let (status, answer) = caller.get("/v1/session").await;
        if access.level == "none" {
            assert_eq!(status, 401, "{access:?}: {answer}");
            return Vec::new();
        }
        assert_eq!(told(&answer), (wanted.granted(), wanted.limits()), "{access:?}");
        let walker = Walker::of(self, wanted, Place::OwnCustomer, user, caller).await;
        // Both together grant nothing that neither grants alone.
        let is_brief = access.role != "none" && access.right != "none";
        Walker { is_brief, ..walker }.walk(self, nth, wanted, people).await
    }
}

/// Somebody with one template in one place.
struct Walker {
    user: UserId,
    caller: Caller,
    place: Place,
    /// A request of its own, where that makes a difference.
    mine: Option<String>,
    /// Asks for one record of each sort in turn, not for all of them.
    is_brief: bool,
}

impl Walker {
    async fn new(walk: &Walk, template: &Template, place: Place) -> Self {
        let held = walk.targets.grant(&walk.w, &template.key, place);
        let user = walk.w.add_user(&format!("{}-at-{place:?}", template.key), template.kind(), &[held]).await;
        let caller = session(&walk.w, user).await;
        Self::of(walk, template, place, user, caller).await
    }

    async fn of(walk: &Walk, template: &Template, place: Place, user: UserId, caller: Caller) -> Self {
        let counts = ["service_request.view", "service_request.cancel"].iter().any(|name| template.cell(name) == "own");
        let mine = if counts && template.grants("service_request.add_edit") && reaches(place, "assets", Target::Own) {
            let path = format!("/v1/assets/{}/service-requests", walk.targets.id(Target::Own, "assets"));
            Some(made(&caller.post(&path, json!({ "complaint": "mine", "shop": "SLN" })).await))
        } else {
            None
        };
        Self { user, caller, place, mine, is_brief: false }
    }

    /// Asks for everything.
    async fn walk(&self, walk: &Walk, nth: usize, template: &Template, people: &mut People) -> Vec<Seen> {
        let mut seen = Vec::new();
        for (turn, operation) in walk.contract.operations.iter().enumerate() {
            let mut targets = self.targets(operation, template, turn);
            if self.is_brief && !targets.is_empty() {
                targets = vec![targets[(turn + nth) % targets.len()]];
            }
            for target in targets {
                let (status, missing) = self.ask(walk, template, operation, target, people).await;
                seen.push(Seen { template: nth, operation: operation.id.clone(), place: self.place, target, status, missing });
            }
        }
        seen
    }

    /// What to ask for.
    fn targets(&self, operation: &Operation, template: &Template, turn: usize) -> Vec<Option<Target>> {
        let Some(noun) = operation.noun() else { return if operation.is_open && self.place != Place::Deployment { vec![] } else { vec![None] } };
        if operation.is_open {
            return if self.place == Place::Deployment { vec![Some(Target::Missing)] } else { vec![] };
        }
        match Contract::wanted(operation, template, self.place, Some(Target::Own)) {
            Wanted::SignIn | Wanted::Refused(_) => vec![Some(Target::ALL[(turn + self.place as usize) % Target::ALL.len()])],
            Wanted::NotFound | Wanted::Through => {
                let own = noun == "service-requests" && operation.is_own(template) && self.mine.is_some();
                Target::ALL.into_iter().chain(own.then_some(Target::Mine)).map(Some).collect()
            }
        }
    }

    async fn ask(&self, walk: &Walk, template: &Template, operation: &Operation, target: Option<Target>, people: &mut People) -> (u16, Vec<String>) {
        let record = target.unwrap_or(Target::Missing);
        let ends_something = operation.method == "DELETE";
        if ends_something && target.is_some() {
            people.renew(&walk.w, &operation.path, record, self.user).await;
        }
        let path = walk.targets.address(&operation.path, record, people, self.mine.as_deref()).unwrap();
        let through = matches!(Contract::wanted(operation, template, self.place, target), Wanted::Through | Wanted::NotFound);
        // A refusal comes before the body is looked at; to sign in takes more than nonsense.
        let body = operation.body.as_ref().map(|body| if through && !operation.is_open { body.to_string() } else { "{nonsense".to_owned() });
        // This may be the session itself that ends, or all but the one that asks.
        let fresh = if ends_something && target.is_none() && operation.id != "EndOtherSessions" { Some(session(&walk.w, self.user).await) } else { None };
        ask(fresh.as_ref().unwrap_or(&self.caller), operation, &path, body).await
    }
}

/// Asks, and tells the status and what was missing.
async fn ask(caller: &Caller, operation: &Operation, path: &str, body: Option<String>) -> (u16, Vec<String>) {
    let answer = caller.send(&operation.method, path, &[("accept-encoding", "identity")], body.map(String::into_bytes)).await;
    let missing = if answer.status == 403 { answer.json()["missing"].clone() } else { Value::Null };
    (answer.status, serde_json::from_value(missing).unwrap_or_default())
}

/// Fails with the first of them.
#[track_caller]
fn none(differences: &[String], of: usize) {
    let first: Vec<&String> = differences.iter().take(30).collect();
    assert!(differences.is_empty(), "{} of {of} answers are not what the contract says, such as {first:#?}", differences.len());
}

/// The same checker has to see what is wrong in doctored copies.
fn sees_planted_bugs(walk: &Walk, seen: &[Seen], people: &People) {
    let reports = |contract: &Contract, seen: &[Seen], wanted: &str| {
        let found = contract.differences(seen);
        assert!(!found.is_empty() && found.iter().all(|difference| difference.contains(wanted)), "{wanted}: {found:#?}");
    };
    let doctored = |path: &str, method: &str, permissions: Value| {
        let mut document = walk.document.clone();
        document["paths"][path][method]["x-permission"] = permissions;
        Contract::read(&document, &Contract::matrix())
    };
    reports(&doctored("/v1/users", "get", json!([])), seen, "ListUsers");
    reports(&doctored("/v1/shops", "get", json!(["shop.manage"])), seen, "ListShops");
    assert_eq!(doctored("/v1/shops", "get", json!(["shop.fly"])).unknown_permissions(), ["ListShops: shop.fly"]);
    let mut open = walk.document.clone();
    open["paths"]["/v1/kiosks"]["get"].as_object_mut().unwrap().remove("x-permission");
    reports(&Contract::read(&open, &Contract::matrix()), seen, "ListKiosks");
    let mut wider = walk.contract.clone();
    for template in wider.templates.iter_mut().filter(|template| template.key == "technician") {
        *template = template.doctored("customer.create", "yes");
    }
    reports(&wider, seen, "CreateCustomer");
    // A server that forgets one filter, and one that names the wrong right.
    let found = |one: &&Seen| one.operation == "GetAsset" && one.target == Some(Target::OtherShop) && one.status == 404;
    let leak = Seen { status: 200, ..seen.iter().find(found).expect("such a call").clone() };
    reports(&walk.contract, &[leak], "GetAsset");
    let refused = |one: &&Seen| one.operation == "ListUsers" && one.status == 403;
    let misnamed = Seen { missing: vec!["user.list".to_owned()], ..seen.iter().find(refused).expect("such a call").clone() };
    reports(&walk.contract, &[misnamed], "ListUsers");
    // An endpoint that was added and that nobody taught the walk.
    let mut grown = walk.document.clone();
    grown["paths"]["/v1/gadgets/{gadget}"] = json!({ "get": { "operationId": "GetGadget", "x-permission": ["asset.lookup"] } });
    let unaddressed = walk.unaddressed(&Contract::read(&grown, &Contract::matrix()), people);
    assert!(matches!(unaddressed.as_slice(), [only] if only.starts_with("GetGadget")), "{unaddressed:?}");
}

/// What each level takes away from all other roles: the table of 3.1, by names.
const TAKEN_BY_FULL: [&str; 1] = ["carrier.view"];
const TAKEN_BY_LIMITED: [&str; 11] = [
    "carrier.view",
    "price.view",
    "export.run",
    "asset.history.export",
    "finance.invoice.list",
    "finance.invoice.request",
    "finance.invoice.manage",
    "parts.order.invoice.view",
    "finance.history.view",
    "finance.statement.request",
    "finance.credit.view",
];
/// "And every writing permission": what customers' people may hold of them.
const TAKEN_BY_READ_ONLY_TOO: [&str; 25] = [
    "home.invite.send",
    "customer.create",
    "contact.manage",
    "contact.rights.manage",
    "contact.role.manage",
    "contact.credential.manage",
    "asset.create",
    "asset.connect.request",
    "meter.reading.add_edit",
    "schedule.manage",
    "service_request.add_edit",
    "service_request.cancel",
    "appointment.add_edit",
    "appointment.cancel",
    "person.manage",
    "estimate.respond",
    "finance.invoice.request",
    "parts.order.create",
    "service_subscription.request",
    "service_subscription.activate",
    "purchase.create",
    "delivery.manage",
    "installation.manage",
    "ticket.log",
    "user.manage",
];

/// What a contact holds, by the matrix and that table: its platform role and
/// right, or the template of its level where it has neither.
fn under_its_ceiling(contract: &Contract, access: Access) -> Template {
    let template = |key: &str| contract.template(key).clone();
    let held = match (access.role, access.right) {
        ("none", "none") => template(&format!("level_{}", access.level)),
        (role, "none") => template(role),
        ("none", right) => template(right),
        (role, right) => template(role).and(&template(right)),
    };
    let left = match access.level {
        "full" => held.without(&TAKEN_BY_FULL),
        "limited" => held.without(&TAKEN_BY_LIMITED),
        "read_only" => held.without(&TAKEN_BY_LIMITED).without(&TAKEN_BY_READ_ONLY_TOO),
        "carrier_view" => held,
        _ => Template::of("nothing", BTreeMap::new()),
    };
    Template { key: format!("{} and {} under {}", access.role, access.right, access.level), ..left }
}

/// Every platform role and right under every level.
fn every_access() -> Vec<Access> {
    let mut every = Vec::new();
    for role in ["none", "executive", "accounts", "fleet"] {
        for right in ["none", "portal_administrator", "fleet_administrator", "insight_user"] {
            for level in ["none", "full", "limited", "carrier_view", "read_only"] {
                every.push(Access { role, right, level });
            }
        }
    }
    every
}

/// What a session says of itself: what is granted, and how far.
fn told(session: &Value) -> (BTreeSet<String>, BTreeMap<String, String>) {
    let read = |key: &str| session[key].clone();
    (serde_json::from_value(read("permissions")).unwrap(), serde_json::from_value(read("limits")).unwrap())
}

on_both_databases! {
    async fn t17_every_endpoint_every_template_every_scope_every_record(w: World) {
        let walk = Walk::new(w).await;
        let people = People::hire(&walk.w, &walk.targets, "nobody").await;
        assert_eq!(walk.unaddressed(&walk.contract, &people), Vec::<String>::new(), "teach `targets` how to call these");
        let seen = walk.everything().await;
        none(&walk.contract.differences(&seen), seen.len());
        let walked: BTreeSet<&str> = seen.iter().map(|one| one.operation.as_str()).collect();
        assert_eq!(walked.len(), walk.contract.operations.len(), "every operation was called");
        assert!(seen.len() > 10_000, "{}", seen.len());
        sees_planted_bugs(&walk, &seen, &people);
    }

    async fn t17_c9_every_role_and_right_under_every_level(w: World) {
        let walk = Walk::new(w).await;
        let templates = every_access().into_iter().map(|access| under_its_ceiling(&walk.contract, access)).collect();
        let ceilings = Arc::new(Contract { templates, ..walk.contract.clone() });
        let seen = walk.every_level(&ceilings).await;
        none(&ceilings.differences(&seen), seen.len());
        // Under each level what is one's own and what is others' was asked for.
        for level in ["full", "limited", "carrier_view", "read_only"] {
            let of_level = |one: &&Seen| ceilings.templates[one.template].key.ends_with(&format!(" under {level}"));
            for target in Target::ALL {
                let how_many = seen.iter().filter(of_level).filter(|one| one.target == Some(target)).count();
                assert!(how_many > 50, "{level}: {target:?} was asked for {how_many} times");
            }
        }
        let of_another = |one: &&Seen| one.operation == "GetAsset" && one.target == Some(Target::OtherCustomer) && one.status == 404;
        let leak = Seen { status: 200, ..seen.iter().find(of_another).expect("such a call").clone() };
        assert!(matches!(ceilings.differences(&[leak]).as_slice(), [only] if only.starts_with("GetAsset")), "another customer's machine would be seen");
        // A ceiling with a hole in it would be seen.
        let nth = ceilings.templates.iter().position(|one| one.key == "executive and none under read_only").unwrap();
        let mut holed = Contract::clone(&ceilings);
        holed.templates[nth] = holed.templates[nth].doctored("meter.reading.add_edit", "yes");
        let found = holed.differences(&seen);
        assert!(matches!(found.as_slice(), [only] if only.starts_with("AddReading")), "{found:#?}");
        let holed = ceilings.templates[nth].doctored("price.view", "yes");
        assert_ne!(holed.granted(), ceilings.templates[nth].granted());
    }

    async fn t17_without_a_good_session_everything_but_what_is_open_is_401(w: World) {
        let walk = Walk::new(w).await;
        let w = &walk.w;
        let people = People::hire(w, &walk.targets, "nobody").await;
        let all = [grant("administrator", "deployment", None)];
        let user = w.add_user("ended", "staff", &all).await;
        let (hour, now) = (SignedDuration::from_hours(1), Timestamp::now());
        let (signed_out, expired, idle) = (
            session(w, user).await,
            w.open_session(user, hour, now - SignedDuration::from_secs(1)).await,
            w.open_session(user, SignedDuration::from_micros(1), now + hour).await,
        );
        assert_eq!(signed_out.get("/v1/users").await.0, 200, "it was good");
        assert_eq!(signed_out.delete("/v1/session").await.0, 204);
        let gone = w.add_user("gone", "staff", &all).await;
        let disabled = session(w, gone).await;
        assert_eq!(disabled.get("/v1/users").await.0, 200, "it was good");
        let admin = signed_in(w, "admin").await;
        assert_eq!(admin.patch(&format!("/v1/users/{gone}"), json!({ "state": "disabled" }), None).await.0, 200);
        let callers = [("no token", w.stranger()), ("ended", signed_out), ("expired", expired), ("idle", idle), ("disabled", disabled), ("made up", w.with_token("made-up"))];
        for operation in &walk.contract.operations {
            let path = walk.targets.address(&operation.path, Target::Own, &people, None).unwrap();
            for (why, caller) in &callers {
                let (status, _) = ask(caller, operation, &path, operation.body.as_ref().map(|_| "{nonsense".to_owned())).await;
                if operation.is_open {
                    assert!(!matches!(status, 401 | 403) && status < 500, "{why} at {}: {status}", operation.id);
                } else {
                    assert_eq!(status, 401, "{why} at {}", operation.id);
                }
            }
        }
    }

    async fn t17_t21_a_role_taken_a_moment_ago_is_refused_with_the_next_call(w: World) {
        let walk = Walk::new(w).await;
        let w = &walk.w;
        let people = People::hire(w, &walk.targets, "nobody").await;
        let user = w.add_user("wavering", "staff", &[]).await;
        let caller = session(w, user).await;
        let bare = Template::of("no role at all, a staff user", BTreeMap::new());
        for operation in walk.contract.operations.iter().filter(|operation| !operation.missing(&bare).is_empty()) {
            let path = walk.targets.address(&operation.path, Target::Missing, &people, None).unwrap();
            let body = || operation.body.as_ref().map(Value::to_string);
            let mut conn = w.app.db.write().await.unwrap();
            let given = users::give(&mut conn, user, &grant("administrator", "deployment", None)).await.unwrap();
            conn.commit().await.unwrap();
            let (status, missing) = ask(&caller, operation, &path, body()).await;
            assert!(!matches!(status, 401 | 403) && status < 500, "{}: {status} {missing:?}", operation.id);
            let mut conn = w.app.db.write().await.unwrap();
            assert!(users::end_grant(&mut conn, user, given).await.unwrap());
            conn.commit().await.unwrap();
            assert_eq!(ask(&caller, operation, &path, body()).await, (403, operation.missing(&bare)), "{}", operation.id);
        }
    }
}

//! Every write over a line that breaks in every way, sent again, in turn or all
//! at once: it is done once, and every answer is the same answer (T11).
//!
//! The writes are those of the table of operations; the test fails for one that
//! is in none of the lists here.

use std::time::Duration;

use countertop::api::operation::{ENDPOINTS, Method};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::evidence;
use super::proxy::{Accident, Proxy};
use crate::dice::{self, Dice};
use crate::harness::{Answer, Caller, Database, World, tell};

/// Writes that take a key.
const KEYED: [&str; 16] = [
    "CreateCustomer",
    "CreateContact",
    "GiveConsent",
    "AddReading",
    "VoidReading",
    "RestoreReading",
    "ReplaceMeter",
    "RequestService",
    "RequestServiceByUnit",
    "CancelRequest",
    "CreateOrganization",
    "CreateShop",
    "SetServiceCode",
    "CreateUser",
    "GiveGrant",
    "CopyRole",
];

/// Changes of a record that has a version; a new one is of version 1.
const VERSIONED: [&str; 6] = ["ChangeCustomer", "SetCustomerNumber", "ChangeContact", "ChangeOrganization", "ChangeShop", "ChangeUser"];

/// Writes that have neither, and why doing them twice is no harm.
const NEITHER: [(&str, &[&str]); 4] = [
    (
        "whoever is not signed in has no keys: another sign-in is another session",
        &["SignIn", "BeginDeviceSignIn", "PollDeviceSignIn", "UsePasswordLink", "SignInKiosk"],
    ),
    (
        "its answer is a secret, which is not kept: the next one is good in place of it, or says that it is there",
        &["GenerateContactPassword", "GenerateUserPassword", "EnrolKiosk", "ReplaceKioskToken", "SendContactLink", "SendUserLink"],
    ),
    ("it says how things are to be: twice is once", &["ChangeSession", "ChangePassword", "ActFor", "ChangePortalSettings", "ChangeKiosk", "ChangeRole"]),
    ("what is gone is gone", &["EndSession", "EndOtherSessions", "StopActing", "SignOut", "EndConsent", "EndGrant", "EndUserSession"]),
];

#[test]
fn every_write_of_the_table_is_sent_here_or_has_a_reason() {
    let reasoned = NEITHER.iter().flat_map(|(_, names)| names.iter().copied());
    let mut known: Vec<&str> = KEYED.into_iter().chain(VERSIONED).chain(reasoned).collect();
    let mut all: Vec<&str> = ENDPOINTS.iter().filter(|endpoint| endpoint.method != Method::Get).map(|endpoint| endpoint.name).collect();
    known.sort_unstable();
    all.sort_unstable();
    assert_eq!(known, all);
}

/// A write, with all there that it needs.
struct Ready {
    path: String,
    body: Value,
    /// Under the same key it is another write.
    other: Value,
}

/// A world, somebody who may do everything, and the bad line to it.
struct Scene {
    w: World,
    near: Caller,
    far: Caller,
    proxy: Proxy,
    dice: Dice,
}

impl Scene {
    async fn set(w: World, seed: u64) -> Self {
        let near = w.sign_in("admin").await;
        let proxy = Proxy::to(&w.server).await;
        let mut far = Caller::at(&proxy.url, Duration::from_secs(30));
        far.token.clone_from(&near.token);
        Self { w, near, far, proxy, dice: Dice::of(seed) }
    }

    /// Makes something on the good line and gives its id.
    async fn made(&self, path: &str, body: Value) -> String {
        let (status, made) = self.near.post(path, body).await;
        assert!(matches!(status, 200 | 201), "{path}: {status} {made}");
        made["id"].as_str().expect("an id").to_owned()
    }

    async fn reading(&self, mark: &str) -> String {
        let path = format!("/v1/assets/{}/readings", self.w.ids.loader);
        self.made(&path, json!({ "meter": "cycles", "value": "100", "comment": mark })).await
    }

    /// The same write never comes twice: each has a mark of its own.
    async fn ready(&self, name: &str, mark: &str) -> Ready {
        let ids = self.w.ids;
        let loader = format!("/v1/assets/{}", ids.loader);
        let keller = format!("/v1/customers/{}", ids.keller);
        let reason = json!({ "reason": mark });
        let (path, body) = match name {
            "CreateCustomer" => ("/v1/customers".to_owned(), json!({ "name": mark, "number": mark })),
            "CreateContact" => (format!("{keller}/contacts"), json!({ "last": mark })),
            "GiveConsent" => (format!("{keller}/consents"), json!({ "role": "executive", "given_by": mark })),
            "AddReading" => (format!("{loader}/readings"), json!({ "meter": "cycles", "value": "100", "comment": mark })),
            "VoidReading" => (format!("/v1/readings/{}/void", self.reading(mark).await), reason),
            "RestoreReading" => {
                let reading = format!("/v1/readings/{}", self.reading(mark).await);
                self.made(&format!("{reading}/void"), reason).await;
                (format!("{reading}/restore"), json!({}))
            }
            "ReplaceMeter" => {
                let asset = format!("/v1/assets/{}", self.w.add_asset("KELLER", mark).await);
                self.made(&format!("{asset}/readings"), json!({ "meter": "cycles", "value": "100" })).await;
                (format!("{asset}/meters/cycles/replace"), json!({ "old_last": "100", "new_first": "0" }))
            }
            "RequestService" => (format!("{loader}/service-requests"), json!({ "complaint": mark })),
            "RequestServiceByUnit" => ("/v1/service-requests".to_owned(), json!({ "unit_number": "1043", "complaint": mark })),
            "CancelRequest" => {
                let request = self.made(&format!("{loader}/service-requests"), json!({ "complaint": mark })).await;
                (format!("/v1/service-requests/{request}/cancel"), reason)
            }
            "CreateOrganization" => ("/v1/organizations".to_owned(), json!({ "code": mark, "name": mark })),
            "CreateShop" => ("/v1/shops".to_owned(), json!({ "code": mark, "name": mark, "time_zone": "America/Los_Angeles", "country": "US" })),
            "SetServiceCode" => ("/v1/service-codes".to_owned(), json!({ "code": mark, "name": mark })),
            "CreateUser" => ("/v1/users".to_owned(), json!({ "username": mark, "kind": "staff", "last": mark })),
            "GiveGrant" => {
                let user = self.made("/v1/users", json!({ "username": mark, "kind": "staff", "last": mark })).await;
                (format!("/v1/users/{user}/grants"), json!({ "role": "technician", "scope": { "kind": "shop", "id": "SLN" } }))
            }
            "CopyRole" => ("/v1/roles".to_owned(), json!({ "copy_of": "technician", "key": format!("copy_{mark}"), "name": mark })),
            change => self.change(change, mark).await,
        };
        Ready { path, body, other: json!({ "something": "else" }) }
    }

    /// A new record, and a change of it.
    async fn change(&self, name: &str, mark: &str) -> (String, Value) {
        let customer = json!({ "name": mark, "number": mark });
        match name {
            "ChangeCustomer" => (format!("/v1/customers/{}", self.made("/v1/customers", customer).await), json!({ "notes": mark })),
            "SetCustomerNumber" => (format!("/v1/customers/{}/number", self.made("/v1/customers", customer).await), json!({ "number": format!("{mark}N") })),
            "ChangeContact" => {
                let contact = self.made(&format!("/v1/customers/{}/contacts", self.w.ids.keller), json!({ "last": mark })).await;
                (format!("/v1/contacts/{contact}"), json!({ "first": mark }))
            }
            "ChangeOrganization" => {
                let organization = self.made("/v1/organizations", json!({ "code": mark, "name": mark })).await;
                (format!("/v1/organizations/{organization}"), json!({ "name": format!("{mark} Ltd") }))
            }
            "ChangeShop" => {
                let shop = json!({ "code": mark, "name": mark, "time_zone": "America/Los_Angeles", "country": "US" });
                (format!("/v1/shops/{}", self.made("/v1/shops", shop).await), json!({ "name": format!("{mark} yard") }))
            }
            "ChangeUser" => {
                let user = self.made("/v1/users", json!({ "username": mark, "kind": "staff", "last": mark })).await;
                (format!("/v1/users/{user}"), json!({ "first": mark }))
            }
            other => panic!("nobody knows how to send {other}"),
        }
    }

    /// How many acts the audit has: each write is one.
    async fn acts(&self) -> i64 {
        evidence::number(&self.w.app.db, "SELECT COUNT(*) FROM audit").await
    }
}

/// How often it is sent again, and how.
#[derive(Debug, Clone, Copy)]
struct Trial {
    accident: Accident,
    /// So many of them one after the other.
    accidents: usize,
    /// All are sent at once.
    at_once: bool,
    /// Whether each sending bears the same key: if not, that has to be found.
    keeps_the_key: bool,
}

/// The method, and the header that makes its repeats one.
type Manners = (&'static str, &'static str, String);

fn manners(name: &str, key: String) -> Manners {
    let method = ENDPOINTS.iter().find(|endpoint| endpoint.name == name).expect("it is in the table").method;
    match method {
        Method::Post => ("POST", "idempotency-key", key),
        other => (other.name(), "if-match", "\"1\"".to_owned()),
    }
}

async fn send(caller: Caller, (method, header, value): Manners, path: String, body: Value) -> reqwest::Result<Answer> {
    caller.try_to_send(method, &path, &[(header, value.as_str())], Some(body.to_string().into_bytes())).await
}

/// Sends one write through its accidents and says what is wrong then.
async fn try_one(scene: &Scene, name: &str, mark: &str, trial: Trial) -> Result<(), String> {
    let ready = scene.ready(name, mark).await;
    let before = scene.acts().await;
    scene.proxy.will(std::iter::repeat_n(trial.accident, trial.accidents));
    let sent = |caller: &Caller, body: &Value, nth: usize| {
        let key = if trial.keeps_the_key { mark.to_owned() } else { format!("{mark}-{nth}") };
        send(caller.clone(), manners(name, key), ready.path.clone(), body.clone())
    };
    let mut heard: Vec<Answer> = Vec::new();
    if trial.at_once {
        let mut sendings = JoinSet::new();
        for nth in 0..=trial.accidents {
            sendings.spawn(sent(&scene.far, &ready.body, nth));
        }
        heard.extend(sendings.join_all().await.into_iter().flatten());
    }
    for nth in trial.accidents + 1..60 {
        if heard.iter().any(is_an_answer) {
            break;
        }
        heard.extend(sent(&scene.far, &ready.body, nth).await);
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    scene.proxy.is_quiet().await;
    heard.extend(sent(&scene.near, &ready.body, 60).await);
    let heard: Vec<Answer> = heard.into_iter().filter(is_an_answer).collect();
    let effects = scene.acts().await - before;
    if effects != 1 {
        return Err(format!("{effects} effects of one write"));
    }
    if VERSIONED.contains(&name) {
        are_one_change(&heard)
    } else {
        are_one_answer(&heard)?;
        is_no_other_write(sent(&scene.near, &ready.other, 61).await)
    }
}

/// Whether it says what became of the write: not who has to ask again.
fn is_an_answer(answer: &Answer) -> bool {
    answer.status != 503 && answer.json()["code"] != "idempotency.running"
}

fn are_one_answer(heard: &[Answer]) -> Result<(), String> {
    let first = heard.first().ok_or("nobody was answered")?;
    let same = |answer: &&Answer| (answer.status, &answer.text, answer.version()) == (first.status, &first.text, first.version());
    match heard.iter().find(|answer| !same(answer)) {
        Some(other) => Err(format!("two answers to one write: {} {} and {} {}", first.status, first.text, other.status, other.text)),
        None if matches!(first.status, 200 | 201) => Ok(()),
        None => Err(format!("refused: {} {}", first.status, first.text)),
    }
}

/// At most one hears that he changed it; all others see what it is now.
fn are_one_change(heard: &[Answer]) -> Result<(), String> {
    let fine = heard.iter().filter(|answer| answer.status == 200).count();
    match heard.iter().find(|answer| !matches!(answer.status, 200 | 412)) {
        Some(other) => Err(format!("refused: {} {}", other.status, other.text)),
        None if heard.is_empty() || fine > 1 => Err(format!("{fine} of {} heard that they changed it", heard.len())),
        None => Ok(()),
    }
}

fn is_no_other_write(answer: reqwest::Result<Answer>) -> Result<(), String> {
    let answer = answer.map_err(|error| error.to_string())?;
    let is_told = (answer.status, &answer.json()["code"]) == (422, &json!("idempotency.reused"));
    if is_told { Ok(()) } else { Err(format!("something else under the key was answered by {} {}", answer.status, answer.text)) }
}

/// Every accident with every write, over and over.
async fn every_accident(w: World, seed: u64, trials: usize, test: &str) {
    let mut scene = Scene::set(w, seed).await;
    let pairs: Vec<(Accident, &str)> =
        Accident::ALL.into_iter().flat_map(|accident| KEYED.into_iter().chain(VERSIONED).map(move |name| (accident, name))).collect();
    let mut faults = Vec::new();
    for (nth, (accident, name)) in pairs.into_iter().cycle().take(trials).enumerate() {
        let accidents = 1 + usize::try_from(scene.dice.below(4)).expect("few");
        let trial = Trial { accident, accidents, at_once: scene.dice.one_in(4), keeps_the_key: true };
        if let Err(fault) = try_one(&scene, name, &format!("trial{nth}"), trial).await {
            faults.push(format!("trial {nth}, {name}, {trial:?}: {fault}"));
        }
    }
    assert!(faults.is_empty(), "drawn again by COUNTERTOP_SEED={seed} cargo test --test it {test}: {faults:#?}");
}

async fn over_a_bad_line(database: Database, test: &str) {
    let seed = dice::seed();
    let trials = dice::times("COUNTERTOP_TRIALS", 1_056).div_ceil(2);
    dice::print(&format!("COUNTERTOP_SEED={seed} COUNTERTOP_TRIALS={} cargo test --test it {test}", 2 * trials));
    // A world does not last for ever.
    for from in (0..trials).step_by(1_000) {
        tell(database, |w| every_accident(w, seed.wrapping_add(from as u64), (trials - from).min(1_000), test)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_over_a_bad_line_is_one_over_a_file() {
    over_a_bad_line(Database::Sqlite, "faults::retries::every_write_over_a_bad_line_is_one_over_a_file").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_write_over_a_bad_line_is_one_over_postgres() {
    over_a_bad_line(Database::Postgres, "faults::retries::every_write_over_a_bad_line_is_one_over_postgres").await;
}

on_both_databases! {
    async fn a_key_that_changes_with_each_sending_is_found(w: World) {
        let scene = Scene::set(w, 4).await;
        for (nth, accident) in [Accident::CutBeforeAnswer, Accident::CutInAnswer, Accident::NobodyAnswers].into_iter().enumerate() {
            let trial = Trial { accident, accidents: 1, at_once: false, keeps_the_key: false };
            let found = try_one(&scene, "RequestService", &format!("p{nth}"), trial).await;
            assert!(found.as_ref().is_err_and(|fault| fault.contains("effects")), "{accident:?}: {found:?}");
        }
    }
}

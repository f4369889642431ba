//! Records of every sort in four places, for those who walk the whole contract:
//! Keller's, a second organization of Keller's, Waco's at the same shop, and
//! Sagebrush's at another shop.

use std::collections::BTreeMap;

use countertop::api::contact::ContactKind;
use countertop::api::ids::{AssetId, ContactId, CustomerId, GrantId, SessionId, UserId};
use countertop::store::contacts::{self, ContactRow};
use countertop::store::sessions::{self, NewSession};
use countertop::store::users::{self, NewGrant};
use countertop::store::{At, places};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::contract::{Place, Target};
use crate::harness::{Caller, World, grant, token_hash, user_row};

/// A session long enough for any story, without any password.
pub(super) async fn session(w: &World, user: UserId) -> Caller {
    w.open_session(user, SignedDuration::from_hours(1), Timestamp::now() + SignedDuration::from_hours(2)).await
}

/// The same for an account of the fixed world.
pub(super) async fn signed_in(w: &World, username: &str) -> Caller {
    let mut conn = w.app.db.read().await.unwrap();
    let user = users::by_name(&mut conn, username).await.unwrap().unwrap_or_else(|| panic!("there is no {username}"));
    drop(conn);
    session(w, user.id).await
}

/// The id in an answer that has to be fine.
#[track_caller]
pub(super) fn made(answer: &(u16, Value)) -> String {
    assert!(matches!(answer.0, 200 | 201), "{} {}", answer.0, answer.1);
    answer.1["id"].as_str().unwrap_or_else(|| panic!("no id in {}", answer.1)).to_owned()
}

/// The hash of the password that everybody has here.
fn known_hash() -> String {
    user_row("nobody", "customer", ("No", "Body"), None).password_hash
}

/// A session of somebody who was just given an account: the password that has
/// to be changed first was changed.
pub(super) async fn let_in(w: &World, username: &str) -> Caller {
    let mut conn = w.app.db.write().await.unwrap();
    let user = users::by_name(&mut conn, username).await.unwrap().unwrap_or_else(|| panic!("there is no {username}")).id;
    users::give_password(&mut conn, user, &known_hash(), false).await.unwrap();
    conn.commit().await.unwrap();
    session(w, user).await
}

/// What decides how far a contact gets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Access {
    /// The platform role.
    pub(super) role: &'static str,
    /// The right in the portal.
    pub(super) right: &'static str,
    /// The access level.
    pub(super) level: &'static str,
}

/// Adds a contact with an account, beside the rules of the form.
pub(super) async fn contact(w: &World, customer: CustomerId, username: &str, access: Access) -> (ContactId, UserId) {
    let mut row = ContactRow {
        last_name: username.to_owned(),
        email: Some(format!("{username}@customer.example")),
        access_level: access.level.to_owned(),
        portal_right: access.right.to_owned(),
        platform_role: access.role.to_owned(),
        ..ContactRow::nobody(customer, ContactKind::Person)
    };
    let user = UserId::new();
    let mut conn = w.app.db.write().await.unwrap();
    contacts::insert(&mut conn, &row).await.unwrap();
    contacts::insert_account(&mut conn, user, &row.person_id, username).await.unwrap();
    row.user_id = Some(user);
    assert!(contacts::update(&mut conn, &row).await.unwrap());
    users::give_password(&mut conn, user, &known_hash(), false).await.unwrap();
    conn.commit().await.unwrap();
    (row.id, user)
}

/// One record of every sort: noun to id.
type Records = BTreeMap<&'static str, String>;

/// Where the records are planted.
struct Spot {
    customer: CustomerId,
    organization: &'static str,
    asset: AssetId,
    reading: &'static str,
    shop: &'static str,
    served_at: &'static str,
}

/// What can be asked for, by [`Target`].
#[derive(Debug)]
pub(super) struct Targets {
    records: [Records; 4],
    other_organization: String,
}

/// A role that the dealer copied.
const COPIED_ROLE: &str = "walked_copy";

impl Targets {
    /// Plants them all, as the administrator.
    pub(super) async fn plant(w: &World) -> Self {
        let admin = signed_in(w, "admin").await;
        let (status, _) = admin.patch(&format!("/v1/shops/{}", w.ids.rno), json!({ "accepts_requests": true }), None).await;
        assert_eq!(status, 200);
        made(&admin.post("/v1/organizations", json!({ "code": "KELLER-2", "name": "Keller, second yard", "customer": w.ids.keller })).await);
        let copied = json!({ "copy_of": "technician", "key": COPIED_ROLE, "name": "Walked copy" });
        assert_eq!(admin.post("/v1/roles", copied).await.0, 201);
        let second = w.add_asset("KELLER-2", "K2-1").await;
        let (_, listed) = admin.get("/v1/organizations?limit=200").await;
        let organizations: BTreeMap<&str, &str> =
            listed["items"].as_array().unwrap().iter().map(|one| (one["code"].as_str().unwrap(), one["id"].as_str().unwrap())).collect();
        let spots = [
            Spot { customer: w.ids.keller, organization: "KELLER", asset: w.ids.excavator, reading: "12904", shop: "SLN", served_at: "SLN" },
            Spot { customer: w.ids.keller, organization: "KELLER-2", asset: second, reading: "100", shop: "SLN", served_at: "SLN" },
            Spot { customer: w.ids.waco, organization: "WACO-ST", asset: w.ids.sweeper, reading: "100", shop: "STK", served_at: "SLN" },
            Spot { customer: w.ids.sagebrush, organization: "KST", asset: w.ids.sagebrush_88, reading: "100", shop: "RNO", served_at: "RNO" },
        ];
        let mut records = Vec::new();
        for spot in &spots {
            let mut planted = Self::plant_at(&admin, w, spot).await;
            planted.insert("organizations", organizations[spot.organization].to_owned());
            records.push(planted);
        }
        let records = records.try_into().expect("four spots");
        Self { records, other_organization: organizations["WACO-ST"].to_owned() }
    }

    async fn plant_at(admin: &Caller, w: &World, spot: &Spot) -> Records {
        let (customer, asset) = (format!("/v1/customers/{}", spot.customer), format!("/v1/assets/{}", spot.asset));
        let contact = made(&admin.post(&format!("{customer}/contacts"), json!({ "last": "Target" })).await);
        let consent = made(&admin.post(&format!("{customer}/consents"), json!({ "role": "executive", "given_by": "the owner" })).await);
        let reading = made(&admin.post(&format!("{asset}/readings"), json!({ "meter": "engine_hours", "value": spot.reading })).await);
        let request = made(&admin.post(&format!("{asset}/service-requests"), json!({ "complaint": "planted", "shop": spot.served_at })).await);
        let label = format!("of {}", spot.organization);
        let kiosk = made(&admin.post("/v1/kiosks", json!({ "label": label, "shop": spot.shop })).await);
        let mut conn = w.app.db.read().await.unwrap();
        let shop = places::shop(&mut conn, &countertop::store::Scope::deployment(), spot.shop).await.unwrap().unwrap().id;
        BTreeMap::from([
            ("customers", spot.customer.to_string()),
            ("contacts", contact),
            ("consents", consent),
            ("assets", spot.asset.to_string()),
            ("readings", reading),
            ("service-requests", request),
            ("shops", shop.to_string()),
            ("kiosks", kiosk),
        ])
    }

    /// A record's id by its noun.
    pub(super) fn id(&self, target: Target, noun: &str) -> &str {
        &self.records[nth(target)][noun]
    }

    /// The grant of a template that is limited to a place.
    pub(super) fn grant(&self, w: &World, template: &str, place: Place) -> NewGrant {
        let (kind, id) = match place {
            Place::Deployment => ("deployment", None),
            Place::OwnShop => ("shop", Some(w.ids.sln.to_string())),
            Place::OtherShop => ("shop", Some(w.ids.rno.to_string())),
            Place::OwnOrganization => ("organization", Some(self.id(Target::Own, "organizations").to_owned())),
            Place::OtherOrganization => ("organization", Some(self.other_organization.clone())),
            Place::OwnCustomer => ("customer", Some(w.ids.keller.to_string())),
            Place::OtherCustomer => ("customer", Some(w.ids.sagebrush.to_string())),
        };
        grant(template, kind, id)
    }

    /// The path of an operation to a record, or the parameter that nobody here
    /// knows how to fill.
    pub(super) fn address(&self, path: &str, target: Target, people: &People, mine: Option<&str>) -> Result<String, String> {
        let (mut noun, mut filled, mut is_first) = ("", Vec::new(), true);
        for segment in path.split('/') {
            let parameter = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let Some(parameter) = parameter else {
                noun = segment;
                filled.push(segment.to_owned());
                continue;
            };
            let value = self.value(noun, target, people, mine, is_first).ok_or_else(|| format!("{path}: nobody knows a {{{parameter}}} behind {noun:?}"))?;
            filled.push(value);
            is_first = false;
        }
        Ok(filled.join("/"))
    }

    fn value(&self, noun: &str, target: Target, people: &People, mine: Option<&str>, is_first: bool) -> Option<String> {
        let missing = || uuid::Uuid::now_v7().to_string();
        let is_missing = target == Target::Missing;
        Some(match noun {
            "meters" => "engine_hours".to_owned(),
            "roles" if is_missing => "no_such_role".to_owned(),
            "roles" => COPIED_ROLE.to_owned(),
            "device-sign-ins" => missing(),
            "users" | "grants" | "sessions" if is_missing => missing(),
            "users" => people.persons[nth(target)].user.to_string(),
            "grants" => people.persons[nth(target)].grant.to_string(),
            "sessions" if is_first && target == Target::Own => people.own_session.to_string(),
            "sessions" => people.persons[nth(target)].session.to_string(),
            "service-requests" if target == Target::Mine => mine?.to_owned(),
            noun if !self.records[0].contains_key(noun) => return None,
            _ if is_missing => missing(),
            noun => self.id(target, noun).to_owned(),
        })
    }
}

fn nth(target: Target) -> usize {
    match target {
        Target::Own | Target::Mine => 0,
        Target::Sibling => 1,
        Target::OtherCustomer => 2,
        Target::OtherShop => 3,
        Target::Missing => unreachable!("a record that does not exist has no id"),
    }
}

/// Somebody who is asked for.
#[derive(Debug)]
struct Person {
    user: UserId,
    base: NewGrant,
    grant: GrantId,
    session: SessionId,
}

/// Users in the four places, for one walker alone: some calls end what they
/// have.
#[derive(Debug)]
pub(super) struct People {
    persons: [Person; 4],
    own_session: SessionId,
}

impl People {
    /// Adds them.
    pub(super) async fn hire(w: &World, targets: &Targets, walker: &str) -> Self {
        let bases = [
            grant("portal_user", "customer", Some(w.ids.keller.to_string())),
            grant("portal_user", "organization", Some(targets.id(Target::Sibling, "organizations").to_owned())),
            grant("portal_user", "customer", Some(w.ids.waco.to_string())),
            grant("portal_user", "customer", Some(w.ids.sagebrush.to_string())),
        ];
        let mut persons = Vec::new();
        for (nth, base) in bases.into_iter().enumerate() {
            let row = user_row(&format!("met-by-{walker}-{nth}"), "customer", ("Per", "Son"), None);
            let mut conn = w.app.db.write().await.unwrap();
            users::insert(&mut conn, &row, &[]).await.unwrap();
            let grant = users::give(&mut conn, row.id, &base).await.unwrap();
            conn.commit().await.unwrap();
            persons.push(Person { user: row.id, base, grant, session: open(w, row.id).await });
        }
        Self { persons: persons.try_into().expect("four places"), own_session: SessionId::new() }
    }

    /// The user in a place.
    pub(super) fn user(&self, target: Target) -> UserId {
        self.persons[nth(target)].user
    }

    /// Makes anew what a call would end, so that it is there.
    pub(super) async fn renew(&mut self, w: &World, path: &str, target: Target, walker: UserId) {
        if path.starts_with("/v1/sessions/{") {
            self.own_session = open(w, walker).await;
        }
        if target == Target::Missing {
            return;
        }
        let person = &mut self.persons[nth(target)];
        if path.contains("{session}") {
            person.session = open(w, person.user).await;
        }
        if path.contains("{grant}") {
            let mut conn = w.app.db.write().await.unwrap();
            person.grant = users::give(&mut conn, person.user, &person.base).await.unwrap();
            conn.commit().await.unwrap();
        }
    }
}

/// Opens a session of which only the id is needed.
async fn open(w: &World, user: UserId) -> SessionId {
    let id = SessionId::new();
    let new = NewSession {
        id,
        user,
        token_hash: token_hash(&id.to_string()),
        shop: None,
        customer: None,
        idle_micros: 3_600_000_000,
        ends_at: At(Timestamp::now() + SignedDuration::from_hours(2)),
        came_from: None,
    };
    let mut conn = w.app.db.write().await.unwrap();
    sessions::open(&mut conn, &new).await.unwrap();
    conn.commit().await.unwrap();
    id
}

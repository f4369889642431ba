//! A price behind the same door as everything else, in tests only: until money
//! has endpoints of its own, these two prove on the real way in ([`call::run`])
//! that access levels are ceilings over whatever comes (C9, S4-7). Nothing of
//! this is in the program.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::routing::{get, post};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;

use super::call::{self, Answer, Ask, Cx, Reply, Work};
use super::caller::token_hash;
use super::{App, Arrangements};
use crate::api::access::Needs;
use crate::api::contact::ContactKind;
use crate::api::ids::{CustomerId, SessionId, ShopId, UserId};
use crate::api::operation::{Endpoint, Method, Operation, Shapes};
use crate::api::page::Nothing;
use crate::api::permission::Permission;
use crate::store::contacts::{self, ContactRow};
use crate::store::customers::{self, CustomerRow};
use crate::store::places::{self, ShopRow};
use crate::store::sessions::{self, NewSession};
use crate::store::users;
use crate::store::{At, Db, migrate};

const AMOUNT: &str = "4711.08";

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
struct Priced {
    amount: String,
}

macro_rules! operation {
    ($name:ident, $method:ident, $needs:literal) => {
        #[derive(Debug, Clone, Copy)]
        struct $name;

        impl Operation for $name {
            type Path = Nothing;
            type Query = Nothing;
            type Body = Nothing;
            type Answer = Priced;
            const ENDPOINT: Endpoint = Endpoint {
                name: stringify!($name),
                method: Method::$method,
                path: "/v1/trial",
                needs: Needs::All(const { &[Permission::named($needs)] }),
                more: &[],
                done: 200,
                also: &[],
                summary: "In tests only",
                shapes: Shapes::of::<Self>(),
            };
        }
    };
}

operation!(ShowPrice, Get, "price.view");
operation!(OrderParts, Post, "parts.order.create");

async fn show_price(_: &mut Cx, _: Ask<ShowPrice>) -> Answer<Priced> {
    Ok(Reply::ok(Priced { amount: AMOUNT.to_owned() }))
}

async fn order_parts(_: &mut Cx, _: Ask<OrderParts>) -> Answer<Priced> {
    Ok(Reply::created(Priced { amount: AMOUNT.to_owned() }))
}

fn router(app: App) -> Router {
    let showing = Work::SignedIn(|cx, asked| Box::pin(async move { show_price(cx, asked.understood::<ShowPrice>()?).await?.done(Method::Get) }));
    let ordering = Work::SignedIn(|cx, asked| Box::pin(async move { order_parts(cx, asked.understood::<OrderParts>()?).await?.done(Method::Post) }));
    let show = get(move |State(app): State<App>, request: Request| call::run(app, request, const { &ShowPrice::ENDPOINT }, showing));
    let order = post(move |State(app): State<App>, request: Request| call::run(app, request, const { &OrderParts::ENDPOINT }, ordering));
    Router::new().route("/v1/trial", show.merge(order)).with_state(app)
}

/// A customer of a shop, and a session for each contact that a test thinks of.
struct Trial {
    app: App,
    customer: CustomerId,
    _files: tempfile::TempDir,
}

impl Trial {
    async fn begin() -> Self {
        let files = tempfile::tempdir().unwrap();
        let db = Db::open(&format!("sqlite://{}", files.path().join("trial.db").display())).await.unwrap();
        migrate::migrate(&db).await.unwrap();
        let shop = ShopRow {
            id: ShopId::new(),
            code: "SLN".to_owned(),
            name: "San Leandro".to_owned(),
            time_zone: "America/Los_Angeles".to_owned(),
            country: "US".to_owned(),
            accepts_requests: true,
            business_system: "SLN".to_owned(),
            numbering: "user_enters".to_owned(),
            row_version: 1,
        };
        let customer = CustomerRow { name: "Keller Bau GmbH".to_owned(), ..CustomerRow::unnamed(Some(shop.id)) };
        let mut conn = db.write().await.unwrap();
        places::insert_shop(&mut conn, &shop).await.unwrap();
        customers::insert(&mut conn, &customer).await.unwrap();
        conn.commit().await.unwrap();
        let app = App::start(db, Arrangements::default()).await.unwrap();
        Arc::clone(&app.feed).load(app.db.clone(), Arc::clone(&app.index)).await;
        Self { app, customer: customer.id, _files: files }
    }

    /// The token of a new contact with that role, right and level.
    async fn contact(&self, role: &str, right: &str, level: &str) -> String {
        let user = UserId::new();
        let mut row = ContactRow {
            last_name: "Brandt".to_owned(),
            access_level: level.to_owned(),
            portal_right: right.to_owned(),
            platform_role: role.to_owned(),
            ..ContactRow::nobody(self.customer, ContactKind::Person)
        };
        let token = user.to_string();
        let session = NewSession {
            id: SessionId::new(),
            user,
            token_hash: token_hash(&token),
            shop: None,
            customer: None,
            idle_micros: 3_600_000_000,
            ends_at: At(Timestamp::now() + SignedDuration::from_hours(1)),
            came_from: None,
        };
        let mut conn = self.app.db.write().await.unwrap();
        contacts::insert(&mut conn, &row).await.unwrap();
        contacts::insert_account(&mut conn, user, &row.person_id, &token).await.unwrap();
        row.user_id = Some(user);
        assert!(contacts::update(&mut conn, &row).await.unwrap());
        users::give_password(&mut conn, user, "", false).await.unwrap();
        sessions::open(&mut conn, &session).await.unwrap();
        conn.commit().await.unwrap();
        token
    }

    /// Status and body of a call.
    async fn call(&self, method: &str, token: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri("/v1/trial").header("authorization", format!("Bearer {token}")).body(Body::empty()).unwrap();
        let response = router(self.app.clone()).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

/// By the matrix: who holds `price.view`, and who `parts.order.create`.
const HOLDERS: [(&str, &str, bool, bool); 6] = [
    ("executive", "none", true, true),
    ("accounts", "none", true, true),
    ("fleet", "none", true, true),
    ("none", "portal_administrator", true, true),
    ("none", "fleet_administrator", false, false),
    ("none", "insight_user", false, false),
];

/// By 3.1: under which level a price is shown, and an order taken.
const LEVELS: [(&str, bool, bool); 4] = [("full", true, true), ("limited", false, true), ("carrier_view", true, true), ("read_only", false, false)];

fn fits(answer: &(u16, String), allowed: bool, permission: &str) -> bool {
    let shows = answer.1.contains(AMOUNT);
    if allowed { matches!(answer.0, 200 | 201) && shows } else { answer.0 == 403 && !shows && answer.1.contains(&format!("\"missing\":[\"{permission}\"]")) }
}

#[tokio::test]
async fn c9_s4_7_no_level_that_takes_prices_away_lets_one_through_and_none_that_takes_writing_an_order() {
    let trial = Trial::begin().await;
    for (role, right, has_price, has_order) in HOLDERS {
        for (level, shows, writes) in LEVELS {
            let token = trial.contact(role, right, level).await;
            let whom = format!("{role} {right} under {level}");
            let (price, order) = (trial.call("GET", &token).await, trial.call("POST", &token).await);
            assert!(fits(&price, has_price && shows, "price.view"), "{whom}: {price:?}");
            assert!(fits(&order, has_order && writes, "parts.order.create"), "{whom}: {order:?}");
        }
        let token = trial.contact(role, right, "none").await;
        for method in ["GET", "POST"] {
            let (status, body) = trial.call(method, &token).await;
            assert!(status == 401 && !body.contains(AMOUNT), "{role} {right} under none: {status} {body}");
        }
    }
    // A door that lets everybody through would be seen.
    assert!(!fits(&(200, AMOUNT.to_owned()), false, "price.view") && !fits(&(403, AMOUNT.to_owned()), false, "price.view"));
}

#[tokio::test]
async fn s4_7_the_level_alone_gives_prices_as_the_matrix_says() {
    let trial = Trial::begin().await;
    for (level, shows, writes) in LEVELS {
        let token = trial.contact("none", "none", level).await;
        assert!(fits(&trial.call("GET", &token).await, shows, "price.view"), "{level}");
        assert!(fits(&trial.call("POST", &token).await, writes, "parts.order.create"), "{level}");
    }
    assert_eq!(trial.call("GET", "nobody").await.0, 401);
}

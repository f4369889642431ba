//! How many answers a second the real server gives over HTTP, beside bare
//! handlers that do the least of the same work:
//! `cargo bench --bench server -- 20000`, the number being that of customers.
//! Judge by the ratios of a run, never by its absolute numbers.

#![allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss, reason = "counts and shares of them are printed")]
#![allow(clippy::print_stdout, reason = "a benchmark")]

mod asked;
#[allow(dead_code, reason = "nobody is turned away here")]
mod line;
mod load;
mod shop;
mod times;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use countertop::api::asset::{LookupAnswer, LookupQuery};
use countertop::api::customer::{CustomerHit, CustomerQuery};
use countertop::api::operation::{LookUpAsset, SearchCustomers};
use countertop::api::page::{Nothing, Page};
use countertop::client::Client;
use countertop::store::assets::{self, Tag};
use countertop::store::{Db, Scope};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use asked::Asked;
use load::{Load, Seen};
use shop::Shop;
use times::Times;

const CUSTOMERS: u32 = 20_000;
const CONNECTIONS: [usize; 2] = [64, 512];
/// How many hits each search brings: a whole page.
const HITS: usize = 50;
/// What is searched for: a trade, a city and two forms of business.
const WORDS: [&str; 4] = ["concrete", "sacramento", "inc", "llc"];

fn main() -> Result<()> {
    let Some(asked) = Asked::read() else { return Ok(()) };
    let time = Duration::from_millis(if asked.is_brief { 200 } else { 5_000 });
    let serving = Builder::new_multi_thread().enable_all().build()?;
    let shop = serving.block_on(Shop::open(asked.customers(CUSTOMERS)))?;
    let token = serving.block_on(shop.sign_in("admin"))?;
    let plates = serving.block_on(plates(&shop.running.app.db))?;
    let floor = serving.block_on(Floor::of(&shop, &token, &plates))?;
    let floor = serving.block_on(floor.serve())?.to_string();
    let server = shop.running.address.to_string();

    let paths = |path: &str| plates.iter().map(|plate| format!("{path}?tag={plate}")).collect::<Vec<_>>();
    for connections in CONNECTIONS {
        println!("{connections} connections, {} customers, {} plates", asked.customers(CUSTOMERS), plates.len());
        println!("| what | answers a second | p50 µs | p99 µs | of its floor |\n|---|--:|--:|--:|--:|");
        let bare = Load { host: &floor, token: None, connections, time };
        let real = Load { host: &server, token: Some(&token), ..bare };
        let least = measure("floor: 50 hits from memory", &bare, &["/hits".to_owned()], None)?;
        measure("search, 50 hits", &real, &WORDS.map(|word| format!("/v1/customers?q={word}")), Some(least))?;
        let least = measure("floor: the read of the look-up", &bare, &paths("/read"), None)?;
        measure("look-up of a plate", &real, &paths("/v1/assets/lookup"), Some(least))?;
    }
    serving.block_on(shop.close())
}

/// Asks, after a while of warming up, and prints a row. Gives its answers a
/// second, and takes those of its floor.
fn measure(what: &str, load: &Load<'_>, paths: &[String], floor: Option<f64>) -> Result<f64> {
    Load { time: load.time / 5, ..*load }.run(paths)?;
    let seen = load.run(paths)?;
    let rate = load.rate(&seen);
    let Seen { times, errors } = seen;
    ensure!(errors == 0, "{what}: {errors} times there was no answer");
    let times = Times::of(times);
    let ratio = floor.map(|floor| format!("{:.2}", rate / floor)).unwrap_or_default();
    println!("| {what} | {rate:.0} | {:.0} | {:.0} | {ratio} |", times.at(0.5), times.at(0.99));
    Ok(rate)
}

/// Plates that assets carry, as they are looked up.
async fn plates(db: &Db) -> Result<Vec<String>> {
    let Db::Sqlite { read, .. } = db else { bail!("the shop has no file") };
    Ok(sqlx::query_scalar("SELECT number_key FROM plate WHERE to_at IS NULL ORDER BY id DESC LIMIT 5000").fetch_all(read).await?)
}

/// What the bare handlers have.
#[derive(Debug)]
struct Floor {
    /// The server's own pools.
    db: Db,
    hits: Page<CustomerHit>,
    found: LookupAnswer,
}

impl Floor {
    /// Asks the real server for what it says, so that the bare ones say the same.
    async fn of(shop: &Shop, token: &str, plates: &[String]) -> Result<Self> {
        let client = Client::new(&shop.running.url(), Some(token.to_owned()))?;
        let mut hits = None;
        for word in WORDS {
            let query = CustomerQuery { q: word.to_owned(), ..CustomerQuery::default() };
            let page = client.call::<SearchCustomers>(&Nothing {}, &query, &Nothing {}).await?;
            ensure!(page.items.len() == HITS, "There are not {HITS} customers for {word:?}: measure with more of them.");
            hits = Some(page);
        }
        let query = LookupQuery { tag: plates.first().context("no asset has a plate")?.clone(), ..LookupQuery::default() };
        let found = client.call::<LookUpAsset>(&Nothing {}, &query, &Nothing {}).await?;
        ensure!(!found.items.is_empty(), "The plate {:?} is not found.", query.tag);
        Ok(Self { db: shop.running.app.db.clone(), hits: hits.context("no search")?, found })
    }

    /// Serves, until the runtime ends.
    async fn serve(self) -> Result<SocketAddr> {
        let router = Router::new().route("/hits", get(hits)).route("/read", get(read)).with_state(Arc::new(self));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        // As the real one does.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Ok(address)
    }
}

/// Hits from memory: no search over HTTP is faster.
async fn hits(State(floor): State<Arc<Floor>>) -> Response {
    Json(&floor.hits).into_response()
}

/// The look-up's read through the same pool, and an answer from memory.
async fn read(State(floor): State<Arc<Floor>>, Query(asked): Query<LookupQuery>) -> Result<Response, StatusCode> {
    let failed = |_| StatusCode::INTERNAL_SERVER_ERROR;
    let mut conn = floor.db.read().await.map_err(failed)?;
    let tag = Tag { tag: &asked.tag, organization: None };
    let rows = assets::look_up(&mut conn, &Scope::deployment(), tag).await.map_err(failed)?;
    if rows.is_empty() { Err(StatusCode::NOT_FOUND) } else { Ok(Json(&floor.found).into_response()) }
}

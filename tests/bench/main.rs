//! How fast the counter answers: the customer search on 100,000 customers, and
//! the meter rules on a long history.

#![allow(missing_docs, reason = "a benchmark")]

use std::hint::black_box;

use countertop::api::customer::SearchBy;
use countertop::api::ids::{CustomerId, ShopId};
use countertop::rules::customer_search::Query;
use countertop::rules::meter::{Dial, History, MeterKind, NewReading, ReadingKind, Tenths, Unit, check};
use countertop::search::CustomerIndex;
use countertop::store::Scope;
use countertop::store::customer_index::{IndexLink, IndexRow, IndexRows};
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};

const CUSTOMERS: usize = 100_000;

const FIRST: [&str; 12] = ["Keller", "Smith", "Northwind", "Blue Ridge", "Harbor", "Delta", "Pacific", "Redrock", "Summit", "Valley", "Müller", "Ortiz"];
const TRADE: [&str; 10] = ["Haulage", "Construction", "Trucking", "Grading", "Crane", "Aggregates", "Farms", "Logistics", "Paving", "Rentals"];
const PLACES: [(&str, &str); 8] =
    [("Waco", "TX"), ("Tracy", "CA"), ("Reno", "NV"), ("Modesto", "CA"), ("Salem", "OR"), ("Mesa", "AZ"), ("Boise", "ID"), ("Provo", "UT")];

fn index() -> CustomerIndex {
    let shop = ShopId::new();
    let mut rows = IndexRows::default();
    for number in 0..CUSTOMERS {
        let (city, state) = PLACES[number % PLACES.len()];
        let id = CustomerId::new();
        rows.customers.push(IndexRow {
            id,
            kind: "local".to_owned(),
            name: format!("{} {} {number}", FIRST[number % FIRST.len()], TRADE[number / 7 % TRADE.len()]),
            city: Some(city.to_owned()),
            state: Some(state.to_owned()),
            country: Some("US".to_owned()),
            phone: Some(format!("+1254555{:04}", number % 10_000)),
            postal_code: Some(format!("{:05}", 10_000 + number % 80_000)),
        });
        rows.links.push(IndexLink { customer_id: id, shop_id: shop, number: Some((100_000 + number).to_string()) });
    }
    let index = CustomerIndex::default();
    index.load(rows);
    index
}

fn search(criterion: &mut Criterion) {
    let index = index();
    let scope = Scope::deployment();
    let mut group = criterion.benchmark_group("search 100,000 customers");
    for (name, text) in
        [("rare name", "muller pav"), ("common name", "keller"), ("city", "waco"), ("number", "154321"), ("inside words", "rucki"), ("nothing", "zzzzzz")]
    {
        let query = Query::new(text, SearchBy::All).unwrap_or_else(|fault| unreachable!("{fault:?}"));
        group.bench_function(name, |bencher| bencher.iter(|| black_box(index.search(&query, &scope, None, 50))));
    }
}

fn meter_rules(criterion: &mut Criterion) {
    let now = Timestamp::now();
    let readings = (0..3_650_i64).map(|day| (now - SignedDuration::from_hours(24 * (3_650 - day)), Tenths(day * 80)));
    let history = History::new(readings, Vec::new());
    let dial = Dial::new(MeterKind::EngineHours, Unit::H);
    let new = NewReading { at: now, value: Tenths(3_650 * 80), kind: ReadingKind::Normal };
    criterion.bench_function("check a reading against ten years", |bencher| bencher.iter(|| black_box(check(&dial, &history, None, new, now, false))));
}

criterion_group!(benches, search, meter_rules);
criterion_main!(benches);

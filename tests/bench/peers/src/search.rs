//! `search`: the same searches through our index and through every peer, as a
//! Markdown table.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::{Args, ValueEnum};
use countertop::api::ids::CustomerId;

use crate::course::{Course, PAGE, Ran};
use crate::customers::{Customer, Customers};
use crate::drawn::Drawn;
use crate::folded::Folded;
use crate::fts5::Fts5;
use crate::mix::{self, Asked, Kind};
use crate::ours::Ours;
use crate::pg::Pg;
use crate::random::Random;
use crate::tiers;
use crate::times::{Times, micros};
use crate::trigrams::Trigrams;

/// What to compare.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    drawn: Drawn,
    /// How long each engine is measured.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// Which engines run beside ours.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Engine::Scan, Engine::Fts5, Engine::Tantivy, Engine::Pg])]
    peers: Vec<Engine>,
}

/// An engine beside ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    Scan,
    Fts5,
    Tantivy,
    Pg,
}

/// A row of the table.
struct Row {
    engine: &'static str,
    ran: Ran,
    build: Option<Duration>,
    bytes: usize,
    put: Option<Times>,
    /// Whether it gives hits that can be compared.
    compared: bool,
}

/// Runs them one after the other and prints.
pub(crate) fn run(options: &Options) -> Result<()> {
    let customers = options.drawn.customers()?;
    let asked = mix::searches(&customers, options.drawn.seed);
    eprintln!("Folding {} customers and answering {} searches by the plain scan …", customers.count(), asked.len());
    let start = Instant::now();
    let folded = Folded::of(&customers);
    let fold_time = start.elapsed();
    let truth: Vec<Vec<CustomerId>> = asked.iter().map(|asked| folded.scan(&asked.query, PAGE)).collect();
    let course = Course { asked: &asked, truth: &truth, time: Duration::from_secs(options.seconds) };

    let mut rows = vec![Row {
        engine: "memmem count, the limit of a scan",
        ran: course.run(|query| {
            std::hint::black_box(folded.count(query));
            Ok(Some(Vec::new()))
        })?,
        build: None,
        bytes: folded.text_bytes(),
        put: None,
        compared: false,
    }];
    if options.peers.contains(&Engine::Scan) {
        let ran = course.run(|query| Ok(Some(folded.scan(query, PAGE))))?;
        rows.push(Row { engine: "plain scan", ran, build: Some(fold_time), bytes: folded.bytes(), put: None, compared: true });
    }
    let peers: [(Engine, fn(&Course<'_>, &Folded) -> Result<Row>); 3] = [(Engine::Fts5, run_fts5), (Engine::Tantivy, run_tantivy), (Engine::Pg, run_pg)];
    for (engine, run) in peers.into_iter().filter(|(engine, _)| options.peers.contains(engine)) {
        eprintln!("Building and measuring {engine:?} …");
        match run(&course, &folded) {
            Ok(row) => rows.push(row),
            Err(error) => eprintln!("{engine:?} is left out: {error:#}"),
        }
    }
    eprintln!("Measuring our index …");
    let (ours, build) = Ours::load(&customers);
    let ran = course.run(|query| Ok(Some(ours.search(query, PAGE).hits)))?;
    let misses = near_misses(&ours, &asked);
    let bytes = ours.bytes();
    let put = Some(puts(&ours, &customers));
    rows.push(Row { engine: "**countertop**", ran, build: Some(build), bytes, put, compared: true });
    print(&rows, customers.count());
    print_slowest(&rows, &asked);
    println!("{misses}");
    Ok(())
}

fn run_fts5(course: &Course<'_>, folded: &Folded) -> Result<Row> {
    let folder = tempfile::tempdir()?;
    let start = Instant::now();
    let mut peer = Fts5::build(folded, &folder.path().join("customers.db"))?;
    let build = Some(start.elapsed());
    let ran = course.run(|query| tiers::answer(&mut peer, folded.ids(), query, PAGE))?;
    Ok(Row { engine: "SQLite FTS5, trigrams", ran, build, bytes: size(folder.path())?, put: None, compared: true })
}

fn run_tantivy(course: &Course<'_>, folded: &Folded) -> Result<Row> {
    let folder = tempfile::tempdir()?;
    let start = Instant::now();
    let mut peer = Trigrams::build(folded, folder.path())?;
    let build = Some(start.elapsed());
    let ran = course.run(|query| tiers::answer(&mut peer, folded.ids(), query, PAGE))?;
    Ok(Row { engine: "tantivy, positional trigrams", ran, build, bytes: size(folder.path())?, put: None, compared: true })
}

fn run_pg(course: &Course<'_>, folded: &Folded) -> Result<Row> {
    let mut peer = Pg::open()?;
    let start = Instant::now();
    peer.fill(folded)?;
    let build = Some(start.elapsed());
    let ran = course.run(|query| tiers::answer(&mut peer, folded.ids(), query, PAGE))?;
    let bytes = peer.bytes()?;
    peer.leave()?;
    Ok(Row { engine: "PostgreSQL, pg_trgm", ran, build, bytes, put: None, compared: true })
}

/// One changed customer at a time: every second one has another name.
fn puts(ours: &Ours, customers: &Customers) -> Times {
    let mut random = Random::of(customers.count() as u64, 0);
    let put = |nth: usize| {
        let changed = customers.get(random.below(customers.count()));
        let other = customers.get(random.below(customers.count()));
        let name = if nth.is_multiple_of(2) { changed.name } else { other.name };
        micros(ours.put(Customer { name, phone: other.phone, ..changed }))
    };
    Times::of((0..400).map(put))
}

/// How often the customer that was meant is on the first page in spite of a
/// mistake.
fn near_misses(ours: &Ours, asked: &[Asked]) -> String {
    let told = [(Kind::TypoInWord, "one word"), (Kind::TypoInName, "the whole name")].map(|(kind, what)| {
        let typos: Vec<&Asked> = asked.iter().filter(|asked| asked.kind == kind).collect();
        let mut found = 0;
        let times = Times::of(typos.iter().map(|asked| {
            let start = Instant::now();
            let page = ours.search(&asked.query, PAGE);
            let time = micros(start.elapsed());
            found += usize::from(page.hits.iter().chain(&page.near).any(|id| Some(*id) == asked.meant));
            time
        }));
        format!("{what}: {found} of {} on the first page, p50 {:.0} µs, max {:.0} µs", typos.len(), times.at(0.5), times.at(1.0))
    });
    format!("With one mistake in {}.", told.join("; in "))
}

fn print(rows: &[Row], customers: usize) {
    let ours = rows.last().map(|row| row.ran.times());
    let of_ours = |times: &Times, share: f64| ours.as_ref().map_or(f64::NAN, |ours| times.at(share) / ours.at(share));
    println!("{customers} customers; × is how many times as long as countertop in this run.\n");
    println!("| engine | answered | p50 µs | p95 µs | p99 µs | max µs | × p50 | × p99 | build s | bytes a customer | as the plain scan | put p50 / p99 µs |");
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for row in rows {
        let times = row.ran.times();
        let build = row.build.map_or_else(|| "–".to_owned(), |build| format!("{:.2}", build.as_secs_f64()));
        let same = if row.compared { format!("{}/{}", row.ran.identical, row.ran.answered) } else { "–".to_owned() };
        let put = row.put.as_ref().map_or_else(|| "–".to_owned(), |put| format!("{:.0} / {:.0}", put.at(0.5), put.at(0.99)));
        println!(
            "| {} | {} | {:.0} | {:.0} | {:.0} | {:.0} | {:.2} | {:.2} | {build} | {} | {same} | {put} |",
            row.engine,
            row.ran.answered,
            times.at(0.5),
            times.at(0.95),
            times.at(0.99),
            times.at(1.0),
            of_ours(&times, 0.5),
            of_ours(&times, 0.99),
            row.bytes / customers,
        );
    }
}

fn print_slowest(rows: &[Row], asked: &[Asked]) {
    let slowest = rows.last().map(|row| row.ran.slowest(5)).unwrap_or_default();
    let told: Vec<String> = slowest
        .into_iter()
        .map(|(nth, micros)| {
            let Asked { text, query, kind, .. } = &asked[nth];
            format!("`{text}` by {} ({kind:?}) {micros:.0} µs", query.by().name())
        })
        .collect();
    println!("\nThe slowest of countertop: {}.", told.join(", "));
}

/// The bytes of all files in a folder.
fn size(folder: &Path) -> Result<usize> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() { size(&entry.path())? } else { usize::try_from(about.len())? };
    }
    Ok(bytes)
}

//! A month off line, and then the line is back (T14): how long a full outbox takes
//! to the server, and how soon a key is answered meanwhile.
//!
//! May call [`crate::pty`], [`crate::shop`] and [`crate::times`].

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use countertop::api::ids::AssetId;
use countertop::api::meter::NewReading;
use countertop::api::operation::{AddReading, GetSession, OfAsset};
use countertop::api::page::Nothing;
use countertop::client::outbox::{Now, Outbox, Post, Summary, Whose};
use countertop::client::{Call, Client};
use countertop::store::Db;
use jiff::Timestamp;
use portable_pty::CommandBuilder;

use crate::pty::Pty;
use crate::shop::Shop;
use crate::times::{Times, micros};

/// As many as an outbox holds.
pub(crate) const MANY: u32 = 10_000;
/// They are about so many machines.
const MACHINES: i64 = 50;
/// A letter that stands in nothing that the screen says, and how it is taken back.
const KEY: &str = "ß";
const BACK: &str = "\u{7f}";
/// Between two keys.
const PAUSE: Duration = Duration::from_millis(100);
/// Who is not done by then never is.
const PATIENCE: Duration = Duration::from_mins(30);

/// Fills an outbox, starts the program over it and types until all is sent.
pub(crate) async fn measure(shop: &Shop, mut command: CommandBuilder, token: &str, count: u32) -> Result<()> {
    let folder = tempfile::tempdir()?;
    command.env("XDG_STATE_HOME", folder.path());
    let kept_in = folder.path().join("countertop");
    let client = Client::new(&shop.running.url(), Some(token.to_owned()))?;
    let session = client.call::<GetSession>(&Nothing {}, &Nothing {}, &Nothing {}).await?;
    let whose = Whose { server: client.server().to_owned(), user: session.user.id };

    let begun = Instant::now();
    let mut outbox = Outbox::open(&kept_in)?;
    let machines = machines(&shop.running.app.db).await?;
    for machine in machines.iter().cycle().take(count as usize) {
        outbox.keep(&whose, &post(*machine), now())?;
    }
    let kept = begun.elapsed();
    drop(outbox);
    let (sent, keys) = sent(&kept_in, whose, command)?;

    let keys = Times::of(keys);
    println!("\n| {count} entries of {} machines in the outbox | |\n|---|--:|", machines.len());
    println!("| kept one after the other, s | {:.1} |", kept.as_secs_f64());
    println!("| at the server, s from the start of the program | {:.1} |", sent.as_secs_f64());
    println!("| a second | {:.0} |", f64::from(count) / sent.as_secs_f64());
    println!("| a key meanwhile, p50 and longest ms | {:.1}, {:.1} |", keys.at(0.5) / 1e3, keys.at(1.0) / 1e3);
    Ok(())
}

/// Types until nothing waits any more: how long that took, and each key.
fn sent(kept_in: &Path, whose: Whose, command: CommandBuilder) -> Result<(Duration, Vec<f64>)> {
    let mut outbox = Outbox::open(kept_in)?;
    outbox.belong_to(whose, None, now())?;
    let (begun, mut keys) = (Instant::now(), Vec::new());
    let mut terminal = Pty::open(command)?;
    terminal.until("online")?;
    loop {
        keys.push(micros(terminal.press_until(KEY, KEY)?));
        terminal.send(BACK)?;
        match outbox.summary()? {
            Summary { waiting: 0, refused: 0 } => return Ok((begun.elapsed(), keys)),
            Summary { waiting: 0, refused } => bail!("{refused} were refused"),
            Summary { .. } => ensure!(begun.elapsed() < PATIENCE, "they are never sent"),
        }
        thread::sleep(PAUSE);
    }
}

fn now() -> Now {
    Now { wall: Timestamp::now(), steady: Duration::ZERO }
}

/// Machines of the shop.
async fn machines(db: &Db) -> Result<Vec<AssetId>> {
    let Db::Sqlite { read, .. } = db else { bail!("the shop has no file") };
    let ids: Vec<String> = sqlx::query_scalar("SELECT id FROM asset WHERE status = 'active' ORDER BY id DESC LIMIT ?").bind(MACHINES).fetch_all(read).await?;
    ensure!(!ids.is_empty(), "the shop has no machine");
    ids.iter().map(|id| id.parse::<AssetId>().ok().with_context(|| format!("{id} is no machine"))).collect()
}

/// The same reading of a meter that stands still: none is refused for its value.
fn post(machine: AssetId) -> Post {
    let reading = NewReading { meter: Some("cycles".to_owned()), value: "100".to_owned(), ..NewReading::default() };
    let call = Call::of::<AddReading>(&OfAsset { id: machine }, &Nothing {}, &reading);
    let text = String::new;
    Post { call, subject: machine.to_string(), title: format!("Reading 100 of {machine}"), about: text(), typed: Vec::new(), form: text() }
}

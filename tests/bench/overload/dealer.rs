//! A dealer whose server is a process of its own, so that what it takes of the
//! machine is its own: over a file that holds the demo, generated customers with
//! their machines, and people who are signed in.
//!
//! May call [`crate::seen`].

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use countertop::api::ids::SessionId;
use countertop::api::session::UserKind;
use countertop::demo;
use countertop::store::sessions::{self, NewSession};
use countertop::store::users::{self, NewGrant, UserRow};
use countertop::store::{At, Conn, Db, Scope, migrate, places};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tokio::runtime::Builder;

use crate::seen::{Figures, lost};

/// Who is signed in.
const PEOPLE: usize = 64;
/// Where all of them work: its customers are numbered by hand.
const SHOP: &str = "SLN";
/// What is searched for: a trade, a city and two forms of business.
const WORDS: [&str; 4] = ["concrete", "sacramento", "inc", "llc"];
/// The kernel counts a process's time in these.
const TICKS_A_SECOND: f64 = 100.0;

/// The dealer.
#[derive(Debug)]
pub(crate) struct Dealer {
    folder: TempDir,
    child: Child,
    /// `127.0.0.1:PORT`.
    pub(crate) address: String,
    /// Of everybody who is signed in.
    pub(crate) tokens: Vec<String>,
    /// Searches and look-ups in turn.
    pub(crate) paths: Vec<String>,
}

impl Dealer {
    /// Fills the file and serves it.
    pub(crate) fn open(customers: u32) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let filling = Builder::new_multi_thread().enable_all().build()?;
        let (tokens, paths) = filling.block_on(fill(folder.path(), customers))?;
        let (child, address) = serve(folder.path(), "127.0.0.1:0")?;
        Ok(Self { folder, child, address, tokens, paths })
    }

    /// Stops the server as a service's keeper does, and starts it at the same
    /// address.
    pub(crate) fn start_anew(&mut self) -> Result<()> {
        self.stop()?;
        (self.child, self.address) = serve(self.folder.path(), &self.address)?;
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        let told = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        ensure!(told.success() && self.child.wait()?.success(), "the server did not stop in peace");
        Ok(())
    }

    /// What it takes now.
    pub(crate) fn figures(&self) -> Result<Figures> {
        let process = format!("/proc/{}", self.child.id());
        let status = fs::read_to_string(format!("{process}/status")).context("the server is gone, or the system does not tell")?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no memory is told")?;
        let spent = fs::read_to_string(format!("{process}/stat"))?;
        // Behind the name, which may hold anything.
        let spent = spent.rsplit_once(')').context("no time is told")?.1;
        let ticks: Vec<f64> = spent.split_whitespace().skip(11).take(2).map(str::parse::<f64>).collect::<Result<_, _>>()?;
        let log = fs::metadata(self.folder.path().join("shop.db-wal")).map_or(0, |file| file.len());
        Ok(Figures {
            memory: memory.trim().trim_end_matches(" kB").parse::<f64>()? / 1_024.0,
            files: fs::read_dir(format!("{process}/fd"))?.count(),
            work: ticks.iter().sum::<f64>() / TICKS_A_SECOND,
            log: log as f64 / f64::from(1 << 20),
        })
    }

    /// How many of these numbers, each of a customer whose making was
    /// acknowledged, no customer has.
    pub(crate) fn lost(&self, acknowledged: &[String]) -> Result<usize> {
        let reading = Builder::new_current_thread().enable_all().build()?;
        let there = reading.block_on(async {
            let db = Db::open(&database(self.folder.path())).await?;
            let Db::Sqlite { read, .. } = &db else { bail!("the dealer has no file") };
            let there: Vec<String> = sqlx::query_scalar("SELECT number FROM customer_shop_link WHERE number IS NOT NULL").fetch_all(read).await?;
            db.close().await;
            Ok::<_, anyhow::Error>(there)
        })?;
        Ok(lost(acknowledged, there))
    }
}

impl Drop for Dealer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn database(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("shop.db").display())
}

/// Gives the tokens of the people, and what is asked.
async fn fill(folder: &Path, customers: u32) -> Result<(Vec<String>, Vec<String>)> {
    let db = Db::open(&database(folder)).await?;
    migrate::migrate(&db).await?;
    demo::fill(&db, &demo::Options { customers, ..demo::Options::default() }).await?;
    let mut conn = db.write().await?;
    let mut tokens = Vec::with_capacity(PEOPLE);
    for nth in 0..PEOPLE {
        tokens.push(employ(&mut conn, &format!("busy{nth}")).await?);
    }
    conn.commit().await?;
    let Db::Sqlite { read, .. } = &db else { bail!("the dealer has no file") };
    let plates: Vec<String> = sqlx::query_scalar("SELECT number_key FROM plate WHERE to_at IS NULL ORDER BY id DESC LIMIT 5000").fetch_all(read).await?;
    ensure!(!plates.is_empty(), "No asset has a plate: measure with more customers.");
    let searches = WORDS.iter().cycle().map(|word| format!("/v1/customers?q={word}"));
    let paths = searches.zip(plates).flat_map(|(search, plate)| [search, format!("/v1/assets/lookup?tag={plate}")]).collect();
    db.close().await;
    Ok((tokens, paths))
}

/// Somebody who is signed in at the counter.
async fn employ(conn: &mut Conn, name: &str) -> Result<String> {
    let shop = places::shop(conn, &Scope::deployment(), SHOP).await?.context("the demo has no such shop")?;
    let user = UserRow { shop_id: Some(shop.id), first_name: name.to_owned(), ..UserRow::new(name, UserKind::Staff) };
    let grant = NewGrant { role: "counter_staff".to_owned(), scope_kind: "deployment".to_owned(), ..NewGrant::default() };
    users::insert(conn, &user, &[grant]).await?;
    let token = format!("token-of-{name}");
    let hash: Vec<String> = Sha256::digest(token.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let idle = SignedDuration::from_hours(48);
    let session = NewSession {
        id: SessionId::new(),
        user: user.id,
        token_hash: hash.concat(),
        shop: None,
        customer: None,
        idle_micros: i64::try_from(idle.as_micros())?,
        ends_at: At(Timestamp::now() + idle),
        came_from: None,
    };
    sessions::open(conn, &session).await?;
    Ok(token)
}

/// The program itself, and where it listens.
fn serve(folder: &Path, address: &str) -> Result<(Child, String)> {
    let log = folder.join("server.log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_countertop"));
    command.args(["serve", "--listen", address]).env_clear().env("HOME", folder).env("COUNTERTOP_DATABASE", database(folder));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::options().create(true).append(true).open(&log)?);
    let mut child = command.spawn()?;
    let mut first = String::new();
    BufReader::new(child.stdout.take().context("the server says nothing")?).read_line(&mut first)?;
    let Some(address) = first.trim().strip_prefix("listening on http://") else {
        let _ = child.kill();
        child.wait()?;
        bail!("the server did not start: {first:?} {}", fs::read_to_string(&log)?);
    };
    Ok((child, address.to_owned()))
}

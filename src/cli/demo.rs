//! `countertop demo`: a server on loopback with demo data, in this process,
//! and the terminal application on it.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::runtime::Runtime;

use super::database;
use super::exit::{Exit, Failure, Outcome};
use super::living::{self, Living};
use super::logging;
use super::output;
use super::runtime;
use super::serve::{announce, lifetimes, password_policy, watched};
use super::setup::Setup;
use super::signals::Signals;
use crate::demo;
use crate::server::{self, Arrangements, Limits, Running, Transport};
use crate::store::settings;
use crate::text::nearest;

/// How often a demo that joined another looks whether that one still lives.
const LOOKS_EVERY: Duration = Duration::from_secs(2);

/// `countertop demo`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct DemoArgs {
    /// The account to sign in as, such as counter, manager, tech or fleet
    #[arg(long = "as", value_name = "ACCOUNT", default_value = "counter")]
    account: String,
    /// Start afresh: forget all that was done in the demo
    #[arg(long)]
    reset: bool,
    /// Add so many generated customers, with about 3 assets each and 1 service request
    #[arg(long, value_name = "N", default_value_t = 0)]
    customers: u32,
    /// Fixes what is generated
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// Run the server only
    #[arg(long)]
    no_tui: bool,
    /// Where the server listens; a free port unless said
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

impl Default for DemoArgs {
    fn default() -> Self {
        Self { account: "counter".to_owned(), reset: false, customers: 0, seed: 1, no_tui: false, listen: None }
    }
}

/// Runs the demo, or joins the one that runs.
pub(super) fn run(args: &DemoArgs) -> Outcome {
    if !args.no_tui {
        can_show()?;
    }
    check_account(&args.account)?;
    let setup = Setup::read(&[])?;
    let _log = log(args, &setup);
    let runtime = runtime::threads()?;
    match runtime.block_on(Living::find(&setup.paths)) {
        Some(living) => join(args, &setup, &runtime, &living),
        None if args.no_tui => runtime.block_on(serve_only(args, &setup)),
        None => serve_and_show(args, &setup, &runtime),
    }
}

fn check_account(wanted: &str) -> Result<(), Failure> {
    let accounts = demo::accounts();
    if accounts.contains(&wanted) {
        return Ok(());
    }
    let meant = nearest(wanted, accounts.iter().copied());
    let advice = meant.map_or_else(|| format!("there are {}", accounts.join(", ")), |meant| format!("did you mean {meant}?"));
    Err(Failure::usage(format!("the demo has no account {wanted}; {advice}")))
}

/// What keeps the log open.
type Log = Option<tracing_appender::non_blocking::WorkerGuard>;

/// The server's log goes to standard error, unless the screen is taken.
fn log(args: &DemoArgs, setup: &Setup) -> Log {
    if args.no_tui { Some(logging::to_stderr(setup.config.server.log, setup.config.server.log_format)) } else { file_log(setup) }
}

#[cfg(feature = "client")]
fn file_log(setup: &Setup) -> Log {
    logging::to_file(setup.config.terminal.log, &setup.paths.logs)
}

/// Without a screen there is nothing to spare.
#[cfg(not(feature = "client"))]
fn file_log(_: &Setup) -> Log {
    None
}

/// Starts the server over the filled database and leaves the file that tells
/// of it.
async fn start(args: &DemoArgs, setup: &Setup) -> Result<(Running, Living), Failure> {
    let path = setup.paths.data.join("demo.db");
    if args.reset {
        for end in ["", "-wal", "-shm"] {
            forget(&format!("{}{end}", path.display()))?;
        }
    }
    let db = database::open_current(&format!("sqlite://{}", path.display())).await?;
    if watched() && !args.no_tui {
        output::note("Preparing the demo data …");
    }
    if args.customers > 0 && settings::get(&mut db.read().await?, settings::DEMO).await?.is_some() {
        output::note("The demo is filled already: --reset --customers N fills it anew.");
    }
    let options = demo::Options { customers: args.customers, seed: args.seed };
    demo::fill(&db, &options).await.map_err(|error| Failure::failed(error.to_string()))?;
    let listen = args.listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    // Whoever ends a demo waits for nobody.
    let limits = Limits { farewell: Duration::ZERO, ..Limits::default() };
    let arrangements =
        Arrangements { lifetimes: lifetimes(&setup.config.server), password_policy: password_policy(&setup.config.server), limits, ..Arrangements::default() };
    let running = server::serve(db, listen, Transport::Plain, arrangements).await?;
    match introduce(args, setup, running.address).await {
        Ok(living) => Ok((running, living)),
        Err(failure) => {
            running.stop().await?;
            Err(failure)
        }
    }
}

async fn introduce(args: &DemoArgs, setup: &Setup, address: SocketAddr) -> Result<Living, Failure> {
    let token = sign_in(address, &args.account).await?;
    let living = Living { address: format!("http://{address}"), token, pid: std::process::id() };
    living.leave(&setup.paths)?;
    Ok(living)
}

fn forget(file: &str) -> Result<(), Failure> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Failure::failed(format!("{file} cannot be removed: {error}"))),
        _ => Ok(()),
    }
}

async fn sign_in(address: SocketAddr, account: &str) -> Result<String, Failure> {
    living::sign_in(address, account).await?.ok_or_else(|| Failure::not_found(format!("the demo has no account {account:?} that may sign in")))
}

/// Only the server, until a signal says stop.
async fn serve_only(args: &DemoArgs, setup: &Setup) -> Outcome {
    let mut signals = Signals::listen()?;
    let (running, living) = start(args, setup).await?;
    announce(&running.url())?;
    signals.stop().await;
    living.forget(&setup.paths);
    running.stop().await?;
    Ok(Exit::Done)
}

/// The server on threads of its own, the terminal application on this one.
fn serve_and_show(args: &DemoArgs, setup: &Setup, runtime: &Runtime) -> Outcome {
    let (running, living) = runtime.block_on(start(args, setup))?;
    let shown = show(args, setup, runtime, &living);
    living.forget(&setup.paths);
    runtime.block_on(running.stop())?;
    shown
}

/// Joins the demo that runs.
fn join(args: &DemoArgs, setup: &Setup, runtime: &Runtime, living: &Living) -> Outcome {
    if args.reset {
        return Err(Failure::failed(format!("a demo runs at {}: end it before starting afresh", living.address)));
    }
    if args.listen.is_some_and(|listen| Some(listen) != living.socket()) {
        return Err(Failure::failed(format!("a demo runs at {} already; it cannot listen elsewhere", living.address)));
    }
    if args.no_tui { runtime.block_on(accompany(living)) } else { show(args, setup, runtime, living) }
}

/// Says where the other demo listens, and stays as long as it does.
async fn accompany(living: &Living) -> Outcome {
    let mut signals = Signals::listen()?;
    output::say(&format!("listening on {}", living.address))?;
    loop {
        tokio::select! {
            () = signals.stop() => return Ok(Exit::Done),
            () = tokio::time::sleep(LOOKS_EVERY) => {
                if !living.answers().await {
                    return Err(Failure::failed("the demo that this one had joined has ended"));
                }
            }
        }
    }
}

/// The terminal application with a session of its own: signing out there must
/// not end the one that `doctor` shows.
#[cfg(feature = "client")]
fn show(args: &DemoArgs, setup: &Setup, runtime: &Runtime, living: &Living) -> Outcome {
    let address = living.socket().ok_or_else(|| Failure::failed(format!("{} is no address of a demo", living.address)))?;
    let token = runtime.block_on(sign_in(address, &args.account))?;
    let client = crate::client::Client::new(&living.address, Some(token))?;
    match super::terminal::show(setup, super::terminal::Shown { client: Some(client), ..Default::default() })? {
        crate::tui::End::Signal(number) => Ok(Exit::Signal(number)),
        crate::tui::End::Quit | crate::tui::End::Demo => Ok(Exit::Done),
    }
}

#[cfg(not(feature = "client"))]
fn show(_: &DemoArgs, _: &Setup, _: &Runtime, _: &Living) -> Outcome {
    can_show().map(|()| Exit::Done)
}

/// Before anything is filled: whether there is something to show it on.
#[cfg(feature = "client")]
fn can_show() -> Result<(), Failure> {
    super::terminal::need_terminal()
}

#[cfg(not(feature = "client"))]
fn can_show() -> Result<(), Failure> {
    Err(Failure::usage("this build has no terminal application: say `countertop demo --no-tui`"))
}

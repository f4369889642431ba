//! `http`: asks a server as fast as it answers, and tells how many answers came
//! and how soon.
//!
//! May call [`crate::load`] and [`crate::times`].

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::load::Load;
use crate::times::Times;

/// Whom to ask for what.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// `http://127.0.0.1:PORT`, nothing behind it.
    #[arg(long)]
    url: String,
    /// Sent as the bearer's token.
    #[arg(long)]
    token: Option<String>,
    /// How many ask at the same time.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// For how long.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// What to get: a path with its query on each line.
    #[arg(long)]
    path_file: PathBuf,
}

/// Asks and prints one row.
pub(crate) fn run(options: &Options) -> Result<()> {
    let named = || options.path_file.display().to_string();
    let host = options.url.trim_end_matches('/').strip_prefix("http://").context("--url is http://HOST:PORT")?;
    let paths = std::fs::read_to_string(&options.path_file).with_context(named)?;
    let load = Load { host, token: options.token.as_deref(), connections: options.connections, time: Duration::from_secs(options.seconds) };
    let seen = load.run(paths.lines().filter(|path| !path.is_empty())).with_context(named)?;
    let (rate, errors) = (load.rate(&seen), seen.errors);
    let times = Times::of(seen.times);
    println!("| connections | answers a second | p50 µs | p99 µs | max µs | errors |\n|--:|--:|--:|--:|--:|--:|");
    println!("| {} | {rate:.0} | {:.0} | {:.0} | {:.0} | {errors} |", options.connections, times.at(0.5), times.at(0.99), times.at(1.0));
    Ok(())
}

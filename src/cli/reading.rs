//! `countertop reading add`.

use jiff::Timestamp;

use super::asset::AssetTag;
use super::connection::{Connection, NOTHING, Once};
use super::exit::{Exit, Outcome};
use super::output::{self, line};
use super::runtime::wait;
use crate::api::meter::NewReading;
use crate::api::operation::{AddReading, OfAsset};
use crate::rules::meter::ReadingKind;

/// Verbs on readings.
#[derive(Debug, clap::Subcommand)]
pub(super) enum ReadingVerb {
    /// Add a meter reading
    Add(ReadingAddArgs),
}

/// `countertop reading add ASSET VALUE`.
#[derive(Debug, clap::Args)]
pub(super) struct ReadingAddArgs {
    #[command(flatten)]
    asset: AssetTag,
    /// What the dial shows
    #[arg(value_name = "VALUE", allow_negative_numbers = true)]
    value: String,
    /// The meter, as kind or kind.component; the primary one unless said
    #[arg(long, value_name = "KIND")]
    meter: Option<String>,
    /// When the dial was read (RFC 3339); now unless said
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
    /// The unit; one that differs from the meter's is refused
    #[arg(long)]
    unit: Option<String>,
    /// Free text
    #[arg(long)]
    comment: Option<String>,
    /// Why a value that is too high is right all the same
    #[arg(long, value_name = "TEXT")]
    override_reason: Option<String>,
    /// The dial passed its end and began anew
    #[arg(long)]
    rollover: bool,
    #[command(flatten)]
    once: Once,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Adds the reading.
pub(super) fn add(args: ReadingAddArgs, before: Connection) -> Outcome {
    let client = args.connection.or(before).connect()?.client;
    let new = NewReading {
        meter: args.meter,
        value: args.value,
        unit: args.unit,
        read_at: args.at,
        comment: args.comment,
        override_reason: args.override_reason,
        kind: if args.rollover { ReadingKind::Rollover } else { ReadingKind::default() },
    };
    let (asset, once) = (args.asset, args.once);
    let answered = wait(async {
        let id = asset.resolve(&client).await?;
        once.write::<AddReading>(&client, &OfAsset { id }, &NOTHING, &new).await
    })?;
    if args.json {
        output::json(&answered.json)?;
        return Ok(Exit::Done);
    }
    let added = answered.answer;
    let reading = &added.reading;
    output::say(&format!("{} {} on {}, read at {}", line(&reading.value), reading.unit.name(), line(&reading.meter), reading.read_at))?;
    if added.meter_created {
        output::note("The asset had no such meter; it has one now.");
    }
    for warning in &added.warnings {
        output::note(&line(warning));
    }
    Ok(Exit::Done)
}

//! `countertop session`: where one is signed in, and ending what is not meant
//! any more.

use super::connection::{Answered, Connection, NOTHING, ask};
use super::exit::{Exit, Failure, Outcome};
use super::output::{self, Table, cell};
use super::runtime::wait;
use crate::api::ids::SessionId;
use crate::api::operation::{EndOtherSessions, EndSession, ListSessions, OfSession};
use crate::api::people::OpenSession;

/// Verbs on one's own sign-ins.
#[derive(Debug, clap::Subcommand)]
pub(super) enum SessionVerb {
    /// Where you are signed in
    List(ListArgs),
    /// End one of your sign-ins, or all others at once
    End(EndArgs),
}

/// `countertop session list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// `countertop session end`.
#[derive(Debug, clap::Args)]
pub(super) struct EndArgs {
    /// Which, by the id that `session list` shows
    #[arg(value_name = "ID", required_unless_present = "others", conflicts_with = "others")]
    id: Option<SessionId>,
    /// All but the one that this command uses
    #[arg(long)]
    others: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Runs a verb on one's own sign-ins.
pub(super) fn run(verb: SessionVerb, before: Connection) -> Outcome {
    match verb {
        SessionVerb::List(args) => list(args, before),
        SessionVerb::End(args) => end(args, before),
    }
}

fn list(args: ListArgs, before: Connection) -> Outcome {
    let client = args.connection.or(before).connect()?.client;
    let Answered { answer, json } = wait(ask::<ListSessions>(&client, &NOTHING, &NOTHING, &NOTHING))?;
    if args.json {
        output::json(&json)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["ID", "SIGNED IN", "USED", "ENDS", "FROM", ""]);
    for session in &answer.items {
        table.row(row(session));
    }
    output::say(&table.text())?;
    Ok(Exit::Done)
}

fn row(session: &OpenSession) -> [String; 6] {
    let [begun, used, ends] = [session.created_at, session.used_at, session.ends_at].map(|at| format!("{at:.0}"));
    let this = if session.current { "this one" } else { "" };
    [session.id.to_string(), begun, used, ends, cell(session.came_from.as_deref()), this.to_owned()]
}

fn end(args: EndArgs, before: Connection) -> Outcome {
    let client = args.connection.or(before).connect()?.client;
    match args.id {
        Some(id) => wait(async { client.call::<EndSession>(&OfSession { id }, &NOTHING, &NOTHING).await.map_err(Failure::from) })?,
        None => wait(async { client.call::<EndOtherSessions>(&NOTHING, &NOTHING, &NOTHING).await.map_err(Failure::from) })?,
    };
    output::note(if args.id.is_some() { "That sign-in has ended." } else { "All your other sign-ins have ended." });
    Ok(Exit::Done)
}

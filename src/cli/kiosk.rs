//! `countertop kiosk`: makes this machine a workshop terminal, lists those
//! there are, and makes it an ordinary one again.

use super::connection::{Answered, Connected, Connection, NOTHING, ask};
use super::exit::{Exit, Failure, Outcome};
use super::login::readable;
use super::output::{self, Table, line};
use super::runtime::wait;
use crate::api::operation::{EnrolKiosk, ListKiosks};
use crate::api::permission::Permission;
use crate::api::portal::{EnrolledKiosk, Kiosk, KioskChange, NewKiosk};
use crate::client::credentials::DeviceLogin;
use crate::text::nearest;

/// Verbs on workshop terminals.
#[derive(Debug, clap::Subcommand)]
pub(super) enum KioskVerb {
    /// Make this machine a workshop terminal; needs an administrator's sign-in
    Enrol(EnrolArgs),
    /// The workshop terminals
    List(ListArgs),
    /// Forget here that this machine is a workshop terminal
    Remove(RemoveArgs),
}

/// `countertop kiosk enrol`.
#[derive(Debug, clap::Args)]
pub(super) struct EnrolArgs {
    /// The shop it stands in, by id or code
    #[arg(long, value_name = "CODE")]
    shop: String,
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    label: String,
    /// It forgets after so many seconds without a key: 10 to 3600
    #[arg(long, value_name = "SECONDS")]
    idle: Option<i64>,
    /// Somebody has to sign in at it
    #[arg(long)]
    login_required: bool,
    /// What it may do, of what workshop terminals may; may be given several times
    #[arg(long, value_name = "PERMISSION")]
    allow: Vec<String>,
    #[command(flatten)]
    connection: Connection,
}

/// `countertop kiosk list`.
#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    connection: Connection,
}

/// `countertop kiosk remove`.
#[derive(Debug, clap::Args)]
pub(super) struct RemoveArgs {
    #[command(flatten)]
    connection: Connection,
}

/// Runs a verb on workshop terminals.
pub(super) fn run(verb: KioskVerb, before: Connection) -> Outcome {
    match verb {
        KioskVerb::Enrol(args) => enrol(args, before),
        KioskVerb::List(args) => list(args, before),
        KioskVerb::Remove(args) => remove(args, before),
    }
}

fn enrol(args: EnrolArgs, before: Connection) -> Outcome {
    let allowed = args.allow.iter().map(|name| permission(name)).collect::<Result<Vec<_>, _>>()?;
    let Connected { client, setup, token_given } = args.connection.or(before).connect()?;
    let server = client.server();
    // Before the server is asked: a token that cannot be kept is lost.
    let mut credentials = readable(&setup)?;
    if let Some(device) = credentials.device(server) {
        let told = format!("this machine is the workshop terminal {:?} already: `countertop kiosk remove` first", line(&device.label));
        return Err(Failure::failed(told));
    }
    let settings = KioskChange {
        login_required: args.login_required.then_some(true),
        idle_seconds: args.idle,
        allowed_actions: Some(allowed).filter(|allowed| !allowed.is_empty()),
        active: None,
    };
    let new = NewKiosk { label: args.label, shop: args.shop, settings };
    let EnrolledKiosk { kiosk, device_token } = wait(async { client.call::<EnrolKiosk>(&NOTHING, &NOTHING, &new).await.map_err(Failure::from) })?;
    let idle_seconds = u64::try_from(kiosk.idle_seconds).unwrap_or_default();
    credentials.set_device(server, Some(DeviceLogin { label: kiosk.label.clone(), token: device_token, idle_seconds }))?;
    let login = if kiosk.login_required { "Somebody has to sign in at it." } else { "Nobody has to sign in at it." };
    output::say(&format!("This machine is the workshop terminal {} of {} from now on.", line(&kiosk.label), line(&kiosk.shop.name)))?;
    output::say(&format!("{login} It forgets after {idle_seconds} s without a key. Start it with `countertop`."))?;
    if !token_given {
        output::note("You are still signed in here for the commands: `countertop logout` ends that.");
    }
    Ok(Exit::Done)
}

fn permission(name: &str) -> Result<Permission, Failure> {
    Permission::from_name(name).ok_or_else(|| {
        let meant = nearest(name, Permission::all().map(Permission::name));
        let advice = meant.map_or_else(|| "`countertop roles` lists them".to_owned(), |meant| format!("did you mean {meant}?"));
        Failure::usage(format!("there is no permission {name}; {advice}"))
    })
}

fn list(args: ListArgs, before: Connection) -> Outcome {
    let client = args.connection.or(before).connect()?.client;
    let Answered { answer, json } = wait(ask::<ListKiosks>(&client, &NOTHING, &NOTHING, &NOTHING))?;
    if args.json {
        output::json(&json)?;
        return Ok(Exit::Done);
    }
    let mut table = Table::new(&["SHOP", "LABEL", "SIGN-IN", "FORGETS AFTER", "STATE"]);
    for kiosk in &answer.items {
        table.row(row(kiosk));
    }
    output::say(&table.text())?;
    Ok(Exit::Done)
}

fn row(kiosk: &Kiosk) -> [String; 5] {
    let login = if kiosk.login_required { "needed" } else { "none" };
    let state = if kiosk.active { "active" } else { "switched off" };
    [line(&kiosk.shop.code), line(&kiosk.label), login.to_owned(), format!("{} s", kiosk.idle_seconds), state.to_owned()]
}

fn remove(args: RemoveArgs, before: Connection) -> Outcome {
    let connected = args.connection.or(before).connect_anew()?;
    let server = connected.client.server();
    let mut credentials = readable(&connected.setup)?;
    let Some(label) = credentials.device(server).map(|device| line(&device.label)) else {
        output::note(&format!("This machine is no workshop terminal of {server}."));
        return Ok(Exit::Done);
    };
    credentials.set_device(server, None)?;
    output::note(&format!("This machine is not the workshop terminal {label} any more."));
    output::note("The server still knows it: an administrator switches it off there.");
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_permission_is_told_with_the_right_one() {
        assert!(permission("meter.view").is_ok());
        assert!(permission("meter.veiw").unwrap_err().sentence().contains("meter.view"));
    }
}

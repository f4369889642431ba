//! The command line: one file per verb or small group of them. Every verb ends
//! with an `Exit` or a `Failure`, which is told on standard
//! error as one sentence; what a script reads goes to standard output.
//!
//! May call everything; nothing but `main` calls it. A verb exists only in a
//! build that has what it needs.

#[cfg(feature = "client")]
mod asset;
#[cfg(feature = "server")]
mod backup;
#[cfg(feature = "client")]
mod connection;
mod cores;
#[cfg(feature = "client")]
mod customer;
#[cfg(feature = "server")]
mod database;
#[cfg(feature = "server")]
mod demo;
mod describe;
mod doctor;
mod exit;
#[cfg(feature = "client")]
mod find;
#[cfg(feature = "client")]
mod kiosk;
mod living;
mod logging;
#[cfg(feature = "client")]
mod login;
mod output;
#[cfg(feature = "client")]
mod password;
#[cfg(feature = "client")]
mod reading;
#[cfg(feature = "client")]
mod request;
mod roles;
mod runtime;
mod secret;
#[cfg(feature = "server")]
mod serve;
#[cfg(feature = "client")]
mod session;
mod settings;
mod setup;
#[cfg(feature = "server")]
mod signals;
#[cfg(feature = "client")]
mod terminal;
#[cfg(feature = "server")]
mod transfer;
#[cfg(feature = "server")]
mod transport;
#[cfg(feature = "server")]
mod user;
#[cfg(feature = "server")]
mod whole_file;

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};

use exit::{Exit, Outcome};

/// Told under `--help`.
const AFTER_HELP: &str = "\
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found or not unique, 4 refused by the role,
5 server not reachable, 6 value refused.
Environment: COUNTERTOP_CONFIG, COUNTERTOP_SERVER, COUNTERTOP_TOKEN, COUNTERTOP_DATABASE, NO_COLOR.";

/// The dealer's counter in a terminal. Without a command: the terminal application.
#[derive(Debug, Parser)]
#[command(name = "countertop", version, long_about = None, after_help = AFTER_HELP)]
struct Cli {
    #[cfg(feature = "client")]
    #[command(flatten)]
    connection: connection::Connection,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Everything on this machine with demo data, nothing to set up
    #[cfg(feature = "server")]
    Demo(demo::DemoArgs),
    /// Run the API server
    #[cfg(feature = "server")]
    Serve(serve::ServeArgs),
    /// Bring the database to this version's schema
    #[cfg(feature = "server")]
    Migrate(serve::MigrateArgs),
    /// Write all of the database into one file, while others work
    #[cfg(feature = "server")]
    Backup(backup::BackupArgs),
    /// Make a database of a backup
    #[cfg(feature = "server")]
    Restore(backup::RestoreArgs),
    /// Read a CSV file into the database
    #[cfg(feature = "server")]
    Import(transfer::ImportArgs),
    /// Write records as CSV that import takes back
    #[cfg(feature = "server")]
    Export(transfer::ExportArgs),
    /// Users on the server's own database
    #[cfg(feature = "server")]
    #[command(subcommand)]
    User(user::UserVerb),
    /// Sign in and store the token for this user
    #[cfg(feature = "client")]
    Login(login::LoginArgs),
    /// Sign out and forget the token
    #[cfg(feature = "client")]
    Logout(login::LogoutArgs),
    /// Your own sign-ins: where they are, and ending them
    #[cfg(feature = "client")]
    #[command(subcommand)]
    Session(session::SessionVerb),
    /// Set a password with the code of a mailed link
    #[cfg(feature = "client")]
    Password(password::PasswordArgs),
    /// Find customers by name, city, state or number
    #[cfg(feature = "client")]
    Find(find::FindArgs),
    /// Look assets up
    #[cfg(feature = "client")]
    #[command(subcommand)]
    Asset(asset::AssetVerb),
    /// Show, create and number customers
    #[cfg(feature = "client")]
    #[command(subcommand)]
    Customer(customer::CustomerVerb),
    /// Meter readings
    #[cfg(feature = "client")]
    #[command(subcommand)]
    Reading(reading::ReadingVerb),
    /// Requests for service
    #[cfg(feature = "client")]
    #[command(subcommand)]
    Request(request::RequestVerb),
    /// Workshop terminals, and whether this machine is one
    #[cfg(feature = "client")]
    #[command(subcommand)]
    Kiosk(kiosk::KioskVerb),
    /// The role templates and what each may do
    Roles(roles::RolesArgs),
    /// Look after the configuration
    #[command(subcommand)]
    Config(settings::ConfigVerb),
    /// What this program sees: configuration, server, session, terminal, database, demo
    Doctor(doctor::DoctorArgs),
    /// A completion script for a shell
    Completions(describe::CompletionsArgs),
    /// The manual page
    Man(describe::ManArgs),
    /// The OpenAPI document
    #[cfg(feature = "server")]
    #[command(hide = true)]
    Openapi,
}

/// Runs the verb of the command line and says by exit code how it went.
#[must_use]
pub fn run() -> ExitCode {
    cores::forbid();
    let parsed = Cli::command().try_get_matches().and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, wants_json(&matches))));
    let (cli, as_json) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return told_by_clap(&error),
    };
    let exit = match dispatch(cli) {
        Ok(exit) => exit,
        Err(failure) => failure.tell(as_json),
    };
    exit.code()
}

/// Whether the verb was given `--json`: then its failure is JSON too.
fn wants_json(matches: &ArgMatches) -> bool {
    match matches.subcommand() {
        Some((_, verb)) => wants_json(verb),
        None => matches.try_get_one::<bool>("json").ok().flatten().copied().unwrap_or_default(),
    }
}

/// Help and version go to standard output; what is wrong with the command line
/// is told like every other failure.
fn told_by_clap(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        // A pipe that was closed has read enough.
        let _ = error.print();
        return Exit::Done.code();
    }
    let told = error.render().to_string();
    match told.strip_prefix("error: ") {
        Some(mistake) => output::note(&format!("countertop: {}", mistake.trim_end())),
        // A group without its command shows its help.
        None => output::note(told.trim_end()),
    }
    Exit::Usage.code()
}

fn dispatch(cli: Cli) -> Outcome {
    #[cfg(feature = "client")]
    let connection = cli.connection;
    let Some(verb) = cli.verb else {
        #[cfg(feature = "client")]
        return terminal::run(connection);
        #[cfg(not(feature = "client"))]
        return Err(exit::Failure::usage("this build has no terminal application: see `countertop --help`"));
    };
    match verb {
        #[cfg(feature = "server")]
        Verb::Demo(args) => demo::run(&args),
        #[cfg(feature = "server")]
        Verb::Serve(args) => serve::run(&args),
        #[cfg(feature = "server")]
        Verb::Migrate(args) => serve::migrate(&args),
        #[cfg(feature = "server")]
        Verb::Backup(args) => backup::backup(&args),
        #[cfg(feature = "server")]
        Verb::Restore(args) => backup::restore(&args),
        #[cfg(feature = "server")]
        Verb::Import(args) => transfer::import(args),
        #[cfg(feature = "server")]
        Verb::Export(args) => transfer::export(&args),
        #[cfg(feature = "server")]
        Verb::User(verb) => user::run(&verb),
        #[cfg(feature = "client")]
        Verb::Login(args) => login::login(args, connection),
        #[cfg(feature = "client")]
        Verb::Logout(args) => login::logout(args, connection),
        #[cfg(feature = "client")]
        Verb::Session(verb) => session::run(verb, connection),
        #[cfg(feature = "client")]
        Verb::Password(args) => password::run(args, connection),
        #[cfg(feature = "client")]
        Verb::Find(args) => find::run(args, connection),
        #[cfg(feature = "client")]
        Verb::Asset(verb) => asset::run(verb, connection),
        #[cfg(feature = "client")]
        Verb::Customer(verb) => customer::run(verb, connection),
        #[cfg(feature = "client")]
        Verb::Reading(reading::ReadingVerb::Add(args)) => reading::add(args, connection),
        #[cfg(feature = "client")]
        Verb::Request(request::RequestVerb::Add(args)) => request::add(args, connection),
        #[cfg(feature = "client")]
        Verb::Kiosk(verb) => kiosk::run(verb, connection),
        Verb::Roles(args) => roles::run(&args),
        Verb::Config(verb) => settings::run(verb),
        #[cfg(feature = "client")]
        Verb::Doctor(args) => doctor::run(args, connection),
        #[cfg(not(feature = "client"))]
        Verb::Doctor(args) => doctor::run(&args),
        Verb::Completions(args) => describe::completions(&args, Cli::command()),
        Verb::Man(args) => describe::man(&args, Cli::command()),
        #[cfg(feature = "server")]
        Verb::Openapi => describe::openapi(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}

//! `countertop doctor`: what this program sees around it, for the person on
//! the telephone. Everything is looked at and nothing is changed.

use serde_json::{Value, json};

#[cfg(feature = "client")]
use super::connection::{Connection, NOTHING};
use super::exit::{Exit, Failure, Outcome};
use super::living::Living;
use super::output::{self, line, pairs};
use super::runtime::wait;
use super::setup::Setup;
#[cfg(feature = "client")]
use super::terminal::key_mistakes;
#[cfg(feature = "client")]
use crate::api::operation::GetSession;
#[cfg(feature = "client")]
use crate::client::ClientError;
use crate::config::{Config, Given, Paths};

/// `countertop doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct DoctorArgs {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
    #[cfg(feature = "server")]
    #[command(flatten)]
    database: super::database::DatabaseArgs,
    #[cfg(feature = "client")]
    #[command(flatten)]
    connection: Connection,
}

/// One thing that was looked at: its name, and a value or several by name.
type Seen = (&'static str, Value);

/// Looks around and tells.
#[cfg(feature = "client")]
pub(super) fn run(args: DoctorArgs, before: Connection) -> Outcome {
    let connection = args.connection.clone().or(before);
    let (setup, mut mistakes) = read(connection.flag());
    mistakes.extend(key_mistakes(&setup).iter().map(ToString::to_string));
    let (server, demo) = wait(async { Ok::<_, Failure>((server(&connection, &setup).await, Living::find(&setup.paths).await)) })?;
    let mut seen = here(&setup, &args, &mistakes, demo.as_ref());
    seen.insert(2, ("server", server));
    seen.insert(3, ("login", login(&setup)));
    finish(seen, &setup, &args)
}

/// Looks around and tells.
#[cfg(not(feature = "client"))]
pub(super) fn run(args: &DoctorArgs) -> Outcome {
    let (setup, mistakes) = read(None);
    let demo = wait(async { Ok::<_, Failure>(Living::find(&setup.paths).await) })?;
    finish(here(&setup, args, &mistakes, demo.as_ref()), &setup, args)
}

/// With the audit of the database, where there is one here.
fn finish(mut seen: Vec<Seen>, setup: &Setup, args: &DoctorArgs) -> Outcome {
    let audit = audit(&database(setup, args));
    let broken = audit.get("broken").cloned();
    seen.push(("audit", audit));
    tell(&seen, args.json)?;
    match broken {
        Some(broken) => Err(Failure::failed(in_words(&broken))),
        None => Ok(Exit::Done),
    }
}

/// The address of the database that is looked at.
#[cfg(feature = "server")]
fn database(setup: &Setup, args: &DoctorArgs) -> String {
    args.database.address().unwrap_or_else(|| setup.config.database(&setup.paths))
}

#[cfg(not(feature = "server"))]
fn database(setup: &Setup, _: &DoctorArgs) -> String {
    setup.config.database(&setup.paths)
}

/// Whether the audit is as it was written: every row, and the chain over them.
#[cfg(feature = "server")]
fn audit(address: &str) -> Value {
    if super::database::is_missing(address) {
        return json!({ "remark": "there is no database here yet" });
    }
    let verified = wait(async {
        let db = super::database::open(address).await?;
        let mut conn = db.read().await?;
        let verified = crate::store::audit::verify(&mut conn).await;
        drop(conn);
        db.close().await;
        Ok::<_, Failure>(verified)
    });
    match verified {
        Ok(Ok(Ok(chain))) => json!({ "sealed": chain.rows, "waiting": chain.waiting, "last_seal": chain.head }),
        Ok(Ok(Err(broken))) => json!({ "broken": format!("{broken}: somebody wrote to the database beside the program") }),
        // What cannot be read is no sound audit: one row of another type would
        // hide every other change.
        Ok(Err(error)) => {
            json!({ "broken": format!("the audit cannot be read ({error}): bring an older database to this version with migrate, or look who wrote to it") })
        }
        // A file is here and cannot be opened; of another machine we know nothing.
        Err(failure) if address.starts_with("sqlite") => json!({ "broken": failure.sentence() }),
        Err(failure) => json!({ "remark": failure.sentence() }),
    }
}

#[cfg(not(feature = "server"))]
fn audit(_: &str) -> Value {
    json!({ "remark": "this program has no server in it" })
}

/// The configuration; with mistakes in its file what the environment and the
/// flag say over the defaults, and the mistakes.
fn read(flag: Option<Given<'_>>) -> (Setup, Vec<String>) {
    let paths = Paths::of_user();
    let (config, mistakes) = match Config::load(&paths, flag.as_slice()) {
        Ok(config) => (config, Vec::new()),
        Err(error) => {
            let config = Config::without_file(flag.as_slice()).unwrap_or_default();
            (config, error.to_string().lines().map(str::to_owned).collect())
        }
    };
    (Setup { paths, config }, mistakes)
}

fn here(setup: &Setup, args: &DoctorArgs, mistakes: &[String], demo: Option<&Living>) -> Vec<Seen> {
    let file = setup.paths.config_file().path;
    vec![
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("config", json!({ "path": file.display().to_string(), "exists": file.exists(), "mistakes": mistakes })),
        ("terminal", terminal()),
        ("database", database_seen(&database(setup, args))),
        ("demo", json!(demo)),
    ]
}

/// Where the database is, with a remark where its file is open to others.
fn database_seen(address: &str) -> Value {
    let mut seen = json!({ "address": masked(address) });
    if let Some(mode) = mode_for_others(address) {
        let remark = format!("its file has mode {mode:o}: others on this machine may get at customers and hashes of passwords; chmod 600 keeps them out");
        seen["remark"] = json!(remark);
    }
    seen
}

/// The mode of a database's file, where it is not for its owner only.
#[cfg(all(feature = "server", unix))]
fn mode_for_others(address: &str) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(crate::store::Db::file_of(address)?).ok()?.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

#[cfg(not(all(feature = "server", unix)))]
const fn mode_for_others(_: &str) -> Option<u32> {
    None
}

/// Whether the server answers, and whom it takes us for.
#[cfg(feature = "client")]
async fn server(connection: &Connection, setup: &Setup) -> Value {
    let client = match connection.client(setup) {
        Ok(Some(client)) => client,
        Ok(None) => return Value::Null,
        Err(failure) => return json!({ "remark": failure.sentence() }),
    };
    let address = client.server();
    match client.call::<GetSession>(&NOTHING, &NOTHING, &NOTHING).await {
        Ok(session) => json!({ "address": address, "answers": true, "signed_in_as": session.user.username, "roles": session.user.roles }),
        Err(ClientError::Refused(problem)) => json!({ "address": address, "answers": true, "signed_in_as": null, "remark": problem.detail }),
        Err(error) => json!({ "address": address, "answers": false, "remark": error.to_string() }),
    }
}

/// Where the token of the sign-in is, and where the next one goes.
#[cfg(feature = "client")]
fn login(setup: &Setup) -> Value {
    let credentials = match setup.credentials() {
        Ok(credentials) => credentials,
        Err(error) => return json!({ "remark": error.to_string() }),
    };
    let here = setup.config.client.server.as_ref().and_then(|address| credentials.place(&address.0));
    let remark = if setup.keeping().has_keyring() { "" } else { " (this program was built without a keyring)" };
    let next = format!("{}{remark}", credentials.in_words(credentials.next_place()));
    json!({ "kept_in": here.map(|place| credentials.in_words(place)), "next_goes_to": next })
}

fn terminal() -> Value {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let no_color = variable("NO_COLOR").is_some();
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(variable).unwrap_or_default().to_lowercase();
    let size = size();
    json!({
        "term": variable("TERM"),
        "columns": size.map(|(columns, _)| columns),
        "rows": size.map(|(_, rows)| rows),
        "colours": colours(variable("TERM").as_deref(), variable("COLORTERM").as_deref(), no_color),
        "no_color": no_color,
        "utf8": locale.contains("utf-8") || locale.contains("utf8"),
    })
}

fn colours(term: Option<&str>, colorterm: Option<&str>, no_color: bool) -> &'static str {
    match (term, colorterm) {
        _ if no_color => "none",
        (None | Some("dumb"), _) => "none",
        (_, Some("truecolor" | "24bit")) => "16 million",
        (Some(term), _) if term.contains("256color") => "256",
        _ => "16",
    }
}

#[cfg(feature = "client")]
fn size() -> Option<(u16, u16)> {
    crate::tui::terminal_size()
}

/// What the shell says.
#[cfg(not(feature = "client"))]
fn size() -> Option<(u16, u16)> {
    let number = |name: &str| std::env::var(name).ok()?.parse().ok();
    Some((number("COLUMNS")?, number("LINES")?))
}

/// A database's address without its password.
pub(super) fn masked(address: &str) -> String {
    let Some((scheme, rest)) = address.split_once("://").filter(|(scheme, _)| *scheme != "sqlite") else { return address.to_owned() };
    let (user, place) = match rest.rsplit_once('@') {
        Some((user, place)) => (user.split_once(':').map_or_else(|| format!("{user}@"), |(name, _)| format!("{name}:***@")), place),
        None => (String::new(), rest),
    };
    let place = match place.split_once("password=") {
        Some((before, after)) => format!("{before}password=***{}", after.find('&').map_or("", |end| &after[end..])),
        None => place.to_owned(),
    };
    format!("{scheme}://{user}{place}")
}

fn tell(seen: &[Seen], as_json: bool) -> Outcome {
    if as_json {
        let document: serde_json::Map<String, Value> = seen.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        output::json(&document)?;
        return Ok(Exit::Done);
    }
    let mut rows: Vec<(String, String)> = Vec::new();
    for (name, value) in seen {
        match value {
            Value::Object(parts) => rows.extend(parts.iter().map(|(part, value)| (format!("{name} {}", part.replace('_', " ")), in_words(value)))),
            single => rows.push(((*name).to_owned(), in_words(single))),
        }
    }
    let rows: Vec<(&str, String)> = rows.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    output::say(&pairs(&rows))?;
    Ok(Exit::Done)
}

fn in_words(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => line(text),
        Value::Array(items) => items.iter().map(in_words).collect::<Vec<_>>().join("; "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        for (address, shown) in [
            ("sqlite:///srv/a:b@c/x.db", "sqlite:///srv/a:b@c/x.db"),
            ("postgres://counter:secret@db/counter", "postgres://counter:***@db/counter"),
            ("postgres://counter:se@cret@db/counter", "postgres://counter:***@db/counter"),
            ("postgres://counter@db/counter", "postgres://counter@db/counter"),
            ("postgres://db/counter?user=a&password=secret&sslmode=require", "postgres://db/counter?user=a&password=***&sslmode=require"),
        ] {
            assert_eq!(masked(address), shown);
        }
    }

    #[test]
    fn no_color_means_none() {
        assert_eq!(colours(Some("xterm-256color"), Some("truecolor"), true), "none");
        assert_eq!(colours(Some("xterm-256color"), None, false), "256");
        assert_eq!(colours(Some("dumb"), None, false), "none");
    }
}

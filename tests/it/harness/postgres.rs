//! One throw-away PostgreSQL per test process, or the one that
//! `COUNTERTOP_TEST_POSTGRES` names. Without any, the tests that need it fail
//! and say what to install.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

const MISSING: &str = "PostgreSQL is missing: install it (Debian and Ubuntu: apt-get install postgresql; Fedora: dnf install postgresql-server; \
                       macOS: brew install postgresql), or set COUNTERTOP_TEST_POSTGRES=postgres://user@host/postgres to use a running one.";

/// Starts the server, and stops it when the test process ends in whatever way:
/// the pipe it reads from closes then. It removes the data too.
const KEEPER: &str = r#""$0" -D "$1/data" -k "$1" -p 5432 -c listen_addresses= -c max_connections=200 -c fsync=off -c full_page_writes=off \
    -c synchronous_commit=off -c autovacuum=off >"$1/log" 2>&1 &
server=$!
read -r _
kill -INT $server
wait $server
rm -rf "$1""#;

/// A server that tests may make databases in.
#[derive(Debug)]
pub(crate) struct Server {
    /// Its address with some database.
    address: reqwest::Url,
    /// Holds the pipe open for as long as this process lives.
    keeper: Option<Child>,
}

/// The server of this process.
pub(crate) fn server() -> &'static Server {
    server_if_there().unwrap_or_else(|sentence| panic!("{sentence}"))
}

/// The server of this process, or the sentence that says what is missing.
pub(crate) fn server_if_there() -> Result<&'static Server, &'static str> {
    static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();
    SERVER.get_or_init(start).as_ref().map_err(String::as_str)
}

impl Server {
    /// The address of a database.
    pub(crate) fn address(&self, database: &str) -> String {
        let mut address = self.address.clone();
        address.set_path(database);
        address.into()
    }

    /// Whether it outlives the tests, so that they have to tidy up.
    pub(crate) fn is_lent(&self) -> bool {
        self.keeper.is_none()
    }

    /// Makes a database of a name of its own, perhaps as a copy.
    pub(crate) async fn create(&self, template: Option<&str>) -> String {
        let name = format!("t_{}", uuid::Uuid::now_v7().simple());
        let copy = template.map(|template| format!(" TEMPLATE {template}")).unwrap_or_default();
        self.run(format!("CREATE DATABASE {name}{copy}")).await;
        name
    }

    /// Drops a database, whoever is still connected.
    pub(crate) async fn remove(&self, database: &str) {
        self.run(format!("DROP DATABASE IF EXISTS {database} WITH (FORCE)")).await;
    }

    async fn run(&self, sql: String) {
        let mut connection = PgConnection::connect(self.address.as_str()).await.expect("the test's PostgreSQL answers");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.expect("the test's PostgreSQL obeys");
        connection.close().await.expect("the test's PostgreSQL lets go");
    }
}

fn start() -> Result<Server, String> {
    if let Ok(lent) = std::env::var("COUNTERTOP_TEST_POSTGRES") {
        let address = lent.parse::<reqwest::Url>().map_err(|error| format!("COUNTERTOP_TEST_POSTGRES is no address: {error}"))?;
        return Ok(Server { address, keeper: None });
    }
    let initdb = program("initdb").ok_or(MISSING)?;
    let postgres = program("postgres").ok_or(MISSING)?;
    let account = unprivileged();
    let dir = tempfile::Builder::new().prefix("countertop-pg-").tempdir().map_err(|error| error.to_string())?.keep();
    if let Some((user, group)) = account {
        std::os::unix::fs::chown(&dir, Some(user), Some(group)).map_err(|error| error.to_string())?;
    }
    let mut make = Command::new(initdb);
    make.args(["-U", "app", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "-D"]).arg(dir.join("data"));
    let made = as_account(&mut make, account).output().map_err(|error| error.to_string())?;
    if !made.status.success() {
        return Err(format!("initdb failed: {}", String::from_utf8_lossy(&made.stderr)));
    }
    let mut keep = Command::new("sh");
    keep.arg("-c").arg(KEEPER).arg(postgres).arg(&dir).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // In a group of its own, so that Ctrl-C ends it by the pipe too.
    let keeper = as_account(&mut keep, account).process_group(0).spawn().map_err(|error| error.to_string())?;
    wait_until_ready(&dir)?;
    let address = format!("postgres://app@localhost:5432/postgres?host={}&sslmode=disable", dir.display());
    let address = address.parse::<reqwest::Url>().map_err(|error| format!("{address}: {error}"))?;
    Ok(Server { address, keeper: Some(keeper) })
}

pub(super) fn wait_until_ready(dir: &Path) -> Result<(), String> {
    let patience = Instant::now() + Duration::from_mins(1);
    let ready = || {
        let noted = std::fs::read_to_string(dir.join("data/postmaster.pid")).unwrap_or_default();
        noted.lines().nth(7).is_some_and(|line| line.trim() == "ready")
    };
    while !ready() {
        if Instant::now() > patience {
            return Err(format!("PostgreSQL did not start: {}", std::fs::read_to_string(dir.join("log")).unwrap_or_default()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A program of PostgreSQL: on the path, or where Debian keeps it, the newest
/// version first.
pub(super) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path()).collect();
    versions.sort_by_key(|version| version.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    // What Debian has on the path picks a version by itself, or none.
    let folders = versions.into_iter().rev().map(|version| version.join("bin")).chain(std::env::split_paths(&path));
    folders.map(|folder| folder.join(name)).find(|program| program.is_file()).and_then(|program| program.canonicalize().ok())
}

/// PostgreSQL does not run as root: then it borrows somebody's account.
pub(super) fn unprivileged() -> Option<(u32, u32)> {
    let me = Command::new("id").arg("-u").output().ok()?;
    if me.stdout.trim_ascii() != b"0" {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").ok()?;
    let of = |wanted: &str| {
        accounts.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            (fields.first() == Some(&wanted)).then_some(())?;
            Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
        })
    };
    of("postgres").or_else(|| of("nobody"))
}

pub(super) fn as_account(command: &mut Command, account: Option<(u32, u32)>) -> &mut Command {
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    // The account may not enter the folder the tests run in.
    command.current_dir("/")
}

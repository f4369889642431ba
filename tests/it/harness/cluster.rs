//! A PostgreSQL of a story's own that keeps what it says on the disk, and a
//! standby that follows it: for what cannot be done to the one that all share.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection};

use super::exchange::Target;
use super::postgres::{as_account, program, unprivileged, wait_until_ready};

/// Small, and as durable as PostgreSQL is by itself. It ends with the pipe that
/// the keeper reads from, and its data goes with it.
const KEEPER: &str = r#""$0" -D "$1/data" -k "$1" -p 5432 -c listen_addresses= -c shared_buffers=8MB -c max_connections=80 -c autovacuum=off >>"$1/log" 2>&1 &
server=$!
read -r _
kill -INT $server 2>/dev/null
wait $server
rm -rf "$1""#;

/// One server.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: PathBuf,
    /// Holds the pipe open.
    _keeper: Child,
}

/// The programs of PostgreSQL that a story needs, or none: the tests then run
/// against one elsewhere that is nobody's to kill.
pub(crate) fn can_be_made() -> bool {
    ["initdb", "postgres", "pg_basebackup", "pg_ctl"].iter().all(|name| program(name).is_some())
}

fn tool(name: &str) -> Command {
    Command::new(program(name).unwrap_or_else(|| panic!("there is no {name}")))
}

fn done(command: &mut Command) {
    let ran = as_account(command, unprivileged()).output().unwrap();
    assert!(ran.status.success(), "{command:?}: {}", String::from_utf8_lossy(&ran.stderr));
}

fn folder() -> PathBuf {
    let folder = tempfile::Builder::new().prefix("countertop-pg-").tempdir().unwrap().keep();
    if let Some((user, group)) = unprivileged() {
        std::os::unix::fs::chown(&folder, Some(user), Some(group)).unwrap();
    }
    folder
}

impl Cluster {
    /// An empty one.
    pub(crate) fn new() -> Self {
        let folder = folder();
        done(tool("initdb").args(["-U", "app", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8", "-D"]).arg(folder.join("data")));
        Self::start(folder)
    }

    /// A copy that follows this one, and without whose word nothing is
    /// acknowledged from now on.
    pub(crate) async fn standby(&self) -> Self {
        let standby = self.copied();
        self.run("ALTER SYSTEM SET synchronous_standby_names = '*'").await;
        self.run("SELECT pg_reload_conf()").await;
        self.until("SELECT EXISTS (SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync')", &standby).await;
        standby
    }

    /// A copy that followed this one and hears nothing more, while nobody waits
    /// for its word: planted.
    pub(crate) async fn standby_left_behind(&self) -> Self {
        let standby = self.copied();
        self.until("SELECT EXISTS (SELECT 1 FROM pg_stat_replication WHERE state = 'streaming')", &standby).await;
        standby.run("ALTER SYSTEM SET primary_conninfo = ''").await;
        standby.run("SELECT pg_reload_conf()").await;
        self.until("SELECT NOT EXISTS (SELECT 1 FROM pg_stat_replication)", &standby).await;
        standby
    }

    fn copied(&self) -> Self {
        let copy = folder();
        done(tool("pg_basebackup").args(["-U", "app", "-R", "-X", "stream", "-c", "fast", "-h"]).arg(&self.folder).arg("-D").arg(copy.join("data")));
        Self::start(copy)
    }

    fn start(folder: PathBuf) -> Self {
        let mut keep = Command::new("sh");
        keep.arg("-c").arg(KEEPER).arg(program("postgres").unwrap()).arg(&folder);
        keep.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let keeper = as_account(&mut keep, unprivileged()).process_group(0).spawn().unwrap();
        wait_until_ready(&folder).unwrap();
        Self { folder, _keeper: keeper }
    }

    /// Where it listens.
    pub(crate) fn target(&self) -> Target {
        Target::Unix(self.folder.join(".s.PGSQL.5432"))
    }

    /// Kills it as a machine does that falls over.
    pub(crate) fn kill(&self) {
        let pid = first_line(&self.folder.join("data/postmaster.pid"));
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    }

    /// From now on it is the one that is written to.
    pub(crate) fn promote(&self) {
        done(tool("pg_ctl").args(["promote", "-w", "-D"]).arg(self.folder.join("data")));
    }

    async fn connect(&self) -> PgConnection {
        let address = format!("postgres://app@localhost:5432/postgres?host={}&sslmode=disable", self.folder.display());
        PgConnection::connect(&address).await.unwrap()
    }

    async fn run(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&mut self.connect().await).await.unwrap();
    }

    /// Waits until this one says yes.
    async fn until(&self, sql: &'static str, standby: &Self) {
        let end = Instant::now() + Duration::from_secs(30);
        while !self.says_yes(sql).await {
            assert!(Instant::now() < end, "{sql}: the standby says {}", standby.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn says_yes(&self, sql: &'static str) -> bool {
        sqlx::query_scalar(sql).fetch_one(&mut self.connect().await).await.unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

fn first_line(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap().lines().next().unwrap().to_owned()
}

//! The database that the server's verbs work on.

use std::path::{Path, PathBuf};

use super::doctor::masked;
use super::exit::{Exit, Failure};
use super::setup::{Setup, given};
use crate::config::Given;
use crate::import::{is_same_file, real_place};
use crate::store::{Db, migrate};

/// `--database`.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct DatabaseArgs {
    #[arg(long, value_name = "URL", help = "The database, as sqlite:///path/file.db or postgres://user@host/database [env: COUNTERTOP_DATABASE]")]
    database: Option<String>,
}

impl DatabaseArgs {
    /// The configuration with `--database` and other flags over it, and the
    /// database's address.
    pub(super) fn setup<'a>(&'a self, others: impl IntoIterator<Item = Given<'a>>) -> Result<(Setup, String), Failure> {
        let database = given("--database", "server.database", self.database.as_deref());
        let flags: Vec<Given<'_>> = database.into_iter().chain(others).collect();
        let setup = Setup::read(&flags)?;
        let address = setup.config.database(&setup.paths);
        Ok((setup, address))
    }
}

impl DatabaseArgs {
    /// What `--database` says.
    pub(super) fn address(&self) -> Option<String> {
        self.database.clone()
    }
}

/// Whether the address is of a file that is not there.
pub(super) fn is_missing(address: &str) -> bool {
    Db::file_of(address).is_some_and(|path| !path.exists())
}

/// Opens a database that has to be there: who only works on what is there makes none.
pub(super) async fn open_present(address: &str) -> Result<Db, Failure> {
    if is_missing(address) {
        return Err(Failure::not_found(format!("there is no database at {}", masked(address))));
    }
    open(address).await
}

/// What is written must not be written over the database, nor over what SQLite
/// will keep beside it while it is open.
pub(super) fn refuse_own_file(address: &str, written: &Path) -> Result<(), Failure> {
    let Some(file) = Db::file_of(address) else { return Ok(()) };
    // Where the file itself stands: nothing lies beside a link to it.
    let real = real_place(file);
    let beside = ["-wal", "-shm", "-journal"].map(|end| {
        let mut name = real.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    });
    if is_same_file(file, written) || beside.iter().any(|log| is_same_file(log, written)) {
        return Err(Failure::new(Exit::Value, format!("{} is the database itself: name another file", written.display())));
    }
    Ok(())
}

/// Opens a database; the folder of a file is made.
pub(super) async fn open(address: &str) -> Result<Db, Failure> {
    make_folder(address)?;
    Ok(Db::open(address).await?)
}

/// Makes the folder of a file.
pub(super) fn make_folder(address: &str) -> Result<(), Failure> {
    if let Some(folder) = Db::file_of(address).and_then(Path::parent).filter(|folder| !folder.as_os_str().is_empty()) {
        private_folder(folder).map_err(|error| Failure::failed(format!("the folder {} cannot be made: {error}", folder.display())))?;
    }
    Ok(())
}

/// Opens a database and brings it to this version's schema.
pub(super) async fn open_current(address: &str) -> Result<Db, Failure> {
    let db = open(address).await?;
    migrate::migrate(&db).await?;
    Ok(db)
}

/// As [`open_current`], of a database that has to be there.
pub(super) async fn open_present_current(address: &str) -> Result<Db, Failure> {
    let db = open_present(address).await?;
    migrate::migrate(&db).await?;
    Ok(db)
}

/// As [`open_current`], to load many rows and do nothing else.
pub(super) async fn open_to_load(address: &str) -> Result<Db, Failure> {
    make_folder(address)?;
    let db = Db::open_to_load(address).await?;
    migrate::migrate(&db).await?;
    Ok(db)
}

/// A folder that is made is for its owner only: customers' data lies in it.
pub(super) fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

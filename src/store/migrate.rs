//! Brings a database to this version's schema. One folder of migrations for
//! both databases; two tokens stand for what they call differently, and marks
//! around what only one of them is told.
//!
//! All that is missing is applied in one transaction, one program at a time:
//! whoever is killed on the way leaves nothing behind, and whoever comes second
//! finds it done.

use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr;
use sqlx::migrate::{AppliedMigration, Migrate, MigrateError, Migration, MigrationType};

use super::{Conn, Db, DbKind, Raw, Result, StoreError, settings};

/// Released files are never edited: their checksum is kept in the database.
const MIGRATIONS: &[(i64, &str, &str)] = &[
    (1, "core", include_str!("../../assets/migrations/0001_core.sql")),
    (2, "people", include_str!("../../assets/migrations/0002_people.sql")),
    (3, "device_sign_in", include_str!("../../assets/migrations/0003_device_sign_in.sql")),
    (4, "look_alikes", include_str!("../../assets/migrations/0004_look_alikes.sql")),
    (5, "append_only", include_str!("../../assets/migrations/0005_append_only.sql")),
    (6, "at_any_size", include_str!("../../assets/migrations/0006_at_any_size.sql")),
];

/// The schema of this program: its last migration.
pub const NEWEST: i64 = match MIGRATIONS {
    [.., (newest, _, _)] => *newest,
    [] => 0,
};

/// Where it is noted what was applied. The driver's own table.
pub(super) const APPLIED: &str = "_sqlx_migrations";

/// By which programs on one PostgreSQL migrate in turn.
const MIGRATING: i64 = 0x636f_756e_7465_6d69;

/// SQLite before this can corrupt a database in write-ahead mode.
const OLDEST_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// Applies what is missing, one program at a time, and gives a database that
/// has none the name by which it is told from every other. Returns how many
/// migrations were applied.
///
/// # Errors
/// When a migration fails (it leaves no trace then), or the database is newer
/// than this program.
pub async fn migrate(db: &Db) -> Result<usize> {
    check_sqlite(db).await?;
    // Whoever finds nothing to do waits for nobody.
    if is_current(&mut db.read().await?).await? {
        return Ok(0);
    }
    let mut conn = db.write_at_leisure().await?;
    let applied = bring_to(&mut conn, NEWEST).await?;
    settings::begin_lineage(&mut conn).await?;
    conn.commit().await?;
    Ok(applied)
}

async fn is_current(conn: &mut Conn) -> Result<bool> {
    Ok(schema(conn).await? == Some(NEWEST) && settings::lineage(conn).await?.is_some())
}

/// The schema of a database: its last migration; none where there is none yet.
///
/// # Errors
/// When the database fails, is newer than this program, or was migrated by
/// something else.
pub async fn schema(conn: &mut Conn) -> Result<Option<i64>> {
    let known = migrations(conn.kind());
    let applied = match conn.raw().await? {
        Raw::Sqlite(connection) => {
            let tables = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = $1";
            let there: i64 = sqlx::query_scalar(tables).bind(APPLIED).fetch_one(&mut *connection).await?;
            if there == 0 {
                return Ok(None);
            }
            connection.list_applied_migrations(APPLIED).await?
        }
        Raw::Postgres(connection) => {
            let there: bool = sqlx::query_scalar("SELECT to_regclass($1) IS NOT NULL").bind(APPLIED).fetch_one(&mut *connection).await?;
            if !there {
                return Ok(None);
            }
            connection.list_applied_migrations(APPLIED).await?
        }
    };
    last_of(&applied, &known)
}

/// Keeps every other program from migrating until this transaction ends. On
/// SQLite whoever may write is alone anyway.
///
/// # Errors
/// When the database fails.
pub async fn lock(conn: &mut Conn) -> Result<()> {
    if let Raw::Postgres(connection) = conn.raw().await? {
        // However long it takes, and however long others do. For a table that
        // somebody reads it waits no longer than usual: everybody else would stand
        // behind it.
        sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *connection).await?;
        let usual: String = sqlx::query_scalar("SHOW lock_timeout").fetch_one(&mut *connection).await?;
        sqlx::query("SET LOCAL lock_timeout = 0").execute(&mut *connection).await?;
        sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATING).execute(&mut *connection).await?;
        sqlx::query("SELECT set_config('lock_timeout', $1, true)").bind(usual).execute(connection).await?;
    }
    Ok(())
}

/// Applies what is missing up to a schema, within the transaction of `conn`.
///
/// # Errors
/// As [`migrate`].
pub async fn bring_to(conn: &mut Conn, schema: i64) -> Result<usize> {
    lock(conn).await?;
    let known = migrations(conn.kind());
    match conn.raw().await? {
        Raw::Sqlite(connection) => apply_missing(connection, &known, schema).await,
        Raw::Postgres(connection) => apply_missing(connection, &known, schema).await,
    }
}

/// The same on a connection of the driver's.
pub(super) async fn apply_missing<C: Migrate>(connection: &mut C, known: &[Migration], schema: i64) -> Result<usize> {
    connection.ensure_migrations_table(APPLIED).await?;
    let applied = connection.list_applied_migrations(APPLIED).await?;
    let last = last_of(&applied, known)?.unwrap_or(0);
    let mut count = 0;
    for migration in known.iter().filter(|migration| migration.version > last && migration.version <= schema) {
        connection.apply(APPLIED, migration).await?;
        count += 1;
    }
    Ok(count)
}

/// The last of what was applied, if all of it is known.
fn last_of(applied: &[AppliedMigration], known: &[Migration]) -> Result<Option<i64>> {
    let last = applied.iter().map(|one| one.version).max();
    for one in applied {
        match known.iter().find(|migration| migration.version == one.version) {
            Some(migration) if migration.checksum == one.checksum => {}
            Some(migration) => return Err(MigrateError::VersionMismatch(migration.version).into()),
            None if one.version > NEWEST => return Err(StoreError::Newer { database: last.unwrap_or(one.version), program: NEWEST }),
            None => return Err(MigrateError::VersionMissing(one.version).into()),
        }
    }
    Ok(last)
}

/// The migrations in the words of a database.
pub(super) fn migrations(kind: DbKind) -> Vec<Migration> {
    let (text, serial) = match kind {
        DbKind::Sqlite => ("TEXT", "INTEGER PRIMARY KEY AUTOINCREMENT"),
        DbKind::Postgres => ("TEXT COLLATE \"C\"", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY"),
    };
    let of = |(version, name, sql): &(i64, &'static str, &str)| {
        let sql = said_to(kind, sql).replace("{{text}}", text).replace("{{serial}}", serial);
        // No transaction of the driver's: all of them are in ours.
        Migration::new(*version, (*name).into(), MigrationType::Simple, AssertSqlSafe(sql).into_sql_str(), true)
    };
    MIGRATIONS.iter().map(of).collect()
}

/// A text as a database is told it: what stands behind the mark of the other one,
/// up to the next mark, is left out. Every other line stays as it is, for the
/// checksum is over it.
fn said_to(kind: DbKind, sql: &str) -> String {
    const MARKS: [(&str, Option<DbKind>); 3] = [("{{sqlite}}", Some(DbKind::Sqlite)), ("{{postgres}}", Some(DbKind::Postgres)), ("{{end}}", None)];
    let mut only = None;
    let mut said = String::with_capacity(sql.len());
    for line in sql.split_inclusive('\n') {
        match MARKS.iter().find(|(mark, _)| *mark == line.trim_end()) {
            Some((_, whom)) => only = *whom,
            None if only.is_none_or(|whom| whom == kind) => said.push_str(line),
            None => {}
        }
    }
    said
}

async fn check_sqlite(db: &Db) -> Result<()> {
    let Db::Sqlite { read, .. } = db else { return Ok(()) };
    let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(read).await?;
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let mut part = || parts.next().unwrap_or(0);
    if (part(), part(), part()) < OLDEST_SQLITE {
        return Err(StoreError::Address(format!("SQLite {version} can damage a database in write-ahead mode; 3.51.3 is the oldest that is safe")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_is_told_its_own_part_and_what_is_for_both() {
        let text = "-- {{sqlite}} in words\na;\n{{sqlite}}\nb;\n{{postgres}}\nc;\n{{end}}\nd;";
        assert_eq!(said_to(DbKind::Sqlite, text), "-- {{sqlite}} in words\na;\nb;\nd;");
        assert_eq!(said_to(DbKind::Postgres, text), "-- {{sqlite}} in words\na;\nc;\nd;");
        let (_, _, first) = MIGRATIONS[0];
        assert_eq!(said_to(DbKind::Sqlite, first), first, "one without marks has the checksum that it had");
    }
}

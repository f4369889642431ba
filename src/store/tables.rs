//! All tables and all their rows, whatever they hold: what a backup is made of.
//! The tables are those that the migrations make, asked from a database in
//! memory, so that a new one cannot be forgotten, and somebody's own table
//! beside ours does no harm.
//!
//! May call its siblings.

use std::fmt::Write as _;
use std::str::FromStr as _;

use futures_util::TryStreamExt as _;
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

use super::settings::OF_THIS_DATABASE;
use super::{Conn, DbKind, Raw, Result, Row, StoreError, in_time, migrate};

/// What is good for a while only, and must not come alive again with an old
/// backup: whoever signed out stays so, and a link that was used is used.
const PASSING: [&str; 3] = ["device_sign_in", "password_link", "session"];

/// Settings; a few of them are about one database alone.
const SETTING: &str = "setting";

/// Rows that are added at once.
pub const LOT: usize = 100;

/// A table of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    columns: Vec<Column>,
    /// The tables that its rows refer to.
    refers_to: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Column {
    name: String,
    holds: Holds,
    /// Whether it counts up by itself.
    counts: bool,
}

/// The three types of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Text,
    Number,
    Truth,
}

impl Table {
    /// Its columns, in the order of their names: that of every row.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// `name, number`.
    fn column_list(&self) -> String {
        self.columns().collect::<Vec<_>>().join(", ")
    }

    fn read(&self, row: Row<'_>) -> sqlx::Result<Vec<Value>> {
        let cell = |(place, column): (usize, &Column)| match column.holds {
            Holds::Text => row.at::<Option<String>>(place).map(Value::from),
            Holds::Number => row.at::<Option<i64>>(place).map(Value::from),
            Holds::Truth => row.at::<Option<bool>>(place).map(Value::from),
        };
        self.columns.iter().enumerate().map(cell).collect()
    }

    /// Whether a row is one of this table's.
    fn takes(&self, row: &[Value]) -> bool {
        let fits = |(column, value): (&Column, &Value)| {
            value.is_null()
                || match column.holds {
                    Holds::Text => value.is_string(),
                    Holds::Number => value.is_i64(),
                    Holds::Truth => value.is_boolean(),
                }
        };
        row.len() == self.columns.len() && self.columns.iter().zip(row).all(fits)
    }
}

/// The tables of a schema that belong into a backup, each behind those that its
/// rows refer to.
///
/// # Errors
/// When the migrations make what this cannot carry.
pub async fn of_schema(schema: i64) -> Result<Vec<Table>> {
    let mut tables = all_of_schema(schema).await?;
    tables.retain(|table| !is_passing(&table.name));
    for table in &mut tables {
        table.refers_to.retain(|name| !is_passing(name));
    }
    in_order(tables)
}

fn is_passing(name: &str) -> bool {
    PASSING.contains(&name)
}

async fn all_of_schema(schema: i64) -> Result<Vec<Table>> {
    let mut connection = SqliteConnectOptions::from_str("sqlite::memory:")?.disable_statement_logging().connect().await?;
    migrate::apply_missing(&mut connection, &migrate::migrations(DbKind::Sqlite), schema).await?;
    let columns: Vec<(String, String, String)> =
        sqlx::query_as("SELECT t.name, c.name, c.type FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' ORDER BY t.name, c.name")
            .fetch_all(&mut connection)
            .await?;
    let references: Vec<(String, String)> =
        sqlx::query_as("SELECT DISTINCT t.name, r.\"table\" FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) r WHERE t.type = 'table'")
            .fetch_all(&mut connection)
            .await?;
    connection.close().await?;
    let mut tables: Vec<Table> = Vec::new();
    for (table, column, kind) in columns {
        // The database's own books, and the driver's.
        if table.starts_with("sqlite_") || table == migrate::APPLIED {
            continue;
        }
        let column = column_of(&table, column, &kind)?;
        match tables.last_mut().filter(|last| last.name == table) {
            Some(last) => last.columns.push(column),
            None => {
                let refers_to = references.iter().filter(|(from, _)| *from == table).map(|(_, to)| to.clone()).collect();
                tables.push(Table { name: table, columns: vec![column], refers_to });
            }
        }
    }
    Ok(tables)
}

fn column_of(table: &str, name: String, kind: &str) -> Result<Column> {
    // What counts up by itself is the one type that the schema has another word for.
    let (holds, counts) = match kind {
        "TEXT" => (Holds::Text, false),
        "BIGINT" => (Holds::Number, false),
        "INTEGER" => (Holds::Number, true),
        "BOOLEAN" => (Holds::Truth, false),
        other => return Err(StoreError::Strange(format!("column {name} of table {table} is of the type {other}, which no backup can carry"))),
    };
    Ok(Column { name, holds, counts })
}

/// Each table behind those that it refers to, else by name.
fn in_order(mut left: Vec<Table>) -> Result<Vec<Table>> {
    let mut ordered: Vec<Table> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let is_there = |name: &String| ordered.iter().any(|table| table.name == *name);
        let Some(next) = left.iter().position(|table| table.refers_to.iter().all(is_there)) else {
            let names: Vec<&str> = left.iter().map(|table| table.name.as_str()).collect();
            return Err(StoreError::Strange(format!("no order to fill these tables in: {}", names.join(", "))));
        };
        let table = left.remove(next);
        ordered.push(table);
    }
    Ok(ordered)
}

/// Hands over every row of a table, one by one, in no order.
///
/// # Errors
/// When the database fails, or what takes the rows does.
pub async fn each_row<E: From<StoreError>>(
    conn: &mut Conn,
    table: &Table,
    take: &mut (dyn FnMut(&[Value]) -> std::result::Result<(), E> + Send),
) -> std::result::Result<(), E> {
    let mut text = format!("SELECT {} FROM {}", table.column_list(), table.name);
    if table.name == SETTING {
        // Writing into a String cannot fail.
        let _ = write!(text, " WHERE name NOT IN ('{}')", OF_THIS_DATABASE.join("', '"));
    }
    let patience = conn.patience();
    match conn.raw().await.map_err(StoreError::from)? {
        Raw::Sqlite(connection) => {
            let mut rows = sqlx::query(AssertSqlSafe(text)).persistent(false).fetch(connection);
            while let Some(row) = rows.try_next().await.map_err(StoreError::from)? {
                take(&table.read(Row::Sqlite(&row)).map_err(StoreError::from)?)?;
            }
        }
        Raw::Postgres(connection) => {
            let mut rows = sqlx::query(AssertSqlSafe(text)).persistent(false).fetch(connection);
            while let Some(row) = in_time(patience, rows.try_next()).await.map_err(StoreError::from)? {
                take(&table.read(Row::Postgres(&row)).map_err(StoreError::from)?)?;
            }
        }
    }
    Ok(())
}

/// Adds rows, at most [`LOT`] of them.
///
/// # Errors
/// When the database fails, or a row is not one of this table's.
pub async fn add(conn: &mut Conn, table: &Table, rows: &[Vec<Value>]) -> Result<()> {
    if !rows.iter().all(|row| table.takes(row)) {
        return Err(StoreError::Strange(format!("a row is none of table {}", table.name)));
    }
    let head = format!("{} ({}) VALUES ", table.name, table.column_list());
    let query = conn.query("INSERT INTO ").then(&head).rows(rows, |query, row| {
        table.columns.iter().zip(row).fold(query, |query, (column, value)| match column.holds {
            Holds::Text => query.bind(value.as_str()),
            Holds::Number => query.bind(value.as_i64()),
            Holds::Truth => query.bind(value.as_bool()),
        })
    });
    let query = if rows.len() == LOT { query.again() } else { query };
    query.run().await?;
    Ok(())
}

/// Lets what counts up by itself go on behind the highest. SQLite does so anyway.
///
/// # Errors
/// When the database fails.
pub async fn count_on(conn: &mut Conn, table: &Table) -> Result<()> {
    let Raw::Postgres(connection) = conn.raw().await? else { return Ok(()) };
    for column in table.columns.iter().filter(|column| column.counts) {
        let (table, column) = (&table.name, &column.name);
        let text = format!("SELECT setval(pg_get_serial_sequence('{table}', '{column}'), COALESCE(MAX({column}), 0) + 1, false) FROM {table}");
        sqlx::query(AssertSqlSafe(text)).execute(&mut *connection).await?;
    }
    Ok(())
}

/// A table that has a row, or in a file any table that is not ours. Settings do
/// not count: a database that was only ever started has some.
///
/// # Errors
/// When the database fails, or is newer than this program.
pub async fn first_in_use(conn: &mut Conn) -> Result<Option<String>> {
    let Some(schema) = migrate::schema(conn).await? else { return first_of_others(conn).await };
    for table in all_of_schema(schema).await?.into_iter().filter(|table| table.name != SETTING) {
        let found: i64 = conn.query("SELECT COUNT(*) FROM (SELECT 1 FROM ").then(&table.name).then(" LIMIT 1) some_row").one().await?;
        if found > 0 {
            return Ok(Some(table.name));
        }
    }
    Ok(None)
}

/// A file belongs to one program alone; a server's database is shared.
async fn first_of_others(conn: &mut Conn) -> Result<Option<String>> {
    let Raw::Sqlite(connection) = conn.raw().await? else { return Ok(None) };
    Ok(sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name LIMIT 1").fetch_optional(connection).await?)
}

/// Keeps everybody out of all tables of that schema until the transaction ends.
///
/// # Errors
/// When the database fails.
pub async fn lock_all(conn: &mut Conn, schema: i64) -> Result<()> {
    with_all(conn, schema, "LOCK TABLE", " IN ACCESS EXCLUSIVE MODE").await
}

/// Takes all tables of that schema away.
///
/// # Errors
/// When the database fails.
pub async fn drop_all(conn: &mut Conn, schema: i64) -> Result<()> {
    with_all(conn, schema, "DROP TABLE", "").await
}

/// On PostgreSQL only: there one statement can name many tables.
async fn with_all(conn: &mut Conn, schema: i64, verb: &str, end: &str) -> Result<()> {
    let tables = all_of_schema(schema).await?;
    let names: Vec<&str> = tables.iter().map(|table| table.name.as_str()).chain([migrate::APPLIED]).collect();
    let Raw::Postgres(connection) = conn.raw().await? else { return Ok(()) };
    sqlx::query(AssertSqlSafe(format!("{verb} {}{end}", names.join(", ")))).persistent(false).execute(connection).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_table_that_the_migrations_make_is_carried_or_named_as_passing() {
        let all = all_of_schema(migrate::NEWEST).await.unwrap();
        let carried = of_schema(migrate::NEWEST).await.unwrap();
        assert_eq!(carried.len() + PASSING.len(), all.len());
        assert!(PASSING.iter().all(|name| all.iter().any(|table| table.name == *name)));
        assert!(all.iter().all(|table| !table.columns.is_empty()));
        let place = |name: &str| carried.iter().position(|table| table.name == name).unwrap();
        assert!(place("shop") < place("customer") && place("person") < place("user_account") && place("reading") < place("meter_event"));
    }

    #[tokio::test]
    async fn an_older_schema_has_fewer_tables() {
        let names = |tables: Vec<Table>| tables.into_iter().map(|table| table.name).collect::<Vec<_>>();
        assert!(!names(of_schema(1).await.unwrap()).contains(&"audit".to_owned()));
        assert!(names(of_schema(2).await.unwrap()).contains(&"audit".to_owned()));
    }

    #[test]
    fn tables_that_refer_to_each_other_are_told() {
        let table = |name: &str, refers_to: &[&str]| Table {
            name: name.to_owned(),
            columns: Vec::new(),
            refers_to: refers_to.iter().map(|name| (*name).to_owned()).collect(),
        };
        let ordered = in_order(vec![table("a", &["c"]), table("b", &[]), table("c", &["b"])]).unwrap();
        assert_eq!(ordered.iter().map(|table| table.name.as_str()).collect::<Vec<_>>(), ["b", "c", "a"]);
        assert!(in_order(vec![table("a", &["b"]), table("b", &["a"])]).is_err());
    }
}

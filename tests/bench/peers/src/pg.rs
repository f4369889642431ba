//! PostgreSQL with `pg_trgm`, tuned: a tier at a time, in the order of rank, at
//! most two pages a step.
//!
//! May call [`crate::tiers`], [`crate::folded`] and [`crate::postgres`].

use anyhow::{Context as _, Result, anyhow};
use countertop::rules::customer_search::Field;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tokio::runtime::{Builder, Runtime};

use crate::folded::{Folded, Text};
use crate::postgres::{self, Server};
use crate::tiers::{Ask, Peer, Sought, Wanted, marked};

/// A database of its own.
#[derive(Debug)]
pub(crate) struct Pg {
    runtime: Runtime,
    server: &'static Server,
    database: String,
    connection: PgConnection,
}

/// As one would set them for a machine that does nothing else.
const SETTINGS: &str = "SET plan_cache_mode = force_custom_plan; SET jit = off; SET work_mem = '64MB'; SET maintenance_work_mem = '1GB';
    SET random_page_cost = 1.1; SET effective_cache_size = '8GB'";

const TABLES: &str = r#"CREATE EXTENSION IF NOT EXISTS pg_trgm;
    CREATE UNLOGGED TABLE customer (rank INTEGER PRIMARY KEY, text TEXT NOT NULL, name TEXT COLLATE "C" NOT NULL, anywhere TEXT COLLATE "C" NOT NULL,
        in_name TEXT COLLATE "C" NOT NULL, in_city TEXT COLLATE "C" NOT NULL, in_state TEXT COLLATE "C" NOT NULL, in_number TEXT COLLATE "C" NOT NULL);
    CREATE UNLOGGED TABLE number (number TEXT COLLATE "C" NOT NULL, rank INTEGER NOT NULL)"#;

const INDEXES: &str = "CREATE INDEX ON customer (name, rank); CREATE INDEX ON number (number, rank);
    CREATE INDEX ON customer USING gin (anywhere gin_trgm_ops, in_name gin_trgm_ops, in_city gin_trgm_ops, in_state gin_trgm_ops, in_number gin_trgm_ops)";

/// How many rows a step asks for.
const STEP: usize = 101;

impl Pg {
    /// Makes the database on the tests' server, if there is one.
    pub(crate) fn open() -> Result<Self> {
        let server = postgres::server_if_there().map_err(|sentence| anyhow!(sentence))?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let database = runtime.block_on(server.create(None));
        let connection = runtime.block_on(PgConnection::connect(&server.address(&database)))?;
        let mut made = Self { runtime, server, database, connection };
        made.obey(SETTINGS)?;
        made.obey(TABLES)?;
        Ok(made)
    }

    /// Fills it, and makes its indexes.
    pub(crate) fn fill(&mut self, folded: &Folded) -> Result<()> {
        self.copy("customer", folded, write_customer)?;
        self.copy("number", folded, |buffer, rank, text| {
            for number in text.lines(Field::Number) {
                write_row(buffer, &[number, &rank.to_string()]);
            }
        })?;
        self.obey(INDEXES)?;
        self.obey("VACUUM ANALYZE customer")?;
        self.obey("VACUUM ANALYZE number")
    }

    /// What it takes on disk.
    pub(crate) fn bytes(&mut self) -> Result<usize> {
        let size = sqlx::query("SELECT pg_total_relation_size('customer') + pg_total_relation_size('number')");
        let row = self.runtime.block_on(size.fetch_one(&mut self.connection))?;
        Ok(usize::try_from(row.try_get::<i64, _>(0)?)?)
    }

    /// Leaves a server that outlives us as it was.
    pub(crate) fn leave(self) -> Result<()> {
        self.runtime.block_on(self.connection.close())?;
        if self.server.is_lent() {
            self.runtime.block_on(self.server.remove(&self.database));
        }
        Ok(())
    }

    fn obey(&mut self, sql: &'static str) -> Result<()> {
        self.runtime.block_on(sqlx::raw_sql(sql).execute(&mut self.connection)).with_context(|| sql.to_owned())?;
        Ok(())
    }

    /// Fills a table with what `write` makes of each customer.
    fn copy(&mut self, table: &str, folded: &Folded, write: impl Fn(&mut String, usize, Text<'_>)) -> Result<()> {
        let statement = format!("COPY {table} FROM STDIN");
        let connection = &mut self.connection;
        self.runtime.block_on(async {
            let mut copy = connection.copy_in_raw(&statement).await?;
            let mut buffer = String::new();
            for (rank, text) in folded.all().enumerate() {
                write(&mut buffer, rank, text);
                if buffer.len() > 1 << 20 {
                    copy.send(buffer.as_bytes()).await?;
                    buffer.clear();
                }
            }
            copy.send(buffer.as_bytes()).await?;
            copy.finish().await?;
            Ok(())
        })
    }

    /// Hands over what a statement finds, and tells how many rows there were
    /// and the rank of the last.
    fn step(&mut self, sql: String, values: Vec<String>, after: i32, sought: &mut Sought<'_>) -> Result<(usize, i32)> {
        let mut query = sqlx::query(AssertSqlSafe(sql)).bind(after);
        for value in values {
            query = query.bind(value);
        }
        let rows = self.runtime.block_on(query.fetch_all(&mut self.connection))?;
        let mut last = after;
        for row in &rows {
            last = row.try_get(0)?;
            let rank = u32::try_from(last)?;
            if !sought.is_full() && !sought.has(rank) {
                sought.take(rank, row.try_get(1)?);
            }
        }
        Ok((rows.len(), last))
    }
}

impl Peer for Pg {
    fn candidates(&mut self, ask: &Ask, sought: &mut Sought<'_>) -> Result<()> {
        match ask {
            Ask::Number(number) => {
                let sql = format!(
                    "SELECT c.rank, c.text FROM number n JOIN customer c ON c.rank = n.rank WHERE n.number = $2 AND n.rank > $1 ORDER BY n.rank LIMIT {STEP}"
                );
                self.step(sql, vec![number.clone()], -1, sought)?;
            }
            Ask::NameStart(start) => {
                let sql = format!("SELECT rank, text FROM customer WHERE name >= $2 AND name < $3 AND rank > $1 ORDER BY name, rank LIMIT {STEP}");
                self.step(sql, vec![start.clone(), format!("{start}\u{10FFFF}")], -1, sought)?;
            }
            Ask::Any(any) => {
                let mut values = Vec::new();
                let conditions: Vec<String> = any.iter().map(|all| condition(all, &mut values)).collect();
                let sql = format!("SELECT rank, text FROM customer WHERE rank > $1 AND ({}) ORDER BY rank LIMIT {STEP}", conditions.join(" OR "));
                let (mut rows, mut after) = (STEP, -1);
                while rows == STEP && !sought.is_full() {
                    (rows, after) = self.step(sql.clone(), values.clone(), after, sought)?;
                }
            }
        }
        Ok(())
    }
}

/// All of these pieces; their patterns are added to the values, which start at
/// `$2`.
fn condition(all: &[Wanted], values: &mut Vec<String>) -> String {
    let mut like = |column: &str, text: &str| {
        values.push(format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")));
        format!("{column} LIKE ${}", values.len() + 1)
    };
    let mut conditions = Vec::new();
    for wanted in all {
        let mut either: Vec<String> = columns(wanted).into_iter().map(|column| like(column, &wanted.text)).collect();
        either.extend(wanted.phone.as_deref().map(|digits| like("anywhere", digits)));
        conditions.push(format!("({})", either.join(" OR ")));
    }
    conditions.join(" AND ")
}

/// Telephone and postal code have no column: the rule decides.
fn columns(wanted: &Wanted) -> Vec<&'static str> {
    let column = |field: &Field| match field {
        Field::Name => Some("in_name"),
        Field::City => Some("in_city"),
        Field::State => Some("in_state"),
        Field::Number => Some("in_number"),
        Field::Phone | Field::PostalCode => None,
    };
    wanted.fields.iter().map(column).collect::<Option<Vec<_>>>().unwrap_or_else(|| vec!["anywhere"])
}

fn write_customer(buffer: &mut String, rank: usize, text: Text<'_>) {
    let [name, city, state, number, phone, postal_code] = Field::ALL.map(|field| marked(text, field));
    let anywhere = [&name, &city, &state, &number, &phone, &postal_code].map(String::as_str).concat();
    write_row(buffer, &[&rank.to_string(), text.0, text.name(), &anywhere, &name, &city, &state, &number]);
}

/// A row in the text form of `COPY`.
fn write_row(buffer: &mut String, columns: &[&str]) {
    for (nth, column) in columns.iter().enumerate() {
        if nth > 0 {
            buffer.push('\t');
        }
        buffer.push_str(&column.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t"));
    }
    buffer.push('\n');
}

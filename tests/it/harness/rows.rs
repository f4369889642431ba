//! Rows of either database, read and changed past the server.

use countertop::store::Db;
use sqlx::FromRow;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

/// What a query brings.
pub(crate) async fn rows<T>(db: &Db, sql: &'static str) -> Vec<T>
where
    T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin,
{
    let read = match db {
        Db::Sqlite { read, .. } => sqlx::query_as(sql).fetch_all(read).await,
        Db::Postgres(lines) => sqlx::query_as(sql).fetch_all(lines.pool()).await,
    };
    read.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// Changes rows; how many.
pub(crate) async fn change(db: &Db, sql: &'static str, values: &[&str]) -> u64 {
    try_to_change(db, sql, values).await.unwrap_or_else(|error| panic!("{sql}: {error}"))
}

/// The same where the database may refuse it.
pub(crate) async fn try_to_change(db: &Db, sql: &'static str, values: &[&str]) -> sqlx::Result<u64> {
    match db {
        Db::Sqlite { write, .. } => {
            let query = values.iter().fold(sqlx::query::<sqlx::Sqlite>(sql), |query, value| query.bind((*value).to_owned()));
            query.execute(write).await.map(|done| done.rows_affected())
        }
        Db::Postgres(lines) => {
            let query = values.iter().fold(sqlx::query::<sqlx::Postgres>(sql), |query, value| query.bind((*value).to_owned()));
            query.execute(lines.pool()).await.map(|done| done.rows_affected())
        }
    }
}

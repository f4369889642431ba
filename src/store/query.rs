//! One SQL text with its values, run on whichever database is in use.
//!
//! `conn.query(TEXT).scope(scope).bind(id).first().await` is the shape of every
//! query. The driver is asked in three places only ([`Query::fetch`],
//! [`Query::run`], [`Row::get`]), and not once more for each query and type.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::future::Future;
use std::pin::Pin;

use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, AssertSqlSafe, Decode, Encode, PgConnection, Postgres, Row as _, SqlSafeStr as _, SqlStr, Sqlite, SqliteConnection, Type};

use super::{Conn, DbKind, Own, Raw, Result, Scope, in_time};
use crate::api::ids::{self, for_each_id};

/// What can be bound to a place in a text.
pub(super) trait Value<'v>: Encode<'v, Sqlite> + Type<Sqlite> + Encode<'v, Postgres> + Type<Postgres> {}
impl<'v, T: Encode<'v, Sqlite> + Type<Sqlite> + Encode<'v, Postgres> + Type<Postgres>> Value<'v> for T {}

/// What can be read from a column.
pub(super) trait Column: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres> {}
impl<T: for<'r> Decode<'r, Sqlite> + Type<Sqlite> + for<'r> Decode<'r, Postgres> + Type<Postgres>> Column for T {}

/// What a row becomes: a struct of `row!`, a tuple, or one value.
pub trait Stored: Sized {
    /// Reads it.
    ///
    /// # Errors
    /// When a column is missing or of another type.
    fn from_row(row: Row<'_>) -> sqlx::Result<Self>;
}

/// A row of either database.
#[derive(Debug, Clone, Copy)]
pub enum Row<'r> {
    /// Of a file.
    Sqlite(&'r SqliteRow),
    /// Of a server.
    Postgres(&'r PgRow),
}

impl Row<'_> {
    /// How many columns it has.
    pub(super) fn len(self) -> usize {
        match self {
            Self::Sqlite(row) => row.len(),
            Self::Postgres(row) => row.len(),
        }
    }

    /// The value in a column.
    pub(super) fn get<T: Column>(self, name: &str) -> sqlx::Result<T> {
        match self {
            Self::Sqlite(row) => row.try_get(name),
            Self::Postgres(row) => row.try_get(name),
        }
    }

    /// The value in the column at a place.
    pub(super) fn at<T: Column>(self, place: usize) -> sqlx::Result<T> {
        match self {
            Self::Sqlite(row) => row.try_get(place),
            Self::Postgres(row) => row.try_get(place),
        }
    }
}

macro_rules! single_values {
    ($($kind:ty),*) => {
        $(impl Stored for $kind {
            fn from_row(row: Row<'_>) -> sqlx::Result<Self> {
                row.at(0)
            }
        })*
    };
}
macro_rules! ids_as_values {
    ($($name:ident),*) => { single_values!($(ids::$name),*); };
}
single_values!(i64, String);
for_each_id!(ids_as_values);

macro_rules! tuples {
    ($(($($kind:ident $place:literal),*))*) => {
        $(impl<$($kind: Column),*> Stored for ($($kind,)*) {
            fn from_row(row: Row<'_>) -> sqlx::Result<Self> {
                Ok(($(row.at::<$kind>($place)?,)*))
            }
        })*
    };
}
tuples! {
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
}

/// A text and the values bound to it so far, on a connection or still apart.
#[derive(Debug)]
pub(super) struct Query<C> {
    conn: C,
    text: Cow<'static, str>,
    bound: Bound,
    /// A value that could not be encoded; told when the query runs.
    fault: Option<BoxDynError>,
    /// A list without a value: the query has nothing to find or to write.
    vain: bool,
    /// A lengthened text that comes again.
    again: bool,
}

/// Values as the driver in use wants them.
#[derive(Debug)]
enum Bound {
    Sqlite(SqliteArguments),
    Postgres(PgArguments),
}

/// Values with the connection that takes them.
enum Ready<'c> {
    Sqlite(&'c mut SqliteConnection, SqliteArguments),
    Postgres(&'c mut PgConnection, PgArguments),
}

/// Takes the connection now, if that was not done before.
async fn ready(conn: &mut Conn, bound: Bound) -> sqlx::Result<Ready<'_>> {
    match (conn.raw().await?, bound) {
        (Raw::Sqlite(connection), Bound::Sqlite(values)) => Ok(Ready::Sqlite(connection, values)),
        (Raw::Postgres(connection), Bound::Postgres(values)) => Ok(Ready::Postgres(connection, values)),
        _ => Err(sqlx::Error::Configuration("the values are those of another database".into())),
    }
}

/// Rows as the driver gave them.
enum Rows {
    Sqlite(Vec<SqliteRow>),
    Postgres(Vec<PgRow>),
}

impl Rows {
    fn read<T: Stored>(&self) -> sqlx::Result<Vec<T>> {
        match self {
            Self::Sqlite(rows) => rows.iter().map(|row| T::from_row(Row::Sqlite(row))).collect(),
            Self::Postgres(rows) => rows.iter().map(|row| T::from_row(Row::Postgres(row))).collect(),
        }
    }
}

/// A future without the types it is made of: what waits for the database is
/// compiled once, not once in every handler.
type Running<'c, T> = Pin<Box<dyn Future<Output = sqlx::Result<T>> + Send + 'c>>;

impl Conn {
    /// Begins a query. The text must be one of `statements!`, or the beginning
    /// of one that [`Query::then`], [`Query::list`] or [`Query::rows`] lengthen.
    pub(super) fn query(&mut self, text: &'static str) -> Query<&mut Self> {
        Query::apart(self.kind(), text).on(self)
    }
}

impl Query<()> {
    /// Begins a query whose values are bound while the connection it will run on
    /// has other work.
    pub(super) fn apart(kind: DbKind, text: &'static str) -> Self {
        let bound = match kind {
            DbKind::Sqlite => Bound::Sqlite(SqliteArguments::default()),
            DbKind::Postgres => Bound::Postgres(PgArguments::default()),
        };
        Self { conn: (), text: Cow::Borrowed(text), bound, fault: None, vain: false, again: false }
    }

    /// Takes it to the connection it runs on.
    pub(super) fn on(self, conn: &mut Conn) -> Query<&mut Conn> {
        let Self { conn: (), text, bound, fault, vain, again } = self;
        Query { conn, text, bound, fault, vain, again }
    }
}

impl<C> Query<C> {
    /// Binds the next value.
    pub(super) fn bind<'v>(mut self, value: impl Value<'v>) -> Self {
        self.add(value);
        self
    }

    /// Binds a scope to `$1` … `$5`, which every scoped text keeps for it.
    pub(super) fn scope(self, scope: &Scope) -> Self {
        self.bind(scope.everything).bind(scope.shop_list()).bind(scope.organization_list()).bind(scope.customer_list()).bind(scope.portal_only)
    }

    /// Binds whose records alone count to the next place, and the shops,
    /// organizations and customers where all do to the three behind it.
    pub(super) fn own(self, own: Option<&Own>) -> Self {
        let all_of = own.map(|own| own.all_of.clone()).unwrap_or_default();
        self.bind(own.map(|own| own.user)).bind(all_of.shop_list()).bind(all_of.organization_list()).bind(all_of.customer_list())
    }

    /// Lengthens the text.
    pub(super) fn then(mut self, text: &str) -> Self {
        self.text.to_mut().push_str(text);
        self
    }

    /// Lengthens the text by a list of values, `($1, $2, …)`. With none of
    /// them the query finds nothing, and the database is not asked.
    pub(super) fn list<'v, T: Value<'v>>(mut self, values: impl IntoIterator<Item = T>) -> Self {
        let before = self.bound();
        for value in values {
            self.add(value);
        }
        self.vain |= self.bound() == before;
        self.places(before);
        self
    }

    /// Lengthens the text by the values that `bind` binds for each item,
    /// `($1, $2), ($3, $4), …`. Without an item nothing is written.
    pub(super) fn rows<I: IntoIterator>(mut self, items: I, mut bind: impl FnMut(Self, I::Item) -> Self) -> Self {
        let first = self.bound();
        for item in items {
            let before = self.bound();
            if before > first {
                self.text.to_mut().push_str(", ");
            }
            self = bind(self, item);
            self.places(before);
        }
        self.vain |= self.bound() == first;
        self
    }

    /// Says that the lengthened text comes again just so: it is kept prepared.
    pub(super) fn again(mut self) -> Self {
        self.again = true;
        self
    }

    /// Writes the places of the values bound since: `($1,$2)`. To SQLite `$1` is
    /// a name, and it compares each name with all before: there they have none.
    /// So a text that grows has no places of its own.
    fn places(&mut self, before: usize) {
        let after = self.bound();
        let numbered = matches!(self.bound, Bound::Postgres(..));
        let text = self.text.to_mut();
        let mut sign = '(';
        for place in before + 1..=after {
            text.push(sign);
            if numbered {
                // Writing into a String cannot fail.
                let _ = write!(text, "${place}");
            } else {
                text.push('?');
            }
            sign = ',';
        }
        text.push(')');
    }

    fn add<'v>(&mut self, value: impl Value<'v>) {
        let added = match &mut self.bound {
            Bound::Sqlite(values) => values.add(value),
            Bound::Postgres(values) => values.add(value),
        };
        if let Err(fault) = added {
            self.fault.get_or_insert(fault);
        }
    }

    /// How many values are bound.
    fn bound(&self) -> usize {
        match &self.bound {
            Bound::Sqlite(values) => values.len(),
            Bound::Postgres(values) => values.len(),
        }
    }
}

impl<'c> Query<&'c mut Conn> {
    /// All rows.
    pub(super) async fn all<T: Stored>(self) -> Result<Vec<T>> {
        Ok(self.fetch(false).await?.read()?)
    }

    /// The first row, if there is one.
    pub(super) async fn first<T: Stored>(self) -> Result<Option<T>> {
        Ok(self.fetch(true).await?.read()?.pop())
    }

    /// The row that there always is.
    pub(super) async fn one<T: Stored>(self) -> Result<T> {
        Ok(self.first().await?.ok_or(sqlx::Error::RowNotFound)?)
    }

    /// Writes, and tells how many rows that touched.
    pub(super) async fn run(self) -> Result<u64> {
        Ok(self.execute().await?)
    }

    /// The text as the driver takes it, and whether it is worth keeping
    /// prepared: texts of varying length are not.
    fn statement(text: Cow<'static, str>, again: bool) -> (SqlStr, bool) {
        match text {
            Cow::Borrowed(text) => (text.into_sql_str(), true),
            // Made of our own texts and numbered places only; values are bound.
            Cow::Owned(text) => (AssertSqlSafe(text).into_sql_str(), again),
        }
    }

    fn fetch(self, only_first: bool) -> Running<'c, Rows> {
        let patience = self.conn.patience();
        // In a box from the beginning: it is too large to be carried about.
        let asking = Box::pin(async move {
            if let Some(fault) = self.fault {
                return Err(sqlx::Error::Encode(fault));
            }
            if self.vain {
                return Ok(Rows::Sqlite(Vec::new()));
            }
            let (text, keep) = Self::statement(self.text, self.again);
            Ok(match ready(self.conn, self.bound).await? {
                Ready::Sqlite(connection, values) => {
                    let query = sqlx::query_with(text, values).persistent(keep);
                    Rows::Sqlite(if only_first { query.fetch_optional(connection).await?.into_iter().collect() } else { query.fetch_all(connection).await? })
                }
                Ready::Postgres(connection, values) => {
                    let query = sqlx::query_with(text, values).persistent(keep);
                    Rows::Postgres(if only_first { query.fetch_optional(connection).await?.into_iter().collect() } else { query.fetch_all(connection).await? })
                }
            })
        });
        Box::pin(in_time(patience, asking))
    }

    fn execute(self) -> Running<'c, u64> {
        let patience = self.conn.patience();
        let asking = Box::pin(async move {
            if let Some(fault) = self.fault {
                return Err(sqlx::Error::Encode(fault));
            }
            if self.vain {
                return Ok(0);
            }
            let (text, keep) = Self::statement(self.text, self.again);
            Ok(match ready(self.conn, self.bound).await? {
                Ready::Sqlite(connection, values) => sqlx::query_with(text, values).persistent(keep).execute(connection).await?.rows_affected(),
                Ready::Postgres(connection, values) => sqlx::query_with(text, values).persistent(keep).execute(connection).await?.rows_affected(),
            })
        });
        Box::pin(in_time(patience, asking))
    }
}

//! How our types stand in columns, and how rows become structs, written once
//! for both drivers.

use jiff::Timestamp;
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Database, Decode, Encode, Postgres, Sqlite, Type};

use crate::api::ids::{self, for_each_id};

/// A moment, stored as microseconds so that it sorts and compares alike in
/// both databases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(pub Timestamp);

impl At {
    /// This moment, to the microsecond.
    #[must_use]
    pub fn now() -> Self {
        Self::from_micros(Timestamp::now().as_microsecond())
    }

    /// From microseconds since 1970; what lies beyond all calendars is 1970.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH))
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0.as_microsecond()
    }
}

macro_rules! stored_as {
    ($name:ty, $column:ty, $driver:ty, $to:expr, $from:expr) => {
        impl Type<$driver> for $name {
            fn type_info() -> <$driver as Database>::TypeInfo {
                <$column as Type<$driver>>::type_info()
            }

            fn compatible(info: &<$driver as Database>::TypeInfo) -> bool {
                <$column as Type<$driver>>::compatible(info)
            }
        }

        impl Encode<'_, $driver> for $name {
            fn encode_by_ref(&self, buffer: &mut <$driver as Database>::ArgumentBuffer) -> Result<IsNull, BoxDynError> {
                let stored: $column = $to(*self);
                <$column as Encode<'_, $driver>>::encode(stored, buffer)
            }
        }

        impl Decode<'_, $driver> for $name {
            fn decode(value: <$driver as Database>::ValueRef<'_>) -> Result<Self, BoxDynError> {
                $from(<$column as Decode<'_, $driver>>::decode(value)?)
            }
        }
    };
}

macro_rules! ids_as_text {
    ($($name:ident),*) => {
        $(
            stored_as!(ids::$name, String, Sqlite, |id: ids::$name| id.to_string(), |text: String| Ok(text.parse()?));
            stored_as!(ids::$name, String, Postgres, |id: ids::$name| id.to_string(), |text: String| Ok(text.parse()?));
        )*
    };
}

for_each_id!(ids_as_text);
stored_as!(At, i64, Sqlite, |at: At| at.micros(), |micros| Ok(At::from_micros(micros)));
stored_as!(At, i64, Postgres, |at: At| at.micros(), |micros| Ok(At::from_micros(micros)));

/// Defines a struct that is read from a row by the names of its fields. One of
/// some `<T>` keeps its own texts when it is read, and may borrow them otherwise.
macro_rules! row {
    ($(#[$doc:meta])* pub struct $name:ident $(<$text:ident>)? { $($(#[$field_doc:meta])* pub $field:ident: $kind:ty,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name $(<$text = String>)? { $($(#[$field_doc])* pub $field: $kind,)* }

        impl $crate::store::query::Stored for $name {
            fn from_row(row: $crate::store::query::Row<'_>) -> sqlx::Result<Self> {
                Ok(Self { $($field: row.get(stringify!($field))?,)* })
            }
        }
    };
}

/// Names SQL texts and gathers them in `STATEMENTS`, so that one test can
/// prepare them all on both databases.
macro_rules! statements {
    ($($name:ident = $text:expr;)*) => {
        $(const $name: &str = $text;)*
        pub(in crate::store) const STATEMENTS: &[(&str, &str)] = &[$((concat!(module_path!(), "::", stringify!($name)), $name)),*];
    };
}
pub(super) use {row, statements};

//! CSV into the database and out again (8.1, 8.3): organizations, shops,
//! customers, contacts, assets, plates, readings, service requests and repairs.
//!
//! An import streams: it holds a few parts of the file, and one number per
//! accepted row so that a key that stands twice is found. While one part is
//! written the next ones are read and checked. Transactions are short, so that
//! a server on the same database goes on working; an import that is stopped has
//! kept whole ones, and is finished by running it again, for what stands already
//! is left alone.
//!
//! This is the program's own work: no permission or scope is asked for.
//!
//! May call [`crate::api`], [`crate::rules`], [`crate::store`] and
//! [`crate::text`].

mod assets;
mod bind;
mod contacts;
mod customers;
mod export;
mod fields;
mod incoming;
mod load;
pub mod map;
mod places;
mod plates;
mod reader;
mod readings;
mod rejects;
mod service;

use std::fmt;
use std::path::{Path, PathBuf};

pub use export::export;
pub use rejects::{is_same_file, real_place};

use crate::store::{Db, StoreError};
use load::{Known, Load, OneByOne};
use map::{ColumnMap, MapError};
use reader::Reader;
use rejects::Rejects;

/// The last column of a rejects file.
const REASON: &str = "reason";
/// The longest code of a shop or organization, in characters.
const MAX_CODE: usize = 40;
/// The longest name (S3-9).
const MAX_NAME: usize = 100;
/// How many refused rows a [`Report`] keeps.
const KEPT: usize = 1_000;

/// What can be imported and exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Owners of assets.
    Organizations,
    /// Dealer locations.
    Shops,
    /// Customers with their number at a shop.
    Customers,
    /// Customers' people and departments; without any access.
    Contacts,
    /// Machines and vehicles.
    Assets,
    /// Plates, those of the past too.
    Plates,
    /// Meter readings.
    Readings,
    /// Requests for service.
    ServiceRequests,
    /// Known defects.
    Repairs,
}

impl Kind {
    /// Every kind, in an order in which they can be imported one after another.
    pub const ALL: [Self; 9] =
        [Self::Shops, Self::Customers, Self::Contacts, Self::Organizations, Self::Assets, Self::Plates, Self::Readings, Self::ServiceRequests, Self::Repairs];

    /// The word on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organizations => "organizations",
            Self::Shops => "shops",
            Self::Customers => "customers",
            Self::Contacts => "contacts",
            Self::Assets => "assets",
            Self::Plates => "plates",
            Self::Readings => "readings",
            Self::ServiceRequests => "service-requests",
            Self::Repairs => "repairs",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Its columns, in the order of an export (8.3).
    #[must_use]
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Organizations => &["code", "name", "customer_number", "portal_enabled"],
            Self::Shops => &["code", "name", "time_zone", "country"],
            Self::Customers => {
                &["number", "name", "kind", "address1", "address2", "city", "state", "postal_code", "country", "phone", "extension", "fax", "email", "shop"]
            }
            Self::Contacts => &[
                "customer_number",
                "shop",
                "first",
                "last",
                "kind",
                "salutation",
                "job_title",
                "email",
                "phone",
                "mobile",
                "roles",
                "receives_invoices",
                "receives_statements",
                "primary",
                "active",
            ],
            Self::Assets => &[
                "organization",
                "asset_number",
                "customer_number",
                "vin",
                "serial",
                "plate",
                "plate_state",
                "plate_country",
                "year",
                "make",
                "model",
                "description",
                "class",
                "status",
                "colour",
                "department",
            ],
            Self::Plates => &["organization", "asset_number", "plate", "state", "country", "from", "to"],
            Self::Readings => &["organization", "asset_number", "meter", "value", "unit", "read_at", "source"],
            Self::ServiceRequests => &["number", "organization", "asset_number", "shop", "status", "urgency", "complaint", "requested_at"],
            Self::Repairs => &["organization", "asset_number", "state", "description", "reason", "status", "shop", "found_at"],
        }
    }

    /// The columns that every row needs (8.3).
    #[must_use]
    pub const fn required(self) -> &'static [&'static str] {
        match self {
            Self::Organizations | Self::Shops => &["code", "name"],
            Self::Customers => &["name"],
            Self::Contacts => &["customer_number", "last"],
            Self::Assets | Self::ServiceRequests => &["organization", "asset_number"],
            Self::Plates => &["organization", "asset_number", "plate"],
            Self::Readings => &["organization", "asset_number", "meter", "value", "read_at"],
            Self::Repairs => &["organization", "asset_number", "state", "description"],
        }
    }

    /// Whether its rows cannot stand without a shop.
    const fn needs_shop(self) -> bool {
        matches!(self, Self::Customers | Self::Contacts | Self::ServiceRequests)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How an import is done.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What the file's columns mean; our own names unless said.
    pub map: Option<ColumnMap>,
    /// Our column = value, for cells that are empty; wins over the map.
    pub set: Vec<(String, String)>,
    /// Check everything and keep nothing. Rows that lean on rows further up of
    /// the same file (a second reading of a new meter) may then be judged
    /// otherwise than when everything is kept.
    pub dry_run: bool,
    /// Where the refused rows are written, as they were, with their reason as
    /// the last column, in the encoding and with the delimiter of the file.
    pub rejects: Option<PathBuf>,
}

/// A row that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where the row begins; the header is line 1.
    pub line: u64,
    /// Why, in one sentence.
    pub reason: String,
    /// The row's cells.
    pub row: Vec<String>,
}

/// What became of a file's rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows in the file, without its header and empty lines.
    pub read: u64,
    /// Rows that made a new record.
    pub added: u64,
    /// Rows that changed a known record.
    pub changed: u64,
    /// Rows that said nothing new.
    pub unchanged: u64,
    /// Rows that were refused.
    pub refused_count: u64,
    /// The first 1,000 of them, by line; all of them stand in the rejects file.
    pub refused: Vec<Refused>,
}

/// Why an import or export could not be done, or not be finished. What was
/// kept until then stays, and a second run finishes the rest.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The map is wrong, or does not fit the file.
    #[error(transparent)]
    Map(#[from] MapError),
    /// The file cannot be read.
    #[error("{file}: {source}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// Not even a header.
    #[error("{file}: the file is empty; its first line names the columns")]
    Empty {
        /// The file.
        file: String,
    },
    /// A header in an encoding that was not told.
    #[error("{file}: the header is not UTF-8; if the file is in Windows-1252, say so in a map: encoding = \"windows-1252\"")]
    HeaderNotUtf8 {
        /// The file.
        file: String,
    },
    /// More than 4 MiB without the end of a row.
    #[error("{file}, from line {line}: no end of a row within 4 MiB; is a quote not closed?")]
    Endless {
        /// The file.
        file: String,
        /// Where the row begins, or the line before.
        line: u64,
    },
    /// Customers, their contacts and requests belong to shops.
    #[error("No shop yet: import shops first.")]
    NoShop,
    /// The rejects file cannot be written.
    #[error("{file}: {source}")]
    Rejects {
        /// The rejects file.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The export cannot be written.
    #[error("the export could not be written: {0}")]
    Write(#[source] std::io::Error),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The cause of a failed reading or writing, so that callers can tell a closed
/// pipe from a full disk.
fn io_error(error: csv::Error) -> std::io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => std::io::Error::other(format!("{other:?}")),
    }
}

/// Imports a file. A row that breaks a rule is refused alone and the rest goes
/// in; a known key is updated, an empty cell changes nothing, and a second run
/// of the same file changes nothing (8.3). `progress` is called with the bytes
/// read and the bytes of the file.
///
/// # Errors
/// [`ImportError`], before any row when the map or the header is wrong.
pub async fn import(db: &Db, kind: Kind, file: &Path, options: &Options, progress: &mut dyn FnMut(u64, u64)) -> Result<Report, ImportError> {
    let map = options.map.clone().unwrap_or_else(|| ColumnMap::identity(kind));
    if map.kind() != kind {
        return Err(MapError::OtherKind { map: map.kind(), kind }.into());
    }
    let reader = Reader::open(file, map.encoding())?;
    let bound = map.bind(reader.header(), &options.set)?;
    let known = Known::load(db, &map).await?;
    if kind.needs_shop() && known.shops.is_empty() {
        return Err(ImportError::NoShop);
    }
    let rejects = match &options.rejects {
        Some(path) => Some(Rejects::create(path, file, &reader)?),
        None => None,
    };
    let load = Load::new(db, kind, known, rejects, options.dry_run, progress);
    match kind {
        Kind::Organizations => load.run::<OneByOne<places::Organizations>>(reader, bound).await,
        Kind::Shops => load.run::<OneByOne<places::Shops>>(reader, bound).await,
        Kind::Customers => load.run::<customers::Customers>(reader, bound).await,
        Kind::Contacts => load.run::<contacts::Contacts>(reader, bound).await,
        Kind::Assets => load.run::<assets::Assets>(reader, bound).await,
        Kind::Plates => load.run::<OneByOne<plates::Plates>>(reader, bound).await,
        Kind::Readings => load.run::<OneByOne<readings::Readings>>(reader, bound).await,
        Kind::ServiceRequests => load.run::<OneByOne<service::Requests>>(reader, bound).await,
        Kind::Repairs => load.run::<OneByOne<service::Repairs>>(reader, bound).await,
    }
}

//! `files`: the same customers as a file to import, and the same searches as
//! paths, for a run over HTTP.
//!
//! May call [`crate::customers`] and [`crate::mix`].

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::drawn::Drawn;
use crate::mix;

/// What to write where.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    drawn: Drawn,
    /// The code of the shop they belong to.
    #[arg(long)]
    shop: String,
    /// Where customers.csv and paths.txt go.
    #[arg(long, default_value = ".")]
    folder: PathBuf,
}

/// Writes both.
pub(crate) fn run(options: &Options) -> Result<()> {
    let customers = options.drawn.customers()?;
    let mut file = BufWriter::new(File::create(options.folder.join("customers.csv"))?);
    customers.write(&mut file, &options.shop)?;
    file.flush()?;
    let mut file = BufWriter::new(File::create(options.folder.join("paths.txt"))?);
    for asked in mix::searches(&customers, options.drawn.seed) {
        writeln!(file, "/v1/customers?by={}&q={}", asked.query.by().name(), escaped(&asked.text))?;
    }
    Ok(file.flush()?)
}

/// A text as the value of a query: each byte that is neither letter nor digit
/// by its number.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

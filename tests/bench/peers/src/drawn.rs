//! Which customers are drawn, as the commands are told.
//!
//! May call [`crate::customers`].

use anyhow::Result;
use clap::Args;

use crate::customers::Customers;

/// How many, and by which number.
#[derive(Debug, Args)]
pub(crate) struct Drawn {
    /// How many customers there are.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    customers: u64,
    /// Other customers and other searches for another number.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
}

impl Drawn {
    /// The customers.
    pub(crate) fn customers(&self) -> Result<Customers> {
        Ok(Customers::new(self.seed, usize::try_from(self.customers)?))
    }
}

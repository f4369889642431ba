//! What is imported.
#![no_main]

#[path = "../inputs/csv.rs"]
mod csv;
#[path = "../inputs/desk.rs"]
mod desk;

use std::sync::LazyLock;

use desk::Desk;
use libfuzzer_sys::fuzz_target;

static DESK: LazyLock<Desk> = LazyLock::new(|| Desk::of("csv"));

fuzz_target!(|bytes: &[u8]| csv::take(&DESK, bytes));

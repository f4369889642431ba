//! What a server is sent.
#![no_main]

#[path = "../inputs/bodies.rs"]
mod bodies;
#[path = "../inputs/desk.rs"]
mod desk;

use std::sync::LazyLock;

use bodies::Counter;
use desk::Desk;
use libfuzzer_sys::fuzz_target;

static DESK: LazyLock<Desk> = LazyLock::new(|| Desk::of("bodies"));
static COUNTER: LazyLock<Counter> = LazyLock::new(|| Counter::at(&DESK));

fuzz_target!(|bytes: &[u8]| COUNTER.take(bytes));

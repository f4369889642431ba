//! What a keyboard, a clipboard and a terminal that answers send: nothing but
//! letters and the pen's own sequences come of it.
#![no_main]

#[allow(dead_code)]
#[path = "../../it/hostile/harmless.rs"]
mod harmless;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let foreign = harmless::foreign(&countertop::tui::typed(bytes));
    assert!(foreign.is_empty(), "{foreign:?}");
});

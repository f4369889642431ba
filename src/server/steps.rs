//! The steps that have to hold whenever the process ends, by name, so that a
//! test can end it at one of them: `COUNTERTOP_DIES_AT=committed:3` does so when
//! that step is passed for the third time. `COUNTERTOP_DWELLS_ON=a.file` keeps
//! the customers from being read for as long as there is that file. Only builds
//! with debug assertions look; what is shipped has nothing of it.
//!
//! Knows nobody.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// A step of a write, or of sealing the audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It is asked for; the transaction is not begun.
    Asked,
    /// The record is written; the key it was sent under is not.
    Written,
    /// The key is written too; nothing is committed.
    Kept,
    /// All is committed; nobody was told.
    Committed,
    /// Seals are written and not committed.
    Sealed,
}

impl Step {
    const fn name(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Written => "written",
            Self::Kept => "kept",
            Self::Committed => "committed",
            Self::Sealed => "sealed",
        }
    }
}

/// Passes a step, or ends here as if the process were killed: nothing is tidied
/// up, flushed or told.
pub(crate) fn pass(step: Step) {
    if cfg!(debug_assertions) && is_the_last(step) {
        std::process::abort();
    }
}

fn is_the_last(step: Step) -> bool {
    static ARMED: OnceLock<Option<(String, AtomicU32)>> = OnceLock::new();
    let armed = ARMED.get_or_init(|| {
        let told = std::env::var("COUNTERTOP_DIES_AT").ok()?;
        let (step, times) = told.split_once(':')?;
        Some((step.to_owned(), AtomicU32::new(times.parse().ok()?)))
    });
    armed.as_ref().is_some_and(|(name, left)| name == step.name() && left.fetch_sub(1, Ordering::Relaxed) == 1)
}

/// Stays where the customers are about to be read, as if there were very many.
pub(crate) async fn dwell() {
    if !cfg!(debug_assertions) {
        return;
    }
    let Some(sign) = std::env::var_os("COUNTERTOP_DWELLS_ON") else { return };
    while std::path::Path::new(&sign).exists() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

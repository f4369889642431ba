//! Core files: there are none. What a program holds of passwords, tokens and
//! customers when it dies ends with it.

/// From here on the system writes none of this process, and nothing that the
/// process does brings them back.
#[cfg(unix)]
pub(super) fn forbid() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    // To lower a limit is allowed to everybody.
    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
}

/// Here the system is asked elsewhere.
#[cfg(not(unix))]
pub(super) const fn forbid() {}

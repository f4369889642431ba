//! Parses the command line, runs the verb, and says how it went by exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    countertop::cli::run()
}

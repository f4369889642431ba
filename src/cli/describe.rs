//! What describes the program to others: completions, manual pages, OpenAPI.

use std::path::PathBuf;

use clap::Command;
use clap_complete::Shell;

use super::exit::{Exit, Failure, Outcome};
use super::output;

/// `countertop completions SHELL`.
#[derive(Debug, clap::Args)]
pub(super) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// `countertop man`.
#[derive(Debug, clap::Args)]
pub(super) struct ManArgs {
    /// Write a page for every command into this folder instead
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Prints a completion script.
pub(super) fn completions(args: &CompletionsArgs, mut command: Command) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "countertop", &mut script);
    output::say(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Done)
}

/// Prints the manual page, or writes all of them.
pub(super) fn man(args: &ManArgs, command: Command) -> Outcome {
    if let Some(folder) = &args.out {
        let failed = |error: std::io::Error| Failure::failed(format!("{}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(failed)?;
        clap_mangen::generate_to(command, folder).map_err(failed)?;
        return Ok(Exit::Done);
    }
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    output::say(&String::from_utf8_lossy(&page))?;
    Ok(Exit::Done)
}

/// Prints the OpenAPI document.
#[cfg(feature = "server")]
pub(super) fn openapi() -> Outcome {
    output::json(&crate::server::openapi_document())?;
    Ok(Exit::Done)
}

//! What the process tells about itself on standard error.

use std::io::IsTerminal;

use rsql_common::{Error, Result};
use tracing_subscriber::EnvFilter;

use crate::args::Command;

const VARIABLE: &str = "RSQL_LOG";
/// For people at a shell: what they should know.
const QUIET: &str = "warn";
/// For processes that nobody watches: what happened, without what the libraries below tell.
const SERVER: &str = "warn,rsql=info";

/// Stands below the options in the help.
pub(crate) const LOG_HELP: &str = "\
Environment:
  RSQL_LOG  What is logged on standard error: off, error, warn, info, debug or trace, also by module
            (warn,rsql_cluster=debug). By default warn; of a master and a worker also info.";

/// Starts logging as `RSQL_LOG` says, or as fits the command.
pub(crate) fn start(command: Option<&Command>) -> Result<()> {
    let filter = match std::env::var_os(VARIABLE).filter(|text| !text.is_empty()) {
        Some(text) => text.to_str().and_then(|t| EnvFilter::try_new(t).ok()).ok_or_else(|| {
            Error::usage(format!(
                "{VARIABLE} takes off, error, warn, info, debug or trace, also by module \
                 (warn,rsql_cluster=debug), not {}.",
                text.display()
            ))
        })?,
        None => EnvFilter::new(match command {
            Some(Command::Master(_) | Command::Worker(_)) => SERVER,
            _ => QUIET,
        }),
    };
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        // A closed standard error is no reason to fail.
        .log_internal_errors(false)
        .init();
    Ok(())
}

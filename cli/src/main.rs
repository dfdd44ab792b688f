//! The `rsql` binary: the shell, batch runs, and the subcommands.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "what documents an argument is its help text, where local[N] is no link"
)]
#![deny(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "they panic when nobody reads; `output` has what does not"
)]

mod allocator;
mod args;
mod batch;
mod cluster;
mod conf;
mod interrupt;
mod log;
mod meta;
mod output;
mod password;
mod report;
mod serve;
mod session;
mod shell;
mod tpch;

use std::process::ExitCode;

use clap::Parser;
use rsql_common::Result;

use crate::args::{Args, Command};

/// Exit codes: 0 done, 1 an SQL error, 2 wrong usage, 130 interrupted.
fn main() -> ExitCode {
    allocator::keep_free_memory();
    rsql_cluster::install_tls_provider();
    let args = Args::parse();
    match log::start(args.command.as_ref()).and_then(|()| run(&args)) {
        Ok(code) => code,
        // Whoever read the output has seen enough.
        Err(_) if output::stdout::is_closed() => ExitCode::SUCCESS,
        Err(e) => {
            report::error(&e);
            ExitCode::from(if e.is_usage() { 2 } else { 1 })
        }
    }
}

fn run(args: &Args) -> Result<ExitCode> {
    match &args.command {
        Some(Command::Tpch(options)) => tpch::run(options),
        Some(Command::Master(options)) => cluster::master(options),
        Some(Command::Worker(options)) => cluster::worker(options),
        Some(Command::Executor(options)) => cluster::executor(options),
        Some(Command::Serve(options)) => serve::run(options),
        Some(Command::HashPassword(options)) => serve::hash(options),
        None if args.is_batch() => batch::run(args),
        None => shell::run(args),
    }
}

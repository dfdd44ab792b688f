//! The `rsql` binary: the shell, batch runs, and the subcommands.

#![allow(
    rustdoc::broken_intra_doc_links,
    reason = "what documents an argument is its help text, where local[N] is no link"
)]

mod allocator;
mod args;
mod batch;
mod cluster;
mod conf;
mod interrupt;
mod meta;
mod output;
mod report;
mod serve;
mod session;
mod shell;
mod tpch;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Args, Command};

/// Exit codes: 0 done, 1 an SQL error, 2 wrong usage, 130 interrupted.
fn main() -> ExitCode {
    allocator::keep_free_memory();
    rsql_cluster::install_tls_provider();
    let args = Args::parse();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("RSQL_LOG"))
        .with_writer(std::io::stderr)
        .init();
    let outcome = match &args.command {
        Some(Command::Tpch(options)) => tpch::run(&args, options),
        Some(Command::Master(options)) => cluster::master(options),
        Some(Command::Worker(options)) => cluster::worker(options),
        Some(Command::Executor(options)) => cluster::executor(options),
        Some(Command::Serve(options)) => serve::run(options),
        Some(Command::HashPassword(options)) => serve::hash(options),
        None if args.is_batch() => batch::run(&args),
        None => shell::run(&args),
    };
    match outcome {
        Ok(code) => code,
        Err(e) => {
            report::error(&e);
            ExitCode::from(if e.is_usage() { 2 } else { 1 })
        }
    }
}

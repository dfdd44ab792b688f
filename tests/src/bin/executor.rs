//! An executor process for the suites, started like `rsql executor`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use rsql_cluster::core::Incarnation;
use rsql_cluster::executor::{Ending, ExecutorConfig, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
struct Args {
    /// `executor`.
    command: String,
    #[arg(long)]
    supervised: bool,
    #[arg(long)]
    master: String,
    #[arg(long)]
    host: String,
    #[arg(long)]
    cores: usize,
    #[arg(long)]
    memory: usize,
    #[arg(long)]
    secret_file: PathBuf,
    #[arg(long)]
    local_dir: PathBuf,
    #[arg(long, value_parser = |text: &str| u128::from_str_radix(text, 16))]
    incarnation: u128,
}

fn main() -> ExitCode {
    rsql_cluster::install_tls_provider();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("RSQL_LOG"))
        .with_writer(std::io::stderr)
        .init();
    let args = Args::parse();
    let ending = run(ExecutorConfig {
        master: args.master,
        host: args.host,
        cores: args.cores,
        memory: args.memory,
        secret_file: args.secret_file,
        local_dir: args.local_dir,
        incarnation: Some(Incarnation(args.incarnation)),
        supervised: args.supervised,
    });
    match ending {
        Ok(Ending::Released | Ending::Orphaned) => ExitCode::SUCCESS,
        Ok(other) => {
            tracing::warn!(?other, "{} ends", args.command);
            ExitCode::from(3)
        }
        Err(e) => {
            tracing::error!(error = %e, "an executor does not run");
            ExitCode::from(1)
        }
    }
}

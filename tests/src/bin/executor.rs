//! An executor process for the suites, started like `rsql executor`.

use std::process::ExitCode;

use rsql_cluster::executor::{Ending, ExecutorConfig, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rsql_cluster::install_tls_provider();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("RSQL_LOG"))
        .with_writer(std::io::stderr)
        .init();
    match ExecutorConfig::parse(std::env::args_os().skip(1)).and_then(run) {
        Ok(Ending::Released | Ending::Orphaned) => ExitCode::SUCCESS,
        Ok(other) => {
            tracing::warn!(?other, "an executor ends");
            ExitCode::from(3)
        }
        Err(e) => {
            tracing::error!(error = %e, "an executor does not run");
            ExitCode::from(1)
        }
    }
}

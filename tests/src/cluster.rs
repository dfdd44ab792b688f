//! A local cluster for suites: executors run the `executor` binary of this package. For plans alone `in-process[SLOTS]` does
//! what a cluster does within this process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rsql_cluster::in_process::InProcessRunner;
use rsql_cluster::{LocalCluster, LocalClusterSpec};
use rsql_common::{Error, Result, Settings};
use rsql_exec::Runner;

/// Starts `local-cluster[W,C,M]` with the `executor` binary that stands beside this one; it ends with the runner.
/// `in-process[N]` plans for N slots.
pub fn start(master: &str) -> Result<Arc<dyn Runner>> {
    let slots = master.strip_prefix("in-process[").and_then(|m| m.strip_suffix(']'));
    if let Some(slots) = slots.and_then(|m| m.parse().ok()) {
        let dir = std::env::temp_dir().join(format!("rsql-in-process-{}", std::process::id()));
        std::fs::create_dir_all(&dir)?;
        return Ok(Arc::new(InProcessRunner::new(slots, &dir)?));
    }
    let program = std::env::current_exe()?.with_file_name("executor");
    Ok(start_with(master, &program, &[])?.runner())
}

/// The same with a given binary and settings of the master.
pub fn start_with(master: &str, program: &Path, settings: &[(&str, &str)]) -> Result<Arc<LocalCluster>> {
    rsql_cluster::install_tls_provider();
    let spec = LocalClusterSpec::parse(master)
        .ok_or_else(|| Error::usage(format!("{master} is not local-cluster[executors,cores,memory].")))?;
    let settings = settings
        .iter()
        .try_fold(Settings::default(), |s, (k, v)| s.with(k, v))?;
    LocalCluster::start(&spec, &settings, PathBuf::from(program))
}

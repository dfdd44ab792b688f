//! What a cluster is to be measured by beside TPC-H: global sorts, skewed joins, and whether many queries leave anything
//! behind. The binary `measure` prints the figures, and judges those of a soak if it is asked to.

pub mod growth;
pub mod order;
pub mod process;
pub mod rest;
pub mod skew;
pub mod soak;

use std::path::PathBuf;
use std::sync::Arc;

use rsql_cluster::{LocalCluster, LocalClusterSpec};
use rsql_common::{Error, Result, Settings};
use rsql_engine::Session;

/// A local cluster with what sessions on it are set to.
pub struct Bench {
    cluster: Arc<LocalCluster>,
    settings: Settings,
}

impl Bench {
    /// Starts `local-cluster[W,C,M]`; executors run the `executor` binary beside this one.
    pub fn start(master: &str, conf: &[(String, String)]) -> Result<Self> {
        rsql_cluster::install_tls_provider();
        let settings = settings(conf)?;
        let spec = LocalClusterSpec::parse(master)
            .ok_or_else(|| Error::usage(format!("{master} is not local-cluster[executors,cores,memory].")))?;
        let program = std::env::current_exe()?.with_file_name("executor");
        Ok(Self {
            cluster: LocalCluster::start(&spec, &settings, program)?,
            settings,
        })
    }

    /// A session on the cluster.
    pub fn session(&self) -> Result<Session> {
        session(&self.settings, Session::builder().runner(self.cluster.runner()))
    }

    /// Its executors' processes.
    pub fn pids(&self) -> Vec<u32> {
        self.cluster.pids()
    }

    /// Where executors keep their files.
    pub fn folder(&self) -> PathBuf {
        self.cluster.shuffle_dir()
    }

    /// What the REST API tells.
    pub fn rest(&self) -> Result<rest::Rest> {
        let address = self.cluster.master().rest_address();
        Ok(rest::Rest::new(
            address.ok_or_else(|| Error::internal("the master has no REST API"))?,
        ))
    }
}

/// A session in this process.
pub fn local(conf: &[(String, String)]) -> Result<Session> {
    session(&settings(conf)?, Session::builder())
}

fn settings(conf: &[(String, String)]) -> Result<Settings> {
    conf.iter().try_fold(Settings::default(), |s, (k, v)| s.with(k, v))
}

fn session(settings: &Settings, builder: rsql_engine::SessionBuilder) -> Result<Session> {
    let builder = settings.overrides().try_fold(builder, |b, (k, v)| b.set(k, v))?;
    builder.build()
}

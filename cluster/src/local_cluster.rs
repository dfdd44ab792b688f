//! `local-cluster[W,C,M]`: a master in this process and executors in processes of their own, for one session.
//!
//! It is the real thing in small: executors join with a secret, all connections are mutual TLS (on loopback it costs
//! little, since executors of one machine read each other's files), and a killed executor is started again.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rsql_common::{Error, Result, Settings};
use rsql_exec::{ChunkStream, PrepareContext, Run, Runner, Unplanned};
use rsql_planner::PhysicalPlan;
use rsql_planner::stages::StageGraph;

use crate::executor::ExecutorConfig;
use crate::fetch_server;
use crate::master::{Master, MasterConfig};
use crate::memory_size::parse_memory;
use crate::worker::{OnExit, Supervised, Supervisor};

/// Executors that do not register within this do not start at all.
const START: Duration = Duration::from_secs(60);
const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// The size of a local cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalClusterSpec {
    /// Executor processes.
    pub executors: usize,
    /// Cores of each.
    pub cores: usize,
    /// Bytes of memory of each.
    pub memory: usize,
}

impl LocalClusterSpec {
    /// Reads `local-cluster[W,C,M]`; M as [`parse_memory`] reads it.
    pub fn parse(text: &str) -> Option<Self> {
        let inner = text.strip_prefix("local-cluster[")?.strip_suffix(']')?;
        let mut parts = inner.split(',').map(str::trim);
        let executors = parts.next()?.parse().ok().filter(|n| *n > 0)?;
        let cores = parts.next()?.parse().ok().filter(|n| *n > 0)?;
        let memory = parse_memory(parts.next()?).ok()?;
        parts.next().is_none().then_some(Self {
            executors,
            cores,
            memory,
        })
    }
}

/// A running local cluster; dropping it ends its processes and removes its files.
#[derive(Debug)]
pub struct LocalCluster {
    // In the order in which they end: executors' processes, the master, their files.
    supervisor: Supervisor,
    master: Master,
    _dir: tempfile::TempDir,
}

impl LocalCluster {
    /// Starts the master and the executors, which run `program`, and waits until all are there.
    pub fn start(spec: &LocalClusterSpec, settings: &Settings, program: PathBuf) -> Result<Arc<Self>> {
        Self::start_restarting(spec, settings, program, true)
    }

    /// The same; with `restart` false an executor that ends stays away.
    pub fn start_restarting(
        spec: &LocalClusterSpec,
        settings: &Settings,
        program: PathBuf,
        restart: bool,
    ) -> Result<Arc<Self>> {
        let mut builder = tempfile::Builder::new();
        builder.prefix("rsql-cluster-");
        let dir = match settings.get("rsql.local.dir") {
            None | Some("") => builder.tempdir()?,
            Some(folder) => builder.tempdir_in(folder)?,
        };
        let secret_file = dir.path().join("join");
        let master = Master::start(&MasterConfig {
            host: HOST,
            port: 0,
            rest_port: Some(0),
            secret_file: secret_file.clone(),
            event_log: super::event_log_folder(settings)?,
            settings: settings.clone(),
        })?;
        let config = ExecutorConfig {
            master: master.address().to_string(),
            host: HOST.to_string(),
            fetch_port: fetch_server::fetch_port(settings)?,
            cores: spec.cores,
            memory: spec.memory,
            secret_file,
            local_dir: dir.path().join("shuffle"),
            ..ExecutorConfig::default()
        };
        fetch_server::check_ports(&config, spec.executors)?;
        let on_exit: OnExit = Arc::new(master.exited());
        let supervised = Supervised {
            program,
            config,
            executors: spec.executors,
            restart,
        };
        let supervisor = Supervisor::start(&supervised, &on_exit)?;
        master.wait_for_executors(spec.executors, START)?;
        Ok(Arc::new(Self {
            supervisor,
            master,
            _dir: dir,
        }))
    }

    /// A runner that keeps the cluster alive.
    pub fn runner(self: &Arc<Self>) -> Arc<dyn Runner> {
        Arc::new(LocalClusterRunner {
            runner: self.master.runner(),
            cluster: Arc::clone(self),
        })
    }

    /// The master.
    pub fn master(&self) -> &Master {
        &self.master
    }

    /// Process ids of the executors that run.
    pub fn pids(&self) -> Vec<u32> {
        self.supervisor.pids().into_iter().flatten().collect()
    }

    /// The folder below which executors keep their files.
    pub fn shuffle_dir(&self) -> PathBuf {
        self._dir.path().join("shuffle")
    }
}

/// Runs plans on a cluster that ends with it.
#[derive(Debug)]
struct LocalClusterRunner {
    runner: Arc<dyn Runner>,
    cluster: Arc<LocalCluster>,
}

impl Runner for LocalClusterRunner {
    fn prepare(&self, plan: PhysicalPlan, cx: &PrepareContext<'_>) -> Result<PhysicalPlan> {
        self.runner.prepare(plan, cx)
    }

    fn stages(&self, plan: &PhysicalPlan, settings: &Settings) -> Result<Option<StageGraph>> {
        self.runner.stages(plan, settings)
    }

    fn start(&self, run: Run) -> Result<Box<dyn ChunkStream>> {
        tracing::debug!(executors = self.cluster.supervisor.pids().len(), "query starts");
        self.runner.start(run)
    }

    fn unplanned(&self, failed: Unplanned<'_>) {
        self.runner.unplanned(failed);
    }
}

/// What `--master` of a session may say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MasterUrl {
    /// `local`, `local[N]`, `local[*]`: this process, with so many threads (0: one a core).
    Local(usize),
    /// `local-cluster[W,C,M]`.
    LocalCluster(LocalClusterSpec),
    /// `HOST:PORT` of a cluster's front door.
    Remote(String),
}

impl MasterUrl {
    /// Reads it.
    pub fn parse(text: &str) -> Result<Self> {
        let bad = || {
            Error::usage(format!(
                "--master takes local[N], local-cluster[executors,cores,memory] or HOST:PORT, not {text}."
            ))
        };
        if text == "local" {
            return Ok(Self::Local(1));
        }
        if let Some(n) = text.strip_prefix("local[").and_then(|t| t.strip_suffix(']')) {
            return match n {
                "*" => Ok(Self::Local(0)),
                n => n.parse().ok().filter(|n| *n > 0).map(Self::Local).ok_or_else(bad),
            };
        }
        if text.starts_with("local-cluster") {
            return LocalClusterSpec::parse(text).map(Self::LocalCluster).ok_or_else(bad);
        }
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => Ok(Self::Remote(text.to_string())),
            _ => Err(bad()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masters_are_read() {
        assert_eq!(MasterUrl::parse("local").unwrap(), MasterUrl::Local(1));
        assert_eq!(MasterUrl::parse("local[4]").unwrap(), MasterUrl::Local(4));
        assert_eq!(MasterUrl::parse("local[*]").unwrap(), MasterUrl::Local(0));
        let spec = |memory| {
            MasterUrl::LocalCluster(LocalClusterSpec {
                executors: 3,
                cores: 1,
                memory,
            })
        };
        assert_eq!(MasterUrl::parse("local-cluster[3,1,2g]").unwrap(), spec(2 << 30));
        assert_eq!(MasterUrl::parse("local-cluster[3, 1, 1024]").unwrap(), spec(1 << 30));
        assert_eq!(
            MasterUrl::parse("node7:7077").unwrap(),
            MasterUrl::Remote("node7:7077".into())
        );
        for bad in [
            "local[0]",
            "local[x]",
            "local-cluster[0,1,1g]",
            "local-cluster[1,1]",
            "node7",
            ":7077",
            "a:b",
        ] {
            assert!(MasterUrl::parse(bad).is_err(), "{bad}");
        }
    }
}

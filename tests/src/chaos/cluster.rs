//! The cluster under test: a master in this process, executors in processes of their own, each behind a proxy and with a
//! folder of its own.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rsql_cluster::executor::ExecutorConfig;
use rsql_cluster::worker::{OnExit, Supervised, Supervisor};
use rsql_cluster::{Master, MasterConfig};
use rsql_common::{Result, Settings};
use rsql_engine::Session;

use super::proxy::Proxy;

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const START: Duration = Duration::from_secs(60);

/// What a cluster is made of.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Executors.
    pub executors: usize,
    /// Memory of each, bytes.
    pub memory: usize,
    /// The binary that runs them.
    pub program: PathBuf,
    /// Settings of master and session.
    pub settings: Vec<(String, String)>,
    /// Each executor's folder gets a small file system of its own, of so many bytes; needs root.
    pub disk: Option<u64>,
}

/// A running cluster.
pub struct TestCluster {
    // In the order in which they end.
    executors: Vec<Executor>,
    master: Master,
    settings: Settings,
    _dir: tempfile::TempDir,
}

/// An executor with what can be done to it.
pub struct Executor {
    supervisor: Supervisor,
    /// Between it and the master.
    pub proxy: Proxy,
    /// Where its files are.
    pub folder: PathBuf,
    mounted: bool,
}

impl TestCluster {
    /// Starts it and waits until all executors are there.
    pub fn start(options: &ClusterOptions) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("rsql-chaos-").tempdir()?;
        let settings = options
            .settings
            .iter()
            .try_fold(Settings::default(), |s, (k, v)| s.with(k, v))?;
        let secret_file = dir.path().join("join");
        let master = Master::start(&MasterConfig {
            host: HOST,
            port: 0,
            rest_port: None,
            secret_file: secret_file.clone(),
            event_log: None,
            settings: settings.clone(),
        })?;
        let mut executors = Vec::new();
        for number in 0..options.executors {
            let folder = dir.path().join(format!("executor-{number}"));
            std::fs::create_dir(&folder)?;
            let mounted = options.disk.is_some_and(|bytes| mount(&folder, bytes));
            let proxy = Proxy::start(master.address())?;
            let on_exit: OnExit = Arc::new(master.exited());
            let supervised = Supervised {
                program: options.program.clone(),
                config: ExecutorConfig {
                    master: proxy.address().to_string(),
                    host: HOST.to_string(),
                    cores: 1,
                    memory: options.memory,
                    secret_file: secret_file.clone(),
                    local_dir: folder.clone(),
                    ..ExecutorConfig::default()
                },
                executors: 1,
                restart: true,
            };
            executors.push(Executor {
                supervisor: Supervisor::start(&supervised, &on_exit)?,
                proxy,
                folder,
                mounted,
            });
        }
        master.wait_for_executors(options.executors, START)?;
        Ok(Self {
            executors,
            master,
            settings,
            _dir: dir,
        })
    }

    /// A session whose queries run on it.
    pub fn session(&self) -> Result<Session> {
        let mut builder = Session::builder().runner(self.master.runner());
        for (key, value) in self.settings.overrides() {
            builder = builder.set(key, value)?;
        }
        builder.build()
    }

    /// Its executors.
    pub fn executors(&self) -> &[Executor] {
        &self.executors
    }

    /// Waits until every executor is connected again.
    pub fn recover(&self) -> Result<()> {
        self.master.wait_for_executors(self.executors.len(), START)
    }
}

impl Executor {
    /// Its process, if it runs at present.
    pub fn pid(&self) -> Option<u32> {
        self.supervisor.pids().into_iter().flatten().next()
    }

    /// Sends its process a signal (`KILL`, `STOP`, `CONT`); says whether there was one to send it to.
    pub fn signal(&self, name: &str) -> Option<u32> {
        let pid = self.pid()?;
        signal(pid, name).then_some(pid)
    }

    /// Its folder is a file system of its own.
    pub fn has_own_disk(&self) -> bool {
        self.mounted
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if self.mounted {
            // Lazily: the process that writes there ends a moment later.
            _ = Command::new("umount").arg("-l").arg(&self.folder).status();
        }
    }
}

/// Sends a signal; false if the process is gone.
pub fn signal(pid: u32, name: &str) -> bool {
    Command::new("kill")
        .args([format!("-{name}"), pid.to_string()])
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

fn mount(folder: &Path, bytes: u64) -> bool {
    Command::new("mount")
        .args(["-t", "tmpfs", "-o", &format!("size={bytes}"), "tmpfs"])
        .arg(folder)
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

//! The cluster under test: a master in this process, executors in processes of their own, each behind two proxies and with a
//! folder of its own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rsql_cluster::executor::ExecutorConfig;
use rsql_cluster::worker::{OnExit, Supervised, Supervisor};
use rsql_cluster::{Master, MasterConfig};
use rsql_common::{Error, Result, Settings};
use rsql_engine::Session;

use super::proxy::Proxy;

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const START: Duration = Duration::from_secs(60);
/// Fetch services listen in here, below what the system gives to outgoing connections: an executor that starts again must find
/// its port free.
const FETCH_PORTS: std::ops::Range<u16> = 12_000..32_000;

/// What a cluster is made of.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// Executors.
    pub executors: usize,
    /// Memory of each, bytes.
    pub memory: usize,
    /// The binary that runs them.
    pub program: PathBuf,
    /// Executors of one machine read each other's files; without it everything is fetched, through proxies.
    pub local_reads: bool,
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
    control: Proxy,
    /// Between its fetch service and those who read its outputs.
    data: Proxy,
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
            .try_fold(Settings::default(), |s, (k, v)| s.with(k, v))?
            .with("rsql.cluster.localReads", &options.local_reads.to_string())?;
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
            let control = Proxy::start(master.address())?;
            let fetch_port = free_port()?;
            let data = Proxy::start(SocketAddr::new(HOST, fetch_port))?;
            let on_exit: OnExit = Arc::new(master.exited());
            let supervised = Supervised {
                program: options.program.clone(),
                config: ExecutorConfig {
                    master: control.address().to_string(),
                    host: HOST.to_string(),
                    fetch_port,
                    fetch_through: data.address().to_string(),
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
                control,
                data,
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

    /// Its executors read each other's files.
    pub fn local_reads(&self) -> bool {
        self.settings.bool("rsql.cluster.localReads")
    }

    /// Its executors.
    pub fn executors(&self) -> &[Executor] {
        &self.executors
    }

    /// Cuts an executor off: its connections to the master, those of others to its outputs, and its own to theirs. None come
    /// up until [`TestCluster::mend`]. Says how many there were.
    pub fn cut(&self, target: usize) -> Cut {
        let executor = &self.executors[target];
        let mut cut = Cut {
            control: executor.control.cut(),
            data: executor.data.cut(),
        };
        if let Some(pid) = executor.pid() {
            let others = self.executors.iter().enumerate().filter(|(i, _)| *i != target);
            cut.data += others.map(|(_, other)| other.data.cut_from(pid)).sum::<usize>();
        }
        cut
    }

    /// Takes all connections again.
    pub fn mend(&self) {
        for executor in &self.executors {
            executor.control.mend();
            executor.data.mend();
        }
    }

    /// Connections over which outputs were fetched so far.
    pub fn fetches(&self) -> usize {
        self.executors.iter().map(|e| e.data.taken()).sum()
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

/// What was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// Connections to the master.
    pub control: usize,
    /// Connections that carried outputs.
    pub data: usize,
}

/// A port that nobody listens on.
fn free_port() -> Result<u16> {
    (0..100)
        .map(|_| rand::random_range(FETCH_PORTS))
        .find(|port| TcpListener::bind((HOST, *port)).is_ok())
        .ok_or_else(|| Error::io("no port is free for a fetch service"))
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

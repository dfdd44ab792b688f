//! Starts a master inside a process, and stops it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rsql_common::{Error, ErrorKind, ExecutorId, Result};
use rsql_exec::Runner;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;

use super::config::MasterConfig;
use super::inbox::{Inbox, Mail};
use super::scheduler::Scheduler;
use super::services::{ClusterService, JoinService};
use crate::clock::wall_millis;
use crate::core::{Event, Incarnation, LeaderEpoch};
use crate::events::EventLog;
use crate::rest;
use crate::rpc::access::AccessLayer;
use crate::rpc::connect::MESSAGE_LIMIT;
use crate::rpc::services::control::control_server::ControlServer;
use crate::rpc::services::join::join_server::JoinServer;
use crate::rpc::services::liveness::liveness_server::LivenessServer;
use crate::rpc::services::workers::workers_server::WorkersServer;
use crate::runner::ClusterRunner;
use crate::security::{JoinFile, Role, mutual_server};

/// Tasks of the runtime that do not end by themselves are dropped after this.
const STOP: Duration = Duration::from_secs(1);
const LOOK_PAUSE: Duration = Duration::from_millis(10);

/// A running master. Dropping it ends it, and its executors.
pub struct Master {
    inbox: Inbox,
    address: SocketAddr,
    rest_address: Option<SocketAddr>,
    runner: Arc<ClusterRunner>,
    scheduler: Option<JoinHandle<()>>,
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for Master {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "master at {}", self.address)
    }
}

impl Master {
    /// Starts the scheduler, its RPC services and the REST API.
    pub fn start(config: &MasterConfig) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("rsql-master-io")
            .enable_all()
            .build()?;
        let (file, authority) = JoinFile::open_or_create(&config.secret_file)?;
        let identity = authority.issue(Role::Master)?;
        let epoch = LeaderEpoch(wall_millis());
        let cluster: u128 = rand::random();
        let (send, receive) = mpsc::channel();
        let inbox = Inbox(send);
        let core = config.core()?;
        let events = EventLog::open(config.event_log.as_deref(), core.retained_jobs)?;
        let host = config.host.to_string();
        let settings = config.settings.clone();
        let scheduler = Scheduler::new(core, epoch, cluster, host, events, settings, inbox.clone());
        let wanted = SocketAddr::new(config.host, config.port);
        let listener = runtime
            .block_on(TcpListener::bind(wanted))
            .map_err(|e| Error::cannot_listen(wanted, "--port", &e))?;
        let address = listener.local_addr()?;
        let service = ClusterService::new(inbox.clone(), cluster);
        let server = Server::builder()
            .tls_config(mutual_server(&identity, true))
            .map_err(|e| Error::internal(format!("the master's TLS configuration: {e}")))?
            .http2_keepalive_interval(Some(Duration::from_secs(10)))
            .http2_keepalive_timeout(Some(Duration::from_secs(10)))
            .layer(AccessLayer)
            .add_service(JoinServer::new(JoinService { file, authority }))
            .add_service(ControlServer::new(service.clone()).max_decoding_message_size(MESSAGE_LIMIT))
            .add_service(LivenessServer::new(service.clone()))
            .add_service(WorkersServer::new(service))
            // Without it a small message waits for the acknowledgement of the one before: 40 ms a stage.
            .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
        runtime.spawn(async move {
            if let Err(e) = server.await {
                tracing::error!(error = %e, "the master's RPC server ended");
            }
        });
        let rest_address = match config.rest_port {
            None => None,
            Some(port) => {
                // It knows no users: it is for this machine alone.
                let host = if config.host.is_loopback() {
                    config.host
                } else {
                    Ipv4Addr::LOCALHOST.into()
                };
                Some(runtime.block_on(rest::serve((host, port).into(), inbox.clone()))?)
            }
        };
        let runner = Arc::new(ClusterRunner::new(
            inbox.clone(),
            epoch,
            &identity,
            runtime.handle().clone(),
        ));
        let scheduler = std::thread::Builder::new()
            .name("rsql-scheduler".into())
            .spawn(move || scheduler.run(&receive))
            .map_err(Error::from)?;
        Ok(Self {
            inbox,
            address,
            rest_address,
            runner,
            scheduler: Some(scheduler),
            runtime: Some(runtime),
        })
    }

    /// What runs plans on the cluster.
    pub fn runner(&self) -> Arc<dyn Runner> {
        Arc::clone(&self.runner) as Arc<dyn Runner>
    }

    /// Where executors and workers find it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the REST API is.
    pub fn rest_address(&self) -> Option<SocketAddr> {
        self.rest_address
    }

    /// Executors that are connected.
    pub fn executors(&self) -> Result<usize> {
        self.inbox.ask(|s| s.executors.connected())
    }

    /// Waits until the event log has everything so far.
    #[cfg(test)]
    pub(crate) fn flush_events(&self) {
        self.inbox.ask(|s| s.events.flush()).unwrap();
    }

    /// Waits until so many executors are connected.
    pub fn wait_for_executors(&self, n: usize, timeout: Duration) -> Result<()> {
        let until = Instant::now() + timeout;
        loop {
            let there = self.executors()?;
            if there >= n {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(
                    Error::new(ErrorKind::ExecutorLost, "CLUSTER.TOO_FEW_EXECUTORS").with_message(format!(
                        "Only {there} of {n} executors registered within {} s.",
                        timeout.as_secs()
                    )),
                );
            }
            std::thread::sleep(LOOK_PAUSE);
        }
    }

    /// Has an executor leave in good order: it gets no new tasks, those that run may end within `grace`, and others take
    /// over what it holds.
    pub fn decommission(&self, executor: ExecutorId, grace: Duration) -> Result<()> {
        let grace = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        self.inbox.send(Mail::Event(Event::Drain { executor, grace }))
    }

    /// Told by a supervisor in this process that an executor's process ended.
    pub fn exited(&self) -> impl Fn(Incarnation, Option<i32>, String) + Send + Sync + use<> {
        let inbox = self.inbox.clone();
        move |incarnation, code, reason| {
            // A master that has stopped has nobody to tell.
            _ = inbox.send(Mail::Exited {
                incarnation,
                code,
                reason,
            });
        }
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        // It may have stopped by itself.
        _ = self.inbox.send(Mail::Stop);
        if let Some(scheduler) = self.scheduler.take() {
            _ = scheduler.join();
        }
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(STOP);
        }
    }
}

//! The life of a worker process: joins, starts executors, tells the master at once when one ends.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rsql_common::{Error, Result};
use tokio::sync::mpsc;
use tonic::transport::Channel;

use super::supervise::{OnExit, Supervised, Supervisor};
use crate::executor::ExecutorConfig;
use crate::rpc::connect::{channel, from_status, join};
use crate::rpc::messages::{ExecutorExit, WorkerRegistration, protocol};
use crate::rpc::services::workers::workers_client::WorkersClient;
use crate::security::{JoinFile, MASTER_NAME, Role, mutual_client};

const RETRY: Duration = Duration::from_secs(1);
/// A report that the master did not take is given up after so many tries: its lease tells it as well.
const TRIES: usize = 30;

/// A worker's place and size.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// What each executor is told.
    pub executor: ExecutorConfig,
    /// Executors.
    pub executors: usize,
    /// The binary that executors run.
    pub program: PathBuf,
}

/// Keeps executors running until SIGTERM or SIGINT, which lets them finish their tasks; a second one ends them at once.
pub fn run(config: &WorkerConfig) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let worker: u128 = rand::random();
    let file = JoinFile::load(&config.executor.secret_file)?;
    let client = runtime.block_on(register(config, &file, worker))?;
    let (ends, reports) = mpsc::unbounded_channel();
    runtime.spawn(report(client, reports));
    let on_exit: OnExit = Arc::new(move |incarnation, code, reason| {
        // The reporter lives as long as the runtime.
        _ = ends.send(ExecutorExit {
            worker,
            incarnation,
            code,
            reason,
        });
    });
    let supervised = Supervised {
        program: config.program.clone(),
        config: config.executor.clone(),
        executors: config.executors,
        restart: true,
    };
    let mut supervisor = Supervisor::start(&supervised, &on_exit)?;
    runtime.block_on(signalled())?;
    supervisor.drain();
    let gone = Arc::new(AtomicBool::new(false));
    let waiting = Arc::clone(&gone);
    let second = runtime.spawn(async move {
        if signalled().await.is_ok() && !waiting.load(Ordering::Relaxed) {
            // Executors see their standard input close and leave.
            std::process::exit(143);
        }
    });
    supervisor.wait();
    gone.store(true, Ordering::Relaxed);
    second.abort();
    runtime.shutdown_timeout(RETRY);
    Ok(())
}

async fn signalled() -> Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// Joins and registers, waiting for a master that comes up later.
async fn register(config: &WorkerConfig, file: &JoinFile, worker: u128) -> Result<WorkersClient<Channel>> {
    let master = &config.executor.master;
    let registration = WorkerRegistration {
        protocol: protocol(),
        worker,
        host: config.executor.host.clone(),
        executors: u32::try_from(config.executors).unwrap_or(u32::MAX),
        cores: u32::try_from(config.executor.cores).unwrap_or(u32::MAX),
        memory: config.executor.memory as u64,
    };
    loop {
        let attempt = async {
            let identity = join(master, file, Role::Worker).await?;
            let mut client = WorkersClient::new(channel(master, mutual_client(&identity, MASTER_NAME))?);
            client.register(registration.clone()).await.map_err(from_status)?;
            Ok::<_, Error>(client)
        };
        match attempt.await {
            Err(e) if e.kind() == rsql_common::ErrorKind::Io => {
                tracing::warn!(error = %e, master, "the master does not answer yet");
                tokio::time::sleep(RETRY).await;
            }
            outcome => return outcome,
        }
    }
}

async fn report(mut client: WorkersClient<Channel>, mut ends: mpsc::UnboundedReceiver<ExecutorExit>) {
    while let Some(end) = ends.recv().await {
        for _ in 0..TRIES {
            match client.exited(end.clone()).await {
                Ok(_) => break,
                Err(e) => tracing::warn!(error = %e, "the master was not told of an executor's end"),
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}

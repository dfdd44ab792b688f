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
use crate::{fetch_server, memory_size};

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

impl WorkerConfig {
    /// `joined HOST:PORT: 2 executors, 4 cores, 8 GiB memory`: the sizes are each executor's.
    fn describe(&self) -> String {
        let counted = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
        let each = if self.executors == 1 { "" } else { " each" };
        format!(
            "joined {}: {}, {}, {} memory{each}",
            self.executor.master,
            counted(self.executors, "executor"),
            counted(self.executor.cores, "core"),
            memory_size::describe(self.executor.memory)
        )
    }
}

/// Keeps executors running until SIGTERM or SIGINT, which lets them finish their tasks; a second one ends them at once.
/// `on_joined` hears in words what was joined and with what.
pub fn run(config: &WorkerConfig, on_joined: &mut dyn FnMut(&str)) -> Result<()> {
    fetch_server::check_ports(&config.executor, config.executors)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let worker: u128 = rand::random();
    let file = JoinFile::load(&config.executor.secret_file)?;
    let client = runtime.block_on(register(config, &file, worker))?;
    on_joined(&config.describe());
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
    let mut told = String::new();
    loop {
        let attempt = async {
            let identity = join(master, file, Role::Worker).await?;
            let mut client = WorkersClient::new(channel(master, mutual_client(&identity, MASTER_NAME))?);
            client.register(registration.clone()).await.map_err(from_status)?;
            Ok::<_, Error>(client)
        };
        match attempt.await {
            Err(e) if e.kind() == rsql_common::ErrorKind::Io => {
                let why = e.message().to_string();
                // Once for each reason: this may go on for hours.
                if why != told {
                    tracing::warn!("waiting for master {master}: {why}");
                    told = why;
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_joined() {
        let config = |executors, cores| WorkerConfig {
            executor: ExecutorConfig {
                cores,
                ..ExecutorConfig::default()
            },
            executors,
            program: PathBuf::new(),
        };
        let text = config(1, 4).describe();
        assert_eq!(text, "joined 127.0.0.1:7077: 1 executor, 4 cores, 1 GiB memory");
        let text = config(3, 1).describe();
        assert_eq!(text, "joined 127.0.0.1:7077: 3 executors, 1 core, 1 GiB memory each");
    }
}

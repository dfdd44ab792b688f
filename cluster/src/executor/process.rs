//! The life of an executor process: joins, opens its shuffle store, serves it, works until it is told to go.

use std::io::BufRead;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rsql_common::{Error, MemoryPool, Result};
use tokio::sync::{Notify, watch};

use super::config::ExecutorConfig;
use super::outbox::Outbox;
use super::tasks::Tasks;
use super::{control, heartbeat};
use crate::core::{ExecutorSpec, Incarnation, Report};
use crate::fetch_server;
use crate::rpc::connect;
use crate::rpc::messages::ExecutorMessage;
use crate::security::{JoinFile, Role};

/// The master may come up later than its executors.
const JOIN_PATIENCE: Duration = Duration::from_secs(60);
const JOIN_PAUSE: Duration = Duration::from_millis(200);
/// How often it is looked whether the process has more memory than it was given.
const MEMORY_WATCH: Duration = Duration::from_millis(100);
/// What an executor that was asked to go grants its tasks.
const GRACE_MILLIS: u64 = 60_000;
/// Clean-up that takes longer is left to the next process's sweep.
const LEAVE: Duration = Duration::from_secs(2);

/// Why an executor's life ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// Its outputs are needed no more.
    Released,
    /// The master holds it for dead, or has refused it.
    Unwanted(String),
    /// The master does not answer any more.
    MasterGone,
    /// Its supervisor is gone.
    Orphaned,
}

/// What the parts of an executor share.
#[derive(Debug)]
pub(super) struct Shared {
    pub config: ExecutorConfig,
    pub incarnation: Incarnation,
    pub spec: ExecutorSpec,
    pub shuffle_dir: String,
    pub identity: crate::security::Identity,
    pub outbox: Arc<Outbox>,
    pub tasks: Arc<Tasks>,
    pub memory: Arc<MemoryPool>,
    /// Set once, to end the process.
    pub ending: watch::Sender<Option<Ending>>,
}

impl Shared {
    /// Ends the process; the first reason counts.
    pub fn end(&self, ending: Ending) {
        self.ending.send_if_modified(|now| {
            let first = now.is_none();
            if first {
                *now = Some(ending);
            }
            first
        });
    }

    /// Asks the master to be released.
    pub fn leave(&self) {
        self.outbox
            .say(ExecutorMessage::Report(Report::Leaving { grace: GRACE_MILLIS }));
    }
}

/// Runs an executor until it is to end.
pub fn run(config: ExecutorConfig) -> Result<Ending> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("rsql-executor-io")
        .enable_all()
        .build()?;
    let (ending, mut ended) = watch::channel(None);
    let drain = Arc::new(Notify::new());
    if config.supervised {
        watch_supervisor(&ending, &drain)?;
    }
    let file = JoinFile::load(&config.secret_file)?;
    let identity = runtime.block_on(join(&config.master, &file))?;
    let root = if config.local_dir.as_os_str().is_empty() {
        std::env::temp_dir().join("rsql")
    } else {
        config.local_dir.clone()
    };
    let store = rsql_shuffle::ShuffleStore::open(&root)?;
    let endpoint = runtime.block_on(fetch_server::start(
        Arc::clone(&store),
        &config.host,
        config.fetch_port,
        &identity,
    ))?;
    // The process is to stay below its memory: what is mapped, in the allocator's hands or on its way over the network is no
    // query's and has a part of its own.
    let pooled = config.memory / 4 * 3;
    rsql_exec::mapping::stay_below(config.memory as u64 / 8 * 7);
    std::thread::Builder::new().name("memory watch".into()).spawn(|| {
        loop {
            std::thread::sleep(MEMORY_WATCH);
            rsql_exec::mapping::look();
        }
    })?;
    let memory = MemoryPool::new(pooled);
    let incarnation = config.incarnation.unwrap_or_else(|| Incarnation(rand::random()));
    let outbox = Arc::new(Outbox::new(incarnation));
    let tasks = Tasks::new(
        &config,
        &identity,
        Arc::clone(&store),
        Arc::clone(&memory),
        Arc::clone(&outbox),
        runtime.handle().clone(),
    )?;
    let shared = Arc::new(Shared {
        spec: ExecutorSpec {
            host: config.host.clone(),
            endpoint: if config.fetch_through.is_empty() {
                endpoint
            } else {
                config.fetch_through.clone()
            },
            slots: u32::try_from(config.cores).unwrap_or(u32::MAX),
            memory: pooled as u64,
        },
        shuffle_dir: store.dir().display().to_string(),
        config,
        incarnation,
        identity,
        outbox,
        tasks,
        memory,
        ending,
    });
    heartbeat::start(&shared)?;
    let end = runtime.block_on(async {
        let control = control::run(Arc::clone(&shared));
        let asked = asked_to_leave(Arc::clone(&shared), drain);
        let over = ended.wait_for(Option::is_some);
        tokio::select! {
            ending = control => ending,
            never = asked => never,
            ending = over => ending.ok().and_then(|e| e.clone()).unwrap_or(Ending::Orphaned),
        }
    });
    shared.tasks.kill_all();
    let until = Instant::now() + LEAVE;
    while shared.tasks.running() > 0 && Instant::now() < until {
        std::thread::sleep(LEAVE / 100);
    }
    runtime.shutdown_timeout(LEAVE / 8);
    tracing::info!(?end, "executor leaves");
    Ok(end)
}

async fn join(master: &str, file: &JoinFile) -> Result<crate::security::Identity> {
    let until = Instant::now() + JOIN_PATIENCE;
    loop {
        match connect::join(master, file, Role::Executor).await {
            Err(e) if e.kind() == rsql_common::ErrorKind::Io && Instant::now() < until => {
                tokio::time::sleep(JOIN_PAUSE).await;
            }
            outcome => return outcome,
        }
    }
}

/// SIGTERM and the supervisor ask to leave in good order; never returns.
async fn asked_to_leave(shared: Arc<Shared>, drain: Arc<Notify>) -> Ending {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut signals) = signal(SignalKind::terminate()) else {
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = signals.recv() => {}
            () = drain.notified() => {}
        }
        shared.leave();
    }
}

/// The supervisor holds the other end of standard input: a line `drain` asks to leave, its end means that the
/// supervisor is gone, however it went.
fn watch_supervisor(ending: &watch::Sender<Option<Ending>>, drain: &Arc<Notify>) -> Result<()> {
    let (ending, drain) = (ending.clone(), Arc::clone(drain));
    std::thread::Builder::new()
        .name("rsql-supervised".into())
        .spawn(move || {
            for line in std::io::stdin().lock().lines() {
                if line.is_ok_and(|l| l == "drain") {
                    drain.notify_one();
                }
            }
            _ = ending.send(Some(Ending::Orphaned));
            // The store is removed on the way out; this is for a way out that is blocked.
            std::thread::sleep(LEAVE * 2);
            std::process::exit(0);
        })
        .map_err(Error::from)?;
    Ok(())
}

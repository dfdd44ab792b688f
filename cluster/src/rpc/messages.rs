//! What the cluster's parts tell each other.
//!
//! Messages of the control stream carry an envelope: who sent them (executor and incarnation), under which leader
//! epoch, their sequence number, and the last sequence number received from the other side. An executor keeps a
//! message until it is acknowledged and sends it again after a reconnect; the master drops what it has seen.

use std::path::PathBuf;

use rsql_common::{Error, ExecutorId, OutputId, QueryId};
use rsql_exec::metrics::NodeFigures;
use rsql_exec::write::WrittenFile;
use rsql_expr::Schema;
use rsql_shuffle::{MapOutput, OutputLocation, PartialOutput, QueryKey};
use serde::{Deserialize, Serialize};

use crate::core::{AttemptId, Bounds, ExecutorSpec, Incarnation, Read, Report};
use crate::security::Role;

/// Changes whenever a source file changes that messages or plans are made of: two parts talk only if theirs are equal.
pub fn protocol() -> u64 {
    const HASH: &str = env!("RSQL_PROTOCOL");
    u64::from_str_radix(HASH, 16).unwrap_or(0)
}

/// A key to be signed.
#[derive(Clone, Serialize, Deserialize)]
pub struct SignRequest {
    /// From the join file.
    pub secret: String,
    /// What the certificate is for.
    pub role: Role,
    /// The signing request.
    pub request_pem: String,
}

/// A signed key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SignResponse {
    /// The certificate.
    pub certificate_pem: String,
}

/// Executor to master.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FromExecutor {
    /// Which life of which process.
    pub incarnation: Incarnation,
    /// Highest leader epoch the executor has seen; 0 before it is registered.
    pub epoch: u64,
    /// 1, 2, 3, … within the incarnation; 0 for messages that need no answer.
    pub seq: u64,
    /// The last sequence number received.
    pub ack: u64,
    /// The message.
    pub body: ExecutorMessage,
}

/// What an executor has to say.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum ExecutorMessage {
    /// First message of each connection.
    Register(Registration),
    /// Only acknowledges.
    Acknowledge,
    /// For the scheduler.
    Report(Report),
    /// An attempt ended well, with what readers of its output need to know, and with what each node of its plan did if
    /// the query is to tell.
    Succeeded(Report, Box<MapOutput>, Vec<NodeFigures>),
    /// An output of another executor is here as well.
    Copied {
        /// Output.
        output: OutputId,
        /// The executor that it was copied from.
        from: ExecutorId,
    },
    /// An attempt at a task that writes ended well, with the files that it staged.
    Wrote(Report, Vec<WrittenFile>),
}

/// What an executor offers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Registration {
    /// See [`protocol`].
    pub protocol: u64,
    /// Its size and place.
    pub spec: ExecutorSpec,
    /// Attempts whose end was not acknowledged.
    pub attempts: Vec<AttemptId>,
    /// Folder of its shuffle store, which readers on the same host open themselves.
    pub shuffle_dir: String,
    /// Process id.
    pub pid: u32,
}

/// Master to executor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ToExecutor {
    /// The leader's epoch; an executor that has seen a higher one ignores the message.
    pub epoch: u64,
    /// 1, 2, 3, … within the executor's registration; 0 for messages that need no answer.
    pub seq: u64,
    /// The last sequence number received.
    pub ack: u64,
    /// The message.
    pub body: MasterMessage,
}

/// What the master has to say.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum MasterMessage {
    /// The executor is part of the cluster.
    Registered {
        /// Its number.
        executor: ExecutorId,
        /// The cluster's id.
        cluster: u128,
        /// Time between heartbeats.
        heartbeat_millis: u64,
    },
    /// The executor is not wanted: it ends.
    Refused(Error),
    /// Only acknowledges.
    Acknowledge,
    /// A task to run.
    Launch(Box<Launch>),
    /// A task to stop.
    Kill(AttemptId),
    /// Outputs nobody will read.
    Drop(Vec<OutputId>),
    /// Outputs of an executor that is about to go: to be copied here.
    Copy(Vec<OutputCopy>),
    /// A query that is over: what is left of it can go.
    Forget(QueryId),
    /// The executor's outputs are needed no more: it may end.
    Release,
    /// This life counts no more: kill all tasks, delete all outputs, end.
    Fence,
}

/// A task for an executor. The stage's plan is fetched by its hash unless it is there already.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Launch {
    /// The attempt.
    pub attempt: AttemptId,
    /// Hash of the stage's plan.
    pub plan: PlanHash,
    /// What it reads of earlier stages.
    pub reads: Vec<Read>,
    /// The outputs that these reads touch, by who holds them: exactly these may be read.
    pub inputs: Vec<HeldOutputs>,
    /// Bounds that its rows are routed by.
    pub bounds: Option<Bounds>,
    /// Bytes that it may expect of the pool.
    pub memory: u64,
    /// Shuffle outputs of the query are encrypted under it.
    pub key: Option<QueryKey>,
}

/// An output to take over from another executor.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OutputCopy {
    /// Where it is.
    pub location: OutputLocation,
    /// What it holds: the figures of all partitions.
    pub output: PartialOutput,
    /// Its columns.
    pub schema: Schema,
}

/// Outputs to read that one executor holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeldOutputs {
    /// Who holds them.
    pub executor: ExecutorId,
    /// See [`OutputLocation::endpoint`].
    pub endpoint: String,
    /// See [`OutputLocation::local_dir`].
    pub local_dir: Option<PathBuf>,
    /// The outputs, with the figures of the partitions that are read.
    pub outputs: Vec<PartialOutput>,
}

impl HeldOutputs {
    /// None yet, of the executor that holds the output there.
    pub fn none(location: OutputLocation) -> Self {
        Self {
            executor: location.executor,
            endpoint: location.endpoint,
            local_dir: location.local_dir,
            outputs: Vec::new(),
        }
    }

    /// Where one of the outputs is.
    pub fn location(&self, output: &PartialOutput) -> OutputLocation {
        OutputLocation {
            output: output.id,
            executor: self.executor,
            endpoint: self.endpoint.clone(),
            local_dir: self.local_dir.clone(),
        }
    }
}

/// SHA-256 of a stage's encoded plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PlanHash(pub [u8; 32]);

/// Asks for a plan.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct PlanRequest {
    /// Which.
    pub hash: PlanHash,
}

/// A plan's bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlanResponse {
    /// An encoded [`crate::stage_plan::StagePlan`]; none if the query is over.
    pub bytes: Option<Vec<u8>>,
}

/// A sign of life.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Heartbeat {
    /// Whose.
    pub incarnation: Incarnation,
    /// Bytes granted by its pool at present.
    pub memory_used: u64,
    /// Tasks that run.
    pub running: u32,
}

/// Whether the master knows the executor.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct HeartbeatReply {
    /// False: it was declared lost, and must register again as a new incarnation.
    pub known: bool,
}

/// A worker that will start executors.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WorkerRegistration {
    /// See [`protocol`].
    pub protocol: u64,
    /// The worker's process.
    pub worker: u128,
    /// Where it runs.
    pub host: String,
    /// Executors it keeps running.
    pub executors: u32,
    /// Cores of each.
    pub cores: u32,
    /// Memory of each.
    pub memory: u64,
}

/// The worker is part of the cluster.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct WorkerWelcome {
    /// The cluster's id.
    pub cluster: u128,
}

/// A process that a worker had started is gone.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExecutorExit {
    /// The worker.
    pub worker: u128,
    /// Which life of which process.
    pub incarnation: Incarnation,
    /// Exit code, if it was not a signal.
    pub code: Option<i32>,
    /// How it ended, in words.
    pub reason: String,
}

/// Nothing to say.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Acknowledged;

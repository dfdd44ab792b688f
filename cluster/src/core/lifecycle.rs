//! What is worth telling people: one record for each turn in the life of a job, stage, attempt or executor.
//!
//! The shell writes them to the event log and adds wall-clock time; records are never read back by the core.

use rsql_common::{Error, ErrorKind, ExecutorId, OutputId, QueryId, StageId};

use super::action::KillReason;
use super::ids::{AttemptId, Epoch, Incarnation};
use super::spec::{ExecutorSpec, OutputFigures};
use super::status::{AttemptStatus, JobStatus};

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Lifecycle {
    /// A job changed its state.
    Job {
        /// Query.
        job: QueryId,
        /// State that it is in now.
        status: JobStatus,
        /// Why, when it failed.
        error: Option<Error>,
    },
    /// A stage was started, or started over.
    StageStarted {
        /// Query.
        job: QueryId,
        /// Stage.
        stage: StageId,
        /// Which time.
        epoch: Epoch,
        /// Tasks to run.
        tasks: u32,
    },
    /// A stage is done.
    StageDone {
        /// Query.
        job: QueryId,
        /// Stage.
        stage: StageId,
        /// Which time.
        epoch: Epoch,
    },
    /// An attempt changed its state.
    Attempt {
        /// Attempt.
        attempt: AttemptId,
        /// Executor, once there is one.
        executor: Option<ExecutorId>,
        /// State that it is in now.
        status: AttemptStatus,
        /// Why, when it failed.
        error: Option<Error>,
        /// Why, when it was stopped.
        why: Option<KillReason>,
        /// What it wrote, when it succeeded.
        figures: Option<OutputFigures>,
    },
    /// An output is gone.
    OutputLost {
        /// Output.
        output: OutputId,
        /// Who held it.
        executor: ExecutorId,
    },
    /// A second attempt gave other rows: what was computed from the first is thrown away.
    RolledBack {
        /// The task whose output changed.
        output: OutputId,
    },
    /// An executor came.
    ExecutorAdded {
        /// Executor.
        executor: ExecutorId,
        /// Its life.
        incarnation: Incarnation,
        /// What it has.
        spec: ExecutorSpec,
    },
    /// An executor goes in good order.
    ExecutorDraining {
        /// Executor.
        executor: ExecutorId,
    },
    /// An executor went.
    ExecutorRemoved {
        /// Executor.
        executor: ExecutorId,
        /// Whether in good order.
        released: bool,
        /// How that was seen.
        reason: String,
    },
    /// An executor is avoided.
    ExecutorExcluded {
        /// Executor.
        executor: ExecutorId,
        /// By one stage, or by all.
        stage: Option<(QueryId, StageId)>,
    },
    /// A host is avoided.
    HostExcluded {
        /// Host.
        host: String,
    },
    /// A change was asked for that the state machines do not have: a bug of the scheduler. Nothing was changed.
    Refused {
        /// Which machine, from where to where.
        transition: String,
    },
}

impl Lifecycle {
    /// The attempt that has failed, and why. One that its query no longer needed has not: what stopped it is no news. Nor is
    /// it where the statement is at fault: its user is told.
    pub(crate) fn failure(&self) -> Option<(AttemptId, &Error)> {
        match self {
            Lifecycle::Attempt {
                attempt,
                status: AttemptStatus::Failed,
                error: Some(error),
                ..
            } if error.kind() != ErrorKind::User => Some((*attempt, error)),
            _ => None,
        }
    }
}

//! Names of what the scheduler deals with, beyond the ids that every crate shares.

use std::fmt;

use rsql_common::{ExecutorId, OutputId, QueryId, StageId};
use serde::{Deserialize, Serialize};

/// Milliseconds on the shell's monotonic clock. The core compares and adds them, it never reads a clock.
pub type Millis = u64;

/// How often a stage was started over. Outputs of every epoch stand beside each other until one is proved wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Epoch(pub u32);

/// One life of an executor process: drawn at random when it starts, so that a successor is never taken for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Incarnation(pub u128);

/// The term of a master. Executors and master refuse whatever carries another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct LeaderEpoch(pub u64);

/// One partition of one stage.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TaskId {
    /// Query.
    pub job: QueryId,
    /// Stage.
    pub stage: StageId,
    /// Task within the stage, from 0.
    pub task: u32,
}

impl fmt::Debug for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.job, self.stage.0, self.task)
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task {} of {} of query {}", self.task, self.stage, self.job)
    }
}

/// One try at a task. Numbers are never used twice for a task, whatever the epoch.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AttemptId {
    /// Task.
    pub task: TaskId,
    /// Try, from 0.
    pub attempt: u32,
}

impl AttemptId {
    /// The name of what this attempt writes.
    pub fn output(self) -> OutputId {
        OutputId {
            query: self.task.job,
            stage: self.task.stage,
            map: self.task.task,
            attempt: self.attempt,
        }
    }

    /// The attempt that wrote `output`.
    pub fn of(output: OutputId) -> Self {
        Self {
            task: TaskId {
                job: output.query,
                stage: output.stage,
                task: output.map,
            },
            attempt: output.attempt,
        }
    }
}

impl fmt::Debug for AttemptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}.{}", self.task, self.attempt)
    }
}

/// Who says something: a message counts only if all three are current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sender {
    /// The master that the executor believes in.
    pub leader: LeaderEpoch,
    /// Executor.
    pub executor: ExecutorId,
    /// Its life.
    pub incarnation: Incarnation,
}

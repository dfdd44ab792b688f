//! What is to run and on what: jobs, stages, tasks and executors as they are handed to the scheduler.
//!
//! The scheduler knows shapes only. Plans, files, range bounds and endpoints are the shell's; here they are an id, a count or
//! opaque bytes.

use std::ops::Range;
use std::sync::Arc;

use rsql_common::StageId;
use rsql_planner::physical::Rerun;
use serde::{Deserialize, Serialize};

use super::ids::Millis;

/// A query as it is submitted.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JobSpec {
    /// Shown to people: the SQL text, shortened.
    pub description: String,
    /// Who asks.
    pub user: String,
    /// The pool to run in; an unknown name means the default pool.
    pub pool: String,
    /// Whether the last stage writes a table: its output becomes visible through [`Action::Commit`] only.
    ///
    /// [`Action::Commit`]: super::Action::Commit
    pub writes: bool,
    /// Limits of this query.
    pub limits: JobLimits,
}

/// Limits of one query; `None` means no limit beyond the configuration's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JobLimits {
    /// Time from admission to the end.
    pub run: Option<Millis>,
    /// Time in the queue.
    pub queue: Option<Millis>,
    /// Bytes that all its stages together may write.
    pub output_bytes: Option<u64>,
    /// Bytes that the result may have, if it goes to a client.
    pub result_bytes: Option<u64>,
    /// Attempts a task, instead of the configuration's (1: no retries).
    pub attempts: Option<u32>,
}

/// The plan between exchanges, as far as the scheduler cares. The last stage of a job is its result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageSpec {
    /// Unique within the job; a stage comes after all that it reads.
    pub id: StageId,
    /// Shown to people.
    pub name: String,
    /// Its tasks, in the order of their partitions.
    pub tasks: Vec<TaskSpec>,
    /// What a second attempt may give.
    pub rerun: Rerun,
    /// The sampling stage whose bounds the tasks need before they can route a row.
    pub bounds_of: Option<StageId>,
    /// Ask for a new plan of what is left ([`Action::Replan`]) when this stage is done the first time.
    ///
    /// [`Action::Replan`]: super::Action::Replan
    pub replan: bool,
}

/// One task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TaskSpec {
    /// What it reads of earlier stages.
    pub reads: Vec<Read>,
    /// Hosts that hold its data. Empty: the hosts that hold a fair share of what it reads.
    pub hosts: Vec<String>,
    /// Memory of the first attempt; 0 means an equal share for each slot of the executor.
    pub memory: u64,
}

/// A part of a stage's output: one partition of some of its map tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Read {
    /// The producing stage.
    pub stage: StageId,
    /// The partition.
    pub partition: u32,
    /// Its map tasks.
    pub maps: Range<u32>,
}

/// An executor as it registers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutorSpec {
    /// Machine: what locality and host exclusion go by.
    pub host: String,
    /// Where its shuffle service listens. The core only shows it.
    pub endpoint: String,
    /// Tasks that it runs at once.
    pub slots: u32,
    /// Bytes for tasks.
    pub memory: u64,
}

/// Range bounds of a sampling stage. Fixed once, so that every attempt routes alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds(pub Arc<Vec<u8>>);

/// What an attempt wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutputFigures {
    /// By partition.
    pub partitions: Vec<PartitionFigures>,
    /// Time that the attempt took on the executor.
    pub run_millis: Millis,
    /// Bytes that it read, from storage and earlier stages.
    pub read_bytes: u64,
    /// Rows that it read.
    pub read_rows: u64,
    /// Bytes that it spilled.
    pub spilled_bytes: u64,
}

impl OutputFigures {
    /// Bytes over all partitions.
    pub fn bytes(&self) -> u64 {
        self.partitions.iter().map(|p| p.bytes).sum()
    }

    /// Rows over all partitions.
    pub fn rows(&self) -> u64 {
        self.partitions.iter().map(|p| p.rows).sum()
    }

    /// The same with one partition that stands for all. Readers and comparisons need each partition; whoever shows what was
    /// written needs sums, and keeps them for long.
    #[must_use]
    pub fn totals(&self) -> Self {
        let (bytes, rows) = (self.bytes(), self.rows());
        let sums = PartitionFigures {
            bytes,
            rows,
            hash: (0, 0),
        };
        Self {
            partitions: vec![sums],
            ..*self
        }
    }
}

/// One partition of what an attempt wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PartitionFigures {
    /// Stored bytes.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
    /// Order-independent hash of the rows: wrapping sum and xor.
    pub hash: (u64, u64),
}

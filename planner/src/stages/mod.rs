//! A distributed plan in stages: the plan between exchanges, what each stage reads and how it spreads what it puts out.
//!
//! ```text
//!   HashAggregate final                   stage1  HashAggregate final
//!     Exchange hash [k]          =>                 StageInput stage0        reads partition i of stage0
//!       HashAggregate partial             stage0  HashAggregate partial      writes hash [k]
//!         Scan t                                    Scan t                   share i of t
//! ```
//!
//! A task is a stage for one index `i`: every leaf of the plan gives it the `i`-th share, every input the slices that
//! [`Stage::slices`] names.

mod cut;
mod filters;
mod sampling;
mod slices;

use std::ops::Range;

use rsql_common::StageId;
use rsql_expr::SortKey;
use serde::{Deserialize, Serialize};

pub use cut::cut;
pub(crate) use cut::{cut_above, keep_filters_inside, least_tasks};
pub(crate) use sampling::keys_alone;

use crate::PhysicalPlan;
use crate::physical::{Asked, Partitioning, Rerun};

/// The stages of a query, producers before consumers; the last one is the result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageGraph {
    /// Stages; each reads only stages before it.
    pub stages: Vec<Stage>,
}

/// A part of the plan that runs as a number of equal tasks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// Unique within the query.
    pub id: StageId,
    /// What each task runs; without exchanges, earlier stages are [`PhysicalPlan::StageInput`] leaves.
    pub plan: PhysicalPlan,
    /// Tasks.
    pub tasks: usize,
    /// How each task spreads its rows; keys are over the plan's output.
    pub partitioning: Partitioning,
    /// What a second attempt at a task may give.
    pub rerun: Rerun,
    /// Earlier stages that are read, each once (the plan may read an input several times, always the same slices).
    pub inputs: Vec<StageEdge>,
    /// Tasks take a sample of these keys, of which the bounds of a later range partitioning are made.
    pub sample: Option<Vec<SortKey>>,
    /// What the user said of the partitions that it writes.
    pub asked: Asked,
    /// The sample is all that tasks leave; the rows are computed again by the stage that routes them.
    pub sample_only: bool,
}

/// That a stage reads an earlier one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageEdge {
    /// The producer.
    pub stage: StageId,
    /// What each task reads of it.
    pub read: StageRead,
}

/// Which part of a producer's output a task reads.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum StageRead {
    /// Task `i` reads partition `i` of every map.
    Partition,
    /// Every task reads everything.
    All,
    /// Task `i` reads the `i`-th share of the maps, in order.
    Task,
    /// As adaptive planning decided, by task.
    Slices(Vec<Vec<Slice>>),
}

/// A part of a stage's output: one partition of some maps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// Partition.
    pub partition: u32,
    /// Maps (tasks of the producer) whose part of the partition it is.
    pub maps: Range<u32>,
}

impl StageGraph {
    /// A stage.
    pub fn stage(&self, id: StageId) -> Option<&Stage> {
        self.stages.iter().find(|s| s.id == id)
    }

    /// Rows that a stage is expected to give, as its readers have it; without a reader nobody asks.
    pub fn estimate(&self, id: StageId) -> f64 {
        let of = |s: &Stage| s.plan.rows_expected_of(id);
        self.stages.iter().find_map(of).unwrap_or(f64::INFINITY)
    }

    /// Puts a stage in the place of the one with its id.
    pub(crate) fn put(&mut self, stage: Stage) {
        if let Some(place) = self.stages.iter_mut().find(|s| s.id == stage.id) {
            *place = stage;
        }
    }

    /// The stage whose output is the query's result, read in task order.
    pub fn result(&self) -> Option<&Stage> {
        self.stages.last()
    }
}

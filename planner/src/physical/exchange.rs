//! Where a distributed plan is cut: exchanges, and the leaves that read what a stage before put out.

use std::collections::BTreeSet;

use rsql_common::StageId;
use rsql_expr::{Expr, Schema, SortKey};
use serde::{Deserialize, Serialize};

use super::PhysicalPlan;

/// By which hash equal keys meet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum HashFunction {
    /// The engine's partition hash.
    #[default]
    Partition,
    /// The one that names the bucket of a row in a bucketed table ([`crate::buckets::bucket_expr`]).
    Bucket,
}

/// How an exchange spreads rows over the tasks that read them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Partitioning {
    /// By a hash of the keys' logical values.
    Hash {
        /// Over the exchange's input.
        keys: Vec<Expr>,
        /// Partitions.
        partitions: usize,
        /// Which hash.
        function: HashFunction,
    },
    /// By order: partition `i` holds what sorts before partition `i + 1`. Bounds are sampled before a row is routed.
    Range {
        /// Over the exchange's input.
        keys: Vec<SortKey>,
        /// Partitions at most.
        partitions: usize,
    },
    /// Evenly, by a hash of the whole row, so that a second attempt routes alike.
    RoundRobin {
        /// Partitions.
        partitions: usize,
    },
    /// All rows to one task.
    Single,
    /// All rows to every task.
    Broadcast,
    /// One partition a producing task, in task order: the result of a query, and plans shared by several readers.
    AsProduced,
}

impl Partitioning {
    /// Partitions that one producing task writes.
    pub fn partitions_written(&self) -> usize {
        match self {
            Self::Hash { partitions, .. } | Self::Range { partitions, .. } | Self::RoundRobin { partitions } => {
                *partitions
            }
            Self::Single | Self::Broadcast | Self::AsProduced => 1,
        }
    }
}

/// What a second attempt at a producing task may give (DESIGN section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rerun {
    /// The same rows in each partition, in any order; compared by row hash.
    Equal,
    /// Other rows that merge to the same answer (partial aggregates).
    Mergeable,
    /// Other rows: consumers that read the first attempt are rolled back.
    Indeterminate,
}

/// Whether somebody asked for an exchange.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Asked {
    /// Planning added it: it may go, and its partitions may be shared out as it suits.
    #[default]
    No,
    /// A hint or a clause asked for it, not for a number of partitions.
    Exchange,
    /// And for partitions of about the size that a task is to read (REBALANCE).
    Rebalance,
    /// And for this number of partitions.
    Partitions,
}

/// Moves rows between tasks; a stage ends here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exchange {
    /// Input.
    pub input: Box<PhysicalPlan>,
    /// How rows are spread.
    pub partitioning: Partitioning,
    /// What a second attempt may give.
    pub rerun: Rerun,
    /// Rows expected.
    pub estimate: f64,
    /// At most so many tasks read the rows, each of neighbouring producers (COALESCE).
    pub tasks: Option<usize>,
    /// What the user said of the partitions.
    pub asked: Asked,
}

/// Reads the output of an earlier stage; which partitions of which map tasks is the task's affair.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageInput {
    /// The producing stage.
    pub stage: StageId,
    /// Output.
    pub schema: Schema,
    /// Rows expected, or measured.
    pub estimate: f64,
}

impl PhysicalPlan {
    /// Earlier stages that the plan reads.
    pub fn stages_read(&self) -> BTreeSet<StageId> {
        match self {
            Self::StageInput(n) => BTreeSet::from([n.stage]),
            other => other.children().into_iter().flat_map(Self::stages_read).collect(),
        }
    }

    /// Rows that the plan expects of an earlier stage, if it reads that.
    pub(crate) fn rows_expected_of(&self, stage: StageId) -> Option<f64> {
        match self {
            Self::StageInput(n) => (n.stage == stage).then_some(n.estimate),
            other => other.children().into_iter().find_map(|c| c.rows_expected_of(stage)),
        }
    }
}

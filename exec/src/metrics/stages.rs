//! What a run in stages did, for EXPLAIN ANALYZE: the stages as they ended up, with figures summed over their tasks.

use std::collections::BTreeMap;
use std::time::Duration;

use rsql_common::StageId;
use rsql_planner::adaptive::Change;
use rsql_planner::stages::StageGraph;

use super::NodeFigures;

/// A run in stages that is over.
#[derive(Debug, Clone)]
pub struct StagedRun {
    /// The stages as they were planned last.
    pub graph: StageGraph,
    /// What the stages did that ran.
    pub stages: BTreeMap<StageId, StageRun>,
    /// How the plan was changed meanwhile, in order.
    pub changes: Vec<Change>,
}

/// What a stage did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StageRun {
    /// Tasks that ran to their end.
    pub tasks: usize,
    /// Attempts at tasks, those that failed or came too late included.
    pub attempts: usize,
    /// Rows written to the stage's exchange.
    pub rows: u64,
    /// Bytes of theirs, as stored.
    pub bytes: u64,
    /// Time that the tasks took together.
    pub time: Duration,
    /// Time that the longest task took.
    pub longest: Duration,
    /// What each node did, in pre-order.
    pub nodes: Vec<NodeFigures>,
}

/// What one task of a stage did, in the attempt that counts.
#[derive(Debug, Clone, Copy)]
pub struct TaskRun<'a> {
    /// Rows written.
    pub rows: u64,
    /// Bytes of theirs, as stored.
    pub bytes: u64,
    /// Time that it took.
    pub time: Duration,
    /// What each node did, in pre-order.
    pub nodes: &'a [NodeFigures],
}

impl StageRun {
    /// Adds a task.
    pub fn add(&mut self, task: TaskRun<'_>) {
        self.tasks += 1;
        self.rows += task.rows;
        self.bytes += task.bytes;
        self.time += task.time;
        self.longest = self.longest.max(task.time);
        if self.nodes.len() < task.nodes.len() {
            self.nodes.resize(task.nodes.len(), NodeFigures::default());
        }
        for (sum, node) in self.nodes.iter_mut().zip(task.nodes) {
            sum.add(node);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_the_sum_of_its_tasks() {
        let node = |rows| NodeFigures {
            rows,
            ..NodeFigures::default()
        };
        let mut stage = StageRun::default();
        for (millis, nodes) in [(5, vec![node(1)]), (7, vec![node(2), node(3)]), (1, vec![])] {
            stage.add(TaskRun {
                rows: 10,
                bytes: 100,
                time: Duration::from_millis(millis),
                nodes: &nodes,
            });
        }
        let wanted = StageRun {
            tasks: 3,
            attempts: 0,
            rows: 30,
            bytes: 300,
            time: Duration::from_millis(13),
            longest: Duration::from_millis(7),
            nodes: vec![node(3), node(3)],
        };
        assert_eq!(stage, wanted);
    }
}

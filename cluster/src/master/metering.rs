//! What the nodes of a query's stages did, for who asked for it with the query.
//!
//! Every attempt that succeeds says what its nodes did. Which of a task's attempts counts is known when the query is over: a
//! task that was started over, because its output was lost or proved wrong, is told by its last success, the one that the
//! readers of that time had.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use rsql_common::{OutputId, QueryId, StageId};
use rsql_exec::metrics::{NodeFigures, StageRun, StagedRun, TaskRun};
use rsql_planner::adaptive::Change;
use rsql_planner::stages::StageGraph;

use crate::core::{AttemptStatus, OutputFigures};
use crate::events::{JobRecord, StageRecord};

/// What is gathered while a query runs.
#[derive(Debug, Default)]
pub(crate) struct Metering {
    /// By attempt, in pre-order of its plan.
    pub nodes: HashMap<OutputId, Vec<NodeFigures>>,
    /// What planning again did.
    pub changes: Vec<Change>,
}

impl Metering {
    /// All of it, when the query is over.
    pub fn staged_run(self, query: QueryId, graph: StageGraph, record: &JobRecord) -> StagedRun {
        let mut stages = BTreeMap::new();
        for (id, record) in &record.stages {
            let run = self.stage_run(query, *id, record);
            if run.attempts > 0 {
                stages.insert(*id, run);
            }
        }
        StagedRun {
            graph,
            stages,
            changes: self.changes,
        }
    }

    fn stage_run(&self, query: QueryId, stage: StageId, record: &StageRecord) -> StageRun {
        let mut run = StageRun {
            // What waited for a slot in vain was no attempt.
            attempts: record.tasks.values().filter(|t| t.executor.is_some()).count(),
            ..StageRun::default()
        };
        for ((map, attempt), figures) in winners(record) {
            let output = OutputId {
                query,
                stage,
                map,
                attempt,
            };
            run.add(TaskRun {
                rows: figures.rows(),
                bytes: figures.bytes(),
                time: Duration::from_millis(figures.run_millis),
                nodes: self.nodes.get(&output).map_or(&[], Vec::as_slice),
            });
        }
        run
    }
}

/// The attempts that count, one a task, with what they wrote. Numbers of attempts rise, so the last success is the one with
/// the highest.
fn winners(record: &StageRecord) -> impl Iterator<Item = ((u32, u32), &OutputFigures)> {
    let succeeded = record
        .tasks
        .iter()
        .filter(|(_, t)| t.status == AttemptStatus::Succeeded)
        .filter_map(|(id, t)| t.figures.as_ref().map(|figures| (*id, figures)));
    let by_task: BTreeMap<u32, _> = succeeded.map(|(id, figures)| (id.0, (id, figures))).collect();
    by_task.into_values()
}

#[cfg(test)]
mod tests {
    use rsql_common::ExecutorId;

    use super::*;
    use crate::core::{Epoch, PartitionFigures};
    use crate::events::TaskRecord;

    const QUERY: QueryId = QueryId(1);
    const STAGE: StageId = StageId(2);

    fn task(status: AttemptStatus, rows: u64) -> TaskRecord {
        let partition = PartitionFigures {
            rows,
            bytes: 10 * rows,
            ..PartitionFigures::default()
        };
        let figures = OutputFigures {
            partitions: vec![partition],
            run_millis: rows,
            ..OutputFigures::default()
        };
        TaskRecord {
            executor: Some(ExecutorId(0)),
            status,
            started: 0,
            ended: Some(1),
            error: None,
            figures: (status == AttemptStatus::Succeeded).then_some(figures),
            progress: crate::core::Progress::default(),
        }
    }

    #[test]
    fn the_last_success_of_a_task_counts() {
        use AttemptStatus::{Created, Failed, Killed, Succeeded};
        let waited_in_vain = TaskRecord {
            executor: None,
            ..task(Created, 0)
        };
        let tasks = BTreeMap::from([
            // It was faster than the second attempt, which reported its success all the same.
            ((0, 0), task(Succeeded, 1)),
            ((0, 1), task(Killed, 0)),
            // The second attempt's output was lost, the fourth made it again.
            ((1, 0), task(Failed, 0)),
            ((1, 1), task(Succeeded, 2)),
            ((1, 2), task(Failed, 0)),
            ((1, 3), task(Succeeded, 4)),
            ((2, 0), task(Succeeded, 8)),
            ((2, 1), waited_in_vain),
        ]);
        let record = StageRecord {
            number: 0,
            name: String::new(),
            parents: Vec::new(),
            n_tasks: 3,
            epoch: Epoch(1),
            submitted: Some(0),
            completed: Some(1),
            tasks,
        };
        let mut metering = Metering::default();
        for (map, attempt) in [(0, 0), (0, 1), (1, 1), (1, 3), (2, 0)] {
            let output = OutputId {
                query: QUERY,
                stage: STAGE,
                map,
                attempt,
            };
            let node = NodeFigures {
                rows: 1 << (4 * map + attempt),
                ..NodeFigures::default()
            };
            metering.nodes.insert(output, vec![node]);
        }
        let run = metering.stage_run(QUERY, STAGE, &record);
        assert_eq!((run.tasks, run.attempts), (3, 7));
        assert_eq!((run.rows, run.bytes), (13, 130));
        assert_eq!(run.time, Duration::from_millis(13));
        assert_eq!(run.longest, Duration::from_millis(8));
        assert_eq!(run.nodes[0].rows, 0x001 + 0x080 + 0x100);
    }
}

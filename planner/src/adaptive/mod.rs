//! Adaptive planning: what is left of a query, planned again with what its finished stages wrote.
//!
//! ```text
//!   stage2 7 tasks  Join                                  stage2 1 task   Join
//!                     StageInput stage0  partition i  =>                    StageInput stage0  partitions 0..7
//!                     StageInput stage1  partition i                        StageInput stage1  partitions 0..7
//! ```
//!
//! Stages that have started stay as they are; the others may lose inputs that turned out empty ([`empty`]), copy a side that
//! turned out small ([`broadcast`]), share out a partition that is much larger than the others ([`skew`]) and take several
//! small partitions in one task ([`coalesce`]). Sizes that were estimated are replaced by measured ones ([`measured`]).
//! [`verify`] looks at every changed stage as if it had been planned anew; a change that it does not approve is dropped and
//! the stage runs as it was planned.
//!
//! All of it is a function of the graph and of the figures: who runs the stages asks after each one that is done.

mod broadcast;
mod coalesce;
mod empty;
mod measured;
mod partitions;
mod reorder;
mod settings;
mod skew;
mod skew_aggregate;
mod stats;
mod verify;

#[cfg(test)]
mod testing;

use std::borrow::Cow;
use std::collections::BTreeSet;

use rsql_common::StageId;

pub use reorder::{JoinPlanner, Leaf};
pub use settings::AdaptiveSettings;
pub use stats::{Progress, StageStats, Written};
pub(crate) use verify::check_stage;

use crate::distribute::{ClusterShape, runs_in_one_task};
use crate::physical::Partitioning;
use crate::stages::{Stage, StageGraph, StageRead};

/// What adaptive planning needs beside the graph and the figures.
#[derive(Debug, Clone, Copy)]
pub struct AdaptiveContext<'a> {
    /// The cluster.
    pub shape: &'a ClusterShape,
    /// What the session wants.
    pub settings: &'a AdaptiveSettings,
    /// Who orders joins; without it they stay as they are.
    pub joins: Option<&'a dyn JoinPlanner>,
}

/// A new plan of what is left.
#[derive(Debug, Clone, PartialEq)]
pub struct Adapted {
    /// All stages, those that are as before included. Stages that nobody reads any more stay in it.
    pub graph: StageGraph,
    /// Stages that are not as before, be it that only their estimates are other ones.
    pub changed: BTreeSet<StageId>,
    /// What was done.
    pub changes: Vec<Change>,
}

/// One thing that was done to a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// The stage.
    pub stage: StageId,
    /// Spark's name of the rule.
    pub rule: &'static str,
}

/// Plans again what has not started. None if everything stays as it is.
pub fn adapt(graph: &StageGraph, progress: &Progress, cx: &AdaptiveContext<'_>) -> Option<Adapted> {
    if !cx.settings.enabled {
        return None;
    }
    let mut planner = Planner {
        graph: Cow::Borrowed(graph),
        changed: BTreeSet::new(),
        changes: Vec::new(),
        progress,
        cx: *cx,
    };
    planner.run();
    match planner.graph {
        Cow::Borrowed(_) => None,
        Cow::Owned(graph) => Some(Adapted {
            graph,
            changed: planner.changed,
            changes: planner.changes,
        }),
    }
}

impl StageGraph {
    /// The stages that the result needs, the result included.
    pub fn needed(&self) -> BTreeSet<StageId> {
        let mut needed = BTreeSet::new();
        let mut open: Vec<StageId> = self.result().map(|s| s.id).into_iter().collect();
        while let Some(id) = open.pop() {
            if needed.insert(id) {
                open.extend(self.stage(id).into_iter().flat_map(|s| &s.inputs).map(|e| e.stage));
            }
        }
        needed
    }
}

struct Planner<'a> {
    /// Copied when the first stage changes: plans may hold many literal rows.
    graph: Cow<'a, StageGraph>,
    changed: BTreeSet<StageId>,
    changes: Vec<Change>,
    progress: &'a Progress,
    cx: AdaptiveContext<'a>,
}

impl Planner<'_> {
    fn run(&mut self) {
        let empty = empty::empty_stages(&self.graph, self.progress);
        self.each("PropagateEmptyRelation", |_, stage, _, _| {
            empty::without_empty(stage, &empty)
        });
        for stage in self.open() {
            if let Some(measured) = self
                .graph
                .stage(stage)
                .and_then(|s| measured::with_sizes(&self.graph, s, self.progress))
            {
                self.put(measured);
            }
        }
        if let Some(new) = reorder::reorder(&self.graph, self.progress, &self.cx) {
            self.changed.extend(new.changed);
            self.changes.extend(new.graph.result().map(|result| Change {
                stage: result.id,
                rule: "ReorderJoin",
            }));
            self.graph = Cow::Owned(new.graph);
        }
        self.each("DynamicJoinSelection", broadcast::switch);
        self.split_aggregates();
        self.each("OptimizeSkewedJoin", partitions::split_skewed);
        self.each("OptimizeSkewInRebalancePartitions", partitions::split_rebalanced);
        self.each("CoalesceShufflePartitions", partitions::coalesce);
    }

    /// Stages that are needed and have not started, producers first.
    fn open(&self) -> Vec<StageId> {
        let needed = self.graph.needed();
        let open = self.graph.stages.iter().map(|s| s.id);
        open.filter(|id| needed.contains(id) && !self.progress.has_started(*id))
            .collect()
    }

    /// Applies a rule to every open stage, where the outcome passes the verifier.
    fn each(
        &mut self,
        rule: &'static str,
        apply: impl Fn(&StageGraph, &Stage, &Progress, &AdaptiveContext<'_>) -> Option<Stage>,
    ) {
        for id in self.open() {
            // A rule before may have made a stage superfluous.
            if !self.graph.needed().contains(&id) {
                continue;
            }
            let Some(stage) = self.graph.stage(id) else { continue };
            let Some(changed) = apply(&self.graph, stage, self.progress, &self.cx) else {
                continue;
            };
            if changed != *stage && check_stage(&self.graph, &changed, self.cx.shape).is_ok() {
                self.put(changed);
                self.changes.push(Change { stage: id, rule });
            }
        }
    }

    /// Moves aggregates out of the stages of skewed joins that can only be split without them.
    fn split_aggregates(&mut self) {
        for id in self.open() {
            let Some(stage) = self.graph.stage(id) else { continue };
            if let Some([below, above]) = skew_aggregate::split(&self.graph, stage, self.progress, &self.cx) {
                self.changed.extend([below.id, above.id]);
                let stages = &mut self.graph.to_mut().stages;
                let at = stages.iter().position(|s| s.id == id).unwrap_or(stages.len());
                stages.insert(at, below);
                self.put(above);
            }
        }
    }

    fn put(&mut self, stage: Stage) {
        self.changed.insert(stage.id);
        self.graph.to_mut().put(stage);
    }
}

/// Whether all rows that the stage reads must come together in one task: its number of tasks is fixed then.
fn is_gathered(graph: &StageGraph, stage: &Stage, shape: &ClusterShape) -> bool {
    let single = |id: StageId| graph.stage(id).is_some_and(|s| s.partitioning == Partitioning::Single);
    runs_in_one_task(&stage.plan, shape)
        || stage.inputs.iter().any(|e| single(e.stage))
        || stage.tasks == 1 && stage.inputs.iter().any(|e| e.read == StageRead::All)
}

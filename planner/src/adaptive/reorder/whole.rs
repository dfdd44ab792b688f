//! The stages of a query that have not started, put together to one plan.

use std::collections::BTreeMap;

use rsql_common::StageId;

use crate::adaptive::Progress;
use crate::physical::{AggregateMode, Asked, HashAggregate, Partitioning, PhysicalPlan};
use crate::stages::{Stage, StageGraph};

/// What is left as a plan for one executor, whose leaves are stages that are there. None if it holds what cannot be put
/// together again: exchanges that the user asked for and what runs in one task by its nature.
pub(super) fn whole(graph: &StageGraph, progress: &Progress) -> Option<PhysicalPlan> {
    let result = graph.result()?;
    let asked = graph.stages.iter().any(|s| s.asked != Asked::No);
    if asked || progress.has_started(result.id) {
        return None;
    }
    let needed = graph.needed();
    let mut reads = BTreeMap::new();
    for stage in graph.stages.iter().filter(|s| needed.contains(&s.id)) {
        count(&stage.plan, &mut reads);
    }
    let left = Left { graph, progress, reads };
    let plan = left.plan(result);
    is_plain(&plan).then_some(plan)
}

fn count(plan: &PhysicalPlan, reads: &mut BTreeMap<StageId, usize>) {
    if let PhysicalPlan::StageInput(n) = plan {
        *reads.entry(n.stage).or_default() += 1;
    }
    plan.children().into_iter().for_each(|c| count(c, reads));
}

fn is_plain(plan: &PhysicalPlan) -> bool {
    use PhysicalPlan as P;
    match plan {
        P::With(_) | P::CteScan(_) | P::RecursiveCte(_) | P::Sample(_) | P::Exchange(_) => false,
        P::HashAggregate(n) if n.mode == AggregateMode::Partial => false,
        other => other.children().into_iter().all(is_plain),
    }
}

struct Left<'a> {
    graph: &'a StageGraph,
    progress: &'a Progress,
    /// How often each stage is read.
    reads: BTreeMap<StageId, usize>,
}

impl Left<'_> {
    fn plan(&self, stage: &Stage) -> PhysicalPlan {
        let mut plan = stage.plan.clone();
        self.inline(&mut plan);
        plan
    }

    fn inline(&self, plan: &mut PhysicalPlan) {
        if let PhysicalPlan::StageInput(n) = plan {
            let Some(stage) = self.graph.stage(n.stage) else { return };
            if self.opens(stage) {
                *plan = self.plan(stage);
            } else if let Some(stats) = self.progress.stats(stage) {
                n.estimate = stats.rows() as f64;
            }
            return;
        }
        plan.children_mut().into_iter().for_each(|c| self.inline(c));
        unite(plan);
    }

    /// Whether a stage becomes part of the plan: it has not started, and one reader wants it. The keys of a runtime filter
    /// stay a stage, since they are there for the sake of being early.
    fn opens(&self, stage: &Stage) -> bool {
        let once = self.reads.get(&stage.id) == Some(&1);
        once && !self.progress.has_started(stage.id) && !gives_keys(stage)
    }
}

/// Whether a stage is there to tell scans the keys of a join.
pub(super) fn gives_keys(stage: &Stage) -> bool {
    let keys = |n: &HashAggregate| n.aggregates.is_empty() && matches!(*n.input, PhysicalPlan::StageInput(_));
    stage.partitioning == Partitioning::Broadcast && matches!(&stage.plan, PhysicalPlan::HashAggregate(n) if keys(n))
}

/// Makes one node of the two that distribution made of it.
fn unite(plan: &mut PhysicalPlan) {
    use PhysicalPlan as P;
    match plan {
        P::HashAggregate(last) if last.mode == AggregateMode::Final => {
            if let P::HashAggregate(first) = last.input.as_mut()
                && first.mode == AggregateMode::Partial
                && first.aggregates == last.aggregates
            {
                last.mode = AggregateMode::Single;
                last.groups = std::mem::take(&mut first.groups);
                *last.input = taken(&mut first.input);
            }
        }
        P::Sort(last) => {
            if let P::Sort(first) = last.input.as_mut()
                && last.global
                && first.keys == last.keys
                && first.fetch == last.fetch
            {
                *last.input = taken(&mut first.input);
            }
        }
        P::Limit(last) => {
            if let P::Limit(first) = last.input.as_mut()
                && first.skip == 0
                && first.fetch == last.fetch.map(|f| f.saturating_add(last.skip))
                && first.fetch.is_some()
            {
                *last.input = taken(&mut first.input);
            }
        }
        _ => {}
    }
}

fn taken(plan: &mut PhysicalPlan) -> PhysicalPlan {
    std::mem::replace(plan, PhysicalPlan::nothing())
}

/// Takes all runtime filters away; they are laid anew once the joins stand.
pub(super) fn without_filters(plan: &mut PhysicalPlan) {
    match plan {
        PhysicalPlan::HashJoin(n) => n.publishes.clear(),
        PhysicalPlan::Sort(n) => n.publishes = None,
        PhysicalPlan::Scan(n) => {
            n.consumes.clear();
            n.best_first = None;
        }
        _ => {}
    }
    plan.children_mut().into_iter().for_each(without_filters);
}

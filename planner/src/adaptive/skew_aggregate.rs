//! An aggregate by the key of a skewed join goes to a stage of its own, so that the join's partitions may be split.
//!
//! ```text
//!   stage2  HashAggregate [k]                  stage2  HashAggregate final [k]
//!             Join on k                                  StageInput stage3
//!               StageInput stage0      =>      stage3  HashAggregate partial [k]       hash [k]
//!               StageInput stage1                        Join on k
//!                                                          StageInput stage0           a partition in several tasks
//!                                                          StageInput stage1
//! ```
//!
//! Rows of one key meet in the join's task, so the aggregate above was planned in one piece; once several tasks have rows of
//! a key, each makes states of its share, and these meet again. That is one exchange more, of few rows where one key has
//! many. DISTINCT, functions that depend on the order of rows and windows have no such states: a join below them stays whole.

use std::collections::BTreeMap;

use rsql_common::StageId;
use rsql_expr::Expr;

use super::partitions::{Input, inputs};
use super::{AdaptiveContext, JoinPlanner, Progress, check_stage, skew};
use crate::distribute::{DistributeContext, Spread, halves, rerun_of, splits, spread_in_stage};
use crate::physical::{AggregateMode, Asked, Partitioning, PhysicalPlan, StageInput};
use crate::stages::{Stage, StageEdge, StageGraph, StageRead, keep_filters_inside};

/// The join's stage, which is new, and the stage with what is above its lowest aggregate. None where that gains nothing.
pub(super) fn split(
    graph: &StageGraph,
    stage: &Stage,
    progress: &Progress,
    cx: &AdaptiveContext<'_>,
) -> Option<[Stage; 2]> {
    let planner = cx.joins.filter(|_| cx.settings.skew_join)?;
    let inputs = inputs(graph, stage, progress, cx)?;
    let skewed = |i: &Input<'_>| i.stage.asked == Asked::No && !skew::cut(i, cx).is_empty();
    if inputs.len() < 2 || !inputs.iter().any(skewed) || !skew::parts(stage, &inputs, cx).is_empty() {
        return None;
    }
    let [below, above] = cut(graph, stage, cx, planner)?;
    let inputs: Vec<Input<'_>> = inputs
        .into_iter()
        .filter(|i| below.inputs.iter().any(|e| e.stage == i.stage.id))
        .collect();
    if skew::parts(&below, &inputs, cx).is_empty() {
        return None;
    }
    let mut with = graph.clone();
    with.stages.push(below.clone());
    let stands = |s| check_stage(&with, s, cx.shape).is_ok();
    (stands(&below) && stands(&above)).then_some([below, above])
}

fn cut(graph: &StageGraph, stage: &Stage, cx: &AdaptiveContext<'_>, planner: &dyn JoinPlanner) -> Option<[Stage; 2]> {
    let spreads: BTreeMap<StageId, Spread> = stage
        .inputs
        .iter()
        .map(|e| {
            let spread = match (&e.read, graph.stage(e.stage).map(|s| &s.partitioning)) {
                (
                    StageRead::Partition,
                    Some(Partitioning::Hash {
                        keys,
                        partitions,
                        function,
                    }),
                ) => Spread::hash(keys, *partitions, *function),
                (StageRead::All, _) => Spread::Copied,
                _ => Spread::Any,
            };
            (e.stage, spread)
        })
        .collect();
    let id = StageId(graph.stages.iter().map(|s| s.id.0 + 1).max()?);
    let mut above = stage.clone();
    let path = lowest(&above.plan)?;
    let place = path
        .iter()
        .try_fold(&mut above.plan, |p, i| p.children_mut().into_iter().nth(*i))?;
    let spread = spread_in_stage(place, cx.shape, &|id| spreads.get(&id).cloned().unwrap_or(Spread::Any)).ok()?;
    let Spread::Hash(spread) = spread else { return None };
    let PhysicalPlan::HashAggregate(n) = std::mem::replace(place, PhysicalPlan::nothing()) else {
        return None;
    };
    let registry = planner.registry();
    if n.mode != AggregateMode::Single || n.groups.is_empty() || !n.aggregates.iter().all(|c| splits(c, registry)) {
        return None;
    }
    // Where equal keys met, their states meet again: groups come first in both.
    let is_group = |e: &&Expr| matches!(e, Expr::Slot(s) if s.index < n.groups.len());
    let keys: Vec<Expr> = spread
        .keys
        .iter()
        .map(|same| same.iter().find(is_group).cloned())
        .collect::<Option<_>>()?;
    let placing = DistributeContext {
        shape: cx.shape,
        registry,
        ids: planner.ids(),
    };
    let mut n = n;
    let input = std::mem::replace(n.input.as_mut(), PhysicalPlan::nothing());
    let (first, mut last) = halves(n, input, &placing);
    let mut below = Stage {
        id,
        rerun: stage.rerun,
        plan: PhysicalPlan::HashAggregate(first),
        tasks: stage.tasks,
        partitioning: Partitioning::Hash {
            keys,
            partitions: spread.partitions,
            function: spread.function,
        },
        inputs: stage.inputs.clone(),
        sample: None,
        sample_only: false,
        asked: Asked::No,
    };
    last.input = Box::new(PhysicalPlan::StageInput(StageInput {
        stage: id,
        schema: below.plan.schema().clone(),
        estimate: last.estimate,
    }));
    *place = PhysicalPlan::HashAggregate(last);
    let reads_of = |s: &Stage| s.plan.stages_read();
    if !reads_of(&below).is_disjoint(&reads_of(&above)) {
        return None;
    }
    for part in [&mut below, &mut above] {
        let read = reads_of(part);
        part.inputs.retain(|e| read.contains(&e.stage));
        keep_filters_inside(&mut part.plan);
        part.rerun = rerun_of(&part.plan);
    }
    above.inputs.push(StageEdge {
        stage: id,
        read: StageRead::Partition,
    });
    Some([below, above])
}

/// The way to the lowest aggregate above a join, as positions of children.
fn lowest(plan: &PhysicalPlan) -> Option<Vec<usize>> {
    let below = plan.children().into_iter().enumerate();
    let mut found = below.filter_map(|(i, c)| lowest(c).map(|rest| [vec![i], rest].concat()));
    found.next().or_else(|| {
        let is_above = matches!(plan, PhysicalPlan::HashAggregate(_)) && holds_join(plan);
        is_above.then(Vec::new)
    })
}

fn holds_join(plan: &PhysicalPlan) -> bool {
    matches!(plan, PhysicalPlan::HashJoin(_)) || plan.children().into_iter().any(holds_join)
}

#[cfg(test)]
mod tests {
    use rsql_expr::Schema;

    use super::super::testing::{adapted, context, join_graph, key, one_large, settings};
    use super::super::{Adapted, AdaptiveSettings};
    use super::*;
    use crate::logical::JoinKind;
    use crate::physical::{HashAggregate, Window};

    /// A join of which the left side has a large partition, with `above` over it.
    fn after(kind: JoinKind, above: &dyn Fn(PhysicalPlan) -> PhysicalPlan) -> (StageGraph, Option<Adapted>) {
        let mut graph = join_graph(kind, 3, 4);
        let join = std::mem::replace(&mut graph.stages[2].plan, PhysicalPlan::nothing());
        graph.stages[2].plan = above(join);
        let settings = AdaptiveSettings {
            advisory_bytes: 10,
            skew_bytes: 20,
            coalesce: false,
            ..settings()
        };
        let new = adapted(&graph, &one_large(&graph, 0, 1, 100), &context(&settings));
        (graph, new)
    }

    fn grouped(input: PhysicalPlan) -> PhysicalPlan {
        PhysicalPlan::HashAggregate(HashAggregate {
            mode: AggregateMode::Single,
            groups: vec![key()],
            aggregates: vec![],
            estimate: 10.0,
            schema: Schema::new(input.schema().iter().take(1).cloned()),
            input: Box::new(input),
        })
    }

    #[test]
    fn states_of_a_keys_rows_meet_in_a_stage_of_their_own() {
        let (_, new) = after(JoinKind::Inner, &grouped);
        let graph = new.unwrap().graph;
        let result = graph.result().unwrap();
        assert_eq!((result.id, graph.stages.len()), (StageId(2), 4));
        let below = graph.stage(result.inputs[0].stage).unwrap();
        assert_eq!((result.inputs.len(), result.tasks), (1, 4));
        assert!(matches!(&result.plan, PhysicalPlan::HashAggregate(n) if n.mode == AggregateMode::Final));
        assert!(matches!(&below.plan, PhysicalPlan::HashAggregate(n) if n.mode == AggregateMode::Partial));
        assert_eq!(below.tasks, 6, "a partition in three parts, three whole ones");
    }

    #[test]
    fn nothing_is_moved_where_the_join_stays_whole_all_the_same() {
        let (_, new) = after(JoinKind::Full, &grouped);
        assert_eq!(new, None);
        // A window has to see all rows of a key.
        let (_, new) = after(JoinKind::Inner, &|join| {
            PhysicalPlan::Window(Window {
                schema: join.schema().clone(),
                input: Box::new(join),
                partition_by: vec![key()],
                order_by: vec![],
                calls: vec![],
            })
        });
        assert_eq!(new, None);
    }
}

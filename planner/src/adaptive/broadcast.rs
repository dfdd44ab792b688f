//! `DynamicJoinSelection`: a side of a join that turned out small goes to every task of the other side.
//!
//! ```text
//!   stage2  Join                              stage2  Join
//!             StageInput stage0  by key  =>             Scan big              not shuffled, if it had not started;
//!             StageInput stage1  by key                                       else stage0, as its tasks wrote it
//!   stage0  Scan big                                    StageInput stage1     all of it
//!   stage1  Scan small
//! ```
//!
//! The side that is not copied needs no order by key any more. If it has not started it becomes part of the join's stage and
//! is never written; if it is done, tasks read whole outputs (Spark's local shuffle reader), which lie on one executor, and
//! no key has more than its share of the work. While it runs nothing is decided: the join cannot start yet.

use std::cmp::Reverse;

use rsql_common::StageId;
use rsql_common::ids::IdGen;

use super::partitions::Input;
use super::{AdaptiveContext, Progress, check_stage, is_gathered};
use crate::PhysicalPlan;
use crate::distribute::{Spread, rerun_of, row_bytes, spread_in_stage};
use crate::lower::publish_filters;
use crate::physical::{Asked, Partitioning, Side};
use crate::stages::{Slice, Stage, StageEdge, StageGraph, StageRead, keep_filters_inside, least_tasks};

/// The stage with its small inputs copied and the other one as it is produced.
pub(super) fn switch(
    graph: &StageGraph,
    stage: &Stage,
    progress: &Progress,
    cx: &AdaptiveContext<'_>,
) -> Option<Stage> {
    if cx.settings.broadcast_bytes < 0.0 || is_gathered(graph, stage, cx.shape) {
        return None;
    }
    let parted = stage.inputs.iter().filter(|e| e.read == StageRead::Partition);
    let inputs: Vec<&Stage> = parted.filter_map(|e| graph.stage(e.stage)).collect();
    let by_hash = |s: &&Stage| matches!(s.partitioning, Partitioning::Hash { .. });
    if inputs.len() < 2 || !inputs.iter().all(by_hash) {
        return None;
    }
    let small = |s: &Stage| {
        progress
            .stats(s)
            .is_some_and(|stats| fits(s, stats.bytes(), stats.rows(), cx))
    };
    let large: Vec<&Stage> = inputs.iter().copied().filter(|s| !small(s)).collect();
    let mut streamed = match large.as_slice() {
        [] => inputs.clone(),
        [one] => vec![*one],
        _ => return None,
    };
    // An exchange that was asked for stays.
    streamed.retain(|s| s.asked == Asked::No);
    streamed.sort_by_key(|s| Reverse(progress.stats(s).map_or(0, |stats| stats.bytes())));
    streamed.into_iter().find_map(|of| {
        let mut changed = stage.clone();
        let others = inputs.iter().map(|s| s.id).filter(|id| *id != of.id);
        for other in others {
            changed
                .inputs
                .iter_mut()
                .filter(|e| e.stage == other)
                .for_each(|e| e.read = StageRead::All);
        }
        let mut changed = match progress.stats(of) {
            Some(stats) if cx.settings.local_read => as_written(graph, changed, &Input { stage: of, stats }, cx)?,
            Some(_) => return None,
            None if !progress.has_started(of.id) => merged(graph, changed, of, cx)?,
            None => return None,
        };
        build_copied(&mut changed, cx);
        changed.rerun = rerun_of(&changed.plan);
        check_stage(graph, &changed, cx.shape).is_ok().then_some(changed)
    })
}

fn fits(stage: &Stage, bytes: u64, rows: u64, cx: &AdaptiveContext<'_>) -> bool {
    // Stored bytes are compressed; the copy is not.
    let unpacked = rows as f64 * row_bytes(stage.plan.schema());
    unpacked.max(bytes as f64) <= cx.settings.broadcast_bytes && rows as f64 <= cx.shape.broadcast_rows
}

/// The stage reading whole outputs of `input`, in portions of about the size that a task is to read. None if that is one
/// portion: a task that reads everything needs no copy.
fn as_written(graph: &StageGraph, mut stage: Stage, input: &Input<'_>, cx: &AdaptiveContext<'_>) -> Option<Stage> {
    let partitions = input.stage.partitioning.partitions_written();
    let units: Vec<(u32, u32)> = (0..input.stage.tasks as u32)
        .flat_map(|map| (0..partitions as u32).map(move |p| (map, p)))
        .collect();
    let size = |(map, p): &(u32, u32)| input.stats.part(*map as usize, *p as usize);
    let sizes: Vec<u64> = units.iter().map(size).collect();
    let target = cx.settings.target_bytes(input.stats.bytes(), cx.shape.slots);
    let portions = super::coalesce::groups(&sizes, target, &|_| false);
    let slices = portions.into_iter().map(|range| {
        let of = units.get(range.start as usize..range.end as usize).unwrap_or_default();
        let slice = |(map, partition): &(u32, u32)| Slice {
            partition: *partition,
            maps: *map..*map + 1,
        };
        of.iter().map(slice).collect::<Vec<_>>()
    });
    let slices: Vec<Vec<Slice>> = slices.collect();
    let tasks = slices.len();
    stage
        .inputs
        .iter_mut()
        .filter(|e| e.stage == input.stage.id)
        .for_each(|e| e.read = StageRead::Slices(slices.clone()));
    stage.tasks = tasks.max(least_tasks(graph, &stage, cx.shape));
    (stage.tasks > 1).then_some(stage)
}

/// The stage with the plan of `input`, which nobody else reads, in the place where its rows were read.
fn merged(graph: &StageGraph, mut stage: Stage, input: &Stage, cx: &AdaptiveContext<'_>) -> Option<Stage> {
    let needed = graph.needed();
    let readers = graph.stages.iter().filter(|s| needed.contains(&s.id));
    let readers = readers.filter(|s| s.inputs.iter().any(|e| e.stage == input.id)).count();
    let leaves = count_reads(&stage.plan, input.id);
    if readers != 1 || leaves != 1 || input.sample.is_some() || is_gathered(graph, input, cx.shape) {
        return None;
    }
    stage.inputs.retain(|e| e.stage != input.id);
    for edge in &input.inputs {
        match stage.inputs.iter().find(|e| e.stage == edge.stage) {
            Some(same) if same.read == edge.read => {}
            Some(_) => return None,
            None => stage.inputs.push(StageEdge::clone(edge)),
        }
    }
    replace_read(&mut stage.plan, input);
    stage.tasks = input.tasks.max(least_tasks(graph, &stage, cx.shape));
    Some(stage)
}

fn count_reads(plan: &PhysicalPlan, id: StageId) -> usize {
    match plan {
        PhysicalPlan::StageInput(n) => usize::from(n.stage == id),
        other => other.children().into_iter().map(|c| count_reads(c, id)).sum(),
    }
}

fn replace_read(plan: &mut PhysicalPlan, by: &Stage) {
    match plan {
        PhysicalPlan::StageInput(n) if n.stage == by.id => *plan = by.plan.clone(),
        other => other.children_mut().into_iter().for_each(|c| replace_read(c, by)),
    }
}

/// Joins build the side that is copied, and tell scans that have come into the stage which keys it has.
fn build_copied(stage: &mut Stage, cx: &AdaptiveContext<'_>) {
    let edges = stage.inputs.clone();
    let spread = move |id: StageId| match edges.iter().find(|e| e.stage == id).map(|e| &e.read) {
        Some(StageRead::All) => Spread::Copied,
        _ => Spread::Any,
    };
    let is_copied = |plan: &PhysicalPlan| spread_in_stage(plan, cx.shape, &spread).is_ok_and(|s| s == Spread::Copied);
    let mut ids = FreshFilters::above(&stage.plan);
    turn(&mut stage.plan, &is_copied, &mut ids);
    keep_filters_inside(&mut stage.plan);
}

fn turn(plan: &mut PhysicalPlan, is_copied: &dyn Fn(&PhysicalPlan) -> bool, ids: &mut FreshFilters) {
    if let PhysicalPlan::HashJoin(n) = plan {
        let side = match (is_copied(&n.left), is_copied(&n.right)) {
            (_, true) => Some(Side::Right),
            (true, false) => Some(Side::Left),
            (false, false) => None,
        };
        if let Some(side) = side {
            if n.build != side {
                n.build = side;
                n.publishes.clear();
            }
            if n.publishes.is_empty() {
                publish_filters(n, &ids.0);
            }
        }
    }
    for child in plan.children_mut() {
        turn(child, is_copied, ids);
    }
}

/// Filter ids that a plan does not use yet.
struct FreshFilters(IdGen);

impl FreshFilters {
    fn above(plan: &PhysicalPlan) -> Self {
        let ids = IdGen::default();
        let highest = highest_filter(plan);
        while highest.is_some_and(|highest| ids.filter().0 < highest) {}
        Self(ids)
    }
}

fn highest_filter(plan: &PhysicalPlan) -> Option<u32> {
    let own = match plan {
        PhysicalPlan::HashJoin(n) => n.publishes.iter().map(|(id, _)| id.0).max(),
        PhysicalPlan::Scan(n) => n.consumes.iter().map(|(id, _)| id.0).max(),
        _ => None,
    };
    let below = plan.children().into_iter().filter_map(highest_filter).max();
    own.max(below)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{adapted, context, finished, join_graph, settings};
    use crate::PhysicalPlan;
    use crate::adaptive::{AdaptiveSettings, Progress};
    use crate::explain_physical;
    use crate::logical::JoinKind;
    use crate::physical::Side;
    use crate::stages::{Stage, StageGraph, StageRead};
    use rsql_common::StageId;

    /// Sides of up to 200 rows are copied.
    fn copying() -> AdaptiveSettings {
        AdaptiveSettings {
            broadcast_bytes: 2_000.0,
            ..settings()
        }
    }

    fn join_stage(graph: &StageGraph, progress: &Progress, settings: &AdaptiveSettings) -> Option<Stage> {
        let new = adapted(graph, progress, &context(settings))?;
        let switched = new.changes.iter().any(|c| c.rule == "DynamicJoinSelection");
        switched.then(|| new.graph.stages[2].clone())
    }

    #[test]
    fn the_side_that_has_not_started_is_not_shuffled() {
        let graph = join_graph(JoinKind::Inner, 3, 4);
        let progress = finished(&graph, &[(1, 10)]);
        let stage = join_stage(&graph, &progress, &copying()).unwrap();
        assert_eq!(stage.tasks, 3);
        assert_eq!(stage.inputs.len(), 1);
        assert_eq!(
            (stage.inputs[0].stage, &stage.inputs[0].read),
            (StageId(1), &StageRead::All)
        );
        let text = explain_physical(&stage.plan);
        assert!(text.contains("Range") && !text.contains("stage0"), "{text}");
    }

    #[test]
    fn the_side_that_is_done_is_read_as_it_was_written() {
        let graph = join_graph(JoinKind::Right, 3, 4);
        let progress = finished(&graph, &[(0, 10), (1, 1_000)]);
        let mut settings = copying();
        assert!(
            join_stage(&graph, &progress, &settings).is_none(),
            "one task reads it all"
        );
        settings.advisory_bytes = 4_000;
        let stage = join_stage(&graph, &progress, &settings).unwrap();
        assert_eq!(stage.inputs[0].read, StageRead::All);
        let StageRead::Slices(slices) = &stage.inputs[1].read else {
            panic!("{:?}", stage.inputs)
        };
        assert_eq!(slices.len(), 3);
        assert!(
            slices
                .iter()
                .zip(0..)
                .all(|(s, map)| s.iter().all(|s| s.maps == (map..map + 1)))
        );
        let PhysicalPlan::HashJoin(join) = &stage.plan else {
            panic!()
        };
        assert_eq!(join.build, Side::Left, "the copied side is built");
        settings.local_read = false;
        assert!(join_stage(&graph, &progress, &settings).is_none());
    }

    #[test]
    fn a_preserved_side_is_not_copied() {
        let both = [(0, 10), (1, 1_000)];
        let copying = || AdaptiveSettings {
            advisory_bytes: 4_000,
            ..copying()
        };
        for kind in [JoinKind::Left, JoinKind::Full, JoinKind::LeftAnti, JoinKind::LeftMark] {
            let graph = join_graph(kind, 3, 4);
            assert!(
                join_stage(&graph, &finished(&graph, &both), &copying()).is_none(),
                "{kind:?}"
            );
        }
        for kind in [JoinKind::Left, JoinKind::LeftAnti, JoinKind::LeftMark] {
            let graph = join_graph(kind, 3, 4);
            let other = [(0, 1_000), (1, 10)];
            assert!(
                join_stage(&graph, &finished(&graph, &other), &copying()).is_some(),
                "{kind:?}"
            );
        }
    }

    #[test]
    fn large_sides_and_sides_that_run_stay_shuffled() {
        let graph = join_graph(JoinKind::Inner, 3, 4);
        let large = finished(&graph, &[(0, 1_000), (1, 1_000)]);
        assert!(join_stage(&graph, &large, &copying()).is_none());
        let mut running = finished(&graph, &[(1, 10)]);
        running.start(StageId(0));
        assert!(join_stage(&graph, &running, &copying()).is_none());
    }
}

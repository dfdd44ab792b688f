//! Which partitions the tasks of a stage read: the two rules that share out partitions anew, and the slices they come to.

use std::collections::BTreeMap;
use std::ops::Range;

use rsql_common::StageId;

use super::{AdaptiveContext, Progress, StageStats, coalesce, is_gathered, skew};
use crate::PhysicalPlan;
use crate::buckets::{buckets_of_task, reads_buckets};
use crate::distribute::rows;
use crate::physical::Asked;
use crate::stages::{Slice, Stage, StageGraph, StageRead, least_tasks};

/// Pairs of rows that are worth more tasks than the bytes they come from.
const MANY: f64 = 1e7;

/// An input that is read by partition, and what is in it.
pub(super) struct Input<'a> {
    pub stage: &'a Stage,
    pub stats: &'a StageStats,
}

/// What one task reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Partitions, of all inputs.
    pub partitions: Range<u32>,
    /// Of these inputs only the part that these maps wrote.
    pub parts: Vec<(StageId, Range<u32>)>,
}

/// Shares out partitions of a join that are much larger than the others, and joins the small ones that are left.
pub(super) fn split_skewed(
    graph: &StageGraph,
    stage: &Stage,
    progress: &Progress,
    cx: &AdaptiveContext<'_>,
) -> Option<Stage> {
    if !cx.settings.skew_join {
        return None;
    }
    let inputs = inputs(graph, stage, progress, cx)?;
    // What was asked for stays in one piece.
    if inputs.iter().any(|i| i.stage.asked != Asked::No) {
        return None;
    }
    let parts = skew::parts(stage, &inputs, cx);
    split(graph, stage, &inputs, &parts, cx)
}

/// Shares out partitions that are larger than a task is to read, of rows that somebody wants rebalanced.
pub(super) fn split_rebalanced(
    graph: &StageGraph,
    stage: &Stage,
    progress: &Progress,
    cx: &AdaptiveContext<'_>,
) -> Option<Stage> {
    let inputs = inputs(graph, stage, progress, cx)?;
    let [input] = inputs.as_slice() else { return None };
    if !cx.settings.rebalance_skew || input.stage.asked != Asked::Rebalance {
        return None;
    }
    split(graph, stage, &inputs, &skew::above_target(input, cx), cx)
}

fn split(
    graph: &StageGraph,
    stage: &Stage,
    inputs: &[Input<'_>],
    parts: &skew::Parts,
    cx: &AdaptiveContext<'_>,
) -> Option<Stage> {
    if parts.is_empty() {
        return None;
    }
    let alone = |p: u32| parts.contains_key(&p);
    let mut pieces = Vec::new();
    for partitions in groups(stage, inputs, &alone, cx) {
        let cuts = parts.get(&partitions.start).map_or(&[][..], Vec::as_slice);
        let mut pairs = vec![Vec::new()];
        for (input, ranges) in cuts {
            let with = |pair: &Vec<_>, maps: &Range<u32>| [pair.as_slice(), &[(*input, maps.clone())]].concat();
            pairs = pairs
                .iter()
                .flat_map(|pair| ranges.iter().map(move |maps| with(pair, maps)))
                .collect();
        }
        pieces.extend(pairs.into_iter().map(|parts| Piece {
            partitions: partitions.clone(),
            parts,
        }));
    }
    Some(reading(graph, stage, &pieces, cx))
}

/// Joins small partitions.
pub(super) fn coalesce(
    graph: &StageGraph,
    stage: &Stage,
    progress: &Progress,
    cx: &AdaptiveContext<'_>,
) -> Option<Stage> {
    let inputs = inputs(graph, stage, progress, cx)?;
    let mut groups = groups(stage, &inputs, &|_| false, cx);
    let partitions = inputs.first().map_or(0, |i| i.stage.partitioning.partitions_written());
    if reads_buckets(&stage.plan, partitions) {
        // Tasks have to read the partitions that go with their buckets.
        let tasks = groups.len().max(least_tasks(graph, stage, cx.shape)).min(partitions);
        groups = (0..tasks)
            .map(|t| buckets_of_task(partitions as u32, tasks, t))
            .collect();
    }
    if groups.iter().all(|g| g.len() == 1) {
        return None;
    }
    let pieces: Vec<Piece> = groups
        .into_iter()
        .map(|partitions| Piece {
            partitions,
            parts: Vec::new(),
        })
        .collect();
    Some(reading(graph, stage, &pieces, cx))
}

/// The inputs that are read by partition, if all of them are there and alike.
pub(super) fn inputs<'a>(
    graph: &'a StageGraph,
    stage: &Stage,
    progress: &'a Progress,
    cx: &AdaptiveContext<'_>,
) -> Option<Vec<Input<'a>>> {
    if is_gathered(graph, stage, cx.shape) || stage.inputs.iter().any(|e| matches!(e.read, StageRead::Slices(_))) {
        return None;
    }
    let parted = stage.inputs.iter().filter(|e| e.read == StageRead::Partition);
    let inputs = parted
        .map(|e| {
            let stage = graph.stage(e.stage)?;
            let stats = progress.stats(stage)?;
            Some(Input { stage, stats })
        })
        .collect::<Option<Vec<_>>>()?;
    if inputs.iter().any(|i| i.stage.asked == Asked::Partitions) {
        return None;
    }
    let mut counts = inputs.iter().map(|i| i.stage.partitioning.partitions_written());
    let first = counts.next()?;
    counts.all(|c| c == first).then_some(inputs)
}

fn groups(
    stage: &Stage,
    inputs: &[Input<'_>],
    alone: &dyn Fn(u32) -> bool,
    cx: &AdaptiveContext<'_>,
) -> Vec<Range<u32>> {
    let partitions = inputs.first().map_or(0, |i| i.stage.partitioning.partitions_written());
    let size = |p: usize| inputs.iter().map(|i| i.stats.partition(p)).sum::<u64>();
    let sizes: Vec<u64> = (0..partitions).map(size).collect();
    if !cx.settings.coalesce || compares_many(&stage.plan) {
        return (0..partitions as u32).map(|p| p..p + 1).collect();
    }
    let target = cx.settings.target_bytes(sizes.iter().sum(), cx.shape.slots);
    coalesce::groups(&sizes, target, alone)
}

/// Whether a nested loop makes work that the bytes read do not show.
fn compares_many(plan: &PhysicalPlan) -> bool {
    match plan {
        PhysicalPlan::NestedLoopJoin(n) if rows(&n.left) * rows(&n.right) > MANY => true,
        other => other.children().into_iter().any(compares_many),
    }
}

/// The stage with one task a piece.
fn reading(graph: &StageGraph, stage: &Stage, pieces: &[Piece], cx: &AdaptiveContext<'_>) -> Stage {
    let mut changed = stage.clone();
    let maps: BTreeMap<StageId, u32> = graph.stages.iter().map(|s| (s.id, s.tasks as u32)).collect();
    for edge in changed.inputs.iter_mut().filter(|e| e.read == StageRead::Partition) {
        let all = 0..maps.get(&edge.stage).copied().unwrap_or(0);
        let slices = pieces.iter().map(|piece| {
            let part = piece.parts.iter().find(|(input, _)| *input == edge.stage);
            let maps = part.map_or_else(|| all.clone(), |(_, maps)| maps.clone());
            let slice = |partition| Slice {
                partition,
                maps: maps.clone(),
            };
            piece.partitions.clone().map(slice).collect()
        });
        edge.read = StageRead::Slices(slices.collect());
    }
    changed.tasks = pieces.len().max(least_tasks(graph, &changed, cx.shape));
    changed
}

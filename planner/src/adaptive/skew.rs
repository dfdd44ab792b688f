//! `OptimizeSkewedJoin`: a partition that is much larger than the others goes to several tasks.
//!
//! One input of a join is cut by the tasks that wrote it; the others are read whole by each of these tasks. That is a join
//! with a copied side, so it is right for the kinds of join that may have one: the verifier knows them, and an operator above
//! the join that needs equal keys in one task forbids it as well ([`super::skew_aggregate`] moves aggregates out of the way;
//! windows have to see all rows of a key). Where two inputs are skewed and each may be cut, each part of the one is read with
//! each part of the other.

use std::collections::BTreeMap;
use std::ops::Range;

use rsql_common::StageId;

use super::AdaptiveContext;
use super::partitions::Input;
use crate::distribute::{Spread, spread_in_stage};
use crate::physical::Partitioning;
use crate::stages::Stage;

/// An input that is cut and the maps of each part.
pub(super) type Cut = (StageId, Vec<Range<u32>>);

/// By skewed partition: what is cut there, one input or two.
pub(super) type Parts = BTreeMap<u32, Vec<Cut>>;

/// So many tasks for one partition are too many; then one input is cut.
const MOST_PAIRS: usize = 256;

/// Partitions that are worth cutting and may be.
pub(super) fn parts(stage: &Stage, inputs: &[Input<'_>], cx: &AdaptiveContext<'_>) -> Parts {
    let mut parts = Parts::new();
    if inputs.len() < 2 {
        return parts;
    }
    // The largest is cut first: of more than two the others are read whole.
    let mut by_size: Vec<&Input<'_>> = inputs.iter().collect();
    by_size.sort_by_key(|i| (std::cmp::Reverse(i.stats.bytes()), i.stage.id));
    for input in by_size.into_iter().filter(|i| may_cut(stage, i.stage.id, inputs, cx)) {
        for (partition, ranges) in cut(input, cx) {
            let cuts = parts.entry(partition).or_default();
            if cuts.iter().map(|(_, r)| r.len()).product::<usize>() * ranges.len() <= MOST_PAIRS || cuts.is_empty() {
                cuts.push((input.stage.id, ranges));
            }
            cuts.truncate(2);
        }
    }
    parts
}

/// Whether the stage's plan stands if rows of `input` lie anyhow and every task has all of the other inputs.
fn may_cut(stage: &Stage, input: StageId, inputs: &[Input<'_>], cx: &AdaptiveContext<'_>) -> bool {
    let by_hash = |i: &Input<'_>| matches!(i.stage.partitioning, Partitioning::Hash { .. });
    let spread = |id: StageId| {
        let fixed = stage.inputs.iter().find(|e| e.stage == id).map(|e| &e.read);
        match fixed {
            _ if id == input => Spread::Any,
            Some(crate::stages::StageRead::Task) => Spread::Any,
            _ => Spread::Copied,
        }
    };
    let stands = spread_in_stage(&stage.plan, cx.shape, &spread);
    inputs.iter().all(by_hash) && stands.is_ok_and(|s| s != Spread::Copied)
}

/// The skewed partitions of an input, as ranges of maps of about equal size.
pub(super) fn cut(input: &Input<'_>, cx: &AdaptiveContext<'_>) -> Vec<(u32, Vec<Range<u32>>)> {
    let partitions = input.stage.partitioning.partitions_written();
    let sizes: Vec<u64> = (0..partitions).map(|p| input.stats.partition(p)).collect();
    let mut sorted = sizes.clone();
    sorted.sort_unstable();
    let median = sorted.get(partitions / 2).copied().unwrap_or(0);
    let limit = (median as f64 * cx.settings.skew_factor).max(cx.settings.skew_bytes as f64);
    let usual: Vec<u64> = sizes.iter().copied().filter(|s| *s as f64 <= limit).collect();
    let average = usual.iter().sum::<u64>() / (usual.len() as u64).max(1);
    let target = average.max(cx.settings.advisory_bytes);
    let skewed = (0u32..).zip(&sizes).filter(|(_, size)| **size as f64 > limit);
    skewed
        .map(|(partition, _)| (partition, ranges(input, partition as usize, target)))
        .filter(|(_, ranges)| ranges.len() > 1)
        .collect()
}

/// Partitions that are larger than a task is to read.
pub(super) fn above_target(input: &Input<'_>, cx: &AdaptiveContext<'_>) -> Parts {
    let target = cx.settings.advisory_bytes;
    let partitions = 0..input.stage.partitioning.partitions_written();
    let large = partitions.filter(|p| input.stats.partition(*p) > target);
    large
        .map(|p| (p as u32, ranges(input, p, target)))
        .filter(|(_, ranges)| ranges.len() > 1)
        .map(|(p, ranges)| (p, vec![(input.stage.id, ranges)]))
        .collect()
}

/// Maps in a row that wrote about `target` bytes of the partition.
fn ranges(input: &Input<'_>, partition: usize, target: u64) -> Vec<Range<u32>> {
    let sizes: Vec<u64> = (0..input.stage.tasks)
        .map(|map| input.stats.part(map, partition))
        .collect();
    super::coalesce::groups(&sizes, target, &|_| false)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{adapted, context, join_graph, large, one_large, settings};
    use crate::adaptive::AdaptiveSettings;
    use crate::logical::JoinKind;
    use crate::physical::Asked;
    use crate::stages::{Slice, StageRead};

    fn cutting() -> AdaptiveSettings {
        let mut settings = settings();
        settings.advisory_bytes = 10;
        settings.skew_bytes = 20;
        settings
    }

    fn slices(read: &StageRead) -> &[Vec<Slice>] {
        match read {
            StageRead::Slices(slices) => slices,
            _ => &[],
        }
    }

    #[test]
    fn a_large_partition_goes_to_several_tasks() {
        // Partition 1 of the left side: 100 bytes of each of three maps.
        let graph = join_graph(JoinKind::Left, 3, 4);
        let progress = one_large(&graph, 0, 1, 100);
        let settings = cutting();
        let new = adapted(&graph, &progress, &context(&settings)).unwrap();
        assert_eq!(new.changes[0].rule, "OptimizeSkewedJoin");
        let stage = &new.graph.stages[2];
        let (left, right) = (slices(&stage.inputs[0].read), slices(&stage.inputs[1].read));
        let part = |maps| Slice { partition: 1, maps };
        let at = left.iter().position(|s| s.contains(&part(0..1))).unwrap();
        assert_eq!(left[at..at + 3], [vec![part(0..1)], vec![part(1..2)], vec![part(2..3)]]);
        assert_eq!(
            right[at..at + 3],
            [vec![part(0..3)], vec![part(0..3)], vec![part(0..3)]]
        );
        assert_eq!(stage.tasks, left.len());
    }

    #[test]
    fn where_both_sides_are_large_each_part_meets_each_part() {
        let tasks = |kind| {
            let graph = join_graph(kind, 3, 4);
            let progress = large(&graph, &[0, 1], 1, 100);
            let settings = cutting();
            let new = adapted(&graph, &progress, &context(&settings)).unwrap();
            let stage = &new.graph.stages[2];
            let of = |edge: usize| {
                let of_partition = slices(&stage.inputs[edge].read).iter().flatten();
                let of_partition = of_partition.filter(|s| s.partition == 1);
                of_partition.map(|s| s.maps.clone()).collect::<Vec<_>>()
            };
            of(0).into_iter().zip(of(1)).collect::<Vec<_>>()
        };
        let pairs = tasks(JoinKind::Inner);
        let wanted = (0..3).flat_map(|l| (0..3).map(move |r| (l..l + 1, r..r + 1)));
        assert_eq!(pairs, wanted.collect::<Vec<_>>());
        // The right side's parts would each find other left rows without a partner.
        assert_eq!(tasks(JoinKind::Left), [(0..1, 0..3), (1..2, 0..3), (2..3, 0..3)]);
    }

    #[test]
    fn a_side_is_not_cut_where_the_other_one_is_preserved() {
        for (kind, side) in [(JoinKind::Right, 0), (JoinKind::Full, 0), (JoinKind::LeftAnti, 1)] {
            let graph = join_graph(kind, 3, 4);
            let progress = one_large(&graph, side, 1, 100);
            let settings = cutting();
            let new = adapted(&graph, &progress, &context(&settings));
            let rules = new.map(|n| n.changes).unwrap_or_default();
            assert!(rules.iter().all(|c| c.rule != "OptimizeSkewedJoin"), "{kind:?}");
        }
    }

    #[test]
    fn partitions_that_are_large_together_are_not_skewed() {
        let graph = join_graph(JoinKind::Inner, 3, 4);
        let progress = super::super::testing::finished(&graph, &[(0, 100), (1, 100)]);
        assert_eq!(adapted(&graph, &progress, &context(&cutting())), None);
    }

    #[test]
    fn a_large_partition_is_cut_where_rows_are_to_be_rebalanced() {
        let mut graph = join_graph(JoinKind::Inner, 3, 4);
        graph.stages[2].plan = super::super::testing::input(0);
        graph.stages[2].inputs.truncate(1);
        let progress = one_large(&graph, 0, 1, 100);
        let settings = cutting();
        for (asked, rule) in [
            (Asked::No, "CoalesceShufflePartitions"),
            (Asked::Rebalance, "OptimizeSkewInRebalancePartitions"),
        ] {
            graph.stages[0].asked = asked;
            let new = adapted(&graph, &progress, &context(&settings)).unwrap();
            assert_eq!(new.changes[0].rule, rule);
        }
    }

    #[test]
    fn one_map_cannot_be_cut() {
        let graph = join_graph(JoinKind::Inner, 1, 4);
        let progress = one_large(&graph, 0, 1, 100);
        let settings = cutting();
        let new = adapted(&graph, &progress, &context(&settings));
        let rules = new.map(|n| n.changes).unwrap_or_default();
        assert!(rules.iter().all(|c| c.rule != "OptimizeSkewedJoin"));
    }
}

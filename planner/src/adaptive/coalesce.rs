//! `CoalesceShufflePartitions`: neighbouring partitions in one task, up to the size that a task is to read.
//!
//! All inputs of a stage that are read by partition get the same groups, so rows with equal keys still meet; neighbours stay
//! neighbours, so partitions by range keep their order.

use std::ops::Range;

/// Partitions of these sizes in groups of at most `target` bytes (a larger partition is a group of its own). Those for which
/// `alone` holds share a group with nobody.
pub(super) fn groups(sizes: &[u64], target: u64, alone: &dyn Fn(u32) -> bool) -> Vec<Range<u32>> {
    let mut groups: Vec<Range<u32>> = Vec::new();
    let (mut bytes, mut open) = (0u64, false);
    for (partition, size) in (0u32..).zip(sizes) {
        let alone = alone(partition);
        match groups.last_mut() {
            Some(last) if open && !alone && bytes.saturating_add(*size) <= target => {
                last.end = partition + 1;
                bytes += size;
            }
            _ => {
                groups.push(partition..partition + 1);
                bytes = *size;
            }
        }
        open = !alone;
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::super::testing::{adapted, context, finished, input, join_graph, settings};
    use super::*;
    use crate::PhysicalPlan;
    use crate::adaptive::Change;
    use crate::logical::JoinKind;
    use crate::physical::{Asked, NestedLoopJoin, Partitioning};
    use crate::stages::StageRead;
    use rsql_common::StageId;

    #[test]
    fn neighbours_share_a_group_up_to_the_target() {
        assert_eq!(groups(&[1, 2, 3, 9, 0, 0, 4], 6, &|_| false), [0..3, 3..4, 4..7]);
        assert_eq!(groups(&[1, 2, 3], 6, &|p| p == 1), [0..1, 1..2, 2..3]);
        assert_eq!(groups(&[0, 0], 1, &|_| false), vec![0..2]);
        assert_eq!(groups(&[7, 7], 6, &|_| false), [0..1, 1..2]);
    }

    #[test]
    fn both_sides_of_a_join_are_read_alike() {
        let graph = join_graph(JoinKind::Full, 2, 4);
        let progress = finished(&graph, &[(0, 5), (1, 5)]);
        let mut settings = settings();
        settings.advisory_bytes = 45;
        let new = adapted(&graph, &progress, &context(&settings)).unwrap();
        assert_eq!(
            new.changes,
            [Change {
                stage: StageId(2),
                rule: "CoalesceShufflePartitions"
            }]
        );
        let stage = &new.graph.stages[2];
        assert_eq!(stage.tasks, 2);
        assert_eq!(stage.inputs[0].read, stage.inputs[1].read);
        assert!(matches!(&stage.inputs[0].read, StageRead::Slices(s) if s[0].len() == 2 && s[0][0].maps == (0..2)));
    }

    #[test]
    fn large_partitions_and_unfinished_inputs_stay() {
        let graph = join_graph(JoinKind::Full, 2, 4);
        let mut settings = settings();
        settings.advisory_bytes = 10;
        let done = finished(&graph, &[(0, 5), (1, 5)]);
        assert_eq!(adapted(&graph, &done, &context(&settings)), None);
        settings.advisory_bytes = 1_000;
        let half = finished(&graph, &[(0, 5)]);
        assert_eq!(adapted(&graph, &half, &context(&settings)), None);
        settings.coalesce = false;
        assert_eq!(adapted(&graph, &done, &context(&settings)), None);
    }

    #[test]
    fn partitions_that_were_asked_for_stay() {
        let mut graph = join_graph(JoinKind::Full, 2, 4);
        graph.stages[2].plan = input(0);
        graph.stages[2].inputs.truncate(1);
        let done = finished(&graph, &[(0, 5)]);
        assert!(adapted(&graph, &done, &context(&settings())).is_some());
        for asked in [Asked::Exchange, Asked::Rebalance] {
            graph.stages[0].asked = asked;
            assert!(adapted(&graph, &done, &context(&settings())).is_some());
        }
        for partitioning in [
            graph.stages[0].partitioning.clone(),
            Partitioning::RoundRobin { partitions: 4 },
        ] {
            graph.stages[0].partitioning = partitioning;
            graph.stages[0].asked = Asked::Partitions;
            assert_eq!(adapted(&graph, &done, &context(&settings())), None);
        }
    }

    #[test]
    fn a_nested_loop_over_many_rows_keeps_its_tasks() {
        let looping = |rows: f64| {
            let mut graph = join_graph(JoinKind::Full, 2, 4);
            let mut other = input(1);
            if let PhysicalPlan::StageInput(n) = &mut other {
                n.estimate = rows;
            }
            graph.stages[2].plan = PhysicalPlan::NestedLoopJoin(NestedLoopJoin {
                schema: input(0).schema().join(other.schema()),
                left: Box::new(input(0)),
                right: Box::new(other),
                kind: JoinKind::Inner,
                filter: None,
                null_aware: false,
                hint: Default::default(),
                estimate: rows,
            });
            graph.stages[2].inputs[1].read = StageRead::All;
            adapted(&graph, &finished(&graph, &[(0, 5)]), &context(&settings()))
        };
        assert!(looping(1.0).is_some());
        assert_eq!(looping(1e6), None);
    }

    #[test]
    fn a_stage_that_runs_stays() {
        let graph = join_graph(JoinKind::Full, 2, 4);
        let mut done = finished(&graph, &[(0, 5), (1, 5)]);
        done.start(StageId(2));
        assert_eq!(adapted(&graph, &done, &context(&settings())), None);
    }
}

//! Measured sizes in the place of estimated ones, and the side of a join that is built chosen by them.

use std::collections::{BTreeMap, BTreeSet};

use rsql_common::StageId;

use super::Progress;
use crate::PhysicalPlan;
use crate::lower::build_side;
use crate::physical::Side;
use crate::stages::{Stage, StageGraph, StageRead};

/// The stage with the rows that its inputs have; none if an input is not there yet or nothing is new.
pub(super) fn with_sizes(graph: &StageGraph, stage: &Stage, progress: &Progress) -> Option<Stage> {
    let mut rows = BTreeMap::new();
    for edge in &stage.inputs {
        let stats = progress.stats(graph.stage(edge.stage)?)?;
        rows.insert(edge.stage, stats.rows() as f64);
    }
    let copied = stage.inputs.iter().filter(|e| e.read == StageRead::All);
    let copied = copied.map(|e| e.stage).collect();
    let mut changed = stage.clone();
    measure(&mut changed.plan, &rows, &copied);
    (changed != *stage).then_some(changed)
}

fn measure(plan: &mut PhysicalPlan, rows: &BTreeMap<StageId, f64>, copied: &BTreeSet<StageId>) {
    for child in plan.children_mut() {
        measure(child, rows, copied);
    }
    match plan {
        PhysicalPlan::StageInput(n) => n.estimate = rows.get(&n.stage).copied().unwrap_or(n.estimate),
        PhysicalPlan::HashJoin(n) => {
            let (left, right) = (input(&n.left), input(&n.right));
            let known = |side: Option<StageId>| side.and_then(|s| rows.get(&s).copied());
            let is_copied = |side: Option<StageId>| side.is_some_and(|s| copied.contains(&s));
            // A copied side is built: the table is then small in every task.
            if let (Some(l), Some(r)) = (known(left), known(right))
                && !is_copied(left)
                && !is_copied(right)
            {
                let build = build_side(n.kind, n.null_aware, l, r);
                if build != n.build {
                    n.build = build;
                    n.publishes.clear();
                }
            }
            let built = match n.build {
                Side::Left => known(left),
                Side::Right => known(right),
            };
            n.build_estimate = built.unwrap_or(n.build_estimate);
        }
        _ => {}
    }
}

/// The stage whose rows a plan passes on, one for one.
fn input(plan: &PhysicalPlan) -> Option<StageId> {
    match plan {
        PhysicalPlan::StageInput(n) => Some(n.stage),
        PhysicalPlan::Projection(n) => input(&n.input),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{finished, join_graph};
    use super::*;
    use crate::logical::JoinKind;

    fn build_after(kind: JoinKind, left: u64, right: u64) -> (Side, f64) {
        let graph = join_graph(kind, 1, 1);
        let progress = finished(&graph, &[(0, left), (1, right)]);
        let stage = with_sizes(&graph, &graph.stages[2], &progress).unwrap();
        let PhysicalPlan::HashJoin(join) = &stage.plan else {
            panic!()
        };
        (join.build, join.build_estimate)
    }

    #[test]
    fn the_side_that_is_smaller_is_built() {
        assert_eq!(build_after(JoinKind::Inner, 10, 100_000), (Side::Left, 10.0));
        assert_eq!(build_after(JoinKind::Inner, 100_000, 10), (Side::Right, 10.0));
        // Marks come with the left rows.
        assert_eq!(build_after(JoinKind::LeftMark, 10, 100_000), (Side::Right, 100_000.0));
    }

    #[test]
    fn nothing_is_new_before_all_inputs_are_there() {
        let graph = join_graph(JoinKind::Inner, 1, 1);
        let progress = finished(&graph, &[(0, 10)]);
        assert_eq!(with_sizes(&graph, &graph.stages[2], &progress), None);
    }
}

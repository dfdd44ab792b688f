//! What stages that have not started cost, in rows built, probed, given and moved, by what is known now.
//!
//! Scans, aggregates and sorts do the same work in whatever order joins run, so only joins and exchanges are counted.

use std::collections::BTreeSet;

use rsql_common::StageId;

use super::Reordered;
use crate::distribute::{ClusterShape, row_bytes, rows};
use crate::physical::{PhysicalPlan, Side};
use crate::stages::{Stage, StageRead};

const BUILD: f64 = 2.0;
const PROBE: f64 = 1.0;
const OUTPUT: f64 = 1.0;
/// A pair of rows in a nested loop.
const PAIR: f64 = 0.5;
/// A row that is written, sent and read again, for each [`ROW_BYTES`].
const MOVE: f64 = 3.0;
const ROW_BYTES: f64 = 32.0;

/// The cost of the stages that are new.
pub(super) fn of(plan: &Reordered, shape: &ClusterShape) -> f64 {
    let graph = &plan.graph;
    let needed = graph.needed();
    let result = graph.result().map(|r| r.id);
    let mut cost = 0.0;
    for stage in graph
        .stages
        .iter()
        .filter(|s| needed.contains(&s.id) && plan.changed.contains(&s.id))
    {
        let copied: BTreeSet<StageId> = stage
            .inputs
            .iter()
            .filter(|e| e.read == StageRead::All)
            .map(|e| e.stage)
            .collect();
        cost += joins(&stage.plan, stage, &copied);
        if Some(stage.id) != result {
            cost += moved(&stage.plan);
        }
        // All tasks of an executor fetch a copied side.
        let copies = stage.tasks.min(shape.slots).saturating_sub(1) as f64;
        cost += copies * copied_rows(&stage.plan, &copied);
    }
    cost
}

fn moved(plan: &PhysicalPlan) -> f64 {
    rows(plan) * MOVE * row_bytes(plan.schema()) / ROW_BYTES
}

fn copied_rows(plan: &PhysicalPlan, copied: &BTreeSet<StageId>) -> f64 {
    match plan {
        PhysicalPlan::StageInput(n) if copied.contains(&n.stage) => moved(plan),
        other => other.children().into_iter().map(|c| copied_rows(c, copied)).sum(),
    }
}

fn joins(plan: &PhysicalPlan, stage: &Stage, copied: &BTreeSet<StageId>) -> f64 {
    let below: f64 = plan.children().into_iter().map(|c| joins(c, stage, copied)).sum();
    // Every task builds a copied side for itself.
    let times = |side: &PhysicalPlan| {
        let read = side.stages_read();
        match !read.is_empty() && read.is_subset(copied) {
            true => stage.tasks as f64,
            false => 1.0,
        }
    };
    below
        + match plan {
            PhysicalPlan::HashJoin(n) => {
                let (build, probe) = match n.build {
                    Side::Left => (&n.left, &n.right),
                    Side::Right => (&n.right, &n.left),
                };
                rows(build) * times(build) * BUILD + rows(probe) * PROBE + n.estimate * OUTPUT
            }
            PhysicalPlan::NestedLoopJoin(n) => rows(&n.left) * rows(&n.right) * PAIR + n.estimate * OUTPUT,
            _ => 0.0,
        }
}

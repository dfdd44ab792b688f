//! Rewriting plans by value, node by node, without running out of stack.

use std::sync::Arc;

use datafusion_common::tree_node::Transformed;
use rsql_common::Result;
use rsql_planner::LogicalPlan;
use rsql_planner::logical::PlanRef;

use crate::rule::Direction;

const RED_ZONE: usize = 128 * 1024;
const SEGMENT: usize = 2 * 1024 * 1024;

/// Runs `f` on a stack that has room.
pub(crate) fn with_stack<R>(f: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(RED_ZONE, SEGMENT, f)
}

/// The node behind a reference, without a copy where nobody else holds it.
pub(crate) fn owned(plan: PlanRef) -> LogicalPlan {
    Arc::unwrap_or_clone(plan)
}

/// Replaces each child by `f` of it.
pub(crate) fn map_children<E>(
    mut plan: LogicalPlan,
    f: &mut dyn FnMut(LogicalPlan) -> Result<LogicalPlan, E>,
) -> Result<LogicalPlan, E> {
    let mut any = false;
    for slot in plan.children_mut() {
        any = true;
        let child = owned(std::mem::take(slot));
        *slot = Arc::new(f(child)?);
    }
    if any {
        plan.refresh_schema();
    }
    Ok(plan)
}

/// Offers every node to `f` in the given order.
pub(crate) fn rewrite(
    plan: LogicalPlan,
    direction: Direction,
    f: &mut dyn FnMut(LogicalPlan) -> Result<Transformed<LogicalPlan>>,
) -> Result<Transformed<LogicalPlan>> {
    with_stack(|| {
        let mut changed = false;
        let mut plan = plan;
        if direction == Direction::TopDown {
            let t = f(plan)?;
            changed |= t.transformed;
            plan = t.data;
        }
        let mut below = false;
        for slot in plan.children_mut() {
            let t = rewrite(owned(std::mem::take(slot)), direction, f)?;
            below |= t.transformed;
            *slot = Arc::new(t.data);
        }
        if below {
            plan.refresh_schema();
        }
        changed |= below;
        if direction == Direction::BottomUp {
            let t = f(plan)?;
            changed |= t.transformed;
            plan = t.data;
        }
        Ok(if changed {
            Transformed::yes(plan)
        } else {
            Transformed::no(plan)
        })
    })
}

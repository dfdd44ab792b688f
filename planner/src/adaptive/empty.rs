//! `PropagateEmptyRelation` over stages: what reads a stage that wrote no rows does without it.
//!
//! ```text
//!   Projection                             Projection
//!     Join Left                              Projection a, NULL
//!       StageInput stage0           =>         StageInput stage0
//!       StageInput stage1 (empty)
//! ```
//!
//! An inner join with an empty side has no rows whatever the other side holds: its stage becomes an empty one, and what it
//! would have read is not computed any more. An aggregate without groups has a row all the same, so emptiness ends there.

use std::collections::BTreeSet;

use rsql_common::StageId;
use rsql_expr::{Expr, Literal, Schema, Slot};

use super::Progress;
use crate::PhysicalPlan;
use crate::distribute::rerun_of;
use crate::logical::JoinKind;
use crate::physical::{Partitioning, Projection, Values};
use crate::stages::{Stage, StageGraph, keep_filters_inside};

/// Stages that gave no rows, or cannot give any.
pub(super) fn empty_stages(graph: &StageGraph, progress: &Progress) -> BTreeSet<StageId> {
    let mut empty = BTreeSet::new();
    for stage in &graph.stages {
        let wrote_nothing = progress.stats(stage).is_some_and(|s| s.rows() == 0);
        if wrote_nothing || is_empty(&stage.plan, &empty) {
            empty.insert(stage.id);
        }
    }
    empty
}

/// The stage without its empty inputs.
pub(super) fn without_empty(stage: &Stage, empty: &BTreeSet<StageId>) -> Option<Stage> {
    let nothing_new = stage.plan.stages_read().is_disjoint(empty);
    if nothing_new && !empty.contains(&stage.id) {
        return None;
    }
    let mut changed = stage.clone();
    if empty.contains(&stage.id) {
        // Without rows there would be no bounds to spread them by.
        if matches!(stage.partitioning, Partitioning::Range { .. }) {
            return None;
        }
        changed.plan = PhysicalPlan::Values(Values {
            rows: Vec::new(),
            schema: stage.plan.schema().clone(),
        });
        changed.tasks = 1;
    } else {
        changed.plan = simplified(changed.plan, empty);
        keep_filters_inside(&mut changed.plan);
    }
    if changed.plan == stage.plan {
        return None;
    }
    let read = changed.plan.stages_read();
    changed.inputs.retain(|e| read.contains(&e.stage));
    changed.rerun = rerun_of(&changed.plan);
    Some(changed)
}

/// Whether a plan has no rows, given stages that have none.
fn is_empty(plan: &PhysicalPlan, empty: &BTreeSet<StageId>) -> bool {
    use PhysicalPlan as P;
    match plan {
        P::Values(n) => n.rows.is_empty(),
        P::StageInput(n) => empty.contains(&n.stage),
        P::Limit(n) => n.fetch == Some(0) || is_empty(&n.input, empty),
        P::HashAggregate(n) => !n.groups.is_empty() && is_empty(&n.input, empty),
        P::HashJoin(n) => join_is_empty(n.kind, is_empty(&n.left, empty), is_empty(&n.right, empty)),
        P::NestedLoopJoin(n) => join_is_empty(n.kind, is_empty(&n.left, empty), is_empty(&n.right, empty)),
        P::With(n) => is_empty(&n.body, empty),
        P::Union(n) => n.inputs.iter().all(|p| is_empty(p, empty)),
        P::Projection(_)
        | P::Filter(_)
        | P::Window(_)
        | P::WindowGroupLimit(_)
        | P::Sort(_)
        | P::Generate(_)
        | P::Expand(_)
        | P::Sample(_)
        | P::Exchange(_) => plan.children().into_iter().all(|c| is_empty(c, empty)),
        P::Scan(_) | P::Range(_) | P::CteScan(_) | P::RecursiveCte(_) => false,
    }
}

fn join_is_empty(kind: JoinKind, left: bool, right: bool) -> bool {
    use JoinKind as K;
    match kind {
        K::Inner | K::LeftSemi => left || right,
        K::Left | K::LeftAnti | K::LeftMark | K::LeftSingle => left,
        K::Right => right,
        K::Full => left && right,
    }
}

/// The plan without joins to an empty side and without empty inputs of unions. A part without rows that somebody asks for
/// its (no) rows stays as it is.
fn simplified(mut plan: PhysicalPlan, empty: &BTreeSet<StageId>) -> PhysicalPlan {
    use PhysicalPlan as P;
    if is_empty(&plan, empty) {
        return plan;
    }
    for child in plan.children_mut() {
        let taken = std::mem::replace(child, PhysicalPlan::nothing());
        *child = simplified(taken, empty);
    }
    match plan {
        P::Union(mut n) => {
            n.inputs.retain(|p| !is_empty(p, empty));
            P::Union(n)
        }
        P::HashJoin(n) => match kept_side(n.kind, is_empty(&n.left, empty), is_empty(&n.right, empty)) {
            Some(Kept::Left) => padded(*n.left, Schema::default(), n.schema, n.kind),
            Some(Kept::Right) => {
                let left = n.left.schema().clone();
                padded(*n.right, left, n.schema, n.kind)
            }
            None => P::HashJoin(n),
        },
        P::NestedLoopJoin(n) => match kept_side(n.kind, is_empty(&n.left, empty), is_empty(&n.right, empty)) {
            Some(Kept::Left) => padded(*n.left, Schema::default(), n.schema, n.kind),
            Some(Kept::Right) => {
                let left = n.left.schema().clone();
                padded(*n.right, left, n.schema, n.kind)
            }
            None => P::NestedLoopJoin(n),
        },
        other => other,
    }
}

/// The side that a join comes down to.
enum Kept {
    Left,
    Right,
}

fn kept_side(kind: JoinKind, left_empty: bool, right_empty: bool) -> Option<Kept> {
    use JoinKind as K;
    match (kind, left_empty, right_empty) {
        (K::Left | K::Full | K::LeftAnti | K::LeftMark | K::LeftSingle, false, true) => Some(Kept::Left),
        (K::Right | K::Full, true, false) => Some(Kept::Right),
        _ => None,
    }
}

/// The rows of a join's kept side in the join's columns: NULL for the other side's, FALSE for a mark.
fn padded(kept: PhysicalPlan, before: Schema, schema: Schema, kind: JoinKind) -> PhysicalPlan {
    let null = |ty: &rsql_expr::SqlType| Expr::Literal(Literal::null(ty.clone()));
    let mut exprs: Vec<Expr> = before.iter().map(|f| null(&f.ty)).collect();
    exprs.extend(kept.schema().iter().enumerate().map(|(index, f)| {
        Expr::Slot(Slot {
            index,
            ty: f.ty.clone(),
        })
    }));
    let after = schema.iter().skip(exprs.len());
    let after: Vec<Expr> = match kind {
        JoinKind::LeftMark => after.map(|_| Expr::Literal(Literal::bool(false))).collect(),
        _ => after.map(|f| null(&f.ty)).collect(),
    };
    exprs.extend(after);
    PhysicalPlan::Projection(Projection {
        input: Box::new(kept),
        exprs,
        schema,
    })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{adapted, context, finished, join_graph, settings};
    use super::*;
    use crate::adaptive::Change;
    use crate::explain_physical;

    /// The join's stage after the sides wrote so many bytes (and rows) a partition; none: not done yet.
    fn after(kind: JoinKind, left: Option<u64>, right: Option<u64>) -> Stage {
        let graph = join_graph(kind, 2, 3);
        let sides = [(0, left), (1, right)];
        let done: Vec<(usize, u64)> = sides.iter().filter_map(|(s, b)| Some((*s, (*b)?))).collect();
        let progress = finished(&graph, &done);
        let mut settings = settings();
        settings.coalesce = false;
        match adapted(&graph, &progress, &context(&settings)) {
            Some(new) => {
                assert!(new.changes.iter().all(|c: &Change| c.rule == "PropagateEmptyRelation"));
                new.graph.stages[2].clone()
            }
            None => graph.stages[2].clone(),
        }
    }

    #[test]
    fn an_inner_join_with_an_empty_side_needs_no_other() {
        for kind in [JoinKind::Inner, JoinKind::LeftSemi] {
            let stage = after(kind, None, Some(0));
            assert_eq!((stage.inputs.len(), stage.tasks), (0, 1), "{kind:?}");
            assert!(matches!(stage.plan, PhysicalPlan::Values(_)));
        }
        assert!(after(JoinKind::Right, None, Some(0)).inputs.is_empty());
        assert!(after(JoinKind::LeftAnti, Some(0), None).inputs.is_empty());
    }

    #[test]
    fn an_outer_join_with_an_empty_side_is_the_other_one() {
        for (kind, left, right) in [
            (JoinKind::Left, None, Some(0)),
            (JoinKind::LeftAnti, None, Some(0)),
            (JoinKind::LeftMark, None, Some(0)),
            (JoinKind::Full, None, Some(0)),
            (JoinKind::Full, Some(0), None),
            (JoinKind::Right, Some(0), None),
        ] {
            let stage = after(kind, left, right);
            assert_eq!(stage.inputs.len(), 1, "{kind:?}");
            let text = explain_physical(&stage.plan);
            assert!(text.starts_with("Projection") && !text.contains("Join"), "{text}");
            assert_eq!(*stage.plan.schema(), *join_graph(kind, 2, 3).stages[2].plan.schema());
        }
    }

    #[test]
    fn a_side_with_rows_stays() {
        assert_eq!(after(JoinKind::Inner, Some(1), Some(1)).inputs.len(), 2);
        assert_eq!(after(JoinKind::Inner, None, Some(1)).inputs.len(), 2);
    }
}

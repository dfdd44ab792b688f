//! What a second attempt at a stage may give, read off its plan.

use rsql_expr::{Expr, SqlType};

use crate::PhysicalPlan;
use crate::physical::{AggregateMode, Rerun};

/// What a second attempt at the part of `plan` above its exchanges may give.
pub(crate) fn rerun_of(plan: &PhysicalPlan) -> Rerun {
    let mut rerun = Rerun::Equal;
    within_stage(plan, &mut |node| {
        let here = match node {
            _ if is_volatile(node) => Rerun::Indeterminate,
            PhysicalPlan::HashAggregate(n) if n.mode == AggregateMode::Partial => Rerun::Mergeable,
            // Which rows beyond the limit stay depends on which worker saw them.
            PhysicalPlan::WindowGroupLimit(_) => Rerun::Mergeable,
            // Workers add floating values up in any order.
            PhysicalPlan::HashAggregate(n) if n.aggregates.iter().any(|a| is_float(&a.ty)) => Rerun::Indeterminate,
            _ => Rerun::Equal,
        };
        rerun = match (rerun, here) {
            (Rerun::Indeterminate, _) | (_, Rerun::Indeterminate) => Rerun::Indeterminate,
            (Rerun::Mergeable, _) | (_, Rerun::Mergeable) => Rerun::Mergeable,
            _ => Rerun::Equal,
        };
    });
    rerun
}

/// Writes into every exchange what a second attempt at its input may give.
pub(super) fn mark(plan: &mut PhysicalPlan) {
    if let PhysicalPlan::Exchange(e) = plan {
        e.rerun = rerun_of(&e.input);
    }
    plan.children_mut().into_iter().for_each(mark);
}

fn within_stage(plan: &PhysicalPlan, each: &mut dyn FnMut(&PhysicalPlan)) {
    if !matches!(plan, PhysicalPlan::Exchange(_)) {
        each(plan);
        plan.children().into_iter().for_each(|c| within_stage(c, each));
    }
}

/// Whether some expression of the plan gives another value each time.
pub(crate) fn has_volatile(plan: &PhysicalPlan) -> bool {
    is_volatile(plan) || plan.children().into_iter().any(has_volatile)
}

fn is_float(ty: &SqlType) -> bool {
    matches!(ty, SqlType::Float | SqlType::Double)
}

fn is_volatile(plan: &PhysicalPlan) -> bool {
    use PhysicalPlan as P;
    match plan {
        P::Scan(n) => any(n.filters.iter()),
        P::Projection(n) => any(n.exprs.iter()),
        P::Filter(n) => !n.predicate.is_deterministic(),
        P::HashAggregate(n) => {
            let calls = n.aggregates.iter().flat_map(|a| a.args.iter().chain(&a.filter));
            any(n.groups.iter().chain(calls))
        }
        P::Window(n) => any(n.partition_by.iter().chain(n.order_by.iter().map(|k| &k.expr))),
        P::WindowGroupLimit(n) => any(n.partition_by.iter().chain(n.order_by.iter().map(|k| &k.expr))),
        P::Sort(n) => any(n.keys.iter().map(|k| &k.expr)),
        P::HashJoin(n) => any(n.keys.iter().flat_map(|(l, r, _)| [l, r]).chain(&n.filter)),
        P::NestedLoopJoin(n) => any(n.filter.iter()),
        P::Generate(n) => any(n.args.iter()),
        P::Expand(n) => any(n.projections.iter().flatten()),
        P::Values(_)
        | P::Range(_)
        | P::Limit(_)
        | P::Union(_)
        | P::With(_)
        | P::CteScan(_)
        | P::RecursiveCte(_)
        | P::Sample(_)
        | P::Exchange(_)
        | P::StageInput(_) => false,
    }
}

fn any<'a>(exprs: impl IntoIterator<Item = &'a Expr>) -> bool {
    exprs.into_iter().any(|e| !e.is_deterministic())
}

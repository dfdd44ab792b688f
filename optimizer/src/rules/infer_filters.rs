//! What is known of one join key holds for the other.
//!
//! ```text
//! Join Inner on (a.x = b.x)            Join Inner on (a.x = b.x)
//!   Filter (a.x > 5)              →      Filter (a.x > 5)
//!     Scan a                               Scan a
//!   Scan b                               Filter (b.x > 5)
//!                                          Scan b
//! ```
//! Sound for the side whose unmatched rows are dropped. Only predicates over the key alone are carried over, and only if they
//! raise no error.

use std::sync::Arc;

use rsql_common::{ColumnId, Result};
use rsql_expr::Expr;
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{JoinKind, PlanRef};

use crate::OptimizerContext;
use crate::predicate::is_movable;
use crate::rule::{OptimizerRule, Transformed};
use crate::walk::owned;

/// See the module.
pub struct InferFiltersFromConstraints;

impl OptimizerRule for InferFiltersFromConstraints {
    fn name(&self) -> &'static str {
        "InferFiltersFromConstraints"
    }

    fn rewrite(&self, plan: LogicalPlan, _: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        use JoinKind as K;
        let LogicalPlan::Join(mut n) = plan else {
            return Ok(Transformed::no(plan));
        };
        let to_right = matches!(n.kind, K::Inner | K::LeftSemi | K::LeftAnti | K::Left) && !n.null_aware;
        let to_left = matches!(n.kind, K::Inner | K::LeftSemi | K::Right);
        let keys: Vec<(Expr, Expr)> = n.on.clone();
        let (left, right) = (constraints(&n.left), constraints(&n.right));
        let mut changed = false;
        for (l, r) in &keys {
            let (Expr::Column(lc), Expr::Column(rc)) = (l, r) else {
                continue;
            };
            if to_right {
                changed |= carry(&left, lc.id, r, &right, &mut n.right);
            }
            if to_left {
                changed |= carry(&right, rc.id, l, &left, &mut n.left);
            }
        }
        let mut plan = LogicalPlan::Join(n);
        plan.refresh_schema();
        Ok(crate::rule::transformed(plan, changed))
    }
}

/// Puts what `known` says of `from` over `to`'s side.
fn carry(known: &[Expr], from: ColumnId, to: &Expr, there: &[Expr], plan: &mut PlanRef) -> bool {
    let mut new = Vec::new();
    for e in known {
        let columns = e.columns();
        if columns.len() != 1 || !columns.contains(&from) || !is_movable(e) || matches!(e, Expr::IsNotNull(_)) {
            continue;
        }
        let moved = e.clone().replace_columns(&|c| (c.id == from).then(|| to.clone()));
        if !there.contains(&moved) && !new.contains(&moved) {
            new.push(moved);
        }
    }
    let changed = !new.is_empty();
    if changed {
        let input = owned(std::mem::take(plan));
        *plan = Arc::new(input.filter(Expr::conjunction(new)));
    }
    changed
}

/// Conjuncts that hold for every row.
fn constraints(plan: &LogicalPlan) -> Vec<Expr> {
    let mut out = Vec::new();
    collect(plan, &mut out);
    out
}

fn collect(plan: &LogicalPlan, out: &mut Vec<Expr>) {
    match plan {
        LogicalPlan::Filter(n) => {
            out.extend(n.predicate.clone().split_conjuncts());
            collect(&n.input, out);
        }
        LogicalPlan::Scan(n) => out.extend(n.filters.iter().cloned()),
        LogicalPlan::Join(n) => {
            if !matches!(n.kind, JoinKind::Right | JoinKind::Full) {
                collect(&n.left, out);
            }
            if matches!(n.kind, JoinKind::Inner | JoinKind::Right) {
                collect(&n.right, out);
            }
        }
        // Bare columns keep their ids here, so that what is said of them stays true.
        LogicalPlan::Projection(n) => collect(&n.input, out),
        LogicalPlan::Aggregate(n) if !n.groups.is_empty() => collect(&n.input, out),
        LogicalPlan::Sort(_) | LogicalPlan::Window(_) | LogicalPlan::Limit(_) | LogicalPlan::Repartition(_) => {
            plan.children().into_iter().for_each(|c| collect(c, out));
        }
        _ => {}
    }
}

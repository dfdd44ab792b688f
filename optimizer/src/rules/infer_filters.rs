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

use std::collections::HashMap;
use std::sync::Arc;

use rsql_common::{ColumnId, Result};
use rsql_expr::{Expr, Schema};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::column;
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
        // Bare columns keep their ids here or get one more, so that what is said of them stays true.
        LogicalPlan::Projection(n) => renamed(&n.input, &n.schema, &n.exprs, out),
        LogicalPlan::Aggregate(n) if !n.groups.is_empty() => renamed(&n.input, &n.schema, &n.groups, out),
        LogicalPlan::Sort(_) | LogicalPlan::Window(_) | LogicalPlan::Limit(_) | LogicalPlan::Repartition(_) => {
            plan.children().into_iter().for_each(|c| collect(c, out));
        }
        _ => {}
    }
}

/// What holds below, also under the ids that bare columns among `exprs`, the first of `schema`, have above.
fn renamed(input: &LogicalPlan, schema: &Schema, exprs: &[Expr], out: &mut Vec<Expr>) {
    let below = constraints(input);
    let new: HashMap<ColumnId, Expr> = schema
        .iter()
        .zip(exprs)
        .filter_map(|(f, e)| match e {
            Expr::Column(c) if c.id != f.id => Some((c.id, column(f))),
            _ => None,
        })
        .collect();
    let known = |e: &&Expr| !e.columns().is_empty() && e.columns().iter().all(|c| new.contains_key(c));
    let above: Vec<Expr> = below
        .iter()
        .filter(known)
        .map(|e| e.clone().replace_columns(&|c| new.get(&c.id).cloned()))
        .collect();
    out.extend(below);
    out.extend(above);
}

//! Operators over an input without rows.
//!
//! ```text
//! Join Inner on (a.x = b.x)            Values 0 rows
//!   Scan a                        →
//!   Values 0 rows
//! ```
//! Also a filter that is FALSE or NULL makes its input empty, and an empty input of a union is left out. Not applied to
//! aggregates without groups, which give a row for no input.

use rsql_common::Result;
use rsql_expr::{Expr, Literal};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::column;
use rsql_planner::logical::{Join, JoinKind, Union};

use crate::OptimizerContext;
use crate::rule::{OptimizerRule, Transformed};
use crate::walk::owned;

/// See the module.
pub struct PropagateEmptyRelation;

impl OptimizerRule for PropagateEmptyRelation {
    fn name(&self) -> &'static str {
        "PropagateEmptyRelation"
    }

    fn rewrite(&self, plan: LogicalPlan, _: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        use LogicalPlan as L;
        let nothing = |p: &LogicalPlan| Transformed::yes(L::empty(p.schema().clone()));
        Ok(match plan {
            L::Filter(ref n) if n.predicate.is_false() || n.predicate.is_null_literal() => nothing(&plan),
            L::Filter(_) | L::Projection(_) | L::Window(_) | L::Sort(_) | L::Limit(_) | L::Sample(_)
                if input_is_empty(&plan) =>
            {
                nothing(&plan)
            }
            L::Repartition(_) | L::Generate(_) | L::Expand(_) if input_is_empty(&plan) => nothing(&plan),
            L::Aggregate(ref n) if !n.groups.is_empty() && input_is_empty(&plan) => nothing(&plan),
            L::Join(n) => join(n),
            L::Union(n) => union(n),
            other => Transformed::no(other),
        })
    }
}

fn is_empty(plan: &LogicalPlan) -> bool {
    matches!(plan, LogicalPlan::Values(v) if v.rows.is_empty())
}

fn input_is_empty(plan: &LogicalPlan) -> bool {
    plan.children().iter().any(|c| is_empty(c))
}

fn join(n: Join) -> Transformed<LogicalPlan> {
    use JoinKind as K;
    let (left, right) = (is_empty(&n.left), is_empty(&n.right));
    let nothing = match n.kind {
        K::Inner | K::LeftSemi => left || right,
        K::Left | K::LeftAnti | K::LeftMark | K::LeftSingle => left,
        K::Right => right,
        K::Full => left && right,
    };
    if nothing {
        return Transformed::yes(LogicalPlan::empty(n.schema));
    }
    // An empty other side leaves the kept rows, with NULLs beside them.
    let null = |f: &rsql_expr::Field| Expr::lit(Literal::null(f.ty.clone()));
    let fields = n.schema.iter().cloned().collect();
    match n.kind {
        K::LeftAnti if right => Transformed::yes(owned(n.left)),
        K::LeftMark if right => {
            let mut exprs = n.left.columns();
            exprs.push(Expr::lit(Literal::bool(false)));
            Transformed::yes(owned(n.left).project_to(exprs, fields))
        }
        K::Left | K::LeftSingle | K::Full if right => {
            let exprs = n
                .left
                .columns()
                .into_iter()
                .chain(n.right.schema().iter().map(null))
                .collect();
            Transformed::yes(owned(n.left).project_to(exprs, fields))
        }
        K::Right | K::Full if left => {
            let exprs = n.left.schema().iter().map(null).chain(n.right.columns()).collect();
            Transformed::yes(owned(n.right).project_to(exprs, fields))
        }
        _ => Transformed::no(LogicalPlan::Join(n)),
    }
}

/// Inputs that are unions themselves are taken up as well.
fn union(mut n: Union) -> Transformed<LogicalPlan> {
    let before = n.inputs.len();
    let mut flat = false;
    let mut inputs = Vec::with_capacity(before);
    for input in std::mem::take(&mut n.inputs) {
        match input.as_ref() {
            LogicalPlan::Union(inner) => {
                flat = true;
                inputs.extend(inner.inputs.iter().cloned());
            }
            other if is_empty(other) => {}
            _ => inputs.push(input),
        }
    }
    n.inputs = inputs;
    match n.inputs.len() {
        0 => Transformed::yes(LogicalPlan::empty(n.schema)),
        1 => {
            let only = owned(n.inputs.remove(0));
            let exprs = only.schema().iter().map(column).collect();
            Transformed::yes(only.project_to(exprs, n.schema.iter().cloned().collect()))
        }
        count => crate::rule::transformed(LogicalPlan::Union(n), flat || count < before),
    }
}

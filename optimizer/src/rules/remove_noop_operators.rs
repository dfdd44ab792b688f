//! Drops operators that give their input unchanged.
//!
//! ```text
//! Projection a, b             Scan t [a, b]
//!   Scan t [a, b]        →
//! ```
//! Also a projection over a projection that only leaves out or reorders columns becomes one, filters that are TRUE go, so do
//! limits that take everything and unions of one input. Not applied where the outermost names would change.

use std::collections::HashMap;
use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::Expr;
use rsql_planner::LogicalPlan;
use rsql_planner::logical::Projection;

use crate::OptimizerContext;
use crate::rule::{OptimizerRule, Transformed};
use crate::walk::owned;

/// See the module.
pub struct RemoveNoopOperators;

impl OptimizerRule for RemoveNoopOperators {
    fn name(&self) -> &'static str {
        "RemoveNoopOperators"
    }

    fn rewrite(&self, plan: LogicalPlan, _: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        Ok(match plan {
            LogicalPlan::Projection(n) if changes_nothing(&n) => Transformed::yes(owned(n.input)),
            LogicalPlan::Projection(n) => merge(n),
            LogicalPlan::Filter(n) if n.predicate.is_true() => Transformed::yes(owned(n.input)),
            LogicalPlan::Limit(n) if n.skip == 0 && n.fetch.is_none() => Transformed::yes(owned(n.input)),
            LogicalPlan::With(n) if n.defs.is_empty() => Transformed::yes(owned(n.body)),
            other => Transformed::no(other),
        })
    }
}

fn changes_nothing(n: &Projection) -> bool {
    let input = n.input.schema();
    n.exprs.len() == input.len()
        && n.exprs
            .iter()
            .zip(n.schema.iter().zip(input.iter()))
            .all(|(e, (f, i))| matches!(e, Expr::Column(c) if c.id == i.id) && f.id == i.id && f.name == i.name)
}

/// A projection over a bare selection of columns reads what that one reads.
fn merge(mut n: Projection) -> Transformed<LogicalPlan> {
    let LogicalPlan::Projection(below) = n.input.as_ref() else {
        return Transformed::no(LogicalPlan::Projection(n));
    };
    if !below.exprs.iter().all(|e| matches!(e, Expr::Column(_))) {
        return Transformed::no(LogicalPlan::Projection(n));
    }
    let sources: HashMap<_, Expr> = below
        .schema
        .iter()
        .map(|f| f.id)
        .zip(below.exprs.iter().cloned())
        .collect();
    let input = Arc::clone(&below.input);
    for e in &mut n.exprs {
        *e = std::mem::take(e).replace_columns(&|c| sources.get(&c.id).cloned());
    }
    n.input = input;
    let mut plan = LogicalPlan::Projection(n);
    plan.refresh_schema();
    Transformed::yes(plan)
}

//! DISTINCT where it changes nothing.
//!
//! ```text
//! Aggregate [a, n] []                        Projection a, n
//!   Aggregate [a] [count(*) AS n]       →      Aggregate [a] [count(*) AS n]
//! ```
//! Rows that hold all groups of an aggregate, or are at most one, do not repeat. Also DISTINCT inside aggregates that do not
//! depend on duplicates (`max(DISTINCT a)`) goes.

use rsql_common::{ColumnId, Result};
use rsql_expr::Expr;
use rsql_planner::LogicalPlan;
use rsql_planner::logical::Aggregate;

use crate::OptimizerContext;
use crate::predicate::gives_one_row;
use crate::rule::{OptimizerRule, Transformed, transformed};
use crate::walk::owned;

/// See the module.
pub struct EliminateDistinct;

impl OptimizerRule for EliminateDistinct {
    fn name(&self) -> &'static str {
        "EliminateDistinct"
    }

    fn rewrite(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Aggregate(mut n) = plan else {
            return Ok(Transformed::no(plan));
        };
        let mut changed = false;
        for call in n.aggregates.iter_mut().filter(|c| c.distinct) {
            if cx
                .registry
                .aggregate(&call.func)
                .is_some_and(|f| f.duplicate_insensitive)
            {
                call.distinct = false;
                changed = true;
            }
        }
        if n.aggregates.is_empty() && !n.groups.is_empty() && is_distinct(&n) {
            let fields = n.schema.iter().cloned().collect();
            return Ok(Transformed::yes(owned(n.input).project_to(n.groups, fields)));
        }
        Ok(transformed(LogicalPlan::Aggregate(n), changed))
    }
}

/// The groups tell all rows of the input apart.
fn is_distinct(n: &Aggregate) -> bool {
    let bare: Vec<ColumnId> = n
        .groups
        .iter()
        .filter_map(|e| match e {
            Expr::Column(c) => Some(c.id),
            _ => None,
        })
        .collect();
    gives_one_row(&n.input) || unique_by(&n.input, &bare)
}

/// Rows of `plan` that agree in `columns` are one row.
fn unique_by(plan: &LogicalPlan, columns: &[ColumnId]) -> bool {
    match plan {
        LogicalPlan::Aggregate(n) => {
            !n.groups.is_empty() && n.schema.iter().take(n.groups.len()).all(|f| columns.contains(&f.id))
        }
        LogicalPlan::Projection(n) => {
            let below: Vec<ColumnId> = n
                .schema
                .iter()
                .zip(&n.exprs)
                .filter_map(|(f, e)| match e {
                    Expr::Column(c) if columns.contains(&f.id) => Some(c.id),
                    _ => None,
                })
                .collect();
            unique_by(&n.input, &below)
        }
        LogicalPlan::Filter(n) => unique_by(&n.input, columns),
        LogicalPlan::Sort(n) => unique_by(&n.input, columns),
        LogicalPlan::Limit(n) => unique_by(&n.input, columns),
        _ => false,
    }
}

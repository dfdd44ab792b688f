//! Two projections become one.
//!
//! ```text
//! Projection (x + 1) AS y            Projection ((a * 2) + 1) AS y
//!   Projection (a * 2) AS x     →      Scan t
//!     Scan t
//! ```
//! Sound: the lower expressions are put in place of their columns. Not applied if a lower expression is volatile, or is
//! computed (not a column or literal) and read more than once, or is read inside a lambda.

use std::collections::HashMap;
use std::sync::Arc;

use rsql_common::{ColumnId, Result};
use rsql_expr::Expr;
use rsql_planner::LogicalPlan;

use crate::OptimizerContext;
use crate::rule::{OptimizerRule, Transformed};

/// See the module.
pub struct CollapseProject;

impl OptimizerRule for CollapseProject {
    fn name(&self) -> &'static str {
        "CollapseProject"
    }

    fn rewrite(&self, plan: LogicalPlan, _: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Projection(mut n) = plan else {
            return Ok(Transformed::no(plan));
        };
        let LogicalPlan::Projection(below) = n.input.as_ref() else {
            return Ok(Transformed::no(LogicalPlan::Projection(n)));
        };
        let mut reads: HashMap<ColumnId, usize> = HashMap::new();
        let mut in_lambda = false;
        for e in &n.exprs {
            e.visit(&mut |e| match e {
                Expr::Column(c) => *reads.entry(c.id).or_default() += 1,
                Expr::Lambda(l) => in_lambda |= !l.body.columns().is_empty(),
                _ => {}
            });
        }
        let computed: HashMap<ColumnId, &Expr> = below.schema.iter().map(|f| f.id).zip(&below.exprs).collect();
        let cheap = |e: &Expr| matches!(e, Expr::Column(_) | Expr::Literal(_));
        let fits = computed
            .iter()
            .all(|(id, e)| cheap(e) || e.is_deterministic() && reads.get(id).copied().unwrap_or(0) <= 1 && !in_lambda);
        if !fits {
            return Ok(Transformed::no(LogicalPlan::Projection(n)));
        }
        let exprs = std::mem::take(&mut n.exprs);
        n.exprs = exprs
            .into_iter()
            .map(|e| e.replace_columns(&|c| computed.get(&c.id).map(|e| (*e).clone())))
            .collect();
        let input = Arc::clone(&below.input);
        drop(computed);
        n.input = input;
        let mut plan = LogicalPlan::Projection(n);
        plan.refresh_schema();
        Ok(Transformed::yes(plan))
    }
}

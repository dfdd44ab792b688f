//! Folds the expressions of constant rows, which must be literals when the plan runs.
//!
//! ```text
//! Values [(1 + 1)]   →   Values [2]
//! ```
//! An expression that cannot be folded (it fails, or is volatile) makes its rows projections over one row, so that the
//! error comes when the row is read.

use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::{Expr, Field};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{PlanRef, Union, Values};

use crate::OptimizerContext;
use crate::rule::{OptimizerRule, Transformed};

/// See the module.
pub struct FoldValues;

impl OptimizerRule for FoldValues {
    fn name(&self) -> &'static str {
        "FoldValues"
    }

    fn rewrite(&self, plan: LogicalPlan, cx: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Values(mut n) = plan else {
            return Ok(Transformed::no(plan));
        };
        if n.rows.iter().flatten().all(|e| matches!(e, Expr::Literal(_))) {
            return Ok(Transformed::no(LogicalPlan::Values(n)));
        }
        let mut folded = true;
        for e in n.rows.iter_mut().flatten() {
            match e.is_foldable().then(|| rsql_expr::fold(e, &cx.registry)) {
                Some(Ok(literal)) => *e = Expr::lit(literal),
                _ => folded = false,
            }
        }
        let plan = if folded {
            LogicalPlan::Values(n)
        } else {
            as_projections(n, cx)
        };
        Ok(Transformed::yes(plan))
    }
}

fn as_projections(n: Values, cx: &OptimizerContext) -> LogicalPlan {
    let single = n.rows.len() == 1;
    let fields = || -> Vec<Field> {
        let own = |f: &Field| Field {
            id: if single { f.id } else { cx.ids.column() },
            ..f.clone()
        };
        n.schema.iter().map(own).collect()
    };
    let row = |row: &Vec<Expr>| LogicalPlan::one_row().project_to(row.clone(), fields());
    let mut rows: Vec<LogicalPlan> = n.rows.iter().map(row).collect();
    if single {
        return rows.remove(0);
    }
    let inputs: Vec<PlanRef> = rows.into_iter().map(Arc::new).collect();
    LogicalPlan::Union(Union {
        inputs,
        schema: n.schema.clone(),
    })
}

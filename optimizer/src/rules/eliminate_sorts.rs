//! Drops sorts whose order nobody sees.
//!
//! ```text
//! Aggregate [a] [sum(b)]            Aggregate [a] [sum(b)]
//!   Sort c                     →      Scan t
//!     Scan t
//! ```
//! Sorts below aggregates, sorts, joins and set-like operators go. Not applied below aggregates that depend on order
//! (`collect_list`, `first`), nor to sorts with a limit.

use std::sync::Arc;

use rsql_common::Result;
use rsql_expr::tree::WindowFunc;
use rsql_planner::LogicalPlan;
use rsql_planner::logical::PlanRef;

use crate::OptimizerContext;
use crate::rule::{OptimizerRule, Transformed};

/// See the module.
pub struct EliminateSorts;

impl OptimizerRule for EliminateSorts {
    fn name(&self) -> &'static str {
        "EliminateSorts"
    }

    fn rewrite(&self, mut plan: LogicalPlan, cx: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        let ordered = |name: &str| cx.registry.aggregate(name).is_none_or(|f| f.order_sensitive);
        let blind = match &plan {
            LogicalPlan::Aggregate(n) => !n.aggregates.iter().any(|c| ordered(&c.func)),
            LogicalPlan::Sort(n) => n.global,
            LogicalPlan::Join(_) => true,
            LogicalPlan::Window(n) => {
                !n.order_by.is_empty()
                    && n.calls
                        .iter()
                        .all(|c| matches!(&c.func, WindowFunc::Aggregate(a) if !ordered(&a.func)))
            }
            _ => false,
        };
        let mut changed = false;
        if blind {
            for child in plan.children_mut() {
                while let Some(input) = unsorted(child) {
                    *child = input;
                    changed = true;
                }
            }
        }
        Ok(crate::rule::transformed(plan, changed))
    }
}

/// The plan without its sort, looking through projections and filters.
fn unsorted(plan: &PlanRef) -> Option<PlanRef> {
    match plan.as_ref() {
        LogicalPlan::Sort(n) if n.fetch.is_none() => Some(Arc::clone(&n.input)),
        LogicalPlan::Projection(_) | LogicalPlan::Filter(_) => {
            let child = plan.children().into_iter().next()?;
            if plan.expressions().iter().any(|e| !e.is_deterministic()) {
                return None;
            }
            let input = unsorted(child)?;
            Some(Arc::new(plan.as_ref().clone().with_children(vec![input])))
        }
        _ => None,
    }
}

//! Gives a scan the filter above it, to prune with and to apply before other columns are read.
//!
//! ```text
//! Filter (t.a > 1)       Scan t [a, b] filters: (t.a > 1)
//!   Scan t [a, b]    →
//! ```
//! Sound: a scan applies its filters exactly and in order where they may fail. Not applied to volatile conjuncts nor to what
//! comes after them, nor to a scan that stops after some rows.

use rsql_common::Result;
use rsql_expr::Expr;
use rsql_planner::LogicalPlan;

use crate::OptimizerContext;
use crate::rule::{OptimizerRule, Transformed};
use crate::walk::owned;

/// See the module.
pub struct PushFiltersIntoScan;

impl OptimizerRule for PushFiltersIntoScan {
    fn name(&self) -> &'static str {
        "PushFiltersIntoScan"
    }

    fn rewrite(&self, plan: LogicalPlan, _: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(n) = plan else {
            return Ok(Transformed::no(plan));
        };
        if !matches!(n.input.as_ref(), LogicalPlan::Scan(s) if s.limit.is_none()) {
            return Ok(Transformed::no(LogicalPlan::Filter(n)));
        }
        let mut conjuncts = n.predicate.split_conjuncts();
        let volatile = conjuncts.iter().position(|e| !e.is_deterministic());
        let stay = volatile.map(|at| conjuncts.split_off(at)).unwrap_or_default();
        let LogicalPlan::Scan(mut scan) = owned(n.input) else {
            return Err(rsql_common::Error::internal("a scan is no scan"));
        };
        let changed = !conjuncts.is_empty();
        for c in conjuncts {
            if !scan.filters.contains(&c) {
                scan.filters.push(c);
            }
        }
        let plan = LogicalPlan::Scan(scan).filter(Expr::conjunction(stay));
        Ok(crate::rule::transformed(plan, changed))
    }
}

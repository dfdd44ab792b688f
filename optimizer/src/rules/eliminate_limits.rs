//! A limit goes where there cannot be more rows.
//!
//! ```text
//! Limit 100
//!   Aggregate [] [count(*)]     →     Aggregate [] [count(*)]
//! ```
//! Sound: a plan without limit gives the same rows in the same order. What hinders other rules between an aggregate and what
//! reads it goes with it. Not applied if rows are skipped, nor where the number of rows is only thought to be small.

use rsql_common::Result;
use rsql_planner::LogicalPlan;

use crate::OptimizerContext;
use crate::predicate::most_rows;
use crate::rule::{OptimizerRule, Transformed};
use crate::walk::owned;

/// See the module.
pub struct EliminateLimits;

impl OptimizerRule for EliminateLimits {
    fn name(&self) -> &'static str {
        "EliminateLimits"
    }

    fn rewrite(&self, plan: LogicalPlan, _: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        Ok(match plan {
            LogicalPlan::Limit(n)
                if n.skip == 0
                    && n.fetch
                        .is_none_or(|k| most_rows(&n.input).is_some_and(|most| most <= k)) =>
            {
                Transformed::yes(owned(n.input))
            }
            other => Transformed::no(other),
        })
    }
}

//! Makes keys of equalities in a join's condition, so that it can run by hash.
//!
//! ```text
//! Join Inner filter (a.x = b.y AND a.z < b.z)   →   Join Inner on (a.x = b.y) filter (a.z < b.z)
//! ```
//! Sound: keys and remaining condition together say the same. Not applied to null-aware joins, whose keys mean IN, nor to
//! a key that may raise an error behind a conjunct that may guard it.

use rsql_common::Result;
use rsql_expr::Expr;
use rsql_planner::LogicalPlan;

use crate::OptimizerContext;
use crate::predicate::{equality_across, is_movable};
use crate::rule::{OptimizerRule, Transformed};

/// See the module.
pub struct ExtractEquiJoinKeys;

impl OptimizerRule for ExtractEquiJoinKeys {
    fn name(&self) -> &'static str {
        "ExtractEquiJoinKeys"
    }

    fn rewrite(&self, plan: LogicalPlan, _: &OptimizerContext) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Join(mut n) = plan else {
            return Ok(Transformed::no(plan));
        };
        if n.null_aware || n.filter.is_none() {
            return Ok(Transformed::no(LogicalPlan::Join(n)));
        }
        let mut rest = Vec::new();
        let before = n.on.len();
        for conjunct in n.filter.take().map(Expr::split_conjuncts).unwrap_or_default() {
            let key = equality_across(&conjunct, n.left.schema(), n.right.schema());
            match key {
                Some((l, r)) if is_movable(&conjunct) || rest.is_empty() && conjunct.is_deterministic() => {
                    let pair = (l.clone(), r.clone());
                    if !n.on.contains(&pair) {
                        n.on.push(pair);
                    }
                }
                _ => rest.push(conjunct),
            }
        }
        let changed = n.on.len() > before;
        n.filter = (!rest.is_empty()).then(|| Expr::conjunction(rest));
        Ok(crate::rule::transformed(LogicalPlan::Join(n), changed))
    }
}

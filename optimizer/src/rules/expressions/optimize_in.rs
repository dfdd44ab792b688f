//! `IN` lists without repetitions; a list of one is an equality.
//!
//! ```text
//! (t.a IN (1, 2, 1))   →   (t.a IN (1, 2))
//! (t.a IN (1))         →   (t.a = 1)
//! ```

use std::collections::HashSet;

use rsql_common::Result;
use rsql_expr::{CompareOp, Expr};

use crate::rule::{ExpressionContext, ExpressionRule, Transformed};

/// See the module.
pub struct OptimizeIn;

impl ExpressionRule for OptimizeIn {
    fn name(&self) -> &'static str {
        "OptimizeIn"
    }

    fn rewrite(&self, expr: Expr, _: &ExpressionContext<'_>) -> Result<Transformed<Expr>> {
        let Expr::In { expr, mut list } = expr else {
            return Ok(Transformed::no(expr));
        };
        let before = list.len();
        if list.iter().all(|e| matches!(e, Expr::Literal(_))) {
            let mut seen = HashSet::with_capacity(before);
            list.retain(|e| seen.insert(e.clone()));
        }
        if list.len() == 1 {
            let only = list.remove(0);
            return Ok(Transformed::yes(Expr::compare(CompareOp::Eq, *expr, only)));
        }
        let changed = list.len() < before;
        Ok(crate::rule::transformed(Expr::In { expr, list }, changed))
    }
}

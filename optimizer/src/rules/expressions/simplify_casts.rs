//! Casts to the type the operand already has.
//!
//! ```text
//! cast(t.a AS INT)   →   t.a        (a is INT)
//! ```

use rsql_common::Result;
use rsql_expr::Expr;

use crate::rule::{ExpressionContext, ExpressionRule, Transformed};

/// See the module.
pub struct SimplifyCasts;

impl ExpressionRule for SimplifyCasts {
    fn name(&self) -> &'static str {
        "SimplifyCasts"
    }

    fn rewrite(&self, expr: Expr, _: &ExpressionContext<'_>) -> Result<Transformed<Expr>> {
        Ok(match expr {
            Expr::Cast(c) if c.expr.ty() == c.ty => Transformed::yes(c.expr),
            other => Transformed::no(other),
        })
    }
}

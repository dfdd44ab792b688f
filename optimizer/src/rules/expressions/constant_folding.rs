//! Computes expressions without columns when the plan is made.
//!
//! ```text
//! (l.d <= (DATE '1998-12-01' - INTERVAL '90' DAY))   →   (l.d <= DATE '1998-09-02')
//! ```
//! Sound: the same operands give the same value. An expression whose computation fails is left, so that the error comes only
//! if a row needs it. Not applied to volatile calls, nor to calls whose value may be much larger than their arguments.

use rsql_common::Result;
use rsql_expr::Expr;

use crate::rule::{ExpressionContext, ExpressionRule, Transformed};

/// See the module.
pub struct ConstantFolding;

/// Functions that make large values of small arguments.
const GROWING: [&str; 7] = ["sequence", "repeat", "array_repeat", "space", "lpad", "rpad", "sleep"];

impl ExpressionRule for ConstantFolding {
    fn name(&self) -> &'static str {
        "ConstantFolding"
    }

    fn rewrite(&self, expr: Expr, cx: &ExpressionContext<'_>) -> Result<Transformed<Expr>> {
        let operator = match &expr {
            Expr::Arith(_) | Expr::Compare { .. } | Expr::Cast(_) | Expr::Field { .. } => true,
            Expr::Not(_) | Expr::IsNull(_) | Expr::IsNotNull(_) | Expr::In { .. } => true,
            Expr::Call(c) => {
                c.effects.deterministic
                    && !GROWING.contains(&&*c.func)
                    && !c.args.iter().any(|a| matches!(a, Expr::Lambda(_)))
            }
            _ => false,
        };
        if !operator || !expr.children().iter().all(|e| matches!(e, Expr::Literal(_))) {
            return Ok(Transformed::no(expr));
        }
        Ok(match rsql_expr::fold(&expr, &cx.optimizer.registry) {
            Ok(literal) => Transformed::yes(Expr::lit(literal)),
            Err(_) => Transformed::no(expr),
        })
    }
}

//! Operators over a literal NULL, and NULL tests whose outcome is known.
//!
//! ```text
//! (t.a = NULL)             →   NULL
//! (t.id IS NOT NULL)       →   true        (id is never NULL)
//! ```
//! Sound: strict operators give NULL for NULL. An operand that is dropped takes the error it may raise with it, as in Spark.

use rsql_common::Result;
use rsql_expr::tree::NullRule;
use rsql_expr::{CompareOp, Expr, SqlType};

use super::{boolean, null};
use crate::rule::{ExpressionContext, ExpressionRule, Transformed};

/// See the module.
pub struct NullPropagation;

impl ExpressionRule for NullPropagation {
    fn name(&self) -> &'static str {
        "NullPropagation"
    }

    fn rewrite(&self, expr: Expr, cx: &ExpressionContext<'_>) -> Result<Transformed<Expr>> {
        let is_null = Expr::is_null_literal;
        let replacement = match &expr {
            Expr::Compare { op, left, right } => match (op, is_null(left), is_null(right)) {
                (CompareOp::NullSafeEq, true, true) => Some(boolean(true)),
                (CompareOp::NullSafeEq, true, false) => Some(Expr::IsNull(right.clone())),
                (CompareOp::NullSafeEq, false, true) => Some(Expr::IsNull(left.clone())),
                (CompareOp::NullSafeEq, false, false) => {
                    let sure = !left.nullable(cx.nullable) && !right.nullable(cx.nullable);
                    sure.then(|| Expr::Compare {
                        op: CompareOp::Eq,
                        left: left.clone(),
                        right: right.clone(),
                    })
                }
                (_, l, r) => (l || r).then(|| null(SqlType::Boolean)),
            },
            Expr::Arith(a) => (is_null(&a.left) || is_null(&a.right)).then(|| null(a.ty.clone())),
            Expr::Not(e) => is_null(e).then(|| null(SqlType::Boolean)),
            Expr::Cast(c) => is_null(&c.expr).then(|| null(c.ty.clone())),
            Expr::In { expr: e, .. } => is_null(e).then(|| null(SqlType::Boolean)),
            Expr::Call(c) if matches!(c.nulls, NullRule::Propagate | NullRule::PropagateOrNull) => {
                let volatile = !c.effects.deterministic;
                (!volatile && c.args.iter().any(is_null)).then(|| null(c.ty.clone()))
            }
            Expr::IsNull(e) => known(e, cx).map(boolean),
            Expr::IsNotNull(e) => known(e, cx).map(|b| boolean(!b)),
            _ => None,
        };
        Ok(match replacement {
            Some(e) => Transformed::yes(e),
            None => Transformed::no(expr),
        })
    }
}

/// Whether an operand is NULL, where that is sure.
fn known(e: &Expr, cx: &ExpressionContext<'_>) -> Option<bool> {
    if e.is_null_literal() {
        Some(true)
    } else if !e.nullable(cx.nullable) && e.is_deterministic() {
        Some(false)
    } else {
        None
    }
}

//! LIKE patterns that say "starts with", "ends with", "contains" or "equals".
//!
//! ```text
//! like(t.a, 'abc%', '\')   →   startswith(t.a, 'abc')
//! like(t.a, '%abc%', '\')  →   contains(t.a, 'abc')
//! ```
//! Not applied to patterns with `_`, an escape, or `%` inside. A pattern that is known to be well-formed cannot fail for any
//! text: such calls are marked, so that they may move like other predicates.

use rsql_common::Result;
use rsql_expr::tree::{Effects, NullRule};
use rsql_expr::{CallExpr, CompareOp, Expr, Literal, SqlType};

use crate::rule::{ExpressionContext, ExpressionRule, Transformed};

/// See the module.
pub struct LikeSimplification;

impl ExpressionRule for LikeSimplification {
    fn name(&self) -> &'static str {
        "LikeSimplification"
    }

    fn rewrite(&self, expr: Expr, cx: &ExpressionContext<'_>) -> Result<Transformed<Expr>> {
        let Expr::Call(c) = &expr else {
            return Ok(Transformed::no(expr));
        };
        Ok(match simplified(c, cx).or_else(|| well_formed(c, cx)) {
            Some(e) => Transformed::yes(e),
            None => Transformed::no(expr),
        })
    }
}

/// The call, marked as one that cannot fail.
fn well_formed(c: &CallExpr, cx: &ExpressionContext<'_>) -> Option<Expr> {
    let pattern = matches!(&*c.func, "like" | "ilike" | "rlike");
    let constant = c.args.len() > 1 && c.args.iter().skip(1).all(|e| matches!(e, Expr::Literal(_)));
    if !pattern || !constant || !c.effects.fallible {
        return None;
    }
    let mut probe = c.clone();
    *probe.args.first_mut()? = Expr::lit(Literal::string("a"));
    rsql_expr::fold(&Expr::Call(Box::new(probe)), &cx.optimizer.registry).ok()?;
    let mut marked = c.clone();
    marked.effects.fallible = false;
    Some(Expr::Call(Box::new(marked)))
}

fn simplified(c: &CallExpr, cx: &ExpressionContext<'_>) -> Option<Expr> {
    if &*c.func != "like" || c.args.first()?.ty() != SqlType::String {
        return None;
    }
    let pattern = c.args.get(1)?.as_literal()?.value.as_str()?;
    let escape = c
        .args
        .get(2)
        .and_then(|e| e.as_literal()?.value.as_str())
        .unwrap_or("\\");
    let starts_open = pattern.starts_with('%');
    let ends_open = pattern.len() > 1 && pattern.ends_with('%');
    let core = &pattern[usize::from(starts_open)..pattern.len() - usize::from(ends_open)];
    if core.contains(['%', '_']) || escape.chars().any(|e| core.contains(e)) {
        return None;
    }
    let operand = c.args.first()?.clone();
    let text = Expr::lit(Literal::string(core));
    let func = match (starts_open, ends_open) {
        (false, false) => return Some(Expr::compare(CompareOp::Eq, operand, text)),
        (false, true) => "startswith",
        (true, false) => "endswith",
        (true, true) => "contains",
    };
    let known = cx.optimizer.registry.scalar(func)?;
    Some(Expr::Call(Box::new(CallExpr {
        func: known.name.into(),
        args: vec![operand, text],
        nulls: NullRule::Propagate,
        effects: Effects::PURE,
        ..c.clone()
    })))
}

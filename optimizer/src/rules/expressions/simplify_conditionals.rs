//! CASE and COALESCE whose outcome is partly known.
//!
//! ```text
//! CASE WHEN false THEN a WHEN true THEN b ELSE c END   →   b
//! coalesce(NULL, t.id, 0)                              →   t.id        (id is never NULL)
//! ```
//! Sound: branches are tried in order, so what stands behind a sure one is never reached.

use rsql_common::Result;
use rsql_expr::{Expr, SqlType};

use super::null;
use crate::rule::{ExpressionContext, ExpressionRule, Transformed};

/// See the module.
pub struct SimplifyConditionals;

impl ExpressionRule for SimplifyConditionals {
    fn name(&self) -> &'static str {
        "SimplifyConditionals"
    }

    fn rewrite(&self, expr: Expr, cx: &ExpressionContext<'_>) -> Result<Transformed<Expr>> {
        Ok(match expr {
            Expr::Case {
                branches,
                otherwise,
                ty,
            } => case(branches, otherwise, ty),
            Expr::Coalesce { args, ty } => coalesce(args, ty, cx),
            other => Transformed::no(other),
        })
    }
}

fn case(branches: Vec<(Expr, Expr)>, otherwise: Option<Box<Expr>>, ty: SqlType) -> Transformed<Expr> {
    let before = branches.len();
    let mut kept = Vec::with_capacity(before);
    let mut otherwise = otherwise;
    for (condition, value) in branches {
        if condition.is_true() {
            otherwise = Some(Box::new(value));
            break;
        }
        if !condition.is_false() && !condition.is_null_literal() {
            kept.push((condition, value));
        }
    }
    if kept.is_empty() {
        let only = otherwise.map_or_else(|| null(ty.clone()), |e| *e);
        return if only.ty().same_type(&ty) {
            Transformed::yes(only)
        } else {
            Transformed::no(Expr::Case {
                branches: vec![(super::boolean(true), only)],
                otherwise: None,
                ty,
            })
        };
    }
    let changed = kept.len() < before;
    crate::rule::transformed(
        Expr::Case {
            branches: kept,
            otherwise,
            ty,
        },
        changed,
    )
}

fn coalesce(args: Vec<Expr>, ty: SqlType, cx: &ExpressionContext<'_>) -> Transformed<Expr> {
    let before = args.len();
    let mut kept: Vec<Expr> = Vec::with_capacity(before);
    for e in args {
        if e.is_null_literal() {
            continue;
        }
        let last = !e.nullable(cx.nullable);
        kept.push(e);
        if last {
            break;
        }
    }
    if kept.is_empty() {
        return Transformed::yes(null(ty));
    }
    if kept.len() == 1 && kept[0].ty().same_type(&ty) {
        return Transformed::yes(kept.remove(0));
    }
    let changed = kept.len() < before;
    crate::rule::transformed(Expr::Coalesce { args: kept, ty }, changed)
}

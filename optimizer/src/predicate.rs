//! Facts about predicates and plans that several rules ask for.

use std::collections::BTreeSet;

use rsql_common::ColumnId;
use rsql_expr::tree::NullRule;
use rsql_expr::{CompareOp, Expr, Schema};
use rsql_planner::LogicalPlan;

/// May be evaluated earlier or on more rows: neither raises errors nor depends on how often it runs.
pub(crate) fn is_movable(e: &Expr) -> bool {
    e.is_deterministic() && !e.is_fallible()
}

/// Every column read is of `schema` (so are none).
pub(crate) fn reads_only(e: &Expr, schema: &Schema) -> bool {
    e.columns().iter().all(|c| schema.index_of(*c).is_some())
}

/// At least one column of `schema` is read.
pub(crate) fn reads_any(e: &Expr, schema: &Schema) -> bool {
    e.columns().iter().any(|c| schema.index_of(*c).is_some())
}

/// `l = r` with one side over `left` and one over `right`: the sides in that order. Each side reads a column.
pub(crate) fn equality_across<'a>(e: &'a Expr, left: &Schema, right: &Schema) -> Option<(&'a Expr, &'a Expr)> {
    let Expr::Compare {
        op: CompareOp::Eq,
        left: a,
        right: b,
    } = e
    else {
        return None;
    };
    let over = |e: &Expr, s: &Schema| reads_only(e, s) && !e.columns().is_empty();
    if over(a, left) && over(b, right) {
        Some((a, b))
    } else if over(a, right) && over(b, left) {
        Some((b, a))
    } else {
        None
    }
}

/// Columns of which any being NULL makes `e` NULL.
pub(crate) fn strict_columns(e: &Expr, out: &mut BTreeSet<ColumnId>) {
    match e {
        Expr::Column(c) => _ = out.insert(c.id),
        Expr::Compare {
            op: CompareOp::NullSafeEq,
            ..
        } => {}
        Expr::Compare { left, right, .. } => {
            strict_columns(left, out);
            strict_columns(right, out);
        }
        Expr::Arith(a) => {
            strict_columns(&a.left, out);
            strict_columns(&a.right, out);
        }
        Expr::Cast(c) => strict_columns(&c.expr, out),
        Expr::Not(e) | Expr::Field { expr: e, .. } => strict_columns(e, out),
        Expr::In { expr, .. } => strict_columns(expr, out),
        Expr::Call(c) if matches!(c.nulls, NullRule::Propagate | NullRule::PropagateOrNull) => {
            c.args.iter().for_each(|a| strict_columns(a, out));
        }
        _ => {}
    }
}

/// Columns of which any being NULL keeps the predicate from being TRUE.
pub(crate) fn null_rejected(e: &Expr, out: &mut BTreeSet<ColumnId>) {
    match e {
        Expr::And(parts) => parts.iter().for_each(|p| null_rejected(p, out)),
        Expr::Or(parts) => {
            let mut sets = parts.iter().map(|p| {
                let mut s = BTreeSet::new();
                null_rejected(p, &mut s);
                s
            });
            if let Some(first) = sets.next() {
                out.extend(sets.fold(first, |a, b| a.intersection(&b).copied().collect()));
            }
        }
        Expr::IsNotNull(e) => strict_columns(e, out),
        Expr::Not(inner) => match inner.as_ref() {
            Expr::IsNull(e) => strict_columns(e, out),
            _ => strict_columns(inner, out),
        },
        other => strict_columns(other, out),
    }
}

/// An aggregate without groups below nothing that drops rows.
pub(crate) fn gives_one_row(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(n) => n.groups.is_empty(),
        LogicalPlan::Projection(n) => gives_one_row(&n.input),
        LogicalPlan::Sort(n) if n.fetch != Some(0) => gives_one_row(&n.input),
        LogicalPlan::Limit(n) => n.skip == 0 && n.fetch != Some(0) && gives_one_row(&n.input),
        LogicalPlan::Values(n) => n.rows.len() == 1,
        LogicalPlan::With(n) => gives_one_row(&n.body),
        _ => false,
    }
}

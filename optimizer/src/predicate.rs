//! Facts about predicates and plans that several rules ask for.

use std::collections::BTreeSet;

use rsql_common::ColumnId;
use rsql_expr::tree::NullRule;
use rsql_expr::{CompareOp, Expr, Field, Schema};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::{JoinKind, Projection};

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

/// Only picks columns of its input.
pub(crate) fn is_selection(n: &Projection) -> bool {
    let bare = |(e, f): (&Expr, &Field)| matches!(e, Expr::Column(c) if c.id == f.id);
    n.exprs.iter().zip(n.schema.iter()).all(bare)
}

/// A number of rows that a plan surely does not exceed.
pub(crate) fn most_rows(plan: &LogicalPlan) -> Option<u64> {
    use LogicalPlan as L;
    let least = |a: Option<u64>, b: Option<u64>| a.into_iter().chain(b).min();
    match plan {
        L::Values(n) => Some(n.rows.len() as u64),
        // A scan's limit only says when it may stop.
        L::Scan(n) => n.facts.as_ref().filter(|f| f.exact)?.rows,
        L::Limit(n) => least(n.fetch, most_rows(&n.input)),
        L::Sort(n) => least(n.fetch, most_rows(&n.input)),
        L::Aggregate(n) if n.groups.is_empty() => Some(1),
        L::Aggregate(n) => most_rows(&n.input),
        L::Projection(n) => most_rows(&n.input),
        L::Filter(n) => most_rows(&n.input),
        L::Window(n) => most_rows(&n.input),
        L::Join(n) => match n.kind {
            JoinKind::Inner => most_rows(&n.left)?.checked_mul(most_rows(&n.right)?),
            JoinKind::LeftSemi | JoinKind::LeftAnti | JoinKind::LeftMark | JoinKind::LeftSingle => most_rows(&n.left),
            JoinKind::Left => most_rows(&n.left)?.checked_mul(most_rows(&n.right)?.max(1)),
            JoinKind::Right | JoinKind::Full => None,
        },
        L::Union(n) => n.inputs.iter().try_fold(0u64, |sum, i| sum.checked_add(most_rows(i)?)),
        _ => None,
    }
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

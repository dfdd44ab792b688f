//! Rows of joins: keys match as if the side with fewer values were contained in the other.

use rsql_expr::{CompareOp, Expr};
use rsql_planner::logical::JoinKind;

use super::{Statistics, conjunction};

/// Distinct values of a key.
fn key_distinct(e: &Expr, s: &Statistics) -> f64 {
    match e {
        Expr::Column(c) => s.distinct(c.id),
        Expr::Cast(c) => key_distinct(&c.expr, s),
        _ => super::column::unknown_distinct(s.rows.max(1.0)).min(s.rows.max(1.0)),
    }
}

/// The part of the cross product that all key pairs keep. Together, several keys have at least as many values as the one
/// with the most, and at most as many as the side with fewer rows.
fn key_selectivity(on: &[(Expr, Expr)], left: &Statistics, right: &Statistics) -> f64 {
    let (mut single, mut all_left, mut all_right) = (1.0f64, 1.0, 1.0);
    for (l, r) in on {
        let (l, r) = (key_distinct(l, left), key_distinct(r, right));
        single = single.max(l).max(r);
        all_left *= l;
        all_right *= r;
    }
    let together = f64::min(all_left.min(left.rows), all_right.min(right.rows));
    1.0 / single.max(together)
}

/// Rows of a join of this kind.
fn join_rows(kind: JoinKind, on: &[(Expr, Expr)], filter: &[Expr], left: &Statistics, right: &Statistics) -> f64 {
    let pairs = null_safe_pairs(filter, left);
    let all: Vec<(Expr, Expr)> = on.iter().cloned().chain(pairs).collect();
    let both = both(left, right);
    let rest: Vec<Expr> = filter.iter().filter(|e| !is_null_safe(e)).cloned().collect();
    let residual = if rest.is_empty() {
        1.0
    } else {
        conjunction(&rest, &both)
    };
    let inner = (left.rows * right.rows * key_selectivity(&all, left, right) * residual).max(1.0);
    // Part of the left rows with a partner.
    let matched = || {
        if right.rows < 0.5 {
            return 0.0;
        }
        let by_key = all
            .iter()
            .map(|(l, r)| (key_distinct(r, right) / key_distinct(l, left)).min(1.0))
            .fold(1.0, f64::min);
        let copies = (right.rows / all.first().map_or(1.0, |(_, r)| key_distinct(r, right))).max(1.0);
        by_key * (residual * copies).min(1.0)
    };
    match kind {
        JoinKind::Inner => inner,
        JoinKind::Left => inner.max(left.rows),
        JoinKind::Right => inner.max(right.rows),
        JoinKind::Full => inner.max(left.rows + right.rows - inner).max(left.rows).max(right.rows),
        JoinKind::LeftSemi => (left.rows * matched()).max(1.0),
        JoinKind::LeftAnti => (left.rows * (1.0 - matched())).max(left.rows * 0.05).max(1.0),
        JoinKind::LeftMark | JoinKind::LeftSingle => left.rows,
    }
}

fn is_null_safe(e: &Expr) -> bool {
    matches!(
        e,
        Expr::Compare {
            op: CompareOp::NullSafeEq,
            ..
        }
    )
}

fn null_safe_pairs(filter: &[Expr], left: &Statistics) -> Vec<(Expr, Expr)> {
    filter
        .iter()
        .filter_map(|e| match e {
            Expr::Compare {
                op: CompareOp::NullSafeEq,
                left: a,
                right: b,
            } => {
                let on_left = a.columns().iter().any(|c| left.columns.contains_key(c));
                let (l, r) = if on_left { (a, b) } else { (b, a) };
                Some((l.as_ref().clone(), r.as_ref().clone()))
            }
            _ => None,
        })
        .collect()
}

fn both(left: &Statistics, right: &Statistics) -> Statistics {
    let mut columns = left.columns.clone();
    columns.extend(right.columns.iter().map(|(k, v)| (*k, v.clone())));
    Statistics {
        rows: left.rows * right.rows.max(1.0),
        columns,
    }
}

/// Statistics of a join's output.
pub(crate) fn joined(
    kind: JoinKind,
    on: &[(Expr, Expr)],
    filter: &[Expr],
    left: &Statistics,
    right: &Statistics,
) -> Statistics {
    let rows = join_rows(kind, on, filter, left, right);
    let mut out = left.clone().scaled(rows);
    if matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti | JoinKind::LeftMark) {
        return out;
    }
    out.columns.extend(right.clone().scaled(rows).columns);
    if kind == JoinKind::Inner {
        // Both keys now hold the values they share.
        for (l, r) in on {
            if let (Expr::Column(l), Expr::Column(r)) = (l, r) {
                let d = left.distinct(l.id).min(right.distinct(r.id)).min(rows.max(1.0));
                for id in [l.id, r.id] {
                    let c = out.columns.entry(id).or_default();
                    c.distinct = Some(c.distinct.map_or(d, |x| x.min(d)));
                }
            }
        }
    }
    out
}

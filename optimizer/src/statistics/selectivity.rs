//! The part of the rows for which a predicate is TRUE.

use rsql_expr::{CompareOp, Expr, Scalar};

use super::Statistics;
use super::column::literal;

/// Columns that are compared with a constant mostly have few values.
const EQUAL_UNKNOWN: f64 = 0.05;
const RANGE: f64 = 0.3;
const LIKE_CONTAINS: f64 = 0.05;
const LIKE_PREFIX: f64 = 0.1;
const CALL: f64 = 0.25;
const NULLS: f64 = 0.05;
/// No estimate goes below this part.
const LEAST: f64 = 1e-7;

/// Of all conjuncts together; two bounds of one column count as a range.
pub(crate) fn conjunction(conjuncts: &[Expr], s: &Statistics) -> f64 {
    let mut all = 1.0;
    let mut done = vec![false; conjuncts.len()];
    for i in 0..conjuncts.len() {
        if done[i] {
            continue;
        }
        if let Some((id, low)) = bound(&conjuncts[i])
            && let Some(j) = (i + 1..conjuncts.len())
                .find(|j| !done[*j] && bound(&conjuncts[*j]).is_some_and(|(other, l)| other == id && l != low))
        {
            done[j] = true;
            let (a, b) = (predicate(&conjuncts[i], s), predicate(&conjuncts[j], s));
            let known = s.columns.get(&id).is_some_and(|c| c.min.is_some() && c.max.is_some());
            all *= if known {
                (a + b - 1.0).max(1.0 / s.distinct(id)).max(LEAST)
            } else {
                0.1
            };
            continue;
        }
        all *= predicate(&conjuncts[i], s);
    }
    all.clamp(LEAST, 1.0)
}

/// A comparison of a column with a literal: the column, and whether it bounds from below.
fn bound(e: &Expr) -> Option<(rsql_common::ColumnId, bool)> {
    let Expr::Compare { op, left, right } = e else {
        return None;
    };
    let (column, op) = match (left.as_ref(), right.as_ref()) {
        (Expr::Column(c), Expr::Literal(_)) => (c.id, *op),
        (Expr::Literal(_), Expr::Column(c)) => (c.id, op.flip()),
        _ => return None,
    };
    match op {
        CompareOp::Gt | CompareOp::GtEq => Some((column, true)),
        CompareOp::Lt | CompareOp::LtEq => Some((column, false)),
        _ => None,
    }
}

/// Of one predicate.
pub(crate) fn predicate(e: &Expr, s: &Statistics) -> f64 {
    let part = match e {
        Expr::Literal(l) => match l.value {
            Scalar::Bool(true) => 1.0,
            _ => 0.0,
        },
        Expr::And(parts) => conjunction(parts, s),
        Expr::Or(parts) => 1.0 - parts.iter().map(|p| 1.0 - predicate(p, s)).product::<f64>(),
        Expr::Not(inner) => 1.0 - predicate(inner, s),
        Expr::IsNull(inner) => nulls(inner, s),
        Expr::IsNotNull(inner) => 1.0 - nulls(inner, s),
        Expr::In { expr, list } => {
            let one = distinct(expr, s).map_or(EQUAL_UNKNOWN, |d| 1.0 / d);
            (one * list.len() as f64).min(1.0)
        }
        Expr::Compare { op, left, right } => compare(*op, left, right, s),
        Expr::Call(c) => match (&*c.func, c.args.get(1).and_then(Expr::as_literal)) {
            ("startswith", _) => LIKE_PREFIX,
            ("like" | "ilike", Some(p)) if !p.value.as_str().unwrap_or("%").starts_with('%') => LIKE_PREFIX,
            ("like" | "ilike" | "contains" | "endswith" | "rlike", _) => LIKE_CONTAINS,
            _ => CALL,
        },
        Expr::Column(_) => 0.5,
        _ => CALL,
    };
    part.clamp(0.0, 1.0)
}

fn nulls(e: &Expr, s: &Statistics) -> f64 {
    match e {
        Expr::Column(c) => s.columns.get(&c.id).map_or(NULLS, |c| c.null_fraction),
        _ => NULLS,
    }
}

/// Distinct values of a column, if known.
fn distinct(e: &Expr, s: &Statistics) -> Option<f64> {
    match e {
        Expr::Column(c) => {
            let known = s.columns.get(&c.id)?.distinct?;
            Some(known.clamp(1.0, s.rows.max(1.0)))
        }
        Expr::Cast(c) => distinct(&c.expr, s),
        _ => None,
    }
}

fn compare(op: CompareOp, left: &Expr, right: &Expr, s: &Statistics) -> f64 {
    let (side, value, op) = match (left, right) {
        (_, Expr::Literal(l)) => (left, l, op),
        (Expr::Literal(l), _) => (right, l, op.flip()),
        _ => {
            return match op {
                CompareOp::Eq | CompareOp::NullSafeEq => match (distinct(left, s), distinct(right, s)) {
                    (Some(a), Some(b)) => 1.0 / a.max(b),
                    (Some(d), None) | (None, Some(d)) => 1.0 / d,
                    _ => EQUAL_UNKNOWN,
                },
                CompareOp::NotEq => 1.0 - EQUAL_UNKNOWN,
                _ => 0.5,
            };
        }
    };
    let column = match side {
        Expr::Column(c) => s.columns.get(&c.id),
        Expr::Cast(c) => match &c.expr {
            Expr::Column(c) => s.columns.get(&c.id),
            _ => None,
        },
        _ => None,
    };
    let number = literal(value);
    let bounds = column.and_then(|c| Some((c.min?, c.max?)));
    match op {
        CompareOp::Eq | CompareOp::NullSafeEq => {
            if let (Some((min, max)), Some(v)) = (bounds, number)
                && (v < min || v > max)
            {
                return LEAST;
            }
            // At least one row is looked for.
            distinct(side, s).map_or(EQUAL_UNKNOWN.max(1.0 / s.rows.max(1.0)), |d| 1.0 / d)
        }
        CompareOp::NotEq => 1.0 - distinct(side, s).map_or(EQUAL_UNKNOWN, |d| 1.0 / d),
        CompareOp::Lt | CompareOp::LtEq | CompareOp::Gt | CompareOp::GtEq => {
            let (Some((min, max)), Some(v)) = (bounds, number) else {
                return RANGE;
            };
            let below = if max > min {
                ((v - min) / (max - min)).clamp(0.0, 1.0)
            } else {
                0.5
            };
            let d = distinct(side, s).unwrap_or(1e6).max(1.0);
            let part = match op {
                CompareOp::Lt | CompareOp::LtEq => below,
                _ => 1.0 - below,
            };
            // A bound that is met keeps at least its own value.
            let closed = matches!(op, CompareOp::LtEq | CompareOp::GtEq);
            if closed { (part + 1.0 / d).min(1.0) } else { part }
        }
    }
}

/// `s` after a filter of these conjuncts; bounds of compared columns are narrowed.
pub(crate) fn filtered(s: Statistics, conjuncts: &[Expr]) -> Statistics {
    let part = conjunction(conjuncts, &s);
    let rows = s.rows * part;
    let mut out = s.scaled(rows);
    for c in conjuncts {
        let Expr::Compare { op, left, right } = c else { continue };
        let (id, value, op) = match (left.as_ref(), right.as_ref()) {
            (Expr::Column(c), Expr::Literal(l)) => (c.id, l, *op),
            (Expr::Literal(l), Expr::Column(c)) => (c.id, l, op.flip()),
            _ => continue,
        };
        let Some(v) = literal(value) else {
            if op == CompareOp::Eq {
                out.columns.entry(id).or_default().distinct = Some(1.0);
            }
            continue;
        };
        let column = out.columns.entry(id).or_default();
        match op {
            CompareOp::Eq => {
                column.distinct = Some(1.0);
                (column.min, column.max) = (Some(v), Some(v));
            }
            CompareOp::Lt | CompareOp::LtEq => column.max = Some(column.max.map_or(v, |m| m.min(v))),
            CompareOp::Gt | CompareOp::GtEq => column.min = Some(column.min.map_or(v, |m| m.max(v))),
            _ => {}
        }
    }
    out
}

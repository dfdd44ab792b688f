//! What is thought of one column.

use rsql_catalog::ColumnFacts;
use rsql_common::ColumnId;
use rsql_expr::{Literal, Scalar, SqlType};

/// Bounds as numbers, so that every ordered type that is a number inside interpolates alike.
#[derive(Debug, Clone, Default)]
pub(crate) struct ColumnStatistics {
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) distinct: Option<f64>,
    pub(crate) null_fraction: f64,
    pub(crate) unique: bool,
    /// Where its values come from.
    pub(crate) relation: Option<Relation>,
}

/// What several columns come from together: they have no more combinations than it has rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Relation {
    /// Its first column.
    pub(crate) id: ColumnId,
    pub(crate) rows: f64,
}

/// A value as a number; decimals by their value.
pub(crate) fn number(value: &Scalar, ty: &SqlType) -> Option<f64> {
    match value {
        Scalar::F32(v) => Some(f64::from(*v)),
        Scalar::F64(v) => Some(*v),
        Scalar::Bool(b) => Some(f64::from(u8::from(*b))),
        other => {
            let v = other.as_i128()? as f64;
            Some(match ty {
                SqlType::Decimal(_, scale) => v / 10f64.powi(i32::from(*scale)),
                _ => v,
            })
        }
    }
}

/// A literal as a number.
pub(crate) fn literal(l: &Literal) -> Option<f64> {
    number(&l.value, &l.ty)
}

impl ColumnStatistics {
    pub(crate) fn of(facts: &ColumnFacts, ty: &SqlType, rows: f64) -> Self {
        let min = facts.min.as_ref().and_then(|v| number(v, ty));
        let max = facts.max.as_ref().and_then(|v| number(v, ty));
        let span = match (min, max) {
            (Some(a), Some(b)) if ty.is_integral() || *ty == SqlType::Date => Some(b - a + 1.0),
            (Some(a), Some(b)) => match ty {
                SqlType::Decimal(_, scale) => Some((b - a) * 10f64.powi(i32::from(*scale)) + 1.0),
                _ => None,
            },
            _ => None,
        };
        let known = facts.distinct.map(|d| d as f64);
        let distinct = if facts.unique { Some(rows) } else { known };
        let distinct = match (distinct, span) {
            (Some(d), Some(s)) => Some(d.min(s)),
            (Some(d), None) => Some(d),
            (None, Some(s)) => Some(s.min(rows)),
            (None, None) => None,
        };
        Self {
            min,
            max,
            distinct: distinct.map(|d| d.max(1.0)),
            null_fraction: facts.null_count.map_or(0.0, |n| n as f64 / rows.max(1.0)),
            unique: facts.unique,
            relation: None,
        }
    }

    pub(crate) fn constant(value: Option<f64>) -> Self {
        Self {
            min: value,
            max: value,
            distinct: Some(1.0),
            ..Self::default()
        }
    }
}

/// Distinct values where nothing is known.
pub(crate) fn unknown_distinct(rows: f64) -> f64 {
    (rows / 10.0).clamp(rows.min(10.0), 100_000.0).max(1.0)
}

/// Distinct values left when `rows` of `before` rows are: each value has `before / distinct` chances.
pub(crate) fn surviving_distinct(distinct: f64, before: f64, rows: f64) -> f64 {
    let kept = (rows / before.max(1.0)).clamp(0.0, 1.0);
    let copies = (before / distinct.max(1.0)).max(1.0);
    (distinct * (1.0 - (1.0 - kept).powf(copies))).clamp(1.0, rows.max(1.0))
}

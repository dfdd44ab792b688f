//! `rsql.optimizer.verify`: runs a query again with only the mandatory batches and compares.
//!
//! Rows compare as multisets of text, floating values within 1e-9 relative. An error of the optimized run counts only
//! if the reduced run succeeds. Volatile expressions and LIMIT without a total order are left out.

use std::collections::HashMap;
use std::sync::Arc;

use rsql_common::{Error, Result, Settings};
use rsql_expr::{Chunk, Scalar, Schema};
use rsql_planner::LogicalPlan;

use crate::query::{PlannedQuery, StatementCx};

/// Fails with `INTERNAL_ERROR` if the reduced run gives other rows.
pub(crate) fn check(
    cx: &StatementCx<'_>,
    planned: &PlannedQuery,
    outcome: &Result<Vec<Chunk>>,
    reduced_settings: Arc<Settings>,
) -> Result<()> {
    if !is_comparable(&planned.analyzed) {
        return Ok(());
    }
    let reduced = cx.replan(planned, reduced_settings)?;
    let (Ok(expected), actual) = (cx.collect(&reduced), outcome) else {
        return Ok(());
    };
    let actual = match actual {
        Ok(chunks) => chunks,
        Err(e) => {
            return Err(mismatch(
                cx,
                &format!("the optimized plan failed ({e}), the unoptimized one did not"),
            ));
        }
    };
    let (expected, actual) = (rows(&expected, &planned.schema)?, rows(actual, &planned.schema)?);
    if same(&expected, &actual) {
        return Ok(());
    }
    let what = format!(
        "{} rows with the optimizer, {} without, or other values",
        actual.len(),
        expected.len()
    );
    Err(mismatch(cx, &what))
}

fn mismatch(cx: &StatementCx<'_>, what: &str) -> Error {
    Error::internal(format!("optimizer verification failed: {what}; statement: {}", cx.text))
}

/// Volatile functions, samples and limits may give other rows each time; so may aggregates that depend on row order.
fn is_comparable(plan: &LogicalPlan) -> bool {
    let here = match plan {
        LogicalPlan::Limit(_) | LogicalPlan::Sample(_) => false,
        LogicalPlan::Sort(s) => s.fetch.is_none(),
        LogicalPlan::Aggregate(a) => !a.aggregates.iter().any(|c| is_order_sensitive(&c.func)),
        LogicalPlan::Window(_) => false,
        _ => true,
    };
    here && plan.expressions().iter().all(|e| e.is_deterministic()) && plan.children().iter().all(|c| is_comparable(c))
}

fn is_order_sensitive(func: &str) -> bool {
    matches!(
        func,
        "first"
            | "last"
            | "any_value"
            | "collect_list"
            | "collect_set"
            | "listagg"
            | "max_by"
            | "min_by"
            | "mode"
            | "approx_count_distinct"
            | "percentile_approx"
            | "histogram_numeric"
    ) || is_sketch(func)
}

/// Sketches estimate from what came first, and KLL sketches drop values by chance.
fn is_sketch(func: &str) -> bool {
    ["approx_top_k", "hll_", "kll_", "theta_", "tuple_"]
        .iter()
        .any(|family| func.starts_with(family))
}

fn rows(chunks: &[Chunk], schema: &Schema) -> Result<Vec<Vec<Scalar>>> {
    let mut out = Vec::new();
    for chunk in chunks {
        let chunk = chunk.compact()?;
        let arrays = chunk.columns.iter().map(|c| c.to_array()).collect::<Result<Vec<_>>>()?;
        for row in 0..chunk.len {
            out.push(
                arrays
                    .iter()
                    .zip(schema.iter())
                    .map(|(a, f)| rsql_expr::eval::scalar_at(a.as_ref(), row, &f.ty))
                    .collect::<Result<Vec<_>>>()?,
            );
        }
    }
    Ok(out)
}

fn same(a: &[Vec<Scalar>], b: &[Vec<Scalar>]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut counts: HashMap<&Vec<Scalar>, i64> = HashMap::new();
    a.iter().for_each(|r| *counts.entry(r).or_default() += 1);
    b.iter().for_each(|r| *counts.entry(r).or_default() -= 1);
    if counts.values().all(|n| *n == 0) {
        return true;
    }
    let mut left: Vec<_> = counts.iter().filter(|(_, n)| **n > 0).map(|(r, _)| *r).collect();
    let mut right: Vec<_> = counts.iter().filter(|(_, n)| **n < 0).map(|(r, _)| *r).collect();
    left.len() == right.len() && {
        let order = |r: &&Vec<Scalar>| format!("{r:.6?}");
        left.sort_by_key(order);
        right.sort_by_key(order);
        left.iter()
            .zip(&right)
            .all(|(x, y)| x.iter().zip(y.iter()).all(|(p, q)| close(p, q)))
    }
}

fn close(a: &Scalar, b: &Scalar) -> bool {
    let near = |x: f64, y: f64| x == y || (x.is_nan() && y.is_nan()) || (x - y).abs() <= 1e-9 * x.abs().max(y.abs());
    match (a, b) {
        (Scalar::F64(x), Scalar::F64(y)) => near(*x, *y),
        (Scalar::F32(x), Scalar::F32(y)) => near(f64::from(*x), f64::from(*y)),
        _ => a == b,
    }
}

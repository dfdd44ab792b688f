//! `percentile_approx`: a value of the group at a rank. All values are kept, so the answer is exact, which satisfies
//! every accuracy that can be asked for.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::row::Rows;
use rsql_common::Result;
use rsql_expr::function::{AggregateFn, FunctionRegistry, ResolveCx};
use rsql_expr::{AggregateCall, Expr, SortKey, SqlType};

use super::collecting::{Answer, Collecting};
use super::define::{add, aggregate, arg, arg_type, call, doc, field, no_order};
use super::percentile::{doubles_of, percentages};
use super::store::list_array;
use crate::kernel::{cast, check_count, constant, mismatch, non_foldable, unexpected_input};

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&PERCENTILE_APPROX]);
}

/// `percentile_approx(expr, percentage[, accuracy])`
static PERCENTILE_APPROX: AggregateFn = aggregate(
    "percentile_approx",
    &["approx_percentile"],
    doc(
        "percentile_approx(expr, percentage[, accuracy])",
        "Smallest value such that no more than the percentage of values is below it.",
        "SELECT percentile_approx(a, 0.5) FROM VALUES (0), (6), (7) AS t(a)",
    ),
    resolve,
    |call| vec![field("values", SqlType::array_of(arg_type(call, 0), false))],
    |call| {
        let ty = arg_type(call, 0).arrow();
        let list = call
            .args
            .get(1)
            .and_then(Expr::as_literal)
            .map(|l| doubles_of(&l.value))
            .unwrap_or_default();
        let answer = AtRanks {
            percentages: list.into_iter().flatten().collect(),
            many: matches!(call.ty, SqlType::Array(_)),
        };
        Ok(Box::new(Collecting::new(ty, answer)?))
    },
);

fn resolve(args: Vec<Expr>, order: Vec<SortKey>, ignore_nulls: bool, cx: &ResolveCx<'_>) -> Result<AggregateCall> {
    no_order(&order, cx)?;
    check_count(&args, 2, Some(3), cx)?;
    let value = arg(&args, 0)?.clone();
    let value = match value.ty() {
        t if t.is_string() || t == SqlType::Void => cast(value, &SqlType::Double, cx),
        t if t.is_numeric() || t.is_datetime() || t.is_ansi_interval() || matches!(t, SqlType::Time(_)) => value,
        _ => {
            let wanted = "(\"NUMERIC\", \"DATE\", \"TIMESTAMP\", \"TIMESTAMP_NTZ\", \"INTERVAL\")";
            return Err(unexpected_input(&args, 0, wanted, cx));
        }
    };
    let (percentage, many) = percentages(&args, 1, cx)?;
    if let Some(accuracy) = args.get(2) {
        if !accuracy.ty().is_integral() {
            return Err(unexpected_input(&args, 2, "\"INTEGRAL\"", cx));
        }
        match constant(accuracy, cx).map(|l| l.value.as_i64()) {
            Some(Some(n)) if n > 0 && n <= i64::from(i32::MAX) => {}
            Some(Some(n)) => {
                return Err(mismatch("VALUE_OUT_OF_RANGE", &args, cx)
                    .param("exprName", "accuracy")
                    .param("valueRange", format!("(0, {}]", i32::MAX))
                    .param("currentValue", n.to_string()));
            }
            Some(None) => return Err(mismatch("UNEXPECTED_NULL", &args, cx).param("exprName", "accuracy")),
            None => return Err(non_foldable(&args, 2, "accuracy", cx)),
        }
    }
    let ty = if many {
        SqlType::array_of(value.ty(), false)
    } else {
        value.ty()
    };
    Ok(call("percentile_approx", vec![value, percentage], ty, ignore_nulls, cx))
}

/// The values at ranks of the sorted group.
struct AtRanks {
    percentages: Vec<f64>,
    many: bool,
}

impl Answer for AtRanks {
    fn answer(&self, starts: &[usize], values: &ArrayRef, rows: &Rows) -> Result<ArrayRef> {
        let mut picks: Vec<Option<u32>> = Vec::new();
        let mut ends = vec![0];
        let mut absent = Vec::new();
        for w in starts.windows(2) {
            let mut order: Vec<u32> = (w[0] as u32..w[1] as u32).collect();
            order.sort_unstable_by(|a, b| rows.row(*a as usize).cmp(&rows.row(*b as usize)));
            absent.push(Some(order.is_empty()));
            if !order.is_empty() {
                picks.extend(self.percentages.iter().map(|p| {
                    let rank = (p * order.len() as f64).ceil() as usize;
                    Some(order[rank.clamp(1, order.len()) - 1])
                }));
            } else if !self.many {
                picks.push(None);
            }
            ends.push(picks.len());
        }
        if values.is_empty() {
            let ty = if self.many {
                list_array(&[0], Arc::clone(values))?.data_type().clone()
            } else {
                values.data_type().clone()
            };
            return Ok(arrow::array::new_null_array(&ty, absent.len()));
        }
        let picked = arrow::compute::take(values, &UInt32Array::from(picks), None)?;
        if !self.many {
            return Ok(picked);
        }
        Ok(arrow::compute::nullif(
            &list_array(&ends, picked)?,
            &absent.into_iter().collect(),
        )?)
    }
}

//! `approx_top_k_estimate`: the most frequent items of a sketch.

use arrow::array::{Array, ArrayRef, AsArray};
use rsql_common::{Error, Result};
use rsql_expr::function::{EvalArgs, Family as DocFamily, ReturnType, Signature};
use rsql_expr::{Expr, ScalarFn, SqlType};

use super::checks::{DEFAULT_K, broken, check_k, ddl_to_type, foldable_int, max_items, state_item, top_type};
use super::groups::{state_columns, tops};
use super::item::{Item, Kind};
use super::sketch::FrequentItems;
use crate::definition::doc;
use crate::kernel::{check_count, fallible};
use crate::sketch::bind::{self, bound_int, or_default};

/// `approx_top_k_estimate(state[, k])`
pub(super) static ESTIMATE: ScalarFn = fallible(
    "approx_top_k_estimate",
    &[],
    doc(
        DocFamily::Sketch,
        "approx_top_k_estimate(state[, k])",
        "The k most frequent values of a sketch (5 if not given) with their counts, most frequent first.",
        "SELECT approx_top_k_estimate(approx_top_k_accumulate(a), 1) FROM VALUES ('a'), ('b'), ('b') AS t(a)",
    ),
    Signature::bind_with(
        |mut args, cx| {
            check_count(&args, 1, Some(2), cx)?;
            or_default(&mut args, 1, bind::int(DEFAULT_K));
            let k = super::int_argument(&args, 1, cx)?;
            state_item(&args, cx)?;
            let k = check_k(foldable_int(&args, &k, "K must be a constant literal", "k", cx)?, cx)?;
            Ok(vec![args[0].clone(), bind::int(k)])
        },
        ReturnType::Of(|args, _| {
            let state = args.first().map_or(SqlType::Void, Expr::ty);
            Ok(top_type(&super::item_type(&state)))
        }),
    ),
    eval,
);

fn eval(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let k = bound_int(&args.call.args, 1).unwrap_or(0);
    let item = args
        .call
        .args
        .first()
        .map_or(SqlType::Void, |a| super::item_type(&a.ty()));
    let array = args.array(0)?;
    let states = array
        .as_struct_opt()
        .ok_or_else(|| Error::internal("a sketch is handed on as a struct"))?;
    let (bytes, tracked, ddls) = state_columns(states)?;
    let mut sketches: Vec<Option<FrequentItems>> = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        if states.is_null(row) {
            sketches.push(None);
            continue;
        }
        if bytes.is_null(row) || tracked.is_null(row) || ddls.is_null(row) {
            return Err(args.error(broken("approx_top_k_estimate")));
        }
        let ty = ddl_to_type(ddls.value(row)).map_err(|e| args.error(e))?;
        max_items(tracked.value(row).into(), Some(k as i32)).map_err(|e| args.error(e))?;
        let sketch = Kind::of(&ty).and_then(|kind| FrequentItems::read(kind, bytes.value(row)));
        sketches.push(Some(sketch.ok_or_else(|| args.error(broken("approx_top_k_estimate")))?));
    }
    let rows: Vec<Vec<(Option<&Item>, i64)>> = sketches
        .iter()
        .map(|s| s.as_ref().map(|s| s.top(k as usize)).unwrap_or_default())
        .collect();
    tops(rows, &item)
}

//! `approx_top_k_estimate`: the most frequent items of a sketch.

use arrow::array::{Array, ArrayRef, AsArray};
use rsql_common::{Error, Result};
use rsql_expr::function::{EvalArgs, Family as DocFamily, ReturnType, Signature};
use rsql_expr::{Expr, ScalarFn, SqlType};

use super::checks::{DEFAULT_K, broken, check_k, ddl_to_type, foldable_int, max_items, state_item, top_type};
use super::columns::{for_each_item, item_column};
use super::groups::{state_columns, top_lists};
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
    let mut tops: Vec<Top> = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        if states.is_null(row) {
            tops.push(Vec::new());
            continue;
        }
        let refused = || args.error(broken("approx_top_k_estimate"));
        if ddls.is_null(row) {
            return Err(refused());
        }
        let ty = ddl_to_type(ddls.value(row)).map_err(|e| args.error(e))?;
        if bytes.is_null(row) || tracked.is_null(row) {
            return Err(refused());
        }
        max_items(tracked.value(row).into(), Some(k as i32)).map_err(|e| args.error(e))?;
        let sketch = Kind::of(&ty).and_then(|kind| FrequentItems::read(kind, bytes.value(row)));
        let sketch = sketch.ok_or_else(refused)?;
        let top = sketch.top(k as usize);
        tops.push(if ty == item || ty.is_string() && item.is_string() {
            top.into_iter().map(|(item, count)| (item.cloned(), count)).collect()
        } else {
            widened(&top, &ty, &item, args)?
        });
    }
    let rows = tops
        .iter()
        .map(|top| top.iter().map(|(item, count)| (item.as_ref(), *count)).collect());
    top_lists(rows.collect(), &item)
}

/// Items and counts, the most frequent first.
type Top = Vec<(Option<Item>, i64)>;

/// Items of a sketch that a UNION gave another type.
fn widened(top: &[(Option<&Item>, i64)], from: &SqlType, to: &SqlType, args: &EvalArgs<'_>) -> Result<Top> {
    let items: Vec<Option<&Item>> = top.iter().map(|(item, _)| *item).collect();
    let column = item_column(&items, from)?;
    let call = args.call;
    let column = rsql_expr::cast::cast_array(&column, from, to, call.mode, &call.options, call.origin)?;
    let mut out = Vec::with_capacity(top.len());
    for_each_item(&column, to, |row, item| {
        out.push((item, top.get(row).map_or(0, |(_, count)| *count)));
        Ok(())
    })?;
    Ok(out)
}

//! `array_sort`: by natural order with NULLs last, or by a comparator.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::datatypes::Int32Type;
use rsql_common::{Error, Result};
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, Expr, ScalarFn, SqlType};

use super::bind_lambda::lambda;
use crate::array::sorted;
use crate::collection::{ListGather, Lists, bind};
use crate::definition::{doc, scalar};

pub(super) static ARRAY_SORT: ScalarFn = scalar(
    "array_sort",
    doc(
        Family::Lambda,
        "array_sort(array[, comparator])",
        "The array sorted, NULLs last; or by a comparator that gives a negative number, 0 or a positive number.",
        "SELECT array_sort(array('b', 'd', null, 'c', 'a'))",
    ),
    Signature::bind_with(bind_array_sort, ReturnType::SameAs(0)),
    NullRule::Custom,
    Effects::FALLIBLE,
    |args| {
        let lists = Lists::arg(args, 0)?;
        if args.len() > 1 {
            return by_comparator(args, &lists);
        }
        let sorted = sorted(&lists, args, |_| true, false)?;
        match lists.nulls() {
            Some(nulls) => mask(&sorted, nulls),
            None => Ok(sorted),
        }
    },
);

fn bind_array_sort(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 1, Some(2), cx)?;
    let mut args = args.into_iter();
    let array = bind::strict_array(args.next().unwrap_or_default(), 0, cx)?;
    let Some(comparator) = args.next() else {
        if let Some((element, _)) = bind::element(&array.ty()) {
            bind::orderable(&element, cx)?;
        }
        return Ok(vec![array]);
    };
    if comparator.ty() != SqlType::Int {
        return Err(bind::mismatch("UNEXPECTED_RETURN_TYPE", cx)
            .param("expectedType", "\"INT\"")
            .param("actualType", comparator.ty().quoted()));
    }
    let comparator = lambda("array_sort", comparator, 1, std::slice::from_ref(&array), cx)?;
    Ok(vec![array, comparator])
}

fn mask(array: &ArrayRef, nulls: &arrow::buffer::NullBuffer) -> Result<ArrayRef> {
    let nulls = arrow::buffer::NullBuffer::union(Some(nulls), array.nulls());
    let data = array.to_data().into_builder().nulls(nulls).build()?;
    Ok(arrow::array::make_array(data))
}

/// Two neighbouring sorted runs being merged.
struct Merge {
    row: u32,
    left: Range<usize>,
    right: Range<usize>,
    out: usize,
}

/// Bottom-up merge sort of all rows together: each call of the comparator compares the heads of all merges.
fn by_comparator(args: &EvalArgs<'_>, lists: &Lists) -> Result<ArrayRef> {
    let comparator = args.lambda(1)?;
    let live: Vec<usize> = (0..lists.len()).filter(|r| !lists.is_null(*r)).collect();
    let longest = live.iter().map(|r| lists.range(*r).len()).max().unwrap_or(0);
    let mut order: Vec<u32> = (0..lists.values.len() as u32).collect();
    let mut merged = order.clone();
    let mut width = 1;
    while width < longest {
        let mut merges: Vec<Merge> = Vec::new();
        for row in &live {
            let range = lists.range(*row);
            merged[range.clone()].copy_from_slice(&order[range.clone()]);
            let mut start = range.start;
            while start + width < range.end {
                let middle = start + width;
                let end = (middle + width).min(range.end);
                merges.push(Merge {
                    row: *row as u32,
                    left: start..middle,
                    right: middle..end,
                    out: start,
                });
                start = end;
            }
        }
        while !merges.is_empty() {
            let take = |position: fn(&Merge) -> usize| -> Result<ArrayRef> {
                let picks = merges.iter().map(|m| order[position(m)]);
                Ok(arrow::compute::take(
                    &lists.values,
                    &UInt32Array::from_iter_values(picks),
                    None,
                )?)
            };
            // The later element is compared with the earlier one, which stays first unless it is larger.
            let params = [take(|m| m.right.start)?, take(|m| m.left.start)?];
            let rows: Vec<u32> = merges.iter().map(|m| m.row).collect();
            let verdicts = comparator.call(&params, &rows)?;
            if verdicts.null_count() > 0 {
                return Err(args.error(
                    Error::user("COMPARATOR_RETURNS_NULL")
                        .param(
                            "firstValue",
                            arrow::util::display::array_value_to_string(&params[0], 0)?,
                        )
                        .param(
                            "secondValue",
                            arrow::util::display::array_value_to_string(&params[1], 0)?,
                        ),
                ));
            }
            let verdicts = verdicts.as_primitive::<Int32Type>();
            for (merge, verdict) in merges.iter_mut().zip(verdicts.values()) {
                let from = if *verdict < 0 {
                    &mut merge.right
                } else {
                    &mut merge.left
                };
                merged[merge.out] = order[from.start];
                from.start += 1;
                merge.out += 1;
            }
            merges.retain(|m| {
                let rest = match (m.left.is_empty(), m.right.is_empty()) {
                    (false, false) => return true,
                    (true, _) => m.right.clone(),
                    _ => m.left.clone(),
                };
                merged[m.out..m.out + rest.len()].copy_from_slice(&order[rest]);
                false
            });
        }
        order.copy_from_slice(&merged);
        width *= 2;
    }
    let mut out = ListGather::with_capacity(args.rows);
    for row in 0..lists.len() {
        if lists.is_null(row) {
            out.null_row();
            continue;
        }
        lists.range(row).for_each(|i| out.push(order[i] as usize));
        out.end_row()?;
    }
    out.finish(&[&lists.values], &args.call.ty)
}

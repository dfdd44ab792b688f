//! `aggregate` (`reduce`): folds an array.

use std::cmp::Reverse;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, UInt32Array};
use rsql_common::Result;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, Expr, ScalarFn, SqlType};

use super::bind_lambda::{lambda, returning};
use crate::collection::{Lists, bind};
use crate::definition::{doc, scalar};

pub(super) static AGGREGATE: ScalarFn = ScalarFn {
    aliases: &["reduce"],
    ..scalar(
        "aggregate",
        doc(
            Family::Lambda,
            "aggregate(array, start, merge[, finish])",
            "What `merge` makes of `start` and each element in turn, and `finish` of the outcome.",
            "SELECT aggregate(array(1, 2, 3), 0, (acc, x) -> acc + x)",
        ),
        Signature::bind_with(bind_aggregate, ReturnType::Of(result_type)),
        NullRule::Custom,
        Effects::PURE,
        aggregate,
    )
};

fn bind_aggregate(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 3, Some(4), cx)?;
    let state = args[1].ty();
    let mut bound: Vec<Expr> = Vec::with_capacity(args.len());
    for (i, a) in args.into_iter().enumerate() {
        bound.push(match i {
            0 => bind::strict_array(a, 0, cx)?,
            1 => a,
            _ => {
                let lambda = lambda("aggregate", a, i, &bound[..2], cx)?;
                if i == 2 {
                    returning(lambda, 2, &state, cx)?
                } else {
                    lambda
                }
            }
        });
    }
    Ok(bound)
}

fn result_type(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    Ok(args.get(3).or(args.get(1)).map_or(SqlType::Void, Expr::ty))
}

/// Folds all rows together, one element of each at a time: rows are taken in order of falling length, so that the
/// rows that still have elements are always the first ones.
fn aggregate(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::arg(args, 0)?;
    let length = |row: u32| lists.range(row as usize).len();
    let mut rows: Vec<u32> = (0..args.rows as u32).filter(|r| !lists.is_null(*r as usize)).collect();
    rows.sort_by_key(|r| Reverse(length(*r)));

    let merge = args.lambda(2)?;
    let mut state = arrow::compute::take(&args.array(1)?, &UInt32Array::from(rows.clone()), None)?;
    // States of rows that have no element left, last row first.
    let mut done: Vec<ArrayRef> = Vec::new();
    for step in 0.. {
        let active = rows.partition_point(|r| length(*r) > step);
        if active < state.len() {
            done.push(state.slice(active, state.len() - active));
        }
        if active == 0 {
            break;
        }
        let rows = &rows[..active];
        let picks = rows.iter().map(|r| (lists.range(*r as usize).start + step) as u32);
        let elements = arrow::compute::take(&lists.values, &UInt32Array::from_iter_values(picks), None)?;
        state = merge.call(&[state.slice(0, active), elements], rows)?;
    }
    done.reverse();
    let parts: Vec<&dyn Array> = done.iter().map(|a| a.as_ref()).collect();
    let mut result = match parts.as_slice() {
        [] => state,
        parts => arrow::compute::concat(parts)?,
    };
    if args.len() > 3 {
        result = args.lambda(3)?.call(&[result], &rows)?;
    }
    let mut place: Vec<Option<u32>> = vec![None; args.rows];
    for (i, row) in rows.iter().enumerate() {
        place[*row as usize] = Some(i as u32);
    }
    let in_order = place.iter().enumerate().all(|(i, p)| *p == Some(i as u32));
    if in_order {
        return Ok(Arc::clone(&result));
    }
    Ok(arrow::compute::take(&result, &UInt32Array::from(place), None)?)
}

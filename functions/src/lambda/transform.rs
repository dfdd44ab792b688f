//! Element by element: `transform`, `filter`, `zip_with`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, ListArray, UInt32Array};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::DataType;
use rsql_common::{Error, Result};
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, Expr, ScalarFn, SqlType};

use super::bind_lambda::{array_lambda, array_predicate, lambda, parameters};
use crate::collection::{ListGather, Lists, bind};
use crate::definition::{doc, scalar};

pub(super) static TRANSFORM: ScalarFn = scalar(
    "transform",
    doc(
        Family::Lambda,
        "transform(array, func)",
        "The array of what the function gives for each element, and optionally its position from 0.",
        "SELECT transform(array(1, 2, 3), x -> x + 1)",
    ),
    Signature::bind_with(
        |args, cx| array_lambda("transform", args, cx),
        ReturnType::Of(mapped_array),
    ),
    NullRule::Custom,
    Effects::PURE,
    |args| {
        let lists = Lists::arg(args, 0)?;
        let (_, result) = per_element(args, &lists)?;
        lists.with_elements(result, &args.call.ty)
    },
);

pub(super) static FILTER: ScalarFn = scalar(
    "filter",
    doc(
        Family::Lambda,
        "filter(array, func)",
        "The elements for which the function is true.",
        "SELECT filter(array(1, 2, 3), x -> x % 2 == 1)",
    ),
    Signature::bind_with(array_predicate, ReturnType::SameAs(0)),
    NullRule::Custom,
    Effects::PURE,
    filter,
);

pub(super) static ZIP_WITH: ScalarFn = scalar(
    "zip_with",
    doc(
        Family::Lambda,
        "zip_with(left, right, func)",
        "The array of what the function gives for the elements of both arrays; the shorter one is filled with NULLs.",
        "SELECT zip_with(array(1, 2), array(3, 4), (x, y) -> x + y)",
    ),
    Signature::bind_with(bind_zip_with, ReturnType::Of(mapped_array)),
    NullRule::Custom,
    Effects::PURE,
    zip_with,
);

fn bind_zip_with(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 3, Some(3), cx)?;
    let mut bound: Vec<Expr> = Vec::with_capacity(3);
    for (i, a) in args.into_iter().enumerate() {
        bound.push(match i {
            2 => lambda("zip_with", a, 2, &bound, cx)?,
            _ => bind::strict_array(a, i, cx)?,
        });
    }
    Ok(bound)
}

/// An array of what the last argument, a lambda, gives.
fn mapped_array(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    Ok(match args.last() {
        Some(Expr::Lambda(l)) => SqlType::array_of(l.body.ty(), l.body.nullable(&|_| true)),
        _ => SqlType::array(SqlType::Void),
    })
}

/// Row of each element and what the lambda at argument 1 gives for it.
fn per_element(args: &EvalArgs<'_>, lists: &Lists) -> Result<(Vec<u32>, ArrayRef)> {
    let (rows, elements) = lists.rows_and_elements()?;
    let mut params = vec![elements];
    if parameters(&args.call.args, 1) > 1 {
        let index = (0..lists.len())
            .filter(|r| !lists.is_null(*r))
            .flat_map(|r| 0..lists.range(r).len() as i32);
        params.push(Arc::new(Int32Array::from_iter_values(index)));
    }
    let result = args.lambda(1)?.call(&params, &rows)?;
    Ok((rows, result))
}

fn filter(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::arg(args, 0)?;
    let (_, keep) = per_element(args, &lists)?;
    let keep = keep.as_boolean();
    let mut out = ListGather::with_capacity(args.rows);
    let mut next = 0;
    for row in 0..lists.len() {
        if lists.is_null(row) {
            out.null_row();
            continue;
        }
        for i in lists.range(row) {
            if keep.is_valid(next) && keep.value(next) {
                out.push(i);
            }
            next += 1;
        }
        out.end_row()?;
    }
    out.finish(&[&lists.values], &args.call.ty)
}

fn zip_with(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = (Lists::arg(args, 0)?, Lists::arg(args, 1)?);
    let nulls = arrow::buffer::NullBuffer::union(left.nulls(), right.nulls());
    let (mut rows, mut left_picks, mut right_picks) = (Vec::new(), Vec::new(), Vec::new());
    let mut lengths = Vec::with_capacity(args.rows);
    for row in 0..args.rows {
        if nulls.as_ref().is_some_and(|n| n.is_null(row)) {
            lengths.push(0);
            continue;
        }
        let (l, r) = (left.range(row), right.range(row));
        let n = l.len().max(r.len());
        for i in 0..n {
            rows.push(row as u32);
            left_picks.push((i < l.len()).then(|| (l.start + i) as u32));
            right_picks.push((i < r.len()).then(|| (r.start + i) as u32));
        }
        lengths.push(n);
    }
    let params = [
        arrow::compute::take(&left.values, &UInt32Array::from(left_picks), None)?,
        arrow::compute::take(&right.values, &UInt32Array::from(right_picks), None)?,
    ];
    let values = args.lambda(2)?.call(&params, &rows)?;
    let DataType::List(field) = args.call.ty.arrow() else {
        return Err(Error::internal("zip_with must give an array"));
    };
    Ok(Arc::new(ListArray::try_new(
        field,
        OffsetBuffer::from_lengths(lengths),
        values,
        nulls,
    )?))
}

//! Order of elements: `sort_array`, `array_max`, `array_min`, `reverse` of arrays, `shuffle`.

use std::cmp::Ordering;

use arrow::array::{ArrayRef, AsArray, UInt32Array};
use arrow::datatypes::Int64Type;
use rand::Rng;
use rsql_common::Result;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, Expr, ScalarFn, SqlType};

use super::mersenne_twister::MersenneTwister;
use crate::collection::{Keys, ListGather, Lists, bind};
use crate::definition::{doc, scalar};

pub(super) static SORT_ARRAY: ScalarFn = scalar(
    "sort_array",
    doc(
        Family::Array,
        "sort_array(array[, ascending])",
        "The array sorted, NULLs first; or descending, NULLs last.",
        "SELECT sort_array(array('b', 'd', null, 'c', 'a'), true)",
    ),
    Signature::bind_with(bind_sort, ReturnType::SameAs(0)),
    NullRule::Propagate,
    Effects::PURE,
    sort_array,
);

pub(super) static ARRAY_MAX: ScalarFn = scalar(
    "array_max",
    doc(
        Family::Array,
        "array_max(array)",
        "The largest element; NULLs are skipped.",
        "SELECT array_max(array(1, 20, null, 3))",
    ),
    Signature::bind_with(bind_extremum, ReturnType::Of(element_type)),
    NullRule::PropagateOrNull,
    Effects::PURE,
    |args| extremum(args, Ordering::Greater),
);

pub(super) static ARRAY_MIN: ScalarFn = scalar(
    "array_min",
    doc(
        Family::Array,
        "array_min(array)",
        "The smallest element; NULLs are skipped.",
        "SELECT array_min(array(1, 20, null, 3))",
    ),
    Signature::bind_with(bind_extremum, ReturnType::Of(element_type)),
    NullRule::PropagateOrNull,
    Effects::PURE,
    |args| extremum(args, Ordering::Less),
);

pub(super) static SHUFFLE: ScalarFn = scalar(
    "shuffle",
    doc(
        Family::Array,
        "shuffle(array[, seed])",
        "The elements in random order.",
        "SELECT shuffle(array(1, 20, 3, 5))",
    ),
    Signature::optional(&[TypeSpec::Array, TypeSpec::Long], 1, ReturnType::SameAs(0)),
    NullRule::Propagate,
    Effects::VOLATILE,
    shuffle,
);

fn bind_sort(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 1, Some(2), cx)?;
    let mut bound = Vec::with_capacity(args.len());
    for (i, arg) in args.into_iter().enumerate() {
        bound.push(if i == 0 {
            let array = bind::array(arg, 0, cx)?;
            bind::orderable(&array.ty(), cx)?;
            array
        } else {
            bind::implicit(arg, TypeSpec::Boolean, 1, cx)?
        });
    }
    Ok(bound)
}

fn bind_extremum(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 1, Some(1), cx)?;
    let args = args
        .into_iter()
        .map(|a| bind::array(a, 0, cx))
        .collect::<Result<Vec<_>>>()?;
    for a in &args {
        if let Some((element, _)) = bind::element(&a.ty()) {
            bind::orderable(&element, cx)?;
        }
    }
    Ok(args)
}

/// Type of the first argument's elements.
pub(super) fn element_type(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    Ok(args
        .first()
        .and_then(|a| bind::element(&a.ty()))
        .map_or(SqlType::Void, |(ty, _)| ty))
}

fn sort_array(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::arg(args, 0)?;
    let ascending = if args.len() > 1 { Some(args.array(1)?) } else { None };
    let ascending = ascending.as_ref().map(|a| a.as_boolean());
    sorted(&lists, args, |row| ascending.is_none_or(|a| a.value(row)), true)
}

/// The lists sorted; rows in descending order have NULLs last.
pub(crate) fn sorted(
    lists: &Lists,
    args: &EvalArgs<'_>,
    ascending: impl Fn(usize) -> bool,
    nulls_first: bool,
) -> Result<ArrayRef> {
    let keys = Keys::new(&lists.values, &lists.element)?;
    let mut out = ListGather::with_capacity(args.rows);
    for row in 0..args.rows {
        out.extend(lists.range(row));
        let ascending = ascending(row);
        let nulls_last = !(nulls_first && ascending);
        out.current().sort_by(|a, b| {
            let (a, b) = (*a as usize, *b as usize);
            let by_null = lists.element_is_null(a).cmp(&lists.element_is_null(b));
            let by_null = if nulls_last { by_null } else { by_null.reverse() };
            let by_key = keys.get(a).cmp(keys.get(b));
            by_null.then(if ascending { by_key } else { by_key.reverse() })
        });
        out.end_row()?;
    }
    out.finish(&[&lists.values], &args.call.ty)
}

fn extremum(args: &EvalArgs<'_>, better: Ordering) -> Result<ArrayRef> {
    let lists = Lists::arg(args, 0)?;
    let keys = Keys::new(&lists.values, &lists.element)?;
    let picks: UInt32Array = (0..args.rows)
        .map(|row| {
            let mut best: Option<usize> = None;
            for i in lists.range(row).filter(|i| !lists.element_is_null(*i)) {
                if best.is_none_or(|b| keys.get(i).cmp(keys.get(b)) == better) {
                    best = Some(i);
                }
            }
            best.map(|b| b as u32)
        })
        .collect();
    Ok(arrow::compute::take(&lists.values, &picks, None)?)
}

/// `reverse` of arrays.
pub(crate) fn reverse_array(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::arg(args, 0)?;
    let mut out = ListGather::with_capacity(args.rows);
    for row in 0..args.rows {
        lists.range(row).rev().for_each(|i| out.push(i));
        out.end_row()?;
    }
    out.finish(&[&lists.values], &args.call.ty)
}

fn shuffle(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::arg(args, 0)?;
    let seed = if args.len() > 1 {
        let seeds = args.array(1)?;
        seeds.as_primitive::<Int64Type>().values().first().copied().unwrap_or(0)
    } else {
        rand::rng().random()
    };
    let mut random = MersenneTwister::new(seed);
    let mut out = ListGather::with_capacity(args.rows);
    for row in 0..args.rows {
        let range = lists.range(row);
        out.extend(range.clone());
        // Inside out: each element goes to a random place among those before it.
        let order = out.current();
        for (i, element) in range.enumerate() {
            let j = random.below(i as u32 + 1) as usize;
            order[i] = order[j];
            order[j] = element as u32;
        }
        out.end_row()?;
    }
    out.finish(&[&lists.values], &args.call.ty)
}

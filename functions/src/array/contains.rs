//! Searching: `array_contains`, `array_position`, `arrays_overlap`.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, Int64Array};
use rsql_common::Result;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, Signature};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, Expr, ScalarFn, SqlType};

use crate::collection::{Keys, Lists, bind};
use crate::definition::{doc, scalar};

pub(super) static ARRAY_CONTAINS: ScalarFn = scalar(
    "array_contains",
    doc(
        Family::Array,
        "array_contains(array, value)",
        "True if the array holds the value; NULL if it does not but holds NULLs.",
        "SELECT array_contains(array(1, 2, 3), 2)",
    ),
    Signature::bind_with(bind_contains, ret::BOOLEAN),
    NullRule::PropagateOrNull,
    Effects::PURE,
    array_contains,
);

pub(super) static ARRAY_POSITION: ScalarFn = scalar(
    "array_position",
    doc(
        Family::Array,
        "array_position(array, element)",
        "The position, from 1, of the first such element; 0 if there is none.",
        "SELECT array_position(array(312, 773, 708, 708), 708)",
    ),
    Signature::bind_with(|args, cx| bind_value(args, bind::tightest, cx), ret::LONG),
    NullRule::Propagate,
    Effects::PURE,
    array_position,
);

pub(super) static ARRAYS_OVERLAP: ScalarFn = scalar(
    "arrays_overlap",
    doc(
        Family::Array,
        "arrays_overlap(a1, a2)",
        "True if the arrays share an element that is not NULL; NULL if they do not and both are not empty and one holds NULLs.",
        "SELECT arrays_overlap(array(1, 2, 3), array(3, 4, 5))",
    ),
    Signature::bind_with(bind::two_arrays, ret::BOOLEAN),
    NullRule::PropagateOrNull,
    Effects::PURE,
    arrays_overlap,
);

fn bind_contains(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    if args.len() == 2 && args.iter().any(|a| a.ty() == SqlType::Void) {
        return Err(bind::mismatch("NULL_TYPE", cx));
    }
    bind_value(args, bind::wider, cx)
}

/// Binds `(array, value)`.
pub(super) fn bind_value(args: Vec<Expr>, widen: bind::Widen, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 2, Some(2), cx)?;
    let mut args = args.into_iter();
    let (Some(array), Some(value)) = (args.next(), args.next()) else {
        return Ok(Vec::new());
    };
    let (array, value) = bind::array_and_value(array, value, widen, cx)?;
    Ok(vec![array, value])
}

fn array_contains(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::arg(args, 0)?;
    let (elements, wanted) = Keys::pair(&lists.values, &args.array(1)?, &lists.element)?;
    let found: BooleanArray = (0..args.rows)
        .map(|row| {
            let mut has_null = false;
            for i in lists.range(row) {
                if lists.element_is_null(i) {
                    has_null = true;
                } else if elements.get(i) == wanted.get(row) {
                    return Some(true);
                }
            }
            (!has_null).then_some(false)
        })
        .collect();
    Ok(Arc::new(found))
}

fn array_position(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let lists = Lists::arg(args, 0)?;
    let (elements, wanted) = Keys::pair(&lists.values, &args.array(1)?, &lists.element)?;
    let positions = (0..args.rows).map(|row| {
        let range = lists.range(row);
        let start = range.start;
        let hit = range
            .into_iter()
            .find(|i| !lists.element_is_null(*i) && elements.get(*i) == wanted.get(row));
        hit.map_or(0, |i| (i - start + 1) as i64)
    });
    Ok(Arc::new(Int64Array::from_iter_values(positions)))
}

fn arrays_overlap(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = (Lists::arg(args, 0)?, Lists::arg(args, 1)?);
    let (left_keys, right_keys) = Keys::pair(&left.values, &right.values, &left.element)?;
    let mut seen: HashSet<&[u8]> = HashSet::new();
    let found: BooleanArray = (0..args.rows)
        .map(|row| {
            let (l, r) = (left.range(row), right.range(row));
            seen.clear();
            seen.extend(
                l.clone()
                    .filter(|i| !left.element_is_null(*i))
                    .map(|i| left_keys.get(i)),
            );
            if r.clone()
                .any(|i| !right.element_is_null(i) && seen.contains(right_keys.get(i)))
            {
                return Some(true);
            }
            let has_null = l.clone().any(|i| left.element_is_null(i)) || r.clone().any(|i| right.element_is_null(i));
            (!has_null || l.is_empty() || r.is_empty()).then_some(false)
        })
        .collect();
    debug_assert_eq!(found.len(), args.rows);
    Ok(Arc::new(found))
}

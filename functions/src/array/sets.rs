//! Arrays as sets: `array_distinct`, `array_union`, `array_intersect`, `array_except`. NULL counts as a value; results
//! keep the order of first occurrence.

use std::collections::HashSet;

use arrow::array::ArrayRef;
use rsql_common::Result;
use rsql_expr::function::{EvalArgs, Family, ReturnType, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::{Effects, ScalarFn};

use crate::collection::{Keys, ListGather, Lists, bind};
use crate::definition::{doc, scalar};

pub(super) static ARRAY_DISTINCT: ScalarFn = scalar(
    "array_distinct",
    doc(
        Family::Array,
        "array_distinct(array)",
        "The array without repeated elements.",
        "SELECT array_distinct(array(1, 2, 3, null, 3))",
    ),
    Signature::exact(&[TypeSpec::Array], ReturnType::SameAs(0)),
    NullRule::Propagate,
    Effects::PURE,
    |args| combine(args, |_, _| true),
);

pub(super) static ARRAY_UNION: ScalarFn = scalar(
    "array_union",
    doc(
        Family::Array,
        "array_union(array1, array2)",
        "The elements of both arrays, without repetitions.",
        "SELECT array_union(array(1, 2, 3), array(1, 3, 5))",
    ),
    Signature::bind_with(bind::two_arrays, ReturnType::SameAs(0)),
    NullRule::Propagate,
    Effects::PURE,
    array_union,
);

pub(super) static ARRAY_INTERSECT: ScalarFn = scalar(
    "array_intersect",
    doc(
        Family::Array,
        "array_intersect(array1, array2)",
        "The elements of the first array that are in the second too, without repetitions.",
        "SELECT array_intersect(array(1, 2, 3), array(1, 3, 5))",
    ),
    Signature::bind_with(bind::two_arrays, ReturnType::SameAs(0)),
    NullRule::Propagate,
    Effects::PURE,
    |args| combine(args, |key, right| right.contains(key)),
);

pub(super) static ARRAY_EXCEPT: ScalarFn = scalar(
    "array_except",
    doc(
        Family::Array,
        "array_except(array1, array2)",
        "The elements of the first array that are not in the second, without repetitions.",
        "SELECT array_except(array(1, 2, 3), array(1, 3, 5))",
    ),
    Signature::bind_with(bind::two_arrays, ReturnType::SameAs(0)),
    NullRule::Propagate,
    Effects::PURE,
    |args| combine(args, |key, right| !right.contains(key)),
);

/// First occurrences of the elements of the first array that `keep` accepts, given the second array's elements.
fn combine(args: &EvalArgs<'_>, keep: impl Fn(&[u8], &HashSet<&[u8]>) -> bool) -> Result<ArrayRef> {
    let left = Lists::arg(args, 0)?;
    let right = Lists::arg(args, args.len() - 1)?;
    let (left_keys, right_keys) = Keys::pair(&left.values, &right.values, &left.element)?;
    let mut out = ListGather::with_capacity(args.rows);
    let (mut seen, mut others) = (HashSet::new(), HashSet::new());
    for row in 0..args.rows {
        seen.clear();
        others.clear();
        others.extend(right.range(row).map(|i| right_keys.get(i)));
        for i in left.range(row) {
            let key = left_keys.get(i);
            if keep(key, &others) && seen.insert(key) {
                out.push(i);
            }
        }
        out.end_row()?;
    }
    out.finish(&[&left.values], &args.call.ty)
}

fn array_union(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = (Lists::arg(args, 0)?, Lists::arg(args, 1)?);
    let (left_keys, right_keys) = Keys::pair(&left.values, &right.values, &left.element)?;
    let mut out = ListGather::with_capacity(args.rows);
    let mut seen = HashSet::new();
    for row in 0..args.rows {
        seen.clear();
        left.range(row)
            .filter(|i| seen.insert(left_keys.get(*i)))
            .for_each(|i| out.push(i));
        let shift = left.values.len();
        right
            .range(row)
            .filter(|i| seen.insert(right_keys.get(*i)))
            .for_each(|i| out.push(shift + i));
        out.end_row()?;
    }
    out.finish(&[&left.values, &right.values], &args.call.ty)
}

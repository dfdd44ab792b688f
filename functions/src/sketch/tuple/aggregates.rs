//! Definitions of the aggregates over tuple sketches.

use std::marker::PhantomData;

use arrow::datatypes::{Float64Type, Int32Type};
use rsql_common::Result;
use rsql_expr::function::{Family as DocFamily, ResolveCx, TypeSpec};
use rsql_expr::{AggregateCall, AggregateFn, Expr, SortKey};

use super::groups::{Build, Intersect, Unite};
use super::parameters::{Optional, complete, key, mode, mode_of, size, size_of};
use crate::definition::doc;
use crate::kernel::check_count;
use crate::sketch::accumulator::{Sketches, state_field};
use crate::sketch::bind::{self, implicit};
use crate::sketch::{aggregate, binary_call};

macro_rules! aggregates {
    ($($module:ident, $suffix:literal, $arrow:ty, $native:ty, $spec:expr, $type_name:literal, $one:literal;)*) => {
        /// All of them.
        pub(super) static ALL: &[&AggregateFn] = &[$(&$module::SKETCH, &$module::UNION, &$module::INTERSECTION),*];
        $(mod $module {
            use super::*;

            pub(super) static SKETCH: AggregateFn = aggregate(
                concat!("tuple_sketch_agg_", $suffix),
                doc(
                    DocFamily::Aggregate,
                    concat!("tuple_sketch_agg_", $suffix, "(key, summary[, lgNomEntries, mode])"),
                    "Tuple sketch of the keys, with 2^lgNomEntries entries (4 to 26, 12 if not given); the numbers of a \
                     key are combined by the mode: sum (the default), min, max, alwaysone.",
                    concat!(
                        "SELECT tuple_sketch_estimate_", $suffix, "(tuple_sketch_agg_", $suffix,
                        "(k, v)) FROM VALUES (1, ", $one, "), (1, ", $one, "), (2, ", $one, ") AS t(k, v)"
                    ),
                ),
                |args, order, _, cx| {
                    let name = concat!("tuple_sketch_agg_", $suffix);
                    resolve_sketch(name, $spec, concat!("\"", $type_name, "\""), args, &order, cx)
                },
                |_| state_field(),
                |call| {
                    Ok(Sketches::boxed(Build::<$arrow> {
                        lg: size_of(call, 2),
                        mode: mode_of(&call.args, 3),
                        numbers: PhantomData,
                    }))
                },
            );

            pub(super) static UNION: AggregateFn = aggregate(
                concat!("tuple_union_agg_", $suffix),
                doc(
                    DocFamily::Aggregate,
                    concat!("tuple_union_agg_", $suffix, "(child[, lgNomEntries, mode])"),
                    "Union of tuple sketches, with 2^lgNomEntries entries (4 to 26, 12 if not given); numbers are \
                     combined by the mode: sum (the default), min, max, alwaysone.",
                    concat!(
                        "SELECT tuple_sketch_estimate_", $suffix, "(tuple_union_agg_", $suffix,
                        "(s)) FROM (SELECT tuple_sketch_agg_", $suffix, "(k, v) AS s FROM VALUES (1, ", $one,
                        "), (2, ", $one, ") AS t(k, v) GROUP BY k)"
                    ),
                ),
                |args, order, _, cx| resolve_union(concat!("tuple_union_agg_", $suffix), args, &order, cx),
                |_| state_field(),
                |call| {
                    Ok(Sketches::boxed(Unite::<$native> {
                        lg: size_of(call, 1),
                        mode: mode_of(&call.args, 2),
                        function: concat!("tuple_union_agg_", $suffix),
                        origin: call.origin,
                        numbers: PhantomData,
                    }))
                },
            );

            pub(super) static INTERSECTION: AggregateFn = aggregate(
                concat!("tuple_intersection_agg_", $suffix),
                doc(
                    DocFamily::Aggregate,
                    concat!("tuple_intersection_agg_", $suffix, "(child[, mode])"),
                    "Intersection of tuple sketches; numbers are combined by the mode: sum (the default), min, max, \
                     alwaysone.",
                    concat!(
                        "SELECT tuple_sketch_estimate_", $suffix, "(tuple_intersection_agg_", $suffix,
                        "(s)) FROM (SELECT tuple_sketch_agg_", $suffix, "(k, v) AS s FROM VALUES (1, ", $one,
                        "), (2, ", $one, ") AS t(k, v) GROUP BY k)"
                    ),
                ),
                |args, order, _, cx| {
                    resolve_intersection(concat!("tuple_intersection_agg_", $suffix), args, &order, cx)
                },
                |_| state_field(),
                |call| {
                    Ok(Sketches::boxed(Intersect::<$native> {
                        mode: mode_of(&call.args, 1),
                        function: concat!("tuple_intersection_agg_", $suffix),
                        origin: call.origin,
                        numbers: PhantomData,
                    }))
                },
            );
        })*
    };
}

aggregates! {
    double, "double", Float64Type, f64, TypeSpec::Double, "DOUBLE", "1.0D";
    integer, "integer", Int32Type, i32, TypeSpec::Int, "INT", "1";
}

fn resolve_sketch(
    name: &'static str,
    number: TypeSpec,
    number_name: &str,
    args: Vec<Expr>,
    order: &[SortKey],
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    let args = complete(name, args, &["key", "summary"], Optional::SizeAndMode, cx)?;
    let bound = vec![
        key(&args, cx)?,
        implicit(&args, 1, number, number_name, cx)?,
        size(name, &args, 2, true, cx)?,
        mode(name, &args, 3, true, cx)?,
    ];
    binary_call(name, bound, order, cx)
}

fn resolve_union(name: &'static str, args: Vec<Expr>, order: &[SortKey], cx: &ResolveCx<'_>) -> Result<AggregateCall> {
    let args = complete(name, args, &["child"], Optional::SizeAndMode, cx)?;
    let bound = vec![
        bind::sketch(&args, 0, cx)?,
        size(name, &args, 1, true, cx)?,
        mode(name, &args, 2, true, cx)?,
    ];
    binary_call(name, bound, order, cx)
}

fn resolve_intersection(
    name: &'static str,
    args: Vec<Expr>,
    order: &[SortKey],
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    check_count(&args, 1, Some(2), cx)?;
    let args = complete(name, args, &["child"], Optional::Mode, cx)?;
    let bound = vec![bind::sketch(&args, 0, cx)?, mode(name, &args, 1, true, cx)?];
    binary_call(name, bound, order, cx)
}

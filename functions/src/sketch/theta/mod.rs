//! Distinct counts with set operations by theta sketches: `theta_sketch_agg`, `theta_union_agg`,
//! `theta_intersection_agg`, `theta_union`, `theta_intersection`, `theta_difference`, `theta_sketch_estimate`.

mod groups;
pub(super) mod sketch;
#[cfg(test)]
mod tests;

pub(super) use self::groups::for_each_sketch;

use arrow::array::ArrayRef;
use datasketches::theta::{CompactThetaSketch, ThetaANotB};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family as DocFamily, FunctionRegistry, ResolveCx, Signature};
use rsql_expr::{AggregateCall, AggregateFn, Expr, ScalarFn, SortKey, SqlType};

use super::accumulator::{Sketches, state_field};
use super::bind::{self, check_lg_nom_entries, constant_of, exact, exact_int, or_default};
use super::keys::{THETA_KEYS, is_theta_key};
use super::{aggregate, binary_call, estimates};
use crate::definition::doc;
use crate::kernel::{BinCol, IntCol, binary_rows, check_count, fallible, some};

pub(super) fn register(r: &mut FunctionRegistry) {
    super::add(
        r,
        &[&SKETCH_AGG, &UNION_AGG, &INTERSECTION_AGG],
        &[&UNION, &INTERSECTION, &DIFFERENCE, &ESTIMATE],
    );
}

/// Size if none is given: 2^12 entries.
const DEFAULT_LG: i32 = 12;

/// `theta_sketch_agg(expr[, lgNomEntries])`
static SKETCH_AGG: AggregateFn = aggregate(
    "theta_sketch_agg",
    doc(
        DocFamily::Aggregate,
        "theta_sketch_agg(expr[, lgNomEntries])",
        "Theta sketch of the values, with 2^lgNomEntries entries (4 to 26, 12 if not given).",
        "SELECT theta_sketch_estimate(theta_sketch_agg(a)) FROM VALUES (1), (1), (2) AS t(a)",
    ),
    |args, order, _, cx| {
        let (args, lg) = with_size("theta_sketch_agg", args, cx)?;
        let value = exact(&args, 0, is_theta_key, &SqlType::Int, THETA_KEYS, cx)?;
        binary_call("theta_sketch_agg", vec![value, bind::int(lg.into())], &order, cx)
    },
    |_| state_field(),
    |call| Ok(Sketches::boxed(groups::Build { lg: size_of_call(call) })),
);

/// `theta_union_agg(sketch[, lgNomEntries])`
static UNION_AGG: AggregateFn = aggregate(
    "theta_union_agg",
    doc(
        DocFamily::Aggregate,
        "theta_union_agg(sketch[, lgNomEntries])",
        "Union of theta sketches, with 2^lgNomEntries entries (4 to 26, 12 if not given).",
        "SELECT theta_sketch_estimate(theta_union_agg(s)) FROM (SELECT theta_sketch_agg(a) AS s FROM VALUES (1), (2) AS t(a) GROUP BY a)",
    ),
    |args, order, _, cx| {
        let (args, lg) = with_size("theta_union_agg", args, cx)?;
        let sketch = bind::sketch(&args, 0, cx)?;
        binary_call("theta_union_agg", vec![sketch, bind::int(lg.into())], &order, cx)
    },
    |_| state_field(),
    |call| {
        Ok(Sketches::boxed(groups::Unite {
            lg: size_of_call(call),
            origin: call.origin,
        }))
    },
);

/// `theta_intersection_agg(sketch)`
static INTERSECTION_AGG: AggregateFn = aggregate(
    "theta_intersection_agg",
    doc(
        DocFamily::Aggregate,
        "theta_intersection_agg(sketch)",
        "Intersection of theta sketches.",
        "SELECT theta_sketch_estimate(theta_intersection_agg(s)) FROM (SELECT theta_sketch_agg(a) AS s FROM VALUES (1), (2) AS t(a) GROUP BY a)",
    ),
    |args: Vec<Expr>, order: Vec<SortKey>, _: bool, cx: &ResolveCx<'_>| {
        check_count(&args, 1, Some(1), cx)?;
        binary_call("theta_intersection_agg", vec![bind::sketch(&args, 0, cx)?], &order, cx)
    },
    |_| state_field(),
    |call| Ok(Sketches::boxed(groups::Intersect { origin: call.origin })),
);

/// The arguments with their default, and the size.
fn with_size(function: &'static str, mut args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<(Vec<Expr>, u8)> {
    check_count(&args, 1, Some(2), cx)?;
    or_default(&mut args, 1, bind::int(DEFAULT_LG));
    let size = constant_of(&exact_int(&args, 1, cx)?, cx)?.ok_or_else(|| {
        Error::user("THETA_LG_NOM_ENTRIES_MUST_BE_CONSTANT")
            .param("function", quoted_name([function]))
            .at(cx.origin.0)
    })?;
    // Spark takes NULL for 0 here.
    let lg = check_lg_nom_entries(function, size.value.as_i64().unwrap_or(0)).map_err(|e| e.at(cx.origin.0))?;
    Ok((args, lg))
}

fn size_of_call(call: &AggregateCall) -> u8 {
    bind::bound_int(&call.args, 1).unwrap_or(DEFAULT_LG.into()) as u8
}

/// `theta_union(first, second[, lgNomEntries])`
static UNION: ScalarFn = fallible(
    "theta_union",
    &[],
    doc(
        DocFamily::Sketch,
        "theta_union(first, second[, lgNomEntries])",
        "Union of two theta sketches, with 2^lgNomEntries entries (4 to 26, 12 if not given).",
        "SELECT theta_sketch_estimate(theta_union(theta_sketch_agg(a), theta_sketch_agg(b))) FROM VALUES (1, 4), (2, 5) AS t(a, b)",
    ),
    Signature::bind_with(
        |mut args, cx| {
            check_count(&args, 2, Some(3), cx)?;
            or_default(&mut args, 2, bind::int(DEFAULT_LG));
            let size = exact_int(&args, 2, cx)?;
            Ok(vec![bind::sketch(&args, 0, cx)?, bind::sketch(&args, 1, cx)?, size])
        },
        ret::BINARY,
    ),
    |args| {
        let (first, second, size) = (BinCol::of(args, 0)?, BinCol::of(args, 1)?, IntCol::of(args, 2)?);
        let origin = args.call.origin;
        binary_rows(args.rows, |row, out| {
            let lg = check_lg_nom_entries("theta_union", some!(size.get(row)).into()).map_err(|e| e.at(origin.0))?;
            let first = sketch::read_for(some!(first.get(row)), "theta_union", origin)?;
            let second = sketch::read_for(some!(second.get(row)), "theta_union", origin)?;
            out.extend(sketch::write(&sketch::union(lg, &[&first, &second])?));
            Ok(Some(()))
        })
    },
);

/// The sketches that `f` makes of each row's two.
fn pairs<E>(
    args: &EvalArgs<'_>,
    function: &str,
    f: impl Fn(&CompactThetaSketch, &CompactThetaSketch) -> Result<CompactThetaSketch, E>,
) -> Result<ArrayRef> {
    let (first, second) = (BinCol::of(args, 0)?, BinCol::of(args, 1)?);
    let read = |bytes| sketch::read_for(bytes, function, args.call.origin);
    binary_rows(args.rows, |row, out| {
        let (first, second) = (read(some!(first.get(row)))?, read(some!(second.get(row)))?);
        let made = f(&first, &second).map_err(|_| sketch::refused(function, &[], args.call.origin))?;
        out.extend(sketch::write(&made));
        Ok(Some(()))
    })
}

/// `theta_intersection(first, second)`
static INTERSECTION: ScalarFn = fallible(
    "theta_intersection",
    &[],
    doc(
        DocFamily::Sketch,
        "theta_intersection(first, second)",
        "Intersection of two theta sketches.",
        "SELECT theta_sketch_estimate(theta_intersection(theta_sketch_agg(a), theta_sketch_agg(b))) FROM VALUES (1, 2), (2, 5) AS t(a, b)",
    ),
    Signature::bind_with(bind::two_sketches, ret::BINARY),
    |args| pairs(args, "theta_intersection", sketch::intersection),
);

/// `theta_difference(first, second)`
static DIFFERENCE: ScalarFn = fallible(
    "theta_difference",
    &[],
    doc(
        DocFamily::Sketch,
        "theta_difference(first, second)",
        "What the first theta sketch has and the second has not.",
        "SELECT theta_sketch_estimate(theta_difference(theta_sketch_agg(a), theta_sketch_agg(b))) FROM VALUES (1, 2), (2, 5) AS t(a, b)",
    ),
    Signature::bind_with(bind::two_sketches, ret::BINARY),
    |args| {
        pairs(args, "theta_difference", |first, second| {
            ThetaANotB::default().compute(first, second, true)
        })
    },
);

/// `theta_sketch_estimate(sketch)`
static ESTIMATE: ScalarFn = fallible(
    "theta_sketch_estimate",
    &[],
    doc(
        DocFamily::Sketch,
        "theta_sketch_estimate(sketch)",
        "Estimated number of distinct values of a theta sketch.",
        "SELECT theta_sketch_estimate(theta_sketch_agg(a)) FROM VALUES (1), (1), (2) AS t(a)",
    ),
    Signature::bind_with(bind::one_sketch, ret::LONG),
    |args| {
        estimates(args, |bytes| {
            let sketch = sketch::read_for(bytes, "theta_sketch_estimate", args.call.origin)?;
            Ok(sketch::estimate(&sketch))
        })
    },
);

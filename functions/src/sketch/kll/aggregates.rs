//! Definitions of the aggregates over KLL sketches.

use std::marker::PhantomData;

use datasketches::kll::KllFloat;
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{Family as DocFamily, ResolveCx};
use rsql_expr::{AggregateCall, AggregateFn, Expr, SortKey};

use super::groups::{Build, DEFAULT_K, Merge};
use super::item::Item;
use crate::definition::doc;
use crate::kernel::check_count;
use crate::sketch::accumulator::{Sketches, state_field};
use crate::sketch::bind::{self, check_failure, exact, exact_int, nested_message, parameter};
use crate::sketch::{aggregate, binary_call};

macro_rules! aggregates {
    ($($module:ident, $suffix:literal, $item:ty, $example:literal;)*) => {
        /// All of them.
        pub(super) static ALL: &[&AggregateFn] = &[$(&$module::SKETCH, &$module::MERGE),*];
        $(mod $module {
            use super::*;

            pub(super) static SKETCH: AggregateFn = aggregate(
                concat!("kll_sketch_agg_", $suffix),
                doc(
                    DocFamily::Aggregate,
                    concat!("kll_sketch_agg_", $suffix, "(expr[, k])"),
                    "KLL quantiles sketch of the values; its accuracy grows with k (8 to 65535, 200 if not given).",
                    concat!(
                        "SELECT kll_sketch_get_n_", $suffix, "(kll_sketch_agg_", $suffix, "(a)) FROM VALUES ",
                        $example, " AS t(a)"
                    ),
                ),
                |args, order, _, cx| resolve_sketch::<$item>(concat!("kll_sketch_agg_", $suffix), args, &order, cx),
                |_| state_field(),
                |call| {
                    Ok(Sketches::boxed(Build::<$item> {
                        k: bound_k(call).unwrap_or(DEFAULT_K),
                        items: PhantomData,
                    }))
                },
            );

            pub(super) static MERGE: AggregateFn = aggregate(
                concat!("kll_merge_agg_", $suffix),
                doc(
                    DocFamily::Aggregate,
                    concat!("kll_merge_agg_", $suffix, "(sketch[, k])"),
                    "KLL quantiles sketches merged into one of accuracy k; without k, that of the first.",
                    concat!(
                        "SELECT kll_sketch_get_n_", $suffix, "(kll_merge_agg_", $suffix, "(s)) FROM (SELECT \
                         kll_sketch_agg_", $suffix, "(a) AS s FROM VALUES ", $example, " AS t(a) GROUP BY a)"
                    ),
                ),
                |args, order, _, cx| resolve_merge(concat!("kll_merge_agg_", $suffix), args, &order, cx),
                |_| state_field(),
                |call| {
                    Ok(Sketches::boxed(Merge::<$item> {
                        k: bound_k(call),
                        function: concat!("kll_merge_agg_", $suffix),
                        origin: call.origin,
                        items: PhantomData,
                    }))
                },
            );
        })*
    };
}

aggregates! {
    bigint, "bigint", i64, "(1), (2), (3)";
    float, "float", KllFloat<f32>, "(1.0F), (2.0F), (3.0F)";
    double, "double", KllFloat<f64>, "(1.0D), (2.0D), (3.0D)";
}

fn resolve_sketch<I: Item>(
    name: &'static str,
    args: Vec<Expr>,
    order: &[SortKey],
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    check_count(&args, 1, Some(2), cx)?;
    let null_type = match I::SKETCH_NAME {
        "KllFloatsSketch" => rsql_expr::SqlType::Float,
        "KllDoublesSketch" => rsql_expr::SqlType::Double,
        _ => rsql_expr::SqlType::Long,
    };
    let value = exact(&args, 0, I::takes, &null_type, I::TAKES, cx)?;
    binary_call(name, with_k(name, value, &args, cx)?, order, cx)
}

fn resolve_merge(name: &'static str, args: Vec<Expr>, order: &[SortKey], cx: &ResolveCx<'_>) -> Result<AggregateCall> {
    check_count(&args, 1, Some(2), cx)?;
    let sketch = bind::sketch(&args, 0, cx)?;
    binary_call(name, with_k(name, sketch, &args, cx)?, order, cx)
}

/// The first argument, and `k` if it is given and fits.
fn with_k(name: &str, first: Expr, args: &[Expr], cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    if args.len() < 2 {
        return Ok(vec![first]);
    }
    let bound = exact_int(args, 1, cx)?;
    let k = parameter(args, 1, &bound, ("k", "int"), cx)?
        .value
        .as_i64()
        .unwrap_or(0);
    if !(8..=65535).contains(&k) {
        let error = Error::user("KLL_SKETCH_K_OUT_OF_RANGE")
            .param("functionName", quoted_name([name]))
            .param("k", k.to_string());
        return Err(check_failure(args, nested_message(&error), cx));
    }
    Ok(vec![first, bind::int(k as i32)])
}

fn bound_k(call: &AggregateCall) -> Option<u16> {
    bind::bound_int(&call.args, 1).map(|k| k as u16)
}

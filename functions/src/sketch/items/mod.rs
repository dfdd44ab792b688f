//! The most frequent values: `approx_top_k`, and in steps `approx_top_k_accumulate`, `approx_top_k_combine`,
//! `approx_top_k_estimate`.
//!
//! Between the steps a sketch is a struct: its bytes, how many items it tracks, a NULL of the items' type, and that
//! type as text.

mod checks;
mod columns;
mod decimal_hash;
mod estimate;
mod groups;
mod item;
mod map;
mod sketch;
#[cfg(test)]
mod tests;

use rsql_common::Result;
use rsql_expr::function::{Family as DocFamily, FunctionRegistry, ResolveCx, TypeSpec};
use rsql_expr::{AggregateCall, AggregateFn, Expr, SortKey, SqlType};

use self::checks::{
    DEFAULT_K, DEFAULT_MAX_ITEMS, check_k, check_max_items, foldable_int, item_kind, state_type, top_type,
};
use super::accumulator::{Sketches, state_field};
use super::bind::{self, implicit, or_default};
use super::{aggregate, typed_call};
use crate::definition::doc;
use crate::kernel::check_count;

pub(super) fn register(r: &mut FunctionRegistry) {
    super::add(r, &[&TOP_K, &ACCUMULATE, &COMBINE], &[&estimate::ESTIMATE]);
}

/// `approx_top_k(expr[, k[, maxItemsTracked]])`
static TOP_K: AggregateFn = aggregate(
    "approx_top_k",
    doc(
        DocFamily::Aggregate,
        "approx_top_k(expr[, k[, maxItemsTracked]])",
        "The k most frequent values (5 if not given) with their counts, most frequent first, by a sketch of \
         maxItemsTracked values (10000 if not given).",
        "SELECT approx_top_k(a, 1) FROM VALUES ('a'), ('b'), ('b') AS t(a)",
    ),
    |mut args, order, _, cx| {
        check_count(&args, 1, Some(3), cx)?;
        or_default(&mut args, 1, bind::int(DEFAULT_K));
        or_default(&mut args, 2, bind::int(DEFAULT_MAX_ITEMS));
        let (ty, k, max) = (args[0].ty(), int_argument(&args, 1, cx)?, int_argument(&args, 2, cx)?);
        item_kind(&ty, &args, cx)?;
        let k = check_k(foldable_int(&args, &k, "K must be a constant literal", "k", cx)?, cx)?;
        let max = foldable_int(&args, &max, TRACKED_CONSTANT, "maxItemsTracked", cx)?;
        let max = check_max_items(max, Some(k), cx)?;
        let bound = vec![args[0].clone(), bind::int(k), bind::int(max)];
        typed_call("approx_top_k", bound, top_type(&ty), &order, cx)
    },
    |_| state_field(),
    |call| {
        Ok(Sketches::boxed(groups::Frequent {
            counted: groups::Counted::of(call, 2)?,
            outcome: groups::Outcome::Top(bind::bound_int(&call.args, 1).unwrap_or(0) as usize),
        }))
    },
);

/// `approx_top_k_accumulate(expr[, maxItemsTracked])`
static ACCUMULATE: AggregateFn = aggregate(
    "approx_top_k_accumulate",
    doc(
        DocFamily::Aggregate,
        "approx_top_k_accumulate(expr[, maxItemsTracked])",
        "Sketch of the most frequent values, for approx_top_k_combine and approx_top_k_estimate.",
        "SELECT approx_top_k_estimate(approx_top_k_accumulate(a), 1) FROM VALUES ('a'), ('b'), ('b') AS t(a)",
    ),
    |mut args, order, _, cx| {
        check_count(&args, 1, Some(2), cx)?;
        or_default(&mut args, 1, bind::int(DEFAULT_MAX_ITEMS));
        let (ty, max) = (args[0].ty(), int_argument(&args, 1, cx)?);
        item_kind(&ty, &args, cx)?;
        let max = foldable_int(&args, &max, TRACKED_CONSTANT, "maxItemsTracked", cx)?;
        let max = check_max_items(max, None, cx)?;
        let bound = vec![args[0].clone(), bind::int(max)];
        typed_call("approx_top_k_accumulate", bound, state_type(ty), &order, cx)
    },
    |_| state_field(),
    |call| {
        Ok(Sketches::boxed(groups::Frequent {
            counted: groups::Counted::of(call, 1)?,
            outcome: groups::Outcome::Sketch,
        }))
    },
);

/// `approx_top_k_combine(state[, maxItemsTracked])`
static COMBINE: AggregateFn = aggregate(
    "approx_top_k_combine",
    doc(
        DocFamily::Aggregate,
        "approx_top_k_combine(state[, maxItemsTracked])",
        "Sketches of the most frequent values combined into one; without maxItemsTracked all must have the same.",
        "SELECT approx_top_k_estimate(approx_top_k_combine(s), 1) FROM (SELECT approx_top_k_accumulate(a) AS s FROM \
         VALUES ('a'), ('b'), ('b') AS t(a) GROUP BY a)",
    ),
    resolve_combine,
    |_| state_field(),
    |call| Ok(Sketches::boxed(groups::Combine::of(call)?)),
);

/// What Spark says of a size that is no constant.
const TRACKED_CONSTANT: &str = "Number of items tracked must be a constant literal";

fn int_argument(args: &[Expr], i: usize, cx: &ResolveCx<'_>) -> Result<Expr> {
    implicit(args, i, TypeSpec::Int, "\"INT\"", cx)
}

fn resolve_combine(mut args: Vec<Expr>, order: Vec<SortKey>, _: bool, cx: &ResolveCx<'_>) -> Result<AggregateCall> {
    check_count(&args, 1, Some(2), cx)?;
    let sized = args.len() == 2;
    or_default(&mut args, 1, bind::int(-1));
    let item = checks::state_item(&args, cx)?;
    let max = int_argument(&args, 1, cx)?;
    let mut bound = vec![args[0].clone()];
    if sized {
        let max = foldable_int(&args, &max, TRACKED_CONSTANT, "maxItemsTracked", cx)?;
        bound.push(bind::int(check_max_items(max, None, cx)?));
    }
    typed_call("approx_top_k_combine", bound, state_type(item), &order, cx)
}

/// The type of the items of a sketch's struct.
fn item_type(state: &SqlType) -> SqlType {
    match state {
        SqlType::Struct(fields) => fields.get(2).map_or(SqlType::Void, |f| f.ty.clone()),
        _ => SqlType::Void,
    }
}

//! Sketches of Apache DataSketches, in the bytes Spark writes: HyperLogLog, theta and tuple sketches for distinct
//! values, KLL sketches for quantiles, and the sketch of frequent items behind `approx_top_k`.
//!
//! A sketch is a BINARY that users store, join and send to other systems, so its bytes are part of the answer. The
//! `datasketches` crate does what it does as the Java library; where its bytes would differ (the updatable HLL form,
//! the order of a tuple sketch, Java's hash codes of frequent items) a module here follows Java instead. Bytes that
//! come from outside are checked before anything is allocated for them.

mod accumulator;
mod bind;
mod family;
mod hll;
mod items;
mod keys;
mod kll;
mod murmur;
mod theta;
mod tuple;

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Int64Type};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{Doc, EvalArgs, FunctionKind, FunctionRegistry, ResolveCx, StateField};
use rsql_expr::{AggregateCall, AggregateFn, Expr, ScalarFn, SortKey, SqlType};

use crate::kernel::{BinCol, prim_rows, some};

/// Adds the families to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    hll::register(r);
    theta::register(r);
    kll::register(r);
    tuple::register(r);
    items::register(r);
}

/// Adds definitions.
fn add(r: &mut FunctionRegistry, aggregates: &[&'static AggregateFn], scalars: &[&'static ScalarFn]) {
    aggregates.iter().for_each(|f| r.add(FunctionKind::Aggregate(f)));
    scalars.iter().for_each(|f| r.add(FunctionKind::Scalar(f)));
}

/// An aggregate without aliases. The bytes follow the order of rows, the answer to questions about them hardly does.
const fn aggregate(
    name: &'static str,
    doc: Doc,
    resolve: fn(Vec<Expr>, Vec<SortKey>, bool, &ResolveCx<'_>) -> Result<AggregateCall>,
    state: fn(&AggregateCall) -> Vec<StateField>,
    accumulator: fn(&AggregateCall) -> Result<Box<dyn rsql_expr::function::Accumulator>>,
) -> AggregateFn {
    AggregateFn {
        name,
        aliases: &[],
        doc,
        resolve,
        state,
        accumulator,
        duplicate_insensitive: false,
        order_sensitive: false,
    }
}

/// A call that gives a sketch; WITHIN GROUP is refused.
fn binary_call(func: &'static str, args: Vec<Expr>, order: &[SortKey], cx: &ResolveCx<'_>) -> Result<AggregateCall> {
    typed_call(func, args, SqlType::Binary, order, cx)
}

/// A call of type `ty` that is never NULL.
fn typed_call(
    func: &'static str,
    args: Vec<Expr>,
    ty: SqlType,
    order: &[SortKey],
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    if !order.is_empty() {
        return Err(Error::user("INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX")
            .param("prettyName", quoted_name([&cx.called_as]))
            .param("syntax", "WITHIN GROUP (ORDER BY ...)")
            .at(cx.origin.0));
    }
    Ok(AggregateCall {
        func: func.into(),
        args,
        distinct: false,
        filter: None,
        order_by: Vec::new(),
        ty,
        nullable: false,
        ignore_nulls: false,
        mode: cx.mode,
        options: Arc::clone(cx.options),
        origin: cx.origin,
    })
}

/// The value of a bound BOOLEAN constant, false for NULL.
fn flag(args: &[Expr], i: usize) -> bool {
    args.get(i)
        .and_then(Expr::as_literal)
        .and_then(|l| l.value.as_bool())
        .unwrap_or(false)
}

/// The rounded estimate of each row's sketch.
fn estimates(args: &EvalArgs<'_>, estimate: impl Fn(&[u8]) -> Result<f64>) -> Result<ArrayRef> {
    let sketches = BinCol::of(args, 0)?;
    prim_rows::<Int64Type>(args.rows, &DataType::Int64, |row| {
        Ok(Some(round(estimate(some!(sketches.get(row)))?)))
    })
}

/// `Math.round` of Java.
fn round(v: f64) -> i64 {
    (v + 0.5).floor() as i64
}

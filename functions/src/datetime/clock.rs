//! Parts of the clock: `hour`, `minute`, `second`, and the second with its fraction.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal64Array, Int32Array};
use arrow::datatypes::Time64NanosecondType;
use rsql_common::Result;
use rsql_expr::datetime::MICROS_PER_DAY;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::{Expr, ScalarFn, SqlType};

use super::adaptors::local_micros;
use crate::collection::bind;
use crate::definition::doc;
use crate::kernel::pure;

pub(super) static HOUR: ScalarFn = pure(
    "hour",
    &[],
    doc(
        Family::Datetime,
        "hour(timestamp)",
        "The hour of the day.",
        "SELECT hour('2018-02-14 12:58:59')",
    ),
    Signature::bind_with(bind_clock, ret::INT),
    |args| part(args, 3_600_000_000, 24),
);

pub(super) static MINUTE: ScalarFn = pure(
    "minute",
    &[],
    doc(
        Family::Datetime,
        "minute(timestamp)",
        "The minute of the hour.",
        "SELECT minute('2009-07-30 12:58:59')",
    ),
    Signature::bind_with(bind_clock, ret::INT),
    |args| part(args, 60_000_000, 60),
);

pub(super) static SECOND: ScalarFn = pure(
    "second",
    &[],
    doc(
        Family::Datetime,
        "second(timestamp)",
        "The second of the minute.",
        "SELECT second('2018-02-14 12:58:59')",
    ),
    Signature::bind_with(bind_clock, ret::INT),
    |args| part(args, 1_000_000, 60),
);

pub(super) static SECOND_WITH_FRACTION: ScalarFn = pure(
    "second_with_fraction",
    &[],
    doc(
        Family::Datetime,
        "extract(SECOND FROM timestamp)",
        "The second of the minute with its fraction.",
        "SELECT extract(SECOND FROM TIMESTAMP'2019-10-01 00:00:01.000001')",
    ),
    Signature::bind_with(bind_clock, ReturnType::Of(|args, _| Ok(seconds_type(args)))),
    |args| {
        let nulls = args.array(0)?.logical_nulls();
        let values: Vec<i64> = match args.ty(0) {
            SqlType::Time(precision) => {
                let unit = 10_i64.pow(u32::from(9 - precision.min(9)));
                let times = args.array(0)?;
                let times = times.as_primitive::<Time64NanosecondType>().values();
                times.iter().map(|n| n % 60_000_000_000 / unit).collect()
            }
            _ => clock_micros(args)?.into_iter().map(|m| m % 60_000_000).collect(),
        };
        let seconds = Decimal64Array::new(values.into(), nulls);
        Ok(Arc::new(seconds.with_data_type(args.call.ty.arrow())))
    },
);

/// Two digits and as many decimals as the source has.
fn seconds_type(args: &[Expr]) -> SqlType {
    match args.first().map(Expr::ty) {
        Some(SqlType::Time(p)) => SqlType::Decimal(2 + p, p as i8),
        _ => SqlType::Decimal(8, 6),
    }
}

fn bind_clock(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    bind::count(&args, 1, Some(1), cx)?;
    args.into_iter()
        .map(|a| match a.ty() {
            SqlType::Time(_) => Ok(a),
            _ => bind::implicit(a, TypeSpec::AnyTimestamp, 0, cx),
        })
        .collect()
}

/// Microseconds since midnight.
fn clock_micros(args: &EvalArgs<'_>) -> Result<Vec<i64>> {
    if let SqlType::Time(_) = args.ty(0) {
        let times = args.array(0)?;
        return Ok(times
            .as_primitive::<Time64NanosecondType>()
            .values()
            .iter()
            .map(|n| n / 1000)
            .collect());
    }
    Ok(local_micros(args, 0)?
        .into_iter()
        .map(|m| m.rem_euclid(MICROS_PER_DAY))
        .collect())
}

fn part(args: &EvalArgs<'_>, unit: i64, modulus: i64) -> Result<ArrayRef> {
    let parts = clock_micros(args)?.into_iter().map(|m| (m / unit % modulus) as i32);
    let nulls = args.array(0)?.logical_nulls();
    Ok(Arc::new(Int32Array::new(parts.collect::<Vec<_>>().into(), nulls)))
}

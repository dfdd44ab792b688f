//! Functions on TIME: `time_diff`, `time_trunc`, `time_from_seconds` and its kind, `time_to_seconds` and its kind.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal64Array};
use arrow::datatypes::{DataType, Decimal64Type, Decimal128Type, Float64Type, Int64Type, Time64NanosecondType};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::datetime::NANOS_PER_DAY;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::{Expr, ScalarFn, SqlType};

use super::adaptors::{TimeCol, rows, strictly, unary};
use crate::definition::doc;
use crate::kernel::{LongCol, StrCol, cast, check_count, fallible, pure, some};

const TIME_6: ReturnType = ReturnType::Fixed(|| SqlType::Time(6));
const FROM_TIME: Signature = Signature::bind_with(
    |args, cx| {
        strictly(
            args,
            1,
            &SqlType::Time(6),
            |t| matches!(t, SqlType::Time(_)),
            "\"TIME\"",
            cx,
        )
    },
    ret::LONG,
);

/// A whole number of units; texts and fractions are refused.
fn bind_whole(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    let bound = strictly(args, 1, &SqlType::Long, SqlType::is_integral, "\"INTEGRAL\"", cx)?;
    Ok(bound.into_iter().map(|a| cast(a, &SqlType::Long, cx)).collect())
}

pub(super) static TIME_DIFF: ScalarFn = fallible(
    "time_diff",
    &[],
    doc(
        Family::Datetime,
        "time_diff(unit, start, end)",
        "The number of whole units from start to end.",
        "SELECT time_diff('HOUR', TIME'20:30:29', TIME'21:30:29')",
    ),
    Signature::exact(&[TypeSpec::String, TypeSpec::Time, TypeSpec::Time], ret::LONG),
    |args| {
        let (units, starts, ends) = (StrCol::of(args, 0)?, TimeCol::of(args, 1)?, TimeCol::of(args, 2)?);
        rows::<Int64Type>(args, |row| {
            let (start, end) = some!(starts.get(row).zip(ends.get(row)));
            let unit = unit(some!(units.get(row)), args)?;
            Ok(Some((end - start) / unit))
        })
    },
);

pub(super) static TIME_TRUNC: ScalarFn = fallible(
    "time_trunc",
    &[],
    doc(
        Family::Datetime,
        "time_trunc(unit, time)",
        "The time rounded down to the unit.",
        "SELECT time_trunc('HOUR', TIME'09:32:05.359')",
    ),
    Signature::exact(&[TypeSpec::String, TypeSpec::Time], ReturnType::SameAs(1)),
    |args| {
        let (units, times) = (StrCol::of(args, 0)?, TimeCol::of(args, 1)?);
        rows::<Time64NanosecondType>(args, |row| {
            let (name, time) = some!(units.get(row).zip(times.get(row)));
            Ok(Some(time - time % unit(name, args)?))
        })
    },
);

pub(super) static TIME_FROM_SECONDS: ScalarFn = fallible(
    "time_from_seconds",
    &[],
    doc(
        Family::Datetime,
        "time_from_seconds(seconds)",
        "The time some seconds, fractions included, after midnight.",
        "SELECT time_from_seconds(52200.5)",
    ),
    Signature::bind_with(bind_seconds, TIME_6),
    time_from_seconds,
);

pub(super) static TIME_FROM_MILLIS: ScalarFn = fallible(
    "time_from_millis",
    &[],
    doc(
        Family::Datetime,
        "time_from_millis(milliseconds)",
        "The time some milliseconds after midnight.",
        "SELECT time_from_millis(52200500)",
    ),
    Signature::bind_with(bind_whole, TIME_6),
    |args| from_units(args, 1_000_000),
);

pub(super) static TIME_FROM_MICROS: ScalarFn = fallible(
    "time_from_micros",
    &[],
    doc(
        Family::Datetime,
        "time_from_micros(microseconds)",
        "The time some microseconds after midnight.",
        "SELECT time_from_micros(52200500000)",
    ),
    Signature::bind_with(bind_whole, TIME_6),
    |args| from_units(args, 1000),
);

pub(super) static TIME_TO_SECONDS: ScalarFn = pure(
    "time_to_seconds",
    &[],
    doc(
        Family::Datetime,
        "time_to_seconds(time)",
        "The seconds since midnight, fractions included.",
        "SELECT time_to_seconds(TIME'14:30:00.5')",
    ),
    Signature::exact(&[TypeSpec::Time], ReturnType::Fixed(|| SqlType::Decimal(14, 6))),
    |args| {
        let times = args.array(0)?;
        let times = times.as_primitive::<Time64NanosecondType>();
        let micros: Vec<i64> = times.values().iter().map(|n| n / 1000).collect();
        let seconds = Decimal64Array::new(micros.into(), times.nulls().cloned());
        Ok(Arc::new(seconds.with_precision_and_scale(14, 6)?))
    },
);

pub(super) static TIME_TO_MILLIS: ScalarFn = pure(
    "time_to_millis",
    &[],
    doc(
        Family::Datetime,
        "time_to_millis(time)",
        "The milliseconds since midnight.",
        "SELECT time_to_millis(TIME'14:30:00.5')",
    ),
    FROM_TIME,
    |args| unary::<Time64NanosecondType, Int64Type>(args, |n| n / 1_000_000),
);

pub(super) static TIME_TO_MICROS: ScalarFn = pure(
    "time_to_micros",
    &[],
    doc(
        Family::Datetime,
        "time_to_micros(time)",
        "The microseconds since midnight.",
        "SELECT time_to_micros(TIME'14:30:00.5')",
    ),
    FROM_TIME,
    |args| unary::<Time64NanosecondType, Int64Type>(args, |n| n / 1000),
);

/// Nanoseconds of a unit.
fn unit(name: &str, args: &EvalArgs<'_>) -> Result<i64> {
    Ok(match name.to_ascii_uppercase().as_str() {
        "HOUR" => 3_600_000_000_000,
        "MINUTE" => 60_000_000_000,
        "SECOND" => 1_000_000_000,
        "MILLISECOND" => 1_000_000,
        "MICROSECOND" => 1000,
        _ => {
            return Err(args.error(
                Error::user("INVALID_PARAMETER_VALUE.TIME_UNIT")
                    .param("functionName", quoted_name([&args.call.func]))
                    .param("parameter", "`unit`")
                    .param("invalidValue", format!("'{name}'")),
            ));
        }
    })
}

fn bind_seconds(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 1, Some(1), cx)?;
    args.into_iter()
        .map(|a| {
            let a = rsql_expr::coerce::implicit_cast(a, TypeSpec::Numeric, 0, cx)?;
            Ok(match a.ty() {
                t if t.is_floating() => cast(a, &SqlType::Double, cx),
                t if t.is_decimal() => a,
                _ => cast(a, &SqlType::Long, cx),
            })
        })
        .collect()
}

/// A time of day, if these nanoseconds are one.
fn within_day(nanos: Option<i128>, args: &EvalArgs<'_>) -> Result<Option<i64>> {
    match nanos.filter(|n| (0..i128::from(NANOS_PER_DAY)).contains(n)) {
        Some(n) => Ok(Some(n as i64)),
        None => {
            let got = nanos.map_or_else(|| "too many".to_string(), |n| n.to_string());
            Err(
                args.error(Error::user("DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION").param(
                    "rangeMessage",
                    format!(
                        "Invalid TIME value: must be between 00:00:00 and 23:59:59.999999999, but got {got} nanoseconds"
                    ),
                )),
            )
        }
    }
}

fn from_units(args: &EvalArgs<'_>, unit: i128) -> Result<ArrayRef> {
    let counts = LongCol::of(args, 0)?;
    rows::<Time64NanosecondType>(args, |row| {
        within_day(Some(i128::from(some!(counts.get(row))) * unit), args)
    })
}

fn time_from_seconds(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let input = args.array(0)?;
    let decimal = |unscaled: i128, scale: i8| {
        if scale <= 9 {
            unscaled.checked_mul(10_i128.pow(u32::from((9 - scale) as u8)))
        } else {
            Some(unscaled / 10_i128.pow(u32::from((scale - 9) as u8)))
        }
    };
    match input.data_type() {
        DataType::Float64 => {
            let seconds = input.as_primitive::<Float64Type>();
            rows::<Time64NanosecondType>(args, |row| {
                let s = seconds.value(row);
                if seconds.is_null(row) || s.is_nan() {
                    return Ok(None);
                }
                within_day(Some((s * 1e6) as i128 * 1000), args)
            })
        }
        DataType::Decimal64(_, scale) => {
            let seconds = input.as_primitive::<Decimal64Type>();
            rows::<Time64NanosecondType>(args, |row| match seconds.is_valid(row) {
                true => within_day(decimal(seconds.value(row).into(), *scale), args),
                false => Ok(None),
            })
        }
        DataType::Decimal128(_, scale) => {
            let seconds = input.as_primitive::<Decimal128Type>();
            rows::<Time64NanosecondType>(args, |row| match seconds.is_valid(row) {
                true => within_day(decimal(seconds.value(row), *scale), args),
                false => Ok(None),
            })
        }
        _ => from_units(args, 1_000_000_000),
    }
}

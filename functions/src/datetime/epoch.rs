//! Numbers since the epoch and timestamps: `unix_seconds`, `unix_millis`, `unix_micros`, `timestamp_seconds`,
//! `timestamp_millis`, `timestamp_micros`.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{DataType, Decimal64Type, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType};
use rsql_common::{Error, Result};
use rsql_expr::datetime::MICROS_PER_SECOND;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, Signature};
use rsql_expr::{Expr, ScalarFn, SqlType};

use super::adaptors::{rows, strictly, unary};
use super::shift::overflow;
use crate::definition::doc;
use crate::kernel::{LongCol, cast, fallible, pure, some};

const FROM_TIMESTAMP: Signature = Signature::bind_with(
    |args, cx| strictly(args, 1, &SqlType::Timestamp, SqlType::is_timestamp, "\"TIMESTAMP\"", cx),
    ret::LONG,
);

macro_rules! unix {
    ($($item:ident, $name:literal, $text:literal, $unit:expr;)*) => { $(
        pub(super) static $item: ScalarFn = pure(
            $name,
            &[],
            doc(
                Family::Datetime,
                concat!($name, "(timestamp)"),
                $text,
                concat!("SELECT ", $name, "(TIMESTAMP('1970-01-01 00:00:01Z'))"),
            ),
            FROM_TIMESTAMP,
            |args| unary::<TimestampMicrosecondType, Int64Type>(args, |t| t.div_euclid($unit)),
        );
    )* };
}

unix! {
    UNIX_SECONDS, "unix_seconds", "Seconds since 1970-01-01 00:00:00 UTC, rounded down.", MICROS_PER_SECOND;
    UNIX_MILLIS, "unix_millis", "Milliseconds since 1970-01-01 00:00:00 UTC, rounded down.", 1000;
    UNIX_MICROS, "unix_micros", "Microseconds since 1970-01-01 00:00:00 UTC.", 1;
}

pub(super) static TIMESTAMP_SECONDS: ScalarFn = fallible(
    "timestamp_seconds",
    &[],
    doc(
        Family::Datetime,
        "timestamp_seconds(seconds)",
        "The timestamp some seconds, fractions included, after the epoch.",
        "SELECT timestamp_seconds(1230219000.123)",
    ),
    Signature::bind_with(bind_seconds, ret::TIMESTAMP),
    timestamp_seconds,
);

pub(super) static TIMESTAMP_MILLIS: ScalarFn = fallible(
    "timestamp_millis",
    &[],
    doc(
        Family::Datetime,
        "timestamp_millis(milliseconds)",
        "The timestamp some milliseconds after the epoch.",
        "SELECT timestamp_millis(1230219000123)",
    ),
    Signature::bind_with(bind_integral, ret::TIMESTAMP),
    |args| scaled(args, 1000, "milliseconds"),
);

pub(super) static TIMESTAMP_MICROS: ScalarFn = fallible(
    "timestamp_micros",
    &[],
    doc(
        Family::Datetime,
        "timestamp_micros(microseconds)",
        "The timestamp some microseconds after the epoch.",
        "SELECT timestamp_micros(1230219000123123)",
    ),
    Signature::bind_with(bind_integral, ret::TIMESTAMP),
    |args| scaled(args, 1, "microseconds"),
);

fn bind_integral(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    let args = strictly(args, 1, &SqlType::Long, SqlType::is_integral, "\"INTEGRAL\"", cx)?;
    Ok(args.into_iter().map(|a| cast(a, &SqlType::Long, cx)).collect())
}

fn bind_seconds(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    let args = strictly(args, 1, &SqlType::Long, SqlType::is_numeric, "\"NUMERIC\"", cx)?;
    Ok(args
        .into_iter()
        .map(|a| match a.ty() {
            t if t.is_floating() => cast(a, &SqlType::Double, cx),
            t if t.is_decimal() => a,
            _ => cast(a, &SqlType::Long, cx),
        })
        .collect())
}

fn scaled(args: &EvalArgs<'_>, unit: i64, name: &str) -> Result<ArrayRef> {
    let counts = LongCol::of(args, 0)?;
    rows::<TimestampMicrosecondType>(args, |row| {
        let n = some!(counts.get(row));
        let micros = n.checked_mul(unit);
        micros
            .map(Some)
            .ok_or_else(|| args.error(overflow(format!("create a TIMESTAMP from {n}L {name} since the epoch"))))
    })
}

fn timestamp_seconds(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let input = args.array(0)?;
    match input.data_type() {
        DataType::Float64 => {
            let seconds = input.as_primitive::<Float64Type>();
            rows::<TimestampMicrosecondType>(args, |row| {
                let s = seconds.value(row);
                let usable = seconds.is_valid(row) && s.is_finite();
                Ok(usable.then_some((s * MICROS_PER_SECOND as f64) as i64))
            })
        }
        DataType::Decimal64(_, scale) => {
            let seconds = input.as_primitive::<Decimal64Type>();
            decimal_seconds(args, *scale, |row| {
                seconds.is_valid(row).then(|| i128::from(seconds.value(row)))
            })
        }
        DataType::Decimal128(_, scale) => {
            let seconds = input.as_primitive::<Decimal128Type>();
            decimal_seconds(args, *scale, |row| seconds.is_valid(row).then(|| seconds.value(row)))
        }
        _ => scaled(args, MICROS_PER_SECOND, "seconds"),
    }
}

fn decimal_seconds(args: &EvalArgs<'_>, scale: i8, get: impl Fn(usize) -> Option<i128>) -> Result<ArrayRef> {
    rows::<TimestampMicrosecondType>(args, |row| {
        let unscaled = some!(get(row));
        let micros = if scale <= 6 {
            unscaled.checked_mul(10_i128.pow(u32::from((6 - scale) as u8)))
        } else {
            let unit = 10_i128.pow(u32::from((scale - 6) as u8));
            if unscaled % unit != 0 {
                let error =
                    Error::user("NUMERIC_VALUE_OUT_OF_RANGE.WITHOUT_SUGGESTION").with_message("Rounding necessary");
                return Err(args.error(error));
            }
            Some(unscaled / unit)
        };
        match micros.and_then(|m| i64::try_from(m).ok()) {
            Some(m) => Ok(Some(m)),
            None => Err(args.error(overflow("create a TIMESTAMP from seconds since the epoch"))),
        }
    })
}

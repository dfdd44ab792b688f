//! Sums and signs: `interval_add`, `interval_subtract`, `interval_negate`, `interval_abs`, `interval_sign`.

use arrow::array::{
    Array, ArrayRef, AsArray, DurationMicrosecondArray, IntervalMonthDayNanoArray, IntervalYearMonthArray,
};
use arrow::datatypes::{
    DataType, DurationMicrosecondType, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalUnit,
    IntervalYearMonthType,
};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature};
use rsql_expr::{EvalMode, Expr, ScalarFn, SqlType};

use crate::datetime::adaptors::rows;
use crate::definition::doc;
use crate::kernel::{Col, cast, check_count, fallible, pure, some, unexpected_input};

pub(super) static INTERVAL_ADD: ScalarFn = fallible(
    "interval_add",
    &[],
    doc(
        Family::Datetime,
        "interval + interval",
        "The sum of two intervals of one kind.",
        "SELECT INTERVAL '1' DAY + INTERVAL '1' HOUR",
    ),
    Signature::bind_with(bind_two, ReturnType::Of(common_type)),
    |args| combine(args, i32::checked_add, i64::checked_add),
);

pub(super) static INTERVAL_SUBTRACT: ScalarFn = fallible(
    "interval_subtract",
    &[],
    doc(
        Family::Datetime,
        "interval - interval",
        "The difference of two intervals of one kind.",
        "SELECT INTERVAL '1' DAY - INTERVAL '1' HOUR",
    ),
    Signature::bind_with(bind_two, ReturnType::Of(common_type)),
    |args| combine(args, i32::checked_sub, i64::checked_sub),
);

pub(super) static INTERVAL_NEGATE: ScalarFn = fallible(
    "interval_negate",
    &[],
    doc(
        Family::Datetime,
        "-interval",
        "The interval in the other direction.",
        "SELECT -INTERVAL '1' DAY",
    ),
    Signature::bind_with(bind_one, ReturnType::SameAs(0)),
    |args| change(args, i32::checked_neg, i64::checked_neg),
);

pub(super) static INTERVAL_ABS: ScalarFn = fallible(
    "interval_abs",
    &[],
    doc(
        Family::Datetime,
        "abs(interval)",
        "The interval's length.",
        "SELECT abs(INTERVAL -'1-1' YEAR TO MONTH)",
    ),
    Signature::bind_with(bind_one, ReturnType::SameAs(0)),
    |args| change(args, i32::checked_abs, i64::checked_abs),
);

pub(super) static INTERVAL_SIGN: ScalarFn = pure(
    "interval_sign",
    &[],
    doc(
        Family::Datetime,
        "sign(interval)",
        "-1.0, 0.0 or 1.0 as the interval is negative, zero or positive.",
        "SELECT sign(INTERVAL -'100' YEAR)",
    ),
    Signature::bind_with(bind_one, ret::DOUBLE),
    |args| {
        let input = args.array(0)?;
        match input.data_type() {
            DataType::Duration(_) => {
                let values = input.as_primitive::<DurationMicrosecondType>();
                rows::<Float64Type>(args, |r| {
                    Ok(values.is_valid(r).then(|| values.value(r).signum() as f64))
                })
            }
            _ => {
                let values = input.as_primitive::<IntervalYearMonthType>();
                rows::<Float64Type>(args, |r| {
                    Ok(values.is_valid(r).then(|| f64::from(values.value(r).signum())))
                })
            }
        }
    },
);

/// `INTERVAL_ARITHMETIC_OVERFLOW`, unless the call gives NULL then.
pub(super) fn or_overflow<T>(value: Option<T>, args: &EvalArgs<'_>) -> Result<Option<T>> {
    if value.is_none() && args.mode() != EvalMode::Try {
        let guide = match &*args.call.func {
            "interval_add" => "try_add",
            "interval_subtract" => "try_subtract",
            "multiply_interval" => "try_multiply",
            "divide_interval" => "try_divide",
            _ => return Err(args.error(Error::user("INTERVAL_ARITHMETIC_OVERFLOW.WITHOUT_SUGGESTION"))),
        };
        let error = Error::user("INTERVAL_ARITHMETIC_OVERFLOW.WITH_SUGGESTION");
        return Err(args.error(error.param("functionName", quoted_name([guide]))));
    }
    Ok(value)
}

/// The interval type that holds the fields of both.
fn common(a: &SqlType, b: &SqlType) -> Option<SqlType> {
    Some(match (a, b) {
        (SqlType::YearMonthInterval(a, b), SqlType::YearMonthInterval(c, d)) => {
            SqlType::YearMonthInterval(*a.min(c), *b.max(d))
        }
        (SqlType::DayTimeInterval(a, b), SqlType::DayTimeInterval(c, d)) => {
            SqlType::DayTimeInterval(*a.min(c), *b.max(d))
        }
        (SqlType::CalendarInterval, SqlType::CalendarInterval) => SqlType::CalendarInterval,
        (SqlType::Void, t) | (t, SqlType::Void) => t.clone(),
        _ => return None,
    })
}

fn bind_two(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 2, Some(2), cx)?;
    let Some(ty) = common(&args[0].ty(), &args[1].ty()).filter(SqlType::is_interval) else {
        let wrong = if args[0].ty().is_interval() { 1 } else { 0 };
        return Err(unexpected_input(&args, wrong, "\"INTERVAL\"", cx));
    };
    // Fields do not change how an interval lies in memory, so only a bare NULL needs a cast.
    let typed = |a: Expr| if a.ty() == SqlType::Void { cast(a, &ty, cx) } else { a };
    Ok(args.into_iter().map(typed).collect())
}

fn common_type(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    Ok(common(&args[0].ty(), &args[1].ty()).unwrap_or(SqlType::CalendarInterval))
}

fn bind_one(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 1, Some(1), cx)?;
    match args[0].ty().is_interval() {
        true => Ok(args),
        false => Err(unexpected_input(&args, 0, "\"INTERVAL\"", cx)),
    }
}

fn combine(
    args: &EvalArgs<'_>,
    ints: fn(i32, i32) -> Option<i32>,
    longs: fn(i64, i64) -> Option<i64>,
) -> Result<ArrayRef> {
    match args.call.ty.arrow() {
        DataType::Duration(_) => {
            let (a, b) = (
                Col::<DurationMicrosecondArray>::of(args, 0)?,
                Col::<DurationMicrosecondArray>::of(args, 1)?,
            );
            rows::<DurationMicrosecondType>(args, |row| {
                let (a, b) = some!(a.get(row).zip(b.get(row)));
                or_overflow(longs(a, b), args)
            })
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            let (a, b) = (
                Col::<IntervalYearMonthArray>::of(args, 0)?,
                Col::<IntervalYearMonthArray>::of(args, 1)?,
            );
            rows::<IntervalYearMonthType>(args, |row| {
                let (a, b) = some!(a.get(row).zip(b.get(row)));
                or_overflow(ints(a, b), args)
            })
        }
        _ => {
            let a = Col::<IntervalMonthDayNanoArray>::of(args, 0)?;
            let b = Col::<IntervalMonthDayNanoArray>::of(args, 1)?;
            rows::<IntervalMonthDayNanoType>(args, |row| {
                let (a, b) = some!(a.get(row).zip(b.get(row)));
                let parts = ints(a.months, b.months)
                    .zip(ints(a.days, b.days))
                    .zip(longs(a.nanoseconds, b.nanoseconds));
                or_overflow(parts.map(|((m, d), n)| IntervalMonthDayNano::new(m, d, n)), args)
            })
        }
    }
}

fn change(args: &EvalArgs<'_>, ints: fn(i32) -> Option<i32>, longs: fn(i64) -> Option<i64>) -> Result<ArrayRef> {
    match args.call.ty.arrow() {
        DataType::Duration(_) => {
            let a = Col::<DurationMicrosecondArray>::of(args, 0)?;
            rows::<DurationMicrosecondType>(args, |row| or_overflow(longs(some!(a.get(row))), args))
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            let a = Col::<IntervalYearMonthArray>::of(args, 0)?;
            rows::<IntervalYearMonthType>(args, |row| or_overflow(ints(some!(a.get(row))), args))
        }
        _ => {
            let a = Col::<IntervalMonthDayNanoArray>::of(args, 0)?;
            rows::<IntervalMonthDayNanoType>(args, |row| {
                let a = some!(a.get(row));
                let parts = ints(a.months).zip(ints(a.days)).zip(longs(a.nanoseconds));
                or_overflow(parts.map(|((m, d), n)| IntervalMonthDayNano::new(m, d, n)), args)
            })
        }
    }
}

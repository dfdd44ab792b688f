//! Intervals from their parts: `make_interval`, `try_make_interval`, `make_dt_interval`, `make_ym_interval`.

use arrow::array::{ArrayRef, Decimal64Array};
use arrow::datatypes::{
    DurationMicrosecondType, IntervalMonthDayNano, IntervalMonthDayNanoType, IntervalYearMonthType,
};
use rsql_common::{Error, Result};
use rsql_expr::datetime::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, Signature, TypeSpec};
use rsql_expr::{EvalMode, Expr, Literal, ScalarFn, SqlType};

use super::arithmetic::or_overflow;
use crate::datetime::adaptors::rows;
use crate::definition::doc;
use crate::kernel::{Col, IntCol, cast, cast_lenient, check_count, fallible, some};

pub(super) static MAKE_INTERVAL: ScalarFn = fallible(
    "make_interval",
    &[],
    doc(
        Family::Datetime,
        "make_interval([years[, months[, weeks[, days[, hours[, mins[, secs]]]]]]])",
        "The legacy interval of these parts; absent ones are 0.",
        "SELECT make_interval(100, 11, 1, 1, 12, 30, 01.001001)",
    ),
    Signature::bind_with(|args, cx| bind_parts(args, 6, false, cx), ret::CALENDAR_INTERVAL),
    |args| make_interval(args, args.mode() == EvalMode::Ansi),
);

pub(super) static TRY_MAKE_INTERVAL: ScalarFn = fallible(
    "try_make_interval",
    &[],
    doc(
        Family::Datetime,
        "try_make_interval([years[, months[, weeks[, days[, hours[, mins[, secs]]]]]]])",
        "Like `make_interval`, but NULL on overflow.",
        "SELECT try_make_interval(100, 11, 1, 1, 12, 30, 01.001001)",
    ),
    Signature::bind_with(|args, cx| bind_parts(args, 6, true, cx), ret::CALENDAR_INTERVAL),
    |args| make_interval(args, false),
);

pub(super) static MAKE_DT_INTERVAL: ScalarFn = fallible(
    "make_dt_interval",
    &[],
    doc(
        Family::Datetime,
        "make_dt_interval([days[, hours[, mins[, secs]]]])",
        "The day-time interval of these parts; absent ones are 0.",
        "SELECT make_dt_interval(1, 12, 30, 01.001001)",
    ),
    Signature::bind_with(|args, cx| bind_parts(args, 3, false, cx), ret::DAY_TIME),
    make_dt_interval,
);

pub(super) static MAKE_YM_INTERVAL: ScalarFn = fallible(
    "make_ym_interval",
    &[],
    doc(
        Family::Datetime,
        "make_ym_interval([years[, months]])",
        "The year-month interval of these parts; absent ones are 0.",
        "SELECT make_ym_interval(1, 2)",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 0, Some(2), cx)?;
            filled(args, 2).enumerate().map(|(i, a)| int(a, i, cx)).collect()
        },
        ret::YEAR_MONTH,
    ),
    |args| {
        let (years, months) = (IntCol::of(args, 0)?, IntCol::of(args, 1)?);
        rows::<IntervalYearMonthType>(args, |row| {
            let (y, m) = some!(years.get(row).zip(months.get(row)));
            or_overflow(y.checked_mul(12).and_then(|y| y.checked_add(m)), args)
        })
    },
);

fn filled(args: Vec<Expr>, n: usize) -> impl Iterator<Item = Expr> {
    args.into_iter()
        .chain(std::iter::repeat_with(|| Expr::lit(Literal::int(0))))
        .take(n)
}

fn int(arg: Expr, index: usize, cx: &ResolveCx<'_>) -> Result<Expr> {
    rsql_expr::coerce::implicit_cast(arg, TypeSpec::Int, index, cx)
}

/// `ints` integers, then seconds as DECIMAL(18,6).
fn bind_parts(args: Vec<Expr>, ints: usize, lenient: bool, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 0, Some(ints + 1), cx)?;
    let seconds = SqlType::Decimal(18, 6);
    filled(args, ints + 1)
        .enumerate()
        .map(|(i, a)| match i < ints {
            true => int(a, i, cx),
            false if lenient => Ok(cast_lenient(a, &seconds, cx)),
            false => Ok(cast(a, &seconds, cx)),
        })
        .collect()
}

fn make_interval(args: &EvalArgs<'_>, strict: bool) -> Result<ArrayRef> {
    let ints = (0..6).map(|i| IntCol::of(args, i)).collect::<Result<Vec<_>>>()?;
    let seconds = Col::<Decimal64Array>::of(args, 6)?;
    rows::<IntervalMonthDayNanoType>(args, |row| {
        let mut parts = [0_i32; 6];
        for (part, column) in parts.iter_mut().zip(&ints) {
            *part = some!(column.get(row));
        }
        let [years, months, weeks, days, hours, minutes] = parts;
        let seconds = some!(seconds.get(row));
        let months = years.checked_mul(12).and_then(|y| y.checked_add(months));
        let days = weeks.checked_mul(7).and_then(|w| w.checked_add(days));
        let micros = clock(hours, minutes, seconds).and_then(|m| m.checked_mul(1000));
        match months.zip(days).zip(micros) {
            Some(((m, d), n)) => Ok(Some(IntervalMonthDayNano::new(m, d, n))),
            None if strict => Err(args.error(
                Error::user("ARITHMETIC_OVERFLOW")
                    .param("message", "overflow")
                    .param("alternative", "")
                    .param("config", "\"spark.sql.ansi.enabled\""),
            )),
            None => Ok(None),
        }
    })
}

fn clock(hours: i32, minutes: i32, second_micros: i64) -> Option<i64> {
    (i64::from(hours) * MICROS_PER_HOUR)
        .checked_add(i64::from(minutes) * MICROS_PER_MINUTE)?
        .checked_add(second_micros)
}

fn make_dt_interval(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (days, hours, minutes) = (IntCol::of(args, 0)?, IntCol::of(args, 1)?, IntCol::of(args, 2)?);
    let seconds = Col::<Decimal64Array>::of(args, 3)?;
    rows::<DurationMicrosecondType>(args, |row| {
        let (day, hour) = some!(days.get(row).zip(hours.get(row)));
        let (minute, second) = some!(minutes.get(row).zip(seconds.get(row)));
        let micros = i64::from(day)
            .checked_mul(MICROS_PER_DAY)
            .and_then(|d| d.checked_add(clock(hour, minute, second)?));
        or_overflow(micros, args)
    })
}

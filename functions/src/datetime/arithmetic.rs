//! What `+` and `-` on dates, timestamps and times become: `add_year_month`, `add_day_time`, `add_interval`,
//! `subtract_dates`, `subtract_timestamps`, `time_add_interval`, `subtract_times`.

use arrow::array::{ArrayRef, DurationMicrosecondArray, IntervalMonthDayNanoArray, IntervalYearMonthArray};
use arrow::datatypes::{Date32Type, DurationMicrosecondType, Time64NanosecondType, TimestampMicrosecondType};
use rsql_common::{Error, Result};
use rsql_expr::datetime::civil::{add_months, join_micros};
use rsql_expr::datetime::{MICROS_PER_DAY, NANOS_PER_DAY};
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::types::DayTimeField;
use rsql_expr::{EvalMode, Expr, ScalarFn, SqlType};

use super::adaptors::{DateCol, MicrosCol, TimeCol, local_micros, rows, zone_of};
use super::shift::{day_of, overflow, shift};
use crate::definition::doc;
use crate::kernel::{Col, cast, check_count, fallible, some, unexpected_input};

pub(super) static ADD_YEAR_MONTH: ScalarFn = fallible(
    "add_year_month",
    &[],
    doc(
        Family::Datetime,
        "datetime + interval",
        "A date or timestamp moved by a year-month interval.",
        "SELECT DATE'2019-01-31' + INTERVAL '1' MONTH",
    ),
    Signature::bind_with(
        |args, cx| {
            bind(
                args,
                "\"INTERVAL YEAR TO MONTH\"",
                |t| matches!(t, SqlType::YearMonthInterval(..)),
                cx,
            )
        },
        ReturnType::SameAs(0),
    ),
    add_year_month,
);

pub(super) static ADD_DAY_TIME: ScalarFn = fallible(
    "add_day_time",
    &[],
    doc(
        Family::Datetime,
        "datetime + interval",
        "A date or timestamp moved by a day-time interval; dates become timestamps unless the interval counts days.",
        "SELECT TIMESTAMP'2019-01-31 00:00:00' + INTERVAL '1' DAY",
    ),
    Signature::bind_with(bind_day_time, ReturnType::SameAs(0)),
    add_day_time,
);

pub(super) static ADD_INTERVAL: ScalarFn = fallible(
    "add_interval",
    &[],
    doc(
        Family::Datetime,
        "datetime + interval",
        "A date or timestamp moved by months, days and microseconds.",
        "SELECT TIMESTAMP'2019-01-31 00:00:00' + make_interval(0, 1, 0, 0, 2)",
    ),
    Signature::bind_with(
        |args, cx| bind(args, "\"INTERVAL\"", |t| *t == SqlType::CalendarInterval, cx),
        ReturnType::SameAs(0),
    ),
    add_interval,
);

pub(super) static SUBTRACT_DATES: ScalarFn = fallible(
    "subtract_dates",
    &[],
    doc(
        Family::Datetime,
        "date - date",
        "The days between two dates, as an interval.",
        "SELECT DATE'2019-01-02' - DATE'2019-01-01'",
    ),
    Signature::exact(
        &[TypeSpec::Date, TypeSpec::Date],
        ReturnType::Fixed(|| SqlType::DayTimeInterval(DayTimeField::Day, DayTimeField::Day)),
    ),
    |args| {
        let (end, start) = (DateCol::of(args, 0)?, DateCol::of(args, 1)?);
        rows::<DurationMicrosecondType>(args, |row| {
            let (e, s) = some!(end.get(row).zip(start.get(row)));
            let days = i64::from(e) - i64::from(s);
            or_overflow(days.checked_mul(MICROS_PER_DAY), "subtract dates", args)
        })
    },
);

pub(super) static SUBTRACT_TIMESTAMPS: ScalarFn = fallible(
    "subtract_timestamps",
    &[],
    doc(
        Family::Datetime,
        "timestamp - timestamp",
        "The time between two timestamps, on the clock.",
        "SELECT TIMESTAMP'2019-01-02 00:00:00' - TIMESTAMP'2019-01-01 00:00:00'",
    ),
    Signature::exact(
        &[TypeSpec::AnyTimestamp, TypeSpec::AnyTimestamp],
        ReturnType::Fixed(|| SqlType::DAY_TIME),
    ),
    |args| {
        let (end, start) = (local_micros(args, 0)?, local_micros(args, 1)?);
        let nulls = [args.array(0)?.logical_nulls(), args.array(1)?.logical_nulls()];
        rows::<DurationMicrosecondType>(args, |row| {
            if nulls.iter().flatten().any(|n| n.is_null(row)) {
                return Ok(None);
            }
            or_overflow(end[row].checked_sub(start[row]), "subtract timestamps", args)
        })
    },
);

pub(super) static TIME_ADD_INTERVAL: ScalarFn = fallible(
    "time_add_interval",
    &[],
    doc(
        Family::Datetime,
        "time + interval",
        "A time of day moved by a day-time interval; it must not leave the day.",
        "SELECT TIME'10:00:00' + INTERVAL '1' HOUR",
    ),
    Signature::exact(&[TypeSpec::Time, TypeSpec::DayTimeInterval], ReturnType::Of(time_type)),
    |args| {
        let (times, intervals) = (TimeCol::of(args, 0)?, Col::<DurationMicrosecondArray>::of(args, 1)?);
        rows::<Time64NanosecondType>(args, |row| {
            let (time, by) = some!(times.get(row).zip(intervals.get(row)));
            let moved = by.checked_mul(1000).and_then(|n| time.checked_add(n));
            or_overflow(
                moved.filter(|n| (0..NANOS_PER_DAY).contains(n)),
                "add an interval to a time",
                args,
            )
        })
    },
);

pub(super) static SUBTRACT_TIMES: ScalarFn = fallible(
    "subtract_times",
    &[],
    doc(
        Family::Datetime,
        "time - time",
        "The time between two times of day.",
        "SELECT TIME'10:00:00' - TIME'09:00:00'",
    ),
    Signature::exact(
        &[TypeSpec::Time, TypeSpec::Time],
        ReturnType::Fixed(|| SqlType::DayTimeInterval(DayTimeField::Hour, DayTimeField::Second)),
    ),
    |args| {
        let (end, start) = (TimeCol::of(args, 0)?, TimeCol::of(args, 1)?);
        rows::<DurationMicrosecondType>(args, |row| {
            Ok(end.get(row).zip(start.get(row)).map(|(e, s)| (e - s) / 1000))
        })
    },
);

fn or_overflow<T>(value: Option<T>, operation: &str, args: &EvalArgs<'_>) -> Result<Option<T>> {
    if value.is_none() && args.mode() != EvalMode::Try {
        return Err(args.error(overflow(operation)));
    }
    Ok(value)
}

fn time_type(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    let precision = match args.first().map(Expr::ty) {
        Some(SqlType::Time(p)) => p,
        _ => 6,
    };
    let with_seconds = matches!(
        args.get(1).map(Expr::ty),
        Some(SqlType::DayTimeInterval(_, DayTimeField::Second))
    );
    Ok(SqlType::Time(if with_seconds { precision.max(6) } else { precision }))
}

/// `(date or timestamp, interval)`, in either order.
fn bind(args: Vec<Expr>, required: &str, is_interval: fn(&SqlType) -> bool, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 2, Some(2), cx)?;
    let mut args = args;
    if is_interval(&args[0].ty()) && !is_interval(&args[1].ty()) {
        args.swap(0, 1);
    }
    if !is_interval(&args[1].ty()) {
        return Err(unexpected_input(&args, 1, required, cx));
    }
    let interval = args.pop().unwrap_or_default();
    let start = args.pop().unwrap_or_default();
    let start = match start.ty() {
        SqlType::Date => start,
        _ => rsql_expr::coerce::implicit_cast(start, TypeSpec::AnyTimestamp, 0, cx)?,
    };
    Ok(vec![start, interval])
}

fn bind_day_time(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    let mut args = bind(
        args,
        "\"INTERVAL DAY TO SECOND\"",
        |t| matches!(t, SqlType::DayTimeInterval(..)),
        cx,
    )?;
    let whole_days = args[1].ty() == SqlType::DayTimeInterval(DayTimeField::Day, DayTimeField::Day);
    if args[0].ty() == SqlType::Date && !whole_days {
        let start = std::mem::take(&mut args[0]);
        args[0] = cast(start, &SqlType::Timestamp, cx);
    }
    Ok(args)
}

fn add_year_month(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let intervals = Col::<IntervalYearMonthArray>::of(args, 1)?;
    const OPERATION: &str = "add a year-month interval";
    if args.ty(0) == SqlType::Date {
        let dates = DateCol::of(args, 0)?;
        return rows::<Date32Type>(args, |row| {
            let (date, months) = some!(dates.get(row).zip(intervals.get(row)));
            or_overflow(add_months(date, months), OPERATION, args)
        });
    }
    let (times, zone) = (MicrosCol::of(args, 0)?, zone_of(args, 0)?);
    rows::<TimestampMicrosecondType>(args, |row| {
        let (at, months) = some!(times.get(row).zip(intervals.get(row)));
        or_overflow(shift(at, months, 0, 0, zone.as_ref()), OPERATION, args)
    })
}

fn add_day_time(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let intervals = Col::<DurationMicrosecondArray>::of(args, 1)?;
    const OPERATION: &str = "add a day-time interval";
    if args.ty(0) == SqlType::Date {
        let dates = DateCol::of(args, 0)?;
        return rows::<Date32Type>(args, |row| {
            let (date, by) = some!(dates.get(row).zip(intervals.get(row)));
            let days = i32::try_from(by / MICROS_PER_DAY).ok();
            or_overflow(days.and_then(|d| date.checked_add(d)), OPERATION, args)
        });
    }
    let (times, zone) = (MicrosCol::of(args, 0)?, zone_of(args, 0)?);
    rows::<TimestampMicrosecondType>(args, |row| {
        let (at, by) = some!(times.get(row).zip(intervals.get(row)));
        let days = (by / MICROS_PER_DAY) as i32;
        or_overflow(shift(at, 0, days, by % MICROS_PER_DAY, zone.as_ref()), OPERATION, args)
    })
}

fn add_interval(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let intervals = Col::<IntervalMonthDayNanoArray>::of(args, 1)?;
    const OPERATION: &str = "add an interval";
    if args.ty(0) == SqlType::Date {
        let dates = DateCol::of(args, 0)?;
        return rows::<Date32Type>(args, |row| {
            let (date, by) = some!(dates.get(row).zip(intervals.get(row)));
            let micros = by.nanoseconds / 1000;
            if micros != 0 && args.mode() == EvalMode::Ansi {
                return Err(args.error(Error::user("INVALID_INTERVAL_WITH_MICROSECONDS_ADDITION")));
            }
            let moved = join_micros(date, 0).and_then(|d| shift(d, by.months, by.days, micros, None));
            or_overflow(moved.map(day_of), OPERATION, args)
        });
    }
    let (times, zone) = (MicrosCol::of(args, 0)?, zone_of(args, 0)?);
    rows::<TimestampMicrosecondType>(args, |row| {
        let (at, by) = some!(times.get(row).zip(intervals.get(row)));
        let moved = shift(at, by.months, by.days, by.nanoseconds / 1000, zone.as_ref());
        or_overflow(moved, OPERATION, args)
    })
}

//! Arithmetic on days: `date_add`, `date_sub`, `datediff`, `add_months`, `next_day`, `months_between`, `unix_date`,
//! `date_from_unix_date`.

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, Float64Type, Int32Type};
use rsql_common::{Error, Result};
use rsql_expr::datetime::civil::{self, join_micros, split_micros};
use rsql_expr::datetime::{Date, MICROS_PER_SECOND};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, Signature, TypeSpec};
use rsql_expr::{EvalMode, Expr, Literal, ScalarFn, SqlType};

use super::adaptors::{DateCol, MicrosCol, rows, session_zone, sibling, strictly, unary};
use crate::definition::doc;
use crate::kernel::{
    BoolCol, IntCol, StrCol, cast, check_count, constant_text, fallible, pure, rewritten, some, unexpected_input,
};

pub(super) static DATE_ADD: ScalarFn = rewritten(
    "date_add",
    &["dateadd"],
    doc(
        Family::Datetime,
        "date_add(date, days) or date_add(unit, n, timestamp)",
        "The date some days later; or the timestamp some units later.",
        "SELECT date_add('2016-07-30', 1)",
    ),
    |args, cx| {
        let name = if args.len() == 3 { "timestampadd" } else { "add_days" };
        sibling(name, cx)?.resolve(args, cx)
    },
);

pub(super) static ADD_DAYS: ScalarFn = fallible(
    "add_days",
    &[],
    doc(
        Family::Datetime,
        "date_add(date, days)",
        "The date some days later.",
        "SELECT date_add('2016-07-30', 1)",
    ),
    Signature::bind_with(bind_days, ret::DATE),
    |args| moved(args, |d, n| d.checked_add(n)),
);

pub(super) static DATE_SUB: ScalarFn = fallible(
    "date_sub",
    &[],
    doc(
        Family::Datetime,
        "date_sub(date, days)",
        "The date some days earlier.",
        "SELECT date_sub('2016-07-30', 1)",
    ),
    Signature::bind_with(bind_days, ret::DATE),
    |args| moved(args, |d, n| d.checked_sub(n)),
);

pub(super) static DATEDIFF: ScalarFn = rewritten(
    "datediff",
    &["date_diff"],
    doc(
        Family::Datetime,
        "datediff(end, start) or datediff(unit, start, end)",
        "The number of days, or of other units, from start to end.",
        "SELECT datediff('2009-07-31', '2009-07-30')",
    ),
    |args, cx| {
        let name = if args.len() == 3 {
            "timestampdiff"
        } else {
            "days_between"
        };
        sibling(name, cx)?.resolve(args, cx)
    },
);

pub(super) static DAYS_BETWEEN: ScalarFn = pure(
    "days_between",
    &[],
    doc(
        Family::Datetime,
        "datediff(end, start)",
        "The number of days from start to end.",
        "SELECT datediff('2009-07-31', '2009-07-30')",
    ),
    Signature::exact(&[TypeSpec::Date, TypeSpec::Date], ret::INT),
    |args| {
        let (end, start) = (DateCol::of(args, 0)?, DateCol::of(args, 1)?);
        rows::<Int32Type>(args, |row| {
            Ok(end.get(row).zip(start.get(row)).map(|(e, s)| e.wrapping_sub(s)))
        })
    },
);

pub(super) static ADD_MONTHS: ScalarFn = fallible(
    "add_months",
    &[],
    doc(
        Family::Datetime,
        "add_months(date, months)",
        "The date some months later, cut to the month's length.",
        "SELECT add_months('2016-08-31', 1)",
    ),
    Signature::exact(&[TypeSpec::Date, TypeSpec::Int], ret::DATE),
    |args| moved(args, civil::add_months),
);

pub(super) static NEXT_DAY: ScalarFn = fallible(
    "next_day",
    &[],
    doc(
        Family::Datetime,
        "next_day(date, day_of_week)",
        "The first such day of the week after the date.",
        "SELECT next_day('2015-01-14', 'TU')",
    ),
    Signature::exact(&[TypeSpec::Date, TypeSpec::String], ret::DATE),
    next_day,
);

pub(super) static MONTHS_BETWEEN: ScalarFn = pure(
    "months_between",
    &[],
    doc(
        Family::Datetime,
        "months_between(timestamp1, timestamp2[, roundOff])",
        "The months from the second timestamp to the first; months have 31 days unless both are the same day.",
        "SELECT months_between('1997-02-28 10:30:00', '1996-10-30')",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 2, Some(3), cx)?;
            let mut args = args
                .into_iter()
                .enumerate()
                .map(|(i, a)| {
                    let spec = if i < 2 { TypeSpec::Timestamp } else { TypeSpec::Boolean };
                    rsql_expr::coerce::implicit_cast(a, spec, i, cx)
                })
                .collect::<Result<Vec<_>>>()?;
            if args.len() == 2 {
                args.push(Expr::lit(Literal::bool(true)));
            }
            Ok(args)
        },
        ret::DOUBLE,
    ),
    months_between,
);

pub(super) static UNIX_DATE: ScalarFn = pure(
    "unix_date",
    &[],
    doc(
        Family::Datetime,
        "unix_date(date)",
        "The number of days since 1970-01-01.",
        "SELECT unix_date(DATE('1970-01-02'))",
    ),
    Signature::bind_with(
        |args, cx| strictly(args, 1, &SqlType::Date, |t| *t == SqlType::Date, "\"DATE\"", cx),
        ret::INT,
    ),
    |args| unary::<Date32Type, Int32Type>(args, |d| d),
);

pub(super) static DATE_FROM_UNIX_DATE: ScalarFn = pure(
    "date_from_unix_date",
    &[],
    doc(
        Family::Datetime,
        "date_from_unix_date(days)",
        "The date some days after 1970-01-01.",
        "SELECT date_from_unix_date(1)",
    ),
    Signature::exact(&[TypeSpec::Int], ret::DATE),
    |args| unary::<Int32Type, Date32Type>(args, |d| d),
);

fn bind_days(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 2, Some(2), cx)?;
    let days = args[1].ty();
    if !matches!(days, SqlType::Int | SqlType::Short | SqlType::Byte | SqlType::Void) && !days.is_string() {
        return Err(unexpected_input(
            &args,
            1,
            "(\"INT\" or \"SMALLINT\" or \"TINYINT\")",
            cx,
        ));
    }
    if !cx.ansi()
        && let Some(text) = constant_text(&args[1], cx)
        && text.trim().parse::<i32>().is_err()
    {
        return Err(Error::user("SECOND_FUNCTION_ARGUMENT_NOT_INTEGER")
            .param("functionName", cx.called_as)
            .at(cx.origin.0));
    }
    args.into_iter()
        .enumerate()
        .map(|(i, a)| match i {
            0 => rsql_expr::coerce::implicit_cast(a, TypeSpec::Date, 0, cx),
            _ => Ok(cast(a, &SqlType::Int, cx)),
        })
        .collect()
}

fn moved(args: &EvalArgs<'_>, f: impl Fn(i32, i32) -> Option<i32>) -> Result<ArrayRef> {
    let (dates, by) = (DateCol::of(args, 0)?, IntCol::of(args, 1)?);
    rows::<Date32Type>(args, |row| {
        let (date, n) = some!(dates.get(row).zip(by.get(row)));
        match f(date, n) {
            Some(d) => Ok(Some(d)),
            None if args.mode() == EvalMode::Try => Ok(None),
            None => Err(args.error(
                Error::user("ARITHMETIC_OVERFLOW")
                    .param("message", "overflow")
                    .param("alternative", "")
                    .param("config", "\"spark.sql.ansi.enabled\""),
            )),
        }
    })
}

/// ISO number of a day of the week.
fn day_of_week(name: &str) -> Option<u32> {
    Some(match name.trim().to_ascii_uppercase().as_str() {
        "MO" | "MON" | "MONDAY" => 1,
        "TU" | "TUE" | "TUESDAY" => 2,
        "WE" | "WED" | "WEDNESDAY" => 3,
        "TH" | "THU" | "THURSDAY" => 4,
        "FR" | "FRI" | "FRIDAY" => 5,
        "SA" | "SAT" | "SATURDAY" => 6,
        "SU" | "SUN" | "SUNDAY" => 7,
        _ => return None,
    })
}

fn next_day(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (dates, names) = (DateCol::of(args, 0)?, StrCol::of(args, 1)?);
    rows::<Date32Type>(args, |row| {
        let (date, name) = some!(dates.get(row).zip(names.get(row)));
        let Some(wanted) = day_of_week(name) else {
            return match args.mode() {
                EvalMode::Ansi => Err(args.error(Error::user("ILLEGAL_DAY_OF_WEEK").param("string", name))),
                _ => Ok(None),
            };
        };
        let ahead = (wanted + 7 - civil::weekday(date)) % 7;
        Ok(date.checked_add(if ahead == 0 { 7 } else { ahead as i32 }))
    })
}

fn months_between(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (left, right) = (MicrosCol::of(args, 0)?, MicrosCol::of(args, 1)?);
    let round = BoolCol::of(args, 2)?;
    let zone = session_zone(args)?;
    // The day on the clock, and the seconds that really passed since it began.
    let split = |at: i64| {
        let (days, _) = split_micros(zone.to_local(at));
        let midnight = join_micros(days, 0).map_or(at, |local| zone.to_utc(local));
        (
            Date::from_days(days),
            at.saturating_sub(midnight).div_euclid(MICROS_PER_SECOND),
        )
    };
    rows::<Float64Type>(args, |row| {
        let (l, r) = some!(left.get(row).zip(right.get(row)));
        let round = some!(round.get(row));
        let ((d1, seconds1), (d2, seconds2)) = (split(l), split(r));
        let months = f64::from((d1.year - d2.year) * 12 + d1.month as i32 - d2.month as i32);
        let is_last = |d: Date| d.day == civil::days_in_month(d.year, d.month);
        if d1.day == d2.day || is_last(d1) && is_last(d2) {
            return Ok(Some(months));
        }
        let seconds = (i64::from(d1.day) - i64::from(d2.day)) * 86_400 + seconds1 - seconds2;
        let exact = months + seconds as f64 / (31.0 * 86_400.0);
        Ok(Some(if round { (exact * 1e8).round() / 1e8 } else { exact }))
    })
}

//! Rounding down: `trunc`, `date_trunc`.

use arrow::array::ArrayRef;
use arrow::datatypes::{Date32Type, TimestampMicrosecondType};
use rsql_common::Result;
use rsql_expr::ScalarFn;
use rsql_expr::datetime::civil::{join_micros, split_micros, weekday};
use rsql_expr::datetime::{Date, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, Signature, TypeSpec};
use rsql_expr::tree::{Effects, NullRule};

use super::adaptors::{DateCol, MicrosCol, rows, session_zone};
use crate::definition::{doc, scalar};
use crate::kernel::{StrCol, some};

pub(super) static TRUNC: ScalarFn = scalar(
    "trunc",
    doc(
        Family::Datetime,
        "trunc(date, unit)",
        "The first day of the date's week, month, quarter or year; NULL for other units.",
        "SELECT trunc('2019-08-04', 'week')",
    ),
    Signature::exact(&[TypeSpec::Date, TypeSpec::String], ret::DATE),
    NullRule::PropagateOrNull,
    Effects::PURE,
    trunc,
);

pub(super) static DATE_TRUNC: ScalarFn = scalar(
    "date_trunc",
    doc(
        Family::Datetime,
        "date_trunc(unit, timestamp)",
        "The start of the unit that the timestamp lies in; NULL for unknown units.",
        "SELECT date_trunc('YEAR', '2015-03-05T09:32:05.359')",
    ),
    Signature::exact(&[TypeSpec::String, TypeSpec::Timestamp], ret::TIMESTAMP),
    NullRule::PropagateOrNull,
    Effects::PURE,
    date_trunc,
);

/// What to round down to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Level {
    Year,
    Quarter,
    Month,
    Week,
    Day,
    /// A fixed number of microseconds on the clock.
    Micros(i64),
}

impl Level {
    fn parse(name: &str) -> Option<Level> {
        Some(match name.to_ascii_uppercase().as_str() {
            "YEAR" | "YYYY" | "YY" => Level::Year,
            "QUARTER" => Level::Quarter,
            "MONTH" | "MON" | "MM" => Level::Month,
            "WEEK" => Level::Week,
            "DAY" | "DD" => Level::Day,
            "HOUR" => Level::Micros(MICROS_PER_HOUR),
            "MINUTE" => Level::Micros(MICROS_PER_MINUTE),
            "SECOND" => Level::Micros(MICROS_PER_SECOND),
            "MILLISECOND" => Level::Micros(1000),
            "MICROSECOND" => Level::Micros(1),
            _ => return None,
        })
    }

    /// First day of the week, month, quarter or year.
    fn first_day(self, days: i32) -> Option<i32> {
        let first = |year, month| Date { year, month, day: 1 }.to_days();
        let date = Date::from_days(days);
        match self {
            Level::Year => first(date.year, 1),
            Level::Quarter => first(date.year, (date.quarter() - 1) * 3 + 1),
            Level::Month => first(date.year, date.month),
            Level::Week => days.checked_sub(weekday(days) as i32 - 1),
            Level::Day | Level::Micros(_) => Some(days),
        }
    }
}

fn trunc(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (dates, units) = (DateCol::of(args, 0)?, StrCol::of(args, 1)?);
    rows::<Date32Type>(args, |row| {
        let (date, unit) = some!(dates.get(row).zip(units.get(row)));
        Ok(match some!(Level::parse(unit)) {
            Level::Day | Level::Micros(_) => None,
            level => level.first_day(date),
        })
    })
}

fn date_trunc(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (units, times) = (StrCol::of(args, 0)?, MicrosCol::of(args, 1)?);
    let zone = session_zone(args)?;
    let constant = if units.is_constant() && args.rows > 0 {
        units.get(0).and_then(Level::parse)
    } else {
        None
    };
    rows::<TimestampMicrosecondType>(args, |row| {
        let (unit, at) = some!(units.get(row).zip(times.get(row)));
        let level = some!(constant.or_else(|| Level::parse(unit)));
        if let Level::Micros(unit) = level {
            // The offset does not change within these units, so the instant moves as the clock does.
            let local = zone.to_local(at);
            return Ok(Some(at - local.rem_euclid(unit)));
        }
        let (days, _) = split_micros(zone.to_local(at));
        let start = level.first_day(days).and_then(|d| join_micros(d, 0));
        debug_assert!(start.is_none_or(|s| s % MICROS_PER_DAY == 0));
        Ok(start.map(|s| zone.to_utc(s)))
    })
}

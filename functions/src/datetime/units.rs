//! Arithmetic by named units: `timestampadd`, `timestampdiff`.

use arrow::array::ArrayRef;
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::datetime::civil::split_micros;
use rsql_expr::datetime::{Date, MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::{EvalMode, Expr, ScalarFn, SqlType};

use super::adaptors::{MicrosCol, rows, session_zone, zone_of};
use super::shift::{overflow, shift};
use crate::definition::doc;
use crate::kernel::{LongCol, StrCol, cast, check_count, fallible, some};

pub(super) static TIMESTAMPADD: ScalarFn = fallible(
    "timestampadd",
    &[],
    doc(
        Family::Datetime,
        "timestampadd(unit, n, timestamp)",
        "The timestamp `n` units later.",
        "SELECT timestampadd(HOUR, 8, timestamp_ntz'2022-02-25 02:30:00')",
    ),
    Signature::bind_with(bind_add, ReturnType::SameAs(2)),
    timestampadd,
);

pub(super) static TIMESTAMPDIFF: ScalarFn = fallible(
    "timestampdiff",
    &["timediff"],
    doc(
        Family::Datetime,
        "timestampdiff(unit, start, end)",
        "The number of whole units from start to end.",
        "SELECT timestampdiff(MONTH, timestamp_ntz'2022-02-11 20:30:00', timestamp_ntz'2022-03-12 20:30:00')",
    ),
    Signature::bind_with(bind_diff, ret::LONG),
    timestampdiff,
);

/// What one unit is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unit {
    /// Months of the calendar.
    Months(i64),
    /// Days of the calendar.
    Days(i64),
    /// Microseconds.
    Micros(i64),
}

impl Unit {
    /// The unit of a name.
    pub(super) fn parse(name: &str, function: &str) -> Result<Unit> {
        Ok(match name.to_ascii_uppercase().as_str() {
            "YEAR" => Unit::Months(12),
            "QUARTER" => Unit::Months(3),
            "MONTH" => Unit::Months(1),
            "WEEK" => Unit::Days(7),
            "DAY" | "DAYOFYEAR" => Unit::Days(1),
            "HOUR" => Unit::Micros(MICROS_PER_HOUR),
            "MINUTE" => Unit::Micros(MICROS_PER_MINUTE),
            "SECOND" => Unit::Micros(MICROS_PER_SECOND),
            "MILLISECOND" => Unit::Micros(1000),
            "MICROSECOND" => Unit::Micros(1),
            _ => {
                return Err(Error::user("INVALID_PARAMETER_VALUE.DATETIME_UNIT")
                    .param("functionName", quoted_name([function]))
                    .param("parameter", "`unit`")
                    .param("invalidValue", format!("'{name}'")));
            }
        })
    }
}

/// The unit of a row; units hardly ever change between rows.
struct Units {
    names: StrCol,
    last: Option<(String, Unit)>,
}

impl Units {
    fn of(args: &EvalArgs<'_>) -> Result<Self> {
        Ok(Self {
            names: StrCol::of(args, 0)?,
            last: None,
        })
    }

    fn get(&mut self, row: usize, args: &EvalArgs<'_>) -> Result<Option<Unit>> {
        let Some(name) = self.names.get(row) else {
            return Ok(None);
        };
        if let Some((last, unit)) = &self.last
            && last == name
        {
            return Ok(Some(*unit));
        }
        let unit = Unit::parse(name, &args.call.func).map_err(|e| args.error(e))?;
        self.last = Some((name.to_string(), unit));
        Ok(Some(unit))
    }
}

fn bind_add(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 3, Some(3), cx)?;
    args.into_iter()
        .enumerate()
        .map(|(i, a)| {
            let spec = [TypeSpec::String, TypeSpec::Long, TypeSpec::AnyTimestamp][i];
            match i {
                1 if a.ty().is_numeric() => Ok(cast(a, &SqlType::Long, cx)),
                _ => rsql_expr::coerce::implicit_cast(a, spec, i, cx),
            }
        })
        .collect()
}

fn bind_diff(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 3, Some(3), cx)?;
    args.into_iter()
        .enumerate()
        .map(|(i, a)| {
            let spec = [TypeSpec::String, TypeSpec::Timestamp, TypeSpec::Timestamp][i];
            rsql_expr::coerce::implicit_cast(a, spec, i, cx)
        })
        .collect()
}

fn timestampadd(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (mut units, counts, times) = (Units::of(args)?, LongCol::of(args, 1)?, MicrosCol::of(args, 2)?);
    let zone = zone_of(args, 2)?;
    rows::<TimestampMicrosecondType>(args, |row| {
        let unit = some!(units.get(row, args)?);
        let (n, at) = some!(counts.get(row).zip(times.get(row)));
        let moved = match unit {
            Unit::Months(m) => n
                .checked_mul(m)
                .and_then(|m| shift(at, i32::try_from(m).ok()?, 0, 0, zone.as_ref())),
            Unit::Days(d) => n
                .checked_mul(d)
                .and_then(|d| shift(at, 0, i32::try_from(d).ok()?, 0, zone.as_ref())),
            Unit::Micros(u) => n.checked_mul(u).and_then(|u| at.checked_add(u)),
        };
        match moved {
            None if args.mode() != EvalMode::Try => {
                let unit = units.names.get(row).unwrap_or_default();
                Err(args.error(overflow(format!("add {n}L {unit} to the timestamp"))))
            }
            moved => Ok(moved),
        }
    })
}

fn timestampdiff(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (mut units, starts, ends) = (Units::of(args)?, MicrosCol::of(args, 1)?, MicrosCol::of(args, 2)?);
    let zone = session_zone(args)?;
    rows::<Int64Type>(args, |row| {
        let unit = some!(units.get(row, args)?);
        let (start, end) = some!(starts.get(row).zip(ends.get(row)));
        let (start, end) = (zone.to_local(start), zone.to_local(end));
        Ok(Some(match unit {
            Unit::Months(m) => months_between(start, end) / m,
            Unit::Days(d) => end.saturating_sub(start) / MICROS_PER_DAY / d,
            Unit::Micros(u) => end.saturating_sub(start) / u,
        }))
    })
}

/// Whole months from one wall clock to another.
pub(super) fn months_between(start: i64, end: i64) -> i64 {
    let ((start_days, start_time), (end_days, end_time)) = (split_micros(start), split_micros(end));
    let (s, e) = (Date::from_days(start_days), Date::from_days(end_days));
    let months = i64::from(e.year - s.year) * 12 + i64::from(e.month) - i64::from(s.month);
    let (from, to) = ((s.day, start_time), (e.day, end_time));
    if months > 0 && to < from {
        months - 1
    } else if months < 0 && to > from {
        months + 1
    } else {
        months
    }
}

//! Dates, timestamps and times from their parts: `make_date`, `make_timestamp` and its kinds, `make_time`.

use arrow::array::{ArrayRef, Decimal64Array};
use arrow::datatypes::{Date32Type, Time64NanosecondType, TimestampMicrosecondType};
use rsql_common::{Error, Result};
use rsql_expr::datetime::civil::{days_in_month, is_leap_year, join_micros};
use rsql_expr::datetime::{Date, MICROS_PER_HOUR, MICROS_PER_MINUTE, Zone};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature, TypeSpec};
use rsql_expr::{EvalMode, Expr, ScalarFn, SqlType};

use super::adaptors::{DateCol, TimeCol, rows, session_zone};
use crate::definition::doc;
use crate::kernel::{Col, IntCol, Kernel, StrCol, cast, cast_lenient, check_count, fallible, some, unexpected_input};

pub(super) static MAKE_DATE: ScalarFn = fallible(
    "make_date",
    &[],
    doc(
        Family::Datetime,
        "make_date(year, month, day)",
        "The date of these parts.",
        "SELECT make_date(2013, 7, 15)",
    ),
    Signature::exact(&[TypeSpec::Int, TypeSpec::Int, TypeSpec::Int], ret::DATE),
    make_date,
);

pub(super) static MAKE_TIME: ScalarFn = fallible(
    "make_time",
    &[],
    doc(
        Family::Datetime,
        "make_time(hour, minute, second)",
        "The time of these parts; seconds may have a fraction.",
        "SELECT make_time(6, 30, 45.887)",
    ),
    Signature::bind_with(
        |args, cx| {
            check_count(&args, 3, Some(3), cx)?;
            bind_parts(args, 1, false, cx)
        },
        ReturnType::Fixed(|| SqlType::Time(6)),
    ),
    make_time,
);

const LTZ: ReturnType = ret::TIMESTAMP;
const NTZ: ReturnType = ret::TIMESTAMP_NTZ;
/// Of a date and a time it is always a timestamp with local time zone.
const BY_SETTING: ReturnType = ReturnType::Of(|args, cx| {
    Ok(if cx.options.timestamp_is_ntz && args.len() > 3 {
        SqlType::TimestampNtz
    } else {
        SqlType::Timestamp
    })
});

macro_rules! make_timestamp {
    ($($item:ident, $name:literal, $text:literal, $returns:expr, $lenient:literal;)*) => { $(
        pub(super) static $item: ScalarFn = fallible(
            $name,
            &[],
            doc(
                Family::Datetime,
                concat!(
                    $name, "(year, month, day, hour, min, sec[, timezone]) or ", $name, "(date[, time[, timezone]])"
                ),
                $text,
                concat!("SELECT ", $name, "(2014, 12, 28, 6, 30, 45.887)"),
            ),
            Signature::bind_with(|args, cx| bind_timestamp(args, $lenient, cx), $returns),
            make_kernel($lenient),
        );
    )* };
}

make_timestamp! {
    MAKE_TIMESTAMP, "make_timestamp", "The timestamp of these parts.", BY_SETTING, false;
    MAKE_TIMESTAMP_LTZ, "make_timestamp_ltz", "The timestamp with local time zone of these parts.", LTZ, false;
    MAKE_TIMESTAMP_NTZ, "make_timestamp_ntz", "The timestamp without time zone of these parts.", NTZ, false;
    TRY_MAKE_TIMESTAMP, "try_make_timestamp", "The timestamp of these parts; NULL if there is none.",
        BY_SETTING, true;
    TRY_MAKE_TIMESTAMP_LTZ, "try_make_timestamp_ltz",
        "The timestamp with local time zone of these parts; NULL if there is none.", LTZ, true;
    TRY_MAKE_TIMESTAMP_NTZ, "try_make_timestamp_ntz",
        "The timestamp without time zone of these parts; NULL if there is none.", NTZ, true;
}

const fn make_kernel(lenient: bool) -> Kernel {
    if lenient {
        |args| make_timestamp(args, true)
    } else {
        |args| make_timestamp(args, false)
    }
}

/// Integers, then at position `ints + 1` the seconds as DECIMAL(16,6), then text.
fn bind_parts(args: Vec<Expr>, ints: usize, lenient: bool, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    args.into_iter()
        .enumerate()
        .map(|(i, a)| {
            if i <= ints {
                return rsql_expr::coerce::implicit_cast(a, TypeSpec::Int, i, cx);
            }
            if i > ints + 1 {
                return rsql_expr::coerce::implicit_cast(a, TypeSpec::String, i, cx);
            }
            let seconds = SqlType::Decimal(16, 6);
            let a = match a.ty() {
                t if t.is_numeric() || t.is_string() || t == SqlType::Void => a,
                _ => return Err(unexpected_input(&[a], 0, &seconds.quoted(), cx)),
            };
            Ok(if lenient {
                cast_lenient(a, &seconds, cx)
            } else {
                cast(a, &seconds, cx)
            })
        })
        .collect()
}

fn bind_timestamp(args: Vec<Expr>, lenient: bool, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    if (1..=3).contains(&args.len()) {
        return args
            .into_iter()
            .enumerate()
            .map(|(i, a)| {
                // Dates and times are taken as they are: nothing is cast to them.
                let fits = match i {
                    0 => a.ty() == SqlType::Date,
                    1 => matches!(a.ty(), SqlType::Time(_)),
                    _ => a.ty().is_string(),
                };
                let wanted = [SqlType::Date, SqlType::Time(6), SqlType::String][i].clone();
                match a.ty() {
                    SqlType::Void => Ok(cast(a, &wanted, cx)),
                    _ if fits => Ok(a),
                    _ if i == 2 => rsql_expr::coerce::implicit_cast(a, TypeSpec::String, i, cx),
                    _ => Err(crate::collection::bind::unexpected(
                        &a,
                        i,
                        ["\"DATE\"", "\"TIME\""][i],
                        cx,
                    )),
                }
            })
            .collect();
    }
    check_count(&args, 6, Some(7), cx)?;
    bind_parts(args, 4, lenient, cx)
}

/// What Java says about a field outside its range.
fn out_of_range(field: &str, low: i64, high: i64, value: i64) -> Error {
    out_of_bounds(format!(
        "Invalid value for {field} (valid values {low} - {high}): {value}"
    ))
}

fn out_of_bounds(text: String) -> Error {
    Error::user("DATETIME_FIELD_OUT_OF_BOUNDS.WITHOUT_SUGGESTION").param("rangeMessage", text)
}

fn days(year: i32, month: i32, day: i32) -> Result<i32> {
    const MONTHS: [&str; 12] = [
        "JANUARY",
        "FEBRUARY",
        "MARCH",
        "APRIL",
        "MAY",
        "JUNE",
        "JULY",
        "AUGUST",
        "SEPTEMBER",
        "OCTOBER",
        "NOVEMBER",
        "DECEMBER",
    ];
    if !(-999_999_999..=999_999_999).contains(&year) {
        return Err(out_of_range("Year", -999_999_999, 999_999_999, year.into()));
    }
    if !(1..=12).contains(&month) {
        return Err(out_of_range("MonthOfYear", 1, 12, month.into()));
    }
    if !(1..=31).contains(&day) {
        return Err(out_of_bounds(format!(
            "Invalid value for DayOfMonth (valid values 1 - 28/31): {day}"
        )));
    }
    if day as u32 > days_in_month(year, month as u32) {
        return Err(out_of_bounds(if day == 29 && !is_leap_year(year) {
            format!("Invalid date 'February 29' as '{year}' is not a leap year")
        } else {
            format!("Invalid date '{} {day}'", MONTHS[month as usize - 1])
        }));
    }
    let date = Date {
        year,
        month: month as u32,
        day: day as u32,
    };
    date.to_days().ok_or_else(|| super::shift::overflow("make a date"))
}

fn make_date(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (years, months, dates) = (IntCol::of(args, 0)?, IntCol::of(args, 1)?, IntCol::of(args, 2)?);
    rows::<Date32Type>(args, |row| {
        let (year, month) = some!(years.get(row).zip(months.get(row)));
        let day = some!(dates.get(row));
        match days(year, month, day) {
            Err(e) if args.mode() == EvalMode::Ansi => Err(args.error(e)),
            result => Ok(result.ok()),
        }
    })
}

/// Microseconds of the day, or past its end if the second is 60.
fn clock(hour: i32, minute: i32, second_micros: i64) -> Result<i64> {
    if !(0..24).contains(&hour) {
        return Err(out_of_range("HourOfDay", 0, 23, hour.into()));
    }
    if !(0..60).contains(&minute) {
        return Err(out_of_range("MinuteOfHour", 0, 59, minute.into()));
    }
    let second = second_micros.div_euclid(1_000_000);
    if second == 60 && second_micros % 1_000_000 != 0 {
        let shown = format!("{}.{:06}", second, second_micros % 1_000_000);
        return Err(Error::user("INVALID_FRACTION_OF_SECOND").param("secAndMicros", shown.trim_end_matches('0')));
    }
    if !(0..=60).contains(&second) {
        return Err(out_of_range("SecondOfMinute", 0, 59, second));
    }
    Ok(i64::from(hour) * MICROS_PER_HOUR + i64::from(minute) * MICROS_PER_MINUTE + second_micros)
}

fn make_time(args: &EvalArgs<'_>) -> Result<ArrayRef> {
    let (hours, minutes) = (IntCol::of(args, 0)?, IntCol::of(args, 1)?);
    let seconds = Col::<Decimal64Array>::of(args, 2)?;
    rows::<Time64NanosecondType>(args, |row| {
        let (hour, minute) = some!(hours.get(row).zip(minutes.get(row)));
        let second = some!(seconds.get(row));
        if second / 1_000_000 == 60 {
            return Err(args.error(out_of_range("SecondOfMinute", 0, 59, 60)));
        }
        clock(hour, minute, second)
            .map(|m| Some(m * 1000))
            .map_err(|e| args.error(e))
    })
}

fn make_timestamp(args: &EvalArgs<'_>, lenient: bool) -> Result<ArrayRef> {
    let strict = !lenient && args.mode() == EvalMode::Ansi;
    let local = args.call.ty == SqlType::TimestampNtz;
    let from_date = args.len() <= 3;
    let zones = StrCol::optional(args, if from_date { 2 } else { 6 })?;
    let session = session_zone(args)?;
    let mut parts = if from_date {
        Parts::date(args)?
    } else {
        Parts::numbers(args)?
    };
    rows::<TimestampMicrosecondType>(args, |row| {
        let zone = match &zones {
            None => session,
            Some(zones) => Zone::parse(some!(zones.get(row))).map_err(|e| args.error(e))?,
        };
        match parts.get(row) {
            Ok(wall) => Ok(wall.map(|w| if local { w } else { zone.to_utc(w) })),
            Err(e) if strict => Err(args.error(e)),
            Err(_) => Ok(None),
        }
    })
}

/// Where the wall clock comes from.
enum Parts {
    Date(DateCol, Option<TimeCol>),
    Numbers(Box<[IntCol; 5]>, Col<Decimal64Array>),
}

impl Parts {
    fn date(args: &EvalArgs<'_>) -> Result<Self> {
        Ok(Parts::Date(DateCol::of(args, 0)?, TimeCol::optional(args, 1)?))
    }

    fn numbers(args: &EvalArgs<'_>) -> Result<Self> {
        let int = |i| IntCol::of(args, i);
        Ok(Parts::Numbers(
            Box::new([int(0)?, int(1)?, int(2)?, int(3)?, int(4)?]),
            Col::<Decimal64Array>::of(args, 5)?,
        ))
    }

    /// Wall-clock microseconds of a row.
    fn get(&mut self, row: usize) -> Result<Option<i64>> {
        let (days, micros) = match self {
            Parts::Date(dates, times) => {
                let micros = match times {
                    None => 0,
                    Some(times) => some!(times.get(row)) / 1000,
                };
                (some!(dates.get(row)), micros)
            }
            Parts::Numbers(ints, seconds) => {
                let [years, months, dates, hours, minutes] = ints.as_ref();
                let (year, month) = some!(years.get(row).zip(months.get(row)));
                let (day, hour) = some!(dates.get(row).zip(hours.get(row)));
                let (minute, second) = some!(minutes.get(row).zip(seconds.get(row)));
                (days(year, month, day)?, clock(hour, minute, second)?)
            }
        };
        match join_micros(days, 0).and_then(|d| d.checked_add(micros)) {
            Some(wall) => Ok(Some(wall)),
            None => Err(super::shift::overflow("make a timestamp")),
        }
    }
}

//! Text to values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanBuilder, PrimitiveBuilder, StringViewArray};
use arrow::datatypes::*;
use rsql_common::{Error, Result};

use super::{CastCx, no_such_cast};
use crate::datetime::interval::{parse_calendar, parse_day_time, parse_year_month};
use crate::datetime::parse::{parse_date, parse_time, parse_timestamp, parse_timestamp_ntz, trim};
use crate::datetime::{MICROS_PER_SECOND, Zone};
use crate::kernel::decimal;
use crate::{EvalMode, SqlType};

pub(super) fn cast(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef> {
    let text = array.as_string_view();
    let decimals = cx.legacy();
    match cx.to {
        SqlType::Boolean => {
            let mut b = BooleanBuilder::with_capacity(text.len());
            for v in text {
                match v.map(|v| (v, parse_boolean(v))) {
                    None => b.append_null(),
                    Some((_, Some(v))) => b.append_value(v),
                    Some((v, None)) if cx.ansi() => return Err(cx.invalid_text(v)),
                    Some(_) => b.append_null(),
                }
            }
            Ok(Arc::new(b.finish()))
        }
        SqlType::Byte => parse::<Int8Type>(text, cx, |s| i8::try_from(parse_long(s, decimals)?).ok()),
        SqlType::Short => parse::<Int16Type>(text, cx, |s| i16::try_from(parse_long(s, decimals)?).ok()),
        SqlType::Int => parse::<Int32Type>(text, cx, |s| i32::try_from(parse_long(s, decimals)?).ok()),
        SqlType::Long => parse::<Int64Type>(text, cx, |s| parse_long(s, decimals)),
        SqlType::Float => parse::<Float32Type>(text, cx, |s| float_text(s)?.parse().ok()),
        SqlType::Double => parse::<Float64Type>(text, cx, parse_double),
        SqlType::Decimal(p, s) => {
            let parse_decimal = |t: &str| decimal::parse_as(trim(t), *p, *s);
            let small = matches!(cx.to.arrow(), DataType::Decimal64(..));
            let error = |t: &str| match decimal::parse(trim(t)) {
                Some((v, scale)) => match i8::try_from(scale) {
                    Ok(scale) if decimal::fits(v, 38) => cx.decimal_out_of_range(v, scale),
                    _ => Error::user("NUMERIC_OUT_OF_SUPPORTED_RANGE")
                        .param("value", trim(t))
                        .at(cx.origin.0),
                },
                None => cx.invalid_text(t),
            };
            if small {
                parse_or::<Decimal64Type>(text, cx, |t| parse_decimal(t).ok().map(|v| v as i64), error)
            } else {
                parse_or::<Decimal128Type>(text, cx, |t| parse_decimal(t).ok(), error)
            }
        }
        SqlType::Date => parse::<Date32Type>(text, cx, parse_date),
        SqlType::Timestamp => {
            let zone = Zone::parse(&cx.options.time_zone)?;
            let now = cx.options.now_micros;
            parse::<TimestampMicrosecondType>(text, cx, |s| parse_timestamp(s, &zone, now))
        }
        SqlType::TimestampNtz => parse::<TimestampMicrosecondType>(text, cx, |s| parse_timestamp_ntz(s, true)),
        SqlType::Time(p) => {
            let unit = super::datetime::time_unit(*p);
            parse::<Time64NanosecondType>(text, cx, |s| parse_time(s).map(|v| v - v % unit))
        }
        SqlType::YearMonthInterval(from, to) => {
            strict::<IntervalYearMonthType>(text, cx, |s| parse_year_month(s, *from, *to))
        }
        SqlType::DayTimeInterval(from, to) => {
            strict::<DurationMicrosecondType>(text, cx, |s| parse_day_time(s, *from, *to))
        }
        SqlType::CalendarInterval => {
            let out = text.iter().map(|s| {
                let v = parse_calendar(s?).ok()?;
                Some(IntervalMonthDayNano::new(v.months, v.days, v.micros.checked_mul(1000)?))
            });
            Ok(Arc::new(out.collect::<arrow::array::IntervalMonthDayNanoArray>()))
        }
        _ => Err(no_such_cast(cx)),
    }
}

fn parse<T: ArrowPrimitiveType>(
    text: &StringViewArray,
    cx: &CastCx<'_>,
    f: impl Fn(&str) -> Option<T::Native>,
) -> Result<ArrayRef> {
    parse_or::<T>(text, cx, f, |t| cx.invalid_text(t))
}

fn parse_or<T: ArrowPrimitiveType>(
    text: &StringViewArray,
    cx: &CastCx<'_>,
    f: impl Fn(&str) -> Option<T::Native>,
    error: impl Fn(&str) -> Error,
) -> Result<ArrayRef> {
    let mut b = PrimitiveBuilder::<T>::with_capacity(text.len()).with_data_type(cx.to.arrow());
    for v in text {
        match v.map(|v| (v, f(v))) {
            Some((_, Some(v))) => b.append_value(v),
            Some((v, None)) if cx.ansi() => return Err(error(v)),
            _ => b.append_null(),
        }
    }
    Ok(Arc::new(b.finish()))
}

/// Bad text is an error in legacy mode too.
fn strict<T: ArrowPrimitiveType>(
    text: &StringViewArray,
    cx: &CastCx<'_>,
    f: impl Fn(&str) -> Result<T::Native>,
) -> Result<ArrayRef> {
    let mut b = PrimitiveBuilder::<T>::with_capacity(text.len()).with_data_type(cx.to.arrow());
    for v in text {
        match v.map(&f) {
            None => b.append_null(),
            Some(Ok(v)) => b.append_value(v),
            Some(Err(_)) if cx.mode == EvalMode::Try => b.append_null(),
            Some(Err(e)) => return Err(e.at(cx.origin.0)),
        }
    }
    Ok(Arc::new(b.finish()))
}

/// `t`, `true`, `y`, `yes`, `1` and their opposites, ignoring case and surrounding whitespace.
pub fn parse_boolean(text: &str) -> Option<bool> {
    let text = trim(text);
    let is = |words: &[&str]| words.iter().any(|w| text.eq_ignore_ascii_case(w));
    if is(&["t", "true", "y", "yes", "1"]) {
        Some(true)
    } else if is(&["f", "false", "n", "no", "0"]) {
        Some(false)
    } else {
        None
    }
}

/// An integer with optional sign and surrounding whitespace; with `decimals`, a fraction is cut off.
pub fn parse_long(text: &str, decimals: bool) -> Option<i64> {
    let text = trim(text);
    if let Some((whole, fraction)) = text.split_once('.') {
        if !decimals || !fraction.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        return match whole {
            "" => Some(0),
            "+" | "-" => (!fraction.is_empty()).then_some(0),
            whole => whole.parse().ok(),
        };
    }
    text.parse().ok()
}

/// Text of a float as Rust reads it: Java's type suffixes are dropped, `infinity` and `nan` pass.
fn float_text(text: &str) -> Option<&str> {
    let text = trim(text);
    let suffixed = text.strip_suffix(['d', 'D', 'f', 'F']);
    // `inf` ends in a suffix letter but is a word.
    Some(match suffixed {
        Some(t) if t.ends_with(|c: char| c.is_ascii_digit() || c == '.') => t,
        _ => text,
    })
}

/// A double as Java reads it.
pub fn parse_double(text: &str) -> Option<f64> {
    float_text(text)?.parse().ok()
}

/// Whole seconds of an instant, rounded down.
pub(super) fn seconds(micros: i64) -> i64 {
    micros.div_euclid(MICROS_PER_SECOND)
}

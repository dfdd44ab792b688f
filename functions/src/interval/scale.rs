//! `multiply_interval` and `divide_interval`: an interval times or by a number, rounded half up.

use arrow::array::{
    Array, ArrayRef, AsArray, DurationMicrosecondArray, IntervalMonthDayNanoArray, IntervalYearMonthArray,
};
use arrow::datatypes::{
    DataType, Decimal64Type, Decimal128Type, DurationMicrosecondType, Float64Type, Int64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType, IntervalYearMonthType,
};
use rsql_common::{Error, Result};
use rsql_expr::datetime::MICROS_PER_DAY;
use rsql_expr::function::{EvalArgs, Family, ResolveCx, ReturnType, Signature};
use rsql_expr::{EvalMode, Expr, Literal, ScalarFn, SqlType};

use super::arithmetic::or_overflow;
use crate::datetime::adaptors::rows;
use crate::definition::doc;
use crate::kernel::{Col, cast, check_count, fallible, some, unexpected_input};

pub(super) static MULTIPLY_INTERVAL: ScalarFn = fallible(
    "multiply_interval",
    &[],
    doc(
        Family::Datetime,
        "interval * number",
        "The interval that many times.",
        "SELECT INTERVAL '1-1' YEAR TO MONTH * 2.5",
    ),
    Signature::bind_with(|args, cx| bind(args, true, cx), ReturnType::Of(whole_family)),
    |args| scaled(args, false),
);

pub(super) static DIVIDE_INTERVAL: ScalarFn = fallible(
    "divide_interval",
    &[],
    doc(
        Family::Datetime,
        "interval / number",
        "That part of the interval.",
        "SELECT INTERVAL '1' DAY / 3",
    ),
    Signature::bind_with(|args, cx| bind(args, false, cx), ReturnType::Of(whole_family)),
    |args| scaled(args, true),
);

fn whole_family(args: &[Expr], _: &ResolveCx<'_>) -> Result<SqlType> {
    Ok(match args.first().map(Expr::ty) {
        Some(SqlType::YearMonthInterval(..)) => SqlType::YEAR_MONTH,
        Some(SqlType::DayTimeInterval(..)) => SqlType::DAY_TIME,
        _ => SqlType::CalendarInterval,
    })
}

/// `(interval, number)`; a product in either order.
fn bind(args: Vec<Expr>, commutes: bool, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
    check_count(&args, 2, Some(2), cx)?;
    let mut args = args;
    if commutes && args[1].ty().is_interval() && (!args[0].ty().is_interval() || args[0].is_null_literal()) {
        args.swap(0, 1);
    }
    // A bare NULL may have been given the other operand's type.
    if args[1].is_null_literal() {
        args[1] = Expr::lit(Literal::null(SqlType::Double));
    }
    let number = args[1].ty();
    let wanted = match number {
        _ if args[0].ty() == SqlType::CalendarInterval => SqlType::Double,
        SqlType::Decimal(..) => number.clone(),
        ref t if t.is_integral() => SqlType::Long,
        _ => SqlType::Double,
    };
    if !number.is_numeric() && !number.is_string() && number != SqlType::Void {
        return Err(unexpected_input(&args, 1, "\"NUMERIC\"", cx));
    }
    let number = args.pop().unwrap_or_default();
    args.push(cast(number, &wanted, cx));
    Ok(args)
}

/// A factor or divisor: a whole number over a power of ten, or a float.
#[derive(Clone, Copy)]
enum Number {
    Exact { unscaled: i128, scale: u32 },
    Float(f64),
}

impl Number {
    fn is_zero(self) -> bool {
        match self {
            Number::Exact { unscaled, .. } => unscaled == 0,
            Number::Float(f) => f == 0.0,
        }
    }

    /// `value` times this, or divided by it.
    fn apply(self, value: i64, divide: bool) -> Option<i64> {
        match self {
            Number::Float(f) => {
                let exact = if divide { value as f64 / f } else { value as f64 * f };
                let rounded = (exact.abs() + 0.5).floor().copysign(exact);
                // The bounds of 64 bits as floats: the upper one is out of range itself.
                (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0)
                    .contains(&rounded)
                    .then_some(rounded as i64)
            }
            Number::Exact { unscaled, scale } => {
                let unit = 10_i128.checked_pow(scale)?;
                let (top, bottom) = if divide {
                    (i128::from(value).checked_mul(unit)?, unscaled)
                } else {
                    (i128::from(value).checked_mul(unscaled)?, unit)
                };
                i64::try_from(divide_half_up(top, bottom)?).ok()
            }
        }
    }
}

fn divide_half_up(top: i128, bottom: i128) -> Option<i128> {
    let (quotient, rest) = (top.checked_div(bottom)?, top.checked_rem(bottom)?);
    let away = if (top < 0) == (bottom < 0) { 1 } else { -1 };
    let round_up = rest != 0 && rest.unsigned_abs() >= bottom.unsigned_abs() - rest.unsigned_abs();
    Some(if round_up { quotient + away } else { quotient })
}

fn numbers(args: &EvalArgs<'_>) -> Result<Box<dyn Fn(usize) -> Option<Number>>> {
    let array = args.array(1)?;
    Ok(match array.data_type() {
        DataType::Int64 => {
            let a = array.as_primitive::<Int64Type>().clone();
            Box::new(move |r| {
                a.is_valid(r).then(|| Number::Exact {
                    unscaled: a.value(r).into(),
                    scale: 0,
                })
            })
        }
        DataType::Float64 => {
            let a = array.as_primitive::<Float64Type>().clone();
            Box::new(move |r| a.is_valid(r).then(|| Number::Float(a.value(r))))
        }
        DataType::Decimal64(_, s) => {
            let (a, scale) = (
                array.as_primitive::<Decimal64Type>().clone(),
                u32::from(s.unsigned_abs()),
            );
            Box::new(move |r| {
                a.is_valid(r).then(|| Number::Exact {
                    unscaled: a.value(r).into(),
                    scale,
                })
            })
        }
        DataType::Decimal128(_, s) => {
            let (a, scale) = (
                array.as_primitive::<Decimal128Type>().clone(),
                u32::from(s.unsigned_abs()),
            );
            Box::new(move |r| {
                a.is_valid(r).then(|| Number::Exact {
                    unscaled: a.value(r),
                    scale,
                })
            })
        }
        other => return Err(Error::internal(format!("an interval times {other}"))),
    })
}

/// True if the row must give NULL because its divisor is zero; an error if that is one.
fn divides_by_zero(number: Number, divide: bool, args: &EvalArgs<'_>) -> Result<bool> {
    if !divide || !number.is_zero() {
        return Ok(false);
    }
    let tolerated =
        args.mode() == EvalMode::Try || args.mode() == EvalMode::Legacy && args.call.ty == SqlType::CalendarInterval;
    if tolerated {
        Ok(true)
    } else {
        Err(args.error(Error::user("INTERVAL_DIVIDED_BY_ZERO")))
    }
}

fn scaled(args: &EvalArgs<'_>, divide: bool) -> Result<ArrayRef> {
    let numbers = numbers(args)?;
    match args.ty(0) {
        SqlType::YearMonthInterval(..) => {
            let intervals = Col::<IntervalYearMonthArray>::of(args, 0)?;
            rows::<IntervalYearMonthType>(args, |row| {
                let (months, number) = some!(intervals.get(row).zip(numbers(row)));
                if divides_by_zero(number, divide, args)? {
                    return Ok(None);
                }
                let result = number.apply(months.into(), divide).and_then(|m| i32::try_from(m).ok());
                or_overflow(result, args)
            })
        }
        SqlType::DayTimeInterval(..) => {
            let intervals = Col::<DurationMicrosecondArray>::of(args, 0)?;
            rows::<DurationMicrosecondType>(args, |row| {
                let (micros, number) = some!(intervals.get(row).zip(numbers(row)));
                if divides_by_zero(number, divide, args)? {
                    return Ok(None);
                }
                or_overflow(number.apply(micros, divide), args)
            })
        }
        _ => {
            let intervals = Col::<IntervalMonthDayNanoArray>::of(args, 0)?;
            rows::<IntervalMonthDayNanoType>(args, |row| {
                let (interval, number) = some!(intervals.get(row).zip(numbers(row)));
                if divides_by_zero(number, divide, args)? {
                    return Ok(None);
                }
                let Number::Float(f) = number else { return Ok(None) };
                or_overflow(scale_parts(interval, f, divide), args)
            })
        }
    }
}

/// Months lose their fraction; that of the days goes into the time.
fn scale_parts(interval: IntervalMonthDayNano, number: f64, divide: bool) -> Option<IntervalMonthDayNano> {
    let apply = |v: f64| if divide { v / number } else { v * number };
    let int = |v: f64| (v.abs() <= f64::from(i32::MAX)).then_some(v.trunc() as i32);
    let months = int(apply(f64::from(interval.months)))?;
    let days_exact = apply(f64::from(interval.days));
    let days = int(days_exact)?;
    let micros = apply((interval.nanoseconds / 1000) as f64) + (days_exact - f64::from(days)) * MICROS_PER_DAY as f64;
    let nanos = (micros.round() as i64).checked_mul(1000)?;
    Some(IntervalMonthDayNano::new(months, days, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_half_up() {
        for (top, bottom, want) in [
            (5, 2, 3),
            (-5, 2, -3),
            (4, 3, 1),
            (5, 3, 2),
            (24, 7, 3),
            (0, 5, 0),
            (-1, 3, 0),
        ] {
            assert_eq!(divide_half_up(top, bottom), Some(want), "{top}/{bottom}");
        }
        let two_and_a_half = Number::Exact { unscaled: 25, scale: 1 };
        assert_eq!(two_and_a_half.apply(13, false), Some(33));
        assert_eq!(Number::Float(-0.5).apply(1, false), Some(-1));
    }
}

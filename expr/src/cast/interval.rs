//! ANSI intervals among each other and from and to numbers.

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::datatypes::*;
use num_traits::AsPrimitive;
use rsql_common::Result;

use super::convert::{map, try_map, with_integral};
use super::{CastCx, dispatch, no_such_cast};
use crate::datetime::{MICROS_PER_DAY, MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND};
use crate::kernel::decimal::{POW10, rescale};
use crate::types::{DayTimeField, YearMonthField};
use crate::{EvalMode, SqlType};

fn months_of(field: YearMonthField) -> i32 {
    match field {
        YearMonthField::Year => 12,
        YearMonthField::Month => 1,
    }
}

fn micros_of(field: DayTimeField) -> i64 {
    match field {
        DayTimeField::Day => MICROS_PER_DAY,
        DayTimeField::Hour => MICROS_PER_HOUR,
        DayTimeField::Minute => MICROS_PER_MINUTE,
        DayTimeField::Second => MICROS_PER_SECOND,
    }
}

pub(super) fn cast(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef> {
    use SqlType::*;
    // Legacy mode raises the same errors.
    let strict = CastCx {
        mode: if cx.legacy() { EvalMode::Ansi } else { cx.mode },
        ..*cx
    };
    let cx = &strict;
    match (cx.from, cx.to) {
        // Fields beyond the last one are cut off.
        (YearMonthInterval(..), YearMonthInterval(_, to)) => {
            let unit = months_of(*to);
            map::<IntervalYearMonthType, IntervalYearMonthType>(array, cx.to, |v| v / unit * unit)
        }
        (DayTimeInterval(..), DayTimeInterval(_, to)) => {
            let unit = if *to == DayTimeField::Second { 1 } else { micros_of(*to) };
            map::<DurationMicrosecondType, DurationMicrosecondType>(array, cx.to, |v| v / unit * unit)
        }
        (YearMonthInterval(_, field), t) if t.is_numeric() => {
            let unit = months_of(*field);
            let whole = map::<IntervalYearMonthType, Int32Type>(array, &Int, |v| v / unit)?;
            number(&whole, &Int, array, cx)
        }
        (DayTimeInterval(_, DayTimeField::Second), Decimal(..)) => {
            let seconds = Decimal(19, 6);
            let exact = map::<DurationMicrosecondType, Decimal128Type>(array, &seconds, i128::from)?;
            number(&exact, &seconds, array, cx)
        }
        (DayTimeInterval(_, field), t) if t.is_numeric() => {
            let unit = micros_of(*field);
            let whole = map::<DurationMicrosecondType, Int64Type>(array, &Long, |v| v / unit)?;
            number(&whole, &Long, array, cx)
        }
        (f, YearMonthInterval(_, field)) if f.is_integral() => {
            let unit = i64::from(months_of(*field));
            with_integral!(f, S => scaled::<S, IntervalYearMonthType>(array, cx, unit))
        }
        (f, DayTimeInterval(_, field)) if f.is_integral() => {
            let unit = micros_of(*field);
            with_integral!(f, S => scaled::<S, DurationMicrosecondType>(array, cx, unit))
        }
        (Decimal(_, scale), YearMonthInterval(_, field)) => {
            // Years are cut, months rounded.
            let (unit, scale) = (i128::from(months_of(*field)), *scale);
            let whole = |v: i128| match field {
                YearMonthField::Year => truncated(v, scale),
                YearMonthField::Month => rescale(v, scale, 0, 38),
            };
            let f = |v: i128| i32::try_from(whole(v)?.checked_mul(unit)?).ok();
            try_map::<Decimal128Type, IntervalYearMonthType>(&wide(array)?, cx, f, |row| cx.overflow(array, row))
        }
        (Decimal(_, scale), DayTimeInterval(_, field)) => {
            let (unit, scale) = (i128::from(micros_of(*field)), *scale);
            let f = |v: i128| {
                let micros = match field {
                    DayTimeField::Second => rescale(v, scale, 6, 38)?,
                    _ => truncated(v, scale)?.checked_mul(unit)?,
                };
                i64::try_from(micros).ok()
            };
            try_map::<Decimal128Type, DurationMicrosecondType>(&wide(array)?, cx, f, |row| cx.overflow(array, row))
        }
        _ => Err(no_such_cast(cx)),
    }
}

/// Unscaled decimals in 128 bits.
fn wide(array: &ArrayRef) -> Result<ArrayRef> {
    match array.as_primitive_opt::<Decimal64Type>() {
        Some(_) => map::<Decimal64Type, Decimal128Type>(array, &SqlType::Decimal(38, 0), i128::from),
        None => Ok(array.clone()),
    }
}

/// The whole part of a decimal.
fn truncated(unscaled: i128, scale: i8) -> Option<i128> {
    let unit = POW10[usize::from(scale.unsigned_abs().min(38))];
    if scale < 0 {
        unscaled.checked_mul(unit)
    } else {
        Some(unscaled / unit)
    }
}

/// The number of an interval as the target type; errors name the interval.
fn number(values: &ArrayRef, ty: &SqlType, interval: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef> {
    let inner = CastCx { from: ty, ..*cx };
    match dispatch(values, &inner) {
        Err(e) if e.condition() == "CAST_OVERFLOW" => {
            let one = SqlType::Long;
            let wide = dispatch(values, &CastCx { to: &one, ..inner })?;
            let fits = |row: usize| dispatch(&wide.slice(row, 1), &CastCx { from: &one, ..inner }).is_ok();
            let row = (0..wide.len()).find(|row| !fits(*row)).unwrap_or(0);
            Err(cx.overflow(interval, row))
        }
        other => other,
    }
}

fn scaled<S: ArrowPrimitiveType, T: ArrowPrimitiveType>(
    array: &ArrayRef,
    cx: &CastCx<'_>,
    unit: i64,
) -> Result<ArrayRef>
where
    S::Native: AsPrimitive<i64>,
    T::Native: TryFrom<i64>,
{
    debug_assert!(array.as_primitive_opt::<S>().is_some());
    let f = |v: S::Native| T::Native::try_from(AsPrimitive::<i64>::as_(v).checked_mul(unit)?).ok();
    try_map::<S, T>(array, cx, f, |row| cx.overflow(array, row))
}

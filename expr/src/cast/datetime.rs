//! Dates, timestamps and times among each other and from and to numbers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, new_null_array};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::*;
use num_traits::AsPrimitive;
use rsql_common::{Error, Result};

use super::convert::{map, map_or_null, try_map, with_integral};
use super::from_string::seconds;
use super::{CastCx, dispatch, no_such_cast};
use crate::datetime::{MICROS_PER_DAY, MICROS_PER_SECOND, NANOS_PER_DAY, Zone};
use crate::kernel::decimal::POW10;
use crate::{EvalMode, SqlType};

type Micros = TimestampMicrosecondType;

/// Nanoseconds of the last digit a TIME of a precision keeps.
pub(super) fn time_unit(precision: u8) -> i64 {
    POW10[usize::from(9 - precision.min(9))] as i64
}

pub(super) fn cast(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef> {
    use SqlType::*;
    let zone = || Zone::parse(&cx.options.time_zone);
    match (cx.from, cx.to) {
        (Date, Timestamp) => {
            let zone = zone()?;
            try_map::<Date32Type, Micros>(
                array,
                cx,
                |d| midnight(d).map(|m| zone.to_utc(m)),
                |row| too_large(array, row, cx),
            )
        }
        (Date, TimestampNtz) => try_map::<Date32Type, Micros>(array, cx, midnight, |row| too_large(array, row, cx)),
        (Timestamp, Date) => {
            let zone = zone()?;
            map::<Micros, Date32Type>(array, cx.to, |t| zone.to_local(t).div_euclid(MICROS_PER_DAY) as i32)
        }
        (TimestampNtz, Date) => map::<Micros, Date32Type>(array, cx.to, |t| t.div_euclid(MICROS_PER_DAY) as i32),
        (Timestamp, TimestampNtz) => {
            let zone = zone()?;
            map::<Micros, Micros>(array, cx.to, |t| zone.to_local(t))
        }
        (TimestampNtz, Timestamp) => {
            let zone = zone()?;
            map::<Micros, Micros>(array, cx.to, |t| zone.to_utc(t))
        }
        (Timestamp, Time(p)) => {
            let (zone, unit) = (zone()?, time_unit(*p));
            map::<Micros, Time64NanosecondType>(array, cx.to, |t| {
                let nanos = zone.to_local(t).rem_euclid(MICROS_PER_DAY) * 1000;
                nanos - nanos % unit
            })
        }
        (TimestampNtz, Time(p)) => {
            let unit = time_unit(*p);
            map::<Micros, Time64NanosecondType>(array, cx.to, |t| {
                let nanos = t.rem_euclid(MICROS_PER_DAY) * 1000;
                nanos - nanos % unit
            })
        }
        (Time(_), Time(p)) => {
            let unit = time_unit(*p);
            map::<Time64NanosecondType, Time64NanosecondType>(array, cx.to, |t| t - t % unit)
        }
        (Time(_), _) => from_time(array, cx),
        (Date, t) if t.is_numeric() || *t == Boolean => Ok(new_null_array(&t.arrow(), array.len())),
        (Timestamp, Boolean) => {
            let a = array.as_primitive::<Micros>();
            let bits = BooleanBuffer::collect_bool(a.len(), |i| a.values()[i] != 0);
            Ok(Arc::new(BooleanArray::new(bits, a.nulls().cloned())))
        }
        (Timestamp, _) => from_timestamp(array, cx),
        (_, Timestamp) => to_timestamp(array, cx),
        _ => Err(no_such_cast(cx)),
    }
}

fn midnight(days: i32) -> Option<i64> {
    i64::from(days).checked_mul(MICROS_PER_DAY)
}

fn too_large(array: &ArrayRef, row: usize, cx: &CastCx<'_>) -> Error {
    cx.overflow(array, row)
}

fn from_timestamp(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef> {
    match cx.to {
        SqlType::Long => map::<Micros, Int64Type>(array, cx.to, seconds),
        SqlType::Float => map::<Micros, Float32Type>(array, cx.to, |t| (t as f64 / MICROS_PER_SECOND as f64) as f32),
        SqlType::Double => map::<Micros, Float64Type>(array, cx.to, |t| t as f64 / MICROS_PER_SECOND as f64),
        SqlType::Decimal(..) => {
            // Microseconds are a decimal of scale 6.
            let wide = map::<Micros, Decimal128Type>(array, &SqlType::Decimal(20, 6), i128::from)?;
            dispatch(
                &wide,
                &CastCx {
                    from: &SqlType::Decimal(20, 6),
                    ..*cx
                },
            )
        }
        t if t.is_integral() => with_integral!(t, T => narrow_seconds::<T>(array, cx)),
        _ => Err(no_such_cast(cx)),
    }
}

fn narrow_seconds<T: ArrowPrimitiveType>(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef>
where
    T::Native: AsPrimitive<i64>,
    i64: AsPrimitive<T::Native>,
{
    if cx.legacy() && *cx.to == SqlType::Int {
        return map::<Micros, T>(array, cx.to, |t| seconds(t).as_());
    }
    let f = |t: i64| {
        let wide = seconds(t);
        let narrow: T::Native = wide.as_();
        (AsPrimitive::<i64>::as_(narrow) == wide).then_some(narrow)
    };
    try_map::<Micros, T>(array, cx, f, |row| cx.overflow(array, row))
}

fn to_timestamp(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef> {
    match cx.from {
        SqlType::Boolean => {
            let a = array.as_boolean();
            let out: arrow::array::TimestampMicrosecondArray = a.iter().map(|b| b.map(i64::from)).collect();
            Ok(Arc::new(out.with_data_type(cx.to.arrow())))
        }
        f if f.is_integral() => with_integral!(f, S => map::<S, Micros>(array, cx.to, |v| {
            AsPrimitive::<i64>::as_(v).saturating_mul(MICROS_PER_SECOND)
        })),
        SqlType::Float => from_float::<Float32Type>(array, cx),
        SqlType::Double => from_float::<Float64Type>(array, cx),
        SqlType::Decimal(_, scale) => {
            // Fractions of a microsecond and bits beyond 64 are cut.
            let shift = i32::from(*scale) - 6;
            let unit = POW10[shift.unsigned_abs().min(38) as usize];
            let micros = |v: i128| if shift >= 0 { v / unit } else { v.wrapping_mul(unit) } as i64;
            match array.as_primitive_opt::<Decimal64Type>() {
                Some(_) => map::<Decimal64Type, Micros>(array, cx.to, |v| micros(i128::from(v))),
                None => map::<Decimal128Type, Micros>(array, cx.to, micros),
            }
        }
        _ => Err(no_such_cast(cx)),
    }
}

fn from_float<S: ArrowPrimitiveType>(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef>
where
    S::Native: AsPrimitive<f64>,
{
    let error = |row: usize| {
        let v: f64 = array.as_primitive::<S>().value(row).as_();
        if v.is_finite() {
            cx.overflow(array, row)
        } else {
            cx.invalid(&crate::format::float_string(v))
        }
    };
    let f = |v: S::Native| {
        let micros = AsPrimitive::<f64>::as_(v) * MICROS_PER_SECOND as f64;
        let fits = cx.legacy() || micros.floor() <= i64::MAX as f64 && micros.ceil() >= i64::MIN as f64;
        (AsPrimitive::<f64>::as_(v).is_finite() && fits).then_some(micros as i64)
    };
    try_map::<S, Micros>(array, cx, f, error)
}

/// Seconds of the day, with their fraction for decimals.
fn from_time(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef> {
    let nanos = SqlType::Decimal(14, 9);
    debug_assert!(NANOS_PER_DAY < 10i64.pow(14));
    let decimal = map_or_null::<Time64NanosecondType, Decimal64Type>(array, &nanos, Some)?;
    let inner = CastCx { from: &nanos, ..*cx };
    match cx.to {
        SqlType::Byte | SqlType::Short if cx.legacy() => {
            // NULL rather than cut bits.
            dispatch(
                &decimal,
                &CastCx {
                    mode: EvalMode::Try,
                    ..inner
                },
            )
        }
        t if t.is_numeric() => dispatch(&decimal, &inner),
        // The day is today's.
        SqlType::Timestamp | SqlType::TimestampNtz => {
            let zone = Zone::parse(&cx.options.time_zone)?;
            let today = zone.to_local(cx.options.now_micros).div_euclid(MICROS_PER_DAY) * MICROS_PER_DAY;
            let instant = *cx.to == SqlType::Timestamp;
            map::<Time64NanosecondType, Micros>(array, cx.to, |t| {
                let local = today + t / 1000;
                if instant { zone.to_utc(local) } else { local }
            })
        }
        _ => Err(no_such_cast(cx)),
    }
}

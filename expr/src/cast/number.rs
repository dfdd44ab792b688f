//! Numbers and truth values among each other.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BinaryViewArray, BooleanArray, PrimitiveArray};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::*;
use num_traits::AsPrimitive;
use rsql_common::Result;

use super::convert::{map, map_or_null, try_map, with_integral};
use super::{CastCx, no_such_cast};
use crate::SqlType;
use crate::kernel::decimal::{POW10, fits, parse_as, rescale, to_f64};

pub(super) fn cast(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef> {
    use SqlType::*;
    match (cx.from, cx.to) {
        (Boolean, _) => from_boolean(array, cx),
        (_, Boolean) => to_boolean(array, cx),
        (f, t) if f.is_integral() && t.is_integral() => {
            with_integral!(f, S => with_integral!(t, T => integral::<S, T>(array, cx)))
        }
        (f, Float) if f.is_integral() => with_integral!(f, S => map::<S, Float32Type>(array, cx.to, |v| v.as_())),
        (f, Double) if f.is_integral() => with_integral!(f, S => map::<S, Float64Type>(array, cx.to, |v| v.as_())),
        (f, Decimal(p, s)) if f.is_integral() => {
            with_integral!(f, S => rescaled::<S>(array, cx, 0, *p, *s))
        }
        (Float, Double) => map::<Float32Type, Float64Type>(array, cx.to, f64::from),
        (Double, Float) => map::<Float64Type, Float32Type>(array, cx.to, |v| v as f32),
        (Float, t) if t.is_integral() => with_integral!(t, T => float_to_integral::<Float32Type, T>(array, cx)),
        (Double, t) if t.is_integral() => with_integral!(t, T => float_to_integral::<Float64Type, T>(array, cx)),
        (Float, Decimal(p, s)) => float_to_decimal::<Float32Type>(array, cx, *p, *s),
        (Double, Decimal(p, s)) => float_to_decimal::<Float64Type>(array, cx, *p, *s),
        (Decimal(..), _) if matches!(array.data_type(), DataType::Decimal64(..)) => {
            from_decimal::<Decimal64Type>(array, cx)
        }
        (Decimal(..), _) => from_decimal::<Decimal128Type>(array, cx),
        _ => Err(no_such_cast(cx)),
    }
}

fn integral<S: ArrowPrimitiveType, T: ArrowPrimitiveType>(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef>
where
    S::Native: AsPrimitive<i64> + AsPrimitive<T::Native>,
    T::Native: AsPrimitive<i64>,
{
    if cx.legacy() || crate::types::is_widening(cx.from, cx.to) {
        return map::<S, T>(array, cx.to, |v| v.as_());
    }
    let f = |v: S::Native| {
        let wide: i64 = v.as_();
        let narrow: T::Native = v.as_();
        (narrow.as_() == wide).then_some(narrow)
    };
    try_map::<S, T>(array, cx, f, |row| cx.overflow(array, row))
}

fn float_to_integral<S: ArrowPrimitiveType, T: ArrowPrimitiveType>(
    array: &ArrayRef,
    cx: &CastCx<'_>,
) -> Result<ArrayRef>
where
    S::Native: AsPrimitive<f64>,
    T::Native: AsPrimitive<i64>,
    i64: AsPrimitive<T::Native>,
    i32: AsPrimitive<T::Native>,
{
    if cx.legacy() {
        let long = *cx.to == SqlType::Long;
        // Java: saturate to INT or BIGINT, then cut bits.
        return map::<S, T>(array, cx.to, |v| {
            let v: f64 = v.as_();
            if long { (v as i64).as_() } else { (v as i32).as_() }
        });
    }
    let (least, most) = match cx.to {
        SqlType::Byte => (f64::from(i8::MIN), f64::from(i8::MAX)),
        SqlType::Short => (f64::from(i16::MIN), f64::from(i16::MAX)),
        SqlType::Int => (f64::from(i32::MIN), f64::from(i32::MAX)),
        _ => (i64::MIN as f64, i64::MAX as f64),
    };
    let f = |v: S::Native| {
        let v: f64 = v.as_();
        (v.floor() <= most && v.ceil() >= least).then(|| (v as i64).as_())
    };
    try_map::<S, T>(array, cx, f, |row| cx.overflow(array, row))
}

/// An integer or decimal of scale `from` as a decimal.
fn rescaled<S: ArrowPrimitiveType>(array: &ArrayRef, cx: &CastCx<'_>, from: i8, p: u8, s: i8) -> Result<ArrayRef>
where
    S::Native: AsPrimitive<i128> + AsPrimitive<i64>,
{
    let small = matches!(cx.to.arrow(), DataType::Decimal64(..));
    if crate::types::is_widening(cx.from, cx.to) {
        let m = POW10[usize::try_from(i32::from(s) - i32::from(from)).unwrap_or(0).min(38)];
        return if small {
            let m = m as i64;
            map::<S, Decimal64Type>(array, cx.to, |v| AsPrimitive::<i64>::as_(v).wrapping_mul(m))
        } else {
            map::<S, Decimal128Type>(array, cx.to, |v| AsPrimitive::<i128>::as_(v).wrapping_mul(m))
        };
    }
    let values = |row: usize| array.as_primitive::<S>().value(row);
    let error = |row: usize| cx.decimal_out_of_range(values(row).as_(), from);
    if small {
        try_map::<S, Decimal64Type>(array, cx, |v| rescale(v.as_(), from, s, p).map(|v| v as i64), error)
    } else {
        try_map::<S, Decimal128Type>(array, cx, |v| rescale(v.as_(), from, s, p), error)
    }
}

fn float_to_decimal<S: ArrowPrimitiveType>(array: &ArrayRef, cx: &CastCx<'_>, p: u8, s: i8) -> Result<ArrayRef>
where
    S::Native: AsPrimitive<f64>,
{
    let wide = |v: S::Native| -> Option<i128> {
        let v: f64 = v.as_();
        parse_as(&format!("{v:e}"), p, s).ok()
    };
    let a = array.as_primitive::<S>();
    // NaN and infinities have no decimal in any mode.
    let finite: PrimitiveArray<S> = a
        .iter()
        .map(|v| v.filter(|v| AsPrimitive::<f64>::as_(*v).is_finite()))
        .collect();
    let finite: ArrayRef = Arc::new(finite);
    let error = |row: usize| {
        let v: f64 = a.value(row).as_();
        cx.out_of_range(format!("{v}"))
    };
    if matches!(cx.to.arrow(), DataType::Decimal64(..)) {
        try_map::<S, Decimal64Type>(&finite, cx, |v| wide(v).map(|v| v as i64), error)
    } else {
        try_map::<S, Decimal128Type>(&finite, cx, wide, error)
    }
}

fn from_decimal<S: ArrowPrimitiveType>(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef>
where
    S::Native: AsPrimitive<i128> + AsPrimitive<i64>,
{
    let SqlType::Decimal(_, from) = *cx.from else {
        return Err(no_such_cast(cx));
    };
    match cx.to {
        SqlType::Decimal(p, s) => rescaled::<S>(array, cx, from, *p, *s),
        SqlType::Double => map::<S, Float64Type>(array, cx.to, |v| to_f64(v.as_(), from)),
        SqlType::Float => map::<S, Float32Type>(array, cx.to, |v| {
            let v: i128 = v.as_();
            format!("{v}e{}", -i32::from(from)).parse().unwrap_or(f32::NAN)
        }),
        t => with_integral!(t, T => decimal_to_integral::<S, T>(array, cx, from)),
    }
}

fn decimal_to_integral<S: ArrowPrimitiveType, T: ArrowPrimitiveType>(
    array: &ArrayRef,
    cx: &CastCx<'_>,
    scale: i8,
) -> Result<ArrayRef>
where
    S::Native: AsPrimitive<i128>,
    T::Native: AsPrimitive<i128>,
    i128: AsPrimitive<T::Native>,
{
    let divisor = POW10[usize::from(scale.unsigned_abs().min(38))];
    let whole = |v: S::Native| {
        let v: i128 = v.as_();
        if scale < 0 {
            v.wrapping_mul(divisor)
        } else {
            v / divisor
        }
    };
    if cx.legacy() {
        return map::<S, T>(array, cx.to, |v| whole(v).as_());
    }
    let f = |v: S::Native| {
        let wide = whole(v);
        let narrow: T::Native = wide.as_();
        (AsPrimitive::<i128>::as_(narrow) == wide).then_some(narrow)
    };
    try_map::<S, T>(array, cx, f, |row| cx.overflow(array, row))
}

fn from_boolean(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef> {
    let bools = array.as_boolean();
    let bytes: PrimitiveArray<Int8Type> = bools.iter().map(|b| b.map(i8::from)).collect();
    let bytes: ArrayRef = Arc::new(bytes);
    if *cx.to == SqlType::Byte {
        return Ok(bytes);
    }
    let one = CastCx {
        from: &SqlType::Byte,
        ..*cx
    };
    if let SqlType::Decimal(p, s) = cx.to
        && !fits(POW10[usize::from(s.unsigned_abs().min(38))], *p)
    {
        // DECIMAL(1, 1) holds 0 but not 1.
        return rescaled::<Int8Type>(&bytes, &one, 0, *p, *s);
    }
    cast(&bytes, &one)
}

fn to_boolean(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef> {
    fn test<S: ArrowPrimitiveType>(array: &ArrayRef, f: impl Fn(S::Native) -> bool) -> ArrayRef {
        let a = array.as_primitive::<S>();
        let bits = BooleanBuffer::collect_bool(a.len(), |i| f(a.values()[i]));
        Arc::new(BooleanArray::new(bits, a.nulls().cloned()))
    }
    Ok(match array.data_type() {
        DataType::Int8 => test::<Int8Type>(array, |v| v != 0),
        DataType::Int16 => test::<Int16Type>(array, |v| v != 0),
        DataType::Int32 => test::<Int32Type>(array, |v| v != 0),
        DataType::Int64 => test::<Int64Type>(array, |v| v != 0),
        DataType::Float32 => test::<Float32Type>(array, |v| v != 0.0),
        DataType::Float64 => test::<Float64Type>(array, |v| v != 0.0),
        DataType::Decimal64(..) => test::<Decimal64Type>(array, |v| v != 0),
        DataType::Decimal128(..) => test::<Decimal128Type>(array, |v| v != 0),
        _ => return Err(no_such_cast(cx)),
    })
}

/// An integer's bytes, most significant first (legacy mode only).
pub(super) fn to_binary(array: &ArrayRef, cx: &CastCx<'_>) -> Result<ArrayRef> {
    let wide = with_integral!(cx.from, S => map_or_null::<S, Int64Type>(array, &SqlType::Long, |v| Some(v.as_())))?;
    let bytes = match cx.from {
        SqlType::Byte => 1,
        SqlType::Short => 2,
        SqlType::Int => 4,
        _ => 8,
    };
    let out = wide
        .as_primitive::<Int64Type>()
        .iter()
        .map(|v| v.map(|v| v.to_be_bytes()[8 - bytes..].to_vec()));
    Ok(Arc::new(out.collect::<BinaryViewArray>()))
}

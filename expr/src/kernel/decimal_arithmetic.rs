//! Arithmetic on decimals, as 64-bit or 128-bit unscaled integers.
//!
//! Where the result type was not cut to 38 digits no result can overflow, and the loops check nothing. Else each
//! value is computed exactly (in 256 bits if it must), rounded HALF_UP to the result's scale, and checked.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{DataType, Decimal64Type, Decimal128Type, Int64Type, i256};
use rsql_common::{Error, Result};

use super::arithmetic::{ArithSpec, OnBad, checked, finish};
use super::decimal::{POW10, fits, shift_right_half_up, to_plain};
use super::operand::{Operand, Side, zip_map};
use crate::{ArithOp, EvalMode, SqlType};

/// An unscaled decimal.
trait Unscaled: Copy {
    fn wide(self) -> i128;
    fn narrow(v: i128) -> Self;
}
impl Unscaled for i64 {
    #[inline(always)]
    fn wide(self) -> i128 {
        i128::from(self)
    }
    #[inline(always)]
    fn narrow(v: i128) -> Self {
        v as i64
    }
}
impl Unscaled for i128 {
    #[inline(always)]
    fn wide(self) -> i128 {
        self
    }
    #[inline(always)]
    fn narrow(v: i128) -> Self {
        v
    }
}

struct Shape {
    s1: i8,
    s2: i8,
    p: u8,
    s: i8,
    /// No value of the result type's exact computation overflows or needs rounding.
    exact: bool,
}

pub(super) fn decimal(
    spec: &ArithSpec,
    l: &Side,
    r: &Side,
    rows: usize,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let (SqlType::Decimal(p1, s1), SqlType::Decimal(p2, s2)) = (&spec.left, &spec.right) else {
        return Err(Error::internal(format!(
            "decimal arithmetic on {} and {}",
            spec.left, spec.right
        )));
    };
    let (p, s) = match spec.ty {
        SqlType::Decimal(p, s) => (p, s),
        _ => (20, 0),
    };
    let (w1, w2) = (i32::from(*p1), i32::from(*p2));
    let (f1, f2) = (i32::from(*s1), i32::from(*s2));
    let whole = i32::from(p) - i32::from(s);
    let exact = match spec.op {
        ArithOp::Add | ArithOp::Subtract => i32::from(s) >= f1.max(f2) && whole > (w1 - f1).max(w2 - f2),
        ArithOp::Multiply => i32::from(s) == f1 + f2 && i32::from(p) >= w1 + w2,
        ArithOp::Negate => true,
        _ => false,
    };
    let shape = Shape {
        s1: *s1,
        s2: *s2,
        p,
        s,
        exact,
    };
    let small = |side: &Side| matches!(side.array.data_type(), DataType::Decimal64(..));
    match (small(l), small(r)) {
        (true, true) => by_output::<Decimal64Type, Decimal64Type>(spec, &shape, l, r, rows, nulls),
        (true, false) => by_output::<Decimal64Type, Decimal128Type>(spec, &shape, l, r, rows, nulls),
        (false, true) => by_output::<Decimal128Type, Decimal64Type>(spec, &shape, l, r, rows, nulls),
        (false, false) => by_output::<Decimal128Type, Decimal128Type>(spec, &shape, l, r, rows, nulls),
    }
}

fn by_output<L: ArrowPrimitiveType, R: ArrowPrimitiveType>(
    spec: &ArithSpec,
    shape: &Shape,
    l: &Side,
    r: &Side,
    rows: usize,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef>
where
    L::Native: Unscaled,
    R::Native: Unscaled,
{
    let sides = (l.operand::<L>()?, r.operand::<R>()?);
    match spec.ty.arrow() {
        DataType::Int64 => checked_op::<L, R, Int64Type>(spec, shape, sides, rows, nulls),
        DataType::Decimal64(..) if shape.exact => Ok(exact_op::<L, R, Decimal64Type>(spec, shape, sides, rows, nulls)),
        DataType::Decimal64(..) => checked_op::<L, R, Decimal64Type>(spec, shape, sides, rows, nulls),
        _ if shape.exact => Ok(exact_op::<L, R, Decimal128Type>(spec, shape, sides, rows, nulls)),
        _ => checked_op::<L, R, Decimal128Type>(spec, shape, sides, rows, nulls),
    }
}

fn exact_op<L: ArrowPrimitiveType, R: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    spec: &ArithSpec,
    shape: &Shape,
    (l, r): (Operand<'_, L::Native>, Operand<'_, R::Native>),
    rows: usize,
    nulls: Option<NullBuffer>,
) -> ArrayRef
where
    L::Native: Unscaled,
    R::Native: Unscaled,
    O::Native: Unscaled,
{
    let power = |from: i8| {
        POW10[usize::try_from(i32::from(shape.s) - i32::from(from))
            .unwrap_or(0)
            .min(38)]
    };
    let (m1, m2) = (power(shape.s1), power(shape.s2));
    let out: Vec<O::Native> = match spec.op {
        ArithOp::Multiply => zip_map(l, r, rows, |a, b| O::Native::narrow(a.wide().wrapping_mul(b.wide()))),
        ArithOp::Negate => zip_map(l, r, rows, |a, _| O::Native::narrow(a.wide().wrapping_neg())),
        ArithOp::Add if m1 == 1 && m2 == 1 => {
            zip_map(l, r, rows, |a, b| O::Native::narrow(a.wide().wrapping_add(b.wide())))
        }
        ArithOp::Subtract if m1 == 1 && m2 == 1 => {
            zip_map(l, r, rows, |a, b| O::Native::narrow(a.wide().wrapping_sub(b.wide())))
        }
        ArithOp::Add => zip_map(l, r, rows, |a, b| {
            O::Native::narrow(a.wide().wrapping_mul(m1).wrapping_add(b.wide().wrapping_mul(m2)))
        }),
        _ => zip_map(l, r, rows, |a, b| {
            O::Native::narrow(a.wide().wrapping_mul(m1).wrapping_sub(b.wide().wrapping_mul(m2)))
        }),
    };
    finish::<O>((out, nulls), &spec.ty)
}

fn checked_op<L: ArrowPrimitiveType, R: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    spec: &ArithSpec,
    shape: &Shape,
    sides: (Operand<'_, L::Native>, Operand<'_, R::Native>),
    rows: usize,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef>
where
    L::Native: Unscaled,
    R::Native: Unscaled,
    O::Native: Unscaled,
{
    // Decimal overflow gives NULL unless in ANSI mode.
    let on_bad = if spec.mode == EvalMode::Ansi {
        OnBad::Raise
    } else {
        OnBad::Null
    };
    let by_zero = matches!(
        spec.op,
        ArithOp::Divide | ArithOp::IntegralDivide | ArithOp::Remainder | ArithOp::Pmod
    );
    let error = |a: L::Native, b: R::Native| {
        if by_zero && b.wide() == 0 {
            return spec.divide_by_zero();
        }
        let scale = match spec.op {
            ArithOp::Multiply => shape.s1 + shape.s2,
            _ => shape.s1.max(shape.s2),
        };
        let value = match wide_value(spec.op, shape, a.wide(), b.wide()) {
            Some(v) => to_plain(v, scale),
            None => format!(
                "{} {} {}",
                to_plain(a.wide(), shape.s1),
                spec.op.symbol(),
                to_plain(b.wide(), shape.s2)
            ),
        };
        spec.out_of_range(value)
    };
    let limit = POW10[usize::from(shape.p.min(38))];
    if spec.op == ArithOp::Multiply && shape.s == shape.s1 + shape.s2 && shape.p == 38 {
        // The usual cut product: 64-bit factors cannot overflow 38 digits.
        let f = |a: L::Native, b: R::Native| {
            let (a, b) = (a.wide(), b.wide());
            if a as i64 as i128 == a && b as i64 as i128 == b {
                return (O::Native::narrow((a as i64 as i128) * (b as i64 as i128)), false);
            }
            let (v, o) = a.overflowing_mul(b);
            (O::Native::narrow(v), o || v >= limit || v <= -limit)
        };
        return Ok(finish::<O>(checked(sides, rows, nulls, on_bad, f, error)?, &spec.ty));
    }
    let f = |a: L::Native, b: R::Native| match value(spec.op, shape, a.wide(), b.wide()) {
        Some(v) => (O::Native::narrow(v), false),
        None => (O::Native::narrow(0), true),
    };
    Ok(finish::<O>(checked(sides, rows, nulls, on_bad, f, error)?, &spec.ty))
}

/// The exact sum, difference or product at its natural scale, if it fits 128 bits; for messages.
fn wide_value(op: ArithOp, shape: &Shape, a: i128, b: i128) -> Option<i128> {
    let scale = shape.s1.max(shape.s2);
    let up = |v: i128, from: i8| v.checked_mul(*POW10.get(usize::try_from(scale - from).ok()?)?);
    match op {
        ArithOp::Add => up(a, shape.s1)?.checked_add(up(b, shape.s2)?),
        ArithOp::Subtract => up(a, shape.s1)?.checked_sub(up(b, shape.s2)?),
        ArithOp::Multiply => a.checked_mul(b),
        _ => None,
    }
}

/// One result at the result's scale; `None` if there is none (division by zero, overflow).
fn value(op: ArithOp, shape: &Shape, a: i128, b: i128) -> Option<i128> {
    let (s1, s2, s) = (i32::from(shape.s1), i32::from(shape.s2), i32::from(shape.s));
    let fit = |v: i128| fits(v, shape.p).then_some(v);
    match op {
        ArithOp::Add | ArithOp::Subtract => {
            let scale = s1.max(s2);
            match wide_value(op, shape, a, b) {
                Some(v) if s >= scale => fit(v.checked_mul(POW10[(s - scale) as usize])?),
                Some(v) => fit(shift_right_half_up(v, (scale - s) as u32)),
                None => {
                    let up = |v: i128, from: i32| i256::from_i128(v).wrapping_mul(pow256(scale - from));
                    let (x, y) = (up(a, s1), up(b, s2));
                    let v = if op == ArithOp::Add {
                        x.wrapping_add(y)
                    } else {
                        x.wrapping_sub(y)
                    };
                    fit(round256(v, scale - s)?)
                }
            }
        }
        ArithOp::Multiply => {
            let scale = s1 + s2;
            match a.checked_mul(b) {
                Some(v) if s >= scale => fit(v.checked_mul(POW10[(s - scale) as usize])?),
                Some(v) => fit(shift_right_half_up(v, (scale - s) as u32)),
                None => fit(round256(
                    i256::from_i128(a).wrapping_mul(i256::from_i128(b)),
                    scale - s,
                )?),
            }
        }
        ArithOp::Divide => {
            if b == 0 {
                return None;
            }
            let k = s - s1 + s2;
            let (up_a, up_b) = (k.max(0), (-k).max(0));
            if up_b == 0
                && let Some(n) = POW10.get(up_a as usize).and_then(|m| a.checked_mul(*m))
            {
                let (q, rem) = (n / b, n % b);
                let up = rem.unsigned_abs() >= b.unsigned_abs().div_ceil(2) && rem != 0;
                let sign = if (n < 0) == (b < 0) { 1 } else { -1 };
                return fit(if up { q + sign } else { q });
            }
            let n = i256::from_i128(a).checked_mul(pow256(up_a))?;
            let d = i256::from_i128(b).checked_mul(pow256(up_b))?;
            fit(divide256(n, d)?)
        }
        ArithOp::IntegralDivide => {
            if b == 0 {
                return None;
            }
            let scale = s1.max(s2);
            let n = i256::from_i128(a).wrapping_mul(pow256(scale - s1));
            let d = i256::from_i128(b).wrapping_mul(pow256(scale - s2));
            let q = n.checked_div(d)?.to_i128()?;
            i64::try_from(q).ok().map(i128::from)
        }
        ArithOp::Remainder | ArithOp::Pmod => {
            if b == 0 {
                return None;
            }
            let scale = s1.max(s2);
            let up = |v: i128, from: i32| v.checked_mul(*POW10.get(usize::try_from(scale - from).ok()?)?);
            let m = match (up(a, s1), up(b, s2)) {
                (Some(x), Some(y)) => {
                    let m = x % y;
                    if op == ArithOp::Pmod && m < 0 { (m + y) % y } else { m }
                }
                _ => {
                    let x = i256::from_i128(a).wrapping_mul(pow256(scale - s1));
                    let y = i256::from_i128(b).wrapping_mul(pow256(scale - s2));
                    let m = x.checked_rem(y)?;
                    let m = if op == ArithOp::Pmod && m < i256::ZERO {
                        m.wrapping_add(y).checked_rem(y)?
                    } else {
                        m
                    };
                    m.to_i128()?
                }
            };
            fit(if s >= scale {
                m.checked_mul(POW10[(s - scale) as usize])?
            } else {
                shift_right_half_up(m, (scale - s) as u32)
            })
        }
        ArithOp::Negate => Some(-a),
        ArithOp::BitAnd | ArithOp::BitOr | ArithOp::BitXor => None,
    }
}

fn pow256(digits: i32) -> i256 {
    let digits = digits.clamp(0, 76) as usize;
    let low = i256::from_i128(POW10[digits.min(38)]);
    low.wrapping_mul(i256::from_i128(POW10[digits.saturating_sub(38)]))
}

/// `v` with `digits` digits fewer after the point (HALF_UP), if that fits 128 bits.
fn round256(v: i256, digits: i32) -> Option<i128> {
    if digits <= 0 {
        return v.checked_mul(pow256(-digits))?.to_i128();
    }
    divide256(v, pow256(digits))
}

/// `n / d` rounded HALF_UP, if that fits 128 bits.
fn divide256(n: i256, d: i256) -> Option<i128> {
    let (q, r) = (n.checked_div(d)?, n.checked_rem(d)?);
    let q = q.to_i128()?;
    let twice = r.wrapping_abs().wrapping_add(r.wrapping_abs());
    if r != i256::ZERO && twice >= d.wrapping_abs() {
        let sign = if (n < i256::ZERO) == (d < i256::ZERO) { 1 } else { -1 };
        return q.checked_add(sign);
    }
    Some(q)
}

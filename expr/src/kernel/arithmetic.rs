//! Arithmetic and bit operations on numbers.

use std::sync::Arc;

use arrow::array::{ArrayRef, ArrowPrimitiveType, PrimitiveArray, new_null_array};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::*;
use rsql_common::{Error, Result, quoted_name};

use super::operand::{Operand, Side, union_nulls, zip_map};
use crate::{ArithOp, EvalMode, Origin, SqlType, Vector};

/// An arithmetic operation apart from its operands.
#[derive(Debug, Clone)]
pub struct ArithSpec {
    /// Operator.
    pub op: ArithOp,
    /// Type of the left operand.
    pub left: SqlType,
    /// Type of the right operand.
    pub right: SqlType,
    /// Type of the result.
    pub ty: SqlType,
    /// What overflow and division by zero do.
    pub mode: EvalMode,
    /// Where it stands.
    pub origin: Origin,
}

const ANSI: &str = "\"spark.sql.ansi.enabled\"";

impl ArithSpec {
    pub(super) fn divide_by_zero(&self) -> Error {
        let condition = match self.op {
            ArithOp::Remainder | ArithOp::Pmod => "REMAINDER_BY_ZERO",
            _ => "DIVIDE_BY_ZERO",
        };
        Error::user(condition).param("config", ANSI).at(self.origin.0)
    }

    /// An integral result is out of range.
    fn overflow(&self, left: i64, right: i64) -> Error {
        let alternative = match self.op {
            ArithOp::Add => Some("try_add"),
            ArithOp::Subtract => Some("try_subtract"),
            ArithOp::Multiply => Some("try_multiply"),
            ArithOp::IntegralDivide => Some("try_divide"),
            _ => None,
        };
        let error = match (&self.ty, alternative) {
            (SqlType::Byte | SqlType::Short, Some(function)) => Error::user("BINARY_ARITHMETIC_OVERFLOW")
                .param("value1", format!("{left}S"))
                .param("symbol", self.op.symbol())
                .param("value2", format!("{right}S"))
                .param("functionName", quoted_name([function])),
            (_, alternative) => {
                let message = match self.op {
                    ArithOp::IntegralDivide => "Overflow in integral divide",
                    _ => "overflow",
                };
                let alternative = alternative.map_or(String::new(), |f| {
                    format!(" Use '{f}' to tolerate overflow and return NULL instead.")
                });
                Error::user("ARITHMETIC_OVERFLOW")
                    .param("message", message)
                    .param("alternative", alternative)
                    .param("config", ANSI)
            }
        };
        error.at(self.origin.0)
    }

    pub(super) fn out_of_range(&self, value: String) -> Error {
        let (p, s) = match self.ty {
            SqlType::Decimal(p, s) => (p, s),
            _ => (0, 0),
        };
        Error::user("NUMERIC_VALUE_OUT_OF_RANGE.WITH_SUGGESTION")
            .param("value", value)
            .param("precision", p.to_string())
            .param("scale", s.to_string())
            .param("config", ANSI)
            .at(self.origin.0)
    }
}

/// What a value that has no result does to its row.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum OnBad {
    Raise,
    Null,
}

/// `f` on each pair; pairs it flags raise `error` or become NULL if their row is valid.
pub(super) fn checked<L: Copy, R: Copy, O>(
    (left, right): (Operand<'_, L>, Operand<'_, R>),
    rows: usize,
    nulls: Option<NullBuffer>,
    on_bad: OnBad,
    f: impl Fn(L, R) -> (O, bool),
    error: impl Fn(L, R) -> Error,
) -> Result<(Vec<O>, Option<NullBuffer>)> {
    let mut any = false;
    let out = zip_map(left, right, rows, |a, b| {
        let (v, bad) = f(a, b);
        any |= bad;
        v
    });
    if !any {
        return Ok((out, nulls));
    }
    let good = BooleanBuffer::collect_bool(rows, |i| !f(left.get(i), right.get(i)).1);
    if on_bad == OnBad::Raise {
        let valid = |i: &usize| nulls.as_ref().is_none_or(|n| n.is_valid(*i));
        return match (0..rows).filter(valid).find(|i| !good.value(*i)) {
            Some(i) => Err(error(left.get(i), right.get(i))),
            None => Ok((out, nulls)),
        };
    }
    let nulls = union_nulls(nulls.as_ref(), Some(&NullBuffer::new(good)));
    Ok((out, nulls))
}

pub(super) fn finish<T: ArrowPrimitiveType>(
    (values, nulls): (Vec<T::Native>, Option<NullBuffer>),
    ty: &SqlType,
) -> ArrayRef {
    Arc::new(PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls).with_data_type(ty.arrow()))
}

/// Computes `left op right` for each of `rows` rows.
pub fn arithmetic(spec: &ArithSpec, left: &Vector, right: &Vector, rows: usize) -> Result<ArrayRef> {
    let l = Side::new(left)?;
    // Negation has no right operand.
    let r = if spec.op == ArithOp::Negate {
        l.clone()
    } else {
        Side::new(right)?
    };
    if l.is_null_constant() || r.is_null_constant() || spec.ty == SqlType::Void {
        return Ok(new_null_array(&spec.ty.arrow(), rows));
    }
    let nulls = union_nulls(l.nulls().as_ref(), r.nulls().as_ref());
    // Intervals divide as the integers they are.
    let (l, r) = match spec.left {
        SqlType::YearMonthInterval(..) => (l.retyped(&SqlType::Int)?, r.retyped(&SqlType::Int)?),
        SqlType::DayTimeInterval(..) => (l.retyped(&SqlType::Long)?, r.retyped(&SqlType::Long)?),
        _ => (l, r),
    };
    match (&spec.left, &spec.ty) {
        (SqlType::YearMonthInterval(..), SqlType::Long) => i32_ops(spec, &l, &r, rows, nulls),
        (SqlType::DayTimeInterval(..), SqlType::Long) => i64_ops(spec, &l, &r, rows, nulls),
        (SqlType::Decimal(..), _) => super::decimal_arithmetic::decimal(spec, &l, &r, rows, nulls),
        (SqlType::Byte, _) => i8_ops(spec, &l, &r, rows, nulls),
        (SqlType::Short, _) => i16_ops(spec, &l, &r, rows, nulls),
        (SqlType::Int, _) => i32_ops(spec, &l, &r, rows, nulls),
        (SqlType::Long, _) => i64_ops(spec, &l, &r, rows, nulls),
        (SqlType::Float, _) => f32_ops(spec, &l, &r, rows, nulls),
        (SqlType::Double, _) => f64_ops(spec, &l, &r, rows, nulls),
        (ty, _) => Err(Error::internal(format!("arithmetic {} on {ty}", spec.op.symbol()))),
    }
}

macro_rules! int_ops {
    ($name:ident, $t:ty, $arrow:ty) => {
        fn $name(spec: &ArithSpec, l: &Side, r: &Side, rows: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
            let sides = (l.operand::<$arrow>()?, r.operand::<$arrow>()?);
            let (a, b) = sides;
            let on_bad = if spec.mode == EvalMode::Ansi {
                OnBad::Raise
            } else {
                OnBad::Null
            };
            let wrap = spec.mode == EvalMode::Legacy;
            let over = |x: $t, y: $t| spec.overflow(x.into(), y.into());
            let plain = |v: Vec<$t>| finish::<$arrow>((v, nulls.clone()), &spec.ty);
            Ok(match spec.op {
                ArithOp::Add if wrap => plain(zip_map(a, b, rows, <$t>::wrapping_add)),
                ArithOp::Subtract if wrap => plain(zip_map(a, b, rows, <$t>::wrapping_sub)),
                ArithOp::Multiply if wrap => plain(zip_map(a, b, rows, <$t>::wrapping_mul)),
                ArithOp::Negate if wrap => plain(zip_map(a, b, rows, |x, _| x.wrapping_neg())),
                ArithOp::BitAnd => plain(zip_map(a, b, rows, |x, y| x & y)),
                ArithOp::BitOr => plain(zip_map(a, b, rows, |x, y| x | y)),
                ArithOp::BitXor => plain(zip_map(a, b, rows, |x, y| x ^ y)),
                ArithOp::Add => finish::<$arrow>(
                    checked(sides, rows, nulls, on_bad, <$t>::overflowing_add, over)?,
                    &spec.ty,
                ),
                ArithOp::Subtract => finish::<$arrow>(
                    checked(sides, rows, nulls, on_bad, <$t>::overflowing_sub, over)?,
                    &spec.ty,
                ),
                ArithOp::Multiply => finish::<$arrow>(
                    checked(sides, rows, nulls, on_bad, <$t>::overflowing_mul, over)?,
                    &spec.ty,
                ),
                ArithOp::Negate => {
                    let f = |x: $t, _: $t| x.overflowing_neg();
                    finish::<$arrow>(checked(sides, rows, nulls, on_bad, f, over)?, &spec.ty)
                }
                ArithOp::Remainder | ArithOp::Pmod => {
                    let pmod = spec.op == ArithOp::Pmod;
                    let f = |x: $t, y: $t| {
                        if y == 0 {
                            return (0, true);
                        }
                        let m = x.wrapping_rem(y);
                        (
                            if pmod && m < 0 {
                                m.wrapping_add(y).wrapping_rem(y)
                            } else {
                                m
                            },
                            false,
                        )
                    };
                    let error = |_: $t, _: $t| spec.divide_by_zero();
                    finish::<$arrow>(checked(sides, rows, nulls, on_bad, f, error)?, &spec.ty)
                }
                // Widened to BIGINT: only BIGINT's least value by -1 overflows.
                ArithOp::Divide | ArithOp::IntegralDivide => {
                    let f = |x: $t, y: $t| {
                        if y == 0 {
                            return (0i64, true);
                        }
                        let (q, o) = i64::from(x).overflowing_div(i64::from(y));
                        (q, o && !wrap)
                    };
                    let error = |x: $t, y: $t| {
                        if y == 0 {
                            spec.divide_by_zero()
                        } else {
                            spec.overflow(x.into(), y.into())
                        }
                    };
                    finish::<Int64Type>(checked(sides, rows, nulls, on_bad, f, error)?, &spec.ty)
                }
            })
        }
    };
}
int_ops!(i8_ops, i8, Int8Type);
int_ops!(i16_ops, i16, Int16Type);
int_ops!(i32_ops, i32, Int32Type);
int_ops!(i64_ops, i64, Int64Type);

macro_rules! float_ops {
    ($name:ident, $t:ty, $arrow:ty) => {
        fn $name(spec: &ArithSpec, l: &Side, r: &Side, rows: usize, nulls: Option<NullBuffer>) -> Result<ArrayRef> {
            let sides = (l.operand::<$arrow>()?, r.operand::<$arrow>()?);
            let (a, b) = sides;
            let on_bad = if spec.mode == EvalMode::Ansi {
                OnBad::Raise
            } else {
                OnBad::Null
            };
            let plain = |v: Vec<$t>| Ok(finish::<$arrow>((v, nulls.clone()), &spec.ty));
            let f: fn($t, $t) -> $t = match spec.op {
                ArithOp::Add => return plain(zip_map(a, b, rows, |x, y| x + y)),
                ArithOp::Subtract => return plain(zip_map(a, b, rows, |x, y| x - y)),
                ArithOp::Multiply => return plain(zip_map(a, b, rows, |x, y| x * y)),
                ArithOp::Negate => return plain(zip_map(a, b, rows, |x, _| -x)),
                ArithOp::Divide => |x, y| x / y,
                ArithOp::Remainder => |x, y| x % y,
                ArithOp::Pmod => |x, y| {
                    let m = x % y;
                    if m < 0.0 { (m + y) % y } else { m }
                },
                op => return Err(Error::internal(format!("{} on {}", op.symbol(), spec.ty))),
            };
            let error = |_: $t, _: $t| spec.divide_by_zero();
            let f = |x: $t, y: $t| (f(x, y), y == 0.0);
            Ok(finish::<$arrow>(
                checked(sides, rows, nulls, on_bad, f, error)?,
                &spec.ty,
            ))
        }
    };
}
float_ops!(f32_ops, f32, Float32Type);
float_ops!(f64_ops, f64, Float64Type);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Literal, Scalar, literal_array, scalar_at};

    fn run(op: ArithOp, mode: EvalMode, l: Literal, r: Literal, ty: SqlType) -> Result<Scalar> {
        let spec = ArithSpec {
            op,
            left: l.ty.clone(),
            right: r.ty.clone(),
            ty: ty.clone(),
            mode,
            origin: Origin::default(),
        };
        let (l, r) = (
            Vector::Flat(literal_array(&l)?),
            Vector::constant(literal_array(&r)?, 1),
        );
        scalar_at(&arithmetic(&spec, &l, &r, 1)?, 0, &ty)
    }

    #[test]
    fn integers() {
        use ArithOp::*;
        use EvalMode::*;
        let max = Literal::int(i32::MAX);
        let one = Literal::int(1);
        let add = |mode| run(Add, mode, max.clone(), one.clone(), SqlType::Int);
        assert_eq!(add(Ansi).unwrap_err().condition(), "ARITHMETIC_OVERFLOW");
        let byte = Literal::new(Scalar::I8(127), SqlType::Byte);
        let byte = run(Add, Ansi, byte.clone(), byte, SqlType::Byte).unwrap_err();
        assert_eq!(byte.condition(), "BINARY_ARITHMETIC_OVERFLOW");
        assert_eq!(add(Legacy).unwrap(), Scalar::I32(i32::MIN));
        assert_eq!(add(Try).unwrap(), Scalar::Null);
        let zero = Literal::int(0);
        assert_eq!(
            run(Remainder, Ansi, one.clone(), zero.clone(), SqlType::Int)
                .unwrap_err()
                .condition(),
            "REMAINDER_BY_ZERO"
        );
        assert_eq!(
            run(IntegralDivide, Legacy, one.clone(), zero, SqlType::Long).unwrap(),
            Scalar::Null
        );
        assert_eq!(
            run(Pmod, Ansi, Literal::int(-7), Literal::int(3), SqlType::Int).unwrap(),
            Scalar::I32(2)
        );
        assert_eq!(
            run(Negate, Ansi, one.clone(), one, SqlType::Int).unwrap(),
            Scalar::I32(-1)
        );
        let months = |n| Literal::new(Scalar::I32(n), SqlType::YEAR_MONTH);
        assert_eq!(
            run(IntegralDivide, Ansi, months(25), months(12), SqlType::Long).unwrap(),
            Scalar::I64(2)
        );
        let least = Literal::long(i64::MIN);
        assert!(run(IntegralDivide, Ansi, least, Literal::long(-1), SqlType::Long).is_err());
        assert_eq!(
            run(
                Divide,
                Ansi,
                Literal::double(1.0),
                Literal::double(0.0),
                SqlType::Double
            )
            .unwrap_err()
            .condition(),
            "DIVIDE_BY_ZERO"
        );
    }

    #[test]
    fn decimals() {
        use ArithOp::*;
        let d = Literal::decimal;
        let t = SqlType::Decimal;
        for (op, l, r, ty, want) in [
            (Multiply, d(1050, 15, 2), d(95, 16, 2), t(32, 4), Some(99_750)),
            (Multiply, d(99_750, 32, 4), d(108, 16, 2), t(38, 6), Some(10_773_000)),
            (Add, d(15, 3, 1), d(225, 5, 2), t(6, 2), Some(375)),
            (Subtract, d(100, 3, 2), d(7, 3, 2), t(4, 2), Some(93)),
            (Divide, d(100, 10, 2), d(300, 10, 2), t(23, 13), Some(3_333_333_333_333)),
            (
                Divide,
                d(-200, 10, 2),
                d(300, 10, 2),
                t(23, 13),
                Some(-6_666_666_666_667),
            ),
            (Remainder, d(-75, 3, 1), d(2, 1, 0), t(2, 1), Some(-15)),
            (Pmod, d(-75, 3, 1), d(2, 1, 0), t(2, 1), Some(5)),
            (
                Multiply,
                d(10i128.pow(37), 38, 0),
                d(10i128.pow(37), 38, 0),
                t(38, 0),
                None,
            ),
            (IntegralDivide, d(75, 3, 1), d(2, 1, 0), SqlType::Long, Some(3)),
        ] {
            let got = run(op, EvalMode::Ansi, l.clone(), r.clone(), ty.clone())
                .ok()
                .and_then(|v| v.as_i128());
            assert_eq!(got, want, "{l} {op:?} {r}");
            if want.is_none() {
                assert_eq!(run(op, EvalMode::Legacy, l, r, ty).unwrap(), Scalar::Null);
            }
        }
    }
}

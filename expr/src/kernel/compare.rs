//! Comparison of two operands, giving BOOLEAN.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::*;
use rsql_common::Result;

use super::operand::{Operand, Side, union_nulls};
use super::ordering::{cmp_f32, cmp_f64, comparator};
use crate::{CompareOp, Vector};

impl CompareOp {
    /// What the operator says of two values that are not NULL.
    #[inline]
    pub fn holds(self, o: Ordering) -> bool {
        match self {
            CompareOp::Eq | CompareOp::NullSafeEq => o.is_eq(),
            CompareOp::NotEq => o.is_ne(),
            CompareOp::Lt => o.is_lt(),
            CompareOp::LtEq => o.is_le(),
            CompareOp::Gt => o.is_gt(),
            CompareOp::GtEq => o.is_ge(),
        }
    }
}

/// `left op right` for each of `rows` rows; both sides have one type.
pub fn compare(op: CompareOp, left: &Vector, right: &Vector, rows: usize) -> Result<BooleanArray> {
    let (l, r) = (Side::new(left)?, Side::new(right)?);
    if op == CompareOp::NullSafeEq {
        return null_safe(&l, &r, rows);
    }
    if l.is_null_constant() || r.is_null_constant() {
        return Ok(BooleanArray::new_null(rows));
    }
    let nulls = union_nulls(l.nulls().as_ref(), r.nulls().as_ref());
    Ok(BooleanArray::new(values(op, &l, &r, rows, nulls.as_ref())?, nulls))
}

fn null_safe(l: &Side, r: &Side, rows: usize) -> Result<BooleanArray> {
    let validity = |s: &Side| match (s.constant, s.is_null_constant()) {
        (true, true) => BooleanBuffer::new_unset(rows),
        (true, false) => BooleanBuffer::new_set(rows),
        _ => s
            .array
            .logical_nulls()
            .map_or_else(|| BooleanBuffer::new_set(rows), NullBuffer::into_inner),
    };
    let (lv, rv) = (validity(l), validity(r));
    let both = &lv & &rv;
    let neither = &(!&lv) & &(!&rv);
    if l.is_null_constant() || r.is_null_constant() {
        return Ok(BooleanArray::new(neither, None));
    }
    let nulls = NullBuffer::new(both.clone());
    let equal = values(CompareOp::Eq, l, r, rows, Some(&nulls))?;
    Ok(BooleanArray::new(&(&equal & &both) | &neither, None))
}

fn ordered<T: ArrowPrimitiveType>(op: CompareOp, l: &Side, r: &Side, rows: usize) -> Result<BooleanBuffer>
where
    T::Native: Ord,
{
    let (l, r) = (l.operand::<T>()?, r.operand::<T>()?);
    Ok(match op {
        CompareOp::Eq | CompareOp::NullSafeEq => bits(l, r, rows, |a, b| a == b),
        CompareOp::NotEq => bits(l, r, rows, |a, b| a != b),
        CompareOp::Lt => bits(l, r, rows, |a, b| a < b),
        CompareOp::LtEq => bits(l, r, rows, |a, b| a <= b),
        CompareOp::Gt => bits(l, r, rows, |a, b| a > b),
        CompareOp::GtEq => bits(l, r, rows, |a, b| a >= b),
    })
}

#[inline]
fn bits<T: Copy>(l: Operand<'_, T>, r: Operand<'_, T>, rows: usize, f: impl Fn(T, T) -> bool) -> BooleanBuffer {
    match (l, r) {
        (Operand::All(l), Operand::All(r)) => {
            let (l, r) = (&l[..rows], &r[..rows]);
            BooleanBuffer::collect_bool(rows, |i| f(l[i], r[i]))
        }
        (Operand::All(l), Operand::One(b)) => {
            let l = &l[..rows];
            BooleanBuffer::collect_bool(rows, |i| f(l[i], b))
        }
        (Operand::One(a), Operand::All(r)) => {
            let r = &r[..rows];
            BooleanBuffer::collect_bool(rows, |i| f(a, r[i]))
        }
        (Operand::One(a), Operand::One(b)) => {
            if f(a, b) {
                BooleanBuffer::new_set(rows)
            } else {
                BooleanBuffer::new_unset(rows)
            }
        }
    }
}

fn values(op: CompareOp, l: &Side, r: &Side, rows: usize, nulls: Option<&NullBuffer>) -> Result<BooleanBuffer> {
    Ok(match l.array.data_type() {
        DataType::Int8 => ordered::<Int8Type>(op, l, r, rows)?,
        DataType::Int16 => ordered::<Int16Type>(op, l, r, rows)?,
        DataType::Int32 => ordered::<Int32Type>(op, l, r, rows)?,
        DataType::Int64 => ordered::<Int64Type>(op, l, r, rows)?,
        DataType::Date32 => ordered::<Date32Type>(op, l, r, rows)?,
        DataType::Decimal64(..) if matches!(r.array.data_type(), DataType::Decimal64(..)) => {
            ordered::<Decimal64Type>(op, l, r, rows)?
        }
        DataType::Decimal128(..) if matches!(r.array.data_type(), DataType::Decimal128(..)) => {
            ordered::<Decimal128Type>(op, l, r, rows)?
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => ordered::<TimestampMicrosecondType>(op, l, r, rows)?,
        DataType::Time64(TimeUnit::Nanosecond) => ordered::<Time64NanosecondType>(op, l, r, rows)?,
        DataType::Duration(TimeUnit::Microsecond) => ordered::<DurationMicrosecondType>(op, l, r, rows)?,
        DataType::Interval(IntervalUnit::YearMonth) => ordered::<IntervalYearMonthType>(op, l, r, rows)?,
        DataType::Float64 => {
            let (l, r) = (l.operand::<Float64Type>()?, r.operand::<Float64Type>()?);
            bits(l, r, rows, |a, b| op.holds(cmp_f64(a, b)))
        }
        DataType::Float32 => {
            let (l, r) = (l.operand::<Float32Type>()?, r.operand::<Float32Type>()?);
            bits(l, r, rows, |a, b| op.holds(cmp_f32(a, b)))
        }
        DataType::Utf8View => {
            let (a, b) = (l.array.as_string_view(), r.array.as_string_view());
            by_bytes(
                op,
                rows,
                |i| a.value(l.row(i)).as_bytes(),
                |i| b.value(r.row(i)).as_bytes(),
            )
        }
        DataType::BinaryView => {
            let (a, b) = (l.array.as_binary_view(), r.array.as_binary_view());
            by_bytes(op, rows, |i| a.value(l.row(i)), |i| b.value(r.row(i)))
        }
        _ => {
            let c = comparator(&l.array, &r.array)?;
            BooleanBuffer::collect_bool(rows, |i| {
                nulls.is_none_or(|n| n.is_valid(i)) && op.holds(c(l.row(i), r.row(i)))
            })
        }
    })
}

#[inline]
fn by_bytes<'a, 'b>(
    op: CompareOp,
    rows: usize,
    l: impl Fn(usize) -> &'a [u8],
    r: impl Fn(usize) -> &'b [u8],
) -> BooleanBuffer {
    match op {
        CompareOp::Eq | CompareOp::NullSafeEq => BooleanBuffer::collect_bool(rows, |i| l(i) == r(i)),
        CompareOp::NotEq => BooleanBuffer::collect_bool(rows, |i| l(i) != r(i)),
        op => BooleanBuffer::collect_bool(rows, |i| op.holds(l(i).cmp(r(i)))),
    }
}

/// Row-wise equality of two arrays of one type, NULL equal to NULL.
pub fn equal_pairs(left: &ArrayRef, right: &ArrayRef) -> Result<BooleanArray> {
    let rows = left.len();
    let (l, r) = (Vector::Flat(Arc::clone(left)), Vector::Flat(Arc::clone(right)));
    compare(CompareOp::NullSafeEq, &l, &r, rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Float64Array, Int32Array, StringViewArray};

    fn flat(a: impl Array + 'static) -> Vector {
        Vector::Flat(Arc::new(a))
    }

    #[test]
    fn three_valued() {
        let l = flat(Int32Array::from(vec![Some(1), None, Some(3)]));
        let r = Vector::constant(Arc::new(Int32Array::from(vec![1])), 3);
        let got = compare(CompareOp::Gt, &l, &r, 3).unwrap();
        assert_eq!(got, BooleanArray::from(vec![Some(false), None, Some(true)]));
        let null = Vector::constant(Arc::new(Int32Array::from(vec![None])), 3);
        assert_eq!(compare(CompareOp::Eq, &l, &null, 3).unwrap().null_count(), 3);
        let got = compare(CompareOp::NullSafeEq, &l, &null, 3).unwrap();
        assert_eq!(got, BooleanArray::from(vec![false, true, false]));
        assert_eq!(
            compare(CompareOp::NullSafeEq, &l, &l, 3).unwrap(),
            BooleanArray::from(vec![true; 3])
        );
    }

    #[test]
    fn floats_and_strings() {
        let l = flat(Float64Array::from(vec![f64::NAN, -0.0]));
        let r = flat(Float64Array::from(vec![f64::NAN, 0.0]));
        assert_eq!(
            compare(CompareOp::Eq, &l, &r, 2).unwrap(),
            BooleanArray::from(vec![true, true])
        );
        let l = flat(StringViewArray::from(vec!["a", "a long enough string"]));
        let r = flat(StringViewArray::from(vec!["b", "a long enough strina"]));
        assert_eq!(
            compare(CompareOp::Lt, &l, &r, 2).unwrap(),
            BooleanArray::from(vec![true, false])
        );
    }
}

//! Predicates to positions, without a mask in between.
//!
//! Inner loops write the position always and advance by the outcome, so there is no branch to mispredict.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::*;

use super::ordering::{cmp_f32, cmp_f64};
use crate::{Codes, CompareOp};

/// Positions in `0..rows` (of the selection, if there is one) whose row is valid and satisfies `test`; `test` gets the
/// physical row.
#[inline]
pub fn select_where(
    rows: usize,
    selection: Option<&[u32]>,
    nulls: Option<&NullBuffer>,
    test: impl Fn(usize) -> bool,
) -> Vec<u32> {
    let nulls = nulls.filter(|n| n.null_count() > 0);
    match (selection, nulls) {
        (None, None) => positions(rows, test),
        (None, Some(n)) => positions(rows, |i| test(i) & n.is_valid(i)),
        (Some(s), None) => {
            let s = &s[..rows];
            positions(rows, |i| test(s[i] as usize))
        }
        (Some(s), Some(n)) => {
            let s = &s[..rows];
            positions(rows, |i| test(s[i] as usize) & n.is_valid(s[i] as usize))
        }
    }
}

#[inline]
fn positions(rows: usize, test: impl Fn(usize) -> bool) -> Vec<u32> {
    let mut out = vec![0u32; rows];
    let mut n = 0;
    for i in 0..rows {
        out[n] = i as u32;
        n += usize::from(test(i));
    }
    out.truncate(n);
    out
}

/// Positions whose code's entry in `table` is set; NULL rows count as `null`.
pub fn select_codes(
    codes: &Codes,
    nulls: Option<&NullBuffer>,
    selection: Option<&[u32]>,
    rows: usize,
    table: &[bool],
    null: bool,
) -> Vec<u32> {
    let nulls = nulls.filter(|n| n.null_count() > 0);
    if null && let Some(n) = nulls {
        return select_where(rows, selection, None, |i| !n.is_valid(i) || table[codes.get(i)]);
    }
    if table.is_empty() {
        return Vec::new();
    }
    match codes {
        Codes::U8(c) => {
            // 256 entries: the index needs no check.
            let mut full = [false; 256];
            let n = table.len().min(256);
            full[..n].copy_from_slice(&table[..n]);
            let c: &[u8] = c;
            select_where(rows, selection, nulls, |i| full[usize::from(c[i])])
        }
        Codes::U16(c) => {
            let c: &[u16] = c;
            select_where(rows, selection, nulls, |i| table[usize::from(c[i])])
        }
        Codes::U32(c) => {
            let c: &[u32] = c;
            select_where(rows, selection, nulls, |i| table[c[i] as usize])
        }
    }
}

fn ordered<T: ArrowPrimitiveType>(
    op: CompareOp,
    array: &ArrayRef,
    value: &ArrayRef,
    selection: Option<&[u32]>,
    rows: usize,
) -> Option<Vec<u32>>
where
    T::Native: Ord,
{
    let v = *value.as_primitive_opt::<T>()?.values().first()?;
    let array = array.as_primitive_opt::<T>()?;
    let (a, nulls): (&[T::Native], _) = (array.values(), array.nulls());
    Some(match op {
        CompareOp::Eq | CompareOp::NullSafeEq => select_where(rows, selection, nulls, |i| a[i] == v),
        CompareOp::NotEq => select_where(rows, selection, nulls, |i| a[i] != v),
        CompareOp::Lt => select_where(rows, selection, nulls, |i| a[i] < v),
        CompareOp::LtEq => select_where(rows, selection, nulls, |i| a[i] <= v),
        CompareOp::Gt => select_where(rows, selection, nulls, |i| a[i] > v),
        CompareOp::GtEq => select_where(rows, selection, nulls, |i| a[i] >= v),
    })
}

/// Positions of `rows` selected rows where `array op value` is TRUE; `value` is one row, not NULL. `None` for types
/// that have no fast loop.
pub fn select_compare(
    op: CompareOp,
    array: &ArrayRef,
    value: &ArrayRef,
    selection: Option<&[u32]>,
    rows: usize,
) -> Option<Vec<u32>> {
    match array.data_type() {
        DataType::Int8 => ordered::<Int8Type>(op, array, value, selection, rows),
        DataType::Int16 => ordered::<Int16Type>(op, array, value, selection, rows),
        DataType::Int32 => ordered::<Int32Type>(op, array, value, selection, rows),
        DataType::Int64 => ordered::<Int64Type>(op, array, value, selection, rows),
        DataType::Date32 => ordered::<Date32Type>(op, array, value, selection, rows),
        DataType::Decimal64(..) => ordered::<Decimal64Type>(op, array, value, selection, rows),
        DataType::Decimal128(..) => ordered::<Decimal128Type>(op, array, value, selection, rows),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            ordered::<TimestampMicrosecondType>(op, array, value, selection, rows)
        }
        DataType::Float64 => {
            let v = *value.as_primitive_opt::<Float64Type>()?.values().first()?;
            let a = array.as_primitive::<Float64Type>();
            let values: &[f64] = a.values();
            Some(select_where(rows, selection, a.nulls(), |i| {
                op.holds(cmp_f64(values[i], v))
            }))
        }
        DataType::Float32 => {
            let v = *value.as_primitive_opt::<Float32Type>()?.values().first()?;
            let a = array.as_primitive::<Float32Type>();
            let values: &[f32] = a.values();
            Some(select_where(rows, selection, a.nulls(), |i| {
                op.holds(cmp_f32(values[i], v))
            }))
        }
        DataType::Utf8View => {
            let (a, value) = (array.as_string_view(), value.as_string_view_opt()?);
            let v = value.value(0).as_bytes();
            let (views, nulls) = (a.views(), a.nulls());
            if v.len() <= 12 && matches!(op, CompareOp::Eq | CompareOp::NullSafeEq | CompareOp::NotEq) {
                // Short strings lie whole in their view, so equal views are equal strings.
                let view = value.views()[0];
                let equal = op != CompareOp::NotEq;
                return Some(select_where(rows, selection, nulls, |i| (views[i] == view) == equal));
            }
            Some(match op {
                CompareOp::Eq | CompareOp::NullSafeEq => select_where(rows, selection, nulls, |i| {
                    // Lengths first: the low 32 bits of a view.
                    views[i] as u32 as usize == v.len() && a.value(i).as_bytes() == v
                }),
                op => select_where(rows, selection, nulls, |i| op.holds(a.value(i).as_bytes().cmp(v))),
            })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use arrow::array::{Int32Array, StringViewArray};

    #[test]
    fn positions_are_relative_to_the_selection() {
        let a: ArrayRef = Arc::new(Int32Array::from(vec![Some(5), Some(1), None, Some(9), Some(7)]));
        let v: ArrayRef = Arc::new(Int32Array::from(vec![5]));
        assert_eq!(select_compare(CompareOp::GtEq, &a, &v, None, 5), Some(vec![0, 3, 4]));
        assert_eq!(
            select_compare(CompareOp::GtEq, &a, &v, Some(&[1, 2, 3]), 3),
            Some(vec![2])
        );
        let s: ArrayRef = Arc::new(StringViewArray::from(vec![
            "MAIL",
            "SHIP",
            "a string longer than twelve",
        ]));
        for (text, want) in [("SHIP", vec![1u32]), ("a string longer than twelve", vec![2])] {
            let v: ArrayRef = Arc::new(StringViewArray::from(vec![text]));
            assert_eq!(select_compare(CompareOp::Eq, &s, &v, None, 3), Some(want));
        }
        let codes = Codes::from(vec![0u8, 1, 2, 1]);
        let nulls = NullBuffer::from(vec![true, true, true, false]);
        assert_eq!(
            select_codes(&codes, Some(&nulls), None, 4, &[false, true, true], false),
            vec![1, 2]
        );
        assert_eq!(
            select_codes(&codes, Some(&nulls), None, 4, &[false, true, true], true),
            vec![1, 2, 3]
        );
    }
}

//! Spark's order of values of any type: NaN is the largest float and equals itself, -0.0 equals 0.0, NULL inside
//! arrays and structs comes first.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::datatypes::*;
use rsql_common::{Error, Result};

/// Compares a row of one array with a row of another.
pub type RowComparator = Box<dyn Fn(usize, usize) -> Ordering + Send + Sync>;

/// Spark's order of doubles.
#[inline]
pub fn cmp_f64(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Spark's order of floats.
#[inline]
pub fn cmp_f32(a: f32, b: f32) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn primitive<T: ArrowPrimitiveType>(left: &ArrayRef, right: &ArrayRef) -> RowComparator
where
    T::Native: Ord,
{
    let (l, r) = (
        left.as_primitive::<T>().values().clone(),
        right.as_primitive::<T>().values().clone(),
    );
    Box::new(move |i, j| l[i].cmp(&r[j]))
}

/// A comparator of values; rows that are NULL compare arbitrarily at the top level, first inside nested values.
pub fn comparator(left: &ArrayRef, right: &ArrayRef) -> Result<RowComparator> {
    let (l, r) = (left.clone(), right.clone());
    Ok(match (left.data_type(), right.data_type()) {
        (DataType::Null, _) | (_, DataType::Null) => Box::new(|_, _| Ordering::Equal),
        (DataType::Boolean, DataType::Boolean) => {
            let (l, r) = (l.as_boolean().clone(), r.as_boolean().clone());
            Box::new(move |i, j| l.value(i).cmp(&r.value(j)))
        }
        (DataType::Int8, DataType::Int8) => primitive::<Int8Type>(left, right),
        (DataType::Int16, DataType::Int16) => primitive::<Int16Type>(left, right),
        (DataType::Int32, DataType::Int32) => primitive::<Int32Type>(left, right),
        (DataType::Int64, DataType::Int64) => primitive::<Int64Type>(left, right),
        (DataType::Date32, DataType::Date32) => primitive::<Date32Type>(left, right),
        (DataType::Decimal64(..), DataType::Decimal64(..)) => primitive::<Decimal64Type>(left, right),
        (DataType::Decimal128(..), DataType::Decimal128(..)) => primitive::<Decimal128Type>(left, right),
        (DataType::Timestamp(TimeUnit::Microsecond, _), DataType::Timestamp(TimeUnit::Microsecond, _)) => {
            primitive::<TimestampMicrosecondType>(left, right)
        }
        (DataType::Time64(TimeUnit::Nanosecond), DataType::Time64(TimeUnit::Nanosecond)) => {
            primitive::<Time64NanosecondType>(left, right)
        }
        (DataType::Duration(TimeUnit::Microsecond), DataType::Duration(TimeUnit::Microsecond)) => {
            primitive::<DurationMicrosecondType>(left, right)
        }
        (DataType::Interval(IntervalUnit::YearMonth), DataType::Interval(IntervalUnit::YearMonth)) => {
            primitive::<IntervalYearMonthType>(left, right)
        }
        (DataType::Interval(IntervalUnit::MonthDayNano), DataType::Interval(IntervalUnit::MonthDayNano)) => {
            let l = l.as_primitive::<IntervalMonthDayNanoType>().values().clone();
            let r = r.as_primitive::<IntervalMonthDayNanoType>().values().clone();
            Box::new(move |i, j| {
                let (a, b) = (l[i], r[j]);
                (a.months, a.days, a.nanoseconds).cmp(&(b.months, b.days, b.nanoseconds))
            })
        }
        (DataType::Float32, DataType::Float32) => {
            let (l, r) = (
                l.as_primitive::<Float32Type>().values().clone(),
                r.as_primitive::<Float32Type>().values().clone(),
            );
            Box::new(move |i, j| cmp_f32(l[i], r[j]))
        }
        (DataType::Float64, DataType::Float64) => {
            let (l, r) = (
                l.as_primitive::<Float64Type>().values().clone(),
                r.as_primitive::<Float64Type>().values().clone(),
            );
            Box::new(move |i, j| cmp_f64(l[i], r[j]))
        }
        (DataType::Utf8View, DataType::Utf8View) => {
            let (l, r) = (l.as_string_view().clone(), r.as_string_view().clone());
            Box::new(move |i, j| l.value(i).as_bytes().cmp(r.value(j).as_bytes()))
        }
        (DataType::BinaryView, DataType::BinaryView) => {
            let (l, r) = (l.as_binary_view().clone(), r.as_binary_view().clone());
            Box::new(move |i, j| l.value(i).cmp(r.value(j)))
        }
        (DataType::List(_), DataType::List(_)) => {
            let (l, r) = (l.as_list::<i32>().clone(), r.as_list::<i32>().clone());
            let items = nulls_first(l.values(), r.values())?;
            Box::new(move |i, j| {
                let (lo, ro) = (l.value_offsets(), r.value_offsets());
                lexicographic(
                    &items,
                    lo[i] as usize..lo[i + 1] as usize,
                    ro[j] as usize..ro[j + 1] as usize,
                )
            })
        }
        (DataType::Map(..), DataType::Map(..)) => {
            let (l, r) = (l.as_map().clone(), r.as_map().clone());
            let keys = nulls_first(l.keys(), r.keys())?;
            let values = nulls_first(l.values(), r.values())?;
            let entries: RowComparator = Box::new(move |i, j| keys(i, j).then_with(|| values(i, j)));
            Box::new(move |i, j| {
                let (lo, ro) = (l.value_offsets(), r.value_offsets());
                lexicographic(
                    &entries,
                    lo[i] as usize..lo[i + 1] as usize,
                    ro[j] as usize..ro[j + 1] as usize,
                )
            })
        }
        (DataType::Struct(_), DataType::Struct(_)) => {
            let (l, r) = (l.as_struct(), r.as_struct());
            let columns = l
                .columns()
                .iter()
                .zip(r.columns())
                .map(|(a, b)| nulls_first(a, b))
                .collect::<Result<Vec<_>>>()?;
            Box::new(move |i, j| {
                columns
                    .iter()
                    .map(|c| c(i, j))
                    .find(|o| o.is_ne())
                    .unwrap_or(Ordering::Equal)
            })
        }
        (a, b) => return Err(Error::internal(format!("{a} and {b} have no common order"))),
    })
}

fn lexicographic(items: &RowComparator, l: std::ops::Range<usize>, r: std::ops::Range<usize>) -> Ordering {
    let lengths = l.len().cmp(&r.len());
    l.zip(r)
        .map(|(i, j)| items(i, j))
        .find(|o| o.is_ne())
        .unwrap_or(lengths)
}

fn nulls_first(left: &ArrayRef, right: &ArrayRef) -> Result<RowComparator> {
    let values = comparator(left, right)?;
    let (l, r) = (left.logical_nulls(), right.logical_nulls());
    if l.is_none() && r.is_none() {
        return Ok(values);
    }
    Ok(Box::new(move |i, j| {
        let valid = |n: &Option<arrow::buffer::NullBuffer>, row| n.as_ref().is_none_or(|n| n.is_valid(row));
        match (valid(&l, i), valid(&r, j)) {
            (true, true) => values(i, j),
            (a, b) => a.cmp(&b),
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use arrow::array::{Float64Array, Int32Array, ListArray};

    #[test]
    fn floats() {
        let a: ArrayRef = Arc::new(Float64Array::from(vec![f64::NAN, -0.0, 1.0, f64::INFINITY]));
        let c = comparator(&a, &a).unwrap();
        assert_eq!(c(0, 0), Ordering::Equal);
        assert_eq!(c(0, 3), Ordering::Greater);
        let zero: ArrayRef = Arc::new(Float64Array::from(vec![0.0]));
        assert_eq!(comparator(&a, &zero).unwrap()(1, 0), Ordering::Equal);
    }

    #[test]
    fn lists() {
        let a: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(vec![
            Some(vec![Some(1), None]),
            Some(vec![Some(1), Some(0)]),
            Some(vec![Some(1)]),
        ]));
        let c = comparator(&a, &a).unwrap();
        assert_eq!(
            (c(0, 1), c(2, 0), c(0, 0)),
            (Ordering::Less, Ordering::Less, Ordering::Equal)
        );
        _ = Int32Array::from(vec![1]);
    }
}

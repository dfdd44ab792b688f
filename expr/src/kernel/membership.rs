//! `x IN (constants)`.

use std::collections::HashSet;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::*;
use num_traits::AsPrimitive;
use rsql_common::Result;

use super::select::select_where;
use crate::types::Repr;
use crate::{CompareOp, Literal, Scalar, SqlType, Vector};

type Set<T> = HashSet<T, foldhash::fast::FixedState>;

/// A set of constants of one type.
#[derive(Debug, Clone)]
pub struct Membership {
    values: Values,
    has_null: bool,
}

#[derive(Debug, Clone)]
enum Values {
    /// A handful: compared one by one.
    Few(Vec<i64>),
    /// A small range of integers: one flag each.
    Range {
        least: i64,
        flags: Vec<bool>,
    },
    Ints(Set<i64>),
    Wide(Set<i128>),
    Bytes(Set<Box<[u8]>>),
    /// Floats, by normalized bits.
    Floats(Set<u64>),
    /// Anything else: compared one by one.
    Other(Vec<ArrayRef>),
}

fn float_bits(v: f64) -> u64 {
    if v.is_nan() {
        f64::NAN.to_bits()
    } else if v == 0.0 {
        0
    } else {
        v.to_bits()
    }
}

impl Membership {
    /// The set of the members' values; all have type `ty`.
    pub fn new(members: &[&Literal], ty: &SqlType) -> Result<Self> {
        let has_null = members.iter().any(|m| m.value.is_null());
        let present: Vec<&Scalar> = members.iter().map(|m| &m.value).filter(|v| !v.is_null()).collect();
        let values = match ty.repr() {
            Repr::I8 | Repr::I16 | Repr::I32 | Repr::I64 => ints(present.iter().filter_map(|v| v.as_i64()).collect()),
            Repr::I128 => Values::Wide(present.iter().filter_map(|v| v.as_i128()).collect()),
            Repr::F32 | Repr::F64 => Values::Floats(
                present
                    .iter()
                    .filter_map(|v| match v {
                        Scalar::F32(x) => Some(float_bits(f64::from(*x))),
                        Scalar::F64(x) => Some(float_bits(*x)),
                        _ => None,
                    })
                    .collect(),
            ),
            Repr::Str | Repr::Bin => Values::Bytes(
                present
                    .iter()
                    .filter_map(|v| match v {
                        Scalar::Str(s) => Some(s.as_bytes().into()),
                        Scalar::Bin(b) => Some(b.as_ref().into()),
                        _ => None,
                    })
                    .collect(),
            ),
            _ => Values::Other(
                present
                    .iter()
                    .map(|v| crate::eval::scalars_to_array(std::slice::from_ref(*v), ty))
                    .collect::<Result<_>>()?,
            ),
        };
        Ok(Self { values, has_null })
    }

    /// Positions of `rows` selected rows that are members.
    pub fn select(&self, array: &ArrayRef, selection: Option<&[u32]>, rows: usize) -> Result<Vec<u32>> {
        match array.data_type() {
            DataType::Int32 => Ok(self.select_ints::<Int32Type>(array, selection, rows)),
            DataType::Int64 => Ok(self.select_ints::<Int64Type>(array, selection, rows)),
            DataType::Date32 => Ok(self.select_ints::<Date32Type>(array, selection, rows)),
            DataType::Decimal64(..) => Ok(self.select_ints::<Decimal64Type>(array, selection, rows)),
            _ => {
                let found = self.contains(array)?;
                let nulls = array.logical_nulls();
                Ok(select_where(rows, selection, nulls.as_ref(), |i| found.value(i)))
            }
        }
    }

    fn select_ints<T: ArrowPrimitiveType>(&self, array: &ArrayRef, selection: Option<&[u32]>, rows: usize) -> Vec<u32>
    where
        T::Native: AsPrimitive<i64>,
    {
        let a = array.as_primitive::<T>();
        let (v, nulls): (&[T::Native], _) = (a.values(), a.nulls());
        match &self.values {
            Values::Few(few) => match few[..] {
                [x] => select_where(rows, selection, nulls, |i| v[i].as_() == x),
                [x, y] => select_where(rows, selection, nulls, |i| (v[i].as_() == x) | (v[i].as_() == y)),
                _ => select_where(rows, selection, nulls, |i| few.contains(&v[i].as_())),
            },
            Values::Range { least, flags } => {
                select_where(rows, selection, nulls, |i| in_range(v[i].as_(), *least, flags))
            }
            Values::Ints(set) => select_where(rows, selection, nulls, |i| set.contains(&v[i].as_())),
            _ => Vec::new(),
        }
    }

    /// Three-valued `array IN set`.
    pub fn eval(&self, array: &ArrayRef) -> Result<BooleanArray> {
        let found = self.contains(array)?;
        let mut nulls = array.logical_nulls();
        if self.has_null {
            let known = NullBuffer::new(found.clone());
            nulls = super::union_nulls(nulls.as_ref(), Some(&known));
        }
        Ok(BooleanArray::new(found, nulls))
    }

    fn contains(&self, array: &ArrayRef) -> Result<BooleanBuffer> {
        let rows = array.len();
        Ok(match array.data_type() {
            DataType::Int8 => self.ints::<Int8Type>(array),
            DataType::Int16 => self.ints::<Int16Type>(array),
            DataType::Int32 => self.ints::<Int32Type>(array),
            DataType::Int64 => self.ints::<Int64Type>(array),
            DataType::Date32 => self.ints::<Date32Type>(array),
            DataType::Decimal64(..) => self.ints::<Decimal64Type>(array),
            DataType::Timestamp(TimeUnit::Microsecond, _) => self.ints::<TimestampMicrosecondType>(array),
            DataType::Time64(TimeUnit::Nanosecond) => self.ints::<Time64NanosecondType>(array),
            DataType::Duration(TimeUnit::Microsecond) => self.ints::<DurationMicrosecondType>(array),
            DataType::Interval(IntervalUnit::YearMonth) => self.ints::<IntervalYearMonthType>(array),
            DataType::Decimal128(..) => {
                let a = array.as_primitive::<Decimal128Type>();
                let Values::Wide(set) = &self.values else {
                    return Ok(BooleanBuffer::new_unset(rows));
                };
                BooleanBuffer::collect_bool(rows, |i| set.contains(&a.value(i)))
            }
            DataType::Float64 => {
                let a = array.as_primitive::<Float64Type>();
                let Values::Floats(set) = &self.values else {
                    return Ok(BooleanBuffer::new_unset(rows));
                };
                BooleanBuffer::collect_bool(rows, |i| set.contains(&float_bits(a.value(i))))
            }
            DataType::Float32 => {
                let a = array.as_primitive::<Float32Type>();
                let Values::Floats(set) = &self.values else {
                    return Ok(BooleanBuffer::new_unset(rows));
                };
                BooleanBuffer::collect_bool(rows, |i| set.contains(&float_bits(f64::from(a.value(i)))))
            }
            DataType::Utf8View => {
                let a = array.as_string_view();
                let Values::Bytes(set) = &self.values else {
                    return Ok(BooleanBuffer::new_unset(rows));
                };
                BooleanBuffer::collect_bool(rows, |i| set.contains(a.value(i).as_bytes()))
            }
            DataType::BinaryView => {
                let a = array.as_binary_view();
                let Values::Bytes(set) = &self.values else {
                    return Ok(BooleanBuffer::new_unset(rows));
                };
                BooleanBuffer::collect_bool(rows, |i| set.contains(a.value(i)))
            }
            _ => {
                let mut found = BooleanBuffer::new_unset(rows);
                if let Values::Other(values) = &self.values {
                    let left = Vector::Flat(array.clone());
                    for v in values {
                        let right = Vector::constant(v.clone(), rows);
                        let equal = super::compare(CompareOp::NullSafeEq, &left, &right, rows)?;
                        found = &found | equal.values();
                    }
                }
                found
            }
        })
    }

    fn ints<T: ArrowPrimitiveType>(&self, array: &ArrayRef) -> BooleanBuffer
    where
        T::Native: AsPrimitive<i64>,
    {
        let v: &[T::Native] = array.as_primitive::<T>().values();
        match &self.values {
            Values::Few(few) => BooleanBuffer::collect_bool(v.len(), |i| few.contains(&v[i].as_())),
            Values::Range { least, flags } => {
                BooleanBuffer::collect_bool(v.len(), |i| in_range(v[i].as_(), *least, flags))
            }
            Values::Ints(set) => BooleanBuffer::collect_bool(v.len(), |i| set.contains(&v[i].as_())),
            _ => BooleanBuffer::new_unset(v.len()),
        }
    }
}

#[inline]
fn in_range(v: i64, least: i64, flags: &[bool]) -> bool {
    let at = v.wrapping_sub(least) as u64;
    flags
        .get(usize::try_from(at).unwrap_or(usize::MAX))
        .copied()
        .unwrap_or(false)
}

fn ints(members: Vec<i64>) -> Values {
    let (Some(least), Some(most)) = (members.iter().min().copied(), members.iter().max().copied()) else {
        return Values::Few(members);
    };
    if members.len() <= 4 {
        return Values::Few(members);
    }
    match most.checked_sub(least) {
        Some(span) if span < 65_536 => {
            let mut flags = vec![false; span as usize + 1];
            members.iter().for_each(|m| flags[(m - least) as usize] = true);
            Values::Range { least, flags }
        }
        _ => Values::Ints(members.into_iter().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use arrow::array::{Int32Array, StringViewArray};

    #[test]
    fn null_members_make_misses_unknown() {
        for extra in [vec![], (10..40).collect::<Vec<_>>(), vec![1_000_000, 5, 6, 7, 8]] {
            let mut members = vec![Literal::int(1), Literal::int(3)];
            members.extend(extra.into_iter().map(Literal::int));
            let a: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), Some(2), None]));
            let set = Membership::new(&members.iter().collect::<Vec<_>>(), &SqlType::Int).unwrap();
            assert_eq!(
                set.eval(&a).unwrap(),
                BooleanArray::from(vec![Some(true), Some(false), None])
            );
            assert_eq!(set.select(&a, None, 3).unwrap(), vec![0]);
            members.push(Literal::null(SqlType::Int));
            let set = Membership::new(&members.iter().collect::<Vec<_>>(), &SqlType::Int).unwrap();
            assert_eq!(set.eval(&a).unwrap(), BooleanArray::from(vec![Some(true), None, None]));
        }
        let set = Membership::new(&[&Literal::string("b")], &SqlType::String).unwrap();
        let a: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "b"]));
        assert_eq!(set.select(&a, Some(&[1]), 1).unwrap(), vec![0]);
    }
}

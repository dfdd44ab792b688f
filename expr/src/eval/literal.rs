//! Single values to and from arrays.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::*;
use rsql_common::{Error, Result};

use crate::types::Repr;
use crate::{Literal, Scalar, SqlType};

/// A constant as an array of one row, of the engine's Arrow type.
pub fn literal_array(l: &Literal) -> Result<ArrayRef> {
    scalars_to_array(std::slice::from_ref(&l.value), &l.ty)
}

fn mismatch(ty: &SqlType) -> Error {
    Error::internal(format!("value does not have the representation of {ty}"))
}

/// `array` (of the engine's integer width for a type) under the type's own Arrow type.
pub(crate) fn retype(array: ArrayRef, ty: &SqlType) -> Result<ArrayRef> {
    let want = ty.arrow();
    if *array.data_type() == want {
        return Ok(array);
    }
    Ok(make_array(array.to_data().into_builder().data_type(want).build()?))
}

macro_rules! primitive {
    ($values:expr, $ty:expr, $arrow:ty, $($variant:ident),*) => {{
        let mut b = PrimitiveBuilder::<$arrow>::with_capacity($values.len());
        for v in $values {
            match v {
                Scalar::Null => b.append_null(),
                $(Scalar::$variant(x) => b.append_value((*x).into()),)*
                _ => return Err(mismatch($ty)),
            }
        }
        retype(Arc::new(b.finish()), $ty)
    }};
}

/// Values of one type as an array of the engine's Arrow type.
pub fn scalars_to_array(values: &[Scalar], ty: &SqlType) -> Result<ArrayRef> {
    match ty.repr() {
        Repr::Null => Ok(Arc::new(NullArray::new(values.len()))),
        Repr::Bool => {
            let bools = values.iter().map(|v| match v {
                Scalar::Null => Ok(None),
                Scalar::Bool(b) => Ok(Some(*b)),
                _ => Err(mismatch(ty)),
            });
            Ok(Arc::new(bools.collect::<Result<BooleanArray>>()?))
        }
        Repr::I8 => primitive!(values, ty, Int8Type, I8),
        Repr::I16 => primitive!(values, ty, Int16Type, I16),
        Repr::I32 => primitive!(values, ty, Int32Type, I32),
        Repr::I64 => wide(values, ty, |v| i64::try_from(v).ok(), |o| Arc::new(Int64Array::from(o))),
        Repr::I128 => wide(values, ty, Some, |o| Arc::new(Decimal128Array::from(o))),
        Repr::F32 => primitive!(values, ty, Float32Type, F32),
        Repr::F64 => primitive!(values, ty, Float64Type, F64),
        Repr::Str => {
            let mut b = StringViewBuilder::new();
            for v in values {
                match v {
                    Scalar::Null => b.append_null(),
                    Scalar::Str(s) => b.append_value(s),
                    _ => return Err(mismatch(ty)),
                }
            }
            Ok(Arc::new(b.finish()))
        }
        Repr::Bin => {
            let mut b = BinaryViewBuilder::new();
            for v in values {
                match v {
                    Scalar::Null => b.append_null(),
                    Scalar::Bin(s) => b.append_value(s),
                    _ => return Err(mismatch(ty)),
                }
            }
            Ok(Arc::new(b.finish()))
        }
        Repr::Interval => {
            let mut b = PrimitiveBuilder::<IntervalMonthDayNanoType>::with_capacity(values.len());
            for v in values {
                match v {
                    Scalar::Null => b.append_null(),
                    Scalar::Interval(m, d, us) => {
                        b.append_value(IntervalMonthDayNano::new(*m, *d, us.wrapping_mul(1000)));
                    }
                    _ => return Err(mismatch(ty)),
                }
            }
            Ok(Arc::new(b.finish()))
        }
        Repr::Nested => nested(values, ty),
    }
}

fn wide<T>(
    values: &[Scalar],
    ty: &SqlType,
    narrow: impl Fn(i128) -> Option<T>,
    make: impl Fn(Vec<Option<T>>) -> ArrayRef,
) -> Result<ArrayRef> {
    let values = values
        .iter()
        .map(|v| match v {
            Scalar::Null => Ok(None),
            v => Ok(Some(v.as_i128().and_then(&narrow).ok_or_else(|| mismatch(ty))?)),
        })
        .collect::<Result<Vec<_>>>()?;
    retype(make(values), ty)
}

fn nested(values: &[Scalar], ty: &SqlType) -> Result<ArrayRef> {
    let nulls: NullBuffer = values.iter().map(|v| !v.is_null()).collect();
    let nulls = (nulls.null_count() > 0).then_some(nulls);
    match ty {
        SqlType::Array(a) => {
            let mut items: Vec<Scalar> = Vec::new();
            let mut lengths = Vec::with_capacity(values.len());
            for v in values {
                match v {
                    Scalar::Null => lengths.push(0),
                    Scalar::Array(v) => {
                        lengths.push(v.len());
                        items.extend(v.iter().cloned());
                    }
                    _ => return Err(mismatch(ty)),
                }
            }
            let items = scalars_to_array(&items, &a.element)?;
            let field = Arc::new(Field::new("item", a.element.arrow(), true));
            Ok(Arc::new(ListArray::try_new(
                field,
                OffsetBuffer::from_lengths(lengths),
                items,
                nulls,
            )?))
        }
        SqlType::Map(m) => {
            let (mut keys, mut items): (Vec<Scalar>, Vec<Scalar>) = (Vec::new(), Vec::new());
            let mut lengths = Vec::with_capacity(values.len());
            for v in values {
                match v {
                    Scalar::Null => lengths.push(0),
                    Scalar::Map(v) => {
                        lengths.push(v.len());
                        keys.extend(v.iter().map(|(k, _)| k.clone()));
                        items.extend(v.iter().map(|(_, v)| v.clone()));
                    }
                    _ => return Err(mismatch(ty)),
                }
            }
            let (keys, items) = (scalars_to_array(&keys, &m.key)?, scalars_to_array(&items, &m.value)?);
            map_array(
                m.key.arrow(),
                m.value.arrow(),
                OffsetBuffer::from_lengths(lengths),
                keys,
                items,
                nulls,
            )
        }
        SqlType::Struct(fields) => {
            let columns = fields
                .iter()
                .enumerate()
                .map(|(i, f)| {
                    let column = values
                        .iter()
                        .map(|v| match v {
                            Scalar::Null => Ok(Scalar::Null),
                            Scalar::Struct(v) => v.get(i).cloned().ok_or_else(|| mismatch(ty)),
                            _ => Err(mismatch(ty)),
                        })
                        .collect::<Result<Vec<_>>>()?;
                    scalars_to_array(&column, &f.ty)
                })
                .collect::<Result<Vec<_>>>()?;
            struct_array(ty, columns, nulls, values.len())
        }
        _ => Err(mismatch(ty)),
    }
}

/// A map array of the engine's Arrow type from its parts.
pub fn map_array(
    key: DataType,
    value: DataType,
    offsets: OffsetBuffer<i32>,
    keys: ArrayRef,
    values: ArrayRef,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef> {
    let field = crate::types::map_entries(key, value);
    let DataType::Struct(kv) = field.data_type() else {
        return Err(Error::internal("map entries are no struct"));
    };
    let entries = StructArray::try_new(kv.clone(), vec![keys, values], None)?;
    Ok(Arc::new(MapArray::try_new(
        Arc::clone(&field),
        offsets,
        entries,
        nulls,
        false,
    )?))
}

/// A struct array of the engine's Arrow type of `ty` from its columns.
pub fn struct_array(ty: &SqlType, columns: Vec<ArrayRef>, nulls: Option<NullBuffer>, rows: usize) -> Result<ArrayRef> {
    let DataType::Struct(fields) = ty.arrow() else {
        return Err(mismatch(ty));
    };
    Ok(Arc::new(StructArray::try_new_with_length(
        fields, columns, nulls, rows,
    )?))
}

/// The value of a row of an array of the engine's Arrow type for `ty`.
pub fn scalar_at(array: &dyn Array, row: usize, ty: &SqlType) -> Result<Scalar> {
    if array.is_null(row) || *array.data_type() == DataType::Null {
        return Ok(Scalar::Null);
    }
    Ok(match (array.data_type(), ty) {
        (DataType::Boolean, _) => Scalar::Bool(array.as_boolean().value(row)),
        (DataType::Int8, _) => Scalar::I8(array.as_primitive::<Int8Type>().value(row)),
        (DataType::Int16, _) => Scalar::I16(array.as_primitive::<Int16Type>().value(row)),
        (DataType::Int32, _) => Scalar::I32(array.as_primitive::<Int32Type>().value(row)),
        (DataType::Date32, _) => Scalar::I32(array.as_primitive::<Date32Type>().value(row)),
        (DataType::Interval(IntervalUnit::YearMonth), _) => {
            Scalar::I32(array.as_primitive::<IntervalYearMonthType>().value(row))
        }
        (DataType::Int64, _) => Scalar::I64(array.as_primitive::<Int64Type>().value(row)),
        (DataType::Decimal64(..), _) => Scalar::I64(array.as_primitive::<Decimal64Type>().value(row)),
        (DataType::Time64(TimeUnit::Nanosecond), _) => {
            Scalar::I64(array.as_primitive::<Time64NanosecondType>().value(row))
        }
        (DataType::Timestamp(TimeUnit::Microsecond, _), _) => {
            Scalar::I64(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        (DataType::Duration(TimeUnit::Microsecond), _) => {
            Scalar::I64(array.as_primitive::<DurationMicrosecondType>().value(row))
        }
        (DataType::Decimal128(..), _) => Scalar::I128(array.as_primitive::<Decimal128Type>().value(row)),
        (DataType::Float32, _) => Scalar::F32(array.as_primitive::<Float32Type>().value(row)),
        (DataType::Float64, _) => Scalar::F64(array.as_primitive::<Float64Type>().value(row)),
        (DataType::Utf8View, _) => Scalar::Str(array.as_string_view().value(row).into()),
        (DataType::BinaryView, _) => Scalar::Bin(array.as_binary_view().value(row).into()),
        (DataType::Interval(IntervalUnit::MonthDayNano), _) => {
            let v = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            Scalar::Interval(v.months, v.days, v.nanoseconds / 1000)
        }
        (DataType::List(_), SqlType::Array(a)) => {
            let items = array.as_list::<i32>().value(row);
            let items = (0..items.len()).map(|i| scalar_at(&items, i, &a.element));
            Scalar::Array(items.collect::<Result<_>>()?)
        }
        (DataType::Map(..), SqlType::Map(m)) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let items = (0..entries.len()).map(|i| Ok((scalar_at(keys, i, &m.key)?, scalar_at(values, i, &m.value)?)));
            Scalar::Map(items.collect::<Result<_>>()?)
        }
        (DataType::Struct(_), SqlType::Struct(fields)) => {
            let s = array.as_struct();
            let items = fields
                .iter()
                .enumerate()
                .map(|(i, f)| scalar_at(s.column(i), row, &f.ty));
            Scalar::Struct(items.collect::<Result<_>>()?)
        }
        (other, _) => return Err(Error::internal(format!("{other} is no engine type for {ty}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trips() {
        let s = |v: &str| Scalar::Str(v.into());
        for (v, ty) in [
            (Scalar::I64(5), SqlType::Decimal(10, 2)),
            (Scalar::I128(5), SqlType::Decimal(30, 2)),
            (Scalar::I64(7), SqlType::Timestamp),
            (Scalar::I32(7), SqlType::YEAR_MONTH),
            (Scalar::Interval(1, 2, 3), SqlType::CalendarInterval),
            (
                Scalar::Array([Scalar::I32(1), Scalar::Null].into()),
                SqlType::array(SqlType::Int),
            ),
            (
                Scalar::Map([(s("a"), Scalar::Null)].into()),
                SqlType::map(SqlType::String, SqlType::Int, true),
            ),
            (
                Scalar::Struct([s("a"), Scalar::Bool(true)].into()),
                SqlType::structure([("x", SqlType::String, true), ("y", SqlType::Boolean, true)]),
            ),
        ] {
            let a = scalars_to_array(&[v.clone(), Scalar::Null], &ty).unwrap();
            assert_eq!(a.data_type(), &ty.arrow());
            assert_eq!(scalar_at(&a, 0, &ty).unwrap(), v);
            assert_eq!(scalar_at(&a, 1, &ty).unwrap(), Scalar::Null);
        }
    }
}

//! Key values in one of three comparable forms.
//!
//! Two keys are equal if their forms are equal: -0.0 becomes 0.0, every NaN the same NaN, nested values become their
//! row encoding. NULL values hold a zero, so that equality of values never depends on what lies under a NULL.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BinaryViewArray, BooleanArray, Decimal128Array, IntervalMonthDayNanoArray, PrimitiveArray,
    cast::AsArray,
};
use arrow::buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};
use arrow::datatypes::{self as ty, ArrowPrimitiveType, DataType, IntervalUnit, TimeUnit};
use arrow::row::{RowConverter, SortField};
use rsql_common::{Error, Result};

use super::bytes::BytesColumn;
use super::hash::long_view_bytes;

/// Which form a type's keys take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyKind {
    /// Anything that fits 64 bits and is exact there: integers, dates, times, small decimals, BOOLEAN, NULL.
    Int,
    /// FLOAT and DOUBLE, by normalised bits, as `i64`.
    Float,
    /// 128 bits: large decimals, legacy intervals.
    Wide,
    /// Strings and binary.
    Bytes,
    /// Nested values, by row encoding.
    Row,
}

impl KeyKind {
    /// The form for a type.
    pub(crate) fn of(ty: &DataType) -> Self {
        match ty {
            DataType::Float32 | DataType::Float64 => Self::Float,
            DataType::Decimal128(..) | DataType::Interval(IntervalUnit::MonthDayNano) => Self::Wide,
            DataType::Utf8View | DataType::BinaryView => Self::Bytes,
            DataType::List(_) | DataType::Map(..) | DataType::Struct(_) => Self::Row,
            _ => Self::Int,
        }
    }

    /// Held as `i64`.
    pub(crate) fn is_int(self) -> bool {
        matches!(self, Self::Int | Self::Float)
    }
}

/// One key column, dense.
#[derive(Debug, Clone)]
pub(crate) struct KeyColumn {
    /// Values; zero where NULL.
    pub(crate) values: KeyValues,
    /// Which rows are not NULL; `None` if all are.
    pub(crate) nulls: Option<NullBuffer>,
}

/// The values of a [`KeyColumn`].
#[derive(Debug, Clone)]
pub(crate) enum KeyValues {
    Int(ScalarBuffer<i64>),
    Wide(ScalarBuffer<i128>),
    Bytes(BytesColumn),
}

macro_rules! widen {
    ($array:expr, $t:ty) => {
        $array
            .as_primitive::<$t>()
            .values()
            .iter()
            .map(|v| i64::from(*v))
            .collect()
    };
}

impl KeyColumn {
    /// Brings an array of a column's engine type into key form.
    pub(crate) fn from_array(array: &ArrayRef) -> Result<Self> {
        let nulls = array.logical_nulls().filter(|n| n.null_count() > 0);
        let values = match KeyKind::of(array.data_type()) {
            KeyKind::Int => KeyValues::Int(blank(ints(array)?, nulls.as_ref())),
            KeyKind::Float => KeyValues::Int(blank(float_bits(array), nulls.as_ref())),
            KeyKind::Wide => KeyValues::Wide(blank(wide(array), nulls.as_ref())),
            KeyKind::Bytes => KeyValues::Bytes(BytesColumn::from_array(array, nulls.as_ref())),
            KeyKind::Row => {
                let converter = row_converter(array.data_type())?;
                let rows = converter.convert_columns(&[Arc::clone(array)])?;
                let views = BinaryViewArray::from(&rows.try_into_binary()?);
                // NULL has an encoding of its own, which is kept for decoding.
                KeyValues::Bytes(BytesColumn::from_array(&(Arc::new(views) as ArrayRef), None))
            }
        };
        Ok(Self { values, nulls })
    }

    /// Rows.
    pub(crate) fn len(&self) -> usize {
        match &self.values {
            KeyValues::Int(v) => v.len(),
            KeyValues::Wide(v) => v.len(),
            KeyValues::Bytes(b) => b.views().len(),
        }
    }

    /// Integer values.
    pub(crate) fn ints(&self) -> &[i64] {
        match &self.values {
            KeyValues::Int(v) => v,
            _ => &[],
        }
    }

    /// Rows `indices`.
    pub(crate) fn take(&self, indices: &[u32]) -> KeyColumn {
        fn pick<T: Copy>(v: &[T], indices: &[u32]) -> Vec<T> {
            indices.iter().map(|i| v[*i as usize]).collect()
        }
        let values = match &self.values {
            KeyValues::Int(v) => KeyValues::Int(pick(v, indices).into()),
            KeyValues::Wide(v) => KeyValues::Wide(pick(v, indices).into()),
            KeyValues::Bytes(b) => KeyValues::Bytes(b.pick(indices.iter().map(|i| *i as usize), None)),
        };
        let nulls = self.nulls.as_ref().map(|n| {
            NullBuffer::new(BooleanBuffer::collect_bool(indices.len(), |i| {
                n.is_valid(indices[i] as usize)
            }))
        });
        KeyColumn { values, nulls }
    }

    /// Sets the flag of each row that differs from the row before.
    pub(crate) fn mark_changes(&self, changes: &mut [bool]) {
        fn mark<T: PartialEq>(v: &[T], changes: &mut [bool]) {
            v.windows(2)
                .zip(&mut changes[1..])
                .for_each(|(w, c)| *c |= w[0] != w[1]);
        }
        if changes.is_empty() {
            return;
        }
        match &self.values {
            KeyValues::Int(v) => mark(v, changes),
            KeyValues::Wide(v) => mark(v, changes),
            KeyValues::Bytes(b) => {
                let differ = |x: u128, y: u128| match x as u32 {
                    0..=12 => x != y,
                    _ => x as u64 != y as u64 || long_view_bytes(x, b.buffers()) != long_view_bytes(y, b.buffers()),
                };
                b.views()
                    .windows(2)
                    .zip(&mut changes[1..])
                    .for_each(|(w, c)| *c |= differ(w[0], w[1]));
            }
        }
        if let Some(n) = &self.nulls {
            (1..changes.len()).for_each(|i| changes[i] |= n.is_valid(i) != n.is_valid(i - 1));
        }
    }

    /// Smallest and largest integer that is not NULL.
    pub(crate) fn int_range(&self) -> Option<(i64, i64)> {
        int_range(self.ints(), self.nulls.as_ref())
    }

    /// The keys as an array of their column's engine type.
    pub(crate) fn to_array(&self, ty: &DataType) -> Result<ArrayRef> {
        let nulls = self.nulls.clone();
        match &self.values {
            KeyValues::Int(v) => int_array(v, nulls, ty),
            KeyValues::Wide(v) => Ok(match ty {
                DataType::Decimal128(p, s) => {
                    Arc::new(Decimal128Array::new(v.clone(), nulls).with_precision_and_scale(*p, *s)?)
                }
                _ => Arc::new(IntervalMonthDayNanoArray::new(
                    v.iter().map(|v| interval_of(*v)).collect(),
                    nulls,
                )),
            }),
            KeyValues::Bytes(b) => {
                if KeyKind::of(ty) != KeyKind::Row {
                    return b.to_array(nulls, *ty == DataType::Utf8View);
                }
                let array = b.to_array(None, false)?;
                let array = array.as_binary_view();
                let converter = row_converter(ty)?;
                let parser = converter.parser();
                let rows = (0..array.len()).map(|i| parser.parse(array.value(i)));
                converter
                    .convert_rows(rows)?
                    .pop()
                    .ok_or_else(|| Error::internal("row decoding gave no column"))
            }
        }
    }
}

/// Smallest and largest value that is not NULL.
pub(crate) fn int_range(values: &[i64], nulls: Option<&NullBuffer>) -> Option<(i64, i64)> {
    let (mut min, mut max) = (i64::MAX, i64::MIN);
    match nulls {
        None => values.iter().for_each(|v| {
            min = min.min(*v);
            max = max.max(*v);
        }),
        Some(n) => n.valid_indices().for_each(|i| {
            min = min.min(values[i]);
            max = max.max(values[i]);
        }),
    }
    (min <= max).then_some((min, max))
}

fn row_converter(ty: &DataType) -> Result<RowConverter> {
    if !RowConverter::supports_fields(&[SortField::new(ty.clone())]) {
        return Err(Error::unsupported(format!("{ty} as a key")));
    }
    Ok(RowConverter::new(vec![SortField::new(ty.clone())])?)
}

/// Zeroes what lies under NULLs.
fn blank<T: arrow::datatypes::ArrowNativeType + Default>(
    v: ScalarBuffer<T>,
    nulls: Option<&NullBuffer>,
) -> ScalarBuffer<T> {
    match nulls {
        None => v,
        Some(n) => v
            .iter()
            .zip(n.iter())
            .map(|(v, ok)| if ok { *v } else { T::default() })
            .collect(),
    }
}

fn ints(array: &ArrayRef) -> Result<ScalarBuffer<i64>> {
    fn raw<T: ArrowPrimitiveType<Native = i64>>(array: &ArrayRef) -> ScalarBuffer<i64> {
        array.as_primitive::<T>().values().clone()
    }
    Ok(match array.data_type() {
        DataType::Null => vec![0i64; array.len()].into(),
        DataType::Boolean => array.as_boolean().values().iter().map(i64::from).collect(),
        DataType::Int8 => widen!(array, ty::Int8Type),
        DataType::Int16 => widen!(array, ty::Int16Type),
        DataType::Int32 => widen!(array, ty::Int32Type),
        DataType::Date32 => widen!(array, ty::Date32Type),
        DataType::Interval(IntervalUnit::YearMonth) => widen!(array, ty::IntervalYearMonthType),
        DataType::Decimal32(..) => widen!(array, ty::Decimal32Type),
        DataType::Int64 => raw::<ty::Int64Type>(array),
        DataType::Decimal64(..) => raw::<ty::Decimal64Type>(array),
        DataType::Time64(TimeUnit::Nanosecond) => raw::<ty::Time64NanosecondType>(array),
        DataType::Timestamp(TimeUnit::Microsecond, _) => raw::<ty::TimestampMicrosecondType>(array),
        DataType::Duration(TimeUnit::Microsecond) => raw::<ty::DurationMicrosecondType>(array),
        other => {
            return Err(Error::internal(format!(
                "{other} is not a type of the engine's vectors"
            )));
        }
    })
}

fn float_bits(array: &ArrayRef) -> ScalarBuffer<i64> {
    fn normal(v: f64) -> f64 {
        if v.is_nan() {
            f64::NAN
        } else if v == 0.0 {
            0.0
        } else {
            v
        }
    }
    match array.data_type() {
        DataType::Float32 => {
            let values = array.as_primitive::<ty::Float32Type>().values();
            values.iter().map(|v| normal(f64::from(*v)).to_bits() as i64).collect()
        }
        _ => {
            let values = array.as_primitive::<ty::Float64Type>().values();
            values.iter().map(|v| normal(*v).to_bits() as i64).collect()
        }
    }
}

fn wide(array: &ArrayRef) -> ScalarBuffer<i128> {
    match array.data_type() {
        DataType::Decimal128(..) => array.as_primitive::<ty::Decimal128Type>().values().clone(),
        _ => {
            let values = array.as_primitive::<ty::IntervalMonthDayNanoType>().values();
            values
                .iter()
                .map(|v| {
                    i128::from(v.months) << 96 | i128::from(v.days as u32) << 64 | i128::from(v.nanoseconds as u64)
                })
                .collect()
        }
    }
}

fn interval_of(v: i128) -> ty::IntervalMonthDayNano {
    ty::IntervalMonthDayNano::new((v >> 96) as i32, (v >> 64) as u32 as i32, v as u64 as i64)
}

fn int_array(v: &ScalarBuffer<i64>, nulls: Option<NullBuffer>, ty: &DataType) -> Result<ArrayRef> {
    fn raw<T: ArrowPrimitiveType<Native = i64>>(
        v: &ScalarBuffer<i64>,
        nulls: Option<NullBuffer>,
        ty: &DataType,
    ) -> ArrayRef {
        Arc::new(PrimitiveArray::<T>::new(v.clone(), nulls).with_data_type(ty.clone()))
    }
    fn narrow<T: ArrowPrimitiveType>(
        v: &ScalarBuffer<i64>,
        nulls: Option<NullBuffer>,
        ty: &DataType,
        convert: impl Fn(i64) -> T::Native,
    ) -> ArrayRef {
        let values = v.iter().map(|v| convert(*v)).collect::<ScalarBuffer<T::Native>>();
        Arc::new(PrimitiveArray::<T>::new(values, nulls).with_data_type(ty.clone()))
    }
    Ok(match ty {
        DataType::Null => arrow::array::new_null_array(ty, v.len()),
        DataType::Boolean => Arc::new(BooleanArray::new(
            BooleanBuffer::collect_bool(v.len(), |i| v[i] != 0),
            nulls,
        )),
        DataType::Int8 => narrow::<ty::Int8Type>(v, nulls, ty, |v| v as i8),
        DataType::Int16 => narrow::<ty::Int16Type>(v, nulls, ty, |v| v as i16),
        DataType::Int32 => narrow::<ty::Int32Type>(v, nulls, ty, |v| v as i32),
        DataType::Date32 => narrow::<ty::Date32Type>(v, nulls, ty, |v| v as i32),
        DataType::Interval(IntervalUnit::YearMonth) => narrow::<ty::IntervalYearMonthType>(v, nulls, ty, |v| v as i32),
        DataType::Decimal32(..) => narrow::<ty::Decimal32Type>(v, nulls, ty, |v| v as i32),
        DataType::Float32 => narrow::<ty::Float32Type>(v, nulls, ty, |v| f64::from_bits(v as u64) as f32),
        DataType::Float64 => narrow::<ty::Float64Type>(v, nulls, ty, |v| f64::from_bits(v as u64)),
        DataType::Int64 => raw::<ty::Int64Type>(v, nulls, ty),
        DataType::Decimal64(..) => raw::<ty::Decimal64Type>(v, nulls, ty),
        DataType::Time64(_) => raw::<ty::Time64NanosecondType>(v, nulls, ty),
        DataType::Timestamp(..) => raw::<ty::TimestampMicrosecondType>(v, nulls, ty),
        DataType::Duration(_) => raw::<ty::DurationMicrosecondType>(v, nulls, ty),
        other => {
            return Err(Error::internal(format!(
                "{other} is not a type of the engine's vectors"
            )));
        }
    })
}

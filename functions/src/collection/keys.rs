//! Elements of any type as byte strings that compare as the elements do.
//!
//! Functions on collections need equality, hashing and order of elements whatever their type is. Arrow's row format
//! gives all three at once; floats are made canonical before (one NaN, larger than all; one zero), as Spark compares
//! them, and texts with a collation are keys.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StructArray};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use arrow::row::{RowConverter, Rows, SortField};
use rsql_common::Result;
use rsql_expr::SqlType;

use crate::collation::comparable;

/// Comparable forms of an array's values; NULL is smallest.
pub(crate) struct Keys {
    rows: Rows,
}

impl Keys {
    /// Keys of the values of a type.
    pub(crate) fn new(values: &ArrayRef, ty: &SqlType) -> Result<Self> {
        let values = comparable(values, ty)?;
        let converter = converter(values.data_type())?;
        Self::with(&converter, &values)
    }

    /// Keys of two arrays of one type, comparable with each other.
    pub(crate) fn pair(left: &ArrayRef, right: &ArrayRef, ty: &SqlType) -> Result<(Self, Self)> {
        let (left, right) = (comparable(left, ty)?, comparable(right, ty)?);
        let converter = converter(left.data_type())?;
        Ok((Self::with(&converter, &left)?, Self::with(&converter, &right)?))
    }

    fn with(converter: &RowConverter, values: &ArrayRef) -> Result<Self> {
        let rows = converter.convert_columns(&[canonical_floats(values)?])?;
        Ok(Self { rows })
    }

    /// The key of value `i`.
    pub(crate) fn get(&self, i: usize) -> &[u8] {
        self.rows.row(i).data()
    }
}

fn converter(ty: &DataType) -> Result<RowConverter> {
    Ok(RowConverter::new(vec![SortField::new(ty.clone())])?)
}

/// The values with every NaN the same and no negative zero, at any depth.
pub(crate) fn canonical_floats(array: &ArrayRef) -> Result<ArrayRef> {
    if !has_floats(array.data_type()) {
        return Ok(Arc::clone(array));
    }
    Ok(match array.data_type() {
        DataType::Float32 => Arc::new(
            array
                .as_primitive::<Float32Type>()
                .unary::<_, Float32Type>(|v| if v.is_nan() { f32::NAN } else { v + 0.0 }),
        ),
        DataType::Float64 => Arc::new(
            array
                .as_primitive::<Float64Type>()
                .unary::<_, Float64Type>(|v| if v.is_nan() { f64::NAN } else { v + 0.0 }),
        ),
        DataType::List(field) => {
            let list = array.as_list::<i32>();
            let values = canonical_floats(list.values())?;
            Arc::new(ListArray::try_new(
                Arc::clone(field),
                list.offsets().clone(),
                values,
                list.nulls().cloned(),
            )?)
        }
        DataType::Struct(fields) => {
            let columns = array
                .as_struct()
                .columns()
                .iter()
                .map(canonical_floats)
                .collect::<Result<Vec<_>>>()?;
            Arc::new(StructArray::try_new(fields.clone(), columns, array.nulls().cloned())?)
        }
        DataType::Map(field, sorted) => {
            let map = array.as_map();
            let entries: ArrayRef = Arc::new(map.entries().clone());
            let entries = canonical_floats(&entries)?.as_struct().clone();
            let offsets = map.offsets().clone();
            Arc::new(MapArray::try_new(
                Arc::clone(field),
                offsets,
                entries,
                map.nulls().cloned(),
                *sorted,
            )?)
        }
        _ => Arc::clone(array),
    })
}

fn has_floats(ty: &DataType) -> bool {
    match ty {
        DataType::Float32 | DataType::Float64 => true,
        DataType::List(f) | DataType::Map(f, _) => has_floats(f.data_type()),
        DataType::Struct(fields) => fields.iter().any(|f| has_floats(f.data_type())),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::Float64Array;

    #[test]
    fn floats_compare_as_spark_compares_them() {
        let values: ArrayRef = Arc::new(Float64Array::from(vec![0.0, -0.0, f64::NAN, -f64::NAN, f64::INFINITY]));
        let keys = Keys::new(&values, &SqlType::Double).unwrap();
        assert_eq!(keys.get(0), keys.get(1));
        assert_eq!(keys.get(2), keys.get(3));
        assert!(keys.get(4) < keys.get(2));
    }
}

//! Puts values computed for some rows back to their places.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanBufferBuilder, PrimitiveArray, UInt32Array, new_null_array,
};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::datatypes::*;
use rsql_common::Result;

use crate::{SqlType, Vector};

/// Values for the rows at `rows`.
#[derive(Debug)]
pub struct Piece {
    /// Where the values belong.
    pub rows: Vec<u32>,
    /// As many values.
    pub values: Vector,
}

/// One array of `rows` values from pieces; rows of no piece are NULL.
pub fn scatter(pieces: &[Piece], rows: usize, ty: &SqlType) -> Result<ArrayRef> {
    let want = ty.arrow();
    let fast = match &want {
        DataType::Int32 => primitive::<Int32Type>(pieces, rows, &want),
        DataType::Int64 => primitive::<Int64Type>(pieces, rows, &want),
        DataType::Decimal64(..) => primitive::<Decimal64Type>(pieces, rows, &want),
        DataType::Decimal128(..) => primitive::<Decimal128Type>(pieces, rows, &want),
        DataType::Float64 => primitive::<Float64Type>(pieces, rows, &want),
        DataType::Date32 => primitive::<Date32Type>(pieces, rows, &want),
        DataType::Timestamp(TimeUnit::Microsecond, _) => primitive::<TimestampMicrosecondType>(pieces, rows, &want),
        _ => None,
    };
    if let Some(array) = fast {
        return Ok(array);
    }
    // Constants stay one value; `at` says where each row's value lies in the concatenation.
    let mut arrays: Vec<ArrayRef> = Vec::new();
    let mut at: Vec<Option<u32>> = vec![None; rows];
    let mut base = 0u32;
    for piece in pieces {
        let (array, step) = match &piece.values {
            Vector::Constant { value, .. } => (value.clone(), 0),
            v => (v.to_array()?, 1),
        };
        let null = *array.data_type() == DataType::Null && want != DataType::Null;
        for (i, row) in piece.rows.iter().enumerate() {
            at[*row as usize] = (!null).then_some(base + i as u32 * step);
        }
        if !null {
            base += array.len() as u32;
            arrays.push(array);
        }
    }
    if arrays.is_empty() {
        return Ok(new_null_array(&want, rows));
    }
    let parts: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
    let all = arrow::compute::concat(&parts)?;
    Ok(arrow::compute::take(&all, &UInt32Array::from(at), None)?)
}

fn primitive<T: ArrowPrimitiveType>(pieces: &[Piece], rows: usize, ty: &DataType) -> Option<ArrayRef> {
    let mut out = vec![T::default_value(); rows];
    let covered: usize = pieces.iter().map(|p| p.rows.len()).sum();
    let has_null = |v: &Vector| match v {
        Vector::Constant { value, .. } => value.logical_null_count() > 0,
        v => v.nulls().is_some_and(|n| n.null_count() > 0),
    };
    let mut valid = (covered < rows || pieces.iter().any(|p| has_null(&p.values))).then(|| {
        let mut b = BooleanBufferBuilder::new(rows);
        b.append_n(rows, false);
        b
    });
    for piece in pieces {
        match &piece.values {
            Vector::Constant { value, .. } => {
                if value.logical_null_count() > 0 {
                    continue;
                }
                let v = *value.as_primitive_opt::<T>()?.values().first()?;
                for row in &piece.rows {
                    out[*row as usize] = v;
                }
                if let Some(valid) = &mut valid {
                    piece.rows.iter().for_each(|r| valid.set_bit(*r as usize, true));
                }
            }
            v => {
                let array = v.to_array().ok()?;
                let values = array.as_primitive_opt::<T>()?;
                for (row, v) in piece.rows.iter().zip(values.values().iter()) {
                    out[*row as usize] = *v;
                }
                if let Some(valid) = &mut valid {
                    for (i, row) in piece.rows.iter().enumerate() {
                        valid.set_bit(*row as usize, values.is_valid(i));
                    }
                }
            }
        }
    }
    let nulls = valid.map(|mut v| NullBuffer::new(v.finish()));
    Some(Arc::new(
        PrimitiveArray::<T>::new(ScalarBuffer::from(out), nulls).with_data_type(ty.clone()),
    ))
}

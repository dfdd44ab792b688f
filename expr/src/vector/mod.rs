//! Values in memory: vectors, selections and chunks.
//!
//! A [`Vector`] is `Flat` (an Arrow array of the engine's type for the column, see [`crate::SqlType::arrow`]),
//! `Dictionary` (narrow codes into shared values) or `Constant`. A [`Chunk`] is some vectors of one length plus a
//! selection. Vectors handed to kernels are dense: the evaluator gathers selected rows first.

mod chunk;
mod codes;
mod selection;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, UInt32Array, new_null_array};
use arrow::buffer::NullBuffer;
use rsql_common::{DictId, Result};

pub use chunk::Chunk;
pub use codes::Codes;
pub use selection::Selection;

/// Values of one column for the physical rows of a chunk.
#[derive(Debug, Clone)]
pub enum Vector {
    /// One value a row.
    Flat(ArrayRef),
    /// One code a row into shared values.
    Dictionary(DictVector),
    /// The same value in every row.
    Constant {
        /// Array of exactly one value.
        value: ArrayRef,
        /// Rows.
        len: usize,
    },
}

/// Codes into a dictionary.
#[derive(Debug, Clone)]
pub struct DictVector {
    /// One code a row; arbitrary but in range where the row is NULL.
    pub codes: Codes,
    /// Which rows are not NULL; absent if all are.
    pub validity: Option<NullBuffer>,
    /// The values.
    pub dict: Arc<Dict>,
}

/// Shared values of a dictionary. Values hold no NULL: validity is over rows.
#[derive(Debug)]
pub struct Dict {
    /// Identity: equal ids mean equal values in equal order.
    pub id: DictId,
    /// Values, of the engine's type for the column.
    pub values: ArrayRef,
    /// No value occurs twice, so codes may be compared and grouped instead of values.
    pub distinct: bool,
}

impl Vector {
    /// Rows.
    pub fn len(&self) -> usize {
        match self {
            Vector::Flat(a) => a.len(),
            Vector::Dictionary(d) => d.codes.len(),
            Vector::Constant { len, .. } => *len,
        }
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Arrow type of the values.
    pub fn data_type(&self) -> &arrow::datatypes::DataType {
        match self {
            Vector::Flat(a) | Vector::Constant { value: a, .. } => a.data_type(),
            Vector::Dictionary(d) => d.dict.values.data_type(),
        }
    }

    /// The same row in every row.
    pub fn constant(value: ArrayRef, len: usize) -> Self {
        debug_assert_eq!(value.len(), 1);
        Vector::Constant { value, len }
    }

    /// The values as a plain Arrow array, copying where they are encoded.
    pub fn to_array(&self) -> Result<ArrayRef> {
        match self {
            Vector::Flat(a) => Ok(Arc::clone(a)),
            Vector::Dictionary(d) => d.decode(),
            Vector::Constant { value, len } => repeat(value, *len),
        }
    }

    /// Rows `indices` of this vector, dense.
    pub fn take(&self, indices: &[u32]) -> Result<Vector> {
        Ok(match self {
            Vector::Flat(a) => {
                let indices = UInt32Array::from(indices.to_vec());
                Vector::Flat(arrow::compute::take(a, &indices, None)?)
            }
            Vector::Dictionary(d) => Vector::Dictionary(DictVector {
                codes: d.codes.take(indices),
                validity: d
                    .validity
                    .as_ref()
                    .map(|v| indices.iter().map(|i| v.is_valid(*i as usize)).collect()),
                dict: Arc::clone(&d.dict),
            }),
            Vector::Constant { value, .. } => Vector::Constant {
                value: Arc::clone(value),
                len: indices.len(),
            },
        })
    }

    /// Rows `offset..offset + len`, without copying.
    pub fn slice(&self, offset: usize, len: usize) -> Vector {
        match self {
            Vector::Flat(a) => Vector::Flat(a.slice(offset, len)),
            Vector::Dictionary(d) => Vector::Dictionary(DictVector {
                codes: d.codes.slice(offset, len),
                validity: d.validity.as_ref().map(|v| v.slice(offset, len)),
                dict: Arc::clone(&d.dict),
            }),
            Vector::Constant { value, .. } => Vector::Constant {
                value: Arc::clone(value),
                len,
            },
        }
    }

    /// Which rows are not NULL; `None` if all are.
    pub fn nulls(&self) -> Option<NullBuffer> {
        match self {
            Vector::Flat(a) => a.logical_nulls(),
            Vector::Dictionary(d) => d.validity.clone(),
            Vector::Constant { value, len } => (value.logical_null_count() > 0).then(|| NullBuffer::new_null(*len)),
        }
    }

    /// Bytes held, shared values included.
    pub fn memory_size(&self) -> usize {
        match self {
            Vector::Flat(a) | Vector::Constant { value: a, .. } => a.get_array_memory_size(),
            Vector::Dictionary(d) => d.codes.len() * d.codes.width() + d.dict.values.get_array_memory_size(),
        }
    }
}

impl DictVector {
    fn decode(&self) -> Result<ArrayRef> {
        if self.dict.values.is_empty() {
            return Ok(new_null_array(self.dict.values.data_type(), self.codes.len()));
        }
        let indices = UInt32Array::new(self.codes.to_u32(), self.validity.clone());
        Ok(arrow::compute::take(&self.dict.values, &indices, None)?)
    }
}

impl Dict {
    /// Values under a fresh identity.
    pub fn new(values: ArrayRef, distinct: bool) -> Arc<Self> {
        Arc::new(Self {
            id: DictId::fresh(),
            values,
            distinct,
        })
    }
}

/// `value` (one row) `len` times.
pub fn repeat(value: &ArrayRef, len: usize) -> Result<ArrayRef> {
    if len == 1 {
        return Ok(Arc::clone(value));
    }
    if value.is_null(0) {
        return Ok(new_null_array(value.data_type(), len));
    }
    Ok(arrow::compute::take(value, &UInt32Array::from(vec![0u32; len]), None)?)
}

/// Positions of TRUE (neither FALSE nor NULL).
pub fn true_positions(mask: &BooleanArray) -> Vec<u32> {
    let bits = match mask.nulls() {
        Some(nulls) => mask.values() & nulls.inner(),
        None => mask.values().clone(),
    };
    bits.set_indices_u32().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int32Array, StringViewArray};

    #[test]
    fn every_form_reads_the_same() {
        let dict = Dict::new(Arc::new(StringViewArray::from(vec!["a", "b"])), true);
        let v = Vector::Dictionary(DictVector {
            codes: Codes::from(vec![0u8, 1, 1, 0]),
            validity: Some(NullBuffer::from(vec![true, true, false, true])),
            dict,
        });
        let flat = Vector::Flat(v.to_array().unwrap());
        for rows in [vec![3u32, 2, 0], vec![]] {
            assert_eq!(
                &v.take(&rows).unwrap().to_array().unwrap(),
                &flat.take(&rows).unwrap().to_array().unwrap()
            );
        }
        assert_eq!(
            &v.slice(1, 2).to_array().unwrap(),
            &flat.slice(1, 2).to_array().unwrap()
        );
        let c = Vector::constant(Arc::new(Int32Array::from(vec![7])), 3);
        assert_eq!(c.to_array().unwrap().len(), 3);
    }

    #[test]
    fn nulls_are_not_true() {
        assert_eq!(
            true_positions(&BooleanArray::from(vec![Some(true), None, Some(false), Some(true)])),
            vec![0, 3]
        );
    }
}

//! Operands of binary kernels: a slice or one value for all rows.

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray};
use arrow::buffer::NullBuffer;
use rsql_common::{Error, Result};

use crate::{SqlType, Vector};

/// One side of a binary kernel.
#[derive(Debug, Clone, Copy)]
pub enum Operand<'a, T> {
    /// A value a row.
    All(&'a [T]),
    /// The same value for all rows.
    One(T),
}

impl<'a, T: Copy> Operand<'a, T> {
    /// The value of a row.
    #[inline]
    pub fn get(&self, row: usize) -> T {
        match self {
            Operand::All(v) => v[row],
            Operand::One(v) => *v,
        }
    }
}

/// Applies `f` to each pair of values.
#[inline]
pub(super) fn zip_map<L: Copy, R: Copy, O>(
    left: Operand<'_, L>,
    right: Operand<'_, R>,
    rows: usize,
    mut f: impl FnMut(L, R) -> O,
) -> Vec<O> {
    match (left, right) {
        (Operand::All(l), Operand::All(r)) => l.iter().zip(r).map(|(a, b)| f(*a, *b)).collect(),
        (Operand::All(l), Operand::One(b)) => l.iter().map(|a| f(*a, b)).collect(),
        (Operand::One(a), Operand::All(r)) => r.iter().map(|b| f(a, *b)).collect(),
        (Operand::One(a), Operand::One(b)) => (0..rows).map(|_| f(a, b)).collect(),
    }
}

/// A decoded vector: an array, of one row for constants.
#[derive(Debug, Clone)]
pub(super) struct Side {
    pub array: ArrayRef,
    pub constant: bool,
}

impl Side {
    pub fn new(v: &Vector) -> Result<Side> {
        Ok(match v {
            Vector::Constant { value, .. } => Side {
                array: value.clone(),
                constant: true,
            },
            v => Side {
                array: v.to_array()?,
                constant: false,
            },
        })
    }

    /// True for a constant NULL.
    pub fn is_null_constant(&self) -> bool {
        self.constant && self.array.logical_null_count() > 0
    }

    /// Validity of the rows; constants have none (see [`Side::is_null_constant`]).
    pub fn nulls(&self) -> Option<NullBuffer> {
        if self.constant {
            None
        } else {
            self.array.logical_nulls()
        }
    }

    pub fn operand<T: ArrowPrimitiveType>(&self) -> Result<Operand<'_, T::Native>> {
        let values = self
            .array
            .as_primitive_opt::<T>()
            .ok_or_else(|| Error::internal(format!("operand is {}, not {}", self.array.data_type(), T::DATA_TYPE)))?
            .values();
        Ok(match (self.constant, values.first()) {
            (true, Some(v)) => Operand::One(*v),
            _ => Operand::All(values),
        })
    }

    /// The same integers under another type of their width.
    pub fn retyped(&self, ty: &SqlType) -> Result<Side> {
        Ok(Side {
            array: crate::eval::retype(self.array.clone(), ty)?,
            constant: self.constant,
        })
    }

    /// Row in `array` that row `row` of the vector reads.
    #[inline]
    pub fn row(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }
}

/// Rows valid in both.
pub fn union_nulls(a: Option<&NullBuffer>, b: Option<&NullBuffer>) -> Option<NullBuffer> {
    NullBuffer::union(a, b).filter(|n| n.null_count() > 0)
}

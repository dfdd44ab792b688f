//! Blocks of the cross product of a left chunk and the right side.

use arrow::array::{ArrayRef, UInt32Array, new_null_array};
use rsql_common::Result;
use rsql_expr::{Chunk, Vector};

use super::Shared;
use crate::hash_join::gather;
use crate::hashing::NONE;

/// A rectangle of pairs: some left rows by some right rows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block {
    pub(super) left: usize,
    pub(super) left_end: usize,
    pub(super) right: usize,
    pub(super) right_end: usize,
}

impl Block {
    pub(super) fn len(self) -> usize {
        (self.left_end - self.left) * (self.right_end - self.right)
    }

    /// Left and right row of a pair.
    pub(super) fn pair(self, at: usize) -> (usize, usize) {
        let width = self.right_end - self.right;
        (self.left + at / width, self.right + at % width)
    }
}

/// The blocks of a cross product in left-major order, of about `size` pairs.
pub(super) fn blocks(left: usize, right: usize, size: usize) -> impl Iterator<Item = Block> {
    // Either several left rows by all right rows, or one left row by some right rows.
    let left_step = (size / right.max(1)).max(1);
    let right_step = right.min(size).max(1);
    (0..left).step_by(left_step).flat_map(move |l| {
        (0..right).step_by(right_step).map(move |r| Block {
            left: l,
            left_end: (l + left_step).min(left),
            right: r,
            right_end: (r + right_step).min(right),
        })
    })
}

/// All pairs of a block as a chunk; columns not `used` are NULL.
pub(super) fn cross(left: &Chunk, right: &Chunk, shared: &Shared, block: Block, used: &[bool]) -> Result<Chunk> {
    let len = block.len();
    let (left_rows, right_rows) = (block.left_end - block.left, block.right_end - block.right);
    let unused = |array: ArrayRef| Vector::constant(array, len);
    let mut columns = Vec::with_capacity(used.len());
    let repeated: Vec<u32> = (block.left..block.left_end)
        .flat_map(|l| std::iter::repeat_n(l as u32, right_rows))
        .collect();
    for (i, column) in left.columns.iter().enumerate() {
        columns.push(match used[i] {
            false => unused(new_null_array(&shared.left_types[i], 1)),
            true if left_rows == 1 => constant_of(column, block.left, len)?,
            true => column.take(&repeated)?,
        });
    }
    let cycled: Vec<u32> = match left_rows {
        1 => Vec::new(),
        n => (0..n)
            .flat_map(|_| block.right as u32..block.right_end as u32)
            .collect(),
    };
    for (i, column) in right.columns.iter().enumerate() {
        columns.push(match used[left.columns.len() + i] {
            false => unused(new_null_array(&shared.right_types[i], 1)),
            true if left_rows == 1 => column.slice(block.right, right_rows),
            true if right_rows == 1 => constant_of(column, block.right, len)?,
            true => column.take(&cycled)?,
        });
    }
    Ok(Chunk::new(columns, len))
}

/// One row of a vector, `len` times.
pub(super) fn constant_of(vector: &Vector, row: usize, len: usize) -> Result<Vector> {
    Ok(Vector::constant(vector.slice(row, 1).to_array()?, len))
}

/// Pairs by left and right rows; a right row of [`NONE`] gives NULLs.
pub(super) fn pairs(left: &Chunk, right: &Chunk, shared: &Shared, l: &[u32], r: &[u32]) -> Result<Chunk> {
    let mut columns = left.columns.iter().map(|c| c.take(l)).collect::<Result<Vec<_>>>()?;
    let valid: arrow::buffer::NullBuffer = r.iter().map(|r| *r != NONE).collect();
    if valid.null_count() == r.len() {
        columns.extend(
            shared
                .right_types
                .iter()
                .map(|t| Vector::constant(new_null_array(t, 1), r.len())),
        );
    } else {
        let nulls = (valid.null_count() > 0).then_some(valid);
        let rows: Vec<u32> = r.iter().map(|r| if *r == NONE { 0 } else { *r }).collect();
        let index = UInt32Array::new(rows.into(), nulls);
        for column in &right.columns {
            columns.push(gather(column, &index)?);
        }
    }
    Ok(Chunk::new(columns, l.len()).with_sequence(left.sequence))
}

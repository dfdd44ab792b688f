//! Where the elements of a row lie: what columns of arrays and of maps share, read and put together.

use std::ops::Range;

use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use rsql_common::{Error, Result};

/// Each row's range in arrays that begin with the first row's.
pub(crate) struct Ranges {
    offsets: ScalarBuffer<i32>,
    base: i32,
    nulls: Option<NullBuffer>,
}

impl Ranges {
    /// The ranges of a column, and what part of its elements they are of: where it begins, how many.
    pub(super) fn new(offsets: &OffsetBuffer<i32>, nulls: Option<&NullBuffer>) -> (Self, (usize, usize)) {
        let offsets = offsets.inner().clone();
        let base = offsets[0];
        let end = offsets[offsets.len() - 1];
        let ranges = Self {
            offsets,
            base,
            nulls: nulls.cloned(),
        };
        (ranges, (base as usize, (end - base) as usize))
    }

    /// Rows.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Positions of a row's elements.
    pub(crate) fn range(&self, row: usize) -> Range<usize> {
        let (start, end) = (self.offsets[row] - self.base, self.offsets[row + 1] - self.base);
        start as usize..end as usize
    }

    /// The row is NULL.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        self.nulls.as_ref().is_some_and(|n| n.is_null(row))
    }

    /// Which rows are not NULL.
    pub(crate) fn nulls(&self) -> Option<&NullBuffer> {
        self.nulls.as_ref()
    }

    /// Offsets from 0, for lists over the elements.
    pub(crate) fn offsets(&self) -> OffsetBuffer<i32> {
        OffsetBuffer::new(self.offsets.iter().map(|o| o - self.base).collect())
    }

    /// For every element of a row that is not NULL: the row, with the element's position.
    pub(super) fn rows_and_positions(&self) -> (Vec<u32>, Vec<u32>) {
        let all = (self.offsets[self.len()] - self.base) as usize;
        let (mut rows, mut positions) = (Vec::with_capacity(all), Vec::with_capacity(all));
        for row in (0..self.len()).filter(|r| !self.is_null(*r)) {
            for i in self.range(row) {
                rows.push(row as u32);
                positions.push(i as u32);
            }
        }
        (rows, positions)
    }
}

/// Rows as they are put together: where each ends, and which are NULL.
#[derive(Default)]
pub(super) struct RowEnds {
    ends: Vec<i32>,
    valid: Vec<bool>,
}

impl RowEnds {
    /// No rows yet, with room for `rows`.
    pub(super) fn with_capacity(rows: usize) -> Self {
        Self {
            ends: Vec::with_capacity(rows),
            valid: Vec::with_capacity(rows),
        }
    }

    /// Where the current row starts.
    pub(super) fn start(&self) -> usize {
        self.ends.last().map_or(0, |e| *e as usize)
    }

    /// Ends the current row where `elements` are there; `what` are they.
    pub(super) fn end_row(&mut self, elements: usize, what: &str) -> Result<()> {
        let end = i32::try_from(elements)
            .map_err(|_| Error::exhausted(format!("the {what} of one chunk are more than 2147483647")))?;
        self.ends.push(end);
        self.valid.push(true);
        Ok(())
    }

    /// Adds a NULL row.
    pub(super) fn null_row(&mut self) {
        self.ends.push(self.ends.last().copied().unwrap_or(0));
        self.valid.push(false);
    }

    /// Offsets and NULLs of the rows.
    pub(super) fn finish(self) -> (OffsetBuffer<i32>, Option<NullBuffer>) {
        let mut offsets = Vec::with_capacity(self.ends.len() + 1);
        offsets.push(0);
        offsets.extend(self.ends);
        let nulls = self.valid.contains(&false).then(|| NullBuffer::from(self.valid));
        (OffsetBuffer::new(offsets.into()), nulls)
    }
}

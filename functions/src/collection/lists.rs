//! Arrays by row: where a row's elements lie, and new arrays put together from existing elements.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field};
use rsql_common::{Error, Result};
use rsql_expr::SqlType;
use rsql_expr::function::EvalArgs;

/// An array column: all elements in one array, and each row's range in it.
pub(crate) struct Lists {
    /// Elements of all rows.
    pub(crate) values: ArrayRef,
    offsets: ScalarBuffer<i32>,
    base: i32,
    nulls: Option<NullBuffer>,
    element_nulls: Option<NullBuffer>,
    /// Type of the elements, where the list is an argument.
    pub(crate) element: SqlType,
}

impl Lists {
    /// Reads a list array.
    pub(crate) fn new(array: &ArrayRef) -> Result<Self> {
        let list = array
            .as_list_opt::<i32>()
            .ok_or_else(|| Error::internal(format!("expected an array column, found {}", array.data_type())))?;
        let offsets = list.offsets().inner().clone();
        let (base, end) = (offsets[0], offsets[list.len()]);
        let values = list.values().slice(base as usize, (end - base) as usize);
        Ok(Self {
            element_nulls: values.logical_nulls(),
            values,
            offsets,
            base,
            nulls: list.nulls().cloned(),
            element: SqlType::Void,
        })
    }

    /// Argument `i` of a call.
    pub(crate) fn arg(args: &EvalArgs<'_>, i: usize) -> Result<Self> {
        let mut lists = Self::new(&args.array(i)?)?;
        if let SqlType::Array(a) = args.ty(i) {
            lists.element = a.element.clone();
        }
        Ok(lists)
    }

    /// Rows.
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Positions of a row's elements in `values`.
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

    /// Element `i` of `values` is NULL.
    pub(crate) fn element_is_null(&self, i: usize) -> bool {
        self.element_nulls.as_ref().is_some_and(|n| n.is_null(i))
    }

    /// For every element of a row that is not NULL: the row. With them the elements, dense.
    pub(crate) fn rows_and_elements(&self) -> Result<(Vec<u32>, ArrayRef)> {
        let mut rows = Vec::with_capacity(self.values.len());
        let mut picks = Vec::with_capacity(self.values.len());
        for row in (0..self.len()).filter(|r| !self.is_null(*r)) {
            for i in self.range(row) {
                rows.push(row as u32);
                picks.push(i as u32);
            }
        }
        let values = if picks.len() == self.values.len() {
            Arc::clone(&self.values)
        } else {
            arrow::compute::take(&self.values, &UInt32Array::from(picks), None)?
        };
        Ok((rows, values))
    }

    /// Lists of the same lengths (0 for NULL rows) over other elements, as [`Lists::rows_and_elements`] orders them.
    pub(crate) fn with_elements(&self, elements: ArrayRef, ty: &SqlType) -> Result<ArrayRef> {
        let lengths = (0..self.len()).map(|r| if self.is_null(r) { 0 } else { self.range(r).len() });
        list_of(OffsetBuffer::from_lengths(lengths), elements, self.nulls.clone(), ty)
    }
}

/// A list array of a Spark type.
fn list_of(offsets: OffsetBuffer<i32>, values: ArrayRef, nulls: Option<NullBuffer>, ty: &SqlType) -> Result<ArrayRef> {
    let field = match ty.arrow() {
        DataType::List(field) => field,
        _ => Arc::new(Field::new("item", values.data_type().clone(), true)),
    };
    Ok(Arc::new(ListArray::try_new(field, offsets, values, nulls)?))
}

/// Position that stands for a NULL element.
const NULL_PICK: u32 = u32::MAX;

/// Lists put together row by row from elements named by position.
#[derive(Default)]
pub(crate) struct ListGather {
    picks: Vec<u32>,
    has_null_pick: bool,
    ends: Vec<i32>,
    valid: Vec<bool>,
}

impl ListGather {
    /// An empty result with room for `rows`.
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            ends: Vec::with_capacity(rows),
            valid: Vec::with_capacity(rows),
            ..Self::default()
        }
    }

    /// Adds an element to the current row: position in the sources, one after the other.
    pub(crate) fn push(&mut self, position: usize) {
        self.picks.push(position as u32);
    }

    /// Adds a NULL to the current row.
    pub(crate) fn push_null(&mut self) {
        self.has_null_pick = true;
        self.picks.push(NULL_PICK);
    }

    /// Adds a range of elements to the current row.
    pub(crate) fn extend(&mut self, positions: Range<usize>) {
        self.picks.extend(positions.map(|p| p as u32));
    }

    /// The elements put into the current row so far.
    pub(crate) fn current(&mut self) -> &mut [u32] {
        let start = self.ends.last().map_or(0, |e| *e as usize);
        &mut self.picks[start..]
    }

    /// Ends the current row.
    pub(crate) fn end_row(&mut self) -> Result<()> {
        let end = i32::try_from(self.picks.len())
            .map_err(|_| Error::exhausted("the arrays of one chunk hold more than 2147483647 elements"))?;
        self.ends.push(end);
        self.valid.push(true);
        Ok(())
    }

    /// Adds a NULL row.
    pub(crate) fn null_row(&mut self) {
        self.ends.push(self.ends.last().copied().unwrap_or(0));
        self.valid.push(false);
    }

    /// Builds the lists; positions count through `sources` one after the other.
    pub(crate) fn finish(self, sources: &[&ArrayRef], ty: &SqlType) -> Result<ArrayRef> {
        let indices: UInt32Array = if self.has_null_pick {
            self.picks.iter().map(|p| (*p != NULL_PICK).then_some(*p)).collect()
        } else {
            UInt32Array::from(self.picks)
        };
        let values = match sources {
            [only] => arrow::compute::take(only, &indices, None)?,
            many => {
                let parts: Vec<&dyn Array> = many.iter().map(|a| a.as_ref()).collect();
                arrow::compute::take(&arrow::compute::concat(&parts)?, &indices, None)?
            }
        };
        let mut offsets = Vec::with_capacity(self.ends.len() + 1);
        offsets.push(0);
        offsets.extend(self.ends);
        let nulls = self.valid.contains(&false).then(|| NullBuffer::from(self.valid));
        list_of(OffsetBuffer::new(offsets.into()), values, nulls, ty)
    }
}

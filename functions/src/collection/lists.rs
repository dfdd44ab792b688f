//! Arrays by row: where a row's elements lie, and new arrays put together from existing elements.

use std::ops::{Deref, Range};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, Field};
use rsql_common::{Error, Result};
use rsql_expr::SqlType;
use rsql_expr::function::EvalArgs;

use super::ranges::{Ranges, RowEnds};

/// An array column: all elements in one array, and each row's range in it.
pub(crate) struct Lists {
    /// Elements of all rows.
    pub(crate) values: ArrayRef,
    rows: Ranges,
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
        let (rows, (from, n)) = Ranges::new(list.offsets(), list.nulls());
        let values = list.values().slice(from, n);
        Ok(Self {
            element_nulls: values.logical_nulls(),
            values,
            rows,
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

    /// Element `i` of `values` is NULL.
    pub(crate) fn element_is_null(&self, i: usize) -> bool {
        self.element_nulls.as_ref().is_some_and(|n| n.is_null(i))
    }

    /// For every element of a row that is not NULL: the row. With them the elements, dense.
    pub(crate) fn rows_and_elements(&self) -> Result<(Vec<u32>, ArrayRef)> {
        let (rows, picks) = self.rows_and_positions();
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
        list_of(OffsetBuffer::from_lengths(lengths), elements, self.nulls().cloned(), ty)
    }
}

impl Deref for Lists {
    type Target = Ranges;

    fn deref(&self) -> &Ranges {
        &self.rows
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
    rows: RowEnds,
}

impl ListGather {
    /// An empty result with room for `rows`.
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            rows: RowEnds::with_capacity(rows),
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
        let start = self.rows.start();
        &mut self.picks[start..]
    }

    /// Ends the current row.
    pub(crate) fn end_row(&mut self) -> Result<()> {
        self.rows.end_row(self.picks.len(), "elements of the arrays")
    }

    /// Adds a NULL row.
    pub(crate) fn null_row(&mut self) {
        self.rows.null_row();
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
        let (offsets, nulls) = self.rows.finish();
        list_of(offsets, values, nulls, ty)
    }
}

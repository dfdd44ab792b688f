//! Aggregates that keep a group's values and answer from all of them at the end.

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use arrow::row::{RowConverter, Rows, SortField};
use rsql_common::Result;
use rsql_expr::Vector;
use rsql_expr::function::Accumulator;

use super::define::arg;
use super::store::Collected;

/// What an aggregate makes of the values it kept.
pub(super) trait Answer: Send {
    /// One value a group: group `g` has `values` from `starts[g]` to `starts[g + 1]`, and `rows` are the values in bytes
    /// that compare as they do.
    fn answer(&self, starts: &[usize], values: &ArrayRef, rows: &Rows) -> Result<ArrayRef>;
}

/// Keeps the values of argument 0 that are not NULL.
pub(super) struct Collecting<A> {
    values: Collected,
    rows: RowConverter,
    answer: A,
}

impl<A: Answer> Collecting<A> {
    /// Of values of type `ty`.
    pub(super) fn new(ty: DataType, answer: A) -> Result<Self> {
        Ok(Self {
            values: Collected::new(ty.clone()),
            rows: RowConverter::new(vec![SortField::new(ty)])?,
            answer,
        })
    }
}

impl<A: Answer> Accumulator for Collecting<A> {
    fn resize(&mut self, groups: usize) {
        self.values.resize(groups);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let array = arg(args, 0)?.to_array()?;
        let nulls = array.logical_nulls();
        self.values
            .push(&array, group_of, |i| nulls.as_ref().is_none_or(|n| n.is_valid(i)));
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        self.values.push_lists(arg(states, 0)?, group_of)
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.values.lists()?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let (starts, values) = self.values.grouped()?;
        let rows = self.rows.convert_columns(std::slice::from_ref(&values))?;
        self.answer.answer(&starts, &values, &rows)
    }

    fn size(&self) -> usize {
        self.values.size()
    }
}

//! Aggregate functions: one value a group. Their state is columns, so that it can be stored, spilled and shuffled.

use arrow::array::ArrayRef;
use rsql_common::Result;

use super::{Doc, ResolveCx};
use crate::tree::{AggregateCall, SortKey};
use crate::{Expr, SqlType, Vector};

/// Definition of an aggregate function.
#[derive(Debug)]
pub struct AggregateFn {
    /// Canonical name, lower case.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Documentation.
    pub doc: Doc,
    /// Checks arguments, adds casts, gives type and nullability. The sort keys are WITHIN GROUP's, the flag is IGNORE
    /// NULLS; the analyzer sets `distinct` and `filter` on the call it gets. Functions that need the sort keys' values
    /// append them to the arguments.
    pub resolve: fn(Vec<Expr>, Vec<SortKey>, bool, &ResolveCx<'_>) -> Result<AggregateCall>,
    /// Columns of the partial state.
    pub state: fn(&AggregateCall) -> Vec<StateField>,
    /// Fresh accumulator over groups.
    pub accumulator: fn(&AggregateCall) -> Result<Box<dyn Accumulator>>,
    /// The result does not depend on duplicates (min, max, …), so DISTINCT may be dropped.
    pub duplicate_insensitive: bool,
    /// The result depends on the order of rows (`collect_list`, `first`, …).
    pub order_sensitive: bool,
}

/// A column of an aggregate's partial state.
#[derive(Debug, Clone, PartialEq)]
pub struct StateField {
    /// Name for display.
    pub name: &'static str,
    /// Type.
    pub ty: SqlType,
}

/// State of one aggregate for many groups, stored by column.
///
/// Groups are numbered from 0; `resize` is called before a group number is first used.
pub trait Accumulator: Send {
    /// Makes room for groups `0..groups`; new ones are in the initial state.
    fn resize(&mut self, groups: usize);

    /// Adds rows: row `i` of the dense argument vectors belongs to group `group_of[i]`.
    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()>;

    /// Adds rows that all belong to one group; the fast path of ungrouped aggregation and of clustered runs.
    fn update_one(&mut self, args: &[Vector], rows: usize, group: u32) -> Result<()> {
        self.update(args, &vec![group; rows])
    }

    /// Adds partial states (columns as in [`AggregateFn::state`]): row `i` into group `group_of[i]`.
    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()>;

    /// The partial states of all groups, as columns.
    fn state(&mut self) -> Result<Vec<ArrayRef>>;

    /// The results of all groups, of the call's type.
    fn finish(&mut self) -> Result<ArrayRef>;

    /// Bytes held.
    fn size(&self) -> usize;
}

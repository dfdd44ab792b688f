//! Window functions proper (`rank`, `lag`, …); aggregates over frames use [`super::AggregateFn`].

use arrow::array::ArrayRef;
use rsql_common::Result;

use super::{Doc, ResolveCx};
use crate::Expr;
use crate::tree::{WindowFrame, WindowFunc};

/// Definition of a window function.
#[derive(Debug)]
pub struct WindowFn {
    /// Canonical name, lower case.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Documentation.
    pub doc: Doc,
    /// Checks arguments, adds casts, gives the call ([`WindowFunc::Window`]). The flag is IGNORE NULLS.
    pub resolve: fn(Vec<Expr>, bool, &ResolveCx<'_>) -> Result<WindowFunc>,
    /// The only frame the function takes, if it does not honour the written one (ranking and offset functions).
    pub fixed_frame: Option<fn() -> WindowFrame>,
    /// Needs ORDER BY.
    pub needs_order: bool,
    /// Computes the values of one partition.
    pub eval: fn(&WindowInput<'_>) -> Result<ArrayRef>,
}

/// One partition, sorted.
pub struct WindowInput<'a> {
    /// Arguments for the partition's rows.
    pub args: &'a [ArrayRef],
    /// Rows of the partition.
    pub rows: usize,
    /// For each row, the first row of its peer group (equal sort keys).
    pub peer_start: &'a [u32],
    /// For each row, one past the last row of its peer group.
    pub peer_end: &'a [u32],
    /// For each row, its frame `start..end` (empty if `start >= end`).
    pub frames: &'a [(u32, u32)],
    /// IGNORE NULLS.
    pub ignore_nulls: bool,
    /// The call's result type.
    pub ty: &'a crate::SqlType,
}

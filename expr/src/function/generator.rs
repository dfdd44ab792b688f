//! Generators: any number of rows for one row (`explode`, `stack`, `json_tuple`, …).

use arrow::array::ArrayRef;
use rsql_common::Result;

use super::{Doc, ResolveCx};
use crate::{Expr, SqlType};

/// Definition of a generator. `*_outer` forms are the same definition with the node's `outer` flag.
#[derive(Debug)]
pub struct GeneratorFn {
    /// Canonical name, lower case.
    pub name: &'static str,
    /// Other names.
    pub aliases: &'static [&'static str],
    /// Documentation.
    pub doc: Doc,
    /// Checks arguments and adds casts; gives name, type and nullability of the output columns.
    pub resolve: fn(Vec<Expr>, &ResolveCx<'_>) -> Result<(Vec<Expr>, Vec<(String, SqlType, bool)>)>,
    /// Computes the rows. Arguments have their resolved types.
    pub eval: fn(&[ArrayRef], &[SqlType], usize) -> Result<GeneratorOutput>,
}

/// Rows a generator made for a chunk, ordered by input row.
pub struct GeneratorOutput {
    /// For each output row, the input row it came from (ascending).
    pub row_of: Vec<u32>,
    /// Output columns.
    pub columns: Vec<ArrayRef>,
}

//! What is known about a source before reading it: row counts and column bounds from footers.

use rsql_expr::Scalar;

/// Facts of a source, for the cost model and for proofs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ScanFacts {
    /// Rows, if known.
    pub rows: Option<u64>,
    /// Bytes on disk (compressed).
    pub bytes: u64,
    /// Rows are known exactly.
    pub exact: bool,
    /// Per source column.
    pub columns: Vec<ColumnFacts>,
}

/// Facts of a column.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ColumnFacts {
    /// Smallest value, or a lower bound.
    pub min: Option<Scalar>,
    /// Largest value, or an upper bound.
    pub max: Option<Scalar>,
    /// The bounds are values that occur (if any value does).
    pub exact_bounds: bool,
    /// NULLs, if known.
    pub null_count: Option<u64>,
    /// Distinct values, if known or well estimated.
    pub distinct: Option<u64>,
    /// Average bytes of a value in memory.
    pub width: Option<f64>,
    /// Values never repeat.
    pub unique: bool,
}
